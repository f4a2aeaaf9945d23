"""A write needs no request to its route: the desk builds one from what it knows."""

import json
from typing import Any

import pytest

from app.api.authentication import authenticate_in_new_session
from app.api.operations import AddSource, FileReport, JudgeIdentity, Operation
from app.api.writes import CommittedAnswer, WriteRequest
from app.errors import Forbidden
from app.schemas.reports import IdentityIn, ReleaseReportIn, SourceIn
from app.vocabulary import Role
from tests.support import Body, World, make_report

TARGET = "/v1/releases?"


def submit(
    world: World,
    operation: Operation,
    who: str = "foro",
    *,
    target: str = TARGET,
    body: bytes = b"",
    once: str | None = None,
) -> CommittedAnswer:
    """Write without any request, in the loop of the app."""
    state = world.app.state
    sender, key = authenticate_in_new_session(state, world.keys[who])
    write = WriteRequest(state, sender, key, "POST", target, body, once)
    with world.client._portal_factory() as portal:
        answer: CommittedAnswer = portal.call(write.submit, operation)
    return answer


def encode(body: Body) -> bytes:
    return json.dumps(body).encode()


def post(world: World, body: bytes, **headers: str) -> Any:
    media = {"Content-Type": "application/json"}
    return world.client.post("/v1/releases", content=body, headers=world.headers("foro", **media, **headers))


@pytest.mark.parametrize("once", [None, "4711"])
def test_what_is_submitted_and_then_posted_is_written_once(world: World, once: str | None) -> None:
    report = make_report(**({} if once else {"source_record_id": None}))
    operation, body = FileReport(ReleaseReportIn.model_validate(report)), encode(report)
    answer = submit(world, operation, body=body, once=once)
    assert answer.status_code == 201
    revision = world.revision
    repeated = post(world, body, **({"Idempotency-Key": once} if once else {}))
    assert repeated.headers["Idempotency-Replayed"] == "true"
    assert repeated.json()["report"]["id"] == str(answer.content["report"]["id"])
    assert world.revision == revision


def test_what_is_posted_and_then_submitted_is_written_once(world: World) -> None:
    report = make_report(source_record_id=None)
    first = post(world, encode(report))
    answer = submit(world, FileReport(ReleaseReportIn.model_validate(report)), body=encode(report))
    assert answer.is_replayed
    assert answer.headers["Recuento-Revision"] == first.headers["Recuento-Revision"]
    assert [warning["code"] for warning in answer.content["warnings"]][-1] == "sent_before"


def test_an_operation_that_shares_no_transaction_is_committed_by_itself(world: World) -> None:
    source = SourceIn.model_validate({"slug": "new", "name": "New", "kind": "ngo", "country": "VE"})
    assert submit(world, AddSource(source), "admin", target="/v1/sources?").status_code == 201
    assert world.get("/v1/sources/new").status_code == 200


@pytest.mark.parametrize("who", ["foro", "reader", "admin"])
def test_who_may_not_do_it_is_refused_before_anything_is_locked(world: World, who: str) -> None:
    people = [world.file(detainee__full_name=name)["detainee"]["id"] for name in ("Otto Brandt", "Rosa Valdivia")]
    judgement = IdentityIn.model_validate({"a": people[0], "b": people[1], "judgement": "same", "reason": "x"})
    with pytest.raises(Forbidden):
        submit(world, JudgeIdentity(judgement), who)


def test_every_operation_says_whose_keys_may_do_it() -> None:
    operations = Operation.__subclasses__()
    operations += [below for one in operations for below in one.__subclasses__()]
    assert len(operations) > 15
    for operation in operations:
        assert operation.roles
        assert set(operation.roles) <= {Role.REPORTER, Role.CURATOR, Role.ADMIN}
