"""The formats of answers: one list, which addresses, `Accept`, the API description, files and commands read (pure).

What may be asked at an address: the terms, the revision, and the page.

Pages of rows in a stable order, each beginning where the one before it ended."""

import base64
import binascii
import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeAlias, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError
from sqlalchemy import Select, and_, or_, type_coerce
from sqlmodel import Session
from typing_extensions import TypedDict

from app.dates import FIRST_DAY, LAST_DAY
from app.db.engine import Key
from app.errors import Invalid
from app.log.entries import LEAF_DIGITS
from app.models import OPEN
from app.queries.terms import (
    MOST_VALUES,
    CountTerms,
    EventTerms,
    HeldCountTerms,
    HeldTerms,
    Interval,
    Moment,
    ReleaseTerms,
    Several,
    SourcedTerms,
)
from app.schemas.base import NotVisible, Tombstone
from app.schemas.filed import BurstShape, UnknownFacility
from app.schemas.reports import Code, Country, Date, Line, Slug, Sources, unique
from app.vocabulary import CorrectionKind, Language, Measure, Stage

JSON = "application/json"


class Form(StrEnum):
    """The forms of a table: CSV for spreadsheets, JSON Lines without loss."""

    CSV = "csv"
    JSONL = "jsonl"


# Format as `?format=` names it → its media type; JSON is first: a request that names no format gets it.
MEDIA: dict[str, str] = {"json": JSON, Form.CSV.value: "text/csv", Form.JSONL.value: "application/jsonl"}
# What a table is, for the API description.
TABLES = {
    MEDIA[Form.CSV]: "The rows as a table (RFC 4180)",
    MEDIA[Form.JSONL]: "The rows, one JSON object a line",
}
if TYPE_CHECKING:
    Format: TypeAlias = str
    FormatOrWorkbook: TypeAlias = str
else:
    Format, FormatOrWorkbook = Literal[tuple(MEDIA)], Literal[(*MEDIA, "xlsx")]


# A page that a phone on a bad line still gets whole.
DEFAULT_LIMIT, MOST_LIMIT = 50, 200
LEAF = f"^[0-9a-f]{{{LEAF_DIGITS}}}$"


class AsOf(BaseModel):
    """Which past to read: a revision, or an instant or date with a zone; by default now. `rules`: the number of the
    rules that the answer must be counted under, as permalinks say it; `leaf`: the beginning of the leaf hash that the
    entry of the revision must have, as they say it too."""

    model_config = ConfigDict(extra="forbid")

    as_of: Moment | None = None
    zone: Moment | None = None
    rules: Annotated[int, Field(ge=1)] | None = None
    leaf: Annotated[str, Field(pattern=LEAF)] | None = None
    format: Format | None = None


class Paged(AsOf):
    """A page of a list."""

    limit: Annotated[int, Field(ge=1, le=MOST_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str, Field(max_length=200)] | None = None


# In the order in which the registry came to know, or the other way round: the oldest first unless asked otherwise.
Recorded = Literal["recorded", "-recorded"]


class ReportQuery(Paged):
    """A query for a list of one's own reports."""

    source_record_id: Code | None = None


class FacilityQuery(Paged):
    """A query for a list of facilities."""

    country: Country | None = None


class ClaimQuery(Paged):
    """A query for a list of claims."""

    claimant: Slug | None = None
    measure: Measure | None = None
    country: Country | None = None
    changed_since: Moment | None = None
    sort: Recorded | None = None


class CorrectionQuery(Paged):
    """A query for a list of corrections; `since`: recorded after that revision or moment."""

    kind: Several[CorrectionKind] = []
    source: Slug | None = None
    country: Country | None = None
    since: Moment | None = None


class FeedQuery(CorrectionQuery):
    """The same as a feed, which has one form only, in a language."""

    format: None = None
    lang: Language = "en"


class BalanceQuery(AsOf):
    """A query for a balance."""

    country: Country | None = None


class VocabularyQuery(AsOf):
    """The vocabulary in a language."""

    lang: Literal["en", "es"] = "en"


class CountedQuery(SourcedTerms, AsOf):
    """A query for a count of anything."""


class CountQuery(CountTerms, CountedQuery):
    """A query for a count: its terms and the revision."""


class HeldQuery(HeldCountTerms, CountedQuery):
    """A query for a count of the held: its terms and the revision."""


class SeriesQuery(ReleaseTerms, AsOf):
    """A query for a series: the terms of a count but for groups, the interval, by what it grows, from which day on it
    is told, and whether its table has a row for each published figure too."""

    stage: Stage = Stage.CARRIED_OUT
    interval: Interval = "day"
    by: Literal["known", "event"] = "known"
    told_from: Date | None = None
    claims: bool = False


def _pair(text: str) -> str:
    first, colon, second = text.partition(":")
    if not colon or not first or not second or first == second:
        raise PydanticCustomError("invalid_pair", "Write two sources as one:other.")
    return text


class EstimateQuery(EventTerms, AsOf):
    """A query for an estimate: the terms, whose lists are used, and which of them are not made independently.

    Terms of sources are not among them: among releases chosen by the lists they are on, lists are not independent.
    """

    stage: Stage = Stage.CARRIED_OUT
    lists: Sources = []
    dependent: Annotated[list[Annotated[str, AfterValidator(_pair)]], Field(max_length=MOST_VALUES)] = []

    def sources_named(self) -> list[tuple[str, str]]:
        """`(pointer, slug)` of every source the terms name."""
        pairs = [(f"/dependent/{n}", slug) for n, pair in enumerate(self.dependent) for slug in pair.split(":")]
        return [(f"/lists/{n}", slug) for n, slug in enumerate(self.lists)] + pairs


class OverlapQuery(ReleaseTerms, AsOf):
    """A query for an overlap."""

    stage: Stage = Stage.CARRIED_OUT


class ReleaseQuery(ReleaseTerms, Paged):
    """A query for a list of releases."""

    q: Line | None = None
    changed_since: Moment | None = None
    sort: Literal[Recorded, "released_on", "-released_on"] | None = None


class DetaineeQuery(ReleaseTerms, Paged):
    """A query for a list of detainees; terms of releases mean people with a release that fits them all. `id`: of those
    of a page, so that whoever has a page of releases reads its people at once."""

    q: Line | None = None
    id: Annotated[list[uuid.UUID], Field(max_length=MOST_LIMIT), AfterValidator(unique)] = []
    changed_since: Moment | None = None
    sort: Recorded | None = None


class DetentionQuery(HeldTerms, Paged):
    """A query for a list of detentions: of people held on a day, or, without `held_on`, of all."""

    q: Line | None = None
    changed_since: Moment | None = None
    sort: Literal[Recorded, "detained_on", "-detained_on"] | None = None


ThingsQuery = ReleaseQuery | DetaineeQuery | DetentionQuery


Row = TypeVar("Row", covariant=True)
# The order of rows: `(whole number, whether the highest come first)`, the last one a key of the rows.
Order = Sequence[tuple[Any, bool]]
# The days of a row without a day, so that it stands last whichever way round.
BEFORE_ANY_DAY, AFTER_ANY_DAY = FIRST_DAY - 1, LAST_DAY + 1


class Beside(TypedDict, total=False):
    """Values that the answer to a page holds beside its rows."""

    withheld: int
    not_visible: NotVisible
    unknown_facilities: list[UnknownFacility]
    bursts: list[BurstShape]


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows and the cursor of the next page, if there is one. `gone`: what left the list, after all rows of it."""

    rows: Sequence[Row]
    cursor: str | None
    beside: Callable[[], Beside] = Beside
    gone: Sequence[Tombstone] = ()

    @property
    def data(self) -> list[Row | Tombstone]:
        return [*self.rows, *self.gone]


def write_cursor(of: str, position: Sequence[Any]) -> str:
    """Opaque to clients; it holds the list and its order (`of`) and the last position, and nothing else."""
    return base64.urlsafe_b64encode(json.dumps([of, *position]).encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, of: str, length: int = 1) -> list[int] | None:
    """The position in a cursor. Raises Invalid for one that was not given out here: in another list, or another order,
    it would skip rows or repeat them in silence."""
    if cursor is None:
        return None
    try:
        held = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        held = None
    if not isinstance(held, list) or held[:1] != [of] or len(held) != 1 + length or not all(map(_is_key, held[1:])):
        raise Invalid.at("/cursor", "invalid_cursor", "Follow the `next` link of the page before; do not make one.")
    return held[1:]


def _is_key(value: Any) -> bool:
    """Whether a database takes it for a key: a whole number, and not beyond 64 bits."""
    return type(value) is int and abs(value) <= OPEN


def after(
    session: Session, statement: Select[*tuple[Any, ...]], order: Order, position: Sequence[int] | None, limit: int
) -> list[tuple[Any, list[int]]]:
    """At most `limit` rows of a statement that come after a position in its order, each with its own position."""
    order = [(type_coerce(value, Key), down) for value, down in order]  # a cursor may hold any whole number
    if position is not None:
        statement = statement.where(
            or_(
                *(
                    and_(
                        *(value == passed for (value, _down), passed in zip(order[:place], position, strict=False)),
                        value < position[place] if down else value > position[place],
                    )
                    for place, (value, down) in enumerate(order)
                )
            )
        )
    named = [value.label(f"position_{place}") for place, (value, _down) in enumerate(order)]
    ordered = statement.add_columns(*named).order_by(*(value.desc() if down else value for value, down in order))
    return [(row, [*row[-len(named) :]]) for row in session.execute(ordered.limit(limit))]


def page(
    session: Session, statement: Select[*tuple[Any, ...]], of: str, order: Order, cursor: str | None, limit: int
) -> tuple[list[Any], str | None]:
    """One page of a statement, and the cursor of the next page, if a row follows. `of`: the list and its order."""
    placed = after(session, statement, order, read_cursor(cursor, of, len(order)), limit + 1)
    rows = [row for row, _position in placed[:limit]]
    return rows, write_cursor(of, placed[limit - 1][1]) if len(placed) > limit else None
