"""The filters of lists as a form that works without a script: each a term of the API, under the API's own name."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.dates import DAY_LENGTH
from app.formats import COUNTRIES
from app.web.page import Page
from app.web.people.telling import Json, Telling

Kind = Literal["text", "day", "number", "choice", "several"]
# The terms that the form shows at once, and those that it shows when asked for more; by list, where they differ.
USUAL = ("q", "country", "facility", "verified_by", "released_from", "released_to", "status", "sort")
MORE = (
    "all_of", "state", "kind", "stage", "min_sources", "sources", "source", "area", "designation", "gender",
    "age_group", "nationality", "category", "group", "legal_status", "condition", "rearrested", "net", "detained_from",
    "detained_to",
)  # fmt: skip
SORTS = {
    "/releases": ("recorded", "-recorded", "released_on", "-released_on"),
    "/people": ("recorded", "-recorded"),
}
# From which list of the vocabulary the choices of a term are.
CHOICES = {
    "status": "statuses", "state": "states", "kind": "release_kinds", "stage": "stages", "designation": "designations",
    "gender": "genders", "age_group": "age_groups", "category": "categories", "group": "groups",
    "legal_status": "legal_statuses", "condition": "conditions",
}  # fmt: skip
SEVERAL = frozenset({"status", "kind", "all_of"})
OF_SOURCES = frozenset({"verified_by", "source", "any_of", "all_of", "only_by"})
OF_COUNTRIES = frozenset({"country", "nationality", "not_nationality"})
DAYS = frozenset({"released_from", "released_to", "detained_from", "detained_to"})
NUMBERS = frozenset({"min_sources", "sources"})
YES_OR_NO = frozenset({"rearrested", "net"})
# What addresses of counts always say, though it is what a list means anyway.
ALWAYS_SAID = {"stage": "carried_out", "net": "false"}
# What says which page of which past is shown, and no filter.
PINS = ("as_of", "zone", "rules", "leaf")
PAGING = ("cursor", "limit", "format")


@dataclass(frozen=True)
class Field:
    """A field of the form. `values`: those of the address; `options`: value and label."""

    name: str
    label: str
    kind: Kind
    values: Sequence[str] = ()
    options: Sequence[tuple[str, str]] = ()
    hint: str = ""


@dataclass(frozen=True)
class Chip:
    """A filter that holds, and the address of the list without it."""

    label: str
    value: str
    without: str


@dataclass(frozen=True)
class Form:
    """`terms`: those that hold. `kept`: those of the address that have no field, which the form sends on.
    `set_among_more`: how many filters hold among those that the form does not show at once."""

    terms: Mapping[str, Any]
    usual: Sequence[Field]
    more: Sequence[Field]
    kept: Sequence[tuple[str, str]]
    chips: Sequence[Chip]
    set_among_more: int


def values_of(terms: Mapping[str, Any], name: str) -> list[str]:
    """The values of a term in the address."""
    value = terms.get(name, [])
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def form_of(path: str, page: Page, facilities: Mapping[str, Json], telling: Telling) -> Form:
    """The form of a list, with the terms of its address filled in."""
    filters = Filters(path, page, facilities, telling)
    more = [filters.field(name) for name in MORE]
    shown = {*USUAL, *MORE, *PAGING}
    kept = [(name, value) for name in page.terms if name not in shown for value in values_of(page.terms, name)]
    return Form(
        terms={name: value for name, value in page.terms.items() if name not in (*PAGING, "sort")},
        usual=[filters.field(name) for name in USUAL],
        more=more,
        kept=kept,
        chips=list(filters.chips()),
        set_among_more=sum(field.values not in ([], [ALWAYS_SAID.get(field.name)]) for field in more),
    )


class Filters:
    """The fields of a list."""

    def __init__(self, path: str, page: Page, facilities: Mapping[str, Json], telling: Telling) -> None:
        self._path, self._page, self._facilities, self._telling = path, page, facilities, telling
        self._labels = labels(page.catalogue.gettext)

    def field(self, name: str) -> Field:
        """The field of a term."""
        values, options = values_of(self._page.terms, name), self._options(name)
        known = {value for value, _label in options}
        if options:  # a value that no option has is kept as it was written
            options = [*options, *((value, self._told(name, value)) for value in values if value not in known)]
        kind: Kind = "text"
        if options:
            kind = "several" if name in SEVERAL else "choice"
        elif name in NUMBERS:
            kind = "number"
        elif name in DAYS and all(len(value) == DAY_LENGTH for value in values):  # "2026-01" is no day of a calendar
            kind = "day"
        return Field(name, self._labels[name], kind, values, options)

    def chips(self) -> Iterable[Chip]:
        """Each filter that holds."""
        terms = {name: value for name, value in self._page.terms.items() if name not in PAGING}
        for name in terms:
            if name in PINS or name in ("sort", "id"):  # of two hundred ids each chip would repeat the others
                continue
            for value in values_of(terms, name):
                if ALWAYS_SAID.get(name) == value:
                    continue
                others = [other for other in values_of(terms, name) if other != value]
                without = self._page.address(self._path, {**terms, name: others or None})
                yield Chip(self._labels.get(name, name), self._told(name, value), without)

    def _told(self, name: str, value: str) -> str:
        """A value in words; one that is none of the choices as it was written."""
        if name in CHOICES:
            return dict(self._options(name)).get(value, value)
        if name in OF_SOURCES:
            return self._page.name_of(value)
        if name in OF_COUNTRIES:
            return self._telling.words.country(value)
        if name == "facility":
            return self._telling.facility(value) or value
        if name in DAYS:
            return self._telling.words.day(value)
        return dict(self._options(name)).get(value, value)

    def _options(self, name: str) -> list[tuple[str, str]]:
        _, telling = self._telling.words.gettext, self._telling
        if name in CHOICES:
            return telling.choices(CHOICES[name])
        if name in OF_SOURCES:
            known = [(slug, str(source["name"])) for slug, source in self._page.sources.items()]
            return sorted(known, key=lambda option: option[1].casefold())
        if name == "facility":
            known = [(slug, str(facility["name"])) for slug, facility in self._facilities.items()]
            return sorted(known, key=lambda option: option[1].casefold())
        if name in OF_COUNTRIES:
            seen = {placed["country"] for placed in [*self._facilities.values(), *self._page.sources.values()]}
            codes = COUNTRIES if name == "nationality" else {code for code in seen if code}
            return sorted(((code, telling.words.country(code)) for code in codes), key=lambda option: option[1])
        if name in YES_OR_NO:
            return [("true", _("yes")), ("false", _("no"))]
        if name == "sort":
            orders = {
                "recorded": _("first recorded first"), "-recorded": _("last recorded first"),
                "released_on": _("first released first"), "-released_on": _("last released first"),
            }  # fmt: skip
            return [(order, orders[order]) for order in SORTS[self._path]]
        return []


def labels(_: Callable[[str], str]) -> dict[str, str]:
    """What the terms are called."""
    return {
        "q": _("Name"), "country": _("Country"), "facility": _("Facility"), "verified_by": _("Verified by"),
        "released_from": _("Released from"), "released_to": _("Released until"), "status": _("Status"),
        "sort": _("Order"), "state": _("Where the person is today"), "kind": _("Kind of release"),
        "stage": _("Stage of the release"), "min_sources": _("Verified by at least so many sources"),
        "sources": _("Verified by exactly so many sources"), "source": _("As one source says it"), "area": _("Area"),
        "designation": _("Designation"), "gender": _("Gender"), "age_group": _("Age when detained"),
        "nationality": _("Nationality"), "category": _("Category"), "group": _("Group"),
        "legal_status": _("Legal status"), "condition": _("Condition"), "rearrested": _("Detained again"),
        "net": _("Without those detained again"), "detained_from": _("Detained from"),
        "detained_to": _("Detained until"), "any_of": _("Verified by any of"), "all_of": _("Verified by all of"),
        "only_by": _("Verified by these alone"), "not_nationality": _("Without the nationality"),
        "destination": _("Destination"), "changed_since": _("Changed since"),
    }  # fmt: skip
