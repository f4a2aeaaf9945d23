"""Counts of the past by the hour, for clients that ask as RFC 7089 (Memento) has it.

The address of a count without a moment is the original, and the gate to its past: asked with `Accept-Datetime` it leads
to the permalink of the revision that stood then. Only counts with no personal term have a past that stays as it was;
others follow today's consent.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from email.utils import format_datetime
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from sqlmodel import Session

from app import dates
from app.errors import BadDatetime
from app.log.entries import last_revision_at, pin, recorded_at
from app.projection import RULES
from app.queries.terms import PERSONAL, PERSONAL_FILTERS, PINNING, pinned

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
