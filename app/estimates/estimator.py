"""How many people there are, seen or not, by the people that lists share: models, a choice, or why there is none.

Estimates of what no list has seen, by capture and recapture. Pure: counts by pattern in, an answer out.

How many releases no source has seen: the registry's own table of who verified what, handed to the estimators."""

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

from app.counts.shapes import ReleaseEstimate
from app.counts.tally import Patterns, not_visible, patterns_of
from app.db.engine import chunks
from app.errors import Invalid
from app.estimates import models
from app.estimates.models import LowerBound, Model
from app.estimates.table import MOST_LISTS, BadTable, Fit, Table, read_csv, table_of
from app.log.entries import pin
from app.models import Source, Verification
from app.queries import terms as wording
from app.queries.selection import Selection, select, with_facility_slug
from app.queries.terms import CountTerms
from app.queries.visibility import at
from app.registry.publication.permissions import Reader
from app.schemas.counts import EstimateNumbers, EstimateRange, RefusalOut, Rule
from app.vocabulary import Verdict

# From seven people in common on Chapman's estimate is nearly free of bias (Robson and Regier 1964, Trans. Am. Fish.
# Soc. 93).
FEWEST_SHARED = 7
# Estimates further apart than this are no answer to "how many".
MOST_DISAGREEMENT = 3.0
# A difference in BIC beyond this speaks very strongly against a model (Kass and Raftery 1995, J. Am. Statist. Ass. 90):
# its estimate is shown, is never chosen, and has no say in whether the others agree.
STRONGLY_AGAINST = 10.0

INDEPENDENCE = "Fienberg 1972, Biometrika 59, 591–603; Cormack 1989, Biometrics 45, 395–413"
STEPWISE = "Chan, Silverman and Vincent 2021, J. Am. Statist. Ass. 116, 1297–1306"
ALL_PAIRS = "Fienberg 1972, Biometrika 59, 591–603; pairs without people: Fienberg and Rinaldo 2012, Ann. Statist. 40"
BY_BIC = "Schwarz 1978, Ann. Statist. 6, 461–464, among hierarchical models"

CLOSED = "The group is closed: within the window nobody joined it or left it, and all lists speak of the same people."
MATCHED = "People are matched rightly across lists: a match that was missed raises the estimate, a false one lowers it."
REACHABLE = "Everyone could have come onto some list. Whoever none could ever reach is not in the estimate."
ALIKE = (
    "Within one list everyone had about the same chance to be on it. Where some people are harder to reach for every"
    " list, the estimate is too low."
)
TWO_LISTS = (
    "The two lists came about independently, which two lists cannot show. If being on one makes being on the other"
    " likelier, the estimate is too low; if less likely, too high."
)
MODELLED = (
    "Beyond the terms of the model the lists are independent. A dependence that runs through all of them at once cannot"
    " be seen in any table."
)
ZEROS = "A pattern of lists that nobody has was looked for and found empty."
SELECTED = "The model was chosen on the same data: its interval leaves out the doubt about the choice."
BOUND = (
    "The lower bound allows for people that are harder to reach and for lists that follow each other. Where lists avoid"
    " each other's people it can be too high."
)

LEFT_OUT = "Its likelihood has no finite maximum on this table, or its interval no upper end."


@dataclass(frozen=True)
class Refusal:
    """Why no estimate is chosen: a code for machines and a sentence."""

    code: str
    reason: str


@dataclass(frozen=True)
class Estimate:
    """What the lists together say of how many people there are.

    `chosen` is the fit that the rule `chosen_by` chose; both are None if refused. `range` holds the lowest and the
    highest estimate of the models that the data do not speak strongly against, the chosen one among them. `left_out`
    gives for each model without a figure the reason.
    """

    observed: int
    shared: int
    lists: tuple[str, ...]
    lower_bound: LowerBound
    assumptions: tuple[str, ...]
    models: tuple[Model, ...] = ()
    chosen: Model | None = None
    chosen_by: Rule | None = None
    range: tuple[float, float] | None = None
    left_out: tuple[tuple[str, str], ...] = ()
    refused: Refusal | None = None

    def answer(self) -> EstimateNumbers:
        """For JSON: numbers are finite, and what there is none of is null."""
        ends: EstimateRange | None = None
        if self.range is not None:
            ends = {"low": round(self.range[0], 1), "high": round(self.range[1], 1)}
        refused: RefusalOut | None = None
        if self.refused is not None:
            refused = {"code": self.refused.code, "reason": self.refused.reason}
        return {
            "observed": self.observed,
            "on_two_or_more": self.shared,
            "lists": list(self.lists),
            "models": [model.answer() for model in self.models],
            "left_out": [{"name": name, "reason": reason} for name, reason in self.left_out],
            "range": ends,
            "chosen": None if self.chosen is None else self.chosen.answer(),
            "chosen_by": self.chosen_by,
            "lower_bound": self.lower_bound.answer(),
            "assumptions": list(self.assumptions),
            "refused": refused,
        }


def estimate(
    lists: Sequence[str],
    patterns: Mapping[frozenset[str], int],
    dependent: Collection[frozenset[str]] = (),
    citing: Collection[frozenset[str]] = (),
) -> Estimate:
    """Estimate everyone from the people on exactly each set of lists.

    `patterns` without people may be left out: they are observed zeros. `dependent` are sets of lists that are known not
    to be made independently, `citing` sets of which one list takes from another; names that are no list of the table
    are passed over. Raises BadTable unless there are 2 to 12 lists and the counts can be counts.
    """
    table = table_of(lists, patterns)
    refused = _unfit(table, dependent, citing)
    if refused is not None:
        return _estimate(table, refused=refused)
    if len(table.lists) == 2:
        return _estimate(table, [("chapman", models.chapman(table))])
    base = models.independence(table, models.lower_bound(table).estimate - table.observed)
    if base is None:
        return _estimate(table, [("independence", None)])
    return _estimate(table, _log_linear(table, base))


def _unfit(table: Table, dependent: Iterable[frozenset[str]], citing: Iterable[frozenset[str]]) -> Refusal | None:
    """What rules an estimate out before any model is fitted."""
    for bit, name in enumerate(table.lists):
        if not table.on_all(1 << bit):
            return Refusal("empty_list", f"Nobody is on {name}: leave it out.")
    if pair := _within(table, dependent):
        reason = f"{pair} are declared dependent: what they share says nothing of whom both miss. Leave one out."
        return Refusal("dependent_lists", reason)
    if pair := _within(table, citing):
        reason = f"Of {pair} one takes from the other: what they share is copied. Leave the citing one out."
        return Refusal("citing_lists", reason)
    if table.shared < FEWEST_SHARED:
        reason = f"{table.shared} people are on two lists or more; fewer than {FEWEST_SHARED} cannot carry an estimate."
        return Refusal("too_few_shared", reason)
    return None


def _within(table: Table, declared: Iterable[frozenset[str]]) -> str:
    """The lists of the table in the first declaration that names two of them, in words; empty if none does."""
    within = ([name for name in table.lists if name in each] for each in declared)
    return min((" and ".join(names) for names in within if len(names) > 1), default="")


def _log_linear(table: Table, base: Fit) -> list[tuple[str, Model | None]]:
    """Every model of three lists and more by name; None for those without a finite estimate."""
    stepwise, taken = models.stepwise(table, base)
    full, empty = models.all_pairs(table, base)
    pairs = models.pairs_of(table)
    fitted: list[tuple[str, Model | None]] = [
        ("independence", models.log_linear(table, "independence", INDEPENDENCE, base, [])),
        ("stepwise", models.log_linear(table, "stepwise", STEPWISE, stepwise, taken)),
    ]
    every = models.log_linear(table, "all_pairs", ALL_PAIRS, full, pairs, closed=len(empty)) if full else None
    fitted.append(("all_pairs", every))
    if len(table.lists) <= models.MOST_LISTS_BY_BIC:
        best, terms = models.by_bic(table, base)
        fitted.append(("bic", models.log_linear(table, "bic", BY_BIC, best, terms)))
    return fitted


def _estimate(table: Table, tried: Iterable[tuple[str, Model | None]] = (), refused: Refusal | None = None) -> Estimate:
    """The answer of the models tried, with a choice unless there is a reason against one."""
    fitted = {name: model for name, model in tried if model is not None}
    left_out = [(name, LEFT_OUT) for name, model in tried if model is None]
    plausible = _plausible(fitted.values())
    estimates = [model.estimate for model in plausible]
    ends = (min(estimates), max(estimates)) if estimates else None
    if refused is None and ends is None:
        reason = "No finite estimate fits this table: too little is shared between some of the lists, or everything is."
        refused = Refusal("not_estimable", reason)
    if refused is None and ends is not None and ends[1] > MOST_DISAGREEMENT * ends[0]:
        refused = Refusal(
            "models_disagree",
            f"Models that the data allow differ by more than a factor of {MOST_DISAGREEMENT:g}: they say from"
            f" {ends[0]:,.0f} to {ends[1]:,.0f} people. Take the range, not one of them.",
        )
    chosen, rule = _choice(plausible) if refused is None else (None, None)
    return Estimate(
        observed=table.observed,
        shared=table.shared,
        lists=table.lists,
        lower_bound=models.lower_bound(table),
        assumptions=_assumptions(table),
        models=tuple(fitted.values()),
        chosen=chosen,
        chosen_by=rule,
        range=ends,
        left_out=tuple(left_out),
        refused=refused,
    )


def _plausible(fitted: Iterable[Model]) -> list[Model]:
    """The models that the data do not speak strongly against, beside the best of them."""
    known = list(fitted)
    best = min((model.bic for model in known if model.bic is not None), default=0.0)
    return [model for model in known if model.bic is None or model.bic <= best + STRONGLY_AGAINST]


def _choice(plausible: Sequence[Model]) -> tuple[Model, Rule]:
    """One of the models that the data do not speak strongly against, and the rule that chose it."""
    for model in plausible:
        if model.name == "stepwise":
            return model, "stepwise"
        if model.bic is None:
            return model, "two_lists"
    return min(plausible, key=lambda model: model.bic or 0.0), "lowest_bic"


def _assumptions(table: Table) -> tuple[str, ...]:
    if len(table.lists) == 2:
        return (CLOSED, MATCHED, REACHABLE, ALIKE, TWO_LISTS, BOUND)
    return (CLOSED, MATCHED, REACHABLE, ALIKE, MODELLED, ZEROS, SELECTED, BOUND)


__all__ = ["MOST_LISTS", "BadTable", "Estimate", "Refusal", "estimate", "read_csv"]


# Where the assumption that people are matched across lists may fail, and which way: of these nobody may be recognised.
APART = (
    "{} of the releases observed are of people who may only be counted: whoever several sources reported apart stands"
    " once for each, on lists that seem to share nobody, and the estimate is then too high."
)
_AMONG: BindParameter[Any] = bindparam("among", expanding=True)


def estimate_releases(
    session: Session,
    terms: CountTerms,
    lists: Sequence[str],
    dependent: Sequence[frozenset[str]],
    reader: Reader,
    revision: int,
) -> ReleaseEstimate:
    """The estimate from the overlap of independent sources' verified releases; `lists`: only these sources'.

    Sources of which one cites the other in verifying one of these releases are no two lists: the estimate is refused.
    Raises Invalid where one list is named, or there are more than MOST_LISTS.
    """
    terms = with_facility_slug(session, terms)
    selection = select(session, terms, reader, revision)
    by_release = patterns_of(session, selection, terms, independent=True)
    seen = sorted(frozenset[str]().union(*by_release.sizes()))
    used = sorted(set(lists)) if lists else seen
    if len(used) > MOST_LISTS or len(lists) == 1:
        detail = f"Name 2 to {MOST_LISTS} sources under `lists`: "
        detail += f"here {len(used)} verified releases." if len(used) > 1 else "one list alone overlaps with none."
        raise Invalid.at("/lists", "lists_out_of_range", detail)
    patterns: Counter[frozenset[str]] = Counter()
    for pattern, number in by_release.sizes().items():
        if among := pattern.intersection(used):
            patterns[among] += number
    try:
        numbers = estimate(
            used, patterns, dependent, _citing(session, used, by_release.spell.tolist(), revision)
        ).answer()
    except BadTable as error:
        if len(used) > 1:
            raise Invalid.at("/lists", "bad_table", str(error)) from error
        numbers = _nothing(used, sum(patterns.values()))
    apart = _counted_apart(selection, by_release, used)
    if apart:
        numbers["assumptions"] = [*numbers["assumptions"], APART.format(apart)]
    echoed = {name: value for name, value in wording.echo(terms).items() if name != "group_by"}
    # Where fewer than two lists are found, the same question is one that names none.
    pairs = [":".join(sorted(pair)) for pair in dependent]
    question = echoed | {"lists": used if len(used) > 1 else [], "dependent": pairs}
    return {
        "terms": echoed,
        **numbers,
        "counted_apart": apart,
        **not_visible(session, terms, reader, revision),
        "permalink": wording.link("/v1/estimates/releases", question, pin(session, revision)),
    }


def _counted_apart(selection: Selection, by_release: Patterns, used: Sequence[str]) -> int:
    """How many of the releases observed are of people who may only be counted, and so stand once for each source."""
    observed = np.array([not pattern.isdisjoint(used) for pattern in by_release.sources], bool)
    apart = selection.together["withheld"][selection.inside & selection.counting]
    return int(np.count_nonzero(apart & observed[by_release.pattern]))


def _nothing(used: Sequence[str], observed: int) -> EstimateNumbers:
    """The answer where there are not two lists to compare."""
    reason = f"{len(used)} independent sources verified a release here: from fewer than two nothing can be estimated."
    return {
        "observed": observed,
        "on_two_or_more": 0,
        "lists": list(used),
        "models": [],
        "left_out": [],
        "assumptions": [],
        "range": None,
        "chosen": None,
        "chosen_by": None,
        "lower_bound": None,
        "refused": {"code": "too_few_lists", "reason": reason},
    }


def _citing(session: Session, lists: Sequence[str], releases: Collection[int], revision: int) -> list[frozenset[str]]:
    """Pairs of sources of which one cites the other in verifying one of the releases."""
    pairs = {frozenset(pair) for pair in combinations(lists, 2)}
    cited = select_rows(col(Source.slug), col(Verification.said)).where(
        col(Verification.source) == col(Source.key),
        at(Source, revision),
        at(Verification, revision),
        col(Verification.object) == "release",
        col(Verification.verdict) == Verdict.VERIFIED,
        col(Verification.spell).in_(_AMONG),
        col(Source.slug).in_(lists),
        ~col(Verification.said).contains('"citing":[]'),
    )
    citing = {
        frozenset((slug, other))
        for some in chunks(releases)
        for slug, text in session.execute(cited, {"among": some})
        for other in json.loads(text)["citing"]
    }
    return sorted(pairs & citing, key=sorted)
