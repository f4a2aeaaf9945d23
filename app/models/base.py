"""Column helpers shared by all tables, and the base tables that index the log."""

import uuid
from typing import Any

from sqlalchemy import CheckConstraint, Index, LargeBinary, MetaData, Text, Uuid
from sqlmodel import Field, SQLModel

from app.db.engine import Key
from app.vocabulary import Judgement, Publish, Review

# `until` of a row that is still valid: beyond any revision, and still an exact number in JSON (2**53 - 1).
OPEN = 9_007_199_254_740_991

# Today's class of a person who is named by reports without a recorded consent. `RECUENTO_NAMES` controls what it shows.
NAMED_BY_REPORTS = "named_by_reports"
# Today's possible classes of a person, from the most open to the most closed.
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
    """Return the named CHECK of an enumeration. Text with a CHECK is portable, and readable in any database tool."""
    values = ", ".join(f"'{code!s}'" for code in codes)
    return CheckConstraint(f"{column} IN ({values})", name=column)


def key_column(**options: Any) -> Any:
    return Field(sa_type=Key, sa_column_kwargs={"autoincrement": False}, **options)


def sealed_column(**options: Any) -> Any:
    """Return a column of encrypted bytes."""
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
    names: str = text_column()  # JSON list; the first name is displayed
    kind: str
    area: str | None
    country: str
    point: str | None = text_column(nullable=True)  # JSON {"lat", "lon"}, coarse


class Record(SQLModel, table=True):
    """One source's account of one detention, under one case number. Its versions are `report` rows."""

    __table_args__ = (
        build_enum_check("publish_now", CURRENT_CLASSES),
        build_enum_check("publish_decided", CURRENT_CLASSES),
        Index(None, "source"),
    )
    key: int = key_column(primary_key=True)
    id: uuid.UUID = Field(sa_type=Uuid, unique=True)
    source: int = key_column()
    detainee_id: uuid.UUID = Field(sa_type=Uuid, unique=True)
    detention_id: uuid.UUID = Field(sa_type=Uuid, unique=True)
    release_id: uuid.UUID = Field(sa_type=Uuid, unique=True)
    # Today's class of the record's person, and the same without objections: the only values that are not valid for a
    # revision.
    publish_now: str
    publish_decided: str
    redacted: bool


class Report(SQLModel, table=True):
    """One version of a record, from revision `since` on.

    `stated`: the revision of the entry that contains the version. It is `since` for a version as filed, and earlier for
    a version that a recall, or its undoing, restored. `review`: null for a reviewed version. `is_limited`: it is a
    denial, or about custody without a release."""

    __table_args__ = (
        build_enum_check("review", Review),
        Index(None, "since"),
        Index(None, "source", "review", "until", "is_limited"),
    )
    record: int = key_column(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()
    stated: int = key_column()
    version: int
    source: int = key_column()
    review: str | None
    is_limited: bool


class Decision(SQLModel, table=True):
    """A judgement on whether two records are one person. An undone decision has a closed `until`."""

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
    """The class of publication to which a person, or somebody who speaks for them, consents."""

    __table_args__ = (build_enum_check("publish", Publish),)
    key: int = key_column(primary_key=True)
    record: int = key_column(index=True)
    publish: str


class ObjectionHiding(SQLModel, table=True):
    """A record whose person is hidden on an objection.

    `until`: the entry that answers the objection, or (`lapsed`) gives its place to another. It equals `key` if the
    objection was answered without having hidden anybody."""

    __tablename__ = "objection_hiding"
    __table_args__ = (Index(None, "record", "until"),)
    key: int = key_column(primary_key=True)
    record: int = key_column()
    until: int = key_column()
    lapsed: bool


class RequestedClass(SQLModel, table=True):
    """Personal. A class of publication that versions of a record requested.

    `since`: the revision of the latest new request (a wish). `revision`: the revision of the version that made the
    request. `stopped`: the request takes away the name alone. `given_hi`: the last possible day on which any request
    for the class was made."""

    __tablename__ = "requested_class"
    __table_args__ = (build_enum_check("publish", Publish),)
    record: int = key_column(primary_key=True)
    publish: str = Field(primary_key=True)
    revision: int = key_column()
    since: int = key_column()
    stopped: bool
    given_hi: int | None


class Claim(SQLModel, table=True):
    """A version of a published figure, from revision `since` on. The entry of revision `stated` contains all of it.

    `confirmed`: the revision from which the version is confirmed; None: it is hearsay. `second`: the entry of the same
    figure, filed by another source, that confirms it; None if the claimant or a curator does."""

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
    confirmed: int | None = key_column(nullable=True)
    second: int | None = key_column(nullable=True)


class RecalledEntry(SQLModel, table=True):
    """An entry of a report or a claim, withdrawn by the recall of revision `since` until the entry `until` undid it.

    An undone recall may be followed by another."""

    __tablename__ = "recalled_entry"
    __table_args__ = (Index(None, "since"), Index(None, "until", "revision"))
    revision: int = key_column(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()


class BlockingKey(SQLModel, table=True):
    """Personal. A blocking key of a record, with its year of birth and its source: a lookup reads only an index.

    `publish_now`: a copy of `Record.publish_now`, so that a lookup reads no row of people whom the reader may not
    recognise. The second index finds a source's own records without a row of any other."""

    __tablename__ = "blocking_key"
    __table_args__ = (
        build_enum_check("publish_now", CURRENT_CLASSES),
        Index(None, "key", "publish_now", "born", "record", "source"),
        Index(None, "source", "key", "born", "record"),
    )
    record: int = key_column(primary_key=True)
    key: str = Field(primary_key=True)
    born: int | None
    source: int = key_column()
    publish_now: str
