"""A log beside a database file is its own, or nothing is opened: tried with the logs of newer and older copies."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from app.db.engine import make_engine
from app.db.files import UnfitFile
from app.db.wal_check import MAX_FULL_CHECK_BYTES
from app.main import create_app
from tests.support import World

MANY = 15  # reports: more pages than one write touches


def file_of(world: World) -> Path:
    """The file of a world's database; only SQLite has one."""
    url = make_url(world.settings.database_url)
    if url.get_backend_name() != "sqlite":
        pytest.skip("a database of PostgreSQL is no file")
    return Path(str(url.database))


def crashed(database: Path, into: Path) -> Path:
    """The files of a database that is open, as a machine that fails now would leave them."""
    into.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{database}{suffix}", into / f"r.db{suffix}")
    return into / "r.db"


def fill(world: World, first: int, number: int) -> None:
    for case in range(first, first + number):
        name = f"{'ABDEFGIJLMNOPRSTU'[case % 17]}lena {['Oru', 'Ibi', 'Aga', 'Ede', 'Ulo'][case % 5]}mara Invento"
        world.file(detainee__full_name=name, detainee__birth_date=str(1930 + case % 70), source_record_id=f"N-{case}")


def checkpoint(world: World) -> None:
    with world.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.fixture
def copies(world: World, tmp_path: Path) -> dict[str, Path]:
    """What a machine leaves that fails: the file at three moments, each with the log of what came after."""
    database = file_of(world)
    fill(world, 0, MANY)
    checkpoint(world)
    found: dict[str, Path] = {}
    for moment in ("early", "middle", "late"):
        fill(world, MANY * (1 + len(found)), 5)
        found[moment] = crashed(database, tmp_path / moment)
        checkpoint(world)
    return found


def beside(copies: dict[str, Path], file: str, log: str, into: Path) -> Path:
    into.mkdir()
    shutil.copy(copies[file], into / "r.db")
    shutil.copy(f"{copies[log]}-wal", into / "r.db-wal")
    return into / "r.db"


def bytes_of(database: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in database.parent.iterdir()}


def test_what_a_crash_leaves_is_opened(world: World, copies: dict[str, Path]) -> None:
    for database in copies.values():
        settings = world.settings.model_copy(update={"database_url": f"sqlite:///{database}"})
        create_app(settings).state.engine.dispose()


@pytest.mark.parametrize("file, log", [("early", "late"), ("early", "middle"), ("late", "early")])
def test_a_log_of_a_newer_or_an_older_copy_is_refused_before_a_byte_is_written(
    world: World, copies: dict[str, Path], file: str, log: str, tmp_path: Path
) -> None:
    database = beside(copies, file, log, tmp_path / "put back")
    before = bytes_of(database)
    settings = world.settings.model_copy(update={"database_url": f"sqlite:///{database}"})
    with pytest.raises(UnfitFile, match="does not belong to"):
        create_app(settings)
    after = bytes_of(database)
    after.pop("r.db.head", None)
    assert after == before


def test_a_server_that_runs_is_not_asked_about_its_log(world: World) -> None:
    """Its log is in use, and looking through a large database at every command would take long."""
    database = file_of(world)
    world.file()
    assert Path(f"{database}-wal").stat().st_size
    make_engine(world.settings.database_url).dispose()


def test_the_check_ends_without_changing_a_byte(copies: dict[str, Path]) -> None:
    database = copies["late"]
    before = bytes_of(database)
    ran = subprocess.run(
        [sys.executable, "-P", "app/db/wal_check.py", str(database)], capture_output=True, text=True, check=True
    )
    assert (json.loads(ran.stdout), bytes_of(database)) == ("alone", before)
    assert database.stat().st_size < MAX_FULL_CHECK_BYTES
