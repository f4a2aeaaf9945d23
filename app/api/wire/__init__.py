"""The shapes of answers, for documentation and for clients that generate code; the answers themselves are dicts."""

from app.api.wire.base import Fact, Page, Receipt, Said
from app.api.wire.directory import (
    ClaimOut,
    ClaimShape,
    FacilityOut,
    FacilityShape,
    FiledClaim,
    FiledFacility,
    FiledSource,
    Me,
    SourceOut,
    SourceShape,
    UnknownFacility,
)
from app.api.wire.filed import (
    ApartOut,
    Candidate,
    Decided,
    Filed,
    FiledConsent,
    FiledRedaction,
    MatchOut,
    PairOut,
    ReleaseCount,
    ReportId,
    ReportOut,
    ReportShape,
    Total,
    Version,
)
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

ReleasePage = Page[ReleaseShape]
DetentionPage = Page[DetentionShape]
DetaineePage = Page[DetaineeShape]
VerificationPage = Page[VerificationOut]
ReportPage = Page[ReportShape]
SourcePage = Page[SourceShape]
FacilityPage = Page[FacilityShape]
ClaimPage = Page[ClaimShape]
HistoryPage = Page[Version]


class ReviewPage(Page[PairOut | ApartOut]):
    """What waits, and the places that reports name and nobody registered (folded names)."""

    unknown_facilities: list[UnknownFacility]


__all__ = [
    "ApartOut",
    "Candidate",
    "ClaimOut",
    "ClaimPage",
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
    "HistoryPage",
    "MatchOut",
    "Me",
    "Page",
    "PairOut",
    "Receipt",
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
    "SourceOut",
    "SourcePage",
    "SourceShape",
    "StageOut",
    "Total",
    "UnknownFacility",
    "VerificationOut",
    "VerificationPage",
    "Version",
]
