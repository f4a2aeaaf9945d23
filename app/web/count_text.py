"""Describe in words what a count counts, and name its groups."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlsplit

from app.api.routes.counts import read_citation
from app.api.routes.directory import list_facilities
from app.dates import DAY_LENGTH
from app.formats import lower_first_letter
from app.queries.addresses import PIN_PARAMETERS, get_term_values, list_values
from app.queries.dimensions import (
    DETENTIONS,
    DIMENSIONS,
    HELD,
    PERSONAL_DIMENSIONS,
    RELEASES,
    STAGES_BY_EVENT,
    find_grouped_event,
)
from app.queries.terms import DEFAULT_HELD_WITHIN, PERSONAL_FILTERS
from app.vocabulary import Stage
from app.web.api_client import Terms
from app.web.page import MAX_LIST_PAGE, Page
from app.web.rendering import Catalogue

# The code list of each term or dimension.
CODE_LISTS = {name: dimension.code_list for name, dimension in DIMENSIONS.items() if dimension.code_list} | {
    "state": "states",
    "stage": "stages",
    "reported_by_kind": "source_kinds",
    "verified_by_kind": "source_kinds",
}
SOURCE_TERMS = ("source", "verified_by", "not_verified_by")
WINDOW_TERMS = tuple(f"{event}_{edge}" for event in STAGES_BY_EVENT for edge in ("from", "to"))
COUNTRY_TERMS = ("country", "nationality", "not_nationality")
CUSTODY_WINDOW_TERMS = ("detained_from", "detained_to", "ended_from", "ended_to")
DATE_TERMS = ("held_on", *WINDOW_TERMS, *CUSTODY_WINDOW_TERMS, "day", "month")
# Terms that are part of the sentence.
SENTENCE_TERMS = (
    *("country", "stage", "net", "house_arrest", "held_within", "held_on", "verified_by_match", *WINDOW_TERMS),
    *(*CUSTODY_WINDOW_TERMS, "group_by"),
)
WITHHELD = "withheld"
HOME_TERMS = ("country", "released_from")  # of the first page, which names them above its figures
# Defaults of a count: a figure need not mention them.
DEFAULT_TERMS = {"stage": Stage.CARRIED_OUT, "net": False}


@dataclass(frozen=True)
class TermFormatter:
    """Formats terms and groups in one language. `sources`, `facilities`: names by slug."""

    words: Catalogue
    sources: Mapping[str, str]
    facilities: Mapping[str, str]

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """The label of each term."""
        _ = self.words.gettext
        return {
            "country": _("Country"),
            "released_from": _("Released from"),
            "released_to": _("Released until"),
            "ordered_from": _("Ordered from"),
            "ordered_to": _("Ordered until"),
            "announced_from": _("Announced from"),
            "announced_to": _("Announced until"),
            "held_on": _("Held on"),
            "as_of": _("As known on"),
            "stage": _("Stage"),
            "net": _("Net"),
            "carried_out": _("Carried out so far"),
            "rearrested_after": _("Person arrested again afterwards"),
            "house_arrest": _("With house arrest after a release"),
            "held_within": _("Heard of within (years)"),
            "release_kind": _("Kind of release"),
            "condition": _("Measure still in force"),
            "destination": _("Destination"),
            "status": _("What all sources together say"),
            "min_sources": _("Independent sources, at least"),
            "max_sources": _("Independent sources, at most"),
            "source": _("By the word of"),
            "verified_by": _("Verified by"),
            "verified_by_match": _("Verified by which of these"),
            "not_verified_by": _("Not verified by"),
            "reported_by_kind": _("Reported by a source of kind"),
            "verified_by_kind": _("Verified by a source of kind"),
            "first_hand": _("With a first-hand report"),
            "facility": _("Place of detention"),
            "area": _("Area"),
            "legal_status": _("Legal status"),
            "gender": _("Gender"),
            "age_group": _("Age when detained"),
            "age_from": _("Age, at least"),
            "age_to": _("Age, at most"),
            "category": _("Civilian or uniformed"),
            "group": _("Group"),
            "nationality": _("Nationality"),
            "not_nationality": _("Nationality other than"),
            "designation": _("Designation"),
            "state": _("State today"),
            "rearrested": _("Detained again"),
            "detained_from": _("Detained from"),
            "detained_to": _("Detained until"),
            "ended": _("How it ended"),
            "ended_from": _("Ended from"),
            "ended_to": _("Ended until"),
            "group_by": _("In groups by"),
            "zone": _("Time zone"),
            "month": _("Month"),
            "week": _("Week"),
            "day": _("Day"),
        }

    def get_dimension_label(self, name: str) -> str:
        """Return the heading of a dimension."""
        _ = self.words.gettext
        own = {
            "source": _("Source"),
            "source_count": _("Independent sources"),
            "status": _("Verification status"),
            "release_kind": _("Kind"),
        }
        return own.get(name) or self.labels.get(name, name)

    def format_value(self, name: str, value: Any) -> str:
        """Format a value of a term or dimension. A value that is not in its code list is returned unchanged."""
        _ = self.words.gettext
        text = str(value)
        if value is None:
            return _("not known")
        if text == WITHHELD and name in DIMENSIONS:
            return _("may not be shown")
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        if name in COUNTRY_TERMS:
            return self.words.country(text)
        if name == "facility":
            return self.facilities.get(text, text)
        if name in SOURCE_TERMS:
            return self.sources.get(text, text)
        if name in DATE_TERMS:
            return self.words.day(text)
        if name == "week":
            year, _dash, week = text.partition("-W")
            return _("week %(week)s of %(year)s") % {"week": int(week), "year": year}
        if name == "group_by":
            return self.get_dimension_label(text)
        return self._format_code(name, text)

    def format_values(self, name: str, values: Iterable[Any]) -> str:
        """Format several values as one text: "Foro Penal and CLIPPVE"."""
        return self.words.listed([self.format_value(name, item) for item in values])

    def _format_code(self, name: str, code: str) -> str:
        try:
            return self.words.label(CODE_LISTS[name], code)
        except KeyError:
            return code

    def describe_count(self, noun: str, terms: Mapping[str, Any]) -> str:
        """Describe terms without final punctuation: "Releases carried out in Venezuela since 8 January 2026,
        gross"."""
        _ = self.words.gettext
        text = self._format_subject(noun, terms)
        if "country" in terms:
            text = _("%(things)s in %(country)s") % {
                "things": text,
                "country": self.format_value("country", terms["country"]),
            }
        if "held_on" in terms:
            text = _("%(things)s on %(day)s") % {"things": text, "day": self.words.day_in_sentence(terms["held_on"])}
        event = find_grouped_event(noun, terms.get("stage"))
        window = "" if event is None else self._format_window(terms, event)
        text = ", ".join([f"{text}{window}", *self._list_variants(noun, terms)])
        return "; ".join([text, *self.describe_filters(terms, event)])

    def describe_filters(self, terms: Mapping[str, Any], event: str | None = None) -> list[str]:
        """Return the terms that narrow a count, with their labels: "gender: female". `event`: the one whose window is
        named elsewhere."""
        _ = self.words.gettext
        filters = [
            label + window
            for name, label in (("detained", _("detained")), ("ended", _("ended")))
            if name != event and (window := self._format_window(terms, name))
        ]
        for name, value in terms.items():
            if name in SENTENCE_TERMS or name not in self.labels:
                continue
            values = self.words.listed([self._format_inline(name, item) for item in list_values(value)])
            filters.append(f"{lower_first_letter(self._choose_label(name, terms))}: {values}")
        return filters

    def _choose_label(self, name: str, terms: Mapping[str, Any]) -> str:
        """Return the label of a term in a sentence; that of `verified_by` says how many of the sources must match."""
        if name != "verified_by":
            return self.labels[name]
        _ = self.words.gettext
        labels = {"any": _("Verified by any of these"), "only": _("Verified only by")}
        return labels.get(str(terms.get("verified_by_match")), _("Verified by all of these"))

    def list_match_choices(self) -> list[tuple[str, str]]:
        """Return the values of `verified_by_match` with their labels."""
        _ = self.words.gettext
        return [("all", _("all of them")), ("any", _("any of them")), ("only", _("all of them, and no other"))]

    def _format_inline(self, name: str, value: Any) -> str:
        """Format a value within a sentence, in quotation marks if it is free text."""
        if name == "zone":
            return self.words.place_of(str(value))
        formatted = self.format_value(name, value)
        if name in CODE_LISTS:
            return lower_first_letter(formatted)
        if name in (*SOURCE_TERMS, "facility"):
            return self.words.quote_unless_plain(formatted)
        is_own_wording = name in COUNTRY_TERMS or name in DATE_TERMS or not isinstance(value, str)
        return formatted if is_own_wording else self.words.quote(formatted)

    def format_noun(self, noun: str) -> str:
        """Return the noun for what is counted."""
        _ = self.words.gettext
        return {RELEASES: _("releases"), DETENTIONS: _("detentions"), HELD: _("people held")}[noun]

    def _format_subject(self, noun: str, terms: Mapping[str, Any]) -> str:
        _ = self.words.gettext
        if noun != RELEASES:
            return _("Detentions") if noun == DETENTIONS else _("People held")
        return {
            Stage.ANNOUNCED: _("Releases announced"),
            Stage.ORDERED: _("Releases ordered"),
            Stage.CARRIED_OUT: _("Releases carried out"),
        }[parse_stage(terms)]

    def _list_variants(self, noun: str, terms: Mapping[str, Any]) -> list[str]:
        _ = self.words.gettext
        if noun == RELEASES:
            return [_("net") if terms.get("net") else _("gross")]
        if noun == DETENTIONS:
            return []
        home = (
            _("with those released to house arrest")
            if terms.get("house_arrest")
            else _("without those released to house arrest")
        )
        years = int(terms.get("held_within", DEFAULT_HELD_WITHIN))
        heard_of = self.words.ngettext("heard of in the year before", "heard of in the %(years)s years before", years)
        return [home, heard_of % {"years": self.words.number(years)}]

    def _format_window(self, terms: Mapping[str, Any], event: str) -> str:
        _ = self.words.gettext
        start, end = terms.get(f"{event}_from"), terms.get(f"{event}_to")
        days = {name: self.words.day_in_sentence(text) for name, text in (("start", start), ("end", end)) if text}
        if start and start == end:
            phrase = _("on %(start)s") if len(start) == DAY_LENGTH else _("in %(start)s")
            return " " + phrase % days
        if start and end:
            return " " + _("from %(start)s to %(end)s") % days
        if start:
            return " " + _("since %(start)s") % days
        return " " + _("until %(end)s") % days if end else ""


async def fetch_facility_list(page: Page) -> Sequence[Mapping[str, Any]]:
    """Fetch one page of facilities. Facilities beyond it are shown by their slugs."""
    return (await page.api.read(list_facilities, limit=MAX_LIST_PAGE))["data"]


def build_term_formatter(page: Page, places: Iterable[Mapping[str, Any]]) -> TermFormatter:
    """Build a formatter with the names at the page's revision."""
    names = {slug: str(source["name"]) for slug, source in page.sources.items()}
    return TermFormatter(page.catalogue, names, {place["slug"]: str(place["name"]) for place in places})


def parse_stage(terms: Mapping[str, Any]) -> Stage:
    """Return the stage at which a count counts releases."""
    return Stage(terms.get("stage", Stage.CARRIED_OUT))


def format_release_noun(stage: Stage, number: int, words: Catalogue) -> str:
    """Return the noun for a number of releases: releases only announced or ordered are never called carried out."""
    if stage == Stage.ANNOUNCED:
        return words.ngettext("announced release", "announced releases", number)
    if stage == Stage.ORDERED:
        return words.ngettext("ordered release", "ordered releases", number)
    return words.ngettext("release", "releases", number)


def describe_narrower_count(page: Page, terms: Mapping[str, Any]) -> str:
    """Describe a count of releases, by the terms that the answer echoes, if it is narrower than the first page's
    count; otherwise return an empty text."""
    is_default = all(
        name in (*HOME_TERMS, "group_by") or DEFAULT_TERMS.get(name) == value for name, value in terms.items()
    )
    return "" if is_default else build_term_formatter(page, ()).describe_count(RELEASES, terms)


def parse_question(address: str) -> dict[str, list[str]]:
    """Parse the terms in an address of the API, without those that pin its revision."""
    values_by_name = parse_qs(urlsplit(address).query, keep_blank_values=True)
    return {name: values for name, values in values_by_name.items() if name not in PIN_PARAMETERS}


def has_personal_terms(terms: Terms) -> bool:
    """Return whether any term is a personal dimension: its numbers depend on today's consent."""
    return not terms.keys().isdisjoint(PERSONAL_FILTERS) or not set(PERSONAL_DIMENSIONS).isdisjoint(
        get_term_values(dict(terms), "group_by")
    )


def get_citation_code(count: Mapping[str, Any]) -> str:
    """Return the code of a count's short address."""
    return str(count["links"]["cite"]).rpartition("/")[2]


async def fetch_citation(page: Page, count: Mapping[str, Any]) -> Any:
    """Return the texts that cite a count."""
    answer: Any = await page.api.read(read_citation, code=get_citation_code(count))
    return answer["citation"]
