"""Who verified the same: rows of exact combinations of sources, with a dot for each source and a bar for the number.

No circles: areas of more than three of them mean nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import cos, radians, sin
from typing import Any

from markupsafe import Markup

from app.web.asking import Terms, ungrouped
from app.web.charts.text import ELLIPSIS, Linear, shortened, width_of, wrapped
from app.web.count_text import narrower
from app.web.figure import FIVE, PHONE, Figure, drawings, in_place_of_a_chart
from app.web.page import Page
from app.web.rendering import Catalogue

MOST_ROWS, MOST_COLUMNS = 10, 10
RISE, RUN = sin(radians(52)), cos(radians(52))  # of a head, which the template turns by so much
HEAD, HEAD_LINE, NUMBER, LABEL = 13, 14, 15, 12  # px of type; the second from one line of a head to the next
# How long heads may be, in px along the turned name, and in how many lines: the first that all names have room in. What
# is longer than the last stands whole in the table.
HEADS = ((200.0, 1), (200.0, 2), (200.0, 3), (330.0, 1))
STEP, NARROW_STEP, ROW, TO_ROWS = 30, 22, 30, 8
BETWEEN_HEADS = 3  # px between the lines of one head and those of the next
LEAST_BARS = 70  # px of the longest bar
TO_HEAD = 4  # px from the middle of a dot to where its head begins
EDGE, TO_BARS, TO_NUMBER = 8, 24, 7
Name = Callable[[str], str]
Address = Callable[[str], str]


@dataclass(frozen=True)
class Column:
    """A source, or all those without a column of their own. `told`: how many it verified."""

    name: str
    told: str = ""


@dataclass(frozen=True)
class Row:
    """How many the sources in these columns verified, and no others. `label`: what stands in place of dots where the
    row is of several combinations, or of none."""

    columns: Sequence[int]
    number: int
    told: str
    name: str
    address: str | None = None
    label: str = ""
    is_hollow: bool = False


@dataclass(frozen=True)
class Table:
    """What is drawn."""

    columns: Sequence[Column]
    rows: Sequence[Row]


@dataclass(frozen=True)
class Head:
    """A turned head: over which dots it begins, its number, and its name in lines, of which further ones begin at
    `indent` along it."""

    x: float
    told: str
    name: Sequence[str]
    indent: float


@dataclass(frozen=True)
class Line:
    """A row in a drawing."""

    row: Row
    top: float
    dots: Sequence[float]
    pale: Sequence[float]
    bar: float


@dataclass(frozen=True)
class Overlap:
    """A drawing."""

    width: float
    height: float
    head_y: float
    bars_x: float
    heads: Sequence[Head]
    lines: Sequence[Line]


def laid_out(table: Table, width: float) -> Overlap:
    """Where everything stands, in a drawing of FIVE or PHONE. A head ends where the drawing does."""
    heads = _heads(table, width)
    head_y = max(_length(head) for head in heads) * RISE + HEAD
    bars_x = _bars_x(table, heads[-1].x)
    scale = Linear(0, max(row.number for row in table.rows), 0, width - bars_x - _after_bars(table))
    lines = []
    for at, row in enumerate(table.rows):
        xs = {} if row.label else {column: head.x for column, head in enumerate(heads)}
        dots = [x for column, x in xs.items() if column in row.columns]
        pale = [x for column, x in xs.items() if column not in row.columns]
        lines.append(Line(row, head_y + TO_ROWS + ROW * at, dots, pale, max(scale(row.number), 1.0)))
    return Overlap(width, head_y + TO_ROWS + ROW * len(lines) + 1, head_y, bars_x, heads, lines)


def _bars_x(table: Table, last_dot: float) -> float:
    """Where bars begin: after the dots, and after the words that stand in their place."""
    return max(last_dot + TO_BARS, max(width_of(row.label, LABEL) for row in table.rows) + TO_NUMBER * 2)


def _after_bars(table: Table) -> float:
    return TO_NUMBER + max(width_of(row.told, NUMBER, bold=True) for row in table.rows)


def _heads(table: Table, width: float) -> list[Head]:
    """The heads in the first of the forms in which every name is whole and the bars have room; else in the last."""
    heads: list[Head] = []
    usual = STEP if width > PHONE else NARROW_STEP
    for length, lines in HEADS:
        step = max(usual, (HEAD_LINE * lines + BETWEEN_HEADS) / RISE) if lines > 1 else usual
        heads = [
            _head(column, EDGE + step * at, length, lines, width) for at, column in enumerate(table.columns)
        ]  # fmt: skip
        bars = width - _bars_x(table, heads[-1].x) - _after_bars(table)
        if bars >= LEAST_BARS and not any(head.name[-1].endswith(ELLIPSIS) for head in heads):
            return heads
    return heads


def _head(column: Column, x: float, length: float, lines: int, width: float) -> Head:
    """A head whose name has so many lines: each further one begins farther along, lest it run into the dots, and ends
    farther on in the drawing."""
    further = HEAD_LINE * (lines - 1)
    indent = max(width_of(column.told, HEAD, bold=True), further * RUN / RISE)
    room = min(length, (width - x - TO_HEAD - further * RISE) / RUN) - indent
    name = wrapped(column.name, room, HEAD, most=lines) if lines > 1 else [shortened(column.name, room, HEAD)]
    return Head(x, column.told, name, indent)


def _length(head: Head) -> float:
    """How long a head is, along its turned name."""
    return head.indent + max(width_of(line, HEAD) for line in head.name)


def table_of(overlap: Mapping[str, Any], name_of: Name, words: Catalogue, behind: Address) -> Table:
    """The columns and rows of an answer. Of many sources the smaller share a column, of many combinations a row."""
    sources = by_size(overlap, name_of)
    own = sources if len(sources) <= MOST_COLUMNS else sources[: MOST_COLUMNS - 1]
    column_of = {source["source"]: own.index(source) if source in own else len(own) for source in sources}
    columns = [Column(name_of(source["source"]), f"{words.number(source['verified'])} ") for source in own]
    if len(own) < len(sources):
        more = len(sources) - len(own)
        columns.append(Column(words.gettext("%(num)s more") % {"num": words.number(more)}))
    verified = [pattern for pattern in overlap["patterns"] if pattern["sources"]]
    shown = verified if len(verified) <= MOST_ROWS else verified[: MOST_ROWS - 1]

    def row(pattern: Mapping[str, Any], **further: Any) -> Row:
        number = pattern["releases"]
        places = sorted({column_of[slug] for slug in pattern["sources"]})
        names = words.listed(
            [name_of(source["source"]) for source in sources if source["source"] in pattern["sources"]]
        )
        return Row(places, number, words.number(number), names, _page(pattern, behind), **further)

    rows = [row(pattern) for pattern in shown]
    if len(shown) < len(verified):
        rest = verified[len(shown) :]
        label = words.gettext("%(num)s others") % {"num": words.number(len(rest))}
        number = sum(pattern["releases"] for pattern in rest)
        rows.append(Row((), number, words.number(number), _others(len(rest), words), label=label))
    for pattern in overlap["patterns"]:
        if not pattern["sources"]:
            none = words.gettext("none of them")
            by_none = words.gettext("Only reported: no independent source verified them")
            number = pattern["releases"]
            rows.append(Row((), number, words.number(number), by_none, _page(pattern, behind), none, is_hollow=True))
    return Table(columns, rows)


def _page(pattern: Mapping[str, Any], behind: Address) -> str | None:
    return behind(pattern["list"]) if pattern["list"] else None


def _others(combinations: int, words: Catalogue) -> str:
    return words.gettext("%(num)s other combinations") % {"num": words.number(combinations)}


def by_size(overlap: Mapping[str, Any], name_of: Name) -> list[Mapping[str, Any]]:
    """The sources, the largest lists first, those that tie by their names."""
    return sorted(overlap["sources"], key=lambda source: (-source["verified"], name_of(source["source"]).casefold()))


def heading_of(overlap: Mapping[str, Any], name_of: Name, words: Catalogue) -> str:
    """How many the large lists share. A list is large that has at least half as many as the largest."""
    _, sources = words.gettext, by_size(overlap, name_of)
    if not sources:
        return _("No independent source has verified any")
    largest, *others = sources
    large = [source for source in sources if source["verified"] * 2 >= largest["verified"]]
    if not others:
        return _("Only %(name)s has verified any") % {"name": name_of(largest["source"])}
    if len(large) == 1:
        return _("No other list has half as many as %(name)s") % {"name": name_of(largest["source"])}
    # Combinations are exact: no release stands in two, so that their numbers add up.
    both = {source["source"] for source in large}
    shared = sum(pattern["releases"] for pattern in overlap["patterns"] if both.issubset(pattern["sources"]))
    told = {"num": words.number(shared), "lists": words.number(len(large))}
    if not shared:
        return _("The large lists share none")
    sentences = {2: _("The two large lists share %(num)s"), 3: _("The three large lists share %(num)s")}
    return sentences.get(len(large), _("The %(lists)s large lists share %(num)s")) % told


async def overlap_figure(page: Page, terms: Terms) -> Figure:
    """The figure of who verified the same releases: one question to the API."""
    words = page.catalogue
    asked = ungrouped(terms)
    overlap = await page.api.get("/v1/counts/overlap", asked)
    _, heading = words.gettext, heading_of(overlap, page.name_of, words)
    sizes = [
        f"{page.name_of(source['source'])} {words.number(source['verified'])}"
        for source in by_size(overlap, page.name_of)
    ]
    finding = f"{heading}: {words.listed(sizes)}" if sizes else heading
    table = table_of(overlap, page.name_of, words, page.behind)
    caption = _(
        "Each row is one exact combination of sources; its bar says how many releases these sources verified and no "
        "others. Above each source stands how many it verified in all."
    )
    invented = _("In this demonstration, who verified the same as whom is invented.") if page.is_demo else ""
    wide, narrow = drawn(table, finding, words)
    return Figure(
        name="overlap",
        heading=heading,
        finding=finding,
        wide=wide,
        narrow=narrow,
        caption=f"{caption} {invented}".strip(),
        columns=(_("Verified by exactly"), _("How many releases")),
        rows=[
            *((row.name, row.number) for row in table.rows),
            *(
                (_in_all(page.name_of(source["source"]), words), source["verified"])
                for source in by_size(overlap, page.name_of)
            ),
        ],
        terms=asked,
        counted=narrower(page, overlap["terms"]),
    )


def _in_all(name: str, words: Catalogue) -> str:
    return words.gettext("%(name)s, alone or with others") % {"name": name}


def drawn(table: Table, finding: str, words: Catalogue) -> tuple[Markup, Markup]:
    """The wide and the narrow drawing; where nothing is verified, the sentence that says so."""
    if not table.columns:
        return in_place_of_a_chart(words.gettext("No independent source has verified any of what is asked for."), words)
    return drawings("overlap", words, [laid_out(table, FIVE), laid_out(table, PHONE)], finding=finding)
