"""Find the published figures in a sheet without people: labels with numbers, tables by prison or month (pure).

Every row must be a heading, a figure, or a remark. A sheet with any other row has no figures, because a list of people
must never be taken for one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.imports.reader.figure_words import (
    NO_NUMBER,
    PARTICLES,
    NumberRead,
    Reading,
    has_any_word,
    has_word,
    is_month,
    is_rate,
    looks_like_name,
    parse_count,
    read_label,
    read_window,
    split_qualifier,
    split_words,
)
from app.vocabulary import Measure, Qualifier

MAX_FIGURE_ROWS = 200  # a longer sheet is a list
MAX_FIGURES = 150
MAX_REMARK_ROWS = 5  # rows of text before the first figure, or after the last one
MIN_FIGURES_UNDER_TITLE = 2  # under a title that may be a name
SEPARATOR = " · "


@dataclass(frozen=True)
class Figure:
    """A published figure: its label as printed, and what the words of the label say.

    `measure`: None if the label does not say what is counted. `row`: its number in the sheet. `terms`: of a claim.
    `window`: the day, month or year of the figure, or empty. `population`: the words of the label that neither terms
    nor window say. `is_total`: it adds up other figures of the sheet.
    """

    label: str
    number: int
    measure: Measure | None
    row: int
    terms: Mapping[str, str] = field(default_factory=dict)
    window: str = ""
    qualifier: Qualifier = Qualifier.EXACTLY
    population: str = ""
    is_total: bool = False


class _NoFigures(Exception):
    """A row is neither a heading, nor a figure, nor a remark."""


def find_figures(rows: Sequence[Sequence[str]]) -> list[Figure]:
    """Return the figures of a sheet; none if it may have people."""
    filled_rows = [
        (number, [" ".join(cell.split()) for cell in row])
        for number, row in enumerate(rows, 1)
        if any(cell.strip() for cell in row)
    ]
    if len(filled_rows) > MAX_FIGURE_ROWS:
        return []
    try:
        figures = _SheetReader(filled_rows).read()
    except _NoFigures:
        return []
    return figures if len(figures) <= MAX_FIGURES else []


_LABEL, _COUNT, _IGNORED = "label", "count", "ignored"


@dataclass
class _TableColumn:
    """A column of a table. `role`: label, count or ignored; `term`: what the labels of a column are, if a claim can
    say it."""

    place: int
    heading: str
    role: str
    term: str = ""
    reading: Reading = field(default_factory=Reading)
    window: str = ""


@dataclass
class _Table:
    columns: list[_TableColumn]
    labels: set[tuple[str, ...]] = field(default_factory=set)
    rows: list[list[int]] = field(default_factory=list)

    def get_columns(self, role: str) -> list[_TableColumn]:
        return [column for column in self.columns if column.role == role]


class _SheetReader:
    """Reads the rows of a sheet in order."""

    def __init__(self, rows: Sequence[tuple[int, list[str]]]) -> None:
        self._rows = rows
        self._figures: list[Figure] = []
        self._remarks: list[str] = []  # since the last figure or heading
        self._title = ""  # the last remark that says what is counted
        self._has_name_title = False
        self._table: _Table | None = None
        years = {year for _number, cells in rows for cell in cells for year in re.findall(r"\b(?:19|20)\d\d\b", cell)}
        self._year = years.pop() if len(years) == 1 else None

    def read(self) -> list[Figure]:
        """Return the figures. Raises _NoFigures."""
        place = 0
        while place < len(self._rows):
            number, cells = self._rows[place]
            following = self._rows[place + 1][1] if place + 1 < len(self._rows) else []
            joined_cells = _join_group_row(cells, following) if following else []
            if joined_cells and (table := self._build_table(joined_cells, place + 2)):
                self._begin_table(table)
                place += 2
                continue
            if table := self._build_table(cells, place + 1):
                self._begin_table(table)
            else:
                self._read_row(number, cells)
            place += 1
        if self._has_name_title and len(self._figures) < MIN_FIGURES_UNDER_TITLE:
            raise _NoFigures
        return self._figures

    def _begin_table(self, table: _Table) -> None:
        self._table, self._remarks = table, []

    def _read_row(self, number: int, cells: list[str]) -> None:
        figures = self._read_table_row(number, cells) if self._table else []
        figures = figures or self._read_labelled_numbers(number, cells)
        if figures:
            self._figures += figures
            self._remarks = []
            return
        self._read_remark(cells)

    def _read_remark(self, cells: list[str]) -> None:
        """Read a title, a section or a note. Raises _NoFigures for a row that may be a person."""
        texts = [cell for cell in cells if cell]
        self._remarks.append(texts[0])
        is_note = has_word(texts[0], "remarks") or bool(read_window(texts[0], self._year))
        if (len(texts) > 1 and not is_note) or len(self._remarks) > MAX_REMARK_ROWS:
            raise _NoFigures
        if looks_like_name(texts[0]) and not is_note:
            if self._figures or self._has_name_title or self._rows[0][1] != cells:
                raise _NoFigures
            self._has_name_title = True
        if has_any_word(texts[0], "personal") and len(split_words(texts[0])) == 1:
            raise _NoFigures  # the heading of a column of names, ages or days
        reading = read_label(texts[0])
        if (not is_note and not self._figures) or reading.measure:
            self._title = texts[0]

    # Labels with their numbers, without headings.

    def _read_labelled_numbers(self, number: int, cells: list[str]) -> list[Figure]:
        """Read "Detenidos | 905", "Detenidos: 905", or several of them in one row."""
        texts = [cell for cell in cells if cell]
        counts = [parse_count(text) for text in texts]
        if len(texts) >= 2 and len(texts) % 2 == 0 and not any(counts[::2]) and all(counts[1::2]):
            pairs = [(label, count) for label, count in zip(texts[::2], counts[1::2], strict=True) if count]
        elif len(texts) == 3 and counts[0] is None and counts[1] and is_rate(texts[2]):
            pairs = [(texts[0], counts[1])]
        else:
            found = [pair for text in texts for pair in _split_running_text(text)]
            pairs = found if all(_split_running_text(text) for text in texts) else []
        figures = [
            figure
            for label, count in pairs
            if (figure := self._build_labelled_figure(number, label, count)) is not None
        ]
        return figures if len(figures) == len(pairs) else []

    def _build_labelled_figure(self, row: int, label: str, count: NumberRead) -> Figure | None:
        label = label.rstrip(" :=-–—.")
        label = label.partition(": ")[2] if ": " in label else label
        reading, window = read_label(label), read_window(label, self._year)
        is_place = has_any_word(label, "places")
        if not (reading.may_be_counted or window or (is_place and read_label(self._title).measure)):
            return None
        qualifier, said = count
        title_measure = read_label(self._title).measure
        measure = reading.measure or (None if reading.is_unclear else title_measure)
        has_title = bool(reading.measure is None and title_measure and not reading.is_unclear)
        return Figure(
            f"{label}{SEPARATOR}{self._title}" if has_title else label,
            said,
            measure,
            row,
            dict(reading.terms) if not is_place else {},
            window,
            qualifier,
            label if (is_place or not reading.is_whole) and not window else "",
            reading.is_total,
        )

    # Tables with headings.

    def _build_table(self, cells: list[str], below: int) -> _Table | None:
        """Return the table that a row of headings begins; None if it is no such row. Raises _NoFigures.

        `below`: the index of the first row below the headings."""
        filled = [(place, cell) for place, cell in enumerate(cells) if cell]
        is_numeric = [parse_count(cell) is not None and not _is_year(cell) for _place, cell in filled]
        if len(filled) < 2 or any(is_numeric) or any(is_rate(cell) for _place, cell in filled):
            return None
        columns = [self._read_heading(place, cell, below) for place, cell in filled]
        first_place, last_place = filled[0][0], filled[-1][0]
        if first_place > 0 and self._is_label_column(0, below):
            columns.insert(0, _TableColumn(0, "", _LABEL))
        known_columns = [column for column in columns if column is not None]
        counts = [column for column in known_columns if column.role == _COUNT]
        if not counts or not self._has_numbers(counts, below):
            return None
        if len(known_columns) < len(columns) or any(
            len(row) > last_place + 1 and any(row[last_place + 1 :]) for _number, row in self._rows[below:]
        ):
            raise _NoFigures
        return _Table(known_columns)

    def _has_numbers(self, counts: Sequence[_TableColumn], below: int) -> bool:
        """Whether the row below a row of headings has numbers in its columns of counts; a section may come between."""
        for _number, row in self._rows[below : below + 2]:
            cells = [row[column.place] for column in counts if column.place < len(row)]
            if any(parse_count(cell) for cell in cells):
                return True
        return False

    def _is_label_column(self, place: int, below: int) -> bool:
        return any(place < len(row) and row[place] and parse_count(row[place]) is None for _number, row in
                   self._rows[below : below + 2])  # fmt: skip

    def _read_heading(self, place: int, heading: str, below: int) -> _TableColumn | None:
        """Return the column of a heading; None if the heading is not known in a list of figures."""
        cells = [row[place] for _number, row in self._rows[below:] if place < len(row) and row[place]]
        numbers = [count for cell in cells if (count := parse_count(cell)) is not None]
        reading = read_label(heading)
        if (has_word(heading, "numbers") and len(split_words(heading)) == 1) or heading == "#":
            is_sequence = [number for _qualifier, number in numbers[:3]] == [1, 2, 3][: len(numbers)]
            return _TableColumn(place, heading, _IGNORED if is_sequence else _COUNT)
        if "%" in heading or has_any_word(heading, "rates"):
            return _TableColumn(place, heading, _IGNORED)
        if (
            is_month(heading)
            or _is_year(heading)
            or (read_window(heading, self._year) and len(numbers) > len(cells) / 2)
        ):
            return _TableColumn(place, heading, _COUNT, window=read_window(heading, self._year))
        label_term = _find_label_term(heading)
        if label_term is not None and all(_is_year(cell) for cell in cells if parse_count(cell)):
            return _TableColumn(place, heading, _LABEL, label_term)
        if has_any_word(heading, "personal"):
            return None
        if reading.may_be_counted:
            return _TableColumn(place, heading, _COUNT, reading=reading)
        return _TableColumn(place, heading, _IGNORED) if has_word(heading, "remarks") else None

    def _read_table_row(self, number: int, cells: list[str]) -> list[Figure]:
        """Read a row below headings; none if it has no number. Raises _NoFigures."""
        assert self._table is not None
        table = self._table
        counts = table.get_columns(_COUNT)
        texts = {column.place: cells[column.place] if column.place < len(cells) else "" for column in table.columns}
        parsed = {column.place: parse_count(texts[column.place]) for column in counts}
        if not any(parsed.values()):
            return []
        known_places = {column.place for column in table.columns}
        is_strange = any(cell and place not in known_places and not is_rate(cell) for place, cell in enumerate(cells))
        is_unread = any(
            parsed[column.place] is None
            and texts[column.place].casefold() not in NO_NUMBER
            and not is_rate(texts[column.place])
            for column in counts
        )
        if is_strange or is_unread:
            raise _NoFigures
        labels = [(column, texts[column.place]) for column in table.get_columns(_LABEL)]
        self._check_labels(table, labels)
        figures = [
            self._build_table_figure(number, labels, column, count)
            for column in counts
            if (count := parsed[column.place]) is not None
        ]
        if not any(text for _column, text in labels):
            if labels and not _is_sum(table.rows, figures):
                raise _NoFigures
            if labels:
                figures = [replace(figure, is_total=True) for figure in figures]
            elif table.rows:
                raise _NoFigures  # several rows without labels
        if not any(read_label(text).is_total for _column, text in labels):
            table.rows.append([figure.number for figure in figures])
        return figures

    def _check_labels(self, table: _Table, labels: Sequence[tuple[_TableColumn, str]]) -> None:
        """Raise _NoFigures for a label that may name a person, or that comes a second time, as in a list of people."""
        key = tuple(text.casefold() for _column, text in labels)
        if any(key) and (*self._remarks, *key) in table.labels:
            raise _NoFigures
        table.labels.add((*self._remarks, *key))
        for column, text in labels:
            if parse_count(text) is not None and not _is_year(text):
                raise _NoFigures
            if not text or column.term in _PLACE_TERMS:
                continue
            is_known = read_label(text).is_known or read_window(text, self._year) or has_any_word(text, "places")
            is_headed = bool(column.heading) and (column.term != _OTHER or self._says_what_is_counted(table))
            if not is_known and (looks_like_name(text) or not is_headed):
                raise _NoFigures

    def _says_what_is_counted(self, table: _Table) -> bool:
        readings = [read_label(self._title), *(column.reading for column in table.get_columns(_COUNT))]
        return any(reading.measure for reading in readings)

    def _build_table_figure(
        self, row: int, labels: Sequence[tuple[_TableColumn, str]], column: _TableColumn, count: NumberRead
    ) -> Figure:
        terms: dict[str, str] = dict(column.reading.terms)
        window, unread = (
            column.window,
            [column.heading] if column.reading.is_known and not column.reading.is_whole else [],
        )
        measures = {column.reading.measure} - {None}
        is_total, is_unclear = column.reading.is_total and not column.reading.measure, column.reading.is_unclear
        for label_column, text in labels:
            if not text:
                continue
            reading, label_window = read_label(text), read_window(text, self._year)
            is_row_total = reading.is_total and not reading.unread
            is_total = is_total or is_row_total
            if label_window and label_column.term not in _PLACE_TERMS:
                window = _narrow_to_month(label_column.heading, label_window)
            elif label_column.term in _CLAIM_TERMS and not (is_row_total or reading.measure or reading.terms):
                terms[label_column.term] = text
            elif not is_row_total:
                measures |= {reading.measure} - {None}
                is_unclear = is_unclear or reading.is_unclear
                terms |= reading.terms
                unread += [] if reading.is_whole else [text]
        section = [remark for remark in self._remarks if self._figures and remark != self._title]
        is_sum_of_measures = is_total and self._is_total_of_measures(column)
        title_measure = read_label(self._title).measure if not is_unclear and not is_sum_of_measures else None
        measure = next(iter(measures)) if len(measures) == 1 and not is_unclear else None
        uses_title = not measures and title_measure is not None
        parts = [*section, *(text for _column, text in labels if text), column.heading, *([self._title] * uses_title)]
        return Figure(
            SEPARATOR.join(dict.fromkeys(parts)),
            count[1],
            title_measure if uses_title else measure,
            row,
            terms,
            window,
            count[0],
            SEPARATOR.join([*section, *unread]),
            is_total,
        )

    def _is_total_of_measures(self, column: _TableColumn) -> bool:
        """Whether a column adds up columns of different measures: released and held together are no measure."""
        assert self._table is not None
        measures = {other.reading.measure for other in self._table.get_columns(_COUNT) if other is not column}
        return len(measures - {None}) > 1


# Heading words → the term of labels under them. Where a claim has no such term, it is part of the population.
_FACILITY, _AREA, _WINDOW, _PLACE, _OTHER = "facility", "area", "window", "place", "other"
_LABEL_WORDS = {
    _FACILITY: "by_facility",
    _AREA: "by_area",
    _WINDOW: "by_window",
    _PLACE: "by_place",
    _OTHER: "by_other",
}
_PLACE_TERMS = frozenset({_FACILITY, _AREA, _PLACE})
_CLAIM_TERMS = frozenset({_FACILITY, _AREA})
_NAME_OF = re.compile(r"(?i)^(?:nombre|name) (?:del|de la|de los|of the|of) ")


def _find_label_term(heading: str) -> str | None:
    """Return what labels under a heading are; None if it heads no labels of figures."""
    first, *further = split_words(_NAME_OF.sub("", heading)) or ("",)
    further_text = " ".join(further)
    term = next((term for term, key in _LABEL_WORDS.items() if has_any_word(first, key)), None)
    if term is None or (term != _WINDOW and has_any_word(further_text, "personal")) or "nacimiento" in further:
        return None
    is_qualified = any(word not in PARTICLES and not has_any_word(word, "custody") for word in further)
    return _PLACE if term in _CLAIM_TERMS and is_qualified else term


def _is_year(text: str) -> bool:
    return re.fullmatch(r"(?:19|20)\d\d", text) is not None


def _narrow_to_month(heading: str, window: str) -> str:
    """Return the month of a day under a heading "Mes": a spreadsheet stores a month as its first day."""
    return window[:7] if has_any_word(heading, "months") and window.endswith("-01") else window


def _join_group_row(groups: Sequence[str], cells: Sequence[str]) -> list[str] | None:
    """Return the headings of two rows as one, where the upper row has merged cells; None if it has none."""
    filled = [cell for cell in groups if cell]
    if len(filled) < 2 or any(parse_count(cell) for cell in (*groups, *cells)) or len(filled) >= sum(map(bool, cells)):
        return None
    joined, group = [], ""
    for place in range(max(len(groups), len(cells))):
        upper, lower = (row[place] if place < len(row) else "" for row in (groups, cells))
        group = upper or group
        joined.append(f"{group} {lower}".strip() if lower else upper)
    return joined


def _is_sum(rows: Sequence[Sequence[int]], figures: Sequence[Figure]) -> bool:
    """Whether the numbers of a row are the sums of the rows above."""
    sums = [sum(column) for column in zip(*rows, strict=False)]
    return len(rows) > 1 and sums == [figure.number for figure in figures]


_PIECE_BREAK = re.compile(r"\s*(?:[·•;|\n\t]|\s/\s|,\s+(?=\D)|\.\s+(?=\D))\s*")
_LABEL_FIRST = re.compile(r"([^\d]*[^\W\d][^\d]*?)\s*([\d][\d.,' ]*)")
_NUMBER_FIRST = re.compile(r"((?:[^\W\d]+\s+){0,3})(\d[\d.,']*)\s+([^\d]+)")


def _split_running_text(text: str) -> list[tuple[str, NumberRead]]:
    """Split "Resumen: Detenidos 905 · Excarcelados 56" into labels with their numbers; nothing if a part has none."""
    pairs = []
    for piece in filter(None, _PIECE_BREAK.split(text.strip(" .·;"))):
        if (match := _NUMBER_FIRST.fullmatch(piece)) and (count := parse_count(f"{match[1]}{match[2]}")):
            pairs.append((match[3], count))
        elif (match := _LABEL_FIRST.fullmatch(piece)) and (count := parse_count(match[2].strip(" .,"))):
            if piece == text.strip() and _is_year(match[2].strip(" .,")) and not match[1].rstrip().endswith((":", "=")):
                return []  # a title with its year
            label, qualifier = split_qualifier(match[1].strip(" :=-–—"))
            pairs.append((label, (qualifier, count[1])))
        else:
            return []
    return pairs
