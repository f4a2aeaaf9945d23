"""Terms: what is counted or listed, as a client writes them in a query string.

One vocabulary serves counts and lists, so that every count can link to the list behind it.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlencode

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from app import dates
from app.registry.schemas import MOST_COUNTED, Code, Country, Date, Line, Slug, Sources, unique
from app.vocabulary import (
    AgeGroup,
    Category,
    Condition,
    CorrectionKind,
    Designation,
    Gender,
    Group,
    Language,
    LegalStatus,
    Measure,
    ReleaseKind,
    ReleaseStatus,
    Stage,
    State,
)

# A page that a phone on a bad line still gets whole.
DEFAULT_LIMIT, MOST_LIMIT = 50, 200
MOST_DIMENSIONS = 3  # at once: beyond these a table says more than a count
MOST_VALUES = 20

Dimension = Literal[
    "source", "status", "kind", "country", "month", "week", "day", "designation", "sources",
    "facility", "area", "gender", "category", "age_group", "nationality",
]  # fmt: skip
HeldDimension = Literal[
    "source", "status", "country", "designation", "sources",
    "facility", "area", "gender", "category", "age_group", "nationality", "legal_status",
]  # fmt: skip
PERSONAL_DIMENSIONS = frozenset({"facility", "area", "gender", "category", "age_group", "nationality", "legal_status"})
# The filters on personal dimensions, by the trait each reads.
TRAIT_FILTERS = {
    "facility": "facility",
    "area": "area",
    "gender": "gender",
    "category": "category",
    "age_group": "age_group",
    "nationality": "nationality",
    "group": "group",
    "legal_status": "legal_status",
    "condition": "condition",
    "destination": "destination",
}


# A revision, an instant, a date or an offset: read once the head is known.
Moment = Annotated[str, Field(min_length=1, max_length=dates.MAX_TEXT)]


def _positive(value: int) -> int:
    if value < 1:
        raise PydanticCustomError("below_one", "Ask for at least one source.")
    return value


T = TypeVar("T")
Several = Annotated[list[T], Field(max_length=MOST_VALUES), AfterValidator(unique)]
# How many independent sources, at least or exactly.
AtLeast = Annotated[int, Field(le=MOST_COUNTED), AfterValidator(_positive)]
Exactly = Annotated[int, Field(ge=0, le=MOST_COUNTED)]


class PersonTerms(BaseModel):
    """Filters on the person and the detention. Personal ones never match what the reader may not see."""

    model_config = ConfigDict(extra="forbid")

    country: Country | None = None
    facility: Line | None = None
    area: Line | None = None
    gender: Gender | None = None
    category: Category | None = None
    age_group: AgeGroup | None = None
    nationality: Country | None = None
    group: Group | None = None
    legal_status: LegalStatus | None = None
    condition: Condition | None = None
    destination: Line | None = None
    designation: Designation | None = None
    state: State | None = None
    rearrested: bool | None = None
    detained_from: Date | None = None
    detained_to: Date | None = None

    @field_validator("detained_to", "released_to", check_fields=False)
    @classmethod
    def _not_before_it_begins(cls, end: str | None, read: ValidationInfo) -> str | None:
        opens = str(read.field_name).replace("_to", "_from")
        start = read.data.get(opens)
        if start and end and dates.parse_from(start) > dates.parse_to(end):
            raise PydanticCustomError(
                "reversed_window", f"The window ends before it begins: give {opens} or a later day."
            )
        return end

    def traits(self) -> dict[str, str]:
        """Personal dimension → the value asked for."""
        given = {trait: getattr(self, name) for name, trait in TRAIT_FILTERS.items()}
        return {trait: str(value) for trait, value in given.items() if value is not None}


class EventTerms(PersonTerms):
    """Filters on releases besides: the window, the stage and the kind."""

    released_from: Date | None = None
    released_to: Date | None = None
    stage: Stage | None = None
    kind: Several[ReleaseKind] = []
    net: bool = False

    @property
    def window(self) -> tuple[int | None, int | None]:
        """First and last day of the window, as ordinals; None is open."""
        return edges(self.released_from, self.released_to)


class ReleaseTerms(EventTerms):
    """Filters on releases besides: who says so."""

    status: Several[ReleaseStatus] = []
    source: Slug | None = None
    verified_by: Sources = []
    any_of: Sources = []
    all_of: Sources = []
    only_by: Sources = []
    min_sources: AtLeast | None = None
    sources: Exactly | None = None

    def sources_named(self) -> list[tuple[str, str]]:
        """`(pointer, slug)` of every source the terms name."""
        return _sources_named(self, "verified_by", "any_of", "all_of", "only_by")


class HeldTerms(PersonTerms):
    """Filters on who is held on a day besides: the day, whether whom a release left under house arrest is held, and who
    says so."""

    held_on: Date | None = None
    house_arrest: bool = False
    status: Several[ReleaseStatus] = []
    source: Slug | None = None
    verified_by: Sources = []
    any_of: Sources = []
    all_of: Sources = []
    min_sources: AtLeast | None = None
    sources: Exactly | None = None

    @property
    def day(self) -> int | None:
        """The day asked about, as an ordinal: a month or a year means its last."""
        return None if self.held_on is None else dates.parse_to(self.held_on)

    def sources_named(self) -> list[tuple[str, str]]:
        """`(pointer, slug)` of every source the terms name."""
        return _sources_named(self, "verified_by", "any_of", "all_of")


def _sources_named(terms: Any, *lists: str) -> list[tuple[str, str]]:
    named = [(f"/{name}/{number}", slug) for name in lists for number, slug in enumerate(getattr(terms, name))]
    return named if terms.source is None else [("/source", terms.source), *named]


class CountTerms(ReleaseTerms):
    """The terms of a count."""

    stage: Stage = Stage.CARRIED_OUT
    group_by: Annotated[list[Dimension], Field(max_length=MOST_DIMENSIONS), AfterValidator(unique)] = []


class HeldCountTerms(HeldTerms):
    """The terms of a count of the held."""

    group_by: Annotated[list[HeldDimension], Field(max_length=MOST_DIMENSIONS), AfterValidator(unique)] = []


Interval = Literal["day", "week", "month"]


def edges(start: str | None, end: str | None) -> tuple[int | None, int | None]:
    return (None if start is None else dates.parse_from(start)), (None if end is None else dates.parse_to(end))


# Echoed even when not asked for: a number means nothing without its stage, without gross or net, or where it is of the
# held without whether house arrest is among it.
ALWAYS = ("stage", "net", "house_arrest", "group_by")


def echo(terms: BaseModel) -> dict[str, Any]:
    """The terms as said, with the defaults that change what a number means."""
    said = terms.model_dump(mode="json")
    defaults = {name: field.get_default(call_default_factory=True) for name, field in type(terms).model_fields.items()}
    return {
        name: value
        for name, value in said.items()
        if value not in (None, []) and (name in ALWAYS or value != defaults[name])
    }


def link(path: str, terms: dict[str, Any], as_of: int) -> str:
    """A relative address that asks the same again: parameters in the order of the terms, then the revision."""
    pairs = [(name, _text(item)) for name, value in terms.items() for item in _each(value)]
    return f"{path}?{urlencode([*pairs, ('as_of', str(as_of))])}"


def _each(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def is_personal(terms: CountTerms | HeldCountTerms) -> bool:
    """Whether a count reads personal dimensions, so that it depends on today's consent and on erasures."""
    return bool(terms.traits()) or bool(set(terms.group_by) & PERSONAL_DIMENSIONS)


class AsOf(BaseModel):
    """Which past to read: a revision, or an instant or date with a zone; by default now."""

    model_config = ConfigDict(extra="forbid")

    as_of: Moment | None = None
    zone: Moment | None = None
    format: Literal["json", "csv", "jsonl"] | None = None


class Paged(AsOf):
    """A page of a list."""

    limit: Annotated[int, Field(ge=1, le=MOST_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str, Field(max_length=200)] | None = None


class ReportQuery(Paged):
    """A list of one's own reports as asked."""

    source_record_id: Code | None = None


class FacilityQuery(Paged):
    """A list of facilities as asked."""

    country: Country | None = None


class ClaimQuery(Paged):
    """A list of claims as asked."""

    claimant: Slug | None = None
    measure: Measure | None = None
    country: Country | None = None


class CorrectionQuery(Paged):
    """A list of corrections as asked; `since`: recorded after that revision or moment."""

    kind: Several[CorrectionKind] = []
    source: Slug | None = None
    country: Country | None = None
    since: Moment | None = None


class FeedQuery(CorrectionQuery):
    """The same as a feed, which has one form only, in a language."""

    format: None = None
    lang: Language = "en"


class BalanceQuery(AsOf):
    """A balance as asked."""

    country: Country | None = None


class VocabularyQuery(AsOf):
    """The vocabulary in a language."""

    lang: Literal["en", "es"] = "en"


class CountQuery(CountTerms, AsOf):
    """A count as asked: its terms and the revision."""


class HeldQuery(HeldCountTerms, AsOf):
    """A count of the held as asked: its terms and the revision."""


class SeriesQuery(ReleaseTerms, AsOf):
    """A series as asked: the terms of a count but for groups, the interval, and by what it grows."""

    stage: Stage = Stage.CARRIED_OUT
    interval: Interval = "day"
    by: Literal["known", "event"] = "known"


def _pair(text: str) -> str:
    one, colon, other = text.partition(":")
    if not colon or not one or not other or one == other:
        raise PydanticCustomError("invalid_pair", "Write two sources as one:other.")
    return text


class EstimateQuery(EventTerms, AsOf):
    """An estimate as asked: the terms, whose lists are used, and which of them are not made independently.

    Terms of who says so are none of it: among releases chosen by the lists they are on, the lists are not independent.
    """

    stage: Stage = Stage.CARRIED_OUT
    lists: Sources = []
    dependent: Annotated[list[Annotated[str, AfterValidator(_pair)]], Field(max_length=MOST_VALUES)] = []

    def sources_named(self) -> list[tuple[str, str]]:
        """`(pointer, slug)` of every source the terms name."""
        pairs = [(f"/dependent/{n}", slug) for n, pair in enumerate(self.dependent) for slug in pair.split(":")]
        return [(f"/lists/{n}", slug) for n, slug in enumerate(self.lists)] + pairs


class OverlapQuery(ReleaseTerms, AsOf):
    """An overlap as asked."""

    stage: Stage = Stage.CARRIED_OUT


class ReleaseQuery(ReleaseTerms, Paged):
    """A list of releases as asked."""

    q: Line | None = None
    changed_since: Moment | None = None


class DetaineeQuery(ReleaseQuery):
    """A list of detainees as asked; terms of releases mean people with such a release."""


class DetentionQuery(HeldTerms, Paged):
    """A list of detentions as asked: of who is held on a day, or, without `held_on`, of all."""

    q: Line | None = None
    changed_since: Moment | None = None
