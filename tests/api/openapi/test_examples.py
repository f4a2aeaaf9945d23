"""Every example of `openapi.json` is what was really sent and answered: the scene is played again."""

import json
import re
import shutil
from typing import Any

import pytest

from app.api.openapi_examples import UNRECORDED_PROBLEMS, load_recorded_examples
from app.api.table_routes import TABLE_ENDING
from app.config import Settings
from app.errors import Problem
from app.main import create_app
from tests.api.openapi.play import play
from tests.api.openapi.scene import stage
from tests.described import describe
from tests.replay import replayed_once

Node = dict[str, Any]
ANEW = "play it anew: python -m tests.api.openapi.record"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Node:
    """What the scene brings about now."""
    database = tmp_path_factory.mktemp("scene") / "registry.db"
    shutil.copy(replayed_once(tmp_path_factory), database)
    with stage(f"sqlite:///{database}") as here:
        play(here)
    found: Node = json.loads(json.dumps(here.recorded()))
    return found


@pytest.fixture(scope="module")
def document() -> Node:
    return describe(create_app(Settings(database_url="sqlite://")))


def test_what_is_sent_and_answered_is_what_the_examples_show(played: Node) -> None:
    shown = load_recorded_examples()
    for part, now in played.items():
        assert now.keys() == shown[part].keys(), ANEW
        for name, examples in now.items():
            assert examples == shown[part][name], f"{part} {name}: {ANEW}"


def test_every_refusal_there_is_has_an_example(played: Node) -> None:
    def kinds(of: type[Problem]) -> set[type[Problem]]:
        return {of}.union(*map(kinds, of.__subclasses__()))

    assert {one.code for one in kinds(Problem)} == played["problems"].keys() | UNRECORDED_PROBLEMS.keys()


def test_every_body_and_every_operation_has_an_example(document: Node) -> None:
    without: list[tuple[str, str]] = []
    for path, operations in document["paths"].items():
        for operation in operations.values():
            successes = [said for status, said in operation["responses"].items() if status.startswith("2")]
            answers = [content for said in successes for content in said.get("content", {}).values()]
            bodies = [*operation.get("requestBody", {}).get("content", {}).values()]
            # A table says what the JSON says: that of the count of releases shows how.
            is_shown = any("examples" in content for content in answers) or path.endswith(TABLE_ENDING)
            if not is_shown or not all("examples" in content for content in bodies):
                without.append((operation["operationId"], path))
    assert without == []
    shown = document["paths"]["/v1/counts/releases" + TABLE_ENDING]["get"]["responses"]["200"]["content"]
    assert all("examples" in content for content in shown.values())


def test_no_example_holds_a_key(played: Node) -> None:
    assert re.findall(r"rcn_\w+", json.dumps(played)) == []
