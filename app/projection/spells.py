"""Units: reports tied together by pointers, and the dates that place a unit in a spell.

Rule 1: the spells in custody of one person, cut from the reports (pure).

A spell is cut where a report asserts an end and a detention begins after it; reports that fit several spells are placed
by their dates afterwards. The reports of independent sources are cut first; the others then join one of these spells or
stand alone, so that no state parts or joins what organisations report. The order of arrival changes nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from app.dates import PartialDate
from app.projection.statements import ASSERTIONS, DATE_OF_STAGE, Statement
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
        Unit((by_record[root], *sorted((by_record[r] for r in records if r != root), key=_order_of_unit)))
        for root, records in members.items()
    ]


def _order_of_unit(statement: Statement) -> tuple[int, int, str]:
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


# Sorts an unknown day of arrest before every known one, and an unknown day of release after.
EVER, NEVER = -1, 10**9


@dataclass
class Spell:
    """The units of one spell. `checked`: cut among reports of independent sources, so that only their ends end it.
    `opened`: the day of arrest at which it was cut from the spell before; None for the first."""

    checked: bool
    opened: PartialDate | None = None
    units: list[Unit] = field(default_factory=list)

    @property
    def starts(self) -> list[PartialDate]:
        return [unit.begun for unit in self.units if unit.begun is not None]

    @property
    def begun(self) -> PartialDate | None:
        return self.opened or min(self.starts, key=lambda day: (day.lo, day.hi), default=None)

    @property
    def days(self) -> list[PartialDate]:
        return [day for unit in self.units for day in unit.days]

    def ended_by(self, start: PartialDate) -> bool:
        """Whether the spell had ended when a detention began on `start`."""
        return any(_ends_by(unit, start, checked=self.checked) for unit in self.units)


def spells(statements: Sequence[Statement]) -> list[list[Statement]]:
    """The statements of one person by spell, earliest first. Every statement is in exactly one."""
    if len(statements) == 1:  # as most often
        return [list(statements)]
    units = units_of(statements)
    standing = [unit for unit in units if unit.stands]
    cut = _divide(standing) if standing else [Spell(checked=False)]
    placed = [list(spell.units) for spell in cut]
    for unit in units:  # a withdrawn unit attaches last, and only to units that stand
        if not unit.stands:
            placed[_best(unit, cut, _fitting(unit, cut) or range(len(cut)))].append(unit)
    return [[statement for unit in spell for statement in unit.members] for spell in placed]


def _divide(units: Sequence[Unit]) -> list[Spell]:
    early, standing = _before_first_arrest(units)
    checked = [unit for unit in standing if unit.independent and unit not in early]
    if not checked:  # where no independent source speaks, the others are divided among themselves
        return _cut(standing, checked=False)
    cut = _cut(checked, checked=True)
    apart: dict[int, list[Unit]] = {}
    joining: list[Unit] = []
    for unit in standing:
        if unit in early or not (unit.independent or _fitting(unit, cut)):
            apart.setdefault(_ended_before(unit, cut), []).append(unit)
        elif not unit.independent:
            joining.append(unit)
    every: list[Spell] = []
    for number in range(len(cut) + 1):
        if number in apart:
            every += _standing_alone(apart[number])
        every += cut[number : number + 1]
    known = [Spell(spell.checked, spell.opened, list(spell.units)) for spell in every]
    for unit in joining:
        every[_best(unit, known, _fitting(unit, known))].units.append(unit)
    return every


def _standing_alone(units: Sequence[Unit]) -> list[Spell]:
    """The spells cut among the units that fit none of the independent sources' spells."""
    cut = _cut(units, checked=False)
    cut[0].opened = cut[0].begun
    return cut


def _before_first_arrest(units: Sequence[Unit]) -> tuple[list[Unit], list[Unit]]:
    """`(early, all)`: the units whose every end lies before the first arrest by an independent source and is stated by
    no independent source; and all units, from which pointing reports with such an end are taken out as units of their
    own."""
    checked = [statement for unit in units for statement in unit.members if statement.source.independent]
    first = min((a.began.lo for a in checked if a.asserts_detention and a.began is not None), default=None)
    if first is None:
        return [], list(units)
    stated = [end for unit in units for _statement, end in unit.independent_ends]

    def before(end: PartialDate | None) -> bool:
        return end is not None and end.hi < first and not any(end.overlaps(other) for other in stated)

    standing = []
    for unit in units:
        astray = [statement for statement in unit.pointing_others if before(end_of(statement))]
        standing += [Unit(tuple(statement for statement in unit.members if statement not in astray))]
        standing += [Unit((statement,)) for statement in astray]
    return [unit for unit in standing if unit.ends and all(before(end) for _statement, end in unit.ends)], standing


def _order(unit: Unit) -> tuple[int, int, str]:
    """The sort key of units: day of arrest, day of release, record id."""
    begun = EVER if unit.begun is None else unit.begun.lo
    return begun, min((day.lo for day in unit.days), default=NEVER), unit.root.id


def _cut(units: Sequence[Unit], *, checked: bool) -> list[Spell]:
    """Cut at the earliest arrest that follows an end. A unit with days on both sides of a cut stays in both pools until
    `_placed` chooses one."""
    pools = [Spell(checked)]
    for unit in sorted(units, key=_order):
        start = unit.begun
        if start is not None and pools[-1].ended_by(start):
            reaching = [earlier for earlier in pools[-1].units if _reaches(earlier, start, checked=checked)]
            pools.append(Spell(checked, start, reaching))
        pools[-1].units.append(unit)
    return _placed(pools)


def _ends(unit: Unit, *, checked: bool) -> list[tuple[Statement, PartialDate]]:
    """The ends by which a unit is cut and placed: among independent sources' reports only theirs."""
    return unit.independent_ends if checked else unit.ends


def _ends_by(unit: Unit, start: PartialDate, *, checked: bool) -> bool:
    """Whether the unit's detention had ended before one that began on `start`. An end on that very day counts where the
    unit's own arrest lies before it."""
    for statement, end in _ends(unit, checked=checked):
        began = unit.begun or statement.began
        if end.hi < start.lo or (end.hi == start.lo and began is not None and began.hi < start.lo):
            return True
    return False


def _reaches(unit: Unit, start: PartialDate, *, checked: bool) -> bool:
    """Whether a unit of an earlier spell may also be of the spell that begins on `start`."""
    if _ends_by(unit, start, checked=checked):
        return False
    days = [end for _statement, end in _ends(unit, checked=checked)] or unit.days
    if days:
        return any(day.hi > start.lo for day in days)
    return unit.begun is None and (unit.position is None or unit.position.hi >= start.lo)


def _let_go_after(unit: Unit, start: PartialDate | None) -> bool:
    """Whether every release of the unit lies after an arrest on `start`: then the unit is of no earlier spell."""
    return start is not None and bool(unit.days) and all(day.lo > start.hi for day in unit.days)


def _placed(pools: list[Spell]) -> list[Spell]:
    """Put every unit into one spell: first the units of one pool, then, judged by these, the units of several."""
    homes: dict[int, list[int]] = {}
    units = {unit.root.record: unit for pool in pools for unit in pool.units}
    for number, pool in enumerate(pools):
        for unit in pool.units:
            cut = homes.setdefault(unit.root.record, [])
            homes[unit.root.record] = [number] if _let_go_after(unit, pool.opened) else [*cut, number]
    certain = [Spell(pool.checked, pool.opened) for pool in pools]
    for record, numbers in homes.items():
        if len(numbers) == 1:
            certain[numbers[0]].units.append(units[record])
    placed = [Spell(spell.checked, spell.opened, list(spell.units)) for spell in certain]
    for record, numbers in homes.items():
        if len(numbers) > 1:
            placed[_best(units[record], certain, numbers)].units.append(units[record])
    return [spell for spell in placed if spell.units]


def _best(unit: Unit, known: Sequence[Spell], numbers: Sequence[int]) -> int:
    """The number, among `numbers`, of the unit's spell, judged by the units in `known`: the spell with its day of
    release, then with its day of arrest, then the last begun by its day. A unit without a day is of the earliest."""

    def distance(number: int) -> tuple[bool, bool, int]:
        spell = known[number]
        apart = bool(unit.days) and not _same_release(unit, spell)
        arrested = unit.begun is None or any(start.overlaps(unit.begun) for start in spell.starts)
        return apart, not arrested, -number if _day(unit) and _begun_by(spell, unit) else number

    return min(numbers, key=distance, default=0)


def _same_release(unit: Unit, spell: Spell) -> bool:
    """Whether spell and unit share a day of release. A release before the unit's own arrest is of another spell."""
    known = [day for day in spell.days if unit.begun is None or day.hi >= unit.begun.lo]
    return any(day.overlaps(when) for day in known for when in unit.days)


def _day(unit: Unit) -> PartialDate | None:
    """The day by which a unit is placed where no known spell has its day of release or of arrest."""
    return min(unit.days, key=lambda day: (day.hi, day.lo), default=unit.position or unit.begun)


def _begun_by(spell: Spell, unit: Unit) -> bool:
    """Whether the spell had begun by the unit's day. A release on the day of an arrest came before the arrest."""
    when = _day(unit)
    if spell.begun is None or when is None:
        return True
    return spell.begun.lo < when.hi or (not unit.days and spell.begun.lo == when.hi)


def _fitting(unit: Unit, known: Sequence[Spell]) -> list[int]:
    return [number for number in range(len(known)) if _fits(unit, known, number)]


def _fits(unit: Unit, known: Sequence[Spell], number: int) -> bool:
    """Whether a unit that is not independent, or was withdrawn, may be of a spell: its arrest does not follow the
    spell's end, and its release lies neither before the spell began nor after a later spell of an independent source
    began."""
    spell = known[number]
    if _same_release(unit, spell):
        return True
    if unit.begun is not None and spell.ended_by(unit.begun):
        return False
    if any(later.checked and _let_go_after(unit, later.begun) for later in known[number + 1 :]):
        return False
    opened = spell.opened
    return opened is None or not unit.ends or any(end.hi >= opened.lo for _statement, end in unit.ends)


def _ended_before(unit: Unit, cut: Sequence[Spell]) -> int:
    """The number of spells that had ended before the unit's arrest, or before its release where it has no arrest."""
    days = unit.days or [end for _statement, end in unit.ends]
    day = unit.begun or min(days, key=lambda day: (day.hi, day.lo))
    return max((number for number, spell in enumerate(cut, 1) if spell.ended_by(day)), default=0)
