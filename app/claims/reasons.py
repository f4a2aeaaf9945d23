"""The reasons why two numbers differ, and the sentences that express them.

A reason has a stable id and a template that its arguments fill. `detail` is the English sentence; a client in another
language needs the id and the arguments. No reason decides who is right; each points to the first question to ask."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from string import Formatter
from textwrap import shorten
from typing import Any

from app import dates
from app.claims.figures import FURTHEST_STAGE, Figure, build_bounds
from app.claims.shapes import Message, MessageArgument, ReasonOut
from app.queries.dimensions import PERSONAL_DIMENSIONS
from app.schemas.directory import Arithmetic
from app.schemas.reports import MAX_COUNTED_SOURCES, MAX_SOURCES
from app.vocabulary import Measure, Reason

# A format specification after a colon selects an entry of `_ARGUMENT_FORMATTERS`.
MESSAGE_TEMPLATES = {
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
    "unknown_area": "Its terms name an area in which the registry knows no facility, so that nobody can be counted.",
    "unknown_source": "Its terms name a source that the registry does not know, so that nothing can be counted.",
    "too_many_sources": "Its terms ask for more sources than the registry has, so that nothing can be counted.",
    "two_source_lists": "Its terms name sources under `any_of` and under `all_of`; a count names them once.",
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
    "no_report_of_first_days": "It begins before the registry's first report: there is none of releases in "
    "{country:country}{window_from:from}{window_to:to}.",
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
    "other_population": "It counts another population than {other_claimant}.",
    "other_terms": "It differs from {other_claimant} in its terms: `{terms:codes}`.",
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
class NamedReason:
    """A reason why two numbers differ."""

    code: Reason
    message_id: str
    arguments: Mapping[str, MessageArgument] = field(default_factory=dict)

    def build_reason_out(self) -> ReasonOut:
        return {"code": self.code, **build_message(self.message_id, self.arguments)}


def build_message(message_id: str, arguments: Mapping[str, MessageArgument]) -> Message:
    """Build a sentence for a response. Raise KeyError for an unknown id or a missing argument."""
    detail = _EnglishFormatter().vformat(MESSAGE_TEMPLATES[message_id], (), arguments)
    return {"detail": detail, "message_id": message_id, "arguments": dict(arguments)}


class _EnglishFormatter(Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        return _ARGUMENT_FORMATTERS[format_spec](value)


def _format_plain(value: MessageArgument) -> str:
    if isinstance(value, list):
        return ", ".join(_format_plain(item) for item in value)
    if not isinstance(value, dict):
        return str(value)
    low, high = value["low"], value["high"]
    if low == high:
        return str(low)
    return f"{low} or more" if high is None else f"up to {high}" if low is None else f"{low} to {high}"


def _build_edge_formatter(word: str) -> Callable[[str | None], str]:
    return lambda day: f"{word} {day}" if day else f"without saying {word} when"


_ARGUMENT_FORMATTERS: Mapping[str, Callable[[Any], str]] = {
    "": _format_plain,
    "codes": "`, `".join,
    "added": lambda numbers: " + ".join(map(_format_plain, numbers)),
    "country": lambda country: country or "any country",
    "claimant": lambda slug: slug or "somebody not named",
    "held": lambda day: day or "no day",
    "from": lambda day: f" from {day}" if day else "",
    "to": lambda day: f" to {day}" if day else "",
    "since": _build_edge_formatter("since"),
    "until": _build_edge_formatter("until"),
}


# Measures that the registry counts itself; the others count documents or other people.
COUNTED_MEASURES = frozenset({Measure.RELEASED, Measure.HELD})

BEYOND_TERMS = "beyond_terms"
TWO_SOURCE_LISTS = "two_source_lists"
MAX_PROSE_LENGTH = 200  # characters: two lines of a screen; the claim has the full text
# Why a claim's terms cannot be counted, by the error code of the count.
REASON_BY_REFUSAL = {
    "unknown_facility": NamedReason(Reason.POPULATION, "unknown_facility"),
    "unknown_area": NamedReason(Reason.POPULATION, "unknown_area"),
    "unknown_source": NamedReason(Reason.DEFINITION, "unknown_source"),
    "too_many_sources": NamedReason(Reason.DEFINITION, "too_many_sources"),
    BEYOND_TERMS: NamedReason(
        Reason.DEFINITION, "beyond_terms", {"most_sources": MAX_SOURCES, "most_counted": MAX_COUNTED_SOURCES}
    ),
    TWO_SOURCE_LISTS: NamedReason(Reason.DEFINITION, "two_source_lists"),
}


@dataclass(frozen=True)
class ClaimContext:
    """A claim and the facts that may explain why its number differs from others."""

    figure: Figure
    peer_figures: Sequence[Figure] = ()
    own_figures: Sequence[Figure] = ()
    parts: Sequence[Figure] = ()
    corrections: Sequence[Figure] = ()  # figures that it supersedes or that supersede it
    cited_figures: Sequence[Figure] = ()  # figures that it derives from or repeats
    # claimants who changed their figure of this window on the day it was stated
    inconsistent_claimants: Sequence[str] = ()
    arithmetic: Sequence[Arithmetic] = ()
    net: int | None = None  # the registry's count on the claim's terms when it was stated
    gross: int | None = None
    # People held on the claim's day as known now, without and with those released to house arrest.
    without_house_arrest: int | None = None
    with_house_arrest: int | None = None
    # source → its definition of who is listed, for claims of people held
    definitions: Mapping[str, str] = field(default_factory=dict)
    withheld: int = 0
    refusal_codes: Collection[str] = ()  # error codes with which a count refused its terms
    sees_everybody: bool = False  # whether the reader sees every personal dimension
    learned_count: int | None = None  # how many more the registry counts now than then, if known
    # Whether the registry has any report that may concern the claim's country and days, now and when it was stated.
    has_reports: bool = True
    had_reports: bool = True
    reports_begin: date | None = None  # the day of the first release in its country that the registry knows of


def find_obstacles(context: ClaimContext) -> list[NamedReason]:
    """Return why a claim cannot be compared with a count at all; empty if it can."""
    figure, measure = context.figure, Measure(context.figure.fields["measure"])
    obstacles = []
    if measure == Measure.RELEASE_REQUESTED:
        obstacles.append(NamedReason(Reason.STAGE, "requests_to_courts"))
    elif measure not in COUNTED_MEASURES:
        obstacles.append(NamedReason(Reason.DEFINITION, "other_measure", {"measure": measure}))
    if figure.is_misprint:
        obstacles.append(NamedReason(Reason.SECONDARY_CITATION, "misprint"))
    other_measures = sorted({str(part.fields["measure"]) for part in context.parts} - {str(measure)})
    if other_measures:
        obstacles.append(
            NamedReason(Reason.DEFINITION, "mixed_measures", {"measures": other_measures, "measure": measure})
        )
    if figure.definition.get("population") and not figure.population_terms:
        obstacles.append(
            NamedReason(Reason.POPULATION, "population_in_prose", {"population": _shorten_population(figure)})
        )
    if figure.definition.get("subset_of") and not figure.population_terms:
        obstacles.append(NamedReason(Reason.POPULATION, "part_of_others"))
    if measure in COUNTED_MEASURES and figure.day is None and figure.window[1] is None:
        obstacles.append(
            NamedReason(Reason.UNDATED, "end_unsaid" if measure == Measure.RELEASED else "held_day_unsaid")
        )
    if figure.is_of_future_day:
        obstacles.append(NamedReason(Reason.WINDOW, "day_to_come", {"day": figure.window[1]}))
    if figure.is_held_count and "release_kind" in figure.terms:
        obstacles.append(NamedReason(Reason.DEFINITION, "kind_of_held"))
    obstacles += [REASON_BY_REFUSAL[code] for code in dict.fromkeys(context.refusal_codes)]
    if figure.has_future_start:
        stated_on = figure.fields["stated_at"][: dates.DAY_LENGTH]
        arguments = {"stated_on": stated_on, "window_from": figure.window[0]}
        obstacles.append(NamedReason(Reason.WINDOW, "begins_later", arguments))
    if measure == Measure.RELEASED and figure.window[0] is None:
        windows = _find_other_starts(context)
        reason = NamedReason(Reason.WINDOW, "start_unsaid_but_printed", {"windows_from": windows})
        obstacles.append(reason if windows else NamedReason(Reason.WINDOW, "start_unsaid"))
    if not context.has_reports:
        kind = "no_report_of_held" if figure.is_held_count else "no_report_of_releases"
        obstacles.append(NamedReason(Reason.NO_REPORTS, kind, _build_scope_arguments(figure)))
    return obstacles


def _shorten_population(figure: Figure) -> str:
    """Return the prose definition of the population, shortened to fit a line."""
    return shorten(str(figure.definition["population"]), MAX_PROSE_LENGTH, placeholder="…")


def _build_scope_arguments(figure: Figure) -> dict[str, MessageArgument]:
    """Return the country and the days of a figure."""
    country, (start, end) = figure.fields.get("country"), figure.window
    if figure.is_held_count:
        return {"country": country, "held_on": end}
    return {"country": country, "window_from": start, "window_to": end}


def _find_other_starts(context: ClaimContext) -> list[str]:
    """Return the other window starts under which the same number was printed."""
    figure = context.figure
    starts = {
        str(other.fields["window_from"])
        for other in context.own_figures
        if other.bounds == figure.bounds and other.day == figure.day and other.fields.get("window_from") is not None
    }
    return sorted(starts - {figure.fields.get("window_from")})


def find_reasons(context: ClaimContext) -> list[NamedReason]:
    """Return every reason that applies to a claim, obstacles first; one per code."""
    figure = context.figure
    named_reasons = [*find_obstacles(context), *_find_printed_starts(context)]
    for other in context.peer_figures:
        named_reasons += find_differences(figure, other)
    if figure.definition.get("population"):
        named_reasons.append(
            NamedReason(Reason.POPULATION, "population_beside_terms", {"population": _shorten_population(figure)})
        )
    if figure.stage != FURTHEST_STAGE:
        named_reasons.append(NamedReason(Reason.STAGE, "earlier_stage", {"stage": figure.stage}))
    if not context.had_reports:
        kind = "no_report_of_held_then" if figure.is_held_count else "no_report_of_releases_then"
        named_reasons.append(NamedReason(Reason.NO_REPORTS, kind, _build_scope_arguments(figure)))
    for finder in (
        _find_net_reasons,
        _find_hour_reasons,
        _find_citation_reasons,
        _find_held_reasons,
        _find_first_report_reasons,
        _find_delay_reasons,
    ):
        named_reasons += finder(context)
    personal = sorted(figure.terms.keys() & {*PERSONAL_DIMENSIONS})
    if personal and not context.sees_everybody:
        named_reasons.append(NamedReason(Reason.CONSENT, "personal_terms", {"terms": personal}))
    if figure.fields.get("named") and context.withheld:
        named_reasons.append(NamedReason(Reason.CONSENT, "may_not_be_named", {"withheld": context.withheld}))
    for check in context.arithmetic:
        if not check["agrees"]:
            parts = [build_bounds((part["low"], part["high"])) for part in check["parts"]]
            arguments: dict[str, MessageArgument] = {
                "partition": check["partition"],
                "parts": parts,
                "sum": check["sum"],
            }
            named_reasons.append(
                NamedReason(Reason.ARITHMETIC, "parts_and_sum", {**arguments, "number": build_bounds(figure.bounds)})
            )
    return _take_first_by_code(named_reasons)


def find_differences(figure: Figure, other: Figure) -> list[NamedReason]:
    """Return why another figure, published by then, differs from this one."""
    named_reasons = list(_compare_windows(figure, other))
    arguments: dict[str, MessageArgument] = {"other_claimant": other.claimant}
    if other.population != figure.population:
        named_reasons.append(NamedReason(Reason.POPULATION, "other_population", arguments))
    terms = figure.find_differing_terms(other)
    if "stage" in terms:
        stages = {"stage": figure.stage, "other_stage": other.stage}
        named_reasons.append(NamedReason(Reason.STAGE, "other_stage", {**arguments, **stages}))
    if "net" in terms:
        named_reasons.append(NamedReason(Reason.GROSS_NET, "one_is_net", arguments))
    other_terms = [name for name in terms if name not in ("stage", "net")]
    if other_terms:
        named_reasons.append(NamedReason(Reason.DEFINITION, "other_terms", {**arguments, "terms": other_terms}))
    if other.fields.get("named") and not figure.fields.get("named"):
        named_reasons.append(NamedReason(Reason.CONSENT, "other_counts_named", arguments))
    return named_reasons


def _compare_windows(figure: Figure, other: Figure) -> Iterable[NamedReason]:
    """Yield how the windows of two figures differ.

    Two figures that run until they are stated are one growing number, so their ends are not compared."""
    (start, end), (other_start, other_end) = figure.days, other.days
    (since, until), (other_since, other_until), claimant = figure.window, other.window, other.claimant
    if figure.is_held_count and end != other_end:
        days = {"held_on": until, "other_claimant": claimant, "other_held_on": other_until}
        yield NamedReason(Reason.WINDOW, "held_on_other_day", days)
    elif start != other_start:
        starts = {"window_from": since, "other_claimant": claimant, "other_window_from": other_since}
        yield NamedReason(Reason.WINDOW, "other_start", starts)
    elif end != other_end and (figure.fixed_end, other.fixed_end) != (None, None):
        ends = {"window_to": until, "other_claimant": claimant, "other_window_to": other_until}
        yield NamedReason(Reason.WINDOW, "other_end", ends)


def _bounds_order(bounds: tuple[int | None, int | None]) -> tuple[int, int]:
    low, high = bounds
    return -1 if low is None else low, -1 if high is None else high


def _find_printed_starts(context: ClaimContext) -> Iterable[NamedReason]:
    windows = _find_other_starts(context)
    if windows and context.figure.window[0] is not None:
        yield NamedReason(Reason.WINDOW, "printed_with_other_starts", {"windows_from": windows})


def _find_net_reasons(context: ClaimContext) -> Iterable[NamedReason]:
    net = context.figure.definition.get("net")
    for other in context.corrections:
        other_net = other.definition.get("net")
        if None not in (net, other_net) and net != other_net:
            numbers = {"number": build_bounds(context.figure.bounds), "other_number": build_bounds(other.bounds)}
            yield NamedReason(Reason.GROSS_NET, "corrected_by_net", numbers)
    if net is None and context.net is not None and context.gross is not None and context.gross != context.net:
        yield NamedReason(Reason.GROSS_NET, "net_unsaid", {"gross": context.gross, "net": context.net})


def _find_hour_reasons(context: ClaimContext) -> Iterable[NamedReason]:
    """Yield reasons for figures that changed within the day of the claim."""
    figure = context.figure
    if figure.stated_on is None or figure.is_misprint:
        return
    key = figure.stated_on, figure.run_key
    same_day = [other for other in context.own_figures if (other.stated_on, other.run_key) == key]
    distinct_bounds = {item.bounds for item in [figure, *same_day] if item.is_whole} if figure.is_whole else set()
    numbers = sorted(distinct_bounds, key=_bounds_order)
    if len(numbers) > 1:
        yield NamedReason(Reason.HOUR, "several_that_day", {"numbers": [build_bounds(number) for number in numbers]})
    elif context.inconsistent_claimants and dates.has_no_hour(figure.fields["stated_at"]):
        yield NamedReason(Reason.HOUR, "hour_unsaid", {"claimants": list(context.inconsistent_claimants)})


def _find_citation_reasons(context: ClaimContext) -> Iterable[NamedReason]:
    figure = context.figure
    for other in context.cited_figures:
        if other.claimant != figure.claimant and other.bounds == figure.bounds:
            yield NamedReason(Reason.SECONDARY_CITATION, "repeats", {"other_claimant": other.claimant})
    if figure.claimant is None:
        yield NamedReason(Reason.SECONDARY_CITATION, "author_unnamed", {"reported_by": figure.fields["reported_by"]})


def _find_held_reasons(context: ClaimContext) -> Iterable[NamedReason]:
    """Yield reasons why two numbers of people held differ, other than their days."""
    figure = context.figure
    if not figure.is_held_count:
        return
    without_house_arrest, with_house_arrest = context.without_house_arrest, context.with_house_arrest
    if without_house_arrest != with_house_arrest:
        numbers = {"without_house_arrest": without_house_arrest, "with_house_arrest": with_house_arrest}
        yield NamedReason(Reason.DEFINITION, "house_arrest_unsaid", numbers)
    lists = {context.definitions.get(str(item.claimant)) for item in [figure, *context.peer_figures]} - {None}
    if len(lists) > 1:
        yield NamedReason(Reason.POPULATION, "own_definitions")
    for other in context.peer_figures:
        # Two organisations do not arrive at the same range by counting.
        if None not in figure.bounds and figure.bounds[0] != figure.bounds[1] and other.bounds == figure.bounds:
            arguments: dict[str, MessageArgument] = {
                "number": build_bounds(figure.bounds),
                "other_claimant": other.claimant,
            }
            yield NamedReason(Reason.SECONDARY_CITATION, "same_range", arguments)


def _find_first_report_reasons(context: ClaimContext) -> Iterable[NamedReason]:
    """Yield the days of a claim before the first report of its country. A coarse start begins in no certain day."""
    start, first_day = context.figure.fields.get("window_from"), context.reports_begin
    if start is None or first_day is None or not context.has_reports:
        return
    if dates.parse_window_end(start) < first_day.toordinal():
        days = {"window_from": start, "window_to": (first_day - timedelta(days=1)).isoformat()}
        arguments = {"country": context.figure.fields.get("country"), **days}
        yield NamedReason(Reason.BEFORE_FIRST_REPORT, "no_report_of_first_days", arguments)


def _find_delay_reasons(context: ClaimContext) -> Iterable[NamedReason]:
    """Yield what the registry has learned since about the same window or day."""
    increase = context.learned_count or 0
    if increase > 0:
        kind = "more_held_since" if context.figure.is_held_count else "more_released_since"
        yield NamedReason(Reason.REPORTING_DELAY, kind, {"more": increase})
    elif increase and context.figure.is_held_count:
        yield NamedReason(Reason.REPORTING_DELAY, "fewer_held_since", {"fewer": -increase})


def _take_first_by_code(named_reasons: Sequence[NamedReason]) -> list[NamedReason]:
    """Return the first reason of each code, in order."""
    first: dict[Reason, NamedReason] = {}
    for reason in named_reasons:
        first.setdefault(reason.code, reason)
    return list(first.values())
