"""File the reports of another registry's public copy into an empty one: who is one person is known there, not guessed.

Each report is written like any other (`WriteContext.write`), without asking the matcher. The order is kept, because of
two reports of one source the newer one speaks.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.errors import Conflict, Invalid
from app.registry import checks, content, linking, reports
from app.registry.linking import SURE, LinkDecision
from app.registry.schemas import DetentionReportIn
from app.registry.write import WriteContext, new_id
from app.vocabulary import Judgement


@dataclass(frozen=True, slots=True)
class ReplicatedReport:
    """A report of a copy. `number` names it there; `person` is whoever it speaks of; `points_at` is the number of the
    report whose spell it follows, which may come later; `kept` is what stood there when it was filed."""

    number: int
    source: str
    person: str
    points_at: int | None
    body: DetentionReportIn
    kept: content.Content


def require_empty(context: WriteContext) -> None:
    """Raises Conflict where anything stands: a copy beside other reports would count people twice."""
    if context.log.revision:
        raise Conflict("A copy is read into an empty registry only, and this one is not: use a new database.")


def replicate(context: WriteContext, copies: Iterable[ReplicatedReport]) -> int:
    """File all reports of a copy, in order; how many. Raises Invalid."""
    ids: defaultdict[int, uuid.UUID] = defaultdict(new_id)
    first: dict[str, uuid.UUID] = {}
    for one in copies:
        said = reports.content_of(context, one.body)
        checks.check(said, context.now, points=True)
        said = content.with_age_span(said, context.log.recorded_at.date().isoformat())
        if one.source not in context.views.sources_by_slug:
            raise Invalid.at("/source", "unknown_source", "A report of this copy is of a source that is not in it.")
        record = ids[one.number]
        person = first.setdefault(one.person, record)
        if person != record:
            linking.write_decision(context, LinkDecision(person, Judgement.SAME, "reporter", SURE), record)
        public, personal = content.split({**said, **one.kept})
        body: dict[str, Any] = {"source": one.source, "record": str(record), "subject": str(new_id()), "version": 1}
        if one.points_at is not None:
            body["pointer"] = str(ids[one.points_at])
        context.write("report", {**body, "said": public}, personal)
    return len(ids)
