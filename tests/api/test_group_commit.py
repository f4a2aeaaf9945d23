"""Reports that arrive together share one transaction, and each is answered as if it had come alone."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic, sleep
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import event, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import Session

from app.api import group_commit
from app.db.engine import open_write_session
from app.errors import NotFound
from app.lanes import Sender, current_sender
from app.log.entries import open_writer_session
from app.matching import scripts
from app.models import Record
from app.registry import api_keys, filing
from app.registry.apply import rebuild_tables
from app.registry.write import Outcome, WriteContext
from app.schemas.reports import DetentionReportIn
from app.server_log import RequestStats
from tests.support import NOW, PATIENCE, Body, World, make_report
from tests.working import statements

NAMES = ("Rosa Inés Valdivia", "Otto Brandt", "Ifeoma Nwosu", "Haruki Tanabe", "Milica Jovanović")
Send = Callable[[], Response]


class RefusedJob:
    """Stands for a write that is refused."""

    def run(self, _transaction: object) -> None:
        raise NotFound("Nothing is there.")


def person(number: int, **changes: Any) -> Body:
    """A report of one of five people whom nobody takes for another."""
    return make_report(
        detainee__full_name=NAMES[number],
        detainee__birth_date=str(1950 + 7 * number),
        detention__facility=None,
        **{"source_record_id": f"FP-{number}", **changes},
    )


def post(world: World, body: Body, who: str = "foro", **headers: str) -> Send:
    return lambda: world.post("/v1/releases", body, who, **headers)


@contextmanager
def gathering(world: World, *requests: Send) -> Iterator[tuple[Session, list[Future[Response]]]]:
    """Requests that wait for a writer, in this order, with the writer's session. They are answered once it is left."""
    commit, answers = world.app.state.group_commit, list[Future[Response]]()
    with ThreadPoolExecutor(len(requests)) as pool, open_writer_session(world.engine) as session:
        for number, send in enumerate(requests, 1):
            answers.append(pool.submit(send))
            until = monotonic() + PATIENCE
            while len(commit._queue) + (commit._write_task is not None) < number:
                assert monotonic() < until, "a request does not gather"
                sleep(0.001)
        yield session, answers


def together_with(world: World, *requests: Send) -> list[Response]:
    """The answers to requests that came while somebody else wrote."""
    with gathering(world, *requests) as (_session, answers):
        pass
    return [answer.result() for answer in answers]


@contextmanager
def commits(world: World) -> Iterator[list[None]]:
    """One for each transaction that wrote."""
    made: list[None] = []

    def note(connection: Any) -> None:
        if connection.get_execution_options().get("recuento_writes"):
            made.append(None)

    event.listen(world.engine, "commit", note)
    try:
        yield made
    finally:
        event.remove(world.engine, "commit", note)


def statuses(answers: list[Response]) -> list[int]:
    return [answer.status_code for answer in answers]


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, those who gather are filed in one transaction."""
    monkeypatch.setattr(group_commit, "MAX_TRANSACTION_SECONDS", PATIENCE)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
    """`failing(error)`: a report of Otto Brandt fails so, once it is stored."""
    file_report = filing.file_or_embargo

    def make(error: Exception) -> None:
        def fails(context: WriteContext, body: DetentionReportIn) -> Outcome:
            outcome = file_report(context, body)
            if body.source_record_id == "FP-1":
                raise error
            return outcome

        monkeypatch.setattr(filing, "file_or_embargo", fails)

    return make


def test_reports_that_came_while_another_was_written_share_one_transaction_and_have_receipts_of_their_own(
    world: World,
) -> None:
    before = world.revision
    with commits(world) as made:
        answers = together_with(world, *(post(world, person(number)) for number in range(5)))
    assert len(made) == 2  # of the writer before them, and theirs
    assert statuses(answers) == [201] * 5
    receipts = [answer.json()["receipt"] for answer in answers]
    assert [receipt["revision"] for receipt in receipts] == [before + number for number in range(1, 6)]
    leaves = world.rows(f"SELECT leaf_hash FROM entry WHERE revision > {before} ORDER BY revision")
    assert [receipt["leaf_hash"] for receipt in receipts] == [bytes(leaf).hex() for (leaf,) in leaves]
    assert [answer.json()["detainee"]["name"] for answer in answers] == list(NAMES)
    assert world.count()["total"]["cases"] == 5


def test_a_report_that_is_refused_leaves_nothing_and_the_others_as_they_would_be_alone(world: World) -> None:
    world.file(**{"source_record_id": "FP-0"})
    before = world.revision
    refused = person(0)  # under the case number of somebody else
    answers = together_with(
        world, post(world, person(1)), post(world, refused), post(world, person(2)), post(world, refused)
    )
    world.refuse(answers[1], 409, "another_person")
    world.refuse(answers[3], 409, "another_person")
    assert statuses(answers) == [201, 409, 201, 409]
    assert [answers[place].json()["receipt"]["revision"] for place in (0, 2)] == [before + 1, before + 2]
    assert world.revision == before + 2
    assert "Valdivia" not in world.get("/v1/releases", "reader").text


@pytest.mark.parametrize("error", [ValueError("a fault"), IntegrityError("INSERT", None, Exception("twice"))])
def test_a_report_that_fails_half_way_is_undone_and_no_other(
    world: World, failing: Callable[[Exception], None], error: Exception
) -> None:
    failing(error)
    before = world.revision
    answers = together_with(world, *(post(world, person(number)) for number in range(3)))
    assert statuses(answers) == [201, 500, 201]
    assert world.revision == before + 2
    assert world.rows("SELECT count(*) FROM record") == [(2,)]


def test_where_the_database_fails_in_between_nobody_is_told_of_success(
    world: World, failing: Callable[[Exception], None]
) -> None:
    failing(OperationalError("INSERT", None, Exception("the disk is full")))
    with world.storing_nothing():
        answers = together_with(world, *(post(world, person(number)) for number in range(2)))
    for answer in answers:
        assert "Nothing was stored" in world.refuse(answer, 503, "unavailable")["detail"]


def test_who_comes_after_one_in_whom_the_database_failed_is_filed_with_the_next(
    world: World, failing: Callable[[Exception], None]
) -> None:
    failing(OperationalError("INSERT", None, Exception("the disk is full")))
    answers = together_with(world, *(post(world, person(number)) for number in range(4)))
    assert statuses(answers) == [503, 503, 201, 201]
    assert world.count()["total"]["cases"] == 2


@pytest.mark.parametrize("stored", [True, False])
def test_a_commit_without_an_answer_is_told_as_perhaps_stored_to_all_but_who_was_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, stored: bool
) -> None:
    world.file(**{"source_record_id": "FP-0"})
    dialect: Any = world.engine.dialect
    commit = dialect.do_commit

    def breaks(connection: Any) -> None:
        if stored:
            commit(connection)
        else:
            connection.rollback()
        raise dialect.dbapi.OperationalError("the line broke")

    with gathering(world, *(post(world, person(number)) for number in (1, 0, 2))) as (session, answers):
        session.commit()
        monkeypatch.setattr(dialect, "do_commit", breaks)
    told = [answer.result() for answer in answers]
    world.refuse(told[0], 503, "perhaps_stored")
    world.refuse(told[1], 409, "another_person")
    world.refuse(told[2], 503, "perhaps_stored")
    monkeypatch.undo()
    assert world.count()["total"]["cases"] == (3 if stored else 1)


def test_the_same_report_twice_is_filed_once(world: World) -> None:
    unnamed = person(0, source_record_id=None)
    before = world.revision
    first, again = together_with(world, post(world, unnamed), post(world, unnamed))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotency-replayed"] == "true"
    assert [one["code"] for one in again.json()["warnings"]] == ["sent_before"]
    assert again.json()["receipt"] == first.json()["receipt"]
    assert world.revision == before + 1


def test_an_idempotency_key_and_a_case_number_hold_among_those_who_came_together(world: World) -> None:
    before = world.revision
    once = {"Idempotency-Key": "once"}
    answers = together_with(
        world,
        post(world, person(0), **once),
        post(world, person(0), **once),
        post(world, person(1), **once),
        post(world, person(0)),
        post(world, person(0, release__kind="pardon")),
    )
    assert statuses(answers) == [201, 201, 422, 200, 200]
    world.refuse(answers[2], 422, "idempotency_mismatch")
    versions = [answers[place].json()["report"]["version"] for place in (0, 1, 3, 4)]
    assert versions == [1, 1, 1, 2]
    assert world.revision == before + 2


def test_sources_who_report_one_person_together_are_told_of_one_person(world: World) -> None:
    answers = together_with(world, *(post(world, person(0), who) for who in ("foro", "jep", "pud")))
    assert [answer.json()["match"]["outcome"] for answer in answers] == ["new", "linked", "linked"]
    assert len({answer.json()["detainee"]["id"] for answer in answers}) == 1
    told = [answer.json()["release"]["verified_by"] for answer in answers]
    assert told == [["foro"], ["foro", "jep"], ["foro", "jep", "pud"]]  # each is told what stood once it was filed
    assert world.count()["total"]["by_min_sources"] == {"1": 1, "2": 1, "3": 1}


def test_a_key_that_ends_while_its_report_waits_files_nothing_and_the_others_are_filed(world: World) -> None:
    with gathering(world, post(world, person(0)), post(world, person(1), "jep"), post(world, person(2))) as waiting:
        session, answers = waiting
        api_keys.revoke_key(session, world.keys["foro"].removeprefix("rcn_")[:8], NOW)
    told = [answer.result() for answer in answers]
    world.refuse(told[0], 401, "unauthenticated")
    world.refuse(told[2], 401, "unauthenticated")
    assert told[1].status_code == 201
    assert world.by_source() == {"jep": 1}


def test_claims_and_reports_that_wait_for_an_embargo_come_along(world: World) -> None:
    claim = {"claimant": "ministry", "measure": "released", "qualifier": "exactly", "low": 116, "high": 116}
    with commits(world) as made:
        answers = together_with(
            world,
            lambda: world.post("/v1/claims", claim, "jep"),
            post(world, person(0) | {"publish_not_before": "2026-03-20"}),
            lambda: world.post("/v1/detentions", make_report(release=None), "pud"),
        )
    assert statuses(answers) == [201, 202, 201]
    assert len(made) == 2


def test_reports_filed_together_leave_the_rows_that_a_rebuild_makes(world: World) -> None:
    sources = ("foro", "jep", "pud", "ministry")
    answers = together_with(
        world, *(post(world, person(place % 3, release__kind="pardon"), who) for place, who in enumerate(sources * 2))
    )
    assert set(statuses(answers)) <= {200, 201}
    rows = "SELECT spell, stage, since, until, detainee, status FROM release_at_stage ORDER BY 1, 2, 3"
    counted, before = world.count(group_by="source"), world.rows(rows)
    with open_write_session(world.engine) as session:
        rebuild_tables(session)
    assert (world.count(group_by="source"), world.rows(rows)) == (counted, before)


def test_each_has_a_memory_of_its_own_for_names(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the clock would tell whose name was read for somebody else."""
    seen: list[Any] = []
    file_report = filing.file_or_embargo

    def noting(context: WriteContext, body: DetentionReportIn) -> Outcome:
        seen.append(scripts._current_cache.get())
        return file_report(context, body)

    monkeypatch.setattr(filing, "file_or_embargo", noting)
    together_with(world, post(world, person(0)), post(world, person(1)))
    assert seen[0] is not seen[1]
    assert all(one is not scripts._PROCESS_CACHE for one in seen)


def test_none_finds_in_its_session_what_was_read_for_another(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in it already is not read anew, however it was changed since."""
    kept: list[Any] = []
    file_report = filing.file_or_embargo

    def keeping(context: WriteContext, body: DetentionReportIn) -> Outcome:
        assert not context.session.identity_map.values()
        outcome = file_report(context, body)
        kept.extend(context.session.scalars(select(Record)))
        return outcome

    monkeypatch.setattr(filing, "file_or_embargo", keeping)
    versions = [person(0), *(person(0, release__kind=kind) for kind in ("pardon", "amnesty", "pardon"))]
    answers = together_with(world, *(post(world, body) for body in versions))
    assert [answer.json()["report"]["version"] for answer in answers] == [1, 2, 3, 4]
    assert kept


def test_others_get_their_turn_after_a_while_and_all_are_answered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "MAX_TRANSACTION_SECONDS", 0.0)
    with commits(world) as made:
        answers = together_with(world, *(post(world, person(number)) for number in range(4)))
    assert statuses(answers) == [201] * 4
    assert len(made) == 5


def test_those_who_gather_hold_no_place_among_writes_but_the_one_who_writes(world: World) -> None:
    """Or two could gather at most, and nobody else could write."""
    lane = world.app.state.limits.writes
    places = lane.free_places
    with gathering(world, *(post(world, person(number)) for number in range(5))) as (_session, answers):
        assert lane.free_places == places - 1
    assert {answer.result().status_code for answer in answers} == {201}
    assert lane.free_places == places


def test_reports_do_not_wait_for_the_other_writes_of_whoever_reports_first(world: World) -> None:
    lane, commit = world.app.state.limits.writes, world.app.state.group_commit
    done: list[str] = []

    async def change() -> None:
        current_sender.set(Sender(("foro",)))
        async with lane.hold():
            await asyncio.sleep(0)
        done.append("a change by foro")

    async def report(source: str) -> None:
        current_sender.set(Sender((source,)))
        with pytest.raises(NotFound):
            await commit.submit(RefusedJob())
        done.append(f"a report by {source}")

    async def act() -> None:
        changes = [asyncio.create_task(change()) for _number in range(50)]
        await asyncio.sleep(0)
        await asyncio.gather(report("foro"), report("jep"), *changes)

    assert world.client.portal is not None
    world.client.portal.call(act)
    assert done.index("a report by jep") < 25


def test_a_report_that_comes_alone_waits_for_nobody_and_needs_no_savepoint(world: World) -> None:
    with statements(world.engine) as run, commits(world) as made:
        world.file()
    assert len(made) == 1
    assert not [statement for statement in run if "SAVEPOINT" in statement]


def test_what_came_together_is_measured_each_by_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[RequestStats] = []
    count = world.app.state.metrics.count

    def noting(method: str, status: int, took: float, measure: RequestStats) -> None:
        measured.append(measure)
        count(method, status, took, measure)

    monkeypatch.setattr(world.app.state.metrics, "count", noting)
    together_with(world, *(post(world, person(number)) for number in range(3)))
    assert [one.lane for one in measured] == ["writes"] * 3
    assert all(one.waited["writes"] > 0 for one in measured)
    assert len([one for one in measured if one.held]) == 1  # the place that they shared
    assert all(20 < one.statements < 50 for one in measured)
