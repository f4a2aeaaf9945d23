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
from app.log.content import INHERITED_PREFIX, Content, remove_inherited_values
from app.log.entries import Log, LogEntry, parse_entry_row, require_clock_past_head
from app.log.head import require_rules
from app.matching.score import Person
from app.models import OPEN, Entry, EntryAuthor, Placement, RecalledEntry, Record, Report, Sealed
from app.projection import RULES
from app.projection.consolidate import get_fact_value
from app.projection.custody import read_custody
from app.projection.person import collect_spell_facts
from app.projection.statements import STAGE_DATE_FIELDS, Statement
from app.registry.apply import Projector
from app.registry.directory_snapshot import Views
from app.registry.publication.classes import CLASS_FIELD
from app.registry.publication.permissions import Reader
from app.registry.records import TargetKind
from app.registry.reprojection import ProjectedPerson, build_version_statement, is_person_count_only
from app.vocabulary import Designation, MatchOutcome, Publish, ReleaseKind

# The first number of a trial's records: far below the keys of standing records, which are revisions and so above 0.
FIRST_TRIAL_NUMBER = -1_000_000_000
_INSERT_WRITER = insert(EntryAuthor)


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
    are undone batch by batch. `linked_people`: person → the people described by the rows that would be linked to it."""

    def __init__(self) -> None:
        self.linked_people: dict[int, list[Person]] = {}
        self.count_only_people: set[int] = set()  # people whom a linked row would close to `count_only_people`
        self._last_number = FIRST_TRIAL_NUMBER

    def take_number(self) -> int:
        """A new number for a record that a real run would make."""
        self._last_number += 1
        return self._last_number

    def link(self, detainee: int, person: Person, *, is_count_only: bool) -> None:
        self.linked_people.setdefault(detainee, []).append(person)
        if is_count_only:
            self.count_only_people.add(detainee)


class MatchContext:
    """What finding the people of a report needs: the session, the actor that reports, and the standing sources.

    `is_list`: the reports are rows of a list, which the matcher never links to each other (rule 5). `trial`: all writes
    will be undone, and what earlier rows of the trial would have left behind stands there."""

    def __init__(
        self, session: Session, actor: Reader, views: Views, *, is_list: bool = False, trial: Trial | None = None
    ) -> None:
        self.session = session
        self.actor = actor
        self.views = views
        self.is_list = is_list
        self.trial = trial


class WriteContext(MatchContext):
    """What a write needs: beside that the clock, the secret of keyed digests, and the log.

    `key_id`: of the key that writes; empty where none does, as in a command. `sent_at`: when that key sent it, if it
    waited since. `two_person`: the kinds of decision that
    take two people, told apart by the holders of their keys.
    `zone`: in which a day without a zone ends. `listing`: the writes are rows of a list, which the matcher never links
    to each other (rule 5). `trial`: all writes will be undone, and what earlier rows of the trial would have left
    behind stands there. `last_entry`: the last entry written by it, whose people are `projected_people`.
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
        is_list: bool = False,
        trial: Trial | None = None,
        sent_at: datetime | None = None,
    ) -> None:
        self._projector = Projector(session)
        super().__init__(session, actor, self._projector.views, is_list=is_list, trial=trial)
        self.now = now
        self.secret = secret
        self.zone = zone
        self.pending_writes = WriteBuffer(session.connection())
        self.last_entry: LogEntry | None = None
        self.key_id = key_id
        self.sent_at = sent_at
        self.two_person = frozenset(two_person)
        self.log = Log(session, now)
        if self.log.rules != RULES:
            require_rules(session, RULES)  # rows of two rules must never stand side by side
        if now < self.log.recorded_at:
            require_clock_past_head(session, now)

    def write_entry(self, kind: str, body: dict[str, Any], personal: dict[str, Any] | None = None) -> LogEntry:
        """Append one entry and apply it."""
        entry = self._append(kind, body, personal)
        self.pending_writes.flush()
        self._projector.apply_entry(entry)
        self.last_entry = entry
        return entry

    def buffer_decision(self, body: dict[str, Any], personal: dict[str, Any]) -> LogEntry:
        """Append a decision on a record to come, which touches nobody, to `pending_writes`."""
        entry = self._append("identity", body, personal)
        self._projector.link_ahead(entry, self.pending_writes)
        return entry

    def write_unlinked(
        self, body: dict[str, Any], personal: dict[str, Any], waiting: Mapping[int, int]
    ) -> tuple[LogEntry, str]:
        """Append the first report of a person whom no decision ties to anybody, with its rows, to `pending_writes`: no
        row of it can be read before these are flushed. `waiting`: decision → the person who may be the same. Returns
        the entry and the person's class of publication."""
        self.last_entry = entry = self._append("report", body, personal)
        return entry, self._projector.apply_unlinked(entry, waiting, self.pending_writes)

    @property
    def projected_people(self) -> Mapping[int, ProjectedPerson]:
        """Record → its person, of the people whom the last entry touched."""
        return self._projector.projected_people

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
DETENTION_FIELDS = ("detained_on", "held_on", "country", "designation")

# Made once: building a statement costs more than running it.
_BASE_PLACEMENT = aliased(Placement)
_REVISION_PARAMETER: BindParameter[Any] = bindparam("at")
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
    )
)


def resolve_seen_revision(context: WriteContext, base: Record, seen_revision: int | None) -> int:
    """The revision that a client had `seen_revision`, by default the newest. Raises AheadOfHead for a revision after the head,
    and Invalid for one before the first report of the release."""
    head = context.log.revision
    if seen_revision is None:
        return head
    if seen_revision > head:
        detail = f"The registry is at revision {head}: send the `revision` of the answer in which you read the release."
        raise AheadOfHead.at_pointer("/seen", "ahead_of_head", detail)
    if seen_revision < base.key:
        detail = (
            "The release was not there yet: send the `revision` of the answer in which you read it, or leave it out."
        )
        raise Invalid.at_pointer("/seen", "not_there_yet", detail)
    return seen_revision


def add_inherited_values(
    context: WriteContext,
    report: Content,
    target: tuple[Record, TargetKind] | None,
    own_record: Record | None,
    seen_revision: int | None,
    *,
    is_same_target: bool,
) -> Content:
    """The content with the values that stood at the target at the revision `seen_revision` (by default the newest) in place of
    the values kept before. A report that asks for its person to be only counted keeps none: the log would show them. A
    report that points at a person keeps no new ones: the person may have several releases. `is_same_target`: the report pointed
    there before; where the person may only be counted by now, the values kept then stay."""
    if target is None or target[1] == "detainee":
        return report
    bare_report = remove_inherited_values(report)
    if report.get(CLASS_FIELD) == Publish.COUNTED:
        return bare_report
    if is_same_target and is_person_count_only(context.session, context.views, target[0]):
        return report
    return {
        **bare_report,
        **_build_inherited_values(context, target[0], own_record, seen_revision or context.log.revision),
    }


def _build_inherited_values(context: WriteContext, base: Record, own_record: Record | None, revision: int) -> Content:
    """The values of the spell of `base`, under `kept.`, by its independent reports where there are any; none of people
    who may only be counted. `own_record`: the record of the pointing report, which does not count for itself."""
    inherited_values: Content = {f"{INHERITED_PREFIX}seen": revision}
    if is_person_count_only(context.session, context.views, base):
        return inherited_values
    other_statements = [
        statement
        for statement in _load_statements(context, base, revision)
        if own_record is None or statement.record != own_record.key
    ]
    active_statements = [statement for statement in other_statements if not statement.is_retracted]
    counted_statements = [statement for statement in active_statements if statement.independent] or active_statements
    return inherited_values | (
        {f"{INHERITED_PREFIX}{name}": value for name, value in _consolidate_values(counted_statements).items()}
        if counted_statements
        else {}
    )


def _load_statements(context: WriteContext, base: Record, revision: int) -> list[Statement]:
    """The statements of the spell of `base` as it stood at a revision, without what was recalled since, and without
    statements on people who today may only be counted: two people may have stood as one then."""
    return [
        build_version_statement(
            record, parse_entry_row(entry, disclosures), context.views, pointer=None, is_erased=False
        )
        for record, entry, disclosures in context.session.execute(
            _SELECT_SPELL_STATEMENTS, {"base": base.key, "at": revision}
        )
        if not is_person_count_only(context.session, context.views, record)
    ]


def _consolidate_values(statements: list[Statement]) -> Content:
    custody = read_custody(statements)
    facts = custody.facts | (custody.release.facts if custody.release else {})
    values = {name: get_fact_value(facts, name) for name in (*DETENTION_FIELDS, *STAGE_DATE_FIELDS.values())}
    values["kind"] = custody.release.kind if custody.release else None
    values["facility"] = get_fact_value(collect_spell_facts(custody), "facility")
    return {
        name: value
        for name, value in values.items()
        if value not in (None, ReleaseKind.UNSPECIFIED, Designation.UNSTATED)
    }
