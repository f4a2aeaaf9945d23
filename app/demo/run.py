"""Run the replay: sources, facilities, claims and reports through the write path, each at its hour, all or nothing."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.demo.cases import JOINED, Joined
from app.demo.claims import Claim, claims, resolved
from app.demo.facilities import facilities
from app.demo.replay import Event, events
from app.demo.sources import sources
from app.log.entries import head
from app.log.head import is_demo, mark_demo
from app.models import OPEN, ApiKey, Placement, Record, Source
from app.registry import api_keys, directory, records, reports
from app.registry.claims import ClaimIn, file_claim
from app.registry.directory_snapshot import Views
from app.registry.identity import decisions
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext
from app.schemas.reports import DetentionReportIn, FacilityIn, IdentityIn, ReleaseReportIn, SourceIn
from app.vocabulary import Judgement, Publish, Role

# Yours to try things with: its reports change nobody's published figures.
GUEST = {
    "slug": "example-ngo",
    "name": "Example NGO (invented)",
    "kind": "ngo",
    "country": "VE",
    "definition": "An invented organisation, for trying the registry out.",
}
KEY_DAYS = 30
GUEST_HOLDER = "Whoever tries the demo"


class NotADemo(RuntimeError):
    """The database holds something else."""


def load(session: Session, secret: bytes) -> int:
    """Fill an empty database with the replay; leave one that has it alone. Returns the revision.

    Raises NotADemo for a database that is neither empty nor marked as a demo's.
    """
    revision, _recorded = head(session)
    if is_demo(session):
        return revision
    if revision:
        raise NotADemo("This database is neither empty nor a demo: name another one (RECUENTO_DATABASE_URL).")
    mark_demo(session)
    Replay(session, secret).run()
    return head(session)[0]


def guest_key(session: Session, now: datetime) -> str:
    """A fresh reporter's key of the invented organisation; the one given out before ends."""
    mine = select(col(Source.key)).where(col(Source.slug) == GUEST["slug"], col(Source.until) == OPEN)
    source = session.scalars(mine).one()
    live = select(ApiKey).where(col(ApiKey.source) == source, col(ApiKey.revoked_at).is_(None))
    for key in session.scalars(live).all():
        api_keys.revoke(session, key.id, now)
    return api_keys.create(session, Role.REPORTER, str(GUEST["slug"]), KEY_DAYS, now, GUEST_HOLDER)


class Replay:
    """The replay within one transaction."""

    def __init__(self, session: Session, secret: bytes) -> None:
        self._session = session
        self._secret = secret
        self._claim_ids: dict[str, str] = {}
        self._first: dict[str, tuple[str, str]] = {}  # person → source and case number of the first report

    def run(self) -> None:
        """Directories first, then everything in order of time."""
        steps: list[tuple[datetime, Callable[[], None]]] = [
            *((event.at, self._filing(event)) for event in events()),
            *((claim.at, self._claiming(claim)) for claim in claims()),
            *((joined.at, self._joining(joined)) for joined in JOINED),
        ]
        steps.sort(key=lambda step: step[0])
        self._directories(steps[0][0])
        self._sources = Views(self._session).sources_by_slug
        for _at, act in steps:
            act()

    def _context(self, actor: Reader, at: datetime) -> WriteContext:
        return WriteContext(self._session, actor, at, self._secret)

    def _directories(self, at: datetime) -> None:
        for source in (*sources(), GUEST):
            directory.add_source(self._context(Reader(Role.ADMIN), at), SourceIn.model_validate(source))
        for facility in facilities():
            directory.add_facility(self._context(Reader(Role.CURATOR), at), FacilityIn.model_validate(facility))

    def _filing(self, event: Event) -> Callable[[], None]:
        schema: Any = ReleaseReportIn if event.kind == "release" else DetentionReportIn

        def file() -> None:
            source = self._sources[event.source]
            # The people are invented, and tied alike whatever the operator chose: the counts are those published.
            actor = Reader(Role.REPORTER, source.key, source.slug, source.independent, "list")
            reports.file_report(self._context(actor, event.at), schema.model_validate(event.body))
            self._join_counted(event)

        return file

    def _join_counted(self, event: Event) -> None:
        """Who may only be counted is tied to nobody by the matcher: here a curator reads the review at once."""
        case = event.source, str(event.body["source_record_id"])
        first = self._first.setdefault(event.person, case)
        a, b = self._record(*first), self._record(*case)
        if a.key == b.key or {a.publish_now, b.publish_now} != {Publish.COUNTED}:
            return
        places = select(col(Placement.detainee)).where(
            col(Placement.record).in_([a.key, b.key]), col(Placement.until) == OPEN
        )
        if len(set(self._session.scalars(places))) > 1:
            self._join(Joined(event.at, (first, case), "the same mother told both organisations"))

    def _record(self, source: str, case: str) -> Record:
        record = records.by_case(self._session, self._secret, self._sources[source].key, case)
        assert record is not None
        return record

    def _joining(self, joined: Joined) -> Callable[[], None]:
        return lambda: self._join(joined)

    def _join(self, joined: Joined) -> None:
        a, b = (self._record(*one).detainee_id for one in joined.records)
        body = IdentityIn(a=a, b=b, judgement=Judgement.SAME, reason=joined.reason)
        decisions.decide(self._context(Reader(Role.CURATOR), joined.at), body)

    def _claiming(self, claim: Claim) -> Callable[[], None]:
        def file() -> None:
            body = ClaimIn.model_validate(resolved(claim.body, self._claim_ids))
            outcome = file_claim(self._context(Reader(Role.CURATOR), claim.at), body)
            self._claim_ids[claim.key] = str(uuid.UUID(outcome.ids["id"]))

        return file
