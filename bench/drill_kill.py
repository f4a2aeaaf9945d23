"""Kill a server while many write to it, over and over, and prove that what was acknowledged is stored once and whole.

    python -m bench.drill_kill sqlite|postgresql ROUNDS

After every round each acknowledged write stands at the revision of its receipt, every entry has a receipt or is of a
row of a list, and a rebuild into another database makes the same rows.
"""

import random
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

from sqlalchemy import func, select
from sqlmodel import col

from app.db.engine import make_engine, migrate_database, open_read_session, open_write_session
from app.imports.filing import import_store
from app.models import ImportRow, ListImport
from app.registry import api_keys, directory
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext
from app.schemas.reports import SourceIn
from app.vocabulary import Role, SourceKind
from bench.audit import Stored, audit, unaccounted
from bench.clients import LIST_ROWS, Book, Client
from bench.drill_import import SECRET, now
from bench.linear import Pinned, faults
from bench.servers import PATIENCE, Postgres, Server, say

ROUNDS, SEED = 200, 1
OF_A_REGISTRY = 10  # rounds on one registry: it is rebuilt after each, so it stays small
LONGEST = 1.2  # seconds until a kill, at most
AFTER = 0.15  # seconds for which writers go on after a restart
SOURCES = ("drill", "foro", "jep")
REPORTER = "report report report resend correct retract claim send_list"
CURATOR = "consent consent read"
READER = "read pinned"
# Of PostgreSQL, what is killed: the server of ours, one process of the database, all of it, or both servers at once.
VICTIMS = ("server", "backends", "postmaster", "both")


def furnish(url: str) -> dict[str, str]:
    """A registry with sources; the keys of their reporters and of a curator."""
    engine = make_engine(url)
    migrate_database(engine)
    with open_write_session(engine) as session:
        context = WriteContext(session, Reader(Role.ADMIN), now(), SECRET)
        keys = {}
        for slug in SOURCES:
            directory.add_source(context, SourceIn(slug=slug, name=slug.title(), kind=SourceKind.NGO))
            keys[slug] = api_keys.create_key(session, Role.REPORTER, slug, 1, now())
        keys["curator"] = api_keys.create_key(session, Role.CURATOR, None, 1, now())
    engine.dispose()
    return keys


def drill(folder: Path, url: str, rounds: int, seed: int, postgres: Postgres | None = None) -> Counter[str]:
    """Run it on a new registry; what it came to. Raises AssertionError where something was lost, doubled or halved."""
    pick = random.Random(seed)
    keys = furnish(url)
    book, tally = Book(), Counter[str]()
    server = Server(url, folder)

    def client(name: str, kinds: str, key: str = "") -> Client:
        return Client(name, key, server.port, random.Random(pick.random()), book, kinds)

    clients = [client(f"{slug}-{number}", REPORTER, keys[slug]) for slug in SOURCES for number in (1, 2)]
    clients += [client("curator", CURATOR, keys["curator"]), client("reader-1", READER), client("reader-2", READER)]
    rows: dict[tuple[uuid.UUID, int], uuid.UUID] = {}
    try:
        for _round in range(rounds):
            over = Event()
            threads = [Thread(target=each.work, args=(over,)) for each in clients]
            for thread in threads:
                thread.start()
            time.sleep(pick.uniform(0, LONGEST))
            victim = pick.choice(VICTIMS) if postgres else "server"
            _kill(victim, server, postgres, pick)
            tally[f"killed: {victim}"] += 1
            time.sleep(AFTER)
            over.set()
            for thread in threads:
                thread.join()
            assert not book.faults, book.faults
            assert server.alive, f"the server ended by itself: {server.log.read_text()[-2000:]}"
            server.wait("/readyz")
            wait_for_lists(url)
            found = audit(url, folder)
            assert rows.items() <= found.rows.items(), "a settled row of a list was lost or filed anew"
            rows = found.rows
            wrong = [*faults(found.leaves, book.history), *unaccounted(found, book.receipts(), book.spare)]
            assert not wrong, wrong[:20]
        _lists_are_whole(url, book, found)
    finally:
        server.kill()
    tally["writes acknowledged"] = len(book.receipts())
    tally["sent again"] = book.again
    tally["answers of readers"] = len(book.history) - len(book.receipts())
    tally["of them pinned"] = sum(isinstance(one, Pinned) for one in book.history)
    tally["lists"], tally["rows of lists"] = book.lists, len(rows)
    return tally


def _kill(victim: str, server: Server, postgres: Postgres | None, pick: random.Random) -> None:
    if victim == "backends":
        assert postgres is not None
        postgres.kill_backends(pick.randint(1, 8))
    if victim in ("server", "both"):
        server.kill()
    if victim in ("postmaster", "both"):
        assert postgres is not None
        postgres.kill()
        postgres.start()
    if victim in ("server", "both"):
        server.start()


def wait_for_lists(url: str) -> None:
    """Wait until every list is through: what is looked at must not move meanwhile."""
    engine, until = make_engine(url), time.monotonic() + PATIENCE
    try:
        while time.monotonic() < until:
            with open_read_session(engine) as session:
                still = select(col(ListImport.id)).where(col(ListImport.state).in_(import_store.OPEN_STATES))
                if session.scalars(still).first() is None:
                    return
            time.sleep(0.05)
    finally:
        engine.dispose()
    raise AssertionError("a list is not through")


def _lists_are_whole(url: str, book: Book, found: Stored) -> None:
    """Each list that was acknowledged is through, and each of its rows has a report of its own, however often it was
    sent."""
    engine = make_engine(url)
    with open_read_session(engine) as session:
        lists = session.execute(select(col(ListImport.state), col(ListImport.rows))).all()
        settled = session.execute(select(func.count()).select_from(ImportRow)).scalar_one()
    engine.dispose()
    states = Counter(state for state, _rows in lists)
    assert book.lists <= len(lists) <= book.lists + book.spare_lists, f"{book.lists} lists sent, {len(lists)} stored"
    assert set(states) <= {"done"}, f"lists ended otherwise: {states}"
    assert settled == sum(rows or 0 for _state, rows in lists), "a row has no outcome"
    reports = len(set(found.rows.values()))
    assert reports == LIST_ROWS * book.lists, f"{reports} reports of {book.lists} lists"


def registries(folder: Path, urls: Callable[[int], str], rounds: int, postgres: Postgres | None) -> Counter[str]:
    """Many rounds, on a new registry now and then."""
    tally = Counter[str]()
    for number, start in enumerate(range(0, rounds, OF_A_REGISTRY)):
        own = folder / str(number)
        own.mkdir()
        most = min(OF_A_REGISTRY, rounds - start)
        tally += drill(own, urls(number), most, SEED + number, postgres)
        say(f"{start + most} rounds: {dict(tally)}")
    return tally


def main() -> None:
    engine, rounds = sys.argv[1], int(sys.argv[2])
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="recuento-drill-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if engine == "sqlite":
            registries(folder, lambda number: f"sqlite:///{folder / f'drill-{number}.db'}", rounds, None)
        else:
            postgres = Postgres(folder / "postgres")
            try:
                registries(folder, postgres.new, rounds, postgres)
            finally:
                postgres.stop()
    say(f"{rounds} rounds on {engine} in {time.monotonic() - begun:.0f} s: nothing was lost, doubled or halved")


if __name__ == "__main__":
    main()
