"""`recuento import undo`: undo a list here or at a remote registry, after a trial."""

import json
import uuid
from collections.abc import Callable
from typing import Annotated, Any

import typer
from pydantic import BaseModel, Field
from sqlalchemy import Engine
from typer.core import TyperCommand
from typer.main import get_command

from app.cli.database import open_database, open_session
from app.cli.output import AsJson, console, detect_language, exit_with_error, utc_now
from app.config import Settings
from app.errors import NotFound
from app.imports.faults import format_line
from app.imports.filing import undo
from app.imports.formats.template import format_field_name
from app.imports.upload.client import PermanentError, RegistryClient
from app.log.entries import open_writer_session
from app.models import ListImport
from app.registry.publication.permissions import load_reporter
from app.registry.write import WriteContext
from app.schemas.imports import UndoReason
from app.vocabulary import Language

commands = typer.Typer()


class ImportCommand(TyperCommand):
    """`recuento import FILE`, and `recuento import undo ID`. A file of that name is `./undo`."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        if args[:1] == ["undo"]:
            return get_command(commands).make_context(f"{info_name} undo", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


NUMBERS = ("restored", "withdrawn", "unchanged")
# Return an answer: whether to try only, and where the answer before ended → the answer.
UndoPage = Callable[[bool, int], dict[str, Any]]


class _LeftRow(BaseModel):
    row: int | None
    label: str | None = None
    name: str | None = None
    source_record_id: str | None
    report_id: uuid.UUID | None
    reason: UndoReason
    fields: list[str]


class _OwnChange(BaseModel):
    country: str
    verified: int
    reported: int


class _UndoAnswer(BaseModel):
    """An answer of a remote registry."""

    import_id: Annotated[uuid.UUID, Field(alias="import")]
    dry_run: bool
    restored: int
    withdrawn: int
    unchanged: int
    left: list[_LeftRow]
    own_releases: list[_OwnChange]
    next_after: int | None
    revision: int


@commands.command("undo")
def undo_list(
    import_id: Annotated[uuid.UUID, typer.Argument(help="Id of the list, as its receipt names it.")],
    to: Annotated[
        str | None, typer.Option(help="Undo it at the registry at this address, with the key that sent lists there.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Undo it without asking.")] = False,
    lang: Annotated[Language | None, typer.Option(help="en or es; by default this machine's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Undo a list: restore what it changed last, and withdraw the reports that it opened.

    What was changed since stays, and is shown. The list can be corrected and sent again.
    """
    settings, language = Settings(), lang or detect_language()
    if to is not None:
        key = settings.sending_key()
        if key is None:
            exit_with_error("Set RECUENTO_KEY, or RECUENTO_KEY_FILE, to the key that your registry gave you.")
        with RegistryClient(to, key, lambda text: console.print(text, soft_wrap=True), language) as client:
            _try_and_undo(_build_remote(client, import_id), language, dry_run=dry_run, yes=yes, as_json=as_json)
        return
    with open_session(settings):
        pass  # migrates the database, and checks the secret
    with open_database(settings) as engine:
        undo_page = _build_local(engine, settings, import_id)
        _try_and_undo(undo_page, language, dry_run=dry_run, yes=yes, as_json=as_json)


def _build_local(engine: Engine, settings: Settings, import_id: uuid.UUID) -> UndoPage:
    secret = settings.secret_key()

    def undo_page(dry_run: bool, after: int) -> dict[str, Any]:
        with open_writer_session(engine) as session:
            job = session.get(ListImport, import_id)
            if job is None:
                raise NotFound("There is no list with this id.")
            context = WriteContext(session, load_reporter(session, job.source, settings.names), utc_now(), secret)
            outcome = undo.undo_list(context, import_id, dry_run=dry_run, after=after)
            return {**undo.render_undo(session, secret, outcome)}

    return undo_page


def _build_remote(client: RegistryClient, import_id: uuid.UUID) -> UndoPage:
    def undo_page(dry_run: bool, after: int) -> dict[str, Any]:
        params = {"dry_run": str(dry_run).lower(), "after": after}
        answer = client.post_without_body(f"/v1/imports/{import_id}/undo", str(uuid.uuid4()), _UndoAnswer, **params)
        if answer.import_id != import_id:
            raise PermanentError("The registry answered about another list: ask whoever runs it.")
        return answer.model_dump(by_alias=True)

    return undo_page


def _try_and_undo(undo_page: UndoPage, lang: Language, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Print a trial, ask, and undo the list."""
    trial = _sum_pages(undo_page, dry_run=True)
    has_changes = bool(trial["restored"] or trial["withdrawn"])
    if not as_json:
        _print_result(trial, format_line("undo_trial" if has_changes else "undo_nothing", lang), lang)
    if dry_run or not has_changes:
        _print_json(trial, as_json=as_json)
        return
    if not yes:
        typer.confirm(format_line("undo_question", lang), abort=True, err=True)
    answer = _sum_pages(undo_page, dry_run=False)
    _print_json(answer, as_json=as_json)
    if not as_json:
        _print_result(answer, format_line("undo_done", lang), lang)


def _sum_pages(undo_page: UndoPage, *, dry_run: bool) -> dict[str, Any]:
    total = undo.add_page(None, undo_page(dry_run, 0))
    while total["next_after"] is not None:
        total = undo.add_page(total, undo_page(dry_run, total["next_after"]))
    return total


def _print_json(answer: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(answer, ensure_ascii=False, default=str))


def _print_result(answer: dict[str, Any], heading: str, lang: Language) -> None:
    typer.echo(heading)
    for name in NUMBERS:
        if answer[name]:
            typer.echo(f"  {format_line(f'undo_{name}', lang, count=answer[name])}")
    for change in answer["own_releases"]:
        typer.echo(f"  {format_line('undo_own', lang, **change)}")
    for row in answer["left"]:
        reason, fields = (
            format_line(f"undo_{row['reason']}", lang),
            ", ".join(format_field_name(field, lang) for field in row["fields"]),
        )
        case = row["name"] or row["source_record_id"] or row["report_id"] or "—"
        label = row["label"] or row["row"] or "—"
        line = format_line("undo_left", lang, row=label, case=case, reason=reason, fields=fields)
        typer.echo(f"  {line.rstrip()}")
