"""Undoing a list leaves no report in review that counted before it."""

from datetime import timedelta

import pytest

from app.registry.review import limits
from tests.imports.test_undo import undo_list
from tests.support import World

LIMIT = 4


@pytest.fixture(autouse=True)
def _limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DEFAULT_UNREVIEWED_LIMIT", LIMIT)


def build_list(held_on: str, facility: str, count: int = LIMIT + 2) -> str:
    names = ["".join(chr(97 + int(digit)) for digit in f"{number:04}") for number in range(count)]
    head = "source_record_id,full_name,country,detained_on,held_on,facility,verdict,method"
    rows = [f"F-{n},Nombre{n} Apellido{n} Prueba,VE,2024-08-01,{held_on},{facility},verified,family" for n in names]
    return "\n".join([head, *rows])


def read_states(world: World) -> list[str | None]:
    return sorted((report["review"] for report in world.get("/v1/reports", "foro", limit=200).json()["data"]), key=str)


@pytest.mark.parametrize("is_approved", [True, False])
@pytest.mark.parametrize("held_on, facility", [("2026-01-09", "Tocorón"), ("2026-01-02", "Tocorón"), ("", "")])
def test_what_counted_before_a_list_counts_after_it_is_undone(
    world: World, is_approved: bool, held_on: str, facility: str
) -> None:
    world.send_list(build_list("2026-01-02", ""))
    if is_approved:
        world.review()
    before = read_states(world)
    world.now += timedelta(days=7)
    undo_list(world, world.send_list(build_list(held_on, facility)))
    assert read_states(world) == before


def test_what_is_said_again_finds_its_place_taken(world: World) -> None:
    first = world.send_list(build_list("2026-01-02", "", LIMIT))
    assert first["awaiting_review"] == 0
    world.trust("foro", 0)
    changed = world.send_list(build_list("2026-01-09", "", LIMIT))
    assert changed["awaiting_review"] == LIMIT
    undo_list(world, changed)
    assert read_states(world) == ["awaiting_review"] * LIMIT
