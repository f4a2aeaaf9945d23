"""File the rows of a list: each as `reports.file_report` would, many in one transaction.

Most rows of a list are about people of whom nothing is known yet, or say what stands already. Both are found out with
one question for many rows, and what is new is held back and written together; all else goes the way of a single report.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from app.errors import Problem, Redacted
from app.registry import blocking, checks, content, linking, pointers, records, reports
from app.registry.candidate_cache import CandidateCache, WrittenRecords
from app.registry.candidates import CandidateRecord, StandingRecord
from app.registry.content import Content
from app.registry.linking import LinkResult
from app.registry.schemas import DetentionReportIn
from app.registry.trial import Trial
from app.registry.write import Outcome, WriteContext, new_id
from app.vocabulary import Judgement, Publish

# Seconds that the rows of one transaction may take before others get their turn at the log: rows that fit many people,
# each under many names, take a hundred times as long as others.
LONGEST = 2.0


@dataclass(frozen=True, slots=True)
class _New:
    """A row that opens a record: what it says, under which case number, and its place among such rows."""

    said: Content
    digest: str
    place: int


# What is to be done with a row: nothing, because that stands already or because it is refused; to open a record with
# others; or what is done with a single report.
Act = Outcome | Problem | _New | DetentionReportIn


def file_rows(
    context: WriteContext, bodies: Sequence[DetentionReportIn], written: WrittenRecords | None = None
) -> list[Outcome | Problem]:
    """For each body, in order, what became of it, or why it was refused. A refused one leaves nothing behind.
    `written`: of a trial, what it would have written before.

    Fewer than were given once LONGEST has gone by: the others are for another transaction."""
    until = monotonic() + LONGEST
    source = reports.source_of(context)
    digests = {
        place: records.case_digest(context.secret, source, body.source_record_id)
        for place, body in enumerate(bodies)
        if body.source_record_id is not None
    }
    stood = records.by_cases(context.session, digests.values())
    planned = _Planned(context)
    ready = [planned.plan(body, digests.get(place), stood) for place, body in enumerate(bodies)]
    filing = _Filing(
        context, CandidateCache(context, [linking.compared(context, said) for said in planned.new], written)
    )
    results: list[Outcome | Problem] = []
    for act in ready:
        results.append(filing.file(act))
        if monotonic() > until:
            break
    context.pending_writes.flush()
    return results


class _Planned:
    """What is to be done with each row, as far as it can be told before any is written."""

    def __init__(self, context: WriteContext) -> None:
        self._context = context
        self._seen: set[str] = set()
        self._by_id = False  # a row before named a report by its id, whatever its case number is
        self.new: list[Content] = []

    def plan(self, body: DetentionReportIn, digest: str | None, stood: dict[str, records.Stood]) -> Act:
        points = any(getattr(body, name) is not None for name, _kind in pointers.POINTERS)
        if digest is None:
            return body
        seen = digest in self._seen
        self._seen.add(digest)
        self._by_id = self._by_id or (str(body.source_record_id).startswith(records.BY_ID) and digest not in stood)
        if points or seen or self._by_id:
            return body
        try:
            said = reports.content_of(self._context, body)
            before = stood.get(digest)
            return self._opening(body, said, digest) if before is None else self._again(body, said, before)
        except Problem as refusal:
            return refusal

    def _again(self, body: DetentionReportIn, said: Content, stood: records.Stood) -> Act:
        if stood.redacted:
            raise Redacted(records.ERASED)
        said = reports.classed(self._context, said, stood.filed_on, stood.content)
        said = reports.with_kept(said, body, stood.content)
        if not content.says_the_same(said, stood.content):
            return body
        return Outcome("report", reports.OK, stood.revision, {"report": str(stood.record), "version": stood.number})

    def _opening(self, body: DetentionReportIn, said: Content, digest: str) -> _New:
        checks.check(said, self._context.now, points=False)
        said = {**reports.classed(self._context, said, None, None), "source_record_id": body.source_record_id}
        row = _New(said, digest, len(self.new))
        self.new.append(said)
        return row


class _Filing:
    """The rows of one transaction, in their order."""

    def __init__(self, context: WriteContext, candidates: CandidateCache) -> None:
        self._context = context
        self._candidates = candidates

    def file(self, act: Act) -> Outcome | Problem:
        try:
            match act:
                case _New():
                    return self._open(act)
                case DetentionReportIn():
                    return self._saved(lambda: reports.file_report(self._context, act))
                case _:
                    return act
        except Problem as refusal:
            return refusal

    def _open(self, row: _New) -> Outcome:
        """The first version of a record: held back, unless a decision ties it to somebody."""
        context, said = self._context, row.said
        near = self._candidates.of(row.place)
        match = linking.by_match(context, said, near)
        if context.trial is not None:
            return self._foretold(context.trial, row, match, near)
        if match.decisions or match.hidden:
            return self._saved(lambda: reports.first_version(context, said, None, match))
        record_id = new_id()
        public, personal = content.split(said)
        entry, publish = context.write_alone(
            {"source": context.actor.slug, "record": str(record_id), "subject": str(new_id()), "version": 1,
             "said": public}, personal,
        )  # fmt: skip
        context.pending_writes.add(records.INSERT_CASE, [{"digest": row.digest, "record_id": record_id}])
        known = StandingRecord(
            entry.revision,
            record_id,
            reports.source_of(context),
            publish,
            entry.revision,
            said,
            blocking.person_of(said),
        )
        self._candidates.add(row.place, known)
        ids = {"report": str(record_id), "version": 1}
        return Outcome("report", reports.CREATED, entry.revision, ids, match.outcome)

    def _foretold(self, trial: Trial, row: _New, match: LinkResult, near: Sequence[CandidateRecord]) -> Outcome:
        """What would become of a record: nothing is written, and the rows that follow are told."""
        context, number, record_id = self._context, trial.number(), new_id()
        person = blocking.person_of(linking.compared(context, row.said))
        publish = row.said.get("detainee.publish", Publish.ANONYMOUS.value)
        tied = {one.record for one in match.decisions if one.judgement is Judgement.SAME}
        detainee = next((one.known.detainee for one in near if one.known.id in tied), number)
        if detainee != number:
            trial.tie(detainee, person, counted=publish == Publish.COUNTED)
        known = StandingRecord(number, record_id, reports.source_of(context), publish, detainee, {}, person)
        self._candidates.add(row.place, known)
        return Outcome("report", reports.CREATED, context.log.revision, {"report": str(record_id)}, match.outcome)

    def _saved(self, act: Callable[[], Outcome]) -> Outcome:
        """Do it with everything before it written, and undo it alone where it is refused half-way."""
        self._context.pending_writes.flush()
        before = self._context.log.revision
        try:
            with self._context.session.begin_nested():
                outcome = act()
        except Problem:
            self._context.log.revision = before
            raise
        if outcome.revision > before:
            self._candidates.read_again(uuid.UUID(outcome.ids["report"]))
        return outcome
