"""The sentences of a reconciliation: each has an id that stays, and a template that its arguments fill (pure).

Whoever tells a reason in another language needs the id and the arguments; `detail` is the sentence in English.

Why two numbers differ: the reasons a reconciliation can name, each from what is known (pure).

None of them says who is right; each says what to ask first."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from textwrap import shorten
from typing import Any

from app.claims.figures import FURTHEST, Figure, as_bounds
from app.queries.terms import PERSONAL
from app.schemas.counts import Argument, Arithmetic, Message, ReasonOut
from app.schemas.reports import MOST_COUNTED, MOST_SOURCES
from app.vocabulary import Measure, Reason

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


# Measures the registry counts itself. The others are of papers, of other people or of other things.
COUNTED = frozenset({Measure.RELEASED, Measure.HELD})

BEYOND_TERMS = "beyond_terms"
LONGEST_PROSE = 200  # characters: two lines of a screen; the claim itself holds the rest
# Why a claim's terms cannot be counted, by the code with which a count refuses them.
REFUSED = {
    "unknown_facility": Named(Reason.POPULATION, "unknown_facility"),
    "unknown_source": Named(Reason.DEFINITION, "unknown_source"),
    "too_many_sources": Named(Reason.DEFINITION, "too_many_sources"),
    BEYOND_TERMS: Named(
        Reason.DEFINITION, "beyond_terms", {"most_sources": MOST_SOURCES, "most_counted": MOST_COUNTED}
    ),
}


@dataclass(frozen=True)
class ClaimContext:
    """A claim, and what is known that bears on how its number differs from others."""

    figure: Figure
    beside: Sequence[Figure] = ()
    own: Sequence[Figure] = ()
    parts: Sequence[Figure] = ()
    corrections: Sequence[Figure] = ()  # what it supersedes, and what supersedes it
    cited: Sequence[Figure] = ()  # what it derives from or repeats
    moving: Sequence[str] = ()  # whose figures of the same window changed on the day it was stated
    arithmetic: Sequence[Arithmetic] = ()
    net: int | None = None  # the registry's count on the claim's own terms, at its own hour
    gross: int | None = None
    # The held on the claim's day, as known now, without those released to house arrest and with them.
    without_house_arrest: int | None = None
    with_house_arrest: int | None = None
    definitions: Mapping[str, str] = field(default_factory=dict)  # source → whom it lists, for claims of the held
    withheld: int = 0
    refused: Collection[str] = ()  # the codes with which a count refused its terms
    whole: bool = False  # whether the reader sees everybody's personal dimensions
    learned: int | None = None  # how many more the registry counts now than then, where that is known
    # Whether the registry has any report that is or may be of the claim's country and days, now and at its hour.
    covered: bool = True
    covered_then: bool = True


def hindrances(context: ClaimContext) -> list[Named]:
    """Why a claim cannot be compared with a count at all; empty where it can be."""
    figure, measure = context.figure, Measure(context.figure.filed["measure"])
    named = []
    if measure == Measure.RELEASE_REQUESTED:
        named.append(Named(Reason.STAGE, "requests_to_courts"))
    elif measure not in COUNTED:
        named.append(Named(Reason.DEFINITION, "other_measure", {"measure": measure}))
    if figure.misprint:
        named.append(Named(Reason.SECONDARY_CITATION, "misprint"))
    mixed = sorted({str(part.filed["measure"]) for part in context.parts} - {str(measure)})
    if mixed:
        named.append(Named(Reason.DEFINITION, "mixed_measures", {"measures": mixed, "measure": measure}))
    if figure.definition.get("population") and not figure.of_whom:
        named.append(Named(Reason.POPULATION, "population_in_prose", {"population": _prose(figure)}))
    if figure.subset_of and not figure.of_whom:
        named.append(Named(Reason.POPULATION, "part_of_others"))
    if measure in COUNTED and figure.day is None and figure.window[1] is None:
        named.append(Named(Reason.UNDATED, "end_unsaid" if measure == Measure.RELEASED else "held_day_unsaid"))
    if figure.of_days_to_come:
        named.append(Named(Reason.WINDOW, "day_to_come", {"day": figure.window[1]}))
    if figure.of_held and "kind" in figure.terms:
        named.append(Named(Reason.DEFINITION, "kind_of_held"))
    named += [REFUSED[code] for code in dict.fromkeys(context.refused)]
    if figure.begins_later:
        arguments = {"stated_on": str(figure.day), "window_from": figure.window[0]}
        named.append(Named(Reason.WINDOW, "begins_later", arguments))
    if measure == Measure.RELEASED and figure.window[0] is None:
        windows = _other_windows(context)
        printed = Named(Reason.WINDOW, "start_unsaid_but_printed", {"windows_from": windows})
        named.append(printed if windows else Named(Reason.WINDOW, "start_unsaid"))
    if not context.covered:
        kind = "no_report_of_held" if figure.of_held else "no_report_of_releases"
        named.append(Named(Reason.NO_COVERAGE, kind, _where_and_when(figure)))
    return named


def _prose(figure: Figure) -> str:
    """The prose in which its definition says whom it counts, as far as a line has room for it."""
    return shorten(str(figure.definition["population"]), LONGEST_PROSE, placeholder="…")


def _where_and_when(figure: Figure) -> dict[str, Argument]:
    """The country and the days of a figure."""
    country, (start, end) = figure.filed.get("country"), figure.window
    if figure.of_held:
        return {"country": country, "held_on": end}
    return {"country": country, "window_from": start, "window_to": end}


def _other_windows(context: ClaimContext) -> list[str]:
    """Since when the same number is printed as counted elsewhere."""
    figure = context.figure
    starts = {
        str(other.filed["window_from"])
        for other in context.own
        if other.bounds == figure.bounds and other.day == figure.day and other.filed.get("window_from") is not None
    }
    return sorted(starts - {figure.filed.get("window_from")})


def reasons(context: ClaimContext) -> list[Named]:
    """Every reason that is known to bear on a claim, hindrances first; one detail for each."""
    figure = context.figure
    named = [*hindrances(context), *_printed_with_several_windows(context)]
    for other in context.beside:
        named += differences(figure, other)
    if figure.definition.get("population"):
        named.append(Named(Reason.POPULATION, "population_beside_terms", {"population": _prose(figure)}))
    if figure.stage != FURTHEST:
        named.append(Named(Reason.STAGE, "earlier_stage", {"stage": figure.stage}))
    if not context.covered_then:
        kind = "no_report_of_held_then" if figure.of_held else "no_report_of_releases_then"
        named.append(Named(Reason.NO_COVERAGE, kind, _where_and_when(figure)))
    for reasons_of in (_gross_or_net, _hours, _citations, _of_the_held, _learned):
        named += reasons_of(context)
    personal = sorted(figure.terms.keys() & {*PERSONAL})
    if personal and not context.whole:
        named.append(Named(Reason.CONSENT, "personal_terms", {"terms": personal}))
    if figure.filed.get("named") and context.withheld:
        named.append(Named(Reason.CONSENT, "may_not_be_named", {"withheld": context.withheld}))
    for check in context.arithmetic:
        if not check["agrees"]:
            parts = [as_bounds((part["low"], part["high"])) for part in check["parts"]]
            added: dict[str, Argument] = {"partition": check["partition"], "parts": parts, "sum": check["sum"]}
            named.append(Named(Reason.ARITHMETIC, "parts_and_sum", {**added, "number": as_bounds(figure.bounds)}))
    return _one_of_each(named)


def differences(figure: Figure, other: Figure) -> list[Named]:
    """Why another figure, published by then, is not the same number; one detail for each reason."""
    named = list(_windows(figure, other))
    theirs: dict[str, Argument] = {"other_claimant": other.claimant}
    if other.stage != figure.stage:
        stages = {"stage": figure.stage, "other_stage": other.stage}
        named.append(Named(Reason.STAGE, "other_stage", {**theirs, **stages}))
    nets = {figure.definition.get("net"), other.definition.get("net")} - {None}
    if len(nets) == 2:
        named.append(Named(Reason.GROSS_NET, "one_is_net", theirs))
    if other.filed.get("named") and not figure.filed.get("named"):
        named.append(Named(Reason.CONSENT, "other_counts_named", theirs))
    return named


def _windows(figure: Figure, other: Figure) -> Iterable[Named]:
    """How the days of two figures differ. Two figures that run until they are stated are one number that grows: the
    later one counts more days because of its hour, and that is no other window."""
    (start, end), (other_start, other_end) = figure.days, other.days
    (since, until), (other_since, other_until), claimant = figure.window, other.window, other.claimant
    if figure.of_held and end != other_end:
        held = {"held_on": until, "other_claimant": claimant, "other_held_on": other_until}
        yield Named(Reason.WINDOW, "held_on_other_day", held)
    elif start != other_start:
        starts = {"window_from": since, "other_claimant": claimant, "other_window_from": other_since}
        yield Named(Reason.WINDOW, "other_start", starts)
    elif end != other_end and (figure.filed.get("window_to") or other.filed.get("window_to")):
        ends = {"window_to": until, "other_claimant": claimant, "other_window_to": other_until}
        yield Named(Reason.WINDOW, "other_end", ends)


def _size(bounds: tuple[int | None, int | None]) -> tuple[int, int]:
    low, high = bounds
    return -1 if low is None else low, -1 if high is None else high


def _printed_with_several_windows(context: ClaimContext) -> Iterable[Named]:
    windows = _other_windows(context)
    if windows and context.figure.window[0] is not None:
        yield Named(Reason.WINDOW, "printed_with_other_starts", {"windows_from": windows})


def _gross_or_net(context: ClaimContext) -> Iterable[Named]:
    net = context.figure.definition.get("net")
    for other in context.corrections:
        theirs = other.definition.get("net")
        if None not in (net, theirs) and net != theirs:
            numbers = {"number": as_bounds(context.figure.bounds), "other_number": as_bounds(other.bounds)}
            yield Named(Reason.GROSS_NET, "corrected_by_net", numbers)
    if net is None and context.net is not None and context.gross is not None and context.gross != context.net:
        yield Named(Reason.GROSS_NET, "net_unsaid", {"gross": context.gross, "net": context.net})


def _hours(context: ClaimContext) -> Iterable[Named]:
    """Figures that grew within the day of the claim."""
    figure = context.figure
    if figure.day is None or figure.misprint:
        return
    parts = {part.id for part in context.parts} | set(figure.refers_to("part_of"))
    same_day = [other for other in context.own if other.day == figure.day and other.run == figure.run]
    whole = [other for other in same_day if other.id not in parts and figure.id not in other.refers_to("part_of")]
    given = {each.bounds for each in [*whole, figure] if each.filed.get("series") != "batch"}
    numbers = sorted(given - {(None, None)}, key=_size)
    if len(numbers) > 1:
        yield Named(Reason.HOUR, "several_that_day", {"numbers": [as_bounds(number) for number in numbers]})
    elif context.moving and figure.hourless:
        yield Named(Reason.HOUR, "hour_unsaid", {"claimants": list(context.moving)})


def _citations(context: ClaimContext) -> Iterable[Named]:
    figure = context.figure
    for other in context.cited:
        if other.claimant != figure.claimant and other.bounds == figure.bounds:
            yield Named(Reason.SECONDARY_CITATION, "repeats", {"other_claimant": other.claimant})
    if figure.claimant is None:
        yield Named(Reason.SECONDARY_CITATION, "author_unnamed", {"reported_by": figure.filed["reported_by"]})


def _of_the_held(context: ClaimContext) -> Iterable[Named]:
    """What makes two numbers of people held differ, besides their days."""
    figure = context.figure
    if not figure.of_held:
        return
    without, included = context.without_house_arrest, context.with_house_arrest
    if without != included:
        numbers = {"without_house_arrest": without, "with_house_arrest": included}
        yield Named(Reason.DEFINITION, "house_arrest_unsaid", numbers)
    lists = {context.definitions.get(str(each.claimant)) for each in [figure, *context.beside]} - {None}
    if len(lists) > 1:
        yield Named(Reason.POPULATION, "own_definitions")
    for other in context.beside:
        # Two bodies do not arrive at one and the same range by counting.
        if None not in figure.bounds and figure.bounds[0] != figure.bounds[1] and other.bounds == figure.bounds:
            same: dict[str, Argument] = {"number": as_bounds(figure.bounds), "other_claimant": other.claimant}
            yield Named(Reason.SECONDARY_CITATION, "same_range", same)


def _learned(context: ClaimContext) -> Iterable[Named]:
    """What the registry came to know of the same window, or of the same day, since."""
    more = context.learned or 0
    if more > 0:
        kind = "more_held_since" if context.figure.of_held else "more_released_since"
        yield Named(Reason.REPORTING_DELAY, kind, {"more": more})
    elif more and context.figure.of_held:
        yield Named(Reason.REPORTING_DELAY, "fewer_held_since", {"fewer": -more})


def _one_of_each(named: Sequence[Named]) -> list[Named]:
    """The first under each code, in the order in which the reasons were named."""
    first: dict[Reason, Named] = {}
    for reason in named:
        first.setdefault(reason.code, reason)
    return list(first.values())
