"""What a person should look at before anything of a list is filed: it is read whole, and held against what stands."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlmodel import Session

from app.database import chunks
from app.exchange.imports.checked import body_of, numbered
from app.exchange.imports.headings import day_of_ages
from app.exchange.imports.keys import DERIVED, Keys
from app.exchange.imports.lists import Opened
from app.exchange.imports.rows import Row
from app.exchange.imports.says import says
from app.registry import records
from app.registry.content import AGE, AGE_ON, BIRTH

# A list of this many times more or fewer rows than the last one is likely another list, or half of one.
FAR = 2
# Below this a list may well double.
FEW = 20
# Reports that lose a field before it is taken for a column that is gone: of a single one it is a correction.
LEAST_LOST = 2
MOST_TOLD = 5  # rows or fields that a question names
# A zero before other digits, and not after one: a spreadsheet drops it from what it takes for a number.
_LEADING_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")

AGE_NAME, DAY_NAME, BIRTH_NAME = (name.removeprefix("detainee.") for name in (AGE, AGE_ON, BIRTH))

Question = dict[str, str]
Answer = Literal["confirm", "mapping"]


@dataclass
class Looked:
    """What a list says, as far as questions need it. `ages`: rows with an age of an unknown day, and no birth.
    `said`: case number → the fields in which its row says something, and the number of the row."""

    ages: int = 0
    said: dict[str, tuple[frozenset[str], int]] = field(default_factory=dict)


def look_at(rows: Iterable[Row]) -> Looked:
    """Read a list to its end. Rows in error say nothing."""
    looked, keys = Looked(), Keys()
    alike: dict[frozenset[str], frozenset[str]] = {}  # rows say few different sets of things
    for row in rows:
        checked = numbered(row, keys)
        looked.ages += has_undated_age(checked)
        body = body_of(checked)
        if not isinstance(body, list) and body.source_record_id is not None:
            names = frozenset(says(body.model_dump(mode="json")))
            looked.said[body.source_record_id] = alike.setdefault(names, names), row.number
    return looked


def has_undated_age(row: Row) -> bool:
    about = (row.body or {}).get("detainee")
    return isinstance(about, dict) and AGE_NAME in about and not {DAY_NAME, BIRTH_NAME} & about.keys()


def about_ages(opened: Opened, undated: int) -> list[Question]:
    """The question about a column of ages of which nobody says on which day people were as old: only a mapping answers
    it, since an age of the arrest and one of today make two people of one, and children of grown-ups."""
    column = next((one for one in opened.columns if AGE in one.fields), None)
    dated = AGE_ON in opened.mapping.constants or any(AGE_ON in one.fields for one in opened.columns)
    if not undated or column is None or dated or opened.mapping.age_on or day_of_ages(opened.columns):
        return []
    detail = (
        f"Column {column.letter} gives ages, and nothing says on which day people were as old ({_rows(undated)} "
        'without a date of birth). Say it in a mapping: age_on = "detained_on" for ages at the arrest, '
        'age_on = "filed" for ages of today, or a date, age_on = "2026-01-12"; or head the column so ("Age at arrest", '
        '"Edad actual").'
    )
    return [_question("age_needs_day", detail, "mapping")]


def about_rows(rows: int, before: int | None, *, counting: bool) -> list[Question]:
    """Questions about how many rows there are, and about case numbers that only count them."""
    found = []
    if before is not None and before >= FEW and not before / FAR <= rows <= before * FAR:
        detail = f"This list has {rows} rows, your last one had {before}. If that is right, confirm it."
        found.append(_question("row_count", detail))
    if counting:
        detail = (
            "The case numbers only count the rows, so that the next list may give them to other people. If they are "
            "case numbers all the same, confirm it; if not, leave the column out in a mapping."
        )
        found.append(_question("numbers_count_rows", detail))
    return found


def about_what_stands(session: Session, secret: bytes, source: int, looked: Looked) -> list[Question]:
    """Questions about a list that says less than the reports that stand under its case numbers, or that gives people
    numbers which differ from known ones only as a spreadsheet would make them."""
    digests = {records.case_digest(secret, source, case): case for case in looked.said}
    lost: Counter[str] = Counter()
    known: set[str] = set()
    for some in chunks(digests):  # not all at once: what stands of a list of 200,000 rows fills half a gigabyte
        for digest, one in records.by_cases(session, some).items():
            known.add(digests[digest])
            lost.update(says(one.content).keys() - looked.said[digests[digest]][0])
    still = {name for said, _row in looked.said.values() for name in said}
    gone = {name: number for name, number in lost.items() if name not in still and number >= LEAST_LOST}
    found = []
    if gone:
        listed = ", ".join(f"{name} ({_rows(number)})" for name, number in sorted(gone.items())[:MOST_TOLD])
        more = f" and {len(gone) - MOST_TOLD} more" if len(gone) > MOST_TOLD else ""
        detail = (
            f"You said before, and no row of this list says any more: {listed}{more}. It would be taken back. Is a "
            "column missing, or headed otherwise? If it is right to take it back, confirm it."
        )
        found.append(_question("column_gone", detail))
    unknown = {case: row for case, (_says, row) in looked.said.items() if case not in known and _is_own(case)}
    rows = sorted(_alike(session, source, unknown, known)) if unknown else []
    if rows:
        told = ", ".join(map(str, rows[:MOST_TOLD])) + (" …" if len(rows) > MOST_TOLD else "")
        detail = (
            f"{_rows(len(rows))} (row {told}) would become new people: their case numbers differ from earlier ones of "
            "yours only in leading zeros, blanks or capitals, as a spreadsheet changes them. Write them as before, in "
            "cells formatted as text. If they are other people, confirm it."
        )
        found.append(_question("case_numbers_alike", detail))
    return found


def _alike(session: Session, source: int, unknown: dict[str, int], here: set[str]) -> Iterator[int]:
    """The rows whose numbers are those of reports of which no row of the list has the number, but for their form."""
    standing = {_form(case) for case in records.cases_of(session, source) if case not in here}
    return (row for case, row in unknown.items() if _form(case) in standing)


def _is_own(case: str) -> bool:
    return not case.startswith((DERIVED, records.BY_ID))


def _form(case: str) -> str:
    """A case number without what spreadsheets change of it."""
    return _LEADING_ZEROS.sub("", "".join(case.split()).casefold())


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number} rows"


def _question(code: str, detail: str, answer: Answer = "confirm") -> Question:
    """`answer`: by what it is answered."""
    return {"code": code, "detail": detail, "answer": answer}


def confirmed(questions: list[Any]) -> bool:
    """Whether confirming the list is an answer."""
    return all(one.get("answer", "confirm") == "confirm" for one in questions)
