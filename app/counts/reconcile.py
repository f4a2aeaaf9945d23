"""A published figure beside the registry's own count on the figure's window, measure, terms and hour.

Two counts: *then*, what was known at the hour it was stated, and *now*. Beside them what others had published of the
same thing by then, and every named reason for which the numbers differ. Who is right is nobody's business here.
"""

import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.counts.figures import Figure, Figures, arithmetic, figures_at, minus, partitions
from app.counts.knew import knew
from app.counts.reasons import Known, differences, hindrances, reasons
from app.counts.tally import count_releases
from app.counts.terms import CountTerms
from app.errors import Invalid, NotFound
from app.log.entries import last_revision_at
from app.models import Entry
from app.registry.policy import Reader
from app.vocabulary import Measure, Stage

Row = dict[str, Any]


def reconcile(session: Session, claim_id: uuid.UUID, reader: Reader, revision: int) -> Row:
    """`{claim, comparable, reasons, then, now, published, arithmetic}`. Raises NotFound."""
    figures = figures_at(session, revision)
    if str(claim_id) not in figures.by_id:
        raise NotFound("There is no claim with this id.")
    figure = figures[str(claim_id)]
    beside, sums = figures.beside(figure), arithmetic(figures, figure)
    counts = _Counts(session, reader, figure, revision)
    now, then = counts.now(), counts.then()
    parts = [part for parts in partitions(figures, figure.id).values() for part in parts]
    known = Known(
        figure=figure,
        beside=beside,
        own=figures.own(figure),
        parts=parts,
        corrections=_corrections(figures, figure),
        cited=[figures[other] for name in ("derived_from", "same_as") for other in figure.refers_to(name)],
        moving=figures.moving(figure),
        arithmetic=sums,
        net=counts.releases(net=True),
        gross=counts.releases(net=False),
        withheld=now["withheld"] if now else 0,
        unknown=figure.said["measure"] == Measure.RELEASED and now is None,
        whole=reader.restricted,
        then=then["releases"] if then else None,
        now=now["releases"] if now else None,
    )
    comparable = not hindrances(known) and now is not None
    for count in (then, now):
        if count is not None:
            low = count["by_min_sources"].get("1", 0)
            count["gap"] = minus(figure.bounds, (low, count["releases"])) if comparable else None
    return {
        "claim": figure.shown(),
        "comparable": comparable,
        "reasons": [reason.shown() for reason in reasons(known)],
        "then": then,
        "now": now,
        "published": [_published(figure, other) for other in beside],
        "arithmetic": sums,
        "revision": revision,
    }


def _corrections(figures: Figures, figure: Figure) -> list[Figure]:
    return [*(figures[old] for old in figure.refers_to("supersedes")), *figures.that("supersedes", figure.id)]


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


class _Counts:
    """The registry's counts on a figure's own terms."""

    def __init__(self, session: Session, reader: Reader, figure: Figure, revision: int) -> None:
        self._session = session
        self._reader = reader
        self._figure = figure
        self._head = revision
        self._terms = count_terms(figure) if figure.said["measure"] == Measure.RELEASED else None

    def now(self) -> Row | None:
        return self._at(self._head)

    def then(self) -> Row | None:
        """What was known when the figure was stated; None where nobody says when that was."""
        figure, instant = self._figure, self._figure.instant
        if instant is None or self._terms is None:
            return None
        revision = min(last_revision_at(self._session, instant), self._head)
        if revision >= self._first_report():
            return self._at(revision)
        assert figure.day is not None  # it has an instant
        day = figure.day.toordinal()
        counted = self._known(lambda terms: knew(self._session, terms, self._reader, self._head, day))
        return counted and {"revision": self._head, "basis": "said", **counted}

    def releases(self, *, net: bool) -> int | None:
        """The number of releases gross or net, for telling whether the difference matters."""
        if self._terms is None or self._figure.definition.get("net") is not None:
            return None
        terms = self._terms.model_copy(update={"net": net, "group_by": []})
        counted = self._known(lambda _terms: count_releases(self._session, terms, self._reader, self._head))
        return None if counted is None else int(counted["total"]["releases"])

    def _at(self, revision: int) -> Row | None:
        counted = self._known(lambda terms: count_releases(self._session, terms, self._reader, revision))
        if counted is None:
            return None
        total = counted["total"]
        return {
            "revision": revision,
            "basis": "log",
            **{name: total[name] for name in ("releases", "people", "verified", "contested", "reported", "refuted")},
            "by_min_sources": total["by_min_sources"],
            "by_source": {group["source"]: group["verified"] for group in counted["groups"] if group["verified"]},
            "uncertain_date": counted["uncertain_date"],
            "withheld": counted["withheld"],
            "permalink": counted["permalink"],
        }

    def _known(self, count: Callable[[CountTerms], Row]) -> Row | None:
        """A count, or None where the claim speaks of something the registry does not know, such as a facility."""
        if self._terms is None:
            return None
        try:
            return count(self._terms)
        except Invalid:
            return None

    def _first_report(self) -> int:
        """Where the log begins to know of anybody."""
        first = select(col(Entry.revision)).where(col(Entry.kind) == "report").order_by(col(Entry.revision)).limit(1)
        return self._session.scalars(first).first() or self._head + 1
