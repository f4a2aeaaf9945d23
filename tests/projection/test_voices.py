"""For which stages of a release the statement of a source speaks."""

import pytest

from app.projection.statements import asserts_stage, covers_stage
from app.vocabulary import Stage
from tests.registry.statements import statement

ALL = tuple(Stage)


@pytest.mark.parametrize("stage", ALL)
def test_an_assertion_speaks_for_its_stage_and_the_earlier_ones(stage: Stage) -> None:
    for verdict in ("reported", "verified", "retracted"):
        said = statement(1, release__stage=stage, verification__verdict=verdict)
        assert [at for at in ALL if covers_stage(said, at)] == list(ALL[: ALL.index(stage) + 1])
        assert [at for at in ALL if asserts_stage(said, at)] == (
            [] if verdict == "retracted" else list(ALL[: ALL.index(stage) + 1])
        )


@pytest.mark.parametrize("stage", ALL)
def test_a_denial_speaks_for_its_stage_and_the_later_ones(stage: Stage) -> None:
    for verdict in ("refuted", "disputed"):
        said = statement(1, release__stage=stage, verification__verdict=verdict)
        assert [at for at in ALL if covers_stage(said, at)] == list(ALL[ALL.index(stage) :])
        assert not any(asserts_stage(said, at) for at in ALL)
