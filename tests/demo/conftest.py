"""The January replay, loaded once on each engine: it takes seconds, and the tests of its counts only read."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from app.config import Settings
from app.database import writing
from app.demo.run import load
from app.main import create_app

SECRET = "a secret of the replay"


@dataclass
class Replayed:
    """The replay behind its public interface, and the engine beneath."""

    client: TestClient
    engine: Engine
    secret: bytes

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """What a reader without a key is answered."""
        response = self.client.get(path, params=params)
        assert response.status_code == 200, response.text
        return dict(response.json())


@pytest.fixture(scope="session")
def replay_postgres(postgres_server: str) -> Iterator[str]:
    name = f"replay_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def replayed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replayed]:
    """The whole replay, read as the public reads it."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('replay') / 'replay.db'}"
    else:
        url = request.getfixturevalue("replay_postgres")
    settings = Settings(database_url=url, secret=SECRET)  # type: ignore[arg-type]
    app = create_app(settings)
    with writing(app.state.engine) as session:
        load(session, settings.secret_key())
    with TestClient(app) as client:
        yield Replayed(client, app.state.engine, settings.secret_key())
