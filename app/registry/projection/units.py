"""Reports that belong together because one points at the other, and what they tell of their spell together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from app.dates import PartialDate
from app.registry.projection.accounts import ASSERTIONS, DATE_OF_STAGE, Account
from app.vocabulary import Stage

# The dates that contradict a pointer where two reports give disjoint ones. Days on which a source saw the person are
# not among them: each source sees a prisoner on another day.
COMPARED = ("detention.detained_on", *(f"release.{name}" for name in DATE_OF_STAGE.values()))


@dataclass(frozen=True)
class Unit:
    """A report, the root, and the reports that point at it; the root is the first of `members`.

    A pointer that no date contradicts beats dates, so the root's dates place every member. But each member can end the
    detention, and each keeps it standing where the root was withdrawn. Where independent members point at a root that
    is not, their dates come before the root's. Where any member is independent, no other pointing member's dates are
    heard: otherwise a state could move an organisation's word by what it says beside it."""

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
        """The day of arrest of the detention that the unit speaks of."""
        return next((account.began for account in self._heard if account.began is not None), None)

    @cached_property
    def ends(self) -> list[tuple[Account, PartialDate]]:
        """The members that assert that the detention ended, and the day of each. An assertion without a day, or with
        one before the arrest, takes the day of another member (`_beside`)."""
        said = [(account, end if self._can_end(end := end_of(account)) else None) for account in self.members]
        taken = [
            (account, end or (self._beside(account, said) if _asserts_out(account) else None)) for account, end in said
        ]
        return [(account, end) for account, end in taken if end is not None]

    def _beside(self, account: Account, said: Sequence[tuple[Account, PartialDate | None]]) -> PartialDate | None:
        """The day that an undated assertion of a release takes: the root's, or else the earliest that members assert.
        An independent source's assertion takes a day of independent members only."""
        pointed_at = self.root.let_go if self.root.stage is Stage.CARRIED_OUT else None
        if self._can_end(pointed_at):
            return pointed_at
        heard = [end for other, end in said if other.source.independent or not account.source.independent]
        return min((end for end in heard if end is not None), key=lambda end: (end.hi, end.lo), default=None)

    @cached_property
    def independent_ends(self) -> list[tuple[Account, PartialDate]]:
        """The ends that an independent source asserts, by whatever method."""
        return [(account, end) for account, end in self.ends if account.source.independent]

    def _can_end(self, end: PartialDate | None) -> bool:
        return end is not None and (self.begun is None or end.hi >= self.begun.lo)

    @cached_property
    def days(self) -> list[PartialDate]:
        """The days of release, or of another end, that the unit speaks of, denied and withdrawn ones too: the root's,
        or the independent members' where their dates come first; where these give none, those of all that are heard."""
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
        """The pointing members that are not independent, where another member is."""
        return [account for account in self.members[1:] if self.independent and not account.source.independent]

    @property
    def _others_lead(self) -> bool:
        return self.independent and not self.root.source.independent

    @cached_property
    def _heard(self) -> list[Account]:
        """The members whose dates place the unit, in the order in which they are asked. A withdrawn report, unless it
        is the root, places nobody who withdrew nothing."""
        if self._others_lead:
            return [*self._independent, self.root]
        if self.independent:
            return [self.root, *(account for account in self._independent if account is not self.root)]
        return [account for account in self.members if account is self.root or not (self.stands and account.retracted)]


def end_of(account: Account) -> PartialDate | None:
    """The day on which custody ended, as the account asserts: its own day or the one kept with it."""
    return account.end or (account.let_go if _asserts_out(account) else None)


def _day_of(account: Account) -> PartialDate | None:
    return account.let_go or account.end


def _asserts_out(account: Account) -> bool:
    return account.has_release and account.verdict in ASSERTIONS and account.stage is Stage.CARRIED_OUT


def units_of(accounts: Iterable[Account]) -> list[Unit]:
    """The accounts of one person as units, each account in one of them."""
    by_record = {account.record: account for account in accounts}
    members: dict[int, list[int]] = {}
    for record, root in _followed(by_record).items():
        members.setdefault(root, []).append(record)
    return [
        Unit(tuple(sorted((by_record[r] for r in found), key=lambda account: (account.record != root, account.id))))
        for root, found in members.items()
    ]


def contradicted(accounts: Sequence[Account]) -> dict[int, int]:
    """Record → the record it points at, for the records whose own dates place them because they contradict that one."""
    by_record = {account.record: account for account in accounts}
    roots = _followed(by_record)
    return {
        account.record: account.pointer
        for account in accounts
        if account.pointer is not None and account.pointer in by_record and roots[account.record] == account.record
        and roots[account.pointer] != account.record
    }  # fmt: skip


def _followed(by_record: dict[int, Account]) -> dict[int, int]:
    """Record → the record whose spell it follows: `pointer_roots` without the pointers that dates contradict.

    A report that contradicts the one it points at, or the root it would follow, stands by its own dates, and the
    reports that point at it go along."""
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
    """Whether two reports cannot speak of the same spell: they give disjoint dates of one event, or one of them gives a
    release before the arrest that the other gives."""
    if one is other:  # a report does not contradict itself, even where it says a release before an arrest
        return False
    days = [(one.told(name), other.told(name)) for name in COMPARED]
    if any(a is not None and b is not None and not a.overlaps(b) for a, b in days):
        return True
    return _let_go_before(one, other) or _let_go_before(other, one)


def _let_go_before(one: Account, other: Account) -> bool:
    return one.let_go is not None and other.began is not None and one.let_go.hi < other.began.lo


def pointer_roots(accounts: Iterable[Account], pointer: dict[int, int]) -> dict[int, int]:
    """Record → the record whose spell it follows: itself, or the record at which its chain of pointers ends.

    A pointer at a report of another person (after an undo) is void; all in a circle follow the record of the least id.
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
