"""Count from a folder of count files, without a registry's database.

The rows that counts read become columns, as in a server. Everything else that a count needs (the dates of the log,
sources, facilities, published figures) is inserted into an empty database, so that the registry's own code counts.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import numpy as np
from sqlalchemy import Uuid, delete, insert, select, update
from sqlalchemy.exc import OperationalError, StatementError
from sqlmodel import Session, col

from app.columns import table as tables
from app.columns.loader import MAX_LEAVES, Columns
from app.columns.rows import NULL, OPEN_UNTIL, Array, RecentRows
from app.columns.table import (
    ALL_TABLES,
    COLUMN_DTYPES,
    NUMBER,
    PERSON_COLUMN,
    SINCE_COLUMN,
    UNTIL_COLUMN,
    Codes,
    Table,
    TableSpec,
)
from app.dates import FIRST_DAY, LAST_DAY
from app.exports.count_files.files import (
    CountsDescriptor,
    ParquetFile,
    SnapshotInfo,
    format_part_filename,
    load_counts_descriptor,
    require_format,
    split_revisions,
)
from app.exports.count_files.folders import LATEST_LINK
from app.exports.count_files.parquet import FETCH_BATCH_ROWS, read_columns, read_extent, read_rows, require_row_limit
from app.exports.count_files.personal import (
    OWN_DETENTIONS,
    OWN_PEOPLE,
    PLACEMENT_TABLE,
    REDACTION_KIND,
    TRAIT_TABLES,
    PersonalParts,
)
from app.exports.count_files.tables import (
    CLAIM_KIND,
    CLOSED_ROW_COLUMNS,
    ENTRY_COLUMNS,
    FILE_TABLES,
    NUMBERED_TYPES,
    OPENED_ROW_COLUMNS,
    POSSIBLE_DUPLICATES,
    ROW_NUMBER,
    SOURCE_FILE_COLUMN,
    UNLINKED_TABLES,
    WHOLE_TABLES,
    Column,
    ColumnType,
    FileTable,
)
from app.exports.count_files.unlinked import (
    OWN_DETENTION,
    OWN_PERSON,
    SOURCE_TABLES,
    append_unlinked_rows,
    restore_linked_rows,
)
from app.imports.faults import BadFile
from app.models import CURRENT_CLASSES, Claim, Entry, Head, PendingPair, Source, TableRow
from app.projection import ROWS_VERSION, RULES
from app.vocabulary import ReleaseStatus

# The kind and the body of entries that no count reads, and that are in no file.
OTHER_KIND, EMPTY_BODY = "report", "{}"
_KEY_COLUMNS = (
    (PERSON_COLUMN, (tables.PEOPLE, tables.RELEASES, tables.DETENTION_STATES)),
    ("spell", (tables.ARRESTS, tables.RELEASES, tables.DETENTION_STATES)),
)
_PERSONAL_TABLES = (*TRAIT_TABLES, PLACEMENT_TABLE)
# Errors of reading files that are damaged, or made to do harm.
_UNREADABLE_ERRORS = (
    duckdb.Error, OSError, ValueError, TypeError, LookupError, ArithmeticError, RuntimeError, StatementError,
)  # fmt: skip


@contextmanager
def translate_read_errors(folder: Path) -> Iterator[None]:
    """Raise BadFile for any error of reading count files, without a value of theirs."""
    try:
        yield
    except OperationalError:
        raise  # the database is full or busy: the files may be right
    except _UNREADABLE_ERRORS as error:
        raise BadFile(
            "damaged", f"The files in {folder} cannot be read ({type(error).__name__}): copy them again."
        ) from None


@dataclass(frozen=True)
class CountFiles:
    """The count files of one revision, and their personal parts, if there are any."""

    folder: Path
    descriptor: CountsDescriptor
    personal: PersonalParts | None

    @classmethod
    def open_newest(cls, folder: Path, personal: Path | None = None) -> "CountFiles":
        """Open the newest count files of a folder. Raises BadFile."""
        newest = (folder / LATEST_LINK).resolve()
        require_format(newest)
        descriptor = load_counts_descriptor(newest)
        if descriptor is None:
            raise BadFile("no_count_files", f"There are no count files in {folder}: recuento files write {folder}")
        if descriptor.recuento.rules != RULES:
            raise BadFile(
                "other_rules",
                f"These files count by rules {descriptor.recuento.rules}, and this version of Recuento by rules "
                f"{RULES}: start the version that wrote them, or copy files of this one.",
            )
        personal_parts = None if personal is None else load_personal_parts(personal)
        if personal_parts is not None and personal_parts.descriptor.recuento != descriptor.recuento:
            raise BadFile("parted", f"{personal} is not of the revision of {folder}: write or copy both together.")
        return cls(newest, descriptor, personal_parts)

    @property
    def revision(self) -> int:
        return self.descriptor.recuento.revision

    def require_intact(self) -> None:
        """Raise BadFile if a file is missing, differs from its descriptor, or has too many rows."""
        required_names = {format_part_filename("entries", part) for part in split_revisions(self.revision)}
        required_names |= {f"{table.name}.parquet" for table in WHOLE_TABLES}
        for table in (*FILE_TABLES, *UNLINKED_TABLES, POSSIBLE_DUPLICATES):
            for name in (table.name, f"closed-{table.name}"):
                required_names |= {format_part_filename(name, part) for part in split_revisions(self.revision)}
        self.descriptor.require_intact(self.folder, required_names)
        for table in (*UNLINKED_TABLES, POSSIBLE_DUPLICATES):
            require_row_limit(self._find_part_files(table.name))
        for whole_table in WHOLE_TABLES:
            require_row_limit([self._find_whole_file(whole_table.name)])
        if self.personal is not None:
            personal_names = {f"{name}.parquet" for name in (OWN_PEOPLE, OWN_DETENTIONS)}
            personal_names |= {f"{table.name}.parquet" for table in _PERSONAL_TABLES}
            self.personal.descriptor.require_intact(self.personal.folder, personal_names)

    def has_entry(self, entry: SnapshotInfo) -> bool:
        """Return whether an entry is in these files, so that they continue the log that ended with it."""
        if entry.revision > self.revision:
            return False
        row = next(self._read_entries(entry.revision - 1))
        return bool(row["leaf_hash"].hex() == entry.leaf_hash)

    @cached_property
    def columns(self) -> Columns:
        """Return the columns for counting. Raises BadFile."""
        self._require_all_entries()  # before arrays of that length are allocated
        codes, values = Codes(), Codes()
        rows = {
            table.registry_spec.name: self._read_table(table, codes)
            for table in FILE_TABLES
            if table.registry_spec is not None
        }
        unlinked_rows = {
            spec.name: self._read_unlinked(table, codes)
            for table, spec in zip(UNLINKED_TABLES, SOURCE_TABLES, strict=True)
        }
        first_person, first_detention = (
            1 + max(int(rows[spec.name][name].max(initial=0)) for spec in specs) for name, specs in _KEY_COLUMNS
        )
        classes = np.zeros(self.revision + 1, np.int8)
        first_unlinkable_spell = OPEN_UNTIL
        if self.personal is None:
            first_unlinkable_spell = first_detention
            append_unlinked_rows(rows, unlinked_rows, first_person, first_detention, codes.add(ReleaseStatus.VERIFIED))
        else:
            restore_linked_rows(
                rows, unlinked_rows, self.personal.read_numbers(OWN_PEOPLE), self.personal.read_numbers(OWN_DETENTIONS)
            )
            personal_rows, record_classes = self.personal.read_tables(codes, values)
            for table in _PERSONAL_TABLES:
                assert table.registry_spec is not None
                self._require_valid_rows(table, personal_rows[table.registry_spec.name])
            if not _is_within(record_classes, 0, len(CURRENT_CLASSES) - 1):
                raise self._build_damaged_error(PLACEMENT_TABLE.name)
            rows |= personal_rows
            record_count = min(len(record_classes), len(classes))
            classes[:record_count] = record_classes[:record_count]
        key_columns = [
            table_rows[name] for table_rows in rows.values() for name in (PERSON_COLUMN, "spell") if name in table_rows
        ]
        key_count = 1 + max(self.revision, *(int(column.max(initial=0)) for column in key_columns))
        classes = np.append(classes, np.zeros(key_count - len(classes), np.int8))
        cached_tables = {
            spec.name: Table.from_columns(self.revision, _cast_columns(rows.get(spec.name), spec))
            for spec in ALL_TABLES
        }
        leaf_hashes = {row["revision"]: row["leaf_hash"] for row in self._read_entries(self.revision - MAX_LEAVES)}
        return Columns(
            head=self.revision,
            version=ROWS_VERSION,
            leaves=leaf_hashes,
            tables=cached_tables,
            classes=classes,
            codes=codes,
            values=values,
            are_personal=self.personal is not None,
            first_unlinkable_spell=first_unlinkable_spell,
        )

    def _read_unlinked(self, table: FileTable, codes: Codes) -> list[TableRow]:
        """Return unlinked rows, with their ends, and with codes for texts with few different values."""
        columns = (*OPENED_ROW_COLUMNS, *table.columns)
        text_columns = tuple(column for column in columns if column.type is ColumnType.TEXT)
        rows = self._read_table(table, codes, tuple(column for column in columns if column.type is not ColumnType.TEXT))
        text_values = {
            column.registry_name: [
                row[column.registry_name]
                for row in read_rows(self.folder, self._find_part_files(table.name), text_columns)
            ]
            for column in text_columns
        }
        names = [*rows, *text_values]
        columns_of_rows = [*(column.tolist() for column in rows.values()), *text_values.values()]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns_of_rows, strict=True)]

    def fill_database(self, session: Session, known_revision: int) -> None:
        """Insert into a database what a count needs besides columns. Raises BadFile.

        `known_revision`: the revision up to which the database has the entries.
        """
        execute = session.connection().execute
        _insert_batches(session, Entry, self._read_entries(known_revision))
        execute(
            update(Head).values(revision=self.revision, demo=self.descriptor.recuento.demo, **ROWS_VERSION._asdict())
        )
        for whole_table in WHOLE_TABLES:
            execute(delete(whole_table.model))
            rows = read_rows(self.folder, [self._find_whole_file(whole_table.name)], whole_table.columns)
            _insert_batches(session, whole_table.model, _parse_ids(rows, whole_table.model))
        execute(delete(PendingPair))
        pairs = self._read_table(POSSIBLE_DUPLICATES, Codes())
        # The files do not contain the decision that a row is about. No count reads it: it distinguishes rows.
        pairs["decision"] = np.arange(len(pairs[SINCE_COLUMN]))
        names, columns = [*pairs], [column.tolist() for column in pairs.values()]
        _insert_batches(
            session, PendingPair, (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))
        )
        claim_revisions = select(col(Entry.revision)).where(col(Entry.kind) == CLAIM_KIND)
        if (
            execute(select(col(Claim.key)).where(col(Claim.stated).not_in(claim_revisions)).limit(1)).first()
            is not None
        ):
            raise self._build_damaged_error("claims")

    def _read_table(
        self, table: FileTable, codes: Codes, columns: tuple[Column, ...] | None = None
    ) -> dict[str, Array]:
        """Return all rows of a table, by registry column name, with their ends. Raises BadFile."""
        rows = read_columns(
            self.folder, self._find_part_files(table.name), columns or (*OPENED_ROW_COLUMNS, *table.columns), codes
        )
        closed_rows = read_columns(
            self.folder, self._find_part_files(f"closed-{table.name}"), CLOSED_ROW_COLUMNS, codes
        )
        row_numbers = rows.pop(ROW_NUMBER)
        row_count = len(row_numbers)
        if not np.array_equal(row_numbers, np.arange(row_count)) or not _is_within(
            closed_rows[ROW_NUMBER], 0, row_count - 1
        ):
            raise self._build_damaged_error(table.name)
        rows[UNTIL_COLUMN] = np.full(row_count, OPEN_UNTIL, np.int32)
        rows[UNTIL_COLUMN][closed_rows[ROW_NUMBER]] = closed_rows[UNTIL_COLUMN]
        self._require_valid_rows(table, rows)
        return rows

    def _require_valid_rows(self, table: FileTable, rows: Mapping[str, Array]) -> None:
        """Raise BadFile if a row has a value that no registry writes, and that would make a count fail."""
        since, until = rows[SINCE_COLUMN], rows[UNTIL_COLUMN]
        checks = [_is_within(since, 1, self.revision), bool((since < until).all())]
        for column in table.columns:
            values = rows.get(column.registry_name)
            if values is None:
                continue  # the class of a record, which is stored elsewhere by now
            if column.type in NUMBERED_TYPES or column.registry_name in (OWN_PERSON, OWN_DETENTION):
                checks.append(_is_within(values, 1, self.revision))
            if column.type is ColumnType.DAY:
                checks.append(_is_within(values[values != NULL], FIRST_DAY, LAST_DAY))
            if column is SOURCE_FILE_COLUMN:
                checks.append(bool(np.isin(values, self._source_keys).all()))
            if column.registry_name == "record":
                checks.append(_is_within(values, 0, self.revision))
        if not all(checks):
            raise self._build_damaged_error(table.name)

    @cached_property
    def _source_keys(self) -> list[int]:
        """Return the keys of sources."""
        whole_table = next(table for table in WHOLE_TABLES if table.model is Source)
        return [
            row["key"] for row in read_rows(self.folder, [self._find_whole_file(whole_table.name)], whole_table.columns)
        ]

    def _require_all_entries(self) -> None:
        """Raise BadFile if the entries cannot be those from the first to that of the descriptor."""
        if read_extent(self.folder, self._find_part_files("entries"), ENTRY_COLUMNS[0]) != (
            self.revision,
            1,
            self.revision,
        ):
            raise self._build_damaged_error("entries")

    def _read_entries(self, known_revision: int) -> Iterator[TableRow]:
        """Yield the entries after a revision, numbered without gaps. Raises BadFile."""
        parts = [part for part in split_revisions(self.revision) if part.last > known_revision]
        if not parts:
            return
        erasures = set() if self.personal is None else set(self.personal.descriptor.redactions)
        files = [self.descriptor.files[format_part_filename("entries", part)] for part in parts]
        rows = read_rows(self.folder, files, ENTRY_COLUMNS)
        for revision, row in enumerate(rows, parts[0].first):
            if row["revision"] != revision or not _is_claim_or_none(row["body"]):
                raise self._build_damaged_error("entries")
            if revision > known_revision:
                kind = REDACTION_KIND if revision in erasures else OTHER_KIND if row["body"] is None else CLAIM_KIND
                leaf_hash, body = bytes.fromhex(row["leaf_hash"]), row["body"] or EMPTY_BODY
                yield {**row, "kind": kind, "leaf_hash": leaf_hash, "body": body}

    def _build_damaged_error(self, name: str) -> BadFile:
        return BadFile("damaged", f"The rows of {name} are not as they were written: copy {self.folder} again.")

    def _find_part_files(self, name: str) -> list[ParquetFile]:
        return [self.descriptor.files[format_part_filename(name, part)] for part in split_revisions(self.revision)]

    def _find_whole_file(self, name: str) -> ParquetFile:
        return self.descriptor.files[f"{name}.parquet"]


def load_personal_parts(folder: Path) -> PersonalParts:
    """Load the newest personal parts of a folder. Raises BadFile."""
    require_format((folder / LATEST_LINK).resolve())
    return PersonalParts.open_newest(folder)


def drop_personal_columns(columns: Columns) -> Columns:
    """Return the columns as of files without personal parts."""
    public_names = {table.registry_spec.name for table in FILE_TABLES if table.registry_spec is not None}
    public_tables = {
        spec.name: columns.tables[spec.name]
        if spec.name in public_names
        else Table.from_columns(columns.head, _cast_columns(None, spec))
        for spec in ALL_TABLES
    }
    return replace(
        columns,
        tables=public_tables,
        classes=np.zeros_like(columns.classes),
        values=Codes(),
        indexes={},
        are_personal=False,
        shared_values={},
        _recent_rows=RecentRows(),
    )


def _is_within(values: Array, minimum: int, maximum: int) -> bool:
    return bool(((values >= minimum) & (values <= maximum)).all())


def _is_claim_or_none(body: str | None) -> bool:
    """Return whether an entry has no body, or that of a published figure or its confirmation."""
    if body is None:
        return True
    claim = json.loads(body)
    return isinstance(claim, dict) and (isinstance(claim.get("said"), dict) or "confirms" in claim)


def _cast_columns(rows: Mapping[str, Array] | None, spec: TableSpec) -> dict[str, Array]:
    """Cast rows to the types of stored columns; without rows return empty columns.

    Raises ValueError if a number is too large for its type.
    """
    types = {
        name: np.dtype(COLUMN_DTYPES[spec.columns.get(name, NUMBER)])
        for name in (SINCE_COLUMN, UNTIL_COLUMN, *spec.columns)
    }
    if rows is None:
        return {name: np.empty(0, dtype) for name, dtype in types.items()}
    for name, dtype in types.items():
        if dtype.kind == "i" and not _is_within(rows[name], np.iinfo(dtype).min, np.iinfo(dtype).max):
            raise ValueError(name)
    return {name: rows[name].astype(dtype, copy=False) for name, dtype in types.items()}


def _parse_ids(rows: Iterable[TableRow], model: type[Any]) -> Iterator[TableRow]:
    ids = {name for name, column in model.__table__.columns.items() if isinstance(column.type, Uuid)}
    for row in rows:
        yield {name: UUID(value) if name in ids else value for name, value in row.items()}


def _insert_batches(session: Session, model: type[Any], rows: Iterable[TableRow]) -> None:
    rows = iter(rows)
    while batch := list(islice(rows, FETCH_BATCH_ROWS)):
        session.connection().execute(insert(model), batch)
