"""Count releases by the model, as the application answers the same terms."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from app.dates import PartialDate
from app.queries.terms import CountTerms
from tests.model.past import Past, Person
from tests.model.rules import (
    Detention,
    Release,
    WindowResult,
    count_in_window,
    find_release,
    find_verifying_sources,
)

COUNTED = ("verified", "contested", "reported")
STATUSES = (*COUNTED, "refuted", "official_only")


@dataclass(frozen=True)
class CountedRelease:
    """A release of a person at a stage, and how it counts in a window."""

    person: Person
    detention: Detention
    release: Release
    window: WindowResult
    is_inside: bool
    verified_by: frozenset[str]

    @property
    def status(self) -> str:
        return self.window.status or self.release.status

    @property
    def is_counted(self) -> bool:
        return self.is_inside and self.status in COUNTED


def list_releases(
    people: Iterable[Person], stage: str, window: tuple[int | None, int | None] = (None, None)
) -> list[CountedRelease]:
    """Return the releases at a stage, those that count in no total too."""
    return [
        CountedRelease(
            person,
            detention,
            release,
            count_in_window(detention, stage, *window),
            _is_inside(release.date, window),
            find_verifying_sources(detention, stage),
        )
        for person in people
        for detention in person.detentions
        if (release := find_release(detention, stage)) is not None
    ]


def _is_inside(date: PartialDate | None, window: tuple[int | None, int | None]) -> bool:
    first, last = window
    if first is None and last is None:
        return True
    return date is not None and (first is None or date.lo >= first) and (last is None or date.hi <= last)


def count_releases(past: Past, terms: CountTerms) -> dict[str, Any]:
    """Return the numbers of the terms: stage, window, status and terms on verifying sources."""
    counted = {one.person.records for one in _choose(past.people, terms) if one.is_counted}
    return count_releases_of(past.people, terms) | {"unresolved_duplicates": past.unresolved(counted)}


def count_releases_of(people: Iterable[Person], terms: CountTerms) -> dict[str, Any]:
    """Return the same without `unresolved_duplicates`.

    `uncertain_date` is left out if a term asks for a status or for sources.
    """
    chosen = _choose(people, terms)
    counted = [one for one in chosen if one.is_counted]
    answer = {
        "total": _build_total([one for one in chosen if one.is_inside], counted),
        "withheld": len({one.person.records for one in counted if one.person.publish == "counted"}),
    }
    if not terms.status and terms.min_sources is None and terms.sources is None:
        uncertain = [one for one in chosen if one.window.is_uncertain and one.release.status in COUNTED]
        answer["uncertain_date"] = len(uncertain)
    return answer


def _choose(people: Iterable[Person], terms: CountTerms) -> list[CountedRelease]:
    releases = list_releases(people, terms.stage or "carried_out", terms.window)
    return [one for one in releases if _matches(one, terms)]


def _matches(one: CountedRelease, terms: CountTerms) -> bool:
    confirming = len(one.window.confirming)
    return (
        (not terms.status or one.status in terms.status)
        and (not terms.any_of or bool(one.verified_by & set(terms.any_of)))
        and {*terms.all_of, *terms.verified_by} <= one.verified_by
        and (not terms.only_by or one.release.verified_by == set(terms.only_by))
        and confirming >= (terms.min_sources or 0)
        and terms.sources in (None, confirming)
    )


def _build_total(inside: Sequence[CountedRelease], counted: Sequence[CountedRelease]) -> dict[str, Any]:
    confirming = [len(one.window.confirming) for one in counted]
    return {
        "releases": len(counted),
        "people": len({one.person.records for one in counted}),
        **{status: sum(one.status == status for one in inside) for status in STATUSES},
        "verified_with_denials": sum(one.status == "verified" and bool(one.release.denied_by) for one in counted),
        "by_min_sources": {
            str(k): sum(number >= k for number in confirming) for k in range(1, max(confirming, default=0) + 1)
        },
        "counted_apart": sum(one.person.publish == "counted" for one in counted),
    }
