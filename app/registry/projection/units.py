"""Reports that belong together because they point at one another, and what they tell of their spell together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from app.dates import PartialDate
from app.registry.projection.accounts import ASSERTIONS, DATE_OF_STAGE, Account
from app.vocabulary import Stage

# The dates by which a pointer is found to be contradicted. Days on which somebody was seen are not among them: each
# source sees a prisoner on another day.
COMPARED = ("detention.detained_on", *(f"release.{name}" for name in DATE_OF_STAGE.values()))


@dataclass(frozen=True)
class Unit:
    """A report with those that point at it, itself first. A pointer that no date contradicts beats dates, so the first
    one's own dates place them all; but each of them can end the detention, and each keeps it standing where the first
    was withdrawn. Where only those who point are independent, their dates come first, and where any is, no other that
    points is heard: otherwise a state could move an organisation's word by what it says beside it."""

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
        return bool(self._independent)

    @cached_property
    def begun(self) -> PartialDate | None:
        """The day of arrest that it speaks of."""
        return next((account.began for account in self._heard if account.began is not None), None)

    @cached_property
    def ends(self) -> list[tuple[Account, PartialDate]]:
        """Who asserts that the detention ended, and when. An undated word on a release takes the date kept with it, or
        else the one beside it, and so does one dated before the detention that it speaks of."""
        said = [(account, end if self._can_end(end := end_of(account)) else None) for account in self.members]
        taken = [
            (account, end or (self._beside(account, said) if _asserts_out(account) else None)) for account, end in said
        ]
        return [(account, end) for account, end in taken if end is not None]

    def _beside(self, account: Account, said: Sequence[tuple[Account, PartialDate | None]]) -> PartialDate | None:
        """The day that an undated word on a release takes: that of the report pointed at, or the earliest of others; an
        independent source's that of independent ones."""
        pointed_at = self.root.let_go if self.root.stage is Stage.CARRIED_OUT else None
        if self._can_end(pointed_at):
            return pointed_at
        heard = [end for other, end in said if other.source.independent or not account.source.independent]
        return min((end for end in heard if end is not None), key=lambda end: (end.hi, end.lo), default=None)

    @cached_property
    def independent_ends(self) -> list[tuple[Account, PartialDate]]:
        """Those that an independent source asserts, by whatever method."""
        return [(account, end) for account, end in self.ends if account.source.independent]

    def _can_end(self, end: PartialDate | None) -> bool:
        return end is not None and (self.begun is None or end.hi >= self.begun.lo)

    @cached_property
    def days(self) -> list[PartialDate]:
        """The days of release (or another end) it speaks of, denied and withdrawn ones included: those of whose dates
        come first, or what the others say where these say none."""
        first = self._independent if self._others_lead else [self.root]
        told = [day for account in first if (day := _day_of(account)) is not None]
        return told or [day for account in self._heard if (day := _day_of(account)) is not None]

    @cached_property
    def position(self) -> PartialDate | None:
        return next((account.position for account in self._heard if account.position is not None), None)

    @cached_property
    def _independent(self) -> list[Account]:
        return [account for account in self.members if account.source.independent and account.asserts_detention]

    @property
    def pointing_others(self) -> list[Account]:
        """Those that point at what an independent source says and are not independent."""
        return [account for account in self.members[1:] if self.independent and not account.source.independent]

    @property
    def _others_lead(self) -> bool:
        return self.independent and not self.root.source.independent

    @cached_property
    def _heard(self) -> list[Account]:
        """The first one and those that stand, whose dates come first in front; what others withdrew places nobody who
        did not."""
        if self._others_lead:
            return [*self._independent, self.root]
        if self.independent:
            return [self.root, *(account for account in self._independent if account is not self.root)]
        return [account for account in self.members if account is self.root or not (self.stands and account.retracted)]


def end_of(account: Account) -> PartialDate | None:
    """The end of custody that it asserts, on its own day or the one kept with it."""
    return account.end or (account.let_go if _asserts_out(account) else None)


def _day_of(account: Account) -> PartialDate | None:
    return account.let_go or account.end


def _asserts_out(account: Account) -> bool:
    return account.has_release and account.verdict in ASSERTIONS and account.stage is Stage.CARRIED_OUT


def units_of(accounts: Iterable[Account]) -> list[Unit]:
    """The accounts of one person, together where one follows another."""
    by_record = {account.record: account for account in accounts}
    members: dict[int, list[int]] = {}
    for record, root in _followed(by_record).items():
        members.setdefault(root, []).append(record)
    return [
        Unit(tuple(sorted((by_record[r] for r in found), key=lambda account: (account.record != root, account.id))))
        for root, found in members.items()
    ]


def contradicted(accounts: Sequence[Account]) -> dict[int, int]:
    """Record → the record it points at, where their dates contradict so that its own place it."""
    by_record = {account.record: account for account in accounts}
    roots = _followed(by_record)
    return {
        account.record: account.pointer
        for account in accounts
        if account.pointer is not None and account.pointer in by_record and roots[account.record] == account.record
        and roots[account.pointer] != account.record
    }  # fmt: skip


def _followed(by_record: dict[int, Account]) -> dict[int, int]:
    """Record → the record whose spell it follows: `pointer_roots`, but past no report whose dates contradict its own.

    A report that came to contradict the one it follows stands by its own dates, and whoever points at it goes along."""
    pointers = {
        record: account.pointer
        for record, account in by_record.items()
        if account.pointer in by_record and not _contradict(account, by_record[account.pointer])
    }
    while True:
        roots = pointer_roots(by_record.values(), pointers)
        astray = {record for record, root in roots.items() if _contradict(by_record[record], by_record[root])}
        if not astray:
            return roots
        pointers = {record: pointer for record, pointer in pointers.items() if record not in astray}


def _contradict(one: Account, other: Account) -> bool:
    """Whether two reports cannot speak of the same spell: on days apart, or one of a release before the arrest."""
    if one is other:  # whatever it says
        return False
    days = [(one.told(name), other.told(name)) for name in COMPARED]
    if any(a is not None and b is not None and not a.overlaps(b) for a, b in days):
        return True
    return _let_go_before(one, other) or _let_go_before(other, one)


def _let_go_before(one: Account, other: Account) -> bool:
    return one.let_go is not None and other.began is not None and one.let_go.hi < other.began.lo


def pointer_roots(accounts: Iterable[Account], pointer: dict[int, int]) -> dict[int, int]:
    """Record → the record whose spell it follows: itself, or where its chain of pointers ends.

    A pointer into another person's reports (after an undo) is void; a circle follows the least record id in it.
    """
    ids = {account.record: account.id for account in accounts}
    roots: dict[int, int] = {}
    for start in ids:
        path: dict[int, None] = {}
        at = start
        while at not in roots and at not in path and pointer.get(at) in ids:
            path[at] = None
            at = pointer[at]
        root = roots.get(at, at)
        if at in path:
            walked = list(path)
            root = min(walked[walked.index(at) :], key=lambda record: ids[record])
        roots |= dict.fromkeys((*path, at), root)
    return roots
