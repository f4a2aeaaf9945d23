"""List the operator's warnings. No warning names a person or a source."""

from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from app.models import Proposal
from app.registry import report_versions, waiting_reports
from app.registry.publication import erasure, objections

WAITING_DECISIONS_WARNING = "decisions_wait"


def list_operator_warnings(session: Session, now: datetime) -> list[str]:
    """Return the codes of the current warnings, for `/readyz` and `recuento status`."""
    return [
        *report_versions.list_hiding_warnings(session),
        *objections.list_objection_warnings(session, now),
        *erasure.list_erasure_warnings(session),
    ]


def list_private_warnings(session: Session, now: datetime) -> list[str]:
    """Return the codes of warnings for `recuento status` only.

    `/readyz` is public, and would reveal that a report is under an embargo, or that somebody may soon be shown."""
    is_waiting = session.scalars(select(col(Proposal.id)).limit(1)).first() is not None
    waiting_decisions = [WAITING_DECISIONS_WARNING] if is_waiting else []
    return [*waiting_reports.list_embargo_warnings(session, now), *waiting_decisions]
