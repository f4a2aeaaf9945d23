"""A list whose form and columns are known, ready to be read row by row."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from typing_extensions import TypedDict

from app.exchange.imports.cell_values import WORDS, is_date
from app.exchange.imports.cells import Cells
from app.exchange.imports.doubtful_rows import DoubtfulRows
from app.exchange.imports.headings import SENTENCE_TERM, Column, withholding_cells
from app.exchange.imports.mapping import MOST_NAMED, Mapping
from app.exchange.imports.rows import Row
from app.exchange.imports.sentences import StoredQuestion, Value, about_list
from app.exchange.imports.sheet_dates import Order, possible_days
from app.exchange.imports.tally import Tally
from app.matching.scripts import fold
from app.schemas.imports import ImportColumn, ListForm
from app.schemas.text import LAST_ZONE

# Cells that hold nobody back under "No publicar".
NO = frozenset(WORDS["asked"]["no"])
# What a cell says of a person where the day of an article would stand, and what makes a year that runs one to come.
YES_OR_NO = frozenset(WORDS["asked"]["yes_or_no"])
UNTIL = re.compile(r"\b(?:hasta|partir|despues|antes|until|after|before)\b")
YEAR = re.compile(r"(?<!\d)20\d\d(?!\d)")


class OpenedShape(TypedDict):
    """The form, sheets and columns of a list, as its sender reads them."""

    form: ListForm
    digest: str
    columns: list[ImportColumn]
    sheet: str | None
    other_sheets: list[str]
    saved_mapping: bool


@dataclass
class Opened:
    """A list ready to be read. `saved`: its mapping was saved with an earlier list; `rows`, `cells`: read it anew."""

    form: ListForm
    digest: str
    mapping: Mapping
    saved: bool = False
    columns: list[Column] = field(default_factory=list)
    headings: str | None = None  # their digest
    sheet: str | None = None
    other_sheets: list[str] = field(default_factory=list)
    rows: Callable[[], Iterator[Row]] = lambda: iter(())
    cells: Callable[[], Iterator[Cells]] | None = None
    tally: Tally = field(default_factory=Tally)  # of the rows last read

    def count(self) -> tuple[int, bool]:
        """`(number of rows, whether the column of case numbers only counts them)`. Reads to the end: a file that breaks
        off is refused before anything of it is filed. Raises BadFile."""
        if self.cells is None:
            return sum(1 for _row in self.rows()), False
        named = self.mapping.targets
        place = next(
            (c.place for c in self.columns if "source_record_id" in c.fields and fold(c.heading) not in named), None
        )
        number, counting = 0, place is not None
        doubtful = DoubtfulRows(self.columns, self.mapping)
        for row in self.cells():
            if self.mapping.rows and doubtful.open_questions(row) is None:
                continue
            number += 1
            counting = counting and place is not None and row.text(place) == str(number)
        return number, counting and number > 1

    def questions(self, now: datetime) -> list[StoredQuestion]:
        """The questions about whole columns, which only a mapping answers. Raises BadFile."""
        unnamed = [column for column in self.columns if column.fields and not column.named]
        terms = [column for column in unnamed if column.fields == (SENTENCE_TERM,)]
        return [
            *(about_column("hidden_column", column) for column in unnamed if column.hidden),
            *(about_column("sentence_date", column) for column in terms if self._has_dates(column.place)),
            *(about_column("publication_column", column) for column in self.columns if self._may_withhold(column, now)),
        ]

    def _has_dates(self, place: int) -> bool:
        rows = () if self.cells is None else self.cells()
        return any(place < len(row.texts) and is_date(row.texts[place], self.mapping.dates) for row in rows)

    def _may_withhold(self, column: Column, now: datetime) -> bool:
        """Whether some cell of a column that is not read may say that a person must not be published."""
        cells, place = withholding_cells(column), column.place
        if cells is None or self.cells is None:
            return False
        if any(place in row.without for row in self.cells()):
            return True  # a formula without its value may give any
        texts = (row.text(place) for row in self.cells())
        if cells == "day_to_come":
            today = now.astimezone(LAST_ZONE).date()  # an embargo ends where its day has begun everywhere
            return any(_may_hold_back(text, today, self.mapping.dates) for text in texts)
        return any(text and not (cells == "any_but_no" and text.casefold() in NO) for text in texts)

    def shape(self) -> OpenedShape:
        return {
            "form": self.form,
            "digest": self.digest,
            "columns": [
                {"column": column.letter, "heading": column.heading, "fields": list(column.fields)}
                for column in self.columns
            ],
            "sheet": self.sheet,
            "other_sheets": self.other_sheets,
            "saved_mapping": self.saved,
        }


def _may_hold_back(text: str, today: date, order: Order | None) -> bool:
    """Whether a cell under a heading of publication says yes or no, or may mean a day to come: one that is no day and
    no link may, by a year to come, or by this year with "hasta" or "a partir de"."""
    words, days = fold(text), possible_days(text, order)
    years = () if days or "//" in text else map(int, YEAR.findall(text))
    soonest = today.year if UNTIL.search(words) else today.year + 1
    return words in YES_OR_NO or any(day > today for day in days) or any(year >= soonest for year in years)


def about_column(code: str, column: Column, **values: Value) -> StoredQuestion:
    """A question about a column."""
    return about_list(code, "mapping", column=column.letter, heading=column.heading[:MOST_NAMED], **values)


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
