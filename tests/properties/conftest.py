"""Short runs by default, the same on every machine; HYPOTHESIS_PROFILE=long looks further, and elsewhere each time.

Each example is undone before the next, so that one database serves all examples of a test.
"""

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.properties.steps import Registry
from tests.support import World

settings.register_profile(
    "short",
    max_examples=15,
    derandomize=True,
    deadline=None,  # two engines on a busy machine: a slow example is no failure
    database=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),  # not `explain`: it traces every line of every example
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("long", settings.get_profile("short"), max_examples=1_000, derandomize=False, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))


@pytest.fixture
def registry(world: World) -> Iterator[Registry]:
    """A registry that forgets each history."""
    with Registry(world) as made:
        yield made
