"""What is counted: releases, and who is held. What sets one apart from the other stands here, in one record each;
beside that, a few files of `counts` ask which of the two they count.

To count something else, write its terms, the selection that they mean, and its record.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, Literal, Protocol

from sqlmodel import Session

from app.reading.dimensions import DETENTIONS, RELEASES
from app.reading.held import HELD_TABLES, dated, select_held, silent
from app.reading.questions import CountedQuery, CountQuery, HeldQuery
from app.reading.selection import RELEASE_TABLES, CountedTables, Selection, select_releases
from app.reading.terms import CountTerms, HeldCountTerms, SourcedTerms
from app.reading.visibility import Condition
from app.registry.read_permissions import Reader
from app.registry.records import Kind


class Select(Protocol):
    """The rows that terms mean at a revision; `by_source`: one for each source, by its own values."""

    def __call__(
        self, session: Session, terms: Any, reader: Reader, revision: int, *, by_source: bool = False
    ) -> Selection: ...


Dated = Callable[[Session, Any, int, tzinfo, datetime], Any]


def _as_they_are(_session: Session, terms: Any, _revision: int, _zone: tzinfo, _now: datetime) -> Any:
    return terms


@dataclass(frozen=True)
class Countable:
    """One kind of thing that is counted.

    `noun`: its name in addresses and totals; `record`: the kind of record that its list shows; `terms`: the terms of
    its counts; `query`: these terms with a revision; `names`: singular and plural in English, then in Spanish; `title`:
    its title in a bibliography; `mark`: a term that only these counts echo, by which a short address is recognised;
    without one the address begins with the noun; `dated`: gives terms the day they mean at a revision; `beside`:
    numbers beside the total, each with the condition under which a counted row is part of it.
    """

    noun: str
    record: Kind
    tables: CountedTables
    select: Select
    terms: type[SourcedTerms]
    query: type[CountedQuery]
    names: tuple[str, str, str, str]
    title: str
    mark: str | None = None
    dated: Dated = _as_they_are
    beside: Mapping[Literal["not_heard_since"], Callable[[Any], Condition]] = field(default_factory=dict)

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
            tables=RELEASE_TABLES,
            select=select_releases,
            terms=CountTerms,
            query=CountQuery,
            mark="net",
            names=("release", "releases", "excarcelación", "excarcelaciones"),
            title="Releases",
        ),
        Countable(
            noun=DETENTIONS,
            record="detention",
            tables=HELD_TABLES,
            select=select_held,
            terms=HeldCountTerms,
            query=HeldQuery,
            mark="house_arrest",
            names=("person held", "people held", "persona detenida", "personas detenidas"),
            title="People held",
            dated=dated,
            beside={"not_heard_since": silent},
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
