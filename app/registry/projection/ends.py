"""An end of custody beside the days on which somebody was seen inside.

Rule 1 holds within a spell as it does between two: an end that only those state who did not check it themselves does
not count against an independent source that saw the person inside afterwards. Where words of the same weight
contradict each other, the end is uncertain from the day told on.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from app.dates import FIRST_DAY, LAST_DAY, PartialDate
from app.registry.projection.accounts import Account, parse
from app.registry.projection.consolidate import date_fact, said_by

Days = tuple[int, int]  # the first and the last possible day
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


def seen_by(accounts: Iterable[Account], name: str = "detention.held_on") -> list[Seen]:
    """The days, said under `name`, on which those who assert the detention knew the person held."""
    told = [(account, account.date(name)) for account in accounts if account.asserts_detention]
    return [Seen(day, account.independent) for account, day in told if day is not None]


def inside_by(accounts: Sequence[Account]) -> list[Seen]:
    """Those days and the days of arrest: nobody left before either."""
    return [*seen_by(accounts), *seen_by(accounts, "detention.detained_on")]


def credible(accounts: Iterable[Account], read: Read, seen: Iterable[Seen]) -> list[Account]:
    """Those whose end, on the day that `read` gives, an independent source does not contradict that outweighs them."""
    last = max((one.day.lo for one in seen if one.independent), default=FIRST_DAY)
    said = [(account, read(account)) for account in accounts]
    return [account for account, day in said if account.independent or day is None or parse(day).hi >= last]


def end_of(accounts: Sequence[Account], read: Read, seen: Sequence[Seen]) -> End | None:
    """The end that the accounts tell together; None where nobody whose word counts states one."""
    heard = credible(accounts, read, seen)
    if not heard:
        return None
    said = said_by(heard, read)
    agreed = date_fact(said)
    settling = [one for one in said if one.independent] or said
    return End(
        day=parse(agreed["value"]) if agreed else None,
        given=tuple(parse(one.value) for one in settling),
        independent=any(one.independent for one in said),
        by=frozenset(account.source.slug for account in heard),
    )


def bounds(end: End, inside: Iterable[PartialDate], against: Iterable[PartialDate]) -> Days:
    """First and last possible day of an end. `inside`: days on which the person was held, which it cannot precede;
    `against`: those of them that weigh as much as the end. An end before one of these may not have been: the last
    possible day is then one given that agrees with them all, if there is one."""
    if end.day is None:
        return max((day.lo for day in inside), default=FIRST_DAY), LAST_DAY
    lo, hi = end.day.lo, end.day.hi
    lo = max((day.lo for day in inside if lo < day.lo <= hi), default=lo)
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
