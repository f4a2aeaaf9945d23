"""The values kept with a report: what stood, at its filing, where it points. Its source's own count rests on them.

A source that verifies a release by its id confirms what stood there. What other sources report or withdraw later
changes the totals, and not that source's count.
"""

from typing import Any

from sqlalchemy import BindParameter, bindparam, exists, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.errors import AheadOfHead, Invalid
from app.log.entries import read
from app.models import OPEN, Entry, Placement, RecalledEntry, Record, Report, Sealed
from app.registry.content import KEPT, Content, without_kept
from app.registry.projection.consolidate import value_of
from app.registry.projection.custody import read_custody
from app.registry.projection.person import spell_facts
from app.registry.projection.statements import DATE_OF_STAGE, Statement
from app.registry.publication_class import CLASS
from app.registry.records import Kind
from app.registry.reprojection import is_counted, statement_of
from app.registry.write import WriteContext
from app.vocabulary import Designation, Publish, ReleaseKind

# The kept facts of a detention.
OF_DETENTION = ("detained_on", "held_on", "country", "designation")

# Made once: building a statement costs more than running it.
_BASE = aliased(Placement)
_AT: BindParameter[Any] = bindparam("at")
_RECALLED = exists().where(col(RecalledEntry.revision) == col(Report.stated), col(RecalledEntry.until) == OPEN)
_STOOD = (
    select(Record, Entry, col(Sealed.disclosures))
    .join(Placement, col(Placement.record) == col(Record.key))
    .join(_BASE, col(_BASE.spell) == col(Placement.spell))
    .join(Report, col(Report.record) == col(Record.key))
    .join(Entry, col(Entry.revision) == col(Report.stated))
    .outerjoin(Sealed, col(Sealed.revision) == col(Report.stated))
    .where(
        col(_BASE.record) == bindparam("base"),
        *(col(table.since) <= _AT for table in (_BASE, Placement, Report)),
        *(col(table.until) > _AT for table in (_BASE, Placement, Report)),
        col(Record.redacted).is_(False),
        ~_RECALLED,
    )
)


def seen_at(context: WriteContext, base: Record, seen: int | None) -> int:
    """The revision that a client had `seen`, by default the newest. Raises AheadOfHead for a revision after the head,
    and Invalid for one before the first report of the release."""
    head = context.log.revision
    if seen is None:
        return head
    if seen > head:
        detail = f"The registry is at revision {head}: send the `revision` of the answer in which you read the release."
        raise AheadOfHead.at("/seen", "ahead_of_head", detail)
    if seen < base.key:
        detail = (
            "The release was not there yet: send the `revision` of the answer in which you read it, or leave it out."
        )
        raise Invalid.at("/seen", "not_there_yet", detail)
    return seen


def with_standing(
    context: WriteContext,
    report: Content,
    target: tuple[Record, Kind] | None,
    own: Record | None,
    seen: int | None,
    *,
    again: bool,
) -> Content:
    """The content with the values that stood at the target at the revision `seen` (by default the newest) in place of
    the values kept before. A report that asks for its person to be only counted keeps none: the log would show them. A
    report that points at a person keeps no new ones: the person may have several releases. `again`: the report pointed
    there before; where the person may only be counted by now, the values kept then stay."""
    if target is None or target[1] == "detainee":
        return report
    bare = without_kept(report)
    if report.get(CLASS) == Publish.COUNTED:
        return bare
    if again and is_counted(context.session, context.views, target[0]):
        return report
    return {**bare, **_standing_at(context, target[0], own, seen or context.log.revision)}


def _standing_at(context: WriteContext, base: Record, own: Record | None, revision: int) -> Content:
    """The values of the spell of `base`, under `kept.`, by its independent reports where there are any; none of people
    who may only be counted. `own`: the record of the pointing report, which does not count for itself."""
    kept: Content = {f"{KEPT}seen": revision}
    if is_counted(context.session, context.views, base):
        return kept
    others = [
        statement for statement in _statements(context, base, revision) if own is None or statement.record != own.key
    ]
    standing = [statement for statement in others if not statement.retracted]
    among = [statement for statement in standing if statement.independent] or standing
    return kept | ({f"{KEPT}{name}": value for name, value in _values(among).items()} if among else {})


def _statements(context: WriteContext, base: Record, revision: int) -> list[Statement]:
    """The statements of the spell of `base` as it stood at a revision, without what was recalled since, and without
    statements on people who today may only be counted: two people may have stood as one then."""
    return [
        statement_of(record, read(entry, disclosures), context.views, pointer=None, erased=False)
        for record, entry, disclosures in context.session.execute(_STOOD, {"base": base.key, "at": revision})
        if not is_counted(context.session, context.views, record)
    ]


def _values(statements: list[Statement]) -> Content:
    custody = read_custody(statements)
    facts = custody.facts | (custody.release.facts if custody.release else {})
    values = {name: value_of(facts, name) for name in (*OF_DETENTION, *DATE_OF_STAGE.values())}
    values["kind"] = custody.release.kind if custody.release else None
    values["facility"] = value_of(spell_facts(custody), "facility")
    return {
        name: value
        for name, value in values.items()
        if value not in (None, ReleaseKind.UNSPECIFIED, Designation.UNSTATED)
    }
