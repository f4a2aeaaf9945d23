"""Who listens hears of each commit, tells nothing that is older than a second, and never listens through a pooler."""

from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep

import psycopg
import pytest

from app.db import notifications
from app.db.notifications import LISTEN_INTERVAL_SECONDS, MAX_ROW_AGE_SECONDS, POOLER_ERROR, Listener
from app.db.postgresql import COMMIT_NOTICE
from tests.pooler import missing, pooled
from tests.support import PATIENCE

POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
STATEMENT = "SELECT demo FROM head"
SET = "UPDATE head SET demo = true"
PAUSE = 0.005  # seconds


@pytest.fixture
def listener(database_url: str) -> Iterator[Listener]:
    made = Listener(database_url, STATEMENT)
    made.start()
    wait_until(lambda: made.row(0) == (False,))
    yield made
    made.stop()


def wait_until(is_so: Callable[[], bool], seconds: float = PATIENCE) -> float:
    """Wait until something is so; for how long that was."""
    begun = monotonic()
    while not is_so():
        assert monotonic() - begun < seconds
        sleep(PAUSE)
    return monotonic() - begun


@POSTGRESQL
def test_what_somebody_committed_with_a_notice_is_heard_before_the_next_beat(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "LISTEN_INTERVAL_SECONDS", PATIENCE)
    monkeypatch.setattr(notifications, "MAX_ROW_AGE_SECONDS", PATIENCE)
    listener = Listener(database_url, STATEMENT)
    listener.start()
    wait_until(lambda: listener.row(0) == (False,))
    with psycopg.connect(database_url) as writer:
        writer.execute(SET)
        writer.execute(COMMIT_NOTICE)
        assert listener.row(0) == (False,)
    wait_until(lambda: listener.row(0) == (True,), PATIENCE / 2)
    monkeypatch.setattr(listener, "_thread", None)  # it would end at its next beat


@POSTGRESQL
def test_what_was_committed_without_a_notice_is_told_within_a_second(database_url: str, listener: Listener) -> None:
    with psycopg.connect(database_url) as writer:
        writer.execute(SET)
    assert wait_until(lambda: listener.row(0) != (False,)) < MAX_ROW_AGE_SECONDS


@POSTGRESQL
def test_nothing_is_told_that_was_read_before_a_moment_or_longer_than_a_second_ago(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert listener.row(monotonic()) is None
    wait_until(lambda: listener.row(0) is not None)
    now = monotonic()
    monkeypatch.setattr(notifications, "monotonic", lambda: now + MAX_ROW_AGE_SECONDS + LISTEN_INTERVAL_SECONDS)
    assert listener.row(0) is None


@POSTGRESQL
def test_who_loses_the_line_tells_nothing_until_it_is_back(database_url: str, listener: Listener) -> None:
    with psycopg.connect(database_url, autocommit=True) as other:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = %s"  # its last
        wait_until(lambda: other.execute(ended, [STATEMENT]).rowcount > 0)
    wait_until(lambda: listener.row(0) is None)
    wait_until(lambda: listener.row(0) == (False,))


@POSTGRESQL
def test_nobody_listens_through_a_pooler(database_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    if lacking := missing():
        pytest.skip(lacking)
    with pooled(database_url, tmp_path) as url:
        listener = Listener(url, STATEMENT)
        listener.start()
        wait_until(lambda: POOLER_ERROR in caplog.messages)
        listener.stop()
    assert listener.row(0) is None
