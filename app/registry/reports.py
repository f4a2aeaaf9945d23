"""File, verify, amend and retract reports."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.errors import Conflict, Invalid, NotFound, Superseded
from app.log import sealed
from app.log.entries import entry_at
from app.models import Record
from app.registry import (
    checks,
    content,
    correction_checks,
    filed_again,
    hidden_pairs,
    hiding_requests,
    kept_values,
    linking,
    minority,
    pointers,
    records,
)
from app.registry.content import Content
from app.registry.projection.counted_reports import split
from app.registry.publication_class import CLASS
from app.registry.records import Kind
from app.registry.reprojection import is_counted
from app.registry.schemas import DetentionReportIn, ReleaseReportIn, VerificationOfReleaseIn
from app.registry.write import Outcome, WriteContext, new_id
from app.vocabulary import Judgement, Publish, ReleaseKind, Stage, Verdict

# Fields of a report's content that were not sent under that name.
NOT_SENT = frozenset({content.NATIONAL_ID, "retraction.reason"})
CREATED, OK = 201, 200
Target = tuple[Record, Kind]  # the record and what of it a report points at


def file_report(context: WriteContext, body: DetentionReportIn) -> Outcome:
    """File one source's report of one detention, with or without its release.

    A case number makes it an upsert: the same content changes nothing, other content is the next version. A report that
    was filed by pointing at a known person keeps its pointer when it is sent again without one.
    Raises Invalid, AgeNeedsDay, FileAClaim, NewSpellNeedsNewRecord, AnotherPerson, ReleaseDropped, Redacted, Conflict,
    NotFound.
    """
    record, report, target = _drafted(context, body)
    if record is not None:
        return next_version(context, record, report, target)
    return first_version(context, report, target)


def changes_anything(context: WriteContext, body: DetentionReportIn) -> bool:
    """Whether a body would change what its source's report says, without writing it. Raises what `file_report` does."""
    record, report, target = _drafted(context, body)
    return (
        record is None or _change(context, record, records.newest(context.session, record), report, target) is not None
    )


def _drafted(context: WriteContext, body: DetentionReportIn) -> tuple[Record | None, Content, Target | None]:
    """The record that stands under the case number of a body, the content of its report, checked, and its pointer."""
    target, case = pointers.target_of(context, body), body.source_record_id
    report = content_of(context, body)
    record = None if case is None else records.by_case(context.session, context.secret, source_of(context), case)
    version = None if record is None else records.newest(context.session, record)
    checks.check(report, context.now, points=target is not None or (version is not None and version.points))
    report = _classed(context, report, record, None if version is None else version.content)
    if version is not None:
        return record, with_kept(report, body, version.content), target
    return None, report if case is None else {**report, "source_record_id": case}, target


def is_withdrawn(session: Session, outcome: Outcome) -> bool:
    """Whether a report that was filed then is withdrawn now."""
    if outcome.kind != "report":
        return False
    record = session.scalars(select(Record).where(col(Record.id) == uuid.UUID(outcome.ids["report"]))).one()
    version = records.current(session, record)
    return version is not None and version.content["verification.verdict"] == Verdict.RETRACTED


def with_kept(report: Content, body: DetentionReportIn, before: Content) -> Content:
    """The content with the fields of the standing version `before` that no body can carry: the case number of a
    report named by its id, the reason of a standing withdrawal, the kept values, and the identification number, which
    is never shown and so cannot be sent back. The number stays as long as the name does and the body does not give the
    field; null deletes it."""
    stays = {"source_record_id", *content.kept(before)}
    if report["verification.verdict"] == before["verification.verdict"] == Verdict.RETRACTED:
        stays.add("retraction.reason")
    renamed = report.get("detainee.full_name") != before.get("detainee.full_name")
    if not renamed and "national_id" not in (body.detainee.model_fields_set if body.detainee else ()):
        stays.add(content.NATIONAL_ID)
    return {**report, **{name: before[name] for name in stays & before.keys()}}


def verify_release(context: WriteContext, release_id: uuid.UUID, body: VerificationOfReleaseIn) -> Outcome:
    """File this source's verdict on a known release as it stood at the revision `body.seen`: the next version of the
    source's report on it, or a new report. Raises Invalid, AgeNeedsDay, NotFound, Conflict."""
    base = pointers.known(context, "release", release_id)
    seen = kept_values.seen_at(context, base, body.seen)
    place = records.placement(context.session, base.key)
    assert place is not None
    own = pointers.own_record_in(context.session, place.spell, source_of(context))
    if body.source_record_id is not None:
        cased = records.by_case(context.session, context.secret, source_of(context), body.source_record_id)
        if cased is not None and own is not None and cased.key != own.key:
            raise Conflict("Your case number stands for another detention: send another one, or none.")
        own = own or cased
    stood = records.newest(context.session, own).content if own else {}
    before = content.with_age_of_now(content.as_sent(stood))
    before.pop("retraction.reason", None)
    case = before.get("source_record_id")
    if case is not None and body.source_record_id not in (None, case):
        raise correction_checks.case_is_fixed(
            f"You already have report {case} on this release: leave `source_record_id` out, or correct that one."
        )
    report = {**before, **_verdict(body)}
    if not content.has_release(report):
        carried_out = "release.released_on" in report
        stage = Stage.CARRIED_OUT.value if carried_out else pointers.stage_asserted(context.session, place.spell)
        report = {"release.stage": stage, "release.kind": ReleaseKind.UNSPECIFIED.value, **report}
    if body.source_record_id is not None:
        report["source_record_id"] = body.source_record_id
    report = _with_citing(context, report)
    report = {name: value for name, value in report.items() if value != []}
    checks.check(report, context.now, points=True, flat=True)
    report = _classed(context, report, own, stood or None)
    if own is None:
        return first_version(context, report, (base, "release"), seen=seen)
    return next_version(context, own, report, (base, "release"), seen=seen)


def amended(
    context: WriteContext, report_id: uuid.UUID, patch: dict[str, Any], matches: Callable[[int], bool]
) -> tuple[Record, DetentionReportIn, Content]:
    """A record of the source's own, corrected by a JSON Merge Patch (RFC 7396) on the content it was filed with: as a
    body, and as the content for `next_version`.

    `matches`: whether the change is based on a version number. Raises Superseded where it is not based on the standing
    version, and what `file_report` does.
    """
    record, version = _current(context, report_id, matches)
    before = content.as_sent(version.content)
    shape = content.unflatten({k: v for k, v in before.items() if k not in NOT_SENT})
    merged = content.merge_patch(shape, patch)
    schema = ReleaseReportIn if content.has_release(before) or "release" in patch else DetentionReportIn
    if content.has_release(before) and patch.get("release", {}) is None:
        raise correction_checks.release_dropped()
    body = schema.model_validate(merged)
    correction_checks.check_fixed_fields(before, body)
    report = content_of(context, body)
    correction_checks.check_withdrawal(before, report)
    if "national_id" not in (patch.get("detainee") or {}) and content.NATIONAL_ID in before:
        report[content.NATIONAL_ID] = before[content.NATIONAL_ID]
    checks.check(report, context.now, points=version.points)
    report = _classed(context, report, record, version.content)
    if body.source_record_id is not None:
        report["source_record_id"] = body.source_record_id
    return record, body, report


def retract(context: WriteContext, report_id: uuid.UUID, reason: str | None, matches: Callable[[int], bool]) -> Outcome:
    """Withdraw a report: it stays visible as withdrawn, and asserts nothing. Raises Superseded like `amend`."""
    record, version = _current(context, report_id, matches)
    report = {**version.content, "verification.verdict": Verdict.RETRACTED.value}
    if reason is not None:
        report["retraction.reason"] = reason
    return next_version(context, record, report)


def _current(
    context: WriteContext, report_id: uuid.UUID, matches: Callable[[int], bool]
) -> tuple[Record, records.Version]:
    """The source's own record, and the version on which a change is based."""
    record = records.own(context.session, report_id, context.actor.source)
    version = records.newest(context.session, record)
    if not matches(version.number):
        raise Superseded(
            "The report has a newer version, or If-Match holds no ETag of it in quotes: read it again, then repeat."
        )
    if record.redacted:
        raise NotFound("There is no report with this id among your own.")
    return record, version


def source_of(context: WriteContext) -> int:
    """The key of the source that reports."""
    assert context.actor.source is not None  # a reporter's key always has one (policy of keys)
    return context.actor.source


def content_of(context: WriteContext, body: DetentionReportIn) -> Content:
    """The content of a body. An identification number becomes a digest before any other code sees it."""
    report = content.flatten(body.model_dump(mode="json"))
    number = report.pop("detainee.national_id", None)
    if number is not None:
        compared = content.compared_number(number)
        if compared is None:
            detail = "This is not an identification number: leave the field out when you do not know it."
            raise Invalid.at("/detainee/national_id", "invalid_national_id", detail)
        report[content.NATIONAL_ID] = sealed.keyed_digest(context.secret, "national_id", compared)
    return _with_citing(context, content.with_age_of_now(report))


def _with_citing(context: WriteContext, report: Content) -> Content:
    return content.with_citing(report, context.views.source_names) if content.CITING in report else report


def _classed(context: WriteContext, report: Content, record: Record | None, before: Content | None) -> Content:
    """`classed`, for the next version of a `record` whose standing version is `before`."""
    first = None if record is None else entry_at(context.session, record.key).recorded_at.date().isoformat()
    return classed(context, report, first, before)


def classed(context: WriteContext, report: Content, first: str | None, before: Content | None) -> Content:
    """The content with its effective class and the span of days of an age without its day. `first`: the day on which
    the record was first filed, if it stands, so that a report sent again years later changes nothing. Raises
    AgeNeedsDay."""
    today = context.log.recorded_at.date().isoformat()
    first = first or today
    report = content.with_age_span(report, content.age_filed_on(report, before, first, today))
    checks.require_day_of_age(report, before, first)
    return minority.with_class(report, first)


def _verdict(body: VerificationOfReleaseIn) -> Content:
    sections = {"verdict": "verification", "method": "verification", "verified_on": "verification",
                "citing": "verification", "evidence": "verification", "stage": "release",
                "released_on": "release", "kind": "release", "conditions": "release"}  # fmt: skip
    given = body.model_dump(mode="json", exclude_unset=True, exclude={"source_record_id", "seen"})
    return {f"{sections[name]}.{name}": value for name, value in given.items() if value is not None}


def first_version(
    context: WriteContext,
    report: Content,
    target: Target | None,
    match: linking.LinkResult | None = None,
    seen: int | None = None,
) -> Outcome:
    """Open a record, or one again that was recalled. `match`: the link result, if it was computed before; `seen`: the
    revision at which the client read the target, by default the newest."""
    again = filed_again.recalled(context, report, target)
    record_id = new_id() if again is None else again.record.id
    if report.get("source_record_id") == records.case_by_id(record_id):
        report = {k: v for k, v in report.items() if k != "source_record_id"}  # it has none, and was named by its id
    if match is None and target is not None:
        match = linking.by_pointer(target)
    elif match is None and again is not None and again.other is not None:
        match = filed_again.match_with(context, again.other)
    elif match is None:
        match = linking.by_match(context, report, linking.look_up(context, report))
    report = kept_values.with_standing(context, report, target, None, seen, again=False)
    for decision in match.decisions:
        linking.write_decision(context, decision, record_id)
    body: dict[str, Any] = {"record": str(record_id), "subject": str(new_id()), "version": 1}
    body |= {} if again is None else again.body
    if target is not None and target[1] == "detainee":
        body["person"] = str(target[0].id)
    if (case := report.get("source_record_id")) is not None:
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


def next_version(
    context: WriteContext, record: Record, report: Content, target: Target | None = None, seen: int | None = None
) -> Outcome:
    """Write the next version. `seen`: the revision at which a verification read its target; a correction has none and
    keeps the kept values."""
    version = records.newest(context.session, record)
    change = _change(context, record, version, report, target, seen)
    if change is None:
        ids = {"report": str(record.id), "version": version.number}
        return Outcome("report", OK, version.entry.revision, ids)
    report, pointer = change
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


def _change(
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
