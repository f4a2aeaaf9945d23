"""A database with keys of names of the first form gets those of the present one when it is opened."""

from sqlalchemy import select, update
from sqlmodel import col

from app.database import writing
from app.models import BlockingKey
from app.registry.rebuild import catch_up
from tests.support import World


def test_keys_of_the_first_form_are_made_anew(world: World) -> None:
    world.add_facility()
    world.file("foro", detainee__full_name="Gonzalo Brull Peña")
    with writing(world.engine) as session:
        before = set(session.scalars(select(col(BlockingKey.key))))
        assert catch_up(session) == 0
        first = update(BlockingKey).where(col(BlockingKey.key) == min(key for key in before if key.startswith("p:")))
        session.execute(first.values(key="n:brull|gonzalo", born=None))
        assert catch_up(session) > 0
        assert set(session.scalars(select(col(BlockingKey.key)))) == before
