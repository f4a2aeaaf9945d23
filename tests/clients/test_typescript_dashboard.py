"""The dashboard in TypeScript, in Chromium, on another origin than the registry. `make client-typescript` builds it."""

import shutil
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import httpx2
import pytest
from playwright.sync_api import sync_playwright

from tests.docs.reading import ROOT
from tests.docs.server import served
from tests.replay import replayed_once
from tests.support import make_report
from tests.web.browser.conftest import CHROMIUM, FLAGS

FOLDER = ROOT / "clients" / "typescript"
MAX_FIRST_LOAD_BYTES = 20_000  # of the registry's answers, compressed
MAX_POLL_BYTES = 1_000  # the head of a 304
POLL_SECONDS = 10


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_arguments: Any) -> None:
        """Log nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    """The address of a web server with the dashboard."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=FOLDER))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.skipif(CHROMIUM is None, reason="There is no Chromium here: apt-get install chromium.")
@pytest.mark.skipif(not (FOLDER / "dist").exists(), reason="Run make client-typescript first; it needs node.")
def test_a_dashboard_on_another_origin_shows_the_count_and_polls_with_304(
    site: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    database = tmp_path_factory.mktemp("dashboard") / "registry.db"
    shutil.copy(replayed_once(tmp_path_factory), database)
    with served(database) as (registry, keys), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        page = browser.new_page()
        messages: list[str] = []
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        network = page.context.new_cdp_session(page)
        network.send("Network.enable")
        addresses: dict[str, str] = {}
        statuses: dict[str, int] = {}
        sizes: dict[str, int] = {}
        network.on("Network.requestWillBeSent", lambda e: addresses.update({e["requestId"]: e["request"]["url"]}))
        network.on("Network.responseReceivedExtraInfo", lambda e: statuses.update({e["requestId"]: e["statusCode"]}))
        network.on("Network.loadingFinished", lambda e: sizes.update({e["requestId"]: e["encodedDataLength"]}))

        page.goto(f"{site}/examples/dashboard.html?registry={registry}")
        page.wait_for_selector("body[data-revision]")
        first = {key for key, address in addresses.items() if address.startswith(registry)}
        before = httpx2.get(f"{registry}/v1/counts/releases?country=VE&released_from=2026-01-08").json()["total"][
            "cases"
        ]
        assert page.inner_text("#total") == str(before)
        assert {statuses[key] for key in first} == {200}
        assert sum(sizes[key] for key in first) < MAX_FIRST_LOAD_BYTES

        page.wait_for_timeout(1000 * (POLL_SECONDS + 2))
        (poll,) = [key for key, address in addresses.items() if address.startswith(registry) and key not in first]
        assert statuses[poll] == 304
        assert sizes[poll] < MAX_POLL_BYTES

        report = {"source_record_id": "EX-2026-0009"} | make_report()
        headers = {"Authorization": f"Bearer {keys['KEY']}"}
        assert httpx2.post(f"{registry}/v1/releases", json=report, headers=headers).status_code == 201
        page.wait_for_function(f"document.body.dataset.revision > {page.get_attribute('body', 'data-revision')}")
        assert page.inner_text("#total") == str(before + 1)
        assert messages == []
        browser.close()
