"""A second model of the registry, written from its rules alone: from reports to spells, voices and values.

It is slow and plain on purpose, and shares nothing with the application but partial dates and code lists. Where the
rules leave something open, `Choices` holds what this model takes, and README.md beside it lists the question.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from app.dates import PartialDate, parse_date

STAGES = ("announced", "ordered", "carried_out")
ASSERTIONS = ("reported", "verified")
DENIALS = ("disputed", "refuted")
WEAK = ("press", "other_organisation", "official_statement")
COUNTING = ("verified", "contested", "reported")
OF_DETENTION = ("country", "facility", "designation")
NOTHING_SAID = {"unspecified": None, "unstated": None}
FAR = 10**9
IN_MONTHS = ("detained_on", "held_on")


def month(day: PartialDate | None) -> PartialDate | None:
    """The months of a day; a year stays one."""
    if day is None or len(day.text) == len("2026"):
        return day
    return parse_date(f"{day.first:%Y-%m}/{day.last:%Y-%m}")


@dataclass(frozen=True)
class Choices:
    """What this model takes where the rules are silent; flip one to see whether a difference rests on it."""

    kept_values_vote: bool = True  # kept values of a source that points count where no independent source says one
    silent_method_is_independent: bool = True  # a report that names no method is as independent as its source
    denial_of_release_says_held: bool = True  # who denies a release reports that the person is held
    denials_date: bool = True  # where nobody asserts a release, those who deny it give its values


@dataclass(frozen=True)
class Pointer:
    """A report that points follows another one."""

    target: str
    at: str  # release, detention or detainee


@dataclass(frozen=True)
class Report:
    """The current version of a source's report."""

    id: str
    source: str
    arrival: int
    revision: int
    verdict: str = "reported"
    method: str | None = None
    citing: tuple[str, ...] = ()
    stage: str | None = None  # None: a report of a detention
    dates: dict[str, PartialDate | None] = field(default_factory=dict)  # by stage, and `detained_on`, `held_on`
    facts: dict[str, str | None] = field(default_factory=dict)
    pointer: Pointer | None = None
    kept: dict[str, Any] = field(default_factory=dict)

    def told_in_months(self) -> "Report":
        days = {name: month(self.dates[name]) for name in IN_MONTHS if self.dates.get(name)}
        kept = {name: month(self.kept[name]) for name in IN_MONTHS if self.kept.get(name)}
        return replace(self, dates=self.dates | days, kept=self.kept | kept)

    @property
    def withdrawn(self) -> bool:
        return self.verdict == "retracted"

    @property
    def asserts(self) -> bool:
        return self.verdict in ASSERTIONS

    def word(self, name: str) -> Any:
        """What it says itself of a day, by stage or name, or of a fact."""
        said = self.dates.get(name) or self.facts.get(name)
        return NOTHING_SAID.get(said, said) if isinstance(said, str) else said

    def own(self, name: str) -> Any:
        """A source's own word; else, where it verified by pointing, what stood there."""
        said = self.word(name)
        return self.kept.get(name) if said is None else said

    @property
    def refutes_detention(self) -> bool:
        """It says that the person was never held there; of a release a denial leaves the detention standing."""
        return self.stage is None and self.verdict == "refuted"

    @property
    def holds(self) -> bool:
        """It says that the person was held: who denies a release says so still."""
        return not self.withdrawn and not self.refutes_detention

    @property
    def start(self) -> PartialDate | None:
        found: PartialDate | None = self.own("detained_on")
        return found

    @property
    def let_go(self) -> PartialDate | None:
        """The day of its release, carried out or not; a report of a detention has none."""
        found: PartialDate | None = self.own("carried_out") if self.stage else None
        return found

    @property
    def states_release(self) -> bool:
        return self.asserts and self.stage == "carried_out"


@dataclass(frozen=True)
class Source:
    slug: str
    independent: bool
    quarantined: bool = False

    @property
    def counts(self) -> bool:
        return self.independent and not self.quarantined


@dataclass(frozen=True)
class Registry:
    """What stands at one revision: reports, sources, and who is whom."""

    reports: dict[str, Report]
    sources: dict[str, Source]
    person_of: dict[str, str]
    publish: dict[str, str]  # by person
    choices: Choices = Choices()
    today: dict[str, str] = field(default_factory=dict)  # by report: the class of its person, as of today
    erased: frozenset[str] = frozenset()  # reports whose personal values are erased, by today
    before: dict[str, str] = field(default_factory=dict)  # by erased person: the class that the log told before

    def in_months(self, person: str) -> bool:
        """Of people who may only be counted, arrest and `held_on` are months; an erasure changes no day."""
        return self.before.get(person, self.publish.get(person)) == "counted"

    def closed(self, person: str) -> bool:
        """As-of changes what was known, never who may see it: whoever may only be counted today shows nothing."""
        mine = [one for one, whose in self.person_of.items() if whose == person]
        return any(self.today.get(one, self.publish.get(person)) == "counted" for one in mine)

    def gone(self, person: str) -> bool:
        return any(whose == person and one in self.erased for one, whose in self.person_of.items())

    def independent(self, report: Report) -> bool:
        """Its source is independent, not in quarantine, it cites nobody, and knows by more than hearsay."""
        method = self.choices.silent_method_is_independent if report.method is None else report.method not in WEAK
        others = [cited for cited in report.citing if cited != report.source]
        return self.sources[report.source].counts and not others and method

    def people(self) -> dict[str, list[Report]]:
        found: dict[str, list[Report]] = {}
        for report in self.reports.values():
            found.setdefault(self.person_of[report.id], []).append(report)
        return found
