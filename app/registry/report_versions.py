"""Write versions of reports: the first version, which opens a record, and later ones.

A report under the case number of a recalled record is that record's next version. So its ids stay valid, and so does
every decision about its person: consents, objections, erasures and curators' judgements. It is matched like a new
report, because the links of the recalled versions are ended (`apply.py`).

A wish is a report's request to hide a person or the name. A curator's answer also covers the source's later reports of
the person, so a report that repeats an earlier request is no new wish, unless its `publish_given_on` is later than all
earlier ones. No key hides everybody: once a source hides MAX_UNREVIEWED_HIDINGS listed people, its further wishes and
births take away the name alone, and wait for a curator.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import bindparam, delete, func, select
from sqlmodel import Session, col

from app.dates import parse_date
from app.log import content
from app.log.content import REQUESTED_CLASS, Content, has_release_section
from app.log.entries import LogEntry, load_entry
from app.models import CURRENT_CLASSES, OPEN, HiddenCandidatePair, ProvisionalHiding, Record, Report, UncomparedRecord
from app.projection.statements import restore_content, split_content
from app.registry import checks, records
from app.registry.identity import duplicate_scan, record_linkage
from app.registry.identity.clusters import find_current_record_of_person
from app.registry.identity.record_linkage import LinkResult
from app.registry.publication import classes
from app.registry.publication.classes import BIRTH_FIELDS, CLASS_FIELD, WISH_DAY_FIELD
from app.registry.records import RecordVersion, TargetKind
from app.registry.reprojection import is_person_count_only
from app.registry.review.judge import closes_person, count_report, judge_report
from app.registry.taken_over import take_over_shown_values
from app.registry.write import Outcome, WriteContext, new_id
from app.vocabulary import Judgement, MatchOutcome, Publish, Review


@dataclass(frozen=True, slots=True)
class RefiledRecord:
    """A recalled record that is filed again. `person_record`: the oldest current record of its person, if any."""

    record: Record
    person_record: Record | None
    version: int

    @property
    def entry_body(self) -> dict[str, Any]:
        """Its fields of the entry. Without `supersedes`, which shows that the record was recalled."""
        return {"record": str(self.record.id), "subject": str(self.record.detainee_id), "version": self.version}


def refile_record(
    context: WriteContext, record: Record, report: Content, target: tuple[Record, TargetKind] | None
) -> RefiledRecord:
    """Return a recalled record that a report under its case number files again.

    If its person has current records, raises AnotherPerson for a report of somebody else, and Conflict for a report
    that points at somebody else."""
    key = find_current_record_of_person(context.session, record.id)
    person_record = None if key is None else context.session.get_one(Record, key)
    if person_record is not None:
        checks.require_same_person(_load_last_content(context, record), report)
    if person_record is not None and target is not None:
        checks.require_one_person(context.session, person_record, target[0])
    return RefiledRecord(record, person_record, records.find_next_version_number(context.session, record))


def build_refiled_match(context: WriteContext, person_record: Record) -> record_linkage.LinkResult:
    """Return the link result of a refiled report whose person has a current record.

    The matcher is not asked: only curators merge existing people."""
    is_recognised = context.actor.can_recognise(person_record.publish_now)
    return record_linkage.LinkResult(MatchOutcome.LINKED if is_recognised else MatchOutcome.NEW)


def delete_hidden_pairs(context: WriteContext, record: Record) -> None:
    """Delete the hidden candidate pairs of a record's recalled versions."""
    run = context.session.connection().execute
    run(delete(HiddenCandidatePair).where(col(HiddenCandidatePair.record) == record.key))
    run(delete(UncomparedRecord).where(col(UncomparedRecord.record) == record.key))


def _load_last_content(context: WriteContext, record: Record) -> Content:
    """Return the content of a recalled record's last version."""
    query = select(col(Report.stated)).where(col(Report.record) == record.key).order_by(col(Report.version).desc())
    entry = load_entry(context.session, context.session.scalars(query.limit(1)).one())
    return content.remove_taken_over(restore_content(entry.body["said"], entry.personal))


# What a next version may change while the registry is frozen: it may remove names, and ask for a stricter class.
NAME_FIELDS = frozenset({"detainee.full_name", "detainee.aliases"})
CLOSING_FIELDS = frozenset({CLASS_FIELD, REQUESTED_CLASS, WISH_DAY_FIELD})
# People whom a source hides although the registry listed them, until a curator answers: a family of a hundred names.
MAX_UNREVIEWED_HIDINGS = 100
HIDING_LIMIT_WARNING = "hiding_limit"  # a source has reached MAX_UNREVIEWED_HIDINGS

_COUNT_UNREVIEWED = (
    select(col(ProvisionalHiding.source), func.count(col(ProvisionalHiding.detainee).distinct()))
    .where(
        col(ProvisionalHiding.until) == OPEN,
        col(ProvisionalHiding.stopped).is_(False),
        col(ProvisionalHiding.publish) == Publish.COUNTED,
    )
    .group_by(col(ProvisionalHiding.source))
)
_COUNT_UNREVIEWED_OF_SOURCE = _COUNT_UNREVIEWED.where(col(ProvisionalHiding.source) == bindparam("source"))


def count_unreviewed_hidings(session: Session) -> dict[int, int]:
    """Return source → the number of listed people whom it hides until a curator answers.

    Requests that close only a name are not counted."""
    return {row[0]: row[1] for row in session.connection().execute(_COUNT_UNREVIEWED)}


def find_limited_sources(session: Session) -> set[int]:
    """Return the sources whose further wishes take away the name alone."""
    return {source for source, number in count_unreviewed_hidings(session).items() if number >= MAX_UNREVIEWED_HIDINGS}


def list_hiding_warnings(session: Session) -> list[str]:
    """Return the warnings for the operator, without naming anybody."""
    return [HIDING_LIMIT_WARNING] if find_limited_sources(session) else []


def build_first_wish(context: WriteContext, report: Content, linked_record: uuid.UUID | None) -> dict[str, Any]:
    """Return the `wish` field in the entry of a new report, if it has one.

    `linked_record`: a record of the person to whom the report is linked; without one there are no earlier wishes."""
    return {} if linked_record is None else _build_new_wish(context, report, linked_record)


def build_next_wish(context: WriteContext, record: Record, version: RecordVersion, report: Content) -> dict[str, Any]:
    """Return the `wish` field in the entry of a report's next version, if it has one."""
    if all(report.get(name) == version.content.get(name) for name in _WISH_FIELDS):
        since = classes.get_wish_revision(version.entry) if _requests_hiding(report) else None
        return _format_wish(since, is_limited=classes.is_wish_suspended(version.entry))
    return _build_new_wish(context, report, record.id)


_WISH_FIELDS = (CLASS_FIELD, WISH_DAY_FIELD, *BIRTH_FIELDS)


def _requests_hiding(report: Content) -> bool:
    return report.get(CLASS_FIELD) not in (None, Publish.NAMED)


def _build_new_wish(context: WriteContext, report: Content, record: uuid.UUID) -> dict[str, Any]:
    if not _requests_hiding(report):
        return _format_wish(None, is_limited=_is_limited(context, report))
    strict_classes = CURRENT_CLASSES[CURRENT_CLASSES.index(report[CLASS_FIELD]) :]
    earlier_wishes = classes.load_earlier_wishes(context.session, record, context.actor.source, strict_classes)
    is_renewed = WISH_DAY_FIELD in report and (
        earlier_wishes.last_day is None or parse_date(report[WISH_DAY_FIELD]).lo > earlier_wishes.last_day
    )
    if is_renewed or earlier_wishes.since is None:
        return _format_wish(None, is_limited=_is_limited(context, report))
    return _format_wish(earlier_wishes.since, is_limited=earlier_wishes.is_suspended)


def _format_wish(since: int | None, *, is_limited: bool) -> dict[str, Any]:
    wish = {**({} if since is None else {"since": since}), **({"name_only": True} if is_limited else {})}
    return {"wish": wish} if wish else {}


def _is_limited(context: WriteContext, report: Content) -> bool:
    """Return whether a new wish, or a birth that may be a child's, takes away the name alone."""
    if report.get(CLASS_FIELD) != Publish.COUNTED and BIRTH_FIELDS.isdisjoint(report):
        return False
    parameters = {"source": context.actor.source}
    counted_row = context.session.connection().execute(_COUNT_UNREVIEWED_OF_SOURCE, parameters).one_or_none()
    return counted_row is not None and counted_row[1] >= MAX_UNREVIEWED_HIDINGS


CREATED_STATUS, OK_STATUS = 201, 200
ReportTarget = tuple[Record, TargetKind]  # the record that a report points at, and the kind of the id it used
CurrentReport = tuple[Record, records.RecordVersion]  # a record and its current version


def get_source_key(context: WriteContext) -> int:
    """Return the key of the source that reports."""
    assert context.actor.source is not None  # a reporter's key always has a source (`api_keys.create_key`)
    return context.actor.source


def write_first_version(
    context: WriteContext,
    report: Content,
    target: ReportTarget | None,
    match: record_linkage.LinkResult | None = None,
    seen_revision: int | None = None,
    recalled_record: Record | None = None,
) -> Outcome:
    """Write the first version of a new record, or the next version of the `recalled_record` with the case number.

    `match`: the link result, if it was already computed. `seen_revision`: the revision at which the client read the
    target, by default the newest."""
    refiled = None if recalled_record is None else refile_record(context, recalled_record, report, target)
    record_id = new_id() if refiled is None else refiled.record.id
    if report.get("source_record_id") == records.format_id_case(record_id):
        report = {k: v for k, v in report.items() if k != "source_record_id"}  # the id was sent in place of a number
    review = judge_report(context, report)
    if review is Review.AWAITING_REVIEW and not closes_person(report):
        match = LinkResult(MatchOutcome.NEW)
    elif match is None and target is not None:
        match = record_linkage.link_by_pointer(target)
    elif match is None and refiled is not None and refiled.person_record is not None:
        match = build_refiled_match(context, refiled.person_record)
    elif match is None:
        match = record_linkage.link_by_match(context, report, record_linkage.find_candidates(context, report))
    if review is Review.AWAITING_REVIEW and target is None:
        match = record_linkage.limit_to_named(context, match)
    if refiled is None and target is None and not match.has_link:
        opened_record = open_unlinked(context, report, record_id, match.decisions, review)
        context.pending_writes.flush()
        return Outcome("report", CREATED_STATUS, opened_record.entry.revision, opened_record.ids, match.outcome)
    if target is not None:
        report = take_over_shown_values(context, report, target, None, seen_revision, is_same_target=False)
    for decision in match.decisions:
        record_linkage.write_decision(context, decision, record_id, is_filed=refiled is not None)
    body: dict[str, Any] = {"record": str(record_id), "subject": str(new_id()), "version": 1}
    body |= {} if refiled is None else refiled.entry_body
    if target is not None and target[1] == "detainee":
        body["person"] = str(target[0].id)
    if (case := report.get("source_record_id")) is not None:
        if refiled is None:
            _buffer_new_case(context, case, record_id)
        else:
            records.store_case(context.session, context.secret, get_source_key(context), case, record_id)
    linked_record = next((link.record for link in match.decisions if link.judgement is Judgement.SAME), None)
    if linked_record is None and refiled is not None and refiled.person_record is not None:
        linked_record = refiled.person_record.id
    body |= build_first_wish(context, report, linked_record)
    pointer = checks.choose_spell_pointer(context, target) if target else None
    # Only a pointer can link to count-only people; the matcher never does.
    is_target_count_only = target is not None and is_person_count_only(context.session, context.views, target[0])
    is_count_only = report.get(CLASS_FIELD) == Publish.COUNTED or is_target_count_only
    if refiled is not None:
        delete_hidden_pairs(context, refiled.record)
        is_count_only = is_count_only or is_person_count_only(
            context.session, context.views, refiled.record, report, body.get("wish", {})
        )
    body |= _format_review(review)
    outcome = _write_report(context, body, report, pointer, CREATED_STATUS, is_count_only=is_count_only)
    count_report(context, review, report, None)
    key = outcome.revision if refiled is None else refiled.record.key
    record_linkage.store_outweighed(context, match, key)
    if review is Review.AWAITING_REVIEW:  # compared once it is approved
        return replace(outcome, match=match.outcome)
    context.session.connection().execute(
        duplicate_scan.INSERT_UNCOMPARED, duplicate_scan.build_uncompared_row(context, key)
    )
    return replace(outcome, match=match.outcome)


@dataclass(frozen=True, slots=True)
class OpenedRecord:
    """A record just opened: its id, its entry, and the class of its person."""

    record: uuid.UUID
    entry: LogEntry
    publish: str

    @property
    def ids(self) -> dict[str, Any]:
        return {"report": str(self.record), "version": 1}


def open_unlinked(
    context: WriteContext,
    report: Content,
    record_id: uuid.UUID,
    decisions: Sequence[record_linkage.LinkDecision],
    review: Review | None,
) -> OpenedRecord:
    """Buffer a new record with a new case number that is linked to nobody.

    `decisions`: pairs that wait for a curator. `review`: the review state of the report."""
    writes = context.pending_writes
    waiting: dict[int, int] = {}
    for decision in decisions:
        assert decision.detainee is not None  # decisions of the matcher have a person
        waiting[record_linkage.write_decision(context, decision, record_id, is_filed=False).revision] = (
            decision.detainee
        )
    public, personal = split_content(report, is_count_only=report.get(CLASS_FIELD) == Publish.COUNTED)
    body = {"source": context.actor.slug, "record": str(record_id), "subject": str(new_id()), "version": 1}
    entry, publish = context.write_unlinked({**body, **_format_review(review), "said": public}, personal, waiting)
    count_report(context, review, report, None)
    if (case := report.get("source_record_id")) is not None:
        _buffer_new_case(context, case, record_id)
    if review is not Review.AWAITING_REVIEW:
        writes.add(duplicate_scan.INSERT_UNCOMPARED, [duplicate_scan.build_uncompared_row(context, entry.revision)])
    return OpenedRecord(record_id, entry, publish)


def _buffer_new_case(context: WriteContext, case: str, record_id: uuid.UUID) -> None:
    """Buffer the case number of a new record."""
    digest = records.digest_case(context.secret, get_source_key(context), case)
    context.pending_writes.add(records.INSERT_CASE, [{"digest": digest, "record_id": record_id}])


def write_next_version(
    context: WriteContext,
    record: Record,
    version: records.RecordVersion,
    report: Content,
    target: ReportTarget | None = None,
    seen_revision: int | None = None,
    *,
    restores: bool = False,
) -> Outcome:
    """Write the version after the current `version`, unless it changes nothing.

    `seen_revision`: the revision at which a verification read its target. A correction has none, and keeps what the
    report took over. `restores`: it restores values of an earlier version."""
    changes = compute_change(context, record, version, report, target, seen_revision, restores=restores)
    if changes is None:
        ids = {"report": str(record.id), "version": version.number}
        return Outcome("report", OK_STATUS, version.entry.revision, ids)
    report, pointer = changes
    previous = version.content
    if "source_record_id" in report and "source_record_id" not in previous:
        records.store_case(context.session, context.secret, record.source, report["source_record_id"], record.id)
    body: dict[str, Any] = {
        "record": str(record.id),
        "subject": str(record.detainee_id),
        "version": records.find_next_version_number(context.session, record),
        "supersedes": version.entry.revision,
    }
    if "person" in version.entry.body:
        body["person"] = version.entry.body["person"]
    body |= build_next_wish(context, record, version, report)
    review = judge_report(context, report, record.key, version)
    body |= _format_review(review)
    is_count_only = report.get(CLASS_FIELD) == Publish.COUNTED or is_person_count_only(
        context.session, context.views, record, report, body.get("wish", {})
    )
    closes = _hides_only(version.full_content, report)
    outcome = _write_report(context, body, report, pointer, OK_STATUS, is_count_only=is_count_only, closes=closes)
    count_report(context, review, report, version)
    return outcome


def _format_review(review: Review | None) -> dict[str, Any]:
    """Return the review state as a field of the entry."""
    return {} if review is None else {"review": review.value}


def _hides_only(previous: Content, report: Content) -> bool:
    """Return whether a next version only removes a name, or asks for a stricter class."""
    changed = {name for name in previous.keys() | report.keys() if previous.get(name) != report.get(name)}
    if not changed <= {*NAME_FIELDS, *CLOSING_FIELDS} or any(name in report for name in changed & NAME_FIELDS):
        return False
    publish, former_publish = report.get(CLASS_FIELD), previous.get(CLASS_FIELD, Publish.NAMED)
    return changed.isdisjoint(CLOSING_FIELDS) or (publish is not None and classes.is_stricter(publish, former_publish))


def compute_change(
    context: WriteContext,
    record: Record,
    version: records.RecordVersion,
    report: Content,
    target: ReportTarget | None = None,
    seen_revision: int | None = None,
    *,
    restores: bool = False,
) -> tuple[Content, str | None] | None:
    """Return the content and the pointer of the version after the current `version`; None if nothing changes."""
    previous, pointer = version.full_content, version.pointer
    if target is not None:
        if version.review is not Review.AWAITING_REVIEW:  # a report that awaits review is linked to nobody yet
            checks.require_one_person(context.session, record, target[0])
        pointer = checks.choose_spell_pointer(context, target, record.id, pointer)
        is_new_release = has_release_section(report) and not has_release_section(previous)
        if seen_revision is not None or pointer != version.pointer or is_new_release:
            report = take_over_shown_values(
                context, report, target, record, seen_revision, is_same_target=pointer == version.pointer
            )
    if content.is_same_content(report, previous) and pointer == version.pointer:
        return None
    checks.check_correction(version.content, content.remove_taken_over(report), restores=restores)
    return report, pointer


def _write_report(
    context: WriteContext,
    body: dict[str, Any],
    report: Content,
    pointer: str | None,
    status: int,
    *,
    is_count_only: bool,
    closes: bool = False,
) -> Outcome:
    """Write a report.

    `is_count_only`: it requests that its person is only counted, or its person already is. `closes`: as in
    `WriteContext.write_entry`."""
    public, personal = split_content(report, is_count_only=is_count_only)
    full = {"source": context.actor.slug, **body, "said": public}
    if pointer is not None:
        full["pointer"] = pointer
    entry = context.write_entry("report", full, personal, closes=closes)
    ids = {"report": body["record"], "version": body["version"]}
    return Outcome("report", status, entry.revision, ids | {n: body[n] for n in ("review",) if n in body})
