"""Write entries: append an entry and apply it, in the caller's transaction. All writes use `WriteContext`."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from sqlalchemy import insert, select
from sqlmodel import Session, col

from app.db.write_buffer import WriteBuffer
from app.log.entries import Log, LogEntry, require_clock_past_head
from app.log.head import require_rows_version
from app.models import EntryAuthor, Proposal
from app.models.log import ProposalKind
from app.projection import ROWS_VERSION
from app.registry.apply import Projector
from app.registry.directory_snapshot import DirectorySnapshot
from app.registry.publication.permissions import Reader
from app.registry.reprojection import ProjectedPerson
from app.registry.review.limits import UnreviewedReports
from app.vocabulary import MatchOutcome

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
    `linked_people`: the people to whom a row would be linked."""

    def __init__(self) -> None:
        self.linked_people: set[int] = set()
        self.unreviewed: UnreviewedReports | None = None
        # Trial records get negative keys: keys of real records are revisions, and so above 0.
        self._last_number = -1_000_000_000

    def take_number(self) -> int:
        """Return a new number for a record that a real run would create."""
        self._last_number += 1
        return self._last_number


class MatchContext:
    """The context for matching a report: the session, the reporting actor, and the current sources.

    `is_list`: the reports are rows of a list, which the matcher never links to each other. `trial`: the state
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
    under an embargo. `is_agreed`: the decision waited, and a second person agreed or a day went by. `zone`: the zone in
    which a date without a zone ends. `last_entry`: the last entry written, whose people are `projected_people`.
    `request`: the first revision that the request wrote; None before. A list, filed in several transactions, is one
    request.
    """

    def __init__(
        self,
        session: Session,
        actor: Reader,
        now: datetime,
        secret: bytes,
        key_id: str = "",
        *,
        is_agreed: bool = False,
        zone: tzinfo = UTC,
        is_list: bool = False,
        trial: Trial | None = None,
        sent_at: datetime | None = None,
        request: int | None = None,
    ) -> None:
        self._projector = Projector(session)
        self._unreviewed: UnreviewedReports | None = None
        super().__init__(session, actor, self._projector.views, is_list=is_list, trial=trial)
        self.now = now
        self.secret = secret
        self.zone = zone
        self.pending_writes = WriteBuffer(session.connection())
        self.last_entry: LogEntry | None = None
        self.key_id = key_id
        self.sent_at = sent_at
        self.request = request
        self.is_agreed = is_agreed
        self.log = Log(session, now)
        if self.log.rows_version != ROWS_VERSION:
            require_rows_version(session, ROWS_VERSION)  # raises, or adopts the version in an empty registry
        if now < self.log.recorded_at:
            require_clock_past_head(session, now)

    def require_unfrozen(self) -> None:
        """Raise Frozen while the registry is frozen."""
        if self.log.freeze is not None:
            raise self.log.freeze.build_refusal(self.now)

    def write_entry(
        self, kind: str, body: dict[str, Any], personal: dict[str, Any] | None = None, *, closes: bool = False
    ) -> LogEntry:
        """Append one entry and apply it. What it would open waits as a proposal.

        `closes`: it hides, erases or revokes. All other entries are refused while the registry is frozen."""
        entry = self._append(kind, body, personal, closes=closes)
        self.pending_writes.flush()
        self._projector.apply_entry(entry)
        self.last_entry = entry
        opening = entry.body.get("request", entry.revision)
        people = {person.detainee for person in self.projected_people.values() if opening in person.openings}
        if people:
            self._propose_opening(opening, entry.kind, len(people))
        return entry

    def _propose_opening(self, opening: int, kind: str, _people: int) -> None:
        """Let an opening wait. Each further row of a list begins the day anew, and needs the agreement anew."""
        is_same = (col(Proposal.kind) == "opening", col(Proposal.a) == opening)
        proposal = self.session.scalars(select(Proposal).where(*is_same)).one_or_none()
        if proposal is None:
            self.session.add(build_proposal(self, "opening", (opening, opening), kind, "{}"))
        else:
            proposal.proposed_at, proposal.agreed_by = self.now, None
        self.session.flush()

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
    def unreviewed(self) -> UnreviewedReports | None:
        """The numbers of the source's reports that no curator has reviewed, once they were read. A trial keeps them
        across its batches."""
        return self._unreviewed if self.trial is None else self.trial.unreviewed

    @unreviewed.setter
    def unreviewed(self, numbers: UnreviewedReports) -> None:
        if self.trial is None:
            self._unreviewed = numbers
        else:
            self.trial.unreviewed = numbers

    @property
    def projected_people(self) -> Mapping[int, ProjectedPerson]:
        """Record → its person, for the people reprojected by the last entry."""
        return self._projector.projected_people

    def _append(
        self, kind: str, body: dict[str, Any], personal: dict[str, Any] | None, *, closes: bool = False
    ) -> LogEntry:
        """Append an entry to `pending_writes`, with the key that wrote it, if any.

        The rows of a list name its first entry: reports of one request have the same age (rule 3)."""
        if not closes:
            self.require_unfrozen()
        if self.is_list:
            self.request = self.request or self.log.revision + 1
            body = {**body, "request": self.request} if kind == "report" else body
        entry = self.log.append(kind, body, personal, self.pending_writes)
        if self.key_id:
            author = {"revision": entry.revision, "key_id": self.key_id, "sent_at": self.sent_at}
            self.pending_writes.add(_INSERT_AUTHOR, [author])
        return entry


def build_proposal(
    context: WriteContext, kind: ProposalKind, subject: tuple[int, int], decision: str, body: str
) -> Proposal:
    """Return a decision that waits, by the holder of the writing key."""
    return Proposal(
        id=new_id(), kind=kind, a=subject[0], b=subject[1], decision=decision, body=body, proposed_by=context.key_id,
        proposed_at=context.now,
    )  # fmt: skip


def new_id() -> uuid.UUID:
    """Return a random id, which reveals nothing about what it identifies."""
    return uuid.uuid4()
