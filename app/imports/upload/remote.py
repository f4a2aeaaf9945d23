"""File a list with a remote registry: read it here, send it part by part, and wait for the receipt of each part."""

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Protocol, cast
from urllib.parse import parse_qsl

from app.imports import faults
from app.imports.fault_groups import translate_errors
from app.imports.faults import BadFile, StoredFault
from app.imports.filing.import_store import OPEN_STATES, ImportOptions
from app.imports.filing.questions import collect_questions
from app.imports.filing.receipts import NOT_HELD, WARNINGS, SentReceipt, build_change, build_warnings
from app.imports.filing.row_filing import NO_ROWS_MESSAGE, build_strict_refusal, check_list_size
from app.imports.mapping import QUESTIONS
from app.imports.reader.list_reader import ListContext, OpenedList, open_list
from app.imports.reader.rows import place_fault
from app.imports.reader.tally import RowsCounted
from app.imports.upload.client import GIVE_UP_SECONDS, PermanentError, RegistryClient, RemoteNotFound
from app.imports.upload.uploads import (
    ListParts,
    Me,
    PartReceipt,
    PartRow,
    PartRows,
    PlacedError,
    RemoteSource,
    UploadJournal,
    UploadPart,
    split_list,
)
from app.schemas.imports import ImportQuestion, ImportRowShape, NotHeldReason, RowError
from app.vocabulary import ImportOutcome, ImportState, Language, Role

# Seconds between looks at the progress of a part, which takes a fraction of one unless other lists wait too.
INITIAL_POLL_SECONDS, MAX_POLL_SECONDS = 0.3, 5.0
NOTICE_SECONDS = 30.0  # seconds after which a person at the screen wonders whether it hangs
# Rows of a page of outcomes: 8 KB over the same line.
PAGE_ROWS = 50
# Outcomes that are read unless every row is wanted: a row that was simply filed would come back as it was sent.
REPORTED_OUTCOMES = (ImportOutcome.ERROR, ImportOutcome.NEEDS_REVIEW)
UNSENT_ROWS_MESSAGE = (
    "What answers speaks of rows that were not sent: ask whoever runs the registry whether it is theirs."
)


class UploadObserver(Protocol):
    """The observer of an upload, which gets messages and the progress."""

    def show_status(self, text: str) -> None: ...
    def show_progress(self, settled_rows: int, rows: int) -> None: ...


def file_remote_list(
    client: RegistryClient,
    folder: Path,
    path: Path,
    options: ImportOptions,
    now: datetime,
    observer: UploadObserver,
    *,
    source: str | None,
    all_rows: bool,
) -> tuple[SentReceipt, list[ImportRowShape]]:
    """File a list, going on where an earlier run of the same file stopped: `(receipt, outcomes)`.

    The outcomes are those of all rows with `all_rows`, else of the rows that need a person. `folder`: of the journals;
    `source`: if given, the key must be this source's. Raises BadFile, PermanentError.
    """
    data = path.read_bytes()
    check_list_size(data)
    me = client.get("/v1/me", Me)
    if me.role != Role.REPORTER or me.source is None:
        raise PermanentError(f"This key is a {me.role}'s: a list is sent with a reporter's key.")
    if source not in (None, me.source):
        raise PermanentError(
            f"This key is of {me.source}, and not of {source}: take the other key, or leave --source out."
        )
    country = client.get(f"/v1/sources/{me.source}", RemoteSource).country
    opened_list = open_list(data, options.mapping, context=ListContext(country, now.date()))
    list_parts = split_list(opened_list.rows())
    if not list_parts.rows:
        raise BadFile("no_rows", NO_ROWS_MESSAGE)
    receipt = _ReceiptTotal(opened_list, list_parts, options, client.lang)
    questions = collect_questions(
        opened_list, list_parts.faults, list_parts.undated_ages, is_confirmed=options.confirmed
    )
    if questions:
        translated_questions = [faults.translate_question(question, client.lang) for question in questions]
        return receipt.shape(questions=translated_questions), receipt.build_error_rows()
    if options.strict and list_parts.faults_by_row and not options.dry_run:
        return receipt.shape(
            problem=build_strict_refusal(min(list_parts.faults_by_row)).shape()
        ), receipt.build_error_rows()
    destination = json.dumps([client.address, me.source, options.dry_run, options.strict])
    content = opened_list.digest + (options.mapping.digest if options.mapping else "")
    with UploadJournal(folder, destination, path, content, now) as journal:
        if not journal.is_new:
            observer.show_status("Going on where it stopped.")
        elif journal.delete_former_journals():
            observer.show_status(
                "The file has changed since its upload was interrupted: this is a new one, from its first row."
            )
        options = replace(options, whole=list_parts.rows)
        upload = _Upload(client, journal, list_parts, options, observer, opened_list.label_row)
        return upload.run(receipt, all_rows=all_rows)


class _Upload:
    """The upload of one list."""

    def __init__(
        self,
        client: RegistryClient,
        journal: UploadJournal,
        list_parts: ListParts,
        options: ImportOptions,
        observer: UploadObserver,
        label_row: Callable[[int], str],
    ) -> None:
        self._client, self._journal, self._parts = client, journal, list_parts
        self._options, self._observer, self._label_row = options, observer, label_row

    def run(self, total: "_ReceiptTotal", *, all_rows: bool) -> tuple[SentReceipt, list[ImportRowShape]]:
        """Send all parts; a strict list first as a trial, so that nothing of it is filed if a row is in error."""
        if self._options.strict and not self._options.dry_run:
            trial_receipts = self._send_parts(is_trial=True)
            errors = [
                row
                for part, part_receipt in trial_receipts
                for row in self._read_rows(part, part_receipt, (ImportOutcome.ERROR,))
            ]
            if errors:
                self._journal.finish()
                return total.shape(problem=build_strict_refusal(errors[0]["row"]).shape()), errors
            if trial_receipts and trial_receipts[-1][1].state != ImportState.DONE:
                return total.shape(trial_receipts), []
        part_receipts = self._send_parts(is_trial=self._options.dry_run)
        rows = [
            row
            for part, part_receipt in part_receipts
            for row in self._read_rows(part, part_receipt, None if all_rows else REPORTED_OUTCOMES)
        ]
        shape = total.shape(part_receipts)
        if shape["state"] == ImportState.DONE:
            self._journal.finish()
        return shape, sorted([*rows, *total.build_error_rows()], key=lambda row: int(row["row"]))

    def _send_parts(self, *, is_trial: bool) -> list[tuple[UploadPart, PartReceipt]]:
        """`(part, receipt)` in order, up to the first part that was not filed: a question about the list comes with the
        first part, and ends the upload."""
        part_receipts: list[tuple[UploadPart, PartReceipt]] = []
        settled_rows = len(self._parts.faults_by_row)
        for part in self._parts.parts:
            self._observer.show_progress(settled_rows, self._parts.rows)
            receipt = self._send_part(part, is_trial=is_trial)
            part_receipts.append((part, receipt))
            if receipt.state != ImportState.DONE:
                break
            settled_rows += len(part.rows)
        self._observer.show_progress(settled_rows, self._parts.rows)
        return part_receipts

    def _send_part(self, part: UploadPart, *, is_trial: bool, is_answered: bool = False) -> PartReceipt:
        part_name = f"{'trial' if is_trial else 'run'} {part.digest}"
        state = self._journal.get_or_create_part(part_name, confirmed=self._options.confirmed or is_answered)
        if state.receipt is not None:
            return PartReceipt.model_validate(state.receipt)
        import_id = state.import_id
        if import_id is None:
            options = {"dry_run": is_trial, "strict": self._options.strict and not is_trial, "confirm": state.confirmed}
            first_receipt = self._client.post(
                "/v1/imports", part.data, state.once, PartReceipt, whole=self._options.whole, **options
            )
            self._journal.mark_sent(part_name, first_receipt.id)
            import_id = str(first_receipt.id)
        try:
            receipt = self._poll_receipt(f"/v1/imports/{import_id}")
        except RemoteNotFound:
            raise PermanentError(
                f"The registry does not know what was sent any more (was it set back to a backup?): delete "
                f"{self._journal.file} and send the list again."
            ) from None
        if receipt.state == ImportState.DONE:
            self._journal.mark_settled(part_name, receipt.model_dump(mode="json"))
            return receipt
        self._journal.forget_part(part_name)
        if receipt.state == ImportState.QUESTIONED and not state.confirmed and self._has_answers(receipt):
            return self._send_part(part, is_trial=is_trial, is_answered=True)
        return receipt

    def _has_answers(self, receipt: PartReceipt) -> bool:
        """Whether the sender has confirmed all that the registry asks. The answers themselves stay here."""
        confirmed = self._options.mapping.confirmed if self._options.mapping else {}
        return self._options.confirmed or all(confirmed.get(question.code, False) for question in receipt.questions)

    def _poll_receipt(self, address: str) -> PartReceipt:
        pause, start, has_notified = INITIAL_POLL_SECONDS, monotonic(), False
        while (receipt := self._client.get(address, PartReceipt)).state in OPEN_STATES:
            seconds = monotonic() - start
            if seconds > GIVE_UP_SECONDS:
                raise PermanentError(
                    f"It is in, and has not been filed for {seconds / 3600:.0f} hours: ask who runs the registry."
                )
            if seconds > NOTICE_SECONDS and not has_notified:
                has_notified = True
                self._observer.show_status("It is in, and waits for others to be filed.")
            sleep(pause)
            pause = min(2 * pause, MAX_POLL_SECONDS)
        return receipt

    def _read_rows(
        self, part: UploadPart, receipt: PartReceipt, outcomes: tuple[ImportOutcome, ...] | None
    ) -> list[ImportRowShape]:
        """The outcomes of a part's rows, by their numbers in the file."""
        filters = [{"outcome": outcome.value} for outcome in outcomes or () if receipt.counts.get(outcome)]
        queries = [{}] if outcomes is None else filters
        return [
            self._build_row(part, row) for query in queries for row in self._iter_page_rows(part, receipt.id, query)
        ]

    def _iter_page_rows(self, part: UploadPart, import_id: uuid.UUID, query: dict[str, str]) -> Iterator[PartRow]:
        """The rows of all pages. Of a next address only the cursor is used: the key must go nowhere else."""
        for _ in part.rows:  # each page but the last has a row
            page = self._client.get(f"/v1/imports/{import_id}/rows", PartRows, limit=PAGE_ROWS, **query)
            yield from page.data
            if page.next is None:
                return
            query = query | {"cursor": dict(parse_qsl(page.next.partition("?")[2])).get("cursor", "")}
        raise PermanentError(UNSENT_ROWS_MESSAGE)

    def _build_row(self, part: UploadPart, row: PartRow) -> ImportRowShape:
        number = _find_file_row(part, row.row)
        return {
            "row": number,
            "label": self._label_row(number),
            "name": row.name,
            "source_record_id": row.source_record_id,
            "outcome": row.outcome,
            "report_id": row.report_id,
            "revision": row.revision,
            "errors": [self._place_error(error, number) for error in row.errors],
            "warnings": [self._place_error(warning, number) for warning in row.warnings],
            "changes": row.changes,
        }

    def _place_error(self, error: PlacedError, row: int) -> RowError:
        """An error at its column; a question says how it is answered for the row of the file, not of the part."""
        fault = place_fault(self._parts.columns, error.model_dump(include={"pointer", "code", "detail"}))
        detail = faults.format_question(error.code, row, self._client.lang) if error.code in QUESTIONS else fault.detail
        return replace(fault, detail=detail, withdrawn_on=error.withdrawn_on).shape()


class _ReceiptTotal:
    """The receipt of a whole list, summed from the receipts of its parts."""

    def __init__(self, opened_list: OpenedList, list_parts: ListParts, options: ImportOptions, lang: Language) -> None:
        self._opened_list, self._parts, self._options, self._lang = opened_list, list_parts, options, lang

    def build_error_rows(self) -> list[ImportRowShape]:
        """The rows that were not sent, with their faults."""
        return [
            {"row": number, "label": self._opened_list.label_row(number), "name": None, "source_record_id": None,
             "outcome": ImportOutcome.ERROR, "report_id": None, "revision": None,
             "errors": translate_errors([fault.shape() for fault in faults], number, self._lang), "warnings": [],
             "changes": []}
            for number, faults in self._parts.faults_by_row.items()
        ]  # fmt: skip

    def shape(
        self,
        part_receipts: list[tuple[UploadPart, PartReceipt]] | None = None,
        *,
        questions: list[ImportQuestion] | None = None,
        problem: StoredFault | None = None,
    ) -> SentReceipt:
        receipts = [receipt for _part, receipt in part_receipts or [] if receipt.state == ImportState.DONE]
        counts = {outcome: sum(receipt.counts.get(outcome, 0) for receipt in receipts) for outcome in ImportOutcome}
        counts[ImportOutcome.ERROR] += len(self._parts.faults_by_row)
        revisions = [
            revision
            for receipt in receipts
            for revision in (receipt.first_revision, receipt.last_revision)
            if revision is not None
        ]
        state = ImportState.FAILED if problem else ImportState.QUESTIONED if questions else ImportState.DONE
        reasons = _sum_counts([receipt.held_not_counted for receipt in receipts])
        warned_rows = {code: RowsCounted() for code in WARNINGS}
        for part, receipt in part_receipts or []:
            for warning in receipt.warnings if receipt.state == ImportState.DONE else ():
                for code, counted_rows in warned_rows.items():
                    if warning.code == code:
                        rows = (_find_file_row(part, example.row) for example in warning.examples)
                        counted_rows.add(*rows, count=warning.count)
        if part_receipts:
            part, last = part_receipts[-1]
            state = last.state
            questions = [cast(ImportQuestion, question.model_dump()) for question in last.questions]
            problem = _build_problem(part, last)
        # A newer registry may give reasons that this version does not know: without them the numbers would not add up.
        known_reasons: list[str] = [*NOT_HELD]
        other_reasons = [reason for reason in reasons if reason not in known_reasons]
        return {
            "state": state,
            "dry_run": self._options.dry_run,
            "strict": self._options.strict,
            "rows": self._parts.rows,
            "settled": sum(counts.values()),
            "missing": 0,
            "counts": counts,
            "releases": sum(receipt.releases for receipt in receipts),
            "held": sum(receipt.held for receipt in receipts),
            "lost": build_change(_sum_counts([receipt.lost for receipt in receipts])),
            "gained": build_change(_sum_counts([receipt.gained for receipt in receipts])),
            "held_not_counted": cast(
                dict[NotHeldReason, int],
                {reason: reasons[reason] for reason in known_reasons + other_reasons if reasons[reason]},
            ),
            "changed_fields": dict(_sum_counts([receipt.changed_fields for receipt in receipts])),
            "going_back": sum(receipt.going_back for receipt in receipts),
            "releases_taken_back": sum(receipt.releases_taken_back for receipt in receipts),
            "statuses": dict(_sum_counts([receipt.statuses for receipt in receipts])),
            "held_counted": sum(receipt.held_counted for receipt in receipts),
            "awaiting_review": sum(receipt.awaiting_review for receipt in receipts),
            "first_revision": min(revisions, default=None),
            "last_revision": max(revisions, default=None),
            **self._opened_list.shape(),
            **self._opened_list.tally.shape(),
            "derived_case_numbers": self._parts.derived_case_numbers,
            "warnings": build_warnings(warned_rows, self._lang, {}),
            "questions": questions or [],
            "problem": None if problem is None else faults.translate_problem(problem, self._lang),
            "imports": [receipt.id for receipt in receipts],
        }


def _sum_counts(numbers: list[dict[str, int]]) -> Counter[str]:
    return sum(map(Counter, numbers), Counter())


def _build_problem(part: UploadPart, receipt: PartReceipt) -> StoredFault | None:
    if receipt.problem is None:
        return None
    row = _find_file_row(part, receipt.problem.row or 1)
    if receipt.problem.code == "strict":
        return build_strict_refusal(row, part.rows[0]).shape()
    return BadFile(receipt.problem.code, receipt.problem.detail, row).shape()


def _find_file_row(part: UploadPart, number: int) -> int:
    """Return the number in the file of the row with this number in a part. Raises PermanentError."""
    if not 0 < number <= len(part.rows):
        raise PermanentError(UNSENT_ROWS_MESSAGE)
    return part.rows[number - 1]
