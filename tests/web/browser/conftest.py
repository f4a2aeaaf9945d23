"""A server on the January replay, and the system's Chromium before it. Whatever a test looks at, nothing may be asked
of another host, no policy may be violated, and nothing may fail."""

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

from tests.api.serving import serving
from tests.databases import Templates
from tests.replay import replayed_once, settings_for
from tests.web.browser.pages import REFUSED, address_of

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# Of a browser that nobody sits before, as root, and that asks nobody else for anything.
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-lcd-text", "--force-color-profile=srgb",
)  # fmt: skip


@pytest.fixture(scope="session")
def here(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server on the replay; BROWSED is that of one that runs already."""
    if "BROWSED" in os.environ:
        yield os.environ["BROWSED"]
        return
    with templates.copy("sqlite", f"sqlite:///{replayed_once(tmp_path_factory)}") as url:
        settings = settings_for(url).model_copy(update={"rate_by_client": 0})
        with serving(settings, at=None) as address:
            yield address


# Not for a whole session: while it is open its loop is that of the thread, and other tests run loops of their own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("There is no Chromium here: apt-get install chromium.")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])


class Visitor:
    """Opens pages, and notes what may not happen on any."""

    def __init__(self, browser: Browser, here: str) -> None:
        self._browser, self.here = browser, here
        self._contexts: list[BrowserContext] = []
        self.wrong: list[str] = []

    def context(self, width: int = 1280, height: int = 900, **options: Any) -> BrowserContext:
        context = self._browser.new_context(viewport={"width": width, "height": height}, **options)
        self._contexts.append(context)
        context.on("request", self._look_at)
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.wrong.append(f"a script failed: {error.error}"))
        return context

    def opens(self, name: str, language: str = "es", **options: Any) -> Page:
        """A page by its name, in a window of its own."""
        return self.goes(address_of(self.here, name, language), status=REFUSED.get(name, 200), **options)

    def goes(self, address: str, status: int = 200, **options: Any) -> Page:
        page = self.context(**options).new_page()
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == status, f"{address} answers {answer.status}"
        return page

    def leaves(self) -> None:
        for context in self._contexts:
            context.close()

    def _look_at(self, request: Request) -> None:
        if not request.url.startswith((f"{self.here}/", "data:", "about:")):
            self.wrong.append(f"asked another host: {request.url}")

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "responded with a status of 4" not in message.text:
            self.wrong.append(message.text)


@pytest.fixture
def visitor(browser: Browser, here: str) -> Iterator[Visitor]:
    visiting = Visitor(browser, here)
    yield visiting
    visiting.leaves()
    assert visiting.wrong == []
