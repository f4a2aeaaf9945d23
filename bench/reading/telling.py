"""An invented person with their spells in custody, told by one source after another as lists tell it (pure)."""

from datetime import date
from itertools import accumulate
from random import Random
from typing import Any

from app.projection.statements import STAGE_DATE_FIELDS
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

Body = dict[str, Any]

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
RELEASED = 0.60  # of the last spells
# Shares of the reports: dates that are partial, and ones that are missing; days that contradict those of others.
PARTIAL, MISSING, OTHER_DAY = 0.07, 0.03, 0.06


FIRST_ARREST, LAST_ARREST = date(2019, 1, 1).toordinal(), date(2025, 2, 1).toordinal()
LAST_RELEASE = date(2025, 5, 20).toordinal()
APART = 20  # days between the ends of a spell, and between spells, so that no day moved by OTHER_DAY crosses them
AGE_ON = "2025-01"  # the day of every age, so that nothing depends on the day of filing
ADULT = 21  # years: whoever was younger may only be counted, and stands once for each source


def often(weights: dict[Any, int]) -> tuple[list[Any], list[int]]:
    """Values to choose from, with their weights added up."""
    return [*weights], [*accumulate(weights.values())]


KINDS = often(dict(zip(ReleaseKind, (18, 40, 6, 10, 2, 2, 1, 1, 1, 2, 2, 5, 1, 9), strict=True)))
VERDICTS = often({Verdict.VERIFIED: 66, Verdict.REPORTED: 26, Verdict.DISPUTED: 3, Verdict.REFUTED: 3, None: 2})
STAGES = often({Stage.CARRIED_OUT: 90, Stage.ORDERED: 5, Stage.ANNOUNCED: 5})
DESIGNATIONS = often({Designation.POLITICAL: 60, Designation.UNSTATED: 30, Designation.NOT_POLITICAL: 10})
CLASSES = often({Publish.NAMED: 58, Publish.ANONYMOUS: 30, None: 12})
CATEGORIES = often({Category.CIVILIAN: 80, Category.MILITARY: 15, Category.POLICE: 5})


class Life:
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
            kind = self._of(KINDS).value
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
            body["release"] |= self._day(STAGE_DATE_FIELDS[stage], release)
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
