"""The form of a count: every term that the API takes, filled in as the reader left it (pure).

The past of the page of a count: led to by `Accept-Datetime`, as the count itself is (RFC 7089)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from app import vocabulary
from app.api import responses
from app.api.responses import UNCACHED
from app.dates import DAY_LENGTH, format_instant
from app.formats import COUNTRIES
from app.queries.countables import Countable
from app.queries.terms import DETENTIONS, MOST_DIMENSIONS, PINNING, RELEASES, dimensions_of
from app.vocabulary import Stage
from app.web.count_text import CODES, Told
from app.web.form_errors import Fault
from app.web.page import Page

Look = Literal["choice", "date", "text", "country", "countries", "number", "checks", "switch", "groups"]

# Which terms stand in the form at once, and which behind a summary.
USUAL = {
    RELEASES: ("country", "released_from", "released_to", "as_of", "stage", "net", "group_by"),
    DETENTIONS: ("country", "held_on", "as_of", "house_arrest", "group_by"),
}
WHO = ("status", "min_sources", "sources", "source")
RELEASE = ("kind", "condition", "destination", "rearrested")
PERSON = ("gender", "age_group", "nationality", "not_nationality", "category", "group", "designation", "state")
DETENTION = ("facility", "area", "legal_status", "detained_from", "detained_to")
CLOCK = ("zone",)
OF_SOURCES = {RELEASES: ("any_of", "all_of", "only_by"), DETENTIONS: ("any_of", "all_of")}
LOOKS: dict[str, Look] = {
    **dict.fromkeys(("released_from", "released_to", "held_on", "as_of", "detained_from", "detained_to"), "date"),
    **dict.fromkeys(("destination", "zone"), "text"),
    **dict.fromkeys(("nationality", "not_nationality"), "countries"),
    **dict.fromkeys(("min_sources", "sources"), "number"),
    **dict.fromkeys(("kind", "status"), "checks"),
    **dict.fromkeys(("net", "house_arrest"), "switch"),
    "group_by": "groups",
}
CHOSEN = ("choice", "checks", "groups")  # the looks that offer values
YES, NO = "true", "false"
# Another name of the same term: that under which it stands in the form.
STANDS_AT = {"verified_by": "all_of"}


@dataclass(frozen=True)
class Option:
    """A value that can be chosen. `note`: what it means."""

    value: str
    label: str
    chosen: bool
    note: str = ""


@dataclass(frozen=True)
class Field:
    """A term in the form, with what the reader gave and what the API has to say against it."""

    name: str
    label: str
    look: Look
    values: Sequence[str]
    options: Sequence[Option] = ()
    faults: Sequence[Fault] = ()
    hint: str = ""

    @property
    def value(self) -> str:
        return self.values[0] if self.values else ""

    @property
    def is_day(self) -> bool:
        """Whether a field for days can hold the value: a month, a revision or an instant it cannot."""
        return not self.value or (len(self.value) == DAY_LENGTH and self.value.replace("-", "").isdigit())

    @property
    def is_used(self) -> bool:
        return bool(self.values or self.faults)


@dataclass(frozen=True)
class SourceRow:
    """A source, and under which terms of sources it was chosen."""

    slug: str
    name: str
    chosen: Sequence[bool]


@dataclass(frozen=True)
class Section:
    """Terms behind a summary, which is open where one of them is used. `sources`: terms that take several sources, and
    `rows` these."""

    heading: str
    fields: Sequence[Field]
    sources: Sequence[Field] = ()
    rows: Sequence[SourceRow] = ()

    @property
    def is_used(self) -> bool:
        return any(field.is_used for field in (*self.fields, *self.sources))


@dataclass(frozen=True)
class Form:
    """The form of counts of a noun. `given`: the terms as the reader gave them; `faults`: by term; `countries`: where
    something is counted; `areas`: of the known places of detention."""

    noun: str
    told: Told
    given: Mapping[str, Sequence[str]]
    faults: Mapping[str, Sequence[Fault]]
    countries: Sequence[str]
    areas: Sequence[str]

    @cached_property
    def usual(self) -> list[Field]:
        return [self._field(name) for name in USUAL[self.noun]]

    @cached_property
    def sections(self) -> list[Section]:
        _ = self.told.words.gettext
        sources = [self._field(name) for name in OF_SOURCES[self.noun]]
        return [
            Section(_("By whose word"), self._fields(WHO), sources, self._rows(sources)),
            Section(_("The release"), self._fields(RELEASE)),
            Section(_("The person"), self._fields(PERSON)),
            Section(_("The detention"), self._fields(DETENTION)),
            Section(_("The hour"), self._fields(CLOCK)),
        ]

    @property
    def codes(self) -> list[str]:
        """Every country's code, in the order of their names."""
        return sorted(COUNTRIES, key=self.told.words.country)

    def _rows(self, fields: Sequence[Field]) -> list[SourceRow]:
        """Every source, and whatever else was given as one."""
        slugs = dict.fromkeys([*self.told.sources, *(slug for field in fields for slug in field.values)])
        return [
            SourceRow(slug, self.told.value("source", slug), [slug in field.values for field in fields])
            for slug in slugs
        ]  # fmt: skip

    @cached_property
    def labels(self) -> dict[str, str]:
        """The terms of this form by name."""
        fields = [*self.usual, *(field for part in self.sections for field in (*part.fields, *part.sources))]
        return {field.name: field.label for field in fields}

    def _fields(self, names: Iterable[str]) -> list[Field]:
        return [self._field(name) for name in names if self.noun == RELEASES or name != "kind"]

    def _field(self, name: str) -> Field:
        values = list(self.given.get(name, ()))
        if name == "all_of":  # two names of one term
            values += self.given.get("verified_by", ())
        if name == "stage":
            values = values or [Stage.CARRIED_OUT.value]
        options = self._options(name, values)
        chosen = [option.note for option in options if option.chosen and option.note]
        look = LOOKS.get(name, "choice")
        hint = self._hints.get(name) or (" ".join(chosen) if look == "choice" else "")
        return Field(name, self.told.labels[name], look, values, options, self.faults.get(name, ()), hint)

    def _options(self, name: str, values: Sequence[str]) -> list[Option]:
        """What can be chosen, and what was given though it cannot."""
        if LOOKS.get(name, "choice") not in CHOSEN:
            return []
        choices = self._choices(name)
        known = {value for value, _label, _note in choices}
        choices += [(value, value, "") for value in dict.fromkeys(values) if value not in known]
        return [Option(value, label, value in values, note) for value, label, note in choices]

    def _choices(self, name: str) -> list[tuple[str, str, str]]:
        _ = self.told.words.gettext
        told = self.told
        if name in CODES:
            codes = vocabulary.vocabulary(told.words.spoken)[CODES[name]]
            return [(code["code"], code["label"], code["definition"]) for code in codes]
        values: Iterable[str] = ()
        if name == "country":
            values = self.countries
        elif name == "facility":
            values = told.facilities
        elif name == "area":
            values = self.areas
        elif name == "source":
            values = told.sources
        elif name == "group_by":
            return [(value, told.dimension(value), "") for value in dimensions_of(self.noun)]
        elif name == "rearrested":
            return [(YES, _("yes"), ""), (NO, _("no"), "")]
        return sorted(
            ((value, told.value(name, value), "") for value in values), key=lambda choice: choice[1].casefold()
        )

    @cached_property
    def _hints(self) -> Mapping[str, str]:
        _ = self.told.words.gettext
        return {
            "net": _("Without the releases after which the person was detained again."),
            "house_arrest": _("Whoever was detained at home is counted either way."),
            "source": _("Only what this source itself reports or verifies, by its own dates."),
            "nationality": _("Two letters of a country, such as AR; people with any of these."),
            "not_nationality": _("People of whom a nationality is known, and none of these."),
            "zone": _("In which a day ends, such as America/Caracas. Left out: the registry’s own."),
            "sources": _("0: only reported, verified by no independent source."),
        }

    @property
    def groups(self) -> int:
        """How many dimensions can be asked for at once."""
        return MOST_DIMENSIONS


def as_given(terms: Mapping[str, Any]) -> dict[str, list[str]]:
    """Terms of an address, each as the list of its values."""
    return {name: [value] if isinstance(value, str) else list(value) for name, value in terms.items()}


VARY = f"Accept-Encoding, {responses.ASKED}"


def asked_at(request: Request, countable: Countable, terms: Mapping[str, Any]) -> datetime | None:
    """The moment asked for; None where nobody asks, or where the page has no past that stays. Raises BadDatetime."""
    query = urlencode(terms, doseq=True).encode()
    return responses.asked_at(request) if responses.is_gate(countable.counted, query) else None


async def led_to(page: Page, path: str, moment: datetime) -> Response:
    """The page as it was at a moment: before the first entry as of that, after the last as of the newest."""
    revision = page.revision
    if moment < page.request.app.state.clock():
        revision = (await page.api.get("/v1/sources", as_of=format_instant(moment), limit=1))["revision"]
    pinned = {"rules": page.rules, "as_of": max(1, revision)}
    headers = {"Vary": VARY, "Link": _original(page, path), "Cache-Control": UNCACHED}
    return RedirectResponse(page.address(path, {**page.terms, **pinned}), 302, headers=headers)


def headers_of(page: Page, path: str, count: Mapping[str, Any]) -> dict[str, str]:
    """By which address to cite the count on a page (RFC 8574), and of when it is."""
    links = [f'<{count["citation"]["address"]}>; rel="cite-as"']
    if "not_visible" in count:
        return {"Link": links[0]} if len(links[0]) <= responses.LONGEST_LINKED else {}
    links.append(_original(page, path))
    headers = {"Vary": VARY, "Link": ", ".join(link for link in links if len(link) <= responses.LONGEST_LINKED)}
    if "rules" in page.terms and "as_of" in page.terms and count["recorded_at"] is not None:
        headers[responses.STATED] = responses.stated(datetime.fromisoformat(count["recorded_at"]))
    return headers


def _original(page: Page, path: str) -> str:
    terms = {name: value for name, value in page.terms.items() if name not in PINNING}
    return f'<{page.address(path, terms)}>; rel="original timegate"'
