"""Collect the faults of a list that answers mend, and count the rows that leave something open (pure)."""

from dataclasses import dataclass, field

from app.imports.faults import (
    Fault,
)
from app.imports.mapping import (
    QUESTIONS,
    Question,
)
from app.imports.reader.rows import Body, Row
from app.matching.scripts import fold

MAX_EXAMPLE_ROWS = 5
# Faults of cells that the meaning of a word answers. The word is shortened beyond this, and no answer could match it.
ANSWERED_CODES = frozenset({"unknown_code", "unknown_country", "age_in_words", "unknown_mark"})
# Faults of days that an answer about the whole list mends.
DATE_ORDER_CODE = "ambiguous_date"
COUNTRY_REQUIRED = "country_required"
POINTERS = frozenset({"detainee_id", "detention_id", "release_id"})
STATUS_POINTERS = ("/state", "/release", "/detention/ended", "/detention/legal_status", "/detainee/died_on", "/note")


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
