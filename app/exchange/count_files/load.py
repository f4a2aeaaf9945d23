"""Count from a folder of count files, where there is no database of a registry.

The rows that counts read become columns, as in a server. What else a count asks for (the dates of the log, sources,
facilities, published figures) is put into an empty database, so that the code that counts is the registry's own."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import Engine, Uuid, delete, insert, update
from sqlmodel import Session

from app.columns import tables as kept_tables
from app.columns.codes import Codes
from app.columns.held import give
from app.columns.reading import LEAVES, Columns
from app.columns.rows import STANDS, Array
from app.columns.table import Table
from app.columns.tables import EVERY, NUMBER, PERSON, SINCE, TYPES, UNTIL, Kept
from app.database import writing
from app.exchange.count_files.files import Described, described, file_of
from app.exchange.count_files.folders import LATEST
from app.exchange.count_files.parquet import read_columns, read_rows
from app.exchange.count_files.parts import parts_of
from app.exchange.count_files.personal import OWN_DETENTIONS, OWN_PEOPLE, REDACTION, PersonalParts
from app.exchange.count_files.relink import behind_all, in_their_place
from app.exchange.count_files.tables import (
    CLAIM,
    CLOSING,
    ENTRIES,
    FILE_TABLES,
    OPENING,
    ROW,
    UNLINKED,
    UNRESOLVED_DUPLICATES,
    WHOLE_TABLES,
    Column,
    FileTable,
    Type,
)
from app.exchange.count_files.unlinked import VOICES
from app.exchange.imports.faults import BadFile
from app.models import Entry, Head, PendingPair, TableRow
from app.registry.projection import RULES
from app.vocabulary import Verdict

# Rows that are put into the database at a time.
BATCH = 10_000
# Of entries that no count reads: what they say is in no file.
OTHER, NO_BODY = "report", "{}"
_KEYS = (
    (PERSON, (kept_tables.PEOPLE, kept_tables.RELEASES, kept_tables.HELD)),
    ("spell", (kept_tables.ARRESTS, kept_tables.RELEASES, kept_tables.HELD)),
)


@dataclass(frozen=True)
class CountFiles:
    """The count files of one revision, and what counts of personal dimensions read beside them, where it is there."""

    folder: Path
    said: Described
    personal: PersonalParts | None

    @classmethod
    def newest_in(cls, folder: Path, personal: Path | None = None) -> "CountFiles":
        """Raises BadFile."""
        newest = (folder / LATEST).resolve()
        said = described(newest)
        if said is None:
            raise BadFile("no_count_files", f"There are no count files in {folder}: recuento files write {folder}")
        if said.recuento.rules != RULES:
            raise BadFile(
                "other_rules",
                f"These files count by rules {said.recuento.rules}, and this version of Recuento by rules {RULES}: "
                "start the version that wrote them, or copy files of this one.",
            )
        parts = None if personal is None else PersonalParts.newest_in(personal)
        if parts is not None and parts.said.recuento != said.recuento:
            raise BadFile("parted", f"{personal} is not of the revision of {folder}: write or copy both together.")
        return cls(newest, said, parts)

    @property
    def revision(self) -> int:
        return self.said.recuento.revision

    def require_whole(self) -> None:
        """Raises BadFile where a file is missing, or is not as the descriptor says."""
        self.said.require_whole(self.folder)
        if self.personal is not None:
            self.personal.said.require_whole(self.personal.folder)

    @cached_property
    def columns(self) -> Columns:
        codes, values = Codes(), Codes()
        rows = {table.kept.name: self._rows(table, codes) for table in FILE_TABLES if table.kept is not None}
        apart = {kept.name: self._apart(table, codes) for table, kept in zip(UNLINKED, VOICES, strict=True)}
        people, detentions = (
            1 + max(int(rows[kept.name][name].max(initial=0)) for kept in kepts) for name, kepts in _KEYS
        )
        classes = np.zeros(self.revision + 1, np.int8)
        first_apart = STANDS
        if self.personal is None:
            first_apart = detentions
            behind_all(rows, apart, people, detentions, codes.add(Verdict.VERIFIED))
        else:
            in_their_place(rows, apart, self.personal.numbers(OWN_PEOPLE), self.personal.numbers(OWN_DETENTIONS))
            personal, of_records = self.personal.read(codes, values)
            rows |= personal
            classes[: len(of_records)] = of_records
        numbers = [of_table[name] for of_table in rows.values() for name in (PERSON, "spell") if name in of_table]
        keys = 1 + max(self.revision, *(int(column.max(initial=0)) for column in numbers))
        classes = np.append(classes, np.zeros(keys - len(classes), np.int8))
        tables = {kept.name: Table.of(self.revision, _as_kept(rows.get(kept.name), kept)) for kept in EVERY}
        last = (row for row in self._entries() if row["revision"] > self.revision - LEAVES)
        leaves = {row["revision"]: row["leaf_hash"] for row in last}
        return Columns(
            head=self.revision,
            rules=RULES,
            leaves=leaves,
            tables=tables,
            classes=classes,
            codes=codes,
            values=values,
            are_personal=self.personal is not None,
            first_apart=first_apart,
        )

    def _apart(self, table: FileTable, codes: Codes) -> list[TableRow]:
        """Rows of what sources say apart, with their ends, and codes in place of texts of which there are few."""
        columns = (*OPENING, *table.columns)
        texts = tuple(column for column in columns if column.type is Type.TEXT)
        rows = self._rows(table, codes, tuple(column for column in columns if column.type is not Type.TEXT))
        read = {
            column.kept: [row[column.kept] for row in read_rows(self._parts(table.name), texts)] for column in texts
        }
        names = [*rows, *read]
        columns_of_rows = [*(column.tolist() for column in rows.values()), *read.values()]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns_of_rows, strict=True)]

    def fill(self, session: Session, known: int) -> None:
        """Put into a database what a count asks for beside columns. `known`: the revision up to which it has the
        entries."""
        run = session.connection().execute
        _insert(session, Entry, (row for row in self._entries() if row["revision"] > known))
        run(update(Head).values(revision=self.revision, rules=RULES, demo=self.said.recuento.demo))
        for whole in WHOLE_TABLES:
            run(delete(whole.model))
            _insert(session, whole.model, _with_ids(read_rows([self._path(whole.name)], whole.columns), whole.model))
        run(delete(PendingPair))
        pairs = self._rows(UNRESOLVED_DUPLICATES, Codes())
        # The registry's own key of a pair is in no file: any number will do that is the pair's alone.
        pairs["decision"] = np.arange(len(pairs[SINCE]))
        names, columns = [*pairs], [column.tolist() for column in pairs.values()]
        _insert(session, PendingPair, (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)))

    def _rows(self, table: FileTable, codes: Codes, columns: tuple[Column, ...] | None = None) -> dict[str, Array]:
        """All rows of a table, by the names of the registry's own columns, with their ends. Raises BadFile."""
        rows = read_columns(self._parts(table.name), columns or (*OPENING, *table.columns), codes)
        closed = read_columns(self._parts(f"closed-{table.name}"), CLOSING, codes)
        numbers = rows.pop(ROW)
        number = len(numbers)
        if not np.array_equal(numbers, np.arange(number)) or (closed[ROW] >= number).any():
            raise BadFile("damaged", f"Rows of {table.name} are missing: copy {self.folder} again.")
        rows[UNTIL] = np.full(number, STANDS, np.int32)
        rows[UNTIL][closed[ROW]] = closed[UNTIL]
        return rows

    def _entries(self) -> Iterator[TableRow]:
        erasures = set() if self.personal is None else set(self.personal.said.redactions)
        for row in read_rows(self._parts("entries"), ENTRIES):
            kind = REDACTION if row["revision"] in erasures else OTHER if row["body"] is None else CLAIM
            yield {**row, "kind": kind, "leaf_hash": bytes.fromhex(row["leaf_hash"]), "body": row["body"] or NO_BODY}

    def _parts(self, name: str) -> Sequence[Path]:
        return [self.folder / file_of(name, part) for part in parts_of(self.revision)]

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.parquet"


def stand_for(engine: Engine, files: CountFiles, known: int) -> None:
    """Let a database answer as these files say. `known`: the revision up to which it does already."""
    give(engine, files.columns)  # they answer for every revision before theirs
    with writing(engine) as session:
        files.fill(session, known)


def _as_kept(rows: Mapping[str, Array] | None, kept: Kept) -> dict[str, Array]:
    """Rows in the types in which columns are kept; none where there are no such rows."""
    types = {name: TYPES[kept.columns.get(name, NUMBER)] for name in (SINCE, UNTIL, *kept.columns)}
    if rows is None:
        return {name: np.empty(0, dtype) for name, dtype in types.items()}
    return {name: rows[name].astype(dtype, copy=False) for name, dtype in types.items()}


def _with_ids(rows: Iterable[TableRow], model: type[Any]) -> Iterator[TableRow]:
    ids = {name for name, column in model.__table__.columns.items() if isinstance(column.type, Uuid)}
    for row in rows:
        yield {name: UUID(value) if name in ids else value for name, value in row.items()}


def _insert(session: Session, model: type[Any], rows: Iterable[TableRow]) -> None:
    rows = iter(rows)
    while some := list(islice(rows, BATCH)):
        session.connection().execute(insert(model), some)
