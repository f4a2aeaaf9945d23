"""One voice for each source, statuses by stage, and the values that all sources together give a release."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.dates import PartialDate, parse
from tests.model.model import (
    ASSERTIONS,
    COUNTING,
    DENIALS,
    STAGES,
    Registry,
    Report,
    Spell,
    order,
    spells_of,
)


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
    dated = [one for one in left if one.let_go is not None]
    first = min((date for one in dated if (date := one.let_go)), key=lambda date: (date.hi, date.lo), default=None)
    if first is not None:  # what is undated is not disjoint from anything
        left = [one for one in left if one.let_go is None or one.let_go.overlaps(first)]
    return max(left, key=lambda one: one.revision)


def release_voices(spell: Spell) -> dict[str, Voice]:
    """One voice per source; withdrawn reports speak only if none other of that source speaks of the release: a report
    without a release never silences one."""
    voices: dict[str, Voice] = {}
    for source in sorted({one.source for one in spell.reports}):
        every = [one for one in spell.reports if one.source == source]
        about = [one for one in every if one.stage]
        standing = [one for one in about if not one.withdrawn]
        if not about:
            continue
        report = _speaks(standing or about)
        before = [one for one in standing if one.verdict == "verified"]
        verified = _speaks(before) if before and report.verdict == "reported" else None
        voices[source] = Voice(report, verified)
    return voices


def held_voices(registry: Registry, spell: Spell) -> dict[str, tuple[str, Report]]:
    """One voice per source on being held: whoever checked a release checked that the person had been held."""
    found: dict[str, tuple[str, Report]] = {}
    for source in sorted({one.source for one in spell.reports}):
        every = [one for one in spell.reports if one.source == source]
        standing = [one for one in every if not one.withdrawn] or every

        def verdict(report: Report) -> str:
            denies = report.stage is not None and report.verdict in DENIALS
            return "reported" if denies and registry.choices.denial_of_release_says_held else report.verdict

        said = max(standing, key=lambda one: (verdict(one) == "verified", one.revision))
        found[source] = verdict(said), said
    return found


def own_fact(spell: Spell, report: Report, name: str) -> Any:
    """A source's own word on a fact of the detention: in the report that speaks, else in its newest other one there."""
    mine = [one for one in spell.reports if one.source == report.source and not one.withdrawn]
    others = sorted(mine, key=lambda one: -one.revision)
    for one in (report, *others):
        if (said := one.own(name)) is not None:
            return said
    return None


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
        words = [one.own(name) if registry.choices.kept_values_vote else _word(one, name) for _verdict, one in tier]
        values = [word for word in words if word is not None]
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
    """Every release of the registry that somebody speaks of at a stage."""
    found = []
    for person, reports in registry.people().items():
        for number, spell in enumerate(spells_of(registry, reports)):
            release = release_at(registry, person, spell, number, stage)
            if release is not None:
                found.append(release)
    return found


def release_at(registry: Registry, person: str, spell: Spell, number: int, stage: str) -> Release | None:
    """The release of a spell at a stage; None where nobody speaks of it there. Without an assertion and without an
    independent denial it has no status, and stands in no total."""
    if not spell.has_release:
        return None
    verdicts = {
        source: spoken for source, voice in release_voices(spell).items() if (spoken := voice.at(stage)) is not None
    }
    if not verdicts:
        return None
    status = status_of(registry, verdicts)
    said = [pair for pair in verdicts.values() if pair[0] in ASSERTIONS]
    if not said and registry.choices.denials_date:
        said = list(verdicts.values())
    about = [pair for pair in held_voices(registry, spell).values() if pair[0] in ASSERTIONS]
    about = about if registry.choices.facts_of_detention else said
    facts = {name: consolidate(registry, about, name, dated=False) for name in ("facility", "designation")}
    facts["kind"] = consolidate(registry, said, "kind", dated=False)
    facts["country"] = country_of(registry, spell, about)
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


def stage_of(registry: Registry, held_by: str) -> str:
    """The stage of a release: the furthest at which it counts."""
    person = registry.person_of[held_by]
    for number, spell in enumerate(spells_of(registry, registry.people()[person])):
        if any(one.id == held_by for one in spell.reports):
            releases = {step: release_at(registry, person, spell, number, step) for step in STAGES}
            for wanted in (COUNTING, ("verified", "contested", "reported", "refuted", "retracted")):
                for step in reversed(STAGES):
                    release = releases[step]
                    if release is not None and release.status in wanted:
                        return step
    return "carried_out"


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
    said = [pair for pair in held_voices(registry, spell).values() if pair[0] in ASSERTIONS]
    said = said or [(one.verdict, one) for one in spell.reports if not one.withdrawn]
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
