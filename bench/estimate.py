"""How long an estimate takes: invented people on five and on twelve lists, from few dependences to many.

Each line: lists, people observed, patterns, pairs that the stepwise model took, seconds. Twelve lists must stay below
ten seconds on two cores.
"""

import sys
import time
from collections import Counter

import numpy as np

from app.estimates.estimator import estimate_population

SEED = 1
# Lists, people, and how much they differ in their chances: 0 makes independent lists.
CASES = ((5, 5_000, 1.0), (5, 100_000, 1.0), (12, 300, 0.0), (12, 5_000, 0.0), (12, 5_000, 1.0), (12, 100_000, 1.0))


def main() -> None:
    random = np.random.default_rng(SEED)
    for number, people, spread in CASES:
        lists = [f"list-{place:02}" for place in range(number)]
        difference = spread * random.normal(size=people)[:, None] * random.uniform(0.2, 1.8, number)
        chance = 1 / (1 + np.exp(-(random.uniform(-4, -1, number) + difference)))
        found = random.random((people, number)) < chance
        patterns = Counter(frozenset(lists[place] for place in np.flatnonzero(row)) for row in found)
        del patterns[frozenset()]
        began = time.perf_counter()
        answer = estimate_population(lists, patterns)
        seconds = time.perf_counter() - began
        taken = next((len(model.terms) for model in answer.models if model.name == "stepwise"), 0)
        sys.stdout.write(
            f"{number:2} lists {answer.observed_count:6} people {len(patterns):5} patterns {taken:3} pairs "
            f"{seconds:6.2f} s\n"
        )


if __name__ == "__main__":
    main()
