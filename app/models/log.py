"""The log, and what is kept beside it.

Imports: what was sent, the progress, and the outcome of each row. Of a row's cells at most an unreadable day, number
or code is stored: no name and no note. Sealed columns are encrypted (`log/head.py`)."""

import uuid
from datetime import date, datetime
from typing import Literal, get_args

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, LargeBinary, UniqueConstraint, Uuid
from sqlmodel import AutoString, Field, SQLModel

from app.db.engine import Key, UtcDateTime
from app.models.base import build_enum_check, key_column, sealed_column, text_column
from app.vocabulary import ImportOutcome, ImportState, Role

ProposalKind = Literal["identity", "consent", "objection", "redaction", "recall"]
ObjectionWish = Literal["hide", "correct", "remove", "not_missing"]
ObjectionState = Literal["received", "waiting", "open", "hiding", "upheld", "decided"]
ENTRY_KINDS = ("source", "facility", "report", "identity", "consent", "claim", "redaction", "recall", "signer")


class Entry(SQLModel, table=True):
    """One accepted entry: its canonical bytes (as text) and RFC 9162 leaf hash. Append-only by trigger."""

    __table_args__ = (build_enum_check("kind", ENTRY_KINDS), Index(None, "recorded_at"))
    revision: int = key_column(primary_key=True)
    kind: str
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    body: str = text_column()
    leaf_hash: bytes = Field(sa_type=LargeBinary)


class Sealed(SQLModel, table=True):
    """The personal values of one entry with their salts: `{"name": [salt, value]}`. Deleted by a redaction."""

    revision: int = Field(sa_column=Column(Key, ForeignKey("entry.revision"), primary_key=True, autoincrement=False))
    disclosures: str = text_column()


class Head(SQLModel, table=True):
    """One row: locked by every writer, so that revisions have no gaps."""

    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)
    id: int = Field(primary_key=True)
    revision: int = key_column()
    # No entry is dated before this: the last one's date, or just after an instant that was answered since.
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    secret_check: str
    demo: bool
    rules: int  # the number of the rules under which every projected row was made
    # The last date of entries that were dated ahead by a wrong clock, where whoever runs the registry said so.
    dated_ahead_until: datetime | None = Field(default=None, sa_type=UtcDateTime, nullable=True)
    erased: int = key_column()  # revision of the last erasure; 0: there was none
    scrubbed: int = key_column()  # up to this revision, what was erased has left the files of the database too


class ApiKey(SQLModel, table=True):
    """A key: only the digest of its secret is stored. `holder` and `last_used_on` are the operator's to read."""

    __tablename__ = "api_key"
    __table_args__ = (build_enum_check("role", Role), Index(None, "source"))
    id: str = Field(primary_key=True)
    role: str
    source: int | None = key_column(nullable=True)
    digest: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime, nullable=True)
    holder: str | None = None  # who in the organisation has it; null: made before holders were asked for
    scopes: str | None = text_column(default=None, nullable=True)  # JSON list of `METHOD /path`; null: all of its role
    last_used_on: date | None = None  # a day, and no more: the hours of somebody's work are nobody's business


class SourceRealName(SQLModel, table=True):
    """Personal. The real name of a source under a pseudonym, sealed (`log/head.py`)."""

    __tablename__ = "source_real_name"
    source: int = key_column(primary_key=True)
    real_name: bytes = sealed_column()


class EntryAuthor(SQLModel, table=True):
    """Which key wrote the entry of a revision, so that all that a stolen key wrote can be recalled. The operator's
    alone: in no answer and in no entry. What was written without a key has no row, nor has what was written before
    this was kept. `sent_at`: when it was sent, if it waited under an embargo since."""

    __tablename__ = "written_by"
    revision: int = key_column(primary_key=True)
    key_id: str
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime, nullable=True)


class CaseKey(SQLModel, table=True):
    """Keyed digest of (source, the source's own case number) → the record. It outlives an erasure, so that the
    next spreadsheet cannot bring an erased person back unnoticed."""

    __tablename__ = "case_key"
    digest: str = Field(primary_key=True)
    record_id: uuid.UUID = Field(sa_type=Uuid)


class HiddenCandidatePair(SQLModel, table=True):
    """Personal. Two records that look alike, where the source of the later one may not learn of the other: the log is
    public, and an entry about the pair would confirm a guess. With `contradicts`: `other` says that `record` is of
    somebody else, and was outweighed when `record` was tied to its person. Only curators read these pairs; an erasure
    deletes them."""

    __tablename__ = "hidden_candidate_pair"
    record: int = key_column(primary_key=True)  # the one filed later
    other: int = key_column(primary_key=True)
    score: int  # thousandths
    reasons: str = text_column()  # JSON
    contradicts: bool = Field(default=False)


class UncomparedRecord(SQLModel, table=True):
    """A record whose hidden candidate pairs are still to be looked for: every new record stands here for a moment,
    whoever it looks like. `listing`: it came as a row of a list."""

    __tablename__ = "uncompared_record"
    record: int = key_column(primary_key=True)
    listing: bool


class Proposal(SQLModel, table=True):
    """Personal. A decision of one person that waits for a second, and so is no entry yet. An erasure deletes it."""

    __table_args__ = (build_enum_check("kind", get_args(ProposalKind)), Index(None, "a"), Index(None, "b"))
    id: uuid.UUID = Field(sa_type=Uuid, primary_key=True)
    kind: ProposalKind = Field(sa_type=AutoString)
    # The records whose people it is about; of one person alone, or of a source, twice the same.
    a: int = key_column()
    b: int = key_column()
    decision: str  # the judgement, the class of publication, that the person is to be erased, or what to recall
    body: str = text_column()  # JSON: the request whole
    proposed_by: str  # the key's id
    proposed_at: datetime = Field(sa_type=UtcDateTime)


class Objection(SQLModel, table=True):
    """Personal. What somebody without a key objects to. `about` and `wish` are as sent, `words` and `contact` sealed
    with the operator's secret (`log/head.py`); curators alone read them, and an erasure deletes them.

    States: `received`, nobody has looked whom it is about; `waiting` for a place among those that hide; `open`, before
    the curators without hiding anybody; `hiding`; `upheld`, and a correction or an erasure is yet to come; `decided`.
    `slot`: its place in the bounded queue, where a later one may take it; null once it has hidden somebody or was
    decided. `network`: where it came from, as a number that only the memory of one process of one day can make again.
    """

    __table_args__ = (
        build_enum_check("wish", get_args(ObjectionWish)),
        build_enum_check("state", get_args(ObjectionState)),
    )
    id: uuid.UUID = Field(sa_type=Uuid, primary_key=True)
    slot: int | None = Field(default=None, index=True)
    network: str | None
    received_at: datetime = Field(sa_type=UtcDateTime)
    about: str = text_column()
    wish: ObjectionWish = Field(sa_type=AutoString)
    words: bytes | None = Field(sa_type=LargeBinary)
    contact: bytes | None = Field(sa_type=LargeBinary)
    state: ObjectionState = Field(sa_type=AutoString, index=True)
    record: int | None = key_column(nullable=True, index=True)
    hidden_at: datetime | None = Field(default=None, sa_type=UtcDateTime, nullable=True)
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime, nullable=True)


class WaitingReport(SQLModel, table=True):
    """Personal. A report that its source wants to be public no earlier than `until`, and so is no entry yet. It is
    sealed whole (`log/head.py`), and nothing beside it tells whom it is about: `digest` is keyed, of the source and
    the case number. `refused_at`: since when it could not be filed and waits for its source, for the sealed reason."""

    __tablename__ = "waiting_report"
    __table_args__ = (UniqueConstraint("digest"), Index(None, "source"), Index(None, "until"))
    id: uuid.UUID = Field(sa_type=Uuid, primary_key=True)
    digest: str
    source: int = key_column()
    key_id: str | None  # of the key that sent it; null: filed on the machine itself
    until: datetime = Field(sa_type=UtcDateTime)
    received_at: datetime = Field(sa_type=UtcDateTime)
    report: bytes = sealed_column()  # JSON: the body, and whether it is of a release
    refused_at: datetime | None = Field(default=None, sa_type=UtcDateTime, nullable=True)
    refusal: bytes | None = sealed_column(default=None, nullable=True)  # JSON: code and detail


class IdempotentAnswer(SQLModel, table=True):
    """What a POST with an Idempotency-Key led to: ids only, rendered again when asked again."""

    __tablename__ = "idempotent_answer"
    __table_args__ = (Index(None, "created_at"),)
    scope: str = Field(primary_key=True)
    key_digest: str = Field(primary_key=True)
    request_digest: str
    status: int
    outcome: str = text_column()
    created_at: datetime = Field(sa_type=UtcDateTime)


class ListImport(SQLModel, table=True):
    """One list sent by one source."""

    __tablename__ = "list_import"
    __table_args__ = (build_enum_check("state", ImportState), Index(None, "source", "digest"), Index(None, "state"))
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
    __table_args__ = (build_enum_check("outcome", ImportOutcome),)
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
