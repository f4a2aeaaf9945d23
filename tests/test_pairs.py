"""Rule 14 on registries that nobody thought of: a handful of pairs drawn by seed; `make pairs` draws 200."""

import pytest

from app.registry.publication.permissions import Reader
from tests.databases import Templates
from tests.pairs import find

SEEDS = range(1, 3)
SAMPLE = 25


@pytest.mark.parametrize("seed", SEEDS)
def test_two_registries_drawn_by_seed_that_differ_in_hidden_values_answer_alike(
    templates: Templates, seed: int
) -> None:
    found = list(find(templates, "sqlite", seed, SAMPLE))
    assert not found, found[:3]


def test_the_pairs_would_notice_a_key_that_sees_too_much(templates: Templates, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reader, "can_see_restricted", property(lambda reader: reader.role is not None))
    assert {who for who, _difference in find(templates, "sqlite", 1, SAMPLE)} >= {"ministry"}
