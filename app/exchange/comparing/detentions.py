"""A detention as one side of a comparison reports it, and the contradictions between two sides (pure)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from app import dates
from app.dates import parse
from app.matching.align import Line
from app.matching.fold import PARTICLES, words
from app.matching.score import BIRTH_AGREES, Match, Person, birth_bounds
from app.registry import blocking
from app.registry.content import Content
from app.vocabulary import ReleaseKind
from app.wire.matching import AccountShape, ConflictShape, ReasonShape

# The shown fields of a detention and their paths in a report, in reading order: person, place and time, end.
FIELDS = {
    "name": "detainee.full_name",
    "birth": "detainee.birth_date",
    "age": "detainee.age",
    "gender": "detainee.gender",
    "nationalities": "detainee.nationalities",
    "country": "detention.country",
    "facility": "detention.facility",
    "detained_on": "detention.detained_on",
    "held_on": "detention.held_on",
    "stage": "release.stage",
    "announced_on": "release.announced_on",
    "ordered_on": "release.ordered_on",
    "released_on": "release.released_on",
    "kind": "release.kind",
}
# The contradiction of a sighting in custody with an earlier release; the code of `checks` too.
HELD_AFTER_RELEASE = "held_after_release"
# Facility as said, country → the text by which it is compared.
SamePlace = Callable[[str, str | None], str]
Account = TypeVar("Account", bound=AccountShape)
Shown = TypeVar("Shown", bound=AccountShape, covariant=True)


@dataclass(frozen=True, slots=True)
class ComparedDetention(Generic[Shown]):
    """A detention of one side. `shown`: its account, with its row number or ids."""

    shown: Shown
    line: Line

    @property
    def values(self) -> Mapping[str, Any]:
        """What is shown, by names that are not written out."""
        return self.shown

    @property
    def person(self) -> Person:
        return self.line.person


def with_account(place: Mapping[str, Any], content: Content) -> Any:
    """A shape of `wire.matching`, which one the place says: the place, and the account of a report's content."""
    return {**place, **{name: content.get(path) for name, path in FIELDS.items()}}


def of_content(
    content: Content, shown: Account, same_place: SamePlace | None = None, names: Content | None = None
) -> ComparedDetention[Account]:
    """The detention of a report's content. `names`: content by which the person is recognised, and which is not
    shown."""
    known = {**content, **(names or {})}
    if same_place is not None and "detention.facility" in known:
        known["detention.facility"] = same_place(known["detention.facility"], known.get("detention.country"))
    # Keys of the place as said too: so a registry may store it.
    keys = blocking.searched_keys(known) | blocking.searched_keys(content)
    return ComparedDetention(shown, Line(blocking.person_of(known), keys))


Compared = ComparedDetention[AccountShape]


def conflicts(mine: Compared, theirs: Compared) -> list[ConflictShape]:
    """`[{field, mine, theirs}]` of the contradictions. A coarser date that holds the other is none, nor a value of one
    side alone. HELD_AFTER_RELEASE has one side's day in custody, and the other side's day of release."""
    found = [name for name, contradict in _CONTRADICT.items() if contradict(mine, theirs)]
    told: list[ConflictShape] = [
        {"field": name, "mine": mine.values[name], "theirs": theirs.values[name]} for name in found
    ]
    if _held_after(mine, theirs):
        told.append(_of_both("held_on", "released_on", mine, theirs))
    if _held_after(theirs, mine):
        told.append(_of_both("released_on", "held_on", mine, theirs))
    return told


def _of_both(name: str, other: str, mine: Compared, theirs: Compared) -> ConflictShape:
    return {"field": HELD_AFTER_RELEASE, "mine": mine.values[name], "theirs": theirs.values[other]}


def _held_after(one: Compared, other: Compared) -> bool:
    """Whether one side's day in custody lies after the other side's release."""
    held, released = one.shown["held_on"], other.shown["released_on"]
    return bool(held and released and parse(held).lo > parse(released).hi)


def reasons_of(match: Match) -> list[ReasonShape]:
    """The reasons for and against one person, in words."""
    return [{"feature": one.feature, "score": round(one.score, 3), "note": one.note} for one in match.reasons]


Contradict = Callable[[Compared, Compared], bool]


def _days(name: str) -> Contradict:
    def contradict(mine: Compared, theirs: Compared) -> bool:
        one, other = mine.values[name], theirs.values[name]
        return bool(one and other and not parse(one).overlaps(parse(other)))

    return contradict


def _codes(name: str, vague: str | None = None) -> Contradict:
    def contradict(mine: Compared, theirs: Compared) -> bool:
        one, other = mine.values[name], theirs.values[name]
        return None not in (one, other) and one != other and vague not in (one, other)

    return contradict


def _births(mine: Compared, theirs: Compared) -> bool:
    return bool(mine.shown["birth"] and theirs.shown["birth"]) and _days("birth")(mine, theirs)


def _ages(mine: Compared, theirs: Compared) -> bool:
    """Whether births contradict where a side gives an age only: a year more or less does not."""
    one, other = birth_bounds(mine.person), birth_bounds(theirs.person)
    if one is None or other is None or (mine.shown["birth"] and theirs.shown["birth"]):
        return False
    apart = max(one[0] - other[1], other[0] - one[1])
    return apart > BIRTH_AGREES * dates.A_YEAR


def _places(mine: Compared, theirs: Compared) -> bool:
    """Whether places differ. "Helicoide" is "El Helicoide", and "El Rodeo" a vaguer "El Rodeo I"."""
    if not (mine.person.facility and theirs.person.facility):
        return False
    one, other = _telling(mine.person.facility), _telling(theirs.person.facility)
    return not (one <= other or other <= one)


def _telling(place: str) -> set[str]:
    """The words of a place without articles and prepositions, unless it has no others."""
    said = set(words(place))
    return said - PARTICLES or said


def _nations(mine: Compared, theirs: Compared) -> bool:
    one, other = mine.person.nationalities, theirs.person.nationalities
    return bool(one and other and not one & other)


_CONTRADICT: dict[str, Contradict] = {
    "birth": _births,
    "age": _ages,
    "gender": _codes("gender"),
    "nationalities": _nations,
    "country": _codes("country"),
    "facility": _places,
    **{name: _days(name) for name in ("detained_on", "announced_on", "ordered_on", "released_on")},
    "kind": _codes("kind", vague=ReleaseKind.UNSPECIFIED),
}
