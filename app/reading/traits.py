"""Personal dimensions of selected rows: where their values stand, which filters ask for them, and which of those a
reader may not ask (rule 11)."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import and_, exists, or_, select, true

from app.models import CLASSES_OF_TODAY, SourceTrait, Trait
from app.reading.dimensions import DIMENSIONS, Stands
from app.reading.terms import PersonTerms
from app.reading.visibility import Condition, at, hidden, sees_all, unless
from app.registry.read_permissions import Reader


def trait_of(trait: Any, own: Any, columns: Any, name: str, revision: int) -> tuple[Any, Condition]:
    """The table in which a personal dimension of a selected row stands, `trait` or `own`, and which of its rows are the
    row's: by the word of the source whose row it is, where the dimension rests on that."""
    by_source = DIMENSIONS[name].stands is Stands.PLACE and getattr(columns, "source", None) is not None
    table = own if by_source else trait
    of_row = and_(table.spell == columns.spell, table.name == name, at(table, revision))
    return table, and_(of_row, table.source == columns.source) if by_source else of_row


def personal_filters(terms: PersonTerms, columns: Any, revision: int) -> Iterator[tuple[str, list[str], Condition]]:
    """`(dimension, values asked about, whether a row matches)`; the facility by its slug."""
    for name, values in terms.traits().items():
        yield name, values, _has_trait(columns, name, revision, values)
    for name, values in terms.excluded().items():
        yield name, values, and_(_has_trait(columns, name, revision), ~_has_trait(columns, name, revision, values))


def _has_trait(columns: Any, name: str, revision: int, values: Sequence[str] | None = None) -> Condition:
    """Whether a row has a value of a dimension, one of `values` where they are given."""
    table, of_row = trait_of(Trait, SourceTrait, columns, name, revision)
    among = () if values is None else (table.value.in_(values),)
    return exists(select(1).where(of_row, *among))


def partly_hidden(columns: Any, terms: Any, reader: Reader, revision: int) -> Condition | None:
    """A condition on rows that match the terms without their personal ones: the person's class hides at least one of
    these from the reader, and the row matches all that it opens. None where no class hides any from the reader.

    Neither a value that is hidden nor whether there is one is read."""
    filters = [*personal_filters(terms, columns, revision)]
    filters += [(name, [], true()) for name in getattr(terms, "group_by", []) if DIMENSIONS[name].personal]
    conditions: list[Condition] = []
    for place, publish in enumerate(CLASSES_OF_TODAY):
        seen = [sees_all(reader, publish, name, values) for name, values, _matching in filters]
        if all(seen):
            continue
        own = hidden(columns.detainee, (publish,), revision)
        stricter = CLASSES_OF_TODAY[place + 1 :]
        theirs = and_(own, ~hidden(columns.detainee, stricter, revision)) if stricter else own
        opened = (match for (_name, _values, match), is_seen in zip(filters, seen, strict=True) if is_seen)
        conditions.append(unless(~theirs, and_(true(), *opened)))
    return or_(*conditions) if conditions else None
