"""The page of a citation: what was cited, what is known now, and each case that changed.

`build_citation_view` and the functions beside it turn the API's answer into the page's data and figures; the routes
are at the end.
"""

from collections import defaultdict
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Response
from markupsafe import Markup

from app.api.requests import build_cite_as_links, build_link_header
from app.api.responses import CACHE_REVALIDATE
from app.api.routes.counts import read_citation
from app.counts.difference import CHANGE_LABELS
from app.moments import format_revision
from app.queries.countables import find_countable_of_path
from app.web.api_client import gather
from app.web.charts import bars, then_and_now
from app.web.claims.text import format_source_tag
from app.web.count_text import (
    TermFormatter,
    build_term_formatter,
    fetch_facility_list,
    has_personal_terms,
    parse_question,
)
from app.web.figure import FULL_WIDTH, PHONE_WIDTH, Figure, render_drawing
from app.web.page import CurrentPage, Page, PageRoute, no_such_page
from app.web.rendering import Catalogue

MAX_GROUP_ROWS = 200  # of groups; the file has all
MAX_FIRST_CASES = 8  # shown at once; the others are behind a summary
SOURCE_THRESHOLDS = (1, 2, 3)  # minimum numbers of independent sources
# Changes that add something to a count.
GAIN_CHANGES = ("newly_verified", "newly_contested", "newly_reported", "separated", "moved_in")


@dataclass(frozen=True)
class ChangedCase:
    """A release or detention that was added, removed or reclassified. `record`: None if no list shows it any more, or
    if the requested answer does not contain it."""

    change: str
    change_text: str
    path: str
    record: Mapping[str, Any] | None


@dataclass(frozen=True)
class CitationView:
    """A count as it was cited, and as of the page's revision."""

    noun: str
    cited_count: Mapping[str, Any]
    current_count: Mapping[str, Any]
    cited_number: int
    current_number: int
    added_count: int
    removed_count: int
    changes: Sequence[tuple[str, int]]
    cases: Sequence[ChangedCase]
    unlisted_count: int
    omitted_count: int

    @property
    def retained_count(self) -> int:
        """How many were counted when cited and still are."""
        return self.cited_number - self.removed_count

    @property
    def gains(self) -> list[tuple[str, int]]:
        """What was added, by kind of change; empty if the answer does not separate additions from changes."""
        gains = [(change, number) for change, number in self.changes if change in GAIN_CHANGES]
        return gains if sum(number for _change, number in gains) == self.added_count else []

    @property
    def has_file(self) -> bool:
        """Whether its figure is available as a file. A count that depends on today's consent is not: files are cached
        elsewhere."""
        return not has_personal_terms(self.cited_count["terms"])

    @property
    def first_cases(self) -> Sequence[ChangedCase]:
        return self.cases[:MAX_FIRST_CASES]

    @property
    def other_cases(self) -> Sequence[ChangedCase]:
        return self.cases[MAX_FIRST_CASES:]

    @property
    def is_open(self) -> bool:
        """Whether the window ends on the day of the request."""
        return not any(name == "held_on" or name.endswith("_to") for name in self.cited_count["terms"])


@dataclass(frozen=True)
class SourceCounts:
    """How many a source had verified when cited and has verified now, with the addresses of both lists."""

    slug: str
    cited_number: int
    current_number: int
    cited_list: str | None
    current_list: str | None


def build_citation_view(
    answer: Mapping[str, Any], words: Catalogue, records: Mapping[str, Mapping[str, Any]]
) -> CitationView:
    """Build the view. `answer`: of `/c/…`; `records`: releases or detentions by id."""
    cited_count, current_count = answer["cited"], answer["today"]
    countable, difference = find_countable_of_path(cited_count["links"]["permalink"]), answer["difference"]
    cases = [
        ChangedCase(
            case["change"],
            format_change(case["change"], 1, words),
            f"/{countable.record}s/{case['id']}",
            records.get(case["id"]),
        )
        for case in difference["cases"]
    ]
    return CitationView(
        noun=countable.noun,
        cited_count=cited_count,
        current_count=current_count,
        cited_number=cited_count["total"]["cases"],
        current_number=current_count["total"]["cases"],
        added_count=difference["added"],
        removed_count=difference["removed"],
        changes=list(difference["changes"].items()),
        cases=_interleave_cases(cases),
        unlisted_count=difference["withheld_cases"],
        omitted_count=difference["cases_left_out"],
    )


def _interleave_cases(cases: Sequence[ChangedCase]) -> list[ChangedCase]:
    """Return cases of each kind of change in turn, so that the first few show every kind; among the added ones, those
    with a record first."""
    turns: dict[str, int] = defaultdict(int)
    ranking = []
    for place, case in enumerate(cases):
        is_unlisted = case.record is None and case.change in GAIN_CHANGES
        ranking.append((is_unlisted, turns[case.change], place))
        turns[case.change] += 1
    return [cases[place] for _is_unlisted, _turn, place in sorted(ranking)]


def format_change(change: str, number: int, words: Catalogue) -> str:
    """Describe a change of one or several, such as "newly verified"."""
    return CHANGE_LABELS[change][2 * (words.language == "es") + (number != 1)]


@dataclass(frozen=True)
class GroupPair:
    """A group of a citation: the names of its values, and its number when cited and now."""

    names: Sequence[str]
    cited_number: int
    current_number: int


def build_group_pairs(
    cited_count: Mapping[str, Any], current_count: Mapping[str, Any], formatter: TermFormatter
) -> list[GroupPair]:
    """Return the groups of the cited and the current count; for sources, what they verified."""
    names = cited_count["terms"].get("group_by", [])
    key = "verified" if "source" in names else "cases"
    cited_groups, current_groups = (
        {tuple(group["by"][name] for name in names): group["counts"][key] for group in count["groups"]}
        for count in (cited_count, current_count)
    )
    return [
        GroupPair(
            [formatter.format_value(name, value) for name, value in zip(names, values, strict=True)],
            cited_groups.get(values, 0),
            current_groups.get(values, 0),
        )
        for values in {**current_groups, **cited_groups}
    ][:MAX_GROUP_ROWS]


def build_source_counts(
    cited_count: Mapping[str, Any], current_count: Mapping[str, Any], names: Mapping[str, str]
) -> list[SourceCounts]:
    """Pair the sources of two counts by source, for those that verified something: by number, ties by name."""
    cited_groups, current_groups = (
        {group["by"]["source"]: group for group in count["groups"]} for count in (cited_count, current_count)
    )
    source_counts = []
    for slug in {**current_groups, **cited_groups}:
        cited_group, current_group = cited_groups.get(slug, {}), current_groups.get(slug, {})
        cited_number, current_number = (
            group["counts"]["verified"] if group else 0 for group in (cited_group, current_group)
        )
        if cited_number or current_number:
            lists = cited_group.get("list"), current_group.get("list")
            source_counts.append(SourceCounts(slug, cited_number, current_number, *lists))
    return sorted(
        source_counts, key=lambda row: (-row.current_number, -row.cited_number, names.get(row.slug, row.slug))
    )


CHANGE_CLASSES = {"newly_verified": "is-2", "newly_reported": "is-open", "newly_contested": "is-3"}


def format_cited_day(page: Page, view: CitationView) -> str:
    """Return the day of the citation, for a chart."""
    recorded_at = view.cited_count["at"]["recorded_at"]
    return (
        page.catalogue.gettext("before the first report")
        if recorded_at is None
        else _format_short_day(page, recorded_at)
    )


def format_current_day(page: Page, view: CitationView) -> str:
    """Return "today", or the day that the reader requested."""
    recorded_at = view.current_count["at"]["recorded_at"]
    is_past = "as_of" in page.terms and recorded_at is not None
    return _format_short_day(page, recorded_at) if is_past else page.catalogue.gettext("today")


def _format_short_day(page: Page, moment: str) -> str:
    return page.catalogue.short_moment(moment, page.zone).rpartition(",")[0]


def build_growth_figure(page: Page, view: CitationView) -> Figure:
    """Build the figure of what was added to the count and what was removed."""
    words = page.catalogue
    _ = words.gettext
    retained_part, lost_part = bars.ChangePart(view.retained_count, "is-1"), _build_lost_part(page, view)
    parts = [
        *([retained_part, lost_part] if lost_part.value else [lost_part, retained_part]),
        *_build_gained_parts(page, view),
    ]
    cited_label = {
        "number": words.number(view.cited_number),
        "day": _("on %(day)s") % {"day": format_cited_day(page, view)},
    }
    current_label = {"number": words.number(view.current_number), "day": format_current_day(page, view)}
    finding = format_more_and_fewer(page, view)
    wide, narrow = (
        render_drawing(
            "grown",
            words,
            chart=bars.lay_out_change_bar(parts, width, has_words=width == FULL_WIDTH),
            finding=finding,
            then=cited_label,
            now=current_label,
        )
        for width in (FULL_WIDTH, PHONE_WIDTH)
    )
    caption = "; ".join(f"{part.number} {part.text}" for part in parts if part.number)
    return Figure(
        name="grown",
        heading=finding,
        finding=finding,
        wide=wide,
        narrow=narrow + Markup('<p class="small">{}</p>').format(caption),
        caption="",
        columns=[_("What changed"), _("How many")],
        rows=[[format_change(change, number, words), number] for change, number in view.changes],
        terms=None,
    )


def _build_lost_part(page: Page, view: CitationView) -> bars.ChangePart:
    words = page.catalogue
    number = f"\N{MINUS SIGN}{words.number(view.removed_count)}"
    if not view.removed_count:
        return bars.ChangePart(0, "", number, words.gettext("none has left the count"))
    text = words.ngettext("has left the count", "have left the count", view.removed_count)
    return bars.ChangePart(view.removed_count, "is-lost", number, text, "#cases")


def _build_gained_parts(page: Page, view: CitationView) -> list[bars.ChangePart]:
    words = page.catalogue
    if not view.gains and view.added_count:
        text = words.ngettext("has come into it", "have come into it", view.added_count)
        return [bars.ChangePart(view.added_count, "is-2", f"+{words.number(view.added_count)}", text, "#cases")]
    return [
        bars.ChangePart(number, CHANGE_CLASSES.get(change, "is-3"), f"+{words.number(number)}",
                  format_change(change, number, words), "#cases")
        for change, number in view.gains
    ]  # fmt: skip


def format_more_and_fewer(page: Page, view: CitationView) -> str:
    """Return a summary such as "126 more, none fewer"."""
    words = page.catalogue
    _ = words.gettext
    more = words.ngettext("%(number)s more", "%(number)s more", view.added_count) % {
        "number": words.number(view.added_count)
    }
    fewer = words.ngettext("%(number)s fewer", "%(number)s fewer", view.removed_count) % {
        "number": words.number(view.removed_count)
    }
    more, fewer = (more if view.added_count else _("none more")), (fewer if view.removed_count else _("none fewer"))
    return _("%(more)s, %(fewer)s") % {"more": more, "fewer": fewer}


def draw_then_and_now(page: Page, view: CitationView, source_counts: Sequence[SourceCounts], code: str) -> Figure:
    """Build the figure of verified counts when cited and now."""
    words = page.catalogue
    _ = words.gettext
    rows = [*_build_threshold_rows(page, view), *_build_source_rows(page, source_counts)]
    headings = then_and_now.DotLabels(format_cited_day(page, view), format_current_day(page, view), words.number)
    finding = _("Verified by at least one source: %(then)s as cited, %(now)s today; the sources overlap") % {
        "then": words.number(rows[0].then_count), "now": words.number(rows[0].now_count)}  # fmt: skip
    wide, narrow = (
        render_drawing(
            "then-and-now",
            words,
            chart=then_and_now.lay_out_then_and_now(rows, headings, width),
            finding=finding,
            labels=headings,
        )
        for width in (FULL_WIDTH, PHONE_WIDTH)
    )
    return Figure(
        name="then-and-now",
        heading=_("Who had verified it, then and today"),
        finding=finding,
        wide=wide,
        narrow=narrow,
        caption=_("Hollow dot: what was known on %(day)s. Filled dot: what is known today of the same question. "
                  "Sources overlap: they do not add up.") % {"day": headings.then_label},
        columns=[_("Verified by"), headings.then_label, headings.now_label],
        rows=[[row.label, row.then_count, row.now_count] for row in rows],
        terms={"code": code} if view.has_file else None,
    )  # fmt: skip


def _build_threshold_rows(page: Page, view: CitationView) -> list[then_and_now.ThenAndNowRow]:
    _ = page.catalogue.gettext
    names = dict(
        zip(SOURCE_THRESHOLDS, (_("At least one source"), _("At least two"), _("At least three")), strict=True)
    )
    return [
        then_and_now.ThenAndNowRow(
            names[threshold],
            view.cited_count["total"]["by_min_sources"].get(str(threshold), 0),
            view.current_count["total"]["by_min_sources"].get(str(threshold), 0),
            is_derived=True,
            then_list=page.narrow_list_address(view.cited_count["links"]["list"], min_sources=str(threshold)),
            now_list=page.narrow_list_address(view.current_count["links"]["list"], min_sources=str(threshold)),
        )
        for threshold in SOURCE_THRESHOLDS
    ]


def _build_source_rows(page: Page, source_counts: Sequence[SourceCounts]) -> list[then_and_now.ThenAndNowRow]:
    return [
        then_and_now.ThenAndNowRow(
            page.get_source_name(row.slug),
            row.cited_number,
            row.current_number,
            then_list=page.narrow_list_address(row.cited_list),
            now_list=page.narrow_list_address(row.current_list),
            tag=format_source_tag(page, row.slug),
        )
        for row in source_counts
    ]


# Records read from the current list: one page. Other cases get their address only.
MAX_RECORDS = 100

citation = APIRouter(include_in_schema=False, route_class=PageRoute)


@citation.get("/c/{code}")
async def show_citation(page: CurrentPage, code: str) -> Response:
    """Show a citation as cited and as of now."""
    answer = await page.api.read(read_citation, code=code)
    places, records, cited_by_source, current_by_source = await gather(
        fetch_facility_list(page), _fetch_changed_records(page, answer), *_request_counts_by_source(page, answer)
    )
    formatter, view = build_term_formatter(page, places), build_citation_view(answer, page.catalogue, records)
    sources = build_source_counts(cited_by_source, current_by_source, formatter.sources)
    page.shared_figure = draw_then_and_now(page, view, sources, code)
    return await page.show(
        "citation.html",
        caching=CACHE_REVALIDATE,
        headers=build_link_header(build_cite_as_links(view.cited_count["links"]["cite"])),
        view=view,
        citation=answer["citation"],
        code=code,
        formatter=formatter,
        question=formatter.describe_count(view.noun, view.cited_count["terms"]),
        groups=build_group_pairs(view.cited_count, view.current_count, formatter),
        days=(format_cited_day(page, view), format_current_day(page, view)),
        bar=build_growth_figure(page, view) if view.added_count or view.removed_count else None,
        verified=page.shared_figure,
    )


async def build_then_and_now_figure(page: Page, terms: Mapping[str, Any]) -> Figure:
    """Build the figure of who had verified what the citation `code` counts, when cited and now."""
    code = str(terms.get("code"))
    answer = await page.api.read(read_citation, code=code)
    view = build_citation_view(answer, page.catalogue, {})
    if not view.has_file:
        raise no_such_page()
    cited_by_source, current_by_source = await gather(*_request_counts_by_source(page, answer))
    names = {slug: str(source["name"]) for slug, source in page.sources.items()}
    return draw_then_and_now(page, view, build_source_counts(cited_by_source, current_by_source, names), code)


def _request_counts_by_source(page: Page, answer: Mapping[str, Any]) -> list[Coroutine[Any, Any, Any]]:
    """Request the cited and the current count, both grouped by source."""
    return [
        page.api.read_address(
            urlsplit(count["links"]["permalink"]).path,
            {**parse_question(count["links"]["permalink"]), "group_by": "source"},
            as_of=format_revision(count["at"]["revision"]),
        )
        for count in (answer["cited"], answer["today"])
    ]


async def _fetch_changed_records(page: Page, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Fetch the currently counted records that changed since the citation, by id."""
    address = answer["today"]["links"]["list"]
    if address is None or not answer["difference"]["cases"]:
        return {}
    since = format_revision(answer["cited"]["at"]["revision"])
    terms = {**parse_question(address), "changed_since": since, "limit": MAX_RECORDS}
    record_list = await page.api.read_address(urlsplit(address).path, terms)
    return {record["id"]: record for record in record_list["data"] if "facts" in record}
