"""A published figure beside the registry's own count on the figure's window, measure, terms and hour.

A figure of releases is put beside a count of releases, one of the held beside the held on its day, and neither beside
the other. Two counts: *then*, what was known at the hour it was stated, and *now*. Beside them what others had
published of the same thing by then, and every named reason for which the numbers differ. Who is right is nobody's
business here.
"""

import uuid
from collections.abc import Callable
from datetime import date
from typing import Any

from pydantic import ValidationError
from sqlalchemy import select
from sqlmodel import Session, col

from app.counts import tally
from app.counts.claims.figures import Figure, Figures, arithmetic, figures_at, minus, partitions
from app.counts.claims.reasons import BEYOND_TERMS, Known, differences, hindrances, reasons
from app.counts.claims.remarks import remarks
from app.counts.claims.valid_time import knew
from app.dates import parse_to
from app.errors import Invalid, NotFound
from app.log.entries import last_revision_at
from app.models import Entry, Source
from app.reading.terms import CountTerms, HeldCountTerms, SourcedTerms
from app.reading.visibility import at
from app.registry.policy import Reader
from app.vocabulary import Measure, Stage

Row = dict[str, Any]
# Of a release a source says when it verified it. That somebody was held goes without saying until it ends, so that
# nothing tells whom a source knew to be held on a day before the log begins.
NO_LOG_THEN = "The log begins later, and what sources say of when they knew (basis `said`) is of releases only."


def reconcile(session: Session, claim_id: uuid.UUID, reader: Reader, revision: int) -> Row:
    """`{claim, comparable, reasons, remarks, then, then_unknown, now, published, arithmetic}`. Raises NotFound."""
    figures = figures_at(session, revision)
    if str(claim_id) not in figures.by_id:
        raise NotFound("There is no claim with this id.")
    figure = figures[str(claim_id)]
    beside, sums = figures.beside(figure), arithmetic(figures, figure)
    counts = _Counts(session, reader, figure, revision)
    now, then = counts.now(), counts.then()
    parts = [part for parts in partitions(figures, figure.id).values() for part in parts]
    own = figures.own(figure)
    known = Known(
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
        learned=_learned(then, now, counts.noun),
        covered=counts.covers(now),
        covered_then=counts.covers(then),
    )
    comparable = not hindrances(known)
    for count, covered in ((then, known.covered_then), (now, known.covered)):
        if count is not None:
            low = count["by_min_sources"].get("1", 0)
            count["gap"] = minus(figure.bounds, (low, count[counts.noun])) if comparable and covered else None
    return {
        "claim": figure.shown(),
        "comparable": comparable,
        "reasons": [reason.shown() for reason in reasons(known)],
        "remarks": remarks(figure, [other for other in own if _stands_beside(figures, figure, other)]),
        "then": then,
        "then_unknown": NO_LOG_THEN if now and not then and figure.instant is not None else None,
        "now": now,
        "published": [_published(figure, other) for other in beside],
        "arithmetic": sums,
        "revision": revision,
    }


def _learned(then: Row | None, now: Row | None, noun: str) -> int | None:
    """How many more the registry counts now than then. By what sources say of when they knew it is no difference of
    the two: who does not say when may have known."""
    if then is None or now is None:
        return None
    return int(then["learned_since"] if then["basis"] == "said" else now[noun] - then[noun])


def _corrections(figures: Figures, figure: Figure) -> list[Figure]:
    return [*(figures[old] for old in figure.refers_to("supersedes")), *figures.that("supersedes", figure.id)]


def _stands_beside(figures: Figures, figure: Figure, other: Figure) -> bool:
    """Whether another figure was corrected by nobody, or by this one alone."""
    return {newer.id for newer in figures.that("supersedes", other.id)} <= {figure.id}


def _published(figure: Figure, other: Figure) -> Row:
    """Another's figure: how far the claim is from it, and why that may be."""
    return {
        **other.shown(),
        "distance": minus(figure.bounds, other.bounds),
        "reasons": [str(reason.code) for reason in differences(figure, other)],
    }


def count_terms(figure: Figure) -> CountTerms:
    """The terms of a count that mean what a figure of releases says it counts."""
    start, end = figure.window
    given = {"country": figure.said.get("country"), "released_from": start, "released_to": end}
    return CountTerms(
        **{name: value for name, value in {**figure.terms, **given}.items() if value is not None},
        stage=Stage(figure.stage),
        net=bool(figure.definition.get("net")),
        group_by=["source"],
    )


def held_terms(figure: Figure) -> HeldCountTerms | None:
    """The terms of a count that mean what a figure of the held says it counts; None without a day, for one that had not
    come, or for terms that are those of releases."""
    end = figure.window[1]
    given = {**figure.terms, "country": figure.said.get("country"), "held_on": end}
    if end is None or figure.of_days_to_come or given.keys() - HeldCountTerms.model_fields.keys():
        return None
    day = date.fromordinal(parse_to(end)).isoformat()
    terms = {name: value for name, value in given.items() if value is not None}
    return HeldCountTerms(**{**terms, "held_on": day, "group_by": ["source"]})


def _terms(figure: Figure) -> SourcedTerms | None:
    if figure.of_held:
        return held_terms(figure)
    return count_terms(figure) if figure.said["measure"] == Measure.RELEASED else None


def _definitions(session: Session, revision: int) -> dict[str, str]:
    """Slug → whom that source says it lists."""
    rows = session.execute(select(col(Source.slug), col(Source.definition)).where(at(Source, revision)))
    return {slug: definition for slug, definition in rows if definition}


def _anybody(count: Row, noun: str) -> bool:
    return bool(count[noun] or count["refuted"] or count["uncertain_date"])


class _Counts:
    """The registry's counts on a figure's own terms."""

    def __init__(self, session: Session, reader: Reader, figure: Figure, revision: int) -> None:
        self._session = session
        self._reader = reader
        self._figure = figure
        self._head = revision
        self.refused: list[str] = []
        self._terms = self._asked()
        self.noun = "detentions" if figure.of_held else "releases"

    def _asked(self) -> SourcedTerms | None:
        try:
            return _terms(self._figure)
        except ValidationError:  # as filed before such terms were refused
            self.refused = [BEYOND_TERMS]
            return None

    def now(self) -> Row | None:
        return self._at(self._head)

    def then(self) -> Row | None:
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
        counted = self._known(lambda: knew(self._session, terms, self._reader, self._head, day))
        return counted and {"revision": self._head, "basis": "said", **counted}

    def varied(self, name: str, value: bool) -> int | None:
        """The number with another value of a term, for telling whether the difference matters; None where the figure
        says which it means, or is of things that have no such term."""
        if (
            self._terms is None
            or name not in type(self._terms).model_fields
            or self._figure.definition.get(name) is not None
        ):
            return None
        terms = self._terms.model_copy(update={name: value, "group_by": []})
        counted = self._known(lambda: self._count(self._head, terms))
        return None if counted is None else int(counted["total"][self.noun])

    def covers(self, count: Row | None) -> bool:
        """Whether any report is, or may be, of the claim's country and days as far as a count of the claim's own terms
        knew, whoever they are of."""
        if count is None or self._terms is None or count["basis"] == "said" or _anybody(count, self.noun):
            return True
        days = {"country", "held_on", "house_arrest", "released_from", "released_to", "stage"}
        bare = type(self._terms)(**self._terms.model_dump(include=days, exclude_none=True))
        found = self._count(count["revision"], bare)
        return _anybody({**found["total"], "uncertain_date": found["uncertain_date"]}, self.noun)

    def _count(self, revision: int, terms: SourcedTerms) -> Row:
        return tally.count(self._session, terms, self._reader, revision)

    def _at(self, revision: int) -> Row | None:
        terms = self._terms
        if terms is None:
            return None
        counted = self._known(lambda: self._count(revision, terms))
        if counted is None:
            return None
        total = counted["total"]
        names = (self.noun, "people", "verified", "contested", "reported", "refuted")
        return {
            "revision": revision,
            "basis": "log",
            **{name: total[name] for name in names},
            "by_min_sources": total["by_min_sources"],
            "counted_apart": total["counted_apart"],
            "by_source": {group["source"]: group["verified"] for group in counted["groups"] if group["verified"]},
            **{name: counted[name] for name in ("not_heard_since", "not_visible") if name in counted},
            "uncertain_date": counted["uncertain_date"],
            "withheld": counted["withheld"],
            "permalink": counted["permalink"],
        }

    def _known(self, count: Callable[[], Row]) -> Row | None:
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
