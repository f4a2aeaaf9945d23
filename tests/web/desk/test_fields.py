"""Dates as officers write them at the desk: whatever can be read in one way is read, and nothing is guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import dates
from app.imports.faults import FAULTS
from app.web.desk.fields import UnreadDate, parse_written_date

RELEASED, BIRTH = "release.released_on", "detainee.birth_date"


@pytest.mark.parametrize(
    "text,day",
    [
        ("2026-01-12", "2026-01-12"),
        ("13/01/2026", "2026-01-13"),
        ("13-1-2026", "2026-01-13"),
        ("05/05/2026", "2026-05-05"),
        ("octubre 2024", "2024-10"),
        ("oct 2024", "2024-10"),
        ("enero de 2026", "2026-01"),
        ("2024", "2024"),
        ("el 8 de enero de 2026", "2026-01-08"),
        ("January 8, 2026", "2026-01-08"),
        ("2026-01-08/2026-01-09", "2026-01-08/2026-01-09"),
        ("entre 8 y 9 de enero de 2026", "2026-01-08/2026-01-09"),
        ("Entre el 8 y el 9 de enero de 2026", "2026-01-08/2026-01-09"),
        ("between 8 and 9 January 2026", "2026-01-08/2026-01-09"),
        ("entre 30 de enero y 2 de febrero de 2026", "2026-01-30/2026-02-02"),
        ("entre enero y marzo de 2026", "2026-01/2026-03"),
        ("entre 2024 y 2025", "2024/2025"),
        ("entre 13/01/2026 y 15/01/2026", "2026-01-13/2026-01-15"),
    ],
)
def test_what_can_be_read_in_one_way_is_read(text: str, day: str) -> None:
    assert parse_written_date(RELEASED, text) == day


@pytest.mark.parametrize("text", ["12/01/2026", "12-1-2026", "12.01.2026", "entre 12/01/2026 y 20/01/2026"])
def test_what_can_be_two_days_is_refused_with_both(text: str) -> None:
    with pytest.raises(UnreadDate) as refused:
        parse_written_date(RELEASED, text)
    assert refused.value.code == "ambiguous_date"
    assert refused.value.readings == ("2026-01-12", "2026-12-01")


@pytest.mark.parametrize(
    "text,code",
    [
        ("entre 8 y 9 de enero", "invalid_date"),
        ("8 de enero", "invalid_date"),
        ("31/02/2026", "invalid_date"),
        ("the day before yesterday", "invalid_date"),
        ("12/01/26", "ambiguous_year"),
        ("ene-26", "ambiguous_year"),
        ("entre 30 de diciembre y 2 de enero de 2026", "interval_turned"),
        ("entre 2026 y 2024", "interval_turned"),
        ("entre y", "invalid_date"),
        ("entre 2024 y 2025 y 2026", "invalid_date"),
        ("entre a y " * 1_000 + "b", "invalid_date"),
        ("=1", "formula"),
        ("\x00", "control_character"),
        ("x" * 40_000, "cell_too_long"),
    ],
)
def test_what_nobody_can_read_is_refused(text: str, code: str) -> None:
    with pytest.raises(UnreadDate) as refused:
        parse_written_date(RELEASED, text)
    assert (refused.value.code, refused.value.readings) == (code, ())


def test_a_birth_may_be_within_some_years() -> None:
    assert parse_written_date(BIRTH, "1936-1942") == "1936/1942"


def test_who_writes_that_nobody_knows_says_nothing() -> None:
    assert parse_written_date(RELEASED, "s/i") is None


@pytest.mark.parametrize(
    "name,text", [("detainee.age_on", "filed"), ("publish_not_before", "2026-03-20T10:00:00-04:00")]
)
def test_a_field_keeps_what_only_it_understands(name: str, text: str) -> None:
    assert parse_written_date(name, text) == text


@given(st.one_of(st.text(), st.from_regex(r"(entre|between) [0-9/ ]{1,12} (y|and) [a-z0-9/ ]{1,12}", fullmatch=True)))
def test_whatever_is_read_is_a_date(text: str) -> None:
    try:
        day = parse_written_date(RELEASED, text)
    except UnreadDate:
        return
    assert day is None or dates.parse_date(day).text == day


@given(st.dates())
def test_a_date_of_the_registry_is_read_as_it_is(day: object) -> None:
    for text in (str(day), str(day)[:7], str(day)[:4], f"{day}/{day}"):
        assert parse_written_date(RELEASED, text) == text


@pytest.mark.parametrize("text", ["por confirmar", "pendiente", "withheld", "s/i", "anonymous"])
def test_an_embargo_that_says_no_day_is_refused_or_the_report_would_be_public_at_once(text: str) -> None:
    with pytest.raises(UnreadDate):
        parse_written_date("publish_not_before", text)


@pytest.mark.parametrize("text", ["2026-03-20 18:00", "20/03/2026 18:00", "2026-03-20T18:00-04:00"])
def test_an_embargo_of_an_hour_that_cannot_be_read_is_refused_or_it_would_end_before(text: str) -> None:
    with pytest.raises(UnreadDate) as refused:
        parse_written_date("publish_not_before", text)
    assert refused.value.detail == FAULTS["embargo_hour"]


def test_an_embargo_of_a_day_may_be_written_as_any_date() -> None:
    assert parse_written_date("publish_not_before", "20 de marzo de 2026") == "2026-03-20"
