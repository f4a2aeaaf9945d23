"""File a list: survey it once, then file it in batches, each in one transaction with the progress of the import.

A killed import goes on at the first row that is not settled: settled rows are filed. The same file sent again changes
nothing, because every row has a case number.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from itertools import chain, islice
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from app.config import Names
from app.db.engine import open_read_session, open_write_session
from app.imports.faults import (
    BadFile,
)
from app.imports.filing import import_store, receipts
from app.imports.filing.import_store import ImportOptions, RowOutcome
from app.imports.filing.preparation import PreparedList, ask_about_list, prepare_list
from app.imports.filing.row_outcomes import OutcomeBuilder, build_error_outcome
from app.imports.mapping import Answer, ListMapping
from app.imports.reader.doubts import CaseNumbers
from app.imports.reader.list_reader import digest_bytes
from app.imports.reader.rows import Row, assign_case_number, validate_body
from app.log.entries import open_writer_session
from app.matching.scripts import ResultCache, use_cache
from app.memory import pause_collection
from app.models import OPEN, ApiKey, ListImport
from app.registry import api_keys
from app.registry.identity.candidates import WrittenRecords
from app.registry.list_rows import file_rows
from app.registry.publication.permissions import Reader, load_reporter, load_reporter_by_slug
from app.registry.write import Trial, WriteContext
from app.schemas.reports import DetentionReportIn

# Rows of one transaction. Fewer rows cost more each; more keep other writers waiting longer than a second.
BATCH_ROWS = 500
TRIAL_BATCH_ROWS = 2_000  # a trial keeps nothing
NO_ROWS_MESSAGE = (
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
        self._last_job = self._load_job()
        self.source = self._last_job.source
        self._rows: Iterator[Row] | None = None
        self._state = ""  # of the import while these rows are read: checking or running
        self._prepared: PreparedList | None = None
        self._case_numbers = CaseNumbers()
        self._pending_rows: list[Row] = []  # read, and not settled yet
        self._trial, self._written_records = Trial(), WrittenRecords()  # traces that tried rows would have left
        self._last_tried_row = 0  # the last tried row
        self._memory: ResultCache = {}  # for names; a shared cache would disclose the names on another list
        self._batch_limit = TRIAL_BATCH_ROWS  # rows of the next batch: few after a batch that took long

    def step(self) -> bool:
        """Do the next piece; False once the import has ended, or another process works on it."""
        self._last_job = self._load_job()
        try:
            with use_cache(self._memory):
                return (
                    self._prepare(self._last_job)
                    if self._rows is None
                    else self._process_batch(self._last_job, self._rows)
                )
        except BadFile as fault:
            self.fail(fault)
            return False

    def fail(self, fault: BadFile) -> None:
        """End the import because of this fault, unless another process has moved it since the step began."""
        with open_writer_session(self._engine) as session:
            import_store.finish_import(session, self._secret, self._last_job, "failed", self._clock(), fault.shape())

    def _load_job(self) -> ListImport:
        with open_read_session(self._engine) as session:
            return import_store.load_import(session, self.job)

    def _prepare(self, job: ListImport) -> bool:
        """Open the file, count its rows, and ask the questions about it, before anything is filed."""
        stored_mapping = import_store.read_sealed_column(self._secret, job, "mapping")
        mapping = None if stored_mapping is None else ListMapping.model_validate(stored_mapping)
        prepared = prepare_list(self._engine, self._secret, job.source, self._data, mapping, self._clock())
        opened_list, row_count = prepared.opened_list, prepared.row_count + len(prepared.missing_bodies)
        if row_count == 0:
            raise BadFile("no_rows", NO_ROWS_MESSAGE)
        with open_read_session(self._engine) as session:
            last_list = import_store.find_last_list(session, job.source)
        questions = [] if job.done else ask_about_list(self._engine, self._secret, job, prepared, last_list)
        state = job.state if job.state != "waiting" else "checking" if job.strict and not job.dry_run else "running"
        # Once a list is filed, its cells are in reports, and nowhere else.
        shape = opened_list.shape(with_samples=job.dry_run or bool(questions))
        facts: dict[str, Any] = {
            "told": import_store.read_sealed_column(self._secret, job, "told")
            | shape
            | {"missing": len(prepared.missing_bodies), "sums": opened_list.tally.sum_rows.shape()},
            "rows": row_count,
        }
        kept_rows = {} if job.dry_run else opened_list.collect_answers()
        with open_writer_session(self._engine) as session:
            if job.done and (job.dry_run or state == "checking"):
                # Rows tried by a process that is gone are tried again: their traces were lost with it.
                if not import_store.restart_import(session, self._secret, job, job.state):
                    return False
                job = self._last_job = import_store.load_import(session, job.id)
            if questions:
                import_store.finish_import(
                    session, self._secret, job, "questioned", self._clock(), **facts, questions=questions
                )
                return False
            if not import_store.update_open_import(
                session, self._secret, job, **facts, state=state, leased_until=self._clock() + import_store.LEASE
            ):
                return False
            has_answers = mapping is not None or opened_list.is_mapping_saved
            if has_answers and opened_list.headings is not None and not job.dry_run:
                import_store.save_mapping(
                    session,
                    self._secret,
                    job.source,
                    opened_list.headings,
                    opened_list.mapping.to_saved(kept_rows, str(job.id)),
                    self._clock(),
                )
        self._prepared = prepared
        self._restart(state)
        return True

    def _restart(self, state: str) -> None:
        assert self._prepared is not None
        self._state = state
        self._case_numbers = CaseNumbers()
        self._pending_rows = []
        self._trial, self._written_records, self._last_tried_row = Trial(), WrittenRecords(), 0
        self._rows = self._prepared.read_rows()

    def _process_batch(self, job: ListImport, rows: Iterator[Row]) -> bool:
        if job.state != self._state:
            return False
        self._pending_rows = [row for row in self._pending_rows if row.number > job.done]
        is_trial = job.dry_run or job.state == "checking"
        if is_trial and job.done != self._last_tried_row:
            return False  # another process has begun the trial anew
        limit = min(self._batch_limit, TRIAL_BATCH_ROWS if is_trial else BATCH_ROWS)
        batch = _Batch(list(islice(chain(self._pending_rows, self._iter_unsettled(rows, job.done)), limit)))
        if not batch.rows:
            return self._complete(job)
        outcomes = self._try_batch(job, batch) if is_trial else self._file_batch(job, batch)
        self._pending_rows = [*batch.unsettled_rows, *self._pending_rows[limit:]]
        # After a batch that stopped early, try about an eighth more rows than it settled: looking up rows that are not
        # reached is wasted.
        self._batch_limit = 1 + len(batch.rows) * 9 // 8 if batch.unsettled_rows else min(2 * limit, TRIAL_BATCH_ROWS)
        return outcomes is not None

    def _iter_unsettled(self, rows: Iterator[Row], last_settled: int) -> Iterator[Row]:
        """The rows that are not settled yet. Settled rows are read too, since their case numbers are taken."""
        for row in rows:
            numbered_row = assign_case_number(row, self._case_numbers)
            if self._prepared is not None:
                self._prepared.retain_days(numbered_row)
            if row.number > last_settled:
                yield numbered_row

    def _file_batch(self, job: ListImport, batch: "_Batch") -> list[RowOutcome] | None:
        with open_writer_session(self._engine) as session, pause_collection():
            context = self._build_context(session, job)
            outcomes = batch.file(context)
            error_row = next((outcome.row for outcome in outcomes if outcome.outcome == "error"), None)
            if job.strict and error_row is not None:
                session.rollback()
                raise build_strict_refusal(error_row, batch.rows[0].number)
            # None while no entry of the list is written: the revision is below that of one that was rolled back.
            request = context.request if context.log.revision >= (context.request or OPEN) else None
            if not import_store.advance_import(
                session, self._secret, job, outcomes, batch.last_row, context.now, request
            ):
                session.rollback()
                return None
        return outcomes

    def _try_batch(self, job: ListImport, batch: "_Batch") -> list[RowOutcome] | None:
        """The outcomes that rows would have: they are filed, and rolled back."""
        with open_writer_session(self._engine) as session, pause_collection():
            context = self._build_context(session, job, self._trial)
            # No report will have these ids, and no entry these revisions.
            outcomes = [
                replace(row, report=row.report if row.outcome in KNOWN_OUTCOMES else None, revision=None)
                for row in batch.file(context, self._written_records)
            ]
            session.rollback()
        with open_writer_session(self._engine) as session:
            if not import_store.advance_import(session, self._secret, job, outcomes, batch.last_row, self._clock()):
                return None
        self._last_tried_row = batch.last_row
        return outcomes

    def _complete(self, job: ListImport) -> bool:
        """End the import after its last row; after the trial of a strict list, begin to file."""
        with open_writer_session(self._engine) as session:
            if job.state == "checking":
                if json.loads(job.counts)["error"]:
                    raise build_strict_refusal(
                        receipts.list_row_outcomes(session, self._secret, job, 0, 1, "error")[0]["row"]
                    )
                if not import_store.restart_import(session, self._secret, job, "running"):
                    return False
                self._restart("running")
                return True
            assert self._prepared is not None
            summary = import_store.read_sealed_column(self._secret, job, "told") | {
                "derived_case_numbers": self._case_numbers.derived_count
            }
            import_store.finish_import(
                session,
                self._secret,
                job,
                "done",
                self._clock(),
                told=summary | self._prepared.opened_list.tally.shape(),
            )
        return False

    def _build_context(self, session: Session, job: ListImport, trial: Trial | None = None) -> WriteContext:
        now = self._clock()
        actor = self._load_actor(session, job, now)
        context = WriteContext(
            session, actor, now, self._secret, job.key_id or "", is_list=True, trial=trial, request=job.first_revision
        )
        context.require_unfrozen()  # the list waits; its rows would be in error
        return context

    def _load_actor(self, session: Session, job: ListImport, now: datetime) -> Reader:
        """The reporter who files, by the source and key as they stand now: a revoked key files nothing more."""
        if job.key_id is not None:
            key = session.get(ApiKey, job.key_id)
            if key is None or api_keys.is_key_ended(key, api_keys.get_key_time(session, now)):
                raise BadFile("key_ended", "The key that sent this list has ended: send the list with another.")
        return load_reporter(session, job.source, self._names)


class _Batch:
    """Rows filed together."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.unsettled_rows: list[Row] = []  # for the next batch, if this batch took long

    @property
    def last_row(self) -> int:
        return self.rows[-1].number

    def file(self, context: WriteContext, written_records: WrittenRecords | None = None) -> list[RowOutcome]:
        """File the rows without faults; return the outcome of every row, in order. `written_records`: the records of
        tried rows."""
        revision_before = context.log.revision
        outcomes: dict[int, RowOutcome] = {}
        ready: list[tuple[Row, DetentionReportIn]] = []
        for row in self.rows:
            body = validate_body(row)
            if isinstance(body, list):
                outcomes[row.number] = build_error_outcome(row, body)
            else:
                ready.append((row, body))
        bodies = [body for _row, body in ready]
        reinstated_indexes = {
            index for index, (row, _body) in enumerate(ready) if row.if_withdrawn is Answer.STANDS_AGAIN
        }
        results = file_rows(context, bodies, written_records, reinstated_indexes)
        outcome_builder = OutcomeBuilder(context, revision_before, results)
        for (row, body), result in zip(ready, results, strict=False):
            outcomes[row.number] = outcome_builder.build(row, body, result)
        settled_rows = self.rows if len(results) == len(ready) else self.rows[: self.rows.index(ready[len(results)][0])]
        self.unsettled_rows, self.rows = self.rows[len(settled_rows) :], settled_rows
        return [outcomes[row.number] for row in settled_rows]


def build_strict_refusal(row: int, first: int | None = None) -> BadFile:
    """The refusal of a strict list because of a `row`: nothing was filed, or nothing from the row `first` on."""
    if first is None:
        return BadFile.from_sentence("strict", row)
    return BadFile.from_sentence("strict_from", row, code="strict", first=first)


# Twice the largest list imagined, 200,000 rows in 30 MB; a run takes less than 500 MB of memory. A trial remembers its
# rows, and takes more (decision 0039).
MAX_LIST_BYTES = 64 * 1024 * 1024

# Outcomes of rows whose reports are filed already.
KNOWN_OUTCOMES = ("updated", "unchanged")
ReportProgress = Callable[[ListImport], None]


def check_list_size(data: bytes) -> None:
    """Raises BadFile for a file larger than any list imagined."""
    if len(data) > MAX_LIST_BYTES:
        raise BadFile(
            "too_large", f"A list has at most {MAX_LIST_BYTES // 1024 // 1024} MB: part it into several files."
        )


def file_local_list(
    engine: Engine,
    secret: bytes,
    clock: Callable[[], datetime],
    names: Names,
    slug: str,
    data: bytes,
    options: ImportOptions,
    report_progress: ReportProgress,
) -> ListImport:
    """File a list of a source, and return the ended import. A killed run of the same file goes on where it stopped;
    `report_progress` gets the progress after each batch. Raises BadFile, NotFound."""
    check_list_size(data)
    with open_write_session(engine) as session:
        source = load_reporter_by_slug(session, slug, names).source
        assert source is not None
        digest = digest_bytes(data)
        job = (
            None
            if options.dry_run
            else import_store.find_unfinished_import(session, secret, source, digest, options.mapping)
        )
        job = job or import_store.begin_import(session, secret, source, None, digest, options, clock())
        import_store.lease_import(session, job.id, clock())
        job_id = job.id
    filing = Filing(engine, secret, clock, names, job_id, data)
    while filing.step():
        with open_read_session(engine) as session:
            report_progress(import_store.load_import(session, job_id))
    with open_read_session(engine) as session:
        return import_store.load_import(session, job_id)
