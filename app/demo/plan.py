"""Which source files whom when, so that its count at every stated instant is the figure it published.

A stream is one source's list over one window. Its steps are the figures (the ids are those of `figures.csv`);
between two steps the source files exactly the difference, drawn from those already out whom it has not filed
yet, in an order of its own. So lists overlap as lists do: at a given hour each has people the other has not
heard of. No source files more than it said: where no figure is known, its list stands still.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from itertools import count

from app.demo.batches import DECEMBER, JANUARY, places
from app.demo.clock import CARACAS, caracas
from app.demo.draw import draw, shuffled

# Nothing is filed this close to a stated instant: whoever asks a moment early or late gets the same count.
MARGIN = timedelta(minutes=5)
MINUTE = timedelta(minutes=1)
# Offices file between these hours of Caracas: nothing stands within a quarter of an hour of midnight.
FIRST_MINUTE, LAST_MINUTE = (6, 0), (23, 40)
# Each source writes at a second of its own, so that no two filings share an instant.
SECOND = {"foro-penal": 7, "jep": 19, "pud": 31, "clippve": 43}

TWELFTH, SEVENTEENTH, TWENTY_FIFTH = date(2026, 1, 12), date(2026, 1, 17), date(2026, 1, 25)


@dataclass(frozen=True, slots=True)
class Step:
    """By `until`, `total` people; of those new in this step, exactly `of_day[d]` went out on day d."""

    until: str
    total: int
    of_day: Mapping[date, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stream:
    """One source's list of the people numbered `people`; nothing is filed before `opens`."""

    source: str
    people: range
    opens: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Filing:
    """A source verifies the release of person number `person`; `at` is aware, in UTC."""

    at: datetime
    source: str
    person: int


STREAMS = (
    Stream(
        "foro-penal",
        DECEMBER,
        "2025-12-25T08:00",
        (
            Step("2025-12-29", 61),  # v04
            Step("2026-01-07", 90),  # not published: New Year's releases are heard of at New Year
            Step("2026-01-23", 115),  # v23, 269, less cl044, 154: old cases surface late
        ),
    ),
    Stream("clippve", DECEMBER, "2025-12-25T08:00", (Step("2025-12-26", 63),)),  # v03
    Stream(
        "foro-penal",
        JANUARY,
        "2026-01-08T12:00",
        (
            Step("2026-01-09T10:00", 8),  # v07
            Step("2026-01-09T20:00", 9),  # cl005
            Step("2026-01-09", 9),  # still
            Step("2026-01-10", 16),  # v10
            Step("2026-01-11", 17),  # cl007
            Step("2026-01-12T09:00", 41, {TWELFTH: 24}),  # cl009; cl006: 15 + 9 in the night
            Step("2026-01-12T14:00", 48),  # printed between 41 and 49, without an hour
            Step("2026-01-12T16:00", 49),  # v12
            Step("2026-01-13", 56),  # cl018
            Step("2026-01-14T08:00", 72),  # v20
            Step("2026-01-14T20:30", 84),  # cl029
            Step("2026-01-16", 100),  # cl036
            Step("2026-01-17T17:00", 139, {SEVENTEENTH: 9}),  # cl039: nine of that day
            Step("2026-01-19", 143),  # v21
            Step("2026-01-20", 151),  # v22
            Step("2026-01-23", 154),  # cl044
            Step("2026-01-24", 157),  # not published: what 266 leaves beside 154 and 104
            Step("2026-01-25T18:00", 237, {TWENTY_FIFTH: 80}),  # cl046
            Step("2026-01-25T20:00", 261, {TWENTY_FIFTH: 24}),  # cl047
            Step("2026-01-26T09:00", 266),  # cl048
            Step("2026-01-26", 268),  # cl050, 383, less the 115 of December
            Step("2026-01-28T16:00", 297),  # cl052
            Step("2026-01-28T22:00", 300),  # cl053
            Step("2026-01-29", 302),  # v26
        ),
    ),
    Stream(
        "jep",
        JANUARY,
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
        JANUARY,
        "2026-01-08T12:00",
        (
            Step("2026-01-12T20:00", 65, {TWELFTH: 24}),  # v13; cl011: 24 of that day
            Step("2026-01-12T23:00", 73, {TWELFTH: 0}),  # cl017
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
        JANUARY,
        "2026-01-08T12:00",
        (
            Step("2026-01-09", 9),  # v09: fewer than twelve, nine of them named
            Step("2026-01-14", 83),  # v19
        ),
    ),
)


@cache
def filings() -> tuple[Filing, ...]:
    """Every verified release of every list, in order of time."""
    taken: dict[str, set[datetime]] = {stream.source: set() for stream in STREAMS}
    filings = [filing for stream in STREAMS for filing in _run(stream, taken[stream.source])]
    return tuple(sorted(filings, key=lambda filing: filing.at))


def filed() -> dict[tuple[str, int], datetime]:
    """When a source filed a person, by `(source, person)`."""
    return {(filing.source, filing.person): filing.at for filing in filings()}


def _run(stream: Stream, taken: set[datetime]) -> Iterator[Filing]:
    waiting = shuffled(stream.people, "order", stream.source)
    opens, total = caracas(stream.opens), 0
    for step in stream.steps:
        closes = caracas(step.until) - MARGIN
        chosen = _choose(waiting, step, step.total - total, closes)
        for person in chosen:
            at = _minute(max(opens, places()[person].out_at), closes, stream.source, person, taken)
            yield Filing(at + timedelta(seconds=SECOND[stream.source]), stream.source, person)
        waiting = [person for person in waiting if person not in chosen]
        opens, total = closes + 2 * MARGIN, step.total


def _choose(waiting: list[int], step: Step, number: int, closes: datetime) -> list[int]:
    """The next `number` of those waiting who are out by then; a plan that cannot be kept is a fault here."""
    ready = [person for person in waiting if places()[person].out_at < closes]
    chosen: list[int] = []
    for day, of_day in step.of_day.items():
        chosen += [person for person in ready if places()[person].released_on == day][:of_day]
    rest = [person for person in ready if places()[person].released_on not in step.of_day]
    chosen += rest[: number - len(chosen)]
    if len(chosen) != number:
        raise ValueError(f"{len(chosen)} people for {number} at {step.until}")
    return chosen


def _minute(first: datetime, last: datetime, source: str, person: int, taken: set[datetime]) -> datetime:
    """A minute in office hours between the two, of which no other filing of that source has made use.

    Draws until one fits: every step has several times as many minutes as filings.
    """
    first = (first + MINUTE).replace(second=0, microsecond=0)
    span = int((last - first) / MINUTE)
    drawn = (first + MINUTE * (draw("minute", source, person, attempt) % span) for attempt in count())
    at = next(minute for minute in drawn if _office_hours(minute) and minute not in taken)
    taken.add(at)
    return at


def _office_hours(minute: datetime) -> bool:
    local = minute.astimezone(CARACAS)
    return FIRST_MINUTE <= (local.hour, local.minute) <= LAST_MINUTE
