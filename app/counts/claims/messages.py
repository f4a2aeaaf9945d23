"""The sentences of a reconciliation: each has an id that stays, and a template that its arguments fill (pure).

Whoever tells a reason in another language needs the id and the arguments; `detail` is the sentence in English.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import Any

from app.schemas.counts import Argument, Message, ReasonOut
from app.vocabulary import Reason

# After a colon: how an argument is told (`_TOLD`), where that is not as it stands.
MESSAGES = {
    "requests_to_courts": "It counts requests to the courts: nobody has left custody by being asked for.",
    "other_measure": "It counts `{measure}`, and is no count of releases or of the held.",
    "misprint": "It is a misprint: its claimant did not give this number.",
    "mixed_measures": "By its own parts it adds `{measures:codes}` to `{measure}`: two different things.",
    "population_in_prose": "Its population is given in prose ({population}), and no terms of a count say who is meant.",
    "part_of_others": "It is of a part of those whom another figure counts, and no terms of a count say which part.",
    "held_day_unsaid": "It does not say on which day they were held.",
    "end_unsaid": "It says neither when it was stated nor until which day it counts.",
    "day_to_come": "It is of {day}, and was filed before that day had come: nobody had counted.",
    "kind_of_held": "It is of the held, and its term `kind` is of releases.",
    "unknown_facility": "Its terms name a facility that the registry does not know, or a name that several have, so "
    "that nobody can be counted.",
    "unknown_source": "Its terms name a source that the registry does not know, so that nothing can be counted.",
    "too_many_sources": "Its terms ask for more sources than the registry has, so that nothing can be counted.",
    "beyond_terms": "Its terms are beyond what a count can be asked: more than {most_sources} sources in a list, or "
    "more than {most_counted} that must agree.",
    "begins_later": "It was stated on {stated_on} and counts since {window_from}, without saying until when.",
    "start_unsaid": "It does not say since when it counts.",
    "start_unsaid_but_printed": "It does not say since when it counts. The same number is printed as counted since "
    "{windows_from}.",
    "no_report_of_releases": "The registry has no report of releases in {country:country}{window_from:from}"
    "{window_to:to}.",
    "no_report_of_held": "The registry has no report of people held in {country:country} on {held_on}.",
    "no_report_of_releases_then": "When it was stated the registry had no report of releases in {country:country}"
    "{window_from:from}{window_to:to}.",
    "no_report_of_held_then": "When it was stated the registry had no report of people held in {country:country} on "
    "{held_on}.",
    "population_beside_terms": "Its population is described in prose ({population}) beside its terms.",
    "earlier_stage": "It counts releases that were `{stage}`, not those carried out.",
    "personal_terms": "Of its terms `{terms:codes}` the registry counts only people of whom that may be shown.",
    "may_not_be_named": "It counts those it names; {withheld} in the registry's count may not be named.",
    "parts_and_sum": "Its parts by `{partition}` are {parts:added} = {sum}, and it says {number}.",
    "held_on_other_day": "It is of {held_on:held}, that of {other_claimant} of {other_held_on:held}: a number of "
    "people held changes every day.",
    "other_start": "It counts {window_from:since}; {other_claimant} {other_window_from:since}.",
    "other_end": "It counts {window_to:until}; {other_claimant} {other_window_to:until}.",
    "other_stage": "It is about `{stage}`; {other_claimant} about `{other_stage}`.",
    "one_is_net": "One of it and {other_claimant} leaves out who was taken again.",
    "other_counts_named": "{other_claimant} counts those it names, which families may refuse.",
    "printed_with_other_starts": "The same number is printed as counted since {windows_from} too.",
    "corrected_by_net": "{number} and {other_number} differ by who was taken again.",
    "net_unsaid": "It does not say whether it leaves out who was taken again: {gross} gross, {net} net here.",
    "several_that_day": "The claimant gave {numbers} on that one day.",
    "hour_unsaid": "It gives a day and no hour; {claimants} gave several that day.",
    "repeats": "It repeats the figure of {other_claimant:claimant}.",
    "author_unnamed": "Nobody is named as its author; {reported_by} printed it.",
    "house_arrest_unsaid": "It does not say whether house arrest is being held: {without_house_arrest} here without "
    "those whom a release left under it, {with_house_arrest} with them.",
    "own_definitions": "Each body lists political prisoners under a definition of its own: see /v1/sources.",
    "same_range": "The same {number} is printed as the figure of {other_claimant} too.",
    "more_held_since": "Of that day the registry counts {more} more since.",
    "fewer_held_since": "Of that day the registry counts {fewer} fewer since.",
    "more_released_since": "The registry has learned of {more} more in the same window since.",
    "fall": "The same running total was larger before: ask whether it was corrected, or leaves out people who were "
    "taken again.",
    "jump": "It is more than {times} times the same running total before: ask whether it counts the same.",
}


@dataclass(frozen=True)
class Named:
    """A reason for which two numbers differ."""

    code: Reason
    message_id: str
    arguments: Mapping[str, Argument] = field(default_factory=dict)

    def shown(self) -> ReasonOut:
        return {"code": self.code, **message(self.message_id, self.arguments)}


def message(message_id: str, arguments: Mapping[str, Argument]) -> Message:
    """A sentence as the API gives it. KeyError for an id, or without an argument, that there is none of."""
    detail = _English().vformat(MESSAGES[message_id], (), arguments)
    return {"detail": detail, "message_id": message_id, "arguments": dict(arguments)}


class _English(Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        return _TOLD[format_spec](value)


def _plain(value: Argument) -> str:
    if isinstance(value, list):
        return ", ".join(_plain(each) for each in value)
    if not isinstance(value, dict):
        return str(value)
    low, high = value["low"], value["high"]
    if low == high:
        return str(low)
    return f"{low} or more" if high is None else f"up to {high}" if low is None else f"{low} to {high}"


def _edge(word: str) -> Callable[[str | None], str]:
    return lambda day: f"{word} {day}" if day else f"without saying {word} when"


_TOLD: Mapping[str, Callable[[Any], str]] = {
    "": _plain,
    "codes": "`, `".join,
    "added": lambda numbers: " + ".join(map(_plain, numbers)),
    "country": lambda country: country or "any country",
    "claimant": lambda slug: slug or "somebody not named",
    "held": lambda day: day or "no day",
    "from": lambda day: f" from {day}" if day else "",
    "to": lambda day: f" to {day}" if day else "",
    "since": _edge("since"),
    "until": _edge("until"),
}
