"""What the reports say together: rows that hold for revisions `since <= R < until`."""

from typing import Any, Literal, get_args

from sqlalchemy import Index
from sqlmodel import AutoString, Field, SQLModel

from app.models.base import build_enum_check, key_column, text_column
from app.vocabulary import Publish, ReleaseStatus, Stage, State, Verdict

VERIFICATION_OBJECTS = ("detention", "release")
OverriddenBasis = Literal["consent", "reports"]


class Placement(SQLModel, table=True):
    """Which detainee and which spell a record belongs to."""

    __table_args__ = (Index(None, "detainee", "until"), Index(None, "spell"))
    record: int = key_column(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()
    detainee: int = key_column()
    spell: int = key_column()
    contradicts: int | None = key_column(default=None)  # the record it points at, whose dates its own contradict


class PendingPair(SQLModel, table=True):
    """Two people who may be one: an `unsure` decision that waits for a curator."""

    __tablename__ = "pending_pair"
    __table_args__ = (Index(None, "detainee_a"), Index(None, "detainee_b"))
    decision: int = key_column(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()
    detainee_a: int = key_column()
    detainee_b: int = key_column()


class ProvisionalHiding(SQLModel, table=True):
    """Personal. A report that closes its person to the class `publish`, against a curator's consent or against the
    reports of other independent sources, and waits for a curator. `stopped`: the report closes nothing meanwhile, since
    too many of its source wait unanswered."""

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
    publish: str  # the class at that revision: counts of the withheld are reproducible
    state: str
    rearrested: bool
    rearrest_claimed: bool  # only sources that are not independent state a re-arrest, or an end
    facts: str = text_column()  # JSON: the public facts, each with who says so


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
    disjoint_releases: bool  # releases on days that cannot both be right, with no detention known between
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
    status: str | None  # null: nobody asserts it, and no independent source denies it
    country: str | None
    facts: str = text_column()


class ReleaseAtStage(SQLModel, table=True):
    """A release at one stage, as all sources together say it: what totals count."""

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
    status: str | None  # null: nobody asserts it, and no independent source denies it
    lo: int | None  # first and last possible day (proleptic ordinal); null: undated
    hi: int | None
    kind: str
    country: str | None
    designation: str
    independent_verified: int
    next_hi: int | None  # the day by which the person's next detention had begun
    withheld: bool


class SourceRelease(SQLModel, table=True):
    """A release at one stage, as one source says it: what counts by source count."""

    __tablename__ = "source_release"
    __table_args__ = (
        build_enum_check("stage", Stage),
        build_enum_check("verdict", Verdict),
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
    lo: int | None
    hi: int | None
    kind: str
    country: str | None
    designation: str
    next_hi: int | None
    # The day of the stage and the kind that the source gives itself; null: it gives none.
    said_lo: int | None
    said_hi: int | None
    said_kind: str | None


class DetentionState(SQLModel, table=True):
    """A detention with its beginning and its end, as all sources together say it: what totals of the held count.

    `lo`..`hi`: the first and last possible day of the beginning; null: undated. `out`: of the end in any release;
    `free`: in one that left the person at large. Both are `dates.LAST_DAY` while nobody says that it ended; where
    nobody says when, that is the last possible day.
    """

    __tablename__ = "detention_state"
    __table_args__ = (
        build_enum_check("status", ReleaseStatus),
        Index(None, "detainee", "until"),
        Index(None, "out_hi"),
    )
    spell: int = key_column(primary_key=True)
    since: int = key_column(primary_key=True)
    until: int = key_column()
    detainee: int = key_column()
    status: str | None  # null: nobody asserts it, and no independent source denies it
    lo: int | None
    hi: int | None
    out_lo: int
    out_hi: int
    free_lo: int
    free_hi: int
    next_hi: int | None  # the day by which the person's next detention had begun
    heard_hi: int | None  # the last day on which somebody can have known the person held, or saw them leave
    country: str | None
    designation: str
    independent_verified: int
    withheld: bool


class SourceDetention(SQLModel, table=True):
    """A detention with its beginning and its end, as one source says it: what counts of the held by source count."""

    __tablename__ = "source_detention"
    __table_args__ = (
        build_enum_check("verdict", Verdict),
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
    lo: int | None
    hi: int | None
    out_lo: int
    out_hi: int
    free_lo: int
    free_hi: int
    next_hi: int | None
    country: str | None
    designation: str


class Verification(SQLModel, table=True):
    """One source's standing verdict on a detention or on a release."""

    __table_args__ = (
        build_enum_check("object", VERIFICATION_OBJECTS), build_enum_check("verdict", Verdict), Index(None, "detainee", "until"),
        Index(None, "verdict", "since"),
    )  # fmt: skip
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
    """Personal. Where a person was held in a spell (facility, area) by one source's own word: the values by which that
    source's count is grouped and filtered."""

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
    """The revision of the last entry that touched a person's rows, or what may be seen of them, after the first one:
    whoever keeps rows elsewhere reads those of such people again, and of people with a later key."""

    __tablename__ = "changed_person"
    __table_args__ = (Index(None, "revision"),)
    detainee: int = key_column(primary_key=True)
    revision: int = key_column()


# The tables of one person's rows, by `detainee`: written by every projection.
PROJECTED_TABLES: tuple[type[Any], ...] = (
    Placement, Detainee, DetaineePersonal, Detention, SourceTrait, SpellPersonal, Release, ReleaseAtStage,
    SourceRelease, DetentionState, SourceDetention, Verification, Trait, ProvisionalHiding,
)  # fmt: skip
