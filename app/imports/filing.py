"""File a list: survey it once, then file it in batches, each in one transaction with the progress of the import.

A killed import goes on at the first row that is not settled: settled rows are filed. The same file sent again changes
nothing, because every row has a case number.

File a list on the registry's own machine."""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import chain, islice
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from app.config import Names
from app.db.engine import reading, writing
from app.errors import Problem
from app.imports import receipts, stored, survey
from app.imports.doubts import Keys
from app.imports.faults import WISH_WITHDRAWN, BadFile, Fault, KeptRowError, StoredQuestion, as_stored, line, question
from app.imports.fields import PUBLISH
from app.imports.lists import Opened, digest_of, open_list
from app.imports.mapping import Answer, Mapping, Question
from app.imports.receipts import changed_values, says, why_not_held, withdraws_wish
from app.imports.rows import Row, body_of, numbered, placed, pointer_to
from app.imports.stored import About, RowOutcome, Sent
from app.log.content import Content, flatten
from app.log.entries import as_only_writer
from app.matching.scripts import Memory, memory_of
from app.memory import collecting_later
from app.models import ApiKey, ListImport
from app.registry import api_keys, filing, records
from app.registry.filing import StaysWithdrawn, file_rows
from app.registry.identity.candidates import WrittenRecords
from app.registry.publication.permissions import Reader, reporter, reporter_by_slug
from app.registry.write import Outcome, Trial, WriteContext
from app.schemas.reports import DetentionReportIn, ReleaseReportIn

# Rows of one transaction. Fewer rows cost more each; more keep other writers waiting longer than a second.
BATCH = 500
# Rows of one batch of a trial, which keeps nothing.
TRIAL_BATCH = 2_000
NO_ROWS = (
    "There are headings in this list, and no rows below them: nothing was filed. Fill in a row for each person, save "
    "the file, and send it again."
)


class Filing:
    """One import being filed. `step` does a piece of it, and may be called from another thread each time."""

    def __init__(
        self,
        engine: Engine,
        secret: bytes,
        clock: Callable[[], datetime],
        names: Names,
        job: uuid.UUID,
        data: bytes,
    ) -> None:
        self._engine = engine
        self._secret = secret
        self._clock = clock
        self._names = names
        self.job = job
        self._data = data
        self._seen = self._load()
        self._rows: Iterator[Row] | None = None
        self._state = ""  # of the import while these rows are read: checking or running
        self._opened: Opened | None = None
        self._keys = Keys()
        self._left: list[Row] = []  # read, and not settled yet
        self._trial, self._written = Trial(), WrittenRecords()  # traces that tried rows would have left
        self._tried = 0  # the last tried row
        self._memory: Memory = {}  # of names: another list's would tell whose name was on it
        self._most = TRIAL_BATCH  # rows of the next batch: few after a batch that took long

    def step(self) -> bool:
        """Do the next piece; False once the import has ended, or another process works on it."""
        self._seen = self._load()
        try:
            with memory_of(self._memory):
                return self._prepare(self._seen) if self._rows is None else self._batch(self._seen, self._rows)
        except BadFile as fault:
            self.fail(fault)
            return False

    def fail(self, fault: BadFile) -> None:
        """End the import because of this fault, unless another process has moved it since the step began."""
        with as_only_writer(self._engine) as session:
            stored.finish(session, self._secret, self._seen, "failed", self._clock(), fault.shape())

    def _load(self) -> ListImport:
        with reading(self._engine) as session:
            return stored.load(session, self.job)

    def _prepare(self, job: ListImport) -> bool:
        """Open the file, count its rows, and ask the questions about it, before anything is filed."""
        with reading(self._engine) as session:
            sent = stored.read(self._secret, job, "mapping")
            given = None if sent is None else Mapping.model_validate(sent)
            saved = partial(stored.saved_mapping, session, self._secret, job.source)
            opened = open_list(self._data, given, saved)
            before = stored.last_list(session, job.source)
        number, counting = opened.count()
        if number == 0:
            raise BadFile("no_rows", NO_ROWS)
        questions = [] if job.done else self._questions(job, opened, job.whole or number, before, counting=counting)
        state = job.state if job.state != "waiting" else "checking" if job.strict and not job.dry_run else "running"
        facts: dict[str, Any] = {"told": stored.read(self._secret, job, "told") | opened.shape(), "rows": number}
        with as_only_writer(self._engine) as session:
            if job.done and (job.dry_run or state == "checking"):
                # Rows tried by a process that is gone are tried again: their traces were lost with it.
                if not stored.begin_again(session, self._secret, job, job.state):
                    return False
                job = self._seen = stored.load(session, job.id)
            if questions:
                stored.finish(session, self._secret, job, "questioned", self._clock(), **facts, questions=questions)
                return False
            if not stored.move(
                session, self._secret, job, **facts, state=state, leased_until=self._clock() + stored.LEASE
            ):
                return False
            if given is not None and opened.headings is not None and not job.dry_run:
                stored.save_mapping(
                    session, self._secret, job.source, opened.headings, given.without_rows(), self._clock()
                )
        self._opened = opened
        self._from_the_top(state)
        return True

    def _questions(
        self, job: ListImport, opened: Opened, rows: int, before: ListImport | None, *, counting: bool
    ) -> list[StoredQuestion]:
        """The questions to answer before anything is filed; of a confirmed list, the questions that need a mapping."""
        with reading(self._engine) as session:
            laid_beside = not job.confirmed and records.has_any(session, job.source)
        facts = survey.survey(opened.rows(), fields=laid_beside)
        questions = [*opened.questions(self._clock()), *survey.about_ages(opened, facts.ages)]
        if job.confirmed:
            return questions
        about_reports = []
        if laid_beside:
            with reading(self._engine) as session:
                former = stored.read(self._secret, before, "told").get("columns", []) if before else []
                about_reports = survey.about_standing_reports(
                    session, self._secret, job.source, facts, opened.shape()["columns"], former
                )
        rows_before = (before.whole or before.rows) if before else None
        about_size = survey.about_size(rows, rows_before)
        return [*questions, *about_size, *survey.about_counting(counting), *about_reports]

    def _from_the_top(self, state: str) -> None:
        assert self._opened is not None
        self._state = state
        self._keys = Keys()
        self._left = []
        self._trial, self._written, self._tried = Trial(), WrittenRecords(), 0
        self._rows = self._opened.rows()

    def _batch(self, job: ListImport, rows: Iterator[Row]) -> bool:
        if job.state != self._state:
            return False
        self._left = [row for row in self._left if row.number > job.done]
        trial = job.dry_run or job.state == "checking"
        if trial and job.done != self._tried:
            return False  # another process has begun the trial anew
        most = min(self._most, TRIAL_BATCH if trial else BATCH)
        batch = _Batch(list(islice(chain(self._left, self._ahead(rows, job.done)), most)))
        if not batch.rows:
            return self._through(job)
        outcomes = self._try(job, batch) if trial else self._file(job, batch)
        self._left = [*batch.left, *self._left[most:]]
        # After one that took long a few more than it filed: what is left over is looked up in vain.
        self._most = 1 + len(batch.rows) * 9 // 8 if batch.left else min(2 * most, TRIAL_BATCH)
        return outcomes is not None

    def _ahead(self, rows: Iterator[Row], done: int) -> Iterator[Row]:
        """The rows that are not settled yet. Settled rows are read too, since their case numbers are taken."""
        for row in rows:
            checked = numbered(row, self._keys)
            if row.number > done:
                yield checked

    def _file(self, job: ListImport, batch: "_Batch") -> list[RowOutcome] | None:
        with as_only_writer(self._engine) as session, collecting_later():
            context = self._context(session, job)
            outcomes = batch.file(context)
            wrong = next((outcome.row for outcome in outcomes if outcome.outcome == "error"), None)
            if job.strict and wrong is not None:
                session.rollback()
                raise strict(wrong, batch.rows[0].number)
            if not stored.advance(session, self._secret, job, outcomes, batch.last, context.now):
                session.rollback()
                return None
        return outcomes

    def _try(self, job: ListImport, batch: "_Batch") -> list[RowOutcome] | None:
        """The outcomes that rows would have: they are filed, and rolled back."""
        with as_only_writer(self._engine) as session, collecting_later():
            context = self._context(session, job, self._trial)
            # No report will have these ids.
            outcomes = [replace(row, report=None, revision=None) for row in batch.file(context, self._written)]
            session.rollback()
        with as_only_writer(self._engine) as session:
            if not stored.advance(session, self._secret, job, outcomes, batch.last, self._clock()):
                return None
        self._tried = batch.last
        return outcomes

    def _through(self, job: ListImport) -> bool:
        """End the import after its last row; after the trial of a strict list, begin to file."""
        with as_only_writer(self._engine) as session:
            if job.state == "checking":
                if json.loads(job.counts)["error"]:
                    raise strict(receipts.rows_of(session, self._secret, job.id, 0, 1, "error")[0]["row"])
                if not stored.begin_again(session, self._secret, job, "running"):
                    return False
                self._from_the_top("running")
                return True
            assert self._opened is not None
            told = stored.read(self._secret, job, "told") | {"derived_case_numbers": self._keys.derived}
            stored.finish(session, self._secret, job, "done", self._clock(), told=told | self._opened.tally.shape())
        return False

    def _context(self, session: Session, job: ListImport, trial: Trial | None = None) -> WriteContext:
        now = self._clock()
        actor = self._actor(session, job, now)
        return WriteContext(session, actor, now, self._secret, job.key_id or "", listing=True, trial=trial)

    def _actor(self, session: Session, job: ListImport, now: datetime) -> Reader:
        """The reporter who files, by the source and key as they stand now: a revoked key files nothing more."""
        if job.key_id is not None:
            key = session.get(ApiKey, job.key_id)
            if key is None or api_keys.ended(key, api_keys.moment_of(session, now)):
                raise BadFile("key_ended", "The key that sent this list has ended: send the list with another.")
        return reporter(session, job.source, self._names)


class _Batch:
    """Rows filed together."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.left: list[Row] = []  # for the next batch, if this batch took long

    @property
    def last(self) -> int:
        return self.rows[-1].number

    def file(self, context: WriteContext, written: WrittenRecords | None = None) -> list[RowOutcome]:
        """File the rows without faults; the outcome of every row, in order. `written`: the records of tried rows."""
        before = context.log.revision
        settled: dict[int, RowOutcome] = {}
        ready: list[tuple[Row, DetentionReportIn]] = []
        for row in self.rows:
            body = body_of(row)
            if isinstance(body, list):
                settled[row.number] = _error(row, body)
            else:
                ready.append((row, body))
        bodies = [body for _row, body in ready]
        again = {place for place, (row, _body) in enumerate(ready) if row.if_withdrawn is Answer.STANDS_AGAIN}
        results = file_rows(context, bodies, written, again)
        for (row, body), (result, stood) in zip(ready, results, strict=False):
            settled[row.number] = _settled(row, body, result, before, stood or {}, context)
        done = self.rows if len(results) == len(ready) else self.rows[: self.rows.index(ready[len(results)][0])]
        self.left, self.rows = self.rows[len(done) :], done
        return [settled[row.number] for row in done]


def _settled(
    row: Row,
    body: DetentionReportIn,
    result: Outcome | Problem | StaysWithdrawn,
    before: int,
    stood: Content,
    context: WriteContext,
) -> RowOutcome:
    """The outcome of a row. `before`: the revision before its batch; `stood`: the content of its report before."""
    if isinstance(result, StaysWithdrawn):
        return _withdrawn(row, result)
    if isinstance(result, Problem):
        errors = result.extra.get("errors") or [{"pointer": "", "code": result.code, "detail": result.detail}]
        return _error(row, [placed(row.columns, error) for error in errors])
    sent = body.model_dump(mode="json")
    before_it, values, about = says(stood) if stood else {}, says(sent), _about(body)
    warned = _about_wish(row) if withdraws_wish(before_it, values) else None
    if result.kind in filing.STATUSES:  # what no longer waits changes nothing that is filed
        waits = result.kind == filing.WAITING
        return RowOutcome(row.number, "waiting" if waits else "unchanged", None, None, warned if waits else None)
    seen_before = "updated" if result.revision > before else "unchanged"
    outcome = seen_before if result.match is None else str(result.match)
    tally = changed_values(before_it, values)
    if outcome != "unchanged":
        tally += receipts.changed(stood, flatten(sent))
    if about == "held":
        reason = why_not_held(values, context.now.date().toordinal())
        tally["held_counted" if reason is None else f"held_{reason}"] += 1
    report = uuid.UUID(result.ids["report"])
    place, country = values.get("detention.facility"), values.get("detention.country")
    unregistered = context.views.is_unregistered(place, country)
    return RowOutcome(row.number, outcome, report, result.revision, warned, about, dict(tally), unregistered)


def _about_wish(row: Row) -> list[KeptRowError]:
    """The warning that a row takes back a stricter wish about publication."""
    detail = line(WISH_WITHDRAWN, "en")
    return [Fault(row.columns.get(PUBLISH), pointer_to(PUBLISH), WISH_WITHDRAWN, detail).shape()]


def _withdrawn(row: Row, withdrawn: StaysWithdrawn) -> RowOutcome:
    """The question whether a withdrawn report stands again; nothing changes where that is answered with no."""
    if row.if_withdrawn is Answer.LEAVE_OUT:
        return RowOutcome(row.number, "unchanged", None, None, None)
    code, pointer = Question.WITHDRAWN, "/source_record_id"
    column, sentence = row.columns.get("source_record_id"), question(code, row.number)
    return _error(row, [Fault(column, pointer, code, sentence, withdrawn_on=withdrawn.day)])


def _about(body: DetentionReportIn) -> About | None:
    if isinstance(body, ReleaseReportIn):
        return "releases"
    if body.detainee is not None and body.detainee.died_on is not None:
        return None
    return "held" if body.detention is None or body.detention.ended is None else None


def _error(row: Row, faults: list[Fault]) -> RowOutcome:
    return RowOutcome(row.number, "error", None, None, [as_stored(row.with_value(fault).shape()) for fault in faults])


def strict(row: int, first: int | None = None) -> BadFile:
    """The refusal of a strict list because of a `row`: nothing was filed, or nothing from the row `first` on."""
    if first is None:
        return BadFile.in_both("strict", row)
    return BadFile.in_both("strict_from", row, code="strict", first=first)


# Twice the largest list imagined, 200,000 rows in 30 MB; a run takes less than 500 MB of memory. A trial remembers its
# rows, and takes more (decision 0039).
MOST_BYTES = 64 * 1024 * 1024

Tell = Callable[[ListImport], None]


def bounded(data: bytes) -> None:
    """Raises BadFile for a file larger than any list imagined."""
    if len(data) > MOST_BYTES:
        raise BadFile("too_large", f"A list has at most {MOST_BYTES // 1024 // 1024} MB: part it into several files.")


def file_list(
    engine: Engine,
    secret: bytes,
    clock: Callable[[], datetime],
    names: Names,
    slug: str,
    data: bytes,
    sent: Sent,
    tell: Tell,
) -> ListImport:
    """File a list of a source, and return the ended import. A killed run of the same file goes on where it stopped;
    `tell` gets the progress after each batch. Raises BadFile, NotFound."""
    bounded(data)
    with writing(engine) as session:
        source = reporter_by_slug(session, slug, names).source
        assert source is not None
        digest = digest_of(data)
        job = None if sent.dry_run else stored.unfinished(session, secret, source, digest, sent.mapping)
        job = job or stored.begin(session, secret, source, None, digest, sent, clock())
        stored.lease(session, job.id, clock())
        job_id = job.id
    filing = Filing(engine, secret, clock, names, job_id, data)
    while filing.step():
        with reading(engine) as session:
            tell(stored.load(session, job_id))
    with reading(engine) as session:
        return stored.load(session, job_id)
