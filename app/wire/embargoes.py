"""Reports that wait for the end of an embargo."""

import uuid
from typing import Any, Literal

from typing_extensions import TypedDict

from app.wire.base import Page


class Embargoed(TypedDict):
    """A report that waits outside the log (202), or no longer does (200). No revision was spent."""

    status: Literal["waiting", "deleted"]
    id: uuid.UUID
    waiting_until: str


class EmbargoProblem(TypedDict):
    """Why a report could not be filed once its embargo was over."""

    code: str
    detail: str
    errors: list[dict[str, str]]


class EmbargoedReport(TypedDict, total=False):
    """A report under an embargo, as it was sent."""

    source_record_id: str
    detainee_id: str | None
    detention_id: str | None
    release_id: str | None
    detainee: dict[str, Any] | None
    detention: dict[str, Any] | None
    release: dict[str, Any]
    verification: dict[str, Any]
    note: str | None


class EmbargoedShape(TypedDict):
    """A report under an embargo. `problem`: why it could not be filed, and so stays. `report`: as it was sent, for its
    source alone."""

    id: uuid.UUID
    source: str
    waiting_until: str
    received_at: str
    refused_at: str | None
    problem: EmbargoProblem | None
    report: EmbargoedReport | None


class EmbargoedPage(Page):
    """Reports under an embargo."""

    data: list[EmbargoedShape]
