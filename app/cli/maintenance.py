"""`recuento status`: how far the registry has come, and what somebody should look at. `recuento rebuild`: rows anew.

`recuento clock`: what the clocks say, and how to go on after one was wrong.

`recuento grants`: what the role that serves a PostgreSQL database may do."""

import json
from typing import Annotated, Any

import typer
from sqlalchemy import func, select
from sqlmodel import Session, col

from app.cli.database import located, opened
from app.cli.output import AsJson, console, fail, now
from app.config import Settings
from app.dates import format_instant
from app.db.engine import clock_of
from app.db.guards import grants
from app.errors import ClockJumped
from app.log import mark
from app.log.entries import head, lock_head, pin_clock, require_clock
from app.models import OPEN, PendingPair, ProvisionalHiding, Source, metadata
from app.queries.review import told_bursts
from app.registry import alerts, report_versions, waiting_reports
from app.registry.alerts import operator_warnings, private_warnings
from app.registry.apply import rebuild as rebuild_rows
from app.registry.publication import erasure, objections

commands = typer.Typer()


@commands.command()
def rebuild() -> None:
    """Make every row anew from the log and the sealed values, under this version's rules. Under unchanged rules the
    rows are the same as before."""
    with console.status("Replaying the log …"), opened(Settings(), any_rules=True) as session:
        number = rebuild_rows(session)
    console.print(f"Replayed {number} entries.")


@commands.command()
def status(as_json: AsJson = False) -> None:
    """Say how far the registry has come, what waits for a curator, and what somebody should look at."""
    settings = Settings()
    with opened(settings) as session:
        told = standing(session)
        marked = mark.of(session)
        if marked is not None and marked.lost:
            told["warnings"].append(mark.WentBackwards.code)
    text = json.dumps(told) if as_json else "\n".join([f"In {located(settings.database_url)}", *lines(told)])
    print(text)  # noqa: T201 - this is the output


def standing(session: Session) -> dict[str, Any]:
    """Nothing in it is about a person: sources, and how much of theirs waits for a curator."""
    revision, recorded_at = head(session)
    named = session.execute(select(col(Source.key), col(Source.slug)).where(col(Source.until) == OPEN))
    slugs = dict(named.all())
    clock = None
    try:
        require_clock(session, now())
    except ClockJumped as refusal:
        clock = refusal.detail
    filed_by_day = alerts.FiledByDay()
    unanswered, stopped = report_versions.unanswered(session), report_versions.stopped_sources(session)
    return {
        "revision": revision,
        "recorded_at": format_instant(recorded_at) if revision else None,
        "pairs_in_review": _number(session, PendingPair),
        "hidden_provisionally": sum(unanswered.values()),
        "wishes_in_review": _number(session, ProvisionalHiding),
        "hidden_by_source": {slugs[source]: number for source, number in sorted(unanswered.items())},
        "stopped_sources": sorted(slugs[source] for source in stopped),
        "bursts": told_bursts(session, filed_by_day),
        "stuck_by_source": {slugs[source]: number for source, number in waiting_reports.stuck(session, now())},
        "warnings": [
            *operator_warnings(session, filed_by_day, now()),
            *private_warnings(session, now()),
            *([ClockJumped.code] if clock else []),
        ],
        "clock": clock,
        **objections.standing(session),
    }


def _number(session: Session, table: type[Any]) -> int:
    standing = select(func.count()).select_from(table).where(col(table.until) == OPEN)
    return int(session.execute(standing).scalar_one())


def lines(status: dict[str, Any]) -> list[str]:
    """The same for whoever reads it in a terminal."""
    told = [
        f"Revision {status['revision']}" + (f", recorded at {status['recorded_at']}" if status["recorded_at"] else ""),
        f"{status['pairs_in_review']} pairs wait for a curator.",
        f"{status['wishes_in_review']} wishes to hide somebody, or a name, wait for a curator.",
        f"{status['hidden_provisionally']} reports hide somebody meanwhile.",
    ]
    told += [f"WARNING {status['clock']}"] if status["clock"] else []
    told += [f"WARNING {mark.WentBackwards().detail}"] if mark.WentBackwards.code in status["warnings"] else []
    told += [f"  {source}: {number}" for source, number in status["hidden_by_source"].items()]
    told.append(
        f"{status['hidden_on_objections']} people are hidden on objections that wait for two curators, and "
        f"{status['objections_waiting']} objections more wait (/v1/objections)."
    )
    told += [
        f"WARNING {source}: {report_versions.MOST_UNANSWERED} or more of its reports that hide people are unanswered, "
        "and further wishes wait; births, which may be a child's, still hide at once. Have a curator answer them "
        "(/v1/review); if the key may be stolen, revoke it and put the source in quarantine."
        for source in status["stopped_sources"]
    ]
    told += [
        f"WARNING {burst['source']}: {burst['reports']} reports on {burst['day']}, and no more than {burst['usual']} "
        f"on a day in the {alerts.HABIT_DAYS} days before. Ask the source; if its key may be stolen, revoke it and put "
        "the source in quarantine."
        for burst in status["bursts"]
    ]
    told += [
        f"WARNING {source}: {number} of its reports under an embargo could not be made public when that was over. "
        "GET /v1/waiting tells the source why: ask it to send them again or to delete them."
        for source, number in status["stuck_by_source"].items()
    ]
    if erasure.UNFINISHED in status["warnings"]:
        told.append(
            "WARNING an erasure is not finished: what was deleted may still lie in the files of the database, because "
            "somebody reads, there is too little room on the disk or in memory, or only the owner of the tables may "
            "finish it. It is tried again by the server and by every command that may wait."
        )
    return told


@commands.command()
def clock(
    pin: Annotated[
        bool, typer.Option("--pin", help="This machine's clock is right, and the last entry was dated ahead of it.")
    ] = False,
) -> None:
    """Say what this machine's clock, the database's and the last entry say. With --pin go on after an entry that was
    dated ahead: what follows is dated just after it, until the clock has come that far."""
    with opened(Settings(), finishing=False) as session:
        lock_head(session)
        lines = [f"This machine: {format_instant(now())}"]
        database = clock_of(session.connection())
        lines += [f"The database: {format_instant(database)}"] if database else []
        revision, last = head(session)
        lines += [f"The last entry: {format_instant(last)}"] if revision else []
        if pin:
            lines.append(f"What follows is dated after {format_instant(pin_clock(session))} until the clock is there.")
    print("\n".join(lines))  # noqa: T201 - this is the output


@commands.command("grants")
def print_grants(role: Annotated[str, typer.Argument(help="The role of PostgreSQL that will serve.")]) -> None:
    """Print the SQL that lets a role serve a PostgreSQL database without being able to rewrite its log."""
    try:
        statements = grants(role, metadata.tables)
    except ValueError as error:
        fail(str(error))
    for statement in statements:
        print(f"{statement};")  # noqa: T201 - this is the output
