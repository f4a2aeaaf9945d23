"""Check the model of the counting rules against the examples of its page and the histories behind it.

A report's id is its source and a number: `A2` is the second report of source A. M is a ministry. A test that no example
covers is in the last section; it records how the model reads a rule.
"""

import random
from datetime import date

from app.dates import PartialDate, parse_date
from tests.model.rules import (
    Detention,
    Release,
    Report,
    WindowResult,
    count_in_window,
    find_arrest_date,
    find_detentions,
    find_release,
    find_source_row,
    is_heard_of,
    is_held,
)

ARREST, J8, J20 = "2025-03-01", "2026-01-08", "2026-01-20"
CARRIED_OUT = "carried_out"


def day(text: str) -> int:
    return date.fromisoformat(text).toordinal()


def parse_dates(texts: dict[str, str | None]) -> dict[str, PartialDate | None]:
    return {key: parse_date(text) if text else None for key, text in texts.items()}


def make_report(
    report_id: str,
    verdict: str = "verified",
    released: str | None = None,
    *,
    stage: str | None = CARRIED_OUT,
    arrest: str | None = None,
    sighting: str | None = None,
    announced: str | None = None,
    ordered: str | None = None,
    arrest_taken_over: str | None = None,
    taken_over: str | None = None,
    first_hand: bool = True,
    request: int | None = None,
    ended: str | None = None,
    pointer: str | None = None,
    denies: str = "event",
) -> Report:
    is_organisation = report_id[0] != "M"
    return Report(
        id=report_id,
        source=report_id[0],
        is_organisation=is_organisation,
        is_first_hand=is_organisation and first_hand,
        request=int(report_id[1:]) if request is None else request,
        verdict=verdict,
        stage=stage,
        dates=parse_dates(
            {
                "announced": announced,
                "ordered": ordered,
                "carried_out": released,
                "arrest": arrest,
                "sighting": sighting,
            }
        ),
        taken_over=parse_dates({"carried_out": taken_over, "arrest": arrest_taken_over}),
        ended=parse_date(ended) if ended else None,
        pointer=pointer,
        denies=denies,
    )


def make_custody(report_id: str, verdict: str = "verified", **values: str) -> Report:
    return make_report(report_id, verdict, stage=None, **values)  # type: ignore[arg-type]


def find_one_detention(*reports: Report) -> Detention:
    """Return the only detention, and check that no order of the reports changes it (rule 10)."""
    expected = find_detentions(reports)
    shuffled = list(reports)
    for seed in range(5):
        random.Random(seed).shuffle(shuffled)
        assert [found.reports for found in find_detentions(shuffled)] == [found.reports for found in expected]
    assert len(expected) == 1
    return expected[0]


def find_one_release(*reports: Report, stage: str = CARRIED_OUT) -> Release:
    release = find_release(find_one_detention(*reports), stage)
    assert release is not None
    return release


def find_date(*reports: Report) -> str | None:
    release = find_one_release(*reports)
    return release.date.text if release.date else None


def count(detention: Detention, first: str | None = None, last: str | None = None) -> WindowResult:
    return count_in_window(detention, CARRIED_OUT, first and day(first), last and day(last))  # type: ignore[arg-type]


def list_held(detention: Detention, *texts: str) -> list[str]:
    return [is_held(detention, day(text)) for text in texts]


def list_placed(*reports: Report) -> list[set[str]]:
    return [set(detention.reports) for detention in find_detentions(reports)]


# Rule 1


def test_a_disputed_announcement_is_contested_and_was_not_carried_out() -> None:
    detention = find_one_detention(
        make_report("M1", "reported", stage="announced", announced=J8), make_report("A1", "disputed", stage="announced")
    )
    assert count_in_window(detention, "announced", None, None).status == "contested"
    assert find_release(detention, CARRIED_OUT) is None


def test_a_second_hand_denial_of_an_announcement_leaves_it_official_only() -> None:
    detention = find_one_detention(
        make_report("M1", "reported", stage="announced", announced=J8),
        make_report("A1", "disputed", stage="announced", first_hand=False),
    )
    assert count_in_window(detention, "announced", None, None) == WindowResult(None, frozenset(), False)


def test_a_disputed_announcement_leaves_the_person_held() -> None:
    detention = find_one_detention(
        make_custody("B1", arrest=ARREST),
        make_report("M1", "reported", stage="announced", announced=J8),
        make_report("A1", "disputed", stage="announced"),
    )
    assert is_held(detention, day("2026-02-01")) == "held"


def test_the_arrest_of_a_denial_divides_nothing() -> None:
    detention = find_one_detention(
        make_report("A1", released=J8, arrest=ARREST),
        make_report("C1", released="2026-01-31"),
        make_report("B1", "refuted", "2026-01-31", arrest=J20),
    )
    assert len(detention.reports) == 3


def test_a_denial_of_the_order_denies_the_further_stages_only() -> None:
    detention = find_one_detention(make_report("A1", "reported", J8), make_report("B1", "refuted", stage="ordered"))
    releases = [find_release(detention, stage) for stage in ("announced", "ordered", CARRIED_OUT)]
    assert [release and release.status for release in releases] == ["reported", "contested", "contested"]


# Rules 2 and 3


def test_one_refutation_contests_what_two_sources_report() -> None:
    release = find_one_release(
        make_report("A1", "reported", J8), make_report("C1", "reported", J8), make_report("B1", "refuted", J8)
    )
    assert (release.status, release.denied_by) == ("contested", frozenset("B"))


def test_two_verifications_outweigh_one_refutation() -> None:
    release = find_one_release(
        make_report("A1", released=J8), make_report("C1", released=J8), make_report("B1", "refuted")
    )
    assert (release.status, release.denied_by, release.verified_by) == ("verified", frozenset("B"), frozenset("AC"))


def test_a_denial_of_another_day_does_not_count() -> None:
    release = find_one_release(
        make_report("M1", "reported", J8), make_report("B1", "refuted", J8), make_report("C1", released="2026-02-20")
    )
    assert (release.status, release.denied_by) == ("verified", frozenset())
    assert release.date == parse_date("2026-02-20")


def test_a_denial_of_another_day_leaves_a_release_official_only() -> None:
    release = find_one_release(make_report("M1", "reported", J8), make_report("A1", "refuted", J20))
    assert (release.status, release.denied_by) == ("official_only", frozenset())


def test_a_source_whose_denial_does_not_count_asserts_nothing() -> None:
    release = find_one_release(
        make_report("M1", "reported", J8), make_report("A1", released=J8), make_report("A2", "refuted", J20)
    )
    assert (release.status, release.is_official) == ("official_only", True)


def test_only_the_first_hand_reports_of_a_source_speak() -> None:
    press = make_report("A2", "reported", J20, first_hand=False)
    assert find_one_release(make_report("A1", "refuted", J8), press).status == "refuted"
    release = find_one_release(make_report("A1", released=J8), press)
    assert (release.status, release.date) == ("verified", parse_date(J8))
    assert find_date(make_report("A1"), press) == J20


def test_a_second_hand_denial_does_not_silence_its_source() -> None:
    release = find_one_release(
        make_report("A1", "reported", J8, first_hand=False), make_report("A2", "refuted", J8, first_hand=False)
    )
    assert (release.status, release.date) == ("reported", parse_date(J8))


def test_a_source_that_disputes_its_own_date_still_verifies_the_release() -> None:
    release = find_one_release(make_report("A1", released=J8), make_report("A2", "disputed", J8, denies="date"))
    assert release.status == "verified"


def test_a_list_of_the_held_is_no_voice_on_the_release_of_its_source() -> None:
    assert (
        find_one_release(make_report("A1", released=J8), make_custody("A2", sighting="2026-01-07")).status == "verified"
    )


def test_a_source_that_refutes_what_it_verified_denies() -> None:
    release = find_one_release(make_report("A1", released=J8), make_report("A2", "refuted", J8))
    assert (release.status, release.denied_by, release.verified_by) == ("refuted", frozenset("A"), frozenset())


def test_a_source_that_verifies_what_it_refuted_verifies() -> None:
    assert find_one_release(make_report("A1", "refuted", J8), make_report("A2", released=J8)).status == "verified"


def test_among_reports_of_one_request_a_denial_speaks_first_and_then_the_later_date() -> None:
    assert find_one_release(make_report("A1", released=J8), make_report("A2", "refuted", request=1)).status == "refuted"
    assert find_date(make_report("A1", released=J20, request=1), make_report("A2", released=J8, request=1)) == J20


# Rule 4


def test_a_new_arrest_after_a_release_makes_a_second_detention() -> None:
    first, second = find_detentions([make_report("A1", released=J8, arrest=ARREST), make_custody("B1", arrest=J20)])
    assert (first.reports, second.reports) == (frozenset(["A1"]), frozenset(["B1"]))
    assert (first.begins, second.begins) == (None, day(J20))


def test_a_slip_of_the_year_makes_no_second_detention() -> None:
    detention = find_one_detention(
        make_report("A1", released=J8, arrest=ARREST),
        make_report("B1", released="2025-01-08"),
        make_report("C1", released=J8),
    )
    assert count(detention, "2026-01-01", "2026-01-31") == WindowResult("verified", frozenset("AC"), True)


def test_a_slip_of_the_year_in_a_report_is_outvoted_by_two_reports() -> None:
    reports = [
        make_custody("D1", arrest=ARREST),
        make_report("A1", "reported", "2025-01-08"),
        make_report("B1", "reported", J8),
        make_report("C1", "reported", J8),
    ]
    assert find_date(*reports) == J8


def test_a_sighting_after_the_release_makes_no_second_detention() -> None:
    detention = find_one_detention(
        make_report("A1", released=J8, arrest=ARREST),
        make_custody("C1", sighting="2026-01-12"),
        make_report("B1", released="2026-01-31"),
    )
    release = find_release(detention, CARRIED_OUT)
    assert release is not None
    assert (release.date, release.verified_by) == (parse_date("2026-01-31"), frozenset("AB"))


def test_an_arrest_on_the_day_of_the_release_begins_a_second_detention() -> None:
    first, second = find_detentions(
        [make_report("A1", released=J8, arrest=ARREST), make_report("A2", released=J20, arrest=J8)]
    )
    assert (first.reports, second.reports, second.begins) == (frozenset(["A1"]), frozenset(["A2"]), day(J8))


def test_releases_on_one_side_of_an_arrest_are_one_release() -> None:
    placed = list_placed(
        make_report("A1", released=J8, arrest=ARREST),
        make_report("B1", released=J20),
        make_report("C1", released="2026-02-10"),
        make_custody("D1", arrest="2026-01-15"),
    )
    assert placed == [{"A1"}, {"B1", "C1", "D1"}]


def test_dates_that_were_taken_over_divide() -> None:
    placed = list_placed(
        make_report("A1", taken_over=J8, arrest_taken_over=ARREST), make_custody("B1", arrest_taken_over=J20)
    )
    assert placed == [{"A1"}, {"B1"}]


def test_a_coarse_arrest_that_may_lie_before_the_release_divides_nothing() -> None:
    assert (
        len(find_detentions([make_report("A1", released=J8, arrest=ARREST), make_custody("B1", arrest="2026-01")])) == 1
    )


# Rules 5 and 9


def test_a_verified_date_goes_before_reported_dates() -> None:
    reports = make_report("A1", released=J8), make_report("B1", "reported", "2026-01-31")
    release = find_one_release(*reports, make_report("C1", "reported", "2026-01-31"))
    assert (release.status, release.date, release.is_uncertain_date) == ("verified", parse_date(J8), True)


def test_a_corrected_date_is_not_outvoted_by_copies_of_the_slip() -> None:
    detention = find_one_detention(
        make_report("A1", released="2026-01-09", request=4),
        make_report("B2", taken_over=J8, pointer="A1"),
        make_report("C3", taken_over=J8, pointer="A1"),
    )
    release = find_release(detention, CARRIED_OUT)
    assert release is not None
    assert (release.date, release.verified_by) == (parse_date("2026-01-09"), frozenset("ABC"))


def test_the_date_of_a_source_is_its_newest_not_that_of_its_voice() -> None:
    release = find_one_release(make_report("A1", released=J8), make_report("A2", "reported", J20))
    assert (release.status, release.date, release.is_uncertain_date) == ("verified", parse_date(J20), False)
    assert find_date(make_report("A1", "reported", J8), make_report("A2")) == J8


def test_the_date_of_the_release_does_not_date_the_announcement() -> None:
    release = find_one_release(make_report("A1", released=J8), stage="announced")
    assert (release.status, release.date) == ("verified", None)
    assert find_one_release(
        make_report("A1", released=J8, announced="2026-01-05"), stage="announced"
    ).date == parse_date("2026-01-05")


def test_a_source_votes_on_the_arrest_in_the_best_group_of_its_reports() -> None:
    detention = find_one_detention(
        make_custody("A1", arrest="2025-03-04"),
        make_custody("A2", "reported", arrest="2025-03-05"),
        make_custody("B1", "reported", arrest=ARREST),
        make_custody("C1", "reported", arrest=ARREST),
    )
    assert find_arrest_date(detention) == parse_date("2025-03-05")


def test_a_denial_does_not_date_the_arrest_and_keeps_the_vote_of_its_source() -> None:
    detention = find_one_detention(
        make_custody("A1", arrest=ARREST), make_custody("A2", "disputed", arrest="2025-02-01")
    )
    assert find_arrest_date(detention) == parse_date(ARREST)


def test_a_coarse_date_supports_the_days_inside_and_a_tie_goes_to_the_later_day() -> None:
    reports = make_report("A1", released=J8), make_report("B1", released=J20), make_report("C1", released="2026-01")
    assert find_date(*reports) == J20


def test_sources_that_verify_by_id_confirm_the_date_they_saw() -> None:
    detention = find_one_detention(
        make_report("M1", "reported", J8),
        make_report("A1", taken_over=J8, pointer="M1"),
        make_report("B1", taken_over=J8, pointer="M1"),
    )
    assert count(detention, "2026-01-08", "2026-01-08") == WindowResult("verified", frozenset("AB"), False)


def test_the_row_of_a_source_shows_what_it_took_over() -> None:
    reports = [make_report("M1", "reported", J8), make_report("A1", taken_over=J8, pointer="M1")]
    row = find_source_row(find_one_detention(*reports), "A", CARRIED_OUT)
    release = find_release(row, CARRIED_OUT) if row else None
    assert release is not None
    assert (release.status, release.date, release.verified_by) == ("verified", parse_date(J8), frozenset("A"))


def test_the_row_of_a_source_has_the_status_of_its_own_reports() -> None:
    detention = find_one_detention(
        make_report("M1", "verified", J8), make_report("A1", "verified", J8), make_report("B1", "refuted", J8)
    )
    rows = [find_source_row(detention, source, CARRIED_OUT) for source in ("A", "B", "M")]
    releases = [row and find_release(row, CARRIED_OUT) for row in rows]
    assert [release and release.status for release in releases] == ["verified", None, "official_only"]


# Rule 6


def test_a_window_counts_the_release_by_its_date_and_only_the_sources_that_date_it_there() -> None:
    detention = find_one_detention(
        make_report("A1", released=J8), make_report("B1", released=J8), make_report("C1", released=J20)
    )
    assert count(detention, "2026-01-01", "2026-01-15") == WindowResult("verified", frozenset("AB"), True)
    assert count(detention, "2026-01-16", "2026-01-31") == WindowResult(None, frozenset(), True)
    assert count(detention) == WindowResult("verified", frozenset("ABC"), True)


def test_a_date_that_straddles_the_window_is_in_no_total() -> None:
    detention = find_one_detention(make_report("A1", released="2026-01"))
    assert count(detention, "2026-01-01", "2026-01-31") == WindowResult("verified", frozenset("A"), False)
    assert count(detention, "2026-01-01", "2026-01-15") == WindowResult(None, frozenset(), True)


# Rule 7


def test_a_later_arrest_in_the_press_does_not_move_the_begin() -> None:
    detention = find_one_detention(
        make_custody("A1", sighting="2021-08-20"), make_report("B1", stage=None, arrest="2023-01", first_hand=False)
    )
    assert is_held(detention, day("2021-09-01")) == "held"
    assert is_held(detention, day("2021-08-19")) == "not_held"


def test_a_person_is_heard_of_for_two_years_after_the_last_sighting() -> None:
    detention = find_one_detention(make_custody("A1", arrest="2021-03-01"), make_custody("B1", sighting="2023-06-10"))
    asked = (("2025-06-10", 2), ("2025-06-11", 2), ("2025-06-11", 3))
    assert [is_heard_of(detention, day(text), years) for text, years in asked] == [True, False, True]


def test_two_arrests_without_a_release_are_one_detention_from_the_earlier_one() -> None:
    detention = find_one_detention(make_custody("A1", arrest="2021-01-20"), make_custody("A2", arrest="2023-02-27"))
    assert is_held(detention, day("2021-03-01")) in ("held", "held_uncertain")


def test_a_sighting_after_the_release_makes_the_days_until_then_uncertain() -> None:
    detention = find_one_detention(
        make_report("A1", released=J8, arrest=ARREST),
        make_report("B1", released=J8, arrest=ARREST),
        make_custody("C1", sighting="2026-01-12"),
    )
    assert list_held(detention, "2026-01-10", "2026-02-01") == ["not_held_uncertain", "not_held"]


def test_later_dates_of_other_reports_make_the_days_until_then_uncertain() -> None:
    verified = [make_report(f"{source}1", released=J8, arrest=ARREST) for source in "AB"]
    for other in (
        make_report("C1", "reported", J20, first_hand=False),
        make_custody("C1", "disputed", sighting=J20),
        make_custody("C1", sighting="2026-01-09/2026-01-20"),
    ):
        detention = find_one_detention(*verified, other)
        assert list_held(detention, J20, "2026-01-21") == ["not_held_uncertain", "not_held"]
    # A coarse date that overlaps the end does not lie wholly after it, and a denied release is no such date.
    for other in (make_custody("C1", sighting="2026-01"), make_report("C1", "disputed", J20)):
        assert is_held(find_one_detention(*verified, other), day(J20)) == "not_held"


def test_an_arrest_after_the_end_makes_the_days_until_then_uncertain() -> None:
    detention = find_one_detention(make_report("A1", released=J8), make_custody("B1", arrest=J20))
    assert list_held(detention, "2026-01-15", "2026-01-21") == ["not_held_uncertain", "not_held"]


def test_the_begin_is_the_earliest_sighting_if_it_lies_wholly_before_the_arrest() -> None:
    early = find_one_detention(make_custody("A1", arrest=ARREST), make_custody("B1", sighting="2025-02-10"))
    assert list_held(early, "2025-02-09", "2025-02-10") == ["not_held", "held_uncertain"]


def test_a_coarse_arrest_was_at_the_latest_on_the_earliest_sighting() -> None:
    coarse = find_one_detention(make_custody("A1", arrest="2025-03"), make_custody("B1", sighting="2025-03-10"))
    assert list_held(coarse, "2025-02-28", "2025-03-09", "2025-03-10") == ["not_held", "not_held_uncertain", "held"]


def test_without_an_arrest_the_first_day_is_unknown() -> None:
    detention = find_one_detention(make_custody("A1", sighting=J8))
    assert list_held(detention, "2020-01-01", J8) == ["not_held_uncertain", "held"]
    assert is_held(find_one_detention(make_custody("A1")), day(J8)) == "not_held_uncertain"


def test_a_release_without_a_date_lies_on_or_after_the_latest_day_inside() -> None:
    detention = find_one_detention(make_report("A1", arrest=ARREST), make_custody("B1", sighting=J8))
    assert list_held(detention, J8, "2026-01-09") == ["held", "not_held_uncertain"]


def test_a_denial_of_custody_counts_only_as_the_newest_report_of_its_source() -> None:
    denial = make_custody("A2", "disputed")
    reports = [make_custody("B1", arrest=ARREST), make_custody("A1", arrest=ARREST), denial]
    assert is_held(find_one_detention(*reports), day(J8)) == "held_uncertain"
    assert is_held(find_one_detention(*reports, make_custody("A3", sighting="2025-06-01")), day(J8)) == "held"
    second_hand = make_custody("A2", "disputed", first_hand=False)  # type: ignore[arg-type]
    assert is_held(find_one_detention(*reports[:2], second_hand), day(J8)) == "held"


def test_the_reports_of_governments_decide_if_no_organisation_asserts() -> None:
    detention = find_one_detention(make_report("M1", "reported", J8, arrest=ARREST))
    assert list_held(detention, "2025-02-28", J8, "2026-01-09") == ["not_held", "held", "not_held"]
    ended = find_one_detention(make_custody("M1", "reported", arrest=ARREST, ended=J8))
    assert list_held(ended, J8, "2026-01-09") == ["held", "not_held"]


# Rule 8


def test_a_second_hand_verification_confirms_nothing() -> None:
    press = make_report("A1", released=J8, first_hand=False)
    assert count(find_one_detention(press, make_report("B1", released=J8))) == WindowResult(
        "verified", frozenset("B"), False
    )
    assert count(find_one_detention(press)) == WindowResult("reported", frozenset(), False)


# Rule 10


def test_a_coarse_release_is_placed_by_the_arrest() -> None:
    placed = list_placed(
        make_report("A1", released=J8, arrest=ARREST),
        make_custody("B1", arrest=J20),
        make_report("C1", released="2026-01", arrest=ARREST),
    )
    assert placed == [{"A1", "C1"}, {"B1"}]


def test_a_coarse_release_does_not_end_the_second_detention() -> None:
    detentions = find_detentions(
        [
            make_report("A1", released=J8, arrest=ARREST),
            make_custody("B1", arrest=J20),
            make_report("C1", released="2026-01", arrest=ARREST),
        ]
    )
    assert [is_held(detention, day("2026-01-25")) for detention in detentions] == ["not_held", "held"]


TWO_DETENTIONS = [make_report("A1", released=J8, arrest=ARREST), make_custody("B1", arrest=J20)]


def place(report: Report) -> int:
    """Return which of two detentions a report joins."""
    return next(i for i, placed in enumerate(list_placed(*TWO_DETENTIONS, report)) if report.id in placed)


def test_another_end_is_placed_like_a_release() -> None:
    assert place(make_custody("C1", ended=J20, arrest=J20)) == 0
    assert place(make_custody("C1", ended="2026-01-21", arrest=ARREST)) == 1


def test_a_coarse_date_is_placed_by_the_next_date_that_fits() -> None:
    assert place(make_report("C1", released="2026-01")) == 0
    assert place(make_report("C1", released="2026-01", arrest="2026-01", sighting="2026-01-25")) == 1
    assert place(make_report("C1", released="2026-01", arrest_taken_over=J20)) == 1
    assert place(make_custody("C1", arrest="2026-01", sighting="2026-01-25")) == 1
    assert place(make_report("C1", stage="ordered", ordered="2026-01", announced="2026-01-22")) == 1


def test_a_report_is_placed_by_dates_that_it_took_over() -> None:
    assert place(make_custody("C1", arrest_taken_over=ARREST)) == 0


def test_a_report_without_a_date_joins_the_latest_release_or_the_latest_detention() -> None:
    assert (place(make_report("C1")), place(make_custody("C1"))) == (0, 1)


def test_the_report_of_a_government_joins_the_detention_that_it_fits() -> None:
    assert place(make_report("M1", "reported", J8, arrest=ARREST)) == 0
    assert place(make_report("M1", "reported", "2026-02-10", arrest="2026-02-01")) == 1
    # Its dates place it in the first detention, whose earliest arrest is later. It fits neither, and comes before both.
    assert place(make_report("M1", "reported", "2024-01-01")) == 0
    assert list_placed(*TWO_DETENTIONS, make_report("M1", "reported", "2024-01-01"))[0] == {"M1"}
    # Its release places it in the first detention, but its arrest lies after the release there.
    assert place(make_report("M1", "reported", "2026-01-20", arrest="2026-01-15")) == 1


def test_reports_of_governments_that_fit_none_are_divided_among_themselves() -> None:
    official = [
        make_report("M1", "reported", "2020-02-01", arrest="2020-01-01"),
        make_report("M2", "reported", "2020-02-01"),
        make_report("M3", "reported", "2022-02-01", arrest="2022-01-01"),
    ]
    assert list_placed(*official) == [{"M1", "M2"}, {"M3"}]
    assert list_placed(*official, *TWO_DETENTIONS) == [{"M1", "M2"}, {"M3"}, {"A1"}, {"B1"}]
    denial = make_report("A1", "refuted", "2022-02-01")
    assert list_placed(*official, denial) == [{"M1", "M2"}, {"A1", "M3"}]


def test_a_report_without_a_date_joins_the_release() -> None:
    release = find_one_release(make_report("A1", released=J8), make_report("B1"), make_report("C1", released=J8))
    assert (release.status, release.verified_by) == ("verified", frozenset("ABC"))


# Readings that no example covers


def test_a_release_of_a_government_alone_is_in_no_total() -> None:
    detention = find_one_detention(make_report("M1", "reported", J8))
    release = find_release(detention, CARRIED_OUT)
    assert detention.is_official
    assert release is not None
    assert release.status == "official_only"
    assert count(detention) == WindowResult(None, frozenset(), False)


def test_the_report_of_a_government_that_fits_no_detention_is_apart() -> None:
    placed = list_placed(make_report("A1", released=J8, arrest=ARREST), make_report("M1", "reported", "2024-01-01"))
    assert placed == [{"M1"}, {"A1"}]


def test_the_release_of_a_government_ends_no_detention_of_an_organisation() -> None:
    detention = find_one_detention(make_custody("A1", arrest=ARREST), make_report("M1", "reported", J8))
    assert is_held(detention, day(J20)) == "held"


def test_a_denial_alone_makes_no_detention() -> None:
    assert find_detentions([make_report("A1", "refuted", J8, arrest=ARREST)]) == []


def test_a_retracted_report_places_the_reports_that_point_at_it() -> None:
    placed = list_placed(
        make_report("A1", released=J8, arrest=ARREST),
        make_custody("B1", arrest=J20),
        make_report("C1", "retracted", J8),
        make_report("D1", pointer="C1"),
    )
    assert placed == [{"A1", "D1"}, {"B1"}]


def test_a_contested_release_makes_the_days_after_it_uncertain() -> None:
    detention = find_one_detention(make_report("A1", released=J8, arrest=ARREST), make_report("B1", "disputed"))
    assert is_held(detention, day(J8)) == "held"
    assert is_held(detention, day(J20)) == "not_held_uncertain"


def test_another_end_ends_the_detention() -> None:
    detention = find_one_detention(make_custody("A1", arrest=ARREST, ended=J8))
    assert [is_held(detention, day(text)) for text in (J8, "2026-01-09")] == ["held", "not_held"]


def test_the_date_of_the_arrest_goes_to_the_earlier_date_in_a_tie() -> None:
    detention = find_one_detention(make_custody("A1", arrest="2025-03-04"), make_custody("B1", arrest=ARREST))
    assert find_arrest_date(detention) == parse_date(ARREST)


def test_a_date_before_the_second_detention_has_no_vote_on_its_arrest() -> None:
    _, second = find_detentions(
        [
            make_report("A1", released=J8, arrest=ARREST),
            make_report("B1", released="2026-02-10", arrest=ARREST),
            make_custody("C1", arrest=J20),
        ]
    )
    assert second.reports == {"B1", "C1"}
    assert find_arrest_date(second) == parse_date(J20)
    assert is_held(second, day("2026-01-10")) == "not_held"
