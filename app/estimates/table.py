"""Tables of list patterns, their CSV format, and the maximum likelihood fit of log-linear Poisson models.

A cell is a pattern of lists, written as a bit mask (bit i: on list i). A term is a mask too: 0 is the constant, one bit
a list, several bits an interaction. The expected count of a cell is the exponential of the sum of the terms contained
in it (Fienberg 1972, Biometrika 59; Cormack 1989, Biometrics 45). The constant alone belongs to cell 0, which nobody
sees: its exponential is the estimate of the unseen.

Sums over subsets and supersets of a mask are products with the two halves of a Kronecker matrix: twelve lists need two
products of 64 × 64 matrices instead of 4,095 rows per term. All second derivatives come from one such sum, because two
terms meet in the cells that contain both."""

import codecs
import csv
import io
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

# Newton's method doubles the correct digits with each step near the maximum; towards infinity it moves by about one per
# step.
MAX_STEPS = 60
STEP_TOLERANCE = 1e-6  # largest parameter change in the last step; the remaining error is about its square
# A parameter beyond ±30 is diverging: counts below a thousand million reach e^21. Beyond it, its cells would vanish in
# the rounding of the others and the search would seem to converge.
MAX_PARAMETER = 30.0
MIN_SHARE = 1e-6  # smallest share of people to start from; its logarithm must be finite
MAX_HALVINGS = 30
LIKELIHOOD_TOLERANCE = 1e-12  # relative; smaller changes of the likelihood do not count
# smallest eigenvalue of the information scaled to a unit diagonal; below it, terms are indistinguishable
MIN_EIGENVALUE = 1e-11
NORMAL_95 = 1.96  # as in `observed + exp(b0 ± 1.96 se)`
MAX_PROFILE_STEPS = 25
PROFILE_TOLERANCE = 1e-4  # of the square root of the fall in likelihood
MIN_UNSEEN = 1e-4  # people; a lower end of an interval is reported as 0
MAX_PEOPLE = 1e10  # more than are alive; larger estimates are treated as infinite


@cache
def _build_containment_matrix(bits: int) -> FloatArray:
    """Return a matrix of masks × masks that is 1 where the first contains the second."""
    masks = np.arange(2**bits)
    return np.asarray((masks[:, None] & masks) == masks, dtype=np.float64)


def sum_over_subsets(values: FloatArray) -> FloatArray:
    """Return for each mask the sum over its subsets. `values`: one value per mask."""
    upper, lower = _build_kronecker_halves(len(values))
    return np.asarray(upper @ values.reshape(len(upper), len(lower)) @ lower.T).ravel()


def sum_over_supersets(values: FloatArray) -> FloatArray:
    """Return for each mask the sum over its supersets. `values`: one value per mask."""
    upper, lower = _build_kronecker_halves(len(values))
    return np.asarray(upper.T @ values.reshape(len(upper), len(lower)) @ lower).ravel()


def _build_kronecker_halves(size: int) -> tuple[FloatArray, FloatArray]:
    bits = size.bit_length() - 1
    return _build_containment_matrix(bits // 2), _build_containment_matrix(bits - bits // 2)


@dataclass(frozen=True)
class Fit:
    """A finite maximum of the likelihood.

    `cell_mask`, `counts` and `expected_counts` have one value per mask; `cell_mask` is 0 for cell 0 and for removed
    cells. `parameters` correspond to `terms`, the constant first. `likelihood` is the logarithm, without the factorials
    of the counts."""

    terms: tuple[int, ...]
    counts: FloatArray
    cell_mask: FloatArray
    parameters: FloatArray
    expected_counts: FloatArray
    likelihood: float

    @cached_property
    def moments(self) -> FloatArray:
        """For each mask the expected number of people on all its lists."""
        return sum_over_supersets(self.expected_counts)

    @cached_property
    def information(self) -> FloatArray:
        """The Fisher information (terms × terms); for these models it equals the observed information."""
        masks = np.array(self.terms)
        return np.asarray(self.moments[masks[:, None] | masks])

    @property
    def standard_error(self) -> float:
        """The standard error of the constant; infinite if the counts do not determine the terms."""
        scale = np.sqrt(np.diag(self.information))
        scaled = self.information / np.outer(scale, scale)
        if float(np.linalg.eigvalsh(scaled)[0]) < MIN_EIGENVALUE:
            return math.inf
        first = np.zeros(len(self.terms))
        first[0] = 1
        return math.sqrt(float(np.linalg.solve(scaled, first)[0])) / float(scale[0])


def maximize_likelihood(
    terms: Sequence[int], counts: FloatArray, cell_mask: FloatArray, start: FloatArray, constant: float | None = None
) -> Fit | None:
    """Maximise the Poisson likelihood by Newton's method with step halving; None if there is no finite maximum.

    `constant` fixes the constant, which is then not among `terms`. A finite maximum exists exactly when some table
    without zeros has the same totals for every term (Fienberg and Rinaldo 2012, Annals of Statistics 40). The expected
    counts at a point where the steps vanish are such a table; without one, the steps never vanish."""
    masks = np.array(terms)
    unions = masks[:, None] | masks
    totals = sum_over_supersets(counts * cell_mask)[masks]
    fixed_constant = 0.0 if constant is None else constant
    fixed_contribution = fixed_constant * float((counts * cell_mask).sum())
    log_mask = np.where(cell_mask > 0, 0.0, -np.inf)

    def evaluate(parameters: FloatArray) -> tuple[float, FloatArray]:
        coefficients = np.zeros(len(counts))
        coefficients[masks] = parameters
        coefficients[0] += fixed_constant
        with np.errstate(over="ignore"):
            expected_counts = np.exp(sum_over_subsets(coefficients) + log_mask)
            everyone = float(expected_counts.sum())
        return float(parameters @ totals) + fixed_contribution - everyone, expected_counts

    parameters = start
    likelihood, current_counts = evaluate(parameters)
    for _ in range(MAX_STEPS):
        if not math.isfinite(likelihood):
            return None
        moments = sum_over_supersets(current_counts)
        step = solve_linear(moments[unions], totals - moments[masks])
        if step is None:
            return None
        for _ in range(MAX_HALVINGS):
            trial_likelihood, trial_counts = evaluate(parameters + step)
            if trial_likelihood >= likelihood - LIKELIHOOD_TOLERANCE * abs(likelihood):
                break
            step = step / 2
        else:
            return None
        parameters, likelihood, current_counts = parameters + step, trial_likelihood, trial_counts
        if float(np.abs(parameters).max()) > MAX_PARAMETER:
            return None
        if float(np.abs(step).max()) < STEP_TOLERANCE:
            return Fit(tuple(terms), counts, cell_mask, parameters, current_counts, likelihood)
    return None


def solve_linear(matrix: FloatArray, right: FloatArray) -> FloatArray | None:
    """Solve the linear equations; None if there is no finite solution."""
    try:
        solution = np.asarray(np.linalg.solve(matrix, right), dtype=np.float64)
    except np.linalg.LinAlgError:
        return None
    return solution if bool(np.isfinite(solution).all()) else None


def build_start(list_totals: FloatArray, observed: float, unseen: float) -> FloatArray:
    """Return start values for independent lists, assuming `unseen` people on no list."""
    everyone = observed + max(unseen, 1.0)
    share = np.clip(list_totals / everyone, MIN_SHARE, 1 - MIN_SHARE)
    return np.concatenate([[math.log(everyone) + float(np.log1p(-share).sum())], np.log(share / (1 - share))])


def find_profile_end(fit: Fit, towards: int) -> float | None:
    """Return one end (`towards` −1 or +1) of the 95 % profile likelihood interval of the unseen; None if it is open.

    At the end the likelihood, maximised over all other parameters, is 1.96²/2 below its maximum (Cormack 1992,
    Biometrics 48)."""
    best = float(fit.parameters[0])
    other_parameters = fit.parameters[1:]
    # The square root of the fall is almost linear in the constant, so a secant through the last two points converges
    # fast.
    previous, previous_root = best, 0.0
    constant = best + towards * NORMAL_95 * fit.standard_error
    for _ in range(MAX_PROFILE_STEPS):
        if towards < 0 and constant < math.log(MIN_UNSEEN):
            return 0.0
        if (constant - best) * towards <= 0 or constant > math.log(MAX_PEOPLE):
            return None
        constrained_fit = maximize_likelihood(fit.terms[1:], fit.counts, fit.cell_mask, other_parameters, constant)
        if constrained_fit is None:
            return None
        other_parameters = constrained_fit.parameters
        root = math.sqrt(max(2 * (fit.likelihood - constrained_fit.likelihood), 0.0))
        if abs(root - NORMAL_95) < PROFILE_TOLERANCE:
            return math.exp(constant)
        slope = (root - previous_root) / (constant - previous)
        if slope == 0:
            return None
        previous, previous_root = constant, root
        constant += (NORMAL_95 - root) / slope
    return None


MIN_LISTS = 2
MAX_LISTS = 12  # 4,095 patterns: can be fitted within seconds
MAX_COUNT = 1_000_000_000  # people in one table: more must be a mistake, and sums stay exact
COUNT_COLUMN = "count"
DELIMITERS = ",;\t"  # the delimiters of spreadsheets, by locale


class BadTable(ValueError):
    """A table that cannot be read as list patterns. The message names the place and what to do."""


@dataclass(frozen=True)
class PatternTable:
    """The lists in their original order, and the number of people with exactly each pattern (bit i: on list i)."""

    lists: tuple[str, ...]
    people: Mapping[int, int]

    @property
    def observed_count(self) -> int:
        return sum(self.people.values())

    @cached_property
    def counts(self) -> FloatArray:
        """People by pattern, one number per mask from 0 on; missing patterns are observed zeros."""
        return np.array([self.people.get(cell, 0) for cell in range(2 ** len(self.lists))], dtype=np.float64)

    def count_on_all(self, term: int) -> int:
        """Return the number of people on at least the lists of `term`."""
        return sum(number for cell, number in self.people.items() if cell & term == term)

    def count_on_exactly(self, number_of_lists: int) -> int:
        """Return the number of people on exactly this many lists."""
        return sum(number for cell, number in self.people.items() if cell.bit_count() == number_of_lists)

    @property
    def shared_count(self) -> int:
        """The number of people on two lists or more, the basis of every estimate."""
        return sum(number for cell, number in self.people.items() if cell.bit_count() > 1)

    def format_term(self, term: int) -> str:
        """Return the lists of `term` in the table's order, joined by colons."""
        return ":".join(name for bit, name in enumerate(self.lists) if term >> bit & 1)

    def sorted_names(self, term: int) -> tuple[str, ...]:
        """Return the sorted lists of `term`, independent of the order of columns."""
        return tuple(sorted(name for bit, name in enumerate(self.lists) if term >> bit & 1))


def build_pattern_table(lists: Sequence[str], patterns: Mapping[frozenset[str], int]) -> PatternTable:
    """Build the table from the numbers of people by set of lists. Raise BadTable if it is invalid."""
    _check_lists(lists)
    bits = {name: 1 << position for position, name in enumerate(lists)}
    people: dict[int, int] = {}
    for pattern, number in patterns.items():
        if unknown := sorted(pattern - bits.keys()):
            raise BadTable(f"A pattern names {unknown[0]!r}, which is none of the lists.")
        if not pattern:
            raise BadTable("A pattern without lists cannot have been seen: leave it out.")
        if number < 0:
            raise BadTable(f"The count of {' and '.join(sorted(pattern))} is negative.")
        if number:
            people[sum(bits[name] for name in pattern)] = number
    if sum(people.values()) > MAX_COUNT:
        raise BadTable(f"More than {MAX_COUNT:,} people: check the counts.")
    return PatternTable(tuple(lists), people)


def _check_lists(lists: Sequence[str]) -> None:
    if len(lists) < MIN_LISTS:
        raise BadTable("An estimate needs at least two lists: it comes from whom they share.")
    if len(lists) > MAX_LISTS:
        raise BadTable(f"{len(lists)} lists are too many, {MAX_LISTS} are the most: merge the smallest ones.")
    if len(set(lists)) < len(lists):
        duplicate = next(name for name in lists if lists.count(name) > 1)
        raise BadTable(f"Two lists are called {duplicate!r}: give each its own name.")


def read_pattern_csv(data: bytes) -> tuple[tuple[str, ...], dict[frozenset[str], int]]:
    """Read list names and people by pattern from a CSV table with a 0/1 column per list and a column `count`.

    Accepts what spreadsheets write: comma, semicolon or tab; UTF-8, UTF-16 or Windows-1252, with or without a byte
    order mark; empty lines. Rows with the same pattern are added up, so one row per person is valid too. Raise
    BadTable, which names the faulty line."""
    text = _decode_text(data)
    delimiter = _detect_delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise BadTable(f"This is not a CSV file ({error}).") from error
    if not rows:
        raise BadTable("The file is empty.")
    header = [name.strip() for name in rows[0][1]]
    count_position = _find_count_column(header)
    if unprintable := [position for position, name in enumerate(header, 1) if not name.isprintable()]:
        raise BadTable(
            f"The name of column {unprintable[0]} has a line break or a control character: write it plainly."
        )
    lists = tuple(name for position, name in enumerate(header) if position != count_position)
    if "" in lists:
        raise BadTable(f"Column {header.index('') + 1} has no name: name it after its list, or remove it.")
    _check_lists(lists)
    people: dict[frozenset[str], int] = {}
    for line, row in rows[1:]:
        pattern, number = _parse_row(lists, count_position, [cell.strip() for cell in row], line)
        people[pattern] = people.get(pattern, 0) + number
    if not people:
        raise BadTable("The table has no rows below its header.")
    return lists, people


def _decode_text(data: bytes) -> str:
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ["utf-16"] if is_utf16 else ["utf-8-sig", "cp1252"]:
        with suppress(UnicodeDecodeError):
            return data.decode(encoding)
    raise BadTable("The file is not text: save it as CSV in UTF-8.")


def _detect_delimiter(text: str) -> str:
    """Return the delimiter that splits the header into most columns."""
    header = text.lstrip("\r\n").split("\n", 1)[0]
    try:
        return max(DELIMITERS, key=lambda delimiter: len(next(csv.reader([header], delimiter=delimiter), [])))
    except csv.Error as error:
        raise BadTable(f"This is not a CSV file ({error}).") from error


def _find_count_column(header: Sequence[str]) -> int:
    places = [position for position, name in enumerate(header) if name.casefold() == COUNT_COLUMN]
    if len(places) != 1:
        raise BadTable("The table needs one column `count`: the people with exactly the row's lists.")
    return places[0]


def _parse_row(lists: Sequence[str], count_position: int, cells: list[str], line: int) -> tuple[frozenset[str], int]:
    if len(cells) != len(lists) + 1:
        raise BadTable(f"Line {line} has {len(cells)} columns, the header {len(lists) + 1}.")
    count = cells.pop(count_position)
    # Eleven digits exceed the limit, and parsing an unlimited number of digits is slow.
    if not (count.isascii() and count.isdigit() and len(count) < 11):
        raise BadTable(f"Line {line}: count is {count[:40]!r}, not a whole number of people from 0 on.")
    for name, cell in zip(lists, cells, strict=True):
        if cell not in ("0", "1"):
            raise BadTable(f"Line {line}: {name} is {cell[:40]!r}; write 1 for on the list and 0 for not on it.")
    pattern = frozenset(name for name, cell in zip(lists, cells, strict=True) if cell == "1")
    if not pattern:
        raise BadTable(f"Line {line} is on no list: nobody can have seen these people, so remove it.")
    return pattern, int(count)
