"""What the contested series shows, and the measures of its drawings."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from app.web.charts.lanes import Lane
from app.web.figure import PHONE, WHOLE


@dataclass(frozen=True)
class Line:
    """A source. `steps`: from which moment on it had verified how many; `style`: which of the three looks."""

    style: int
    name: str
    short: str
    steps: tuple[tuple[float, int], ...]
    number: str
    address: str | None
    link: str


@dataclass(frozen=True)
class Published:
    """A figure that a source of a line published: an hour, or a day from its beginning to its end. `label`: only where
    it does not lie on the line."""

    style: int
    value: int
    begins: float
    ends: float
    label: str | None = None


@dataclass(frozen=True)
class Bar:
    """A claim at the middle of its day. `verified`: on its own window and hour; None where nothing may be set against
    it."""

    id: str
    day: float
    low: int | None
    high: int | None
    is_about: bool
    verified: int | None
    number: str
    who: str
    said: str
    note: str
    address: str
    link: str

    @property
    def top(self) -> int:
        return self.high if self.high is not None else self.low or 0

    @property
    def opens_up(self) -> bool:
        return self.high is None

    @property
    def opens_down(self) -> bool:
        return self.low is None


@dataclass(frozen=True)
class Gap:
    """What of a claim nobody had verified, in words."""

    bar: str
    number: str
    words: str
    hatch: str
    address: str
    link: str


@dataclass(frozen=True)
class Reference:
    """Verified by at least one source on the window of the claims."""

    steps: tuple[tuple[float, int], ...]
    label: str
    words: str


@dataclass(frozen=True)
class Contest:
    """All that the chart shows. `bars`: the most contested first; `band`: from which moment on at least three sources
    had verified so many, and at least one so many; `event`: a day on which something was announced, with its words."""

    first: float
    last: float
    ticks: tuple[tuple[float, str], ...]
    unit: str
    lines: tuple[Line, ...]
    band: tuple[tuple[float, int, int], ...]
    band_words: str
    published: tuple[Published, ...]
    bars: tuple[Bar, ...]
    gap: Gap | None
    reference: Reference | None
    event: tuple[float, str] | None
    lanes_heading: str
    lanes: Callable[[Collection[str]], Sequence[Lane]]  # of the bars that are drawn
    told: Callable[[int], str]  # a number as the reader's language writes it


@dataclass(frozen=True)
class Frame:
    """The measures of a drawing, in px. Across: the axis from `left` to `right`; `first`: where the first day stands,
    with the gutter of earlier beginnings before it; `column`: where labels at the ends of lines begin, if they have a
    column of their own. Down: the plot from `top` to `base`. `bar`: how wide a claim is drawn; `number`: the type of
    its figure; `text`: the width of a label; `prefix`: of the ids of its patterns."""

    width: float
    left: float
    first: float
    right: float
    column: float | None
    top: float
    base: float
    bar: float
    number: float
    most_bars: int
    text: float
    prefix: str


WIDE = Frame(
    width=WHOLE, left=44, first=146, right=834, column=850, top=36, base=436,
    bar=13, number=20, most_bars=8, text=190, prefix="w",
)  # fmt: skip
NARROW = Frame(
    width=PHONE, left=34, first=40, right=PHONE, column=None, top=84, base=400,
    bar=6, number=17, most_bars=4, text=118, prefix="n",
)  # fmt: skip
