"""One voice for each source, statuses by stage, and the values that all sources together give a release."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.dates import PartialDate, parse_date
from tests.model.model import ASSERTIONS, COUNTING, DENIALS, STAGES, Registry, Report
from tests.model.spells import Spell, told_spells


def at_stage(said: Report, stage: str) -> bool:
    """An assertion speaks for its stage and the earlier ones, a denial for its stage and the later ones."""
    asked, own = STAGES.index(stage), STAGES.index(said.stage or "carried_out")
    return own <= asked if said.verdict in DENIALS else asked <= own


def last_word(reports: list[Report]) -> Report:
    """The newest; but `reported` takes back no `verified` of the same source that stands beside it."""
    newest = max(reports, key=lambda one: one.revision)
    looked = [one for one in reports if one.verdict != "reported"]
    if newest.verdict == "reported" and looked:
        before = max(looked, key=lambda one: one.revision)
        return before if before.verdict == "verified" else newest
    return newest


def speaking(reports: Iterable[Report]) -> dict[str, list[Report]]:
    """Source → its reports that may speak, the newest first: withdrawn ones only where none other of it stands."""
    found: dict[str, list[Report]] = {}
    for one in sorted(reports, key=lambda one: -one.revision):
        found.setdefault(one.source, []).append(one)
    return {source: [one for one in every if not one.withdrawn] or every for source, every in sorted(found.items())}


def holding(reports: Iterable[Report]) -> list[Report]:
    """The reports which say that the person was held, without those on which their source has the last word that this
    was not so. What it says of a release says that the person was held."""
    reports = list(reports)
    about = speaking(one for one in reports if not one.stage)
    denying = {source for source, mine in about.items() if last_word(mine).refutes_detention}
    return [one for one in reports if one.holds and (one.stage or one.source not in denying)]


def release_voices(spell: Spell) -> dict[str, Report]:
    """One voice per source: the furthest stage, then the earliest disjoint date, then the newest. A report without a
    release never silences one."""
    voices = {}
    for source, reports in speaking(one for one in spell.reports if one.stage).items():
        furthest = max(STAGES.index(one.stage or "") for one in reports)
        left = [one for one in reports if STAGES.index(one.stage or "") == furthest]
        voices[source] = _of_earliest_date(left, STAGES[furthest])
    return voices


def voices_at(spell: Spell, stage: str) -> dict[str, Report]:
    """The voices at a stage: those of the release that speak for it; but a voice that only reports a further stage, or
    denies one, takes back no earlier stage that its source verified."""
    heard = {}
    for source, reports in speaking(one for one in spell.reports if one.stage).items():
        said = _heard_at(reports, stage)
        if said is not None:
            heard[source] = said
    return heard


def _heard_at(reports: list[Report], stage: str) -> Report | None:
    said = [_of_earliest_date(here, own) for own in reversed(STAGES) if (here := _of(reports, own))]
    whole = said[0] if at_stage(said[0], stage) else None
    if whole is not None and whole.verdict != "reported":
        return whole
    looked = [one for one in said[1:] if at_stage(one, stage) and one.verdict != "reported"]
    return looked[0] if looked and looked[0].verdict == "verified" else whole


def _of(reports: list[Report], stage: str) -> list[Report]:
    return [one for one in reports if one.stage == stage]


def _of_earliest_date(reports: list[Report], stage: str) -> Report:
    days = [day for one in reports if (day := one.word(stage)) is not None]
    first = min(days, key=lambda day: (day.hi, day.lo), default=None)
    agreeing = []
    for one in reports:  # what is undated is not disjoint from anything
        day = one.word(stage)
        if first is None or day is None or day.overlaps(first):
            agreeing.append(one)
    said, apart = last_word(agreeing), [one for one in reports if one not in agreeing]
    if said.verdict == "reported" and apart:  # which takes back no verified release of another day
        later = _of_earliest_date(apart, stage)
        return later if later.verdict == "verified" else said
    return said


SUREST = ("verified", "reported", "disputed", "refuted", "retracted")


def held_words(registry: Registry, spell: Spell) -> dict[str, tuple[str, bool]]:
    """Source → its verdict on being held, and whether that is independent: the surest of what it says of the detention
    and of the release; whoever checked a release checked that, and who denies one reports that the person is held."""
    found: dict[str, list[tuple[str, bool]]] = {}
    for source, reports in speaking(one for one in spell.reports if not one.stage).items():
        said = last_word(reports)
        found.setdefault(source, []).append((said.verdict, registry.independent(said)))
    for source, said in (voice for stage in STAGES for voice in voices_at(spell, stage).items()):
        denies = said.verdict in DENIALS and registry.choices.denial_of_release_says_held
        found.setdefault(source, []).append(("reported" if denies else said.verdict, registry.independent(said)))
    surest = {source: min((one for one, _own in said), key=SUREST.index) for source, said in found.items()}
    return {source: (verdict, (verdict, True) in found[source]) for source, verdict in sorted(surest.items())}


def own_reports(spell: Spell, source: str) -> list[Report]:
    return speaking(one for one in spell.reports if one.source == source)[source]


def own_word(reports: list[Report], name: str) -> Any:
    """A source's own word, of the newest of its reports that has one; else what stood where they point."""
    for one in reports:
        if (said := one.word(name)) is not None:
            return said
    return next((said for one in reports if (said := one.kept.get(name)) is not None), None)


def own_fact(spell: Spell, report: Report, name: str) -> Any:
    """A source's own word on a fact of the detention."""
    return own_word(own_reports(spell, report.source), name)


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
    return parse_date(f"{day.first.isoformat()}/{day.last.isoformat()}")


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
    confirmed_by: tuple[str, ...]  # by independent verifications
    sources: int  # how many independent ones verified it
    date: PartialDate | None
    facts: dict[str, str | None]
    publish: str


def status_of(said: Iterable[tuple[str, bool]]) -> str | None:
    """The status that verdicts make, each with whether it is independent."""
    said = list(said)
    strong = {verdict for verdict, independent in said if independent}
    everyone = {verdict for verdict, _independent in said}
    if "verified" in strong:
        return "contested" if strong & set(DENIALS) else "verified"
    if "refuted" in strong:
        return "refuted"
    if "disputed" in strong:
        return "contested"
    if everyone & set(ASSERTIONS):
        return "reported"
    return "retracted" if everyone == {"retracted"} else None


def weigh(registry: Registry, reports: Iterable[Report], name: str, dated: bool = False) -> list[tuple[Any, bool]]:
    """The values that decide, each with whether it is independent: of independent verifying sources, else of
    independent ones, else of all. Kept values vote where no independent source says one. Days and
    kinds that only accounts give which are not independent are none of an independent verification."""
    reports = list(reports)
    guarded = dated or name == "kind"
    if guarded and any(registry.independent(one) and one.verdict == "verified" for one in reports):
        reports = [one for one in reports if registry.independent(one)]
    words: list[tuple[Any, Report, bool]] = []
    for mine in speaking(reports).values():
        said = next(((word, one, False) for one in mine if (word := one.word(name)) is not None), None)
        if said is None and registry.choices.kept_values_vote:
            said = next(((word, one, True) for one in mine if (word := one.kept.get(name)) is not None), None)
        if said is not None:
            # Who passes on what it verified has verified it still.
            verified = [one for one in mine if one.verdict == "verified"]
            verifying_too = (one for one in verified if (one.kept.get if said[2] else one.word)(name) == said[0])
            words.append((said[0], next(verifying_too, said[1]), said[2]))
    strong = [word for word in words if registry.independent(word[1])]
    strong = [word for word in strong if not word[2]] or strong
    verifying = [word for word in strong if word[1].verdict == "verified"]
    return [(value, registry.independent(one)) for value, one, _kept in verifying or strong or words]


def consolidate(registry: Registry, reports: Iterable[Report], name: str, dated: bool = False) -> Any:
    values = [value for value, _own in weigh(registry, reports, name, dated)]
    if not values:
        return None
    return vote(values) if dated else elect(values)


def country_of(registry: Registry, spell: Spell) -> str | None:
    """From those who say that the person was held, else any that stands, else one that was withdrawn."""
    for some in (
        holding(spell.reports),
        [one for one in spell.reports if not one.withdrawn],
        [one for one in spell.reports if one.withdrawn],
    ):
        if weigh(registry, some, "country"):
            found: str | None = consolidate(registry, some, "country")
            return found
    return None


def facts_of(registry: Registry, spell: Spell) -> dict[str, Any]:
    """What is said of the detention: asked are all who say that the person was held."""
    held = holding(spell.reports)
    return {
        "country": country_of(registry, spell),
        "facility": consolidate(registry, held, "facility"),
        "designation": consolidate(registry, held or spell.reports, "designation"),
    }


def releases_at(registry: Registry, stage: str) -> list[Release]:
    """Every release of the registry that somebody speaks of at a stage."""
    found = []
    for person in registry.people():
        for number, spell in enumerate(told_spells(registry, person)):
            release = release_at(registry, person, spell, number, stage)
            if release is not None:
                found.append(release)
    return found


def release_at(registry: Registry, person: str, spell: Spell, number: int, stage: str) -> Release | None:
    """The release of a spell at a stage; None where nobody speaks of it there. Without an assertion and without an
    independent denial it has no status, and stands in no total."""
    if not spell.has_release:
        return None
    verdicts = {source: (said.verdict, said) for source, said in voices_at(spell, stage).items()}
    if not verdicts:
        return None
    status = status_of((verdict, registry.independent(report)) for verdict, report in verdicts.values())
    said = asked_at(registry, spell, stage)
    facts = facts_of(registry, spell) | {"kind": consolidate(registry, said, "kind")}
    if registry.gone(person):
        facts["facility"] = None
    verifying = {source: report for source, (verdict, report) in verdicts.items() if verdict == "verified"}
    confirmed = tuple(sorted(source for source, report in verifying.items() if registry.independent(report)))
    return Release(
        person=person,
        spell=spell,
        number=number,
        status=status,
        verdicts=verdicts,
        verified_by=tuple(sorted(verifying)),
        confirmed_by=confirmed,
        sources=len(confirmed) if status in COUNTING else 0,
        date=consolidate(registry, said, stage, dated=True),
        facts=facts,
        publish=registry.publish.get(person, "anonymous"),
    )


def asked_at(registry: Registry, spell: Spell, stage: str) -> list[Report]:
    """Only voices that assert a stage are asked for its values; where nobody asserts it, those who speak of it."""
    speaking_ = list(voices_at(spell, stage).values())
    asserting = [one for one in speaking_ if one.asserts]
    return asserting or (speaking_ if registry.choices.denials_date else [])
