"""Survey a whole list before anything of it is filed, and ask about ages without a day and about case numbers that only
count rows (pure).

Questions about a list that is unlike the source's last list: far longer or shorter, without a field of the standing
reports, or with their case numbers in another form."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlmodel import Session

from app.db.engine import chunks
from app.imports.doubts import DERIVED, Keys
from app.imports.faults import StoredQuestion, about_list, line, rows
from app.imports.formats.template import named
from app.imports.headings import day_of_ages
from app.imports.lists import Opened, about_column
from app.imports.receipts import says
from app.imports.rows import Row, body_of, numbered
from app.log.content import AGE, AGE_ON, BIRTH
from app.registry import records
from app.schemas.imports import ImportColumn
from app.unicode_text import normal
from app.vocabulary import Language

AGE_NAME, DAY_NAME, BIRTH_NAME = (name.removeprefix("detainee.") for name in (AGE, AGE_ON, BIRTH))


@dataclass
class ListFacts:
    """The facts of a list that questions need. `ages`: number of rows with an age of an unknown day and no birth;
    `filled`: case number → the fields that its row fills, and the number of the row."""

    ages: int = 0
    filled: dict[str, tuple[frozenset[str], int]] = field(default_factory=dict)


def survey(listed: Iterable[Row], *, fields: bool) -> ListFacts:
    """Read a list to its end. Rows in error have no fields. `fields`: whether these are asked for: to know them takes
    as long as reading the rows."""
    facts, keys = ListFacts(), Keys()
    alike: dict[frozenset[str], frozenset[str]] = {}  # rows fill few different sets of fields
    for row in listed:
        checked = numbered(row, keys)
        facts.ages += has_undated_age(checked)
        body = body_of(checked) if fields else []
        if not isinstance(body, list) and body.source_record_id is not None:
            names = frozenset(says(body.model_dump(mode="json")))
            facts.filled[body.source_record_id] = alike.setdefault(names, names), row.number
    return facts


def has_undated_age(row: Row) -> bool:
    detainee = (row.body or {}).get("detainee")
    return isinstance(detainee, dict) and AGE_NAME in detainee and not {DAY_NAME, BIRTH_NAME} & detainee.keys()


def about_ages(opened: Opened, undated: int) -> list[StoredQuestion]:
    """The question about a column of ages without a day, which only a mapping answers: an age at the arrest that is
    taken for today's makes two people of one, and children of adults."""
    column = next((column for column in opened.columns if AGE in column.fields), None)
    dated = AGE_ON in opened.mapping.constants or any(AGE_ON in column.fields for column in opened.columns)
    if not undated or column is None or dated or opened.mapping.age_on or day_of_ages(opened.columns):
        return []
    return [about_column("age_needs_day", column, rows=rows(undated))]


def about_counting(counting: bool) -> list[StoredQuestion]:
    """The question about case numbers that only count the rows."""
    return [about_list("numbers_count_rows")] if counting else []


# A list with this many times more or fewer rows than the last list is likely another list, or half a list.
FAR = 2
# A list of fewer rows may well double.
FEW = 20
# The number of reports that lose a field if its column is gone: in a single report that is a correction.
LEAST_LOST = 2
MOST_TOLD = 5  # rows or fields that a question names
_MINUS = "\u2212"  # looks like a dash, and is none to Unicode
# Zeros before other digits and after none: a spreadsheet takes the text for a number, and drops them.
_LEADING_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")

Columns = Sequence[ImportColumn]


def about_size(number: int, before: int | None) -> list[StoredQuestion]:
    """The question about the number of rows, if it is far from that of the list `before`."""
    if before is None or before < FEW or before / FAR <= number <= before * FAR:
        return []
    return [about_list("row_count", rows=rows(number), before=before)]


def about_standing_reports(
    session: Session, secret: bytes, source: int, facts: ListFacts, columns: Columns, before: Columns
) -> list[StoredQuestion]:
    """Questions about a list that loses fields of the reports under its case numbers, or whose case numbers differ from
    known numbers only as a spreadsheet changes them. `columns`: of this list; `before`: of the last list."""
    digests = {records.case_digest(secret, source, case): case for case in facts.filled}
    lost: Counter[str] = Counter()
    known: set[str] = set()
    for batch in chunks(digests):  # not all at once: the reports of a list of 200,000 rows fill half a gigabyte
        for digest, report in records.by_cases(session, batch).items():
            known.add(digests[digest])
            lost.update(says(report.content).keys() - facts.filled[digests[digest]][0])
    filled = {name for fields, _row in facts.filled.values() for name in fields}
    gone = {name: number for name, number in lost.items() if name not in filled and number >= LEAST_LOST}
    questions = []
    if gone:
        questions.append(about_list("column_gone", gone=partial(_gone, gone, columns, before)))
    unknown = {case: row for case, (_fields, row) in facts.filled.items() if case not in known and _is_own(case)}
    alike = sorted(_alike(session, source, unknown, known)) if unknown else []
    if alike:
        first = ", ".join(map(str, alike[:MOST_TOLD])) + (" …" if len(alike) > MOST_TOLD else "")
        numbers = partial(line, "row_numbers", count=len(alike), rows=first)
        questions.append(about_list("case_numbers_alike", rows=rows(len(alike)), named=numbers))
    return questions


def _gone(gone: Mapping[str, int], columns: Columns, before: Columns, lang: Language) -> str:
    """The fields that no row fills any more, each with its column in this list, else in the last list."""
    listed = []
    for name, number in sorted(gone.items())[:MOST_TOLD]:
        values = {"field": named(name, lang), "rows": line("rows", lang, count=number)}
        here, there = (_column_of(name, listed_columns) for listed_columns in (columns, before))
        if column := here or there:
            values |= {"column": column["column"], "heading": column["heading"]}
        listed.append(line("gone_here" if here else "gone_from" if there else "gone", lang, **values))
    more = len(gone) - len(listed)
    text = ", ".join(listed)
    return line("gone_more", lang, listed=text, count=more) if more else text


def _column_of(name: str, columns: Columns) -> ImportColumn | None:
    """The column that is read for a field, or for a part of it."""
    beginning = f"{name}."
    return next(
        (column for column in columns if any(f"{field}.".startswith(beginning) for field in column["fields"])), None
    )


def _alike(session: Session, source: int, unknown: dict[str, int], known: set[str]) -> Iterator[int]:
    """The rows whose case number is, but for its form, that of a report whose own number is on no row."""
    standing = {_form(case) for case in records.cases_of(session, source) if case not in known}
    return (row for case, row in unknown.items() if _form(case) in standing)


def _is_own(case: str) -> bool:
    return not case.startswith((DERIVED, records.BY_ID))


def _form(case: str) -> str:
    """A case number as it is compared: without spaces, case and leading zeros, which spreadsheets change, and with
    plain letters and dashes for those that look the same, which word processors put there."""
    if not case.isascii():
        plain = ((unicodedata.category(char), char) for char in normal("NFKD", case))
        case = "".join("-" if kind == "Pd" or char == _MINUS else char for kind, char in plain if kind != "Cf")
    return _LEADING_ZEROS.sub("", "".join(case.split()).casefold())
