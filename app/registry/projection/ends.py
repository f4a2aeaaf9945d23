"""An end of custody beside the days on which somebody was seen inside.

Rule 1 holds within a spell as it does between two: what others verified is ended by an independent verification only,
while a source ends what it verified itself by any method. An end that only those state who did not check it themselves
does not count against an independent source that saw the person inside afterwards, and without a day not against any
that reports the person held. Where words of the same weight contradict each other, the end is uncertain from the day
told on.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from app.dates import FIRST_DAY, LAST_DAY, PartialDate
from app.registry.projection.accounts import Account, parse
from app.registry.projection.consolidate import date_fact, dating, said_by, voting
from app.vocabulary import Verdict

Days = tuple[int, int]  # the first and the last possible day
HELD_ON = "detention.held_on"
STANDS: Days = (LAST_DAY, LAST_DAY)  # nobody says that it ended
Read = Callable[[Account], str | None]


@dataclass(frozen=True, slots=True)
class Seen:
    """A day on which a source knew the person held, and whether it checked that itself."""

    day: PartialDate
    independent: bool


@dataclass(frozen=True, slots=True)
class End:
    """An end as it is told. `day`: the one agreed on, None where nobody says when; `given`: those that the sources
    give which settle it; `independent`: whether these checked it themselves; `by`: the slugs of all who state it."""

    day: PartialDate | None
    given: tuple[PartialDate, ...] = ()
    independent: bool = False
    by: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Witnesses:
    """The keys of the sources that hold that the person was detained, of their own knowledge: that `verified` it, and
    that `stated` it at all."""

    verified: frozenset[int] = frozenset()
    stated: frozenset[int] = frozenset()

    def outweigh(self, account: Account, day: str | None) -> bool:
        """Whether others know the person held whom the end that an account tells does not count against."""
        against = self.verified if day is not None else self.verified | self.stated
        return not account.independent and bool(against - {account.source.key})


NOBODY = Witnesses()


def witnesses(accounts: Iterable[Account]) -> Witnesses:
    """Those among the accounts of a spell."""
    own = [account for account in accounts if account.independent and account.asserts_detention]
    verified = frozenset(account.source.key for account in own if account.verdict is Verdict.VERIFIED)
    return Witnesses(verified, frozenset(account.source.key for account in own))


def seen_by(accounts: Iterable[Account], name: str = HELD_ON) -> list[Seen]:
    """The days, said under `name`, on which those who assert the detention knew the person held."""
    told = [(account, account.date(name)) for account in accounts if account.asserts_detention]
    return [Seen(day, account.independent) for account, day in told if day is not None]


def seen_or_kept(accounts: Sequence[Account]) -> list[Seen]:
    """Those days; beside no independent source's own, those too that stood where the others point."""
    own = seen_by(accounts)
    if any(one.independent for one in own):
        return own
    return own + seen_by((account for account in accounts if HELD_ON not in account.content), "kept.held_on")


def inside_by(accounts: Sequence[Account]) -> list[Seen]:
    """The days inside that can contradict an end: those that sources say themselves, and those of arrest."""
    return [*seen_by(accounts), *seen_by(accounts, "detention.detained_on")]


def credible(accounts: Iterable[Account], read: Read, seen: Iterable[Seen], known: Witnesses = NOBODY) -> list[Account]:
    """Those whose end, on the day that `read` gives, no independent source contradicts that outweighs them: neither one
    that saw the person later, nor others that knew the person held (`known`)."""
    last = max((one.day.lo for one in seen if one.independent), default=FIRST_DAY)
    said = [(account, read(account)) for account in accounts]
    told = [(account, day) for account, day in said if not known.outweigh(account, day)]
    return [account for account, day in told if account.independent or day is None or parse(day).hi >= last]


def end_of(
    accounts: Sequence[Account],
    read: Read,
    seen: Sequence[Seen],
    known: Witnesses = NOBODY,
    kept: Read | None = None,
) -> End | None:
    """The end that the accounts tell together, on the day that `read` gives, or `kept` for who gives none; None where
    nobody whose word counts states one."""
    heard = credible(accounts, read, seen, known)
    if not heard:
        return None
    said = said_by(dating(heard), read, kept)
    agreed = date_fact(said)
    settling = voting(said)
    return End(
        day=parse(agreed["value"]) if agreed else None,
        given=tuple(parse(one.value) for one in settling),
        independent=any(one.independent for one in settling),
        by=frozenset(account.source.slug for account in heard),
    )


def bounds(end: End, inside: Iterable[PartialDate], against: Iterable[PartialDate]) -> Days:
    """First and last possible day of an end. `inside`: days on which the person was held, which it cannot precede;
    `against`: those of them that weigh as much as the end. An end before one of these may not have been: the last
    possible day is then one given that agrees with them all, if there is one."""
    if end.day is None:
        return max((day.lo for day in inside), default=FIRST_DAY), LAST_DAY
    lo, hi = end.day.lo, end.day.hi
    # An interval of contradicting days is sharpened by a day inside only as far as that agrees with them all.
    agreed = min((day.hi for day in end.given if day.within(end.day)), default=hi)
    lo = max((day.lo for day in inside if lo < day.lo <= agreed), default=lo)
    last = max((day.lo for day in against), default=FIRST_DAY)
    if last > hi:
        hi = min((day.hi for day in end.given if day.hi >= last), default=LAST_DAY)
    return lo, hi


def earliest(ends: Sequence[Days]) -> Days:
    """First and last possible day of the earliest of several ends."""
    return min((lo for lo, _hi in ends), default=LAST_DAY), min((hi for _lo, hi in ends), default=LAST_DAY)


def finer(one: End, other: End | None) -> End:
    """Of two words on one and the same end the more precise one, then the earlier."""
    dated = [end for end in (one, other) if end is not None and end.day is not None]
    return min(dated, key=lambda end: (end.day.hi - end.day.lo, end.day.hi) if end.day else (0, 0), default=one)
