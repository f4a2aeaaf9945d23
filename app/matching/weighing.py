"""Whether a report is of a known person whom some of that person's sources describe otherwise (pure).

The same rule decides for a report that is filed, for a person who is looked for and for the line of a list: a report
that is said to be linkable must then be linked.
"""

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, replace

from app.matching.score import Match, Person, agree, compare, contradicted


@dataclass(frozen=True, slots=True)
class Witness:
    """One source's report of a person. `states`: the report is first-hand, of an independent source and not withdrawn;
    a source that repeats a fact does not state it a second time."""

    source: Hashable
    states: bool
    person: Person


@dataclass(frozen=True, slots=True)
class Weighed:
    """The indexes of the outweighed contradicting witnesses (`against`), and of the outweighing ones (`agreeing`)."""

    against: tuple[int, ...] = ()
    agreeing: tuple[int, ...] = ()


def weigh(person: Person, witnesses: Sequence[Witness]) -> Weighed | None:
    """Weigh the witnesses of a known person against `person`; None where they rule `person` out. One contradicting
    source does so, unless two other sources state every contradicted field as `person` has it and agree with each
    other. Two contradicting sources are never outweighed."""
    compared = [(place, contradicted(person, witness.person)) for place, witness in enumerate(witnesses)]
    against = [(place, fields) for place, fields in compared if fields]
    if not against:
        return Weighed()
    sources = {witnesses[place].source for place, _fields in against}
    contested = {field for _place, fields in against for field in fields}
    agreeing = _two_agreeing(person, contested, sources, witnesses)
    if len(sources) > 1 or not agreeing:
        return None
    return Weighed(tuple(place for place, _fields in against), tuple(agreeing))


def judged(person: Person, match: Match, witnesses: Sequence[Witness]) -> Match:
    """The match of a person after weighing all witnesses, sure exactly where a report would be linked: never against a
    source that is not outweighed, else by one of the outweighing witnesses."""
    if not match.sure and not match.conflicts:
        return match
    weighed = weigh(person, witnesses)
    if weighed is None:
        return replace(match, sure=False)
    if not weighed.against:
        return match
    matches = [compare(person, witnesses[place].person) for place in weighed.agreeing]
    best = max(matches, key=lambda each: (each.sure, each.score))
    return best if best.sure else replace(match, sure=False)


def _two_agreeing(
    person: Person, fields: Collection[str], without: Collection[Hashable], witnesses: Sequence[Witness]
) -> list[int]:
    """The witnesses of sources not in `without` that state all `fields` as `person` has them, each agreeing with one of
    another source."""

    def fit(a: Person, b: Person) -> bool:
        return all(agree(a, b, field) for field in fields)

    stated = [
        (place, witness)
        for place, witness in enumerate(witnesses)
        if witness.states and witness.source not in without and fit(person, witness.person)
    ]
    return [
        place
        for place, witness in stated
        if any(witness.source != other.source and fit(witness.person, other.person) for _place, other in stated)
    ]
