"""What officers and curators do at the desk, from the key to the receipt: on a phone, by keys alone, without a script.
Each page on the way shuts nobody out, fits its screen, asks nobody else for anything, and is HTML as written down."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, FilePayload, Page

from app.db.engine import open_write_session
from app.vocabulary import Role
from tests.api.serving import serving
from tests.databases import Templates, settings_of
from tests.support import World
from tests.web.browser.conftest import Visitor
from tests.web.browser.looking import OVERFLOW, faults_of, violations
from tests.web.desk.test_list_upload import LIST

PHONE = 360
FIRST, SECOND = "curator", "second curator"
MOST_STEPS = 150  # from a field of a form to the next that somebody wants


@dataclass
class Desk:
    """A desk with two namesakes before its curators, and somebody who objects. `passed`: pages as they came."""

    here: str
    keys: dict[str, str]
    passed: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def desk(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    template, keys = templates.world("sqlite")
    with templates.copy("sqlite", template) as url:
        with World(settings_of(url), keys=keys) as world:
            world.file("foro")
            world.file("foro", detention__facility="Ramo Verde")
            objects = world.file("jep", detainee__full_name="Zoraida Montilla Paz")
            world.object_to(f"/v1/detainees/{objects['detainee']['id']}", words="Soy yo.", contact="Ask at the parish.")
            world.beat()
            with open_write_session(world.engine) as session:
                keys = {**keys, SECOND: world._key(session, Role.CURATOR, None, "Bruno Salas")}
        with serving(settings_of(url)) as here:
            desk = Desk(here, keys)
            yield desk
    folder = tmp_path_factory.mktemp("desk")
    for name, text in desk.passed.items():
        (folder / f"{name}.html").write_text(text)
    assert faults_of(folder) == []


class Journey:
    """Somebody at the desk in one window. Whatever page they come to is looked at."""

    def __init__(self, visitor: Visitor, desk: Desk, language: str, *, width: int = 1280, script: bool = True) -> None:
        self.desk, self._script = desk, script
        self.page = visitor.context(width, java_script_enabled=script).new_page()
        self.page.goto(f"{desk.here}/{language}/desk")

    def goes(self, act: Callable[[], None], name: str) -> Page:
        """Do what leads to another page, and look at that one."""
        with self.page.expect_navigation() as arrives:
            act()
        answer = arrives.value
        assert answer is not None
        self.desk.passed[name] = answer.text()
        if self._script:
            assert violations(self.page) == [], name
            assert self.page.evaluate(OVERFLOW) == 0, name
        return self.page

    def signs_in(self, who: str) -> None:
        self.page.locator("[name=key]").fill(self.desk.keys[who])
        self.goes(self.page.get_by_role("button").click, f"desk of {who}")

    def signs_out(self) -> None:
        self.goes(self.page.locator("form[action$='/session/end'] button").click, "signed out")

    def follows(self, path: str, name: str) -> None:
        self.goes(self.page.locator(f"main a[href$='{path}']").first.click, name)

    def presses(self, words: str, name: str) -> None:
        self.goes(self.page.get_by_role("button", name=words).first.click, name)

    def stays(self, words: str) -> None:
        """Press a button of a form in which something that is required is missing."""
        at = self.page.url
        self.page.get_by_role("button", name=words).first.click()
        assert self.page.locator(":focus:invalid").count() == 1
        assert self.page.url == at

    def heading(self) -> str:
        return self.page.get_by_role("heading", level=1).inner_text()

    def steps_to(self, selector: str) -> None:
        """From where the focus stands, by the key that everybody has."""
        for _step in range(MOST_STEPS):
            if self.page.evaluate(f"document.activeElement.matches({selector!r})"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"no step leads to {selector}")

    def types(self, name: str, text: str) -> None:
        self.steps_to(f'[name="{name}"]')
        self.page.keyboard.type(text)


@pytest.fixture
def visitor(browser: Browser, desk: Desk) -> Iterator[Visitor]:
    visiting = Visitor(browser, desk.here)
    yield visiting
    visiting.leaves()
    assert visiting.wrong == []


@pytest.mark.usefixtures("every_list_questions")
def test_a_list_is_tried_answered_sent_and_followed_to_its_receipt(visitor: Visitor, desk: Desk) -> None:
    """In Spanish, on a phone."""
    officer = Journey(visitor, desk, "es", width=PHONE)
    page = officer.page
    officer.signs_in("foro")
    officer.follows("/desk/list", "list")
    chosen = FilePayload(name="lista.csv", mimeType="text/csv", buffer=LIST.encode())
    page.locator("[name=file]").set_input_files(chosen)
    officer.presses("Leer la lista", "list with questions")
    assert officer.heading() == "Antes hay que aclarar algunas cosas"
    assert page.locator("[aria-current=step]").inner_text() == "1. Lo que leí"
    page.locator("[name='answer:/whole'][value=false]").check()
    officer.stays("Continuar")
    page.locator("[name='answer:/dates'][value=day_first]").check()
    page.locator("[name='answer:/rows/5'][value=leave_out]").check()
    page.locator("[name^='answer:/values/verification.method']").select_option("at_the_gate")
    officer.presses("Continuar", "list without questions")
    assert "No queda nada por aclarar" in page.inner_text("main")
    assert page.locator("[aria-current=step]").inner_text() == "3. Qué va a cambiar"
    officer.presses("Enviar las 3 filas", "list sent")
    assert "3 entraron" in officer.heading()
    assert page.locator(".facts code").first.inner_text(), "the fingerprint of the file"
    officer.signs_out()


def test_a_release_is_reported_by_keys_alone_once_what_was_wrong_is_mended(visitor: Visitor, desk: Desk) -> None:
    """On a phone."""
    officer = Journey(visitor, desk, "en", width=PHONE)
    page, press = officer.page, officer.page.keyboard.press
    officer.types("key", desk.keys["foro"])
    officer.goes(lambda: press("Enter"), "desk by keys")
    officer.steps_to("a[href$='/desk/release']")
    officer.goes(lambda: press("Enter"), "release")
    officer.types("detainee.full_name", "Ana Matilde Múgica Paz")
    officer.types("detention.country", "Venez")
    officer.types("detention.detained_on", "octubre 2024")
    officer.types("release.released_on", "03/02/2026")
    officer.steps_to("button.first")
    officer.goes(lambda: press("Enter"), "release with an error")
    assert page.title().startswith("Error: ")
    assert page.evaluate("document.activeElement.matches('.wrong')"), "what is wrong is heard first"
    press("Tab")
    press("Enter")
    assert page.evaluate("document.activeElement.name") == "release.released_on", "and leads to its field"
    assert "3 February 2026 or 2 March 2026" in page.inner_text("main")
    press("Control+A")
    page.keyboard.type("3 February 2026")
    officer.goes(lambda: press("Enter"), "receipt")
    assert "Filed: this is your receipt" in officer.heading()
    assert "3 Feb 2026" in page.inner_text("dl")
    assert "Oct 2024" in page.inner_text("dl")


def test_a_report_is_corrected_and_withdrawn_without_script(visitor: Visitor, desk: Desk) -> None:
    officer = Journey(visitor, desk, "en", script=False)
    page = officer.page
    officer.signs_in("jep")
    officer.follows("/desk/reports", "reports")
    officer.goes(page.locator("tbody a").first.click, "report")
    page.locator("[name='detainee.age']").fill("old")
    officer.presses("Save the correction", "report with an error")
    assert page.locator(".wrong:focus").count() == 1
    page.locator("[name='detainee.age']").fill("")
    page.locator("[name='release.released_on']").fill("15 de enero de 2026")
    page.context.clear_cookies()
    officer.presses("Save the correction", "session that ended meanwhile")
    assert "What you filled in is still here" in officer.heading()
    officer.signs_in("jep")
    officer.presses("Save the correction", "report corrected")
    assert "15 Jan 2026" in page.inner_text("dl")
    officer.follows(page.locator("main a[href*='/desk/reports/']").get_attribute("href") or "", "report again")
    page.locator("[name=reason]").fill("Another woman of the same name.")
    page.locator("[name=sure]").check()
    officer.presses("Withdraw the report", "withdrawn")
    assert officer.heading() == "The report is withdrawn"


def test_a_curator_decides_a_pair_and_undoes_it(visitor: Visitor, desk: Desk) -> None:
    curator = Journey(visitor, desk, "en")
    page = curator.page
    page.locator("[name=key]").fill("rcn_x")
    curator.presses("Sign in", "no such key")
    assert page.evaluate("document.activeElement.name") == "key"
    curator.signs_in(FIRST)
    curator.follows("/desk/review", "review")
    assert "Ramo Verde" in page.locator("tr.differs").first.inner_text()
    page.get_by_label("yes, one").check()
    page.get_by_label("Why").fill(" ")
    curator.presses("Decide", "pair with an error")
    page.get_by_label("Why").fill("The same mother.")
    curator.presses("Decide", "pair decided")
    assert "Decided:" in curator.heading()
    curator.presses("Undo the decision", "pair undone")
    assert "undone" in curator.heading()
    curator.follows("/desk/review", "review again")
    assert page.locator("tr.differs").count() == 1


def test_two_curators_decide_an_objection(visitor: Visitor, desk: Desk) -> None:
    """In Spanish."""
    for who, heard in ((FIRST, "espera el acuerdo de una segunda"), (SECOND, "Decidido:")):
        curator = Journey(visitor, desk, "es")
        page = curator.page
        curator.signs_in(who)
        curator.follows("/desk/objections", f"objections before the {who}")
        assert "Ask at the parish." in page.inner_text("main")
        page.locator("[name=outcome][value=anonymous]").check()
        if who == FIRST:
            page.locator("[name=reason]").fill(" ")
            curator.presses("Decidir", "objection with an error")
        page.locator("[name=reason]").fill("Lo dijo ella misma.")
        curator.presses("Decidir", f"objection decided by the {who}")
        assert re.search(heard, curator.heading())
