"""A test finds its database as the template is, whatever the test before it did to its own."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from time import sleep
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import MetaData, select, text
from sqlalchemy.engine import make_url

from app.db.engine import is_sqlite, make_engine, open_read_session, open_write_session
from tests.connections import CONNECTIONS
from tests.databases import ENGINES, USES, Templates, settings_of
from tests.support import World


def everything(url: str) -> dict[str, Any]:
    """All rows of a database by table, and where its sequences stand."""
    engine = make_engine(url)
    with open_read_session(engine) as session:
        tables = MetaData()
        tables.reflect(session.connection())
        found: dict[str, Any] = {
            table.name: sorted(map(repr, session.execute(select(table)))) for table in tables.sorted_tables
        }
        if not is_sqlite(session.connection()):
            found["sequences"] = session.execute(text("SELECT sequencename, last_value FROM pg_sequences")).all()
    engine.dispose()
    return found


def change(url: str, statement: str) -> None:
    engine = make_engine(url)
    try:
        with open_write_session(engine) as session:
            session.execute(text(statement))
    finally:
        engine.dispose()


@pytest.mark.parametrize("kind", ENGINES)
def test_what_one_test_wrote_the_next_does_not_find(templates: Templates, kind: str) -> None:
    template, keys = templates.world(kind)
    with templates.copy(kind, template) as url:
        before = everything(url)
        with World(settings_of(url), keys=keys) as world:
            filed = world.file()
            world.redact(filed["detainee"]["id"])
            world.rows("SELECT nextval('head_id_seq')" if kind == "postgresql" else "SELECT 1")
            change(url, "DELETE FROM api_key")
        assert everything(url) != before
    with templates.copy(kind, template) as url:
        assert everything(url) == before
        with pytest.raises(Exception, match="append-only"):
            change(url, "DELETE FROM entry")


def test_a_test_on_postgresql_is_marked_so_that_a_run_can_leave_it_out(
    request: pytest.FixtureRequest, database_url: str
) -> None:
    marked = request.node.get_closest_marker("postgresql") is not None
    assert marked == database_url.startswith("postgresql")


def test_no_server_starts_for_who_works_on_sqlite_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    monkeypatch.setattr("tests.databases._server", lambda: started.append("a server"))
    with closing(Templates(tmp_path)) as templates, templates.copy("sqlite", templates.world("sqlite")[0]):
        assert not started


@pytest.mark.postgresql
@pytest.mark.parametrize("statement", [
    "CREATE TABLE more (x integer)",
    "ALTER TABLE head ADD COLUMN more integer",
    "CREATE INDEX ix_more ON head (demo)",
    "DROP TABLE entry CASCADE",
])  # fmt: skip
def test_a_database_whose_schema_a_test_changed_is_not_used_again(templates: Templates, statement: str) -> None:
    with templates.copy("postgresql", templates.empty("postgresql")) as changed:
        change(changed, statement)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(changed)


@pytest.mark.postgresql
def test_a_database_is_used_as_often_as_its_tables_stay_small(templates: Templates) -> None:
    used = set()
    for _use in range(USES + 1):
        with templates.copy("postgresql", templates.empty("postgresql")) as url:
            used.add(url)
    assert 1 < len(used) < 5  # the one that waited, or a few, and the one after it


@pytest.mark.postgresql
def test_whoever_is_still_connected_to_a_database_is_ended_with_the_test(templates: Templates) -> None:
    with templates.copy("postgresql", templates.empty("postgresql")) as url:
        connection = psycopg.connect(url)
        connection.execute("UPDATE head SET demo = true")
    with connection, pytest.raises(psycopg.OperationalError, match="terminating connection"):
        connection.commit()


@pytest.mark.postgresql
def test_a_connection_waits_for_the_next_test_unless_it_is_unfit(templates: Templates) -> None:
    template, keys = templates.world("postgresql")
    waiting: list[int] = []
    reused = []
    for _test in range(2):
        with templates.copy("postgresql", template) as url:
            with World(settings_of(url), keys=keys) as world:
                ((process,),) = world.rows("SELECT pg_backend_pid()")
            reused.append(process in waiting)
            waiting = CONNECTIONS.waiting(str(make_url(url).database))
            for autocommit in (False, True):  # in a transaction; one that begins none
                unfit = psycopg.connect(url, autocommit=autocommit)
                unfit.execute("SELECT 1")
                CONNECTIONS.give_back(unfit)
                assert unfit.closed
    assert reused == [False, True]


class Slow:
    """Stands for a connection that another thread may take while somebody looks whether it is still open."""

    info = SimpleNamespace(dbname="of nobody", transaction_status=TransactionStatus.IDLE)
    autocommit = False

    @property
    def closed(self) -> bool:
        sleep(0.001)
        return False


def test_threads_that_take_connections_at_once_get_one_each() -> None:
    for _each in range(8):
        CONNECTIONS.give_back(cast("psycopg.Connection[Any]", Slow()))
    with ThreadPoolExecutor(8) as threads:
        taken = list(threads.map(lambda _thread: CONNECTIONS.take("of nobody", None), range(8)))
    assert None not in taken
    assert len(set(map(id, taken))) == 8
