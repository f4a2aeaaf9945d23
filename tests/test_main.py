"""The application as it is made: on what database, with how many places, and when."""

import importlib
import sys
from pathlib import Path

import anyio.to_thread
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr
from sqlalchemy import Engine, inspect

from app import main
from app.api.middleware.concurrency import SESSIONLESS_LANES, SPARE_SESSIONS
from app.config import Settings
from app.db.engine import make_engine
from app.main import SPARE_THREADS, create_app
from app.models import metadata
from app.projection import RULES
from tests.databases import settings_of
from tests.support import World

SECRET = "a secret of the tests"


def memory(**given: object) -> FastAPI:
    return create_app(Settings(database_url="sqlite://", secret=SECRET, **given))  # type: ignore[arg-type]


def test_an_app_on_a_new_database_has_every_table_and_answers(tmp_path: Path) -> None:
    made = create_app(Settings(database_url=f"sqlite:///{tmp_path / 'new.db'}", secret=SECRET))  # type: ignore[arg-type]
    with TestClient(made) as client:
        answer = client.get("/v1/sources").json()
        assert (answer["data"], answer["next"]) == ([], None)
        assert answer["at"] == {"revision": 0, "recorded_at": None, "rules": RULES}
        engine: Engine = made.state.engine
        assert set(inspect(engine).get_table_names()) == {*metadata.tables, "alembic_version"}


def test_an_app_made_again_on_the_same_database_finds_what_was_filed(world: World) -> None:
    filed = world.file()
    with TestClient(create_app(world.settings)) as client:
        assert client.get(f"/v1/releases/{filed['release']['id']}").status_code == 200


def test_a_server_begins_to_read_what_it_counts_from_before_somebody_counts(
    resting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Engine] = []
    monkeypatch.setattr(main, "prefetch_columns", begun.append)
    with resting:
        assert begun == [resting.engine]


def test_one_number_bounds_the_places_and_there_is_a_connection_for_each_and_three_to_spare(settings: Settings) -> None:
    made = create_app(settings)
    assert settings.concurrency == 4
    assert (made.state.engine.pool.size(), made.state.engine.pool._max_overflow) == (4 + SPARE_SESSIONS, 0)
    made.state.engine.dispose()


def test_a_database_in_memory_has_one_connection_and_so_one_place() -> None:
    made = memory(concurrency=8)
    lanes = made.state.limits
    assert len({lane for name, lane in vars(lanes).items() if name not in SESSIONLESS_LANES}) == 1
    with TestClient(made) as client:
        assert client.get("/v1/counts/releases").json()["total"]["cases"] == 0


def test_more_places_than_threads_get_threads(database_url: str) -> None:
    places = 60
    made = create_app(settings_of(database_url).model_copy(update={"concurrency": places}))

    @made.get("/threads")
    async def threads() -> float:
        return float(anyio.to_thread.current_default_thread_limiter().total_tokens)

    with TestClient(made) as client:
        assert client.get("/threads").json() == places + SPARE_SESSIONS + SPARE_THREADS


def test_an_app_that_ends_lets_go_of_its_database(database_url: str) -> None:
    made = create_app(settings_of(database_url))
    with TestClient(made) as client:
        client.get("/v1/sources")
        assert made.state.engine.pool.checkedin() > 0
    assert made.state.engine.pool.checkedin() == 0


def test_a_registry_with_another_secret_is_refused_and_let_go_of(database_url: str) -> None:
    settings = settings_of(database_url)
    first = create_app(settings)
    first.state.engine.dispose()
    with pytest.raises(RuntimeError, match="another secret"):
        create_app(settings.model_copy(update={"secret": SecretStr(SECRET + "!")}))
    engine = make_engine(database_url)
    assert "head" in inspect(engine).get_table_names()
    engine.dispose()


def test_the_page_that_loads_its_scripts_from_elsewhere_is_not_served() -> None:
    with TestClient(memory()) as client:
        answer = client.get("/redoc")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_importing_the_module_reads_no_settings_and_makes_no_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECUENTO_DATABASE_URL", f"sqlite:///{tmp_path / 'none.db'}")
    monkeypatch.setenv("RECUENTO_PORT", "not a port")
    monkeypatch.delitem(sys.modules, "app.main")
    importlib.import_module("app.main")
    assert list(tmp_path.iterdir()) == []


def test_the_app_that_servers_ask_for_is_made_of_the_environment_and_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECUENTO_DATABASE_URL", f"sqlite:///{tmp_path / 'asked.db'}")
    monkeypatch.setenv("RECUENTO_SECRET", SECRET)
    monkeypatch.delitem(sys.modules, "app.main")
    fresh = importlib.import_module("app.main")
    assert isinstance(fresh.app, FastAPI)
    assert fresh.app is fresh.app
    assert (tmp_path / "asked.db").exists()
    fresh.app.state.engine.dispose()
    with pytest.raises(AttributeError):
        _ = fresh.application
