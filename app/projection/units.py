"""Group the reports that pointers tie together into units, with the dates that place a unit in a spell."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from app.dates import PartialDate
from app.projection.statements import ASSERTIONS, STAGE_DATE_FIELDS, Statement
from app.vocabulary import Stage

# A pointer between two reports is contradicted if they give disjoint dates of one of these fields. Sightings are
# excluded: each source sees a prisoner on another day.
COMPARED_FIELDS = ("detention.detained_on", *(f"release.{name}" for name in STAGE_DATE_FIELDS.values()))


# Sorts an unknown day after every known one.
UNKNOWN_DAY = 10**9


@dataclass(frozen=True)
class Unit:
    """A report (the root, first of `members`) and the reports that point at it.

    A pointer that no date contradicts outweighs dates: the root's dates place every member. But each member can end the
    detention, and if the root is withdrawn, the remaining members are placed by their own and inherited dates, if any.
    If any member is independent, the dates of all others are ignored: a state must not move an organisation's report by
    pointing at it, nor by a new date in the report at which the organisation points."""

    members: tuple[Statement, ...]

    @property
    def root(self) -> Statement:
        return self.members[0]

    @cached_property
    def is_asserted(self) -> bool:
        return any(statement.asserts_detention for statement in self.members)

    @cached_property
    def independent(self) -> bool:
        """Whether an independent source asserts this detention."""
        return bool(self._independent)

    @cached_property
    def arrest_day(self) -> PartialDate | None:
        """The day of arrest."""
        return next(
            (statement.arrest_day for statement in self._placing_members if statement.arrest_day is not None), None
        )

    @cached_property
    def ends(self) -> list[tuple[Statement, PartialDate]]:
        """`(member, day)` for each asserted end. An end without a day, or before the arrest, takes the day of another
        member (`_borrow_end`)."""
        own = [
            (statement, end if self._can_end(end := find_asserted_end(statement)) else None)
            for statement in self.members
        ]
        completed = [
            (statement, end or (self._borrow_end(statement, own) if _asserts_release(statement) else None))
            for statement, end in own
        ]
        return [(statement, end) for statement, end in completed if end is not None]

    def _borrow_end(
        self, statement: Statement, ends: Sequence[tuple[Statement, PartialDate | None]]
    ) -> PartialDate | None:
        """Return the day for an asserted release without a day: the root's, otherwise the earliest that members assert.
        A statement of an independent source only takes days of independent members."""
        root_day = self.root.release_day if self.root.stage is Stage.CARRIED_OUT else None
        if self._can_end(root_day):
            return root_day
        days = [end for member, end in ends if member.source.independent or not statement.source.independent]
        return min((end for end in days if end is not None), key=lambda end: (end.hi, end.lo), default=None)

    @cached_property
    def independent_ends(self) -> list[tuple[Statement, PartialDate]]:
        """The ends that an independent source asserts, by any method."""
        return [(statement, end) for statement, end in self.ends if statement.source.independent]

    def _can_end(self, end: PartialDate | None) -> bool:
        return end is not None and (self.arrest_day is None or end.hi >= self.arrest_day.lo)

    @cached_property
    def days(self) -> list[PartialDate]:
        """The days of release or another end, including denied ones: the root's if the root places the unit and has
        one, otherwise those of all members in `_placing_members`."""
        if self._placing_members[0] is self.root and (root_day := _find_end_day(self.root)) is not None:
            return [root_day]
        return [day for statement in self._placing_members if (day := _find_end_day(statement)) is not None]

    @cached_property
    def position(self) -> PartialDate | None:
        return next((statement.position for statement in self._placing_members if statement.position is not None), None)

    @cached_property
    def _independent(self) -> list[Statement]:
        return [statement for statement in self.members if statement.source.independent and statement.asserts_detention]

    @property
    def pointing_others(self) -> list[Statement]:
        """The pointing members that are not independent, if another member is."""
        return [statement for statement in self.members[1:] if self.independent and not statement.source.independent]

    @cached_property
    def _placing_members(self) -> list[Statement]:
        """The members whose dates place the unit, the deciding member first: the current independent members, otherwise
        all current members, otherwise all. If they have no day, own or inherited, the pointer is their only
        information: an independent root places them even if it was withdrawn."""
        asserting = [statement for statement in self.members if statement.asserts_detention]
        placing = self._independent or asserting or list(self.members)
        if self.root in placing or not self.root.source.independent or any(map(_has_day, placing)):
            return placing
        return [self.root, *placing]


def find_asserted_end(statement: Statement) -> PartialDate | None:
    """Return the day of the end that a statement asserts: its own, otherwise the inherited one."""
    return statement.end or (statement.release_day if _asserts_release(statement) else None)


def _has_day(statement: Statement) -> bool:
    return statement.arrest_day is not None or statement.position is not None


def _find_end_day(statement: Statement) -> PartialDate | None:
    return statement.release_day or statement.end


def _asserts_release(statement: Statement) -> bool:
    return statement.has_release and statement.verdict in ASSERTIONS and statement.stage is Stage.CARRIED_OUT


def build_units(statements: Iterable[Statement]) -> list[Unit]:
    """Group the statements of one person into units, each statement in one of them."""
    by_record = {statement.record: statement for statement in statements}
    members: dict[int, list[int]] = {}
    for record, root in _resolve_roots(by_record).items():
        members.setdefault(root, []).append(record)
    return [
        Unit((by_record[root], *sorted((by_record[r] for r in records if r != root), key=_statement_sort_key)))
        for root, records in members.items()
    ]


def _statement_sort_key(statement: Statement) -> tuple[int, int, str]:
    """Return the order of rule 1: day of arrest, day of release, record id. A report without a day comes last, since it
    may refer to any."""
    days = [day.lo if day is not None else UNKNOWN_DAY for day in (statement.detained_on, statement.released_on)]
    return days[0], days[1], statement.id


def find_contradicted_pointers(statements: Sequence[Statement]) -> dict[int, int]:
    """Return a dict of record → the record it points at, for records placed by their own dates because these contradict
    the pointer."""
    by_record = {statement.record: statement for statement in statements}
    roots = _resolve_roots(by_record)
    pointers = {record: statement.pointer for record, statement in by_record.items()}
    return {
        record: target
        for record, target in pointers.items()
        if target is not None and target in by_record and roots[record] == record and roots[target] != record
    }


def _resolve_roots(by_record: dict[int, Statement]) -> dict[int, int]:
    """Return a dict of record → the root of its unit: `find_pointer_roots` without the pointers that dates contradict.

    A report whose dates contradict its target or its root is a root itself, and the reports that point at it follow
    it."""
    pointers = {
        record: statement.pointer
        for record, statement in by_record.items()
        if statement.pointer in by_record and not _is_contradictory(statement, by_record[statement.pointer])
    }
    while True:
        roots = find_pointer_roots(by_record.values(), pointers)
        astray = {record for record, root in roots.items() if _is_contradictory(by_record[record], by_record[root])}
        if not astray:
            return roots
        pointers = {record: pointer for record, pointer in pointers.items() if record not in astray}


def _is_contradictory(a: Statement, b: Statement) -> bool:
    """Return whether two reports cannot belong to one spell: they give disjoint dates of one event, or one gives a
    release before the other's arrest."""
    if a is b:  # a report does not contradict itself, even if its release precedes its arrest
        return False
    days = [(a.date_or_inherited(name), b.date_or_inherited(name)) for name in COMPARED_FIELDS]
    if any(day is not None and other_day is not None and not day.overlaps(other_day) for day, other_day in days):
        return True
    return _is_released_before_arrest(a, b) or _is_released_before_arrest(b, a)


def _is_released_before_arrest(a: Statement, b: Statement) -> bool:
    return a.release_day is not None and b.arrest_day is not None and a.release_day.hi < b.arrest_day.lo


def find_pointer_roots(statements: Iterable[Statement], pointer: dict[int, int]) -> dict[int, int]:
    """Return a dict of record → the record at which its chain of pointers ends, itself if it has no pointer.

    A pointer at a report of another person (after an undo) is void. The root of a cycle is its record with the lowest
    id."""
    ids = {statement.record: statement.id for statement in statements}
    roots: dict[int, int] = {}
    for start in ids:
        path: dict[int, None] = {}
        current = start
        while current not in roots and current not in path and pointer.get(current) in ids:
            path[current] = None
            current = pointer[current]
        root = roots.get(current, current)
        if current in path:
            steps = list(path)
            root = min(steps[steps.index(current) :], key=lambda record: ids[record])
        roots |= dict.fromkeys((*path, current), root)
    return roots
