"""The lists of people and of releases, with their count, and a filter form that works without scripts.

Each field is a term of the API, with the same name.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

from app.api.routes.counts import count_releases
from app.api.table_routes import build_table_address
from app.dates import DAY_LENGTH
from app.formats import COUNTRIES, lower_first_letter
from app.queries.parameters import TableFormat
from app.vocabulary import Stage
from app.web.api_client import gather
from app.web.count_text import WINDOW_TERMS
from app.web.page import Page
from app.web.people.spells import Json, PersonFormatter, fetch_facilities_by_slug

FieldKind = Literal["text", "day", "number", "choice", "several"]
# Terms shown at first, and terms behind a summary; by list, if they differ.
USUAL_TERMS = ("q", "country", "facility", "verified_by", "released_from", "released_to", "status", "sort")
EXTRA_TERMS = (
    "verified_by_match", "not_verified_by", "state", "release_kind", "stage", "min_sources", "max_sources", "source",
    "reported_by_kind", "verified_by_kind", "first_hand", "area", "designation", "gender", "age_group", "age_from",
    "age_to", "nationality", "category", "group", "legal_status", "condition", "carried_out", "rearrested_after",
    "rearrested", "net", "detained_from", "detained_to", "ordered_from", "ordered_to", "announced_from", "announced_to",
)  # fmt: skip
SORT_ORDERS = {
    "/releases": ("added", "-added", "released_on", "-released_on"),
    "/people": ("added", "-added"),
}
# Code lists of terms.
TERM_CODE_LISTS = {
    "status": "statuses", "state": "states", "release_kind": "release_kinds", "stage": "stages",
    "designation": "designations",
    "gender": "genders", "age_group": "age_groups", "category": "categories", "group": "groups",
    "legal_status": "legal_statuses", "condition": "conditions", "reported_by_kind": "source_kinds",
    "verified_by_kind": "source_kinds",
}  # fmt: skip
MULTIPLE_CHOICE_TERMS = frozenset({"status", "release_kind", "not_verified_by", "reported_by_kind", "verified_by_kind"})
SOURCE_TERMS = frozenset({"verified_by", "source", "not_verified_by"})
COUNTRY_TERMS = frozenset({"country", "nationality", "not_nationality"})
DATE_TERMS = frozenset({*WINDOW_TERMS, "detained_from", "detained_to"})
NUMBER_TERMS = frozenset({"min_sources", "max_sources", "age_from", "age_to"})
BOOLEAN_TERMS = frozenset({"rearrested", "rearrested_after", "carried_out", "first_hand", "net"})
# Terms in all addresses of counts; they are defaults of lists.
DEFAULT_TERMS = {"stage": "carried_out", "net": "false"}
# Terms that pin a revision or a page: they are no filters.
PIN_TERMS = ("as_of", "zone", "rules", "leaf")
# Terms of rows, which the page chooses itself.
ROW_TERMS = ("include", "fields", "total")
PAGING_TERMS = ("cursor", "limit", *ROW_TERMS)


@dataclass(frozen=True)
class FilterField:
    """A field of the form. `values`: from the address; `options`: value and label."""

    name: str
    label: str
    kind: FieldKind
    values: Sequence[str] = ()
    options: Sequence[tuple[str, str]] = ()
    hint: str = ""


@dataclass(frozen=True)
class FilterChip:
    """An active filter, and the address of the list without it."""

    label: str
    value: str
    removal_address: str


@dataclass(frozen=True)
class FilterForm:
    """The form. `terms`: the active terms; `hidden_terms`: terms without a field, which the form passes on;
    `active_extra_count`: active filters among the fields hidden at first."""

    terms: Mapping[str, Any]
    usual: Sequence[FilterField]
    extra: Sequence[FilterField]
    hidden_terms: Sequence[tuple[str, str]]
    chips: Sequence[FilterChip]
    active_extra_count: int


def list_term_values(terms: Mapping[str, Any], name: str) -> list[str]:
    """Return the values of a term in the address."""
    value = terms.get(name, [])
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def build_filter_form(path: str, page: Page, facilities: Mapping[str, Json], formatter: PersonFormatter) -> FilterForm:
    """Build the form of a list, filled in from its address."""
    filters = FilterFields(path, page, facilities, formatter)
    extra_fields = [filters.build_field(name) for name in EXTRA_TERMS]
    field_names = {*USUAL_TERMS, *EXTRA_TERMS, *PAGING_TERMS}
    hidden_terms = [
        (name, value) for name in page.terms if name not in field_names for value in list_term_values(page.terms, name)
    ]
    return FilterForm(
        terms={name: value for name, value in page.terms.items() if name not in (*PAGING_TERMS, "sort")},
        usual=[filters.build_field(name) for name in USUAL_TERMS],
        extra=extra_fields,
        hidden_terms=hidden_terms,
        chips=list(filters.build_chips()),
        active_extra_count=sum(field.values not in ([], [DEFAULT_TERMS.get(field.name)]) for field in extra_fields),
    )


class FilterFields:
    """Builds the fields of a list's form."""

    def __init__(self, path: str, page: Page, facilities: Mapping[str, Json], formatter: PersonFormatter) -> None:
        self._path, self._page, self._facilities, self._formatter = path, page, facilities, formatter
        self._labels = build_term_labels(page.catalogue.gettext)

    def build_field(self, name: str) -> FilterField:
        """Build the field of a term."""
        values, options = list_term_values(self._page.terms, name), self._list_options(name)
        known_values = {value for value, _label in options}
        if options:  # keep a value that is no option
            options = [
                *options,
                *((value, self._format_value(name, value)) for value in values if value not in known_values),
            ]
        kind: FieldKind = "text"
        if options:
            kind = "several" if name in MULTIPLE_CHOICE_TERMS else "choice"
        elif name in NUMBER_TERMS:
            kind = "number"
        elif name in DATE_TERMS and all(
            len(value) == DAY_LENGTH for value in values
        ):  # a date input cannot show "2026-01"
            kind = "day"
        return FilterField(name, self._labels[name], kind, values, options)

    def build_chips(self) -> Iterable[FilterChip]:
        """Yield a chip for each active filter."""
        terms = {name: value for name, value in self._page.terms.items() if name not in PAGING_TERMS}
        for name in terms:
            if name in PIN_TERMS or name == "sort":
                continue
            for value in list_term_values(terms, name):
                if DEFAULT_TERMS.get(name) == value:
                    continue
                other_values = [other for other in list_term_values(terms, name) if other != value]
                removal_address = self._page.address(self._path, {**terms, name: other_values or None})
                yield FilterChip(self._labels.get(name, name), self._format_value(name, value), removal_address)

    def _format_value(self, name: str, value: str) -> str:
        """Format a value; return a value that is not an option unchanged."""
        if name in TERM_CODE_LISTS:
            return dict(self._list_options(name)).get(value, value)
        if name in SOURCE_TERMS:
            return self._page.get_source_name(value)
        if name in COUNTRY_TERMS:
            return self._formatter.words.country(value)
        if name == "facility":
            return self._formatter.get_facility_name(value) or value
        if name in DATE_TERMS:
            return self._formatter.words.day(value)
        return dict(self._list_options(name)).get(value, value)

    def _list_options(self, name: str) -> list[tuple[str, str]]:
        _, formatter = self._formatter.words.gettext, self._formatter
        if name in TERM_CODE_LISTS:
            return formatter.list_choices(TERM_CODE_LISTS[name])
        if name in SOURCE_TERMS:
            options = [(slug, str(source["name"])) for slug, source in self._page.sources.items()]
            return sorted(options, key=lambda option: option[1].casefold())
        if name == "facility":
            options = [(slug, str(facility["name"])) for slug, facility in self._facilities.items()]
            return sorted(options, key=lambda option: option[1].casefold())
        if name in COUNTRY_TERMS:
            country_codes = {record["country"] for record in [*self._facilities.values(), *self._page.sources.values()]}
            codes = COUNTRIES if name == "nationality" else {code for code in country_codes if code}
            return sorted(((code, formatter.words.country(code)) for code in codes), key=lambda option: option[1])
        if name == "verified_by_match":
            return [("all", _("all of them")), ("any", _("any of them")), ("only", _("all of them, and no other"))]
        if name in BOOLEAN_TERMS:
            return [("true", _("yes")), ("false", _("no"))]
        if name == "sort":
            orders = {
                "added": _("first added first"), "-added": _("last added first"),
                "released_on": _("first released first"), "-released_on": _("last released first"),
            }  # fmt: skip
            return [(order, orders[order]) for order in SORT_ORDERS[self._path]]
        return []


def build_term_labels(_: Callable[[str], str]) -> dict[str, str]:
    """Return the labels of the terms."""
    return {
        "q": _("Name"), "country": _("Country"), "facility": _("Facility"), "verified_by": _("Verified by"),
        "released_from": _("Released from"), "released_to": _("Released until"), "status": _("Status"),
        "sort": _("Order"), "state": _("Where the person is today"), "release_kind": _("Kind of release"),
        "stage": _("Stage of the release"), "min_sources": _("Verified by at least so many sources"),
        "max_sources": _("Verified by at most so many sources"), "source": _("As one source says it"),
        "reported_by_kind": _("Reported by a source of kind"),
        "verified_by_kind": _("Verified by a source of kind"), "first_hand": _("With a first-hand report"),
        "carried_out": _("Carried out so far"), "rearrested_after": _("Person arrested again afterwards"),
        "age_from": _("Age, at least"), "age_to": _("Age, at most"), "area": _("Area"),
        "designation": _("Designation"), "gender": _("Gender"), "age_group": _("Age when detained"),
        "nationality": _("Nationality"), "category": _("Category"), "group": _("Group"),
        "legal_status": _("Legal status"), "condition": _("Condition"), "rearrested": _("Detained again"),
        "net": _("Without those detained again"), "detained_from": _("Detained from"),
        "detained_to": _("Detained until"), "verified_by_match": _("Verified by which of these"),
        "not_verified_by": _("Not verified by"), "ordered_from": _("Ordered from"), "ordered_to": _("Ordered until"),
        "announced_from": _("Announced from"), "announced_to": _("Announced until"),
        "not_nationality": _("Without the nationality"),
        "destination": _("Destination"), "changed_since": _("Changed since"),
    }  # fmt: skip


PEOPLE_PATH, RELEASES_PATH = "/people", "/releases"
API_PATHS = {PEOPLE_PATH: "/v1/detainees", RELEASES_PATH: "/v1/releases"}
# Terms of lists that counts do not accept.
LIST_ONLY_TERMS = ("q", "changed_since", "sort")


@dataclass(frozen=True)
class ListRow:
    """A row of either list. `person`: the name, or a description if the name is not public; `is_named`: it is the
    name."""

    address: str
    person: str
    is_named: bool
    day: str
    place: str
    detail: str
    status: str
    sources: Sequence[str]


@dataclass(frozen=True)
class ListView:
    """A page of a list. `count`: the count of the same terms, if there is one.
    `today`: the address of the current list, if this one is of the past."""

    path: str
    form: FilterForm
    rows: Sequence[ListRow]
    count: Json | None
    withheld: int
    not_visible: int
    following: str | None
    first: str | None
    files: Sequence[tuple[str, str]]
    today: str | None


async def read_list(path: str, page: Page) -> ListView:
    """Fetch a page of a list, the count of the same terms and the facilities."""
    query = {name: value for name, value in page.terms.items() if name not in ("as_of", "zone", *ROW_TERMS)}
    embedded = {"include": "detainee"} if path == RELEASES_PATH else {}
    answer, count, facilities = await gather(
        page.api.read_address(API_PATHS[path], {**query, **embedded}),
        _fetch_count(page, query),
        fetch_facilities_by_slug(page),
    )
    formatter = PersonFormatter(page, facilities)
    data = [record for record in answer["data"] if not record.get("gone")]
    build_row = _build_release_row if path == RELEASES_PATH else _build_person_row
    rows = [build_row(record, formatter) for record in data]
    filter_terms = {name: value for name, value in page.terms.items() if name not in PAGING_TERMS}
    unpinned_terms = {name: value for name, value in filter_terms.items() if name not in PIN_TERMS}
    pinned_terms = unpinned_terms | {"as_of": page.as_of}
    return ListView(
        path=path,
        form=build_filter_form(path, page, facilities, formatter),
        rows=rows,
        count=count,
        withheld=count["caveats"]["withheld"] if count else 0,
        not_visible=answer["caveats"]["not_visible"] or 0,
        following=_build_following_address(answer["next"], page),
        first=page.address(path, filter_terms) if "cursor" in page.terms else None,
        files=[
            (name, build_table_address(f"{API_PATHS[path]}?{urlencode(pinned_terms, doseq=True)}", extension))
            for name, extension in (("CSV", TableFormat.EXCEL_CSV), ("JSON Lines", TableFormat.JSONL))
        ],
        today=page.address(path, unpinned_terms) if "as_of" in page.terms else None,
    )


def _build_following_address(next_address: str | None, page: Page) -> str | None:
    """Return the address of the next page, without the terms of rows."""
    if next_address is None:
        return None
    path, _mark, query = next_address.partition("?")
    terms = [(name, value) for name, value in parse_qsl(query) if name not in ROW_TERMS]
    return page.to_page_address(f"{path}?{urlencode(terms)}")


async def _fetch_count(page: Page, query: Mapping[str, Any]) -> Json | None:
    """Fetch the count of the same terms; None for a search, which cannot be counted."""
    if any(name in query for name in ("q", "changed_since")):
        return None
    terms = {name: value for name, value in query.items() if name not in (*LIST_ONLY_TERMS, *PAGING_TERMS)}
    count: Json = await page.api.read(count_releases, terms)
    return count


def _build_release_row(release: Json, formatter: PersonFormatter) -> ListRow:
    """Build a row of a release, with the day of the stage that it reached."""
    stage = Stage(release["stage"])
    day = {Stage.CARRIED_OUT: "released_on", Stage.ORDERED: "ordered_on", Stage.ANNOUNCED: "announced_on"}[stage]
    day_text = formatter.words.day(release[day]) if release[day] else formatter.words.gettext("no day")
    if stage != Stage.CARRIED_OUT:
        day_text = f"{formatter.label('stages', stage)}, {day_text}"
    status = formatter.label("statuses", release["status"]) if release["status"] else ""
    return ListRow(
        address=formatter.page.address(f"/people/{release['detainee_id']}", _build_pin(formatter)),
        person=_format_person_name(release["detainee"], formatter),
        is_named=bool(release["detainee"]["name"]),
        day=day_text,
        place=formatter.get_facility_name(release["facility"]) or "",
        detail=formatter.label("release_kinds", release["kind"]),
        status=status,
        sources=formatter.list_source_names(release["verified_by"] or release["reported_by"]),
    )


def _build_person_row(person: Json, formatter: PersonFormatter) -> ListRow:
    """Build a row of a person, with the last detention."""
    last = person["detentions"][-1] if person["detentions"] else None
    detained_on = last and last["detained_on"]
    return ListRow(
        address=formatter.page.address(f"/people/{person['id']}", _build_pin(formatter)),
        person=_format_person_name(person, formatter),
        is_named=bool(person["name"]),
        day=formatter.words.day(detained_on) if detained_on else formatter.words.gettext("no day"),
        place=(formatter.get_facility_name(last["facility"]) if last else None) or "",
        detail=formatter.label("states", person["state"]),
        status=formatter.label("statuses", last["status"]) if last and last["status"] else "",
        sources=formatter.list_source_names(last["verified_by"] or last["reported_by"]) if last else [],
    )


def _build_pin(formatter: PersonFormatter) -> dict[str, Any]:
    """Return the terms that link a past list to people as they were known then."""
    as_of = formatter.page.terms.get("as_of")
    return {} if as_of is None else {"as_of": formatter.page.as_of}


def _format_person_name(person: Json, formatter: PersonFormatter) -> str:
    """Return the name, or that there is none and a description."""
    _, words = formatter.words.gettext, formatter.words
    if person["name"]:
        return str(person["name"])
    parts = [_("Without a name")]
    if person["age"] is not None:
        parts.append(formatter.format_value("age", person["age"]))
    abroad = set(person["nationalities"] or ())
    countries = {detention["country"] for detention in person["detentions"]}
    if abroad - countries:
        parts.append(
            lower_first_letter(_("Nationality")) + " " + words.listed([words.country(code) for code in sorted(abroad)])
        )
    return ", ".join(parts)
