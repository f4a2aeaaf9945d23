"""Build responses: media types, content codings, entity tags, caching, links and mementos (RFC 7089).

The address of a count without a moment is both the original resource and the TimeGate: with `Accept-Datetime` it
redirects to the permalink of the revision at that time. Only counts without personal terms have mementos, because other
counts follow the consent in force today.
"""

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from app import tables
from app.api.table_routes import split_table_path
from app.moments import parse_revision
from app.projection import RULES
from app.queries.parameters import JSON_MEDIA_TYPE, TABLE_MEDIA_TYPES, RevisionQuery, TableFormat

RawHeaders = list[tuple[bytes, bytes]]  # ASGI headers: names in lower case

VARY = "Accept-Encoding, Authorization"
CONTENT_TYPES = TABLE_MEDIA_TYPES | {
    form.value: f"{TABLE_MEDIA_TYPES[form]}; charset=utf-8" for form in (TableFormat.CSV, TableFormat.EXCEL_CSV)
}
SCOPE_BODILESS = "recuento.bodiless"  # scope key: the request is HEAD, so that no body is sent
# Scope key of a request whose response may be cached: a dict in which the route records the head it read.
SCOPE_SOURCE_HEAD = "recuento.made_from"
# A pinned count without personal terms has the same bytes until the counting rules change. A live one may be a few
# seconds old, so that all readers of a dashboard cost one query, and a day old while the registry is down.
CACHE_IMMUTABLE = "public, max-age=31536000, immutable"
CACHE_SHORT = "public, max-age=5, stale-while-revalidate=30, stale-if-error=86400"
CACHE_REVALIDATE = "no-cache"
CACHE_PRIVATE = "private, no-store"


@dataclass
class Answer:
    """The content of a response: a JSON body, and rows for a table, which are built only if a table is requested.

    `document`: a media type and a text, for a resource with one representation. `columns`, `more_rows`: of a long table
    the columns, and the rows that follow `rows`. `links`: values of the Link header (RFC 8288).
    """

    body: Mapping[str, Any]
    rows: Callable[[], Sequence[Mapping[str, Any]]] = list
    next: str | None = None
    document: tuple[str, str] | None = None
    columns: list[str] | None = None
    more_rows: Callable[[], AsyncIterator[Sequence[Mapping[str, Any]]]] | None = None
    links: Sequence[str] = ()


def parse_quality_value(part: str) -> tuple[str, float]:
    """Parse a media range or a language with its weight (RFC 9110 section 12.4.2). A malformed weight is 0."""
    media, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weights = [piece.removeprefix("q=") for piece in parameters if piece.startswith("q=")]
    try:
        return media, float(weights[0]) if weights else 1.0
    except ValueError:
        return media, 0.0


def select_language(accept_language: str, languages: Sequence[str]) -> str:
    """Return the supported language with the highest weight, by default the first (RFC 9110 section 12.5.4)."""
    requested_languages = [
        (weight, tag.partition("-")[0]) for tag, weight in map(parse_quality_value, accept_language.split(","))
    ]
    candidates = [
        (weight, language) for weight, language in requested_languages if language in languages and weight > 0
    ]
    return max(candidates, key=lambda candidate: candidate[0])[1] if candidates else languages[0]


def parse_if_none_match(request: Request) -> set[str]:
    """Return the tags of `If-None-Match` for a weak comparison (RFC 9110 section 13.1.2).

    A proxy that compresses a response weakens its tag.
    """
    return parse_etags(",".join(request.headers.getlist("if-none-match")))


def parse_etags(header: str) -> set[str]:
    return {part.strip().removeprefix("W/") for part in header.split(",")}


def build_read_headers(revision: int, tag: str, cache_control: str) -> dict[str, str]:
    """Return the headers that 200 and 304 have in common (RFC 9110 section 15.4.5)."""
    return {
        "ETag": tag,
        "Vary": VARY,
        "Recuento-Revision": str(revision),
        "Recuento-Rules": str(RULES),
        "Cache-Control": cache_control,
    }


def build_response(answer: Answer, request: Request, base_headers: dict[str, str]) -> Response:
    """Build the response to a GET from the base headers and the content of an answer."""
    headers = dict(base_headers)
    links = [*answer.links, *([] if answer.next is None else [f'<{answer.next}>; rel="next"'])]
    if links:
        headers["Link"] = ", ".join([*links, *([base_headers["Link"]] if "Link" in base_headers else [])])
    _path, extension = split_table_path(request.url.path)
    if extension is not None and answer.more_rows is not None:
        bodiless = request.scope.get(SCOPE_BODILESS, False)
        text = _stream_empty_body() if bodiless else _stream_table(answer, answer.more_rows, extension)
        return StreamingResponse(text, headers=headers, media_type=CONTENT_TYPES[extension])
    response = render_answer(answer, extension, headers)
    digest = base64.b64encode(hashlib.sha256(response.body).digest()).decode()
    response.headers["Repr-Digest"] = f"sha-256=:{digest}:"  # RFC 9530 section 3
    return response


def render_answer(answer: Answer, extension: str | None, headers: dict[str, str]) -> Response:
    """Return an answer as JSON, or as the table with an extension."""
    if answer.document is not None:
        document_type, text = answer.document
        return Response(text, headers=headers, media_type=f"{document_type}; charset=utf-8")
    if extension is not None:
        table = _render_table(answer, answer.rows(), extension)
        return Response(table, headers=headers, media_type=CONTENT_TYPES[extension])
    return build_json_response(answer.body, 200, headers)


def _render_table(answer: Answer, rows: Sequence[Mapping[str, Any]], extension: str, *, heading: bool = True) -> str:
    if extension == TableFormat.JSONL:
        return tables.to_jsonl(rows)
    mark = tables.BYTE_ORDER_MARK if extension == TableFormat.EXCEL_CSV and heading else ""
    return mark + tables.to_csv(rows, answer.columns, include_heading=heading)


async def _stream_table(
    answer: Answer, more_rows: Callable[[], AsyncIterator[Sequence[Mapping[str, Any]]]], extension: str
) -> AsyncIterator[str]:
    """Yield the whole table. An error breaks off the stream, so that the client sees an incomplete response
    (RFC 9112 section 8)."""
    yield _render_table(answer, answer.rows(), extension)
    async for rows in more_rows():
        yield _render_table(answer, rows, extension, heading=False)


async def _stream_empty_body() -> AsyncIterator[str]:
    """Yield nothing, for the response to HEAD."""
    return
    yield


def build_json_response(body: Any, status: int, headers: dict[str, str]) -> Response:
    """Return JSON in UTF-8; equal values give equal bytes."""
    return Response(encode_json(body), status, headers, media_type=JSON_MEDIA_TYPE)


def encode_json(body: Any) -> bytes:
    """Return a value as JSON in UTF-8; equal values give equal bytes."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), default=str).encode()


def choose_cache_control(terms: RevisionQuery, *, is_public_count: bool, is_settled: bool, has_key: bool) -> str:
    """Return the Cache-Control value of an answer.

    `is_public_count`: the answer depends on no person's consent. `is_settled`: it depends on no setting. An address
    without `rules` has other numbers after the next change of rules, and is not immutable.
    """
    if has_key:
        return CACHE_PRIVATE
    if not is_public_count:
        return CACHE_REVALIDATE
    is_pinned = terms.rules is not None and terms.as_of is not None and parse_revision(terms.as_of) is not None
    return CACHE_IMMUTABLE if is_settled and is_pinned else CACHE_SHORT
