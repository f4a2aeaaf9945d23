"""The client: addresses, conditional requests, rate limits and retries."""

import json
import re
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import httpx2

from recuento_client.answers import At, CitedCount, Count, Overlap, Series
from recuento_client.errors import RecuentoError
from recuento_client.lists import Changes, Rows

Value = str | int | bool | date
# A term is passed on as it is named. A list repeats it; None leaves it out.
Term = Value | Iterable[Value] | None

VERSION = "0.1.0"
MAX_PAGE_ROWS = 200
MAX_KEPT_ANSWERS = 128
RETRIED_STATUSES = frozenset({429, 502, 503, 504})
# In `RateLimit`: how many requests are left, and in how many seconds the limit starts again.
REMAINING_REQUESTS = re.compile(r"r=(\d+);t=(\d+)")


class Recuento:
    """A registry at an address, read without a key.

    `language`: `es` for titles and details of errors in Spanish. `timeout`: seconds for one request. A request is
    retried at most `max_retries` times, and never after a wait of more than `max_wait` seconds.
    """

    def __init__(
        self,
        base_url: str,
        *,
        language: str = "en",
        timeout: float = 30.0,
        max_retries: int = 3,
        max_wait: float = 60.0,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        headers = {
            "Accept": "application/json",
            "Accept-Language": language,
            "User-Agent": f"recuento-client/{VERSION}",
        }
        self._http = httpx2.Client(
            base_url=base_url, headers=headers, timeout=timeout, transport=transport, follow_redirects=True
        )
        self._max_retries = max_retries
        self._max_wait = max_wait
        self._kept: OrderedDict[str, tuple[str, bytes]] = OrderedDict()  # address → (ETag, body), least recent first
        self._resume_at = 0.0  # when the rate limit allows another request, on the monotonic clock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, /, **terms: Term) -> Any:
        """Return the JSON answer of a path below `/v1`, such as `sources/foro-penal`, or of a link in an answer."""
        return self._read(_build_address(path, terms))[0]

    def count(self, noun: str, /, **terms: Term) -> Count:
        """Count `releases`, `detentions` or people `held`."""
        answer: Count = self.get(f"counts/{noun}", **terms)
        return answer

    def series(self, **terms: Term) -> Series:
        """Return how a count of releases grew over time."""
        answer: Series = self.get("counts/series", **terms)
        return answer

    def overlap(self, **terms: Term) -> Overlap:
        """Return which sources verified the same releases."""
        answer: Overlap = self.get("counts/overlap", **terms)
        return answer

    def rows(self, name: str, /, **terms: Term) -> Rows:
        """Return the rows of a list: `releases`, `detainees`, `claims`, `sources`, `detainees/{id}/history`, …"""
        if "/" not in name:
            terms.setdefault("limit", MAX_PAGE_ROWS)
        return Rows(lambda address, is_first: self._read(address, is_kept=is_first)[0], _build_address(name, terms))

    def changes(self, name: str, since: At, /, **terms: Term) -> Changes:
        """Return what changed in a list since an earlier visit. `since`: the `at` of that visit."""
        rows = self.rows(name, changed_since=f"r{since['revision']}", **terms)
        if rows.at["rules"] != since["rules"]:
            rows = self.rows(name, **terms)
            return Changes(rows.at, list(rows), [], is_whole=True)
        changed, gone = [], []
        for row in rows:
            if row.get("gone"):
                gone.append(row["id"])
            else:
                changed.append(row)
        return Changes(rows.at, changed, gone, is_whole=False)

    def poll(self, path: str, /, every: float = 10.0, **terms: Term) -> Iterator[Any]:
        """Yield the answer of a path, and yield it again whenever it changed. `every`: seconds between requests."""
        address = _build_address(path, terms)
        answer, _is_new = self._read(address)
        yield answer
        while True:
            sleep(every)
            answer, is_new = self._read(address)
            if is_new:
                yield answer

    def cite(self, answer: Count, /, **terms: Term) -> CitedCount:
        """Return the citation of a count in English, Spanish and BibTeX, and the count today."""
        cited: CitedCount = self.get(answer["links"]["cite"], **terms)
        return cited

    def _read(self, address: str, is_kept: bool = True) -> tuple[Any, bool]:
        """Return the answer of an address, and whether it is new since this client read it last.

        Later pages of a list are not kept: nobody asks for them twice, and they would drive out what is polled."""
        kept = self._kept.get(address)
        response = self._send(address, {"If-None-Match": kept[0]} if kept else {})
        if response.status_code == httpx2.codes.NOT_MODIFIED and kept is not None:
            self._kept.move_to_end(address)
            return json.loads(kept[1]), False
        if not response.is_success:
            raise RecuentoError.from_response(response)
        if is_kept and "ETag" in response.headers and "no-store" not in response.headers.get("Cache-Control", ""):
            self._kept[address] = (response.headers["ETag"], response.content)
            if len(self._kept) > MAX_KEPT_ANSWERS:
                self._kept.popitem(last=False)
        return response.json(), True

    def _send(self, address: str, headers: dict[str, str]) -> httpx2.Response:
        for attempt in range(self._max_retries + 1):
            if (wait := self._resume_at - monotonic()) > 0:
                sleep(min(wait, self._max_wait))
            try:
                response = self._http.get(address, headers=headers)
            except httpx2.TransportError:
                if attempt == self._max_retries:
                    raise
                sleep(min(2.0**attempt, self._max_wait))
                continue
            self._note_headers(response)
            if response.status_code not in RETRIED_STATUSES or attempt == self._max_retries:
                break
            wait = _parse_retry_after(response.headers.get("Retry-After", ""), default=2.0**attempt)
            if wait > self._max_wait:
                break
            sleep(wait)
        return response

    def _note_headers(self, response: httpx2.Response) -> None:
        """Note when a spent rate limit starts again, and warn of what is deprecated."""
        for remaining, seconds in REMAINING_REQUESTS.findall(response.headers.get("RateLimit", "")):
            if remaining == "0":
                self._resume_at = max(self._resume_at, monotonic() + int(seconds))
        if "Deprecation" in response.headers:
            sunset = response.headers.get("Sunset", "a day not yet fixed")
            warnings.warn(
                f"{response.url.path} uses something that ends on {sunset}.", DeprecationWarning, stacklevel=4
            )


def _build_address(path: str, terms: dict[str, Term]) -> str:
    """Return the address of a path below `/v1`, or of a link. A link keeps its terms, and is read at our base URL."""
    pairs = [(name, _format_value(one)) for name, value in terms.items() for one in _list_values(value)]
    link = urlsplit(path)
    path, query = (link.path, link.query) if path.startswith(("/", "http:", "https:")) else (f"/v1/{path}", "")
    query = "&".join(filter(None, [query, urlencode(pairs)]))
    return f"{path}?{query}" if query else path


def _list_values(value: Term) -> Iterable[Value]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str | int | date) else value


def _format_value(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)


def _parse_retry_after(value: str, default: float) -> float:
    """Return the seconds of a `Retry-After`, which is a number or a date."""
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return default
