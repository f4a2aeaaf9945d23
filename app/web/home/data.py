"""Fetch the data of the first page, and format its figures, days and sources.

There are three rounds of requests: what exists, how it grew, and the reconciliation of each claim. The rules hold for
any registry.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from app import dates
from app.api.routes.counts import count_releases, count_series
from app.api.routes.directory import list_claims, reconcile_claim
from app.moments import format_revision
from app.vocabulary import Measure, Qualifier, Series
from app.web.api_client import gather
from app.web.charts.marks import PublishedValue
from app.web.claims.text import format_starts
from app.web.home.statements import (
    DAY_LENGTH,
    MAX_RECONCILED,
    Claims,
    HomeQuestion,
    Sources,
    Statement,
    choose_zoom_start,
    compute_time_span,
    find_commonest_beginning,
    find_contested_statement,
    group_statements,
    list_own_figures,
    parse_stated_moment,
    rank_statements,
)
from app.web.page import Page, fetch_finest_series
from app.web.rendering import Catalogue, format_claim_figure

Answer = Mapping[str, Any]
MAX_CLAIMS = 200  # one page, the newest
RECENT_DAYS = 90  # that decide which country the first page is about
MAX_DRAWN_SOURCES = 3  # each has a line style of its own
BAND_MIN_SOURCES = 3  # for the lower edge of the band


@dataclass(frozen=True)
class HomeData:
    """All data of the contested series. `drawn_groups`: groups of the drawn sources, largest first; `count_then`: the
    count by source at the end of the contested day; `reconciliations`: by claim."""

    question: HomeQuestion
    count_now: Answer
    drawn_groups: tuple[Answer, ...]
    series: Answer
    series_by_three: Answer | None  # None in a registry with fewer sources
    reference_series: Answer | None
    claims_released_from: str | None
    claims: Claims
    statements: tuple[Statement, ...]
    contested_statement: Statement | None
    last_comparable: Statement | None
    count_then: Answer | None
    count_then_as_of: str | None
    reconciliations: Mapping[str, Answer]
    zoom_start: date | None  # the first of the two days shown by the hour
    hourly_series: Answer | None


async def load_question(page: Page, page_terms: Mapping[str, Any]) -> tuple[HomeQuestion, Claims]:
    """Return what the page is about, and the newest confirmed claims of releases in its country.

    Country and first day are those of the address, else of the settings. Without either the country is the one with
    most releases that two sources verified in the latest ninety days."""
    by_country: Any = await page.api.read(count_releases, group_by="country")
    state = page.request.app.state
    found = {
        group["by"]["country"] for group in by_country["groups"] if group["by"]["country"] and group["counts"]["cases"]
    }
    countries = sorted(found | ({state.country} if state.country else set()))
    country = page_terms.get("country") or state.country or await _find_main_country(page)
    released_from = state.released_from if state.country in (None, country) else None
    question = HomeQuestion(country, page_terms.get("released_from") or released_from, tuple(countries))
    terms = {"measure": Measure.RELEASED.value, "country": country, "confirmed": "true", "limit": MAX_CLAIMS}
    claims: Any = await page.api.read(list_claims, terms, sort="-added")
    return question, claims["data"]


async def _find_main_country(page: Page) -> str | None:
    """Return the country with most releases that two sources verified in the ninety days up to the end of the latest
    month that has any; of equal ones, the first by its code."""
    min_sources = min(2, len(page.sources))  # of a registry with one source, what that verified
    if not min_sources:
        return None
    by_month: Any = await page.api.read(count_releases, min_sources=min_sources, group_by="month")
    months = [group["by"]["month"] for group in by_month["groups"] if group["by"]["month"] and group["counts"]["cases"]]
    if not months:
        return None
    last_day = dates.parse_window_end(max(months))
    days = {
        "released_from": date.fromordinal(last_day - RECENT_DAYS + 1).isoformat(),
        "released_to": date.fromordinal(last_day).isoformat(),
    }
    by_country: Any = await page.api.read(count_releases, days, min_sources=min_sources, group_by="country")
    numbers = {
        group["by"]["country"]: group["counts"]["cases"] for group in by_country["groups"] if group["by"]["country"]
    }
    return min(numbers, key=lambda country: (-numbers[country], country), default=None)


async def load_home_data(page: Page, question: HomeQuestion, claims: Claims) -> HomeData:
    """Fetch the series, and then the reconciliations of authorities' claims."""
    terms = question.terms
    count_now, series, series_by_three = await gather(
        page.api.read(count_releases, terms, group_by="source"),
        fetch_finest_series(page, terms),
        _load_series_by_three(page, terms),
    )
    count_now = _keep_combined(count_now)
    drawn_groups = _select_drawn_groups(page, count_now)
    found_statements = group_statements(series["claims"], page.sources, page.zone)
    contested_statement = find_contested_statement(
        found_statements, _compute_max_verified_by_day(page, series), _find_published_days(page, series, question)
    )
    claims_released_from = find_commonest_beginning(
        statement.claim["window_from"] for statement in found_statements if statement.is_cumulative
    )
    reconcilable_statements, count_then_as_of = (
        _select_reconcilable(found_statements, contested_statement),
        _choose_count_then_as_of(series, contested_statement),
    )
    zoom_start = _find_zoom_start(series, question, drawn_groups, contested_statement)
    reference_series, hourly_series, count_then, *reconciliation_answers = await gather(
        _load_reference_series(page, terms, claims_released_from),
        _load_hourly_series(page, terms, series, zoom_start),
        _load_count_then(page, terms, series, contested_statement),
        *(page.api.read(reconcile_claim, claim_id=statement.id) for statement in reconcilable_statements),
    )
    reconciliations = {
        statement.id: answer for statement, answer in zip(reconcilable_statements, reconciliation_answers, strict=True)
    }
    comparable = [
        statement
        for statement in found_statements
        if statement.is_cumulative and get_verified_count(reconciliations.get(statement.id)) is not None
    ]
    return HomeData(
        question=question,
        count_now=count_now,
        drawn_groups=drawn_groups,
        series=series,
        series_by_three=series_by_three,
        reference_series=reference_series,
        claims_released_from=claims_released_from,
        claims=claims,
        statements=tuple(found_statements),
        contested_statement=contested_statement,
        last_comparable=max(comparable, key=lambda statement: statement.moment, default=None),
        count_then=count_then,
        count_then_as_of=count_then_as_of,
        reconciliations=reconciliations,
        zoom_start=zoom_start if hourly_series else None,
        hourly_series=hourly_series,
    )


def get_verified_count(reconciliation: Answer | None) -> int | None:
    """Return how many at least one independent source had verified on a claim's window and hour; None if the two
    cannot be compared."""
    if reconciliation is None or not reconciliation["comparable"] or not reconciliation["then"]:
        return None
    return int(reconciliation["then"]["total"]["by_min_sources"].get("1", 0))


def _keep_combined(count: Answer) -> Answer:
    """Return a count by source with what counts in combined numbers alone.

    No single source decides what the first page says: its reports that await review are in its own row elsewhere."""
    groups = [
        {**group, "counts": {**group["counts"], "verified": group["counts"]["verified_combined"]}}
        for group in count["groups"]
    ]
    return {**count, "groups": groups}


def _select_drawn_groups(page: Page, count_now: Answer) -> tuple[Answer, ...]:
    """Return the independent sources that verified most, ties by name."""
    verifying = [
        group for group in count_now["groups"]
        if group["counts"]["verified"] and page.sources.get(group["by"]["source"], {}).get("independent")
    ]  # fmt: skip
    sorted_groups = sorted(
        verifying, key=lambda group: (-group["counts"]["verified"], page.get_source_name(group["by"]["source"]))
    )
    return tuple(sorted_groups[:MAX_DRAWN_SOURCES])


async def _load_series_by_three(page: Page, terms: Mapping[str, Any]) -> Any:
    """Fetch the series of what three sources verified, if there are so many."""
    if len(page.sources) < BAND_MIN_SOURCES:
        return None
    return await fetch_finest_series(page, {**terms, "min_sources": BAND_MIN_SOURCES})


async def _load_reference_series(page: Page, terms: Mapping[str, Any], claims_released_from: str | None) -> Any:
    """Fetch the series on the claims' window, if it differs."""
    if claims_released_from is None or claims_released_from == terms["released_from"]:
        return None
    return await fetch_finest_series(page, {**terms, "released_from": claims_released_from, "min_sources": 1})


def _find_zoom_start(
    series: Answer, question: HomeQuestion, drawn_groups: tuple[Answer, ...], contested_statement: Statement | None
) -> date | None:
    """Return the first of the two days with most published figures of the drawn sources, counting each number once a
    day."""
    by_day = Counter(
        date.fromisoformat(str(claim["stated_at"])[:DAY_LENGTH])
        for group in drawn_groups
        for claim in list_own_figures(series["claims"], group["by"]["source"], question.released_from)
    )
    return choose_zoom_start(by_day, date.fromisoformat(contested_statement.day) if contested_statement else None)


async def _load_hourly_series(page: Page, terms: Mapping[str, Any], series: Answer, zoom_start: date | None) -> Any:
    """Fetch two days by the hour as known at their end; None if the series is not daily."""
    revision_by_day = {point["on"]: point["revision"] for point in series["points"]}
    ends = [date.fromordinal(zoom_start.toordinal() + shift).isoformat() for shift in (1, 0)] if zoom_start else []
    as_of = next((revision_by_day[end] for end in ends if end in revision_by_day), None)
    if zoom_start is None or as_of is None:
        return None
    return await page.api.read(
        count_series, terms, interval="hour", told_from=zoom_start.isoformat(), as_of=format_revision(as_of)
    )


def _choose_count_then_as_of(series: Answer, contested_statement: Statement | None) -> str | None:
    """Return the end of the contested day, or the newest revision if that is in the future."""
    if contested_statement is None:
        return None
    newest = series["points"][-1]
    return format_revision(newest["revision"]) if newest["on"] <= contested_statement.day else contested_statement.day


async def _load_count_then(
    page: Page, terms: Mapping[str, Any], series: Answer, contested_statement: Statement | None
) -> Any:
    """Fetch the count by source at the end of the contested day. A daily series has its revision, whose response can
    be cached."""
    if contested_statement is None:
        return None
    revision_by_day = {point["on"]: format_revision(point["revision"]) for point in series["points"]}
    as_of = revision_by_day.get(contested_statement.day, _choose_count_then_as_of(series, contested_statement))
    return _keep_combined(await page.api.read(count_releases, terms, group_by="source", as_of=as_of))


def _compute_max_verified_by_day(page: Page, series: Answer) -> dict[str, int]:
    """Return, by day, the most that one independent source had verified at its end."""
    max_by_day: dict[str, int] = {}
    for line in series["series"]:
        if page.sources.get(line["source"], {}).get("independent"):
            for point in line["points"]:
                max_by_day[point["on"]] = max(max_by_day.get(point["on"], 0), point["verified"])
    days = [point["on"] for point in series["points"]]
    for previous_day, end_day in pairwise(days):  # a week or month has the count at its end
        for day in range(date.fromisoformat(previous_day).toordinal() + 1, date.fromisoformat(end_day).toordinal()):
            max_by_day[date.fromordinal(day).isoformat()] = max_by_day.get(end_day, 0)
    return max_by_day


def _find_published_days(page: Page, series: Answer, question: HomeQuestion) -> set[str]:
    """Return the days on which independent sources published a figure for this window."""
    return {
        claim["stated_at"][:10]
        for claim in series["claims"]
        if page.sources.get(claim["claimant"] or "", {}).get("independent")
        and claim["series"] == Series.CUMULATIVE
        and claim["window_from"] == question.released_from
    }


def _select_reconcilable(found_statements: list[Statement], contested_statement: Statement | None) -> list[Statement]:
    """Return the statements with a beginning and a number, always including the last."""
    dated_statements = [
        statement
        for statement in found_statements
        if statement.claim["window_from"] and statement.claim["low"] is not None
    ]
    last = max(dated_statements, key=lambda statement: statement.moment, default=None)
    return rank_statements(dated_statements, contested_statement, last)[:MAX_RECONCILED]


def assign_styles(data: HomeData) -> dict[str, int]:
    """Assign line styles to sources: the first to the one with most published figures, the others by verified
    count."""
    figure_counts = Counter(claim["claimant"] for claim in data.series["claims"])
    slugs = [group["by"]["source"] for group in data.drawn_groups]
    main_slug = max(slugs, key=lambda slug: figure_counts[slug], default=None)
    return {slug: number for number, slug in enumerate(sorted(slugs, key=lambda slug: slug != main_slug), 1)}


def build_published_values(
    data: HomeData, slug: str, style: int, zone: tzinfo, words: Catalogue
) -> list[PublishedValue]:
    """Build a source's own figures for the chart, labelled if they differ from its line."""
    points = next(line["points"] for line in data.series["series"] if line["source"] == slug)
    verified_by_day = {point["on"]: point["verified"] for point in points}
    published_values = []
    for claim in list_own_figures(data.series["claims"], slug, data.question.released_from):
        local, value = parse_stated_moment(claim, zone), int(str(claim["low"]))
        start, end = compute_time_span(claim, local)
        day = local.date().isoformat()
        previous_day = date.fromordinal(local.toordinal() - 1).isoformat()
        span = [verified_by_day[end_day] for end_day in (previous_day, day) if end_day in verified_by_day]
        is_off = bool(span) and day in verified_by_day and not min(span) <= value <= max(span)
        published_values.append(PublishedValue(style, value, start, end, words.number(value) if is_off else None))
    return published_values


NO_BREAK = "\N{NO-BREAK SPACE}"
MAX_NAME_LETTERS = 18  # a longer name is abbreviated in narrow drawings
MAX_SLUG_LETTERS = 8  # of a slug that replaces a name


def quote_figure(claim: Mapping[str, Any], words: Catalogue) -> str:
    """Format a figure as stated, in quotation marks if it is more than a number."""
    figure = format_claim_figure(claim, words)
    if claim["qualifier"] == Qualifier.EXACTLY:
        return figure
    return words.gettext("“%(figure)s”") % {"figure": figure}


def capitalize_first_letter(text: str) -> str:
    """Capitalise the first letter, which may follow a quotation mark."""
    place = next((place for place, letter in enumerate(text) if letter.isalnum()), 0)
    return text[:place] + text[place : place + 1].upper() + text[place + 1 :]


def format_beginnings(statement: Statement, words: Catalogue, *, short: bool = False) -> str:
    """Format the beginning of a statement, with every published one."""
    return format_starts(statement.beginnings, words, short=short)


def format_numbers(values: Iterable[int], words: Catalogue) -> str:
    """Format several numbers without line breaks: "76, 56 y 53"."""
    return words.listed([words.number(number) for number in values]).replace(" ", NO_BREAK)


def shorten_source_name(slug: str, name: str) -> str:
    """Replace a long name by its slug, if that is one short word."""
    is_short = len(name) <= MAX_NAME_LETTERS or len(slug) > MAX_SLUG_LETTERS or not slug.isalpha()
    return name if is_short else slug.upper()


def explain_short_names(page: Page, data: HomeData) -> str:
    """Explain the abbreviated names of the drawn sources."""
    names = {group["by"]["source"]: page.get_source_name(group["by"]["source"]) for group in data.drawn_groups}
    explanations = [
        f"{short}: {name}." for slug, name in names.items() if (short := shorten_source_name(slug, name)) != name
    ]
    return " ".join(explanations)


def find_speaker_name(statement: Statement, country: str | None, sources: Sources) -> str | None:
    """Return the claimant's name; None for the government of the country itself."""
    source = sources.get(statement.claim["claimant"] or "", {})
    return None if source.get("country") == country else str(source.get("name", statement.claim["claimant"]))


def build_page_address(page: Page, address: str | None) -> str | None:
    """Convert an API address to that of its page."""
    return None if address is None else f"/{page.language}{address.removeprefix('/v1')}"


def fill_sentence(sentence: str, values: Mapping[str, Any]) -> Markup:
    """Fill a translated sentence, which may contain markup, with escaped values."""
    return Markup(sentence) % values  # noqa: S704 - the sentence comes from this code or its translations


def link_number(text: str, address: str | None, name: str, kind: str = "number") -> Markup:
    """Link a number to the list behind it."""
    if address is None:
        return Markup('<span class="{}">{}</span>').format(kind, text)
    return Markup('<a class="{}" href="{}" aria-label="{}">{}</a>').format(kind, address, name, text)


def format_source_name(page: Page, slug: str) -> Markup:
    """Format a source's name, which may be in any script."""
    return Markup("<bdi>{}</bdi>").format(page.get_source_name(slug))


def join_markup(parts: Sequence[Markup], words: Catalogue) -> Markup:
    """Join parts as a list, each escaped."""
    marks = [f"\x00{place}\x00" for place in range(len(parts))]
    text = Markup.escape(words.listed(marks))
    for mark, part in zip(marks, parts, strict=True):
        text = text.replace(mark, part)
    return Markup(text)  # noqa: S704 - all parts are escaped
