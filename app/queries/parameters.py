"""Query parameters of addresses: terms, revision, and keyset pagination; and the formats of tables."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError
from sqlalchemy import Select, and_, func, or_, select, type_coerce
from sqlmodel import Session
from typing_extensions import TypedDict

from app.dates import FIRST_DAY, LAST_DAY
from app.db.engine import Key
from app.errors import Invalid
from app.log.entries import LEAF_DIGITS
from app.models import OPEN
from app.projection import RULES
from app.queries.term_values import FoldedQuery, fold_slug
from app.queries.terms import (
    MAX_VALUES,
    CountTerms,
    DetentionCountTerms,
    DetentionTerms,
    EventTerms,
    HeldCountTerms,
    HeldTerms,
    Interval,
    Moment,
    ReleaseTerms,
    SourcedTerms,
    UniqueValues,
)
from app.schemas.base import ListCaveats, Tombstone
from app.schemas.filed import BatchKind, UnknownFacility, WithdrawalsShape
from app.schemas.reports import Code, Country, Date, Line, Slug, Sources
from app.vocabulary import CorrectionKind, Language, Measure, Review, Stage

JSON_MEDIA_TYPE = "application/json"


class TableFormat(StrEnum):
    """The formats of a table: CSV, CSV with a byte order mark for Excel, and JSON Lines without loss."""

    CSV = "csv"
    EXCEL_CSV = "excel.csv"
    JSONL = "jsonl"


# Extension of a table's path → media type.
TABLE_MEDIA_TYPES: dict[str, str] = {
    TableFormat.CSV.value: "text/csv",
    TableFormat.EXCEL_CSV.value: "text/csv",
    TableFormat.JSONL.value: "application/jsonl",
}


# Small enough that a phone on a bad connection receives the whole page.
DEFAULT_LIMIT, MAX_LIMIT = 50, 200
LEAF_PATTERN = f"^[0-9a-f]{{{LEAF_DIGITS}}}$"


class RevisionQuery(FoldedQuery):
    """The revision to read: `r812`, or an instant or a date in a zone; the latest by default.

    `rules`: the version of the rules under which the answer must be counted. `leaf`: the beginning of the leaf hash of
    the revision's entry. Permalinks contain both."""

    model_config = ConfigDict(extra="forbid")

    as_of: Moment | None = None
    zone: Moment | None = None
    rules: Annotated[int, Field(ge=1, json_schema_extra={"maximum": RULES})] | None = None
    leaf: Annotated[str, Field(pattern=LEAF_PATTERN)] | None = None


MAX_FIELDS_LENGTH = 1_000


class PageQuery(RevisionQuery):
    """A page of a list. `fields`: the fields to keep of each row, separated by commas."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str, Field(max_length=200)] | None = None
    fields: Annotated[str, Field(min_length=1, max_length=MAX_FIELDS_LENGTH)] | None = None


class ListQuery(PageQuery):
    """A page of a list that can tell how many rows it has in all."""

    total: bool = False


# By recording order, ascending or descending; the oldest first by default.
AddedSort = Literal["added", "-added"]


class ReportQuery(ListQuery):
    """A query for a list of one's own reports. `review`: only those in this state."""

    source_record_id: Code | None = None
    review: Review | None = None


class BatchQuery(RevisionQuery):
    """A query for the batches of unreviewed reports. `compare`: also compare them with what is shown."""

    compare: bool = True


class BatchReportQuery(PageQuery):
    """A query for the reports of one batch. `list`: the first entry of the list, or 0 for reports outside lists."""

    source: Slug
    batch_kind: BatchKind
    list: Annotated[int, Field(ge=0, le=OPEN)] = 0


class FacilityQuery(ListQuery):
    """A query for a list of facilities."""

    country: Country | None = None


class ClaimQuery(ListQuery):
    """A query for a list of claims."""

    claimant: Slug | None = None
    filed_by: Slug | None = None
    measure: Measure | None = None
    country: Country | None = None
    confirmed: bool | None = None
    changed_since: Moment | None = None
    sort: AddedSort | None = None


class CorrectionQuery(PageQuery):
    """A query for a list of corrections. `since`: only those recorded after that revision or moment."""

    correction_kind: UniqueValues[CorrectionKind] = []
    source: Slug | None = None
    country: Country | None = None
    since: Moment | None = None


class FeedQuery(CorrectionQuery):
    """A query for a feed of corrections in a language."""

    lang: Language = "en"


class BalanceQuery(RevisionQuery):
    """A query for a balance."""

    country: Country | None = None


class VocabularyQuery(RevisionQuery):
    """A query for the vocabulary in a language."""

    lang: Literal["en", "es"] = "en"


class BaseCountQuery(SourcedTerms, RevisionQuery):
    """A query for a count of anything."""


class CountQuery(CountTerms, BaseCountQuery):
    """A query for a count: its terms and the revision."""


class DetentionCountQuery(DetentionCountTerms, BaseCountQuery):
    """A query for a count of detentions: its terms and the revision."""


class HeldCountQuery(HeldCountTerms, BaseCountQuery):
    """A query for a count of people held: its terms and the revision."""


class SeriesQuery(ReleaseTerms, RevisionQuery):
    """A query for a series: the terms of a count except groups, the interval, the basis, the first day with points, and
    whether its table has rows of published figures."""

    stage: Stage = Stage.CARRIED_OUT
    interval: Interval = "day"
    by: Literal["known", "event"] = "known"
    told_from: Date | None = None
    claims: bool = False


def _check_pair(text: str) -> str:
    first, colon, second = ":".join(map(fold_slug, text.split(":"))).partition(":")
    if not colon or not first or not second or first == second:
        raise PydanticCustomError("invalid_pair", "Write two sources as one:other.")
    return f"{first}:{second}"


class EstimateQuery(EventTerms, RevisionQuery):
    """A query for an estimate: the terms, the sources used as lists, and the dependent ones.

    Terms on sources are excluded: among releases selected by the lists they are on, lists are not independent."""

    stage: Stage = Stage.CARRIED_OUT
    lists: Sources = []
    dependent: Annotated[list[Annotated[str, AfterValidator(_check_pair)]], Field(max_length=MAX_VALUES)] = []

    def list_named_sources(self) -> list[tuple[str, str]]:
        """Return `(pointer, slug)` of every source the terms name."""
        pairs = [(f"/dependent/{n}", slug) for n, pair in enumerate(self.dependent) for slug in pair.split(":")]
        return [(f"/lists/{n}", slug) for n, slug in enumerate(self.lists)] + pairs


class OverlapQuery(ReleaseTerms, RevisionQuery):
    """A query for an overlap."""

    stage: Stage = Stage.CARRIED_OUT


# What a row of a release or a detention can embed.
Include = Literal["detainee"]


class ReleaseQuery(ReleaseTerms, ListQuery):
    """A query for a list of releases. `stage`: None lists each at the furthest stage at which it counts."""

    stage: Stage | None = Stage.CARRIED_OUT
    q: Line | None = None
    include: Include | None = None
    changed_since: Moment | None = None
    sort: Literal[AddedSort, "released_on", "-released_on"] | None = None


class DetaineeQuery(ReleaseTerms, ListQuery):
    """A query for a list of detainees; terms of releases select people with a release that matches all of them."""

    stage: Stage = Stage.CARRIED_OUT
    q: Line | None = None
    changed_since: Moment | None = None
    sort: AddedSort | None = None


class DetentionListQuery(SourcedTerms, ListQuery):
    """A query for a list of detentions of any kind."""

    q: Line | None = None
    include: Include | None = None
    changed_since: Moment | None = None
    sort: Literal[AddedSort, "detained_on", "-detained_on"] | None = None


class DetentionQuery(DetentionTerms, DetentionListQuery):
    """A query for a list of detentions of any time."""


class HeldQuery(HeldTerms, DetentionListQuery):
    """A query for a list of detentions of people held on a day."""


RecordListQuery = ReleaseQuery | DetaineeQuery | DetentionListQuery


Row = TypeVar("Row", covariant=True)
# The order of rows: `(column, is descending)`; the last column is a key of the rows.
Order = Sequence[tuple[Any, bool]]
# Sort values of a row without a day, so that it is last in either direction.
BEFORE_ANY_DAY, AFTER_ANY_DAY = FIRST_DAY - 1, LAST_DAY + 1


NO_CAVEATS: ListCaveats = {"withheld": 0, "not_visible": 0, "unknown_values": []}
# Of a list without a count: what it leaves out is told nowhere.
UNTOLD_CAVEATS: ListCaveats = {"withheld": None, "not_visible": None, "unknown_values": []}


class PageExtras(TypedDict, total=False):
    """Additional values in the response of a page of reviews."""

    unknown_facilities: list[UnknownFacility]
    compared: int
    contradicting: int
    withdrawals: list[WithdrawalsShape]


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows and the cursor of the next page, if any. `tombstones`: what left the list, after all of its rows. `total`:
    how many rows the whole list has, if that was asked for."""

    rows: Sequence[Row]
    cursor: str | None
    build_extras: Callable[[], PageExtras] = PageExtras
    tombstones: Sequence[Tombstone] = ()
    total: int | None = None
    build_caveats: Callable[[], ListCaveats] = lambda: NO_CAVEATS

    @property
    def data(self) -> list[Row | Tombstone]:
        return [*self.rows, *self.tombstones]


def write_cursor(list_name: str, position: Sequence[Any]) -> str:
    """Return an opaque cursor. It contains only the list with its order (`list_name`) and the last position."""
    return base64.urlsafe_b64encode(json.dumps([list_name, *position]).encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, list_name: str, length: int = 1) -> list[int] | None:
    """Return the position in a cursor. Raise Invalid for a foreign cursor: in another list or order it would silently
    skip or repeat rows."""
    if cursor is None:
        return None
    try:
        decoded = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        decoded = None
    if (
        not isinstance(decoded, list)
        or decoded[:1] != [list_name]
        or len(decoded) != 1 + length
        or not all(map(_is_database_key, decoded[1:]))
    ):
        raise Invalid.at_pointer(
            "/cursor", "invalid_cursor", "Follow the `next` link of the page before; do not make one."
        )
    return decoded[1:]


def _is_database_key(value: Any) -> bool:
    """Return whether a database accepts the value as a key: an integer of at most 64 bits."""
    return type(value) is int and abs(value) <= OPEN


def fetch_after(
    session: Session, statement: Select[*tuple[Any, ...]], order: Order, position: Sequence[int] | None, limit: int
) -> list[tuple[Any, list[int]]]:
    """Return at most `limit` rows of a statement after a position in its order, each with its own position."""
    # A cursor may contain any integer.
    order = [(type_coerce(value, Key), is_descending) for value, is_descending in order]
    if position is not None:
        statement = statement.where(
            or_(
                *(
                    and_(
                        *(
                            value == bound
                            for (value, _is_descending), bound in zip(order[:place], position, strict=False)
                        ),
                        value < position[place] if is_descending else value > position[place],
                    )
                    for place, (value, is_descending) in enumerate(order)
                )
            )
        )
    position_columns = [value.label(f"position_{place}") for place, (value, _is_descending) in enumerate(order)]
    sorted_statement = statement.add_columns(*position_columns).order_by(
        *(value.desc() if is_descending else value for value, is_descending in order)
    )
    return [(row, [*row[-len(position_columns) :]]) for row in session.execute(sorted_statement.limit(limit))]


def fetch_page(
    session: Session, statement: Select[*tuple[Any, ...]], list_name: str, order: Order, query: ListQuery
) -> Page[Any]:
    """Return one page of the rows of a statement. `list_name`: the list and its order."""
    limit, position = query.limit, read_cursor(query.cursor, list_name, len(order))
    positioned_rows = fetch_after(session, statement, order, position, limit + 1)
    rows = [row for row, _position in positioned_rows[:limit]]
    cursor = write_cursor(list_name, positioned_rows[limit - 1][1]) if len(positioned_rows) > limit else None
    total = (
        session.execute(select(func.count()).select_from(statement.subquery())).scalar_one() if query.total else None
    )
    return Page(rows, cursor, total=total)
