"""`recuento review`: approve or reject reports that no curator has reviewed."""

from typing import Annotated, Literal

import typer
from sqlalchemy import select
from sqlmodel import Session, col

from app.cli.database import open_session
from app.cli.output import AsJson, console, print_rows, utc_now
from app.config import Settings
from app.dates import format_instant
from app.log.entries import lock_head
from app.models import EntryAuthor
from app.registry.publication.permissions import Reader
from app.registry.review.batches import ReviewIn, UnreviewedReport, group_in_batches, review_batch
from app.registry.write import WriteContext
from app.schemas.filed import BatchKind
from app.vocabulary import Review, Role

commands = typer.Typer()
review_commands = typer.Typer(
    help="Reports that no curator has reviewed: list the batches, approve or reject one.", invoke_without_command=True
)
commands.add_typer(review_commands, name="review")

SourceSlug = Annotated[str, typer.Argument(help="Slug of the source.")]
Kind = Annotated[BatchKind, typer.Argument(help="Which of its reports.")]
FirstEntry = Annotated[int, typer.Option("--list", help="The list, as `recuento review` names it; 0: outside lists.")]
Reason = Annotated[str | None, typer.Option(help="Why; the reason is stored beside the log.")]


@review_commands.callback()
def list_batches(context: typer.Context, as_json: AsJson = False) -> None:
    """List the batches of reports that no curator has reviewed, those that await review first."""
    if context.invoked_subcommand is None:
        with open_session(Settings()) as session:
            rows = [_build_row(session, batch) for batch in group_in_batches(session)]
        print_rows(rows, as_json=as_json)


def _build_row(session: Session, batch: list[UnreviewedReport]) -> dict[str, object]:
    """Return what the operator needs to know of a batch. `keys`: the ids of the keys that filed it."""
    first, last = batch[0], batch[-1]
    authors = select(col(EntryAuthor.revision), col(EntryAuthor.key_id)).where(
        col(EntryAuthor.revision).between(first.revision, last.revision)
    )
    keys: dict[int, str] = dict(session.execute(authors).all())
    return {
        "source": first.body["source"],
        "kind": first.kind.value,
        "list": first.request,
        "reports": len(batch),
        "awaiting_review": sum(report.review is Review.AWAITING_REVIEW for report in batch),
        "first_at": format_instant(first.recorded_at),
        "last_at": format_instant(last.recorded_at),
        "keys": ", ".join(sorted({keys[report.revision] for report in batch if report.revision in keys})),
    }


@review_commands.command("approve")
def approve(source: SourceSlug, kind: Kind, list_: FirstEntry = 0, reason: Reason = None) -> None:
    """Approve a batch: its reports count with those of other sources, as if they were filed now."""
    _decide(source, kind, list_, reason, "approved")


@review_commands.command("reject")
def reject(source: SourceSlug, kind: Kind, list_: FirstEntry = 0, reason: Reason = None) -> None:
    """Reject a batch: its reports stay in their source's own numbers alone."""
    _decide(source, kind, list_, reason, "rejected")


def _decide(
    source: str, kind: BatchKind, list_: int, reason: str | None, decision: Literal["approved", "rejected"]
) -> None:
    """Review a batch in parts, each in a transaction of its own, so that other writers wait for seconds only."""
    settings, until, reviewed = Settings(), 0, 0
    while True:
        with open_session(settings) as session:
            lock_head(session)  # as for every entry, the clock is read after the lock
            context = WriteContext(
                session, Reader(Role.CURATOR, names=settings.names), utc_now(), settings.secret_key()
            )
            until = until or context.log.revision
            body = ReviewIn(source=source, kind=kind, list=list_, until=until, decision=decision, reason=reason)
            outcome = review_batch(context, body)
        reviewed += outcome.ids["reviewed"]
        if not outcome.ids["remaining"]:
            break
        console.print(f"{reviewed} {decision}, {outcome.ids['remaining']} remain …")
    console.print(f"{reviewed} reports {decision} at revision {outcome.revision}.")
