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
from app.schemas.reports import MOST_COUNTED, Country, Date, Line, Slug, Sources, listed, unique
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
OF_RELEASES, OF_DETENTIONS = frozenset({RELEASES}), frozenset({DETENTIONS})
FILTER_ALONE: frozenset[str] = frozenset()

Unit = Literal["day", "week", "month"]
# The event about whose day terms ask with two names: `released_from`, `released_to`.
Window = Literal["released", "detained"]
# The value of a dimension in an answer; None where it is unknown.
DimensionValue = str | int | None


class Stands(Enum):
    """Where the value of a dimension stands."""

    SOURCE = "the source whose row it is"
    STATUS = "what all sources together come to"
    COLUMN = "a column of that name in the counted row"
    DAY = "the day of an event"
    PERSON = "a trait of the person or the detention, by the word of all sources"
    PLACE = "a trait that in the row of one source rests on that source's word"


@dataclass(frozen=True)
class Dimension:
    """A dimension of counts. `label`: in English and Spanish; `counts`: the nouns whose counts can be grouped by it, by
    default all; `several`: one release can have several values, whose groups overlap; `codes`: the code list of its
    values; `asked_as_list`: its filter takes several values; `of_day`: of a dimension made from the day
    of an event, that event and the unit in which the day is told."""

    name: str
    label: tuple[str, str]
    stands: Stands
    counts: frozenset[str] | None = None
    several: bool = False
    codes: str | None = None
    asked_as_list: bool = False
    of_day: tuple[Window, Unit] | None = None

    @property
    def personal(self) -> bool:
        """Whether its values are seen by today's consent and leave with an erasure."""
        return self.stands in (Stands.PERSON, Stands.PLACE)

    @property
    def window(self) -> Window | None:
        """The event from whose day it is made; terms ask for its values by that window."""
        return None if self.of_day is None else self.of_day[0]

    @property
    def is_filter(self) -> bool:
        """Whether a term of that name asks for its values."""
        return self.of_day is None


# In the order in which the API names them, filters that group nothing (FILTER_ALONE) among them.
DIMENSIONS = {
    dimension.name: dimension
    for dimension in (
        Dimension("source", ("source", "fuente"), Stands.SOURCE, several=True),
        Dimension("status", ("status", "verificación"), Stands.STATUS, codes="statuses", asked_as_list=True),
        Dimension("kind", ("kind", "tipo"), Stands.COLUMN, OF_RELEASES, codes="release_kinds", asked_as_list=True),
        Dimension("country", ("country", "país"), Stands.COLUMN),
        Dimension("month", ("month", "mes"), Stands.DAY, OF_RELEASES, of_day=("released", "month")),
        Dimension("week", ("week", "semana"), Stands.DAY, OF_RELEASES, of_day=("released", "week")),
        Dimension("day", ("day", "día"), Stands.DAY, OF_RELEASES, of_day=("released", "day")),
        Dimension("designation", ("designation", "designación"), Stands.COLUMN, codes="designations"),
        Dimension("sources", ("independent sources", "fuentes independientes"), Stands.STATUS),
        Dimension("facility", ("facility", "centro"), Stands.PLACE),
        Dimension("area", ("area", "zona"), Stands.PLACE),
        Dimension("gender", ("gender", "género"), Stands.PERSON, codes="genders"),
        Dimension("category", ("category", "categoría"), Stands.PERSON, codes="categories"),
        Dimension("age_group", ("age", "edad"), Stands.PERSON, codes="age_groups"),
        Dimension("nationality", ("nationality", "nacionalidad"), Stands.PERSON, several=True, asked_as_list=True),
        Dimension("group", ("group", "grupo"), Stands.PERSON, FILTER_ALONE, several=True, codes="groups"),
        Dimension(
            "legal_status", ("legal status", "situación jurídica"), Stands.PERSON, OF_DETENTIONS, codes="legal_statuses"
        ),
        Dimension("condition", ("condition", "medida"), Stands.PERSON, FILTER_ALONE, several=True, codes="conditions"),
        Dimension("destination", ("destination", "destino"), Stands.PERSON, FILTER_ALONE),
    )
}
PERSONAL = tuple(name for name, dimension in DIMENSIONS.items() if dimension.personal)


def dimensions_of(noun: str) -> tuple[str, ...]:
    """The dimensions that counts of these things can be grouped by."""
    return tuple(name for name, dimension in DIMENSIONS.items() if dimension.counts is None or noun in dimension.counts)


if TYPE_CHECKING:
    ReleaseDimension: TypeAlias = str
    HeldDimension: TypeAlias = str
else:
    ReleaseDimension, HeldDimension = Literal[dimensions_of(RELEASES)], Literal[dimensions_of(DETENTIONS)]


MOST_DIMENSIONS = 3  # at once: beyond these a table says more than a count
MOST_VALUES = 20

PERSONAL_FILTERS = (*PERSONAL, "not_nationality")
SOUGHT = "q"  # the term by which somebody is sought by name

# A revision, an instant, a date or a zone: read once the head and the registry's zone are known.
Moment = Annotated[str, Field(min_length=1, max_length=dates.MAX_TEXT)]


def _positive(value: int) -> int:
    if value < 1:
        raise PydanticCustomError("below_one", "Ask for at least one source.")
    return value


T = TypeVar("T")
Several = Annotated[list[T], Field(max_length=MOST_VALUES), AfterValidator(unique)]


# A term as an answer echoes it, and the terms of a question by name.
EchoedTerm = str | int | list[str]
EchoedTerms = dict[str, EchoedTerm]


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
    # Any of these; and none of those among the nationalities that are known, of which there must be one.
    nationality: Annotated[Several[Country], BeforeValidator(listed)] = []
    not_nationality: Several[Country] = []
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
                "reversed_window",
                f"The window ends before it begins: give an earlier {opens}, or a later {read.field_name}.",
            )
        return end

    @property
    def arrested(self) -> tuple[int | None, int | None]:
        """First and last day of those within which the person was taken, as ordinals; None is open."""
        return edges(self.detained_from, self.detained_to)

    def traits(self) -> dict[str, list[str]]:
        """Personal dimension → the values asked for, any of which will do."""
        terms = {name: getattr(self, name) for name in PERSONAL}
        return {name: [str(value) for value in each(term)] for name, term in terms.items() if term not in (None, [])}

    def excluded(self) -> dict[str, list[str]]:
        """Personal dimension → the values that none of those known may be."""
        return {"nationality": [*self.not_nationality]} if self.not_nationality else {}

    def public(self) -> Self:
        """The terms without those that read personal values."""
        none = {name: type(self).model_fields[name].get_default() for name in PERSONAL_FILTERS}
        return self.model_copy(update={**none, **({"group_by": []} if hasattr(self, "group_by") else {})})


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


class SourcedTerms(PersonTerms):
    """Terms of things that sources verify. `noun`: what is counted (`countables.py`).

    Each kind of terms has the filters on who says so where its addresses have them, so that they are declared here for
    the type checker alone.
    """

    noun: ClassVar[str]
    if TYPE_CHECKING:
        status: Several[ReleaseStatus] = []
        source: Slug | None = None
        verified_by: Sources = []
        any_of: Sources = []
        all_of: Sources = []
        min_sources: AtLeast | None = None
        sources: Exactly | None = None

    @property
    def leaves_day_open(self) -> bool:
        """Whether the terms mean a day that they do not name."""
        return False

    def sources_named(self) -> list[tuple[str, str]]:
        """`(pointer, slug)` of every source the terms name."""
        lists = ("verified_by", "any_of", "all_of", "only_by")
        named = [(f"/{name}/{n}", slug) for name in lists for n, slug in enumerate(getattr(self, name, ()))]
        return named if self.source is None else [("/source", self.source), *named]


class ReleaseTerms(EventTerms, SourcedTerms):
    """The terms of releases with the sources that say so."""

    noun = RELEASES
    status: Several[ReleaseStatus] = []
    source: Slug | None = None
    verified_by: Sources = []
    any_of: Sources = []
    all_of: Sources = []
    only_by: Sources = []
    min_sources: AtLeast | None = None
    sources: Exactly | None = None


class HeldTerms(SourcedTerms):
    """Filters on people held on a day besides: the day, whether house arrest after a release counts as being held, and
    who says so."""

    noun = DETENTIONS
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

    @property
    def leaves_day_open(self) -> bool:
        return self.held_on is None


class CountTerms(ReleaseTerms):
    """The terms of a count."""

    stage: Stage = Stage.CARRIED_OUT
    group_by: Annotated[list[ReleaseDimension], Field(max_length=MOST_DIMENSIONS), AfterValidator(unique)] = []


class HeldCountTerms(HeldTerms):
    """The terms of a count of the held."""

    group_by: Annotated[list[HeldDimension], Field(max_length=MOST_DIMENSIONS), AfterValidator(unique)] = []


Interval = Literal["hour", "day", "week", "month"]


def edges(start: str | None, end: str | None) -> tuple[int | None, int | None]:
    return (None if start is None else dates.parse_from(start)), (None if end is None else dates.parse_to(end))


# Echoed even when not asked for: nobody can tell what a number means without its stage, without gross or net, or, of
# people held, without whether house arrest is among them.
ALWAYS = ("stage", "net", "house_arrest", "group_by")


# The parameters that keep an answer as it is.
PINNING = ("rules", "leaf", "as_of")


def echo(terms: BaseModel) -> EchoedTerms:
    """The terms that were asked for, and those defaults that say what a number means (ALWAYS)."""
    values = terms.model_dump(mode="json")
    defaults = {name: field.get_default(call_default_factory=True) for name, field in type(terms).model_fields.items()}
    return {
        name: value
        for name, value in values.items()
        if value not in (None, []) and (name in ALWAYS or value != defaults[name])
    }


def link(path: str, terms: Mapping[str, EchoedTerm], as_of: Pin | None) -> str:
    """A relative address that asks the same again: parameters in the order of the terms, then the rules and the
    revision with its leaf; or, without a revision, that asks for today's answer."""
    pins = [] if as_of is None else pinned(as_of)
    return address(path, [asked(name, value) for name, value in [*terms.items(), *pins] if value != []])


def asked(name: str, value: EchoedTerm) -> str:
    """What an address says to ask for a term; a term with several values is said once for each."""
    return "&".join([f"{name}={_encoded(_text(item))}" for item in each(value)])


def address(path: str, terms: Iterable[str]) -> str:
    """A relative address of terms that are `asked`."""
    return f"{path}?{'&'.join(terms)}"


# What an address spells as it is. A count has an address for each of its groups, and most values are codes and days.
_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")


def _encoded(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else quote_plus(text)


def pinned(as_of: Pin) -> list[tuple[str, str]]:
    """The values of PINNING: the rules of an answer, which entry its revision is, and the revision."""
    leaf = [] if as_of.leaf is None else [("leaf", as_of.leaf)]
    return [("rules", str(RULES)), *leaf, ("as_of", str(as_of.revision))]


def each(value: EchoedTerm) -> Sequence[str | int]:
    """The values of a term, which may be one alone."""
    return value if isinstance(value, list) else [value]


def values_of(terms: EchoedTerms, name: str) -> list[str]:
    """The values of a term in text; none where the terms do not have it."""
    return [str(value) for value in each(terms.get(name, []))]


def _text(value: str | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def is_personal(terms: PersonTerms) -> bool:
    """Whether an answer reads personal dimensions, so that it depends on today's consent and on erasures."""
    groups = set(getattr(terms, "group_by", ()))
    return bool(terms.traits() or terms.excluded() or groups.intersection(PERSONAL))
