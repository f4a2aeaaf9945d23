"""Schemas of list imports."""

import uuid
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from app.schemas.base import Page
from app.vocabulary import ImportOutcome, ImportState, Publish

ListForm = Literal["csv", "xlsx", "ods", "jsonl"]
# The verdicts that count as a source's own.
OwnVerdict = Literal["verified", "reported"]
# Why a person reported as held is not counted as held.
NotHeldReason = Literal["no_day_of_arrest", "day_not_past", "day_too_old", "not_asserted"]


class ImportColumn(TypedDict):
    """A column as a spreadsheet letters it, and the fields of a report it is read for; none: it is not read. `filled`,
    `samples`: how many of its first cells hold something, and some of them. `sure`: nothing else is as likely.
    `counts_rows`: it numbers the rows. `phones`: it has phone numbers, which are never stored."""

    column: str
    heading: str
    fields: list[str]
    filled: NotRequired[int]
    samples: NotRequired[list[str]]
    sure: NotRequired[bool]
    counts_rows: NotRequired[bool]
    phones: NotRequired[bool]


class ImportFault(TypedDict):
    """Why a file was not filed, or not to its end."""

    code: str
    detail: str
    row: int | None


class ImportChoice(TypedDict):
    """An answer to a question, and what it means."""

    value: str
    label: str


class ImportQuestion(TypedDict):
    """What a person should answer before the list is sent again. `place`: where the mapping takes the answer, as a JSON
    pointer; null: confirm the list. `step`: 1 what was read, 2 what the values mean, 3 what will change. `kind`: one of
    the `choices`, the `meaning` of a column (a field of a report, or nothing), a `country`, a `date`, a `number` or a
    `text`. `guess`: the likeliest answer. `answer`: whether `confirm` passes over it;
    then the guess holds, and what has none is left out."""

    code: str
    detail: str
    answer: Literal["confirm", "mapping"]
    place: str | None
    step: int
    kind: str
    choices: list[ImportChoice]
    guess: str | None
    column: str | None
    heading: str | None
    samples: list[str]
    value: str | None
    count: int | None
    rows: list[str]


class ImportChange(TypedDict):
    """How many verdicts, dates and wishes about publication are no longer said, or were not said before."""

    verdicts: int
    dates: int
    wishes: int


class ImportUnsaid(TypedDict):
    """A word that was read as "nothing is known", and how many cells of a column hold it."""

    column: str
    word: str
    count: int


class ImportUnread(TypedDict):
    """How many cells of a column hold something and were not read."""

    column: str
    count: int


class ImportNoted(TypedDict):
    """How many cells of a column say more than their value, such as "c. 50": the report has the words in its note."""

    column: str
    count: int


class ImportLeftOut(TypedDict):
    """Rows that the mapping leaves out, and the first of them."""

    count: int
    rows: list[int]


class ImportExample(TypedDict):
    """A row of a group, and what stands in its cell, where a day, a number or a code was expected."""

    row: int
    value: str | None


class ImportGroup(TypedDict):
    """What is wrong with rows in one way, or asked about them: how many, in which column, what it was read as, what to
    do, and the first few. Rows that a question is open about are left out until a mapping answers it."""

    code: str
    question: bool
    count: int
    column: str | None
    heading: str | None
    field: str | None
    detail: str
    examples: list[ImportExample]


class ImportWarning(TypedDict):
    """What was accepted of rows and may not be what was meant: how many, and the first few, with the place as they name
    it while their reports stand and nobody has registered it. `wish_withdrawn`: they take back a stricter wish about
    publication that you had reported. `looks_older`: most changed rows go back to what you said before."""

    pointer: str
    code: Literal["unregistered_facility", "wish_withdrawn", "looks_older"]
    detail: str
    count: int
    examples: list[ImportExample]


class ImportReceipt(TypedDict):
    """The receipt of a list, filed at once or sent part by part. `statuses`: how many rows say each status. `sums`: of
    the rows left out those that sum up others. `kept_answers`: for each place under `rows` the answer that an equal
    row of your last list got."""

    state: ImportState
    dry_run: bool
    strict: bool
    digest: str
    settled: int
    missing: int
    counts: dict[ImportOutcome, int]
    releases: int
    held: int
    lost: ImportChange
    gained: ImportChange
    held_counted: int
    awaiting_review: int
    held_not_counted: dict[NotHeldReason, int]
    changed_fields: dict[str, int]
    going_back: int
    releases_taken_back: int
    first_revision: int | None
    last_revision: int | None
    sheet: str | None
    sheet_names: dict[str, str]
    other_sheets: list[str]
    columns: list[ImportColumn]
    saved_mapping: bool
    remembered: str | None
    derived_case_numbers: int
    unsaid: list[ImportUnsaid]
    unread: list[ImportUnread]
    noted: list[ImportNoted]
    left_out: ImportLeftOut
    sums: ImportLeftOut
    statuses: dict[str, int]
    kept_answers: dict[str, str]
    warnings: list[ImportWarning]
    questions: list[ImportQuestion]
    problem: ImportFault | None


class ImportOwnChange(TypedDict):
    """How many more releases carried out in a country you verify, or only report, by the rows of the list than before;
    fewer: below nought. It follows from your own reports alone: a row that leaves out the country, or that there was a
    release, is in no number, also where it points at a release (`release_id`)."""

    country: str
    verified: int
    reported: int


class ImportOut(ImportReceipt):
    """A list sent by you: how far it has got; once it is through, its receipt."""

    id: uuid.UUID
    created_at: str
    finished_at: str | None
    undone_at: str | None
    rows: int | None
    whole: int | None
    form: ListForm | None
    groups: list[ImportGroup]
    own_releases: list[ImportOwnChange]
    publish: dict[Publish, int]


class ImportSummary(TypedDict):
    """A list sent by you, in short. `undone_at`: when you undid it."""

    id: uuid.UUID
    state: ImportState
    created_at: str
    finished_at: str | None
    undone_at: str | None
    rows: int | None
    counts: dict[ImportOutcome, int]


class ImportPage(Page):
    """Your lists, the newest first."""

    data: list[ImportSummary]


class RowError(TypedDict):
    """One thing wrong with a row, or asked about it: the column it stands in, the field it is read for, what to do, and
    what stands there, where a day, a number or a code was expected; of `withdrawn_report`, when you withdrew it."""

    column: str | None
    pointer: str
    code: str
    detail: str
    value: NotRequired[str | None]
    withdrawn_on: NotRequired[str | None]


class ImportFieldChange(TypedDict):
    """A field of your report that a row changes; null: nothing is said of it. An identification number is null on both
    sides. `goes_back`: an earlier version of your report had the new value."""

    field: str
    before: Any
    after: Any
    goes_back: bool


class ImportRowShape(TypedDict):
    """What became of a row. `warnings`: accepted, and perhaps not meant. `changes`: of your report; of a
    new one its status (`state`), days and place."""

    row: int
    label: str | None
    name: str | None
    source_record_id: str | None
    outcome: ImportOutcome
    report_id: uuid.UUID | None
    revision: int | None
    errors: list[RowError]
    warnings: list[RowError]
    changes: list[ImportFieldChange]


class ImportMissingReport(TypedDict):
    """A report of yours that an earlier list filed and that is on no row of a whole list. `state`: held, released,
    denied, or how the detention ended; `last_reported`: the day on which you last filed it."""

    report_id: uuid.UUID
    source_record_id: str
    name: str | None
    state: str
    last_reported: str


class ImportRowPage(Page):
    """What became of the rows of a list."""

    data: list[ImportRowShape]


# Why undoing a list leaves a row: its report was changed again since, it waits under an embargo, or only its source can
# correct it.
UndoReason = Literal["changed_since", "waiting", "by_hand"]


class UndoLeftRow(TypedDict):
    """A row that undoing a list leaves as it is, wholly or in these fields. `changed_since`: you changed these fields
    again. `waiting`: the report waits under an embargo: delete it. `by_hand`: correct it yourself."""

    row: int | None
    label: str | None
    name: str | None
    source_record_id: str | None
    report_id: uuid.UUID | None
    reason: UndoReason
    fields: list[str]


UndoOut = TypedDict(
    "UndoOut",
    {
        "import": uuid.UUID,
        "dry_run": bool,
        "restored": int,
        "withdrawn": int,
        "unchanged": int,
        "left": list[UndoLeftRow],
        "own_releases": list[ImportOwnChange],
        "next_after": int | None,
        "revision": int,
    },
)
UndoOut.__doc__ = """A list that was undone, or with `dry_run` only tried: how many of its reports have earlier values
again, how many were withdrawn because the list opened them, and how many stay. The numbers are those of this answer,
and of a long list there are several."""
