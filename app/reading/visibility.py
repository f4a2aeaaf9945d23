"""Which rows stood at a revision, and whose of them today's reader may see (SQL)."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, select, true
from sqlmodel import col

from app.models import CLASSES_OF_TODAY, Placement, Record
from app.registry.publication.permissions import Reader

Condition = ColumnElement[bool]


def at(table: Any, revision: int) -> Condition:
    """Rows of a projected table that hold at a revision."""
    return and_(col(table.since) <= revision, col(table.until) > revision)


def hidden(detainee: Any, classes: tuple[str, ...], revision: int) -> Condition:
    """Whether today's class of a person is among `classes`.

    The person is taken as at the revision; its class is the strictest of today's classes of the records it had then.
    """
    return exists(
        select(1)
        .select_from(Placement)
        .join(Record, col(Record.key) == col(Placement.record))
        .where(col(Placement.detainee) == detainee, at(Placement, revision), col(Record.publish_now).in_(classes))
    )


def sees_all(reader: Reader, publish: str, name: str, values: Sequence[str]) -> bool:
    """Whether the reader may see these values of a dimension, or any at all, of someone of that class."""
    return all(reader.sees_trait(publish, name, value) for value in values or (None,))


def visible(reader: Reader, detainee: Any, revision: int) -> Condition:
    """Whether a person stands in lists for the reader."""
    classes = tuple(publish for publish in CLASSES_OF_TODAY if not reader.sees_person(publish))
    return ~hidden(detainee, classes, revision) if classes else true()
