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
    enders: list[Report] = field(default_factory=list)  # those whose word ends it

    @property
    def start(self) -> PartialDate | None:
        return next((one.start for one in self.speakers if one.start), None)

    @property
    def days(self) -> list[PartialDate]:
        """The days of release that it speaks of: of the first report, else of the others that are heard."""
        said = [one for one in self.speakers if one.stage and one.own("carried_out")]
        return [one.own("carried_out") for one in said[:1] if one is self.speakers[0]] or [
            one.own("carried_out") for one in said
        ]

    @property
    def let_go(self) -> PartialDate | None:
        return min(self.days, key=lambda day: (day.hi, day.lo), default=None)

    @property
    def position(self) -> PartialDate | None:
        """A day on which it knew something: of the release, the order, the announcement, or of being seen held."""
        names = ("carried_out", "ordered", "announced", "held_on")
        said: list[PartialDate | None] = [one.own(name) for one in self.speakers for name in names]
        return next((day for day in said if day is not None), None)

    def _own_end(self, one: Report) -> PartialDate | None:
        end = one.end
        return end if end is not None and (self.start is None or end.hi >= self.start.lo) else None

    @property
    def ends(self) -> list[PartialDate]:
        """An undated word on a release takes the day of the report it follows, else the earliest beside it."""
        said = [day for one in self.enders if (day := self._own_end(one)) is not None]
        undated = any(one.stage == "carried_out" and one.asserts and not self._own_end(one) for one in self.enders)
        root = self.members[0]
        day = root.own("carried_out") if root.stage == "carried_out" else None
        if undated and day is not None and (self.start is None or day.hi >= self.start.lo):
            said.append(day)
        return said

    @property
    def key(self) -> tuple[int, int, str]:
        """By detention date, release date, record id; a report without an arrest was there before any."""
        start = self.start
        return start.lo if start else -1, min((day.lo for day in self.days), default=FAR), self.members[0].id

    def ended_before(self, start: PartialDate) -> bool:
        """It ended before a detention began; on the same day if it had begun earlier."""
        for end in self.ends:
            same_day = end.hi == start.lo and self.start is not None and self.start.hi < start.lo
            if end.hi < start.lo or same_day:
                return True
        return False

    def passes(self, start: PartialDate) -> bool:
        """Its release lies after a later detention began."""
        return bool(self.days) and all(day.lo > start.hi for day in self.days)

    def reaches(self, start: PartialDate) -> bool:
        """It may speak of a detention that began then as well as of the one before."""
        if self.ended_before(start):
            return False
        told = self.ends or self.days
        if told:
            return any(day.hi > start.lo for day in told)
        return self.start is None and (self.position is None or self.position.hi >= start.lo)


@dataclass
class Spell:
    """One time in custody: the units in it. `opened`: the arrest by which it was cut from the one before."""

    units: list[Unit]
    opened: PartialDate | None = None

    @property
    def reports(self) -> list[Report]:
        return [one for unit in self.units for one in unit.members]

    @property
    def starts(self) -> list[PartialDate]:
        return [unit.start for unit in self.units if unit.start]

    @property
    def begins(self) -> PartialDate | None:
        return self.opened or min(self.starts, key=lambda date: (date.lo, date.hi), default=None)

    @property
    def has_release(self) -> bool:
        return any(one.stage for one in self.reports)

    def ended_before(self, start: PartialDate) -> bool:
        return any(unit.ended_before(start) for unit in self.units)

    def same_release(self, unit: Unit) -> bool:
        """It has a release of that day; one before the unit's own arrest is another one."""
        known = [day for one in self.units for day in one.days if unit.start is None or day.hi >= unit.start.lo]
        return any(day.overlaps(mine) for day in known for mine in unit.days)

    def begun_by(self, unit: Unit) -> bool:
        """It had begun by the unit's day; who was let go on the day of an arrest was let go before it."""
        day = unit.let_go or unit.position or unit.start
        if self.opened is None or day is None:
            return True
        return self.opened.lo < day.hi or (self.opened.lo == day.hi and not unit.days)


def _apart(one: Report, other: Report) -> bool:
    """Two reports cannot speak of one spell: on days apart, or one of a release before the other's arrest."""
    for name in ("detained_on", *STAGES):
        mine, theirs = one.own(name), other.own(name)
        if mine is not None and theirs is not None and not mine.overlaps(theirs):
            return True
    return _out_before(one, other) or _out_before(other, one)


def _out_before(one: Report, other: Report) -> bool:
    out: PartialDate | None = one.own("carried_out") if one.stage else None
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
    for report, first in _heads(here).items():
        heads.setdefault(first, []).append(here[report])
    kinds: tuple[list[Unit], list[Unit], list[Unit]] = ([], [], [])
    for head_id, members in heads.items():
        members.sort(key=lambda one: (one.id != head_id, one.arrival))
        standing = [one for one in members if one.holds]
        strong = [one for one in standing if registry.sources[one.source].counts]
        head = members[0]
        heard = strong or standing or members
        if strong and not registry.sources[head.source].counts:
            heard = [*strong, head]
        elif head not in heard:
            heard = [head, *heard]
        unit = Unit(members, heard, strong or standing)
        kinds[0 if strong else 1 if standing else 2].append(unit)
    return kinds


def _cut(units: Iterable[Unit]) -> list[Spell]:
    """Greedily, at the earliest end that does not pass the next start; what may belong on either side of a cut is
    placed afterwards, by what is certain."""
    pools: list[Spell] = [Spell([])]
    for unit in sorted(units, key=lambda unit: unit.key):
        if unit.start is not None and pools[-1].ended_before(unit.start):
            start = unit.start
            pools.append(Spell([one for one in pools[-1].units if one.reaches(start)], start))
        pools[-1].units.append(unit)
    found: dict[int, tuple[Unit, list[int]]] = {}
    for number, pool in enumerate(pools):
        for unit in pool.units:
            places = found.setdefault(id(unit), (unit, []))[1]
            if pool.opened is not None and unit.passes(pool.opened):
                places.clear()
            places.append(number)
    certain = [
        Spell([unit for unit, places in found.values() if places == [number]], pool.opened)
        for number, pool in enumerate(pools)
    ]
    placed = [Spell(list(spell.units), spell.opened) for spell in certain]
    for unit, places in found.values():
        if len(places) > 1:
            placed[_join(unit, certain, places)].units.append(unit)
    return [spell for spell in placed if spell.units]


def _fits(unit: Unit, spells: Sequence[Spell], number: int) -> bool:
    """An equal day of release fits; else neither its release nor its detention may contradict this spell or a later
    one."""
    spell = spells[number]
    if spell.same_release(unit):
        return True
    if unit.start is not None and spell.ended_before(unit.start):
        return False
    if any(later.begins is not None and unit.passes(later.begins) for later in spells[number + 1 :]):
        return False
    return spell.opened is None or not unit.ends or any(end.hi >= spell.opened.lo for end in unit.ends)


def _join(unit: Unit, spells: Sequence[Spell], places: Sequence[int]) -> int:
    """By equal release date, then by detention date, then the last spell begun by its day, else the first."""
    fitting = list(places)
    if unit.days:
        fitting = [number for number in fitting if spells[number].same_release(unit)] or fitting
    if (start := unit.start) is not None:
        equal = [number for number in fitting if any(day.overlaps(start) for day in spells[number].starts)]
        fitting = equal or fitting
    if unit.let_go or unit.position or unit.start:
        begun = [number for number in fitting if spells[number].begun_by(unit)]
        if begun:
            return begun[-1]
    return fitting[0]


def _before_all(unit: Unit, strong: Sequence[Unit]) -> bool:
    """A release that only others state, before the first arrest that an independent source gives."""
    starts = [one.start for unit in strong for one in unit.enders if one.start]
    first = min((day.lo for day in starts), default=None)
    stated = [day for unit in strong for day in unit.ends]
    return first is not None and bool(unit.ends) and all(
        end.hi < first and not any(end.overlaps(day) for day in stated) for end in unit.ends
    )  # fmt: skip


def spells_of(registry: Registry, reports: Sequence[Report]) -> list[Spell]:
    """Cut among reports of independent sources first; the others join a spell or stand alone; withdrawn ones last."""
    strong, others, withdrawn = _units(registry, reports)
    if not strong and not others:
        return [Spell(withdrawn)]
    spells = _cut(strong or others)
    apart: dict[int, list[Unit]] = {}
    joining: list[Unit] = []
    for unit in sorted(others, key=lambda unit: unit.key) if strong else ():
        fits = any(_fits(unit, spells, number) for number in range(len(spells)))
        if fits and not _before_all(unit, strong):
            joining.append(unit)
            continue
        day = unit.start or unit.let_go
        ended = [number for number, spell in enumerate(spells, 1) if day is not None and spell.ended_before(day)]
        apart.setdefault(max(ended, default=0), []).append(unit)
    every: list[Spell] = []
    for number in range(len(spells) + 1):
        if number in apart:
            alone = _cut(apart[number])
            alone[0].opened = alone[0].begins
            every += alone
        every += spells[number : number + 1]
    known = [Spell(list(spell.units), spell.opened) for spell in every]
    for unit in joining:
        places = [number for number in range(len(known)) if _fits(unit, known, number)]
        every[_join(unit, known, places)].units.append(unit)
    known = [Spell(list(spell.units), spell.opened) for spell in every]
    for unit in withdrawn:
        every[_join(unit, known, range(len(known)))].units.append(unit)
    return every
