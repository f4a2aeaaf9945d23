"""How likely two reports are of one person, and why.

``compare`` weighs what both sides state and explains itself. ``sure`` is a rule, not a score: one false link discredits
a whole list, so the conditions of a link without a curator are spelt out, and the score only ranks. Notes hold no value
of either side: their reader may not be allowed to see the other report.

Whether a report is of a known person whom some of that person's sources describe otherwise (pure).

The same rule decides for a report that is filed, for a person who is looked for and for the line of a list: a report
that is said to be linkable must then be linked."""

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from app.dates import DateError, PartialDate, birth_bounds_from_age
from app.matching.names import KINDS, ONE_WORD, SAME, Likeness, likeness, similarity
from app.matching.scripts import fold
from app.matching.words import parse

__all__ = [
    "REVIEW",
    "SAME",
    "Match",
    "Person",
    "Reason",
    "agree",
    "compare",
    "contradict",
    "contradicted",
    "similarity",
    "supported",
]

REVIEW = 0.62  # identical names with contradicting births reach it (0.635), a lone "Roberto" twice does not (0.61)
# Differences between names of one person, in the words of a note.
DIFFERENCES = {
    "spelling": "spelt differently",
    "script": "written in another script",
    "short form": "a short form",
    "initial": "an initial",
    "left out": "a word more on one side",
    "word breaks": "words written together",
}
BELOW_REVIEW = 0.61  # score of a pair that is not worth a curator's look
SURE = 0.75  # least score of a sure match, above that of identical names about which nothing else is known

# The weights add up to 1. What one side does not state counts as NEUTRAL, neither for nor against.
WEIGHTS = {
    "name": 0.45,  # the one thing nearly every report has
    "birth": 0.18,  # does not change, and is wrong by a year more often than by three
    "released_on": 0.12,  # known to the day, but a whole wave shares it
    "detained_on": 0.07,  # sources differ by weeks about one and the same arrest
    "facility": 0.07,  # hundreds share one, and people are moved
    "nationality": 0.05,  # telling only where it is foreign
    "gender": 0.03,  # half of all people share it; it speaks only when it differs
    "country": 0.03,  # likewise: nearly every pair that is compared shares it
}
ID_WEIGHT = 0.5  # on top: an identification number outweighs any name
NEUTRAL = 0.5

MAX_SPELLINGS = 6  # compared for one person: each of one side with each of the other
BIRTH_AGREES = 1  # years: an age is often that of the next or the last birthday
BIRTH_CONFLICT = 2  # years: further apart than this is another person, a son or a father
BIRTH_SPAN = 3 * 366  # days: an age stated for "2026" spans up to three years; a vaguer birth supports nothing
RELEASE_SLACK = 3  # days: a release by night, the announcement and the family's word lie this far apart
DETENTION_SLACK = 45  # days: arrest, presentation in court and first public word are all printed as "detained on"
DATE_SPAN = 31  # days: a month; within a vaguer date half the list would fit


class Person(NamedTuple):
    """What one side states of a person. ``national_id``: a keyed digest, equal or not; ``country``: of the custody."""

    name: str | None = None
    aliases: tuple[str, ...] = ()
    birth: PartialDate | None = None
    age: int | None = None
    age_on: PartialDate | None = None
    gender: str | None = None
    nationalities: frozenset[str] = frozenset()
    facility: str | None = None
    detained_on: PartialDate | None = None
    released_on: PartialDate | None = None
    national_id: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing both sides state: ``score`` 0 (contradicts) to 1 (agrees), and a sentence without values."""

    feature: str
    score: float
    note: str


@dataclass(frozen=True, slots=True)
class Match:
    """``score`` 0..1 ranks; ``sure``: a link needs no curator; ``conflicts``: features that rule out one person."""

    score: float
    sure: bool
    reasons: tuple[Reason, ...]
    conflicts: tuple[str, ...]


class _Finding(NamedTuple):
    """A reason, and whether by itself it supports that two are one person, or rules it out."""

    score: float
    note: str
    agrees: bool = False
    conflict: bool = False


def _best_name(a: Person, b: Person) -> Likeness | None:
    """The most similar pair of spellings, pairs with two common tokens first; None if a side has no name."""
    left, right = (
        [text for text in (person.name or "", *person.aliases) if parse(text).words][:MAX_SPELLINGS]
        for person in (a, b)
    )
    pairs = (likeness(spelling, other) for spelling in left for other in right)
    return max(pairs, key=lambda name: (name.whole > 1 and name.score >= SAME, name.score), default=None)


def _name(findings: Likeness | None) -> _Finding | None:
    if findings is None:
        return None
    if findings.whole < 2:
        note = "at most one word in common" if findings.whole else "no whole word in common"
        return _Finding(min(findings.score, ONE_WORD), note)
    if findings.score >= SAME:
        if not findings.past:
            return _Finding(findings.score, "identical names")
        return _Finding(
            findings.score, "the same name: " + ", ".join(DIFFERENCES[kind] for kind in KINDS if kind in findings.past)
        )
    return _Finding(findings.score, "the names share words and differ in others")


def birth_bounds(person: Person) -> tuple[int, int] | None:
    """The possible days of birth, as stated or from the age on its day; an age without a day is that at the release."""
    if person.birth is not None:
        return person.birth.lo, person.birth.hi
    on = person.age_on or person.released_on
    if person.age is None or on is None:
        return None
    try:
        return birth_bounds_from_age(person.age, on)
    except DateError:  # an impossible age identifies nobody
        return None


def _birth(a: Person, b: Person) -> _Finding | None:
    of_a, of_b = birth_bounds(a), birth_bounds(b)
    if of_a is None or of_b is None:
        return None
    (a_first, a_last), (b_first, b_last) = (tuple(date.fromordinal(day).year for day in s) for s in (of_a, of_b))
    apart = max(0, a_first - b_last, b_first - a_last)
    if apart > BIRTH_CONFLICT:
        return _Finding(0.0, f"births more than {BIRTH_CONFLICT} years apart", conflict=True)
    if apart > BIRTH_AGREES:
        return _Finding(0.3, "births two years apart")
    if max(of_a[1] - of_a[0], of_b[1] - of_b[0]) > BIRTH_SPAN:
        return _Finding(NEUTRAL, "birth stated too vaguely to compare")
    # By years alone: a score that told days apart would disclose the day, which is never public, to a reader who tries
    # them.
    if apart == 0:
        return _Finding(1.0, "births agree", agrees=True)
    return _Finding(0.7, "births a year apart at most", agrees=True)


def _days(a: PartialDate | None, b: PartialDate | None, slack: int, what: str) -> _Finding | None:
    if a is None or b is None:
        return None
    if a.overlaps(b):
        if max(a.hi - a.lo, b.hi - b.lo) < DATE_SPAN:
            return _Finding(1.0, f"{what} dates agree", agrees=True)
        return _Finding(0.7, f"{what} dates agree, one of them vague")
    if max(a.lo - b.hi, b.lo - a.hi) <= slack:
        return _Finding(NEUTRAL, f"{what} dates at most {slack} days apart")
    return _Finding(0.0, f"{what} dates more than {slack} days apart")


def _facility(a: Person, b: Person) -> _Finding | None:
    if not a.facility or not b.facility:
        return None
    if fold(a.facility) == fold(b.facility):
        return _Finding(1.0, "the same facility", agrees=True)
    return _Finding(0.3, "different facilities: a transfer, or another person")


def _nationality(a: Person, b: Person) -> _Finding | None:
    if not a.nationalities or not b.nationalities:
        return None
    if a.nationalities & b.nationalities:
        return _Finding(1.0, "a nationality in common", agrees=True)
    return _Finding(0.0, "no nationality in common", conflict=True)


def _gender(a: Person, b: Person) -> _Finding | None:
    if not a.gender or not b.gender:
        return None
    return (
        _Finding(1.0, "the same gender")
        if a.gender == b.gender
        else _Finding(0.0, "not the same gender", conflict=True)
    )


def _country(a: Person, b: Person) -> _Finding | None:
    """Nearly every pair shares the country, so sharing it says nothing."""
    return _Finding(0.0, "held in different countries") if a.country and b.country and a.country != b.country else None


def _national_id(a: Person, b: Person) -> _Finding | None:
    if not a.national_id or not b.national_id:
        return None
    if a.national_id == b.national_id:
        return _Finding(1.0, "the same identification number", agrees=True)
    return _Finding(0.0, "different identification numbers", conflict=True)


_FEATURES: dict[str, Callable[[Person, Person], _Finding | None]] = {
    "birth": _birth,
    "released_on": lambda a, b: _days(a.released_on, b.released_on, RELEASE_SLACK, "release"),
    "detained_on": lambda a, b: _days(a.detained_on, b.detained_on, DETENTION_SLACK, "detention"),
    "facility": _facility,
    "nationality": _nationality,
    "gender": _gender,
    "country": _country,
    "national_id": _national_id,
}


# Features beside the name of which one must agree in a sure match of names, and in any sure match.
_SUPPORT = frozenset({"birth", "released_on", "detained_on", "facility"})
_TELLING = _SUPPORT | {"national_id"}

# Features of `_conflicts`, that of the least work first: nearly everybody who is looked at is somebody else.
_CAN_CONFLICT = ("gender", "nationality", "national_id", "birth", "released_on", "detained_on")


def _conflicts(findings: dict[str, _Finding]) -> tuple[str, ...]:
    """The features in conflict. Release dates apart and detention dates apart are two spells or two people: a curator
    decides. Either alone is no conflict: people are taken again, and honest sources date one arrest weeks apart."""
    ruled_out = [feature for feature, finding in findings.items() if finding.conflict]
    if all(feature in findings and findings[feature].score == 0 for feature in ("released_on", "detained_on")):
        ruled_out.append("dates")
    return tuple(ruled_out)


def _foreign(a: Person, b: Person) -> bool:
    """Whether both have a nationality other than that of the country of custody: few others share it."""
    return bool((a.nationalities & b.nationalities) - {a.country, b.country})


def _sure(
    a: Person, b: Person, name: Likeness | None, findings: dict[str, _Finding], conflicts: tuple[str, ...]
) -> bool:
    agrees = {feature for feature, finding in findings.items() if finding.agrees}
    if "national_id" in agrees:
        return (name is None or name.whole > 0) and not set(conflicts) - {"dates"}
    if conflicts:
        return False
    dated = agrees & {"released_on", "detained_on"}
    if name is None:
        return {"birth", "facility"} <= agrees and bool(dated) and _foreign(a, b) and "country" not in findings
    support = agrees & ({"birth"} if "country" in findings else _SUPPORT)
    # Two releases at different times are two spells, or two namesakes: that takes one more fact.
    two_releases = "released_on" in findings and findings["released_on"].score == 0
    return name.whole > 1 and name.score >= SAME and len(support) > two_releases


def _facts(a: Person, b: Person) -> dict[str, _Finding]:
    """The findings on what both sides state beside a name."""
    findings = {feature: find(a, b) for feature, find in _FEATURES.items()}
    return {feature: finding for feature, finding in findings.items() if finding is not None}


def contradicted(a: Person, b: Person) -> tuple[str, ...]:
    """The features beside the name that rule out that two are one person; `dates` where release and detention do."""
    return _conflicts(_facts(a, b))


def agree(a: Person, b: Person, feature: str) -> bool:
    """Whether both state a feature of `contradicted` and agree in it."""
    facts = _facts(a, b)
    stated = ("released_on", "detained_on") if feature == "dates" else (feature,)
    return all(name in facts and (facts[name].agrees or facts[name].score == 1) for name in stated)


def contradict(a: Person, b: Person) -> bool:
    """Whether features beside the name rule out that two are one person: then `compare` is not sure and, unless the
    names are identical, scores below REVIEW. Most half-namesakes end here, at a small part of the price."""
    if a.national_id and a.national_id == b.national_id:
        return False
    facts: dict[str, _Finding] = {}
    for feature in _CAN_CONFLICT:
        finding = _FEATURES[feature](a, b)
        if finding is not None and finding.conflict:
            return True
        if finding is not None:
            facts[feature] = finding
    return bool(_conflicts(facts))


def supported(a: Person, b: Person) -> bool:
    """Whether a feature beside the name supports that two are one person, and none rules it out, dates apart: where it
    is not so, `compare` is not sure."""
    agreeing = False
    for feature in (*_CAN_CONFLICT, "facility"):
        finding = _FEATURES[feature](a, b)
        if finding is not None and finding.conflict:
            return False
        agreeing = agreeing or (finding is not None and finding.agrees and feature in _TELLING)
    return agreeing


def compare(a: Person, b: Person) -> Match:
    """Weigh what both sides state; symmetric.

    Sure is one of three things, and never with a conflict: names from SAME on with two tokens in common, and
    a birth, release date, detention date or facility that agrees; one identification number, and names that
    share a word; or, where a name is missing, a birth, foreign nationality, facility and date that all agree.
    From REVIEW on, a pair that is not sure is worth a curator's look.
    """
    name = _best_name(a, b)
    of_name = _name(name)
    findings = _facts(a, b) if of_name is None else {"name": of_name, **_facts(a, b)}
    conflicts = _conflicts(findings)
    sure = _sure(a, b, name, findings, conflicts)

    score = sum(weight * (findings[key].score if key in findings else NEUTRAL) for key, weight in WEIGHTS.items())
    if "national_id" in findings:
        score = (score + ID_WEIGHT * findings["national_id"].score) / (1 + ID_WEIGHT)
    same_id = "national_id" in findings and findings["national_id"].agrees
    identical = name is not None and name.whole > 1 and name.score == 1
    # Without a name and an age, a place and a date fit a crowd; with another spelling, a conflict settles it.
    crowd = name is None and not ("birth" in findings and findings["birth"].agrees)
    if sure:
        score = max(score, SURE)
    elif same_id:
        score = max(score, REVIEW)
    elif crowd or (conflicts and not identical):
        score = min(score, BELOW_REVIEW)
    reasons = tuple(Reason(feature, round(finding.score, 4), finding.note) for feature, finding in findings.items())
    return Match(round(score, 4), sure, reasons, conflicts)


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
