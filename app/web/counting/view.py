"""What the page of a count shows beneath the form, made of the API's answer (pure).

The figure of a count: its groups, where they are of one dimension."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.formats import capital
from app.queries.countables import countable_counted
from app.queries.terms import DIMENSIONS, RELEASES
from app.web.charts.groups import MOST_COLUMNS, Bars, Group, lay_out_bars, lay_out_columns
from app.web.count_text import WITHHELD, Told, narrower, question_of
from app.web.figure import PHONE, WHOLE, Figure, drawing
from app.web.page import Page

MOST_ROWS = 200  # of the table of groups: more are read in the file
DAYS_OF_WEEK, MONTHS = 7, 12


@dataclass(frozen=True)
class Column:
    """A column of numbers in the table of groups."""

    key: str
    label: str


@dataclass(frozen=True)
class GroupRow:
    """A group: the names of its values, its numbers in the order of the columns, and the list behind it."""

    names: Sequence[str]
    numbers: Sequence[int]
    list: str | None


@dataclass(frozen=True)
class GroupTable:
    """The groups of a count. `left_out`: how many more there are."""

    dimensions: Sequence[str]
    columns: Sequence[Column]
    rows: Sequence[GroupRow]
    left_out: int
    overlap: bool


@dataclass(frozen=True)
class Aside:
    """A number that stands beside a count, with what it means."""

    number: int
    text: str


def noun_of(count: Mapping[str, Any]) -> str:
    return countable_counted(count["total"]).noun


def table_of(count: Mapping[str, Any], told: Told) -> GroupTable | None:
    """The groups of a count; None where it asks for none."""
    groups, names = count.get("groups"), count["terms"].get("group_by", [])
    if groups is None:
        return None
    columns = _columns(groups, names, noun_of(count), told)
    rows = [
        GroupRow(
            [told.value(name, group[name]) for name in names],
            [_number(group, column.key) for column in columns],
            group["list"],
        )
        for group in groups[:MOST_ROWS]
    ]
    labels = [told.dimension(name) for name in names]
    return GroupTable(labels, columns, rows, max(0, len(groups) - MOST_ROWS), count.get("adds_up") is False)


def _number(group: Mapping[str, Any], key: str) -> int:
    number: int = group["by_min_sources"].get(key, 0) if key.isdigit() else group[key]
    return number


def _columns(groups: Sequence[Mapping[str, Any]], names: Sequence[str], noun: str, told: Told) -> list[Column]:
    """What all groups say, and what any of them says anything of."""
    words = told.words
    _ = words.gettext
    if "source" in names:
        always = [Column("verified", _("Number verified")), Column("reported", _("Only reported"))]
        further = [
            Column("disputed", _("Disputed")),
            Column("refuted", _("Refuted")),
            Column("retracted", _("withdrawn")),
            Column("uncertain_date", _("of an uncertain date")),
            Column("only_this_source", _("by this source alone")),
        ]
    else:
        number = _("Releases") if noun == "releases" else _("People held")
        always = [
            Column(noun, number),
            Column("verified", _("Number verified")),
            Column("reported", _("Only reported")),
        ]
        further = [
            Column("contested", _("contested")),
            Column("refuted", _("refuted and apart")),
            Column("2", _("by at least two")),
            Column("3", _("by at least three")),
        ]
    shown = [column for column in further if any(_number(group, column.key) for group in groups)]
    columns = [*always, *shown, Column("people", _("people"))]
    return [Column(column.key, capital(column.label)) for column in columns]


def bars_of(count: Mapping[str, Any], told: Told) -> list[Group]:
    """The groups of one dimension, as they are drawn: of sources what they verified, of others what counts. None where
    there are several dimensions, or none."""
    names = count["terms"].get("group_by", [])
    if len(names) != 1:
        return []
    (name,) = names
    groups = [
        Group(told.value(name, group[name]), _parts(name, group), group["list"], step_of(name, group[name]))
        for group in count["groups"]
    ]
    return [group for group in groups if group.number]


def _parts(name: str, group: Mapping[str, Any]) -> tuple[int, int, int]:
    return (group["verified"], 0, 0) if name == "source" else (group["verified"], group["contested"], group["reported"])


def is_of_time(name: str) -> bool:
    return DIMENSIONS[name].of_day is not None


def step_of(name: str, value: Any) -> int | None:
    """Which day, week or month a value is, in steps from a beginning; None for what has no time."""
    if value is None or not is_of_time(name):
        return None
    if name == "month":
        year, month = value.split("-")
        return int(year) * MONTHS + int(month) - 1
    if name == "week":
        year, week = value.split("-W")
        return date.fromisocalendar(int(year), int(week), 1).toordinal() // DAYS_OF_WEEK
    return date.fromisoformat(value).toordinal()


def time_of(name: str, step: int) -> str:
    """The day or the month of a step, a week by its first day."""
    if name == "month":
        return f"{step // MONTHS:04}-{step % MONTHS + 1:02}"
    return date.fromordinal(step * DAYS_OF_WEEK + 1 if name == "week" else step).isoformat()


def asides_of(count: Mapping[str, Any], told: Told) -> list[Aside]:
    """What a count says beside its number. What every count says is told where it is none too."""
    _ = told.words.gettext
    texts = {
        "withheld": _("people who stand in no list, only in the numbers"),
        "counted_apart": _("of people who may not be recognised across organisations: one may be counted twice"),
        "uncertain_date": _("of an uncertain date, within the window or not; outside the count"),
        "unresolved_duplicates": _("pairs who may be one person, until a curator has decided"),
        "not_visible": _("of whom a value asked about may not be shown"),
        "not_heard_since": _("not heard of for more than half a year"),
        "redactions_since": _("people erased since that revision"),
    }
    numbers = {"counted_apart": count["total"]["counted_apart"], **count}
    return [Aside(numbers[name], text) for name, text in texts.items() if numbers.get(name) is not None]


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
