"""Define the tables and columns of count files, and read their rows from the registry's columns.

They contain what public counts can ask for, and nothing else: no name, no personal dimension, no id of a record. People
and detentions have numbers that no other response of the registry has.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from app.columns import table as tables
from app.columns.table import TableSpec
from app.exports.count_files.unlinked import OWN_DETENTION, OWN_PERSON, VERIFYING_SOURCES
from app.models import Claim, Facility, RecalledEntry, Source


class ColumnType(Enum):
    """The type of a column."""

    PERSON = auto()
    DETENTION = auto()
    NUMBER = auto()
    DAY = auto()
    CODE = auto()  # a text with few different values
    VALUE = auto()  # a value of a personal dimension
    TEXT = auto()
    TRUTH = auto()
    INSTANT = auto()


# The types of Table Schema (Data Package 2.0).
TABLE_SCHEMA_TYPES = {
    **dict.fromkeys((ColumnType.PERSON, ColumnType.DETENTION, ColumnType.NUMBER), "integer"),
    **dict.fromkeys((ColumnType.CODE, ColumnType.VALUE, ColumnType.TEXT), "string"),
    ColumnType.DAY: "date",
    ColumnType.TRUTH: "boolean",
    ColumnType.INSTANT: "datetime",
}


@dataclass(frozen=True)
class Column:
    """A column of a file.

    `registry_name`: its name in the registry's own tables. `first_rules`: rows made under earlier rules have no such
    column.
    """

    name: str
    registry_name: str
    type: ColumnType
    description: str
    first_rules: int = 1


@dataclass(frozen=True)
class FileTable:
    """A table whose rows hold for revisions `since <= R < until`.

    `registry_spec`: the registry table with the same rows, if any; `key`: the columns that distinguish rows that one
    entry opened.
    """

    name: str
    registry_spec: TableSpec | None
    key: tuple[str, ...]
    description: str
    columns: tuple[Column, ...]

    def list_columns(self, rules: int) -> tuple[Column, ...]:
        """Return the columns that rows made under these rules have."""
        return tuple(column for column in self.columns if column.first_rules <= rules)


@dataclass(frozen=True)
class WholeTable:
    """A short table that is written whole for each revision, in texts instead of codes.

    `stated_columns`: fields of the entry that states a row, for readers without the log; `registry_name` is the field.
    """

    name: str
    model: type[Any]
    description: str
    columns: tuple[Column, ...]
    stated_columns: tuple[Column, ...] = ()


def _build_file_table(spec: TableSpec, name: str, description: str, *columns: Column) -> FileTable:
    return FileTable(name, spec, spec.key, description, columns)


def _build_day_columns(event: str, lo: str = "lo", hi: str = "hi") -> tuple[Column, Column]:
    return (
        Column("first_day", lo, ColumnType.DAY, f"The first day on which {event} can have been; none: undated."),
        Column("last_day", hi, ColumnType.DAY, f"The last day on which {event} can have been; none: undated."),
    )


OPENED_REVISION, CLOSED_REVISION, ROW_NUMBER = "revision", "until", "row"
# A file of opened rows begins with these columns; a file of closed rows has only CLOSED_ROW_COLUMNS.
OPENED_ROW_COLUMNS = (
    Column(
        ROW_NUMBER,
        ROW_NUMBER,
        ColumnType.NUMBER,
        "The number of the row in its table, from 0 on, in the order of opening.",
    ),
    Column(OPENED_REVISION, tables.SINCE_COLUMN, ColumnType.NUMBER, "The first revision at which the row holds."),
)
CLOSED_ROW_COLUMNS = (
    Column(ROW_NUMBER, ROW_NUMBER, ColumnType.NUMBER, "The number of a row of the same table."),
    Column(
        CLOSED_REVISION, tables.UNTIL_COLUMN, ColumnType.NUMBER, "The first revision at which the row holds no more."
    ),
)
PERSON_FILE_COLUMN = Column(
    "person", tables.PERSON_COLUMN, ColumnType.PERSON, "The person, by a number of these files."
)
DETENTION_FILE_COLUMN = Column("detention", "spell", ColumnType.DETENTION, "The detention, by a number of these files.")
SOURCE_FILE_COLUMN = Column("source", "source", ColumnType.NUMBER, "The source: `key` in the table of sources.")
_STAGE = Column("stage", "stage", ColumnType.CODE, "How far the release has come: announced, ordered, left custody.")
_KIND = Column("kind", "kind", ColumnType.CODE, "The kind of release.")
_COUNTRY = Column("country", "country", ColumnType.CODE, "ISO 3166-1 alpha-2; none: no source says it.")
_DESIGNATION = Column(
    "designation", "designation", ColumnType.CODE, "Whether sources call the person a political prisoner."
)
_STATUS = Column(
    "status",
    "status",
    ColumnType.CODE,
    "verified, contested or reported, which count; official_only, refuted; or none.",
)
_DENIED = Column("denied", "is_denied", ColumnType.TRUTH, "Whether a first-hand source denies it.", 6)
_SOURCES = Column(
    "independent_sources", "independent_verified", ColumnType.NUMBER, "How many independent sources verify it."
)
_WITHHELD = Column("counted_only", "withheld", ColumnType.TRUTH, "Whether the person may be counted and not listed.")
_VERDICT = Column("verdict", "verdict", ColumnType.CODE, "What the source says of it now.")
_INDEPENDENT = Column(
    "independent", "independent", ColumnType.TRUTH, "Whether the source says it of its own knowledge."
)
_OWN_STATUS = Column(
    "status",
    "status",
    ColumnType.CODE,
    "verified, reported or official_only, by the reports of the source alone; none: it denies, or asserts nothing.",
    6,
)
_REVIEW = Column(
    "review",
    "review",
    ColumnType.CODE,
    "awaiting_review or rejected: counts for its source alone; none: it counts in combined records too.",
    6,
)
_NEXT_DETENTION_DAY = Column(
    "next_detained_by", "next_hi", ColumnType.DAY, "The day by which the person was detained again."
)
_ARREST = (
    Column("detained_first_day", "detained_lo", ColumnType.DAY, "The first day of the arrest; none: undated.", 6),
    Column("detained_last_day", "detained_hi", ColumnType.DAY, "The last day of the arrest; none: undated.", 6),
)
_ENDS = (
    Column(
        "ended",
        "ended",
        ColumnType.CODE,
        "How it ended: released, died, …; none: it has not, or only a contested release says so.",
        6,
    ),
    Column(
        "left_first_day", "out_lo", ColumnType.DAY, "The first day on which it can have ended; 9999-12-31: it has not."
    ),
    Column(
        "left_last_day", "out_hi", ColumnType.DAY, "The last day on which it can have ended; 9999-12-31: perhaps not."
    ),
    Column("free_first_day", "free_lo", ColumnType.DAY, "The same of an end that left the person at large."),
    Column("free_last_day", "free_hi", ColumnType.DAY, "The same of an end that left the person at large."),
    Column("sure_first_day", "sure_lo", ColumnType.DAY, "The first day on which no source denies that it lasted.", 6),
    Column("sure_last_day", "sure_hi", ColumnType.DAY, "The last day on which no source denies that it lasted.", 6),
    Column("free_sure_last_day", "free_sure_hi", ColumnType.DAY, "The same if house arrest is custody.", 6),
)
_LAST_SHOWN_DAY = Column(
    "heard_of_by",
    "heard_hi",
    ColumnType.DAY,
    "The last possible day of an arrest, a sighting or an end in a report that asserts it; none: undated.",
)
_RECORDED_TERMS = (_COUNTRY, _DESIGNATION)
_RELEASE_VERDICT = (
    _STAGE,
    SOURCE_FILE_COLUMN,
    _VERDICT,
    _INDEPENDENT,
    _OWN_STATUS,
    _REVIEW,
    _KIND,
    *_build_day_columns("the release"),
    _NEXT_DETENTION_DAY,
    *_RECORDED_TERMS,
)
_DETENTION_VERDICT = (
    SOURCE_FILE_COLUMN,
    _VERDICT,
    _INDEPENDENT,
    _OWN_STATUS,
    _REVIEW,
    *_ARREST,
    *_build_day_columns("the beginning"),
    *_ENDS,
    _NEXT_DETENTION_DAY,
    _LAST_SHOWN_DAY,
    *_RECORDED_TERMS,
)

FILE_TABLES = (
    _build_file_table(
        tables.RELEASES,
        "releases",
        "Releases, at each stage, as all sources together say them.",
        *(
            PERSON_FILE_COLUMN,
            DETENTION_FILE_COLUMN,
            _STAGE,
            _KIND,
            *_build_day_columns("the release"),
            _NEXT_DETENTION_DAY,
            *_RECORDED_TERMS,
        ),
        *(_STATUS, _SOURCES, _WITHHELD, _DENIED),
    ),
    _build_file_table(
        tables.SOURCE_RELEASES,
        "release_verdicts",
        "Releases, at each stage, as each source says them.",
        *(PERSON_FILE_COLUMN, DETENTION_FILE_COLUMN, *_RELEASE_VERDICT),
        Column(
            "said_first_day", "said_lo", ColumnType.DAY, "The first day by the source's own word; none: it gives none."
        ),
        Column(
            "said_last_day", "said_hi", ColumnType.DAY, "The last day by the source's own word; none: it gives none."
        ),
        Column("said_kind", "said_kind", ColumnType.CODE, "The kind by the source's own word; none: it gives none."),
    ),
    _build_file_table(
        tables.DETENTION_STATES,
        "detentions",
        "Detentions, with their beginning and their end, as all sources together say them.",
        *(PERSON_FILE_COLUMN, DETENTION_FILE_COLUMN, *_ARREST, *_build_day_columns("the beginning"), *_ENDS),
        *(_NEXT_DETENTION_DAY, _LAST_SHOWN_DAY, *_RECORDED_TERMS, _STATUS, _SOURCES, _WITHHELD, _DENIED),
    ),
    _build_file_table(
        tables.SOURCE_DETENTIONS,
        "detention_verdicts",
        "Detentions, with their beginning and their end, as each source says them.",
        *(PERSON_FILE_COLUMN, DETENTION_FILE_COLUMN, *_DETENTION_VERDICT),
    ),
    _build_file_table(
        tables.ARRESTS,
        "arrests",
        "The day of each arrest, as all sources together say it.",
        *(
            PERSON_FILE_COLUMN,
            DETENTION_FILE_COLUMN,
            *_build_day_columns("the arrest", "detained_lo", "detained_hi"),
            *_RECORDED_TERMS,
        ),
    ),
    _build_file_table(
        tables.PEOPLE,
        "people",
        "What is so of each person.",
        PERSON_FILE_COLUMN,
        Column("state", "state", ColumnType.CODE, "Where the person stands: held, released, …"),
        Column("rearrested", "rearrested", ColumnType.TRUTH, "Whether an independent source says so."),
    ),
)
POSSIBLE_DUPLICATES = FileTable(
    "possible_duplicates",
    None,
    ("decision",),
    "Two people who may be one, as long as no curator has decided.",
    (
        Column("person", "detainee_a", ColumnType.PERSON, "One of the two."),
        Column("other_person", "detainee_b", ColumnType.PERSON, "The other."),
    ),
)
_OWN_NUMBERS = (
    Column("person", OWN_PERSON, ColumnType.NUMBER, "The person, by a number that only rows of the same source have."),
    Column("detention", OWN_DETENTION, ColumnType.NUMBER, "The detention, likewise."),
)
_COMBINED_VALUES = (
    Column("independent_sources", "independent_verified", ColumnType.NUMBER, "How many independent sources verify it."),
    _DENIED,
    Column("state", "state", ColumnType.CODE, "Where the person stands."),
    Column("rearrested", "rearrested", ColumnType.TRUTH, "Whether an independent source says so."),
    Column("verifying", VERIFYING_SOURCES, ColumnType.TEXT, "The keys of sources that verify it first-hand."),
)
UNLINKED_TABLES = (
    FileTable(
        "unlinked_release_verdicts",
        None,
        (OWN_DETENTION, "stage"),
        "Releases of people who may only be counted, as sources say them that verify nothing of it.",
        (*_OWN_NUMBERS, *_RELEASE_VERDICT, *_COMBINED_VALUES),
    ),
    FileTable(
        "unlinked_detention_verdicts",
        None,
        (OWN_DETENTION,),
        "Detentions of people who may only be counted, as sources say them that verify nothing of it.",
        (*_OWN_NUMBERS, *_DETENTION_VERDICT, *_COMBINED_VALUES),
    ),
)
PART_TABLES = (*FILE_TABLES, *UNLINKED_TABLES, POSSIBLE_DUPLICATES)
# The log, as far as counts need it: when each revision was recorded, its leaf hash, and published figures.
CLAIM_KIND = "claim"  # the kind of an entry
ENTRY_COLUMNS = (
    Column(OPENED_REVISION, "revision", ColumnType.NUMBER, "The number of the entry."),
    Column("recorded_at", "recorded_at", ColumnType.INSTANT, "When it was recorded."),
    Column("leaf_hash", "leaf_hash", ColumnType.TEXT, "Its leaf hash (RFC 9162), in hexadecimal."),
    Column("claim", "body", ColumnType.TEXT, "Of a published figure, the entry itself, as JSON."),
)
_VERSION_COLUMNS = (
    Column("key", "key", ColumnType.NUMBER, "The number by which other tables name it."),
    Column(OPENED_REVISION, "since", ColumnType.NUMBER, "The first revision at which the row holds."),
    Column(
        CLOSED_REVISION,
        "until",
        ColumnType.NUMBER,
        "The first revision at which it holds no more; 9007199254740991: it holds.",
    ),
)


def _build_text_column(name: str, description: str) -> Column:
    return Column(name, name, ColumnType.TEXT, description)


WHOLE_TABLES = (
    WholeTable(
        "sources",
        Source,
        "Who reports and who claims.",
        (
            *_VERSION_COLUMNS,
            _build_text_column("slug", "Its name in addresses."),
            _build_text_column("name", "Its name."),
            _build_text_column("kind", "What kind of source it is."),
            _build_text_column("country", "ISO 3166-1 alpha-2."),
            Column("independent", "independent", ColumnType.TRUTH, "Whether it is independent of whoever detains."),
            Column("quarantined", "quarantined", ColumnType.TRUTH, "Whether its reports wait for a curator."),
            _build_text_column("definition", "Whom it calls a political prisoner."),
        ),
    ),
    WholeTable(
        "facilities",
        Facility,
        "Where people are held.",
        (
            *_VERSION_COLUMNS,
            _build_text_column("slug", "Its name in addresses."),
            _build_text_column("names", "Its names, as JSON."),
            _build_text_column("kind", "What kind of place it is."),
            _build_text_column("area", "The state or province."),
            _build_text_column("country", "ISO 3166-1 alpha-2."),
            _build_text_column("point", "About where it lies, as JSON."),
        ),
    ),
    WholeTable(
        "claims",
        Claim,
        "The versions of published figures.",
        (
            *_VERSION_COLUMNS,
            Column("stated", "stated", ColumnType.NUMBER, "The revision of the entry that says the whole of it."),
            _build_text_column("id", "Its id in addresses."),
            Column("filed_by", "filed_by", ColumnType.NUMBER, "The source that filed it."),
            _build_text_column("claimant", "The source that claims it."),
            _build_text_column("measure", "What it counts."),
            _build_text_column("country", "ISO 3166-1 alpha-2."),
            Column("confirmed", "confirmed", ColumnType.NUMBER, "The revision from which it is confirmed."),
            Column("second", "second", ColumnType.NUMBER, "The entry of another source that confirms it, if one does."),
        ),
        (
            _build_text_column("qualifier", "How it is stated: exactly, at_least, between, …"),
            Column("said", "said", ColumnType.NUMBER, "The number as printed."),
            Column("low", "low", ColumnType.NUMBER, "The lowest number that it means; none: open."),
            Column("high", "high", ColumnType.NUMBER, "The highest number that it means; none: open."),
            Column("window_from", "window_from", ColumnType.DAY, "The first day of its period; none: open."),
            Column("window_to", "window_to", ColumnType.DAY, "The last day of its period, or the day it is about."),
            _build_text_column("window_said", "Its period in the claimant's words."),
            Column("stated_at", "stated_at_instant", ColumnType.INSTANT, "When it was published."),
            _build_text_column("zone", "The time zone in which its days end."),
            _build_text_column("series", "Whether it adds to earlier figures or replaces them."),
            Column("misprint", "misprint", ColumnType.TRUTH, "Whether the number is a misprint."),
            Column("named", "named", ColumnType.TRUTH, "Whether the claimant published the names."),
        ),
    ),
    WholeTable(
        "recalled_entries",
        RecalledEntry,
        "Which entries were recalled, and between which revisions.",
        (
            Column("entry", "revision", ColumnType.NUMBER, "The revision of the entry."),
            *_VERSION_COLUMNS[1:],
        ),
    ),
)

NUMBERED_TYPES = (ColumnType.PERSON, ColumnType.DETENTION)
