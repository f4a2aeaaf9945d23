"""Try what attackers with a key can move: `python -m tests.drills.abuse.random_attempts --attempts 500`."""

import argparse
import json
import logging
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from time import monotonic

from tests.drills.abuse import names
from tests.drills.abuse.measures import is_further_open, is_same_headline
from tests.drills.abuse.operations import OBJECTION, Attempt, Hand, draw_attempt
from tests.drills.abuse.small_registry import Page, SmallRegistry, State, create_registry, read_state
from tests.support import GOVERNMENT, openings_wait

ROLES = ("reporter", "government", "curator")
ROOT = Path(__file__).resolve().parents[3]

_registries: dict[str, SmallRegistry] = {}  # of this process, by its folder


def judge(registry: SmallRegistry, attempt: Attempt) -> list[str]:
    """Return what an attempt moved that it must not."""
    with openings_wait(), registry.open_copy(f"{attempt.role}-{attempt.seed}-{os.getpid()}") as world:
        hand = Hand(world, registry.targets)
        for step in attempt.steps:
            hand.take(step)
        return find_faults(registry, attempt, read_state(world)) if hand.written else []


def find_faults(registry: SmallRegistry, attempt: Attempt, after: State) -> list[str]:
    """Compare the registry before and after an attempt. Withdrawing one's own earlier reports is always allowed, and so
    is closing people as a curator."""
    before, keys = registry.state, max(1, len(attempt.sources))
    withdrawn = sum(len(registry.targets.own_reports.get(slug, ())) for slug in attempt.sources)
    limit = keys * (names.MAX_UNREVIEWED if attempt.sources else names.MAX_DECIDED) + withdrawn
    faults = [
        f"{name}: {number} → {after.numbers.get(name, 0)}, at most {limit}"
        for name, number in before.numbers.items()
        if abs(after.numbers.get(name, 0) - number) > limit
    ]
    if before.country != after.country:
        faults.append(f"country of the front page: {before.country} → {after.country}")
    tolerance = 0 if attempt.sources else limit
    if not is_same_headline(before.headline, after.headline, tolerance) and not _speaks_for_itself(attempt):
        faults.append(f"headline: {before.headline} → {after.headline}")
    foreign = [slug for claim, slug in after.confirmed.items() if claim not in before.confirmed]
    if sum(slug not in attempt.sources for slug in foreign) > tolerance:
        faults.append(f"figures in the name of others: {Counter(foreign)}")
    return [*faults, *_compare_pages(attempt, before, after, keys, limit)]


def _compare_pages(attempt: Attempt, before: State, after: State, keys: int, limit: int) -> Iterator[str]:
    hidden, changed = 0, 0
    for person, page in before.pages.items():
        now = after.pages.get(person)
        if now is None:  # joined to somebody else
            changed += 1
        elif _is_of_government_alone(page):  # what an organisation reports of them counts in place of that
            continue
        elif is_further_open(page.publish, now.publish) or (now.name and not page.name):
            yield f"opened: {person} from {page.publish} to {now.publish}"
        elif page.public is not None and now.public is None:
            hidden += 1
        elif now.public != page.public and now.publish == page.publish:
            changed += 1
    objections = sum(step.operation == OBJECTION for step in attempt.steps)
    most = keys * names.MAX_HIDDEN + objections * names.MAX_OBJECTED
    if attempt.sources and hidden > most:
        yield f"hidden: {hidden}, at most {most}"
    if changed > 2 * limit:  # a pair has two pages
        yield f"changed pages: {changed}, at most {2 * limit}"


def _is_of_government_alone(page: Page) -> bool:
    """Whether no organisation had reported the person."""
    spells = json.loads(page.public)["detentions"] if page.public else []
    sources = {slug for spell in spells for slug in (*spell["reported_by"], *spell["verified_by"])}
    return sources == {GOVERNMENT}


def _speaks_for_itself(attempt: Attempt) -> bool:
    """Whether a government files figures of its own, which are in the headline by right."""
    return GOVERNMENT in attempt.sources and any(step.operation == "claims" for step in attempt.steps)


def find_shortest(registry: SmallRegistry, attempt: Attempt) -> Attempt:
    """Return the shortest beginning of an attempt that moves too much."""
    for length in range(1, len(attempt.steps)):
        shorter = replace(attempt, steps=attempt.steps[:length])
        if judge(registry, shorter):
            return shorter
    return attempt


def _judge_seed(folder: str, role: str, seed: int) -> tuple[str, int, list[str]]:
    return role, seed, judge(_open_registry(folder), draw_attempt(role, seed))


def _open_registry(folder: str) -> SmallRegistry:
    """Return the registry of this process."""
    if folder not in _registries:
        logging.disable(logging.WARNING)  # of slow requests, on a machine that does other work
        own = Path(folder) / str(os.getpid())
        own.mkdir()
        _registries[folder] = create_registry(own)
    return _registries[folder]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--attempts", type=int, default=500, help="by each role")
    parser.add_argument("--seed", type=int, default=1, help="of the first attempt")
    parser.add_argument("--role", choices=ROLES, help="only this role")
    parser.add_argument(
        "--examples", type=int, default=3, help="failures of each role that are made shorter and printed"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="a tree with the application (default: this one)")
    asked = parser.parse_args()
    checkout = asked.checkout.resolve()
    if checkout != ROOT and os.environ.get("PYTHONPATH", "").split(os.pathsep)[0] != str(checkout):
        command = [sys.executable, "-m", "tests.drills.abuse.random_attempts", *sys.argv[1:]]
        # Packages of tests are found in both trees. Without a safe path those of this directory would come first.
        path = {"PYTHONPATH": f"{checkout}{os.pathsep}{ROOT}", "PYTHONSAFEPATH": "1"}
        os.execve(sys.executable, command, {**os.environ, **path})
    return _try_all(asked)


def _try_all(asked: argparse.Namespace) -> int:
    roles = [asked.role] if asked.role else [*ROLES]
    begun, failed, kinds = monotonic(), Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="recuento-abuse-") as folder:
        seeds = [(role, seed) for seed in range(asked.seed, asked.seed + asked.attempts) for role in roles]
        with ProcessPoolExecutor(asked.workers, get_context("spawn")) as workers:
            tried = [workers.submit(_judge_seed, folder, role, seed) for role, seed in seeds]
            for role, seed, faults in (done.result() for done in tried):
                if not faults:
                    continue
                failed[role] += 1
                kinds.update({f"{role}: {fault.partition(':')[0]}" for fault in faults})
                if failed[role] <= asked.examples:
                    _print_shortest(folder, role, seed)
    _say(f"{len(seeds)} attempts in {monotonic() - begun:.0f} s: {failed.total()} failed {dict(failed)}")
    _say(*(f"  {number} × {kind}" for kind, number in kinds.most_common()))
    return int(failed.total() > 0)


def _print_shortest(folder: str, role: str, seed: int) -> None:
    """Print the seed of a failed attempt, its shortest beginning that fails, and how."""
    registry = _open_registry(folder)
    shortest = find_shortest(registry, draw_attempt(role, seed))
    _say(f"{role} {seed} with {', '.join(shortest.sources) or 'a curator key'} fails:")
    _say(*(f"  {step}" for step in shortest.steps))
    _say(*(f"    {fault}" for fault in judge(registry, shortest)[:8]))


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
