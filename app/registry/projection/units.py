"""Units: reports tied together by pointers, and the dates that place a unit in a spell."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from app.dates import PartialDate
from app.registry.projection.statements import ASSERTIONS, DATE_OF_STAGE, Statement
from app.vocabulary import Stage

# A pointer between two reports is contradicted where they give disjoint dates of one of these. Sightings are not among
# them: each source sees a prisoner on another day.
COMPARED = ("detention.detained_on", *(f"release.{name}" for name in DATE_OF_STAGE.values()))

# Sorts an unknown day after every known one.
UNSTATED = 10**9


@dataclass(frozen=True)
class Unit:
    """A report (the root, first of `members`) and the reports that point at it.

    A pointer that no date contradicts outweighs dates: the root's dates place every member. But each member can end the
    detention, and where the root was withdrawn, the members that stand are placed by their own and kept dates, if they
    give any. Where any member is independent, the dates of all others are ignored: a state must not move an
    organisation's report by pointing at it, nor by a new date in the report at which the organisation points."""

    members: tuple[Statement, ...]

    @property
    def root(self) -> Statement:
        return self.members[0]

    @cached_property
    def stands(self) -> bool:
        return any(statement.asserts_detention for statement in self.members)

    @cached_property
    def independent(self) -> bool:
        """Whether an independent source asserts this detention."""
        return bool(self._independent)

    @cached_property
    def begun(self) -> PartialDate | None:
        """The day of arrest."""
        return next((statement.began for statement in self._placing if statement.began is not None), None)

    @cached_property
    def ends(self) -> list[tuple[Statement, PartialDate]]:
        """`(member, day)` for each asserted end. An end without a day, or with one before the arrest, takes the day of
        another member (`_beside`)."""
        own = [(statement, end if self._can_end(end := end_of(statement)) else None) for statement in self.members]
        taken = [
            (statement, end or (self._beside(statement, own) if _asserts_out(statement) else None))
            for statement, end in own
        ]
        return [(statement, end) for statement, end in taken if end is not None]

    def _beside(self, statement: Statement, ends: Sequence[tuple[Statement, PartialDate | None]]) -> PartialDate | None:
        """The day of an asserted release without a day: the root's, else the earliest that members assert. A statement
        of an independent source takes a day of independent members only."""
        pointed_at = self.root.let_go if self.root.stage is Stage.CARRIED_OUT else None
        if self._can_end(pointed_at):
            return pointed_at
        days = [end for other, end in ends if other.source.independent or not statement.source.independent]
        return min((end for end in days if end is not None), key=lambda end: (end.hi, end.lo), default=None)

    @cached_property
    def independent_ends(self) -> list[tuple[Statement, PartialDate]]:
        """The ends that an independent source asserts, by whatever method."""
        return [(statement, end) for statement, end in self.ends if statement.source.independent]

    def _can_end(self, end: PartialDate | None) -> bool:
        return end is not None and (self.begun is None or end.hi >= self.begun.lo)

    @cached_property
    def days(self) -> list[PartialDate]:
        """The days of release, or of another end, denied ones too: the root's where the root places the unit and has
        one, else the days of all members in `_placing`."""
        if self._placing[0] is self.root and (of_root := _day_of(self.root)) is not None:
            return [of_root]
        return [day for statement in self._placing if (day := _day_of(statement)) is not None]

    @cached_property
    def position(self) -> PartialDate | None:
        return next((statement.position for statement in self._placing if statement.position is not None), None)

    @cached_property
    def _independent(self) -> list[Statement]:
        return [statement for statement in self.members if statement.source.independent and statement.asserts_detention]

    @property
    def pointing_others(self) -> list[Statement]:
        """The pointing members that are not independent, where another member is."""
        return [statement for statement in self.members[1:] if self.independent and not statement.source.independent]

    @cached_property
    def _placing(self) -> list[Statement]:
        """The members whose dates place the unit, the deciding member first: the independent members that stand, else
        all that stand, else all. Where they give no day, own or kept, the pointer is all that they say: an independent
        root places them, though it was withdrawn."""
        standing = [statement for statement in self.members if statement.asserts_detention]
        placing = self._independent or standing or list(self.members)
        if self.root in placing or not self.root.source.independent or any(map(_gives_a_day, placing)):
            return placing
        return [self.root, *placing]


def end_of(statement: Statement) -> PartialDate | None:
    """The day of the end that a statement asserts: its own day, else the one kept with it."""
    return statement.end or (statement.let_go if _asserts_out(statement) else None)


def _gives_a_day(statement: Statement) -> bool:
    return statement.began is not None or statement.position is not None


def _day_of(statement: Statement) -> PartialDate | None:
    return statement.let_go or statement.end


def _asserts_out(statement: Statement) -> bool:
    return statement.has_release and statement.verdict in ASSERTIONS and statement.stage is Stage.CARRIED_OUT


def units_of(statements: Iterable[Statement]) -> list[Unit]:
    """The statements of one person as units, each statement in one of them."""
    by_record = {statement.record: statement for statement in statements}
    members: dict[int, list[int]] = {}
    for record, root in _followed(by_record).items():
        members.setdefault(root, []).append(record)
    return [
        Unit((by_record[root], *sorted((by_record[r] for r in records if r != root), key=_order)))
        for root, records in members.items()
    ]


def _order(statement: Statement) -> tuple[int, int, str]:
    """The order of rule 1: day of arrest, day of release, record id. A report without a day comes last, since it may
    speak of any."""
    days = [day.lo if day is not None else UNSTATED for day in (statement.detained, statement.released)]
    return days[0], days[1], statement.id


def contradicted(statements: Sequence[Statement]) -> dict[int, int]:
    """Record → the record it points at, for the records placed by their own dates because these contradict the
    pointer."""
    by_record = {statement.record: statement for statement in statements}
    roots = _followed(by_record)
    pointers = {record: statement.pointer for record, statement in by_record.items()}
    return {
        record: target
        for record, target in pointers.items()
        if target is not None and target in by_record and roots[record] == record and roots[target] != record
    }


def _followed(by_record: dict[int, Statement]) -> dict[int, int]:
    """Record → the root of its unit: `pointer_roots` without the pointers that dates contradict.

    A report whose dates contradict its target or its root is a root itself, and the reports that point at it follow
    it."""
    pointers = {
        record: statement.pointer
        for record, statement in by_record.items()
        if statement.pointer in by_record and not _contradict(statement, by_record[statement.pointer])
    }
    while True:
        roots = pointer_roots(by_record.values(), pointers)
        astray = {record for record, root in roots.items() if _contradict(by_record[record], by_record[root])}
        if not astray:
            return roots
        pointers = {record: pointer for record, pointer in pointers.items() if record not in astray}


def _contradict(a: Statement, b: Statement) -> bool:
    """Whether two reports cannot be of one spell: they give disjoint dates of one event, or one gives a release before
    the other's arrest."""
    if a is b:  # a report does not contradict itself, even where it says a release before an arrest
        return False
    days = [(a.date_or_kept(name), b.date_or_kept(name)) for name in COMPARED]
    if any(day is not None and other is not None and not day.overlaps(other) for day, other in days):
        return True
    return _let_go_before(a, b) or _let_go_before(b, a)


def _let_go_before(a: Statement, b: Statement) -> bool:
    return a.let_go is not None and b.began is not None and a.let_go.hi < b.began.lo


def pointer_roots(statements: Iterable[Statement], pointer: dict[int, int]) -> dict[int, int]:
    """Record → the record at which its chain of pointers ends, itself where it points at none.

    A pointer at a report of another person (after an undo) is void. The root of a circle is its record of the least id.
    """
    ids = {statement.record: statement.id for statement in statements}
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
