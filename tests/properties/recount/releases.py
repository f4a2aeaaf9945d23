"""Counts by hand: the releases of a `Past`, one by one, against the terms. The shape is that of the registry's."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from app.dates import PartialDate, parse_window_end, parse_window_start
from app.projection import Statement
from app.queries.terms import DIMENSIONS, CountTerms, is_personal
from app.registry.publication.permissions import Reader
from tests.buckets import bucket
from tests.model.windows import WindowPosition, find_window_position
from tests.properties.recount import personal
from tests.properties.recount.past import Past, Person, strictest
from tests.properties.recount.saying import (
    COUNTING,
    DATES,
    ReleaseAtStage,
    Spell,
    by_its_word,
    day_of,
    independent,
    kept_under,
    said_of,
)
from tests.properties.recount.words import Word, own_word

Row = dict[str, Any]
ONE_SOURCE = ("verified", "reported", "disputed", "refuted", "retracted")


@dataclass
class Release:
    """A release as one counts it: the consolidated values, or those of one source (`voice`)."""

    person: Person
    today: str
    spell: Spell
    stage: str
    at: ReleaseAtStage
    voice: Statement | None = None

    @property
    def day(self) -> PartialDate | None:
        if self.voice is None:
            return self.at.day
        return day_of(self.voice, DATES[self.stage]) or day_of(self.voice, kept_under(DATES[self.stage]))

    @property
    def detained(self) -> PartialDate | None:
        if self.voice is None:
            return self.spell.detained
        return Word(self.spell, self.person, self.voice.source.slug, self.own).taken

    @property
    def own(self) -> list[Statement]:
        """The accounts of the source whose row it is."""
        return [one for one in self.spell.statements if self.voice and one.source == self.voice.source]

    @property
    def kind(self) -> str:
        if self.voice is None:
            return self.at.kind
        return str(own_word([self.voice], "release.kind", "unspecified") or "unspecified")

    @property
    def country(self) -> str | None:
        return own_word(self.own, "detention.country") if self.voice else self.spell.country

    @property
    def designation(self) -> str:
        if self.voice is None:
            return self.spell.designation
        return str(own_word(self.own, "detainee.designation", "unstated") or "unstated")

    @property
    def traits(self) -> set[tuple[str, str]]:
        """The personal dimensions; where it is one source's row, the place is where that source says."""
        if self.voice is None:
            return self.spell.traits
        return by_its_word(self.spell, self.voice.source.slug)

    @property
    def next_hi(self) -> int | None:
        return self.spell.next_of.get(self.voice.source.slug) if self.voice else self.spell.next_hi

    @property
    def identity(self) -> tuple[int, ...]:
        return tuple(sorted(statement.record for statement in self.spell.statements))

    @property
    def _verifying(self) -> list[Statement]:
        return [one for one in self.spell.heard[self.stage] if said_of(one) == "verified"]

    def verified_by(self) -> set[str]:
        return {voice.source.slug for voice in self._verifying}

    def confirmed_by(self) -> set[str]:
        """The independent sources that verified it, as nobody's copies."""
        return {voice.source.slug for voice in self._verifying if independent(voice)}

    def confirmed_by_others(self) -> bool:
        """Whether a source that is not the one whose row it is verified it, and copied nobody."""
        return any(independent(one) for one in self._verifying if self.voice and one.source != self.voice.source)


def recount(past: Past, today: Past, terms: CountTerms, reader: Reader) -> Row:
    """The count of the terms at the revision of `past`, seen by `reader` under the permissions of `today`."""
    chosen = [one for one in _releases(past, today, terms) if _matches(one, terms, reader)]
    inside = [one for one in chosen if _place(one, terms) is WindowPosition.INSIDE]
    doubtful = [one for one in chosen if _place(one, terms) is WindowPosition.UNCERTAIN]
    counted = [one for one in inside if one.at.status in COUNTING]
    withheld = {one.person.records for one in counted if one.person.publish == "counted"}
    answer: Row = {
        "total": _totals(inside),
        "uncertain_date": sum(1 for one in doubtful if one.at.status in COUNTING),
        "unresolved_duplicates": past.unresolved({one.person.records for one in counted}),
        "withheld": len(withheld),
    }
    if terms.group_by:
        answer["groups"] = _groups(past, today, terms, reader)
    if is_personal(terms):
        others = [one for one in _releases(past, today, terms) if _matches(one, terms.drop_personal(), reader)]
        counted = [one for one in others if _place(one, terms) is WindowPosition.INSIDE and one.at.status in COUNTING]
        unseen = [one for one in counted if personal.not_visible(one.traits, one.today, terms, reader)]
        answer["not_visible"] = len(unseen)
    return answer


def _releases(past: Past, today: Past, terms: CountTerms) -> Iterator[Release]:
    for person in past.people:
        publish = strictest(today.class_of(record) for record in person.records)
        for spell in person.spells:
            if terms.stage not in spell.stages:
                continue
            release = Release(person, publish, spell, terms.stage, spell.stages[terms.stage])
            if terms.source is None:
                yield release
            for voice in spell.heard[terms.stage]:
                if terms.source == voice.source.slug and said_of(voice) in ("verified", "reported"):
                    yield Release(person, publish, spell, terms.stage, release.at, voice)


def _of_sources(past: Past, today: Past, terms: CountTerms, reader: Reader) -> Iterator[Release]:
    """Each release once for each source that speaks of it at the stage."""
    for one in _releases(past, today, terms.model_copy(update={"source": None})):
        for voice in one.spell.heard[one.stage]:
            if terms.source in (None, voice.source.slug):
                own = Release(one.person, one.today, one.spell, one.stage, one.at, voice)
                if _matches(own, terms, reader):
                    yield own


def _matches(one: Release, terms: CountTerms, reader: Reader) -> bool:
    verified = one.verified_by()
    asked: list[tuple[Any, Any]] = [
        (terms.country, one.country),
        (terms.designation, one.designation),
        (terms.state, one.person.state),
        (terms.rearrested, one.person.rearrested),
        (terms.sources, one.at.independent),
    ]
    return (
        all(wanted is None or wanted == found for wanted, found in asked)
        and (not terms.kind or one.kind in terms.kind)
        and (not terms.status or one.at.status in terms.status)
        and (not terms.any_of or bool(verified & set(terms.any_of)))
        and {*terms.all_of, *terms.verified_by} <= verified
        and one.at.independent >= (terms.min_sources or 0)
        and personal.matches(one.traits, one.today, terms, reader)
        and not (terms.net and _taken_again(one, terms))
    )


def _taken_again(one: Release, terms: CountTerms) -> bool:
    end = None if terms.released_to is None else parse_window_end(terms.released_to)
    return one.next_hi is not None and (end is None or one.next_hi <= end)


def _in(day: PartialDate | None, start: str | None, end: str | None) -> WindowPosition:
    return find_window_position(day, start and parse_window_start(start), end and parse_window_end(end))  # type: ignore[arg-type]


def _place(one: Release, terms: CountTerms) -> WindowPosition:
    """Inside both windows, outside of one, or neither for sure."""
    released = _in(one.day, terms.released_from, terms.released_to)
    detained = _in(one.detained, terms.detained_from, terms.detained_to)
    if released is detained is WindowPosition.INSIDE:
        return WindowPosition.INSIDE
    return WindowPosition.OUTSIDE if WindowPosition.OUTSIDE in (released, detained) else WindowPosition.UNCERTAIN


def _totals(inside: Sequence[Release]) -> Row:
    by_status = {status: _spells(one for one in inside if one.at.status == status) for status in (*COUNTING, "refuted")}
    counted = [one for one in inside if one.at.status in COUNTING]
    most = max((one.at.independent for one in counted), default=0)
    at_least = {str(k): _spells(one for one in counted if one.at.independent >= k) for k in range(1, most + 1)}
    people = {one.person.records for one in counted}
    apart = _spells(one for one in counted if one.person.publish == "counted")
    numbers = {"releases": _spells(counted), "people": len(people), **by_status, "by_min_sources": at_least}
    return {**numbers, "counted_apart": apart}


def _spells(found: Any) -> int:
    return len({one.identity for one in found})


def _groups(past: Past, today: Past, terms: CountTerms, reader: Reader) -> list[Row]:
    by_source = "source" in terms.group_by
    matching = (one for one in _releases(past, today, terms) if _matches(one, terms, reader))
    chosen = list(_of_sources(past, today, terms, reader) if by_source else matching)
    keyed: dict[tuple[Any, ...], list[Release]] = {}
    for one in chosen:
        if by_source or (_place(one, terms) is WindowPosition.INSIDE and one.at.status is not None):
            for key in product(*(_values(one, name, reader) for name in terms.group_by)):
                keyed.setdefault(key, []).append(one)
    number: Callable[[list[Release], CountTerms], Row | None] = _of_source if by_source else _of_all
    rows = [(key, number(found, terms)) for key, found in keyed.items()]
    return [{**dict(zip(terms.group_by, key, strict=True)), **row} for key, row in rows if row is not None]


def _of_all(found: list[Release], _terms: CountTerms) -> Row:
    return _totals(found)


def _of_source(found: list[Release], terms: CountTerms) -> Row | None:
    inside = [one for one in found if _place(one, terms) is WindowPosition.INSIDE]
    said = {verdict: [one for one in inside if one.voice and said_of(one.voice) == verdict] for verdict in ONE_SOURCE}
    doubtful = [
        one
        for one in found
        if _place(one, terms) is WindowPosition.UNCERTAIN
        and one.voice
        and said_of(one.voice) in ("verified", "reported")
    ]
    if not inside and not doubtful:
        return None
    verified = said["verified"]
    return {
        **{verdict: _spells(those) for verdict, those in said.items()},
        "uncertain_date": _spells(doubtful),
        "only_this_source": _spells(one for one in verified if not one.confirmed_by_others()),
        "people": len({one.person.records for one in verified}),
    }


def _values(one: Release, name: str, reader: Reader) -> list[Any]:
    """The values of a dimension for one release: several only where a person has several."""
    if DIMENSIONS[name].is_personal:
        if not reader.can_see_trait(one.today, name):
            return ["withheld"]
        return sorted(value for trait, value in one.traits if trait == name) or [None]
    if of_day := DIMENSIONS[name].event_and_unit:
        return [bucket({"released": one.day, "detained": one.detained}[of_day[0]], of_day[1])]
    plain = {
        "source": one.voice and one.voice.source.slug,
        "status": one.at.status,
        "kind": one.kind,
        "country": one.country,
        "designation": one.designation,
        "sources": one.at.independent,
    }
    return [plain[name]]
