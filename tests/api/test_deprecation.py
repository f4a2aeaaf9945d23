"""A route announces its end in one line."""

from datetime import date
from typing import Annotated, Any

from fastapi import FastAPI, Query
from fastapi.testclient import TestClient

from app.api.deprecation import POLICY_PATH, deprecate
from app.api.routing import StrictJsonRoute
from tests.support import World

SINCE, SUNSET = date(2027, 3, 1), date(2028, 3, 1)
LINK = f'<{POLICY_PATH}>; rel="deprecation"'


def build_app() -> FastAPI:
    app = FastAPI()
    app.router.route_class = StrictJsonRoute

    @app.get("/old")
    @deprecate(since=SINCE, sunset=SUNSET)
    def read_old() -> dict[str, Any]:
        return {}

    @app.get("/renamed")
    @deprecate(since=SINCE, sunset=SUNSET, parameter="kind")
    def read_renamed(kind: Annotated[str, Query()] = "") -> dict[str, Any]:
        return {"kind": kind}

    @app.get("/current")
    def read_current() -> dict[str, Any]:
        return {}

    return app


def test_a_deprecated_route_says_since_when_until_when_and_why() -> None:
    app = build_app()
    answer = TestClient(app).get("/old")
    assert answer.headers["deprecation"] == "@1803859200"
    assert answer.headers["sunset"] == "Wed, 01 Mar 2028 00:00:00 GMT"
    assert answer.headers["link"] == LINK
    operations = {path: methods["get"] for path, methods in app.openapi()["paths"].items()}
    assert [path for path, operation in operations.items() if operation.get("deprecated")] == ["/old"]


def test_a_deprecated_parameter_is_announced_where_it_is_used() -> None:
    client = TestClient(build_app())
    assert "deprecation" in client.get("/renamed", params={"kind": "pardon"}).headers
    assert "deprecation" not in client.get("/renamed").headers
    assert "deprecation" not in client.get("/current").headers


def test_the_policy_is_served(world: World) -> None:
    answer = world.client.get(POLICY_PATH)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.startswith("# Changes within version 1")
