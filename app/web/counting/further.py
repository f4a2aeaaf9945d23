"""What an estimate assumes, and why there is none, in the reader's words (pure).

The API says both in English: an assumption by its sentence alone, and a refusal also by its code.

What else the API says of the releases of a count, as plain tables: how it grew, who verified the same, and how many
there may have been that nobody saw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from babel.numbers import format_decimal
from markupsafe import Markup

from app.queries.parameters import AsOf, EstimateQuery, OverlapQuery, SeriesQuery
from app.web.count_text import Told
from app.web.figure import Cell
from app.web.page import Page
from app.web.rendering import Catalogue

APART = " of the releases observed are of people who may only be counted"  # after a number


def assumed(text: str, words: Catalogue) -> str:
    """An assumption of an answer, which is one of `SENTENCES`, or how many people may only be counted."""
    number, apart, _rest = text.partition(APART)
    if not apart:
        return words.gettext(text)
    return words.gettext(
        "%(number)s of the releases observed are of people who may only be counted: whoever several sources reported "
        "apart stands once for each, on lists that seem to share nobody, and the estimate is then too high."
    ) % {"number": words.number(int(number))}


def refused(refusal: Mapping[str, Any], words: Catalogue) -> str:
    """Why there is no estimate; a reason that is not known here stands as the API says it."""
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
    """Marks a sentence to be translated where it is told."""
    return text


SENTENCES = (
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
QUERIES: dict[str, type[AsOf]] = {SERIES: SeriesQuery, OVERLAP: OverlapQuery, ESTIMATE: EstimateQuery}
MOST_ROWS = 400  # of a table, the newest or the largest: a year by days; more are read in the file
WEEKLY = "week"  # a series is told by weeks, unless asked otherwise


@dataclass(frozen=True)
class Table:
    """A table. `left_out`: how many more rows there are."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    left_out: int = 0


@dataclass(frozen=True)
class Further:
    """A page of tables. `said`: sentences above them; `assumed`: what they rest on."""

    heading: str
    tables: Sequence[Table]
    said: Sequence[str] = ()
    assumed: Sequence[str] = ()


def terms_of(path: str, terms: Mapping[str, Any]) -> dict[str, Any]:
    """Of the terms of a count those that a further question takes."""
    return {name: value for name, value in terms.items() if name in QUERIES[path].model_fields and name != "format"}


def links(page: Page) -> list[tuple[str, str]]:
    """Where else to go from a count of releases: name and address."""
    _ = page.catalogue.gettext
    names = {
        SERIES: _("How the count grew"),
        OVERLAP: _("Which sources verified the same releases"),
        ESTIMATE: _("How many there were, known or not: an estimate"),
    }
    return [(name, page.address(path, terms_of(path, page.terms))) for path, name in names.items()]


def series(page: Page, answer: Mapping[str, Any], told: Told) -> Further:
    """How a count grew."""
    words = page.catalogue
    _ = words.gettext
    lines = answer["series"]
    by_source = [{point["on"]: point["verified"] for point in line["points"]} for line in lines]
    rows: list[list[Cell]] = []
    for point in reversed(answer["points"]):
        verified = [line.get(point["on"], 0) for line in by_source]
        rows.append([words.said_at(point["on"], page.zone), point["releases"], point["verified"], *verified])
    names = [told.value("source", line["source"]) for line in lines]
    columns = [_("Until"), _("Releases"), _("Number verified"), *names]
    table = Table(_("What was known at the end of each time, and what each source had verified"), columns,
                  rows[:MOST_ROWS], max(0, len(rows) - MOST_ROWS))  # fmt: skip
    return Further(_("How the count grew"), [table], [_("The sources overlap: they do not add up.")])


def overlap(page: Page, answer: Mapping[str, Any], told: Told) -> Further:
    """Who verified the same."""
    _ = page.catalogue.gettext
    patterns: list[list[Cell]] = [
        [
            told.listed("source", pattern["sources"]) or _("No independent source"),
            _led(page, pattern["releases"], pattern["list"]),
        ]
        for pattern in answer["patterns"]
    ]
    pairs: list[list[Cell]] = []
    for pair in answer["pairs"]:
        names, dates = told.listed("source", [pair["a"], pair["b"]]), pair["dates"]
        both = _led(page, pair["both"], pair["list"])
        pairs.append([names, both, pair["only_a"], pair["only_b"], dates["same"], dates["different"]])
    tables = [
        Table(_("Exactly these sources, and no other"), [_("Sources"), _("Releases")], patterns[:MOST_ROWS],
              max(0, len(patterns) - MOST_ROWS)),
        Table(_("Two by two"), [_("Sources"), _("Both"), _("Only the first"), _("Only the second"), _("Same day"),
                                _("Different days")], pairs[:MOST_ROWS], max(0, len(pairs) - MOST_ROWS)),
    ]  # fmt: skip
    return Further(_("Which sources verified the same releases"), tables)


def estimate(page: Page, answer: Mapping[str, Any], told: Told) -> Further:
    """How many there may have been, with what that assumes."""
    words = page.catalogue
    _ = words.gettext
    models: list[list[Cell]] = [
        [model["name"], ", ".join(model["terms"]),
         *(_decimal(page, model[name]) for name in ("estimate", "low", "high")), model["source"]]
        for model in answer["models"]
    ]  # fmt: skip
    bound = answer["lower_bound"]
    if bound is not None:
        models.append([_("lower bound"), "", _decimal(page, bound["estimate"]), "", "", bound["source"]])
    columns = [
        _("Model"),
        _("Dependent lists"),
        _("Estimate"),
        _("Interval from"),
        _("Interval to"),
        _("By which method"),
    ]
    said = [
        _("On at least one list: %(number)s; on two or more: %(more)s. Lists: %(lists)s.")
        % {
            "number": words.number(answer["observed"]),
            "more": words.number(answer["on_two_or_more"]),
            "lists": told.listed("source", answer["lists"]),
        }
    ]
    if answer["chosen"] is not None:
        said.append(_("The chosen model is %(name)s. Its interval is of 95 %%.") % {"name": answer["chosen"]["name"]})
    if answer["refused"] is not None:
        said.append(refused(answer["refused"], words))
    rests_on = [assumed(text, words) for text in answer["assumptions"]]
    table = Table(_("What each model says"), columns, models)
    return Further(_("How many there were, known or not: an estimate"), [table] if models else [], said, rests_on)


def _decimal(page: Page, value: float) -> str:
    return str(format_decimal(value, format="#,##0.0", locale=page.catalogue.locale))


def _led(page: Page, number: int, address: str | None) -> Cell:
    """A number that leads to its list."""
    if address is None:
        return number
    text = page.catalogue.number(number)
    return Markup('<a class="number" href="{}">{}</a>').format(page.narrowed(address), text)
