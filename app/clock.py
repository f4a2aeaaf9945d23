"""The time of one process: the machine's clock, watched by a count of seconds that nobody sets.

Once an entry is dated three weeks ahead, all later ones are too. So a clock that jumps is noticed before anything is
written, and questions go on being answered by the count.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock

# Beyond this NTP itself takes a difference for a fault and not for a correction (RFC 5905, PANICT). A bad clock without
# NTP drifts so far in months; the slips that matter are hours (a zone), weeks and years (a dead battery).
MAX_CLOCK_DRIFT = timedelta(seconds=1000)


def read_wall_clock() -> datetime:
    """The machine's clock, in UTC."""
    return datetime.now(UTC)


def read_elapsed_seconds() -> float:
    """Seconds that go on while the machine sleeps. Linux has a clock of its own for that; elsewhere the monotonic clock
    does."""
    return time.clock_gettime(_SLEEPLESS) if _SLEEPLESS is not None else time.monotonic()


_SLEEPLESS: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class WatchedClock:
    """The clock of a process. `begun`: what another clock says now, if there is another to ask."""

    def __init__(
        self,
        initial_time: datetime | None = None,
        wall: Callable[[], datetime] = read_wall_clock,
        count: Callable[[], float] = read_elapsed_seconds,
    ) -> None:
        self._wall, self._count = wall, count
        self._lock = Lock()
        self._last_time, self._last_count = initial_time or wall(), count()  # when both last agreed
        self._latest = self._last_time

    def now(self) -> datetime:
        """The time, never before a time told earlier: by the machine's clock, or by the count once that has jumped."""
        return self._read_time()[0]

    def find_jump(self) -> timedelta | None:
        """How far the machine's clock is from the count, where that is beyond BOUND. It ends once the clock is set."""
        return self._read_time()[1]

    def _read_time(self) -> tuple[datetime, timedelta | None]:
        with self._lock:
            wall, elapsed = self._wall(), self._count()
            expected_time = self._last_time + timedelta(seconds=elapsed - self._last_count)
            has_jumped = abs(wall - expected_time) > MAX_CLOCK_DRIFT
            if not has_jumped:
                self._last_time, self._last_count = wall, elapsed  # small corrections must not add up to a jump
            self._latest = max(self._latest, expected_time, expected_time if has_jumped else wall)
            return self._latest, wall - expected_time if has_jumped else None
