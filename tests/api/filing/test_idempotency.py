"""A repeated POST is done once: the same Idempotency-Key and body give the same answer."""

from datetime import timedelta
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import select

from app.api import write_rendering
from app.db.engine import open_read_session
from app.models import metadata
from tests.support import NOW, World, make_report, without_random


def post(world: World, path: str, body: Any, who: str = "foro", key: str = "once") -> Response:
    return world.post(path, body, who, **{"Idempotency-Key": key})


def replayed(response: Response) -> bool:
    return response.headers.get("idempotency-replayed") == "true"


def test_the_same_key_and_body_give_the_same_answer_and_one_effect(world: World) -> None:
    first = post(world, "/v1/releases", make_report())
    assert (first.status_code, replayed(first)) == (201, False)
    with world.storing_nothing():
        again = post(world, "/v1/releases", make_report())
    assert (again.status_code, again.content, replayed(again)) == (201, first.content, True)
    assert world.count()["total"]["cases"] == 1


# What came before, and a report that is answered from what it left, where its repeat is answered from the tables.
MEETINGS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "nobody": [],
    "somebody": [("foro", {})],
    "somebody of another source": [("jep", {"detention__facility": "Ramo Verde"})],
    "somebody of two sources who contradict each other": [
        ("jep", {}), ("pud", {"release__released_on": "2026-01-13", "release__kind": "pardon"}),
    ],
    "somebody detained before": [
        ("jep", {"detention__detained_on": "2020-01-01", "release__released_on": "2020-05-01"}), ("jep", {}),
    ],
    "somebody who may only be counted": [("jep", {"detainee__publish": "counted"})],
    "a namesake": [("jep", {"detainee__birth_date": "1930", "detention__facility": None})],
    "its own earlier version": [("foro", {"source_record_id": "A-1", "release__kind": "pardon"})],
    "its own earlier version and others": [
        ("jep", {}), ("foro", {"source_record_id": "A-1", "release__released_on": "2026-01-14"}),
    ],
}  # fmt: skip


@pytest.mark.parametrize("before", MEETINGS.values(), ids=MEETINGS)
@pytest.mark.parametrize("publish", ["named", "counted"])
def test_a_repeat_reads_what_the_first_answer_said_of_a_report_that_meets(
    world: World, before: list[tuple[str, dict[str, Any]]], publish: str
) -> None:
    for who, changes in before:
        world.file(who, **changes)
    body = make_report(source_record_id="A-1", detainee__publish=publish)
    first = post(world, "/v1/releases", body)
    assert first.status_code in (200, 201)
    again = post(world, "/v1/releases", body)
    assert replayed(again)
    assert again.json() == first.json()


CLAIM = {"claimant": "ministry", "measure": "released", "qualifier": "exactly", "low": 116, "high": 116}


@pytest.mark.parametrize("path, body", [
    ("/v1/releases", make_report()),
    ("/v1/releases", make_report(detainee__full_name=None)),
    ("/v1/detentions", make_report(release=None)),
    ("/v1/claims", CLAIM),
])  # fmt: skip
def test_what_has_neither_a_key_nor_a_case_number_is_known_by_its_bytes_for_a_day(
    world: World, path: str, body: Any
) -> None:
    first = world.post(path, body, "foro")
    assert (first.status_code, replayed(first)) == (201, False)
    world.now += timedelta(hours=12)
    with world.storing_nothing():
        again = world.post(path, body, "foro")
    assert (again.status_code, replayed(again)) == (201, True)
    assert again.json()["receipt"] == first.json()["receipt"]
    world.now += timedelta(hours=13)
    late = world.post(path, body, "foro")
    assert (late.status_code, replayed(late)) == (201, False)
    assert late.json()["receipt"] != first.json()["receipt"]


def test_a_report_taken_for_a_repeat_says_so_where_its_sender_looks(world: World) -> None:
    assert world.post("/v1/releases", make_report(), "foro").json()["warnings"] == [
        write_rendering.UNREGISTERED_FACILITY_WARNING
    ]
    assert world.post("/v1/releases", make_report(), "foro").json()["warnings"] == [
        write_rendering.UNREGISTERED_FACILITY_WARNING, write_rendering.SENT_BEFORE_WARNING,
    ]  # fmt: skip


def test_two_people_of_whom_the_same_is_known_are_sent_with_keys_or_case_numbers_of_their_own(world: World) -> None:
    nameless = make_report(detainee__full_name=None)
    for once in ({}, {"Idempotency-Key": "the second man"}):
        assert not replayed(world.post("/v1/releases", nameless, "foro", **once))
    assert not replayed(world.post("/v1/releases", {**nameless, "source_record_id": "FP-3"}, "foro"))
    assert world.count()["total"]["cases"] == 3


def test_a_report_sent_again_after_it_was_withdrawn_stands_again(world: World) -> None:
    first = world.post("/v1/releases", make_report(), "foro")
    world.post(f"/v1/reports/{first.json()['report']['id']}/retract", {"reason": "another man"}, "foro")
    again = world.post("/v1/releases", make_report(), "foro")
    assert (again.status_code, replayed(again)) == (201, False)
    assert world.count()["total"]["cases"] == 1
    assert replayed(world.post("/v1/releases", make_report(), "foro"))


def test_a_repeat_by_its_bytes_does_not_bring_back_somebody_erased_meanwhile(world: World) -> None:
    first = world.post("/v1/releases", make_report(), "foro")
    world.redact(first.json()["detainee"]["id"])
    again = world.post("/v1/releases", make_report(), "foro")
    assert replayed(again)
    assert "Quintana" not in again.text


def test_another_source_or_another_address_is_no_repeat(world: World) -> None:
    body = make_report(release=None)
    answers = [world.post("/v1/detentions", body, "foro"), world.post("/v1/detentions", body, "jep")]
    answers.append(world.post("/v1/releases", make_report(), "foro"))
    assert [replayed(answer) for answer in answers] == [False] * 3


def test_a_decision_without_a_key_is_made_as_often_as_it_is_sent(world: World) -> None:
    """Hidden, shown and hidden again within the hour: the third must not be answered as the first was."""
    detainee = world.file()["detainee"]["id"]
    for publish in ("counted", "named", "counted"):
        world.consent(detainee, publish)
    assert "Quintana" not in world.get("/v1/releases").text


def test_the_same_key_with_another_body_is_refused(world: World) -> None:
    post(world, "/v1/releases", make_report())
    with world.storing_nothing():
        answer = post(world, "/v1/releases", make_report(release__kind="pardon"))
        world.refuse(answer, 422, "idempotency_mismatch")


def test_the_same_bytes_sent_elsewhere_are_another_request(world: World) -> None:
    post(world, "/v1/releases", make_report(release=None))
    with world.storing_nothing():
        world.refuse(post(world, "/v1/detentions", make_report(release=None)), 422, "idempotency_mismatch")


def test_a_key_belongs_to_its_source(world: World) -> None:
    first = post(world, "/v1/releases", make_report())
    other = post(world, "/v1/releases", make_report(), "jep")
    assert (other.status_code, replayed(other)) == (201, False)
    assert other.json()["report"]["id"] != first.json()["report"]["id"]


@pytest.mark.parametrize("status", [401, 403, 422])
def test_a_refusal_is_not_remembered(world: World, status: int) -> None:
    who = {401: None, 403: "reader", 422: "foro"}[status]
    body = make_report(verification__method=None) if status == 422 else make_report()
    with world.storing_nothing():
        answer = world.post("/v1/releases", body, who, **{"Idempotency-Key": "once"})
        assert answer.status_code == status
    mended = post(world, "/v1/releases", make_report())
    assert (mended.status_code, replayed(mended)) == (201, False)


def test_an_upsert_that_changed_nothing_is_repeated_as_it_was(world: World) -> None:
    body = make_report(source_record_id="FP-1")
    assert world.post("/v1/releases", body, "foro").status_code == 201
    first = post(world, "/v1/releases", body)
    again = post(world, "/v1/releases", body)
    assert (first.status_code, again.status_code) == (200, 200)
    assert (again.content, replayed(again)) == (first.content, True)


def test_an_answer_is_repeated_as_of_its_own_revision(world: World) -> None:
    first = post(world, "/v1/releases", make_report(source_record_id="FP-1"))
    world.file(source_record_id="FP-1", release__kind="pardon")
    world.file("jep")
    again = post(world, "/v1/releases", make_report(source_record_id="FP-1"))
    assert again.content == first.content
    assert again.json()["release"]["kind"] == "release_with_measures"


def test_every_kind_of_post_is_done_once(world: World, subtests: pytest.Subtests) -> None:
    a, b = world.file("foro"), world.file("pud", detainee__full_name="Ulises Barrios")
    detainee, report = a["detainee"]["id"], a["report"]["id"]
    consent = {"publish": "anonymous", "given_by": "the person", "given_on": "2026-02-01"}
    pair = {"a": detainee, "b": b["detainee"]["id"], "judgement": "different", "reason": "two mothers"}
    claim = {"claimant": "ministry", "measure": "released", "qualifier": "exactly", "low": 116, "high": 116}
    for who, path, body in [
        ("foro", "/v1/detentions", make_report(release=None, detainee__full_name="Zoraida Montilla")),
        ("jep", f"/v1/releases/{a['release']['id']}/verifications", {"verdict": "verified", "method": "lawyer"}),
        ("admin", "/v1/sources", {"slug": "clippve", "name": "CLIPPVE", "kind": "families"}),
        ("curator", "/v1/facilities", {"slug": "yare", "name": "Yare", "kind": "prison", "country": "VE"}),
        ("foro", "/v1/claims", claim),
        ("curator", "/v1/identity", pair),
        ("curator", f"/v1/detainees/{detainee}/consent", consent),
        ("foro", f"/v1/reports/{report}/retract", {"reason": "another man"}),
        ("admin", f"/v1/detainees/{detainee}/redaction", {"reason": "asked for"}),
    ]:
        with subtests.test(path):
            first = post(world, path, body, who, key=path)
            assert first.status_code in (200, 201), first.text
            with world.storing_nothing():
                again = post(world, path, body, who, key=path)
            assert (again.status_code, again.content, replayed(again)) == (first.status_code, first.content, True)


def test_an_answer_is_repeated_under_the_permissions_of_today(world: World) -> None:
    first = post(world, "/v1/releases", make_report())
    assert first.json()["detainee"]["name"] == "Tomás Aurelio Quintana Ribas"
    world.consent(first.json()["detainee"]["id"], "anonymous")
    again = post(world, "/v1/releases", make_report())
    assert replayed(again)
    assert again.json()["detainee"]["name"] is None
    assert "Quintana" not in again.text


def test_an_answer_about_someone_erased_holds_nothing_personal(world: World) -> None:
    first = post(world, "/v1/releases", make_report(source_record_id="FP-1"))
    world.redact(first.json()["detainee"]["id"])
    again = post(world, "/v1/releases", make_report(source_record_id="FP-1"))
    assert (again.status_code, replayed(again)) == (201, True)
    for personal in ("Quintana", "1971", "El Rodeo", '"male"'):
        assert personal not in without_random(again.text)
    assert again.json()["receipt"] == first.json()["receipt"]


def test_what_is_remembered_holds_nothing_of_the_request(world: World) -> None:
    post(world, "/v1/releases", make_report(detainee__national_id="V-123456780012"), key="Quintana, V-123456780012")
    with open_read_session(world.engine) as session:
        (row,) = session.execute(select(*metadata.tables["idempotent_answer"].columns))
    for personal in ("Quintana", "123456780012", "El Rodeo"):
        assert personal not in str(row)


def test_what_is_remembered_cannot_be_guessed_without_the_secret(world: World) -> None:
    """A plain hash of a body would give the identification number away: all else of it can be read beside it."""
    post(world, "/v1/releases", make_report())
    with open_read_session(world.engine) as session:
        (before,) = session.execute(select(*metadata.tables["idempotent_answer"].columns))
    world.app.state.secret = b"another secret"
    other = post(world, "/v1/releases", make_report())
    assert not replayed(other)
    with open_read_session(world.engine) as session:
        table = metadata.tables["idempotent_answer"]
        (after,) = session.execute(select(table).where(table.c.key_digest != before[1]))
    assert before[2] != after[2]


def test_answers_are_kept_for_thirty_days_at_least(world: World) -> None:
    first = post(world, "/v1/releases", make_report())
    world.now = NOW + timedelta(days=31)
    post(world, "/v1/releases", make_report(detainee__full_name="Ulises Barrios"), key="another")
    assert replayed(post(world, "/v1/releases", make_report()))
    world.now = NOW + timedelta(days=200)
    post(world, "/v1/releases", make_report(detainee__full_name="Zoraida Montilla"), key="a third")
    late = post(world, "/v1/releases", make_report())
    assert not replayed(late)
    assert late.json()["report"]["id"] != first.json()["report"]["id"]


def test_a_key_has_1_to_255_characters(world: World) -> None:
    with world.storing_nothing():
        for key in ("", "x" * 256):
            world.refuse(post(world, "/v1/releases", make_report(), key=key), 422, "invalid_idempotency_key")
    assert post(world, "/v1/releases", make_report(), key="x" * 255).status_code == 201


def test_only_posts_have_keys(world: World) -> None:
    path = f"/v1/reports/{world.file()['report']['id']}"
    headers = world.headers("foro", **{"Idempotency-Key": "once"})
    for note in ("first", "second"):
        answer = world.client.patch(path, json={"note": note}, headers=headers)
        assert (answer.status_code, replayed(answer)) == (200, False)
    assert world.get(path, "foro").json()["note"] == "second"
