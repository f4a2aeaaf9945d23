"""The address of the list behind a number, where terms can say which releases or detentions it counts."""

from typing import Any

from app.counts import buckets
from app.dates import parse_from, parse_to
from app.reading import terms as wording
from app.reading.countables import Countable
from app.reading.dimensions import DIMENSIONS
from app.reading.selection import COUNTING
from app.registry.schemas import MOST_SOURCES

Row = dict[str, Any]
WITHHELD = "withheld"
# Personal dimensions with several values per release: their groups overlap.
OVERLAPPING = frozenset(name for name, of in DIMENSIONS.items() if of.personal and of.several)


def address(countable: Countable, said: Row, named: Row, revision: int) -> str | None:
    """The address of what is behind a group; None where no filter can say which they are."""
    if unlisted(said, named):
        return None
    if said.get("net") and not all(DIMENSIONS[name].is_filter for name in named):
        return None  # the end of a bucket would become the day by which a re-arrest counts
    terms = {name: value for name, value in said.items() if name != "group_by"}
    if "source" in named:  # by that source's own days and kinds, as the group counts
        terms |= verified_too(terms, named["source"])
        if "net" in said:
            terms["source"] = named["source"]
    else:
        terms.setdefault("status", list(COUNTING))
    for name, value in named.items():
        dimension = DIMENSIONS[name]
        if dimension.unit and not dimension.is_filter:
            terms |= _narrower(terms, *buckets.bucket_dates(value, dimension.unit))
        else:
            terms[name] = [value] if dimension.asked_as_list else value
    return wording.link(countable.listed, terms, revision)


def unlisted(said: Row, named: Row) -> bool:
    """Whether no filter can say which a group's are: a value is missing or withheld, or the terms already ask for
    another value of a dimension that can have several."""
    return any(value in (None, WITHHELD) for value in named.values()) or any(
        named[name] not in said.get(name, [named[name]]) for name in named if name in OVERLAPPING
    )


def verified_too(terms: Row, slug: str) -> Row:
    """The term that asks that this source verified it too. `verified_by` and `all_of` mean the same, and a list has
    room for so many sources only: the first of the two that has room."""
    full = len(terms.get("verified_by", [])) == MOST_SOURCES
    name = "all_of" if full else "verified_by"
    return {name: list(dict.fromkeys([*terms.get(name, []), slug]))}


def _narrower(terms: Row, first: str, last: str) -> Row:
    """The window that a bucket and the terms have in common."""
    start, end = terms.get("released_from"), terms.get("released_to")
    return {
        "released_from": first if start is None or parse_from(start) < parse_from(first) else start,
        "released_to": last if end is None or parse_to(end) > parse_to(last) else end,
    }
