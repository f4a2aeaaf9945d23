"""Lay the model of who is seen beside the registry over many histories: `python -m tests.machine.campaign`.

A batch of histories has a number, which says what is drawn: that of a batch with a difference plays it again.
"""

import argparse
import sys
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path
from time import monotonic

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.databases import ENGINES, Templates
from tests.machine.machine import Machine, machine

BATCH = 25  # histories of one seed: a difference ends a batch, and is looked for in all of it again


def difference(machines: type[Machine], number: int, histories: int, steps: int, *, shortest: bool) -> str | None:
    """The first difference among so many histories of a seed, and the history that leads there."""
    drawn = settings(
        max_examples=histories,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink) if shortest else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(seed(number)(machines), settings=drawn)
    except Exception as error:  # whatever the app or the comparison raises is told
        return "\n".join([f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())])
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=500)
    parser.add_argument("--steps", type=int, default=40, help="of each history")
    parser.add_argument("--engine", choices=ENGINES, default="sqlite")
    parser.add_argument("--seed", type=int, default=1, help=f"of the first {BATCH} histories")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no other batch after these")
    asked = parser.parse_args()
    begun, differences, done = monotonic(), 0, Counter[str]()
    with tempfile.TemporaryDirectory() as folder, closing(Templates(Path(folder))) as templates:
        for first in range(0, asked.histories, BATCH):
            if monotonic() - begun > asked.seconds:
                break
            machines, number = machine(templates, asked.engine), asked.seed + first // BATCH
            found = difference(machines, number, min(BATCH, asked.histories - first), asked.steps, shortest=True)
            done += machines.done
            if found is not None:
                differences += 1
                _say(f"seed {number}: a difference (again: --seed {number} --histories {BATCH})", found)
            _say(f"seed {number}: {_told(done)}, {monotonic() - begun:.0f} s")
    _say(f"{_told(done)} on {asked.engine} in {monotonic() - begun:.0f} s: {differences} differences")
    return int(differences > 0)


def _told(done: Counter[str]) -> str:
    return f"{done['histories']} histories, {done['steps']} steps, {done['answers']} answers"


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
