"""Hold an app against its own document: `python -m tests.fuzz.campaign --cases 50000`."""

import argparse
import sys
import tempfile
from collections import Counter
from contextlib import closing
from itertools import cycle
from pathlib import Path
from time import monotonic

from tests.databases import ENGINES, Templates, settings_of
from tests.fuzz.fuzzing import DRAWN, EDGES, ROLES, Outcome, fuzzed
from tests.support import World

EXAMPLES = 40  # of each operation in one pass under one key; then the next key has its turn


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=50_000, help="half of them drawn, half the edges of each value")
    parser.add_argument("--seed", type=int, default=1, help="of the first pass")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no other drawn pass after these")
    parser.add_argument("--engine", choices=ENGINES, default="sqlite")
    asked = parser.parse_args()
    begun, cases, statuses, failures = monotonic(), 0, Counter[int](), dict[str, str]()

    def add(who: str, outcome: Outcome) -> int:
        statuses.update(outcome.statuses)
        for name in sorted(outcome.failures.keys() - failures.keys()):
            failures[name] = outcome.failures[name]
            _say(f"{who}: {name}", outcome.failures[name], "")
        _say(f"{who}: {outcome.cases} cases, {monotonic() - begun:.0f} s")
        return outcome.cases

    with tempfile.TemporaryDirectory() as folder, closing(Templates(Path(folder))) as templates:
        template, keys = templates.world(asked.engine)
        with templates.copy(asked.engine, template) as url, fuzzed(World(settings_of(url), keys=keys)) as app:
            for role in ROLES:
                if cases < asked.cases // 2:
                    cases += add(f"{role}, edges", app.ask(role, asked.seed, EDGES, 1, asked.cases // 2 - cases))
            for seed, role in enumerate(cycle(ROLES), asked.seed):
                if cases >= asked.cases or monotonic() - begun > asked.seconds:
                    break
                cases += add(f"{role} {seed}", app.ask(role, seed, DRAWN, EXAMPLES, asked.cases - cases))
    told = ", ".join(f"{number} × {status}" for status, number in sorted(statuses.items()))
    _say(f"{cases} cases on {asked.engine} in {monotonic() - begun:.0f} s ({told}): {len(failures)} failures")
    return int(bool(failures))


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
