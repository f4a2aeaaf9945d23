"""A clock that jumps is noticed by a count that nobody sets; corrections, sleep and small steps are no jumps."""

from datetime import UTC, datetime, timedelta

import pytest

from app.clock import MAX_CLOCK_DRIFT, WatchedClock, read_elapsed_seconds, read_wall_clock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
THREE_WEEKS = timedelta(days=21)


class Machine:
    """A machine whose clock can be set. `passes` is time as it is; `set_by` is the clock alone."""

    def __init__(self) -> None:
        self.wall, self.counted = NOON, 5.0
        self.clock = WatchedClock(None, lambda: self.wall, lambda: self.counted)

    def passes(self, time: timedelta) -> None:
        self.wall += time
        self.counted += time.total_seconds()

    def set_by(self, time: timedelta) -> None:
        self.wall += time


@pytest.fixture
def machine() -> Machine:
    return Machine()


def test_a_registry_that_rests_for_three_weeks_has_no_jump(machine: Machine) -> None:
    machine.passes(THREE_WEEKS)
    assert (machine.clock.now(), machine.clock.find_jump()) == (NOON + THREE_WEEKS, None)


@pytest.mark.parametrize("way", [1, -1])
def test_a_jump_is_told_and_time_goes_on_by_the_count(machine: Machine, way: int) -> None:
    machine.passes(SECOND)
    machine.set_by(way * THREE_WEEKS)
    assert machine.clock.find_jump() == way * THREE_WEEKS
    machine.passes(SECOND)
    assert machine.clock.now() == NOON + 2 * SECOND


def test_a_clock_that_is_set_right_again_has_no_jump(machine: Machine) -> None:
    machine.set_by(THREE_WEEKS)
    assert machine.clock.find_jump() == THREE_WEEKS
    machine.passes(SECOND)
    machine.set_by(-THREE_WEEKS)
    assert (machine.clock.now(), machine.clock.find_jump()) == (NOON + SECOND, None)


def test_small_steps_are_followed_until_their_sum_on_one_day_is_a_jump(machine: Machine) -> None:
    step = MAX_CLOCK_DRIFT / 4
    for _step in range(4):
        machine.set_by(step)
        assert machine.clock.find_jump() is None
    assert machine.clock.now() == NOON + MAX_CLOCK_DRIFT
    machine.set_by(step)
    assert machine.clock.find_jump() == MAX_CLOCK_DRIFT + step
    machine.passes(SECOND)
    assert machine.clock.now() == NOON + MAX_CLOCK_DRIFT + SECOND, "time goes on from the last step that was followed"
    machine.set_by(-step)
    assert machine.clock.find_jump() is None


def test_a_clock_that_is_corrected_each_day_has_no_jump(machine: Machine) -> None:
    for _day in range(9):
        machine.passes(timedelta(days=1))
        machine.set_by(MAX_CLOCK_DRIFT / 3)
        assert machine.clock.find_jump() is None


def test_steps_around_the_end_of_a_day_add_up_too(machine: Machine) -> None:
    machine.passes(timedelta(days=1) - SECOND)
    machine.set_by(MAX_CLOCK_DRIFT)
    assert machine.clock.find_jump() is None
    machine.passes(2 * SECOND)
    assert machine.clock.find_jump() is None
    machine.set_by(SECOND)
    assert machine.clock.find_jump() == MAX_CLOCK_DRIFT + SECOND


def test_time_never_goes_back_however_small_the_step(machine: Machine) -> None:
    told = machine.clock.now()
    machine.set_by(-5 * SECOND)
    assert machine.clock.now() == told
    machine.passes(6 * SECOND)
    assert machine.clock.now() == NOON + SECOND
    assert machine.clock.find_jump() is None


def test_a_step_back_that_comes_between_two_questions_is_not_seen_in_the_time(machine: Machine) -> None:
    """Another process of the same registry may have told the time in between."""
    machine.passes(60 * SECOND)
    machine.set_by(-5 * SECOND)
    assert machine.clock.now() == NOON + 60 * SECOND


def test_a_machine_whose_clock_differs_from_the_databases_is_told_of_from_the_start() -> None:
    clock = WatchedClock(NOON, lambda: NOON + THREE_WEEKS, lambda: 0.0)
    assert (clock.now(), clock.find_jump()) == (NOON, THREE_WEEKS)


def test_the_machines_own_clocks_agree() -> None:
    clock = WatchedClock()
    assert clock.find_jump() is None
    assert abs(clock.now() - read_wall_clock()) < 10 * SECOND
    assert read_elapsed_seconds() <= read_elapsed_seconds()
