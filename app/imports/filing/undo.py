"""Undo a list: restore the fields that it changed last, and withdraw the reports that it opened.

Three versions of each report are compared: the one before the list, the one that the list wrote, and the newest. A
field is restored if its newest value is still the list's. What was changed since stays, and its row is shown. So is a
row whose report the rules do not let a list restore.

A list is undone in pages, each in one transaction. All entries belong to one request, like the rows of a list.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.db.engine import has_waiting_writers
from app.errors import Conflict, Problem
from app.imports.filing import import_store, receipts
from app.imports.reader.list_reader import format_row_label
from app.log.content import AGE, AGE_ON, DENIES, NATIONAL_ID, Content, restore_sent_content
from app.log.entries import LogEntry, load_entries
from app.models import OPEN, ImportRow, ListImport, RecalledEntry, Record, Report
from app.registry import reports, waiting_reports
from app.registry.filing import MAX_BATCH_SECONDS
from app.registry.list_rows import LIST_UNDONE_REASON, MAX_CONTENDED_BATCH_SECONDS
from app.registry.publication.classes import CLASS_FIELD, WISH_DAY_FIELD
from app.registry.records import RecordVersion, build_version
from app.registry.report_versions import compute_change, write_next_version
from app.registry.write import Outcome, WriteContext
from app.schemas.imports import UndoLeftRow, UndoOut, UndoReason
from app.vocabulary import ImportOutcome, Verdict

UNDO_KIND = "list_undo"
CHUNK_ENTRIES = 500
MAX_LEFT_ROWS = 500  # rows of a page that are shown
NOT_THROUGH_DETAIL = "This list is not through yet: wait until it is, then undo it."

VERDICT = "verification.verdict"
# The case number of a report never changes.
UNCHANGEABLE_FIELDS = frozenset({"source_record_id"})
# Fields that mean something only together: if one was changed since, none of them is restored.
LINKED_FIELDS = (
    frozenset({AGE, AGE_ON}),
    frozenset({CLASS_FIELD, WISH_DAY_FIELD}),
    frozenset({VERDICT, DENIES, "verification.method", "verification.citing", "verification.verified_on"}),
)
RELEASE_PREFIX = "release."


@dataclass(frozen=True, slots=True)
class Restoration:
    """What undoing a list does to one report.

    `content`: its own content afterwards, or None if it does not change. `changed_since`: the fields that the list
    changed, and that were changed again since."""

    content: Content | None
    changed_since: tuple[str, ...] = ()
    withdraws: bool = False


def plan_restoration(before: Content | None, written: Content, newest: Content) -> Restoration:
    """Compare three versions of a report: before the list (None: the list opened it), as written, and the newest."""
    if newest[VERDICT] == Verdict.RETRACTED and (before is None or written[VERDICT] != Verdict.RETRACTED):
        return Restoration(None)
    if before is None:
        changed = find_changes(written, newest)
        return Restoration(None, tuple(sorted(changed))) if changed else Restoration(newest, withdraws=True)
    changed = find_changes(before, written)
    changed_since = find_changes(written, newest) & find_changes(before, newest)
    retained = _add_linked_fields(changed & changed_since, before, newest)
    restored = {name for name in changed - retained if newest.get(name) == written.get(name)}
    content = {name: value for name, value in newest.items() if name not in restored}
    content |= {name: before[name] for name in restored if name in before}
    return Restoration(content if restored else None, tuple(sorted(retained & changed)))


def find_changes(first: Content, second: Content) -> set[str]:
    """Return the fields in which two versions differ."""
    names = (first.keys() | second.keys()) - UNCHANGEABLE_FIELDS
    return {name for name in names if first.get(name) != second.get(name)}


def _add_linked_fields(retained: set[str], before: Content, newest: Content) -> set[str]:
    """Return the fields that are retained, with those that mean something only together with them."""
    linked = set[str]().union(*(group for group in LINKED_FIELDS if group & retained))
    has_new_release = "release.stage" in newest and "release.stage" not in before
    if has_new_release and any(name.startswith(RELEASE_PREFIX) for name in retained):
        linked |= {name for name in newest if name.startswith(RELEASE_PREFIX)}
    return retained | linked


@dataclass(frozen=True, slots=True)
class ListedReport:
    """A report that a list filed, in three versions.

    `position`: the revision of the list's first entry about it. `newest`: None if all its versions were recalled."""

    record: Record
    position: int
    row: int | None
    before: RecordVersion | None
    written: RecordVersion
    newest: RecordVersion | None
    is_recalled: bool

    @property
    def is_left_alone(self) -> bool:
        """Whether nothing may be decided about it: it was erased, or an entry was recalled with a stolen key."""
        return self.record.redacted or self.is_recalled or self.newest is None

    @property
    def has_new_pointer(self) -> bool:
        """Whether the list pointed the report at somebody. A report cannot be pointed elsewhere."""
        return self.before is not None and self.before.pointer != self.written.pointer


def iterate_reports(session: Session, job: ListImport, after: int) -> Iterator[ListedReport]:
    """Yield the reports that a list filed, by the first entry about them, after the revision `after`."""
    first, last = job.first_revision, job.last_revision
    if first is None or last is None:
        return
    is_of_list = (col(Report.source) == job.source, col(Report.since) <= last, col(Report.stated) == col(Report.since))
    query = select(col(Report.since), col(Report.record)).where(*is_of_list).order_by(col(Report.since))
    after = max(after, first - 1)
    while True:
        rows = session.execute(query.where(col(Report.since) > after).limit(CHUNK_ENTRIES)).all()
        listed = _load_reports(session, job, {record for _since, record in rows})
        yield from (report for report in listed if after < report.position <= rows[-1][0])
        if len(rows) < CHUNK_ENTRIES:
            return
        after = rows[-1][0]


def _load_reports(session: Session, job: ListImport, keys: set[int]) -> list[ListedReport]:
    """Return those of these records about which a list has entries, by its first entry."""
    versions = select(Report).where(col(Report.record).in_(keys))
    is_of_list = col(Report.since).between(job.first_revision, job.last_revision) & (
        col(Report.stated) == col(Report.since)
    )
    filed = session.scalars(versions.where(is_of_list).order_by(col(Report.since))).all()
    current = {row.record: row for row in session.scalars(versions.where(col(Report.until) == OPEN))}
    entries = _load_entries(session, {row.stated for row in (*filed, *current.values())})
    by_record = defaultdict[int, list[LogEntry]](list)
    for row in filed:
        if entries[row.stated].body.get("request") == job.first_revision:
            by_record[row.record].append(entries[row.stated])
    earlier = {listed[0].body["supersedes"] for listed in by_record.values() if "supersedes" in listed[0].body}
    entries |= _load_entries(session, earlier - entries.keys())
    revisions = earlier.union(entry.revision for listed in by_record.values() for entry in listed)
    recalled = set(
        session.scalars(
            select(col(RecalledEntry.revision)).where(
                col(RecalledEntry.revision).in_(revisions), col(RecalledEntry.until) == OPEN
            )
        )
    )
    is_row = (col(ImportRow.list_import) == job.id, col(ImportRow.revision).in_(revisions))
    rows = dict(session.execute(select(col(ImportRow.revision), col(ImportRow.row)).where(*is_row)).all())
    stored = {r.key: r for r in session.scalars(select(Record).where(col(Record.key).in_(by_record)))}

    def build(key: int, listed: Sequence[LogEntry]) -> ListedReport:
        superseded, newest = listed[0].body.get("supersedes"), current.get(key)
        own = [entry.revision for entry in listed]
        return ListedReport(
            stored[key],
            own[0],
            next((rows[revision] for revision in reversed(own) if revision in rows), None),
            None if superseded is None else RecordVersion(entries[superseded].body["version"], entries[superseded]),
            RecordVersion(listed[-1].body["version"], listed[-1]),
            None if newest is None else build_version(newest, entries[newest.stated]),
            not recalled.isdisjoint({*own, superseded}),
        )

    return sorted((build(key, listed) for key, listed in by_record.items()), key=lambda report: report.position)


def _load_entries(session: Session, revisions: set[int]) -> dict[int, LogEntry]:
    return {entry.revision: entry for entry in load_entries(session, revisions)}


@dataclass
class _Page:
    """What was done so far with the reports of a page."""

    counts: Counter[str] = field(default_factory=Counter)
    left: list[dict[str, Any]] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)

    def leave(self, row: int | None, report: uuid.UUID | None, reason: UndoReason, fields: Sequence[str] = ()) -> None:
        report_id = None if report is None else str(report)
        fields = ["detainee.national_id" if name == NATIONAL_ID else name for name in fields]
        self.left.append({"row": row, "report": report_id, "reason": reason, "fields": fields})


def undo_list(context: WriteContext, import_id: uuid.UUID, *, dry_run: bool, after: int = 0) -> Outcome:
    """Undo a page of a list of the acting source, or with `dry_run` only return the effect.

    `after`: where the page before ended; 0 at the beginning. A trial filed nothing, so that nothing is undone.
    Raises NotFound, and Conflict for a list that is not through."""
    session, started_at = context.session, monotonic()
    job = import_store.load_own_import(session, import_id, context.actor.source)
    if job.state in import_store.OPEN_STATES:
        raise Conflict(NOT_THROUGH_DETAIL)
    if not dry_run:
        context.require_unfrozen()
    # The entries are one request, as those of a list are.
    context.is_list, context.request = True, import_store.load_undo_request(context.secret, job) if after else None
    page, next_position, engine = _Page(), None, session.connection().engine
    if not after:
        _show_waiting_rows(session, job, page)
    for report in iterate_reports(session, job, after):
        _undo_report(context, report, page, dry_run=dry_run)
        elapsed = monotonic() - started_at
        is_contended = elapsed > MAX_CONTENDED_BATCH_SECONDS and has_waiting_writers(engine)
        if elapsed > MAX_BATCH_SECONDS or is_contended or len(page.left) >= MAX_LEFT_ROWS:
            next_position = report.position
            break
    if not dry_run:
        request = context.request if context.log.revision >= (context.request or OPEN) else None
        import_store.store_undo_progress(session, context.secret, job, request if next_position else None, context.now)
    numbers = {name: page.counts[name] for name in ("restored", "withdrawn", "unchanged")}
    ids: dict[str, Any] = {
        "import": str(job.id),
        "dry_run": dry_run,
        **numbers,
        "left": page.left,
        "next_after": next_position,
    }
    ids["own_releases"] = receipts.build_own_changes(page.tally)
    return Outcome(UNDO_KIND, 200, context.log.revision, ids)


def _show_waiting_rows(session: Session, job: ListImport, page: _Page) -> None:
    """Show the rows whose reports wait under an embargo: their sender deletes them one by one."""
    is_waiting = (col(ImportRow.list_import) == job.id, col(ImportRow.outcome) == ImportOutcome.WAITING)
    for row in session.scalars(select(col(ImportRow.row)).where(*is_waiting).order_by(col(ImportRow.row))):
        page.leave(row, None, "waiting")


def _undo_report(context: WriteContext, report: ListedReport, page: _Page, *, dry_run: bool) -> None:
    newest, record = report.newest, report.record
    if newest is None or report.is_left_alone:
        page.counts["unchanged"] += 1
        return
    before = None if report.before is None else restore_sent_content(report.before.content)
    sent = restore_sent_content(newest.content)
    plan = plan_restoration(before, restore_sent_content(report.written.content), sent)
    if plan.changed_since:
        page.leave(report.row, record.id, "changed_since", plan.changed_since)
    if plan.content is None:
        page.counts["unchanged"] += 1
        return
    fields = () if plan.withdraws else tuple(sorted(find_changes(sent, plan.content)))
    if report.has_new_pointer and not plan.withdraws:
        page.counts["unchanged"] += 1
        page.leave(report.row, record.id, "by_hand", fields)
        return
    start_revision = context.log.revision
    try:
        waiting_reports.require_none_waiting(context, record)
    except Conflict:
        page.counts["unchanged"] += 1
        page.leave(report.row, record.id, "waiting", fields)
        return
    try:
        if plan.withdraws or report.before is None:
            content = reports.build_retraction(newest, LIST_UNDONE_REASON)
        else:
            content = reports.prepare_restoration(context, (record, newest), plan.content, report.before)
        if dry_run:
            is_changed = compute_change(context, record, newest, content, restores=True) is not None
        else:
            with context.session.begin_nested():
                outcome = write_next_version(context, record, newest, content, restores=True)
            is_changed = outcome.revision > start_revision
    except Problem:
        context.log.revision = start_revision
        context.pending_writes.discard()
        page.counts["unchanged"] += 1
        page.leave(report.row, record.id, "by_hand", fields)
        return
    page.counts[("withdrawn" if plan.withdraws else "restored") if is_changed else "unchanged"] += 1
    if is_changed:
        page.tally += receipts.count_own_changes(newest.content, content)


def render_undo(session: Session, secret: bytes, outcome: Outcome) -> UndoOut:
    """Return an undone page as its source reads it, with the names of the rows that are left."""
    ids = outcome.ids
    job = import_store.load_import(session, uuid.UUID(ids["import"]))
    sheet_names = receipts.load_sheet_names(secret, job)
    report_ids = [uuid.UUID(row["report"]) for row in ids["left"] if row["report"] is not None]
    current = receipts.load_current_values(session, report_ids, job.source)
    values = {str(report_id): personal for report_id, personal in current.items()}
    left: list[UndoLeftRow] = [
        {
            "row": row["row"],
            "label": None if row["row"] is None else format_row_label(row["row"], sheet_names),
            "name": values.get(row["report"], {}).get("detainee.full_name"),
            "source_record_id": values.get(row["report"], {}).get("source_record_id"),
            "report_id": None if row["report"] is None else uuid.UUID(row["report"]),
            "reason": row["reason"],
            "fields": row["fields"],
        }
        for row in ids["left"]
    ]
    return {
        "import": uuid.UUID(ids["import"]),
        "dry_run": ids["dry_run"],
        "restored": ids["restored"],
        "withdrawn": ids["withdrawn"],
        "unchanged": ids["unchanged"],
        "left": left,
        "own_releases": ids["own_releases"],
        "next_after": ids["next_after"],
        "revision": outcome.revision,
    }


def add_page(total: Mapping[str, Any] | None, page: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sum of the pages so far and one more page."""
    if total is None:
        return {**page}
    changes = {row["country"]: dict(row) for row in total["own_releases"]}
    for row in page["own_releases"]:
        sum_row = changes.setdefault(row["country"], {"country": row["country"], "verified": 0, "reported": 0})
        for verdict in receipts.OWN_VERDICTS:
            sum_row[verdict] += row[verdict]
    numbers = {name: total[name] + page[name] for name in ("restored", "withdrawn", "unchanged")}
    left = [*total["left"], *page["left"]]
    return {**page, **numbers, "left": left, "own_releases": [changes[country] for country in sorted(changes)]}
