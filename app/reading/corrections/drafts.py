"""What each of some entries corrects, before it is known who may see it."""

import json
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.database import chunks
from app.models import Claim, Decision, Entry, Record, Report
from app.reading.corrections import restated
from app.reading.corrections.placements import Place, Places
from app.vocabulary import CorrectionKind

Row = dict[str, Any]


@dataclass(frozen=True)
class Draft:
    """One correction, and the records or claims it is about; `source` is None for curators, `claimant` whose figure a
    claim is."""

    revision: int
    kind: CorrectionKind
    source: str | None
    changes: list[Row] = field(default_factory=list)
    records: tuple[int, ...] = ()
    claims: tuple[str, ...] = ()
    claimant: str | None = None


def of_reports(session: Session, revisions: Sequence[int]) -> Iterator[Draft]:
    before: Any = aliased(Report)
    entry: Any = aliased(Entry)
    superseded: Any = aliased(Entry)
    found = session.execute(
        select(col(Report.since), col(Report.record), entry.body, superseded.body)
        .join(entry, entry.revision == col(Report.since))
        .outerjoin(before, (before.record == col(Report.record)) & (before.until == col(Report.since)))
        .outerjoin(superseded, superseded.revision == before.since)
        .where(col(Report.since).in_(revisions))
    )
    for revision, record, text, earlier in found:
        body = json.loads(text)
        kind, changes = restated.of_report(None if earlier is None else json.loads(earlier)["said"], body["said"])
        if kind is not None:
            yield Draft(revision, kind, body["source"], changes, records=(record,))


def decisions(session: Session, revisions: Sequence[int]) -> list[tuple[int, int, int]]:
    """`(revision, one record, the other)` of the decisions made or undone there."""
    one: Any = aliased(Record)
    two: Any = aliased(Record)
    found = session.execute(
        select(col(Decision.key), col(Decision.until), one.key, two.key)
        .join(one, one.id == col(Decision.a))
        .join(two, two.id == col(Decision.b))
        .where(or_(col(Decision.key).in_(revisions), col(Decision.until).in_(revisions)))
    )
    there = set(revisions)
    return [(at_, a, b) for made, undone, a, b in found for at_ in (made, undone) if at_ in there]


def of_decisions(decided: Sequence[tuple[int, int, int]], places: Places) -> Iterator[Draft]:
    """Those that joined or parted the two: others may have confirmed what stood, or been void."""
    for revision, a, b in decided:
        before, after = (_together(places.at(a, at_), places.at(b, at_)) for at_ in (revision - 1, revision))
        if before is not None and after is not None and before != after:
            kind = CorrectionKind.MERGED if after else CorrectionKind.PARTED
            yield Draft(revision, kind, None, records=(a, b))


def _together(one: Place | None, two: Place | None) -> bool | None:
    return None if one is None or two is None else one.detainee == two.detainee


def of_claims(session: Session, revisions: Sequence[int]) -> Iterator[Draft]:
    earlier: Any = aliased(Claim)
    entry: Any = aliased(Entry)
    found = session.execute(
        select(col(Claim.since), col(Claim.id), entry.body, earlier.since)
        .join(entry, entry.revision == col(Claim.since))
        .outerjoin(earlier, (earlier.key == col(Claim.key)) & (earlier.until == col(Claim.since)))
        .where(col(Claim.since).in_(revisions))
    ).all()
    bodies = {revision: json.loads(body) for revision, _id, body, _before in found}
    replaced = {revision: body["said"].get("supersedes", []) for revision, body in bodies.items()}
    versions = _versions_of_claims(session, {uuid.UUID(one) for ids in replaced.values() for one in ids})
    old = {before for _revision, _id, _body, before in found if before is not None}
    old |= {since for spans in versions.values() for since, _until in spans}
    said = _said(session, old)
    for revision, claim_id, _body, before in found:
        body = bodies[revision]
        was = said.get(before, {})
        new = [one for one in replaced[revision] if one not in was.get("supersedes", [])]
        if new:
            standing = [since for since, until in versions[uuid.UUID(new[0])] if since < revision <= until]
            changes = restated.of_claim(said[standing[0]], body["said"]) if len(new) == 1 and standing else []
            kind, claims = CorrectionKind.CLAIM_SUPERSEDED, (str(claim_id), *new)
        elif before is not None and (changes := restated.of_claim(was, body["said"])):
            kind, claims = CorrectionKind.CLAIM_RESTATED, (str(claim_id),)
        else:
            continue
        claimant = body["said"].get("claimant")
        yield Draft(revision, kind, body["filed_by"], changes, claims=claims, claimant=claimant)


def _versions_of_claims(session: Session, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[tuple[int, int]]]:
    spans: dict[uuid.UUID, list[tuple[int, int]]] = {}
    for some in chunks(ids):
        found = select(col(Claim.id), col(Claim.since), col(Claim.until)).where(col(Claim.id).in_(some))
        for claim_id, since, until in session.execute(found):
            spans.setdefault(claim_id, []).append((since, until))
    return spans


def _said(session: Session, revisions: Collection[int]) -> dict[int, Row]:
    said: dict[int, Row] = {}
    for some in chunks(revisions):
        found = select(col(Entry.revision), col(Entry.body)).where(col(Entry.revision).in_(some))
        said |= {revision: json.loads(body)["said"] for revision, body in session.execute(found)}
    return said
