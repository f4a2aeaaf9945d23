"""The form of a count: every term of the API with its value, and past versions of the page (RFC 7089)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from app import vocabulary
from app.api import mementos
from app.api.requests import build_cite_as_links, build_link_header
from app.api.responses import CACHE_REVALIDATE
from app.api.routes.directory import list_sources
from app.dates import DAY_LENGTH, format_instant
from app.formats import COUNTRIES
from app.moments import format_revision
from app.queries.addresses import PIN_PARAMETERS
from app.queries.countables import Countable
from app.queries.dimensions import DETENTIONS, HELD, RELEASES, list_dimensions
from app.queries.terms import DEFAULT_HELD_WITHIN, MAX_DIMENSIONS
from app.vocabulary import Stage
from app.web.count_text import CODE_LISTS, CUSTODY_WINDOW_TERMS, WINDOW_TERMS, TermFormatter, has_personal_terms
from app.web.form_errors import TermFault
from app.web.page import Page

Widget = Literal["choice", "date", "text", "country", "countries", "number", "checks", "switch", "groups"]

# Terms that the form always shows; the others are in collapsible sections.
USUAL_TERMS = {
    RELEASES: ("country", "released_from", "released_to", "as_of", "stage", "net", "group_by"),
    DETENTIONS: ("country", "detained_from", "detained_to", "as_of", "ended", "ended_from", "ended_to", "group_by"),
    HELD: ("country", "held_on", "as_of", "house_arrest", "held_within", "group_by"),
}
VERIFICATION_TERMS = (
    *("status", "min_sources", "max_sources", "source", "reported_by_kind", "verified_by_kind", "first_hand"),
    "verified_by_match",
)
RELEASE_TERMS = (
    *("release_kind", "condition", "destination", "carried_out", "rearrested_after", "rearrested"),
    *("ordered_from", "ordered_to", "announced_from", "announced_to"),
)
RELEASES_ONLY_TERMS = frozenset({"release_kind", "carried_out", "rearrested_after", *WINDOW_TERMS})
PERSON_TERMS = (
    *("gender", "age_group", "age_from", "age_to", "nationality", "not_nationality", "category", "group"),
    *("designation", "state"),
)
DETENTION_TERMS = ("facility", "area", "legal_status", "detained_from", "detained_to")
SOURCE_LIST_TERMS = ("verified_by", "not_verified_by")
WIDGETS: dict[str, Widget] = {
    **dict.fromkeys((*WINDOW_TERMS, *CUSTODY_WINDOW_TERMS, "held_on", "as_of"), "date"),
    **dict.fromkeys(("destination", "zone"), "text"),
    **dict.fromkeys(("nationality", "not_nationality"), "countries"),
    **dict.fromkeys(("min_sources", "max_sources", "held_within", "age_from", "age_to"), "number"),
    **dict.fromkeys(("release_kind", "status", "ended", "reported_by_kind", "verified_by_kind"), "checks"),
    **dict.fromkeys(("net", "house_arrest"), "switch"),
    "group_by": "groups",
}
YES_NO_TERMS = ("rearrested", "carried_out", "rearrested_after", "first_hand")
CHOICE_WIDGETS = ("choice", "checks", "groups")  # widgets with options
# Terms whose default is an option of its own: nothing else means it.
DEFAULT_OPTIONS = {"stage": Stage.CARRIED_OUT.value, "verified_by_match": "all"}


@dataclass(frozen=True)
class Option:
    """An option of a field. `note`: its meaning."""

    value: str
    label: str
    is_chosen: bool
    note: str = ""


@dataclass(frozen=True)
class FormField:
    """A term in the form, with the reader's values and the API's errors."""

    name: str
    label: str
    widget: Widget
    values: Sequence[str]
    options: Sequence[Option] = ()
    faults: Sequence[TermFault] = ()
    hint: str = ""

    @property
    def value(self) -> str:
        return self.values[0] if self.values else ""

    @property
    def is_day(self) -> bool:
        """Whether a date field can show the value: not a month, a revision or an instant."""
        return not self.value or (len(self.value) == DAY_LENGTH and self.value.replace("-", "").isdigit())

    @property
    def is_used(self) -> bool:
        return bool(self.values or self.faults)


@dataclass(frozen=True)
class SourceRow:
    """A source, and for each term of sources whether it is checked."""

    slug: str
    name: str
    checkmarks: Sequence[bool]


@dataclass(frozen=True)
class FormSection:
    """A collapsible section, open if one of its terms is used. `sources`: terms with several sources, shown as a
    table with `rows`."""

    heading: str
    fields: Sequence[FormField]
    sources: Sequence[FormField] = ()
    rows: Sequence[SourceRow] = ()

    @property
    def is_used(self) -> bool:
        return any(field.is_used for field in (*self.fields, *self.sources))


@dataclass(frozen=True)
class CountForm:
    """The form of a noun. `values`: the reader's values by term; `faults`: by term; `countries`: with anything to
    count; `areas`: of the known facilities."""

    noun: str
    formatter: TermFormatter
    values: Mapping[str, Sequence[str]]
    faults: Mapping[str, Sequence[TermFault]]
    countries: Sequence[str]
    areas: Sequence[str]

    @cached_property
    def usual(self) -> list[FormField]:
        return [self._build_field(name) for name in USUAL_TERMS[self.noun]]

    @cached_property
    def sections(self) -> list[FormSection]:
        _ = self.formatter.words.gettext
        sources = [self._build_field(name) for name in SOURCE_LIST_TERMS]
        return [
            FormSection(_("By whose word"), self._build_fields(VERIFICATION_TERMS), sources, self._build_rows(sources)),
            FormSection(_("The release"), self._build_fields(RELEASE_TERMS)),
            FormSection(_("The person"), self._build_fields(PERSON_TERMS)),
            FormSection(_("The detention"), self._build_fields(DETENTION_TERMS)),
            FormSection(_("The hour"), self._build_fields(("zone",))),
        ]

    @property
    def codes(self) -> list[str]:
        """The codes of all countries, sorted by name."""
        return sorted(COUNTRIES, key=self.formatter.words.country)

    def _build_rows(self, fields: Sequence[FormField]) -> list[SourceRow]:
        """Return a row for each source, and for each unknown slug in the address."""
        slugs = dict.fromkeys([*self.formatter.sources, *(slug for field in fields for slug in field.values)])
        return [
            SourceRow(slug, self.formatter.format_value("source", slug), [slug in field.values for field in fields])
            for slug in slugs
        ]  # fmt: skip

    @cached_property
    def labels(self) -> dict[str, str]:
        """The labels of this form's terms."""
        fields = [*self.usual, *(field for part in self.sections for field in (*part.fields, *part.sources))]
        return {field.name: field.label for field in fields}

    def _build_fields(self, names: Iterable[str]) -> list[FormField]:
        return [
            self._build_field(name)
            for name in names
            if name not in USUAL_TERMS[self.noun] and (self.noun == RELEASES or name not in RELEASES_ONLY_TERMS)
        ]

    def _build_field(self, name: str) -> FormField:
        values = list(self.values.get(name, ()))
        default = DEFAULT_OPTIONS.get(name)
        options = self._build_options(name, values or ([] if default is None else [default]))
        values = [value for value in values if value != default]
        notes = [option.note for option in options if option.is_chosen and option.note]
        widget = WIDGETS.get(name, "choice")
        hint = self._hints.get(name) or (" ".join(notes) if widget == "choice" else "")
        return FormField(name, self.formatter.labels[name], widget, values, options, self.faults.get(name, ()), hint)

    def _build_options(self, name: str, values: Sequence[str]) -> list[Option]:
        """Return the options, including invalid values of the address."""
        if WIDGETS.get(name, "choice") not in CHOICE_WIDGETS:
            return []
        choices = self._list_choices(name)
        known_values = {value for value, _label, _note in choices}
        choices += [(value, value, "") for value in dict.fromkeys(values) if value not in known_values]
        return [Option(value, label, value in values, note) for value, label, note in choices]

    def _list_choices(self, name: str) -> list[tuple[str, str, str]]:
        _ = self.formatter.words.gettext
        formatter = self.formatter
        if name in CODE_LISTS:
            codes = vocabulary.build_vocabulary(formatter.words.api_language)[CODE_LISTS[name]]
            return [(code["code"], code["label"], code["definition"]) for code in codes]
        values: Iterable[str] = ()
        if name == "country":
            values = self.countries
        elif name == "facility":
            values = formatter.facilities
        elif name == "area":
            values = self.areas
        elif name == "source":
            values = formatter.sources
        elif name == "group_by":
            return [(value, formatter.get_dimension_label(value), "") for value in list_dimensions(self.noun)]
        elif name == "verified_by_match":
            return [(value, label, "") for value, label in formatter.list_match_choices()]
        elif name in YES_NO_TERMS:
            return [("true", _("yes"), ""), ("false", _("no"), "")]
        return sorted(
            ((value, formatter.format_value(name, value), "") for value in values),
            key=lambda choice: choice[1].casefold(),
        )

    @cached_property
    def _hints(self) -> Mapping[str, str]:
        _ = self.formatter.words.gettext
        return {
            "net": _("Without the releases after which the person was detained again."),
            "house_arrest": _("Whoever was detained at home is counted either way."),
            "held_within": _(
                "Within so many years before the day, some report must show the person inside. Left out: %(years)s."
            )
            % {"years": DEFAULT_HELD_WITHIN},
            "source": _("Only what this source itself reports or verifies, by its own dates."),
            "nationality": _("Two letters of a country, such as AR; people with any of these."),
            "not_nationality": _("People of whom a nationality is known, and none of these."),
            "zone": _("In which a day ends, such as America/Caracas. Left out: the registry’s own."),
            "carried_out": _("Only of releases announced or ordered: whether they have been carried out so far."),
            "age_from": _("In completed years, as the registry shows it."),
            "max_sources": _("0: only reported, verified by no independent source."),
        }

    @property
    def max_groups(self) -> int:
        """The maximum number of dimensions in `group_by`."""
        return MAX_DIMENSIONS


def list_values_by_term(terms: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the terms of an address, each as a list of values."""
    return {name: [value] if isinstance(value, str) else list(value) for name, value in terms.items()}


VARY = f"Accept-Encoding, {mementos.ACCEPT_DATETIME}"


def parse_requested_moment(request: Request, countable: Countable, terms: Mapping[str, Any]) -> datetime | None:
    """Return the moment of `Accept-Datetime`; None without one, or if the page has no permanent past. Raises
    BadDatetime."""
    query = urlencode(terms, doseq=True).encode()
    return mementos.parse_accept_datetime(request) if mementos.is_timegate(countable.counts_path, query) else None


async def redirect_to_past(page: Page, path: str, moment: datetime) -> Response:
    """Redirect to the page at a moment. A moment before the first entry leads to that entry, one after the last to
    the newest revision."""
    revision = page.revision
    if moment < page.request.app.state.clock():
        revision = (await page.api.read(list_sources, as_of=format_instant(moment), limit=1))["at"]["revision"]
    pins = {"rules": page.rules, "as_of": format_revision(max(1, revision))}
    headers = {"Vary": VARY, "Link": _build_original_link(page, path), "Cache-Control": CACHE_REVALIDATE}
    return RedirectResponse(page.address(path, {**page.terms, **pins}), 302, headers=headers)


def build_link_headers(page: Page, path: str, count: Mapping[str, Any]) -> dict[str, str]:
    """Return headers with the address that cites the count (RFC 8574), and the time of its revision (RFC 7089)."""
    links = build_cite_as_links(count["links"]["cite"])
    if has_personal_terms(count["terms"]):
        return build_link_header(links)
    original = _build_original_link(page, path)
    if len(original) <= mementos.MAX_LINKED_LENGTH:
        links.append(original)
    headers = {"Vary": VARY, **build_link_header(links)}
    if "rules" in page.terms and "as_of" in page.terms and count["at"]["recorded_at"] is not None:
        headers[mementos.MEMENTO_DATETIME] = mementos.format_http_date(
            datetime.fromisoformat(count["at"]["recorded_at"])
        )
    return headers


def _build_original_link(page: Page, path: str) -> str:
    terms = {name: value for name, value in page.terms.items() if name not in PIN_PARAMETERS}
    return f'<{page.address(path, terms)}>; rel="original timegate"'
