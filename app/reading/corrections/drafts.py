"""What each of some entries corrects, before it is known who may see it."""

import json
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select, union_all
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.db.engine import chunks
from app.models import Claim, Decision, Entry, RecalledEntry, Record, Report
from app.reading.corrections import restated
from app.reading.corrections.placements import PlacementAt, PlacementHistory
from app.reading.corrections.restated import Values
from app.schemas.records import ChangeOut
from app.vocabulary import CorrectionKind


@dataclass(frozen=True)
class Draft:
    """One correction, and the records or claims it is about. `source`: None for curators; `claimant`: the source whose
    figure a claim is."""

    revision: int
    kind: CorrectionKind
    source: str | None
    changes: list[ChangeOut] = field(default_factory=list)
    records: tuple[int, ...] = ()
    claims: tuple[uuid.UUID, ...] = ()
    claimant: str | None = None


def of_reports(session: Session, revisions: Sequence[int]) -> Iterator[Draft]:
    before: Any = aliased(Report)
    entry: Any = aliased(Entry)
    superseded: Any = aliased(Entry)
    versions = session.execute(
        select(col(Report.since), col(Report.record), entry.body, superseded.body)
        .join(entry, entry.revision == col(Report.stated))
        .outerjoin(before, (before.record == col(Report.record)) & (before.until == col(Report.since)))
        .outerjoin(superseded, superseded.revision == before.stated)
        .where(col(Report.since).in_(revisions), col(Report.since) == col(Report.stated))
    )
    for revision, record, text, earlier in versions:
        body = json.loads(text)
        kind, changes = restated.of_report(None if earlier is None else json.loads(earlier)["said"], body["said"])
        if kind is not None:
            yield Draft(revision, kind, body["source"], changes, records=(record,))


def decisions(session: Session, revisions: Sequence[int]) -> list[tuple[int, int, int]]:
    """`(revision, one record, the other)` of the decisions made or undone there."""
    a: Any = aliased(Record)
    b: Any = aliased(Record)
    decided = [
        select(column, a.key, b.key)
        .join(a, a.id == col(Decision.a))
        .join(b, b.id == col(Decision.b))
        .where(column.in_(revisions))
        for column in (col(Decision.key), col(Decision.until))  # each has an index, and both together none
    ]
    return [(revision, first, second) for revision, first, second in session.execute(union_all(*decided))]


def of_decisions(decided: Sequence[tuple[int, int, int]], places: PlacementHistory) -> Iterator[Draft]:
    """The decisions that joined or parted two people: others may have confirmed what stood, or been void."""
    for revision, a, b in decided:
        before, after = (_together(places.at(a, at_), places.at(b, at_)) for at_ in (revision - 1, revision))
        if before is not None and after is not None and before != after:
            kind = CorrectionKind.MERGED if after else CorrectionKind.PARTED
            yield Draft(revision, kind, None, records=(a, b))


def _together(a: PlacementAt | None, b: PlacementAt | None) -> bool | None:
    return None if a is None or b is None else a.detainee == b.detainee


def of_claims(session: Session, revisions: Sequence[int]) -> Iterator[Draft]:
    earlier: Any = aliased(Claim)
    entry: Any = aliased(Entry)
    filed = session.execute(
        select(col(Claim.since), col(Claim.id), entry.body, earlier.stated)
        .join(entry, entry.revision == col(Claim.stated))
        .outerjoin(earlier, (earlier.key == col(Claim.key)) & (earlier.until == col(Claim.since)))
        .where(col(Claim.since).in_(revisions), col(Claim.since) == col(Claim.stated))
    ).all()
    bodies = {revision: json.loads(body) for revision, _id, body, _before in filed}
    replaced = {revision: _superseded(body["said"]) for revision, body in bodies.items()}
    versions = _versions_of_claims(session, {claim_id for ids in replaced.values() for claim_id in ids})
    old = {before for _revision, _id, _body, before in filed if before is not None}
    old |= {stated for spans in versions.values() for _since, _until, stated in spans}
    figures = _figures(session, old)
    for revision, claim_id, _body, before in filed:
        body = bodies[revision]
        figure, was = body["said"], figures.get(before, {})
        new = [replaced_id for replaced_id in replaced[revision] if replaced_id not in _superseded(was)]
        if new:
            standing = [stated for since, until, stated in versions[new[0]] if since < revision <= until]
            changes = restated.of_claim(figures[standing[0]], figure) if len(new) == 1 and standing else []
            kind, claims = CorrectionKind.CLAIM_SUPERSEDED, (claim_id, *new)
        elif before is not None and (changes := restated.of_claim(was, figure)):
            kind, claims = CorrectionKind.CLAIM_RESTATED, (claim_id,)
        else:
            continue
        yield Draft(revision, kind, body["filed_by"], changes, claims=claims, claimant=figure.get("claimant"))


def of_recalls(session: Session, revisions: Sequence[int]) -> Iterator[Draft]:
    """Recalls, and what undid them: how many entries of the source counted before and after."""
    of = (col(RecalledEntry.since), col(RecalledEntry.until))
    for column, undone in ((of[0], False), (of[1], True)):
        counted = (
            select(column, func.count(), col(Entry.body))
            .join(Entry, col(Entry.revision) == column)
            .where(column.in_(revisions))
            .group_by(column, col(Entry.body))
        )
        for revision, number, body in session.execute(counted):
            before, after = (0, number) if undone else (number, 0)
            changes: list[ChangeOut] = [{"field": "entries", "before": before, "after": after}]
            yield Draft(revision, CorrectionKind.RECALLED, json.loads(body)["source"], changes)


def _superseded(figure: Values) -> list[uuid.UUID]:
    """The claims that a claim replaces."""
    return [uuid.UUID(claim_id) for claim_id in figure.get("supersedes", ())]


def _versions_of_claims(session: Session, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[tuple[int, int, int]]]:
    """Claim → `(since, until, revision of the entry that states it)` of its versions."""
    spans: dict[uuid.UUID, list[tuple[int, int, int]]] = {}
    for some in chunks(ids):
        columns = (col(Claim.id), col(Claim.since), col(Claim.until), col(Claim.stated))
        for claim_id, *span in session.execute(select(*columns).where(col(Claim.id).in_(some))):
            spans.setdefault(claim_id, []).append((span[0], span[1], span[2]))
    return spans


def _figures(session: Session, revisions: Collection[int]) -> dict[int, Values]:
    """Revision → the claim of its entry."""
    figures: dict[int, Values] = {}
    for some in chunks(revisions):
        entries = select(col(Entry.revision), col(Entry.body)).where(col(Entry.revision).in_(some))
        figures |= {revision: json.loads(body)["said"] for revision, body in session.execute(entries)}
    return figures
