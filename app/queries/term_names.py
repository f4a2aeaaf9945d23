"""Look up the sources and facilities that terms name."""

import json
from collections.abc import Collection
from typing import TypeVar

from sqlalchemy import bindparam, func
from sqlalchemy import select as sql_select
from sqlmodel import Session, col

from app.errors import Invalid, build_pointed_error
from app.models import OPEN, Facility, Source
from app.queries.parameters import EstimateQuery
from app.queries.terms import PersonTerms, SourcedTerms
from app.queries.visibility import valid_at
from app.registry.directory_snapshot import DirectorySnapshot
from app.translations import Message
from app.vocabulary import SourceKind

# Built once: building a statement costs more than running it.
_SLUG_FILTER = col(Source.slug).in_(bindparam("slugs", expanding=True))
_SOURCE_KEYS = sql_select(col(Source.slug), col(Source.key)).where(_SLUG_FILTER, col(Source.until) == OPEN)
_SOURCE_NAMES = sql_select(col(Source.slug), col(Source.name)).where(
    _SLUG_FILTER, col(Source.since) <= bindparam("revision"), col(Source.until) > bindparam("revision")
)


def load_source_keys(session: Session, terms: SourcedTerms | EstimateQuery) -> dict[str, int]:
    """Return a dict of slug → key of the sources the terms name. Raise Invalid for those that do not exist."""
    named_sources = terms.list_named_sources()
    if not named_sources:
        return {}
    slugs = sorted({slug for _pointer, slug in named_sources})
    keys: dict[str, int] = dict(session.connection().execute(_SOURCE_KEYS, {"slugs": slugs}).all())
    detail = "No source has this slug: see /v1/sources."
    unknown = [
        build_pointed_error(pointer, "unknown_source", detail) for pointer, slug in named_sources if slug not in keys
    ]
    if unknown:
        raise Invalid(detail, *unknown)
    return keys


def load_keys_of_kinds(session: Session, kinds: Collection[SourceKind], revision: int) -> list[int]:
    """Return the keys of the sources that were of one of these kinds at a revision."""
    statement = sql_select(col(Source.key)).where(col(Source.kind).in_(kinds), valid_at(Source, revision))
    return list(session.connection().execute(statement).scalars())


def load_source_names(session: Session, slugs: Collection[str], revision: int) -> dict[str, str]:
    """Return a dict of slug → name of sources at a revision."""
    if not slugs:
        return {}
    return dict(session.connection().execute(_SOURCE_NAMES, {"slugs": sorted(slugs), "revision": revision}).all())


def load_facility_name(session: Session, slug: str, revision: int) -> str:
    """Return the name of a facility at a revision; its slug if it was registered later."""
    result = session.scalars(
        sql_select(col(Facility.names)).where(col(Facility.slug) == slug, valid_at(Facility, revision))
    )
    names = result.one_or_none()
    return slug if names is None else str(json.loads(names)[0])


def check_source_counts(session: Session, terms: SourcedTerms) -> None:
    """Raise Invalid if the terms require more sources than exist: a count of 0 would look like an answer."""
    if terms.min_sources is None:
        return
    source_count = session.scalars(sql_select(func.count()).select_from(Source).where(col(Source.until) == OPEN)).one()
    if terms.min_sources > source_count:
        detail = Message("There are {source_count} sources: ask for 1 to {source_count}.", source_count=source_count)
        raise Invalid.at_pointer(
            "/min_sources", "too_many_sources", detail if source_count else "There are no sources yet."
        )


def find_facility_slug(session: Session, name: str, country: str | None) -> str:
    """Return the slug of the facility that a term names by slug or name. Raise Invalid if it is not registered."""
    facility = DirectorySnapshot(session).find_facility(name, country)
    if facility is None:
        raise Invalid.at_pointer(
            "/facility",
            "unknown_facility",
            "No facility, or more than one, goes by this: give a slug of /v1/facilities.",
        )
    return facility.slug


Terms = TypeVar("Terms", bound=PersonTerms)


def resolve_facility_slug(session: Session, terms: Terms) -> Terms:
    """Return the terms with the slug of the facility: a name may belong to another facility tomorrow, but the permalink
    stays."""
    if terms.facility is None:
        return terms
    return terms.model_copy(update={"facility": find_facility_slug(session, terms.facility, terms.country)})
