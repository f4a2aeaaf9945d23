"""Take back what a stolen key wrote and decided: the state before the attack, by one command on the machine.

Reports and claims are recalled like any other (`recalls.py`), decisions by a recall of their own
(`decision_recalls.py`), and sources and facilities get their former version again. The entries have `restores`: what
the key closed is open again at once, except where an objection, a consent or another report closes it. Agreements are
taken back by an entry without it: their people are closed again. An erasure cannot be taken back.
"""

import json
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlmodel import Session, col

from app.errors import Problem
from app.log.entries import INSTANT_RESOLUTION, LogEntry, find_revision_at, load_entries
from app.models import Claim, Entry, EntryAuthor, Facility, Objection, Proposal, Record, Report, Source
from app.registry import api_keys, recalls
from app.registry.curation import agreements, proposals
from app.registry.publication import objections
from app.registry.recalls import RecallIn
from app.registry.write import WriteContext

# Revisions in one log entry of at most 65,535 bytes.
MAX_DECISIONS_PER_ENTRY = 4_000
_VERSIONED_TABLES: dict[str, type[Any]] = {"source": Source, "facility": Facility}


@dataclass(frozen=True)
class KeyEntries:
    """What a key wrote since an instant and that still holds, oldest first. `erasures`: how many cannot be undone."""

    statements: int
    decisions: list[LogEntry]
    directory: list[LogEntry]
    recalls: list[LogEntry]
    erasures: int

    @property
    def counts(self) -> dict[str, int]:
        """The number of entries by what they are."""
        names = [_name_decision(entry) for entry in self.decisions]
        names += [entry.kind for entry in (*self.directory, *self.recalls)]
        return {"reports and claims": self.statements, **Counter(names), "erasures": self.erasures}


def _name_decision(entry: LogEntry) -> str:
    body = entry.body
    name = next((name for name in ("undoes", "confirms", "opens", "objection") if name in body), "")
    return name or (str(body["judgement"]) if entry.kind == "identity" else f"consent to {body['publish']}")


def find_key_entries(session: Session, key_id: str, since: datetime) -> KeyEntries:
    """Return what a key wrote since an instant. Raises NotFound."""
    api_keys.is_key_revoked(session, key_id)
    first = find_revision_at(session, since - INSTANT_RESOLUTION) + 1
    taken_back = select(col(Entry.body)).where(col(Entry.kind) == "recall", col(Entry.body).contains('"decisions":'))
    done = {revision for body in session.scalars(taken_back) for revision in json.loads(body)["decisions"]}
    written = select(col(EntryAuthor.revision)).where(
        col(EntryAuthor.key_id) == key_id, col(EntryAuthor.revision) >= first
    )
    statements = set[int]()
    for table in (Report, Claim):
        is_filed = (col(table.since) == col(table.stated), col(table.since).in_(written))
        statements.update(session.scalars(select(col(table.since)).where(*is_filed)))
    entries = list(load_entries(session, set(session.scalars(written)) - statements - done))
    return KeyEntries(
        len(statements),
        [e for e in entries if e.kind in ("identity", "consent") or "confirms" in e.body],
        [e for e in entries if e.kind in _VERSIONED_TABLES],
        [e for e in entries if e.kind == "recall" and "decisions" not in e.body and "undoes" not in e.body],
        sum(e.kind == "redaction" for e in entries),
    )


def take_back_decisions(context: WriteContext, key_id: str, since: datetime) -> KeyEntries:
    """Revoke a key, and take back what it wrote since an instant, except for reports and claims."""
    session = context.session
    written = find_key_entries(session, key_id, since)
    api_keys.revoke_key(session, key_id, context.now)
    session.connection().execute(update(Proposal).where(col(Proposal.agreed_by) == key_id).values(agreed_by=None))
    own_proposals = (col(Proposal.proposed_by) == key_id, col(Proposal.kind) != "opening")
    session.connection().execute(delete(Proposal).where(*own_proposals))
    _restore_objections(session, written.decisions)
    agreements_made = [e.revision for e in written.decisions if "opens" in e.body]
    others = [e.revision for e in written.decisions if "opens" not in e.body]
    _write_recalls(context, others, {"restores": True})
    _write_recalls(context, agreements_made, {})
    for entry in reversed(written.recalls):
        try:
            recalls.execute_recall(context, RecallIn(undoes=entry.revision), restores=True)
        except Problem:
            continue  # it was undone since
    for kind, slug in dict.fromkeys((entry.kind, entry.body["slug"]) for entry in written.directory):
        _restore_version(context, kind, slug, min(e.revision for e in written.directory if e.body["slug"] == slug))
    return written


def _write_recalls(context: WriteContext, revisions: Sequence[int], flags: dict[str, bool]) -> None:
    for start in range(0, len(revisions), MAX_DECISIONS_PER_ENTRY):
        chunk = list(revisions[start : start + MAX_DECISIONS_PER_ENTRY])
        entry = context.write_entry("recall", {"decisions": chunk, **flags})
        objections.rehide_separated_people(context, entry.revision)


def _restore_objections(session: Session, decisions: Sequence[LogEntry]) -> None:
    """Put the objections that the key decided before the curators again."""
    for entry in decisions:
        if "objection" in entry.body:
            record = select(col(Record.key)).where(col(Record.id) == uuid.UUID(entry.body["record"])).scalar_subquery()
            is_decided = (col(Objection.record) == record, col(Objection.state) == "decided")
            undecided = {"state": "open", "decided_at": None}
            session.connection().execute(update(Objection).where(*is_decided).values(undecided))


def _restore_version(context: WriteContext, kind: str, slug: str, revision: int) -> None:
    """Write the version of a source or facility again that was current before a revision, if there was one."""
    table = _VERSIONED_TABLES[kind]
    before = (table.slug == slug, table.since < revision, table.until >= revision)
    since = context.session.scalars(select(table.since).where(*before)).one_or_none()
    for entry in load_entries(context.session, [] if since is None else [since]):
        added = ("v", "recorded_at", "_sd", "restores")  # `kind` is the source's or the facility's own
        body = {name: value for name, value in entry.body.items() if name not in added}
        context.write_entry(kind, {**body, "restores": True})


def recall_statements(context: WriteContext, key_id: str, since: str) -> int:
    """Recall reports and claims of a key, as many as one entry holds, and return how many are left."""
    try:
        outcome = recalls.execute_recall(context, RecallIn(key_id=key_id, since=since), restores=True)
    except Problem:
        return 0  # nothing is left
    for proposal in context.session.scalars(select(Proposal).where(col(Proposal.kind) == "opening")).all():
        if not agreements.count_people(context.session, proposal):
            proposals.delete_proposals(context.session, [proposal])
    left: int = outcome.ids["left"]
    return left
