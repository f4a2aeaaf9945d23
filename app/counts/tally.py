"""Counts: a pure function of terms, reader and revision, computed in SQL over the rows of that revision."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, case, distinct, exists, func, literal, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.counts import buckets
from app.counts.list_addresses import WITHHELD
from app.counts.list_addresses import address as list_address
from app.log.entries import redactions_since
from app.models import PendingPair, Source, SourceTrait, Trait
from app.reading import terms as wording
from app.reading.countables import Countable, countable_of
from app.reading.dimensions import DIMENSIONS, PERSONAL
from app.reading.selection import ASSERTED, COUNTING, Selection, Subject, with_facility_slug
from app.reading.terms import SourcedTerms, is_personal
from app.reading.traits import partly_hidden, trait_of
from app.reading.visibility import at, hidden_trait
from app.registry.policy import Reader
from app.vocabulary import ReleaseStatus, Verdict

MULTIPLE = frozenset(name for name, of in DIMENSIONS.items() if of.several)
SOURCE_KEYS = (
    "verified",
    "reported",
    "disputed",
    "refuted",
    "retracted",
    "uncertain_date",
    "only_this_source",
    "people",
)

# One for each dimension, since a count may be grouped by several.
_TRAITS: dict[str, Any] = {name: aliased(Trait) for name in PERSONAL}
_OWN_TRAITS: dict[str, Any] = {name: aliased(SourceTrait) for name in PERSONAL}

Row = dict[str, Any]
Key = tuple[Any, ...]


@dataclass(frozen=True)
class GroupColumn:
    """A dimension's value in SQL, and the table of traits to join for it, if it is a personal one."""

    name: str
    value: Any
    trait: Any = None
    of_row: Any = None  # which rows of that table


@dataclass(frozen=True)
class Counting:
    """A count under way: its terms, the same as they are echoed, who reads it at which revision, and what stands beside
    the numbers of a personal count (nothing beside those of any other)."""

    countable: Countable
    terms: SourcedTerms
    said: Row
    reader: Reader
    revision: int
    not_visible: Row

    def select(self, session: Session, *, by_source: bool = False) -> Selection:
        return self.countable.select(session, self.terms, self.reader, self.revision, by_source=by_source)

    def listed(self, named: Row) -> str | None:
        """The address of the list behind one group; without a name, of all."""
        return list_address(self.countable, self.said, named, self.revision)


def count(session: Session, terms: SourcedTerms, reader: Reader, revision: int) -> Row:
    """Totals and groups in the shape of `GET /v1/counts/…`, without the envelope's `recorded_at`. Terms of who is held
    name a day, unless at revision 0, where there is nobody."""
    countable, terms = countable_of(terms), with_facility_slug(session, terms)
    said, beside = wording.echo(terms), not_visible(session, terms, reader, revision)
    counting = Counting(countable, terms, said, reader, revision, beside)
    selection = counting.select(session)
    return {
        **_tallied(session, counting, selection),
        **{
            name: scalar(session, selection, func.count(), and_(selection.inside, among(terms)))
            for name, among in countable.beside.items()
        },
        "permalink": wording.link(countable.counted, said, revision),
    }


def _tallied(session: Session, counting: Counting, selection: Selection) -> Row:
    """Totals, groups, and what stands apart from them."""
    revision = counting.revision
    total = _total(session, selection, counting.countable.noun)
    answer: Row = {"revision": revision, "terms": counting.said, "total": total}
    dimensions = counting.said.get("group_by")
    if dimensions:
        answer["groups"] = _groups(session, counting, dimensions)
        if MULTIPLE & set(dimensions):
            answer["adds_up"] = False
    if counting.not_visible and (redactions := redactions_since(session, revision)):
        answer["redactions_since"] = redactions
    withheld = and_(selection.inside, selection.subject.standing.withheld.is_(True))
    return (
        answer
        | counting.not_visible
        | {
            "uncertain_date": scalar(session, selection, func.count(), selection.uncertain),
            "unresolved_duplicates": _unresolved(session, selection, revision),
            "withheld": scalar(session, selection, func.count(distinct(selection.columns.detainee)), withheld),
            "list": counting.listed({}),
        }
    )


def scalar(session: Session, selection: Selection, what: Any, where: Any) -> int:
    """One number over what counts of a selection."""
    counting = selection.subject.standing.status.in_(COUNTING)
    return int(session.execute(selection.rows(what).where(where, counting)).scalar_one())


def not_visible(session: Session, terms: SourcedTerms, reader: Reader, revision: int) -> Row:
    """`{"not_visible": n}` for an answer that has a personal term, and `{}` for any other.

    How many match every personal term that their class opens, and may not be asked about another. What is hidden is not
    read, nor whether there is anything."""
    if not is_personal(terms):
        return {}
    selection = countable_of(terms).select(session, terms.public(), reader, revision)
    unseen = partly_hidden(selection.columns, terms, reader, revision)
    number = 0 if unseen is None else scalar(session, selection, func.count(), and_(selection.inside, unseen))
    return {"not_visible": number}


def _total(session: Session, selection: Selection, noun: str) -> Row:
    by = _by(selection)
    rows = session.execute(selection.rows(*by, func.count()).where(selection.inside).group_by(*by)).all()
    people = scalar(session, selection, func.count(distinct(selection.columns.detainee)), selection.inside)
    return _totals([tuple(row) for row in rows], people, noun)


def _by(selection: Selection) -> tuple[Any, Any, Any]:
    """What the numbers of a total are told apart by: status, independent verified, and whether the person may only be
    counted."""
    standing = selection.subject.standing
    return standing.status, standing.independent_verified, standing.withheld


def _totals(rows: list[tuple[Any, ...]], people: int, noun: str) -> Row:
    """The keys of a total from rows of `_by` and a number."""
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
    return {
        noun: sum(by_status[status] for status in COUNTING),
        "people": people,
        "verified": by_status[ReleaseStatus.VERIFIED],
        "contested": by_status[ReleaseStatus.CONTESTED],
        "reported": by_status[ReleaseStatus.REPORTED],
        "refuted": by_status[ReleaseStatus.REFUTED],
        "by_min_sources": at_least,
        "counted_apart": counted_apart,
    }


def _unresolved(session: Session, selection: Selection, revision: int) -> int:
    """Pairs of people that wait for a curator, where both stand in this count: each may be one too many."""
    counted = selection.rows(selection.columns.detainee).where(
        selection.inside, selection.subject.standing.status.in_(COUNTING)
    )
    pairs = (
        select(col(PendingPair.detainee_a), col(PendingPair.detainee_b))
        .where(
            at(PendingPair, revision),
            col(PendingPair.detainee_a).in_(counted),
            col(PendingPair.detainee_b).in_(counted),
        )
        .distinct()
    )
    return int(session.execute(select(func.count()).select_from(pairs.subquery())).scalar_one())


def _groups(session: Session, counting: Counting, names: Sequence[str]) -> list[Row]:
    by_source = "source" in names
    selection = counting.select(session, by_source=by_source)
    dimensions = [_group_column(name, selection, counting.reader, counting.revision) for name in names]
    groups = (
        _source_groups(session, selection, dimensions, counting.revision)
        if by_source
        else _total_groups(session, selection, dimensions, counting)
    )
    slugs = dict(session.execute(select(col(Source.key), col(Source.slug))).all())
    shown = []
    for key, numbers in groups.items():
        named = {d.name: _wire(d.name, value, slugs) for d, value in zip(dimensions, key, strict=True)}
        shown.append({**named, **numbers, "list": counting.listed(named)})
    return sorted(shown, key=lambda group: [_order(group[name]) for name in names])


def _order(value: Any) -> tuple[int, Any]:
    """By value, the withheld and the unknown last."""
    return (2, "") if value is None else (1, "") if value == WITHHELD else (0, value)


def _group_column(name: str, selection: Selection, reader: Reader, revision: int) -> GroupColumn:
    """One dimension of the groups, read from the selection."""
    columns, standing = selection.columns, selection.subject.standing
    dimension = DIMENSIONS[name]
    if dimension.unit:
        return GroupColumn(name, buckets.bucket_number(columns.lo, columns.hi, dimension.unit))
    if dimension.personal:
        trait, of_row = trait_of(_TRAITS[name], _OWN_TRAITS[name], columns, name, revision)
        unseen = hidden_trait(reader, columns.detainee, name, revision)
        value = trait.value if unseen is None else case((unseen, literal(WITHHELD)), else_=trait.value)
        return GroupColumn(name, value, trait, of_row)
    plain = {
        "source": selection.subject.voice.source,
        "status": standing.status,
        "sources": standing.independent_verified,
    }
    return GroupColumn(name, plain.get(name, getattr(columns, name, None)))


def _grouped(
    selection: Selection, dimensions: Sequence[GroupColumn], *columns: Any, by: Sequence[Any] = ()
) -> Select[Any]:
    """A SELECT of the dimensions, `by` and `columns`, grouped by the first two."""
    labelled = [dimension.value.label(f"d{number}") for number, dimension in enumerate(dimensions)]
    statement = selection.rows(*labelled, *by, *columns)
    for dimension in dimensions:
        if dimension.trait is not None:
            statement = statement.outerjoin(dimension.trait, dimension.of_row)
    return statement.group_by(*labelled, *by)


def _total_groups(
    session: Session, selection: Selection, dimensions: Sequence[GroupColumn], counting: Counting
) -> dict[Key, Row]:
    """Groups with the keys of a total."""
    wide = len(dimensions)
    releases = func.count(distinct(selection.columns.spell))
    standing = selection.subject.standing
    found: dict[Key, list[tuple[Any, ...]]] = defaultdict(list)
    # What has no status stands in no total, and makes no group of one.
    inside = and_(selection.inside, standing.status.is_not(None))
    rows = session.execute(_grouped(selection, dimensions, releases, by=_by(selection)).where(inside))
    for row in rows:
        found[tuple(row[:wide])].append(tuple(row[wide:]))
    people = _grouped(selection, dimensions, func.count(distinct(selection.columns.detainee)))
    counted = people.where(selection.inside, standing.status.in_(COUNTING))
    behind = {tuple(row[:wide]): row[wide] for row in session.execute(counted)}
    return {key: _totals(numbers, behind.get(key, 0), counting.countable.noun) for key, numbers in found.items()}


def _source_groups(
    session: Session, selection: Selection, dimensions: Sequence[GroupColumn], revision: int
) -> dict[Key, Row]:
    """Groups by source: that source's own verdicts, dates and kinds."""
    wide = len(dimensions)
    groups: dict[Key, Row] = defaultdict(lambda: dict.fromkeys(SOURCE_KEYS, 0))
    releases = func.count(distinct(selection.columns.spell))

    def add(name: str | None, statement: Select[Any]) -> None:
        for row in session.execute(statement):
            groups[tuple(row[:wide])][name or row[wide]] += row[-1]

    verdict = selection.subject.voice.verdict
    verified = and_(selection.inside, verdict == Verdict.VERIFIED)
    asserted = and_(selection.uncertain, verdict.in_(ASSERTED))
    by_verdict = _grouped(selection, dimensions, releases, by=(verdict,))
    plain = _grouped(selection, dimensions, releases)
    people = _grouped(selection, dimensions, func.count(distinct(selection.columns.detainee)))
    add(None, by_verdict.where(selection.inside))
    add("people", people.where(verified))
    add("uncertain_date", plain.where(asserted))
    add("only_this_source", plain.where(verified, _alone(selection.subject, revision)))
    return groups


def _alone(subject: Subject, revision: int) -> Any:
    """No other source verified the same of its own knowledge: copies confirm nothing."""
    other = subject.other
    return ~exists(
        select(1).where(
            subject.spoken_of(other),
            other.source != subject.voice.source,
            other.verdict == Verdict.VERIFIED,
            other.independent.is_(True),
            at(other, revision),
        )
    )


def _wire(name: str, value: Any, slugs: dict[int, str]) -> Any:
    """A dimension's value as clients read it."""
    if unit := DIMENSIONS[name].unit:
        return buckets.bucket_text(value, unit)
    return slugs[value] if name == "source" else value
