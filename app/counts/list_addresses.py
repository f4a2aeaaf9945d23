"""The address of the list behind a number, where terms can say which releases or detentions it counts."""

from typing import Any

from app.counts import buckets
from app.counts.buckets import Unit
from app.dates import parse_from, parse_to
from app.reading import terms as wording
from app.reading.selection import COUNTING
from app.registry.schemas import MOST_SOURCES

Row = dict[str, Any]
WITHHELD = "withheld"
# Dimensions with several values per release: their groups overlap.
MULTIPLE_TRAITS = frozenset({"nationality"})
UNITS: dict[str, Unit] = {"day": "day", "week": "week", "month": "month"}


def of_releases(said: Row, named: Row, revision: int) -> str | None:
    """The address of the releases behind a group; None where no filter can say which they are."""
    if unlisted(said, named):
        return None
    if said["net"] and UNITS.keys() & named.keys():
        return None  # the end of a bucket would become the day by which a re-arrest counts
    terms = {name: value for name, value in said.items() if name != "group_by"}
    if "source" in named:  # by that source's own days and kinds, as the group counts
        terms |= verified_too(terms, named["source"])
        terms["source"] = named["source"]
    else:
        terms.setdefault("status", list(COUNTING))
    for name, value in named.items():
        if name in UNITS:
            terms |= _narrower(terms, *buckets.bucket_dates(value, UNITS[name]))
        elif name in ("kind", "status", *MULTIPLE_TRAITS):
            terms[name] = [value]
        else:
            terms[name] = value
    return wording.link("/v1/releases", terms, revision)


def unlisted(said: Row, named: Row) -> bool:
    """Whether no filter can say which a group's are: a value is missing or withheld, or the terms already ask for
    another value of a dimension that can have several."""
    return any(value in (None, WITHHELD) for value in named.values()) or any(
        named[name] not in said.get(name, [named[name]]) for name in MULTIPLE_TRAITS & named.keys()
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


def of_detentions(said: Row, named: Row, revision: int) -> str | None:
    """The address of the detentions behind a group; None where no filter can say which they are."""
    if unlisted(said, named):
        return None
    terms = {name: value for name, value in said.items() if name != "group_by"}
    if "source" in named:  # by that source's own days, as the group counts
        terms |= verified_too(terms, named["source"])
    else:
        terms.setdefault("status", list(COUNTING))
    terms |= {name: [value] if name in ("status", *MULTIPLE_TRAITS) else value for name, value in named.items()}
    return wording.link("/v1/detentions", terms, revision)
