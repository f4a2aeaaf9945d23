"""A process reads the columns once, and from then on what entries changed: nobody can tell the two apart.

Columns at several revisions at once hold of each revision what columns at that one do, joined in the same way."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import replace
from threading import Event, Thread
from time import sleep
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from app.columns import loader as column_reading
from app.columns import store, table
from app.columns.loader import Columns, ReadCancelled, read_columns
from app.columns.rows import RecentRows, Rows
from app.columns.store import BEGIN_COLUMN, END_COLUMN, SPELL_COLUMN, TableRead, build_columns_at_revisions, get_columns
from app.columns.table import (
    ALL_TABLES,
    NAMES,
    PERSON_COLUMN,
    PLACEMENTS,
    RELEASES,
    SINCE_COLUMN,
    SOURCE_RELEASES,
    TRAITS,
    TableSpec,
)
from app.counts.groups import _find_repeat_detainees
from app.counts.tally import compute_count
from app.db.engine import make_engine, open_read_session, open_write_session, was_stopped
from app.queries.selection.visibility import load_class_bits
from app.queries.terms import CountTerms
from app.registry import reports
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext
from app.schemas.reports import ReleaseReportIn
from app.vocabulary import Role
from tests.columns.lives import OTHER_MAN, WOMAN, life, recall, undo
from tests.columns.whole import agree, anew, at_head, standing, stored, told, whole
from tests.databases import ENGINES, Templates
from tests.support import ANYONE, PATIENCE, World, make_report
from tests.two_registries import twins


def releases(session: Session, revision: int) -> int:
    """How many releases there are at a revision."""
    return compute_count(session, CountTerms(), ANYONE, revision)["total"]["cases"]


@pytest.mark.both_engines
def test_after_each_entry_the_columns_are_those_that_are_read_anew(world: World, subtests: pytest.Subtests) -> None:
    at_head(world.engine)
    for happened in life(world):
        with subtests.test(happened):
            agree(at_head(world.engine), anew(world.engine))


STAGE = ("stage", "carried_out")


def in_common(columns: Columns, revision: int) -> dict[str, object]:
    """What questions at a revision have in common: rows in their order, of which some columns were gathered, whose
    class is which, and who was detained again."""
    found: dict[str, object] = {}
    for kept in table.ALL_TABLES:
        for within in [None, STAGE] if "stage" in kept.columns else [None]:
            rows = columns.rows(kept, revision, within)
            found[f"{kept.name} {within}"] = [rows[name].tolist() for name in (table.SINCE_COLUMN, table.PERSON_COLUMN)]
    found["classes"] = load_class_bits(columns, revision).tolist()
    found["again"] = _find_repeat_detainees(columns).tolist()
    return found


def test_what_questions_have_in_common_is_brought_to_the_head_as_if_made_anew(
    world: World, subtests: pytest.Subtests
) -> None:
    for number, happened in enumerate(life(world)):
        columns = at_head(world.engine)
        if number % 3 == 1:  # of what happens then the next question alone hears
            continue
        with subtests.test(happened):
            made_anew = replace(columns, shared_values={}, _previous_shared_values={}, _recent_rows=RecentRows())
            for revision in (columns.head, columns.head - 1, columns.head // 2):
                assert in_common(columns, revision) == in_common(made_anew, revision)


def test_columns_are_brought_to_a_head_though_the_session_sees_later_entries(world: World) -> None:
    world.file("foro", **OTHER_MAN)
    columns = at_head(world.engine)
    in_common(columns, columns.head)
    middle = world.file("jep", **WOMAN)["receipt"]["revision"]
    for number in range(9):
        world.file(
            detainee__full_name=f"Casilda Peñaranda {'ABCDEFGHI'[number]}zo", detainee__birth_date=f"{1930 + number}"
        )
    with open_read_session(world.engine) as session:
        then = column_reading.advance_columns(session, columns, middle)
    assert then is not None
    made_anew = replace(then, shared_values={}, _previous_shared_values={}, _recent_rows=RecentRows())
    assert in_common(then, middle) == in_common(made_anew, middle)


def test_whoever_missed_all_that_happened_has_the_same(world: World) -> None:
    world.file("foro", **OTHER_MAN)
    at_head(world.engine)
    assert len([*life(world)]) > 1
    agree(at_head(world.engine), anew(world.engine))


@pytest.mark.both_engines
def test_what_is_read_is_what_the_tables_hold(world: World) -> None:
    assert len([*life(world)]) > 1
    with open_read_session(world.engine) as session:
        assert whole(get_columns(session)) == stored(session)


def test_of_a_registry_with_nobody_in_it_there_are_no_rows(engine: Engine) -> None:
    columns = at_head(engine)
    assert (columns.head, columns.key_count) == (0, 1)
    assert {name: len(rows) for name, rows in whole(columns).items() if rows} == {}
    assert {name: len(rows) for name, rows in standing(columns, 0).items() if rows} == {}


def test_nothing_is_read_again_while_nothing_is_written(world: World) -> None:
    world.file()
    columns = at_head(world.engine)
    assert at_head(world.engine) is columns
    world.file("jep", **OTHER_MAN)
    assert at_head(world.engine) is not columns


def test_rows_that_many_questions_mean_are_chosen_once(world: World) -> None:
    world.file()
    columns = at_head(world.engine)
    stage = ("stage", "carried_out")
    assert columns.rows(table.RELEASES, columns.head) is columns.rows(table.RELEASES, columns.head + 1)
    assert columns.rows(table.RELEASES, columns.head, stage) is columns.rows(table.RELEASES, columns.head, stage)
    assert columns.rows(table.RELEASES, columns.head, stage) is not columns.rows(table.RELEASES, columns.head)
    assert columns.rows(table.RELEASES, columns.head - 1) is not columns.rows(table.RELEASES, columns.head)


def test_an_entry_about_nobody_changes_the_head_alone(world: World) -> None:
    world.file()
    columns = at_head(world.engine)
    world.add_source("unheard-of")
    later = at_head(world.engine)
    assert (later.head, whole(later)) == (columns.head + 1, whole(columns))


def test_columns_that_somebody_still_reads_stay_as_they_were(world: World) -> None:
    seen = []
    for _happened in life(world):
        columns = at_head(world.engine)
        seen.append((columns, whole(columns), standing(columns, columns.head), standing(columns, columns.head // 2)))
    for columns, rows, at_its_head, before in seen[:-1]:
        assert standing(columns, columns.head) == at_its_head
        assert standing(columns, columns.head // 2) == before
        assert [*map(len, whole(columns).values())] == [*map(len, rows.values())]


def test_columns_that_somebody_still_reads_stay_as_they_were_when_somebody_once_tied_is_erased(world: World) -> None:
    one = world.file("foro")
    two = world.file("jep", detainee={"full_name": "Ismael Otero Invento", "publish": "named"})
    tie = world.judge(one["detainee"]["id"], two["detainee"]["id"], "same")
    tied = world.revision
    world.file("pud", **WOMAN)
    columns = at_head(world.engine)
    seen = standing(columns, tied)
    undo(world, tie)
    world.redact(two["detainee"]["id"])
    agree(at_head(world.engine), anew(world.engine))
    assert standing(columns, tied) == seen


def test_a_class_of_today_is_that_of_a_recalled_report_too(world: World) -> None:
    """The report stood at earlier revisions, at which its person is seen by today's consent."""
    first = world.file("foro")
    as_of = world.revision
    assert world.file("jep")["detainee"]["id"] == first["detainee"]["id"]
    recall(world, "foro")
    (left,) = world.get("/v1/detainees", "curator").json()["data"]
    assert [group["by"]["gender"] for group in world.count(group_by="gender", as_of=as_of)["groups"]] == ["male"]
    world.consent(left["id"], "counted")
    assert [group["by"]["gender"] for group in world.count(group_by="gender", as_of=as_of)["groups"]] == ["withheld"]
    for path in ("/v1/detainees", "/v1/detentions", "/v1/releases"):
        assert world.get(path, as_of=as_of).json()["data"] == []
    agree(at_head(world.engine), anew(world.engine))


# Another database under the same engine.


@pytest.fixture(params=ENGINES)
def two(request: pytest.FixtureRequest, templates: Templates) -> Iterator[tuple[World, World]]:
    with twins(templates, request.param) as worlds:
        yield worlds


class Moved:
    """An engine whose connections lead to one world's database, then to another's."""

    def __init__(self, world: World) -> None:
        self.engine = make_engine(world.settings.database_url)
        self._url = make_url(world.settings.database_url)
        event.listen(self.engine, "do_connect", self._connect)

    def to(self, world: World) -> None:
        self._url = make_url(world.settings.database_url)
        self.engine.dispose()

    def _connect(self, _dialect: Any, _record: object, given: list[Any], named: dict[str, Any]) -> None:
        if "dbname" in named:
            named["dbname"] = self._url.database
        else:
            given[0] = self._url.database


@contextmanager
def moving(world: World) -> Iterator[Moved]:
    moved = Moved(world)
    yield moved
    moved.engine.dispose()


@pytest.mark.parametrize("entries", [0, 1, 2, 3], ids=["none", "fewer", "as many", "more"])
def test_a_backup_put_in_place_of_the_database_is_read_anew(
    two: tuple[World, World], entries: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its log is shorter, or says something else at the revisions that were read."""
    monkeypatch.setattr(column_reading, "MAX_SESSION_SECONDS", 0.0)  # whoever sees less has not begun before
    first, second = two
    first.file("foro")
    first.file("foro", **WOMAN)
    people = (OTHER_MAN, {**OTHER_MAN, "detainee__full_name": "Ramiro Sosa Fingido"}, WOMAN)
    for body in people[:entries]:
        second.file("jep", **body, release__kind="pardon")
    with moving(first) as moved:
        assert at_head(moved.engine).head == first.revision
        moved.to(second)
        for _time in range(2):
            columns = at_head(moved.engine)
            assert columns.head == second.revision
            agree(columns, anew(moved.engine))
        second.file("pud", **OTHER_MAN)
        agree(at_head(moved.engine), anew(moved.engine))


def test_columns_prepared_for_one_database_are_no_columns_of_another(two: tuple[World, World]) -> None:
    first, second = two
    first.file("foro")
    second.file("jep", **OTHER_MAN)
    second.file("jep", **WOMAN)
    with moving(first) as moved:
        reads = _prepared(moved.engine)
        agree(at_head(moved.engine), anew(moved.engine))  # without a bound
        assert reads.done()
        moved.to(second)
        agree(in_time(moved.engine), anew(moved.engine))


# Columns that take long to be read.


def in_time(engine: Engine, seconds: float = PATIENCE) -> Columns:
    """The columns as whoever has so many seconds gets them."""
    with open_read_session(engine, seconds) as session:
        return get_columns(session)


def _prepared(engine: Engine) -> Future[Columns]:
    """What becomes of columns that a server begins to read when it starts."""
    store.prefetch_columns(engine)
    coming = store._get_cache(engine).pending_read
    assert coming is not None
    coming.result(PATIENCE)
    return coming


def test_columns_read_ahead_are_brought_to_the_head_by_whoever_counts_first(world: World) -> None:
    world.file()
    engine = make_engine(world.settings.database_url)
    reads = _prepared(engine)
    world.file("jep", **OTHER_MAN)
    columns = in_time(engine)
    assert columns.head > reads.result().head
    agree(columns, anew(engine))
    assert in_time(engine) is columns
    engine.dispose()


def test_whoever_has_too_little_time_is_refused_and_the_next_does_not_begin_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.file()
    engine, go_on, began = make_engine(world.settings.database_url), Event(), []

    def slowly(session: Session, *_given: object) -> Columns:
        began.append(session)
        go_on.wait(PATIENCE)
        return read_columns(session)

    monkeypatch.setattr(store, "read_columns", slowly)
    for _time in range(3):
        with pytest.raises(OperationalError) as refused:
            in_time(engine, 0.2)
        assert was_stopped(refused.value)
    go_on.set()
    columns = in_time(engine)
    assert len(began) == 1
    monkeypatch.undo()
    agree(columns, anew(engine))
    engine.dispose()


def test_a_reading_that_fails_is_told_and_begun_again_for_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.file()
    engine = make_engine(world.settings.database_url)

    def failing(*_given: object) -> Columns:
        raise OperationalError(None, None, Exception("the disk is gone"))

    monkeypatch.setattr(store, "read_columns", failing)
    with pytest.raises(OperationalError):
        in_time(engine)
    monkeypatch.undo()
    agree(in_time(engine), anew(engine))
    engine.dispose()


def test_a_database_that_is_let_go_of_is_read_no_further(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.file()
    engine = make_engine(world.settings.database_url)

    def endless(_session: Session, is_released: Callable[[], bool]) -> Columns:
        while not is_released():
            sleep(0.01)
        raise ReadCancelled

    monkeypatch.setattr(store, "read_columns", endless)
    store.prefetch_columns(engine)
    reader = store._get_cache(engine).reader_thread
    assert reader is not None
    assert reader.is_alive()
    store.release_columns(engine)
    assert not reader.is_alive()
    engine.dispose()


# Many at once.


@pytest.mark.both_engines
def test_who_counts_an_earlier_revision_while_others_write_gets_the_numbers_of_that_revision(world: World) -> None:
    terms = [CountTerms(), CountTerms(group_by=["source"]), CountTerms(group_by=["gender", "month"])]
    wanted: dict[int, list[Any]] = {}
    over, wrong = Event(), []

    def told(session: Session, revision: int) -> list[Any]:
        tallies = [compute_count(session, asked, ANYONE, revision) for asked in terms]
        return [(tally["total"], tally.get("groups")) for tally in tallies]

    def ask() -> None:
        while not over.is_set():
            for revision in [*wanted]:
                with open_read_session(world.engine) as session:
                    found = told(session, revision)
                if found != wanted[revision]:
                    wrong.append((revision, found, wanted[revision]))

    asking = [Thread(target=ask) for _thread in range(2)]
    for thread in asking:
        thread.start()
    try:
        for number in range(12):
            body = {"detainee__full_name": f"Invented {number} Person", "detainee__birth_date": str(1930 + number)}
            filed = world.file("foro", **body, release__released_on=f"2026-01-{number + 1:02}")
            world.verify(filed["release"]["id"], "jep", verdict="verified", method="lawyer")
            with open_write_session(world.engine) as session:
                wanted[world.revision] = told(session, world.revision)
    finally:
        over.set()
        for thread in asking:
            thread.join()
    assert not wrong
    assert len(wanted) == 12


def test_who_began_before_an_entry_counts_without_it_and_who_began_after_it_with_it(world: World) -> None:
    world.file()
    with open_read_session(world.engine) as early:
        revision = world.revision
        assert releases(early, revision) == 1
        world.file("jep", **OTHER_MAN)
        with open_read_session(world.engine) as late:
            assert releases(late, world.revision) == 2
        assert releases(early, revision) == 1


@pytest.mark.parametrize("seconds", [None, PATIENCE], ids=["without a bound", "within a bound"])
def test_who_began_before_an_entry_makes_nobody_read_everything_again(world: World, seconds: float | None) -> None:
    world.file()
    with open_read_session(world.engine, seconds) as early:
        early.connection().exec_driver_sql("SELECT revision FROM head")  # it sees the registry of now
        revision = world.revision
        world.file("jep", **OTHER_MAN)
        newest = at_head(world.engine)
        assert releases(early, revision) == 1
    assert at_head(world.engine) is newest


def interrupted(world: World, at: int) -> bool:
    """Whether somebody who counts is stopped before the statement of that number, as when the time is over."""
    ran = 0

    def stop(*_given: object) -> None:
        nonlocal ran
        ran += 1
        if ran > at:
            raise OperationalError(None, None, Exception("the time is over"))

    event.listen(world.engine, "before_cursor_execute", stop)
    try:
        at_head(world.engine)
    except OperationalError:
        return True
    finally:
        event.remove(world.engine, "before_cursor_execute", stop)
    return False


@pytest.mark.both_engines
def test_whoever_is_stopped_while_reading_leaves_nothing_half_read(world: World) -> None:
    filed = [world.file("foro", **OTHER_MAN), world.file("foro", **WOMAN)]
    agree(at_head(world.engine), anew(world.engine))
    at, was = 0, True
    while was:
        for number, one in enumerate(filed):
            kind = "pardon" if at % 2 else "amnesty"
            world.verify(one["release"]["id"], ("jep", "pud")[number], verdict="verified", method="family", kind=kind)
        world.file("pud", detainee__full_name=f"Invented {at} Person", detainee__birth_date=str(1920 + at))
        was = interrupted(world, at)
        agree(at_head(world.engine), anew(world.engine))
        at += 1
    assert at > len(table.ALL_TABLES), "every statement has been the last one once"


# Whoever writes.


class TakenBackError(Exception):
    """A writer thinks better of it."""


def test_who_writes_counts_what_it_wrote_and_leaves_nothing_of_it_when_it_takes_it_back(world: World) -> None:
    world.file("foro", **OTHER_MAN)
    before = at_head(world.engine)
    rows = whole(before)

    def write() -> None:
        with open_write_session(world.engine) as session:
            context = WriteContext(session, _source(session), world.now, world.app.state.secret)
            reports.write_report(context, ReleaseReportIn.model_validate(make_report()))
            own = get_columns(session)
            assert own.head > before.head
            assert releases(session, own.head) == 2
            assert at_head(world.engine) is before
            raise TakenBackError

    with pytest.raises(TakenBackError):
        write()
    assert at_head(world.engine) is before
    assert whole(at_head(world.engine)) == rows
    world.file("jep", **WOMAN)
    agree(at_head(world.engine), anew(world.engine))


def _source(session: Session) -> Reader:
    (key,) = session.connection().exec_driver_sql("SELECT key FROM source WHERE slug = 'foro'").scalars()
    return Reader(Role.REPORTER, key, "foro", independent=True)


# Erasures.


def test_after_an_erasure_no_array_says_anything_personal_of_the_erased(world: World) -> None:
    world.add_facility()
    world.file("foro")
    gone = world.file("jep", **WOMAN)
    before, revision = at_head(world.engine), world.revision
    total = world.count(as_of=revision)["total"]
    personal = (table.TRAITS, table.SOURCE_TRAITS, table.NAMES)
    key = next(row[2] for row in whole(before)["trait"] if "female" in row)
    assert all(key in before.tables[kept.name].column(table.PERSON_COLUMN) for kept in personal)
    world.redact(gone["detainee"]["id"])
    after = at_head(world.engine)
    for kept in personal:
        assert key not in after.tables[kept.name].column(table.PERSON_COLUMN)
        assert [*after.tables[kept.name].places([key])] == []
    assert world.count(as_of=revision)["total"] == total
    assert world.count(as_of=revision, group_by="gender", who="curator")["groups"][-1]["by"]["gender"] != "female"


READ = [kept for kept in ALL_TABLES if kept is not NAMES]
WHOLE: list[TableRead] = [(kept, None) for kept in READ]


@pytest.fixture(scope="module")
def lived(shared: World) -> Columns:
    """The columns of a registry in which people were tied, parted, closed, erased and recalled."""
    for _happened in life(shared):
        pass
    return at_head(shared.engine)


def told_at(columns: Columns, kept: TableSpec, rows: Rows) -> list[tuple[object, ...]]:
    """Rows without the keys of people and spells, which have other numbers in stretches."""
    return told(
        columns,
        kept,
        rows,
        [SINCE_COLUMN, *(name for name in kept.columns if name not in (PERSON_COLUMN, SPELL_COLUMN))],
    )


def at_point(rows: Rows, point: int) -> Rows:
    return rows.where((rows[BEGIN_COLUMN] <= point) & (rows[END_COLUMN] > point))


@pytest.mark.parametrize("every", [1, 3, 7])
def test_at_each_revision_the_rows_are_those_that_hold_then(lived: Columns, every: int) -> None:
    revisions = [*range(0, lived.head + 1, every)][-60:]
    for within in (None, STAGE):
        read: list[TableRead] = [(kept, within) for kept in READ if within is None or "stage" in kept.columns]
        together = build_columns_at_revisions(lived, revisions, read)
        for kept, _within in read:
            rows = together.rows(kept, lived.head, within)
            for point, revision in enumerate(revisions):
                wanted = lived.rows(kept, revision, within)
                found = told_at(lived, kept, at_point(rows, point))
                assert found == told_at(lived, kept, wanted), (kept.name, revision)


@pytest.mark.parametrize("every", [1, 3, 7])
@pytest.mark.parametrize("name", [PERSON_COLUMN, SPELL_COLUMN])
def test_at_each_revision_the_rows_of_one_person_or_spell_are_joined(lived: Columns, every: int, name: str) -> None:
    revisions = [*range(0, lived.head + 1, every)][-60:]
    together, read = (
        build_columns_at_revisions(lived, revisions, WHOLE),
        [kept for kept in READ if name in kept.columns],
    )
    for point, revision in enumerate(revisions):
        found = joined(lived, name, [(kept, at_point(together.rows(kept, lived.head), point)) for kept in read])
        assert found == joined(lived, name, [(kept, lived.rows(kept, revision)) for kept in read]), revision


def joined(columns: Columns, name: str, rows: list[tuple[TableSpec, Rows]]) -> list[list[str]]:
    """For each key of that name all rows of it, without their keys."""
    by_key: dict[int, list[str]] = defaultdict(list)
    for kept, of_table in rows:
        for place, key in enumerate(of_table[name].tolist()):
            (row,) = told_at(columns, kept, of_table.take(np.array([place])))
            by_key[key].append(f"{kept.name} {row}")
    return sorted(sorted(of_key) for of_key in by_key.values())


def test_most_people_are_one_stretch_from_one_change_to_the_next(lived: Columns) -> None:
    revisions = [lived.head - 2, lived.head - 1, lived.head]
    rows = build_columns_at_revisions(lived, revisions, [(RELEASES, None), (SOURCE_RELEASES, None)]).rows(
        RELEASES, lived.head
    )
    assert len(rows) < len(revisions) * len(lived.rows(RELEASES, lived.head))


def test_what_was_not_named_is_not_read(lived: Columns) -> None:
    together = build_columns_at_revisions(lived, [lived.head], [(RELEASES, STAGE), (PLACEMENTS, None)])
    for kept, within in ((TRAITS, None), (RELEASES, None)):
        with pytest.raises(KeyError):
            together.rows(kept, lived.head, within)
