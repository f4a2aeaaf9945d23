"""Weigh an end of custody against the days on which sources saw the person in custody.

Rule 1 applies within a spell as it does between two: only an independent source ends a detention that another source
verified, while a source ends by any method a detention that it verified itself. So an unchecked end does not count if
another source verified the detention or an independent source saw the person in custody afterwards; an unchecked end
without a day does not count either if another independent source reports the detention. If statements of equal weight
contradict each other, the end is uncertain from its day on."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from app.dates import FIRST_DAY, LAST_DAY, PartialDate
from app.projection.consolidate import date_fact, read_source_values, select_dating_statements, select_deciding
from app.projection.statements import ASSERTIONS, Statement, parse_cached_date, pick_detention_statements
from app.vocabulary import Verdict

DayRange = tuple[int, int]  # the first and the last possible day
HELD_ON, INHERITED_HELD_ON = "detention.held_on", "kept.held_on"
NO_END: DayRange = (LAST_DAY, LAST_DAY)  # no source reports an end
ReadDate = Callable[[Statement], str | None]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A day on which a source knew the person to be in custody. `independent`: the source checked that itself."""

    day: PartialDate
    independent: bool


@dataclass(frozen=True, slots=True)
class End:
    """An end of custody according to the sources that count.

    `day`: the consolidated day, None if no source gives one. `deciding_days`: the days of the deciding sources.
    `own_days`: the days that independent statements give themselves. `independent`: a deciding source checked the end
    itself. `source_slugs`: the sources."""

    day: PartialDate | None
    deciding_days: tuple[PartialDate, ...] = ()
    own_days: tuple[PartialDate, ...] = ()
    independent: bool = False
    source_slugs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Witnesses:
    """The keys of the sources with first-hand knowledge of the detention: those that verify it, and all that state it
    with any verdict."""

    verifying_keys: frozenset[int] = frozenset()
    stating_keys: frozenset[int] = frozenset()

    def outweigh(self, statement: Statement, day: str | None) -> bool:
        """Return whether other sources' knowledge that the person was held outweighs the end that a statement gives on
        `day` (None: undated)."""
        opposing_keys = self.verifying_keys if day is not None else self.verifying_keys | self.stating_keys
        return not statement.independent and bool(opposing_keys - {statement.source.key})


NO_WITNESSES = Witnesses()


def find_witnesses(statements: Sequence[Statement]) -> Witnesses:
    """Return the witnesses among the statements that assert a detention: the sources of statements on a release, and of
    the one statement that speaks for each source on the detention. Superseded statements do not count."""
    detention_statements = pick_detention_statements(statements)
    own = [
        statement
        for statement in statements
        if statement.independent and (statement.has_release or statement in detention_statements)
    ]
    verifying_keys = frozenset(statement.source.key for statement in own if statement.verdict is Verdict.VERIFIED)
    return Witnesses(verifying_keys, frozenset(statement.source.key for statement in own))


def find_sightings(statements: Iterable[Statement], name: str = HELD_ON) -> list[Sighting]:
    """Return the days under `name` in statements that assert the detention: of a sighting in custody, or of the
    arrest."""
    dated_statements = [(statement, statement.date(name)) for statement in statements if statement.asserts_detention]
    return [Sighting(day, statement.independent) for statement, day in dated_statements if day is not None]


def find_sightings_or_inherited(statements: Sequence[Statement]) -> list[Sighting]:
    """Return the sightings in custody. If no independent source gives one, inherited days are added for reports without
    a day, unless the report itself asserts an earlier release."""
    own = find_sightings(statements)
    if any(sighting.independent for sighting in own):
        return own
    silent = [statement for statement in statements if HELD_ON not in statement.content]
    return own + [
        candidate
        for statement in silent
        for candidate in find_sightings([statement], INHERITED_HELD_ON)
        if not _asserts_earlier_release(statement, candidate)
    ]


def _asserts_earlier_release(statement: Statement, sighting: Sighting) -> bool:
    """Return whether the statement itself asserts a release before the day of the sighting."""
    is_asserted = statement.has_release and statement.verdict in ASSERTIONS
    return is_asserted and statement.released_on is not None and statement.released_on.hi < sighting.day.lo


def find_custody_sightings(statements: Sequence[Statement]) -> list[Sighting]:
    """Return the days in custody that can contradict an end: sightings that sources state themselves, and days of
    arrest."""
    return [*find_sightings(statements), *find_sightings(statements, "detention.detained_on")]


def select_credible(
    statements: Iterable[Statement],
    read_date: ReadDate,
    sightings: Iterable[Sighting],
    witnesses: Witnesses = NO_WITNESSES,
) -> list[Statement]:
    """Return the statements whose end counts.

    It counts if the source checked the end itself, or if no independent source saw the person in custody later and no
    witness outweighs it. `read_date` reads the day of the end."""
    last = max((sighting.day.lo for sighting in sightings if sighting.independent), default=FIRST_DAY)
    dated_statements = [(statement, read_date(statement)) for statement in statements]
    weighty = [(statement, day) for statement, day in dated_statements if not witnesses.outweigh(statement, day)]
    return [
        statement
        for statement, day in weighty
        if statement.independent or day is None or parse_cached_date(day).hi >= last
    ]


def consolidate_end(
    statements: Sequence[Statement],
    read_date: ReadDate,
    sightings: Sequence[Sighting],
    witnesses: Witnesses = NO_WITNESSES,
    read_inherited: ReadDate | None = None,
) -> End | None:
    """Consolidate the end from the statements that count; None if none counts. Days are read by `read_date`, otherwise
    by `read_inherited`."""
    credible_statements = select_credible(statements, read_date, sightings, witnesses)
    if not credible_statements:
        return None
    days = read_source_values(select_dating_statements(credible_statements), read_date, read_inherited)
    fact = date_fact(days)
    deciding_values = select_deciding(days)
    return End(
        day=parse_cached_date(fact["value"]) if fact else None,
        deciding_days=tuple(parse_cached_date(value.value) for value in deciding_values),
        own_days=tuple(
            parse_cached_date(value.value) for value in days if value.independent and not value.is_inherited
        ),
        independent=any(value.independent for value in deciding_values),
        source_slugs=frozenset(statement.source.slug for statement in credible_statements),
    )


def compute_end_bounds(
    end: End, custody_days: Iterable[PartialDate], contradicting_days: Iterable[PartialDate]
) -> DayRange:
    """Return the first and last possible day of an end.

    `custody_days`: days in custody. `contradicting_days`: those that weigh as much as the end. The end is no earlier
    than any day in custody that its own day leaves possible. An end before a contradicting day is uncertain: its last
    possible day is then the earliest day given for it that agrees with all contradicting days, or LAST_DAY."""
    if end.day is None:
        return max((day.lo for day in custody_days), default=FIRST_DAY), LAST_DAY
    lo, hi = end.day.lo, end.day.hi
    # If contradicting days became an interval, a day in custody moves its beginning only if it rules none of them out.
    last_agreed_day = min((day.hi for day in end.deciding_days if day.is_within(end.day)), default=hi)
    lo = max((day.lo for day in custody_days if lo < day.lo <= last_agreed_day), default=lo)
    last = max((day.lo for day in contradicting_days), default=FIRST_DAY)
    if last > hi:
        hi = min((day.hi for day in (*end.deciding_days, *end.own_days) if day.hi >= last), default=LAST_DAY)
    return lo, hi


def find_earliest_end(ends: Sequence[DayRange]) -> DayRange:
    """Return the first and last possible day of the earliest of several ends."""
    return min((lo for lo, _hi in ends), default=LAST_DAY), min((hi for _lo, hi in ends), default=LAST_DAY)


def pick_finer_end(a: End, b: End | None) -> End:
    """Return the more precise of two readings of one end, then the earlier."""
    dated_ends = [
        (end.day.hi - end.day.lo, end.day.hi, end) for end in (a, b) if end is not None and end.day is not None
    ]
    return min(dated_ends, key=lambda item: item[:2], default=(0, 0, a))[2]
