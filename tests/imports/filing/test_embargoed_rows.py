"""Rows of a list that name a day before which they must not be public wait like reports sent one by one."""

from datetime import UTC, datetime

import pytest

from app.db.engine import open_write_session
from app.registry import api_keys
from tests.support import Body, World

MARK = "zqembargoqz"
LIST = """name,code,country,date of detention,release date,verification,how verified,publish not before
Dolores zqembargoqz Berrío,E-1,VE,2025-03-02,2026-01-12,verified,family,2026-03-10
Ulises Barrios Coy,E-2,VE,2025-03-02,2026-01-12,verified,family,
"""


def end_day(world: World) -> None:
    """Let the day begin that the list names."""
    world.now = datetime(2026, 3, 10, 12, tzinfo=UTC)
    world.end_embargoes()


def outcomes(receipt: Body) -> Body:
    return {outcome: number for outcome, number in receipt["counts"].items() if number}


def test_a_trial_says_how_many_rows_would_wait(world: World) -> None:
    tried = world.send_list(LIST, dry_run="true")
    assert (outcomes(tried), world.waiting()) == ({"new": 1, "waiting": 1}, [])


def test_rows_of_a_list_wait_too_and_the_receipt_says_how_many(world: World) -> None:
    receipt = world.send_list(LIST)
    assert outcomes(receipt) == {"new": 1, "waiting": 1}
    assert (receipt["releases"], receipt["first_revision"]) == (1, receipt["last_revision"])
    assert [(row["outcome"], row["report_id"] is None) for row in world.rows_of(receipt)] == [
        ("waiting", True),
        ("new", False),
    ]
    assert MARK not in world.kept_of_lists()
    assert outcomes(world.send_list(LIST, confirm="true")) == {"waiting": 1, "unchanged": 1}
    assert len(world.waiting()) == 1
    end_day(world)
    assert world.count()["total"]["cases"] == 2
    assert outcomes(world.send_list(LIST, confirm="true")) == {"unchanged": 2}


def test_a_row_without_the_day_replaces_what_waits(world: World) -> None:
    world.send_list(LIST)
    receipt = world.send_list(LIST.replace("2026-03-10", ""), confirm="true")
    assert (outcomes(receipt), world.waiting()) == ({"new": 1, "unchanged": 1}, [])
    end_day(world)
    assert world.count()["total"]["cases"] == 2


def test_a_row_whose_day_cannot_be_read_is_not_filed(world: World) -> None:
    receipt = world.send_list(LIST.replace("2026-03-10", "marzo de 2026"))
    assert outcomes(receipt) == {"new": 1, "error": 1}
    (error,) = world.rows_of(receipt, outcome="error")[0]["errors"]
    assert (error["column"], error["pointer"]) == ("H", "/publish_not_before")


def test_rows_of_a_list_whose_key_was_revoked_stay(world: World) -> None:
    world.send_list(LIST)
    with open_write_session(world.engine) as session:
        api_keys.revoke_key(session, world.keys["foro"][4:12], world.now)
    end_day(world)
    assert [waits["problem"]["code"] for waits in world.waiting("admin")] == ["conflict"]


def test_of_a_list_that_may_hold_people_back_nobody_is_filed_whose_word_is_not_understood(world: World) -> None:
    listed = LIST.replace("publish not before", "confidential").replace("2026-03-10", "yes")
    column, word = ("column_unsure", "/positions/H"), ("value_unknown", "/values/detainee.publish/yes")
    mapping = '[positions]\nH = "detainee.publish"\n'
    for params, asked in (({}, [column]), ({"confirm": True}, [column]), ({"mapping": mapping}, [word])):
        receipt = world.send_list(listed, **params)
        assert receipt["state"] == "questioned"
        assert [(one["code"], one["place"]) for one in receipt["questions"]] == asked
    assert world.get("/v1/detainees").json()["data"] == []
    receipt = world.send_list(listed, mapping=mapping, confirm=True)
    assert outcomes(receipt) == {"new": 1, "error": 1}
    assert [row["errors"][0]["code"] for row in world.rows_of(receipt, outcome="error")] == ["unknown_code"]
    receipt = world.send_list(listed, mapping="[positions]\nH = []\n", confirm=True)
    assert (receipt["state"], outcomes(receipt)) == ("done", {"new": 1, "unchanged": 1})


@pytest.mark.parametrize("heading, cell", [("internal use", "yes"), ("published on", "2026-03-10")])
def test_a_column_that_may_hold_people_back_is_set_aside_by_name_only(world: World, heading: str, cell: str) -> None:
    listed = LIST.replace("publish not before", heading).replace("2026-03-10", cell)
    for params in ({}, {"confirm": "true"}):
        receipt = world.send_list(listed, **params)
        assert receipt["state"] == "questioned"
        assert [(one["code"], one["place"], one["answer"]) for one in receipt["questions"]] == [
            ("column_unread", "/positions/H", "mapping")
        ]
    assert world.get("/v1/detainees").json()["data"] == []
    receipt = world.send_list(listed, mapping="[positions]\nH = []\n")
    assert (receipt["state"], outcomes(receipt)) == ("done", {"new": 2})
