"""What a pointing report follows, what stage it means, and what stood there: kept as its word where it says nothing."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.model.model import COUNTING, OF_DETENTION, STAGES, Registry, Report
from tests.model.spells import Bundle, Spell, early, spells_of
from tests.model.voices import asked_at, consolidate, country_of, holding, release_at, voices_at


def place_of(registry: Registry, report: str) -> tuple[str, int, Spell]:
    """The person, and the spell that holds a report."""
    person = registry.person_of[report]
    for number, spell in enumerate(spells_of(registry, registry.people()[person])):
        if any(one.id == report for one in spell.reports):
            return person, number, spell
    raise LookupError(report)


def in_one_spell(registry: Registry, one: str, other: str) -> bool:
    """Pointing at the same spell again changes nothing."""
    return any(report.id == other for report in place_of(registry, one)[2].reports)


def stage_meant(registry: Registry, held_by: str) -> str:
    """A verification that names no stage speaks of the furthest that somebody asserts, else of the furthest that
    anybody speaks of: who verifies what another refutes says that it was carried out. Where a dispute alone stands, it
    is the furthest that is not refuted."""
    person, number, spell = place_of(registry, held_by)
    for stage in reversed(STAGES):
        if any(one.asserts and one.stage == stage for one in voices_at(spell, stage).values()):
            return stage
    return standing_stage(registry, person, number, spell)


def standing_stage(registry: Registry, person: str, number: int, spell: Spell) -> str:
    """The furthest stage at which the release counts, else the furthest of which anybody speaks."""
    for stage in reversed(STAGES):
        release = release_at(registry, person, spell, number, stage)
        if release is not None and release.status in COUNTING:
            return stage
    return next((stage for stage in reversed(STAGES) if voices_at(spell, stage)), "carried_out")


def target_of(registry: Registry, held_by: str, at: str, source: str) -> str | None:
    """The report as which a pointer is kept: of a release, the earliest independent one that speaks of it, else the
    earliest; of a detention, the earliest of the spell. Of a person whom the key may not see, one of its own."""
    person, _number, spell = place_of(registry, held_by)
    found: Sequence[Report] = spell.reports
    if registry.publish.get(person) == "counted":  # towards whom every key is blind
        found = [one for one in found if one.source == source]
    if at == "release":
        found = [one for one in found if one.stage]
    found = [one for one in found if not one.withdrawn] or found
    if at == "release":
        found = [one for one in found if registry.sources[one.source].counts] or found
    return min(found, key=early).id if found else None


def kept_for(registry: Registry, held_by: str, pointing: str, head: Registry) -> dict[str, Any] | None:
    """What stood there, by the rules of consolidation, from independent accounts where there are any, and never from
    the source's own. Nothing is kept of people who may only be counted now, whatever they were at the revision seen."""
    if held_by not in registry.reports:
        return {}
    if head.publish.get(head.person_of[held_by]) == "counted":
        return None
    registry = replace(registry, sources=head.sources)
    person, number, spell = place_of(registry, held_by)
    theirs = [one for one in spell.reports if one.id != pointing and not one.withdrawn]
    theirs = [one for one in theirs if registry.independent(one)] or theirs
    there = replace(spell, bundles=[Bundle(theirs, theirs)])
    held = holding(theirs) or theirs
    found: dict[str, Any] = {name: consolidate(registry, held, name) for name in OF_DETENTION}
    found["country"] = country_of(registry, there)
    found["facility"] = consolidate(registry, holding(theirs), "facility")
    found["detained_on"] = consolidate(registry, held, "detained_on", dated=True)
    seen = [day for one in held if one.holds and (day := one.word("held_on")) is not None]
    found["held_on"] = max(seen, key=lambda day: (day.hi, day.lo), default=None)
    for stage in STAGES:
        day = consolidate(registry, asked_at(registry, there, stage), stage, dated=True)
        if day is not None:
            found[stage] = day
    stage = standing_stage(registry, person, number, there)
    found["kind"] = consolidate(registry, asked_at(registry, there, stage), "kind")
    return {name: value for name, value in found.items() if value is not None}
