"""`recuento status`, `rebuild`, `clock` and `grants`: report the state of the registry, and maintain its database."""

import json
from typing import Annotated, Any

import typer
from sqlalchemy import func, select
from sqlmodel import Session, col

from app.cli.database import format_database_address, open_session
from app.cli.output import AsJson, console, exit_with_error, utc_now
from app.cli.rule_change import find_archive_options, rebuild_with_archive
from app.config import Settings
from app.dates import format_instant
from app.db.engine import read_server_clock
from app.db.guards import build_grants
from app.errors import ClockJumped
from app.exports.count_files.files import Licence
from app.log import mark
from app.log.entries import lock_head, pin_clock, read_head, require_clock_past_head
from app.log.freeze import begin_freeze, end_freeze, read_freeze, read_freezing_key
from app.models import OPEN, PendingPair, Proposal, ProvisionalHiding, Report, Source, metadata
from app.queries.review.items import build_withdrawals_shapes
from app.registry import report_versions, waiting_reports
from app.registry.alerts import WithdrawalsByDay, list_operator_warnings, list_private_warnings
from app.registry.publication import erasure, objections
from app.vocabulary import Review

commands = typer.Typer()


@commands.command()
def rebuild(
    licence: Annotated[
        Licence | None,
        typer.Option(
            help="Under which licence everybody may use the archive of earlier rules (SPDX); by default that of the "
            "newest count files."
        ),
    ] = None,
    without_archive: Annotated[
        bool, typer.Option("--without-archive", help="Replace rows of earlier rules without archiving their counts.")
    ] = False,
) -> None:
    """Make every row anew from the log and the sealed values, under this version's rules. Under unchanged rules the
    rows are the same as before; rows of earlier rules are archived first."""
    settings = Settings()
    with console.status("Replaying the log …"), open_session(settings, any_version=True) as session:
        options = None if without_archive else find_archive_options(session, settings, licence)
        number = rebuild_with_archive(session, options)
    console.print(f"Replayed {number} entries.")


@commands.command()
def status(as_json: AsJson = False) -> None:
    """Say how far the registry has come, what waits for a curator, and what somebody should look at."""
    settings = Settings()
    with open_session(settings) as session:
        report = build_status_report(session)
        head_mark = mark.get_mark(session)
        if head_mark is not None and head_mark.has_lost_entries:
            report["warnings"].append(mark.LogWentBackwards.code)
    text = (
        json.dumps(report)
        if as_json
        else "\n".join([f"In {format_database_address(settings.database_url)}", *format_status_lines(report)])
    )
    print(text)  # noqa: T201 - this is the output


def build_status_report(session: Session) -> dict[str, Any]:
    """Build the report. Nothing in it is about a person, only about sources and their reports that wait for a
    curator."""
    revision, recorded_at = read_head(session)
    source_rows = session.execute(select(col(Source.key), col(Source.slug)).where(col(Source.until) == OPEN))
    slugs = dict(source_rows.all())
    clock_warning = None
    try:
        require_clock_past_head(session, utc_now())
    except ClockJumped as refusal:
        clock_warning = refusal.detail
    freeze = read_freeze(session, utc_now())
    by_day: WithdrawalsByDay = {}
    hiding_counts, stopped_sources = (
        report_versions.count_unreviewed_hidings(session),
        report_versions.find_limited_sources(session),
    )
    return {
        "revision": revision,
        "recorded_at": format_instant(recorded_at) if revision else None,
        "pairs_in_review": _count_rows(session, PendingPair, col(PendingPair.until) == OPEN),
        "hidden_provisionally": sum(hiding_counts.values()),
        "wishes_in_review": _count_rows(session, ProvisionalHiding, col(ProvisionalHiding.until) == OPEN),
        "hidden_by_source": {slugs[source]: number for source, number in sorted(hiding_counts.items())},
        "stopped_sources": sorted(slugs[source] for source in stopped_sources),
        "decisions_waiting": _count_rows(session, Proposal),
        "withdrawals": build_withdrawals_shapes(session, by_day),
        "awaiting_review": _count_awaiting_review(session, slugs),
        "stuck_by_source": {
            slugs[source]: number for source, number in waiting_reports.count_stuck_reports(session, utc_now())
        },
        "warnings": [
            *list_operator_warnings(session, by_day, utc_now()),
            *list_private_warnings(session, utc_now()),
            *([ClockJumped.code] if clock_warning else []),
        ],
        "clock": clock_warning,
        "freeze": None if freeze is None else {**freeze.to_dict(), "by": read_freezing_key(session)},
        **objections.count_objections(session),
    }


def _count_awaiting_review(session: Session, slugs: dict[int, str]) -> dict[str, int]:
    """Return source → its reports that await review."""
    query = select(col(Report.source), func.count()).where(
        col(Report.review) == Review.AWAITING_REVIEW, col(Report.until) == OPEN
    )
    return {slugs[source]: number for source, number in session.execute(query.group_by(col(Report.source))).all()}


def _count_rows(session: Session, table: type[Any], *conditions: Any) -> int:
    return int(session.execute(select(func.count()).select_from(table).where(*conditions)).scalar_one())


def format_status_lines(report: dict[str, Any]) -> list[str]:
    """Format the report for reading in a terminal."""
    output_lines = [
        f"Revision {report['revision']}" + (f", recorded at {report['recorded_at']}" if report["recorded_at"] else ""),
        f"{report['pairs_in_review']} pairs wait for a curator.",
        f"{report['wishes_in_review']} wishes to hide somebody, or a name, wait for a curator.",
        f"{report['hidden_provisionally']} reports hide somebody meanwhile.",
    ]
    output_lines += [f"WARNING {report['clock']}"] if report["clock"] else []
    output_lines += [_format_freeze(report["freeze"])] if report["freeze"] else []
    output_lines += (
        [f"WARNING {mark.LogWentBackwards().detail}"] if mark.LogWentBackwards.code in report["warnings"] else []
    )
    output_lines += [f"  {source}: {number}" for source, number in report["hidden_by_source"].items()]
    output_lines.append(
        f"{report['hidden_on_objections']} people are hidden on objections that wait for curators, and "
        f"{report['objections_waiting']} objections more wait (/v1/objections)."
    )
    output_lines += [
        f"{source}: {number} reports await review (recuento review, or /v1/review/batches)."
        for source, number in sorted(report["awaiting_review"].items())
    ]
    output_lines += [
        f"WARNING {source}: its reports hide {report_versions.MAX_UNREVIEWED_HIDINGS} people or more whom the registry "
        "listed. Further ones take away the name alone, and head the review (/v1/review). If the key may be stolen: "
        "recuento key stolen ID --since WHEN"
        for source in report["stopped_sources"]
    ]
    if report["decisions_waiting"]:
        output_lines.append(
            f"WARNING {report['decisions_waiting']} decisions take effect within 24 hours of being made, some of which "
            "may show people: a curator reads them (/v1/proposals), agrees or stops them."
        )
    output_lines += [
        f"WARNING {found['source']} withdrew {found['reports']} reports on {found['day']}. Ask the source; if its key "
        "may be stolen: recuento key stolen ID --since WHEN"
        for found in report["withdrawals"]
    ]
    output_lines += [
        f"WARNING {source}: {number} of its reports under an embargo could not be made public when that was over. "
        "GET /v1/waiting tells the source why: ask it to send them again or to delete them."
        for source, number in report["stuck_by_source"].items()
    ]
    if erasure.UNFINISHED_ERASURE_WARNING in report["warnings"]:
        output_lines.append(
            "WARNING an erasure is not finished: what was deleted may still lie in the files of the database, because "
            "somebody reads, there is too little room on the disk or in memory, or only the owner of the tables may "
            "finish it. It is tried again by the server and by every command that may wait."
        )
    return output_lines


def _format_freeze(freeze: dict[str, str | None]) -> str:
    author = f"with key {freeze['by']}" if freeze["by"] else "on this machine"
    end = f"until {freeze['until']}, or until" if freeze["until"] else "until"
    return f"FROZEN since {freeze['since']}, {author}, {end} somebody ends it: recuento freeze --end"


@commands.command()
def clock(
    pin: Annotated[
        bool, typer.Option("--pin", help="This machine's clock is right, and the last entry was dated ahead of it.")
    ] = False,
) -> None:
    """Say what this machine's clock, the database's and the last entry say. With --pin go on after an entry that was
    dated ahead: what follows is dated just after it, until the clock has come that far."""
    with open_session(Settings(), finish_erasures=False) as session:
        lock_head(session)
        lines = [f"This machine: {format_instant(utc_now())}"]
        database = read_server_clock(session.connection())
        lines += [f"The database: {format_instant(database)}"] if database else []
        revision, last = read_head(session)
        lines += [f"The last entry: {format_instant(last)}"] if revision else []
        if pin:
            lines.append(f"What follows is dated after {format_instant(pin_clock(session))} until the clock is there.")
    print("\n".join(lines))  # noqa: T201 - this is the output


@commands.command()
def freeze(
    end: Annotated[bool, typer.Option("--end", help="End the freeze in force, whoever began it.")] = False,
) -> None:
    """Freeze the registry until --end: refuse everything that does not hide, erase or revoke, except objections.

    Reads go on. No embargo ends, and lists wait.
    """
    with open_session(Settings(), finish_erasures=False) as session:
        lock_head(session)
        if end:
            end_freeze(session)
        else:
            begin_freeze(session, utc_now(), None, None)
    console.print("The registry accepts changes again." if end else "Frozen. To end it: recuento freeze --end")


@commands.command("grants")
def print_grants(role: Annotated[str, typer.Argument(help="The role of PostgreSQL that will serve.")]) -> None:
    """Print the SQL that lets a role serve a PostgreSQL database without being able to rewrite its log."""
    try:
        statements = build_grants(role, metadata.tables)
    except ValueError as error:
        exit_with_error(str(error))
    for statement in statements:
        print(f"{statement};")  # noqa: T201 - this is the output
