"""Rule 18: a child is a person who may be under 18 at the arrest; nothing changes by the passing of time alone."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.db.engine import open_read_session, open_write_session
from app.log import content as content_module
from app.log.content import AGE_SPAN, add_age_span, find_birth
from app.models import DetaineePersonal, Record
from app.registry import api_keys
from app.registry.apply import rebuild_tables
from app.registry.publication import classes
from app.registry.publication.classes import is_minor
from app.registry.records import load_version
from app.vocabulary import Role
from tests.registry.statements import row_of, statement
from tests.support import Body, World

YEARS = timedelta(days=365 * 30)


def said(**content: Any) -> dict[str, Any]:
    return dict(statement(1, **content).content)


@pytest.mark.parametrize(
    "born, detained, minor",
    [
        ("2008-03-01", "2026-02-28", True),
        ("2008-03-01", "2026-03-01", False),
        ("2008", "2026-06-01", True),
        ("2008", "2027-01-01", False),
        ("2008-03", "2026-03", True),
    ],
)
def test_minority_is_judged_at_the_detention(born: str, detained: str, minor: bool) -> None:
    """Where the dates are vague, whoever may have been under 18 is taken for it."""
    assert is_minor(said(detainee__birth_date=born, detention__detained_on=detained)) is minor


def test_who_came_of_age_in_custody_was_a_minor() -> None:
    assert is_minor(
        said(detainee__birth_date="2008-03-01", detention__detained_on="2024-10-13", release__released_on="2026-05-01")
    )


def test_an_age_counts_back_to_the_detention() -> None:
    grown = {"detainee__age": 19, "detainee__age_on": "2026-01-12"}
    assert is_minor(said(**grown, detention__detained_on="2024-10-13"))
    assert not is_minor(said(**grown, detention__detained_on="2025-10-13"))


@pytest.mark.parametrize(
    "field", ["release__released_on", "release__ordered_on", "release__announced_on", "detention__held_on"]
)
def test_without_a_day_of_detention_the_nearest_day_said_tells(field: str) -> None:
    assert is_minor(said(detainee__birth_date="2010-06-01", **{field: "2026-01-12"}))
    assert not is_minor(said(detainee__birth_date="2007-06-01", **{field: "2026-01-12"}))


def test_an_age_without_a_day_is_taken_as_it_is() -> None:
    assert is_minor(said(detainee__age=17))
    assert not is_minor(said(detainee__age=18))


def test_who_has_no_age_is_taken_for_an_adult() -> None:
    assert not is_minor(said(detention__detained_on="2024-10-13"))
    assert not is_minor(said(detainee__birth_date="2010-06-01"))


def test_a_minor_is_counted_and_not_shown(world: World) -> None:
    world.file("foro", detainee__birth_date="2008-03-01", detainee__publish="named")
    assert world.get("/v1/detainees").json()["data"] == []
    count = world.count(group_by="gender")
    assert (count["total"]["cases"], count["caveats"]["withheld"]) == (1, 1)
    assert [group["by"]["gender"] for group in count["groups"]] == ["withheld"]


def test_only_a_guardians_consent_opens_more_than_counts(world: World) -> None:
    child = world.file("foro", detainee__birth_date="2008-03-01")["detainee"]["id"]
    consent = {"publish": "named", "given_by": "detainee", "given_on": "2026-02-01"}
    world.refuse(
        world.post(f"/v1/detainees/{child}/consent", consent, "curator"), 422, "guardian_required", "/given_by"
    )
    assert world.get("/v1/detainees").json()["data"] == []
    assert (
        world.post(f"/v1/detainees/{child}/consent", {**consent, "given_by": "guardian"}, "curator").status_code == 200
    )
    assert [one["id"] for one in world.get("/v1/detainees").json()["data"]] == [child]


def test_anyone_may_close_what_is_shown_of_a_minor(world: World) -> None:
    child = world.file("foro", detainee__birth_date="2008-03-01")["detainee"]["id"]
    consent = {"publish": "counted", "given_by": "lawyer", "given_on": "2026-02-01"}
    assert world.post(f"/v1/detainees/{child}/consent", consent, "curator").status_code == 200


def shown(world: World) -> list[Any]:
    """What anyone can read."""
    lists = [world.get(f"/v1/{name}").json()["data"] for name in ("detainees", "detentions", "releases")]
    dimensions = ("source", "age_group", "gender", "status")
    return [*lists, *(world.count(group_by=name) for name in dimensions), world.count(net=True)]


def test_nothing_changes_by_the_passing_of_time_alone(world: World) -> None:
    """Thirty years on, the child of then is still withheld, the man of 54 is still 54, the held are still held."""
    world.file("foro")
    world.file("jep", detainee__full_name="Berta Solano Ugas", detainee__birth_date="2008-03-01")
    world.file_detention("pud", detainee__full_name="Casilda Prieto Roa", detainee__birth_date="1958")
    now = shown(world)
    assert [len(now[0]), now[0][0]["age"], now[0][1]["state"]] == [2, 54, "held"]
    world.now += YEARS
    assert shown(world) == now
    with open_write_session(world.engine) as session:
        rebuild_tables(session)
    assert shown(world) == now


UNDATED: Body = {
    "detainee": {"full_name": "Elio Sanz Mora", "birth_date": "2012-05-01", "publish": "named"},
    "detention": {"country": "VE", "facility": "El Rodeo I"},
}


def test_where_no_day_is_said_the_day_of_filing_tells(world: World) -> None:
    """Whoever is under 18 when reported was under 18 when detained."""
    assert world.post("/v1/detentions", UNDATED, "foro").json()["detainee"]["publish"] == "counted"
    assert world.get("/v1/detainees").json()["data"] == []


def test_the_same_list_sent_again_when_the_child_has_grown_changes_nothing(world: World) -> None:
    body = {**UNDATED, "source_record_id": "FP-1"}
    first = world.post("/v1/detentions", body, "foro").json()
    world.now += YEARS
    with open_write_session(world.engine) as session:
        world.keys["foro"] = api_keys.create_key(session, Role.REPORTER, "foro", 365, world.now)
    again = world.post("/v1/detentions", body, "foro")
    assert (again.status_code, again.json()["receipt"]) == (200, first["receipt"])
    report = f"/v1/reports/{first['report']['id']}"
    corrected = world.client.patch(report, json={"detention": {"facility": "Zona 7"}}, headers=world.headers("foro"))
    assert corrected.json()["detainee"]["publish"] == "counted"
    assert world.get("/v1/detainees").json()["data"] == []


def test_a_birth_that_one_report_gives_and_a_detention_that_another_gives_make_a_minor(world: World) -> None:
    """Each of the two reports alone could be of an adult."""
    born = {"full_name": "Elio Sanz Mora", "birth_date": "2007-05-01", "publish": "named"}
    person = {**UNDATED, "detainee": born}
    known = world.post("/v1/detentions", person, "foro").json()["detainee"]
    assert known["publish"] == "named"
    body = {"detainee_id": known["id"], "detention": {"detained_on": "2025-01-10"}}
    assert world.post("/v1/detentions", body, "jep").status_code == 201
    assert world.get("/v1/detainees").json()["data"] == []
    consent = {"publish": "named", "given_by": "detainee", "given_on": "2026-02-01"}
    path = f"/v1/detainees/{known['id']}/consent"
    world.refuse(world.post(path, consent, "curator"), 422, "guardian_required", "/given_by")


def test_an_age_is_told_for_the_day_of_release_and_not_for_today() -> None:
    born = statement(
        1, detainee__birth_date="1971-01-12", detention__detained_on="2024-10-13", release__released_on="2026-01-11"
    )
    assert row_of([born], DetaineePersonal)["facts"]["age"]["value"] == 54


AGED: Body = {
    "source_record_id": "FP-9",
    "detainee": {"full_name": "Irma Celis Pardo", "age": 19, "publish": "named"},
    "detention": {"country": "VE", "facility": "El Rodeo I", "detained_on": "2024-01-10"},
}


def aged(**changes: Any) -> Body:
    """Somebody detained in January 2024 with an age; `age=30` says another one."""
    return {**AGED, "detainee": {**AGED["detainee"], **changes}}


def test_an_age_without_a_day_is_evidence_of_a_span_from_the_first_day_spoken_of_to_the_day_of_filing() -> None:
    content = add_age_span(said(detainee__age=30, detention__detained_on="2024-01-10"), "2026-03-01")
    born = find_birth(content)
    assert born is not None
    assert (born.first.isoformat(), born.last.isoformat()) == ("1993-01-11", "1996-03-01")
    assert find_birth(add_age_span(said(detainee__age=30), "2026-03-01")) is None  # it speaks of no day
    died = add_age_span(said(detainee__age=30, detention__ended={"on": "2020-05", "how": "died"}), "2026-03-01")
    assert died[AGE_SPAN] == "2020-05-01/2026-03-01"


def test_a_single_report_whose_age_may_be_a_childs_or_an_adults_is_asked_for_its_day(world: World) -> None:
    refusal = world.refuse(world.post("/v1/detentions", aged(), "foro"), 422, "age_needs_day", "/detainee/age_on")
    assert refusal["code"] == "age_needs_day"
    at_arrest = world.post("/v1/detentions", aged(age_on="2024-01-10"), "foro").json()
    assert (at_arrest["detainee"]["publish"], at_arrest["detainee"]["name"]) == ("named", "Irma Celis Pardo")


def test_an_age_of_now_is_that_of_the_day_of_first_filing(world: World) -> None:
    body = aged(age_on="filed")
    first = world.post("/v1/detentions", body, "foro").json()
    assert first["detainee"]["publish"] == "counted"  # 19 on 1 March 2026, and so 16 or 17 when detained
    world.now += timedelta(days=300)
    assert world.post("/v1/detentions", body, "foro").json()["receipt"] == first["receipt"]
    own = world.get(f"/v1/reports/{first['report']['id']}", "foro").json()
    assert own["detainee"]["age_on"] == "filed"


@pytest.mark.parametrize("age, publish", [(17, "counted"), (40, "named")])
def test_who_was_a_child_or_an_adult_on_every_day_of_the_span_needs_no_day(
    world: World, age: int, publish: str
) -> None:
    assert world.post("/v1/detentions", aged(age=age), "foro").json()["detainee"]["publish"] == publish


def test_the_same_age_sent_again_years_later_changes_nothing(world: World) -> None:
    first = world.post("/v1/detentions", aged(age=40), "foro").json()
    world.now += timedelta(days=340)
    again = world.post("/v1/detentions", aged(age=40), "foro")
    assert (again.status_code, again.json()["receipt"]) == (200, first["receipt"])
    moved = {**aged(age=40), "detention": {**AGED["detention"], "held_on": "2026-12"}}
    assert world.post("/v1/detentions", moved, "foro").status_code == 200
    with open_read_session(world.engine) as session:
        record = session.scalars(select(Record)).one()
        assert load_version(session, record).content[AGE_SPAN] == "2024-01-10/2026-03-01"


def test_an_age_first_said_in_a_later_version_is_of_a_day_until_then(world: World) -> None:
    world.post("/v1/detentions", aged(age=None), "foro")
    world.now += timedelta(days=340)
    world.post("/v1/detentions", aged(age=40), "foro")
    with open_read_session(world.engine) as session:
        record = session.scalars(select(Record)).one()
        assert load_version(session, record).content[AGE_SPAN] == "2024-01-10/2027-02-04"


def test_a_row_that_stood_before_ages_had_spans_stays_counted_until_it_is_answered(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(content_module, "add_age_span", lambda said, _filed: said)
        older.setattr(classes, "is_minor", lambda said, _today=None: "detainee.age" in said)
        first = world.post("/v1/detentions", aged(), "foro").json()
    assert first["detainee"]["publish"] == "counted"
    assert world.post("/v1/detentions", aged(), "foro").json()["receipt"] == first["receipt"]
    moved = {**aged(), "detention": {**AGED["detention"], "facility": "Yare"}}
    assert world.post("/v1/detentions", moved, "foro").json()["detainee"]["publish"] == "counted"
    answered = world.post("/v1/detentions", aged(age_on="2024-01-10"), "foro").json()
    assert answered["detainee"]["publish"] == "named"


def test_a_day_given_with_a_verdict_may_ask_for_the_day_of_the_age(world: World) -> None:
    """The age was filed without any day; the day of release makes a span of it, in which a child became of age."""
    undated = aged(age=18) | {"detention": {"country": "VE"}}
    world.post("/v1/detentions", undated, "foro")
    filed = world.post("/v1/releases", undated | {"release": {"kind": "pardon"}}, "foro").json()
    path = f"/v1/releases/{filed['release']['id']}/verifications"
    verdict = {"verdict": "verified", "method": "family", "released_on": "2025-01-10"}
    world.refuse(world.post(path, verdict, "foro"), 422, "age_needs_day", "/detainee/age_on")
