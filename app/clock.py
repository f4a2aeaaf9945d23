"""Watch the machine's clock for jumps, with a clock that nobody sets.

An entry dated three weeks ahead would date all later entries too. So a jump is noticed before anything is written, and
reads go on by the elapsed-seconds clock.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock

# NTP itself treats a larger difference as a fault, not as a correction (RFC 5905, PANICT). Without NTP a bad clock
# drifts so far in months; the jumps that matter are hours (a wrong zone), weeks and years (a dead battery).
MAX_CLOCK_DRIFT = timedelta(seconds=1000)
# Corrections of the clock are followed, and bounded by their sum within a day: many small steps date no entry further
# ahead than one.
_DAY_SECONDS = 86_400.0


def read_wall_clock() -> datetime:
    """Return the machine's clock, in UTC."""
    return datetime.now(UTC)


def read_elapsed_seconds() -> float:
    """Return seconds that also pass while the machine sleeps: CLOCK_BOOTTIME on Linux, elsewhere the monotonic
    clock."""
    return time.clock_gettime(_BOOTTIME_CLOCK) if _BOOTTIME_CLOCK is not None else time.monotonic()


_BOOTTIME_CLOCK: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class WatchedClock:
    """The clock of a process. `initial_time`: the time of another clock, such as the database server's, if there is
    one."""

    def __init__(
        self,
        initial_time: datetime | None = None,
        wall: Callable[[], datetime] = read_wall_clock,
        count: Callable[[], float] = read_elapsed_seconds,
    ) -> None:
        self._wall, self._count = wall, count
        self._lock = Lock()
        self._last_time, self._last_count = initial_time or wall(), count()  # when both clocks last agreed
        # The first such readings of the day before and of this day: the former is at least a day old, or the first.
        self._former_reading = self._day_reading = self._last_time, self._last_count
        self._latest = self._last_time

    def now(self) -> datetime:
        """Return the time, never before an earlier result: by the machine's clock, or by elapsed seconds after a
        jump."""
        return self._read_time()[0]

    def find_jump(self) -> timedelta | None:
        """Return how far the machine's clock has moved against the elapsed seconds within a day or two, if by
        more than MAX_CLOCK_DRIFT.

        The jump ends when the clock is set right.
        """
        return self._read_time()[1]

    def _read_time(self) -> tuple[datetime, timedelta | None]:
        with self._lock:
            wall, elapsed = self._wall(), self._count()
            expected_time = self._last_time + timedelta(seconds=elapsed - self._last_count)
            former_time, former_count = self._former_reading
            drift = wall - former_time - timedelta(seconds=elapsed - former_count)
            has_jumped = abs(drift) > MAX_CLOCK_DRIFT
            if not has_jumped:
                self._last_time, self._last_count = wall, elapsed
                if elapsed - self._day_reading[1] >= _DAY_SECONDS:
                    self._former_reading, self._day_reading = self._day_reading, (wall, elapsed)
            self._latest = max(self._latest, expected_time, expected_time if has_jumped else wall)
            return self._latest, drift if has_jumped else None
