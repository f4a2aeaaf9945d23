"""Build the rows of when a person was in custody: `detention_state` for all sources together, `source_detention` for
each.

A source's own row depends on its own statements, otherwise on the values inherited by its report, and on no other
source."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from app.dates import PartialDate
from app.models import TableRow
from app.projection.consolidate import read_field, read_inherited_field, read_own_value, sort_newest_first
from app.projection.custody import Custody, read_ended_on
from app.projection.ends import (
    NO_WITNESSES,
    DayRange,
    End,
    Sighting,
    Witnesses,
    compute_end_bounds,
    consolidate_end,
    find_custody_sightings,
    find_earliest_end,
    find_sightings,
    find_sightings_or_inherited,
    pick_finer_end,
)
from app.projection.statements import (
    ASSERTIONS,
    DENIALS,
    STAGE_DATE_FIELDS,
    Statement,
    asserts_stage,
    group_by_source,
    parse_cached_date,
)
from app.projection.status import COUNTED_STATUSES, derive_status
from app.vocabulary import Designation, EndedHow, Publish, ReleaseKind, Stage, Verdict

T = TypeVar("T")

DIED_ON = "detainee.died_on"


def build_state_row(custody: Custody, death: End | None, publish: str) -> TableRow:
    """Build the row of all sources together. `death`: the person's death, if it came in this detention or later."""
    verdicts = list(custody.verdicts.values())
    status = derive_status(verdicts)
    release = custody.counted_release
    is_house_arrest = release is not None and release.kind == ReleaseKind.HOUSE_ARREST
    release_end = custody.release_end if release else None
    ends = _Ends(
        release_end,
        custody.other_end,
        death,
        is_house_arrest=is_house_arrest,
        is_death=custody.ended_how == EndedHow.DIED,
    )
    days = [sighting.day for sighting in custody.sightings]
    end_days = [
        end.day
        for end in (release_end, custody.other_end if is_house_arrest or not release_end else None)
        if end is not None
    ]
    return {
        "spell": custody.spell,
        "status": status,
        **_build_day_columns("", _bound_beginning(custody.detained_on, days)),
        **_build_end_columns(ends, custody.detained_on, days, custody.custody_sightings),
        "next_hi": custody.next_hi,
        "heard_hi": _find_last_report_day(custody, end_days),
        "country": custody.country,
        "designation": custody.designation,
        "independent_verified": verdicts.count((Verdict.VERIFIED, True)) if status in COUNTED_STATUSES else 0,
        "withheld": publish == Publish.COUNTED,
    }


def build_source_detention_rows(custody: Custody, deaths: dict[int, PartialDate]) -> list[TableRow]:
    """Build a row for each source from its own days. `deaths`: source → its day of death, if in this detention or
    later."""
    rows = []
    for source, (verdict, independent) in custody.verdicts.items():
        own = select_own_statements(custody, source)
        arrest = read_own_value(own, read_field("detention.detained_on"), read_inherited_field("detained_on"))
        detained_on = parse_cached_date(arrest) if arrest else None
        custody_sightings, days = (
            find_custody_sightings(own),
            [sighting.day for sighting in find_sightings(own) or find_sightings_or_inherited(own)],
        )
        rows.append(
            {
                "spell": custody.spell,
                "source": source,
                "verdict": verdict,
                "independent": independent,
                **_build_day_columns("", _bound_beginning(detained_on, days)),
                **_build_end_columns(
                    _read_own_ends(custody, source, own, deaths.get(source)), detained_on, days, custody_sightings
                ),
                "next_hi": custody.next_hi_by_source.get(source),
                **read_own_country_and_designation(own),
            }
        )
    return rows


def select_own_statements(custody: Custody, source: int) -> list[Statement]:
    """Return the statements that may speak for one source on a detention, newest first."""
    return sort_newest_first(
        group_by_source(statement for statement in custody.statements if statement.source.key == source)[source]
    )


def read_own_country_and_designation(own: Sequence[Statement]) -> TableRow:
    """Return the country and the designation that a source itself states."""
    return {
        "country": read_own_value(own, read_field("detention.country"), read_inherited_field("country")),
        "designation": read_own_value(own, lambda statement: statement.designation, read_inherited_field("designation"))
        or Designation.UNSTATED,
    }


def consolidate_death(
    statements: Iterable[Statement], custody_sightings: Sequence[Sighting], witnesses: Witnesses = NO_WITNESSES
) -> End | None:
    """Return the person's death, from the statements that are credible given the days in custody and the witnesses."""
    death_statements = [
        statement for statement in statements if not statement.is_retracted and DIED_ON in statement.content
    ]
    return consolidate_end(death_statements, read_field(DIED_ON), custody_sightings, witnesses)


def find_deaths_by_source(statements: Iterable[Statement]) -> dict[int, PartialDate]:
    """Return a dict of source → day of death in its newest statement that gives one."""
    days = {}
    for source, own in group_by_source(statements).items():
        newest = sorted(
            (statement for statement in own if not statement.is_retracted), key=lambda statement: -statement.revision
        )
        day = _find_first(statement.date(DIED_ON) for statement in newest)
        if day is not None:
            days[source] = day
    return days


@dataclass(frozen=True)
class _Ends:
    """The possible ends of a detention; each is None if no source reports it.

    `release_end`: a release (`is_house_arrest`: to house arrest). `other_end`: another end (`is_death`: a death).
    `death`: the person's death at any time."""

    release_end: End | None
    other_end: End | None
    death: End | None
    is_house_arrest: bool
    is_death: bool

    def select_counting(self, *, house_arrest: bool) -> list[End]:
        """Return the ends that count. With `house_arrest`, a release to house arrest does not end custody."""
        if self.release_end is not None and not (house_arrest and self.is_house_arrest):
            return _drop_none(self.release_end, self.death)
        # `detention.ended` and `detainee.died_on` describe the same death
        if self.other_end is not None and self.is_death:
            return [pick_finer_end(self.other_end, self.death)]
        return _drop_none(self.other_end, self.death)


def _build_end_columns(
    ends: _Ends,
    detained_on: PartialDate | None,
    seen_days: Sequence[PartialDate],
    contradicting_sightings: Sequence[Sighting],
) -> TableRow:
    """Return the first and last possible day of the end (`out_`), and of the end if house arrest is custody (`free_`).

    `seen_days`: days in custody. `contradicting_sightings`: those that can contradict an end."""
    custody_days = [*seen_days, *_drop_none(detained_on)]

    def compute_bounds(end: End) -> DayRange:
        if ends.is_house_arrest and end is ends.release_end:  # a later sighting in custody may be house arrest
            return compute_end_bounds(end, _drop_none(detained_on), [])
        return compute_end_bounds(
            end, custody_days, [day.day for day in contradicting_sightings if day.independent or not end.independent]
        )

    out_bounds, free_bounds = (
        find_earliest_end([compute_bounds(end) for end in ends.select_counting(house_arrest=as_custody)])
        for as_custody in (False, True)
    )
    return _build_day_columns("out_", out_bounds) | _build_day_columns("free_", free_bounds)


def _read_own_ends(custody: Custody, source: int, own: Sequence[Statement], death: PartialDate | None) -> _Ends:
    """Return the ends of the detention according to one source. `own`: its statements, newest first."""
    ended_statement = next((s for s in own if s.verdict in ASSERTIONS and "detention.ended" in s.content), None)
    end_date = ended_statement and read_ended_on(ended_statement)
    other_end = End(parse_cached_date(end_date) if end_date else None) if ended_statement else None
    release = custody.release
    release_statement = (
        next(
            (release_statement for release_statement in release.statements if release_statement.source.key == source),
            None,
        )
        if release
        else None
    )
    release_end, is_house_arrest = None, False
    if release_statement is not None and asserts_stage(release_statement, Stage.CARRIED_OUT):
        is_house_arrest = read_own_kind(release_statement) == ReleaseKind.HOUSE_ARREST
        release_end = End(read_own_day(release_statement, Stage.CARRIED_OUT))
    is_death = ended_statement is not None and ended_statement.content["detention.ended"]["how"] == EndedHow.DIED
    return _Ends(
        release_end, other_end, End(death) if death else None, is_house_arrest=is_house_arrest, is_death=is_death
    )


def read_own_day(statement: Statement, stage: Stage) -> PartialDate | None:
    """Return the day of a stage according to a source's own statement."""
    return statement.date_or_inherited(f"release.{STAGE_DATE_FIELDS[stage]}")


def read_own_kind(statement: Statement) -> str:
    """Return the kind of release according to a source's own statement."""
    return statement.kind or statement.content.get("kept.kind") or ReleaseKind.UNSPECIFIED


def _bound_beginning(
    detained_on: PartialDate | None, seen_days: Sequence[PartialDate]
) -> tuple[int | None, int | None]:
    """Return the first and last possible day of the beginning: a person seen in custody had been arrested by then."""
    later_days = [day.hi for day in seen_days if detained_on is None or day.hi >= detained_on.lo]
    days = [*later_days, *([detained_on.hi] if detained_on else [])]
    return (detained_on.lo if detained_on else None), min(days, default=None)


def _find_last_report_day(custody: Custody, ends: Sequence[PartialDate | None]) -> int | None:
    """Return the last day on which a source can have known of the person: from the arrest, a sighting, a check, or an
    end.

    If an independent source saw or checked, no other source's day counts: a state must not end the silence about a
    person whom it made disappear."""
    statements = [statement for statement in custody.detention_statements if statement.verdict in ASSERTIONS]
    statements += [
        statement
        for statement in (custody.release.statements if custody.release else [])
        if statement.verdict in DENIALS
    ]
    check_days = [
        (day, statement.independent) for statement in statements if (day := statement.date("verification.verified_on"))
    ]
    known_days = [*((sighting.day, sighting.independent) for sighting in custody.sightings), *check_days]
    days = [day for day, independent in known_days if independent] or [day for day, _independent in known_days]
    return max((day.hi for day in [custody.detained_on, *days, *ends] if day is not None), default=None)


def _build_day_columns(prefix: str, days: tuple[int | None, int | None]) -> TableRow:
    return {f"{prefix}lo": days[0], f"{prefix}hi": days[1]}


def _drop_none(*values: T | None) -> list[T]:
    return [value for value in values if value is not None]


def _find_first(values: Iterable[Any]) -> Any:
    return next((value for value in values if value is not None), None)
