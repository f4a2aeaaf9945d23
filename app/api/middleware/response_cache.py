"""Answers to anybody, kept as ready bytes for as long as the head stands that they were made from.

They stand before the lanes and the routes: whoever polls costs a look at the head and a look-up. What is read with a
key, and what somebody seeks or reads about one person, is not kept. Who may be shown follows today's consent at every
revision, so that an answer is kept by the head, not by the revision it is of.
"""

import asyncio
import base64
import hashlib
import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from time import monotonic
from urllib.parse import parse_qsl

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import State
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.head_watcher import MOMENTS, Head
from app.api.middleware import metrics
from app.api.middleware.concurrency import POLLED
from app.api.responses import BODILESS, CODINGS, MADE_FROM, RawHeaders, coding_for, is_gate, tags_in
from app.queries.terms import PERSONAL_FILTERS, SOUGHT
from app.server_log import this

# What is kept: addresses without the id of a person, since whoever reads about one person must leave no trace in how
# quickly others are answered.
LISTS_OF_PEOPLE = frozenset({"/v1/detainees", "/v1/detentions", "/v1/releases"})
COUNTS = frozenset(
    {
        *("/v1/counts/releases", "/v1/counts/detentions", "/v1/counts/series", "/v1/counts/overlap"),
        "/v1/estimates/releases",
    }
)
KEPT = LISTS_OF_PEOPLE | COUNTS | {"/v1/claims", "/v1/corrections", "/v1/facilities", "/v1/sources", "/v1/vocabulary"}
# A claim is a published figure and nobody's record; a page asks for what stands beside several of them.
OF_A_CLAIM = re.compile(r"/v1/claims/[0-9a-f-]{36}/reconciliation")
LONGEST_ADDRESS = 2_000  # characters of a query with what is accepted: more than any form of ours writes
LONGEST = 1 << 20  # bytes of a body: more than a page of the longest list
MOST_KEPT = 64 << 20  # bytes of all in one process
OVERHEAD = 4_000  # bytes that an answer takes beside its body and its address
PACKED = 1  # what an answer takes packed in every coding, as a share of its body
SHORTEST_PACKED = 1_000  # bytes of a body: less is one packet on the line, packed or not
PACKED_AT_ONCE = 32 * 1024  # bytes of a body: about a millisecond of the loop; what is longer is packed in a thread
# Answers that are made first for each new head, before what strangers ask: those that most requests asked for in the
# last minutes, which dashboards do. Whoever wants a costly question among them must ask it more often than all
# dashboards do theirs.
MOST_POLLED, OFTEN = 16, 4
MOST_COUNTED = 10_000  # addresses, at most 20 MB
HALVED_AFTER = 60.0  # seconds, after which a request counts for half of one
RESTED = 60.0  # seconds without a question: then nothing is kept, lest an erased person stay in memory

Address = tuple[str, bytes, str]  # path, query, what is accepted
# What a 304 carries of the headers of the 200 in whose place it stands (RFC 9110 section 15.4.5).
OF_A_304 = frozenset({b"etag", b"vary", b"cache-control", b"recuento-revision", b"recuento-rules"})


@lru_cache(maxsize=1024)  # who polls asks the same again
def is_kept(path: str, query: bytes, accepted: str, *, of_page: bool = False) -> bool:
    """Whether the answer to a question of anybody may be kept. Not where somebody is sought or people are told apart by
    what is personal, where a moment is named that may still be settled, nor of a list as a table, which is streamed."""
    if not (of_page or _is_answer(path)) or len(query) + len(accepted) > LONGEST_ADDRESS:
        return False
    given = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    people = path in LISTS_OF_PEOPLE
    if people and ("csv" in accepted or "jsonl" in accepted):
        return False
    return not any(
        name == SOUGHT
        or (name in MOMENTS and not (value.isascii() and value.isdigit()))
        or (people and (name in PERSONAL_FILTERS or (name == "format" and value != "json")))
        for name, value in given
    )


def _is_answer(path: str) -> bool:
    return path in KEPT or OF_A_CLAIM.fullmatch(path) is not None


def _route(path: str) -> str:
    """What a path is called among measures, of which there may not be one for each claim or page."""
    if path in KEPT:
        return path
    return "/v1/claims/{claim_id}/reconciliation" if OF_A_CLAIM.fullmatch(path) else "pages"


@dataclass(frozen=True)
class Asked:
    """What of a request decides which bytes answer it. `known`: the tags of what the client has."""

    address: Address
    coding: str | None
    known: str

    @classmethod
    def of(cls, scope: Scope, page: Callable[[str, bytes], bytes | None]) -> "Asked | None":
        """None where the answer to such a request is never kept."""
        if scope["type"] != "http" or scope["method"] != "GET":
            return None
        path, of_page = scope["path"], not _is_answer(scope["path"])
        query = page(path, scope["query_string"]) if of_page else scope["query_string"]
        if query is None:
            return None
        given = {b"accept": "", b"accept-encoding": "", b"if-none-match": "", b"accept-datetime": ""}
        for name, value in scope["headers"]:
            if name in given:
                given[name] += ("," if given[name] else "") + value.decode("latin-1")
            elif name == b"authorization":
                return None
        accepted = "" if of_page else given[b"accept"]
        if not is_kept(path, query, accepted, of_page=of_page):
            return None
        if given[b"accept-datetime"] and (of_page or is_gate(path, query)):
            return None  # led to the past, and no answer of the present
        return cls((path, query, accepted), coding_for(given[b"accept-encoding"]), given[b"if-none-match"])


class KeptAnswer:
    """The bytes of an answer, and of its packed forms those that were asked for."""

    def __init__(self, headers: RawHeaders, body: bytes) -> None:
        self._headers = dict(headers)
        self._body = body
        self._tag = self._headers[b"etag"].decode()
        self._forms: dict[str | None, tuple[RawHeaders, bytes]] = {None: (headers, body)}
        self._packing = asyncio.Lock()

    async def send(self, asked: Asked, send: Send) -> None:
        """Send it in the coding asked for, or 304 to whoever has it in this coding or unpacked, as it may be sent
        too."""
        coding = asked.coding if len(self._body) >= SHORTEST_PACKED else None
        known = tags_in(asked.known) if asked.known else set()
        for tag in (_tag_in(self._tag, coding), self._tag):
            if tag in known or "*" in known:
                await _send(304, self._unchanged(tag), b"", send)
                return
        if coding not in self._forms:
            await self._pack(coding)
        await _send(200, *self._forms[coding], send)

    def _unchanged(self, tag: str) -> RawHeaders:
        return [(name, value) for name, value in {**self._headers, b"etag": tag.encode()}.items() if name in OF_A_304]

    async def _pack(self, coding: str | None) -> None:
        async with self._packing:
            if coding is None or coding in self._forms:
                return
            pack = CODINGS[coding]
            short = len(self._body) <= PACKED_AT_ONCE
            body = pack(self._body) if short else await run_in_threadpool(pack, self._body)
            self._forms[coding] = [*_packed(self._headers, self._tag, coding, body).items()], body

    @property
    def size(self) -> int:
        return OVERHEAD + (1 + PACKED) * len(self._body)


def _tag_in(tag: str, coding: str | None) -> str:
    """The tag of an answer in a coding: other bytes have another strong tag (RFC 9110 section 8.8.3.3)."""
    return tag if coding is None else f'{tag[:-1]}-{coding}"'


def _packed(headers: Mapping[bytes, bytes], tag: str, coding: str, body: bytes) -> dict[bytes, bytes]:
    """The headers of an answer in a coding. Its digest is of the bytes as they are coded (RFC 9530 section 3)."""
    return {
        **headers,
        b"content-encoding": coding.encode(),
        b"content-length": str(len(body)).encode(),
        b"repr-digest": b"sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()) + b":",
        b"etag": _tag_in(tag, coding).encode(),
    }


async def _send(status: int, headers: RawHeaders, body: bytes, send: Send) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [*headers]})
    await send({"type": "http.response.body", "body": body})


@dataclass
class _Making:
    """An answer that one request makes for all who ask the same meanwhile."""

    done: asyncio.Event = field(default_factory=asyncio.Event)
    answer: KeptAnswer | None = None


class KeptAnswers:
    """The answers of one process. Those made from an earlier head are let go of: they may show somebody who is hidden,
    or erased, since."""

    def __init__(self) -> None:
        self._head: Head | None = None
        self._by_address: OrderedDict[Address, KeptAnswer] = OrderedDict()
        self._requests: Counter[Address] = Counter()
        self._polled: frozenset[Address] = frozenset()
        self._size = 0
        self._asked, self._halved = 0.0, monotonic()
        self.making: dict[tuple[Head, Address], _Making] = {}

    def find(self, head: Head, address: Address) -> KeptAnswer | None:
        self._asked = monotonic()
        if head != self._head:
            self._let_go(head)
        by_address = self._by_address
        answer = by_address.get(address)
        if answer is not None:
            by_address.move_to_end(address)
            self.count(address)
        return answer

    def count(self, address: Address) -> None:
        """Count a request for an answer that another has made, or is making. Whoever comes first is not counted:
        questions that are asked once each would take memory without end."""
        if address in self._requests or len(self._requests) < MOST_COUNTED:
            self._requests[address] += 1

    def is_polled(self, address: Address) -> bool:
        """Whether an answer is among those that most requests asked for until the last head came."""
        return address in self._polled

    def keep(self, head: Head, address: Address, answer: KeptAnswer) -> None:
        """Keep an answer that was made from a head; where that is not the newest any more, nobody asks for it."""
        if head != self._head or address in self._by_address:
            return
        self._by_address[address] = answer
        self._size += _size(address, answer)
        while self._size > MOST_KEPT:
            self._size -= _size(*self._by_address.popitem(last=False))  # for the longest time nobody asked for it

    def rest(self) -> None:
        """Let go of everything where nobody asked for a while."""
        if monotonic() - self._asked > RESTED:
            self._let_go(None)

    def _let_go(self, head: Head | None) -> None:
        if head is None:
            self._requests.clear()
        elif monotonic() - self._halved > HALVED_AFTER:
            self._halved = monotonic()
            self._requests = Counter({address: number // 2 for address, number in self._requests.items() if number > 1})
        most = self._requests.most_common(MOST_POLLED)
        self._polled = frozenset(address for address, number in most if number >= OFTEN)
        self._head, self._by_address, self._size = head, OrderedDict(), 0


def _size(address: Address, answer: KeptAnswer) -> int:
    return answer.size + sum(map(len, address))


class AnswersFromMemory:
    """Answer with kept bytes where there are some, and keep what is answered."""

    def __init__(self, app: ASGIApp, page: Callable[[str, bytes], bytes | None] = lambda _path, _query: None) -> None:
        """`page`: by which query the page at a path, asked with a query, is kept as answers are, if it is."""
        self._app, self._page = app, page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Asked.of(scope, self._page)
        head = None if asked is None else await _head(scope["app"].state)
        if asked is None or head is None:
            await self._app(scope, receive, send)
            return
        answers: KeptAnswers = scope["app"].state.kept_answers
        answer = answers.find(head, asked.address)
        if answer is None and not scope.get(BODILESS, False):
            making = answers.making.get((head, asked.address))
            if making is None:
                await self._make(scope, receive, send, head, asked)
                return
            answers.count(asked.address)
            with this().waiting("answer"):
                await making.done.wait()
            answer = making.answer
        if answer is None:
            await self._app(scope, receive, send)
        else:
            measure = this()
            measure.lane, measure.route = metrics.KEPT, _route(asked.address[0])
            await answer.send(asked, send)

    async def _make(self, scope: Scope, receive: Receive, send: Send, head: Head, asked: Asked) -> None:
        """Have the answer made, and keep it if it may be kept and came whole."""
        answers: KeptAnswers = scope["app"].state.kept_answers
        making = answers.making[head, asked.address] = _Making()
        made_from: dict[str, Head] = {}
        # Whole and unpacked, whatever this client has of it and takes: others ask for it too.
        headers = [pair for pair in scope["headers"] if pair[0] not in (b"if-none-match", b"accept-encoding")]
        inside = {**scope, "headers": headers, MADE_FROM: made_from, POLLED: answers.is_polled(asked.address)}
        start: Message | None = None

        async def watched(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if start is not None:
                begun, start = start, None
                if begun["status"] == 200 and "head" in made_from and not message.get("more_body", False):
                    body = message.get("body", b"")
                    if made_from["head"] != head:
                        scope["app"].state.heads.moved()  # what this tells of, the next answer does too
                    making.answer = KeptAnswer([*begun["headers"]], body)
                    if len(body) <= LONGEST:
                        answers.keep(made_from["head"], asked.address, making.answer)
                    making.done.set()
                    await making.answer.send(asked, send)
                    return
                making.done.set()
                await send(begun)
            await send(message)

        try:
            await self._app(inside, receive, watched)
        finally:
            del answers.making[head, asked.address]
            making.done.set()


async def _head(state: State) -> Head | None:
    """The head that answers may be kept by. None where it cannot be told, or the log went backwards."""
    head: Head | None = await state.heads.newest()
    return None if state.mark.lost else head
