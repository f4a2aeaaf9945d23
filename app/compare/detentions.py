"""A detention as one side of a comparison reports it, and the contradictions between two sides (pure).

The detentions of a list, read as an import reads it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from app import dates
from app.dates import parse
from app.imports.doubts import DERIVED, Keys
from app.imports.faults import BadFile, Fault
from app.imports.lists import Opened
from app.imports.mapping import in_language
from app.imports.rows import body_of, numbered, placed
from app.log import content
from app.log.content import Content, compared_number
from app.matching.alignment import NEVER, Deadline, Line
from app.matching.score import BIRTH_AGREES, Match, Person, birth_bounds
from app.matching.scripts import PARTICLES, words
from app.registry import checks
from app.registry.identity import blocking_keys
from app.schemas.imports import AccountShape, ConflictShape, ReasonShape, TheirsShape, UnreadRow
from app.schemas.reports import DetentionReportIn
from app.vocabulary import ReleaseKind

# Shown field of a detention → its path in a report, in reading order: person, place and time, end.
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
# The contradiction of a sighting in custody with an earlier release; `checks` has the same code.
HELD_AFTER_RELEASE = "held_after_release"
# (name of a facility, country) → the text by which the facility is compared.
SamePlace = Callable[[str, str | None], str]
Account = TypeVar("Account", bound=AccountShape)
Shown = TypeVar("Shown", bound=AccountShape, covariant=True)


@dataclass(frozen=True, slots=True)
class ComparedDetention(Generic[Shown]):
    """A detention as one side reports it. `shown`: its account, with its row number or ids."""

    shown: Shown
    line: Line

    @property
    def values(self) -> Mapping[str, Any]:
        """The shown fields, to be read by computed names."""
        return self.shown

    @property
    def person(self) -> Person:
        return self.line.person


def with_account(place: Mapping[str, Any], content: Content) -> Any:
    """A shape of `wire.matching`: `place` (its row number or ids), and the account of a report's content."""
    return {**place, **{name: content.get(path) for name, path in FIELDS.items()}}


def of_content(
    content: Content, shown: Account, same_place: SamePlace | None = None, names: Content | None = None
) -> ComparedDetention[Account]:
    """The detention of a report's content. `names`: further content by which the person is recognised, not shown."""
    known = {**content, **(names or {})}
    if same_place is not None and "detention.facility" in known:
        known["detention.facility"] = same_place(known["detention.facility"], known.get("detention.country"))
    # Also keys of the place as the report names it: a registry may have stored that.
    keys = blocking_keys.searched_keys(known) | blocking_keys.searched_keys(content)
    return ComparedDetention(shown, Line(blocking_keys.person_of(known), keys))


Compared = ComparedDetention[AccountShape]


def conflicts(mine: Compared, theirs: Compared) -> list[ConflictShape]:
    """The contradictions of two sides. A coarser date that includes the other contradicts nothing, nor does a value of
    one side alone. HELD_AFTER_RELEASE has one side's day in custody, and the other side's day of release."""
    contradictions: list[ConflictShape] = [
        {"field": name, "mine": mine.values[name], "theirs": theirs.values[name]}
        for name, contradict in _CONTRADICT.items()
        if contradict(mine, theirs)
    ]
    if _held_after(mine, theirs):
        contradictions.append(_held_after_release("held_on", "released_on", mine, theirs))
    if _held_after(theirs, mine):
        contradictions.append(_held_after_release("released_on", "held_on", mine, theirs))
    return contradictions


def _held_after_release(my_day: str, their_day: str, mine: Compared, theirs: Compared) -> ConflictShape:
    return {"field": HELD_AFTER_RELEASE, "mine": mine.values[my_day], "theirs": theirs.values[their_day]}


def _held_after(a: Compared, b: Compared) -> bool:
    """Whether the day in custody of `a` lies after the release of `b`."""
    held, released = a.shown["held_on"], b.shown["released_on"]
    return bool(held and released and parse(held).lo > parse(released).hi)


def reasons_of(match: Match) -> list[ReasonShape]:
    """The reasons for and against a match, in words."""
    return [{"feature": why.feature, "score": round(why.score, 3), "note": why.note} for why in match.reasons]


Contradict = Callable[[Compared, Compared], bool]


def _days(name: str) -> Contradict:
    def contradict(mine: Compared, theirs: Compared) -> bool:
        a, b = mine.values[name], theirs.values[name]
        return bool(a and b and not parse(a).overlaps(parse(b)))

    return contradict


def _codes(name: str, vague: str | None = None) -> Contradict:
    def contradict(mine: Compared, theirs: Compared) -> bool:
        a, b = mine.values[name], theirs.values[name]
        return None not in (a, b) and a != b and vague not in (a, b)

    return contradict


def _births(mine: Compared, theirs: Compared) -> bool:
    return bool(mine.shown["birth"] and theirs.shown["birth"]) and _days("birth")(mine, theirs)


def _ages(mine: Compared, theirs: Compared) -> bool:
    """Whether births contradict where a side gives an age only: a year more or less does not."""
    a, b = birth_bounds(mine.person), birth_bounds(theirs.person)
    if a is None or b is None or (mine.shown["birth"] and theirs.shown["birth"]):
        return False
    return max(a[0] - b[1], b[0] - a[1]) > BIRTH_AGREES * dates.A_YEAR


def _places(mine: Compared, theirs: Compared) -> bool:
    """Whether places differ. "Helicoide" is "El Helicoide", and "El Rodeo" a vaguer "El Rodeo I"."""
    if not (mine.person.facility and theirs.person.facility):
        return False
    a, b = _telling(mine.person.facility), _telling(theirs.person.facility)
    return not (a <= b or b <= a)


def _telling(place: str) -> set[str]:
    """The words of a place without articles and prepositions, unless it has no other words."""
    all_words = set(words(place))
    return all_words - PARTICLES or all_words


def _nations(mine: Compared, theirs: Compared) -> bool:
    a, b = mine.person.nationalities, theirs.person.nationalities
    return bool(a and b and not a & b)


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


# Rows of one list: several times the longest list of a field office; two cores compare so many in two minutes.
MOST_ROWS = 20_000
TOO_MANY = f"A list to be compared has at most {MOST_ROWS:,} rows: part it, by country or by year."


class ListedShape(TheirsShape):
    """A row of a list: of mine, or of theirs where that is a list too."""

    row: int
    source_record_id: str | None


@dataclass
class ComparedList:
    """The detentions of a list, their case numbers, and the rows that cannot be read or cannot be true."""

    detentions: list[ComparedDetention[ListedShape]] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)
    unread: list[UnreadRow] = field(default_factory=list)

    def leave_out(self, row: int, faults: list[Fault]) -> None:
        self.unread.append({"row": row, "errors": in_language([fault.shape() for fault in faults], row, "en")})


def read(
    opened: Opened, now: datetime, same_place: SamePlace | None = None, deadline: Deadline = NEVER
) -> ComparedList:
    """The detentions of an opened list. A row is compared even if it says too little to be filed (no country, no
    method). Raises BadFile for too many rows or a file that breaks off; TooLong."""
    compared, keys = ComparedList(), Keys()
    for row in opened.rows():
        deadline.check()
        if len(compared.detentions) + len(compared.unread) == MOST_ROWS:
            raise BadFile("too_many_rows", TOO_MANY)
        report = body_of(numbered(row, keys))
        if isinstance(report, list):
            compared.leave_out(row.number, [row.with_value(fault) for fault in report])
            continue
        reported = _content(report, now)
        if faults := [placed(row.columns, error) for error in checks.impossible(reported, now)]:
            compared.leave_out(row.number, [row.with_value(fault) for fault in faults])
            continue
        case = str(report.source_record_id)
        own = None if case.startswith(DERIVED) else case
        shown: ListedShape = with_account({"row": row.number, "source_record_id": own}, reported)
        compared.detentions.append(of_content(reported, shown, same_place))
        compared.cases.append(case)
    if not compared.detentions and not compared.unread:
        raise BadFile("no_rows", "There are headings in this list, and no rows below them.")
    return compared


def _content(report: DetentionReportIn, now: datetime) -> Content:
    """Return the content of a row, with its age as of the day `now` where the list states the age of today.

    The identification number is compared with those of the other list. It is neither stored nor shown.
    """
    reported = content.with_age_today(content.flatten(report.model_dump(mode="json")), now)
    number = reported.pop("detainee.national_id", None)
    compared = None if number is None else compared_number(number)
    return reported if compared is None else {**reported, content.NATIONAL_ID: compared}
