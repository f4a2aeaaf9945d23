"""A report under the case number of a record of which a recall left no version: it is that record's next version.

So the ids stay, and with them all that was decided about the person meanwhile: consents, objections, erasures, and
curators' judgements. It is matched like a new report. What tied the recalled versions by being filed ties it no more
(`apply.py`).

Wishes, the requests of reports to hide a person or the name: since when each stands, and whether it hides at once.

A curator's answer stands over the source's later reports of the person. So a report that repeats an earlier request of
its source is no new wish, unless its `publish_given_on` is later than every day before. And no key may hide people
faster than curators can look: beyond MOST_UNANSWERED the wishes of a source wait without hiding anybody whom others
show.

Write versions of reports: the first, which opens a record, and those that come after it."""

import logging
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import bindparam, delete, func, select
from sqlmodel import Session, col

from app.dates import parse
from app.log import content
from app.log.content import REQUESTED_CLASS, Content
from app.log.entries import LogEntry, entry_at
from app.models import CLASSES_OF_TODAY, OPEN, HiddenCandidatePair, ProvisionalHiding, Record, Report, UncomparedRecord
from app.projection.statements import split, whole
from app.registry import checks, records, write
from app.registry.identity import duplicate_scan, record_linkage
from app.registry.identity.clusters import of_one_person_with
from app.registry.publication import classes
from app.registry.publication.classes import BIRTH_FIELDS, CLASS, GIVEN_ON
from app.registry.records import Kind, Version
from app.registry.reprojection import is_counted
from app.registry.write import Outcome, WriteContext, new_id
from app.vocabulary import Judgement, MatchOutcome, Publish


@dataclass(frozen=True, slots=True)
class FiledAgain:
    """A recalled record that is filed again, and the oldest standing record of its person (`other`), if there is
    one."""

    record: Record
    other: Record | None
    version: int

    @property
    def body(self) -> dict[str, Any]:
        """Its part of the entry. That nothing is superseded tells that the record stood no more."""
        return {"record": str(self.record.id), "subject": str(self.record.detainee_id), "version": self.version}


def filed_again(
    context: WriteContext, record: Record, report: Content, target: tuple[Record, Kind] | None
) -> FiledAgain:
    """A recalled record, to be filed again by a report under its case number. Where others stand as its person, raises
    AnotherPerson for a report of somebody else, and Conflict for one that points at somebody else."""
    key = of_one_person_with(context.session, record.id)
    other = None if key is None else context.session.get_one(Record, key)
    if other is not None:
        checks.check_person(_last_filed(context, record), report)
    if other is not None and target is not None:
        checks.require_one_person(context.session, other, target[0])
    return FiledAgain(record, other, records.next_number(context.session, record))


def match_with(context: WriteContext, other: Record) -> record_linkage.LinkResult:
    """The link result of a report whose person is known already by a standing record: nobody is looked for, since only
    curators join people who stand."""
    recognised = context.actor.recognises(other.publish_now)
    return record_linkage.LinkResult(MatchOutcome.LINKED if recognised else MatchOutcome.NEW)


def forget_pairs(context: WriteContext, record: Record) -> None:
    """Delete whom the recalled versions looked like."""
    run = context.session.connection().execute
    run(delete(HiddenCandidatePair).where(col(HiddenCandidatePair.record) == record.key))
    run(delete(UncomparedRecord).where(col(UncomparedRecord.record) == record.key))


def _last_filed(context: WriteContext, record: Record) -> Content:
    """What the source said last in a recalled record."""
    stated = select(col(Report.stated)).where(col(Report.record) == record.key).order_by(col(Report.version).desc())
    entry = entry_at(context.session, context.session.scalars(stated.limit(1)).one())
    return whole(entry.body["said"], entry.personal)


# Provisional hidings of one source that may wait at once. Families change their minds one by one, and a curator reads
# ten in a sitting; a stolen key that would hide a whole list is stopped at its tenth name.
MOST_UNANSWERED = 10
BURST = "hiding_burst"  # a source has so many wishes unanswered that further ones wait

_UNANSWERED = (
    select(col(ProvisionalHiding.source), func.count(), func.max(col(ProvisionalHiding.since)))
    .where(
        col(ProvisionalHiding.until) == OPEN,
        col(ProvisionalHiding.stopped).is_(False),
        col(ProvisionalHiding.publish) == Publish.COUNTED,
    )
    .group_by(col(ProvisionalHiding.source))
)
_UNANSWERED_OF = _UNANSWERED.where(col(ProvisionalHiding.source) == bindparam("of"))

log = logging.getLogger("recuento")


def unanswered(session: Session) -> dict[int, int]:
    """Source → the number of its provisional hidings that wait for a curator. Requests that close a name alone wait
    too, and are not counted: they hide nobody."""
    return {row[0]: row[1] for row in session.connection().execute(_UNANSWERED)}


def stopped_sources(session: Session) -> set[int]:
    """The sources whose further wishes wait without hiding anybody."""
    return {source for source, number in unanswered(session).items() if number >= MOST_UNANSWERED}


def warnings(session: Session) -> list[str]:
    """The warnings for the operator, without naming anybody."""
    return [BURST] if stopped_sources(session) else []


def of_new_report(context: WriteContext, report: Content, tied: uuid.UUID | None) -> dict[str, Any]:
    """The `wish` in the entry of a new report; none where the report is linked to no person. `tied`: a record of the
    person to whom it is linked."""
    if tied is None or report.get(CLASS) in (None, Publish.NAMED):
        return {}
    return _kept(context, report, tied)


def of_next_version(context: WriteContext, record: Record, version: Version, report: Content) -> dict[str, Any]:
    """The `wish` in the entry of a report's next version."""
    if report.get(CLASS) in (None, Publish.NAMED):
        return {}
    before = version.content
    if (report[CLASS], report.get(GIVEN_ON)) == (before.get(CLASS), before.get(GIVEN_ON)):
        return _entry(
            classes.since(version.entry),
            classes.stopped(version.entry) and REQUESTED_CLASS not in report,
        )
    return _kept(context, report, record.id)


def _kept(context: WriteContext, report: Content, record: uuid.UUID) -> dict[str, Any]:
    as_strict = CLASSES_OF_TODAY[CLASSES_OF_TODAY.index(report[CLASS]) :]
    before = classes.earlier(context.session, record, context.actor.source, as_strict)
    renewed = GIVEN_ON in report and (before.last_day is None or parse(report[GIVEN_ON]).lo > before.last_day)
    if renewed or before.since is None:
        return _entry(None, _stops(context, report))
    return _entry(before.since, before.stopped and REQUESTED_CLASS not in report)


def _entry(since: int | None, stopped: bool) -> dict[str, Any]:
    kept = {**({} if since is None else {"since": since}), **({"stopped": True} if stopped else {})}
    return {"wish": kept} if kept else {}


def _stops(context: WriteContext, report: Content) -> bool:
    """Whether a new wish must wait. A wish that follows from a birth never does: the person may be a child."""
    source = context.actor.source
    if report.get(CLASS) != Publish.COUNTED or REQUESTED_CLASS in report or source is None:
        return False
    number = context.session.connection().execute(_UNANSWERED_OF, {"of": source}).one_or_none()
    if number is None or number[1] < MOST_UNANSWERED:
        return False
    _warn(context.actor.slug, number[1], "a further wish waits without hiding anybody")
    return True


def warn_of_burst(context: WriteContext, report: Content, revision: int) -> None:
    """Warn in the server's log that a report just written hides somebody, where its source has too many unanswered
    hidings. A birth hides like a wish and is never stopped: hiding a whole list by births must be noticed too."""
    if report.get(CLASS) != Publish.COUNTED and BIRTH_FIELDS.isdisjoint(report):
        return
    hidings = [row for person in context.projected.values() for row in person.rows[ProvisionalHiding]]
    if context.actor.source not in {row["source"] for row in hidings}:
        return  # as of nearly every report with a birth: nothing to look for
    number = context.session.connection().execute(_UNANSWERED_OF, {"of": context.actor.source}).one_or_none()
    if number is not None and number[1] >= MOST_UNANSWERED and number[2] == revision:
        _warn(context.actor.slug, number[1], "one more hides somebody")


def _warn(slug: str | None, unanswered: int, what: str) -> None:
    log.warning("%s: %d reports of source %s hide people and are unanswered; %s", BURST, unanswered, slug, what)


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
    match: record_linkage.LinkResult | None = None,
    seen: int | None = None,
    recalled: Record | None = None,
) -> Outcome:
    """Open a record, or again the `recalled` one that has the case number. `match`: the link result, if it was computed
    before; `seen`: the revision at which the client read the target, by default the newest."""
    again = None if recalled is None else filed_again(context, recalled, report, target)
    record_id = new_id() if again is None else again.record.id
    if report.get("source_record_id") == records.case_by_id(record_id):
        report = {k: v for k, v in report.items() if k != "source_record_id"}  # it has none, and was named by its id
    if match is None and target is not None:
        match = record_linkage.by_pointer(target)
    elif match is None and again is not None and again.other is not None:
        match = match_with(context, again.other)
    elif match is None:
        match = record_linkage.by_match(context, report, record_linkage.look_up(context, report))
    if again is None and target is None and not match.ties:
        opened = open_alone(context, report, record_id, match.decisions)
        context.pending_writes.flush()
        return Outcome("report", CREATED, opened.entry.revision, opened.ids, match.outcome)
    report = write.with_standing(context, report, target, None, seen, again=False)
    for decision in match.decisions:
        record_linkage.write_decision(context, decision, record_id, filed=again is not None)
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
    body |= of_new_report(context, report, tied)
    pointer = checks.spell_pointer(context, target) if target else None
    # Whoever reports points at people who may only be counted, if at all; the matcher never links to them (rule 12).
    of_counted = target is not None and is_counted(context.session, context.views, target[0])
    counted = report.get(CLASS) == Publish.COUNTED or of_counted
    if again is not None:
        forget_pairs(context, again.record)
        counted = counted or is_counted(context.session, context.views, again.record, report, body.get("wish", {}))
    filed = _write(context, body, report, pointer, CREATED, counted=counted)
    key = filed.revision if again is None else again.record.key
    record_linkage.keep_outweighed(context, match, key)
    context.session.connection().execute(duplicate_scan.INSERT_UNCOMPARED, duplicate_scan.uncompared(context, key))
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
    context: WriteContext, report: Content, record_id: uuid.UUID, decisions: Sequence[record_linkage.LinkDecision]
) -> Opened:
    """Open a record, in the buffer of pending writes, that is tied to nobody and whose case number is new: its person
    is known from this report alone. `decisions`: pairs that wait for a curator."""
    writes = context.pending_writes
    waiting: dict[int, int] = {}
    for decision in decisions:
        assert decision.detainee is not None  # the matcher's, which knows the person
        waiting[record_linkage.write_decision(context, decision, record_id, filed=False).revision] = decision.detainee
    public, personal = split(report, counted=report.get(CLASS) == Publish.COUNTED)
    body = {"source": context.actor.slug, "record": str(record_id), "subject": str(new_id()), "version": 1}
    entry, publish = context.write_alone({**body, "said": public}, personal, waiting)
    if (case := report.get("source_record_id")) is not None:
        _remember_new_case(context, case, record_id)
    writes.add(duplicate_scan.INSERT_UNCOMPARED, [duplicate_scan.uncompared(context, entry.revision)])
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
    body |= of_next_version(context, record, version, report)
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
        checks.require_one_person(context.session, record, target[0])
        pointer = checks.spell_pointer(context, target, record.id, pointer)
    if content.says_the_same(report, before) and pointer == version.pointer:
        return None
    if seen is not None or pointer != version.pointer:
        report = write.with_standing(context, report, target, record, seen, again=pointer == version.pointer)
    checks.check_correction(before, report)
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
    warn_of_burst(context, report, entry.revision)
    return Outcome("report", status, entry.revision, {"report": body["record"], "version": body["version"]})
