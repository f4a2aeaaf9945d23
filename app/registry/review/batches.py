"""Group the reports that no curator has reviewed into batches, and approve or reject them (rule 21).

A batch is what one source filed of one kind, in one list or outside lists. A review is one entry that names entries. An
approved report is linked as if it were filed now; a rejected one stays in its source's row."""

import json
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import Field
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.errors import Conflict, Forbidden, NotFound
from app.log.content import has_release_section
from app.models import OPEN, Entry, EntryAuthor, Placement, Record, Report, Source
from app.projection.statements import DENIALS
from app.registry.curation import proposals
from app.registry.effective_versions import APPROVED, build_ranges, list_source_entries
from app.registry.identity import duplicate_scan, record_linkage
from app.registry.publication.permissions import load_reporter
from app.registry.records import load_version
from app.registry.write import MatchContext, Outcome, WriteContext
from app.schemas.filed import BatchKind
from app.schemas.reports import Code, Note, StrictModel
from app.vocabulary import Review

# Reports of one review: linking them takes a few seconds. The caller repeats the request for the rest.
MAX_REVIEWED_REPORTS = 300

_SELECT_UNREVIEWED = (
    select(
        col(Report.record), col(Record.id), col(Report.source), col(Report.stated), col(Report.review),
        col(Entry.recorded_at), col(Entry.body),
    )
    .join(Record, col(Record.key) == col(Report.record))
    .join(Entry, col(Entry.revision) == col(Report.stated))
    .where(
        col(Report.until) == OPEN,
        col(Report.review).in_((Review.UNREVIEWED, Review.AWAITING_REVIEW)),
        col(Record.redacted).is_(False),
    )
    .order_by(col(Report.stated))
    .execution_options(yield_per=1_000)
)  # fmt: skip


_OTHER_PLACEMENT = aliased(Placement)
_COUNT_RECORDS_OF_PERSON = (
    select(func.count())
    .select_from(Placement)
    .join(_OTHER_PLACEMENT, col(_OTHER_PLACEMENT.detainee) == col(Placement.detainee))
    .where(
        col(Placement.record) == bindparam("record"),
        *(col(table.until) == OPEN for table in (Placement, _OTHER_PLACEMENT)),
    )
)
_SELECT_VERSIONS = (
    select(col(Report.review), col(Entry.body))
    .join(Entry, col(Entry.revision) == col(Report.stated))
    .where(col(Report.record) == bindparam("record"), col(Report.since) == col(Report.stated))
    .order_by(col(Report.stated).desc())
)


class ReviewIn(StrictModel):
    """A decision about a batch of reports. It covers the reports up to the entry `until`, which the curator saw.

    `list`: the first entry of the list, or 0 for reports outside lists.
    `reports`: only these of the batch."""

    source: Code
    kind: BatchKind
    list: int = 0
    until: int
    decision: Literal["approved", "rejected"]
    reason: Note | None = None
    reports: Sequence[uuid.UUID] | None = Field(default=None, max_length=10_000)


@dataclass(frozen=True, eq=False)
class UnreviewedReport:
    """A report that no curator has reviewed."""

    record: int
    id: uuid.UUID
    source: int
    revision: int
    review: Review
    recorded_at: datetime
    body: dict[str, Any]

    @property
    def kind(self) -> BatchKind:
        report = self.body["said"]
        if report["verification.verdict"] in DENIALS:
            return BatchKind.DENIALS
        return BatchKind.RELEASES if has_release_section(report) else BatchKind.CUSTODY

    @property
    def request(self) -> int:
        """The first entry of its list; 0 for a report outside lists."""
        request: int = self.body.get("request", 0)
        return request


def iterate_unreviewed(session: Session, source: int | None = None) -> Iterator[UnreviewedReport]:
    """Yield the unreviewed reports, in the order of filing. `source`: only of this one."""
    query = _SELECT_UNREVIEWED if source is None else _SELECT_UNREVIEWED.where(col(Report.source) == source)
    for record, report_id, owner, revision, review, recorded_at, body in session.connection().execute(query):
        yield UnreviewedReport(record, report_id, owner, revision, Review(str(review)), recorded_at, json.loads(body))


def group_in_batches(session: Session) -> list[list[UnreviewedReport]]:
    """Return the unreviewed reports in batches: those with reports that await review first, then the newest."""
    batches: dict[tuple[int, str, int], list[UnreviewedReport]] = {}
    for report in iterate_unreviewed(session):
        batches.setdefault((report.source, report.kind, report.request), []).append(report)

    def rank(batch: list[UnreviewedReport]) -> tuple[bool, int]:
        return all(report.review is Review.UNREVIEWED for report in batch), -batch[-1].revision

    return sorted(batches.values(), key=rank)


def review_batch(context: WriteContext, body: ReviewIn) -> Outcome:
    """Approve or reject reports of a batch. Raises NotFound, Conflict, and Forbidden for the curator's own source.

    `remaining` in the outcome says how many reports are left for another request."""
    source = context.session.scalars(
        select(Source).where(col(Source.slug) == body.source, col(Source.until) == OPEN)
    ).one_or_none()
    if source is None:
        raise NotFound("There is no source with this slug.")
    if source.key == context.actor.source:
        raise Forbidden("These are reports of your own source: a curator of another source, or of none, reviews them.")
    reports = select_reports(context.session, source.key, body)
    if not reports:
        raise Conflict("None of these reports waits any more: read the batches again.")
    if proposals.exceeds_limit(context, len(reports)) or _filed_any(context, reports):
        subject, decision = (source.key, body.list), f"{body.decision} {body.kind}"
        waiting = proposals.require_agreement(
            context, "review", subject, decision, body, covers=lambda other: other.body == body.model_dump_json()
        )
        if waiting is not None:
            return waiting
    reviewed = reports[:MAX_REVIEWED_REPORTS]
    revisions = [report.revision for report in reviewed]
    all_entries = list_source_entries(context.session, source.key, revisions[0], revisions[-1])
    ranges = build_ranges({*revisions}, all_entries)
    unlinked = [report for report in reviewed if is_unlinked(context.session, report)]
    entry = context.write_entry(
        "review",
        {"source": source.slug, "decision": body.decision, "entries": ranges, "people": len(reviewed)},
        {"reason": body.reason} if body.reason else {},
    )
    if body.decision == APPROVED:
        _link_reports(context, source.key, unlinked)
    numbers = {"reviewed": len(reviewed), "remaining": len(reports) - len(reviewed)}
    return Outcome("review", 200, entry.revision, {"source": source.slug, "decision": body.decision, **numbers})


def select_reports(session: Session, source: int, body: ReviewIn) -> list[UnreviewedReport]:
    """Return the reports about which a review decides and that still wait for one."""
    return [
        report
        for report in iterate_unreviewed(session, source)
        if report.revision <= body.until
        and (report.kind, report.request) == (body.kind, body.list)
        and (body.reports is None or report.id in body.reports)
    ]


def _filed_any(context: WriteContext, reports: Sequence[UnreviewedReport]) -> bool:
    """Return whether the holder of the writing key filed one of the reports, with this key or another."""
    if context.is_agreed or not context.key_id:  # a command of the operator is nobody's
        return False
    revisions = {report.revision for report in reports}
    authors = context.session.execute(
        select(col(EntryAuthor.revision), col(EntryAuthor.key_id)).where(
            col(EntryAuthor.revision).between(min(revisions), max(revisions))
        )
    )
    keys = {key_id for revision, key_id in authors if revision in revisions}
    return any(proposals.has_same_holder(context.session, key_id, context.key_id) for key_id in keys)


def is_unlinked(session: Session, report: UnreviewedReport) -> bool:
    """Return whether all versions of the report waited since it was filed, and its person has no other report: then
    nobody compared it."""
    if report.review is not Review.AWAITING_REVIEW:
        return False
    run = session.connection().execute
    if run(_COUNT_RECORDS_OF_PERSON, {"record": report.record}).scalar_one() > 1:
        return False  # linked because it hides the person
    for review, text in run(_SELECT_VERSIONS, {"record": report.record}):
        body = json.loads(text)
        if review is None or body.get("review") != Review.AWAITING_REVIEW:
            return False
        if "supersedes" not in body:
            break
    return True


def _link_reports(context: WriteContext, source: int, reports: Sequence[UnreviewedReport]) -> None:
    """Link reports as if they were filed now, in their order and with the rights of their source."""
    curator, is_list = context.actor, context.is_list
    context.actor = load_reporter(context.session, source, curator.names)
    unlinked = {report.record for report in reports}
    try:
        for report in reports:
            context.is_list = report.request > 0
            _link_report(context, report, unlinked)
            unlinked.discard(report.record)
            row = duplicate_scan.build_uncompared_row(context, report.record)
            context.session.connection().execute(duplicate_scan.INSERT_UNCOMPARED, row)
    finally:
        context.actor, context.is_list = curator, is_list


def _link_report(context: WriteContext, report: UnreviewedReport, unlinked: Collection[int]) -> None:
    match = find_link(context, report, unlinked)
    if match is None:
        return
    for decision in match.decisions:
        record_linkage.write_decision(context, decision, report.id, is_filed=True)
    record_linkage.store_outweighed(context, match, report.record)


def find_link(
    context: MatchContext, report: UnreviewedReport, unlinked: Collection[int]
) -> record_linkage.LinkResult | None:
    """Return how a report would be linked if it were filed now. `context`: with the rights of its source.

    `unlinked`: records that are not compared with it, since they are linked after it."""
    target_id = report.body.get("person", report.body.get("pointer"))
    if target_id is not None:
        target = context.session.scalars(select(Record).where(col(Record.id) == uuid.UUID(target_id))).one_or_none()
        return None if target is None else record_linkage.link_by_pointer((target, "detainee"))
    content = load_version(context.session, context.session.get_one(Record, report.record)).content
    candidates = [c for c in record_linkage.find_candidates(context, content) if c.record.key not in unlinked]
    return record_linkage.link_by_match(context, content, candidates)
