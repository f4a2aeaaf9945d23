"""Count releases by the model, as the application answers the same terms."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.dates import PartialDate, parse_date
from app.queries.dimensions import get_stage_event
from app.queries.terms import CountTerms
from tests.model.past import Past, Person
from tests.model.review import AWAITING, REJECTED, find_stated_date
from tests.model.rules import (
    Detention,
    Release,
    Report,
    WindowResult,
    count_in_window,
    find_confirming_sources,
    find_release,
    find_source_row,
    is_rearrested,
    is_rearrested_by,
    rank_group,
)
from tests.support import GOVERNMENT

NOBODY = Release("reported", frozenset(), frozenset(), None, is_uncertain_date=False, is_official=False)
COUNTED = ("verified", "contested", "reported")
STATUSES = (*COUNTED, "refuted", "official_only")


@dataclass(frozen=True)
class CountedRelease:
    """A release of a person at a stage, and how it counts in a window.

    `release`: of all sources, or in the row of one. `combined`, `confirming`: always of all sources, and of none in a
    row under review (rule 21). `later`: the later detentions of the person.
    """

    person: Person
    detention: Detention
    release: Release
    window: WindowResult
    is_inside: bool
    combined: Release
    confirming: frozenset[str]
    later: Sequence[Detention]

    @property
    def status(self) -> str:
        return self.window.status or self.release.status

    @property
    def confirming_number(self) -> int:
        """How many sources confirm it in the window; of a release outside, how many without a window."""
        return len(self.confirming if self.is_inside else self.combined.verified_by)

    @property
    def is_counted(self) -> bool:
        return self.is_inside and self.status in COUNTED


def list_releases(
    people: Iterable[Person],
    stage: str,
    window: tuple[int | None, int | None] = (None, None),
    source: str | None = None,
) -> list[CountedRelease]:
    """Return the releases at a stage, those that count in no total too; with a source, those in its row (rule 9)."""
    return [
        CountedRelease(
            person,
            detention,
            release,
            count_in_window(row, stage, *window, is_count_only=_is_count_only(person) and source is None),
            _is_inside(release.date, window),
            NOBODY if is_under_review else combined,
            # In the row of a source that does not verify, the days of others do not show (rule 13).
            frozenset()
            if is_under_review
            else find_confirming_sources(
                detention,
                stage,
                *((None, None) if source and _is_count_only(person) and release.status != "verified" else window),
            ),
            detentions[number + 1 :],
        )
        for person in people
        for is_under_review in [source in person.reviews]
        for detentions in [person.own_detentions[str(source)] if is_under_review else person.detentions]
        for number, detention in enumerate(detentions)
        if (combined := find_release(detention, stage)) is not None
        and (row := find_source_row(detention, source, stage) if source else detention) is not None
        and (release := find_release(row, stage)) is not None
    ]


def _is_count_only(person: Person) -> bool:
    return person.publish == "counted"


def _is_inside(date: PartialDate | None, window: tuple[int | None, int | None]) -> bool:
    first, last = window
    if first is None and last is None:
        return True
    return date is not None and (first is None or date.lo >= first) and (last is None or date.hi <= last)


def count_releases(past: Past, terms: CountTerms) -> dict[str, Any]:
    """Return the total and caveats of the terms: stage, window, net, status and terms on verifying sources."""
    counted = {one.person.records for one in _choose(past.people, terms) if one.is_counted}
    model = count_releases_of(past.people, terms)
    return model | {"caveats": model["caveats"] | {"possible_duplicates": past.unresolved(counted)}}


def count_releases_of(people: Iterable[Person], terms: CountTerms) -> dict[str, Any]:
    """Return the same without `possible_duplicates`."""
    chosen = _choose(people, terms)
    counted = [one for one in chosen if one.is_counted]
    uncertain = [one for one in chosen if one.window.is_uncertain and one.release.status in COUNTED]
    return {
        "total": _build_total([one for one in chosen if one.is_inside], counted),
        "caveats": {
            "unlinkable": sum(_is_count_only(one.person) for one in counted),
            "uncertain_date": len(uncertain),
            "withheld": len({one.person.records for one in counted if _is_count_only(one.person)}),
            "denied_by_some": sum(one.status == "verified" and bool(one.combined.denied_by) for one in counted),
        },
    }


def name_window(window: Mapping[str, Any], stage: str | None) -> dict[str, Any]:
    """Return a window of releases under the names that it has at a stage."""
    return {name.replace("released", get_stage_event(stage)): value for name, value in window.items()}


def read_numbers(answer: Mapping[str, Any], model: Mapping[str, Any]) -> dict[str, Any]:
    """Return the total of an answer, and those of its caveats that the model counts."""
    return {"total": answer["total"], "caveats": {name: answer["caveats"][name] for name in model["caveats"]}}


def count_under_review(people: Sequence[Person], terms: CountTerms) -> dict[str, int]:
    """Return how many releases sources assert or deny in rows under review, by the stage and the window (rule 21)."""
    numbers = {AWAITING: 0, REJECTED: 0}
    for person in people:
        for source, state in person.reviews.items():
            dates = [find_stated_date(one, source, terms.stage) for one in person.own_detentions[source]]
            if terms.source in (None, source):
                numbers[state] += sum(date is not False and _is_inside(date, terms.window) for date in dates)
    return numbers


def count_by_month(past: Past, terms: CountTerms) -> dict[str | None, dict[str, Any]]:
    """Return the totals by month of the release. A group counts like the window of its month (rule 6)."""
    groups: dict[str | None, list[CountedRelease]] = {}
    for one in list_releases(past.people, terms.stage, terms.window):
        if not one.is_inside:
            continue
        date, (first, last) = one.release.date, terms.window
        month = f"{date.first:%Y-%m}" if date and f"{date.first:%Y-%m}" == f"{date.last:%Y-%m}" else None
        if month:
            days = parse_date(month)
            window = max(first or days.lo, days.lo), min(last or days.hi, days.hi)
            confirming = find_confirming_sources(one.detention, terms.stage, *window)
            result = count_in_window(one.detention, terms.stage, *window, is_count_only=_is_count_only(one.person))
            one = replace(one, window=result, confirming=confirming)
        if _matches(one, terms):
            groups.setdefault(month, []).append(one)
    return {month: _build_total(group, [one for one in group if one.is_counted]) for month, group in groups.items()}


def count_by_source(past: Past, terms: CountTerms) -> dict[str, int]:
    """Return how many releases each source verifies on its own dates (rule 9)."""
    sources = {report.source for person in past.people for report in person.reports}
    rows = {source: list_releases(past.people, terms.stage, terms.window, source) for source in sources}
    numbers = {source: sum(one.is_inside and one.status == "verified" for one in rows[source]) for source in rows}
    return {source: number for source, number in numbers.items() if number}


def choose_value(reports: Iterable[Report], field: str) -> Any:
    """Return the value that most sources of the first group give (rule 15); None for a tie."""
    votes = list_votes(reports, field)
    tally = Counter(votes.values())
    best = [value for value, number in tally.items() if number == max(tally.values())]
    return best[0] if len(best) == 1 else None


def list_votes(reports: Iterable[Report], field: str) -> dict[str, Any]:
    """Return a dict of source → value: of the first group that gives any, own values or else those taken over."""
    groups: dict[tuple[object, ...], dict[str, Any]] = {}
    by_source: dict[str, list[Report]] = {}
    for report in reports:
        by_source.setdefault(report.source, []).append(report)
    for source, own in by_source.items():
        # Choice: of reports of one request the later row is the newer one.
        newest = sorted(own, key=lambda report: (report.is_first_hand, report.revision), reverse=True)
        values = [report.values[field] for report in newest if field in report.values]
        taken_over = [report.taken_over_values[field] for report in newest if field in report.taken_over_values]
        if values or taken_over:
            group = max(rank_group(report) for report in own), bool(values)
            groups.setdefault(group, {})[source] = (values or taken_over)[0]
    return groups[max(groups)] if groups else {}


def _choose(people: Iterable[Person], terms: CountTerms) -> list[CountedRelease]:
    releases = list_releases(people, terms.stage or "carried_out", terms.window, terms.source)
    return [one for one in releases if _matches(one, terms)]


def _is_rearrested(one: CountedRelease, terms: CountTerms, end: int | None) -> bool:
    if terms.source is None:
        return is_rearrested([one.detention, *one.later], one.detention, end)
    return is_rearrested_by(terms.source, one.later, end)


def _is_carried_out(one: CountedRelease, source: str | None) -> bool:
    """Return whether the release also counts as carried out; with a source, whether that reports it so."""
    if source is not None:
        return find_source_row(one.detention, source, "carried_out") is not None
    release = find_release(one.detention, "carried_out")
    return release is not None and release.status in COUNTED


def _find_reporters(one: CountedRelease, terms: CountTerms) -> frozenset[str]:
    """Return the sources whose reports may be asked for: of count-only people those that verify (rule 13), and none
    but its own of a row under review (rule 21). The source of a row knows its own report."""
    if one.combined is NOBODY:
        return frozenset()
    sources = {report.source for report in one.detention.content}
    asserting = {source for source in sources if find_source_row(one.detention, source, str(terms.stage)) is not None}
    return frozenset(
        source
        for source in asserting
        if source in {*one.combined.verified_by, terms.source} or not _is_count_only(one.person)
    )


def _has_kind(sources: Iterable[str], kinds: Iterable[str]) -> bool:
    return any(("government" if source == GOVERNMENT else "ngo") in kinds for source in sources)


def _matches(one: CountedRelease, terms: CountTerms) -> bool:
    confirming, verified_by, named = one.confirming_number, one.combined.verified_by, set(terms.verified_by)
    matches = {"all": named <= verified_by, "any": bool(named & verified_by), "only": named == verified_by}
    return (
        not (terms.net and _is_rearrested(one, terms, terms.window[1]))
        and terms.rearrested_after in (None, _is_rearrested(one, terms, None))
        and terms.carried_out in (None, terms.carried_out is not None and _is_carried_out(one, terms.source))
        and (not terms.reported_by_kind or _has_kind(_find_reporters(one, terms), terms.reported_by_kind))
        and (not terms.verified_by_kind or _has_kind(verified_by, terms.verified_by_kind))
        and terms.first_hand in (None, bool(verified_by))
        and (not terms.status or one.status in terms.status)
        and (not named or matches[terms.verified_by_match])
        and verified_by.isdisjoint(terms.not_verified_by)
        and confirming >= (terms.min_sources or 0)
        and (terms.max_sources is None or confirming <= terms.max_sources)
    )


def _build_total(inside: Sequence[CountedRelease], counted: Sequence[CountedRelease]) -> dict[str, Any]:
    confirming = [len(one.confirming) for one in counted]
    return {
        "cases": len(counted),
        "people": len({one.person.records for one in counted}),
        **{status: sum(one.status == status for one in inside) for status in STATUSES},
        "by_min_sources": {
            str(k): sum(number >= k for number in confirming) for k in range(1, max(confirming, default=0) + 1)
        },
    }
