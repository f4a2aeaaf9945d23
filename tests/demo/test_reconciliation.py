"""The contested figures of January 2026 beside the registry's own counts, as docs/why-numbers-differ.md tells them."""

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.db.engine import open_read_session
from app.models import Claim
from tests.demo.conftest import Replayed

Answer = dict[str, Any]
PAGE = Path(__file__).parents[2] / "docs" / "why-numbers-differ.md"


@pytest.fixture(scope="session")
def ids(replayed: Replayed) -> dict[str, str]:
    """The id of each figure by its number in the file."""
    with open_read_session(replayed.engine) as session:
        return {str(claim.source_record_id): str(claim.id) for claim in session.scalars(select(Claim))}


def reconciled(replayed: Replayed, ids: dict[str, str], number: str) -> Answer:
    return replayed.get(f"/v1/claims/{ids[number]}/reconciliation")


def codes(answer: Answer) -> set[str]:
    return {reason["code"] for reason in answer["reasons"]}


def published(answer: Answer, claimant: str) -> dict[str | None, Answer]:
    """A claimant's figures beside a claim, by the beginning of their windows."""
    return {one["window_from"]: one for one in answer["published"] if one["claimant"] == claimant}


def test_the_626_is_beside_269_on_its_own_window_and_154_on_another(replayed: Replayed, ids: dict[str, str]) -> None:
    answer = reconciled(replayed, ids, "cl043")
    assert answer["comparable"]
    assert answer["then"]["by_source"]["foro-penal"] == 269
    foro_penal = published(answer, "foro-penal")
    assert (foro_penal["2025-12"]["low"], foro_penal["2025-12"]["reasons"]) == (269, [])
    assert (foro_penal["2026-01-08"]["low"], foro_penal["2026-01-08"]["reasons"]) == (154, ["window"])
    assert foro_penal["2025-12"]["distance"] == {"low": 357, "high": 357}
    assert answer["reasons"][0]["code"] == "window"
    verified, counted = answer["then"]["total"]["by_min_sources"]["1"], answer["then"]["total"]["cases"]
    assert answer["then"]["gap"] == {"low": 626 - counted, "high": 626 - verified}
    january = replayed.get("/v1/counts/releases", released_from="2026-01-08", group_by="source",
                           as_of=f"r{answer['then']['at']['revision']}")  # fmt: skip
    assert {group["by"]["source"]: group["counts"]["verified"] for group in january["groups"]}["foro-penal"] == 154


def test_the_808_does_not_say_since_when(replayed: Replayed, ids: dict[str, str]) -> None:
    answer = reconciled(replayed, ids, "cl051")
    assert not answer["comparable"]
    assert answer["reasons"][0]["code"] == "window"
    assert answer["now"]["gap"] is None


@pytest.mark.parametrize("number, other", [("f01", 896), ("f02", 897)])
def test_897_and_896_differ_by_one_man_taken_again(
    replayed: Replayed, ids: dict[str, str], number: str, other: int
) -> None:
    answer = reconciled(replayed, ids, number)
    assert answer["comparable"]
    reason = next(reason for reason in answer["reasons"] if reason["code"] == "gross_net")
    assert str(other) in reason["detail"]
    assert "hour" in codes(answer)


def test_gross_and_net_are_counted_as_the_claim_says(replayed: Replayed, ids: dict[str, str]) -> None:
    gross, net = (reconciled(replayed, ids, number)["then"]["total"]["cases"] for number in ("f01", "f02"))
    assert gross - net == 2, "two of the replay's people were taken again"


def test_more_than_400_is_one_number_with_three_windows(replayed: Replayed, ids: dict[str, str]) -> None:
    without = reconciled(replayed, ids, "cl021")
    assert not without["comparable"]
    detail = without["reasons"][0]["detail"]
    assert all(start in detail for start in ("2024-12", "2025-12", "2025-12-23"))
    since_december = reconciled(replayed, ids, "cl025")
    assert since_december["comparable"]
    assert since_december["then"]["gap"]["high"] is None, "more than 400 has no upper end"
    assert "window" in codes(since_december)
    of_others = reconciled(replayed, ids, "v17")
    assert not of_others["comparable"]
    assert of_others["reasons"][0]["code"] == "population"


def test_fewer_than_half_of_the_116_has_an_upper_end_only(replayed: Replayed, ids: dict[str, str]) -> None:
    answer = reconciled(replayed, ids, "s03")
    assert answer["claim"]["high"] == 57
    assert "window" in codes(answer)
    assert published(answer, "foro-penal")["2026-01-08"]["distance"] == {"low": None, "high": 1}
    assert replayed.get(f"/v1/claims/{ids['s03']}")["derived_from"] == ids["cl014"]


def test_4151_adds_measures_lifted_to_releases(replayed: Replayed, ids: dict[str, str]) -> None:
    answer = reconciled(replayed, ids, "f05")
    assert not answer["comparable"]
    assert answer["reasons"][0]["code"] == "definition"
    (check,) = answer["arithmetic"]
    assert (sorted(part["low"] for part in check["parts"]), check["sum"]["low"]) == ([217, 3934], 4151)
    assert check["agrees"]


def test_99_and_88_and_116_are_not_406(replayed: Replayed, ids: dict[str, str]) -> None:
    answer = reconciled(replayed, ids, "cl028")
    assert "arithmetic" in codes(answer)
    (check,) = answer["arithmetic"]
    assert (check["sum"], check["difference"], check["agrees"]) == (
        {"low": 303, "high": 303}, {"low": 103, "high": 103}, False,
    )  # fmt: skip


def test_requests_to_the_courts_are_no_releases(replayed: Replayed, ids: dict[str, str]) -> None:
    answer = reconciled(replayed, ids, "cl042")
    assert (answer["comparable"], answer["then"], answer["now"], codes(answer)) == (False, None, None, {"stage"})


def test_a_figure_repeated_by_another_is_told(replayed: Replayed, ids: dict[str, str]) -> None:
    assert "secondary_citation" in codes(reconciled(replayed, ids, "v15"))


def test_a_list_published_with_names_counts_those_whose_families_agree(replayed: Replayed, ids: dict[str, str]) -> None:
    assert "consent" in codes(reconciled(replayed, ids, "cl054"))


def test_a_figure_of_a_day_is_beside_figures_of_its_hours(replayed: Replayed, ids: dict[str, str]) -> None:
    """On 12 January Foro Penal gave 41 and 49."""
    assert "hour" in codes(reconciled(replayed, ids, "v11"))


def test_what_was_learned_later_is_told(replayed: Replayed, ids: dict[str, str]) -> None:
    answer = reconciled(replayed, ids, "cl018")
    assert "reporting_delay" in codes(answer)
    assert answer["then"]["by_source"]["foro-penal"] == 56
    assert answer["now"]["total"]["cases"] > answer["then"]["total"]["cases"]


@pytest.mark.parametrize("number", ["cl024", "s04", "v18"])
def test_800_to_1200_is_compared_with_the_held_of_its_day_and_printed_under_two_names(
    replayed: Replayed, ids: dict[str, str], number: str
) -> None:
    answer = reconciled(replayed, ids, number)
    assert answer["comparable"]
    assert {"secondary_citation", "population", "reporting_delay"} <= codes(answer)
    for count in (answer["then"], answer["now"]):
        assert "held_on=" in count["permalink"]
        assert count["gap"] == {
            "low": 800 - count["total"]["cases"],
            "high": 1200 - count["total"]["by_min_sources"]["1"],
        }
    day = answer["claim"]["stated_at"]
    asked = {"country": "VE", "held_on": day, "group_by": "source", "as_of": f"r{answer['then']['at']['revision']}"}
    counted = replayed.get("/v1/counts/held", **asked)
    assert counted["links"]["permalink"] == answer["then"]["permalink"]
    assert counted["total"]["cases"] == answer["then"]["total"]["cases"]


def test_who_left_later_was_held_on_the_13th(replayed: Replayed, ids: dict[str, str]) -> None:
    """All of the replay's people whom Foro Penal saw leave after that day, it says by that, were held on it."""
    later = replayed.get("/v1/counts/releases", country="VE", released_from="2026-01-14", source="foro-penal")
    held = reconciled(replayed, ids, "cl024")["now"]["by_source"]["foro-penal"]
    assert 0 < later["total"]["cases"] <= held


def test_of_the_amnesty_of_february_the_registry_has_no_report(replayed: Replayed, ids: dict[str, str]) -> None:
    """The 217 are compared with nothing: a nought of the registry would be a number it does not have."""
    answer = reconciled(replayed, ids, "f03")
    assert (answer["comparable"], answer["now"]["gap"], codes(answer)) == (False, None, {"no_reports"})


def test_running_totals_that_fall_or_jump_are_remarked(replayed: Replayed, ids: dict[str, str]) -> None:
    """896 after 897, by a correction; 11 to 53 in three days; "fewer than 12" to 83; 10 to 156, of two newspapers."""
    found = {number: [one["code"] for one in reconciled(replayed, ids, number)["remarks"]] for number in ids}
    assert {number: codes for number, codes in found.items() if codes} == {
        "f02": ["fall"], "cl012": ["jump"], "v19": ["jump"], "cl045": ["jump"],
    }  # fmt: skip


def test_held_figures_of_two_days_are_two_numbers(replayed: Replayed, ids: dict[str, str]) -> None:
    answer = reconciled(replayed, ids, "cl013")
    foro_penal = published(answer, "foro-penal")[None]
    assert (foro_penal["low"], foro_penal["reasons"]) == (806, ["window"])


def test_the_page_shows_every_reason_and_its_table_is_what_the_registry_answers(
    replayed: Replayed, ids: dict[str, str]
) -> None:
    text = PAGE.read_text()
    rows = re.findall(r"^\| .*<!-- (\w+) -->.* \|$", text, re.MULTILINE)
    assert len(rows) >= 10
    for line in text.splitlines():
        found = re.search(r"<!-- (\w+) -->", line)
        if found is None:
            continue
        answer = reconciled(replayed, ids, found[1])
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert cells[1] == ("yes" if answer["comparable"] else "no"), line
        assert set(re.findall(r"`(\w+)`", cells[2])) <= codes(answer), line
        counted = answer["then"]
        said = re.findall(r"(?:verified|foro-penal) \d+", cells[3])
        for name, number in (one.split() for one in said):
            shown = (
                counted["total"]["by_min_sources"]["1"] if name == "verified" else counted["by_source"]["foro-penal"]
            )
            assert int(number) == shown, line
