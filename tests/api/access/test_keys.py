"""Who a key is, and what becomes of one that is unknown, expired, revoked or mistyped."""

import logging
from datetime import timedelta

import pytest
from httpx2 import Response
from sqlalchemy import select, update
from sqlmodel import col

from app.db.engine import open_read_session, open_write_session
from app.models import ApiKey, Source, metadata
from app.registry import api_keys
from app.registry.curation import proposals
from app.vocabulary import Role
from tests.support import NOW, World, kept_waiting, make_report

REPORT = make_report()


def flip(text: str) -> str:
    """The same text with its last character changed."""
    return text[:-1] + ("0" if text[-1] != "0" else "1")


def test_me_says_who_a_key_is(world: World, subtests: pytest.Subtests) -> None:
    for who, role, source in [
        ("foro", "reporter", "foro"),
        ("reader", "reader", None),
        ("curator", "curator", None),
        ("admin", "admin", None),
    ]:
        with subtests.test(who):
            me = world.get("/v1/me", who).json()
            assert (me["role"], me["source"]) == (role, source)
            assert me["expires_at"] == "2027-03-01T12:00:00Z"
            assert (me["holder"], me["scopes"]) == (f"Holder of {who}", None)
            assert world.keys[who].startswith(f"rcn_{me['key_id']}")
            assert world.keys[who] not in world.get("/v1/me", who).text


def test_nobody_without_a_key_is_somebody(world: World) -> None:
    world.refuse(world.get("/v1/me"), 401, "unauthenticated")


def test_writing_needs_a_key_and_says_how_to_send_it(world: World) -> None:
    with world.storing_nothing():
        answer = world.post("/v1/releases", REPORT, None)
        problem = world.refuse(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "Authorization: Bearer rcn_" in problem["detail"]


def test_a_key_that_is_not_valid_reads_and_writes_nothing(world: World, subtests: pytest.Subtests) -> None:
    good = world.keys["foro"]
    with open_write_session(world.engine) as session:
        short = api_keys.create_key(session, Role.REPORTER, "foro", 1, NOW)
        session.get_one(ApiKey, short[4:12]).expires_at = NOW
        other = api_keys.create_key(session, Role.READER, None, 365, NOW)
        api_keys.revoke_key(session, other[4:12], NOW)
    tokens = {
        "unknown": _forge(good),
        "expired": short,
        "revoked": other,
        "mistyped": flip(good),
        "cut off": good[:-5],
        "of another kind": "ghp_" + good[4:],
        "empty": "rcn_",
        "longer": good + "0",
        "with a character of another script": good[:-1] + "é",
    }
    texts = {}
    for called, token in tokens.items():
        headers = {"Authorization": b"Bearer " + token.encode()}
        with subtests.test(called), world.storing_nothing():
            answer = world.client.post("/v1/releases", json=REPORT, headers=headers)  # type: ignore[arg-type]
            problem = world.refuse(answer, 401, "unauthenticated")
            assert answer.headers["www-authenticate"] == "Bearer"
            assert token not in answer.text
            texts[called] = problem["detail"]
            # What anyone may read without a key is not read with a bad one: who sends a key means to be known.
            world.refuse(world.client.get("/v1/releases", headers=headers), 401, "unauthenticated")  # type: ignore[arg-type]
    assert texts["unknown"] == texts["expired"] == texts["revoked"]
    assert texts["mistyped"] == texts["cut off"] != texts["unknown"]


def _forge(token: str) -> str:
    """A key of the right form, and of nobody: the id of a real one, another secret and its checksum."""
    body = token[4:12] + flip(token[12:44])
    return f"rcn_{body}{api_keys._compute_checksum(body)}"


@pytest.mark.parametrize("header", ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "rcn_abc", ""])
def test_a_header_that_carries_no_key_is_refused(world: World, header: str) -> None:
    world.refuse(world.client.get("/v1/releases", headers={"Authorization": header}), 401, "unauthenticated")


def test_the_scheme_may_be_written_in_any_case(world: World) -> None:
    headers = {"Authorization": f"bearer  {world.keys['foro']}"}
    assert world.client.get("/v1/me", headers=headers).json()["source"] == "foro"


def test_a_key_ends_the_moment_it_expires(world: World) -> None:
    world.now = NOW + timedelta(days=365) - timedelta(seconds=1)
    assert world.get("/v1/me", "foro").status_code == 200
    world.now = NOW + timedelta(days=365)
    world.refuse(world.get("/v1/me", "foro"), 401, "unauthenticated")


def test_revoking_a_key_works_at_once(world: World) -> None:
    assert world.get("/v1/me", "foro").status_code == 200
    with open_write_session(world.engine) as session:
        api_keys.revoke_key(session, world.keys["foro"][4:12], NOW)
    world.refuse(world.get("/v1/me", "foro"), 401, "unauthenticated")


def test_a_write_that_waited_while_its_key_was_revoked_is_refused(world: World) -> None:
    answers: list[Response] = []
    before = world.revision
    with kept_waiting(world.engine, lambda: answers.append(world.post("/v1/releases", REPORT, "foro"))) as session:
        api_keys.revoke_key(session, world.keys["foro"][4:12], NOW)
        session.commit()
    world.refuse(answers[0], 401, "unauthenticated")
    assert world.revision == before


def test_a_key_whose_source_is_put_in_quarantine_while_it_waits_decides_nothing(world: World) -> None:
    with open_write_session(world.engine) as session:
        world.keys["judge"] = api_keys.create_key(session, Role.CURATOR, "foro", 365, NOW, "Ana Pérez")
    body, answers = {"slug": "ramo-verde", "name": "Ramo Verde", "kind": "prison", "country": "VE"}, list[Response]()
    with kept_waiting(world.engine, lambda: answers.append(world.post("/v1/facilities", body, "judge"))) as session:
        session.execute(update(Source).where(col(Source.slug) == "foro").values(quarantined=True))
        session.commit()
    world.refuse(answers[0], 403, "forbidden")


def test_two_keys_of_a_source_live_side_by_side_and_speak_as_one(world: World) -> None:
    filed = world.file("foro")
    with open_write_session(world.engine) as session:
        world.keys["foro's second"] = api_keys.create_key(session, Role.REPORTER, "foro", 365, NOW)
    assert world.get(f"/v1/reports/{filed['report']['id']}", "foro's second").status_code == 200


def test_the_database_holds_no_key(world: World) -> None:
    with open_read_session(world.engine) as session:
        stored = [str(tuple(row)) for row in session.execute(select(*metadata.tables["api_key"].columns))]
    assert len(stored) == len(world.keys)
    for token in world.keys.values():
        assert not any(token[12:44] in row for row in stored)


def test_what_a_client_knows_of_its_key_is_old_once_the_key_is_rotated(world: World) -> None:
    first = world.get("/v1/me", "foro")
    known = world.headers("foro", **{"If-None-Match": first.headers["etag"]})
    assert world.client.get("/v1/me", headers=known).status_code == 304
    with open_write_session(world.engine) as session:
        api_keys.rotate_key(session, world.keys["foro"][4:12], 365, NOW, ends_in=7)
    again = world.client.get("/v1/me", headers=known)
    assert (again.status_code, again.json()["expires_at"]) == (200, "2026-03-08T12:00:00Z")


def limited(world: World, *scopes: str) -> None:
    """A key of the source `foro` that is limited to these routes."""
    with open_write_session(world.engine) as session:
        key = api_keys.create_key(session, Role.REPORTER, "foro", 365, NOW, "Ana Pérez", scopes)
        world.keys["limited"] = key


def test_a_key_may_be_limited_to_what_a_sender_needs(world: World) -> None:
    limited(world, "POST /v1/releases", "GET /v1/me")
    me = world.get("/v1/me", "limited").json()
    assert (me["scopes"], me["holder"]) == (["POST /v1/releases", "GET /v1/me"], "Ana Pérez")
    filed = world.file("limited")
    for answer in (
        world.get("/v1/releases", "limited"),
        world.get(f"/v1/reports/{filed['report']['id']}", "limited"),
        world.post("/v1/detentions", make_report(release=None), "limited"),
        world.client.head("/v1/releases", headers=world.headers("limited")),
    ):
        assert answer.status_code == 403
    assert world.client.head("/v1/me", headers=world.headers("limited")).status_code == 200


def test_a_limit_to_a_route_is_for_one_method_and_no_path_below_it(world: World) -> None:
    filed = world.file("foro")
    limited(world, "GET /v1/releases")
    assert world.get("/v1/releases", "limited").status_code == 200
    world.refuse(world.get(f"/v1/releases/{filed['release']['id']}", "limited"), 403, "out_of_scope")
    with world.storing_nothing():
        world.refuse(world.post("/v1/releases", REPORT, "limited"), 403, "out_of_scope")


def test_a_limit_opens_nothing_that_the_role_may_not(world: World) -> None:
    limited(world, "POST /v1/identity")
    with world.storing_nothing():
        pair = {"a": "11111111-2222-4333-8444-555555555555", "b": "11111111-2222-4333-8444-555555555556"}
        body = {**pair, "judgement": "same", "reason": "none"}
        world.refuse(world.post("/v1/identity", body, "limited"), 403, "forbidden")


def test_the_name_of_a_holder_enters_neither_the_log_nor_the_servers(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    world.add_facility()
    filed = world.file("foro")
    other = world.file("jep", detainee__full_name="Ulises Barrios")
    monkeypatch.setattr(proposals, "MAX_PEOPLE_A_DAY", 0)
    pair = {"a": filed["detainee"]["id"], "b": other["detainee"]["id"], "judgement": "same", "reason": "one mother"}
    assert world.post("/v1/identity", pair, "curator").status_code == 202
    world.redact(filed["detainee"]["id"])
    world.app.state.key_uses.write_uses(world.engine)
    assert "Holder of" in world.get("/v1/me", "foro").text
    assert "Holder of" not in caplog.text
    holding = [
        table.name
        for table in metadata.sorted_tables
        if any("Holder of" in str(row) for row in world.rows(f"SELECT * FROM {table.name}"))
    ]
    assert holding == ["api_key"]
