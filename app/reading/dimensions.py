"""What counts are grouped by and lists are filtered by: one table, with no SQL in it (pure)."""

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal, TypeAlias

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
