"""Which releases the terms mean at a revision: SQL shared by counts and lists, so that they cannot disagree."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, true
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.counts.questions import EstimateQuery
from app.counts.terms import HeldTerms, PersonTerms, ReleaseTerms, edges
from app.errors import Invalid, pointed
from app.models import (
    OPEN,
    Detainee,
    Detention,
    Placement,
    Record,
    Release,
    ReleaseAtStage,
    Source,
    SourceDetention,
    SourceRelease,
    SourceTrait,
    Trait,
)
from app.registry.policy import Reader
from app.registry.views import Views
from app.vocabulary import Publish, ReleaseStatus, Verdict

# Personal dimensions that rest on the word of each source; the others are of the person.
OF_SOURCE = frozenset({"facility", "area"})
COUNTING = (ReleaseStatus.VERIFIED.value, ReleaseStatus.CONTESTED.value, ReleaseStatus.REPORTED.value)
ASSERTED = (Verdict.VERIFIED.value, Verdict.REPORTED.value)

Condition = ColumnElement[bool]
# `(inside, uncertain)`: surely within what is asked for; perhaps.
Placed = tuple[Condition, Condition]


def at(table: Any, revision: int) -> Condition:
    """Rows of a projected table that hold at a revision."""
    return and_(col(table.since) <= revision, col(table.until) > revision)


def hidden(detainee: Any, classes: tuple[str, ...], revision: int) -> Condition:
    """Whether today's class of a person is among `classes`.

    The person is who it was at the revision; its class is the strictest of today's classes of the records it held.
    """
    return exists(
        select(1)
        .select_from(Placement)
        .join(Record, col(Record.key) == col(Placement.record))
        .where(col(Placement.detainee) == detainee, at(Placement, revision), col(Record.publish_now).in_(classes))
    )


def hidden_trait(
    reader: Reader, detainee: Any, name: str, revision: int, values: Sequence[str] = ()
) -> Condition | None:
    """Whether the reader may not see a personal dimension of a person (with one of these values); None when it may of
    everyone."""
    classes = tuple(str(publish) for publish in Publish if not sees_all(reader, publish, name, values))
    return hidden(detainee, classes, revision) if classes else None


def sees_all(reader: Reader, publish: str, name: str, values: Sequence[str]) -> bool:
    """Whether the reader may see these values of a dimension, or any at all, of someone of that class."""
    return all(reader.sees_trait(publish, name, value) for value in values or (None,))


def visible(reader: Reader, detainee: Any, revision: int) -> Condition:
    """Whether a person stands in lists for the reader."""
    classes = tuple(str(publish) for publish in Publish if not reader.sees_person(publish))
    return ~hidden(detainee, classes, revision) if classes else true()


def source_keys(session: Session, terms: ReleaseTerms | HeldTerms | EstimateQuery) -> dict[str, int]:
    """Slug → key of the sources the terms name. Raises Invalid for those that do not exist."""
    named = terms.sources_named()
    if not named:
        return {}
    slugs = {slug for _pointer, slug in named}
    rows = session.execute(
        select(col(Source.slug), col(Source.key)).where(col(Source.slug).in_(slugs), col(Source.until) == OPEN)
    ).all()
    found: dict[str, int] = dict(rows)
    detail = "No source has this slug: see /v1/sources."
    unknown = [pointed(pointer, "unknown_source", detail) for pointer, slug in named if slug not in found]
    if unknown:
        raise Invalid(detail, *unknown)
    return found


def require_so_many(session: Session, terms: ReleaseTerms | HeldTerms) -> None:
    """Raises Invalid for more sources than there are: the count would be nought, and look like an answer."""
    for name, least in (("min_sources", 1), ("sources", 0)):
        asked = getattr(terms, name)
        if asked is None:
            continue
        there = session.scalars(select(func.count()).select_from(Source).where(col(Source.until) == OPEN)).one()
        if asked > there:
            detail = f"There are {there} sources: ask for {least} to {there}." if there else "There are no sources yet."
            raise Invalid.at(f"/{name}", "too_many_sources", detail)


def in_window(lo: Any, hi: Any, window: tuple[int | None, int | None]) -> Placed:
    """`(inside, uncertain)`: wholly inside the window; straddling its edge or undated."""
    start, end = window
    if start is None and end is None:
        return true(), ~true()
    inside = [lo.is_not(None), *([lo >= start] if start is not None else []), *([hi <= end] if end is not None else [])]
    outside = [*([hi < start] if start is not None else []), *([lo > end] if end is not None else [])]
    return and_(*inside), or_(lo.is_(None), and_(~and_(*inside), ~or_(*outside)))


@dataclass(frozen=True)
class Columns:
    """Where a selection reads what it filters by: consolidated, or one source's own."""

    spell: Any
    source: Any  # of Voice; None of Standing
    detainee: Any
    lo: Any
    hi: Any
    kind: Any
    country: Any
    designation: Any
    next_hi: Any

    @classmethod
    def of(cls, table: Any) -> "Columns":
        names = cls.__dataclass_fields__
        return cls(**{name: getattr(table, name, None) for name in names})


@dataclass(frozen=True)
class Subject:
    """What is counted: the table with a row for each as all sources say it, the one with a row for each source, that
    one once more for what others say, and by which columns they belong together."""

    standing: Any
    voice: Any
    other: Any
    keys: tuple[str, ...]

    def spoken_of(self, voice: Any) -> Condition:
        """Whether a row of `voice` or of `other` speaks of the row of `standing`."""
        return and_(*(getattr(voice, key) == getattr(self.standing, key) for key in self.keys))


# Aliases are made once: making one costs more than running the statement in which it stands.
RELEASES = Subject(ReleaseAtStage, SourceRelease, aliased(SourceRelease), ("spell", "stage"))
_ARRESTED: Any = aliased(Detention)
_ARRESTED_BY: Any = aliased(SourceDetention)


@dataclass(frozen=True)
class Selection:
    """Releases at one stage and revision, or detentions; `own` reads each source's own values from `voice`."""

    subject: Subject
    columns: Any  # with the names of `Columns`, as far as the subject has them
    conditions: tuple[Condition, ...]
    own: bool
    inside: Condition
    uncertain: Condition

    def rows(self, *columns: Any) -> Select[Any]:
        """A SELECT of `columns` over the selected releases, before the window is applied."""
        statement: Select[Any] = select(*columns).select_from(self.subject.standing)
        if self.own:
            statement = statement.join(self.subject.voice, self.subject.spoken_of(self.subject.voice))
        return statement.where(*self.conditions)


def select_releases(
    session: Session, terms: ReleaseTerms, reader: Reader, revision: int, *, by_source: bool = False
) -> Selection:
    """The selection that the terms mean. `by_source`: one row per release and source, by the source's own values."""
    keys = source_keys(session, terms)
    require_so_many(session, terms)
    own = by_source or terms.source is not None
    columns = Columns.of(SourceRelease if own else ReleaseAtStage)
    where: list[Condition] = [at(ReleaseAtStage, revision)]
    if own:
        where.append(at(SourceRelease, revision))
    if terms.source is not None:
        where.append(col(SourceRelease.source) == keys[terms.source])
        if not by_source:
            where.append(col(SourceRelease.verdict).in_(ASSERTED))
    where += _release_conditions(terms, columns, keys, revision)
    where += person_conditions(session, terms, columns, reader, revision)
    if terms.net:
        end = terms.window[1]
        begun = columns.next_hi.is_not(None) if end is None else columns.next_hi <= end
        where.append(or_(columns.next_hi.is_(None), ~begun))
    released = in_window(columns.lo, columns.hi, terms.window)
    inside, uncertain = both(released, detained_within(terms, columns, revision, own=own))
    return Selection(RELEASES, columns, tuple(where), own, inside, uncertain)


def _release_conditions(terms: ReleaseTerms, columns: Columns, keys: dict[str, int], revision: int) -> list[Condition]:
    where: list[Condition] = []
    if terms.stage is not None:
        where.append(col(ReleaseAtStage.stage) == terms.stage)
    else:
        where.append(
            exists(
                select(1).where(
                    col(Release.spell) == col(ReleaseAtStage.spell),
                    col(Release.stage) == col(ReleaseAtStage.stage),
                    at(Release, revision),
                )
            )
        )
    if terms.kind:
        where.append(columns.kind.in_(terms.kind))
    if terms.status:
        where.append(col(ReleaseAtStage.status).in_(terms.status))
    if terms.only_by:
        only = [keys[slug] for slug in terms.only_by]
        where += [verified_by(RELEASES, [key], revision, independent=True) for key in only]
        where.append(~verified_by(RELEASES, only, revision, others=True, independent=True))
    return where + conditions_of_sources(RELEASES, terms, keys, revision)


def conditions_of_sources(
    subject: Subject, terms: ReleaseTerms | HeldTerms, keys: dict[str, int], revision: int
) -> list[Condition]:
    """By whom it was verified, and by how many."""
    every = dict.fromkeys([*terms.verified_by, *terms.all_of])
    where = [verified_by(subject, [keys[slug]], revision) for slug in every]
    if terms.any_of:
        where.append(verified_by(subject, [keys[slug] for slug in terms.any_of], revision))
    if terms.min_sources is not None:
        where.append(subject.standing.independent_verified >= terms.min_sources)
    if terms.sources is not None:
        where.append(subject.standing.independent_verified == terms.sources)
    return where


def verified_by(
    subject: Subject, sources: list[int], revision: int, *, others: bool = False, independent: bool = False
) -> Condition:
    """Whether one of the sources, or one of all `others`, verified it; `independent`: by a verification that copies
    nobody."""
    other = subject.other
    return exists(
        select(1).where(
            subject.spoken_of(other),
            other.source.not_in(sources) if others else other.source.in_(sources),
            other.verdict == Verdict.VERIFIED,
            *([other.independent.is_(True)] if independent else []),
            at(other, revision),
        )
    )


def person_conditions(
    session: Session, terms: PersonTerms, columns: Any, reader: Reader, revision: int
) -> list[Condition]:
    """Filters on the person and the detention, but for its day: over any table with `spell`, `detainee`, `country` and
    `designation`; with `source`, the row of one source, whose own word decides where the person was held."""
    where: list[Condition] = []
    if terms.country is not None:
        where.append(columns.country == terms.country)
    if terms.designation is not None:
        where.append(columns.designation == terms.designation)
    if terms.facility is not None:
        slug = facility_slug(session, terms.facility, terms.country)
        terms = terms.model_copy(update={"facility": slug})
    for name, values, matching in personal_filters(terms, columns, revision):
        where.append(matching)
        unseen = hidden_trait(reader, columns.detainee, name, revision, values)
        if unseen is not None:
            where.append(~unseen)
    if terms.state is not None or terms.rearrested is not None:
        asked = [] if terms.state is None else [col(Detainee.state) == terms.state]
        asked += [] if terms.rearrested is None else [col(Detainee.rearrested) == terms.rearrested]
        where.append(exists(select(1).where(Detainee.detainee == columns.detainee, at(Detainee, revision), *asked)))
    return where


def detained_within(terms: PersonTerms, columns: Any, revision: int, *, own: bool = False) -> Placed:
    """Whether the person was taken within the days asked for; `own`: by the source whose row it is."""
    window = edges(terms.detained_from, terms.detained_to)
    if window == (None, None):
        return true(), ~true()
    if own:
        voice = _ARRESTED_BY
        said = and_(voice.spell == columns.spell, voice.source == columns.source, at(voice, revision))
        found = in_window(voice.lo, voice.hi, window)
    else:
        detention = _ARRESTED  # `columns` may be those of Detention itself
        said = and_(detention.spell == columns.spell, at(detention, revision))
        found = in_window(detention.detained_lo, detention.detained_hi, window)
    inside, uncertain = (exists(select(1).where(said, place)) for place in found)
    return inside, uncertain


def both(one: Placed, other: Placed) -> Placed:
    """Inside two windows at once; uncertain where neither rules it out and not both are sure."""
    inside = and_(one[0], other[0])
    return inside, and_(or_(*one), or_(*other), ~inside)


def facility_slug(session: Session, said: str, country: str | None) -> str:
    """The slug of the facility a term names by slug or name. Raises Invalid for one nobody registered."""
    facility = Views(session).facility(said, country)
    if facility is None:
        raise Invalid.at(
            "/facility",
            "unknown_facility",
            "No facility, or more than one, goes by this: give a slug of /v1/facilities.",
        )
    return facility.slug


def trait_of(trait: Any, own: Any, columns: Any, name: str, revision: int) -> tuple[Any, Condition]:
    """The table in which a personal dimension of a selected row stands, `trait` or `own`, and which of its rows are the
    row's: by the word of the source whose row it is, where the dimension rests on that."""
    by_source = name in OF_SOURCE and getattr(columns, "source", None) is not None
    table = own if by_source else trait
    found = and_(table.spell == columns.spell, table.name == name, at(table, revision))
    return table, and_(found, table.source == columns.source) if by_source else found


def personal_filters(terms: PersonTerms, columns: Any, revision: int) -> Iterator[tuple[str, list[str], Condition]]:
    """`(dimension, values asked about, whether a row matches)`; the facility by its slug."""
    for name, values in terms.traits().items():
        yield name, values, _has_trait(columns, name, revision, values)
    for name, values in terms.excluded().items():
        yield name, values, and_(_has_trait(columns, name, revision), ~_has_trait(columns, name, revision, values))


def _has_trait(columns: Any, name: str, revision: int, values: Sequence[str] | None = None) -> Condition:
    """Whether a row has a value of a dimension, one of `values` where they are given."""
    table, of_row = trait_of(Trait, SourceTrait, columns, name, revision)
    among = () if values is None else (table.value.in_(values),)
    return exists(select(1).where(of_row, *among))
