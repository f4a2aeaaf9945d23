"""Published figures in the form in which the registry compares them: bounds, window, instant and terms."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, Literal, get_args

from sqlalchemy import select
from sqlmodel import Session, col

from app import dates
from app.db.engine import split_into_chunks
from app.models import Claim, Entry
from app.queries.addresses import EchoedTerms
from app.queries.selection.visibility import valid_at
from app.queries.terms import parse_window
from app.registry.claim_confirmation import find_confirmed_versions
from app.registry.claims import LoggedClaim, LoggedDefinition
from app.schemas.directory import Arithmetic, Bounds, FigureOut
from app.vocabulary import Measure, Series, Stage

# Lowest and highest number that the figure covers, inclusive; None is open.
LowHigh = tuple[int | None, int | None]
FURTHEST_STAGE = str(Stage.CARRIED_OUT)  # the stage of a figure that names none
# How one figure refers to others.
Reference = Literal["derived_from", "same_as", "supersedes", "part_of"]
REFERENCES: tuple[Reference, ...] = get_args(Reference)
# Terms that a figure may leave unsaid: two figures differ in them only if both say them.
OPTIONAL_TERMS = frozenset({"net", "house_arrest"})
# Terms of a claim that concern who verified a release; all others concern the release itself.
VERIFICATION_TERMS = frozenset({"status", "verified_by", "verified_by_match", "min_sources"})
# Terms of a filed definition that a count calls otherwise; the log and the bodies of claims keep their names.
COUNT_TERM_NAMES = {"kind": "release_kind", "all_of": "verified_by", "any_of": "verified_by"}


def translate_definition_terms(terms: Mapping[str, Any]) -> EchoedTerms:
    """Return the terms of a filed definition as the terms of a count.

    An older definition may name sources under `any_of` and under `all_of`. No count has both: `any_of` then stays, so
    that the count refuses it."""
    names = {name: name for name in terms} | {name: COUNT_TERM_NAMES[name] for name in COUNT_TERM_NAMES.keys() & terms}
    if "all_of" in terms and "any_of" in terms:
        names["any_of"] = "any_of"
    translated = {names[name]: value for name, value in terms.items()}
    return translated | {"verified_by_match": "any"} if names.get("any_of") == "verified_by" else translated


@dataclass(frozen=True)
class Figure:
    """One claim at a revision.

    `fields`: the claim as filed by the entry `entry_revision`. `filed_at`: when it was filed, if needed. Only a
    confirmed figure is drawn, or compared with other claims."""

    id: str
    entry_revision: int
    fields: LoggedClaim
    filed_at: datetime | None = None
    is_confirmed: bool = True

    @property
    def claimant(self) -> str | None:
        return self.fields.get("claimant")

    @property
    def is_held_count(self) -> bool:
        """Whether it counts people held on a day rather than releases."""
        return bool(self.fields["measure"] == Measure.HELD)

    @property
    def bounds(self) -> LowHigh:
        return self.fields.get("low"), self.fields.get("high")

    @property
    def window(self) -> tuple[str | None, str | None]:
        """The window as stated. Without an end it ends when the figure was stated, unless it had not begun by then."""
        start, end = self.fields.get("window_from"), self.fields.get("window_to")
        if end is None and self.day is not None and not self.has_future_start:
            end = self.day.isoformat()
        return start, end

    @property
    def days(self) -> tuple[int | None, int | None]:
        """First and last day of its window, as ordinals."""
        return parse_window(*self.window)

    @property
    def has_future_start(self) -> bool:
        """Whether its window begins after the day it was stated and has no end."""
        start = self.fields.get("window_from")
        if self.is_held_count or start is None or self.day is None or self.fields.get("window_to") is not None:
            return False
        return dates.parse_window_start(start) > self.day.toordinal()

    @property
    def is_of_future_day(self) -> bool:
        """Whether it counts people held on a day that was still in the future everywhere when it was filed."""
        end = self.fields.get("window_to")
        if not self.is_held_count or end is None or self.filed_at is None:
            return False
        return dates.parse_window_end(end) > dates.latest_today(self.filed_at)

    @cached_property
    def run_key(self) -> tuple[Any, ...]:
        """The key of a running total: a claimant's newer figure with the same key replaces the older.

        It consists of the window, the terms and the population. A net figure replaces a gross one."""
        terms = {name: value for name, value in self.compared_terms.items() if name != "net"}
        return self.days[0], self.fixed_end, json.dumps(terms, sort_keys=True), self.population

    @property
    def fixed_end(self) -> int | None:
        """The last day of its window; None if the window runs until the day it was stated, said or not."""
        end = self.days[1]
        return None if self.day is not None and end == self.day.toordinal() else end

    @cached_property
    def instant(self) -> datetime | None:
        text = self.fields.get("stated_at_instant")
        return None if text is None else dates.parse_instant(text)

    @property
    def day(self) -> date | None:
        """The day it was stated, in the time zone in which it was stated; the last one of a month or year."""
        text = self.fields.get("stated_at")
        return None if text is None else dates.parse_date(text[: dates.DAY_LENGTH]).last

    @property
    def stated_on(self) -> str | None:
        """The day of its statement as filed; None if it is not known to the day."""
        text = self.fields.get("stated_at")
        return None if text is None or dates.is_month_or_year(text) else text[: dates.DAY_LENGTH]

    @property
    def definition(self) -> LoggedDefinition:
        return self.fields.get("definition") or {}

    @property
    def terms(self) -> EchoedTerms:
        """The terms of a count that define it, except the stage."""
        terms = translate_definition_terms(self.definition.get("terms") or {})
        return {name: value for name, value in terms.items() if name != "stage"}

    @property
    def has_two_source_lists(self) -> bool:
        """Whether it names sources under `any_of` and under `all_of`, which no count does."""
        return "any_of" in self.terms

    @property
    def compared_terms(self) -> dict[str, Any]:
        """The terms in which it may differ from another figure, with the stage and whether it is net."""
        terms: dict[str, Any] = {"stage": self.stage, "net": self.definition.get("net"), **self.terms}
        return {name: sorted(value) if isinstance(value, list) else value for name, value in terms.items()}

    @property
    def population(self) -> tuple[str | None, str | None]:
        """The people whom it counts: in prose, and the id of the figure whose people they are a part of."""
        return self.definition.get("population"), self.definition.get("subset_of")

    @property
    def population_terms(self) -> EchoedTerms:
        """The terms that define the people and releases."""
        other_terms = VERIFICATION_TERMS | OPTIONAL_TERMS
        return {name: value for name, value in self.terms.items() if name not in other_terms}

    @property
    def is_misprint(self) -> bool:
        """Whether the number was printed in error and its claimant never published it."""
        return bool(self.fields.get("misprint"))

    @property
    def is_whole(self) -> bool:
        """Whether it is a number for everybody it counts: no batch, no part of another figure and no misprint."""
        is_fraction = bool(self.fields.get("part_of")) or self.fields.get("series") == Series.BATCH
        return not (is_fraction or self.is_misprint or self.bounds == (None, None))

    @property
    def stage(self) -> str:
        return str((self.definition.get("terms") or {}).get("stage", FURTHEST_STAGE))

    def find_differing_terms(self, other: "Figure") -> list[str]:
        """Return the names of the terms in which another figure differs."""
        own, others = self.compared_terms, other.compared_terms
        names = [name for name in sorted({*own, *others}) if own.get(name) != others.get(name)]
        return [name for name in names if name not in OPTIONAL_TERMS or None not in (own.get(name), others.get(name))]

    def is_of_same_event(self, other: "Figure") -> bool:
        """Return whether another figure is of the same measure and country, and their windows overlap."""
        (start, end), (other_start, other_end) = self.days, other.days
        starts_by_end = (start or dates.FIRST_DAY) <= (other_end or dates.LAST_DAY)
        ends_after_start = (end or dates.LAST_DAY) >= (other_start or dates.FIRST_DAY)
        same_country = self.fields.get("country") == other.fields.get("country")
        same_measure = self.fields["measure"] == other.fields["measure"]
        return same_country and same_measure and starts_by_end and ends_after_start

    def get_references(self, name: Reference) -> list[str]:
        """Return the ids of the claims that this one refers to under a reference."""
        value = self.fields.get(name) or []
        several = value if isinstance(value, list) else [value]
        return [target if isinstance(target, str) else target["claim"] for target in several]

    def build_figure_out(self) -> FigureOut:
        fields = self.fields
        return {
            "id": self.id,
            "claimant": fields.get("claimant"),
            "measure": fields["measure"],
            "qualifier": fields["qualifier"],
            "low": fields.get("low"),
            "high": fields.get("high"),
            "window_from": fields.get("window_from"),
            "window_to": fields.get("window_to"),
            "stated_at": fields.get("stated_at"),
        }


@dataclass(frozen=True)
class Figures:
    """All claims of one revision, by id."""

    by_id: dict[str, Figure]

    def __getitem__(self, claim_id: str) -> Figure:
        return self.by_id[claim_id]

    @cached_property
    def superseded_ids(self) -> frozenset[str]:
        """The ids of figures that a later figure corrects."""
        return frozenset(old for name, old in self._figures_by_target if name == "supersedes")

    @cached_property
    def _figures_by_target(self) -> dict[tuple[Reference, str], list[Figure]]:
        """`(reference, id)` → the figures that refer to this id under this reference.

        References of hearsay to confirmed figures do not count."""
        by_target: dict[tuple[Reference, str], list[Figure]] = {}
        for figure in self.by_id.values():
            for name in REFERENCES:
                for target in dict.fromkeys(figure.get_references(name)):
                    if not figure.is_confirmed and target in self.by_id and self.by_id[target].is_confirmed:
                        continue
                    by_target.setdefault((name, target), []).append(figure)
        return by_target

    def find_referring(self, name: Reference, claim_id: str) -> list[Figure]:
        """Return the figures that refer to a claim, as in `find_referring("supersedes", id)`."""
        return self._figures_by_target.get((name, claim_id), [])

    def find_current_versions(self, figure: Figure) -> list[Figure]:
        """Return the figures that currently replace a figure.

        These are the figures that correct it, or for a repeated print the original; the figure itself if there are
        none; nothing for a misprint. Figures that correct each other in a cycle, which restated claims allow, yield
        nothing."""
        versions, visited, pending = [], set[str](), [figure]
        while pending:
            version = pending.pop()
            if version.id in visited:
                continue
            visited.add(version.id)
            originals = [self.by_id[target] for target in version.get_references("same_as") if target in self.by_id]
            successors = self.find_referring("supersedes", version.id) or originals
            pending += successors
            if not successors and not version.is_misprint:
                versions.append(version)
        return versions

    def find_peer_figures(self, figure: Figure) -> list[Figure]:
        """Return other claimants' figures of the same event published by then, newest first.

        These are the latest per claimant, window, terms and population. Figures corrected by then, batches and parts
        are excluded; a repeated print counts once."""
        latest: dict[Any, Figure] = {}
        for other in sorted(self.by_id.values(), key=order_by_publication):
            if self._is_peer(figure, other):
                latest[other.claimant, other.run_key] = other
        return sorted(latest.values(), key=order_by_publication, reverse=True)

    @staticmethod
    def _is_comparable(figure: Figure, other: Figure) -> bool:
        """Return whether another figure counts the same event by the same terms, at any stage, net or gross."""
        differing_terms = {*figure.find_differing_terms(other)}
        return other.is_whole and figure.is_of_same_event(other) and differing_terms <= {"stage", "net"}

    def _is_peer(self, figure: Figure, other: Figure) -> bool:
        if other.claimant in (None, figure.claimant) or not other.is_confirmed:
            return False
        if not _was_published_by(figure.instant, other):
            return False
        is_corrected = any(
            _was_published_by(figure.instant, newer) for newer in self.find_referring("supersedes", other.id)
        )
        return not is_corrected and other.is_whole and figure.is_of_same_event(other)

    def find_inconsistent_claimants(self, figure: Figure) -> list[str]:
        """Return the other claimants who published different numbers for one window on the day this figure was
        stated."""
        bounds_by_run: dict[Any, set[Any]] = {}
        for other in self.by_id.values():
            if (
                figure.stated_on is not None
                and other.stated_on == figure.stated_on
                and other.population == figure.population
                and self._is_comparable(figure, other)
                and other.claimant not in (None, figure.claimant)
                and other.is_confirmed
            ):
                bounds_by_run.setdefault((str(other.claimant), other.run_key), set()).add(other.bounds)
        return sorted({claimant for (claimant, _run), bounds in bounds_by_run.items() if len(bounds) > 1})

    def find_own_figures(self, figure: Figure) -> list[Figure]:
        """Return the same claimant's other figures of the same thing, for any window."""
        if figure.claimant is None:
            return []
        confirmed_figures = [other for other in self.by_id.values() if other.is_confirmed]
        claimant_figures = [other for other in confirmed_figures if other.claimant == figure.claimant]
        return [other for other in claimant_figures if other.id != figure.id and self._is_comparable(figure, other)]


def _was_published_by(instant: datetime | None, figure: Figure) -> bool:
    """Return whether a figure had been stated by an instant; None matches any figure."""
    return instant is None or (figure.instant is not None and figure.instant <= instant)


def order_by_publication(figure: Figure) -> tuple[str, int]:
    """Return the sort key of figures by when they were stated; those of one instant are in the order of filing."""
    return figure.fields.get("stated_at_instant") or "", figure.entry_revision


def order_by_instant(figure: Figure) -> tuple[Any, int]:
    """Return the sort key of figures that have an instant; figures of one instant are in the order of filing."""
    return figure.instant, figure.entry_revision


def load_figures(session: Session, revision: int) -> Figures:
    """Return every claim valid at a revision: its confirmed version, or the newest of hearsay."""
    confirmed = find_confirmed_versions(session, revision)
    claims = select(col(Claim.key), col(Claim.id), col(Claim.stated)).where(valid_at(Claim, revision))
    rows = session.execute(claims.order_by(col(Claim.key))).all()
    entry_revisions = {claim_id: confirmed.get(key, stated) for key, claim_id, stated in rows}
    confirmed_ids = {claim_id for key, claim_id, _stated in rows if key in confirmed}
    entries = {}
    for chunk in split_into_chunks(entry_revisions.values()):
        columns = (col(Entry.revision), col(Entry.body), col(Entry.recorded_at))
        for entry_revision, body, filed_at in session.execute(select(*columns).where(columns[0].in_(chunk))):
            entries[entry_revision] = json.loads(body)["said"], filed_at
    figures = [
        Figure(str(claim_id), entry_revision, *entries[entry_revision], is_confirmed=claim_id in confirmed_ids)
        for claim_id, entry_revision in entry_revisions.items()
    ]
    return Figures({figure.id: figure for figure in figures})


def group_parts_by_partition(figures: Figures, claim_id: str) -> dict[str, list[Figure]]:
    """Return the current parts of a claim by partition, each once; a correction replaces the part it corrects."""
    by_partition: dict[str, dict[str, Figure]] = {}
    for part in figures.find_referring("part_of", claim_id):
        for membership in part.fields["part_of"]:
            if membership["claim"] == claim_id:
                current = {
                    version.id: version for version in figures.find_current_versions(part) if version.id != claim_id
                }
                by_partition.setdefault(membership["partition"], {}).update(current)
    return {partition: list(parts.values()) for partition, parts in by_partition.items() if parts}


def sum_bounds(parts: Sequence[Figure]) -> LowHigh:
    """Return the lowest and highest sum of the parts; None if a part is open on that side."""
    lows, highs = [part.bounds[0] for part in parts], [part.bounds[1] for part in parts]
    low = None if None in lows else sum(low or 0 for low in lows)
    return low, None if None in highs else sum(high or 0 for high in highs)


def check_arithmetic(figures: Figures, figure: Figure) -> list[Arithmetic]:
    """Compare a claim with the sum of its parts, for each partition.

    `difference` is whole − sum, low to high. The two agree if it can be 0, or if the sum of incomplete parts is
    smaller."""
    sums: list[Arithmetic] = []
    incomplete_partitions = {
        membership["partition"]
        for part in figures.find_referring("part_of", figure.id)
        for membership in part.fields["part_of"]
        if membership["claim"] == figure.id and not membership.get("parts_complete", True)
    }
    for partition, parts in sorted(group_parts_by_partition(figures, figure.id).items()):
        low, high = sum_bounds(parts)
        gap = subtract_bounds(figure.bounds, (low, high))
        is_complete = partition not in incomplete_partitions
        can_be_smaller = not is_complete or gap["low"] is None or gap["low"] <= 0
        sums.append(
            {
                "partition": partition,
                "parts": [part.build_figure_out() for part in parts],
                "sum": build_bounds((low, high)),
                "difference": gap,
                "parts_complete": is_complete,
                "agrees": can_be_smaller and (gap["high"] is None or gap["high"] >= 0),
            }
        )
    return sums


def subtract_bounds(a: LowHigh, b: LowHigh) -> Bounds:
    """Return a − b, low to high; None if an open bound leaves it open."""
    low = None if a[0] is None or b[1] is None else a[0] - b[1]
    return {"low": low, "high": None if a[1] is None or b[0] is None else a[1] - b[0]}


def build_bounds(number: LowHigh) -> Bounds:
    return {"low": number[0], "high": number[1]}
