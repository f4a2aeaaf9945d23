"""Rule 1: which reports of one person speak of the same spell in custody.

A spell is cut where a detention begins after an end that somebody asserts; reports that fit several spells are
placed by their dates afterwards. Nothing here looks at arrival, so no order of the same reports changes the result.
"""

from collections.abc import Sequence

from app.dates import PartialDate
from app.registry.projection.accounts import Account

Spell = list[Account]
# Sorts an unknown day of release after every known one.
NEVER = 10**9


def spells(accounts: Sequence[Account]) -> list[Spell]:
    """Divide the accounts of one person into spells, earliest first. Every account is in exactly one."""
    roots = pointer_roots(accounts)
    own = [account for account in accounts if roots[account.record] == account.record]
    standing = [account for account in own if account.asserts_detention]
    late = [account for account in own if not account.asserts_detention]
    found = _place(_pools(standing)) if standing else [[]]
    for account in sorted(late, key=_order):
        _best(account, found, range(len(found)), found).append(account)
    spell_of = {account.record: spell for spell in found for account in spell}
    for account in accounts:
        if roots[account.record] != account.record:
            spell_of[roots[account.record]].append(account)
    return found


def pointer_roots(accounts: Sequence[Account]) -> dict[int, int]:
    """Record → the record whose spell it follows: itself, or where its chain of pointers ends.

    A pointer into another person's reports (after an undo) is void; a circle follows its earliest record.
    """
    pointer = {account.record: account.pointer for account in accounts}
    roots = {}
    for start in pointer:
        path = [start]
        while (target := pointer[path[-1]]) is not None and target in pointer and target not in path:
            path.append(target)
        circle = target is not None and target in path
        roots[start] = min(path[path.index(target) :]) if circle and target is not None else path[-1]
    return roots


def _order(account: Account) -> tuple[int, int, str]:
    detained = -1 if account.detained is None else account.detained.lo
    released = NEVER if account.released is None else account.released.lo
    return detained, released, account.id


def _pools(standing: Sequence[Account]) -> list[Spell]:
    """Cut greedily; an account whose interval reaches past a cut is in the pool on either side of it."""
    pools: list[Spell] = [[]]
    for account in sorted(standing, key=_order):
        start = account.detained
        if start is not None and any(_cuts(earlier, account, start) for earlier in pools[-1]):
            pools.append([earlier for earlier in pools[-1] if _reaches(earlier, start)])
        pools[-1].append(account)
    return pools


def _cuts(earlier: Account, later: Account, start: PartialDate) -> bool:
    """Whether `earlier` ends before `later` begins, on a word that counts against `later`'s source."""
    end = earlier.end
    if end is None or (later.source.independent and not earlier.source.independent):
        return False
    if end.hi == start.lo:
        return earlier.detained is not None and earlier.detained.hi < start.lo
    return end.hi < start.lo


def _reaches(account: Account, start: PartialDate) -> bool:
    """Whether an account of an earlier spell may speak of the one that begins at `start` as well."""
    if account.end is not None:
        return account.end.hi > start.lo
    return account.detained is None and (account.position is None or account.position.hi >= start.lo)


def _place(pools: list[Spell]) -> list[Spell]:
    """Put every account into one of its pools: by release date, then by detention date, then the earlier."""
    homes: dict[int, list[int]] = {}
    accounts = {account.record: account for pool in pools for account in pool}
    for number, pool in enumerate(pools):
        for account in pool:
            homes.setdefault(account.record, []).append(number)
    certain = [[account for account in pool if len(homes[account.record]) == 1] for pool in pools]
    placed = [list(pool) for pool in certain]
    for record, numbers in homes.items():
        if len(numbers) > 1:
            _best(accounts[record], certain, numbers, placed).append(accounts[record])
    return [spell for spell in placed if spell]


def _best(account: Account, known: list[Spell], numbers: Sequence[int], placed: list[Spell]) -> Spell:
    """The list in `placed` where the account belongs, judged by what is in `known`."""
    return placed[min(numbers, key=lambda number: (*_distance(account, known[number]), number))]


def _distance(account: Account, spell: Spell) -> tuple[int, int]:
    return _release_distance(account, spell), _detention_distance(account, spell)


def _release_distance(account: Account, spell: Spell) -> int:
    """0: the same release date; 1: the spell can take it; 2: the spell has another one."""
    when = account.released or account.position
    if when is None:
        return 0
    ends = [other.released or other.end for other in spell if other is not account]
    known = [end for end in ends if end is not None]
    if any(end.overlaps(when) for end in known):
        return 0
    starts = [other.detained for other in spell if other is not account and other.detained is not None]
    begins_later = bool(starts) and all(start.lo > when.hi for start in starts)
    return 2 if known or begins_later else 1


def _detention_distance(account: Account, spell: Spell) -> int:
    if account.detained is None:
        return 0
    starts = [other.detained for other in spell if other is not account and other.detained is not None]
    return 0 if any(start.overlaps(account.detained) for start in starts) else 1
