"""Nobody rewrites the log through a server's own connections, on either engine."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError

from app.cli.maintenance import print_grants
from app.config import Settings
from app.db.engine import is_sqlite, make_engine, open_write_session
from app.db.guards import APPEND_ONLY_TABLES, LOG_TABLE, build_grants
from app.models import Entry, EntryAuthor, metadata
from app.registry.publication import erasure
from tests.databases import settings_of
from tests.db.test_scrub import places
from tests.support import World, make_report

SERVING = "recuento_serving"
REWRITING = [
    "UPDATE entry SET kind = 'claim' WHERE revision = 1",
    "DELETE FROM entry WHERE revision = 1",
    "DROP TABLE entry",
    "ALTER TABLE entry ADD COLUMN more text",
    "UPDATE written_by SET key_id = 'AAAAAAAA'",
    "DELETE FROM written_by",
]
OF_SQLITE = [
    "DROP TRIGGER entry_no_update",
    "REPLACE INTO entry SELECT * FROM entry WHERE revision = 1",
    "PRAGMA writable_schema = ON",
    "PRAGMA recursive_triggers = OFF",
    "ATTACH DATABASE ':memory:' AS other",
    "CREATE TRIGGER after_all AFTER INSERT ON entry BEGIN SELECT 1; END",
]
OF_POSTGRESQL = ["DROP TRIGGER entry_no_update ON entry", "TRUNCATE entry", "ALTER TABLE entry DISABLE TRIGGER ALL"]


@pytest.fixture
def served(world: World) -> Iterator[World]:
    """A world of which a report is filed, served as `docs/operators.md` says: on PostgreSQL under a role of its own."""
    world.post("/v1/releases", make_report(), "foro")
    if is_sqlite(world.engine):
        yield world
        return
    with world.engine.begin() as connection:
        owner = connection.exec_driver_sql("SELECT current_user").scalar_one()
        if not connection.exec_driver_sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{SERVING}'").first():
            connection.exec_driver_sql(f"CREATE ROLE {SERVING} LOGIN")
        for statement in build_grants(SERVING, metadata.tables):
            connection.exec_driver_sql(statement)
    address = make_url(world.settings.database_url)
    assert owner != SERVING
    as_role = address.set(username=SERVING).render_as_string(hide_password=False)
    with World(settings_of(as_role), keys=world.keys) as under_role:
        yield under_role
    with world.engine.begin() as connection:
        connection.exec_driver_sql(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {SERVING}")
        connection.exec_driver_sql(f"REVOKE ALL ON SCHEMA public FROM {SERVING}")


def entries(engine: Engine) -> list[tuple[object, ...]]:
    """Each entry, with the key that wrote it."""
    joined = "entry LEFT JOIN written_by ON written_by.revision = entry.revision"
    asked = f"SELECT entry.revision, kind, body, key_id FROM {joined} ORDER BY entry.revision"
    with open_write_session(engine) as session:
        return [tuple(row) for row in session.execute(text(asked))]


def test_a_servers_connection_cannot_rewrite_the_log(served: World, subtests: pytest.Subtests) -> None:
    before = entries(served.engine)
    for statement in REWRITING + (OF_SQLITE if is_sqlite(served.engine) else OF_POSTGRESQL):
        with subtests.test(statement), pytest.raises(DatabaseError), served.engine.begin() as connection:
            connection.exec_driver_sql(statement)
    assert entries(served.engine) == before


def test_every_kind_of_write_passes(served: World) -> None:
    filed = served.post("/v1/releases", make_report(source_record_id="another", detainee__publish="named"), "foro")
    assert filed.status_code == 201
    detainee = filed.json()["detainee"]["id"]
    consent = {"publish": "anonymous", "given_by": "her sister", "given_on": "2026-01-10"}
    assert served.post(f"/v1/detainees/{detainee}/consent", consent, "curator").status_code == 200
    assert served.post(f"/v1/detainees/{detainee}/redaction", {"reason": "asked"}, "admin").status_code == 200
    source = {"slug": "another-ngo", "name": "Another", "kind": "ngo", "country": "VE"}
    assert served.post("/v1/sources", source, "admin").status_code == 201
    assert served.get("/v1/releases").status_code == 200


def test_the_log_is_the_table_of_entries() -> None:
    assert (Entry.__tablename__, *APPEND_ONLY_TABLES) == (LOG_TABLE, LOG_TABLE, EntryAuthor.__tablename__)


def test_the_statements_leave_no_table_out_and_print_as_sql(capsys: pytest.CaptureFixture[str]) -> None:
    print_grants("serving")
    printed = capsys.readouterr().out
    assert all(line.endswith(";") for line in printed.splitlines())
    assert all(table in printed for table in metadata.tables)


@pytest.mark.parametrize("role", ["", "a b", "x; DROP TABLE entry", "Serving", '"q"', "1st"])
def test_a_name_that_would_need_quotes_is_refused(role: str) -> None:
    with pytest.raises(ValueError, match="small letters"):
        build_grants(role, metadata.tables)


def test_whoever_owns_the_database_can_still_migrate_it(settings: Settings) -> None:
    engine = make_engine(settings.database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE of_a_migration (one integer)")
        connection.exec_driver_sql("DROP TABLE of_a_migration")
    engine.dispose()


def test_a_role_that_owns_nothing_leaves_an_erasure_to_the_owner_who_writes_every_table_anew(
    served: World, world: World
) -> None:
    if is_sqlite(world.engine):
        return  # a server's own connection may: `tests/registry/publication/test_scrubbing.py`
    before = places(world.engine)
    person = served.post("/v1/releases", make_report(), "foro").json()["detainee"]["id"]
    erased = served.post(f"/v1/detainees/{person}/redaction", {"reason": "asked for by the family"}, "admin").json()
    assert (erased["records"], erased["scrubbed"]) == (1, False)
    assert erasure.finish_erasures(served.engine) is False
    assert served.get("/readyz").json()["warnings"] == [erasure.UNFINISHED_ERASURE_WARNING]
    assert places(world.engine) == before
    assert erasure.finish_erasures(world.engine) is True
    assert served.get("/readyz").json() == {"status": "ok"}
    assert not set(places(world.engine).values()) & set(before.values())
