"""Which country and which window a page is about, where its address does not say: the same rule for every registry."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.vocabulary import Measure, Series

Claims = Sequence[Mapping[str, Any]]
Sources = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Question:
    """What is counted. `country` is None in a registry that knows of none, `released_from` where no beginning is
    usual."""

    country: str | None
    released_from: str | None
    countries: tuple[str, ...]  # that the registry knows of, for whoever asks about another

    @property
    def terms(self) -> dict[str, str | None]:
        return {"country": self.country, "released_from": self.released_from}


def question_of(given: Mapping[str, Any], claims: Claims, groups: Claims, sources: Sources) -> Question:
    """`given`: the terms in the address; `groups`: releases by country."""
    counted = {group["country"]: group["releases"] for group in groups if group["country"]}
    claimed = Counter(claim["country"] for claim in claims if claim["country"] and claim["measure"] == Measure.RELEASED)
    known = sorted({*claimed, *(country for country, number in counted.items() if number)})
    country = given.get("country") or max(
        known, key=lambda one: (claimed[one], counted.get(one, 0), [-ord(letter) for letter in one]), default=None
    )
    own = [claim for claim in claims if claim["country"] == country]
    return Question(country, given.get("released_from") or usual_beginning(own, sources), tuple(known))


def usual_beginning(claims: Claims, sources: Sources) -> str | None:
    """From when most figures of independent sources count; of beginnings that as many use, the latest."""
    verifying = (claim for claim in claims if sources.get(claim["claimant"] or "", {}).get("independent"))
    return commonest(
        claim["window_from"]
        for claim in verifying
        if claim["measure"] == Measure.RELEASED and claim["series"] == Series.CUMULATIVE
    )


def commonest(beginnings: Iterable[str | None]) -> str | None:
    """The beginning that most have; of those that as many have, the latest."""
    times = Counter(one for one in beginnings if one)
    return max(times, key=lambda one: (times[one], one), default=None)
