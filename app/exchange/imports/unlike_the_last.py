"""Questions about a list that is unlike the source's last one: far longer or shorter, without a field that the standing
reports have, or with their case numbers in another form."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from sqlmodel import Session

from app.database import chunks
from app.exchange.imports.case_numbers import DERIVED
from app.exchange.imports.lost_and_gained import says
from app.exchange.imports.sentences import Question, about_list, line, rows
from app.exchange.imports.survey import ListFacts
from app.exchange.titles import named
from app.registry import records
from app.vocabulary import Language
from app.wire.imports import ImportColumn

# A list with this many times more or fewer rows than the last one is likely another list, or half of one.
FAR = 2
# Below this a list may well double.
FEW = 20
# Reports that lose a field before its column counts as gone: in a single report it is a correction.
LEAST_LOST = 2
MOST_TOLD = 5  # rows or fields that a question names
# A zero before other digits, and not after one: a spreadsheet drops it from what it takes for a number.
_LEADING_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")

Columns = Sequence[ImportColumn]


def about_size(number: int, before: int | None) -> list[Question]:
    """The question about the number of rows, beside that of the list `before`."""
    if before is None or before < FEW or before / FAR <= number <= before * FAR:
        return []
    return [about_list("row_count", rows=rows(number), before=before)]


def about_what_stands(
    session: Session,
    secret: bytes,
    source: int,
    facts: ListFacts,
    columns: Columns,
    before: Columns,
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


def _gone(gone: Mapping[str, int], columns: Columns, before: Columns, lang: Language) -> str:
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


def _is_read_for(column: ImportColumn, name: str) -> bool:
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
