"""Published figures as the registry compares them: a claim's bounds, window, instant and terms, read once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, Literal, get_args

from sqlalchemy import select
from sqlmodel import Session, col

from app import dates
from app.models import Claim, Entry
from app.queries.terms import EchoedTerms, edges
from app.queries.visibility import at
from app.registry.claims import LoggedClaim, LoggedDefinition
from app.schemas.counts import Arithmetic, Bounds, FigureOut
from app.vocabulary import Measure, Stage

# Lowest and highest number meant, both included; None is open.
LowHigh = tuple[int | None, int | None]
FURTHEST = str(Stage.CARRIED_OUT)  # the stage of a figure that names none: people who are out
# How a figure points at others.
Reference = Literal["derived_from", "same_as", "supersedes", "part_of"]
REFERENCES: tuple[Reference, ...] = get_args(Reference)
# Terms of a claim that ask who confirmed a release; all others are about the release itself.
WHO_SAYS = frozenset({"status", "any_of", "all_of", "min_sources"})


@dataclass(frozen=True)
class Figure:
    """One claim at a revision. `filed`: its fields as filed, by the entry `stated`; `filed_at`: when, where that
    matters."""

    id: str
    stated: int
    filed: LoggedClaim
    filed_at: datetime | None = None

    @property
    def claimant(self) -> str | None:
        return self.filed.get("claimant")

    @property
    def of_held(self) -> bool:
        """Whether it is a number of people held on a day, and not of releases."""
        return bool(self.filed["measure"] == Measure.HELD)

    @property
    def bounds(self) -> LowHigh:
        return self.filed.get("low"), self.filed.get("high")

    @property
    def window(self) -> tuple[str | None, str | None]:
        """The days it speaks of, as said: a window without an end ends when the figure was stated, if it had begun."""
        start, end = self.filed.get("window_from"), self.filed.get("window_to")
        if end is None and self.day is not None and not self.begins_later:
            end = self.day.isoformat()
        return start, end

    @property
    def days(self) -> tuple[int | None, int | None]:
        """First and last day of its window, as ordinals."""
        return edges(*self.window)

    @property
    def begins_later(self) -> bool:
        """Whether it counts from a day that had not come when it was stated, without saying until when."""
        start = self.filed.get("window_from")
        if self.of_held or start is None or self.day is None or self.filed.get("window_to") is not None:
            return False
        return dates.parse_from(start) > self.day.toordinal()

    @property
    def of_days_to_come(self) -> bool:
        """Whether it is of people held on a day that had not come anywhere when it was filed: a guess, and no count."""
        end = self.filed.get("window_to")
        if not self.of_held or end is None or self.filed_at is None:
            return False
        return dates.parse_to(end) > dates.latest_today(self.filed_at)

    @property
    def run(self) -> tuple[int | None, int | None, str, str | None]:
        """The key of a running total: figures of one claimant with one key replace each other as the number grows. It
        is the opening of the window, its end where one is given, the stage, and `subset_of`."""
        return *edges(self.filed.get("window_from"), self.filed.get("window_to")), self.stage, self.subset_of

    @cached_property
    def instant(self) -> datetime | None:
        stated = self.filed.get("stated_at_instant")
        return None if stated is None else dates.parse_instant(stated)

    @property
    def day(self) -> date | None:
        """The day it was stated, where it was stated: by its own zone."""
        stated = self.filed.get("stated_at")
        return None if stated is None else date.fromisoformat(stated[: dates.DAY_LENGTH])

    @property
    def hourless(self) -> bool:
        """Whether it gives the day on which it was stated, and no hour."""
        return len(self.filed.get("stated_at") or "") == dates.DAY_LENGTH

    @property
    def definition(self) -> LoggedDefinition:
        return self.filed.get("definition") or {}

    @property
    def terms(self) -> EchoedTerms:
        """The terms of a count it is defined in, but for the stage."""
        return {name: value for name, value in (self.definition.get("terms") or {}).items() if name != "stage"}

    @property
    def subset_of(self) -> str | None:
        """The id of the figure of whose people this figure counts a part."""
        return self.definition.get("subset_of")

    @property
    def of_whom(self) -> EchoedTerms:
        """The terms that say which people and releases are meant, without the terms that name verifying sources."""
        return {name: value for name, value in self.terms.items() if name not in WHO_SAYS}

    @property
    def misprint(self) -> bool:
        """Whether its claimant never gave this number."""
        return bool(self.filed.get("misprint"))

    @property
    def stage(self) -> str:
        return str((self.definition.get("terms") or {}).get("stage", FURTHEST))

    def refers_to(self, name: Reference) -> list[str]:
        """The ids of the claims that this one names under a reference."""
        value = self.filed.get(name) or []
        several = value if isinstance(value, list) else [value]
        return [other if isinstance(other, str) else other["claim"] for other in several]

    def shown(self) -> FigureOut:
        filed = self.filed
        return {
            "id": self.id,
            "claimant": filed.get("claimant"),
            "measure": filed["measure"],
            "qualifier": filed["qualifier"],
            "low": filed.get("low"),
            "high": filed.get("high"),
            "window_from": filed.get("window_from"),
            "window_to": filed.get("window_to"),
            "stated_at": filed.get("stated_at"),
        }


@dataclass(frozen=True)
class Figures:
    """All claims of one revision, by id."""

    by_id: dict[str, Figure]

    def __getitem__(self, claim_id: str) -> Figure:
        return self.by_id[claim_id]

    @cached_property
    def superseded(self) -> frozenset[str]:
        """The ids of figures that a later figure corrects."""
        return frozenset(old for name, old in self._naming if name == "supersedes")

    @cached_property
    def _naming(self) -> dict[tuple[Reference, str], list[Figure]]:
        """`(reference, id)` → the figures that name this id under this reference, read once for all."""
        naming: dict[tuple[Reference, str], list[Figure]] = {}
        for figure in self.by_id.values():
            for name in REFERENCES:
                for other in dict.fromkeys(figure.refers_to(name)):
                    naming.setdefault((name, other), []).append(figure)
        return naming

    def that(self, name: Reference, claim_id: str) -> list[Figure]:
        """The figures that name a claim under a reference: `that("supersedes", id)`."""
        return self._naming.get((name, claim_id), [])

    def standing(self, figure: Figure) -> list[Figure]:
        """The figures that stand for a figure by now: itself; else the figures that correct it; for a repeated print
        the figure that it repeats; for a misprint none.

        Figures that correct each other in a circle, as restated claims may, stand for nothing.
        """
        ends, passed, to_follow = [], set[str](), [figure]
        while to_follow:
            version = to_follow.pop()
            if version.id in passed:
                continue
            passed.add(version.id)
            repeated = [self.by_id[other] for other in version.refers_to("same_as") if other in self.by_id]
            onward = self.that("supersedes", version.id) or repeated
            to_follow += onward
            if not onward and not version.misprint:
                ends.append(version)
        return ends

    def beside(self, figure: Figure) -> list[Figure]:
        """Other claimants' figures of the same thing, published by then: the latest of each claimant, window and stage,
        newest first.

        Figures corrected by then, batches and other countries are left out; a repeated print counts once.
        """
        latest: dict[Any, Figure] = {}
        for other in sorted(self.by_id.values(), key=_when):
            if self._beside(figure, other):
                latest[other.claimant, other.run] = other
        return sorted(latest.values(), key=_when, reverse=True)

    @staticmethod
    def _alike(figure: Figure, other: Figure) -> bool:
        """Whether two figures are numbers of the same thing. A batch is not the whole, nor is a part of another figure,
        unless it is a part of this one; and a misprint is nobody's number."""
        if other.filed.get("series") == "batch" or other.bounds == (None, None) or other.terms != figure.terms:
            return False
        if other.misprint or other.subset_of not in (figure.subset_of, figure.id):
            return False
        same_country = other.filed.get("country") == figure.filed.get("country")
        return same_country and other.filed["measure"] == figure.filed["measure"]

    def _beside(self, figure: Figure, other: Figure) -> bool:
        if other.claimant in (None, figure.claimant) or not _known_by(figure.instant, other):
            return False
        corrected = any(_known_by(figure.instant, newer) for newer in self.that("supersedes", other.id))
        return not corrected and self._alike(figure, other)

    def moving(self, figure: Figure) -> list[str]:
        """The other claimants who gave several figures of one window on the day a figure was stated."""
        given: dict[Any, set[Any]] = {}
        for other in self.by_id.values():
            if other.day == figure.day and self._alike(figure, other) and other.claimant not in (None, figure.claimant):
                given.setdefault((str(other.claimant), other.run), set()).add(other.bounds)
        return sorted({claimant for (claimant, _run), bounds in given.items() if len(bounds) > 1})

    def own(self, figure: Figure) -> list[Figure]:
        """The same claimant's other figures of the same thing, windows and all."""
        if figure.claimant is None:
            return []
        of_claimant = [other for other in self.by_id.values() if other.claimant == figure.claimant]
        return [other for other in of_claimant if other.id != figure.id and self._alike(figure, other)]


def _known_by(instant: datetime | None, figure: Figure) -> bool:
    """Whether a figure had been stated by an instant; None is any."""
    return instant is None or (figure.instant is not None and figure.instant <= instant)


def _when(figure: Figure) -> tuple[str, int]:
    return figure.filed.get("stated_at_instant") or "", figure.stated


def figures_at(session: Session, revision: int) -> Figures:
    """Every claim as it stood at a revision."""
    rows = session.execute(
        select(col(Claim.id), col(Claim.stated), col(Entry.body), col(Entry.recorded_at))
        .join(Entry, col(Entry.revision) == col(Claim.stated))
        .where(at(Claim, revision))
        .order_by(col(Claim.key))
    )
    figures = [Figure(str(key), stated, json.loads(body)["said"], filed_at) for key, stated, body, filed_at in rows]
    return Figures({figure.id: figure for figure in figures})


def partitions(figures: Figures, claim_id: str) -> dict[str, list[Figure]]:
    """The parts of a claim by the partition they belong to, as they stand by now, each once: what corrects a part takes
    its place."""
    by_partition: dict[str, dict[str, Figure]] = {}
    for part in figures.that("part_of", claim_id):
        for place in part.filed["part_of"]:
            if place["claim"] == claim_id:
                stand = {version.id: version for version in figures.standing(part) if version.id != claim_id}
                by_partition.setdefault(place["partition"], {}).update(stand)
    return {partition: list(parts.values()) for partition, parts in by_partition.items() if parts}


def total_of(parts: Sequence[Figure]) -> LowHigh:
    """Lowest and highest sum of the parts; open where one of them is."""
    lows, highs = [part.bounds[0] for part in parts], [part.bounds[1] for part in parts]
    low = None if None in lows else sum(low or 0 for low in lows)
    return low, None if None in highs else sum(high or 0 for high in highs)


def arithmetic(figures: Figures, figure: Figure) -> list[Arithmetic]:
    """For each partition of a claim: what its parts add up to, and how far that is from the whole.

    `difference` is whole − sum, low to high; the two agree where it can be nought.
    """
    sums: list[Arithmetic] = []
    for partition, parts in sorted(partitions(figures, figure.id).items()):
        low, high = total_of(parts)
        gap = minus(figure.bounds, (low, high))
        agrees = (gap["low"] is None or gap["low"] <= 0) and (gap["high"] is None or gap["high"] >= 0)
        sums.append(
            {
                "partition": partition,
                "parts": [part.shown() for part in parts],
                "sum": as_bounds((low, high)),
                "difference": gap,
                "agrees": agrees,
            }
        )
    return sums


def minus(a: LowHigh, b: LowHigh) -> Bounds:
    """a − b, low to high; None where an open bound leaves it open."""
    low = None if a[0] is None or b[1] is None else a[0] - b[1]
    return {"low": low, "high": None if a[1] is None or b[0] is None else a[1] - b[0]}


def as_bounds(number: LowHigh) -> Bounds:
    return {"low": number[0], "high": number[1]}
