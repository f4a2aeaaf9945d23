"""Divide the reports of one person into detentions (rules 4 and 10 of docs/counting-rules.md).

Only dates that organisations give divide. Then each report joins one detention: by the report it points at, otherwise
by its own dates. Governments' reports join a detention that they fit; the others are divided among themselves. The
order of arrival changes nothing.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

from app.dates import PartialDate
from app.projection.statements import ASSERTIONS, Statement

Choice = tuple[int, int]  # the first and the last detention that a date fits, as indexes


@dataclass(frozen=True)
class Unit:
    """Reports that pointers tie together, so that they belong to one detention. `members`: the root first."""

    members: tuple[Statement, ...]

    @cached_property
    def is_organisation(self) -> bool:
        return any(member.source.independent and not member.is_retracted for member in self.members)

    @cached_property
    def placing_members(self) -> list[Statement]:
        """The members whose dates place the unit, the deciding one first.

        Governments' dates place no report of an organisation that gives a date, and retracted reports place only what
        nothing else places.
        """
        return sorted(self.members, key=lambda member: (not member.source.independent, member.is_retracted))


@dataclass(frozen=True)
class Detention:
    """The reports of one detention. `begin`: the arrest that divides it from the previous one; None for the first."""

    statements: list[Statement]
    begin: PartialDate | None = None


def divide_into_detentions(statements: Sequence[Statement]) -> list[Detention]:
    """Return the detentions of a person, the earliest first. Every statement is in exactly one."""
    if len(statements) == 1:  # the most frequent case
        return [Detention(list(statements))]
    units = build_units(statements)
    organisations = [unit for unit in units if unit.is_organisation]
    if not any(s.source.independent and s.verdict in ASSERTIONS for s in statements):
        return _build_detentions(_divide(units, statements))
    detentions = _divide(organisations, [s for s in statements if s.source.independent])
    apart = []
    for unit in units:
        if not unit.is_organisation:
            index = _find_fitting(unit, detentions)
            if index is None:
                apart.append(unit)
            else:
                detentions[index].units.append(unit)
    official = _divide(apart, [member for unit in apart for member in unit.members]) if apart else []
    return _build_detentions(_merge_in_order(detentions, official))


@dataclass(frozen=True)
class _Group:
    """The units of one detention, and the arrest that divides it from the previous one."""

    begin: PartialDate | None
    units: list[Unit]

    @property
    def members(self) -> list[Statement]:
        return [member for unit in self.units for member in unit.members]


def _build_detentions(groups: Sequence[_Group]) -> list[Detention]:
    return [Detention(group.members, group.begin) for group in groups]


def _divide(units: Sequence[Unit], dividing: Iterable[Statement]) -> list[_Group]:
    """Return the units of each detention, without empty detentions. `dividing`: the statements whose dates divide."""
    groups = [_Group(begin, []) for begin in (None, *find_rearrests(dividing))]
    asserting = [unit for unit in units if any(member.verdict in ASSERTIONS for member in unit.members)]
    _place(asserting, groups)
    groups = [group for group in groups if group.units] or groups[:1]
    _place([unit for unit in units if unit not in asserting], groups)
    return groups


def _place(units: Sequence[Unit], groups: Sequence[_Group]) -> None:
    """Put each unit into the group in which its dates place it; the undated ones last."""
    begins = [group.begin for group in groups[1:] if group.begin is not None]
    undated = []
    for unit in units:
        index = _place_by_dates(unit, begins)
        if index is None:
            undated.append(unit)
        else:
            groups[index].units.append(unit)
    with_release = [group for group in groups if any(map(_asserts_release, group.units))]
    for unit in undated:
        has_release = any(member.has_release for member in unit.members)
        (with_release[-1] if has_release and with_release else groups[-1]).units.append(unit)


def find_rearrests(statements: Iterable[Statement]) -> list[PartialDate]:
    """Return the dates of the arrests that begin a second or later detention (rule 4)."""
    standing = [statement for statement in statements if statement.verdict in ASSERTIONS]
    arrests = sorted(
        {day for statement in standing if (day := _find_arrest(statement))}, key=lambda day: (day.lo, day.hi)
    )
    if len(arrests) == 0:
        return []
    releases = [day for statement in standing if statement.asserts_release and (day := statement.release_day)]
    shown = [*arrests, *(day for statement in standing if (day := statement.sighting))]
    cuts: list[PartialDate] = []
    for arrest in arrests:
        ends = [day for day in releases if day.hi <= arrest.lo and (not cuts or day.lo > cuts[-1].lo)]
        inside = [day for day in shown if day.hi < arrest.lo and (not cuts or day.lo >= cuts[-1].lo)]
        if any(day.hi <= end.lo for end in ends for day in inside):
            cuts.append(arrest)
    return cuts


def _find_arrest(statement: Statement) -> PartialDate | None:
    """Return the arrest that a statement reports. A denial divides and dates nothing."""
    return statement.arrest_day if statement.verdict in ASSERTIONS else None


def _asserts_release(unit: Unit) -> bool:
    return any(member.source.independent and member.asserts_release for member in unit.members)


def _place_by_dates(unit: Unit, cuts: Sequence[PartialDate]) -> int | None:
    """Return the index of the detention in which the dates place a unit; None without a date."""
    for member in unit.placing_members:
        choices = _find_choices(member, cuts)
        if choices:
            first, last = choices[0]
            # A date that fits several detentions is placed by the next date, without one in the earliest of them.
            return next((low for low, high in choices[1:] if first <= low == high <= last), first)
    return None


def _find_choices(statement: Statement, cuts: Sequence[PartialDate]) -> list[Choice]:
    """Return the detentions that each date of a report fits, the deciding date first.

    On the day of a new arrest, a release belongs to the earlier detention, everything else to the new one.
    """
    begins = [cut.lo for cut in cuts]
    leaving = [statement.release_day, statement.other_end]
    choices = [(bisect_left(begins, day.lo), bisect_left(begins, day.hi)) for day in leaving if day is not None]
    staying = [statement.arrest_day, statement.sighting, *statement.earlier_stage_days]
    return choices + [
        (bisect_right(begins, day.lo), bisect_right(begins, day.hi)) for day in staying if day is not None
    ]


def _find_fitting(unit: Unit, groups: Sequence[_Group]) -> int | None:
    """Return the index of the organisations' detention that a government's unit fits; None if it fits none.

    The detention in which its dates place it goes first, then the earliest.
    """
    place = _place_by_dates(unit, [group.begin for group in groups if group.begin is not None])
    numbers = range(len(groups))
    first = len(groups) - 1 if place is None else min(place, len(groups) - 1)
    return next((number for number in (first, *numbers) if _fits(unit, groups[number])), None)


def _fits(unit: Unit, group: _Group) -> bool:
    """Return whether a government's release is not wholly before the begin, and its arrest not wholly after the end."""
    members = [member for member in group.members if member.source.independent]
    begin = min((day.lo for member in members if (day := _find_arrest(member))), default=None)
    end = max((day.hi for member in members if member.asserts_release and (day := member.release_day)), default=None)
    releases = [day for member in unit.members if (day := member.release_day) is not None]
    arrests = [day for member in unit.members if (day := member.arrest_day) is not None]
    leaves_before = begin is not None and any(day.hi < begin for day in releases)
    arrives_after = end is not None and any(day.lo > end for day in arrests)
    return not leaves_before and not arrives_after


def _merge_in_order(groups: Sequence[_Group], official: Sequence[_Group]) -> list[_Group]:
    """Return organisations' and governments' detentions together, by their earliest dates; undated ones last."""
    merged = list(groups)
    for group in official:
        day = _find_earliest_day(group)
        index = next((n for n, other in enumerate(merged) if _find_earliest_day(other) > day), len(merged))
        merged.insert(index, group)
    return merged


def _find_earliest_day(group: _Group) -> float:
    return min((day.lo for member in group.members for day in member.all_dates), default=float("inf"))


def build_units(statements: Iterable[Statement]) -> list[Unit]:
    """Group the statements of one person by the report at which their pointers end."""
    by_record = {statement.record: statement for statement in statements}
    members: dict[int, list[Statement]] = {}
    for record, root in find_pointer_roots(by_record).items():
        members.setdefault(root, []).append(by_record[record])
    return [
        Unit((by_record[root], *sorted((m for m in group if m.record != root), key=lambda member: member.id)))
        for root, group in members.items()
    ]


def find_pointer_roots(by_record: dict[int, Statement]) -> dict[int, int]:
    """Return a dict of record → the record at which its chain of pointers ends, itself without a pointer.

    A pointer at a report of another person (after an undo) is void. The root of a cycle is its record with the lowest
    id.
    """
    roots: dict[int, int] = {}
    for start in by_record:
        path: dict[int, None] = {}
        current = start
        while current not in roots and current not in path and by_record[current].pointer in by_record:
            path[current] = None
            current = cast(int, by_record[current].pointer)
        root = roots.get(current, current)
        if current in path:
            steps = list(path)
            root = min(steps[steps.index(current) :], key=lambda record: by_record[record].id)
        roots |= dict.fromkeys((*path, current), root)
    return roots
