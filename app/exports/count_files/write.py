"""Write the count files of the head: a folder for each revision, which never changes.

A part that the newest folder has already is not written again, but hard-linked, so that a folder costs only what is new
in it. A folder is written under a draft name first, so that readers see it whole.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Engine, inspect, select
from sqlmodel import Session, col

from app.columns.rows import NULL, Array
from app.columns.store import get_columns
from app.columns.table import SINCE_COLUMN, UNTIL_COLUMN, Codes
from app.config import Names
from app.dates import format_instant, parse_window_end, parse_window_start
from app.db.engine import open_snapshot_session
from app.errors import Conflict
from app.exports.count_files.files import (
    COUNTS_PACKAGE_NAME,
    COUNTS_SQL_FILENAME,
    LICENCE_URLS,
    Licence,
    LogPart,
    ParquetFile,
    SnapshotInfo,
    format_part_filename,
    load_counts_descriptor,
    split_revisions,
)
from app.exports.count_files.folders import (
    LATEST_LINK,
    PRIVATE_MODES,
    PUBLIC_MODES,
    create_draft,
    lock_folder,
    point_latest,
    publish_draft,
    remove_old_folders,
    require_separate_folders,
    reuse_part,
    translate_disk_errors,
)
from app.exports.count_files.ordered_rows import ArraysByName, OrderedRows
from app.exports.count_files.parquet import write_parquet
from app.exports.count_files.personal import (
    REDACTION_KIND,
    has_current_parts,
    remove_outdated_parts,
    write_personal_parts,
)
from app.exports.count_files.tables import (
    CLAIM_KIND,
    CLOSED_ROW_COLUMNS,
    ENTRY_COLUMNS,
    OPENED_ROW_COLUMNS,
    PART_TABLES,
    ROW_NUMBER,
    TABLE_SCHEMA_TYPES,
    WHOLE_TABLES,
    Column,
    ColumnType,
    WholeTable,
)
from app.exports.package import DESCRIPTOR_FILENAME, PROFILE_URL
from app.log.head import is_demo, read_head_of_version
from app.log.mark import get_mark
from app.models import Entry
from app.projection import ROWS_VERSION, RULES

_PART_GLOB = re.compile(r"'([a-z_-]+)-\*\.parquet'")  # in counts.sql
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class WriteOptions:
    """The operator's options.

    `personal_folder`: the folder of personal parts, if they are to be written; `names`: the setting RECUENTO_NAMES;
    `max_folders`: how many folders to keep, all of them if None.
    """

    folder: Path
    licence: Licence
    public_url: str
    zone: str
    names: Names
    personal_folder: Path | None = None
    max_folders: int | None = None


def write_count_files(engine: Engine, options: WriteOptions) -> Path:
    """Write the folder of the head revision, and point LATEST to it; return the folder.

    It shows one state of the database, and processes that write files wait for each other. Raises BadFile,
    CountFilesNotWritten, RowsMismatch, LogWentBackwards, and Conflict before the first entry.
    """
    if options.personal_folder is not None:
        require_separate_folders(options.folder, options.personal_folder)
    with translate_disk_errors(options.folder), ExitStack() as stack:
        stack.enter_context(lock_folder(options.folder, PUBLIC_MODES))
        if options.personal_folder is not None:
            stack.enter_context(lock_folder(options.personal_folder, PRIVATE_MODES))
        session = stack.enter_context(open_snapshot_session(engine))
        mark = get_mark(session)
        if mark is not None:
            mark.check_log(session)
            mark.require_erasures()
        target = write_from_session(session, options)
        if options.max_folders is not None:
            remove_old_folders(target, options.max_folders)
        return target


def write_from_session(session: Session, options: WriteOptions) -> Path:
    """Write the folder from a session that reads one state of the database. No other process may write there."""
    info = build_head_info(session, options.zone)
    read_head_of_version(session, ROWS_VERSION)
    descriptor = build_descriptor(info, options.licence, options.public_url)
    target = options.folder / str(info.revision)
    is_there = _has_descriptor(target, descriptor)
    newest_descriptor = load_counts_descriptor((options.folder / LATEST_LINK).resolve())
    is_other_log = newest_descriptor is not None and is_of_other_log(session, newest_descriptor.recuento)
    personal_folder = (
        None
        if options.personal_folder is None or has_current_parts(options.personal_folder, info, options.names)
        else options.personal_folder
    )
    if is_there:
        point_latest(target, is_other_log=is_other_log)
        if personal_folder is None:
            return target
    columns = get_columns(session)
    ordered_rows = OrderedRows(session, columns)
    personal_draft = draft = None
    if personal_folder is not None:
        erased_revisions = list_erasures(session)
        remove_outdated_parts(personal_folder, erased_revisions)
        personal_draft = write_personal_parts(
            ordered_rows, columns, personal_folder, info, options.names, erased_revisions
        )
    if not is_there:
        draft = create_draft(options.folder)
        previous = _find_previous_folder(session, options.folder)
        write_draft(session, draft, descriptor, ordered_rows, columns.codes, previous)
    # Publish both folders only when both are written: readers need them of one revision.
    if personal_draft is not None:
        remove_old_folders(publish_draft(personal_draft, info.revision, PRIVATE_MODES, is_other_log=is_other_log))
    return target if draft is None else publish_draft(draft, info.revision, PUBLIC_MODES, is_other_log=is_other_log)


def write_draft(
    session: Session,
    draft: Path,
    descriptor: dict[str, Any],
    ordered_rows: OrderedRows,
    codes: Codes,
    previous: "PreviousFolder | None" = None,
) -> None:
    """Write the files of the head into a draft, under the rules that the descriptor names."""
    revision, rules = descriptor["recuento"]["revision"], descriptor["recuento"]["rules"]
    writer = _FolderWriter(session, draft, previous, rules)
    descriptor["resources"] = [*writer.write_parts(ordered_rows, codes, revision), *writer.write_whole_tables()]
    (draft / COUNTS_SQL_FILENAME).write_text(_build_counts_sql(revision, rules), encoding="utf-8")
    text = json.dumps(descriptor, ensure_ascii=False, indent=1)
    (draft / DESCRIPTOR_FILENAME).write_text(text + "\n", encoding="utf-8")


def _has_descriptor(folder: Path, descriptor: Mapping[str, Any]) -> bool:
    """Return whether a folder has this descriptor, apart from its files."""
    try:
        stored_descriptor = json.loads((folder / DESCRIPTOR_FILENAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(stored_descriptor, dict) and {**stored_descriptor, "resources": None} == {
        **descriptor,
        "resources": None,
    }


def find_counts_sql(rules: int) -> Traversable | None:
    """Return the file with the SQL of the counts under these rules; None if this version has none."""
    name = COUNTS_SQL_FILENAME if rules == RULES else f"counts-rules-{rules}.sql"
    file = files("app.exports.count_files") / name
    return file if file.is_file() else None


def _build_counts_sql(revision: int, rules: int) -> str:
    """Return the SQL of the counts, over the files of this revision only."""
    file = find_counts_sql(rules)
    assert file is not None

    def list_files(match: re.Match[str]) -> str:
        return str([format_part_filename(match[1], part) for part in split_revisions(revision)])

    return _PART_GLOB.sub(list_files, file.read_text(encoding="utf-8"))


def list_erasures(session: Session) -> list[int]:
    """Return the revisions of erasures."""
    query = select(col(Entry.revision)).where(col(Entry.kind) == REDACTION_KIND).order_by(col(Entry.revision))
    return [*session.scalars(query)]


def build_head_info(session: Session, zone: str, rules: int = RULES) -> SnapshotInfo:
    """Return the info of files of the head, whose rows were made under `rules`. Raises Conflict before the first
    entry."""
    head_entry = session.execute(select(Entry).order_by(col(Entry.revision).desc()).limit(1)).scalars().one_or_none()
    if head_entry is None:
        raise Conflict("There is nothing to count yet: write files once somebody has reported.")
    return SnapshotInfo(
        revision=head_entry.revision,
        rules=rules,
        leaf_hash=head_entry.leaf_hash.hex(),
        recorded_at=format_instant(head_entry.recorded_at),
        zone=zone,
        demo=is_demo(session),
    )


class PreviousFolder(NamedTuple):
    """The newest folder of the same log and rules, and its files."""

    folder: Path
    files: Mapping[str, ParquetFile]


class _FolderWriter:
    """Writes files into a draft. `previous`: the newest folder of the same log and rules."""

    def __init__(self, session: Session, draft: Path, previous: PreviousFolder | None, rules: int) -> None:
        self._session, self._draft, self._previous, self._rules = session, draft, previous, rules
        self._files: dict[str, ParquetFile] = {}

    def write_parts(self, ordered_rows: OrderedRows, codes: Codes, revision: int) -> Iterator[dict[str, Any]]:
        """Write the files of the rows that the revisions of each part opened and closed, and of the log."""
        parts = split_revisions(revision)
        for table in PART_TABLES:
            columns = (*OPENED_ROW_COLUMNS, *table.list_columns(self._rules))
            rows: ArraysByName | None = None
            for part in parts:
                opened_file, closed_file = (
                    format_part_filename(table.name, part),
                    format_part_filename(f"closed-{table.name}", part),
                )
                if not self._reuse_files(part, opened_file, closed_file):
                    rows = ordered_rows.read_table(table) if rows is None else rows
                    opened_rows, closed_rows = _select_part_rows(rows, part)
                    self._write_file(opened_file, columns, opened_rows, codes)
                    self._write_file(closed_file, CLOSED_ROW_COLUMNS, closed_rows, codes)
                yield self._build_resource(opened_file, table.description, columns)
                yield self._build_resource(closed_file, f"What ended of: {table.description}", CLOSED_ROW_COLUMNS)
        for part in parts:
            name = format_part_filename("entries", part)
            if not self._reuse_files(part, name):
                self._write_file(name, ENTRY_COLUMNS, _read_entry_rows(self._session, part), codes)
            yield self._build_resource(
                name, "The log: when each revision was recorded, and its leaf hash.", ENTRY_COLUMNS
            )

    def write_whole_tables(self) -> Iterator[dict[str, Any]]:
        """Write the files of sources, facilities, published figures and recalled entries."""
        for table in WHOLE_TABLES:
            names = [column.registry_name for column in table.columns]
            query = select(*(col(getattr(table.model, name)) for name in names)).order_by(
                *inspect(table.model).primary_key
            )
            versions = self._session.execute(query).all()
            rows = {
                column.registry_name: _build_array(column, [version[index] for version in versions])
                for index, column in enumerate(table.columns)
            }
            rows |= self._read_stated_columns(table)
            columns = (*table.columns, *table.stated_columns)
            self._write_file(f"{table.name}.parquet", columns, rows, Codes())
            yield self._build_resource(f"{table.name}.parquet", table.description, columns)

    def _read_stated_columns(self, table: WholeTable) -> dict[str, Array]:
        """Return the fields of the entries that state the rows of a table, in the order of its rows."""
        if not table.stated_columns:
            return {}
        query = (
            select(col(Entry.body))
            .join(table.model, table.model.stated == col(Entry.revision))
            .order_by(*inspect(table.model).primary_key)
        )
        figures = [json.loads(body)["said"] for body in self._session.scalars(query)]
        return {
            column.registry_name: _build_array(
                column, [_parse_stated_value(column, figure.get(column.registry_name)) for figure in figures]
            )
            for column in table.stated_columns
        }

    def _write_file(self, name: str, columns: tuple[Column, ...], rows: ArraysByName, codes: Codes) -> None:
        self._files[name] = write_parquet(self._draft / name, columns, rows, codes)

    def _reuse_files(self, part: LogPart, *names: str) -> bool:
        """Add the files of a part to the draft, if the previous folder has them; return whether it has."""
        previous = self._previous
        if previous is None or not part.is_whole or not previous.files.keys() >= {*names}:
            return False
        are_reused = [reuse_part(previous.folder, self._draft, previous.files[name]) for name in names]
        if all(are_reused):
            self._files |= {name: previous.files[name] for name in names}
            return True
        for name in names:
            (self._draft / name).unlink(missing_ok=True)
        return False

    def _build_resource(self, name: str, description: str, columns: tuple[Column, ...]) -> dict[str, Any]:
        """Return a file as a Data Resource (Data Package 2.0)."""
        file = self._files[name]
        fields = [
            {"name": column.name, "type": TABLE_SCHEMA_TYPES[column.type], "description": column.description}
            for column in columns
        ]
        return {
            "name": name.removesuffix(".parquet"),
            "title": description,
            "path": file.path,
            "type": "table",
            "format": "parquet",
            "mediatype": "application/vnd.apache.parquet",
            "bytes": file.bytes,
            "hash": file.hash,
            "rows": file.rows,
            "schema": {"fields": fields},
        }


def _select_part_rows(rows: ArraysByName, part: LogPart) -> tuple[ArraysByName, ArraysByName]:
    """Return the rows that the revisions of a part opened, and those that they closed."""
    since, until = rows[SINCE_COLUMN], rows[UNTIL_COLUMN]
    numbered_rows = {**rows, ROW_NUMBER: np.arange(len(since), dtype=np.int32)}
    is_opened = (since >= part.first) & (since <= part.last)
    is_closed = (until >= part.first) & (until <= part.last)
    return (
        {name: column[is_opened] for name, column in numbered_rows.items()},
        {name: numbered_rows[name][is_closed] for name in (ROW_NUMBER, UNTIL_COLUMN)},
    )


def _read_entry_rows(session: Session, part: LogPart) -> dict[str, Array]:
    body = col(Entry.body)
    entries = session.execute(
        select(col(Entry.revision), col(Entry.kind), col(Entry.recorded_at), col(Entry.leaf_hash), body)
        .where(col(Entry.revision) >= part.first, col(Entry.revision) <= part.last)
        .order_by(col(Entry.revision))
    )
    rows = [
        (revision, recorded_at, leaf_hash.hex(), body if kind == CLAIM_KIND else None)
        for revision, kind, recorded_at, leaf_hash, body in entries
    ]
    return {
        column.registry_name: _build_array(column, [row[index] for row in rows])
        for index, column in enumerate(ENTRY_COLUMNS)
    }


def _parse_stated_value(column: Column, value: Any) -> Any:
    """Return the value of a column from the JSON of an entry. A month or a year is its first or its last day."""
    match column.type:
        case ColumnType.DAY if value is not None:
            return parse_window_end(value) if column.name == "window_to" else parse_window_start(value)
        case ColumnType.INSTANT if value is not None:
            return datetime.fromisoformat(value)
        case ColumnType.TRUTH:
            return bool(value)
        case _:
            return value


def _build_array(column: Column, values: list[Any]) -> Array:
    match column.type:
        case ColumnType.NUMBER:
            return np.array([NULL if value is None else value for value in values], np.int64)
        case ColumnType.DAY:
            return np.array([NULL if value is None else value for value in values], np.int32)
        case ColumnType.TRUTH:
            return np.array(values, bool)
        case ColumnType.INSTANT:
            microseconds = [
                NULL if value is None else round((value - _EPOCH).total_seconds() * 1_000_000) for value in values
            ]
            return np.array(microseconds, np.int64)
        case _:
            return np.array([None if value is None else str(value) for value in values], object)


def build_descriptor(info: SnapshotInfo, licence: Licence, public_url: str) -> dict[str, Any]:
    """Return the descriptor of the files of a head, without its files."""
    return {
        "$schema": PROFILE_URL,
        "name": COUNTS_PACKAGE_NAME,
        "title": "A registry of political prisoners, as far as counts need it: no names, and nobody's address",
        "version": str(info.revision),
        "created": info.recorded_at,
        **({"homepage": public_url} if public_url else {}),
        "licenses": [{"name": licence.value, "path": LICENCE_URLS[licence]}],
        "recuento": info.model_dump(),
        "resources": [],
    }


def _find_previous_folder(session: Session, folder: Path) -> PreviousFolder | None:
    """Return the newest folder, if it is of this log and of today's rules."""
    newest_folder = (folder / LATEST_LINK).resolve()
    descriptor = load_counts_descriptor(newest_folder)
    if descriptor is None or descriptor.recuento.rules != RULES or is_of_other_log(session, descriptor.recuento):
        return None
    return PreviousFolder(newest_folder, descriptor.files)


def is_of_other_log(session: Session, info: SnapshotInfo) -> bool:
    """Return whether the files' entry is not in this log: an earlier copy of the database was restored."""
    query = select(col(Entry.leaf_hash)).where(col(Entry.revision) == info.revision)
    leaf_hash = session.scalars(query).one_or_none()
    return leaf_hash is None or leaf_hash.hex() != info.leaf_hash
