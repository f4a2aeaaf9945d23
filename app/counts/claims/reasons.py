"""Why two numbers differ: the reasons a reconciliation can name, each from what is known (pure).

None of them says who is right; each says what to ask first.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import shorten

from app.counts.claims.figures import FURTHEST, Figure, as_bounds
from app.counts.claims.messages import Named
from app.reading.dimensions import PERSONAL
from app.schemas.counts import Argument, Arithmetic
from app.schemas.reports import MOST_COUNTED, MOST_SOURCES
from app.vocabulary import Measure, Reason

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
