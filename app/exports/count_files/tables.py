"""Which tables count files have, and what each of their columns says.

They hold what public counts can be asked, and nothing else: no name, no personal dimension, no address of a record.
People and detentions have numbers of the files' own.

The rows of count files, under numbers of people and detentions that no other answer of the registry has."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlmodel import Session, col

from app.columns import table as tables
from app.columns.loader import Columns
from app.columns.rows import NONE, STANDS, Array
from app.columns.table import SINCE, UNTIL, Codes, Kept
from app.exports.count_files.unlinked import OWN_DETENTION, OWN_PERSON, VERIFYING, VOICES, parted
from app.models import Claim, Facility, PendingPair, Source


class Type(Enum):
    """What a column holds."""

    PERSON = auto()
    DETENTION = auto()
    NUMBER = auto()
    DAY = auto()
    CODE = auto()  # a text of which there are few
    VALUE = auto()  # a value of a personal dimension
    TEXT = auto()
    TRUTH = auto()
    INSTANT = auto()


# The same in the words of Table Schema (Data Package 2.0).
IN_TABLE_SCHEMA = {
    Type.PERSON: "integer",
    Type.DETENTION: "integer",
    Type.NUMBER: "integer",
    Type.DAY: "date",
    Type.CODE: "string",
    Type.VALUE: "string",
    Type.TEXT: "string",
    Type.TRUTH: "boolean",
    Type.INSTANT: "datetime",
}


@dataclass(frozen=True)
class Column:
    """A column of a file. `kept`: its name in the registry's own tables."""

    name: str
    kept: str
    type: Type
    says: str


@dataclass(frozen=True)
class FileTable:
    """A table whose rows hold for revisions `since <= R < until`. `kept`: the table of the server's columns whose rows
    it has, if there is one; `key`: what tells apart the rows that one entry opened."""

    name: str
    kept: Kept | None
    key: tuple[str, ...]
    says: str
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class WholeTable:
    """A short table, which is written whole for each revision: in words and not in numbers."""

    name: str
    model: type[Any]
    says: str
    columns: tuple[Column, ...]


def _of(kept: Kept, name: str, says: str, *columns: Column) -> FileTable:
    return FileTable(name, kept, kept.key, says, columns)


def _days(what: str, lo: str = "lo", hi: str = "hi") -> tuple[Column, Column]:
    return (
        Column("first_day", lo, Type.DAY, f"The first day on which {what} can have been; none: undated."),
        Column("last_day", hi, Type.DAY, f"The last day on which {what} can have been; none: undated."),
    )


OPENED, CLOSED, ROW = "revision", "until", "row"
# Beside its own columns every file of opened rows begins with these, and a file of closed rows has no others.
OPENING = (
    Column(ROW, ROW, Type.NUMBER, "The number of the row in its table, from 0 on, in the order of opening."),
    Column(OPENED, tables.SINCE, Type.NUMBER, "The first revision at which the row holds."),
)
CLOSING = (
    Column(ROW, ROW, Type.NUMBER, "The number of a row of the same table."),
    Column(CLOSED, tables.UNTIL, Type.NUMBER, "The first revision at which the row holds no more."),
)
PERSON = Column("person", tables.PERSON, Type.PERSON, "The person, by a number of these files.")
DETENTION = Column("detention", "spell", Type.DETENTION, "The detention, by a number of these files.")
SOURCE = Column("source", "source", Type.NUMBER, "The source: `key` in the table of sources.")
_STAGE = Column("stage", "stage", Type.CODE, "How far the release has come: announced, ordered, left custody.")
_KIND = Column("kind", "kind", Type.CODE, "The kind of release.")
_COUNTRY = Column("country", "country", Type.CODE, "ISO 3166-1 alpha-2; none: no source says it.")
_DESIGNATION = Column("designation", "designation", Type.CODE, "Whether sources call the person a political prisoner.")
_STATUS = Column("status", "status", Type.CODE, "verified, contested or reported, which count; refuted; or none.")
_SOURCES = Column("independent_sources", "independent_verified", Type.NUMBER, "How many independent sources verify it.")
_WITHHELD = Column("counted_only", "withheld", Type.TRUTH, "Whether the person may be counted and not listed.")
_VERDICT = Column("verdict", "verdict", Type.CODE, "What the source says of it now.")
_INDEPENDENT = Column("independent", "independent", Type.TRUTH, "Whether the source says it of its own knowledge.")
_NEXT = Column("next_detained_by", "next_hi", Type.DAY, "The day by which the person was detained again.")
_ENDS = (
    Column("left_first_day", "out_lo", Type.DAY, "The first day on which it can have ended; 9999-12-31: it has not."),
    Column("left_last_day", "out_hi", Type.DAY, "The last day on which it can have ended; 9999-12-31: perhaps not."),
    Column("free_first_day", "free_lo", Type.DAY, "The same of an end that left the person at large."),
    Column("free_last_day", "free_hi", Type.DAY, "The same of an end that left the person at large."),
)
_HEARD = Column("heard_of_by", "heard_hi", Type.DAY, "The last day on which somebody can have known the person held.")
_RECORDED = (_COUNTRY, _DESIGNATION)
_RELEASE_VERDICT = (_STAGE, SOURCE, _VERDICT, _INDEPENDENT, _KIND, *_days("the release"), _NEXT, *_RECORDED)
_DETENTION_VERDICT = (SOURCE, _VERDICT, _INDEPENDENT, *_days("the beginning"), *_ENDS, _NEXT, *_RECORDED)

FILE_TABLES = (
    _of(
        tables.RELEASES,
        "releases",
        "Releases, at each stage, as all sources together say them.",
        *(PERSON, DETENTION, _STAGE, _KIND, *_days("the release"), _NEXT, *_RECORDED),
        *(_STATUS, _SOURCES, _WITHHELD),
    ),
    _of(
        tables.SOURCE_RELEASES,
        "release_verdicts",
        "Releases, at each stage, as each source says them.",
        *(PERSON, DETENTION, *_RELEASE_VERDICT),
        Column("said_first_day", "said_lo", Type.DAY, "The first day by the source's own word; none: it gives none."),
        Column("said_last_day", "said_hi", Type.DAY, "The last day by the source's own word; none: it gives none."),
        Column("said_kind", "said_kind", Type.CODE, "The kind by the source's own word; none: it gives none."),
    ),
    _of(
        tables.HELD,
        "detentions",
        "Detentions, with their beginning and their end, as all sources together say them.",
        *(PERSON, DETENTION, *_days("the beginning"), *_ENDS, _NEXT),
        *(_HEARD, *_RECORDED, _STATUS, _SOURCES, _WITHHELD),
    ),
    _of(
        tables.SOURCE_HELD,
        "detention_verdicts",
        "Detentions, with their beginning and their end, as each source says them.",
        *(PERSON, DETENTION, *_DETENTION_VERDICT),
    ),
    _of(
        tables.ARRESTS,
        "arrests",
        "The day of each arrest, as all sources together say it.",
        *(PERSON, DETENTION, *_days("the arrest", "detained_lo", "detained_hi"), *_RECORDED),
    ),
    _of(
        tables.PEOPLE,
        "people",
        "What is so of each person.",
        PERSON,
        Column("state", "state", Type.CODE, "Where the person stands: held, released, …"),
        Column("rearrested", "rearrested", Type.TRUTH, "Whether an independent source says so."),
    ),
)
UNRESOLVED_DUPLICATES = FileTable(
    "unresolved_duplicates",
    None,
    ("decision",),
    "Two people who may be one, as long as no curator has decided.",
    (
        Column("person", "detainee_a", Type.PERSON, "One of the two."),
        Column("other_person", "detainee_b", Type.PERSON, "The other."),
    ),
)
_OWN = (
    Column("person", OWN_PERSON, Type.NUMBER, "The person, by a number that only rows of the same source have."),
    Column("detention", OWN_DETENTION, Type.NUMBER, "The detention, likewise."),
)
_BESIDE = (
    Column("status", "status", Type.CODE, "The status of the whole."),
    Column("independent_sources", "independent_verified", Type.NUMBER, "How many independent sources verify it."),
    Column("state", "state", Type.CODE, "Where the person stands."),
    Column("rearrested", "rearrested", Type.TRUTH, "Whether an independent source says so."),
    Column("verifying", VERIFYING, Type.TEXT, "The keys of sources that verify it; with * of their own knowledge."),
)
UNLINKED = (
    FileTable(
        "unlinked_release_verdicts",
        None,
        (OWN_DETENTION, "stage"),
        "Releases of people who may only be counted, as sources say them that verify nothing of it.",
        (*_OWN, *_RELEASE_VERDICT, *_BESIDE),
    ),
    FileTable(
        "unlinked_detention_verdicts",
        None,
        (OWN_DETENTION,),
        "Detentions of people who may only be counted, as sources say them that verify nothing of it.",
        (*_OWN, *_DETENTION_VERDICT, *_BESIDE, _HEARD),
    ),
)
EVERY = (*FILE_TABLES, *UNLINKED, UNRESOLVED_DUPLICATES)
# The log, as far as counts need it: when each revision was recorded, its leaf hash, and what is published anyway.
CLAIM = "claim"  # the kind of an entry
ENTRIES = (
    Column(OPENED, "revision", Type.NUMBER, "The number of the entry."),
    Column("recorded_at", "recorded_at", Type.INSTANT, "When it was recorded."),
    Column("leaf_hash", "leaf_hash", Type.TEXT, "Its leaf hash (RFC 9162), in hexadecimal."),
    Column("claim", "body", Type.TEXT, "Of a published figure, the entry itself, as JSON."),
)
_HOLDS = (
    Column("key", "key", Type.NUMBER, "The number by which other tables name it."),
    Column(OPENED, "since", Type.NUMBER, "The first revision at which the row holds."),
    Column(CLOSED, "until", Type.NUMBER, "The first revision at which it holds no more; 9007199254740991: it holds."),
)


def _text(name: str, says: str) -> Column:
    return Column(name, name, Type.TEXT, says)


WHOLE_TABLES = (
    WholeTable(
        "sources",
        Source,
        "Who reports and who claims.",
        (
            *_HOLDS,
            _text("slug", "Its name in addresses."),
            _text("name", "Its name."),
            _text("kind", "What kind of source it is."),
            _text("country", "ISO 3166-1 alpha-2."),
            Column("independent", "independent", Type.TRUTH, "Whether it is independent of whoever detains."),
            Column("quarantined", "quarantined", Type.TRUTH, "Whether its reports wait for a curator."),
            _text("definition", "Whom it calls a political prisoner."),
        ),
    ),
    WholeTable(
        "facilities",
        Facility,
        "Where people are held.",
        (
            *_HOLDS,
            _text("slug", "Its name in addresses."),
            _text("names", "Its names, as JSON."),
            _text("kind", "What kind of place it is."),
            _text("area", "The state or province."),
            _text("country", "ISO 3166-1 alpha-2."),
            _text("point", "About where it lies, as JSON."),
        ),
    ),
    WholeTable(
        "claims",
        Claim,
        "The versions of published figures; what they say is in the table of entries.",
        (
            *_HOLDS,
            Column("stated", "stated", Type.NUMBER, "The revision of the entry that says the whole of it."),
            _text("id", "Its id in addresses."),
            Column("filed_by", "filed_by", Type.NUMBER, "The source that filed it."),
            _text("claimant", "The source that claims it."),
            _text("measure", "What it counts."),
            _text("country", "ISO 3166-1 alpha-2."),
        ),
    ),
)


NUMBERED = (Type.PERSON, Type.DETENTION)
# Of columns that hold something else than numbers of 32 bits.
DTYPES: dict[Type, Any] = {Type.TEXT: object, Type.TRUTH: np.bool_}
Rows = Mapping[str, Array]


class RowsInOrder:
    """All rows of each table, by the names of the registry's own columns, in the order of their opening; rows that the
    same entry opened in an order that follows from what they say. A row that ends where another begins that says the
    same goes on instead: what changed is in no file.

    The order, and the numbers of people and detentions, are the same at every later revision: rows are closed and
    opened, never taken away."""

    def __init__(self, session: Session, columns: Columns) -> None:
        self._session, self._columns = session, columns
        self._numbers = {type_: self._numbers_of(type_) for type_ in NUMBERED}
        self.parted = parted(columns)
        self._unlinked = dict(zip((table.name for table in UNLINKED), VOICES, strict=True))

    def of(self, table: FileTable) -> Rows:
        rows = self._rows(table)
        for column in table.columns:
            if column.type in NUMBERED:
                rows[column.kept] = self.number(column.type, rows[column.kept])
        rows = _gone_on(
            rows, [rows[name] for name in table.key], [column.kept for column in table.columns if column.kept in rows]
        )
        texts = {Type.CODE: self._columns.codes, Type.VALUE: self._columns.values}
        coded = {column.kept: texts[column.type] for column in table.columns if column.type in texts}
        key = [_by_text(coded[name], rows[name]) if name in coded else rows[name] for name in table.key]
        order = np.lexsort((*reversed(key), rows[SINCE]))
        return {name: column[order] for name, column in rows.items()}

    def number(self, type_: Type, keys: Array) -> Array:
        """The numbers of people or detentions in the files, by the registry's own keys."""
        numbers: Array = self._numbers[type_][keys]
        return numbers

    def _rows(self, table: FileTable) -> dict[str, Array]:
        if table.kept in VOICES:
            return {**self.parted.linked[table.kept.name]}
        if table.kept is not None:
            return self._of_server(table.kept)
        if table.name in self._unlinked:
            rows = self.parted.unlinked[self._unlinked[table.name].name]
            types = {column.kept: DTYPES.get(column.type, np.int32) for column in table.columns}
            types |= dict.fromkeys((SINCE, UNTIL), np.int32)
            return {name: np.array([row[name] for row in rows], dtype) for name, dtype in types.items()}
        pairs = (
            PendingPair.decision,
            PendingPair.since,
            PendingPair.until,
            PendingPair.detainee_a,
            PendingPair.detainee_b,
        )
        undecided = self._session.execute(select(*map(col, pairs))).all()
        numbers = np.minimum(np.array(undecided, np.int64).reshape(-1, len(pairs)), STANDS).astype(np.int32)
        return dict(zip(("decision", SINCE, UNTIL, "detainee_a", "detainee_b"), numbers.T, strict=True))

    def _of_server(self, kept: Kept) -> dict[str, Array]:
        held = self._columns.tables[kept.name]
        return {name: held.column(name) for name in (SINCE, UNTIL, *kept.columns)}

    def _numbers_of(self, type_: Type) -> Array:
        """The number by the registry's own key: from 1 on, in the order of the revisions at which each first stands in
        a table."""
        first = np.full(self._columns.keys, STANDS, np.int32)
        for table in FILE_TABLES:
            for name in _names_of(table.columns, type_):
                assert table.kept is not None
                held = self._columns.tables[table.kept.name]
                np.minimum.at(first, held.column(name), held.column(SINCE))
        there = np.argsort(first, kind="stable")[: np.count_nonzero(first != STANDS)]
        numbers = np.full(len(first), NONE, np.int32)
        numbers[there] = np.arange(1, len(there) + 1)
        return numbers


def _names_of(columns: tuple[Column, ...], type_: Type) -> list[str]:
    return [column.kept for column in columns if column.type is type_]


def _gone_on(rows: dict[str, Array], key: list[Array], columns: list[str]) -> dict[str, Array]:
    """The rows, without those that begin where a row of the same key ends that says the same in these columns, which
    lasts on instead."""
    if not len(rows[SINCE]):
        return rows
    order = np.lexsort((rows[SINCE], *key))
    rows = {name: column[order] for name, column in rows.items()}
    same = rows[SINCE][1:] == rows[UNTIL][:-1]
    for column in (*(of_key[order] for of_key in key), *(rows[name] for name in columns if name not in (SINCE, UNTIL))):
        same &= column[1:] == column[:-1]
    first = np.flatnonzero(~np.append(False, same))
    last = np.append(first[1:], len(order)) - 1
    return {name: column[last if name == UNTIL else first] for name, column in rows.items()}


def _by_text(codes: Codes, column: Array) -> Array:
    """Codes as numbers in the order of their texts: which code a text has depends on the process."""
    used = np.unique(column).tolist()
    place = np.zeros(max(used, default=0) + 1, np.int32)
    place[sorted(used, key=lambda code: codes.text(code) or "")] = np.arange(len(used))
    places: Array = place[column]
    return places
