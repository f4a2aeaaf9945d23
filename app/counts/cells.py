"""How many cells a count may have: a group has one for each status, and for each number of verifying sources."""

from math import prod

from app.errors import Invalid
from app.reading.dimensions import DIMENSIONS, Dimension
from app.reading.terms import SourcedTerms, edges
from app.vocabulary import LISTS

# A year by days, statuses and ten sources. Ten megabytes; nobody reads more as one table.
MOST_CELLS = 20_000
TOO_MANY = (
    f"These groups would have more than {MOST_CELLS} cells: group by less, by weeks or months, or ask for fewer days."
)
DAYS_OF = {"day": 1, "week": 7, "month": 28}  # at least


def refuse_too_many(terms: SourcedTerms, names: list[str]) -> None:
    """Raises Invalid where the terms alone span too many, before anything is counted."""
    if prod(_values(DIMENSIONS[name], terms) for name in names) > MOST_CELLS:
        raise too_many()


def too_many() -> Invalid:
    return Invalid.at("/group_by", "too_many_groups", TOO_MANY)


def _values(dimension: Dimension, terms: SourcedTerms) -> int:
    """How many values of a dimension the terms leave, as far as they say: 1 where only the registry knows."""
    if dimension.of_day is not None:
        event, unit = dimension.of_day
        first, last = edges(getattr(terms, f"{event}_from"), getattr(terms, f"{event}_to"))
        return 1 if first is None or last is None else max(1, (last - first) // DAYS_OF[unit] + 1)
    asked = getattr(terms, dimension.name, None)
    if asked:
        return len(asked) if isinstance(asked, list) else 1
    return 1 if dimension.codes is None else len(LISTS[dimension.codes])
