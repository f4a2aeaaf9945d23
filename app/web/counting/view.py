"""Build what the page of a count shows below the form: its table of groups, asides, and a figure of groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.formats import capitalize_first_letter
from app.queries.countables import find_countable_of_path
from app.queries.dimensions import DETENTIONS, DIMENSIONS, HELD, RELEASES
from app.web.charts.groups import MAX_TIME_COLUMNS, Group, GroupBars, lay_out_group_bars, lay_out_group_columns
from app.web.count_text import WITHHELD, TermFormatter, describe_narrower_count, has_personal_terms, parse_question
from app.web.figure import FULL_WIDTH, PHONE_WIDTH, Figure, render_drawing
from app.web.page import Page
from app.web.rendering import describe_under_review

MAX_GROUP_ROWS = 200  # the file has all groups
DAYS_OF_WEEK, MONTHS = 7, 12


@dataclass(frozen=True)
class Column:
    """A column of numbers in the table of groups."""

    key: str
    label: str


@dataclass(frozen=True)
class GroupRow:
    """A group: the names of its values, its numbers in column order, and the address of its list."""

    names: Sequence[str]
    numbers: Sequence[int]
    list: str | None


@dataclass(frozen=True)
class GroupTable:
    """The groups of a count. `omitted_count`: groups that are not shown."""

    dimensions: Sequence[str]
    columns: Sequence[Column]
    rows: Sequence[GroupRow]
    omitted_count: int
    has_overlap: bool


@dataclass(frozen=True)
class Aside:
    """A secondary number of a count, with its meaning."""

    number: int
    text: str


def get_count_noun(count: Mapping[str, Any]) -> str:
    return find_countable_of_path(count["links"]["permalink"]).noun


def build_group_table(count: Mapping[str, Any], formatter: TermFormatter) -> GroupTable | None:
    """Build the table of groups; None if the count has none."""
    groups, names = count["groups"], count["terms"].get("group_by", [])
    if not names:
        return None
    columns = _select_columns(groups, names, get_count_noun(count), formatter)
    rows = [
        GroupRow(
            [formatter.format_value(name, group["by"][name]) for name in names],
            [_get_group_number(group, column.key) for column in columns],
            group["list"],
        )
        for group in groups[:MAX_GROUP_ROWS]
    ]
    labels = [formatter.get_dimension_label(name) for name in names]
    return GroupTable(labels, columns, rows, max(0, len(groups) - MAX_GROUP_ROWS), count["caveats"]["groups_overlap"])


def _get_group_number(group: Mapping[str, Any], key: str) -> int:
    counts = group["counts"]
    number: int = counts["by_min_sources"].get(key, 0) if key.isdigit() else counts[key]
    return number


def _select_columns(
    groups: Sequence[Mapping[str, Any]], names: Sequence[str], noun: str, formatter: TermFormatter
) -> list[Column]:
    """Return the columns that all groups have, and those with a number in any of them."""
    words = formatter.words
    _ = words.gettext
    if "source" in names:
        fixed_columns = [Column("verified", _("Number verified")), Column("reported", _("Only reported"))]
        optional_columns = [
            Column("official_only", _("Official only")),
            Column("disputed", _("Disputed")),
            Column("refuted", _("Refuted")),
            Column("retracted", _("withdrawn")),
            Column("uncertain_date", _("of an uncertain date")),
            Column("only_this_source", _("by this source alone")),
            Column("awaiting_review", _("awaiting review")),
            Column("rejected", _("rejected by a curator")),
        ]
    else:
        number = {RELEASES: _("Releases"), DETENTIONS: _("Detentions"), HELD: _("People held")}[noun]
        fixed_columns = [
            Column("cases", number),
            Column("verified", _("Number verified")),
            Column("reported", _("Only reported")),
        ]
        optional_columns = [
            Column("contested", _("contested")),
            Column("refuted", _("refuted and apart")),
            Column("official_only", _("official only and apart")),
            Column("2", _("by at least two")),
            Column("3", _("by at least three")),
        ]
    used_columns = [
        column for column in optional_columns if any(_get_group_number(group, column.key) for group in groups)
    ]
    columns = [*fixed_columns, *used_columns, Column("people", _("people"))]
    return [Column(column.key, capitalize_first_letter(column.label)) for column in columns]


def build_bar_groups(count: Mapping[str, Any], formatter: TermFormatter) -> list[Group]:
    """Return the groups of one dimension for drawing; of sources, what they verified. Empty with several dimensions,
    or none."""
    names = count["terms"].get("group_by", [])
    if len(names) != 1:
        return []
    (name,) = names
    groups = [
        Group(
            formatter.format_value(name, group["by"][name]),
            _get_bar_parts(name, group["counts"]),
            group["list"],
            parse_time_step(name, group["by"][name]),
        )
        for group in count["groups"]
    ]
    return [group for group in groups if group.number]


def _get_bar_parts(name: str, counts: Mapping[str, Any]) -> tuple[int, int, int]:
    verified = counts["verified"]
    return (verified, 0, 0) if name == "source" else (verified, counts["contested"], counts["reported"])


def is_time_dimension(name: str) -> bool:
    return DIMENSIONS[name].unit is not None


def parse_time_step(name: str, value: Any) -> int | None:
    """Convert a day, week or month to a number of steps; None for a value without time."""
    if value is None or not is_time_dimension(name):
        return None
    if name == "month":
        year, month = value.split("-")
        return int(year) * MONTHS + int(month) - 1
    if name == "week":
        year, week = value.split("-W")
        return date.fromisocalendar(int(year), int(week), 1).toordinal() // DAYS_OF_WEEK
    return date.fromisoformat(value).toordinal()


def format_time_step(name: str, step: int) -> str:
    """Format a step as a day, a month, or the first day of a week."""
    if name == "month":
        return f"{step // MONTHS:04}-{step % MONTHS + 1:02}"
    return date.fromordinal(step * DAYS_OF_WEEK + 1 if name == "week" else step).isoformat()


def list_asides(count: Mapping[str, Any], formatter: TermFormatter) -> list[Aside]:
    """Return the secondary numbers. Those of every count are listed even if zero."""
    _ = formatter.words.gettext
    texts = {
        "withheld": _("people who stand in no list, only in the numbers"),
        "unlinkable": _("of people who may not be recognised across organisations: one may be counted twice"),
        "uncertain_date": _(
            "of an uncertain date: perhaps inside and not counted, or counted although a source that checked gives "
            "another date"
        ),
        "possible_duplicates": _("pairs who may be one person, until a curator has decided"),
        "not_visible": _("of whom a value asked about may not be shown"),
        "outside_held_within": _("not counted: no report shows them inside within these years"),
        "redactions_since": _("people erased since that revision"),
    }
    caveats, is_held_count = count["caveats"], get_count_noun(count) != RELEASES
    always_listed = {"withheld", "unlinkable", "uncertain_date", "possible_duplicates"}
    if has_personal_terms(count["terms"]):
        always_listed.add("not_visible")
    if is_held_count:
        always_listed.add("outside_held_within")
    return [Aside(caveats[name], text) for name, text in texts.items() if caveats[name] or name in always_listed]


ORDERED_DIMENSIONS = ("sources", "age_group")  # dimensions whose values have an order
MAX_NAMED_GROUPS = 4  # in the sentence of a figure: the largest groups


def draw_groups(page: Page, count: Mapping[str, Any], formatter: TermFormatter) -> Figure | None:
    """Build the figure of groups; None without groups, with several dimensions, or with too many times."""
    groups = build_bar_groups(count, formatter)
    if not groups:
        return None
    (name,) = count["terms"]["group_by"]
    if is_time_dimension(name):
        return _draw_columns(page, name, count, groups, formatter)
    return _draw_bars(page, name, count, groups, formatter)


def has_files(count: Mapping[str, Any]) -> bool:
    """Return whether the figure is available as a file. A count that depends on today's consent is not: files are
    cached elsewhere."""
    return get_count_noun(count) == RELEASES and not has_personal_terms(count["terms"])


def _draw_bars(
    page: Page, name: str, count: Mapping[str, Any], groups: Sequence[Group], formatter: TermFormatter
) -> Figure:
    words = page.catalogue
    linked_groups = [
        Group(group.label, group.parts, page.narrow_list_address(group.list_address), group.time_step)
        for group in _sort_groups(name, groups, formatter)
    ]
    charts = [lay_out_group_bars(linked_groups, words.number, width) for width in (FULL_WIDTH, PHONE_WIDTH)]
    finding = _describe_finding(name, groups, formatter)
    wide, narrow = (render_drawing("groups", words, chart=chart, finding=finding) for chart in charts)
    return _build_figure(page, name, count, formatter, finding, wide, narrow, _build_caption(page, count, charts[0]))


def _sort_groups(name: str, groups: Sequence[Group], formatter: TermFormatter) -> list[Group]:
    """Sort groups by number unless their values have an order; unknown and withheld values come last."""
    last = {formatter.format_value(name, None), formatter.format_value(name, WITHHELD)}
    return (
        [*groups]
        if name in ORDERED_DIMENSIONS
        else sorted(groups, key=lambda group: (group.label in last, -group.number))
    )


def _draw_columns(
    page: Page, name: str, count: Mapping[str, Any], groups: Sequence[Group], formatter: TermFormatter
) -> Figure | None:  # fmt: skip
    words = page.catalogue
    steps = [group.time_step for group in groups if group.time_step is not None]
    if not steps or max(steps) - min(steps) >= MAX_TIME_COLUMNS:
        return None
    years = {format_time_step(name, step)[:4] for step in (min(steps), max(steps))}

    def format_tick(step: int) -> str:
        text = format_time_step(name, step)
        return words.short_day(text) if len(years) == 1 else words.day(text)

    unit = formatter.format_noun(get_count_noun(count))
    finding = _describe_finding(name, groups, formatter)
    wide, narrow = (
        render_drawing(
            "columns",
            words,
            chart=lay_out_group_columns(groups, words.number, format_tick, width),
            finding=finding,
            unit=unit,
        )
        for width in (FULL_WIDTH, PHONE_WIDTH)
    )
    return _build_figure(page, name, count, formatter, finding, wide, narrow, _build_caption(page, count, None))


def _build_figure(
    page: Page, name: str, count: Mapping[str, Any], formatter: TermFormatter, finding: str, wide: Any, narrow: Any,
    caption: str,
) -> Figure:  # fmt: skip
    words = page.catalogue
    table = build_group_table(count, formatter)
    assert table is not None
    return Figure(
        name="groups",
        heading=words.gettext("In groups by %(dimension)s")
        % {"dimension": formatter.get_dimension_label(name).lower()},
        finding=finding,
        wide=wide,
        narrow=narrow,
        caption=caption,
        columns=[*table.dimensions, *(column.label for column in table.columns)],
        rows=[[*row.names, *row.numbers] for row in table.rows],
        terms=parse_question(count["links"]["permalink"]) if has_files(count) else None,
        count_scope=describe_narrower_count(page, count["terms"]) if has_files(count) else "",
    )


def _describe_finding(name: str, groups: Sequence[Group], formatter: TermFormatter) -> str:
    """List the largest groups with their numbers."""
    words = formatter.words
    largest = sorted(groups, key=lambda group: -group.number)
    parts = [f"{group.label}: {words.number(group.number)}" for group in largest[:MAX_NAMED_GROUPS]]
    remaining_count = len(largest) - len(parts)
    if remaining_count > 0:
        parts.append(
            words.ngettext("%(number)s more", "%(number)s more", remaining_count)
            % {"number": words.number(remaining_count)}
        )
    return f"{formatter.get_dimension_label(name)}. {words.listed(parts)}"


def _build_caption(page: Page, count: Mapping[str, Any], bars: GroupBars | None) -> str:
    words = page.catalogue
    _ = words.gettext
    by_source = count["terms"]["group_by"] == ["source"]
    sentences = [
        _("What each source verified. What it only reports is in the table.")
        if by_source
        else _("Dark: verified. Light: contested. Hollow: only reported.")
    ]
    if count["caveats"]["groups_overlap"]:
        sentences.append(_("The groups overlap: they do not add up."))
    sentences += filter(None, [describe_under_review(count["caveats"], words)])
    if bars is not None and bars.omitted_count:
        sentence = words.ngettext(
            "The table has %(number)s more group.", "The table has %(number)s more groups.", bars.omitted_count
        )
        sentences.append(sentence % {"number": words.number(bars.omitted_count)})
    return " ".join(sentences)
