"""The kinds of things that are counted: releases, detentions, and people held on a day.

Each kind has one `Countable` record. To count something else, write its terms, its tables and windows in
`selection`, and its record."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any, TypeVar

from sqlmodel import Session

from app import dates
from app.errors import Invalid
from app.log.entries import load_recorded_at
from app.queries.dimensions import DETENTIONS, HELD, RELEASES
from app.queries.parameters import (
    BaseCountQuery,
    CountQuery,
    DetentionCountQuery,
    DetentionQuery,
    HeldCountQuery,
    HeldQuery,
    PageQuery,
    ReleaseQuery,
)
from app.queries.terms import CountTerms, DetentionCountTerms, HeldCountTerms, HeldTerms, SourcedTerms
from app.registry.records import TargetKind
from app.translations import Message
from app.vocabulary import Measure


def get_held_day(terms: HeldTerms) -> int:
    return dates.FIRST_DAY if terms.day is None else terms.day


AnyHeldTerms = TypeVar("AnyHeldTerms", bound=HeldTerms)


def resolve_held_day(session: Session, terms: AnyHeldTerms, revision: int, zone: tzinfo, now: datetime) -> AnyHeldTerms:
    """Return the terms with the one day they mean: the requested one, otherwise the day in `zone` on which the revision
    was recorded.

    Raise Invalid for a day that is in the future everywhere."""
    refuse_future(terms, now)
    if terms.day is not None:
        day = date.fromordinal(terms.day)
    elif revision:
        day = load_recorded_at(session, revision).astimezone(zone).date()
    else:
        return terms
    return terms.model_copy(update={"held_on": day.isoformat()})


def refuse_future(terms: HeldTerms, now: datetime) -> None:
    """Raise Invalid for a day that is in the future everywhere."""
    today = dates.latest_today(now)
    if terms.day is not None and terms.day > today:
        detail = Message(
            "Nobody knows who will be held: give a day up to {today}", today=date.fromordinal(today).isoformat()
        )
        raise Invalid.at_pointer(
            "/held_on", "in_future", Message("{detail}; a month or a year means its last day.", detail=detail)
        )


DayResolver = Callable[[Session, Any, int, tzinfo, datetime], Any]


def _return_terms(_session: Session, terms: Any, _revision: int, _zone: tzinfo, _now: datetime) -> Any:
    return terms


@dataclass(frozen=True)
class Countable:
    """One kind of thing that is counted.

    `noun`: its name in addresses and totals. `record`: the kind of record in its list. `terms`: the terms of its
    counts. `query`: these terms with a revision. `list_query`: the query of its list. `names`: singular and plural in
    English, then in Spanish. `title`: its title in a bibliography. `measure`: that of published figures of the same.
    `marker_term`: a term that only these counts echo and that identifies a short address; without one the address
    begins with the noun. `resolve_day`: sets the day that terms mean at a revision."""

    noun: str
    record: TargetKind
    terms: type[SourcedTerms]
    query: type[BaseCountQuery]
    list_query: type[PageQuery]
    names: tuple[str, str, str, str]
    title: str
    measure: Measure
    marker_term: str | None = None
    resolve_day: DayResolver = _return_terms

    @property
    def counts_path(self) -> str:
        """The path of its counts."""
        return f"/v1/counts/{self.noun}"

    @property
    def list_path(self) -> str:
        """The path of the list behind them."""
        return f"/v1/{self.noun}"


COUNTABLES = {
    countable.noun: countable
    for countable in (
        Countable(
            noun=RELEASES,
            record="release",
            terms=CountTerms,
            query=CountQuery,
            list_query=ReleaseQuery,
            marker_term="net",
            names=("release", "releases", "excarcelación", "excarcelaciones"),
            title="Releases",
            measure=Measure.RELEASED,
        ),
        Countable(
            noun=DETENTIONS,
            record="detention",
            terms=DetentionCountTerms,
            query=DetentionCountQuery,
            list_query=DetentionQuery,
            names=("detention", "detentions", "detención", "detenciones"),
            title="Detentions",
            measure=Measure.DETAINED,
        ),
        Countable(
            noun=HELD,
            record="detention",
            terms=HeldCountTerms,
            query=HeldCountQuery,
            list_query=HeldQuery,
            marker_term="house_arrest",
            names=("person held", "people held", "persona detenida", "personas detenidas"),
            title="People held",
            measure=Measure.HELD,
            resolve_day=resolve_held_day,
        ),
    )
}


def get_countable(terms: SourcedTerms) -> Countable:
    """Return what terms count or list."""
    return COUNTABLES[terms.noun]


def find_countable_of_path(address: str) -> Countable:
    """Return what the address of a count counts: its path ends with the noun."""
    return COUNTABLES[address.partition("?")[0].rpartition("/")[2]]


def find_countable_of_address(noun: str, terms: Collection[str]) -> Countable | None:
    """Return what a short address counts: by its noun, otherwise by the marker among its terms, otherwise releases."""
    if noun:
        return COUNTABLES.get(noun)
    return next(
        (countable for countable in COUNTABLES.values() if countable.marker_term in terms), COUNTABLES[RELEASES]
    )
