"""Counts for a receipt: rows with some property, and cells that gave neither a value nor a fault (pure).

Read a row of cells as the body of a report, or find its faults, column by column (pure).

Check a row against the schema of a report, before any look-up in a registry (pure)."""

from collections import Counter
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from pydantic import ValidationError
from typing_extensions import TypedDict

from app.errors import pointed_errors
from app.imports.cell_values import STATE_CODES, UnreadCell, plain, state_in, value
from app.imports.doubts import GENDER, DoubtfulRows, Keys, Repeated
from app.imports.faults import Fault, letter, place_of, question
from app.imports.fields import FIELDS, GIVEN_NAMES, NAME, STATE, SURNAMES
from app.imports.formats.csv import Cells
from app.imports.headings import Column, day_of_ages
from app.imports.mapping import DAYS_OF_AGES, Answer, Mapping
from app.log.content import AGE, AGE_ON
from app.matching.scripts import words
from app.schemas.imports import ImportLeftOut, ImportUnread, ImportUnsaid
from app.schemas.reports import NAME_LENGTH, NOTE_LENGTH, DetentionReportIn, ReleaseReportIn
from app.vocabulary import Stage

MOST_EXAMPLES = 3  # rows that are named: enough to look them up
MOST_WORDS = 200  # words for "unknown": each column has a few


class RowsCounted:
    """The number of rows with some property, and the first of them."""

    def __init__(self, count: int = 0, rows: Sequence[int] = ()) -> None:
        self.count = count
        self.rows = list(rows)

    def add(self, *numbers: int, count: int = 1) -> None:
        """Add `count` rows, of which `numbers` are the first."""
        self.count += count
        self.rows += numbers[: max(0, MOST_EXAMPLES - len(self.rows))]

    def shape(self) -> ImportLeftOut:
        return {"count": self.count, "rows": self.rows}


class TallyShape(TypedDict):
    """The tally in a receipt."""

    unsaid: list[ImportUnsaid]
    unread: list[ImportUnread]
    left_out: ImportLeftOut


class Tally:
    """The cells of a list that gave neither a value nor a fault, counted: nothing must be lost in silence."""

    def __init__(self) -> None:
        self.unsaid: Counter[tuple[str, str]] = Counter()  # (column, word) → cells read as "unknown"
        self.unread: Counter[str] = Counter()  # column → cells that were not read
        self.left_out = RowsCounted()

    def shape(self) -> TallyShape:
        return {
            "unsaid": [
                {"column": column, "word": word, "count": count}
                for (column, word), count in self.unsaid.most_common(MOST_WORDS)
            ],
            "unread": [{"column": column, "count": count} for column, count in sorted(self.unread.items())],
            "left_out": self.left_out.shape(),
        }


# Field → its longest text, where that is longer than a name; for a longer text the column's next field is tried.
LONGER = {"note": NOTE_LENGTH, "detention.charges": NOTE_LENGTH}
MOST_SHOWN = 60  # characters of a cell that are shown beside its fault
Body = dict[str, Any]
REMEMBERED = 10_000  # cells: some megabytes
REPEATED = frozenset({"date", "code", "codes", "country", "countries"})


@dataclass(frozen=True, slots=True)
class Row:
    """A row by its number in the file: its body, or its faults. `columns`: field → its column, in which a fault of the
    body is placed; `cells`: the texts that are shown beside faults; `if_withdrawn`: what to do if it would bring back a
    withdrawn report, if that is answered."""

    number: int
    body: Body | None
    faults: list[Fault]
    columns: dict[str, str] = field(default_factory=dict)
    cells: Sequence[str] = ()
    if_withdrawn: Answer | None = None

    def with_value(self, fault: Fault) -> Fault:
        """A fault with the beginning of its cell."""
        place = -1 if fault.column is None else place_of(fault.column)
        text = self.cells[place].strip() if 0 <= place < len(self.cells) else ""
        return replace(fault, value=text[:MOST_SHOWN]) if text else fault


class Reader:
    """Reads the rows of one list."""

    def __init__(
        self,
        columns: Sequence[Column],
        mapping: Mapping,
        genders: dict[str, str] | None = None,
        tally: Tally | None = None,
    ) -> None:
        """`genders`: letter → its gender in this list, unless the mapping gives it another."""
        self.tally = tally or Tally()
        self._doubtful = DoubtfulRows(columns, mapping)
        self._unread = [column for column in columns if not column.fields]
        self._columns = [column for column in columns if column.fields]
        self._width = len(columns)
        self._order = mapping.dates
        self._if_withdrawn = mapping.if_withdrawn if mapping.rows else lambda _row: None
        self._meanings = {**mapping.meanings, GENDER: (genders or {}) | mapping.meanings.get(GENDER, {})}
        self._constants = {name: mapping.constant(name) for name in mapping.constants}
        self._day_of_ages = mapping.age_on or day_of_ages(columns)
        # A list has few days, places and codes, each many times.
        self._remembered = lru_cache(maxsize=REMEMBERED)(self._value)
        self._letters = {name: column.letter for column in reversed(self._columns) for name in column.fields}

    def read(self, cells: Cells) -> Row | None:
        """A row with its body, its faults or its questions; None if the mapping leaves the row out."""
        questions = self._doubtful.open_questions(cells)
        if questions is None:
            self.tally.left_out.add(cells.number)
            return None
        if questions:
            faults = [
                Fault(about.column, "", about.question, question(about.question, cells.number)) for about in questions
            ]
            return Row(cells.number, None, faults, self._letters, cells.texts)
        faults = []
        fields: Body = {name: note for name, note in self._constants.items() if name == "note"}  # cells add to it
        for column in self._columns:
            if column.place in cells.without:
                detail = "This cell has no value, only a formula or an error: put the value there."
                faults.append(Fault(column.letter, pointer_to(column.fields[0]), "formula", detail))
                continue
            try:
                text = plain(cells.texts[column.place]) if column.place < len(cells.texts) else ""
                if text:
                    self._take(fields, column, text)
            except UnreadCell as error:
                if column.maybe:
                    self.tally.unread[column.letter] += 1
                else:
                    faults.append(_unread(column, error))
        for column in self._unread:
            if column.place in cells.without or cells.text(column.place):
                self.tally.unread[column.letter] += 1
        beyond = next((place for place in range(self._width, len(cells.texts)) if cells.text(place)), None)
        if beyond is not None:
            detail = "This row has more cells than there are headings: is a quotation mark or a delimiter wrong in it?"
            faults.append(Fault(letter(beyond), "", "too_many_cells", detail))
        fields = self._constants | fields
        faults += self._of_the_whole(fields)
        self._date_age(fields)
        body = None if faults else unfold(fields)
        return Row(cells.number, body, faults, self._letters, cells.texts, self._if_withdrawn(cells.number))

    def _of_the_whole(self, fields: Body) -> list[Fault]:
        """Join values of several cells; the faults of values that contradict one another."""
        faults = []
        if not _join_names(fields):
            detail = "The name and its parts in other columns differ: correct one, or leave a column out in a mapping."
            faults.append(Fault(self._letters.get(NAME), pointer_to(NAME), "two_names", detail))
        if not _tell_state(fields):
            detail = "This says of the person what the rest of the row contradicts: correct one of them."
            faults.append(Fault(self._letters.get(STATE), pointer_to(STATE), "state_contradicts", detail))
        return faults

    def _date_age(self, fields: Body) -> None:
        """Give the age of a row its day, if a heading or the mapping names that."""
        day = self._day_of_ages
        if day is None or AGE not in fields or AGE_ON in fields:
            return
        on = fields.get(DAYS_OF_AGES[day]) if day in DAYS_OF_AGES else day
        if on is not None:
            fields[AGE_ON] = on

    def _value(self, name: str, text: str) -> Any:
        return value(name, text, self._order, self._meanings.get(name))

    def _take(self, fields: Body, column: Column, text: str) -> None:
        """Give the cell to the first field of its column that can read it. Raises the UnreadCell of the last field."""
        for name in column.fields:
            try:
                read = (self._remembered if FIELDS[name].kind in REPEATED else self._value)(name, text)
            except UnreadCell:
                if name == column.fields[-1]:
                    raise
                continue
            if name != column.fields[-1] and too_long(name, read):
                continue
            if name == "note" and (state := state_in(text)) is not None:
                fields.setdefault(STATE, state)
            if name == "note" and name in fields:
                read = f"{fields[name]}\n{read}"
            if read is None or read == []:
                self.tally.unsaid[column.letter, text[:MOST_SHOWN]] += 1
            elif fields.setdefault(name, read) != read and name != "note":
                if name != column.fields[-1]:
                    continue
                raise UnreadCell(
                    "two_cells_for_one",
                    "Another cell of this row says something else of the same: correct one of them.",
                )
            else:
                fields[name] = read
            return


def too_long(name: str, read: Any) -> bool:
    """Whether a text is too long for a field, so that the next field of the column is tried."""
    texts = read if isinstance(read, list) else [read]
    most = LONGER.get(name, NAME_LENGTH)
    return name != "note" and any(isinstance(text, str) and len(text) > most for text in texts)


def _join_names(fields: Body) -> bool:
    """Join the full name from its parts; False where the row has another full name."""
    name = " ".join(part for path in (GIVEN_NAMES, SURNAMES) if (part := fields.pop(path, None)))
    if name and NAME in fields:
        return set(words(name)) <= set(words(fields[NAME]))
    if name:
        fields[NAME] = name
    return True


def _tell_state(fields: Body) -> bool:
    """Turn a state into its fields; False where another column of the row contradicts it."""
    codes, state = fields.pop(STATE, (None, None))
    if codes:
        return bool(fields.setdefault(STATE_CODES[codes], state) == state)
    if state == "released":
        fields.setdefault("release.stage", Stage.CARRIED_OUT.value)
    return state != "held" or not any(name.startswith("release.") for name in fields)


def unfold(fields: Body) -> Body:
    """`{"release.kind": …}` → `{"release": {"kind": …}}`."""
    body: Body = {}
    for path, read in fields.items():
        *sections, name = path.split(".")
        target = body
        for section in sections:
            target = target.setdefault(section, {})
        target[name] = read
    return body


def _unread(column: Column, error: UnreadCell) -> Fault:
    pointer = pointer_to(column.fields[0])
    return Fault(column.letter, pointer, error.code, str(error), sentence=error.sentence)


def pointer_to(name: str) -> str:
    return "/" + name.replace(".", "/")


# Parts of a pointer that are read: a section, a field, an index, a field there, and a part to spare.
MOST_PARTS = 5

_SCHEMAS: dict[bool, type[DetentionReportIn]] = {True: ReleaseReportIn, False: DetentionReportIn}


def numbered(row: Row, keys: Keys) -> Row:
    """The row with a case number in its body; with a fault if an earlier row has the same number."""
    if row.body is None:
        return row
    try:
        keys.give(row.number, row.body)
    except Repeated as earlier:
        column = row.columns.get("source_record_id")
        detail = f"Row {earlier.row} of this file has the same case number: each row needs its own."
        return replace(row, body=None, faults=[Fault(column, "/source_record_id", "repeated_case_number", detail)])
    return row


def body_of(row: Row) -> DetentionReportIn | list[Fault]:
    """The report of a row, or its faults."""
    if row.body is None:
        return row.faults
    try:
        return _SCHEMAS[row.body.get("release") is not None].model_validate(row.body)
    except ValidationError as error:
        return [placed(row.columns, fault) for fault in pointed_errors(error.errors())]


def placed(columns: AnyMapping[str, str], error: AnyMapping[str, str]) -> Fault:
    """The fault of an error in the body, at the column of the faulty value. `columns`: field → column."""
    parts = error["pointer"].removeprefix("/").split("/", MOST_PARTS)[:MOST_PARTS]
    name = next((path for end in range(len(parts), 0, -1) if (path := ".".join(parts[:end])) in columns), "")
    return Fault(columns.get(name), error["pointer"], error["code"], error["detail"])
