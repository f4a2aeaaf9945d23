"""What was taken back or changed."""

import uuid
from typing import Any

from typing_extensions import TypedDict

from app.vocabulary import CorrectionKind
from app.wire.base import Page


class ChangeOut(TypedDict):
    """A public value before and after; `status` is the release's, as all sources together say."""

    field: str
    before: Any
    after: Any


class CorrectionShape(TypedDict):
    """One correction, recorded at `revision`. `source`: who corrected, null for curators. The ids are those that stand
    at the revision read; of two people merged or parted, theirs while they were two; of a claim that replaces others,
    its own first, and `claimant` is whose figure it is."""

    id: uuid.UUID
    kind: CorrectionKind
    revision: int
    recorded_at: str
    source: str | None
    release_id: uuid.UUID | None
    detention_id: uuid.UUID | None
    detainee_ids: list[uuid.UUID]
    claim_ids: list[uuid.UUID]
    claimant: str | None
    changes: list[ChangeOut]


class CorrectionPage(Page):
    """Corrections, newest first; `withheld`: how many more this page would hold of people whom no list may show. A page
    may hold fewer than `limit`, or none, before the last: follow `next`."""

    data: list[CorrectionShape]
    withheld: int
