"""The shapes of answers, for documentation and for clients that generate code; the answers themselves are dicts."""

from typing import Any

from app.api.wire.base import Fact, Page, Receipt, Said
from app.api.wire.directory import (
    ClaimOut,
    FacilityOut,
    FacilityShape,
    FiledClaim,
    FiledFacility,
    FiledSource,
    Me,
    SourceOut,
    SourceShape,
)
from app.api.wire.filed import (
    Candidate,
    Decided,
    Filed,
    FiledConsent,
    FiledRedaction,
    MatchOut,
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
ClaimPage = Page[ClaimOut]
HistoryPage = Page[Version]
ReviewPage = Page[dict[str, Any]]

__all__ = [
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
    "VerificationOut",
    "VerificationPage",
    "Version",
]
