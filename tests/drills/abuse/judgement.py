"""Whether what an attack moved is within the limits, and how it is printed."""

from dataclasses import dataclass, field

from tests.drills.abuse import names
from tests.drills.abuse.measures import State, find_moved, is_same_headline


@dataclass
class Verdict:
    """`facts`: what was measured; `faults`: what is beyond a limit."""

    title: str
    facts: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def expect(self, is_met: bool, fact: str) -> None:
        """Keep a measured fact, as a fault if its limit is not met."""
        (self.facts if is_met else self.faults).append(fact)

    def __str__(self) -> str:
        lines = [f"{'fails' if self.faults else 'holds'}  {self.title}"]
        lines += [f"         {fact}" for fact in self.facts]
        lines += [f"       ! {fault}" for fault in self.faults]
        return "\n".join(lines)


def judge_states(
    verdict: Verdict, before: State, after: State, hidden: set[str], opened: set[str], tolerance: int = 0
) -> None:
    """Compare the states before and after an attack of one key. `tolerance`: of numbers in the headline."""
    limit = names.MAX_UNREVIEWED
    same_headline = is_same_headline(before.headline, after.headline, tolerance)
    shown = f"headline: {after.headline}" if same_headline else f"{before.headline} → {after.headline}"
    verdict.expect(same_headline, shown)
    verdict.expect(before.country == after.country, f"country of the front page: {before.country} → {after.country}")
    moved = find_moved(before, after)
    if not moved:
        verdict.facts.append("no combined number moved")
    for name, number in moved.items():
        change = f"{name}: {before.combined[name]} → {after.combined[name]} ({number:+}, at most {limit})"
        verdict.expect(abs(number) <= limit, change)
    if after.waiting:
        verdict.facts.append(f"stated beside the totals: {after.waiting}")
    verdict.expect(
        len(hidden) <= names.MAX_HIDDEN, f"hidden: {len(hidden)} of {len(before.shown)}, at most {names.MAX_HIDDEN}"
    )
    verdict.expect(not opened, f"opened: {len(opened)}")
