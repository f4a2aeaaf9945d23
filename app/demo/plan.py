"""Plan the demo: draw choices that look like chance, the 418 releases by day and place, and every source's filings.

Draws use digests and no random generator, so that they are the same on every machine and every Python version.

A batch is a group released together. Its hour is the earliest at which anyone outside could know of it, and limits what
a source can have filed by a stated instant: the 24 of the small hours of 12 January are on Foro Penal's list at nine,
the three of that evening are not.

A stream is one source's list over one window. Its steps are the figures that the source published (the ids are those of
`figures.csv`). Between two steps the source files exactly the difference, drawn from the released people that it has
not filed yet, in an order of its own. So lists overlap as real lists do: at a given hour each has people that the other
has not heard of. Where no figure is known, a source files nobody.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from hashlib import blake2b
from itertools import count
from typing import TypeVar

from app import dates

CARACAS_ZONE_NAME = "America/Caracas"  # in which a day of the demo ends
COUNTRY, RELEASED_FROM = "VE", "2026-01-08"  # of the demo's first page
CARACAS_TIMEZONE = timezone(timedelta(hours=-4))


def parse_caracas_time(text: str) -> datetime:
    """Parse `2026-01-12T09:00` as that minute in Caracas, `2026-01-12` as the end of that day. Returns an instant in
    UTC."""
    return dates.parse_instant(f"{text}:00-04:00" if "T" in text else text, CARACAS_TIMEZONE)


def to_local_day(instant: datetime) -> date:
    """Return the day of an instant in Caracas."""
    return instant.astimezone(CARACAS_TIMEZONE).date()


T = TypeVar("T")
Item = TypeVar("Item", int, str)


def draw_number(*parts: object) -> int:
    """Return a large number that depends on nothing but the parts."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())


def is_drawn(odds: int, *parts: object) -> bool:
    """Return True for about one in `odds`."""
    return draw_number(*parts) % odds == 0


def pick_option(options: Sequence[T], *parts: object) -> T:
    """Return one of the options."""
    return options[draw_number(*parts) % len(options)]


def shuffle_items(items: Iterable[Item], *parts: object) -> list[Item]:
    """Return the items in an order that depends on the parts."""
    return sorted(items, key=lambda item: draw_number(*parts, item))


RELEASED_COUNT = 418
DECEMBER_IDS = range(115)  # out between Christmas and 7 January
JANUARY_IDS = range(115, RELEASED_COUNT)  # out from 8 January: the 303 the opposition alliance had listed by the 28th

MIXED_FACILITIES = (
    "el-rodeo-i",
    "el-rodeo-ii",
    "yare",
    "el-helicoide",
    "inof",
    "fuerte-guaicaipuro",
    "zona-7",
    "tocoron",
    "tocuyito",
    "ramo-verde",
    "dgcim-boleita",
    "26-de-julio",
)


@dataclass(frozen=True, slots=True)
class Batch:
    """`count` people released on `day` (YYYY-MM-DD) from `hour` o'clock, from one of the facilities."""

    day: str
    hour: int
    count: int
    facilities: tuple[str, ...] = MIXED_FACILITIES
    group: str | None = None


@dataclass(frozen=True, slots=True)
class ReleaseSlot:
    """The release of one person. Nobody can have known of it before `released_at` (aware, in UTC)."""

    id: int
    released_on: date
    released_at: datetime
    facility: str
    group: str | None


BATCHES = (
    # Christmas and New Year: the 115 that Foro Penal had by 23 January (269 less the 154 of its January window).
    Batch("2025-12-25", 7, 74, ("tocoron", "tocuyito", "el-rodeo-ii", "yare", "la-crisalida")),
    Batch("2025-12-26", 10, 3),
    Batch("2025-12-29", 9, 2),
    Batch("2025-12-31", 15, 2),
    Batch("2026-01-01", 6, 29, ("tocoron", "tocuyito", "el-rodeo-ii", "inof")),
    Batch("2026-01-03", 11, 2),
    Batch("2026-01-05", 12, 2),
    Batch("2026-01-07", 14, 1),
    # The cycle announced on 8 January.
    Batch("2026-01-08", 14, 12, ("el-helicoide", "el-rodeo-i", "zona-7")),
    Batch("2026-01-09", 0, 14),
    Batch("2026-01-10", 9, 13),
    Batch("2026-01-11", 10, 13),
    Batch("2026-01-12", 2, 15, ("el-rodeo-i",)),
    Batch("2026-01-12", 2, 9, ("la-crisalida",)),
    Batch("2026-01-12", 18, 3, ("el-rodeo-ii",)),
    Batch("2026-01-13", 3, 14),
    Batch("2026-01-14", 11, 15, ("zona-7", "el-helicoide", "el-rodeo-i"), group="journalist"),
    Batch("2026-01-14", 15, 9),
    Batch("2026-01-15", 8, 10),
    Batch("2026-01-16", 6, 13),
    Batch("2026-01-17", 4, 9),
    Batch("2026-01-17", 18, 13),
    Batch("2026-01-18", 9, 4),
    Batch("2026-01-19", 9, 4),
    Batch("2026-01-20", 9, 5),
    Batch("2026-01-21", 9, 2),
    Batch("2026-01-22", 9, 2),
    Batch("2026-01-23", 9, 2),
    Batch("2026-01-24", 7, 4),
    # 80 by six in the evening, 104 by eight.
    Batch("2026-01-25", 5, 80, ("el-rodeo-i", "el-rodeo-ii", "yare", "tocoron", "fuerte-guaicaipuro")),
    Batch("2026-01-25", 18, 24, ("el-rodeo-i", "zona-7", "ramo-verde")),
    Batch("2026-01-26", 9, 4),
    Batch("2026-01-27", 9, 5),
    Batch("2026-01-28", 8, 5),
)


@cache
def build_release_slots() -> tuple[ReleaseSlot, ...]:
    """Return all 418 in order of release; the position of a slot is its id."""
    slots: list[ReleaseSlot] = []
    for batch in BATCHES:
        midnight = datetime.fromisoformat(batch.day).replace(tzinfo=CARACAS_TIMEZONE)
        for _ in range(batch.count):
            number = len(slots)
            facility = pick_option(batch.facilities, "facility", number)
            released_at = midnight + timedelta(hours=batch.hour)
            slots.append(ReleaseSlot(number, midnight.date(), released_at.astimezone(UTC), facility, batch.group))
    return tuple(slots)


# Nothing is filed this close to a stated instant, so that a count slightly before or after it is the same.
MARGIN = timedelta(minutes=5)
MINUTE = timedelta(minutes=1)
# Offices file between these hours of Caracas: nothing is filed within a quarter of an hour of midnight.
FIRST_MINUTE, LAST_MINUTE = (6, 0), (23, 40)
# Each source files at a second of its own, so that no two filings share an instant.
SECOND_BY_SOURCE = {"foro-penal": 7, "jep": 19, "pud": 31, "clippve": 43}

JANUARY_12, JANUARY_17, JANUARY_25 = date(2026, 1, 12), date(2026, 1, 17), date(2026, 1, 25)


@dataclass(frozen=True, slots=True)
class Step:
    """By `until`, `total` people; of those new in this step, exactly `released_by_day[d]` were released on day d."""

    until: str
    total: int
    released_by_day: Mapping[date, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stream:
    """One source's list of the people numbered `people`; nothing is filed before `opens`."""

    source: str
    people: range
    opens: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Filing:
    """A source verifies the release of person number `person`; `filed_at` is aware, in UTC."""

    filed_at: datetime
    source: str
    person: int


STREAMS = (
    Stream(
        "foro-penal",
        DECEMBER_IDS,
        "2025-12-25T08:00",
        (
            Step("2025-12-29", 61),  # v04
            Step("2026-01-07", 90),  # not published: New Year's releases are heard of at New Year
            Step("2026-01-23", 115),  # v23, 269, less cl044, 154: old cases surface late
        ),
    ),
    Stream("clippve", DECEMBER_IDS, "2025-12-25T08:00", (Step("2025-12-26", 63),)),  # v03
    Stream(
        "foro-penal",
        JANUARY_IDS,
        "2026-01-08T12:00",
        (
            Step("2026-01-09T10:00", 8),  # v07
            Step("2026-01-09T20:00", 9),  # cl005
            Step("2026-01-09", 9),  # still
            Step("2026-01-10", 16),  # v10
            Step("2026-01-11", 17),  # cl007
            Step("2026-01-12T09:00", 41, {JANUARY_12: 24}),  # cl009; cl006: 15 + 9 in the night
            Step("2026-01-12T14:00", 48),  # printed between 41 and 49, without an hour
            Step("2026-01-12T16:00", 49),  # v12
            Step("2026-01-13", 56),  # cl018
            Step("2026-01-14T08:00", 72),  # v20
            Step("2026-01-14T20:30", 84),  # cl029
            Step("2026-01-16", 100),  # cl036
            Step("2026-01-17T17:00", 139, {JANUARY_17: 9}),  # cl039: nine of that day
            Step("2026-01-19", 143),  # v21
            Step("2026-01-20", 151),  # v22
            Step("2026-01-23", 154),  # cl044
            Step("2026-01-24", 157),  # not published: what 266 leaves beside 154 and 104
            Step("2026-01-25T18:00", 237, {JANUARY_25: 80}),  # cl046
            Step("2026-01-25T20:00", 261, {JANUARY_25: 24}),  # cl047
            Step("2026-01-26T09:00", 266),  # cl048
            Step("2026-01-26", 268),  # cl050, 383, less the 115 of December
            Step("2026-01-28T16:00", 297),  # cl052
            Step("2026-01-28T22:00", 300),  # cl053
            Step("2026-01-29", 302),  # v26
        ),
    ),
    Stream(
        "jep",
        JANUARY_IDS,
        "2026-01-08T12:00",
        (
            Step("2026-01-09", 11),  # v08
            Step("2026-01-12T08:20", 53),  # cl012
            Step("2026-01-13", 53),  # cl019: no new figure that day nor the next
            Step("2026-01-16", 116),  # cl038
            Step("2026-01-28", 294),  # cl054
        ),
    ),
    Stream(
        "pud",
        JANUARY_IDS,
        "2026-01-08T12:00",
        (
            Step("2026-01-12T20:00", 65, {JANUARY_12: 24}),  # v13; cl011: 24 of that day
            Step("2026-01-12T23:00", 73, {JANUARY_12: 0}),  # cl017
            Step("2026-01-13T11:20", 76),  # cl020
            Step("2026-01-13", 76),  # still
            Step("2026-01-17", 155),  # cl040
            Step("2026-01-24", 173),  # v24
            Step("2026-01-26", 277),  # cl049
            Step("2026-01-28", 303),  # cl055
        ),
    ),
    Stream(
        "clippve",
        JANUARY_IDS,
        "2026-01-08T12:00",
        (
            Step("2026-01-09", 9),  # v09: fewer than twelve, nine of them named
            Step("2026-01-14", 83),  # v19
        ),
    ),
)


@cache
def plan_filings() -> tuple[Filing, ...]:
    """Return every verified release of every list, in order of time."""
    taken_minutes: dict[str, set[datetime]] = {stream.source: set() for stream in STREAMS}
    filings = [filing for stream in STREAMS for filing in _plan_stream(stream, taken_minutes[stream.source])]
    return tuple(sorted(filings, key=lambda filing: filing.filed_at))


def index_filing_times() -> dict[tuple[str, int], datetime]:
    """Return when a source filed a person, by `(source, person)`."""
    return {(filing.source, filing.person): filing.filed_at for filing in plan_filings()}


def _plan_stream(stream: Stream, taken_minutes: set[datetime]) -> Iterator[Filing]:
    waiting = shuffle_items(stream.people, "order", stream.source)
    opens, total = parse_caracas_time(stream.opens), 0
    for step in stream.steps:
        closes = parse_caracas_time(step.until) - MARGIN
        chosen_people = _choose_people(waiting, step, step.total - total, closes)
        for person in chosen_people:
            minute = _draw_minute(
                max(opens, build_release_slots()[person].released_at), closes, stream.source, person, taken_minutes
            )
            yield Filing(minute + timedelta(seconds=SECOND_BY_SOURCE[stream.source]), stream.source, person)
        waiting = [person for person in waiting if person not in chosen_people]
        opens, total = closes + 2 * MARGIN, step.total


def _choose_people(waiting: list[int], step: Step, number: int, closes: datetime) -> list[int]:
    """Choose the next `number` of the waiting people who are released by then. Raises ValueError for an impossible
    plan."""
    ready = [person for person in waiting if build_release_slots()[person].released_at < closes]
    chosen_people: list[int] = []
    for day, day_count in step.released_by_day.items():
        chosen_people += [person for person in ready if build_release_slots()[person].released_on == day][:day_count]
    rest = [person for person in ready if build_release_slots()[person].released_on not in step.released_by_day]
    chosen_people += rest[: number - len(chosen_people)]
    if len(chosen_people) != number:
        raise ValueError(f"{len(chosen_people)} people for {number} at {step.until}")
    return chosen_people


def _draw_minute(first: datetime, last: datetime, source: str, person: int, taken_minutes: set[datetime]) -> datetime:
    """Draw a minute in office hours between the two that no other filing of the source uses.

    Draws until one fits: every step has several times as many minutes as filings.
    """
    first = (first + MINUTE).replace(second=0, microsecond=0)
    span = int((last - first) / MINUTE)
    candidates = (first + MINUTE * (draw_number("minute", source, person, attempt) % span) for attempt in count())
    chosen_minute = next(minute for minute in candidates if _is_in_office_hours(minute) and minute not in taken_minutes)
    taken_minutes.add(chosen_minute)
    return chosen_minute


def _is_in_office_hours(minute: datetime) -> bool:
    local = minute.astimezone(CARACAS_TIMEZONE)
    return FIRST_MINUTE <= (local.hour, local.minute) <= LAST_MINUTE
