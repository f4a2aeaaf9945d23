"""Questions that cannot be answered: unknown parameters, impossible moments, made-up cursors, unknown codes."""

import base64
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest

from app.api.table_routes import TABLE_ENDING
from tests.support import Body, World

LISTS = (
    "/v1/releases", "/v1/detentions", "/v1/detainees", "/v1/sources", "/v1/facilities", "/v1/claims", "/v1/corrections",
)  # fmt: skip
COUNTS = "/v1/counts/releases"

# Parameter and value → code; the pointer is the parameter's unless a third says otherwise.
OF_RELEASES = [
    ("limit=0", "greater_than_equal", "/limit"),
    ("limit=-1", "greater_than_equal", "/limit"),
    ("limit=201", "less_than_equal", "/limit"),
    ("limit=ten", "int_parsing", "/limit"),
    ("limit=99999999999999999999999", "less_than_equal", "/limit"),
    ("country=VEX", "unknown_country", "/country"),
    ("nationality=x", "unknown_country", "/nationality/0"),
    ("not_nationality=x", "unknown_country", "/not_nationality/0"),
    ("status=true", "unknown_code", "/status/0"),
    ("release_kind=amnesty&release_kind=freedom", "unknown_code", "/release_kind/1"),
    ("state=free", "unknown_code", "/state"),
    ("stage=verified", "unknown_code", "/stage"),
    ("gender=m", "unknown_code", "/gender"),
    ("group=party", "unknown_code", "/group"),
    ("designation=yes", "unknown_code", "/designation"),
    ("rearrested=maybe", "bool_parsing", "/rearrested"),
    ("net=2", "bool_parsing", "/net"),
    ("min_sources=0", "below_one", "/min_sources"),
    ("min_sources=5", "too_many_sources", "/min_sources"),
    ("min_sources=1000000000000000000000", "less_than_equal", "/min_sources"),
    ("max_sources=-1", "greater_than_equal", "/max_sources"),
    ("max_sources=1000000000000000000000", "less_than_equal", "/max_sources"),
    ("released_from=2026-02-30", "invalid_date", "/released_from"),
    ("released_to=soon", "invalid_date", "/released_to"),
    ("released_from=2026-02&released_to=2026-01", "reversed_window", "/released_to"),
    ("detained_from=2025&detained_to=2024", "reversed_window", "/detained_to"),
    ("facility=no-such-prison", "unknown_facility", "/facility"),
    ("verified_by=foro&verified_by=nobody", "unknown_source", "/verified_by/1"),
    ("verified_by_match=any&verified_by=nobody", "unknown_source", "/verified_by/0"),
    ("verified_by=nobody", "unknown_source", "/verified_by/0"),
    ("source=nobody", "unknown_source", "/source"),
    ("source=No%20Body", "unknown_source", "/source"),
    ("verified_by=" + "&verified_by=".join(f"s{n}" for n in range(13)), "too_long", "/verified_by"),
    ("changed_since=r1000", "ahead_of_head", "/changed_since"),
    ("changed_since=2027-01-01", "ahead_of_head", "/changed_since"),
    ("changed_since=lately", "invalid_instant", "/changed_since"),
    ("q=", "string_too_short", "/q"),
    ("q=%00", "control_character", "/q"),
    ("q=To%E2%80%AEmas", "control_character", "/q"),
    ("area=%00", "control_character", "/area"),
    ("destination=%7F", "control_character", "/destination"),
    ("q=" + "x" * 201, "string_too_long", "/q"),
]  # fmt: skip

MOMENTS = [
    ("as_of=r1000", "ahead_of_head", "/as_of"),
    ("as_of=r99999999999999999999999999999999999999", "ahead_of_head", "/as_of"),
    ("as_of=1", "invalid_instant", "/as_of"),
    ("as_of=2026", "invalid_instant", "/as_of"),
    ("as_of=20260114", "invalid_instant", "/as_of"),
    ("as_of=r01", "invalid_instant", "/as_of"),
    ("as_of=" + "9" * 65, "string_too_long", "/as_of"),
    ("as_of=2027-01-01", "ahead_of_head", "/as_of"),
    ("as_of=2026-03-02", "ahead_of_head", "/as_of"),
    ("as_of=2026-03-01T12:00:01Z", "ahead_of_head", "/as_of"),
    ("as_of=-1", "invalid_instant", "/as_of"),
    ("as_of=1.5", "invalid_instant", "/as_of"),
    ("as_of=%D9%A1", "invalid_instant", "/as_of"),  # an Arabic one
    ("as_of=yesterday", "invalid_instant", "/as_of"),
    ("as_of=2026-02-30", "invalid_instant", "/as_of"),
    ("as_of=2026-02-28T12:00:00", "invalid_instant", "/as_of"),  # no zone
    ("as_of=2026-02-28T25:00:00Z", "invalid_instant", "/as_of"),
    ("as_of=9999-12-31T23:59:59-14:00", "invalid_instant", "/as_of"),
    ("as_of=", "string_too_short", "/as_of"),
    ("as_of=2026-02-01&zone=Caracas", "invalid_zone", "/zone"),
    ("as_of=2026-02-01&zone=-15:00", "invalid_zone", "/zone"),
]

OF_COUNTS = [
    ("group_by=name", "unknown_code", "/group_by/0"),
    ("group_by=source&group_by=month&group_by=release_kind&group_by=country", "too_long", "/group_by"),
    ("min_sources=1000000000000000000000", "less_than_equal", "/min_sources"),
    ("released_from=2026-02&released_to=2026-01", "reversed_window", "/released_to"),
    ("verified_by_match=any&verified_by=nobody", "unknown_source", "/verified_by/0"),
    ("limit=5", "unknown_field", "/limit"),
]


def cursor(held: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(held).encode()).decode().rstrip("=")


def test_questions_out_of_shape_are_refused_where_they_stand(world: World, subtests: pytest.Subtests) -> None:
    world.file()
    for query, code, pointer in OF_RELEASES:
        with subtests.test(query[:60]):
            world.refuse(world.client.get(f"/v1/releases?{query}"), 422, code, pointer)


def test_a_past_that_is_none_is_refused_everywhere(world: World, subtests: pytest.Subtests) -> None:
    world.file()
    for path in (*LISTS, COUNTS, "/v1/vocabulary", "/v1/sources/foro"):
        for query, code, pointer in MOMENTS:
            with subtests.test(f"{path} {query[:60]}"):
                world.refuse(world.client.get(f"{path}?{query}"), 422, code, pointer)


def test_today_has_an_end_that_may_still_come(world: World) -> None:
    world.now = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
    world.file()
    # It is still 1 March in Caracas, and has been 2 March for long in Kiritimati.
    for query in ("as_of=2026-03-02", "as_of=2026-03-01&zone=-04:00", "as_of=2026-03-02&zone=%2B14:00"):
        assert world.client.get(f"/v1/releases?{query}").json()["at"]["revision"] == world.revision


def test_terms_of_a_count_are_refused_where_they_stand(world: World, subtests: pytest.Subtests) -> None:
    for query, code, pointer in OF_COUNTS:
        with subtests.test(query):
            world.refuse(world.client.get(f"{COUNTS}?{query}"), 422, code, pointer)


def test_a_window_of_detentions_in_reverse_is_refused_in_every_list(world: World, subtests: pytest.Subtests) -> None:
    for path in ("/v1/releases", "/v1/detentions", "/v1/detainees", COUNTS):
        with subtests.test(path):
            answer = world.client.get(f"{path}?detained_from=2025-02&detained_to=2025-01")
            world.refuse(answer, 422, "reversed_window")


def test_a_cursor_that_was_not_given_out_is_refused(world: World, subtests: pytest.Subtests) -> None:
    forged = ["abc", "%00", "%C3%A9", "a" * 201, *map(cursor, (1, "1", [], [1], [1, 2], ["1"], [True], [None], [1.5]))]
    forged += [*map(cursor, ({"a": 1}, [[1]], [10**30], [-(10**30)], [2**63])), "bnVsbA", "W05hTl0"]
    for path in LISTS:
        for text in forged:
            with subtests.test(f"{path} {text[:20]}"):
                code = "string_too_long" if len(text) > 200 else "invalid_cursor"
                world.refuse(world.client.get(f"{path}?cursor={text}"), 422, code, "/cursor")


def test_the_cursor_of_the_review_list_has_three_parts(world: World, subtests: pytest.Subtests) -> None:
    for position in ([1], [1, 2], [1, 2, 3, 4], [1, 2, "3"], [10**30, 1, 0]):
        with subtests.test(str(position)):
            answer = world.get("/v1/review", "curator", cursor=cursor(["review", *position]))
            world.refuse(answer, 422, "invalid_cursor", "/cursor")


def test_a_cursor_opens_no_other_list_and_no_other_order(world: World, subtests: pytest.Subtests) -> None:
    """Not where it has as many parts either: rows would be skipped, or told twice, in silence."""
    jobs = []
    for number in range(3):
        world.file(detainee__full_name="Ana Paz Rivero", source_record_id=f"A-{number}")
    for number in range(2):
        world.file(detainee__full_name="Ana Paz Rivero", source_record_id=f"A-{number}", release__kind="pardon")
        world.add_facility(f"place-{number}", f"Place {number}")
        claim = {"claimant": "jep", "measure": "released", "qualifier": "at_least", "low": number + 1}
        assert world.post("/v1/claims", claim, "jep").status_code == 201
        rows = f"name,country\nZoraida Montilla {number},VE\nUlises Barrios {number},VE\n"
        jobs.append(world.send_list(rows, "jep", confirm=True)["id"])
    backwards, changed = {"sort": "-added"}, {"changed_since": 1}
    orders: dict[str, list[Body]] = {
        "/v1/releases": [{}, backwards, {"sort": "released_on"}, {"q": "Ana"}, changed],
        "/v1/detentions": [{}, backwards, {"sort": "detained_on"}, {"q": "Ana"}, changed],
        "/v1/held": [{"held_on": "2025-12-20"}, {"held_on": "2025-12-20", "sort": "detained_on"}],
        "/v1/detainees": [{}, backwards, {"q": "Ana"}, changed],
        "/v1/claims": [{}, backwards, changed],
    }
    asked: list[tuple[str, str | None, Body]] = [
        *((path, None, order) for path, of_list in orders.items() for order in of_list),
        ("/v1/sources", None, {}), ("/v1/facilities", None, {}), ("/v1/corrections", None, {}),
        ("/v1/reports", "foro", {}), ("/v1/review", "curator", {}),
        *((f"/v1/imports/{job}/rows", "jep", {}) for job in jobs),
    ]  # fmt: skip
    given = []
    for path, who, terms in asked:
        following = world.get(path, who, limit=1, **terms).json()["next"]
        assert following is not None, (path, terms)
        given.append(dict(parse_qsl(following.partition("?")[2]))["cursor"])
    assert len(set(given)) == len(given)
    for (path, who, terms), own in zip(asked, given, strict=True):
        for text in given:
            with subtests.test(f"{path} {terms} {text}"):
                answer = world.get(path, who, cursor=text, **terms)
                if text == own:
                    assert answer.status_code == 200
                else:
                    world.refuse(answer, 422, "invalid_cursor", "/cursor")


def test_an_unknown_parameter_is_refused_by_every_question(world: World, subtests: pytest.Subtests) -> None:
    filed = world.file()
    known = {
        "{release_id}": filed["release"]["id"],
        "{detention_id}": filed["detention"]["id"],
        "{detainee_id}": filed["detainee"]["id"],
        "{report_id}": filed["report"]["id"],
        "{import_id}": world.send_list("nombre,país\nRosa,VE\n", dry_run=True)["id"],
    }
    asked = 0
    for path, operations in world.app.openapi()["paths"].items():
        if "get" not in operations or not path.startswith("/v1"):
            continue
        address = path.replace("{slug}", "foro").replace("{claim_id}", filed["release"]["id"])
        address = address.replace("{extension}", "csv")
        for name, value in known.items():
            address = address.replace(name, value)
        who = {"/v1/review": "curator"}.get(path.removesuffix(TABLE_ENDING), "foro")
        with subtests.test(path):
            world.refuse(world.get(address, who, countri="VE"), 422, "unknown_field", "/countri")
        asked += 1
    assert asked >= 19


def test_a_refusal_does_not_repeat_what_was_asked(world: World, subtests: pytest.Subtests) -> None:
    marker = "quetzalcoatl-9137"
    for name in (
        "q",
        "facility",
        "source",
        "verified_by",
        "not_verified_by",
        "release_kind",
        "as_of",
        "cursor",
        "released_from",
        "limit",
    ):
        with subtests.test(name):
            answer = world.client.get("/v1/releases", params={name: marker + ("\x00" if name == "q" else "")})
            assert answer.status_code == 422
            assert marker not in answer.text + str(answer.headers)


def test_punctuation_alone_finds_nobody(world: World) -> None:
    world.file()
    for path in ("/v1/releases", "/v1/detainees", "/v1/detentions"):
        assert len(world.get(path, q="quintana").json()["data"]) == 1
        assert world.get(path, q="--- …").json()["data"] == []
