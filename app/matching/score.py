"""Score how likely two reports are of one person, and explain why.

``compare_people`` weighs what both sides state and explains the result. ``is_sure`` is a rule, not a score: one false
link discredits a whole list, so the conditions of a link without a curator are explicit, and the score only ranks.
Notes contain no value of either side, because their reader may not be allowed to see the other report.

``judge_match`` also weighs the other sources of a known person, alike for a report, a search and a line of a list."""

from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from app.dates import DateError, PartialDate, compute_birth_bounds_from_age
from app.matching.names import (
    DIFFERENCE_KINDS,
    ONE_WORD_SCORE,
    SAME_NAME_SCORE,
    Likeness,
    compare_names,
    measure_similarity,
)
from app.matching.scripts import fold
from app.matching.words import parse_name

__all__ = [
    "REVIEW_SCORE",
    "SAME_NAME_SCORE",
    "Match",
    "Person",
    "Reason",
    "agree_on",
    "compare_people",
    "find_contradictions",
    "has_contradiction",
    "has_support",
    "measure_similarity",
]

# Identical names with contradicting births reach it (0.635), a lone "Roberto" twice does not (0.61).
REVIEW_SCORE = 0.62
# Texts of a note for the differences between names of one person.
DIFFERENCE_NOTES = {
    "spelling": "spelt differently",
    "script": "written in another script",
    "short form": "a short form",
    "initial": "an initial",
    "left out": "a word more on one side",
    "word breaks": "words written together",
}
BELOW_REVIEW_SCORE = 0.61  # score of a pair that does not need a curator's review
MIN_SURE_SCORE = 0.75  # minimum score of a sure match, above that of identical names with nothing else known

# The weights add up to 1. A feature that one side does not state counts as NEUTRAL_SCORE, neither for nor against.
WEIGHTS = {
    "name": 0.45,  # the only feature that nearly every report has
    "birth": 0.18,  # does not change, and is wrong by a year more often than by three
    "released_on": 0.12,  # known to the day, but shared by a whole wave
    "detained_on": 0.07,  # sources differ by weeks about the same arrest
    "facility": 0.07,  # hundreds share one, and people are moved
    "nationality": 0.05,  # significant only if it is foreign
    "gender": 0.03,  # half of all people share it; significant only if it differs
    "country": 0.03,  # likewise: nearly every compared pair shares it
}
ID_WEIGHT = 0.5  # added: an identification number outweighs any name
NEUTRAL_SCORE = 0.5

MAX_SPELLINGS = 6  # compared per person: each of one side with each of the other
AGREEING_BIRTH_YEARS = 1  # years: an age is often that of the next or the last birthday
CONFLICTING_BIRTH_YEARS = 2  # years: births further apart are of another person, a son or a father
MAX_BIRTH_SPAN_DAYS = 3 * 366  # days: an age stated for "2026" spans up to three years; a vaguer birth supports nothing
RELEASE_SLACK_DAYS = 3  # days: a release by night, the announcement and the family's account are this far apart
# days: arrest, presentation in court and first public report are all printed as "detained on"
DETENTION_SLACK_DAYS = 45
MAX_DATE_SPAN_DAYS = 31  # days: a month; half the list would fit a vaguer date


class Person(NamedTuple):
    """What one side states about a person. ``national_id``: a keyed digest. ``country``: the country of custody."""

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
    """A feature that both sides state: ``score`` from 0 (contradicts) to 1 (agrees), and a sentence without values."""

    feature: str
    score: float
    note: str


@dataclass(frozen=True, slots=True)
class Match:
    """The result of a comparison. ``score``: 0..1, for ranking. ``is_sure``: a link needs no curator. ``conflicts``:
    features that rule out one person."""

    score: float
    is_sure: bool
    reasons: tuple[Reason, ...]
    conflicts: tuple[str, ...]


class _Finding(NamedTuple):
    """A score and note, and whether the feature alone supports or rules out that two are one person."""

    score: float
    note: str
    agrees: bool = False
    is_conflict: bool = False


def _find_best_name(a: Person, b: Person) -> Likeness | None:
    """Return the most similar pair of spellings, pairs that share two words first; None if a side has no name."""
    left, right = (
        [text for text in (person.name or "", *person.aliases) if parse_name(text).words][:MAX_SPELLINGS]
        for person in (a, b)
    )
    pairs = (compare_names(spelling, other) for spelling in left for other in right)
    return max(
        pairs, key=lambda name: (name.whole_words > 1 and name.score >= SAME_NAME_SCORE, name.score), default=None
    )


def _judge_name(name: Likeness | None) -> _Finding | None:
    if name is None:
        return None
    if name.whole_words < 2:
        note = "at most one word in common" if name.whole_words else "no whole word in common"
        return _Finding(min(name.score, ONE_WORD_SCORE), note)
    if name.score >= SAME_NAME_SCORE:
        if not name.differences:
            return _Finding(name.score, "identical names")
        return _Finding(
            name.score,
            "the same name: "
            + ", ".join(DIFFERENCE_NOTES[kind] for kind in DIFFERENCE_KINDS if kind in name.differences),
        )
    return _Finding(name.score, "the names share words and differ in others")


def find_birth_bounds(person: Person) -> tuple[int, int] | None:
    """Return the possible days of birth, as stated or from the age on its day; an age without a day applies to the
    release."""
    if person.birth is not None:
        return person.birth.lo, person.birth.hi
    reference_date = person.age_on or person.released_on
    if person.age is None or reference_date is None:
        return None
    try:
        return compute_birth_bounds_from_age(person.age, reference_date)
    except DateError:  # an impossible age identifies nobody
        return None


def _judge_birth(a: Person, b: Person) -> _Finding | None:
    bounds_a, bounds_b = find_birth_bounds(a), find_birth_bounds(b)
    if bounds_a is None or bounds_b is None:
        return None
    (a_first, a_last), (b_first, b_last) = (
        tuple(date.fromordinal(day).year for day in bounds) for bounds in (bounds_a, bounds_b)
    )
    year_gap = max(0, a_first - b_last, b_first - a_last)
    if year_gap > CONFLICTING_BIRTH_YEARS:
        return _Finding(0.0, f"births more than {CONFLICTING_BIRTH_YEARS} years apart", is_conflict=True)
    if year_gap > AGREEING_BIRTH_YEARS:
        return _Finding(0.3, "births two years apart")
    if max(bounds_a[1] - bounds_a[0], bounds_b[1] - bounds_b[0]) > MAX_BIRTH_SPAN_DAYS:
        return _Finding(NEUTRAL_SCORE, "birth stated too vaguely to compare")
    # By years only: a score that distinguished days would disclose the day, which is never public, to a reader who
    # tries them.
    if year_gap == 0:
        return _Finding(1.0, "births agree", agrees=True)
    return _Finding(0.7, "births a year apart at most", agrees=True)


def _judge_dates(a: PartialDate | None, b: PartialDate | None, slack: int, event: str) -> _Finding | None:
    if a is None or b is None:
        return None
    if a.overlaps(b):
        if max(a.hi - a.lo, b.hi - b.lo) < MAX_DATE_SPAN_DAYS:
            return _Finding(1.0, f"{event} dates agree", agrees=True)
        return _Finding(0.7, f"{event} dates agree, one of them vague")
    if max(a.lo - b.hi, b.lo - a.hi) <= slack:
        return _Finding(NEUTRAL_SCORE, f"{event} dates at most {slack} days apart")
    return _Finding(0.0, f"{event} dates more than {slack} days apart")


def _judge_facility(a: Person, b: Person) -> _Finding | None:
    if not a.facility or not b.facility:
        return None
    if fold(a.facility) == fold(b.facility):
        return _Finding(1.0, "the same facility", agrees=True)
    return _Finding(0.3, "different facilities: a transfer, or another person")


def _judge_nationality(a: Person, b: Person) -> _Finding | None:
    if not a.nationalities or not b.nationalities:
        return None
    if a.nationalities & b.nationalities:
        return _Finding(1.0, "a nationality in common", agrees=True)
    return _Finding(0.0, "no nationality in common", is_conflict=True)


def _judge_gender(a: Person, b: Person) -> _Finding | None:
    if not a.gender or not b.gender:
        return None
    return (
        _Finding(1.0, "the same gender")
        if a.gender == b.gender
        else _Finding(0.0, "not the same gender", is_conflict=True)
    )


def _judge_country(a: Person, b: Person) -> _Finding | None:
    """Return a finding only if the countries differ: nearly every pair shares the country."""
    return _Finding(0.0, "held in different countries") if a.country and b.country and a.country != b.country else None


def _judge_national_id(a: Person, b: Person) -> _Finding | None:
    if not a.national_id or not b.national_id:
        return None
    if a.national_id == b.national_id:
        return _Finding(1.0, "the same identification number", agrees=True)
    return _Finding(0.0, "different identification numbers", is_conflict=True)


_FEATURE_JUDGES: dict[str, Callable[[Person, Person], _Finding | None]] = {
    "birth": _judge_birth,
    "released_on": lambda a, b: _judge_dates(a.released_on, b.released_on, RELEASE_SLACK_DAYS, "release"),
    "detained_on": lambda a, b: _judge_dates(a.detained_on, b.detained_on, DETENTION_SLACK_DAYS, "detention"),
    "facility": _judge_facility,
    "nationality": _judge_nationality,
    "gender": _judge_gender,
    "country": _judge_country,
    "national_id": _judge_national_id,
}


# Features other than the name: a sure match of names requires one of the first set, any sure match one of the second.
_SUPPORTING_FEATURES = frozenset({"birth", "released_on", "detained_on", "facility"})
_IDENTIFYING_FEATURES = _SUPPORTING_FEATURES | {"national_id"}

# Features of `_find_conflicts`, the cheapest first: nearly every compared person is somebody else.
_CONFLICT_FEATURES = ("gender", "nationality", "national_id", "birth", "released_on", "detained_on")


def _find_conflicts(findings: dict[str, _Finding]) -> tuple[str, ...]:
    """Return the features in conflict.

    Release dates apart together with detention dates apart mean two spells or two people: a curator decides. Either
    alone is no conflict: people are detained again, and honest sources date one arrest weeks apart."""
    conflicts = [feature for feature, finding in findings.items() if finding.is_conflict]
    if all(feature in findings and findings[feature].score == 0 for feature in ("released_on", "detained_on")):
        conflicts.append("dates")
    return tuple(conflicts)


def _share_foreign_nationality(a: Person, b: Person) -> bool:
    """Return whether both have a nationality other than that of the country of custody; few others share it."""
    return bool((a.nationalities & b.nationalities) - {a.country, b.country})


def _is_sure_match(
    a: Person, b: Person, name: Likeness | None, findings: dict[str, _Finding], conflicts: tuple[str, ...]
) -> bool:
    agreeing = {feature for feature, finding in findings.items() if finding.agrees}
    if "national_id" in agreeing:
        return (name is None or name.whole_words > 0) and not set(conflicts) - {"dates"}
    if conflicts:
        return False
    agreeing_dates = agreeing & {"released_on", "detained_on"}
    if name is None:
        return (
            {"birth", "facility"} <= agreeing
            and bool(agreeing_dates)
            and _share_foreign_nationality(a, b)
            and "country" not in findings
        )
    support = agreeing & ({"birth"} if "country" in findings else _SUPPORTING_FEATURES)
    # Two releases at different times are two spells or two namesakes, so they require one more agreeing fact.
    has_two_releases = "released_on" in findings and findings["released_on"].score == 0
    return name.whole_words > 1 and name.score >= SAME_NAME_SCORE and len(support) > has_two_releases


def _judge_features(a: Person, b: Person) -> dict[str, _Finding]:
    """Return the findings on the features other than the name that both sides state."""
    findings = {feature: judge(a, b) for feature, judge in _FEATURE_JUDGES.items()}
    return {feature: finding for feature, finding in findings.items() if finding is not None}


def find_contradictions(a: Person, b: Person) -> tuple[str, ...]:
    """Return the features other than the name that rule out one person; `dates` if release and detention together
    do."""
    return _find_conflicts(_judge_features(a, b))


def agree_on(a: Person, b: Person, feature: str) -> bool:
    """Return whether both state a feature of `find_contradictions` and agree on it."""
    findings = _judge_features(a, b)
    features = ("released_on", "detained_on") if feature == "dates" else (feature,)
    return all(name in findings and (findings[name].agrees or findings[name].score == 1) for name in features)


def has_contradiction(a: Person, b: Person) -> bool:
    """Return whether features other than the name rule out one person.

    Then `compare_people` is not sure and, unless the names are identical, scores below REVIEW_SCORE. Most partial
    namesakes are rejected here at low cost."""
    if a.national_id and a.national_id == b.national_id:
        return False
    findings: dict[str, _Finding] = {}
    for feature in _CONFLICT_FEATURES:
        finding = _FEATURE_JUDGES[feature](a, b)
        if finding is not None and finding.is_conflict:
            return True
        if finding is not None:
            findings[feature] = finding
    return bool(_find_conflicts(findings))


def has_support(a: Person, b: Person) -> bool:
    """Return whether a feature other than the name supports one person and none (except dates) rules it out. Otherwise
    `compare_people` is not sure."""
    agreeing = False
    for feature in (*_CONFLICT_FEATURES, "facility"):
        finding = _FEATURE_JUDGES[feature](a, b)
        if finding is not None and finding.is_conflict:
            return False
        agreeing = agreeing or (finding is not None and finding.agrees and feature in _IDENTIFYING_FEATURES)
    return agreeing


def compare_people(a: Person, b: Person) -> Match:
    """Weigh what both sides state; symmetric.

    A match is sure in three cases, and never with a conflict: names from SAME_NAME_SCORE on that share two words, and
    an agreeing birth, release date, detention date or facility; one identification number, and names that share a word;
    or, if a name is missing, a birth, foreign nationality, facility and date that all agree. From REVIEW_SCORE on, a
    pair that is not sure needs a curator's review."""
    name = _find_best_name(a, b)
    name_finding = _judge_name(name)
    findings = _judge_features(a, b) if name_finding is None else {"name": name_finding, **_judge_features(a, b)}
    conflicts = _find_conflicts(findings)
    is_sure = _is_sure_match(a, b, name, findings, conflicts)

    score = sum(weight * (findings[key].score if key in findings else NEUTRAL_SCORE) for key, weight in WEIGHTS.items())
    if "national_id" in findings:
        score = (score + ID_WEIGHT * findings["national_id"].score) / (1 + ID_WEIGHT)
    has_same_id = "national_id" in findings and findings["national_id"].agrees
    is_identical = name is not None and name.whole_words > 1 and name.score == 1
    # Without a name and a birth, a place and a date fit many people; with different spellings, a conflict decides.
    is_ambiguous = name is None and not ("birth" in findings and findings["birth"].agrees)
    if is_sure:
        score = max(score, MIN_SURE_SCORE)
    elif has_same_id:
        score = max(score, REVIEW_SCORE)
    elif is_ambiguous or (conflicts and not is_identical):
        score = min(score, BELOW_REVIEW_SCORE)
    reasons = tuple(Reason(feature, round(finding.score, 4), finding.note) for feature, finding in findings.items())
    return Match(round(score, 4), is_sure, reasons, conflicts)


@dataclass(frozen=True, slots=True)
class Witness:
    """One source's report of a person.

    `is_first_hand`: the report is first-hand, of an independent source and not withdrawn; a source that repeats a fact
    is no second witness of it."""

    source: Hashable
    is_first_hand: bool
    person: Person


@dataclass(frozen=True, slots=True)
class WeighingResult:
    """The indexes of the contradicting witnesses, and of the witnesses that outweigh them."""

    outweighed_indexes: tuple[int, ...] = ()
    outweighing_indexes: tuple[int, ...] = ()


def weigh_witnesses(person: Person, witnesses: Sequence[Witness]) -> WeighingResult | None:
    """Weigh the witnesses of a known person against `person`; None if they rule `person` out.

    One contradicting source does so, unless two other sources state every contradicted field as `person` has it and
    agree with each other. Two contradicting sources are never outweighed."""
    comparisons = [(place, find_contradictions(person, witness.person)) for place, witness in enumerate(witnesses)]
    contradicting = [(place, fields) for place, fields in comparisons if fields]
    if not contradicting:
        return WeighingResult()
    sources = {witnesses[place].source for place, _fields in contradicting}
    contested_fields = {field for _place, fields in contradicting for field in fields}
    agreeing = _find_agreeing(person, contested_fields, sources, witnesses)
    if len(sources) > 1 or not agreeing:
        return None
    return WeighingResult(tuple(place for place, _fields in contradicting), tuple(agreeing))


def judge_match(person: Person, match: Match, witnesses: Sequence[Witness]) -> Match:
    """Return the match after weighing all witnesses; it is sure exactly if a report would be linked.

    It is never sure against a source that is not outweighed; if one is outweighed, an outweighing witness must match
    surely."""
    if not match.is_sure and not match.conflicts:
        return match
    result = weigh_witnesses(person, witnesses)
    if result is None:
        return replace(match, is_sure=False)
    if not result.outweighed_indexes:
        return match
    matches = [compare_people(person, witnesses[place].person) for place in result.outweighing_indexes]
    best = max(matches, key=lambda candidate: (candidate.is_sure, candidate.score))
    return best if best.is_sure else replace(match, is_sure=False)


def _find_agreeing(
    person: Person, fields: Collection[str], excluded_sources: Collection[Hashable], witnesses: Sequence[Witness]
) -> list[int]:
    """Return the witnesses of other sources than `excluded_sources` that state all `fields` as `person` has them and
    agree with a witness of another source."""

    def agree_on_fields(a: Person, b: Person) -> bool:
        return all(agree_on(a, b, field) for field in fields)

    stating = [
        (place, witness)
        for place, witness in enumerate(witnesses)
        if witness.is_first_hand and witness.source not in excluded_sources and agree_on_fields(person, witness.person)
    ]
    return [
        place
        for place, witness in stating
        if any(
            witness.source != other.source and agree_on_fields(witness.person, other.person)
            for _place, other in stating
        )
    ]
