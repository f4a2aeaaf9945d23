"""What a key may not read it cannot learn by asking, guessing or pointing (rule 12, over the wire)."""

import json
from typing import Any

import pytest

from app.db.engine import open_write_session
from app.registry import api_keys
from app.vocabulary import Role
from tests.support import GOVERNMENT, NOW, Body, World, make_report

SOMEBODY = {"detainee__full_name": "Zoraida Montilla Paz", "detainee__gender": "female"}
# Nobody has reported her; all else of the guess is alike.
NOBODY = {"detainee__full_name": "Ángela Figueredo Sanz", "detainee__gender": "female"}
# Whose guess, and the class of the person it is right about.
UNREADABLE = [("jep", "counted"), (GOVERNMENT, "counted"), (GOVERNMENT, "anonymous")]

unreadable = pytest.mark.parametrize("who,publish", UNREADABLE)


def blank(world: World, answer: Body) -> str:
    """An answer without what is new in every answer: ids, receipt, and the facts that the guess itself gave."""
    text = json.dumps({name: value for name, value in answer.items() if name != "receipt"})
    for thing in ("report", "detainee", "detention", "release"):
        text = text.replace(answer[thing]["id"], thing)
    for said in (SOMEBODY["detainee__full_name"], NOBODY["detainee__full_name"]):
        text = text.replace(json.dumps(said)[1:-1], "name")
    return text


def guess(world: World, who: str, person: Body, **more: Any) -> Body:
    said = {"detainee__birth_date": "1940", "detainee__publish": "anonymous", **person, **more}
    return world.file(who, **said)


def pairs(world: World) -> list[Body]:
    world.find_pairs()
    return [row for row in world.get("/v1/review", "curator").json()["data"] if row["kind"] == "pair"]


def count_all(world: World) -> int:
    """The releases, and those that only governments assert."""
    total = world.count()["total"]
    return int(total["cases"] + total["official_only"])


@unreadable
def test_a_right_guess_is_answered_like_a_wrong_one(world: World, who: str, publish: str) -> None:
    world.file("foro", **SOMEBODY, detainee__birth_date="1940", detainee__publish=publish)
    right, wrong = guess(world, who, SOMEBODY), guess(world, who, NOBODY)
    assert right["match"] == {"outcome": "new", "candidates": []}
    assert blank(world, right) == blank(world, wrong)


@unreadable
def test_a_right_guess_corrected_is_told_like_a_wrong_one(world: World, who: str, publish: str) -> None:
    world.file("foro", **SOMEBODY, detainee__birth_date="1940", detainee__publish=publish)
    found: list[Any] = []
    for person in (SOMEBODY, NOBODY):
        case = str(len(found))
        filed = guess(world, who, person, source_record_id=case)
        guess(world, who, person, source_record_id=case, release__kind="pardon")
        told = world.get("/v1/corrections", who, since=filed["receipt"]["revision"]).json()
        ((row,), withheld) = told["data"], told["caveats"]["withheld"]
        assert [row["release_id"], *row["detainee_ids"]] == [filed["release"]["id"], filed["detainee"]["id"]]
        found.append((row["kind"], row["changes"], withheld))
    assert found[0] == found[1]


@unreadable
def test_what_a_right_guess_became_is_read_like_what_a_wrong_one_became(world: World, who: str, publish: str) -> None:
    world.file("foro", **SOMEBODY, detainee__birth_date="1940", detainee__publish=publish)
    found: list[Any] = []
    for person in (SOMEBODY, NOBODY):
        filed = guess(world, who, person, source_record_id=str(len(found)))
        answers = [world.client.get(f"/v1/{t}s/{filed[t]['id']}", follow_redirects=False)
                   for t in ("detainee", "detention", "release")]  # fmt: skip
        again = guess(world, who, person, source_record_id=str(len(found)), release__kind="pardon")
        found.append(([answer.status_code for answer in answers], again["match"], again["report"]["version"]))
    assert found[0] == found[1] == ([200, 200, 200], {"outcome": "new", "candidates": []}, 2)


@unreadable
def test_a_guess_changes_no_count_of_the_person_and_nothing_shown_of_them(world: World, who: str, publish: str) -> None:
    known = world.file("foro", **SOMEBODY, detainee__birth_date="1940", detainee__publish=publish)
    paths = [f"/v1/releases/{known['release']['id']}", f"/v1/releases/{known['release']['id']}/verifications"]
    paths += [f"/v1/detainees/{known['detainee']['id']}", f"/v1/detainees/{known['detainee']['id']}/history"]
    before = [{**world.get(path).json(), "at": None} for path in paths]
    counted = count_all(world)
    guess(world, who, SOMEBODY)
    right = count_all(world) - counted
    assert [{**world.get(path).json(), "at": None} for path in paths] == before
    assert world.count(verified_by=["foro", who])["total"]["cases"] == 0
    guess(world, who, NOBODY)
    assert right == count_all(world) - counted - right == 1


@unreadable
def test_a_right_guess_leaves_in_the_log_what_a_wrong_one_leaves(world: World, who: str, publish: str) -> None:
    """Anyone may read the log: an entry about the pair, or a revision more, would be an answer."""
    world.file("foro", **SOMEBODY, detainee__birth_date="1940", detainee__publish=publish)
    for person in (SOMEBODY, NOBODY):
        before = world.revision
        answer = guess(world, who, person)
        assert (answer["receipt"]["revision"], world.revision) == (before + 1, before + 1)
        assert world.count()["caveats"]["possible_duplicates"] == 0
    assert world.rows("SELECT count(*) FROM entry WHERE kind = 'identity'") == [(0,)]


def test_someone_whom_the_key_may_not_recognise_does_not_stand_between_two_whom_it_may(world: World) -> None:
    """Otherwise a doubt where there is none would tell that somebody is there."""
    known = world.file("foro", **SOMEBODY, detainee__birth_date="1940", detainee__publish="named")
    world.file("pud", **SOMEBODY, detainee__birth_date="1975", detainee__publish="counted")
    answer = guess(world, GOVERNMENT, SOMEBODY)
    assert (answer["match"]["outcome"], answer["detainee"]["id"]) == ("linked", known["detainee"]["id"])


@unreadable
def test_a_guess_waits_for_a_curator_all_the_same(world: World, who: str, publish: str) -> None:
    known = world.file("foro", **SOMEBODY, detainee__birth_date="1940", detainee__publish=publish)
    filed = guess(world, who, SOMEBODY)
    (pair,) = pairs(world)
    assert {pair["a"]["id"], pair["b"]["id"]} == {known["detainee"]["id"], filed["detainee"]["id"]}
    assert (pair["decision_id"], pair["score"] > 0.9, bool(pair["reasons"])) == (None, True, True)
    one, two = known["detainee"]["id"], filed["detainee"]["id"]
    judged = world.judge(one, two, "different")
    assert pairs(world) == []
    assert world.client.delete(f"/v1/identity/{judged['id']}", headers=world.headers("curator")).status_code == 200
    assert len(pairs(world)) == 1
    world.judge(one, two, "same")
    assert pairs(world) == []


def test_an_erasure_takes_along_whom_the_person_looked_like(world: World) -> None:
    known = world.file("foro", **SOMEBODY, detainee__birth_date="1940", detainee__publish="counted")
    guess(world, "jep", SOMEBODY)
    world.redact(known["detainee"]["id"])
    assert world.rows("SELECT count(*) FROM hidden_candidate_pair") == [(0,)]
    assert pairs(world) == []


def test_the_list_of_pairs_is_read_page_by_page_without_loss(world: World) -> None:
    for _ in range(3):
        world.file("foro", **SOMEBODY, detainee__birth_date="1940", detainee__publish="counted")
        guess(world, GOVERNMENT, SOMEBODY)
    whole = pairs(world)
    assert len(whole) > 5
    found, path = [], "/v1/review?limit=2"
    while path:
        answer = world.get(path, "curator").json()
        found += [row for row in answer["data"] if row["kind"] == "pair"]
        path = answer["next"]
    assert found == whole


def test_a_case_number_cannot_test_whether_an_unnamed_release_is_its_own(world: World) -> None:
    known = world.file("foro", **SOMEBODY, detainee__birth_date="1940", detainee__publish="anonymous")
    told = []
    for person in (SOMEBODY, NOBODY):
        guess(world, GOVERNMENT, person, source_record_id=person["detainee__full_name"])
        body = {"source_record_id": person["detainee__full_name"], "release_id": known["release"]["id"],
                "release": {"released_on": "2026-01-12"}}  # fmt: skip
        answer = world.post("/v1/releases", body, GOVERNMENT)
        told.append((answer.status_code, answer.json()["detail"]))
    assert told[0] == told[1]


def test_candidates_name_only_those_whom_the_key_may_recognise(world: World) -> None:
    """The same name in one list: the source's own earlier report is a candidate, the counted namesake is not."""
    world.file("foro", **SOMEBODY, detainee__publish="counted", detainee__birth_date="1940")
    own = world.file("jep", **SOMEBODY, detainee__birth_date="1975", detainee__publish="named")
    again = world.file("jep", **SOMEBODY, detainee__birth_date="1975", detainee__publish="named")
    assert again["match"]["outcome"] == "needs_review"
    assert [one["detainee_id"] for one in again["match"]["candidates"]] == [own["detainee"]["id"]]
    reasons = again["match"]["candidates"][0]["reasons"]
    assert all(reason.keys() == {"feature", "score", "note"} for reason in reasons)
    assert "1975" not in json.dumps(reasons)


def test_reporters_search_no_further_than_the_public(world: World) -> None:
    world.file("foro", **SOMEBODY, detainee__publish="anonymous")
    for who in (None, "jep", GOVERNMENT, "admin", "foro"):
        assert world.get("/v1/detainees", who, q="montilla").json()["data"] == []
    assert len(world.get("/v1/detainees", "reader", q="montilla").json()["data"]) == 1


def test_ids_that_can_be_computed_from_the_log_open_nothing(world: World) -> None:
    """Anyone who reads the log can derive the ids of a report's detention and release."""
    filed = world.file("foro", **SOMEBODY, detainee__publish="counted")
    stranger = "11111111-2222-4333-8444-555555555555"
    for thing in ("detainee", "detention", "release"):
        for rest in ("", "/verifications", "/history"):
            known = world.get(f"/v1/{thing}s/{filed[thing]['id']}{rest}")
            made_up = world.get(f"/v1/{thing}s/{stranger}{rest}")
            assert (known.status_code, known.content) == (404, made_up.content)
            for pinned in (filed["receipt"]["revision"], world.revision):
                assert world.get(f"/v1/{thing}s/{filed[thing]['id']}{rest}", as_of=pinned).status_code == 404
            tag = world.get("/v1/releases").headers["etag"]
            asked = world.client.get(f"/v1/{thing}s/{filed[thing]['id']}{rest}", headers={"If-None-Match": tag})
            assert asked.status_code == 404


def test_an_id_absorbed_by_someone_who_is_hidden_leads_nowhere(world: World) -> None:
    shown = world.file("jep", detainee__full_name="Ulises Barrios", detainee__publish="named")
    hidden = world.file("foro", **SOMEBODY, detainee__publish="counted")
    world.judge(hidden["detainee"]["id"], shown["detainee"]["id"], "same")
    for thing in ("detainee", "detention", "release"):
        answer = world.client.get(f"/v1/{thing}s/{shown[thing]['id']}", follow_redirects=False)
        world.refuse(answer, 404, "not_found")
        assert "location" not in answer.headers


def test_a_history_tells_nothing_of_changes_that_are_not_shown(world: World) -> None:
    said = {**SOMEBODY, "detainee__publish": "anonymous", "source_record_id": "1"}
    filed = world.file("foro", **said)
    world.file("foro", **said, note="his mother called", detention__legal_status="incommunicado")
    world.file("foro", **{**said, "detainee__full_name": "Zoraida Montilla"}, detainee__father_name="Luis Montilla")
    path = f"/v1/detainees/{filed['detainee']['id']}/history"
    assert [one["revision"] for one in world.get(path).json()["data"]] == [filed["receipt"]["revision"]]
    assert len(world.get(path, "reader").json()["data"]) == 3


HIDDEN_CHANGES: list[Body] = [
    {"detainee__full_name": "Zoraida Montilla"}, {"detainee__aliases": ["La Profe"]}, {"detainee__gender": "other"},
    {"detention__legal_status": "incommunicado"}, {"detainee__father_name": "Luis Montilla"},
    {"release__conditions": ["gag_order"]}, {"detention__place": "a farm"},
    {"verification__evidence": [{"url": "https://a.example/zoraida"}]},
]  # fmt: skip
SHOWN_CHANGES: list[Body] = [
    {"detainee__age": 85}, {"detainee__nationalities": ["CO"]}, {"detention__facility": "Yare"},
    {"release__kind": "pardon"}, {"detainee__publish": "named"},
]  # fmt: skip


@pytest.mark.parametrize(
    "shown, change", [(False, one) for one in HIDDEN_CHANGES] + [(True, one) for one in SHOWN_CHANGES]
)
def test_somebody_unnamed_looks_changed_when_what_is_shown_changed(world: World, shown: bool, change: Body) -> None:
    world.add_facility()
    world.add_facility("yare", "Yare")
    said: Body = {**SOMEBODY, "source_record_id": "1", "detainee__publish": "anonymous", "detainee__birth_date": None}
    said |= {"detainee__age": 86, "detainee__age_on": "2026-01-12", "detainee__category": "civilian"}
    before = world.file("foro", **said)["receipt"]["revision"]
    world.file("foro", **{**said, **change})
    for path in ("/v1/detainees", "/v1/releases", "/v1/detentions"):
        assert bool(world.get(path, changed_since=before).json()["data"]) is shown
        assert len(world.get(path, "reader", changed_since=before).json()["data"]) == 1


def test_a_note_does_not_make_a_record_look_changed(world: World) -> None:
    filed = world.file("foro", **SOMEBODY, source_record_id="1", detainee__publish="anonymous")
    world.file("foro", **SOMEBODY, source_record_id="1", detainee__publish="anonymous", note="his mother called")
    for path in ("/v1/detainees", "/v1/releases", "/v1/detentions"):
        assert world.get(path, changed_since=filed["receipt"]["revision"]).json()["data"] == []


def test_nothing_can_be_subtracted_out_of_a_personal_count(world: World, subtests: pytest.Subtests) -> None:
    """Whatever is asked about someone hidden gives the same number for every value of what is hidden."""
    world.add_facility()
    world.add_facility("yare", "Yare")
    hidden: Body = {"detention__facility": "Yare", "release__destination": "AR", "detainee__category": "military"}
    hidden |= {"release__conditions": ["gag_order"], "detainee__birth_date": "1940", "detainee__publish": "counted"}
    world.file("foro", **SOMEBODY, **hidden)
    world.file("foro", detainee__full_name="Ulises Barrios", detainee__publish="anonymous", detainee__gender="male")
    whole = {"released_from": "2026-01-12", "released_to": "2026-01-12"}
    asked: list[tuple[str, list[str]]] = [
        ("gender", ["female", "male", "other"]),
        ("category", ["civilian", "military", "police"]),
        ("age_group", ["under_18", "over_70"]),
        ("facility", ["yare"]),
        ("condition", ["gag_order", "travel_ban"]),
        ("destination", ["AR", "ES"]),
        ("nationality", ["CO", "AR"]),
    ]
    for name, values in asked:
        for value in values:
            with subtests.test(f"{name}={value}"):
                answer = world.count(**whole, **{name: value})
                assert (
                    answer["total"]["cases"],
                    answer["caveats"]["withheld"],
                    answer["caveats"]["uncertain_date"],
                ) == (0, 0, 0)
                assert world.by_source(**whole, **{name: value}) == {}
    for name in ("gender", "category", "facility", "age_group", "nationality"):
        with subtests.test(f"group_by={name}"):
            groups = {group["by"][name]: group["counts"]["cases"] for group in world.count(group_by=name)["groups"]}
            assert set(groups) <= {"withheld", "el-rodeo-i", "18_to_69", "VE"}
            assert sum(groups.values()) == 2
            assert groups["withheld"] == (2 if name in ("gender", "category") else 1)


def test_the_review_list_is_the_curators_alone(world: World) -> None:
    world.file("foro", **SOMEBODY, detainee__publish="counted")
    world.file("foro", **SOMEBODY, detainee__publish="counted")
    assert len(pairs(world)) == 1
    for who in (None, "foro", "jep", GOVERNMENT, "reader", "admin"):
        assert world.get("/v1/review", who).status_code in (401, 403)


def test_a_source_reads_its_own_word_and_not_what_it_led_to(world: World) -> None:
    """Its report stays its own to read, also when the person is hidden; the person does not open by it."""
    filed = world.file("foro", **SOMEBODY, detainee__publish="counted")
    assert world.get(f"/v1/reports/{filed['report']['id']}", "foro").json()["detainee"]["gender"] == "female"
    assert (filed["detainee"]["name"], filed["detainee"]["gender"]) == (None, None)
    world.refuse(world.get(f"/v1/detainees/{filed['detainee']['id']}", "foro"), 404, "not_found")
    body = make_report(detainee_id=filed["detainee"]["id"], detainee=None)
    world.refuse(world.post("/v1/releases", body, "jep"), 404, "not_found")


def test_a_partner_that_is_not_independent_sees_no_more_than_the_public(
    world: World, subtests: pytest.Subtests
) -> None:
    with open_write_session(world.engine) as session:
        for role in (Role.READER, Role.CURATOR):
            world.keys[f"a state's {role}"] = api_keys.create_key(session, role, GOVERNMENT, 365, NOW)
    hidden = world.file("foro", **SOMEBODY, detainee__publish="counted")
    world.file("foro", detainee__full_name="Ulises Barrios", detainee__publish="anonymous", note="his mother called")
    paths = ["/v1/detainees", "/v1/releases", "/v1/detainees?q=barrios", "/v1/counts/releases?group_by=gender"]
    for path in [*paths, f"/v1/detainees/{hidden['detainee']['id']}"]:
        for role in (Role.READER, Role.CURATOR):
            with subtests.test(f"{path} for {role}"):
                answer = world.client.get(path, headers=world.headers(f"a state's {role}"))
                assert answer.json() == world.client.get(path).json()


@pytest.mark.parametrize("publish", ["counted", "anonymous"])
def test_a_guess_at_somebody_only_counted_shows_in_no_number_whatever_it_asks_for(world: World, publish: str) -> None:
    world.file("foro", **SOMEBODY, detainee__birth_date="1940", detainee__publish="counted")
    grown: list[tuple[int, int, int, int]] = []
    for person in (SOMEBODY, NOBODY):
        revision, before = world.revision, world.count()["total"]
        guess(world, "jep", person, detainee__publish=publish, source_record_id=str(len(grown)))
        after = world.count()["total"]
        both = world.count(verified_by=["foro", "jep"])["total"]["cases"]
        grown.append(
            (world.revision - revision, after["people"] - before["people"], after["by_min_sources"]["1"], both)
        )
    right, wrong = grown
    assert right[:2] == wrong[:2] == (1, 1)
    assert (right[3], wrong[3]) == (0, 0)
    assert len(pairs(world)) == 1  # which a curator decides


def test_no_past_revision_tells_a_reporter_what_others_said_of_somebody_whom_an_objection_hides(world: World) -> None:
    """Two people were one for a while. What one of them was said to be must show neither in `changed` nor in a 409."""
    shown = world.file("foro", **NOBODY, detainee__publish="anonymous")
    release = shown["release"]["id"]
    world.verify(release, GOVERNMENT, verdict="reported", source_record_id="M-1")
    hidden = world.file("pud", **SOMEBODY, detainee__publish="anonymous", release__kind="full_release")
    people = shown["detainee"]["id"], hidden["detainee"]["id"]
    joined = world.judge(*people, "same")
    revision = world.revision
    world.client.delete(f"/v1/identity/{joined['id']}", headers=world.headers("curator"))
    world.judge(*people, "different")
    world.object_to(f"/v1/detainees/{people[1]}")
    world.beat()
    world.refuse(world.get(f"/v1/detainees/{people[1]}"), 404, "not_found")
    world.refuse(world.get(f"/v1/releases/{release}", as_of=revision), 404, "not_found")
    (own,) = world.get("/v1/reports", GOVERNMENT, as_of=revision).json()["data"]
    assert own["taken_over"]["changed"] == []
    assert world.verify(release, "jep", verdict="verified", method="family", seen=revision)["report"]["version"] == 1
