"""What terms name: the sources and the facility they ask about."""

from typing import TypeVar

from sqlalchemy import bindparam, func, select
from sqlmodel import Session, col

from app.errors import Invalid, pointed
from app.models import OPEN, Source
from app.reading.questions import EstimateQuery
from app.reading.terms import PersonTerms, SourcedTerms
from app.registry.views import Views

# Made once: building a statement costs more than running it.
_KEYS = select(col(Source.slug), col(Source.key)).where(
    col(Source.slug).in_(bindparam("some", expanding=True)), col(Source.until) == OPEN
)


def source_keys(session: Session, terms: SourcedTerms | EstimateQuery) -> dict[str, int]:
    """Slug → key of the sources the terms name. Raises Invalid for those that do not exist."""
    named = terms.sources_named()
    if not named:
        return {}
    slugs = sorted({slug for _pointer, slug in named})
    keys: dict[str, int] = dict(session.connection().execute(_KEYS, {"some": slugs}).all())
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
