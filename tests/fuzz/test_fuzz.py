"""A little of `make fuzz`, the same every time."""

import pytest

from tests.fuzz.fuzzing import DRAWN, fuzzed
from tests.support import World

SEED = 1
ROLES = ("foro", "curator", None)  # under each of which most is answered, or least
CASES = 50  # under each: about one of each operation


def test_no_answer_leaves_the_document_whoever_asks(resting: World, subtests: pytest.Subtests) -> None:
    with fuzzed(resting) as app:
        for role in ROLES:
            with subtests.test(str(role)):
                outcome = app.ask(role, SEED, DRAWN, 1, CASES)
                assert outcome.failures == {}
                assert outcome.cases >= CASES
                assert 200 in outcome.statuses
                assert role is None or 401 not in outcome.statuses


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_server_error_and_an_answer_of_another_shape_are_told(
    resting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_given: object) -> None:
        raise ZeroDivisionError

    with fuzzed(resting) as app:
        monkeypatch.setattr("app.api.routes.curation.store_objection", fail)
        monkeypatch.setattr("app.api.routes.directory.build_revision_out", lambda *_given: {"revision": "the last"})
        told = app.ask(None, SEED, DRAWN, 1, CASES).failures
    assert any(name.startswith("POST /v1/objections: Server error") for name in told), told
    assert any(name.startswith("GET /v1/vocabulary: Response violates schema") for name in told), told
