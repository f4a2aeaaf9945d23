"""Which releases the terms mean at a revision: SQL shared by counts and lists, so that they cannot disagree."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Select, and_, exists, func, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.errors import Invalid, pointed
from app.models import OPEN, Detainee, Release, ReleaseAtStage, Source, SourceRelease
from app.reading.net import still_free
from app.reading.questions import EstimateQuery
from app.reading.terms import PersonTerms, ReleaseTerms, SourcedTerms
from app.reading.traits import personal_filters
from app.reading.visibility import Condition, at, hidden_trait, unless
from app.reading.windows import Placed, both, detained_within, in_window
from app.registry.read_permissions import Reader
from app.registry.views import Views
from app.vocabulary import ReleaseStatus, Verdict

COUNTING = (ReleaseStatus.VERIFIED.value, ReleaseStatus.CONTESTED.value, ReleaseStatus.REPORTED.value)
ASSERTED = (Verdict.VERIFIED.value, Verdict.REPORTED.value)


def source_keys(session: Session, terms: SourcedTerms | EstimateQuery) -> dict[str, int]:
    """Slug → key of the sources the terms name. Raises Invalid for those that do not exist."""
    named = terms.sources_named()
    if not named:
        return {}
    slugs = {slug for _pointer, slug in named}
    rows = session.execute(
        select(col(Source.slug), col(Source.key)).where(col(Source.slug).in_(slugs), col(Source.until) == OPEN)
    ).all()
    keys: dict[str, int] = dict(rows)
    detail = "No source has this slug: see /v1/sources."
    unknown = [pointed(pointer, "unknown_source", detail) for pointer, slug in named if slug not in keys]
    if unknown:
        raise Invalid(detail, *unknown)
    return keys


def require_so_many(session: Session, terms: SourcedTerms) -> None:
    """Raises Invalid for more sources than there are: the count would be nought, and look like an answer."""
    for name, least in (("min_sources", 1), ("sources", 0)):
        number = getattr(terms, name)
        if number is None:
            continue
        there = session.scalars(select(func.count()).select_from(Source).where(col(Source.until) == OPEN)).one()
        if number > there:
            detail = f"There are {there} sources: ask for {least} to {there}." if there else "There are no sources yet."
            raise Invalid.at(f"/{name}", "too_many_sources", detail)


@dataclass(frozen=True)
class CountedTables:
    """The tables of what is counted. `together`: a row for each thing, by all sources together; `by_source`: a row for
    each thing and source; `other_source`: the same table once more, for what other sources say; `keys`: the columns by
    which their rows are of one thing."""

    together: Any
    by_source: Any
    other_source: Any
    keys: tuple[str, ...]

    def of_same_thing(self, by_source: Any) -> Condition:
        """Whether a row of `by_source` or of `other_source` is of the thing of the row of `together`."""
        return and_(*(getattr(by_source, key) == getattr(self.together, key) for key in self.keys))


# Aliases are made once: making one costs more than running the statement in which it stands.
RELEASE_TABLES = CountedTables(ReleaseAtStage, SourceRelease, aliased(SourceRelease), ("spell", "stage"))


@dataclass(frozen=True)
class Selection:
    """Releases at one stage and revision, or detentions. `own`: each source's own values are read, from `by_source`."""

    tables: CountedTables
    columns: Any  # the table that filters read: consolidated values, or one source's own
    conditions: tuple[Condition, ...]
    own: bool
    inside: Condition
    uncertain: Condition

    def rows(self, *columns: Any) -> Select[Any]:
        """A SELECT of `columns` over the selected releases, before the window is applied."""
        statement: Select[Any] = select(*columns).select_from(self.tables.together)
        if self.own:
            statement = statement.join(self.tables.by_source, self.tables.of_same_thing(self.tables.by_source))
        return statement.where(*self.conditions)


def selected(
    session: Session,
    tables: CountedTables,
    terms: SourcedTerms,
    reader: Reader,
    revision: int,
    *,
    by_source: bool,
    conditions: Sequence[Condition],
    placed: Callable[[Any], Placed],
) -> Selection:
    """The selection that terms mean. `by_source`: one row for each source, by its own values; `conditions`: further
    ones, of this kind of thing alone; `placed`: whether a row's days are within the terms."""
    keys = source_keys(session, terms)
    require_so_many(session, terms)
    own = by_source or terms.source is not None
    together, of_source = tables.together, tables.by_source
    columns = of_source if own else together
    where = [at(together, revision), *([at(of_source, revision)] if own else []), *conditions]
    if terms.source is not None:
        where.append(of_source.source == keys[terms.source])
        if not by_source:
            where.append(of_source.verdict.in_(ASSERTED))
    if terms.status:
        where.append(together.status.in_(terms.status))
    where += _conditions_of_sources(tables, terms, keys, revision)
    where += person_conditions(session, terms, columns, reader, revision)
    inside, uncertain = both(placed(columns), detained_within(terms, columns, revision, own=own))
    return Selection(tables, columns, tuple(where), own, inside, uncertain)


def select_releases(
    session: Session, terms: ReleaseTerms, reader: Reader, revision: int, *, by_source: bool = False
) -> Selection:
    """The releases that the terms mean. `by_source`: one row per release and source, by the source's own values."""
    columns: Any = SourceRelease if by_source or terms.source is not None else ReleaseAtStage
    where = [col(ReleaseAtStage.stage) == terms.stage if terms.stage is not None else _at_its_own_stage(revision)]
    if terms.kind:
        where.append(columns.kind.in_(terms.kind))
    if terms.net:
        where.append(still_free(columns, terms.window[1]))

    def released(columns: Any) -> Placed:
        return in_window(columns.lo, columns.hi, terms.window)

    return selected(
        session, RELEASE_TABLES, terms, reader, revision, by_source=by_source, conditions=where, placed=released
    )


def _at_its_own_stage(revision: int) -> Condition:
    """Whether a row is of the furthest stage at which its release counts."""
    return exists(
        select(1).where(
            col(Release.spell) == col(ReleaseAtStage.spell),
            col(Release.stage) == col(ReleaseAtStage.stage),
            at(Release, revision),
        )
    )


def _conditions_of_sources(
    tables: CountedTables, terms: SourcedTerms, keys: dict[str, int], revision: int
) -> list[Condition]:
    """The conditions on which sources verified a thing, and on how many did."""
    every = dict.fromkeys([*terms.verified_by, *terms.all_of])
    where = [verified_by(tables, [keys[slug]], revision) for slug in every]
    if terms.any_of:
        where.append(verified_by(tables, [keys[slug] for slug in terms.any_of], revision))
    if only := [keys[slug] for slug in getattr(terms, "only_by", ())]:
        where += [verified_by(tables, [key], revision, independent=True) for key in only]
        where.append(~verified_by(tables, only, revision, others=True, independent=True))
    if terms.min_sources is not None:
        where.append(tables.together.independent_verified >= terms.min_sources)
    if terms.sources is not None:
        where.append(tables.together.independent_verified == terms.sources)
    return where


def verified_by(
    tables: CountedTables, sources: list[int], revision: int, *, others: bool = False, independent: bool = False
) -> Condition:
    """Whether one of the sources, or one of all `others`, verified a thing; `independent`: by a verification that
    copies no other source."""
    other = tables.other_source
    return exists(
        select(1).where(
            tables.of_same_thing(other),
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
        where.append(unless(hidden_trait(reader, columns.detainee, name, revision, values), matching))
    if terms.state is not None or terms.rearrested is not None:
        person = [] if terms.state is None else [col(Detainee.state) == terms.state]
        person += [] if terms.rearrested is None else [col(Detainee.rearrested) == terms.rearrested]
        where.append(exists(select(1).where(Detainee.detainee == columns.detainee, at(Detainee, revision), *person)))
    return where


def facility_slug(session: Session, name: str, country: str | None) -> str:
    """The slug of the facility a term names by slug or name. Raises Invalid for one nobody registered."""
    facility = Views(session).facility(name, country)
    if facility is None:
        raise Invalid.at(
            "/facility",
            "unknown_facility",
            "No facility, or more than one, goes by this: give a slug of /v1/facilities.",
        )
    return facility.slug


Terms = TypeVar("Terms", bound=PersonTerms)


def with_facility_slug(session: Session, terms: Terms) -> Terms:
    """The terms with the facility by its slug: a name may be another's tomorrow, and the permalink stays."""
    if terms.facility is None:
        return terms
    return terms.model_copy(update={"facility": facility_slug(session, terms.facility, terms.country)})
