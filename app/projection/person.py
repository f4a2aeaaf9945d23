"""Derive the facts about a person and the place of custody. All but `collect_public_facts` are personal."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from app.dates import PartialDate, compute_age_bounds
from app.log.content import AGE, AGE_ON, AGE_SPAN, find_birth
from app.projection.consolidate import (
    Combiners,
    birth_fact,
    collect_facts,
    date_fact,
    date_range_fact,
    get_fact_value,
    get_reported_values,
    plain_fact,
    read_field,
    read_source_values,
    read_value_of_source,
    shown_fact,
    sort_by_precedence,
    union_fact,
)
from app.projection.custody import Custody
from app.projection.event_dates import GOVERNMENT
from app.projection.statements import Statement, drop_retracted, parse_cached_date
from app.projection.status import group_by_source
from app.schemas.base import Facts
from app.vocabulary import AgeGroup

ALIASES = "detainee.aliases"
# The organisations' weekly tables count adolescents below 18 and old people from 70 on.
ADULT_AGE, OLD_AGE = 18, 70

AGE_TRAIT = "age"  # a filter, and no dimension of counts

_PERSON_COMBINERS: Combiners = {
    "full_name": shown_fact,
    "aliases": union_fact,
    "gender": plain_fact,
    "birth_date": birth_fact,
    "age": plain_fact,
    "nationalities": union_fact,
    "category": plain_fact,
    "groups": union_fact,
    "father_name": shown_fact,
}
# Fields stored by source and never consolidated: field → object of the verdict → source → value. A method only if it is
# hidden.
SOURCE_FIELDS = ("evidence", "citing_unlisted", "method")
ValuesBySource = dict[str, dict[str, dict[str, Any]]]

_CUSTODY_COMBINERS: Combiners = {
    "place": shown_fact,
    "legal_status": plain_fact,
    "transfers": shown_fact,
    "charges": union_fact,
    "sentence": shown_fact,
    "case": shown_fact,
}
# Fact → the trait (personal dimension of counts) that it sets.
_PERSON_TRAITS = {
    "age": AGE_TRAIT,
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


def collect_public_facts(statements: Sequence[Statement]) -> Facts:
    """Return the public facts about a person: the day of death and the designation."""
    current_statements = drop_retracted(statements)
    facts = collect_facts(current_statements, {"died_on": date_fact}, "detainee")
    designation = plain_fact(
        read_source_values(current_statements, lambda statement: statement.designation, "detainee.designation")
    )
    return facts | ({"designation": designation} if designation else {})


def collect_personal_facts(statements: Sequence[Statement], custodies: Sequence[Custody]) -> Facts:
    """Return the personal facts about a person, from the current statements."""
    current_statements = _drop_unreviewed_aliases(drop_retracted(statements))
    facts = collect_facts(current_statements, _PERSON_COMBINERS, "detainee") | collect_facts(
        _select_with_age(current_statements), {"age_on": date_fact}, "detainee"
    )
    birth = get_fact_value(facts, "birth_date")
    if birth is not None and get_fact_value(facts, "age") is None:
        day = _find_reference_day(custodies)
        if day is not None:
            age = compute_age_bounds(parse_cached_date(birth), day)[0]
            facts["age"] = {"said": get_reported_values(facts, "age"), "value": age}
    return facts


def _drop_unreviewed_aliases(statements: Sequence[Statement]) -> list[Statement]:
    """Drop aliases that an unreviewed report adds to a person whom another source reported first (rule 21).

    Those that a second source gives stay. Readers find a person by an alias, and nothing outvotes a false one."""
    if not any(statement.is_unreviewed and ALIASES in statement.content for statement in statements):
        return list(statements)
    first_source = min(statements, key=lambda statement: statement.record).source.key
    givers = Counter(alias for group in group_by_source(statements).values() for alias in _list_aliases(group))
    result = []
    for statement in statements:
        if statement.is_unreviewed and statement.source.key != first_source:
            aliases = [alias for alias in _list_aliases([statement]) if givers[alias] > 1]
            content = {name: value for name, value in statement.content.items() if name != ALIASES}
            statement = replace(statement, content=content | ({ALIASES: aliases} if aliases else {}))
        result.append(statement)
    return result


def _list_aliases(statements: Sequence[Statement]) -> list[str]:
    """Return the aliases in statements, each once."""
    return list(dict.fromkeys(alias for statement in statements for alias in statement.content.get(ALIASES, ())))


def _select_with_age(statements: Sequence[Statement]) -> list[Statement]:
    """Return each source's first statement with an age: an age and its day come from one report."""
    aged = sort_by_precedence([statement for statement in statements if AGE in statement.content])
    return list({statement.source.key: statement for statement in reversed(aged)}.values())


def derive_birth_date(statements: Sequence[Statement], person_facts: Facts) -> PartialDate | None:
    """Return the possible days of birth, from the date of birth or else from the age in `person_facts`."""
    birth_date, age = get_fact_value(person_facts, "birth_date"), get_fact_value(person_facts, "age")
    if birth_date is not None:
        return parse_cached_date(birth_date)
    age_day = None if age is None else _find_day_of_age(drop_retracted(statements), age)
    return None if age_day is None else find_birth({AGE: age, AGE_ON: age_day})


def _find_day_of_age(statements: Sequence[Statement], age: int) -> str | None:
    """Return the day of the age, from the sources that give this age. An age without a day has a span, a coarser date.
    Governments do not date an age that organisations give."""
    days = {s.source.slug: s.content.get(AGE_ON) or s.content.get(AGE_SPAN) for s in _select_with_age(statements)}
    age_values = [
        source_value for source_value in read_source_values(statements, read_field(AGE)) if source_value.value == age
    ]
    age_values = [source_value for source_value in age_values if source_value.rank < GOVERNMENT] or age_values
    fact = date_range_fact(
        [
            source_value._replace(value=days[source_value.source])
            for source_value in age_values
            if days[source_value.source]
        ]
    )
    return None if fact is None else fact["value"]


def _find_reference_day(custodies: Sequence[Custody]) -> PartialDate | None:
    """Return the day to which the age applies: the last release, otherwise the last sighting, otherwise the arrest. So
    no age changes merely with time."""
    last = custodies[-1]
    return last.ended_on or last.held_on or last.detained_on


def collect_spell_facts(custody: Custody) -> Facts:
    """Return the personal facts of a detention: place, legal facts, conditions."""
    asserting = [statement for statement in custody.statements if statement.asserts_detention]
    facts = collect_facts(asserting, _CUSTODY_COMBINERS, "detention") | _combine_facility(asserting)
    if custody.release is not None:
        combiners: Combiners = {"conditions": union_fact, "destination": plain_fact}
        facts |= collect_facts(custody.release.assertions, combiners, "release")
    return facts


def find_hidden_days(custody: Custody, count_only_custody: Custody) -> Facts:
    """Return the filed days of arrest and sightings (`custody`) that the detention counts as months
    (`count_only_custody`)."""
    facts = {name: custody.facts[name] for name in ("detained_on", "held_on") if name in custody.facts}
    return {name: fact for name, fact in facts.items() if fact != count_only_custody.facts.get(name)}


def collect_source_fields(custody: Custody) -> ValuesBySource:
    """Return each source's evidence for a detention, the sources it cites that are not registered, and the hidden
    method."""
    by_name: ValuesBySource = {}
    statements_by_object = {"detention": custody.detention_voices, "release": custody.release_voices}
    for name in SOURCE_FIELDS:
        by_source = {
            object_name: {
                statement.source.slug: value
                for statement in statements
                if (value := _read_source_field(statement, name)) is not None and not statement.is_retracted
            }
            for object_name, statements in statements_by_object.items()
        }
        if any(by_source.values()):
            by_name[name] = by_source
    return by_name


def _read_source_field(statement: Statement, name: str) -> Any:
    return (statement.hidden_content if name == "method" else statement.content).get(f"verification.{name}")


def _combine_facility(statements: Sequence[Statement]) -> Facts:
    """Return the registered facility and its area; a place that is not registered is a separate fact, as stated."""
    registered_fact = plain_fact(read_source_values(statements, _read_facility_slug, "detention.facility"))
    stated_fact = shown_fact(
        read_source_values(statements, lambda a: None if a.facility else a.content.get("detention.facility"))
    )
    facts = {name: fact for name, fact in (("facility", registered_fact), ("facility_as_said", stated_fact)) if fact}
    area = _map_areas(statements).get(registered_fact["value"]) if registered_fact else None
    if area:
        facts["area"] = {"value": area, "said": []}
    return facts


def _read_facility_slug(statement: Statement) -> str | None:
    return statement.facility.slug if statement.facility else None


def _map_areas(statements: Sequence[Statement]) -> dict[str, str | None]:
    return {view.slug: view.area for statement in statements if (view := statement.facility)}


def list_own_traits(own: Sequence[Statement]) -> set[tuple[str, str]]:
    """Return `(dimension, value)` pairs of the facility and its area according to one source. `own`: its statements
    in their order."""
    facility = read_value_of_source(own, _read_facility_slug, "detention.facility")
    values = {"facility": facility, "area": _map_areas(own).get(facility) if facility else None}
    return {(name, value) for name, value in values.items() if value}


def list_traits(
    custody: Custody, person_facts: Facts, facts: Facts, birth_date: PartialDate | None
) -> set[tuple[str, str]]:
    """Return the `(dimension, value)` pairs by which a detention is filtered and grouped.

    `person_facts`: facts about the person. `facts`: of the detention. `birth_date`: possible days of birth."""
    pairs = _list_trait_pairs(person_facts, _PERSON_TRAITS) | _list_trait_pairs(facts, _SPELL_TRAITS)
    group = _find_age_group(custody, get_fact_value(person_facts, "age"), birth_date)
    return pairs | ({("age_group", group)} if group else set())


def _list_trait_pairs(facts: Facts, names: dict[str, str]) -> set[tuple[str, str]]:
    pairs = set()
    for fact, trait in names.items():
        value = get_fact_value(facts, fact)
        if value is not None:
            pairs |= {(trait, str(item)) for item in (value if isinstance(value, list) else [value])}
    return pairs


def _find_age_group(custody: Custody, age: int | None, birth_date: PartialDate | None) -> str | None:
    """Return the age group at the arrest, or on the nearest known day; None if two groups are possible."""
    day = custody.detained_on or custody.ended_on or custody.held_on
    if birth_date is not None and day is not None:
        groups = {_classify_age(possible_age) for possible_age in compute_age_bounds(birth_date, day)}
        return groups.pop() if len(groups) == 1 else None
    return None if age is None else _classify_age(age)


def _classify_age(age: int) -> AgeGroup:
    if age < ADULT_AGE:
        return AgeGroup.UNDER_18
    return AgeGroup.FROM_18_TO_69 if age < OLD_AGE else AgeGroup.OVER_70
