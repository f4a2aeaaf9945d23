"""Writers of one process take turns on SQLite: the next one is woken at once, and nobody takes the turn for good."""

from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from app.database import is_locked, make_engine, writing
from app.database_turns import others_wait, turn
from app.log.entries import as_only_writer
from tests.support import PATIENCE

OFTEN = 20
SHORT = 0.05  # seconds


def test_who_takes_the_turn_again_at_once_lets_another_in_between(engine: Engine) -> None:
    wrote = Event()

    def write() -> None:
        with as_only_writer(engine):
            wrote.set()

    other, turns = Thread(target=write), 0
    while not wrote.is_set() and turns < OFTEN:
        with as_only_writer(engine):
            if not turns:
                other.start()
            sleep(SHORT)
        turns += 1
        sleep(0.001)  # as a list does between two batches
    other.join()
    assert turns < OFTEN / 4


def test_whoever_writes_knows_whether_others_wait(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'turns.db'}")

    def write() -> None:
        with turn(engine, PATIENCE):
            pass

    other = Thread(target=write)
    with turn(engine, 0):
        assert not others_wait(engine)
        other.start()
        until = monotonic() + PATIENCE
        while not others_wait(engine) and monotonic() < until:
            sleep(SHORT / 10)
        assert others_wait(engine)
    other.join()
    assert not others_wait(engine)
    engine.dispose()


def test_whose_turn_does_not_come_is_told_that_the_database_is_locked(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'turns.db'}")
    with turn(engine, 1) as came, pytest.raises(OperationalError) as refusal, writing(engine, 50):
        pass
    assert came
    assert is_locked(refusal.value)
    with writing(engine, 50):  # and then it comes again
        pass
    engine.dispose()


def test_a_turn_ends_with_whoever_fails_in_it(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'turns.db'}")
    with pytest.raises(ZeroDivisionError), writing(engine):
        raise ZeroDivisionError
    with turn(engine, 0) as came:
        assert came
        with turn(engine, 0) as again:
            assert not again
    engine.dispose()
