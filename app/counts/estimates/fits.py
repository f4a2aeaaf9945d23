"""Log-linear Poisson models of capture patterns: the likelihood and its maximum.

A cell is a pattern of lists, written as a bit mask (bit i: on list i). A term is a mask too: 0 the constant, one bit a
list, more an interaction. The expected count of a cell is the exponential of the sum of the terms contained in it
(Fienberg 1972, Biometrika 59; Cormack 1989, Biometrics 45). The constant alone belongs to cell 0, which nobody sees:
its exponential is the estimate of the unseen.

Sums over what a mask contains, and over what contains it, are products with the two halves of one Kronecker matrix:
twelve lists need two products of 64 × 64 matrices instead of 4,095 rows for each term, and all second derivatives are
read off one such sum, because two terms meet in the cells that contain both.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]
Masks = npt.NDArray[np.int64]

# Newton's method doubles the right digits at each step once near; towards a maximum at infinity it goes on by about
# one a step.
MOST_STEPS = 60
SETTLED = 1e-6  # largest change of a parameter in the last step; the error left is about its square
# A parameter beyond e^30 is on its way to infinity: counts below a thousand million reach e^21. Further on its cells
# would fall under the rounding of the others, and standing still would look like arriving.
FARTHEST = 30.0
NEARLY_NONE = 1e-6  # the share of people from which a search can begin: the logarithm of none has no end
MOST_HALVINGS = 30
ROUNDING = 1e-12  # of a likelihood: less is no change
SEPARABLE = 1e-11  # smallest eigenvalue of the information, scaled to ones: below, terms cannot be told apart
NORMAL_95 = 1.96  # as in `observed + exp(b0 ± 1.96 se)`
PROFILE_STEPS = 25
PROFILE_CLOSE = 1e-4  # of the root of the fall in likelihood
LEAST_UNSEEN = 1e-4  # people: whoever looks further down finds nobody
MOST_PEOPLE = 1e10  # more than are alive: an estimate beyond has no end


@cache
def _contains(bits: int) -> Numbers:
    """Masks × masks: one where the first contains the second."""
    masks = np.arange(2**bits)
    return np.asarray((masks[:, None] & masks) == masks, dtype=np.float64)


def over_parts(values: Numbers) -> Numbers:
    """For each mask the sum over the masks that it contains; one value for each mask of some number of bits."""
    upper, lower = _halves(len(values))
    return np.asarray(upper @ values.reshape(len(upper), len(lower)) @ lower.T).ravel()


def over_wholes(values: Numbers) -> Numbers:
    """For each mask the sum over the masks that contain it."""
    upper, lower = _halves(len(values))
    return np.asarray(upper.T @ values.reshape(len(upper), len(lower)) @ lower).ravel()


def _halves(size: int) -> tuple[Numbers, Numbers]:
    bits = size.bit_length() - 1
    return _contains(bits // 2), _contains(bits - bits // 2)


@dataclass(frozen=True)
class Fit:
    """A finite maximum of the likelihood.

    `kept`, `counts` and `expected` have one value for each mask; `kept` is 0 for cell 0 and for cells taken out.
    `parameters` go with `terms`, the constant first. `likelihood` is the logarithm, without the factorials of the
    counts.
    """

    terms: tuple[int, ...]
    counts: Numbers
    kept: Numbers
    parameters: Numbers
    expected: Numbers
    likelihood: float

    @cached_property
    def moments(self) -> Numbers:
        """For each mask the people expected on all its lists."""
        return over_wholes(self.expected)

    @cached_property
    def information(self) -> Numbers:
        """Fisher's, which for these models is the observed one too: terms × terms."""
        masks = np.array(self.terms)
        return np.asarray(self.moments[masks[:, None] | masks])

    @property
    def error(self) -> float:
        """Standard error of the constant; infinite where the counts do not tell the terms apart."""
        scale = np.sqrt(np.diag(self.information))
        even = self.information / np.outer(scale, scale)
        if float(np.linalg.eigvalsh(even)[0]) < SEPARABLE:
            return math.inf
        first = np.zeros(len(self.terms))
        first[0] = 1
        return math.sqrt(float(np.linalg.solve(even, first)[0])) / float(scale[0])


def maximise(
    terms: Sequence[int], counts: Numbers, kept: Numbers, start: Numbers, constant: float | None = None
) -> Fit | None:
    """The maximum of the Poisson likelihood, by Newton's method with halved steps; None where there is no finite one.

    `constant` holds the constant fast, which is then not among `terms`. A finite maximum is there exactly when some
    table without zeros has the same totals for every term (Fienberg and Rinaldo 2012, Annals of Statistics 40).
    Expected counts at a point where the steps vanish are such a table; where there is none, the steps go on for ever.
    """
    masks = np.array(terms)
    meets = masks[:, None] | masks
    totals = over_wholes(counts * kept)[masks]
    fixed = 0.0 if constant is None else constant
    of_fixed = fixed * float((counts * kept).sum())
    closed = np.where(kept > 0, 0.0, -np.inf)

    def at(parameters: Numbers) -> tuple[float, Numbers]:
        spread = np.zeros(len(counts))
        spread[masks] = parameters
        spread[0] += fixed
        with np.errstate(over="ignore"):
            expected = np.exp(over_parts(spread) + closed)
            everyone = float(expected.sum())
        return float(parameters @ totals) + of_fixed - everyone, expected

    parameters = start
    likelihood, expected = at(parameters)
    for _ in range(MOST_STEPS):
        if not math.isfinite(likelihood):
            return None
        moments = over_wholes(expected)
        step = solved(moments[meets], totals - moments[masks])
        if step is None:
            return None
        for _ in range(MOST_HALVINGS):
            better, its_expected = at(parameters + step)
            if better >= likelihood - ROUNDING * abs(likelihood):
                break
            step = step / 2
        else:
            return None
        parameters, likelihood, expected = parameters + step, better, its_expected
        if float(np.abs(parameters).max()) > FARTHEST:
            return None
        if float(np.abs(step).max()) < SETTLED:
            return Fit(tuple(terms), counts, kept, parameters, expected, likelihood)
    return None


def solved(matrix: Numbers, right: Numbers) -> Numbers | None:
    """The solution of the linear equations; None where there is no finite one."""
    try:
        solution = np.asarray(np.linalg.solve(matrix, right), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
    return solution if bool(np.isfinite(solution).all()) else None


def start_of(on_each: Numbers, seen: float, unseen: float) -> Numbers:
    """Where the search for independent lists begins: as if `unseen` were the number of those on no list."""
    everyone = seen + max(unseen, 1.0)
    share = np.clip(on_each / everyone, NEARLY_NONE, 1 - NEARLY_NONE)
    return np.concatenate([[math.log(everyone) + float(np.log1p(-share).sum())], np.log(share / (1 - share))])


def profile_end(fit: Fit, towards: int) -> float | None:
    """One end (`towards` −1 or +1) of the 95 % profile likelihood interval of the unseen; None: open.

    There the likelihood, maximised over all else, is 1.96²/2 below its maximum (Cormack 1992, Biometrics 48).
    """
    best = float(fit.parameters[0])
    others = fit.parameters[1:]
    # The root of the fall is nearly a line in the constant, so the secant through the last two points lands close.
    before, root_before = best, 0.0
    constant = best + towards * NORMAL_95 * fit.error
    for _ in range(PROFILE_STEPS):
        if towards < 0 and constant < math.log(LEAST_UNSEEN):
            return 0.0
        if (constant - best) * towards <= 0 or constant > math.log(MOST_PEOPLE):
            return None
        constrained = maximise(fit.terms[1:], fit.counts, fit.kept, others, constant)
        if constrained is None:
            return None
        others = constrained.parameters
        root = math.sqrt(max(2 * (fit.likelihood - constrained.likelihood), 0.0))
        if abs(root - NORMAL_95) < PROFILE_CLOSE:
            return math.exp(constant)
        slope = (root - root_before) / (constant - before)
        if slope == 0:
            return None
        before, root_before = constant, root
        constant += (NORMAL_95 - root) / slope
    return None
