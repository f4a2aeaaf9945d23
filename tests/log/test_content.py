"""What was said, flat; and whether it speaks of someone under age."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.log import content
from app.log.content import (
    add_age_span,
    find_birth,
    flatten_body,
    has_release_section,
    move_filing_day_age,
    restore_sent_content,
    unflatten_content,
)
from app.projection.statements import merge_content, restore_content, split_content
from app.registry.publication.classes import add_minor_class, is_minor
from app.schemas.reports import ReleaseReportIn
from tests.support import make_report

days = st.dates(date(1940, 1, 1), date(2026, 1, 1)).map(date.isoformat)
classes = st.sampled_from(["named", "anonymous", "counted"])
contents = st.fixed_dictionaries(
    {},
    optional={
        "detainee.birth_date": days,
        "detainee.age": st.integers(0, 110),
        "detainee.age_on": days,
        "detainee.publish": classes,
        "detention.detained_on": days,
        "release.released_on": days,
    },
)


def test_a_body_becomes_section_and_field() -> None:
    body = {"detainee": {"full_name": "Berta"}, "release": {"kind": "pardon"}, "note": "by phone"}
    assert flatten_body(body) == {"detainee.full_name": "Berta", "release.kind": "pardon", "note": "by phone"}


@pytest.mark.parametrize("nothing", [None, [], {}, {"until": None, "term": None}, {"until": {"on": None}}])
def test_only_what_was_said_is_kept(nothing: Any) -> None:
    assert flatten_body({"detention": {"sentence": nothing}, "detainee": None, "note": None}) == {}


@pytest.mark.parametrize("said", [0, False, "", [None], {"until": None, "term": "life"}])
def test_what_is_small_is_still_said(said: Any) -> None:
    assert flatten_body({"detention": {"sentence": said}}) == {"detention.sentence": said}


def test_the_wire_shape_can_be_had_again() -> None:
    body = ReleaseReportIn.model_validate(make_report(note="by phone")).model_dump(mode="json")
    said = flatten_body(body)
    assert flatten_body(unflatten_content(said)) == said
    assert unflatten_content({**said, "source_record_id": "FP-1"})["source_record_id"] == "FP-1"


def test_everything_that_tells_who_somebody_is_is_personal() -> None:
    """Only what counting needs may stand readable in the log, which nobody can ever erase."""
    whole = make_report(
        detainee__aliases=["El Profe"], detainee__groups=["journalist"], detainee__national_id="V-1",
        detention__sentence={"until": "2030"}, detention__place="a farm", release__conditions=["travel_ban"],
        release__destination="CO", verification__evidence=[{"url": "https://a.example/"}],
        verification__citing=["jep"], note="by phone",
    )  # fmt: skip
    public, personal = split_content(flatten_body(whole), is_count_only=False)
    assert set(public) == {
        "detainee.publish",
        "detention.detained_on",
        "detention.country",
        "release.released_on",
        "release.kind",
        "verification.verdict",
        "verification.method",
        "verification.citing",
    }
    assert {**public, **personal} == flatten_body(whole)


def test_every_public_name_is_a_field_of_a_report() -> None:
    """A misspelt name here would seal what counting needs."""
    sections: dict[str, Any] = ReleaseReportIn.model_json_schema()["$defs"]
    shapes = {
        "detainee": "DetaineeIn",
        "detention": "DetentionIn",
        "release": "ReleaseIn",
        "verification": "VerificationIn",
    }
    fields = {f"{name}.{field}" for name, shape in shapes.items() for field in sections[shape]["properties"]}
    assert fields >= content.PUBLIC_FIELDS


def test_a_report_has_a_release_if_it_names_a_stage() -> None:
    assert has_release_section({"release.stage": "announced"})
    assert not has_release_section({"release.released_on": "2026-01-12"})


def test_a_birth_is_told_by_its_date_or_by_an_age_on_a_day() -> None:
    born = find_birth({"detainee.birth_date": "1953", "detainee.age": 10, "detainee.age_on": "2026"})
    assert born is not None
    assert (born.first, born.last) == (date(1953, 1, 1), date(1953, 12, 31))
    born = find_birth({"detainee.age": 72, "detainee.age_on": "2026-01-12"})
    assert born is not None
    assert (born.first, born.last) == (date(1953, 1, 13), date(1954, 1, 12))
    assert find_birth({"detainee.age": 72}) is None
    assert find_birth({}) is None


@given(contents)
def test_what_was_sent_can_be_had_again_from_what_was_stored(said: dict[str, Any]) -> None:
    assert restore_sent_content(add_minor_class(add_age_span(said, "2026-03-01"))) == said


def test_an_age_of_now_is_sent_back_as_one() -> None:
    said = {"detainee.age": 30, "detainee.age_on": "filed"}
    stored = add_age_span(move_filing_day_age(said), "2026-03-01")
    assert stored == {"detainee.age": 30, "detainee.age_span": "2026-03-01"}
    assert restore_sent_content(stored) == said


@given(contents)
def test_minors_are_counted_and_nobody_else_is_touched(said: dict[str, Any]) -> None:
    stored = add_minor_class(said)
    if is_minor(said):
        assert stored["detainee.publish"] == "counted"
        assert stored["detainee.publish_asked"] == said.get("detainee.publish", "")
    else:
        assert stored == said


@given(contents)
def test_whether_someone_is_a_minor_is_the_same_read_from_the_store(said: dict[str, Any]) -> None:
    assert is_minor(add_minor_class(said)) is is_minor(said)


@given(st.dates(date(1940, 1, 1), date(2020, 1, 1)), st.dates(date(1941, 1, 1), date(2026, 1, 1)))
def test_eighteen_is_eighteen(born: date, detained: date) -> None:
    said = {"detainee.birth_date": born.isoformat(), "detention.detained_on": detained.isoformat()}
    birthdays = detained.year - born.year - ((detained.month, detained.day) < (born.month, born.day))
    assert is_minor(said) is (birthdays < 18)


@given(st.integers(0, 110), days, days)
def test_a_vaguer_date_never_makes_an_adult_of_a_minor(age: int, on: str, detained: str) -> None:
    said = {"detainee.age": age, "detainee.age_on": on, "detention.detained_on": detained}
    if is_minor(said):
        assert is_minor({**said, "detainee.age_on": on[:7]})
        assert is_minor({**said, "detention.detained_on": detained[:4]})


@pytest.mark.parametrize(
    "said, minor",
    [
        ({"detainee.birth_date": "2010-06-01"}, True),
        ({"detainee.birth_date": "2008-02-01"}, False),
        ({"detainee.birth_date": "2008-02-01", "verification.verified_on": "2026-01-12"}, True),
        ({"detainee.age": 17}, True),
        ({"detainee.age": 19}, False),
        ({"detainee.age": 19, "detention.detained_on": "2024-01-10"}, True),
        ({"detainee.age": 19, "detention.detained_on": "2024-01-10", "verification.verified_on": "2024-02-01"}, True),
        ({"detainee.age": 19, "detainee.age_on": "2024-02-01", "detention.detained_on": "2024-01-10"}, False),
    ],
)
def test_where_no_day_is_said_the_day_it_was_checked_or_filed_tells(said: dict[str, Any], minor: bool) -> None:
    """An age without a day is one on any day from the first that is spoken of to that of filing."""
    assert is_minor(add_age_span(said, "2026-03-01"), "2026-03-01") is minor


def test_what_was_asked_for_is_sealed() -> None:
    """The class must be readable; that a source wanted a child named need not be."""
    stored = add_minor_class(
        {"detainee.birth_date": "2010", "detention.detained_on": "2026", "detainee.publish": "named"}
    )
    public, personal = split_content(stored, is_count_only=False)
    assert public["detainee.publish"] == "counted"
    assert personal["detainee.publish_asked"] == "named"


@given(st.lists(st.sampled_from(["jep", "JEP", "Foro Penal", "foro-penal", "Radio Bemba", "Ana Pérez"]), unique=True))
def test_whom_a_report_cites_can_be_had_again_and_only_sources_stand_readable(cited: list[str]) -> None:
    known = {"jep": "jep", "foro penal": "foro-penal", "foro-penal": "foro-penal"}
    stored = content.normalize_citing({"verification.citing": cited}, known)
    public, _personal = split_content(stored, is_count_only=False)
    assert set(public["verification.citing"]) <= {*known.values(), content.UNLISTED_SOURCE}
    assert bool(public["verification.citing"]) == bool(cited), "a copy stays a copy when the names are erased"
    assert restore_sent_content(stored)["verification.citing"] == sorted(
        {known.get(name.casefold(), name) for name in cited}
    )


OLD_PUBLIC = {
    "verification.verdict": "verified",
    "release.stage": "carried_out",
    "release.kind": "unspecified",
    "detention.detained_on": "2025-03",
    "kept.seen": 7,
    "kept.detained_on": "2025-02",
    "kept.held_on": "2025-11",
    "kept.kind": "pardon",
    "kept.released_on": "2026-01-08",
}
OLD_PERSONAL = {
    "detention.detained_on": "2025-03-01",
    "kept.detained_on": "2025-02-03",
    "kept.held_on": "2025-11-30",
    "kept.facility": "el-rodeo-i",
}


def test_what_older_entries_have_apart_are_fields_that_were_taken_over_where_the_report_gives_none() -> None:
    fields = ["detention.facility", "detention.held_on", "release.kind", "release.released_on"]
    counting, hidden = merge_content(OLD_PUBLIC, OLD_PERSONAL)
    assert counting == {
        "verification.verdict": "verified",
        "release.stage": "carried_out",
        "release.kind": "pardon",
        "release.released_on": "2026-01-08",
        "detention.detained_on": "2025-03",
        "detention.held_on": "2025-11",
        "detention.facility": "el-rodeo-i",
        "taken_over": {"fields": fields, "revision": 7},
    }
    assert hidden == {"detention.detained_on": "2025-03-01", "detention.held_on": "2025-11-30"}
    assert restore_content(OLD_PUBLIC, OLD_PERSONAL) == counting | hidden


def test_a_report_without_a_release_took_over_no_release() -> None:
    old = {"verification.verdict": "reported", "kept.seen": 7, "kept.released_on": "2026-01-08", "kept.country": "VE"}
    taken_over = {"fields": ["detention.country"], "revision": 7}
    assert restore_content(old, {}) == {
        "verification.verdict": "reported", "detention.country": "VE", "taken_over": taken_over,
    }  # fmt: skip
    bare = {"verification.verdict": "reported", "kept.seen": 7}
    assert restore_content(bare, {}) == {"verification.verdict": "reported"}
