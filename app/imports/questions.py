"""Ask about a list, in one round: what its sheets, columns and values mean, and what is true of the whole (pure).

A question names the place of its answer in the mapping as a JSON pointer: `/positions/F` takes the meaning of column F.
So every client can ask it and write the answer down: the desk, the command line, another program. The steps are those
of an officer: what was read, what the values mean, what will change.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from app.errors import escape_pointer_part
from app.imports.code_words import COUNTRY_CODE_LIST
from app.imports.colours import find_colour_groups, name_colour
from app.imports.faults import (
    AnswerMethod,
    Choice,
    Fault,
    StoredQuestion,
    Value,
    format_bare_question,
    format_choice,
    format_line,
    format_list_question,
    format_row_count,
    get_label,
)
from app.imports.fields import FIELDS, NAME, STATE
from app.imports.formats.template import LANGUAGES
from app.imports.heading_recognition import RECORD_ID
from app.imports.layout import Column, find_day_of_ages, may_withhold
from app.imports.list_reader import OpenedList, OpenedSheet
from app.imports.mapping import (
    AGE_ON_LIST_DAY,
    CELL_QUESTIONS,
    NOT_CHECKED,
    QUESTIONS,
    Answer,
    ListMapping,
    Question,
    list_answers,
)
from app.imports.rows import COUNTRY, METHOD, VERDICT, Body, Row
from app.imports.sheet_dates import DateContext
from app.imports.states import STATE_CHOICES, find_publication_wish, find_state_in_remark
from app.log.content import AGE, AGE_ON
from app.matching.scripts import fold
from app.projection.statements import FIRST_HAND
from app.vocabulary import Language, build_vocabulary

READ_STEP, VALUES_STEP, CHANGES_STEP = 1, 2, 3
# What no layout says, and nobody else knows.
LIST_DATE, WHOLE_LIST, LIST_CHECKED, LIST_HELD = "list_date", "whole_list", "list_checked", "list_held"
LIST_COUNTRY = "list_country"
ASKED_OF_EVERY_LIST = frozenset({LIST_DATE, LIST_COUNTRY, WHOLE_LIST, LIST_CHECKED, LIST_HELD})
# Questions about values of one list: beyond these the column was read for the wrong thing.
MAX_VALUE_QUESTIONS = 60
MAX_SINGLE_ROWS = 3  # a larger group of rows gets one question
MAX_EXAMPLE_ROWS = 5
MAX_SAMPLES = 3
# Faults of cells that the meaning of a word answers. The word is shortened beyond this, and no answer could match it.
ANSWERED_CODES = frozenset({"unknown_code", "unknown_country", "age_in_words", "unknown_mark"})
# Faults of days that an answer about the whole list mends.
DATE_ORDER_CODE = "ambiguous_date"
COUNTRY_REQUIRED = "country_required"
POINTERS = frozenset({"detainee_id", "detention_id", "release_id"})
STATUS_POINTERS = ("/state", "/release", "/detention/ended", "/detention/legal_status", "/detainee/died_on", "/note")
MAX_WORD_LENGTH = 60
WORDS_IN_NAME = 2


@dataclass
class FaultGroup:
    """The rows with one fault in one column, or with one value there, and some of the values."""

    fault: Fault
    rows: list[int] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, number: int, value: str | None) -> None:
        self.count += 1
        if len(self.rows) < MAX_EXAMPLE_ROWS:
            self.rows.append(number)
        if value is not None and value not in self.values and len(self.values) < MAX_EXAMPLE_ROWS:
            self.values.append(value)


@dataclass
class SurveyedFaults:
    """The faults of a list that answers mend, by what is asked. `undecided`: rows that do not say how somebody left."""

    groups: dict[tuple[str, str | None, str], FaultGroup] = field(default_factory=dict)
    undecided: int = 0

    def add(self, row: Row) -> None:
        for fault in map(row.add_value, row.faults):
            key = (fault.code, fault.column, fold(fault.value or "") if fault.code in ANSWERED_CODES else "")
            self.groups.setdefault(key, FaultGroup(fault)).add(row.number, fault.value)
        body = row.body or (None if _is_status_open(row) else row.draft)
        self.undecided += body is not None and row.is_in_custody is None and _is_undecided(body)
        if row.body is not None and _lacks_country(row.body):
            missing = FaultGroup(Fault(None, "/detention/country", COUNTRY_REQUIRED, ""))
            self.groups.setdefault((COUNTRY_REQUIRED, None, ""), missing).add(row.number, None)


def _is_status_open(row: Row) -> bool:
    """Whether a question is open whose answer may say how the person left custody, or leave the row out."""
    faults = [fault for fault in row.faults if fault.code != Question.REMARK_WISH]
    return any(fault.code in QUESTIONS or fault.pointer.startswith(STATUS_POINTERS) for fault in faults)


def _is_undecided(body: Body) -> bool:
    """Whether a row says neither how the person left custody nor a day on which the person was still there."""
    facts = _read_section(body, "detention").keys() | _read_section(body, "detainee").keys()
    return not (body.get("release") or POINTERS & body.keys() or {"ended", "held_on", "died_on"} & facts)


def _lacks_country(body: Body) -> bool:
    return not POINTERS & body.keys() and "country" not in _read_section(body, "detention")


def _read_section(body: Body, name: str) -> Body:
    section = body.get(name)
    return section if isinstance(section, dict) else {}


def build_question(
    code: str,
    place: Sequence[str],
    step: int,
    values: Mapping[str, Value] | None = None,
    *,
    details: dict[Language, str] | None = None,
    kind: str = "choice",
    answer: AnswerMethod = "confirm",
    column: Column | None = None,
    choices: Sequence[Choice] = (),
    guess: str | None = None,
    value: str | None = None,
    count: int | None = None,
    rows: Sequence[str] = (),
    samples: Sequence[str] = (),
) -> StoredQuestion:
    """Build a question whose answer has a place in the mapping.

    `values`: of its sentence, unless that is given as `details`; `guess`: the likeliest answer; `samples`: cells that
    show what is asked, unless they are those of the column."""
    question: StoredQuestion = {
        "code": code,
        "details": details or format_list_question(code, values or {}),
        "answer": answer,
        "place": "".join(f"/{escape_pointer_part(part)}" for part in place),
        "step": step,
        "kind": kind,
        "choices": list(choices),
        "guess": guess,
        "value": value,
        "count": count,
        "rows": list(rows),
        "samples": list(samples or (() if column is None else column.profile.samples[:MAX_SAMPLES])),
    }
    if column is not None:
        question |= {"column": column.letter, "heading": column.title}
    return question


def collect_questions(
    opened_list: OpenedList, faults: SurveyedFaults, undated_ages: int, *, is_confirmed: bool
) -> list[StoredQuestion]:
    """Return all that is asked about a list; of a confirmed one, what nobody may pass over. JSON Lines ask nothing."""
    if not opened_list.sheets:
        return []
    questions = [
        *ask_about_reading(opened_list),
        *ask_about_whole_list(opened_list, faults.undecided, undated_ages),
        *ask_about_rows(faults, opened_list.columns, opened_list.label_row),
    ]
    questions.sort(key=lambda question: question.get("step", READ_STEP))
    return [question for question in questions if not is_confirmed or question.get("answer") != "confirm"]


def ask_about_reading(opened_list: OpenedList) -> list[StoredQuestion]:
    """Ask which sheets belong to the list, and what the columns hold whose meaning is not sure."""
    questions = [
        build_question(
            "sheet_used",
            ["sheets", sheet.name or ""],
            READ_STEP,
            choices=[format_choice("true", "used"), format_choice("false", "set_aside")],
            guess="true" if sheet.is_used else "false",
            values={"sheet": sheet.name or "", "rows_of_sheet": format_row_count(sheet.row_count)},
        )
        for sheet in opened_list.sheets
        if _is_sheet_asked(sheet, opened_list)
    ]
    for sheet in opened_list.used_sheets:
        if not sheet.heading_row.is_found and not _is_header_answered(opened_list.mapping, sheet):
            questions.append(_ask_about_header(sheet))
        unread_cells = opened_list.tally.unread_cells  # of all rows: the profile of a column is of the first
        for column in sheet.columns:
            questions += _ask_about_column(column, column.profile.filled or unread_cells[column.letter])
        questions += _ask_about_colours(sheet, opened_list)
    return questions


def _is_sheet_asked(sheet: OpenedSheet, opened_list: OpenedList) -> bool:
    """Whether it is open if a sheet belongs to the list. Sheets set aside are asked about again if no other is left."""
    if not sheet.row_count or opened_list.mapping.sheet is not None:
        return False
    if not opened_list.used_sheets:
        return True
    return len(opened_list.sheets) > 1 and sheet.name not in opened_list.mapping.sheets


def _ask_about_colours(sheet: OpenedSheet, opened_list: OpenedList) -> list[StoredQuestion]:
    """Ask what the colours of rows mean: nothing shows whether they say what the cells do not."""
    places = [column.place for column in sheet.columns if column.profile.filled]
    names = [column.place for column in sheet.columns if NAME in column.fields]
    heading = next((row for row in sheet.read_rows() if row.number == sheet.heading_row.number), None)
    groups = find_colour_groups(sheet.read_cells(), places, heading=heading, name_columns=names)
    choices, _kind = list_choices(STATE)
    return [
        build_question(
            "row_colour",
            ["colours", group.colour],
            VALUES_STEP,
            {
                "rows_of": format_row_count(group.row_count),
                "colour": partial(get_label, name_colour(group.colour)),
            },
            choices=choices,
            count=group.row_count,
            rows=[opened_list.label_row(opened_list.number_row(sheet, row)) for row in group.first_rows],
        )
        for group in groups
        if group.colour not in opened_list.mapping.colours
    ]


def _is_header_answered(mapping: ListMapping, sheet: OpenedSheet) -> bool:
    return mapping.headers.get(sheet.name or "", mapping.header) is not None


def _ask_about_header(sheet: OpenedSheet) -> StoredQuestion:
    place = ["header"] if sheet.name is None else ["headers", sheet.name]
    return build_question("header_row", place, READ_STEP, kind="number", guess=str(sheet.heading_row.number))


def _ask_about_column(column: Column, filled: int) -> list[StoredQuestion]:
    if column.is_answered or not filled or column.is_counter:
        return []
    values: dict[str, Value] = {"letter": column.letter, "title": column.title}
    place = ["positions", column.letter]
    if column.is_hidden and column.fields:
        return [
            build_question(
                "hidden_column",
                place,
                READ_STEP,
                kind="meaning",
                answer="mapping",
                column=column,
                guess=column.fields[0],
                values=values,
            )
        ]
    if column.fields and column.is_sure:
        return []
    guess = next(iter(column.fields), None)
    is_grave = guess is None and (may_withhold(column) or _holds_people(column))
    code = "column_unread" if guess is None else "column_unsure"
    if guess == RECORD_ID and column.profile.counts_rows:  # the next list may give the numbers to other people
        code = "numbers_count_rows"
    return [
        build_question(
            code,
            place,
            READ_STEP,
            kind="meaning",
            answer="mapping" if is_grave else "confirm",
            column=column,
            guess=guess,
            count=filled,
            values=values,
        )
    ]


def _holds_people(column: Column) -> bool:
    """Whether cells of a column hold days, names or words of a status or of publication: set aside one by one only."""
    if column.profile.dates > 0:
        return True
    for sample in column.profile.samples:
        has_word = find_publication_wish(sample) or find_state_in_remark(sample, DateContext())
        if has_word or (len(sample.split()) >= WORDS_IN_NAME and not any(map(str.isdigit, sample))):
            return True
    return False


def ask_about_whole_list(opened_list: OpenedList, undecided: int, undated_ages: int) -> list[StoredQuestion]:
    """Ask what no layout says: the day of the list, whether it is whole, and how the organisation checked it."""
    mapping, questions = opened_list.mapping, []
    day = opened_list.day
    if mapping.list_date is None and LIST_DATE in ASKED_OF_EVERY_LIST:
        guess = None if day is None else day.isoformat()
        questions.append(build_question(LIST_DATE, ["list_date"], READ_STEP, kind="date", guess=guess))
    is_country_read = COUNTRY in mapping.constants or any(COUNTRY in column.fields for column in opened_list.columns)
    if LIST_COUNTRY in ASKED_OF_EVERY_LIST and opened_list.country is not None and not is_country_read:
        questions.append(
            build_question(LIST_COUNTRY, ["constants", COUNTRY], READ_STEP, kind="country", guess=opened_list.country)
        )
    if mapping.whole is None and WHOLE_LIST in ASKED_OF_EVERY_LIST:
        choices = [format_choice("false", "additions_only"), format_choice("true", "whole_list")]
        questions.append(build_question(WHOLE_LIST, ["whole"], READ_STEP, choices=choices))
    read = {name for column in opened_list.columns for name in column.fields} | mapping.constants.keys()
    if mapping.checked is None and LIST_CHECKED in ASKED_OF_EVERY_LIST and not read & {VERDICT, METHOD}:
        methods = _list_code_choices("methods", sorted(FIRST_HAND))
        choices = [format_choice(NOT_CHECKED, "not_checked"), *methods]
        questions.append(build_question(LIST_CHECKED, ["checked"], READ_STEP, choices=choices))
    if mapping.held is None and LIST_HELD in ASKED_OF_EVERY_LIST and undecided:
        choices = [format_choice("held", "still_held"), format_choice("unknown", "not_known")]
        questions.append(
            build_question(
                LIST_HELD,
                ["held"],
                READ_STEP,
                choices=choices,
                count=undecided,
                values={"rows_of": format_row_count(undecided)},
            )
        )
    age_column = next((column for column in opened_list.columns if AGE in column.fields), None)
    has_day = AGE_ON in read or mapping.age_on is not None or find_day_of_ages(opened_list.columns) is not None
    if undated_ages and age_column is not None and not has_day:
        ages = [format_choice("detained_on", "age_at_arrest"), format_choice("released_on", "age_at_release")]
        if opened_list.day is not None:  # by name: the day is perhaps answered in the same round
            ages.append(format_choice(AGE_ON_LIST_DAY, "age_on_day"))
        questions.append(
            build_question(
                "age_needs_day",
                ["age_on"],
                READ_STEP,
                column=age_column,
                choices=ages,
                count=undated_ages,
            )
        )
    return questions


def ask_about_rows(
    faults: SurveyedFaults, columns: Sequence[Column], label_row: Callable[[int], str]
) -> list[StoredQuestion]:
    """Ask about values that are not understood, and about rows that may be no person or contradict themselves."""
    by_letter = {column.letter: column for column in columns}
    questions: list[StoredQuestion] = []
    values = 0
    for (code, letter, _value), group in sorted(faults.groups.items(), key=lambda item: item[1].rows[0]):
        column = by_letter.get(letter or "")
        labels = [label_row(number) for number in group.rows]
        if code in QUESTIONS:
            questions += _ask_about_doubtful(Question(code), group, column, labels)
        elif code in ANSWERED_CODES and column is not None and group.fault.value is not None:
            values += 1
            if values <= MAX_VALUE_QUESTIONS and len(group.fault.value) < MAX_WORD_LENGTH:
                questions.append(_ask_about_value(group, column, labels))
        elif code == DATE_ORDER_CODE and not any(question["code"] == "date_order" for question in questions):
            choices = [format_choice("day_first", "day_first"), format_choice("month_first", "month_first")]
            questions.append(
                build_question(
                    "date_order", ["dates"], VALUES_STEP, column=column, choices=choices, count=group.count,
                    value=group.fault.value, rows=labels, values={"cell": group.fault.value or ""},
                )
            )  # fmt: skip
        elif code == COUNTRY_REQUIRED:
            questions.append(
                build_question(
                    LIST_COUNTRY, ["constants", COUNTRY], READ_STEP, kind="country",
                    count=group.count,
                )
            )  # fmt: skip
    return questions


# Question → the labels of its answers, where they are not those of the answers' names.
_ANSWER_LABELS = {
    (Question.WITHDRAWN, Answer.LEAVE_OUT): "stays_withdrawn",
    (Question.REMARK_STATE, Answer.READ): "remark_set_aside",
    (Question.REPEATED, Answer.LEAVE_OUT): "same_person",
    (Question.REPEATED, Answer.READ): "another_person",
    (Question.REMARK_WISH, Answer.READ): "remark_set_aside",
}
_LIKELY_NOBODY = frozenset({Question.SUM, Question.TITLE, Question.HEADINGS, Question.NOT_A_NAME})


def _ask_about_doubtful(
    code: Question, group: FaultGroup, column: Column | None, labels: Sequence[str]
) -> list[StoredQuestion]:
    choices = [format_choice(answer, _ANSWER_LABELS.get((code, answer), answer)) for answer in list_answers(code)]
    guess = Answer.LEAVE_OUT if code in _LIKELY_NOBODY else None
    is_group = group.count > MAX_SINGLE_ROWS
    questions = []
    values = group.values if len(group.values) == len(labels) else [*group.values[:1]] * len(labels)
    for label, value in zip(labels[:1] if is_group else labels, values or [""] * len(labels), strict=False):
        count = group.count if is_group else 1
        details = {
            lang: f"{format_line('question_rows', lang, count=count, row=label)} {format_bare_question(code, lang)}"
            for lang in LANGUAGES
        }
        name = str(code) if is_group else f"{label} {code}" if code in CELL_QUESTIONS else label
        questions.append(
            build_question(
                code,
                ["rows", name],
                _find_step(code),
                details=details,
                column=column,
                choices=choices,
                guess=guess,
                value=value or None,
                count=count,
                rows=labels if is_group else [label],
                samples=group.values if is_group else [value],
            )
        )
    return questions


def _find_step(question: Question) -> int:
    return CHANGES_STEP if question in CELL_QUESTIONS else VALUES_STEP


def _ask_about_value(group: FaultGroup, column: Column, labels: Sequence[str]) -> StoredQuestion:
    name = group.fault.pointer.removeprefix("/").replace("/", ".")
    name = name if name in FIELDS else column.fields[0]
    value = group.fault.value or ""
    choices, kind = list_choices(name)
    return build_question(
        "value_unknown",
        ["values", name, fold(value)],
        VALUES_STEP,
        kind=kind,
        column=column,
        choices=choices,
        value=value,
        count=group.count,
        rows=labels,
        values={"word": value, "title": column.title},
    )


def list_choices(name: str) -> tuple[list[Choice], str]:
    """Return the answers that can be right for a word in a column, and the kind of answer."""
    empty = format_choice("", "says_nothing")
    field_kind = FIELDS[name]
    if name == STATE:
        return [
            {"value": c.code, "labels": {lang: c.label(lang) for lang in LANGUAGES}} for c in STATE_CHOICES
        ], "choice"
    if field_kind.kind == "mark":
        return [format_choice("x", "yes"), format_choice("", "no")], "choice"
    if field_kind.kind in ("country", "countries"):
        return [], "country"
    if field_kind.codes is None or field_kind.codes == COUNTRY_CODE_LIST:
        return [empty], "text"
    return [*_list_code_choices(field_kind.codes), empty], "choice"


def _list_code_choices(codes: str, only: Iterable[str] | None = None) -> list[Choice]:
    terms = {lang: {term["code"]: term["label"] for term in build_vocabulary(lang)[codes]} for lang in LANGUAGES}
    wanted = list(terms["en"]) if only is None else only
    return [{"value": code, "labels": {lang: terms[lang][code] for lang in LANGUAGES}} for code in wanted]
