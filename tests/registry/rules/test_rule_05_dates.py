"""Rule 5: each event has one date, from the first group of sources that gives one."""

from datetime import date
from itertools import permutations
from typing import Any

import pytest

from app.dates import parse_date
from app.models import Detention, Release, ReleaseAtStage
from app.projection import Statement
from app.vocabulary import Stage
from tests.registry.statements import held, out, row_of, rows_of, statement
from tests.support import World

VERIFIED: dict[str, Any] = {"verification__verdict": "verified"}
FAMILY: dict[str, Any] = {"verification__method": "family"}
SECOND_HAND: list[dict[str, Any]] = [
    {"verification__citing": ["foro"]},
    {"verification__method": "press"},
    {"verification__method": "other_organisation"},
    {"verification__method": "official_statement"},
]


def released_on(*said: Statement) -> Any:
    return row_of(said, Release)["facts"]["facts"]["released_on"]["value"]


def detained_on(*said: Statement) -> Any:
    return row_of(said, Detention)["facts"]["detained_on"]["value"]


def date_at(stage: Stage, *said: Statement) -> str | None:
    row = row_of(said, ReleaseAtStage, stage=stage)
    return None if row["lo"] is None else date.fromordinal(row["lo"]).isoformat()


def test_the_first_hand_sources_that_verify_date_a_release_first() -> None:
    reported = [out(n, source, "2026-01-31", **FAMILY) for n, source in ((1, "jep"), (2, "pud"))]
    assert released_on(out(3, "foro", "2026-01-08", **VERIFIED), *reported) == "2026-01-08"


@pytest.mark.parametrize("second_hand", SECOND_HAND, ids=lambda copied: str(*copied.values()))
def test_then_the_other_first_hand_sources_then_the_other_organisations(second_hand: dict[str, Any]) -> None:
    copied = [out(n, source, "2026-01-31", **VERIFIED, **second_hand) for n, source in ((1, "jep"), (2, "pud"))]
    assert released_on(*copied, out(3, "foro", "2026-01-08", **FAMILY)) == "2026-01-08"
    assert released_on(*copied, out(3, "foro", **VERIFIED)) == "2026-01-31"


def test_governments_date_a_release_only_if_no_organisation_asserts_it() -> None:
    official = [out(1, "ministry", "2026-01-08", **VERIFIED, **FAMILY), out(2, "police", "2026-01-08")]
    assert released_on(*official) == "2026-01-08"
    assert released_on(*official, out(3, "foro", "2026-01-12", verification__method="press")) == "2026-01-12"
    row = row_of([*official, out(3, "foro", **VERIFIED)], ReleaseAtStage, stage="carried_out")
    assert (row["status"], row["lo"], row["hi"]) == ("verified", None, None)
    fact = row_of([*official, out(3, "foro")], Release)["facts"]["facts"]["released_on"]
    assert fact == {"value": None, "said": [{"value": "2026-01-08", "by": ["ministry", "police"]}]}


def test_nor_does_a_government_date_the_arrest_of_a_detention_that_an_organisation_reports() -> None:
    row = row_of([held(1, "ministry", "2024-10-13"), held(2, "foro", pointer=1, **VERIFIED)], Detention)
    assert (row["detained_lo"], row["facts"]["detained_on"]["value"]) == (None, None)


def test_the_date_of_a_source_is_the_one_it_filed_last_whatever_its_verdict() -> None:
    verified = out(1, "foro", "2026-01-08", **VERIFIED)
    assert released_on(verified, out(2, "foro", "2026-01-20", **FAMILY)) == "2026-01-20"
    assert released_on(verified, out(2, "foro", "2026-01-20", verification__method="press")) == "2026-01-08"
    assert released_on(out(1, "foro", "2026-01-08", **FAMILY), out(2, "foro", **VERIFIED)) == "2026-01-08"


def test_a_source_has_one_vote_however_many_reports_it_files() -> None:
    said = [held(1, "foro", "2024-10-13"), held(2, "foro", "2024-10-13"), held(3, "jep", "2024-09-04")]
    assert detained_on(*said) == "2024-09-04"


def test_own_dates_go_before_dates_that_were_taken_over() -> None:
    corrected = out(1, "foro", "2026-01-09", **VERIFIED)
    copies = [
        out(n, who, pointer=1, taken__release__released_on="2026-01-08", **VERIFIED)
        for n, who in ((2, "jep"), (3, "pud"))
    ]
    assert released_on(corrected, *copies) == "2026-01-09"
    assert released_on(out(1, "foro", **VERIFIED), *copies) == "2026-01-08"
    assert released_on(out(1, "foro", "2026-01-09", **FAMILY), *copies) == "2026-01-08"


def test_a_source_whose_voice_is_a_denial_has_no_vote() -> None:
    denied = [out(n, source, "2025-11-24", verification__verdict="refuted") for n, source in ((1, "jep"), (2, "pud"))]
    assert released_on(*denied, out(3, "foro", "2026-01-12")) == "2026-01-12"
    verified_before = out(4, "jep", "2026-01-20", revision=0, **VERIFIED)
    assert released_on(*denied, out(3, "foro", "2026-01-12"), verified_before) == "2026-01-12"
    assert date_at(Stage.CARRIED_OUT, denied[0]) is None


def test_denials_do_not_date_the_arrest() -> None:
    denied = held(1, "foro", "2025-02-01", verification__verdict="disputed")
    assert detained_on(denied, held(2, "foro", "2025-03-01", revision=0), held(3, "jep", "2025-03-02")) == "2025-03-01"


def test_each_stage_has_its_own_date() -> None:
    ordered = statement(1, "jep", release__stage="ordered", release__ordered_on="2026-01-19")
    said = [ordered, out(2, "foro", "2026-02-03")]
    assert [date_at(stage, *said) for stage in Stage] == [None, "2026-01-19", "2026-02-03"]


def test_the_date_with_the_most_support_wins() -> None:
    said = [out(1, "foro", "2026-01-13"), out(2, "jep", "2026-01-13"), out(3, "pud", "2026-01-20")]
    assert released_on(*said) == "2026-01-13"


def test_a_coarser_date_supports_every_date_inside_it_and_no_finer_one_a_coarser() -> None:
    month = out(1, "pud", "2026-01")
    assert released_on(month, out(2, "foro", "2026-01-12"), out(3, "jep", "2026-02-24")) == "2026-01-12"
    assert released_on(out(1, "pud", "2026-01-11/2026-01-13"), out(2, "foro", "2026-01-12")) == "2026-01-12"
    assert released_on(month, out(2, "foro", "2026-01-12"), out(3, "jep", "2026-01-20")) == "2026-01-20"


@pytest.mark.parametrize(
    "one, other, later, earlier",
    [
        ("2026-01-13", "2026-01-12", "2026-01-13", "2026-01-12"),
        ("2026-01", "2026-02-20", "2026-02-20", "2026-01"),
        ("2026-01-08/2026-01-13", "2026-01-12/2026-01-20", "2026-01-12/2026-01-20", "2026-01-08/2026-01-13"),
        ("2026-01-08/2026-01-20", "2026-01-12/2026-01-25", "2026-01-12/2026-01-25", "2026-01-08/2026-01-20"),
        ("2026-01", "2026-01-01/2026-01-31", "2026-01", "2026-01"),
    ],
)
def test_a_tie_goes_to_the_later_release_and_to_the_earlier_arrest(
    one: str, other: str, later: str, earlier: str
) -> None:
    for first, second in ((one, other), (other, one)):
        days = parse_date(released_on(out(1, "foro", first), out(2, "jep", second)))
        assert (days.lo, days.hi) == (parse_date(later).lo, parse_date(later).hi)
        days = parse_date(detained_on(held(1, "foro", first), held(2, "jep", second)))
        assert (days.lo, days.hi) == (parse_date(earlier).lo, parse_date(earlier).hi)


def test_the_order_of_arrival_decides_nothing() -> None:
    dates = ("2026-01-12", "2026-01-13", "2026-02")
    values = set()
    for order in permutations(range(1, 4)):
        said = zip(order, ("foro", "jep", "pud"), dates, strict=True)
        values.add(released_on(*(out(record, source, date) for record, source, date in said)))
    assert values == {"2026-02"}


def test_a_source_dates_the_arrest_in_the_best_group_that_one_of_its_reports_reaches() -> None:
    repeated = [held(1, "foro", "2025-03-04", **VERIFIED), held(2, "foro", "2025-03-05")]
    reported = [held(n, source, "2025-03-01", **FAMILY) for n, source in ((3, "jep"), (4, "pud"))]
    assert detained_on(*repeated, *reported) == "2025-03-04"


def test_an_arrest_outside_its_detention_has_no_vote() -> None:
    released = out(1, "foro", "2026-01-08", "2025-03-01", **VERIFIED)
    assert detained_on(out(1, "foro", "2026-01-08", **VERIFIED), held(2, "jep", "2026-02-01")) is None
    again = [held(2, "jep", "2026-01-20"), out(3, "pud", "2026-02-10", "2025-03-01", **VERIFIED)]
    rows = {row["ordinal"]: row["facts"]["detained_on"]["value"] for row in rows_of([released, *again], Detention)}
    assert rows == {1: "2025-03-01", 2: "2026-01-20"}


def test_every_source_keeps_the_dates_that_it_gives() -> None:
    said = [held(1, "jep", "2024-09-04", verification__verdict="retracted"), held(2, "foro", "2024-10-13")]
    assert row_of(said, Detention)["facts"]["detained_on"] == {
        "value": "2024-10-13",
        "said": [{"value": "2024-10-13", "by": ["foro"]}],
    }
    kept = out(2, "pud", pointer=1, taken__release__released_on="2026-01-12", **VERIFIED)
    assert row_of([out(1, "foro"), kept], Release)["facts"]["facts"]["released_on"]["said"] == []


def test_another_first_hand_date_makes_the_date_uncertain(world: World) -> None:
    release = world.file("foro", release__released_on="2026-01-08")["release"]["id"]
    world.verify(release, "jep", verdict="verified", method="lawyer", released_on="2026-01")
    january = {"released_from": "2026-01", "released_to": "2026-01"}
    assert world.count(**january)["caveats"]["uncertain_date"] == 0
    world.verify(release, "pud", verdict="reported", method="press", released_on="2026-01-20")
    assert world.count(**january)["caveats"]["uncertain_date"] == 0
    world.verify(release, "pud", verdict="reported", method="family", released_on="2026-01-20")
    assert world.count(**january)["caveats"]["uncertain_date"] == 1
    assert world.count(**january)["total"]["verified"] == 1
