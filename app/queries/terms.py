"""Terms of counts and lists, as query parameters.

Counts and lists share one vocabulary, so that every count can link to the list behind it."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from app import dates
from app.queries.addresses import list_values
from app.queries.dimensions import (
    DETENTIONS,
    HELD,
    PERSONAL_DIMENSIONS,
    RELEASES,
    STAGES_BY_EVENT,
    DetentionDimension,
    HeldDimension,
    ReleaseDimension,
    StageEvent,
    find_window_events,
    get_stage_event,
)
from app.queries.term_values import FoldedQuery
from app.schemas.reports import (
    MAX_AGE,
    MAX_COUNTED_SOURCES,
    Country,
    Date,
    Line,
    Slug,
    Sources,
    remove_repeats,
    wrap_single_value,
)
from app.translations import Message
from app.vocabulary import (
    AgeGroup,
    Category,
    Condition,
    CustodyEnd,
    Designation,
    Gender,
    Group,
    LegalStatus,
    ReleaseKind,
    ReleaseStatus,
    SourceKind,
    Stage,
    State,
)

MAX_DIMENSIONS = 3  # at once; with more, a table discloses more than a count
MAX_VALUES = 20

PERSONAL_FILTERS = (*PERSONAL_DIMENSIONS, "not_nationality", "age_from", "age_to")
SEARCH_TERM = "q"  # the term of a search by name

# A revision such as r812, an instant, a date or a zone, parsed once the head and the registry's zone are known.
Moment = Annotated[str, Field(min_length=1, max_length=dates.MAX_TEXT)]


def _check_positive(value: int) -> int:
    if value < 1:
        raise PydanticCustomError("below_one", "Ask for at least one source.")
    return value


def _refuse_interval(value: str) -> str:
    """Refuse an interval, which clients mean as both ends of a window."""
    if "/" in value:
        raise PydanticCustomError("interval", "Give one day, month or year here, and the other in a term of its own.")
    return value


# One end of a window: a day, or a month or year of which the first or the last day is meant.
WindowDate = Annotated[Date, AfterValidator(_refuse_interval)]
T = TypeVar("T")
UniqueValues = Annotated[list[T], Field(max_length=MAX_VALUES), AfterValidator(remove_repeats)]


# How many years after the last day on which a report shows the person inside a detention still counts (rule 7); the
# maximum is in effect no limit.
DEFAULT_HELD_WITHIN, MAX_HELD_WITHIN = 2, 100
HeldWithin = Annotated[int, Field(ge=1, le=MAX_HELD_WITHIN)]
# The minimum and maximum number of independent sources.
MinSources = Annotated[
    int, Field(le=MAX_COUNTED_SOURCES, json_schema_extra={"minimum": 1}), AfterValidator(_check_positive)
]
MaxSources = Annotated[int, Field(ge=0, le=MAX_COUNTED_SOURCES)]
# An age in completed years.
Age = Annotated[int, Field(ge=0, le=MAX_AGE)]


class PersonTerms(FoldedQuery):
    """Filters on the person and the detention. Personal ones never match what the reader may not see."""

    model_config = ConfigDict(extra="forbid")

    country: Country | None = None
    facility: Line | None = None
    area: Line | None = None
    gender: Gender | None = None
    category: Category | None = None
    age_group: AgeGroup | None = None
    age_from: Age | None = None
    age_to: Age | None = None
    # Any of these; and none of those among the known nationalities, of which there must be at least one.
    nationality: Annotated[UniqueValues[Country], BeforeValidator(wrap_single_value)] = []
    not_nationality: UniqueValues[Country] = []
    group: Group | None = None
    legal_status: LegalStatus | None = None
    condition: Condition | None = None
    destination: Line | None = None
    designation: Designation | None = None
    state: State | None = None
    rearrested: bool | None = None
    detained_from: WindowDate | None = None
    detained_to: WindowDate | None = None

    @field_validator("detained_to", "released_to", "ordered_to", "announced_to", "ended_to", check_fields=False)
    @classmethod
    def _check_window_order(cls, end: str | None, info: ValidationInfo) -> str | None:
        start_name = str(info.field_name).replace("_to", "_from")
        start = info.data.get(start_name)
        if start and end and dates.parse_window_start(start) > dates.parse_window_end(end):
            reason = Message(
                "The window ends before it begins: give an earlier {start_name}, or a later {end_name}.",
                start_name=start_name,
                end_name=info.field_name,
            )
            raise PydanticCustomError("reversed_window", "{reason}", {"reason": reason})
        return end

    @field_validator("age_to")
    @classmethod
    def _check_age_order(cls, highest: int | None, info: ValidationInfo) -> int | None:
        lowest = info.data.get("age_from")
        if highest is not None and lowest is not None and highest < lowest:
            raise PydanticCustomError("reversed_range", "This is below `age_from`: give at least that age.")
        return highest

    @property
    def ages(self) -> range | None:
        """The requested ages in completed years; None if no age is requested."""
        if self.age_from is None and self.age_to is None:
            return None
        return range(self.age_from or 0, (MAX_AGE if self.age_to is None else self.age_to) + 1)

    @property
    def arrest_window(self) -> tuple[int | None, int | None]:
        """The first and last day of the window of arrest, as ordinals; None is open."""
        return parse_window(self.detained_from, self.detained_to)

    def trait_values(self) -> dict[str, list[str]]:
        """Return a dict of personal dimension → requested values, any of which matches."""
        terms = {name: getattr(self, name) for name in PERSONAL_DIMENSIONS}
        return {
            name: [str(value) for value in list_values(term)] for name, term in terms.items() if term not in (None, [])
        }

    def excluded_values(self) -> dict[str, list[str]]:
        """Return a dict of personal dimension → values that none of the known ones may have."""
        return {"nationality": [*self.not_nationality]} if self.not_nationality else {}

    def drop_personal(self) -> Self:
        """Return the terms without those that read personal values."""
        defaults = {name: type(self).model_fields[name].get_default() for name in PERSONAL_FILTERS}
        return self.model_copy(update={**defaults, **({"group_by": []} if hasattr(self, "group_by") else {})})


class EventTerms(PersonTerms):
    """Additional filters on releases: the stage, the window of its days, and the kind.

    A window names the stage whose days it means, so `stage` follows from it if it is left out."""

    released_from: WindowDate | None = None
    released_to: WindowDate | None = None
    ordered_from: WindowDate | None = None
    ordered_to: WindowDate | None = None
    announced_from: WindowDate | None = None
    announced_to: WindowDate | None = None
    stage: Stage | None = None
    release_kind: UniqueValues[ReleaseKind] = []
    net: bool = False
    carried_out: bool | None = None
    rearrested_after: bool | None = None

    @field_validator("carried_out")
    @classmethod
    def _require_earlier_stage(cls, is_carried_out: bool | None, info: ValidationInfo) -> bool | None:
        event = next(iter(find_window_events(info.data)), None)
        stage = info.data.get("stage") if event is None else STAGES_BY_EVENT[event]
        if is_carried_out is not None and stage not in (Stage.ANNOUNCED, Stage.ORDERED):
            raise PydanticCustomError(
                "earlier_stage_missing",
                "Only a release that was announced or ordered may be carried out or not: give stage=announced or "
                "stage=ordered, or leave this out.",
            )
        return is_carried_out

    @field_validator("ordered_from", "ordered_to", "announced_from", "announced_to")
    @classmethod
    def _refuse_second_window(cls, day: str | None, info: ValidationInfo) -> str | None:
        own_event = str(info.field_name).partition("_")[0]
        other = next((event for event in find_window_events(info.data) if event != own_event), None)
        if day is not None and other is not None:
            reason = Message(
                "A release is counted at one stage: leave out `{name}`, or `{other}_from` and `{other}_to`.",
                name=info.field_name,
                other=other,
            )
            raise PydanticCustomError("two_windows", "{reason}", {"reason": reason})
        return day

    @field_validator("stage")
    @classmethod
    def _refuse_stage_of_other_window(cls, stage: Stage | None, info: ValidationInfo) -> Stage | None:
        event = next(iter(find_window_events(info.data)), None)
        if stage is not None and event is not None and STAGES_BY_EVENT[event] != stage:
            reason = Message(
                "`{event}_from` and `{event}_to` are the window of stage={event_stage}: for stage={stage} give "
                "`{own_event}_from` or `{own_event}_to`.",
                event=event,
                event_stage=STAGES_BY_EVENT[event].value,
                stage=stage.value,
                own_event=get_stage_event(stage),
            )
            raise PydanticCustomError("window_of_other_stage", "{reason}", {"reason": reason})
        return stage

    @model_validator(mode="after")
    def _set_stage_of_window(self) -> Self:
        event = next(iter(find_window_events(self.__dict__)), None)
        if event is not None and "stage" not in self.model_fields_set:
            self.stage = STAGES_BY_EVENT[event]
        return self

    @property
    def window_event(self) -> StageEvent:
        """The event whose days the window of these terms means."""
        return get_stage_event(self.stage)

    @property
    def window(self) -> tuple[int | None, int | None]:
        """The first and last day of the window, as ordinals; None is open."""
        start, end = (getattr(self, f"{self.window_event}_{edge}") for edge in ("from", "to"))
        return parse_window(start, end)


SourceMatch = Literal["all", "any", "only"]


class SourcedTerms(PersonTerms):
    """Terms of things that sources verify. `noun`: what is counted (`countables.py`).

    Each subclass has the filters on sources at the position that its addresses have, so they are declared here for the
    type checker only."""

    noun: ClassVar[str]
    if TYPE_CHECKING:
        status: UniqueValues[ReleaseStatus] = []
        source: Slug | None = None
        verified_by: Sources = []
        verified_by_match: SourceMatch = "all"
        not_verified_by: Sources = []
        min_sources: MinSources | None = None
        max_sources: MaxSources | None = None
        reported_by_kind: UniqueValues[SourceKind] = []
        verified_by_kind: UniqueValues[SourceKind] = []
        first_hand: bool | None = None

    @field_validator("verified_by_match", check_fields=False)
    @classmethod
    def _require_sources_to_match(cls, match: SourceMatch, info: ValidationInfo) -> SourceMatch:
        if match != "all" and info.data.get("verified_by") == []:
            raise PydanticCustomError("sources_missing", "Name the sources in `verified_by`, or leave this out.")
        return match

    @field_validator("not_verified_by", check_fields=False)
    @classmethod
    def _refuse_contradiction(cls, slugs: list[str], info: ValidationInfo) -> list[str]:
        if not set(slugs).isdisjoint(info.data.get("verified_by", ())):
            raise PydanticCustomError("contradiction", "A source is in `verified_by` too: leave it out of one.")
        return slugs

    @field_validator("max_sources", check_fields=False)
    @classmethod
    def _check_source_range(cls, maximum: int | None, info: ValidationInfo) -> int | None:
        minimum = info.data.get("min_sources")
        if maximum is not None and minimum is not None and maximum < minimum:
            raise PydanticCustomError("reversed_range", "This is below `min_sources`: give at least that number.")
        return maximum

    @property
    def is_day_open(self) -> bool:
        """Whether the terms mean a day that they do not name."""
        return False

    def list_named_sources(self) -> list[tuple[str, str]]:
        """Return `(pointer, slug)` of every source the terms name."""
        lists = {"verified_by": self.verified_by, "not_verified_by": self.not_verified_by}
        pointers = [(f"/{name}/{n}", slug) for name, slugs in lists.items() for n, slug in enumerate(slugs)]
        return pointers if self.source is None else [("/source", self.source), *pointers]


class ReleaseTerms(EventTerms, SourcedTerms):
    """The terms of releases, including those on sources."""

    noun = RELEASES
    status: UniqueValues[ReleaseStatus] = []
    source: Slug | None = None
    verified_by: Sources = []
    verified_by_match: SourceMatch = "all"
    not_verified_by: Sources = []
    min_sources: MinSources | None = None
    max_sources: MaxSources | None = None
    reported_by_kind: UniqueValues[SourceKind] = []
    verified_by_kind: UniqueValues[SourceKind] = []
    first_hand: bool | None = None


class DetentionTerms(SourcedTerms):
    """Additional filters on detentions of any time: how and when they ended, and the sources."""

    noun = DETENTIONS
    ended: UniqueValues[CustodyEnd] = []
    ended_from: WindowDate | None = None
    ended_to: WindowDate | None = None
    status: UniqueValues[ReleaseStatus] = []
    source: Slug | None = None
    verified_by: Sources = []
    verified_by_match: SourceMatch = "all"
    not_verified_by: Sources = []
    min_sources: MinSources | None = None
    max_sources: MaxSources | None = None
    reported_by_kind: UniqueValues[SourceKind] = []
    verified_by_kind: UniqueValues[SourceKind] = []
    first_hand: bool | None = None

    @property
    def end_window(self) -> tuple[int | None, int | None]:
        """The first and last day of the window of the end, as ordinals; None is open."""
        return parse_window(self.ended_from, self.ended_to)


class HeldTerms(SourcedTerms):
    """Additional filters on people held on a day: the day, whether house arrest after a release counts as being held,
    within how many years a report shows the person inside, and the sources."""

    noun = HELD
    held_on: WindowDate | None = None
    house_arrest: bool = False
    held_within: HeldWithin = DEFAULT_HELD_WITHIN
    status: UniqueValues[ReleaseStatus] = []
    source: Slug | None = None
    verified_by: Sources = []
    verified_by_match: SourceMatch = "all"
    not_verified_by: Sources = []
    min_sources: MinSources | None = None
    max_sources: MaxSources | None = None
    reported_by_kind: UniqueValues[SourceKind] = []
    verified_by_kind: UniqueValues[SourceKind] = []
    first_hand: bool | None = None

    @property
    def day(self) -> int | None:
        """The requested day, as an ordinal: a month or a year means its last day."""
        return None if self.held_on is None else dates.parse_window_end(self.held_on)

    @property
    def is_day_open(self) -> bool:
        return self.held_on is None


class CountTerms(ReleaseTerms):
    """The terms of a count."""

    stage: Stage = Stage.CARRIED_OUT
    group_by: Annotated[list[ReleaseDimension], Field(max_length=MAX_DIMENSIONS), AfterValidator(remove_repeats)] = []


class DetentionCountTerms(DetentionTerms):
    """The terms of a count of detentions."""

    group_by: Annotated[list[DetentionDimension], Field(max_length=MAX_DIMENSIONS), AfterValidator(remove_repeats)] = []


class HeldCountTerms(HeldTerms):
    """The terms of a count of people held."""

    group_by: Annotated[list[HeldDimension], Field(max_length=MAX_DIMENSIONS), AfterValidator(remove_repeats)] = []


Interval = Literal["hour", "day", "week", "month"]


def parse_window(start: str | None, end: str | None) -> tuple[int | None, int | None]:
    return (None if start is None else dates.parse_window_start(start)), (
        None if end is None else dates.parse_window_end(end)
    )


def is_personal(terms: PersonTerms) -> bool:
    """Return whether an answer reads personal dimensions, so that it depends on today's consent and on erasures."""
    groups = set(getattr(terms, "group_by", ()))
    has_filter = terms.trait_values() or terms.excluded_values() or terms.ages is not None
    return bool(has_filter or groups.intersection(PERSONAL_DIMENSIONS))
