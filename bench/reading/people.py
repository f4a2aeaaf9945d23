"""Invented people of a large registry, and what its sources report of them, one thing after another (pure).

They come in blocks. Each block is drawn from its own seed, so that blocks can be made side by side, and has the same
numbers of reports, ties and corrections as every other of its size, so that the revisions of each are known before.
"""

from dataclasses import dataclass, field
from datetime import date
from itertools import accumulate
from random import Random
from typing import Any, Literal

from app.registry.projection.statements import DATE_OF_STAGE
from app.vocabulary import (
    Category,
    Condition,
    Designation,
    Group,
    LegalStatus,
    Method,
    Publish,
    ReleaseKind,
    Stage,
    Verdict,
)
from bench.invented import Crowd

Body = dict[str, Any]
Kind = Literal["first", "tied", "next", "joined", "unsure"]

COUNTRIES = ("VE", "NI")
AREAS = 5  # of a country
# Slug, kind, and how often it is the one that reports: four report most people, eight a few.
SOURCES = (
    ("open-gates", "ngo", 30),
    ("names-desk", "ngo", 26),
    ("cell-atlas", "ngo", 20),
    ("bench-of-parties", "opposition", 14),
    ("river-law", "ngo", 2),
    ("delta-families", "families", 2),
    ("teachers-union", "union", 1),
    ("harbour-press", "media", 1),
    ("tide-radio", "media", 1),
    ("mission-of-five", "intergovernmental", 1),
    ("interior-office", "government", 1),
    ("prison-service", "government", 1),
)
FACILITIES = tuple(
    (f"place-{number:02}", f"Invented Place {number:02}", COUNTRIES[number % 5 == 4], f"Area {number % AREAS}")
    for number in range(36)
)
# Shares of the people of a block.
REPORTS = {1: 0.40, 2: 0.27, 3: 0.15, 4: 0.10, 5: 0.05, 6: 0.03}  # 2.2 on average
SEVERAL_SPELLS, RELEASED, CORRECTED, JOINED, UNSURE, COUNTED = 0.10, 0.60, 0.12, 0.01, 0.01, 0.08
# Shares of the reports: dates that are partial, and ones that are missing; days that contradict those of others.
PARTIAL, MISSING, OTHER_DAY = 0.07, 0.03, 0.06

FIRST_ARREST, LAST_ARREST = date(2019, 1, 1).toordinal(), date(2025, 2, 1).toordinal()
LAST_RELEASE = date(2025, 5, 20).toordinal()
APART = 20  # days between the ends of a spell, and between spells, so that no day moved by OTHER_DAY crosses them
AGE_ON = "2025-01"  # the day of every age, so that nothing depends on the day of filing
ADULT = 21  # years: whoever was younger may only be counted, and stands once for each source

KINDS = [*ReleaseKind]
KINDS_OFTEN = [18, 40, 6, 10, 2, 2, 1, 1, 1, 2, 2, 5, 1, 9]


def often(weights: dict[Any, int]) -> tuple[list[Any], list[int]]:
    """Values to choose from, with their weights added up."""
    return [*weights], [*accumulate(weights.values())]


VERDICTS = often({Verdict.VERIFIED: 66, Verdict.REPORTED: 26, Verdict.DISPUTED: 3, Verdict.REFUTED: 3, None: 2})
STAGES = often({Stage.CARRIED_OUT: 90, Stage.ORDERED: 5, Stage.ANNOUNCED: 5})
DESIGNATIONS = often({Designation.POLITICAL: 60, Designation.UNSTATED: 30, Designation.NOT_POLITICAL: 10})
CLASSES = often({Publish.NAMED: 58, Publish.ANONYMOUS: 30, None: 12})
CATEGORIES = often({Category.CIVILIAN: 80, Category.MILITARY: 15, Category.POLICE: 5})


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
    return round(size * of)


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
            told = _Told(self._chance, *names[person], spells[person], counted=person in counted)
            steps += self._of_person(person, told, numbers[person], person in joined, person in corrected)
        for person in self._chance.sample(range(1, size), share(size, UNSURE)):
            pair = firsts[person - 1], firsts[person]
            steps.append(Step(1 + self._chance.random(), person, "unsure", *pair))
        self.steps = sorted(steps, key=lambda step: step.at)

    def _of_person(self, person: int, told: "_Told", number: int, joined: bool, corrected: bool) -> list[Step]:
        """`joined`: the last record stands apart, until a curator says that it is the same person."""
        chance = self._chance
        wanted = number + joined + corrected
        at = sorted(chance.random() for _ in range(wanted))
        first, steps = self._records, []
        # The corrected one is the first, which all know to stand before the others.
        for place, (source, spell) in enumerate(told.by_whom(number)):
            body = told.report(spell)
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


class _Told:
    """A person with their spells as they were, told by one source after another as lists tell it."""

    def __init__(self, chance: Random, name: str, born: int | None, spells: int, *, counted: bool) -> None:
        self._chance = chance
        self._name = name
        self._spells = self._drawn_spells(spells)
        self._born = None if born is None else min(born, date.fromordinal(self._spells[0][0]).year - ADULT)
        self._age = chance.randrange(30, 70) if born is None and chance.random() < 0.4 else None
        self._gender = "female" if chance.random() < 0.15 else "male"
        self._country = COUNTRIES[chance.random() < 0.2]
        self._places = chance.sample([one for one in FACILITIES if one[2] == self._country], spells)
        self._category = self._of(CATEGORIES).value
        self._groups = [chance.choice([*Group]).value] if chance.random() < 0.2 else []
        self._publish = Publish.COUNTED if counted else self._of(CLASSES)

    def _of(self, weighted: tuple[list[Any], list[int]]) -> Any:
        return self._chance.choices(weighted[0], cum_weights=weighted[1])[0]

    def _drawn_spells(self, number: int) -> list[tuple[int, int | None, str]]:
        """`(arrest, release, kind of release)`; only the last one may go on."""
        days = sorted(self._chance.sample(range(FIRST_ARREST, LAST_ARREST, 2 * APART), number))
        spells = []
        for place, arrest in enumerate(days):
            arrest += self._chance.randrange(APART // 2)
            next_one = days[place + 1] - APART if place + 1 < number else LAST_RELEASE
            ended = place + 1 < number or self._chance.random() < RELEASED
            kind = self._chance.choices(KINDS, KINDS_OFTEN)[0].value
            day = self._chance.randint(min(arrest + APART // 2, next_one), next_one)
            spells.append((arrest, day if ended else None, kind))
        return spells

    def by_whom(self, number: int) -> list[tuple[int, int]]:
        """`(source, spell)` of so many reports, each pair once; of several spells each has a report."""
        weights = [*accumulate(often_ for _slug, _kind, often_ in SOURCES)]
        pairs: dict[tuple[int, int], None] = {}
        while len(pairs) < number:
            source = self._chance.choices(range(len(SOURCES)), cum_weights=weights)[0]
            pairs[source, len(pairs) % len(self._spells)] = None
        return [*pairs]

    def report(self, spell: int) -> Body:
        """One source's report of a spell, as the body of a request."""
        chance, (arrest, release, kind) = self._chance, self._spells[spell]
        body: Body = {"detainee": self._detainee(), "detention": self._detention(arrest, release, spell)}
        verdict = self._of(VERDICTS) or Verdict.RETRACTED
        method = chance.choice([*Method]).value if verdict == Verdict.VERIFIED or chance.random() < 0.2 else None
        body["verification"] = {"verdict": verdict.value, **({"method": method} if method else {})}
        if release is not None and chance.random() < 0.93:
            stage = self._of(STAGES)
            body["release"] = {"stage": stage.value, "kind": kind if chance.random() < 0.8 else "unspecified"}
            body["release"] |= self._day(DATE_OF_STAGE[stage], release)
            if chance.random() < 0.15:
                body["release"]["conditions"] = [chance.choice([*Condition]).value]
        return body

    def _detainee(self) -> Body:
        chance = self._chance
        told: Body = {"full_name": shortened(self._name, chance), "designation": self._of(DESIGNATIONS).value}
        if self._publish:
            told["publish"] = self._publish.value
        if self._born:
            told["birth_date"] = str(self._born)
        elif self._age:
            told |= {"age": self._age, "age_on": AGE_ON}
        known = {"gender": self._gender, "nationalities": [self._country], "category": self._category}
        told |= {name: value for name, value in known.items() if chance.random() < 0.7}
        return told | ({"groups": self._groups} if self._groups and chance.random() < 0.7 else {})

    def _detention(self, arrest: int, release: int | None, spell: int) -> Body:
        chance = self._chance
        told: Body = {"country": self._country, **self._day("detained_on", arrest)}
        if chance.random() < 0.75:
            told["facility"] = self._places[spell][1]
        elif chance.random() < 0.2:
            told["facility"] = f"Some unregistered yard {chance.randrange(50)}"
        if chance.random() < 0.4:
            told["legal_status"] = chance.choice([*LegalStatus]).value
        if release is None and chance.random() < 0.3:
            told["held_on"] = date.fromordinal(chance.randint(arrest + APART, LAST_RELEASE)).isoformat()
        return told

    def _day(self, name: str, day: int) -> Body:
        """The day of something, as precise as lists have it."""
        chance = self._chance
        drawn = chance.random()
        if drawn < MISSING:
            return {}
        if drawn < MISSING + OTHER_DAY:
            day += chance.choice((-2, -1, 1, 2))
        text = date.fromordinal(day).isoformat()
        if chance.random() < PARTIAL:
            text = chance.choice((text[:4], text[:7], text[:7], f"{text}/{date.fromordinal(day + 2).isoformat()}"))
        return {name: text}


def shortened(name: str, chance: Random) -> str:
    """The name as another list may have it: of four words one is left out, now and then."""
    words = name.split()
    if len(words) == 4 and chance.random() < 0.3:
        del words[chance.choice((1, 3))]
    return " ".join(words)
