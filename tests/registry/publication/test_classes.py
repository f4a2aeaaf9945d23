"""Which class of publication a person has.

Who may have been a child, by all reports of a person together."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.models import CURRENT_CLASSES, NAMED_BY_REPORTS, Detainee
from app.projection import Statement, project
from app.registry.publication.classes import (
    Hiding,
    add_minor_class,
    compute_current_class,
    compute_person_class,
    find_provisional_hidings,
    find_strictest_class,
    may_be_minor,
    remove_birth,
    split_by_independence,
)
from tests.registry.statements import statement

CLASSES = ("named", "anonymous", "counted")
Asked = str | None


@pytest.mark.parametrize("publish", CLASSES)
def test_a_person_is_shown_as_the_only_report_asks(publish: str) -> None:
    assert compute_person_class([statement(1, detainee__publish=publish)], []) == publish


def test_unknown_means_anonymous() -> None:
    assert compute_person_class([statement(1)], []) == "anonymous"


def test_a_report_that_does_not_say_closes_a_name_that_another_gives() -> None:
    assert compute_person_class([statement(1, detainee__publish="named"), statement(2)], []) == "anonymous"


def test_a_report_that_only_points_at_somebody_asks_for_nothing_by_saying_nothing() -> None:
    pointing = replace(statement(2, "jep"), is_filed_by_pointer=True)
    assert compute_person_class([statement(1, detainee__publish="named"), pointing], []) == "named"
    asking = replace(statement(2, "jep", detainee__publish="counted"), is_filed_by_pointer=True)
    assert compute_person_class([statement(1, detainee__publish="named"), asking], []) == "counted"
    assert compute_person_class([pointing], []) == "anonymous"


def test_a_state_does_not_hide_whom_others_name() -> None:
    named = statement(1, "foro", detainee__publish="named")
    assert compute_person_class([named, statement(2, "ministry", detainee__publish="counted")], []) == "named"
    assert compute_person_class([statement(2, "ministry", detainee__publish="counted")], []) == "counted"


def test_when_sources_differ_the_most_restrictive_holds() -> None:
    for asked in permutations(CLASSES):
        said = [statement(number, detainee__publish=publish) for number, publish in enumerate(asked, 1)]
        assert compute_person_class(said, []) == "counted"
        assert (
            compute_person_class([one for one in said if one.content["detainee.publish"] != "counted"], [])
            == "anonymous"
        )


def test_a_consent_answers_for_all_that_was_said_before_it() -> None:
    said = [statement(1, detainee__publish="counted"), statement(2, detainee__publish="anonymous")]
    assert compute_person_class(said, [(5, 1, "named")]) == "named"


def test_the_latest_consent_holds() -> None:
    assert compute_person_class([statement(1)], [(5, 1, "named"), (9, 1, "counted"), (7, 1, "anonymous")]) == "counted"


def test_a_source_that_asks_later_can_only_close_it_further() -> None:
    consent = [(5, 1, "anonymous")]
    assert compute_person_class([statement(1, revision=6, detainee__publish="counted")], consent) == "counted"
    assert compute_person_class([statement(1, revision=6, detainee__publish="named")], consent) == "anonymous"


def test_a_consent_answers_a_wish_over_later_versions_of_the_report_and_no_new_wish() -> None:
    consent = [(5, 1, "named")]
    again = replace(statement(1, revision=6, detainee__publish="counted"), wish_revision=1)
    assert (compute_person_class([again], consent), find_provisional_hidings([again], consent)) == ("named", [])
    new = replace(again, wish_revision=6)
    assert compute_person_class([new], consent) == "counted"
    assert find_provisional_hidings([new], consent) == [Hiding(1, 1, "counted", "consent", stopped=False)]


def test_a_name_closed_again_after_a_consent_waits_too() -> None:
    said = [statement(1), statement(2, "jep", revision=6, detainee__publish="anonymous")]
    assert compute_person_class(said, [(5, 1, "named")]) == "anonymous"
    assert find_provisional_hidings(said, [(5, 1, "named")]) == [Hiding(2, 2, "anonymous", "consent", stopped=False)]


FAMILY: dict[str, Any] = {"verification__method": "family"}
SHOWN = [statement(1, "foro", detainee__publish="named", **FAMILY), statement(2, "jep", **FAMILY)]
HIDING = statement(3, "pud", detainee__publish="counted")


def test_who_hides_somebody_against_two_other_independent_sources_does_so_provisionally() -> None:
    assert compute_person_class([*SHOWN, HIDING], []) == "counted"
    assert find_provisional_hidings([*SHOWN, HIDING], []) == [Hiding(3, 3, "counted", "reports", stopped=False)]


@pytest.mark.parametrize(
    "second",
    [
        statement(2, "foro", **FAMILY),
        statement(2, "ministry", **FAMILY),
        statement(2, "jep", detainee__publish="counted", **FAMILY),
        statement(2, "jep", verification__citing=["foro"], **FAMILY),
        statement(2, "jep", verification__method="press"),
        statement(2, "jep"),
        statement(2, "jep", verification__verdict="retracted", **FAMILY),
        replace(statement(2, "jep", **FAMILY), is_filed_by_pointer=True),
    ],
    ids=["the same source", "a state", "hides too", "citing", "press", "no method", "retracted", "asks for nothing"],
)
def test_one_other_source_alone_stands_against_no_wish(second: Statement) -> None:
    """The report is only counted as one that hides somebody who was listed."""
    hidings = find_provisional_hidings([SHOWN[0], second, HIDING], [])
    assert {hiding.against for hiding in hidings} == {"listing"}


def test_who_was_never_listed_is_hidden_against_nothing() -> None:
    assert find_provisional_hidings([replace(HIDING, wish_revision=HIDING.record)], []) == []
    again = [replace(HIDING, wish_revision=3), replace(HIDING, record=4, wish_revision=4)]
    assert find_provisional_hidings(again, []) == []
    assert [one.against for one in find_provisional_hidings([replace(HIDING, wish_revision=9)], [])] == ["listing"]


def test_a_suspended_wish_takes_away_the_name_alone_and_its_birth_hides_nobody() -> None:
    stopped = replace(HIDING, is_wish_suspended=True)
    assert compute_person_class([*SHOWN, stopped], []) == "anonymous"
    assert find_provisional_hidings([*SHOWN, stopped], []) == [Hiding(3, 3, "counted", "reports", stopped=True)]
    assert compute_person_class([SHOWN[0], stopped], []) == "anonymous"
    assert compute_person_class([stopped], []) == "anonymous"
    assert compute_person_class([stopped], [(2, 3, "named")]) == "anonymous"
    assert compute_person_class([stopped], [(5, 3, "counted")]) == "counted", "a curator agreed"


def test_a_birth_of_one_source_that_makes_a_child_beside_others_days_waits_too() -> None:
    held = [statement(n, who, detention__detained_on="2025-07-01", **FAMILY) for n, who in ((1, "foro"), (2, "jep"))]
    born = statement(3, "pud", detainee__birth_date="2010")
    assert may_be_minor([one.content for one in (*held, born)])
    assert find_provisional_hidings([*held, born], []) == [Hiding(3, 3, "counted", "reports", stopped=False)]
    two = replace(held[0], content={**held[0].content, "detainee.birth_date": "2010"})
    assert find_provisional_hidings([two, held[1], born], []) == [], "nobody's word alone"


def test_a_birth_that_only_a_state_gives_waits_beside_one_other_source() -> None:
    held = statement(1, "foro", detainee__publish="named", detention__detained_on="2025-07-01", **FAMILY)
    born = statement(2, "ministry", detainee__birth_date="2010", detention__detained_on="2025-07-01")
    assert find_provisional_hidings([held, born], []) == [Hiding(2, 4, "counted", "reports", stopped=False)]
    assert find_provisional_hidings([born], []) == [], "nobody shows them"
    grown = replace(held, content={**held.content, "detainee.birth_date": "1971"})
    assert find_provisional_hidings([grown, born], []) == [], "it hides nobody whose birth an independent source gives"


def test_of_somebody_erased_nothing_waits_and_the_class_before_the_erasure_stays() -> None:
    assert find_provisional_hidings([*SHOWN, replace(HIDING, is_erased=True)], []) == []
    said = [*SHOWN, replace(HIDING, is_wish_suspended=True)]
    assert (
        compute_person_class([replace(one, is_erased=True) for one in said], [])
        == compute_person_class(said, [])
        == "anonymous"
    )


def test_a_source_that_says_nothing_later_changes_nothing() -> None:
    assert compute_person_class([statement(1), statement(2, revision=6)], [(5, 1, "named")]) == "named"


def test_when_people_with_several_consents_turn_out_to_be_one_the_strictest_of_the_latest_holds() -> None:
    said = [statement(1), statement(2)]
    assert compute_person_class(said, [(5, 1, "named"), (7, 2, "anonymous")]) == "anonymous"
    assert compute_person_class(said, [(5, 1, "anonymous"), (7, 2, "named")]) == "anonymous"
    assert compute_person_class(said, [(5, 1, "counted"), (7, 2, "anonymous"), (8, 1, "named")]) == "anonymous"


def test_whoever_was_erased_is_only_counted() -> None:
    said = [statement(1, detainee__publish="named", redacted=True), statement(2, detainee__publish="named")]
    consents = [(5, 1, "named")]
    in_the_log = compute_person_class(said, consents)
    assert in_the_log == "named", "so that no day that counted before becomes its month"
    assert compute_current_class(in_the_log, said, consents) == "counted"
    assert [row["publish"] for row in project(said, in_the_log)[Detainee]] == ["counted"]


def test_todays_class_tells_a_consented_name_from_one_that_only_reports_ask_for() -> None:
    said, consents = [statement(1, detainee__publish="named")], [(5, 1, "named")]
    assert compute_current_class("named", said, []) == NAMED_BY_REPORTS
    assert compute_current_class("named", said, consents) == "named"
    for publish in ("anonymous", "counted"):
        assert compute_current_class(publish, said, []) == compute_current_class(publish, said, consents) == publish


def test_today_an_objection_or_what_may_be_a_childs_birth_hides_and_a_consent_answers_the_birth_alone() -> None:
    child = [statement(1, "foro", detainee__birth_date="2010"), statement(2, "jep", detention__detained_on="2025-07")]
    consents = [(5, 1, "named")]
    assert compute_current_class("named", child, []) == "counted"
    assert compute_current_class("named", child, consents) == "named"


reports = st.lists(st.tuples(st.sampled_from([None, *CLASSES]), st.integers(1, 12)), min_size=1, max_size=5)
consents = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 3), st.sampled_from(CLASSES)), max_size=4)


@given(reports, consents, st.sampled_from(CLASSES))
def test_one_more_report_never_opens(
    said: list[tuple[Asked, int]], given_: list[tuple[int, int, str]], more: str
) -> None:
    statements = [statement(n, revision=rev, detainee__publish=publish) for n, (publish, rev) in enumerate(said, 1)]
    before = compute_person_class(statements, given_)
    after = compute_person_class([*statements, statement(99, detainee__publish=more)], given_)
    assert CURRENT_CLASSES.index(after) >= CURRENT_CLASSES.index(before)


@given(reports, consents, st.randoms(use_true_random=False))
def test_no_order_changes_the_class(
    said: list[tuple[Asked, int]], given_: list[tuple[int, int, str]], random: object
) -> None:
    statements = [statement(n, revision=rev, detainee__publish=publish) for n, (publish, rev) in enumerate(said, 1)]
    distinct = list({revision: (revision, record, asked) for revision, record, asked in given_}.values())
    before = compute_person_class(statements, distinct)
    random.shuffle(statements)  # type: ignore[attr-defined]
    assert compute_person_class(statements, distinct[::-1]) == before


@given(st.lists(st.sampled_from(CLASSES), min_size=1))
def test_the_strictest_class_is_the_one_that_shows_least(classes: list[str]) -> None:
    expected = next(one for one in ("counted", "anonymous", "named") if one in classes)
    assert find_strictest_class(classes) == expected


@pytest.mark.parametrize(
    "born, detained, child", [("2007-05-01", "2025-04-30", True), ("2007-05-01", "2025-05-01", False)]
)
def test_what_one_report_gives_of_the_birth_and_another_of_the_detention_tells_a_child(
    born: str, detained: str, child: bool
) -> None:
    birth = {"detainee.birth_date": born}
    for said in (
        [birth, {"detention.detained_on": detained}],
        [{**birth, "detention.detained_on": "2026"}, {"detention.detained_on": detained}],
    ):
        assert may_be_minor(said) is child
    assert not may_be_minor([birth])
    assert not may_be_minor([{"detention.detained_on": detained}])


BORN, ARRESTED = {"detainee.birth_date": "2007-05-01"}, {"detention.detained_on": "2025-04-30"}


def test_beside_independent_sources_a_states_day_or_birth_makes_a_child_only_where_they_give_none() -> None:
    grown, later = {"detainee.birth_date": "1971"}, {"detention.detained_on": "2026"}
    assert may_be_minor([{}], [BORN, ARRESTED]), "nobody else says when or how old"
    assert may_be_minor([ARRESTED], [BORN]), "no independent source gives a birth"
    assert not may_be_minor([BORN], [ARRESTED]), "a state could hide anybody by one invented day"
    assert not may_be_minor([grown, ARRESTED], [BORN])
    assert not may_be_minor([later], [BORN, ARRESTED])
    assert not may_be_minor([], [BORN])


def test_reports_are_parted_by_whether_their_source_is_independent() -> None:
    ours, theirs = statement(1, "foro", detention__held_on="2026"), statement(2, "ministry", detention__held_on="2025")
    assert split_by_independence([ours, theirs]) == ([ours.content], [theirs.content])
    assert split_by_independence([ours]) == ([ours.content], [])
    assert split_by_independence([theirs]) == ([theirs.content], []), (
        "where nobody else speaks, a state's word is all there is"
    )


def test_who_may_have_been_a_child_is_judged_by_the_days_that_were_filed_though_the_log_says_months() -> None:
    """Somebody of age on the day of arrest was not of age on the first of that month."""
    filed = statement(1, detainee__birth_date="2007-04-15", detention__detained_on="2025-04-20")
    told = filed.to_count_only()
    assert told.content["detention.detained_on"] == "2025-04"
    assert not may_be_minor(*split_by_independence([told]))
    assert may_be_minor([told.content])


def test_a_report_without_its_birth_has_neither_age_nor_the_class_that_follows_from_them() -> None:
    sent = {"detainee.publish": "named", **ARRESTED}
    for age in (BORN, {"detainee.age": 17, "detainee.age_on": "2025-04-30"}):
        assert remove_birth(add_minor_class({**sent, **age})) == sent
