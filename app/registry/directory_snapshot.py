"""Look up current sources and facilities, read once per transaction."""

import json
from collections.abc import Collection
from functools import cached_property, lru_cache
from typing import Any, Self

from sqlalchemy import select
from sqlmodel import Session, col

from app.log.entries import LogEntry
from app.matching.scripts import WORD_CACHE_SIZE, fold
from app.models import OPEN, Facility, Source
from app.projection import FacilityView, SourceView

_SOURCES = select(col(Source.key), col(Source.slug), col(Source.independent), col(Source.quarantined)).where(
    col(Source.until) == OPEN
)
_SOURCE_NAMES = select(col(Source.slug), col(Source.name)).where(col(Source.until) == OPEN)
_FACILITIES = (
    select(col(Facility.key), col(Facility.slug), col(Facility.names), col(Facility.area), col(Facility.country))
    .where(col(Facility.until) == OPEN)
    .order_by(col(Facility.key).desc())
)


# Cached across transactions: every transaction that looks for a facility folds the names of all. They are public.
_fold_registered = lru_cache(WORD_CACHE_SIZE)(fold)


class DirectorySnapshot:
    """The current sources and facilities of a transaction: few rows that most projections need."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @classmethod
    def for_session(cls, session: Session) -> Self:
        """Return the views of the session's transaction, which all its writes share and keep current."""
        session.connection()  # begins a transaction if there is none
        transaction = session.get_transaction()
        cached = session.info.get(cls)
        if cached is None or cached[0] is not transaction:
            cached = session.info[cls] = (transaction, cls(session))
        views: Self = cached[1]
        return views

    @cached_property
    def sources_by_slug(self) -> dict[str, SourceView]:
        rows = self._session.connection().execute(_SOURCES)
        return {
            slug: SourceView(key, slug, independent and not quarantined) for key, slug, independent, quarantined in rows
        }

    @cached_property
    def sources(self) -> dict[int, SourceView]:
        return {view.key: view for view in self.sources_by_slug.values()}

    @cached_property
    def source_names(self) -> dict[str, str]:
        """Return case-folded slug or name → slug."""
        rows = self._session.connection().execute(_SOURCE_NAMES).all()
        return {name.casefold(): slug for slug, name in rows} | {slug: slug for slug, _name in rows}

    @cached_property
    def _facilities(self) -> dict[str, dict[str | None, FacilityView]]:
        """Return folded name → country → facility: every country may have a Central Prison.

        A slug is unique and is stored under country None."""
        facilities: dict[str, dict[str | None, FacilityView]] = {}
        for key, slug, names_json, area, country in self._session.connection().execute(_FACILITIES):
            names = json.loads(names_json)
            view = FacilityView(key, slug, names[0], area)
            facilities.setdefault(_fold_registered(slug), {})[None] = view
            for name in names:
                facilities.setdefault(_fold_registered(name), {})[country] = view
        return facilities

    @property
    def facility_names(self) -> Collection[str]:
        """Return every folded slug and name of a registered facility in any country."""
        return self._facilities.keys()

    def find_facility(self, name: str | None, country: str | None) -> FacilityView | None:
        """Return the registered facility with this slug, or with this name in the country.

        Without a country, the name must be unique."""
        facilities = {} if name is None else self._facilities.get(fold(name), {})
        if None in facilities or country in facilities:
            return facilities.get(country) or facilities[None]
        return next(iter(facilities.values())) if country is None and len(facilities) == 1 else None

    def is_unregistered_place(self, name: str | None, country: str | None) -> bool:
        """Return whether a report names a place that is not registered."""
        return name is not None and self.find_facility(name, country) is None

    def forget_sources(self) -> None:
        self.__dict__.pop("sources_by_slug", None)
        self.__dict__.pop("sources", None)
        self.__dict__.pop("source_names", None)

    def forget_facilities(self) -> None:
        self.__dict__.pop("_facilities", None)


def find_current_row(session: Session, table: Any, slug: str) -> Any:
    """Return the current version of a source or facility, or None."""
    return session.scalars(select(table).where(table.slug == slug, table.until == OPEN)).one_or_none()


def find_unregistered_place(session: Session, entry: LogEntry) -> str | None:
    """Return the place named by the report in an entry, if it is not registered."""
    place_name: str | None = entry.personal.get("detention.facility")
    country = entry.body["said"].get("detention.country")
    return place_name if DirectorySnapshot.for_session(session).is_unregistered_place(place_name, country) else None


def find_source_country(session: Session, source: int) -> str | None:
    """Return the country of a source by its key."""
    is_current = (col(Source.key) == source, col(Source.until) == OPEN)
    return session.scalars(select(col(Source.country)).where(*is_current)).one_or_none()
