"""A second model of the registry, written from its rules alone: from reports to spells, voices and values.

It is slow and plain on purpose, and shares nothing with the application but partial dates and code lists. Where the
rules leave something open, `Choices` holds what this model takes, and README.md beside it lists the question.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.dates import PartialDate

STAGES = ("announced", "ordered", "carried_out")
ASSERTIONS = ("reported", "verified")
DENIALS = ("disputed", "refuted")
WEAK = ("press", "other_organisation", "official_statement")
COUNTING = ("verified", "contested", "reported")
OF_DETENTION = ("country", "facility", "designation")
NOTHING_SAID = {"unspecified": None, "unstated": None}
FAR = 10**9


@dataclass(frozen=True)
class Choices:
    """What this model takes where the rules are silent; flip one to see whether a difference rests on it."""

    kept_values_vote: bool = True  # kept values of a source that points count where no independent source says one
    silent_method_is_independent: bool = True  # a report that names no method is as independent as its source
    denial_of_release_says_held: bool = True  # who denies a release reports that the person is held
    denials_date: bool = True  # where nobody asserts a release, those who deny it give its values


@dataclass(frozen=True)
class Pointer:
    """A report that points follows another one."""

    target: str
    at: str  # release, detention or detainee


@dataclass(frozen=True)
class Report:
    """The current version of a source's report."""

    id: str
    source: str
    arrival: int
    revision: int
    verdict: str = "reported"
    method: str | None = None
    citing: tuple[str, ...] = ()
    stage: str | None = None  # None: a report of a detention
    dates: dict[str, PartialDate | None] = field(default_factory=dict)  # by stage, and `detained_on`, `held_on`
    facts: dict[str, str | None] = field(default_factory=dict)
    pointer: Pointer | None = None
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def withdrawn(self) -> bool:
        return self.verdict == "retracted"

    @property
    def asserts(self) -> bool:
        return self.verdict in ASSERTIONS

    def own(self, name: str) -> Any:
        """Its own word; else what stood where it points."""
        said = self.word(name)
        return self.kept.get(name) if said is None else said

    def word(self, name: str) -> Any:
        """Its own word alone."""
        return self.dates[name] if name in self.dates else self.facts.get(name)

    @property
    def holds(self) -> bool:
        """It says that the person was detained: who denies a release says so still."""
        return not self.withdrawn and (self.stage is not None or self.verdict != "refuted")

    @property
    def start(self) -> PartialDate | None:
        found: PartialDate | None = self.own("detained_on")
        return found

    @property
    def let_go(self) -> PartialDate | None:
        """The day of the release that it speaks of, at its own stage."""
        found: PartialDate | None = self.own(self.stage) if self.stage else None
        return found

    @property
    def end(self) -> PartialDate | None:
        """Only a report's own asserted release that was carried out ends its interval."""
        return self.let_go if self.stage == "carried_out" and self.asserts else None


@dataclass(frozen=True)
class Source:
    slug: str
    independent: bool
    quarantined: bool = False

    @property
    def counts(self) -> bool:
        return self.independent and not self.quarantined


@dataclass(frozen=True)
class Registry:
    """What stands at one revision: reports, sources, and who is whom."""

    reports: dict[str, Report]
    sources: dict[str, Source]
    person_of: dict[str, str]
    publish: dict[str, str]  # by person
    choices: Choices = Choices()
    today: dict[str, str] = field(default_factory=dict)  # by report: the class of its person, as of today
    erased: frozenset[str] = frozenset()  # reports whose personal values are erased, by today

    def closed(self, person: str) -> bool:
        """As-of changes what was known, never who may see it: whoever may only be counted today shows nothing."""
        mine = [one for one, whose in self.person_of.items() if whose == person]
        return any(self.today.get(one, self.publish.get(person)) == "counted" for one in mine)

    def gone(self, person: str) -> bool:
        return any(whose == person and one in self.erased for one, whose in self.person_of.items())

    def independent(self, report: Report) -> bool:
        """Its source is independent, not in quarantine, it cites nobody, and knows by more than hearsay."""
        method = self.choices.silent_method_is_independent if report.method is None else report.method not in WEAK
        others = [cited for cited in report.citing if cited != report.source]
        return self.sources[report.source].counts and not others and method

    def people(self) -> dict[str, list[Report]]:
        found: dict[str, list[Report]] = {}
        for report in self.reports.values():
            found.setdefault(self.person_of[report.id], []).append(report)
        return found


def order(report: Report) -> tuple[int, int, int, int, str]:
    """By detention date, release date, record id, never by arrival; what is undated comes last."""
    start, out = report.start, report.let_go
    return (*((start.lo, start.hi) if start else (FAR, FAR)), *((out.lo, out.hi) if out else (FAR, FAR)), report.id)


@dataclass
class Unit:
    """A report and those that point at it: they are in one spell, and the first says when."""

    members: list[Report]
    speakers: list[Report]  # those of the members whose dates place it

    @property
    def start(self) -> PartialDate | None:
        return next((one.start for one in self.speakers if one.start), None)

    @property
    def let_go(self) -> PartialDate | None:
        return next((one.let_go for one in self.speakers if one.let_go), None)

    @property
    def ends(self) -> list[PartialDate]:
        return [one.end for one in self.speakers if one.end]

    @property
    def key(self) -> tuple[int, int, int, int, str]:
        start, out = self.start, self.let_go
        last = min(one.id for one in self.speakers)
        return (*((start.lo, start.hi) if start else (FAR, FAR)), *((out.lo, out.hi) if out else (FAR, FAR)), last)

    def ended_before(self, start: PartialDate) -> bool:
        """It ended before a detention began; on the same day if it had begun earlier."""
        for end in self.ends:
            same_day = end.hi == start.lo and self.start is not None and self.start.hi < start.lo
            if end.hi < start.lo or same_day:
                return True
        return False

    def passes(self, start: PartialDate) -> bool:
        """Its release lies after a later detention began."""
        later = self.start is None or self.start.lo < start.lo
        return self.let_go is not None and later and self.let_go.lo > start.hi


@dataclass
class Spell:
    """One time in custody: the units in it, and who of them may be asked when it began."""

    units: list[Unit]

    @property
    def reports(self) -> list[Report]:
        return [one for unit in self.units for one in unit.members]

    @property
    def begins(self) -> PartialDate | None:
        starts = [unit.start for unit in self.units if unit.start]
        return min(starts, key=lambda date: (date.lo, date.hi), default=None)

    @property
    def has_release(self) -> bool:
        return any(one.stage for one in self.reports)


def _apart(one: Report, other: Report) -> bool:
    """Two reports cannot speak of one spell: on days apart, or one of a release before the other's arrest."""
    for name in ("detained_on", *STAGES):
        mine, theirs = one.own(name), other.own(name)
        if mine is not None and theirs is not None and not mine.overlaps(theirs):
            return True
    return _out_before(one, other) or _out_before(other, one)


def _out_before(one: Report, other: Report) -> bool:
    out = one.own("carried_out") if one.stage else None
    return out is not None and other.start is not None and out.hi < other.start.lo


def _heads(reports: dict[str, Report]) -> dict[str, str]:
    """Report → the report that places it: where its pointers lead, as far as no date contradicts on the way."""
    follows = {
        one.id: one.pointer.target
        for one in reports.values()
        if one.pointer and one.pointer.at != "detainee" and one.pointer.target in reports
        and not _apart(one, reports[one.pointer.target])
    }  # fmt: skip
    while True:
        heads = {}
        for start in reports:
            way = [start]
            while (after := follows.get(way[-1])) is not None and after not in way:
                way.append(after)
            heads[start] = way[-1] if after is None else min(way[way.index(after) :])
        astray = {one for one, head in heads.items() if one != head and _apart(reports[one], reports[head])}
        if not astray:
            return heads
        follows = {one: target for one, target in follows.items() if one not in astray}


def _units(registry: Registry, reports: Sequence[Report]) -> tuple[list[Unit], list[Unit], list[Unit]]:
    """Reports with those that point at them: where an independent source speaks, where others do, withdrawn ones."""
    here = {one.id: one for one in reports}
    heads: dict[str, list[Report]] = {}
    for one, head in _heads(here).items():
        heads.setdefault(head, []).append(here[one])
    kinds: tuple[list[Unit], list[Unit], list[Unit]] = ([], [], [])
    for head_id, members in heads.items():
        members.sort(key=lambda one: (one.id != head_id, one.arrival))
        standing = [one for one in members if one.holds]
        strong = [one for one in standing if registry.sources[one.source].counts]
        unit = Unit(members, strong or standing or members)
        kinds[0 if strong else 1 if standing else 2].append(unit)
    return kinds


def _cut(units: Iterable[Unit]) -> list[Spell]:
    """Greedily, at the earliest end that does not pass the next start; a later release goes with a later detention."""
    units = sorted(units, key=lambda unit: unit.key)
    spells: list[Spell] = []
    current = [unit for unit in units if unit.start is None]
    for unit in units:
        start = unit.start
        if start is None:
            continue
        staying = [one for one in current if not one.passes(start)]
        if any(one.ended_before(start) for one in staying):
            spells.append(Spell(staying))
            current = [one for one in current if one.passes(start)]
        current.append(unit)
    return [*spells, Spell(current)] if current else spells


def _fits(unit: Unit, spells: Sequence[Spell], number: int) -> bool:
    """Neither its release nor its detention contradicts this spell or a later one."""
    spell = spells[number]
    if unit.start is not None and any(one.ended_before(unit.start) for one in spell.units):
        return False
    if unit.let_go is not None:
        if spell.begins is not None and unit.let_go.hi < spell.begins.lo:
            return False
        if any(later.begins is not None and unit.passes(later.begins) for later in spells[number + 1 :]):
            return False
    return True


def _same(one: PartialDate | None, other: PartialDate | None) -> bool:
    return one is not None and other is not None and (one.lo, one.hi) == (other.lo, other.hi)


def _join(unit: Unit, spells: Sequence[Spell]) -> Spell | None:
    """By equal release date, then by detention date, then the last spell begun by its release day, else the first."""
    fitting = [spell for number, spell in enumerate(spells) if _fits(unit, spells, number)]
    for name in ("let_go", "start"):
        day = getattr(unit, name)
        equal = [spell for spell in fitting if any(_same(getattr(one, name), day) for one in spell.units)]
        fitting = equal or fitting
    for day in (unit.start, unit.let_go, unit.speakers[0].dates.get("held_on")):
        if day is not None:
            begun = [spell for spell in fitting if spell.begins is None or spell.begins.lo <= day.hi]
            if begun:
                return begun[-1]
    return fitting[0] if fitting else None


def _chronological(spells: list[Spell]) -> list[Spell]:
    def when(spell: Spell) -> tuple[int, int]:
        starts = [spell.begins.lo] if spell.begins else []
        outs = [unit.let_go.lo for unit in spell.units if unit.let_go]
        return min(starts + outs, default=FAR), min(starts, default=FAR)

    return sorted(spells, key=when)


def spells_of(registry: Registry, reports: Sequence[Report]) -> list[Spell]:
    """Cut among reports of independent sources first; the others join a spell or stand alone; withdrawn ones last."""
    strong, others, withdrawn = _units(registry, reports)
    spells = _cut(strong)
    settled = [(unit, _join(unit, spells)) for unit in sorted(others, key=lambda unit: unit.key)]
    for unit, spell in settled:
        if spell is not None:
            spell.units.append(unit)
    spells = _chronological(spells + _cut(unit for unit, spell in settled if spell is None))
    for unit in sorted(withdrawn, key=lambda unit: unit.key):
        spell = _join(unit, spells)
        if spell is not None:
            spell.units.append(unit)
        else:
            spells = _chronological([*spells, Spell([unit])])
    return spells
