"""An end of custody, weighed against the days on which sources saw the person in custody.

Rule 1 applies within a spell as it does between two: only an independent source ends a detention that another source
verified, while a source ends by any method a detention that it verified itself. So an unchecked end does not count
where another source verified the detention or an independent source saw the person in custody afterwards; an unchecked
end without a day not even beside another independent source that reports the detention. Where statements of the same
weight contradict each other, the end is uncertain from its day on.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from app.dates import FIRST_DAY, LAST_DAY, PartialDate
from app.projection.consolidate import date_fact, dating, deciding, source_values
from app.projection.statements import ASSERTIONS, Statement, detention_voices, parse
from app.vocabulary import Verdict

Days = tuple[int, int]  # the first and the last possible day
HELD_ON, KEPT_HELD_ON = "detention.held_on", "kept.held_on"
STANDS: Days = (LAST_DAY, LAST_DAY)  # no source reports an end
ReadValue = Callable[[Statement], str | None]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A day on which a source knew the person to be in custody. `independent`: the source checked that itself."""

    day: PartialDate
    independent: bool


@dataclass(frozen=True, slots=True)
class End:
    """An end of custody, by the sources whose word on it counts. `day`: the consolidated day, None where no source
    gives one; `given`: the days of the deciding sources; `own_days`: the days that independent statements give
    themselves, deciding or not; `independent`: a deciding source checked the end itself; `by`: the sources' slugs."""

    day: PartialDate | None
    given: tuple[PartialDate, ...] = ()
    own_days: tuple[PartialDate, ...] = ()
    independent: bool = False
    by: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Witnesses:
    """The keys of the sources that know of the detention themselves: the verifying ones (`verified`), and all that
    state it, whatever their verdict (`stated`)."""

    verified: frozenset[int] = frozenset()
    stated: frozenset[int] = frozenset()

    def outweigh(self, statement: Statement, day: str | None) -> bool:
        """Whether other sources' word that the person was held outweighs the end that a statement states, on `day` or
        on none."""
        against = self.verified if day is not None else self.verified | self.stated
        return not statement.independent and bool(against - {statement.source.key})


NOBODY = Witnesses()


def witnesses(statements: Sequence[Statement]) -> Witnesses:
    """The witnesses among the statements that assert a detention: the sources of statements on a release, and of the
    one statement that speaks for each source on the detention itself; superseded ones are no witnesses."""
    voices = detention_voices(statements)
    own = [
        statement
        for statement in statements
        if statement.independent and (statement.has_release or statement in voices)
    ]
    verified = frozenset(statement.source.key for statement in own if statement.verdict is Verdict.VERIFIED)
    return Witnesses(verified, frozenset(statement.source.key for statement in own))


def sightings(statements: Iterable[Statement], name: str = HELD_ON) -> list[Sighting]:
    """The days that statements asserting the detention give under `name`: of a sighting in custody, or of the
    arrest."""
    dated = [(statement, statement.date(name)) for statement in statements if statement.asserts_detention]
    return [Sighting(day, statement.independent) for statement, day in dated if day is not None]


def sightings_or_kept(statements: Sequence[Statement]) -> list[Sighting]:
    """The sightings in custody; where no independent source gives one, with the days kept with reports that give none
    themselves, unless such a report itself asserts a release before that day."""
    own = sightings(statements)
    if any(sighting.independent for sighting in own):
        return own
    silent = [statement for statement in statements if HELD_ON not in statement.content]
    return own + [
        seen for statement in silent for seen in sightings([statement], KEPT_HELD_ON) if not _gone(statement, seen)
    ]


def _gone(statement: Statement, seen: Sighting) -> bool:
    """Whether the statement itself asserts a release before the day on which others saw the person held."""
    asserted = statement.has_release and statement.verdict in ASSERTIONS
    return asserted and statement.released is not None and statement.released.hi < seen.day.lo


def days_inside(statements: Sequence[Statement]) -> list[Sighting]:
    """The days in custody that can contradict an end: sightings by the sources' own word, and days of arrest."""
    return [*sightings(statements), *sightings(statements, "detention.detained_on")]


def credible(
    statements: Iterable[Statement], read: ReadValue, seen: Iterable[Sighting], known: Witnesses = NOBODY
) -> list[Statement]:
    """The statements whose end, on the day that `read` gives, counts: the source checked the end itself, or no
    independent source saw the person in custody later and no witness (`known`) outweighs it."""
    last = max((sighting.day.lo for sighting in seen if sighting.independent), default=FIRST_DAY)
    dated = [(statement, read(statement)) for statement in statements]
    weighty = [(statement, day) for statement, day in dated if not known.outweigh(statement, day)]
    return [statement for statement, day in weighty if statement.independent or day is None or parse(day).hi >= last]


def end_of(
    statements: Sequence[Statement],
    read: ReadValue,
    seen: Sequence[Sighting],
    known: Witnesses = NOBODY,
    kept: ReadValue | None = None,
) -> End | None:
    """The end that the statements whose word counts tell together, on the day that `read` gives of each, or `kept`
    where it gives none; None where no statement's word counts."""
    telling = credible(statements, read, seen, known)
    if not telling:
        return None
    days = source_values(dating(telling), read, kept)
    agreed = date_fact(days)
    settling = deciding(days)
    return End(
        day=parse(agreed["value"]) if agreed else None,
        given=tuple(parse(value.value) for value in settling),
        own_days=tuple(parse(value.value) for value in days if value.independent and not value.kept),
        independent=any(value.independent for value in settling),
        by=frozenset(statement.source.slug for statement in telling),
    )


def bounds(end: End, inside: Iterable[PartialDate], against: Iterable[PartialDate]) -> Days:
    """First and last possible day of an end. `inside`: days in custody; `against`: days of `inside` that weigh as much
    as the end. The end is no earlier than any day in custody that its own day leaves possible. An end before a day of
    `against` is uncertain: its last possible day is then the earliest day given for it that agrees with all of
    `against`, else LAST_DAY."""
    if end.day is None:
        return max((day.lo for day in inside), default=FIRST_DAY), LAST_DAY
    lo, hi = end.day.lo, end.day.hi
    # Where contradicting days became an interval, a day in custody moves its beginning only if it rules none of them
    # out.
    agreed = min((day.hi for day in end.given if day.within(end.day)), default=hi)
    lo = max((day.lo for day in inside if lo < day.lo <= agreed), default=lo)
    last = max((day.lo for day in against), default=FIRST_DAY)
    if last > hi:
        hi = min((day.hi for day in (*end.given, *end.own_days) if day.hi >= last), default=LAST_DAY)
    return lo, hi


def earliest(ends: Sequence[Days]) -> Days:
    """First and last possible day of the earliest of several ends."""
    return min((lo for lo, _hi in ends), default=LAST_DAY), min((hi for _lo, hi in ends), default=LAST_DAY)


def finer(a: End, b: End | None) -> End:
    """Of two readings of one end the more precise, then the earlier."""
    dated = [(end.day.hi - end.day.lo, end.day.hi, end) for end in (a, b) if end is not None and end.day is not None]
    return min(dated, key=lambda each: each[:2], default=(0, 0, a))[2]
