"""Rule 1: divide the reports of one person into spells in custody.

Reports tied together by pointers form a unit; dates place a unit in a spell. A spell is cut where a report asserts an
end and a detention begins after it; reports that fit several spells are placed by their dates afterwards. The reports
of independent sources are cut first; the others then join one of these spells or form their own, so that no state
splits or joins what organisations report. The order of arrival changes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.dates import PartialDate
from app.projection.statements import Statement
from app.projection.units import Unit, build_units, find_asserted_end

# Sorts an unknown day of arrest before every known one, and an unknown day of release after.
BEFORE_ALL_DAYS, AFTER_ALL_DAYS = -1, 10**9


@dataclass
class Spell:
    """The units of one spell.

    `is_independent`: cut among reports of independent sources, so that only their ends end it. `cut_day`: the day of
    arrest that separates it from the previous spell; None for the first."""

    is_independent: bool
    cut_day: PartialDate | None = None
    units: list[Unit] = field(default_factory=list)

    @property
    def arrest_days(self) -> list[PartialDate]:
        return [unit.arrest_day for unit in self.units if unit.arrest_day is not None]

    @property
    def begin_day(self) -> PartialDate | None:
        return self.cut_day or min(self.arrest_days, key=lambda day: (day.lo, day.hi), default=None)

    @property
    def days(self) -> list[PartialDate]:
        return [day for unit in self.units for day in unit.days]

    def has_ended_by(self, start: PartialDate) -> bool:
        """Return whether the spell had ended when a detention began on `start`."""
        return any(_has_ended_by(unit, start, independent_only=self.is_independent) for unit in self.units)


def divide_into_spells(statements: Sequence[Statement]) -> list[list[Statement]]:
    """Divide the statements of one person into spells, earliest first. Every statement is in exactly one."""
    if len(statements) == 1:  # the most frequent case
        return [list(statements)]
    units = build_units(statements)
    asserted_units = [unit for unit in units if unit.is_asserted]
    divided = _divide_units(asserted_units) if asserted_units else [Spell(is_independent=False)]
    placed_units = [list(spell.units) for spell in divided]
    for unit in units:  # withdrawn units are placed last, and only relative to current units
        if not unit.is_asserted:
            placed_units[
                _find_best_spell(unit, divided, _find_fitting_spells(unit, divided) or range(len(divided)))
            ].append(unit)
    return [[statement for unit in spell for statement in unit.members] for spell in placed_units]


def _divide_units(units: Sequence[Unit]) -> list[Spell]:
    early, all_units = _split_early_units(units)
    independent_units = [unit for unit in all_units if unit.independent and unit not in early]
    if not independent_units:  # without independent sources, the others are divided among themselves
        return _cut_units(all_units, independent_only=False)
    independent_spells = _cut_units(independent_units, independent_only=True)
    separate_units: dict[int, list[Unit]] = {}
    joining: list[Unit] = []
    for unit in all_units:
        if unit in early or not (unit.independent or _find_fitting_spells(unit, independent_spells)):
            separate_units.setdefault(_count_ended_before(unit, independent_spells), []).append(unit)
        elif not unit.independent:
            joining.append(unit)
    all_spells: list[Spell] = []
    for number in range(len(independent_spells) + 1):
        if number in separate_units:
            all_spells += _cut_separately(separate_units[number])
        all_spells += independent_spells[number : number + 1]
    reference_spells = [Spell(spell.is_independent, spell.cut_day, list(spell.units)) for spell in all_spells]
    for unit in joining:
        all_spells[_find_best_spell(unit, reference_spells, _find_fitting_spells(unit, reference_spells))].units.append(
            unit
        )
    return all_spells


def _cut_separately(units: Sequence[Unit]) -> list[Spell]:
    """Cut the units that fit none of the independent sources' spells."""
    separate_spells = _cut_units(units, independent_only=False)
    separate_spells[0].cut_day = separate_spells[0].begin_day
    return separate_spells


def _split_early_units(units: Sequence[Unit]) -> tuple[list[Unit], list[Unit]]:
    """Return `(early, all)` units.

    Early units have only ends before the first arrest by an independent source, none of them stated by an independent
    source. In `all`, pointing reports with such an end are split off as separate units."""
    independent_statements = [statement for unit in units for statement in unit.members if statement.source.independent]
    first = min(
        (a.arrest_day.lo for a in independent_statements if a.asserts_detention and a.arrest_day is not None),
        default=None,
    )
    if first is None:
        return [], list(units)
    independent_ends = [end for unit in units for _statement, end in unit.independent_ends]

    def is_early(end: PartialDate | None) -> bool:
        return end is not None and end.hi < first and not any(end.overlaps(other) for other in independent_ends)

    all_units = []
    for unit in units:
        astray = [statement for statement in unit.pointing_others if is_early(find_asserted_end(statement))]
        all_units += [Unit(tuple(statement for statement in unit.members if statement not in astray))]
        all_units += [Unit((statement,)) for statement in astray]
    return [unit for unit in all_units if unit.ends and all(is_early(end) for _statement, end in unit.ends)], all_units


def _unit_sort_key(unit: Unit) -> tuple[int, int, str]:
    """Return the sort key of units: day of arrest, day of release, record id."""
    begin_day = BEFORE_ALL_DAYS if unit.arrest_day is None else unit.arrest_day.lo
    return begin_day, min((day.lo for day in unit.days), default=AFTER_ALL_DAYS), unit.root.id


def _cut_units(units: Sequence[Unit], *, independent_only: bool) -> list[Spell]:
    """Cut at the earliest arrest that follows an end. A unit with days on both sides of a cut stays in both pools until
    `_place_units` chooses one."""
    pools = [Spell(independent_only)]
    for unit in sorted(units, key=_unit_sort_key):
        start = unit.arrest_day
        if start is not None and pools[-1].has_ended_by(start):
            reaching = [
                earlier for earlier in pools[-1].units if _may_reach(earlier, start, independent_only=independent_only)
            ]
            pools.append(Spell(independent_only, start, reaching))
        pools[-1].units.append(unit)
    return _place_units(pools)


def _find_ends(unit: Unit, *, independent_only: bool) -> list[tuple[Statement, PartialDate]]:
    """Return the ends that cut and place a unit: among independent sources' reports only theirs."""
    return unit.independent_ends if independent_only else unit.ends


def _has_ended_by(unit: Unit, start: PartialDate, *, independent_only: bool) -> bool:
    """Return whether the unit's detention had ended before one that began on `start`. An end on that very day counts if
    the unit's own arrest precedes it."""
    for statement, end in _find_ends(unit, independent_only=independent_only):
        began = unit.arrest_day or statement.arrest_day
        if end.hi < start.lo or (end.hi == start.lo and began is not None and began.hi < start.lo):
            return True
    return False


def _may_reach(unit: Unit, start: PartialDate, *, independent_only: bool) -> bool:
    """Return whether a unit of an earlier spell may also belong to the spell that begins on `start`."""
    if _has_ended_by(unit, start, independent_only=independent_only):
        return False
    days = [end for _statement, end in _find_ends(unit, independent_only=independent_only)] or unit.days
    if days:
        return any(day.hi > start.lo for day in days)
    return unit.arrest_day is None and (unit.position is None or unit.position.hi >= start.lo)


def _is_released_after(unit: Unit, start: PartialDate | None) -> bool:
    """Return whether every release of the unit follows an arrest on `start`, so that the unit belongs to no earlier
    spell."""
    return start is not None and bool(unit.days) and all(day.lo > start.hi for day in unit.days)


def _place_units(pools: list[Spell]) -> list[Spell]:
    """Put every unit into one spell: first the units of one pool; then, based on these, the units of several."""
    homes: dict[int, list[int]] = {}
    units = {unit.root.record: unit for pool in pools for unit in pool.units}
    for number, pool in enumerate(pools):
        for unit in pool.units:
            pool_numbers = homes.setdefault(unit.root.record, [])
            homes[unit.root.record] = [number] if _is_released_after(unit, pool.cut_day) else [*pool_numbers, number]
    certain = [Spell(pool.is_independent, pool.cut_day) for pool in pools]
    for record, numbers in homes.items():
        if len(numbers) == 1:
            certain[numbers[0]].units.append(units[record])
    placed_spells = [Spell(spell.is_independent, spell.cut_day, list(spell.units)) for spell in certain]
    for record, numbers in homes.items():
        if len(numbers) > 1:
            placed_spells[_find_best_spell(units[record], certain, numbers)].units.append(units[record])
    return [spell for spell in placed_spells if spell.units]


def _find_best_spell(unit: Unit, spells: Sequence[Spell], numbers: Sequence[int]) -> int:
    """Return the number, among `numbers`, of the unit's best spell, based on the units in `spells`: the spell with its
    day of release, then with its day of arrest, then the last that began by its day. A unit without a day belongs to
    the earliest."""

    def distance(number: int) -> tuple[bool, bool, int]:
        spell = spells[number]
        has_other_release = bool(unit.days) and not _has_same_release(unit, spell)
        has_same_arrest = unit.arrest_day is None or any(start.overlaps(unit.arrest_day) for start in spell.arrest_days)
        return (
            has_other_release,
            not has_same_arrest,
            -number if _find_placing_day(unit) and _has_begun_by(spell, unit) else number,
        )

    return min(numbers, key=distance, default=0)


def _has_same_release(unit: Unit, spell: Spell) -> bool:
    """Return whether spell and unit share a day of release. A release before the unit's own arrest belongs to another
    spell."""
    possible_days = [day for day in spell.days if unit.arrest_day is None or day.hi >= unit.arrest_day.lo]
    return any(day.overlaps(unit_day) for day in possible_days for unit_day in unit.days)


def _find_placing_day(unit: Unit) -> PartialDate | None:
    """Return the day that places a unit if no spell has its day of release or arrest."""
    return min(unit.days, key=lambda day: (day.hi, day.lo), default=unit.position or unit.arrest_day)


def _has_begun_by(spell: Spell, unit: Unit) -> bool:
    """Return whether the spell had begun by the unit's day. A release on the day of an arrest precedes the arrest."""
    day = _find_placing_day(unit)
    if spell.begin_day is None or day is None:
        return True
    return spell.begin_day.lo < day.hi or (not unit.days and spell.begin_day.lo == day.hi)


def _find_fitting_spells(unit: Unit, spells: Sequence[Spell]) -> list[int]:
    return [number for number in range(len(spells)) if _fits(unit, spells, number)]


def _fits(unit: Unit, spells: Sequence[Spell], number: int) -> bool:
    """Return whether a unit that is not independent, or was withdrawn, may belong to a spell: its arrest does not
    follow the spell's end, and its release neither precedes the beginning of the spell nor follows that of a later
    spell of an independent source."""
    spell = spells[number]
    if _has_same_release(unit, spell):
        return True
    if unit.arrest_day is not None and spell.has_ended_by(unit.arrest_day):
        return False
    if any(later.is_independent and _is_released_after(unit, later.begin_day) for later in spells[number + 1 :]):
        return False
    cut_day = spell.cut_day
    return cut_day is None or not unit.ends or any(end.hi >= cut_day.lo for _statement, end in unit.ends)


def _count_ended_before(unit: Unit, spells: Sequence[Spell]) -> int:
    """Return the number of spells that had ended before the unit's arrest, or before its release if it has no
    arrest."""
    days = unit.days or [end for _statement, end in unit.ends]
    day = unit.arrest_day or min(days, key=lambda day: (day.hi, day.lo))
    return max((number for number, spell in enumerate(spells, 1) if spell.has_ended_by(day)), default=0)
