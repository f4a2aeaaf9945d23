"""What terms name: the sources and the facility they ask about."""

import json
from collections.abc import Collection
from typing import TypeVar

from sqlalchemy import bindparam, func, select
from sqlmodel import Session, col

from app.errors import Invalid, pointed
from app.models import OPEN, Facility, Source
from app.reading.questions import EstimateQuery
from app.reading.terms import PersonTerms, SourcedTerms
from app.reading.visibility import at
from app.registry.directory_snapshot import Views

# Made once: building a statement costs more than running it.
_SOME = col(Source.slug).in_(bindparam("some", expanding=True))
_KEYS = select(col(Source.slug), col(Source.key)).where(_SOME, col(Source.until) == OPEN)
_NAMES = select(col(Source.slug), col(Source.name)).where(
    _SOME, col(Source.since) <= bindparam("at"), col(Source.until) > bindparam("at")
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


def source_names(session: Session, slugs: Collection[str], revision: int) -> dict[str, str]:
    """Slug → name of sources, as they were called at a revision."""
    if not slugs:
        return {}
    return dict(session.connection().execute(_NAMES, {"some": sorted(slugs), "at": revision}).all())


def facility_name(session: Session, slug: str, revision: int) -> str:
    """What a facility was called at a revision; its slug where it was registered later."""
    named = session.scalars(select(col(Facility.names)).where(col(Facility.slug) == slug, at(Facility, revision)))
    names = named.one_or_none()
    return slug if names is None else str(json.loads(names)[0])


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
