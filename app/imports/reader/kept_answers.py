"""Keep the answers about rows for the next list: a row with the same cells is not asked about again (pure).

An answer is kept only while nothing that it was about has changed: the cells of the row, what marks it, and what its
columns, words and colour mean.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from app.imports.formats.csv import Cells
from app.imports.mapping import CELL_QUESTIONS, Answer, ListMapping, Question
from app.imports.reader.code_words import fold_short_text
from app.imports.reader.doubts import DoubtfulRows, find_row_colour, is_certain_sum
from app.imports.reader.layout import Column

MAX_KEPT_ROWS = 1_000
DIGEST_DIGITS = 24
# What else is asked depends on other rows, on a comment, or on what the registry has.
KEPT_CELL_QUESTIONS = CELL_QUESTIONS - {Question.REPEATED}
LabelRow = Callable[[int], str]


def digest_row(cells: Cells, columns: Sequence[Column], mapping: ListMapping) -> str:
    """Return a digest of the cells of a row, its marks, and what its columns, words and colour mean."""
    read = [column for column in columns if not (column.is_counter or column.is_phones)]
    colour = find_row_colour(cells, [column.place for column in read], ()) if cells.colours else None
    facts = [
        [column.sheet, column.title, column.fields, text, _list_meanings(column, text, mapping)]
        for column in read
        if (text := cells.text(column.place))
    ]
    marks = sorted((code, list(places)) for code, places in cells.marks.items())
    content = json.dumps([facts, marks, mapping.colours.get(colour or "")], ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()[:DIGEST_DIGITS]


def _list_meanings(column: Column, text: str, mapping: ListMapping) -> list[tuple[str, str]]:
    folded = fold_short_text(text)
    meanings = (meaning for name in column.fields for meaning in mapping.meanings.get(name, {}).items())
    return [(word, code) for word, code in meanings if word in folded]


def find_kept_answers(
    rows: Iterable[Cells], columns: Sequence[Column], mapping: ListMapping, label_row: LabelRow
) -> Iterator[tuple[str, Answer]]:
    """Yield the answers that equal rows of the last list got, as `rows` of a mapping names them."""
    by_digest: dict[str, list[tuple[str, Answer]]] = {}
    for key, answer in mapping.kept_rows.items():
        digest, _space, question = key.partition(" ")
        by_digest.setdefault(digest, []).append((question, answer))
    for cells in rows:
        label = label_row(cells.number)
        for question, answer in by_digest.get(digest_row(cells, columns, mapping), ()):
            if not {f"{label} {question}".strip(), question} & mapping.rows.keys():
                yield f"{label} {question}".strip(), answer


def collect_answers(
    rows: Iterable[Cells],
    columns: Sequence[Column],
    mapping: ListMapping,
    label_row: LabelRow,
    asked: Mapping[int, Collection[str]],
) -> dict[str, Answer]:
    """Return digest of a row and question → its answer, to be kept. `asked`: row → what it asks without answers."""
    doubtful = DoubtfulRows(columns, mapping, label_row)
    kept: dict[str, Answer] = {}
    for cells in rows:
        answers = {
            f" {code}": answer
            for code in KEPT_CELL_QUESTIONS
            if code in asked.get(cells.number, ()) or f"{label_row(cells.number)} {code}" in mapping.rows
            if (answer := mapping.find_row_answer(label_row(cells.number), Question(code))) is not None
        }
        if doubtful.find_questions(cells) and Question.COMMENT not in cells.marks and not is_certain_sum(cells):
            questions = doubtful.find_open_questions(cells)
            if not questions:
                answers[""] = Answer.LEAVE_OUT if questions is None else Answer.READ
        for question, answer in answers.items():
            if answer is not Answer.HELD and len(kept) < MAX_KEPT_ROWS:  # who is still held is true of one day
                kept[digest_row(cells, columns, mapping) + question] = answer
    return kept
