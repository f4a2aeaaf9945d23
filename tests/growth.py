"""Ratios of processor time in one run, to show that work grows with its input and no faster."""

from collections.abc import Callable
from time import process_time

FACTOR = 8  # by which the larger input is larger than the smaller one
MAX_GROWTH = 3 * FACTOR  # linear work takes 8 times as long, quadratic work 64 times
MAX_TRIES = 5  # a pause of the machine may spoil one measurement
CLOCK_STEP_SECONDS = 0.0001  # shorter work takes no time that can be measured


def measure_call(run: Callable[[int], object], size: int) -> float:
    """Return the seconds of processor time that one call takes."""
    started = process_time()
    run(size)
    return max(process_time() - started, CLOCK_STEP_SECONDS)


def assert_grows_linearly(run: Callable[[int], object], size: int, context: object = None) -> None:
    """Fail if `run(size)` takes far more than eight times as long as an eighth of the size, in each of five tries."""
    run(size // FACTOR)
    ratios: list[float] = []
    while len(ratios) < MAX_TRIES:
        ratios.append(measure_call(run, size) / measure_call(run, size // FACTOR))
        if ratios[-1] <= MAX_GROWTH:
            return
    raise AssertionError(f"{FACTOR} times the input took {min(ratios):.0f} times as long: {context}")
