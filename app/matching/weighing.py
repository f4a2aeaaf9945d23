"""Whether somebody is the person of whom several sources speak, where some of them say otherwise (pure).

One verdict for a report that is filed, for a person who is looked for and for the line of a list: who is told that a
report would be tied must find that it is.
"""

from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, replace

from app.matching.score import Match, Person, agree, compare, contradicted


@dataclass(frozen=True, slots=True)
class Witness:
    """What one source says of a person in one place. `states`: of its own knowledge, as an independent source, and
    without having withdrawn it; who repeats a fact does not state it a second time."""

    source: Hashable
    states: bool
    person: Person


@dataclass(frozen=True, slots=True)
class Weighed:
    """By their places: the witnesses that contradict and were outweighed, and those that outweigh them."""

    against: tuple[int, ...] = ()
    agreeing: tuple[int, ...] = ()


def weigh(person: Person, witnesses: Sequence[Witness]) -> Weighed | None:
    """None where what is said rules out that this is the person: one source that contradicts is enough, unless two
    others state every contradicted field as it is sought and agree with each other. Two that contradict are not
    outweighed."""
    found = [(place, contradicted(person, one.person)) for place, one in enumerate(witnesses)]
    against = [(place, fields) for place, fields in found if fields]
    if not against:
        return Weighed()
    sources = {witnesses[place].source for place, _fields in against}
    contested = {field for _place, fields in against for field in fields}
    agreeing = _two_agreeing(person, contested, sources, witnesses)
    if len(sources) > 1 or not agreeing:
        return None
    return Weighed(tuple(place for place, _fields in against), tuple(agreeing))


def judged(person: Person, match: Match, witnesses: Sequence[Witness]) -> Match:
    """A match with what all together say of the person, as sure as a report would be tied: never against a source that
    is not outweighed, and by one of those that outweigh it."""
    if not match.sure and not match.conflicts:
        return match
    weighed = weigh(person, witnesses)
    if weighed is None:
        return replace(match, sure=False)
    if not weighed.against:
        return match
    best = max(
        (compare(person, witnesses[place].person) for place in weighed.agreeing), key=lambda one: (one.sure, one.score)
    )
    return best if best.sure else replace(match, sure=False)


def _two_agreeing(
    person: Person, fields: Collection[str], without: Collection[Hashable], witnesses: Sequence[Witness]
) -> list[int]:
    """The witnesses of other sources that state every one of the fields as sought, if two sources are among them that
    agree with each other."""

    def fit(one: Person, other: Person) -> bool:
        return all(agree(one, other, field) for field in fields)

    stated = [
        (place, one)
        for place, one in enumerate(witnesses)
        if one.states and one.source not in without and fit(person, one.person)
    ]
    return [
        place
        for place, one in stated
        if any(one.source != two.source and fit(one.person, two.person) for _place, two in stated)
    ]
