"""Personal terms by hand: whom they match, and whom they could not be asked of."""

from collections.abc import Collection, Iterator
from typing import Any

from app.queries.terms import DIMENSIONS
from app.registry.publication.permissions import Reader

Traits = Collection[tuple[str, str]]


def _asked(traits: Traits, terms: Any) -> Iterator[tuple[str, list[str], bool]]:
    """`(dimension, values asked about, whether they match)` of each personal term; a dimension of groups matches."""
    for name, values in terms.trait_values().items():
        yield name, values, any((name, value) in traits for value in values)
    for name, values in terms.excluded_values().items():
        known = {value for trait, value in traits if trait == name}
        yield name, values, bool(known) and known.isdisjoint(values)
    for name in terms.group_by:
        if DIMENSIONS[name].is_personal:
            yield name, [], True


def _sees(today: str, reader: Reader, name: str, values: list[str]) -> bool:
    return all(reader.can_see_trait(today, name, value) for value in values or [None])  # type: ignore[list-item]


def matches(traits: Traits, today: str, terms: Any, reader: Reader) -> bool:
    """Whether the reader may see that every personal filter matches."""
    filters = terms.model_copy(update={"group_by": []})
    return all(match and _sees(today, reader, name, values) for name, values, match in _asked(traits, filters))


def not_visible(traits: Traits, today: str, terms: Any, reader: Reader) -> bool:
    """Whether a personal term is closed to the reader, and those that are open match."""
    asked = list(_asked(traits, terms))
    opened = [(match, _sees(today, reader, name, values)) for name, values, match in asked]
    return not all(seen for _match, seen in opened) and all(match for match, seen in opened if seen)
