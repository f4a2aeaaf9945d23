"""One square for each release: by how many sources verified it, who stands in no list, and what is not in the count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.formats import capital
from app.vocabulary import Stage
from app.web.asking import together, ungrouped
from app.web.charts.text import width_of
from app.web.count_text import narrower, release_at, stage_of
from app.web.figure import PHONE, SEVEN, Figure, drawing, drawings
from app.web.page import Page
from app.web.rendering import Catalogue

SQUARE, RASTER = 12, 18
ROWS = {SEVEN: 34, PHONE: 18}  # squares in a row, by the width of the drawing
MOST_SQUARES = 1_000  # beyond these a square is ten releases, then a hundred: more cannot be told apart
GAP = 26  # between the squares, the refuted ones and those of whom nothing is known
UNKNOWN = {SEVEN: 10, PHONE: 6}  # squares for those whom no source has reported: they have no end
LABEL = 13  # the size of its type
MANY = 2  # for the name of what is counted, whatever its number
# The classes of a count, in the order of their squares. Those in no list stand last, wherever they belong.
COUNTED = ("three", "two", "one", "contested", "reported")
WITHHELD, REFUTED = "withheld", "refuted"


@dataclass(frozen=True)
class Counted:
    """The numbers of a count of releases. `classes`: by COUNTED, which together are `releases`. `addresses`: of their
    lists, as the API names them. `withheld`: of all of them, those in no list."""

    releases: int
    verified: int
    classes: Mapping[str, int]
    withheld: int
    refuted: int
    uncertain_date: int
    counted_apart: int
    unresolved_duplicates: int
    addresses: Mapping[str, str]


@dataclass(frozen=True)
class Square:
    """The upper corner at the start."""

    x: float
    y: float


@dataclass(frozen=True)
class Squares:
    """Where each square stands. `refuted`: below a rule, at `rule`, its words at `refuted_label`. `unknown`: of whom
    nothing is known, its words at `unknown_label`."""

    width: int
    height: float
    classes: Mapping[str, Sequence[Square]]
    rule: float
    refuted: Sequence[Square]
    refuted_label: Square
    unknown: Sequence[Square]
    unknown_label: Square


def counted(total: Mapping[str, Any], exact: Mapping[str, Any]) -> Counted:
    """The numbers of two answers: a count by status, and the same by status and number of verifying sources."""
    by_status = {group["status"]: group for group in total["groups"]}
    verified = {group["sources"]: group for group in exact["groups"] if group["status"] == "verified"}
    whole = total["total"]
    groups = {
        "two": verified.get(2),
        "one": verified.get(1),
        "contested": by_status.get("contested"),
        "reported": by_status.get("reported"),
        REFUTED: by_status.get("refuted"),
    }
    addresses = {name: group["list"] for name, group in groups.items() if group is not None and group.get("list")}
    three = by_status.get("verified", {"by_min_sources": {}})
    if three.get("list"):
        addresses["three"] = f"{three['list']}&min_sources=3"
    classes = {name: group["releases"] for name, group in groups.items() if group is not None and name != REFUTED}
    return Counted(
        releases=whole["releases"],
        verified=whole["verified"],
        classes={**dict.fromkeys(COUNTED, 0), **classes, "three": three["by_min_sources"].get("3", 0)},
        withheld=total["withheld"],
        refuted=whole["refuted"],
        uncertain_date=total["uncertain_date"],
        counted_apart=whole["counted_apart"],
        unresolved_duplicates=total["unresolved_duplicates"],
        addresses=addresses,
    )


def unit_of(releases: int) -> int:
    """How many releases a square is: one, or the least power of ten that needs no more than MOST_SQUARES."""
    unit = 1
    while releases > unit * MOST_SQUARES:
        unit *= 10
    return unit


def shown(numbers: Counted) -> dict[str, int]:
    """Releases by class as they are drawn. Those in no list are taken from the largest class, so that where they stand
    says nothing about them."""
    classes, left = dict(numbers.classes), numbers.withheld
    for name in sorted(COUNTED, key=lambda name: -classes[name]):
        taken = min(left, classes[name])
        classes[name] -= taken
        left -= taken
    return {**classes, WITHHELD: numbers.withheld - left}


def laid_out(numbers: Counted, width: int, refuted_words: str) -> Squares:
    """The squares in a drawing of SEVEN or PHONE."""
    in_a_row, unit = ROWS[width], unit_of(numbers.releases)
    classes: dict[str, Sequence[Square]] = {}
    place = 0
    for name, releases in shown(numbers).items():
        squares = -(-releases // unit)  # the last one of a class may be fewer: nobody vanishes
        classes[name] = [_at(place + n, in_a_row) for n in range(squares)]
        place += squares
    rule = -(-place // in_a_row) * RASTER + (GAP - RASTER) / 2
    below, refuted, refuted_label = rule + GAP - RASTER, [], Square(0, 0)
    if numbers.refuted:
        crosses = -(-numbers.refuted // unit)
        refuted = [_at(n, in_a_row, below) for n in range(crosses)]
        refuted_label, last = _after(refuted[-1], refuted_words, width)
        below = last + GAP
    unknown = [_at(n, in_a_row, below) for n in range(UNKNOWN[width])]
    label, last = _after(unknown[-1], "", width)
    return Squares(width, last + SQUARE + 4, classes, rule, refuted, refuted_label, unknown, label)


def _at(place: int, in_a_row: int, top: float = 0) -> Square:
    return Square(place % in_a_row * RASTER, top + place // in_a_row * RASTER)


def _after(square: Square, words: str, width: int) -> tuple[Square, float]:
    """The base line of words after a square, or below it where they do not fit, and the top of the row they end in."""
    x = square.x + RASTER + 4
    if x + width_of(words, LABEL) <= width:
        return Square(x, square.y + SQUARE - 1), square.y
    return Square(0, square.y + RASTER + SQUARE - 1), square.y + RASTER


async def people_figure(page: Page, terms: Mapping[str, Any]) -> Figure:
    """The squares of the releases that terms of a count mean."""
    asked = ungrouped(terms)
    total, exact = await together(
        page.api.get("/v1/counts/releases", {**asked, "group_by": "status"}),
        page.api.get("/v1/counts/releases", {**asked, "group_by": ["status", "sources"]}),
    )
    return replace(figure_of(counted(total, exact), page, asked), counted=narrower(page, total["terms"]))


def figure_of(numbers: Counted, page: Page, terms: Mapping[str, Any]) -> Figure:
    """The figure of these numbers: both drawings, and the key beside them, which is the table."""
    words, rows, unit = page.catalogue, rows_of(numbers, page), unit_of(numbers.releases)
    _ = words.gettext
    told = [f"{words.number(row.number)} {row.means}" for row in rows]
    stage = stage_of(terms)
    whole = f"{words.number(numbers.releases)} {release_at(stage, numbers.releases, words)}"
    by_name = dict(zip([row.swatch for row in rows], told, strict=True))
    finding = f"{whole}: {'; '.join(told)}."
    laid = [laid_out(numbers, width, by_name[REFUTED]) for width in (SEVEN, PHONE)]
    wide, narrow = drawings("people", words, laid, refuted=by_name[REFUTED], finding=finding)
    return Figure(
        name="people",
        heading=heading_of(numbers, words, whole),
        finding=finding,
        wide=wide,
        narrow=narrow,
        caption=caption_of(stage, unit, words),
        columns=[capital(release_at(stage, MANY, words)), _("What they are")],
        rows=[(row.number, row.means) for row in rows],
        key=drawing("people_key", words, rows=rows),
        terms=terms,
    )


def caption_of(stage: Stage, unit: int, words: Catalogue) -> str:
    """What a square is, and where those in no list stand."""
    _ = words.gettext
    square = {
        Stage.ANNOUNCED: _("Each square is somebody's announced release, carried out or not."),
        Stage.ORDERED: _("Each square is somebody's ordered release, carried out or not."),
        Stage.CARRIED_OUT: _("Each square is somebody's release."),
    }[stage]
    if unit > 1:
        square = _("Each square is %(unit)s releases, the last of each kind %(unit)s or fewer.") % {"unit": unit}
    return square + " " + _("Those in no list stand last, without day or source.")


def heading_of(numbers: Counted, words: Catalogue, whole: str) -> str:
    """What the squares show, in a sentence."""
    verified = words.ngettext("%(number)s verified", "%(number)s verified", numbers.verified)
    withheld = words.ngettext("%(number)s in no list", "%(number)s in no list", numbers.withheld)
    return words.gettext("%(releases)s, of which %(verified)s; %(withheld)s") % {
        "releases": whole,
        "verified": verified % {"number": words.number(numbers.verified)},
        "withheld": withheld % {"number": words.number(numbers.withheld)},
    }


@dataclass(frozen=True)
class Row:
    """A row of the key. `swatch`: the class of the square before it, if any."""

    swatch: str
    number: int
    means: str
    address: str | None = None


def rows_of(numbers: Counted, page: Page) -> list[Row]:
    """The rows of the key, those with nobody too."""
    _, ngettext = page.catalogue.gettext, page.catalogue.ngettext
    classes, whole = numbers.classes, {"number": page.catalogue.number(numbers.releases)}
    means = {
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
            "possible duplicate to be resolved", "possible duplicates to be resolved", numbers.unresolved_duplicates
        ),
    }  # fmt: skip
    counts = {
        **classes, WITHHELD: numbers.withheld, REFUTED: numbers.refuted, "apart": numbers.counted_apart,
        "uncertain": numbers.uncertain_date, "unresolved": numbers.unresolved_duplicates,
    }  # fmt: skip
    addresses = {name: page.behind(address) for name, address in numbers.addresses.items()}
    return [Row(name, counts[name], text, addresses.get(name)) for name, text in means.items()]
