"""Columns that were saved and mapped are the columns of the tables, whatever happens to the registry, to the processes
that share them, and to the files; nobody who was erased stays in a file."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from threading import Event, Thread
from time import sleep

import numpy as np
import pytest
from sqlalchemy import Engine

from app.columns import cache, store
from app.columns import table as tables
from app.columns.cache import DESCRIPTION_FILE, ColumnsDirectory, UnusableDirectory, attach_columns_directory
from app.columns.loader import Columns, ReadCancelled, read_columns
from app.columns.store import refresh_columns
from app.config import Settings
from app.db.engine import make_engine, open_read_session, open_write_session
from app.main import create_app
from app.registry.apply import rebuild_tables
from app.registry.publication import erasure
from tests.columns.lives import OTHER_MAN, WOMAN, life
from tests.columns.whole import agree, anew, at_head, whole
from tests.databases import ENGINES, Templates
from tests.support import A_WHILE, PATIENCE, Body, World
from tests.two_registries import twins


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "columns"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody cuts the power."""
    monkeypatch.setattr(os, "fsync", lambda _handle: None)


@contextmanager
def process(world: World, folder: Path) -> Iterator[Engine]:
    """Another process on the database of a world, which holds nothing yet, with the directory of its machine."""
    engine = make_engine(world.settings.database_url)
    attach_columns_directory(engine, folder)
    try:
        yield engine
    finally:
        store.release_columns(engine)
        engine.dispose()


def in_time(engine: Engine) -> Columns:
    """The columns as a question with a bound of time gets them."""
    with open_read_session(engine, PATIENCE) as session:
        return store.get_columns(session)


def started(world: World, folder: Path) -> Columns:
    """The columns of a process that starts and ends."""
    with process(world, folder) as engine:
        return in_time(engine)


def generations(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.is_dir()]


def generation(folder: Path) -> Path:
    (name,) = generations(folder)
    return folder / name


@pytest.fixture
def tables_read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The head of each reading of all rows from the tables."""
    heads: list[int] = []

    def noted(*given: object) -> Columns:
        columns = read_columns(*given)  # type: ignore[arg-type]
        heads.append(columns.head)
        return columns

    monkeypatch.setattr(store, "read_columns", noted)
    return heads


def test_a_process_that_starts_maps_what_another_has_read_and_saved(
    world: World, folder: Path, tables_read: list[int]
) -> None:
    world.file()
    first = started(world, folder)
    assert tables_read == [world.revision]
    assert first.generation == generation(folder).name
    world.file("jep", **OTHER_MAN)
    second = started(world, folder)
    assert (second.generation, second.head) == (first.generation, world.revision)
    assert len(tables_read) == 1
    agree(second, anew(world.engine))


def test_a_process_without_a_directory_reads_the_tables_and_saves_nothing(
    world: World, tmp_path: Path, tables_read: list[int]
) -> None:
    world.file()
    engine = make_engine(world.settings.database_url)
    assert in_time(engine).generation is None
    refresh_columns(engine)
    engine.dispose()
    assert len(tables_read) == 1
    assert not [*tmp_path.rglob(DESCRIPTION_FILE)]


def test_after_a_restart_at_every_step_the_columns_are_those_of_the_tables(
    world: World, folder: Path, subtests: pytest.Subtests, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(world, folder)
    for number, happened in enumerate(life(world)):
        monkeypatch.setattr(store, "SAVE_INTERVAL_ENTRIES", (1, 3, 1_000)[number % 3])
        with subtests.test(happened), process(world, folder) as engine:
            agree(in_time(engine), anew(world.engine))
            refresh_columns(engine)
            agree(at_head(engine), anew(world.engine))


@pytest.mark.parametrize("seed", range(3))
def test_whatever_two_processes_of_a_machine_do_both_have_the_columns_of_the_tables(
    world: World, folder: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both may count, keep the saved columns, finish erasures, end and start again, after each step or after several;
    what somebody still reads stays as it was."""
    draw = Random(seed)
    monkeypatch.setattr(store, "SAVE_INTERVAL_ENTRIES", 4)
    with ExitStack() as stack:
        running = [stack.enter_context(process(world, folder)) for _number in range(2)]
        read_before: list[tuple[Columns, dict[str, int]]] = []
        for _happened in life(world):
            for number in range(2):
                act = draw.choice(["count", "count in time", "keep", "finish", "restart", "nothing"])
                if act == "restart":
                    store.release_columns(running[number])
                    running[number] = stack.enter_context(process(world, folder))
                elif act == "keep":
                    refresh_columns(running[number])
                elif act == "finish":
                    erasure.finish_erasures(running[number])
                elif act != "nothing":
                    columns = (at_head if act == "count" else in_time)(running[number])
                    agree(columns, anew(world.engine))
                    read_before.append((columns, {name: len(rows) for name, rows in whole(columns).items()}))
        for engine in running:
            agree(at_head(engine), anew(world.engine))
            agree(started(world, folder), anew(world.engine))
        for columns, numbers in read_before:
            assert {name: len(rows) for name, rows in whole(columns).items()} == numbers


# Processes that share a directory.


def test_one_process_reads_the_tables_while_the_others_wait_for_what_it_saves(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.file()
    go_on, heads = Event(), []

    def slowly(*given: object) -> Columns:
        go_on.wait(PATIENCE)
        columns = read_columns(*given)  # type: ignore[arg-type]
        heads.append(columns.head)
        return columns

    monkeypatch.setattr(store, "read_columns", slowly)
    with process(world, folder) as one, process(world, folder) as two:
        store.prefetch_columns(one)
        store.prefetch_columns(two)
        sleep(A_WHILE)
        go_on.set()
        names = {in_time(one).generation, in_time(two).generation}
    assert names == {generation(folder).name}
    assert len(heads) == 1


def test_a_process_that_waits_for_another_ends_when_it_is_stopped(world: World, folder: Path) -> None:
    with ColumnsDirectory(folder).take_reading_turn(lambda: False), process(world, folder) as engine:
        store.prefetch_columns(engine)
        coming = store._get_cache(engine).pending_read
        assert coming is not None
        store.release_columns(engine)
        assert isinstance(coming.exception(PATIENCE), ReadCancelled)


def test_what_one_process_saves_anew_the_other_maps(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.file()
    with process(world, folder) as one, process(world, folder) as two:
        before = {in_time(one).generation, in_time(two).generation}
        world.file("jep", **OTHER_MAN)
        refresh_columns(one)
        assert {generation(folder).name} == before, "one report is read again in no time"
        monkeypatch.setattr(store, "SAVE_INTERVAL_ENTRIES", 1)
        refresh_columns(one)
        assert {generation(folder).name} != before
        refresh_columns(two)
        assert {at_head(one).generation, at_head(two).generation} == {generation(folder).name}
        world.file("pud", **WOMAN)
        for engine in (one, two):
            agree(at_head(engine), anew(world.engine))


def test_what_one_process_writes_into_what_it_mapped_no_other_sees(world: World, folder: Path) -> None:
    world.file()
    with process(world, folder) as one, process(world, folder) as two:
        in_time(one)
        before = in_time(two)
        rows = whole(before)
        content = {path.name: path.read_bytes() for path in generation(folder).iterdir()}
        world.file("foro", source_record_id="1", release__kind="pardon")
        agree(at_head(one), anew(world.engine))
        assert whole(before) == rows
        assert {path.name: path.read_bytes() for path in generation(folder).iterdir()} == content


def test_rows_are_added_to_what_is_mapped_and_no_array_is_copied(world: World, folder: Path) -> None:
    world.file()
    with process(world, folder) as engine:
        before = in_time(engine)
        world.file("jep", **OTHER_MAN)
        after = at_head(engine)
        for kept in tables.ALL_TABLES:
            for name in (tables.SINCE_COLUMN, tables.UNTIL_COLUMN, *kept.columns):
                one, other = (some.tables[kept.name].column(name) for some in (before, after))
                assert not len(one) or np.shares_memory(one, other), (kept.name, name)
        assert len(after.tables["detainee"]) == len(before.tables["detainee"]) + 1


def test_columns_are_saved_as_of_their_head_while_others_bring_them_to_a_later_one(world: World, folder: Path) -> None:
    first = world.file("foro", source_record_id="1")
    with process(world, folder) as engine:
        in_time(engine)
        rows = whole(at_head(engine))
        columns = store._get_cache(engine).columns
        assert columns is not None
        apart = columns.copy_for_saving()
        world.file("foro", source_record_id="1", release__kind="pardon")
        world.verify(first["release"]["id"], "jep", verdict="verified", method="lawyer")
        at_head(engine)
        ColumnsDirectory(folder).save(apart, lambda: 0)
    mapped = ColumnsDirectory(folder).map_newest()
    assert mapped is not None
    assert whole(mapped) == rows
    for table in mapped.tables.values():
        assert sorted(table.places(range(mapped.key_count))) == [*range(len(table))]
    agree(started(world, folder), anew(world.engine))


# What cannot be believed.


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-8])


def _change_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)


def _say_otherwise(path: Path) -> None:
    path.write_text(path.read_text().replace('"head"', '"heed"'))


DAMAGES: list[tuple[str, Callable[[Path], None]]] = [
    ("release_at_stage.kind", _cut), ("trait.value", _change_a_bit), ("detention.newest", _change_a_bit),
    ("classes", _change_a_bit), ("placement.since", Path.unlink),
    (DESCRIPTION_FILE, _cut), (DESCRIPTION_FILE, Path.unlink), (DESCRIPTION_FILE, _say_otherwise),
]  # fmt: skip


@pytest.mark.parametrize("name, damage", DAMAGES)
def test_what_is_damaged_is_not_believed_and_is_replaced(
    world: World,
    folder: Path,
    tables_read: list[int],
    caplog: pytest.LogCaptureFixture,
    name: str,
    damage: Callable[[Path], None],
) -> None:
    world.file()
    started(world, folder)
    damage(generation(folder) / name)
    with caplog.at_level(logging.WARNING):
        agree(started(world, folder), anew(world.engine))
    assert len(tables_read) == 3  # of the first process, of the second, and of whoever compares
    (told,) = caplog.messages
    why = "cannot be read (ENOENT)" if damage is Path.unlink else "are damaged"
    assert told == f"The saved columns are not used, since they {why}"
    agree(started(world, folder), anew(world.engine))
    assert len(tables_read) == 4, "from then on it is whole"


@pytest.mark.parametrize("of", ["__version__", "FILE_FORMAT", "CURRENT_CLASSES"])
def test_what_another_version_saved_is_not_believed(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, of: str
) -> None:
    world.file()
    monkeypatch.setattr(cache, of, ["another"])
    started(world, folder)
    old = generation(folder).name
    monkeypatch.undo()
    with caplog.at_level(logging.WARNING):
        agree(started(world, folder), anew(world.engine))
    assert caplog.messages == ["The saved columns are not used, since they are of another version"]
    assert generation(folder).name != old


@pytest.mark.parametrize("column", ["rules", "projection"])
def test_what_was_saved_of_rows_of_another_version_is_not_believed(
    world: World, folder: Path, tables_read: list[int], column: str
) -> None:
    world.file()
    started(world, folder)
    with open_write_session(world.engine) as session:
        session.connection().exec_driver_sql(f"UPDATE head SET {column} = {column} + 1")
    with process(world, folder) as engine:
        in_time(engine)
    assert len(tables_read) == 2
    with open_write_session(world.engine) as session:
        session.connection().exec_driver_sql(f"UPDATE head SET {column} = {column} - 1")


def test_a_rebuild_leaves_nothing_that_was_saved_of_the_rows_before(world: World, folder: Path) -> None:
    world.file()
    with process(world, folder) as engine:
        in_time(engine)
        with open_write_session(engine) as session:
            rebuild_tables(session)
        assert generations(folder) == []


@pytest.fixture(params=ENGINES)
def two(request: pytest.FixtureRequest, templates: Templates) -> Iterator[tuple[World, World]]:
    with twins(templates, request.param) as worlds:
        yield worlds


@pytest.mark.parametrize("entries", [1, 2, 3], ids=["fewer", "as many", "more"])
def test_what_was_saved_of_another_database_is_not_believed(
    two: tuple[World, World], folder: Path, caplog: pytest.LogCaptureFixture, entries: int
) -> None:
    first, second = two
    bodies: list[Body] = [{}, OTHER_MAN, WOMAN]
    for body in bodies[:2]:
        first.file("foro", **body)
    for body in bodies[:entries]:
        second.file("jep", **body, release__kind="pardon")
    started(first, folder)
    foreign = generation(folder).name
    with caplog.at_level(logging.WARNING), process(second, folder) as engine:
        agree(at_head(engine), anew(second.engine))
        assert caplog.messages
        agree(in_time(engine), anew(second.engine))
    with process(second, folder) as engine:
        agree(in_time(engine), anew(second.engine))
    assert generation(folder).name != foreign


def test_where_too_many_changed_since_the_tables_are_read(
    world: World, folder: Path, tables_read: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.file()
    started(world, folder)
    monkeypatch.setattr("app.columns.loader.MAX_CHANGED_PEOPLE", 1)
    for body in (OTHER_MAN, WOMAN):
        world.file("jep", **body)
    agree(started(world, folder), anew(world.engine))
    assert tables_read[:2] == [world.revision - 2, world.revision]
    assert started(world, folder).head == world.revision


def test_what_a_process_left_half_written_is_removed(world: World, folder: Path) -> None:
    draft = folder / cache.DRAFT_FOLDER
    draft.mkdir()
    (draft / "trait.value").write_bytes(b"half")
    world.file()
    agree(started(world, folder), anew(world.engine))
    assert not draft.exists()


def test_a_disk_that_is_full_stops_nobody_from_counting(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world.file()

    def full(*_given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache, "_write_array", full)
    with caplog.at_level(logging.WARNING), process(world, folder) as engine:
        agree(in_time(engine), anew(world.engine))
        refresh_columns(engine)
    assert set(caplog.messages) == {"Columns cannot be saved (ENOSPC)"}
    assert generations(folder) == []


def test_a_directory_that_is_gone_stops_nobody_from_counting(world: World, folder: Path) -> None:
    world.file()
    with process(world, folder / "gone") as engine:
        agree(in_time(engine), anew(world.engine))
        refresh_columns(engine)
        assert erasure.finish_erasures(engine)


# Erasures.


def bytes_of(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def says_something_of(folder: Path, person: int) -> bool:
    """Whether a saved array of personal values has a row of a person."""
    mapped = ColumnsDirectory(folder).map_newest()
    return mapped is not None and any(
        person in mapped.tables[kept.name].column(tables.PERSON_COLUMN) for kept in tables.PERSONAL_TABLES
    )


def placed(world: World) -> str:
    """Somebody whose place has a name found nowhere else; their id."""
    world.add_facility("zurnquo", "Zurnquo")
    filed = world.file("jep", **WOMAN, detention__facility="zurnquo")
    return str(filed["detainee"]["id"])


def key_of(world: World) -> int:
    """The key of the last person."""
    return int(max(at_head(world.engine).tables["detainee"].column(tables.PERSON_COLUMN)))


def test_after_an_erasure_no_file_of_the_directory_says_anything_of_the_erased(world: World, folder: Path) -> None:
    world.file()
    gone = placed(world)
    person = key_of(world)
    with process(world, folder) as engine:
        in_time(engine)
        assert b"zurnquo" in bytes_of(folder)
        assert says_something_of(folder, person)
        world.redact(gone)
        assert erasure.finish_erasures(engine)
        assert b"zurnquo" not in bytes_of(folder)
        assert generations(folder) == []
        refresh_columns(engine)
        assert b"zurnquo" not in bytes_of(folder)
        assert generations(folder)
        assert not says_something_of(folder, person)
        assert at_head(engine).generation == generation(folder).name
        agree(at_head(engine), anew(world.engine))
    agree(started(world, folder), anew(world.engine))


def test_another_machine_forgets_within_two_beats_though_nobody_counts_there(world: World, folder: Path) -> None:
    world.file()
    gone = placed(world)
    person = key_of(world)
    with process(world, folder) as engine:
        store.prefetch_columns(engine)
        coming = store._get_cache(engine).pending_read
        assert coming is not None
        coming.result(PATIENCE)
        world.redact(gone)
        assert erasure.finish_erasures(world.engine), "the machine that erased has no such directory"
        assert says_something_of(folder, person)
        erasure.finish_erasures(engine)
        refresh_columns(engine)
        assert b"zurnquo" not in bytes_of(folder)
        assert not says_something_of(folder, person)
        now = store._get_cache(engine).columns
        assert now is not None
        assert all(person not in now.tables[kept.name].column(tables.PERSON_COLUMN) for kept in tables.PERSONAL_TABLES)


def test_columns_from_before_an_erasure_are_saved_no_more(world: World, folder: Path) -> None:
    gone = placed(world)
    with process(world, folder) as engine:
        before = in_time(engine)
        world.redact(gone)
        assert erasure.finish_erasures(engine)
        ColumnsDirectory(folder).save(before, lambda: store._read_last_erasure(engine))
        assert generations(folder) == []


def test_an_erasure_is_not_finished_while_somebody_saves(world: World, folder: Path) -> None:
    gone = placed(world)
    before = at_head(world.engine)
    asked, go_on = Event(), Event()

    def when_told() -> int:
        asked.set()
        go_on.wait(PATIENCE)
        return 0

    saving = Thread(target=ColumnsDirectory(folder).save, args=(before, when_told))
    saving.start()
    asked.wait(PATIENCE)
    world.redact(gone)
    with process(world, folder) as engine:
        assert not erasure.finish_erasures(engine)
        go_on.set()
        saving.join()
        assert b"zurnquo" in bytes_of(folder)
        assert erasure.finish_erasures(engine)
    assert b"zurnquo" not in bytes_of(folder)


# Whose files they are.


def test_only_their_owner_may_read_what_is_saved(world: World, folder: Path) -> None:
    umask = os.umask(0)
    try:
        world.file()
        started(world, folder)
        ColumnsDirectory(folder / "made" / "anew").require_usable()
    finally:
        os.umask(umask)
    assert {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()} == {0o600}
    assert {path.stat().st_mode & 0o077 for path in (folder, generation_of(folder), folder / "made" / "anew")} == {0}


def generation_of(folder: Path) -> Path:
    return folder / next(name for name in generations(folder) if name != "made")


def test_a_directory_that_others_may_use_is_refused(settings: Settings, folder: Path) -> None:
    folder.chmod(0o750)
    with pytest.raises(UnusableDirectory, match="chmod 700"):
        create_app(settings.model_copy(update={"columns_dir": folder}))


def test_a_directory_that_cannot_be_made_is_refused(settings: Settings, folder: Path) -> None:
    (folder / "file").touch()
    with pytest.raises(UnusableDirectory, match="RECUENTO_COLUMNS_DIR"):
        create_app(settings.model_copy(update={"columns_dir": folder / "file" / "columns"}))


def test_a_server_saves_what_it_counts_from_and_the_next_one_maps_it(
    world: World, folder: Path, tables_read: list[int]
) -> None:
    world.file()
    settings = world.settings.model_copy(update={"columns_dir": folder})
    for _start in range(2):
        with World(settings, keys=world.keys) as other:
            assert other.count()["total"]["cases"] == 1
    assert len(tables_read) == 1
    assert generations(folder)
