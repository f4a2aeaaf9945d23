"""The dimensions by which counts are grouped, and the events whose days windows mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from app.vocabulary import Stage

RELEASES, DETENTIONS, HELD = "releases", "detentions", "held"
FILTER_ONLY: frozenset[str] = frozenset()
SOURCE_COUNT = "source_count"  # the dimension that `min_sources` and `max_sources` filter

DayUnit = Literal["day", "week", "month"]
# The event of a window, which has two terms: `released_from`, `released_to`.
StageEvent = Literal["released", "ordered", "announced"]
WindowEvent = StageEvent | Literal["detained", "ended"]
# The stage of a release whose days the window of an event means.
STAGES_BY_EVENT: Mapping[StageEvent, Stage] = {
    "released": Stage.CARRIED_OUT,
    "ordered": Stage.ORDERED,
    "announced": Stage.ANNOUNCED,
}
# The event by whose days, weeks and months the counts of a noun are grouped; of releases that of the counted stage.
GROUPED_EVENTS: dict[str, WindowEvent] = {RELEASES: "released", DETENTIONS: "detained"}
RELEASES_ONLY, EVENTS_ONLY = frozenset({RELEASES}), frozenset(GROUPED_EVENTS)
# The value of a dimension in a response; None if unknown.
DimensionValue = str | int | None


class ValueOrigin(Enum):
    """Where the value of a dimension comes from."""

    SOURCE = "the source of the row"
    STATUS = "the consolidated status"
    COLUMN = "a column of the counted row"
    DAY = "the day of an event"
    PERSON = "a consolidated trait of the person or the detention"
    PLACE = "a trait that a source's own row takes from that source"


@dataclass(frozen=True)
class Dimension:
    """A dimension of counts.

    `label`: in English and Spanish. `groupable_nouns`: the nouns whose counts can be grouped by it; all if None.
    `is_multivalued`: one release can have several values, whose groups overlap. `code_list`: the code list of its
    values. `accepts_list`: its filter takes several values. `unit`: for a dimension made from the day of the counted
    event (GROUPED_EVENTS), the unit of its buckets; its values are filtered by the window of the event."""

    name: str
    label: tuple[str, str]
    origin: ValueOrigin
    groupable_nouns: frozenset[str] | None = None
    is_multivalued: bool = False
    code_list: str | None = None
    accepts_list: bool = False
    unit: DayUnit | None = None

    @property
    def is_personal(self) -> bool:
        """Whether its values depend on today's consent and are removed by an erasure."""
        return self.origin in (ValueOrigin.PERSON, ValueOrigin.PLACE)

    @property
    def is_filter(self) -> bool:
        """Whether a term of the same name filters by its values."""
        return self.unit is None and self.name != SOURCE_COUNT


# In the order of the API, including filters that cannot group (FILTER_ONLY).
DIMENSIONS = {
    dimension.name: dimension
    for dimension in (
        Dimension("source", ("source", "fuente"), ValueOrigin.SOURCE, is_multivalued=True),
        Dimension("status", ("status", "verificación"), ValueOrigin.STATUS, code_list="statuses", accepts_list=True),
        Dimension(
            "release_kind",
            ("kind", "tipo"),
            ValueOrigin.COLUMN,
            RELEASES_ONLY,
            code_list="release_kinds",
            accepts_list=True,
        ),
        Dimension("country", ("country", "país"), ValueOrigin.COLUMN),
        Dimension("month", ("month", "mes"), ValueOrigin.DAY, EVENTS_ONLY, unit="month"),
        Dimension("week", ("week", "semana"), ValueOrigin.DAY, EVENTS_ONLY, unit="week"),
        Dimension("day", ("day", "día"), ValueOrigin.DAY, EVENTS_ONLY, unit="day"),
        Dimension(
            "ended",
            ("end", "fin"),
            ValueOrigin.COLUMN,
            frozenset({DETENTIONS}),
            code_list="custody_ends",
            accepts_list=True,
        ),
        Dimension("designation", ("designation", "designación"), ValueOrigin.COLUMN, code_list="designations"),
        Dimension(SOURCE_COUNT, ("independent sources", "fuentes independientes"), ValueOrigin.STATUS),
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
            frozenset({DETENTIONS, HELD}),
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
    """Return the dimensions by which counts of a noun can be grouped."""
    return tuple(
        name
        for name, dimension in DIMENSIONS.items()
        if dimension.groupable_nouns is None or noun in dimension.groupable_nouns
    )


if TYPE_CHECKING:
    ReleaseDimension: TypeAlias = str
    DetentionDimension: TypeAlias = str
    HeldDimension: TypeAlias = str
else:
    ReleaseDimension, DetentionDimension, HeldDimension = (
        Literal[list_dimensions(noun)] for noun in (RELEASES, DETENTIONS, HELD)
    )


def find_window_events(values: Mapping[str, Any]) -> list[StageEvent]:
    """Return the events of stages whose windows have a day among values of terms."""
    return [event for event in STAGES_BY_EVENT if values.get(f"{event}_from") or values.get(f"{event}_to")]


def get_stage_event(stage: Any) -> StageEvent:
    """Return the event whose window means the days of a stage; that of a release carried out without a stage."""
    return next((event for event, own_stage in STAGES_BY_EVENT.items() if own_stage == stage), "released")


def find_grouped_event(noun: str, stage: Any) -> WindowEvent | None:
    """Return the event by whose days a count is grouped; None if it cannot be. `stage`: that of counted releases."""
    return get_stage_event(stage) if noun == RELEASES else GROUPED_EVENTS.get(noun)


def get_window_start_name(terms: Mapping[str, Any]) -> str:
    """Return the name of the term that begins the window of releases in echoed terms."""
    return f"{get_stage_event(terms.get('stage'))}_from"
