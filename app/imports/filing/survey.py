"""Survey a whole list before anything of it is filed, and ask about what is suspicious (pure).

Questions are about faults that answers mend, ages without a day, and a list that is unlike the source's last list: far
longer or shorter, without a field of the filed reports, or with their case numbers in another form.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlmodel import Session

from app.db.engine import split_into_chunks
from app.imports.faults import Fault, StoredQuestion, build_list_question, format_line, format_row_count
from app.imports.filing.receipts import extract_stated_values
from app.imports.formats.template import format_field_name
from app.imports.mapping import QUESTIONS, Question
from app.imports.reader.doubts import DERIVED_PREFIX, CaseNumbers
from app.imports.reader.rows import Body, Row, assign_case_number, validate_body
from app.log.content import AGE, AGE_ON, BIRTH, has_release_section
from app.matching.scripts import fold
from app.registry import records
from app.schemas.imports import ImportColumn
from app.schemas.reports import ReleaseReportIn
from app.unicode_text import normalize_text
from app.vocabulary import Language, Verdict

MAX_EXAMPLE_ROWS = 5
# Faults of cells that the meaning of a word answers. The word is shortened beyond this, and no answer could match it.
ANSWERED_CODES = frozenset({"unknown_code", "unknown_country", "age_in_words", "unknown_mark"})
# Faults of days that an answer about the whole list mends.
DATE_ORDER_CODE = "ambiguous_date"
COUNTRY_REQUIRED = "country_required"
LIST_HELD = "list_held"
POINTERS = frozenset({"detainee_id", "detention_id", "release_id"})
STATUS_POINTERS = ("/state", "/release", "/detention/ended", "/detention/legal_status", "/detainee/died_on", "/note")


@dataclass
class FaultGroup:
    """The rows with one fault in one column, or with one word in the columns of a field, and some of their cells."""

    fault: Fault
    rows: list[int] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)  # of the people on `rows`; empty where a row names nobody
    count: int = 0

    @property
    def word(self) -> str:
        """The cell, or the part of it that is not understood."""
        return self.fault.word or self.fault.value or ""

    def add(self, row: Row, value: str | None = None, column: str | None = None) -> None:
        self.count += 1
        if column is not None and column not in self.columns:
            self.columns.append(column)
        if len(self.rows) < MAX_EXAMPLE_ROWS:
            self.rows.append(row.number)
            detainee = (row.body or row.draft or {}).get("detainee")
            self.names.append(str(detainee.get("full_name") or "") if isinstance(detainee, dict) else "")
        if value is not None and value not in self.values and len(self.values) < MAX_EXAMPLE_ROWS:
            self.values.append(value)


@dataclass
class SurveyedFaults:
    """The faults of a list that answers mend, by what is asked. `undecided`: rows that do not say how somebody left."""

    groups: dict[tuple[str, str | None, str], FaultGroup] = field(default_factory=dict)
    undecided: FaultGroup = field(default_factory=lambda: FaultGroup(Fault(None, "", LIST_HELD, "")))

    def add(self, row: Row) -> None:
        for fault in map(row.add_value, row.faults):
            group = FaultGroup(fault)
            is_about_word = fault.code in ANSWERED_CODES
            key = (fault.code, fault.pointer, fold(group.word)) if is_about_word else (fault.code, fault.column, "")
            self.groups.setdefault(key, group).add(row, fault.value, fault.column)
        body = row.body or (None if _is_status_open(row) else row.draft)
        if body is not None and row.is_in_custody is None and _is_undecided(body):
            self.undecided.add(row)
        if row.body is not None and _lacks_country(row.body):
            missing = FaultGroup(Fault(None, "/detention/country", COUNTRY_REQUIRED, ""))
            self.groups.setdefault((COUNTRY_REQUIRED, None, ""), missing).add(row)


def _is_status_open(row: Row) -> bool:
    """Whether a question is open whose answer may say how the person left custody, or leave the row out."""
    faults = [fault for fault in row.faults if fault.code != Question.REMARK_WISH]
    return any(fault.code in QUESTIONS or fault.pointer.startswith(STATUS_POINTERS) for fault in faults)


def _is_undecided(body: Body) -> bool:
    """Whether a row says neither how the person left custody nor a day on which the person was still there."""
    facts = _read_section(body, "detention").keys() | _read_section(body, "detainee").keys()
    if _read_section(body, "verification").get("verdict") == Verdict.RETRACTED:
        return False
    return not (body.get("release") or POINTERS & body.keys() or {"ended", "held_on", "died_on"} & facts)


def _lacks_country(body: Body) -> bool:
    return not POINTERS & body.keys() and "country" not in _read_section(body, "detention")


def _read_section(body: Body, name: str) -> Body:
    section = body.get(name)
    return section if isinstance(section, dict) else {}


AGE_NAME, DAY_NAME, BIRTH_NAME = (name.removeprefix("detainee.") for name in (AGE, AGE_ON, BIRTH))


@dataclass
class ListFacts:
    """The facts of a list that questions need.

    `undated_ages`: number of rows with an age of an unknown day and no birth; `faults`: those that answers mend;
    `filled_fields`: case number → the fields
    that its row fills, and the number of the row.
    """

    undated_ages: int = 0
    faults: SurveyedFaults = field(default_factory=SurveyedFaults)
    filled_fields: dict[str, tuple[frozenset[str], int]] = field(default_factory=dict)


def survey_list(list_rows: Iterable[Row], *, fields: bool) -> ListFacts:
    """Read a list to its end. Rows in error have no fields. `fields`: whether these are asked for: to know them takes
    as long as reading the rows."""
    facts, case_numbers = ListFacts(), CaseNumbers()
    shared_sets: dict[frozenset[str], frozenset[str]] = {}  # rows fill few different sets of fields
    for row in list_rows:
        numbered_row = assign_case_number(row, case_numbers)
        facts.undated_ages += has_undated_age(numbered_row)
        facts.faults.add(numbered_row)
        body = validate_body(numbered_row) if fields else []
        if not isinstance(body, list) and body.source_record_id is not None:
            names = frozenset(extract_stated_values(body.model_dump(mode="json")))
            if isinstance(body, ReleaseReportIn):  # one without day and kind states only defaults
                names |= {"release.stage"}
            facts.filled_fields[body.source_record_id] = shared_sets.setdefault(names, names), row.number
    return facts


def has_undated_age(row: Row) -> bool:
    """Whether a row has an age of an unknown day and no birth, also if something else of it is open."""
    detainee = (row.body or row.draft or {}).get("detainee")
    return isinstance(detainee, dict) and AGE_NAME in detainee and not {DAY_NAME, BIRTH_NAME} & detainee.keys()


# A list with this many times more or fewer rows than the last list is likely another list, or half a list.
SIZE_FACTOR = 2
# A list of fewer rows may well double.
MIN_COMPARED_ROWS = 20
# The number of reports that lose a field if its column is gone: in a single report that is a correction.
MIN_LOST_REPORTS = 2
MAX_LISTED = 5  # rows or fields that a question names
_MINUS = "\u2212"  # looks like a dash, and is none to Unicode
# Zeros before other digits and after none: a spreadsheet takes the text for a number, and drops them.
_LEADING_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")

Columns = Sequence[ImportColumn]


def build_size_questions(row_count: int, last_count: int | None) -> list[StoredQuestion]:
    """The question about the number of rows, if it is far from that of the list `last_count`."""
    if (
        last_count is None
        or last_count < MIN_COMPARED_ROWS
        or last_count / SIZE_FACTOR <= row_count <= last_count * SIZE_FACTOR
    ):
        return []
    return [build_list_question("row_count", rows=format_row_count(row_count), before=last_count)]


def build_report_questions(
    session: Session, secret: bytes, source: int, facts: ListFacts, columns: Columns, last_columns: Columns
) -> list[StoredQuestion]:
    """Questions about a list that loses fields of the reports under its case numbers, or whose case numbers differ from
    known numbers only as a spreadsheet changes them. `columns`: of this list; `last_columns`: of the last list."""
    digests = {records.digest_case(secret, source, case): case for case in facts.filled_fields}
    lost_fields: Counter[str] = Counter()
    known_cases: set[str] = set()
    retaken_rows: list[int] = []
    for batch in split_into_chunks(
        digests
    ):  # not all at once: the reports of a list of 200,000 rows fill half a gigabyte
        for digest, report in records.find_filed_cases(session, batch).items():
            known_cases.add(digests[digest])
            filled, row = facts.filled_fields[digests[digest]]
            lost = extract_stated_values(report.content).keys() - filled
            lost_fields.update(lost)
            if has_release_section(report.content) and not any(name.startswith("release.") for name in filled):
                retaken_rows.append(row)
    filled_fields = {name for fields, _row in facts.filled_fields.values() for name in fields}
    gone_fields = {
        name: number for name, number in lost_fields.items() if name not in filled_fields and number >= MIN_LOST_REPORTS
    }
    questions = []
    if retaken_rows:
        named = partial(_format_rows, sorted(retaken_rows))
        questions.append(build_list_question("releases_gone", rows=format_row_count(len(retaken_rows)), named=named))
    if gone_fields:
        questions.append(
            build_list_question("column_gone", gone=partial(_format_gone_fields, gone_fields, columns, last_columns))
        )
    unknown_cases = {
        case: row
        for case, (_fields, row) in facts.filled_fields.items()
        if case not in known_cases and _is_own_number(case)
    }
    similar_rows = sorted(_find_similar_rows(session, source, unknown_cases, known_cases)) if unknown_cases else []
    if similar_rows:
        numbers = partial(_format_rows, similar_rows)
        questions.append(
            build_list_question("case_numbers_alike", rows=format_row_count(len(similar_rows)), named=numbers)
        )
    return questions


def _format_rows(rows: Sequence[int], lang: Language) -> str:
    """The numbers of rows, the first of them."""
    first_rows = ", ".join(map(str, rows[:MAX_LISTED])) + (" …" if len(rows) > MAX_LISTED else "")
    return format_line("row_numbers", lang, count=len(rows), rows=first_rows)


def _format_gone_fields(gone_fields: Mapping[str, int], columns: Columns, last_columns: Columns, lang: Language) -> str:
    """The fields that no row fills any more, each with its column in this list, else in the last list."""
    lines = []
    for name, number in sorted(gone_fields.items())[:MAX_LISTED]:
        values = {
            "field": format_field_name(name, lang).partition(" [")[0],
            "rows": format_line("rows", lang, count=number),
        }
        current_column, last_column = (_find_column(name, listed_columns) for listed_columns in (columns, last_columns))
        if column := current_column or last_column:
            values |= {"column": column["column"], "heading": column["heading"]}
        lines.append(
            format_line("gone_here" if current_column else "gone_from" if last_column else "gone", lang, **values)
        )
    more_count = len(gone_fields) - len(lines)
    text = ", ".join(lines)
    return format_line("gone_more", lang, listed=text, count=more_count) if more_count else text


def _find_column(name: str, columns: Columns) -> ImportColumn | None:
    """The column that is read for a field, or for a part of it."""
    beginning = f"{name}."
    return next(
        (column for column in columns if any(f"{field}.".startswith(beginning) for field in column["fields"])), None
    )


def _find_similar_rows(
    session: Session, source: int, unknown_cases: dict[str, int], known_cases: set[str]
) -> Iterator[int]:
    """The rows whose case number is, but for its form, that of a report whose own number is on no row."""
    current_forms = {
        _normalize_case_number(case)
        for case in records.iterate_case_numbers(session, source)
        if case not in known_cases
    }
    return (row for case, row in unknown_cases.items() if _normalize_case_number(case) in current_forms)


def _is_own_number(case: str) -> bool:
    return not case.startswith((DERIVED_PREFIX, records.ID_CASE_PREFIX))


def _normalize_case_number(case: str) -> str:
    """A case number as it is compared: without spaces, case and leading zeros, which spreadsheets change, and with
    plain letters and dashes for those that look the same, which word processors put there."""
    if not case.isascii():
        plain = ((unicodedata.category(char), char) for char in normalize_text("NFKD", case))
        case = "".join("-" if kind == "Pd" or char == _MINUS else char for kind, char in plain if kind != "Cf")
    return _LEADING_ZEROS.sub("", "".join(case.split()).casefold())
