"""Who works on lists that were sent: one process on each."""

import asyncio
from time import sleep
from uuid import UUID

import pytest
from sqlmodel import Session

from app.database import writing
from app.exchange.imports import stored
from app.exchange.imports.worker import Worker
from tests.exchange.imports.test_run import begin
from tests.support import A_WHILE, NOW, World, kept_waiting


def test_of_two_processes_that_look_for_lists_at_once_one_takes_a_list(
    resting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = begin(resting, b"")
    with writing(resting.engine) as session:
        stored.keep_file(session, job, b"nombre")
    workers = [Worker(resting.engine, resting.app.state.secret, lambda: NOW, asyncio.Semaphore(1)) for _ in range(2)]
    taken: list[UUID] = []
    file_of = stored.file_of

    def slowly(session: Session, job: UUID) -> bytes | None:
        sleep(A_WHILE)
        return file_of(session, job)

    def take(worker: Worker) -> None:
        if (running := worker._next()) is not None:
            taken.append(running.job)

    monkeypatch.setattr(stored, "file_of", slowly)
    with kept_waiting(resting.engine, *(lambda one=one: take(one) for one in workers)):
        pass
    assert taken == [job]
