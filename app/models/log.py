"""Tables of the log, and operational tables that no rebuild touches: keys, proposals, objections, imports.

Of the cells of an imported row, at most an unreadable date, number or code is stored: no name and no note. Sealed
columns are encrypted (`log/head.py`)."""

import uuid
from datetime import date, datetime
from typing import Literal, NamedTuple, get_args

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, LargeBinary, UniqueConstraint, Uuid
from sqlmodel import AutoString, Field, SQLModel

from app.db.engine import Key, UtcDateTime
from app.models.base import build_enum_check, key_column, sealed_column, text_column
from app.vocabulary import ImportOutcome, ImportState, Role

ProposalKind = Literal["identity", "undo", "claim", "objection", "opening", "review"]
ObjectionWish = Literal["hide", "correct", "remove", "not_missing"]
ObjectionState = Literal["received", "waiting", "open", "hiding", "upheld", "decided"]
ENTRY_KINDS = (
    "source",
    "facility",
    "report",
    "identity",
    "consent",
    "claim",
    "redaction",
    "recall",
    "review",
    "signer",
)


class Entry(SQLModel, table=True):
    """An accepted entry: its canonical bytes (as text) and RFC 9162 leaf hash. Triggers make the table append-only."""

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


class RowsVersion(NamedTuple):
    """The version of projected rows: the counting rules, and what the rows have under these rules."""

    rules: int
    projection: int


class Head(SQLModel, table=True):
    """The only row of the table. Every writer locks it, so that revisions have no gaps."""

    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)
    id: int = Field(primary_key=True)
    revision: int = key_column()
    # The earliest date of a new entry: the last entry's date, or just after an instant served since.
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    secret_check: str
    demo: bool
    # The version of every projected row (`RowsVersion`).
    rules: int
    projection: int
    # The date of the last entry that a wrong clock dated ahead, as stated by the operator.
    dated_ahead_until: datetime | None = Field(default=None, sa_type=UtcDateTime, nullable=True)
    erased: int = key_column()  # revision of the last erasure, or 0
    scrubbed: int = key_column()  # erasures up to this revision are also removed from the database's files
    # A freeze: since when, until when (null: until somebody ends it), and by which key (null: on the machine itself).
    frozen_since: datetime | None = Field(default=None, sa_type=UtcDateTime, nullable=True)
    frozen_until: datetime | None = Field(default=None, sa_type=UtcDateTime, nullable=True)
    frozen_by: str | None = None


class ApiKey(SQLModel, table=True):
    """An API key with the digest of its secret. Only the operator reads `holder` and `last_used_on`."""

    __tablename__ = "api_key"
    __table_args__ = (build_enum_check("role", Role), Index(None, "source"))
    id: str = Field(primary_key=True)
    role: str
    source: int | None = key_column(nullable=True)
    digest: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime, nullable=True)
    holder: str | None = None  # who in the organisation has the key; null: created before holders were required
    scopes: str | None = text_column(default=None, nullable=True)  # JSON list of `METHOD /path`; null: all of its role
    last_used_on: date | None = None  # a day only: somebody's working hours are nobody's business


class NoticeHolder(SQLModel, table=True):
    """Personal. A holder of keys who gets notices, with the numbers of the last ones.

    `email`: sealed (`log/head.py`). `feed_digest`: of the secret address of the feed. `covered_until`: the time up to
    which news were counted. `due_at`: when the next notice may be prepared or sent. `alerts`: those raised at the last
    notice. `unsent`: what is to be mailed. `digests`: of the last notices, newest first. Deleted with the last key."""

    __tablename__ = "notice_holder"
    __table_args__ = (UniqueConstraint("feed_digest"),)
    holder: str = Field(primary_key=True)  # folded, as holders are compared
    email: bytes | None = sealed_column(default=None, nullable=True)
    feed_digest: str | None = None
    covered_until: datetime = Field(sa_type=UtcDateTime)
    due_at: datetime = Field(sa_type=UtcDateTime)
    alerts: str = text_column(default="[]")  # JSON list
    unsent: str = text_column(default="{}")  # JSON: kind → number
    digests: str = text_column(default="[]")  # JSON list


class SourceRealName(SQLModel, table=True):
    """Personal. The real name of a source under a pseudonym, sealed (`log/head.py`)."""

    __tablename__ = "source_real_name"
    source: int = key_column(primary_key=True)
    real_name: bytes = sealed_column()


class SourceTrust(SQLModel, table=True):
    """How many reports of a source may count in combined records before a curator has reviewed them."""

    __tablename__ = "source_trust"
    source: int = key_column(primary_key=True)
    unreviewed_limit: int


class EntryAuthor(SQLModel, table=True):
    """The key that wrote an entry, so that everything written with a stolen key can be recalled.

    Only the operator reads it: no response and no entry contains it. Entries written without a key, or before this
    table existed, have no row. `sent_at`: when the report was sent, if it waited under an embargo."""

    __tablename__ = "written_by"
    revision: int = key_column(primary_key=True)
    key_id: str
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime, nullable=True)


class CaseKey(SQLModel, table=True):
    """The record of a source's case number, by a keyed digest of both.

    It outlives an erasure, so that the next spreadsheet cannot bring an erased person back unnoticed."""

    __tablename__ = "case_key"
    digest: str = Field(primary_key=True)
    record_id: uuid.UUID = Field(sa_type=Uuid)


class HiddenCandidatePair(SQLModel, table=True):
    """Personal. Two similar records, when the source of the later one may not learn of the other.

    The log is public, and an entry about the pair would confirm a guess. `contradicts`: `other` contradicts `record`
    and was outweighed when `record` was linked to its person. Only curators read these pairs. An erasure deletes
    them."""

    __tablename__ = "hidden_candidate_pair"
    record: int = key_column(primary_key=True)  # the record filed later
    other: int = key_column(primary_key=True)
    score: int  # thousandths
    reasons: str = text_column()  # JSON
    contradicts: bool = Field(default=False)


class UncomparedRecord(SQLModel, table=True):
    """A record whose hidden candidate pairs are not searched yet.

    Every new record has a row here for a moment, so a row reveals nothing about similar people. `listing`: the record
    came as a row of a list."""

    __tablename__ = "uncompared_record"
    record: int = key_column(primary_key=True)
    listing: bool


class Proposal(SQLModel, table=True):
    """Personal. A decision that waits for a second person or a day. An erasure deletes it.

    An `opening` waits for the people whose class its entry `a` would open; the others are not entries yet. `agreed_by`:
    the key of a second holder, if it takes another one."""

    __table_args__ = (build_enum_check("kind", get_args(ProposalKind)), Index(None, "a"), Index(None, "b"))
    id: uuid.UUID = Field(sa_type=Uuid, primary_key=True)
    kind: ProposalKind = Field(sa_type=AutoString)
    # The two records, the source and the list, or the claim, decision or entry that it is about; the same key twice for
    # one.
    a: int = key_column()
    b: int = key_column()
    decision: str  # the judgement, the id of the undone decision, or what follows from an objection
    body: str = text_column()  # JSON: the whole request
    proposed_by: str  # the key's id; empty: a command on the machine itself
    proposed_at: datetime = Field(sa_type=UtcDateTime)
    agreed_by: str | None = None


class Objection(SQLModel, table=True):
    """Personal. An objection to a publication, sent without a key.

    `about` and `wish` are stored as sent, `words` and `contact` sealed with the operator's secret (`log/head.py`). Only
    curators read them. An erasure deletes them.

    States: `received`: its person is not looked up yet. `waiting`: for its network's turn to hide. `open`: before
    the curators, without hiding anybody. `hiding`: its person is hidden. `upheld`: a correction or an erasure will
    follow. `decided`.
    `network`: a digest of the sender's network that only one process can compute, and only on one day; null once
    curators decided.
    """

    __table_args__ = (
        build_enum_check("wish", get_args(ObjectionWish)),
        build_enum_check("state", get_args(ObjectionState)),
    )
    id: uuid.UUID = Field(sa_type=Uuid, primary_key=True)
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
    """Personal. A report under an embargo until `until`, and so not an entry yet.

    It is sealed as a whole (`log/head.py`), and no other column reveals its person: `digest` is a keyed digest of the
    source and the case number. `refused_at`: when filing it failed. It then waits for its source, with the sealed
    reason `refusal`."""

    __tablename__ = "waiting_report"
    __table_args__ = (UniqueConstraint("digest"), Index(None, "source"), Index(None, "until"))
    id: uuid.UUID = Field(sa_type=Uuid, primary_key=True)
    digest: str
    source: int = key_column()
    key_id: str | None  # of the key that sent it; null: filed on the machine itself
    until: datetime = Field(sa_type=UtcDateTime)
    received_at: datetime = Field(sa_type=UtcDateTime)
    report: bytes = sealed_column()  # JSON: the body, and whether it is a release report
    refused_at: datetime | None = Field(default=None, sa_type=UtcDateTime, nullable=True)
    refusal: bytes | None = sealed_column(default=None, nullable=True)  # JSON: code and detail


class IdempotentAnswer(SQLModel, table=True):
    """The outcome of a POST with an Idempotency-Key: ids only, from which a repeated request is answered."""

    __tablename__ = "idempotent_answer"
    __table_args__ = (Index(None, "created_at"),)
    scope: str = Field(primary_key=True)
    key_digest: str = Field(primary_key=True)
    request_digest: str
    status: int
    outcome: str = text_column()
    created_at: datetime = Field(sa_type=UtcDateTime)


class ListImport(SQLModel, table=True):
    """A list sent by a source."""

    __tablename__ = "list_import"
    __table_args__ = (build_enum_check("state", ImportState), Index(None, "source", "digest"), Index(None, "state"))
    id: uuid.UUID = Field(sa_type=Uuid, primary_key=True)
    source: int = key_column()
    key_id: str | None  # of the key that sent it; null: filed on the machine itself
    digest: str  # keyed: with a plain digest of a short list, a number in it could be guessed
    mapping: bytes | None = sealed_column(nullable=True)  # JSON; null: by headings, or the mapping saved for them
    dry_run: bool
    strict: bool
    confirmed: bool
    whole: int | None  # rows of the whole list, if this is a part of one
    state: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime, nullable=True)
    leased_until: datetime | None = Field(default=None, sa_type=UtcDateTime, nullable=True)
    rows: int | None
    done: int  # the number of the last finished row in the file
    counts: str = text_column()  # JSON: outcome → rows
    first_revision: int | None = key_column(nullable=True)
    last_revision: int | None = key_column(nullable=True)
    told: bytes = sealed_column()  # JSON: form, digest, columns, sheet, sums over rows
    questions: bytes = sealed_column()  # JSON
    fault: bytes | None = sealed_column(nullable=True)  # JSON: why the import failed


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
    changes: bytes | None = sealed_column(nullable=True)  # JSON: what the row changes of its report; erased with it


class ImportFile(SQLModel, table=True):
    """Personal. The file of a list; deleted as soon as its import has finished."""

    __tablename__ = "import_file"
    list_import: uuid.UUID = Field(sa_type=Uuid, primary_key=True)
    data: bytes = sealed_column()


class ImportMapping(SQLModel, table=True):
    """The column mapping that a source last used for lists with these headings."""

    __tablename__ = "import_mapping"
    source: int = key_column(primary_key=True)
    headings: str = Field(primary_key=True)  # keyed digest
    mapping: bytes = sealed_column()  # JSON
    saved_at: datetime = Field(sa_type=UtcDateTime)
