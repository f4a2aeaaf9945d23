"""The facts about a person and the place of custody. All but `public_facts` are personal."""

from collections.abc import Sequence
from typing import Any

from app.dates import PartialDate, age_bounds_at
from app.log.content import AGE, AGE_ON, AGE_SPAN, birth_of
from app.projection.consolidate import (
    Combined,
    collect,
    date_fact,
    field,
    kept,
    own_word,
    plain_fact,
    said_of,
    shown_fact,
    source_values,
    union_fact,
    value_of,
)
from app.projection.custody import Custody
from app.projection.statements import ASSERTIONS, Statement, parse
from app.schemas.base import Facts
from app.vocabulary import AgeGroup

# The field counts adolescents below 18 and the old from 70 on (weekly tables of the organisations).
ADULT, OLD = 18, 70

_PERSON: Combined = {
    "full_name": shown_fact,
    "aliases": union_fact,
    "gender": plain_fact,
    "birth_date": date_fact,
    "age": plain_fact,
    "nationalities": union_fact,
    "category": plain_fact,
    "groups": union_fact,
    "father_name": shown_fact,
}
# Fields that are stored by source and never consolidated: field → object of the verdict → source → value. A method only
# where it is hidden.
BY_SOURCE = ("evidence", "citing_unlisted", "method")
BySource = dict[str, dict[str, dict[str, Any]]]

_CUSTODY: Combined = {
    "place": shown_fact,
    "legal_status": plain_fact,
    "transfers": shown_fact,
    "charges": union_fact,
    "sentence": shown_fact,
    "case": shown_fact,
}
# Fact → the trait (personal dimension of counts) it gives.
_PERSON_TRAITS = {
    "age": "age",  # no dimension of counts: here, so that traits hold all that the class of an unnamed person opens
    "gender": "gender",
    "category": "category",
    "nationalities": "nationality",
    "groups": "group",
}
_SPELL_TRAITS = {
    "facility": "facility",
    "area": "area",
    "legal_status": "legal_status",
    "conditions": "condition",
    "destination": "destination",
}


def public_facts(statements: Sequence[Statement]) -> Facts:
    """The public facts about a person: the day of death and the designation."""
    standing = [statement for statement in statements if not statement.retracted]
    facts = collect(standing, {"died_on": date_fact}, "detainee")
    designation = plain_fact(source_values(standing, lambda statement: statement.designation, kept("designation")))
    return facts | ({"designation": designation} if designation else {})


def personal_facts(statements: Sequence[Statement], custodies: Sequence[Custody]) -> Facts:
    """The personal facts about a person, by the statements that stand."""
    standing = [statement for statement in statements if not statement.retracted]
    facts = collect(standing, _PERSON, "detainee") | collect(_giving_age(standing), {"age_on": date_fact}, "detainee")
    if "birth_date" in facts and value_of(facts, "age") is None:
        day = _reference_day(custodies)
        if day is not None:
            age = age_bounds_at(parse(facts["birth_date"]["value"]), day)[0]
            facts["age"] = {"said": said_of(facts, "age"), "value": age}
    return facts


def _giving_age(standing: Sequence[Statement]) -> list[Statement]:
    """For each source the newest statement with an age: an age and its day are of one report."""
    aged = sorted((s for s in standing if AGE in s.content), key=lambda statement: statement.revision)
    return list({statement.source.key: statement for statement in aged}.values())


def birth(statements: Sequence[Statement], about: Facts) -> PartialDate | None:
    """The possible days of birth, by the date of birth, else by the age that the facts `about` the person give."""
    born, age = value_of(about, "birth_date"), value_of(about, "age")
    if born is not None:
        return parse(born)
    on = None if age is None else _day_of_age([s for s in statements if not s.retracted], age)
    return None if on is None else birth_of({AGE: age, AGE_ON: on})


def _day_of_age(standing: Sequence[Statement], age: int) -> str | None:
    """The day of the age by rule 4, from the sources that give this age; an age without a day is of its span, which is
    a coarser date. What others say dates no age that independent sources give."""
    days = {s.source.slug: s.content.get(AGE_ON) or s.content.get(AGE_SPAN) for s in _giving_age(standing)}
    of_age = [said for said in source_values(standing, field(AGE)) if said.value == age]
    of_age = [said for said in of_age if said.independent] or of_age
    fact = date_fact([said._replace(value=days[said.source]) for said in of_age if days[said.source]])
    return None if fact is None else fact["value"]


def _reference_day(custodies: Sequence[Custody]) -> PartialDate | None:
    """The day for which the age is given: of the last release, else of the last sighting, else of the arrest. So no age
    changes by the passing of time alone."""
    last = custodies[-1]
    return last.ended or last.held or last.detained


def spell_facts(custody: Custody) -> Facts:
    """The personal facts of a spell: place, law, conditions."""
    facts = collect(custody.asserting, _CUSTODY, "detention") | _facility(custody.asserting)
    release = custody.release
    if release is not None:
        asserting = [voice for voice in release.voices_at[release.stage] if voice.verdict in ASSERTIONS]
        facts |= collect(asserting, {"conditions": union_fact, "destination": plain_fact}, "release")
    return facts


def hidden_days(custody: Custody, counted: Custody) -> Facts:
    """The days of arrest and of sightings as filed (`custody`), where the spell counts with months (`counted`)."""
    facts = {name: custody.facts[name] for name in ("detained_on", "held_on") if name in custody.facts}
    return {name: fact for name, fact in facts.items() if fact != counted.facts.get(name)}


def spell_by_source(custody: Custody) -> BySource:
    """Each source's evidence for a spell, the names it cites that are no source here, and the method that is hidden."""
    by_name: BySource = {}
    release = custody.release
    voices = {"detention": custody.voices, "release": release.voices if release else []}
    for name in BY_SOURCE:
        by_source = {
            about: {
                voice.source.slug: value
                for voice in of_object
                if (value := _by_source(voice, name)) is not None and not voice.retracted
            }
            for about, of_object in voices.items()
        }
        if any(by_source.values()):
            by_name[name] = by_source
    return by_name


def _by_source(voice: Statement, name: str) -> Any:
    return (voice.hidden if name == "method" else voice.content).get(f"verification.{name}")


def _facility(statements: Sequence[Statement]) -> Facts:
    """The registered facility and its area; a place that is not registered stands apart, as said."""
    registered = plain_fact(source_values(statements, _slug, _kept_slug))
    as_said = shown_fact(
        source_values(statements, lambda a: None if a.facility else a.content.get("detention.facility"))
    )
    facts = {name: fact for name, fact in (("facility", registered), ("facility_as_said", as_said)) if fact}
    area = _areas(statements).get(registered["value"]) if registered else None
    if area:
        facts["area"] = {"value": area, "said": []}
    return facts


def _slug(statement: Statement) -> str | None:
    return statement.facility.slug if statement.facility else None


def _kept_slug(statement: Statement) -> str | None:
    """The facility kept with a statement that names no place; an unregistered place is a source's own word too."""
    if statement.kept_facility is None or "detention.facility" in statement.content:
        return None
    return statement.kept_facility.slug


def _areas(statements: Sequence[Statement]) -> dict[str, str | None]:
    views = [view for statement in statements for view in (statement.kept_facility, statement.facility) if view]
    return {view.slug: view.area for view in views}


def own_traits(own: Sequence[Statement]) -> set[tuple[str, str]]:
    """`(dimension, value)` pairs by one source's own word, from its statements, newest first: the facility and its
    area."""
    facility = own_word(own, _slug, _kept_slug)
    values = {"facility": facility, "area": _areas(own).get(facility) if facility else None}
    return {(name, value) for name, value in values.items() if value}


def traits(custody: Custody, about: Facts, facts: Facts, born: PartialDate | None) -> set[tuple[str, str]]:
    """`(dimension, value)` pairs by which a spell is filtered and grouped, from the facts `about` the person, the
    `facts` of the spell and the possible days of birth."""
    pairs = _values(about, _PERSON_TRAITS) | _values(facts, _SPELL_TRAITS)
    group = _age_group(custody, value_of(about, "age"), born)
    return pairs | ({("age_group", group)} if group else set())


def _values(facts: Facts, names: dict[str, str]) -> set[tuple[str, str]]:
    pairs = set()
    for fact, trait in names.items():
        value = value_of(facts, fact)
        if value is not None:
            pairs |= {(trait, str(item)) for item in (value if isinstance(value, list) else [value])}
    return pairs


def _age_group(custody: Custody, age: int | None, born: PartialDate | None) -> str | None:
    """The age group at the arrest, or on the nearest known day; None where two groups are possible."""
    day = custody.detained or custody.ended or custody.held
    if born is not None and day is not None:
        groups = {_group_of(bound) for bound in age_bounds_at(born, day)}
        return groups.pop() if len(groups) == 1 else None
    return None if age is None else _group_of(age)


def _group_of(age: int) -> AgeGroup:
    if age < ADULT:
        return AgeGroup.UNDER_18
    return AgeGroup.FROM_18_TO_69 if age < OLD else AgeGroup.OVER_70
