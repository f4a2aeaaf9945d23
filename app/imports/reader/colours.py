"""Find fills of rows that seem to carry a meaning, such as green for the released (pure).

A colour is never read as a status: the officer is asked what each one means.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from colorsys import rgb_to_hsv
from dataclasses import dataclass, field
from string import hexdigits

from app.imports.formats.csv import Cells

# One row in a colour is as often a slip of the hand as a meaning.
MIN_GROUP_ROWS = 2
# A title of a section and a sum have one or two cells, and are often coloured. A person has more.
MIN_FILLED_CELLS = 2
# Fewer rows may alternate by chance.
MIN_STRIPE_ROWS = 3
STRIPE_SHARE = 0.9
MAX_FIRST_ROWS = 3
MAX_STATES = 5


@dataclass(frozen=True)
class ColourGroup:
    """The rows of one colour: how many, the numbers of the first, and the share of each text of the status column."""

    colour: str
    row_count: int
    first_rows: tuple[int, ...]
    shares: Mapping[str, float] = field(default_factory=dict)


def find_colour_groups(
    rows: Iterable[Cells],
    columns: Collection[int],
    *,
    heading: Cells | None = None,
    status_column: int | None = None,
    name_columns: Collection[int] = (),
) -> list[ColourGroup]:
    """Return the colours that tell rows of a list apart, those of the most rows first.

    A row has the colour that fills most of its filled cells among `columns`, else the one that fills its cell of
    `name_columns`. Left out are the colour of the `heading`, a colour of all rows, and stripes. Columns are indexes.
    """
    heading_colour = find_row_colour(heading, columns, ()) if heading else None
    numbers: dict[str, list[int]] = {}
    positions: dict[str, list[int]] = {}  # among the rows that are not empty
    states: dict[str, Counter[str]] = {}
    row_count = first_number = last_number = 0
    for cells in rows:
        if sum(1 for place in columns if cells.text(place)) < min(MIN_FILLED_CELLS, len(columns)):
            continue
        row_count, last_number, first_number = row_count + 1, cells.number, first_number or cells.number
        colour = find_row_colour(cells, columns, name_columns)
        if colour is None:
            continue
        numbers.setdefault(colour, []).append(cells.number)
        positions.setdefault(colour, []).append(row_count)
        if status_column is not None:
            states.setdefault(colour, Counter())[cells.text(status_column)] += 1
    groups = [
        ColourGroup(colour, len(found), tuple(found[:MAX_FIRST_ROWS]), _share(states.get(colour, Counter())))
        for colour, found in numbers.items()
        if MIN_GROUP_ROWS <= len(found) < row_count
        and colour != heading_colour
        and not _is_striped(found, first_number, last_number)
        and not _is_striped(positions[colour], 1, row_count)
    ]
    return sorted(groups, key=lambda group: -group.row_count)


def find_row_colour(cells: Cells, columns: Collection[int], name_columns: Collection[int]) -> str | None:
    """Return the colour of more than half of the filled cells of a row, or else of its name."""
    return _find_most(cells, [place for place in columns if cells.text(place)]) or _find_most(cells, name_columns)


def _find_most(cells: Cells, places: Collection[int]) -> str | None:
    """The colour of more than half of the cells."""
    if not places or not cells.colours:
        return None
    colours = Counter(cells.colours[place] for place in places if place in cells.colours)
    (colour, count), *_others = colours.most_common(1) or [("", 0)]
    return colour if count * 2 > len(places) else None


def _is_striped(numbers: list[int], first: int, last: int) -> bool:
    """Whether the numbers are every second one from `first` to `last`, but for a few that another colour covers."""
    if len(numbers) < MIN_STRIPE_ROWS:
        return False
    odd_count = sum(number % 2 for number in numbers)
    remainder = int(odd_count * 2 > len(numbers))
    on_stripe = odd_count if remainder else len(numbers) - odd_count
    stripe_count = sum(1 for number in range(first, last + 1) if number % 2 == remainder)
    return on_stripe >= STRIPE_SHARE * len(numbers) and on_stripe >= STRIPE_SHARE * stripe_count


def _share(states: Counter[str]) -> dict[str, float]:
    total = states.total()
    return {state: count / total for state, count in states.most_common(MAX_STATES)}


# The hue in degrees up to which a colour has a name in `sentences.toml`.
_HUES = ((20, "red"), (45, "orange"), (70, "yellow"), (165, "green"), (255, "blue"), (330, "purple"), (360, "red"))
MIN_SATURATION = 0.12  # below it is grey


def name_colour(colour: str) -> str:
    """Return the name of a colour, as RRGGBB; of one of a theme, "coloured"."""
    if len(colour) != len("RRGGBB") or any(digit not in hexdigits for digit in colour):
        return "coloured"
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4))
    hue, saturation, _value = rgb_to_hsv(red, green, blue)
    return "grey" if saturation < MIN_SATURATION else next(name for limit, name in _HUES if hue * 360 <= limit)
