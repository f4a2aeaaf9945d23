"""The January replay, loaded once on each engine: it takes many seconds, and the tests of its counts only read."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from app.main import create_app
from tests.databases import ENGINES, Templates
from tests.replay import replay_into, replayed_once, settings_for


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
def replayed(
    request: pytest.FixtureRequest, templates: Templates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replayed]:
    """The whole replay, read as the public reads it."""
    on_file = request.param == "sqlite"
    template = f"sqlite:///{replayed_once(tmp_path_factory)}" if on_file else templates.empty(request.param)
    with templates.copy(request.param, template) as url:
        settings = settings_for(url)
        if not on_file:
            replay_into(url, tmp_path_factory)
        app = create_app(settings)
        with TestClient(app) as client:
            yield Replayed(client, app.state.engine, settings.secret_key())
