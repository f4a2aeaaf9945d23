"""Read a row of cells as the body of a report, or find its faults, column by column (pure)."""

from collections.abc import Callable, Collection, Iterable, Sequence
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from itertools import islice
from typing import Any

from pydantic import ValidationError

from app.errors import build_pointed_errors
from app.imports.faults import Fault, format_column_letters, format_question, parse_column_letters
from app.imports.fields import FIELDS, NAME, STATE
from app.imports.formats.csv import Cells
from app.imports.mapping import AGE_ON_LIST_DAY, DAYS_OF_AGES, NOT_CHECKED, QUESTIONS, Answer, ListMapping, Question
from app.imports.reader.cell_values import UnreadCell, clean_cell, has_further_words, is_ditto, parse_cell_value
from app.imports.reader.code_words import fold_short_text
from app.imports.reader.doubts import (
    GENDER_FIELD,
    MAX_EQUAL_ROWS,
    CaseNumbers,
    DoubtfulRows,
    KnownPeople,
    RepeatedCaseNumber,
    RepeatedRow,
    find_row_colour,
    is_certain_sum,
)
from app.imports.reader.layout import NAME_PARTS, Column, find_day_of_ages, is_repeatable
from app.imports.reader.row_states import (
    DIED_ON,
    IN_CUSTODY,
    LEFT_OUT,
    RELEASED_ON,
    STATED,
    UNKNOWN_DAY,
    RowStates,
    add_to_note,
    find_status,
)
from app.imports.reader.sheet_dates import DateContext, DateOrder, find_proven_orders, is_unknown_date, list_date_texts
from app.imports.reader.states import UNKNOWN, StateReading
from app.imports.reader.tally import Tally
from app.log.content import AGE, AGE_ON
from app.matching.scripts import split_words
from app.schemas.reports import MAX_NAME_LENGTH, MAX_NOTE_LENGTH, DetentionReportIn, ReleaseReportIn
from app.vocabulary import Verdict

COUNTRY, VERDICT, METHOD = "detention.country", "verification.verdict", "verification.method"
MAX_SAMPLE_ROWS = 5_000  # rows that prove the order of a column's days
# Field → its longest text, where that is longer than a name; for a longer text the column's next field is tried.
LONGER_FIELDS = {"note": MAX_NOTE_LENGTH, "detention.charges": MAX_NOTE_LENGTH}
_REPEATS_NOTHING_DETAIL = "This cell repeats the one above it, which is empty: write the value itself."
_TWO_CELLS_DETAIL = "Another cell of this row says something else of the same: correct one of them."
# Field of a day → the mark of the state that it is the day of.
STATES_OF_DAYS = {RELEASED_ON: "state:released", DIED_ON: "state:died"}
DASHES = ("-", "–", "—")  # cells that say nothing
MAX_SHOWN_CHARACTERS = 60  # characters of a cell that are shown with its fault
Body = dict[str, Any]
MAX_CACHED_CELLS = 10_000  # cells: some megabytes
DATED_KINDS = frozenset({"date", "mark", "state"})  # kinds of fields whose cells have days
CACHED_KINDS = frozenset({"date", "code", "codes", "country", "countries"})


@dataclass(frozen=True, slots=True)
class Row:
    """A row by its number in the file: its body, or its faults.

    `columns`: field → its column, for faults of the body; `cells`: the texts that are shown with faults;
    `if_withdrawn`: the answer, if any, to the question whether the row may bring back a withdrawn report;
    `is_in_custody`: whether the row says that the person is in custody; None if it does not say;
    `draft`: of a row with faults, what was read; `status`: what became of the person.
    """

    number: int
    body: Body | None
    faults: list[Fault]
    columns: dict[str, str] = field(default_factory=dict)
    cells: Sequence[str] = ()
    if_withdrawn: Answer | None = None
    is_in_custody: bool | None = None
    draft: Body | None = None
    status: str | None = None

    def add_value(self, fault: Fault) -> Fault:
        """A fault with the beginning of its cell."""
        place = -1 if fault.column is None else parse_column_letters(fault.column)
        text = self.cells[place].strip() if 0 <= place < len(self.cells) else ""
        return replace(fault, value=text[:MAX_SHOWN_CHARACTERS]) if text else fault


@dataclass(frozen=True, slots=True)
class SheetDates:
    """How the days of a sheet are read. `columns`: by the place of a column; `other`: those inside other texts."""

    columns: AnyMapping[int, DateContext]
    other: DateContext


class RowReader:
    """Reads the rows of one sheet."""

    def __init__(
        self,
        columns: Sequence[Column],
        mapping: ListMapping,
        tally: Tally | None = None,
        *,
        genders: dict[str, str] | None = None,
        dates: SheetDates | None = None,
        country: str | None = None,
        state: StateReading | None = None,
        label_row: Callable[[int], str] = str,
        known_people: KnownPeople | None = None,
        today: date | None = None,
    ) -> None:
        """`genders`: letter → its gender in this list, unless the mapping gives it another; `dates`: how the days of
        each column are read; `country`: of the source, for rows that name none; `state`: of everybody on the sheet,
        where the row says nothing; `label_row`: names a row by its number; `known_people`: of the sheets before;
        `today`: the day on which the list is read."""
        self._known_people = known_people or KnownPeople()
        self.tally = tally or Tally()
        self._mapping, self._label_row = mapping, label_row
        self._doubtful = DoubtfulRows(columns, mapping, label_row)
        self._unread_columns = [column for column in columns if not column.fields and not column.is_counter]
        self._columns = [column for column in columns if column.fields]
        self._width = len(columns)
        self._places = [column.place for column in columns if column.profile.filled]
        self._parts_of_names = [c.place for c in self._columns if c.fields[0] in (NAME, *NAME_PARTS)]
        self._name_places = [column.place for column in columns if NAME in column.fields]
        self._dates = dates or SheetDates({}, DateContext(mapping.dates, mapping.day))
        self._meanings = {**mapping.meanings, GENDER_FIELD: (genders or {}) | mapping.meanings.get(GENDER_FIELD, {})}
        self._constants = {name: mapping.read_constant(name) for name in mapping.constants}
        if country is not None:
            self._constants.setdefault(COUNTRY, country)
        if mapping.checked not in (None, NOT_CHECKED) and not self._has_verdicts():
            self._constants |= {VERDICT: Verdict.VERIFIED.value, METHOD: mapping.checked}
        self._day_of_ages = mapping.age_on or find_day_of_ages(columns)
        if self._day_of_ages == AGE_ON_LIST_DAY:
            self._day_of_ages = None if self._dates.other.until is None else self._dates.other.until.isoformat()
        self._states = RowStates(mapping, state, label_row, self._dates.other, today)
        # A list has few days, places and codes, each many times.
        self._cached_value = lru_cache(maxsize=MAX_CACHED_CELLS)(self._parse_value)
        self._letters = {name: column.letter for column in reversed(self._columns) for name in column.fields}
        for part in NAME_PARTS:
            if part in self._letters:
                self._letters.setdefault(NAME, self._letters[part])

    def _has_verdicts(self) -> bool:
        read = {name for column in self._columns for name in column.fields} | self._constants.keys()
        return bool(read & {VERDICT, METHOD})

    def read_row(self, cells: Cells) -> Row | None:
        """A row with its body, its faults or its questions; None if the mapping leaves the row out."""
        questions = self._doubtful.find_open_questions(cells)
        if questions is None:
            self.tally.excluded_rows.add(cells.number)
            if is_certain_sum(cells):
                self.tally.sum_rows.add(cells.number)
            return None
        if questions:
            faults = [
                Fault(
                    row_question.column, "", row_question.question, format_question(row_question.question, cells.number)
                )
                for row_question in questions
            ]
            name = " ".join(text for place in self._parts_of_names if (text := cells.text(place)))
            return Row(cells.number, None, faults, self._letters, cells.texts, draft=unfold({NAME: name}))
        faults, fields = self._read_cells(cells)
        fields = self._constants | fields
        faults += self._combine_cells(fields, cells, {fault.pointer for fault in faults})
        if any(fault.code == LEFT_OUT for fault in faults):
            self.tally.excluded_rows.add(cells.number)
            return None
        self._set_age_day(fields)
        status = find_status(fields, is_held=self._mapping.held != "unknown")
        is_in_custody = fields.pop(IN_CUSTODY, None)
        fields.pop(STATED, None)
        draft = unfold(fields)
        body = None if faults else draft
        if body is not None and self._known_people.add(body):
            answer = self._mapping.find_row_answer(self._label_row(cells.number), Question.REPEATED)
            if answer is Answer.LEAVE_OUT:
                self.tally.excluded_rows.add(cells.number)
                return None
            if answer is None:
                detail = format_question(Question.REPEATED, cells.number)
                faults.append(Fault(self._letters.get(NAME), build_pointer(NAME), Question.REPEATED, detail))
                body = None
        if_withdrawn = self._mapping.if_withdrawn(self._label_row(cells.number)) if self._mapping.rows else None
        return Row(
            cells.number,
            body,
            faults,
            self._letters,
            cells.texts,
            if_withdrawn,
            is_in_custody,
            draft if body is None else None,
            status,
        )

    def _read_cells(self, cells: Cells) -> tuple[list[Fault], Body]:
        """The faults of cells, and the value of each field."""
        faults: list[Fault] = []
        fields: Body = {name: note for name, note in self._constants.items() if name == "note"}  # cells add to it
        for column in self._columns:
            if column.place in cells.valueless_cells:
                detail = "This cell has no value, only a formula or an error: put the value there."
                faults.append(Fault(column.letter, build_pointer(column.fields[0]), "formula", detail))
                continue
            try:
                text = clean_cell(cells.texts[column.place]) if column.place < len(cells.texts) else ""
                if text and column.fields[0] != "note" and is_ditto(text):  # below an empty cell
                    raise UnreadCell("repeats_nothing", _REPEATS_NOTHING_DETAIL)
                if text:
                    self._store_cell(fields, column, text)
            except UnreadCell as error:
                faults += [_build_cell_fault(column, one) for one in (error, error.other) if one is not None]
        for column in self._unread_columns:
            if column.place in cells.valueless_cells or cells.text(column.place):
                self.tally.unread_cells[column.letter] += 1
        extra_place = next((place for place in range(self._width, len(cells.texts)) if cells.text(place)), None)
        if extra_place is not None:
            detail = "This row has more cells than there are headings: is a quotation mark or a delimiter wrong in it?"
            faults.append(Fault(format_column_letters(extra_place), "", "too_many_cells", detail))
        return faults, fields

    def _combine_cells(self, fields: Body, cells: Cells, faulty: Collection[str]) -> list[Fault]:
        """Join values of several cells; the faults of values that contradict one another. `faulty`: pointers to unread
        cells."""
        faults = []
        if not _join_names(fields):
            detail = "The name and its parts in other columns differ: correct one, or leave a column out in a mapping."
            faults.append(Fault(self._letters.get(NAME), build_pointer(NAME), "two_names", detail))
        column = self._letters.get(STATE)
        colour = find_row_colour(cells, self._places, self._name_places) if cells.colours else None
        label, is_unread = self._label_row(cells.number), build_pointer(STATE) in faulty
        for question, field_name in self._states.expand(fields, label, colour, is_unread=is_unread):
            detail = format_question(question, cells.number) if question in QUESTIONS else ""
            letter = self._letters.get(field_name, column)
            faults.append(Fault(letter, build_pointer(field_name), question, detail))
        return faults

    def _set_age_day(self, fields: Body) -> None:
        """Give the age of a row its day, if a heading or the mapping names that."""
        day = self._day_of_ages
        if day is None or AGE not in fields or AGE_ON in fields:
            return
        age_day = fields.get(DAYS_OF_AGES[day]) if day in DAYS_OF_AGES else day
        if age_day is not None:
            fields[AGE_ON] = age_day

    def _parse_value(self, name: str, text: str, place: int) -> Any:
        return parse_cell_value(name, text, self._dates.columns.get(place, self._dates.other), self._meanings.get(name))

    def _store_cell(self, fields: Body, column: Column, text: str) -> None:
        """Give the cell to the first field of its column that can read it. Raises the UnreadCell of the last field."""
        for name in column.fields:
            try:
                parse = self._cached_value if FIELDS[name].kind in CACHED_KINDS else self._parse_value
                parsed_value = parse(name, text, column.place)
            except UnreadCell:
                if name != column.fields[-1]:
                    continue
                if name not in STATES_OF_DAYS or any(map(str.isdigit, text)):
                    raise
                self._store_state_word(fields, STATES_OF_DAYS[name], text, column.place)
                return
            if name != column.fields[-1] and is_text_too_long(name, parsed_value):
                continue
            if name == "note" and name in fields:
                parsed_value = f"{fields[name]}\n{parsed_value}"
            if self._has_further_words(name, text, parsed_value):
                add_to_note(fields, text)
                self.tally.noted_cells[column.letter] += 1
                if parsed_value == []:
                    return
            if parsed_value is None or parsed_value == [] or _is_unknown_state(parsed_value):
                self.tally.unknown_cells[column.letter, text[:MAX_SHOWN_CHARACTERS]] += 1
                if name == RELEASED_ON and is_unknown_date(text):
                    fields[UNKNOWN_DAY] = True
                if name in (STATE, "state:held") and text not in DASHES:
                    fields.setdefault(IN_CUSTODY, False)  # an answer about silent rows is none about this one
            elif name in NAME_PARTS and name in fields:
                fields[name] = f"{fields[name]} {parsed_value}"
            elif name != "note" and is_repeatable(name) and isinstance(fields.get(name), list):
                fields[name] = list(dict.fromkeys([*fields[name], *parsed_value]))
            elif fields.setdefault(name, parsed_value) != parsed_value and name != "note":
                if name != column.fields[-1]:
                    continue
                raise UnreadCell("two_cells_for_one", _TWO_CELLS_DETAIL)
            else:
                fields[name] = parsed_value
            return

    def _has_further_words(self, name: str, text: str, parsed_value: Any) -> bool:
        is_answered = fold_short_text(text) in self._meanings.get(name, {})
        return parsed_value is not None and not is_answered and has_further_words(name, text, parsed_value)

    def _store_state_word(self, fields: Body, mark: str, text: str, place: int) -> None:
        """Read a word where the day of a release or a death stands: "sí", "no", "libertad plena". Raises UnreadCell."""
        try:
            parsed_value = self._parse_value(mark, text, place)
        except UnreadCell:
            try:
                parsed_value = self._parse_value(STATE, text, place)
            except UnreadCell as error:
                error.field = STATE
                raise
        if fields.setdefault(mark, parsed_value) not in (parsed_value, None):
            raise UnreadCell("two_cells_for_one", _TWO_CELLS_DETAIL)


def build_sheet_dates(
    columns: Sequence[Column], rows: Iterable[Cells], mapping: ListMapping, day: date | None
) -> SheetDates:
    """Return how the days of each column are read: by the order that its cells prove, or, if they prove none, by that
    of the others. A column that proves both orders has none: its other days are asked about."""
    places = [column.place for column in columns if any(FIELDS[name].kind in DATED_KINDS for name in column.fields)]
    if mapping.dates is not None or not places:
        return SheetDates({}, DateContext(mapping.dates, day))
    sample = list(islice(rows, MAX_SAMPLE_ROWS))
    orders = {
        place: find_proven_orders(date_text for row in sample for date_text in list_date_texts(row.text(place)))
        for place in places
    }
    other = _get_only_order(frozenset().union(*orders.values()))
    contexts = {
        place: DateContext(_get_only_order(proven) if proven else other, day) for place, proven in orders.items()
    }
    return SheetDates(contexts, DateContext(other, day))


def _get_only_order(orders: frozenset[DateOrder]) -> DateOrder | None:
    return next(iter(orders)) if len(orders) == 1 else None


def _is_unknown_state(parsed_value: Any) -> bool:
    return isinstance(parsed_value, StateReading) and parsed_value.state == UNKNOWN and not parsed_value.text


def is_text_too_long(name: str, parsed_value: Any) -> bool:
    """Whether a text is too long for a field, so that the next field of the column is tried."""
    texts = parsed_value if isinstance(parsed_value, list) else [parsed_value]
    max_length = LONGER_FIELDS.get(name, MAX_NAME_LENGTH)
    return name != "note" and any(isinstance(text, str) and len(text) > max_length for text in texts)


def _join_names(fields: Body) -> bool:
    """Join the full name from its parts; False where the row has another full name."""
    name = " ".join(part for path in NAME_PARTS if (part := fields.pop(path, None)))
    if name and NAME in fields:
        return set(split_words(name)) <= set(split_words(fields[NAME]))
    if name:
        fields[NAME] = name
    return True


def unfold(fields: Body) -> Body:
    """`{"release.kind": …}` → `{"release": {"kind": …}}`."""
    body: Body = {}
    for path, field_value in fields.items():
        *sections, name = path.split(".")
        target = body
        for section in sections:
            target = target.setdefault(section, {})
        target[name] = field_value
    return body


def _build_cell_fault(column: Column, error: UnreadCell) -> Fault:
    pointer = build_pointer(error.field or column.fields[0])
    return Fault(column.letter, pointer, error.code, str(error), sentence=error.sentence, word=error.word)


def build_pointer(name: str) -> str:
    return "/" + name.replace(".", "/")


# Parts of a pointer that are read: a section, a field, an index, a field there, and a part to spare.
MAX_POINTER_PARTS = 5

_SCHEMAS: dict[bool, type[DetentionReportIn]] = {True: ReleaseReportIn, False: DetentionReportIn}


REPEATED_ROW_DETAIL = (
    f"{MAX_EQUAL_ROWS} rows before this one name the same person: leave repeats out, or give each person a case number."
)


def assign_case_number(row: Row, case_numbers: CaseNumbers) -> Row:
    """The row with a case number in its body; with a fault if earlier rows have the same number or the same person."""
    if row.body is None:
        return row
    try:
        case_numbers.assign(row.number, row.body)
    except RepeatedCaseNumber as repeated:
        column = row.columns.get("source_record_id")
        detail = f"Row {repeated.row} of this file has the same case number: each row needs its own."
        return replace(row, body=None, faults=[Fault(column, "/source_record_id", "repeated_case_number", detail)])
    except RepeatedRow:
        return replace(row, body=None, faults=[Fault(None, "", "repeated_row", REPEATED_ROW_DETAIL)])
    return row


def validate_body(row: Row) -> DetentionReportIn | list[Fault]:
    """The report of a row, or its faults."""
    if row.body is None:
        return row.faults
    try:
        return _SCHEMAS[row.body.get("release") is not None].model_validate(row.body)
    except ValidationError as error:
        return [place_fault(row.columns, fault) for fault in build_pointed_errors(error.errors())]


def place_fault(columns: AnyMapping[str, str], error: AnyMapping[str, str]) -> Fault:
    """The fault of an error in the body, at the column of the faulty value. `columns`: field → column."""
    parts = error["pointer"].removeprefix("/").split("/", MAX_POINTER_PARTS)[:MAX_POINTER_PARTS]
    name = next((path for end in range(len(parts), 0, -1) if (path := ".".join(parts[:end])) in columns), "")
    return Fault(columns.get(name), error["pointer"], error["code"], error["detail"])
