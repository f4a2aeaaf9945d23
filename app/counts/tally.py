"""Counts of releases: a pure function of terms, reader and revision, computed in SQL over the rows of that revision."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, case, distinct, exists, func, literal, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.counts import buckets, list_addresses
from app.counts.list_addresses import MULTIPLE_TRAITS, UNITS, WITHHELD
from app.log.entries import redactions_since
from app.models import PendingPair, Source, SourceTrait, Trait
from app.reading import terms as wording
from app.reading.selection import ASSERTED, COUNTING, Selection, Subject, select_releases, with_facility_slug
from app.reading.terms import PERSONAL_DIMENSIONS, CountTerms, HeldCountTerms, is_personal
from app.reading.traits import OF_SOURCE, partly_hidden, trait_of
from app.reading.visibility import at, hidden_trait
from app.registry.policy import Reader
from app.vocabulary import ReleaseStatus, Verdict

MULTIPLE = MULTIPLE_TRAITS | {"source"}
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
_TRAITS: dict[str, Any] = {name: aliased(Trait) for name in PERSONAL_DIMENSIONS}
_OWN_TRAITS: dict[str, Any] = {name: aliased(SourceTrait) for name in OF_SOURCE}

Row = dict[str, Any]
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Dimension:
    """A dimension's value in SQL, and the table of traits to join for it, if it is a personal one."""

    name: str
    value: Any
    trait: Any = None
    of_row: Any = None  # which rows of that table


@dataclass(frozen=True)
class Asked:
    """What a count is of: its terms as echoed, which selection they mean (by source, or of all together), who reads
    it at which revision; `noun` names the things counted, `listed` is the address of one group's list, `not_visible`
    stands beside the numbers, and is empty where no term is personal."""

    said: Row
    select: Callable[[bool], Selection]
    reader: Reader
    revision: int
    noun: str
    listed: Callable[[Row], str | None]
    not_visible: Row


def count_releases(session: Session, terms: CountTerms, reader: Reader, revision: int) -> Row:
    """Totals and groups in the shape of `GET /v1/counts/releases`, without the envelope's `recorded_at`."""
    terms = with_facility_slug(session, terms)
    said = wording.echo(terms)

    def select_(by_source: bool) -> Selection:
        return select_releases(session, terms, reader, revision, by_source=by_source)

    def listed(named: Row) -> str | None:
        return list_addresses.of_releases(said, named, revision)

    beside = not_visible(session, terms, reader, revision)
    asked = Asked(said, select_, reader, revision, "releases", listed, beside)
    return {**tallied(session, asked), "permalink": wording.link("/v1/counts/releases", said, revision)}


def tallied(session: Session, asked: Asked) -> Row:
    """Totals, groups, and what stands apart from them."""
    selection, revision = asked.select(False), asked.revision
    answer: Row = {"revision": revision, "terms": asked.said, "total": _total(session, selection, asked.noun)}
    dimensions = asked.said.get("group_by")
    if dimensions:
        answer["groups"] = _groups(session, asked, dimensions)
        if MULTIPLE & set(dimensions):
            answer["adds_up"] = False
    if asked.not_visible and (redactions := redactions_since(session, revision)):
        answer["redactions_since"] = redactions
    withheld = and_(selection.inside, selection.subject.standing.withheld.is_(True))
    return (
        answer
        | asked.not_visible
        | {
            "uncertain_date": scalar(session, selection, func.count(), selection.uncertain),
            "unresolved_duplicates": _unresolved(session, selection, revision),
            "withheld": scalar(session, selection, func.count(distinct(selection.columns.detainee)), withheld),
            "list": asked.listed({}),
        }
    )


def scalar(session: Session, selection: Selection, what: Any, where: Any) -> int:
    """One number over what counts of a selection."""
    counting = selection.subject.standing.status.in_(COUNTING)
    return int(session.execute(selection.rows(what).where(where, counting)).scalar_one())


def not_visible(session: Session, terms: CountTerms, reader: Reader, revision: int) -> Row:
    """`{"not_visible": n}` for an answer about releases that has a personal term, and `{}` for any other."""
    if not is_personal(terms):
        return {}
    return of_selection(session, select_releases(session, terms.public(), reader, revision), terms, reader, revision)


def of_selection(
    session: Session, selection: Selection, terms: CountTerms | HeldCountTerms, reader: Reader, revision: int
) -> Row:
    """`not_visible` of a selection without personal terms: how many match every personal one that their class opens,
    and may not be asked about another. What is hidden is not read, nor whether there is anything."""
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


def _groups(session: Session, asked: Asked, names: Sequence[str]) -> list[Row]:
    by_source = "source" in names
    selection = asked.select(by_source)
    dimensions = [_dimension(name, selection, asked.reader, asked.revision) for name in names]
    groups = (
        _source_groups(session, selection, dimensions, asked.revision)
        if by_source
        else _total_groups(session, selection, dimensions, asked)
    )
    slugs = dict(session.execute(select(col(Source.key), col(Source.slug))).all())
    shown = []
    for key, numbers in groups.items():
        named = {d.name: _wire(d.name, value, slugs) for d, value in zip(dimensions, key, strict=True)}
        shown.append({**named, **numbers, "list": asked.listed(named)})
    return sorted(shown, key=lambda group: [_order(group[name]) for name in names])


def _order(value: Any) -> tuple[int, Any]:
    """By value, the withheld and the unknown last."""
    return (2, "") if value is None else (1, "") if value == WITHHELD else (0, value)


def _dimension(name: str, selection: Selection, reader: Reader, revision: int) -> Dimension:
    """One dimension of the groups, read from the selection."""
    columns = selection.columns
    if name in UNITS:
        return Dimension(name, buckets.bucket_number(columns.lo, columns.hi, UNITS[name]))
    if name in PERSONAL_DIMENSIONS:
        trait, of_row = trait_of(_TRAITS[name], _OWN_TRAITS.get(name), columns, name, revision)
        unseen = hidden_trait(reader, columns.detainee, name, revision)
        value = trait.value if unseen is None else case((unseen, literal(WITHHELD)), else_=trait.value)
        return Dimension(name, value, trait, of_row)
    plain = {
        "source": selection.subject.voice.source,
        "status": selection.subject.standing.status,
        "sources": selection.subject.standing.independent_verified,
    }
    return Dimension(name, plain.get(name, getattr(columns, name, None)))


def _grouped(
    selection: Selection, dimensions: Sequence[Dimension], *columns: Any, by: Sequence[Any] = ()
) -> Select[Any]:
    """A SELECT of the dimensions, `by` and `columns`, grouped by the first two."""
    labelled = [dimension.value.label(f"d{number}") for number, dimension in enumerate(dimensions)]
    statement = selection.rows(*labelled, *by, *columns)
    for dimension in dimensions:
        if dimension.trait is not None:
            statement = statement.outerjoin(dimension.trait, dimension.of_row)
    return statement.group_by(*labelled, *by)


def _total_groups(
    session: Session, selection: Selection, dimensions: Sequence[Dimension], asked: Asked
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
    return {key: _totals(numbers, behind.get(key, 0), asked.noun) for key, numbers in found.items()}


def _source_groups(
    session: Session, selection: Selection, dimensions: Sequence[Dimension], revision: int
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
    if name in UNITS:
        return buckets.bucket_text(value, UNITS[name])
    return slugs[value] if name == "source" else value
