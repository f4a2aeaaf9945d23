"""Who is behind the counts of the replay: each invented person once, and every published figure as a claim."""

from collections import defaultdict
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import Session, col

from app.db.engine import open_read_session
from app.demo.cases import build_case_drafts
from app.demo.people import UNRELEASED_IDS, build_people
from app.demo.plan import index_filing_times, plan_filings
from app.demo.run import build_events
from app.models import OPEN, CaseKey, Claim, Placement, Record, Source
from app.registry.records import digest_case
from tests.demo.conftest import Replayed

Answer = dict[str, Any]


def people_of_the_plan() -> dict[tuple[str, str], str]:
    """Whom each record is about, by source and case number: `person 178`, or `roberto`, of whom there is no more."""
    drafts = {draft.filed_at: draft.record.partition(",")[0] for draft in build_case_drafts(index_filing_times())}
    at = drafts | {filing.filed_at: f"person {filing.person}" for filing in plan_filings()}
    return {(event.source, event.body["source_record_id"]): at[event.filed_at] for event in build_events()}


def detainees(session: Session, secret: bytes) -> dict[tuple[str, str], int]:
    """Whom the registry takes each record to be about."""
    sources = session.execute(select(col(Source.slug), col(Source.key)).where(col(Source.until) == OPEN))
    keys = {row.slug: row.key for row in sources}
    placed = session.execute(
        select(col(CaseKey.digest), col(Placement.detainee))
        .join(Record, col(Record.id) == col(CaseKey.record_id))
        .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
    )
    found = {row.digest: row.detainee for row in placed}
    return {(source, case): found[digest_case(secret, keys[source], case)] for source, case in people_of_the_plan()}


def test_each_person_of_the_plan_is_one_detainee_and_nobody_is_somebody_else(replayed: Replayed) -> None:
    plan = people_of_the_plan()
    with open_read_session(replayed.engine) as session:
        held_as = detainees(session, replayed.secret)
    found: defaultdict[str, set[int]] = defaultdict(set)
    for record, person in plan.items():
        found[person].add(held_as[record])
    assert len(found) == len(build_people()) + 1  # and Roberto, whose surname nobody confirmed
    assert [person for person, ids in found.items() if len(ids) != 1] == []
    assert len({detainee for ids in found.values() for detainee in ids}) == len(found)


def test_every_report_of_a_person_is_on_that_person(replayed: Replayed) -> None:
    written: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for record, person in people_of_the_plan().items():
        written[person].add(record)
    with open_read_session(replayed.engine) as session:
        held_as = detainees(session, replayed.secret)
        numbers = session.execute(select(col(Placement.detainee)).where(col(Placement.until) == OPEN)).scalars().all()
    for records in written.values():
        detainee = held_as[next(iter(records))]
        assert numbers.count(detainee) == len(records)


def test_who_was_never_verified_out_is_in_the_registry_all_the_same(replayed: Replayed) -> None:
    everyone = {person for person in people_of_the_plan().values() if person != "roberto"}
    assert everyone == {f"person {person.id}" for person in build_people()}
    assert {f"person {number}" for number in UNRELEASED_IDS} <= everyone


@pytest.fixture
def argentine_israeli(replayed: Replayed) -> tuple[Answer, Answer]:
    """The man of 72 from El Rodeo I: his release and himself."""
    found = replayed.get("/v1/releases", nationality="IL")["data"]
    assert len(found) == 1
    return found[0], replayed.get(f"/v1/detainees/{found[0]['detainee_id']}")


def test_the_argentine_israeli_of_72_is_in_it_without_a_name(argentine_israeli: tuple[Answer, Answer]) -> None:
    release, man = argentine_israeli
    assert (man["publish"], man["name"], man["age"], man["nationalities"]) == ("anonymous", None, 72, ["AR", "IL"])
    assert "full_name" not in man["facts"]
    assert (release["released_on"], release["facility"], release["stage"]) == (
        "2026-01-12",
        "el-rodeo-i",
        "carried_out",
    )


def test_his_one_release_is_verified_by_three_lists_and_a_foreign_ministry(
    replayed: Replayed, argentine_israeli: tuple[Answer, Answer]
) -> None:
    release, man = argentine_israeli
    assert [spell["release_id"] for spell in man["detentions"]] == [release["id"]]
    assert release["status"] == "verified"
    assert release["verified_by"] == ["cancilleria-argentina", "foro-penal", "jep", "pud"]
    verdicts = replayed.get(f"/v1/releases/{release['id']}/verifications")["data"]
    independent = {one["source"]: one["independent"] for one in verdicts if one["verdict"] == "verified"}
    assert independent == {"cancilleria-argentina": False, "foro-penal": True, "jep": True, "pud": True}


def test_each_day_of_his_arrest_stands_beside_who_printed_it(argentine_israeli: tuple[Answer, Answer]) -> None:
    _release, man = argentine_israeli
    (spell,) = man["detentions"]
    said = {one["value"]: one["by"] for one in spell["facts"]["detained_on"]["said"]}
    assert said == {"2024-10-13": ["foro-penal"], "2024-09-04": ["jep"], "2024": ["pud"]}
    assert spell["detained_on"] == "2024-09-04"


@pytest.fixture
def claims(replayed: Replayed) -> dict[str, Answer]:
    """Every claim by its number in the file, which is for nobody's eyes but the curator's who filed it."""
    found = replayed.get("/v1/claims", limit=200)
    assert found["next"] is None
    with open_read_session(replayed.engine) as session:
        numbers = {str(claim.id): str(claim.source_record_id) for claim in session.scalars(select(Claim))}
    return {numbers[claim["id"]]: claim for claim in found["data"]}


def test_all_ninety_published_figures_are_claims(claims: dict[str, Answer]) -> None:
    assert len(claims) == 90


@pytest.mark.parametrize("key, qualifier, low, high", [
    ("cl018", "exactly", 56, 56),
    ("cl021", "more_than", 401, None),
    ("cl022", "between", 60, 70),
    ("s03", "fewer_than", None, 57),
    ("v06", "unquantified", None, None),
    ("v03", "at_least", 63, None),
    ("v14", "about", 50, 50),
])  # fmt: skip
def test_a_claim_keeps_what_its_words_leave_open(
    claims: dict[str, Answer], key: str, qualifier: str, low: int | None, high: int | None
) -> None:
    claim = claims[key]
    assert (claim["qualifier"], claim["low"], claim["high"]) == (qualifier, low, high)


def test_a_figure_corrected_supersedes_the_one_before(claims: dict[str, Answer]) -> None:
    assert claims["cl047"]["low"] == 104
    assert claims["cl047"]["supersedes"] == [claims["cl046"]["id"]]
    assert claims["cl046"]["low"] == 80


def test_the_ministrys_total_is_the_sum_of_its_batches(claims: dict[str, Answer]) -> None:
    whole = {"claim": claims["v11"]["id"], "partition": "batches"}
    parts = [claim["low"] for claim in claims.values() if whole in claim["part_of"]]
    assert (sorted(parts), claims["v11"]["low"]) == ([88, 99, 116], 303)


def test_less_than_half_of_the_ministrys_figure_points_at_that_figure(claims: dict[str, Answer]) -> None:
    assert claims["s03"]["derived_from"] == claims["cl014"]["id"]
    assert claims["cl014"]["low"] == 116


def test_a_claim_says_when_in_which_zone_and_over_which_window_it_was_stated(claims: dict[str, Answer]) -> None:
    assert (claims["cl018"]["stated_at"], claims["cl018"]["zone"]) == ("2026-01-13", "-04:00")
    assert claims["cl018"]["window_from"] == "2026-01-08"
    assert claims["v12"]["stated_at"] == "2026-01-12T16:00:00-04:00"
