"""Prepare a list to be filed: find the own reports that its rows are about, and ask what it leaves open.

A row without a case number is about an own report if the name says so (`own_reports`). What a whole list lacks is asked
about, and the answers are filed as further rows (`missing_rows`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Engine

from app.dates import is_day
from app.db.engine import open_read_session
from app.imports.faults import (
    Choice,
    StoredQuestion,
    Value,
    format_choice,
    format_day,
    format_line,
    format_list_question,
)
from app.imports.filing import import_store, own_reports, survey
from app.imports.filing.missing_rows import (
    ROW_ANSWER,
    MissingAnswer,
    build_missing_bodies,
    build_missing_rows,
    find_missing_reports,
    find_row_answers,
    find_similar_rows,
)
from app.imports.filing.own_reports import find_renamed_rows, match_own_reports
from app.imports.filing.question_form import CHANGES_STEP, build_question
from app.imports.filing.questions import collect_questions
from app.imports.filing.survey import AGE_NAME, DAY_NAME
from app.imports.formats.template import LANGUAGES
from app.imports.mapping import AGE_ON_LIST_DAY, NOT_CHECKED, ListMapping
from app.imports.reader.doubts import CaseNumbers
from app.imports.reader.list_reader import ListContext, OpenedList, open_list
from app.imports.reader.row_states import HELD_ON, MIN_COUNTED_DAYS
from app.imports.reader.rows import Body, Row, assign_case_number
from app.log.content import AGE, AGE_ON
from app.models import ListImport
from app.registry import records
from app.registry.directory_snapshot import find_source_country
from app.schemas.imports import ImportMissingReport
from app.vocabulary import Verdict

# People of a whole list who are asked about one by one; one answer is for all the others.
MAX_MISSING_QUESTIONS = 40
ALL_OTHERS = "*"
UNKNOWN_SYNONYM = MissingAnswer.UNKNOWN  # understood in a mapping; a page offers `keep`, which does the same
DatedAge = tuple[int, str]
DAYS_OF_AGE = 365  # an age is true for less than a year


@dataclass
class PreparedList:
    """A list with its rows as they are filed.

    `row_count`: without those for people whom it lacks; `dated_ages`: case number → the age in the own report and its
    day, if ages of the list are those of its day; `sightings`: case number → the day on which the own report saw the
    person in custody, if the list has no such days."""

    opened_list: OpenedList
    row_count: int
    cases: dict[int, str] = field(default_factory=dict)
    missing_bodies: list[Body] = field(default_factory=list)
    dated_ages: dict[str, DatedAge] = field(default_factory=dict)
    sightings: dict[str, str] = field(default_factory=dict)
    has_own_reports: bool = False

    def read_rows(self) -> Iterator[Row]:
        """Read the rows with the case numbers of the own reports that they are about, then those of missing people."""
        for row in self.opened_list.rows():
            if row.body is not None and row.number in self.cases:
                row.body.setdefault("source_record_id", self.cases[row.number])
            yield row
        yield from build_missing_rows(self.missing_bodies)

    def retain_days(self, row: Row) -> None:
        """Give a numbered row the days of the own report that a weekly list must not change.

        The day of an age, if the own report has the same age of less than a year ago. The day of the list as that of
        custody, if the own report saw the person in custody not long before: a report of custody is reviewed (rule
        21)."""
        if row.body is None:
            return
        case = str(row.body.get("source_record_id"))
        detainee, detention = row.body.get("detainee"), row.body.get("detention")
        if isinstance(detainee, dict) and detainee.get(AGE_NAME) is not None:
            age, day = self.dated_ages.get(case, (None, ""))
            if age == detainee[AGE_NAME] and _is_within(day, detainee.get(DAY_NAME), DAYS_OF_AGE):
                detainee[DAY_NAME] = day
        list_day, sighting = self.opened_list.mapping.day, self.sightings.get(case, "")
        if (
            list_day is not None
            and isinstance(detention, dict)
            and detention.get("held_on") == list_day.isoformat()
            and _is_within(sighting, list_day.isoformat(), MIN_COUNTED_DAYS)
        ):
            detention["held_on"] = sighting


def prepare_list(
    engine: Engine, secret: bytes, source: int, data: bytes, mapping: ListMapping | None, now: datetime
) -> PreparedList:
    """Open a list, count its rows, and find the own reports that they are about. Raises BadFile."""
    with open_read_session(engine) as session:

        def find_saved(headings: str) -> ListMapping | None:
            return import_store.find_saved_mapping(session, secret, source, headings)

        context = ListContext(find_source_country(session, source), now.date())
        opened_list = open_list(data, mapping, find_saved, context)
        prepared = PreparedList(opened_list, opened_list.count_rows())
        prepared.has_own_reports = records.has_reports(session, source)
        if opened_list.sheets and prepared.has_own_reports:
            unnumbered = [
                (row.number, row.body) for row in opened_list.rows() if row.body and "source_record_id" not in row.body
            ]
            if unnumbered:
                prepared.cases = match_own_reports(session, secret, source, unnumbered)
                rest = [(number, body) for number, body in unnumbered if number not in prepared.cases]
                known = {*prepared.cases.values(), *_list_case_numbers(opened_list)}
                prepared.cases |= find_renamed_rows(session, secret, source, known, rest) if rest else {}
            has_sightings = any(HELD_ON in column.fields for column in opened_list.columns)
            for report in own_reports.iterate_own_reports(session, source):
                if opened_list.mapping.age_on == AGE_ON_LIST_DAY and {AGE, AGE_ON} <= report.content.keys():
                    prepared.dated_ages[report.case] = report.content[AGE], report.content[AGE_ON]
                if HELD_ON in report.content and not has_sightings:
                    prepared.sightings[report.case] = report.content[HELD_ON]
        answers = opened_list.mapping.missing
        row_answers = find_row_answers(answers)
        if row_answers:
            labels = ((row.number, opened_list.label_row(row.number)) for row in opened_list.rows())
            prepared.cases |= {number: row_answers[label] for number, label in labels if label in row_answers}
        if opened_list.mapping.whole and answers:
            prepared.missing_bodies = build_missing_bodies(
                session,
                secret,
                source,
                _expand_answers(prepared, find_missing(session, source, prepared)),
                opened_list.mapping.list_date,
                build_verification(opened_list.mapping),
            )
    return prepared


def _is_within(day: str, other: object, days: int) -> bool:
    return (
        isinstance(other, str)
        and is_day(day)
        and is_day(other)
        and abs(date.fromisoformat(day) - date.fromisoformat(other)) < timedelta(days=days)
    )


def _expand_answers(prepared: PreparedList, missing: list[ImportMissingReport]) -> dict[str, str]:
    """Return the answer about each missing report. One that is on the list by now is not missing."""
    answers = prepared.opened_list.mapping.missing
    other = answers.get(ALL_OTHERS, MissingAnswer.KEEP)
    return {report["source_record_id"]: answers.get(report["source_record_id"], other) for report in missing}


def build_verification(mapping: ListMapping) -> dict[str, Any] | None:
    """Return the verification section that the answers give all rows of a list."""
    if mapping.checked in (None, NOT_CHECKED):
        return None
    return {"verdict": Verdict.VERIFIED.value, "method": mapping.checked}


def _list_case_numbers(opened_list: OpenedList) -> Iterator[str]:
    """Return the case numbers that stand on rows, also on rows in error."""
    for sheet in opened_list.used_sheets:
        place = next((column.place for column in sheet.columns if "source_record_id" in column.fields), None)
        if place is not None:
            yield from (text for row in sheet.read_cells() if (text := row.text(place)))


def find_missing(session: Any, source: int, prepared: PreparedList) -> list[ImportMissingReport]:
    """Return the own reports that a whole list lacks, by the case numbers of its rows."""
    derived = (
        str(row.body["source_record_id"])
        for row in _number_rows(prepared)
        if row.body is not None and row.body.get("source_record_id") is not None
    )
    cases = {*derived, *_list_case_numbers(prepared.opened_list)}
    is_whole = bool(prepared.opened_list.mapping.whole)
    return find_missing_reports(session, source, cases, is_whole=is_whole).reports


def _number_rows(prepared: PreparedList) -> Iterator[Row]:
    case_numbers = CaseNumbers()
    for row in prepared.opened_list.rows():
        if row.body is not None and row.number in prepared.cases:
            row.body.setdefault("source_record_id", prepared.cases[row.number])
        yield assign_case_number(row, case_numbers)


def ask_about_list(
    engine: Engine, secret: bytes, job: ListImport, prepared: PreparedList, last_list: ListImport | None
) -> list[StoredQuestion]:
    """Return the questions to answer before anything is filed; of a confirmed list, what nobody may pass over."""
    opened_list, mapping = prepared.opened_list, prepared.opened_list.mapping
    facts = survey.survey_list(prepared.read_rows(), fields=prepared.has_own_reports and not job.confirmed)
    questions = collect_questions(opened_list, facts.faults, facts.undated_ages, is_confirmed=job.confirmed)
    if questions or job.confirmed:  # what will change is known once nothing of the reading is open
        return questions
    with open_read_session(engine) as session:
        whole_list_questions = own_reports.build_older_questions(session, secret, job, prepared.read_rows())
        if prepared.has_own_reports:
            last_columns = (
                import_store.read_sealed_column(secret, last_list, "told").get("columns", []) if last_list else []
            )
            whole_list_questions += survey.build_report_questions(
                session, secret, job.source, facts, opened_list.shape()["columns"], last_columns
            )
        if mapping.whole is None and last_list is not None:
            last_count = last_list.whole or last_list.rows
            whole_list_questions += survey.build_size_questions(job.whole or prepared.row_count, last_count)
        missing = find_missing(session, job.source, prepared) if mapping.whole and opened_list.sheets else []
        new_names = _list_new_names(prepared) if missing else {}
    confirmations = [_place_confirmation(question) for question in whole_list_questions]
    open_confirmations = (question for question in confirmations if question["code"] not in mapping.confirmed)
    return [*open_confirmations, *_ask_about_missing(missing, mapping, new_names)]


def _place_confirmation(question: StoredQuestion) -> StoredQuestion:
    """Return a question about the whole list with the place of its one answer."""
    return question | {
        "place": f"/confirmed/{question['code']}",
        "step": CHANGES_STEP,
        "kind": "choice",
        "choices": [format_choice("true", "right_as_it_is")],
    }


def _list_new_names(prepared: PreparedList) -> dict[str, str]:
    """Return label → name of the rows that would be new people, and have no case number."""
    return {
        prepared.opened_list.label_row(row.number): row.body.get("detainee", {}).get("full_name") or ""
        for row in prepared.opened_list.rows()
        if row.body is not None and row.number not in prepared.cases and "source_record_id" not in row.body
    }


def _format_last_day(report: ImportMissingReport) -> Value:
    return partial(format_day, date.fromisoformat(report["last_reported"]))


def _list_similar_choices(name: str | None, new_names: dict[str, str]) -> list[Choice]:
    """Return the rows on which a missing person may be, under a corrected name."""
    choices: list[Choice] = []
    for label in find_similar_rows(name, new_names):
        labels = {lang: format_line("missing_row", lang, row=label, person=new_names[label]) for lang in LANGUAGES}
        choices.append({"value": f"{ROW_ANSWER}:{label}", "labels": labels})
    return choices


def _ask_about_missing(
    missing: list[ImportMissingReport], mapping: ListMapping, new_names: dict[str, str]
) -> list[StoredQuestion]:
    """Ask what became of people whom a whole list lacks. `new_names`: label → name of the rows of new people."""
    choices = [format_choice(answer, f"missing_{answer}") for answer in MissingAnswer if answer != UNKNOWN_SYNONYM]
    questions = [
        build_question(
            "missing_person",
            ["missing", report["source_record_id"]],
            CHANGES_STEP,
            {
                "name": report["name"] or report["source_record_id"],
                "day": partial(format_day, date.fromisoformat(report["last_reported"])),
            },
            choices=[*_list_similar_choices(report["name"], new_names), *choices],
            guess=MissingAnswer.KEEP,
            value=report["source_record_id"],
        )
        for report in missing[:MAX_MISSING_QUESTIONS]
        if report["source_record_id"] not in mapping.missing
    ]
    others = len(missing) - MAX_MISSING_QUESTIONS
    if others > 0 and ALL_OTHERS not in mapping.missing:
        details = format_list_question("missing_others", {"count": others})
        questions.append(
            build_question(
                "missing_others", ["missing", ALL_OTHERS], CHANGES_STEP, details=details, choices=choices,
                guess=MissingAnswer.KEEP, count=others,
            )
        )  # fmt: skip
    return questions
