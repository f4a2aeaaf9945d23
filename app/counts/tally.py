"""Counts: a pure function of terms, reader and revision, computed in SQL over the rows of that revision."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Row, Select, and_, case, distinct, exists, func, literal, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.counts import buckets
from app.counts.cells import MOST_CELLS, refuse_too_many, too_many
from app.counts.list_addresses import WITHHELD
from app.counts.list_addresses import address as list_address
from app.counts.shapes import Group, Groups, TalliedCount
from app.counts.unresolved_duplicates import unresolved_duplicates
from app.log.entries import Pin, pin, redactions_since
from app.models import Source, SourceTrait, Trait
from app.reading import terms as wording
from app.reading.countables import Countable, countable_of
from app.reading.dimensions import DIMENSIONS, PERSONAL, RELEASES, DimensionValue
from app.reading.selection import ASSERTED, COUNTING, CountedTables, Selection, with_facility_slug
from app.reading.terms import EchoedTerms, SourcedTerms, is_personal
from app.reading.traits import partly_hidden, trait_of
from app.reading.visibility import at, hidden_trait
from app.reading.windows import GROUPED, day_of
from app.registry.read_permissions import Reader
from app.vocabulary import ReleaseStatus, Verdict
from app.wire.counts import Asides, HeldTotal, NotHeard, Numbers, PartlyHidden, SourceNumbers, Total

MULTIPLE = frozenset(name for name, of in DIMENSIONS.items() if of.several)

# One for each dimension, since a count may be grouped by several.
_TRAITS: dict[str, Any] = {name: aliased(Trait) for name in PERSONAL}
_OWN_TRAITS: dict[str, Any] = {name: aliased(SourceTrait) for name in PERSONAL}

Key = tuple[Any, ...]


@dataclass(frozen=True)
class GroupColumn:
    """A dimension's value in SQL, and the table to join for it, where it stands in none of the selection."""

    value: Any
    joined: Any = None
    of_row: Any = None  # which rows of that table


@dataclass(frozen=True)
class Counting:
    """A count under way: its terms, the terms as they are echoed, its reader, and its revision."""

    countable: Countable
    terms: SourcedTerms
    echoed: EchoedTerms
    reader: Reader
    as_of: Pin

    @property
    def revision(self) -> int:
        return self.as_of.revision

    def select(self, session: Session, *, by_source: bool = False) -> Selection:
        return self.countable.select(session, self.terms, self.reader, self.revision, by_source=by_source)

    def listed(self, named: Mapping[str, DimensionValue]) -> str | None:
        """The address of the list behind one group; without a name, of the list behind the total."""
        return list_address(self.countable, self.echoed, named, self.as_of)


def count(session: Session, terms: SourcedTerms, reader: Reader, revision: int) -> TalliedCount:
    """Totals and groups in the shape of `GET /v1/counts/…`, before they are cited. Terms of the held name a day, unless
    at revision 0, where there is nobody."""
    countable, terms = countable_of(terms), with_facility_slug(session, terms)
    counting = Counting(countable, terms, wording.echo(terms), reader, pin(session, revision))
    dimensions = wording.values_of(counting.echoed, "group_by")
    refuse_too_many(terms, dimensions)
    selection = counting.select(session)
    groups: Groups = {}
    if dimensions:
        groups["groups"] = _groups(session, counting, dimensions)
    not_heard: NotHeard = {}
    for name, among in countable.beside.items():
        not_heard[name] = scalar(session, selection, func.count(), and_(selection.inside, among(terms)))
    withheld = and_(selection.inside, selection.tables.together.withheld.is_(True))
    return {
        "terms": counting.echoed,
        "total": _total(session, selection, countable.noun),
        **groups,
        **_asides(session, counting, dimensions),
        "uncertain_date": scalar(session, selection, func.count(), selection.uncertain),
        "unresolved_duplicates": unresolved_duplicates(session, selection, revision),
        "withheld": scalar(session, selection, func.count(distinct(selection.columns.detainee)), withheld),
        "list": counting.listed({}),
        **not_heard,
        "permalink": wording.link(countable.counted, counting.echoed, counting.as_of),
    }


def _asides(session: Session, counting: Counting, dimensions: Sequence[str]) -> Asides:
    """Whether groups overlap, and what bears on a count with a personal term: later erasures, and hidden values."""
    asides: Asides = {}
    if MULTIPLE & set(dimensions):
        asides["adds_up"] = False
    hidden = not_visible(session, counting.terms, counting.reader, counting.revision)
    if hidden and (redactions := redactions_since(session, counting.revision)):
        asides["redactions_since"] = redactions
    return {**asides, **hidden}


def scalar(session: Session, selection: Selection, what: Any, where: Any) -> int:
    """One number over the counting rows of a selection."""
    counting = selection.tables.together.status.in_(COUNTING)
    return int(session.execute(selection.rows(what).where(where, counting)).scalar_one())


def not_visible(session: Session, terms: SourcedTerms, reader: Reader, revision: int) -> PartlyHidden:
    """How many more match the terms as far as their class opens them, while a personal term may not be asked of them;
    nothing for an answer without a personal term. Neither a hidden value nor whether there is one is read."""
    if not is_personal(terms):
        return {}
    selection = countable_of(terms).select(session, terms.public(), reader, revision)
    unseen = partly_hidden(selection.columns, terms, reader, revision)
    number = 0 if unseen is None else scalar(session, selection, func.count(), and_(selection.inside, unseen))
    return {"not_visible": number}


def _total(session: Session, selection: Selection, noun: str) -> Total | HeldTotal:
    by = _by(selection)
    rows = session.execute(selection.rows(*by, func.count()).where(selection.inside).group_by(*by)).all()
    people = scalar(session, selection, func.count(distinct(selection.columns.detainee)), selection.inside)
    return _totals([tuple(row) for row in rows], people, noun)


def _by(selection: Selection) -> tuple[Any, Any, Any]:
    """The columns that divide a total: status, number of independent verifications, and whether the person may only be
    counted."""
    standing = selection.tables.together
    return standing.status, standing.independent_verified, standing.withheld


def _totals(rows: list[tuple[Any, ...]], people: int, noun: str) -> Total | HeldTotal:
    """A total from rows of `_by` and a number."""
    by_status: dict[str, int] = defaultdict(int)
    by_sources: dict[int, int] = defaultdict(int)
    counted_apart = 0
    for status, sources, apart, number in rows:
        by_status[status] += number
        if status in COUNTING:
            by_sources[sources] += number
            counted_apart += number if apart else 0
    most = max(by_sources, default=0)
    at_least = {str(k): sum(n for s, n in by_sources.items() if s >= k) for k in range(1, most + 1)}
    numbers: Numbers = {
        "people": people,
        "verified": by_status[ReleaseStatus.VERIFIED],
        "contested": by_status[ReleaseStatus.CONTESTED],
        "reported": by_status[ReleaseStatus.REPORTED],
        "refuted": by_status[ReleaseStatus.REFUTED],
        "by_min_sources": at_least,
        "counted_apart": counted_apart,
    }
    if noun == RELEASES:
        return {"releases": number_of(numbers), **numbers}
    return {"detentions": number_of(numbers), **numbers}


def number_of(numbers: Numbers) -> int:
    """What a total counts: releases or detentions of every status that counts."""
    return numbers["verified"] + numbers["contested"] + numbers["reported"]


def _groups(session: Session, counting: Counting, names: Sequence[str]) -> list[Group]:
    by_source = "source" in names
    selection = counting.select(session, by_source=by_source)
    dimensions = [_group_column(name, selection, counting.reader, counting.revision) for name in names]
    numbers_by_key: Mapping[Key, SourceNumbers | Total | HeldTotal] = (
        _source_groups(session, selection, dimensions, counting.revision)
        if by_source
        else _total_groups(session, selection, dimensions, counting)
    )
    slugs = dict(session.execute(select(col(Source.key), col(Source.slug))).all())
    groups = [
        ({name: _wire(name, value, slugs) for name, value in zip(names, key, strict=True)}, numbers)
        for key, numbers in numbers_by_key.items()
    ]
    groups.sort(key=lambda group: [_order(value) for value in group[0].values()])
    # The names of the dimensions are data (DIMENSIONS), so that no type checker knows which of them a group has.
    return [cast(Group, {**named, **numbers, "list": counting.listed(named)}) for named, numbers in groups]


def _order(value: DimensionValue) -> tuple[int, Any]:
    """By value, the withheld and the unknown last."""
    return (2, "") if value is None else (1, "") if value == WITHHELD else (0, value)


def _group_column(name: str, selection: Selection, reader: Reader, revision: int) -> GroupColumn:
    """One dimension of the groups, read from the selection."""
    columns, together = selection.columns, selection.tables.together
    dimension = DIMENSIONS[name]
    if dimension.of_day is not None:
        window, unit = dimension.of_day
        day = day_of(window, columns, revision, own=selection.own, arrests=GROUPED)
        return GroupColumn(buckets.bucket_number(day.lo, day.hi, unit), day.table, day.of_row)
    if dimension.personal:
        trait, of_row = trait_of(_TRAITS[name], _OWN_TRAITS[name], columns, name, revision)
        unseen = hidden_trait(reader, columns.detainee, name, revision)
        value = trait.value if unseen is None else case((unseen, literal(WITHHELD)), else_=trait.value)
        return GroupColumn(value, trait, of_row)
    plain = {"status": together.status, "sources": together.independent_verified}
    return GroupColumn(plain.get(name, getattr(columns, name, None)))


def _grouped(
    selection: Selection, dimensions: Sequence[GroupColumn], *columns: Any, by: Sequence[Any] = ()
) -> Select[Any]:
    """A SELECT of the dimensions, `by` and `columns`, grouped by the first two."""
    labelled = [dimension.value.label(f"d{number}") for number, dimension in enumerate(dimensions)]
    statement = selection.rows(*labelled, *by, *columns)
    for dimension in dimensions:
        if dimension.joined is not None:
            statement = statement.outerjoin(dimension.joined, dimension.of_row)
    return statement.group_by(*labelled, *by)


def _cells(session: Session, statement: Select[Any]) -> Sequence[Row[Any]]:
    """The rows of groups. Raises Invalid for more than MOST_CELLS."""
    rows = session.execute(statement.limit(MOST_CELLS + 1)).all()
    if len(rows) > MOST_CELLS:
        raise too_many()
    return rows


def _total_groups(
    session: Session, selection: Selection, dimensions: Sequence[GroupColumn], counting: Counting
) -> dict[Key, Total | HeldTotal]:
    """Groups with the keys of a total."""
    wide = len(dimensions)
    releases = func.count(distinct(selection.columns.spell))
    together = selection.tables.together
    rows_by_key: dict[Key, list[tuple[Any, ...]]] = defaultdict(list)
    # A row without a status stands in no total, and makes no group.
    inside = and_(selection.inside, together.status.is_not(None))
    for row in _cells(session, _grouped(selection, dimensions, releases, by=_by(selection)).where(inside)):
        rows_by_key[tuple(row[:wide])].append(tuple(row[wide:]))
    people = _grouped(selection, dimensions, func.count(distinct(selection.columns.detainee)))
    people = people.where(selection.inside, together.status.in_(COUNTING))
    behind = {tuple(row[:wide]): row[wide] for row in _cells(session, people)}
    return {key: _totals(rows, behind.get(key, 0), counting.countable.noun) for key, rows in rows_by_key.items()}


def _source_groups(
    session: Session, selection: Selection, dimensions: Sequence[GroupColumn], revision: int
) -> dict[Key, SourceNumbers]:
    """Groups by source: that source's own verdicts, dates and kinds."""
    wide = len(dimensions)
    groups: dict[Key, Counter[str]] = defaultdict(Counter)
    releases = func.count(distinct(selection.columns.spell))

    def add(name: str | None, statement: Select[Any]) -> None:
        for row in _cells(session, statement):
            groups[tuple(row[:wide])][name or row[wide]] = row[-1]

    verdict = selection.tables.by_source.verdict
    verified = and_(selection.inside, verdict == Verdict.VERIFIED)
    asserted = and_(selection.uncertain, verdict.in_(ASSERTED))
    by_verdict = _grouped(selection, dimensions, releases, by=(verdict,))
    plain = _grouped(selection, dimensions, releases)
    people = _grouped(selection, dimensions, func.count(distinct(selection.columns.detainee)))
    add(None, by_verdict.where(selection.inside))
    add("people", people.where(verified))
    add("uncertain_date", plain.where(asserted))
    add("only_this_source", plain.where(verified, _alone(selection.tables, revision)))
    return {
        key: {
            "verified": numbers["verified"],
            "reported": numbers["reported"],
            "disputed": numbers["disputed"],
            "refuted": numbers["refuted"],
            "retracted": numbers["retracted"],
            "uncertain_date": numbers["uncertain_date"],
            "only_this_source": numbers["only_this_source"],
            "people": numbers["people"],
        }
        for key, numbers in groups.items()
    }


def _alone(tables: CountedTables, revision: int) -> Any:
    """Whether no other source verified the same of its own knowledge: copies confirm nothing."""
    other = tables.other_source
    return ~exists(
        select(1).where(
            tables.of_same_thing(other),
            other.source != tables.by_source.source,
            other.verdict == Verdict.VERIFIED,
            other.independent.is_(True),
            at(other, revision),
        )
    )


def _wire(name: str, value: Any, slugs: Mapping[int, str]) -> DimensionValue:
    """A dimension's value as clients read it."""
    if of_day := DIMENSIONS[name].of_day:
        return buckets.bucket_text(value, of_day[1])
    return slugs[value] if name == "source" else value
