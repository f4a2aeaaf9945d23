"""`recuento freeze`: the operator stops changes on the machine itself, and `recuento status` says so."""

import json

from tests.cli.test_commands import Run, add_source, recuento, refused
from tests.support import World

__all__ = ["recuento"]


def test_the_operator_freezes_the_registry_and_ends_it(recuento: Run) -> None:
    key = recuento("key", "create", "--holder", "Ana Pérez", "--role", "curator").out.strip()
    assert "recuento freeze --end" in recuento("freeze").err
    assert "frozen" in refused(add_source(recuento))
    assert recuento("key", "revoke", key.removeprefix("rcn_")[:8]).status == 0
    told = json.loads(recuento("status", "--json").out)["freeze"]
    assert (told["until"], told["by"]) == (None, None)
    assert "FROZEN since" in recuento("status").out
    assert recuento("freeze", "--end").status == 0
    assert add_source(recuento).status == 0
    assert json.loads(recuento("status", "--json").out)["freeze"] is None


def test_a_freeze_by_a_key_is_told_with_the_key_and_ended_on_the_machine(world: World, recuento: Run) -> None:
    world.post("/v1/freeze", None, "admin")
    assert f"with key {world.keys['admin'][4:12]}" in recuento("status").out
    recuento("freeze", "--end")
    world.file()
