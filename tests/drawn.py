"""How many examples a test draws: few and the same every time, or with HYPOTHESIS_PROFILE=long many, and others each
time (`make campaign`)."""

import os

from hypothesis import HealthCheck, Phase, settings

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
# Of a test that says no number: a pure one, of which each example takes milliseconds.
USUAL = 40
LONGER = 20
PROFILE = "recuento"

# A busy machine is no failure, so no example has a deadline; a short run draws the same examples every time, so that a
# failure is found again.
settings.register_profile(
    PROFILE,
    max_examples=USUAL * (LONGER if LONG else 1),
    derandomize=not LONG,
    print_blob=LONG,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),  # not `explain`: it traces every line of every example
)


def examples(number: int) -> settings:
    """So many examples in a short run, of a test whose fixtures stay the same from one to the next."""
    usual = settings.get_profile(PROFILE)
    suppressed = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(usual, max_examples=number * (LONGER if LONG else 1), suppress_health_check=suppressed)
