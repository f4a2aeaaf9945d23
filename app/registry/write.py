"""The one write path: append an entry, apply it, inside the caller's transaction."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session

from app.config import TwoPerson
from app.db.write_buffer import WriteBuffer
from app.log.entries import Log, LogEntry, require_clock
from app.log.head import require_rules
from app.matching.score import Person
from app.models import WrittenBy
from app.registry.apply import Projector
from app.registry.projection import RULES
from app.registry.read_permissions import Reader
from app.registry.reprojection import ProjectedPerson
from app.registry.views import Views
from app.vocabulary import MatchOutcome

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
