"""What most tests need: an app with sources and keys, and short ways to file and to count."""

import copy
import json
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Self

from fastapi import FastAPI
from httpx2 import Response
from sqlalchemy import Dialect, Engine, event, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session
from starlette.datastructures import State

from app import jobs, main, reader
from app.api.head_watcher import MomentSettler
from app.api.middleware.metrics import Metrics
from app.api.middleware.response_cache import ResponseCache
from app.api.routes.health import Readiness
from app.clock import WatchedClock
from app.columns import cache as saved
from app.columns.store import release_columns
from app.config import Settings
from app.dates import parse_zone
from app.db import scrub
from app.db.engine import (
    find_newest_schema,
    is_memory,
    make_engine,
    migrate_database,
    open_read_session,
    open_write_session,
)
from app.imports.fault_groups import load_row_faults
from app.imports.filing import import_store
from app.log.entries import open_writer_session
from app.log.head import bind_secret, require_rows_version
from app.log.mark import attach_mark
from app.models import ImportRow, ListImport, metadata
from app.notices.delivery import build_mailer
from app.projection import ROWS_VERSION
from app.registry import api_keys, directory
from app.registry.api_keys import KeyUses
from app.registry.identity import duplicate_scan
from app.registry.publication import erasure
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext
from app.schemas.reports import SourceIn
from app.vocabulary import Role
from tests import declared
from tests.client import Client
from tests.connections import CONNECTIONS

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)
INDEPENDENT = ("foro", "jep", "pud")
GOVERNMENT = "ministry"
# The public of a registry whose operator lists whom reports name.
ANYONE = Reader(names="list")

# Nothing is compared for curators unless a test asks for it (`World.find_pairs`), and no chore runs statements beside
# those that a test counts.
jobs.DUPLICATE_SCAN_INTERVAL_SECONDS = jobs.MARKS_INTERVAL_SECONDS = jobs.ERASURES_INTERVAL_SECONDS = (
    jobs.EMBARGOES_INTERVAL_SECONDS
) = jobs.FREEZE_INTERVAL_SECONDS = jobs.NOTICES_INTERVAL_SECONDS = jobs.MAILS_INTERVAL_SECONDS = 3600.0
jobs.COLUMNS_INTERVAL_SECONDS = 3600.0
# Nor are columns read before somebody counts: few tests count before they write.
setattr(main, "prefetch_columns", lambda _engine: None)  # noqa: B010 - what it imports is no attribute to type checkers
# No test waits for an hour until a server trusts its clock.
jobs.MIN_WATCHED_SECONDS = 0.0
PATIENCE = 60.0  # seconds that a test waits at most: for a list, for others to let go of a database
A_WHILE = 0.5  # seconds: long enough for a thread to come as far as the lock

Body = dict[str, Any]

# A UUID, hexadecimal of 16 digits or more, and a SHA-256 digest or a key in base64url.
_RANDOM = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<![0-9A-Za-z])[0-9a-f]{16,}(?![0-9A-Za-z])"
    r"|(?<![\w-])[\w-]{43}(?![\w-])"
)

ROWS_BY_TABLE = " UNION ALL ".join(f"SELECT '{t.name}', count(*) FROM {t.name}" for t in metadata.sorted_tables)

# An invented man, named with consent, released and verified. Tests change what they are about.
REPORT: Body = {
    "detainee": {
        "full_name": "Tomás Aurelio Quintana Ribas",
        "birth_date": "1971",
        "gender": "male",
        "nationalities": ["VE"],
        "publish": "named",
    },
    "detention": {"detained_on": "2024-10-13", "facility": "El Rodeo I", "country": "VE"},
    "release": {"released_on": "2026-01-12", "kind": "release_with_measures"},
    "verification": {"verdict": "verified", "method": "family"},
}


def make_report(**changes: Any) -> Body:
    """A release report; `release__kind="pardon"` changes a field, None removes it, `release=None` a section."""
    body = copy.deepcopy(REPORT)
    for path, value in changes.items():
        *sections, name = path.split("__")
        target = body
        for section in sections:
            target = target.setdefault(section, {})
        if value is None:
            target.pop(name, None)
        else:
            target[name] = value
    return body


def build_review(batch: Body, decision: str = "approved") -> Body:
    """The decision about all reports of a batch."""
    return {name: batch[name] for name in ("source", "kind", "list", "until")} | {"decision": decision}


def without_random(text: str) -> str:
    """Return the text without ids and digests, which can contain any short value by chance."""
    return _RANDOM.sub("", text)


@cache
def _newest() -> bytes:
    """A database of the newest schema."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "newest.db"
        engine = make_engine(f"sqlite:///{path}")
        migrate_database(engine)
        engine.dispose()
        return path.read_bytes()


def _agree(context: WriteContext, opening: int, _kind: str, people: int) -> None:
    context.write_entry("consent", {"opens": opening, "people": people})


PROPOSE_OPENING = WriteContext._propose_opening
# In a world a second holder agrees to every opening in the same moment; `openings_wait` takes that away.
setattr(WriteContext, "_propose_opening", _agree)  # noqa: B010


@contextmanager
def openings_wait() -> Iterator[None]:
    """Let what opens somebody wait for a second holder."""
    setattr(WriteContext, "_propose_opening", PROPOSE_OPENING)  # noqa: B010
    try:
        yield
    finally:
        setattr(WriteContext, "_propose_opening", _agree)  # noqa: B010


# A reader of count files makes a database of its own; to go through all migrations takes longer than the rest.
setattr(reader, "migrate_database", lambda engine: Path(engine.url.database).write_bytes(_newest()))  # noqa: B010


@contextmanager
def kept_waiting(engine: Engine, *acts: Callable[[], object]) -> Iterator[Session]:
    """The session of a writer for whom these wait, each in a thread of its own. They are through once it is left."""
    threads = [Thread(target=act) for act in acts]
    try:
        with open_writer_session(engine) as session:
            for thread in threads:
                thread.start()
            sleep(A_WHILE)
            yield session
    finally:
        for thread in threads:
            thread.join()


class _Garage:
    """Apps that a test is done with, for the next one on that engine: making one, and its SQL anew, takes longer than
    most tests. Each comes back as `create_app` would make it, on the database of its new settings."""

    def __init__(self) -> None:
        self._free: dict[str, list[FastAPI]] = {}

    def take(self, settings: Settings) -> FastAPI:
        free = [] if is_memory(settings.database_url) else self._free.get(self._kind(settings), [])
        if not free:
            app = main.create_app(settings)
            app.state.address = None
            event.listen(app.state.engine, "do_connect", partial(_elsewhere, app.state))
            if app.state.engine.dialect.name == "postgresql":
                app.state.engine.dialect.do_close = CONNECTIONS.give_back
            return app
        app = free.pop()
        app.state.address = app.state.engine.url = make_url(settings.database_url)
        saved.attach_columns_directory(app.state.engine, settings.columns_dir)
        app.state.settings = settings
        app.state.watch = WatchedClock()
        app.state.clock = app.state.watch.now
        app.state.secret = settings.secret_key()
        app.state.names = settings.names
        app.state.public_url = settings.public_url or ""
        app.state.security_contact = settings.security_contact
        app.state.zone = parse_zone(settings.zone or "UTC")
        app.state.country, app.state.released_from = settings.country, settings.released_from
        app.state.readiness = Readiness()
        app.state.last_freeze = None
        app.state.mailer = build_mailer(settings)
        app.state.settling = MomentSettler()
        app.state.comparing = set()
        app.state.response_cache = ResponseCache()
        app.state.metrics = Metrics()
        app.state.key_uses = KeyUses()
        app.state.withdrawals_by_day = {}
        scrub._progress_by_engine.pop(app.state.engine, None)
        app.state.mark = attach_mark(app.state.engine, settings.mark_file())
        if not _is_newest(app.state.engine):  # a server's connections may change no schema
            owner = make_engine(settings.database_url)
            migrate_database(owner)
            owner.dispose()
        with open_write_session(app.state.engine) as session:
            bind_secret(session, app.state.secret)
            require_rows_version(session, ROWS_VERSION)
        return app

    def give_back(self, app: FastAPI, settings: Settings) -> None:
        release_columns(app.state.engine)  # the next test's database is another
        if is_memory(settings.database_url):
            return  # its engine has one connection, and no other database
        self._free.setdefault(self._kind(settings), []).append(app)

    @staticmethod
    def _kind(settings: Settings) -> str:
        """What an app is made for once and for all."""
        engine = make_url(settings.database_url).get_backend_name()
        bounds = settings.model_dump(include={"concurrency", "max_body_bytes", "max_import_bytes"})
        paces = settings.model_dump(include={"rate_by_client", "rate_by_key", "rate_of_searches", "question_seconds"})
        return f"{engine} {bounds} {paces}"


def _is_newest(engine: Engine) -> bool:
    """Whether a database has the newest schema, as nearly all have; `migrate` asks for longer."""
    try:
        with open_read_session(engine) as session:
            return bool(session.scalar(text("SELECT version_num FROM alembic_version")) == find_newest_schema())
    except DatabaseError:
        return False


def _elsewhere(state: State, _dialect: Dialect, _record: object, given: list[Any], named: dict[str, Any]) -> Any:
    """Connect an engine that was made for another database to the one that its app is on now."""
    if "dbname" not in named:
        given[0] = given[0] if state.address is None else state.address.database
        return None
    if state.address is not None:
        named["dbname"] = state.address.database
        if state.address.username is not None:
            named["user"] = state.address.username
    return CONNECTIONS.take(named["dbname"], named.get("user"))


_GARAGE = _Garage()


def on_purpose(changes: Body) -> dict[str, str]:
    """A key of its own for a report without a case number, so that the same sent again is another person."""
    return {} if "source_record_id" in changes else {"Idempotency-Key": uuid.uuid4().hex}


class World:
    """An app on a registry; use as a context manager. `now` is its clock, which starts at `begun`.

    `keys`: those of a world whose database this one's is a copy of, so that nothing need be added to it.
    """

    def __init__(self, settings: Settings, begun: datetime = NOW, keys: dict[str, str] | None = None) -> None:
        self.settings = settings
        self.app = _GARAGE.take(settings)
        self.engine = self.app.state.engine
        self.now = begun
        self.app.state.clock = lambda: self.now
        self.client = Client(self.app)
        self.client.event_hooks["response"].append(declared.check)
        self.keys = {**keys} if keys else self._furnish()

    def _furnish(self) -> dict[str, str]:
        """Add sources, and keys for them and for every role."""
        with open_write_session(self.engine) as session:
            for slug in INDEPENDENT:
                self._add_source(session, slug, "ngo")
            self._add_source(session, GOVERNMENT, "government")
            of_sources = {slug: self._key(session, Role.REPORTER, slug) for slug in (*INDEPENDENT, GOVERNMENT)}
            of_roles = {role.value: self._key(session, role, None) for role in (Role.READER, Role.CURATOR, Role.ADMIN)}
            return of_sources | of_roles

    def __enter__(self) -> Self:
        self.client.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.__exit__(kind, error, trace)
        self.app.state.engine = self.engine
        self.app.state.head_watcher.close()
        _GARAGE.give_back(self.app, self.settings)

    def restart_with(self, **settings: Any) -> None:
        """Go on as the same server does once its operator has started it with other settings."""
        for name, value in settings.items():
            setattr(self.app.state, name, value)
        self.app.state.response_cache = ResponseCache()

    def _add_source(self, session: Session, slug: str, kind: str) -> None:
        context = WriteContext(session, Reader(Role.ADMIN), self.now, self.app.state.secret)
        directory.add_source(
            context, SourceIn.model_validate({"slug": slug, "name": slug.title(), "kind": kind, "country": "VE"})
        )

    def _key(self, session: Session, role: Role, source: str | None, holder: str | None = None) -> str:
        return api_keys.create_key(session, role, source, 365, self.now, holder or f"Holder of {source or role}")

    def headers(self, who: str | None, **more: str) -> dict[str, str]:
        """The headers of a key: a source's slug or a role; None for the public."""
        return ({} if who is None else {"Authorization": f"Bearer {self.keys[who]}"}) | more

    def get(self, path: str, who: str | None = None, **params: Any) -> Response:
        return self.client.get(path, params=params, headers=self.headers(who))

    def post(self, path: str, body: Any, who: str | None, **headers: str) -> Response:
        return self.client.post(path, json=body, headers=self.headers(who, **headers))

    def file(self, who: str = "foro", **changes: Any) -> Body:
        """File a release report, not taken for a repeat, and expect it to be accepted; the answer."""
        response = self.post("/v1/releases", make_report(**changes), who, **on_purpose(changes))
        assert response.status_code in (200, 201), response.text
        return dict(response.json())

    def file_detention(self, who: str = "foro", **changes: Any) -> Body:
        """File a detention report and expect it to be accepted; the answer."""
        response = self.post("/v1/detentions", make_report(release=None, **changes), who, **on_purpose(changes))
        assert response.status_code in (200, 201), response.text
        return dict(response.json())

    def verify(self, release_id: str, who: str, **body: Any) -> Body:
        response = self.post(f"/v1/releases/{release_id}/verifications", body, who)
        assert response.status_code in (200, 201), response.text
        return dict(response.json())

    def add_source(self, slug: str, kind: str = "ngo") -> None:
        """One more source, with a reporter's key under its slug."""
        with open_write_session(self.engine) as session:
            self._add_source(session, slug, kind)
            self.keys[slug] = self._key(session, Role.REPORTER, slug)

    def add_facility(self, slug: str = "el-rodeo-i", name: str = "El Rodeo I", **more: Any) -> Body:
        """Register a facility, so that reports that name it are placed there; the answer."""
        body = {"slug": slug, "name": name, "kind": "prison", "country": "VE", "area": "Miranda", **more}
        response = self.post("/v1/facilities", body, "curator")
        assert response.status_code == 201, response.text
        return dict(response.json())

    def judge(self, a: str, b: str, judgement: str) -> Body:
        """A curator's decision about two detainees; the answer."""
        body = {"a": a, "b": b, "judgement": judgement, "reason": "told apart by an invented curator"}
        response = self.post("/v1/identity", body, "curator")
        assert response.status_code == 201, response.text
        return dict(response.json())

    def consent(self, detainee_id: str, publish: str, given_by: str = "the person") -> None:
        """Consent, given on an earlier day of the tests' clock."""
        body = {"publish": publish, "given_by": given_by, "given_on": "2026-02-01"}
        response = self.post(f"/v1/detainees/{detainee_id}/consent", body, "curator")
        assert response.status_code == 200, response.text

    def object_to(self, about: str, host: str = "198.51.100.7", **more: Any) -> Body:
        """Send an objection from an address of the internet; the answer."""
        body = {"about": about, "wish": "hide", **more}
        answer = self.client.post("/v1/objections", json=body, extensions={"client": host})
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def beat(self) -> None:
        """Settle what objections came in, as a server does every minute."""
        self.app.state.objection_job.settle()

    def wait(self, until: str, who: str = "foro", **changes: Any) -> Body:
        """File a release report under an embargo, and expect it to wait; the answer."""
        response = self.post("/v1/releases", {**make_report(**changes), "publish_not_before": until}, who)
        assert response.status_code == 202, response.text
        return dict(response.json())

    def waiting(self, who: str = "foro") -> list[Body]:
        """What waits, as a reader sees it."""
        return list(self.get("/v1/waiting", who, limit=200).json()["data"])

    def end_embargoes(self) -> None:
        """File whatever is due, as a server does every minute."""
        while self.app.state.embargo_job.end():
            pass

    def decide(self, objection_id: str, decision: str, to: str | None = None) -> Body:
        """The decision of two curators about an objection; the answer to the second."""
        self.add_second_curator()
        rows = [row["objections"] for row in self.get("/v1/objections", "curator").json()["data"]]
        answered = next(row for row in [*rows, [{"id": objection_id}]] if objection_id in {one["id"] for one in row})
        body: Body = {"decision": decision, "reason": "decided by invented curators"} | ({"to": to} if to else {})
        body["objections"] = [one["id"] for one in answered]
        path = f"/v1/objections/{objection_id}/decision"
        answer = self.post(path, body, "curator")
        if answer.status_code == 202:  # what closes the person takes one curator alone
            answer = self.post(path, body, "second curator")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def add_key(self, who: str, role: Role, source: str | None) -> None:
        """One more key, of a holder of that name."""
        with open_write_session(self.engine) as session:
            self.keys[who] = self._key(session, role, source, who)

    def carry_out_due(self) -> None:
        """Carry out the decisions that waited for a day, as a server does every minute."""
        while self.app.state.proposal_job.carry_out():
            pass

    def trust(self, slug: str, number: int) -> None:
        """Set how many unreviewed reports of a source count in combined records."""
        with open_write_session(self.engine) as session:
            directory.trust_source(session, slug, number)

    def review(self, slug: str | None = None, decision: str = "approved") -> None:
        """Approve or reject all unreviewed reports, or those of one source, as one curator; another one agrees."""
        self.add_second_curator()
        for batch in self.get("/v1/review/batches", "curator").json()["data"]:
            if slug not in (None, batch["source"]):
                continue
            answer = self.post("/v1/review/batches", build_review(batch, decision), "curator")
            assert answer.status_code in (200, 202), answer.text
            if answer.status_code == 202:
                agreement = {"proposals": [answer.json()["id"]]}
                agreed = self.post("/v1/proposals/agreement", agreement, "second curator")
                assert agreed.status_code == 200, agreed.text
                self.carry_out_due()

    def add_second_curator(self) -> None:
        """A key of another curator, Luis Ortega."""
        if "second curator" not in self.keys:
            with open_write_session(self.engine) as session:
                self.keys["second curator"] = self._key(session, Role.CURATOR, None, "Luis Ortega")

    def claim(self, body: Body) -> str:
        """File a published figure as a curator, and confirm it as another; its id."""
        answer = self.post("/v1/claims", body, "curator")
        assert answer.is_success, answer.text
        self.add_second_curator()
        confirmed = self.post(f"/v1/claims/{answer.json()['id']}/confirmation", None, "second curator")
        if confirmed.status_code == 202:  # beyond that curator's limit of a day
            confirmed = self.post("/v1/proposals/agreement", {"proposals": [confirmed.json()["id"]]}, "curator")
        assert confirmed.is_success, confirmed.text
        return str(answer.json()["id"])

    def redact(self, detainee_id: str) -> None:
        """Erase a person, and see the erasure finished, which waits while something reads."""
        response = self.post(f"/v1/detainees/{detainee_id}/redaction", {"reason": "asked for by the family"}, "admin")
        assert response.status_code == 200, response.text
        until = monotonic() + PATIENCE
        while not erasure.finish_erasures(self.engine):
            assert monotonic() < until, "an erasure is never finished"

    def send_list(self, data: bytes | str, who: str = "foro", mapping: str | None = None, **params: Any) -> Body:
        """Send a list and wait until it is through; its receipt."""
        parts: Any = {"file": ("list", data if isinstance(data, bytes) else data.encode())}
        if mapping is not None:
            parts["mapping"] = ("mapping.toml", mapping.encode())
        response = self.client.post("/v1/imports", params=params, files=parts, headers=self.headers(who))
        assert response.status_code == 202, response.text
        self.settle()
        return dict(self.get(f"/v1/imports/{response.json()['id']}", who).json())

    def rows_of(self, receipt: Body, who: str = "foro", **params: Any) -> list[Body]:
        """What became of the rows of a list."""
        return list(self.get(f"/v1/imports/{receipt['id']}/rows", who, limit=200, **params).json()["data"])

    def kept_of_lists(self) -> str:
        """What imports keep of lists, without the lists, unsealed."""
        secret = self.app.state.secret
        with open_read_session(self.engine) as session:
            jobs, rows = session.scalars(select(ListImport)).all(), session.scalars(select(ImportRow)).all()
            told = [
                import_store.read_sealed_column(secret, job, column)
                for job in jobs
                for column in sorted(import_store.SEALED_COLUMNS)
            ]
            return json.dumps([told, [load_row_faults(secret, row) for row in rows]], ensure_ascii=False)

    def settle(self) -> None:
        """Wait until every list that was sent is through."""
        until = monotonic() + PATIENCE
        while self.rows("SELECT state FROM list_import WHERE finished_at IS NULL"):
            assert monotonic() < until, "a list is not through"
            sleep(0.02)

    def find_pairs(self) -> None:
        """Find the hidden candidate pairs of all that was filed, as the server does every few seconds."""
        while records := duplicate_scan.list_uncompared_records(self.engine):
            duplicate_scan.compare_records(self.engine, records, self.app.state.names)

    @property
    def revision(self) -> int:
        return int(self.get("/v1/sources").json()["at"]["revision"])

    def stored(self) -> dict[str, int]:
        """Rows by table."""
        return dict(self.rows(ROWS_BY_TABLE))

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What a SELECT finds in the database itself."""
        with open_read_session(self.engine) as session:
            return [tuple(row) for row in session.execute(text(statement))]

    @contextmanager
    def storing_nothing(self) -> Iterator[None]:
        """Expect that no table gains or loses a row."""
        before = self.stored()
        yield
        assert self.stored() == before

    def count(self, who: str | None = None, **terms: Any) -> Body:
        """A count of releases."""
        response = self.get("/v1/counts/releases", who, **terms)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def cite(self, count: Body, who: str | None = None) -> Body:
        """The texts that cite a count."""
        return dict(self.get(count["links"]["cite"], who).json()["citation"])

    def by_source(self, **terms: Any) -> dict[str, int]:
        """Source → releases it verified."""
        return {
            group["by"]["source"]: group["counts"]["verified"]
            for group in self.count(group_by="source", **terms)["groups"]
        }

    def refuse(self, response: Response, status: int, code: str, pointer: str | None = None) -> Body:
        """Expect a problem+json with that status and code, and an error at the pointer; the problem."""
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/problem+json"
        problem = dict(response.json())
        assert problem["status"] == status
        codes = {problem["code"]} | {error["code"] for error in problem.get("errors", [])}
        assert code in codes, problem
        if pointer is not None:
            assert pointer in {error["pointer"] for error in problem["errors"]}, problem
        return problem
