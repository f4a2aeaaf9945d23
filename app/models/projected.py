"""Projected tables: rows derived from all reports of a person, valid for revisions `since <= R < until`."""

from typing import Any, Literal, get_args

from sqlalchemy import Index
from sqlmodel import AutoString, Field, SQLModel

from app.models.base import CURRENT_CLASSES, build_enum_check, key_column, text_column
from app.vocabulary import CustodyEnd, Publish, ReleaseStatus, Review, Stage, State, Verdict

VERIFICATION_OBJECTS = ("detention", "release")
OverriddenBasis = Literal["consent", "reports", "listing"]


class Placement(SQLModel, table=True):
    """The detainee and the spell that a record belongs to."""

    __table_args__ = (Index(None, "detainee", "until"), Index(None, "spell"))
    record: int = key_column(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()
    detainee: int = key_column()
    spell: int = key_column()


class PendingPair(SQLModel, table=True):
    """Two people who may be the same: an `unsure` decision that waits for a curator."""

    __tablename__ = "pending_pair"
    __table_args__ = (Index(None, "detainee_a"), Index(None, "detainee_b"))
    decision: int = key_column(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()
    detainee_a: int = key_column()
    detainee_b: int = key_column()


class ClassHold(SQLModel, table=True):
    """A person's class that stays as it is until somebody agrees to an opening.

    `publish`: the class. `opening`: the entry that would open it, and `opening_to`: to which class."""

    __tablename__ = "class_hold"
    __table_args__ = (
        build_enum_check("publish", CURRENT_CLASSES),
        build_enum_check("opening_to", CURRENT_CLASSES),
        Index(None, "opening", "until"),
    )
    detainee: int = key_column(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()
    publish: str
    opening: int = key_column()
    opening_to: str


class ProvisionalHiding(SQLModel, table=True):
    """Personal. A report that closes its person to the class `publish` until a curator has decided.

    `against`: a curator's consent, the reports of other independent sources, or an earlier listing of the person.
    `stopped`: the report takes away the name alone meanwhile, because its source hides too many people."""

    __tablename__ = "provisional_hiding"
    __table_args__ = (
        build_enum_check("publish", Publish),
        build_enum_check("against", get_args(OverriddenBasis)),
        Index(None, "detainee", "until"),
        Index(None, "until", "source"),
    )
    record: int = key_column(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()
    detainee: int = key_column()
    source: int = key_column()
    publish: str
    against: OverriddenBasis = Field(sa_type=AutoString)
    stopped: bool


class Detainee(SQLModel, table=True):
    __table_args__ = (build_enum_check("publish", Publish), build_enum_check("state", State), Index(None, "until"))
    detainee: int = key_column(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()
    publish: str  # the class at that revision, so that counts of withheld people are reproducible
    state: str
    rearrested: bool
    rearrest_claimed: bool  # only sources that are not independent report a re-arrest, or an end
    facts: str = text_column()  # JSON: the public facts, each with its sources


class DetaineePersonal(SQLModel, table=True):
    __tablename__ = "detainee_personal"
    detainee: int = key_column(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()
    folded_name: str = text_column()
    facts: str = text_column()


class Detention(SQLModel, table=True):
    __table_args__ = (Index(None, "detainee", "until"),)
    spell: int = key_column(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()
    detainee: int = key_column()
    ordinal: int  # 1 for a person's first known spell
    country: str | None
    designation: str
    detained_lo: int | None
    detained_hi: int | None
    ended_lo: int | None
    ended_hi: int | None
    held_lo: int | None
    held_hi: int | None
    has_release: bool
    disjoint_releases: bool  # releases on incompatible days, with no detention known between them
    facts: str = text_column()


class SpellPersonal(SQLModel, table=True):
    """The personal facts of a detention and its release."""

    __tablename__ = "spell_personal"
    __table_args__ = (Index(None, "detainee", "until"),)
    spell: int = key_column(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()
    detainee: int = key_column()
    facts: str = text_column()


class Release(SQLModel, table=True):
    __table_args__ = (
        build_enum_check("stage", Stage),
        build_enum_check("status", ReleaseStatus),
        Index(None, "detainee", "until"),
        Index(None, "until", "spell"),
    )
    spell: int = key_column(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()
    detainee: int = key_column()
    stage: str
    status: str | None  # null: no report asserts it (rule 1)
    country: str | None
    facts: str = text_column()


class ReleaseAtStage(SQLModel, table=True):
    """A release at one stage by all sources combined: the rows that totals count."""

    __tablename__ = "release_at_stage"
    __table_args__ = (
        build_enum_check("stage", Stage),
        build_enum_check("status", ReleaseStatus),
        Index(None, "detainee", "until"),
        Index(None, "stage", "lo"),
    )
    spell: int = key_column(primary_key=True)
    stage: str = Field(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()
    detainee: int = key_column()
    status: str | None  # null: no report asserts it (rule 1)
    lo: int | None  # first and last possible day (proleptic ordinal); null: undated
    hi: int | None
    kind: str
    country: str | None
    designation: str
    independent_verified: int
    is_denied: bool  # some first-hand source denies it
    next_hi: int | None  # the day by which a later detention had begun that is not refuted (rule 17)
    withheld: bool


class SourceRelease(SQLModel, table=True):
    """A release at one stage by one source: the rows that counts by source count."""

    __tablename__ = "source_release"
    __table_args__ = (
        build_enum_check("stage", Stage),
        build_enum_check("verdict", Verdict),
        build_enum_check("status", ReleaseStatus),
        build_enum_check("review", Review),
        Index(None, "detainee", "until"),
        Index(None, "stage", "source", "lo"),
        Index(None, "spell", "stage"),
    )
    spell: int = key_column(primary_key=True)
    stage: str = Field(primary_key=True)
    source: int = key_column(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()
    detainee: int = key_column()
    verdict: str
    independent: bool
    status: str | None  # null: the source denies it first-hand, or asserts nothing
    review: str | None  # null: its reports count in combined records
    lo: int | None
    hi: int | None
    kind: str
    country: str | None
    designation: str
    next_hi: int | None
    # The source's own day of the stage and kind; null if it reported none.
    said_lo: int | None
    said_hi: int | None
    said_kind: str | None


class DetentionState(SQLModel, table=True):
    """A detention by all sources combined: the rows that totals of detentions and of held people count.

    `detained_lo`..`detained_hi`: the first and last possible day of the arrest; null: undated. `ended`: how it ended;
    null: no source reports an end, or only a contested release. `lo`..`hi`: the days of the beginning of custody; null:
    undated. `out_lo`..`out_hi`: of the end in any release. `free_lo`..`free_hi`: of the end in a release that left the
    person at large. All four are `dates.LAST_DAY` while no source reports an end; `dates.LAST_DAY` is also the last
    possible day of an undated end. On the days from `sure_lo` to `sure_hi` (`free_sure_hi`: if house arrest is custody)
    no source contradicts that the person was held.
    """

    __tablename__ = "detention_state"
    __table_args__ = (
        build_enum_check("status", ReleaseStatus),
        build_enum_check("ended", CustodyEnd),
        Index(None, "detainee", "until"),
        Index(None, "out_hi"),
    )
    spell: int = key_column(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()
    detainee: int = key_column()
    status: str | None  # null: no report asserts it (rule 1)
    detained_lo: int | None
    detained_hi: int | None
    ended: str | None
    lo: int | None
    hi: int | None
    out_lo: int
    out_hi: int
    free_lo: int
    free_hi: int
    sure_lo: int
    sure_hi: int
    free_sure_hi: int
    next_hi: int | None  # the day by which the person's next detention had begun
    is_denied: bool
    heard_hi: int | None  # the last day on which a report that asserts the detention shows the person inside
    country: str | None
    designation: str
    independent_verified: int
    withheld: bool


class SourceDetention(SQLModel, table=True):
    """A detention by one source: the rows that counts of detentions and of held people by source count."""

    __tablename__ = "source_detention"
    __table_args__ = (
        build_enum_check("verdict", Verdict),
        build_enum_check("status", ReleaseStatus),
        build_enum_check("review", Review),
        build_enum_check("ended", CustodyEnd),
        Index(None, "detainee", "until"),
        Index(None, "source", "out_hi"),
    )
    spell: int = key_column(primary_key=True)
    source: int = key_column(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()
    detainee: int = key_column()
    verdict: str
    independent: bool
    status: str | None  # null: the source denies it first-hand, or asserts nothing
    review: str | None  # null: its reports count in combined records
    detained_lo: int | None
    detained_hi: int | None
    ended: str | None
    lo: int | None
    hi: int | None
    out_lo: int
    out_hi: int
    free_lo: int
    free_hi: int
    sure_lo: int
    sure_hi: int
    free_sure_hi: int
    next_hi: int | None
    heard_hi: int | None
    country: str | None
    designation: str


class Verification(SQLModel, table=True):
    """One source's current verdict on a detention or on a release."""

    __table_args__ = (
        build_enum_check("object", VERIFICATION_OBJECTS),
        build_enum_check("verdict", Verdict),
        Index(None, "detainee", "until"),
        Index(None, "verdict", "since"),
    )
    spell: int = key_column(primary_key=True)
    object: str = Field(primary_key=True)
    source: int = key_column(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()
    detainee: int = key_column()
    record: int = key_column()
    verdict: str
    independent: bool
    said: str = text_column()  # JSON: stage, released_on, kind, method, verified_on, citing


class Trait(SQLModel, table=True):
    """Personal. One value of a personal dimension of a spell: facility, area, gender, nationality, …"""

    __table_args__ = (Index(None, "detainee", "until"), Index(None, "name", "value"))
    spell: int = key_column(primary_key=True)
    name: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()
    detainee: int = key_column()


class SourceTrait(SQLModel, table=True):
    """Personal. Where a person was held in a spell (facility, area) according to one source.

    The count by that source is grouped and filtered by these values."""

    __tablename__ = "source_trait"
    __table_args__ = (Index(None, "detainee", "until"), Index(None, "source", "name", "value"))
    spell: int = key_column(primary_key=True)
    source: int = key_column(primary_key=True)
    name: str = Field(primary_key=True)
    value: str = Field(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()
    detainee: int = key_column()


class ChangedPerson(SQLModel, table=True):
    """The revision of the last entry, after the person's first, that changed a person's rows or their visibility.

    Copies of rows (columns in memory, count files) are refreshed for these people, and for people with a later key."""

    __tablename__ = "changed_person"
    __table_args__ = (Index(None, "revision"),)
    detainee: int = key_column(primary_key=True)
    revision: int = key_column()


# The tables with a person's rows, by `detainee`. Every projection writes all of them.
PROJECTED_TABLES: tuple[type[Any], ...] = (
    Placement, Detainee, DetaineePersonal, Detention, SourceTrait, SpellPersonal, Release, ReleaseAtStage,
    SourceRelease, DetentionState, SourceDetention, Verification, Trait, ProvisionalHiding,
    ClassHold,
)  # fmt: skip
