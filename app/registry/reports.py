"""File, verify, amend and retract reports.

File the reports of another registry's public copy into an empty registry.

Each report is written like any other (`WriteContext.write`), but the copy and not the matcher says which reports are of
one person. The order is kept, since of two reports of one source the newer speaks."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.errors import Conflict, Invalid, NotFound, Superseded
from app.log import content, entries
from app.log.content import Content
from app.log.entries import entry_at
from app.models import Record
from app.projection.statements import split
from app.registry import checks, records, write
from app.registry.identity import record_linkage
from app.registry.identity.record_linkage import SURE, LinkDecision
from app.registry.publication import classes
from app.registry.report_versions import Standing, Target, change, first_version, next_version, source_of
from app.registry.write import Outcome, WriteContext, new_id
from app.schemas.reports import DetentionReportIn, ReleaseReportIn, VerificationOfReleaseIn
from app.vocabulary import Judgement, ReleaseKind, Stage, Verdict

# Fields of a report's content that were not sent under that name.
NOT_SENT = frozenset({content.NATIONAL_ID, "retraction.reason"})


def file_report(context: WriteContext, body: DetentionReportIn) -> Outcome:
    """File one source's report of one detention, with or without its release.

    A case number makes it an upsert: the same content changes nothing, other content is the next version. A report that
    was filed by pointing at a known person keeps its pointer when it is sent again without one.
    Raises Invalid, AgeNeedsDay, FileAClaim, NewSpellNeedsNewRecord, AnotherPerson, ReleaseDropped, Redacted, Conflict,
    NotFound.
    """
    standing, recalled, report, target = _drafted(context, body)
    if standing is not None:
        return next_version(context, *standing, report, target)
    return first_version(context, report, target, recalled=recalled)


def changes_anything(context: WriteContext, body: DetentionReportIn) -> bool:
    """Whether a body would change what its source's report says, without writing it. Raises what `file_report` does."""
    standing, _recalled, report, target = _drafted(context, body)
    return standing is None or change(context, *standing, report, target) is not None


def _drafted(
    context: WriteContext, body: DetentionReportIn
) -> tuple[Standing | None, Record | None, Content, Target | None]:
    """The record that stands under the case number of a body, or the recalled one, the content of its report, checked,
    and its pointer."""
    target, case = checks.target_of(context, body), body.source_record_id
    report = content_of(context, body)
    record, stands = None, False
    if case is not None:
        record, stands = records.under_case(context.session, context.secret, source_of(context), case)
    standing = (record, records.newest(context.session, record)) if record is not None and stands else None
    checks.check(report, context.now, points=target is not None or (standing is not None and standing[1].points))
    report = _classed(context, report, standing)
    if standing is not None:
        return standing, None, with_kept(report, body, standing[1].content), target
    return None, record, report if case is None else {**report, "source_record_id": case}, target


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
    base = checks.known(context, "release", release_id)
    seen = write.seen_at(context, base, body.seen)
    place = records.placement(context.session, base.key)
    assert place is not None
    own, recalled = checks.own_record_in(context.session, place.spell, source_of(context)), None
    if body.source_record_id is not None:
        cased, stands = records.under_case(context.session, context.secret, source_of(context), body.source_record_id)
        cased, recalled = (cased, None) if stands else (None, cased)
        if cased is not None and own is not None and cased.key != own.key:
            raise Conflict("Your case number stands for another detention: send another one, or none.")
        own = own or cased
    standing = None if own is None else (own, records.newest(context.session, own))
    stood = {} if standing is None else standing[1].content
    before = content.with_age_of_now(content.as_sent(stood))
    before.pop("retraction.reason", None)
    case = before.get("source_record_id")
    if case is not None and body.source_record_id not in (None, case):
        raise checks.case_is_fixed(
            f"You already have report {case} on this release: leave `source_record_id` out, or correct that one."
        )
    report = {**before, **_verdict(body)}
    if not content.has_release(report):
        carried_out = "release.released_on" in report
        stage = Stage.CARRIED_OUT.value if carried_out else checks.stage_asserted(context.session, place.spell)
        report = {"release.stage": stage, "release.kind": ReleaseKind.UNSPECIFIED.value, **report}
    if body.source_record_id is not None:
        report["source_record_id"] = body.source_record_id
    report = _with_citing(context, report)
    report = {name: value for name, value in report.items() if value != []}
    checks.check(report, context.now, points=True, flat=True)
    report = _classed(context, report, standing)
    if standing is None:
        return first_version(context, report, (base, "release"), seen=seen, recalled=recalled)
    return next_version(context, *standing, report, (base, "release"), seen=seen)


def amended(
    context: WriteContext, report_id: uuid.UUID, patch: dict[str, Any], matches: Callable[[int], bool]
) -> tuple[Standing, DetentionReportIn, Content]:
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
        raise checks.release_dropped()
    body = schema.model_validate(merged)
    checks.check_fixed_fields(before, body)
    report = content_of(context, body)
    checks.check_withdrawal(before, report)
    if "national_id" not in (patch.get("detainee") or {}) and content.NATIONAL_ID in before:
        report[content.NATIONAL_ID] = before[content.NATIONAL_ID]
    checks.check(report, context.now, points=version.points)
    report = _classed(context, report, (record, version))
    if body.source_record_id is not None:
        report["source_record_id"] = body.source_record_id
    return (record, version), body, report


def retract(context: WriteContext, report_id: uuid.UUID, reason: str | None, matches: Callable[[int], bool]) -> Outcome:
    """Withdraw a report: it stays visible as withdrawn, and asserts nothing. Raises Superseded like `amend`."""
    record, version = _current(context, report_id, matches)
    report = {**version.content, "verification.verdict": Verdict.RETRACTED.value}
    if reason is not None:
        report["retraction.reason"] = reason
    return next_version(context, record, version, report)


def _current(context: WriteContext, report_id: uuid.UUID, matches: Callable[[int], bool]) -> Standing:
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


def content_of(context: WriteContext, body: DetentionReportIn) -> Content:
    """The content of a body. An identification number becomes a digest before any other code sees it."""
    report = content.flatten(body.model_dump(mode="json"))
    number = report.pop("detainee.national_id", None)
    if number is not None:
        compared = content.compared_number(number)
        if compared is None:
            detail = "This is not an identification number: leave the field out when you do not know it."
            raise Invalid.at("/detainee/national_id", "invalid_national_id", detail)
        report[content.NATIONAL_ID] = entries.keyed_digest(context.secret, "national_id", compared)
    return _with_citing(context, content.with_age_of_now(report))


def _with_citing(context: WriteContext, report: Content) -> Content:
    return content.with_citing(report, context.views.source_names) if content.CITING in report else report


def _classed(context: WriteContext, report: Content, standing: Standing | None) -> Content:
    """`classed`, for the next version of a record that stands."""
    if standing is None:
        return classed(context, report, None, None)
    record, version = standing
    first = version.entry if version.entry.revision == record.key else entry_at(context.session, record.key)
    return classed(context, report, first.recorded_at.date().isoformat(), version.content)


def classed(context: WriteContext, report: Content, first: str | None, before: Content | None) -> Content:
    """The content with its effective class and the span of days of an age without its day. `first`: the day on which
    the record was first filed, if it stands, so that a report sent again years later changes nothing. Raises
    AgeNeedsDay."""
    today = context.log.recorded_at.date().isoformat()
    first = first or today
    report = content.with_age_span(report, content.age_filed_on(report, before, first, today))
    checks.require_day_of_age(report, before, first)
    return classes.with_class(report, first)


def _verdict(body: VerificationOfReleaseIn) -> Content:
    sections = {"verdict": "verification", "method": "verification", "verified_on": "verification",
                "citing": "verification", "evidence": "verification", "stage": "release",
                "released_on": "release", "kind": "release", "conditions": "release"}  # fmt: skip
    given = body.model_dump(mode="json", exclude_unset=True, exclude={"source_record_id", "seen"})
    return {f"{sections[name]}.{name}": value for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True)
class ReplicatedReport:
    """A report of a copy. `number`: its name in the copy; `person`: the name of its detainee there; `points_at`: the
    number of the report at which it points, which may come later; `beside`: the values kept with it, and whether a
    method that the copy does not say is first-hand."""

    number: int
    source: str
    person: str
    points_at: int | None
    body: DetentionReportIn
    beside: content.Content


def require_empty(context: WriteContext) -> None:
    """Raises Conflict in a registry with entries: a copy beside other reports would count people twice."""
    if context.log.revision:
        raise Conflict("A copy is read into an empty registry only, and this one is not: use a new database.")


def replicate(context: WriteContext, copies: Iterable[ReplicatedReport]) -> int:
    """File all reports of a copy, in order, and return their number. Raises Invalid."""
    ids: defaultdict[int, uuid.UUID] = defaultdict(new_id)
    first: dict[str, uuid.UUID] = {}
    for copy in copies:
        report = {**content_of(context, copy.body), **copy.beside}
        checks.check(report, context.now, points=True)
        report = content.with_age_span(report, context.log.recorded_at.date().isoformat())
        if copy.source not in context.views.sources_by_slug:
            raise Invalid.at("/source", "unknown_source", "A report of this copy is of a source that is not in it.")
        record = ids[copy.number]
        person = first.setdefault(copy.person, record)
        if person != record:
            record_linkage.write_decision(
                context, LinkDecision(person, Judgement.SAME, "reporter", SURE), record, filed=False
            )
        public, personal = split(report, counted=False)  # nobody in a copy may only be counted
        body: dict[str, Any] = {"source": copy.source, "record": str(record), "subject": str(new_id()), "version": 1}
        if copy.points_at is not None:
            body["pointer"] = str(ids[copy.points_at])
        context.write("report", {**body, "said": public}, personal)
    return len(ids)
