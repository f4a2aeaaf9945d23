"""The model's count of who is held on a day, and where each person stands."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.dates import PartialDate, parse_to
from tests.model.counting import SOURCE_NUMBERS, Answer, Terms, many, taken_again
from tests.model.model import ASSERTIONS, COUNTING, FAR, Registry, Report, Spell, spells_of
from tests.model.voices import (
    asked_at,
    at_stage,
    consolidate,
    detained_on,
    held_words,
    own_reports,
    own_word,
    release_at,
    release_voices,
    status_of,
    weigh,
)

LONG_SILENCE = 180  # days


@dataclass(frozen=True)
class End:
    """How a spell is over: the day agreed on, those given, and whether an independent source gives one."""

    day: PartialDate | None
    given: tuple[PartialDate, ...] = ()
    independent: bool = False
    home: bool = False  # to house arrest


def dating(registry: Registry, reports: Iterable[Report]) -> list[Report]:
    """Those whose days count: beside an independent verification only independent ones."""
    reports = list(reports)
    if any(registry.independent(one) and one.verdict == "verified" for one in reports):
        return [one for one in reports if registry.independent(one)]
    return reports


def inside_days(registry: Registry, reports: Iterable[Report]) -> list[tuple[PartialDate, bool]]:
    """The days of arrest and of being seen held, each with whether it is independent."""
    return [
        (day, registry.independent(one))
        for one in reports
        if one.holds
        for name in ("held_on", "detained_on")
        if (day := one.word(name)) is not None
    ]


def seen_days(registry: Registry, reports: Iterable[Report]) -> list[tuple[PartialDate, bool]]:
    """The days on which somebody was seen held; beside no independent one those too that stood where others point."""
    holding = [one for one in reports if one.holds]
    own = [(day, registry.independent(one)) for one in holding if (day := one.word("held_on")) is not None]
    if any(independent for _day, independent in own):
        return own
    rest = [one for one in holding if one.word("held_on") is None]
    return own + [(day, registry.independent(one)) for one in rest if (day := one.kept.get("held_on")) is not None]


def end_of(registry: Registry, person: str, spell: Spell, number: int) -> End | None:
    """The release by which a spell is over, if one counts that was carried out. What others verified is ended by an
    independent verification only, an undated word ends nothing beside an independent report of the detention, and none
    that is not independent ends anything before a day on which an independent source knew the person inside."""
    release = release_at(registry, person, spell, number, "carried_out")
    if release is None or release.status not in COUNTING:
        return None
    holding = [one for one in spell.reports if one.holds]
    strong = [one for one in holding if registry.independent(one)]
    last = max((day.lo for day, own in inside_days(registry, dating(registry, holding)) if own), default=0)

    def counts(one: Report) -> bool:
        if registry.independent(one):
            return True
        day = one.word("carried_out")
        against = [other for other in strong if day is None or other.verdict == "verified"]
        return not any(other.source != one.source for other in against) and (day is None or day.hi >= last)

    heard = [one for one in asked_at(registry, spell, "carried_out") if counts(one)]
    if not heard:
        return None
    given = weigh(registry, heard, "carried_out", dated=True)
    return End(
        consolidate(registry, heard, "carried_out", dated=True),
        tuple(day for day, _own in given),
        any(own for _day, own in given),
        home=release.facts["kind"] == "house_arrest",
    )


def stated(registry: Registry, spell: Spell) -> bool:
    """An independent source reports the detention."""
    return any(registry.sources[one.source].counts and one.holds for one in spell.reports)


def state_of(registry: Registry, person: str) -> Answer:
    """Where a person stands by the last spell that an independent source states, and whether they were taken again."""
    spells = spells_of(registry, registry.people()[person])
    ends = [end_of(registry, person, spell, number) for number, spell in enumerate(spells)]
    known = [stated(registry, spell) for spell in spells]
    again = any(known[number] and any(ends[:number]) for number in range(len(spells)))
    last = max((number for number, one in enumerate(known) if one), default=-1)
    if last < 0:  # nobody independent: the last one that is no re-arrest of only others
        heard = [any(one.holds for one in spell.reports) for spell in spells]
        claimed = [heard[number] and any(ends[:number]) for number in range(len(spells))]
        last = max(number for number, one in enumerate(claimed) if not one)
    end = ends[last]
    if end is not None:
        return {"state": "house_arrest" if end.home else "released", "rearrested": again}
    held = any(one.holds for one in spells[last].reports)
    return {"state": "held" if held else "unknown", "rearrested": again}


@dataclass(frozen=True)
class Stay:
    """From when to when somebody was held, each as the first and the last possible day."""

    first: int | None
    begun: int | None
    left: tuple[int, int]
    next: int | None

    def on(self, day: int) -> str:
        """Whoever leaves on a day was held on it; a later detention that had begun ends an earlier one."""
        begun = self.begun is not None and self.begun <= day
        if self.left[1] < day or (self.next is not None and self.next <= day):
            return "outside"
        if begun and self.left[0] >= day:
            return "inside"
        return "outside" if not begun and self.first is not None and self.first > day else "uncertain"


def stay(
    start: PartialDate | None,
    seen: list[PartialDate],
    end: End | None,
    against: list[tuple[PartialDate, bool]],
    later: int | None,
) -> Stay:
    """Nobody left before a day inside; an end before a day inside that weighs as much may not have been."""
    after = [day.hi for day in seen if start is None or day.hi >= start.lo]
    begun = min([*after, *([start.hi] if start else [])], default=None)
    first = start.lo if start else None
    if end is None:
        return Stay(first, begun, (FAR, FAR), later)
    inside = [*([] if end.home else seen), *([start] if start else [])]
    if end.day is None:
        return Stay(first, begun, (max((day.lo for day in inside), default=0), FAR), later)
    lo, hi = end.day.lo, end.day.hi
    agreed = min((day.hi for day in end.given if end.day.contains(day)), default=hi)
    lo = max((day.lo for day in inside if lo < day.lo <= agreed), default=lo)
    equal = [] if end.home else [day.lo for day, own in against if own or not end.independent]
    last = max(equal, default=0)
    if last > hi:
        hi = min((day.hi for day in end.given if day.hi >= last), default=FAR)
    return Stay(first, begun, (lo, hi), later)


class HeldQuestion:
    """Who is held on a day: begun by then, and not yet over."""

    def __init__(self, registry: Registry, terms: Terms) -> None:
        self.registry, self.terms = registry, terms
        self.day = parse_to(terms["held_on"])
        self.inside: list[tuple[str, str | None, int]] = []  # person, status, independent sources
        self.uncertain = self.silent = 0
        self.groups: dict[tuple[Any, ...], Answer] = {}
        self.people: dict[tuple[Any, ...], set[str]] = {}

    def count(self) -> Answer:
        for person, reports in self.registry.people().items():
            for number, spell in enumerate(spells_of(self.registry, reports)):
                self._spell(person, number, spell)
        counted = [one for one in self.inside if one[1] in COUNTING]
        total: Answer = {
            status: sum(one[1] == status for one in self.inside)
            for status in ("verified", "contested", "reported", "refuted")
        }
        total["detentions"], total["people"] = len(counted), len({one[0] for one in counted})
        most = max((one[2] for one in counted), default=0)
        total["by_min_sources"] = {str(k): sum(one[2] >= k for one in counted) for k in range(1, most + 1)}
        apart = [one for one in counted if self.registry.publish.get(one[0]) == "counted"]
        total["counted_apart"] = len(apart)
        answer: Answer = {
            "total": total,
            "uncertain_date": self.uncertain,
            "not_heard_since": self.silent,
            "withheld": len({one[0] for one in apart}),
        }
        if "source" in many(self.terms, "group_by"):
            answer["groups"] = {
                key: group | {"people": len(self.people.get(key, ()))} for key, group in self.groups.items()
            }
        return answer

    def _ended(self, end: End | None) -> End | None:
        """House arrest leaves the person under arrest; whether such people are counted is a term."""
        return None if end is not None and end.home and self.terms.get("house_arrest") else end

    def _spell(self, person: str, number: int, spell: Spell) -> None:
        registry = self.registry
        words = held_words(registry, spell)
        status = status_of(words.values())
        whole, start = end_of(registry, person, spell, number), detained_on(registry, spell)
        sure = dating(registry, [one for one in spell.reports if one.holds])
        seen, later = seen_days(registry, sure), taken_again(registry, person, number, None)
        place = stay(start, [day for day, _own in seen], self._ended(whole), inside_days(registry, sure), later)
        where = place.on(self.day)
        self.uncertain += where == "uncertain" and status in COUNTING
        if where == "inside":
            self.inside.append((person, status, sum(word == ("verified", True) for word in words.values())))
            known = [day for day, own in seen if own] or [day for day, _own in seen]
            heard = [day.hi for day in (start, *known, whole.day if whole else None) if day is not None]
            self.silent += status in COUNTING and bool(heard) and max(heard) < self.day - LONG_SILENCE
        for source, (verdict, _own) in words.items():
            others = {one for one, word in words.items() if word == ("verified", True)} - {source}
            self._source(person, number, spell, source, verdict, alone=not others)

    def _source(self, person: str, number: int, spell: Spell, source: str, verdict: str, *, alone: bool) -> None:
        """A source by its own word: when the detention began, and whether it is over."""
        registry, mine = self.registry, own_reports(spell, source)
        voice = release_voices(spell).get(source)
        end = None
        if voice is not None and voice.asserts and at_stage(voice, "carried_out"):
            end = self._ended(End(voice.own("carried_out"), home=voice.own("kind") == "house_arrest"))
        seen = [day for day, _own in seen_days(registry, mine)]
        later = taken_again(registry, person, number, source)
        place = stay(own_word(mine, "detained_on"), seen, end, inside_days(registry, mine), later).on(self.day)
        if place == "outside" or (place == "uncertain" and verdict not in ASSERTIONS):
            return
        group = self.groups.setdefault((source,), dict.fromkeys(SOURCE_NUMBERS, 0))
        if place == "uncertain":
            group["uncertain_date"] += 1
            return
        group[verdict] += 1
        if verdict == "verified":
            group["only_this_source"] += alone
            self.people.setdefault((source,), set()).add(person)


def count_held(registry: Registry, terms: Terms) -> Answer:
    return HeldQuestion(registry, terms).count()
