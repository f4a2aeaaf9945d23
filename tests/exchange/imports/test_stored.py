"""Imports in the database: each moves from where it was seen, and never after it has ended."""

import pytest

from app.database import reading, writing
from app.exchange.imports import stored
from app.import_codes import ImportState
from tests.exchange.imports.test_filing import begin
from tests.support import NOW, World


def test_an_import_moves_once_from_where_it_was_seen(world: World) -> None:
    job = begin(world, b"")
    with reading(world.engine) as session:
        seen = stored.load(session, job)
    with writing(world.engine) as session:
        assert stored.move(session, world.app.state.secret, seen, state="running")
        assert not stored.move(session, world.app.state.secret, seen, state="checking")
        assert stored.load(session, job).state == "running"


@pytest.mark.parametrize("state", sorted(set(ImportState) - set(stored.OPEN_STATES)))
def test_an_import_that_has_ended_stays_as_it_ended(world: World, state: str) -> None:
    job = begin(world, b"")
    with writing(world.engine) as session:
        stored.finish(session, world.app.state.secret, stored.load(session, job), state, NOW)
        ended = stored.load(session, job)
        stored.keep_file(session, world.app.state.secret, job, b"kept for whoever works on it")
        assert not stored.move(session, world.app.state.secret, ended, state="running")
        assert not stored.begin_again(session, world.app.state.secret, ended, "running")
        stored.finish(session, world.app.state.secret, ended, "failed", NOW)
        assert stored.load(session, job).state == state
        assert stored.file_of(session, world.app.state.secret, job) is not None
