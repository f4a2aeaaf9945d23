"""From when to when somebody was held, as all sources say together and as each does."""

from dataclasses import replace
from typing import Any

import pytest

from app.dates import parse_date
from app.models import Detainee, DetentionState, Release, ReleaseAtStage, SourceDetention
from app.projection import Statement
from tests.registry.statements import JEP, SOURCES, held, out, row_of, rows_of, statement

SINCE = "2024-10-13"


def _place(row: dict[str, Any], day: str, ends: str) -> str:
    when = parse_date(day).lo
    begun = row["hi"] is not None and row["hi"] <= when
    if row[f"{ends}_hi"] < when or (not begun and row["lo"] is not None and row["lo"] > when):
        return "out"
    return "in" if begun and row[f"{ends}_lo"] >= when else "perhaps"


def on(said: list[Statement], *days: str, by: str | None = None, house_arrest: bool = False) -> list[str]:
    """Whether the person was `in` or `out` on each day, or `perhaps` in, as all say or as one source does."""
    row = row_of(said, DetentionState) if by is None else row_of(said, SourceDetention, source=SOURCES[by].key)
    return [_place(row, day, "free" if house_arrest else "out") for day in days]


def seen(record: int, source: str, day: str, **more: Any) -> Statement:
    return held(record, source, SINCE, detention__held_on=day, verification__verdict="verified",
                verification__method="family", **more)  # fmt: skip


def test_a_release_ends_being_held_after_its_day() -> None:
    said = [out(1, "foro", "2026-01-12", SINCE)]
    assert on(said, "2024-10-12", SINCE, "2026-01-12", "2026-01-13") == ["out", "in", "in", "out"]
    assert on(said, "2026-01-12", "2026-01-13", by="foro") == ["in", "out"]


ENDS_BY_THE_MINISTRY = {
    "release": out(2, "ministry", "2025-06-01", pointer=1),
    "escape": held(2, "ministry", pointer=1, detention__ended={"how": "escaped", "on": "2025-06-01"}),
    "death in custody": held(2, "ministry", pointer=1, detention__ended={"how": "died", "on": "2025-06-01"}),
    "death": held(2, "ministry", pointer=1, detainee__died_on="2025-06-01"),
    "house arrest": out(2, "ministry", "2025-06-01", pointer=1, release__kind="house_arrest"),
}


@pytest.mark.parametrize("end", ENDS_BY_THE_MINISTRY.values(), ids=ENDS_BY_THE_MINISTRY)
def test_an_end_that_only_a_ministry_states_does_not_count_against_a_later_sighting(end: Statement) -> None:
    said = [seen(1, "foro", "2026-01-10"), end]
    assert on(said, "2025-05-01", "2025-12-01", "2026-01-10", "2026-02-10") == ["in"] * 4
    assert row_of(said, Detainee)["state"] == "held"


@pytest.mark.parametrize("end", ENDS_BY_THE_MINISTRY.values(), ids=ENDS_BY_THE_MINISTRY)
def test_what_others_verified_is_ended_by_an_independent_verification_only(end: Statement) -> None:
    verified = held(1, "foro", SINCE, verification__verdict="verified")
    assert on([verified, end], "2025-12-01") == ["in"]
    assert row_of([verified, end], Detainee)["state"] == "held"
    assert on([held(1, "foro", SINCE), end], "2025-12-01") == ["out"], "foro only passed it on"
    own = [replace(end, record=3, source=JEP, pointer=1)]
    assert on([verified, *own], "2025-12-01") == ["out"]


UNDATED_BY_THE_MINISTRY = {
    "release": out(2, "ministry", pointer=1),
    "escape": held(2, "ministry", pointer=1, detention__ended={"how": "escaped"}),
}


@pytest.mark.parametrize("end", UNDATED_BY_THE_MINISTRY.values(), ids=UNDATED_BY_THE_MINISTRY)
def test_an_undated_end_that_only_a_ministry_states_is_told_beside(end: Statement) -> None:
    said = [held(1, "foro", SINCE), end]
    assert on(said, "2025-12-01") == on(said, "2025-12-01", by="foro") == ["in"]
    person = row_of(said, Detainee)
    assert (person["state"], person["rearrest_claimed"]) == ("held", True)
    assert row_of([held(1, "ministry", SINCE), end], Detainee)["state"] != "held", "of whom only it speaks, it decides"


def test_a_source_ends_what_it_verified_itself_by_any_method() -> None:
    verified = held(1, "foro", SINCE, verification__verdict="verified")
    heard = out(2, "foro", "2025-06-01", pointer=1, verification__method="press")
    assert on([verified, heard], "2025-12-01") == ["out"]
    others = held(3, "jep", SINCE, verification__verdict="verified")
    assert on([verified, others, heard], "2025-12-01") == ["in"]
    assert on([verified, others, heard], "2025-12-01", by="foro") == ["out"]


def test_a_verification_that_its_own_source_has_since_disputed_holds_back_no_end() -> None:
    heard = out(1, "jep", "2025-06-01", SINCE, verification__verdict="verified", verification__method="press")
    looked = held(2, "pud", SINCE, verification__verdict="verified")
    disputed = held(3, "pud", SINCE, verification__verdict="disputed", verification__method="official_statement")
    assert on([heard, looked], "2025-12-01") == ["in"]
    assert on([heard, looked, disputed], "2025-12-01") == ["out"]
    assert on([heard, disputed, replace(looked, revision=4)], "2025-12-01") == ["in"], "the last word is the newest"
    confirmed = out(4, "pud", "2026-01-12", verification__verdict="verified")
    assert on([heard, looked, disputed, confirmed], "2026-01-12") == ["in"], "who verified a release knew of it"


def test_nor_an_undated_one_does_a_report_that_its_own_source_repeats_from_others() -> None:
    end, own = out(1, "ministry", None, SINCE), held(2, "foro", SINCE)
    repeated = held(3, "foro", SINCE, verification__method="press")
    assert on([end, own], "2025-12-01") == ["in"]
    assert on([end, own, repeated], "2025-12-01") == ["perhaps"]


def test_a_sighting_of_who_has_since_refuted_the_detention_is_none() -> None:
    end, refuted = out(1, "ministry", "2025-06-01", SINCE), held(3, "foro", SINCE, verification__verdict="refuted")
    assert on([end, seen(2, "foro", "2026-01-10")], "2025-12-01") == ["in"]
    assert on([end, seen(2, "foro", "2026-01-10"), refuted], "2025-12-01") == ["out"]


def test_a_day_of_arrest_is_a_day_inside() -> None:
    said = [held(1, "foro", "2025-09-01"), held(2, "jep", "2025-05-01"), out(3, "ministry", "2025-06-01")]
    assert on(said, "2025-10-01") == ["in"]


def test_what_the_ministry_says_stands_in_its_own_count() -> None:
    said = [seen(1, "foro", "2026-01-10"), out(2, "ministry", "2025-06-01", pointer=1)]
    assert (on(said, "2025-12-01", by="ministry"), on(said, "2025-12-01", by="foro")) == (["out"], ["in"])


def test_an_end_nobody_knew_of_then_still_counts_after_the_sighting() -> None:
    said = [seen(1, "foro", "2026-01-10"), out(2, "ministry", "2025-06-01", pointer=1), out(3, "pud", "2026-02-01")]
    assert on(said, "2025-12-01", "2026-02-01", "2026-02-02") == ["in", "in", "out"]


def test_a_release_that_does_not_count_leaves_room_for_another_end() -> None:
    escape = held(3, "jep", pointer=1, detention__ended={"how": "escaped", "on": "2026-02-01"})
    said = [seen(1, "foro", "2026-01-10"), out(2, "ministry", "2025-06-01", pointer=1), escape]
    assert on(said, "2026-02-01", "2026-02-02") == ["in", "out"]


def test_where_independent_sources_contradict_each_other_nothing_is_sure() -> None:
    said = [out(1, "foro", "2026-01-05", SINCE), seen(2, "jep", "2026-01-10", pointer=1)]
    assert on(said, "2026-01-05", "2026-01-06", "2026-01-10", "2026-02-10") == ["in"] + ["perhaps"] * 3
    assert (on(said, "2026-01-10", by="foro"), on(said, "2026-01-10", by="jep")) == (["out"], ["in"])


def test_the_doubt_ends_on_a_day_that_agrees_with_the_sighting() -> None:
    said = [out(1, "foro", "2026-01-05", SINCE), seen(2, "jep", "2026-01-10", pointer=1), out(3, "jep", "2026-01-12")]
    assert on(said, "2026-01-10", "2026-01-12", "2026-01-13") == ["perhaps", "perhaps", "out"]


def test_the_doubt_ends_on_an_independent_day_that_nobody_verified() -> None:
    verified = out(1, "foro", "2026-01-05", SINCE, verification__verdict="verified")
    said = [verified, seen(2, "jep", "2026-01-10", pointer=1)]
    assert on(said, "2026-03-01") == ["perhaps"]
    assert on([*said, out(3, "pud", "2026-02-01")], "2026-01-05", "2026-02-01", "2026-02-02") == [
        "in", "perhaps", "out",
    ]  # fmt: skip
    assert on([*said, out(3, "ministry", "2026-02-01")], "2026-02-02") == ["perhaps"]
    assert on([*said, out(3, "pud", "2026-02-01", verification__method="press")], "2026-02-02") == ["perhaps"]


def test_a_day_that_settles_no_end_moves_no_beginning_of_it() -> None:
    """Foro verified that the person left in January, jep saw the person inside until the tenth."""
    verified = out(1, "foro", "2026-01", SINCE, verification__verdict="verified")
    said = [verified, seen(2, "jep", "2026-01-10", pointer=1), out(3, "pud", "2026-01-05")]
    assert on(said, "2026-01-09", "2026-01-20", "2026-02-01") == ["in", "perhaps", "out"]


def test_a_sighting_by_a_ministry_contradicts_no_independent_release() -> None:
    said = [out(1, "foro", "2026-01-05", SINCE), held(2, "ministry", pointer=1, detention__held_on="2026-01-10")]
    assert on(said, "2026-01-10") == ["out"]


def test_two_governments_contradict_each_other_as_equals() -> None:
    said = [out(1, "ministry", "2026-01-05", SINCE), held(2, "police", pointer=1, detention__held_on="2026-01-10")]
    assert on(said, "2026-01-05", "2026-01-10") == ["in", "perhaps"]


@pytest.mark.parametrize("released", ["2026-01", None])
@pytest.mark.parametrize("by", [None, "foro"])
def test_a_known_day_inside_makes_the_days_before_it_sure(released: str | None, by: str | None) -> None:
    said = [out(1, "foro", released, SINCE, detention__held_on="2026-01-11")]
    assert on(said, "2026-01-07", "2026-01-11", "2026-01-12", by=by) == ["in", "in", "perhaps"]


def test_a_source_takes_no_day_inside_from_the_others() -> None:
    said = [out(1, "foro", "2026-01", SINCE), seen(2, "jep", "2026-01-11", pointer=1)]
    assert on(said, "2025-12-31", "2026-01-07", "2026-01-12", by="foro") == ["in", "perhaps", "perhaps"]


def test_a_source_that_gives_no_day_of_arrest_is_unsure_before_the_release() -> None:
    said = [held(1, "jep", SINCE), out(2, "foro", "2026-01-12", pointer=1)]
    assert on(said, "2026-01-07", "2026-01-13", by="foro") == ["perhaps", "out"]
    assert on(said, "2026-01-07") == ["in"]


def test_a_source_takes_no_day_from_others_beside_its_own_sighting() -> None:
    said = [out(1, "foro", None, SINCE, detention__held_on="2026-01-10"), out(2, "ministry", "2025-06-01", pointer=1)]
    for by in (None, "foro"):
        assert on(said, "2025-12-01", "2026-01-10", "2026-01-11", by=by) == ["in", "in", "perhaps"]


def test_a_source_takes_no_kept_day_beside_its_own_sighting() -> None:
    """A ministry's own sighting is no independent one, and its own word all the same."""
    pointing = out(1, "ministry", "2026-01-10", detention__held_on=None)
    pointing = replace(pointing, content={**pointing.content, "kept.held_on": "2025-01-15"})
    seen_itself = held(2, "ministry", "2025", detention__held_on="2025-07-01")
    assert on([pointing, seen_itself], "2025-03-01", "2025-07-01", by="ministry") == ["perhaps", "in"]
    assert on([pointing], "2025-03-01", by="ministry") == ["in"]


@pytest.mark.parametrize("verdict, heard", [("verified", "2025-03-02"), ("disputed", "2026-01-02")])
def test_a_kept_day_inside_after_ones_own_release_breaks_no_silence(verdict: str, heard: str) -> None:
    said = out(1, "foro", "2025-03-02", SINCE, verification__verdict=verdict)
    said = replace(said, content={**said.content, "kept.held_on": "2026-01-02"})
    assert row_of([said], DetentionState)["heard_hi"] == parse_date(heard).hi


def test_a_source_borrows_no_day_of_release_but_that_which_stood_where_it_pointed() -> None:
    own = out(1, "foro", None, SINCE, detention__held_on="2026-01-10")
    said = [own, out(2, "jep", "2026-01-12", pointer=1)]
    assert on(said, "2026-01-08", "2026-01-10", "2026-01-13", by="foro") == ["in", "in", "perhaps"]
    kept = replace(own, content={**own.content, "kept.released_on": "2026-01-12"})
    assert on([kept, said[1]], "2026-01-12", "2026-01-13", by="foro") == ["in", "out"]


def test_whoever_left_on_no_known_day_and_then_died_is_not_surely_held_until_the_death() -> None:
    said = [out(1, "foro", None, SINCE, detainee__died_on="2026-02-20", verification__verdict="verified")]
    for by in (None, "foro"):
        assert on(said, "2026-02-10", "2026-02-20", "2026-02-21", by=by) == ["perhaps", "perhaps", "out"]


@pytest.mark.parametrize("ended_on, died_on", [(None, "2026-02-20"), ("2026-02", "2026-02-20"), ("2026-02-20", "2026")])
def test_the_end_by_death_and_the_day_of_death_are_one(ended_on: str | None, died_on: str) -> None:
    ended = {"how": "died", "on": ended_on} if ended_on else {"how": "died"}
    said = [held(1, "foro", SINCE, detention__ended=ended, detainee__died_on=died_on)]
    for by in (None, "foro"):
        assert on(said, "2026-02-19", "2026-02-20", "2026-02-21", by=by) == ["in", "in", "out"]


def test_whoever_escaped_on_no_known_day_may_have_been_out_before_dying() -> None:
    said = [held(1, "foro", SINCE, detention__ended={"how": "escaped"}, detainee__died_on="2026-02-20")]
    assert on(said, "2026-02-10", "2026-02-21") == ["perhaps", "out"]


def test_house_arrest_ends_being_in_prison_and_not_being_held() -> None:
    said = [out(1, "foro", "2026-01-05", SINCE, release__kind="house_arrest")]
    for by in (None, "foro"):
        assert on(said, "2026-01-10", by=by) + on(said, "2026-01-10", by=by, house_arrest=True) == ["out", "in"]


@pytest.mark.parametrize("source", ["foro", "jep"])
def test_whoever_was_held_after_a_release_to_house_arrest_may_have_been_held_at_home(source: str) -> None:
    said = [out(1, "foro", "2026-01-05", SINCE, release__kind="house_arrest"), seen(2, source, "2026-01-10", pointer=1)]
    assert on(said, "2026-01-10") == ["out"]
    assert on(said, "2026-01-10", by="foro") == ["out"]
    vague = [out(1, "foro", "2026-01", SINCE, release__kind="house_arrest", detention__held_on="2026-01-11")]
    assert on(vague, "2026-01-07") == ["perhaps"], "the day inside may have been one at home"


def test_who_denies_a_release_with_a_later_day_inside_holds_against_a_ministry() -> None:
    denial = statement(2, "foro", pointer=1, release__stage="carried_out", detention__held_on="2026-01-28",
                     verification__verdict="disputed")  # fmt: skip
    assert on([out(1, "ministry", "2026-01-24", SINCE), denial], "2026-02-10") == ["in"]


def test_a_later_sighting_leaves_the_release_and_what_was_said_of_it_where_they_were() -> None:
    said = [seen(1, "foro", "2026-01-10"), out(2, "ministry", "2025-06-01", pointer=1)]
    (release,) = rows_of(said, Release)
    assert (release["stage"], release["status"]) == ("carried_out", "reported")
    assert row_of(said, ReleaseAtStage, stage="carried_out")["lo"] == parse_date("2025-06-01").lo


def test_a_source_tells_the_day_of_death_that_it_told_last() -> None:
    died = (held(1, "foro", SINCE, detainee__died_on="2025-02-01"), held(2, "foro", SINCE, detainee__died_on="2025-03"))
    assert row_of(died, SourceDetention)["out_hi"] == parse_date("2025-03").hi
    again = replace(died[0], revision=3)
    assert row_of([again, died[1]], SourceDetention)["out_hi"] == parse_date("2025-02-01").hi


def test_whoever_may_only_be_counted_is_withheld_in_the_rows_of_custody() -> None:
    said = [held(1, "foro", SINCE)]
    assert [row["withheld"] for row in rows_of(said, DetentionState, "counted")] == [True]
    assert [row["withheld"] for row in rows_of(said, DetentionState, "anonymous")] == [False]


def test_a_death_that_only_a_ministry_reports_of_somebody_released_ends_no_custody() -> None:
    said = [out(1, "foro", "2026-01-12", SINCE), held(2, "ministry", SINCE, detainee__died_on="2025-06-01")]
    assert row_of(said, Detainee)["state"] == "released"
    assert on(said, "2025-06-02", "2026-01-12", "2026-01-13") == ["in", "in", "out"]
    alone = [held(1, "foro", SINCE), said[1]]
    assert row_of(alone, Detainee)["state"] == "died"
    assert on(alone, "2025-06-01", "2025-06-02") == ["in", "out"]
