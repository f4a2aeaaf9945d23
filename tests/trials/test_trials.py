"""What a hostile source may do moves no number of another and hides nobody for good; `make trials` tries 2,000."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.models import OPEN, Voice
from tests.properties.steps import File, Registry, Step, Verify
from tests.support import GOVERNMENT, World, make_report
from tests.trials.drawing import HOSTILE, STOLEN, Drawing, Trial
from tests.trials.judging import judge, shortest
from tests.trials.steps import Correct

TRIALS = {"sqlite": 20, "postgresql": 3}  # by each hostile source
FIRST = 100_000  # beyond the seeds of a campaign


@pytest.fixture
def registry(world: World) -> Iterator[Registry]:
    with Registry(world) as made:
        yield made


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_source_moves_no_number_of_another(registry: Registry, hostile: str) -> None:
    for seed in range(FIRST, FIRST + TRIALS[registry.engine.dialect.name]):
        trial = Drawing(seed, hostile).trial()
        if judge(registry, trial):
            short = shortest(registry, trial)
            pytest.fail(f"{short}\n" + "\n".join(judge(registry, short)))


def test_a_trial_would_notice(registry: Registry) -> None:
    """Whoever speaks in another's name moves its number, and the trial is cut down to the step that does it."""
    honest: list[Step] = [File("foro", make_report()), Verify("jep", 0, {"verdict": "verified", "method": "family"})]
    forged = Correct("foro", 0, {"release": {"released_on": "2026-02-10"}})
    idle = File(GOVERNMENT, make_report(release__released_on="2026-01-30"), points=("detainee", 0))
    trial = Trial(1, GOVERNMENT, tuple(honest), (idle, forged))
    assert judge(registry, trial)
    assert shortest(registry, trial).attack == (forged,)


def test_an_independent_source_alone_parts_two_reports_of_another(registry: Registry) -> None:
    """The one exception (rule 1), and no state has it."""
    honest: list[Step] = [
        File("foro", make_report(detention__detained_on="2026-01-13", release__released_on="2026-02")),
        File("foro", make_report(detainee=None, detention__detained_on="2024-10-13", release__stage="ordered",
                                 release__released_on=None, release__ordered_on="2026-01-14"), points=("detention", 0)),
    ]  # fmt: skip
    ended = make_report(detainee=None, release=None, verification__verdict="reported",
                        detention__detained_on="2024-10", detention__ended={"how": "other", "on": "2025"})  # fmt: skip
    for hostile, spells in ((GOVERNMENT, 1), (STOLEN, 2)):
        trial = Trial(1, hostile, tuple(honest), (File(hostile, ended, points=("detention", 1)),))
        assert not judge(registry, trial)
        with registry.after([*trial.honest, *trial.attack]) as clerk, clerk.session() as session:
            of_foro = select(Voice).where(
                col(Voice.source) == 1, col(Voice.stage) == "announced", col(Voice.until) == OPEN
            )
            assert len(session.scalars(of_foro).all()) == spells, hostile
