"""How many examples a property test draws. HYPOTHESIS_PROFILE decides it: `quick` (`make test`), `usual` (`make
campaign-ci`) or `long` (`make campaign`)."""

import os

from hypothesis import HealthCheck, Phase, settings

SHARES = {"quick": 0.25, "usual": 1, "long": 20}
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "quick")
LONG = PROFILE == "long"
# The number of examples of a pure test that does not set one: each takes milliseconds.
USUAL = 40
MIN = 2


def scale(number: int) -> int:
    """Return how many of the usual number of examples, histories or trials this run draws."""
    return max(min(number, MIN), round(number * SHARES[PROFILE]))


# No deadline: a busy machine is no failure. Short runs draw the same examples every time, so that a failure can be
# reproduced. Without the phase `explain`, which traces every line of every example.
settings.register_profile(
    PROFILE,
    max_examples=scale(USUAL),
    derandomize=not LONG,
    print_blob=LONG,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
)


def examples(number: int) -> settings:
    """Return settings for this usual number of examples, of a test whose fixtures stay the same between examples."""
    usual = settings.get_profile(PROFILE)
    suppressed = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    return settings(usual, max_examples=scale(number), suppress_health_check=suppressed)
