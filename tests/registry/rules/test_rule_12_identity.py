"""Rule 12: who may tie people together."""

import hashlib
import uuid
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.db.engine import open_read_session
from app.models import OPEN, Decision, Record
from app.registry.identity.clusters import Edge, find_contradiction, resolve_clusters
from tests.support import Body, World, make_report

A, B, C, D = (uuid.UUID(int=number) for number in range(1, 5))

BERTA: dict[str, Any] = {"detainee__full_name": "Berta Solano Ugas", "detainee__birth_date": "1990"}


def edge(a: uuid.UUID, b: uuid.UUID, judgement: str = "same", by: str = "matcher", score: int = 800) -> Edge:
    key = a.int * 10 + b.int
    return Edge(key, uuid.UUID(int=key), a, b, judgement, by, score)


def decisions(world: World) -> list[tuple[str, str]]:
    """The standing decisions, oldest first: judgement and by whom."""
    with open_read_session(world.engine) as session:
        rows = session.execute(
            select(col(Decision.judgement), col(Decision.decided_by))
            .where(col(Decision.until) == OPEN)
            .order_by(col(Decision.key))
        )
        return [(judgement, by) for judgement, by in rows]


def people(world: World) -> set[str]:
    return {one["id"] for one in world.get("/v1/detainees").json()["data"]}


def own_detainee(world: World, who: str) -> str:
    """The id of a detainee that derives from a source's only report, absorbed or not."""
    with open_read_session(world.engine) as session:
        (report,) = world.get("/v1/reports", who).json()["data"]
        found = session.scalars(select(col(Record.detainee_id)).where(col(Record.id) == uuid.UUID(report["id"])))
        return str(found.one())


def judge(world: World, a: Body, b: Body, judgement: str = "same") -> Any:
    body = {
        "a": a["detainee"]["id"],
        "b": b["detainee"]["id"],
        "judgement": judgement,
        "reason": "their families say so",
    }
    return world.post("/v1/identity", body, "curator")


def test_the_matcher_ties_a_new_report_by_one_edge_to_one_person(world: World) -> None:
    world.file("foro")
    world.file("jep")
    assert world.file("pud")["match"]["outcome"] == "linked"
    assert decisions(world) == [("same", "matcher")] * 2
    assert len(people(world)) == 1


def test_a_report_that_fits_two_people_is_tied_to_neither(world: World) -> None:
    first, second = world.file("foro"), world.file("foro", source_record_id="another of that name")
    assert first["detainee"]["id"] != second["detainee"]["id"]
    third = world.file("jep")
    assert third["match"]["outcome"] == "needs_review"
    assert len(third["match"]["candidates"]) == 2
    assert len(people(world)) == 3


def test_a_reporter_ties_a_new_report_by_pointing_at_one_person(world: World) -> None:
    known = world.file("foro")["detainee"]["id"]
    body = {"detainee_id": known, "release": {"released_on": "2026-01-13"}}
    filed = world.post("/v1/releases", body, "jep").json()
    assert (filed["match"]["outcome"], filed["detainee"]["id"]) == ("linked", known)
    assert decisions(world) == [("same", "reporter")]


def test_a_later_version_of_a_report_ties_nobody(world: World) -> None:
    """Corrected into somebody's double, it stays whose it is."""
    world.file("foro")
    other = world.file("jep", source_record_id="J-1", detainee__full_name="Tomás Barrios Peña")
    corrected = world.file("jep", source_record_id="J-1")
    assert corrected["detainee"]["id"] == other["detainee"]["id"]
    assert decisions(world) == []


def test_two_rows_of_one_list_are_never_tied_by_the_matcher(world: World) -> None:
    world.file("foro", source_record_id="row 1")
    again = world.file("foro", source_record_id="row 2")
    assert again["match"]["outcome"] == "needs_review"
    assert decisions(world) == [("unsure", "matcher")]
    assert len(people(world)) == 2


def test_two_rows_that_another_sources_report_already_holds_together_are_not_tied_through_it(world: World) -> None:
    world.file("jep")
    world.file("foro", source_record_id="row 1")
    assert world.file("foro", source_record_id="row 2")["match"]["outcome"] == "needs_review"


def test_only_curators_join_standing_people(world: World) -> None:
    one = world.file("foro")
    other = world.file("jep", source_record_id="J-1", **BERTA)
    pointed = {**make_report(**BERTA), "source_record_id": "J-1", "release_id": one["release"]["id"]}
    world.refuse(world.post("/v1/releases", pointed, "jep"), 409, "conflict")
    assert len(people(world)) == 2
    refused = world.post("/v1/identity", {"a": one["detainee"]["id"], "b": other["detainee"]["id"]}, "jep")
    assert refused.status_code in (403, 422)
    assert judge(world, one, other).status_code == 201
    assert people(world) == {one["detainee"]["id"]}


def test_curators_decisions_apply_first() -> None:
    """A curator's word of least score beats the matcher's surest."""
    told_apart = [edge(A, B, "different", "curator", 0), edge(A, B, score=1000)]
    assert sorted(map(sorted, resolve_clusters([A, B], told_apart))) == [[A], [B]]
    tied = [edge(A, B, by="curator", score=0), edge(A, C, "different", "curator", 0), edge(B, C, score=1000)]
    assert sorted(map(sorted, resolve_clusters([A, B, C], tied))) == [[A, B], [C]]


def test_automatic_edges_follow_by_score() -> None:
    apart = edge(A, C, "different", "curator")
    assert sorted(map(sorted, resolve_clusters([A, B, C], [apart, edge(A, B, score=900), edge(B, C, score=901)]))) == [
        [A],
        [B, C],
    ]
    assert sorted(map(sorted, resolve_clusters([A, B, C], [apart, edge(A, B, score=901), edge(B, C, score=900)]))) == [
        [A, B],
        [C],
    ]


def test_then_by_ids() -> None:
    apart = edge(A, C, "different", "curator")
    for edges in ([edge(A, B), edge(B, C)], [edge(C, B), edge(B, A)]):
        assert sorted(map(sorted, resolve_clusters([C, B, A], [apart, *edges]))) == [[A, B], [C]]


def test_an_automatic_edge_that_would_join_people_judged_different_is_void() -> None:
    """Even where neither end of it was judged: the people they belong to were."""
    edges = [edge(A, B, score=990), edge(C, D, score=980), edge(A, D, "different", "curator"), edge(B, C, score=970)]
    assert sorted(map(sorted, resolve_clusters([A, B, C, D], edges))) == [[A, B], [C, D]]


def test_people_judged_different_part_though_the_matcher_tied_them(world: World) -> None:
    """Two sources' reports that the matcher took for one man; then for a father and a son of one name."""
    father = world.file("foro")
    son = world.file("jep", source_record_id="J-1")
    assert son["match"]["outcome"] == "linked"
    absorbed = own_detainee(world, "jep")
    decided = {"a": father["detainee"]["id"], "b": absorbed, "judgement": "different", "reason": "father and son"}
    assert world.post("/v1/identity", decided, "curator").status_code == 201
    assert people(world) == {father["detainee"]["id"], absorbed}
    assert world.count()["total"]["cases"] == 2


def test_a_judgement_that_contradicts_curators_standing_ones_is_refused_with_the_chain(world: World) -> None:
    one, two, three = (
        world.file("foro"),
        world.file("jep", **BERTA),
        world.file("pud", detainee__full_name="Casilda Prieto Roa", detainee__birth_date="1958"),
    )
    first, second = judge(world, one, two), judge(world, two, three)
    problem = world.refuse(judge(world, one, three, "different"), 409, "contradicts_decisions")
    assert [link["id"] for link in problem["chain"]] == [first.json()["id"], second.json()["id"]]
    assert {link["reason"] for link in problem["chain"]} == {"their families say so"}
    undone = world.client.delete(f"/v1/identity/{second.json()['id']}", headers=world.headers("curator"))
    assert undone.status_code == 200
    assert judge(world, one, three, "different").status_code == 201
    problem = world.refuse(judge(world, one, three), 409, "contradicts_decisions")
    assert [link["judgement"] for link in problem["chain"]] == ["different"]


def test_the_chain_goes_through_the_people_between() -> None:
    edges = [edge(A, B, by="curator"), edge(B, C, "different", "curator"), edge(C, D, by="curator")]
    assert find_contradiction(edges, A, D, "same") == edges
    assert find_contradiction(edges, D, A, "same") == edges[::-1]
    assert find_contradiction(edges, A, B, "different") == edges[:1]


def test_automatic_edges_contradict_nothing() -> None:
    assert find_contradiction([edge(A, B, score=1000)], A, B, "different") == []


@pytest.mark.parametrize(
    "one, other, same",
    [
        ("V-12.345.678", "12345678", True),
        ("v 12 345 678", "V12345678", True),
        ("V-12.345.678", "V-12.345.679", False),
        ("AB-12345", "CD-12345", False),
    ],
)
def test_an_identification_number_is_the_same_however_it_is_written(
    world: World, one: str, other: str, same: bool
) -> None:
    world.file("foro", detainee__national_id=one)
    outcome = world.file("jep", detainee__national_id=other)["match"]["outcome"]
    assert outcome == ("linked" if same else "needs_review")
    stored = {digest for (digest,) in world.rows("SELECT key FROM blocking_key WHERE key LIKE 'i:%'")}
    assert len(stored) == (1 if same else 2)
    plain = {"".join(char for char in number if char.isdigit()) for number in (one, other)}
    guessed = {hashlib.sha256(number.encode()).hexdigest() for number in plain}
    assert not {digest.removeprefix("i:") for digest in stored} & (plain | guessed)
