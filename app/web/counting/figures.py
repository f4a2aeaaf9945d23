"""The figure of a count: its groups, where they are of one dimension."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.queries.terms import RELEASES
from app.web.charts.groups import MOST_COLUMNS, Bars, Group, lay_out_bars, lay_out_columns
from app.web.counting.view import bars_of, is_of_time, noun_of, table_of, time_of
from app.web.figure import PHONE, WHOLE, Figure, drawing
from app.web.page import Page
from app.web.told import WITHHELD, Told, narrower, question_of

ORDERED = ("sources", "age_group")  # dimensions whose values have an order
NAMED = 4  # groups in the sentence of a figure: the largest


def groups_drawn(page: Page, count: Mapping[str, Any], told: Told) -> Figure | None:
    """The groups of a count. None where they are none, of several dimensions, or more times than can be drawn."""
    groups = bars_of(count, told)
    if not groups:
        return None
    (name,) = count["terms"]["group_by"]
    if is_of_time(name):
        return _over_time(page, name, count, groups, told)
    return _side_by_side(page, name, count, groups, told)


def has_files(count: Mapping[str, Any]) -> bool:
    """Whether the figure stands as a file too: not where it follows today's consent, for files are kept elsewhere."""
    return noun_of(count) == RELEASES and "not_visible" not in count


def _side_by_side(page: Page, name: str, count: Mapping[str, Any], groups: Sequence[Group], told: Told) -> Figure:
    words = page.catalogue
    led = [
        Group(group.label, group.parts, page.narrowed(group.list), group.at) for group in _in_order(name, groups, told)
    ]
    charts = [lay_out_bars(led, words.number, width) for width in (WHOLE, PHONE)]
    finding = _finding(name, groups, told)
    wide, narrow = (drawing("groups", words, chart=chart, finding=finding) for chart in charts)
    return _figure(page, name, count, told, finding, wide, narrow, _caption(page, count, charts[0]))


def _in_order(name: str, groups: Sequence[Group], told: Told) -> list[Group]:
    """The largest first where values have no order of their own; what is not known or may not be shown stays last."""
    last = {told.value(name, None), told.value(name, WITHHELD)}
    return [*groups] if name in ORDERED else sorted(groups, key=lambda group: (group.label in last, -group.number))


def _over_time(
    page: Page, name: str, count: Mapping[str, Any], groups: Sequence[Group], told: Told
) -> Figure | None:  # fmt: skip
    words = page.catalogue
    steps = [group.at for group in groups if group.at is not None]
    if not steps or max(steps) - min(steps) >= MOST_COLUMNS:
        return None
    years = {time_of(name, step)[:4] for step in (min(steps), max(steps))}

    def told_at(step: int) -> str:
        text = time_of(name, step)
        return words.short_day(text) if len(years) == 1 else words.day(text)

    unit = told.things(noun_of(count))
    finding = _finding(name, groups, told)
    wide, narrow = (
        drawing(
            "columns", words, chart=lay_out_columns(groups, words.number, told_at, width), finding=finding, unit=unit
        )
        for width in (WHOLE, PHONE)
    )
    return _figure(page, name, count, told, finding, wide, narrow, _caption(page, count, None))


def _figure(
    page: Page, name: str, count: Mapping[str, Any], told: Told, finding: str, wide: Any, narrow: Any, caption: str
) -> Figure:  # fmt: skip
    words = page.catalogue
    table = table_of(count, told)
    assert table is not None
    return Figure(
        name="groups",
        heading=words.gettext("In groups by %(dimension)s") % {"dimension": told.dimension(name).lower()},
        finding=finding,
        wide=wide,
        narrow=narrow,
        caption=caption,
        columns=[*table.dimensions, *(column.label for column in table.columns)],
        rows=[[*row.names, *row.numbers] for row in table.rows],
        terms=question_of(count["permalink"]) if has_files(count) else None,
        counted=narrower(page, count["terms"]) if has_files(count) else "",
    )


def _finding(name: str, groups: Sequence[Group], told: Told) -> str:
    """The largest groups with their numbers."""
    words = told.words
    largest = sorted(groups, key=lambda group: -group.number)
    named = [f"{group.label}: {words.number(group.number)}" for group in largest[:NAMED]]
    more = len(largest) - len(named)
    if more > 0:
        named.append(words.ngettext("%(number)s more", "%(number)s more", more) % {"number": words.number(more)})
    return f"{told.dimension(name)}. {words.listed(named)}"


def _caption(page: Page, count: Mapping[str, Any], bars: Bars | None) -> str:
    words = page.catalogue
    _ = words.gettext
    by_source = count["terms"]["group_by"] == ["source"]
    said = [
        _("What each source verified. What it only reports is in the table.")
        if by_source
        else _("Dark: verified. Light: contested. Hollow: only reported.")
    ]
    if count.get("adds_up") is False:
        said.append(_("The groups overlap: they do not add up."))
    if bars is not None and bars.left_out:
        more = words.ngettext(
            "The table has %(number)s more group.", "The table has %(number)s more groups.", bars.left_out
        )
        said.append(more % {"number": words.number(bars.left_out)})
    return " ".join(said)
