"""Ids of detentions and releases derive from the earliest report of their detention."""

from typing import Any

from httpx2 import Response

from app.db.engine import open_write_session
from app.models import Detention, Release
from app.registry.apply import rebuild_tables
from tests.registry.statements import held, out, rows_of
from tests.support import Body, World

BERTA: dict[str, Any] = {"detainee__full_name": "Berta Solano Ugas", "detainee__birth_date": "1990"}
KINDS = ("detainee", "detention", "release")


def path(kind: str, thing_id: str) -> str:
    return f"/v1/{kind}s/{thing_id}"


def ask(world: World, kind: str, thing_id: str, **params: Any) -> Response:
    """Without following where it points."""
    return world.client.get(path(kind, thing_id), params=params, follow_redirects=False)


def judge_same(world: World, a: Body, b: Body) -> Body:
    body = {"a": a["detainee"]["id"], "b": b["detainee"]["id"], "judgement": "same", "reason": "the family says so"}
    response = world.post("/v1/identity", body, "curator")
    assert response.status_code == 201, response.text
    return dict(response.json())


def undo(world: World, decision: Body) -> None:
    response = world.client.delete(f"/v1/identity/{decision['id']}", headers=world.headers("curator"))
    assert response.status_code == 200, response.text


def test_ids_derive_from_the_earliest_report_of_the_spell() -> None:
    """By record key, which is the revision it came with: a correction makes no report younger."""
    said = [
        out(3, "foro", "2025-06-01", "2024-10-13"),
        out(7, "jep", "2025-06-01", "2024-10-13", revision=9),
        held(5, "pud", "2025-09-01"),
    ]
    assert [row["spell"] for row in rows_of(said, Detention)] == [3, 5]
    assert [row["spell"] for row in rows_of(said, Release)] == [3]


def test_a_second_source_does_not_change_the_ids(world: World) -> None:
    first, second = world.file("foro"), world.file("jep")
    assert [second[kind]["id"] for kind in KINDS] == [first[kind]["id"] for kind in KINDS]


def test_the_three_ids_of_a_report_are_not_one(world: World) -> None:
    filed = world.file()
    assert len({filed[kind]["id"] for kind in KINDS} | {filed["report"]["id"]}) == 4


def test_a_rebuild_gives_the_same_ids(world: World) -> None:
    filed = [world.file("foro", source_record_id="1"), world.file("jep", **BERTA), world.file_detention("pud", **BERTA)]
    judge_same(world, filed[0], filed[1])
    shown = {kind: world.get(f"/v1/{kind}s").json()["data"] for kind in KINDS}
    with open_write_session(world.engine) as session:
        rebuild_tables(session)
    assert {kind: world.get(f"/v1/{kind}s").json()["data"] for kind in KINDS} == shown


def test_an_id_names_whatever_spell_holds_its_report_at_that_revision(world: World) -> None:
    """Jep's report turns out to be of an earlier detention: its release id goes with it, in the present only."""
    person = world.file("foro", detention__detained_on="2024-10-13", release__released_on="2025-06-01")["detainee"][
        "id"
    ]
    second = {"detained_on": "2025-09-01", "country": "VE"}
    jep = world.file("jep", detainee_id=person, detention=second, source_record_id="J-1")
    release, then = jep["release"]["id"], jep["receipt"]["revision"]
    assert jep["release"]["released_on"] == "2026-01-12"
    first = {**second, "detained_on": "2022-03-01"}
    world.file("jep", source_record_id="J-1", detention=first, release__released_on="2023-03-01")
    assert ask(world, "release", release).json()["released_on"] == "2023-03-01"
    assert ask(world, "release", release, as_of=then).json()["released_on"] == "2026-01-12"


def test_a_record_says_when_a_correction_moved_it(world: World) -> None:
    """Pud's report came first of its spell; corrected, it is of foro's, and corrected back, of its own again."""
    foro = world.file("foro", detention__detained_on="2024-10-13", release__released_on="2025-06-01")
    person = foro["detainee"]["id"]
    own = {"detained_on": "2025-09-01", "country": "VE"}
    pud = world.file("pud", detainee_id=person, detention=own, source_record_id="P-1")
    assert (pud["release"]["moved_at"], pud["detention"]["moved_at"]) == ([], [])
    theirs = {"detained_on": "2024-10-13", "country": "VE"}
    away = world.file("pud", source_record_id="P-1", detention=theirs, release__released_on="2025-06-01")
    moved = ask(world, "release", pud["release"]["id"])
    assert (moved.status_code, moved.headers["location"]) == (308, path("release", foro["release"]["id"]))
    # A record whose detention begins after its own release is refused: the release becomes an order first.
    ordered = {"stage": "ordered", "ordered_on": "2025-05-30"}
    world.file("pud", source_record_id="P-1", detention=theirs, release=ordered)
    back = world.file("pud", source_record_id="P-1", detention=own)
    assert back["release"]["id"] == pud["release"]["id"]
    revisions = [away["receipt"]["revision"], back["receipt"]["revision"]]
    assert ask(world, "release", pud["release"]["id"]).json()["moved_at"] == revisions
    assert ask(world, "detention", pud["detention"]["id"]).json()["moved_at"] == revisions


def test_an_id_absorbed_by_a_merge_answers_308_to_the_standing_one_at_the_head(world: World) -> None:
    one, two = world.file("foro"), world.file("jep", **BERTA)
    judge_same(world, one, two)
    for kind in KINDS:
        assert ask(world, kind, one[kind]["id"]).status_code == 200
        absorbed = ask(world, kind, two[kind]["id"])
        assert absorbed.status_code == 308
        assert absorbed.headers["location"] == path(kind, one[kind]["id"])
        assert absorbed.headers["content-type"] == "application/problem+json"


def test_it_answers_200_with_an_as_of_before_the_merge(world: World) -> None:
    one, two = world.file("foro"), world.file("jep", **BERTA)
    judge_same(world, one, two)
    for kind in KINDS:
        before = ask(world, kind, two[kind]["id"], as_of=two["receipt"]["revision"])
        assert before.status_code == 200
        assert before.json()["id"] == two[kind]["id"]


def test_it_stands_again_after_undo(world: World) -> None:
    one, two = world.file("foro"), world.file("jep", **BERTA)
    before = {kind: ask(world, kind, two[kind]["id"]).json() for kind in KINDS}
    decision = judge_same(world, one, two)
    undo(world, decision)
    for kind in KINDS:
        after = ask(world, kind, two[kind]["id"])
        assert after.status_code == 200
        moved = {"at", "revision", "recorded_at", "moved_at", "detentions"}
        same = {name: value for name, value in after.json().items() if name not in moved}
        assert same == {name: before[kind][name] for name in same}


def test_a_chain_of_merges_answers_with_the_one_that_stands(world: World) -> None:
    one, two = world.file("foro"), world.file("jep", **BERTA)
    three = world.file("pud", detainee__full_name="Casilda Prieto Roa", detainee__birth_date="1958")
    judge_same(world, two, three)
    judge_same(world, three, one)
    for absorbed in (two, three):
        assert ask(world, "detainee", absorbed["detainee"]["id"]).headers["location"] == (
            path("detainee", one["detainee"]["id"])
        )


def test_an_id_is_unknown_before_its_report(world: World) -> None:
    before = world.file("foro")["receipt"]["revision"]
    later = world.file("jep", **BERTA)
    for kind in KINDS:
        world.refuse(ask(world, kind, later[kind]["id"], as_of=before), 404, "not_found")
