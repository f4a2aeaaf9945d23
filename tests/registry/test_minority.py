"""Who may have been a child, by all reports of a person together."""

import pytest

from app.registry.minority import may_be_minor, parted, with_class, without_birth
from tests.registry.statements import statement


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
    assert parted([ours, theirs]) == ([ours.content], [theirs.content])
    assert parted([ours]) == ([ours.content], [])
    assert parted([theirs]) == ([theirs.content], []), "where nobody else speaks, a state's word is all there is"


def test_who_may_have_been_a_child_is_judged_by_the_days_that_were_filed_though_the_log_says_months() -> None:
    """Somebody of age on the day of arrest was not of age on the first of that month."""
    filed = statement(1, detainee__birth_date="2007-04-15", detention__detained_on="2025-04-20")
    told = filed.as_counted()
    assert told.content["detention.detained_on"] == "2025-04"
    assert not may_be_minor(*parted([told]))
    assert may_be_minor([told.content])


def test_a_report_without_its_birth_has_neither_age_nor_the_class_that_follows_from_them() -> None:
    sent = {"detainee.publish": "named", **ARRESTED}
    for age in (BORN, {"detainee.age": 17, "detainee.age_on": "2025-04-30"}):
        assert without_birth(with_class({**sent, **age})) == sent
