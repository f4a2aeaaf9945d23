"""The reasons that a reconciliation names, told in the language of a page: each by its id, and with its arguments."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.formats import lowered
from app.web.catalogue import Catalogue
from app.web.claims.forms import SENTENCES, WEIGHTS
from app.web.claims.words import of_day, since_when, told_number, until_when
from app.web.page import Page


@dataclass(frozen=True)
class Told:
    """A reason in words. `weight`: how many it explains, where that can be counted."""

    code: str
    title: str
    text: str
    weight: int | None = None


def told(page: Page, reason: Mapping[str, Any]) -> Told:
    """A reason in the page's language."""
    numbers = [reason["arguments"][name] for name in WEIGHTS.get(reason["message_id"], ())]
    weight = abs(numbers[0] - sum(numbers[1:])) if numbers else None
    return Told(reason["code"], page.catalogue.label("reasons", reason["code"]), sentence_of(page, reason), weight)


def sentence_of(page: Page, message: Mapping[str, Any]) -> str:
    """The sentence of a reason or of a remark in the page's language."""
    words, arguments = page.catalogue, message["arguments"]
    values = {name: TOLD.get(name.removeprefix("other_"), _as_it_is)(page, arguments[name]) for name in arguments}
    if "country" in arguments:
        values["covered"] = _covered(words, arguments)
    return words.gettext(SENTENCES[message["message_id"]]) % values


def _as_it_is(_page: Page, value: Any) -> str:
    return str(value)


def _since(page: Page, day: str | None) -> str:
    return since_when(page.catalogue, day) if day else page.catalogue.gettext("without saying since when")


def _until(page: Page, day: str | None) -> str:
    return until_when(page.catalogue, day) if day else page.catalogue.gettext("without saying until when")


def _held_on(page: Page, day: str | None) -> str:
    return of_day(page.catalogue, day) if day else page.catalogue.gettext("of a day that it does not say")


def _measure(page: Page, code: str) -> str:
    return lowered(page.catalogue.label("measures", code))


def _claimant(page: Page, slug: str | None) -> str:
    return page.name_of(slug) if slug else page.catalogue.gettext("somebody not named")


def _covered(words: Catalogue, arguments: Mapping[str, Any]) -> str:
    """Of what nobody reported anything."""
    _ = words.gettext
    where = {"country": words.country(arguments["country"]) if arguments["country"] else _("any country")}
    if "held_on" in arguments:
        return ", ".join([_("anybody held in %(country)s") % where, of_day(words, arguments["held_on"])])
    days = [(since_when, arguments["window_from"]), (until_when, arguments["window_to"])]
    return ", ".join([_("any release in %(country)s") % where, *(said(words, day) for said, day in days if day)])


def _number(page: Page, number: int) -> str:
    return page.catalogue.number(number)


# The name of an argument → how it is told. "other_" before it is the same of another figure.
TOLD: Mapping[str, Callable[[Page, Any], str]] = {
    **dict.fromkeys(("withheld", "gross", "net", "more", "fewer", "times"), _number),
    **dict.fromkeys(("without_house_arrest", "with_house_arrest"), _number),
    **dict.fromkeys(("number", "sum"), lambda page, number: told_number(page.catalogue, number)),
    "numbers": lambda page, numbers: page.catalogue.listed([told_number(page.catalogue, each) for each in numbers]),
    "parts": lambda page, numbers: " + ".join(told_number(page.catalogue, each) for each in numbers),
    **dict.fromkeys(("day", "stated_on"), lambda page, day: page.catalogue.long_day(day)),
    "held_on": _held_on,
    "window_from": _since,
    "window_to": _until,
    "windows_from": lambda page, days: page.catalogue.listed([since_when(page.catalogue, day) for day in days]),
    "claimant": _claimant,
    "claimants": lambda page, slugs: page.catalogue.listed([page.name_of(slug) for slug in slugs]),
    "measure": _measure,
    "measures": lambda page, codes: page.catalogue.listed([_measure(page, code) for code in codes]),
    "stage": lambda page, code: lowered(page.catalogue.label("stages", code)),
}
