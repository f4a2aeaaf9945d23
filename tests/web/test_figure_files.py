"""Figures as files: the drawing stands alone, the table is safe in a spreadsheet, and the picture is drawn apart."""

import csv
import re
from xml.etree import ElementTree as Xml

import pytest
from markupsafe import Markup

from app.errors import Busy
from app.fair_queue import FairQueue
from app.lanes import RETRY_AFTER_SECONDS
from app.web import figure_files, pictures
from app.web.figure import Figure
from app.web.figure_files import FigureKind, Terms
from app.web.page import Page
from tests.support import World

HOSTILE = '<script>alert(1)</script>"&\u202e'
DRAWING = (
    '<svg role="group" aria-label="x" width="{0}" height="100" viewBox="0 0 {0} 100"><path class="claim" d="M0 0H9"/>'
    '<a href="/es/releases" aria-label="y"><text class="figure-number" x="9" y="20">{1}</text></a>'
    '<text y="40"><a href="/es/">7</a></text></svg>'
)


def of_a_test(page: Page, terms: Terms) -> Figure:
    return Figure(
        name="of-a-test",
        heading=f"Three of {HOSTILE}",
        finding="Three, and one by =HYPERLINK",
        wide=Markup(DRAWING).format(1120, HOSTILE),
        narrow=Markup(DRAWING).format(328, HOSTILE),
        caption=Markup("How to <b>read</b> it"),
        short_names="OTI: Of three.",
        columns=["Who", "=cmd|' /C calc'!A0"],
        rows=[[Markup('<a href="/es/">=1+1</a>'), 3], ["−2", 1234]],
        terms=dict(terms),
    )


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    async def whole(page: Page, terms: Terms) -> Figure:
        return of_a_test(page, terms)

    async def of_a_life(page: Page, terms: Terms) -> Figure:
        return Figure(**(vars(of_a_test(page, terms)) | {"name": "life", "is_personal": True}))

    monkeypatch.setitem(figure_files.FIGURE_KINDS, "of-a-test", FigureKind(whole, page_path="/claims/{claim}"))

    async def of_nothing(page: Page, terms: Terms) -> None:
        return None

    monkeypatch.setitem(figure_files.FIGURE_KINDS, "nothing", FigureKind(of_nothing))
    monkeypatch.setitem(figure_files.FIGURE_KINDS, "life", FigureKind(of_a_life, page_path="/people/{claim}"))


FIGURE = "/es/figures/of-a-test"


def test_a_drawing_stands_alone(world: World) -> None:
    answer = world.client.get(f"{FIGURE}.svg?claim=7&country=VE")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/svg+xml"
    drawing = Xml.fromstring(answer.text)
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    told = "".join(drawing.itertext())
    assert "/es/claims/7?country=VE&as_of=" in told, "where it comes from"
    assert "revisión" in told
    assert HOSTILE.removesuffix("\u202e") in told
    assert "var(" not in answer.text
    assert "#8a4b08" in answer.text, "the colour of a claim"
    assert "href" not in answer.text, "links lead nowhere from a file"
    assert drawing.find(".//{*}text/{*}tspan") is not None, "what was a link within a text is drawn all the same"
    assert "OTI" not in told, "what the narrow drawing alone writes short"
    assert ".is-registry" not in answer.text, "rules of marks that it has not"


@pytest.mark.parametrize("padding", range(12))
def test_the_address_on_a_drawing_is_broken_between_its_terms_alone(world: World, padding: int) -> None:
    """Half a revision would be read as another."""
    world.restart_with(public_url=f"https://registry{'y' * padding}.example")
    terms = "&".join(
        f"release_kind={kind}" for kind in ("full_release", "amnesty", "pardon", "banishment", "acquittal") * 2
    )
    answer = world.client.get(f"{FIGURE}.svg?claim=7&{terms}&as_of=r0")
    feet = re.findall(r'class="file-foot"[^>]*>([^<]*)<', answer.text.replace("&amp;", "&"))
    lines = feet[next(at for at, line in enumerate(feet) if line.startswith("https://")) :]
    assert len(lines) > 1
    assert "".join(lines) == f"https://registry{'y' * padding}.example/es/claims/7?{terms}&as_of=r0"
    assert [line for line in lines[1:] if line[0] not in "&?/"] == []


def test_a_term_that_is_wider_than_a_drawing_goes_on_in_the_next_line(world: World) -> None:
    answer = world.client.get(f"{FIGURE}.svg?claim=7&verified_by_match=any&verified_by={'x' * 400}&as_of=r0")
    feet = re.findall(r'class="file-foot"[^>]*>([^<]*)<', answer.text.replace("&amp;", "&"))
    assert f"?verified_by_match=any&verified_by={'x' * 400}&as_of=r0" in "".join(feet)


def test_a_drawing_allows_its_own_style_alone(world: World) -> None:
    policy = world.client.get(f"{FIGURE}.svg?claim=7").headers["content-security-policy"]
    assert re.fullmatch(r"default-src 'none'; style-src 'sha256-[\w+/=]+'; frame-ancestors 'none'", policy)


def test_a_table_has_no_cell_that_a_spreadsheet_would_run(world: World) -> None:
    answer = world.client.get(f"{FIGURE}.csv?claim=7")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert list(csv.reader(answer.content.decode("utf-8-sig").splitlines())) == [
        ["Who", "'=cmd|' /C calc'!A0"],
        ["'=1+1", "3"],
        ["−2", "1234"],
    ]


def test_a_picture_is_drawn_in_a_process_apart_and_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first = world.client.get(f"{FIGURE}.png?claim=7")
    assert first.status_code == 200, first.text
    assert first.headers["content-type"] == "image/png"
    assert first.content.startswith(b"\x89PNG")
    width, height = (int.from_bytes(first.content[at : at + 4]) for at in (16, 20))
    assert width == 1800
    assert width * height <= pictures.MAX_PIXELS
    monkeypatch.setattr(pictures, "render_in_subprocess", None)
    assert world.client.get(f"{FIGURE}.png?claim=7").content == first.content


def test_a_picture_for_which_too_many_wait_is_to_be_asked_for_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = world.app.state.limits.pictures
    monkeypatch.setattr(lane, "free_places", 0)
    monkeypatch.setattr(lane, "_queue", FairQueue(0))
    answer = world.client.get(f"{FIGURE}.png?claim=7")
    assert (answer.status_code, answer.headers["retry-after"]) == (Busy.status, RETRY_AFTER_SECONDS)


def test_a_picture_that_cannot_be_drawn_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_RENDER_SECONDS", 0.001)
    answer = world.client.get(f"{FIGURE}.png?claim=7")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_a_figure_of_a_revision_names_it(world: World) -> None:
    for form in ("svg", "csv", "png"):
        answer = world.client.get(f"{FIGURE}.{form}?claim=7&as_of=r0")
        assert answer.headers["recuento-revision"] == "0"
        assert f"-0-es.{form}" in answer.headers["content-disposition"]
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"


def test_somebodys_life_is_no_picture_and_kept_by_nobody(world: World) -> None:
    assert world.client.get("/es/figures/life.png?claim=7").status_code == 404
    assert world.client.get("/es/embed/life?claim=7").status_code == 404
    answer = world.client.get("/es/figures/life.svg?claim=7")
    assert (answer.headers["cache-control"], answer.headers["x-robots-tag"]) == ("no-cache", "noindex")


def test_an_unknown_figure_is_not_there(world: World) -> None:
    for address in (
        "/es/figures/none.svg",
        "/es/figures/nothing.csv",
        f"{FIGURE}.svg",
        f"{FIGURE}.svg?claim=7&claim=8",
        "/es/figures/of-a-test.gif",
        "/es/embed/none",
    ):
        assert world.client.get(address).status_code == 404


@pytest.mark.parametrize(
    "address",
    ["figures/contested.svg?", "figures/hours.csv?", "embed/contested?", "figures/reconciliation.svg?claim=7&",
     "embed/claim-then-and-now?claim=7&", "figures/then-and-now.png?code=x&"],
)  # fmt: skip
def test_a_term_that_a_figure_does_not_narrow_by_is_refused(world: World, address: str) -> None:
    """Its drawing would stand over numbers of more than its address says."""
    answer = world.client.get(f"/es/{address}status=verified")
    assert answer.status_code == 422
    assert "status" in answer.text


@pytest.mark.parametrize("further", ["by=event", "told_from=2026-01-12", "interval=month", "claims=true"])
def test_a_line_is_drawn_by_terms_of_a_count_alone(world: World, further: str) -> None:
    """Those of a series would draw another line than its caption tells of."""
    world.file("foro")
    answer = world.client.get(f"/en/figures/source-line.svg?source=foro&country=VE&{further}")
    assert answer.status_code == 422
