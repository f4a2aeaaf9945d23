"""Write the count files of the head: a folder for each revision, which never changes.

A part that the newest folder has already is not written again: it is the same file under two names (a hard link), so
that a folder costs what is new in it. A folder is written under another name first: whoever reads sees it whole."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import Engine, select
from sqlmodel import Session, col

from app.columns.rows import NONE, Array
from app.columns.store import columns_of
from app.columns.table import SINCE, UNTIL, Codes
from app.config import Names
from app.dates import format_instant
from app.db.engine import snapshot
from app.errors import Conflict
from app.exports.count_files.files import (
    ADDRESSES,
    COUNTS,
    COUNTS_NAME,
    About,
    File,
    Licence,
    Part,
    described,
    file_of,
    parts_of,
)
from app.exports.count_files.folders import (
    LATEST,
    PRIVATE,
    PUBLIC,
    alone,
    as_unwritten,
    keep_part,
    new_draft,
    point,
    publish,
    remove_others,
    require_apart,
)
from app.exports.count_files.parquet import write_parquet
from app.exports.count_files.personal import REDACTION, are_of, remove_erased, write_personal_parts
from app.exports.count_files.tables import (
    CLAIM,
    CLOSING,
    ENTRIES,
    EVERY,
    IN_TABLE_SCHEMA,
    OPENING,
    ROW,
    WHOLE_TABLES,
    Column,
    Rows,
    RowsInOrder,
    Type,
)
from app.exports.package import DESCRIPTOR, PROFILE
from app.log.head import head_under, is_demo
from app.log.mark import of as mark_of
from app.models import Entry
from app.projection import RULES

_ALL_PARTS = re.compile(r"'([a-z_-]+)-\*\.parquet'")  # in the text of COUNTS
_US = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Wanted:
    """What an operator wants written. `personal`: the folder of personal parts, if they are to be written; `names`: how
    people are met whose name only reports ask for; `kept`: how many folders stay, all of them if it is None."""

    folder: Path
    licence: Licence
    public_url: str
    zone: str
    names: Names
    personal: Path | None = None
    kept: int | None = None


def write_count_files(engine: Engine, wanted: Wanted) -> Path:
    """Write the folder of the head revision, and point LATEST to it; the folder. Of one state of the database,
    whoever writes meanwhile, and after whoever writes files before. Raises BadFile, Conflict before the first entry,
    OtherRules, WentBackwards, and Unwritten."""
    if wanted.personal is not None:
        require_apart(wanted.folder, wanted.personal)
    with as_unwritten(wanted.folder), ExitStack() as stack:
        stack.enter_context(alone(wanted.folder, PUBLIC))
        if wanted.personal is not None:
            stack.enter_context(alone(wanted.personal, PRIVATE))
        session = stack.enter_context(snapshot(engine))
        mark = mark_of(session)
        if mark is not None:
            mark.look(session)
            mark.require_erased()
        done = write_as_seen(session, wanted)
        if wanted.kept is not None:
            remove_others(done, wanted.kept)
        return done


def write_as_seen(session: Session, wanted: Wanted) -> Path:
    """The same from a session that reads one state of the database, by the only process that writes there."""
    about = about_head(session, wanted.zone)
    head_under(session, RULES)
    descriptor = _descriptor(about, wanted.licence, wanted.public_url)
    done = wanted.folder / str(about.revision)
    is_there = _same(done, descriptor)
    newest = described((wanted.folder / LATEST).resolve())
    is_other_log = newest is not None and is_of_other_log(session, newest.recuento)
    personal = None if wanted.personal is None or are_of(wanted.personal, about, wanted.names) else wanted.personal
    if is_there:
        point(done, is_other_log=is_other_log)
        if personal is None:
            return done
    columns = columns_of(session)
    rows_in_order = RowsInOrder(session, columns)
    parts = draft = None
    if personal is not None:
        erased = erasures(session)
        remove_erased(personal, erased)
        parts = write_personal_parts(rows_in_order, columns, personal, about, wanted.names, erased)
    if not is_there:
        draft = new_draft(wanted.folder)
        writing = _Writing(session, draft, _before(session, wanted.folder))
        descriptor["resources"] = [*writing.parts(rows_in_order, columns.codes, about.revision), *writing.whole()]
        (draft / COUNTS).write_text(_counts(about.revision), encoding="utf-8")
        text = json.dumps(descriptor, ensure_ascii=False, indent=1)
        (draft / DESCRIPTOR).write_text(text + "\n", encoding="utf-8")
    # Once all is written: readers take both folders of one revision.
    if parts is not None:
        remove_others(publish(parts, about.revision, PRIVATE, is_other_log=is_other_log))
    return done if draft is None else publish(draft, about.revision, PUBLIC, is_other_log=is_other_log)


def _same(folder: Path, descriptor: Mapping[str, Any]) -> bool:
    """Whether a folder has this descriptor, apart from its files."""
    try:
        there = json.loads((folder / DESCRIPTOR).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(there, dict) and {**there, "resources": None} == {**descriptor, "resources": None}


def _counts(revision: int) -> str:
    """The counts as SQL, over the files of the revision and no others that may come to lie beside them."""
    text = (files("app.exports.count_files") / COUNTS).read_text(encoding="utf-8")

    def files_of(pattern: re.Match[str]) -> str:
        return str([file_of(pattern[1], part) for part in parts_of(revision)])

    return _ALL_PARTS.sub(files_of, text)


def erasures(session: Session) -> list[int]:
    """The revisions of erasures."""
    erased = select(col(Entry.revision)).where(col(Entry.kind) == REDACTION).order_by(col(Entry.revision))
    return [*session.scalars(erased)]


def about_head(session: Session, zone: str) -> About:
    """What files of the head say of themselves. Raises Conflict before the first entry."""
    last = session.execute(select(Entry).order_by(col(Entry.revision).desc()).limit(1)).scalars().one_or_none()
    if last is None:
        raise Conflict("There is nothing to count yet: write files once somebody has reported.")
    return About(
        revision=last.revision,
        rules=RULES,
        leaf_hash=last.leaf_hash.hex(),
        recorded_at=format_instant(last.recorded_at),
        zone=zone,
        demo=is_demo(session),
    )


class Before(NamedTuple):
    """The newest folder of the same log and rules, and its files."""

    folder: Path
    files: Mapping[str, File]


class _Writing:
    """Files that are written into a draft. `before`: the newest folder of the same log and rules."""

    def __init__(self, session: Session, draft: Path, before: Before | None) -> None:
        self._session, self._draft, self._before = session, draft, before
        self._files: dict[str, File] = {}

    def parts(self, rows_in_order: RowsInOrder, codes: Codes, revision: int) -> Iterator[dict[str, Any]]:
        """The files of the rows that the revisions of each part opened and closed, and of the log."""
        parts = parts_of(revision)
        for table in EVERY:
            columns = (*OPENING, *table.columns)
            rows: Rows | None = None
            for part in parts:
                opened_file, closed_file = file_of(table.name, part), file_of(f"closed-{table.name}", part)
                if not self._keep(part, opened_file, closed_file):
                    rows = rows_in_order.of(table) if rows is None else rows
                    opened, closed = _of_part(rows, part)
                    self._write(opened_file, columns, opened, codes)
                    self._write(closed_file, CLOSING, closed, codes)
                yield self._resource(opened_file, table.says, columns)
                yield self._resource(closed_file, f"What ended of: {table.says}", CLOSING)
        for part in parts:
            name = file_of("entries", part)
            if not self._keep(part, name):
                self._write(name, ENTRIES, _entries(self._session, part), codes)
            yield self._resource(name, "The log: when each revision was recorded, and its leaf hash.", ENTRIES)

    def whole(self) -> Iterator[dict[str, Any]]:
        """The files of sources, facilities and published figures."""
        for table in WHOLE_TABLES:
            names = [column.kept for column in table.columns]
            selected = select(*(col(getattr(table.model, name)) for name in names)).order_by(
                col(table.model.key), col(table.model.since)
            )
            versions = self._session.execute(selected).all()
            rows = {
                column.kept: _array(column, [version[place] for version in versions])
                for place, column in enumerate(table.columns)
            }
            self._write(f"{table.name}.parquet", table.columns, rows, Codes())
            yield self._resource(f"{table.name}.parquet", table.says, table.columns)

    def _write(self, name: str, columns: tuple[Column, ...], rows: Rows, codes: Codes) -> None:
        self._files[name] = write_parquet(self._draft / name, columns, rows, codes)

    def _keep(self, part: Part, *names: str) -> bool:
        """Whether the files of a part are there already, and then stand in the draft too."""
        before = self._before
        if before is None or not part.is_whole or not before.files.keys() >= {*names}:
            return False
        kept = [keep_part(before.folder, self._draft, before.files[name]) for name in names]
        if all(kept):
            self._files |= {name: before.files[name] for name in names}
            return True
        for name in names:
            (self._draft / name).unlink(missing_ok=True)
        return False

    def _resource(self, name: str, says: str, columns: tuple[Column, ...]) -> dict[str, Any]:
        """A file as a Data Resource (Data Package 2.0)."""
        file = self._files[name]
        fields = [
            {"name": column.name, "type": IN_TABLE_SCHEMA[column.type], "description": column.says}
            for column in columns
        ]
        return {
            "name": name.removesuffix(".parquet"),
            "title": says,
            "path": file.path,
            "type": "table",
            "format": "parquet",
            "mediatype": "application/vnd.apache.parquet",
            "bytes": file.bytes,
            "hash": file.hash,
            "rows": file.rows,
            "schema": {"fields": fields},
        }


def _of_part(rows: Rows, part: Part) -> tuple[Rows, Rows]:
    """The rows that the revisions of a part opened, and those that they closed."""
    since, until = rows[SINCE], rows[UNTIL]
    numbered = {**rows, ROW: np.arange(len(since), dtype=np.int32)}
    opened = (since >= part.first) & (since <= part.last)
    closed = (until >= part.first) & (until <= part.last)
    return (
        {name: column[opened] for name, column in numbered.items()},
        {name: numbered[name][closed] for name in (ROW, UNTIL)},
    )


def _entries(session: Session, part: Part) -> dict[str, Array]:
    body = col(Entry.body)
    entries = session.execute(
        select(col(Entry.revision), col(Entry.kind), col(Entry.recorded_at), col(Entry.leaf_hash), body)
        .where(col(Entry.revision) >= part.first, col(Entry.revision) <= part.last)
        .order_by(col(Entry.revision))
    )
    rows = [
        (revision, recorded_at, leaf.hex(), body if kind == CLAIM else None)
        for revision, kind, recorded_at, leaf, body in entries
    ]
    return {column.kept: _array(column, [row[place] for row in rows]) for place, column in enumerate(ENTRIES)}


def _array(column: Column, values: list[Any]) -> Array:
    match column.type:
        case Type.NUMBER:
            return np.array([NONE if value is None else value for value in values], np.int64)
        case Type.TRUTH:
            return np.array(values, bool)
        case Type.INSTANT:
            return np.array([round((value - _EPOCH).total_seconds() * _US) for value in values], np.int64)
        case _:
            return np.array([None if value is None else str(value) for value in values], object)


def _descriptor(about: About, licence: Licence, public_url: str) -> dict[str, Any]:
    return {
        "$schema": PROFILE,
        "name": COUNTS_NAME,
        "title": "A registry of political prisoners, as far as counts need it: no names, and nobody's address",
        "version": str(about.revision),
        "created": about.recorded_at,
        **({"homepage": public_url} if public_url else {}),
        "licenses": [{"name": licence.value, "path": ADDRESSES[licence]}],
        "recuento": about.model_dump(),
        "resources": [],
    }


def _before(session: Session, folder: Path) -> Before | None:
    """The newest folder, if it is of this log, whatever was put back meanwhile, and of today's rules."""
    newest = (folder / LATEST).resolve()
    descriptor = described(newest)
    if descriptor is None or descriptor.recuento.rules != RULES or is_of_other_log(session, descriptor.recuento):
        return None
    return Before(newest, descriptor.files)


def is_of_other_log(session: Session, about: About) -> bool:
    """Whether files are of entries that this log does not have: an earlier copy of the database was put back."""
    entry = select(col(Entry.leaf_hash)).where(col(Entry.revision) == about.revision)
    leaf = session.scalars(entry).one_or_none()
    return leaf is None or leaf.hex() != about.leaf_hash
