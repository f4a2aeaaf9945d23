"""What counts of personal dimensions read beside count files: for readers whom the operator trusts with it alone.

Values of personal dimensions, whose records they are, and what today's consent opens. It is written whole for the
newest revision, and what was written before is removed: an erasure and a consent leave nothing of before in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import Field, ValidationError

from app.columns import table as tables
from app.columns.loader import Columns
from app.columns.rows import NONE, STANDS, Array
from app.columns.table import SINCE, UNTIL, Codes, Kept
from app.config import Names
from app.exports.count_files.files import PERSONAL_NAME, About, Described, File, descriptor_in
from app.exports.count_files.folders import LATEST, new_draft, remove_all
from app.exports.count_files.parquet import read_columns, write_parquet
from app.exports.count_files.tables import DETENTION, PERSON, SOURCE, Column, FileTable, RowsInOrder, Type
from app.exports.package import DESCRIPTOR
from app.imports.faults import BadFile
from app.models import CLASSES_OF_TODAY

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


# Of people and detentions, the number that rows of one source alone have, and the number in the other files.
OWN_PEOPLE, OWN_DETENTIONS = "own_people", "own_detentions"
OWN, OF = "own", "of"
_NUMBERS = (
    Column(OWN, OWN, Type.NUMBER, "The number that rows of one source alone have."),
    Column(OF, OF, Type.NUMBER, "The number in the other files."),
)


class PersonalDescribed(Described):
    """`names`: how people are met whose name only reports ask for; `redactions`: the revisions of erasures."""

    name: str = Field(pattern=f"^{PERSONAL_NAME}$")
    names: Names
    redactions: list[int]


@dataclass(frozen=True)
class PersonalParts:
    """The newest personal parts of a folder."""

    folder: Path
    descriptor: PersonalDescribed

    @classmethod
    def newest_in(cls, folder: Path) -> "PersonalParts":
        """Raises BadFile."""
        newest = (folder / LATEST).resolve()
        try:
            descriptor = PersonalDescribed.model_validate_json(descriptor_in(newest))
        except (OSError, ValidationError):
            raise BadFile("no_count_files", f"There are no personal parts of count files in {folder}.") from None
        return cls(newest, descriptor)

    def read(self, codes: Codes, values: Codes) -> tuple[dict[str, dict[str, Array]], Array]:
        """The rows of each of the server's tables, and the class of each record by its number."""
        rows = {}
        for table in (*TRAITS, PLACEMENTS):
            assert table.kept is not None
            of_table = read_columns(self.folder, [self._file(table.name)], table.columns, codes, values)
            of_table[UNTIL] = np.where(of_table[UNTIL] == NONE, STANDS, of_table[UNTIL])
            rows[table.kept.name] = of_table
        placed = rows[tables.PLACEMENTS.name]
        if not np.isin(placed[_CLASS], range(len(CLASSES_OF_TODAY))).all():
            raise BadFile(
                "damaged", f"The rows of {PLACEMENTS.name} are not as they were written: copy {self.folder} again."
            )
        classes = np.zeros(len(placed["record"]) + 1, np.int8)
        classes[placed["record"]] = placed.pop(_CLASS)
        return rows, classes

    def numbers(self, name: str) -> dict[int, int]:
        """What the numbers of a source's own are numbers of."""
        rows = read_columns(self.folder, [self._file(name)], _NUMBERS, Codes())
        return dict(zip(rows[OWN].tolist(), rows[OF].tolist(), strict=True))

    def _file(self, name: str) -> File:
        return self.descriptor.files[f"{name}.parquet"]


def are_of(folder: Path, about: About, names: Names) -> bool:
    """Whether the newest personal parts of a folder are of this head, and of an operator who meets people so."""
    try:
        descriptor = PersonalParts.newest_in(folder).descriptor
    except BadFile:
        return False
    return (descriptor.recuento, descriptor.names) == (about, names)


def remove_erased(folder: Path, erasures: list[int]) -> None:
    """Remove personal parts that are not of these erasures, ahead of newer ones: those may fail to be written, and what
    was erased must not stay for that."""
    try:
        is_erased = PersonalParts.newest_in(folder).descriptor.redactions == erasures
    except BadFile:
        is_erased = False
    if not is_erased:
        remove_all(folder)


def write_personal_parts(
    rows_in_order: RowsInOrder, columns: Columns, folder: Path, about: About, names: Names, erasures: list[int]
) -> Path:
    """Write the personal parts of a head into a draft of the folder; the draft."""
    draft = new_draft(folder)
    written = []
    for table in (*TRAITS, PLACEMENTS):
        rows = {**rows_in_order.of(table)}
        if table is PLACEMENTS:
            rows[_CLASS] = columns.classes[rows["record"]]
            rows["record"] = np.unique(rows["record"], return_inverse=True)[1].astype(np.int32)
        written.append(_write(draft, table.name, table.columns, _until(rows), columns))
    for name, type_, keys in (
        (OWN_PEOPLE, Type.PERSON, rows_in_order.parted.people),
        (OWN_DETENTIONS, Type.DETENTION, rows_in_order.parted.detentions),
    ):
        rows = {OWN: np.array([*keys], np.int32), OF: rows_in_order.number(type_, np.array([*keys.values()], np.int32))}
        written.append(_write(draft, name, _NUMBERS, rows, columns))
    descriptor = PersonalDescribed(
        name=PERSONAL_NAME, homepage="", recuento=about, resources=written, names=names, redactions=erasures
    )
    text = descriptor.model_dump_json(indent=1) + "\n"
    (draft / DESCRIPTOR).write_text(text, encoding="utf-8")
    return draft


def _write(draft: Path, name: str, columns: tuple[Column, ...], rows: Mapping[str, Array], held: Columns) -> File:
    return write_parquet(draft / f"{name}.parquet", columns, rows, held.codes, held.values)


def _until(rows: Mapping[str, Array]) -> dict[str, Array]:
    return {**rows, UNTIL: np.where(rows[UNTIL] == STANDS, NONE, rows[UNTIL]).astype(np.int32)}
