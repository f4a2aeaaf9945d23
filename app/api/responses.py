"""Answers on the wire: JSON, CSV or JSON Lines, with tags, caching and links.

Content codings: which of ours a client takes, and a body packed in it (RFC 9110 section 8.4).

Counts of the past by the hour, for clients that ask as RFC 7089 (Memento) has it.

The address of a count without a moment is the original, and the gate to its past: asked with `Accept-Datetime` it leads
to the permalink of the revision that stood then. Only counts with no personal term have a past that stays as it was;
others follow today's consent."""

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
from app.log.entries import last_revision_at, pin, recorded_at
from app.projection import RULES
from app.queries.parameters import JSON, MEDIA, AsOf
from app.queries.terms import PERSONAL, PERSONAL_FILTERS, PINNING, pinned

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


# Of a body of 20 kB these take about a millisecond, and the next level twice that for a twentieth less.
BROTLI_QUALITY, ZSTD_LEVEL, GZIP_LEVEL = 5, 6, 6
LONGEST_LIST = 200  # characters: browsers send thirty, and reading a long list would hold up everybody
GZIP_WINDOW = 16 + zlib.MAX_WBITS  # what zlib calls the header of gzip


def _gzip(body: bytes) -> bytes:
    packing = zlib.compressobj(GZIP_LEVEL, wbits=GZIP_WINDOW)  # without a time: equal bodies make equal bytes
    return packing.compress(body) + packing.flush()


# The one that makes most bodies shortest comes first: of codings that a client takes alike, it is chosen.
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, quality=BROTLI_QUALITY),
    "zstd": lambda body: zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(body),
    "gzip": _gzip,
}


@lru_cache(maxsize=256)  # browsers send a handful of values; whoever sends many gets no more room than this
def coding_for(accepted: str) -> str | None:
    """The coding of ours that `Accept-Encoding` weighs most; None where it takes none, or says more than anybody
    needs."""
    if len(accepted) > LONGEST_LIST:
        return None
    weights = dict(weighed(part) for part in accepted.split(","))
    ours = [(weights.get(coding, weights.get("*", 0.0)), coding) for coding in CODINGS]
    weight, coding = max(ours, key=lambda each: each[0])  # of equals the first
    return coding if weight > 0 else None


ASKED = "Accept-Datetime"
STATED = "Memento-Datetime"
HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"
LINK_FORMAT = "application/link-format"
GATES = frozenset({"/v1/counts/releases", "/v1/counts/detentions"})
TIMEMAPS = "/v1/timemaps"
# Of a registry with a longer past the newest days are listed: three years, some hundred kilobytes.
MOST_DAYS = 1_000
# Characters of an address: of headers longer than some thousand bytes a proxy makes an error.
LONGEST_LINKED = 1_000

Pairs = list[tuple[str, str]]


def is_gate(path: str, query: bytes) -> bool:
    """Whether a question leads to the past where a client asks for it."""
    given = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    return path in GATES and not any(
        name in PINNING or name in PERSONAL_FILTERS or (name == "group_by" and value in PERSONAL)
        for name, value in given
    )


def asked_at(request: Request) -> datetime | None:
    """The moment asked for, to the end of its second, which is as fine as a header tells it. Raises BadDatetime."""
    text = request.headers.get(ASKED)
    if text is None:
        return None
    try:
        return datetime.strptime(text, HTTP_DATE).replace(tzinfo=UTC, microsecond=999_999)
    except ValueError:
        raise BadDatetime(f"Give {ASKED} as HTTP has it: Tue, 13 Jan 2026 18:00:00 GMT.") from None


def stated(moment: datetime) -> str:
    """A moment as headers have it."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


class Original:
    """The address of a count without its moment, and of what is known of its past."""

    def __init__(self, path: str, pairs: Pairs) -> None:
        self._path = path
        self._pairs = [(name, value) for name, value in pairs if name not in PINNING]

    @property
    def address(self) -> str:
        return self._at(self._path, [])

    @property
    def timemap(self) -> str:
        return self._at(f"{TIMEMAPS}/{self._path.rpartition('/')[2]}", [])

    def links(self) -> dict[str, str]:
        """The header that says of every answer to the question, whatever its moment, whose past it is of."""
        if len(self.timemap) > LONGEST_LINKED:
            return {}
        links = f'<{self.address}>; rel="original timegate", <{self.timemap}>; rel="timemap"; type="{LINK_FORMAT}"'
        return {"Link": links}

    def at_revision(self, session: Session, revision: int) -> str:
        """The permalink of a revision."""
        return self._at(self._path, pinned(pin(session, revision)))

    def at_moment(self, session: Session, moment: datetime, newest: int) -> str:
        """The permalink of the revision that stood at a moment; before the first that of the first."""
        return self.at_revision(session, max(1, min(newest, last_revision_at(session, moment))))

    def mementos(self, session: Session, revision: int, zone: tzinfo) -> str:
        """The past of the question up to a revision, in link format (RFC 6690): its first and its last state, and that
        at the end of each day between."""
        first, last = recorded_at(session, 1), recorded_at(session, revision)
        days = [*_days_between(first.astimezone(zone).date(), last.astimezone(zone).date())]
        listed = [(self.at_revision(session, 1), first), *self._at_ends(days, zone)]
        ending = [] if revision == 1 else [(self.at_revision(session, revision), last)]
        listed = [(address, moment) for address, moment in listed if not ending or moment < last] + ending
        lines = [
            f'<{self.address}>; rel="original timegate"',
            f'<{self.timemap}>; rel="self"; type="{LINK_FORMAT}"; from="{stated(first)}"; until="{stated(last)}"',
        ]
        for place, (address, moment) in enumerate(listed):
            kinds = ["first"] * (place == 0) + ["last"] * (place == len(listed) - 1) + ["memento"]
            lines.append(f'<{address}>; rel="{" ".join(kinds)}"; datetime="{stated(moment)}"')
        return ",\n".join(lines) + "\n"

    def _at_ends(self, days: list[date], zone: tzinfo) -> Iterator[tuple[str, datetime]]:
        for day in days:
            moment = [("rules", str(RULES)), ("as_of", day.isoformat()), ("zone", dates.zone_name(zone))]
            pairs = [pair for pair in self._pairs if pair[0] != "zone"]
            yield f"{self._path}?{urlencode([*pairs, *moment])}", dates.end_of_day(day, zone)

    def _at(self, path: str, moment: Pairs) -> str:
        query = urlencode([*self._pairs, *moment])
        return f"{path}?{query}" if query else path


def _days_between(first: date, last: date) -> Iterator[date]:
    """The days from the first to the one before the last, at most MOST_DAYS, the newest."""
    begin = max(first, last - timedelta(days=MOST_DAYS))
    for step in range((last - begin).days):
        yield begin + timedelta(days=step)
