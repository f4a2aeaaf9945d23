"""Estimate the population from the overlap of lists: fit models, choose one, or refuse with a reason.

`estimate_population` is pure: counts by pattern in, an estimate out. `estimate_releases` applies it to the registry's
own table of who verified what, to estimate releases that no source has seen."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from sqlalchemy import BindParameter, bindparam
from sqlalchemy import select as select_rows
from sqlmodel import Session, col

from app.counts.groups import build_links
from app.counts.tally import Patterns, build_patterns, count_not_visible
from app.db.engine import split_into_chunks
from app.errors import Invalid
from app.estimates import models
from app.estimates.models import LowerBound, Model
from app.estimates.shapes import EstimateNumbers, EstimateRange, RefusalOut, ReleaseEstimate, SelectionRule
from app.estimates.table import MAX_LISTS, BadTable, Fit, PatternTable, build_pattern_table, read_pattern_csv
from app.log.entries import pin_revision
from app.models import Source, Verification
from app.queries import addresses
from app.queries.selection.build import Selection, build_selection
from app.queries.selection.visibility import valid_at
from app.queries.shapes import build_revision_out
from app.queries.term_names import find_unknown_values, resolve_places
from app.queries.terms import CountTerms
from app.registry.publication.permissions import Reader
from app.translations import Message
from app.vocabulary import Verdict

# From seven shared people on, Chapman's estimate is nearly unbiased (Robson and Regier 1964, Trans. Am. Fish. Soc. 93).
MIN_SHARED = 7
# Estimates that differ by more than this factor do not answer "how many".
MAX_DISAGREEMENT = 3.0
# A BIC difference above this is very strong evidence against a model (Kass and Raftery 1995, J. Am. Statist. Ass. 90):
# its estimate is shown, but never chosen and not used to check whether the others agree.
MAX_BIC_DIFFERENCE = 10.0

INDEPENDENCE_SOURCE = "Fienberg 1972, Biometrika 59, 591–603; Cormack 1989, Biometrics 45, 395–413"
STEPWISE_SOURCE = "Chan, Silverman and Vincent 2021, J. Am. Statist. Ass. 116, 1297–1306"
ALL_PAIRS_SOURCE = (
    "Fienberg 1972, Biometrika 59, 591–603; pairs without people: Fienberg and Rinaldo 2012, Ann. Statist. 40"
)
BY_BIC_SOURCE = "Schwarz 1978, Ann. Statist. 6, 461–464, among hierarchical models"

ASSUMPTION_CLOSED_GROUP = (
    "The group is closed: within the window nobody joined it or left it, and all lists speak of the same people."
)
ASSUMPTION_MATCHING = (
    "People are matched rightly across lists: a match that was missed raises the estimate, a false one lowers it."
)
ASSUMPTION_REACHABLE = "Everyone could have come onto some list. Whoever none could ever reach is not in the estimate."
ASSUMPTION_EQUAL_CHANCE = (
    "Within one list everyone had about the same chance to be on it. Where some people are harder to reach for every"
    " list, the estimate is too low."
)
ASSUMPTION_TWO_INDEPENDENT_LISTS = (
    "The two lists came about independently, which two lists cannot show. If being on one makes being on the other"
    " likelier, the estimate is too low; if less likely, too high."
)
ASSUMPTION_MODELLED_DEPENDENCE = (
    "Beyond the terms of the model the lists are independent. A dependence that runs through all of them at once cannot"
    " be seen in any table."
)
ASSUMPTION_TRUE_ZEROS = "A pattern of lists that nobody has was looked for and found empty."
ASSUMPTION_MODEL_SELECTION = (
    "The model was chosen on the same data: its interval leaves out the doubt about the choice."
)
ASSUMPTION_LOWER_BOUND = (
    "The lower bound allows for people that are harder to reach and for lists that follow each other. Where lists avoid"
    " each other's people it can be too high."
)

NO_FINITE_ESTIMATE = "Its likelihood has no finite maximum on this table, or its interval no upper end."


@dataclass(frozen=True)
class Refusal:
    """The reason why no estimate is chosen: a code and a sentence."""

    code: str
    reason: str


@dataclass(frozen=True)
class Estimate:
    """The estimate of the population from a table of lists.

    `chosen_model` is the fit chosen by the rule `selection_rule`; both are None if refused. `range` is the lowest and
    highest estimate of the plausible models, including the chosen one. `excluded_models` has the name of each model
    without an estimate, and the reason."""

    observed_count: int
    shared_count: int
    lists: tuple[str, ...]
    lower_bound: LowerBound
    assumptions: tuple[str, ...]
    models: tuple[Model, ...] = ()
    chosen_model: Model | None = None
    selection_rule: SelectionRule | None = None
    range: tuple[float, float] | None = None
    excluded_models: tuple[tuple[str, str], ...] = ()
    refusal: Refusal | None = None

    def build_numbers(self) -> EstimateNumbers:
        """Return the estimate for JSON: numbers are finite, missing values are null."""
        ends: EstimateRange | None = None
        if self.range is not None:
            ends = {"low": round(self.range[0], 1), "high": round(self.range[1], 1)}
        refusal_out: RefusalOut | None = None
        if self.refusal is not None:
            refusal_out = {"code": self.refusal.code, "reason": self.refusal.reason}
        return {
            "observed": self.observed_count,
            "on_two_or_more": self.shared_count,
            "lists": list(self.lists),
            "models": [model.build_model_out() for model in self.models],
            "left_out": [{"name": name, "reason": reason} for name, reason in self.excluded_models],
            "range": ends,
            "chosen": None if self.chosen_model is None else self.chosen_model.build_model_out(),
            "chosen_by": self.selection_rule,
            "lower_bound": self.lower_bound.build_lower_bound_out(),
            "assumptions": list(self.assumptions),
            "refused": refusal_out,
        }


def estimate_population(
    lists: Sequence[str],
    patterns: Mapping[frozenset[str], int],
    dependent: Collection[frozenset[str]] = (),
    citing: Collection[frozenset[str]] = (),
) -> Estimate:
    """Estimate the population from the numbers of people on exactly each set of lists.

    Missing `patterns` are observed zeros. `dependent` are sets of lists known not to be independent, `citing` sets in
    which one list copies from another; names that are not in the table are ignored. Raise BadTable unless there are 2
    to 12 lists and the counts are valid."""
    table = build_pattern_table(lists, patterns)
    refusal = _find_refusal(table, dependent, citing)
    if refusal is not None:
        return _build_estimate(table, refusal=refusal)
    if len(table.lists) == 2:
        return _build_estimate(table, [("chapman", models.estimate_chapman(table))])
    base = models.fit_independence(table, models.compute_lower_bound(table).estimate - table.observed_count)
    if base is None:
        return _build_estimate(table, [("independence", None)])
    return _build_estimate(table, _fit_log_linear_models(table, base))


def _find_refusal(
    table: PatternTable, dependent: Iterable[frozenset[str]], citing: Iterable[frozenset[str]]
) -> Refusal | None:
    """Return what rules an estimate out before any model is fitted."""
    for bit, name in enumerate(table.lists):
        if not table.count_on_all(1 << bit):
            return Refusal("empty_list", f"Nobody is on {name}: leave it out.")
    if pair := _find_declared_lists(table, dependent):
        reason = f"{pair} are declared dependent: what they share says nothing of whom both miss. Leave one out."
        return Refusal("dependent_lists", reason)
    if pair := _find_declared_lists(table, citing):
        reason = f"Of {pair} one takes from the other: what they share is copied. Leave the citing one out."
        return Refusal("citing_lists", reason)
    if table.shared_count < MIN_SHARED:
        reason = (
            f"{table.shared_count} people are on two lists or more; fewer than {MIN_SHARED} cannot carry an estimate."
        )
        return Refusal("too_few_shared", reason)
    return None


def _find_declared_lists(table: PatternTable, declarations: Iterable[frozenset[str]]) -> str:
    """Return the lists of the first declaration that names two lists of the table, joined by "and"; empty if none
    does."""
    name_groups = ([name for name in table.lists if name in declaration] for declaration in declarations)
    return min((" and ".join(names) for names in name_groups if len(names) > 1), default="")


def _fit_log_linear_models(table: PatternTable, base: Fit) -> list[tuple[str, Model | None]]:
    """Return every model for three lists or more by name; None for those without a finite estimate."""
    stepwise, entered_pairs = models.fit_stepwise(table, base)
    full, empty = models.fit_all_pairs(table, base)
    pairs = models.list_pairs(table)
    results: list[tuple[str, Model | None]] = [
        ("independence", models.estimate_log_linear(table, "independence", INDEPENDENCE_SOURCE, base, [])),
        ("stepwise", models.estimate_log_linear(table, "stepwise", STEPWISE_SOURCE, stepwise, entered_pairs)),
    ]
    all_pairs_model = (
        models.estimate_log_linear(table, "all_pairs", ALL_PAIRS_SOURCE, full, pairs, closed_terms=len(empty))
        if full
        else None
    )
    results.append(("all_pairs", all_pairs_model))
    if len(table.lists) <= models.MAX_LISTS_BY_BIC:
        best, terms = models.fit_by_bic(table, base)
        results.append(("bic", models.estimate_log_linear(table, "bic", BY_BIC_SOURCE, best, terms)))
    return results


def _build_estimate(
    table: PatternTable, results: Iterable[tuple[str, Model | None]] = (), refusal: Refusal | None = None
) -> Estimate:
    """Build the estimate from the fitted models; choose one unless there is a reason not to."""
    fitted_models = {name: model for name, model in results if model is not None}
    excluded_models = [(name, NO_FINITE_ESTIMATE) for name, model in results if model is None]
    plausible = _select_plausible(fitted_models.values())
    estimates = [model.estimate for model in plausible]
    ends = (min(estimates), max(estimates)) if estimates else None
    if refusal is None and ends is None:
        reason = "No finite estimate fits this table: too little is shared between some of the lists, or everything is."
        refusal = Refusal("not_estimable", reason)
    if refusal is None and ends is not None and ends[1] > MAX_DISAGREEMENT * ends[0]:
        refusal = Refusal(
            "models_disagree",
            f"Models that the data allow differ by more than a factor of {MAX_DISAGREEMENT:g}: they say from"
            f" {ends[0]:,.0f} to {ends[1]:,.0f} people. Take the range, not one of them.",
        )
    chosen_model, rule = _choose_model(plausible) if refusal is None else (None, None)
    return Estimate(
        observed_count=table.observed_count,
        shared_count=table.shared_count,
        lists=table.lists,
        lower_bound=models.compute_lower_bound(table),
        assumptions=_list_assumptions(table),
        models=tuple(fitted_models.values()),
        chosen_model=chosen_model,
        selection_rule=rule,
        range=ends,
        excluded_models=tuple(excluded_models),
        refusal=refusal,
    )


def _select_plausible(fitted_models: Iterable[Model]) -> list[Model]:
    """Return the models whose BIC is close enough to the best."""
    candidates = list(fitted_models)
    best = min((model.bic for model in candidates if model.bic is not None), default=0.0)
    return [model for model in candidates if model.bic is None or model.bic <= best + MAX_BIC_DIFFERENCE]


def _choose_model(plausible: Sequence[Model]) -> tuple[Model, SelectionRule]:
    """Return the chosen model and the rule that chose it."""
    for model in plausible:
        if model.name == "stepwise":
            return model, "stepwise"
        if model.bic is None:
            return model, "two_lists"
    return min(plausible, key=lambda model: model.bic or 0.0), "lowest_bic"


def _list_assumptions(table: PatternTable) -> tuple[str, ...]:
    if len(table.lists) == 2:
        return (
            ASSUMPTION_CLOSED_GROUP,
            ASSUMPTION_MATCHING,
            ASSUMPTION_REACHABLE,
            ASSUMPTION_EQUAL_CHANCE,
            ASSUMPTION_TWO_INDEPENDENT_LISTS,
            ASSUMPTION_LOWER_BOUND,
        )
    return (
        ASSUMPTION_CLOSED_GROUP,
        ASSUMPTION_MATCHING,
        ASSUMPTION_REACHABLE,
        ASSUMPTION_EQUAL_CHANCE,
        ASSUMPTION_MODELLED_DEPENDENCE,
        ASSUMPTION_TRUE_ZEROS,
        ASSUMPTION_MODEL_SELECTION,
        ASSUMPTION_LOWER_BOUND,
    )


__all__ = ["MAX_LISTS", "BadTable", "Estimate", "Refusal", "estimate_population", "read_pattern_csv"]


# The assumption that people are matched across lists fails for unlinkable people and makes the estimate too high.
ASSUMPTION_UNLINKABLE = (
    "{} of the releases observed are of people who may only be counted: whoever several sources reported apart stands"
    " once for each, on lists that seem to share nobody, and the estimate is then too high."
)
_SPELLS_PARAM: BindParameter[Any] = bindparam("keys", expanding=True)


def estimate_releases(
    session: Session,
    terms: CountTerms,
    lists: Sequence[str],
    dependent: Sequence[frozenset[str]],
    reader: Reader,
    revision: int,
) -> ReleaseEstimate:
    """Estimate all releases from the overlap of independent sources' verified releases. `lists`: use only these
    sources.

    If one source cites another in verifying one of these releases, the two are not independent lists and the estimate
    is refused. Raise Invalid if a single list is named, or there are more than MAX_LISTS."""
    terms = resolve_places(session, terms, revision)
    selection = build_selection(session, terms, reader, revision)
    release_patterns = build_patterns(session, selection, terms)
    observed_sources = sorted(frozenset[str]().union(*release_patterns.count_by_pattern()))
    used_sources = sorted(set(lists)) if lists else observed_sources
    if len(used_sources) > MAX_LISTS or len(lists) == 1:
        detail = Message(
            "Name 2 to {highest} sources under `lists`: here {number} verified releases."
            if len(used_sources) > 1
            else "Name 2 to {highest} sources under `lists`: one list alone overlaps with none.",
            highest=MAX_LISTS,
            number=len(used_sources),
        )
        raise Invalid.at_pointer("/lists", "lists_out_of_range", detail)
    patterns: Counter[frozenset[str]] = Counter()
    for pattern, number in release_patterns.count_by_pattern().items():
        if listed_pattern := pattern.intersection(used_sources):
            patterns[listed_pattern] += number
    try:
        numbers = estimate_population(
            used_sources,
            patterns,
            dependent,
            _find_citing_pairs(session, used_sources, release_patterns.spell.tolist(), revision),
        ).build_numbers()
    except BadTable as error:
        if len(used_sources) > 1:
            raise Invalid.at_pointer("/lists", "bad_table", str(error)) from error
        numbers = _build_empty_estimate(used_sources, sum(patterns.values()))
    unlinkable = _count_unlinkable(selection, release_patterns, used_sources)
    if unlinkable:
        numbers["assumptions"] = [*numbers["assumptions"], ASSUMPTION_UNLINKABLE.format(unlinkable)]
    echoed_terms = {name: value for name, value in addresses.echo_terms(terms).items() if name != "group_by"}
    # With fewer than two lists the permalink names none: it asks the same question.
    pairs = [":".join(sorted(pair)) for pair in dependent]
    parameters = echoed_terms | {"lists": used_sources if len(used_sources) > 1 else [], "dependent": pairs}
    return {
        "terms": echoed_terms,
        "at": build_revision_out(session, revision),
        **numbers,
        "caveats": {
            "not_visible": count_not_visible(session, terms, reader, revision),
            "unknown_values": find_unknown_values(session, terms, reader, revision),
            "unlinkable": unlinkable,
        },
        "links": build_links("/v1/estimates/releases", parameters, terms, pin_revision(session, revision)),
    }


def _count_unlinkable(selection: Selection, release_patterns: Patterns, used_sources: Sequence[str]) -> int:
    """Return how many observed releases are of unlinkable people, who count once for each source."""
    is_observed = np.array([not pattern.isdisjoint(used_sources) for pattern in release_patterns.sources], bool)
    is_unlinkable = selection.consolidated_rows["withheld"][selection.is_inside & selection.is_countable]
    return int(np.count_nonzero(is_unlinkable & is_observed[release_patterns.pattern]))


def _build_empty_estimate(used_sources: Sequence[str], observed: int) -> EstimateNumbers:
    """Return the response for fewer than two lists."""
    reason = (
        f"{len(used_sources)} independent sources verified a release here: from fewer than two nothing can be "
        "estimated."
    )
    return {
        "observed": observed,
        "on_two_or_more": 0,
        "lists": list(used_sources),
        "models": [],
        "left_out": [],
        "assumptions": [],
        "range": None,
        "chosen": None,
        "chosen_by": None,
        "lower_bound": None,
        "refused": {"code": "too_few_lists", "reason": reason},
    }


def _find_citing_pairs(
    session: Session, lists: Sequence[str], releases: Collection[int], revision: int
) -> list[frozenset[str]]:
    """Return the pairs of sources of which one cites the other in verifying one of the releases."""
    pairs = {frozenset(pair) for pair in combinations(lists, 2)}
    query = select_rows(col(Source.slug), col(Verification.said)).where(
        col(Verification.source) == col(Source.key),
        valid_at(Source, revision),
        valid_at(Verification, revision),
        col(Verification.object) == "release",
        col(Verification.verdict) == Verdict.VERIFIED,
        col(Verification.spell).in_(_SPELLS_PARAM),
        col(Source.slug).in_(lists),
        ~col(Verification.said).contains('"citing":[]'),
    )
    citing = {
        frozenset((slug, cited_slug))
        for chunk in split_into_chunks(releases)
        for slug, text in session.execute(query, {"keys": chunk})
        for cited_slug in json.loads(text)["citing"]
    }
    return sorted(pairs & citing, key=sorted)
