"""Every answer carries an id of its request and the headers that protect its reader."""

import json
import logging
import re

import pytest

from app.api.middleware.response_headers import HSTS_HEADERS, REQUEST_ID_HEADER, SECURITY_HEADERS
from app.config import Settings
from app.registry import reports
from app.server_log import JsonLineFormatter
from tests.support import World, make_report


@pytest.mark.parametrize("path", ["/healthz", "/v1/releases", "/v1/nowhere", "/openapi.json", "/v1/me"])
def test_every_answer_carries_the_protecting_headers(world: World, path: str) -> None:
    answer = world.client.get(path)
    assert {name: answer.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert not HSTS_HEADERS.keys() & set(answer.headers)


def test_every_request_has_an_id_of_its_own(world: World) -> None:
    ids = {world.client.get(path).headers[REQUEST_ID_HEADER] for path in ("/healthz", "/healthz", "/v1/nowhere")}
    assert len(ids) == 3
    assert all(re.fullmatch("[0-9a-f]{16}", request_id) for request_id in ids)


def test_an_id_that_a_client_sends_is_not_taken(world: World) -> None:
    assert world.client.get("/healthz", headers={REQUEST_ID_HEADER: "mine"}).headers[REQUEST_ID_HEADER] != "mine"


def test_the_log_names_a_failure_by_the_id_of_its_answer(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lines: list[str] = []
    handler = logging.Handler()
    handler.setFormatter(JsonLineFormatter())
    monkeypatch.setattr(handler, "emit", lambda record: lines.append(handler.format(record)))

    def fails(*_args: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(reports, "write_report", fails)
    logger = logging.getLogger("recuento")
    logger.addHandler(handler)
    try:
        answer = world.post("/v1/releases", make_report(), "foro")
    finally:
        logger.removeHandler(handler)
    assert answer.status_code == 500
    (line,) = map(json.loads, lines)
    assert line["request"] == answer.headers[REQUEST_ID_HEADER]


def test_browsers_are_told_to_come_by_tls_alone_where_readers_find_the_registry_so(settings: Settings) -> None:
    with World(settings.model_copy(update={"public_url": "https://registry.example"})) as world:
        assert world.client.get("/healthz").headers["strict-transport-security"] == "max-age=63072000"


def test_scripts_of_other_sites_may_time_what_they_may_read(world: World) -> None:
    for path in ("/v1/counts/releases", "/v1/releases", "/openapi.json", "/v1"):
        assert world.client.get(path).headers["timing-allow-origin"] == "*"
    for answer in (world.get("/v1/me", "foro"), world.get("/v1/releases", "foro"), world.get("/v1/nothing")):
        assert "timing-allow-origin" not in answer.headers
