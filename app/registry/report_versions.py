"""Write versions of reports: the first, which opens a record, and those that come after it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.log.entries import LogEntry
from app.models import Record
from app.registry import (
    content,
    correction_checks,
    filed_again,
    hidden_pairs,
    hiding_requests,
    kept_values,
    linking,
    pointers,
    records,
)
from app.registry.content import Content
from app.registry.projection.counted_reports import split
from app.registry.publication_class import CLASS
from app.registry.records import Kind
from app.registry.reprojection import is_counted
from app.registry.write import Outcome, WriteContext, new_id
from app.vocabulary import Judgement, Publish

CREATED, OK = 201, 200
Target = tuple[Record, Kind]  # the record and what of it a report points at
Standing = tuple[Record, records.Version]  # a record and its version that stands


def source_of(context: WriteContext) -> int:
    """The key of the source that reports."""
    assert context.actor.source is not None  # a reporter's key always has one (policy of keys)
    return context.actor.source


def first_version(
    context: WriteContext,
    report: Content,
    target: Target | None,
    match: linking.LinkResult | None = None,
    seen: int | None = None,
    recalled: Record | None = None,
) -> Outcome:
    """Open a record, or again the `recalled` one that has the case number. `match`: the link result, if it was computed
    before; `seen`: the revision at which the client read the target, by default the newest."""
    again = None if recalled is None else filed_again.again(context, recalled, report, target)
    record_id = new_id() if again is None else again.record.id
    if report.get("source_record_id") == records.case_by_id(record_id):
        report = {k: v for k, v in report.items() if k != "source_record_id"}  # it has none, and was named by its id
    if match is None and target is not None:
        match = linking.by_pointer(target)
    elif match is None and again is not None and again.other is not None:
        match = filed_again.match_with(context, again.other)
    elif match is None:
        match = linking.by_match(context, report, linking.look_up(context, report))
    if again is None and target is None and not match.ties:
        opened = open_alone(context, report, record_id, match.decisions)
        context.pending_writes.flush()
        return Outcome("report", CREATED, opened.entry.revision, opened.ids, match.outcome)
    report = kept_values.with_standing(context, report, target, None, seen, again=False)
    for decision in match.decisions:
        linking.write_decision(context, decision, record_id, filed=again is not None)
    body: dict[str, Any] = {"record": str(record_id), "subject": str(new_id()), "version": 1}
    body |= {} if again is None else again.body
    if target is not None and target[1] == "detainee":
        body["person"] = str(target[0].id)
    if (case := report.get("source_record_id")) is not None:
        if again is None:
            _remember_new_case(context, case, record_id)
        else:
            records.remember_case(context.session, context.secret, source_of(context), case, record_id)
    tied = next((link.record for link in match.decisions if link.judgement is Judgement.SAME), None)
    if tied is None and again is not None and again.other is not None:
        tied = again.other.id
    body |= hiding_requests.of_new_report(context, report, tied)
    pointer = pointers.spell_pointer(context, target) if target else None
    # Whoever reports points at people who may only be counted, if at all; the matcher never links to them (rule 12).
    of_counted = target is not None and is_counted(context.session, context.views, target[0])
    counted = report.get(CLASS) == Publish.COUNTED or of_counted
    if again is not None:
        filed_again.forget_pairs(context, again.record)
        counted = counted or is_counted(context.session, context.views, again.record, report, body.get("wish", {}))
    filed = _write(context, body, report, pointer, CREATED, counted=counted)
    key = filed.revision if again is None else again.record.key
    linking.keep_outweighed(context, match, key)
    context.session.connection().execute(hidden_pairs.INSERT_UNCOMPARED, hidden_pairs.uncompared(context, key))
    return replace(filed, match=match.outcome)


@dataclass(frozen=True, slots=True)
class Opened:
    """A record just opened: its id, its entry, and the class of its person."""

    record: uuid.UUID
    entry: LogEntry
    publish: str

    @property
    def ids(self) -> dict[str, Any]:
        return {"report": str(self.record), "version": 1}


def open_alone(
    context: WriteContext, report: Content, record_id: uuid.UUID, decisions: Sequence[linking.LinkDecision]
) -> Opened:
    """Open a record, in the buffer of pending writes, that is tied to nobody and whose case number is new: its person
    is known from this report alone. `decisions`: pairs that wait for a curator."""
    writes = context.pending_writes
    waiting: dict[int, int] = {}
    for decision in decisions:
        assert decision.detainee is not None  # the matcher's, which knows the person
        waiting[linking.write_decision(context, decision, record_id, filed=False).revision] = decision.detainee
    public, personal = split(report, counted=report.get(CLASS) == Publish.COUNTED)
    body = {"source": context.actor.slug, "record": str(record_id), "subject": str(new_id()), "version": 1}
    entry, publish = context.write_alone({**body, "said": public}, personal, waiting)
    if (case := report.get("source_record_id")) is not None:
        _remember_new_case(context, case, record_id)
    writes.add(hidden_pairs.INSERT_UNCOMPARED, [hidden_pairs.uncompared(context, entry.revision)])
    return Opened(record_id, entry, publish)


def _remember_new_case(context: WriteContext, case: str, record_id: uuid.UUID) -> None:
    """Add to the buffer of pending writes the case number of a new record."""
    digest = records.case_digest(context.secret, source_of(context), case)
    context.pending_writes.add(records.INSERT_CASE, [{"digest": digest, "record_id": record_id}])


def next_version(
    context: WriteContext,
    record: Record,
    version: records.Version,
    report: Content,
    target: Target | None = None,
    seen: int | None = None,
) -> Outcome:
    """Write the version after the standing `version`. `seen`: the revision at which a verification read its target; a
    correction has none and keeps the kept values."""
    changed = change(context, record, version, report, target, seen)
    if changed is None:
        ids = {"report": str(record.id), "version": version.number}
        return Outcome("report", OK, version.entry.revision, ids)
    report, pointer = changed
    before = version.content
    if "source_record_id" in report and "source_record_id" not in before:
        records.remember_case(context.session, context.secret, record.source, report["source_record_id"], record.id)
    body: dict[str, Any] = {
        "record": str(record.id),
        "subject": str(record.detainee_id),
        "version": records.next_number(context.session, record),
        "supersedes": version.entry.revision,
    }
    if "person" in version.entry.body:
        body["person"] = version.entry.body["person"]
    body |= hiding_requests.of_next_version(context, record, version, report)
    counted = report.get(CLASS) == Publish.COUNTED or is_counted(
        context.session, context.views, record, report, body.get("wish", {})
    )
    return _write(context, body, report, pointer, OK, counted=counted)


def change(
    context: WriteContext,
    record: Record,
    version: records.Version,
    report: Content,
    target: Target | None = None,
    seen: int | None = None,
) -> tuple[Content, str | None] | None:
    """The content and the pointer of the version after the standing `version`; None where they are the same."""
    before, pointer = version.content, version.pointer
    report = {**report, **content.kept(before)}
    if target is not None:
        pointers.require_one_person(context.session, record, target[0])
        pointer = pointers.spell_pointer(context, target, record.id, pointer)
    if content.says_the_same(report, before) and pointer == version.pointer:
        return None
    if seen is not None or pointer != version.pointer:
        report = kept_values.with_standing(context, report, target, record, seen, again=pointer == version.pointer)
    correction_checks.check(before, report)
    return report, pointer


def _write(
    context: WriteContext, body: dict[str, Any], report: Content, pointer: str | None, status: int, *, counted: bool
) -> Outcome:
    """Write a report. `counted`: it asks for its person to be only counted, or is of such a person."""
    public, personal = split(report, counted=counted)
    full = {"source": context.actor.slug, **body, "said": public}
    if pointer is not None:
        full["pointer"] = pointer
    entry = context.write("report", full, personal)
    hiding_requests.warn_of_burst(context, report, entry.revision)
    return Outcome("report", status, entry.revision, {"report": body["record"], "version": body["version"]})
