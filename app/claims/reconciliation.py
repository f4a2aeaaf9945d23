"""What is odd about a running total beside the one its claimant gave before: a fall, or a jump (pure).

No reason for a difference, and nobody's fault: something to ask before the number is printed.

A published figure beside the registry's own count on the figure's window, measure, terms and hour.

A figure of releases is put beside a count of releases, one of the held beside the held on its day, and neither beside
the other. Two counts: *then*, what was known at the hour it was stated, and *now*. Beside them what others had
published of the same thing by then, and every named reason for which the numbers differ. Nothing here says who is
right."""

import uuid
from collections.abc import Callable, Sequence
from datetime import date
from functools import cached_property
from typing import Any, Literal, TypeVar

from pydantic import ValidationError
from sqlalchemy import select
from sqlmodel import Session, col

from app.claims.figures import Figure, Figures, arithmetic, figures_at, minus, partitions
from app.claims.reasons import BEYOND_TERMS, ClaimContext, differences, hindrances, message, reasons
from app.claims.valid_time import count_known_on
from app.counts import tally
from app.counts.shapes import TalliedCount
from app.dates import parse_to
from app.errors import Invalid, NotFound
from app.log.entries import last_revision_at
from app.models import Entry, Source
from app.queries.terms import CountTerms, HeldCountTerms, SourcedTerms
from app.queries.visibility import at
from app.registry.publication.permissions import Reader
from app.schemas.counts import (
    Argument,
    Bounds,
    Counted,
    LogCount,
    NotHeard,
    Numbers,
    PartlyHidden,
    PublishedFigure,
    Reconciliation,
    RemarkOut,
    SaidCount,
)
from app.vocabulary import Measure, Series, Stage

# A jump is growth by more than this between two figures of one running total. Foro Penal's own of January 2026 never
# grew by more than 2.5 times from one to the next (from 17 to 41 in a night); a slip of one digit makes ten of one, and
# a window or a definition that changed without a word often three or more.
JUMP = 3


def remarks(figure: Figure, own: Sequence[Figure]) -> list[RemarkOut]:
    """At most one remark; `own`: the same claimant's other figures of the same thing, without figures that a third one
    corrected."""
    if not _running(figure):
        return []
    earlier = [other for other in own if _grew_into(figure, other)]
    if not earlier:
        return []
    before = max(earlier, key=_when)
    (low, high), (lowest, highest) = figure.bounds, before.bounds
    if high is not None and lowest is not None and high < lowest:
        return [_remark("fall", before)]
    if low is not None and highest and low > JUMP * highest:
        return [_remark("jump", before, times=JUMP)]
    return []


def _grew_into(figure: Figure, other: Figure) -> bool:
    """Whether another figure is the same running total at an earlier time; a part and its whole are two totals."""
    parted = other.id in figure.refers_to("part_of") or figure.id in other.refers_to("part_of")
    return _running(other) and other.run == figure.run and _when(other) < _when(figure) and not parted


def _running(figure: Figure) -> bool:
    """Whether a figure is a total that grows from a day it names, and says when it was stated."""
    begins = figure.filed.get("window_from") is not None
    return begins and figure.filed.get("series") == Series.CUMULATIVE and figure.instant is not None


def _when(figure: Figure) -> tuple[Any, int]:
    return figure.instant, figure.stated


def _remark(code: Literal["fall", "jump"], before: Figure, **arguments: Argument) -> RemarkOut:
    return {"code": code, **message(code, arguments), "before": before.shown()}


Made = TypeVar("Made")
# A source says when it verified a release, and need not say again, until the detention ends, that somebody is held. So
# nothing tells whom a source knew to be held on a day before the log begins.
NO_LOG_THEN = "The log begins later, and what sources say of when they knew (basis `said`) is of releases only."


def reconcile(session: Session, claim_id: uuid.UUID, reader: Reader, revision: int) -> Reconciliation:
    """A claim beside the registry's counts then and now. Raises NotFound."""
    figures = figures_at(session, revision)
    if str(claim_id) not in figures.by_id:
        raise NotFound("There is no claim with this id.")
    figure = figures[str(claim_id)]
    beside, sums = figures.beside(figure), arithmetic(figures, figure)
    counts = _Counts(session, reader, figure, revision)
    now, then = counts.now, counts.then()
    parts = [part for parts in partitions(figures, figure.id).values() for part in parts]
    own = figures.own(figure)
    context = ClaimContext(
        figure=figure,
        beside=beside,
        own=own,
        parts=parts,
        corrections=_corrections(figures, figure),
        cited=[figures[other] for name in ("derived_from", "same_as") for other in figure.refers_to(name)],
        moving=figures.moving(figure),
        arithmetic=sums,
        net=counts.varied("net", True),
        gross=counts.varied("net", False),
        without_house_arrest=counts.varied("house_arrest", False),
        with_house_arrest=counts.varied("house_arrest", True),
        definitions=_definitions(session, revision) if figure.of_held else {},
        withheld=now["withheld"] if now else 0,
        refused=counts.refused,
        whole=reader.restricted,
        learned=_learned(then, now),
        covered=counts.covers(now),
        covered_then=counts.covers(then),
    )
    comparable = not hindrances(context)
    return {
        "claim": figure.shown(),
        "comparable": comparable,
        "reasons": [reason.shown() for reason in reasons(context)],
        "remarks": remarks(figure, [other for other in own if _stands_beside(figures, figure, other)]),
        "then": _with_gap(then, figure, comparable=comparable and context.covered_then),
        "then_unknown": NO_LOG_THEN if now and not then and figure.instant is not None else None,
        "now": _with_gap(now, figure, comparable=comparable and context.covered),
        "published": [_published(figure, other) for other in beside],
        "arithmetic": sums,
    }


def _with_gap(count: LogCount | SaidCount | None, figure: Figure, *, comparable: bool) -> Counted | None:
    """A count with how far the figure is from it, low to high, where the two can be compared."""
    if count is None:
        return None
    gap: Bounds | None = None
    if comparable:
        gap = minus(figure.bounds, (count["by_min_sources"].get("1", 0), _number(count)))
    return {**count, "gap": gap}


def _number(count: LogCount | SaidCount) -> int:
    return count["releases"] if "learned_since" in count else tally.number_of(count)


def _learned(then: LogCount | SaidCount | None, now: LogCount | None) -> int | None:
    """How many more the registry counts now than then. By the days that sources give (`learned_since`) this is not the
    difference of the two counts: a source that does not say when it knew may have known then."""
    if then is None or now is None:
        return None
    return then["learned_since"] if "learned_since" in then else _number(now) - _number(then)


def _corrections(figures: Figures, figure: Figure) -> list[Figure]:
    return [*(figures[old] for old in figure.refers_to("supersedes")), *figures.that("supersedes", figure.id)]


def _stands_beside(figures: Figures, figure: Figure, other: Figure) -> bool:
    """Whether another figure was corrected by nobody, or by this one alone."""
    return {newer.id for newer in figures.that("supersedes", other.id)} <= {figure.id}


def _published(figure: Figure, other: Figure) -> PublishedFigure:
    """Another claimant's figure: how far the claim is from it, and why that may be."""
    return {
        **other.shown(),
        "distance": minus(figure.bounds, other.bounds),
        "reasons": [reason.code for reason in differences(figure, other)],
    }


def count_terms(figure: Figure) -> CountTerms:
    """The terms of a count that mean what a figure of releases says it counts."""
    start, end = figure.window
    given = {**figure.terms, "country": figure.filed.get("country"), "released_from": start, "released_to": end}
    terms = {name: value for name, value in given.items() if value is not None}
    net = bool(figure.definition.get("net"))
    return CountTerms.model_validate({**terms, "stage": Stage(figure.stage), "net": net, "group_by": ["source"]})


def held_terms(figure: Figure) -> HeldCountTerms | None:
    """The terms of a count that mean what a figure of the held says it counts; None without a day, for one that had not
    come, or for terms of releases."""
    end = figure.window[1]
    given = {**figure.terms, "country": figure.filed.get("country"), "held_on": end}
    if end is None or figure.of_days_to_come or given.keys() - HeldCountTerms.model_fields.keys():
        return None
    day = date.fromordinal(parse_to(end)).isoformat()
    terms = {name: value for name, value in given.items() if value is not None}
    return HeldCountTerms.model_validate({**terms, "held_on": day, "group_by": ["source"]})


def _terms(figure: Figure) -> SourcedTerms | None:
    if figure.of_held:
        return held_terms(figure)
    return count_terms(figure) if figure.filed["measure"] == Measure.RELEASED else None


def _definitions(session: Session, revision: int) -> dict[str, str]:
    """Slug → the source's own words on whom it lists."""
    rows = session.execute(select(col(Source.slug), col(Source.definition)).where(at(Source, revision)))
    return {slug: definition for slug, definition in rows if definition}


def _anybody(numbers: Numbers, uncertain_date: int) -> bool:
    return bool(tally.number_of(numbers) or numbers["refuted"] or uncertain_date)


class _Counts:
    """The registry's counts on a figure's own terms."""

    def __init__(self, session: Session, reader: Reader, figure: Figure, revision: int) -> None:
        self._session = session
        self._reader = reader
        self._figure = figure
        self._head = revision
        self.refused: list[str] = []
        self._terms = self._read_terms()

    def _read_terms(self) -> SourcedTerms | None:
        try:
            return _terms(self._figure)
        except ValidationError:  # as filed before such terms were refused
            self.refused = [BEYOND_TERMS]
            return None

    @cached_property
    def now(self) -> LogCount | None:
        return self._at(self._head)

    def then(self) -> LogCount | SaidCount | None:
        """What was known when the figure was stated; None where nobody says when that was, or what."""
        figure, instant = self._figure, self._figure.instant
        if instant is None or self._terms is None:
            return None
        revision = min(last_revision_at(self._session, instant), self._head)
        if revision >= self._first_report():
            return self._at(revision)
        if not isinstance(self._terms, CountTerms):
            return None
        assert figure.day is not None  # it has an instant
        day, terms = figure.day.toordinal(), self._terms
        return self._unless_refused(lambda: count_known_on(self._session, terms, self._reader, self._head, day))

    def varied(self, name: Literal["net", "house_arrest"], value: bool) -> int | None:
        """The number with another value of a term, for telling whether the difference matters; None where the figure
        says which value it means, or counts things that have no such term."""
        if (
            self._terms is None
            or name not in type(self._terms).model_fields
            or self._figure.definition.get(name) is not None
        ):
            return None
        if getattr(self._terms, name) == value:
            return None if self.now is None else tally.number_of(self.now)
        terms = self._terms.model_copy(update={name: value, "group_by": []})
        return self._unless_refused(lambda: tally.number(self._session, terms, self._reader, self._head))

    def covers(self, count: LogCount | SaidCount | None) -> bool:
        """Whether any report that a count of the claim's own terms knew is, or may be, of the claim's country and days,
        whichever person it is of."""
        if count is None or self._terms is None or "learned_since" in count or _anybody(count, count["uncertain_date"]):
            return True
        days = {"country", "held_on", "house_arrest", "released_from", "released_to", "stage"}
        bare = type(self._terms)(**self._terms.model_dump(include=days, exclude_none=True))
        of_anybody = self._count(count["revision"], bare)
        return _anybody(of_anybody["total"], of_anybody["uncertain_date"])

    def _count(self, revision: int, terms: SourcedTerms) -> TalliedCount:
        return tally.count(self._session, terms, self._reader, revision)

    def _at(self, revision: int) -> LogCount | None:
        terms = self._terms
        if terms is None:
            return None
        counted = self._unless_refused(lambda: self._count(revision, terms))
        if counted is None:
            return None
        not_heard: NotHeard = {}
        if "not_heard_since" in counted:
            not_heard["not_heard_since"] = counted["not_heard_since"]
        hidden: PartlyHidden = {"not_visible": counted["not_visible"]} if "not_visible" in counted else {}
        return {
            "revision": revision,
            "basis": "log",
            **counted["total"],
            "by_source": {group["source"]: group["verified"] for group in counted["groups"] if group["verified"]},
            **not_heard,
            **hidden,
            "uncertain_date": counted["uncertain_date"],
            "withheld": counted["withheld"],
            "permalink": counted["permalink"],
        }

    def _unless_refused(self, count: Callable[[], Made]) -> Made | None:
        """A count, or None where it refuses the claim's terms, such as a facility that the registry does not know."""
        if self._terms is None:
            return None
        try:
            return count()
        except Invalid as refusal:
            self.refused = [error["code"] for error in refusal.extra["errors"]]
            return None

    def _first_report(self) -> int:
        """Where the log begins to know of anybody."""
        first = select(col(Entry.revision)).where(col(Entry.kind) == "report").order_by(col(Entry.revision)).limit(1)
        return self._session.scalars(first).first() or self._head + 1
