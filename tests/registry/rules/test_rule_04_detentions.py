"""Rule 1: which reports speak of one spell in custody."""

from itertools import permutations
from typing import Any

import pytest

from app.models import Detainee, Detention, Release, ReleaseAtStage
from tests.registry.statements import held, out, records_of, row_of, rows_of, statement
from tests.support import World


def test_a_reports_own_carried_out_release_ends_its_interval() -> None:
    assert records_of([out(1, on="2025-06-01", since="2024-10-13"), held(2, since="2025-09-01")]) == [[1], [2]]


@pytest.mark.parametrize("stage", ["announced", "ordered"])
def test_a_release_that_was_not_carried_out_ends_nothing(stage: str) -> None:
    told = statement(1, release__stage=stage, release__ordered_on="2025-06-01", detention__detained_on="2024-10-13")
    assert records_of([told, held(2, since="2025-09-01")]) == [[1, 2]]


@pytest.mark.parametrize("verdict", ["refuted", "disputed", "retracted"])
def test_a_release_that_is_not_asserted_ends_nothing(verdict: str) -> None:
    denied = out(1, on="2025-06-01", since="2024-10-13", verification__verdict=verdict)
    assert records_of([denied, held(2, "jep", "2025-09-01"), held(3, "pud", "2024-10-13")]) == [[1, 2, 3]]


def test_a_release_that_a_report_points_at_a_detention_ends_it_too() -> None:
    told = out(2, "jep", "2026-01-12", pointer=1)
    assert records_of([held(1, since="2024-10-13"), told, held(3, "pud", "2026-02-01")]) == [[1, 2], [3]]


def test_derived_status_never_ends_an_interval() -> None:
    """Refuted by all others, a release does not count; who states it still means two detentions."""
    stated = out(1, on="2025-06-01", since="2024-10-13")
    refuted = [out(n, source, "2025-06-01", verification__verdict="refuted") for n, source in ((2, "jep"), (3, "pud"))]
    again = held(4, since="2025-09-01")
    assert row_of([stated, *refuted], ReleaseAtStage, stage="carried_out")["status"] == "refuted"
    assert records_of([stated, *refuted, again]) == [[1, 2, 3], [4]]


def test_spells_are_cut_among_reports_of_independent_sources_first() -> None:
    """What a ministry says of a release and of another arrest does not part the two organisations' one detention."""
    arrested = [out(1, "foro", "2024-04-04", "2024-01-27"), out(2, "jep", "2024-04-04", "2024-01-30")]
    handed_over, again = out(3, "ministry", "2024-01-28", "2024-01-27"), held(4, "ministry", "2024-01-29")
    assert records_of([*arrested, handed_over, again]) == [[1, 2, 3, 4]]


@pytest.mark.parametrize("method", ["press", "official_statement", "family"])
def test_they_are_cut_by_source_whatever_the_method(method: str) -> None:
    told = out(1, "jep", "2025-06-01", "2024-10-13", verification__method=method)
    assert records_of([told, held(2, "foro", "2025-09-01")]) == [[1], [2]]


def test_a_release_that_only_others_state_ends_nothing_that_an_independent_source_tells_of() -> None:
    arrested = [held(1, "foro", "2025-07-01"), held(2, "jep", "2025-12-01")]
    assert records_of([*arrested, out(3, "ministry", "2025-11-24", "2025-07-01")]) == [[1, 2, 3]]


def test_what_others_tell_of_an_arrest_after_the_release_stands_alone_and_takes_no_report_along() -> None:
    said = [out(1, "foro", "2024-04-04", "2024-01-27"), out(2, "jep", "2024-06-20")]
    arrested = held(3, "ministry", "2024-05-01")
    assert records_of([*said, arrested]) == [[1, 2], [3]]
    assert records_of([*said, arrested, out(4, "police", "2024-06-20", "2024-05-01")]) == [[1, 2, 4], [3]]
    assert records_of([*said, arrested, out(4, "police", "2024-07-01")]) == [[1, 2], [3, 4]]


def test_what_others_tell_of_between_two_detentions_stands_between_them() -> None:
    between = out(3, "ministry", "2025-08-01", "2025-07-01")
    assert records_of([*TWO_SPELLS, between]) == [[1], [3], [2]]
    assert records_of([*TWO_SPELLS, held(3, "ministry", "2025-07-01")]) == [[1], [2, 3]]


def test_others_join_a_spell_as_any_report_does() -> None:
    assert records_of([*TWO_SPELLS, out(3, "ministry", "2026-01-12")]) == [[1], [2, 3]]
    assert records_of([*TWO_SPELLS, out(3, "ministry", "2025-06-03")]) == [[1, 3], [2]]
    assert records_of([*TWO_SPELLS, out(3, "ministry", "2026-01-20")]) == [[1], [2, 3]]
    assert records_of([*TWO_SPELLS, out(3, "ministry")]) == [[1, 3], [2]]


EARLIER = out(1, "ministry", "2023-11-24", "2023-07-01")
NGOS_WORD = (held(2, "foro", "2024-03-01"), out(3, "jep", verification__verdict="verified"))


def test_a_release_that_only_others_state_before_the_first_known_arrest_is_a_spell_of_its_own() -> None:
    assert records_of([EARLIER, *NGOS_WORD]) == [[1], [2, 3]]
    assert records_of([out(1, "ministry", "2023-11-24"), *NGOS_WORD]) == [[1], [2, 3]]


def test_it_is_one_even_where_it_points_at_what_an_independent_source_reports() -> None:
    undated = out(3, "jep", verification__verdict="verified")
    pointing = out(1, "ministry", "2023-11-24", pointer=3)
    assert records_of([pointing, NGOS_WORD[0], undated]) == [[1], [2, 3]]


def test_who_points_at_an_undated_report_of_an_independent_source_does_not_place_it() -> None:
    undated, pointing = out(3, "jep"), out(4, "ministry", "2026-01-12", pointer=3)
    assert records_of([*TWO_SPELLS, undated, pointing]) == [[1, 3, 4], [2]]


def test_who_points_at_what_others_say_is_placed_by_its_own_dates_first() -> None:
    """The ministry's report grows vague, and contradicts nothing: jep's word stays where its day is."""
    vague = out(3, "ministry", "2025/2026", "2024/2025")
    kept: dict[str, Any] = {"kept__detained_on": "2024-10-13"}
    for verdict in ("verified", "disputed"):
        pointing = out(4, "jep", "2025-06-01", pointer=3, verification__verdict=verdict, **kept)
        assert records_of([*TWO_SPELLS, vague, pointing]) == [[1, 3, 4], [2]], verdict


def test_two_governments_are_no_more_than_one() -> None:
    assert records_of([EARLIER, *NGOS_WORD, out(4, "police", "2023-11-24")]) == [[1, 4], [2, 3]]


def test_without_a_known_arrest_the_rule_is_silent() -> None:
    assert records_of([EARLIER, NGOS_WORD[1]]) == [[1, 3]]
    assert records_of([EARLIER, NGOS_WORD[1], held(2, "police", "2024-03-01")]) == [[1, 2, 3]]


def test_a_release_that_an_independent_source_states_too_is_not_only_others() -> None:
    stated = out(4, "pud", "2023-11-24")
    assert records_of([EARLIER, *NGOS_WORD, stated]) == [[1, 3, 4], [2]]
    assert records_of([EARLIER, stated, held(2, "foro", "2023-10-01")]) == [[1, 2, 4]]


def test_a_release_that_may_lie_after_the_first_known_arrest_is_not_before_it() -> None:
    assert records_of([out(1, "ministry", "2023/2024"), *NGOS_WORD]) == [[1, 2, 3]]


def test_what_an_independent_source_only_denies_is_still_only_others() -> None:
    denied = out(4, "pud", pointer=1, verification__verdict="refuted")
    assert records_of([EARLIER, *NGOS_WORD, denied]) == [[1, 4], [2, 3]]


@pytest.mark.parametrize("ids", [("a", "b"), ("b", "a")])
def test_the_governments_word_on_a_detention_that_an_ngo_reports_too_is_not_torn_from_it(ids: tuple[str, str]) -> None:
    handed_over = out(1, "ministry", "2025-11-24", "2025-07-01")
    again = [held(2, "foro", "2025-12-01", id=ids[0] * 32), held(3, "police", "2025-12-01", id=ids[1] * 32)]
    assert records_of([handed_over, *again]) == [[1], [2, 3]]


def test_where_no_independent_source_speaks_the_others_are_divided_among_themselves() -> None:
    said = [out(1, "ministry", "2025-11-24", "2025-07-01"), held(2, "police", "2025-12-01")]
    assert records_of(said) == [[1], [2]]
    assert records_of([*said, out(3, "police", "2026-02-01")]) == [[1], [2, 3]]


def test_a_release_that_an_independent_source_states_too_ends_the_detention_for_all() -> None:
    stated = [out(1, "ministry", "2025-11-24", "2025-07-01"), out(2, "jep", "2025-11-24", "2025-07-01")]
    assert records_of([*stated, held(3, "foro", "2025-12-01")]) == [[1, 2], [3]]


def test_an_ngos_undated_verification_of_the_governments_release_makes_it_its_own() -> None:
    handed_over = out(1, "ministry", "2025-11-24", "2025-07-01")
    verified = out(2, "jep", pointer=1, verification__verdict="verified")
    assert records_of([handed_over, verified, held(3, "foro", "2025-12-01")]) == [[1, 2], [3]]


def test_reports_are_ordered_by_detention_then_release_then_record_id_never_by_arrival() -> None:
    """The first cuts the second, whichever has the smaller key: keys are given out by arrival."""
    first = out(9, on="2025-06-01", since="2024-10-13", id="a" * 32)
    second = out(1, on="2026-01-12", since="2025-09-01", id="b" * 32)
    assert records_of([second, first]) == [[9], [1]]


def test_no_order_of_the_same_reports_changes_the_spells() -> None:
    said = [
        out(1, "foro", "2025-06-01", "2024-10-13"),
        out(2, "jep", "2025-06"),
        held(3, "pud", "2025-09-01"),
        out(4, "foro", "2026-01-12"),
        out(5, "pud", "2026-01-12", verification__verdict="retracted"),
        statement(6, "jep"),
    ]
    assert {str(records_of(order)) for order in permutations(said)} == {"[[1, 2, 6], [3, 4, 5]]"}


def test_spells_are_cut_at_the_earliest_end_that_does_not_pass_the_next_start() -> None:
    """One source knows of three detentions, another of a single long one: three it is."""
    short = [
        out(1, on="2024-03-01", since="2024-01-10"),
        out(2, on="2024-08-01", since="2024-05-01"),
        out(3, on="2025-02-01", since="2024-11-01"),
    ]
    assert records_of([*short, out(4, "jep", "2025-02-01", "2024-01-10")]) == [[1], [2], [3, 4]]


def test_an_end_that_may_lie_after_the_next_start_does_not_cut() -> None:
    assert records_of([out(1, on="2025-06", since="2024-10-13"), held(2, "jep", "2025-06-20")]) == [[1, 2]]
    assert records_of([out(1, on="2025-06", since="2024-10-13"), held(2, "jep", "2025-07")]) == [[1], [2]]


def test_the_same_day_cuts_if_the_one_released_was_detained_earlier() -> None:
    """Taken again within hours."""
    assert records_of([out(1, on="2026-01-12", since="2024-10-13"), held(2, since="2026-01-12")]) == [[1], [2]]


@pytest.mark.parametrize("since", [None, "2026-01-12", "2026-01"])
def test_the_same_day_does_not_cut_if_the_one_released_may_have_been_detained_that_day(since: str | None) -> None:
    assert records_of([out(1, on="2026-01-12", since=since), held(2, "jep", since="2026-01-12")]) == [[1, 2]]


def test_a_release_on_the_day_of_the_next_detention_is_of_the_one_before() -> None:
    """By jep a day earlier, by foro that very day: one release, and then taken again."""
    said = [out(1, "jep", "2026-01-11", "2024-10-13"), out(2, "foro", "2026-01-12"), held(3, "pud", "2026-01-12")]
    assert records_of(said) == [[1, 2], [3]]


TWO_SPELLS = (out(1, "foro", "2025-06-01", "2024-10-13"), out(2, "foro", "2026-01-12", "2025-09-01"))


def test_a_release_on_the_day_of_the_next_detention_is_of_the_one_before_though_its_own_arrest_is_vague() -> None:
    vague = out(2, "pud", "2025-01-11", since="2025-01-10/2025-01-12")
    assert records_of([out(1, "jep", "2025-01-10"), vague, held(3, "foro", "2025-01-11")]) == [[1, 2], [3]]


def test_a_report_that_fits_several_spells_joins_by_release_date() -> None:
    assert records_of([*TWO_SPELLS, out(3, "jep", "2025-06-01")]) == [[1, 3], [2]]
    assert records_of([*TWO_SPELLS, out(3, "jep", "2026-01-12")]) == [[1], [2, 3]]
    assert records_of([*TWO_SPELLS, out(3, "jep", "2026-01-12", "2024-10-13")]) == [[1], [2, 3]]


def test_a_report_whose_release_is_no_known_one_joins_the_spell_that_has_none_yet() -> None:
    again = held(2, "foro", "2025-09-01")
    assert records_of([TWO_SPELLS[0], again, out(3, "jep", "2026-01-12")]) == [[1], [2, 3]]


def test_a_release_after_a_later_detention_began_is_of_no_earlier_one() -> None:
    """Not even where the day of arrest is that of the earlier one, nor where the releases are on days apart."""
    assert records_of([*TWO_SPELLS, out(3, "jep", "2026-01-20")]) == [[1], [2, 3]]
    assert records_of([*TWO_SPELLS, out(3, "jep", "2026-01-20", "2024-10-13")]) == [[1], [2, 3]]
    assert records_of([*TWO_SPELLS, out(3, "ministry", "2026-01-20", "2024-10-13")]) == [[1], [2, 3]]
    denied = out(3, "jep", "2026-01-20", "2024-10-13", verification__verdict="refuted")
    assert records_of([*TWO_SPELLS, denied]) == [[1], [2, 3]]


def test_a_later_detention_that_only_others_state_keeps_no_release_from_an_earlier_one() -> None:
    arrested = held(3, "ministry", "2026-02-01")
    assert records_of([*TWO_SPELLS, arrested, out(4, "jep", "2026-02-20")]) == [[1], [2, 4], [3]]


def test_without_an_equal_day_it_joins_the_last_spell_begun_by_its_day() -> None:
    known = [out(1, "foro", "2022-08-14", "2021-03-01"), out(2, "foro", "2024-05-23", "2023-11-02")]
    later = [out(3, "jep", "2024-05-24"), out(4, "pud", "2024-05-26")]
    assert records_of([*known, *later]) == [[1], [2, 3, 4]]
    assert records_of([*known, out(3, "jep", "2022-08-20")]) == [[1, 3], [2]]


@pytest.mark.parametrize("since, spells", [("2024-10", [[1, 3], [2]]), ("2025-09-01/2025-09-03", [[1], [2, 3]])])
def test_where_the_release_date_does_not_tell_the_detention_date_does(since: str, spells: list[list[int]]) -> None:
    undated = out(3, "jep", since=since, verification__verdict="retracted")
    assert records_of([*TWO_SPELLS, undated]) == spells


def test_the_day_of_arrest_tells_before_another_day_that_it_knows_of() -> None:
    seen = {"detention__held_on": "2025-11-15"}
    assert records_of([*TWO_SPELLS, held(3, "ministry", "2024-10-13", **seen)]) == [[1, 3], [2]]
    assert records_of([*TWO_SPELLS, held(3, "ministry", **seen)]) == [[1], [2, 3]]


def test_the_first_spell_of_independent_sources_is_not_begun_before_their_first_arrest() -> None:
    alone, arrested = out(1, "ministry", "2025-03", "2025"), held(2, since="2026-01-12")
    announced = statement(3, "ministry", release__stage="announced", release__announced_on="2025-08-10")
    assert records_of([alone, arrested, announced]) == [[1, 3], [2]]
    assert records_of([arrested, announced]) == [[2, 3]]


def test_only_a_wholly_undated_one_joins_the_earliest() -> None:
    assert records_of([*TWO_SPELLS, out(3, "jep"), statement(4, "pud")]) == [[1, 3, 4], [2]]


def test_a_report_of_a_day_in_custody_joins_the_spell_that_holds_that_day() -> None:
    """It does not fit a spell that had ended before, or had not begun."""
    assert records_of([*TWO_SPELLS, statement(3, "jep", detention__held_on="2025-03-01")]) == [[1, 3], [2]]
    assert records_of([*TWO_SPELLS, statement(3, "jep", detention__held_on="2025-11-15")]) == [[1], [2, 3]]
    order = statement(3, "jep", release__stage="ordered", release__ordered_on="2025-11-15")
    assert records_of([*TWO_SPELLS, order]) == [[1], [2, 3]]


def test_a_report_joins_never_two() -> None:
    placed = records_of([*TWO_SPELLS, out(3, "jep"), out(4, "pud", "2025/2026"), statement(5, "jep")])
    assert sorted(record for spell in placed for record in spell) == [1, 2, 3, 4, 5]


def test_withdrawn_reports_never_cut() -> None:
    withdrawn = out(1, "foro", "2025-06-01", "2024-10-13", verification__verdict="retracted")
    assert records_of([withdrawn, held(2, "jep", "2024-10-13"), held(3, "pud", "2025-09-01")]) == [[1, 2, 3]]
    assert records_of([TWO_SPELLS[0], held(2, since="2025-09-01", verification__verdict="retracted")]) == [[1, 2]]


def test_withdrawn_reports_attach_last_to_the_spell_they_spoke_of() -> None:
    withdrawn = out(3, "jep", "2026-01-12", "2025-09-01", verification__verdict="retracted")
    assert records_of([withdrawn, *TWO_SPELLS]) == [[1], [2, 3]]


def test_a_withdrawn_release_after_a_later_detention_began_is_of_no_earlier_one() -> None:
    withdrawn = out(3, "jep", "2026-01-05", "2024-10-13", verification__verdict="retracted")
    assert records_of([*TWO_SPELLS, withdrawn]) == [[1], [2, 3]]


def test_when_all_is_withdrawn_one_spell_holds_it() -> None:
    assert records_of([out(n, on="2026-01-12", verification__verdict="retracted") for n in (1, 2)]) == [[1, 2]]


def test_withdrawing_a_report_leaves_the_verification_that_points_at_it_where_it_is() -> None:
    """What one source takes back moves no word of another to a release it never spoke of."""
    earlier = out(1, "pud", "2025-06-01", "2024-10-13")
    withdrawn = out(2, "foro", "2026-01-12", "2025-09-01", verification__verdict="retracted")
    verified = out(3, "jep", pointer=2, verification__verdict="verified")
    assert records_of([earlier, withdrawn, verified]) == [[1], [2, 3]]


def test_disjoint_releases_with_no_detention_known_between_are_one_release() -> None:
    said = [out(1, "foro", "2026-02-20", "2024-10-13"), out(2, "jep", "2026-01-12", "2024-10-13")]
    assert row_of(said, Release)["facts"]["facts"]["released_on"]["value"] == "2026-01-12/2026-02-20"
    assert row_of(said, Detention)["disjoint_releases"]


def test_releases_that_may_be_of_one_day_are_not_disjoint() -> None:
    said = [out(1, "foro", "2026-01-12", "2024-10-13"), out(2, "jep", "2026-01", "2024-10-13")]
    assert not row_of(said, Detention)["disjoint_releases"]


def test_a_denied_release_and_another_end_are_not_disjoint_releases() -> None:
    denied = out(2, "jep", "2025-11-24", "2024-10-13", verification__verdict="refuted")
    died = statement(
        3, "pud", release__stage="ordered", detention__ended={"on": "2026-02-01", "how": "died"},
        detention__detained_on="2024-10-13",
    )  # fmt: skip
    assert not row_of([out(1, on="2026-01-12", since="2024-10-13"), denied, died], Detention)["disjoint_releases"]


def test_disjoint_releases_wait_in_review(world: World) -> None:
    release = world.file("foro")["release"]["id"]
    world.verify(release, "jep", verdict="verified", method="lawyer", released_on="2026-02-20")
    (waiting,) = world.get("/v1/review", "curator").json()["data"]
    assert (waiting["kind"], waiting["release"]["id"]) == ("disjoint_releases", release)
    assert waiting["release"]["released_on"] == "2026-01-12/2026-02-20"


def test_a_detention_after_a_release_is_a_rearrest() -> None:
    assert not row_of([TWO_SPELLS[0]], Detainee)["rearrested"]
    assert row_of(TWO_SPELLS, Detainee)["rearrested"]
    assert [row["ordinal"] for row in rows_of(TWO_SPELLS, Detention)] == [1, 2]


def test_a_detention_after_an_escape_or_a_refuted_release_is_no_rearrest() -> None:
    escaped = held(1, since="2024-10-13", detention__ended={"on": "2025-06-01", "how": "escaped"})
    assert records_of([escaped, held(2, since="2025-09-01")]) == [[1], [2]]
    assert not row_of([escaped, held(2, since="2025-09-01")], Detainee)["rearrested"]
    refuted = out(3, "jep", "2025-06-01", "2024-10-13", verification__verdict="refuted")
    assert not row_of([*TWO_SPELLS, refuted], Detainee)["rearrested"]
