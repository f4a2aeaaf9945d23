"""How well the matcher tells people apart: precision and recall by threshold, beside plain rapidfuzz on folded names.

The invented hard pairs (`bench/pairs/hard.csv`) are always tried. Given the path of a CSV of two sources that name the
same people (columns in `bench/pairs/README.md`), every name of the one is compared with every name of the other: the
rows labelled `match` or `probable` are the true pairs, all others are false.
"""

import csv
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from rapidfuzz import fuzz

from app.dates import DateError, PartialDate, parse_date
from app.matching.score import SAME_NAME_SCORE, Match, Person, compare_people, measure_similarity
from app.matching.scripts import fold

HARD = Path(__file__).parent / "pairs" / "hard.csv"
THRESHOLDS = [percent / 100 for percent in range(60, 100, 2)]
TRUE_LABELS = ("match", "probable")
DAY_FIRST = re.compile(r"(\d\d)\s?\.(\d\d)\.(\d{4})")


@dataclass(frozen=True)
class Pair:
    a: Person
    b: Person
    same: bool
    kind: str = ""

    @property
    def names(self) -> tuple[str, str]:
        return self.a.name or "", self.b.name or ""


@dataclass(frozen=True)
class Figures:
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / (self.precision + self.recall) if self.precision else 0.0

    def __str__(self) -> str:
        return f"precision {self.precision:.4f}  recall {self.recall:.4f}  F1 {self.f1:.4f}"


def figures(found: Iterable[tuple[bool, bool]]) -> Figures:
    """From pairs of (said to be one, is one)."""
    right = wrong = missed = 0
    for said, same in found:
        right += said and same
        wrong += said and not same
        missed += same and not said
    return Figures(right / max(1, right + wrong), right / max(1, right + missed))


def when(text: str) -> PartialDate | None:
    """A date as the lists print it (12.01.1976, 1976-01-12, 1976), or None."""
    day = DAY_FIRST.fullmatch(text.strip())
    try:
        return parse_date(f"{day[3]}-{day[2]}-{day[1]}" if day else text.strip())
    except DateError:
        return None


def hard_pairs() -> list[Pair]:
    rows = csv.DictReader(HARD.read_text(encoding="utf-8").splitlines())
    return [
        Pair(
            Person(row["a"], birth=when(row["born_a"])),
            Person(row["b"], birth=when(row["born_b"])),
            row["same"] == "yes",
            row["kind"],
        )
        for row in rows
    ]


def two_lists(path: Path) -> list[Pair]:
    """Every person of the first source with every person of the second."""
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    theirs = {row["sitios_id"]: row for row in rows}
    return [
        Pair(
            Person(
                mine["presidencia_name"],
                birth=when(mine["presidencia_birth"]),
                detained_on=when(mine["presidencia_detention"]),
            ),
            Person(
                other["sitios_name"], birth=when(other["sitios_birth"]), detained_on=when(other["sitios_detention"])
            ),
            mine["label_by_rule"] in TRUE_LABELS and mine["sitios_id"] == key,
        )
        for mine in rows
        for key, other in theirs.items()
    ]


def one_person(pair: Pair, match: Match) -> bool:
    """What is taken for one person when dates are known: a sure match; or one name and nothing against it, or against
    it no more than a birth that one list has wrong, where the names are identical and so is the day of arrest."""
    if match.is_sure:
        return True
    found = {reason.feature: reason.score for reason in match.reasons}
    one_arrest = match.conflicts == ("birth",) and found["name"] == found.get("detained_on") == 1
    return measure_similarity(*pair.names) >= SAME_NAME_SCORE and (not match.conflicts or one_arrest)


def best(pairs: list[Pair], measure: Callable[[str, str], float]) -> tuple[float, Figures]:
    """The threshold with the best F1, and its figures."""
    scored = [(measure(*map(fold, pair.names)) / 100, pair.same) for pair in pairs]
    tried = [
        (limit, figures((value >= limit, same) for value, same in scored)) for limit in sorted({v for v, _ in scored})
    ]
    return max(tried, key=lambda one: one[1].f1)


def report(title: str, pairs: list[Pair], *, misses: bool) -> None:
    say(f"\n{title}: {len(pairs)} pairs, {sum(pair.same for pair in pairs)} of one person")
    scored = [(measure_similarity(*pair.names), pair) for pair in pairs]
    for limit in THRESHOLDS:
        say(f"  names from {limit:.2f}  {figures((value >= limit, pair.same) for value, pair in scored)}")
    say(
        f"  shipped, names from {SAME_NAME_SCORE:.2f}   "
        f"{figures((value >= SAME_NAME_SCORE, pair.same) for value, pair in scored)}"
    )
    told = [(one_person(pair, compare_people(pair.a, pair.b)), pair) for pair in pairs]
    say(f"  shipped, with dates        {figures((said, pair.same) for said, pair in told)}")
    sure = ((compare_people(pair.a, pair.b).is_sure, pair.same) for pair in pairs)
    say(f"  tied without a curator     {figures(sure)}")
    for name, measure in (("token_sort", fuzz.token_sort_ratio), ("token_set", fuzz.token_set_ratio)):
        limit, found = best(pairs, measure)
        say(f"  rapidfuzz {name} from {limit:.3f}  {found}")
    if misses:
        for said, pair in told:
            if said != pair.same:
                say(f"    {'taken for one' if said else 'missed'}: {pair.kind}: {' | '.join(pair.names)}")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


def main() -> None:
    report("Hard pairs", hard_pairs(), misses=True)
    if len(sys.argv) < 2:
        say("\nNo CSV of two sources was named: make bench-match PAIRS=path")
        return
    report("Two sources", two_lists(Path(sys.argv[1])), misses=True)


if __name__ == "__main__":
    main()
