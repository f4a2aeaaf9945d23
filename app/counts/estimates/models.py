"""Estimates of everyone, seen or not, with intervals and papers: by one model each, and from below."""

import math
from dataclasses import dataclass

from app.counts.estimates.fits import MOST_PEOPLE, NORMAL_95, Fit, profile_end
from app.counts.estimates.table import Table
from app.schemas.counts import EstimateModel, EstimateRange, LowerBoundOut

CHAPMAN_INTERVAL = "estimate ± 1.96 se, from observed on"
LOG_LINEAR_INTERVAL = "observed + exp(b0 ± 1.96 se)"


@dataclass(frozen=True)
class Model:
    """One model's estimate of all people, with a 95 % interval.

    `terms` are the interactions, lists joined by colons; every list's own term is understood. `aic` and `bic` are None
    where there is no likelihood to compare (Chapman). `profile` is the profile likelihood interval, where there is one;
    an end of it is None where the likelihood never falls far enough.
    """

    name: str
    terms: tuple[str, ...]
    estimate: float
    low: float
    high: float
    interval: str
    source: str
    aic: float | None = None
    bic: float | None = None
    profile: tuple[float | None, float | None] | None = None

    def answer(self) -> EstimateModel:
        """For JSON: people to one decimal, since more would pretend to a precision that is not there."""
        profile: EstimateRange | None = None
        if self.profile is not None:
            low, high = (None if end is None else round(end, 1) for end in self.profile)
            profile = {"low": low, "high": high}
        return {
            "name": self.name,
            "terms": list(self.terms),
            "estimate": round(self.estimate, 1),
            "low": round(self.low, 1),
            "high": round(self.high, 1),
            "aic": None if self.aic is None else round(self.aic, 2),
            "bic": None if self.bic is None else round(self.bic, 2),
            "interval": self.interval,
            "profile": profile,
            "source": self.source,
        }


@dataclass(frozen=True)
class LowerBound:
    """Chao's lower bound of all people; `alike` is its older form, for lists that all reach the same share of people.

    `once` and `twice` are the people on exactly one and exactly two lists. `alike` is None when nobody is on exactly
    two.
    """

    estimate: float
    once: int
    twice: int
    alike: float | None

    def answer(self) -> LowerBoundOut:
        """For JSON: people to one decimal."""
        return {
            "name": "chao",
            "estimate": round(self.estimate, 1),
            "once": self.once,
            "twice": self.twice,
            "if_lists_alike": None if self.alike is None else round(self.alike, 1),
            "source": "Chao 1989, Biometrics 45, 427–438; for lists that are alike: Chao 1987, Biometrics 43, 783–791",
        }


def lower_bound(table: Table) -> LowerBound:
    """Chao's lower bound for lists of unequal reach (Chao 1989).

    Observed + (sum over pairs of lists of [only on one] × [only on the other]) / (people on exactly two lists + 1).
    The unseen are at least that many whatever chances people differ in, by the inequality of Cauchy and Schwarz; for
    two lists it is Chapman's estimate. The older form, observed + f1² / (2 f2) (Chao 1987), takes the lists to be alike
    and lies above the estimates when they are not.
    """
    once, twice = table.on_exactly(1), table.on_exactly(2)
    squares = sum(number**2 for cell, number in table.people.items() if cell.bit_count() == 1)
    across = (once**2 - squares) / 2
    alike = table.observed + once**2 / (2 * twice) if twice else None
    return LowerBound(table.observed + across / (twice + 1), once, twice, alike)


def chapman(table: Table) -> Model | None:
    """Two lists: (n1 + 1)(n2 + 1) / (m + 1) − 1 (Chapman 1951); its variance is Seber's (1970).

    None if it exceeds all bounds.
    """
    first, second, both = table.on_all(1), table.on_all(2), table.on_all(3)
    estimate = (first + 1) * (second + 1) / (both + 1) - 1
    variance = (first + 1) * (second + 1) * (first - both) * (second - both) / ((both + 1) ** 2 * (both + 2))
    spread = NORMAL_95 * math.sqrt(variance)
    if estimate + spread > MOST_PEOPLE:
        return None
    low = max(estimate - spread, float(table.observed))
    source = "Chapman 1951, Univ. California Publ. Statist. 1, 131–160; variance: Seber 1970, Biometrics 26, 13–22"
    return Model("chapman", (), estimate, low, estimate + spread, CHAPMAN_INTERVAL, source)


def log_linear(table: Table, name: str, source: str, fit: Fit, terms: list[int], closed: int = 0) -> Model | None:
    """The estimate by a fitted model: observed + e to its constant. None if that is not told or exceeds all bounds.

    `closed` terms went to minus infinity with the cells taken out of the fit: they count as parameters. BIC takes the
    people observed for the size of the sample.
    """
    constant, spread = float(fit.parameters[0]), NORMAL_95 * fit.error
    if constant + spread > math.log(MOST_PEOPLE):
        return None
    observed = table.observed
    parameters = len(fit.terms) + closed
    likelihood = fit.likelihood - sum(math.lgamma(number + 1) for number in table.people.values())
    down, up = profile_end(fit, -1), profile_end(fit, 1)
    return Model(
        name=name,
        terms=tuple(table.name(term) for term in terms),
        estimate=observed + math.exp(constant),
        low=observed + math.exp(constant - spread),
        high=observed + math.exp(constant + spread),
        interval=LOG_LINEAR_INTERVAL,
        source=source,
        aic=2 * parameters - 2 * likelihood,
        bic=math.log(observed) * parameters - 2 * likelihood,
        profile=(None if down is None else observed + down, None if up is None else observed + up),
    )
