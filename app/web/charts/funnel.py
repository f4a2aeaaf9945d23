"""From what is said to what is on record: bars from one edge, on one scale, from declarations down to full freedom."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from app.vocabulary import ReleaseKind
from app.web.asking import Terms, together, ungrouped
from app.web.charts.text import Linear, width_of, wrapped
from app.web.count_text import narrower, release_at, stage_of
from app.web.figure import PHONE, SEVEN, Figure, drawings, in_place_of_a_chart
from app.web.page import Page
from app.web.rendering import Catalogue

# What sources say, what the registry makes of it, and what is verified: a look for each.
SAID, JOINED, VERIFIED = "is-said", "is-2", "is-1"
# What a source's standing word on a release can be; a word that was withdrawn stands no more.
WORDS = ("verified", "reported", "disputed", "refuted")
LEAST = 1.0  # px: a bar of few beside one of thousands is still seen
AT_LEAST = (1, 2, 3)  # sources
REMARK = 12  # px of type, as all below
MOST_LINES = 4  # of a remark
FIRST, TO_BAR, BAR, TO_REMARK, LINE, TO_NEXT = 15, 7, 14, 10, 16, 38
Address = Callable[[str], str]


@dataclass(frozen=True)
class Step:
    """A number, what it is a number of, a remark, and the page of its list."""

    number: int
    label: str
    look: str
    remark: str = ""
    address: str | None = None


@dataclass(frozen=True)
class Bar:
    """A step in a drawing: the baseline of its label, its bar, and the lines of its remark with their baselines."""

    step: Step
    label_y: float
    top: float
    length: float
    remark_x: float
    remark: Sequence[tuple[float, str]]


@dataclass(frozen=True)
class Funnel:
    """A drawing."""

    width: float
    height: float
    bars: Sequence[Bar]


def laid_out(steps: Sequence[Step], width: float, *, beside: bool) -> Funnel:
    """Where everything stands. `beside`: a remark stands beside its bar where it has room there, else beneath it."""
    scale = Linear(0, max(step.number for step in steps), 0, width)
    bars, y, lowest = [], float(FIRST), 0.0
    for step in steps:
        top, length, x = y + TO_BAR, max(scale(step.number), LEAST), 0.0
        lowest = top + BAR
        if beside and length + TO_REMARK + width_of(step.remark, REMARK) <= width:
            remark, x = [(top + BAR - 3, step.remark)], length + TO_REMARK
        else:
            lines = wrapped(step.remark, width, REMARK, most=MOST_LINES) if step.remark else []
            remark = [(lowest + LINE * n, line) for n, line in enumerate(lines, 1)]
            lowest += LINE * len(lines)
        bars.append(Bar(step, y, top, length, x, remark if step.remark else []))
        y = lowest + TO_NEXT
    return Funnel(width, lowest + 6, bars)


def steps_of(by_source: Mapping[str, Any], by_kind: Mapping[str, Any], words: Catalogue, behind: Address) -> list[Step]:
    """The steps, from a count by source and the same by kind. `behind`: the page of a list, by the address of it."""
    ngettext = words.ngettext
    said = [number for number in map(declared, by_source["groups"]) if number]
    statements, sources = sum(said), len(said)
    full, measured = (_of_kind(by_kind, kind) for kind in (ReleaseKind.FULL_RELEASE, ReleaseKind.RELEASE_WITH_MEASURES))
    under = measured["releases"]
    otherwise = by_source["total"]["releases"] - full["releases"] - under
    by_them = _told(ngettext("by one source", "by %(num)s sources", sources), sources, words)
    spoken = ngettext("statement", "statements", statements)
    said_where = by_source["permalink"].replace("/counts/releases", "/sources").replace("&group_by=source", "")
    return [
        Step(
            statements, f"{spoken} {by_them}", SAID,
            words.gettext("Each is the word of one source on one release"), behind(said_where),
        ),
        *_joined(by_source, words, behind),
        *_verified(by_source, words, behind),
        Step(
            full["releases"], ngettext("full release", "full releases", full["releases"]), VERIFIED,
            _ways_out(under, otherwise, words), _page(full["list"], behind),
        ),
    ]  # fmt: skip


def _ways_out(under: int, otherwise: int, words: Catalogue) -> str:
    """In which condition the others left prison."""
    measures = words.ngettext(
        "One left prison with measures; the case stays open",
        "%(num)s left prison with measures; their cases stay open",
        under,
    )
    others = words.ngettext(
        "one otherwise, or nobody says how", "%(num)s otherwise, or nobody says how", otherwise
    )  # fmt: skip
    told = _told(measures, under, words)
    return f"{told}; {_told(others, otherwise, words)}" if otherwise else told


def declared(group: Mapping[str, Any]) -> int:
    """On how many releases a source of a count by source has a standing word."""
    return sum(group[word] for word in WORDS)


def _joined(count: Mapping[str, Any], words: Catalogue, behind: Address) -> list[Step]:
    people, releases, stage = count["total"]["people"], count["total"]["releases"], stage_of(count["terms"])
    again = words.ngettext(
        "One person left prison twice", "%(num)s more than people: some left prison more than once", releases - people
    )
    can_undo = words.gettext("The registry joins what is said of one person, and can undo it")
    return [
        Step(
            people, words.ngettext("person", "people", people), JOINED, can_undo,
            _page(count["list"], behind, of="/people"),
        ),
        Step(
            releases, release_at(stage, releases, words), JOINED, _told(again, releases - people, words),
            _page(count["list"], behind),
        ),
    ]  # fmt: skip


def _verified(count: Mapping[str, Any], words: Catalogue, behind: Address) -> list[Step]:
    _, ngettext, reported = words.gettext, words.ngettext, count["total"]["reported"]
    one, two, three = (count["total"]["by_min_sources"].get(str(least), 0) for least in AT_LEAST)
    only_said = ngettext("One more is only reported", "%(num)s more are only reported", reported)
    on_one = ngettext("One rests on a single source", "%(num)s rest on a single source", one - two)
    none_on_one = _("Today none rests on a single word") if two and one == two else ""

    def page(least: int) -> str | None:
        # A count that asks for a number of sources already has a list for that number alone.
        asks_already = "min_sources" in count["terms"]
        return None if asks_already else _page(count["list"], behind, more=f"&min_sources={least}")

    verified = ngettext("verified by at least one source", "verified by at least one source", one)
    return [
        Step(one, verified, VERIFIED, _told(only_said, reported, words), page(1)),
        Step(two, _("by at least two"), VERIFIED, none_on_one or _told(on_one, one - two, words), page(2)),
        Step(three, _("by at least three"), VERIFIED, "", page(3)),
    ]


def _of_kind(count: Mapping[str, Any], kind: ReleaseKind) -> Mapping[str, Any]:
    return next((group for group in count["groups"] if group["kind"] == kind), {"releases": 0, "list": None})


def _page(address: str | None, behind: Address, *, of: str = "/releases", more: str = "") -> str | None:
    """The page of a list, if an answer names one: of releases, or of the people behind them."""
    return None if address is None else behind(address.replace("/releases", of, 1) + more)


def _told(sentence: str, number: int, words: Catalogue) -> str:
    """A sentence with its number; none of nothing."""
    return sentence % {"num": words.number(number)} if number else ""


async def funnel_figure(page: Page, terms: Terms) -> Figure:
    """The figure of a count: two questions to the API."""
    words, asked = page.catalogue, ungrouped(terms)
    by_source, by_kind = await together(
        page.api.get("/v1/counts/releases", asked, group_by="source"),
        page.api.get("/v1/counts/releases", asked, group_by="kind"),
    )
    _, total = words.gettext, by_source["total"]
    steps = steps_of(by_source, by_kind, words, page.behind)
    caption = _(
        "All bars are on one scale. A statement is the standing word of one source on one release, on the source’s own "
        "dates: that it verified it, reports it, disputes it or refutes it. What a source took back is not counted."
    )
    apart = words.ngettext(
        "One release is of a person who may only be counted: such a person stands once for each source.",
        "%(num)s releases are of people who may only be counted: such a person stands once for each source.",
        total["counted_apart"],
    )
    finding = "; ".join(f"{words.number(step.number)} {step.label}" for step in steps)
    wide, narrow = drawn(steps, finding, words)
    return Figure(
        name="funnel",
        heading=_("From what is said to what is on record"),
        finding=finding,
        wide=wide,
        narrow=narrow,
        caption=f"{caption} {_told(apart, total['counted_apart'], words)}".strip(),
        columns=(_("What is counted"), _("Number"), _("What to know about it")),
        rows=[(step.label, step.number, step.remark) for step in steps],
        terms=asked,
        counted=narrower(page, by_source["terms"]),
    )


def drawn(steps: Sequence[Step], finding: str, words: Catalogue) -> tuple[Markup, Markup]:
    """The wide and the narrow drawing; where nothing is said, the sentence that says so."""
    if not any(step.number for step in steps):
        return in_place_of_a_chart(words.gettext("No source has said anything of what is asked for."), words)
    return drawings(
        "funnel", words, [laid_out(steps, SEVEN, beside=True), laid_out(steps, PHONE, beside=False)], finding=finding
    )
