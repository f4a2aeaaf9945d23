"""Tables of lists for tests: short ways to write them, published ones, and random ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from app.estimates.estimator import Estimate, estimate_population, read_pattern_csv
from app.estimates.models import Model

DATA = Path(__file__).parent / "data"

Patterns = dict[frozenset[str], int]


def patterns(**people: int) -> Patterns:
    """`patterns(A=5, AB=2)`: five on A alone, two on A and B; lists have names of one letter."""
    return {frozenset(letters): number for letters, number in people.items()}


def published(name: str) -> tuple[tuple[str, ...], Patterns]:
    """A table of `data` beside this file."""
    return read_pattern_csv((DATA / f"{name}.csv").read_bytes())


def of(people: Mapping[frozenset[str], int]) -> Estimate:
    """The estimate from the lists that the patterns name, in alphabetical order."""
    return estimate_population(sorted(frozenset().union(*people)), people)


def model(found: Estimate, name: str) -> Model:
    return next(each for each in found.models if each.name == name)


def drawn(lists: int, people: int, seed: int, spread: float = 1.0) -> tuple[list[str], Patterns]:
    """Invented people with unequal chances on some lists; `spread` 0 makes the lists independent."""
    random = np.random.default_rng(seed)
    names = [chr(ord("A") + place) for place in range(lists)]
    difference = spread * random.normal(size=people)[:, None] * random.uniform(0.2, 1.8, lists)
    chance = 1 / (1 + np.exp(-(random.uniform(-3, -1, lists) + difference)))
    found: Patterns = {}
    for row in random.random((people, lists)) < chance:
        pattern = frozenset(names[place] for place in np.flatnonzero(row))
        found[pattern] = found.get(pattern, 0) + 1
    found.pop(frozenset(), None)
    return names, found


@st.composite
def tables(draw: st.DrawFn, sizes: Sequence[int]) -> tuple[list[str], Patterns]:
    """As many lists as one of `sizes`, and people by pattern: few or many, lopsided, nested, whatever comes."""
    names = [chr(ord("A") + place) for place in range(draw(st.sampled_from(sizes)))]
    pattern = st.frozensets(st.sampled_from(names), min_size=1)
    number = st.one_of(st.integers(0, 30), st.sampled_from([100, 10_000, 1_000_000]))
    return names, draw(st.dictionaries(pattern, number, max_size=20))
