"""Which published figures are compared, except for which term, and which only stand side by side."""

from typing import Any

import pytest

from app.claims.figures import Figure
from app.claims.reasons import ClaimContext, find_reasons
from app.claims.reconciliation import compare_figures, find_remarks
from app.vocabulary import Reason
from tests.claims.figuring import all_of, figure, part

SAID = {"window_from": "2026-01-08", "stated_at": "2026-01-23", "series": "cumulative"}
POLITICAL, OTHERS = {"population": "political prisoners"}, {"population": "said not to be political prisoners"}


def said(number: Any, claimant: str = "foro", **changes: Any) -> Figure:
    return figure(changes.pop("name", f"{claimant} {number}"), number, claimant=claimant, **{**SAID, **changes})


MINISTRY = said(626, "ministry")


def test_two_populations_of_one_event_stand_side_by_side_without_a_difference() -> None:
    """Cuba, 2025: the government's 553 are of various crimes, the organisation's are political prisoners."""
    government, organisation = said(553, "ministry", definition=OTHERS), said(212, definition=POLITICAL)
    (beside,) = all_of(government, organisation).find_peer_figures(government)
    answer = compare_figures(government, beside)
    assert (answer["low"], answer["reasons"]) == (212, [Reason.POPULATION])
    assert (answer["distance"], answer["except_for"]) == (None, None)
    reasons = find_reasons(ClaimContext(said(553, "ministry"), peer_figures=[organisation]))
    assert [reason.code for reason in reasons] == [Reason.POPULATION]


def test_a_part_of_another_population_stands_beside_the_whole_without_a_difference() -> None:
    """Foro Penal's 61 of 29 December are of the ministry's 99."""
    whole = said(99, "ministry", name="99")
    some = said(61, definition={"subset_of": "99"})
    for one, other in ((whole, some), (some, whole)):
        answer = compare_figures(one, other)
        assert (answer["reasons"], answer["distance"]) == ([Reason.POPULATION], None)


@pytest.mark.parametrize(
    "term, changes, reason",
    [
        ("release_kind", {"terms__kind": ["amnesty"]}, Reason.DEFINITION),
        ("group", {"terms__group": "journalist"}, Reason.DEFINITION),
        ("stage", {"terms__stage": "announced"}, Reason.STAGE),
        ("net", {"definition": {"net": True}}, Reason.GROSS_NET),
    ],
)
def test_a_claim_that_differs_in_one_term_is_compared_except_for_that_term(
    term: str, changes: dict[str, Any], reason: Reason
) -> None:
    gross = said(626, "ministry", definition={"net": False})
    other = said(217, **changes)
    assert all_of(gross, other).find_peer_figures(gross) == [all_of(gross, other)["foro 217"]]
    answer = compare_figures(gross, other)
    assert (answer["except_for"], answer["distance"]) == (term, {"low": 409, "high": 409})
    assert answer["reasons"] == [reason]


def test_a_claim_that_differs_in_two_terms_stands_side_by_side_without_a_difference() -> None:
    other = said(217, terms__kind=["amnesty"], terms__stage="announced")
    answer = compare_figures(MINISTRY, other)
    assert (answer["distance"], answer["except_for"]) == (None, None)
    assert answer["reasons"] == [Reason.STAGE, Reason.DEFINITION]


def test_claims_of_the_same_terms_are_compared_whatever_the_order_of_their_codes() -> None:
    one, other = said(9, "ministry", terms__kind=["amnesty", "pardon"]), said(7, terms__kind=["pardon", "amnesty"])
    answer = compare_figures(one, other)
    assert (answer["distance"], answer["except_for"], answer["reasons"]) == ({"low": 2, "high": 2}, None, [])


def test_what_one_of_two_claims_does_not_say_of_net_is_no_different_term() -> None:
    assert compare_figures(MINISTRY, said(9, definition={"net": True}))["except_for"] is None


def test_a_part_never_stands_for_the_total_of_its_claimant() -> None:
    """The ministry's 99 and 116 are parts of its 303, the later one as well."""
    whole = said(303, name="303", stated_at="2026-01-12", window_from="2025-12")
    later_part = said(116, part_of=part("303"), stated_at="2026-01-13", window_from="2025-12")
    assert [one.id for one in all_of(MINISTRY, whole, later_part).find_peer_figures(MINISTRY)] == ["303"]
    assert [one.id for one in all_of(whole, later_part).find_own_figures(whole)] == []


@pytest.mark.parametrize(
    "before, now",
    [
        ({"part_of": part("303")}, {"part_of": part("303")}),
        ({}, {"same_as": "303"}),
        ({"same_as": "303"}, {}),
        ({}, {"misprint": True}),
        ({"misprint": True}, {}),
        ({"definition": POLITICAL}, {"definition": OTHERS}),
        ({}, {"definition": {"subset_of": "303"}}),
        ({}, {"terms__group": "journalist"}),
    ],
    ids=str,
)
@pytest.mark.parametrize("number", [9, 900])
def test_sister_parts_repeats_misprints_and_other_populations_neither_fall_nor_jump(
    before: dict[str, Any], now: dict[str, Any], number: int
) -> None:
    earlier = said(99, stated_at="2026-01-20", **before)
    assert find_remarks(said(number, **now), [earlier]) == []
    assert len(find_remarks(said(number), [said(99, stated_at="2026-01-20")])) == 1


def test_a_window_that_ends_on_the_day_it_was_stated_is_the_same_whether_it_says_so_or_not() -> None:
    unsaid = said(154, window_to=None)
    for end in ("2026-01-23", "2026-01-23/2026-01-23"):
        stated = said(154, name="stated", window_to=end)
        assert (stated.days, stated.run_key) == (unsaid.days, unsaid.run_key)
        earlier, later = said(626, "jep", stated_at="2026-01-22"), said(626, "pud", stated_at="2026-01-24")
        for other in (earlier, later):
            assert compare_figures(stated, other) == {**compare_figures(unsaid, other)}
            assert compare_figures(stated, other)["reasons"] == compare_figures(other, stated)["reasons"] == []
    newer = said(100, stated_at="2026-01-24", window_to="2026-01-24")
    assert [one["code"] for one in find_remarks(newer, [unsaid])] == ["fall"]
    assert [one.id for one in all_of(MINISTRY, said(151, stated_at="2026-01-20"),
            said(154, window_to="2026-01-23")).find_peer_figures(MINISTRY)] == ["foro 154"]  # fmt: skip


def test_a_claim_whose_window_does_not_overlap_gives_no_reason() -> None:
    """The 114 of Christmas 2024 say nothing of the figures of January 2026."""
    earlier = said(114, window_from="2024-12-20", window_to="2024-12-31", stated_at="2026-01-02", named=True)
    assert all_of(MINISTRY, earlier).find_peer_figures(MINISTRY) == []
    assert all_of(earlier, MINISTRY).find_peer_figures(earlier) == []
    touching = said(114, window_from="2024-12-20", window_to="2026-01-08", stated_at="2026-01-09")
    assert [one.id for one in all_of(MINISTRY, touching).find_peer_figures(MINISTRY)] == ["foro 114"]


def test_a_window_without_a_beginning_may_overlap_any() -> None:
    unsaid = said(60, window_from=None)
    assert [one.id for one in all_of(MINISTRY, unsaid).find_peer_figures(MINISTRY)] == ["foro 60"]


def test_a_claim_stated_in_a_month_is_compared_as_of_its_end() -> None:
    coarse = said(154, stated_at="2026-01")
    assert (coarse.window, coarse.days) == (("2026-01-08", "2026-01-31"), said(154, stated_at="2026-01-31").days)
    assert said(154, stated_at="2026").window == ("2026-01-08", "2026-12-31")
    last, next_month = said(300, "jep", stated_at="2026-01-31"), said(302, "pud", stated_at="2026-02-01")
    assert [one.id for one in all_of(coarse, last, next_month).find_peer_figures(coarse)] == ["jep 300"]


def test_two_figures_of_one_month_are_not_two_figures_of_one_day() -> None:
    coarse = [said(number, stated_at="2026-01") for number in (41, 49)]
    assert find_reasons(ClaimContext(coarse[0], own_figures=coarse[1:])) == []
    assert all_of(said(626, "ministry", stated_at="2026-01"), *coarse).find_inconsistent_claimants(coarse[0]) == []
    of_last_day = said(60, stated_at="2026-01-31")
    assert find_reasons(ClaimContext(of_last_day, own_figures=coarse)) == []


def test_a_stock_with_house_arrest_hides_none_without_it() -> None:
    held: dict[str, Any] = {"measure": "held", "window_from": None, "series": None}
    without, with_it = (
        said(number, terms__house_arrest=value, **held) for number, value in ((780, False), (806, True))
    )
    other = said(1_011, "jep", **held)
    assert [one.id for one in all_of(other, without, with_it).find_peer_figures(other)] == ["foro 806", "foro 780"]
    assert find_reasons(ClaimContext(with_it, own_figures=[without])) == []
