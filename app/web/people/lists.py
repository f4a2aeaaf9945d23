"""The filters of lists as a form that works without a script: each a term of the API, under the API's own name.

The lists of people and of releases, and how many they are by the count of the same terms."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

from app.dates import DAY_LENGTH
from app.formats import COUNTRIES, lowered
from app.vocabulary import Stage
from app.web.asking import together
from app.web.page import Page
from app.web.people.spells import Json, Telling, read_facilities

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


PEOPLE, RELEASES = "/people", "/releases"
API = {PEOPLE: "/v1/detainees", RELEASES: "/v1/releases"}
# Terms of lists that no count has.
OF_LISTS = ("q", "id", "changed_since", "sort")
MOST_AT_ONCE = 200  # people that the API reads at once: as many as the longest page has rows


@dataclass(frozen=True)
class Row:
    """A row of either list. `person`: the name, or what is told instead of it; `named`: it is the name."""

    address: str
    person: str
    named: bool
    day: str
    place: str
    what: str
    status: str
    sources: Sequence[str]


@dataclass(frozen=True)
class ListView:
    """A list as it is shown. `count`: the answer to the count of the same terms, where there is one.
    `today`: the same list as it stands today, where this one is of the past."""

    path: str
    form: Form
    rows: Sequence[Row]
    count: Json | None
    withheld: int
    not_visible: int
    following: str | None
    first: str | None
    files: Sequence[tuple[str, str]]
    leaves_stage_open: bool
    today: str | None


async def read_list(path: str, page: Page) -> ListView:
    """A page of a list. Three questions, and a fourth for the people of releases."""
    asked = {name: value for name, value in page.terms.items() if name not in ("as_of", "zone", "format")}
    answer, count, facilities = await together(
        page.api.get(API[path], asked), _count(page, asked), read_facilities(page)
    )
    telling = Telling(page, facilities)
    data = [record for record in answer["data"] if not record.get("gone")]
    if path == RELEASES:
        people = await _people_of(page, data)
        rows = [_release(release, people.get(release["detainee_id"]), telling) for release in data]
    else:
        rows = [_person(person, telling) for person in data]
    here = {name: value for name, value in page.terms.items() if name not in PAGING}
    unpinned = {name: value for name, value in here.items() if name not in PINS}
    whole = unpinned | {"as_of": page.revision}
    return ListView(
        path=path,
        form=form_of(path, page, facilities, telling),
        rows=rows,
        count=count,
        withheld=(count or {}).get("withheld") or 0,
        not_visible=answer.get("not_visible") or 0,
        following=answer["next"] and page.behind(answer["next"]),
        first=page.address(path, here) if "cursor" in page.terms else None,
        files=[
            (name, f"{API[path]}?{urlencode({**whole, 'format': form}, doseq=True)}")
            for name, form in (("CSV", "csv"), ("JSON Lines", "jsonl"))
        ],
        leaves_stage_open=path == RELEASES and "stage" not in page.terms,
        today=page.address(path, unpinned) if "as_of" in page.terms else None,
    )


async def _count(page: Page, asked: Mapping[str, Any]) -> Json | None:
    """The count of the same terms; none of a search, which no count has."""
    if any(name in asked for name in ("q", "id", "changed_since")):
        return None
    terms = {name: value for name, value in asked.items() if name not in (*OF_LISTS, *PAGING)}
    counted: Json = await page.api.get("/v1/counts/releases", terms)
    return counted


async def _people_of(page: Page, releases: Sequence[Json]) -> dict[str, Json]:
    """The people of a page of releases, by id."""
    ids = list(dict.fromkeys(release["detainee_id"] for release in releases))
    if not ids:
        return {}
    answer = await page.api.get("/v1/detainees", id=ids, limit=MOST_AT_ONCE)
    return {person["id"]: person for person in answer["data"]}


def _release(release: Json, person: Json | None, telling: Telling) -> Row:
    """A release: the day of the stage that it reached."""
    stage = Stage(release["stage"])
    day = {Stage.CARRIED_OUT: "released_on", Stage.ORDERED: "ordered_on", Stage.ANNOUNCED: "announced_on"}[stage]
    told = telling.words.day(release[day]) if release[day] else telling.words.gettext("no day")
    if stage != Stage.CARRIED_OUT:
        told = f"{telling.label('stages', stage)}, {told}"
    status = telling.label("statuses", release["status"]) if release["status"] else ""
    return Row(
        address=telling.page.address(f"/people/{release['detainee_id']}", _pin(telling)),
        person=_who(person, telling),
        named=bool(person and person["name"]),
        day=told,
        place=telling.facility(release["facility"]) or "",
        what=telling.label("release_kinds", release["kind"]),
        status=status,
        sources=telling.names(release["verified_by"] or release["reported_by"]),
    )


def _person(person: Json, telling: Telling) -> Row:
    """A person, with the last detention."""
    last = person["detentions"][-1] if person["detentions"] else None
    arrested = last and last["detained_on"]
    return Row(
        address=telling.page.address(f"/people/{person['id']}", _pin(telling)),
        person=_who(person, telling),
        named=bool(person["name"]),
        day=telling.words.day(arrested) if arrested else telling.words.gettext("no day"),
        place=(telling.facility(last["facility"]) if last else None) or "",
        what=telling.label("states", person["state"]),
        status=telling.label("statuses", last["status"]) if last and last["status"] else "",
        sources=telling.names(last["verified_by"] or last["reported_by"]) if last else [],
    )


def _pin(telling: Telling) -> dict[str, Any]:
    """A list of the past leads to people as they were known then."""
    given = telling.page.terms.get("as_of")
    return {} if given is None else {"as_of": telling.page.revision}


def _who(person: Json | None, telling: Telling) -> str:
    """The name; else that there is none, and what is known instead."""
    _, words = telling.words.gettext, telling.words
    if person is not None and person["name"]:
        return str(person["name"])
    parts = [_("Without a name")]
    if person is not None and person["age"] is not None:
        parts.append(telling.value("age", person["age"]))
    abroad = set(person["nationalities"] or ()) if person else set()
    countries = {detention["country"] for detention in person["detentions"]} if person else set()
    if abroad - countries:
        parts.append(lowered(_("Nationality")) + " " + words.listed([words.country(one) for one in sorted(abroad)]))
    return ", ".join(parts)
