"""A list read while others write is that of its own revision, and its pages are the whole list in its order."""

import numpy as np
import pytest

from app.columns.store import get_columns
from app.db.engine import open_read_session
from app.queries import list_pages
from app.queries.listing import SAMPLE_STEP, ArrayOrder
from app.queries.parameters import DetaineeQuery, DetentionQuery, ReleaseQuery
from tests.support import ANYONE, World


def test_what_changed_is_told_while_somebody_is_filed(world: World) -> None:
    world.file("foro")
    revision = world.revision
    with open_read_session(world.engine) as session:
        assert get_columns(session).head == revision
        world.file("jep", detainee__full_name="Ismael Otero Invento", detainee__birth_date="1950")
        changed = (
            list_pages.query_releases(session, ReleaseQuery(), ANYONE, revision, since=revision - 1),
            list_pages.query_detentions(session, DetentionQuery(), ANYONE, revision, since=revision - 1),
            list_pages.query_detainees(session, DetaineeQuery(), ANYONE, revision, since=revision - 1),
        )
        assert [len(page.rows) for page in changed] == [1, 1, 1]


def test_a_search_by_name_is_of_its_revision_while_somebody_of_that_name_is_filed(world: World) -> None:
    world.file("foro")
    revision = world.revision
    with open_read_session(world.engine) as session:
        assert get_columns(session).head == revision
        world.file("jep", detainee__birth_date="1950")
        found = list_pages.query_detainees(session, DetaineeQuery(q="Quintana Ribas"), ANYONE, revision)
        assert len(found.rows) == 1


@pytest.mark.parametrize("different", [1, 3, 1_000, 10**6], ids="{} values".format)
@pytest.mark.parametrize("down", [False, True])
def test_a_long_list_comes_in_its_order_page_by_page(different: int, down: bool) -> None:
    drawn = np.random.default_rng(different)
    things = 300 * SAMPLE_STEP
    day, key = drawn.integers(0, different, things), drawn.permutation(things)
    order = ArrayOrder([(day, down), (key, False)])
    whole = sorted(range(things), key=lambda at: (-day[at] if down else day[at], key[at]))
    told, position = list[int](), None
    for limit in (1, 7, 50, 200, 5_000, things):
        page = order.find_after(position, limit)
        told += [place for place, _position in page]
        position = page[-1][1]
    assert told[:things] == whole
