"""What counts are grouped by and lists are filtered by: one table, with no SQL in it (pure).

Terms: what is counted or listed, as a client writes them in a query string.

One vocabulary serves counts and lists, so that every count can link to the list behind it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self, TypeAlias, TypeVar
from urllib.parse import quote_plus

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from app import dates
from app.log.entries import Pin
from app.projection import RULES
from app.schemas.reports import (
    MAX_COUNTED_SOURCES,
    Country,
    Date,
    Line,
    Slug,
    Sources,
    remove_repeats,
    wrap_single_value,
)
from app.vocabulary import (
    AgeGroup,
    Category,
    Condition,
    Designation,
    Gender,
    Group,
    LegalStatus,
    ReleaseKind,
    ReleaseStatus,
    Stage,
    State,
)

RELEASES, DETENTIONS = "releases", "detentions"
RELEASES_ONLY, DETENTIONS_ONLY = frozenset({RELEASES}), frozenset({DETENTIONS})
FILTER_ONLY: frozenset[str] = frozenset()

DayUnit = Literal["day", "week", "month"]
# The event about whose day terms ask with two names: `released_from`, `released_to`.
WindowEvent = Literal["released", "detained"]
# The value of a dimension in an answer; None where it is unknown.
DimensionValue = str | int | None


class ValueOrigin(Enum):
    """Where the value of a dimension stands."""

    SOURCE = "the source whose row it is"
    STATUS = "what all sources together come to"
    COLUMN = "a column of that name in the counted row"
    DAY = "the day of an event"
    PERSON = "a trait of the person or the detention, by the word of all sources"
    PLACE = "a trait that in the row of one source rests on that source's word"


@dataclass(frozen=True)
class Dimension:
    """A dimension of counts. `label`: in English and Spanish; `groupable_nouns`: the nouns whose counts can be grouped by it, by
    default all; `is_multivalued`: one release can have several values, whose groups overlap; `code_list`: the code list of its
    values; `accepts_list`: its filter takes several values; `event_and_unit`: of a dimension made from the day
    of an event, that event and the unit in which the day is told."""

    name: str
    label: tuple[str, str]
    origin: ValueOrigin
    groupable_nouns: frozenset[str] | None = None
    is_multivalued: bool = False
    code_list: str | None = None
    accepts_list: bool = False
    event_and_unit: tuple[WindowEvent, DayUnit] | None = None

    @property
    def is_personal(self) -> bool:
        """Whether its values are seen by today's consent and leave with an erasure."""
        return self.origin in (ValueOrigin.PERSON, ValueOrigin.PLACE)

    @property
    def window(self) -> WindowEvent | None:
        """The event from whose day it is made; terms ask for its values by that window."""
        return None if self.event_and_unit is None else self.event_and_unit[0]

    @property
    def is_filter(self) -> bool:
        """Whether a term of that name asks for its values."""
        return self.event_and_unit is None


# In the order in which the API names them, filters that group nothing (FILTER_ALONE) among them.
DIMENSIONS = {
    dimension.name: dimension
    for dimension in (
        Dimension("source", ("source", "fuente"), ValueOrigin.SOURCE, is_multivalued=True),
        Dimension("status", ("status", "verificación"), ValueOrigin.STATUS, code_list="statuses", accepts_list=True),
        Dimension(
            "kind", ("kind", "tipo"), ValueOrigin.COLUMN, RELEASES_ONLY, code_list="release_kinds", accepts_list=True
        ),
        Dimension("country", ("country", "país"), ValueOrigin.COLUMN),
        Dimension("month", ("month", "mes"), ValueOrigin.DAY, RELEASES_ONLY, event_and_unit=("released", "month")),
        Dimension("week", ("week", "semana"), ValueOrigin.DAY, RELEASES_ONLY, event_and_unit=("released", "week")),
        Dimension("day", ("day", "día"), ValueOrigin.DAY, RELEASES_ONLY, event_and_unit=("released", "day")),
        Dimension("designation", ("designation", "designación"), ValueOrigin.COLUMN, code_list="designations"),
        Dimension("sources", ("independent sources", "fuentes independientes"), ValueOrigin.STATUS),
        Dimension("facility", ("facility", "centro"), ValueOrigin.PLACE),
        Dimension("area", ("area", "zona"), ValueOrigin.PLACE),
        Dimension("gender", ("gender", "género"), ValueOrigin.PERSON, code_list="genders"),
        Dimension("category", ("category", "categoría"), ValueOrigin.PERSON, code_list="categories"),
        Dimension("age_group", ("age", "edad"), ValueOrigin.PERSON, code_list="age_groups"),
        Dimension(
            "nationality", ("nationality", "nacionalidad"), ValueOrigin.PERSON, is_multivalued=True, accepts_list=True
        ),
        Dimension(
            "group", ("group", "grupo"), ValueOrigin.PERSON, FILTER_ONLY, is_multivalued=True, code_list="groups"
        ),
        Dimension(
            "legal_status",
            ("legal status", "situación jurídica"),
            ValueOrigin.PERSON,
            DETENTIONS_ONLY,
            code_list="legal_statuses",
        ),
        Dimension(
            "condition",
            ("condition", "medida"),
            ValueOrigin.PERSON,
            FILTER_ONLY,
            is_multivalued=True,
            code_list="conditions",
        ),
        Dimension("destination", ("destination", "destino"), ValueOrigin.PERSON, FILTER_ONLY),
    )
}
PERSONAL_DIMENSIONS = tuple(name for name, dimension in DIMENSIONS.items() if dimension.is_personal)


def list_dimensions(noun: str) -> tuple[str, ...]:
    """The dimensions that counts of these things can be grouped by."""
    return tuple(
        name
        for name, dimension in DIMENSIONS.items()
        if dimension.groupable_nouns is None or noun in dimension.groupable_nouns
    )


if TYPE_CHECKING:
    ReleaseDimension: TypeAlias = str
    HeldDimension: TypeAlias = str
else:
    ReleaseDimension, HeldDimension = Literal[list_dimensions(RELEASES)], Literal[list_dimensions(DETENTIONS)]


MAX_DIMENSIONS = 3  # at once: beyond these a table says more than a count
MAX_VALUES = 20

PERSONAL_FILTERS = (*PERSONAL_DIMENSIONS, "not_nationality")
SEARCH_TERM = "q"  # the term by which somebody is sought by name

# A revision, an instant, a date or a zone: read once the head and the registry's zone are known.
Moment = Annotated[str, Field(min_length=1, max_length=dates.MAX_TEXT)]


def _check_positive(value: int) -> int:
    if value < 1:
        raise PydanticCustomError("below_one", "Ask for at least one source.")
    return value


T = TypeVar("T")
UniqueValues = Annotated[list[T], Field(max_length=MAX_VALUES), AfterValidator(remove_repeats)]


# A term as an answer echoes it, and the terms of a question by name.
EchoedTerm = str | int | list[str]
EchoedTerms = dict[str, EchoedTerm]


# How many independent sources, at least or exactly.
MinSources = Annotated[int, Field(le=MAX_COUNTED_SOURCES), AfterValidator(_check_positive)]
ExactSources = Annotated[int, Field(ge=0, le=MAX_COUNTED_SOURCES)]


class PersonTerms(BaseModel):
    """Filters on the person and the detention. Personal ones never match what the reader may not see."""

    model_config = ConfigDict(extra="forbid")

    country: Country | None = None
    facility: Line | None = None
    area: Line | None = None
    gender: Gender | None = None
    category: Category | None = None
    age_group: AgeGroup | None = None
    # Any of these; and none of those among the nationalities that are known, of which there must be one.
    nationality: Annotated[UniqueValues[Country], BeforeValidator(wrap_single_value)] = []
    not_nationality: UniqueValues[Country] = []
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
    def _check_window_order(cls, end: str | None, info: ValidationInfo) -> str | None:
        start_name = str(info.field_name).replace("_to", "_from")
        start = info.data.get(start_name)
        if start and end and dates.parse_window_start(start) > dates.parse_window_end(end):
            raise PydanticCustomError(
                "reversed_window",
                f"The window ends before it begins: give an earlier {start_name}, or a later {info.field_name}.",
            )
        return end

    @property
    def arrest_window(self) -> tuple[int | None, int | None]:
        """First and last day of those within which the person was taken, as ordinals; None is open."""
        return parse_window(self.detained_from, self.detained_to)

    def trait_values(self) -> dict[str, list[str]]:
        """Personal dimension → the values asked for, any of which will do."""
        terms = {name: getattr(self, name) for name in PERSONAL_DIMENSIONS}
        return {
            name: [str(value) for value in list_values(term)] for name, term in terms.items() if term not in (None, [])
        }

    def excluded_values(self) -> dict[str, list[str]]:
        """Personal dimension → the values that none of those known may be."""
        return {"nationality": [*self.not_nationality]} if self.not_nationality else {}

    def drop_personal(self) -> Self:
        """The terms without those that read personal values."""
        defaults = {name: type(self).model_fields[name].get_default() for name in PERSONAL_FILTERS}
        return self.model_copy(update={**defaults, **({"group_by": []} if hasattr(self, "group_by") else {})})


class EventTerms(PersonTerms):
    """Filters on releases besides: the window, the stage and the kind."""

    released_from: Date | None = None
    released_to: Date | None = None
    stage: Stage | None = None
    kind: UniqueValues[ReleaseKind] = []
    net: bool = False

    @property
    def window(self) -> tuple[int | None, int | None]:
        """First and last day of the window, as ordinals; None is open."""
        return parse_window(self.released_from, self.released_to)


class SourcedTerms(PersonTerms):
    """Terms of things that sources verify. `noun`: what is counted (`countables.py`).

    Each kind of terms has the filters on who says so where its addresses have them, so that they are declared here for
    the type checker alone.
    """

    noun: ClassVar[str]
    if TYPE_CHECKING:
        status: UniqueValues[ReleaseStatus] = []
        source: Slug | None = None
        verified_by: Sources = []
        any_of: Sources = []
        all_of: Sources = []
        min_sources: MinSources | None = None
        sources: ExactSources | None = None

    @property
    def is_day_open(self) -> bool:
        """Whether the terms mean a day that they do not name."""
        return False

    def list_named_sources(self) -> list[tuple[str, str]]:
        """`(pointer, slug)` of every source the terms name."""
        lists = ("verified_by", "any_of", "all_of", "only_by")
        pointers = [(f"/{name}/{n}", slug) for name in lists for n, slug in enumerate(getattr(self, name, ()))]
        return pointers if self.source is None else [("/source", self.source), *pointers]


class ReleaseTerms(EventTerms, SourcedTerms):
    """The terms of releases with the sources that say so."""

    noun = RELEASES
    status: UniqueValues[ReleaseStatus] = []
    source: Slug | None = None
    verified_by: Sources = []
    any_of: Sources = []
    all_of: Sources = []
    only_by: Sources = []
    min_sources: MinSources | None = None
    sources: ExactSources | None = None


class HeldTerms(SourcedTerms):
    """Filters on people held on a day besides: the day, whether house arrest after a release counts as being held, and
    who says so."""

    noun = DETENTIONS
    held_on: Date | None = None
    house_arrest: bool = False
    status: UniqueValues[ReleaseStatus] = []
    source: Slug | None = None
    verified_by: Sources = []
    any_of: Sources = []
    all_of: Sources = []
    min_sources: MinSources | None = None
    sources: ExactSources | None = None

    @property
    def day(self) -> int | None:
        """The day asked about, as an ordinal: a month or a year means its last."""
        return None if self.held_on is None else dates.parse_window_end(self.held_on)

    @property
    def is_day_open(self) -> bool:
        return self.held_on is None


class CountTerms(ReleaseTerms):
    """The terms of a count."""

    stage: Stage = Stage.CARRIED_OUT
    group_by: Annotated[list[ReleaseDimension], Field(max_length=MAX_DIMENSIONS), AfterValidator(remove_repeats)] = []


class HeldCountTerms(HeldTerms):
    """The terms of a count of the held."""

    group_by: Annotated[list[HeldDimension], Field(max_length=MAX_DIMENSIONS), AfterValidator(remove_repeats)] = []


Interval = Literal["hour", "day", "week", "month"]


def parse_window(start: str | None, end: str | None) -> tuple[int | None, int | None]:
    return (None if start is None else dates.parse_window_start(start)), (
        None if end is None else dates.parse_window_end(end)
    )


# Echoed even when not asked for: nobody can tell what a number means without its stage, without gross or net, or, of
# people held, without whether house arrest is among them.
ALWAYS_ECHOED = ("stage", "net", "house_arrest", "group_by")


# The parameters that keep an answer as it is.
PIN_PARAMETERS = ("rules", "leaf", "as_of")


def echo_terms(terms: BaseModel) -> EchoedTerms:
    """The terms that were asked for, and those defaults that say what a number means (ALWAYS)."""
    values = terms.model_dump(mode="json")
    defaults = {name: field.get_default(call_default_factory=True) for name, field in type(terms).model_fields.items()}
    return {
        name: value
        for name, value in values.items()
        if value not in (None, []) and (name in ALWAYS_ECHOED or value != defaults[name])
    }


def build_query_url(path: str, terms: Mapping[str, EchoedTerm], pin: Pin | None) -> str:
    """A relative address that asks the same again: parameters in the order of the terms, then the rules and the
    revision with its leaf; or, without a revision, that asks for today's answer."""
    pins = [] if pin is None else build_pin_terms(pin)
    return join_query_url(path, [encode_term(name, value) for name, value in [*terms.items(), *pins] if value != []])


def encode_term(name: str, value: EchoedTerm) -> str:
    """What an address says to ask for a term; a term with several values is said once for each."""
    return "&".join([f"{name}={_quote(_format_value(item))}" for item in list_values(value)])


def join_query_url(path: str, terms: Iterable[str]) -> str:
    """A relative address of terms that are `encode_term`."""
    return f"{path}?{'&'.join(terms)}"


# What an address spells as it is. A count has an address for each of its groups, and most values are codes and days.
_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]*")


def _quote(text: str) -> str:
    return text if _UNRESERVED.fullmatch(text) else quote_plus(text)


def build_pin_terms(pin: Pin) -> list[tuple[str, str]]:
    """The values of PINNING: the rules of an answer, which entry its revision is, and the revision."""
    leaf = [] if pin.leaf is None else [("leaf", pin.leaf)]
    return [("rules", str(RULES)), *leaf, ("as_of", str(pin.revision))]


def list_values(value: EchoedTerm) -> Sequence[str | int]:
    """The values of a term, which may be one alone."""
    return value if isinstance(value, list) else [value]


def get_term_values(terms: EchoedTerms, name: str) -> list[str]:
    """The values of a term in text; none where the terms do not have it."""
    return [str(value) for value in list_values(terms.get(name, []))]


def _format_value(value: str | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def is_personal(terms: PersonTerms) -> bool:
    """Whether an answer reads personal dimensions, so that it depends on today's consent and on erasures."""
    groups = set(getattr(terms, "group_by", ()))
    return bool(terms.trait_values() or terms.excluded_values() or groups.intersection(PERSONAL_DIMENSIONS))
