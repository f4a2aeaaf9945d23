"""The past of the page of a count: led to by `Accept-Datetime`, as the count itself is (RFC 7089)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from app.api import responses
from app.api.responses import UNCACHED
from app.dates import format_instant
from app.queries.countables import Countable
from app.queries.terms import PINNING
from app.web.page import Page

VARY = f"Accept-Encoding, {responses.ASKED}"


def asked_at(request: Request, countable: Countable, terms: Mapping[str, Any]) -> datetime | None:
    """The moment asked for; None where nobody asks, or where the page has no past that stays. Raises BadDatetime."""
    query = urlencode(terms, doseq=True).encode()
    return responses.asked_at(request) if responses.is_gate(countable.counted, query) else None


async def led_to(page: Page, path: str, moment: datetime) -> Response:
    """The page as it was at a moment: before the first entry as of that, after the last as of the newest."""
    revision = page.revision
    if moment < page.request.app.state.clock():
        revision = (await page.api.get("/v1/sources", as_of=format_instant(moment), limit=1))["revision"]
    pinned = {"rules": page.rules, "as_of": max(1, revision)}
    headers = {"Vary": VARY, "Link": _original(page, path), "Cache-Control": UNCACHED}
    return RedirectResponse(page.address(path, {**page.terms, **pinned}), 302, headers=headers)


def headers_of(page: Page, path: str, count: Mapping[str, Any]) -> dict[str, str]:
    """By which address to cite the count on a page (RFC 8574), and of when it is."""
    links = [f'<{count["citation"]["address"]}>; rel="cite-as"']
    if "not_visible" in count:
        return {"Link": links[0]} if len(links[0]) <= responses.LONGEST_LINKED else {}
    links.append(_original(page, path))
    headers = {"Vary": VARY, "Link": ", ".join(link for link in links if len(link) <= responses.LONGEST_LINKED)}
    if "rules" in page.terms and "as_of" in page.terms and count["recorded_at"] is not None:
        headers[responses.STATED] = responses.stated(datetime.fromisoformat(count["recorded_at"]))
    return headers


def _original(page: Page, path: str) -> str:
    terms = {name: value for name, value in page.terms.items() if name not in PINNING}
    return f'<{page.address(path, terms)}>; rel="original timegate"'
