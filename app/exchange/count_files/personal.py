"""What counts of personal dimensions read beside count files: for readers whom the operator trusts with it alone.

Values of personal dimensions, whose records they are, and what today's consent opens. It is written whole for the
newest revision, and what was written before is removed: an erasure and a consent leave nothing of before in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError
from sqlalchemy import select
from sqlmodel import Session, col

from app.columns import tables
from app.columns.codes import Codes
from app.columns.held import columns_of
from app.columns.rows import NONE, STANDS, Array
from app.columns.tables import SINCE, UNTIL, Kept
from app.config import Names
from app.exchange.count_files.files import Described, File, digest_of
from app.exchange.count_files.folders import LATEST, PRIVATE, alone, new_draft, publish, remove_others
from app.exchange.count_files.parquet import read_columns, write_parquet
from app.exchange.count_files.rows import RowsInOrder
from app.exchange.count_files.tables import DETENTION, PERSON, SOURCE, Column, FileTable, Type
from app.exchange.count_files.write import about_head
from app.exchange.imports.faults import BadFile
from app.exchange.package import DESCRIPTOR
from app.models import Entry

_HOLDS = (
    Column("revision", SINCE, Type.NUMBER, "The first revision at which the row holds."),
    Column("until", UNTIL, Type.NUMBER, "The first revision at which it holds no more; none: it holds."),
)
_NAME = Column("name", "name", Type.CODE, "The personal dimension.")
_VALUE = Column("value", "value", Type.VALUE, "Its value.")
_CLASS = "class"
REDACTION = "redaction"  # the kind of an entry


def _of(kept: Kept, name: str, *columns: Column) -> FileTable:
    return FileTable(name, kept, kept.key, "", (*_HOLDS, *columns))


TRAITS = (
    _of(tables.TRAITS, "traits", PERSON, DETENTION, _NAME, _VALUE),
    _of(tables.SOURCE_TRAITS, "source_traits", PERSON, DETENTION, SOURCE, _NAME, _VALUE),
)
PLACEMENTS = _of(
    tables.PLACEMENTS,
    "placements",
    PERSON,
    Column("record", "record", Type.NUMBER, "The record, by a number of this file."),
    Column("class", _CLASS, Type.NUMBER, "Its class today, by its place among the classes."),
)


class PersonalDescribed(Described):
    """`names`: how people are met whose name only reports ask for; `redactions`: the revisions of erasures."""

    names: Names
    redactions: list[int]


@dataclass(frozen=True)
class PersonalParts:
    """The newest personal parts of a folder."""

    folder: Path
    said: PersonalDescribed

    @classmethod
    def newest_in(cls, folder: Path) -> "PersonalParts":
        """Raises BadFile."""
        newest = (folder / LATEST).resolve()
        try:
            said = PersonalDescribed.model_validate_json((newest / DESCRIPTOR).read_bytes())
        except (OSError, ValidationError):
            raise BadFile("no_count_files", f"There are no personal parts of count files in {folder}.") from None
        return cls(newest, said)

    def read(self, codes: Codes, values: Codes) -> tuple[dict[str, dict[str, Array]], Array]:
        """The rows of each of the server's tables, and the class of each record by its number."""
        found = {}
        for table in (*TRAITS, PLACEMENTS):
            assert isinstance(table.rows, Kept)
            rows = read_columns([self.folder / f"{table.name}.parquet"], table.columns, codes, values)
            rows[UNTIL] = np.where(rows[UNTIL] == NONE, STANDS, rows[UNTIL])
            found[table.rows.name] = rows
        placed = found[tables.PLACEMENTS.name]
        classes = np.zeros(len(placed["record"]) + 1, np.int8)
        classes[placed["record"]] = placed.pop(_CLASS)
        return found, classes


def write_personal_parts(session: Session, folder: Path, names: Names, zone: str) -> Path:
    """Write the personal parts of the head, in place of those before. Raises as `write_count_files` does."""
    columns, about = columns_of(session), about_head(session, zone)
    rows_in_order = RowsInOrder(session, columns)
    erased = select(col(Entry.revision)).where(col(Entry.kind) == REDACTION).order_by(col(Entry.revision))
    with alone(folder, PRIVATE):
        draft = new_draft(folder)
        written = []
        for table in (*TRAITS, PLACEMENTS):
            rows = {**rows_in_order.of(table)}
            if table is PLACEMENTS:
                rows[_CLASS] = columns.classes[rows["record"]]
                rows["record"] = np.unique(rows["record"], return_inverse=True)[1].astype(np.int32)
            path = draft / f"{table.name}.parquet"
            write_parquet(path, table.columns, _until(rows), columns.codes, columns.values)
            written.append(File(path=path.name, hash=digest_of(path)))
        said = PersonalDescribed(
            homepage="", recuento=about, resources=written, names=names, redactions=[*session.scalars(erased)]
        )
        (draft / DESCRIPTOR).write_text(said.model_dump_json(indent=1) + "\n", encoding="utf-8")
        done = publish(draft, about.revision, PRIVATE)
        remove_others(done)
    return done


def _until(rows: Mapping[str, Array]) -> dict[str, Array]:
    return {**rows, UNTIL: np.where(rows[UNTIL] == STANDS, NONE, rows[UNTIL]).astype(np.int32)}
