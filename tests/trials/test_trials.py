"""What a hostile source may do moves no number of another and hides nobody for good; `make trials` tries 2,000."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.models import OPEN, SourceRelease
from app.projection import consolidate
from tests.drawn import scale
from tests.properties.steps import File, Registry, Step, Verify
from tests.support import GOVERNMENT, World, make_report
from tests.trials import totals
from tests.trials.drawing import FACILITIES, HOSTILE, STOLEN, Drawing, Trial
from tests.trials.judging import judge, shortest
from tests.trials.steps import Claims, Correct, Hand, Line, SendList, VerifySeen
from tests.trials.twins import tell_apart

TRIALS = {"sqlite": 8, "postgresql": 2}  # by each hostile source
TWICE = {"sqlite": 2, "postgresql": 1}  # of them in two registries
FIRST = 100_000  # beyond the seeds of a campaign


@pytest.fixture
def registry(world: World) -> Iterator[Registry]:
    with Registry(world) as made:
        yield made


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_source_moves_no_number_of_another(registry: Registry, hostile: str) -> None:
    for seed in range(FIRST, FIRST + scale(TRIALS[registry.engine.dialect.name])):
        trial = Drawing(seed, hostile).trial()
        if judge(registry, trial):
            short = shortest(registry, trial)
            pytest.fail(f"{short}\n" + "\n".join(judge(registry, short)))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_two_registries_that_hide_other_things_tell_the_public_the_same(registry: Registry, hostile: str) -> None:
    for seed in range(FIRST, FIRST + scale(TWICE[registry.engine.dialect.name])):
        trial = Drawing(seed, hostile).trial()
        assert not tell_apart(registry, trial), trial


def test_two_registries_are_told_apart_by_whoever_may_see_what_they_hide(registry: Registry) -> None:
    assert tell_apart(registry, Drawing(FIRST, GOVERNMENT).trial(), "reader")


@pytest.mark.parametrize(
    "hostile, honest, told",
    [
        (GOVERNMENT, ("foro",), "totals"),  # what one independent source verified, a state's word made open
        (STOLEN, ("foro", "jep"), "kind of detention"),
        (STOLEN, ("foro", "jep"), "two other organisations verify"),
    ],
)
def test_a_total_that_takes_every_word_alike_would_be_noticed(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, hostile: str, honest: tuple[str, ...], told: str
) -> None:
    """With the consolidation of an app that hears whoever speaks last."""
    first = File(honest[0], make_report(release__kind="pardon"))
    others = [Verify(source, 0, {"verdict": "verified", "method": "family", "kind": "pardon"}) for source in honest[1:]]
    attack = Verify(hostile, 0, {"verdict": "verified", "method": "family", "kind": "house_arrest"})
    trial = Trial(1, hostile, (first, *others), (attack,))
    assert not judge(registry, trial)
    monkeypatch.setattr(consolidate, "select_deciding", lambda values: list(values)[-1:])
    assert any(line.startswith(told) for line in judge(registry, trial))


def test_a_miscounted_total_would_be_noticed(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = Trial(0, GOVERNMENT, (File("foro", make_report(release__kind="house_arrest")),), ())
    assert not judge(registry, trial)
    monkeypatch.setattr(totals, "compute_count", lambda *_: {"total": {"verified": 0}})
    assert judge(registry, trial) == ["verified under kind=house_arrest: 0, by the model 1"]


def test_a_hostile_source_sends_lists_files_figures_and_verifies_what_it_saw_before(registry: Registry) -> None:
    """None of these steps is refused where a source may do it, and a list in another's name is noticed."""
    honest: list[Step] = [File("foro", make_report())]
    rows = (Line(make_report(detainee=None), 1, ("release", 0)), Line(make_report(detainee__full_name="Elsa Mora"), 2))
    figure = {"measure": "released", "qualifier": "at_least", "said": 400, "claimant": STOLEN, "country": "VE"}
    seen = VerifySeen(STOLEN, 0, {"verdict": "verified", "method": "lawyer"}, ago=1)
    with registry.after([]) as clerk:
        Hand(clerk, 1).take(*honest, SendList(STOLEN, rows), Claims(STOLEN, figure), seen)
        assert (clerk.refused, len(clerk.records)) == (0, 3)
        assert [entry.kind for entry in clerk.entries()][-2:] == ["claim", "report"]
    forged = SendList("foro", (Line(make_report(release__released_on="2026-02-10"), 1),))
    honest = [File("foro", make_report(), 1)]
    assert judge(registry, Trial(1, GOVERNMENT, tuple(honest), (forged,)))


def test_a_history_that_is_built_twice_has_the_same_ids(registry: Registry) -> None:
    steps = [File("foro", make_report()), File("foro", make_report()), File("jep", make_report())]
    built = []
    for some in (steps, [steps[0], File(GOVERNMENT, make_report()), *steps[1:]]):
        with registry.after([]) as clerk:
            Hand(clerk, 1).take(*some)
            built.append([record for record, source in clerk.records if source != GOVERNMENT])
    assert built[0] == built[1]
    assert len(set(built[0])) == len(steps)


def test_a_trial_would_notice(registry: Registry) -> None:
    """Whoever speaks in another's name moves its number, and the trial is cut down to the step that does it.
    The facilities stay: without one, its count would be refused."""
    honest: list[Step] = [
        *FACILITIES,
        File("foro", make_report()),
        Verify("jep", 0, {"verdict": "verified", "method": "family"}),
    ]
    forged = Correct("foro", 0, {"release": {"released_on": "2026-02-10"}})
    idle = File(GOVERNMENT, make_report(release__released_on="2026-01-30"), points=("detainee", 0))
    trial = Trial(2, GOVERNMENT, tuple(honest), (idle, forged))
    assert judge(registry, trial)
    assert shortest(registry, trial).attack == (forged,)


def test_an_independent_source_alone_parts_two_reports_of_another(registry: Registry) -> None:
    """The one exception (rule 4), and no state has it."""
    honest: list[Step] = [
        File("foro", make_report(detention__detained_on="2026-01-13", release__released_on="2026-02")),
        File("foro", make_report(detainee=None, detention__detained_on="2024-10-13", release__stage="ordered",
                                 release__released_on=None, release__ordered_on="2026-01-14"), points=("detainee", 0)),
    ]  # fmt: skip
    released = make_report(detainee=None, detention__detained_on="2024-10", release__released_on="2025")
    for hostile, spells in ((GOVERNMENT, 1), (STOLEN, 2)):
        trial = Trial(1, hostile, tuple(honest), (File(hostile, released, points=("detainee", 0)),))
        assert not judge(registry, trial)
        with registry.after([*trial.honest, *trial.attack]) as clerk, clerk.session() as session:
            of_foro = select(SourceRelease).where(
                col(SourceRelease.source) == 1,
                col(SourceRelease.stage) == "announced",
                col(SourceRelease.until) == OPEN,
            )
            assert len(session.scalars(of_foro).all()) == spells, hostile
