"""Archive the count files of rows that will be made anew under other rules, and find archives.

A permalink of earlier rules answers 410 and names the archive, from which anyone can recompute its number. An archive
lies beside the folders of revisions, never changes and is never removed.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session

from app.columns.loader import Columns
from app.counts.rule_changes import MovedCounts
from app.db.files import flush_to_disk
from app.exports.count_files.files import COUNTS_SQL_FILENAME, MOVED_COUNTS_FILENAME, Licence, load_counts_descriptor
from app.exports.count_files.folders import (
    ARCHIVE_NAME,
    LATEST_LINK,
    PUBLIC_MODES,
    create_draft,
    find_public_file,
    flush_draft,
    lock_folder,
    translate_disk_errors,
)
from app.exports.count_files.ordered_rows import OrderedRows
from app.exports.count_files.write import WriteOptions, build_descriptor, build_head_info, is_of_other_log, write_draft
from app.exports.package import DESCRIPTOR_FILENAME
from app.imports.faults import BadFile
from app.projection import RULES


@dataclass(frozen=True)
class Archive:
    """The folder of the rows of earlier rules. `revision`: the last one under them."""

    path: Path
    rules: int
    revision: int

    @property
    def addresses(self) -> dict[str, str]:
        """The addresses of its descriptor, its SQL, and the counts that moved when its rules were replaced."""
        folder = f"/data/{self.path.name}/"
        return {
            "files": folder,
            "sql": folder + COUNTS_SQL_FILENAME,
            "moved": folder + MOVED_COUNTS_FILENAME,
        }

    def load_moved_counts(self) -> MovedCounts | None:
        """Return the counts that moved when these rules were replaced; None if the list cannot be read."""
        file = find_public_file(self.path.parent, self.path.name, MOVED_COUNTS_FILENAME)
        return None if file is None else MovedCounts.model_validate_json(file.path.read_bytes())


def format_archive_name(rules: int, revision: int) -> str:
    """Return the name of the folder of an archive, which ARCHIVE_NAME matches."""
    return f"rules-{rules}-{revision}"


def list_archives(folder: Path) -> list[Archive]:
    """Return the archives in a folder, those of the newest rules and revision first."""
    matches = [(path, ARCHIVE_NAME.fullmatch(path.name)) for path in folder.iterdir()] if folder.is_dir() else []
    archives = [Archive(path, int(match[1]), int(match[2])) for path, match in matches if match is not None]
    return sorted(archives, key=lambda archive: (archive.rules, archive.revision), reverse=True)


def find_archive(session: Session, folder: Path | None, rules: int, revision: int) -> Archive | None:
    """Return the archive of this log that counts a revision under earlier rules; None if there is none."""
    for archive in list_archives(folder) if folder is not None else ():
        descriptor = load_counts_descriptor(archive.path) if archive.rules == rules else None
        if (
            descriptor is not None
            and revision <= archive.revision
            and not is_of_other_log(session, descriptor.recuento)
        ):
            return archive
    return None


def find_licence(folder: Path) -> Licence | None:
    """Return the licence of the newest count files of a folder."""
    file = find_public_file(folder, LATEST_LINK, DESCRIPTOR_FILENAME)
    licences = [] if file is None else json.loads(file.path.read_bytes())["licenses"]
    return Licence(licences[0]["name"]) if licences else None


@contextmanager
def archive_head(session: Session, columns: Columns, options: WriteOptions) -> Iterator[Path]:
    """Write the count files of the head, and publish them as an archive at the end of the block.

    Yields the archive's folder while it is a draft, so that files can be added. An archive that exists already is not
    written again: what is added then is dropped. Raises BadFile if it is of another log, and CountFilesNotWritten.
    """
    rules = columns.version.rules
    with translate_disk_errors(options.folder), lock_folder(options.folder, PUBLIC_MODES):
        info = build_head_info(session, options.zone, rules)
        target = options.folder / format_archive_name(rules, info.revision)
        stored = load_counts_descriptor(target)
        if target.exists() and (stored is None or stored.recuento.leaf_hash != info.leaf_hash):
            raise BadFile("other_log", f"{target} is of another log: move it elsewhere, then run this again.")
        draft = create_draft(options.folder)
        descriptor = build_descriptor(info, options.licence, options.public_url)
        descriptor["title"] += f"; rules {rules}"
        descriptor["description"] = (
            f"Counted under rules {rules}, which were in force up to revision {info.revision}. counts.sql counts by "
            f"these rules. Under rules {RULES} the same reports give other numbers: {MOVED_COUNTS_FILENAME} lists them."
        )
        write_draft(session, draft, descriptor, OrderedRows(session, columns), columns.codes)
        yield draft
        if not target.exists():
            flush_draft(draft, PUBLIC_MODES)
            draft.rename(target)
            flush_to_disk(options.folder)
