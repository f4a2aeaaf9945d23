"""What a count with personal terms may not look at (rule 11): `not_visible`."""

from typing import Any

from sqlalchemy import and_, or_, true

from app.reading.selection import Condition, hidden, personal_filters, sees_all
from app.reading.terms import PERSONAL_DIMENSIONS
from app.registry.consent import OPENNESS
from app.registry.policy import Reader


def partly_hidden(columns: Any, terms: Any, reader: Reader, revision: int) -> Condition | None:
    """A condition on rows that match the terms without their personal ones: the person's class hides at least one of
    these from the reader, and the row matches all that it opens. None where no class hides any from the reader.

    Neither a value that is hidden nor whether there is one is read."""
    asked = [*personal_filters(terms, columns, revision)]
    asked += [(name, [], true()) for name in getattr(terms, "group_by", []) if name in PERSONAL_DIMENSIONS]
    found: list[Condition] = []
    for place, publish in enumerate(OPENNESS):
        seen = [sees_all(reader, publish, name, values) for name, values, _matching in asked]
        if all(seen):
            continue
        own = hidden(columns.detainee, (publish,), revision)
        stricter = OPENNESS[place + 1 :]
        theirs = and_(own, ~hidden(columns.detainee, stricter, revision)) if stricter else own
        opened = (match for (_name, _values, match), is_seen in zip(asked, seen, strict=True) if is_seen)
        found.append(and_(theirs, *opened))
    return or_(*found) if found else None
