"""The one write path: append an entry, apply it, inside the caller's transaction.

The values kept with a report: what stood, at its filing, where it points. Its source's own count rests on them.

A source that verifies a release by its id confirms what stood there. What other sources report or withdraw later
changes the totals, and not that source's count."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from sqlalchemy import BindParameter, bindparam, exists, insert, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.config import TwoPerson
from app.db.write_buffer import WriteBuffer
from app.errors import AheadOfHead, Invalid
from app.log.content import KEPT, Content, without_kept
from app.log.entries import Log, LogEntry, read, require_clock
from app.log.head import require_rules
from app.matching.score import Person
from app.models import OPEN, Entry, Placement, RecalledEntry, Record, Report, Sealed, WrittenBy
from app.projection import RULES
from app.projection.consolidate import value_of
from app.projection.custody import read_custody
from app.projection.person import spell_facts
from app.projection.statements import DATE_OF_STAGE, Statement
from app.registry.apply import Projector
from app.registry.directory_snapshot import Views
from app.registry.publication.classes import CLASS
from app.registry.publication.permissions import Reader
from app.registry.records import Kind
from app.registry.reprojection import ProjectedPerson, is_counted, statement_of
from app.vocabulary import Designation, MatchOutcome, Publish, ReleaseKind

# The first number of a trial's records: far below the keys of standing records, which are revisions and so above 0.
FIRST_TRIED = -1_000_000_000
_INSERT_WRITER = insert(WrittenBy)


@dataclass(frozen=True)
class Outcome:
    """The outcome of a write: ids only, so that it can be stored, and rendered again under today's permissions."""

    kind: str
    status: int
    revision: int
    ids: dict[str, Any] = field(default_factory=dict)
    match: MatchOutcome | None = None  # of a new report, as far as its key may know


class Trial:
    """The memory of a trial (a dry run of a list). In a real run later rows meet the rows before them; in a trial these
    are undone batch by batch. `tied`: person → the people described by the rows that would be linked to it."""

    def __init__(self) -> None:
        self.tied: dict[int, list[Person]] = {}
        self.counted: set[int] = set()  # people whom a linked row would close to `counted`
        self._next = FIRST_TRIED

    def number(self) -> int:
        """A new number for a record that a real run would make."""
        self._next += 1
        return self._next

    def tie(self, detainee: int, person: Person, *, counted: bool) -> None:
        self.tied.setdefault(detainee, []).append(person)
        if counted:
            self.counted.add(detainee)


class MatchContext:
    """What finding the people of a report needs: the session, the actor that reports, and the standing sources.

    `listing`: the reports are rows of a list, which the matcher never links to each other (rule 5). `trial`: all writes
    will be undone, and what earlier rows of the trial would have left behind stands there."""

    def __init__(
        self, session: Session, actor: Reader, views: Views, *, listing: bool = False, trial: Trial | None = None
    ) -> None:
        self.session = session
        self.actor = actor
        self.views = views
        self.listing = listing
        self.trial = trial


class WriteContext(MatchContext):
    """What a write needs: beside that the clock, the secret of keyed digests, and the log.

    `key_id`: of the key that writes; empty where none does, as in a command. `sent_at`: when that key sent it, if it
    waited since. `two_person`: the kinds of decision that
    take two people, told apart by the holders of their keys.
    `zone`: in which a day without a zone ends. `listing`: the writes are rows of a list, which the matcher never links
    to each other (rule 5). `trial`: all writes will be undone, and what earlier rows of the trial would have left
    behind stands there. `last`: the last entry written by it, whose people are `projected`.
    """

    def __init__(
        self,
        session: Session,
        actor: Reader,
        now: datetime,
        secret: bytes,
        key_id: str = "",
        two_person: Collection[TwoPerson] = (),
        *,
        zone: tzinfo = UTC,
        listing: bool = False,
        trial: Trial | None = None,
        sent_at: datetime | None = None,
    ) -> None:
        self._projector = Projector(session)
        super().__init__(session, actor, self._projector.views, listing=listing, trial=trial)
        self.now = now
        self.secret = secret
        self.zone = zone
        self.pending_writes = WriteBuffer(session.connection())
        self.last: LogEntry | None = None
        self.key_id = key_id
        self.sent_at = sent_at
        self.two_person = frozenset(two_person)
        self.log = Log(session, now)
        if self.log.rules != RULES:
            require_rules(session, RULES)  # rows of two rules must never stand side by side
        if now < self.log.recorded_at:
            require_clock(session, now)

    def write(self, kind: str, body: dict[str, Any], personal: dict[str, Any] | None = None) -> LogEntry:
        """Append one entry and apply it."""
        entry = self._append(kind, body, personal)
        self.pending_writes.flush()
        self._projector.apply(entry)
        self.last = entry
        return entry

    def write_ahead(self, body: dict[str, Any], personal: dict[str, Any]) -> LogEntry:
        """Append a decision on a record to come, which touches nobody, to `pending_writes`."""
        entry = self._append("identity", body, personal)
        self._projector.tie_ahead(entry, self.pending_writes)
        return entry

    def write_alone(
        self, body: dict[str, Any], personal: dict[str, Any], waiting: Mapping[int, int]
    ) -> tuple[LogEntry, str]:
        """Append the first report of a person whom no decision ties to anybody, with its rows, to `pending_writes`: no
        row of it can be read before these are flushed. `waiting`: decision → the person who may be the same. Returns
        the entry and the person's class of publication."""
        self.last = entry = self._append("report", body, personal)
        return entry, self._projector.apply_alone(entry, waiting, self.pending_writes)

    @property
    def projected(self) -> Mapping[int, ProjectedPerson]:
        """Record → its person, of the people whom the last entry touched."""
        return self._projector.projected

    def _append(self, kind: str, body: dict[str, Any], personal: dict[str, Any] | None) -> LogEntry:
        """Append an entry to `pending_writes`, with the key that wrote it, if one did."""
        entry = self.log.append(kind, body, personal, self.pending_writes)
        if self.key_id:
            writer = {"revision": entry.revision, "key_id": self.key_id, "sent_at": self.sent_at}
            self.pending_writes.add(_INSERT_WRITER, [writer])
        return entry


def new_id() -> uuid.UUID:
    """A random id, which tells nothing about its thing."""
    return uuid.uuid4()


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
