"""Rows of a list filed many at a time: the same as one by one, and never tied to each other."""

import json
from typing import Any

import pytest

from app.db.engine import open_read_session, open_write_session
from app.errors import Invalid, Problem
from app.log.entries import Log, LogEntry
from app.matching.blocking import BlockingQuery
from app.models import PROJECTED_TABLES, metadata
from app.registry.apply import BASE_TABLES, rebuild_tables
from app.registry.directory_snapshot import DirectorySnapshot
from app.registry.filing import MAX_BATCH_SECONDS
from app.registry.identity.candidates import look_up_candidates
from app.registry.list_rows import SkippedWithdrawal, file_rows
from app.registry.publication.permissions import Reader
from app.registry.write import Outcome, Trial, WriteContext
from app.schemas.reports import DetentionReportIn, ReleaseReportIn
from app.vocabulary import Role
from tests.support import GOVERNMENT, Body, World, make_report

HERS = "Otilia Barrientos Paz"
NAMES = ("Rosa Inés Valdivia", "Julio Peralta Ríos", "Elsa Mora Quiroga", "Fermín Arráez Sol", "Nora Ibarra Lugo")


def person(place: int, **changes: Any) -> Body:
    said = {"detainee__full_name": NAMES[place], "detainee__birth_date": str(1960 + 4 * place), **changes}
    return make_report(source_record_id=f"L-{place}", **said)


Filing = Outcome | Problem | SkippedWithdrawal


def file_all(world: World, *bodies: Body, who: str = "foro") -> list[Filing]:
    with open_write_session(world.engine) as session:
        source = DirectorySnapshot(session).sources_by_slug[who]
        actor = Reader(Role.REPORTER, source.key, who, source.independent)
        context = WriteContext(session, actor, world.now, world.app.state.secret, is_list=True)
        shapes = [(ReleaseReportIn if "release" in body else DetentionReportIn).model_validate(body) for body in bodies]
        return [filed.outcome for filed in file_rows(context, shapes)]


def told(results: list[Filing]) -> list[str]:
    """`201 new`, `200`, or the code of a refusal."""
    return [f"{one.status} {one.match or ''}".strip() if isinstance(one, Outcome) else code_of(one) for one in results]


def code_of(refusal: Problem | SkippedWithdrawal) -> str:
    return refusal.code if isinstance(refusal, Problem) else "stays withdrawn"


def tables(world: World) -> dict[str, list[str]]:
    """Every row that a rebuild makes, as text."""
    with open_read_session(world.engine) as session:
        return {
            table.name: sorted(json.dumps([*map(str, row)]) for row in session.connection().execute(table.select()))
            for table in metadata.sorted_tables
            if table in {model.__table__ for model in (*BASE_TABLES, *PROJECTED_TABLES)}
        }


def test_what_is_filed_together_is_what_a_replay_makes_one_by_one(world: World) -> None:
    world.add_facility()
    world.file("jep", detainee__full_name=NAMES[1], detainee__birth_date="1964")
    bodies = [person(place) for place in range(5)]
    bodies[2]["detainee"]["birth_date"] = "2012"  # a child
    bodies[3] = {name: part for name, part in person(3, note="n").items() if name != "release"}
    bodies[4]["verification"]["citing"] = ["jep", "Radio Bemba"]
    results = file_all(world, *bodies)
    assert told(results) == ["201 new", "201 linked", "201 new", "201 new", "201 new"]
    before = tables(world)
    assert len(before["record"]) == 6
    with open_write_session(world.engine) as session:
        rebuild_tables(session)
    assert tables(world) == before


def test_pairs_that_wait_for_a_curator_are_what_a_replay_makes_one_by_one(world: World) -> None:
    for name in NAMES[:2]:
        world.file("jep", detainee__full_name=name, detainee__nationalities=["AR"], source_record_id=name)
    rows = [person(place, detainee__nationalities=["VE"]) for place in range(3)]
    rows += [{**person(1, detainee__nationalities=["VE"]), "source_record_id": "L-9"}]
    assert told(file_all(world, *rows)) == ["201 needs_review", "201 needs_review", "201 new", "201 needs_review"]
    before = tables(world)
    assert len(before["pending_pair"]) == 4
    with open_write_session(world.engine) as session:
        rebuild_tables(session)
    assert tables(world) == before


def test_each_is_what_a_single_report_would_have_been(world: World) -> None:
    file_all(world, *(person(place) for place in range(3)))
    together = world.count(group_by="source")["groups"][0]["counts"]
    for place in range(3):
        world.file("pud", **{"source_record_id": f"L-{place}", "detainee__full_name": f"Otra {NAMES[place]}"})
    assert together["verified"] == 3
    own = world.get("/v1/reports", "foro").json()["data"]
    assert [one["source_record_id"] for one in own] == ["L-0", "L-1", "L-2"]
    assert all(one["version"] == 1 for one in own)


def test_the_same_again_changes_nothing_and_what_differs_is_the_next_version(world: World) -> None:
    bodies = [person(place) for place in range(3)]
    file_all(world, *bodies)
    revision = world.revision
    assert told(file_all(world, *bodies)) == ["200", "200", "200"]
    assert world.revision == revision
    bodies[1]["release"]["kind"] = "pardon"
    results = file_all(world, *bodies)
    assert [one.revision > revision for one in results if isinstance(one, Outcome)] == [False, True, False]


def test_one_refused_row_leaves_nothing_behind_and_stops_no_other(world: World) -> None:
    world.file("jep", detainee__full_name=NAMES[0], detainee__birth_date="1960")
    bodies = [person(place) for place in range(4)]
    bodies[1]["verification"] = {"verdict": "verified"}
    results = file_all(world, *bodies)
    assert told(results) == ["201 linked", "invalid", "201 new", "201 new"]
    gone = {**person(1), "detainee": None, "release_id": "11111111-2222-4333-8444-555555555555"}
    revision = world.revision
    assert told(file_all(world, gone, person(1))) == ["not_found", "201 new"]
    assert world.revision == revision + 1


@pytest.mark.parametrize("nation", ["VE", "AR"])  # the row would be tied, or wait
def test_a_row_refused_half_way_leaves_no_gap_in_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch, nation: str
) -> None:
    world.file("jep", detainee__full_name=NAMES[0], detainee__birth_date="1960", detainee__nationalities=[nation])
    append = Log.append

    before = world.revision
    refusals = [Invalid.at_pointer("", "too_large", "Shorten it.")]

    def refusing(log: Log, kind: str, *given: Any) -> LogEntry:
        if kind == "report" and log.revision > before and refusals:  # the decision on the row is written
            raise refusals.pop()
        return append(log, kind, *given)

    monkeypatch.setattr(Log, "append", refusing)
    rows = [person(place, detainee__nationalities=["VE"]) for place in range(3)]
    assert told(file_all(world, *rows)) == ["invalid", "201 new", "201 new"]
    assert world.rows("SELECT count(*) FROM decision") == [(0,)]
    assert world.rows("SELECT count(*), max(revision) FROM entry") == [(before + 2, before + 2)]


def test_a_row_is_not_tied_to_a_person_of_whom_the_list_has_a_record_under_another_name(world: World) -> None:
    tied = world.file("jep", detainee__full_name=NAMES[0], detainee__birth_date="1960")
    own = world.file("foro", source_record_id="X-1", detainee__full_name=HERS, detainee__birth_date="1960")
    world.judge(tied["detainee"]["id"], own["detainee"]["id"], "same")
    assert told(file_all(world, person(0))) == ["201 needs_review"]


def test_two_rows_of_one_list_are_never_tied_and_wait_for_a_curator(world: World) -> None:
    twice = [person(0), {**person(0), "source_record_id": "L-9"}]
    assert told(file_all(world, *twice)) == ["201 new", "201 needs_review"]
    assert world.count()["total"]["people"] == 2
    # Nor in two batches, nor where one ends before the other begins, which a single report would be tied by.
    later = person(0, detention__detained_on="2026-02-01", release__released_on="2026-02-20")
    assert told(file_all(world, {**later, "source_record_id": "L-10"})) == ["201 needs_review"]
    assert world.count()["total"]["people"] == 3


def test_a_row_that_meets_somebody_held_back_is_compared_with_them(world: World) -> None:
    rows = [person(0), person(1), {**person(0), "source_record_id": "L-9"}, person(2)]
    assert told(file_all(world, *rows)) == ["201 new", "201 new", "201 needs_review", "201 new"]
    pairs = world.get("/v1/review", "curator").json()["data"]
    assert len(pairs) == 1


def test_a_row_meets_whom_an_earlier_row_has_renamed_by_the_new_name(world: World) -> None:
    file_all(world, person(0))
    renamed = person(0, detainee__full_name="Rosa Peralta Ríos")
    rows = [renamed, person(0, detainee__birth_date="1950"), {**renamed, "source_record_id": "L-9"}]
    rows[1]["source_record_id"] = "L-8"
    assert told(file_all(world, *rows)) == ["200", "201 new", "201 needs_review"]


def test_what_is_said_by_id_and_then_by_case_number_is_the_next_version_each_time(world: World) -> None:
    report = world.file("foro", source_record_id="L-0")["report"]["id"]
    by_id = make_report(source_record_id=f"report:{report}", release__kind="pardon")
    revision = world.revision
    assert told(file_all(world, by_id, make_report(source_record_id="L-0"))) == ["200", "200"]
    assert world.revision == revision + 2
    versions = world.get(f"/v1/reports/{report}", "foro").json()["version"]
    assert versions == 3


@pytest.mark.parametrize("who, outcome", [(GOVERNMENT, "201 new"), ("jep", "201 linked")])
def test_a_list_tells_no_more_than_a_report_would(world: World, who: str, outcome: str) -> None:
    world.file("foro", detainee__full_name=NAMES[0], detainee__birth_date="1960", detainee__publish="anonymous")
    assert told(file_all(world, person(0), who=who)) == [outcome]


def test_a_row_tells_nothing_of_whom_a_state_has_planted(world: World) -> None:
    planted = world.file(GOVERNMENT, detainee__full_name=NAMES[0], detainee__birth_date="1960")
    revision = world.revision
    assert told(file_all(world, person(0, detainee__publish="counted"), person(1))) == ["201 new", "201 new"]
    assert world.revision == revision + 2
    assert world.get(f"/v1/releases/{planted['release']['id']}").status_code == 200
    world.find_pairs()
    assert world.rows("SELECT count(*) FROM hidden_candidate_pair") == [(1,)]


def test_who_was_erased_does_not_come_back_with_the_next_list(world: World) -> None:
    file_all(world, person(0), person(1))
    own = world.get("/v1/reports", "foro").json()["data"][0]["id"]
    found = world.rows(f"SELECT detainee_id FROM record WHERE key = (SELECT min(key) FROM record) -- {own}")
    world.redact(str(found[0][0]))
    assert told(file_all(world, person(0), person(1))) == ["redacted", "200"]


def test_a_transaction_that_takes_long_leaves_rows_to_the_next(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.registry.list_rows.MAX_BATCH_SECONDS", 0.0)
    bodies = [person(place) for place in range(3)]
    assert told(file_all(world, *bodies)) == ["201 new"]


def test_a_transaction_for_which_others_wait_leaves_rows_to_the_next_sooner(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.registry.list_rows.MAX_CONTENDED_BATCH_SECONDS", 0.0)
    bodies = [person(place) for place in range(3)]
    monkeypatch.setattr("app.registry.list_rows.has_waiting_writers", lambda _engine: True)
    assert told(file_all(world, *bodies)) == ["201 new"]
    monkeypatch.setattr("app.registry.list_rows.has_waiting_writers", lambda _engine: False)
    assert told(file_all(world, *bodies)) == ["200", "201 new", "201 new"]


def test_rows_that_are_left_to_the_next_transaction_are_not_looked_up_in_this_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def counting(context: WriteContext, wanted: list[BlockingQuery]) -> list[dict[int, bool]]:
        asked.append(len(wanted))
        return look_up_candidates(context, wanted)

    monkeypatch.setattr("app.registry.identity.candidates.look_up_candidates", counting)
    monkeypatch.setattr("app.registry.identity.candidates.LOOKUP_BATCH", 2)
    assert told(file_all(world, *(person(place) for place in range(3)))) == ["201 new"] * 3
    assert asked == [2, 1]
    monkeypatch.setattr("app.registry.list_rows.MAX_BATCH_SECONDS", 0.0)
    file_all(world, *(person(place) for place in (3, 4, 2)))
    assert asked == [2, 1, 2]


def test_looking_up_counts_as_time_of_the_transaction(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    passed = [0.0]

    def long(context: WriteContext, wanted: list[BlockingQuery]) -> list[dict[int, bool]]:
        passed[0] += 2 * MAX_BATCH_SECONDS
        return look_up_candidates(context, wanted)

    monkeypatch.setattr("app.registry.identity.candidates.look_up_candidates", long)
    monkeypatch.setattr("app.registry.list_rows.monotonic", lambda: passed[0])
    assert told(file_all(world, *(person(place) for place in range(3)))) == ["201 new"]


def test_a_row_looked_up_later_meets_whom_an_earlier_row_has_made(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.registry.identity.candidates.LOOKUP_BATCH", 1)
    world.file("jep", detainee__full_name=NAMES[1], detainee__birth_date="1964")
    again = [{**person(place), "source_record_id": f"N-{place}"} for place in (0, 1)]
    results = told(file_all(world, person(0), person(1), *again))
    assert results == ["201 new", "201 linked", "201 needs_review", "201 needs_review"]
    before = tables(world)
    with open_write_session(world.engine) as session:
        rebuild_tables(session)
    assert tables(world) == before


def test_a_trial_compares_no_identification_number(world: World) -> None:
    number = {"detainee__national_id": "V-12345678", "detainee__birth_date": None}
    world.file("jep", **number, detainee__full_name=None, detainee__gender="female", detainee__age=40)
    row = person(1, **number, detainee__full_name=None, detainee__gender="female", detainee__age=40)
    row["detention"]["facility"] = "Tocorón"
    outcomes = []
    for trial in (Trial(), None):
        with open_write_session(world.engine) as session:
            source = DirectorySnapshot(session).sources_by_slug["foro"]
            actor = Reader(Role.REPORTER, source.key, "foro", True)
            context = WriteContext(session, actor, world.now, world.app.state.secret, is_list=True, trial=trial)
            (filed,) = file_rows(context, [ReleaseReportIn.model_validate(row)])
            outcomes += told([filed.outcome])
            session.rollback()
    assert outcomes == ["201 new", "201 linked"]
