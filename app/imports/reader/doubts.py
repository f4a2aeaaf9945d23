"""Find rows that may not be one person and fills that may carry a meaning, derive missing case numbers (pure).

Sums, titles, doubtful names, and rows struck out or hidden in the sheet raise a question. Until a mapping answers it,
the row is left out and counted. A colour is never read as a status: the officer is asked what each one means.

A derived case number depends on name, birth and day of detention. Correcting one of these files another person, and a
curator is asked: a column of case numbers is better, and the receipt says that it is missing.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from colorsys import rgb_to_hsv
from dataclasses import dataclass, field
from string import hexdigits
from typing import Any

from app.imports.faults import format_column_letters
from app.imports.fields import FIELDS, GIVEN_NAMES, NAME
from app.imports.formats.csv import Cells
from app.imports.mapping import Answer, ListMapping, Question, fold_heading
from app.imports.reader.code_words import CELL_WORDS
from app.imports.reader.layout import Column
from app.imports.reader.sheet_dates import DateContext
from app.imports.reader.states import read_state
from app.matching.scripts import fold
from app.registry.checks import POINTER_FIELDS
from app.schemas.reports import MAX_NAME_LENGTH

# One row in a colour is as often a slip of the hand as a meaning.
MIN_GROUP_ROWS = 2
# A title of a section and a sum have one or two cells, and are often coloured. A person has more.
MIN_FILLED_CELLS = 2
# Fewer rows may alternate by chance.
MIN_STRIPE_ROWS = 3
STRIPE_SHARE = 0.9
MAX_FIRST_ROWS = 3
MAX_STATES = 5


@dataclass(frozen=True)
class ColourGroup:
    """The rows of one colour: how many, the numbers of the first, and the share of each text of the status column."""

    colour: str
    row_count: int
    first_rows: tuple[int, ...]
    shares: Mapping[str, float] = field(default_factory=dict)


def find_colour_groups(
    rows: Iterable[Cells],
    columns: Collection[int],
    *,
    heading: Cells | None = None,
    status_column: int | None = None,
    name_columns: Collection[int] = (),
) -> list[ColourGroup]:
    """Return the colours that tell rows of a list apart, those of the most rows first.

    A row has the colour that fills most of its filled cells among `columns`, else the one that fills its cell of
    `name_columns`. Left out are the colour of the `heading`, a colour of all rows, and stripes. Columns are indexes.
    """
    heading_colour = find_row_colour(heading, columns, ()) if heading else None
    numbers: dict[str, list[int]] = {}
    positions: dict[str, list[int]] = {}  # among the rows that are not empty
    states: dict[str, Counter[str]] = {}
    row_count = first_number = last_number = 0
    for cells in rows:
        if sum(1 for place in columns if cells.text(place)) < min(MIN_FILLED_CELLS, len(columns)):
            continue
        row_count, last_number, first_number = row_count + 1, cells.number, first_number or cells.number
        colour = find_row_colour(cells, columns, name_columns)
        if colour is None:
            continue
        numbers.setdefault(colour, []).append(cells.number)
        positions.setdefault(colour, []).append(row_count)
        if status_column is not None:
            states.setdefault(colour, Counter())[cells.text(status_column)] += 1
    groups = [
        ColourGroup(colour, len(found), tuple(found[:MAX_FIRST_ROWS]), _share(states.get(colour, Counter())))
        for colour, found in numbers.items()
        if MIN_GROUP_ROWS <= len(found) < row_count
        and colour != heading_colour
        and not _is_striped(found, first_number, last_number)
        and not _is_striped(positions[colour], 1, row_count)
    ]
    return sorted(groups, key=lambda group: -group.row_count)


def find_row_colour(cells: Cells, columns: Collection[int], name_columns: Collection[int]) -> str | None:
    """Return the colour of more than half of the filled cells of a row, or else of its name."""
    return _find_most(cells, [place for place in columns if cells.text(place)]) or _find_most(cells, name_columns)


def _find_most(cells: Cells, places: Collection[int]) -> str | None:
    """The colour of more than half of the cells."""
    if not places or not cells.colours:
        return None
    colours = Counter(cells.colours[place] for place in places if place in cells.colours)
    (colour, count), *_others = colours.most_common(1) or [("", 0)]
    return colour if count * 2 > len(places) else None


def _is_striped(numbers: list[int], first: int, last: int) -> bool:
    """Whether the numbers are every second one from `first` to `last`, but for a few that another colour covers."""
    if len(numbers) < MIN_STRIPE_ROWS:
        return False
    odd_count = sum(number % 2 for number in numbers)
    remainder = int(odd_count * 2 > len(numbers))
    on_stripe = odd_count if remainder else len(numbers) - odd_count
    stripe_count = sum(1 for number in range(first, last + 1) if number % 2 == remainder)
    return on_stripe >= STRIPE_SHARE * len(numbers) and on_stripe >= STRIPE_SHARE * stripe_count


def _share(states: Counter[str]) -> dict[str, float]:
    total = states.total()
    return {state: count / total for state, count in states.most_common(MAX_STATES)}


# The hue in degrees up to which a colour has a name in `sentences.toml`.
_HUES = ((20, "red"), (45, "orange"), (70, "yellow"), (165, "green"), (255, "blue"), (330, "purple"), (360, "red"))
MIN_SATURATION = 0.12  # below it is grey


def name_colour(colour: str) -> str:
    """Return the name of a colour, as RRGGBB; of one of a theme, "coloured"."""
    if len(colour) != len("RRGGBB") or any(digit not in hexdigits for digit in colour):
        return "coloured"
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4))
    hue, saturation, _value = rgb_to_hsv(red, green, blue)
    return "grey" if saturation < MIN_SATURATION else next(name for limit, name in _HUES if hue * 360 <= limit)


MAX_CHECKED_CHARACTERS = 200  # characters of a cell: more than any title or name has
MIN_COMMA_PARTS = 3  # parts between commas of several people: "Paz, Juana" has two, and is one person

_DOUBTFUL_WORDS: dict[str, list[str]] = CELL_WORDS["asked"]
_AMOUNT = re.compile(r"\d[\d.,]*%?(?: (?P<word>[^\W\d][^\d]*))?")
_SUMS = tuple(fold(word) for word in _DOUBTFUL_WORDS["sums"])
_NOT_NAMES = frozenset(map(fold, _DOUBTFUL_WORDS["not_names"]))
_GROUPS = frozenset(map(fold, _DOUBTFUL_WORDS["groups"]))
_PEOPLE = "|".join(_DOUBTFUL_WORDS["people"])
_NUMBER_PATTERN = "|".join(_DOUBTFUL_WORDS["numbers"])
_NUMBER_OF_PEOPLE = re.compile(rf"\b(?:\d+|{_NUMBER_PATTERN}) (?:{_PEOPLE})\b|\b(?:y|and) (?:otr[oa]s|others)\b")
# Words that join two people, or two surnames: "Ramón y Cajal" is asked about too. A capital Y is an initial, unless the
# whole name is in capitals.
_AND = re.compile(r"\s(?:y|and|\+)\s|&")
_AND_IN_CAPITALS = re.compile(r"\s(?:Y|AND|\+)\s|&")
# Signs that join two people only if each has two names: "João da Costa e Silva" is one, and a slash may part an alias.
_PERHAPS_AND = re.compile(r"\s(?:e|E)\s|[;/\n]")


def find_name_question(text: str) -> Question | None:
    """The question about a text in a column of names, if there is one."""
    if not text:
        return None
    if is_sum_label(text):
        return Question.SUM
    if fold(text[:MAX_CHECKED_CHARACTERS]) in _NOT_NAMES:
        return Question.NOT_A_NAME
    return Question.SEVERAL if _is_several_people(text[:MAX_CHECKED_CHARACTERS]) else None


def is_sum_label(text: str) -> bool:
    """Whether a text says that its row is a sum: "Total: 24"."""
    folded = fold(text[:MAX_CHECKED_CHARACTERS])
    return folded.startswith(_SUMS) and any(folded == word or folded.startswith(f"{word} ") for word in _SUMS)


def is_certain_sum(cells: Cells) -> bool:
    """Whether a row has nothing but a word for a sum and numbers, such as "11 libres", or nothing but formulas."""
    filled = [text for text in map(str.strip, cells.texts) if text]
    others = [text for text in filled if not is_sum_label(text)]
    if not filled:
        return bool(cells.valueless_cells)
    return len(others) < len(filled) and all(map(_is_amount, others))


def _is_amount(text: str) -> bool:
    match = _AMOUNT.fullmatch(text)
    return match is not None and (not match["word"] or read_state(match["word"], DateContext()) is not None)


def _is_several_people(text: str) -> bool:
    folded = fold(text)
    if not _GROUPS.isdisjoint(folded.split()) or _NUMBER_OF_PEOPLE.search(folded):
        return True
    if any(map(str.strip, (_AND_IN_CAPITALS if text.isupper() else _AND).split(text)[1:])):
        return True
    parts = _PERHAPS_AND.split(text)
    if len(parts) > 1 and all(len(part.split()) > 1 for part in parts):
        return True
    return sum(1 for part in text.split(",") if part.strip()) >= MIN_COMMA_PARTS


# Kinds of fields that take any text.
FREE_TEXT_KINDS = frozenset({"line", "lines", "text", "state"})


@dataclass(frozen=True, slots=True)
class RowQuestion:
    """A question about a row, or about its cell in a column."""

    question: Question
    column: str | None


class DoubtfulRows:
    """The questions about the rows of one list, with the answers of its mapping."""

    def __init__(self, columns: Sequence[Column], mapping: ListMapping, label_row: Callable[[int], str] = str) -> None:
        self._label_row = label_row
        self._headings = {column.place: fold_heading(column.heading) for column in columns}
        self._several_columns = sum(1 for column in columns if column.heading) > 1
        # Surnames alone are not doubted: "Ramón y Cajal" is usual there.
        self._names = [c.place for c in columns if not {NAME, GIVEN_NAMES}.isdisjoint(c.fields)]
        # Columns of days, numbers or codes: no title stands there, and an unread cell is a fault.
        self._narrow = {c.place for c in columns if c.fields and FIELDS[c.fields[0]].kind not in FREE_TEXT_KINDS}
        self._answers = mapping.rows

    def find_open_questions(self, cells: Cells) -> list[RowQuestion] | None:
        """The unanswered questions about a row; None if the row is left out: by the mapping, or as a certain sum."""
        answer = self._answers.get(self._label_row(cells.number)) if self._answers else None
        if answer is not None:
            return None if answer is Answer.LEAVE_OUT else []
        questions = self.find_questions(cells)
        is_sum = all(one.question is Question.SUM for one in questions) and is_certain_sum(cells)
        if is_sum and self._answers.get(Question.SUM.value) is not Answer.READ:
            return None
        if not questions or not self._answers:
            return questions
        answers = [self._answers.get(row_question.question.value) for row_question in questions]
        if Answer.LEAVE_OUT in answers:
            return None
        return [row_question for row_question, answer in zip(questions, answers, strict=True) if answer is None]

    def find_questions(self, cells: Cells) -> list[RowQuestion]:
        """All questions about a row, answered or not."""
        questions = [
            RowQuestion(Question(code), format_column_letters(places[0]) if places else None)
            for code, places in cells.marks.items()
            if not places or code == Question.COMMENT or any(cells.text(place) for place in places)
        ]
        filled_cells = [(place, text) for place, cell in enumerate(cells.texts) if (text := cell.strip())]
        if not filled_cells:
            return questions
        place, first = filled_cells[0]
        if is_sum_label(first):
            return [*questions, RowQuestion(Question.SUM, format_column_letters(place))]
        if self._several_columns and len(filled_cells) == 1 and place not in self._narrow and not cells.valueless_cells:
            return [*questions, RowQuestion(Question.TITLE, format_column_letters(place))]
        if len(filled_cells) > 1 and all(
            fold_heading(text) == self._headings.get(place) for place, text in filled_cells
        ):
            return [*questions, RowQuestion(Question.HEADINGS, format_column_letters(place))]
        for place in self._names:
            question = find_name_question(cells.text(place))
            if question is not None:
                questions.append(RowQuestion(question, format_column_letters(place)))
        return questions


DERIVED_PREFIX = "derived:"
DERIVED_DIGITS = 24  # of a SHA-256 in hex: with 96 bits no two rows of a list are expected to collide


class RepeatedCaseNumber(ValueError):
    """The case number of a row that an earlier `row` of the file has too."""

    def __init__(self, row: int) -> None:
        super().__init__()
        self.row = row


class RepeatedRow(ValueError):
    """A row without a case number that names the same person as MAX_EQUAL_ROWS earlier rows."""


# Rows without a case number that name the same person. Each would be compared with all others, and a curator be asked.
MAX_EQUAL_ROWS = 20


class CaseNumbers:
    """The case numbers of one file, assigned in the order of its rows."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._duplicates: Counter[str] = Counter()
        self.derived_count = 0

    def assign(self, number: int, body: dict[str, Any]) -> None:
        """Derive the case number of a body without one. Raises RepeatedCaseNumber if an earlier row has the same
        number, RepeatedRow."""
        own_number = body.get("source_record_id")
        if own_number is None:
            body["source_record_id"] = self._derive(body)
            return
        first_row = self._rows.setdefault(str(own_number).strip(), number)
        if first_row != number:
            raise RepeatedCaseNumber(first_row)

    def _derive(self, body: dict[str, Any]) -> str:
        """Return the derived number; `…-2` for the second of two people with the same values."""
        values = json.dumps(_find_identifying_values(body), ensure_ascii=False, sort_keys=True, default=str)
        base = DERIVED_PREFIX + hashlib.sha256(values.encode()).hexdigest()[:DERIVED_DIGITS]
        if self._duplicates[base] == MAX_EQUAL_ROWS:
            raise RepeatedRow
        self.derived_count += 1
        self._duplicates[base] += 1
        return base if self._duplicates[base] == 1 else f"{base}-{self._duplicates[base]}"


class KnownPeople:
    """The people of the rows read so far, to find those whom a later row names again."""

    def __init__(self) -> None:
        self._digests: set[bytes] = set()

    def add(self, body: dict[str, Any]) -> bool:
        """Add the person of a row without a case number. Return whether an earlier row is about the same person."""
        values = _find_identifying_values(body)
        if "source_record_id" in body or not values.get("name"):
            return False
        digest = hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).digest()
        is_known = digest in self._digests
        self._digests.add(digest)
        return is_known


def _find_identifying_values(body: dict[str, Any]) -> dict[str, Any]:
    """Return the values that identify the person of a body."""
    pointers = {name: body[name] for name, _kind in POINTER_FIELDS if body.get(name) is not None}
    if pointers:
        return pointers
    detainee, detention = _read_section(body, "detainee"), _read_section(body, "detention")
    name = detainee.get("full_name")
    identifying = {
        "name": _fold_name(name),
        "birth": detainee.get("birth_date"),
        "detained": detention.get("detained_on"),
    }
    if identifying["name"]:
        return identifying
    facts = {name: detainee.get(name) for name in ("age", "nationalities")}
    return identifying | facts | {"place": _fold_name(detention.get("facility"))}


def _fold_name(text: Any) -> str | None:
    """The folded text. A text too long for a name will be refused: it is cut, since folded texts are cached."""
    return fold(text[:MAX_NAME_LENGTH]) if isinstance(text, str) else None


def _read_section(body: dict[str, Any], name: str) -> dict[str, Any]:
    section = body.get(name)
    return section if isinstance(section, dict) else {}


GENDER_FIELD = "detainee.gender"
MAX_LETTER_LENGTH = 3  # characters of a cell with a letter, a point and a space
M_MEANINGS = {"f": "male", "h": "female"}  # *masculino* if there are F too, *mujer* if there are H


def infer_meaning_of_m(columns: Sequence[Column], rows: Iterable[Cells]) -> dict[str, str]:
    """Infer the meaning of M from the whole column of genders; nothing if the column has neither F nor H, or both."""
    place = next((column.place for column in columns if GENDER_FIELD in column.fields), None)
    if place is None:
        return {}
    texts = (row.texts[place] for row in rows if place < len(row.texts))
    other_letters = {fold(text) for text in texts if len(text) <= MAX_LETTER_LENGTH} & M_MEANINGS.keys()
    return {"m": M_MEANINGS[other_letters.pop()]} if len(other_letters) == 1 else {}
