"""`recuento backup` and `recuento restore`: copies of the database, and what is lost where one is put back."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy import Engine
from sqlalchemy.engine import URL, make_url

from app.cli.database import database, located
from app.cli.output import console, fail, now
from app.config import Settings
from app.db import wal_check
from app.db.engine import reading, writing
from app.db.files import Copied, back_up, leaf_in, put_in_place, read_copy, rows_in, state_of
from app.log.entries import head, lock_head
from app.log.head import bind_secret, is_bound, needs_rebuild, require_secret
from app.log.mark import Mark, MarkFile, unrepeated
from app.models import OPEN
from app.projection import RULES
from app.registry.apply import rebuild
from app.registry.publication.decisions import redact_again
from app.registry.publication.permissions import Reader
from app.registry.waiting_reports import hold_all
from app.registry.write import WriteContext
from app.vocabulary import Role

AGAIN = (
    "Keys revoked since live again, and consents given since are gone: revoke and record these anew; recalls made "
    "since are undone, so that all that a thief wrote, and the key, live again: recall it anew before you serve."
)
HIDE = (
    "Objections sent since are gone too, and whoever was hidden on one is shown again: let nobody but curators reach "
    "the server until they have hidden these people anew, each by a consent of class `counted`. Whoever is not in the "
    "backup comes with the source's next report: ask the source to send it as `counted`."
)
WHO_IS_UNKNOWN = (
    "Who these are, only a newer copy of the database tells: docs/operators.md says how (When a backup must be put "
    "back)."
)
# The people whom an objection hides, answered or not, until two curators decide again, and who reported them.
_HIDDEN = """
    SELECT DISTINCT record.detainee_id, source.slug FROM objection_hiding
    JOIN record ON record.key = objection_hiding.record AND NOT record.redacted
    JOIN source ON source.key = record.source AND source.until = objection_hiding.until
    WHERE objection_hiding.until = ?
"""

commands = typer.Typer()


@commands.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; there must be none of that name yet.")],
) -> None:
    """Write the database into a new file, as it stands at this moment, also while a server works on it.

    The file holds what the database holds, names included: keep it as safe, and the secret elsewhere."""
    copied = back_up(_sqlite_file(Settings(), f"pg_dump --format=custom --file={file} '{{}}'"), file)
    console.print(f"Revision {copied.revision}, leaf {copied.leaf}, in {file}", soft_wrap=True)


@commands.command()
def restore(
    file: Annotated[Path | None, typer.Argument(help="A file that `recuento backup` wrote.")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of the database that is there, which is then gone.")
    ] = False,
    accept_loss: Annotated[
        bool,
        typer.Option(
            "--accept-loss",
            help="Go on without the entries that this machine has answered with and the backup does not have. Without "
            "FILE: without those that the database, put back by other means, does not have.",
        ),
    ] = False,
) -> None:
    """Put a backup in the place of the database, which nobody may have open, or accept what a database that was put
    back has lost. Whoever was erased since the backup was made is erased again.

    Whoever was hidden on an objection since is shown again: curators hide them anew before the public reaches it."""
    settings = Settings()
    mark = Mark(settings.mark_file())
    hidden = None
    if file is not None:
        copied, hidden = _put_back(settings, mark.kept, file, replace=replace, accept_loss=accept_loss)
        console.print(f"Revision {copied.revision} stands in {located(settings.database_url)}", soft_wrap=True)
    elif not accept_loss:
        fail("Name the backup to put back, or say --accept-loss of a database that was put back already.")
    with database(settings, finishing=False) as engine:
        _go_on(engine, settings, mark, WHO_IS_UNKNOWN if hidden is None else "\n".join(hidden) or "There are none.")


def _put_back(
    settings: Settings, kept: MarkFile, file: Path, *, replace: bool, accept_loss: bool
) -> tuple[Copied, list[str] | None]:
    """Check everything that can be checked, then put the file in place. Returns what it holds, and the addresses of
    the people whom an objection hides in the database before alone, each with the reporting source; None where that
    cannot be read."""
    address = "pg_restore --clean --if-exists --single-transaction --dbname='{}' " + str(file)
    target = _sqlite_file(settings, f"{address} (with every server stopped), and then: recuento restore --accept-loss")
    copied = read_copy(file)
    if copied.secret_check:
        require_secret(copied.secret_check, settings.secret_key(make=False))
    state = state_of(target) if target.exists() else wal_check.UNREADABLE
    if target.exists():
        if state == wal_check.IN_USE:
            fail(f"Somebody has {target} open: stop every server and command on it first.")
        if not replace and target.stat().st_size:
            fail(f"{target} is there already: say --replace if the backup is to stand in its place, and it to be gone.")
    lost = kept.revision > copied.revision or leaf_in(file, kept.revision) != kept.leaf
    if lost and not accept_loss:
        fail(
            f"This machine has answered up to revision {kept.revision}, and the backup ends with revision "
            f"{copied.revision}: what came between would be lost. Put a newer backup back, or say --accept-loss."
        )
    hidden = _hidden_since(target, file) if state == wal_check.ALONE else None
    put_in_place(file, target)
    return copied, hidden


def _hidden_since(database: Path, copy: Path) -> list[str] | None:
    hidden = rows_in(database, _HIDDEN, OPEN)
    if hidden is None:
        return None
    since = {*hidden}.difference(rows_in(copy, _HIDDEN, OPEN) or ())  # an old backup may know of no objections
    return sorted(f"/v1/detainees/{UUID(detainee)} of {slug}" for detainee, slug in since)


def _go_on(engine: Engine, settings: Settings, mark: Mark, hidden: str) -> None:
    """Erase again whoever was erased, and take the head of the database for the newest from then on. `hidden`: whom
    objections hid since, as far as that is known."""
    with reading(engine) as session:
        known = mark.kept.revision > 0
        if known:
            mark.look(session)
        revision, _recorded_at = head(session)
    if known and not mark.lost:
        _hold_embargoes(engine, settings)
        console.print(
            f"Nothing is lost: the database has all up to revision {revision}, and this machine knows no more."
        )
        return
    lost = mark.kept.revision
    mark.fork(revision)  # before anything is written after it
    with writing(engine) as session:
        lock_head(session)  # as for every entry, the clock is read in its turn
        secret = settings.secret_key(make=not is_bound(session))
        bind_secret(session, secret)
        if needs_rebuild(session, RULES):
            rebuild(session)
        erased = unrepeated(session, mark.kept)
        redact_again(WriteContext(session, Reader(Role.ADMIN), now(), secret), erased)
    _hold_embargoes(engine, settings)
    with reading(engine) as session:
        mark.accept(session)
    if not known:
        console.print(
            f"There was no {mark.path}: nobody can tell what was lost, or who was erased since. Erase them again, by a "
            f"list of your own, before you serve. {AGAIN} {HIDE}\n{hidden}",
            soft_wrap=True,
        )
        return
    console.print(
        f"The log goes on after revision {revision}; this machine had answered up to revision {lost}. Records erased "
        f"again: {len(erased)}. Say publicly after which revision the registry goes on, and ask every source to send "
        f"again what it sent since. If that is of somebody who was erased, erase once more. {AGAIN} {HIDE}\n{hidden}",
        soft_wrap=True,
    )


def _hold_embargoes(engine: Engine, settings: Settings) -> None:
    """Hold what waits under an embargo: what a source took back since the backup was made waits there again."""
    with writing(engine) as session:
        lock_head(session)
        held = hold_all(session, settings.secret_key(make=not is_bound(session)), now())
    if held:
        console.print(
            f"Reports under an embargo that are held, since their sources may have taken them back: {held}. Ask these "
            "to send them again or to delete them (GET /v1/waiting).",
            soft_wrap=True,
        )


def _sqlite_file(settings: Settings, instead: str) -> Path:
    """The file of a SQLite database. Of another, fail with the command that does it, in which {} is the address."""
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite":
        more = {name: value for name, value in url.query.items() if name != "password"}
        plain = URL.create("postgresql", url.username, None, url.host, url.port, url.database, more)
        fail(f"PostgreSQL has a command of its own for this: {instead.format(plain.render_as_string())}")
    if settings.mark_file() is None:
        fail("This database is in memory: name a file in RECUENTO_DATABASE_URL.")
    return Path(str(url.database))
