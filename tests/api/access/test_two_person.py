"""Two-person rule: what joins people or shows more of them waits for a second curator where the operator says so."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from httpx2 import Response

from app.db.engine import open_write_session
from app.models import ApiKey
from app.registry import api_keys
from app.vocabulary import Role
from tests.support import Body, World

SECOND = "second curator"
CONSENT: Body = {"publish": "named", "given_by": "guardian", "given_on": "2026-02-01"}


@pytest.fixture
def world(world: World) -> World:
    """A registry where two curators are asked for everything that can be asked of two."""
    world.app.state.two_person = frozenset({"merges", "deaths", "minors"})
    with open_write_session(world.engine) as session:
        world.keys[SECOND] = world._key(session, Role.CURATOR, None, "Bruno Salas")
    return world


def two(world: World, **of_the_second: Any) -> Body:
    """Two people, as a judgement names them."""
    a = world.file("foro")
    b = world.file("jep", detainee__full_name="Ulises Barrios", **of_the_second)
    return {"a": a["detainee"]["id"], "b": b["detainee"]["id"], "reason": "the same mother"}


def judge(world: World, pair: Body, who: str = "curator", judgement: str = "same", **headers: str) -> Response:
    return world.post("/v1/identity", {**pair, "judgement": judgement}, who, **headers)


def consent(world: World, detainee: str, who: str = "curator", **changes: Any) -> Response:
    return world.post(f"/v1/detainees/{detainee}/consent", {**CONSENT, **changes}, who)


def waiting(world: World, who: str = SECOND) -> list[Body]:
    return list(world.get("/v1/proposals", who).json()["data"])


def people(world: World) -> int:
    return len(world.get("/v1/detainees").json()["data"])


def test_two_curators_join_what_one_may_not(world: World) -> None:
    pair, before = two(world), world.revision
    first = judge(world, pair)
    assert (first.status_code, first.json()["waiting"]) == (202, True)
    assert (people(world), world.revision) == (2, before), "nothing is in the log yet"
    (proposal,) = waiting(world)
    assert (proposal["kind"], proposal["decision"], proposal["mine"]) == ("identity", "same", False)
    assert proposal["body"]["reason"] == "the same mother"
    assert {proposal["a"]["id"], proposal["b"]["id"]} == {pair["a"], pair["b"]}
    second = judge(world, {**pair, "a": pair["b"], "b": pair["a"], "reason": "I asked her too"}, SECOND)
    assert (second.status_code, second.json()["standing"]) == (201, True)
    assert (people(world), waiting(world)) == (1, [])


def test_whoever_proposed_is_not_the_second_however_often(world: World) -> None:
    pair = two(world)
    first = judge(world, pair)
    again = judge(world, {**pair, "reason": "I am sure"})
    assert (again.status_code, again.json()) == (202, first.json())
    assert [one["mine"] for one in waiting(world, "curator")] == [True]
    assert people(world) == 2


def test_a_request_sent_again_over_a_bad_line_says_whether_it_still_waits(world: World) -> None:
    pair = two(world)
    key = {"Idempotency-Key": "once"}
    first = judge(world, pair, **key)
    assert judge(world, pair, SECOND).status_code == 201
    again = judge(world, pair, **key)
    assert (again.status_code, again.json()) == (202, {"id": first.json()["id"], "waiting": False})


def test_the_second_may_name_the_same_people_by_other_ids(world: World) -> None:
    world.app.state.two_person = frozenset()
    pair = two(world)
    third = world.file("pud", detainee__full_name="Ismael Toro")["detainee"]["id"]
    judge(world, pair)  # `b` is absorbed now, and still names the person
    world.app.state.two_person = frozenset({"merges"})
    assert judge(world, {**pair, "a": pair["b"], "b": third}).status_code == 202
    assert judge(world, {**pair, "a": third, "b": pair["a"]}, SECOND).status_code == 201
    assert (people(world), waiting(world)) == (1, [])


@pytest.mark.parametrize("who", ["curator", SECOND])
def test_either_curator_takes_a_proposal_off_and_then_one_alone_decides_nothing(world: World, who: str) -> None:
    pair = two(world)
    path = f"/v1/proposals/{judge(world, pair).json()['id']}"
    assert world.client.delete(path, headers=world.headers(who)).json()["waiting"] is False
    assert waiting(world) == []
    world.refuse(world.client.delete(path, headers=world.headers(who)), 404, "not_found")
    assert judge(world, pair, SECOND).status_code == 202


def test_parting_undoing_and_hiding_takes_one(world: World) -> None:
    pair = two(world)
    judge(world, pair)
    tie = judge(world, pair, SECOND).json()["id"]
    assert world.client.delete(f"/v1/identity/{tie}", headers=world.headers("curator")).status_code == 200
    assert judge(world, pair, judgement="unsure").status_code == 201
    assert judge(world, pair, judgement="different").status_code == 201
    dead = world.file("pud", detainee__full_name="Bruno Salas", detainee__died_on="2026-02-02")["detainee"]["id"]
    assert consent(world, dead, publish="counted").status_code == 201


def test_more_is_shown_of_the_dead_and_of_children_by_two(world: World, subtests: pytest.Subtests) -> None:
    told: dict[str, Body] = {
        "dead": {"detainee__died_on": "2026-02-02", "detainee__publish": "anonymous"},
        "died inside": {"release": None, "detention__ended": {"on": "2026-01-02", "how": "died"},
                        "detainee__publish": "anonymous"},
        "child": {"detainee__birth_date": "2012"},
    }  # fmt: skip
    for who, said in told.items():
        with subtests.test(who):
            file = world.file_detention if "release" in said else world.file
            said.pop("release", None)
            one = file("pud", detainee__full_name=f"Persona {who}", **said)["detainee"]["id"]
            assert consent(world, one).status_code == 202
            assert [row["b"] for row in waiting(world)] == [None]
            assert consent(world, one, SECOND, given_by="Guardian").status_code == 201
            assert world.get(f"/v1/detainees/{one}").json()["name"] == f"Persona {who}"


@pytest.mark.parametrize("rule, wanted", [("merges", 202), ("deaths", 201), ("minors", 201)])
def test_each_part_of_the_rule_is_switched_by_itself(world: World, rule: str, wanted: int) -> None:
    world.app.state.two_person = frozenset({rule})
    assert judge(world, two(world)).status_code == wanted


def test_joining_the_dead_takes_two_where_deaths_do(world: World) -> None:
    world.app.state.two_person = frozenset({"deaths"})
    assert judge(world, two(world, detainee__died_on="2026-02-02")).status_code == 202


def test_what_contradicts_is_refused_before_it_waits(world: World) -> None:
    pair = two(world)
    judge(world, pair, judgement="different")
    with world.storing_nothing():
        world.refuse(judge(world, pair), 409, "contradicts_decisions")


def test_an_erasure_takes_what_waited_about_the_person_with_it(world: World) -> None:
    pair = two(world)
    judge(world, pair)
    world.redact(pair["b"])
    assert waiting(world) == []
    assert world.rows("SELECT count(*) FROM proposal") == [(0,)]


def test_the_list_is_new_although_the_log_is_not(world: World) -> None:
    pair = two(world)
    tag = world.get("/v1/proposals", "curator").headers["etag"]
    judge(world, pair)
    known = world.client.get("/v1/proposals", headers=world.headers("curator", **{"If-None-Match": tag}))
    assert known.status_code == 200


def add_key(world: World, called: str, holder: str | None) -> None:
    with open_write_session(world.engine) as session:
        world.keys[called] = api_keys.create_key(session, Role.CURATOR, None, 365, world.now, holder)


def test_whoever_has_two_keys_is_one_person(world: World) -> None:
    pair = two(world)
    add_key(world, "another key", "HOLDER OF CURATOR")
    with open_write_session(world.engine) as session:
        successor = api_keys.rotate_key(session, world.keys["curator"][4:12], 365, world.now, ends_in=7)
        world.keys["successor"] = successor
    first = judge(world, pair)
    for who in ("another key", "successor"):
        again = judge(world, pair, who)
        assert (again.status_code, again.json()) == (202, first.json())
        assert [one["mine"] for one in waiting(world, who)] == [True]
    assert people(world) == 2
    assert judge(world, pair, SECOND).status_code == 201


def test_a_key_without_a_holder_proposes_nothing_and_is_no_second(world: World) -> None:
    pair = two(world)
    add_key(world, "old", None)
    with world.storing_nothing():
        problem = world.refuse(judge(world, pair, "old"), 403, "forbidden")
    assert "--holder" in problem["detail"]
    judge(world, pair)
    world.refuse(judge(world, pair, "old"), 403, "forbidden")
    assert people(world) == 2
    assert judge(world, pair, "old", judgement="different").status_code == 201, "what takes one person it may"


def test_what_an_old_key_proposed_can_be_seconded_once_its_holder_is_named(world: World) -> None:
    pair = two(world)
    judge(world, pair)
    with open_write_session(world.engine) as session:
        session.get_one(ApiKey, world.keys["curator"][4:12]).holder = None  # as of a key made before
    assert judge(world, pair, SECOND).status_code == 202
    with open_write_session(world.engine) as session:
        api_keys.rotate_key(session, world.keys["curator"][4:12], 365, world.now, ends_in=7, holder="Ana Pérez")
    assert judge(world, pair, SECOND).status_code == 201


@pytest.fixture
def erasing(world: World) -> World:
    """A registry where two administrators are asked for an erasure."""
    world.app.state.two_person = frozenset({"redactions"})
    with open_write_session(world.engine) as session:
        world.keys["second admin"] = world._key(session, Role.ADMIN, None, "Carla Ruiz")
    return world


def erase(world: World, detainee: str, who: str = "admin", **headers: str) -> Response:
    body = {"reason": "asked for by the family"}
    return world.post(f"/v1/detainees/{detainee}/redaction", body, who, **headers)


def test_an_erasure_takes_two_administrators_where_the_registry_says_so(erasing: World) -> None:
    known, before = erasing.file("foro")["detainee"], erasing.revision
    first = erase(erasing, known["id"])
    assert (first.status_code, first.json()["waiting"]) == (202, True)
    assert erasing.revision == before, "nothing is in the log yet"
    assert erasing.get(f"/v1/detainees/{known['id']}").json()["name"] == known["name"]
    (proposal,) = waiting(erasing, "second admin")
    assert (proposal["kind"], proposal["decision"], proposal["mine"]) == ("redaction", "erase", False)
    assert proposal["body"] == {"reason": "asked for by the family"}
    assert [one["mine"] for one in waiting(erasing, "admin")] == [True]
    assert erase(erasing, known["id"]).json() == first.json(), "the first one is not the second however often"
    second = erase(erasing, known["id"], "second admin")
    assert (second.status_code, second.json()["records"]) == (201, 1)
    assert waiting(erasing, "admin") == []
    assert known["name"] not in erasing.get("/v1/detainees", "reader").text
    assert erase(erasing, known["id"]).status_code == 200, "erased already: there is nothing to wait for"


def test_the_holder_of_two_keys_erases_nobody_alone(erasing: World) -> None:
    known = erasing.file("foro")["detainee"]["id"]
    with open_write_session(erasing.engine) as session:
        erasing.keys["another key"] = erasing._key(session, Role.ADMIN, None, "Holder of admin")
    assert erase(erasing, known).status_code == 202
    assert erase(erasing, known, "another key").status_code == 202


def test_curators_and_administrators_see_and_take_off_what_their_own_role_decides(erasing: World) -> None:
    erasing.app.state.two_person = frozenset({"redactions", "merges"})
    pair = two(erasing)
    of = {"curator": judge(erasing, pair).json()["id"], "admin": erase(erasing, pair["a"]).json()["id"]}
    for role, other in (("curator", "admin"), ("admin", "curator")):
        assert [row["id"] for row in waiting(erasing, role)] == [of[role]]
        path = f"/v1/proposals/{of[role]}"
        erasing.refuse(erasing.client.delete(path, headers=erasing.headers(other)), 404, "not_found")
        assert erasing.client.delete(path, headers=erasing.headers(role)).status_code == 200
        assert waiting(erasing, role) == []
    assert erase(erasing, pair["a"], "second admin").status_code == 202, "one alone erases nobody afterwards"


def test_one_administrator_erases_where_the_registry_does_not_ask_two(world: World) -> None:
    assert erase(world, world.file("foro")["detainee"]["id"]).status_code == 201


# --- the last word of each -------------------------------------------------------------------------------------------


def test_a_newer_decision_takes_the_place_of_what_its_holder_had_proposed(world: World) -> None:
    child = world.file("pud", detainee__birth_date="2012", detainee__publish="counted")["detainee"]["id"]
    assert consent(world, child, publish="named").status_code == 202
    assert consent(world, child, publish="anonymous").status_code == 202
    assert [row["decision"] for row in waiting(world)] == ["anonymous"]
    assert consent(world, child, SECOND, publish="named").status_code == 202, "the first has another last word"
    assert world.get(f"/v1/detainees/{child}").status_code == 404, "nothing is shown yet"
    assert consent(world, child, SECOND, publish="anonymous").status_code == 201
    assert waiting(world) == [], "and what the second had proposed waits no longer"


def test_what_is_carried_out_at_once_takes_back_what_its_holder_had_proposed(world: World) -> None:
    child = world.file("pud", detainee__birth_date="2012")["detainee"]["id"]
    consent(world, child, publish="named")
    assert consent(world, child, publish="counted").status_code == 201
    assert waiting(world) == []
    assert consent(world, child, SECOND, publish="named").status_code == 202
    pair = two(world)
    for judgement in ("unsure", "different"):
        world.client.delete(f"/v1/proposals/{waiting(world)[0]['id']}", headers=world.headers(SECOND))
        assert judge(world, pair).status_code == 202
        decided = judge(world, pair, judgement=judgement)
        assert decided.status_code == 201
        assert waiting(world) == []
        world.client.delete(f"/v1/identity/{decided.json()['id']}", headers=world.headers(SECOND))
        assert judge(world, pair, SECOND).status_code == 202


def test_what_one_curator_decides_leaves_the_proposal_of_another(world: World) -> None:
    pair = two(world)
    judge(world, pair)
    decided = judge(world, pair, SECOND, judgement="different").json()["id"]
    assert len(waiting(world)) == 1
    world.client.delete(f"/v1/identity/{decided}", headers=world.headers(SECOND))
    assert judge(world, pair, SECOND).status_code == 201, "two people say so, each by their last word"


def test_of_two_proposals_of_one_curator_about_people_joined_since_the_newer_is_the_last_word(world: World) -> None:
    world.app.state.two_person = frozenset({"minors"})
    a = world.file("foro", detainee__birth_date="2012")["detainee"]["id"]
    b = world.file("jep", detainee__full_name="Ulises Barrios", detainee__birth_date="2012")["detainee"]["id"]
    consent(world, a, publish="named")
    world.now += timedelta(seconds=1)
    consent(world, b, publish="anonymous")
    world.app.state.two_person = frozenset()
    judge(world, {"a": a, "b": b, "reason": "the same mother"})
    world.app.state.two_person = frozenset({"minors"})
    assert consent(world, a, SECOND, publish="named").status_code == 202
    assert consent(world, a, publish="named").status_code == 201, "it is her last word again"
    assert waiting(world) == []


def test_two_curators_who_decide_in_the_same_moment_decide_once(world: World) -> None:
    world.app.state.two_person = frozenset({"minors"})
    child = world.file("pud", detainee__birth_date="2012", detainee__publish="counted")["detainee"]["id"]
    asked = [(who, publish) for who in ("curator", SECOND) for publish in ("named", "anonymous")] * 2
    with ThreadPoolExecutor(len(asked)) as pool:
        answers = list(pool.map(lambda of: consent(world, child, of[0], publish=of[1]).status_code, asked))
    assert set(answers) <= {201, 202}
    decided = answers.count(201)
    entries = world.rows("SELECT count(*) FROM entry WHERE kind = 'consent'")
    assert entries == [(decided,)]
    proposed = [row[0] for row in world.rows("SELECT proposed_by FROM proposal")]
    assert len(proposed) == len(set(proposed)), "each curator has one last word"


def test_what_a_revoked_key_had_proposed_is_no_half_of_a_decision(world: World) -> None:
    """It may have been a thief's."""
    child = world.file("pud", detainee__birth_date="2012", detainee__publish="counted")["detainee"]["id"]
    assert consent(world, child, publish="named").status_code == 202
    with open_write_session(world.engine) as session:
        api_keys.revoke_key(session, world.keys["curator"][4:12], world.now)
    assert consent(world, child, SECOND, publish="named").status_code == 202
    assert world.get(f"/v1/detainees/{child}").status_code == 404
    add_key(world, "new key of the first", "Holder of curator")
    assert consent(world, child, "new key of the first", publish="named").status_code == 201, "she has a word again"
