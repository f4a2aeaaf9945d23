"""Pictures of pages for the README and the documents, of a demo that is made for it: `make screenshots`."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, sync_playwright

from app.config import Settings
from app.db.engine import make_engine, open_write_session
from app.demo.run import create_guest_key
from tests.api.serving import serving
from tests.replay import load, settings_for
from tests.web.browser.conftest import CHROMIUM, FLAGS
from tests.web.browser.pages import LANGUAGES, WIDTHS, address_of

# By the names of files, pages by their names. What is beneath the height is left out.
PICTURES = {"home": "home", "claim": "claim", "person": "person", "citation": "citation", "desk": "desk"}
HEIGHT = 1300
LENGTH = "document.body.scrollHeight"
MOST_BYTES = 300_000  # a page of documents loads several


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as place:
        settings = settings_for(f"sqlite:///{place}/demo.db").model_copy(update={"rate_by_client": 0})
        load(settings)
        key = _key(settings)
        with serving(settings, at=None) as here, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
            for language in LANGUAGES:
                for width in WIDTHS:
                    _take(browser, here, key, language, width, folder)


def _key(settings: Settings) -> str:
    engine = make_engine(settings.database_url)
    with open_write_session(engine) as session:
        key = create_guest_key(session, datetime.now(UTC))
    engine.dispose()
    return key


def _take(browser: Browser, here: str, key: str, language: str, width: int, folder: Path) -> None:
    context = browser.new_context(viewport={"width": width, "height": HEIGHT})
    page = context.new_page()
    for picture, name in PICTURES.items():
        page.goto(address_of(here, name, language))
        if page.locator("input[name=key]").count():
            page.locator("input[name=key]").fill(key)
            with page.expect_navigation():
                page.locator("form:has(input[name=key])").get_by_role("button").click()
        page.set_viewport_size({"width": width, "height": min(HEIGHT, page.evaluate(LENGTH))})
        taken = page.screenshot(path=folder / f"{picture}-{width}-{language}.png")
        if len(taken) > MOST_BYTES:
            raise SystemExit(
                f"The picture {picture}-{width}-{language}.png has {len(taken)} bytes: take less of the page."
            )
    context.close()


if __name__ == "__main__":
    main()
