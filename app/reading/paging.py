"""Pages of rows in a stable order, each beginning where the one before it ended."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, and_, or_, type_coerce
from sqlmodel import Session
from typing_extensions import TypedDict

from app.dates import FIRST_DAY, LAST_DAY
from app.db.engine import Key
from app.errors import Invalid
from app.models import OPEN
from app.schemas.base import NotVisible, Tombstone
from app.schemas.filed import BurstShape, UnknownFacility

Row = TypeVar("Row", covariant=True)
# The order of rows: `(whole number, whether the highest come first)`, the last one a key of the rows.
Order = Sequence[tuple[Any, bool]]
# The days of a row without a day, so that it stands last whichever way round.
BEFORE_ANY_DAY, AFTER_ANY_DAY = FIRST_DAY - 1, LAST_DAY + 1


class Beside(TypedDict, total=False):
    """Values that the answer to a page holds beside its rows."""

    withheld: int
    not_visible: NotVisible
    unknown_facilities: list[UnknownFacility]
    bursts: list[BurstShape]


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows and the cursor of the next page, if there is one. `gone`: what left the list, after all rows of it."""

    rows: Sequence[Row]
    cursor: str | None
    beside: Callable[[], Beside] = Beside
    gone: Sequence[Tombstone] = ()

    @property
    def data(self) -> list[Row | Tombstone]:
        return [*self.rows, *self.gone]


def write_cursor(of: str, position: Sequence[Any]) -> str:
    """Opaque to clients; it holds the list and its order (`of`) and the last position, and nothing else."""
    return base64.urlsafe_b64encode(json.dumps([of, *position]).encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, of: str, length: int = 1) -> list[int] | None:
    """The position in a cursor. Raises Invalid for one that was not given out here: in another list, or another order,
    it would skip rows or repeat them in silence."""
    if cursor is None:
        return None
    try:
        held = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        held = None
    if not isinstance(held, list) or held[:1] != [of] or len(held) != 1 + length or not all(map(_is_key, held[1:])):
        raise Invalid.at("/cursor", "invalid_cursor", "Follow the `next` link of the page before; do not make one.")
    return held[1:]


def _is_key(value: Any) -> bool:
    """Whether a database takes it for a key: a whole number, and not beyond 64 bits."""
    return type(value) is int and abs(value) <= OPEN


def after(
    session: Session, statement: Select[*tuple[Any, ...]], order: Order, position: Sequence[int] | None, limit: int
) -> list[tuple[Any, list[int]]]:
    """At most `limit` rows of a statement that come after a position in its order, each with its own position."""
    order = [(type_coerce(value, Key), down) for value, down in order]  # a cursor may hold any whole number
    if position is not None:
        statement = statement.where(
            or_(
                *(
                    and_(
                        *(value == passed for (value, _down), passed in zip(order[:place], position, strict=False)),
                        value < position[place] if down else value > position[place],
                    )
                    for place, (value, down) in enumerate(order)
                )
            )
        )
    named = [value.label(f"position_{place}") for place, (value, _down) in enumerate(order)]
    ordered = statement.add_columns(*named).order_by(*(value.desc() if down else value for value, down in order))
    return [(row, [*row[-len(named) :]]) for row in session.execute(ordered.limit(limit))]


def page(
    session: Session, statement: Select[*tuple[Any, ...]], of: str, order: Order, cursor: str | None, limit: int
) -> tuple[list[Any], str | None]:
    """One page of a statement, and the cursor of the next page, if a row follows. `of`: the list and its order."""
    placed = after(session, statement, order, read_cursor(cursor, of, len(order)), limit + 1)
    rows = [row for row, _position in placed[:limit]]
    return rows, write_cursor(of, placed[limit - 1][1]) if len(placed) > limit else None
