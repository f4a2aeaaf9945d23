"""The shapes of answers: what the JSON that the layers hand to each other holds, and what openapi.json says of it."""

from app.wire.base import Answered, CountedPage, Fact, NotVisible, Page, PersonalPage, Receipt, Said, Tombstone
from app.wire.corrections import CorrectionPage
from app.wire.counts import (
    BalanceStep,
    ReconciliationOut,
    Total,
)
from app.wire.directory import (
    ClaimOut,
    ClaimShape,
    FacilityOut,
    FacilityShape,
    FiledClaim,
    FiledFacility,
    FiledSource,
    Health,
    Me,
    SourceOut,
    SourceShape,
    UnknownFacility,
    VocabularyOut,
)
from app.wire.filed import (
    ApartOut,
    Candidate,
    ContradictedOut,
    ContradictionOut,
    Decided,
    Filed,
    FiledConsent,
    FiledRedaction,
    HiddenOut,
    MatchOut,
    PairOut,
    ProposalShape,
    Proposed,
    ReportId,
    ReportOut,
    ReportShape,
    Version,
    WaitingShape,
)
from app.wire.imports import ImportOut, ImportRowPage
from app.wire.matching import CandidatesOut, ComparisonOut
from app.wire.records import (
    DetaineeOut,
    DetaineeShape,
    DetentionOut,
    DetentionShape,
    EndedOut,
    ReleaseOut,
    ReleaseShape,
    StageOut,
    VerificationOut,
)


class DetaineePage(PersonalPage):
    """People; with `changed_since` what left the list comes last."""

    data: list[DetaineeShape | Tombstone]


class DetentionPage(CountedPage):
    """Detentions, with `held_on` those of who was held that day; with `changed_since` what left the list comes last."""

    data: list[DetentionShape | Tombstone]


class ReleasePage(CountedPage):
    """Releases; with `changed_since` what left the list comes last."""

    data: list[ReleaseShape | Tombstone]


class VerificationPage(Page):
    """Each source's standing verdict."""

    data: list[VerificationOut]


class ReportPage(Page):
    """Reports of your own."""

    data: list[ReportShape]


class SourcePage(Page):
    """Sources."""

    data: list[SourceShape]


class FacilityPage(Page):
    """Places of detention."""

    data: list[FacilityShape]


class ClaimPage(Page):
    """Published figures; with `changed_since` what left the list comes last."""

    data: list[ClaimShape | Tombstone]


class HistoryPage(Page):
    """A person as shown from each revision on."""

    data: list[Version]


class BalancePage(Page):
    """The steps from one figure of the held to the next."""

    data: list[BalanceStep]


class ProposalPage(Page):
    """Decisions that wait for a second curator."""

    data: list[ProposalShape]


class ReviewPage(Page):
    """What waits, and the places that reports name and nobody registered (folded names)."""

    data: list[WaitingShape]
    unknown_facilities: list[UnknownFacility]


__all__ = [
    "Answered",
    "ApartOut",
    "BalancePage",
    "Candidate",
    "CandidatesOut",
    "ClaimOut",
    "ClaimPage",
    "ComparisonOut",
    "ContradictedOut",
    "ContradictionOut",
    "CorrectionPage",
    "Decided",
    "DetaineeOut",
    "DetaineePage",
    "DetaineeShape",
    "DetentionOut",
    "DetentionPage",
    "DetentionShape",
    "EndedOut",
    "FacilityOut",
    "FacilityPage",
    "FacilityShape",
    "Fact",
    "Filed",
    "FiledClaim",
    "FiledConsent",
    "FiledFacility",
    "FiledRedaction",
    "FiledSource",
    "Health",
    "HiddenOut",
    "HistoryPage",
    "ImportOut",
    "ImportRowPage",
    "MatchOut",
    "Me",
    "NotVisible",
    "Page",
    "PairOut",
    "ProposalPage",
    "ProposalShape",
    "Proposed",
    "Receipt",
    "ReconciliationOut",
    "ReleaseOut",
    "ReleasePage",
    "ReleaseShape",
    "ReportId",
    "ReportOut",
    "ReportPage",
    "ReportShape",
    "ReviewPage",
    "Said",
    "SourceOut",
    "SourcePage",
    "SourceShape",
    "StageOut",
    "Tombstone",
    "Total",
    "UnknownFacility",
    "VerificationOut",
    "VerificationPage",
    "Version",
    "VocabularyOut",
]
