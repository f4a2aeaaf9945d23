"""Draw which sources verified the same releases: one row for each exact combination, with dots for the sources and a
bar for the number.

There is no Venn diagram: areas of more than three circles mean nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import cos, radians, sin
from typing import Any

from markupsafe import Markup

from app.api.routes.counts import count_overlap
from app.web.api_client import Terms, drop_grouping
from app.web.charts.text import ELLIPSIS, LinearScale, measure_text, truncate_at_word, wrap_text
from app.web.count_text import describe_narrower_count
from app.web.figure import FIVE_COLUMNS_WIDTH, PHONE_WIDTH, Figure, draw_sentence, render_drawings
from app.web.page import Page
from app.web.rendering import Catalogue

MAX_COMBINATION_ROWS, MAX_SOURCE_COLUMNS = 10, 10
RISE, RUN = sin(radians(52)), cos(radians(52))  # of a heading: the template rotates it by this angle
HEADING_SIZE, HEADING_LINE_HEIGHT, NUMBER, LABEL = (
    13,
    14,
    15,
    12,
)  # px: font sizes and, second, the line height of headings
# Forms of headings: px along the rotated name, and number of lines. The first that fits all names is used; the table
# has names that are too long for any.
HEADING_FORMS = ((200.0, 1), (200.0, 2), (200.0, 3), (330.0, 1))
STEP, NARROW_STEP, ROW, TO_ROWS = 30, 22, 30, 8
HEADING_GAP = 3  # px between neighbouring headings
MIN_BARS_WIDTH = 70  # px for the longest bar
TO_HEADING = 4  # px from the centre of a dot to its heading
HEADING_DESCENT = 2  # px that letters of a turned heading reach to the right of its base line
EDGE, TO_BARS, TO_NUMBER = 8, 24, 7
Name = Callable[[str], str]
Address = Callable[[str], str]


@dataclass(frozen=True)
class Column:
    """A source, or all those without a column of their own. `number_text`: how many it verified."""

    name: str
    number_text: str = ""


@dataclass(frozen=True)
class CombinationRow:
    """How many exactly the sources in these columns verified. `label`: the text instead of dots if the row is of
    several combinations, or of none."""

    columns: Sequence[int]
    number: int
    number_text: str
    name: str
    address: str | None = None
    label: str = ""
    is_hollow: bool = False


@dataclass(frozen=True)
class Table:
    """The columns and rows of the drawing."""

    columns: Sequence[Column]
    rows: Sequence[CombinationRow]


@dataclass(frozen=True)
class ColumnHeading:
    """A rotated heading above a column of dots: its number, and its name in lines; further lines begin at
    `indent`."""

    x: float
    number_text: str
    name_lines: Sequence[str]
    indent: float


@dataclass(frozen=True)
class PlacedCombination:
    """A placed row."""

    row: CombinationRow
    top: float
    dots: Sequence[float]
    pale_dots: Sequence[float]
    bar_length: float


@dataclass(frozen=True)
class OverlapLayout:
    """A laid out drawing."""

    width: float
    height: float
    heading_y: float
    bars_x: float
    headings: Sequence[ColumnHeading]
    lines: Sequence[PlacedCombination]


def lay_out_overlap(table: Table, width: float) -> OverlapLayout:
    """Lay out the drawing in one of two widths, `FIVE_COLUMNS_WIDTH` or `PHONE_WIDTH`. Headings end at the edge of
    the drawing."""
    headings = _fit_headings(table, width)
    heading_y = max(_measure_heading(heading) for heading in headings) * RISE + HEADING_SIZE
    bars_x = _compute_bars_x(table, headings[-1].x)
    scale = LinearScale(0, max(row.number for row in table.rows), 0, width - bars_x - _compute_number_margin(table))
    lines = []
    for index, row in enumerate(table.rows):
        xs = {} if row.label else {column: heading.x for column, heading in enumerate(headings)}
        dots = [x for column, x in xs.items() if column in row.columns]
        pale_dots = [x for column, x in xs.items() if column not in row.columns]
        lines.append(
            PlacedCombination(row, heading_y + TO_ROWS + ROW * index, dots, pale_dots, max(scale(row.number), 1.0))
        )
    return OverlapLayout(width, heading_y + TO_ROWS + ROW * len(lines) + 1, heading_y, bars_x, headings, lines)


def _compute_bars_x(table: Table, last_dot: float) -> float:
    """Return where bars begin: after the dots, and after the labels that replace them."""
    return max(last_dot + TO_BARS, max(measure_text(row.label, LABEL) for row in table.rows) + TO_NUMBER * 2)


def _compute_number_margin(table: Table) -> float:
    return TO_NUMBER + max(measure_text(row.number_text, NUMBER, bold=True) for row in table.rows)


def _fit_headings(table: Table, width: float) -> list[ColumnHeading]:
    """Return the headings in the first form in which all names are complete and bars have room; otherwise in the last
    form."""
    headings: list[ColumnHeading] = []
    usual_step = STEP if width > PHONE_WIDTH else NARROW_STEP
    for length, lines in HEADING_FORMS:
        step = max(usual_step, (HEADING_LINE_HEIGHT * lines + HEADING_GAP) / RISE) if lines > 1 else usual_step
        headings = [
            _build_column_heading(column, EDGE + step * index, length, lines, width)
            for index, column in enumerate(table.columns)
        ]
        bars_width = width - _compute_bars_x(table, headings[-1].x) - _compute_number_margin(table)
        if bars_width >= MIN_BARS_WIDTH and not any(heading.name_lines[-1].endswith(ELLIPSIS) for heading in headings):
            return headings
    return headings


def _build_column_heading(column: Column, x: float, length: float, line_count: int, width: float) -> ColumnHeading:
    """Build a heading of so many lines. Each further line begins and ends farther along, so that it does not run into
    the dots."""
    extra_height = HEADING_LINE_HEIGHT * (line_count - 1)
    indent = max(measure_text(column.number_text, HEADING_SIZE, bold=True), extra_height * RUN / RISE)
    max_width = min(length, (width - x - TO_HEADING - HEADING_DESCENT - extra_height * RISE) / RUN) - indent
    name = (
        wrap_text(column.name, max_width, HEADING_SIZE, max_lines=line_count)
        if line_count > 1
        else [truncate_at_word(column.name, max_width, HEADING_SIZE)]
    )
    return ColumnHeading(x, column.number_text, name, indent)


def _measure_heading(heading: ColumnHeading) -> float:
    """Return the length of a heading along its rotated name."""
    return heading.indent + max(measure_text(line, HEADING_SIZE) for line in heading.name_lines)


def build_overlap_table(
    overlap: Mapping[str, Any], get_name: Name, words: Catalogue, to_page_address: Address
) -> Table:
    """Build the columns and rows of an answer. The smaller of many sources share a column, the smaller of many
    combinations a row."""
    sources = sort_sources_by_size(overlap, get_name)
    own_column_sources = sources if len(sources) <= MAX_SOURCE_COLUMNS else sources[: MAX_SOURCE_COLUMNS - 1]
    column_by_source = {
        source["source"]: own_column_sources.index(source) if source in own_column_sources else len(own_column_sources)
        for source in sources
    }
    columns = [
        Column(get_name(source["source"]), f"{words.number(source['verified'])} ") for source in own_column_sources
    ]
    if len(own_column_sources) < len(sources):
        merged_count = len(sources) - len(own_column_sources)
        columns.append(Column(words.gettext("%(num)s more") % {"num": words.number(merged_count)}))
    verified_patterns = [pattern for pattern in overlap["patterns"] if pattern["sources"]]
    shown_patterns = (
        verified_patterns
        if len(verified_patterns) <= MAX_COMBINATION_ROWS
        else verified_patterns[: MAX_COMBINATION_ROWS - 1]
    )

    def build_row(pattern: Mapping[str, Any], **row_options: Any) -> CombinationRow:
        number = pattern["cases"]
        places = sorted({column_by_source[slug] for slug in pattern["sources"]})
        names = words.listed(
            [get_name(source["source"]) for source in sources if source["source"] in pattern["sources"]]
        )
        return CombinationRow(
            places, number, words.number(number), names, _build_pattern_address(pattern, to_page_address), **row_options
        )

    rows = [build_row(pattern) for pattern in shown_patterns]
    if len(shown_patterns) < len(verified_patterns):
        rest = verified_patterns[len(shown_patterns) :]
        label = words.gettext("%(num)s others") % {"num": words.number(len(rest))}
        number = sum(pattern["cases"] for pattern in rest)
        rows.append(
            CombinationRow((), number, words.number(number), _format_other_combinations(len(rest), words), label=label)
        )
    for pattern in overlap["patterns"]:
        if not pattern["sources"]:
            none_label = words.gettext("none of them")
            none_name = words.gettext("Only reported: no independent source verified them")
            number = pattern["cases"]
            rows.append(
                CombinationRow(
                    (),
                    number,
                    words.number(number),
                    none_name,
                    _build_pattern_address(pattern, to_page_address),
                    none_label,
                    is_hollow=True,
                )
            )
    return Table(columns, rows)


def _build_pattern_address(pattern: Mapping[str, Any], to_page_address: Address) -> str | None:
    return to_page_address(pattern["list"]) if pattern["list"] else None


def _format_other_combinations(combinations: int, words: Catalogue) -> str:
    return words.gettext("%(num)s other combinations") % {"num": words.number(combinations)}


def sort_sources_by_size(overlap: Mapping[str, Any], get_name: Name) -> list[Mapping[str, Any]]:
    """Return the sources by size of their lists, largest first, ties by name."""
    return sorted(overlap["sources"], key=lambda source: (-source["verified"], get_name(source["source"]).casefold()))


def format_overlap_heading(overlap: Mapping[str, Any], get_name: Name, words: Catalogue) -> str:
    """State how many the large lists share. A list is large if it has at least half as many as the largest."""
    _, sources = words.gettext, sort_sources_by_size(overlap, get_name)
    if not sources:
        return _("No independent source has verified any")
    largest, *other_sources = sources
    large = [source for source in sources if source["verified"] * 2 >= largest["verified"]]
    if not other_sources:
        return _("Only %(name)s has verified any") % {"name": get_name(largest["source"])}
    if len(large) == 1:
        return _("No other list has half as many as %(name)s") % {"name": get_name(largest["source"])}
    # Combinations are exact: no release is in two, so their numbers add up.
    large_slugs = {source["source"] for source in large}
    shared_count = sum(pattern["cases"] for pattern in overlap["patterns"] if large_slugs.issubset(pattern["sources"]))
    values = {"num": words.number(shared_count), "lists": words.number(len(large))}
    if not shared_count:
        return _("The large lists share none")
    sentences = {2: _("The two large lists share %(num)s"), 3: _("The three large lists share %(num)s")}
    return sentences.get(len(large), _("The %(lists)s large lists share %(num)s")) % values


async def load_overlap_figure(page: Page, terms: Terms) -> Figure:
    """Build the figure of overlaps. Asks the API once."""
    words = page.catalogue
    count_terms = drop_grouping(terms)
    overlap = await page.api.read(count_overlap, count_terms)
    _, heading = words.gettext, format_overlap_heading(overlap, page.get_source_name, words)
    sizes = [
        f"{page.get_source_name(source['source'])} {words.number(source['verified'])}"
        for source in sort_sources_by_size(overlap, page.get_source_name)
    ]
    finding = f"{heading}: {words.listed(sizes)}" if sizes else heading
    table = build_overlap_table(overlap, page.get_source_name, words, page.to_page_address)
    caption = _(
        "Each row is one exact combination of sources; its bar says how many releases these sources verified and no "
        "others. Above each source stands how many it verified in all."
    )
    demo_note = _("In this demonstration, who verified the same as whom is invented.") if page.is_demo else ""
    wide, narrow = draw_overlap(table, finding, words)
    return Figure(
        name="overlap",
        heading=heading,
        finding=finding,
        wide=wide,
        narrow=narrow,
        caption=f"{caption} {demo_note}".strip(),
        columns=(_("Verified by exactly"), _("How many releases")),
        rows=[
            *((row.name, row.number) for row in table.rows),
            *(
                (_format_source_total(page.get_source_name(source["source"]), words), source["verified"])
                for source in sort_sources_by_size(overlap, page.get_source_name)
            ),
        ],
        terms=count_terms,
        count_scope=describe_narrower_count(page, overlap["terms"]),
    )


def _format_source_total(name: str, words: Catalogue) -> str:
    return words.gettext("%(name)s, alone or with others") % {"name": name}


def draw_overlap(table: Table, finding: str, words: Catalogue) -> tuple[Markup, Markup]:
    """Return the wide and the narrow drawing; a sentence if nothing is verified."""
    if not table.columns:
        return draw_sentence(words.gettext("No independent source has verified any of what is asked for."), words)
    return render_drawings(
        "overlap",
        words,
        [lay_out_overlap(table, FIVE_COLUMNS_WIDTH), lay_out_overlap(table, PHONE_WIDTH)],
        finding=finding,
    )
