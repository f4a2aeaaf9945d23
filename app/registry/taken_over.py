"""Copy the values that the registry shows into a report that points at a known release or detention (rule 9).

The source sees them in its report, marked as taken over, and can change them. Later reports of other sources change the
totals, but not that source's own count.
"""

from typing import Any

from sqlalchemy import BindParameter, bindparam, exists, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.errors import Conflict
from app.log.content import TAKEN_OVER_FIELDS, UNSTATED_VALUES, Content, remove_taken_over, select_taken_over, take_over
from app.log.entries import parse_entry_row
from app.models import OPEN, Entry, Placement, RecalledEntry, Record, Report, Sealed
from app.projection.consolidate import get_fact_value
from app.projection.custody import read_custody
from app.projection.person import collect_spell_facts
from app.projection.statements import drop_retracted
from app.registry.directory_snapshot import DirectorySnapshot
from app.registry.publication.classes import CLASS_FIELD
from app.registry.records import TargetKind
from app.registry.reprojection import build_version_statement
from app.registry.write import WriteContext
from app.translations import Message
from app.vocabulary import Publish, Review

# Built once: building a statement costs more than running it.
_BASE_PLACEMENT = aliased(Placement)
_REVISION_PARAMETER: BindParameter[Any] = bindparam("revision")
_IS_RECALLED = exists().where(col(RecalledEntry.revision) == col(Report.stated), col(RecalledEntry.until) == OPEN)
_SELECT_SPELL_STATEMENTS = (
    select(Record, Entry, col(Sealed.disclosures))
    .join(Placement, col(Placement.record) == col(Record.key))
    .join(_BASE_PLACEMENT, col(_BASE_PLACEMENT.spell) == col(Placement.spell))
    .join(Report, col(Report.record) == col(Record.key))
    .join(Entry, col(Entry.revision) == col(Report.stated))
    .outerjoin(Sealed, col(Sealed.revision) == col(Report.stated))
    .where(
        col(_BASE_PLACEMENT.record) == bindparam("base"),
        *(col(table.since) <= _REVISION_PARAMETER for table in (_BASE_PLACEMENT, Placement, Report)),
        *(col(table.until) > _REVISION_PARAMETER for table in (_BASE_PLACEMENT, Placement, Report)),
        col(Record.redacted).is_(False),
        ~_IS_RECALLED,
        or_(col(Report.review).is_(None), col(Report.review) == Review.UNREVIEWED),
    )
)


def take_over_shown_values(
    context: WriteContext,
    report: Content,
    target: tuple[Record, TargetKind],
    own_record: Record | None,
    seen_revision: int | None,
    *,
    is_same_target: bool,
) -> Content:
    """Return the report with the values shown where it points, in place of those taken over before.

    A report that requests a count-only person takes over none: the log would show them. Neither does one that points at
    a person, who may have several releases. `own_record`: the record of the report. `seen_revision`: where the client
    read the values. `is_same_target`: the report pointed there before. If its person is count-only now, the values
    taken over before stay. Raises Conflict if a value to be copied has changed since `seen_revision`.
    """
    base, kind = target
    if kind == "detainee":
        return report
    own = remove_taken_over(report)
    if own.get(CLASS_FIELD) == Publish.COUNTED:
        return own
    if base.publish_now == Publish.COUNTED:
        return report if is_same_target else own
    session, views, head = context.session, context.views, context.log.revision
    own_key = None if own_record is None else own_record.key
    updated = take_over(own, _load_shown_values(session, views, base.key, own_key, head), head)
    taken = select_taken_over(updated)
    if seen_revision is not None and seen_revision < head:
        shown = _load_shown_values(session, views, base.key, own_key, seen_revision)
        seen = select_taken_over(take_over(own, shown, seen_revision))
        changed = sorted(name for name in seen.keys() | taken.keys() if seen.get(name) != taken.get(name))
        if changed:
            raise Conflict(
                Message(
                    "Changed since revision {seen_revision}: {changed}. Read the release again, then repeat "
                    "with its `revision` as `seen`, or send your own values.",
                    seen_revision=seen_revision,
                    changed=", ".join(changed),
                )
            )
    return report if taken == select_taken_over(report) else updated


def find_changed_values(session: Session, record: Record, report: Content, revision: int) -> list[str]:
    """Return the fields that a report took over and of which the registry shows another value at a revision."""
    if record.publish_now == Publish.COUNTED:
        return []
    shown = _load_shown_values(session, DirectorySnapshot.for_session(session), record.key, record.key, revision)
    return sorted(name for name, value in select_taken_over(report).items() if shown.get(name) != value)


def _load_shown_values(
    session: Session, views: DirectorySnapshot, base: int, own_record: int | None, revision: int
) -> Content:
    """Return the values of the detention of record `base` at a revision: field → value.

    They are those of its first-hand reports by organisations, if there are any. Reports recalled since are ignored, and
    so are those on people who are count-only today, or hidden by an objection: two people may have been one then. So is
    `own_record`."""
    statements = [
        build_version_statement(record, parse_entry_row(entry, disclosures), views, pointer=None, is_erased=False)
        for record, entry, disclosures in session.execute(
            _SELECT_SPELL_STATEMENTS, {"base": base, "revision": revision}
        )
        if record.key != own_record and record.publish_now != Publish.COUNTED
    ]
    current_statements = drop_retracted(statements)
    deciding = [statement for statement in current_statements if statement.independent] or current_statements
    if not deciding:
        return {}
    custody = read_custody(deciding)
    facts = custody.facts | custody.release_facts | collect_spell_facts(custody)
    values = {name: get_fact_value(facts, name.partition(".")[2]) for name in TAKEN_OVER_FIELDS}
    return {name: value for name, value in values.items() if value not in UNSTATED_VALUES}
