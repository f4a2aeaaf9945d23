"""A list read while others write is that of its own revision."""

from app.columns.held import columns_of
from app.database import reading
from app.reading import lists
from app.reading.questions import DetaineeQuery, DetentionQuery, ReleaseQuery
from tests.support import ANYONE, World


def test_what_changed_is_told_while_somebody_is_filed(world: World) -> None:
    world.file("foro")
    revision = world.revision
    with reading(world.engine) as session:
        assert columns_of(session).head == revision
        world.file("jep", detainee__full_name="Ismael Otero Invento", detainee__birth_date="1950")
        changed = (
            lists.releases(session, ReleaseQuery(), ANYONE, revision, since=revision - 1),
            lists.detentions(session, DetentionQuery(), ANYONE, revision, since=revision - 1),
            lists.detainees(session, DetaineeQuery(), ANYONE, revision, since=revision - 1),
        )
        assert [len(page.rows) for page in changed] == [1, 1, 1]


def test_a_search_by_name_is_of_its_revision_while_somebody_of_that_name_is_filed(world: World) -> None:
    world.file("foro")
    revision = world.revision
    with reading(world.engine) as session:
        assert columns_of(session).head == revision
        world.file("jep", detainee__birth_date="1950")
        found = lists.detainees(session, DetaineeQuery(q="Quintana Ribas"), ANYONE, revision)
        assert len(found.rows) == 1
