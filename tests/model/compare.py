"""Lay the answers of the app beside the model's, for many histories; print each difference with the shortest history.

.venv/bin/python -m tests.model.compare --histories 300 --seed 1
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import app
from tests.model.counting import SOURCE_NUMBERS, Answer, Terms, count_overlap, count_releases
from tests.model.held import count_held, state_of
from tests.model.histories import HELD, RELEASES, Step, draw, draw_terms
from tests.model.model import Choices, Registry
from tests.model.play import IdentityDiffers, Played, played

COUNTS, OVERLAP, HELD_COUNT, PEOPLE = (
    "/v1/counts/releases", "/v1/counts/overlap", "/v1/counts/detentions", "/v1/detainees",
)  # fmt: skip
NEW_FIELDS = ("counted_apart", "not_visible")  # compared only where the app's answer has them
TOTAL = ("releases", "people", "verified", "contested", "reported", "refuted", "by_min_sources", "counted_apart")
APART = ("uncertain_date", "withheld", "not_visible")


@dataclass(frozen=True)
class Question:
    """A path with its terms, asked of a revision."""

    path: str
    terms: tuple[tuple[str, Any], ...]

    @property
    def asked(self) -> Terms:
        return {name: list(value) if isinstance(value, tuple) else value for name, value in self.terms}

    def __str__(self) -> str:
        return f"{self.path} {self.asked}"


@dataclass(frozen=True)
class Difference:
    """One answer in which the two part: each number as (model, app), by where it stands."""

    question: Question
    revision: int
    at_head: bool
    numbers: tuple[tuple[str, Any, Any], ...]

    @property
    def kind(self) -> str:
        """What such differences have in common: the question, its terms, and the numbers that part."""
        names = sorted({name.split(" ")[0] for name, _model, _theirs in self.numbers})
        return f"{self.question.path} [{', '.join(names)}]"


def question(path: str, terms: Terms) -> Question:
    return Question(path, tuple((name, tuple(v) if isinstance(v, list) else v) for name, v in terms.items()))


def questions(random: Random, number: int) -> Iterator[Question]:
    """A broad random sample, and once in a while an overlap, the held of a day, and where people stand."""
    for _ in range(number):
        yield question(COUNTS, draw_terms(random))
    terms = draw_terms(random)
    terms.pop("group_by", None)
    terms.pop("source", None)
    if random.random() < 0.3:
        yield question(OVERLAP, terms)
    if random.random() < 0.5:
        day = random.choice([one for one in (*HELD, *RELEASES) if len(one) == 10])
        held: Terms = {"held_on": day}
        if random.random() < 0.5:
            held["group_by"] = ["source"]
        if random.random() < 0.2:
            held["house_arrest"] = True
        yield question(HELD_COUNT, held)
    if random.random() < 0.3:
        yield question(PEOPLE, {})


# --- the two answers, flat: where a number stands → number ------------------------------------------------------------


def model_says(registry: Registry, asked: Question) -> Answer:
    if asked.path == PEOPLE:
        people = registry.people()
        return {f"{name} {person}": value for person in people for name, value in state_of(registry, person).items()}
    if asked.path == OVERLAP:
        found = count_overlap(registry, asked.asked)
        flat: Answer = {"releases": found["releases"]}
        flat |= {f"pattern {'+'.join(names)}": number for names, number in found["patterns"].items()}
        flat |= {f"verified {name}": number for name, number in found["verified"].items()}
        return flat | {f"both {a}+{b}": number for (a, b), number in found["both"].items()}
    found = (count_held if asked.path == HELD_COUNT else count_releases)(registry, asked.asked)
    flat = {f"total.{name}": found["total"][name] for name in found["total"]}
    flat |= {name: number for name, number in found.items() if name not in ("total", "groups")}
    for key, group in found.get("groups", {}).items():
        flat |= {f"group.{name} {key}": number for name, number in group.items()}
    return flat


def app_says(played: Played, asked: Question, revision: int) -> Answer:
    terms = {name: str(value).lower() if isinstance(value, bool) else value for name, value in asked.asked.items()}
    if asked.path == PEOPLE:
        terms["limit"] = 200
    response = played.world.get(asked.path, "reader" if asked.path == PEOPLE else None, **terms, as_of=revision)
    assert response.status_code == 200, f"{asked} as of {revision}: {response.text}"
    body = response.json()
    if asked.path == PEOPLE:
        return {f"{name} {one['id']}": one[name] for one in body["data"] for name in ("state", "rearrested")}
    if asked.path == OVERLAP:
        flat: Answer = {"releases": body["releases"]}
        flat |= {f"pattern {'+'.join(sorted(one['sources']))}": one["releases"] for one in body["patterns"]}
        flat |= {f"verified {one['source']}": one["verified"] for one in body["sources"]}
        return flat | {f"both {'+'.join(sorted((one['a'], one['b'])))}": one["both"] for one in body["pairs"]}
    total = body["total"]
    flat = {f"total.{name}": number for name, number in total.items()}
    flat |= {name: body[name] for name in (*APART, "not_heard_since") if name in body}
    dimensions = asked.asked.get("group_by", [])
    by_source = "source" in dimensions
    order = ["source", *(name for name in dimensions if name != "source")] if by_source else dimensions
    for group in body.get("groups") or []:
        key = tuple(group[name] for name in order)
        names = SOURCE_NUMBERS if by_source else TOTAL
        flat |= {f"group.{name} {key}": group[name] for name in names if name in group}
    return flat


def part(model: Answer, theirs: Answer) -> tuple[tuple[str, Any, Any], ...]:
    """Where the two part; a number that one of them leaves out is none there, and a new field may not be there yet."""
    here = {name.split(" ")[0].rpartition(".")[2] for name in theirs}
    found = []
    for name in sorted(model.keys() | theirs.keys()):
        last = name.split(" ")[0].rpartition(".")[2]
        if last in NEW_FIELDS and last not in here:
            continue
        if (model.get(name) or 0) != (theirs.get(name) or 0):
            found.append((name, model.get(name), theirs.get(name)))
    return tuple(found)


def today(made: Played, past: Registry) -> Registry:
    """A past as it may be seen today."""
    head = made.snapshots[-1].registry
    classes = {report: head.publish[head.person_of[report]] for report in past.person_of}
    return replace(past, today=classes, erased=frozenset(made.erased))


def examine(steps: list[Step], choose: Choices, ask: Callable[[int], Iterator[Question]]) -> Iterator[Difference]:
    """Play a history and compare every revision."""
    with played(steps, choose) as made:
        for number, snapshot in enumerate(made.snapshots):
            last = number == len(made.snapshots) - 1
            for asked in ask(number):
                model = model_says(today(made, snapshot.registry), asked)
                numbers = part(model, app_says(made, asked, snapshot.revision))
                if numbers:
                    yield Difference(asked, snapshot.revision, last, numbers)


def differences(seed: int, number: int, choices: Choices | None = None) -> list[Difference]:
    """What the two part in over the history of a seed, with as many questions at each revision."""
    random = Random(seed)
    return list(examine(draw(seed), choices or Choices(), lambda _number: questions(random, number)))


def minimise(steps: list[Step], difference: Difference, choices: Choices) -> tuple[list[Step], Difference]:
    """Leave out steps while the two still part at the same question in the same numbers."""

    def still(some: list[Step]) -> Difference | None:
        try:
            found = examine(some, choices, lambda _number: iter([difference.question]))
            return next((one for one in found if one.kind == difference.kind), None)
        except IdentityDiffers:
            return None

    current, known = list(steps), difference
    size = len(current)
    while size := size // 2:
        at = len(current)
        while at > 0:
            at = max(0, at - size)
            shorter = _without(current, at, at + size)
            found = still(shorter)
            if found is not None:
                current, known = shorter, found
    return current, known


def _without(steps: list[Step], start: int, end: int) -> list[Step]:
    """A history without some of its steps; what names one of them names nothing."""
    kept = [at for at in range(len(steps)) if not start <= at < end]
    places = {old: new for new, old in enumerate(kept)}
    return [
        step if step.target < 0 else replace(step, target=places.get(step.target, 10**6))
        for step in (steps[at] for at in kept)
    ]


def tell(steps: list[Step], difference: Difference) -> str:
    lines = [f"  {number:2} {step}" for number, step in enumerate(steps)]
    lines += [f"  ? {difference.question} at {difference.revision}{'' if difference.at_head else ' (past)'}"]
    lines += [f"  ≠ {name}: model {model!r}, app {other!r}" for name, model, other in difference.numbers]
    return "\n".join(lines)


def _choices(given: list[str]) -> Choices:
    """`name=true` or `name=false`."""
    names = {one.name for one in fields(Choices)}
    pairs = [one.partition("=") for one in given]
    assert all(name in names for name, _equals, _value in pairs), f"choices are {sorted(names)}"
    return Choices(**{name: value == "true" for name, _equals, value in pairs})


def _from_root(root: Path) -> None:
    """Begin again in another work tree: `app` and the tests' own support come from there, this model from here."""
    here = Path(app.__path__[0]).resolve().parent
    if here == root:
        return
    arguments = [one for one in sys.argv[1:] if not one.startswith("--app-root") and Path(one).resolve() != root]
    os.chdir(root)
    command = [sys.executable, "-m", "tests.model.compare", *arguments]
    os.execve(sys.executable, command, os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{here}"})


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--questions", type=int, default=2, help="at each revision")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no history after as many")
    parser.add_argument("--examples", type=int, default=1, help="histories printed of each kind of difference")
    parser.add_argument("--choose", action="append", default=[], metavar="NAME=true|false")
    parser.add_argument("--app-root", default=".", help="the work tree whose app is asked")
    parser.add_argument("--only", default="", help="only differences whose kind holds this")
    given = parser.parse_args()
    _from_root(Path(given.app_root).resolve())
    choose, kinds, unplayed, played_through = _choices(given.choose), Counter[str](), 0, 0
    begun = monotonic()
    for seed in range(given.seed, given.seed + given.histories):
        if monotonic() - begun > given.seconds:
            break
        played_through += 1
        random, steps = Random(seed), draw(seed)
        try:
            found = list(examine(steps, choose, lambda _n, random=random: questions(random, given.questions)))  # type: ignore[misc]
        except IdentityDiffers:
            unplayed += 1
            continue
        for difference in found:
            if given.only not in difference.kind:
                continue
            kinds[difference.kind] += 1
            say(f"seed {seed}: {difference.kind}")
            if kinds[difference.kind] <= given.examples:
                say(tell(*minimise(steps, difference, choose)))
    spent = monotonic() - begun
    say(f"{played_through} histories in {spent:.0f} s; {unplayed} where the model cannot follow who is whom")
    for kind, number in kinds.most_common():
        say(f"{number:6} {kind}")
    return 1 if kinds else 0


if __name__ == "__main__":
    sys.exit(main())
