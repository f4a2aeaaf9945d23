"""Send a list: try it, answer what it raises, send it, and follow it to its receipt."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from app.api.routes.imports import form_parts
from app.errors import NotFound, PayloadTooLarge
from app.imports.fields import FIELDS
from app.imports.formats.template import title
from app.web.asking import Refused, cursor_of, together
from app.web.charts import bars as shares
from app.web.desk import answers, trial
from app.web.desk.fields import language_of, said
from app.web.desk.page import (
    MOST_FIELDS,
    SESSION,
    AtDesk,
    Desk,
    DeskRoute,
    Given,
    Sent,
    SignInFirst,
    first,
    open_desk,
    owned,
    require_from_here,
    sent,
    without_carrying,
)
from app.web.figure import PHONE, WHOLE, drawing

lists = APIRouter(route_class=DeskRoute)
PATH = "/desk/list"
LIST, FILE, MAPPING, DIGEST, MARK, SEND = "list", "file", "mapping", "digest", "mark", "send"
IMPORT, TOO_LARGE = "import", "too_large"
REFUSED_AT_A_LIST = (400, 409, 413, 415, 422)  # what another file or mapping answers
# Bytes of a part that is no file: the longest is a list that comes back packed, as text.
LONGEST_PART = 1024 * 1024
# A trial that ends so soon is shown at once, with the list at hand: some five thousand rows. Proxies wait a minute.
PATIENCE, FIRST_LOOK, LONGEST_PAUSE = 20.0, 0.05, 0.5
ROWS_SHOWN = 200  # the API's longest page
MOST_COUNTRIES = 3  # whose numbers are told before and after: hardly a list has more
NOT_OVER = ("waiting", "checking", "running")


async def sent_list(request: Request) -> Sent:
    """A form with a list. Raises SignInFirst before any of it is read."""
    require_from_here(request)
    if request.scope[SESSION] is None:
        raise SignInFirst(PATH)
    given: dict[str, list[str]] = {}
    file = b""
    try:
        parts = await form_parts(request, most=MOST_FIELDS, longest=LONGEST_PART)
    except HTTPException:  # 413: without its end it is no form of this session, and only told so
        request.scope[FILE] = b""
        return Sent(await open_desk(request, request.scope[SESSION]), {TOO_LARGE: ["yes"]})
    for name, part in parts:
        if name == FILE:
            file = part
        else:
            given.setdefault(name, []).append(part.decode(errors="replace"))
    request.scope[FILE] = file
    return await owned(request, {name: values for name, values in given.items() if any(values)})


async def _sent_list(request: Request) -> Sent:
    return await without_carrying(request, sent_list(request), PATH)


async def _sent_about_trial(request: Request) -> Sent:
    return await without_carrying(request, sent(request), PATH)


SentList = Annotated[Sent, Depends(_sent_list)]
SentAboutTrial = Annotated[Sent, Depends(_sent_about_trial)]


@lists.get("/desk/list")
async def read_list_form(desk: AtDesk) -> Response:
    """Where a file is chosen."""
    return await show_upload(desk)


@dataclass(frozen=True)
class Tried:
    """A list with what was said about it. `data`: empty where it is not at hand; `digest`: of the list alone; `mark`:
    of all of it, by which it is known that what is sent is what was tried. Without a mark nothing is sent untried."""

    data: bytes = b""
    digest: str = ""
    mapping: str = ""
    confirmed: bool = False
    mark: str = ""

    @classmethod
    def of(cls, data: bytes, mapping: str, *, confirmed: bool) -> "Tried":
        mark = answers.digest(b"\n".join((data, mapping.encode(), str(confirmed).encode())))
        return cls(data, answers.digest(data), mapping, confirmed, mark)

    @property
    def terms(self) -> dict[str, str]:
        return {"confirm": "true"} if self.confirmed else {}


@lists.post("/desk/list")
async def try_or_send_list(form: SentList) -> Response:
    """Try a list, with what was answered about it; or send it as it was tried."""
    desk, given = form.desk, form.given
    if TOO_LARGE in given:
        return await show_upload(desk, [said({"code": PayloadTooLarge.code}, desk.catalogue)], status=413)
    data = _data_of(form)
    if not data:
        return await show_upload(desk, [desk.catalogue.gettext("Choose the file of your list.")], form.one(MAPPING))
    if given.get(DIGEST, [answers.digest(data)]) != [answers.digest(data)]:
        given = {}  # another file than the one that was asked about: its answers are not this one's
    mapping = first_text(given, MAPPING)
    try:
        mapping = answers.merged(mapping, first_text(given, "remembered"), answers.answers_in(given))
        tried = Tried.of(data, mapping, confirmed=bool(given.get(answers.CONFIRM)))
        if given.get(SEND) and tried.mark == first(given, MARK):
            return await _send(desk, tried)
        job = await _post(desk, tried, {"dry_run": "true"} | tried.terms)
    except answers.Unreadable:
        return await show_upload(desk, [desk.catalogue.gettext("The mapping is not TOML: correct it.")], mapping)
    except Refused as refusal:
        if refusal.status not in REFUSED_AT_A_LIST:
            raise
        errors = refusal.body.get("errors") or [refusal.body]
        return await show_upload(desk, [said(error, desk.catalogue) for error in errors], mapping)
    return await show_list(desk, await _ended(desk, job["id"]), None, tried)


@lists.post("/desk/list/trial")
async def look_again(form: SentAboutTrial) -> Response:
    """What came of a trial that took longer than one waits for a page."""
    desk = form.desk
    try:
        import_id = str(UUID(form.one(IMPORT)))
    except ValueError:
        raise NotFound("The form names no list: try it again.") from None
    confirmed = bool(form.given.get(answers.CONFIRM))
    tried = Tried(_held_in(form), form.one(DIGEST), first_text(form.given, MAPPING), confirmed, form.one(MARK))
    return await show_list(desk, await _ended(desk, import_id), None, tried)


def first_text(given: Given, name: str) -> str:
    return next(iter(given.get(name, ())), "").replace("\r\n", "\n")


def _data_of(form: Sent) -> bytes:
    """The file that was chosen, else the list that was held."""
    data: bytes = form.desk.request.scope[FILE]
    return data or _held_in(form)


def _held_in(form: Sent) -> bytes:
    desk = form.desk
    return answers.opened(desk.request.app.state.secret, form.one(LIST), desk.officer.source or "") or b""


async def _send(desk: Desk, tried: Tried) -> Response:
    """Send for good, once for the same list and answers, however often the button was pressed."""
    headers = {"Idempotency-Key": f"desk {desk.officer.id} {tried.mark}"}
    job = await _post(desk, tried, tried.terms, headers)
    return RedirectResponse(desk.address(f"{PATH}/{job['id']}"), 303)


async def _post(desk: Desk, tried: Tried, terms: Mapping[str, str], headers: Mapping[str, str] | None = None) -> Any:
    data, mapping = tried.data, tried.mapping
    if not mapping.strip():
        media = "application/octet-stream"
        return await desk.api.send("POST", "/v1/imports", data, terms=terms, media=media, headers=headers)
    boundary = secrets.token_hex(24).encode()  # no list has it in it
    parts = [(b"mapping", mapping.encode()), (b"file", data)]
    body = b"".join(
        b'--%b\r\nContent-Disposition: form-data; name="%b"; filename="%b"\r\n\r\n%b\r\n' % (boundary, name, name, part)
        for name, part in parts
    )
    media = f"multipart/form-data; boundary={boundary.decode()}"
    return await desk.api.send(
        "POST", "/v1/imports", body + b"--%b--\r\n" % boundary, terms=terms, media=media, headers=headers
    )


async def _ended(desk: Desk, import_id: str) -> trial.Receipt:
    """The receipt of a list, once it is through, or as far as it has got by then."""
    pause, waited = FIRST_LOOK, 0.0
    while True:
        receipt: trial.Receipt = await desk.api.get(f"/v1/imports/{import_id}")
        if receipt["state"] not in NOT_OVER or waited >= PATIENCE:
            return receipt
        await asyncio.sleep(pause)
        waited, pause = waited + pause, min(2 * pause, LONGEST_PAUSE)


@lists.get("/desk/list/{import_id}")
async def read_list(desk: AtDesk, import_id: UUID, cursor: str | None = None) -> Response:
    """The receipt of a list, or how far it has got: a page that asks again by itself takes readers out of what they
    read."""
    return await show_list(desk, await _ended(desk, str(import_id)), cursor, Tried())


@lists.get("/desk/list/{import_id}/rows.csv")
async def read_rows(desk: AtDesk, import_id: UUID) -> Response:
    """What became of each row, with its receipt, as a table."""
    await desk.api.get(f"/v1/imports/{import_id}")  # what is refused is told on a page
    saved = {"Content-Disposition": f'attachment; filename="recuento-{import_id}.csv"'}
    return desk.api.passed_on(f"/v1/imports/{import_id}/rows", {"format": "csv"}, saved)


async def _own_counts(desk: Desk, receipt: trial.Receipt) -> list[trial.OwnCount]:
    """What the officer's source verifies and reports today of what the list changes, and what it would then."""
    source, changes = desk.officer.source or "", receipt["own_releases"][:MOST_COUNTRIES]
    asked = [desk.api.get("/v1/counts/releases", country=c["country"], group_by="source") for c in changes]
    return [
        trial.own_count(change, count, source) for change, count in zip(changes, await together(*asked), strict=True)
    ]


async def show_upload(
    desk: Desk, faults: Sequence[str] = (), mapping: str = "", *, status: int | None = None
) -> Response:
    status = status or (422 if faults else 200)
    most = desk.request.app.state.max_import_bytes // (1024 * 1024)
    return await desk.show("desk/list.html", status=status, faults=faults, mapping=mapping, most=most, step=1)


async def show_list(desk: Desk, receipt: trial.Receipt, cursor: str | None, tried: Tried) -> Response:
    """A trial with its questions, or a receipt."""
    words, lang, secret = desk.catalogue, language_of(desk.catalogue), desk.request.app.state.secret
    rows = await desk.api.get(f"/v1/imports/{receipt['id']}/rows", limit=ROWS_SHOWN, cursor=cursor)
    last = max((row["row"] for row in rows["data"]), default=0)
    held = answers.sealed(secret, tried.data, desk.officer.source or "") if tried.data else None
    told_rows = await run_in_threadpool(answers.rows_in, tried.data, tried.mapping, receipt, last) if held else {}
    filed = not receipt["dry_run"]
    questions = [] if filed else trial.questions_of(receipt, rows["data"], words)
    told = trial.headline(receipt, words)
    parts = [(share.kind, share.count, share.label) for share in trial.shares_of(receipt, words)]
    bars = [
        drawing("shares", words, drawn=shares.drawn(parts, width), finding=told, prefix=prefix)
        for width, prefix in ((WHOLE, "wide"), (PHONE, "narrow"))
    ]
    return await desk.show(
        "desk/receipt.html" if filed else "desk/trial.html",
        receipt=receipt,
        tried=tried,
        held=held,
        rows=trial.rows_of(rows["data"], questions, told_rows, words),
        further=cursor_of(rows["next"]),
        questions=questions,
        titles={field: title(field, lang) for field in FIELDS},
        headline=told,
        bars=bars if parts else [],
        kinds=trial.kinds_of(receipt, words),
        own_counts=[] if filed else await _own_counts(desk, receipt),
        going_in=trial.going_in(receipt),
        is_over=receipt["state"] not in NOT_OVER,
        remembered=answers.as_read(receipt["columns"]) if receipt["saved_mapping"] else "",
        says_a_wish=trial.says_a_wish(receipt, tried.mapping),
        step=4 if filed else 2,
    )
