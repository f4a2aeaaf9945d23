"""File the rows of a list: each as `reports.file_report` would, many in one transaction.

Most rows of a list are about people of whom nothing is known yet, or say what stands already. Both are found out with
one question for all rows, and what is new is held back and written together; all else goes the way of a single report.
"""

from collections.abc import Callable, Sequence

from app.errors import Problem, Redacted
from app.registry import blocking, checks, content, linking, records, reports
from app.registry.content import Content
from app.registry.known import Known
from app.registry.schemas import DetentionReportIn
from app.registry.write import Desk, Outcome, new_id


def file_rows(desk: Desk, bodies: Sequence[DetentionReportIn]) -> list[Outcome | Problem]:
    """For each body, in order, what became of it, or why it was refused. A refused one leaves nothing behind."""
    source = reports.source_of(desk)
    digests = {
        place: records.case_digest(desk.secret, source, body.source_record_id)
        for place, body in enumerate(bodies)
        if body.source_record_id is not None
    }
    filing = _Filing(desk, records.by_cases(desk.session, digests.values()))
    results = [filing.file(body, digests.get(place)) for place, body in enumerate(bodies)]
    desk.held.flush()
    return results


class _Filing:
    """The rows of one transaction."""

    def __init__(self, desk: Desk, stood: dict[str, records.Stood]) -> None:
        self._desk = desk
        self._stood = stood
        self._written: set[str] = set()  # digests of case numbers that this transaction has written
        self._held: dict[str, list[Known]] = {}  # the people held back, by the keys they can be found by

    def file(self, body: DetentionReportIn, digest: str | None) -> Outcome | Problem:
        try:
            points = any(getattr(body, name) is not None for name, _kind in reports.POINTERS)
            known = digest in self._stood or not str(body.source_record_id).startswith(records.BY_ID)
            if points or digest is None or digest in self._written or not known:
                return self._singly(body, digest)
            said = reports.content_of(self._desk, body)
            stood = self._stood.get(digest)
            return self._new(body, said, digest) if stood is None else self._again(body, said, digest, stood)
        except Problem as refusal:
            return refusal

    def _again(self, body: DetentionReportIn, said: Content, digest: str, stood: records.Stood) -> Outcome:
        if stood.redacted:
            raise Redacted(records.ERASED)
        said = reports.with_kept(content.with_class(said, stood.filed_on), body, stood.content)
        if said == stood.content:
            return Outcome("report", reports.OK, stood.revision, {"report": str(stood.record), "version": stood.number})
        return self._singly(body, digest)

    def _new(self, body: DetentionReportIn, said: Content, digest: str) -> Outcome:
        desk = self._desk
        checks.check(said, desk.now, points=False)
        filed_on = desk.log.recorded_at.date().isoformat()
        said = {**content.with_class(said, filed_on), "source_record_id": body.source_record_id}
        keys = blocking.searched_keys(said)
        alike = {known.key: known for key in keys for known in self._held.get(key, ())}
        match = linking.by_match(desk, said, list(alike.values()))
        if match.decisions or match.unsaid:
            return self._saved(lambda: reports.first_version(desk, said, None, match), digest)
        record_id = new_id()
        public, personal = content.split(said)
        entry, publish = desk.write_alone(
            {"source": desk.actor.slug, "record": str(record_id), "subject": str(new_id()), "version": 1,
             "said": public}, personal,
        )  # fmt: skip
        desk.held.hold(records.INSERT_CASE, [{"digest": digest, "record_id": record_id}])
        self._written.add(digest)
        known = Known(
            entry.revision, record_id, reports.source_of(desk), publish, entry.revision, {**public, **personal}
        )
        for key in keys:
            self._held.setdefault(key, []).append(known)
        return Outcome(
            "report", reports.CREATED, entry.revision, {"report": str(record_id), "version": 1}, match.outcome
        )

    def _singly(self, body: DetentionReportIn, digest: str | None) -> Outcome:
        return self._saved(lambda: reports.file_report(self._desk, body), digest)

    def _saved(self, act: Callable[[], Outcome], digest: str | None) -> Outcome:
        """Do it with everything before it written, and undo it alone where it is refused half-way."""
        self._flush()
        before = self._desk.log.revision
        try:
            with self._desk.session.begin_nested():
                outcome = act()
        except Problem:
            self._desk.log.revision = before
            raise
        if digest is not None:
            self._written.add(digest)
        return outcome

    def _flush(self) -> None:
        self._desk.held.flush()
        self._held.clear()
