"""Middleware: cache public responses as bytes until the head of the log changes.

The cache comes before the lanes and the routes, so that a poll costs a read of the head and a lookup. Requests with a
key, searches by name and records of single persons are not cached. Consent in force today decides who is shown at every
revision, so responses are cached by the head, not by their revision.
"""

import asyncio
import json
import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic
from typing import Any
from urllib.parse import parse_qsl

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import State
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.content_codings import (
    CODINGS,
    MAX_INLINE_COMPRESSION_BYTES,
    MIN_COMPRESSED_BYTES,
    build_coded_headers,
    build_coded_tag,
    choose_content_coding,
)
from app.api.head_watcher import MOMENT_PARAMETERS, LogHead
from app.api.mementos import is_timegate
from app.api.middleware import metrics
from app.api.middleware.concurrency import SCOPE_POLLED
from app.api.middleware.count_worker import COUNT_PATHS, forward_count
from app.api.responses import SCOPE_BODILESS, SCOPE_SOURCE_HEAD, RawHeaders, parse_etags
from app.api.table_routes import build_table_template, split_table_path
from app.lanes import Sender, current_sender
from app.moments import parse_revision
from app.queries.terms import PERSONAL_FILTERS, SEARCH_TERM
from app.server_log import get_request_stats

# Cached addresses contain no id of a person: a reader of one person's record must leave no trace in response times.
PEOPLE_LIST_PATHS = frozenset({"/v1/detainees", "/v1/detentions", "/v1/held", "/v1/releases"})
CACHED_PATHS = (
    PEOPLE_LIST_PATHS
    | COUNT_PATHS
    | {"/v1/claims", "/v1/corrections", "/v1/facilities", "/v1/sources", "/v1/vocabulary"}
)
# A claim is a published figure, not a person's record, and pages request the reconciliation of several claims.
RECONCILIATION_PATH = re.compile(r"/v1/claims/[0-9a-f-]{36}/reconciliation")
MAX_QUERY_LENGTH = 2_000  # characters: more than any form of the pages sends
MAX_CACHED_BODY_BYTES = 1 << 20  # more than a page of the longest list
MAX_CACHE_BYTES = 64 << 20  # per process
ENTRY_OVERHEAD_BYTES = 4_000  # memory of an entry in addition to its body and address
COMPRESSED_SHARE = 1  # memory of all compressed forms together, as a share of the body
# Polled addresses: the most requested ones of the last minutes, as dashboards request them. They have their own lane,
# so that they are computed first after a new head.
MAX_POLLED_ADDRESSES, MIN_POLLED_REQUESTS = 16, 4
MAX_COUNTED_ADDRESSES = 10_000  # at most 20 MB
HALVING_INTERVAL_SECONDS = 60.0  # the interval after which the request counts are halved
TURN_CHECK_SECONDS = 0.1  # a client that waits for another's computation looks so often whether that has its turn
IDLE_SECONDS = 60.0  # after this time without requests the cache is emptied, so that no erased person stays in memory

Address = tuple[str, bytes]  # path, query
# The headers of the 200 that its 304 repeats (RFC 9110 section 15.4.5).
NOT_MODIFIED_HEADERS = frozenset({b"etag", b"vary", b"cache-control", b"recuento-revision", b"recuento-rules"})


@lru_cache(maxsize=1024)  # polls repeat the same request
def is_cacheable(path: str, query: bytes, *, is_page: bool = False) -> bool:
    """Return whether the response to an anonymous request may be cached.

    Not cached are searches by name, lists filtered by personal terms, moments that may not be settled yet, and lists as
    tables, which are streamed.
    """
    if not (is_page or _is_cacheable_path(path)) or len(query) > MAX_QUERY_LENGTH:
        return False
    parameters = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    json_path, extension = split_table_path(path)
    is_people_list = json_path in PEOPLE_LIST_PATHS
    if is_people_list and extension is not None:
        return False
    return not any(
        name == SEARCH_TERM
        or (name in MOMENT_PARAMETERS and parse_revision(value) is None)
        or (is_people_list and name in PERSONAL_FILTERS)
        for name, value in parameters
    )


def _is_cacheable_path(path: str) -> bool:
    json_path, _extension = split_table_path(path)
    return json_path in CACHED_PATHS or RECONCILIATION_PATH.fullmatch(json_path) is not None


def _format_route_label(path: str) -> str:
    """Return the label of a path in metrics, the template of its route; all pages share one."""
    if not _is_cacheable_path(path):
        return "pages"
    json_path, extension = split_table_path(path)
    template = json_path if json_path in CACHED_PATHS else "/v1/claims/{claim_id}/reconciliation"
    return template if extension is None else build_table_template(template)


@dataclass(frozen=True)
class CacheRequest:
    """The parts of a request that determine the bytes of the response. `if_none_match`: the value of the header."""

    address: Address
    coding: str | None
    if_none_match: str

    @classmethod
    def from_scope(cls, scope: Scope, page: Callable[[str, bytes], bytes | None]) -> "CacheRequest | None":
        """Parse a request; None if its response is never cached."""
        path, is_page = scope["path"], not _is_cacheable_path(scope["path"])
        query = page(path, scope["query_string"]) if is_page else scope["query_string"]
        if query is None:
            return None
        headers = {b"accept-encoding": "", b"if-none-match": "", b"accept-datetime": ""}
        for name, value in scope["headers"]:
            if name in headers:
                headers[name] += ("," if headers[name] else "") + value.decode("latin-1")
            elif name == b"authorization":
                return None
        if not is_cacheable(path, query, is_page=is_page):
            return None
        if headers[b"accept-datetime"] and (is_page or is_timegate(path, query)):
            return None  # redirected to a memento
        return cls((path, query), choose_content_coding(headers[b"accept-encoding"]), headers[b"if-none-match"])


class CachedResponse:
    """A cached response with the compressed forms that were requested."""

    def __init__(self, headers: RawHeaders, body: bytes) -> None:
        self._headers = dict(headers)
        self._body = body
        self._tag = self._headers[b"etag"].decode()
        self._forms: dict[str | None, tuple[RawHeaders, bytes]] = {None: (headers, body)}
        self._compression_lock = asyncio.Lock()

    async def send(self, cache_request: CacheRequest, send: Send) -> None:
        """Send it in the requested coding; 304 if the client has it in this coding or uncompressed."""
        coding = cache_request.coding if len(self._body) >= MIN_COMPRESSED_BYTES else None
        known_tags = parse_etags(cache_request.if_none_match) if cache_request.if_none_match else set()
        for tag in (build_coded_tag(self._tag, coding), self._tag):
            if tag in known_tags or "*" in known_tags:
                await _send_response(304, self._build_not_modified_headers(tag), b"", send)
                return
        if coding not in self._forms:
            await self._compress(coding)
        await _send_response(200, *self._forms[coding], send)

    def _build_not_modified_headers(self, tag: str) -> RawHeaders:
        return [
            (name, value)
            for name, value in {**self._headers, b"etag": tag.encode()}.items()
            if name in NOT_MODIFIED_HEADERS
        ]

    async def _compress(self, coding: str | None) -> None:
        async with self._compression_lock:
            if coding is None or coding in self._forms:
                return
            compress = CODINGS[coding]
            is_short = len(self._body) <= MAX_INLINE_COMPRESSION_BYTES
            body = compress(self._body) if is_short else await run_in_threadpool(compress, self._body)
            coded_headers = build_coded_headers(self._tag, coding, body)
            raw_headers = {name.encode(): value.encode() for name, value in coded_headers.items()}
            self._forms[coding] = [*{**self._headers, **raw_headers}.items()], body

    def parse_json(self) -> Any:
        """Return the values in a JSON body."""
        return json.loads(self._body)

    @property
    def body_size(self) -> int:
        return len(self._body)

    @property
    def size(self) -> int:
        return ENTRY_OVERHEAD_BYTES + (1 + COMPRESSED_SHARE) * len(self._body)


async def _send_response(status: int, headers: RawHeaders, body: bytes, send: Send) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [*headers]})
    await send({"type": "http.response.body", "body": body})


@dataclass
class PendingAnswer:
    """A response that one request computes for all concurrent requests of the same address."""

    finished: asyncio.Event = field(default_factory=asyncio.Event)
    answer: CachedResponse | None = None
    sender: Sender = field(default_factory=current_sender.get)

    async def wait(self) -> CachedResponse | None:
        """Return the response; None if there is none, or if another client would wait for this one's turn."""
        is_own = self.sender.client[0] == current_sender.get().client[0]
        while not self.finished.is_set() and (is_own or not self.sender.waits):
            with suppress(TimeoutError):
                await asyncio.wait_for(self.finished.wait(), TURN_CHECK_SECONDS)
        return self.answer


class ResponseCache:
    """The cached responses of one process.

    Responses of an earlier head are dropped: they may show a person who was hidden or erased since.
    """

    def __init__(self) -> None:
        self._head: LogHead | None = None
        self._by_address: OrderedDict[Address, CachedResponse] = OrderedDict()
        self._requests: Counter[Address] = Counter()
        self._polled_addresses: frozenset[Address] = frozenset()
        self._size = 0
        self._last_request_at, self._halved_at = 0.0, monotonic()
        self._pending: dict[tuple[LogHead, Address], PendingAnswer] = {}

    def find(self, head: LogHead, address: Address) -> CachedResponse | None:
        self._last_request_at = monotonic()
        if head != self._head:
            self._reset(head)
        by_address = self._by_address
        answer = by_address.get(address)
        if answer is not None:
            by_address.move_to_end(address)
            self.count(address)
        return answer

    async def find_or_wait(self, head: LogHead, address: Address) -> CachedResponse | None:
        """Return the cached response, or the one that another request is computing; None if there is neither."""
        answer = self.find(head, address)
        pending = self._pending.get((head, address))
        if answer is not None or pending is None:
            return answer
        self.count(address)
        with get_request_stats().time_wait("answer"):
            return await pending.wait()

    @contextmanager
    def compute(self, head: LogHead, address: Address) -> Iterator[PendingAnswer]:
        """Let other requests of an address wait for the answer that the block computes."""
        pending = self._pending[head, address] = PendingAnswer()
        try:
            yield pending
        finally:
            if self._pending.get((head, address)) is pending:
                del self._pending[head, address]
            pending.finished.set()

    def count(self, address: Address) -> None:
        """Count a repeated request of an address. First requests are not counted, so that addresses that are requested
        once use no memory."""
        if address in self._requests or len(self._requests) < MAX_COUNTED_ADDRESSES:
            self._requests[address] += 1

    def is_polled(self, address: Address) -> bool:
        """Return whether an address was among the most requested ones when the head last changed."""
        return address in self._polled_addresses

    def store(self, head: LogHead, address: Address, answer: CachedResponse) -> None:
        """Store a response, unless it is long or the head it was computed from is outdated."""
        if answer.body_size > MAX_CACHED_BODY_BYTES or head != self._head or address in self._by_address:
            return
        self._by_address[address] = answer
        self._size += _compute_entry_size(address, answer)
        while self._size > MAX_CACHE_BYTES:
            oldest_item = self._by_address.popitem(last=False)
            self._size -= _compute_entry_size(*oldest_item)

    def clear_if_idle(self) -> None:
        """Empty the cache if there was no request for IDLE_SECONDS."""
        if monotonic() - self._last_request_at > IDLE_SECONDS:
            self._reset(None)

    def _reset(self, head: LogHead | None) -> None:
        if head is None:
            self._requests.clear()
        elif monotonic() - self._halved_at > HALVING_INTERVAL_SECONDS:
            self._halved_at = monotonic()
            self._requests = Counter({address: number // 2 for address, number in self._requests.items() if number > 1})
        frequent = self._requests.most_common(MAX_POLLED_ADDRESSES)
        self._polled_addresses = frozenset(address for address, number in frequent if number >= MIN_POLLED_REQUESTS)
        self._head, self._by_address, self._size = head, OrderedDict(), 0


def _compute_entry_size(address: Address, answer: CachedResponse) -> int:
    return answer.size + sum(map(len, address))


class ResponseCacheMiddleware:
    """Middleware that answers from the cache, and stores new responses in it."""

    def __init__(self, app: ASGIApp, page: Callable[[str, bytes], bytes | None] = lambda _path, _query: None) -> None:
        """`page`: returns the normalized query of a page by its path and query, or None if it is not cached."""
        self._app, self._page = app, page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        cache_request = CacheRequest.from_scope(scope, self._page)
        head = None if cache_request is None else await find_cache_head(scope["app"].state)
        if cache_request is None or head is None:
            await self._app(scope, receive, send)
            return
        cache: ResponseCache = scope["app"].state.response_cache
        is_bodiless, address = scope.get(SCOPE_BODILESS, False), cache_request.address
        answer = cache.find(head, address) if is_bodiless else await cache.find_or_wait(head, address)
        if answer is not None:
            stats = get_request_stats()
            stats.lane, stats.route = metrics.CACHED_LANE, _format_route_label(address[0])
            await answer.send(cache_request, send)
        elif is_bodiless:
            await self._app(scope, receive, send)
        else:
            await self._build_and_cache(scope, receive, send, head, cache_request)

    async def _build_and_cache(
        self, scope: Scope, receive: Receive, send: Send, head: LogHead, cache_request: CacheRequest
    ) -> None:
        """Get the response from a count worker or the application, and store it if it is complete and cacheable."""
        state: State = scope["app"].state
        cache: ResponseCache = state.response_cache
        source_head: dict[str, LogHead] = {}
        # The response must be complete and uncompressed, because it is also sent to other clients.
        headers = [pair for pair in scope["headers"] if pair[0] not in (b"if-none-match", b"accept-encoding")]
        inner_scope = {
            **scope,
            "headers": headers,
            SCOPE_SOURCE_HEAD: source_head,
            SCOPE_POLLED: cache.is_polled(cache_request.address),
        }
        start: Message | None = None

        async def send_and_cache(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if start is not None:
                response_start, start = start, None
                if response_start["status"] == 200 and "head" in source_head and not message.get("more_body", False):
                    pending.answer = CachedResponse([*response_start["headers"]], message.get("body", b""))
                    store_response(state, head, source_head["head"], cache_request.address, pending.answer)
                    pending.finished.set()
                    await pending.answer.send(cache_request, send)
                    return
                pending.finished.set()
                await send(response_start)
            await send(message)

        with cache.compute(head, cache_request.address) as pending:
            try:
                if not await forward_count(inner_scope, receive, send_and_cache):
                    await self._app(inner_scope, receive, send_and_cache)
            finally:
                if "route" in inner_scope:  # metrics need the route that the router found
                    scope["route"] = inner_scope["route"]


def store_response(
    state: State, cached_head: LogHead, source_head: LogHead, address: Address, answer: CachedResponse
) -> None:
    """Store a response that was computed from `source_head` while the cache was at `cached_head`."""
    if source_head != cached_head:
        state.head_watcher.expire_head()  # the next response must not be older than this one
    state.response_cache.store(source_head, address, answer)


async def find_cache_head(state: State) -> LogHead | None:
    """Return the head by which responses are cached; None if it is unknown or the log went backwards."""
    head: LogHead | None = await state.head_watcher.newest()
    return None if state.mark.has_lost_entries else head
