"""The detentions of a list, read as an import reads it."""

from dataclasses import dataclass, field
from datetime import datetime

from app.exchange.comparing.detentions import ComparedDetention, SamePlace, of_content, with_account
from app.exchange.imports.case_numbers import DERIVED, Keys
from app.exchange.imports.fault_groups import in_language
from app.exchange.imports.faults import BadFile, Fault
from app.exchange.imports.opened_list import Opened
from app.exchange.imports.row_checks import body_of, numbered, placed
from app.log import content
from app.log.content import Content, compared_number
from app.matching.alignment import NEVER, Deadline
from app.registry import checks
from app.schemas.imports import TheirsShape, UnreadRow
from app.schemas.reports import DetentionReportIn

# Rows of one list: several times the longest list of a field office; two cores compare so many in two minutes.
MOST_ROWS = 20_000
TOO_MANY = f"A list to be compared has at most {MOST_ROWS:,} rows: part it, by country or by year."


class ListedShape(TheirsShape):
    """A row of a list: of mine, or of theirs where that is a list too."""

    row: int
    source_record_id: str | None


@dataclass
class ComparedList:
    """The detentions of a list, their case numbers, and the rows that cannot be read or cannot be true."""

    detentions: list[ComparedDetention[ListedShape]] = field(default_factory=list)
    cases: list[str] = field(default_factory=list)
    unread: list[UnreadRow] = field(default_factory=list)

    def leave_out(self, row: int, faults: list[Fault]) -> None:
        self.unread.append({"row": row, "errors": in_language([fault.shape() for fault in faults], row, "en")})


def read(
    opened: Opened, now: datetime, same_place: SamePlace | None = None, deadline: Deadline = NEVER
) -> ComparedList:
    """The detentions of an opened list. A row is compared even if it says too little to be filed (no country, no
    method). Raises BadFile for too many rows or a file that breaks off; TooLong."""
    compared, keys = ComparedList(), Keys()
    for row in opened.rows():
        deadline.check()
        if len(compared.detentions) + len(compared.unread) == MOST_ROWS:
            raise BadFile("too_many_rows", TOO_MANY)
        report = body_of(numbered(row, keys))
        if isinstance(report, list):
            compared.leave_out(row.number, [row.with_value(fault) for fault in report])
            continue
        reported = _content(report, now)
        if faults := [placed(row.columns, error) for error in checks.impossible(reported, now)]:
            compared.leave_out(row.number, [row.with_value(fault) for fault in faults])
            continue
        case = str(report.source_record_id)
        own = None if case.startswith(DERIVED) else case
        shown: ListedShape = with_account({"row": row.number, "source_record_id": own}, reported)
        compared.detentions.append(of_content(reported, shown, same_place))
        compared.cases.append(case)
    if not compared.detentions and not compared.unread:
        raise BadFile("no_rows", "There are headings in this list, and no rows below them.")
    return compared


def _content(report: DetentionReportIn, now: datetime) -> Content:
    """Return the content of a row, with its age as of the day `now` where the list states the age of today.

    The identification number is compared with those of the other list. It is neither stored nor shown.
    """
    reported = content.with_age_today(content.flatten(report.model_dump(mode="json")), now)
    number = reported.pop("detainee.national_id", None)
    compared = None if number is None else compared_number(number)
    return reported if compared is None else {**reported, content.NATIONAL_ID: compared}
