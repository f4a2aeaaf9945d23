"""Imports: what was sent, the progress, and the outcome of each row. Of a row's cells at most an unreadable day, number
or code is stored: no name and no note. Sealed columns are encrypted (`log/vault.py`)."""

import uuid
from datetime import datetime

from sqlalchemy import Index, Uuid
from sqlmodel import Field, SQLModel

from app.db.engine import UtcDateTime
from app.models.columns import key_column, one_of, sealed_column, text_column
from app.vocabulary import ImportOutcome, ImportState


class ListImport(SQLModel, table=True):
    """One list sent by one source."""

    __tablename__ = "list_import"
    __table_args__ = (one_of("state", ImportState), Index(None, "source", "digest"), Index(None, "state"))
    id: uuid.UUID = Field(sa_type=Uuid, primary_key=True)
    source: int = key_column()
    key_id: str | None  # of the key that sent it; null: filed on the machine itself
    digest: str  # keyed: from a plain one of a short list, a number could be tried out
    mapping: bytes | None = sealed_column(nullable=True)  # JSON; null: by headings, or the one saved for them
    dry_run: bool
    strict: bool
    confirmed: bool
    whole: int | None  # rows of the list that this one is a part of; null: it is no part
    state: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime, nullable=True)
    leased_until: datetime | None = Field(default=None, sa_type=UtcDateTime, nullable=True)
    rows: int | None
    done: int  # the number of the last row settled, in the file
    counts: str = text_column()  # JSON: outcome → rows
    first_revision: int | None = key_column(nullable=True)
    last_revision: int | None = key_column(nullable=True)
    told: bytes = sealed_column()  # JSON: form, digest, columns, sheet, sums over rows
    questions: bytes = sealed_column()  # JSON
    fault: bytes | None = sealed_column(nullable=True)  # JSON: why it failed


class ImportRow(SQLModel, table=True):
    """The outcome of one row."""

    __tablename__ = "import_row"
    __table_args__ = (one_of("outcome", ImportOutcome),)
    list_import: uuid.UUID = Field(sa_type=Uuid, primary_key=True)
    row: int = Field(primary_key=True)
    outcome: str
    report: uuid.UUID | None = Field(default=None, sa_type=Uuid, nullable=True)
    revision: int | None = key_column(nullable=True)
    faults: bytes | None = sealed_column(nullable=True)  # JSON


class ImportFile(SQLModel, table=True):
    """Personal. The bytes of a list that was sent and is not through; deleted as soon as it is."""

    __tablename__ = "import_file"
    list_import: uuid.UUID = Field(sa_type=Uuid, primary_key=True)
    data: bytes = sealed_column()


class ImportMapping(SQLModel, table=True):
    """The mapping that a source last used for lists with these headings."""

    __tablename__ = "import_mapping"
    source: int = key_column(primary_key=True)
    headings: str = Field(primary_key=True)  # keyed digest
    mapping: bytes = sealed_column()  # JSON
    saved_at: datetime = Field(sa_type=UtcDateTime)
