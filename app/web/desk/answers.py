"""Carry a list and its questions through the forms of its trial, and read the officer's answers.

The server does not store a list that was only tried: the page carries it, compressed and encrypted, because an open
browser would otherwise show the names to others, and a third party could change them. Each form also carries the
answers given so far as a mapping, into which new answers are merged, and the questions asked so far, so that an answer
can be changed.
"""

import hashlib
import json
import tomllib
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from pydantic import ValidationError

from app.imports.answers import build_answers
from app.imports.faults import BadFile
from app.imports.fields import GIVEN_NAMES, NAME, SURNAMES
from app.imports.filing.missing_rows import MissingAnswer
from app.imports.mapping import ListMapping
from app.imports.reader.list_reader import SHEET_ROWS, OpenedList, open_list
from app.log import sealing
from app.web.desk.page import FormValues, first_value

# Compressed: about 5,000 rows. As text it is a third longer, and it is transferred twice with each trial, which takes
# seconds on a bad connection. For a longer list the officer chooses the file again.
MAX_HELD_BYTES = 256 * 1024
_LIST_CONTEXT, _QUESTIONS_CONTEXT = "list of", "questions of"
Question = Mapping[str, Any]


def seal_list(secret: bytes, data: bytes, source: str) -> str | None:
    """Encrypt a list for a form of a source; None if it is too long."""
    return _seal(secret, data, _LIST_CONTEXT, source)


def unseal_list(secret: bytes, text: str, source: str) -> bytes | None:
    """Decrypt the list in a form of this source; None if it was changed or is of another source."""
    return _unseal(secret, text, _LIST_CONTEXT, source)


def seal_questions(secret: bytes, questions: Iterable[Question], source: str) -> str:
    """Encrypt the questions asked about a list for a form of a source; empty if they are too long."""
    return _seal(secret, json.dumps(list(questions)).encode(), _QUESTIONS_CONTEXT, source) or ""


def unseal_questions(secret: bytes, text: str, source: str) -> list[Question]:
    """Decrypt the questions in a form of this source; none if they were changed."""
    data = _unseal(secret, text, _QUESTIONS_CONTEXT, source)
    questions: list[Question] = [] if data is None else json.loads(data)
    return questions


def _seal(secret: bytes, data: bytes, context: str, source: str) -> str | None:
    compressed = zlib.compress(data)
    if len(compressed) > MAX_HELD_BYTES:
        return None
    return urlsafe_b64encode(sealing.seal_bytes(secret, compressed, "desk", context, source)).decode()


def _unseal(secret: bytes, text: str, context: str, source: str) -> bytes | None:
    try:  # the decompressed size is bounded: only lists within the API's limit were sealed
        return zlib.decompress(sealing.unseal_bytes(secret, urlsafe_b64decode(text), "desk", context, source))
    except (sealing.DamagedCiphertext, ValueError):
        return None


def compute_digest(data: bytes) -> str:
    """Return the SHA-256 of a list, by which two forms refer to the same one."""
    return hashlib.sha256(data).hexdigest()


MAX_PREVIEW_LENGTH = 60  # characters of a cell beside a question


@dataclass(frozen=True)
class RowIdentity:
    """The name and the case number in a row. `label`: of the row, for officers; `cells`: its filled cells by letter."""

    number: int
    name: str
    case: str
    label: str
    cells: Mapping[str, str]


def identify_rows(
    data: bytes, mapping: str, receipt: Mapping[str, Any], numbers: Collection[int], labels: Collection[str] = ()
) -> dict[int, RowIdentity]:
    """Return the identities of the rows with these numbers or labels, by number; none if the import job read the list
    differently."""
    wanted_count = len(set(map(str, numbers)) | set(labels))
    if not wanted_count:
        return {}
    columns = receipt["columns"]
    try:
        sent = ListMapping.parse_toml(mapping) if mapping.strip() else ListMapping()
        as_read = {column["column"]: list(column["fields"]) for column in columns}
        list_file = open_list(data, sent.model_copy(update={"positions": as_read}))
        read_columns = [(column.letter, column.title) for column in list_file.columns]
        if read_columns != [(column["column"], column["heading"]) for column in columns]:
            return {}
        return _find_rows(list_file, numbers, labels, wanted_count)
    except BadFile:
        return {}


def _find_rows(
    list_file: OpenedList, numbers: Collection[int], labels: Collection[str], wanted_count: int
) -> dict[int, RowIdentity]:
    found: dict[int, RowIdentity] = {}
    used = list_file.used_sheets
    for sheet in used:
        offset = sheet.number * SHEET_ROWS if len(used) > 1 else 0
        named = {name: [column.place for column in sheet.columns if name in column.fields] for name in _IDENTIFYING}
        name_places = named[NAME] or named[GIVEN_NAMES] + named[SURNAMES]
        for row in sheet.read_cells():
            number = offset + row.number
            label = list_file.label_row(number)
            if number not in numbers and label not in labels:
                continue
            texts = ((column.letter, row.text(column.place)[:MAX_PREVIEW_LENGTH]) for column in sheet.columns)
            found[number] = RowIdentity(
                number,
                " ".join(filter(None, map(row.text, name_places))),
                next(filter(None, map(row.text, named["source_record_id"])), ""),
                label,
                {letter: text for letter, text in texts if text},
            )
            if len(found) == wanted_count:
                return found
    return found


_IDENTIFYING = (NAME, GIVEN_NAMES, SURNAMES, "source_record_id")

ANSWER_PREFIX = "answer:"  # of form fields, before the place of the question
DAY_PREFIX = "day:"  # of the day beside an answer about somebody whom a whole list lacks
DATED_ANSWERS = frozenset({MissingAnswer.RELEASED, MissingAnswer.DIED})
NOTHING = "-"  # the answer that a word says nothing, or that a column is not needed: an empty field is no answer


def build_answer_name(place: str) -> str:
    """Return the form field of a question. Browsers would change quotation marks and line breaks in it."""
    return ANSWER_PREFIX + quote(place, safe="/")


@dataclass(frozen=True)
class SubmittedAnswers:
    """The answers in a form, by the places of questions. `refused`: places with a text that is no answer there."""

    pairs: list[tuple[str, str]]
    refused: frozenset[str]


def parse_answers(form_values: FormValues) -> SubmittedAnswers:
    """Parse the answers in a form."""
    pairs, refused = [], set()
    for name in form_values:
        text = first_value(form_values, name).strip()
        if not name.startswith(ANSWER_PREFIX) or not text:
            continue
        place = unquote(name.removeprefix(ANSWER_PREFIX))
        day = first_value(form_values, DAY_PREFIX + name.removeprefix(ANSWER_PREFIX)).strip()
        if day and text in DATED_ANSWERS:
            text = f"{text}:{day}"
        pair = place, "" if text == NOTHING else text
        try:
            ListMapping.model_validate(build_answers([pair]))
        except ValidationError:
            refused.add(pair[0])
        else:
            pairs.append(pair)
    return SubmittedAnswers(pairs, frozenset(refused))


def parse_mapping(text: str) -> dict[str, Any]:
    """Return the mapping in a form as a dictionary; empty if it is none."""
    try:
        ListMapping.parse_toml(text)
    except BadFile:
        return {}
    return tomllib.loads(text)


def find_answer(mapping: Mapping[str, Any], place: str) -> str | None:
    """Return the answer at a place of a mapping as its form field has it; None if it is open."""
    value: Any = mapping
    for part in place.split("/")[1:]:
        value = value.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(value, dict) else None
    if value is None or isinstance(value, dict):
        return None
    if isinstance(value, list):
        value = next(iter(value), "")
    return (str(value).lower() if isinstance(value, bool) else str(value)) or NOTHING
