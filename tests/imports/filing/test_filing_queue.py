"""Lists that were sent wait for their turn: one process files each, and the next one where that is gone."""

import asyncio
from time import sleep
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import Session

from app.db.engine import CommitUnanswered, open_read_session, open_write_session
from app.imports.filing import import_store, row_filing
from app.imports.filing.filing_queue import ImportWorker
from app.imports.filing.import_store import ImportOptions
from app.imports.filing.row_filing import Filing
from app.lanes import Lane
from app.log.entries import open_writer_session
from app.models import ListImport
from app.registry.directory_snapshot import DirectorySnapshot
from tests.imports.filing.test_filing import FIRST, HEAD, LIST, begin, many
from tests.support import A_WHILE, NOW, World, kept_waiting

A_BATCH = 0.25  # seconds


def test_of_two_processes_that_look_for_lists_at_once_one_takes_a_list(
    resting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = begin(resting, b"")
    with open_write_session(resting.engine) as session:
        import_store.store_file(session, resting.app.state.secret, job, b"nombre")
    workers = [ImportWorker(resting.engine, resting.app.state.secret, lambda: NOW, "list", Lane(1)) for _ in range(2)]
    taken: list[UUID] = []
    file_of = import_store.load_file

    def slowly(session: Session, secret: bytes, job: UUID) -> bytes | None:
        sleep(A_WHILE)
        return file_of(session, secret, job)

    def take(worker: ImportWorker) -> None:
        if (running := worker._take_next_import()) is not None:
            taken.append(running.job)

    monkeypatch.setattr(import_store, "load_file", slowly)
    with kept_waiting(resting.engine, *(lambda one=one: take(one) for one in workers)):
        pass
    assert taken == [job]


def test_a_list_that_another_process_left_is_filed_by_the_next_one(world: World) -> None:
    with open_write_session(world.engine) as session:
        source = DirectorySnapshot(session).sources_by_slug["foro"].key
        confirmed = ImportOptions(confirmed=True)
        job = import_store.begin_import(session, world.app.state.secret, source, None, "0" * 64, confirmed, NOW)
        import_store.store_file(session, world.app.state.secret, job.id, LIST.encode())
        import_store.lease_import(session, job.id, NOW - 2 * import_store.LEASE)
    world.send_list(HEAD + FIRST, who="jep")
    world.settle()
    with open_read_session(world.engine) as session:
        assert {job.state for job in session.scalars(select(ListImport))} == {"done"}


def test_a_worker_that_is_told_to_stop_ends_after_its_batch_and_lets_go(
    resting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_filing, "BATCH_ROWS", 4)
    data = many(8).encode()
    job = begin(resting, data)
    with open_write_session(resting.engine) as session:
        import_store.store_file(session, resting.app.state.secret, job, data)

    async def work(batches: int) -> None:
        worker = ImportWorker(resting.engine, resting.app.state.secret, lambda: NOW, "list", Lane(1))
        left, step = batches, Filing.step

        def counted(running: Filing) -> bool:
            nonlocal left
            left -= 1
            if left < 0:
                worker.stop()
            return step(running)

        monkeypatch.setattr(Filing, "step", counted)
        await worker.run()
        monkeypatch.setattr(Filing, "step", step)

    asyncio.run(work(1))
    assert resting.rows("SELECT count(*) FROM record") == [(4,)]
    asyncio.run(work(2))
    assert resting.rows("SELECT count(*) FROM record") == [(8,)]


def test_whoever_writes_waits_for_a_batch_of_a_list_and_not_for_the_list(
    resting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = begin(resting, b"")
    with open_write_session(resting.engine) as session:
        import_store.store_file(session, resting.app.state.secret, job, b"nombre")
    batches: list[int] = []

    def step(running: Filing) -> bool:
        with open_writer_session(resting.engine):
            batches.append(len(batches))
            sleep(A_BATCH)
        return len(batches) < 20

    monkeypatch.setattr(Filing, "step", step)
    worker = ImportWorker(resting.engine, resting.app.state.secret, lambda: NOW, "list", Lane(1))
    waited: list[int] = []

    async def write() -> None:
        working = asyncio.create_task(worker.run())
        for _time in range(3):
            await asyncio.to_thread(write_once)
        worker.stop()
        await working

    def write_once() -> None:
        sleep(A_BATCH / 2)
        before = len(batches)
        with open_writer_session(resting.engine):
            waited.append(len(batches) - before)

    asyncio.run(write())
    assert batches
    assert max(waited) <= 2, waited


def test_a_batch_that_was_perhaps_stored_is_filed_once_and_its_list_goes_on(
    resting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_filing, "BATCH_ROWS", 4)
    data = many(8).encode()
    job = begin(resting, data)
    with open_write_session(resting.engine) as session:
        import_store.store_file(session, resting.app.state.secret, job, data)
    unanswered, file = [True], Filing._file_batch

    def cut(running: Filing, *given: Any) -> Any:
        outcomes = file(running, *given)
        if unanswered:
            unanswered.pop()
            raise CommitUnanswered
        return outcomes

    monkeypatch.setattr(Filing, "_file_batch", cut)
    worker = ImportWorker(resting.engine, resting.app.state.secret, lambda: resting.now, "list", Lane(1))
    asyncio.run(worker._file_waiting_lists())
    assert resting.rows("SELECT state FROM list_import") == [("running",)]
    resting.now += 2 * import_store.LEASE
    asyncio.run(worker._file_waiting_lists())
    assert resting.rows("SELECT state FROM list_import") == [("done",)]
    assert resting.rows("SELECT count(*) FROM record") == [(8,)]


def test_lists_of_two_sources_are_filed_batch_by_batch_in_turn_and_of_one_source_one_after_another(
    resting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_write_session(resting.engine) as session:
        sources = DirectorySnapshot(session).sources_by_slug
        for slug in ("foro", "foro", "jep"):
            job = import_store.begin_import(
                session, resting.app.state.secret, sources[slug].key, None, "0" * 64, ImportOptions(), NOW
            )
            import_store.store_file(session, resting.app.state.secret, job.id, b"nombre")
    steps, batches = list[tuple[int, UUID]](), dict[UUID, int]()

    def step(running: Filing) -> bool:
        sleep(0.01)
        steps.append((running.source, running.job))
        batches[running.job] = batches.get(running.job, 0) + 1
        if batches[running.job] == 10:
            with open_write_session(resting.engine) as session:
                import_store.update_import(session, running.job, state="done")
            return False
        return True

    monkeypatch.setattr(Filing, "step", step)
    worker = ImportWorker(resting.engine, resting.app.state.secret, lambda: NOW, "list", Lane(1))
    asyncio.run(worker._file_waiting_lists())
    foro, jep = sources["foro"].key, sources["jep"].key
    last_of_jep = max(index for index, (source, _job) in enumerate(steps) if source == jep)
    assert 8 <= sum(source == foro for source, _job in steps[:last_of_jep]) <= 13
    jobs_of_foro = [job for source, job in steps if source == foro]
    assert jobs_of_foro == [jobs_of_foro[0]] * 10 + [jobs_of_foro[10]] * 10
