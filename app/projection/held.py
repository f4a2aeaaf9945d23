"""Work out on which days a person was in custody (rule 7 of docs/counting-rules.md)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.dates import FIRST_DAY, LAST_DAY, PartialDate
from app.projection.event_dates import EventDate
from app.projection.statements import ASSERTIONS, Statement, drop_retracted
from app.projection.status import group_by_source


@dataclass(frozen=True)
class HeldDays:
    """The days of a detention.

    `begin_lo`, `begin_hi`: the first and last possible day of the begin; None: unknown. `end_lo`, `end_hi`: of the end;
    LAST_DAY without one. Between `sure_lo` and `sure_hi` no source contradicts a day that counts.
    """

    begin_lo: int | None
    begin_hi: int | None
    end_lo: int
    end_hi: int
    sure_lo: int
    sure_hi: int


@dataclass(frozen=True)
class End:
    """An end of a detention. `how`: a code of `CustodyEnd`. `is_contested`: it is a release with the status
    `contested`."""

    date: EventDate
    how: str
    is_contested: bool = False


def select_witnesses(statements: Iterable[Statement]) -> list[Statement]:
    """Return the statements that decide whether a person was held: those of organisations if one asserts the detention,
    otherwise all."""
    current_statements = drop_retracted(statements)
    independent = [statement for statement in current_statements if statement.source.independent]
    return independent if any(s.verdict in ASSERTIONS for s in independent) else current_statements


def find_held_days(
    witnesses: Sequence[Statement], begin: PartialDate | None, arrest: EventDate, ends: Sequence[End]
) -> HeldDays:
    """Return the days of a detention from its witnesses, its arrest and its ends, of which the earliest counts.

    `begin`: the arrest that divides it from the previous detention. Arrests and sightings wholly before it do not make
    the detention begin earlier.
    """
    asserting = [witness for witness in witnesses if witness.verdict in ASSERTIONS]
    arrests = [day for witness in asserting if (day := witness.own_date("detention.detained_on"))]
    sightings = [day for witness in asserting if (day := witness.own_date("detention.held_on"))]
    denied_sightings = [day for witness in witnesses if (day := witness.own_date("detention.held_on"))]
    first_day = FIRST_DAY if begin is None else begin.lo
    begin_lo, begin_hi = _find_begin(arrest.date, [day for day in (*arrests, *sightings) if day.hi >= first_day])
    shown = [*arrests, *denied_sightings]
    bounds = [_bound_end(end, shown) for end in ends]
    end_lo = min((lo for lo, _hi in bounds), default=LAST_DAY)
    end_hi = min((hi for _lo, hi in bounds), default=LAST_DAY)
    # The days until a later release date, or a later day on which a report shows the person inside, are uncertain.
    releases = [
        day for witness in asserting if witness.asserts_release and (day := witness.own_date("release.released_on"))
    ]
    later = [day.hi for day in (*shown, *releases) if day.lo > end_hi]
    end_hi = max([end_hi, *later])
    newest = {own[0].source.key: max(s.filed_at for s in own) for own in group_by_source(witnesses).values()}
    is_denied = any(
        witness.independent
        and witness.denies_event
        and not witness.has_release
        and witness.filed_at == newest[witness.source.key]
        for witness in witnesses
    )
    first_hand_arrests = [day.lo for day in arrest.first_hand_dates]
    first_hand_ends = [day.hi for end in ends for day in end.date.first_hand_dates]
    return HeldDays(
        begin_lo,
        begin_hi,
        end_lo,
        end_hi,
        LAST_DAY if is_denied else max(first_hand_arrests, default=FIRST_DAY),
        min(first_hand_ends, default=LAST_DAY),
    )


def find_first_end(ends: Iterable[End]) -> End | None:
    """Return the end that comes first by its last possible day; None if only a contested release may have ended it."""
    return min((end for end in ends if not end.is_contested), key=_get_end_days, default=None)


def _get_end_days(end: End) -> tuple[int, int]:
    date = end.date.date
    return (LAST_DAY, LAST_DAY) if date is None else (date.hi, date.lo)


def _find_begin(arrest: PartialDate | None, shown: Sequence[PartialDate]) -> tuple[int | None, int | None]:
    """Return the days of the begin: the arrest, or an earlier day on which a report shows the person inside."""
    first = min(shown, key=lambda day: (day.hi, -day.lo), default=None)
    if arrest is None:
        return None, None if first is None else first.hi
    if first is not None and first.hi < arrest.lo:
        return first.lo, first.hi
    return arrest.lo, arrest.hi if first is None else min(arrest.hi, first.hi)


def _bound_end(end: End, shown: Sequence[PartialDate]) -> tuple[int, int]:
    """Return the first and last possible day of an end. `shown`: days on which reports show the person inside."""
    date = end.date.date
    if date is None:
        return max((day.lo for day in shown), default=FIRST_DAY), LAST_DAY
    return date.lo, LAST_DAY if end.is_contested else date.hi
