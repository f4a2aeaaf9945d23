"""The shapes of answers, for documentation and for clients that generate code; the answers themselves are dicts."""

from app.api.wire.base import CountedPage, Fact, Page, PersonalPage, Receipt, Said, Tombstone
from app.api.wire.corrections import CorrectionPage
from app.api.wire.counts import (
    BalanceStep,
    CitedOut,
    DetentionCount,
    OverlapOut,
    ReconciliationOut,
    ReleaseCount,
    SeriesOut,
    Total,
)
from app.api.wire.directory import (
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
from app.api.wire.estimates import EstimateOut
from app.api.wire.filed import (
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
)
from app.api.wire.imports import ImportOut, ImportRowPage
from app.api.wire.matching import CandidatesOut, ComparisonOut
from app.api.wire.records import (
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


class DetaineePage(PersonalPage[DetaineeShape | Tombstone]):
    """People; with `changed_since` what left the list comes last."""


class DetentionPage(CountedPage[DetentionShape | Tombstone]):
    """Detentions, with `held_on` those of who was held that day; with `changed_since` what left the list comes last."""


class ReleasePage(CountedPage[ReleaseShape | Tombstone]):
    """Releases; with `changed_since` what left the list comes last."""


class VerificationPage(Page[VerificationOut]):
    """Each source's standing verdict."""


class ReportPage(Page[ReportShape]):
    """Reports of your own."""


class SourcePage(Page[SourceShape]):
    """Sources."""


class FacilityPage(Page[FacilityShape]):
    """Places of detention."""


class ClaimPage(Page[ClaimShape | Tombstone]):
    """Published figures; with `changed_since` what left the list comes last."""


class HistoryPage(Page[Version]):
    """A person as shown from each revision on."""


class BalancePage(Page[BalanceStep]):
    """The steps from one figure of the held to the next."""


class ProposalPage(Page[ProposalShape]):
    """Decisions that wait for a second curator."""


class ReviewPage(Page[PairOut | ApartOut | ContradictedOut | HiddenOut | ContradictionOut]):
    """What waits, and the places that reports name and nobody registered (folded names)."""

    unknown_facilities: list[UnknownFacility]


__all__ = [
    "ApartOut",
    "BalancePage",
    "Candidate",
    "CandidatesOut",
    "CitedOut",
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
    "DetentionCount",
    "DetentionOut",
    "DetentionPage",
    "DetentionShape",
    "EndedOut",
    "EstimateOut",
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
    "OverlapOut",
    "Page",
    "PairOut",
    "ProposalPage",
    "ProposalShape",
    "Proposed",
    "Receipt",
    "ReconciliationOut",
    "ReleaseCount",
    "ReleaseOut",
    "ReleasePage",
    "ReleaseShape",
    "ReportId",
    "ReportOut",
    "ReportPage",
    "ReportShape",
    "ReviewPage",
    "Said",
    "SeriesOut",
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
