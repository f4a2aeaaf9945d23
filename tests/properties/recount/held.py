"""The held by hand: who was inside on a day, one detention and one source after the other."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

from app.dates import PartialDate, parse_window_end, parse_window_start
from app.queries.terms import DIMENSIONS, HeldCountTerms, is_personal
from app.registry.publication.permissions import Reader
from tests.buckets import bucket
from tests.model.windows import WindowPosition, find_window_position
from tests.properties.recount import personal
from tests.properties.recount.past import Past, Person, strictest
from tests.properties.recount.saying import COUNTING, Spell, by_its_word, checked
from tests.properties.recount.words import (
    INSIDE,
    MAYBE,
    OUTSIDE,
    WORDS,
    Ending,
    Word,
    own_word,
    saw,
    seen,
    sharpest,
    where,
)

Row = dict[str, Any]
SILENCE = 180


@dataclass
class Detention:
    """A detention as one counts it: as all say, or as one source does (`word`)."""

    person: Person
    today: str
    spell: Spell
    words: list[Word]
    word: Word | None = None

    @cached_property
    def status(self) -> str | None:
        checked = {word.verdict for word in self.words if word.independent}
        denied = checked & {"refuted", "disputed"}
        if "verified" in checked:
            return "contested" if denied else "verified"
        if denied:
            return "refuted" if "refuted" in denied else "contested"
        said = {word.verdict for word in self.words}
        if said & {"reported", "verified"}:
            return "reported"
        return "retracted" if said == {"retracted"} else None

    @property
    def sources(self) -> int:
        confirmed = [word for word in self.words if word.independent and word.verdict == "verified"]
        return len(confirmed) if self.status in COUNTING else 0

    @property
    def verified_by(self) -> set[str]:
        return {word.slug for word in self.words if word.verdict == "verified"}

    @property
    def country(self) -> str | None:
        return own_word(self.word.statements, "detention.country") if self.word else self.spell.country

    @property
    def designation(self) -> str:
        if self.word is None:
            return self.spell.designation
        return str(own_word(self.word.statements, "detainee.designation", "unstated") or "unstated")

    @property
    def detained(self) -> PartialDate | None:
        return self.word.taken if self.word else self.spell.detained

    @property
    def traits(self) -> set[tuple[str, str]]:
        return by_its_word(self.spell, self.word.slug) if self.word else self.spell.traits

    def confirmed_by_others(self) -> bool:
        """Whether a source that is not the one whose row it is verified it, and copied nobody."""
        others = [one for one in self.words if self.word and one.slug != self.word.slug]
        return any(one.independent and one.verdict == "verified" for one in others)

    def _ends(self, *, house_arrest: bool) -> list[Ending]:
        spell, died = self.spell, []
        if spell in self.person.spells[self.person.last :] and self.person.state == "died" and self.person.death:
            died = [Ending(self.person.death)]
        if spell.out and spell.left:
            home = spell.stages["carried_out"].kind == "house_arrest"
            if not (home and house_arrest):
                return [Ending(spell.left, home), *died]
        if spell.ended is None:
            return died
        return [sharpest(Ending(spell.ended), *died)] if spell.ended_how == "died" else [Ending(spell.ended), *died]

    def place(self, terms: HeldCountTerms) -> str:
        """Where it is: held on the day asked for, and taken within the days asked for."""
        start = terms.detained_from and parse_window_start(terms.detained_from)
        taken = find_window_position(self.detained, start, None)  # type: ignore[arg-type]
        held = self._held(terms)
        if held == OUTSIDE or taken is WindowPosition.OUTSIDE:
            return OUTSIDE
        return held if taken is WindowPosition.INSIDE else MAYBE

    def _held(self, terms: HeldCountTerms) -> str:
        day = parse_window_end(str(terms.held_on))
        if self.word:
            ends = self.word.ends(house_arrest=terms.house_arrest)
            return where(self.word.began, ends, self.word.inside, self.spell.next_of.get(self.word.slug), day)
        began = self.spell.detained, seen(checked(self.spell.asserting))
        return where(began, self._ends(house_arrest=terms.house_arrest), self.spell.inside, self.spell.next_hi, day)

    def silent(self, terms: HeldCountTerms) -> bool:
        holding = checked(self.spell.asserting)
        known = [*saw(holding), *(day for word in self.words for day in word.heard)]
        told = [self.spell.detained, *([day for day, own in known if own] or [day for day, _own in known])]
        ends = [self.spell.left if self.spell.out else None, self.spell.ended if _counts(self.spell) else None]
        told += [end.day for end in ends if end]
        last = max((day.hi for day in told if day), default=None)
        return last is not None and last < parse_window_end(str(terms.held_on)) - SILENCE


def _counts(spell: Spell) -> bool:
    """Whether an end other than a release says something: not where a release to freedom came of it."""
    return not spell.out or spell.stages["carried_out"].kind == "house_arrest"


def recount_held(past: Past, today: Past, terms: HeldCountTerms, reader: Reader) -> Row:
    """The count of the held at the revision of `past`, seen by `reader` under the permissions of `today`."""
    chosen = [one for one in _detentions(past, today, terms) if _matches(one, terms, reader)]
    inside = [one for one in chosen if one.place(terms) == INSIDE]
    counted = [one for one in inside if one.status in COUNTING]
    answer: Row = {
        "total": _totals(inside),
        "uncertain_date": sum(1 for one in chosen if one.place(terms) == MAYBE and one.status in COUNTING),
        "unresolved_duplicates": past.unresolved({one.person.records for one in counted}),
        "withheld": len({one.person.records for one in counted if one.person.publish == "counted"}),
        "not_heard_since": sum(1 for one in counted if one.silent(terms)),
    }
    if terms.group_by:
        answer["groups"] = _groups(past, today, terms, reader)
    if is_personal(terms):
        others = [one for one in _detentions(past, today, terms) if _matches(one, terms.drop_personal(), reader)]
        counted = [one for one in others if one.place(terms) == INSIDE and one.status in COUNTING]
        unseen = [one for one in counted if personal.not_visible(one.traits, one.today, terms, reader)]
        answer["not_visible"] = len(unseen)
    return answer


def _all(past: Past, today: Past) -> Iterator[Detention]:
    for person in past.people:
        publish = strictest(today.class_of(record) for record in person.records)
        for spell in person.spells:
            slugs = sorted({one.source.slug for one in spell.statements})
            of = {slug: [one for one in spell.statements if one.source.slug == slug] for slug in slugs}
            yield Detention(person, publish, spell, [Word(spell, person, slug, of[slug]) for slug in slugs])


def _of_sources(past: Past, today: Past, terms: HeldCountTerms) -> Iterator[Detention]:
    for one in _all(past, today):
        for word in one.words:
            if terms.source in (None, word.slug):
                yield Detention(one.person, one.today, one.spell, one.words, word)


def _detentions(past: Past, today: Past, terms: HeldCountTerms) -> Iterator[Detention]:
    if terms.source is None:
        yield from _all(past, today)
    else:
        said = _of_sources(past, today, terms)
        yield from (one for one in said if one.word and one.word.verdict in ("verified", "reported"))


def _matches(one: Detention, terms: HeldCountTerms, reader: Reader) -> bool:
    asked: list[tuple[Any, Any]] = [
        (terms.country, one.country),
        (terms.designation, one.designation),
        (terms.state, one.person.state),
        (terms.rearrested, one.person.rearrested),
        (terms.sources, one.sources),
    ]
    return (
        all(wanted is None or wanted == found for wanted, found in asked)
        and (not terms.status or one.status in terms.status)
        and (not terms.any_of or bool(one.verified_by & set(terms.any_of)))
        and {*terms.all_of, *terms.verified_by} <= one.verified_by
        and one.sources >= (terms.min_sources or 0)
        and personal.matches(one.traits, one.today, terms, reader)
    )


def _number(found: Iterable[Detention]) -> int:
    return len({tuple(sorted(statement.record for statement in one.spell.statements)) for one in found})


def _people(found: Iterable[Detention]) -> int:
    return len({one.person.records for one in found})


def _totals(inside: Sequence[Detention]) -> Row:
    by_status = {status: _number(one for one in inside if one.status == status) for status in (*COUNTING, "refuted")}
    counted = [one for one in inside if one.status in COUNTING]
    most = max((one.sources for one in counted), default=0)
    at_least = {str(k): _number(one for one in counted if one.sources >= k) for k in range(1, most + 1)}
    apart = _number(one for one in counted if one.person.publish == "counted")
    numbers = {"detentions": _number(counted), "people": _people(counted), **by_status, "by_min_sources": at_least}
    return {**numbers, "counted_apart": apart}


def _groups(past: Past, today: Past, terms: HeldCountTerms, reader: Reader) -> list[Row]:
    by_source = "source" in terms.group_by
    told = _of_sources(past, today, terms) if by_source else _detentions(past, today, terms)
    keyed: dict[tuple[Any, ...], list[Detention]] = {}
    for one in told:
        counted = one.status is not None and one.place(terms) == INSIDE
        if _matches(one, terms, reader) and (by_source or counted):
            for key in product(*(_values(one, name, reader) for name in terms.group_by)):
                keyed.setdefault(key, []).append(one)
    number: Callable[[list[Detention], HeldCountTerms], Row | None] = _of_source if by_source else _of_all
    rows = [(key, number(found, terms)) for key, found in keyed.items()]
    return [{**dict(zip(terms.group_by, key, strict=True)), **row} for key, row in rows if row is not None]


def _of_all(found: list[Detention], _terms: HeldCountTerms) -> Row:
    return _totals(found)


def _of_source(found: list[Detention], terms: HeldCountTerms) -> Row | None:
    by_word: dict[str, list[Detention]] = {word: [] for word in WORDS}
    doubtful = []
    for one in found:
        place, verdict = one.place(terms), one.word.verdict if one.word else ""
        if place == INSIDE:
            by_word[verdict].append(one)
        elif place == MAYBE and verdict in ("verified", "reported"):
            doubtful.append(one)
    if not doubtful and not any(by_word.values()):
        return None
    verified = by_word["verified"]
    return {
        **{word: _number(those) for word, those in by_word.items()},
        "uncertain_date": _number(doubtful),
        "only_this_source": _number(one for one in verified if not one.confirmed_by_others()),
        "people": _people(verified),
    }


def _values(one: Detention, name: str, reader: Reader) -> list[Any]:
    if DIMENSIONS[name].is_personal:
        if not reader.can_see_trait(one.today, name):
            return ["withheld"]
        return sorted(value for trait, value in one.traits if trait == name) or [None]
    if of_day := DIMENSIONS[name].event_and_unit:
        return [bucket(one.detained, of_day[1])]
    plain = {
        "source": one.word and one.word.slug,
        "status": one.status,
        "country": one.country,
        "designation": one.designation,
        "sources": one.sources,
    }
    return [plain[name]]
