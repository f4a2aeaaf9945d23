"""Curators' decisions over the wire: join, keep apart, undo; absorbed ids, and the list that waits."""

import uuid
from typing import Any

import pytest

from tests.support import Body, World, without_random

TOMAS = "Tomás Aurelio Quintana Ribas"
OTHER = {"detainee__full_name": "Ulises Barrios", "detainee__gender": None, "detainee__birth_date": None}


def two(world: World) -> tuple[Body, Body]:
    """Two people, filed by two sources, that nothing ties."""
    return world.file("foro"), world.file("jep", **OTHER)


def namesakes(world: World) -> tuple[Body, Body]:
    """Two people of one name in one list: they wait for a curator."""
    return world.file("foro"), world.file("foro")


def review(world: World) -> list[Body]:
    world.find_pairs()
    return list(world.get("/v1/review", "curator").json()["data"])


def test_a_curator_joins_two_people_and_undo_parts_them_again(world: World) -> None:
    a, b = two(world)
    apart = [world.get(f"/v1/detainees/{one['detainee']['id']}").json() for one in (a, b)]
    decision = world.judge(a["detainee"]["id"], b["detainee"]["id"], "same")
    assert (decision["judgement"], decision["standing"]) == ("same", True)
    assert len(world.get("/v1/detainees").json()["data"]) == 1
    undone = world.client.delete(f"/v1/identity/{decision['id']}", headers=world.headers("curator"))
    assert undone.status_code == 200
    assert (undone.json()["id"], undone.json()["standing"]) == (decision["id"], False)
    again = [world.get(f"/v1/detainees/{one['detainee']['id']}").json() for one in (a, b)]
    for before, after in zip(apart, again, strict=True):
        for record in (before, after):
            del record["at"], record["revision"], record["recorded_at"]
        assert {**after, "detentions": []} == {**before, "detentions": []}
    assert again[0]["detentions"][0] == apart[0]["detentions"][0]
    # The one that was absorbed says when it moved there and back.
    merged, parted = decision["receipt"]["revision"], undone.json()["receipt"]["revision"]
    assert again[1]["detentions"][0]["moved_at"] == [merged, parted]


def test_a_decision_is_undone_once(world: World) -> None:
    a, b = two(world)
    path = f"/v1/identity/{world.judge(a['detainee']['id'], b['detainee']['id'], 'same')['id']}"
    assert world.client.delete(path, headers=world.headers("curator")).status_code == 200
    with world.storing_nothing():
        world.refuse(world.client.delete(path, headers=world.headers("curator")), 404, "not_found")
        unknown = f"/v1/identity/{uuid.uuid4()}"
        world.refuse(world.client.delete(unknown, headers=world.headers("curator")), 404, "not_found")


def test_the_same_judgement_again_is_the_decision_that_stands(world: World) -> None:
    a, b = two(world)
    said = {"a": a["detainee"]["id"], "b": b["detainee"]["id"], "judgement": "same", "reason": "One man."}
    first = world.post("/v1/identity", said, "curator").json()
    with world.storing_nothing():
        for again in (said, {**said, "a": said["b"], "b": said["a"], "reason": "Sent twice over a bad line."}):
            answer = world.post("/v1/identity", again, "curator")
            assert (answer.status_code, answer.json()["id"]) == (200, first["id"])


def test_an_absorbed_id_answers_308_until_it_stands_again(world: World, subtests: pytest.Subtests) -> None:
    a, b = two(world)
    before = world.revision
    decision = world.judge(a["detainee"]["id"], b["detainee"]["id"], "same")
    addresses = {
        "/v1/detainees/{}": "detainee",
        "/v1/detainees/{}/history": "detainee",
        "/v1/detentions/{}": "detention",
        "/v1/detentions/{}/verifications": "detention",
        "/v1/releases/{}": "release",
        "/v1/releases/{}/verifications": "release",
    }
    for path, thing in addresses.items():
        standing, absorbed = path.format(a[thing]["id"]), path.format(b[thing]["id"])
        with subtests.test(path):
            moved = world.client.get(absorbed, follow_redirects=False)
            world.refuse(moved, 308, "moved")
            assert moved.headers["location"] == standing
            assert world.get(absorbed).json() == world.get(standing).json()
            asked = world.client.get(f"{absorbed}?as_of=r{world.revision}&zone=Z", follow_redirects=False)
            assert asked.headers["location"] == f"{standing}?as_of=r{world.revision}&zone=Z"
            past = world.client.get(f"{absorbed}?as_of=r{before}", follow_redirects=False)
            assert past.status_code == 200
    world.client.delete(f"/v1/identity/{decision['id']}", headers=world.headers("curator"))
    for path, thing in addresses.items():
        with subtests.test(f"{path}, undone"):
            answer = world.client.get(path.format(b[thing]["id"]), follow_redirects=False)
            assert answer.status_code == 200
            moved = world.client.get(f"{path.format(b[thing]['id'])}?as_of=r{before + 1}", follow_redirects=False)
            assert moved.status_code == 308


@pytest.mark.parametrize("spelt", [str.upper, lambda text: text.replace("-", ""), lambda text: f"urn:uuid:{text}"])
def test_an_absorbed_id_leads_on_however_it_is_written(world: World, spelt: Any) -> None:
    a, b = two(world)
    world.judge(a["detainee"]["id"], b["detainee"]["id"], "same")
    moved = world.client.get(f"/v1/detainees/{spelt(b['detainee']['id'])}", follow_redirects=False)
    assert moved.headers["location"] == f"/v1/detainees/{a['detainee']['id']}"


def test_a_write_to_an_absorbed_id_reaches_who_stands_there(world: World) -> None:
    a, b = two(world)
    world.judge(a["detainee"]["id"], b["detainee"]["id"], "same")
    world.verify(b["release"]["id"], "pud", verdict="verified", method="lawyer")
    assert world.get(f"/v1/releases/{a['release']['id']}").json()["verified_by"] == ["foro", "jep", "pud"]
    world.consent(b["detainee"]["id"], "counted")
    world.refuse(world.get(f"/v1/detainees/{a['detainee']['id']}"), 404, "not_found")


def test_absorbed_ids_can_be_judged(world: World) -> None:
    a, b = two(world)
    c = world.file("pud", detainee__full_name="Ismael Toro")
    world.judge(a["detainee"]["id"], b["detainee"]["id"], "same")
    world.judge(b["detainee"]["id"], c["detainee"]["id"], "same")
    assert len(world.get("/v1/detainees").json()["data"]) == 1


def test_a_judgement_against_curators_standing_ones_is_refused_with_the_chain(world: World) -> None:
    a, b = two(world)
    c = world.file("pud", detainee__full_name="Ismael Toro")
    ids = [one["detainee"]["id"] for one in (a, b, c)]
    first, second = world.judge(ids[0], ids[1], "same"), world.judge(ids[1], ids[2], "same")
    with world.storing_nothing():
        body = {"a": ids[0], "b": ids[2], "judgement": "different", "reason": "two mothers"}
        problem = world.refuse(world.post("/v1/identity", body, "curator"), 409, "contradicts_decisions")
    assert [link["id"] for link in problem["chain"]] == [first["id"], second["id"]]
    assert {link["judgement"] for link in problem["chain"]} == {"same"}
    assert all(link["reason"] for link in problem["chain"])


def test_what_was_judged_different_is_not_joined_round_a_corner(world: World) -> None:
    a, b = two(world)
    c = world.file("pud", detainee__full_name="Ismael Toro")
    ids = [one["detainee"]["id"] for one in (a, b, c)]
    apart = world.judge(ids[0], ids[1], "different")
    world.judge(ids[1], ids[2], "same")
    with world.storing_nothing():
        body = {"a": ids[0], "b": ids[2], "judgement": "same", "reason": "the same mother"}
        problem = world.refuse(world.post("/v1/identity", body, "curator"), 409, "contradicts_decisions")
    assert apart["id"] in {link["id"] for link in problem["chain"]}


def test_two_people_are_named_who_exist(world: World, subtests: pytest.Subtests) -> None:
    a, b = two(world)
    mine, stranger = a["detainee"]["id"], str(uuid.uuid4())
    bad: list[tuple[Body, str, str]] = [
        ({"b": mine}, "one_detainee", "/b"),
        ({"a": stranger}, "unknown_detainee", "/a"),
        ({"b": stranger}, "unknown_detainee", "/b"),
        ({"b": b["release"]["id"]}, "unknown_detainee", "/b"),
        ({"b": "17"}, "invalid_id", "/b"),
        ({"judgement": "perhaps"}, "unknown_code", "/judgement"),
        ({"reason": "  "}, "string_too_short", "/reason"),
    ]
    good = {"a": mine, "b": b["detainee"]["id"], "judgement": "same", "reason": "the same mother"}
    for said, code, pointer in bad:
        with subtests.test(str(said)), world.storing_nothing():
            world.refuse(world.post("/v1/identity", {**good, **said}, "curator"), 422, code, pointer)
    for name in good:
        with subtests.test(f"without {name}"), world.storing_nothing():
            body = {field: value for field, value in good.items() if field != name}
            world.refuse(world.post("/v1/identity", body, "curator"), 422, "required", f"/{name}")


def test_namesakes_in_one_list_wait_for_a_curator_with_reasons(world: World) -> None:
    a, b = namesakes(world)
    assert b["match"]["outcome"] == "needs_review"
    assert [one["detainee_id"] for one in b["match"]["candidates"]] == [a["detainee"]["id"]]
    (pair,) = review(world)
    assert pair["kind"] == "pair"
    assert {pair["a"]["id"], pair["b"]["id"]} == {a["detainee"]["id"], b["detainee"]["id"]}
    assert 0.6 <= pair["score"] <= 1
    assert {"name", "birth"} <= {reason["feature"] for reason in pair["reasons"]}
    assert world.count()["caveats"]["possible_duplicates"] == 1


@pytest.mark.parametrize("judgement", ["same", "different"])
def test_a_judgement_takes_a_pair_off_the_list_and_undo_puts_it_back(world: World, judgement: str) -> None:
    a, b = namesakes(world)
    waiting = review(world)
    decision = world.judge(a["detainee"]["id"], b["detainee"]["id"], judgement)
    assert review(world) == []
    assert world.count()["caveats"]["possible_duplicates"] == 0
    world.client.delete(f"/v1/identity/{decision['id']}", headers=world.headers("curator"))
    assert [one["decision_id"] for one in review(world)] == [one["decision_id"] for one in waiting]
    assert world.count()["caveats"]["possible_duplicates"] == 1


def test_the_list_that_waits_is_best_first_in_pages_and_has_a_past(world: World) -> None:
    for name in (TOMAS, "Ulises Barrios Mata", "Ismael Toro Paz"):
        world.file("foro", detainee__full_name=name)
        world.file("foro", detainee__full_name=name, detainee__birth_date="1971" if name == TOMAS else "1973")
    whole = review(world)
    scores = [pair["score"] for pair in whole]
    assert len(whole) == 3
    assert scores == sorted(scores, reverse=True)
    first = world.get("/v1/review", "curator", limit=2).json()
    world.judge(whole[0]["a"]["id"], whole[0]["b"]["id"], "same")
    rest = world.client.get(first["next"], headers=world.headers("curator")).json()
    assert [pair["decision_id"] for pair in first["data"] + rest["data"]] == [pair["decision_id"] for pair in whole]


def test_releases_on_days_apart_in_one_spell_wait_too(world: World) -> None:
    filed = world.file("foro")
    world.verify(filed["release"]["id"], "jep", verdict="verified", method="lawyer", released_on="2026-02-10")
    (row,) = review(world)
    assert row["kind"] == "disjoint_releases"
    assert row["release"]["id"] == filed["release"]["id"]
    assert row["release"]["released_on"] == "2026-02-10"  # a tie goes to the later date
    assert world.get(f"/v1/detentions/{filed['detention']['id']}").json()["disputed_dates"] is True


def test_arrests_on_days_apart_are_disputed(world: World) -> None:
    filed = world.file("foro", detention__detained_on="2024-09-04")
    path = f"/v1/detentions/{filed['detention']['id']}"
    world.file("jep", detention__detained_on="2024")
    assert world.get(path).json()["disputed_dates"] is False
    world.file("pud", detention__detained_on="2024-10-13")
    assert world.get(path).json()["disputed_dates"] is True


def test_a_reporter_cannot_tie_standing_people_by_a_pointer(world: World) -> None:
    a, _b = two(world)
    world.file("pud", source_record_id="1", detainee__full_name="Ismael Toro")
    with world.storing_nothing():
        body = {"source_record_id": "1", "release_id": a["release"]["id"], "release": {"released_on": "2026-01-12"}}
        world.refuse(world.post("/v1/releases", body, "pud"), 409, "conflict")


def test_a_pair_looked_at_in_vain_waits_behind_those_nobody_looked_at(world: World) -> None:
    for name in (TOMAS, "Ulises Barrios Mata"):
        for born in ("1980", "1984"):
            world.file("foro", detainee__full_name=name, detainee__birth_date=born)
    first, second = review(world)
    assert (first["looked_at"], second["looked_at"]) == ([], [])
    decision = world.judge(first["a"]["id"], first["b"]["id"], "unsure")
    assert (decision["judgement"], decision["standing"]) == ("unsure", True)
    front, back = review(world)
    assert [one["decision_id"] for one in (front, back)] == [second["decision_id"], first["decision_id"]]
    assert (back["score"], back["reasons"]) == (first["score"], first["reasons"])
    assert [one["decision_id"] for one in back["looked_at"]] == [decision["id"]]
    assert back["looked_at"][0]["reason"]
    assert world.count()["caveats"]["possible_duplicates"] == 2
    world.client.delete(f"/v1/identity/{decision['id']}", headers=world.headers("curator"))
    assert review(world) == [first, second]


@pytest.mark.parametrize("judgement", ["same", "different"])
def test_what_was_unsure_can_be_decided_later(world: World, judgement: str) -> None:
    a, b = two(world)
    ids = a["detainee"]["id"], b["detainee"]["id"]
    world.judge(*ids, "unsure")
    assert [(row["score"], row["reasons"]) for row in review(world)] == [(0, [])]
    world.judge(*ids, judgement)
    assert review(world) == []
    assert world.count()["caveats"]["possible_duplicates"] == 0


def test_nobody_is_unsure_against_what_stands(world: World) -> None:
    a, b = two(world)
    ids = a["detainee"]["id"], b["detainee"]["id"]
    for judgement in ("same", "different"):
        decision = world.judge(*ids, judgement)
        with world.storing_nothing():
            body = {"a": ids[0], "b": ids[1], "judgement": "unsure", "reason": "I wonder"}
            problem = world.refuse(world.post("/v1/identity", body, "curator"), 409, "contradicts_decisions")
        assert [link["id"] for link in problem["chain"]] == [decision["id"]]
        world.client.delete(f"/v1/identity/{decision['id']}", headers=world.headers("curator"))


def born(world: World, day: str | None, by: str = "foro", **more: Any) -> str:
    """A person born on a day, as a source says."""
    name = f"Persona {by} {world.revision}"
    return str(world.file(by, detainee__full_name=name, detainee__birth_date=day, **more)["detainee"]["id"])


def test_two_who_were_born_on_different_days_are_not_joined_directly_or_round_a_corner(world: World) -> None:
    first, between, last = born(world, "1953-04-02"), born(world, "1953", "jep"), born(world, "1953-04-20", "pud")
    tie = world.judge(first, between, "same")
    body = {"judgement": "same", "reason": "the same mother"}
    with world.storing_nothing():
        direct = world.refuse(
            world.post("/v1/identity", {**body, "a": first, "b": last}, "curator"), 409, "conflicting_births"
        )
        corner = world.refuse(
            world.post("/v1/identity", {**body, "a": last, "b": between}, "curator"), 409, "conflicting_births"
        )
    assert direct["chain"] == []
    assert [link["id"] for link in corner["chain"]] == [tie["id"]]
    assert "1953" not in without_random(direct["detail"])


def test_a_birthday_corrected_or_withdrawn_or_a_states_own_stands_in_nobodys_way(world: World) -> None:
    first = world.file("foro", source_record_id="F1", detainee__birth_date="1953-04-02")
    second = world.file("jep", source_record_id="J1", detainee__full_name="Otro", detainee__birth_date="1953-04-20")
    a, b = first["detainee"]["id"], second["detainee"]["id"]
    body = {"a": a, "b": b, "judgement": "same", "reason": "the same mother"}
    world.refuse(world.post("/v1/identity", body, "curator"), 409, "conflicting_births")
    world.file("jep", source_record_id="J1", detainee__full_name="Otro", detainee__birth_date="1953-04-02")
    assert world.post("/v1/identity", body, "curator").status_code == 201
    of_the_state = born(world, "1961-01-01", "ministry")
    assert world.post("/v1/identity", {**body, "b": of_the_state}, "curator").status_code == 201


@pytest.mark.parametrize("publish", ["named", "counted"], ids=["in the log", "in silence"])
def test_reasons_are_of_the_revision_they_name_and_what_is_compared_is_as_now(world: World, publish: str) -> None:
    world.file("foro", detainee__birth_date="1953", detainee__publish=publish)
    before = world.revision
    mistaken = {"source_record_id": "J1", "detainee__birth_date": "1960"}
    world.file("jep", **mistaken)
    (queued,) = review(world)
    assert queued["as_of_revision"] == before + 1
    world.file("jep", **mistaken | {"detainee__birth_date": "1953"})
    (pair,) = review(world)
    assert (pair["as_of_revision"], pair["reasons"]) == (before + 1, queued["reasons"])
    assert {"births more than 2 years apart"} <= {one["note"] for one in pair["reasons"]}
    assert next(one for one in pair["compared"] if one["field"] == "birth_date")["agrees"] is True


def test_a_pair_is_shown_field_by_field(world: World) -> None:
    a = world.file("foro", detainee__birth_date="1953-04-02", detainee__father_name="Abel")
    b = world.file("jep", detainee__birth_date="1960", detention__detained_on="2024-10", detainee__full_name=TOMAS)
    world.judge(a["detainee"]["id"], b["detainee"]["id"], "unsure")
    (pair,) = review(world)
    compared = {row["field"]: row for row in pair["compared"]}
    assert compared["full_name"]["agrees"] is True
    assert compared["birth_date"]["agrees"] is False
    assert compared["father_name"]["agrees"] is None
    assert compared["father_name"]["a"] == [{"value": "Abel", "by": ["foro"]}]
    assert {"detained_on", "released_on", "facility"} <= compared.keys()
