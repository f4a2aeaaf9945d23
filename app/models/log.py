"""The log, and what is kept beside it."""

import uuid
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, LargeBinary, Uuid
from sqlmodel import AutoString, Field, SQLModel

from app.database import Key, UtcDateTime
from app.models.columns import key_column, one_of, text_column
from app.vocabulary import Role

ProposedKind = Literal["identity", "consent"]
ENTRY_KINDS = ("source", "facility", "report", "identity", "consent", "claim", "redaction", "signer")


class Entry(SQLModel, table=True):
    """One accepted entry: its canonical bytes (as text) and RFC 9162 leaf hash. Append-only by trigger."""

    __table_args__ = (one_of("kind", ENTRY_KINDS), Index(None, "recorded_at"))
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
    recorded_at: datetime = Field(sa_type=UtcDateTime)
    secret_check: str
    demo: bool
    rules: int  # the number of the rules under which every projected row was made


class ApiKey(SQLModel, table=True):
    """A key: only the digest of its secret is stored."""

    __tablename__ = "api_key"
    __table_args__ = (one_of("role", Role), Index(None, "source"))
    id: str = Field(primary_key=True)
    role: str
    source: int | None = key_column(nullable=True)
    digest: str
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime, nullable=True)


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
    """Personal. A curator's decision that waits for a second curator, and so is no entry yet. An erasure deletes it."""

    __table_args__ = (one_of("kind", get_args(ProposedKind)), Index(None, "a"), Index(None, "b"))
    id: uuid.UUID = Field(sa_type=Uuid, primary_key=True)
    kind: ProposedKind = Field(sa_type=AutoString)
    a: int = key_column()  # the records whose people it is about; of one person alone twice the same
    b: int = key_column()
    decision: str  # the judgement, or the class of publication
    body: str = text_column()  # JSON: the request whole
    proposed_by: str  # the key's id
    proposed_at: datetime = Field(sa_type=UtcDateTime)


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
