"""Batches of reports that no curator has reviewed."""

from sqlalchemy import select
from sqlmodel import Session, col

from app.dates import format_instant
from app.models import OPEN, Source
from app.queries.parameters import Page
from app.registry.publication.permissions import Reader
from app.registry.review.batches import iterate_unreviewed
from app.schemas.filed import BatchOut
from app.vocabulary import Review


def query_batches(session: Session, reader: Reader) -> Page[BatchOut]:
    """Return the batches of other sources than the reader's own: those with waiting reports first, then the newest."""
    slugs: dict[int, str] = dict(
        session.execute(select(col(Source.key), col(Source.slug)).where(col(Source.until) == OPEN)).all()
    )
    batches: dict[tuple[int, str, int], BatchOut] = {}
    for report in iterate_unreviewed(session):
        if report.source == reader.source:
            continue
        at = format_instant(report.recorded_at)
        batch = batches.setdefault(
            (report.source, report.kind, report.request),
            {
                "source": slugs[report.source],
                "kind": report.kind,
                "list": report.request,
                "reports": 0,
                "waiting": 0,
                "first_at": at,
                "last_at": at,
                "until": report.revision,
            },
        )
        batch["reports"] += 1
        batch["waiting"] += report.review is Review.AWAITING_REVIEW
        batch["last_at"], batch["until"] = at, report.revision
    return Page(sorted(batches.values(), key=lambda batch: (batch["waiting"] == 0, -batch["until"])), None)
