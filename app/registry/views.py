"""Sources and facilities as the projection needs them, read once per transaction."""

import json
from functools import cached_property
from typing import Self

from sqlalchemy import select
from sqlmodel import Session, col

from app.matching.names import fold
from app.models import OPEN, Facility, Source
from app.registry.projection import FacilityView, SourceView

_SOURCES = select(col(Source.key), col(Source.slug), col(Source.independent), col(Source.quarantined)).where(
    col(Source.until) == OPEN
)
_FACILITIES = (
    select(col(Facility.key), col(Facility.slug), col(Facility.names), col(Facility.area))
    .where(col(Facility.until) == OPEN)
    .order_by(col(Facility.key).desc())
)


class Views:
    """Look-ups over the standing sources and facilities: few rows, needed by most projections."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @classmethod
    def of(cls, session: Session) -> Self:
        """Those of the session's transaction, which all its writes share and keep current."""
        transaction = session.get_transaction()
        held = session.info.get(cls)
        if held is None or held[0] is not transaction:
            held = session.info[cls] = (transaction, cls(session))
        views: Self = held[1]
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
    def _facilities(self) -> dict[str, FacilityView]:
        """Folded slug or name → facility."""
        found: dict[str, FacilityView] = {}
        for key, slug, names_json, area in self._session.connection().execute(_FACILITIES):
            names = json.loads(names_json)
            view = FacilityView(key, slug, names[0], area)
            found |= {fold(name): view for name in (slug, *names)}
        return found

    def facility(self, said: str | None) -> FacilityView | None:
        """The registered facility of that slug or name, if there is one."""
        return None if said is None else self._facilities.get(fold(said))

    def forget_sources(self) -> None:
        self.__dict__.pop("sources_by_slug", None)
        self.__dict__.pop("sources", None)

    def forget_facilities(self) -> None:
        self.__dict__.pop("_facilities", None)
