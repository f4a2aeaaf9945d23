"""Every route answers on PostgreSQL as on SQLite, on a replay of January 2026: each read, and each kind of write.

The scene of the examples in `openapi.json` calls every operation and provokes every error; the examples themselves were
recorded on SQLite.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from app.api.openapi_examples import load_recorded_examples
from app.api.table_routes import TABLE_SUFFIX
from tests.api.openapi.play import play
from tests.api.openapi.scene import ROUTES, stage
from tests.databases import Templates
from tests.replay import replay_into

pytestmark = pytest.mark.postgresql

Node = dict[str, Any]
UNORDERED = {"match_list"}  # its rows come in the order in which the database reads them


@pytest.fixture(scope="module")
def played(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Every body sent, every answer and every error of the scene on PostgreSQL."""
    with templates.copy("postgresql", templates.empty("postgresql")) as address:
        replay_into(address, tmp_path_factory)
        with stage(address) as here:
            play(here)
        yield json.loads(json.dumps(here.recorded()))


def test_the_scene_calls_every_route(played: Node) -> None:
    described = {name for name, route in ROUTES.items() if route.include_in_schema}
    assert {name.removesuffix(TABLE_SUFFIX) for name in played["answers"]} == {
        name.removesuffix(TABLE_SUFFIX) for name in described
    }


@pytest.mark.parametrize("part", ["bodies", "answers", "problems"])
def test_postgresql_answers_as_sqlite_does(played: Node, part: str) -> None:
    recorded = load_recorded_examples()[part]
    assert played[part].keys() == recorded.keys()
    for name in recorded.keys() - UNORDERED:
        assert played[part][name] == recorded[name], name
