"""Draw the funnel: bars on one scale from sources' statements down to releases into full freedom."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from app.api.routes.counts import count_releases
from app.vocabulary import ReleaseKind
from app.web.api_client import Terms, drop_grouping, gather
from app.web.charts.text import LinearScale, measure_text, wrap_text
from app.web.count_text import describe_narrower_count, format_release_noun, parse_stage
from app.web.figure import PHONE_WIDTH, SEVEN_COLUMNS_WIDTH, Figure, draw_sentence, render_drawings
from app.web.page import Page
from app.web.rendering import Catalogue

# CSS classes of source statements, of the releases derived from them, and of verified releases.
STATED_LOOK, JOINED_LOOK, VERIFIED_LOOK = "is-said", "is-2", "is-1"
# A source's own statuses, and the verdicts that stand for one: a retracted one is not current.
CURRENT_VERDICTS = ("verified", "reported", "official_only", "disputed", "refuted")
MIN_BAR_LENGTH = 1.0  # px, so that a small bar is visible next to one of thousands
MIN_SOURCE_COUNTS = (1, 2, 3)
REMARK_SIZE = 12  # px, as all measures below
MAX_REMARK_LINES = 4
FIRST_BASELINE, TO_BAR, BAR, TO_REMARK, LINE, TO_NEXT = 15, 7, 14, 10, 16, 38
Address = Callable[[str], str]


@dataclass(frozen=True)
class Step:
    """A number, its label, a remark, and the page of its list."""

    number: int
    label: str
    look: str
    remark: str = ""
    address: str | None = None


@dataclass(frozen=True)
class FunnelBar:
    """A placed step: the baseline of its label, its bar, and the lines of its remark with their baselines."""

    step: Step
    label_y: float
    top: float
    length: float
    remark_x: float
    remark: Sequence[tuple[float, str]]


@dataclass(frozen=True)
class Funnel:
    """A laid out funnel."""

    width: float
    height: float
    bars: Sequence[FunnelBar]


def lay_out_funnel(steps: Sequence[Step], width: float, *, has_side_remarks: bool) -> Funnel:
    """Lay out the steps. `has_side_remarks`: put a remark next to its bar if there is room, otherwise below it."""
    scale = LinearScale(0, max(step.number for step in steps), 0, width)
    bars, y, lowest = [], float(FIRST_BASELINE), 0.0
    for step in steps:
        top, length, x = y + TO_BAR, max(scale(step.number), MIN_BAR_LENGTH), 0.0
        lowest = top + BAR
        if has_side_remarks and length + TO_REMARK + measure_text(step.remark, REMARK_SIZE) <= width:
            remark, x = [(top + BAR - 3, step.remark)], length + TO_REMARK
        else:
            lines = wrap_text(step.remark, width, REMARK_SIZE, max_lines=MAX_REMARK_LINES) if step.remark else []
            remark = [(lowest + LINE * n, line) for n, line in enumerate(lines, 1)]
            lowest += LINE * len(lines)
        bars.append(FunnelBar(step, y, top, length, x, remark if step.remark else []))
        y = lowest + TO_NEXT
    return Funnel(width, lowest + 6, bars)


def build_funnel_steps(
    by_source: Mapping[str, Any], by_kind: Mapping[str, Any], words: Catalogue, to_page_address: Address
) -> list[Step]:
    """Build the steps from a count by source and the same count by kind. `to_page_address`: turns an API address of a
    list into that of its page."""
    ngettext = words.ngettext
    statement_counts = [
        number for number in (count_statements(group["counts"]) for group in by_source["groups"]) if number
    ]
    statements, sources = sum(statement_counts), len(statement_counts)
    full, with_measures = (
        _find_kind_group(by_kind, kind) for kind in (ReleaseKind.FULL_RELEASE, ReleaseKind.RELEASE_WITH_MEASURES)
    )
    measures_count = with_measures["counts"]["cases"]
    other_count = by_source["total"]["cases"] - full["counts"]["cases"] - measures_count
    by_sources = _format_counted_sentence(ngettext("by one source", "by %(num)s sources", sources), sources, words)
    statement_noun = ngettext("statement", "statements", statements)
    sources_address = (
        by_source["links"]["permalink"].replace("/counts/releases", "/sources").replace("&group_by=source", "")
    )
    return [
        Step(
            statements, f"{statement_noun} {by_sources}", STATED_LOOK,
            words.gettext("Each is the word of one source on one release"), to_page_address(sources_address),
        ),
        *_build_joined_steps(by_source, words, to_page_address),
        *_build_verified_steps(by_source, words, to_page_address),
        Step(
            full["counts"]["cases"], ngettext("full release", "full releases", full["counts"]["cases"]), VERIFIED_LOOK,
            _format_ways_out(measures_count, other_count, words), _build_list_address(full["list"], to_page_address),
        ),
    ]  # fmt: skip


def _format_ways_out(measures_count: int, other_count: int, words: Catalogue) -> str:
    """Describe how many of the others left prison under which conditions."""
    measures = words.ngettext(
        "One left prison with measures; the case stays open",
        "%(num)s left prison with measures; their cases stay open",
        measures_count,
    )
    other_sentence = words.ngettext(
        "one otherwise, or nobody says how", "%(num)s otherwise, or nobody says how", other_count
    )  # fmt: skip
    measures_text = _format_counted_sentence(measures, measures_count, words)
    return (
        f"{measures_text}; {_format_counted_sentence(other_sentence, other_count, words)}"
        if other_count
        else measures_text
    )


def count_statements(counts: Mapping[str, Any]) -> int:
    """Return on how many releases a source has a current verdict."""
    return sum(counts[verdict] for verdict in CURRENT_VERDICTS)


def _build_joined_steps(count: Mapping[str, Any], words: Catalogue, to_page_address: Address) -> list[Step]:
    people, releases, stage = count["total"]["people"], count["total"]["cases"], parse_stage(count["terms"])
    repeats_sentence = words.ngettext(
        "One person left prison twice", "%(num)s more than people: some left prison more than once", releases - people
    )
    undo_note = words.gettext("The registry joins what is said of one person, and can undo it")
    return [
        Step(
            people, words.ngettext("person", "people", people), JOINED_LOOK, undo_note,
            _build_list_address(count["links"]["list"], to_page_address, collection="/people"),
        ),
        Step(
            releases, format_release_noun(stage, releases, words), JOINED_LOOK,
            _format_counted_sentence(repeats_sentence, releases - people, words),
            _build_list_address(count["links"]["list"], to_page_address),
        ),
    ]  # fmt: skip


def _build_verified_steps(count: Mapping[str, Any], words: Catalogue, to_page_address: Address) -> list[Step]:
    _, ngettext, reported_count = words.gettext, words.ngettext, count["total"]["reported"]
    verified_by_one, verified_by_two, verified_by_three = (
        count["total"]["by_min_sources"].get(str(min_sources), 0) for min_sources in MIN_SOURCE_COUNTS
    )
    only_reported_text = ngettext("One more is only reported", "%(num)s more are only reported", reported_count)
    single_source_sentence = ngettext(
        "One rests on a single source", "%(num)s rest on a single source", verified_by_one - verified_by_two
    )
    no_single_source_note = (
        _("Today none rests on a single word") if verified_by_two and verified_by_one == verified_by_two else ""
    )

    def build_address(min_sources: int) -> str | None:
        # A count filtered by number of sources has a list for that number only.
        has_min_sources = "min_sources" in count["terms"]
        return (
            None
            if has_min_sources
            else _build_list_address(count["links"]["list"], to_page_address, extra_query=f"&min_sources={min_sources}")
        )

    by_one_label = ngettext("verified by at least one source", "verified by at least one source", verified_by_one)
    return [
        Step(
            verified_by_one,
            by_one_label,
            VERIFIED_LOOK,
            _format_counted_sentence(only_reported_text, reported_count, words),
            build_address(1),
        ),
        Step(
            verified_by_two,
            _("by at least two"),
            VERIFIED_LOOK,
            no_single_source_note
            or _format_counted_sentence(single_source_sentence, verified_by_one - verified_by_two, words),
            build_address(2),
        ),
        Step(verified_by_three, _("by at least three"), VERIFIED_LOOK, "", build_address(3)),
    ]


def _find_kind_group(count: Mapping[str, Any], kind: ReleaseKind) -> Mapping[str, Any]:
    return next(
        (group for group in count["groups"] if group["by"]["release_kind"] == kind),
        {"counts": {"cases": 0}, "list": None},
    )


def _build_list_address(
    address: str | None, to_page_address: Address, *, collection: str = "/releases", extra_query: str = ""
) -> str | None:
    """Return the page of a list of releases, or of the people behind them; None if the answer has no address."""
    return None if address is None else to_page_address(address.replace("/releases", collection, 1) + extra_query)


def _format_counted_sentence(sentence: str, number: int, words: Catalogue) -> str:
    """Format a sentence with its number; return an empty text for zero."""
    return sentence % {"num": words.number(number)} if number else ""


async def load_funnel_figure(page: Page, terms: Terms) -> Figure:
    """Build the figure of a count. Asks the API twice."""
    words, count_terms = page.catalogue, drop_grouping(terms)
    by_source, by_kind = await gather(
        page.api.read(count_releases, count_terms, group_by="source"),
        page.api.read(count_releases, count_terms, group_by="release_kind"),
    )
    _, unlinkable_count = words.gettext, by_source["caveats"]["unlinkable"]
    steps = build_funnel_steps(by_source, by_kind, words, page.to_page_address)
    caption = _(
        "All bars are on one scale. A statement is the standing word of one source on one release, on the source’s own "
        "dates: that it verified it, reports it, disputes it or refutes it. What a source took back is not counted."
    )
    count_only_note = words.ngettext(
        "One release is of a person who may only be counted: such a person stands once for each source.",
        "%(num)s releases are of people who may only be counted: such a person stands once for each source.",
        unlinkable_count,
    )
    finding = "; ".join(f"{words.number(step.number)} {step.label}" for step in steps)
    wide, narrow = draw_funnel(steps, finding, words)
    return Figure(
        name="funnel",
        heading=_("From what is said to what is on record"),
        finding=finding,
        wide=wide,
        narrow=narrow,
        caption=f"{caption} {_format_counted_sentence(count_only_note, unlinkable_count, words)}".strip(),
        columns=(_("What is counted"), _("Number"), _("What to know about it")),
        rows=[(step.label, step.number, step.remark) for step in steps],
        terms=count_terms,
        count_scope=describe_narrower_count(page, by_source["terms"]),
    )


def draw_funnel(steps: Sequence[Step], finding: str, words: Catalogue) -> tuple[Markup, Markup]:
    """Return the wide and the narrow drawing; a sentence if there are no statements."""
    if not any(step.number for step in steps):
        return draw_sentence(words.gettext("No source has said anything of what is asked for."), words)
    return render_drawings(
        "funnel",
        words,
        [
            lay_out_funnel(steps, SEVEN_COLUMNS_WIDTH, has_side_remarks=True),
            lay_out_funnel(steps, PHONE_WIDTH, has_side_remarks=False),
        ],
        finding=finding,
    )
