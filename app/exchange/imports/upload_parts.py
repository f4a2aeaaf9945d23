"""Cut a list into parts, each small enough to pass a bad line whole (pure)."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from app.exchange.imports.case_numbers import Keys
from app.exchange.imports.faults import Fault
from app.exchange.imports.lists import IF_WITHDRAWN
from app.exchange.imports.row_checks import body_of, numbered
from app.exchange.imports.rows import Row
from app.exchange.imports.survey import has_undated_age

# Bytes of a part; packed they are 5 to 8 KB. A line of 5 KB a second that drops every few seconds carries 10 KB between
# two drops. With smaller parts more time is lost on round trips, of which each takes two. Measured before packing, so
# that every machine cuts alike.
MOST_BYTES = 48 * 1024


@dataclass(frozen=True)
class Part:
    """Rows sent together: JSON Lines, and the number of each row in the file."""

    data: bytes
    rows: list[int]

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


@dataclass
class Cut:
    """A whole list, cut: its parts, the faults of rows that cannot be sent, and its counts."""

    parts: list[Part] = field(default_factory=list)
    wrong: dict[int, list[Fault]] = field(default_factory=dict)  # row → its faults
    columns: dict[str, str] = field(default_factory=dict)  # field → column
    rows: int = 0
    derived: int = 0  # rows whose case number was made here
    ages: int = 0  # rows with an age of an unknown day, and no birth


def cut(rows: Iterable[Row]) -> Cut:
    """Cut a list. Case numbers are derived from the whole list, before it is cut. Raises BadFile."""
    whole, keys = Cut(), Keys()
    lines: list[bytes] = []
    numbers: list[int] = []

    def close() -> None:
        if lines:
            whole.parts.append(Part(b"".join(lines), list(numbers)))
            lines.clear()
            numbers.clear()

    for row in rows:
        whole.rows += 1
        whole.columns = row.columns or whole.columns
        checked = numbered(row, keys)
        whole.ages += has_undated_age(checked)
        body = body_of(checked)
        if isinstance(body, list):
            whole.wrong[row.number] = [row.with_value(fault) for fault in body]
            continue
        answer = {} if row.if_withdrawn is None else {IF_WITHDRAWN: row.if_withdrawn}
        text = json.dumps({**(checked.body or {}), **answer}, ensure_ascii=False, separators=(",", ":"))
        line = text.encode() + b"\n"
        if sum(map(len, lines)) + len(line) > MOST_BYTES:
            close()
        lines.append(line)
        numbers.append(row.number)
    close()
    whole.derived = keys.derived
    return whole
