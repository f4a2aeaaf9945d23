"""Columns, names and limits that every table shares.

The log, indexed: records and their versions, decisions, sources, facilities, claims, consents."""

import uuid
from typing import Any

from sqlalchemy import CheckConstraint, Index, LargeBinary, MetaData, Text, Uuid
from sqlmodel import Field, SQLModel

from app.db.engine import Key
from app.vocabulary import Judgement, Publish

# Open end of a row's life: beyond any revision, and still an exact number in JSON (2**53 - 1).
OPEN = 9_007_199_254_740_991

# Today's class of somebody whose name reports ask for, and no recorded consent: the operator says what it opens.
NAMED_BY_REPORTS = "named_by_reports"
# What a person's class of today may be, from the most open to the most closed.
CURRENT_CLASSES = (Publish.NAMED.value, NAMED_BY_REPORTS, Publish.ANONYMOUS.value, Publish.COUNTED.value)

TableRow = dict[str, Any]  # column → value

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
SQLModel.metadata.naming_convention = NAMING_CONVENTION
metadata: MetaData = SQLModel.metadata


def build_enum_check(column: str, codes: type[Any] | tuple[str, ...]) -> CheckConstraint:
    """Enumerations are text with a named CHECK: portable, and readable in any database tool."""
    values = ", ".join(f"'{code!s}'" for code in codes)
    return CheckConstraint(f"{column} IN ({values})", name=column)


def key_column(**options: Any) -> Any:
    return Field(sa_type=Key, sa_column_kwargs={"autoincrement": False}, **options)


def sealed_column(**options: Any) -> Any:
    """Encrypted bytes."""
    return Field(sa_type=LargeBinary, **options)


def text_column(**options: Any) -> Any:
    return Field(sa_type=Text, **options)


DECIDERS = ("matcher", "reporter", "curator")


class Source(SQLModel, table=True):
    __table_args__ = (Index(None, "slug", "until"),)
    key: int = key_column(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()
    slug: str
    name: str
    kind: str
    country: str | None
    independent: bool
    quarantined: bool
    definition: str | None = text_column(nullable=True)


class Facility(SQLModel, table=True):
    __table_args__ = (Index(None, "slug", "until"),)
    key: int = key_column(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()
    slug: str
    names: str = text_column()  # JSON list, the first one is shown
    kind: str
    area: str | None
    country: str
    point: str | None = text_column(nullable=True)  # JSON {"lat", "lon"}, coarse


class Record(SQLModel, table=True):
    """What one source reports of one detention, under one case number; its versions are `report` rows."""

    __table_args__ = (build_enum_check("publish_now", CURRENT_CLASSES), Index(None, "source"))
    key: int = key_column(primary_key=True)
    id: uuid.UUID = Field(sa_type=Uuid, unique=True)
    source: int = key_column()
    detainee_id: uuid.UUID = Field(sa_type=Uuid, unique=True)
    detention_id: uuid.UUID = Field(sa_type=Uuid, unique=True)
    release_id: uuid.UUID = Field(sa_type=Uuid, unique=True)
    # Today's class of the record's person: the one value judged by today and not by the revision.
    publish_now: str
    redacted: bool


class Report(SQLModel, table=True):
    """One version of a record, from revision `since` on. `stated`: the revision of the entry that states its content:
    `since` of a version as it was filed, an earlier one of a version to which a recall, or its undoing, returned."""

    __table_args__ = (Index(None, "since"),)
    record: int = key_column(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()
    stated: int = key_column()
    version: int


class Decision(SQLModel, table=True):
    """A judgement on whether two records are one person; undone when `until` is closed."""

    __table_args__ = (build_enum_check("judgement", Judgement), build_enum_check("decided_by", DECIDERS))
    key: int = key_column(primary_key=True)
    id: uuid.UUID = Field(sa_type=Uuid, unique=True)
    a: uuid.UUID = Field(sa_type=Uuid, index=True)
    b: uuid.UUID = Field(sa_type=Uuid, index=True)
    judgement: str
    decided_by: str
    score: int  # thousandths
    until: int = key_column(index=True)


class Consent(SQLModel, table=True):
    """The class of publication to which a person, or whoever speaks for them, consents."""

    __table_args__ = (build_enum_check("publish", Publish),)
    key: int = key_column(primary_key=True)
    record: int = key_column(index=True)
    publish: str


class ObjectionHiding(SQLModel, table=True):
    """A record whose person is hidden on an objection, until the entry `until` answers it, or (`lapsed`) gives its
    place to another. Of an objection answered without having hidden anybody, `until` is the `key`."""

    __tablename__ = "objection_hiding"
    __table_args__ = (Index(None, "record", "until"),)
    key: int = key_column(primary_key=True)
    record: int = key_column()
    until: int = key_column()
    lapsed: bool


class RequestedClass(SQLModel, table=True):
    """Personal. A class of publication that versions of a record asked for. `since`: the revision of the last such
    wish, first made by the version of `revision`; `stopped`: it waits without hiding anybody; `given_hi`: the last
    possible day on which any wish for the class was given."""

    __tablename__ = "requested_class"
    __table_args__ = (build_enum_check("publish", Publish),)
    record: int = key_column(primary_key=True)
    publish: str = Field(primary_key=True)
    revision: int = key_column()
    since: int = key_column()
    stopped: bool
    given_hi: int | None


class Claim(SQLModel, table=True):
    """A version of a published figure, from revision `since` on; the whole of it is in the entry of revision
    `stated`, as of a report."""

    __table_args__ = (Index(None, "claimant", "until"), Index(None, "filed_by", "source_record_id"))
    key: int = key_column(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()
    stated: int = key_column()
    id: uuid.UUID = Field(sa_type=Uuid, index=True)
    filed_by: int | None = key_column(nullable=True)
    source_record_id: str | None
    claimant: str | None
    measure: str
    country: str | None


class RecalledEntry(SQLModel, table=True):
    """An entry, of a report or a claim, that the recall of revision `since` withdrew, until the entry `until` undid
    that. An undone recall may be followed by another."""

    __tablename__ = "recalled_entry"
    __table_args__ = (Index(None, "since"), Index(None, "until", "revision"))
    revision: int = key_column(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()


class BlockingKey(SQLModel, table=True):
    """Personal. A blocking key of a record, its year of birth and its source: the index alone answers a lookup.
    `publish_now`: a copy of `Record.publish_now`, so that a lookup touches no row of people whom its reader may not
    recognise."""

    __tablename__ = "blocking_key"
    __table_args__ = (
        build_enum_check("publish_now", CURRENT_CLASSES),
        Index(None, "key", "publish_now", "born", "record", "source"),
    )
    record: int = key_column(primary_key=True)
    key: str = Field(primary_key=True)
    born: int | None
    source: int = key_column()
    publish_now: str
