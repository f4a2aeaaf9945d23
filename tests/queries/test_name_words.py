"""Whom the indexes of words find while people come, open, close, part and are erased; and that they find every word."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.columns import table
from app.columns.store import get_columns
from app.columns.table import UNKNOWN_CODE, Codes
from app.db.engine import open_read_session
from app.models import CURRENT_CLASSES
from app.queries import search
from app.queries.search import WHOLE_WORD, WordIndex, find_people_by_words
from tests.columns.whole import at_head
from tests.support import World

PUBLIC = ("named", "named_by_reports")
PATHS = ("/v1/detainees", "/v1/releases", "/v1/detentions")


def file(world: World, name: str, publish: str = "named", who: str = "foro") -> str:
    """The id of somebody new."""
    said = {"detainee__full_name": name, "detainee__birth_date": None, "detainee__nationalities": None}
    return str(world.file(who, **said, detainee__publish=publish)["detainee"]["id"])


def found(world: World, q: str, who: str | None = None, **terms: Any) -> list[str]:
    """The ids of the people whom a search finds."""
    return [row["id"] for row in world.get("/v1/detainees", who, q=q, **terms).json()["data"]]


def texts(world: World, seen: tuple[str, ...] = PUBLIC) -> str:
    """All words that the indexes of the people of these classes have."""
    made = at_head(world.engine).shared_values[f"names of {seen}"]
    return str(made.main.text + made.recent.text)


@dataclass
class OfWords:
    """A table of names, one word a row, as columns have it."""

    rows: list[str]
    values: Codes = field(default_factory=Codes)

    @property
    def tables(self) -> Any:
        return {table.NAMES.name: self}

    def column(self, _name: str) -> Any:
        return np.array([self.values.add(word) for word in self.rows], np.int32)


@given(st.lists(st.text("ab明", min_size=1, max_size=4)), st.text("ab明", min_size=1, max_size=3), st.booleans())
def test_an_index_finds_every_row_whose_word_holds_a_text_and_no_other(rows: list[str], part: str, whole: bool) -> None:
    columns: Any = OfWords(rows)
    places = WordIndex(columns, np.arange(len(rows))).find_places(WHOLE_WORD.format(part) if whole else part)
    assert sorted(places.tolist()) == [n for n, word in enumerate(rows) if (word == part if whole else part in word)]


def test_whoever_comes_opens_and_closes_is_found_from_then_on_or_no_more(world: World) -> None:
    first = file(world, "Baltasar Orihuela")
    assert found(world, "orihu") == [first]
    second = file(world, "Casilda Orihuela")
    assert found(world, "orihu") == [first, second]
    third = file(world, "Damián Orihuela", "anonymous")
    assert found(world, "orihu") == [first, second]
    assert "damian" not in texts(world)
    world.consent(third, "named")
    assert found(world, "orihu") == [first, second, third]
    world.consent(first, "anonymous")
    assert found(world, "orihu") == [second, third]
    assert "baltasar" not in texts(world)
    world.consent(first, "named")
    assert found(world, "orihu") == [first, second, third]


def test_a_name_is_sought_as_it_was_at_the_revision(world: World) -> None:
    said = {"source_record_id": "1", "detainee__publish": "named", "detainee__birth_date": None}
    person = world.file("foro", **said, detainee__full_name="Baltasar Orihuela")["detainee"]["id"]
    before = world.revision
    assert found(world, "orihuela") == [person]
    world.file("foro", **said, detainee__full_name="Baltasar Cantos")
    assert (found(world, "orihuela"), found(world, "cantos")) == ([], [person])
    assert found(world, "orihuela", as_of=before) == [person]
    assert found(world, "cantos", as_of=before) == []
    assert found(world, "baltasar", as_of=before) == [person]


def test_the_name_of_somebody_hidden_is_in_no_index_though_the_person_was_once_tied_to_somebody_named(
    world: World,
) -> None:
    named, other = file(world, "Baltasar Orihuela"), file(world, "Casilda Fingida", who="jep")
    apart = world.revision
    tie = world.judge(named, other, "same")["id"]
    tied = world.revision
    assert found(world, "fingida") == [named]
    assert world.client.delete(f"/v1/identity/{tie}", headers=world.headers("curator")).status_code == 200
    world.consent(other, "counted")
    for revision in (apart, tied, world.revision):
        assert found(world, "fingida", as_of=revision) == []
        assert "fingida" not in texts(world)
    assert found(world, "orihuela") == found(world, "orihuela", as_of=apart) == [named]
    assert found(world, "orihuela", as_of=tied) == []  # who was somebody else too
    world.consent(other, "named")
    assert found(world, "fingida", as_of=tied) == found(world, "orihuela", as_of=tied) == [named]


def test_what_somebody_was_called_while_tied_to_somebody_hidden_is_sought_at_no_other_revision(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, other = file(world, "Baltasar Orihuela"), file(world, "Casilda Fingida", who="jep")
    tie = world.judge(named, other, "same")["id"]
    tied = world.revision
    assert world.client.delete(f"/v1/identity/{tie}", headers=world.headers("curator")).status_code == 200
    world.consent(other, "counted")
    gone_through: list[str] = []

    def note(index: WordIndex, sought: str, places: Any = WordIndex.find_places) -> Any:
        gone_through.append(index.text)
        return places(index, sought)

    monkeypatch.setattr(WordIndex, "find_places", note)
    for revision in (tied - 1, tied, world.revision):
        assert found(world, "orihuela", as_of=revision) == ([] if revision == tied else [named])
    assert any("orihuela" in text for text in gone_through)
    assert not any("fingida" in text for text in gone_through)


def test_an_index_with_many_rows_beside_it_is_made_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MAX_RECENT_ROWS", 4)
    people = []
    for number, name in enumerate(("Ana", "Berta", "Casilda", "Dora", "Emilia")):
        people.append(file(world, f"{name} Orihuela"))
        assert found(world, "orihuela") == people
        made = at_head(world.engine).shared_values[f"names of {PUBLIC}"]
        assert len(made.recent.text.split()) == (0, 2, 3, 0, 2)[number]  # two words each, "orihuela" once


def test_who_began_before_an_entry_finds_nobody_of_it_in_an_index_that_was_made_since(world: World) -> None:
    file(world, "Baltasar Orihuela")
    with open_read_session(world.engine) as session:
        early, revision = get_columns(session), world.revision
        file(world, "Casilda Orihuela")
        assert len(found(world, "orihuela")) == 2
        assert len(find_people_by_words(early, ["orihuela"], PUBLIC, revision)) == 1
        assert len(found(world, "orihuela")) == 2


@pytest.mark.parametrize("who, seen", [(None, PUBLIC), ("curator", CURRENT_CLASSES)])
def test_after_an_erasure_no_index_and_no_text_has_the_name(world: World, who: str | None, seen: tuple[str]) -> None:
    gone, left = file(world, "Baltasar Orihuela"), file(world, "Casilda Orihuela")
    assert found(world, "orihuela", who) == [gone, left]
    world.redact(gone)
    assert found(world, "orihuela", who) == [left]
    columns = at_head(world.engine)
    assert "baltasar" not in texts(world, seen)
    assert columns.values.find_code("baltasar") == UNKNOWN_CODE
    assert columns.values.find_code("casilda") != UNKNOWN_CODE


def test_after_the_erasure_of_somebody_hidden_the_others_are_still_found(world: World) -> None:
    gone, left = file(world, "Baltasar Orihuela", "counted"), file(world, "Casilda Fingida")
    assert found(world, "fingida") == [left]
    world.redact(gone)
    assert (found(world, "fingida"), found(world, "casil"), found(world, "orihuela")) == ([left], [left], [])


@pytest.mark.parametrize("path", PATHS)
def test_a_part_inside_a_word_is_found_in_every_list(world: World, path: str) -> None:
    for name in ("王小明", "Fernández Abu-Nasr"):
        file(world, name)
    for part in ("小明", "王", "nand", "nasr", "dez bu"):
        assert len(world.get(path, q=part).json()["data"]) == 1, part
    assert world.get(path, q="nasrfer").json()["data"] == []
