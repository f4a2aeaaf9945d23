"""Split a list into parts for an upload, record the progress in a journal, and model the remote registry's responses.

The journal is on the sender's machine, so that an upload goes on after a power cut. It is an append-only file of lines,
each forced to the disk before the next step: digests, keys of requests, ids of imports and numbers of rows by outcome,
but no name, no address and no API key. If it is lost, the list is sent again, and filed rows change nothing.
"""

import errno
import fcntl
import hashlib
import json
import os
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field

from app.imports.faults import Fault
from app.imports.filing.survey import SurveyedFaults, has_undated_age
from app.imports.reader.doubts import CaseNumbers
from app.imports.reader.list_reader import IF_WITHDRAWN
from app.imports.reader.rows import Row, assign_case_number, validate_body
from app.imports.upload.client import PermanentError
from app.schemas.imports import ImportFieldChange
from app.vocabulary import ImportOutcome, ImportState

# The registry recognises a repeated request, and retains the outcomes of rows, for at least so long.
JOURNAL_LIFETIME = timedelta(days=30)
JOURNAL_VERSION = 1  # the version of the file's form


@dataclass
class PartState:
    """A part of an upload: its Idempotency-Key (`once`), whether it was sent `confirmed`, its import, and its receipt
    once all its rows are settled."""

    once: str
    confirmed: bool = False
    import_id: str | None = None
    receipt: dict[str, Any] | None = None


class UploadJournal:
    """The journal of one upload; use as a context manager. `is_new`: nothing has been sent yet. Raises
    PermanentError."""

    def __init__(self, folder: Path, destination: str, path: Path, content: str, now: datetime) -> None:
        """`destination`: the registry, source and options. `path`: of the list; `content`: its digest, which identifies
        it."""
        self.file = folder / f"{_digest(destination, content)[:32]}.jsonl"
        self._part_states: dict[str, PartState] = {}
        self._list_digest = _digest(destination, str(path.resolve()))
        self._now = now
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._handle = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._build_unwritable_error(error) from None
        try:
            self._lock()
            self.is_new = not self._load()
            if self.is_new:
                self._begin()
        except BaseException:
            os.close(self._handle)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._handle)

    def get_or_create_part(self, part: str, *, confirmed: bool = False) -> PartState:
        """The state of a part; its Idempotency-Key is on the disk before it is sent.

        The key is random, not derived: a list may be sent again on purpose, and must not get the former answer. A sent
        part stays `confirmed` as it was: another answer to the registry's question would be another request.
        """
        if part not in self._part_states:
            self._record(part, once=uuid.uuid4().hex, confirmed=confirmed)
        return self._part_states[part]

    def mark_sent(self, part: str, import_id: uuid.UUID) -> None:
        self._record(part, import_id=str(import_id))

    def mark_settled(self, part: str, receipt: dict[str, Any]) -> None:
        self._record(part, receipt=receipt)

    def forget_part(self, part: str) -> None:
        """Forget a refused part: sent again, it is another request."""
        self._record(part, forgotten=True)

    def delete_former_journals(self) -> bool:
        """Delete the journal of an unfinished upload of this file with a former content; return whether there was
        one."""
        former_journals = [path for path in self.file.parent.glob("*.jsonl") if path != self.file]
        former_journals = [path for path in former_journals if _read_list_digest(path) == self._list_digest]
        for path in former_journals:
            path.unlink(missing_ok=True)
        return bool(former_journals)

    def finish(self) -> None:
        """Delete the journal of a finished upload."""
        self.file.unlink(missing_ok=True)

    def _lock(self) -> None:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PermanentError("This list is being sent by another run on this machine: wait for it.") from None
        except OSError as error:
            raise self._build_unwritable_error(error) from None

    def _load(self) -> bool:
        """Read the file; False if it has no upload that can go on."""
        with os.fdopen(os.dup(self._handle), "rb") as file:
            file.seek(0)
            whole = file.read()
        lines = whole.splitlines(keepends=True)
        if lines and not lines[-1].endswith(b"\n"):
            os.ftruncate(self._handle, len(whole) - len(lines.pop()))  # cut short by a power cut, and not acted on
        try:
            notes = [json.loads(line) for line in lines]
            if not notes:
                return False
            begun_at = datetime.fromisoformat(notes[0]["begun_at"])
            if notes[0]["journal"] != JOURNAL_VERSION or self._now - begun_at > JOURNAL_LIFETIME:
                return False
            for note in notes[1:]:
                self._apply(**note)
        except (OSError, ValueError, KeyError, TypeError):
            raise PermanentError(
                f"The journal {self.file} is damaged: delete it and run the same command again. Rows that are in "
                "change nothing."
            ) from None
        return True

    def _begin(self) -> None:
        self._part_states.clear()
        try:
            os.ftruncate(self._handle, 0)
        except OSError as error:
            raise self._build_unwritable_error(error) from None
        self._write({"journal": JOURNAL_VERSION, "begun_at": self._now.isoformat(), "place": self._list_digest})
        with suppress(OSError):  # not every file system can
            folder = os.open(self.file.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _record(self, part: str, **values: Any) -> None:
        self._write({"part": part, **values})
        self._apply(part, **values)

    def _apply(self, part: str, *, forgotten: bool = False, **values: Any) -> None:
        if forgotten:
            self._part_states.pop(part, None)
        elif "once" in values:
            self._part_states[part] = PartState(**values)
        else:
            self._part_states[part] = replace(self._part_states[part], **values)

    def _write(self, line: dict[str, Any]) -> None:
        text = json.dumps(line).encode() + b"\n"
        try:
            if os.write(self._handle, text) < len(text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(self._handle)
        except OSError as error:
            raise self._build_unwritable_error(error) from None

    def _build_unwritable_error(self, error: OSError) -> PermanentError:
        return PermanentError(
            f"The journal {self.file} cannot be written ({error.strerror}): make room, or make it writable."
        )


def _read_list_digest(file: Path) -> str | None:
    try:
        with file.open(encoding="utf-8") as lines:
            return str(json.loads(next(lines))["place"])
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return None


def _digest(*texts: str) -> str:
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()


# Bytes of a part; packed they are 5 to 8 KB. A line of 5 KB a second that drops every few seconds carries 10 KB between
# two drops. With smaller parts more time is lost on round trips, of which each takes two. Measured before packing, so
# that every machine cuts alike.
MAX_PART_BYTES = 48 * 1024


@dataclass(frozen=True)
class UploadPart:
    """Rows sent together: JSON Lines, and the number of each row in the file."""

    data: bytes
    rows: list[int]

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


@dataclass
class ListParts:
    """A whole list, cut: its parts, the faults of rows that cannot be sent, and its counts."""

    parts: list[UploadPart] = field(default_factory=list)
    faults_by_row: dict[int, list[Fault]] = field(default_factory=dict)  # row → its faults
    columns: dict[str, str] = field(default_factory=dict)  # field → column
    rows: int = 0
    derived_case_numbers: int = 0  # rows whose case number was made here
    undated_ages: int = 0  # rows with an age of an unknown day, and no birth
    faults: SurveyedFaults = field(default_factory=SurveyedFaults)  # that answers mend


def split_list(rows: Iterable[Row]) -> ListParts:
    """Cut a list. Case numbers are derived from the whole list, before it is cut. Raises BadFile."""
    list_parts, case_numbers = ListParts(), CaseNumbers()
    lines: list[bytes] = []
    numbers: list[int] = []

    def close_part() -> None:
        if lines:
            list_parts.parts.append(UploadPart(b"".join(lines), list(numbers)))
            lines.clear()
            numbers.clear()

    for row in rows:
        list_parts.rows += 1
        list_parts.columns = row.columns or list_parts.columns
        numbered_row = assign_case_number(row, case_numbers)
        list_parts.undated_ages += has_undated_age(numbered_row)
        list_parts.faults.add(numbered_row)
        body = validate_body(numbered_row)
        if isinstance(body, list):
            list_parts.faults_by_row[row.number] = [row.add_value(fault) for fault in body]
            continue
        answer = {} if row.if_withdrawn is None else {IF_WITHDRAWN: row.if_withdrawn}
        text = json.dumps({**(numbered_row.body or {}), **answer}, ensure_ascii=False, separators=(",", ":"))
        line = text.encode() + b"\n"
        if sum(map(len, lines)) + len(line) > MAX_PART_BYTES:
            close_part()
        lines.append(line)
        numbers.append(row.number)
    close_part()
    list_parts.derived_case_numbers = case_numbers.derived_count
    return list_parts


LONGEST_NEXT = 2_000  # characters of the address of the next page: far more than a cursor takes


class Me(BaseModel):
    role: str
    source: str | None


class RemoteSource(BaseModel):
    country: str | None = None


class Message(BaseModel):
    code: str
    detail: str
    row: int | None = None  # of the part


class RemoteChoice(BaseModel):
    value: str
    label: str


class RemoteQuestion(Message):
    answer: Literal["confirm", "mapping"] = "confirm"
    place: str | None = None
    step: int = 1
    kind: str = "confirm"
    choices: list[RemoteChoice] = []
    guess: str | None = None
    column: str | None = None
    heading: str | None = None
    samples: list[str] = []
    value: str | None = None
    count: int | None = None
    rows: list[str] = []


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
    awaiting_review: int = 0
    held_not_counted: dict[str, int] = {}
    changed_fields: dict[str, int] = {}
    going_back: int = 0
    releases_taken_back: int = 0
    statuses: dict[str, int] = {}
    warnings: list[AcceptedRows] = []
    questions: list[RemoteQuestion]
    problem: Message | None


class PlacedError(Message):
    pointer: str
    withdrawn_on: str | None = None


class PartRow(BaseModel):
    row: int
    name: str | None = None
    source_record_id: str | None = None
    outcome: ImportOutcome
    report_id: uuid.UUID | None
    revision: int | None
    errors: list[PlacedError]
    warnings: list[PlacedError] = []
    changes: list[ImportFieldChange] = []


class PartRows(BaseModel):
    data: list[PartRow]
    next: Annotated[str, Field(max_length=LONGEST_NEXT)] | None
