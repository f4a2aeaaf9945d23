"""The schema: what migrations make is what the models say, down and up again, with people in it."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError

from app.db.engine import (
    MIGRATIONS,
    WRITES_OPTION,
    is_sqlite,
    make_engine,
    migrate_database,
    open_read_session,
    open_write_session,
)
from app.log.head import RowsMismatch
from app.main import create_app
from app.models import metadata
from app.registry.apply import rebuild_tables
from tests.support import World

ROOT = Path(__file__).parent.parent
VERSION = "alembic_version"


def scripts() -> ScriptDirectory:
    return ScriptDirectory(str(MIGRATIONS))


def move(engine: Engine, how: Callable[[Config, str], None], to: str) -> None:
    """Upgrade or downgrade to a revision."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        how(config, to)


@contextmanager
def bare(database_url: str) -> Iterator[Engine]:
    """The test's database with nothing in it."""
    engine = make_engine(database_url)
    move(engine, command.downgrade, "base")
    with engine.connect() as connection:
        connection = connection.execution_options(**{WRITES_OPTION: True})
        connection.execute(text(f"DROP TABLE {VERSION}"))
        connection.commit()
        assert inspect(connection).get_table_names() == []
    yield engine
    engine.dispose()


def schema(engine: Engine) -> dict[str, Any]:
    """Everything the database tells of its tables, by name and without order."""
    with engine.connect() as connection:
        found = inspect(connection)
        return {table: described(found, table) for table in found.get_table_names() if table != VERSION}


def described(found: Any, table: str) -> dict[str, Any]:
    columns = {c["name"]: (str(c["type"]), c["nullable"], c["default"]) for c in found.get_columns(table)}
    return {
        "columns": columns,
        "primary": {key: found.get_pk_constraint(table)[key] for key in ("name", "constrained_columns")},
        "foreign": sorted((one["name"], one["constrained_columns"], one["referred_table"])
                          for one in found.get_foreign_keys(table)),
        "unique": sorted((one["name"], one["column_names"]) for one in found.get_unique_constraints(table)),
        "indexes": sorted((one["name"], one["column_names"], bool(one["unique"]))
                          for one in found.get_indexes(table)),
        "checks": sorted((one["name"], re.sub(r"\s+", " ", one["sqltext"]))
                         for one in found.get_check_constraints(table)),
    }  # fmt: skip


def test_there_is_one_head_and_every_revision_can_be_undone() -> None:
    revisions = list(scripts().walk_revisions())
    assert len(scripts().get_heads()) == 1
    assert [revision.revision for revision in revisions if not hasattr(revision.module, "downgrade")] == []
    assert len(revisions) == len(list((MIGRATIONS / "versions").glob("*.py")))


def test_alembic_sees_no_difference_between_the_database_and_the_models(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_migrations_make_what_the_models_would_make(database_url: str) -> None:
    """Alembic compares no CHECK and few names; so both are made, and all that the database tells is compared."""
    with bare(database_url) as engine:
        migrate_database(engine)
        migrated = schema(engine)
        move(engine, command.downgrade, "base")
        with open_write_session(engine) as session:
            metadata.create_all(session.connection())
        assert schema(engine) == migrated


def test_every_constraint_has_a_name_that_tells_what_it_is(engine: Engine) -> None:
    for table, found in schema(engine).items():
        assert found["primary"]["name"] == f"pk_{table}"
        names = [name for kind in ("foreign", "unique", "indexes", "checks") for name, *_rest in found[kind]]
        assert all(re.fullmatch(rf"(ix|uq|ck|fk)_{table}_\w+", name) for name in names)
    checked = {name for found in schema(engine).values() for name, _text in found["checks"]}
    assert checked == {
        str(constraint.name)
        for table in metadata.sorted_tables
        for constraint in table.constraints
        if type(constraint).__name__ == "CheckConstraint"
    }


@pytest.fixture
def owner(world: World) -> Iterator[Engine]:
    """An engine of whoever owns the world's database: a server's own may not change the schema."""
    engine = make_engine(world.settings.database_url)
    yield engine
    engine.dispose()


def test_a_migrated_database_is_an_empty_registry_with_a_head(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.execute(text("SELECT id, revision, demo FROM head")).all() == [(1, 0, False)]


def test_down_to_nothing_and_up_again_with_people_in_it(world: World, owner: Engine) -> None:
    first = world.file("foro", detainee__full_name="Rosa Inés Valdivia", note="kept apart")
    world.file("jep", detainee__full_name="Rosa Ines Valdivia")
    world.consent(first["detainee"]["id"], "anonymous")
    world.add_facility()
    before = schema(owner)
    assert sum(world.stored().values()) > 50
    for _ in scripts().walk_revisions():
        move(owner, command.downgrade, "-1")
    assert schema(owner) == {}
    migrate_database(owner)
    assert schema(owner) == before
    left = {table: number for table, number in world.stored().items() if number}
    assert left == {"head": 1}


@pytest.mark.parametrize("to", ["0009", "0010", "0011"])
def test_who_goes_back_and_returns_has_lost_rows_and_is_refused_until_they_are_made_anew(
    world: World, owner: Engine, to: str
) -> None:
    known = world.file("foro")
    for who, publish in (("jep", "named"), ("pud", "counted")):
        world.file(who, detainee__publish=publish, detainee_id=known["detainee"]["id"])
    denied = {"detainee__full_name": "Berta Solano Ugas", "verification": {"verdict": "disputed"}}
    world.file("ministry", **denied)
    world.find_pairs()  # of records that wait in a later table nobody looks for pairs any more
    stored = world.stored()
    assert stored["provisional_hiding"] == 1
    assert world.rows("SELECT count(*) FROM release WHERE status IS NULL") == [(1,)]
    move(owner, command.downgrade, to)
    with pytest.raises(RowsMismatch, match="recuento rebuild"):
        create_app(world.settings)
    with open_write_session(owner) as session:
        rebuild_tables(session)
    create_app(world.settings).state.engine.dispose()
    assert world.stored() == {**stored, "written_by": 0}, "which key wrote what is known from now on alone"


def test_a_database_from_before_the_held_is_refused_until_its_rows_are_made_anew(world: World, owner: Engine) -> None:
    world.file("foro")
    world.file_detention("jep", detainee__full_name="Ismael Otero Invento", detainee__birth_date="1950")
    asked = {"held_on": "2026-01-10", "group_by": "source"}
    before = world.get("/v1/counts/held", **asked).json()
    world.find_pairs()  # of records that wait in a later table nobody looks for pairs any more
    stored = world.stored()
    move(owner, command.downgrade, "0002")
    with pytest.raises(RowsMismatch, match="recuento rebuild"):
        create_app(world.settings)
    with open_write_session(owner) as session:
        rebuild_tables(session)
    create_app(world.settings).state.engine.dispose()
    assert world.stored() == {**stored, "written_by": 0}, "which key wrote what is known from now on alone"
    assert world.get("/v1/counts/held", **asked).json() == before
    assert before["total"]["cases"] == 2


@pytest.mark.parametrize("to", ["0034", "0035"])
def test_rows_without_ends_or_ages_are_refused_until_a_rebuild_and_permalinks_stay(
    world: World, owner: Engine, to: str
) -> None:
    born = {"detainee__birth_date": "1990", "detainee__publish": "named"}
    world.file("foro", detention__detained_on="2026-01-05", **born)
    asked = [
        ("/v1/counts/detentions", {"ended": "released", "ended_from": "2026-01"}),
        ("/v1/counts/releases", {"age_from": "18", "age_to": "40"}),
    ]

    def count() -> list[dict[str, Any]]:
        return [world.get(path, "curator", **terms).json() for path, terms in asked]

    before = count()
    assert [answer["total"]["cases"] for answer in before] == [1, 1]
    move(owner, command.downgrade, to)
    with pytest.raises(RowsMismatch, match="recuento rebuild"):
        create_app(world.settings)
    with open_write_session(owner) as session:
        rebuild_tables(session)
    create_app(world.settings).state.engine.dispose()
    assert count() == before
    assert world.client.get(before[0]["links"]["permalink"]).json() == before[0]


RENAMED = {
    "standing": "release_at_stage", "voice": "source_release", "held": "detention_state",
    "held_voice": "source_detention", "lookalike": "hidden_candidate_pair", "asked_class": "requested_class",
}  # fmt: skip


# Columns of later migrations, which a rebuild fills.
FILLED_LATER = {
    "said_lo",
    "said_hi",
    "said_kind",
    "is_denied",
    "sure_lo",
    "sure_hi",
    "free_sure_hi",
    "heard_hi",
    "review",
    "detained_lo",
    "detained_hi",
    "ended",
}


def _list_kept(row: Mapping[Any, Any]) -> list[Any]:
    """Return the values that a downgrade keeps. Earlier rules have no status `official_only`."""
    kept = [row[name] for name in row if name not in FILLED_LATER and not (name == "status" and "verdict" in row)]
    return ["reported" if value == "official_only" else value for value in kept]


def test_renamed_tables_keep_every_row_down_and_up_again(world: World, owner: Engine) -> None:
    planted = {"detainee__full_name": "Berta Solano Invento", "detainee__birth_date": "1960"}
    world.file("ministry", **planted)
    world.file("foro", **planted, detainee__publish="counted")
    world.find_pairs()

    def rows_of(tables: Iterable[str]) -> list[list[list[Any]]]:
        with open_read_session(world.engine) as session:
            found = [session.execute(text(f"SELECT * FROM {table}")).mappings().all() for table in tables]
        return [sorted((_list_kept(row) for row in rows), key=repr) for rows in found]

    before = rows_of(RENAMED.values())
    assert all(before)
    move(owner, command.downgrade, "0013")
    assert RENAMED.keys() <= schema(owner).keys()
    assert rows_of(RENAMED) == before
    migrate_database(owner)
    assert rows_of(RENAMED.values()) == before


def test_whom_a_consent_names_is_told_from_whom_only_reports_name_without_a_rebuild(
    world: World, owner: Engine
) -> None:
    classes = "SELECT record.key, record.publish_now, blocking_key.publish_now FROM record "
    classes += "JOIN blocking_key ON blocking_key.record = record.key GROUP BY 1, 2, 3 ORDER BY 1"
    consented = world.file("foro", detainee__full_name="Ana Paz Rivero")["detainee"]["id"]
    # The consent stands under one record, and speaks for the person's other record too.
    other = world.file("jep", detainee__full_name="Zenobia Castro Luna", detainee__birth_date="1950")["detainee"]["id"]
    world.judge(consented, other, "same")
    world.consent(consented, "named")
    for publish in ("named", "anonymous", "counted"):
        world.file("pud", detainee__full_name=f"Otra {publish} Solano", detainee__publish=publish)
    before = world.rows(classes)
    told = [publish for _record, publish, _beside in before]
    assert told == ["named", "named", "named_by_reports", "anonymous", "counted"]
    move(owner, command.downgrade, "0019")
    assert {publish for _record, *both in world.rows(classes) for publish in both} == {"named", "anonymous", "counted"}
    migrate_database(owner)
    assert world.rows(classes) == before


def test_what_imports_kept_in_clear_goes_and_is_scrubbed(world: World, owner: Engine) -> None:
    world.file()
    move(owner, command.downgrade, "0014")
    clear = {
        "import_mapping": "(source, headings, mapping, saved_at) VALUES (1, '0', 'V-87654321', '2026-01-01 00:00:00')",
        "import_row": "(list_import, row, outcome, faults) VALUES ('00000000000000000000000000000007', 1, 'new', '[]')",
    }
    with open_write_session(owner) as session:
        for table, row in clear.items():
            session.execute(text(f"INSERT INTO {table} {row}"))
    migrate_database(owner)
    assert [world.rows(f"SELECT count(*) FROM {table}") for table in clear] == [[(0,)]] * len(clear)
    assert world.get("/readyz").json()["warnings"] == ["erasure_unfinished"]


def test_what_objections_said_in_clear_goes_and_is_scrubbed_and_whom_they_hide_stays_hidden(
    world: World, owner: Engine
) -> None:
    about = f"/v1/detainees/{world.file()['detainee']['id']}"
    world.object_to(about, words="I am her", contact="her@mail.example")
    world.beat()
    move(owner, command.downgrade, "0021")
    assert world.rows("SELECT words, contact FROM objection") == [(None, None)]
    with open_write_session(owner) as session:
        session.execute(text("UPDATE objection SET words = 'I am her', contact = 'her@mail.example'"))
    migrate_database(owner)
    assert world.rows("SELECT words, contact FROM objection") == [(None, None)]
    with open_write_session(owner) as session:
        rebuild_tables(session)
    assert world.get("/readyz").json()["warnings"] == ["erasure_unfinished"]
    assert world.get(about).status_code == 404
    (waiting,) = world.get("/v1/objections", "curator").json()["data"]
    assert waiting["state"] == "hiding"


@pytest.mark.parametrize("erased", [False, True])
def test_files_are_scrubbed_for_what_was_erased_before_and_not_where_nothing_was(
    world: World, owner: Engine, *, erased: bool
) -> None:
    person = world.file()["detainee"]["id"]
    if erased:
        world.redact(person)
    move(owner, command.downgrade, "0015")
    migrate_database(owner)
    assert world.get("/readyz").json().get("warnings", []) == ["erasure_unfinished"] * erased


def test_versions_from_before_recalls_state_what_their_own_entries_say(world: World, owner: Engine) -> None:
    world.file(source_record_id="1")
    world.file(source_record_id="1", release__kind="pardon")
    versions = "SELECT record, since, until, stated, version FROM report"
    before = sorted(world.rows(versions))
    move(owner, command.downgrade, "0019")
    migrate_database(owner)
    assert sorted(world.rows(versions)) == before
    with open_write_session(owner) as session:
        rebuild_tables(session)
    world.file("jep")
    with open_write_session(owner) as session:
        rebuild_tables(session)
    recall = {"key_id": world.keys["jep"][4:12], "since": "2026-01-01T00:00:00Z"}
    assert world.post("/v1/recalls", recall, "admin").status_code == 200
    with pytest.raises(RuntimeError, match="stay with this one"):
        move(owner, command.downgrade, "0019")


def test_migrating_again_changes_nothing(world: World, owner: Engine) -> None:
    world.file()
    with world.storing_nothing():
        migrate_database(owner)


def test_processes_that_start_together_migrate_once(database_url: str) -> None:
    start = "import sys; from app.db import engine; engine.migrate_database(engine.make_engine(sys.argv[1]))"
    command_line = [sys.executable, "-W", "ignore", "-c", start, database_url]
    with bare(database_url) as engine:
        started = [subprocess.Popen(command_line, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(3)]
        assert [(process.communicate()[1], process.returncode) for process in started] == [("", 0)] * 3
        with engine.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM head")).scalar_one() == 1


def test_a_migration_that_fails_leaves_the_database_as_it_was(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Exception):
        """After the last table."""

    def broken(_connection: Connection, _table: str) -> None:
        raise Broken

    with bare(database_url) as engine:
        monkeypatch.setattr("app.db.guards.forbid_changes", broken)
        with pytest.raises(Broken):
            migrate_database(engine)
        assert schema(engine) == {}


def test_foreign_keys_are_on_again_after_a_migration(engine: Engine) -> None:
    with engine.connect() as connection:
        if is_sqlite(connection):
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
        with pytest.raises(DBAPIError):
            connection.execute(text("INSERT INTO sealed (revision, disclosures) VALUES (99, '{}')"))


def test_a_migration_refuses_to_begin_inside_a_transaction(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        config.attributes["connection"] = connection
        with pytest.raises(CommandError, match="outside a transaction"):
            command.upgrade(config, "head")


def test_the_alembic_command_works_on_the_database_of_the_environment(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bare(database_url) as engine:
        monkeypatch.setenv("RECUENTO_DATABASE_URL", database_url)
        command.upgrade(Config(str(ROOT / "alembic.ini")), "head")
        assert set(schema(engine)) == set(metadata.tables)
        with pytest.raises(CommandError, match="no --sql"):
            command.upgrade(Config(str(ROOT / "alembic.ini")), "head", sql=True)


@pytest.mark.parametrize("statement", [
    "UPDATE entry SET body = '{}'",
    "UPDATE entry SET leaf_hash = leaf_hash",
    "UPDATE entry SET revision = revision + 1000",
    "DELETE FROM entry",
    "DELETE FROM entry WHERE revision = 2",
])  # fmt: skip
def test_the_log_can_be_neither_changed_nor_shortened(world: World, owner: Engine, statement: str) -> None:
    world.file()
    before = entries(owner)
    with pytest.raises(DBAPIError, match="append-only"), open_write_session(owner) as session:
        session.connection().execute(text(statement))
    assert entries(owner) == before


def test_the_log_cannot_be_emptied_or_overwritten_by_another_name(world: World, owner: Engine) -> None:
    world.file()
    before = entries(owner)
    with owner.connect() as connection:
        replacing = is_sqlite(connection)
    columns = "revision, kind, recorded_at, body, leaf_hash"
    other = f"INSERT OR REPLACE INTO entry SELECT {columns.replace('body', repr('{}'))} FROM entry"
    with pytest.raises(DBAPIError, match="append-only"), open_write_session(owner) as session:
        session.connection().execute(text(other if replacing else "TRUNCATE entry CASCADE"))
    assert entries(owner) == before


def entries(engine: Engine) -> list[tuple[int, str]]:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT revision, body FROM entry ORDER BY revision")).all()
    assert all(json.loads(body) for _revision, body in rows)
    return [(revision, body) for revision, body in rows]
