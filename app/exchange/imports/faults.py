"""Refusals of a whole file, and faults of a row. A message never quotes the file; the value of a faulty cell stands
beside it, for the sender."""

from dataclasses import dataclass
from typing import Self

from app.exchange.imports import sentences
from app.exchange.imports.fields import FIELDS, Kind
from app.exchange.imports.sentences import KeptFault, KeptRowError, Value

# Kinds of fields whose faulty cells are stored: days, numbers and codes. A name or a note that could not be filed is
# stored nowhere: the sender has it.
STORED_KINDS: frozenset[Kind] = frozenset({"date", "number", "code", "codes", "country", "countries", "state"})


class BadFile(Exception):
    """The file cannot be read as a list. `code` is stable; `detail` says what to do, in English. `spanish`: the same in
    Spanish, where the sentence that belongs to the code is less exact. `place`: a JSON pointer into a mapping."""

    def __init__(
        self, code: str, detail: str, row: int | None = None, spanish: str | None = None, place: str = ""
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.row = row
        self.spanish = spanish
        self.place = place

    @classmethod
    def in_both(cls, name: str, row: int | None = None, *, code: str | None = None, **values: Value) -> Self:
        """A refusal by a sentence in both languages."""
        english, spanish = sentences.in_both("files", name, values if row is None else values | {"row": row})
        return cls(code or name, english, row, spanish)

    def shape(self) -> KeptFault:
        """The refusal as stored."""
        shape: KeptFault = {"code": self.code, "detail": self.detail, "row": self.row}
        return shape if self.spanish is None else {**shape, "spanish": self.spanish}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of a row: the letter of its column (None: the whole row), the pointer to the field of a report, a code,
    and what to do. `value`: the beginning of the cell; `sentence`: its name in `FAULTS`, if its code has several;
    `withdrawn_on`: the day on which the report was withdrawn that the row would bring back."""

    column: str | None
    pointer: str
    code: str
    detail: str
    value: str | None = None
    sentence: str | None = None
    withdrawn_on: str | None = None

    def shape(self) -> KeptRowError:
        shape: KeptRowError = {"column": self.column, "pointer": self.pointer, "code": self.code,
                               "detail": self.detail, "value": self.value}  # fmt: skip
        if self.sentence is not None:
            shape["sentence"] = self.sentence
        if self.withdrawn_on is not None:
            shape["withdrawn_on"] = self.withdrawn_on
        return shape


def as_stored(error: KeptRowError) -> KeptRowError:
    """A fault of a row as it is stored: with the value of the cell only where its field is of STORED_KINDS."""
    field = FIELDS.get(error["pointer"].removeprefix("/").replace("/", "."))
    return error if field is not None and field.kind in STORED_KINDS else {**error, "value": None}


def place_of(letters: str) -> int:
    """A → 0, AA → 26."""
    place = 0
    for capital in letters:
        place = place * 26 + ord(capital) - ord("A") + 1
    return place - 1


def letter(place: int) -> str:
    """The name of a column, counted from 0, as spreadsheets write it: 0 → A, 26 → AA."""
    name = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        name = chr(ord("A") + rest) + name
    return name
