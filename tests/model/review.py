"""Reports that await review or were rejected (rule 21)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Literal

from app.dates import PartialDate
from tests.model.rules import LEVELS, Detention, Report, find_detentions, find_release, is_assertion, make_detention

AWAITING, REJECTED = "awaiting_review", "rejected"
DENIALS = ("disputed", "refuted")


def find_states(reports: Iterable[Report]) -> dict[str, str]:
    """Return a dict of source → the state of its reports about the person, if they count in its own row alone."""
    states = [report for report in reports if report.review in (AWAITING, REJECTED)]
    return {report.source: str(report.review) for report in sorted(states, key=lambda one: one.review == AWAITING)}


def withdraw(reports: Iterable[Report], sources: Collection[str]) -> list[Report]:
    """Return the reports, those of some sources withdrawn."""
    return [replace(report, verdict="retracted") if report.source in sources else report for report in reports]


def find_combined_detentions(reports: Sequence[Report]) -> list[Detention]:
    """Return the detentions of the combined record."""
    return find_detentions(withdraw(reports, find_states(reports).keys()))


def find_own_detentions(reports: Sequence[Report], source: str, *, is_asserted: bool = True) -> list[Detention]:
    """Return the detentions as if the reports of a source were approved."""
    others = find_states(reports).keys() - {source}
    return find_detentions(withdraw(reports, others), is_asserted=is_asserted)


def find_stated_date(detention: Detention, source: str, stage: str) -> PartialDate | Literal[False] | None:
    """Return the date that a source gives for a stage which it asserts or denies; False if it does neither."""
    own = [report for report in detention.content if report.source == source]
    asserting = [report for report in own if is_assertion(report)]
    asserted = find_release(make_detention(asserting, detention.begins), stage)
    if asserted is not None:
        return asserted.date
    denials = [r for r in own if r.verdict in DENIALS and r.denies == "event" and 0 < LEVELS[r.stage] <= LEVELS[stage]]
    speaking = [report for report in denials if report.is_first_hand] or denials
    if not speaking:
        return False
    newest = max(speaking, key=lambda r: (r.request, date.hi if (date := r.dates.get(stage)) else 0, r.id))
    return newest.dates.get(stage) or newest.taken_over.get(stage)
