"""Correct and withdraw filed claims.

A withdrawal is a recall of the claim's entries: earlier revisions still show it, and a recall can be undone. Its entry
names the claim, so that it is not mistaken for the recall of a stolen key."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.errors import Conflict, Forbidden
from app.log.content import apply_merge_patch
from app.log.entries import load_entry
from app.models import OPEN, Claim, Entry, EntryAuthor, RecalledEntry
from app.registry.claim_bounds import resolve_bounds
from app.registry.claims import ClaimIn, file_claim, load_claim_at
from app.registry.effective_versions import build_ranges, list_source_entries
from app.registry.write import Outcome, WriteContext
from app.vocabulary import Qualifier, Role

RETRACTED_KIND = "retracted_claim"
FOREIGN_FILING_DETAIL = "Another organisation filed this figure: only that one can correct or withdraw it."
CHANGED_SINCE_DETAIL = "The figure was changed meanwhile. Read it again, then correct or withdraw it."


def amend_claim(
    context: WriteContext, claim_id: uuid.UUID, patch: dict[str, Any], stated: int | None = None
) -> Outcome:
    """Apply a JSON Merge Patch (RFC 7396) to a claim as it was filed.

    `stated`: the entry of the version that the sender read, if known. Raises NotFound, Forbidden, Conflict, Invalid."""
    claim = _load_own_claim(context, claim_id, stated)
    entry = load_entry(context.session, claim.stated)
    sent = _restore_sent_figure(entry.body["said"]) | entry.personal
    body = ClaimIn.model_validate(apply_merge_patch(sent, patch))
    return file_claim(context, body, amended=claim)


def retract_claim(context: WriteContext, claim_id: uuid.UUID, stated: int | None = None) -> Outcome:
    """Withdraw a claim, with all its versions. Raises NotFound, Forbidden, Conflict."""
    claim = _load_own_claim(context, claim_id, stated)
    session = context.session
    versions = select(col(Claim.stated)).where(col(Claim.key) == claim.key, col(Claim.since) == col(Claim.stated))
    recalled = select(col(RecalledEntry.revision)).where(col(RecalledEntry.until) == OPEN)
    entries = set(session.scalars(versions.where(col(Claim.stated).not_in(recalled))))
    filed_entries = list_source_entries(session, claim.filed_by, min(entries), max(entries))
    slug = None if claim.filed_by is None else context.views.sources[claim.filed_by].slug
    body = {"source": slug, "entries": build_ranges(entries, filed_entries), "claim": str(claim_id)}
    entry = context.write_entry("recall", body)
    return Outcome(RETRACTED_KIND, 200, entry.revision, {"id": str(claim_id)})


def list_key_retractions(session: Session, key_id: str, since: datetime) -> list[int]:
    """Return the revisions at which a key withdrew claims since an instant, if their recall is still in force."""
    statement = (
        select(col(RecalledEntry.since), col(Entry.body))
        .join(EntryAuthor, col(EntryAuthor.revision) == col(RecalledEntry.since))
        .join(Entry, col(Entry.revision) == col(RecalledEntry.since))
        .where(col(EntryAuthor.key_id) == key_id, col(RecalledEntry.until) == OPEN, col(Entry.recorded_at) >= since)
        .distinct()
    )
    return sorted(revision for revision, body in session.execute(statement) if '"claim"' in body)


def _load_own_claim(context: WriteContext, claim_id: uuid.UUID, stated: int | None) -> Claim:
    claim = load_claim_at(context.session, claim_id, context.log.revision)
    actor = context.actor
    if claim.filed_by != (actor.source if actor.role is Role.REPORTER else None):
        raise Forbidden(FOREIGN_FILING_DETAIL)
    if stated is not None and stated != claim.stated:
        raise Conflict(CHANGED_SINCE_DETAIL)
    return claim


def _restore_sent_figure(logged: dict[str, Any]) -> dict[str, Any]:
    """Return a logged figure as its sender may have sent it, without what was computed when it was filed."""
    sent = {name: value for name, value in logged.items() if name != "stated_at_instant"}
    if "said" not in sent:
        return sent
    implied = resolve_bounds(Qualifier(sent["qualifier"]), sent["said"], None, None)
    computed = {name for name, value in zip(("low", "high"), implied, strict=True) if sent.get(name) == value}
    return {name: value for name, value in sent.items() if name not in computed}
