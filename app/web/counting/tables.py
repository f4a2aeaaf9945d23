"""Tables for the releases of a count: its series, the overlap of sources, and an estimate of the unobserved.

The API gives assumptions of an estimate as English sentences, and refusals with a code; both are translated here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from babel.numbers import format_decimal
from markupsafe import Markup

from app.queries.parameters import EstimateQuery, OverlapQuery, RevisionQuery, SeriesQuery
from app.web.count_text import TermFormatter
from app.web.figure import Cell
from app.web.page import Page
from app.web.rendering import Catalogue

COUNT_ONLY_SENTENCE = " of the releases observed are of people who may only be counted"  # after a number


def translate_assumption(text: str, words: Catalogue) -> str:
    """Translate an assumption: one of `ASSUMPTION_SENTENCES`, or the number of count-only people."""
    number, marker, _rest = text.partition(COUNT_ONLY_SENTENCE)
    if not marker:
        return words.gettext(text)
    return words.gettext(
        "%(number)s of the releases observed are of people who may only be counted: whoever several sources reported "
        "apart stands once for each, on lists that seem to share nobody, and the estimate is then too high."
    ) % {"number": words.number(int(number))}


def translate_refusal(refusal: Mapping[str, Any], words: Catalogue) -> str:
    """Translate why there is no estimate; an unknown reason is returned in the API's English."""
    _ = words.gettext
    reasons = {
        "too_few_lists": _("Fewer than two independent sources verified a release here: nothing can be estimated."),
        "empty_list": _("On one of the lists there is nobody: leave it out."),
        "dependent_lists": _(
            "Some lists are declared dependent: what they share says nothing of whom both miss. Leave one out."
        ),
        "citing_lists": _("One list takes from another: what they share is copied. Leave the citing one out."),
        "too_few_shared": _("Too few people are on two lists or more to carry an estimate."),
        "not_estimable": _(
            "No finite estimate fits this table: too little is shared between some of the lists, or everything is."
        ),
        "models_disagree": _("The models that fit the data disagree too far to choose one of them."),
    }
    return reasons.get(refusal["code"], str(refusal["reason"]))


def _(text: str) -> str:
    """Mark a sentence for translation; it is translated when rendered."""
    return text


ASSUMPTION_SENTENCES = (
    _("The group is closed: within the window nobody joined it or left it, and all lists speak of the same people."),
    _("People are matched rightly across lists: a match that was missed raises the estimate, a false one lowers it."),
    _("Everyone could have come onto some list. Whoever none could ever reach is not in the estimate."),
    _(
        "Within one list everyone had about the same chance to be on it. Where some people are harder to reach for "
        "every list, the estimate is too low."
    ),
    _(
        "The two lists came about independently, which two lists cannot show. If being on one makes being on the other "
        "likelier, the estimate is too low; if less likely, too high."
    ),
    _(
        "Beyond the terms of the model the lists are independent. A dependence that runs through all of them at once "
        "cannot be seen in any table."
    ),
    _("A pattern of lists that nobody has was looked for and found empty."),
    _("The model was chosen on the same data: its interval leaves out the doubt about the choice."),
    _(
        "The lower bound allows for people that are harder to reach and for lists that follow each other. Where lists "
        "avoid each other's people it can be too high."
    ),
)


SERIES, OVERLAP, ESTIMATE = "/counts/series", "/counts/overlap", "/estimates/releases"
QUERIES: dict[str, type[RevisionQuery]] = {SERIES: SeriesQuery, OVERLAP: OverlapQuery, ESTIMATE: EstimateQuery}
MAX_TABLE_ROWS = 400  # the newest or the largest, a year of days; the file has all
DEFAULT_INTERVAL = "week"


@dataclass(frozen=True)
class Table:
    """A table. `omitted_count`: rows that are not shown."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    omitted_count: int = 0


@dataclass(frozen=True)
class TablesPage:
    """A page of tables. `sentences`: shown above them; `assumptions`: of an estimate."""

    heading: str
    tables: Sequence[Table]
    sentences: Sequence[str] = ()
    assumptions: Sequence[str] = ()


def select_terms(path: str, terms: Mapping[str, Any]) -> dict[str, Any]:
    """Return the terms of a count that another endpoint accepts."""
    return {name: value for name, value in terms.items() if name in QUERIES[path].model_fields}


def build_links(page: Page) -> list[tuple[str, str]]:
    """Return links from a count of releases to the other tables, as (name, address)."""
    _ = page.catalogue.gettext
    names = {
        SERIES: _("How the count grew"),
        OVERLAP: _("Which sources verified the same releases"),
        ESTIMATE: _("How many there were, known or not: an estimate"),
    }
    return [(name, page.address(path, select_terms(path, page.terms))) for path, name in names.items()]


def build_series_page(page: Page, answer: Mapping[str, Any], formatter: TermFormatter) -> TablesPage:
    """Build the page of a series."""
    words = page.catalogue
    _ = words.gettext
    lines = answer["series"]
    by_source = [{point["on"]: point["verified"] for point in line["points"]} for line in lines]
    rows: list[list[Cell]] = []
    for point in reversed(answer["points"]):
        verified_numbers = [line.get(point["on"], 0) for line in by_source]
        rows.append(
            [words.statement_date(point["on"], page.zone), point["cases"], point["verified"], *verified_numbers]
        )
    names = [formatter.format_value("source", line["source"]) for line in lines]
    columns = [_("Until"), _("Releases"), _("Number verified"), *names]
    table = Table(_("What was known at the end of each time, and what each source had verified"), columns,
                  rows[:MAX_TABLE_ROWS], max(0, len(rows) - MAX_TABLE_ROWS))  # fmt: skip
    return TablesPage(_("How the count grew"), [table], [_("The sources overlap: they do not add up.")])


def build_overlap_page(page: Page, answer: Mapping[str, Any], formatter: TermFormatter) -> TablesPage:
    """Build the page of overlaps."""
    _ = page.catalogue.gettext
    patterns: list[list[Cell]] = [
        [
            formatter.format_values("source", pattern["sources"]) or _("No independent source"),
            _link_number(page, pattern["cases"], pattern["list"]),
        ]
        for pattern in answer["patterns"]
    ]
    pairs: list[list[Cell]] = []
    for pair in answer["pairs"]:
        names, dates = formatter.format_values("source", [pair["a"], pair["b"]]), pair["dates"]
        shared_count = _link_number(page, pair["both"], pair["list"])
        pairs.append([names, shared_count, pair["only_a"], pair["only_b"], dates["same"], dates["different"]])
    tables = [
        Table(_("Exactly these sources, and no other"), [_("Sources"), _("Releases")], patterns[:MAX_TABLE_ROWS],
              max(0, len(patterns) - MAX_TABLE_ROWS)),
        Table(_("Two by two"), [_("Sources"), _("Both"), _("Only the first"), _("Only the second"), _("Same day"),
                                _("Different days")], pairs[:MAX_TABLE_ROWS], max(0, len(pairs) - MAX_TABLE_ROWS)),
    ]  # fmt: skip
    return TablesPage(_("Which sources verified the same releases"), tables)


def build_estimate_page(page: Page, answer: Mapping[str, Any], formatter: TermFormatter) -> TablesPage:
    """Build the page of an estimate with its assumptions."""
    words = page.catalogue
    _ = words.gettext
    models: list[list[Cell]] = [
        [model["name"], ", ".join(model["terms"]),
         *(_format_decimal(page, model[name]) for name in ("estimate", "low", "high")), model["source"]]
        for model in answer["models"]
    ]  # fmt: skip
    lower_bound = answer["lower_bound"]
    if lower_bound is not None:
        models.append(
            [_("lower bound"), "", _format_decimal(page, lower_bound["estimate"]), "", "", lower_bound["source"]]
        )
    columns = [
        _("Model"),
        _("Dependent lists"),
        _("Estimate"),
        _("Interval from"),
        _("Interval to"),
        _("By which method"),
    ]
    sentences = [
        _("On at least one list: %(number)s; on two or more: %(more)s. Lists: %(lists)s.")
        % {
            "number": words.number(answer["observed"]),
            "more": words.number(answer["on_two_or_more"]),
            "lists": formatter.format_values("source", answer["lists"]),
        }
    ]
    if answer["chosen"] is not None:
        sentences.append(
            _("The chosen model is %(name)s. Its interval is of 95 %%.") % {"name": answer["chosen"]["name"]}
        )
    if answer["refused"] is not None:
        sentences.append(translate_refusal(answer["refused"], words))
    assumptions = [translate_assumption(text, words) for text in answer["assumptions"]]
    table = Table(_("What each model says"), columns, models)
    return TablesPage(
        _("How many there were, known or not: an estimate"), [table] if models else [], sentences, assumptions
    )


def _format_decimal(page: Page, value: float) -> str:
    return str(format_decimal(value, format="#,##0.0", locale=page.catalogue.locale))


def _link_number(page: Page, number: int, address: str | None) -> Cell:
    """Return a number, linked to its list if it has one."""
    if address is None:
        return number
    text = page.catalogue.number(number)
    return Markup('<a class="number" href="{}">{}</a>').format(page.narrow_list_address(address), text)
