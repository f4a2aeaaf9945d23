"""Whose class a question reads at all, before it is asked of any registry."""

from typing import Any

import numpy as np
import pytest
from sqlalchemy import true
from sqlmodel import col

from app.models import NAMED_BY_REPORTS, Detainee
from app.queries.selection import visibility
from app.queries.selection.visibility import can_see_values, visible_to
from app.registry.publication.permissions import Reader
from app.vocabulary import Role
from tests.support import ANYONE, World

PARTNER = Reader(Role.READER)
WHO = col(Detainee.detainee)


def test_of_a_reader_who_may_see_everyone_nobodys_class_is_read() -> None:
    assert visible_to(PARTNER, WHO, 1).compare(true())
    assert not visible_to(ANYONE, WHO, 1).compare(true())


def test_a_value_is_hidden_of_all_whose_class_does_not_open_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(visibility, "match_classes", lambda _columns, _people, of, _revision: asked.append([*of]))
    columns: Any = None
    people = np.array([1])

    def hidden_of(name: str, *values: str) -> list[str]:
        visibility.match_hidden_trait(columns, people, ANYONE, name, 1, values)
        return asked[-1]

    assert hidden_of("facility") == ["counted"]
    assert hidden_of("gender") == ["anonymous", "counted"]
    assert hidden_of("group", "journalist") == ["anonymous", "counted"]
    assert hidden_of("group", "journalist", "gravely_ill") == ["named", NAMED_BY_REPORTS, "anonymous", "counted"]
    assert visibility.match_hidden_trait(columns, people, PARTNER, "gender", 1) is None
    assert visibility.match_hidden_trait(columns, people, PARTNER, "group", 1, ["gravely_ill"]) is None


def test_values_are_seen_where_each_of_them_is() -> None:
    assert can_see_values(ANYONE, "named", "group", ["journalist", "student"])
    assert not can_see_values(ANYONE, "named", "group", ["journalist", "gravely_ill"])
    assert can_see_values(ANYONE, "named", "group", []), "some group"
    assert not can_see_values(ANYONE, "anonymous", "gender", [])


def test_whoever_was_parted_again_from_somebody_only_counted_is_hidden_of_the_revisions_between_alone(
    world: World,
) -> None:
    shown = world.file("foro")
    withheld = world.file("jep", detainee__full_name="Ismael Otero Invento", detainee__publish="counted")
    first, second = shown["detainee"]["id"], withheld["detainee"]["id"]

    def listed(**terms: Any) -> list[str]:
        return [person["id"] for person in world.get("/v1/detainees", **terms).json()["data"]]

    decision = world.judge(first, second, "same")["id"]
    together = world.revision
    assert listed() == []
    assert world.client.delete(f"/v1/identity/{decision}", headers=world.headers("curator")).status_code == 200
    assert listed() == [first]
    assert listed(as_of=together) == []
    assert listed(as_of=together - 1) == [first]
