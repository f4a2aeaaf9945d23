"""Describe count files: the parts of a log, names of files, descriptors and licences."""

import errno
import hashlib
from collections.abc import Collection
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from app.columns.rows import OPEN_UNTIL
from app.dates import format_zone, parse_zone
from app.exports.package import DESCRIPTOR_FILENAME
from app.imports.faults import BadFile

# Revisions of the smallest part: some hundred kilobytes of each table. A small registry is one part.
SMALLEST_PART = 8_192
# A part is as long as so many of the next smaller ones. A log of four million entries has some thirty parts; a mirror
# fetches what is new, and now and then what was merged.
PART_FACTOR = 16


class LogPart(NamedTuple):
    """The revisions `first` to `last`."""

    first: int
    last: int

    @property
    def is_whole(self) -> bool:
        """Return whether a later revision has the same part, as long as no larger one replaces it."""
        length = self.last - self.first + 1
        while length > SMALLEST_PART and length % PART_FACTOR == 0:
            length //= PART_FACTOR
        return length == SMALLEST_PART


def split_revisions(revision: int) -> list[LogPart]:
    """Split the revisions from the first one on into parts, the largest first; the last part may be shorter than any
    whole one."""
    size, first, parts = SMALLEST_PART, 1, []
    while size * PART_FACTOR <= revision:
        size *= PART_FACTOR
    while first <= revision:
        while size > SMALLEST_PART and first + size - 1 > revision:
            size //= PART_FACTOR
        part = LogPart(first, min(first + size - 1, revision))
        parts.append(part)
        first = part.last + 1
    return parts


# The version of the files' format and meaning. It changes if a reader of this version would misread the files.
FORMAT_VERSION = 1
# The names in descriptors: a folder for everybody, and one for the operator's own readers.
COUNTS_PACKAGE_NAME, PERSONAL_PACKAGE_NAME = "recuento-counts", "recuento-personal-parts"
COUNTS_SQL_FILENAME = "counts.sql"
MOVED_COUNTS_FILENAME = "moved.json"  # of an archive: which counts the change of rules moved
# The descriptor of four million entries, in thirty parts, has three million bytes.
MAX_DESCRIPTOR_BYTES = 16 * 2**20
# Rows of all files of a folder: a registry of a million people has some thirty million, and each takes up to a hundred
# bytes of a reader's memory.
MAX_FOLDER_ROWS = 2**26


class SnapshotInfo(BaseModel):
    """The registry and the entry that the files are of."""

    format: int = Field(default=FORMAT_VERSION, ge=FORMAT_VERSION, le=FORMAT_VERSION)
    revision: int = Field(ge=1, lt=OPEN_UNTIL)
    rules: int
    leaf_hash: str
    recorded_at: str
    zone: Annotated[str, AfterValidator(lambda name: format_zone(parse_zone(name)))]
    demo: bool


class ParquetFile(BaseModel):
    """A file with its size, its digest and its number of rows."""

    path: str = Field(pattern=r"^[a-z][a-z0-9_-]*\.parquet$")
    bytes: int
    hash: str
    rows: int = Field(ge=0)

    @classmethod
    def from_path(cls, path: Path, rows: int) -> "ParquetFile":
        """Describe a file on the disk."""
        return cls(path=path.name, bytes=path.stat().st_size, hash=digest_file(path), rows=rows)

    def is_intact(self, folder: Path) -> bool:
        """Return whether the folder has the file as described. A file of another size is not read for that."""
        path = folder / self.path
        return path.is_file() and path.stat().st_size == self.bytes and digest_file(path) == self.hash


class FolderDescriptor(BaseModel):
    """The fields of a folder's descriptor that are read back."""

    homepage: str = Field("", pattern=r"^(https?://[^/\s]+)?$")
    recuento: SnapshotInfo
    resources: list[ParquetFile]

    @property
    def files(self) -> dict[str, ParquetFile]:
        """Return each file by its name."""
        return {file.path: file for file in self.resources}

    def require_intact(self, folder: Path, names: Collection[str]) -> None:
        """Raise BadFile if the files have too many rows, or if one is missing or differs from the descriptor.

        `names`: the files that will be read, each of which must be in the descriptor.
        """
        files = self.files
        rows = sum(file.rows for file in files.values())
        if rows > MAX_FOLDER_ROWS:
            raise BadFile(
                "too_large",
                f"The files in {folder} have {rows:,} rows, and this version reads {MAX_FOLDER_ROWS:,} at most.",
            )
        for name in sorted(files.keys() | names):
            if name not in files or not files[name].is_intact(folder):
                raise BadFile("damaged", f"{name} is missing or damaged: copy {folder} again.")


class CountsDescriptor(FolderDescriptor):
    """The descriptor of count files, which everybody may read."""

    name: str = Field(pattern=f"^{COUNTS_PACKAGE_NAME}$")


class _FormatHeader(BaseModel):
    format: int


class _AnyDescriptor(BaseModel):
    """The common fields of descriptors of any format version."""

    recuento: _FormatHeader


def digest_file(path: Path) -> str:
    """Return the digest of a file in the form of descriptors."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def format_part_filename(name: str, part: LogPart) -> str:
    """Return the file name of a part of a table."""
    return f"{name}-{part.first}-{part.last}.parquet"


def load_counts_descriptor(folder: Path) -> CountsDescriptor | None:
    """Load the descriptor of count files; None if there is none, or one of something else or of another format."""
    try:
        return CountsDescriptor.model_validate_json(read_descriptor(folder))
    except (OSError, ValidationError):
        return None


def read_descriptor(folder: Path) -> bytes:
    """Return the text of a descriptor. Raises OSError."""
    with (folder / DESCRIPTOR_FILENAME).open("rb") as file:
        text = file.read(MAX_DESCRIPTOR_BYTES + 1)
    if len(text) > MAX_DESCRIPTOR_BYTES:
        raise OSError(errno.EFBIG, "longer than any descriptor", str(folder / DESCRIPTOR_FILENAME))
    return text


def read_format_version(folder: Path) -> int | None:
    """Return the format version of the files in a folder; None if there are none of Recuento's."""
    try:
        return _AnyDescriptor.model_validate_json(read_descriptor(folder)).recuento.format
    except (OSError, ValidationError):
        return None


def require_format(folder: Path) -> None:
    """Raise BadFile if the format version of a folder is not the one that this version reads."""
    version = read_format_version(folder)
    if version not in (FORMAT_VERSION, None):  # a missing descriptor is reported when it is read
        raise BadFile(
            "other_format",
            f"The files in {folder} are of format {version}, and this version of Recuento reads format "
            f"{FORMAT_VERSION}: use the version that wrote them, or copy files that this one wrote.",
        )


class Licence(StrEnum):
    """Licences for data that are safe to rely on (opendefinition.org), by their SPDX identifiers."""

    CC0 = "CC0-1.0"
    CC_BY = "CC-BY-4.0"
    CC_BY_SA = "CC-BY-SA-4.0"
    ODC_BY = "ODC-By-1.0"
    ODBL = "ODbL-1.0"
    PDDL = "PDDL-1.0"


LICENCE_URLS = {
    Licence.CC0: "https://creativecommons.org/publicdomain/zero/1.0/",
    Licence.CC_BY: "https://creativecommons.org/licenses/by/4.0/",
    Licence.CC_BY_SA: "https://creativecommons.org/licenses/by-sa/4.0/",
    Licence.ODC_BY: "https://opendatacommons.org/licenses/by/1-0/",
    Licence.ODBL: "https://opendatacommons.org/licenses/odbl/1-0/",
    Licence.PDDL: "https://opendatacommons.org/licenses/pddl/1-0/",
}
