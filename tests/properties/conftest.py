"""One registry for all histories of a test: each is undone before the next."""

from collections.abc import Iterator

import pytest

from tests.properties.steps import Registry
from tests.support import World


@pytest.fixture
def registry(world: World) -> Iterator[Registry]:
    """A registry that forgets each history."""
    with Registry(world) as made:
        yield made
