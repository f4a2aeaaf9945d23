"""Look up the sources, facilities and areas that terms name."""

import json
from collections.abc import Collection, Sequence
from typing import TypeVar

import numpy as np
from sqlalchemy import bindparam, func
from sqlalchemy import select as sql_select
from sqlmodel import Session, col

from app.columns import table
from app.columns.rows import is_any_of
from app.columns.store import get_columns
from app.errors import Invalid, build_pointed_error
from app.formats import COUNTRIES
from app.models import OPEN, Facility, Source
from app.queries.parameters import EstimateQuery
from app.queries.selection.visibility import SqlCondition, load_traits, match_hidden_trait, match_visible, valid_at
from app.queries.term_values import add_suggestion, find_nearest, fold_value
from app.queries.terms import PersonTerms, SourcedTerms
from app.registry.directory_snapshot import DirectorySnapshot
from app.registry.publication.permissions import Reader
from app.schemas.base import UnknownValue
from app.translations import Message
from app.vocabulary import SourceKind

NO_AREAS_DETAIL = "No facility of this registry has an area: /v1/facilities lists them without."
NO_DESTINATION_DETAIL = (
    "No list shows this destination: write it as the rows of /v1/releases do, or a country as a code in capitals, "
    "such as ES."
)

# Built once: building a statement costs more than running it.
_SLUG_FILTER = col(Source.slug).in_(bindparam("slugs", expanding=True))
_SOURCE_KEYS = sql_select(col(Source.slug), col(Source.key)).where(_SLUG_FILTER, col(Source.until) == OPEN)
_SOURCE_NAMES = sql_select(col(Source.slug), col(Source.name)).where(
    _SLUG_FILTER, col(Source.since) <= bindparam("revision"), col(Source.until) > bindparam("revision")
)


def load_source_keys(session: Session, terms: SourcedTerms | EstimateQuery, revision: int) -> dict[str, int]:
    """Return a dict of slug → key of the sources the terms name. Raise Invalid as `find_source_keys`."""
    return find_source_keys(session, terms.list_named_sources(), revision)


def find_source_keys(session: Session, named_sources: Sequence[tuple[str, str]], revision: int) -> dict[str, int]:
    """Return a dict of slug → key of sources. `named_sources`: `(pointer, slug)`.

    Raise Invalid for sources that do not exist, with the nearest of those registered at the revision."""
    if not named_sources:
        return {}
    slugs = sorted({slug for _pointer, slug in named_sources})
    keys: dict[str, int] = dict(session.connection().execute(_SOURCE_KEYS, {"slugs": slugs}).all())
    detail = "No source has this slug: see /v1/sources."
    unknown = [(pointer, slug) for pointer, slug in named_sources if slug not in keys]
    if unknown:
        statement = sql_select(col(Source.name), col(Source.slug)).where(valid_at(Source, revision))
        listed = [pair for name, slug in session.execute(statement) for pair in ((slug, slug), (name, slug))]
        errors = [
            build_pointed_error(pointer, "unknown_source", add_suggestion(detail, find_nearest(slug, listed)))
            for pointer, slug in unknown
        ]
        raise Invalid(errors[0]["detail"], *errors)
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


def _find_facility_slug(session: Session, name: str, country: str | None, revision: int) -> str:
    """Return the slug of the facility that a term names by slug or name. Raise Invalid if it is not registered, with
    the nearest of those registered at the revision."""
    facility = DirectorySnapshot(session).find_facility(name, country)
    if facility is not None:
        return facility.slug
    statement = sql_select(col(Facility.slug), col(Facility.names)).where(valid_at(Facility, revision))
    if country is not None:
        statement = statement.where(col(Facility.country) == country)
    listed = [(known, slug) for slug, names in session.execute(statement) for known in (slug, *json.loads(names))]
    detail = "No facility, or more than one, goes by this: give a slug of /v1/facilities."
    raise Invalid.at_pointer("/facility", "unknown_facility", add_suggestion(detail, find_nearest(name, listed)))


def _find_area(session: Session, area: str, revision: int) -> str:
    """Return the area of facilities that a term means; the term itself if no facility has an area.

    An area that facilities had at any revision is known, so that a citation outlives its new name. Raise Invalid for
    another one, with the nearest of those listed at the revision."""
    listed = _list_areas(session)
    if not listed or area in listed:
        return area
    folded = fold_value(area)
    known = next((one for one in listed if fold_value(one) == folded), None)
    if known is None:
        nearest = find_nearest(area, [(one, one) for one in _list_areas(session, valid_at(Facility, revision))])
        detail = "No facility lies in an area of this name: give an `area` of /v1/facilities."
        raise Invalid.at_pointer("/area", "unknown_area", add_suggestion(detail, nearest))
    return known


def _list_areas(session: Session, *conditions: SqlCondition) -> list[str]:
    """Return the areas of facilities in order, at any revision unless the conditions say otherwise."""
    area = col(Facility.area)
    return [*session.scalars(sql_select(area).where(area.is_not(None), *conditions).distinct().order_by(area))]


Terms = TypeVar("Terms", bound=PersonTerms)


def resolve_places(session: Session, terms: Terms, revision: int) -> Terms:
    """Return the terms with the slug of the facility and the area as listed: a name may belong to another facility
    tomorrow, but the permalink stays. Raise Invalid for places that are not listed."""
    places = {}
    if terms.facility is not None:
        places["facility"] = _find_facility_slug(session, terms.facility, terms.country, revision)
    if terms.area is not None:
        places["area"] = _find_area(session, terms.area, revision)
    return terms.model_copy(update=places) if places else terms


def find_unknown_values(session: Session, terms: PersonTerms, reader: Reader, revision: int) -> list[UnknownValue]:
    """Return warnings of free text in terms that no public list has and that the reader sees in no list.

    Values that are hidden from the reader count as absent."""
    unknown_values: list[UnknownValue] = []
    if terms.area is not None and not _list_areas(session):
        unknown_values.append({"code": "unknown_value", "parameter": "area", "detail": NO_AREAS_DETAIL})
    destination = terms.destination
    if (
        destination is not None
        and destination not in COUNTRIES
        and not _is_listed_destination(session, destination, reader, revision)
    ):
        unknown_values.append({"code": "unknown_value", "parameter": "destination", "detail": NO_DESTINATION_DETAIL})
    return unknown_values


def _is_listed_destination(session: Session, destination: str, reader: Reader, revision: int) -> bool:
    """Return whether a list shows the reader a release with this destination."""
    columns = get_columns(session)
    traits = load_traits(columns, "destination", revision, by_source=False)
    people = traits[table.PERSON_COLUMN]
    is_listed = is_any_of(traits["value"], columns.values.find_codes([destination]))
    is_listed &= match_visible(columns, people, reader, revision)
    is_hidden = match_hidden_trait(columns, people, reader, "destination", revision, [destination])
    return bool(np.any(is_listed if is_hidden is None else is_listed & ~is_hidden))
