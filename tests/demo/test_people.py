"""The invented people, and how the lists write them: nobody can be taken for somebody else."""

from collections import Counter, defaultdict
from datetime import date
from itertools import combinations
from typing import Any

import pytest

from app import vocabulary
from app.demo import cases, people, plan
from app.demo.people import FACILITY_NAMES, build_facility_bodies
from app.demo.run import REPLAYED_SOURCES, ReplayEvent, build_events, build_source_bodies
from app.log.content import flatten_body
from app.matching.score import compare_people
from app.registry.checks import check_report
from app.registry.identity.blocking_keys import build_person
from app.schemas.reports import DetentionReportIn, FacilityIn, ReleaseReportIn, SourceIn

EVENTS = build_events()
LISTED = people.build_people()[: plan.RELEASED_COUNT]


def folded(name: str) -> frozenset[str]:
    return frozenset(people.strip_accents(name).lower().split())


def reports_of(number: int) -> list[ReplayEvent]:
    """Every report of a person, in whatever spelling, in order of filing."""
    full = folded(" ".join(people.build_people()[number].name or ()))
    named = [event for event in EVENTS if event.body["detainee"]["full_name"]]
    return [event for event in named if folded(event.body["detainee"]["full_name"]) <= full]


def name_of(number: int) -> str:
    return " ".join(people.build_people()[number].name or ())


def out_of(event: ReplayEvent) -> dict[str, Any]:
    release: dict[str, Any] = event.body["release"]
    return release


def test_418_people_go_out_and_303_of_them_in_the_cycle() -> None:
    days = [person.released_on or "" for person in LISTED]
    assert len(days) == 418
    assert sum(day >= "2026-01-08" for day in days) == len(plan.JANUARY_IDS) == 303
    assert min(days) == "2025-12-25"


def test_no_two_people_share_more_than_one_word_of_their_names() -> None:
    full = [frozenset(map(people.strip_accents, person.name)) for person in people.build_people() if person.name]
    assert all(len(words) == 4 for words in full)
    assert max(len(one & other) for one, other in combinations(full, 2)) == 1


def test_given_names_and_surnames_are_different_words() -> None:
    given = {people.strip_accents(name) for name in people.MALE + people.FEMALE}
    assert given.isdisjoint(people.strip_accents(name) for name in people.SURNAMES)


def test_the_lists_agree_on_what_a_person_is_told_by() -> None:
    """Given name and first surname, birth year, facility, day: the rest may be missing, never different."""
    by_person: defaultdict[frozenset[str], list[dict[str, Any]]] = defaultdict(list)
    full = {
        frozenset(people.strip_accents(word).lower() for word in p.name): p for p in people.build_people() if p.name
    }
    for event in EVENTS:
        if len(words := folded(event.body["detainee"]["full_name"] or "")) > 1:
            (owner,) = [other for other in full if words <= other]
            by_person[owner].append(event.body)
    for words, written in by_person.items():
        person = full[words]
        assert person.name is not None
        core = folded(f"{person.name[0]} {person.name[2]}")
        for body in written:
            assert core <= folded(body["detainee"]["full_name"])
            years = {body["detainee"].get("birth_date"), str(2025 - body["detainee"].get("age", 9999))}
            assert str(person.birth_year) in years


def test_the_matcher_is_sure_of_every_pair_of_reports_of_one_release() -> None:
    for person in LISTED:
        said = [people.build_release_body(person, source, date(2026, 1, 8)) for source in REPLAYED_SOURCES]
        persons = [build_person(flatten_body(body)) for body in said if person.released_on]
        if person.id == people.ARGENTINE_ISRAELI_PERSON:
            persons.pop()  # the fourth list does not have him
        assert all(compare_people(one, other).is_sure for one, other in combinations(persons, 2))


def test_facilities_and_days_agree_across_the_four_lists() -> None:
    for person in LISTED:
        said = [people.build_release_body(person, source, date(2026, 1, 8)) for source in REPLAYED_SOURCES]
        places = {body["detention"]["facility"] for body in said}
        assert places <= {person.facility, FACILITY_NAMES[person.facility]}
        assert {body["release"]["released_on"] for body in said} == {person.released_on}
        if person.id != people.ARGENTINE_ISRAELI_PERSON:
            days = [body["detention"].get("detained_on", "") for body in said]
            assert all(person.detained_on.startswith(day) for day in days)


def test_spellings_and_days_differ_from_list_to_list() -> None:
    spellings = [{people.write_full_name(person, source) for source in REPLAYED_SOURCES} for person in LISTED]
    assert sum(len(spelling) > 1 for spelling in spellings) > 100
    jep = [event.body["detention"] for event in EVENTS if event.source == "jep"]
    assert 20 < sum("detained_on" not in detention for detention in jep) < 80


def test_everyone_who_is_not_a_minor_is_past_doubt_an_adult() -> None:
    for person in people.build_people():
        age = int(person.detained_on[:4]) - person.birth_year
        assert age == 16 if person.id in people.MINORS else age >= 20
        assert person.publish == "counted" or person.id not in people.MINORS


def test_most_are_anonymous_some_named_and_few_only_counted() -> None:
    classes = Counter(person.publish for person in LISTED)
    assert classes["anonymous"] > 300
    assert 40 < classes["named"] < 90
    assert classes["counted"] == 6


def test_some_who_are_named_elsewhere_asked_foro_penal_for_protection() -> None:
    named = [person for person in LISTED if person.publish == "named"]
    said = [people.build_detention_body(person, "foro-penal")["detainee"]["publish"] for person in named]
    assert 5 < said.count("anonymous") < 20
    for number in people.NAMED_PEOPLE:
        assert {event.body["detainee"]["publish"] for event in reports_of(number)} == {"named"}


def test_every_body_is_one_the_api_accepts() -> None:
    for event in EVENTS:
        shape = ReleaseReportIn if event.kind == "release" else DetentionReportIn
        said = shape.model_validate(event.body).model_dump(mode="json", exclude_none=True)
        check_report(flatten_body(said), event.filed_at, has_pointer=False)
        assert ("release" in event.body) == (event.kind == "release")
    for source in build_source_bodies():
        SourceIn.model_validate(source)
    for facility in build_facility_bodies():
        FacilityIn.model_validate(facility)


def test_every_report_comes_from_a_source_of_the_demo() -> None:
    known = {source["slug"]: source["independent"] for source in build_source_bodies()}
    assert {event.source for event in EVENTS} <= set(known)
    assert [slug for slug, independent in known.items() if not independent] == [
        source["slug"] for source in build_source_bodies() if source["kind"] == "government"
    ]
    said = [event.body["detention"].get("facility") for event in EVENTS]
    assert {facility for facility in said if facility} <= {*FACILITY_NAMES, *FACILITY_NAMES.values()}


def test_codes_are_those_of_the_vocabulary() -> None:
    assert {person.kind for person in people.build_people()} <= set(vocabulary.ReleaseKind)
    assert {person.legal_status for person in people.build_people()} <= set(vocabulary.LegalStatus)


def test_a_case_number_belongs_to_one_person_and_numbers_have_no_gap() -> None:
    owner: dict[tuple[str, str], frozenset[str]] = {}
    for event in EVENTS:
        words = folded(event.body["detainee"]["full_name"] or "nobody")
        assert owner.setdefault((event.source, event.body["source_record_id"]), words) == words
    numbers = Counter(record.rpartition("-")[0] for _, record in owner)
    for source, record in owner:
        series, _, number = record.rpartition("-")
        assert 1 <= int(number) <= numbers[series], source


def test_case_1_has_no_name_two_arrest_dates_and_four_voices() -> None:
    told = [event for event in EVENTS if event.body["detainee"]["full_name"] is None]
    days = {event.source: event.body["detention"].get("detained_on") for event in told}
    assert days == {
        "foro-penal": "2024-10-13",
        "jep": "2024-09-04",
        "pud": "2024",
        "cancilleria-argentina": None,
    }
    for event in told:
        detainee = event.body["detainee"]
        assert (detainee["age"], detainee["age_on"], detainee["nationalities"]) == (
            72,
            "2026-01",
            ["AR", "IL"],
        )
        assert detainee["publish"] == "anonymous"
        assert event.body["detention"]["facility"] in ("El Rodeo I", "el-rodeo-i")
        assert out_of(event)["released_on"] == "2026-01-12"
        assert event.filed_at.date().isoformat() == ("2026-01-13" if event.source.startswith("canc") else "2026-01-12")


def verdicts(number: int) -> list[tuple[str, str, str | None]]:
    """Source, verdict and day of release, in order of filing."""
    return [
        (
            event.source,
            event.body["verification"]["verdict"],
            event.body.get("release", {}).get("released_on"),
        )
        for event in reports_of(number)
    ]


@pytest.mark.parametrize("number", [people.HANDED_OVER_PERSON, people.NEVER_SEEN_PERSON])
def test_case_2_a_government_hands_two_men_over_and_nobody_has_seen_them(number: int) -> None:
    assert verdicts(number)[:2] == [
        ("ministerio-penitenciario", "reported", "2025-11-24"),
        ("clippve", "refuted", "2025-11-24"),
    ]
    later = [day for _, verdict, day in verdicts(number)[2:] if verdict == "verified"]
    assert later == (["2026-01-12"] * 4 if number == people.HANDED_OVER_PERSON else [])


def test_case_3_out_taken_again_and_sent_home() -> None:
    assert [said for said in verdicts(people.TAKEN_AGAIN_PERSON) if said[0] == "foro-penal"] == [
        ("foro-penal", "verified", "2025-12-25"),
        ("foro-penal", "verified", None),
        ("foro-penal", "reported", "2026-01-02"),
    ]
    *_, held, home = reports_of(people.TAKEN_AGAIN_PERSON)
    assert held.body["detention"]["detained_on"] == "2025-12-25"
    assert held.body["source_record_id"] == home.body["source_record_id"]
    assert out_of(home)["kind"] == "house_arrest"


def test_case_4_ordered_and_still_held() -> None:
    first, last = reports_of(people.ORDERED_ONLY_PERSON)
    assert out_of(first) == out_of(last) == {"stage": "ordered", "ordered_on": "2026-01-19"}
    assert last.body["detention"]["held_on"] == "2026-03-23"


def test_case_5_released_detained_at_the_border_released() -> None:
    own = [said for said in verdicts(people.BORDER_PERSON) if said[0] == "foro-penal"]
    assert [day for _, _, day in own] == ["2026-01-13", None, "2026-02-03"]


def test_case_6_amnesty_refused_then_acquitted() -> None:
    kinds = [(e.source, out_of(e)["kind"]) for e in reports_of(people.ACQUITTED_PERSON)]
    assert kinds == [("comision-amnistia", "amnesty"), ("foro-penal", "amnesty"), ("foro-penal", "acquittal")]


@pytest.mark.parametrize("number", cases.MEASURES_LIFTED_PEOPLE)
def test_case_7_measures_lifted_on_someone_who_was_out(number: int) -> None:
    own = [event for event in reports_of(number) if event.source == "foro-penal"]
    assert len(own) == 2
    assert out_of(own[1])["measures_lifted_on"] == "2026-02-25"
    assert out_of(own[0])["released_on"] == out_of(own[1])["released_on"]
    assert out_of(own[0])["conditions"]


def test_case_8_turned_back_into_prison() -> None:
    assert [said[:2] for said in verdicts(people.TURNED_BACK_PERSON)] == [
        ("ministerio-interior", "reported"),
        ("foro-penal", "refuted"),
    ]


def test_case_9_sixteen_lines_fifteen_people_and_half_a_name() -> None:
    listed = [event.body["detainee"]["full_name"] for event in EVENTS if event.source == "sntp"]
    assert (len(listed), len(set(listed))) == (16, 15)
    assert [e.body["note"] for e in EVENTS if e.source == "families"] == ["Roberto (surname not confirmed)"]


def test_case_10_a_page_dates_itself_seventeen_months_too_early() -> None:
    (told,) = [event for event in EVENTS if "evidence" in event.body["verification"]]
    assert told.body["verification"]["evidence"][0]["published_on"] == "2024-08-14"
    assert out_of(told)["released_on"] == "2026-01-14"


def test_case_12_a_past_fact_revised() -> None:
    numbers = {name_of(number): number for number in cases.assign_outcomes()}
    said: defaultdict[int, list[str]] = defaultdict(list)
    for event in EVENTS:
        number = numbers.get(event.body["detainee"]["full_name"] or "")
        if event.source == "foro-penal" and number is not None:
            said[number].append(out_of(event)["kind"])
    assert Counter(kinds[0] for kinds in said.values()) == cases.OUTCOMES_BEFORE
    assert Counter(kinds[-1] for kinds in said.values()) == cases.OUTCOMES_AFTER
