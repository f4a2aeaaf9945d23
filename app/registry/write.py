"""Write entries: append an entry and apply it, in the caller's transaction. All writes use `WriteContext`.

A report that points at a known release or detention inherits the values found there when it is filed
(`add_inherited_values`). A source that verifies a release by its id confirms these values. Later reports of other
sources change the totals, but not that source's own count.
"""

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
from app.registry.directory_snapshot import DirectorySnapshot
from app.registry.publication.classes import CLASS_FIELD
from app.registry.publication.permissions import Reader
from app.registry.records import TargetKind
from app.registry.reprojection import ProjectedPerson, build_version_statement, is_person_count_only
from app.vocabulary import Designation, MatchOutcome, Publish, ReleaseKind

_INSERT_AUTHOR = insert(EntryAuthor)


@dataclass(frozen=True)
class Outcome:
    """The outcome of a write. It has ids only, so that it can be stored and rendered later under new permissions."""

    kind: str
    status: int
    revision: int
    ids: dict[str, Any] = field(default_factory=dict)
    match: MatchOutcome | None = None  # for a new report: what its key may know of the match


class Trial:
    """The state of a trial (a dry run of a list) across batches.

    In a real run, later rows find the records of earlier rows. A trial rolls each batch back, so it must remember them.
    `linked_people`: person → the people described by the rows that would be linked to it. `count_only_people`: people
    whom a linked row would close to `counted`."""

    def __init__(self) -> None:
        self.linked_people: dict[int, list[Person]] = {}
        self.count_only_people: set[int] = set()
        # Trial records get negative keys: keys of real records are revisions, and so above 0.
        self._last_number = -1_000_000_000

    def take_number(self) -> int:
        """Return a new number for a record that a real run would create."""
        self._last_number += 1
        return self._last_number

    def link(self, detainee: int, person: Person, *, is_count_only: bool) -> None:
        self.linked_people.setdefault(detainee, []).append(person)
        if is_count_only:
            self.count_only_people.add(detainee)


class MatchContext:
    """The context for matching a report: the session, the reporting actor, and the current sources.

    `is_list`: the reports are rows of a list, which the matcher never links to each other (rule 5). `trial`: the state
    of a trial, whose writes are rolled back."""

    def __init__(
        self,
        session: Session,
        actor: Reader,
        views: DirectorySnapshot,
        *,
        is_list: bool = False,
        trial: Trial | None = None,
    ) -> None:
        self.session = session
        self.actor = actor
        self.views = views
        self.is_list = is_list
        self.trial = trial


class WriteContext(MatchContext):
    """The context of a write transaction: a match context with the clock, the secret of keyed digests, and the log.

    `key_id`: the id of the writing key, or empty, as in a command. `sent_at`: when the key sent a report that waited
    under an embargo. `two_person`: the kinds of decisions that need two people. `zone`: the zone in which a date
    without a zone ends. `last_entry`: the last entry written, whose people are `projected_people`. `request`: the first
    revision that the request wrote; None before. A list, filed in several transactions, is one request.
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
        request: int | None = None,
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
        self.request = request
        self.two_person = frozenset(two_person)
        self.log = Log(session, now)
        if self.log.rules != RULES:
            require_rules(session, RULES)  # raises, or adopts the rules in an empty registry
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
        """Buffer a decision on a record that does not exist yet. It changes no person."""
        entry = self._append("identity", body, personal)
        self._projector.link_ahead(entry, self.pending_writes)
        return entry

    def write_unlinked(
        self, body: dict[str, Any], personal: dict[str, Any], waiting: Mapping[int, int]
    ) -> tuple[LogEntry, str]:
        """Buffer the first report of a person who is linked to no other record, with its rows.

        Nothing of it can be read before `pending_writes` are flushed. `waiting`: decision → the person who may be the
        same. Returns the entry and the person's class of publication."""
        self.last_entry = entry = self._append("report", body, personal)
        return entry, self._projector.apply_unlinked(entry, waiting, self.pending_writes)

    @property
    def projected_people(self) -> Mapping[int, ProjectedPerson]:
        """Record → its person, for the people reprojected by the last entry."""
        return self._projector.projected_people

    def _append(self, kind: str, body: dict[str, Any], personal: dict[str, Any] | None) -> LogEntry:
        """Append an entry to `pending_writes`, with the key that wrote it, if any.

        The rows of a list name its first entry: reports of one request have the same age (rule 3)."""
        if self.is_list:
            self.request = self.request or self.log.revision + 1
            body = {**body, "request": self.request} if kind == "report" else body
        entry = self.log.append(kind, body, personal, self.pending_writes)
        if self.key_id:
            author = {"revision": entry.revision, "key_id": self.key_id, "sent_at": self.sent_at}
            self.pending_writes.add(_INSERT_AUTHOR, [author])
        return entry


def new_id() -> uuid.UUID:
    """Return a random id, which reveals nothing about what it identifies."""
    return uuid.uuid4()


# The inherited facts of a detention.
DETENTION_FIELDS = ("detained_on", "held_on", "country", "designation")

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
    )
)


def resolve_seen_revision(context: WriteContext, base: Record, seen_revision: int | None) -> int:
    """Return the revision at which a client read a release, by default the newest.

    Raises AheadOfHead for a revision after the head, and Invalid for one before the first report of the release."""
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
    """Return the content with the target's values at `seen_revision` (by default the newest) as inherited values.

    They replace those inherited before. A report that requests a count-only person inherits none: the log would show
    them. A report that points at a person inherits no new ones: the person may have several releases. `is_same_target`:
    the report pointed there before. If its person is count-only now, the values inherited before stay."""
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
    """Return the values of the spell of `base`, by its independent reports if there are any.

    Only the revision is returned for count-only people. `own_record`: the record of the pointing report, which is
    ignored."""
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
    """Return the statements of the spell of `base` at a revision.

    Without statements recalled since, and without those on people who are count-only today: two people may have been
    one then."""
    return [
        build_version_statement(
            record, parse_entry_row(entry, disclosures), context.views, pointer=None, is_erased=False
        )
        for record, entry, disclosures in context.session.execute(
            _SELECT_SPELL_STATEMENTS, {"base": base.key, "revision": revision}
        )
        if not is_person_count_only(context.session, context.views, record)
    ]


def _consolidate_values(statements: list[Statement]) -> Content:
    custody = read_custody(statements)
    facts = custody.facts | custody.release_facts
    values = {name: get_fact_value(facts, name) for name in (*DETENTION_FIELDS, *STAGE_DATE_FIELDS.values())}
    values["kind"] = custody.release.kind if custody.release else None
    values["facility"] = get_fact_value(collect_spell_facts(custody), "facility")
    return {
        name: value
        for name, value in values.items()
        if value not in (None, ReleaseKind.UNSPECIFIED, Designation.UNSTATED)
    }
