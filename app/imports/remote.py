"""File a list with a remote registry: read it here, send it part by part, and wait for the receipt of each part."""

import json
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Protocol, cast
from urllib.parse import parse_qsl

from app.imports import faults, survey
from app.imports.client import GIVES_UP_AFTER, Gone, Line, Stopped
from app.imports.faults import BadFile, KeptFault
from app.imports.filing import NO_ROWS, bounded, strict
from app.imports.lists import Opened, open_list
from app.imports.mapping import QUESTIONS, in_language
from app.imports.receipts import NOT_HELD, WARNINGS, SentReceipt, change_of, warnings
from app.imports.rows import RowsCounted, placed
from app.imports.stored import OPEN_STATES, Sent
from app.imports.uploads import Cut, Journal, Me, Part, PartReceipt, PartRow, PartRows, PlacedError, cut
from app.schemas.imports import ImportQuestion, ImportRowShape, NotHeld, RowError
from app.vocabulary import ImportOutcome, ImportState, Language, Role

# Seconds between looks at the progress of a part, which takes a fraction of one unless other lists wait too.
FIRST_LOOK, LONGEST_LOOK = 0.3, 5.0
TOLD_AFTER = 30.0  # seconds after which a person at the screen wonders whether it hangs
# Rows of a page of outcomes: 8 KB over the same line.
PAGE = 50
# Outcomes that are read unless every row is wanted: a row that was simply filed would come back as it was sent.
TOLD = (ImportOutcome.ERROR, ImportOutcome.NEEDS_REVIEW)
UNSENT = "What answers speaks of rows that were not sent: ask whoever runs the registry whether it is theirs."


class Watch(Protocol):
    """The watcher of an upload, who gets messages and the progress."""

    def say(self, text: str) -> None: ...
    def moved(self, settled: int, rows: int) -> None: ...


def file_list(
    line: Line, folder: Path, path: Path, sent: Sent, now: datetime, watch: Watch, *, source: str | None, every: bool
) -> tuple[SentReceipt, list[ImportRowShape]]:
    """File a list, going on where an earlier run of the same file stopped: `(receipt, outcomes)`, of `every` row or of
    the rows that need a person. `folder`: of the journals; `source`: if given, the key must be this source's. Raises
    BadFile, Stopped."""
    data = path.read_bytes()
    bounded(data)
    opened = open_list(data, sent.mapping)
    counting = not sent.confirmed and opened.count()[1]
    whole = cut(opened.rows())
    if not whole.rows:
        raise BadFile("no_rows", NO_ROWS)
    receipt = _Sum(opened, whole, sent, line.lang)
    questions = [*opened.questions(now), *survey.about_ages(opened, whole.ages), *survey.about_counting(counting)]
    if questions:
        translated = [faults.translated(question, line.lang) for question in questions]
        return receipt.shape(questions=translated), receipt.wrong()
    if sent.strict and whole.wrong and not sent.dry_run:
        return receipt.shape(problem=strict(min(whole.wrong)).shape()), receipt.wrong()
    me = line.get("/v1/me", Me)
    if me.role != Role.REPORTER or me.source is None:
        raise Stopped(f"This key is a {me.role}'s: a list is sent with a reporter's key.")
    if source not in (None, me.source):
        raise Stopped(f"This key is of {me.source}, and not of {source}: take the other key, or leave --source out.")
    to = json.dumps([line.address, me.source, sent.dry_run, sent.strict])
    content = opened.digest + (sent.mapping.digest if sent.mapping else "")
    with Journal(folder, to, path, content, now) as journal:
        if not journal.fresh:
            watch.say("Going on where it stopped.")
        elif journal.others():
            watch.say("The file has changed since its upload was interrupted: this is a new one, from its first row.")
        return _Upload(line, journal, whole, replace(sent, whole=whole.rows), watch).run(receipt, every=every)


class _Upload:
    """The upload of one list."""

    def __init__(self, line: Line, journal: Journal, whole: Cut, sent: Sent, watch: Watch) -> None:
        self._line, self._journal, self._cut, self._sent, self._watch = line, journal, whole, sent, watch

    def run(self, receipt: "_Sum", *, every: bool) -> tuple[SentReceipt, list[ImportRowShape]]:
        """Send all parts; a strict list first as a trial, so that nothing of it is filed if a row is in error."""
        if self._sent.strict and not self._sent.dry_run:
            tried = self._pass(trial=True)
            errors = [row for part, its in tried for row in self._rows(part, its, (ImportOutcome.ERROR,))]
            if errors:
                self._journal.finish()
                return receipt.shape(problem=strict(errors[0]["row"]).shape()), errors
            if tried and tried[-1][1].state != ImportState.DONE:
                return receipt.shape(tried), []
        filed = self._pass(trial=self._sent.dry_run)
        rows = [row for part, its in filed for row in self._rows(part, its, None if every else TOLD)]
        shape = receipt.shape(filed)
        if shape["state"] == ImportState.DONE:
            self._journal.finish()
        return shape, sorted([*rows, *receipt.wrong()], key=lambda row: int(row["row"]))

    def _pass(self, *, trial: bool) -> list[tuple[Part, PartReceipt]]:
        """`(part, receipt)` in order, up to the first part that was not filed: a question about the list comes with the
        first part, and ends the upload."""
        through: list[tuple[Part, PartReceipt]] = []
        settled = len(self._cut.wrong)
        for part in self._cut.parts:
            self._watch.moved(settled, self._cut.rows)
            receipt = self._receipt(part, trial=trial)
            through.append((part, receipt))
            if receipt.state != ImportState.DONE:
                break
            settled += len(part.rows)
        self._watch.moved(settled, self._cut.rows)
        return through

    def _receipt(self, part: Part, *, trial: bool) -> PartReceipt:
        name = f"{'trial' if trial else 'run'} {part.digest}"
        kept = self._journal.once(name, confirmed=self._sent.confirmed)
        if kept.receipt is not None:
            return PartReceipt.model_validate(kept.receipt)
        import_id = kept.import_id
        if import_id is None:
            options = {"dry_run": trial, "strict": self._sent.strict and not trial, "confirm": kept.confirmed}
            begun = self._line.post("/v1/imports", part.data, kept.once, PartReceipt, whole=self._sent.whole, **options)
            self._journal.sent(name, begun.id)
            import_id = str(begun.id)
        try:
            receipt = self._follow(f"/v1/imports/{import_id}")
        except Gone:
            raise Stopped(
                f"The registry does not know what was sent any more (was it set back to a backup?): delete "
                f"{self._journal.file} and send the list again."
            ) from None
        if receipt.state == ImportState.DONE:
            self._journal.through(name, receipt.model_dump(mode="json"))
            return receipt
        self._journal.forget(name)
        answered = receipt.state == ImportState.QUESTIONED and self._sent.confirmed and not kept.confirmed
        return self._receipt(part, trial=trial) if answered else receipt

    def _follow(self, address: str) -> PartReceipt:
        pause, since, told = FIRST_LOOK, monotonic(), False
        while (receipt := self._line.get(address, PartReceipt)).state in OPEN_STATES:
            waited = monotonic() - since
            if waited > GIVES_UP_AFTER:
                raise Stopped(
                    f"It is in, and has not been filed for {waited / 3600:.0f} hours: ask who runs the registry."
                )
            if waited > TOLD_AFTER and not told:
                told = True
                self._watch.say("It is in, and waits for others to be filed.")
            sleep(pause)
            pause = min(2 * pause, LONGEST_LOOK)
        return receipt

    def _rows(
        self, part: Part, receipt: PartReceipt, outcomes: tuple[ImportOutcome, ...] | None
    ) -> list[ImportRowShape]:
        """The outcomes of a part's rows, by their numbers in the file."""
        filters = [{"outcome": outcome.value} for outcome in outcomes or () if receipt.counts.get(outcome)]
        queries = [{}] if outcomes is None else filters
        return [self._shape(part, row) for query in queries for row in self._pages(part, receipt.id, query)]

    def _pages(self, part: Part, import_id: uuid.UUID, query: dict[str, str]) -> Iterator[PartRow]:
        """The rows of all pages. Of a next address only the cursor is used: the key must go nowhere else."""
        for _ in part.rows:  # each page but the last has a row
            page = self._line.get(f"/v1/imports/{import_id}/rows", PartRows, limit=PAGE, **query)
            yield from page.data
            if page.next is None:
                return
            query = query | {"cursor": dict(parse_qsl(page.next.partition("?")[2])).get("cursor", "")}
        raise Stopped(UNSENT)

    def _shape(self, part: Part, row: PartRow) -> ImportRowShape:
        return {
            "row": _row_of(part, row.row),
            "source_record_id": row.source_record_id,
            "outcome": row.outcome,
            "report_id": row.report_id,
            "revision": row.revision,
            "errors": [self._placed(error, _row_of(part, row.row)) for error in row.errors],
            "warnings": [self._placed(warning, _row_of(part, row.row)) for warning in row.warnings],
        }

    def _placed(self, error: PlacedError, row: int) -> RowError:
        """An error at its column; a question says how it is answered for the row of the file, not of the part."""
        fault = placed(self._cut.columns, error.model_dump(include={"pointer", "code", "detail"}))
        detail = faults.question(error.code, row, self._line.lang) if error.code in QUESTIONS else fault.detail
        return replace(fault, detail=detail, withdrawn_on=error.withdrawn_on).shape()


class _Sum:
    """The receipt of a whole list, summed from the receipts of its parts."""

    def __init__(self, opened: Opened, whole: Cut, sent: Sent, lang: Language) -> None:
        self._opened, self._cut, self._sent, self._lang = opened, whole, sent, lang

    def wrong(self) -> list[ImportRowShape]:
        """The rows that were not sent, with their faults."""
        return [
            {"row": number, "source_record_id": None, "outcome": ImportOutcome.ERROR, "report_id": None,
             "revision": None, "errors": in_language([fault.shape() for fault in faults], number, self._lang),
             "warnings": []}
            for number, faults in self._cut.wrong.items()
        ]  # fmt: skip

    def shape(
        self,
        filed: list[tuple[Part, PartReceipt]] | None = None,
        *,
        questions: list[ImportQuestion] | None = None,
        problem: KeptFault | None = None,
    ) -> SentReceipt:
        receipts = [receipt for _part, receipt in filed or [] if receipt.state == ImportState.DONE]
        counts = {outcome: sum(receipt.counts.get(outcome, 0) for receipt in receipts) for outcome in ImportOutcome}
        counts[ImportOutcome.ERROR] += len(self._cut.wrong)
        revisions = [
            revision
            for receipt in receipts
            for revision in (receipt.first_revision, receipt.last_revision)
            if revision is not None
        ]
        state = ImportState.FAILED if problem else ImportState.QUESTIONED if questions else ImportState.DONE
        reasons = _summed([receipt.held_not_counted for receipt in receipts])
        warned = {code: RowsCounted() for code in WARNINGS}
        for part, receipt in filed or []:
            for warning in receipt.warnings if receipt.state == ImportState.DONE else ():
                for code, counted in warned.items():
                    if warning.code == code:
                        rows = (_row_of(part, example.row) for example in warning.examples)
                        counted.add(*rows, count=warning.count)
        if filed:
            part, last = filed[-1]
            state = last.state
            questions = [
                {"code": question.code, "detail": question.detail, "answer": question.answer}
                for question in last.questions
            ]
            problem = _problem(part, last)
        # A newer registry may give reasons that this version does not know: without them the numbers would not add up.
        known: list[str] = [*NOT_HELD]
        other = [why for why in reasons if why not in known]
        return {
            "state": state,
            "dry_run": self._sent.dry_run,
            "strict": self._sent.strict,
            "rows": self._cut.rows,
            "settled": sum(counts.values()),
            "counts": counts,
            "releases": sum(receipt.releases for receipt in receipts),
            "held": sum(receipt.held for receipt in receipts),
            "lost": change_of(_summed([receipt.lost for receipt in receipts])),
            "gained": change_of(_summed([receipt.gained for receipt in receipts])),
            "held_not_counted": cast(dict[NotHeld, int], {why: reasons[why] for why in known + other if reasons[why]}),
            "held_counted": sum(receipt.held_counted for receipt in receipts),
            "first_revision": min(revisions, default=None),
            "last_revision": max(revisions, default=None),
            **self._opened.shape(),
            **self._opened.tally.shape(),
            "derived_case_numbers": self._cut.derived,
            "warnings": warnings(warned, self._lang, {}),
            "questions": questions or [],
            "problem": None if problem is None else faults.problem(problem, self._lang),
            "imports": [receipt.id for receipt in receipts],
        }


def _summed(numbers: list[dict[str, int]]) -> Counter[str]:
    return sum(map(Counter, numbers), Counter())


def _problem(part: Part, receipt: PartReceipt) -> KeptFault | None:
    if receipt.problem is None:
        return None
    row = _row_of(part, receipt.problem.row or 1)
    if receipt.problem.code == "strict":
        return strict(row, part.rows[0]).shape()
    return BadFile(receipt.problem.code, receipt.problem.detail, row).shape()


def _row_of(part: Part, number: int) -> int:
    """The number in the file of the row with this number in a part. Raises Stopped."""
    if not 0 < number <= len(part.rows):
        raise Stopped(UNSENT)
    return part.rows[number - 1]
