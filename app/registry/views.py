"""Sources and facilities as the projection needs them, read once per transaction."""

import json
from functools import cached_property

from sqlalchemy import select
from sqlmodel import Session, col

from app.matching.names import fold
from app.models import OPEN, Facility, Source
from app.registry.projection import FacilityView, SourceView


class Views:
    """Look-ups over the standing sources and facilities: few rows, needed by most projections."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @cached_property
    def sources_by_slug(self) -> dict[str, SourceView]:
        rows = self._session.execute(
            select(col(Source.key), col(Source.slug), col(Source.independent), col(Source.quarantined)).where(
                col(Source.until) == OPEN
            )
        )
        return {
            slug: SourceView(key, slug, independent and not quarantined) for key, slug, independent, quarantined in rows
        }

    @cached_property
    def sources(self) -> dict[int, SourceView]:
        return {view.key: view for view in self.sources_by_slug.values()}

    @cached_property
    def _facilities(self) -> dict[str, FacilityView]:
        """Folded slug or name → facility."""
        found: dict[str, FacilityView] = {}
        rows = self._session.scalars(select(Facility).where(col(Facility.until) == OPEN))
        for facility in sorted(rows, key=lambda row: -row.key):
            names = json.loads(facility.names)
            view = FacilityView(facility.key, facility.slug, names[0], facility.area)
            found |= {fold(name): view for name in (facility.slug, *names)}
        return found

    def facility(self, said: str | None) -> FacilityView | None:
        """The registered facility of that slug or name, if there is one."""
        return None if said is None else self._facilities.get(fold(said))

    def forget_sources(self) -> None:
        self.__dict__.pop("sources_by_slug", None)
        self.__dict__.pop("sources", None)

    def forget_facilities(self) -> None:
        self.__dict__.pop("_facilities", None)
