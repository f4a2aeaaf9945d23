"""File the reports of another registry's public copy into an empty registry.

Each report is written like any other (`WriteContext.write`), but the copy and not the matcher says which reports are of
one person. The order is kept, since of two reports of one source the newer speaks.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.errors import Conflict, Invalid
from app.registry import checks, content, linking, reports
from app.registry.linking import SURE, LinkDecision
from app.registry.projection.counted_reports import split
from app.registry.schemas import DetentionReportIn
from app.registry.write import WriteContext, new_id
from app.vocabulary import Judgement


@dataclass(frozen=True, slots=True)
class ReplicatedReport:
    """A report of a copy. `number`: its name in the copy; `person`: the name of its detainee there; `points_at`: the
    number of the report at which it points, which may come later; `beside`: the values kept with it, and whether a
    method that the copy does not say is first-hand."""

    number: int
    source: str
    person: str
    points_at: int | None
    body: DetentionReportIn
    beside: content.Content


def require_empty(context: WriteContext) -> None:
    """Raises Conflict in a registry with entries: a copy beside other reports would count people twice."""
    if context.log.revision:
        raise Conflict("A copy is read into an empty registry only, and this one is not: use a new database.")


def replicate(context: WriteContext, copies: Iterable[ReplicatedReport]) -> int:
    """File all reports of a copy, in order, and return their number. Raises Invalid."""
    ids: defaultdict[int, uuid.UUID] = defaultdict(new_id)
    first: dict[str, uuid.UUID] = {}
    for copy in copies:
        report = {**reports.content_of(context, copy.body), **copy.beside}
        checks.check(report, context.now, points=True)
        report = content.with_age_span(report, context.log.recorded_at.date().isoformat())
        if copy.source not in context.views.sources_by_slug:
            raise Invalid.at("/source", "unknown_source", "A report of this copy is of a source that is not in it.")
        record = ids[copy.number]
        person = first.setdefault(copy.person, record)
        if person != record:
            linking.write_decision(context, LinkDecision(person, Judgement.SAME, "reporter", SURE), record, filed=False)
        public, personal = split(report, counted=False)  # nobody in a copy may only be counted
        body: dict[str, Any] = {"source": copy.source, "record": str(record), "subject": str(new_id()), "version": 1}
        if copy.points_at is not None:
            body["pointer"] = str(ids[copy.points_at])
        context.write("report", {**body, "said": public}, personal)
    return len(ids)
