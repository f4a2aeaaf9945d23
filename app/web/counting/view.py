"""What the page of a count shows beneath the form, made of the API's answer (pure)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.formats import capital
from app.queries.countables import countable_counted
from app.queries.terms import DIMENSIONS
from app.web.charts.groups import Group
from app.web.told import Told

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
