"""What stands where a report points: kept with that report, so that its source's own count rests on what it saw.

A source that verifies a release by its id says yes to what stood there. Whatever others say later, or take back, moves
the totals and not the count of that source.
"""

from sqlalchemy import select
from sqlmodel import Session, col

from app.errors import AheadOfHead, Invalid
from app.models import Placement, Record
from app.registry import records
from app.registry.components import account_of
from app.registry.consent import CLASS
from app.registry.content import KEPT, Content, without_kept
from app.registry.projection.accounts import DATE_OF_STAGE, Account
from app.registry.projection.consolidate import value_of
from app.registry.projection.custody import read_custody
from app.registry.projection.person import spell_facts
from app.registry.records import Kind
from app.registry.views import Views
from app.registry.write import Desk
from app.vocabulary import Designation, Publish, ReleaseKind

# Facts of a detention that a source's own count reads.
OF_DETENTION = ("detained_on", "held_on", "country", "designation")


def seen_at(desk: Desk, base: Record, seen: int | None) -> int:
    """The revision that a client had seen, by default the newest. Raises Invalid for one that has not come, and for one
    at which the report pointed at was not there."""
    head = desk.log.revision
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
    desk: Desk, said: Content, target: tuple[Record, Kind] | None, own: Record | None, seen: int | None
) -> Content:
    """What was said, with what stands where it points instead of what was kept of another spell or revision. A report
    that asks for its person to be counted only keeps nothing: anybody could read it in the log."""
    if target is None or target[1] == "detainee":
        return said
    bare = without_kept(said)
    if said.get(CLASS) == Publish.COUNTED:
        return bare
    return {**bare, **_standing_at(desk, target[0], own, seen or desk.log.revision)}


def _standing_at(desk: Desk, base: Record, own: Record | None, revision: int) -> Content:
    """What stood of the spell that holds `base`, under `kept.`: by its independent accounts where there are any.
    Nothing is kept of people who may only be counted. `own`: the pointing source's record, no witness of itself."""
    kept: Content = {f"{KEPT}seen": revision}
    if base.publish_now == Publish.COUNTED:
        return kept
    accounts = [
        account for account in _accounts(desk.session, base, revision) if own is None or account.record != own.key
    ]
    standing = [account for account in accounts if not account.retracted]
    among = [account for account in standing if account.independent] or standing
    return kept | ({f"{KEPT}{name}": value for name, value in _values(among).items()} if among else {})


def _accounts(session: Session, base: Record, revision: int) -> list[Account]:
    place = records.placement(session, base.key, revision)
    if place is None:
        return []
    held = session.scalars(
        select(Record)
        .join(Placement, col(Placement.record) == col(Record.key))
        .where(col(Placement.spell) == place.spell, col(Placement.since) <= revision, col(Placement.until) > revision)
    ).all()
    views, found = Views.of(session), []
    for record in held:
        version = records.current(session, record, revision)
        hidden = record.redacted or record.publish_now == Publish.COUNTED  # parted from this person since
        if version is not None and not hidden:
            found.append(account_of(record, version.entry, views, pointer=None, erased=False))
    return found


def _values(accounts: list[Account]) -> Content:
    custody = read_custody(accounts)
    facts = custody.facts | (custody.outcome.facts if custody.outcome else {})
    said = {name: value_of(facts, name) for name in (*OF_DETENTION, *DATE_OF_STAGE.values())}
    said["kind"] = custody.outcome.kind if custody.outcome else None
    said["facility"] = value_of(spell_facts(custody), "facility")
    return {
        name: value
        for name, value in said.items()
        if value not in (None, ReleaseKind.UNSPECIFIED, Designation.UNSTATED)
    }
