"""Dates as sheets print them: read where they can only mean one thing, refused where not."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import dates
from app.imports.cell_values import DateOrder, UnreadCellDate, list_possible_days, parse_sheet_date

DAY, MONTH = DateOrder.DAY_FIRST, DateOrder.MONTH_FIRST


@pytest.mark.parametrize(
    "said, order, meant",
    [
        ("12 de enero de 2026", None, "2026-01-12"),
        ("12 enero 2026", None, "2026-01-12"),
        ("12-ene-2026", None, "2026-01-12"),
        ("1º de febrero de 2026", None, "2026-02-01"),
        ("January 12, 2026", None, "2026-01-12"),
        ("June26, 2013", None, "2013-06-26"),
        ("12 Jan. 2026", None, "2026-01-12"),
        ("3rd of March 2020", None, "2020-03-03"),
        ("SETIEMBRE DE 2024", None, "2024-09"),
        ("Sept. 2024", None, "2024-09"),
        ("ene-2026", None, "2026-01"),
        ("2026", None, "2026"),
        ("2026-01", None, "2026-01"),
        ("2026-01-12", MONTH, "2026-01-12"),
        ("2026-01-12 00:00:00", None, "2026-01-12"),
        ("2026-01-12T18:30:00-04:00", None, "2026-01-12"),
        ("2026/1/12", None, "2026-01-12"),
        ("01/2026", None, "2026-01"),
        ("13/01/2026", None, "2026-01-13"),
        ("01/13/2026", None, "2026-01-13"),
        ("03/03/2026", None, "2026-03-03"),
        ("03/04/2026", DAY, "2026-04-03"),
        ("03/04/2026", MONTH, "2026-03-04"),
        ("3.4.2026", DAY, "2026-04-03"),
        ("2026-01-08/2026-01-09", None, "2026-01-08/2026-01-09"),
    ],
)  # fmt: skip
def test_a_date_that_means_one_day_is_read(said: str, order: DateOrder | None, meant: str) -> None:
    assert parse_sheet_date(said, order) == meant


@pytest.mark.parametrize(
    "said, order, code",
    [
        ("03/04/2026", None, "ambiguous_date"),
        ("03/04/26", DAY, "ambiguous_year"),
        ("13-ene-26", None, "ambiguous_year"),
        ("04/13/2026", DAY, "invalid_date"),
        ("31 de febrero de 2026", None, "invalid_date"),
        ("45302", None, "serial_date"),
        ("hacia 1980", None, "invalid_date"),
        ("c. 1980", None, "invalid_date"),
        ("life", None, "invalid_date"),
        ("12 de brumario de 2026", None, "invalid_date"),
        ("1/2-2026", DAY, "invalid_date"),
        ("2026-13", None, "invalid_date"),
        ("9" * 5_000, None, "invalid_date"),
    ],
)  # fmt: skip
def test_a_date_that_could_mean_two_days_or_none_is_refused_with_its_reason(
    said: str, order: DateOrder | None, code: str
) -> None:
    with pytest.raises(UnreadCellDate) as refused:
        parse_sheet_date(said, order)
    assert refused.value.code == code
    assert said not in str(refused.value)


@pytest.mark.parametrize(
    "said, told",
    [
        ("30 de febrero", "The calendar has no such day"),
        ("30 de febrero de 2026", "The calendar has no such day"),
        ("2026-02-30", "The calendar has no such day"),
        ("2026-13", "The calendar has no such day"),
        ("29 de febrero", "The year is missing"),
        ("31 de enero.", "The year is missing"),
        ("5 may", "The year is missing"),
    ],
)
def test_a_day_that_never_was_and_a_day_without_its_year_are_told_as_that(said: str, told: str) -> None:
    with pytest.raises(UnreadCellDate, match=told) as refused:
        parse_sheet_date(said, None)
    assert refused.value.code == "invalid_date"


@given(st.dates())
def test_every_day_is_read_back_in_every_declared_form(day) -> None:  # type: ignore[no-untyped-def]
    assert parse_sheet_date(f"{day.day}/{day.month}/{day.year:04}", DAY) == day.isoformat()
    assert parse_sheet_date(f"{day.month}/{day.day}/{day.year:04}", MONTH) == day.isoformat()
    assert parse_sheet_date(day.isoformat(), None) == day.isoformat()


@given(st.text(max_size=40), st.sampled_from([None, DAY, MONTH]))
def test_whatever_a_cell_holds_a_date_comes_out_or_a_reason(said: str, order: DateOrder | None) -> None:
    with suppress(UnreadCellDate):
        assert dates.parse_date(parse_sheet_date(said, order)).lo > 0


@pytest.mark.parametrize(
    "said, order, meant",
    [
        ("03/04/2026", None, {"2026-04-03", "2026-03-04"}),
        ("03/04/2026", DAY, {"2026-04-03"}),
        ("03/04/26", None, {"2026-04-03", "2026-03-04"}),
        ("12 de enero de 26", None, {"2026-01-12"}),
        ("20/03/26 18:00", None, {"2026-03-20"}),
        ("enero de 2026", None, set()),
        ("ene-26", None, set()),
        ("2026", None, set()),
        ("12/03/202", None, set()),
        ("31/02/26", None, set()),
        ("12 de enero", None, set()),
        ("pendiente", None, set()),
    ],
)
def test_a_cell_may_mean_a_day_in_every_order_and_of_this_century(
    said: str, order: DateOrder | None, meant: set[str]
) -> None:
    assert {str(day) for day in list_possible_days(said, order)} == meant
