"""Which terms on the person hold of which rows, as far as the reader may ask (rule 11).

What may not be seen decides nothing: it is taken out of a condition before any row is chosen by it, so that an answer
takes as long whatever a hidden value is."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from app.columns import table
from app.columns.loader import Columns
from app.columns.rows import Mask, Rows, among, flags, some, some_pairs
from app.models import CLASSES_OF_TODAY
from app.reading.classes import hidden, hidden_trait
from app.reading.dimensions import DIMENSIONS, Stands
from app.reading.terms import PersonTerms
from app.reading.visibility import sees_all
from app.registry.publication.permissions import Reader


def rests_on_source(name: str, *, own: bool) -> bool:
    """Whether a personal dimension of a row rests on the word of the source whose row it is."""
    return own and DIMENSIONS[name].stands is Stands.PLACE


def traits(columns: Columns, name: str, revision: int, *, by_source: bool) -> Rows:
    """The rows that say a personal dimension at a revision."""
    return columns.rows(table.SOURCE_TRAITS if by_source else table.TRAITS, revision, ("name", name))


def said_of(columns: Columns, rows: Rows, said: Rows, which: Mask, *, by_source: bool) -> Mask:
    """Whether some of what is said is said of a row: of its spell, or of its spell by its source."""
    if not by_source:
        return some(columns.keys, rows["spell"], said["spell"], which)
    return some_pairs(columns.keys, (rows["spell"], rows["source"]), (said["spell"], said["source"]), which)


def _has_trait(
    columns: Columns, rows: Rows, name: str, revision: int, values: Sequence[str] | None, *, own: bool
) -> Mask:
    """Whether a row has a value of a dimension, one of `values` where they are given."""
    by_source = rests_on_source(name, own=own)
    said = traits(columns, name, revision, by_source=by_source)
    asked = np.ones(len(said), bool) if values is None else among(said["value"], columns.values.each(values))
    # All that is said is looked through, so that the time does not tell how much of it was asked about.
    return said_of(columns, rows, said, asked, by_source=by_source)


def _personal_filters(
    columns: Columns, rows: Rows, terms: PersonTerms, revision: int, *, own: bool
) -> Iterator[tuple[str, list[str], Mask]]:
    """`(dimension, values asked about, whether each row matches)`; the facility by its slug."""
    for name, values in terms.traits().items():
        yield name, values, _has_trait(columns, rows, name, revision, values, own=own)
    for name, values in terms.excluded().items():
        known = _has_trait(columns, rows, name, revision, None, own=own)
        yield name, values, known & ~_has_trait(columns, rows, name, revision, values, own=own)


def meant(
    columns: Columns, rows: Rows, terms: PersonTerms, reader: Reader, revision: int, *, own: bool
) -> Iterator[Mask]:
    """The conditions of the terms on the person and the detention, but for its day. `own`: the rows are those of
    sources, whose own word decides where the person was held."""
    if terms.country is not None:
        yield rows["country"] == columns.codes.of(terms.country)
    if terms.designation is not None:
        yield rows["designation"] == columns.codes.of(terms.designation)
    for name, values, matching in _personal_filters(columns, rows, terms, revision, own=own):
        unseen = hidden_trait(columns, rows[table.PERSON], reader, name, revision, values)
        yield matching if unseen is None else matching & ~unseen
    if terms.state is not None or terms.rearrested is not None:
        people = columns.rows(table.PEOPLE, revision)
        such = np.ones(len(people), bool)
        if terms.state is not None:
            such &= people["state"] == columns.codes.of(terms.state)
        if terms.rearrested is not None:
            such &= people["rearrested"] == terms.rearrested
        yield flags(columns.keys, people[table.PERSON][such])[rows[table.PERSON]]


def partly_hidden(columns: Columns, rows: Rows, terms: Any, reader: Reader, revision: int, *, own: bool) -> Mask | None:
    """Of rows that match the terms without their personal ones, those whose person's class hides at least one of these
    from the reader, and which match all that it opens. None where no class hides any from the reader.

    Neither a value that is hidden nor whether there is one is read."""
    people, everybody = rows[table.PERSON], np.ones(len(rows), bool)
    filters = [*_personal_filters(columns, rows, terms, revision, own=own)]
    filters += [(name, [], everybody) for name in getattr(terms, "group_by", []) if DIMENSIONS[name].personal]
    found: Mask | None = None
    for place, publish in enumerate(CLASSES_OF_TODAY):
        seen = [sees_all(reader, publish, name, values) for name, values, _matching in filters]
        if all(seen):
            continue
        theirs = hidden(columns, people, (publish,), revision)
        theirs &= ~hidden(columns, people, CLASSES_OF_TODAY[place + 1 :], revision)
        for (_name, _values, matching), is_seen in zip(filters, seen, strict=True):
            if is_seen:
                theirs &= matching
        found = theirs if found is None else found | theirs
    return found
