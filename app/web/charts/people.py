"""Draw one square for each release: by number of verifying sources, count-only people, and what is not in the
count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.api.routes.counts import count_releases
from app.formats import capitalize_first_letter
from app.vocabulary import Stage
from app.web.api_client import drop_grouping, gather
from app.web.charts.text import measure_text
from app.web.count_text import describe_narrower_count, format_release_noun, parse_stage
from app.web.figure import PHONE_WIDTH, SEVEN_COLUMNS_WIDTH, Figure, render_drawing, render_drawings
from app.web.page import Page
from app.web.rendering import Catalogue

SQUARE, RASTER = 12, 18
ROWS = {SEVEN_COLUMNS_WIDTH: 34, PHONE_WIDTH: 18}  # squares in a row, by the width of the drawing
MAX_SQUARES = 1_000  # of more releases, a square stands for ten, then a hundred
GAP = 26  # px between counted, refuted and unknown squares
UNKNOWN = {SEVEN_COLUMNS_WIDTH: 10, PHONE_WIDTH: 6}  # squares for unreported people, whose number is unknown
LABEL = 13  # font size, px
# Classes in the order of their squares. Releases in no list come last, whatever their class.
COUNTED_CLASSES = ("three", "two", "one", "contested", "reported")
WITHHELD, REFUTED = "withheld", "refuted"
UNDER_REVIEW = ("awaiting_review", "rejected")


@dataclass(frozen=True)
class ReleaseNumbers:
    """The numbers of a count of releases. `classes`: by `COUNTED_CLASSES`, which add up to `releases`; `addresses`:
    API addresses of their lists; `withheld`: releases in no list."""

    releases: int
    verified: int
    classes: Mapping[str, int]
    withheld: int
    refuted: int
    uncertain_date: int
    unlinkable: int
    possible_duplicates: int
    addresses: Mapping[str, str]
    awaiting_review: int = 0
    rejected: int = 0


@dataclass(frozen=True)
class Square:
    """The upper left corner of a square."""

    x: float
    y: float


@dataclass(frozen=True)
class Squares:
    """Placed squares. `refuted`: below a rule at `rule`, labelled at `refuted_label`; `unknown`: for unreported
    people, labelled at `unknown_label`."""

    width: int
    height: float
    classes: Mapping[str, Sequence[Square]]
    rule: float
    refuted: Sequence[Square]
    refuted_label: Square
    unknown: Sequence[Square]
    unknown_label: Square


def read_release_numbers(total: Mapping[str, Any], exact: Mapping[str, Any]) -> ReleaseNumbers:
    """Read the numbers from two answers: a count by status, and the same count by status and number of verifying
    sources."""
    by_status = {group["by"]["status"]: group for group in total["groups"]}
    verified_by_sources = {
        group["by"]["source_count"]: group for group in exact["groups"] if group["by"]["status"] == "verified"
    }
    total_numbers, caveats = total["total"], total["caveats"]
    groups = {
        "two": verified_by_sources.get(2),
        "one": verified_by_sources.get(1),
        "contested": by_status.get("contested"),
        "reported": by_status.get("reported"),
        REFUTED: by_status.get("refuted"),
    }
    addresses = {name: group["list"] for name, group in groups.items() if group is not None and group.get("list")}
    three = by_status.get("verified", {"counts": {"by_min_sources": {}}})
    if three.get("list"):
        addresses["three"] = f"{three['list']}&min_sources=3"
    classes = {
        name: group["counts"]["cases"] for name, group in groups.items() if group is not None and name != REFUTED
    }
    return ReleaseNumbers(
        releases=total_numbers["cases"],
        verified=total_numbers["verified"],
        classes={
            **dict.fromkeys(COUNTED_CLASSES, 0),
            **classes,
            "three": three["counts"]["by_min_sources"].get("3", 0),
        },
        withheld=caveats["withheld"],
        refuted=total_numbers["refuted"],
        uncertain_date=caveats["uncertain_date"],
        unlinkable=caveats["unlinkable"],
        possible_duplicates=caveats["possible_duplicates"],
        awaiting_review=caveats["awaiting_review"],
        rejected=caveats["rejected"],
        addresses=addresses,
    )


def compute_square_unit(releases: int) -> int:
    """Return how many releases a square stands for: the smallest power of ten that needs at most `MAX_SQUARES`."""
    unit = 1
    while releases > unit * MAX_SQUARES:
        unit *= 10
    return unit


def distribute_withheld(numbers: ReleaseNumbers) -> dict[str, int]:
    """Return the releases by class as they are drawn. Those in no list are subtracted from the largest class, so that
    their place reveals nothing about them."""
    classes, remaining = dict(numbers.classes), numbers.withheld
    for name in sorted(COUNTED_CLASSES, key=lambda name: -classes[name]):
        moved_count = min(remaining, classes[name])
        classes[name] -= moved_count
        remaining -= moved_count
    return {**classes, WITHHELD: numbers.withheld - remaining}


def lay_out_squares(numbers: ReleaseNumbers, width: int, refuted_words: str) -> Squares:
    """Lay out the squares in a drawing of `SEVEN_COLUMNS_WIDTH` or `PHONE_WIDTH`."""
    row_length, unit = ROWS[width], compute_square_unit(numbers.releases)
    classes: dict[str, Sequence[Square]] = {}
    place = 0
    for name, releases in distribute_withheld(numbers).items():
        squares = -(-releases // unit)  # the last square of a class may stand for fewer
        classes[name] = [_place_square(place + n, row_length) for n in range(squares)]
        place += squares
    rule = -(-place // row_length) * RASTER + (GAP - RASTER) / 2
    next_top, refuted_squares, refuted_label = rule + GAP - RASTER, [], Square(0, 0)
    if numbers.refuted:
        crosses = -(-numbers.refuted // unit)
        refuted_squares = [_place_square(n, row_length, next_top) for n in range(crosses)]
        refuted_label, last = _position_label(refuted_squares[-1], refuted_words, width)
        next_top = last + GAP
    unknown = [_place_square(n, row_length, next_top) for n in range(UNKNOWN[width])]
    label, last = _position_label(unknown[-1], "", width)
    return Squares(width, last + SQUARE + 4, classes, rule, refuted_squares, refuted_label, unknown, label)


def _place_square(place: int, row_length: int, top: float = 0) -> Square:
    return Square(place % row_length * RASTER, top + place // row_length * RASTER)


def _position_label(square: Square, words: str, width: int) -> tuple[Square, float]:
    """Return the baseline of a label after a square, or below it if it does not fit, and the top of the row where it
    ends."""
    x = square.x + RASTER + 4
    if x + measure_text(words, LABEL) <= width:
        return Square(x, square.y + SQUARE - 1), square.y
    return Square(0, square.y + RASTER + SQUARE - 1), square.y + RASTER


async def load_people_figure(page: Page, terms: Mapping[str, Any]) -> Figure:
    """Build the squares of the releases of a count."""
    count_terms = drop_grouping(terms)
    total, exact = await gather(
        page.api.read(count_releases, {**count_terms, "group_by": "status"}),
        page.api.read(count_releases, {**count_terms, "group_by": ["status", "source_count"]}),
    )
    return replace(
        build_people_figure(read_release_numbers(total, exact), page, count_terms),
        count_scope=describe_narrower_count(page, total["terms"]),
    )


def build_people_figure(numbers: ReleaseNumbers, page: Page, terms: Mapping[str, Any]) -> Figure:
    """Build the figure: both drawings, and the key next to them, which is the table."""
    words, rows, unit = page.catalogue, build_key_rows(numbers, page), compute_square_unit(numbers.releases)
    _ = words.gettext
    row_texts = [f"{words.number(row.number)} {row.meaning}" for row in rows]
    stage = parse_stage(terms)
    whole_text = f"{words.number(numbers.releases)} {format_release_noun(stage, numbers.releases, words)}"
    by_name = dict(zip([row.swatch for row in rows], row_texts, strict=True))
    finding = f"{whole_text}: {'; '.join(row_texts)}."
    layouts = [lay_out_squares(numbers, width, by_name[REFUTED]) for width in (SEVEN_COLUMNS_WIDTH, PHONE_WIDTH)]
    wide, narrow = render_drawings("people", words, layouts, refuted=by_name[REFUTED], finding=finding)
    return Figure(
        name="people",
        heading=format_people_heading(numbers, words, whole_text),
        finding=finding,
        wide=wide,
        narrow=narrow,
        caption=format_people_caption(stage, unit, words),
        columns=[capitalize_first_letter(format_release_noun(stage, 2, words)), _("What they are")],
        rows=[(row.number, row.meaning) for row in rows],
        key=render_drawing("people_key", words, rows=rows),
        terms=terms,
    )


def format_people_caption(stage: Stage, unit: int, words: Catalogue) -> str:
    """Explain what a square stands for, and where those in no list are."""
    _ = words.gettext
    square = {
        Stage.ANNOUNCED: _("Each square is somebody's announced release, carried out or not."),
        Stage.ORDERED: _("Each square is somebody's ordered release, carried out or not."),
        Stage.CARRIED_OUT: _("Each square is somebody's release."),
    }[stage]
    if unit > 1:
        square = _("Each square is %(unit)s releases, the last of each kind %(unit)s or fewer.") % {"unit": unit}
    return square + " " + _("Those in no list stand last, without day or source.")


def format_people_heading(numbers: ReleaseNumbers, words: Catalogue, whole_text: str) -> str:
    """Summarise the squares in a sentence."""
    verified_text = words.ngettext("%(number)s verified", "%(number)s verified", numbers.verified)
    withheld_text = words.ngettext("%(number)s in no list", "%(number)s in no list", numbers.withheld)
    return words.gettext("%(releases)s, of which %(verified)s; %(withheld)s") % {
        "releases": whole_text,
        "verified": verified_text % {"number": words.number(numbers.verified)},
        "withheld": withheld_text % {"number": words.number(numbers.withheld)},
    }


@dataclass(frozen=True)
class KeyRow:
    """A row of the key. `swatch`: the class of the square before it, if any."""

    swatch: str
    number: int
    meaning: str
    address: str | None = None


def build_key_rows(numbers: ReleaseNumbers, page: Page) -> list[KeyRow]:
    """Build the rows of the key, including those of zero except of reports under review."""
    _, ngettext = page.catalogue.gettext, page.catalogue.ngettext
    classes, whole = numbers.classes, {"number": page.catalogue.number(numbers.releases)}
    meanings = {
        "three": ngettext("verified by three sources or more", "verified by three sources or more", classes["three"]),
        "two": ngettext("verified by two", "verified by two", classes["two"]),
        "one": ngettext("verified by one alone", "verified by one alone", classes["one"]),
        "contested": ngettext(
            "contested: a source disputes or refutes it", "contested: a source disputes or refutes it",
            classes["contested"],
        ),
        "reported": ngettext(
            "only reported: somebody says so, nobody independent verified it",
            "only reported: somebody says so, nobody independent verified it",
            classes["reported"],
        ),
        WITHHELD: _(
            "of the same %(number)s, in no list: drawn last in place of squares of the largest kind, so that nothing "
            "tells their source or day"
        ) % whole,
        REFUTED: ngettext("refuted: outside the count", "refuted: outside the count", numbers.refuted),
        "apart": _("of the %(number)s, of people who cannot be recognised across sources: one may stand twice") % whole,
        "uncertain": _("of uncertain date: outside the count"),
        "unresolved": ngettext(
            "possible duplicate to be resolved", "possible duplicates to be resolved", numbers.possible_duplicates
        ),
        "awaiting_review": ngettext(
            "report awaiting review: outside the count", "reports awaiting review: outside the count",
            numbers.awaiting_review,
        ),
        "rejected": ngettext(
            "report rejected by a curator: outside the count", "reports rejected by a curator: outside the count",
            numbers.rejected,
        ),
    }  # fmt: skip
    counts = {
        **classes, WITHHELD: numbers.withheld, REFUTED: numbers.refuted, "apart": numbers.unlinkable,
        "uncertain": numbers.uncertain_date, "unresolved": numbers.possible_duplicates,
        "awaiting_review": numbers.awaiting_review, "rejected": numbers.rejected,
    }  # fmt: skip
    addresses = {name: page.to_page_address(address) for name, address in numbers.addresses.items()}
    return [
        KeyRow(name, counts[name], text, addresses.get(name))
        for name, text in meanings.items()
        if counts[name] or name not in UNDER_REVIEW
    ]
