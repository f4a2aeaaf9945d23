"""Receipts tell rows that name a place which nobody has registered, and keep no name of a place."""

from typing import Any

from sqlalchemy import select
from sqlmodel import col

from app.db.engine import open_read_session
from app.imports.filing import import_store
from app.models import ListImport, Record
from tests.support import Body, World

HEAD = "código;nombre;fecha de detención;centro de reclusión;país\n"
PLACES = ("El Rodeo I", "Tocorón", "", "Yare II", "Ramo Verde", "el rodeo i")
LIST = HEAD + "".join(f"P-{n};Persona {'ABCDEF'[n]} Rey;2025;{place};VE\n" for n, place in enumerate(PLACES))


def warned(receipt: Body) -> list[tuple[str, int, list[tuple[int, Any]]]]:
    return [
        (one["code"], one["count"], [(example["row"], example["value"]) for example in one["examples"]])
        for one in receipt["warnings"]
    ]


def again(world: World, receipt: Body, **asked: str) -> Body:
    return dict(world.get(f"/v1/imports/{receipt['id']}", "foro", **asked).json())


def test_rows_that_name_a_place_nobody_registered_are_told_with_what_they_call_it(world: World) -> None:
    world.add_facility()
    receipt = world.send_list(LIST)
    named = [(3, "Tocorón"), (5, "Yare II"), (6, "Ramo Verde")]
    assert warned(receipt) == [("unregistered_facility", 3, named)]
    assert "a curator" in receipt["warnings"][0]["detail"]
    assert "curaduría" in again(world, receipt, lang="es")["warnings"][0]["detail"]
    assert warned(world.send_list(LIST)) == warned(receipt)  # every row is unchanged, and its place still unknown


def test_an_import_keeps_no_name_of_a_place_and_none_that_was_erased_or_registered_is_told(world: World) -> None:
    receipt = world.send_list(LIST)
    assert warned(receipt) == [("unregistered_facility", 5, [(2, "El Rodeo I"), (3, "Tocorón"), (5, "Yare II")])]
    with open_read_session(world.engine) as session:
        kept = import_store.read_sealed_column(
            world.app.state.secret, session.scalars(select(ListImport)).one(), "told"
        )
    assert not any(place in str(kept) for place in PLACES if place)
    assert kept["unregistered"] == {"count": 5, "rows": [2, 3, 5]}
    world.add_facility()
    assert warned(again(world, receipt)) == [
        ("unregistered_facility", 5, [(2, None), (3, "Tocorón"), (5, "Yare II")]),
    ]
    with open_read_session(world.engine) as session:
        second = session.scalars(select(Record).order_by(col(Record.key))).all()[1]
    world.redact(str(second.detainee_id))
    assert warned(again(world, receipt)) == [("unregistered_facility", 5, [(2, None), (3, None), (5, "Yare II")])]


def test_a_trial_tells_the_rows_and_what_is_registered_is_told_of_nobody(world: World) -> None:
    tried = world.send_list(LIST, dry_run=True)
    assert warned(tried) == [("unregistered_facility", 5, [(2, None), (3, None), (5, None)])]
    world.add_facility()
    assert world.send_list(HEAD + "P-1;Ana Ruz;2025;El Rodeo I;VE\nP-2;Eva Sol;2025;;VE\n")["warnings"] == []


def test_a_strict_list_tells_the_rows_of_the_run_and_not_those_of_its_trial_too(world: World) -> None:
    receipt = world.send_list(LIST, strict=True)
    assert warned(receipt)[0][:2] == ("unregistered_facility", 5)
