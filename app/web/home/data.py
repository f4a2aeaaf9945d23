"""What the first page asks the API, in three rounds: what there is, how it grew, and what each claim is beside.

The figures that the drawn sources published themselves, and which look each of them has.

How figures, days and sources are said on the first page, by rules that hold for any registry."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from app.vocabulary import Measure, Qualifier, Series
from app.web.asking import together
from app.web.charts.marks import Published
from app.web.claims.words import beginnings_of
from app.web.home.statements import (
    DAY,
    MOST_RECONCILED,
    Claims,
    Question,
    Sources,
    Statement,
    commonest,
    days_to_zoom,
    most_contested,
    own_figures,
    placed,
    question_of,
    ranked,
    statements,
    when_of,
)
from app.web.page import Page, finest
from app.web.rendering import Catalogue, figure_of

Answer = Mapping[str, Any]
MOST_CLAIMS = 200  # the longest page of a list: the newest, which say what a registry is about
MOST_LINES = 3  # sources that are drawn: each has a look of its own
AT_LEAST = 3  # sources that verified the lower edge of the band


@dataclass(frozen=True)
class Gathered:
    """Everything that the contest is told from. `lines`: the groups of the sources that are drawn, largest first;
    `then`: the count by source at the end of the contested day; `beside`: reconciliations by claim."""

    question: Question
    now: Answer
    lines: tuple[Answer, ...]
    series: Answer
    by_three: Answer
    reference: Answer | None
    claims_from: str | None
    claims: Claims
    told: tuple[Statement, ...]
    contested: Statement | None
    last: Statement | None
    then: Answer | None
    then_as_of: str | int | None
    beside: Mapping[str, Answer]
    zoomed: date | None  # the first of the two days that are told by the hour
    by_hour: Answer | None


async def ask_question(page: Page, given: Mapping[str, Any]) -> tuple[Question, Claims]:
    """What a page is about, and the newest claims of released people."""
    terms = {"measure": Measure.RELEASED.value, "country": given.get("country"), "limit": MOST_CLAIMS}
    claims, by_country = await together(
        page.api.get("/v1/claims", terms, sort="-recorded"),
        page.api.get("/v1/counts/releases", group_by="country"),
    )
    return question_of(given, claims["data"], by_country["groups"], page.sources), claims["data"]


async def gather(page: Page, question: Question, claims: Claims) -> Gathered:
    """Ask how the counts grew, and then what stands beside the claims of authorities."""
    terms = question.terms
    now, series, by_three = await together(
        page.api.get("/v1/counts/releases", terms, group_by="source"),
        finest(page, terms),
        finest(page, {**terms, "min_sources": AT_LEAST}),
    )
    lines = _drawn(page, now)
    told = statements(series["claims"], page.sources, page.zone)
    contested = most_contested(told, _most_by_day(page, series), _days_of_others(page, series, question))
    claims_from = commonest(statement.claim["window_from"] for statement in told if statement.is_cumulative)
    asked, then_as_of = _to_reconcile(told, contested), _end_of_day(series, contested)
    zoomed = _days_to_zoom(series, question, lines, contested)
    reference, by_hour, then, *beside = await together(
        _reference(page, terms, claims_from),
        _by_hour(page, terms, series, zoomed),
        _count_then(page, terms, series, contested),
        *(page.api.get(f"/v1/claims/{statement.id}/reconciliation") for statement in asked),
    )
    answers = {statement.id: answer for statement, answer in zip(asked, beside, strict=True)}
    comparable = [
        statement
        for statement in told
        if statement.is_cumulative and verified_beside(answers.get(statement.id)) is not None
    ]
    return Gathered(
        question=question,
        now=now,
        lines=lines,
        series=series,
        by_three=by_three,
        reference=reference,
        claims_from=claims_from,
        claims=claims,
        told=tuple(told),
        contested=contested,
        last=max(comparable, key=lambda statement: statement.moment, default=None),
        then=then,
        then_as_of=then_as_of,
        beside=answers,
        zoomed=zoomed if by_hour else None,
        by_hour=by_hour,
    )


def verified_beside(reconciliation: Answer | None) -> int | None:
    """How many at least one independent source had verified on a claim's own window and hour; None where the two may
    not be set beside each other."""
    if reconciliation is None or not reconciliation["comparable"] or not reconciliation["then"]:
        return None
    return int(reconciliation["then"]["by_min_sources"].get("1", 0))


def _drawn(page: Page, now: Answer) -> tuple[Answer, ...]:
    """The independent sources that verified most; names decide between as many."""
    verifying = [
        group for group in now["groups"]
        if group["verified"] and page.sources.get(group["source"], {}).get("independent")
    ]  # fmt: skip
    ordered = sorted(verifying, key=lambda group: (-group["verified"], page.name_of(group["source"])))
    return tuple(ordered[:MOST_LINES])


async def _reference(page: Page, terms: Mapping[str, Any], claims_from: str | None) -> Any:
    """The count on the window of the claims, where that is another."""
    if claims_from is None or claims_from == terms["released_from"]:
        return None
    return await finest(page, {**terms, "released_from": claims_from, "min_sources": 1})


def _days_to_zoom(
    series: Answer, question: Question, lines: tuple[Answer, ...], contested: Statement | None
) -> date | None:
    """The days on which the drawn sources published most; one figure a day of each number."""
    by_day = Counter(
        date.fromisoformat(str(claim["stated_at"])[:DAY])
        for group in lines
        for claim in own_figures(series["claims"], group["source"], question.released_from)
    )
    return days_to_zoom(by_day, date.fromisoformat(contested.day) if contested else None)


async def _by_hour(page: Page, terms: Mapping[str, Any], series: Answer, zoomed: date | None) -> Any:
    """Two days by the hour, as they were known at their end; None where the series has no days."""
    known = {point["on"]: point["revision"] for point in series["points"]}
    ends = [date.fromordinal(zoomed.toordinal() + shift).isoformat() for shift in (1, 0)] if zoomed else []
    as_of = next((known[end] for end in ends if end in known), None)
    if zoomed is None or as_of is None:
        return None
    return await page.api.get(
        "/v1/counts/series", terms, interval="hour", told_from=zoomed.isoformat(), as_of=as_of
    )  # fmt: skip


def _end_of_day(series: Answer, contested: Statement | None) -> str | int | None:
    """The end of the contested day, or the newest revision where that is yet to come."""
    if contested is None:
        return None
    newest = series["points"][-1]
    return newest["revision"] if newest["on"] <= contested.day else contested.day


async def _count_then(page: Page, terms: Mapping[str, Any], series: Answer, contested: Statement | None) -> Any:
    """The count by source as it was known at the end of the contested day: of its revision, where a series of days
    tells it, since answers of a revision are kept."""
    if contested is None:
        return None
    known = {point["on"]: point["revision"] for point in series["points"]}
    as_of = known.get(contested.day, _end_of_day(series, contested))
    return await page.api.get("/v1/counts/releases", terms, group_by="source", as_of=as_of)


def _most_by_day(page: Page, series: Answer) -> dict[str, int]:
    """By day, the most that one independent source had verified by its end."""
    most: dict[str, int] = {}
    for line in series["series"]:
        if page.sources.get(line["source"], {}).get("independent"):
            for point in line["points"]:
                most[point["on"]] = max(most.get(point["on"], 0), point["verified"])
    on = [point["on"] for point in series["points"]]
    for before, end in pairwise(on):  # of weeks and months: what was known at their end
        for day in range(date.fromisoformat(before).toordinal() + 1, date.fromisoformat(end).toordinal()):
            most[date.fromordinal(day).isoformat()] = most.get(end, 0)
    return most


def _days_of_others(page: Page, series: Answer, question: Question) -> set[str]:
    """The days on which independent sources published a figure of this window."""
    return {
        claim["stated_at"][:10]
        for claim in series["claims"]
        if page.sources.get(claim["claimant"] or "", {}).get("independent")
        and claim["series"] == Series.CUMULATIVE
        and claim["window_from"] == question.released_from
    }


def _to_reconcile(told: list[Statement], contested: Statement | None) -> list[Statement]:
    """The statements that say since when they count, and how many; the last of them surely among them."""
    dated = [statement for statement in told if statement.claim["window_from"] and statement.claim["low"] is not None]
    last = max(dated, key=lambda statement: statement.moment, default=None)
    return ranked(dated, contested, last)[:MOST_RECONCILED]


def styles(gathered: Gathered) -> dict[str, int]:
    """Which look a source has: the one that publishes most figures the first, the others by what they verified."""
    published = Counter(claim["claimant"] for claim in gathered.series["claims"])
    slugs = [group["source"] for group in gathered.lines]
    main = max(slugs, key=lambda slug: published[slug], default=None)
    return {slug: number for number, slug in enumerate(sorted(slugs, key=lambda slug: slug != main), 1)}


def of_line(gathered: Gathered, slug: str, style: int, zone: tzinfo, words: Catalogue) -> list[Published]:
    """A source's figures as they stand in the chart: with their number where they are not what the line says."""
    points = next(line["points"] for line in gathered.series["series"] if line["source"] == slug)
    ends = {point["on"]: point["verified"] for point in points}
    told = []
    for claim in own_figures(gathered.series["claims"], slug, gathered.question.released_from):
        local, value = when_of(claim, zone), int(str(claim["low"]))
        begins, ends_at = placed(claim, local)
        day = local.date().isoformat()
        before = date.fromordinal(local.toordinal() - 1).isoformat()
        span = [ends[each] for each in (before, day) if each in ends]
        is_off = bool(span) and day in ends and not min(span) <= value <= max(span)
        told.append(Published(style, value, begins, ends_at, words.number(value) if is_off else None))
    return told


NO_BREAK = "\N{NO-BREAK SPACE}"
LONGEST_NAME = 18  # letters of a name that is written whole in a narrow drawing
LONGEST_SHORT = 8  # letters of a slug that stands for a longer one


def quoted(claim: Mapping[str, Any], words: Catalogue) -> str:
    """A figure as it was said: in quotation marks where it is more than a number."""
    figure = figure_of(claim, words)
    if claim["qualifier"] == Qualifier.EXACTLY:
        return figure
    return words.gettext("“%(figure)s”") % {"figure": figure}


def at_the_start(text: str) -> str:
    """A text as it begins a sentence: its first letter, which may follow a quotation mark, is a capital."""
    place = next((place for place, letter in enumerate(text) if letter.isalnum()), 0)
    return text[:place] + text[place : place + 1].upper() + text[place + 1 :]


def beginnings(statement: Statement, words: Catalogue, *, short: bool = False) -> str:
    """Since when a statement counts, with every beginning that was printed."""
    return beginnings_of(statement.beginnings, words, short=short)


def numbers(given: Iterable[int], words: Catalogue) -> str:
    """Several numbers that do not break at the end of a line: "76, 56 y 53"."""
    return words.listed([words.number(number) for number in given]).replace(" ", NO_BREAK)


def short_name(slug: str, name: str) -> str:
    """A name for where there is little room: a longer one by its slug, if that is one short word."""
    is_short = len(name) <= LONGEST_NAME or len(slug) > LONGEST_SHORT or not slug.isalpha()
    return name if is_short else slug.upper()


def short_names(page: Page, gathered: Gathered) -> str:
    """What the names of the sources that are drawn are where they are written short."""
    names = {group["source"]: page.name_of(group["source"]) for group in gathered.lines}
    told = [f"{short}: {name}." for slug, name in names.items() if (short := short_name(slug, name)) != name]
    return " ".join(told)


def speaker(statement: Statement, country: str | None, sources: Sources) -> str | None:
    """Whose figure it is by name; None for the government of the country itself."""
    source = sources.get(statement.claim["claimant"] or "", {})
    return None if source.get("country") == country else str(source.get("name", statement.claim["claimant"]))


def page_of(page: Page, address: str | None) -> str | None:
    """The page that shows what an address of the API lists or counts."""
    return None if address is None else f"/{page.language}{address.removeprefix('/v1')}"


def filled(sentence: str, values: Mapping[str, Any]) -> Markup:
    """A sentence of the catalogue, which may hold markup of its own, with values that are escaped."""
    return Markup(sentence) % values  # noqa: S704 - the sentence is of this code and its translations


def linked(text: str, address: str | None, name: str, kind: str = "number") -> Markup:
    """A number that leads to what is behind it."""
    if address is None:
        return Markup('<span class="{}">{}</span>').format(kind, text)
    return Markup('<a class="{}" href="{}" aria-label="{}">{}</a>').format(kind, address, name, text)


def named(page: Page, slug: str) -> Markup:
    """A source's name, which may be of any script."""
    return Markup("<bdi>{}</bdi>").format(page.name_of(slug))


def listed(parts: Sequence[Markup], words: Catalogue) -> Markup:
    """Several as one, each escaped."""
    marks = [f"\x00{place}\x00" for place in range(len(parts))]
    text = Markup.escape(words.listed(marks))
    for mark, part in zip(marks, parts, strict=True):
        text = text.replace(mark, part)
    return Markup(text)  # noqa: S704 - of escaped parts
