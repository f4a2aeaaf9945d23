"""Redirect to and list earlier answers of a count: TimeGate, mementos and TimeMap (RFC 7089)."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from email.utils import format_datetime
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from sqlmodel import Session

from app import dates
from app.api.table_routes import split_table_path
from app.errors import BadDatetime
from app.log.entries import find_revision_at, load_recorded_at, pin_revision
from app.projection import RULES
from app.queries.addresses import PIN_PARAMETERS, build_pin_terms
from app.queries.countables import COUNTABLES
from app.queries.dimensions import PERSONAL_DIMENSIONS
from app.queries.terms import PERSONAL_FILTERS
from app.translations import Message

ACCEPT_DATETIME = "Accept-Datetime"
MEMENTO_DATETIME = "Memento-Datetime"
HTTP_DATE = "%a, %d %b %Y %H:%M:%S GMT"
LINK_FORMAT = "application/link-format"
TIMEGATE_PATHS = frozenset(countable.counts_path for countable in COUNTABLES.values())
TIMEMAPS_PATH = "/v1/timemaps"
# A longer history is cut to the newest days: three years, some hundred kilobytes.
MAX_TIMEMAP_DAYS = 1_000
# Characters of an address in the Link header: proxies refuse headers longer than some thousand bytes.
MAX_LINKED_LENGTH = 1_000

Pairs = list[tuple[str, str]]


def is_timegate(path: str, query: bytes) -> bool:
    """Return whether a request accepts `Accept-Datetime`: a live count without personal terms, or its table."""
    parameters = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    return split_table_path(path)[0] in TIMEGATE_PATHS and not any(
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
        raise BadDatetime(
            Message("Give {header} as HTTP has it: Tue, 13 Jan 2026 18:00:00 GMT.", header=ACCEPT_DATETIME)
        ) from None


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
        json_path, _extension = split_table_path(self._path)
        return self._build_address(f"{TIMEMAPS_PATH}/{json_path.rpartition('/')[2]}", [])

    def build_link_header(self) -> dict[str, str]:
        """Return the Link header to the original resource and the TimeMap, for every memento and live answer.

        A TimeMap lists JSON answers, so a table has none.
        """
        if len(self.timemap) > MAX_LINKED_LENGTH:
            return {}
        links = [f'<{self.address}>; rel="original timegate"']
        if split_table_path(self._path)[1] is None:
            links.append(f'<{self.timemap}>; rel="timemap"; type="{LINK_FORMAT}"')
        return {"Link": ", ".join(links)}

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
