"""Other countries' cycles: published figures beside invented people. Nothing here is particular to January 2026."""

from typing import Any

import pytest

from tests.support import NOW, Body, World

FIRST = (
    "Abel", "Berta", "Ciro", "Dora", "Elio", "Flor", "Gil", "Hilda", "Iván", "Juana", "Kurt", "Lola", "Mario", "Nora",
    "Olga", "Pío", "Quino", "Rosa", "Saúl", "Tania", "Ulises", "Vera",
)  # fmt: skip
LAST = (
    "Alcántara", "Benítez", "Carmona", "Duarte", "Escalona", "Figueroa", "Guédez", "Hurtado", "Istúriz", "Jaramillo",
    "Kolster", "Lozada", "Marcano", "Natera", "Olivo", "Perozo", "Quijada", "Rangel", "Sifontes", "Tovar", "Urdaneta",
    "Villasmil",
)  # fmt: skip
WHO = [f"{first} {last}" for first, last in zip(FIRST, LAST, strict=True)]


class Cycles:
    """A registry with people and figures of four countries; figures go by the name they were filed under."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ids: dict[str, str] = {}
        self.filed = 0

    def release(self, country: str, on: str, who: str = "foro", **said: Any) -> Body:
        number, self.filed = self.filed, self.filed + 1
        person = {"detainee__full_name": WHO[number], "detainee__birth_date": str(1940 + 2 * number),
                  "detainee__nationalities": [country]}  # fmt: skip
        held = {"detainee__publish": said.pop("publish", "named"), "detention": {"country": country}}
        verified_on = said.pop("verified_on", on)
        verdict = {"verdict": "verified", "method": "family", "verified_on": verified_on}
        release = {"released_on": on, **said}
        return self.world.file(who, **person, **held, release=release, verification=verdict)

    def claim(self, name: str, number: int | None, who: str | None = "ministry", **said: Any) -> None:
        body = {"claimant": who, "measure": "released", "qualifier": "exactly", "low": number, "high": number, **said}
        if "part_of" in body:
            body["part_of"] = [{"claim": self.ids[whole], "partition": kind} for whole, kind in body["part_of"]]
        if "supersedes" in body:
            body["supersedes"] = [self.ids[one] for one in body["supersedes"]]
        if "same_as" in body:
            body["same_as"] = self.ids[body["same_as"]]
        self.ids[name] = self.world.claim(body)

    def reconciled(self, name: str) -> Body:
        answer = self.world.get(f"/v1/claims/{self.ids[name]}/reconciliation")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def codes(self, name: str) -> list[str]:
        return [reason["code"] for reason in self.reconciled(name)["reasons"]]

    def balance(self, who: str, country: str) -> list[Body]:
        return list(self.world.get(f"/v1/sources/{who}/balance", country=country).json()["data"])


@pytest.fixture(scope="module")
def cycles(lasting: World) -> Cycles:
    lasting.now = NOW
    made = Cycles(lasting)
    for fill in (_cuba, _burma, _belarus, _syria, _elsewhere):
        fill(made)
    return made


def _cuba(made: Cycles) -> None:
    said = {"country": "CU", "window_from": "2025-01-14"}
    for day in ("15", "15", "16", "18", "20", "22", "27"):
        made.release("CU", f"2025-01-{day}")
    for day in ("2025-02-19", "2025-03-09"):
        made.release("CU", day, verified_on="2025-03-20")  # learned of after the last figure
    made.release("CU", "2024-12-24")
    made.claim("553 announced", 553, stated_at="2025-01-14", **said, definition={"terms": {"stage": "announced"}})
    made.claim("553", 553, stated_at="2025-03-10", **said)
    ordinary = {"population": "sanctioned for various crimes"}
    made.claim("553 of all", 553, stated_at="2025-03-10", **said, definition=ordinary)
    made.claim("209 held", 209, "foro", measure="held", country="CU", stated_at="2025-01-10")
    made.claim("9 out", 9, "foro", series="batch", stated_at="2025-03-10", **said)
    made.claim("200 held", 200, "foro", measure="held", country="CU", stated_at="2025-03-10")


def _burma(made: Cycles) -> None:
    said = {"country": "MM", "window_from": "2021-10-18", "series": "cumulative"}
    for day in ("18", "19", "19", "20"):
        made.release("MM", f"2021-10-{day}")
    made.claim("5,636", 5_636, stated_at="2021-10-18", **said, definition={"terms": {"stage": "announced"}})
    made.claim("72", 72, "foro", stated_at="2021-10-18", **said)
    made.claim("402", 402, "foro", stated_at="2021-10-20", **said, supersedes=["72"])
    made.claim("2,103 held", 2_103, "jep", measure="held", country="MM", stated_at="2011-05-01")
    made.claim("19 out", 19, "jep", country="MM", series="batch", stated_at="2011-05-20", window_from="2011-05")
    made.claim("1,990 held", 1_990, "jep", measure="held", country="MM", stated_at="2011-06-01")


def _belarus(made: Cycles) -> None:
    said = {"country": "BY", "window_from": "2025-12-13", "window_to": "2025-12-13", "stated_at": "2025-12-13"}
    for destination, number in (("UA", 3), ("LT", 1)):
        for _ in range(number):
            made.release("BY", "2025-12-13", destination=destination)
    made.release("BY", "2025-12-13", publish="anonymous", destination="LT")
    made.claim("123", 123, **said)
    for destination, number in (("UA", 114), ("LT", 9)):
        made.claim(str(number), number, part_of=[("123", "destinations")], **said,
                   definition={"terms": {"destination": destination}})  # fmt: skip
    made.claim("123 printed", 123, None, reported_by="an agency", same_as="123", **said)
    made.claim("1,230", 1_230, None, reported_by="a newspaper", misprint=True, **said)
    made.claim("9 of one prison", 9, **said, definition={"terms": {"facility": "Nowhere"}})


def _syria(made: Cycles) -> None:
    said = {"country": "SY", "window_from": "2014-06-09", "stated_at": "2014-07-30"}
    made.release("SY", "2014-06-12", kind="amnesty")
    made.release("SY", "2014-07-01", kind="amnesty")
    made.claim("at most 360", None, "jep", qualifier="at_most", **{**said, "high": 360},
               definition={"terms": {"kind": ["amnesty"]}})  # fmt: skip
    made.claim("1,500", 1_500, **said, definition={"terms": {"kind": ["amnesty"]}})


def _elsewhere(made: Cycles) -> None:
    """One number, printed with three windows; and one that was corrected within the day."""
    for start in ("2024-12", "2025-12", "2025-12-23"):
        made.claim(f"more than 400 since {start}", 401, country="NI", qualifier="more_than", high=None,
                   window_from=start, stated_at="2026-01-13")  # fmt: skip
    said = {"country": "NI", "window_from": "2025-12"}
    made.claim("897", 897, "pud", stated_at="2026-02-09T12:00:00-04:00", definition={"net": False}, **said)
    made.claim("896", 896, "pud", stated_at="2026-02-09T20:00:00-04:00", definition={"net": True}, **said,
               supersedes=["897"])  # fmt: skip


def test_cuba_553_beside_what_a_source_verified_and_knew_that_day(cycles: Cycles) -> None:
    answer = cycles.reconciled("553")
    assert answer["comparable"]
    assert (answer["then"]["basis"], answer["then"]["by_source"], answer["now"]["by_source"]) == (
        "said", {"foro": 7}, {"foro": 9},
    )  # fmt: skip
    assert answer["then"]["gap"] == {"low": 546, "high": 546}
    assert answer["now"]["gap"] == {"low": 544, "high": 544}
    assert "reporting_delay" in cycles.codes("553")
    assert [one["claimant"] for one in answer["published"]] == [], "a batch stands not beside a total"


def test_cuba_an_announcement_has_let_nobody_out(cycles: Cycles) -> None:
    answer = cycles.reconciled("553 announced")
    assert "stage" in cycles.codes("553 announced")
    assert answer["then"]["by_source"] == {}
    assert cycles.world.count(country="CU", announced_from="2025-01-14")["caveats"]["uncertain_date"] == 10


def test_cuba_a_population_in_prose_is_not_compared(cycles: Cycles) -> None:
    answer = cycles.reconciled("553 of all")
    assert not answer["comparable"]
    assert cycles.codes("553 of all")[0] == "population"
    assert (answer["then"]["gap"], answer["now"]["gap"]) == (None, None)
    assert answer["now"]["total"]["cases"] == 9


def test_cuba_a_sources_stock_goes_from_209_to_200_by_its_own_nine(cycles: Cycles) -> None:
    (step,) = cycles.balance("foro", "CU")
    assert (step["from"]["low"], step["to"]["low"], step["out"]) == (209, 200, {"low": 9, "high": 9})
    assert (step["residual"], step["missing"]) == ({"low": 0, "high": 0}, ["in", "late", "corrections"])
    assert cycles.balance("ministry", "CU") == []


def test_a_figure_of_the_held_is_never_compared_with_releases(cycles: Cycles) -> None:
    for name in ("209 held", "200 held", "1,990 held"):
        answer = cycles.reconciled(name)
        assert "releases" not in (answer["now"] or {})
        assert answer["published"] == []


def test_burma_72_becomes_402_within_three_days_and_each_is_compared_at_its_own(cycles: Cycles) -> None:
    first, last = cycles.reconciled("72"), cycles.reconciled("402")
    assert (first["then"]["total"]["cases"], last["then"]["total"]["cases"]) == (1, 4)
    assert (first["then"]["gap"], last["then"]["gap"]) == ({"low": 71, "high": 71}, {"low": 398, "high": 398})
    assert "hour" not in cycles.codes("402")
    shown = cycles.world.get(f"/v1/claims/{cycles.ids['72']}").json()
    assert shown["superseded_by"] == [cycles.ids["402"]]
    assert {one["low"]: one["reasons"] for one in last["published"]} == {5_636: ["stage"]}


def test_burma_the_stock_fell_by_113_and_19_were_released(cycles: Cycles) -> None:
    (step,) = cycles.balance("jep", "MM")
    assert step["to"]["low"] - step["from"]["low"] == -113
    assert (step["out"]["low"], step["residual"]) == (19, {"low": -94, "high": -94})


def test_belarus_123_is_114_and_9(cycles: Cycles) -> None:
    (check,) = cycles.reconciled("123")["arithmetic"]
    assert (check["partition"], check["agrees"], check["sum"]) == ("destinations", True, {"low": 123, "high": 123})
    assert cycles.world.get(f"/v1/claims/{cycles.ids['123']}").json()["arithmetic"] == [check]
    assert "arithmetic" not in cycles.codes("123")
    assert cycles.reconciled("123")["now"]["by_source"] == {"foro": 5}
    assert [cycles.reconciled(name)["now"]["total"]["cases"] for name in ("114", "9")] == [3, 1]
    assert "consent" in cycles.codes("9"), "one of those taken there is not named"


def test_belarus_who_prints_a_figure_is_not_who_claims_it_and_a_misprint_is_nobodys(cycles: Cycles) -> None:
    printed = cycles.reconciled("123 printed")
    assert "secondary_citation" in cycles.codes("123 printed")
    assert [(one["low"], one["except_for"]) for one in printed["published"]] == [(9, "facility"), (123, None)]
    assert cycles.world.get(f"/v1/claims/{cycles.ids['1,230']}").json()["misprint"] is True
    drawn = cycles.world.get("/v1/counts/series", by="event", country="BY").json()["claims"]
    assert [(one["claimant"], one["low"]) for one in drawn] == [("ministry", 123), (None, 123)]


def test_a_place_that_the_registry_does_not_know_is_a_reason_and_no_error(cycles: Cycles) -> None:
    answer = cycles.reconciled("9 of one prison")
    assert (answer["comparable"], answer["then"], answer["now"]) == (False, None, None)
    assert cycles.codes("9 of one prison")[0] == "population"


def test_syria_at_most_360_has_no_lower_end(cycles: Cycles) -> None:
    answer = cycles.reconciled("at most 360")
    assert (answer["claim"]["qualifier"], answer["claim"]["low"], answer["claim"]["high"]) == ("at_most", None, 360)
    assert answer["comparable"]
    assert answer["now"]["gap"] == {"low": None, "high": 358}
    (theirs,) = answer["published"]
    assert (theirs["low"], theirs["distance"]) == (1_500, {"low": None, "high": -1_140})
    body = {"claimant": "jep", "measure": "released", "qualifier": "at_most", "low": 0, "high": 360, "country": "SY"}
    cycles.world.refuse(cycles.world.post("/v1/claims", body, "curator"), 422, "bound_not_allowed", "/low")


def test_one_number_with_three_windows_names_the_other_two(cycles: Cycles) -> None:
    windows = ("2024-12", "2025-12", "2025-12-23")
    for start in windows:
        answer = cycles.reconciled(f"more than 400 since {start}")
        detail = next(reason["detail"] for reason in answer["reasons"] if reason["code"] == "window")
        others = [other for other in windows if other != start]
        assert detail == f"The same number is printed as counted since {', '.join(others)} too."
        assert answer["claim"]["high"] is None
        assert answer["reasons"][0]["code"] == "no_reports", "nobody reported a release of that country here"


@pytest.mark.parametrize("name, other", [("897", "896"), ("896", "897")])
def test_897_and_896_are_one_chain_and_differ_by_who_was_taken_again(cycles: Cycles, name: str, other: str) -> None:
    reason = next(one for one in cycles.reconciled(name)["reasons"] if one["code"] == "gross_net")
    assert other in reason["detail"]
    assert "hour" in cycles.codes(name)
    shown = cycles.world.get(f"/v1/claims/{cycles.ids[name]}").json()
    assert shown["superseded_by"] == ([cycles.ids["896"]] if name == "897" else [])


def test_each_country_is_counted_by_itself(cycles: Cycles) -> None:
    groups = cycles.world.count(group_by="country")["groups"]
    assert {group["by"]["country"]: group["counts"]["cases"] for group in groups} == {
        "CU": 10,
        "MM": 4,
        "BY": 5,
        "SY": 2,
    }


def test_there_is_no_claim_with_another_id_and_none_before_it_was_filed(cycles: Cycles) -> None:
    stranger = "11111111-2222-4333-8444-555555555555"
    cycles.world.refuse(cycles.world.get(f"/v1/claims/{stranger}/reconciliation"), 404, "not_found")
    before = cycles.world.get(f"/v1/claims/{cycles.ids['896']}/reconciliation", as_of=20)
    cycles.world.refuse(before, 404, "not_found")
