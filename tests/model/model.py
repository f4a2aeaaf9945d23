"""A second model of the registry, written from its rules alone: from reports to spells, voices and values.

It is slow and plain on purpose, and shares nothing with the application but partial dates and code lists. Where the
rules leave something open, `Choices` holds what this model takes, and README.md beside it lists the question.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.dates import PartialDate, parse

STAGES = ("announced", "ordered", "carried_out")
ASSERTIONS = ("reported", "verified")
DENIALS = ("disputed", "refuted")
WEAK = ("press", "other_organisation", "official_statement")
COUNTING = ("verified", "contested", "reported")
FACTS = ("kind", "country", "facility", "designation")
NOTHING_SAID = {"unspecified": None, "unstated": None}
FAR = 10**9


@dataclass(frozen=True)
class Choices:
    """What this model takes where the rules are silent; flip one to see whether a difference rests on it."""

    kept_values_vote: bool = False  # kept values of a pointing source count in the consolidation of totals
    silent_method_is_independent: bool = True  # a report that names no method is as independent as its source
    denial_of_release_says_held: bool = True  # who denies a release reports that the person is held
    held_on_release_day: bool = False  # whoever goes out on a day is held on it
    apart_only_if_uncertain: bool = False


@dataclass(frozen=True)
class Pointer:
    """A report that points follows another one; `dates` are what that one said when it was pointed at."""

    target: str
    dates: dict[str, PartialDate | None]
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
        """Its own word; else what stood there when it verified by pointing."""
        said = self.dates[name] if name in self.dates else self.facts.get(name)
        if said is None and self.verdict == "verified":
            return self.kept.get(name)
        return said

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


def _follows(report: Report, reports: dict[str, Report]) -> Report | None:
    """The report that this one's pointer places it with: none where that one's dates came to contradict its own."""
    pointer = report.pointer
    if pointer is None or pointer.at == "detainee":
        return None
    target = reports.get(pointer.target)
    if target is None or target.id == report.id:
        return None
    for name, before in pointer.dates.items():
        mine, now = report.own(name), target.dates.get(name)
        if mine is None or now is None or mine.overlaps(now):
            continue
        if before is None or mine.overlaps(before):
            return None
    return target


def _units(registry: Registry, reports: Sequence[Report]) -> tuple[list[Unit], list[Unit], list[Unit]]:
    """Reports with those that point at them: where an independent source speaks, where others do, withdrawn ones."""
    here = {one.id: one for one in reports}
    heads: dict[str, list[Report]] = {}
    for report in reports:
        head, seen = report, {report.id}
        while (target := _follows(head, here)) is not None and target.id not in seen:
            head = target
            seen.add(head.id)
        heads.setdefault(head.id, []).append(report)
    kinds: tuple[list[Unit], list[Unit], list[Unit]] = ([], [], [])
    for head_id, members in heads.items():
        members.sort(key=lambda one: (one.id != head_id, one.arrival))
        standing = [one for one in members if not one.withdrawn]
        strong = [one for one in standing if registry.sources[one.source].counts]
        unit = Unit(members, strong or standing or members)
        kinds[0 if strong else 1 if standing else 2].append(unit)
    return kinds


def _cut(units: Iterable[Unit]) -> list[Spell]:
    """Greedily, at the earliest end that does not pass the next start; a later release goes with the later detention."""
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


@dataclass(frozen=True)
class Voice:
    """What one source says of one release: the report that speaks, and one that verified before it."""

    report: Report
    verified: Report | None

    def at(self, stage: str) -> tuple[str, Report] | None:
        """An assertion speaks for its stage and the earlier ones, a denial for its stage and the later ones."""
        said = self.report
        asked, own = STAGES.index(stage), STAGES.index(said.stage or "carried_out")
        if self.verified is not None and asked <= STAGES.index(self.verified.stage or "carried_out"):
            return "verified", self.verified
        if said.verdict in DENIALS:
            return (said.verdict, said) if own <= asked else None
        return (said.verdict, said) if asked <= own else None


def _speaks(reports: list[Report]) -> Report:
    """The furthest stage, then the earliest disjoint date, then the newest."""
    furthest = max(STAGES.index(one.stage or "carried_out") for one in reports)
    left = [one for one in reports if STAGES.index(one.stage or "carried_out") == furthest]
    dated = [date for one in left if (date := one.let_go) is not None]
    if dated:
        first = min(dated, key=lambda date: (date.hi, date.lo))
        left = [one for one in left if one.let_go is None or one.let_go.overlaps(first)]
    return max(left, key=lambda one: one.revision)


def release_voices(spell: Spell) -> dict[str, Voice]:
    """One voice per source; withdrawn reports speak only if none other of that source stands."""
    voices = {}
    for source in sorted({one.source for one in spell.reports}):
        every = [one for one in spell.reports if one.source == source]
        about = [one for one in every if one.stage]
        standing = [one for one in about if not one.withdrawn]
        if not standing and (not about or any(not one.withdrawn for one in every)):
            continue
        report = _speaks(standing or about)
        before = [one for one in standing if one.verdict == "verified"]
        verified = _speaks(before) if before and report.verdict == "reported" else None
        voices[source] = Voice(report, verified)
    return voices


def vote(dates: list[PartialDate]) -> PartialDate | None:
    """A coarser date supports every finer one inside it; contradicting dates that tie become what holds them all."""
    support = {(one.lo, one.hi): sum(other.contains(one) for other in dates) for one in dates}
    most = max(support.values(), default=0)
    best = sorted(span for span, number in support.items() if number == most)
    if len(best) == 1:
        return next(one for one in dates if (one.lo, one.hi) == best[0])
    return interval(best[0][0], max(hi for _lo, hi in best)) if best else None


def interval(lo: int, hi: int) -> PartialDate:
    day = PartialDate("", lo, hi)
    return parse(f"{day.first.isoformat()}/{day.last.isoformat()}")


def elect(values: list[str]) -> str | None:
    """The value said by most; values that tie are left open."""
    numbers = {one: values.count(one) for one in values}
    best = [one for one, number in numbers.items() if number == max(numbers.values())]
    return best[0] if len(best) == 1 else None


@dataclass(frozen=True)
class Release:
    """A release at one stage, as all sources say it."""

    person: str
    spell: Spell
    number: int  # of the spell, in the person's order
    status: str | None
    verdicts: dict[str, tuple[str, Report]]
    verified_by: tuple[str, ...]
    sources: int  # how many independent ones verified it
    date: PartialDate | None
    facts: dict[str, str | None]
    publish: str


def status_of(registry: Registry, verdicts: dict[str, tuple[str, Report]]) -> str | None:
    """The status at one stage, from one verdict for each source."""
    strong = {verdict for verdict, report in verdicts.values() if registry.independent(report)}
    everyone = {verdict for verdict, _report in verdicts.values()}
    if "verified" in strong:
        return "contested" if strong & set(DENIALS) else "verified"
    if "refuted" in strong:
        return "refuted"
    if "disputed" in strong:
        return "contested"
    if everyone & set(ASSERTIONS):
        return "reported"
    return "retracted" if everyone == {"retracted"} else None


def consolidate(registry: Registry, said: list[tuple[str, Report]], name: str, dated: bool) -> Any:
    """Independent verifying voices are asked first, then independent ones, then all.

    Days that only non-independent accounts give date no independent verification.
    """
    strong = [(verdict, report) for verdict, report in said if registry.independent(report)]
    verifying = [(verdict, report) for verdict, report in strong if verdict == "verified"]
    for tier in (verifying, strong, said):
        if tier is said and dated and verifying:
            return None
        values = []
        for _verdict, report in tier:
            own = report.own(name) if registry.choices.kept_values_vote else _word(report, name)
            if own is not None:
                values.append(own)
        if values:
            return vote(values) if dated else elect(values)
    return None


def _word(report: Report, name: str) -> Any:
    return report.dates[name] if name in report.dates else report.facts.get(name)


def country_of(registry: Registry, spell: Spell, said: list[tuple[str, Report]]) -> str | None:
    """From any of its reports, withdrawn ones included, if no standing one says it."""
    standing = [(one.verdict, one) for one in spell.reports if not one.withdrawn]
    for some in (said, standing, [(one.verdict, one) for one in spell.reports]):
        if any(_word(report, "country") for _verdict, report in some):
            found: str | None = consolidate(registry, some, "country", dated=False)
            return found
    return None


def releases_at(registry: Registry, stage: str) -> list[Release]:
    """Every release of the registry that has a status at a stage."""
    found = []
    for person, reports in registry.people().items():
        for number, spell in enumerate(spells_of(registry, reports)):
            release = release_at(registry, person, spell, number, stage)
            if release is not None:
                found.append(release)
    return found


def release_at(registry: Registry, person: str, spell: Spell, number: int, stage: str) -> Release | None:
    """The release of a spell at a stage; None where it has no status there."""
    if not spell.has_release:
        return None
    verdicts = {
        source: said for source, voice in release_voices(spell).items() if (said := voice.at(stage)) is not None
    }
    status = status_of(registry, verdicts)
    if status is None:
        return None
    said = [pair for pair in verdicts.values() if pair[0] in ASSERTIONS]
    facts = {name: consolidate(registry, said, name, dated=False) for name in FACTS}
    facts["country"] = country_of(registry, spell, said)
    return Release(
        person=person,
        spell=spell,
        number=number,
        status=status,
        verdicts=verdicts,
        verified_by=tuple(sorted(source for source, (verdict, _report) in verdicts.items() if verdict == "verified")),
        sources=sum(verdict == "verified" and registry.independent(report) for verdict, report in verdicts.values()),
        date=consolidate(registry, said, stage, dated=True),
        facts=facts,
        publish=registry.publish.get(person, "anonymous"),
    )


def kept_for(registry: Registry, target: str, at: str, stage: str | None) -> dict[str, Any]:
    """What stood where a source points, as it is kept with its report."""
    person = registry.person_of[target]
    for number, spell in enumerate(spells_of(registry, registry.people()[person])):
        if all(one.id != target for one in spell.reports):
            continue
        kept: dict[str, Any] = {"detained_on": detained_on(registry, spell)}
        said = [(one.verdict, one) for one in spell.reports if one.asserts]
        kept |= {name: consolidate(registry, said, name, dated=False) for name in ("facility", "designation")}
        kept["country"] = country_of(registry, spell, said)
        for step in STAGES if at == "release" else ():
            release = release_at(registry, person, spell, number, step)
            if release is not None:
                kept[step] = release.date
                if step == (stage or "carried_out"):
                    kept |= {name: value for name, value in release.facts.items() if value is not None}
        return kept
    return {}


def detained_on(registry: Registry, spell: Spell) -> PartialDate | None:
    """The consolidated day on which a spell began."""
    said = [(one.verdict, one) for one in spell.reports if not one.withdrawn]
    found: PartialDate | None = consolidate(registry, said, "detained_on", dated=True)
    return found


def target_of(registry: Registry, held_by: str, at: str, pointing: str) -> str:
    """The report as which a pointer is kept: the earliest independent one that speaks of that release, else the
    earliest; of a detention, the earliest of the spell."""
    person = registry.person_of[held_by]
    for spell in spells_of(registry, registry.people()[person]):
        if any(one.id == held_by for one in spell.reports):
            others = [one for one in spell.reports if one.id != pointing and not one.withdrawn] or spell.reports
            about: Callable[[Report], bool] = lambda one: at != "release" or one.stage is not None  # noqa: E731
            strong = [one for one in others if registry.sources[one.source].counts and about(one)]
            every = [one for one in others if about(one)] or others
            return min(strong if at == "release" and strong else every, key=order).id
    return held_by
