"""Divide the reports of one person into detentions (rules 4 and 10 of docs/counting-rules.md).

Only dates that organisations give divide. Then each report joins one detention: by the report it points at, otherwise
by its own dates. Governments' reports join a detention that they fit; the others are divided among themselves. The
order of arrival changes nothing.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from app.dates import FIRST_DAY, LAST_DAY, PartialDate
from app.projection.statements import ASSERTIONS, Statement

Choice = tuple[int, int]  # the first and the last detention that a date fits, as indexes


@dataclass(frozen=True)
class Unit:
    """Reports that pointers tie together, so that they belong to one detention. `members`: the root first."""

    members: tuple[Statement, ...]

    @property
    def is_organisation(self) -> bool:
        return self.members[0].source.independent

    @cached_property
    def placing(self) -> Statement:
        """The report whose dates place the unit: the root, or if that has no dates, the earliest that points at it.

        Only a report that asserts takes the place of the root, and no government's that of an organisation's root.
        """
        root = self.members[0]
        if root.all_dates or len(self.members) == 1:
            return root
        candidates = [
            member
            for member in self.members[1:]
            if member.verdict in ASSERTIONS
            and member.all_dates
            and (member.source.independent or not root.source.independent)
        ]
        return min(candidates, key=_rank_by_dates, default=root)


def _rank_by_dates(statement: Statement) -> tuple[tuple[int, int], list[str], str]:
    """Return the key that sorts reports by their earliest date. Reports with equal dates place alike."""
    earliest = min(((date.lo, date.hi) for date in statement.all_dates), default=(LAST_DAY, LAST_DAY))
    named = (statement.release_day, statement.other_end, statement.arrest_day, statement.sighting)
    dates = [*named, *statement.earlier_stage_days]
    return earliest, ["" if date is None else date.text for date in dates], statement.id


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
    assertions = [statement for statement in statements if statement.verdict in ASSERTIONS]
    independent_assertions = [statement for statement in assertions if statement.source.independent]
    if not independent_assertions:
        return _build_detentions(_divide(units, assertions))
    groups = _divide([unit for unit in units if unit.is_organisation], independent_assertions)
    unfitted_units: list[Unit] = []
    latest = _find_latest_release(groups, {statement.record for statement in independent_assertions})
    for unit in (unit for unit in units if not unit.is_organisation):
        group = _find_fitting(unit, groups, latest)
        (unfitted_units if group is None else group.units).append(unit)
    witnesses = [member for unit in unfitted_units for member in unit.members if member.verdict in ASSERTIONS]
    if not witnesses:  # a denial creates no detention (rule 1)
        for unit in unfitted_units:
            groups[_find_place(unit.placing, groups, latest)].units.append(unit)
        return _build_detentions(groups)
    return _build_detentions(_merge_in_order(groups, _divide(unfitted_units, witnesses)))


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


def _divide(units: Sequence[Unit], witnesses: Sequence[Statement]) -> list[_Group]:
    """Return the units of each detention. `witnesses`: the asserting statements whose dates divide.

    A cut after which no witness is placed falls away.
    """
    groups = [_Group(begin, []) for begin in (None, *find_rearrests(witnesses))]
    witness_records = {witness.record for witness in witnesses}
    asserting_units = [unit for unit in units if any(member.record in witness_records for member in unit.members)]
    _place([unit for unit in asserting_units if unit.placing.all_dates], groups, witness_records)
    _place([unit for unit in asserting_units if not unit.placing.all_dates], groups, witness_records)
    groups = [group for group in groups if group.units] or groups[:1]
    _place([unit for unit in units if unit not in asserting_units], groups, witness_records)
    return groups


def _place(units: Sequence[Unit], groups: Sequence[_Group], witness_records: Collection[int]) -> None:
    """Put each unit into its group."""
    latest = _find_latest_release(groups, witness_records)
    for unit, index in [(unit, _find_place(unit.placing, groups, latest)) for unit in units]:
        groups[index].units.append(unit)


def _find_latest_release(groups: Sequence[_Group], witness_records: Collection[int]) -> int:
    """Return the index of the latest group in which a witness asserts a release, or else of the last group."""
    with_release = [
        index
        for index, group in enumerate(groups)
        if any(member.has_release and member.record in witness_records for member in group.members)
    ]
    return max(with_release, default=len(groups) - 1)


def _find_place(statement: Statement, groups: Sequence[_Group], latest_release: int) -> int:
    """Return the index of the group in which a statement belongs."""
    choices = _find_choices(statement, [group.begin for group in groups[1:] if group.begin is not None])
    if not choices:
        return latest_release if statement.has_release else len(groups) - 1
    first, last = choices[0]
    # A date that fits several detentions is placed by the next date, without one in the earliest of them.
    return next((low for low, high in choices[1:] if first <= low == high <= last), first)


def find_rearrests(witnesses: Iterable[Statement]) -> list[PartialDate]:
    """Return the dates of the arrests that begin a second or later detention, by reports that assert (rule 4)."""
    witnesses = list(witnesses)
    arrests = sorted({day for witness in witnesses if (day := witness.arrest_day)}, key=lambda day: (day.lo, day.hi))
    if not arrests:
        return []
    releases = [day for witness in witnesses if witness.asserts_release and (day := witness.release_day)]
    days_inside = [*arrests, *(day for witness in witnesses if (day := witness.sighting))]
    cuts: list[PartialDate] = []
    for arrest in arrests:
        ends = [day for day in releases if day.hi <= arrest.lo and (not cuts or day.lo > cuts[-1].lo)]
        earlier_days = [day for day in days_inside if day.hi < arrest.lo and (not cuts or day.lo >= cuts[-1].lo)]
        if any(day.hi <= end.lo for end in ends for day in earlier_days):
            cuts.append(arrest)
    return cuts


def _find_choices(statement: Statement, cuts: Sequence[PartialDate]) -> list[Choice]:
    """Return the detentions that each date of a report fits, the deciding date first.

    On the day of a new arrest, a release belongs to the earlier detention, everything else to the new one.
    """
    begins = [cut.lo for cut in cuts]
    end_dates = [statement.release_day, statement.other_end]
    choices = [(bisect_left(begins, day.lo), bisect_left(begins, day.hi)) for day in end_dates if day is not None]
    other_dates = [statement.arrest_day, statement.sighting, *statement.earlier_stage_days]
    return choices + [
        (bisect_right(begins, day.lo), bisect_right(begins, day.hi)) for day in other_dates if day is not None
    ]


def _find_fitting(unit: Unit, groups: Sequence[_Group], latest_release: int) -> _Group | None:
    """Return the organisations' detention that a government's unit fits; None if it fits none.

    The detention in which its dates place it goes first, then the earliest.
    """
    place = _find_place(unit.placing, groups, latest_release)
    return next((group for group in (groups[place], *groups) if _fits(unit.placing, group)), None)


def _fits(statement: Statement, group: _Group) -> bool:
    """Return whether a government's release is not wholly before the begin, and its arrest not wholly after the end."""
    members = [m for m in group.members if m.source.independent and m.verdict in ASSERTIONS]
    begin = min((day.lo for member in members if (day := member.arrest_day)), default=FIRST_DAY)
    end = max(
        (day.hi for member in members if member.asserts_release and (day := member.release_day)), default=LAST_DAY
    )
    release, arrest = statement.release_day, statement.arrest_day
    return (release is None or release.hi >= begin) and (arrest is None or arrest.lo <= end)


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

    The root of a circle is its earliest dated report, one that is not retracted if there is one.
    """
    roots: dict[int, int] = {}
    targets = {record: _find_target(statement, by_record) for record, statement in by_record.items()}
    for start in by_record:
        path: dict[int, None] = {}
        current = start
        while current not in roots and current not in path and (target := targets[current]) is not None:
            path[current] = None
            current = target
        root = roots.get(current, current)
        if current in path:
            steps = list(path)
            root = min(steps[steps.index(current) :], key=lambda record: _rank_in_circle(by_record[record]))
        roots |= dict.fromkeys((*path, current), root)
    return roots


def _rank_in_circle(statement: Statement) -> tuple[bool, tuple[tuple[int, int], list[str], str]]:
    return statement.is_retracted, _rank_by_dates(statement)


def _find_target(statement: Statement, by_record: Mapping[int, Statement]) -> int | None:
    """Return the record at which a statement points.

    A pointer at a report of another person (after an undo) is void. So is an organisation's at a government's report,
    which would otherwise move the organisation's report when its own dates change.
    """
    target = by_record.get(statement.pointer) if statement.pointer is not None else None
    if target is None or (statement.source.independent and not target.source.independent):
        return None
    return target.record
