"""How spells end, who is held on a day, and where people stand.

Written from rules 1, 4 and 8 of the design and from the decisions on being held, on ends and on totals alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.dates import PartialDate, parse_window_end
from tests.model.counting import SOURCE_NUMBERS, Answer, Terms, many
from tests.model.model import ASSERTIONS, COUNTING, Registry, Report
from tests.model.spells import NEVER, Spell, told_spells
from tests.model.voices import (
    asked_at,
    at_stage,
    consolidate,
    held_words,
    holding,
    last_word,
    own_reports,
    own_word,
    release_at,
    release_voices,
    speaking,
    status_of,
    weigh,
)

LONG_SILENCE = 180  # days without a day on which somebody knew the person inside
HOME = "house_arrest"


@dataclass(frozen=True)
class End:
    """How a spell is over. `day`: on which, as far as it is agreed on; `given`: the days out of which this was made;
    `told`: every day that an independent account gives itself."""

    day: PartialDate | None
    given: tuple[PartialDate, ...]
    told: tuple[PartialDate, ...]
    independent: bool
    home: bool  # to house arrest, so that no later day contradicts it


@dataclass(frozen=True)
class Inside:
    """A day on which somebody knew the person inside."""

    day: PartialDate
    independent: bool


def statements(registry: Registry, spell: Spell) -> list[Report]:
    """Of each source what says that the person was held; where nobody says so, what denies it or was withdrawn."""
    every = [one for reports in speaking(spell.reports).values() for one in reports]
    return holding(every) or every


def days_inside(registry: Registry, reports: Sequence[Report], *names: str) -> list[Inside]:
    """Days of arrest, or of being seen held, by the sources' own words: these alone contradict an end. Beside an
    independent verification days that only others give date nothing."""
    said = [(one.word(name), registry.independent(one)) for one in _dating(registry, reports) for name in names]
    return [Inside(day, independent) for day, independent in said if day is not None]


def days_seen(registry: Registry, reports: Sequence[Report]) -> list[Inside]:
    """Days of being seen held; what stood where somebody points counts where no independent source says a day."""
    found = days_inside(registry, reports, "held_on")
    if any(one.independent for one in found):
        return found
    return found + [
        Inside(day, registry.independent(one))
        for one in _dating(registry, reports)
        if (day := _kept_seen(one)) is not None
    ]


def _dating(registry: Registry, reports: Sequence[Report]) -> list[Report]:
    verified = any(one.verdict == "verified" and registry.independent(one) for one in reports)
    return [one for one in holding(reports) if registry.independent(one) or not verified]


def _kept_seen(report: Report) -> PartialDate | None:
    """The day of being seen held that is kept with a report, unless it says one itself or lets the person go before."""
    kept: PartialDate | None = report.kept.get("held_on")
    out = report.word("carried_out") if report.asserts else None
    if kept is None or report.word("held_on") is not None or (out is not None and out.hi < kept.lo):
        return None
    return kept


def stated(registry: Registry, spell: Spell) -> bool:
    """An independent source reports the detention."""
    return any(registry.sources[one.source].counts for one in holding(spell.reports))


def witnesses(registry: Registry, spell: Spell) -> list[Report]:
    """By whom independent sources knew that the person was held: of each its last word on the detention, and what it
    says of a release at whatever stage and on whatever day."""
    found = []
    for reports in speaking(spell.reports).values():
        detention = [one for one in reports if not one.stage]
        found += [last_word(detention)] if detention else []
        found += [one for one in reports if one.stage]
    return [one for one in found if one.holds and registry.independent(one)]


def _stated_start(registry: Registry, spell: Spell) -> PartialDate | None:
    """The day of arrest as independent sources state it together."""
    saying = [one for one in holding(spell.reports) if registry.sources[one.source].counts]
    found: PartialDate | None = consolidate(registry, saying, "detained_on", dated=True)
    return found


def end_of(registry: Registry, person: str, spell: Spell, number: int) -> End | None:
    """The release by which a spell is over, if one counts as carried out. What others verified only an independent
    source ends; an undated word of others ends nothing beside an independent report of the detention; nor does an end
    that no independent account states before a day on which an independent one knew the person inside."""
    release = release_at(registry, person, spell, number, "carried_out")
    if release is None or release.status not in COUNTING:
        return None
    # A release that is contested by a dispute alone has nobody who asserts it, and ends custody by who disputes it.
    saying = asked_at(registry, spell, "carried_out")
    beside = witnesses(registry, spell)
    verifying = {one.source for one in beside if one.verdict == "verified"}
    ending = []
    for one in saying:
        if not registry.independent(one):
            if _known_inside_after(registry, spell, one.own("carried_out")):
                continue
            if verifying - {one.source}:
                continue
            if one.word("carried_out") is None and any(other.source != one.source for other in beside):
                continue
        ending.append(one)
    if not ending:
        return None
    day = consolidate(registry, ending, "carried_out", dated=True)
    weighed = weigh(registry, ending, "carried_out", dated=True)
    given, independent = tuple(said for said, _own in weighed), any(own for _said, own in weighed)
    strong = [one.word("carried_out") for one in ending if registry.independent(one)]
    home = release.facts["kind"] == HOME
    return End(day, given, tuple(filter(None, strong)), independent, home)


def _known_inside_after(registry: Registry, spell: Spell, day: PartialDate | None) -> bool:
    days = days_inside(registry, statements(registry, spell), "held_on", "detained_on")
    return any(one.independent and day is not None and one.day.lo > day.hi for one in days)


# --- where people stand -----------------------------------------------------------------------------------------------


def state_of(registry: Registry, person: str) -> Answer:
    """Where a person stands by the last spell that an independent source states, and whether they were taken again: a
    detention that no independent source states, after one that one does or after a release, changes neither."""
    spells = told_spells(registry, person)
    state, settled, left, again = "unknown", False, False, False
    for number, spell in enumerate(spells):
        end = end_of(registry, person, spell, number)
        now, independent = _state(registry, spell, end), stated(registry, spell)
        if now != "unknown" and (independent or not settled):
            again = again or (left and independent)
            state = now
        settled = settled or independent or end is not None
        left = left or end is not None
    return {"state": state, "rearrested": again}


def _state(registry: Registry, spell: Spell, end: End | None) -> str:
    if end is not None:
        return HOME if end.home else "released"
    words = [verdict for verdict, _own in held_words(registry, spell).values()]
    return "held" if any(one in COUNTING or one == "disputed" for one in words) else "unknown"


# --- who is held on a day ---------------------------------------------------------------------------------------------


def _before(seen: Inside, start: PartialDate | None) -> bool:
    return start is not None and seen.day.hi < start.lo


@dataclass(frozen=True)
class Stay:
    """From when to when somebody was held: the first day on which they may have been taken, the one by which they had
    been; the first day on which they may have left and the one by which they had; the day by which they were held
    again."""

    first: int
    begun: int
    left: tuple[int, int]
    next: int

    def on(self, day: int) -> str:
        """Whoever leaves on a day was held on it; a later detention that had begun ends an earlier one."""
        if day < self.first or day > self.left[1] or self.next <= day:
            return "outside"
        return "inside" if self.begun <= day <= self.left[0] else "uncertain"


def stay(
    start: PartialDate | None,
    inside: Sequence[Inside],
    end: End | None,
    later: int | None,
    against: Sequence[Inside],
) -> Stay:
    """Nobody left before a day inside. An end that a day inside contradicts which weighs as much is uncertain from its
    own day on, until the first day that is given for it and agrees with the days inside, or for good."""
    seen = [one.day for one in inside]
    begun = min((day.hi for day in [*([start] if start else []), *seen]), default=NEVER)
    first = start.lo if start else 0
    left = (NEVER, NEVER)
    if end is not None:
        # Whoever is seen held after a release to house arrest may have been seen at home.
        known = [] if end.home else [one.day.lo for one in inside]
        against = [] if end.home else against
        last = max((one.day.lo for one in against if one.independent or not end.independent), default=0)
        if end.day is None:
            left = (max([first, *known]), NEVER)
        else:
            # Where contradicting days became an interval, a day that rules one of them out contradicts something.
            agreed = min((day.hi for day in end.given if end.day.contains(day)), default=end.day.hi)
            lo = max([end.day.lo, *(day for day in (first, *known) if day <= agreed)])
            agreeing = [day.hi for day in (*end.given, *end.told) if day.hi >= last]
            left = (lo, end.day.hi if last <= end.day.hi else min(agreeing, default=NEVER))
    return Stay(first, begun, left, NEVER if later is None else later)


class HeldQuestion:
    """Who is held on a day: begun by then, and not yet over."""

    def __init__(self, registry: Registry, terms: Terms) -> None:
        self.registry, self.terms = registry, terms
        self.day = parse_window_end(terms["held_on"])
        self.inside: list[tuple[str, str | None, int]] = []  # person, status, independent sources
        self.uncertain = self.silent = 0
        self.groups: dict[tuple[Any, ...], Answer] = {}
        self.people: dict[tuple[Any, ...], set[str]] = {}

    def count(self) -> Answer:
        for person in self.registry.people():
            spells = told_spells(self.registry, person)
            for number, spell in enumerate(spells):
                self._total(person, number, spell, spells)
                for source in held_words(self.registry, spell):
                    self._source(person, number, source, spells)
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

    def _leaves(self, end: End | None) -> End | None:
        """Whoever a release left under house arrest is held still where such people are counted."""
        return None if end is not None and end.home and self.terms.get("house_arrest") else end

    def _total(self, person: str, number: int, spell: Spell, spells: Sequence[Spell]) -> None:
        """As all sources together know it."""
        registry, reports = self.registry, statements(self.registry, spell)
        words = held_words(registry, spell)
        status = status_of(words.values())
        start = consolidate(registry, reports, "detained_on", dated=True)
        seen = [one for one in days_seen(registry, reports) if not _before(one, start)]
        end = end_of(registry, person, spell, number)
        against = days_inside(registry, reports, "held_on", "detained_on")
        later = [_stated_start(registry, other) for other in spells[number + 1 :]]
        following = min((day.hi for day in later if day is not None), default=None)
        place = stay(start, seen, self._leaves(end), following, against).on(self.day)
        if place == "uncertain":
            self.uncertain += status in COUNTING
        elif place == "inside":
            own = sum(verdict == "verified" and independent for verdict, independent in words.values())
            self.inside.append((person, status, own if status in COUNTING else 0))
            known = [one for one in seen if one.independent] or seen
            heard = [one.day.hi for one in known] + [day.hi for day in (start, end and end.day) if day]
            last = max(heard, default=None)
            if status in COUNTING and (last is None or self.day - last > LONG_SILENCE):
                self.silent += 1

    def _source(self, person: str, number: int, source: str, spells: Sequence[Spell]) -> None:
        """A source by its own word: when the detention began, and whether it is over."""
        registry, spell = self.registry, spells[number]
        verdict = held_words(registry, spell)[source][0]
        mine = own_reports(spell, source)
        start = own_word(mine, "detained_on")
        mine = [one for one in mine if one.holds] or mine
        said = [one for one in mine if one.holds]
        own = [Inside(day, True) for one in said if (day := one.word("held_on")) is not None]
        seen = own or [Inside(day, True) for one in said if (day := _kept_seen(one)) is not None]
        seen = [one for one in seen if not _before(one, start)]
        voice = release_voices(spell).get(source)
        end = None
        if voice is not None and voice.asserts and at_stage(voice, "carried_out"):
            day = voice.own("carried_out")
            home = voice.own("kind") == HOME
            end = End(day, (day,) if day else (), (), True, home)
        later = [one.start for other in spells[number + 1 :] for one in holding(other.reports)
                 if one.source == source and one.start is not None]  # fmt: skip
        following = min((day.hi for day in later), default=None)
        taken = [
            Inside(day, True) for one in mine if not one.withdrawn and (day := one.word("detained_on")) is not None
        ]
        place = stay(start, seen, self._leaves(end), following, [*own, *taken]).on(self.day)
        if place == "outside":
            return
        group = self.groups.setdefault((source,), dict.fromkeys(SOURCE_NUMBERS, 0))
        if place == "uncertain":
            group["uncertain_date"] += verdict in ASSERTIONS
            return
        group[verdict] += 1
        if verdict == "verified":
            words = held_words(registry, spell).items()
            group["only_this_source"] += not {name for name, said in words if said == ("verified", True)} - {source}
            self.people.setdefault((source,), set()).add(person)


def count_held(registry: Registry, terms: Terms) -> Answer:
    return HeldQuestion(registry, terms).count()
