"""What the page of a citation shows, made of the API's answer (pure)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.counts.difference import WORDS
from app.queries.countables import countable_counted
from app.web.catalogue import Catalogue
from app.web.told import Told

MOST_ROWS = 200  # of groups: more are read in the file
SHOWN = 8  # cases beneath the figure; the others stand behind a summary
LEAST = (1, 2, 3)  # by how many independent sources at least
# Changes that bring something into a count.
GAINED = ("newly_verified", "newly_contested", "newly_reported", "separated", "moved_in")


@dataclass(frozen=True)
class Case:
    """A release or a detention that came, went or is said otherwise. `record`: None where no list shows it any more, or
    where the answer that was asked for does not hold it."""

    change: str
    told: str
    path: str
    record: Mapping[str, Any] | None


@dataclass(frozen=True)
class Cited:
    """A count as it was cited and as it is known at the page's revision."""

    noun: str
    then: Mapping[str, Any]
    now: Mapping[str, Any]
    number_then: int
    number_now: int
    added: int
    removed: int
    changes: Sequence[tuple[str, int]]
    cases: Sequence[Case]
    unlisted: int
    left_out: int

    @property
    def kept(self) -> int:
        """What counted then and still counts."""
        return self.number_then - self.removed

    @property
    def gains(self) -> list[tuple[str, int]]:
        """What was added, by how it came in; nothing where an answer does not part what came from what changed."""
        gains = [(change, number) for change, number in self.changes if change in GAINED]
        return gains if sum(number for _change, number in gains) == self.added else []

    @property
    def stands_as_file(self) -> bool:
        """Whether its figure is a file too: not where it follows today's consent, for files are kept elsewhere."""
        return "not_visible" not in self.then

    @property
    def first_cases(self) -> Sequence[Case]:
        return self.cases[:SHOWN]

    @property
    def other_cases(self) -> Sequence[Case]:
        return self.cases[SHOWN:]

    @property
    def is_open(self) -> bool:
        """Whether the window goes on to the day on which somebody asks."""
        terms = self.then["terms"]
        return "held_on" not in terms and "released_to" not in terms


@dataclass(frozen=True)
class Voices:
    """How many a source verified then and today, and where the lists are."""

    slug: str
    then: int
    now: int
    then_list: str | None
    now_list: str | None


def cited(answer: Mapping[str, Any], words: Catalogue, records: Mapping[str, Mapping[str, Any]]) -> Cited:
    """`answer`: of `/c/…`; `records`: of releases or detentions, by id."""
    then, now = answer["cited"], answer["today"]
    countable = countable_counted(then["total"])
    noun, key = countable.noun, f"{countable.record}_id"
    cases = [
        Case(case["change"], change_in_words(case["change"], 1, words), f"/{noun}/{case[key]}", records.get(case[key]))
        for case in answer["cases"]
    ]
    return Cited(
        noun=noun,
        then=then,
        now=now,
        number_then=then["total"][noun],
        number_now=now["total"][noun],
        added=answer["added"],
        removed=answer["removed"],
        changes=list(answer["changes"].items()),
        cases=_in_turn(cases),
        unlisted=answer["withheld_cases"],
        left_out=answer["cases_left_out"],
    )


def _in_turn(cases: Sequence[Case]) -> list[Case]:
    """Cases of every kind of change in turn, so that the first few show each; of what came, those first of which
    something can be told."""
    turns: dict[str, int] = defaultdict(int)
    ranked = []
    for place, case in enumerate(cases):
        untold = case.record is None and case.change in GAINED
        ranked.append((untold, turns[case.change], place))
        turns[case.change] += 1
    return [cases[place] for _untold, _turn, place in sorted(ranked)]


def change_in_words(change: str, number: int, words: Catalogue) -> str:
    """What happened to one or to several: "newly verified"."""
    return WORDS[change][2 * (words.language == "es") + (number != 1)]


@dataclass(frozen=True)
class GroupPair:
    """A group of a citation: the names of its values, and its number then and today."""

    names: Sequence[str]
    then: int
    now: int


def groups(then: Mapping[str, Any], now: Mapping[str, Any], noun: str, told: Told) -> list[GroupPair]:
    """The groups of a citation, and those that there are today; of sources what they verified."""
    names = then["terms"].get("group_by", [])
    key = "verified" if "source" in names else noun
    before, after = (
        {tuple(group[name] for name in names): group[key] for group in count.get("groups", ())} for count in (then, now)
    )
    return [
        GroupPair(
            [told.value(name, value) for name, value in zip(names, values, strict=True)],
            before.get(values, 0),
            after.get(values, 0),
        )
        for values in {**after, **before}
    ][:MOST_ROWS]


def voices(then: Mapping[str, Any], now: Mapping[str, Any], names: Mapping[str, str]) -> list[Voices]:
    """The sources that verified something then or today, by two counts in groups by source: by number, ties by name."""
    before, after = ({group["source"]: group for group in count.get("groups", ())} for count in (then, now))
    found = []
    for slug in {**after, **before}:
        was, became = before.get(slug, {}), after.get(slug, {})
        numbers = was.get("verified", 0), became.get("verified", 0)
        if any(numbers):
            found.append(Voices(slug, *numbers, was.get("list"), became.get("list")))
    return sorted(found, key=lambda voice: (-voice.now, -voice.then, names.get(voice.slug, voice.slug)))
