"""Rule 4: only a new arrest that organisations report makes a second detention."""

from itertools import permutations

import pytest

from app.models import Detainee, Detention, Release, ReleaseAtStage
from tests.registry.statements import held, out, records_of, row_of, rows_of, statement
from tests.support import World

TWO_DETENTIONS = (out(1, "foro", "2025-06-01", "2024-10-13"), out(2, "foro", "2026-01-12", "2025-09-01"))


def test_an_arrest_after_a_release_that_was_carried_out_begins_a_second_detention() -> None:
    assert records_of([out(1, on="2025-06-01", since="2024-10-13"), held(2, since="2025-09-01")]) == [[1], [2]]


@pytest.mark.parametrize("stage", ["announced", "ordered"])
def test_a_release_that_was_not_carried_out_divides_nothing(stage: str) -> None:
    ordered = statement(1, release__stage=stage, release__ordered_on="2025-06-01", detention__detained_on="2024-10-13")
    assert records_of([ordered, held(2, since="2025-09-01")]) == [[1, 2]]


@pytest.mark.parametrize("verdict", ["refuted", "disputed", "retracted"])
def test_neither_the_release_nor_the_arrest_of_a_denial_divides(verdict: str) -> None:
    denied = out(1, on="2025-06-01", since="2024-10-13", verification__verdict=verdict)
    assert records_of([denied, held(2, "jep", "2025-09-01"), held(3, "pud", "2024-10-13")]) == [[1, 2, 3]]
    denied_arrest = held(2, since="2025-09-01", verification__verdict=verdict)
    assert records_of([TWO_DETENTIONS[0], denied_arrest]) == [[1, 2]]


def test_a_release_that_others_refute_divides_all_the_same() -> None:
    stated = out(1, on="2025-06-01", since="2024-10-13")
    refuted = [out(n, source, "2025-06-01", verification__verdict="refuted") for n, source in ((2, "jep"), (3, "pud"))]
    again = held(4, since="2025-09-01")
    assert row_of([stated, *refuted], ReleaseAtStage, stage="carried_out")["status"] == "refuted"
    assert records_of([stated, *refuted, again]) == [[1, 2, 3], [4]]


def test_the_dates_of_a_government_divide_no_detention_of_organisations() -> None:
    released = [out(1, "foro", "2024-04-04", "2024-01-27"), out(2, "jep", "2024-04-04", "2024-01-30")]
    official = [out(3, "ministry", "2024-01-28", "2024-01-27"), held(4, "ministry", "2024-01-29")]
    assert records_of([*released, *official]) == [[1, 2, 3, 4]]
    arrested = [held(1, "foro", "2025-07-01"), held(2, "jep", "2025-12-01")]
    assert records_of([*arrested, out(3, "ministry", "2025-11-24", "2025-07-01")]) == [[1, 2, 3]]


@pytest.mark.parametrize("method", ["press", "official_statement", "family"])
def test_the_dates_of_an_organisation_divide_by_any_method(method: str) -> None:
    released = out(1, "jep", "2025-06-01", "2024-10-13", verification__method=method)
    assert records_of([released, held(2, "foro", "2025-09-01")]) == [[1], [2]]


def test_dates_that_were_taken_over_divide() -> None:
    released = out(1, taken__release__released_on="2025-06-01", taken__detention__detained_on="2024-10-13")
    assert records_of([released, held(2, "jep", taken__detention__detained_on="2025-09-01")]) == [[1], [2]]


def test_a_release_divides_only_if_a_report_shows_the_person_inside_before_it() -> None:
    released, again = out(1, on="2025-06-01"), held(2, "jep", "2025-09-01")
    assert records_of([released, again]) == [[1, 2]]
    assert records_of([released, again, held(3, "pud", detention__held_on="2025-06-02")]) == [[1, 2, 3]]
    assert records_of([released, again, held(3, "pud", detention__held_on="2025-06-01")]) == [[1, 3], [2]]


def test_a_slip_of_the_year_makes_no_second_detention() -> None:
    verified = [out(1, "foro", "2025-01-08", "2025-03-01"), out(2, "jep", "2026-01-08"), out(3, "pud", "2026-01-08")]
    assert records_of(verified) == [[1, 2, 3]]


def test_releases_without_an_arrest_between_them_are_one_whatever_the_distance() -> None:
    distant = [out(1, "foro", "2024-02-20", "2023-10-13"), out(2, "jep", "2026-01-12"), held(3, "pud", "2023-10-13")]
    assert records_of(distant) == [[1, 2, 3]]
    assert records_of([*distant, held(4, "pud", "2025-05-01")]) == [[1, 3], [2, 4]]


def test_detentions_are_cut_from_the_earliest_arrest_on() -> None:
    """One source knows of three detentions, another of a single long one: there are three."""
    short = [
        out(1, on="2024-03-01", since="2024-01-10"),
        out(2, on="2024-08-01", since="2024-05-01"),
        out(3, on="2025-02-01", since="2024-11-01"),
    ]
    assert records_of([*short, out(4, "jep", "2025-02-01", "2024-01-10")]) == [[1], [2], [3, 4]]


def test_a_coarse_date_divides_only_if_it_lies_wholly_on_its_side() -> None:
    assert records_of([out(1, on="2025-06", since="2024-10-13"), held(2, "jep", "2025-06-20")]) == [[1, 2]]
    assert records_of([out(1, on="2025-06", since="2024-10-13"), held(2, "jep", "2025-07")]) == [[1], [2]]


def test_an_arrest_on_the_day_of_the_release_divides() -> None:
    """The person was arrested again within hours."""
    assert records_of([out(1, on="2026-01-12", since="2024-10-13"), held(2, since="2026-01-12")]) == [[1], [2]]


@pytest.mark.parametrize("since", [None, "2026-01-12", "2026-01"])
def test_it_does_not_divide_if_the_released_person_may_have_been_arrested_that_day(since: str | None) -> None:
    assert records_of([out(1, on="2026-01-12", since=since), held(2, "jep", since="2026-01-12")]) == [[1, 2]]


def test_governments_reports_are_divided_among_themselves_where_no_organisation_reports() -> None:
    official = [out(1, "ministry", "2025-11-24", "2025-07-01"), held(2, "police", "2025-12-01")]
    assert records_of(official) == [[1], [2]]
    assert records_of([*official, out(3, "police", "2026-02-01")]) == [[1], [2, 3]]


def test_retracted_reports_divide_nothing() -> None:
    retracted = out(1, "foro", "2025-06-01", "2024-10-13", verification__verdict="retracted")
    assert records_of([retracted, held(2, "jep", "2024-10-13"), held(3, "pud", "2025-09-01")]) == [[1, 2, 3]]
    assert records_of([out(n, on="2026-01-12", verification__verdict="retracted") for n in (1, 2)]) == [[1, 2]]


def test_neither_the_order_nor_the_ids_of_reports_change_the_detentions() -> None:
    reports = [
        out(1, "foro", "2025-06-01", "2024-10-13"),
        out(2, "jep", "2025-06"),
        held(3, "pud", "2025-09-01"),
        out(4, "foro", "2026-01-12"),
        out(5, "pud", "2026-01-12", verification__verdict="retracted"),
        statement(6, "jep"),
    ]
    assert {str(records_of(order)) for order in permutations(reports)} == {"[[1, 2], [3, 4, 5, 6]]"}
    first = out(9, on="2025-06-01", since="2024-10-13", id="a" * 32)
    assert records_of([out(1, on="2026-01-12", since="2025-09-01", id="b" * 32), first]) == [[9], [1]]


def test_release_dates_that_do_not_overlap_go_to_review(world: World) -> None:
    release = world.file("foro")["release"]["id"]
    world.verify(release, "jep", verdict="verified", method="lawyer", released_on="2026-02-20")
    (waiting,) = world.get("/v1/review", "curator").json()["data"]
    assert (waiting["kind"], waiting["release"]["id"]) == ("disjoint_releases", release)
    assert waiting["release"]["released_on"] == "2026-02-20"


def test_release_dates_that_overlap_do_not() -> None:
    reports = [out(1, "foro", "2026-01-12", "2024-10-13"), out(2, "jep", "2026-01", "2024-10-13")]
    assert not row_of(reports, Detention)["disjoint_releases"]


def test_a_denied_release_and_another_end_are_not_disjoint_releases() -> None:
    denied = out(2, "jep", "2025-11-24", "2024-10-13", verification__verdict="refuted")
    died = statement(
        3, "pud", release__stage="ordered", detention__ended={"on": "2026-02-01", "how": "died"},
        detention__detained_on="2024-10-13",
    )  # fmt: skip
    assert not row_of([out(1, on="2026-01-12", since="2024-10-13"), denied, died], Detention)["disjoint_releases"]


def test_a_second_detention_is_a_rearrest() -> None:
    assert not row_of([TWO_DETENTIONS[0]], Detainee)["rearrested"]
    assert row_of(TWO_DETENTIONS, Detainee)["rearrested"]
    assert [row["ordinal"] for row in rows_of(TWO_DETENTIONS, Detention)] == [1, 2]
    assert len(rows_of(TWO_DETENTIONS, Release)) == 2


def test_an_arrest_after_an_escape_or_a_refuted_release_is_no_rearrest() -> None:
    escaped = held(1, since="2024-10-13", detention__ended={"on": "2025-06-01", "how": "escaped"})
    assert records_of([escaped, held(2, since="2025-09-01")]) == [[1, 2]]
    assert not row_of([escaped, held(2, since="2025-09-01")], Detainee)["rearrested"]
    reported = out(1, "foro", "2025-06-01", "2024-10-13", verification__method="press")
    refuted = out(3, "jep", "2025-06-01", "2024-10-13", verification__verdict="refuted")
    assert not row_of([reported, TWO_DETENTIONS[1], refuted], Detainee)["rearrested"]
