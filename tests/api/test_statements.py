"""How many statements a report costs: what is read twice is paid by everybody who waits for the writer."""

from collections.abc import Callable, Iterator

import pytest

from tests.support import World
from tests.working import statements

SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ja", "le", "mi", "no", "pu", "ra", "te")
# Of the first report of a person half are the rows that it makes.
OF_A_NEW_PERSON, OF_AN_UNCHANGED_REPORT = 33, 16


@pytest.fixture
def cost(world: World) -> Iterator[Callable[[], int]]:
    """The number of statements since it was asked for last."""
    with statements(world.engine) as run:

        def number() -> int:
            since, run[:] = len(run), []
            return since

        yield number


def test_the_first_report_of_a_person_costs_few_statements(world: World, cost: Callable[[], int]) -> None:
    world.file(source_record_id="A-1", detainee__full_name="Hermelinda Cañas Tovar")
    cost()
    world.file(source_record_id="A-2", detainee__full_name="Nueva Persona Quintana")
    assert cost() <= OF_A_NEW_PERSON


def test_a_report_that_changes_nothing_costs_fewer(world: World, cost: Callable[[], int]) -> None:
    world.file(source_record_id="A-1")
    cost()
    world.file(source_record_id="A-1")
    assert cost() <= OF_AN_UNCHANGED_REPORT


def test_a_report_costs_the_same_however_many_people_there_are(world: World, cost: Callable[[], int]) -> None:
    costs = []
    for number, (first, last) in enumerate(zip(SYLLABLES[::2], SYLLABLES[1::2], strict=True)):
        cost()
        world.file(source_record_id=f"A-{number}", detainee__full_name=f"{first * 3} {last * 3}")
        costs.append(cost())
    assert len(set(costs[1:])) == 1, costs
