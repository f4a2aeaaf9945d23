"""List which public counts a change of the counting rules moved, by how much, and by which rule.

The list compares the rows of one revision before and after they are made anew. It has only numbers that anyone could
count before and after: releases by country, month and status, verified releases by source, and people held on the
first day of each month by country. Each release or detention that entered or left a number is attributed to one rule
of docs/counting-rules.md, by what changed in its row; the first of these applies:

- rule 4: the person's detentions were merged or divided;
- rule 10: the person has as many releases as before, in other detentions;
- rule 1: there is a release only before or only after;
- rule 2: the status became or was `official_only`;
- rule 8: the status changed, and so did the sources that verify first-hand;
- rule 2: the status changed otherwise;
- rule 5: the date changed;
- rule 19: the country changed;
- rule 9: a source's verification is not first-hand, which moves its own number alone;
- rule 3: a source's verdict changed, which moves its own number alone;
- rule 7: the days in custody changed, and nothing above did.

The status and the country of a detention are compared likewise.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from itertools import accumulate
from typing import Any, NamedTuple

from pydantic import BaseModel
from sqlmodel import Session

from app.columns import table
from app.columns.loader import Columns
from app.columns.rows import NULL
from app.columns.table import PERSON_COLUMN, TableSpec
from app.counts.tally import load_slugs_by_key
from app.dates import subtract_years
from app.queries.selection.rows import COUNTABLE_STATUSES
from app.queries.terms import DEFAULT_HELD_WITHIN
from app.vocabulary import ReleaseStatus, Stage, Verdict

FIRST_RULES_WITH_HELD_WITHIN = 6
NO_RULE = 0  # of a release that did not change
PUBLIC_STATUSES = (*COUNTABLE_STATUSES, ReleaseStatus.OFFICIAL_ONLY.value, ReleaseStatus.REFUTED.value)


class CountMeasure(StrEnum):
    """What a moved number counts."""

    RELEASES = "releases"
    VERIFIED = "verified_by_source"
    HELD = "held"


class Cell(NamedTuple):
    """One public number, by its terms. `day`: the day on which people are held."""

    measure: CountMeasure
    country: str | None = None
    month: str | None = None
    status: str | None = None
    source: str | None = None
    day: str | None = None


class RuleShare(BaseModel):
    """How many releases or detentions a rule added to a number, and removed from it."""

    added: int = 0
    removed: int = 0


class MovedCount(BaseModel):
    """A number that moved, with its terms."""

    measure: CountMeasure
    country: str | None
    month: str | None
    status: str | None
    source: str | None
    day: str | None
    before: int
    after: int
    by_rule: dict[int, RuleShare]


class MovedCounts(BaseModel):
    """The numbers that a change of rules moved at a revision."""

    rules_before: int
    rules_after: int
    revision: int
    leaf_hash: str
    moved: list[MovedCount]


class CountedRelease(NamedTuple):
    """A release that was carried out. `lo`, `hi`: its first and last possible day."""

    person: int
    country: str | None
    lo: int
    hi: int
    status: str | None

    @property
    def cells(self) -> set[Cell]:
        """The number that counts it, if one does. Its month is None if the date is not within one month."""
        if self.status not in PUBLIC_STATUSES:
            return set()
        first, last = (None if day == NULL else date.fromordinal(day).isoformat()[:7] for day in (self.lo, self.hi))
        return {Cell(CountMeasure.RELEASES, self.country, first if first == last else None, self.status)}


class CountedDetention(NamedTuple):
    """A detention with the months, counted from the year 0, on whose first day it is counted."""

    country: str | None
    status: str | None
    months: range

    @property
    def cells(self) -> set[Cell]:
        return {_build_held_cell(self.country, month) for month in self.months}


@dataclass
class CountedRows:
    """What counts read at a revision, by the key of the detention.

    `verifications`: by detention and source, whether the source verifies first-hand. `detentions_by_person`: the keys
    of each person's detentions.
    """

    releases: dict[int, CountedRelease] = field(default_factory=dict)
    verifications: dict[int, dict[int, bool]] = field(default_factory=lambda: defaultdict(dict))
    detentions: dict[int, CountedDetention] = field(default_factory=dict)
    detentions_by_person: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))

    def find_first_hand_sources(self, detention: int) -> set[int]:
        return {source for source, is_first_hand in self.verifications.get(detention, {}).items() if is_first_hand}

    def count_cells(self, slugs: Mapping[int, str]) -> Counter[Cell]:
        """Return every number."""
        counter = Counter(cell for release in self.releases.values() for cell in release.cells)
        counter.update(
            Cell(CountMeasure.VERIFIED, source=slugs[source])
            for sources in self.verifications.values()
            for source in sources
        )
        changes: dict[str | None, Counter[int]] = defaultdict(Counter)
        for detention in self.detentions.values():
            if detention.months:
                changes[detention.country].update({detention.months.start: 1})
                changes[detention.country].subtract({detention.months.stop: 1})
        for country, change in changes.items():
            months = range(min(change), max(change))
            for month, number in zip(months, accumulate(change[month] for month in months), strict=True):
                counter[_build_held_cell(country, month)] = number
        return counter


def _build_held_cell(country: str | None, month: int) -> Cell:
    return Cell(CountMeasure.HELD, country, day=f"{month // 12:04}-{month % 12 + 1:02}-01")


def build_counted_rows(columns: Columns, last_day: date) -> CountedRows:
    """Return what counts read at the head. `last_day`: the last day on which people held are counted."""
    rows, text = CountedRows(), columns.codes.text
    at_stage = ("stage", Stage.CARRIED_OUT.value)
    for spell, person, country, lo, hi, status in _iterate(
        columns, table.RELEASES, ("country", "lo", "hi", "status"), at_stage
    ):
        rows.releases[spell] = CountedRelease(person, text(country), lo, hi, text(status))
    for spell, _person, source, verdict, independent, status in _iterate(
        columns, table.SOURCE_RELEASES, ("source", "verdict", "independent", "status"), at_stage
    ):
        # Rows of earlier rules have no status of their own.
        if (text(status) or text(verdict)) == Verdict.VERIFIED and spell in rows.releases:
            rows.verifications[spell][source] = independent
    has_held_within = columns.version.rules >= FIRST_RULES_WITH_HELD_WITHIN
    for spell, _person, country, status, hi, out_lo, out_hi, next_hi, heard_hi in _iterate(
        columns, table.DETENTION_STATES, ("country", "status", "hi", "out_lo", "out_hi", "next_hi", "heard_hi")
    ):
        bounds = [last_day.toordinal(), out_lo, out_hi, *([] if next_hi == NULL else [next_hi - 1])]
        if has_held_within and heard_hi != NULL:
            bounds.append(subtract_years(heard_hi, -DEFAULT_HELD_WITHIN))
        last = min(bounds)
        is_counted = text(status) in COUNTABLE_STATUSES and NULL != hi <= last
        months = range(_count_months(hi - 1) + 1, _count_months(last) + 1) if is_counted else range(0)
        rows.detentions[spell] = CountedDetention(text(country), text(status), months)
    for spell, person in _iterate(columns, table.ARRESTS, ()):
        rows.detentions_by_person[person].add(spell)
    return rows


def _count_months(day: int) -> int:
    """Return the month of a day, counted from the year 0; that of the first day for days before it."""
    moment = date.fromordinal(max(day, 1))
    return moment.year * 12 + moment.month - 1


def _iterate(
    columns: Columns, spec: TableSpec, names: tuple[str, ...], column_filter: tuple[str, str] | None = None
) -> Iterator[tuple[Any, ...]]:
    """Yield the detention, the person and other values of each row that holds at the head."""
    rows = columns.rows(spec, columns.head, column_filter)
    yield from zip(*(rows[name].tolist() for name in ("spell", PERSON_COLUMN, *names)), strict=True)


def list_moved_counts(session: Session, before: CountedRows, after: CountedRows) -> list[MovedCount]:
    """Return the numbers that moved, with the rules that moved them."""
    slugs = load_slugs_by_key(session)
    shares: dict[Cell, dict[int, RuleShare]] = defaultdict(lambda: defaultdict(RuleShare))

    def move(old_cells: set[Cell], new_cells: set[Cell], rule: int) -> None:
        for cell in old_cells - new_cells:
            shares[cell][rule].removed += 1
        for cell in new_cells - old_cells:
            shares[cell][rule].added += 1

    rules = _find_rules(before, after)
    for detention in before.releases.keys() | after.releases.keys():
        old_cells, new_cells = (_list_cells(rows.releases.get(detention)) for rows in (before, after))
        move(old_cells, new_cells, rules.get(detention, NO_RULE))
        old_sources, new_sources = (rows.verifications.get(detention, {}) for rows in (before, after))
        is_voice = detention in before.releases and detention in after.releases and rules.get(detention) != 4
        for source in old_sources.keys() ^ new_sources.keys():
            own_rule = 3 if old_sources.get(source, True) else 9
            cells, no_cells = {Cell(CountMeasure.VERIFIED, source=slugs[source])}, set[Cell]()
            old_cells, new_cells = (cells, no_cells) if source in old_sources else (no_cells, cells)
            move(old_cells, new_cells, own_rule if is_voice else rules.get(detention, own_rule))
    for detention in before.detentions.keys() | after.detentions.keys():
        old_held, new_held = before.detentions.get(detention), after.detentions.get(detention)
        if old_held != new_held:
            move(
                _list_cells(old_held),
                _list_cells(new_held),
                rules.get(detention) or _find_held_rule(old_held, new_held),
            )
    old_numbers, new_numbers = before.count_cells(slugs), after.count_cells(slugs)
    return [
        MovedCount(
            **cell._asdict(), before=old_numbers[cell], after=new_numbers[cell], by_rule=dict(sorted(by_rule.items()))
        )
        for cell, by_rule in sorted(shares.items(), key=lambda item: [value or "" for value in item[0]])
        if old_numbers[cell] != new_numbers[cell]
    ]


def _list_cells(row: CountedRelease | CountedDetention | None) -> set[Cell]:
    return set() if row is None else row.cells


def _find_held_rule(old: CountedDetention | None, new: CountedDetention | None) -> int:
    """Return the rule by which a detention changed whose release did not."""
    if old is None or new is None:
        return 1
    if old.status != new.status:
        return 2
    return 7 if old.country == new.country else 19


def _find_rules(before: CountedRows, after: CountedRows) -> dict[int, int]:
    """Return the rule by which each release or detention changed, by the key of its detention."""
    rules: dict[int, int] = {}
    old_totals, new_totals = (Counter(row.person for row in rows.releases.values()) for rows in (before, after))
    for detention in before.releases.keys() | after.releases.keys():
        old, new = before.releases.get(detention), after.releases.get(detention)
        if old is None or new is None:
            (person,) = {release.person for release in (old, new) if release is not None}
            rules[detention] = 10 if old_totals[person] == new_totals[person] else 1
        elif old.status != new.status:
            is_by_voices = before.find_first_hand_sources(detention) != after.find_first_hand_sources(detention)
            is_official = ReleaseStatus.OFFICIAL_ONLY in (old.status, new.status)
            rules[detention] = 8 if is_by_voices and not is_official else 2
        elif (old.lo, old.hi) != (new.lo, new.hi):
            rules[detention] = 5
        elif old.country != new.country:
            rules[detention] = 19
    for person in before.detentions_by_person.keys() | after.detentions_by_person.keys():
        old_keys, new_keys = (rows.detentions_by_person.get(person, set()) for rows in (before, after))
        if old_keys != new_keys:
            rules |= dict.fromkeys(old_keys | new_keys, 4)
    return rules
