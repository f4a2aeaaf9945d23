"""Rule 10: each report joins a detention by the report it points at, otherwise by its own dates."""

from typing import Any

import pytest

from tests.registry.statements import held, out, records_of, statement

TWO_DETENTIONS = (out(1, "foro", "2025-06-01", "2024-10-13"), out(2, "foro", "2026-01-12", "2025-09-01"))
OPEN_SECOND = (TWO_DETENTIONS[0], held(2, "foro", "2025-09-01"))


def test_the_date_of_a_release_places_before_the_arrest() -> None:
    assert records_of([*TWO_DETENTIONS, out(3, "jep", "2025-06-01")]) == [[1, 3], [2]]
    assert records_of([*TWO_DETENTIONS, out(3, "jep", "2026-01-12", "2024-10-13")]) == [[1], [2, 3]]
    assert records_of([*TWO_DETENTIONS, out(3, "jep", "2026-01-20", "2024-10-13")]) == [[1], [2, 3]]
    assert records_of([*OPEN_SECOND, out(3, "jep", "2026-01-12")]) == [[1], [2, 3]]


@pytest.mark.parametrize("verdict", ["refuted", "disputed", "retracted"])
def test_denials_and_retracted_reports_are_placed_alike(verdict: str) -> None:
    denied: dict[str, Any] = {"verification__verdict": verdict}
    assert records_of([*TWO_DETENTIONS, out(3, "jep", "2026-01-20", "2024-10-13", **denied)]) == [[1], [2, 3]]
    assert records_of([*TWO_DETENTIONS, out(3, "jep", "2025-06-01", **denied)]) == [[1, 3], [2]]


def test_another_end_places_like_a_release() -> None:
    ended = {"on": "2025-09-01", "how": "escaped"}
    assert records_of([*TWO_DETENTIONS, held(3, "jep", "2025-09-01", detention__ended=ended)]) == [[1, 3], [2]]


def test_a_release_on_the_day_of_the_next_arrest_belongs_to_the_detention_before() -> None:
    said = [out(1, "jep", "2026-01-11", "2024-10-13"), out(2, "foro", "2026-01-12"), held(3, "pud", "2026-01-12")]
    assert records_of(said) == [[1, 2], [3]]


def test_a_release_without_a_known_date_nearby_joins_the_detention_that_was_going_on() -> None:
    known = [out(1, "foro", "2022-08-14", "2021-03-01"), out(2, "foro", "2024-05-23", "2023-11-02")]
    assert records_of([*known, out(3, "jep", "2024-05-24"), out(4, "pud", "2024-05-26")]) == [[1], [2, 3, 4]]
    assert records_of([*known, out(3, "jep", "2022-08-20")]) == [[1, 3], [2]]


@pytest.mark.parametrize("since, spells", [("2024-10", [[1, 3], [2]]), ("2025-09-01/2025-09-03", [[1], [2, 3]])])
def test_without_a_release_date_the_arrest_places(since: str, spells: list[list[int]]) -> None:
    assert records_of([*TWO_DETENTIONS, out(3, "jep", since=since)]) == spells


def test_a_coarse_date_is_placed_by_the_next_date_and_otherwise_in_the_earliest_detention_it_fits() -> None:
    assert records_of([*TWO_DETENTIONS, out(3, "jep", "2025/2026")]) == [[1, 3], [2]]
    assert records_of([*TWO_DETENTIONS, out(3, "jep", "2025/2026", "2025-09-01")]) == [[1], [2, 3]]
    assert records_of([*TWO_DETENTIONS, out(3, "jep", "2025/2026", "2024-10-13")]) == [[1, 3], [2]]


def test_the_arrest_places_before_a_sighting() -> None:
    seen = {"detention__held_on": "2025-11-15"}
    assert records_of([*TWO_DETENTIONS, held(3, "jep", "2024-10-13", **seen)]) == [[1, 3], [2]]
    assert records_of([*TWO_DETENTIONS, held(3, "jep", **seen)]) == [[1], [2, 3]]
    assert records_of([*TWO_DETENTIONS, held(3, "jep", detention__held_on="2025-03-01")]) == [[1, 3], [2]]


@pytest.mark.parametrize("stage, day", [("ordered", "ordered_on"), ("announced", "announced_on")])
def test_the_date_of_an_order_or_an_announcement_places_last(stage: str, day: str) -> None:
    for on, spells in (("2025-03-01", [[1, 3], [2]]), ("2025-11-15", [[1], [2, 3]])):
        content: dict[str, Any] = {"release__stage": stage, f"release__{day}": on}
        assert records_of([*TWO_DETENTIONS, statement(3, "jep", **content)]) == spells
        assert records_of([*TWO_DETENTIONS, statement(3, "jep", detention__held_on="2025-11-20", **content)]) == [
            [1],
            [2, 3],
        ]


def test_a_report_without_a_date_joins_the_latest_release_or_the_latest_detention() -> None:
    undated = [out(3, "jep"), statement(4, "pud")]
    assert records_of([*TWO_DETENTIONS, *undated]) == [[1], [2, 3, 4]]
    assert records_of([*OPEN_SECOND, *undated]) == [[1, 3], [2, 4]]


def test_a_pointer_goes_before_the_dates() -> None:
    for on in ("2025-06-01", "2026-01-12", None):
        assert records_of([*TWO_DETENTIONS, out(3, "jep", on, pointer=1)]) == [[1, 3], [2]]
        assert records_of([*TWO_DETENTIONS, out(3, "jep", on, pointer=2)]) == [[1], [2, 3]]


def test_a_report_stays_with_the_one_it_points_at_if_that_one_is_corrected_or_retracted() -> None:
    for verdict in ("reported", "retracted"):
        moved = out(3, "pud", "2025-06-01", "2024-10-13", verification__verdict=verdict)
        taken_over = {"taken__release__released_on": "2026-01-12", "taken__detention__detained_on": "2025-09-01"}
        for own in ({"on": "2026-01-12"}, {"since": "2025-09-01"}, taken_over):
            assert records_of([*TWO_DETENTIONS, moved, out(4, "jep", **own, pointer=3)]) == [[1, 3, 4], [2]], own


def test_a_pointer_leads_through_other_reports_to_the_last() -> None:
    assert records_of([*OPEN_SECOND, out(3, "jep", pointer=4), out(4, "pud", pointer=2)]) == [[1], [2, 3, 4]]


def test_a_pointer_at_a_report_of_another_person_is_void() -> None:
    assert records_of([*OPEN_SECOND, out(3, "jep", "2025-06-01", pointer=7)]) == [[1, 3], [2]]


def test_pointers_in_a_circle_lead_to_the_report_with_the_lowest_id() -> None:
    spells = [out(1, on="2025-06-01", since="2024-10-13"), held(2, since="2025-09-01", pointer=3)]
    assert records_of([*spells, out(3, "jep", pointer=2), out(4, "pud", "2026-01-12", pointer=3)]) == [[1], [2, 3, 4]]


def test_a_pointer_of_an_organisation_at_the_report_of_a_government_places_nothing() -> None:
    """Otherwise the ministry could move the report of the organisation."""
    moved = out(3, "ministry", "2025-06-01", "2024-10-13")
    for verdict in ("verified", "disputed"):
        pointing = out(4, "jep", "2026-01-12", pointer=3, verification__verdict=verdict)
        assert records_of([*TWO_DETENTIONS, moved, pointing]) == [[1, 3], [2, 4]], verdict


# Governments


def test_a_government_joins_the_detention_in_which_its_dates_place_it() -> None:
    assert records_of([*TWO_DETENTIONS, out(3, "ministry", "2026-01-12")]) == [[1], [2, 3]]
    assert records_of([*TWO_DETENTIONS, out(3, "ministry", "2025-06-03")]) == [[1, 3], [2]]
    assert records_of([*TWO_DETENTIONS, out(3, "ministry", "2026-01-20", "2024-10-13")]) == [[1], [2, 3]]


def test_a_government_without_a_date_joins_the_latest_release_or_the_latest_detention() -> None:
    undated = [out(3, "ministry"), statement(4, "ministry")]
    assert records_of([*OPEN_SECOND, *undated]) == [[1, 3], [2, 4]]


def test_a_government_joins_the_earliest_detention_it_fits_if_its_dates_place_it_in_none() -> None:
    assert records_of([*TWO_DETENTIONS, held(3, "ministry", "2025-07-01")]) == [[1], [2, 3]]


def test_an_arrest_of_a_government_after_the_latest_release_stands_apart() -> None:
    released = [out(1, "foro", "2024-04-04", "2024-01-27"), out(2, "jep", "2024-06-20")]
    assert records_of([*released, held(3, "ministry", "2024-05-01")]) == [[1, 2, 3]]
    arrested = held(3, "ministry", "2024-07-01")
    assert records_of([*released, arrested]) == [[1, 2], [3]]
    assert records_of([*released, arrested, out(4, "police", "2024-06-20", "2024-05-01")]) == [[1, 2, 4], [3]]
    again = held(5, "jep", "2024-08-01")
    assert records_of([*released, out(3, "ministry", "2024-07-20", "2024-07-01"), again]) == [[1, 2], [3], [5]]


EARLIER = out(1, "ministry", "2023-11-24", "2023-07-01")
ORGANISATIONS = (held(2, "foro", "2024-03-01"), out(3, "jep", verification__verdict="verified"))


def test_a_release_of_a_government_before_the_first_arrest_stands_apart() -> None:
    assert records_of([EARLIER, *ORGANISATIONS]) == [[1], [2, 3]]
    assert records_of([EARLIER, *ORGANISATIONS, out(4, "police", "2023-11-24")]) == [[1, 4], [2, 3]]
    assert records_of([out(1, "ministry", "2023/2024"), *ORGANISATIONS]) == [[1, 2, 3]]


def test_without_an_arrest_of_an_organisation_every_release_of_a_government_fits() -> None:
    assert records_of([EARLIER, ORGANISATIONS[1]]) == [[1, 3]]
    assert records_of([EARLIER, ORGANISATIONS[1], held(2, "police", "2024-03-01")]) == [[1, 2, 3]]


def test_a_release_that_an_organisation_asserts_too_divides_for_all() -> None:
    shown = held(4, "pud", detention__held_on="2023-08-01")
    stated = out(5, "pud", "2023-11-24")
    assert records_of([EARLIER, *ORGANISATIONS, shown, stated]) == [[1, 3, 4, 5], [2]]


def test_an_organisation_that_points_at_the_report_of_a_government_is_placed_with_it() -> None:
    official = out(1, "ministry", "2025-11-24", "2025-07-01")
    taken_over = {"taken__release__released_on": "2025-11-24", "taken__detention__detained_on": "2025-07-01"}
    verified = out(2, "jep", pointer=1, verification__verdict="verified", **taken_over)
    assert records_of([official, verified, held(3, "foro", "2025-12-01")]) == [[1, 2], [3]]


@pytest.mark.parametrize("ids", [("a", "b"), ("b", "a")])
def test_a_government_is_not_torn_from_the_detention_that_an_organisation_reports_too(ids: tuple[str, str]) -> None:
    official = out(1, "ministry", "2025-11-24", "2025-07-01")
    again = [held(2, "foro", "2025-12-01", id=ids[0] * 32), held(3, "police", "2025-12-01", id=ids[1] * 32)]
    assert records_of([official, *again]) == [[1], [2, 3]]


def test_every_report_is_in_exactly_one_detention() -> None:
    placed = records_of([*TWO_DETENTIONS, out(3, "jep"), out(4, "pud", "2025/2026"), statement(5, "jep")])
    assert sorted(record for spell in placed for record in spell) == [1, 2, 3, 4, 5]
