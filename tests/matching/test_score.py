"""Who may be tied without a curator, who waits for one, and who is left alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dates import parse_date
from app.matching import names, score
from app.matching.score import REVIEW_SCORE, Match, Person, compare_people

DATES = ("birth", "age_on", "detained_on", "released_on")


def person(name: str | None = "Ana Lugo Peralta", **facts: Any) -> Person:
    """A person; dates are given as text and nationalities as "AR IL"."""
    for key in DATES:
        if key in facts:
            facts[key] = parse_date(facts[key])
    facts["nationalities"] = frozenset(facts.get("nationalities", "").split())
    return Person(name=name, **facts)


def note_of(match: Match, feature: str) -> str:
    return next(reason.note for reason in match.reasons if reason.feature == feature)


# --- names and one more fact ------------------------------------------------------------------------------

SUPPORT: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"birth": "1990"}, {"birth": "1990-05-02"}),
    ({"birth": "1990"}, {"birth": "1991"}),
    ({"birth": "1990-03-01"}, {"age": 35, "age_on": "2026-01"}),
    ({"age": 35, "age_on": "2026-01"}, {"age": 36, "age_on": "2026-01-12"}),
    ({"released_on": "2026-01-12"}, {"released_on": "2026-01-12/2026-01-13"}),
    ({"released_on": "2026-01-12"}, {"released_on": "2026-01"}),
    ({"detained_on": "2024-10-13"}, {"detained_on": "2024-10"}),
    ({"facility": "El Mirador I"}, {"facility": "el mirador i"}),
]


@pytest.mark.parametrize("one, other", SUPPORT)
def test_one_name_and_one_fact_that_agrees_are_one_person(one: dict[str, Any], other: dict[str, Any]) -> None:
    match = compare_people(person(**one), person("LUGO, Ana", **other))
    assert match.is_sure
    assert match.score >= REVIEW_SCORE
    assert match.conflicts == ()


def test_an_identical_name_alone_is_worth_a_look_and_no_more() -> None:
    match = compare_people(person(), person())
    assert not match.is_sure
    assert match.score >= REVIEW_SCORE


@pytest.mark.parametrize(
    "one, other",
    [
        ({"released_on": "2026"}, {"released_on": "2026-01-12"}),
        ({"detained_on": "2024-10-13"}, {"detained_on": "2024-10-20"}),
        ({"birth": "1950/1990"}, {"birth": "1980"}),
        ({"birth": "1990"}, {"birth": "1992"}),
        ({"age": 35}, {"age": 35}),
        ({"nationalities": "VE"}, {"nationalities": "VE"}),
        ({"gender": "female"}, {"gender": "female"}),
        ({"country": "VE"}, {"country": "VE"}),
    ],
)
def test_a_fact_that_half_the_list_shares_does_not_support_a_name(one: dict[str, Any], other: dict[str, Any]) -> None:
    match = compare_people(person(**one), person(**other))
    assert not match.is_sure
    assert match.score >= REVIEW_SCORE


def test_an_age_without_its_day_is_that_at_the_release() -> None:
    aged = person(age=35, released_on="2026-01-12")
    assert note_of(compare_people(aged, person(birth="1990-06")), "birth") == "births agree"
    assert compare_people(person(age=35), person(birth="1990-06")).reasons == compare_people(person(), person()).reasons


def test_an_impossible_age_says_nothing() -> None:
    assert compare_people(person(age=900, age_on="2026"), person(birth="1990")) == compare_people(person(), person())


def test_a_name_of_one_word_is_never_enough_whatever_else_agrees() -> None:
    facts = {"birth": "1990", "released_on": "2026-01-12", "detained_on": "2024-10-13", "facility": "El Mirador I"}
    short = person("Roberto (surname not confirmed)", **facts)
    for other in ("Roberto", "Roberto Lugo Paz"):
        match = compare_people(short, person(other, **facts))
        assert not match.is_sure
        assert match.score >= REVIEW_SCORE
    assert compare_people(person("Roberto"), person("Roberto")).score < REVIEW_SCORE


def test_an_initial_and_a_surname_are_one_word_in_common() -> None:
    assert not compare_people(person("J. Lugo", birth="1990"), person("Juan Lugo", birth="1990")).is_sure


def test_an_alias_counts_like_a_name_and_a_shared_nickname_does_not_hide_the_names() -> None:
    known = person("Ana Lugo", aliases=("Tita",), birth="1990")
    assert compare_people(known, person("Ana María Luz", aliases=("Tita", "Lugo, Ana"), birth="1990")).is_sure
    assert compare_people(known, person("Anna Lugo", aliases=("Tita",), birth="1990")).is_sure
    assert compare_people(known, person(None, aliases=("Ana Lugo",), birth="1990")).is_sure


def test_brothers_taken_and_released_together_wait_for_a_curator() -> None:
    facts = {"released_on": "2026-01-12", "detained_on": "2024-10-13", "facility": "El Mirador I"}
    match = compare_people(person("José Luis Lugo Paz", **facts), person("José Antonio Lugo Paz", **facts))
    assert not match.is_sure
    assert match.score >= REVIEW_SCORE


@pytest.mark.parametrize(
    "other, note",
    [
        ("Francisco Lugo Peralta", "identical names"),
        ("Peralta Lugo, Francisco", "identical names"),
        ("Pancho Lugo", "the same name: a short form, a word more on one side"),
        ("F. Lugo Peralta", "the same name: an initial"),
        ("Fransisco Lugo Peralta", "the same name: spelt differently"),
        ("Франсиско Луго Перальта", "the same name: written in another script"),
        ("Marta Lugo Peralta", "the names share words and differ in others"),
    ],
)
def test_a_name_says_what_it_was_seen_past(other: str, note: str) -> None:
    assert note_of(compare_people(person("Francisco Lugo Peralta"), person(other)), "name") == note


# --- one man, five spellings ------------------------------------------------------------------------------

MAN = {"age": 72, "age_on": "2026-01", "nationalities": "AR IL", "facility": "El Mirador I", "country": "VE"}
SPELLINGS = ["Yaakov Tenari", "Yaacov Tenary", "Jacob Tenari", "TENARI, Yaakob", "Yakov Tennari"]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_five_spellings_and_two_arrest_dates_are_one_man(spelling: str) -> None:
    """A month between two printed arrest dates is a common error, not another man."""
    one = person("Yaakov Tenari", **MAN, detained_on="2024-10-13", released_on="2026-01-12")
    other = person(spelling, **MAN, detained_on="2024-09-04", released_on="2026-01-12")
    match = compare_people(one, other)
    assert match.is_sure
    assert match.conflicts == ()


def test_arrest_dates_months_apart_are_no_conflict_while_the_release_agrees() -> None:
    one = person(detained_on="2024-01-13", released_on="2026-01-12")
    assert compare_people(one, one._replace(detained_on=parse_date("2024-09-04"))).is_sure


def test_he_is_known_without_his_name_by_age_foreign_nationality_facility_and_date() -> None:
    named = person("Yaakov Tenari", **MAN, detained_on="2024-10-13", released_on="2026-01-12")
    nameless = person(None, birth="1953", nationalities="AR", facility="El Mirador I", country="VE")
    for dated in (
        nameless._replace(released_on=parse_date("2026-01")),
        nameless._replace(detained_on=parse_date("2024-10-13")),
    ):
        assert compare_people(named, dated).is_sure
        assert compare_people(named._replace(name=None), dated).is_sure


@pytest.mark.parametrize("left_out", ["birth", "nationalities", "facility", "released_on"])
def test_without_one_of_these_a_nameless_person_is_not_tied(left_out: str) -> None:
    facts = {"birth": "1953", "nationalities": "AR", "facility": "El Mirador I", "released_on": "2026-01-12"}
    del facts[left_out]
    named = person("Yaakov Tenari", **MAN, released_on="2026-01-12")
    assert not compare_people(named, person(None, **facts)).is_sure


def test_two_nameless_people_of_the_country_itself_are_not_tied_by_age_and_place() -> None:
    """Hundreds of people of one country and one age leave one prison in one week."""
    facts = {"birth": "1995", "nationalities": "VE", "facility": "El Mirador I", "released_on": "2026-01-12"}
    match = compare_people(person(None, country="VE", **facts), person(None, country="VE", **facts))
    assert not match.is_sure
    assert match.score >= REVIEW_SCORE


def test_two_nameless_people_with_only_place_and_dates_in_common_are_nobody_s_work() -> None:
    facts = {"facility": "El Mirador I", "released_on": "2026-01-12", "detained_on": "2024-10-13"}
    match = compare_people(person(None, **facts), person(None, **facts))
    assert not match.is_sure
    assert match.score < REVIEW_SCORE


# --- conflicts --------------------------------------------------------------------------------------------

AGREED = {"facility": "El Mirador I"}
CONFLICTS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("birth", {"birth": "1990"}, {"birth": "1993"}),
    ("birth", {"birth": "1960"}, {"age": 35, "age_on": "2026-01-12"}),
    ("gender", {"gender": "female"}, {"gender": "male"}),
    ("nationality", {"nationalities": "VE CO"}, {"nationalities": "AR IL"}),
    ("national_id", {"national_id": "d1"}, {"national_id": "d2"}),
    (
        "dates",
        {"released_on": "2026-01-12", "detained_on": "2024-10-13"},
        {"released_on": "2026-01-16", "detained_on": "2024-12-01"},
    ),
]


@pytest.mark.parametrize("conflict, one, other", CONFLICTS)
def test_a_conflict_is_named_and_rules_a_sure_match_out(
    conflict: str, one: dict[str, Any], other: dict[str, Any]
) -> None:
    a, b = person(**AGREED, **one), person(**AGREED, **other)
    match = compare_people(a, b)
    assert match.conflicts == (conflict,)
    assert not match.is_sure
    assert match.score < compare_people(person(**AGREED), person(**AGREED)).score


@pytest.mark.parametrize("conflict, one, other", CONFLICTS)
def test_with_another_spelling_a_conflict_settles_it(conflict: str, one: dict[str, Any], other: dict[str, Any]) -> None:
    match = compare_people(person(**AGREED, **one), person("Anna Lugo", **AGREED, **other))
    assert conflict in match.conflicts
    assert match.score < REVIEW_SCORE


def test_a_father_and_a_son_of_one_name_are_worth_a_look_and_not_sure() -> None:
    match = compare_people(person("Luis Lugo Paz", birth="1955"), person("Luis Lugo Paz", birth="1985"))
    assert not match.is_sure
    assert REVIEW_SCORE <= match.score < compare_people(person(), person()).score


def test_two_releases_at_different_times_take_one_more_fact() -> None:
    """Two spells of one person look like two namesakes."""
    one = person(birth="1990", released_on="2024-01-12")
    two = person(birth="1990", released_on="2026-01-12")
    assert not compare_people(one, two).is_sure
    assert compare_people(one._replace(facility="El Mirador I"), two._replace(facility="El Mirador I")).is_sure


def test_in_two_countries_only_the_birth_ties() -> None:
    here, there = person(country="VE", facility="Central"), person(country="NI", facility="Central")
    assert not compare_people(here, there).is_sure
    assert compare_people(here._replace(birth=parse_date("1990")), there._replace(birth=parse_date("1990"))).is_sure


# --- identification numbers -------------------------------------------------------------------------------


def test_one_identification_number_ties_names_that_share_a_word_and_the_nameless() -> None:
    known = person("Ana Lugo Peralta", national_id="d1")
    for name in ("Ana Lugo de Medina", "Peralta", None):
        assert compare_people(known, person(name, national_id="d1")).is_sure


@pytest.mark.parametrize(
    "other",
    [
        {"name": "Berta Medina"},
        {"name": "Ana Lugo", "gender": "male"},
        {"name": "Ana Lugo", "birth": "1970"},
    ],
)
def test_one_identification_number_on_two_different_people_waits_for_a_curator(other: dict[str, Any]) -> None:
    known = person(national_id="d1", gender="female", birth="1990")
    match = compare_people(known, person(**other, national_id="d1"))
    assert not match.is_sure
    assert match.score >= REVIEW_SCORE


# --- for all ----------------------------------------------------------------------------------------------

some_dates = st.none() | st.sampled_from(
    [*map(parse_date, ("2026", "2026-01", "2026-01-12", "2026-01-20", "2024-10-13", "2024-09-04", "2024-01/2024-12"))]
)
births = st.none() | st.sampled_from([*map(parse_date, ("1953", "1953-05-02", "1955", "1990", "1950/1990"))])
spellings = st.sampled_from(["Ana Lugo Peralta", "Anna Lugo", "Roberto", "R. Lugo", "Luis Lugo Paz", "王伟", ""])
people = st.builds(
    Person,
    name=st.none() | spellings,
    aliases=st.lists(spellings, max_size=2).map(tuple),
    birth=births,
    age=st.none() | st.sampled_from([35, 72, 900]),
    age_on=some_dates,
    gender=st.none() | st.sampled_from(["female", "male", "other"]),
    nationalities=st.frozensets(st.sampled_from(["VE", "AR", "IL"]), max_size=2),
    facility=st.none() | st.sampled_from(["El Mirador I", "Central"]),
    detained_on=some_dates,
    released_on=some_dates,
    national_id=st.none() | st.sampled_from(["d1", "d2"]),
    country=st.none() | st.sampled_from(["VE", "NI"]),
)


@given(people, people)
def test_comparing_is_symmetric_and_its_answer_is_well_formed(a: Person, b: Person) -> None:
    match = compare_people(a, b)
    assert match == compare_people(b, a)
    assert 0 <= match.score <= 1
    assert all(0 <= reason.score <= 1 for reason in match.reasons)
    features = [reason.feature for reason in match.reasons]
    assert len(set(features)) == len(features)
    assert set(features) <= {*score.WEIGHTS, "national_id"}


@given(people, people)
def test_whoever_is_sure_is_also_worth_a_look_and_has_no_conflict_but_of_dates(a: Person, b: Person) -> None:
    match = compare_people(a, b)
    if match.is_sure:
        assert match.score >= score.MIN_SURE_SCORE > REVIEW_SCORE
        assert set(match.conflicts) <= {"dates"}


@given(people, people)
def test_whoever_contradicts_has_a_conflict_and_another_number(a: Person, b: Person) -> None:
    one_number = a.national_id is not None and a.national_id == b.national_id
    assert score.has_contradiction(a, b) == (bool(score.find_contradictions(a, b)) and not one_number)


@given(people, people)
def test_reasons_repeat_nothing_that_either_side_said(a: Person, b: Person) -> None:
    said = {one.text for one in (a.birth, a.released_on, a.detained_on) if one} | {"Lugo", "Roberto", "Mirador", "d1"}
    for reason in compare_people(a, b).reasons:
        assert not any(word in reason.note for word in said)


def test_the_weights_add_up_to_one() -> None:
    assert sum(score.WEIGHTS.values()) == pytest.approx(1)


def test_the_threshold_and_the_measure_of_names_are_found_here_too() -> None:
    assert score.measure_similarity is names.measure_similarity
    assert score.SAME_NAME_SCORE == names.SAME_NAME_SCORE
