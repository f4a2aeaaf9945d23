"""What changed in a list for its reader, and the tombstones of what left it."""

import json
from typing import Any

import pytest

from app.queries.parameters import write_cursor
from tests.support import GOVERNMENT, Body, World

LISTS = ("/v1/releases", "/v1/detainees", "/v1/detentions")
THINGS = {"/v1/releases": "release", "/v1/detainees": "detainee", "/v1/detentions": "detention"}
SURNAMES = ("Paz", "Gil", "Ruz", "Mora", "Toro", "Leal")
ANA, BEA = {"detainee__full_name": "Ana Paz Rivero"}, {"detainee__full_name": "Bea Gil Solano"}


def changed(world: World, path: str, since: int, who: str | None = None, **terms: Any) -> tuple[list[str], list[str]]:
    """The ids of what changed and of what left; every page of it."""
    rows: list[Body] = []
    following: str | None = str(world.client.build_request("GET", path, params={**terms, "changed_since": since}).url)
    while following is not None:
        answer = world.client.get(following, headers=world.headers(who))
        assert answer.status_code == 200, answer.text
        rows += answer.json()["data"]
        following = answer.json()["next"]
    gone = [row for row in rows if "gone" in row]
    assert all(row.keys() == {"id", "revision", "gone"} and row["gone"] is True for row in gone)
    return [row["id"] for row in rows if "gone" not in row], [row["id"] for row in gone]


def both(world: World) -> tuple[Body, Body]:
    return world.file(**ANA, detainee__birth_date="1950"), world.file(**BEA, detainee__birth_date="1960")


@pytest.mark.parametrize("path", LISTS)
def test_consent_given_is_a_change_and_consent_withdrawn_leaves_a_tombstone(world: World, path: str) -> None:
    filed = [world.file(**who, detainee__birth_date=born, detainee__publish="anonymous")
             for who, born in ((ANA, "1950"), (BEA, "1960"))]  # fmt: skip
    first, second = (one[THINGS[path]]["id"] for one in filed)
    before = world.revision
    world.consent(filed[0]["detainee"]["id"], "named")
    assert changed(world, path, before) == ([first], [])
    named = world.revision
    world.consent(filed[1]["detainee"]["id"], "counted")
    assert changed(world, path, named) == ([], [second])
    assert changed(world, path, before) == ([first], [second])
    assert changed(world, path, before, "reader") == ([first, second], [])
    assert changed(world, path, before, "foro") == ([first], [second])
    world.consent(filed[1]["detainee"]["id"], "anonymous")
    world.consent(filed[1]["detainee"]["id"], "counted")
    again = world.revision
    world.consent(filed[1]["detainee"]["id"], "anonymous")
    # She is back as she was, but some of her rows were written anew.
    assert changed(world, path, again - 1) == ([] if path == "/v1/releases" else [second], [])
    assert changed(world, path, before) == ([first, second], [])  # a first consent is a change
    assert changed(world, path, world.revision - 1) == ([second], [])


@pytest.mark.parametrize("path", LISTS)
def test_who_was_never_listed_leaves_no_tombstone(world: World, path: str) -> None:
    filed = world.file(**ANA, detainee__publish="counted")
    before = world.revision
    world.redact(filed["detainee"]["id"])
    assert changed(world, path, before) == ([], [])
    assert changed(world, path, 0) == ([], [])


@pytest.mark.parametrize("path", LISTS)
def test_of_two_people_who_are_one_the_absorbed_leaves_a_tombstone(world: World, path: str) -> None:
    one, other = both(world)
    before = world.revision
    decision = world.judge(one["detainee"]["id"], other["detainee"]["id"], "same")
    ids = [one[THINGS[path]]["id"], other[THINGS[path]]["id"]]
    assert changed(world, path, before) == ([ids[0]], [ids[1]])
    merged = world.revision
    assert world.client.delete(f"/v1/identity/{decision['id']}", headers=world.headers("curator")).status_code == 200
    assert changed(world, path, merged) == (ids, [])
    assert changed(world, path, before)[1] == []


def test_what_the_terms_do_not_mean_any_more_leaves_a_tombstone(world: World) -> None:
    filed = world.file(**ANA, detainee__publish="anonymous", source_record_id="1", release__kind="pardon")
    before = world.revision
    world.file(**ANA, detainee__publish="anonymous", source_record_id="1", release__kind="amnesty")
    release = filed["release"]["id"]
    assert changed(world, "/v1/releases", before, release_kind="pardon") == ([], [release])
    assert changed(world, "/v1/releases", before, release_kind="amnesty") == ([release], [])
    assert changed(world, "/v1/releases", before) == ([release], [])
    assert changed(world, "/v1/releases", before, country="AR") == ([], [])


def test_tombstones_do_not_depend_on_what_is_personal_nor_on_a_name(world: World) -> None:
    """Else a search for a name, with the changes since yesterday, would say who hid."""
    one, other = both(world)
    before = world.revision
    world.consent(one["detainee"]["id"], "counted")
    for path in LISTS:
        gone = changed(world, path, before)[1]
        assert gone == [one[THINGS[path]]["id"]]
        for terms in ({"q": "Ana Paz"}, {"q": "Zoraida"}, {"gender": "female"}, {"gender": "male"},
                      {"nationality": "VE"}, {"not_nationality": "VE"},
                      {"detained_to": "2020"}, {"country": "AR"}, {"rearrested": "true"}):  # fmt: skip
            assert changed(world, path, before, **terms)[1] == gone, (path, terms)
    world.consent(other["detainee"]["id"], "anonymous")  # hides her name and stays
    assert changed(world, "/v1/releases", world.revision - 1, q="Bea Gil") == ([], [])
    assert changed(world, "/v1/releases", world.revision - 1, q="Ana Paz") == ([], [])


def test_what_a_reader_may_not_see_does_not_look_changed_even_of_the_named(world: World) -> None:
    said: Body = {**ANA, "source_record_id": "1", "detainee__groups": ["student"], "detainee__birth_date": "1950-03-04"}
    world.file(**said)
    before = world.revision
    world.file(**said | {"detainee__father_name": "Luis", "detainee__birth_date": "1950-03-09"})
    world.file(
        **said
        | {"detainee__groups": ["student", "gravely_ill"], "detention__transfers": [{"on": "2025", "facility": "Yare"}]}
    )
    for path in LISTS:
        assert changed(world, path, before) == ([], [])
        assert len(changed(world, path, before, "reader")[0]) == 1


def test_a_page_of_changes_is_full_whatever_hidden_changes_lie_between(world: World) -> None:
    for number in range(6):
        world.file(source_record_id=str(number), detainee__full_name=f"Ana {SURNAMES[number]}",
                   detainee__birth_date=str(1940 + 5 * number), detainee__publish="anonymous")  # fmt: skip
    before = world.revision
    for number in range(6):
        change: Body = {"release__kind": "pardon"} if number in (2, 5) else {"note": "asked"}
        world.file(source_record_id=str(number), detainee__full_name=f"Ana {SURNAMES[number]}",
                   detainee__birth_date=str(1940 + 5 * number), detainee__publish="anonymous",
                   **{"detainee__gender": "female", **change})  # fmt: skip
    page = world.get("/v1/releases", changed_since=before, limit=1).json()
    assert len(page["data"]) == 1
    last = world.client.get(page["next"]).json()
    assert (len(last["data"]), last["next"]) == (1, None)
    assert world.get("/v1/releases", changed_since=before, limit=2).json()["next"] is None


def test_tombstones_are_paged_and_stand_in_tables(world: World) -> None:
    one, other = both(world)
    before = world.revision
    for filed in (one, other):
        world.consent(filed["detainee"]["id"], "counted")
    world.file("jep", detainee__full_name="Ciro Leal Bracho", detainee__birth_date="1970")
    found = changed(world, "/v1/releases", before, limit=1)
    assert (len(found[0]), found[1]) == (1, [one["release"]["id"], other["release"]["id"]])
    lines = world.get("/v1/releases.jsonl", changed_since=before).text.splitlines()
    tombstone = {"id": other["release"]["id"], "revision": world.revision, "gone": True}
    assert json.loads(lines[-1]) == tombstone
    heading, *_rows, last = world.get("/v1/releases.csv", changed_since=before).text.splitlines()
    row = dict(zip(heading.split(","), last.split(","), strict=True))
    assert {name: value for name, value in row.items() if value} == {
        "id": tombstone["id"], "revision": str(world.revision), "gone": "true",
    }  # fmt: skip


def test_a_source_in_quarantine_changes_what_it_verified(world: World) -> None:
    filed = world.file(**ANA)
    before = world.revision
    patched = world.client.patch("/v1/sources/foro", json={"quarantined": True}, headers=world.headers("admin"))
    assert patched.status_code == 200
    assert changed(world, "/v1/releases", before) == ([], [filed["release"]["id"]])
    assert changed(world, "/v1/releases", before, status="official_only") == ([filed["release"]["id"]], [])


def test_another_source_of_the_held_is_a_change_of_the_detention(world: World) -> None:
    held = world.file_detention("foro", **ANA)
    before = world.revision
    world.file_detention(GOVERNMENT, **ANA, verification__verdict="reported", verification__method=None)
    assert changed(world, "/v1/detentions", before)[0] == [held["detention"]["id"]]


def test_claims_tell_what_changed_and_what_left(world: World) -> None:
    claim: Body = {"claimant": "jep", "measure": "released", "qualifier": "exactly", "low": 7, "high": 7,
                   "country": "VE", "source_record_id": "c1"}  # fmt: skip
    filed = world.post("/v1/claims", claim, "foro").json()
    before = world.revision
    world.file(**ANA)
    assert changed(world, "/v1/claims", before) == ([], [])
    assert changed(world, "/v1/claims", before - 1) == ([filed["id"]], [])
    assert world.post("/v1/claims", {**claim, "country": "NI"}, "foro").status_code == 200
    assert changed(world, "/v1/claims", before) == ([filed["id"]], [])
    assert changed(world, "/v1/claims", before, country="NI") == ([filed["id"]], [])
    assert changed(world, "/v1/claims", before, country="VE") == ([], [filed["id"]])
    assert changed(world, "/v1/claims", before, measure="held") == ([], [])


@pytest.mark.parametrize("path,by", [("/v1/releases", "released_on"), ("/v1/detentions", "detained_on")])
def test_lists_are_sorted_by_day_page_by_page_what_has_none_last(world: World, path: str, by: str) -> None:
    days = ["2026-01-12", "2026-01-09", None, "2026-01", "2026-01-12"]
    field = "release__released_on" if by == "released_on" else "detention__detained_on"
    for number, day in enumerate(days):
        person: Body = {"detainee__full_name": f"Ana {SURNAMES[number]}", field: day}
        world.file(**person, detainee__birth_date=str(1940 + 5 * number))

    def walked(**terms: Any) -> list[str | None]:
        found, following = [], f"{path}?limit=2&" + "&".join(f"{k}={v}" for k, v in terms.items())
        while following:
            answer = world.client.get(following).json()
            found += [row[by] for row in answer["data"]]
            following = answer["next"]
        return found

    assert walked(sort=by) == ["2026-01", "2026-01-09", "2026-01-12", "2026-01-12", None]
    assert walked(sort=f"-{by}") == ["2026-01-12", "2026-01-12", "2026-01-09", "2026-01", None]
    assert walked(sort="-added") == days[::-1]
    assert walked(sort="added") == walked() == days
    assert walked(sort=f"-{by}", changed_since="r0") == walked(sort=f"-{by}")
    assert walked(sort=by, q="ana") == walked(sort=by)
    world.refuse(world.get(path, sort="name"), 422, "unknown_code", "/sort")


def test_a_cursor_of_another_order_is_refused(world: World) -> None:
    both(world)
    page = world.get("/v1/releases", limit=1, sort="released_on").json()
    cursor = page["next"].rpartition("cursor=")[2]
    world.refuse(world.get("/v1/releases", cursor=cursor), 422, "invalid_cursor", "/cursor")
    huge = write_cursor("releases by released_on", [2**53 - 1] * 2)
    assert world.get("/v1/releases", cursor=huge, sort="released_on").json()["data"] == []


def test_changes_are_not_read_backwards(world: World) -> None:
    """What came after `as_of` has not left the list: a copy that was told so would delete it."""
    world.file()
    early = world.revision
    world.file("jep", detainee__full_name="Ana Paz", detainee__birth_date="1950")
    late = world.revision
    for path in ("/v1/releases", "/v1/detainees", "/v1/detentions", "/v1/claims"):
        world.refuse(world.get(path, changed_since=late, as_of=early), 422, "after_as_of", "/changed_since")
        assert world.get(path, changed_since=late, as_of=late).json()["data"] == []
    world.refuse(world.get("/v1/corrections", since=late, as_of=early), 422, "after_as_of", "/since")
    world.refuse(world.get("/v1/releases.csv", changed_since=late, as_of=early), 422, "after_as_of")


@pytest.mark.parametrize("path", LISTS)
def test_whom_an_objection_hid_is_told_again_once_it_is_dismissed(world: World, path: str) -> None:
    filed = world.file(**ANA, detainee__birth_date="1950")
    thing, before = filed[THINGS[path]]["id"], world.revision
    world.object_to(f"/v1/detainees/{filed['detainee']['id']}")
    world.beat()
    hidden = world.revision
    assert changed(world, path, before) == ([], [thing])
    (waiting,) = world.get("/v1/objections", "curator").json()["data"]
    world.decide(waiting["id"], "dismissed")
    assert changed(world, path, hidden) == ([thing], [])
    assert changed(world, path, before) == ([], [])  # she is back as she was
    assert changed(world, path, world.revision) == ([], [])


@pytest.mark.parametrize("path", LISTS)
def test_whom_an_objection_hid_by_then_leaves_no_tombstone(world: World, path: str) -> None:
    filed = world.file(**ANA, detainee__birth_date="1950")
    before = world.revision
    world.object_to(f"/v1/detainees/{filed['detainee']['id']}")
    world.beat()
    hidden = world.revision
    world.file(**BEA, detainee__birth_date="1960", source_record_id="another")
    assert changed(world, path, hidden)[1] == []
    (waiting,) = world.get("/v1/objections", "curator").json()["data"]
    world.decide(waiting["id"], "upheld", "counted")
    assert changed(world, path, hidden)[1] == []
    assert changed(world, path, before)[1] == [filed[THINGS[path]]["id"]]


@pytest.mark.parametrize("path", LISTS)
def test_who_was_perhaps_a_child_by_then_leaves_no_tombstone_unless_something_is_said_since(
    world: World, path: str
) -> None:
    filed = world.file(**ANA, detainee__birth_date=None, detainee__publish="anonymous")
    before = world.revision
    birth = {"detainee__full_name": None, "detainee__birth_date": "2010", "detainee__publish": None}
    world.file(GOVERNMENT, **birth, detainee_id=filed["detainee"]["id"], source_record_id="1")
    hidden = world.revision
    world.file(**BEA, detainee__birth_date="1960", source_record_id="another")
    assert changed(world, path, hidden)[1] == []
    assert changed(world, path, before)[1] == [filed[THINGS[path]]["id"]]


@pytest.mark.parametrize("path", LISTS)
def test_who_was_perhaps_a_child_is_told_once_a_consent_answers_that(world: World, path: str) -> None:
    filed = world.file(**ANA, detainee__birth_date=None, detainee__publish="anonymous")
    birth = {"detainee__full_name": None, "detainee__birth_date": "2010", "detainee__publish": None}
    world.file(GOVERNMENT, **birth, detainee_id=filed["detainee"]["id"], source_record_id="1")
    thing, hidden = filed[THINGS[path]]["id"], world.revision
    assert world.get(path).json()["data"] == []
    world.consent(filed["detainee"]["id"], "anonymous", "guardian")
    assert changed(world, path, hidden) == ([thing], [])


@pytest.mark.parametrize("publish", ["named", "counted"])
@pytest.mark.parametrize("path", LISTS)
def test_partners_are_told_of_an_erasure(world: World, path: str, publish: str) -> None:
    filed = world.file(**ANA, detainee__birth_date="1950", detainee__publish=publish)
    thing, before = filed[THINGS[path]]["id"], world.revision
    world.redact(filed["detainee"]["id"])
    assert changed(world, path, before, "reader") == ([thing], [])
    assert changed(world, path, before) == ([], [thing] if publish == "named" else [])
    assert changed(world, path, world.revision, "reader") == ([], [])
