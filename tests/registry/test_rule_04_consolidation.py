"""Rule 4: one value out of what several sources say."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest

from app.models import DetaineePersonal, Detention, Release, SpellPersonal, Standing, Voice
from app.registry.projection import Account
from tests.registry.accounts import account, held, out, row_of, rows_of
from tests.support import World


def released_on(*said: Account) -> Any:
    return row_of(said, Release)["facts"]["facts"]["released_on"]["value"]


def stages(*said: Account) -> Any:
    return row_of(said, Release)["facts"]["stages"]


def about(*said: Account) -> Any:
    """Personal facts: name → value."""
    return {name: fact["value"] for name, fact in row_of(said, DetaineePersonal)["facts"].items()}


def test_only_voices_that_assert_the_stage_in_question_are_asked() -> None:
    """Whoever refutes a release of the 24th does not say that it was on the 24th."""
    denied = [out(n, source, "2025-11-24", verification__verdict="refuted") for n, source in ((1, "jep"), (2, "pud"))]
    assert released_on(*denied, out(3, "foro", "2026-01-12")) == "2026-01-12"


def test_the_day_of_the_order_is_not_that_of_the_release() -> None:
    ordered = account(1, "jep", release__stage="ordered", release__ordered_on="2026-01-19", release__kind="pardon")
    done = out(2, "foro", "2026-02-03", release__kind="full_release")
    told = stages(ordered, done)
    assert (told["ordered"]["date"], told["carried_out"]["date"]) == ("2026-01-19", "2026-02-03")
    kinds = {row["stage"]: row["kind"] for row in rows_of([ordered, done], Standing)}
    assert kinds["carried_out"] == "full_release"


def test_what_only_deniers_say_of_a_stage_is_still_shown_there() -> None:
    denied = out(1, "jep", "2025-11-24", verification__verdict="refuted")
    assert stages(denied)["carried_out"]["date"] == "2025-11-24"


def test_a_detention_is_told_by_those_who_hold_that_it_was() -> None:
    said = [held(1, "jep", "2024-09-04", verification__verdict="retracted"), held(2, "foro", "2024-10-13")]
    assert row_of(said, Detention)["facts"]["detained_on"] == {
        "value": "2024-10-13",
        "said": [{"value": "2024-10-13", "by": ["foro"]}],
    }


def test_the_country_comes_from_any_report_of_the_spell_where_no_standing_one_says_it() -> None:
    withdrawn = out(1, "foro", "2026-01-12", detention__country="VE", verification__verdict="retracted")
    verified = [out(n, source, "2026-01-12", pointer=1) for n, source in ((2, "jep"), (3, "foro"))]
    assert row_of([withdrawn, *verified], Detention)["country"] == "VE"
    assert {row["country"] for row in rows_of([withdrawn, *verified], Voice)} == {"VE"}
    denied = held(4, "pud", detention__country="CO", verification__verdict="refuted", pointer=1)
    assert row_of([withdrawn, *verified, denied], Detention)["country"] == "CO"
    told = out(5, "pud", "2026-01-12", detention__country="AR", pointer=1)
    assert row_of([withdrawn, *verified, denied, told], Detention)["country"] == "AR"


def test_the_value_said_by_most_independent_sources_wins() -> None:
    assert released_on(out(1, "foro", "2026-01-13"), out(2, "jep", "2026-01-13"), out(3, "pud", "2026-01-12")) == (
        "2026-01-13"
    )


def test_a_source_has_one_vote_however_many_reports_it_files() -> None:
    said = [held(1, "foro", "2024-10-13"), held(2, "foro", "2024-10-13"), held(3, "jep", "2024-09-04")]
    assert row_of(said, Detention)["facts"]["detained_on"]["value"] == "2024-09-04"


def test_governments_do_not_vote() -> None:
    said = [out(1, "ministry", "2026-01-08"), out(2, "police", "2026-01-08"), out(3, "foro", "2026-01-12")]
    assert released_on(*said) == "2026-01-12"


COPIES: list[dict[str, Any]] = [
    {"verification__citing": ["foro"]},
    {"verification__method": "press"},
    {"verification__method": "other_organisation"},
    {"verification__method": "official_statement"},
]


@pytest.mark.parametrize("copied", COPIES, ids=lambda copied: str(*copied.values()))
def test_copies_do_not_vote(copied: dict[str, Any]) -> None:
    said = [out(1, "jep", "2026-01-13", **copied), out(2, "pud", "2026-01-13", **copied), out(3, "foro", "2026-01-14")]
    assert released_on(*said) == "2026-01-14"


@pytest.mark.parametrize("copied", COPIES, ids=lambda copied: str(*copied.values()))
def test_a_copy_does_not_break_a_tie_either(copied: dict[str, Any]) -> None:
    copy = out(1, "pud", "2026-01-13", verification__verdict="verified", **copied)
    assert released_on(copy, out(2, "jep", "2026-01-13"), out(3, "foro", "2026-01-12")) == "2026-01-12"


def test_where_nobody_is_independent_the_rest_decide() -> None:
    verified = out(1, "ministry", "2026-01-13", verification__verdict="verified", verification__method="court_record")
    assert released_on(verified, out(2, "police", "2026-01-12")) == "2026-01-13"


def test_a_coarser_date_supports_every_finer_one_inside_it() -> None:
    month = out(1, "pud", "2026-01")
    assert released_on(month, out(2, "foro", "2026-01-12"), out(3, "jep", "2025-12-24")) == "2026-01-12"
    assert released_on(out(1, "pud", "2026-01-11/2026-01-13"), out(2, "foro", "2026-01-12")) == "2026-01-12"


def test_a_finer_date_does_not_support_a_coarser_one() -> None:
    """Two days in January are no two votes for "January" against two for the 12th."""
    said = [out(1, "foro", "2026-01-12"), out(2, "jep", "2026-01-20"), out(3, "pud", "2026-01")]
    assert released_on(*said) == "2026-01-12"


def test_ties_go_to_what_was_said_under_verified() -> None:
    verified = out(1, "jep", "2026-01-13", verification__verdict="verified")
    assert released_on(verified, out(2, "foro", "2026-01-12")) == "2026-01-13"


@pytest.mark.parametrize("coarse", ["2026-01", "2026", "2025-12-30/2026-01-12"])
def test_then_to_the_more_precise(coarse: str) -> None:
    assert released_on(out(1, "foro", coarse), out(2, "jep", "2026-02-20")) == "2026-02-20"


def test_a_night_is_more_precise_than_a_month() -> None:
    assert released_on(out(1, "foro", "2026-01"), out(2, "jep", "2026-02-19/2026-02-20")) == "2026-02-19/2026-02-20"


def test_then_to_the_smallest_in_byte_order() -> None:
    assert released_on(out(1, "foro", "2026-01-13"), out(2, "jep", "2026-01-12")) == "2026-01-12"
    names = [
        account(1, "foro", detainee__full_name="Ángela Rojas"),
        account(2, "jep", detainee__full_name="Angela Rojas"),
    ]
    assert about(*names)["full_name"] == "Angela Rojas"


def test_never_to_arrival() -> None:
    dates = ("2026-01-12", "2026-01-13", "2026-02")
    values = set()
    for order in permutations(range(1, 4)):
        said = zip(order, ("foro", "jep", "pud"), dates, strict=True)
        values.add(released_on(*(out(record, source, date) for record, source, date in said)))
    assert values == {"2026-01-12"}


MULTIPLE = ("nationalities", "aliases", "groups")


@pytest.mark.parametrize("field", MULTIPLE)
def test_multi_valued_facts_are_the_union_of_independent_sources(field: str) -> None:
    name = f"detainee__{field}"
    values: tuple[dict[str, Any], ...] = ({name: ["AR"]}, {name: ["IL", "AR"]}, {name: ["US"]})
    said = [account(1, "foro", **values[0]), account(2, "jep", **values[1])]
    copied = account(3, "ministry", **values[2])
    fact = row_of([*said, copied], DetaineePersonal)["facts"][field]
    assert fact["value"] == ["AR", "IL"]
    assert {one["by"][0] for one in fact["said"]} == {"foro", "jep", "ministry"}


def test_conditions_are_the_union_of_independent_sources() -> None:
    said = [
        out(1, "foro", release__conditions=["travel_ban"]),
        out(2, "jep", release__conditions=["gag_order"]),
        out(3, "ministry", release__conditions=["electronic_tag"]),
    ]
    assert row_of(said, SpellPersonal)["facts"]["conditions"]["value"] == ["gag_order", "travel_ban"]


def test_where_nobody_is_independent_the_union_is_of_all() -> None:
    said = [
        account(1, "ministry", detainee__nationalities=["AR"]),
        account(2, "police", detainee__nationalities=["IL"]),
    ]
    assert about(*said)["nationalities"] == ["AR", "IL"]


def own_values(said: Sequence[Account], source: int) -> Any:
    row = row_of(said, Voice, stage="carried_out", source=source)
    return row["lo"], row["hi"], row["kind"]


def test_a_verification_without_its_own_date_or_kind_takes_the_consolidated_one() -> None:
    said = [
        out(1, "foro", "2026-01-12", release__kind="pardon"),
        out(2, "jep", "2026-01-13"),
        out(3, "pud", verification__verdict="verified"),
    ]
    assert own_values(said, 3) == own_values(said, 1)
    assert own_values(said, 2) == (own_values(said, 1)[0] + 1, own_values(said, 1)[1] + 1, "pardon")


def test_the_consolidated_one_is_that_of_the_revision(world: World) -> None:
    """An undated verification moves with what the others say, and not in the past."""
    release = world.file("foro", verification={"verdict": "reported"})["release"]["id"]
    then = world.verify(release, "jep", verdict="verified", method="family")["receipt"]["revision"]
    world.verify(release, "foro", verdict="reported", released_on="2026-02-20")
    january = {"released_from": "2026-01", "released_to": "2026-01"}
    assert world.by_source(as_of=then, **january) == {"foro": 0, "jep": 1}
    assert world.by_source(**january) == {}
    assert world.by_source(released_from="2026-02-20")["jep"] == 1


def test_counting_by_source_uses_its_own_values_and_totals_the_consolidated_ones(world: World) -> None:
    release = world.file("foro", release__kind="pardon")["release"]["id"]
    world.verify(release, "jep", verdict="verified", method="lawyer", released_on="2026-02-03", kind="full_release")
    world.verify(release, "pud", verdict="verified", method="lawyer", released_on="2026-01-12", kind="pardon")
    january = {"released_from": "2026-01", "released_to": "2026-01"}
    february = {"released_from": "2026-02", "released_to": "2026-02"}
    assert world.by_source(**january) == {"foro": 1, "pud": 1}
    assert world.by_source(**february) == {"jep": 1}
    assert world.by_source(kind="full_release") == {"jep": 1}
    assert [world.count(**window)["total"]["releases"] for window in (january, february)] == [1, 0]
    assert world.count(kind="full_release")["total"]["releases"] == 0
    assert world.count(source="jep", **february)["total"]["releases"] == 1
