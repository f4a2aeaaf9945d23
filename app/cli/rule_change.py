"""Make all rows anew; under other rules, first archive the rows that are replaced, and list the counts that move."""

from pathlib import Path

from sqlmodel import Session

from app.cli.output import console
from app.columns.store import get_columns
from app.config import Settings
from app.counts.rule_changes import MovedCount, MovedCounts, build_counted_rows, list_moved_counts
from app.demo import plan
from app.errors import Conflict
from app.exports.count_files.archives import archive_head, find_licence, format_archive_name
from app.exports.count_files.files import MOVED_COUNTS_FILENAME, Licence
from app.exports.count_files.write import WriteOptions, find_counts_sql
from app.log.entries import lock_head, pin_revision, read_head
from app.log.head import is_demo, read_rows_version
from app.projection import RULES
from app.registry.apply import rebuild_tables

MAX_PRINTED_COUNTS = 40  # a terminal; the file has all


def build_write_options(
    session: Session,
    settings: Settings,
    folder: Path,
    licence: Licence,
    personal: Path | None = None,
    max_folders: int | None = None,
) -> WriteOptions:
    """Return the options for count files, with the zone and the public address that a server would use."""
    demo = is_demo(session)
    zone = settings.zone or (plan.CARACAS_ZONE_NAME if demo else "UTC")
    public_url = settings.public_url or (settings.address() if demo else "")
    return WriteOptions(folder, licence, public_url, zone, settings.names, personal, max_folders)


def find_archive_options(
    session: Session, settings: Settings, licence: Licence | None = None, *, is_required: bool = True
) -> WriteOptions | None:
    """Return the options for an archive of the rows; None if they were made under today's rules, or under rules whose
    counts this version does not know.

    Without a known folder and licence it raises Conflict, or returns None unless an archive `is_required`.
    """
    rules = read_rows_version(session).rules
    if rules == RULES or not read_head(session)[0] or find_counts_sql(rules) is None:
        return None
    folder = settings.count_files
    licence = licence or (None if folder is None else find_licence(folder))
    if folder is None or licence is None:
        if not is_required:
            return None
        missing = "RECUENTO_COUNT_FILES to a folder and " if folder is None else ""
        raise Conflict(
            f"The rows were made under rules {rules}. Once they are replaced, nobody can recompute a "
            f"number that was cited under these rules, except from an archive. Set {missing}--licence to the licence "
            "under which everybody may use it, such as CC-BY-4.0, or give up the archive with --without-archive."
        )
    return build_write_options(session, settings, folder, licence)


def rebuild_with_archive(session: Session, options: WriteOptions | None) -> int:
    """Make all rows anew, and archive what they replace; return the number of entries. `options`: None for no archive.

    The archive is published before the transaction ends, so that no rows are lost without it.
    """
    revision, _recorded_at = lock_head(session)
    if options is None:
        return rebuild_tables(session)
    last_day = read_head(session)[1].date()
    columns = get_columns(session)
    rules, before = columns.version.rules, build_counted_rows(columns, last_day)
    with archive_head(session, columns, options) as draft:
        del columns
        number = rebuild_tables(session)
        after = build_counted_rows(get_columns(session), last_day)
        moved = MovedCounts(
            rules_before=rules,
            rules_after=RULES,
            revision=revision,
            leaf_hash=str(pin_revision(session, revision).leaf),
            moved=list_moved_counts(session, before, after),
        )
        (draft / MOVED_COUNTS_FILENAME).write_text(moved.model_dump_json(indent=1) + "\n", encoding="utf-8")
    name = format_archive_name(rules, revision)
    lines = [f"Archived the counts of rules {rules} at revision {revision} in {options.folder / name} (/data/{name}/)."]
    lines.append(f"Counts that moved from rules {rules} to rules {RULES}: {len(moved.moved)}")
    lines += map(format_moved_count, moved.moved[:MAX_PRINTED_COUNTS])
    if len(moved.moved) > MAX_PRINTED_COUNTS:
        lines.append(f"  and {len(moved.moved) - MAX_PRINTED_COUNTS} more in {MOVED_COUNTS_FILENAME} there")
    console.print("\n".join(lines), soft_wrap=True, markup=False, highlight=False)
    return number


def format_moved_count(count: MovedCount) -> str:
    """Format a number that moved, as in `releases VE 2026-01 verified: 12 → 10 (rule 5: +0 −2)`."""
    terms = [count.country, count.month, count.day, count.status, count.source]
    shares = ", ".join(f"rule {rule}: +{share.added} −{share.removed}" for rule, share in count.by_rule.items())
    return f"  {' '.join([count.measure, *filter(None, terms)])}: {count.before} → {count.after} ({shares})"
