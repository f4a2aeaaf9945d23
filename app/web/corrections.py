"""The page of corrections, newest first: who changed or recalled what, with the value before and after.

A page below it lists the numbers that moved with the rules.

`CorrectionFormatter` turns the API's corrections into sentences; the routes are at the end.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Response
from fastapi.concurrency import run_in_threadpool
from markupsafe import Markup, escape

from app.api.responses import CACHE_REVALIDATE
from app.api.routes.directory import list_claims
from app.api.routes.records import list_corrections
from app.counts.rule_changes import CountMeasure, MovedCount, MovedCounts
from app.exports.count_files.archives import list_archives
from app.formats import lower_first_letter
from app.vocabulary import CorrectionKind
from app.web.page import CurrentPage, Page, PageRoute
from app.web.rendering import Catalogue, format_claim_figure

# Code lists of fields whose values are codes.
CODE_LISTS = {
    "verdict": "verdicts",
    "denies": "denies",
    "stage": "stages",
    "kind": "release_kinds",
    "designation": "designations",
    "method": "methods",
    "ended_how": "ended",
    "status": "statuses",
    "measure": "measures",
    "series": "series",
}
FIGURE_FIELDS = ("qualifier", "low", "high")  # the fields of one figure
SOURCE_FIELDS = frozenset({"citing", "claimant"})
INSTANT_FIELDS = frozenset({"stated_at", "window_from", "window_to"})  # these fields hold instants or days


@dataclass(frozen=True)
class Change:
    """A value before and after; None if there was no value. `field`: its label, empty for a figure if the sentence
    names it."""

    field: str
    old_value: str | None
    new_value: str | None


@dataclass(frozen=True)
class CorrectionText:
    """A formatted correction. `page`: of the person or figure concerned, if it can be shown."""

    recorded_at: str
    revision: int
    kind: str
    sentence: Markup
    changes: Sequence[Change]
    page: str | None
    is_of_figure: bool


@dataclass(frozen=True)
class CorrectionFormatter:
    """Formats corrections in one language. `claims`: known claims by id; figures of other claims are given as numbers
    only."""

    words: Catalogue
    zone: tzinfo
    get_source_name: Callable[[str], str]
    build_address: Callable[[str], str]
    claims: Mapping[str, Mapping[str, Any]]

    def format_correction(self, correction: Mapping[str, Any]) -> CorrectionText:
        """Format one correction of the API's list."""
        people, claims = correction["detainee_ids"], correction["claim_ids"]
        path = f"/people/{people[0]}" if people else f"/claims/{claims[0]}" if claims else None
        return CorrectionText(
            recorded_at=correction["recorded_at"],
            revision=correction["revision"],
            kind=self.words.label("correction_kinds", correction["kind"]),
            sentence=self._format_sentence(correction),
            changes=self._list_changes(correction),
            page=path and self.build_address(path),
            is_of_figure=bool(claims),
        )

    def _format_sentence(self, correction: Mapping[str, Any]) -> Markup:
        _, kind = self.words.gettext, CorrectionKind(correction["kind"])
        if kind == CorrectionKind.RECALLED:
            return self._format_recall(correction)
        if correction["claim_ids"]:
            return self._format_figure_sentence(kind, correction["claimant"])
        by_release, by_detention = {
            CorrectionKind.RETRACTED: (
                _("%(who)s took back what it had said of a release"),
                _("%(who)s took back what it had said of a detention"),
            ),
            CorrectionKind.REFUTED: (_("%(who)s refuted a release"), _("%(who)s refuted a detention")),
            CorrectionKind.DISPUTED: (
                _("%(who)s disputed what is said of a release"),
                _("%(who)s disputed what is said of a detention"),
            ),
            CorrectionKind.RESTATED: (
                _("%(who)s changed what it says of a release"),
                _("%(who)s changed what it says of a detention"),
            ),
            CorrectionKind.MERGED: (_("%(who)s joined two records: they are of one person"),) * 2,
            CorrectionKind.PARTED: (_("%(who)s parted a record: it was of two people"),) * 2,
        }[kind]
        return self._name_actor(correction["source"], by_release if correction["release_id"] else by_detention)

    def _format_figure_sentence(self, kind: CorrectionKind, claimant: str | None) -> Markup:
        _ = self.words.gettext
        of_anybody, of_claimant = {
            CorrectionKind.CLAIM_SUPERSEDED: (
                _("A published figure was replaced by another"),
                _("%(who)s replaced its figure"),
            ),
            CorrectionKind.CLAIM_RESTATED: (
                _("The record of a published figure was corrected"),
                _("The record of a figure of %(who)s was corrected"),
            ),
            CorrectionKind.CLAIM_RETRACTED: (
                _("The record of a published figure was withdrawn"),
                _("The record of a figure of %(who)s was withdrawn"),
            ),
        }[kind]
        return escape(of_anybody) if claimant is None else self._name_actor(claimant, of_claimant)

    def _format_recall(self, correction: Mapping[str, Any]) -> Markup:
        ngettext, entries = self.words.ngettext, correction["changes"][0]
        withdrawn = entries["before"]
        if withdrawn:
            sentence = ngettext(
                "What a key of %(who)s wrote was withdrawn at once: one entry",
                "What a key of %(who)s wrote was withdrawn at once: %(num)s entries",
                withdrawn,
            )
        else:
            sentence = ngettext(
                "What a key of %(who)s wrote counts again: one entry",
                "What a key of %(who)s wrote counts again: %(num)s entries",
                entries["after"],
            )
        return self._name_actor(correction["source"], sentence, num=self.words.number(withdrawn or entries["after"]))

    def _name_actor(self, source: str | None, sentence: str, **values: str) -> Markup:
        actor = self.words.gettext("The curators") if source is None else self.get_source_name(source)
        return escape(sentence) % {"who": Markup("<strong><bdi>{}</bdi></strong>").format(actor), **values}

    def _list_changes(self, correction: Mapping[str, Any]) -> list[Change]:
        if correction["kind"] == CorrectionKind.RECALLED:
            return []  # the sentence contains the number
        changes = {change["field"]: (change["before"], change["after"]) for change in correction["changes"]}
        figure = (
            self._compare_figures(changes, self.claims.get(str(correction["claim_ids"][0])))
            if correction["claim_ids"]
            else []
        )
        if figure:
            changes = {name: change for name, change in changes.items() if name not in FIGURE_FIELDS}
        names = self._translate_field_names()
        return [
            *figure,
            *(
                Change(names.get(name, name), self._format_value(name, old), self._format_value(name, new))
                for name, (old, new) in changes.items()
            ),
        ]

    def _compare_figures(self, changes: Mapping[str, tuple[Any, Any]], claim: Mapping[str, Any] | None) -> list[Change]:
        """Return a claim's figure before and after as stated; empty if it cannot be known."""
        changed_fields = {name: changes[name] for name in FIGURE_FIELDS if name in changes}
        if not changed_fields:
            return []
        # A claim that was corrected again is no longer the result of this correction.
        if claim is not None and all(claim[name] == new for name, (_old, new) in changed_fields.items()):
            old, new = ({**claim, **{name: pair[n] for name, pair in changed_fields.items()}} for n in (0, 1))
            return [Change("", format_claim_figure(old, self.words), format_claim_figure(new, self.words))]
        if "qualifier" not in changed_fields and changed_fields.get("low") == changed_fields.get("high"):
            return [
                Change("", *(None if number is None else self.words.number(number) for number in changed_fields["low"]))
            ]
        return []

    def _format_value(self, field: str, value: Any) -> str | None:
        words = self.words
        if value is None or value == []:
            return None
        if isinstance(value, bool):
            return words.gettext("yes") if value else words.gettext("no")
        if isinstance(value, int):
            return words.number(value)
        if field in SOURCE_FIELDS:
            return words.listed(
                [self.get_source_name(slug) for slug in (value if isinstance(value, list) else [value])]
            )
        if field in CODE_LISTS:
            return lower_first_letter(words.label(CODE_LISTS[field], value))
        if field == "country":
            return words.country(value)
        if field in INSTANT_FIELDS:
            return words.statement_date(value, self.zone)
        return words.day(str(value))

    def _translate_field_names(self) -> dict[str, str]:
        _ = self.words.gettext
        return {
            "verdict": _("verdict"),
            "denies": _("what it denies"),
            "stage": _("stage"),
            "released_on": _("released on"),
            "ordered_on": _("ordered on"),
            "announced_on": _("announced on"),
            "kind": _("kind of release"),
            "measures_lifted_on": _("measures lifted on"),
            "detained_on": _("detained on"),
            "held_on": _("last known held on"),
            "country": _("country"),
            "designation": _("political prisoner or not"),
            "died_on": _("died on"),
            "method": _("how it knows"),
            "citing": _("according to"),
            "ended_on": _("detention ended on"),
            "ended_how": _("how the detention ended"),
            "status": _("what all sources together come to"),
            "claimant": _("whose figure"),
            "measure": _("what it counts"),
            "qualifier": _("how it was said"),
            "low": _("lowest number"),
            "high": _("highest number"),
            "window_from": _("counts from"),
            "window_to": _("counts to"),
            "stated_at": _("said on"),
            "zone": _("time zone"),
            "series": _("kind of series"),
            "misprint": _("misprint"),
        }


corrections = APIRouter(include_in_schema=False, route_class=PageRoute)

CORRECTION_FILTERS = ("correction_kind", "source", "country", "since")
MAX_CLAIMS = 200  # one page of the list; figures of older claims are given as numbers


@corrections.get("/corrections")
async def read_corrections(page: CurrentPage) -> Response:
    """Show a page of the corrections."""
    page.section = "/corrections"
    answer = await page.api.read(list_corrections, page.terms)
    filters = {name: page.terms[name] for name in CORRECTION_FILTERS if name in page.terms}
    return await page.show(
        "corrections/list.html",
        caching=CACHE_REVALIDATE,  # a person in it may withdraw consent at any time
        months=group_by_month(await format_corrections(page, answer["data"]), page),
        answer=answer,
        filters=filters,
        kinds=list(CorrectionKind),
        countries=sorted({source["country"] for source in page.sources.values()} - {None}),
        feed=build_feed_address(page, filters),
        older=page.to_page_address(answer["next"]) if answer["next"] else None,
    )


async def format_corrections(page: Page, records: Sequence[Mapping[str, Any]]) -> list[CorrectionText]:
    """Format corrections of the API's list. Asks the API once more if any is of a figure."""
    claims: dict[str, Mapping[str, Any]] = {}
    if any(correction["claim_ids"] for correction in records):
        newest = await page.api.read(list_claims, sort="-added", limit=MAX_CLAIMS)
        claims = {str(claim["id"]): claim for claim in newest["data"]}
    formatter = CorrectionFormatter(page.catalogue, page.zone, page.get_source_name, page.address, claims)
    return [formatter.format_correction(correction) for correction in records]


def group_by_month(corrections: Sequence[CorrectionText], page: Page) -> list[tuple[str, list[CorrectionText]]]:
    """Group corrections by the month of recording in the registry's time zone, in their order."""

    def month(correction: CorrectionText) -> str:
        local = datetime.fromisoformat(correction.recorded_at).astimezone(page.zone)
        return page.catalogue.long_day(f"{local:%Y-%m}")

    return [(name, list(group)) for name, group in groupby(corrections, month)]


def build_feed_address(page: Page, filters: Mapping[str, Any]) -> str:
    """Return the address of the Atom feed with the same filters, in a language that feeds support."""
    feed_filters = {name: term for name, term in filters.items() if name != "since"}
    return f"/v1/corrections.atom?{urlencode({**feed_filters, 'lang': page.catalogue.api_language}, doseq=True)}"


MAX_MOVED_COUNTS = 200  # of each change of rules; the file has all


@dataclass(frozen=True)
class MovedCountRow:
    """A number that a change of rules moved, in words."""

    text: str
    count: MovedCount


@dataclass(frozen=True)
class RuleChangeSection:
    """A change of rules, with the addresses of the archive and the first rows."""

    addresses: Mapping[str, str]
    moved: MovedCounts
    rows: Sequence[MovedCountRow]


@corrections.get("/rules")
async def read_rule_changes(page: CurrentPage) -> Response:
    """Show which numbers moved with each change of rules."""
    page.section = "/corrections"
    page.allow_only_terms()
    changes = await run_in_threadpool(load_rule_changes, page)
    return await page.show("corrections/rules.html", caching=CACHE_REVALIDATE, changes=changes)


def load_rule_changes(page: Page) -> list[RuleChangeSection]:
    """Load the changes of rules from the archives, the newest first."""
    folder = page.request.app.state.settings.count_files
    changes = [(archive, archive.load_moved_counts()) for archive in (list_archives(folder) if folder else ())]
    return [
        RuleChangeSection(
            archive.addresses,
            moved,
            [MovedCountRow(format_moved_count(page, count), count) for count in moved.moved[:MAX_MOVED_COUNTS]],
        )
        for archive, moved in changes
        if moved is not None
    ]


def format_moved_count(page: Page, count: MovedCount) -> str:
    """Describe a number, such as "Venezuela, January 2026: releases with the status “verified”"."""
    words = page.catalogue
    _ = words.gettext
    if count.measure == CountMeasure.VERIFIED:
        return _("releases verified by %(source)s") % {"source": page.get_source_name(str(count.source))}
    places = [words.country(count.country) if count.country else _("country unknown")]
    if count.measure == CountMeasure.HELD:
        text = _("people held on %(day)s") % {"day": words.day(str(count.day))}
    else:
        places.append(words.long_day(count.month) if count.month else _("no single month"))
        status = lower_first_letter(words.label("statuses", str(count.status)))
        text = _("releases with the status “%(status)s”") % {"status": status}
    return f"{', '.join(places)}: {text}"
