"""Dates as sheets print them: read where they can only mean one thing, refused where not."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import dates
from app.imports.reader.sheet_dates import (
    DateContext,
    DateOrder,
    UnreadCellDate,
    find_proven_orders,
    list_possible_days,
    parse_sheet_date,
)

DAY, MONTH = DateOrder.DAY_FIRST, DateOrder.MONTH_FIRST
UNTIL = date(2026, 1, 20)
LIST = DateContext(DAY, UNTIL)


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
        ("45667", None, "2025-01-10"),
        ("45667.0", None, "2025-01-10"),
        ("45667.75", None, "2025-01-10"),
        ("1er janvier 2026", None, "2026-01-01"),
        ("1.º de janeiro de 2026", None, "2026-01-01"),
        ("15 de março de 2025", None, "2025-03-15"),
        ("14 févr. 2025", None, "2025-02-14"),
        ("3 août 2025", None, "2025-08-03"),
        ("ENERO 15, 2026", None, "2026-01-15"),
        ("ene. 2026", None, "2026-01"),
        ("sept./2025", None, "2025-09"),
        ("jueves, 15 de enero de 2026", None, "2026-01-15"),
        ("el 14/01/2026", None, "2026-01-14"),
        ("12 octubre 2025", None, "2025-10-12"),
        ("18 01 2026", None, "2026-01-18"),
        ("18 / 01 / 2026", None, "2026-01-18"),
        ("2026 ene 14", None, "2026-01-14"),
    ],
)  # fmt: skip
def test_a_date_that_means_one_day_is_read(said: str, order: DateOrder | None, meant: str) -> None:
    assert parse_sheet_date(said, DateContext(order)) == meant


@pytest.mark.parametrize(
    "said, order, code",
    [
        ("03/04/2026", None, "ambiguous_date"),
        ("03/04/26", DAY, "ambiguous_year"),
        ("13-ene-26", None, "ambiguous_year"),
        ("04/13/2026", DAY, "invalid_date"),
        ("31 de febrero de 2026", None, "invalid_date"),
        ("19812", None, "serial_date"),
        ("12/1", DAY, "invalid_date"),
        ("hacia 1980", None, "invalid_date"),
        ("c. 1980", None, "invalid_date"),
        ("life", None, "invalid_date"),
        ("15 de marc de 2025", None, "invalid_date"),
        ("mediados de marzo 2025", None, "invalid_date"),
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
        parse_sheet_date(said, DateContext(order))
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
        parse_sheet_date(said, DateContext())
    assert refused.value.code == "invalid_date"


@given(st.dates())
def test_every_day_is_read_back_in_every_declared_form(day) -> None:  # type: ignore[no-untyped-def]
    assert parse_sheet_date(f"{day.day}/{day.month}/{day.year:04}", DateContext(DAY)) == day.isoformat()
    assert parse_sheet_date(f"{day.month}/{day.day}/{day.year:04}", DateContext(MONTH)) == day.isoformat()
    assert parse_sheet_date(day.isoformat(), DateContext()) == day.isoformat()


@given(st.text(max_size=40), st.sampled_from([None, DAY, MONTH]))
def test_whatever_a_cell_holds_a_date_comes_out_or_a_reason(said: str, order: DateOrder | None) -> None:
    with suppress(UnreadCellDate):
        assert dates.parse_date(parse_sheet_date(said, DateContext(order))).lo > 0


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


@pytest.mark.parametrize(
    "said, meant",
    [
        ("17-ene-26", "2026-01-17"),
        ("2-dic-24", "2024-12-02"),
        ("03/04/25", "2025-04-03"),
        ("ene-26", "2026-01"),
        ("marzo de 15", "2015-03"),
        ("ene '25", "2025-01"),
        ("5-feb-26", "2026-02-05"),
        ("12/1", "2026-01-12"),
        ("21/1", "2025-01-21"),
        ("el 14/1", "2026-01-14"),
        ("14 ene", "2026-01-14"),
        ("17-ene", "2026-01-17"),
        ("January 15th", "2026-01-15"),
        ("enero 5", "2026-01-05"),
        ("29 de febrero", "2024-02-29"),
        ("enero", "2026-01"),
        ("noviembre", "2025-11"),
        ("mediados de marzo 2025", "2025-03"),
        ("a mediados de marzo de 2025", "2025-03"),
        ("mediados de marzo", "2025-03"),
        ("aprox. marzo 2025", "2025-03"),
        ("marzo 2025 (aprox.)", "2025-03"),
        ("fines de 2024", "2024"),
        ("mid-2024", "2024"),
        ("início de 2025", "2025"),
        ("début mars 2025", "2025-03"),
        ("c. 2024", "2024"),
        ("ca. 2024", "2024"),
        ("~2024", "2024"),
    ],
)  # fmt: skip
def test_the_day_of_a_list_completes_what_its_author_left_out(said: str, meant: str) -> None:
    assert parse_sheet_date(said, LIST) == meant


@pytest.mark.parametrize(
    "said, code",
    [
        ("35", "invalid_date"),
        ("12/01/35", "ambiguous_year"),
        ("ene 15", "ambiguous_year"),
        ("ene-17", "ambiguous_year"),
        ("mar", "invalid_date"),
        ("aprox. 12 de marzo de 2025", "invalid_date"),
        ("31/2", "invalid_date"),
        ("1/26", "invalid_date"),
        ("dic de 25 o 26", "invalid_date"),
    ],
)  # fmt: skip
def test_what_stays_open_is_refused_even_in_a_list_with_its_day(said: str, code: str) -> None:
    with pytest.raises(UnreadCellDate) as refused:
        parse_sheet_date(said, LIST)
    assert refused.value.code == code


@pytest.mark.parametrize("said", ["3/4", "1/26", "03/04/25"])
def test_a_day_without_its_order_is_as_open_in_a_list_with_its_day(said: str) -> None:
    with pytest.raises(UnreadCellDate) as refused:
        parse_sheet_date(said, DateContext(None, UNTIL))
    assert refused.value.code == "ambiguous_date"


@pytest.mark.parametrize(
    "said, meant",
    [("15-feb-56", "1956-02-15"), ("02/09/61", "1961-09-02"), ("01/01/16", "2016-01-01"), ("mar-75", "1975-03")],
)
def test_a_birth_of_two_digits_is_of_somebody_between_ten_and_a_hundred(said: str, meant: str) -> None:
    assert parse_sheet_date(said, LIST, is_birth=True) == meant


@pytest.mark.parametrize("said, code", [("12/03/20", "ambiguous_year"), ("21/01/16", "ambiguous_year"),
                                        ("14/1", "invalid_date"), ("14 de enero", "invalid_date")])  # fmt: skip
def test_a_small_child_is_not_made_a_hundred_years_old(said: str, code: str) -> None:
    with pytest.raises(UnreadCellDate) as refused:
        parse_sheet_date(said, LIST, is_birth=True)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "column, orders",
    [
        (["03/04/2025", "14/01/2026", "enero 2026"], {DAY}),
        (["03/04/2025", "01/14/2026"], {MONTH}),
        (["14/1", "3/4"], {DAY}),
        (["03/04/2025", "05/06/2025"], set()),
        (["14/01/2026", "01/14/2026"], {DAY, MONTH}),
        (["1/26", "2026-01-14", ""], set()),
        ([], set()),
    ],
)
def test_a_column_proves_its_order_by_a_day_past_the_twelfth(column: list[str], orders: set[DateOrder]) -> None:
    assert find_proven_orders(column) == orders


SPANISH = ("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre").split()  # noqa: SIM905
PORTUGUESE = ("janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro").split()  # noqa: SIM905
FRENCH = ("janvier février mars avril mai juin juillet août septembre octobre novembre décembre").split()  # noqa: SIM905
STYLES: dict[str, Callable[[date], str]] = {
    "day, month and year": lambda day: f"{day.day}/{day.month}/{day.year}",
    "points": lambda day: f"{day:%d.%m.%Y}",
    "two digits": lambda day: f"{day:%d-%m-%y}",
    "short month": lambda day: f"{day.day}-{SPANISH[day.month - 1][:3]}-{day:%y}",
    "Spanish": lambda day: f"{day.day} de {SPANISH[day.month - 1]} de {day.year}",
    "capitals": lambda day: f"{SPANISH[day.month - 1].upper()} {day.day}, {day.year}",
    "English": lambda day: f"{day:%B} {day.day}, {day.year}",
    "Portuguese": lambda day: f"{day.day} de {PORTUGUESE[day.month - 1]} de {day.year}",
    "French": lambda day: f"le {day.day} {FRENCH[day.month - 1]} {day.year}",
    "ISO": lambda day: day.isoformat(),
    "serial": lambda day: str((day - date(1899, 12, 30)).days),
}


@given(
    st.dates(date(1985, 1, 1), date(2035, 12, 31)), st.integers(0, 36_500 // 2), st.sampled_from(sorted(STYLES)),
)  # fmt: skip
def test_a_day_in_any_style_reads_back_as_itself(until: date, days: int, style: str) -> None:
    day = until - timedelta(days=days)
    written = STYLES[style](day)
    context = DateContext(DAY, until)
    if style == "serial" and (day.year < 1928 or written.startswith(("19", "20"))):
        return
    assert parse_sheet_date(written, context) == day.isoformat()


@given(st.dates(date(1985, 1, 1), date(2035, 12, 31)), st.integers(0, 364))
def test_a_day_without_its_year_is_the_latest_such_day(until: date, days: int) -> None:
    day = until - timedelta(days=days)
    for written in (f"{day.day}/{day.month}", f"{day.day}-{SPANISH[day.month - 1][:3]}", f"{day:%d %b}"):
        assert parse_sheet_date(written, DateContext(DAY, until)) == day.isoformat()


@given(st.text(max_size=40), st.booleans())
def test_whatever_a_cell_of_a_list_holds_a_date_comes_out_or_a_reason(said: str, is_birth: bool) -> None:
    with suppress(UnreadCellDate):
        assert dates.parse_date(parse_sheet_date(said, LIST, is_birth=is_birth)).lo > 0
