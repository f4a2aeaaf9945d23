"""Questions about a whole list before anything of it is filed: it is surveyed, and compared with the standing
reports."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlmodel import Session

from app.database import chunks
from app.exchange.imports.case_numbers import DERIVED, Keys
from app.exchange.imports.headings import day_of_ages
from app.exchange.imports.lists import Opened, about_column
from app.exchange.imports.losses import says
from app.exchange.imports.row_checks import body_of, numbered
from app.exchange.imports.rows import Row
from app.exchange.imports.sentences import Question, about_list, line, rows
from app.exchange.titles import named
from app.registry import records
from app.registry.content import AGE, AGE_ON, BIRTH
from app.vocabulary import Language

# A list with this many times more or fewer rows than the last one is likely another list, or half of one.
FAR = 2
# Below this a list may well double.
FEW = 20
# Reports that lose a field before its column counts as gone: in a single report it is a correction.
LEAST_LOST = 2
MOST_TOLD = 5  # rows or fields that a question names
# A zero before other digits, and not after one: a spreadsheet drops it from what it takes for a number.
_LEADING_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")

AGE_NAME, DAY_NAME, BIRTH_NAME = (name.removeprefix("detainee.") for name in (AGE, AGE_ON, BIRTH))

Shape = dict[str, Any]


@dataclass
class ListFacts:
    """The facts of a list that questions need. `ages`: number of rows with an age of an unknown day and no birth;
    `said`: case number → the fields that its row fills, and the number of the row."""

    ages: int = 0
    said: dict[str, tuple[frozenset[str], int]] = field(default_factory=dict)


def survey(read: Iterable[Row]) -> ListFacts:
    """Read a list to its end. Rows in error have no fields."""
    facts, keys = ListFacts(), Keys()
    alike: dict[frozenset[str], frozenset[str]] = {}  # rows say few different sets of things
    for row in read:
        checked = numbered(row, keys)
        facts.ages += has_undated_age(checked)
        body = body_of(checked)
        if not isinstance(body, list) and body.source_record_id is not None:
            names = frozenset(says(body.model_dump(mode="json")))
            facts.said[body.source_record_id] = alike.setdefault(names, names), row.number
    return facts


def has_undated_age(row: Row) -> bool:
    about = (row.body or {}).get("detainee")
    return isinstance(about, dict) and AGE_NAME in about and not {DAY_NAME, BIRTH_NAME} & about.keys()


def about_ages(opened: Opened, undated: int) -> list[Question]:
    """The question about a column of ages without a day. Only a mapping answers it: an age at the arrest, taken for one
    of today, makes two people of one, and children of adults."""
    column = next((one for one in opened.columns if AGE in one.fields), None)
    dated = AGE_ON in opened.mapping.constants or any(AGE_ON in one.fields for one in opened.columns)
    if not undated or column is None or dated or opened.mapping.age_on or day_of_ages(opened.columns):
        return []
    return [about_column("age_needs_day", column, rows=rows(undated))]


def about_rows(number: int, before: int | None, *, counting: bool) -> list[Question]:
    """Questions about the number of rows, and about case numbers that only count them."""
    found = []
    if before is not None and before >= FEW and not before / FAR <= number <= before * FAR:
        found.append(about_list("row_count", rows=rows(number), before=before))
    if counting:
        found.append(about_list("numbers_count_rows"))
    return found


def about_what_stands(
    session: Session, secret: bytes, source: int, facts: ListFacts, columns: Sequence[Shape], before: Sequence[Shape]
) -> list[Question]:
    """Questions about a list that loses fields of the reports under its case numbers, or whose case numbers differ from
    known ones only as a spreadsheet changes them. `columns`: of this list and of the one `before`."""
    digests = {records.case_digest(secret, source, case): case for case in facts.said}
    lost: Counter[str] = Counter()
    known: set[str] = set()
    for some in chunks(digests):  # not all at once: what stands of a list of 200,000 rows fills half a gigabyte
        for digest, one in records.by_cases(session, some).items():
            known.add(digests[digest])
            lost.update(says(one.content).keys() - facts.said[digests[digest]][0])
    still = {name for said, _row in facts.said.values() for name in said}
    gone = {name: number for name, number in lost.items() if name not in still and number >= LEAST_LOST}
    found = []
    if gone:
        found.append(about_list("column_gone", gone=partial(_gone, gone, columns, before)))
    unknown = {case: row for case, (_says, row) in facts.said.items() if case not in known and _is_own(case)}
    alike = sorted(_alike(session, source, unknown, known)) if unknown else []
    if alike:
        told = ", ".join(map(str, alike[:MOST_TOLD])) + (" …" if len(alike) > MOST_TOLD else "")
        numbers = partial(line, "row_numbers", count=len(alike), rows=told)
        found.append(about_list("case_numbers_alike", rows=rows(len(alike)), named=numbers))
    return found


def _gone(gone: Mapping[str, int], columns: Sequence[Shape], before: Sequence[Shape], lang: Language) -> str:
    """The fields that no row fills any more, each with its former column, or with its column that is empty now."""
    listed = []
    for name, number in sorted(gone.items())[:MOST_TOLD]:
        told = {"field": named(name, lang), "rows": line("rows", lang, count=number)}
        here, there = (next((one for one in some if _is_read_for(one, name)), None) for some in (columns, before))
        if here is not None:
            told |= {"column": here["column"], "heading": here["heading"]}
        elif there is not None:
            told |= {"column": there["column"], "heading": there["heading"]}
        listed.append(line("gone_here" if here else "gone_from" if there else "gone", lang, **told))
    more = len(gone) - len(listed)
    text = ", ".join(listed)
    return line("gone_more", lang, listed=text, count=more) if more else text


def _is_read_for(column: Shape, name: str) -> bool:
    return any(field == name or field.startswith(f"{name}.") for field in column["fields"])


def _alike(session: Session, source: int, unknown: dict[str, int], here: set[str]) -> Iterator[int]:
    """The rows whose case number is, but for its form, that of a report whose number no row has."""
    standing = {_form(case) for case in records.cases_of(session, source) if case not in here}
    return (row for case, row in unknown.items() if _form(case) in standing)


def _is_own(case: str) -> bool:
    return not case.startswith((DERIVED, records.BY_ID))


def _form(case: str) -> str:
    """A case number without what spreadsheets change."""
    return _LEADING_ZEROS.sub("", "".join(case.split()).casefold())


def confirmed(questions: list[Any]) -> bool:
    """Whether confirming the list is an answer."""
    return all(one.get("answer", "confirm") == "confirm" for one in questions)
