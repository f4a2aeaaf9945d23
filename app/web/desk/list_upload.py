"""Pages for sending a list: try it, answer questions about it, send it, and read its receipt."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from app.api.middleware.concurrency import acquire_lane
from app.api.problems import raise_problems
from app.api.routes.counts import count_releases
from app.api.routes.imports import ImportQuery, list_import_rows, read_form_parts, read_import, store_list
from app.errors import NotFound, PayloadTooLarge, Problem
from app.imports.answers import UnreadableMapping, build_answers, merge_answers
from app.imports.filing.receipts import format_noted_cells
from app.imports.reader.figure_files import LIST_OF_FIGURES
from app.queries.parameters import TableFormat
from app.web.api_client import gather, parse_cursor
from app.web.charts import bars as shares
from app.web.desk import answers, trial
from app.web.desk.fields import format_refusal, get_code_language
from app.web.desk.figures import show_figures_of_list
from app.web.desk.list_questions import (
    COLUMN_PLACE,
    FormAnswers,
    ListQuestions,
    build_list_questions,
    split_row_key,
)
from app.web.desk.list_words import build_field_titles, group_fields, list_steps
from app.web.desk.page import (
    Desk,
    DeskForm,
    DeskRoute,
    FormValues,
    SignedInDesk,
    SignInRequired,
    WriteTarget,
    first_value,
    open_desk,
    read_desk_form,
    read_without_carrying,
    require_own_form,
    require_same_origin,
)
from app.web.desk.sessions import SESSION_SCOPE_KEY
from app.web.figure import FULL_WIDTH, PHONE_WIDTH, render_drawing
from app.web.rendering import Catalogue

lists = APIRouter(route_class=DeskRoute)
LIST_PATH = "/desk/list"
LIST_FIELD, FILE_FIELD, MAPPING_FIELD, DIGEST_FIELD, MARK_FIELD = "list", "file", "mapping", "digest", "mark"
PREVIOUS_FIELD, SEND_FIELD = "previous", "send"
IMPORT_FIELD, TOO_LARGE = "import", "too_large"
# A list has at most 500 columns; each has a field, as each question has.
MAX_LIST_FIELDS = 1_000
LIST_REFUSALS = (400, 409, 413, 415, 422)  # errors that another file or mapping can correct
# The limit of a form part that is not a file; the longest is a list that the form carries as text.
MAX_PART_BYTES = 1024 * 1024
# A trial that ends within this time, as of about 5,000 rows, is shown at once. Proxies wait a minute.
WAIT_TIMEOUT_SECONDS, FIRST_POLL_SECONDS, MAX_POLL_SECONDS = 20.0, 0.05, 0.5
ROWS_PAGE_SIZE = 200  # the API's longest page
MAX_COUNTRIES = 3  # countries for which the page compares the counts before and after; few lists have more
ACTIVE_STATES = ("waiting", "checking", "running")


async def read_submitted_list(request: Request) -> DeskForm:
    """Read a form with a list. Raises SignInRequired before the body is read."""
    require_same_origin(request)
    if request.scope[SESSION_SCOPE_KEY] is None:
        raise SignInRequired(LIST_PATH)
    form_values: dict[str, list[str]] = {}
    file = b""
    try:
        parts = await read_form_parts(request, max_parts=MAX_LIST_FIELDS, max_part_bytes=MAX_PART_BYTES)
    except HTTPException:  # 413: the token of the form was not read, so that the form can only show this error
        request.scope[FILE_FIELD] = b""
        return DeskForm(await open_desk(request, request.scope[SESSION_SCOPE_KEY]), {TOO_LARGE: ["yes"]})
    for name, part in parts:
        if name == FILE_FIELD:
            file = part
        else:
            form_values.setdefault(name, []).append(part.decode(errors="replace"))
    request.scope[FILE_FIELD] = file
    return await require_own_form(request, {name: values for name, values in form_values.items() if any(values)})


async def _require_submitted_list(request: Request) -> DeskForm:
    return await read_without_carrying(request, read_submitted_list(request), LIST_PATH)


async def _require_trial_form(request: Request) -> DeskForm:
    return await read_without_carrying(request, read_desk_form(request), LIST_PATH)


SubmittedList = Annotated[DeskForm, Depends(_require_submitted_list)]
SubmittedTrial = Annotated[DeskForm, Depends(_require_trial_form)]


@lists.get("/desk/list")
async def read_list_form(desk: SignedInDesk) -> Response:
    """Show the form to choose a file."""
    return await show_upload(desk)


@dataclass(frozen=True)
class TriedList:
    """A list with the answers about it.

    `data`: empty if the form does not carry the list; `digest`: of the list alone; `mapping`: the answers;
    `previous`: the questions of earlier forms; `refused`: places of answers that could not be read.
    """

    data: bytes = b""
    digest: str = ""
    mapping: str = ""
    previous: Sequence[answers.Question] = ()
    refused: frozenset[str] = frozenset()

    @property
    def mark(self) -> str:
        """The digest of everything, which proves that exactly this was tried: only then can it be sent."""
        return answers.compute_digest(f"{self.digest}\n{self.mapping}".encode())


@lists.post("/desk/list")
async def try_or_send_list(form: SubmittedList) -> Response:
    """Try a list with the answers in the form, or send it as it was tried."""
    desk, form_values = form.desk, form.form_values
    if TOO_LARGE in form_values:
        return await show_upload(desk, [format_refusal({"code": PayloadTooLarge.code}, desk.catalogue)], status=413)
    data = _get_list_data(form)
    if not data:
        return await show_upload(desk, [desk.catalogue.gettext("Choose the file of your list.")])
    digest = answers.compute_digest(data)
    if form_values.get(DIGEST_FIELD, [digest]) != [digest]:
        form_values = {}  # the answers are about another file
    previous = _read_tried_list(desk, form_values, data)
    submitted = answers.parse_answers(form_values)
    try:
        mapping = merge_answers(previous.mapping, build_answers(submitted.pairs))
        tried_list = replace(previous, mapping=mapping, refused=submitted.refused)
        if form_values.get(SEND_FIELD) and tried_list.mark == first_value(form_values, MARK_FIELD):
            return await _send_list(desk, tried_list)
        receipt = await _try_list(desk, tried_list)
        if receipt["state"] == "failed" and mapping != previous.mapping and DIGEST_FIELD in form_values:
            refused = _find_refused(receipt, previous, submitted.pairs)
            tried_list = replace(previous, refused=refused)
            receipt = await _try_list(desk, tried_list)
    except UnreadableMapping:
        return await show_upload(desk, [desk.catalogue.gettext("The answers were lost: choose the list again.")])
    except Problem as refusal:
        if refusal.status not in LIST_REFUSALS:
            raise
        errors = refusal.body().get("errors") or [refusal.body()]
        return await show_upload(desk, [format_refusal(error, desk.catalogue) for error in errors])
    return await show_list(desk, receipt, None, tried_list)


def _find_refused(receipt: trial.Receipt, previous: TriedList, pairs: Sequence[tuple[str, str]]) -> frozenset[str]:
    """Return the places of the new answers with which a list could not be read."""
    mapping = answers.parse_mapping(previous.mapping)
    changed = {place for place, text in pairs if answers.find_answer(mapping, place) != (text or answers.NOTHING)}
    columns = {place for place in changed if place.startswith(COLUMN_PLACE)}
    is_repeated = (receipt["problem"] or {}).get("code") == "two_columns_for_one"
    return frozenset(columns if is_repeated and columns else changed)


def _read_tried_list(desk: Desk, form_values: FormValues, data: bytes) -> TriedList:
    """Return the list as the form carries it, before new answers."""
    secret, source = desk.request.app.state.secret, desk.officer.source or ""
    return TriedList(
        data,
        answers.compute_digest(data) if data else first_value(form_values, DIGEST_FIELD),
        get_first_text(form_values, MAPPING_FIELD),
        answers.unseal_questions(secret, first_value(form_values, PREVIOUS_FIELD), source),
    )


async def _try_list(desk: Desk, tried_list: TriedList) -> trial.Receipt:
    job = await _store_list(desk, tried_list, ImportQuery(dry_run=True))
    return await _wait_for_receipt(desk, job["id"])


@lists.post("/desk/list/trial")
async def show_trial_again(form: SubmittedTrial) -> Response:
    """Show the result of a trial that took longer than WAIT_TIMEOUT_SECONDS."""
    desk = form.desk
    try:
        import_id = str(UUID(form.get_first(IMPORT_FIELD)))
    except ValueError:
        raise NotFound("The form names no list: try it again.") from None
    tried_list = _read_tried_list(desk, form.form_values, _unseal_held_list(form))
    receipt = await _wait_for_receipt(desk, import_id)
    return await show_list(desk, receipt, None, tried_list)


def get_first_text(form_values: FormValues, name: str) -> str:
    return next(iter(form_values.get(name, ())), "").replace("\r\n", "\n")


def _get_list_data(form: DeskForm) -> bytes:
    """Return the uploaded file, or else the list that the form carries."""
    data: bytes = form.desk.request.scope[FILE_FIELD]
    return data or _unseal_held_list(form)


def _unseal_held_list(form: DeskForm) -> bytes:
    desk = form.desk
    return (
        answers.unseal_list(desk.request.app.state.secret, form.get_first(LIST_FIELD), desk.officer.source or "") or b""
    )


async def _send_list(desk: Desk, tried_list: TriedList) -> Response:
    """Send a list to be filed. Repeated submissions of the same list and answers have no further effect."""
    key = f"desk {desk.officer.id} {tried_list.mark}"
    job = await _store_list(desk, tried_list, ImportQuery(), key)
    return RedirectResponse(desk.address(f"{LIST_PATH}/{job['id']}"), 303)


async def _store_list(desk: Desk, tried_list: TriedList, query: ImportQuery, key: str | None = None) -> Any:
    """Store a list to be tried or filed, and return its import."""
    target = f"/v1/imports?{urlencode(query.model_dump(exclude_defaults=True))}"
    write = await desk.officer_client.build_write(WriteTarget("POST", "/v1/imports"), b"", key)
    mapping = tried_list.mapping.encode() if tried_list.mapping.strip() else None
    async with acquire_lane("writes", write.state.limits.writes):
        with raise_problems():
            answer = await run_in_threadpool(store_list, replace(write, target=target), tried_list.data, mapping, query)
    return answer.content


async def _wait_for_receipt(desk: Desk, import_id: str) -> trial.Receipt:
    """Return the receipt of a list when it is finished, or its progress after WAIT_TIMEOUT_SECONDS."""
    pause, elapsed = FIRST_POLL_SECONDS, 0.0
    while True:
        receipt: trial.Receipt = await desk.api.read(read_import, import_id=import_id)
        if receipt["state"] not in ACTIVE_STATES or elapsed >= WAIT_TIMEOUT_SECONDS:
            return receipt
        await asyncio.sleep(pause)
        elapsed, pause = elapsed + pause, min(2 * pause, MAX_POLL_SECONDS)


@lists.get("/desk/list/{import_id}")
async def read_list(desk: SignedInDesk, import_id: UUID, cursor: str | None = None) -> Response:
    """Show the receipt of a list or its progress. The page does not reload by itself, which would disturb reading."""
    return await show_list(desk, await _wait_for_receipt(desk, str(import_id)), cursor, TriedList())


@lists.get("/desk/list/{import_id}/rows.csv")
async def read_rows(desk: SignedInDesk, import_id: UUID) -> Response:
    """Return the outcome of each row as CSV."""
    await desk.api.read(read_import, import_id=import_id)  # raises errors that are shown as a page
    headers = {"Content-Disposition": f'attachment; filename="recuento-{import_id}.csv"'}
    return await desk.api.download(list_import_rows, TableFormat.EXCEL_CSV, headers, import_id=import_id)


async def _fetch_own_counts(desk: Desk, receipt: trial.Receipt) -> list[trial.OwnCount]:
    """Read the source's counts of the countries in a list, and compute them as they would be after filing it."""
    source, changes = desk.officer.source or "", receipt["own_releases"][:MAX_COUNTRIES]
    requests = [desk.api.read(count_releases, country=c["country"], group_by="source") for c in changes]
    return [
        trial.build_own_count(change, count, source)
        for change, count in zip(changes, await gather(*requests), strict=True)
    ]


async def show_upload(desk: Desk, faults: Sequence[str] = (), *, status: int | None = None) -> Response:
    status = status or (422 if faults else 200)
    max_megabytes = desk.request.app.state.max_import_bytes // (1024 * 1024)
    return await desk.show(
        "desk/lists/list.html",
        status=status,
        faults=faults,
        max_megabytes=max_megabytes,
        steps=list_steps(desk.catalogue),
        step=0,
    )


async def show_list(desk: Desk, receipt: trial.Receipt, cursor: str | None, tried_list: TriedList) -> Response:
    """Show a trial with its questions, or a receipt; for a list of figures, its figures."""
    if tried_list.data and (receipt["problem"] or {}).get("code") == LIST_OF_FIGURES:
        return await show_figures_of_list(desk, tried_list.data)
    words, secret, source = desk.catalogue, desk.request.app.state.secret, desk.officer.source or ""
    is_first_round = not (tried_list.mapping or tried_list.previous)
    if not tried_list.mapping and receipt["remembered"]:
        tried_list = replace(tried_list, mapping=receipt["remembered"])
    rows = await desk.api.read(list_import_rows, import_id=receipt["id"], limit=ROWS_PAGE_SIZE, cursor=cursor)
    sealed_list = answers.seal_list(secret, tried_list.data, source) if tried_list.data else None
    identities = (
        await run_in_threadpool(_identify_rows, tried_list, receipt, rows["data"]) if sealed_list is not None else {}
    )
    is_filed = not receipt["dry_run"]
    questions = _build_questions(receipt, rows["data"], tried_list, identities, words)
    headline = trial.format_headline(receipt, words)
    parts = [(share.kind, share.count, share.label) for share in trial.build_shares(receipt, words)]
    bars = [
        render_drawing("shares", words, drawn=shares.lay_out_shares(parts, width), finding=headline, prefix=prefix)
        for width, prefix in ((FULL_WIDTH, "wide"), (PHONE_WIDTH, "narrow"))
    ]
    titles = build_field_titles(words)
    row_views = trial.build_row_views(rows["data"], identities, words)
    return await desk.show(
        "desk/lists/receipt.html" if is_filed else "desk/lists/trial.html",
        receipt=receipt,
        tried=tried_list,
        held=sealed_list,
        previous=answers.seal_questions(secret, questions.previous, source),
        rows=row_views,
        changed=trial.group_changes(row_views),
        not_held=trial.describe_not_held(receipt, words),
        reading=trial.describe_reading(receipt, words),
        statuses=trial.describe_statuses(receipt, words),
        differences=trial.describe_differences(receipt, words),
        is_first_round=is_first_round,
        is_later_page=cursor is not None,
        further=parse_cursor(rows["next"]),
        questions=questions,
        noted=format_noted_cells(receipt, get_code_language(words)),
        fault_groups=trial.build_fault_groups(receipt, questions, words),
        warnings=trial.build_warnings(receipt, words),
        field_groups=group_fields(titles, words),
        headline=headline,
        bars=bars if parts else [],
        kinds=trial.describe_outcomes(receipt, words),
        own_counts=[] if is_filed else await _fetch_own_counts(desk, receipt),
        going_in=trial.count_accepted_rows(receipt),
        is_over=receipt["state"] not in ACTIVE_STATES,
        has_wish=trial.has_wish(receipt, tried_list.mapping),
        steps=list_steps(words),
        step=RECEIPT_STEP if is_filed else _find_step(receipt, questions),
    )


RECEIPT_STEP = 4


def _find_step(receipt: trial.Receipt, questions: ListQuestions) -> int:
    """Return the first step of which something is open; the last one if nothing is."""
    if receipt["state"] != "done" and questions.is_open_about_reading:
        return 1
    return min((question.step for question in questions.open), default=3)


def _identify_rows(
    tried_list: TriedList, receipt: trial.Receipt, rows: Sequence[Mapping[str, Any]]
) -> dict[int, answers.RowIdentity]:
    """Return the identities of the rows that a page names."""
    labels = {one["rows"][0] for one in [*receipt["questions"], *tried_list.previous] if one.get("rows")}
    labels |= {split_row_key(key)[0] for key in receipt["kept_answers"]}
    numbers = {row["row"] for row in rows}
    numbers |= {example["row"] for group in receipt["groups"] for example in group["examples"]}
    return answers.identify_rows(tried_list.data, tried_list.mapping, receipt, numbers, labels)


def _build_questions(
    receipt: trial.Receipt,
    rows: Sequence[Mapping[str, Any]],
    tried_list: TriedList,
    identities: Mapping[int, answers.RowIdentity],
    words: Catalogue,
) -> ListQuestions:
    if not receipt["dry_run"]:
        return ListQuestions([], [], [])
    form_answers = FormAnswers(answers.parse_mapping(tried_list.mapping), tried_list.previous, tried_list.refused)
    withdrawn_on = {row["row"]: day for row in rows for error in row["errors"] if (day := error.get("withdrawn_on"))}
    by_label = {identity.label: identity for identity in identities.values()}
    return build_list_questions(receipt, form_answers, by_label, withdrawn_on, words)
