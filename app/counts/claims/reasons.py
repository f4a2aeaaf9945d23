"""Why two numbers differ: the reasons a reconciliation can name, each from what is known (pure).

None of them says who is right; each says what to ask first.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import shorten

from app.counts.claims.figures import FURTHEST, Figure
from app.reading.dimensions import PERSONAL
from app.registry.schemas import MOST_COUNTED, MOST_SOURCES
from app.vocabulary import Measure, Reason
from app.wire.counts import Arithmetic, ReasonOut

# Measures the registry counts itself. The others are of papers, of other people or of other things.
COUNTED = frozenset({Measure.RELEASED, Measure.HELD})


@dataclass(frozen=True)
class Named:
    code: Reason
    detail: str

    def shown(self) -> ReasonOut:
        return {"code": self.code, "detail": self.detail}


BEYOND_TERMS = "beyond_terms"
LONGEST_PROSE = 200  # characters: two lines of a screen; the claim itself holds the rest
# Why a claim's terms cannot be counted, by the code with which a count refuses them.
REFUSED = {
    "unknown_facility": Named(
        Reason.POPULATION,
        "Its terms name a facility that the registry does not know, or a name that several have, so that nobody can be "
        "counted.",
    ),
    "unknown_source": Named(
        Reason.DEFINITION, "Its terms name a source that the registry does not know, so that nothing can be counted."
    ),
    "too_many_sources": Named(
        Reason.DEFINITION, "Its terms ask for more sources than the registry has, so that nothing can be counted."
    ),
    BEYOND_TERMS: Named(
        Reason.DEFINITION,
        f"Its terms are beyond what a count can be asked: more than {MOST_SOURCES} sources in a list, or more than "
        f"{MOST_COUNTED} that must agree.",
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
        named.append(
            Named(Reason.STAGE, "It counts requests to the courts: nobody has left custody by being asked for.")
        )
    elif measure not in COUNTED:
        named.append(Named(Reason.DEFINITION, f"It counts `{measure}`, and is no count of releases or of the held."))
    if figure.misprint:
        named.append(Named(Reason.SECONDARY_CITATION, "It is a misprint: its claimant did not give this number."))
    mixed = sorted({str(part.filed["measure"]) for part in context.parts} - {str(measure)})
    if mixed:
        detail = f"By its own parts it adds `{'`, `'.join(mixed)}` to `{measure}`: two different things."
        named.append(Named(Reason.DEFINITION, detail))
    if figure.definition.get("population") and not figure.of_whom:
        detail = f"Its population is given in prose{_prose(figure)}, and no terms of a count say who is meant."
        named.append(Named(Reason.POPULATION, detail))
    if figure.subset_of and not figure.of_whom:
        detail = "It is of a part of those whom another figure counts, and no terms of a count say which part."
        named.append(Named(Reason.POPULATION, detail))
    if measure in COUNTED and figure.day is None and figure.window[1] is None:
        detail = "It does not say on which day they were held."
        if measure == Measure.RELEASED:
            detail = "It says neither when it was stated nor until which day it counts."
        named.append(Named(Reason.UNDATED, detail))
    if figure.of_days_to_come:
        detail = f"It is of {figure.window[1]}, and was filed before that day had come: nobody had counted."
        named.append(Named(Reason.WINDOW, detail))
    if figure.of_held and "kind" in figure.terms:
        named.append(Named(Reason.DEFINITION, "It is of the held, and its term `kind` is of releases."))
    named += [REFUSED[code] for code in dict.fromkeys(context.refused)]
    if figure.begins_later:
        detail = f"It was stated on {figure.day} and counts since {figure.window[0]}, without saying until when."
        named.append(Named(Reason.WINDOW, detail))
    if measure == Measure.RELEASED and figure.window[0] is None:
        detail = "It does not say since when it counts."
        windows = sorted({str(other.filed["window_from"]) for other in context.own if _same_number(figure, other)})
        if windows:
            detail += f" The same number is printed as counted since {', '.join(windows)}."
        named.append(Named(Reason.WINDOW, detail))
    if not context.covered:
        named.append(Named(Reason.NO_COVERAGE, f"The registry has no report of {_where_and_when(figure)}."))
    return named


def _prose(figure: Figure) -> str:
    """The prose in which its definition says whom it counts, as far as a line has room for it."""
    return f" ({shorten(str(figure.definition['population']), LONGEST_PROSE, placeholder='…')})"


def _where_and_when(figure: Figure) -> str:
    """The country and the days of a figure, in words."""
    country = figure.filed.get("country") or "any country"
    start, end = figure.window
    if figure.of_held:
        return f"people held in {country} on {end}"
    return f"releases in {country}" + (f" from {start}" if start else "") + (f" to {end}" if end else "")


def _same_number(figure: Figure, other: Figure) -> bool:
    return other.bounds == figure.bounds and other.day == figure.day and other.filed.get("window_from") is not None


def reasons(context: ClaimContext) -> list[Named]:
    """Every reason that is known to bear on a claim, hindrances first; one detail for each."""
    figure = context.figure
    named = [*hindrances(context), *_printed_with_several_windows(context)]
    for other in context.beside:
        named += differences(figure, other)
    if figure.definition.get("population"):
        named.append(
            Named(Reason.POPULATION, f"Its population is described in prose{_prose(figure)} beside its terms.")
        )
    if figure.stage != FURTHEST:
        named.append(Named(Reason.STAGE, f"It counts releases that were `{figure.stage}`, not those carried out."))
    if not context.covered_then:
        detail = f"When it was stated the registry had no report of {_where_and_when(figure)}."
        named.append(Named(Reason.NO_COVERAGE, detail))
    for reasons_of in (_gross_or_net, _hours, _citations, _of_the_held, _learned):
        named += reasons_of(context)
    personal = sorted(figure.terms.keys() & {*PERSONAL})
    if personal and not context.whole:
        detail = f"Of its terms `{'`, `'.join(personal)}` the registry counts only people of whom that may be shown."
        named.append(Named(Reason.CONSENT, detail))
    if figure.filed.get("named") and context.withheld:
        detail = f"It counts those it names; {context.withheld} in the registry's count may not be named."
        named.append(Named(Reason.CONSENT, detail))
    for check in context.arithmetic:
        if not check["agrees"]:
            added = f"{' + '.join(_number(part) for part in check['parts'])} = {_number(check['sum'])}"
            detail = f"Its parts by `{check['partition']}` are {added}, and it says {_number(figure.filed)}."
            named.append(Named(Reason.ARITHMETIC, detail))
    return _one_of_each(named)


def differences(figure: Figure, other: Figure) -> list[Named]:
    """Why another figure, published by then, is not the same number; one detail for each reason."""
    named = list(_windows(figure, other))
    if other.stage != figure.stage:
        named.append(Named(Reason.STAGE, f"It is about `{figure.stage}`; {other.claimant} about `{other.stage}`."))
    nets = {figure.definition.get("net"), other.definition.get("net")} - {None}
    if len(nets) == 2:
        named.append(Named(Reason.GROSS_NET, f"One of it and {other.claimant} leaves out who was taken again."))
    if other.filed.get("named") and not figure.filed.get("named"):
        detail = f"{other.claimant} counts those it names, which families may refuse."
        named.append(Named(Reason.CONSENT, detail))
    return named


def _windows(figure: Figure, other: Figure) -> Iterable[Named]:
    """How the days of two figures differ. Two figures that run until they are stated are one number that grows: the
    later one counts more days because of its hour, and that is no other window."""
    (start, end), (other_start, other_end) = figure.days, other.days
    if figure.of_held and end != other_end:
        mine, theirs = figure.window[1] or "no day", other.window[1] or "no day"
        detail = f"It is of {mine}, that of {other.claimant} of {theirs}: a number of people held changes every day."
        yield Named(Reason.WINDOW, detail)
    elif start != other_start:
        mine, theirs = _edge("since", figure.window[0]), _edge("since", other.window[0])
        yield Named(Reason.WINDOW, f"It counts {mine}; {other.claimant} {theirs}.")
    elif end != other_end and (figure.filed.get("window_to") or other.filed.get("window_to")):
        mine, theirs = _edge("until", figure.window[1]), _edge("until", other.window[1])
        yield Named(Reason.WINDOW, f"It counts {mine}; {other.claimant} {theirs}.")


def _edge(word: str, day: str | None) -> str:
    return f"{word} {day}" if day else f"without saying {word} when"


def _number(bounds: Mapping[str, object]) -> str:
    low, high = bounds.get("low"), bounds.get("high")
    if low == high:
        return str(low)
    return f"{low} or more" if high is None else f"up to {high}" if low is None else f"{low} to {high}"


def _size(bounds: tuple[int | None, int | None]) -> tuple[int, int]:
    low, high = bounds
    return -1 if low is None else low, -1 if high is None else high


def _printed_with_several_windows(context: ClaimContext) -> Iterable[Named]:
    figure = context.figure
    others = sorted({str(other.filed["window_from"]) for other in context.own if _same_number(figure, other)})
    others = [start for start in others if start != figure.filed.get("window_from")]
    if others and figure.window[0] is not None:
        yield Named(Reason.WINDOW, f"The same number is printed as counted since {', '.join(others)} too.")


def _gross_or_net(context: ClaimContext) -> Iterable[Named]:
    net = context.figure.definition.get("net")
    for other in context.corrections:
        theirs = other.definition.get("net")
        if None not in (net, theirs) and net != theirs:
            detail = f"{_number(context.figure.filed)} and {_number(other.filed)} differ by who was taken again."
            yield Named(Reason.GROSS_NET, detail)
    if net is None and context.net is not None and context.gross is not None and context.gross != context.net:
        detail = (
            f"It does not say whether it leaves out who was taken again: {context.gross} gross, {context.net} net here."
        )
        yield Named(Reason.GROSS_NET, detail)


def _hours(context: ClaimContext) -> Iterable[Named]:
    """Figures that grew within the day of the claim."""
    figure = context.figure
    if figure.day is None or figure.misprint:
        return
    parts = {part.id for part in context.parts} | set(figure.refers_to("part_of"))
    same_day = [other for other in context.own if other.day == figure.day and other.run == figure.run]
    whole = [other for other in same_day if other.id not in parts and figure.id not in other.refers_to("part_of")]
    numbers = sorted({each.bounds for each in [*whole, figure] if each.filed.get("series") != "batch"}, key=_size)
    if len(numbers) > 1:
        given = ", ".join(_number({"low": low, "high": high}) for low, high in numbers)
        yield Named(Reason.HOUR, f"The claimant gave {given} on that one day.")
    elif context.moving and figure.hourless:
        yield Named(Reason.HOUR, f"It gives a day and no hour; {', '.join(context.moving)} gave several that day.")


def _citations(context: ClaimContext) -> Iterable[Named]:
    figure = context.figure
    for other in context.cited:
        if other.claimant != figure.claimant and other.bounds == figure.bounds:
            yield Named(Reason.SECONDARY_CITATION, f"It repeats the figure of {other.claimant}.")
    if figure.claimant is None:
        detail = f"Nobody is named as its author; {figure.filed['reported_by']} printed it."
        yield Named(Reason.SECONDARY_CITATION, detail)


def _of_the_held(context: ClaimContext) -> Iterable[Named]:
    """What makes two numbers of people held differ, besides their days."""
    figure = context.figure
    if not figure.of_held:
        return
    if context.without_house_arrest != context.with_house_arrest:
        detail = f"{context.without_house_arrest} here without those whom a release left under it"
        detail += f", {context.with_house_arrest} with them"
        yield Named(Reason.DEFINITION, f"It does not say whether house arrest is being held: {detail}.")
    lists = {context.definitions.get(str(each.claimant)) for each in [figure, *context.beside]} - {None}
    if len(lists) > 1:
        detail = "Each body lists political prisoners under a definition of its own: see /v1/sources."
        yield Named(Reason.POPULATION, detail)
    for other in context.beside:
        # Two bodies do not arrive at one and the same range by counting.
        if None not in figure.bounds and figure.bounds[0] != figure.bounds[1] and other.bounds == figure.bounds:
            detail = f"The same {_number(figure.filed)} is printed as the figure of {other.claimant} too."
            yield Named(Reason.SECONDARY_CITATION, detail)


def _learned(context: ClaimContext) -> Iterable[Named]:
    """What the registry came to know of the same window, or of the same day, since."""
    more = context.learned or 0
    if context.figure.of_held and more:
        detail = f"Of that day the registry counts {abs(more)} {'more' if more > 0 else 'fewer'} since."
        yield Named(Reason.REPORTING_DELAY, detail)
    elif more > 0:
        yield Named(Reason.REPORTING_DELAY, f"The registry has learned of {more} more in the same window since.")


def _one_of_each(named: Sequence[Named]) -> list[Named]:
    """The first detail under each code, in the order in which the reasons were named."""
    first: dict[Reason, Named] = {}
    for reason in named:
        first.setdefault(reason.code, reason)
    return list(first.values())
