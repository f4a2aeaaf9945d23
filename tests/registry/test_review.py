"""What waits for a curator: a pair waits while it is in doubt, no longer, and at every revision as it was then."""

import pytest

from app.db.engine import open_write_session
from app.registry.apply import rebuild_tables
from tests.support import Body, World


@pytest.fixture
def pair(world: World) -> tuple[str, str]:
    """Two people of one name whose births are four years apart."""
    first = world.file("foro")
    doubtful = world.file("jep", detainee__birth_date="1975", release__released_on="2026-01-10")
    assert doubtful["match"]["outcome"] == "needs_review"
    return first["detainee"]["id"], doubtful["detainee"]["id"]


def waiting(world: World, at: int | None = None) -> int:
    """How many pairs wait, as the count says; at the head the curator's list says the same."""
    if at is not None:
        return int(world.count(as_of=at)["caveats"]["possible_duplicates"])
    number = int(world.count()["caveats"]["possible_duplicates"])
    assert len(review(world)) == number
    return number


def review(world: World) -> list[Body]:
    """The pairs: releases that cannot both be right are listed for a curator beside them."""
    world.find_pairs()
    return [row for row in world.get("/v1/review", "curator").json()["data"] if row["kind"] == "pair"]


def undo(world: World, decision: str) -> None:
    response = world.client.delete(f"/v1/identity/{decision}", headers=world.headers("curator"))
    assert response.status_code == 200


def test_a_doubt_that_is_taken_back_waits_no_longer_and_did_then(world: World, pair: tuple[str, str]) -> None:
    then = world.revision
    undo(world, review(world)[0]["decision_id"])
    assert waiting(world) == 0
    assert waiting(world, then) == 1


@pytest.mark.parametrize("judgement", ["same", "different"])
def test_a_pair_that_is_judged_waits_no_longer_and_again_once_that_is_undone(
    world: World, pair: tuple[str, str], judgement: str
) -> None:
    decision = world.judge(*pair, judgement)
    judged = world.revision
    assert waiting(world) == 0
    undo(world, decision["id"])
    assert waiting(world) == 1
    assert [waiting(world, at) for at in (judged - 1, judged)] == [1, 0]


def test_a_rebuild_lets_the_same_pairs_wait(world: World, pair: tuple[str, str]) -> None:
    undo(world, review(world)[0]["decision_id"])
    world.file("pud", detainee__birth_date="1980", release__released_on="2026-01-10")
    before = [waiting(world, at) for at in range(world.revision + 1)]
    assert before[-1] > 0
    with open_write_session(world.engine) as session:
        rebuild_tables(session)
    assert [waiting(world, at) for at in range(world.revision + 1)] == before
