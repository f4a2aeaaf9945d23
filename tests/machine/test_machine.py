"""Through any history the registry shows each reader what the rules alone say, at the head and at every revision."""

from collections.abc import Iterator

import pytest

from tests.databases import ENGINES, Templates
from tests.drawn import scale
from tests.machine import breaks
from tests.machine.campaign import difference
from tests.machine.machine import Machine, machine

# The short form of `make machine`, which plays the same histories every time.
SEED = 1
HISTORIES = {"sqlite": 5, "postgresql": 3}
STEPS = 25


@pytest.mark.drawn
@pytest.mark.parametrize("kind", ENGINES)
def test_every_reader_sees_at_every_revision_what_the_rules_say(templates: Templates, kind: str) -> None:
    found = difference(machine(templates, kind), SEED, scale(HISTORIES[kind]), STEPS, shortest=True)
    assert found is None, found


@pytest.fixture
def begun(templates: Templates) -> Iterator[Machine]:
    made = machine(templates, "sqlite")()
    made.begin()
    yield made
    made.teardown()


def test_whom_an_objection_hid_stays_hidden_at_every_revision_until_two_decide(begun: Machine) -> None:
    begun.point(source="jep", which=0, publish="named", born="1971")
    begun.object_to(which=0, looked_at=True)
    begun.point(source="pud", which=0, publish="named", born=None)
    begun.decide(which=0, to="dismissed")
    begun.object_to(which=0, looked_at=True)


@pytest.mark.parametrize("upheld", [False, True])
def test_whoever_was_hidden_together_with_another_stays_hidden_when_the_two_are_parted(
    begun: Machine, *, upheld: bool
) -> None:
    begun.merge(one=0, other=1)
    for about in (0, 1):
        begun.object_to(which=about, looked_at=True)
    if upheld:
        begun.decide(which=0, to="correction")
    begun.undo(which=0)
    begun.consent(which=1, publish="named", by="her sister")
    begun.decide(which=1, to="dismissed")


def test_a_hiding_that_is_ignored_is_noticed(begun: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    breaks.an_objection_hides_nobody(monkeypatch)
    with pytest.raises(AssertionError, match="the public at 8 of 8"):
        begun.object_to(which=0, looked_at=True)
