"""The address of the list behind a number, where terms can say which releases or detentions it counts."""

from collections.abc import Mapping

from app.counts import buckets
from app.dates import parse_from, parse_to
from app.log.entries import Pin
from app.reading import terms as wording
from app.reading.countables import Countable
from app.reading.dimensions import DIMENSIONS, DimensionValue, Window
from app.reading.selection import COUNTING
from app.reading.terms import EchoedTerms
from app.registry.schemas import MOST_SOURCES

WITHHELD = "withheld"
# Personal dimensions with several values per release: their groups overlap.
OVERLAPPING = frozenset(name for name, of in DIMENSIONS.items() if of.personal and of.several)


def address(countable: Countable, echoed: EchoedTerms, named: Mapping[str, DimensionValue], as_of: Pin) -> str | None:
    """The address of the list behind a group, `named` by its values; None where no filter can say what it lists.
    `echoed`: the terms of the count."""
    if unlisted(echoed, named):
        return None
    if echoed.get("net") and any(DIMENSIONS[name].window == "released" for name in named):
        return None  # the end of a bucket would become the day by which a re-arrest counts
    terms = {name: value for name, value in echoed.items() if name != "group_by"}
    if "source" in named:  # by that source's own days and kinds, as the group counts
        source = str(named["source"])
        terms |= verified_too(terms, source)
        if "net" in echoed:  # `source` stands before the other terms, as in the addresses in print
            terms["source"] = source
    else:
        terms.setdefault("status", list(COUNTING))
    for name, value in named.items():
        dimension, text = DIMENSIONS[name], str(value)
        if dimension.of_day is not None:
            window, unit = dimension.of_day
            terms |= _narrower(terms, window, *buckets.bucket_dates(text, unit))
        else:
            terms[name] = [text] if dimension.asked_as_list else text
    return wording.link(countable.listed, terms, as_of)


def unlisted(echoed: EchoedTerms, named: Mapping[str, DimensionValue]) -> bool:
    """Whether no filter can say what a group counts: a value is missing or withheld, or the terms already ask for
    another value of a dimension that can have several."""
    return any(value in (None, WITHHELD) for value in named.values()) or any(
        name in echoed and value not in wording.each(echoed[name])
        for name, value in named.items()
        if name in OVERLAPPING
    )


def verified_too(terms: EchoedTerms, slug: str) -> EchoedTerms:
    """The term that asks that this source verified it too: `verified_by`, or where that has no room for another source
    `all_of`, which means the same."""
    full = len(wording.values_of(terms, "verified_by")) == MOST_SOURCES
    name = "all_of" if full else "verified_by"
    return {name: list(dict.fromkeys([*wording.values_of(terms, name), slug]))}


def _narrower(terms: EchoedTerms, window: Window, first: str, last: str) -> EchoedTerms:
    """The days that a bucket and the window of the terms have in common."""
    opens, closes = f"{window}_from", f"{window}_to"
    return {
        opens: max(str(terms.get(opens, first)), first, key=parse_from),
        closes: min(str(terms.get(closes, last)), last, key=parse_to),
    }
