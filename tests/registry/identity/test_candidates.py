"""Whom a new report is compared with, and who among them may not be tied in silence."""

import json

import pytest

from app.db.engine import open_write_session
from app.log.content import flatten_body
from app.registry.identity import candidates, record_linkage
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext
from app.vocabulary import Role
from tests.support import GOVERNMENT, Body, World, make_report

HERS = "Andrés Lugo Marcano Soto"


def filed(world: World, how: str, who: str = "foro", **said: object) -> str:
    """What the matcher makes of a report, sent alone or as a list of one row."""
    if how == "alone":
        return str(world.file(who, **said)["match"]["outcome"])
    counts: dict[str, int] = world.send_list(json.dumps(make_report(**said)) + "\n", who)["counts"]
    return next(outcome for outcome, number in counts.items() if number)


@pytest.mark.parametrize("how", ["alone", "as a row"])
@pytest.mark.parametrize(
    "contradiction",
    [
        ({"detainee__nationalities": ["AR"]}, {"detainee__nationalities": ["IL"]}),
        ({"detainee__gender": "male"}, {"detainee__gender": "female"}),
        ({"detainee__birth_date": "1950"}, {"detainee__birth_date": "1990"}),
    ],
)
@pytest.mark.parametrize(
    "name, turned",
    [
        ("Juan Pérez Rodríguez", "Pérez Rodríguez Juan"),
        ("María Rodríguez", "Rodríguez María"),
        ("Juan Carlos Pérez Rodríguez", "Pérez Rodríguez, Juan Carlos"),
    ],
)
def test_the_very_same_name_waits_for_a_curator_in_whatever_order_and_whatever_contradicts(
    world: World, name: str, turned: str, contradiction: tuple[Body, Body], how: str
) -> None:
    one, other = contradiction
    world.file("jep", detainee__full_name=name, **one)
    assert filed(world, how, detainee__full_name=turned, source_record_id="B-1", **other) == "needs_review"


def test_nobody_is_tied_to_a_person_of_whom_another_record_says_that_it_is_somebody_else(world: World) -> None:
    alike = world.file("jep")
    other = world.file("pud", detainee__full_name="Tomás Quintana Mora", detainee__gender="female")
    world.judge(alike["detainee"]["id"], other["detainee"]["id"], "same")
    assert filed(world, "alone") == "needs_review"


def test_a_report_that_calls_two_people_by_one_anothers_names_does_not_make_them_one(world: World) -> None:
    names = "Andrés Lugo Marcano", "Berta Solano Ugas", "Celso Montes Ceca"
    births = "1971", "1990", "1955"
    wave = "2026-01-08/2026-02-05"
    world.file("jep", detainee__full_name=names[0], detainee__aliases=list(names[1:]), release__released_on=wave)
    outcomes = [
        filed(world, "alone", who, detainee__full_name=name, detainee__birth_date=birth, source_record_id=f"Z-{birth}")
        for who, name, birth in zip(("foro", "pud", "foro"), names, births, strict=True)
    ]
    assert outcomes == ["linked", "needs_review", "needs_review"]
    assert len(world.get("/v1/detainees").json()["data"]) == 3


@pytest.mark.parametrize(
    "his, hers",
    [({}, {"detainee__gender": "female"}), ({"detainee__birth_date": "1950"}, {"detainee__birth_date": "1990"})],
)
def test_one_identification_number_is_shown_to_a_curator_whatever_else_contradicts(
    world: World, his: Body, hers: Body
) -> None:
    world.file("jep", detainee__national_id="V-12345678", **his)
    said = {"detainee__national_id": "V-12345678", "detainee__full_name": HERS, **hers}
    assert filed(world, "alone", **said) == "needs_review"


def test_a_state_has_few_of_the_places_of_those_compared_and_leaves_the_others_theirs(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "MAX_DEPENDENT_CANDIDATES", 2)
    monkeypatch.setattr("app.matching.blocking.MAX_CANDIDATES", 3)
    for who, number in ((GOVERNMENT, 4), ("jep", 4)):
        for year in range(number):
            world.file(who, source_record_id=f"P-{year}", detainee__birth_date=str(1940 + 10 * year))
    with open_write_session(world.engine) as session:
        foro = Reader(Role.REPORTER, 1, "foro", independent=True)
        context = WriteContext(session, foro, world.now, world.app.state.secret)
        near = record_linkage.find_candidates(context, flatten_body(make_report()))
        of_a_state = [one for one in near if not context.views.sources[one.record.source].independent]
    assert (len(of_a_state), len(near)) == (2, 5)
