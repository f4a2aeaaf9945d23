"""Rows of what sources say apart (`unlinked`), as the code that counts reads them (pure).

Each stands for a detention and a person of its own, behind all others, whom only a count by that source meets
(`Columns.first_apart`): with what all sources together say of it, with the verdicts of those who verify it, and with
what is so of the person. Where personal parts say whose numbers these are, the rows stand where they belong instead.

Count from a folder of count files, where there is no database of a registry.

The rows that counts read become columns, as in a server. What else a count asks for (the dates of the log, sources,
facilities, published figures) is put into an empty database, so that the code that counts is the registry's own."""

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

from app.columns import table as kept_tables
from app.columns import table as tables
from app.columns.loader import LEAVES, Columns
from app.columns.rows import NONE, STANDS, Array, Recent
from app.columns.table import CODE, EVERY, FLAG, NOTHING, NUMBER, PERSON, SINCE, SMALL, TYPES, UNTIL, Codes, Kept, Table
from app.dates import FIRST_DAY, LAST_DAY
from app.exports.count_files.files import About, CountsDescribed, File, described, file_of, parts_of, require_format
from app.exports.count_files.folders import LATEST
from app.exports.count_files.parquet import BATCH, extent, read_columns, read_rows, require_few
from app.exports.count_files.personal import OWN_DETENTIONS, OWN_PEOPLE, PLACEMENTS, REDACTION, TRAITS, PersonalParts
from app.exports.count_files.tables import (
    CLAIM,
    CLOSING,
    ENTRIES,
    FILE_TABLES,
    NUMBERED,
    OPENING,
    ROW,
    SOURCE,
    UNLINKED,
    UNRESOLVED_DUPLICATES,
    WHOLE_TABLES,
    Column,
    FileTable,
    Type,
)
from app.exports.count_files.unlinked import OF_OWN_KNOWLEDGE, OWN_DETENTION, OWN_PERSON, TOGETHER, VERIFYING, VOICES
from app.imports.faults import BadFile
from app.models import CLASSES_OF_TODAY, Claim, Entry, Head, PendingPair, Source, TableRow
from app.projection import RULES
from app.vocabulary import Verdict

Row = dict[str, Any]
Rows = dict[str, Array]
_NONE_OF = {CODE: NOTHING, SMALL: 0, FLAG: False}


def in_their_place(
    rows: dict[str, Rows], apart: Mapping[str, Iterable[Row]], people: Mapping[int, int], detentions: Mapping[int, int]
) -> None:
    """Add the rows to those of the same tables, by the numbers that personal parts tell."""
    for name, of_table in apart.items():
        for row in of_table:
            row |= {PERSON: people[row[OWN_PERSON]], "spell": detentions[row[OWN_DETENTION]]}
        _add(rows, _kept(name), of_table)


def behind_all(
    rows: dict[str, Rows], apart: Mapping[str, Iterable[Row]], first_person: int, first_detention: int, verified: int
) -> None:
    """Add the rows behind all others, each with what a count by its source reads beside it. `first_…`: the lowest
    numbers that nobody has; `verified`: the code of that verdict."""
    for name, of_table in apart.items():
        voices: list[Row] = []
        wholes: list[Row] = []
        states: list[Row] = []
        for row in of_table:
            numbers: Row = {PERSON: first_person + row[OWN_PERSON], "spell": first_detention + row[OWN_DETENTION]}
            holds: Row = numbers | {SINCE: row[SINCE], UNTIL: row[UNTIL]}
            stage: Row = {"stage": row["stage"]} if "stage" in row else {}
            voices.append({**row, **numbers})
            for text in row[VERIFYING].split():
                source, knows = text.removesuffix(OF_OWN_KNOWLEDGE), text.endswith(OF_OWN_KNOWLEDGE)
                voices.append({**holds, **stage, "source": int(source), "verdict": verified, "independent": knows})
            beside: Row = {
                column: row[column] for column in ("status", "independent_verified", "heard_hi") if column in row
            }
            wholes.append({**holds, **stage, **beside, "withheld": True})
            states.append({**holds, "state": row["state"], "rearrested": row["rearrested"]})
        _add(rows, _kept(name), voices)
        _add(rows, TOGETHER[name][0], wholes)
        _add(rows, tables.PEOPLE, states)


def _kept(name: str) -> Kept:
    return next(kept for kept in tables.EVERY if kept.name == name)


def _add(rows: dict[str, Rows], kept: Kept, more: Iterable[Row]) -> None:
    """Add rows to those of a table; of what they do not say there is none."""
    more = list(more)
    nothing = {name: _NONE_OF.get(kind, NONE) for name, kind in kept.columns.items()}
    of_table = rows[kept.name]
    rows[kept.name] = {
        name: np.concatenate(
            [of_table[name], np.array([row.get(name, nothing.get(name)) for row in more], column.dtype)]
        )
        for name, column in of_table.items()
    }


# Of entries that no count reads: what they say is in no file.
OTHER, NO_BODY = "report", "{}"
_KEYS = (
    (PERSON, (kept_tables.PEOPLE, kept_tables.RELEASES, kept_tables.HELD)),
    ("spell", (kept_tables.ARRESTS, kept_tables.RELEASES, kept_tables.HELD)),
)
_PERSONAL_TABLES = (*TRAITS, PLACEMENTS)
# What reading files raises that are not as they were written, be it by a fault of a disk or by somebody's will.
_UNREADABLE = (
    duckdb.Error, OSError, ValueError, TypeError, LookupError, ArithmeticError, RuntimeError, StatementError,
)  # fmt: skip


@contextmanager
def as_bad_file(folder: Path) -> Iterator[None]:
    """Whatever stops the reading of count files, told as BadFile, and never with a value of theirs."""
    try:
        yield
    except OperationalError:
        raise  # the database beside them is full or busy: the files may be right
    except _UNREADABLE as error:
        raise BadFile(
            "damaged", f"The files in {folder} cannot be read ({type(error).__name__}): copy them again."
        ) from None


@dataclass(frozen=True)
class CountFiles:
    """The count files of one revision, and what counts of personal dimensions read beside them, where it is there."""

    folder: Path
    descriptor: CountsDescribed
    personal: PersonalParts | None

    @classmethod
    def newest_in(cls, folder: Path, personal: Path | None = None) -> "CountFiles":
        """Raises BadFile."""
        newest = (folder / LATEST).resolve()
        require_format(newest)
        descriptor = described(newest)
        if descriptor is None:
            raise BadFile("no_count_files", f"There are no count files in {folder}: recuento files write {folder}")
        if descriptor.recuento.rules != RULES:
            raise BadFile(
                "other_rules",
                f"These files count by rules {descriptor.recuento.rules}, and this version of Recuento by rules "
                f"{RULES}: start the version that wrote them, or copy files of this one.",
            )
        parts = None if personal is None else personal_parts_in(personal)
        if parts is not None and parts.descriptor.recuento != descriptor.recuento:
            raise BadFile("parted", f"{personal} is not of the revision of {folder}: write or copy both together.")
        return cls(newest, descriptor, parts)

    @property
    def revision(self) -> int:
        return self.descriptor.recuento.revision

    def require_whole(self) -> None:
        """Raises BadFile where a file that is read is missing or is not as the descriptor says, and where there is
        more than is read."""
        names = {file_of("entries", part) for part in parts_of(self.revision)}
        names |= {f"{table.name}.parquet" for table in WHOLE_TABLES}
        for table in (*FILE_TABLES, *UNLINKED, UNRESOLVED_DUPLICATES):
            for name in (table.name, f"closed-{table.name}"):
                names |= {file_of(name, part) for part in parts_of(self.revision)}
        self.descriptor.require_whole(self.folder, names)
        for table in (*UNLINKED, UNRESOLVED_DUPLICATES):
            require_few(self._parts(table.name))
        for whole in WHOLE_TABLES:
            require_few([self._file(whole.name)])
        if self.personal is not None:
            of_people = {f"{name}.parquet" for name in (OWN_PEOPLE, OWN_DETENTIONS)}
            of_people |= {f"{table.name}.parquet" for table in _PERSONAL_TABLES}
            self.personal.descriptor.require_whole(self.personal.folder, of_people)

    def has(self, entry: About) -> bool:
        """Whether an entry is in these files, so that the log which ended with it goes on in them."""
        if entry.revision > self.revision:
            return False
        row = next(self._entries(entry.revision - 1))
        return bool(row["leaf_hash"].hex() == entry.leaf_hash)

    @cached_property
    def columns(self) -> Columns:
        """Raises BadFile."""
        self._require_every_entry()  # before there are arrays of that length
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
            for table in _PERSONAL_TABLES:
                assert table.kept is not None
                self._require_sound(table, personal[table.kept.name])
            if not _within(of_records, 0, len(CLASSES_OF_TODAY) - 1):
                raise self._damaged(PLACEMENTS.name)
            rows |= personal
            records = min(len(of_records), len(classes))
            classes[:records] = of_records[:records]
        numbers = [of_table[name] for of_table in rows.values() for name in (PERSON, "spell") if name in of_table]
        keys = 1 + max(self.revision, *(int(column.max(initial=0)) for column in numbers))
        classes = np.append(classes, np.zeros(keys - len(classes), np.int8))
        tables = {kept.name: Table.of(self.revision, _as_kept(rows.get(kept.name), kept)) for kept in EVERY}
        leaves = {row["revision"]: row["leaf_hash"] for row in self._entries(self.revision - LEAVES)}
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
            column.kept: [row[column.kept] for row in read_rows(self.folder, self._parts(table.name), texts)]
            for column in texts
        }
        names = [*rows, *read]
        columns_of_rows = [*(column.tolist() for column in rows.values()), *read.values()]
        return [dict(zip(names, row, strict=True)) for row in zip(*columns_of_rows, strict=True)]

    def fill(self, session: Session, known: int) -> None:
        """Put into a database what a count asks for beside columns. `known`: the revision up to which it has the
        entries. Raises BadFile."""
        run = session.connection().execute
        _insert(session, Entry, self._entries(known))
        run(update(Head).values(revision=self.revision, rules=RULES, demo=self.descriptor.recuento.demo))
        for whole in WHOLE_TABLES:
            run(delete(whole.model))
            rows = read_rows(self.folder, [self._file(whole.name)], whole.columns)
            _insert(session, whole.model, _with_ids(rows, whole.model))
        run(delete(PendingPair))
        pairs = self._rows(UNRESOLVED_DUPLICATES, Codes())
        # Which decision of a curator a row is of stands in no file. No count reads it: it tells rows apart.
        pairs["decision"] = np.arange(len(pairs[SINCE]))
        names, columns = [*pairs], [column.tolist() for column in pairs.values()]
        _insert(session, PendingPair, (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)))
        stated = select(col(Entry.revision)).where(col(Entry.kind) == CLAIM)
        if run(select(col(Claim.key)).where(col(Claim.stated).not_in(stated)).limit(1)).first() is not None:
            raise self._damaged("claims")

    def _rows(self, table: FileTable, codes: Codes, columns: tuple[Column, ...] | None = None) -> dict[str, Array]:
        """All rows of a table, by the names of the registry's own columns, with their ends. Raises BadFile."""
        rows = read_columns(self.folder, self._parts(table.name), columns or (*OPENING, *table.columns), codes)
        closed = read_columns(self.folder, self._parts(f"closed-{table.name}"), CLOSING, codes)
        numbers = rows.pop(ROW)
        number = len(numbers)
        if not np.array_equal(numbers, np.arange(number)) or not _within(closed[ROW], 0, number - 1):
            raise self._damaged(table.name)
        rows[UNTIL] = np.full(number, STANDS, np.int32)
        rows[UNTIL][closed[ROW]] = closed[UNTIL]
        self._require_sound(table, rows)
        return rows

    def _require_sound(self, table: FileTable, rows: Mapping[str, Array]) -> None:
        """Raises BadFile where a row says what no registry writes, and what would end a count with an error."""
        since, until = rows[SINCE], rows[UNTIL]
        are_sound = [_within(since, 1, self.revision), bool((since < until).all())]
        for column in table.columns:
            values = rows.get(column.kept)
            if values is None:
                continue  # the class of a record, which stands elsewhere by now
            if column.type in NUMBERED or column.kept in (OWN_PERSON, OWN_DETENTION):
                are_sound.append(_within(values, 1, self.revision))
            if column.type is Type.DAY:
                are_sound.append(_within(values[values != NONE], FIRST_DAY, LAST_DAY))
            if column is SOURCE:
                are_sound.append(bool(np.isin(values, self._sources).all()))
            if column.kept == "record":
                are_sound.append(_within(values, 0, self.revision))
        if not all(are_sound):
            raise self._damaged(table.name)

    @cached_property
    def _sources(self) -> list[int]:
        """The keys of sources."""
        whole = next(table for table in WHOLE_TABLES if table.model is Source)
        return [row["key"] for row in read_rows(self.folder, [self._file(whole.name)], whole.columns)]

    def _require_every_entry(self) -> None:
        """Raises BadFile where the entries cannot be those from the first to that of the descriptor."""
        if extent(self.folder, self._parts("entries"), ENTRIES[0]) != (self.revision, 1, self.revision):
            raise self._damaged("entries")

    def _entries(self, known: int) -> Iterator[TableRow]:
        """The entries after a revision, each with the next number. Raises BadFile."""
        parts = [part for part in parts_of(self.revision) if part.last > known]
        if not parts:
            return
        erasures = set() if self.personal is None else set(self.personal.descriptor.redactions)
        files = [self.descriptor.files[file_of("entries", part)] for part in parts]
        rows = read_rows(self.folder, files, ENTRIES)
        for revision, row in enumerate(rows, parts[0].first):
            if row["revision"] != revision or not _is_claim_or_none(row["body"]):
                raise self._damaged("entries")
            if revision > known:
                kind = REDACTION if revision in erasures else OTHER if row["body"] is None else CLAIM
                leaf, body = bytes.fromhex(row["leaf_hash"]), row["body"] or NO_BODY
                yield {**row, "kind": kind, "leaf_hash": leaf, "body": body}

    def _damaged(self, name: str) -> BadFile:
        return BadFile("damaged", f"The rows of {name} are not as they were written: copy {self.folder} again.")

    def _parts(self, name: str) -> list[File]:
        return [self.descriptor.files[file_of(name, part)] for part in parts_of(self.revision)]

    def _file(self, name: str) -> File:
        return self.descriptor.files[f"{name}.parquet"]


def personal_parts_in(folder: Path) -> PersonalParts:
    """The newest personal parts of a folder. Raises BadFile."""
    require_format((folder / LATEST).resolve())
    return PersonalParts.newest_in(folder)


def without_personal(columns: Columns) -> Columns:
    """The same columns as of files without personal parts, of which nothing stays."""
    public = {table.kept.name for table in FILE_TABLES if table.kept is not None}
    tables = {
        kept.name: columns.tables[kept.name] if kept.name in public else Table.of(columns.head, _as_kept(None, kept))
        for kept in EVERY
    }
    return replace(
        columns, tables=tables, classes=np.zeros_like(columns.classes), values=Codes(), indexes={}, are_personal=False,
        made={}, _recent=Recent(),
    )  # fmt: skip


def _within(values: Array, least: int, most: int) -> bool:
    return bool(((values >= least) & (values <= most)).all())


def _is_claim_or_none(body: str | None) -> bool:
    """Whether an entry tells no body, or that of a published figure."""
    if body is None:
        return True
    claim = json.loads(body)
    return isinstance(claim, dict) and isinstance(claim.get("said"), dict)


def _as_kept(rows: Mapping[str, Array] | None, kept: Kept) -> dict[str, Array]:
    """Rows in the types in which columns are kept; none where there are no such rows. Raises ValueError where a number
    is too large for its type."""
    types = {name: np.dtype(TYPES[kept.columns.get(name, NUMBER)]) for name in (SINCE, UNTIL, *kept.columns)}
    if rows is None:
        return {name: np.empty(0, dtype) for name, dtype in types.items()}
    for name, dtype in types.items():
        if dtype.kind == "i" and not _within(rows[name], np.iinfo(dtype).min, np.iinfo(dtype).max):
            raise ValueError(name)
    return {name: rows[name].astype(dtype, copy=False) for name, dtype in types.items()}


def _with_ids(rows: Iterable[TableRow], model: type[Any]) -> Iterator[TableRow]:
    ids = {name for name, column in model.__table__.columns.items() if isinstance(column.type, Uuid)}
    for row in rows:
        yield {name: UUID(value) if name in ids else value for name, value in row.items()}


def _insert(session: Session, model: type[Any], rows: Iterable[TableRow]) -> None:
    rows = iter(rows)
    while batch := list(islice(rows, BATCH)):
        session.connection().execute(insert(model), batch)
