"""The model's count of who is held on a day, and where each person stands."""

from typing import Any

from app.dates import PartialDate, Place, parse_to
from tests.model.counting import SOURCE_NUMBERS, Answer, Terms, many
from tests.model.model import ASSERTIONS, COUNTING, Registry, Report, Spell, spells_of
from tests.model.voices import (
    Release,
    consolidate,
    detained_on,
    held_voices,
    release_at,
    release_voices,
    status_of,
)

LONG_SILENCE = 180  # days


def is_over(registry: Registry, person: str, spell: Spell, number: int) -> Release | None:
    """The release by which a spell is over. What others verified is ended by an independent verification only, and
    what only sources that are not independent say of an end changes no state."""
    release = release_at(registry, person, spell, number, "carried_out")
    if release is None or release.status not in COUNTING:
        return None
    if release.sources:
        return release
    holders = {one.source for one in spell.reports if one.verdict == "verified" and registry.independent(one)}
    sayers = {source for source, (verdict, _report) in release.verdicts.items() if verdict in ASSERTIONS}
    if holders - sayers:
        return None
    strong = any(registry.sources[one.source].counts for one in spell.reports if not one.withdrawn)
    if strong and not any(registry.sources[source].counts for source in sayers):
        return None
    return release


def state_of(registry: Registry, person: str) -> Answer:
    """Where a person stands: held, released, under house arrest or unknown; and whether they were taken again."""
    spells = spells_of(registry, registry.people()[person])
    strong = [spell for spell in spells if _stated(registry, spell)] or spells
    again = False
    state = "unknown"
    over: Release | None = None
    for spell in strong:
        ended = is_over(registry, person, spell, spells.index(spell))
        again = again or (over is not None and any(one.start for one in spell.reports if not one.withdrawn))
        over = ended
        if all(one.withdrawn for one in spell.reports):
            continue
        state = "held" if ended is None else "house_arrest" if ended.facts["kind"] == "house_arrest" else "released"
    return {"state": state, "rearrested": again}


def _stated(registry: Registry, spell: Spell) -> bool:
    return any(registry.sources[one.source].counts and not one.withdrawn for one in spell.reports)


def held_on_day(registry: Registry, spell: Spell) -> PartialDate | None:
    """The last day on which a source knew somebody held."""
    said = [(one.verdict, one) for one in spell.reports if not one.withdrawn]
    found: PartialDate | None = consolidate(registry, said, "held_on", dated=True)
    return found


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

    def _ended(self, release: Release | None) -> Release | None:
        """House arrest leaves the person under arrest; whether such people are counted is a term."""
        at_home = release is not None and release.facts["kind"] == "house_arrest"
        return None if at_home and self.terms.get("house_arrest") else release

    def _spell(self, person: str, number: int, spell: Spell) -> None:
        registry = self.registry
        over = self._ended(is_over(registry, person, spell, number))
        verdicts = held_voices(registry, spell)
        status = status_of(registry, verdicts)
        heard = held_on_day(registry, spell)
        place = self._place(detained_on(registry, spell), heard, over.date if over else None, over)
        verified = {source for source, (verdict, _report) in verdicts.items() if verdict == "verified"}
        if place == Place.UNCERTAIN and status in COUNTING:
            self.uncertain += 1
        if place == Place.INSIDE and status is not None:
            strong = sum(v == "verified" and registry.independent(one) for v, one in verdicts.values())
            self.inside.append((person, status, strong))
            last = heard or detained_on(registry, spell)
            lost = over is None and last is not None and self.day - last.hi > LONG_SILENCE
            self.silent += lost and status in COUNTING
        for source in verdicts:
            self._source(person, spell, source, verdicts, verified)

    def _place(
        self, start: PartialDate | None, heard: PartialDate | None, end: PartialDate | None, over: object
    ) -> Place:
        """`heard`: the last day on which somebody was known held, on which the detention had begun and was not over."""
        late = 1 if self.registry.choices.held_on_release_day else 0
        if start is not None and start.lo > self.day:
            return Place.OUTSIDE
        if over is not None and end is not None and end.hi + late <= self.day:
            return Place.OUTSIDE
        begun = (start is not None and start.hi <= self.day) or (heard is not None and heard.hi <= self.day)
        lasting = over is None or (end is not None and end.lo + late > self.day)
        lasting = lasting or (heard is not None and heard.lo >= self.day)
        return Place.INSIDE if begun and lasting else Place.UNCERTAIN

    def _source(
        self, person: str, spell: Spell, source: str, verdicts: dict[str, tuple[str, Report]], verified: set[str]
    ) -> None:
        """A source by its own word: when the detention began, and whether it is over."""
        verdict, report = verdicts[source]
        voice = release_voices(spell).get(source)
        said = voice.at("carried_out") if voice is not None else None
        ended = said[1] if said is not None and said[0] in ASSERTIONS else None
        if ended is not None and self.terms.get("house_arrest") and ended.own("kind") == "house_arrest":
            ended = None
        mine = [report, *(one for one in spell.reports if one.source == source and not one.withdrawn)]
        start = next((one.start for one in mine if one.start), None)
        heard = next((date for one in mine if (date := one.dates.get("held_on"))), None)
        place = self._place(start, heard, ended.own("carried_out") if ended else None, ended)
        if place == Place.OUTSIDE or (place == Place.UNCERTAIN and verdict not in ASSERTIONS):
            return
        group = self.groups.setdefault((source,), dict.fromkeys(SOURCE_NUMBERS, 0))
        if place == Place.UNCERTAIN:
            group["uncertain_date"] += 1
            return
        group[verdict] += 1
        if verdict == "verified":
            group["only_this_source"] += verified == {source}
            self.people.setdefault((source,), set()).add(person)


def count_held(registry: Registry, terms: Terms) -> Answer:
    return HeldQuestion(registry, terms).count()
