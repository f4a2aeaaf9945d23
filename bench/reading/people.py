"""Invented people of a large registry, and what its sources report of them, one thing after another (pure).

They come in blocks. Each block is drawn from its own seed, so that blocks can be made side by side, and has the same
numbers of reports, ties and corrections as every other of its size, so that the revisions of each are known before.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Literal

from app.vocabulary import Verdict
from bench.invented import Crowd
from bench.reading.telling import Body, Life

Kind = Literal["first", "tied", "next", "joined", "unsure"]

# Shares of the people of a block.
REPORTS = {1: 0.40, 2: 0.27, 3: 0.15, 4: 0.10, 5: 0.05, 6: 0.03}  # 2.2 on average
SEVERAL_SPELLS, CORRECTED, JOINED, UNSURE, COUNTED = 0.10, 0.12, 0.01, 0.01, 0.08


@dataclass(frozen=True, slots=True)
class Step:
    """Something that happens to a person. `record`: the number, in the block, of the record that it is about; `other`:
    of the one to which that is tied, joined, or which may be of the same person; `body`: what is reported."""

    at: float
    person: int
    kind: Kind
    record: int
    other: int = -1
    source: int = -1
    body: Body = field(default_factory=dict)

    @property
    def entries(self) -> int:
        """The tie of a new report is written before it."""
        return 2 if self.kind == "tied" else 1


def share(size: int, of: float) -> int:
    """So many of a block of this size; of a small one, too, somebody."""
    return max(1, round(size * of))


def quota(size: int, shares: dict[int, float]) -> list[int]:
    """So many of each that all blocks of the size have the same; what rounding leaves are the first of them."""
    listed = [value for value, of in shares.items() for _ in range(share(size, of))]
    return (listed + [next(iter(shares))] * size)[:size]


def entries_of_crew(size: int) -> int:
    """The number of revisions of a block: each report but the first of a person has its tie before it."""
    return 2 * sum(quota(size, REPORTS)) - size + share(size, CORRECTED) + share(size, UNSURE)


class Crew:
    """The people of one block, in the order in which things are reported of them (`steps`)."""

    def __init__(self, seed: int, number: int, size: int) -> None:
        self._chance = Random(seed * 1_000_003 + number)
        self._case = number * 10 * size
        self._records = 0
        names = list(Crowd(self._chance.randrange(2**31)).people(size))
        numbers = quota(size, REPORTS)
        several = [person for person in range(size) if numbers[person] > 1]
        joined = set(self._chance.sample(several, share(size, JOINED)))
        spells = dict.fromkeys(range(size), 1)
        for person in self._chance.sample(several, share(size, SEVERAL_SPELLS)):
            spells[person] = 2 + (self._chance.random() < 0.1)
        counted = self._chance.sample([p for p in range(size) if numbers[p] == 1], share(size, COUNTED))
        corrected = set(self._chance.sample(range(size), share(size, CORRECTED)))
        steps: list[Step] = []
        firsts: list[int] = []
        for person in range(size):
            firsts.append(self._records)
            life = Life(self._chance, *names[person], spells[person], counted=person in counted)
            steps += self._of_person(person, life, numbers[person], person in joined, person in corrected)
        for person in self._chance.sample(range(1, size), share(size, UNSURE)):
            pair = firsts[person - 1], firsts[person]
            steps.append(Step(1 + self._chance.random(), person, "unsure", *pair))
        self.steps = sorted(steps, key=lambda step: step.at)

    def _of_person(self, person: int, life: Life, number: int, joined: bool, corrected: bool) -> list[Step]:
        """`joined`: the last record stands apart, until a curator says that it is the same person."""
        chance = self._chance
        at = sorted(chance.random() for _ in range(number + joined + corrected))
        first, steps = self._records, []
        # The corrected one is the first, which all know to stand before the others.
        for place, (source, spell) in enumerate(life.by_whom(number)):
            body = life.report(spell)
            self._case += 1
            body["source_record_id"] = f"INV-{self._case}"
            kind: Kind = "first" if place == 0 or (joined and place == number - 1) else "tied"
            if place == 0 and corrected:
                before = earlier_version(body)
                steps += [Step(at[0], person, "first", first, source=source, body=before)]
                steps += [Step(at[1], person, "next", first, source=source, body=body)]
            else:
                steps.append(Step(at[len(steps)], person, kind, self._records, first, source, body))
            self._records += 1
        if joined:
            steps.append(Step(at[-1], person, "joined", first, self._records - 1))
        return steps


def earlier_version(body: Body) -> Body:
    """What the source said before: not yet of a release, or not yet sure."""
    if "release" in body:
        bare = {name: value for name, value in body.items() if name != "release"}
        return {**bare, "verification": {"verdict": Verdict.REPORTED.value}}
    verdict = body["verification"]["verdict"]
    before = Verdict.DISPUTED if verdict == Verdict.REPORTED else Verdict.REPORTED
    return {**body, "verification": {"verdict": before.value}}
