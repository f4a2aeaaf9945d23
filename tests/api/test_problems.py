"""Every refusal is problem+json, tells what to do, and repeats nothing of the request or of an exception."""

import asyncio
import logging
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy.exc import OperationalError

from app.api import write_rendering
from app.api.routes import health
from app.registry import reports
from tests.support import World, make_report

MARKER = "Quetzalcóatl-9137"


def check(response: Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    problem: dict[str, Any] = response.json()
    assert {"type", "title", "status", "code", "detail"} <= problem.keys()
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"] == f"/problems/{code}"
    return problem


def test_an_address_where_nothing_is_answers_404(world: World, subtests: pytest.Subtests) -> None:
    stranger = "11111111-2222-4333-8444-555555555555"
    for path in ("/v1/", "/v1/nothing", "/v2/releases", "/v1/releases/x/y", "/docs/x", "/redoc", f"/{MARKER}"):
        with subtests.test(path):
            problem = check(world.get(path), 404, "not_found")
            assert MARKER not in str(problem)
    for path in ("releases", "detentions", "detainees", "claims"):
        for thing in (stranger, "17", "not-an-id", "%00", "..%2F..", MARKER):
            with subtests.test(f"{path}/{thing}"):
                check(world.get(f"/v1/{path}/{thing}"), 404, "not_found")
    for path in ("sources", "facilities"):
        for slug in ("nobody", "No Body", "%00", "x" * 200, MARKER):
            with subtests.test(f"{path}/{slug}"):
                check(world.get(f"/v1/{path}/{slug}"), 404, "not_found")


def test_a_path_without_a_thing_is_404_whatever_else_is_wrong(world: World) -> None:
    check(world.get("/v1/releases/not-an-id", countri="VE"), 404, "not_found")
    check(world.post("/v1/releases/not-an-id/verifications", {"verdict": "maybe"}, "foro"), 404, "not_found")


def test_a_method_that_an_address_does_not_take_answers_405_with_those_it_does(
    world: World, subtests: pytest.Subtests
) -> None:
    for method, path, allowed in [
        ("PUT", "/v1/releases", {"GET", "HEAD", "POST"}),
        ("DELETE", "/v1/releases", {"GET", "HEAD", "POST"}),
        ("PATCH", "/v1/sources", {"GET", "HEAD", "POST"}),
        ("PUT", "/v1/sources/foro", {"GET", "HEAD", "PATCH"}),
        ("POST", "/v1/counts/releases", {"GET", "HEAD"}),
        ("GET", "/v1/identity", {"POST"}),
        ("POST", "/v1/me", {"GET", "HEAD"}),
        ("POST", "/healthz", {"GET", "HEAD"}),
    ]:
        with subtests.test(f"{method} {path}"):
            answer = world.client.request(method, path)
            check(answer, 405, "method_not_allowed")
            assert set(answer.headers["allow"].split(", ")) == allowed


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


def test_a_line_that_breaks_while_a_body_comes_is_no_failure_of_ours(
    world: World, everything_logged: pytest.LogCaptureFixture
) -> None:
    headers = {**world.headers("foro"), "Content-Length": "1000"}
    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": "/v1/imports", "raw_path": b"/v1/imports",
        "query_string": b"", "headers": [(name.lower().encode(), said.encode()) for name, said in headers.items()],
    }  # fmt: skip
    came = iter([{"type": "http.request", "body": b"half", "more_body": True}, {"type": "http.disconnect"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(came)

    async def send(message: Any) -> None:
        sent.append(message)

    with world.storing_nothing():
        asyncio.run(world.app(scope, receive, send))
    assert sent == []
    assert [one for one in everything_logged.records if one.name == "recuento"] == []


def test_an_unforeseen_failure_answers_500_and_tells_nobody_what_it_said(
    world: World, monkeypatch: pytest.MonkeyPatch, everything_logged: pytest.LogCaptureFixture
) -> None:
    def fails(*_args: Any) -> None:
        try:
            raise KeyError(MARKER)
        except KeyError as cause:
            raise RuntimeError(f"cannot file {MARKER}") from cause

    monkeypatch.setattr(reports, "write_report", fails)
    with world.storing_nothing():
        answer = world.post("/v1/releases", make_report(detainee__full_name=MARKER), "foro")
    check(answer, 500, "internal_error")
    assert MARKER not in answer.text + str(answer.headers)
    logged = "\n".join(logging.Formatter().format(record) for record in everything_logged.records)
    assert "RuntimeError" in logged
    assert MARKER not in logged
    assert "cannot file" not in logged.replace('raise RuntimeError(f"cannot file {MARKER}")', "")


def test_a_database_that_does_not_answer_is_503_without_the_statement_or_its_values(
    world: World, monkeypatch: pytest.MonkeyPatch, everything_logged: pytest.LogCaptureFixture
) -> None:
    def fails(*_args: Any) -> None:
        raise OperationalError("SELECT 1", {"name": MARKER}, Exception(MARKER))

    monkeypatch.setattr(reports, "write_report", fails)
    with world.storing_nothing():
        answer = world.post("/v1/releases", make_report(), "foro")
    check(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "5"
    logged = "\n".join(logging.Formatter().format(record) for record in everything_logged.records)
    assert MARKER not in answer.text + logged


def test_a_failure_half_way_through_leaves_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_args: Any) -> None:
        raise RuntimeError(MARKER)

    monkeypatch.setitem(write_rendering.RENDERERS, "report", fails)
    with world.storing_nothing():
        answer = world.post("/v1/releases", make_report(), "foro", **{"Idempotency-Key": "once"})
        check(answer, 500, "internal_error")
    monkeypatch.undo()
    assert world.post("/v1/releases", make_report(), "foro", **{"Idempotency-Key": "once"}).status_code == 201


def test_a_database_that_does_not_answer_is_not_ready(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_engine: Any) -> None:
        raise OperationalError(MARKER, None, Exception(MARKER))

    assert world.get("/readyz").json() == {"status": "ok"}
    monkeypatch.setattr(health, "open_read_session", fails)
    answer = world.get("/readyz")
    check(answer, 503, "unavailable")
    assert MARKER not in answer.text
    assert world.get("/healthz").json() == {"status": "ok"}


def test_validation_repeats_nothing_that_was_sent(world: World, subtests: pytest.Subtests) -> None:
    for path, who, body in [
        ("/v1/releases", "foro", make_report(detainee__gender=MARKER)),
        ("/v1/releases", "foro", make_report(detainee__full_name=[MARKER])),
        ("/v1/releases", "foro", make_report(release__released_on=MARKER)),
        ("/v1/releases", "foro", make_report(detainee_id=MARKER)),
        ("/v1/releases", "foro", make_report(verification__evidence=[{"url": MARKER}])),
        ("/v1/releases", "foro", {"detainee": MARKER}),
        ("/v1/claims", "foro", {"measure": MARKER, "qualifier": MARKER, "claimant": MARKER}),
        ("/v1/identity", "curator", {"a": MARKER, "b": MARKER, "judgement": MARKER, "reason": 1}),
    ]:
        with subtests.test(f"{path} {list(body)}"), world.storing_nothing():
            answer = world.post(path, body, who)
            problem = check(answer, 422, "invalid")
            assert problem["errors"]
            assert MARKER not in answer.text
