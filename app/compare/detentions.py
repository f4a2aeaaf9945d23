"""Read the detentions of a list, and find the contradictions between two sides of a comparison (pure)."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from itertools import islice
from typing import Any, Generic, TypeVar

from app import dates
from app.dates import parse_date
from app.imports.fault_groups import translate_errors
from app.imports.faults import BadFile, Fault
from app.imports.mapping import ListMapping
from app.imports.reader.doubts import DERIVED_PREFIX, CaseNumbers
from app.imports.reader.list_reader import OpenedList, open_list
from app.imports.reader.rows import assign_case_number, place_fault, validate_body
from app.imports.reader.sheets import FindSavedMapping, find_nothing_saved
from app.log import content
from app.log.content import Content, normalize_national_id
from app.matching.alignment import NO_DEADLINE, Deadline, Line
from app.matching.score import AGREEING_BIRTH_YEARS, Match, Person, find_birth_bounds
from app.matching.scripts import PARTICLES, split_words
from app.registry import checks
from app.registry.identity import blocking_keys
from app.schemas.comparison import AccountShape, ConflictShape, ReasonShape, TheirsShape, UnreadRow
from app.schemas.reports import DetentionReportIn
from app.vocabulary import ReleaseKind

# Shown field of a detention → its path in a report, in reading order: person, place and time, end.
ACCOUNT_FIELDS = {
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
# The contradiction of a sighting in custody with an earlier release; `checks` uses the same code.
HELD_AFTER_RELEASE = "held_after_release"
# (name of a facility, country) → the text by which the facility is compared.
PlaceNormalizer = Callable[[str, str | None], str]
Account = TypeVar("Account", bound=AccountShape)
Shown = TypeVar("Shown", bound=AccountShape, covariant=True)


@dataclass(frozen=True, slots=True)
class ComparedDetention(Generic[Shown]):
    """A detention as one side reports it. `account`: its account, with its row number or ids."""

    account: Shown
    line: Line

    @property
    def values(self) -> Mapping[str, Any]:
        """Return the shown fields, for access by a computed name."""
        return self.account

    @property
    def person(self) -> Person:
        return self.line.person


def build_account(identifiers: Mapping[str, Any], content: Content) -> Any:
    """Return a shape of `schemas.imports`: `identifiers` (a row number or ids), and the shown fields of a report's
    content."""
    return {**identifiers, **{name: content.get(path) for name, path in ACCOUNT_FIELDS.items()}}


def build_detention(
    content: Content,
    account: Account,
    normalize_place: PlaceNormalizer | None = None,
    hidden_names: Content | None = None,
) -> ComparedDetention[Account]:
    """Return the detention of a report's content. `hidden_names`: further content that identifies the person and is not
    shown."""
    searchable_content = {**content, **(hidden_names or {})}
    if normalize_place is not None and "detention.facility" in searchable_content:
        searchable_content["detention.facility"] = normalize_place(
            searchable_content["detention.facility"], searchable_content.get("detention.country")
        )
    # Add keys of the place as the report names it: a registry may have stored that name.
    keys = blocking_keys.build_query_keys(searchable_content) | blocking_keys.build_query_keys(content)
    return ComparedDetention(account, Line(blocking_keys.build_person(searchable_content), keys))


AnyComparedDetention = ComparedDetention[AccountShape]


def find_conflicts(mine: AnyComparedDetention, theirs: AnyComparedDetention) -> list[ConflictShape]:
    """Return the contradictions of two sides.

    A coarser date that includes the other contradicts nothing, nor does a value of one side alone. HELD_AFTER_RELEASE
    pairs one side's day in custody with the other side's day of release.
    """
    contradictions: list[ConflictShape] = [
        {"field": name, "mine": mine.values[name], "theirs": theirs.values[name]}
        for name, contradict in _CONTRADICTION_CHECKS.items()
        if contradict(mine, theirs)
    ]
    if _is_held_after(mine, theirs):
        contradictions.append(_build_held_after_release("held_on", "released_on", mine, theirs))
    if _is_held_after(theirs, mine):
        contradictions.append(_build_held_after_release("released_on", "held_on", mine, theirs))
    return contradictions


def _build_held_after_release(
    my_day: str, their_day: str, mine: AnyComparedDetention, theirs: AnyComparedDetention
) -> ConflictShape:
    return {"field": HELD_AFTER_RELEASE, "mine": mine.values[my_day], "theirs": theirs.values[their_day]}


def _is_held_after(a: AnyComparedDetention, b: AnyComparedDetention) -> bool:
    """Return whether the day in custody of `a` is after the release of `b`."""
    held_on, released_on = a.account["held_on"], b.account["released_on"]
    return bool(held_on and released_on and parse_date(held_on).lo > parse_date(released_on).hi)


def format_reasons(match: Match) -> list[ReasonShape]:
    """Return the reasons for and against a match, in words."""
    return [
        {"feature": reason.feature, "score": round(reason.score, 3), "note": reason.note} for reason in match.reasons
    ]


ContradictionCheck = Callable[[AnyComparedDetention, AnyComparedDetention], bool]


def _build_date_check(name: str) -> ContradictionCheck:
    def contradict(mine: AnyComparedDetention, theirs: AnyComparedDetention) -> bool:
        a, b = mine.values[name], theirs.values[name]
        return bool(a and b and not parse_date(a).overlaps(parse_date(b)))

    return contradict


def _build_code_check(name: str, vague_code: str | None = None) -> ContradictionCheck:
    def contradict(mine: AnyComparedDetention, theirs: AnyComparedDetention) -> bool:
        a, b = mine.values[name], theirs.values[name]
        return None not in (a, b) and a != b and vague_code not in (a, b)

    return contradict


def _birth_dates_contradict(mine: AnyComparedDetention, theirs: AnyComparedDetention) -> bool:
    return bool(mine.account["birth"] and theirs.account["birth"]) and _build_date_check("birth")(mine, theirs)


def _ages_contradict(mine: AnyComparedDetention, theirs: AnyComparedDetention) -> bool:
    """Return whether births contradict if a side states only an age; a year more or less does not."""
    a, b = find_birth_bounds(mine.person), find_birth_bounds(theirs.person)
    if a is None or b is None or (mine.account["birth"] and theirs.account["birth"]):
        return False
    return max(a[0] - b[1], b[0] - a[1]) > AGREEING_BIRTH_YEARS * dates.MAX_YEAR_DAYS


def _places_contradict(mine: AnyComparedDetention, theirs: AnyComparedDetention) -> bool:
    """Return whether places differ. "Helicoide" is "El Helicoide", and "El Rodeo" a vaguer "El Rodeo I"."""
    if not (mine.person.facility and theirs.person.facility):
        return False
    a, b = _find_distinctive_words(mine.person.facility), _find_distinctive_words(theirs.person.facility)
    return not (a <= b or b <= a)


def _find_distinctive_words(place: str) -> set[str]:
    """Return the words of a place without articles and prepositions, unless it has no other words."""
    all_words = set(split_words(place))
    return all_words - PARTICLES or all_words


def _nationalities_contradict(mine: AnyComparedDetention, theirs: AnyComparedDetention) -> bool:
    a, b = mine.person.nationalities, theirs.person.nationalities
    return bool(a and b and not a & b)


_CONTRADICTION_CHECKS: dict[str, ContradictionCheck] = {
    "birth": _birth_dates_contradict,
    "age": _ages_contradict,
    "gender": _build_code_check("gender"),
    "nationalities": _nationalities_contradict,
    "country": _build_code_check("country"),
    "facility": _places_contradict,
    **{name: _build_date_check(name) for name in ("detained_on", "announced_on", "ordered_on", "released_on")},
    "kind": _build_code_check("kind", vague_code=ReleaseKind.UNSPECIFIED),
}


# Rows of one list: several times the longest list of a field office. Two cores compare so many in two minutes.
MAX_COMPARED_ROWS = 20_000
TOO_MANY_ROWS_MESSAGE = f"A list to be compared has at most {MAX_COMPARED_ROWS:,} rows: part it, by country or by year."


class ListedShape(TheirsShape):
    """A row of a list: of mine, or of theirs where that is a list too."""

    row: int
    source_record_id: str | None


@dataclass
class ComparedList:
    """The detentions of a list, their case numbers, and the rows that cannot be read or contain impossible values."""

    detentions: list[ComparedDetention[ListedShape]] = field(default_factory=list)
    case_numbers: list[str] = field(default_factory=list)
    unread_rows: list[UnreadRow] = field(default_factory=list)

    def add_unread_row(self, row: int, faults: list[Fault]) -> None:
        self.unread_rows.append(
            {"row": row, "errors": translate_errors([fault.shape() for fault in faults], row, "en")}
        )


def open_compared_list(
    data: bytes, mapping: ListMapping | None, find_saved: FindSavedMapping = find_nothing_saved
) -> OpenedList:
    """Open a list, and count its rows before any value of them is parsed. Raises BadFile for too many."""
    opened_list = open_list(data, mapping, find_saved)
    lines: Iterable[object] = (
        (line for line in BytesIO(data) if line.strip()) if opened_list.cells is None else opened_list.cells()
    )
    if next(islice(lines, MAX_COMPARED_ROWS, None), None) is not None:
        raise BadFile("too_many_rows", TOO_MANY_ROWS_MESSAGE)
    return opened_list


def read_compared_list(
    opened_list: OpenedList,
    now: datetime,
    normalize_place: PlaceNormalizer | None = None,
    deadline: Deadline = NO_DEADLINE,
) -> ComparedList:
    """Return the detentions of an opened list.

    A row is compared even if it could not be filed (no country, no method). Raises BadFile for a file that breaks off;
    TooLong.
    """
    compared_list, case_numbers = ComparedList(), CaseNumbers()
    for row in opened_list.rows():
        deadline.check()
        report = validate_body(assign_case_number(row, case_numbers))
        if isinstance(report, list):
            compared_list.add_unread_row(row.number, [row.add_value(fault) for fault in report])
            continue
        reported_content = _build_content(report, now)
        if faults := [
            place_fault(row.columns, error) for error in checks.find_impossible_values(reported_content, now)
        ]:
            compared_list.add_unread_row(row.number, [row.add_value(fault) for fault in faults])
            continue
        case_number = str(report.source_record_id)
        own_case_number = None if case_number.startswith(DERIVED_PREFIX) else case_number
        account: ListedShape = build_account({"row": row.number, "source_record_id": own_case_number}, reported_content)
        compared_list.detentions.append(build_detention(reported_content, account, normalize_place))
        compared_list.case_numbers.append(case_number)
    if not compared_list.detentions and not compared_list.unread_rows:
        raise BadFile("no_rows", "There are headings in this list, and no rows below them.")
    return compared_list


def _build_content(report: DetentionReportIn, now: datetime) -> Content:
    """Return the content of a row, with its age as of the day `now` if the list states today's age.

    The identification number is compared with those of the other list. It is neither stored nor shown.
    """
    reported_content = content.date_age_today(content.flatten_body(report.model_dump(mode="json")), now)
    number = reported_content.pop("detainee.national_id", None)
    comparable_number = None if number is None else normalize_national_id(number)
    return (
        reported_content if comparable_number is None else {**reported_content, content.NATIONAL_ID: comparable_number}
    )
