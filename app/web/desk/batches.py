"""Pages for curators: batches of reports that nobody has reviewed, and the decision about one batch."""

from collections.abc import Mapping
from datetime import datetime
from time import monotonic
from typing import Any

from fastapi import APIRouter, Response

from app.api.operations import ReviewBatch
from app.api.routes.curation import list_batch_reports, list_batches
from app.errors import Conflict, NotFound, Problem
from app.registry.review.batches import ReviewIn
from app.vocabulary import Role
from app.web.api_client import encode_body, gather, parse_body, parse_cursor
from app.web.desk.corrections import build_report_line
from app.web.desk.page import (
    IDEMPOTENCY_FIELD,
    Desk,
    DeskForm,
    DeskRoute,
    FormValues,
    SignedInDesk,
    SubmittedForm,
    WriteTarget,
    first_value,
)
from app.web.desk.reports import (
    FIELD_REFUSALS,
    NO_PROBLEM,
    UNREAD_STATUS,
    collect_field_faults,
    create_idempotency_key,
    fetch_offered_facilities,
)
from app.web.desk.review import build_compared_facts

batches = APIRouter(route_class=DeskRoute)
BATCHES_PATH, BATCH_PATH, DECISION_PATH = (
    "/desk/review/batches", "/desk/review/batches/reports", "/desk/review/batches/decision",
)  # fmt: skip
BATCH_FIELDS = ("source", "kind", "list")  # what identifies a batch
UNTIL_FIELD, REPORTS_FIELD, WHICH_FIELD, OUTCOME_FIELD, REASON_FIELD = "until", "reports", "which", "decision", "reason"
CURSOR_FIELD = "cursor"  # of the page whose reports were ticked
TICKED, WHOLE = "ticked", "all"
ROWS_PER_PAGE = 100
MAX_DECISION_SECONDS = 20.0  # proxies wait a minute
REQUIRED_SCOPE = "GET /v1/review/batches"
NOTHING_TICKED = {
    "errors": [{"pointer": f"/{WHICH_FIELD}", "code": "choose", "detail": ""}],
    "status": UNREAD_STATUS,
}


async def count_batches(desk: Desk) -> int | None:
    """Return the number of batches to review; None if the officer's key may not read them."""
    scopes = desk.me["scopes"]
    if desk.me["role"] != Role.CURATOR or (scopes is not None and REQUIRED_SCOPE not in scopes):
        return None
    return len((await desk.api.read(list_batches, compare=False))["data"])


@batches.get(BATCHES_PATH)
async def read_batches(desk: SignedInDesk) -> Response:
    """Show the batches, those that await review first."""
    listed = await desk.api.read(list_batches)
    rows = [(batch, _format_hours(desk, batch)) for batch in listed["data"]]
    return await desk.show("desk/review/batches.html", batches=rows)


def _format_hours(desk: Desk, batch: Mapping[str, Any]) -> str:
    """Format when a batch was filed: "12 ene 2026, 14:05–14:09"."""
    first, last = batch["first_at"], batch["last_at"]
    begin, end = desk.catalogue.moment(first, desk.zone), desk.catalogue.moment(last, desk.zone)
    is_one_day = len({datetime.fromisoformat(text).astimezone(desk.zone).date() for text in (first, last)}) == 1
    return begin if begin == end else f"{begin}–{desk.catalogue.hour(last, desk.zone) if is_one_day else end}"


@batches.get(BATCH_PATH)
async def read_batch(
    desk: SignedInDesk, source: str = "", kind: str = "", list: str = "0", cursor: str | None = None
) -> Response:
    """Show the reports of a batch, those first that contradict what is shown."""
    return await show_batch(desk, {"source": [source], "kind": [kind], "list": [list]}, cursor=cursor)


async def show_batch(
    desk: Desk, form_values: FormValues, problem: Mapping[str, Any] = NO_PROBLEM, cursor: str | None = None
) -> Response:
    """Show a batch with the form of a decision. `form_values`: the batch, or a refused decision about it."""
    _ = desk.catalogue.gettext
    cursor = cursor or first_value(form_values, CURSOR_FIELD) or None
    titles = {WHICH_FIELD: _("Which reports?"), OUTCOME_FIELD: _("What do you decide?"), REASON_FIELD: _("Why")}
    faulty, others = collect_field_faults(problem, titles, desk.catalogue)
    fields = {name: first_value(form_values, name) for name in BATCH_FIELDS}
    terms = {"batch_kind" if name == "kind" else name: value for name, value in fields.items()}
    answer, listed, facilities = await gather(
        desk.api.read(list_batch_reports, terms, limit=ROWS_PER_PAGE, cursor=cursor),
        desk.api.read(list_batches, compare=False),
        fetch_offered_facilities(desk),
    )
    places = {place["slug"]: place["name"] for place in facilities}
    rows = [
        {
            "line": build_report_line(row["report"]),
            "person": row["detainee"],
            "facts": build_compared_facts(row["contradicts"], places, desk.catalogue),
        }
        for row in answer["data"]
    ]
    batch = next((batch for batch in listed["data"] if all(str(batch[n]) == fields[n] for n in BATCH_FIELDS)), None)
    return await desk.show(
        "desk/review/batch.html",
        status=problem.get("status", 200),
        batch=batch,
        hours="" if batch is None else _format_hours(desk, batch),
        contradicting=[row for row in rows if row["facts"]],
        agreeing=[row for row in rows if not row["facts"]],
        numbers=answer,
        further=parse_cursor(answer["next"]),
        cursor=cursor or "",
        is_first=cursor is None,
        faulty=faulty,
        others=others,
        ticked=form_values.get(REPORTS_FIELD, ()),
        form_values={name: first_value(form_values, name) for name in (WHICH_FIELD, OUTCOME_FIELD, REASON_FIELD)},
        once=first_value(form_values, IDEMPOTENCY_FIELD) or create_idempotency_key(),
    )


@batches.post(DECISION_PATH)
async def decide_batch(form: SubmittedForm) -> Response:
    """Approve or reject all reports of a batch, or the ticked ones."""
    desk, is_whole = form.desk, form.get_first(WHICH_FIELD) == WHOLE
    if not is_whole and not form.form_values.get(REPORTS_FIELD):
        return await show_batch(desk, form.form_values, NOTHING_TICKED)
    try:
        answer = await _review(form, is_whole=is_whole)
    except Problem as refusal:
        if refusal.status not in (*FIELD_REFUSALS, Conflict.status, NotFound.status):
            raise
        return await show_batch(desk, form.form_values, refusal.body())
    return await desk.show("desk/review/batch_reviewed.html", answer=answer, form_values=form.form_values)


async def _review(form: DeskForm, *, is_whole: bool) -> dict[str, Any]:
    """Send the decision until no report of it remains or time is up; return the last answer with the sum."""
    names = [*BATCH_FIELDS, UNTIL_FIELD, OUTCOME_FIELD, REASON_FIELD]
    body: dict[str, Any] = {name: value for name in names if (value := form.get_first(name).strip())}
    body |= {name: int(body[name]) for name in ("list", UNTIL_FIELD) if body.get(name, "").isdecimal()}
    body |= {} if is_whole else {REPORTS_FIELD: form.form_values[REPORTS_FIELD]}
    once, begun, reviewed, part = form.get_first(IDEMPOTENCY_FIELD) or create_idempotency_key(), monotonic(), 0, 0
    while True:
        answer = await form.desk.officer_client.write(
            ReviewBatch(parse_body(ReviewIn, body)),
            WriteTarget("POST", "/v1/review/batches"),
            encode_body(body),
            idempotency_key=f"{once}-{part}",
        )
        reviewed, part = reviewed + answer.get("reviewed", 0), part + 1
        if not answer.get("remaining") or monotonic() - begun > MAX_DECISION_SECONDS:
            return {**answer, "reviewed": reviewed}
