"""File, verify, amend and retract reports, and replicate another registry's public copy into an empty registry.

Replicated reports are written like others, in the copy's order, since the newer of two reports of a source prevails.
But the copy, not the matcher, determines which reports are of one person.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.errors import AheadOfHead, Conflict, Invalid, NotFound, PreconditionFailed
from app.log import content, entries
from app.log.content import Content
from app.log.entries import load_entry
from app.models import Record
from app.projection.statements import split_content
from app.registry import checks, records
from app.registry.identity import record_linkage
from app.registry.identity.record_linkage import CERTAIN_SCORE, LinkDecision
from app.registry.publication import classes
from app.registry.report_versions import (
    CurrentReport,
    ReportTarget,
    compute_change,
    get_source_key,
    write_first_version,
    write_next_version,
)
from app.registry.review.judge import load_unreviewed
from app.registry.write import Outcome, WriteContext, new_id
from app.schemas.reports import DetentionReportIn, ReleaseReportIn, VerificationOfReleaseIn
from app.translations import Message
from app.vocabulary import Judgement, ReleaseKind, Stage, Verdict

# Fields of a report's content that clients do not send under that name.
UNSENT_FIELDS = frozenset({content.NATIONAL_ID, content.TAKEN_OVER, "retraction.reason"})


def write_report(context: WriteContext, body: DetentionReportIn) -> Outcome:
    """File one source's report of one detention, with or without its release.

    A known case number makes it an upsert: the same content changes nothing, other content is the next version. A
    report filed by pointing at a known person keeps its pointer when it is sent again without one.
    Raises Invalid, AgeNeedsDay, FileAClaim, NewSpellNeedsNewRecord, AnotherPerson, Redacted, Conflict,
    NotFound.
    """
    current, recalled_record, report, target = _draft_report(context, body)
    if current is not None:
        return write_next_version(context, *current, report, target)
    return write_first_version(context, report, target, recalled_record=recalled_record)


def has_changes(context: WriteContext, body: DetentionReportIn) -> bool:
    """Return whether a body would change its source's report, without writing it. Raises what `write_report` does."""
    current, _recalled_record, report, target = _draft_report(context, body)
    return current is None or compute_change(context, *current, report, target) is not None


def _draft_report(
    context: WriteContext, body: DetentionReportIn
) -> tuple[CurrentReport | None, Record | None, Content, ReportTarget | None]:
    """Return `(current report, recalled record, content, pointer target)` of a body, with the content checked.

    At most one of the first two is set: the record under the body's case number, current or recalled."""
    target, case = checks.find_target(context, body), body.source_record_id
    report = build_content(context, body)
    record, is_current = None, False
    if case is not None:
        record, is_current = records.find_record_and_status(
            context.session, context.secret, get_source_key(context), case
        )
    current = (record, records.load_version(context.session, record)) if record is not None and is_current else None
    if current is not None:
        report = content.remove_equal_values(report, current[1].full_content)
    checks.check_report(
        report, context.now, has_pointer=target is not None or (current is not None and current[1].is_filed_by_pointer)
    )
    report = _classify_current(context, report, current)
    if current is not None:
        return current, None, carry_over_fields(report, body, current[1].full_content), target
    return None, record, report if case is None else {**report, "source_record_id": case}, target


def is_withdrawn(session: Session, outcome: Outcome) -> bool:
    """Return whether a report that was filed then is withdrawn now."""
    if outcome.kind != "report":
        return False
    record = session.scalars(select(Record).where(col(Record.id) == uuid.UUID(outcome.ids["report"]))).one()
    version = records.find_version(session, record)
    return version is not None and version.content["verification.verdict"] == Verdict.RETRACTED


def carry_over_fields(report: Content, body: DetentionReportIn, previous: Content) -> Content:
    """Return the content with the fields of the current version `previous` that a body cannot contain.

    They are the case number of a report named by its id, the reason of a withdrawal, what it took over, and the
    identification number, which is never shown and so cannot be sent back. The number stays while the name stays and
    the body does not have the field; null deletes it."""
    carried_fields = {"source_record_id"}
    if report["verification.verdict"] == previous["verification.verdict"] == Verdict.RETRACTED:
        carried_fields.add("retraction.reason")
    is_renamed = report.get("detainee.full_name") != previous.get("detainee.full_name")
    if not is_renamed and "national_id" not in (body.detainee.model_fields_set if body.detainee else ()):
        carried_fields.add(content.NATIONAL_ID)
    carried = {name: previous[name] for name in carried_fields & previous.keys()}
    return content.take_over_again({**report, **carried}, previous)


def write_verification(context: WriteContext, release_id: uuid.UUID, body: VerificationOfReleaseIn) -> Outcome:
    """File this source's verdict on a known release.

    It becomes the next version of the source's report on the release, or a new report, and takes over the values that
    the source does not give. Raises Invalid, AgeNeedsDay, NotFound, AheadOfHead, Conflict."""
    base = checks.find_visible_record(context, "release", release_id)
    head = context.log.revision
    seen_revision = head if body.seen is None else body.seen
    if seen_revision > head:
        detail = Message(
            "The registry is at revision {head}: send the `revision` of the answer in which you read the release.",
            head=head,
        )
        raise AheadOfHead.at_pointer("/seen", "ahead_of_head", detail)
    placement = records.find_placement(context.session, base.key)
    assert placement is not None
    source = get_source_key(context)
    own_record, recalled_record = records.find_own_record(context.session, placement.spell, source), None
    if own_record is None and load_unreviewed(context).is_any_waiting:
        own_record = records.find_awaiting_record(context.session, placement.spell, source)
    if body.source_record_id is not None:
        case_record, is_current = records.find_record_and_status(
            context.session, context.secret, source, body.source_record_id
        )
        case_record, recalled_record = (case_record, None) if is_current else (None, case_record)
        if case_record is not None and own_record is not None and case_record.key != own_record.key:
            raise Conflict("Your case number stands for another detention: send another one, or none.")
        own_record = own_record or case_record
    current = None if own_record is None else (own_record, records.load_version(context.session, own_record))
    current_content = {} if current is None else current[1].content
    previous = content.move_filing_day_age(content.restore_sent_content(current_content))
    previous.pop("retraction.reason", None)
    previous.pop(content.DENIES, None)  # each verdict says itself what it denies
    case = previous.get("source_record_id")
    if case is not None and body.source_record_id not in (None, case):
        raise checks.build_fixed_case_error(
            f"You already have report {case} on this release: leave `source_record_id` out, or correct that one."
        )
    report = content.drop_default_denies({**previous, **_build_verdict_content(body)})
    if not content.has_release_section(report):
        is_carried_out = "release.released_on" in report
        stage = (
            Stage.CARRIED_OUT.value if is_carried_out else checks.find_asserted_stage(context.session, placement.spell)
        )
        report = {"release.stage": stage, "release.kind": ReleaseKind.UNSPECIFIED.value, **report}
    if body.source_record_id is not None:
        report["source_record_id"] = body.source_record_id
    report = _normalize_citing(context, report)
    report = {name: value for name, value in report.items() if value != []}
    checks.check_report(report, context.now, has_pointer=True, is_flat=True)
    report = _classify_current(context, report, current)
    if current is None:
        return write_first_version(
            context, report, (base, "release"), seen_revision=seen_revision, recalled_record=recalled_record
        )
    report = content.take_over_again(report, current[1].full_content)
    return write_next_version(context, *current, report, (base, "release"), seen_revision=seen_revision)


def prepare_amendment(
    context: WriteContext, report_id: uuid.UUID, patch: dict[str, Any], matches: Callable[[int], bool]
) -> tuple[CurrentReport, DetentionReportIn, Content]:
    """Apply a JSON Merge Patch (RFC 7396) to the content that the source filed.

    Returns the source's current report, the corrected body, and the content for `write_next_version`. `matches`:
    returns whether the change is based on a version number. Raises Superseded if it is not based on the current
    version, and what `write_report` does.
    """
    record, version = _load_base_version(context, report_id, matches)
    previous = content.restore_sent_content(version.full_content)
    sent_body = content.unflatten_content({k: v for k, v in previous.items() if k not in UNSENT_FIELDS})
    merged_body = content.apply_merge_patch(sent_body, patch)
    schema = ReleaseReportIn if "release" in merged_body else DetentionReportIn
    body = schema.model_validate(merged_body)
    checks.check_fixed_fields(previous, body)
    sent = build_content(context, body)
    report = content.remove_equal_values(sent, previous)
    checks.check_withdrawal(previous, report)
    if "national_id" not in (patch.get("detainee") or {}) and content.NATIONAL_ID in previous:
        report[content.NATIONAL_ID] = previous[content.NATIONAL_ID]
    checks.check_report(report, context.now, has_pointer=version.is_filed_by_pointer)
    report = _classify_current(context, report, (record, version))
    if body.source_record_id is not None:
        report["source_record_id"] = body.source_record_id
    # What the patch changes or removes is no longer taken over.
    unchanged = {
        name: value for name, value in previous.items() if name == content.TAKEN_OVER or value == sent.get(name)
    }
    return (record, version), body, content.take_over_again(report, unchanged)


def write_retraction(
    context: WriteContext, report_id: uuid.UUID, reason: str | None, matches: Callable[[int], bool]
) -> Outcome:
    """Withdraw a report: it stays visible as withdrawn, and asserts nothing.

    Raises Superseded like `prepare_amendment`."""
    record, version = _load_base_version(context, report_id, matches)
    return write_next_version(context, record, version, build_retraction(version, reason))


def prepare_restoration(
    context: WriteContext, current: CurrentReport, sent: Content, earlier: records.RecordVersion
) -> Content:
    """Return the content that restores values of an earlier version, for `write_next_version`.

    `sent`: the report's own content as its source would send it, with those values. What it took over stays, or is
    taken over as in the earlier version. Raises what `write_report` does."""
    _record, version = current
    report = _normalize_citing(context, content.move_filing_day_age(sent))
    if report["verification.verdict"] != Verdict.RETRACTED:
        checks.check_report(report, context.now, has_pointer=version.is_filed_by_pointer)
    # The span of days of a restored age is that of the earlier version.
    has_earlier_age = report.get(content.AGE) == earlier.content.get(content.AGE)
    report = _classify_current(context, report, current, earlier.content if has_earlier_age else None)
    contents = [earlier.full_content, version.full_content]
    taken = content.select_taken_over(contents[0]) | content.select_taken_over(contents[1])
    revisions = [c[content.TAKEN_OVER]["revision"] for c in contents if content.TAKEN_OVER in c]
    return content.take_over(report, taken, revisions[-1]) if revisions else report


def build_retraction(version: records.RecordVersion, reason: str | None) -> Content:
    """Return the content that withdraws a report, for `write_next_version`."""
    report = {**version.full_content, "verification.verdict": Verdict.RETRACTED.value}
    report.pop(content.DENIES, None)
    if reason is not None:
        report["retraction.reason"] = reason
    return report


def _load_base_version(context: WriteContext, report_id: uuid.UUID, matches: Callable[[int], bool]) -> CurrentReport:
    """Return the source's own record with the version on which a change is based. Raises Superseded and NotFound."""
    record = records.load_own_record(context.session, report_id, context.actor.source)
    version = records.load_version(context.session, record)
    if not matches(version.number):
        raise PreconditionFailed(
            "The report has a newer version, or If-Match holds no ETag of it in quotes: read it again, then repeat."
        )
    if record.redacted:
        raise NotFound("There is no report with this id among your own.")
    return record, version


def build_content(context: WriteContext, body: DetentionReportIn) -> Content:
    """Return the content of a body. An identification number becomes a digest before any other code sees it."""
    report = content.flatten_body(body.model_dump(mode="json"))
    number = report.pop("detainee.national_id", None)
    if number is not None:
        normalized = content.normalize_national_id(number)
        if normalized is None:
            detail = "This is not an identification number: leave the field out when you do not know it."
            raise Invalid.at_pointer("/detainee/national_id", "invalid_national_id", detail)
        report[content.NATIONAL_ID] = entries.compute_keyed_digest(context.secret, "national_id", normalized)
    return _normalize_citing(context, content.move_filing_day_age(report))


def _normalize_citing(context: WriteContext, report: Content) -> Content:
    return content.normalize_citing(report, context.views.source_names) if content.CITING in report else report


def _classify_current(
    context: WriteContext, report: Content, current: CurrentReport | None, aged: Content | None = None
) -> Content:
    """Apply `classify_content` to a new report, or to the next version of a current one.

    `aged`: the version that had the same age before, if that is not the current one."""
    if current is None:
        return classify_content(context, report, None, None)
    record, version = current
    first_entry = version.entry if version.entry.revision == record.key else load_entry(context.session, record.key)
    return classify_content(context, report, first_entry.recorded_at.date().isoformat(), aged or version.content)


def classify_content(
    context: WriteContext, report: Content, first_filed_on: str | None, previous: Content | None
) -> Content:
    """Return the content with its effective class, and with the span of days of an age without a day.

    `first_filed_on`: the day on which a current record was first filed, so that a report sent again years later changes
    nothing. Raises AgeNeedsDay."""
    today = context.log.recorded_at.date().isoformat()
    first_filed_on = first_filed_on or today
    report = content.add_age_span(report, content.find_age_filing_day(report, previous, first_filed_on, today))
    checks.require_day_of_age(report, previous, first_filed_on)
    return classes.add_minor_class(report, first_filed_on)


def _build_verdict_content(body: VerificationOfReleaseIn) -> Content:
    sections = {"verdict": "verification", "denies": "verification", "method": "verification",
                "verified_on": "verification", "citing": "verification", "evidence": "verification", "stage": "release",
                "released_on": "release", "kind": "release", "conditions": "release"}  # fmt: skip
    sent_fields = body.model_dump(mode="json", exclude_unset=True, exclude={"source_record_id", "seen"})
    return {f"{sections[name]}.{name}": value for name, value in sent_fields.items() if value is not None}


@dataclass(frozen=True, slots=True)
class ReplicatedReport:
    """A report in a registry's public copy.

    `number`, `person`: the ids of the report and its detainee in the copy. `target_number`: the number of the report
    that it points at, which may come later. `list_number`: of the list in which it was filed. `extra_content`: the
    mark of what it took over, and whether an unpublished method is first-hand."""

    number: int
    source: str
    person: str
    target_number: int | None
    list_number: int | None
    body: DetentionReportIn
    extra_content: content.Content


def require_empty_registry(context: WriteContext) -> None:
    """Raise Conflict if the registry has entries: a copy next to other reports would count people twice."""
    if context.log.revision:
        raise Conflict("A copy is read into an empty registry only, and this one is not: use a new database.")


def replicate_reports(context: WriteContext, copies: Iterable[ReplicatedReport]) -> int:
    """File all reports of a copy, in order, and return their number. Raises Invalid."""
    ids: defaultdict[int, uuid.UUID] = defaultdict(new_id)
    first_records: dict[str, uuid.UUID] = {}
    first_entries: dict[int, int] = {}
    for copy in copies:
        report = {**build_content(context, copy.body), **copy.extra_content}
        own = content.remove_taken_over(report)
        checks.check_report(own, context.now, has_pointer=True)
        own = content.add_age_span(own, context.log.recorded_at.date().isoformat())
        report = content.take_over_again(own, report)
        if copy.source not in context.views.sources_by_slug:
            raise Invalid.at_pointer(
                "/source", "unknown_source", "A report of this copy is of a source that is not in it."
            )
        record = ids[copy.number]
        person = first_records.setdefault(copy.person, record)
        if person != record:
            record_linkage.write_decision(
                context, LinkDecision(person, Judgement.SAME, "reporter", CERTAIN_SCORE), record, is_filed=False
            )
        public, personal = split_content(report, is_count_only=False)  # a public copy has no count-only people
        body: dict[str, Any] = {"source": copy.source, "record": str(record), "subject": str(new_id()), "version": 1}
        if copy.target_number is not None:
            body["pointer"] = str(ids[copy.target_number])
        if copy.list_number is not None:
            body["request"] = first_entries.setdefault(copy.list_number, context.log.revision + 1)
        context.write_entry("report", {**body, "said": public}, personal)
    return len(ids)
