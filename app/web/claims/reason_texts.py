"""Translate the reasons and remarks of a reconciliation: by message id, with arguments."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.formats import lower_first_letter
from app.web.claims.text import format_bounds, format_of_day, format_since, format_term_name, format_until
from app.web.page import Page
from app.web.rendering import Catalogue


def _(text: str) -> str:
    """Mark a sentence for translation; it is translated when rendered."""
    return text


REASON_SENTENCES: Mapping[str, str] = {
    "requests_to_courts": _("It counts requests to the courts: nobody has left prison by being asked for."),
    "other_measure": _("It counts another thing (%(measure)s), and is no count of releases or of people held."),
    "misprint": _("It is a misprint: whoever it is credited to did not give this number."),
    "mixed_measures": _("By its own parts it adds different things: %(measure)s and %(measures)s."),
    "population_in_prose": _("Whom it counts is said in words (“%(population)s”) that no count can be asked with."),
    "part_of_others": _("It counts a part of those whom another figure counts, and does not say which part."),
    "held_day_unsaid": _("It does not say on which day they were held."),
    "end_unsaid": _("It says neither when it was stated nor until which day it counts."),
    "day_to_come": _("It is of a day that had not come when it was filed (%(day)s): nobody had counted."),
    "kind_of_held": _("It is of people held, and is limited by a kind of release."),
    "unknown_facility": _(
        "It is of a place that the registry does not know, or of a name that several have: nobody can be counted."
    ),
    "unknown_area": _("It is of an area in which the registry knows no place of detention: nobody can be counted."),
    "unknown_source": _("It is of a source that the registry does not know: nothing can be counted."),
    "too_many_sources": _("It asks for more sources than the registry has: nothing can be counted."),
    "two_source_lists": _("It names sources in two ways, which no count does."),
    "beyond_terms": _("It asks for more than a count can be asked."),
    "begins_later": _(
        "It was stated on %(stated_on)s and counts %(window_from)s, a day to come, without saying until when."
    ),
    "start_unsaid": _("It does not say since when it counts."),
    "start_unsaid_but_printed": _(
        "It does not say since when it counts. The same number is printed as counted %(windows_from)s."
    ),
    "no_report_of_releases": _("Nobody has reported to the registry %(covered)s."),
    "no_report_of_held": _("Nobody has reported to the registry %(covered)s."),
    "no_report_of_releases_then": _("When it was stated nobody had reported to the registry %(covered)s."),
    "no_report_of_held_then": _("When it was stated nobody had reported to the registry %(covered)s."),
    "no_report_of_first_days": _(
        "It begins before the registry's first report: nobody has reported to the registry %(covered)s."
    ),
    "population_beside_terms": _("Whom it counts is said in words too (“%(population)s”)."),
    "earlier_stage": _("It counts releases at another stage (%(stage)s), not those carried out."),
    "personal_terms": _(
        "Of what it asks about each person, the registry counts only people of whom that may be shown."
    ),
    "may_not_be_named": _(
        "It counts those it names. In the registry's count there are %(withheld)s who may not be named."
    ),
    "parts_and_sum": _("Its parts (“%(partition)s”) are %(parts)s = %(sum)s, and it says %(number)s."),
    "held_on_other_day": _(
        "It is %(held_on)s; that of %(other_claimant)s, %(other_held_on)s. A number of people held changes every day."
    ),
    "other_start": _("It counts %(window_from)s; %(other_claimant)s, %(other_window_from)s."),
    "other_end": _("It counts %(window_to)s; %(other_claimant)s, %(other_window_to)s."),
    "other_stage": _("It speaks of another stage (%(stage)s) than %(other_claimant)s (%(other_stage)s)."),
    "other_population": _("It counts another population than %(other_claimant)s."),
    "other_terms": _("It differs from %(other_claimant)s in what it is limited to: %(terms)s."),
    "one_is_net": _(
        "Of this figure and that of %(other_claimant)s one leaves out who was taken again, the other does not."
    ),
    "other_counts_named": _(
        "%(other_claimant)s counts those it names, and families may ask that somebody is not named."
    ),
    "printed_with_other_starts": _("The same number is printed as counted %(windows_from)s too."),
    "corrected_by_net": _("%(number)s and %(other_number)s differ by who was taken again."),
    "net_unsaid": _("It does not say whether it leaves out who was taken again. Here: %(gross)s gross, %(net)s net."),
    "several_that_day": _("Whoever stated it gave several figures that day: %(numbers)s."),
    "hour_unsaid": _("It gives a day and no hour, and that day %(claimants)s gave several figures."),
    "repeats": _("It repeats the figure of %(other_claimant)s."),
    "author_unnamed": _("Nobody is named as its author; it was printed by %(reported_by)s."),
    "house_arrest_unsaid": _(
        "It does not say whether house arrest is being held. Here that would be %(without_house_arrest)s without those "
        "whom a release left under it, %(with_house_arrest)s with them."
    ),
    "own_definitions": _("Each organisation lists political prisoners under a definition of its own."),
    "same_range": _("The same figure (%(number)s) is printed as that of %(other_claimant)s too."),
    "more_held_since": _("Of that day the registry knows %(more)s more today than then."),
    "fewer_held_since": _("Of that day the registry counts %(fewer)s fewer today than then."),
    "more_released_since": _("Of the same days the registry knows %(more)s more today than then."),
    "fall": _(
        "The same running total was larger before. To ask: was it corrected, or does it leave out people who were "
        "taken again?"
    ),
    "jump": _("It is more than %(times)s times the same running total before. To ask: does it count the same?"),
}
# The argument that is a reason's weight, or two whose difference is.
REASON_WEIGHTS: Mapping[str, tuple[str, ...]] = {
    "may_not_be_named": ("withheld",),
    "net_unsaid": ("gross", "net"),
    "house_arrest_unsaid": ("with_house_arrest", "without_house_arrest"),
    "more_held_since": ("more",),
    "fewer_held_since": ("fewer",),
    "more_released_since": ("more",),
}


@dataclass(frozen=True)
class ReasonText:
    """A formatted reason. `weight`: how many it explains, if that can be counted."""

    code: str
    title: str
    text: str
    weight: int | None = None


def format_reason(page: Page, reason: Mapping[str, Any]) -> ReasonText:
    """Format a reason in the page's language."""
    numbers = [reason["arguments"][name] for name in REASON_WEIGHTS.get(reason["message_id"], ())]
    weight = abs(numbers[0] - sum(numbers[1:])) if numbers else None
    return ReasonText(
        reason["code"], page.catalogue.label("reasons", reason["code"]), format_message(page, reason), weight
    )


def format_message(page: Page, message: Mapping[str, Any]) -> str:
    """Format the message of a reason or remark in the page's language."""
    words, arguments = page.catalogue, message["arguments"]
    values = {
        name: ARGUMENT_FORMATTERS.get(name.removeprefix("other_"), _format_unchanged)(page, arguments[name])
        for name in arguments
    }
    if "country" in arguments:
        values["covered"] = _describe_reported_days(words, arguments)
    return words.gettext(REASON_SENTENCES[message["message_id"]]) % values


def _format_unchanged(_page: Page, value: Any) -> str:
    return str(value)


def _format_start(page: Page, day: str | None) -> str:
    return format_since(page.catalogue, day) if day else page.catalogue.gettext("without saying since when")


def _format_end(page: Page, day: str | None) -> str:
    return format_until(page.catalogue, day) if day else page.catalogue.gettext("without saying until when")


def _format_held_day(page: Page, day: str | None) -> str:
    return format_of_day(page.catalogue, day) if day else page.catalogue.gettext("of a day that it does not say")


def _format_measure(page: Page, code: str) -> str:
    return lower_first_letter(page.catalogue.label("measures", code))


def _format_claimant_slug(page: Page, slug: str | None) -> str:
    return page.get_source_name(slug) if slug else page.catalogue.gettext("somebody not named")


def _describe_reported_days(words: Catalogue, arguments: Mapping[str, Any]) -> str:
    """Describe the period without any reports."""
    _ = words.gettext
    values = {"country": words.country(arguments["country"]) if arguments["country"] else _("any country")}
    if "held_on" in arguments:
        return ", ".join([_("anybody held in %(country)s") % values, format_of_day(words, arguments["held_on"])])
    days = [(format_since, arguments["window_from"]), (format_until, arguments["window_to"])]
    return ", ".join(
        [_("any release in %(country)s") % values, *(format_day(words, day) for format_day, day in days if day)]
    )


def _format_number(page: Page, number: int) -> str:
    return page.catalogue.number(number)


# Formatters by argument name. The prefix "other_" marks the same argument of another figure.
ARGUMENT_FORMATTERS: Mapping[str, Callable[[Page, Any], str]] = {
    **dict.fromkeys(("withheld", "gross", "net", "more", "fewer", "times"), _format_number),
    **dict.fromkeys(("without_house_arrest", "with_house_arrest"), _format_number),
    **dict.fromkeys(("number", "sum"), lambda page, number: format_bounds(page.catalogue, number)),
    "numbers": lambda page, numbers: page.catalogue.listed(
        [format_bounds(page.catalogue, bounds) for bounds in numbers]
    ),
    "parts": lambda page, numbers: " + ".join(format_bounds(page.catalogue, bounds) for bounds in numbers),
    **dict.fromkeys(("day", "stated_on"), lambda page, day: page.catalogue.long_day(day)),
    "held_on": _format_held_day,
    "window_from": _format_start,
    "window_to": _format_end,
    "windows_from": lambda page, days: page.catalogue.listed([format_since(page.catalogue, day) for day in days]),
    "claimant": _format_claimant_slug,
    "claimants": lambda page, slugs: page.catalogue.listed([page.get_source_name(slug) for slug in slugs]),
    "measure": _format_measure,
    "measures": lambda page, codes: page.catalogue.listed([_format_measure(page, code) for code in codes]),
    "terms": lambda page, names: page.catalogue.listed([format_term_name(page, name) for name in names]),
    "stage": lambda page, code: lower_first_letter(page.catalogue.label("stages", code)),
}
