"""Pages for undoing a list: a trial that shows what would change, and the result."""

from collections.abc import Mapping
from time import monotonic
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from app.api.operations import UndoList
from app.api.routes.counts import count_releases
from app.api.routes.imports import read_import
from app.errors import Conflict
from app.imports.filing import undo
from app.imports.formats.template import format_field_name
from app.schemas.imports import UndoReason
from app.vocabulary import Language
from app.web.api_client import gather
from app.web.desk import trial
from app.web.desk.fields import get_code_language
from app.web.desk.page import Desk, DeskRoute, SignedInDesk, SubmittedForm, WriteTarget, parse_form_id
from app.web.rendering import Catalogue

list_undo = APIRouter(route_class=DeskRoute)
UNDO_PATH = "/desk/list/undo"
IMPORT_FIELD = "import"
MAX_UNDO_SECONDS = 20.0  # proxies wait a minute
AFTER_FIELD = "after"  # where an undoing that took longer ended
MAX_COUNTRIES = 3  # countries for which the page compares the counts before and after


@list_undo.get("/desk/list/{import_id}/undo")
async def try_undo(desk: SignedInDesk, import_id: UUID) -> Response:
    """Show what undoing a list would change."""
    await desk.api.read(read_import, import_id=import_id)  # raises errors that are shown as a page
    return await _show_undo(desk, import_id, dry_run=True)


@list_undo.post(UNDO_PATH)
async def undo_list(form: SubmittedForm) -> Response:
    """Undo a list, and show what changed."""
    import_id = UUID(parse_form_id(form.form_values, IMPORT_FIELD, "The form names no list: open its receipt again."))
    after = form.get_first(AFTER_FIELD)
    return await _show_undo(form.desk, import_id, dry_run=False, after=int(after) if after.isdecimal() else 0)


async def _show_undo(desk: Desk, import_id: UUID, *, dry_run: bool, after: int = 0) -> Response:
    try:
        answer = await _undo_pages(desk, import_id, dry_run=dry_run, after=after)
    except Conflict as refusal:
        return await desk.show("desk/lists/undo.html", status=refusal.status, refusal=refusal, import_id=import_id)
    return await desk.show(
        "desk/lists/undo.html",
        refusal=None,
        import_id=import_id,
        answer=answer,
        has_changes=bool(answer["restored"] or answer["withdrawn"]),
        own_counts=await _fetch_own_counts(desk, answer) if dry_run else [],
        left=[_build_left_row(row, desk.catalogue) for row in answer["left"]],
    )


async def _undo_pages(desk: Desk, import_id: UUID, *, dry_run: bool, after: int) -> dict[str, Any]:
    """Undo a list to its end, or until time is up; return the sum of the answers."""
    target, begun, total = WriteTarget("POST", "/v1/imports/{import_id}/undo", str(import_id)), monotonic(), None
    while True:
        operation = UndoList(import_id, dry_run, after)
        total = undo.add_page(total, await desk.officer_client.write(operation, target))
        if total["next_after"] is None or monotonic() - begun > MAX_UNDO_SECONDS:
            return total
        after = total["next_after"]


async def _fetch_own_counts(desk: Desk, answer: Mapping[str, Any]) -> list[trial.OwnCount]:
    """Read the source's counts of the countries in a list, and compute them as they would be without it."""
    source, changes = desk.officer.source or "", answer["own_releases"][:MAX_COUNTRIES]
    requests = [desk.api.read(count_releases, country=change["country"], group_by="source") for change in changes]
    return [
        trial.build_own_count(change, count, source)
        for change, count in zip(changes, await gather(*requests), strict=True)
    ]


def _build_left_row(row: Mapping[str, Any], words: Catalogue) -> dict[str, Any]:
    lang = get_code_language(words)
    fields = [_get_title(field, lang) for field in row["fields"]]
    return {
        "label": row["label"] or ("" if row["row"] is None else words.gettext("not on this list")),
        "person": ", ".join(filter(None, [row["name"], trial.hide_derived_case(row["source_record_id"] or "")])),
        "reason": _describe_reason(row["reason"], words),
        "fields": ", ".join(fields),
    }


def _get_title(field: str, lang: Language) -> str:
    """Return the heading of a field, without its name in a mapping."""
    return format_field_name(field, lang).partition(" [")[0]


def _describe_reason(reason: UndoReason, words: Catalogue) -> str:
    _ = words.gettext
    return {
        "changed_since": _("You changed it after this list: it stays."),
        "waiting": _("A report of this person waits for its day: delete it by hand."),
        "by_hand": _("This cannot be put back by itself: correct the report by hand."),
    }[reason]
