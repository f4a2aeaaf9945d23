"""Translate the API's validation errors, and assign them to fields of a form."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.web.rendering import Catalogue


@dataclass(frozen=True)
class TermFault:
    """A validation error of a term. `is_translated`: the text is in the page's language; untranslated texts of the
    API are English."""

    text: str
    is_translated: bool


def collect_term_faults(
    problem: Mapping[str, Any], words: Catalogue, field_names: Mapping[str, str] | None = None
) -> dict[str, Sequence[TermFault]]:
    """Return the errors of a problem by term, under an empty name if no term is at fault. `field_names`: maps terms
    to field names that differ on the page."""
    sentences = _translate_refusals(words)
    found: dict[str, list[TermFault]] = defaultdict(list)
    for fault in problem.get("errors") or [{"pointer": "/", "code": problem.get("code"), "detail": problem["detail"]}]:
        name = fault["pointer"].removeprefix("/").partition("/")[0]
        translation = sentences.get(fault["code"])
        found[(field_names or {}).get(name, name)].append(
            TermFault(translation or fault["detail"], is_translated=bool(translation))
        )
    return dict(found)


def _translate_refusals(words: Catalogue) -> Mapping[str, str]:
    """Return the translated errors by code."""
    _ = words.gettext
    return {
        "unknown_country": _("Write the two capital letters of a country, such as VE."),
        "unknown_facility": _("No place of detention, or more than one, goes by this."),
        "unknown_area": _("No place of detention lies in an area of this name."),
        "unknown_source": _("There is no source of this name."),
        "unknown_code": _("This is none of the values that can be chosen."),
        "unknown_field": _("There is no such term: check its spelling, or leave it out."),
        "reversed_window": _("The window ends before it begins: give a later day, or an earlier beginning."),
        "reversed_range": _("This is below the least number: give at least that."),
        "two_windows": _("A release is counted at one stage: leave out the days of the others."),
        "window_of_other_stage": _("These days are of another stage: give the days of this stage, or choose that one."),
        "sources_missing": _("Choose the sources too."),
        "contradiction": _("A source is in both columns: leave it out of one."),
        "invalid_date": _("Write a year, a month or a day: 2026, 2026-01 or 2026-01-13."),
        "invalid_instant": _(
            "Write a day, 2026-01-13, an instant with its zone, 2026-01-13T18:00:00Z, or a revision, r812."
        ),
        "invalid_zone": _("This zone is not known: write one such as America/Caracas or -04:00."),
        "ahead_of_head": _("That moment has not come yet: ask for one that has, or leave it out."),
        "in_future": _("Nobody knows who will be held: give a day that has come."),
        "below_one": _("Ask for at least one source."),
        "int_parsing": _("Write a whole number, such as 2."),
        "bool_parsing": _("Choose yes or no."),
        "invalid_cursor": _("This page of a list no longer has an address: begin with its first page."),
        "repeated": _("Ask for one value: this term cannot be repeated."),
        "too_many_groups": _("These groups are too many: group by less, by weeks or months, or ask for fewer days."),
        "takes_too_long": _("This question takes too long to answer: ask for fewer days, or group by less."),
    }
