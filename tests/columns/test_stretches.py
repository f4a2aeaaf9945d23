"""Columns at several revisions at once hold of each revision what columns at that one do, joined in the same way."""

from collections import defaultdict

import numpy as np
import pytest

from app.columns.reading import Columns
from app.columns.rows import Rows
from app.columns.stretches import FROM, SPELL, TO, Read, over
from app.columns.tables import EVERY, NAMES, PERSON, PLACEMENTS, RELEASES, SINCE, SOURCE_RELEASES, TRAITS, Kept
from tests.columns.lives import life
from tests.columns.whole import at_head, told
from tests.support import World

READ = [kept for kept in EVERY if kept is not NAMES]
STAGE = ("stage", "carried_out")
WHOLE: list[Read] = [(kept, None) for kept in READ]


@pytest.fixture
def lived(world: World) -> Columns:
    """The columns of a registry in which people were tied, parted, closed, erased and recalled."""
    for _happened in life(world):
        pass
    return at_head(world.engine)


def told_at(columns: Columns, kept: Kept, rows: Rows) -> list[tuple[object, ...]]:
    """Rows without the keys of people and spells, which have other numbers in stretches."""
    return told(columns, kept, rows, [SINCE, *(name for name in kept.columns if name not in (PERSON, SPELL))])


def at_point(rows: Rows, point: int) -> Rows:
    return rows.where((rows[FROM] <= point) & (rows[TO] > point))


@pytest.mark.parametrize("every", [1, 3, 7])
def test_at_each_revision_the_rows_are_those_that_hold_then(lived: Columns, every: int) -> None:
    revisions = [*range(0, lived.head + 1, every)][-60:]
    for within in (None, STAGE):
        read: list[Read] = [(kept, within) for kept in READ if within is None or "stage" in kept.columns]
        together = over(lived, revisions, read)
        for kept, _within in read:
            rows = together.rows(kept, lived.head, within)
            for point, revision in enumerate(revisions):
                wanted = lived.rows(kept, revision, within)
                found = told_at(lived, kept, at_point(rows, point))
                assert found == told_at(lived, kept, wanted), (kept.name, revision)


@pytest.mark.parametrize("every", [1, 3, 7])
@pytest.mark.parametrize("name", [PERSON, SPELL])
def test_at_each_revision_the_rows_of_one_person_or_spell_are_joined(lived: Columns, every: int, name: str) -> None:
    revisions = [*range(0, lived.head + 1, every)][-60:]
    together, read = over(lived, revisions, WHOLE), [kept for kept in READ if name in kept.columns]
    for point, revision in enumerate(revisions):
        found = joined(lived, name, [(kept, at_point(together.rows(kept, lived.head), point)) for kept in read])
        assert found == joined(lived, name, [(kept, lived.rows(kept, revision)) for kept in read]), revision


def joined(columns: Columns, name: str, rows: list[tuple[Kept, Rows]]) -> list[list[str]]:
    """For each key of that name all rows of it, without their keys."""
    by_key: dict[int, list[str]] = defaultdict(list)
    for kept, of_table in rows:
        for place, key in enumerate(of_table[name].tolist()):
            (row,) = told_at(columns, kept, of_table.at(np.array([place])))
            by_key[key].append(f"{kept.name} {row}")
    return sorted(sorted(of_key) for of_key in by_key.values())


def test_most_people_are_one_stretch_from_one_change_to_the_next(lived: Columns) -> None:
    revisions = [lived.head - 2, lived.head - 1, lived.head]
    rows = over(lived, revisions, [(RELEASES, None), (SOURCE_RELEASES, None)]).rows(RELEASES, lived.head)
    assert len(rows) < len(revisions) * len(lived.rows(RELEASES, lived.head))


def test_what_was_not_named_is_not_read(lived: Columns) -> None:
    together = over(lived, [lived.head], [(RELEASES, STAGE), (PLACEMENTS, None)])
    for kept, within in ((TRAITS, None), (RELEASES, None)):
        with pytest.raises(KeyError):
            together.rows(kept, lived.head, within)
