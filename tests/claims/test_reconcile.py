"""A published figure beside the registry's count over the wire: comparable, or not and why; never an error."""

from typing import Any

import pytest

from app.db.engine import open_write_session
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext, new_id
from app.schemas.reports import MAX_COUNTED_SOURCES, MAX_SOURCES
from app.vocabulary import Role
from tests.support import NOW, Body, World

SAID = {"claimant": "ministry", "measure": "released", "qualifier": "exactly", "country": "VE"}
JANUARY = {"window_from": "2026-01-08", "stated_at": "2026-01-13"}
HELD = {"measure": "held", "stated_at": "2026-01-13"}


@pytest.fixture(scope="module")
def registry(lasting: World) -> World:
    """A registry that began in March, with two releases of January: of one the source says when it verified it."""
    lasting.now = NOW
    lasting.file("foro", release__released_on="2026-01-09", verification__verified_on="2026-01-12")
    lasting.file("foro", detainee__full_name="Ismael Otero Invento", detainee__birth_date="1950")
    return lasting


def claim(world: World, number: int, **said: Any) -> str:
    """The id of a figure of the ministry's, as filed."""
    return world.claim({**SAID, "low": number, "high": number, **said})


def filed_of_old(world: World, number: int, **said: Any) -> str:
    """The id of a figure in the log whose terms would be refused today."""
    claim_id = new_id()
    body = {**SAID, "low": number, "high": number, **JANUARY, "stated_at_instant": "2026-01-13T23:59:59Z", **said}
    with open_write_session(world.engine) as session:
        context = WriteContext(session, Reader(Role.CURATOR), world.now, world.app.state.secret)
        context.write_entry("claim", {"id": str(claim_id), "filed_by": None, "said": body}, {})
    return str(claim_id)


def reconciled(world: World, claim_id: str) -> Body:
    answer = world.get(f"/v1/claims/{claim_id}/reconciliation")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def hindered(world: World, claim_id: str) -> tuple[str, str]:
    """The first reason of a figure that must not be comparable; without a gap, whatever is counted."""
    answer = reconciled(world, claim_id)
    assert not answer["comparable"]
    assert all(count["gap"] is None for count in (answer["then"], answer["now"]) if count)
    first = answer["reasons"][0]
    return first["code"], first["detail"]


def test_a_figure_is_the_sum_of_its_parts_as_they_stand_and_each_once(registry: World) -> None:
    whole = claim(registry, 10, **JANUARY)
    part = {**JANUARY, "series": "batch", "part_of": [{"claim": whole, "partition": "places"}]}
    claim(registry, 4, **part)
    corrected = claim(registry, 5, **part)
    six = claim(registry, 6, **part, supersedes=[corrected])
    claim(registry, 6, **part, same_as=six)
    claim(registry, 60, **part, misprint=True)
    answer = reconciled(registry, whole)
    (check,) = answer["arithmetic"]
    assert ([one["low"] for one in check["parts"]], check["sum"]) == ([4, 6], {"low": 10, "high": 10})
    assert check["agrees"]
    assert registry.get(f"/v1/claims/{whole}").json()["arithmetic"] == [check]
    assert answer["comparable"]
    assert {"arithmetic", "hour"}.isdisjoint(reason["code"] for reason in answer["reasons"])


def test_parts_that_are_said_to_be_incomplete_do_not_contradict_the_larger_whole(registry: World) -> None:
    whole = claim(registry, 406, **JANUARY)
    some = {"claim": whole, "partition": "batches"}
    first = claim(registry, 99, **JANUARY, series="batch", part_of=[{**some, "parts_complete": False}])
    assert "arithmetic" not in {reason["code"] for reason in reconciled(registry, whole)["reasons"]}
    (check,) = registry.get(f"/v1/claims/{whole}").json()["arithmetic"]
    assert (check["parts_complete"], check["agrees"]) == (False, True)
    assert registry.get(f"/v1/claims/{first}").json()["part_of"] == [{**some, "parts_complete": False}]
    second = claim(registry, 88, **JANUARY, series="batch", part_of=[{**some, "parts_complete": True}])
    assert registry.get(f"/v1/claims/{second}").json()["part_of"] == [some], "the default is logged as before"


def test_a_part_of_a_running_total_is_no_point_beside_the_line_of_its_claimant(world: World) -> None:
    world.file("foro", release__released_on="2026-01-09")
    running = {**JANUARY, "series": "cumulative"}
    whole = claim(world, 303, **running)
    claim(world, 116, **running, part_of=[{"claim": whole, "partition": "batches"}])
    drawn = world.get("/v1/counts/series", by="event", released_to="2026-01-31").json()["claims"]
    assert [one["low"] for one in drawn] == [303]


def test_a_window_that_opens_after_the_figure_was_stated_is_a_reason_and_no_error(registry: World) -> None:
    early = claim(registry, 10, window_from="2026-02-01", stated_at="2026-01-13")
    code, detail = hindered(registry, early)
    assert (code, "stated on 2026-01-13 and counts since 2026-02-01" in detail) == ("window", True)
    assert reconciled(registry, early)["now"]["total"]["cases"] == 0, "what can be counted is shown"
    ends = claim(registry, 10, window_from="2026-02-01", window_to="2026-02-05", stated_at="2026-01-13")
    assert hindered(registry, ends)[0] == "no_reports", "its window closes, and is one that can be counted"
    today = claim(registry, 10, window_from="2026-01-12", stated_at="2026-01-12")
    assert reconciled(registry, today)["comparable"]


def test_where_nothing_was_reported_there_is_nothing_to_compare_with(registry: World) -> None:
    for said, where in (
        ({"country": "NI"}, "releases in NI from 2026-01-08 to 2026-01-13"),
        ({"window_from": "2014-02", "window_to": "2014-03"}, "releases in VE from 2014-02 to 2014-03"),
        ({"measure": "held", "window_from": None, "window_to": "1999-12-31"}, "people held in VE on 1999-12-31"),
    ):
        code, detail = hindered(registry, claim(registry, 400, **{**JANUARY, **said}))
        assert (code, detail) == ("no_reports", f"The registry has no report of {where}.")
        assert reconciled(registry, claim(registry, 400, **{**JANUARY, **said}))["now"] is not None


def test_what_is_reported_of_others_or_may_be_of_those_days_covers_them(world: World) -> None:
    world.file("foro", release__released_on="2026")  # of that day or of another
    assert reconciled(world, claim(world, 9, **JANUARY))["comparable"]
    world.file("foro", detainee__full_name="Ismael Otero Invento", release__released_on="2026-01-09")
    amnesty = claim(world, 9, **JANUARY, definition={"terms": {"kind": ["amnesty"]}})
    answer = reconciled(world, amnesty)
    assert (answer["comparable"], answer["now"]["total"]["cases"]) == (True, 0)
    assert answer["now"]["gap"] == {"low": 9, "high": 9}


def test_before_the_first_report_of_those_days_there_is_no_gap_then(world: World) -> None:
    world.file("foro", release__released_on="2025-06-01")
    stated = world.now.isoformat()
    world.now = world.now.replace(day=2)
    world.file("foro", detainee__full_name="Ismael Otero Invento", release__released_on="2026-01-09")
    answer = reconciled(world, claim(world, 9, window_from="2026-01-08", stated_at=stated))
    assert (answer["comparable"], answer["then"]["gap"], answer["now"]["gap"]) == (True, None, {"low": 8, "high": 8})
    (reason,) = [reason for reason in answer["reasons"] if reason["code"] == "no_reports"]
    assert reason["detail"].startswith("When it was stated the registry had no report of releases in VE")


def test_a_claim_that_begins_before_the_first_report_of_its_country_says_so(registry: World) -> None:
    """The first release reported here is of 9 January; that of another country is no report of this one."""
    answer = reconciled(registry, claim(registry, 401, window_from="2024-12", stated_at="2026-01-13"))
    assert answer["comparable"]
    (reason,) = [reason for reason in answer["reasons"] if reason["code"] == "before_first_report"]
    assert reason["detail"].endswith("there is none of releases in VE from 2024-12 to 2026-01-08.")
    for start in ("2026-01-09", "2026-01"):
        later = reconciled(registry, claim(registry, 401, window_from=start, stated_at="2026-01-13"))
        assert "before_first_report" not in {reason["code"] for reason in later["reasons"]}


def test_a_figure_without_a_day_is_not_compared(registry: World) -> None:
    code, detail = hindered(registry, claim(registry, 10, window_from="2026-01-08"))
    assert (code, detail) == ("undated", "It says neither when it was stated nor until which day it counts.")
    assert reconciled(registry, claim(registry, 10, window_from="2026-01-08", window_to="2026-01-13"))["comparable"]


def test_a_running_total_that_falls_is_remarked_beside_the_one_before(world: World) -> None:
    running = {"window_from": "2026-01-08", "series": "cumulative"}
    first = claim(world, 900, **running, stated_at="2026-01-10")
    world.file("foro", release__released_on="2026-01-09")
    fallen = claim(world, 90, **running, stated_at="2026-01-11")
    (remark,) = reconciled(world, fallen)["remarks"]
    assert (remark["code"], remark["before"]["id"]) == ("fall", first)
    corrected = claim(world, 89, **running, stated_at="2026-01-12", supersedes=[first])
    assert reconciled(world, fallen)["remarks"] == [], "what was corrected by another is no figure before"
    assert [one["code"] for one in reconciled(world, corrected)["remarks"]] == ["fall"], "its own correction is"


@pytest.mark.parametrize("measure", ["released", "held"])
@pytest.mark.parametrize(
    "terms",
    [
        {"min_sources": MAX_COUNTED_SOURCES + 1},
        {"any_of": [f"source-{number}" for number in range(MAX_SOURCES + 1)]},
    ],
)
def test_terms_beyond_any_count_that_were_filed_of_old_are_a_reason_and_no_error(
    registry: World, measure: str, terms: Body
) -> None:
    old = filed_of_old(registry, 10, measure=measure, definition={"terms": terms})
    code, detail = hindered(registry, old)
    assert (code, "beyond what a count can be asked" in detail) == ("definition", True)
    assert reconciled(registry, old)["now"] is None


@pytest.mark.parametrize("measure", ["released", "held"])
def test_an_old_figure_with_two_lists_of_sources_is_not_compared(registry: World, measure: str) -> None:
    terms = {"any_of": ["foro"], "all_of": ["jep"]}
    old = filed_of_old(registry, 10, measure=measure, definition={"terms": terms})
    code, detail = hindered(registry, old)
    assert (code, "under `any_of` and under `all_of`" in detail) == ("definition", True)
    assert reconciled(registry, old)["now"] is None


@pytest.mark.parametrize("measured", [JANUARY, HELD])
@pytest.mark.parametrize(
    "terms, code, word",
    [
        ({"facility": "Nowhere"}, "population", "a facility that the registry does not know"),
        ({"any_of": ["nobody"]}, "definition", "a source that the registry does not know"),
        ({"min_sources": 5}, "definition", "more sources than the registry has"),
    ],
)
def test_terms_that_a_count_refuses_are_named_for_releases_and_for_the_held(
    registry: World, measured: Body, terms: Body, code: str, word: str
) -> None:
    found, detail = hindered(registry, claim(registry, 3, **measured, definition={"terms": terms}))
    assert (found, word in detail) == (code, True)


def test_a_part_of_another_figure_is_compared_only_where_terms_say_which(registry: World) -> None:
    whole = claim(registry, 10, **JANUARY)
    code, detail = hindered(registry, claim(registry, 3, **JANUARY, definition={"subset_of": whole}))
    assert (code, "of a part of those whom another figure counts" in detail) == ("population", True)
    who = {"subset_of": whole, "terms": {"min_sources": 2}}
    assert hindered(registry, claim(registry, 3, **JANUARY, definition=who))[0] == "population"
    which = {"subset_of": whole, "terms": {"kind": ["amnesty"]}}
    assert reconciled(registry, claim(registry, 3, **JANUARY, definition=which))["comparable"]


def test_a_misprint_is_nobodys_number_and_is_not_compared(registry: World) -> None:
    claim(registry, 33, **JANUARY, claimant="pud")
    misprint = claim(registry, 330, **JANUARY, claimant="pud", misprint=True)
    code, detail = hindered(registry, misprint)
    assert (code, "misprint" in detail) == ("secondary_citation", True)
    assert "hour" not in {reason["code"] for reason in reconciled(registry, misprint)["reasons"]}


def test_a_claim_takes_a_month_or_a_year_as_the_moment_of_its_statement(registry: World) -> None:
    coarse = claim(registry, 10, window_from="2026-01-08", stated_at="2026-01", zone="-04:00")
    stated = claim(registry, 10, window_from="2026-01-08", stated_at="2026-01-31", zone="-04:00")
    answer, other = reconciled(registry, coarse), reconciled(registry, stated)
    assert (answer["comparable"], answer["then"]) == (True, other["then"])
    assert (answer["claim"]["stated_at"], answer["claim"]["window_to"]) == ("2026-01", None)
    assert registry.get(f"/v1/claims/{coarse}").json()["stated_at"] == "2026-01"
    assert reconciled(registry, claim(registry, 10, window_from="2025-12", stated_at="2025"))["claim"]["low"] == 10
    running = claim(registry, 10, window_from="2026-01-08", stated_at=NOW.strftime("%Y-%m"))
    assert reconciled(registry, running)["then"]["basis"] == "log"


@pytest.mark.parametrize(
    "moment, code",
    [
        ("2027", "future_date"),
        ("2026-04", "future_date"),
        ("2026-13", "invalid_instant"),
        ("2025/2026", "invalid_instant"),
    ],
)
def test_a_month_that_has_not_begun_or_does_not_exist_is_refused(registry: World, moment: str, code: str) -> None:
    body = {**SAID, "low": 1, "high": 1, "window_from": "2025-12", "stated_at": moment}
    registry.refuse(registry.post("/v1/claims", body, "curator"), 422, code, "/stated_at")


def test_what_nobody_says_when_they_knew_is_no_reporting_delay(registry: World) -> None:
    answer = reconciled(registry, claim(registry, 10, **JANUARY))
    then = answer["then"]
    assert (then["basis"], then["total"]["cases"], then["undated"], then["learned_since"]) == ("said", 1, 1, 0)
    assert answer["now"]["total"]["cases"] == 2
    assert "reporting_delay" not in {reason["code"] for reason in answer["reasons"]}


def test_what_a_source_says_that_it_knew_later_is(registry: World) -> None:
    answer = reconciled(registry, claim(registry, 10, window_from="2026-01-08", stated_at="2026-01-11"))
    assert (answer["then"]["total"]["cases"], answer["then"]["learned_since"]) == (0, 1)
    (reason,) = [reason for reason in answer["reasons"] if reason["code"] == "reporting_delay"]
    assert "learned of 1 more" in reason["detail"]


def test_windows_that_end_on_different_days_and_stages_beside_each_other_are_told(world: World) -> None:
    world.file("foro", release__released_on="2026-01-09")
    days = {"window_from": "2026-01-08", "window_to": "2026-01-10", "stated_at": "2026-01-12"}
    claim(world, 30, **days, claimant="jep")
    claim(world, 90, **{**days, "stated_at": "2026-01-13"}, claimant="jep",
          definition={"terms": {"stage": "announced"}})  # fmt: skip
    answer = reconciled(world, claim(world, 116, **{**days, "window_to": "2026-01-12", "stated_at": "2026-01-13"}))
    assert {one["low"]: (one["reasons"], one["distance"]["low"]) for one in answer["published"]} == {
        30: (["window"], 86),
        90: (["window", "stage"], 26),
    }
    assert answer["reasons"][0]["detail"] == "It counts until 2026-01-12; jep until 2026-01-10."
