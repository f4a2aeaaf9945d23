"""What sources, curators and administrators may do to one registry, and a clerk who does it.

Steps name what they act on by number, modulo what there is, so that a history stays meaningful while it is shrunk.
A step that the registry refuses is part of life and changes nothing.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Any, Protocol, Self

import pytest
from pydantic import ValidationError
from sqlalchemy import Connection, select
from sqlmodel import Session, col

from app.api import requests
from app.api.routes import records
from app.dates import format_instant
from app.db.engine import WRITES_OPTION
from app.errors import Problem
from app.log.entries import LogEntry, replay_entries
from app.log.mark import attach_mark
from app.models import OPEN, Source
from app.queries.review.batches import query_batches
from app.registry import directory, filing, recalls, reports
from app.registry.identity import judgements as identity_decisions
from app.registry.publication import decisions
from app.registry.publication import decisions as consent_entries
from app.registry.publication.permissions import Reader
from app.registry.recalls import RecallIn
from app.registry.report_versions import CREATED_STATUS
from app.registry.review.batches import ReviewIn, review_batch
from app.registry.write import Outcome, WriteContext
from app.schemas.reports import (
    DetentionReportIn,
    FacilityIn,
    FacilityPatch,
    IdentityIn,
    RedactionIn,
    ReleaseReportIn,
    SourcePatch,
    VerificationOfReleaseIn,
)
from app.vocabulary import Judgement, Role
from tests.support import GOVERNMENT, INDEPENDENT, NOW, World, build_review

Body = dict[str, Any]
SLUGS = (*INDEPENDENT, GOVERNMENT)


class Step(Protocol):
    """One thing that somebody does."""

    def take(self, clerk: "Clerk") -> None: ...


@dataclass
class Clerk:
    """Does steps one by one, each in a transaction of its own inside the connection's."""

    world: World
    connection: Connection
    records: list[tuple[uuid.UUID, str]] = field(default_factory=list)
    decisions: list[uuid.UUID] = field(default_factory=list)
    recalls: list[int] = field(default_factory=list)
    stolen: str | None = None  # the key with which a source's reports come in
    refused: int = 0

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session as a request has it: nothing is remembered from the one before."""
        with Session(
            self.connection, autoflush=False, expire_on_commit=False, join_transaction_mode="create_savepoint"
        ) as session:
            yield session

    def act(self, who: str, action: Any) -> Outcome | None:
        """Do it as a source (its slug) or as a role; None when it is refused."""
        with self.session() as session:
            try:
                now = NOW + timedelta(minutes=len(self.records))
                outcome: Outcome = action(
                    WriteContext(
                        session, self._reader(session, who), now, self.world.app.state.secret, self.key_of(who)
                    )
                )
            except (Problem, ValidationError):
                self.refused += 1
                session.rollback()
                return None
            session.commit()
            return outcome

    def _reader(self, session: Session, who: str) -> Reader:
        if who not in SLUGS:
            return Reader(Role(who))
        source = session.scalars(select(Source).where(col(Source.slug) == who, col(Source.until) == OPEN)).one()
        return Reader(Role.REPORTER, source.key, source.slug, source.independent, "list")

    def key_of(self, who: str) -> str:
        """The id of the key of a source or a role."""
        return self.stolen or self.world.keys[who][4:12]

    def run(self, history: "list[Step]") -> Self:
        for step in history:
            step.take(self)
        return self

    def entries(self) -> list[LogEntry]:
        with self.session() as session:
            return list(replay_entries(session))

    def batches(self, source: str | None = None) -> list[Body]:
        """The batches of reports that no curator has reviewed."""
        with self.session() as session:
            page = query_batches(session, Reader(Role.CURATOR))
        batches: list[Body] = [{**batch} for batch in page.rows]
        return [batch for batch in batches if source in (None, batch["source"])]

    def approve_all(self) -> None:
        while batches := self.batches():
            Review(batches[0]["source"], 0, "approved").take(self)

    def record(self, number: int) -> tuple[uuid.UUID, str] | None:
        """A record filed before, and its source."""
        return self.records[number % len(self.records)] if self.records else None

    def thing(self, kind: str, number: int) -> uuid.UUID:
        """The id of a detainee, detention or release that derives from a record; of none when there is none."""
        found = self.record(number)
        if found is None:
            return uuid.UUID(int=0)
        if kind != "detainee":
            return uuid.uuid5(found[0], kind)
        return next(
            uuid.UUID(entry.body["subject"]) for entry in self.entries() if entry.body.get("record") == str(found[0])
        )


class Registry:
    """An app whose registry begins anew for each history: one transaction of the database, always rolled back."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.engine = world.engine
        # A history that is rolled back has gone backwards: nobody is to remember it.
        world.app.state.mark = attach_mark(world.engine, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.world.app.state.engine = self.engine

    @contextmanager
    def after(self, history: list[Step]) -> Iterator[Clerk]:
        """A clerk who has done all the steps. Meanwhile the app reads the same unfinished transaction."""
        with self.engine.connect().execution_options(**{WRITES_OPTION: True}) as connection:
            transaction = connection.begin()
            self.world.app.state.engine = connection
            self.world.app.state.readiness = Untried()
            try:
                with pytest.MonkeyPatch.context() as patched:
                    for module in (requests, records):  # a bound would be of a connection of its own
                        patched.setattr(
                            module, "open_request_session", lambda *_given: Session(connection, autoflush=False)
                        )
                    yield Clerk(self.world, connection).run(history)
            finally:
                self.world.app.state.engine = self.engine
                transaction.rollback()


class Untried:
    """Readiness without a trial of writing, which would commit the transaction."""

    def list_warnings(self, _engine: object, _revision: int) -> list[str]:
        return []


@dataclass(frozen=True)
class File:
    """A report of a release or of a detention, new or under a case number that the source may have used before."""

    source: str
    body: Body
    case: int | None = None
    points: tuple[str, int] | None = None

    def take(self, clerk: Clerk) -> None:
        body = dict(self.body)
        if self.case is not None:
            body["source_record_id"] = f"case {self.case}"
        if self.points is not None:
            body[f"{self.points[0]}_id"] = clerk.thing(*self.points)
        shape = ReleaseReportIn if "release" in body else DetentionReportIn
        outcome = clerk.act(self.source, lambda context: reports.write_report(context, shape.model_validate(body)))
        _remember(clerk, outcome, self.source)


@dataclass(frozen=True)
class Verify:
    """A verdict on the release of a record."""

    source: str
    record: int
    body: Body

    def take(self, clerk: Clerk) -> None:
        release = clerk.thing("release", self.record)
        body = VerificationOfReleaseIn.model_validate(self.body)
        _remember(
            clerk,
            clerk.act(self.source, lambda context: reports.write_verification(context, release, body)),
            self.source,
        )


def _remember(clerk: Clerk, outcome: Outcome | None, source: str) -> None:
    if outcome is not None and outcome.status == CREATED_STATUS:
        clerk.records.append((uuid.UUID(outcome.ids["report"]), source))


@dataclass(frozen=True)
class Amend:
    """A correction of one's own report by a merge patch."""

    record: int
    patch: Body

    def take(self, clerk: Clerk) -> None:
        if (found := clerk.record(self.record)) is not None:
            clerk.act(
                found[1], lambda context: filing.amend_or_embargo(context, found[0], self.patch, lambda _version: True)
            )


@dataclass(frozen=True)
class Retract:
    record: int

    def take(self, clerk: Clerk) -> None:
        if (found := clerk.record(self.record)) is not None:
            clerk.act(
                found[1],
                lambda context: reports.write_retraction(
                    context, found[0], "withdrawn by an invented desk", lambda _version: True
                ),
            )


@dataclass(frozen=True)
class ChangeSource:
    source: str
    change: Body

    def take(self, clerk: Clerk) -> None:
        patch = SourcePatch.model_validate(self.change)
        clerk.act("admin", lambda context: directory.change_source(context, self.source, patch))


@dataclass(frozen=True)
class Place:
    """A facility registered, or changed once it is."""

    slug: str
    names: tuple[str, ...]
    area: str | None
    country: str = "VE"

    def take(self, clerk: Clerk) -> None:
        said: Body = {"name": self.names[0], "names": list(self.names), "area": self.area, "country": self.country}
        new = FacilityIn.model_validate({**said, "slug": self.slug, "kind": "prison"})
        if clerk.act("curator", lambda context: directory.add_facility(context, new)) is None:
            patch = FacilityPatch.model_validate(said)
            clerk.act("curator", lambda context: directory.change_facility(context, self.slug, patch))


@dataclass(frozen=True)
class Decide:
    a: int
    b: int
    judgement: Judgement

    def take(self, clerk: Clerk) -> None:
        pair = (clerk.thing("detainee", self.a), clerk.thing("detainee", self.b))
        body = IdentityIn(a=pair[0], b=pair[1], judgement=self.judgement, reason="judged")
        outcome = clerk.act("curator", lambda context: identity_decisions.judge_identity(context, body))
        if outcome is not None:
            clerk.decisions.append(uuid.UUID(outcome.ids["id"]))


@dataclass(frozen=True)
class Undo:
    """A decision taken back: a curator's, or an automatic one."""

    decision: int
    automatic: bool

    def take(self, clerk: Clerk) -> None:
        made = clerk.decisions
        if self.automatic:
            bodies = [entry.body for entry in clerk.entries() if entry.kind == "identity"]
            made = [uuid.UUID(body["id"]) for body in bodies if body.get("by") in ("matcher", "reporter")]
        if made:
            clerk.act(
                "curator", lambda context: identity_decisions.undo_decision(context, made[self.decision % len(made)])
            )


@dataclass(frozen=True)
class Trust:
    """How many unreviewed reports of a source count in combined records."""

    source: str
    number: int

    def take(self, clerk: Clerk) -> None:
        with clerk.session() as session:
            directory.trust_source(session, self.source, self.number)
            session.commit()


@dataclass(frozen=True)
class Review:
    """A curator approves or rejects a batch of reports of a source, if it has any."""

    source: str
    batch: int
    decision: str

    def take(self, clerk: Clerk) -> None:
        batches = clerk.batches(self.source)
        if batches:
            batch = batches[self.batch % len(batches)]
            body = build_review(batch, self.decision)
            clerk.act("curator", lambda context: review_batch(context, ReviewIn.model_validate(body)))


@dataclass(frozen=True)
class Consent:
    record: int
    publish: str
    given_by: str

    def take(self, clerk: Clerk) -> None:
        detainee = clerk.thing("detainee", self.record)
        said = {"publish": self.publish, "given_by": self.given_by, "given_on": "2026-02-01"}
        clerk.act(
            "curator",
            lambda context: consent_entries.give_consent(
                context, detainee, consent_entries.ConsentIn.model_validate(said)
            ),
        )


@dataclass(frozen=True)
class Redact:
    record: int

    def take(self, clerk: Clerk) -> None:
        detainee = clerk.thing("detainee", self.record)
        clerk.act("admin", lambda context: decisions.erase_person(context, detainee, RedactionIn(reason="asked for")))


@dataclass(frozen=True)
class Recall:
    """All that the key of a source wrote since some entry is recalled."""

    source: str
    since: int

    def take(self, clerk: Clerk) -> None:
        entries = clerk.entries()
        since = format_instant(entries[self.since % len(entries)].recorded_at)
        body = RecallIn(key_id=clerk.key_of(self.source), since=since)
        outcome = clerk.act("admin", lambda context: recalls.execute_recall(context, body))
        if outcome is not None and outcome.ids["entries"]:
            clerk.recalls.append(outcome.revision)


@dataclass(frozen=True)
class UndoRecall:
    """A recall is undone, as far as nothing else has come in its place."""

    recall: int

    def take(self, clerk: Clerk) -> None:
        if clerk.recalls:
            body = RecallIn(undoes=clerk.recalls[self.recall % len(clerk.recalls)])
            clerk.act("admin", lambda context: recalls.execute_recall(context, body))
