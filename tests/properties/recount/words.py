"""One source's word on one detention: when the person was taken, seen inside and gone; by hand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from app.dates import PartialDate, parse_date
from app.projection import Statement
from tests.properties.recount.past import Person
from tests.properties.recount.saying import (
    End,
    Spell,
    day_of,
    days_held,
    days_inside,
    independent,
    last_word,
    said_of,
    speaks,
)

INSIDE, MAYBE, OUTSIDE = "inside", "maybe", "outside"
WORDS = ("verified", "reported", "disputed", "refuted", "retracted")


def newest(statements: Iterable[Statement], name: str) -> Any:
    """What a source says last under a name."""
    return next((a.content[name] for a in sorted(statements, key=lambda a: -a.revision) if name in a.content), None)


def own_word(statements: Sequence[Statement], name: str, empty: str | None = None) -> Any:
    """What a source says itself under a name, else what stood there where it pointed."""
    for path in (name, f"kept.{name.partition('.')[2]}"):
        said = newest([one for one in standing(statements) if one.content.get(path) != empty], path)
        if said is not None:
            return said
    return None


def standing(statements: Sequence[Statement]) -> list[Statement]:
    """What was not withdrawn; if all was, all of it."""
    return [one for one in statements if said_of(one) != "retracted"] or list(statements)


@dataclass
class Word:
    """One source's word on a detention."""

    spell: Spell
    person: Person
    slug: str
    statements: list[Statement]  # of the source, in this detention

    @cached_property
    def _about_detention(self) -> Statement | None:
        plain = [one for one in self.statements if "release.stage" not in one.content]
        return last_word(standing(plain)) if plain else None

    @cached_property
    def _about_release(self) -> Statement | None:
        return next((voice for voice in self.spell.voices if voice.source.slug == self.slug), None)

    def _said(self) -> list[tuple[str, bool]]:
        said = []
        if self._about_detention is not None:
            said.append((said_of(self._about_detention), independent(self._about_detention)))
        for one in (voice for heard in self.spell.heard.values() for voice in heard if voice.source.slug == self.slug):
            of_release = said_of(one)  # "he was not let out" is "he is in"
            held = "reported" if of_release in ("disputed", "refuted") else of_release
            said.append((held, independent(one)))
        return said

    @property
    def verdict(self) -> str:
        return min((verdict for verdict, _own in self._said()), key=WORDS.index)

    @property
    def independent(self) -> bool:
        return (self.verdict, True) in self._said()

    @property
    def heard(self) -> list[tuple[PartialDate, bool]]:
        """Days on which it looked, and found the person inside, and whether it looked itself."""
        looked = [
            one for one, held in ((self._about_detention, ("verified", "reported")),
                                  (self._about_release, ("disputed", "refuted")))
            if one is not None and said_of(one) in held
        ]  # fmt: skip
        return [(day, independent(one)) for one in looked if (day := day_of(one, "verification.verified_on"))]

    @property
    def inside(self) -> list[tuple[PartialDate, bool]]:
        return days_inside(standing(self.statements))

    def ends(self, *, house_arrest: bool) -> list["Ending"]:
        """When the person left, by its word."""
        died = self._died()
        voice = self._about_release
        if voice is not None and said_of(voice) in ("verified", "reported") and speaks(voice, "carried_out"):
            home = own_word([voice], "release.kind", "unspecified") == "house_arrest"
            if not (home and house_arrest):
                day = day_of(voice, "release.released_on") or day_of(voice, "kept.released_on")
                return [Ending(_told(day), home), *died]
        own = [one for one in standing(self.statements) if said_of(one) in ("verified", "reported")]
        other = newest(own, "detention.ended")
        if other is None:
            return died
        ended = Ending(_told(parse_date(other["on"]) if other.get("on") else None))
        return [sharpest(ended, *died)] if other["how"] == "died" else [ended, *died]

    def _died(self) -> list["Ending"]:
        if self.spell not in self.person.spells[self.person.last :]:
            return []
        everything = [a for spell in self.person.spells for a in spell.statements if a.source.slug == self.slug]
        day = newest([one for one in everything if said_of(one) != "retracted"], "detainee.died_on")
        return [Ending(_told(parse_date(day)))] if day else []

    @property
    def began(self) -> tuple[PartialDate | None, list[PartialDate]]:
        detained = own_word(self.statements, "detention.detained_on")
        standing_ones = standing(self.statements)
        said = [one for one in standing_ones if one.asserts_detention and "detention.held_on" in one.content]
        return (parse_date(detained) if detained else None), seen(said or standing_ones)

    @property
    def taken(self) -> PartialDate | None:
        """When the person was taken: by the first day at the latest on which it knew them inside."""
        detained, found_in = self.began
        by = [one.hi for one in found_in if detained and one.hi >= detained.lo]
        return detained and PartialDate("", detained.lo, min([detained.hi, *by]))


def _told(day: PartialDate | None) -> End:
    return End(day, [], checked=False, by=set())


def seen(statements: Iterable[Statement]) -> list[PartialDate]:
    return [day for day, _own in saw(statements)]


def saw(statements: Iterable[Statement]) -> list[tuple[PartialDate, bool]]:
    """The days on which somebody saw the person inside, each with whether they looked themselves."""
    return days_held([one for one in statements if one.asserts_detention])


@dataclass
class Ending:
    """An end, and whether it left the person under house arrest: seen held after that is held at home."""

    end: End
    home: bool = False

    def gone(self, day: int, seen: list[PartialDate], against: list[tuple[PartialDate, bool]]) -> bool | None:
        """Whether it had come before a day; None where that cannot be told. `seen`: days on which the person was held,
        that of the arrest first; `against`: those which may contradict it."""
        when = self.end.day
        # An interval of contradicting days begins no later for being seen inside after the first of them.
        last = min((one.hi for one in self.end.given if when and one.is_within(when)), default=when.hi if when else 0)
        inside = [one for one in (seen[:1] if self.home else seen) if when is None or one.lo <= last]
        if any(one.lo >= day for one in inside) or (when and when.lo >= day):
            return False
        if when is None:
            return None
        later = [one for one, checked in against if (checked or not self.end.checked) and one.lo > when.hi]
        if self.home or not later:
            return True if when.hi < day else None
        agreeing = [one for one in (*self.end.given, *self.end.told) if all(seen.lo <= one.hi for seen in later)]
        return True if any(one.hi < day for one in agreeing) else None


def sharpest(*endings: Ending) -> Ending:
    dated = [(one.end.day.hi - one.end.day.lo, one.end.day.hi, n) for n, one in enumerate(endings) if one.end.day]
    return endings[min(dated)[2]] if dated else endings[0]


def where(
    began: tuple[PartialDate | None, list[PartialDate]],
    endings: list[Ending],
    against: list[tuple[PartialDate, bool]],
    next_hi: int | None,
    day: int,
) -> str:
    """Whether somebody was inside on a day, from the beginning and all the ends that are told."""
    detained, found_in = began
    by = [one.hi for one in found_in if detained is None or one.hi >= detained.lo] + ([detained.hi] if detained else [])
    begun = bool(by) and min(by) <= day
    if next_hi is not None and next_hi <= day:
        return OUTSIDE
    # Who was arrested on no known day is taken for one who was arrested before all days.
    held = [detained or PartialDate("", 1, 1), *found_in]
    gone = [one.gone(day, held, against) for one in endings]
    if True in gone or (not begun and detained and detained.lo > day):
        return OUTSIDE
    return INSIDE if begun and not any(one is None for one in gone) else MAYBE
