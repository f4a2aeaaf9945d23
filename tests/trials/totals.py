"""Compare what the registry shows of each detention and release with the model of the rules (`tests/model`)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session, col

from app.counts.tally import compute_count
from app.models import OPEN, DetentionState, Entry, Placement, ReleaseAtStage, Trait
from app.queries.terms import CountTerms
from app.registry.publication.permissions import Reader
from app.vocabulary import STAGES, Role
from tests.model.past import Past
from tests.model.recount import choose_value, list_releases, list_votes
from tests.model.rules import Detention, Report, find_release, is_assertion, list_asserting
from tests.model.statements import NOT_STATED
from tests.properties.steps import Clerk

FIELDS = {"kind": "release.kind", "country": "detention.country", "designation": "detainee.designation",
          "facility": "detention.facility"}  # fmt: skip
# Terms of the counts that are compared with the model. Each trial compares one of them.
TERMS: tuple[tuple[str, str], ...] = (
    ("kind", "house_arrest"),
    ("country", "VE"),
    ("facility", "el-rodeo-i"),
    ("kind", "unspecified"),
    ("designation", "political"),
    ("kind", "release_with_measures"),
    ("facility", "el-helicoide"),
    ("country", "CO"),
)
TWO = 2

_PLACED = select(col(Placement.record), col(Placement.spell)).where(col(Placement.until) == OPEN)
_FACILITY = select(col(Trait.spell), col(Trait.value)).where(col(Trait.until) == OPEN, col(Trait.name) == "facility")
_HELD = select(col(DetentionState.spell), col(DetentionState.country), col(DetentionState.designation)).where(
    col(DetentionState.until) == OPEN
)
_RELEASES = select(
    *(col(getattr(ReleaseAtStage, name)) for name in ("spell", "stage", "status", "lo", "hi", "kind"))
).where(col(ReleaseAtStage.until) == OPEN)


@dataclass(frozen=True)
class Total:
    """A value of a detention, or of its release at a stage: the reports that give it, and what the registry shows."""

    spell: int
    fact: str
    stage: str | None
    reports: tuple[Report, ...]
    shown: Any

    @property
    def votes(self) -> dict[str, Any]:
        """Source → value, of the sources that decide."""
        return list_votes(self.reports, FIELDS[self.fact])

    @property
    def value(self) -> Any:
        """The value by rule 15."""
        return choose_value(self.reports, FIELDS[self.fact])

    @property
    def is_settled(self) -> bool:
        """Whether an organisation gives the value, so that no government decides it."""
        return any(report.is_organisation and report.source in self.votes for report in self.reports)

    def find_agreed(self, hostile: str) -> Any:
        """Return the value that several other organisations verify with one voice, all of their own; else None."""
        field = FIELDS[self.fact]
        votes = list_votes([report for report in self.reports if report.source != hostile], field)
        voting = [report for report in self.reports if report.source in votes]
        is_verified = any(report.is_first_hand and report.verdict == "verified" for report in voting)
        is_own = any(field in report.values for report in voting)
        is_agreed = is_verified and is_own and len(votes) >= TWO and len({*votes.values()}) == 1
        return next(iter(votes.values())) if is_agreed else None

    def __str__(self) -> str:
        where = f"{self.fact} of detention {self.spell} at stage {self.stage}"
        return f"{where} is {self.shown}, by rule 15 {self.value}: {self.votes}"


def read_past(clerk: Clerk) -> Past:
    """Return the registry as the model reads it from the log."""
    entries = clerk.entries()
    return Past(entries, len(entries))


def list_totals(session: Session, past: Past) -> list[Total]:
    """Return the values of each detention, and the kind of its release at each stage."""
    facilities = dict(map(tuple, session.execute(_FACILITY)))
    shown = {spell: {"country": country, "designation": designation, "facility": facilities.get(spell)}
             for spell, country, designation in session.execute(_HELD)}  # fmt: skip
    kinds = {(spell, stage): kind for spell, stage, *_, kind in session.execute(_RELEASES)}
    totals = []
    for spell, detention in _find_detentions(session, past).items():
        totals += [
            Total(spell, fact, None, _list_giving(detention, fact), _read_value(value))
            for fact, value in shown[spell].items()
        ]
        totals += [
            Total(spell, "kind", stage, _list_giving(detention, "kind", stage), _read_value(kinds[spell, stage]))
            for stage in STAGES
            if find_release(detention, stage) is not None
        ]
    return totals


def _find_detentions(session: Session, past: Past) -> dict[int, Detention]:
    """Return a dict of the registry's key → the model's detention with these reports."""
    placed = dict(map(tuple, session.execute(_PLACED)))
    detentions = [detention for person in past.people for detention in person.detentions]
    return {placed[past.keys[UUID(next(iter(one.reports)))]]: one for one in detentions}


def _list_giving(detention: Detention, fact: str, stage: str | None = None) -> tuple[Report, ...]:
    """Return the reports that give a value. Denials give no country and no designation (rule 19)."""
    reports = list_asserting(detention, stage)
    return tuple(reports if fact in ("kind", "facility") else filter(is_assertion, reports))


def _read_value(value: Any) -> Any:
    return None if value in NOT_STATED else value


def find_unlike_the_rules(session: Session, past: Past, hostile: str) -> Iterator[str]:
    """Yield what the registry shows unlike the model: first the values by which one voice outweighs two."""
    for total in list_totals(session, past):
        agreed = total.find_agreed(hostile)
        if agreed is not None and total.shown != agreed:
            yield f"two other organisations verify {agreed}, and one changes it: {total}"
        if total.shown != total.value:
            yield str(total)
    releases = {(spell, stage): tuple(rest) for spell, stage, *rest, _kind in session.execute(_RELEASES)}
    for spell, detention in _find_detentions(session, past).items():
        for stage in STAGES:
            release, row = find_release(detention, stage), releases.get((spell, stage), (None, None, None))
            date = release and release.date
            model = (release and release.status, date and date.lo, date and date.hi)
            if model != row and not (release is None and row[0] in (None, "retracted")):
                yield f"the release of detention {spell} at stage {stage} is {row}, by the rules {model}"


def find_miscounted(session: Session, past: Past, number: int) -> Iterator[str]:
    """Yield a count under one of the terms that differs from the model."""
    fact, value = TERMS[number % len(TERMS)]
    verified = [one.detention for one in list_releases(past.people, "carried_out") if one.status == "verified"]
    stage = "carried_out" if fact == "kind" else None
    values = [choose_value(_list_giving(one, fact, stage), FIELDS[fact]) for one in verified]
    right = values.count(_read_value(value))
    terms = CountTerms.model_validate({"release_kind": [value]} if fact == "kind" else {fact: value})
    revision = max(session.scalars(select(col(Entry.revision))))
    counted = compute_count(session, terms, Reader(Role.READER), revision)["total"]["verified"]
    if counted != right:
        yield f"verified under {fact}={value}: {counted}, by the model {right}"
