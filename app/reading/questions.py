"""What may be asked at an address: the terms, the revision, and the page."""

import uuid
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from app.log.entries import LEAF_DIGITS
from app.reading.formats import Format
from app.reading.terms import (
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
from app.schemas.reports import Code, Country, Date, Line, Slug, Sources, unique
from app.vocabulary import CorrectionKind, Language, Measure, Stage

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
