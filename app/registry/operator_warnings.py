"""What whoever runs the registry should look at, in words that name nobody."""

from datetime import datetime

from sqlmodel import Session

from app.registry import bursts, hiding_requests, objections, scrubbing, waiting_reports


def operator_warnings(session: Session, filed_by_day: bursts.FiledByDay, now: datetime) -> list[str]:
    """The codes of the warnings that stand, for `/readyz` and `recuento status` alike."""
    return [
        *hiding_requests.warnings(session),
        *bursts.warnings(session, filed_by_day),
        *objections.warnings(session, now),
        *scrubbing.warnings(session),
    ]


def private_warnings(session: Session, now: datetime) -> list[str]:
    """The codes of warnings for `recuento status` alone: anybody can ask `/readyz`, and would learn that something is
    under an embargo."""
    return waiting_reports.warnings(session, now)
