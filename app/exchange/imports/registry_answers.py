"""What a registry elsewhere answers to a list that is sent to it in parts, as far as its sender reads it."""

import uuid
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from app.vocabulary import ImportOutcome, ImportState

LONGEST_NEXT = 2_000  # characters of the address of the next page: far more than a cursor takes


class Me(BaseModel):
    role: str
    source: str | None


class Message(BaseModel):
    code: str
    detail: str
    row: int | None = None  # of the part


class Question(Message):
    answer: Literal["confirm", "mapping"] = "confirm"


class Example(BaseModel):
    row: int  # of the part


class AcceptedRows(BaseModel):
    code: str
    count: int
    examples: list[Example]


class PartReceipt(BaseModel):
    id: uuid.UUID
    state: ImportState
    counts: dict[ImportOutcome, int]
    releases: int = 0
    held: int = 0
    first_revision: int | None
    last_revision: int | None
    lost: dict[str, int] = {}
    gained: dict[str, int] = {}
    held_counted: int = 0
    held_not_counted: dict[str, int] = {}
    warnings: list[AcceptedRows] = []
    questions: list[Question]
    problem: Message | None


class PlacedError(Message):
    pointer: str
    withdrawn_on: str | None = None


class PartRow(BaseModel):
    row: int
    source_record_id: str | None = None
    outcome: ImportOutcome
    report_id: uuid.UUID | None
    revision: int | None
    errors: list[PlacedError]
    warnings: list[PlacedError] = []


class PartRows(BaseModel):
    data: list[PartRow]
    next: Annotated[str, Field(max_length=LONGEST_NEXT)] | None
