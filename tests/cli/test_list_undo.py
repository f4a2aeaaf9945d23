"""`recuento import undo`: a trial, a question, and the list is undone, here or at a remote registry."""

import json
from functools import partial

import httpx2
import pytest
import typer

from app.imports.filing import undo
from tests.cli.test_commands import Run, recuento, refused
from tests.imports.test_undo import FIRST_LIST, SECOND_LIST, patch, report_of
from tests.support import Body, World

__all__ = ["recuento"]  # the fixture


@pytest.fixture
def receipt(world: World) -> Body:
    """The receipt of a list that gave two people a release and brought a third, and of which one was corrected."""
    world.send_list(FIRST_LIST)
    receipt = world.send_list(SECOND_LIST)
    patch(world, "U-1", {"release": {"released_on": "2026-01-14"}})
    return receipt


def is_undone(world: World) -> bool:
    return report_of(world, "U-2").get("release") is None


def test_a_trial_says_what_would_change_and_what_stays(recuento: Run, world: World, receipt: Body) -> None:
    ran = recuento("import", "undo", receipt["id"], "--dry-run", "--lang", "en")
    assert ran.status == 0
    assert "1 report as before the list." in ran.out
    assert "1 report that came with the list withdrawn." in ran.out
    assert "row 2 (Rosa Inés Valdivia): you changed it after this list, and it stays." in ran.out
    assert not is_undone(world)


def test_it_asks_before_it_acts(recuento: Run, world: World, receipt: Body, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_text: object, **_options: object) -> None:
        raise typer.Abort

    with monkeypatch.context() as asked:
        asked.setattr(typer, "confirm", refuse)
        assert recuento("import", "undo", receipt["id"]).status == 1
    assert not is_undone(world)
    ran = recuento("import", "undo", receipt["id"], "--yes", "--lang", "es")
    assert (ran.status, "La lista quedó deshecha:" in ran.out) == (0, True)
    assert is_undone(world)
    assert "There is nothing to undo." in recuento("import", "undo", receipt["id"], "--yes", "--lang", "en").out


def test_a_long_list_is_undone_in_parts(
    recuento: Run, world: World, receipt: Body, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undo, "MAX_BATCH_SECONDS", 0)
    answer = json.loads(recuento("import", "undo", receipt["id"], "--yes", "--json").out)
    assert (answer["restored"], answer["withdrawn"], answer["unchanged"]) == (1, 1, 1)
    assert is_undone(world)


def test_a_list_that_is_not_there_is_refused_in_one_line(recuento: Run, world: World) -> None:
    assert "no list with this id" in refused(recuento("import", "undo", "0" * 32))


def test_a_list_is_undone_at_a_remote_registry(
    recuento: Run, world: World, receipt: Body, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = httpx2.MockTransport(world.client._transport.handle_request)
    monkeypatch.setattr(httpx2, "Client", partial(httpx2.Client, transport=transport))
    monkeypatch.setenv("RECUENTO_KEY", world.keys["foro"])
    ran = recuento("import", "undo", receipt["id"], "--to", "http://localhost", "--yes", "--json")
    assert json.loads(ran.out)["withdrawn"] == 1
    assert is_undone(world)
    monkeypatch.setenv("RECUENTO_KEY", world.keys["jep"])
    ran = recuento("import", "undo", receipt["id"], "--to", "http://localhost", "--yes")
    assert "The registry refuses (404)" in refused(ran)
