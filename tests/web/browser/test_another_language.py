"""Pages have room for a language that is two fifths longer than English, which no translator has to find out."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from app.web import rendering
from tests.api.serving import serving
from tests.databases import Templates
from tests.replay import replayed_once, settings_for
from tests.web.browser.conftest import Visitor
from tests.web.browser.pages import LONGEST, PAGES, THOROUGH
from tests.web.pseudo import pseudo_localised

# Beyond the edge of a phone stands what cannot be read without moving the page.
BEYOND = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def longer(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose Spanish is the language that nobody speaks."""
    locales = tmp_path_factory.mktemp("locales")
    pseudo_localised(rendering.LOCALES, "es", locales)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(rendering, "LOCALES", locales)
        _anew()
        with templates.copy("sqlite", f"sqlite:///{replayed_once(tmp_path_factory)}") as url:
            settings = settings_for(url).model_copy(update={"rate_by_client": 0})
            with serving(settings, at=None) as address:
                yield address
    _anew()


def _anew() -> None:
    rendering.load_catalogue.cache_clear()
    rendering._build_environment.cache_clear()


@pytest.fixture
def abroad(browser: Browser, longer: str) -> Iterator[Visitor]:
    visiting = Visitor(browser, longer)
    yield visiting
    visiting.leaves()
    assert visiting.wrong == []


@pytest.mark.parametrize("name", PAGES if THOROUGH else LONGEST)
def test_a_longer_language_has_room_on_a_phone(abroad: Visitor, name: str) -> None:
    page = abroad.opens(name, "es", width=360)
    assert "~~~~~" in page.inner_text("body")
    assert page.evaluate(BEYOND) == 0
