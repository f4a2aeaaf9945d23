"""The placements of records at every revision, and whether a reader may see their people."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, bindparam, select
from sqlmodel import Session, col

from app.db.engine import chunks
from app.models import Placement, Record, Release
from app.reading.shapes import Ids
from app.registry.publication.classes import strictest
from app.registry.publication.permissions import Reader

_AMONG: BindParameter[Any] = bindparam("among", expanding=True)
_PLACES = select(
    col(Placement.record), col(Placement.since), col(Placement.until), col(Placement.detainee), col(Placement.spell)
).where(col(Placement.record).in_(_AMONG))
_HOLDERS = (
    select(col(Placement.detainee), col(Placement.since), col(Placement.until), col(Record.publish_now))
    .join(Record, col(Record.key) == col(Placement.record))
    .where(col(Placement.detainee).in_(_AMONG))
)
_RELEASES = select(col(Release.spell), col(Release.since), col(Release.until), col(Release.status)).where(
    col(Release.spell).in_(_AMONG)
)
_IDS = select(col(Record.key), col(Record.detainee_id), col(Record.detention_id), col(Record.release_id)).where(
    col(Record.key).in_(_AMONG)
)


@dataclass(frozen=True, slots=True)
class PlacementAt:
    """The person and the spell of a record at a revision."""

    detainee: int
    spell: int


class PlacementHistory:
    """Everything about the placements of some records, read in four queries for each 500 records."""

    def __init__(self, session: Session, records: Collection[int]) -> None:
        run = session.connection().execute

        def rows(statement: Any, among: Collection[int]) -> dict[int, list[Any]]:
            by_key: dict[int, list[Any]] = {}
            for some in chunks(sorted(among)):
                for row in run(statement, {"among": some}):
                    by_key.setdefault(row[0], []).append(row)
            return by_key

        self._places = rows(_PLACES, records)
        every = [row for of_record in self._places.values() for row in of_record]
        self._holders = rows(_HOLDERS, {row.detainee for row in every})
        self._releases = rows(_RELEASES, {row.spell for row in every})
        keys = {key for row in every for key in (row.detainee, row.spell)}
        self._ids = {key: Ids(*ids) for key, ((_key, *ids),) in rows(_IDS, keys).items()}

    def at(self, record: int, revision: int) -> PlacementAt | None:
        """The placement of a record at a revision; None before it was filed."""
        row = _standing(self._places.get(record, []), revision)
        return None if row is None else PlacementAt(row.detainee, row.spell)

    def seen(self, reader: Reader, record: int, *revisions: int) -> bool:
        """Whether the record's person stands in lists for the reader, by today's class, at all these revisions."""
        return all(self._sees(reader, place.detainee, at) for at in revisions if (place := self.at(record, at)))

    def _sees(self, reader: Reader, detainee: int, revision: int) -> bool:
        rows = [row for row in self._holders[detainee] if row.since <= revision < row.until]
        return reader.sees_person(strictest(row.publish_now for row in rows))

    def status(self, spell: int, revision: int) -> str | None:
        """The status of a spell's release; None without a release, or without a source whose word makes a status."""
        row = _standing(self._releases.get(spell, []), revision)
        status: str | None = None if row is None else row.status
        return status

    def detainee_id(self, place: PlacementAt) -> uuid.UUID:
        return self._ids[place.detainee].detainee

    def detention_id(self, place: PlacementAt) -> uuid.UUID:
        return self._ids[place.spell].detention

    def release_id(self, place: PlacementAt, revision: int) -> uuid.UUID | None:
        released = _standing(self._releases.get(place.spell, []), revision) is not None
        return self._ids[place.spell].release if released else None


def _standing(rows: Collection[Any], revision: int) -> Any:
    return next((row for row in rows if row.since <= revision < row.until), None)
