"""Write and read the personal parts of count files: for readers whom the operator trusts with them alone.

They contain the values of personal dimensions, the records that these belong to, and what today's consent opens. They
are written whole for the newest revision, and the former ones are removed: after an erasure or a consent nothing of
before remains.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import Field, ValidationError

from app.columns import table as tables
from app.columns.loader import Columns
from app.columns.rows import NULL, OPEN_UNTIL, Array
from app.columns.table import SINCE_COLUMN, UNTIL_COLUMN, Codes, TableSpec
from app.config import Names
from app.exports.count_files.files import (
    PERSONAL_PACKAGE_NAME,
    FolderDescriptor,
    ParquetFile,
    SnapshotInfo,
    read_descriptor,
)
from app.exports.count_files.folders import LATEST_LINK, create_draft, remove_all_folders
from app.exports.count_files.ordered_rows import OrderedRows
from app.exports.count_files.parquet import read_columns, write_parquet
from app.exports.count_files.tables import (
    DETENTION_FILE_COLUMN,
    PERSON_FILE_COLUMN,
    SOURCE_FILE_COLUMN,
    Column,
    ColumnType,
    FileTable,
)
from app.exports.package import DESCRIPTOR_FILENAME
from app.imports.faults import BadFile
from app.models import CURRENT_CLASSES

_VALIDITY_COLUMNS = (
    Column("revision", SINCE_COLUMN, ColumnType.NUMBER, "The first revision at which the row holds."),
    Column("until", UNTIL_COLUMN, ColumnType.NUMBER, "The first revision at which it holds no more; none: it holds."),
)
_NAME_COLUMN = Column("name", "name", ColumnType.CODE, "The personal dimension.")
_VALUE_COLUMN = Column("value", "value", ColumnType.VALUE, "Its value.")
_CLASS_NAME = "class"
REDACTION_KIND = "redaction"  # the kind of an entry


def _build_personal_table(spec: TableSpec, name: str, *columns: Column) -> FileTable:
    return FileTable(name, spec, spec.key, "", (*_VALIDITY_COLUMNS, *columns))


TRAIT_TABLES = (
    _build_personal_table(
        tables.TRAITS, "traits", PERSON_FILE_COLUMN, DETENTION_FILE_COLUMN, _NAME_COLUMN, _VALUE_COLUMN
    ),
    _build_personal_table(
        tables.SOURCE_TRAITS,
        "source_traits",
        PERSON_FILE_COLUMN,
        DETENTION_FILE_COLUMN,
        SOURCE_FILE_COLUMN,
        _NAME_COLUMN,
        _VALUE_COLUMN,
    ),
)
PLACEMENT_TABLE = _build_personal_table(
    tables.PLACEMENTS,
    "placements",
    PERSON_FILE_COLUMN,
    Column("record", "record", ColumnType.NUMBER, "The record, by a number of this file."),
    Column("class", _CLASS_NAME, ColumnType.NUMBER, "Its class today, by its place among the classes."),
)


# Of people and detentions, the number in the rows of one source alone, and the number in the other files.
OWN_PEOPLE, OWN_DETENTIONS = "own_people", "own_detentions"
OWN_NUMBER, SHARED_NUMBER = "own", "of"
_NUMBER_COLUMNS = (
    Column(OWN_NUMBER, OWN_NUMBER, ColumnType.NUMBER, "The number that rows of one source alone have."),
    Column(SHARED_NUMBER, SHARED_NUMBER, ColumnType.NUMBER, "The number in the other files."),
)


class PersonalDescriptor(FolderDescriptor):
    """The descriptor of personal parts. `names`: the setting RECUENTO_NAMES; `redactions`: the revisions of
    erasures."""

    name: str = Field(pattern=f"^{PERSONAL_PACKAGE_NAME}$")
    names: Names
    redactions: list[int]


@dataclass(frozen=True)
class PersonalParts:
    """The newest personal parts of a folder."""

    folder: Path
    descriptor: PersonalDescriptor

    @classmethod
    def open_newest(cls, folder: Path) -> "PersonalParts":
        """Open the newest personal parts of a folder. Raises BadFile."""
        newest = (folder / LATEST_LINK).resolve()
        try:
            descriptor = PersonalDescriptor.model_validate_json(read_descriptor(newest))
        except (OSError, ValidationError):
            raise BadFile("no_count_files", f"There are no personal parts of count files in {folder}.") from None
        return cls(newest, descriptor)

    def read_tables(self, codes: Codes, values: Codes) -> tuple[dict[str, dict[str, Array]], Array]:
        """Return the rows of each registry table, and the class of each record by its number."""
        rows = {}
        for table in (*TRAIT_TABLES, PLACEMENT_TABLE):
            assert table.registry_spec is not None
            table_rows = read_columns(self.folder, [self._find_file(table.name)], table.columns, codes, values)
            table_rows[UNTIL_COLUMN] = np.where(table_rows[UNTIL_COLUMN] == NULL, OPEN_UNTIL, table_rows[UNTIL_COLUMN])
            rows[table.registry_spec.name] = table_rows
        placement_rows = rows[tables.PLACEMENTS.name]
        if not np.isin(placement_rows[_CLASS_NAME], range(len(CURRENT_CLASSES))).all():
            raise BadFile(
                "damaged", f"The rows of {PLACEMENT_TABLE.name} are not as they were written: copy {self.folder} again."
            )
        classes = np.zeros(len(placement_rows["record"]) + 1, np.int8)
        classes[placement_rows["record"]] = placement_rows.pop(_CLASS_NAME)
        return rows, classes

    def read_numbers(self, name: str) -> dict[int, int]:
        """Return the map from numbers of one source alone to numbers in the other files."""
        rows = read_columns(self.folder, [self._find_file(name)], _NUMBER_COLUMNS, Codes())
        return dict(zip(rows[OWN_NUMBER].tolist(), rows[SHARED_NUMBER].tolist(), strict=True))

    def _find_file(self, name: str) -> ParquetFile:
        return self.descriptor.files[f"{name}.parquet"]


def has_current_parts(folder: Path, info: SnapshotInfo, names: Names) -> bool:
    """Return whether the newest personal parts of a folder are of this head and of this setting of names."""
    try:
        descriptor = PersonalParts.open_newest(folder).descriptor
    except BadFile:
        return False
    return (descriptor.recuento, descriptor.names) == (info, names)


def remove_outdated_parts(folder: Path, erasures: list[int]) -> None:
    """Remove personal parts that lack one of these erasures, before newer ones are written.

    Writing may fail, and what was erased must not remain for that.
    """
    try:
        is_current = PersonalParts.open_newest(folder).descriptor.redactions == erasures
    except BadFile:
        is_current = False
    if not is_current:
        remove_all_folders(folder)


def write_personal_parts(
    ordered_rows: OrderedRows, columns: Columns, folder: Path, info: SnapshotInfo, names: Names, erasures: list[int]
) -> Path:
    """Write the personal parts of a head into a draft of the folder; return the draft."""
    draft = create_draft(folder)
    files = []
    for table in (*TRAIT_TABLES, PLACEMENT_TABLE):
        rows = {**ordered_rows.read_table(table)}
        if table is PLACEMENT_TABLE:
            rows[_CLASS_NAME] = columns.classes[rows["record"]]
            rows["record"] = np.unique(rows["record"], return_inverse=True)[1].astype(np.int32)
        files.append(_write_file(draft, table.name, table.columns, _encode_until(rows), columns))
    for name, type_, keys in (
        (OWN_PEOPLE, ColumnType.PERSON, ordered_rows.partition.person_keys),
        (OWN_DETENTIONS, ColumnType.DETENTION, ordered_rows.partition.detention_keys),
    ):
        rows = {
            OWN_NUMBER: np.array([*keys], np.int32),
            SHARED_NUMBER: ordered_rows.number_keys(type_, np.array([*keys.values()], np.int32)),
        }
        files.append(_write_file(draft, name, _NUMBER_COLUMNS, rows, columns))
    descriptor = PersonalDescriptor(
        name=PERSONAL_PACKAGE_NAME, homepage="", recuento=info, resources=files, names=names, redactions=erasures
    )
    text = descriptor.model_dump_json(indent=1) + "\n"
    (draft / DESCRIPTOR_FILENAME).write_text(text, encoding="utf-8")
    return draft


def _write_file(
    draft: Path, name: str, columns: tuple[Column, ...], rows: Mapping[str, Array], registry_columns: Columns
) -> ParquetFile:
    return write_parquet(draft / f"{name}.parquet", columns, rows, registry_columns.codes, registry_columns.values)


def _encode_until(rows: Mapping[str, Array]) -> dict[str, Array]:
    return {**rows, UNTIL_COLUMN: np.where(rows[UNTIL_COLUMN] == OPEN_UNTIL, NULL, rows[UNTIL_COLUMN]).astype(np.int32)}
