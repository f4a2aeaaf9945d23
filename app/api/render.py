"""Answers to writes: rendered from ids, so that a repeated request is answered under today's permissions."""

import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.exchange.imports import receipts, stored
from app.log.entries import LogEntry, entry_at
from app.models import (
    Decision,
    Facility,
    Proposal,
    Record,
    Source,
)
from app.reading import lists, records, review, shapes
from app.registry import records as registry_records
from app.registry.claims import claim_at
from app.registry.policy import Reader
from app.registry.views import unregistered_place
from app.vocabulary import MatchOutcome

Row = dict[str, Any]
UNREGISTERED = {
    "pointer": "/detention/facility",
    "code": "unregistered_facility",
    "detail": "No facility is registered under this name: it is kept as you said it and shown to partners and curators "
    "only, and no count finds it by place. If you mean one of /v1/facilities, send its slug. Else ask a curator to "
    "register it: your report is placed there from then on, and need not be sent again.",
}


def outcome(session: Session, result: Any, reader: Reader) -> Row:
    """The body of the answer to a write."""
    return RENDERERS[result.kind](session, result, reader)


def _receipt(session: Session, revision: int) -> Row:
    return _receipt_of(entry_at(session, revision))


def _receipt_of(entry: LogEntry) -> Row:
    return {"revision": entry.revision, "leaf_hash": entry.leaf_hash.hex()}


def _report(session: Session, result: Any, reader: Reader) -> Row:
    record = session.scalars(select(Record).where(col(Record.id) == uuid.UUID(result.ids["report"]))).one()
    place = registry_records.placement(session, record.key, result.revision)
    assert place is not None
    person = records.people(session, [place.detainee], result.revision)[place.detainee]
    alone = place.detainee == record.key and len(person.ids) == 1
    if alone or not reader.recognises(person.publish):
        # The report's own ids, whether it met nobody or met somebody whom this key may not recognise (rule 12).
        person, spell = records.alone(session, record, result.revision), record.key
        match: Row = {"outcome": MatchOutcome.NEW, "candidates": []}
    else:
        spell = place.spell
        match = {"outcome": MatchOutcome.LINKED, "candidates": []}
    if match["outcome"] == MatchOutcome.NEW or result.ids["version"] == 1:
        candidates = review.candidates(session, record, result.revision, reader)
        if candidates and match["outcome"] == MatchOutcome.NEW:
            match["outcome"] = MatchOutcome.NEEDS_REVIEW
        match["candidates"] = candidates
    detainee, detention = shapes.detainee(person, reader), records.shape("detention", person, spell, reader)
    release = records.shape("release", person, spell, reader) if spell in person.releases else None
    unregistered = unregistered_place(session, result.revision)
    if unregistered is not None:
        # Its own words are no secret to the source; to others they are (policy.py).
        spells = (one for one in detainee["detentions"] if one["id"] == detention["id"])
        for shown in filter(None, (detention, release, *spells)):
            shown["facility"] = shown["facility"] or shapes.as_said(unregistered)
    written = entry_at(session, result.revision)
    return {
        "report": {"id": record.id, "version": result.ids["version"]},
        "wish_waits": written.body.get("wish", {}).get("stopped", False),
        "detainee": detainee,
        "detention": detention,
        "release": release,
        "match": match,
        "warnings": [] if unregistered is None else [UNREGISTERED],
        "receipt": _receipt_of(written),
    }


def _source(session: Session, result: Any, _reader: Reader) -> Row:
    source = _version(session, Source, result)
    return {**lists.source_shape(source), "receipt": _receipt(session, result.revision)}


def _facility(session: Session, result: Any, _reader: Reader) -> Row:
    facility = _version(session, Facility, result)
    return {**lists.facility_shape(facility), "receipt": _receipt(session, result.revision)}


def _version(session: Session, table: Any, result: Any) -> Any:
    found = select(table).where(
        table.slug == result.ids["slug"], table.since <= result.revision, table.until > result.revision
    )
    return session.scalars(found).one()


def _claim(session: Session, result: Any, reader: Reader) -> Row:
    claim = claim_at(session, uuid.UUID(result.ids["id"]), result.revision)
    return {**lists.claim_shape(session, claim, reader), "receipt": _receipt(session, result.revision)}


def _identity(session: Session, result: Any, _reader: Reader) -> Row:
    decision = session.scalars(select(Decision).where(col(Decision.id) == uuid.UUID(result.ids["id"]))).one()
    standing = decision.until > result.revision
    return {
        "id": decision.id,
        "judgement": decision.judgement,
        "standing": standing,
        "receipt": _receipt(session, result.revision),
    }


def _proposal(session: Session, result: Any, _reader: Reader) -> Row:
    found = session.get(Proposal, uuid.UUID(result.ids["id"]))
    return {"id": result.ids["id"], "waiting": found is not None}


def _about_detainee(session: Session, result: Any, _reader: Reader) -> Row:
    return {**result.ids, "receipt": _receipt(session, result.revision)}


def _import(session: Session, result: Any, reader: Reader) -> Row:
    return {**receipts.shape(stored.own(session, uuid.UUID(result.ids["import"]), reader.source))}


RENDERERS: dict[str, Callable[[Session, Any, Reader], Row]] = {
    "report": _report,
    "source": _source,
    "facility": _facility,
    "claim": _claim,
    "identity": _identity,
    "proposal": _proposal,
    "consent": _about_detainee,
    "redaction": _about_detainee,
    "import": _import,
}
