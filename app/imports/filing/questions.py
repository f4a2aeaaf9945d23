"""Ask about a list, in one round: its sheets, columns, values and rows, and what is true of the whole (pure).

A question names the place of its answer in the mapping as a JSON pointer: `/positions/F` takes the meaning of column F.
So every client can ask it and write the answer down: the desk, the command line, another program. The steps are those
of an officer: what was read, what the values mean, what will change."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice

from app.imports.faults import (
    StoredQuestion,
    Value,
    format_bare_question,
    format_choice,
    format_line,
    format_row_count,
    get_label,
)
from app.imports.fields import FIELDS, NAME, STATE
from app.imports.filing.question_form import (
    CHANGES_STEP,
    LIST_COUNTRY,
    READ_STEP,
    VALUES_STEP,
    build_question,
    list_choices,
    list_code_choices,
)
from app.imports.filing.survey import (
    ANSWERED_CODES,
    COUNTRY_REQUIRED,
    DATE_ORDER_CODE,
    LIST_HELD,
    FaultGroup,
    SurveyedFaults,
)
from app.imports.formats.template import LANGUAGES
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
from app.imports.reader.doubts import find_colour_groups, name_colour
from app.imports.reader.heading_recognition import RECORD_ID
from app.imports.reader.layout import Column, find_day_of_ages, may_withhold
from app.imports.reader.list_reader import OpenedList
from app.imports.reader.remarks import find_publication_wish, find_state_in_remark
from app.imports.reader.rows import COUNTRY, METHOD, VERDICT
from app.imports.reader.sheet_dates import DateContext
from app.imports.reader.sheets import OpenedSheet
from app.log.content import AGE, AGE_ON
from app.matching.scripts import fold
from app.projection.statements import FIRST_HAND

# Questions about values of one list: beyond these the column was read for the wrong thing.
MAX_VALUE_QUESTIONS = 60
MAX_SINGLE_ROWS = 3  # a larger group of rows gets one question
MAX_WORD_LENGTH = 60


def ask_about_rows(
    faults: SurveyedFaults, columns: Sequence[Column], label_row: Callable[[int], str]
) -> list[StoredQuestion]:
    """Ask about values that are not understood, and about rows that may be no person or contradict themselves."""
    by_letter = {column.letter: column for column in columns}
    questions: list[StoredQuestion] = []
    values = 0
    for (code, _place, _word), group in sorted(faults.groups.items(), key=lambda item: item[1].rows[0]):
        column = by_letter.get(group.fault.column or "")
        labels = [label_row(number) for number in group.rows]
        if code in QUESTIONS:
            questions += _ask_about_doubtful(Question(code), group, column, labels)
        elif code in ANSWERED_CODES and group.word:
            settled = next((by_letter[letter] for letter in group.columns if by_letter[letter].is_settled), None)
            if settled is not None:  # of another column it is asked first what it is
                values += 1
                if values <= MAX_VALUE_QUESTIONS and len(group.word) < MAX_WORD_LENGTH:
                    questions.append(_ask_about_value(group, settled, labels))
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
ANSWER_LABELS: dict[tuple[Question, str], str] = {
    (Question.WITHDRAWN, Answer.LEAVE_OUT): "stays_withdrawn",
    (Question.REMARK_STATE, Answer.READ): "remark_set_aside",
    (Question.REPEATED, Answer.LEAVE_OUT): "same_person",
    (Question.REPEATED, Answer.READ): "another_person",
    (Question.REMARK_WISH, Answer.REMARK): "wish_holds",
    (Question.REMARK_WISH, Answer.READ): "wish_set_aside",
}
_LIKELY_NOBODY = frozenset({Question.SUM, Question.TITLE, Question.HEADINGS, Question.NOT_A_NAME})


def _ask_about_doubtful(
    code: Question, group: FaultGroup, column: Column | None, labels: Sequence[str]
) -> list[StoredQuestion]:
    choices = [format_choice(answer, ANSWER_LABELS.get((code, answer), answer)) for answer in list_answers(code)]
    guess = Answer.LEAVE_OUT if code in _LIKELY_NOBODY else None
    is_group = group.count > MAX_SINGLE_ROWS
    questions = []
    values = group.values if len(group.values) == len(labels) else [*group.values[:1]] * len(labels)
    shown = zip(labels, group.names, values or [""] * len(labels), strict=False)
    for label, person, value in islice(shown, 1 if is_group else None):
        count = group.count if is_group else 1
        named = name_rows(labels, group.names, count) if is_group else name_rows([label], [person], 1)
        details = {
            lang: f"{format_line('question_rows', lang, count=count, named=named)} {format_bare_question(code, lang)}"
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


def name_rows(labels: Sequence[str], names: Sequence[str], count: int) -> str:
    """Name rows by their labels and people: "14: Ana Paz; 15: Luis Gil; …"."""
    named = [f"{label}: {name.rstrip('.')}" if name else label for label, name in zip(labels, names, strict=True)]
    return "; ".join(named) + ("; …" if count > len(named) else "")


def _find_step(question: Question) -> int:
    return CHANGES_STEP if question in CELL_QUESTIONS else VALUES_STEP


def _ask_about_value(group: FaultGroup, column: Column, labels: Sequence[str]) -> StoredQuestion:
    name = group.fault.pointer.removeprefix("/").replace("/", ".")
    name = name if name in FIELDS else column.fields[0]
    value = group.word
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
        samples=group.values if group.fault.word else (),
        values={"word": value, "title": column.title},
    )


# What no layout says, and nobody else knows.
LIST_DATE, WHOLE_LIST, LIST_CHECKED = "list_date", "whole_list", "list_checked"
EVERY_LIST_QUESTIONS = frozenset({LIST_DATE, LIST_COUNTRY, WHOLE_LIST, LIST_CHECKED, LIST_HELD})
WORDS_IN_NAME = 2


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
        if _needs_sheet_question(sheet, opened_list)
    ]
    for sheet in opened_list.used_sheets:
        if not sheet.heading_row.is_found and not _is_header_answered(opened_list.mapping, sheet):
            questions.append(_ask_about_header(sheet))
        unread_cells = opened_list.tally.unread_cells  # of all rows: the profile of a column is of the first
        for column in sheet.columns:
            questions += _ask_about_column(column, column.profile.filled or unread_cells[column.letter])
        questions += _ask_about_colours(sheet, opened_list)
    return questions


def _needs_sheet_question(sheet: OpenedSheet, opened_list: OpenedList) -> bool:
    """Whether it is open if a sheet belongs to the list. Sheets set aside are asked about again if no other is left."""
    if not sheet.row_count or opened_list.mapping.sheet is not None:
        return False
    if not opened_list.used_sheets:
        return True
    return len(opened_list.sheets) > 1 and not sheet.is_sure and sheet.name not in opened_list.mapping.sheets


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
    if column.is_answered or not filled or column.is_counter or column.is_phones:
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
    is_grave = may_withhold(column) or (guess is None and _holds_people(column))
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


def ask_about_whole_list(opened_list: OpenedList, undecided: FaultGroup, undated_ages: int) -> list[StoredQuestion]:
    """Ask what no layout says: the day of the list, whether it is whole, and how the organisation checked it."""
    mapping, questions = opened_list.mapping, []
    day = opened_list.day
    if mapping.list_date is None and LIST_DATE in EVERY_LIST_QUESTIONS:
        guess = None if day is None else day.isoformat()
        questions.append(build_question(LIST_DATE, ["list_date"], READ_STEP, kind="date", guess=guess))
    is_country_read = COUNTRY in mapping.constants or any(COUNTRY in column.fields for column in opened_list.columns)
    if LIST_COUNTRY in EVERY_LIST_QUESTIONS and opened_list.country is not None and not is_country_read:
        questions.append(
            build_question(LIST_COUNTRY, ["constants", COUNTRY], READ_STEP, kind="country", guess=opened_list.country)
        )
    if mapping.whole is None and WHOLE_LIST in EVERY_LIST_QUESTIONS:
        choices = [format_choice("false", "additions_only"), format_choice("true", "whole_list")]
        questions.append(build_question(WHOLE_LIST, ["whole"], READ_STEP, choices=choices))
    read = {name for column in opened_list.columns for name in column.fields} | mapping.constants.keys()
    if mapping.checked is None and LIST_CHECKED in EVERY_LIST_QUESTIONS and not read & {VERDICT, METHOD}:
        methods = list_code_choices("methods", sorted(FIRST_HAND))
        choices = [format_choice(NOT_CHECKED, "not_checked"), *methods]
        questions.append(build_question(LIST_CHECKED, ["checked"], READ_STEP, choices=choices))
    if mapping.held is None and LIST_HELD in EVERY_LIST_QUESTIONS and undecided.count:
        choices = [format_choice("held", "still_held"), format_choice("unknown", "not_known")]
        labels = [opened_list.label_row(number) for number in undecided.rows]
        named = name_rows(labels, undecided.names, undecided.count)
        questions.append(
            build_question(
                LIST_HELD,
                ["held"],
                READ_STEP,
                choices=choices,
                count=undecided.count,
                rows=labels,
                values={"rows_of": format_row_count(undecided.count), "named": named},
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
                answer="mapping",
                column=age_column,
                choices=ages,
                count=undated_ages,
            )
        )
    return questions
