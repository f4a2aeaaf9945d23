"""Lists on their way in."""

import uuid
from typing import Literal

from pydantic import BaseModel

from app.api.wire.base import Page
from app.import_codes import ImportOutcome, ImportState


class ImportColumn(BaseModel):
    """A column as a spreadsheet letters it, and the fields of a report it is read for; none: it is not read."""

    column: str
    heading: str
    fields: list[str]


class ImportFault(BaseModel):
    """Why a file was not filed, or not to its end."""

    code: str
    detail: str
    row: int | None


class ImportQuestion(BaseModel):
    """What a person should look at before the list is sent again: confirmed, or with a mapping that answers it."""

    code: str
    detail: str
    answer: Literal["confirm", "mapping"] = "confirm"


class ImportChange(BaseModel):
    """How many verdicts, dates and wishes about publication are no longer said, or were not said before."""

    verdicts: int
    dates: int
    wishes: int


class ImportOut(BaseModel):
    """A list sent by you: how far it has got; once it is through, its receipt."""

    id: uuid.UUID
    state: ImportState
    dry_run: bool
    strict: bool
    created_at: str
    finished_at: str | None
    digest: str
    rows: int | None
    whole: int | None
    settled: int
    counts: dict[ImportOutcome, int]
    releases: int
    held: int
    lost: ImportChange
    gained: ImportChange
    held_counted: int
    held_not_counted: dict[Literal["no_day_of_arrest", "day_not_past", "not_asserted"], int]
    first_revision: int | None
    last_revision: int | None
    form: Literal["csv", "xlsx", "ods", "jsonl"] | None
    sheet: str | None
    other_sheets: list[str]
    columns: list[ImportColumn]
    saved_mapping: bool
    derived_case_numbers: int
    questions: list[ImportQuestion]
    problem: ImportFault | None


class RowError(BaseModel):
    """One thing wrong with a row: the column it stands in, the field it is read for, what to do."""

    column: str | None
    pointer: str
    code: str
    detail: str


class ImportRowShape(BaseModel):
    """What became of a row, by its number in the file."""

    row: int
    outcome: ImportOutcome
    report_id: uuid.UUID | None
    revision: int | None
    errors: list[RowError]


ImportRowPage = Page[ImportRowShape]
