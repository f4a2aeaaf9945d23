"""Where the texts of a drawing stand, as its SVG says it: each line as the corners of the box that it fills."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import cos, radians, sin
from xml.etree import ElementTree as Xml

from app.web.charts.text import measure_text

# The size of type of each class in the sheets; what is not here is 13 px.
SIZES = {"axis": 12, "figure-number": 15, "end-number": 15, "claim-number": 20, "segment-number": 20, "gap": 20}
USUAL = 13
BOLD = {"strong", "inside", *SIZES} - {"axis"}
ABOVE, BELOW = 0.7, 0.16  # of its size that a line of text goes above and below its letters' base line
SLACK = 1.0  # px that a text may pass an edge
TURNED = re.compile(r"translate\(([-\d.]+) ([-\d.]+)\) rotate\(([-\d.]+)\)")

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    text: str
    corners: tuple[Point, ...]

    def along(self, axis: Point) -> tuple[float, float]:
        """From where to where it goes in a direction."""
        reached = [x * axis[0] + y * axis[1] for x, y in self.corners]
        return min(reached), max(reached)

    def touches(self, other: "Box") -> bool:
        """Whether two boxes share room, however they are turned."""
        for one in (self, other):
            for (x, y), (next_x, next_y) in pairwise(one.corners[:3]):
                axis = (next_x - x, next_y - y)
                length = (axis[0] ** 2 + axis[1] ** 2) ** 0.5 or 1
                low, high = self.along(axis)
                other_low, other_high = other.along(axis)
                if min(high, other_high) - max(low, other_low) <= SLACK * length:
                    return False
        return True


@dataclass(frozen=True)
class Run:
    text: str
    size: float
    bold: bool
    starts: Point | None  # where a line begins; None goes on after the run before it


def boxes_of(svg: str, sizes: dict[str, int]) -> list[Box]:
    """The box of each line of text. `sizes`: of classes that are another size where this drawing stands."""
    drawing = Xml.fromstring(svg)
    return [box for text in drawing.iter() if text.tag.endswith("text") for box in _lines(text, SIZES | sizes)]


def _lines(text: Xml.Element, sizes: dict[str, int]) -> Iterator[Box]:
    lines: list[list[Run]] = []
    for run in _runs(text, sizes, USUAL, bold=False):
        if run.starts is not None or not lines:
            lines.append([])
        lines[-1].append(run)
    x, y = float(text.get("x", 0)), float(text.get("y", 0))
    turned = TURNED.fullmatch(text.get("transform", ""))
    for line in lines:
        if line[0].starts is not None:
            x, y = line[0].starts[0], y + line[0].starts[1]
        width = sum(measure_text(run.text, run.size, bold=run.bold) for run in line)
        size = max(run.size for run in line)
        left = x - {"start": 0.0, "middle": width / 2, "end": width}[text.get("text-anchor", "start")]
        top, bottom = y - size * ABOVE, y + size * BELOW
        corners = ((left, top), (left + width, top), (left + width, bottom), (left, bottom))
        if width:
            yield Box("".join(run.text for run in line), _turned(corners, turned))


def _turned(corners: tuple[Point, ...], turned: re.Match[str] | None) -> tuple[Point, ...]:
    if turned is None:
        return corners
    across, down, angle = float(turned[1]), float(turned[2]), radians(float(turned[3]))
    return tuple(
        (across + x * cos(angle) - y * sin(angle), down + x * sin(angle) + y * cos(angle)) for x, y in corners
    )  # fmt: skip


def _runs(element: Xml.Element, sizes: dict[str, int], size: float, *, bold: bool) -> Iterator[Run]:
    classes = set(element.get("class", "").split())
    size = float(element.get("font-size") or next((sizes[name] for name in sizes if name in classes), size))
    bold = bold or bool(classes & BOLD)
    is_line = element.tag.endswith("tspan") and not {"x", "dy"}.isdisjoint(element.attrib)
    starts = (float(element.get("x", 0)), float(element.get("dy", 0))) if is_line else None
    if element.text and element.text.strip():
        yield Run(element.text, size, bold, starts)
    for child in element:
        yield from _runs(child, sizes, size, bold=bold)
        if child.tail and child.tail.strip():
            yield Run(child.tail.rstrip("\n"), size, bold, None)


def faults_of(svg: str, **sizes: int) -> list[str]:
    """What a reader could not read: texts on one another, and texts that leave the drawing."""
    drawing, boxes = Xml.fromstring(svg), boxes_of(svg, {name.replace("_", "-"): size for name, size in sizes.items()})
    _x, _y, width, height = (float(part) for part in drawing.get("viewBox", "").split())
    faults = [f"“{one.text}” on “{other.text}”" for one, other in combinations(boxes, 2) if one.touches(other)]
    for box in boxes:
        (left, right), (top, bottom) = box.along((1, 0)), box.along((0, 1))
        if left < -SLACK or right > width + SLACK or top < -SLACK or bottom > height + SLACK:
            faults.append(f"“{box.text}” leaves the drawing: {left:.0f} to {right:.0f}, {top:.0f} to {bottom:.0f}")
    return faults
