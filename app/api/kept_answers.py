"""Answers to anybody, kept as ready bytes for as long as the head stands that they were made from.

They stand before the lanes and the routes: whoever polls costs a look at the head and a look-up. What is read with a
key, and what seeks somebody by name, is not kept. Who may be shown follows today's consent at every revision, so that
an answer is kept by the head, not by the revision it is of.
"""

import asyncio
import base64
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field

from starlette.datastructures import State
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api import metrics
from app.api.answers import MADE_FROM, tags_in
from app.api.codings import CODINGS, coding_for
from app.api.heads import Head
from app.measure import this

KEPT_UNDER = "/v1/"
LONGEST = 512 * 1024  # bytes of an answer: a page of the longest list; what is longer is streamed
MOST_KEPT = 64 * 1024 * 1024  # bytes of all in one process
# Bytes that an answer takes beside its body, and what it takes packed in every coding, as parts of its body.
OVERHEAD, PACKED = 4_000, 1
SHORTEST_PACKED = 1_000  # bytes of a body: less is one packet on the line, packed or not

Headers = list[tuple[bytes, bytes]]
Address = tuple[str, bytes, str]  # path, query, what is accepted
# What a 304 carries of the headers of the 200 in whose place it stands (RFC 9110 section 15.4.5).
OF_A_304 = frozenset({b"etag", b"vary", b"cache-control", b"recuento-revision", b"recuento-rules"})


@dataclass(frozen=True)
class Asked:
    """What of a request decides which bytes answer it."""

    address: Address
    coding: str | None
    known: str  # tags

    @classmethod
    def of(cls, scope: Scope) -> "Asked | None":
        """None where the answer to such a request is never kept."""
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(KEPT_UNDER):
            return None
        given = {b"accept": "", b"accept-encoding": "", b"if-none-match": ""}
        for name, value in scope["headers"]:
            if name in given:
                given[name] += ("," if given[name] else "") + value.decode("latin-1")
            elif name == b"authorization":
                return None
        address = (scope["path"], scope["query_string"], given[b"accept"])
        return cls(address, coding_for(given[b"accept-encoding"]), given[b"if-none-match"])


@dataclass(frozen=True)
class _Form:
    """The bytes of an answer in one coding, with the headers of the 200 and those of the 304 in its place."""

    headers: Headers
    unchanged: Headers
    body: bytes

    @classmethod
    def of(cls, headers: Headers, body: bytes) -> "_Form":
        return cls(headers, [pair for pair in headers if pair[0] in OF_A_304], body)


class _Kept:
    """An answer, and what of it was packed so far."""

    def __init__(self, headers: Headers, body: bytes, route: str) -> None:
        """`route`: the template of the one that made it."""
        self.route = route
        self._plain = _Form.of(headers, body)
        self._packed: dict[str, _Form] = {}
        tag = dict(headers)[b"etag"].decode()
        # Of every coding, packed here already or not: a client may have it from another process.
        self.tags = frozenset({"*", tag, *(_tag_in(tag, coding) for coding in CODINGS)})
        self.size = OVERHEAD + (1 + PACKED) * len(body)

    def form(self, coding: str | None) -> _Form:
        if coding is None or len(self._plain.body) < SHORTEST_PACKED:
            return self._plain
        if coding not in self._packed:
            self._packed[coding] = _packed(self._plain, coding)
        return self._packed[coding]


def _tag_in(tag: str, coding: str) -> str:
    """The tag of an answer in a coding: other bytes have another strong tag (RFC 9110 section 8.8.3.3)."""
    return f'{tag[:-1]}-{coding}"'


def _packed(plain: _Form, coding: str) -> _Form:
    body = CODINGS[coding](plain.body)
    other: dict[bytes, bytes] = {
        b"content-encoding": coding.encode(),
        b"content-length": str(len(body)).encode(),
        # Of the bytes as they are coded (RFC 9530 section 3).
        b"repr-digest": b"sha-256=:" + base64.b64encode(hashlib.sha256(body).digest()) + b":",
        b"etag": _tag_in(dict(plain.headers)[b"etag"].decode(), coding).encode(),
    }
    return _Form.of([pair for pair in plain.headers if pair[0] not in other] + [*other.items()], body)


@dataclass
class _Making:
    """An answer that one request makes for all who ask the same meanwhile."""

    done: asyncio.Event = field(default_factory=asyncio.Event)
    kept: _Kept | None = None


class KeptAnswers:
    """The answers of one process. Those made from an earlier head are let go of at once: they may show somebody who is
    hidden, or erased, since."""

    def __init__(self) -> None:
        self._head: Head | None = None
        self._by_address: OrderedDict[Address, _Kept] = OrderedDict()
        self._size = 0
        self.making: dict[tuple[Head, Address], _Making] = {}

    def find(self, head: Head, address: Address) -> _Kept | None:
        self._turn_to(head)
        kept = self._by_address.get(address)
        if kept is not None:
            self._by_address.move_to_end(address)
        return kept

    def keep(self, head: Head, address: Address, kept: _Kept) -> None:
        """Keep an answer that was made from a head; where that is not the newest any more, nobody asks for it."""
        if head != self._head or address in self._by_address:
            return
        self._by_address[address] = kept
        self._size += kept.size
        while self._size > MOST_KEPT:
            _address, longest_unasked = self._by_address.popitem(last=False)
            self._size -= longest_unasked.size

    def _turn_to(self, head: Head) -> None:
        if head != self._head:
            self._head, self._size = head, 0
            self._by_address.clear()


class Kept:
    """Answer with kept bytes where there are some, and keep what is answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Asked.of(scope)
        head = None if asked is None else await _head(scope["app"].state)
        if asked is None or head is None:
            await self._app(scope, receive, send)
            return
        answers: KeptAnswers = scope["app"].state.kept_answers
        kept = answers.find(head, asked.address)
        if kept is None:
            making = answers.making.get((head, asked.address))
            if making is None:
                await self._make(scope, receive, send, head, asked)
                return
            with this().waiting("answer"):
                await making.done.wait()
            kept = making.kept
        if kept is None:
            await self._app(scope, receive, send)
        else:
            measure = this()
            measure.lane, measure.route = metrics.KEPT, kept.route
            await _send(kept, asked, send)

    async def _make(self, scope: Scope, receive: Receive, send: Send, head: Head, asked: Asked) -> None:
        """Have the answer made, and keep it if it may be kept and came whole."""
        answers: KeptAnswers = scope["app"].state.kept_answers
        making = answers.making[head, asked.address] = _Making()
        made_from: dict[str, Head] = {}
        inside = {**scope, MADE_FROM: made_from}
        start: Message | None = None

        async def watched(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if start is not None:
                begun, start = start, None
                if _is_whole(begun, message) and "head" in made_from:
                    making.kept = _Kept([*begun["headers"]], message["body"], metrics.template(inside))
                    answers.keep(made_from["head"], asked.address, making.kept)
                    making.done.set()
                    await _send(making.kept, asked, send)
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
    head: Head | None = await state.heads.look()
    return None if state.mark.lost else head


def _is_whole(begun: Message, message: Message) -> bool:
    """Whether an answer is a short one with its whole body in this message."""
    whole = message["type"] == "http.response.body" and not message.get("more_body", False)
    return begun["status"] == 200 and whole and len(message["body"]) <= LONGEST


async def _send(kept: _Kept, asked: Asked, send: Send) -> None:
    form = kept.form(asked.coding)
    known = bool(asked.known) and not kept.tags.isdisjoint(tags_in(asked.known))
    status, headers, body = (304, form.unchanged, b"") if known else (200, form.headers, form.body)
    await send({"type": "http.response.start", "status": status, "headers": [*headers]})
    await send({"type": "http.response.body", "body": body})
