"""Where processes listen, kept answers cost the database nothing, and are at most a second old."""

from collections.abc import Iterator
from contextlib import ExitStack
from time import monotonic, sleep
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.db.notifications import MAX_ROW_AGE_SECONDS, WatchedRow
from app.main import create_app
from tests.support import PATIENCE, World, make_report

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
COUNT = "/v1/counts/releases"
PAUSE = 0.01  # seconds


@pytest.fixture
def both(settings: Settings, resting: World) -> Iterator[list[Any]]:
    """Two processes' worth of one registry, each of which listens."""
    listening = settings.model_copy(update={"database_listen_url": settings.database_url})
    with ExitStack() as opened:
        clients: list[Any] = []
        for _each in range(2):
            app = create_app(listening)
            app.state.clock = lambda: resting.now
            clients.append(opened.enter_context(TestClient(app)))
        for client in clients:
            until = monotonic() + PATIENCE
            while client.app.state.head_watcher._listener.row(0) is None:
                assert monotonic() < until
        yield clients


def counted(client: TestClient) -> int:
    return int(client.get(COUNT).json()["total"]["cases"])


def test_who_wrote_is_told_at_once_and_others_within_a_second(both: list[Any], resting: World) -> None:
    writer, other = both
    for number in range(1, 6):
        assert {counted(client) for client in both} == {number - 1}
        report = make_report(detainee__full_name=f"Ovidio Marcano {chr(65 + number)}o", detainee__birth_date="1950")
        assert writer.post("/v1/releases", json=report, headers=resting.headers("foro")).status_code == 201
        acknowledged = monotonic()
        assert counted(writer) == number
        while counted(other) < number:
            assert monotonic() - acknowledged < MAX_ROW_AGE_SECONDS
            sleep(PAUSE)
        assert counted(writer) == number


def test_who_wrote_is_not_told_what_was_heard_before(both: list[Any], resting: World) -> None:
    writer = both[0]
    assert counted(writer) == 0
    listener = writer.app.state.head_watcher._listener
    heard = listener.row(0)
    listener.stop()
    listener._told = monotonic(), heard  # as where the notice comes late
    assert counted(writer) == 0
    assert writer.post("/v1/releases", json=make_report(), headers=resting.headers("foro")).status_code == 201
    assert counted(writer) == 1


def test_kept_answers_ask_the_database_nothing(both: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    counted(both[0])
    looks: list[WatchedRow] = []
    look = WatchedRow.look

    def looking(watched: WatchedRow) -> Any:
        looks.append(watched)
        return look(watched)

    monkeypatch.setattr(WatchedRow, "look", looking)
    until, asked = monotonic() + 2 * MAX_ROW_AGE_SECONDS, 0
    while monotonic() < until:
        asked += both[0].get(COUNT).status_code == 200
    assert asked > len(looks) == 0


def test_who_was_told_of_an_entry_is_not_told_of_less_by_what_was_kept_before(both: list[Any], resting: World) -> None:
    client = both[0]
    for number in range(1, 6):
        assert counted(client) == number - 1  # which is kept
        resting.file(detainee__full_name=f"Ovidio Marcano {chr(65 + number)}o", detainee__birth_date="1950")
        other = client.get(f"{COUNT}?released_to=2027-01-0{number}").json()  # is not, and read where all stands
        assert (other["at"]["revision"], other["total"]["cases"]) == (resting.revision, number)
        assert counted(client) == number


def test_where_the_listener_is_lost_the_database_is_asked(both: list[Any], resting: World) -> None:
    client = both[0]
    client.app.state.head_watcher._listener.stop()
    resting.file()
    assert counted(client) == 1
