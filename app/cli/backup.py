"""`recuento backup` and `recuento restore`: copy the database, and report what is lost when a copy is restored."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy import Engine
from sqlalchemy.engine import URL, make_url

from app.cli.database import format_database_address, open_database
from app.cli.output import console, exit_with_error, utc_now
from app.cli.rule_change import find_archive_options, rebuild_with_archive
from app.config import Settings
from app.db import wal_check
from app.db.engine import open_read_session, open_write_session
from app.db.files import (
    BackupHead,
    back_up_database,
    query_rows,
    read_backup,
    read_leaf_hash,
    restore_backup,
    run_wal_check,
)
from app.log.entries import lock_head, read_head
from app.log.head import bind_secret, is_secret_bound, read_rows_version, require_secret
from app.log.mark import HighWaterMark, MarkFile, find_unrepeated_erasures
from app.models import OPEN
from app.projection import ROWS_VERSION
from app.registry.publication.decisions import repeat_erasure
from app.registry.publication.permissions import Reader
from app.registry.waiting_reports import refuse_all_waiting
from app.registry.write import WriteContext
from app.vocabulary import Role

REVOKE_AGAIN_NOTICE = (
    "Keys revoked since live again, and consents given since are gone: revoke and record these anew; recalls made "
    "since are undone, so that all that a thief wrote, and the key, live again: recall it anew before you serve."
)
HIDE_AGAIN_NOTICE = (
    "Objections sent since are gone too, and whoever was hidden on one is shown again: let nobody but curators reach "
    "the server until they have hidden these people anew, each by a consent of class `counted`. Whoever is not in the "
    "backup comes with the source's next report: ask the source to send it as `counted`."
)
UNKNOWN_PEOPLE_NOTICE = (
    "Who these are, only a newer copy of the database tells: docs/operators.md says how (When a backup must be put "
    "back)."
)
# People hidden by an objection, answered or not, until curators decide again; and the sources that reported them.
_HIDDEN_PEOPLE_SQL = """
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
    database_copy = back_up_database(
        _require_sqlite_file(Settings(), f"pg_dump --format=custom --file={file} '{{}}'"), file
    )
    console.print(f"Revision {database_copy.revision}, leaf {database_copy.leaf}, in {file}", soft_wrap=True)


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
    mark = HighWaterMark(settings.mark_file())
    hidden_people = None
    if file is not None:
        database_copy, hidden_people = _restore_file(
            settings, mark.stored, file, replace=replace, accept_loss=accept_loss
        )
        console.print(
            f"Revision {database_copy.revision} stands in {format_database_address(settings.database_url)}",
            soft_wrap=True,
        )
    elif not accept_loss:
        exit_with_error("Name the backup to put back, or say --accept-loss of a database that was put back already.")
    with open_database(settings, finish_erasures=False) as engine:
        _resume_log(
            engine,
            settings,
            mark,
            UNKNOWN_PEOPLE_NOTICE if hidden_people is None else "\n".join(hidden_people) or "There are none.",
        )


def _restore_file(
    settings: Settings, mark_file: MarkFile, file: Path, *, replace: bool, accept_loss: bool
) -> tuple[BackupHead, list[str] | None]:
    """Check everything that can be checked, then put the file in place.

    Returns the head of the backup, and the people that an objection hides in the replaced database but not in the
    backup, each as an address with the reporting source; None if they cannot be read.
    """
    restore_command = "pg_restore --clean --if-exists --single-transaction --dbname='{}' " + str(file)
    target = _require_sqlite_file(
        settings, f"{restore_command} (with every server stopped), and then: recuento restore --accept-loss"
    )
    database_copy = read_backup(file)
    if database_copy.secret_check:
        require_secret(database_copy.secret_check, settings.secret_key(make=False))
    database_state = run_wal_check(target) if target.exists() else wal_check.UNREADABLE
    if target.exists():
        if database_state == wal_check.IN_USE:
            exit_with_error(f"Somebody has {target} open: stop every server and command on it first.")
        if not replace and target.stat().st_size:
            exit_with_error(
                f"{target} is there already: say --replace if the backup is to stand in its place, and it to be gone."
            )
    loses_entries = (
        mark_file.revision > database_copy.revision or read_leaf_hash(file, mark_file.revision) != mark_file.leaf
    )
    if loses_entries and not accept_loss:
        exit_with_error(
            f"This machine has answered up to revision {mark_file.revision}, and the backup ends with revision "
            f"{database_copy.revision}: what came between would be lost. Put a newer backup back, or say --accept-loss."
        )
    hidden_people = _list_people_hidden_later(target, file) if database_state == wal_check.EXCLUSIVE else None
    restore_backup(file, target)
    return database_copy, hidden_people


def _list_people_hidden_later(database_file: Path, backup_file: Path) -> list[str] | None:
    hidden_rows = query_rows(database_file, _HIDDEN_PEOPLE_SQL, OPEN)
    if hidden_rows is None:
        return None
    # A backup of an early version has no table of objections.
    later_rows = {*hidden_rows}.difference(query_rows(backup_file, _HIDDEN_PEOPLE_SQL, OPEN) or ())
    return sorted(f"/v1/detainees/{UUID(detainee)} of {slug}" for detainee, slug in later_rows)


def _resume_log(engine: Engine, settings: Settings, mark: HighWaterMark, hidden_people: str) -> None:
    """Erase again what was erased since, and make the database's head the newest from now on.

    `hidden_people`: the people that objections have hidden since, as far as known, in words.
    """
    with open_read_session(engine) as session:
        has_mark = mark.stored.revision > 0
        if has_mark:
            mark.check_log(session)
        revision, _recorded_at = read_head(session)
    if has_mark and not mark.has_lost_entries:
        _hold_embargoed_reports(engine, settings)
        console.print(
            f"Nothing is lost: the database has all up to revision {revision}, and this machine knows no more."
        )
        return
    answered_revision = mark.stored.revision
    mark.record_fork(revision)  # before anything is written after it
    with open_write_session(engine) as session:
        lock_head(session)  # as for every entry, the clock is read after the lock
        secret = settings.secret_key(make=not is_secret_bound(session))
        bind_secret(session, secret)
        if read_rows_version(session) != ROWS_VERSION:
            rebuild_with_archive(session, find_archive_options(session, settings, is_required=False))
        erased_records = find_unrepeated_erasures(session, mark.stored)
        repeat_erasure(WriteContext(session, Reader(Role.ADMIN), utc_now(), secret), erased_records)
    _hold_embargoed_reports(engine, settings)
    with open_read_session(engine) as session:
        mark.accept_loss(session)
    if not has_mark:
        console.print(
            f"There was no {mark.path}: nobody can tell what was lost, or who was erased since. Erase them again, by a "
            f"list of your own, before you serve. {REVOKE_AGAIN_NOTICE} {HIDE_AGAIN_NOTICE}\n{hidden_people}",
            soft_wrap=True,
        )
        return
    console.print(
        f"The log goes on after revision {revision}; this machine had answered up to revision {answered_revision}. "
        f"Records erased again: {len(erased_records)}. Say publicly after which revision the registry goes on, and ask "
        "every source to send again what it sent since. If that is of somebody who was erased, erase once more. "
        f"{REVOKE_AGAIN_NOTICE} {HIDE_AGAIN_NOTICE}\n{hidden_people}",
        soft_wrap=True,
    )


def _hold_embargoed_reports(engine: Engine, settings: Settings) -> None:
    """Hold reports under an embargo: a report that its source withdrew since the backup is waiting again."""
    with open_write_session(engine) as session:
        lock_head(session)
        held_count = refuse_all_waiting(session, settings.secret_key(make=not is_secret_bound(session)), utc_now())
    if held_count:
        console.print(
            f"Reports under an embargo that are held, since their sources may have taken them back: {held_count}. Ask "
            "these to send them again or to delete them (GET /v1/waiting).",
            soft_wrap=True,
        )


def _require_sqlite_file(settings: Settings, postgresql_command: str) -> Path:
    """Return the file of a SQLite database. For PostgreSQL, fail with its own command, in which {} is the address."""
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite":
        query = {name: value for name, value in url.query.items() if name != "password"}
        plain_url = URL.create("postgresql", url.username, None, url.host, url.port, url.database, query)
        exit_with_error(
            f"PostgreSQL has a command of its own for this: {postgresql_command.format(plain_url.render_as_string())}"
        )
    if settings.mark_file() is None:
        exit_with_error("This database is in memory: name a file in RECUENTO_DATABASE_URL.")
    return Path(str(url.database))
