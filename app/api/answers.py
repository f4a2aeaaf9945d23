"""Answers on the wire: JSON, CSV or JSON Lines, with tags, caching and links."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from app.imports.formats import tables
from app.projection import RULES
from app.queries.parameters import JSON, MEDIA, AsOf

RawHeaders = list[tuple[bytes, bytes]]  # of an answer, as ASGI has them: names in small letters

VARY = "Accept, Accept-Encoding, Authorization"
CONTENT_TYPES = {MEDIA["csv"]: f"{MEDIA['csv']}; charset=utf-8", MEDIA["jsonl"]: MEDIA["jsonl"]}
BODILESS = "recuento.bodiless"  # in the scope of a request whose answer nobody is sent the body of
# In the scope of a request whose answer may be kept: where whoever makes it notes the head that it is made from.
MADE_FROM = "recuento.made_from"
# A pinned count over nothing personal never changes; a live one may be a few seconds old, so that a dashboard's
# readers cost one query, and a day old when the registry is down.
PINNED = "public, max-age=31536000, immutable"
LIVE = "public, max-age=5, stale-while-revalidate=30, stale-if-error=86400"
UNCACHED = "no-cache"
KEYED = "private, no-store"


@dataclass
class Answer:
    """A body, and the rows it means as a table, which are made where a table is asked for; or a document `(media type,
    text)` that has one form only."""

    body: Mapping[str, Any]
    rows: Callable[[], Sequence[Mapping[str, Any]]]
    next: str | None = None
    document: tuple[str, str] | None = None
    # Of a long table: its columns, and the rows that follow those here.
    columns: list[str] | None = None
    more: Callable[[], AsyncIterator[Sequence[Mapping[str, Any]]]] | None = None
    links: Sequence[str] = ()  # of the answer, as the header has them (RFC 8288)


def media_type(form: str | None, request: Request, among: dict[str, str] = MEDIA) -> str:
    """The form asked for: `?format=`, else the one of ours that Accept weighs most, else JSON."""
    if form is not None:
        return among[form]
    accepted = [weighed(part) for part in ",".join(request.headers.getlist("accept")).split(",")]
    ours = [(weight, media) for media, weight in accepted if media in among.values() and weight > 0]
    return max(ours, key=lambda each: each[0])[1] if ours else JSON  # of equals the first


def is_table(form: str | None, request: Request) -> bool:
    """Whether the answer is in rows: CSV or JSON Lines."""
    return media_type(form, request) != JSON


def weighed(part: str) -> tuple[str, float]:
    """A media range or a language and its weight (RFC 9110 section 12.4.2); what cannot be read weighs nothing."""
    media, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weights = [piece.removeprefix("q=") for piece in parameters if piece.startswith("q=")]
    try:
        return media, float(weights[0]) if weights else 1.0
    except ValueError:
        return media, 0.0


def preferred(accepted: str, among: Sequence[str]) -> str:
    """The language of ours that `Accept-Language` weighs most, else the first (RFC 9110 section 12.5.4)."""
    asked = [(weight, tag.partition("-")[0]) for tag, weight in map(weighed, accepted.split(","))]
    ours = [(weight, language) for weight, language in asked if language in among and weight > 0]
    return max(ours, key=lambda each: each[0])[1] if ours else among[0]


def tags_known(request: Request) -> set[str]:
    """The tags of `If-None-Match`, compared weakly (RFC 9110 section 13.1.2): a proxy that compresses an answer weakens
    its tag."""
    return tags_in(",".join(request.headers.getlist("if-none-match")))


def tags_in(given: str) -> set[str]:
    return {part.strip().removeprefix("W/") for part in given.split(",")}


def takes_gzip(request: Request) -> bool:
    """Whether the client can unpack what is packed with gzip (RFC 9110 section 12.5.3)."""
    accepted = ",".join(request.headers.getlist("accept-encoding")).split(",")
    return any(coding == "gzip" and weight > 0 for coding, weight in map(weighed, accepted))


def headers_of(revision: int, tag: str, caching: str) -> dict[str, str]:
    """What a 200 and the 304 in its place both carry (RFC 9110 section 15.4.5)."""
    return {
        "ETag": tag,
        "Vary": VARY,
        "Recuento-Revision": str(revision),
        "Recuento-Rules": str(RULES),
        "Cache-Control": caching,
    }


def respond(answer: Answer, terms: AsOf, request: Request, given: dict[str, str]) -> Response:
    """The response to a GET, with the headers given and the answer's own."""
    headers = dict(given)
    links = [*answer.links, *([] if answer.next is None else [f'<{answer.next}>; rel="next"'])]
    if links:
        headers["Link"] = ", ".join([*links, *([given["Link"]] if "Link" in given else [])])
    media = media_type(terms.format, request)
    if answer.more is not None:
        bodiless = request.scope.get(BODILESS, False)
        text = _nothing() if bodiless else _streamed(answer, answer.more, media)
        return StreamingResponse(text, headers=headers, media_type=CONTENT_TYPES[media])
    response = in_form(answer, media, headers)
    digest = base64.b64encode(hashlib.sha256(response.body).digest()).decode()
    response.headers["Repr-Digest"] = f"sha-256=:{digest}:"  # RFC 9530 section 3
    return response


def in_form(answer: Answer, media: str, headers: dict[str, str]) -> Response:
    if answer.document is not None:
        only, text = answer.document
        return Response(text, headers=headers, media_type=f"{only}; charset=utf-8")
    if media != JSON:
        return Response(_table(answer, answer.rows(), media), headers=headers, media_type=CONTENT_TYPES[media])
    return json_response(answer.body, 200, headers)


def _table(answer: Answer, rows: Sequence[Mapping[str, Any]], media: str, *, heading: bool = True) -> str:
    if media == MEDIA["csv"]:
        return tables.to_csv(rows, answer.columns, heading=heading)
    return tables.to_jsonl(rows)


async def _streamed(
    answer: Answer, more: Callable[[], AsyncIterator[Sequence[Mapping[str, Any]]]], media: str
) -> AsyncIterator[str]:
    """The table from its beginning to its end. What fails on the way breaks the line off, without the end that a whole
    answer has (RFC 9112 section 8)."""
    yield _table(answer, answer.rows(), media)
    async for rows in more():
        yield _table(answer, rows, media, heading=False)


async def _nothing() -> AsyncIterator[str]:
    """The body of an answer to HEAD."""
    return
    yield


def json_response(body: Any, status: int, headers: dict[str, str]) -> Response:
    """JSON in UTF-8; equal values give equal bytes."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), default=str)
    return Response(text, status, headers, media_type=JSON)


def caching(terms: AsOf, *, public_count: bool, settled: bool, keyed: bool) -> str:
    """Who may keep an answer. `public_count`: one that depends on nobody's consent; `settled`: nor on a setting."""
    if keyed:
        return KEYED
    if not public_count:
        return UNCACHED
    return PINNED if settled and terms.as_of is not None and terms.as_of.isdigit() else LIVE
