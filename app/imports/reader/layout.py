"""Find the layout of a sheet: its row of headings, and the meaning of each column (pure).

A column means what the answers say; else what its heading and its cells say (`heading_recognition`). A meaning that is
not sure is used, and asked about.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from app.imports.faults import BadFile, format_column_letters, parse_column_letters
from app.imports.fields import (
    EMBARGO,
    FIELDS,
    GIVEN_NAMES,
    NAME,
    PUBLISH,
    PUBLISH_GIVEN_ON,
    SENTENCE_TERM,
    STATE,
    STATE_DAY,
    STATE_MARKS,
    SURNAMES,
)
from app.imports.formats.csv import MAX_COLUMNS, UNDECODED_BYTE, Cells
from app.imports.mapping import HEADING_LENGTH, ListMapping, fold_heading
from app.imports.reader.cell_values import has_digit, is_ditto
from app.imports.reader.code_words import CELL_WORDS
from app.imports.reader.heading_recognition import (
    NOT_NEEDED,
    PHONES,
    ColumnProfile,
    guess_meaning,
    profile_column,
    recognise_heading,
)
from app.imports.reader.heading_words import strip_endings
from app.matching.scripts import fold

# Rows that may stand above the headings: a title, a date, a paragraph.
MAX_HEADING_ROW = 20
# The number of known headings that makes a row the row of headings, unless the sheet is narrower.
MIN_KNOWN_HEADINGS = 2
MIN_GROUP_CELLS = 2  # cells of a row of headings above another: a single cell is a title
PROFILED_ROWS = 2_000  # rows whose cells say what a column means
# Fields that tell people apart: a list without any of them is no list of people.
IDENTIFYING_FIELDS = (NAME, GIVEN_NAMES, SURNAMES, "detention.facility", "detention.detained_on")
# Fields with the parts of a name, each perhaps in several columns: "Primer apellido", "Segundo apellido".
NAME_PARTS = (GIVEN_NAMES, SURNAMES)
# Headings of the full name, or of the surnames beside given names: "Nom, Prénom".
FULL_OR_LAST_NAME = frozenset({"nom", "name"})
# Headings of the full name, or of given names if there is a column of surnames.
FULL_OR_FIRST_NAME = frozenset({"nombre", "name", "nome", "nom"})
AGE_FIELD = "detainee.age"
EMPTY_PROFILE = ColumnProfile(0, 0, 0.0, 0.0, 0.0, False, ())
# Folded heading of ages that names their day → that day, as in a mapping.
_AGE_DAYS = {fold(heading): day for day, headings in CELL_WORDS["age_on"].items() for heading in headings}


def _compile_words(name: str) -> re.Pattern[str]:
    """A pattern of the folded words, or runs of words, of a list under [asked]; it finds whole words."""
    return re.compile(rf"\b(?:{'|'.join(map(fold, CELL_WORDS['asked'][name]))})\b")


_WITHHOLDING, _NOT_WITHHOLDING = _compile_words("withholding"), _compile_words("not_withholding")
_PUBLICATION = _compile_words("publication")
# What a column may be read for if its heading has a word of publication.
PUBLICATION_FIELDS = frozenset({PUBLISH, PUBLISH_GIVEN_ON, EMBARGO})


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its `place`, from 0. `group`: the heading above its own; `fields`: what it is read for, in order.

    `sheet`: its name, if several sheets are read. `is_answered`: the mapping names the column, perhaps to leave it out.
    `is_sure`: nothing else is as likely; `is_counter`: it counts the rows, and is not read; `is_phones`: it has phone
    numbers, which are neither read nor shown, because they endanger families.
    """

    place: int
    heading: str
    fields: tuple[str, ...] = ()
    group: str = ""
    sheet: str | None = None
    is_answered: bool = False
    is_sure: bool = True
    is_counter: bool = False
    is_phones: bool = False
    is_hidden: bool = False
    profile: ColumnProfile = EMPTY_PROFILE

    @property
    def letter(self) -> str:
        letters = format_column_letters(self.place)
        return letters if self.sheet is None else f"{self.sheet}!{letters}"

    @property
    def is_settled(self) -> bool:
        """Whether nothing is asked about the column."""
        return self.is_answered or (self.is_sure and not self.is_hidden)

    @property
    def title(self) -> str:
        """The heading with that of its group."""
        if not self.group or fold_heading(self.group) == fold_heading(self.heading):
            return self.heading or self.group
        return f"{self.group} / {self.heading}" if self.heading else self.group


@dataclass(frozen=True)
class HeadingRow:
    """A row of headings with the groups above. `known_count`: how many of its headings are known."""

    number: int = 0
    headings: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    known_count: int = 0

    @property
    def width(self) -> int:
        return sum(1 for heading in self.headings if heading.strip())

    @property
    def is_found(self) -> bool:
        return self.number > 0 and self.known_count >= min(MIN_KNOWN_HEADINGS, max(1, self.width))

    @property
    def digest(self) -> str:
        """The digest (hex SHA-256) of the headings, by which their mapping is saved."""
        titles = [fold_heading(f"{group} {heading}") for group, heading in zip(self.groups, self.headings, strict=True)]
        return hashlib.sha256("\n".join(titles).encode()).hexdigest()


def find_heading_row(rows: Iterable[Cells], mapping: ListMapping, number: int | None = None) -> HeadingRow:
    """Return the row `number`, or else the row with most known headings among the first rows."""
    best, row_above = HeadingRow(), Cells(0, [])
    for row in rows:
        if row.number > max(MAX_HEADING_ROW, number or 0):
            break
        if len(row.texts) > 4 * MAX_COLUMNS:
            raise BadFile("too_many_columns", f"A list has at most {MAX_COLUMNS} columns: is this one?", row.number)
        candidates = [_build_heading_row(row, [], mapping)]
        if is_group_row(row_above, row):  # of equals the one that says more
            candidates.insert(0, _build_heading_row(row, row_above.texts, mapping))
        for candidate in candidates if number in (None, row.number) else ():
            if candidate.known_count > best.known_count or (number == row.number and not best.number):
                best = candidate
        row_above = row
    return best


def is_group_row(row_above: Cells, row: Cells) -> bool:
    """Whether a row may have the headings of groups of the columns below it."""
    filled = [text.strip() for text in row_above.texts if text.strip()]
    return row_above.number == row.number - 1 and len(filled) >= MIN_GROUP_CELLS and not any(map(has_digit, filled))


def _build_heading_row(row: Cells, group_texts: Sequence[str], mapping: ListMapping) -> HeadingRow:
    """A row of headings. A group stands over all columns up to the next one, as a merged cell does."""
    # "Lugar" may stand to the right in the upper row alone, over an empty cell.
    filled = (place + 1 for texts in (row.texts, group_texts) for place, text in enumerate(texts) if text.strip())
    width = max(filled, default=0)
    headings, groups, group = [], [], ""
    for place in range(width):
        heading = row.text(place)
        group_text = group_texts[place].strip() if place < len(group_texts) else ""
        group = group_text or (group if place < len(group_texts) or group_texts else "")
        headings.append(heading or group_text)
        groups.append(group if heading and fold_heading(group) != fold_heading(heading) else "")
    known_count = sum(
        1
        for place, (heading, group) in enumerate(zip(headings, groups, strict=True))
        if heading and (recognise_heading(heading, group) or mapping.find_targets(place, heading) is not None)
    )
    return HeadingRow(row.number, headings, groups, known_count)


def build_columns(
    heading_row: HeadingRow,
    mapping: ListMapping,
    rows: Iterator[Cells],
    sheet: str | None = None,
    hidden_places: Iterable[int] = (),
) -> list[Column]:
    """Return the columns of a sheet. `rows`: those below the headings; the first of them are read.

    Raises BadFile if the letters of a heading are damaged, or there are too many columns."""
    sample = list(islice(rows, PROFILED_ROWS))
    width = max(
        [
            len(heading_row.headings),
            *(place + 1 for row in sample for place, text in enumerate(row.texts) if text.strip()),
            *(parse_column_letters(letter) + 1 for letter in mapping.positions if _is_in_sheet(letter, sheet)),
        ],
        default=0,
    )
    if width > MAX_COLUMNS:
        raise BadFile("too_many_columns", f"A list has at most {MAX_COLUMNS} columns: is this the right file?")
    hidden = frozenset(hidden_places)
    columns = []
    for place in range(width):
        heading, group = (
            texts[place].strip()[:HEADING_LENGTH] if place < len(texts) else ""
            for texts in (heading_row.headings, heading_row.groups)
        )
        if UNDECODED_BYTE.search(heading):
            raise BadFile(
                "mixed_encodings",
                f"The letters of the heading of column {format_column_letters(place)} are not those of the rest of the "
                "file: save the whole list as CSV UTF-8.",
            )
        profile = profile_column(row.texts[place] for row in sample if place < len(row.texts))
        column = Column(place, heading, group=group, sheet=sheet, is_hidden=place in hidden, profile=profile)
        columns.append(_find_meaning(column, mapping))
    return _settle_meanings(columns)


def _is_in_sheet(letter: str, sheet: str | None) -> bool:
    return "!" not in letter or letter.rpartition("!")[0] == sheet


def _find_meaning(column: Column, mapping: ListMapping) -> Column:
    """Return the column with the meaning that the mapping gives it, or else with the likeliest one."""
    targets = mapping.find_targets(column.place, column.heading, column.sheet)
    if targets is None and column.group:
        targets = mapping.targets.get(fold_heading(column.title))
    if targets is not None:
        return replace(column, fields=tuple(targets), is_answered=True)
    guess = guess_meaning(column.heading, column.group, column.profile)
    if guess.field == PHONES:
        return replace(column, is_phones=True, profile=replace(column.profile, samples=()))
    if not column.heading or guess.field is None:
        return replace(column, is_sure=False)
    if guess.field == NOT_NEEDED:
        return replace(column, is_counter=True, is_sure=guess.is_sure)
    if guess.field not in PUBLICATION_FIELDS and not guess.is_sure and _has_word(column, _WITHHOLDING):
        return replace(column, is_sure=False)  # "Not for release" is about publication
    is_dated_term = guess.field == SENTENCE_TERM and column.profile.dates > 0  # a day is the end of a sentence
    return replace(column, fields=(guess.field,), is_sure=guess.is_sure and not is_dated_term)


def _settle_meanings(columns: list[Column]) -> list[Column]:
    """Return the columns as they stand beside one another.

    "Nombre" beside "Apellidos" is a given name: as the full name it would lose the surnames, as "Nom" beside "Prénom"
    would contradict the given names. Of two columns with one meaning neither is sure, and the later one is asked about
    without a meaning."""
    read_fields = {column.fields[0] for column in columns if column.fields}
    has_surnames = SURNAMES in read_fields
    if SURNAMES in read_fields and GIVEN_NAMES not in read_fields:
        columns = [
            replace(column, fields=(GIVEN_NAMES,))
            if NAME in column.fields
            and not column.is_answered
            and (fold_heading(strip_endings(column.heading)) in FULL_OR_FIRST_NAME or not column.is_sure)
            else column
            for column in columns
        ]
    columns = [
        replace(column, is_sure=True)
        if has_surnames and column.fields == (GIVEN_NAMES,) and _has_short_names(column)
        else column
        for column in columns
    ]
    if GIVEN_NAMES in read_fields and SURNAMES not in read_fields:
        columns = [
            replace(column, fields=(SURNAMES,))
            if not column.is_answered
            and fold_heading(strip_endings(column.heading)) in FULL_OR_LAST_NAME
            and NAME in column.fields
            else column
            for column in columns
        ]
    if STATE_DAY in read_fields and not read_fields & {STATE, *STATE_MARKS}:
        columns = [
            replace(column, fields=(), is_sure=False)
            if column.fields == (STATE_DAY,) and not column.is_answered
            else column
            for column in columns
        ]
    taken = {name for column in columns if column.is_answered for name in column.fields[:1]}
    settled = []
    for column in sorted(columns, key=lambda column: (not column.is_sure, not column.profile.filled)):
        name = column.fields[0] if column.fields else None
        if name is not None and not column.is_answered and not is_repeatable(name):
            if name in taken:
                column = replace(column, fields=(), is_sure=False)
            else:
                taken.add(name)
        settled.append(column)
    return sorted(settled, key=lambda column: column.place)


def _has_short_names(column: Column) -> bool:
    """Whether a column beside surnames is headed as names and holds mostly single names."""
    heading = fold_heading(strip_endings(column.heading)).removesuffix("s")
    return heading in FULL_OR_FIRST_NAME and 2 * sum(" " in text for text in column.profile.samples) < len(
        column.profile.samples
    )


def is_repeatable(name: str) -> bool:
    """Whether several columns may be read for a field: their cells are put together."""
    return name in ("note", *NAME_PARTS) or FIELDS[name].kind in ("lines", "codes", "countries", "links")


def find_repeated_fields(columns: Sequence[Column]) -> list[tuple[str, Column]]:
    """Return each field that a mapping gives to several columns, with the second of them."""
    counts: Counter[str] = Counter()
    repeated = []
    for column in columns:
        for name in column.fields[:1]:
            counts[name] += 1
            if counts[name] == 2 and not is_repeatable(name):
                repeated.append((name, column))
    return repeated


def find_day_of_ages(columns: Sequence[Column]) -> str | None:
    """The day on which people had the listed ages, if the heading of that column names it."""
    headings = (fold_heading(column.title) for column in columns if AGE_FIELD in column.fields)
    return next((_AGE_DAYS[heading] for heading in headings if heading in _AGE_DAYS), None)


def may_withhold(column: Column) -> bool:
    """Whether the heading of a column may say who must not be published, or until when."""
    return _has_word(column, _WITHHOLDING) or _has_word(column, _PUBLICATION)


def _has_word(column: Column, words: re.Pattern[str]) -> bool:
    return words.search(_NOT_WITHHOLDING.sub(" ", fold_heading(column.title))) is not None


def repeat_cells_above(rows: Iterable[Cells]) -> Iterator[Cells]:
    """Write into cells that only say "the same" the text of the cell above them. Below an empty cell the mark stays, to
    be a fault: the value of an earlier row may be another person's."""
    texts_above: dict[int, str] = {}
    for row in rows:
        texts = row.texts
        filled_texts: dict[int, str] = {}
        for place, text in enumerate(texts):
            if not text or text.isspace():
                continue
            if place in texts_above and is_ditto(text):
                text = texts_above[place]
                texts = [*texts[:place], text, *texts[place + 1 :]]
            filled_texts[place] = text
        texts_above = filled_texts
        yield row if texts is row.texts else row._replace(texts=texts)


def has_people(columns: Sequence[Column]) -> bool:
    """Whether columns tell people apart."""
    return any(name in IDENTIFYING_FIELDS for column in columns for name in column.fields)


ReadRows = Callable[[], Iterator[Cells]]
