"""What is counted: releases, and who is held. What sets one apart from the other stands here, in one record each;
beside that, a few files ask which of the two they count, `selection.py` first.

To count something else, write its terms, its tables and windows in `selection.py`, and its record.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from sqlmodel import Session

from app.reading.dimensions import DETENTIONS, RELEASES
from app.reading.held import dated
from app.reading.questions import CountedQuery, CountQuery, HeldQuery
from app.reading.terms import CountTerms, HeldCountTerms, SourcedTerms
from app.registry.records import Kind

Dated = Callable[[Session, Any, int, tzinfo, datetime], Any]


def _as_they_are(_session: Session, terms: Any, _revision: int, _zone: tzinfo, _now: datetime) -> Any:
    return terms


@dataclass(frozen=True)
class Countable:
    """One kind of thing that is counted.

    `noun`: its name in addresses and totals; `record`: the kind of record that its list shows; `terms`: the terms of
    its counts; `query`: these terms with a revision; `names`: singular and plural in English, then in Spanish; `title`:
    its title in a bibliography; `mark`: a term that only these counts echo, by which a short address is recognised;
    without one the address begins with the noun; `dated`: gives terms the day they mean at a revision.
    """

    noun: str
    record: Kind
    terms: type[SourcedTerms]
    query: type[CountedQuery]
    names: tuple[str, str, str, str]
    title: str
    mark: str | None = None
    dated: Dated = _as_they_are

    @property
    def counted(self) -> str:
        """The address of its counts."""
        return f"/v1/counts/{self.noun}"

    @property
    def listed(self) -> str:
        """The address of the list behind them."""
        return f"/v1/{self.noun}"


COUNTABLES = {
    countable.noun: countable
    for countable in (
        Countable(
            noun=RELEASES,
            record="release",
            terms=CountTerms,
            query=CountQuery,
            mark="net",
            names=("release", "releases", "excarcelación", "excarcelaciones"),
            title="Releases",
        ),
        Countable(
            noun=DETENTIONS,
            record="detention",
            terms=HeldCountTerms,
            query=HeldQuery,
            mark="house_arrest",
            names=("person held", "people held", "persona detenida", "personas detenidas"),
            title="People held",
            dated=dated,
        ),
    )
}


def countable_of(terms: SourcedTerms) -> Countable:
    """What terms count or list."""
    return COUNTABLES[terms.noun]


def countable_counted(total: Mapping[str, Any]) -> Countable:
    """What a total counts: the noun is its key."""
    return next(countable for noun, countable in COUNTABLES.items() if noun in total)


def countable_addressed(noun: str, terms: Collection[str]) -> Countable | None:
    """What a short address counts, by the noun it says, else by the mark among its terms; without one, releases."""
    if noun:
        return COUNTABLES.get(noun)
    return next((countable for countable in COUNTABLES.values() if countable.mark in terms), COUNTABLES[RELEASES])
