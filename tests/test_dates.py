"""Partial dates mean what their source knew; windows, instants and ages never say more than that."""

import contextlib
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app import dates
from app.dates import (
    DateError,
    PartialDate,
    is_future,
    parse_date,
    parse_instant,
    parse_zone,
)
from tests.buckets import bucket
from tests.model.windows import WindowPosition, find_window_position


def day(text: str) -> int:
    return date.fromisoformat(text).toordinal()


def _written(when: date, precision: int) -> str:
    return when.isoformat()[:precision]


nearly_dates = st.text(max_size=80) | st.text("0123456789-/T:Z+ .", max_size=40)
sides = st.builds(_written, st.dates(), st.sampled_from([4, 7, 10]))


@st.composite
def partial_dates(draw: st.DrawFn) -> PartialDate:
    left, right = draw(sides), draw(st.none() | sides)
    if right is None:
        return parse_date(left)
    assume(parse_date(left).lo <= parse_date(right).hi)
    return parse_date(f"{left}/{right}")


# --- reading ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, first, last, precision",
    [
        ("2026", "2026-01-01", "2026-12-31", "year"),
        ("2026-02", "2026-02-01", "2026-02-28", "month"),
        ("2024-02", "2024-02-01", "2024-02-29", "month"),
        ("2026-12", "2026-12-01", "2026-12-31", "month"),
        ("2026-01-12", "2026-01-12", "2026-01-12", "day"),
        ("2026-01-08/2026-01-09", "2026-01-08", "2026-01-09", "interval"),
        ("2026-01-12/2026-01-12", "2026-01-12", "2026-01-12", "interval"),
        ("2025-12/2026", "2025-12-01", "2026-12-31", "interval"),
        ("2026/2026-01-05", "2026-01-01", "2026-01-05", "interval"),
        ("0001", "0001-01-01", "0001-12-31", "year"),
        ("9999", "9999-01-01", "9999-12-31", "year"),
    ],
)
def test_a_partial_date_spans_every_day_it_may_mean(text: str, first: str, last: str, precision: str) -> None:
    when = parse_date(text)
    assert (when.text, str(when.first), str(when.last), when.precision) == (text, first, last, precision)


@pytest.mark.parametrize(
    "text, advice",
    [
        ("12/01/2026", "year first"),
        ("12-01-2026", "year first"),
        ("1.2.26", "year first"),
        ("2026/1/12", "every digit"),
        ("1/2", "every digit"),
        ("2026-1-2", "every digit"),
        ("2026-01-12T00:00:00Z", "every digit"),
        ("20260112", "every digit"),
        ("2026-01-12 ", "every digit"),
        ("2026-01-12\n", "every digit"),
        ("-2026", "every digit"),
        ("", "every digit"),
        ("٢٠٢٦", "every digit"),
        ("２０２６", "every digit"),
        ("2026-01~", "every digit"),
        ("2026/2027/2028", "every digit"),
        ("2026-02-29", "no such date"),
        ("2026-13", "no such date"),
        ("2026-00", "no such date"),
        ("2026-01-00", "no such date"),
        ("0000", "no such date"),
        ("2026-02/2026-01", "earlier date first"),
        ("2026-01-09/2026-01-08", "earlier date first"),
        ("2026/", "both sides"),
        ("../2026", "both sides"),
        ("2" * 65, "at most 64"),
    ],
)
def test_what_is_not_a_partial_date_is_refused_with_advice(text: str, advice: str) -> None:
    with pytest.raises(DateError, match=advice):
        parse_date(text)


@given(nearly_dates)
def test_any_text_is_either_its_own_canonical_form_or_refused_without_being_repeated(text: str) -> None:
    try:
        assert parse_date(text).text == text
        return
    except DateError as error:
        message = str(error)
    assert len(text) < 5 or text not in message


@given(partial_dates())
def test_reading_what_was_read_gives_the_same_date(when: PartialDate) -> None:
    assert parse_date(when.text) == when
    assert when.lo <= when.hi


@given(partial_dates(), partial_dates())
def test_within_contains_and_overlaps_agree_with_the_days_themselves(a: PartialDate, b: PartialDate) -> None:
    shared = max(0, min(a.hi, b.hi) - max(a.lo, b.lo) + 1)
    assert a.overlaps(b) == b.overlaps(a) == (shared > 0)
    assert a.is_within(b) == b.contains(a) == (shared == a.hi - a.lo + 1)
    assert a.is_within(a)


# --- windows ----------------------------------------------------------------------------------------------


def test_a_partial_from_opens_on_its_first_day_and_a_partial_to_closes_on_its_last() -> None:
    assert dates.parse_window_start("2026-01") == day("2026-01-01")
    assert dates.parse_window_end("2026-02") == day("2026-02-28")


@pytest.mark.parametrize(
    "text, place",
    [
        ("2026-01-08", WindowPosition.INSIDE),
        ("2026-01-14", WindowPosition.INSIDE),
        ("2026-01-08/2026-01-14", WindowPosition.INSIDE),
        ("2026-01-07", WindowPosition.OUTSIDE),
        ("2026-01-15", WindowPosition.OUTSIDE),
        ("2025", WindowPosition.OUTSIDE),
        ("2026-01", WindowPosition.UNCERTAIN),
        ("2026-01-07/2026-01-08", WindowPosition.UNCERTAIN),
        ("2026-01-14/2026-01-15", WindowPosition.UNCERTAIN),
        (None, WindowPosition.UNCERTAIN),
    ],
)
def test_only_a_date_wholly_inside_a_window_counts_and_a_straddling_one_is_uncertain(
    text: str | None, place: WindowPosition
) -> None:
    when = parse_date(text) if text else None
    assert find_window_position(when, day("2026-01-08"), day("2026-01-14")) is place


def test_a_window_without_edges_holds_everything_even_what_has_no_date() -> None:
    assert find_window_position(None, None, None) is WindowPosition.INSIDE
    assert find_window_position(parse_date("2026"), None, None) is WindowPosition.INSIDE


def test_with_one_edge_an_undated_event_is_uncertain() -> None:
    assert find_window_position(None, day("2026-01-08"), None) is WindowPosition.UNCERTAIN
    assert find_window_position(None, None, day("2026-01-08")) is WindowPosition.UNCERTAIN
    assert find_window_position(parse_date("2026-01-09"), day("2026-01-08"), None) is WindowPosition.INSIDE
    assert find_window_position(parse_date("2026-01-09"), None, day("2026-01-08")) is WindowPosition.OUTSIDE


def test_a_reversed_window_is_refused() -> None:
    with pytest.raises(DateError, match="ends before it begins"):
        find_window_position(None, 2, 1)


edges = st.none() | st.integers(1, date.max.toordinal())


@given(partial_dates(), edges, edges)
def test_where_a_date_lies_is_what_its_days_say_one_by_one(
    when: PartialDate, start: int | None, end: int | None
) -> None:
    assume(start is None or end is None or start <= end)
    ends_inside = [(start is None or start <= d) and (end is None or d <= end) for d in (when.lo, when.hi)]
    place = find_window_position(when, start, end)
    assert (place is WindowPosition.INSIDE) == all(ends_inside)
    if any(ends_inside):
        assert place is not WindowPosition.OUTSIDE


# --- now --------------------------------------------------------------------------------------------------


def test_the_future_begins_with_the_day_after_today_where_a_day_begins_first() -> None:
    now = datetime(2026, 1, 12, 9, 59, 59, tzinfo=UTC)
    assert dates.latest_today(now) == day("2026-01-12")
    assert is_future(parse_date("2026-01-13"), now)
    ten_o_clock = now + timedelta(seconds=1)
    assert dates.latest_today(ten_o_clock) == day("2026-01-13")
    assert not is_future(parse_date("2026-01-13"), ten_o_clock)
    assert is_future(parse_date("2026-01-14"), ten_o_clock)


def test_a_month_or_interval_that_has_begun_is_not_in_the_future() -> None:
    now = datetime(2026, 1, 12, tzinfo=UTC)
    assert not is_future(parse_date("2026"), now)
    assert not is_future(parse_date("2026-01-10/2026-03"), now)
    assert is_future(parse_date("2026-02"), now)


def test_today_is_never_asked_of_a_clock_without_a_zone() -> None:
    naive = datetime(2026, 1, 12)  # noqa: DTZ001
    for ask in (dates.latest_today, dates.format_instant):
        with pytest.raises(ValueError, match="zone"):
            ask(naive)


# --- zones and instants -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, minutes",
    [
        ("Z", 0),
        ("z", 0),
        ("UTC", 0),
        ("+00:00", 0),
        ("-00:00", 0),
        ("+05:30", 330),
        ("-04:00", -240),
        ("+14:00", 840),
        ("-14:00", -840),
    ],
)
def test_a_zone_is_an_offset_from_utc(text: str, minutes: int) -> None:
    assert parse_zone(text).utcoffset(None) == timedelta(minutes=minutes)


def test_a_plus_that_a_client_did_not_encode_arrives_as_a_space_and_is_read_as_a_plus() -> None:
    assert parse_zone(" 05:30") == parse_zone("+05:30")
    assert parse_instant("2026-01-14T19:00:00 05:30") == parse_instant("2026-01-14T19:00:00+05:30")


@pytest.mark.parametrize(
    "text", ["", "+14:01", "-23:59", "+05:60", "0530", "+5:30", "  05:30", "America/Nowhere", "../UTC", "EST"]
)
def test_anything_else_is_no_zone(text: str) -> None:
    with pytest.raises(DateError, match="zone"):
        parse_zone(text)


def test_a_zone_is_a_name_of_the_iana_database_too() -> None:
    caracas = parse_zone("America/Caracas")
    assert parse_instant("2026-01-13", caracas) == parse_instant("2026-01-13", parse_zone("-04:00"))
    assert parse_instant("2016-04-01", caracas) == parse_instant("2016-04-01", parse_zone("-04:30")), "as it was then"
    assert parse_zone("Etc/GMT 4") == parse_zone("Etc/GMT+4")


@pytest.mark.parametrize("text, name", [("America/Caracas",) * 2, ("-04:00",) * 2, ("z", "UTC"), ("+00:00", "UTC")])
def test_a_zone_is_named_as_it_can_be_asked_for_again(text: str, name: str) -> None:
    assert dates.format_zone(parse_zone(text)) == name
    assert parse_zone(name) == parse_zone(text)


def test_a_day_ends_at_the_later_midnight_where_clocks_are_set_back_over_it() -> None:
    """In Santiago 5 April 2025 had two hours from 23:00."""
    end = parse_instant("2025-04-05", parse_zone("America/Santiago"))
    assert dates.format_instant(end) == "2025-04-06T03:59:59.999999Z"


@pytest.mark.parametrize(
    "text, utc",
    [
        ("2026-01-14T19:00:00Z", "2026-01-14T19:00:00Z"),
        ("2026-01-14t19:00:00z", "2026-01-14T19:00:00Z"),
        ("2026-01-14 19:00:00Z", "2026-01-14T19:00:00Z"),
        ("2026-01-13T08:20:00-04:00", "2026-01-13T12:20:00Z"),
        ("2026-01-13T00:30:00+14:00", "2026-01-12T10:30:00Z"),
        ("2026-01-14T19:00:00.5Z", "2026-01-14T19:00:00.500000Z"),
        ("2026-01-14T19:00:00.123456789Z", "2026-01-14T19:00:00.123456Z"),
        ("2026-01-14", "2026-01-14T23:59:59.999999Z"),
    ],
)
def test_an_instant_is_read_with_its_zone_and_written_in_utc(text: str, utc: str) -> None:
    assert dates.format_instant(parse_instant(text)) == utc


def test_a_day_alone_means_its_end_in_the_given_zone() -> None:
    caracas = parse_zone("-04:00")
    assert parse_instant("2026-01-13", caracas) == datetime(2026, 1, 14, 3, 59, 59, 999999, tzinfo=UTC)


def test_the_given_zone_does_not_move_an_instant_that_has_its_own() -> None:
    assert parse_instant("2026-01-13T12:00:00Z", parse_zone("-04:00")) == datetime(2026, 1, 13, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text, advice",
    [
        ("2026-01-14T19:00:00", "with its zone"),
        ("2026-01-14T19:00Z", "with its zone"),
        ("2026-01", "whole day"),
        ("2026", "whole day"),
        ("2026-01-14/2026-01-15", "whole day"),
        ("yesterday", "with its zone"),
        ("", "with its zone"),
        ("2026-01-14T19:00:00." + "0" * 60 + "Z", "with its zone"),
        ("2026-01-14T24:00:00Z", "time of day"),
        ("2026-01-14T19:60:00Z", "time of day"),
        ("2026-01-14T23:59:60Z", "time of day"),
        ("2026-02-30T19:00:00Z", "no such date"),
        ("2026-02-30", "no such date"),
        ("2026-01-14T19:00:00+15:00", "zone"),
        ("0001-01-01T00:00:00+01:00", "0001 to 9999"),
        ("9999-12-31T23:59:59-01:00", "0001 to 9999"),
    ],
)
def test_what_is_not_an_instant_is_refused_with_advice(text: str, advice: str) -> None:
    with pytest.raises(DateError, match=advice):
        parse_instant(text)


@given(nearly_dates)
def test_no_text_makes_an_instant_fail_in_any_other_way(text: str) -> None:
    with contextlib.suppress(DateError):
        assert parse_instant(text).tzinfo is UTC


offsets = st.integers(-840, 840).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31)), offsets)  # noqa: DTZ001
def test_an_instant_survives_writing_and_reading_in_any_zone(moment: datetime, zone: timezone) -> None:
    instant = moment.replace(tzinfo=zone)
    assert parse_instant(dates.format_instant(instant)) == instant
    assert parse_instant(instant.isoformat()) == instant


# --- ages -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "birth, on, ages",
    [
        ("1953-06-15", "2026-01-12", (72, 72)),
        ("1953", "2026-01-12", (72, 73)),
        ("1953", "2026", (72, 73)),
        ("2008-01-12", "2026-01-12", (18, 18)),
        ("2008-01-13", "2026-01-12", (17, 17)),
        ("2008-02-29", "2026-02-28", (17, 17)),
        ("2008-02-29", "2026-03-01", (18, 18)),
        ("2030", "2026", (0, 0)),
    ],
)
def test_an_age_has_bounds_as_wide_as_the_dates_allow(birth: str, on: str, ages: tuple[int, int]) -> None:
    assert dates.compute_age_bounds(parse_date(birth), parse_date(on)) == ages


def test_seventy_two_in_january_2026_means_born_between_two_days() -> None:
    assert dates.compute_birth_bounds_from_age(72, parse_date("2026-01")) == (day("1953-01-02"), day("1954-01-31"))


@given(st.dates(min_value=date(200, 1, 1)), st.integers(0, 130))
def test_exactly_the_births_within_the_bounds_have_that_age(on: date, age: int) -> None:
    when = parse_date(on.isoformat())
    lo, hi = dates.compute_birth_bounds_from_age(age, when)
    for birth, expected in ((lo, age), (hi, age), (lo - 1, age + 1), (hi + 1, age - 1)):
        if birth <= on.toordinal():
            born = parse_date(date.fromordinal(birth).isoformat())
            assert dates.compute_age_bounds(born, when) == (expected, expected)


@pytest.mark.parametrize("age, on", [(-1, "2026"), (131, "2026"), (40, "0039")])
def test_an_impossible_age_is_refused(age: int, on: str) -> None:
    with pytest.raises(DateError, match=r"age|old"):
        dates.compute_birth_bounds_from_age(age, parse_date(on))


# --- buckets ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, day_bucket, week, month",
    [
        ("2026-01-12", "2026-01-12", "2026-W03", "2026-01"),
        ("2026-01-12/2026-01-12", "2026-01-12", "2026-W03", "2026-01"),
        ("2026-01-12/2026-01-18", None, "2026-W03", "2026-01"),
        ("2026-01-18/2026-01-19", None, None, "2026-01"),
        ("2025-12-31/2026-01-01", None, "2026-W01", None),
        ("2027-01-01", "2027-01-01", "2026-W53", "2027-01"),
        ("2026-01", None, None, "2026-01"),
        ("2026", None, None, None),
        ("2025-01/2026-01", None, None, None),
        (None, None, None, None),
    ],
)
def test_a_date_stands_in_a_bucket_only_if_the_bucket_holds_all_of_it(
    text: str | None, day_bucket: str | None, week: str | None, month: str | None
) -> None:
    when = parse_date(text) if text else None
    assert bucket(when, "day") == day_bucket
    assert bucket(when, "week") == week
    assert bucket(when, "month") == month


@given(partial_dates())
def test_every_day_of_a_date_stands_in_the_bucket_of_the_date(when: PartialDate) -> None:
    for unit in ("day", "week", "month"):
        whole = bucket(when, unit)
        ends = {bucket(parse_date(end.isoformat()), unit) for end in (when.first, when.last)}
        assert (whole is not None) == (len(ends) == 1)
        assert whole is None or {whole} == ends
