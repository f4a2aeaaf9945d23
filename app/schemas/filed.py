"""Schemas of responses to writes, a source's own reports, and the curators' review queue."""

import uuid
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from app.schemas.base import Page, ReadAnswer, Receipt, Said
from app.schemas.directory import ClaimShape
from app.schemas.records import ChangeOut, DetaineeShape, DetentionShape, ReleaseShape
from app.vocabulary import (
    MatchOutcome,
    Publish,
    Review,
)


class ReportVersion(TypedDict):
    """A version of one of your own reports."""

    id: uuid.UUID
    version: int
    revision: int
    recorded_at: str
    source: str
    review: Review | None
    has_national_id: bool


class TakenOver(TypedDict):
    """Fields of a report whose values come from the registry, the revision that showed them, and those of which the
    registry shows another value now."""

    fields: list[str]
    revision: int | None
    changed: list[str]


class ReportBody(TypedDict):
    """A report as it was sent, with the values that it took over."""

    source_record_id: NotRequired[str | None]
    detainee: NotRequired[dict[str, Any] | None]
    detention: NotRequired[dict[str, Any] | None]
    release: NotRequired[dict[str, Any] | None]
    verification: dict[str, Any]
    note: NotRequired[str | None]
    retraction: NotRequired[dict[str, Any] | None]
    taken_over: NotRequired[TakenOver]


class ReportShape(ReportVersion, ReportBody):
    """One of your own reports, as you sent it."""


class ReportOut(ReportShape, ReadAnswer):
    """One of your own reports at a revision."""


class Decided(TypedDict):
    """A decision about two people, with the receipt."""

    id: uuid.UUID
    judgement: str
    standing: bool
    receipt: Receipt


class Proposed(TypedDict):
    """A decision of one person; `waiting`: whether it still waits for a second one, or for its day."""

    id: uuid.UUID
    waiting: bool


class ProposalShape(TypedDict):
    """A decision that waits, about one person or two, or (`opening`) the people whom an entry would show more of.
    `decision` of an opening: the kind of the entry. `agreed`: a second person agreed, and it takes one more."""

    id: uuid.UUID
    kind: Literal["identity", "undo", "claim", "objection", "opening", "review"]
    decision: str
    mine: bool
    agreed: bool
    proposed_at: str
    takes_effect_at: str
    body: dict[str, Any]
    people: int
    a: DetaineeShape | None
    b: DetaineeShape | None
    reports: list[uuid.UUID]


class Agreed(TypedDict):
    """What became of decisions that waited: carried out, waiting for one more person, or void since they no longer
    apply."""

    carried_out: list[uuid.UUID]
    waiting: list[uuid.UUID]
    void: list[uuid.UUID]


class FiledConsent(TypedDict):
    """A consent that was recorded, with the receipt; `opening_waits`: whether what it opens waits."""

    detainee: uuid.UUID
    opening_waits: bool
    receipt: Receipt


class FiledRedaction(TypedDict):
    """An erasure that was carried out, with the receipt."""

    detainee: uuid.UUID
    records: int
    scrubbed: bool
    receipt: Receipt


class MovedOut(TypedDict):
    """How many reports, or claims, stand no more, changed to another version, stand again, or stand as before."""

    withdrawn: int
    changed: int
    restored: int
    unchanged: int


class RecallOut(TypedDict):
    """What a recall moves, or its undoing; `done`: whether it was carried out, with its receipt, or only foretold."""

    done: bool
    source: str | None
    entries: int
    reports: MovedOut
    claims: MovedOut
    left: int
    unattributed: int
    waiting: int
    retractions: list[int]
    receipt: Receipt | None


class ReceivedInWords(TypedDict):
    """What happens next, in two languages."""

    en: str
    es: str


class ObjectionReceived(TypedDict):
    """The answer to every objection, the same in every byte."""

    status: Literal["received"]
    next: ReceivedInWords


class ObjectionShape(TypedDict):
    """One objection, as its sender wrote it."""

    id: uuid.UUID
    received_at: str
    about: str
    wish: Literal["hide", "correct", "remove", "not_missing"]
    words: str | None
    contact: str | None


class ObjectedShape(TypedDict):
    """Somebody whom objections are about. `id`: of the first of them, under which all are decided together."""

    id: uuid.UUID
    state: Literal["waiting", "open", "hiding", "upheld"]
    hidden_since: str | None
    detainee: DetaineeShape
    objections: list[ObjectionShape]


class DecidedObjection(TypedDict):
    """An objection that curators decided, with the receipt."""

    detainee: uuid.UUID
    receipt: Receipt


class LookedAt(TypedDict):
    """A curator could not decide."""

    decision_id: uuid.UUID
    recorded_at: str
    reason: str | None


class ComparedField(TypedDict):
    """What is said of one field about two people; `agrees` is null where only one says anything."""

    field: str
    a: Sequence[Mapping[str, Any]]
    b: Sequence[Mapping[str, Any]]
    agrees: bool | None


class PairOut(TypedDict):
    """Two people who may be one: why they wait, and both accounts side by side. `reasons` are those of
    `as_of_revision`, when the pair was first put here, and `score` the best since; `a`, `b` and `compared` are as now,
    corrections included."""

    kind: Literal["pair"]
    decision_id: uuid.UUID | None
    score: float
    reasons: list[dict[str, Any]]
    as_of_revision: int
    looked_at: list[LookedAt]
    a: DetaineeShape
    b: DetaineeShape
    compared: list[ComparedField]


class ApartOut(TypedDict):
    """A release whose dates cannot all be right."""

    kind: Literal["disjoint_releases"]
    detainee: DetaineeShape
    release: ReleaseShape


class DeniedDetailsOut(TypedDict):
    """Details of a detention or its release that sources deny, and who does. Only the sources can correct them."""

    kind: Literal["denied_details"]
    detainee: DetaineeShape
    detention: DetentionShape
    denied: list[Said]


class HiddenOut(TypedDict):
    """Somebody whom one report hides against a curator's consent, the reports of two other independent sources, or an
    earlier listing; `stopped`: beyond its source's limit, so that only the name is hidden; `wanted`: the class it
    closes them to. `because`: it asks for that (`given_on`: since when), or it gives a birth that may be a child's. A
    consent answers it."""

    kind: Literal["hidden"]
    detainee: DetaineeShape
    source: str
    because: Literal["wish", "birth"]
    wanted: Publish
    given_on: str | None
    against: Literal["consent", "reports", "listing"]
    stopped: bool
    as_of_revision: int


class ContradictionOut(TypedDict):
    """A report of a person that contradicts a later one (`a`), which two other sources' reports tied to that person all
    the same. `a` and `b` are the two reports, each alone; `ties` the decisions that hold `b` there. `same` about the
    two, or undoing the ties, answers it."""

    kind: Literal["contradiction"]
    detainee: DetaineeShape
    score: float
    reasons: list[dict[str, Any]]
    as_of_revision: int
    ties: list[uuid.UUID]
    a: DetaineeShape
    b: DetaineeShape
    compared: list[ComparedField]


class HearsayOut(TypedDict):
    """A claim filed in another's name, or a change to a confirmed claim, that waits for its confirmation (`POST
    /v1/claims/{id}/confirmation`); `changes`: to the confirmed version."""

    kind: Literal["claim"]
    claim: ClaimShape
    changes: list[ChangeOut]


WaitingShape = PairOut | ApartOut | DeniedDetailsOut | HiddenOut | ContradictionOut | HearsayOut


class ReportId(TypedDict):
    """The id of a report, and its version."""

    id: uuid.UUID
    version: int


class Candidate(TypedDict):
    """Somebody the report may speak of, with the reasons."""

    detainee_id: uuid.UUID
    score: float
    reasons: list[dict[str, Any]]


class MatchOut(TypedDict):
    """What became of the person of a report."""

    outcome: MatchOutcome
    candidates: list[Candidate]


class WarningOut(TypedDict):
    """What was accepted and may not be what was meant."""

    pointer: str
    code: Literal["unregistered_facility", "sent_before"]
    detail: str


class Filed(TypedDict):
    """The answer to a report. `review`: `awaiting_review` if it counts in its source's row alone until a curator
    approves it; `unreviewed` if it counts everywhere and no curator has seen it. `wish_waits`: the source hides so many
    people whom the registry listed that this report takes away a name alone, until a curator has looked.
    `opening_waits`: it would show more of the person, and waits for a second person or 24 hours."""

    report: ReportId
    review: Review | None
    wish_waits: bool
    opening_waits: bool
    detainee: DetaineeShape
    detention: DetentionShape
    release: ReleaseShape | None
    match: MatchOut
    warnings: list[WarningOut]
    receipt: Receipt


class ReportPage(Page):
    """Reports of your own."""

    data: list[ReportShape]


class ProposalPage(Page):
    """Decisions that wait for a second person or a day."""

    data: list[ProposalShape]


class ObjectionPage(Page):
    """People whom objections are about."""

    data: list[ObjectedShape]


class UnknownFacility(TypedDict):
    """A place that reports name and nobody registered."""

    name: str
    reports: int


class WithdrawalsShape(TypedDict):
    """A day on which a source withdrew at least twenty of its reports."""

    source: str
    day: str
    reports: int


class BatchKind(StrEnum):
    """The kinds of unreviewed reports that curators review apart."""

    DENIALS = "denials"
    CUSTODY = "custody"
    RELEASES = "releases"


class BatchOut(TypedDict):
    """Reports of one source that no curator has reviewed, of one kind and one list (`list`: its first entry, 0 outside
    lists). `waiting`: those that count in no combined record yet. A review names `until`, the last entry.

    `compared`: so many of its reports were compared with what is shown; `contradicting` of these contradict it."""

    source: str
    kind: BatchKind
    list: int
    reports: int
    waiting: int
    first_at: str
    last_at: str
    until: int
    compared: int
    new_people: int
    known_people: int
    contradicting: int


class BatchPage(Page):
    """Batches of reports for review."""

    data: list[BatchOut]


class BatchReportOut(TypedDict):
    """A report as it was sent, the person whom it is about as shown now, and the fields in which it contradicts other
    reports of the person. `detainee` is null where nobody else reports the person. Of a field, `a` is what the report
    says, and `b` what others say."""

    report: ReportShape
    detainee: DetaineeShape | None
    contradicts: list[ComparedField]


class BatchReportPage(Page):
    """Reports of one batch. `compared`: so many of the batch were compared and put in order; `contradicting` of these
    come first."""

    data: list[BatchReportOut]
    compared: int
    contradicting: int


class ReviewedBatch(TypedDict):
    """The reports that were approved or rejected, with the receipt. Repeat the request while `remaining` is not 0."""

    source: str
    decision: Literal["approved", "rejected"]
    reviewed: int
    remaining: int
    receipt: Receipt


class ReviewPage(Page):
    """What waits, places that reports name and nobody registered (folded names), and days of many withdrawals."""

    data: list[WaitingShape]
    unknown_facilities: list[UnknownFacility]
    withdrawals: list[WithdrawalsShape]
