"""The addresses of the lists behind numbers, where terms can say which releases or detentions these count."""

from collections.abc import Callable, Sequence
from functools import cache, partial

from app.counts import buckets
from app.dates import parse_from, parse_to
from app.log.entries import Pin
from app.reading import terms as wording
from app.reading.countables import Countable
from app.reading.dimensions import DIMENSIONS, DimensionValue, Window
from app.reading.selection import COUNTING
from app.reading.terms import EchoedTerms
from app.schemas.reports import MOST_SOURCES

WITHHELD = "withheld"
# Personal dimensions with several values per release: their groups overlap.
OVERLAPPING = frozenset(name for name, of in DIMENSIONS.items() if of.personal and of.several)

# Values of some dimensions → the terms by which a list is narrowed to them; None where no filter can.
Narrowing = Callable[..., EchoedTerms | None]


class ListAddresses:
    """The addresses of the lists behind the groups of one count. It may have thousands of them, and each value stands
    in many: how an address asks for one is worked out once."""

    def __init__(self, countable: Countable, echoed: EchoedTerms, names: Sequence[str], as_of: Pin) -> None:
        """`echoed`: the terms of the count; `names`: its dimensions, none for the list behind the total."""
        self._path, self._echoed = countable.listed, echoed
        self._terms = {name: value for name, value in echoed.items() if name != "group_by"}
        if "source" not in names:
            self._terms.setdefault("status", list(COUNTING))
        self._asked = _asked(self._terms)
        self._pinned = [wording.asked(*pair) for pair in wording.pinned(as_of)]
        # Net, the end of a bucket would become the day by which a re-arrest counts.
        self._is_none = bool(echoed.get("net")) and any(DIMENSIONS[name].window == "released" for name in names)
        self._narrowings = [
            (cache(partial(_asked_if_any, narrowing)), places) for narrowing, places in self._of_dimensions(names)
        ]

    def of(self, values: Sequence[DimensionValue]) -> str | None:
        """The address of the list behind a group, by the values of its dimensions; None where no filter can say what it
        lists."""
        if self._is_none:
            return None
        asked = {**self._asked}
        for narrowed, places in self._narrowings:
            more = narrowed(*(values[place] for place in places))
            if more is None:
                return None
            asked.update(more)
        return wording.address(self._path, [*asked.values(), *self._pinned])

    def _of_dimensions(self, names: Sequence[str]) -> list[tuple[Narrowing, list[int]]]:
        """In the order in which their terms stand, each with the places of its values: one for each dimension, for
        those of the days of one event together, and for what a group by source counts."""
        places: dict[str, list[int]] = {}
        for place, name in enumerate(names):
            places.setdefault(DIMENSIONS[name].window or name, []).append(place)
        found: list[tuple[Narrowing, list[int]]] = [(self._by_source, places["source"])] if "source" in places else []
        for of_them in places.values():
            dimensions = [names[place] for place in of_them]
            window = DIMENSIONS[dimensions[0]].window
            narrowing = (
                partial(self._with_value, dimensions[0])
                if window is None
                else partial(self._within_days, window, dimensions)
            )
            found.append((narrowing, of_them))
        return found

    def _by_source(self, slug: str) -> EchoedTerms:
        """By that source's own days and kinds, as the group counts."""
        terms: EchoedTerms = {**verified_too(self._terms, slug)}
        # `source` stands before the other terms, as in the addresses in print.
        return {**terms, "source": slug} if "net" in self._echoed else terms

    def _with_value(self, name: str, value: DimensionValue) -> EchoedTerms | None:
        """None where the value is missing or withheld, or where the terms already ask for another value of a dimension
        that can have several."""
        if value in (None, WITHHELD):
            return None
        if name in OVERLAPPING and name in self._echoed and value not in wording.each(self._echoed[name]):
            return None
        return {name: [str(value)] if DIMENSIONS[name].asked_as_list else str(value)}

    def _within_days(self, window: Window, names: Sequence[str], *texts: str | None) -> EchoedTerms | None:
        """The days that buckets and the window of the terms have in common."""
        opens, closes = f"{window}_from", f"{window}_to"
        narrowed = self._terms
        for name, text in zip(names, texts, strict=True):
            of_day = DIMENSIONS[name].of_day
            if text is None or of_day is None:
                return None
            first, last = buckets.bucket_dates(text, of_day[1])
            narrowed = {
                **narrowed,
                opens: max(str(narrowed.get(opens, first)), first, key=parse_from),
                closes: min(str(narrowed.get(closes, last)), last, key=parse_to),
            }
        return {name: narrowed[name] for name in (opens, closes)}


def _asked(terms: EchoedTerms) -> dict[str, str]:
    return {name: wording.asked(name, value) for name, value in terms.items()}


def _asked_if_any(narrowing: Narrowing, *values: DimensionValue) -> dict[str, str] | None:
    terms = narrowing(*values)
    return None if terms is None else _asked(terms)


def verified_too(terms: EchoedTerms, slug: str) -> EchoedTerms:
    """The term that asks that this source verified it too: `verified_by`, or where that has no room for another source
    `all_of`, which means the same."""
    full = len(wording.values_of(terms, "verified_by")) == MOST_SOURCES
    name = "all_of" if full else "verified_by"
    return {name: list(dict.fromkeys([*wording.values_of(terms, name), slug]))}
