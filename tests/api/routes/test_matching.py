"""A list laid beside the registry: what it finds, and of whom it says nothing."""

import asyncio
import gzip
from functools import partial
from itertools import count
from threading import Event, Thread
from time import sleep
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from starlette.datastructures import State

from app.api.middleware.concurrency import ConcurrencyLimits
from app.api.routes import matching
from app.errors import Unavailable
from app.matching.alignment import TIE_MARGIN
from app.queries import registry_snapshot
from tests.support import A_WHILE, GOVERNMENT, REPORT, Body, World, make_report

HIM: str = REPORT["detainee"]["full_name"]
HEADINGS = (
    "código;nombre;fecha de nacimiento;fecha de detención;centro de reclusión;país;liberado el;tipo de excarcelación"
)
ROW = "M-1;Tomás Quintana Ribas;1971;octubre de 2024;El Rodeo I;VE;2026-01-12;libertad plena"


def compare(world: World, who: str, *rows: str, ending: str = "", **asked: Any) -> Any:
    data = "\n".join([HEADINGS, *(rows or (ROW,))]).encode()
    answer = world.client.post(
        f"/v1/match/list{ending}", params=asked, files={"file": ("list.csv", data)}, headers=world.headers(who)
    )
    assert answer.status_code == 200, answer.text
    return answer if ending else answer.json()


def outcome(found: Body) -> tuple[int, ...]:
    return tuple(found["summary"][name] for name in ("both", "likely", "mine_only", "theirs_only"))


def test_a_row_finds_its_person_and_says_what_contradicts(world: World) -> None:
    filed = world.file("pud")
    found = compare(world, "foro")
    (pair,) = found["both"]
    assert (pair["theirs"]["detainee_id"], pair["theirs"]["name"]) == (filed["detainee"]["id"], HIM)
    assert pair["conflicts"] == [{"field": "kind", "mine": "full_release", "theirs": "release_with_measures"}]
    assert outcome(found) == (1, 0, 0, 0)
    assert found["revision"] == world.get("/v1/counts/releases").json()["at"]["revision"]


def test_theirs_only_are_the_releases_of_the_lists_country_and_days(world: World) -> None:
    def person(name: str, **changes: Any) -> None:
        world.file("pud", **{"detainee__full_name": name, "release__released_on": "2026-01-12", **changes})

    person("Zoraida Montilla", detainee__gender="female")
    person("Ulises Barrios", release__released_on="2026-02-20")
    person("Ismael Toro", detention__country="CU")
    found = compare(world, "foro")
    assert [one["name"] for one in found["theirs_only"]] == ["Zoraida Montilla"]
    wider = compare(world, "foro", released_from="2026-01-01")
    assert {one["name"] for one in wider["theirs_only"]} == {"Zoraida Montilla", "Ulises Barrios"}
    listed = world.client.get(wider["lists"][0]["list"]).json()
    assert (len(listed["data"]), wider["lists"][0]["listed"]) == (2, 2)


def test_a_list_of_people_held_is_laid_beside_who_is_held(world: World) -> None:
    world.file_detention("pud", detainee__full_name="Zoraida Montilla", detainee__gender="female")
    world.file_detention("pud")
    held = compare(world, "foro", "M-2;Tomás Quintana Ribas;1971;octubre de 2024;El Rodeo I;VE;;")
    assert (len(held["both"]), [one["name"] for one in held["theirs_only"]]) == (1, ["Zoraida Montilla"])
    assert "held_on=2026-03-01" in held["lists"][0]["list"]


def test_ones_own_report_is_found_by_its_case_number_whatever_the_name(world: World) -> None:
    filed = world.file("foro", source_record_id="M-1", detainee__full_name="Anselmo Barreto")
    found = compare(world, "foro")
    assert [one["note"] for one in found["both"][0]["reasons"]] == ["the same case number"]
    assert found["both"][0]["theirs"]["detainee_id"] == filed["detainee"]["id"]
    assert outcome(compare(world, "jep")) == (0, 0, 1, 1)


def test_ones_own_report_that_comes_in_during_a_comparison_is_for_the_next_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = registry_snapshot.load_own_reports

    def meanwhile(*given: Any) -> dict[str, registry_snapshot.OwnReport]:
        world.file("foro", source_record_id="M-1")
        return own(*given)

    monkeypatch.setattr(registry_snapshot, "load_own_reports", meanwhile)
    assert outcome(compare(world, "foro")) == (0, 0, 1, 0)
    monkeypatch.undo()
    assert outcome(compare(world, "foro")) == (1, 0, 0, 0)


def test_of_who_is_only_counted_nothing_is_said_but_how_many(world: World) -> None:
    nobody = compare(world, "foro")
    world.file("pud", detainee__publish="counted")
    somebody = compare(world, "foro")
    assert (nobody["lists"][0]["withheld"], somebody["lists"][0]["withheld"]) == (0, 1)
    assert {**somebody, "lists": [], "revision": 0} == {**nobody, "lists": [], "revision": 0}
    assert outcome(compare(world, "reader")) == (1, 0, 0, 0)


def test_ones_own_report_of_somebody_only_counted_is_found_as_ones_own(world: World) -> None:
    filed = world.file("foro", source_record_id="M-1", detainee__publish="counted")
    world.file("pud", detainee__publish="counted")
    (pair,) = compare(world, "foro")["both"]
    assert pair["theirs"]["report_id"] == filed["report"]["id"]
    assert "detainee_id" not in pair["theirs"]


@pytest.mark.parametrize("who", ["foro", GOVERNMENT, "admin"])
def test_nobody_unnamed_is_found_whatever_the_list_holds(world: World, who: str) -> None:
    world.file("pud", detainee__publish="anonymous")
    other = compare(world, who, ROW.replace("Tomás Quintana Ribas", "Anselmo Barreto"))
    found = compare(world, who)
    assert outcome(found) == (0, 0, 1, 1)
    assert found["theirs_only"] == other["theirs_only"]
    assert found["theirs_only"][0]["name"] is None
    assert outcome(compare(world, "reader")) == (1, 0, 0, 0)


@pytest.mark.parametrize("publish", ["anonymous", "counted"])
def test_ones_own_report_is_found_by_its_name_as_one_sent_it(world: World, publish: str) -> None:
    """Whoever else reports the person, and whatever they say."""
    filed = world.file("foro", detainee__publish=publish, detainee__birth_date="1971-06-04")
    other = world.file("pud", detainee__publish=publish, release__kind="pardon", detainee__birth_date=None)
    if other["match"]["outcome"] == "new":
        world.judge(filed["detainee"]["id"], other["detainee"]["id"], "same")
    (pair,), (candidate,) = compare(world, "foro")["both"], sought(world, "foro")
    for theirs in (pair["theirs"], candidate["theirs"]):
        assert (theirs["report_id"], theirs["name"], theirs["birth"]) == (filed["report"]["id"], HIM, "1971-06-04")
        assert (theirs["kind"], "verified_by" in theirs) == ("release_with_measures", False)
    assert (candidate["detainee_id"], candidate["sure"]) == (filed["detainee"]["id"], True)
    world.post(f"/v1/reports/{filed['report']['id']}/retract", {}, "foro")
    assert sought(world, "foro") == []


def test_an_unnamed_person_of_ones_own_is_not_also_only_theirs(world: World) -> None:
    world.file("foro", detainee__publish="anonymous")
    assert outcome(compare(world, "foro")) == (1, 0, 0, 0)


def test_an_exact_birth_date_cannot_be_found_out_by_trying_days(world: World) -> None:
    world.file("pud", detainee__birth_date="1971-06-04")
    tried = [compare(world, "foro", ROW.replace(";1971;", f";{day};")) for day in ("1971-06-04", "1971-06-05")]
    right, wrong = ([(one["score"], one["reasons"], one["theirs"]) for one in found["both"]] for found in tried)
    assert right == wrong
    assert right[0][2]["birth"] == "1971"


def test_a_name_that_a_state_gives_somebody_whom_others_report_finds_nobody(world: World) -> None:
    filed = world.file("pud")
    report = make_report(detention_id=filed["detention"]["id"], detainee__full_name="Anselmo Barreto Luna")
    del report["detention"]
    assert world.post("/v1/releases", report, GOVERNMENT).status_code == 201
    assert outcome(compare(world, "foro", ROW.replace("Tomás Quintana Ribas", "Anselmo Barreto Luna")))[0] == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_second_name_that_only_a_state_gives_somebody_whom_others_report_is_no_name_of_theirs(world: World) -> None:
    filed = world.file("pud")
    report = make_report(detention_id=filed["detention"]["id"], detainee__aliases=["Ramiro Falso Planta"])
    del report["detention"]
    assert world.post("/v1/releases", report, GOVERNMENT).status_code == 201
    assert outcome(compare(world, "foro", ROW.replace("Tomás Quintana Ribas", "Ramiro Falso Planta")))[:2] == (0, 0)
    assert sought(world, "foro", detainee__full_name="Ramiro Falso Planta") == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_namesake_whom_only_a_state_reports_leaves_a_person_sure(world: World) -> None:
    him = world.file("pud")["detainee"]["id"]
    world.file(GOVERNMENT, source_record_id="S-1", detainee__nationalities=["VE"])
    world.file(GOVERNMENT, source_record_id="S-2", detainee__nationalities=["VE"])
    found = sought(world, "foro")
    assert len(found) > 1
    assert [one["detainee_id"] for one in found if one["sure"]] == [him]
    (pair,) = compare(world, "foro")["both"]
    assert pair["theirs"]["detainee_id"] == him


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_of_two_days_asked_for_none_is_dropped_in_silence(world: World) -> None:
    files = {"file": ("list.csv", f"{HEADINGS}\n{ROW}\n".encode())}
    path = "/v1/match/list?released_from=2026-01-01&released_from=2026-01-02"
    world.refuse(world.client.post(path, files=files, headers=world.headers("foro")), 422, "repeated", "/released_from")
    assert len(compare(world, "foro", country=["VE", "CU"])["lists"]) == 2


def test_rows_that_cannot_be_true_are_left_out_with_the_words_of_an_import(world: World) -> None:
    world.file("pud")
    rows = (
        ROW,
        ROW.replace("M-1", "M-2").replace("1971", "2030"),
        "M-3;Ulises Barrios;1980;2026-01-20;;VE;2026-01-12;",
    )
    found = compare(world, "foro", *rows)
    receipt = world.send_list("\n".join([HEADINGS, *rows]), dry_run=True)
    refused = world.rows_of(receipt, outcome="error")
    assert [one["row"] for one in refused] == [3, 4]
    assert found["unread"] == [{name: one[name] for name in ("row", "errors")} for one in refused]
    assert outcome(found) == (1, 0, 0, 0)


def test_nothing_is_stored(world: World) -> None:
    world.file("pud")
    with world.storing_nothing():
        compare(world, "foro")


def test_it_comes_as_a_table_and_as_a_workbook(world: World) -> None:
    world.file("pud")
    lines = compare(world, "foro", ending=".csv").text.splitlines()
    assert lines[1].startswith("both,")
    answer = compare(world, "foro", ending=".xlsx", lang="es")
    assert answer.headers["content-type"].endswith("spreadsheetml.sheet")
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.content.startswith(b"PK")


@pytest.mark.parametrize(
    "row,code", [("M-1;Tomás Quintana;;;;;;", "country_required"), ("", "no_rows")], ids=["no country", "no rows"]
)
def test_a_list_that_cannot_be_compared_is_told_what_to_do(world: World, row: str, code: str) -> None:
    files = {"file": ("list.csv", f"{HEADINGS}\n{row}\n".encode())}
    answer = world.client.post("/v1/match/list", files=files, headers=world.headers("foro"))
    world.refuse(answer, 422, "invalid")
    assert answer.json()["errors"][0]["code"] == code


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_of_one_source_a_list_is_compared_at_a_time_and_others_do_not_wait_for_it(world: World) -> None:
    files = {"file": ("list.csv", f"{HEADINGS}\n{ROW}\n".encode())}
    world.app.state.comparing.add("foro")
    answer = world.client.post("/v1/match/list", files=files, headers=world.headers("foro"))
    world.refuse(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "60"
    for _ in range(2):
        assert compare(world, "jep")["summary"]["mine"] == 1


def test_of_many_lists_of_one_source_that_come_at_once_one_is_compared() -> None:
    class Slow(set[str]):
        def __contains__(self, who: object) -> bool:
            found = super().__contains__(who)
            sleep(0.02)  # for the others to come in between
            return found

    state, over, told = State({"comparing": Slow()}), Event(), []

    def compare() -> None:
        asked: Any = SimpleNamespace(reader=SimpleNamespace(slug="foro"))
        try:
            with matching._reserve_comparison(state, asked):
                told.append("compared")
                over.wait(A_WHILE)
        except Unavailable:
            told.append("refused")
        if len(told) == 6:
            over.set()

    threads = [Thread(target=compare) for _number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["compared"] + ["refused"] * 5
    assert state.comparing == set()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_list_that_takes_too_long_is_told_what_to_do(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "MAX_COMPARISON_SECONDS", -1.0)
    files = {"file": ("list.csv", f"{HEADINGS}\n{ROW}\n".encode())}
    answer = world.client.post("/v1/match/list", files=files, headers=world.headers("foro"))
    assert "part it" in world.refuse(answer, 422, "takes_too_long", "/file")["detail"]
    assert world.app.state.comparing == set()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_reading_looking_up_and_comparing_share_one_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.file("pud")
    files = {"file": ("list.csv", f"{HEADINGS}\n{ROW}\n".encode())}
    # A second goes by for the row read, for its look-up, for whom that finds and for comparing the two.
    for seconds in range(4):
        monkeypatch.setattr("app.matching.alignment.thread_time", partial(next, count()))
        monkeypatch.setattr(matching, "MAX_COMPARISON_SECONDS", float(seconds))
        answer = world.client.post("/v1/match/list", files=files, headers=world.headers("foro"))
        world.refuse(answer, 422, "takes_too_long", "/file")
    monkeypatch.setattr("app.matching.alignment.thread_time", partial(next, count()))
    monkeypatch.setattr(matching, "MAX_COMPARISON_SECONDS", 4.0)
    assert outcome(compare(world, "foro")) == (1, 0, 0, 0)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("path", ["/v1/match/list", "/v1/match", "/v1/imports", "/v1/releases"])
def test_a_body_that_does_not_come_to_its_end_holds_no_place(resting: World, path: str) -> None:
    async def drip() -> bool:
        lanes = resting.app.state.limits = ConcurrencyLimits.with_one_place()
        waits = asyncio.Event()

        async def receive() -> NoReturn:
            waits.set()
            await asyncio.Event().wait()
            raise AssertionError("nothing comes")

        async def send(_message: Any) -> None:
            pass

        sent = {"content-length": "9", **resting.headers("foro")}
        headers = [(name.lower().encode(), value.encode()) for name, value in sent.items()]
        scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
        request = asyncio.create_task(resting.app(scope, receive, send))
        await waits.wait()
        held = lanes.reads.free_places == 0
        request.cancel()
        return held

    assert asyncio.run(drip()) is False


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nothing_is_unpacked_without_a_key(world: World) -> None:
    no_gzip, packed = b"no gzip", gzip.compress(f"{HEADINGS}\n{ROW}\n".encode())
    for data in (no_gzip, packed):
        answer = world.client.post("/v1/match/list", content=data, headers={"Content-Encoding": "gzip"})
        world.refuse(answer, 401, "unauthenticated")


def sought(world: World, who: str, **changes: Any) -> list[Body]:
    """Whom a person may be."""
    answer = world.post("/v1/match", make_report(**changes), who)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["candidates"])


def test_a_person_finds_whom_a_report_would_be_tied_to_the_likeliest_first(world: World) -> None:
    him = world.file("pud")["detainee"]["id"]
    homonym = world.file("pud", detainee__birth_date="1950", source_record_id="P-2")["detainee"]["id"]
    with world.storing_nothing():
        found = sought(world, "foro", detainee__full_name="Tomas Quintana Ribas", release__kind="full_release")
        assert [(one["detainee_id"], one["sure"]) for one in found] == [(him, True)]
        assert [one["field"] for one in found[0]["conflicts"]] == ["kind"]
        assert sought(world, "foro", detainee__full_name="Anselmo Barreto") == []
    same_name = [one["detainee_id"] for one in sought(world, "foro")]
    assert same_name == [him, homonym]
    assert world.file("foro")["detainee"]["id"] == him


def test_of_two_who_fit_neither_is_sure_as_a_report_would_wait_too(world: World) -> None:
    for case in ("P-1", "P-2"):
        world.file("pud", source_record_id=case)
    assert [one["sure"] for one in sought(world, "foro")] == [False, False]
    assert world.file("foro")["match"]["outcome"] == "needs_review"


def test_whom_another_report_of_the_person_rules_out_is_not_sure(world: World) -> None:
    alike = world.file("pud")["detainee"]["id"]
    other = world.file("jep", detainee__full_name="Celso Montes Ceca", detainee__gender="female")["detainee"]["id"]
    assert [one["sure"] for one in sought(world, "foro")] == [True]
    world.judge(alike, other, "same")
    assert [one["sure"] for one in sought(world, "foro", detainee__gender="male")] == [False]
    assert world.file("foro", detainee__gender="male")["match"]["outcome"] == "needs_review"


FALSE: tuple[Body, ...] = ({"detainee__birth_date": "1990"}, {"detainee__gender": "female"})


@pytest.mark.parametrize("false", FALSE, ids=["birth", "gender"])
@pytest.mark.parametrize("who", ["later", "reader", "curator"])
def test_one_false_record_filed_first_is_outweighed_by_two_as_where_a_report_is_tied(
    world: World, who: str, false: Body
) -> None:
    world.add_source("later")
    him = world.file("pud", **false)["detainee"]["id"]
    for other in ("foro", "jep"):
        world.file(other, detainee_id=him)
    asked = {"detainee__birth_date": "1971-03-04", "detainee__gender": "male"}
    (candidate,) = sought(world, who, **asked)
    row = "M-1;Tomás Quintana Ribas;1971-03-04;2024-10-13;El Rodeo I;VE;2026-01-12;"
    (pair,) = compare(world, "later", row)["both"]
    later = world.file("later", **asked)
    assert (later["match"]["outcome"], later["detainee"]["id"]) == ("linked", him)
    assert (candidate["detainee_id"], candidate["sure"]) == (him, True)
    assert pair["theirs"]["detainee_id"] == him


@pytest.mark.parametrize("false", FALSE, ids=["birth", "gender"])
def test_one_against_one_is_sure_nowhere(world: World, false: Body) -> None:
    """Nor does a source that repeats the fact state it a second time."""
    world.add_source("later")
    him = world.file("pud", **false)["detainee"]["id"]
    world.file("foro", detainee_id=him)
    world.file("jep", detainee_id=him, verification__citing=["foro"])
    row = "M-1;Tomás Quintana Ribas;1971;2024-10-13;El Rodeo I;VE;2026-01-12;"
    found = compare(world, "curator", row)
    candidates = sought(world, "curator")
    assert [(one["detainee_id"], one["sure"]) for one in candidates] == [(him, False)]
    of_births = "detainee__birth_date" in false  # the list has no genders, so that there it contradicts nothing
    assert outcome(found) == ((0, 1, 0, 0) if of_births else (1, 0, 0, 0))
    assert world.file("later")["match"]["outcome"] == "needs_review"


def test_of_two_people_who_fit_surely_a_list_is_no_surer_than_a_report(world: World) -> None:
    """Though one of them fits by far better: they may be one, and somebody must say so."""
    her = {"detainee__full_name": "Nereida Sofía Altuve Campos", "detainee__birth_date": "1984",
           "detainee__gender": "female", "detention__facility": "INOF",
           "detention__detained_on": "2024-08-02"}  # fmt: skip
    vague = dict.fromkeys(her) | {"detainee__full_name": "Nereida Sofía Altuve"}
    row = "M-1;Nereida Sofía Altuve Campos;1984;2024-08-02;INOF;VE;2026-01-12;"
    first = world.file("pud", source_record_id="P-1", **her)
    assert outcome(compare(world, "foro", row)) == (1, 0, 0, 0)
    second = world.file("pud", source_record_id="P-2", **vague)
    assert second["match"]["outcome"] == "needs_review"
    (pair,) = compare(world, "foro", row)["likely"]
    assert pair["theirs"]["detention_id"] == first["detention"]["id"]
    assert pair["also_theirs"] == [second["detention"]["id"]]
    candidates = sought(world, "foro", **her)
    assert [(one["detainee_id"], one["sure"]) for one in candidates] == [
        (one["detainee"]["id"], False) for one in (first, second)
    ]
    assert candidates[0]["score"] - candidates[1]["score"] > TIE_MARGIN
    assert world.file("foro", **her)["match"]["outcome"] == "needs_review"


def test_who_was_taken_again_is_surely_on_a_list_of_the_first_release(world: World) -> None:
    """The second detention fits by name and birth; it is the same person's, and no doubt who that is."""
    filed = world.file("pud", detainee__birth_date="1971")
    again = world.file_detention("pud", detainee__birth_date="1971", detention__detained_on="2026-02-20")
    assert again["detainee"]["id"] == filed["detainee"]["id"]
    assert again["detention"]["id"] != filed["detention"]["id"]
    (pair,) = compare(world, "foro")["both"]
    assert pair["theirs"]["detention_id"] == filed["detention"]["id"]


@pytest.mark.parametrize("publish", ["anonymous", "counted"])
def test_a_person_who_is_not_listed_by_name_is_not_found(world: World, publish: str) -> None:
    world.file("pud", detainee__publish=publish)
    for who in ("foro", GOVERNMENT, "admin"):
        assert sought(world, who) == []
    assert len(sought(world, "reader")) == 1


@pytest.mark.parametrize("names", ["search", "off"])
def test_whom_no_list_names_is_not_found_either(resting: World, names: str) -> None:
    resting.app.state.names = names
    with resting as world:
        world.file("pud")
        assert sought(world, "foro") == []
        assert outcome(compare(world, "foro")) == (0, 0, 1, 1)
        receipt = world.send_list(f"{HEADINGS}\n{ROW}\n", dry_run=True)
        assert [row["outcome"] for row in world.rows_of(receipt)] == ["new"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_place_that_is_not_shown_is_not_found_out_by_trying_it(world: World) -> None:
    hidden = {"detainee__nationalities": ["CO"], "detainee__full_name": None}
    world.file("pud", **hidden, detention__facility="Casa de seguridad 9")
    for place in ("Casa de seguridad 9", "Casa de seguridad 8"):
        assert sought(world, "foro", **hidden, detention__facility=place) == []
    world.add_facility()
    world.file("pud", **hidden)
    assert len(sought(world, "foro", **hidden)) == 1


def test_a_number_is_not_found_out_by_trying_it(world: World) -> None:
    world.file("pud", detainee__national_id="V-12345678")
    right, wrong = (sought(world, "foro", detainee__national_id=number) for number in ("V-12345678", "V-87654321"))
    assert right == wrong
    assert sought(world, "foro", detainee__full_name="Anselmo Barreto", detainee__national_id="V-12345678") == []


def test_people_are_recognised_by_an_age_of_today(world: World) -> None:
    him = world.file("pud")["detainee"]["id"]
    found = sought(world, "foro", detainee__birth_date=None, detainee__age=54, detainee__age_on="filed")
    assert [one["detainee_id"] for one in found] == [him]
    data = f"Nombre;País;Edad actual\n{HIM};VE;54\n".encode()
    answer = world.client.post("/v1/match/list", files={"file": ("list.csv", data)}, headers=world.headers("foro"))
    assert answer.status_code == 200, answer.text
    assert answer.json()["summary"]["mine"] == 1
