"""Pointers of reports: the record from which a given id derives, and the report as which a pointer is stored (rule
2)."""

import json
import uuid
from typing import Any

from sqlalchemy import bindparam, exists, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.errors import Conflict, Invalid, NotFound
from app.models import CLASSES_OF_TODAY, OPEN, Entry, Placement, Record, Release, Report, SourceRelease
from app.registry import content
from app.registry.content import Content
from app.registry.projection.statements import ASSERTIONS, parse
from app.registry.projection.voices import RANK
from app.registry.records import Kind
from app.registry.schemas import DetentionReportIn
from app.registry.write import WriteContext
from app.vocabulary import Stage, Verdict

POINTERS: tuple[tuple[str, Kind], ...] = (
    ("release_id", "release"),
    ("detention_id", "detention"),
    ("detainee_id", "detainee"),
)
# Sorts reports without a day after all others: tomorrow they may be of another spell.
UNSTATED = 10**9

# Made once: building a statement costs more than running it.
_BASE = aliased(Placement)
_SAME_SPELL = (
    select(col(Record.id), col(Record.source), col(Entry.body))
    .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
    .join(_BASE, (col(_BASE.spell) == col(Placement.spell)) & (col(_BASE.until) == OPEN))
    .join(Report, (col(Report.record) == col(Record.key)) & (col(Report.until) == OPEN))
    .join(Entry, col(Entry.revision) == col(Report.stated))
    .where(col(_BASE.record) == bindparam("base"), col(Record.redacted).is_(False))
)


def target_of(context: WriteContext, body: DetentionReportIn) -> tuple[Record, Kind] | None:
    given = [(kind, getattr(body, name)) for name, kind in POINTERS if getattr(body, name) is not None]
    if len(given) > 1:
        raise Invalid.at("", "one_pointer", "Point at one of detainee_id, detention_id, release_id; not at several.")
    if not given:
        return None
    kind, thing_id = given[0]
    return known(context, kind, thing_id), kind


def known(context: WriteContext, kind: Kind, thing_id: uuid.UUID) -> Record:
    """The record from which an id derives. Raises NotFound where there is none that stands, or where this key may not
    know of it: the person is hidden from the key, and the record is another source's."""
    seen = [publish for publish in CLASSES_OF_TODAY if context.actor.sees_person(publish)]
    record = context.session.scalars(
        select(Record).where(
            getattr(Record, f"{kind}_id") == thing_id,
            col(Record.redacted).is_(False),
            or_(col(Record.source) == context.actor.source, col(Record.publish_now).in_(seen)),
            exists().where(col(Placement.record) == col(Record.key), col(Placement.until) == OPEN),
        )
    ).one_or_none()
    if record is None:
        raise NotFound(f"There is no {kind} with this id.")
    if kind == "release" and not has_release(context.session, record):
        raise NotFound("There is no release with this id.")
    return record


def spell_pointer(
    context: WriteContext, target: tuple[Record, Kind], own: uuid.UUID | None = None, before: str | None = None
) -> str | None:
    """The id of the report as which a pointer is stored: of a release its earliest report by an independent source,
    else its earliest report; of a detention the earliest report of the spell; of a person none.

    `before`: the id of the report at which `own` pointed until now. That pointer stays while both are of one spell, so
    that sending a report again changes nothing; and where the earliest report is `own` itself. Where the person is
    hidden from the key, only the source's own reports are considered, since anybody can read the pointer in the log.
    """
    base, kind = target
    if kind == "detainee":
        return before
    rows = context.session.connection().execute(_SAME_SPELL, {"base": base.key}).all()
    if before is not None and uuid.UUID(before) in {row.id for row in rows}:
        return before
    seen = context.actor.sees_person(base.publish_now)
    reports = [(row, json.loads(row.body)["said"]) for row in rows if seen or row.source == context.actor.source]
    if kind == "release":
        reports = [(row, report) for row, report in reports if content.has_release(report)] or reports

    def rank(candidate: tuple[Any, Content]) -> tuple[bool, bool, int, int, str]:
        row, report = candidate
        withdrawn = report["verification.verdict"] == Verdict.RETRACTED
        other = kind == "release" and not context.views.sources[row.source].independent
        return (
            withdrawn,
            other,
            _first_day(report, "detention.detained_on"),
            _first_day(report, "release.released_on"),
            row.id.hex,
        )

    earliest = min(reports, key=rank)[0].id
    return before if earliest == own else str(earliest)


def _first_day(report: Content, name: str) -> int:
    return parse(report[name]).lo if name in report else UNSTATED


def require_one_person(session: Session, record: Record, target: Record) -> None:
    """Raises Conflict where record and target are of two people: only curators join standing people."""
    places = session.scalars(
        select(col(Placement.detainee)).where(
            col(Placement.record).in_([record.key, target.key]), col(Placement.until) == OPEN
        )
    ).all()
    if len(set(places)) > 1:
        raise Conflict(
            "Your case number and the id you point at are two people so far. Ask a curator to join them, or send "
            "the report under another case number."
        )


def own_record_in(session: Session, spell: int, source: int) -> Record | None:
    """A source's record of a spell: its newest with a release, else its newest."""
    rows = session.execute(
        select(Record, col(Entry.body), col(Report.stated))
        .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
        .join(Report, (col(Report.record) == col(Record.key)) & (col(Report.until) == OPEN))
        .join(Entry, col(Entry.revision) == col(Report.stated))
        .where(col(Placement.spell) == spell, col(Record.source) == source, col(Record.redacted).is_(False))
    ).all()
    ranked = [("release.stage" in json.loads(body)["said"], stated, record) for record, body, stated in rows]
    return max(ranked, key=lambda row: row[:2])[2] if ranked else None


def stage_asserted(session: Session, spell: int) -> str:
    """The furthest stage of a release that any source asserts, refuted or not; else the stage at which it stands.

    So a source that verifies a refuted release verifies the disputed stage, not an earlier one that still counts."""
    asserted = session.scalars(
        select(col(SourceRelease.stage)).where(
            col(SourceRelease.spell) == spell,
            col(SourceRelease.until) == OPEN,
            col(SourceRelease.verdict).in_(ASSERTIONS),
        )
    ).all()
    if asserted:
        return max(asserted, key=lambda stage: RANK[Stage(stage)])
    return session.scalars(
        select(col(Release.stage)).where(col(Release.spell) == spell, col(Release.until) == OPEN)
    ).one()


def has_release(session: Session, record: Record) -> bool:
    """Whether the spell of a record has a release."""
    spell = session.scalars(
        select(col(Release.spell))
        .join(Placement, col(Placement.spell) == col(Release.spell))
        .where(col(Placement.record) == record.key, col(Placement.until) == OPEN, col(Release.until) == OPEN)
    ).first()
    return spell is not None
