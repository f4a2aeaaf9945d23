"""Rule 1: which reports of one person speak of the same spell in custody.

A spell is cut where a detention begins after an end that somebody asserts; reports that fit several spells are
placed by their dates afterwards. Nothing here looks at arrival, so no order of the same reports changes the result.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from app.dates import PartialDate
from app.registry.projection.accounts import ASSERTIONS, Account
from app.vocabulary import Stage

Spell = list[Account]
# Sorts an unknown day of release after every known one.
NEVER = 10**9


@dataclass(frozen=True)
class Unit:
    """A report with those that point at it, itself first. A pointer beats dates, so the first one's own dates place
    them all; but each of them can end the detention, and each keeps it standing where the first was withdrawn."""

    members: tuple[Account, ...]

    @property
    def root(self) -> Account:
        return self.members[0]

    @cached_property
    def stands(self) -> bool:
        return any(account.asserts_detention for account in self.members)

    @cached_property
    def independent(self) -> bool:
        """Whether an independent source reports this detention."""
        return any(account.source.independent for account in self.members if account.asserts_detention)

    @cached_property
    def ends(self) -> list[tuple[Account, PartialDate]]:
        """Who asserts that the detention ended, and when. An undated word on a release takes the date beside it, and
        so does one dated before the detention that it points at."""
        said = [(account, account.end if self._can_end(account.end) else None) for account in self.members]
        dated = [end for _account, end in said if end is not None]
        pointed_at = self.root.released if self.root.stage is Stage.CARRIED_OUT else None
        beside = pointed_at or min(dated, key=lambda end: (end.hi, end.lo), default=None)
        taken = [(account, end or (beside if _asserts_out(account) else None)) for account, end in said]
        return [(account, end) for account, end in taken if end is not None]

    def _can_end(self, end: PartialDate | None) -> bool:
        return end is not None and (self.root.detained is None or end.hi >= self.root.detained.lo)

    @cached_property
    def days(self) -> list[PartialDate]:
        """The days of release (or another end) it speaks of, denied and withdrawn ones included: the first one's own,
        or what the others say where it says none."""
        said = [day for account in self._heard if (day := account.released or account.end) is not None]
        return said[:1] if self.root.released or self.root.end else said

    @cached_property
    def position(self) -> PartialDate | None:
        return next((account.position for account in self._heard if account.position is not None), None)

    @property
    def _heard(self) -> Iterable[Account]:
        """The first one and those that stand; what others withdrew places nobody who did not."""
        return [account for account in self.members if account is self.root or not (self.stands and account.retracted)]


def _asserts_out(account: Account) -> bool:
    return account.has_release and account.verdict in ASSERTIONS and account.stage is Stage.CARRIED_OUT


def spells(accounts: Sequence[Account]) -> list[Spell]:
    """Divide the accounts of one person into spells, earliest first. Every account is in exactly one."""
    if len(accounts) == 1:  # as most often
        return [list(accounts)]
    units = _units(accounts)
    standing = [unit for unit in units if unit.stands]
    withdrawn = [unit for unit in units if not unit.stands]
    found = _place(_pools(standing)) if standing else [[]]
    for unit in sorted(withdrawn, key=_order):
        _best(unit, found, range(len(found)), found).append(unit)
    return [[account for unit in spell for account in unit.members] for spell in found]


def _units(accounts: Iterable[Account]) -> list[Unit]:
    by_record = {account.record: account for account in accounts}
    members: dict[int, list[int]] = {}
    for record, root in pointer_roots(by_record.values()).items():
        members.setdefault(root, []).append(record)
    return [
        Unit(tuple(sorted((by_record[r] for r in found), key=lambda account: (account.record != root, account.id))))
        for root, found in members.items()
    ]


def pointer_roots(accounts: Iterable[Account]) -> dict[int, int]:
    """Record → the record whose spell it follows: itself, or where its chain of pointers ends.

    A pointer into another person's reports (after an undo) is void; a circle follows the least record id in it.
    """
    by_record = {account.record: account for account in accounts}
    pointer = {record: account.pointer for record, account in by_record.items()}
    roots = {}
    for start in pointer:
        path = [start]
        while (target := pointer[path[-1]]) is not None and target in pointer and target not in path:
            path.append(target)
        circle = target is not None and target in path
        roots[start] = path[-1]
        if circle and target is not None:
            roots[start] = min(path[path.index(target) :], key=lambda record: by_record[record].id)
    return roots


def _order(unit: Unit) -> tuple[int, int, str]:
    account = unit.root
    detained = -1 if account.detained is None else account.detained.lo
    released = NEVER if account.released is None else account.released.lo
    return detained, released, account.id


def _pools(standing: Sequence[Unit]) -> list[list[Unit]]:
    """Cut greedily; a unit whose interval reaches past a cut is in the pool on either side of it."""
    pools: list[list[Unit]] = [[]]
    for unit in sorted(standing, key=_order):
        start = unit.root.detained
        if start is not None:
            # Whoever reports the detention that an independent source reports too means the same one.
            independent = any(other.independent for other in standing if _overlap(other.root.detained, start))
            if any(_cuts(earlier, start, independent=independent) for earlier in pools[-1]):
                # A beginning that no independent source states takes no independent report with it.
                pools.append(
                    [
                        earlier
                        for earlier in pools[-1]
                        if (independent or not earlier.independent)
                        and _reaches(earlier, start, independent=independent)
                    ]
                )
        pools[-1].append(unit)
    return pools


def _overlap(one: PartialDate | None, other: PartialDate) -> bool:
    return one is not None and one.overlaps(other)


def _cuts(earlier: Unit, start: PartialDate, *, independent: bool) -> bool:
    """Whether `earlier` ends before a detention begins, on a word that counts against those who report that one."""
    for account, end in earlier.ends:
        if independent and not account.source.independent:
            continue
        began = earlier.root.detained or account.detained
        if end.hi < start.lo or (end.hi == start.lo and began is not None and began.hi < start.lo):
            return True
    return False


def _reaches(unit: Unit, start: PartialDate, *, independent: bool) -> bool:
    """Whether a unit of an earlier spell may speak of the one that begins at `start` as well."""
    if _cuts(unit, start, independent=independent):
        return False
    if unit.ends:
        return any(end.hi > start.lo for _account, end in unit.ends)
    return unit.root.detained is None and (unit.position is None or unit.position.hi >= start.lo)


def _place(pools: list[list[Unit]]) -> list[list[Unit]]:
    """Put every unit into one of its pools: by release date, then by detention date, then the earlier."""
    homes: dict[int, list[int]] = {}
    units = {unit.root.record: unit for pool in pools for unit in pool}
    for number, pool in enumerate(pools):
        for unit in pool:
            homes.setdefault(unit.root.record, []).append(number)
    certain = [[unit for unit in pool if len(homes[unit.root.record]) == 1] for pool in pools]
    placed = [list(pool) for pool in certain]
    for record, numbers in homes.items():
        if len(numbers) > 1:
            _best(units[record], certain, numbers, placed).append(units[record])
    return [spell for spell in placed if spell]


def _best(unit: Unit, known: list[list[Unit]], numbers: Sequence[int], placed: list[list[Unit]]) -> list[Unit]:
    """The list in `placed` where the unit belongs, judged by what is in `known`."""
    return placed[min(numbers, key=lambda number: (*_distance(unit, known[number]), number))]


def _distance(unit: Unit, spell: list[Unit]) -> tuple[int, int, int]:
    return _release_distance(unit, spell), _detention_distance(unit, spell), _position_distance(unit, spell)


def _release_distance(unit: Unit, spell: list[Unit]) -> int:
    """0: the same release date; 1: the spell can take it; 2: the spell has another one, or begins later."""
    if not unit.days:
        return 0
    known = [day for other in spell for day in other.days]
    if any(day.overlaps(when) for day in known for when in unit.days):
        return 0
    return 2 if known or all(_begins_after(spell, when) for when in unit.days) else 1


def _detention_distance(unit: Unit, spell: list[Unit]) -> int:
    detained = unit.root.detained
    return 0 if detained is None or any(start.overlaps(detained) for start in _starts(spell)) else 1


def _position_distance(unit: Unit, spell: list[Unit]) -> int:
    """1 where a day that it knows the person held, or a release ordered, lies before the spell or after its end."""
    when = unit.position
    if when is None or unit.days:
        return 0
    known = [day for other in spell for day in other.days]
    return 1 if _begins_after(spell, when) or (known and all(day.hi < when.lo for day in known)) else 0


def _starts(spell: list[Unit]) -> list[PartialDate]:
    return [other.root.detained for other in spell if other.root.detained is not None]


def _begins_after(spell: list[Unit], when: PartialDate) -> bool:
    starts = _starts(spell)
    return bool(starts) and all(start.lo > when.hi for start in starts)
