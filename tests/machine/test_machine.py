"""Through any history the registry shows each reader what the rules alone say, at the head and at every revision."""

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from app.registry import reprojection
from tests.databases import ENGINES, Templates
from tests.drawn import examples
from tests.machine.machine import Machine, machine

HISTORIES = {"sqlite": 3, "postgresql": 1}
STEPS = 10


@pytest.mark.drawn
@pytest.mark.uncounted
@pytest.mark.parametrize("kind", ENGINES)
def test_every_reader_sees_at_every_revision_what_the_rules_say(templates: Templates, kind: str) -> None:
    drawn = settings(examples(HISTORIES[kind]), stateful_step_count=STEPS)
    run_state_machine_as_test(machine(templates, kind), settings=drawn)


@pytest.fixture
def begun(templates: Templates) -> Machine:
    made = machine(templates, "sqlite")()
    made.begin()
    return made


def test_the_model_would_notice_a_hiding_that_is_ignored(begun: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def ignoring(publish: str, *_more: object, **_objected: bool) -> str:
        return publish

    begun.report(source="foro", publish="named", born=None)
    begun.object_to(which=0)
    monkeypatch.setattr(reprojection, "class_of_today", ignoring)
    with pytest.raises(AssertionError, match="at 6 of 6"):
        begun.beat()
    begun.teardown()


def test_whom_an_objection_hid_stays_hidden_at_every_revision_until_two_decide(begun: Machine) -> None:
    begun.report(source="foro", publish="named", born=None)
    begun.point(source="jep", which=0, publish="named", born="1971")
    begun.object_to(which=0)
    begun.beat()
    begun.point(source="pud", which=0, publish="named", born=None)
    begun.decide(which=0, to="dismissed")
    begun.object_to(which=0)
    begun.beat()
    begun.teardown()


@pytest.mark.parametrize("upheld", [False, True])
def test_whoever_was_hidden_together_with_another_stays_hidden_when_the_two_are_parted(
    begun: Machine, *, upheld: bool
) -> None:
    for source in ("foro", "jep"):
        begun.report(source=source, publish="named", born=None)
    begun.merge(one=0, other=1)
    for about in (0, 1):
        begun.object_to(which=about)
        begun.beat()
    if upheld:
        begun.decide(which=0, to="correction")
    begun.undo(which=0)
    begun.consent(which=1, publish="named", by="her sister")
    begun.decide(which=1, to="dismissed")
    begun.teardown()
