"""`recuento review`: the batches, and their approval or rejection by an operator without a curator."""

import json

import pytest

from app.registry.review import batches, limits
from tests.cli.test_commands import Run, recuento, refused
from tests.registry.review.test_waiting import file_people, numbers
from tests.support import World

__all__ = ["recuento"]  # the fixture


@pytest.fixture(autouse=True)
def _limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DEFAULT_UNREVIEWED_LIMIT", 2)


def test_batches_are_listed_with_the_keys_that_filed_them(recuento: Run, world: World) -> None:
    file_people(world, 4)
    (batch,) = json.loads(recuento("review", "--json").out)
    key = world.keys["foro"].split("_")[1][:8]
    expected = {"source": "foro", "kind": "releases", "list": 0, "reports": 4, "awaiting_review": 2, "keys": key}
    assert {name: batch[name] for name in expected} == expected
    assert batch["first_at"] <= batch["last_at"]


def test_a_batch_is_approved_in_parts_until_nothing_remains(
    recuento: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MAX_REVIEWED_REPORTS", 3)
    file_people(world, 7)
    ran = recuento("review", "approve", "foro", "releases", "--reason", "Seen with them.")
    assert (ran.status, "7 reports approved" in ran.err) == (0, True)
    assert numbers(world) == (7, 0, 0)
    assert json.loads(recuento("review", "--json").out) == []


def test_a_list_is_rejected_by_its_first_entry_and_the_rest_stays(recuento: Run, world: World) -> None:
    file_people(world, 3)
    world.send_list("source_record_id,full_name,country\nL1,Ana Ruiz Campos,VE\nL2,Luz Mora Paz,VE\n")
    (batch,) = [batch for batch in json.loads(recuento("review", "--json").out) if batch["list"]]
    assert recuento("review", "reject", "foro", batch["kind"], "--list", str(batch["list"])).status == 0
    assert [left["reports"] for left in json.loads(recuento("review", "--json").out)] == [3]


def test_a_batch_that_is_not_there_is_refused_in_one_line(recuento: Run, world: World) -> None:
    assert "None of these reports" in refused(recuento("review", "approve", "foro", "denials"))
    assert "no source" in refused(recuento("review", "approve", "nobody", "denials"))


def test_the_status_says_how_many_reports_await_review(recuento: Run, world: World) -> None:
    file_people(world, 5)
    assert "foro: 3 reports await review" in recuento("status").out
