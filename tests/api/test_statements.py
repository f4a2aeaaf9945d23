"""How many statements a report costs: what is read twice is paid by everybody who waits for the writer."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import event

from tests.support import World

SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ja", "le", "mi", "no", "pu", "ra", "te")
# Of the first report of a person half are the rows that it makes.
OF_A_NEW_PERSON, OF_AN_UNCHANGED_REPORT = 40, 18


@pytest.fixture
def statements(world: World) -> Iterator[Callable[[], int]]:
    """The number of statements since it was asked for last."""
    run: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        run.append(statement)

    def number() -> int:
        since, run[:] = len(run), []
        return since

    event.listen(world.engine, "before_cursor_execute", note)
    yield number
    event.remove(world.engine, "before_cursor_execute", note)


def test_the_first_report_of_a_person_costs_few_statements(world: World, statements: Callable[[], int]) -> None:
    world.file(source_record_id="A-1", detainee__full_name="Hermelinda Cañas Tovar")
    statements()
    world.file(source_record_id="A-2", detainee__full_name="Nueva Persona Quintana")
    assert statements() <= OF_A_NEW_PERSON


def test_a_report_that_changes_nothing_costs_fewer(world: World, statements: Callable[[], int]) -> None:
    world.file(source_record_id="A-1")
    statements()
    world.file(source_record_id="A-1")
    assert statements() <= OF_AN_UNCHANGED_REPORT


def test_a_report_costs_the_same_however_many_people_there_are(world: World, statements: Callable[[], int]) -> None:
    costs = []
    for number, (first, last) in enumerate(zip(SYLLABLES[::2], SYLLABLES[1::2], strict=True)):
        statements()
        world.file(source_record_id=f"A-{number}", detainee__full_name=f"{first * 3} {last * 3}")
        costs.append(statements())
    assert len(set(costs[1:])) == 1, costs
