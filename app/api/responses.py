"""Build responses: media types, content codings, entity tags, caching, links and mementos (RFC 7089).

The address of a count without a moment is both the original resource and the TimeGate: with `Accept-Datetime` it
redirects to the permalink of the revision at that time. Only counts without personal terms have mementos, because other
counts follow the consent in force today.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from email.utils import format_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, urlencode

import brotli
import zstandard
from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from sqlmodel import Session

from app import dates
from app.errors import BadDatetime
from app.imports.formats import tables
from app.log.entries import find_revision_at, load_recorded_at, pin_revision
from app.projection import RULES
from app.queries.parameters import FORMAT_MEDIA_TYPES, JSON_MEDIA_TYPE, RevisionQuery
from app.queries.terms import PERSONAL_DIMENSIONS, PERSONAL_FILTERS, PIN_PARAMETERS, build_pin_terms

RawHeaders = list[tuple[bytes, bytes]]  # ASGI headers: names in lower case

VARY = "Accept, Accept-Encoding, Authorization"
CONTENT_TYPES = {
    FORMAT_MEDIA_TYPES["csv"]: f"{FORMAT_MEDIA_TYPES['csv']}; charset=utf-8",
    FORMAT_MEDIA_TYPES["jsonl"]: FORMAT_MEDIA_TYPES["jsonl"],
}
SCOPE_BODILESS = "recuento.bodiless"  # scope key: the request is HEAD, so that no body is sent
# Scope key of a request whose response may be cached: a dict in which the route records the head it read.
SCOPE_SOURCE_HEAD = "recuento.made_from"
# A pinned count without personal terms never changes. A live one may be a few seconds old, so that all readers of a
# dashboard cost one query, and a day old while the registry is down.
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
    rows: Callable[[], Sequence[Mapping[str, Any]]]
    next: str | None = None
    document: tuple[str, str] | None = None
    columns: list[str] | None = None
    more_rows: Callable[[], AsyncIterator[Sequence[Mapping[str, Any]]]] | None = None
    links: Sequence[str] = ()


def negotiate_media_type(
    format_name: str | None, request: Request, media_by_format: dict[str, str] = FORMAT_MEDIA_TYPES
) -> str:
    """Return the media type: by `?format=`, else the supported type with the highest weight in Accept, else JSON."""
    if format_name is not None:
        return media_by_format[format_name]
    accepted_types = [parse_quality_value(part) for part in ",".join(request.headers.getlist("accept")).split(",")]
    candidates = [
        (weight, media) for media, weight in accepted_types if media in media_by_format.values() and weight > 0
    ]
    # `max` returns the first of equal weights.
    return max(candidates, key=lambda candidate: candidate[0])[1] if candidates else JSON_MEDIA_TYPE


def is_table(format_name: str | None, request: Request) -> bool:
    """Return whether the response is a table: CSV or JSON Lines."""
    return negotiate_media_type(format_name, request) != JSON_MEDIA_TYPE


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


def accepts_gzip(request: Request) -> bool:
    """Return whether the client accepts gzip (RFC 9110 section 12.5.3)."""
    codings = ",".join(request.headers.getlist("accept-encoding")).split(",")
    return any(coding == "gzip" and weight > 0 for coding, weight in map(parse_quality_value, codings))


def build_read_headers(revision: int, tag: str, cache_control: str) -> dict[str, str]:
    """Return the headers that 200 and 304 have in common (RFC 9110 section 15.4.5)."""
    return {
        "ETag": tag,
        "Vary": VARY,
        "Recuento-Revision": str(revision),
        "Recuento-Rules": str(RULES),
        "Cache-Control": cache_control,
    }


def build_response(answer: Answer, terms: RevisionQuery, request: Request, base_headers: dict[str, str]) -> Response:
    """Build the response to a GET from the base headers and the content of an answer."""
    headers = dict(base_headers)
    links = [*answer.links, *([] if answer.next is None else [f'<{answer.next}>; rel="next"'])]
    if links:
        headers["Link"] = ", ".join([*links, *([base_headers["Link"]] if "Link" in base_headers else [])])
    media = negotiate_media_type(terms.format, request)
    if answer.more_rows is not None:
        bodiless = request.scope.get(SCOPE_BODILESS, False)
        text = _stream_empty_body() if bodiless else _stream_table(answer, answer.more_rows, media)
        return StreamingResponse(text, headers=headers, media_type=CONTENT_TYPES[media])
    response = render_answer(answer, media, headers)
    digest = base64.b64encode(hashlib.sha256(response.body).digest()).decode()
    response.headers["Repr-Digest"] = f"sha-256=:{digest}:"  # RFC 9530 section 3
    return response


def render_answer(answer: Answer, media: str, headers: dict[str, str]) -> Response:
    if answer.document is not None:
        document_type, text = answer.document
        return Response(text, headers=headers, media_type=f"{document_type}; charset=utf-8")
    if media != JSON_MEDIA_TYPE:
        return Response(_render_table(answer, answer.rows(), media), headers=headers, media_type=CONTENT_TYPES[media])
    return build_json_response(answer.body, 200, headers)


def _render_table(answer: Answer, rows: Sequence[Mapping[str, Any]], media: str, *, heading: bool = True) -> str:
    if media == FORMAT_MEDIA_TYPES["csv"]:
        return tables.to_csv(rows, answer.columns, include_heading=heading)
    return tables.to_jsonl(rows)


async def _stream_table(
    answer: Answer, more_rows: Callable[[], AsyncIterator[Sequence[Mapping[str, Any]]]], media: str
) -> AsyncIterator[str]:
    """Yield the whole table. An error breaks off the stream, so that the client sees an incomplete response
    (RFC 9112 section 8)."""
    yield _render_table(answer, answer.rows(), media)
    async for rows in more_rows():
        yield _render_table(answer, rows, media, heading=False)


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

    `is_public_count`: the answer depends on no person's consent. `is_settled`: it depends on no setting.
    """
    if has_key:
        return CACHE_PRIVATE
    if not is_public_count:
        return CACHE_REVALIDATE
    return CACHE_IMMUTABLE if is_settled and terms.as_of is not None and terms.as_of.isdigit() else CACHE_SHORT


# These levels take about a millisecond for 20 kB; the next level takes twice as long and saves a twentieth.
BROTLI_QUALITY, ZSTD_LEVEL, GZIP_LEVEL = 5, 6, 6
MAX_HEADER_LENGTH = 200  # characters of Accept-Encoding: browsers send thirty, and parsing blocks the event loop
GZIP_WBITS = 16 + zlib.MAX_WBITS  # selects the gzip header in zlib


def _compress_gzip(body: bytes) -> bytes:
    compressor = zlib.compressobj(GZIP_LEVEL, wbits=GZIP_WBITS)  # without a time stamp: equal bodies give equal bytes
    return compressor.compress(body) + compressor.flush()


# In order of compression: the first one is chosen if a client accepts several with equal weight.
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, quality=BROTLI_QUALITY),
    "zstd": lambda body: zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(body),
    "gzip": _compress_gzip,
}


@lru_cache(maxsize=256)  # browsers send a handful of values
def choose_content_coding(accept_encoding: str) -> str | None:
    """Return the supported coding with the highest weight in `Accept-Encoding`; None for none or a too long header."""
    if len(accept_encoding) > MAX_HEADER_LENGTH:
        return None
    weights = dict(parse_quality_value(part) for part in accept_encoding.split(","))
    candidates = [(weights.get(coding, weights.get("*", 0.0)), coding) for coding in CODINGS]
    weight, coding = max(candidates, key=lambda candidate: candidate[0])  # the first of equal weights
    return coding if weight > 0 else None


ACCEPT_DATETIME = "Accept-Datetime"
MEMENTO_DATETIME = "Memento-Datetime"
HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"
LINK_FORMAT = "application/link-format"
TIMEGATE_PATHS = frozenset({"/v1/counts/releases", "/v1/counts/detentions"})
TIMEMAPS_PATH = "/v1/timemaps"
# A longer history is cut to the newest days: three years, some hundred kilobytes.
MAX_TIMEMAP_DAYS = 1_000
# Characters of an address in the Link header: proxies refuse headers longer than some thousand bytes.
MAX_LINKED_LENGTH = 1_000

Pairs = list[tuple[str, str]]


def is_timegate(path: str, query: bytes) -> bool:
    """Return whether a request accepts `Accept-Datetime`: a live count without personal terms."""
    parameters = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    return path in TIMEGATE_PATHS and not any(
        name in PIN_PARAMETERS or name in PERSONAL_FILTERS or (name == "group_by" and value in PERSONAL_DIMENSIONS)
        for name, value in parameters
    )


def parse_accept_datetime(request: Request) -> datetime | None:
    """Return the end of the second in `Accept-Datetime`, if it was sent. Raises BadDatetime."""
    text = request.headers.get(ACCEPT_DATETIME)
    if text is None:
        return None
    try:
        return datetime.strptime(text, HTTP_DATE).replace(tzinfo=UTC, microsecond=999_999)
    except ValueError:
        raise BadDatetime(f"Give {ACCEPT_DATETIME} as HTTP has it: Tue, 13 Jan 2026 18:00:00 GMT.") from None


def format_http_date(moment: datetime) -> str:
    """Return a moment as an HTTP date."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


class OriginalResource:
    """The original resource of a count (RFC 7089): its address without a moment, and its TimeMap."""

    def __init__(self, path: str, pairs: Pairs) -> None:
        self._path = path
        self._pairs = [(name, value) for name, value in pairs if name not in PIN_PARAMETERS]

    @property
    def address(self) -> str:
        return self._build_address(self._path, [])

    @property
    def timemap(self) -> str:
        return self._build_address(f"{TIMEMAPS_PATH}/{self._path.rpartition('/')[2]}", [])

    def build_link_header(self) -> dict[str, str]:
        """Return the Link header to the original resource and the TimeMap, for every memento and live answer."""
        if len(self.timemap) > MAX_LINKED_LENGTH:
            return {}
        links = f'<{self.address}>; rel="original timegate", <{self.timemap}>; rel="timemap"; type="{LINK_FORMAT}"'
        return {"Link": links}

    def build_revision_address(self, session: Session, revision: int) -> str:
        """Return the permalink of a revision."""
        return self._build_address(self._path, build_pin_terms(pin_revision(session, revision)))

    def build_moment_address(self, session: Session, moment: datetime, newest: int) -> str:
        """Return the permalink of the newest revision at a moment; of the first one for earlier moments."""
        return self.build_revision_address(session, max(1, min(newest, find_revision_at(session, moment))))

    def format_timemap(self, session: Session, revision: int, zone: tzinfo) -> str:
        """Return the TimeMap up to a revision in link format (RFC 6690).

        It lists the first revision, the end of each day, and the last revision.
        """
        first, last = load_recorded_at(session, 1), load_recorded_at(session, revision)
        days = [*_iterate_days(first.astimezone(zone).date(), last.astimezone(zone).date())]
        entries = [(self.build_revision_address(session, 1), first), *self._iterate_day_ends(days, zone)]
        ending = [] if revision == 1 else [(self.build_revision_address(session, revision), last)]
        entries = [(address, moment) for address, moment in entries if not ending or moment < last] + ending
        lines = [
            f'<{self.address}>; rel="original timegate"',
            f'<{self.timemap}>; rel="self"; type="{LINK_FORMAT}"; '
            f'from="{format_http_date(first)}"; until="{format_http_date(last)}"',
        ]
        for place, (address, moment) in enumerate(entries):
            kinds = ["first"] * (place == 0) + ["last"] * (place == len(entries) - 1) + ["memento"]
            lines.append(f'<{address}>; rel="{" ".join(kinds)}"; datetime="{format_http_date(moment)}"')
        return ",\n".join(lines) + "\n"

    def _iterate_day_ends(self, days: list[date], zone: tzinfo) -> Iterator[tuple[str, datetime]]:
        for day in days:
            moment = [("rules", str(RULES)), ("as_of", day.isoformat()), ("zone", dates.format_zone(zone))]
            pairs = [pair for pair in self._pairs if pair[0] != "zone"]
            yield f"{self._path}?{urlencode([*pairs, *moment])}", dates.end_of_day(day, zone)

    def _build_address(self, path: str, moment: Pairs) -> str:
        query = urlencode([*self._pairs, *moment])
        return f"{path}?{query}" if query else path


def _iterate_days(first: date, last: date) -> Iterator[date]:
    """Yield the days from the first to the one before the last; the newest MAX_TIMEMAP_DAYS of them."""
    begin = max(first, last - timedelta(days=MAX_TIMEMAP_DAYS))
    for step in range((last - begin).days):
        yield begin + timedelta(days=step)
