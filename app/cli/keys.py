"""`recuento key`: who may write, and who sees restricted fields."""

import sys
from typing import Annotated, Any

import typer
from sqlalchemy import select
from sqlmodel import Session, col

from app.cli.database import open_session
from app.cli.output import AsJson, console, exit_with_error, print_rows, utc_now
from app.config import Settings
from app.descriptions import describe_field_option
from app.log.entries import lock_head
from app.main import list_described_routes
from app.matching.scripts import fold
from app.models import ApiKey, Source
from app.notices import holders
from app.registry import api_keys, recalls
from app.registry.curation import stolen_keys
from app.registry.publication.permissions import Reader
from app.registry.recalls import RecallIn
from app.registry.write import WriteContext
from app.vocabulary import Role

commands = typer.Typer()
# A week: long enough to replace a key everywhere, short enough that two keys do not become the habit.
OVERLAP_DAYS = 7
key_commands = typer.Typer(help="Keys: who may write, and who sees restricted fields.", no_args_is_help=True)
commands.add_typer(key_commands, name="key")

KeyId = Annotated[str, typer.Argument(help="The eight characters after rcn_.")]
Days = Annotated[int, typer.Option(min=1, max=3650, help="How long it is valid.")]


@key_commands.command("create")
def create_key(
    holder: Annotated[
        str, typer.Option(help="Who has the key: one person. Where two must decide, they are two holders.")
    ],
    source: Annotated[str | None, typer.Argument(help="Slug of the source; a reporter's key needs one.")] = None,
    role: Annotated[Role, typer.Option(help="What the key may do.")] = Role.REPORTER,
    days: Days = 365,
    may: Annotated[
        list[str] | None,
        typer.Option(help='A route that the key is limited to, such as "POST /v1/releases". Repeat it. Left out: all.'),
    ] = None,
) -> None:
    """Make a key and print it, alone on stdout. It cannot be shown again."""
    scopes = [_parse_scope(route) for route in may] if may else None
    with open_session(Settings()) as session:
        key = api_keys.create_key(session, role, source, days, utc_now(), holder, scopes)
    print(key)  # noqa: T201 - this is the output


def _parse_scope(text: str) -> str:
    """Parse a route, and require that the registry has it: a key limited to an unknown route would open nothing."""
    method, _space, path = " ".join(text.split()).partition(" ")
    scope = f"{method.upper()} {path}"
    if scope not in list_described_routes():
        exit_with_error(
            f"There is no route {scope}: name one as /openapi.json or /openapi-desk.json does, such as "
            "GET /v1/releases/{release_id}."
        )
    return scope


@key_commands.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List the keys: never their secrets."""
    with open_session(Settings()) as session:
        slugs = dict(session.execute(select(col(Source.key), col(Source.slug))).all())
        rows = session.scalars(select(ApiKey).order_by(col(ApiKey.created_at))).all()
        channels = holders.list_channels(session)
        key_rows = [
            _build_key_row(key, None if key.source is None else slugs[key.source])
            | {"notices": channels.get(fold(key.holder or ""), [])}
            for key in rows
        ]
    print_rows(key_rows if as_json else [_format_key_row(row) for row in key_rows], as_json=as_json)
    unnamed_ids = [row["id"] for row in key_rows if row["holder"] is None and not row["revoked"]]
    if unnamed_ids:
        rotate_command = "recuento key rotate ID --holder NAME"
        console.print(
            f"Made before keys had holders: {', '.join(unnamed_ids)}. Name who has them: {rotate_command}",
            soft_wrap=True,
        )


def _build_key_row(key: ApiKey, source: str | None) -> dict[str, Any]:
    return {
        "id": key.id,
        "role": key.role,
        "source": source,
        "holder": key.holder,
        "scopes": api_keys.parse_key_scopes(key),
        "expires_at": key.expires_at.isoformat(),
        "last_used_on": None if key.last_used_on is None else key.last_used_on.isoformat(),
        "revoked": key.revoked_at is not None,
    }


def _format_key_row(row: dict[str, Any]) -> dict[str, Any]:
    """Format a row for reading in a terminal."""
    scopes = "all" if row["scopes"] is None else ", ".join(row["scopes"])
    return row | {"holder": row["holder"] or "none", "scopes": scopes, "notices": ", ".join(row["notices"]) or "none"}


@key_commands.command("rotate")
def rotate_key(
    key_id: KeyId,
    days: Days = 365,
    ends_in: Annotated[int, typer.Option(min=1, max=90, help="In how many days the old key ends.")] = OVERLAP_DAYS,
    at_once: Annotated[bool, typer.Option("--at-once", help="End the old key at once instead.")] = False,
    holder: Annotated[str | None, typer.Option(help="Who has the key, where it was made without a holder.")] = None,
) -> None:
    """Make the successor of a key and print it, alone on stdout: the same holder, role, source and routes. A stolen key
    is revoked or recalled instead."""
    with open_session(Settings()) as session:
        ends = 0 if at_once else ends_in
        key = api_keys.rotate_key(session, key_id, days, utc_now(), ends_in=ends, holder=holder)
    console.print(f"{key_id} has ended." if at_once else f"{key_id} ends in {ends_in} days, or by its own term.")
    print(key)  # noqa: T201 - this is the output


@key_commands.command("notices")
def set_notices(
    key_id: KeyId,
    email: Annotated[
        bool, typer.Option("--email", help="Send notices to an e-mail address, which is read from stdin.")
    ] = False,
    feed: Annotated[bool, typer.Option("--feed", help="Make a secret address of a feed; the last one ends.")] = False,
    off: Annotated[bool, typer.Option("--off", help="Send none any more, and delete both addresses.")] = False,
) -> None:
    """Say where the holder of a key gets notices of what is new: numbers by kind and a link, at most once an hour. They
    are of all keys of that holder. The address of a feed stands alone on stdout, and cannot be shown again."""
    settings = Settings()
    if not email and not feed and not off:
        exit_with_error("Give --email, --feed or --off.")
    if email and settings.smtp_url is None:
        exit_with_error("This registry has no mail server: set RECUENTO_SMTP_URL, or give --feed.")
    if email and sys.stdin.isatty():
        console.print("E-mail address:")
    address = sys.stdin.readline().strip() if email else ""  # arguments stay in the history of a shell
    with open_session(settings, finish_erasures=False) as session:
        if off:
            holders.delete_addresses(session, key_id, utc_now())
        if email:
            holders.set_email(session, settings.secret_key(), key_id, address, utc_now())
        path = holders.create_feed(session, key_id, utc_now()) if feed else None
    if path is not None:
        print(f"{settings.public_url or settings.address()}{path}")  # noqa: T201 - this is the output
    console.print("Notices are off." if off and not (email or feed) else "Notices are on.")


@key_commands.command("revoke")
def revoke_key(key_id: KeyId) -> None:
    """End a key at once."""
    with open_session(Settings(), finish_erasures=False) as session:
        api_keys.revoke_key(session, key_id, utc_now())
    console.print(f"Revoked {key_id}.")


@key_commands.command("recall")
def recall_key(
    key_id: Annotated[str | None, typer.Argument(help=describe_field_option("RecallIn", "key_id"))] = None,
    since: Annotated[str | None, typer.Option(help=describe_field_option("RecallIn", "since"))] = None,
    undo: Annotated[int | None, typer.Option(help=describe_field_option("RecallIn", "undoes"))] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it. Left out: only say what would change.")] = False,
) -> None:
    """Withdraw all that a stolen key wrote since a moment, and end the key; or undo that."""
    settings, body = Settings(), RecallIn(key_id=key_id, since=since, undoes=undo, dry_run=not yes)
    with open_session(settings) as session:
        lock_head(session)  # as for every entry, the clock is read after the lock
        outcome = recalls.execute_recall(
            WriteContext(session, Reader(Role.ADMIN), utc_now(), settings.secret_key()), body
        )
    print_rows([_build_recall_row(outcome.ids)], as_json=False)
    result = (
        f"Done at revision {outcome.revision}." if outcome.ids["entries"] else "The key has ended. No entry was moved."
    )
    message = result if yes else "Nothing was done: give --yes to do it."
    console.print(message)


@key_commands.command("stolen")
def take_back_stolen_key(
    key_id: KeyId,
    since: Annotated[str, typer.Option(help="The instant since which others have had it: 2026-01-14T19:00:00Z.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it wrote and decided since.")] = False,
) -> None:
    """End a stolen key of any role, and take back all that it wrote and decided since a moment. Whom it hid is shown
    again, except where an objection, a consent or another report hides them too."""
    settings = Settings()

    def build_context(session: Session) -> WriteContext:
        lock_head(session)  # as for every entry, the clock is read after the lock
        return WriteContext(session, Reader(Role.ADMIN), utc_now(), settings.secret_key())

    with open_session(settings) as session:
        instant = recalls.parse_since(since)
        written = (
            stolen_keys.find_key_entries(session, key_id, instant)
            if dry_run
            else stolen_keys.take_back_decisions(build_context(session), key_id, instant)
        )
    print_rows(
        [{"written": name, "entries": number} for name, number in written.counts.items() if number], as_json=False
    )
    if dry_run:
        console.print("Nothing was done: leave --dry-run out to take it back.")
        return
    left = 1
    while left:
        with open_session(settings) as session:
            left = stolen_keys.recall_statements(build_context(session), key_id, since)
    console.print(f"{key_id} has ended, and what it wrote and decided is taken back.")
    if written.erasures:
        console.print(f"{written.erasures} erasures cannot be taken back: restore a backup if they were not asked for.")


def _build_recall_row(recall: dict[str, Any]) -> dict[str, Any]:
    """Return what a recall changes as one row."""
    counts = [
        (f"{entry_kind} {name}", n)
        for entry_kind in ("reports", "claims")
        for name, n in recall[entry_kind].items()
        if n
    ]
    names: tuple[str, ...] = ("source", "entries", "left", "unattributed", "waiting")
    names += ("retractions",) if recall["retractions"] else ()
    return {name: recall[name] for name in names} | dict(counts)
