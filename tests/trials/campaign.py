"""Try what a hostile source can move: `python -m tests.trials.campaign --trials 2000`."""

import argparse
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from time import monotonic

from tests.databases import Templates, settings_of
from tests.properties.steps import Registry
from tests.support import World
from tests.trials.drawing import HOSTILE, Drawing
from tests.trials.judging import judge, shortest
from tests.trials.twins import tell_apart

EACH = 11  # of these trials one is also played in two registries, which takes as long as three; odd, for either source


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2000, help="half of them by a state, half by a stolen key")
    parser.add_argument("--seed", type=int, default=1, help="of the first trial")
    parser.add_argument("--hostile", choices=HOSTILE, help="only this source")
    parser.add_argument("--examples", type=int, default=5, help="failures that are made shorter and printed")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end by then")
    parser.add_argument("--twins", type=int, default=EACH, help="play each n-th trial in two registries; 0: none")
    parser.add_argument("--only-twins", action="store_true", help="judge nothing else")
    asked = parser.parse_args()
    begun, failed, done, twice = monotonic(), 0, 0, 0
    hostile = [asked.hostile] if asked.hostile else [*HOSTILE]
    with tempfile.TemporaryDirectory() as folder, closing(Templates(Path(folder))) as templates:
        template, keys = templates.world("sqlite")
        with (
            templates.copy("sqlite", template) as url,
            World(settings_of(url), keys=keys) as world,
            Registry(world) as registry,
        ):
            while done < asked.trials and monotonic() - begun < asked.seconds:
                seed = asked.seed + done // len(hostile)
                trial = Drawing(seed, hostile[done % len(hostile)]).trial()
                done += 1
                judgements = [] if asked.only_twins else [judge]
                if asked.twins and done % asked.twins == 0:
                    judgements.append(tell_apart)
                    twice += 1
                for moved in judgements:
                    if moved(registry, trial):
                        failed += 1
                        _say(f"{trial.hostile} {seed} fails ({moved.__name__})")
                        if failed <= asked.examples:
                            short = shortest(registry, trial, moved)
                            _say(str(short), *moved(registry, short), "")
    _say(f"{done} trials, {twice} of them in two registries, in {monotonic() - begun:.0f} s: {failed} failed")
    return int(failed > 0)


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
