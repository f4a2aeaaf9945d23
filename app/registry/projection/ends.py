"""An end of custody, weighed against the days on which sources saw the person inside.

Rule 1 holds within a spell as it does between two: only an independent source ends what others verified, while a source
ends by any method what it verified itself. So an end that a source states without having checked it does not count
where another source verified the detention, or an independent one saw the person inside afterwards; and where it has no
day, not beside any other independent source that reports the person held. Where words of the same weight contradict
each other, the end is uncertain from its day on.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from app.dates import FIRST_DAY, LAST_DAY, PartialDate
from app.registry.projection.consolidate import date_fact, dating, said_by, voting
from app.registry.projection.statements import Statement, parse
from app.registry.projection.voices import detention_voices
from app.vocabulary import Verdict

Days = tuple[int, int]  # the first and the last possible day
HELD_ON = "detention.held_on"
STANDS: Days = (LAST_DAY, LAST_DAY)  # nobody says that it ended
ReadValue = Callable[[Statement], str | None]


@dataclass(frozen=True, slots=True)
class Seen:
    """A day on which a source knew the person held, and whether that source checked it itself."""

    day: PartialDate
    independent: bool


@dataclass(frozen=True, slots=True)
class End:
    """An end of custody. `day`: the day that the sources agree on, None where none says when; `given`: the days of the
    sources that settle it; `told`: those that independent statements give themselves, whether they settle it or not;
    `independent`: whether one of those that settle it checked it itself; `by`: the slugs of all sources that state the
    end and whose word counts."""

    day: PartialDate | None
    given: tuple[PartialDate, ...] = ()
    told: tuple[PartialDate, ...] = ()
    independent: bool = False
    by: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Witnesses:
    """The keys of the sources that know of the detention themselves: those that `verified` it, and all that `stated`
    it, whatever their verdict."""

    verified: frozenset[int] = frozenset()
    stated: frozenset[int] = frozenset()

    def outweigh(self, statement: Statement, day: str | None) -> bool:
        """Whether other sources' word that the person was held outweighs the end that a statement states, on `day` or
        on none."""
        against = self.verified if day is not None else self.verified | self.stated
        return not statement.independent and bool(against - {statement.source.key})


NOBODY = Witnesses()


def witnesses(statements: Sequence[Statement]) -> Witnesses:
    """The witnesses among the statements that assert a detention: by what each source says of a release, and by its one
    voice on the detention itself, which its earlier words do not outlive."""
    voices = detention_voices(statements)
    own = [
        statement
        for statement in statements
        if statement.independent and (statement.has_release or statement in voices)
    ]
    verified = frozenset(statement.source.key for statement in own if statement.verdict is Verdict.VERIFIED)
    return Witnesses(verified, frozenset(statement.source.key for statement in own))


def seen_by(statements: Iterable[Statement], name: str = HELD_ON) -> list[Seen]:
    """The days that the statements which assert the detention say under `name`: of being seen held, or of arrest."""
    told = [(statement, statement.date(name)) for statement in statements if statement.asserts_detention]
    return [Seen(day, statement.independent) for statement, day in told if day is not None]


def seen_or_kept(statements: Sequence[Statement]) -> list[Seen]:
    """The days on which sources saw the person held; where no independent source gives one, those kept with reports
    that give none themselves are among them."""
    own = seen_by(statements)
    if any(one.independent for one in own):
        return own
    return own + seen_by((statement for statement in statements if HELD_ON not in statement.content), "kept.held_on")


def inside_by(statements: Sequence[Statement]) -> list[Seen]:
    """The days inside that can contradict an end: those on which sources saw the person held, by their own word, and
    the days of arrest."""
    return [*seen_by(statements), *seen_by(statements, "detention.detained_on")]


def credible(
    statements: Iterable[Statement], read: ReadValue, seen: Iterable[Seen], known: Witnesses = NOBODY
) -> list[Statement]:
    """The statements whose end, on the day that `read` gives, counts: their source checked it itself, or no independent
    source saw the person later and no other one knew the person held (`known`)."""
    last = max((one.day.lo for one in seen if one.independent), default=FIRST_DAY)
    said = [(statement, read(statement)) for statement in statements]
    told = [(statement, day) for statement, day in said if not known.outweigh(statement, day)]
    return [statement for statement, day in told if statement.independent or day is None or parse(day).hi >= last]


def end_of(
    statements: Sequence[Statement],
    read: ReadValue,
    seen: Sequence[Seen],
    known: Witnesses = NOBODY,
    kept: ReadValue | None = None,
) -> End | None:
    """The end that the statements whose word counts tell together, on the day that `read` gives of each, or `kept`
    where it gives none; None where no statement's word counts."""
    heard = credible(statements, read, seen, known)
    if not heard:
        return None
    said = said_by(dating(heard), read, kept)
    agreed = date_fact(said)
    settling = voting(said)
    return End(
        day=parse(agreed["value"]) if agreed else None,
        given=tuple(parse(one.value) for one in settling),
        told=tuple(parse(one.value) for one in said if one.independent and not one.kept),
        independent=any(one.independent for one in settling),
        by=frozenset(statement.source.slug for statement in heard),
    )


def bounds(end: End, inside: Iterable[PartialDate], against: Iterable[PartialDate]) -> Days:
    """First and last possible day of an end. `inside`: days on which the person was held; `against`: those of them that
    weigh as much as the end. The end is no earlier than a day inside that its own day leaves possible. Where its day
    lies before one of `against`, it may not have been: the last possible day is then the earliest one that a source
    gives and that agrees with them all, if there is one."""
    if end.day is None:
        return max((day.lo for day in inside), default=FIRST_DAY), LAST_DAY
    lo, hi = end.day.lo, end.day.hi
    # Where contradicting days became an interval, a day inside moves its beginning only if that rules none of them out.
    agreed = min((day.hi for day in end.given if day.within(end.day)), default=hi)
    lo = max((day.lo for day in inside if lo < day.lo <= agreed), default=lo)
    last = max((day.lo for day in against), default=FIRST_DAY)
    if last > hi:
        hi = min((day.hi for day in (*end.given, *end.told) if day.hi >= last), default=LAST_DAY)
    return lo, hi


def earliest(ends: Sequence[Days]) -> Days:
    """First and last possible day of the earliest of several ends."""
    return min((lo for lo, _hi in ends), default=LAST_DAY), min((hi for _lo, hi in ends), default=LAST_DAY)


def finer(one: End, other: End | None) -> End:
    """Of two days given for the same end the more precise one, then the earlier."""
    dated = [end for end in (one, other) if end is not None and end.day is not None]
    return min(dated, key=lambda end: (end.day.hi - end.day.lo, end.day.hi) if end.day else (0, 0), default=one)
