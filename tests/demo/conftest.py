"""The January replay, loaded once on each engine: it takes seconds, and the tests of its counts only read."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.config import Settings
from app.database import writing
from app.demo.run import load
from app.main import create_app
from tests.conftest import ENGINES, Templates

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


@pytest.fixture(scope="session", params=ENGINES)
def replayed(request: pytest.FixtureRequest, templates: Templates) -> Iterator[Replayed]:
    """The whole replay, read as the public reads it."""
    with templates.copy(request.param, templates.empty(request.param)) as url:
        settings = Settings(database_url=url, secret=SECRET)  # type: ignore[arg-type]
        app = create_app(settings)
        with writing(app.state.engine) as session:
            load(session, settings.secret_key())
        with TestClient(app) as client:
            yield Replayed(client, app.state.engine, settings.secret_key())
