"""How the revisions of a log are cut into parts, each of which is written once (pure).

How count files are called, and what the descriptor of a folder says of them.

Under which licence count files are given: the operator chooses, and nobody has to ask."""

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
# A part is as long as so many of the next smaller ones: a log of four million entries has some thirty parts, and
# whoever comes back fetches what is new and now and then what was put together.
PART_FACTOR = 16


class LogPart(NamedTuple):
    """The revisions `first` to `last`."""

    first: int
    last: int

    @property
    def is_whole(self) -> bool:
        """Whether a later revision has the same part, as long as no larger one takes its place."""
        length = self.last - self.first + 1
        while length > SMALLEST_PART and length % PART_FACTOR == 0:
            length //= PART_FACTOR
        return length == SMALLEST_PART


def split_revisions(revision: int) -> list[LogPart]:
    """The parts that hold all revisions from the first one on, the largest first; the last part may be a shorter one
    than any whole part."""
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


# Of what is in a folder and what it means. Another number where a reader of this one would misread it.
FORMAT_VERSION = 1
# What descriptors call a folder that is for everybody, and one that is for the operator's own readers.
COUNTS_PACKAGE_NAME, PERSONAL_PACKAGE_NAME = "recuento-counts", "recuento-personal-parts"
COUNTS_SQL_FILENAME = "counts.sql"
# Bytes of a descriptor. That of four million entries, in thirty parts, has three million.
MAX_DESCRIPTOR_BYTES = 16 * 2**20
# Rows of all files of a folder: a registry of a million people has some thirty million, and each takes up to a hundred
# bytes of a reader's memory.
MAX_FOLDER_ROWS = 2**26


class SnapshotInfo(BaseModel):
    """Which registry the files are of, as of which entry."""

    format: int = Field(default=FORMAT_VERSION, ge=FORMAT_VERSION, le=FORMAT_VERSION)
    revision: int = Field(ge=1, lt=OPEN_UNTIL)
    rules: int
    leaf_hash: str
    recorded_at: str
    zone: Annotated[str, AfterValidator(lambda name: format_zone(parse_zone(name)))]
    demo: bool


class ParquetFile(BaseModel):
    """A file with its size, its digest and the number of its rows."""

    path: str = Field(pattern=r"^[a-z][a-z0-9_-]*\.parquet$")
    bytes: int
    hash: str
    rows: int = Field(ge=0)

    @classmethod
    def from_path(cls, path: Path, rows: int) -> "ParquetFile":
        """A file as it is on the disk."""
        return cls(path=path.name, bytes=path.stat().st_size, hash=digest_file(path), rows=rows)

    def is_intact(self, folder: Path) -> bool:
        """Whether the file stands in a folder as it is told here. One of another size is not read for that."""
        path = folder / self.path
        return path.is_file() and path.stat().st_size == self.bytes and digest_file(path) == self.hash


class FolderDescriptor(BaseModel):
    """What the descriptor of a folder says, as far as it is read back."""

    homepage: str = Field("", pattern=r"^(https?://[^/\s]+)?$")
    recuento: SnapshotInfo
    resources: list[ParquetFile]

    @property
    def files(self) -> dict[str, ParquetFile]:
        """Each file by its name."""
        return {file.path: file for file in self.resources}

    def require_intact(self, folder: Path, names: Collection[str]) -> None:
        """Raises BadFile where there is more than is read, or a file is missing or is not as the descriptor says.
        `names`: of the files that will be read, each of which must be in the descriptor."""
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
    """What a descriptor of any format says."""

    recuento: _FormatHeader


def digest_file(path: Path) -> str:
    """The digest of a file, as descriptors say it."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def format_part_filename(name: str, part: LogPart) -> str:
    """The file of a part of a table."""
    return f"{name}-{part.first}-{part.last}.parquet"


def load_counts_descriptor(folder: Path) -> CountsDescriptor | None:
    """The descriptor of count files; None where there is none, or one of something else or of another format."""
    try:
        return CountsDescriptor.model_validate_json(read_descriptor(folder))
    except (OSError, ValidationError):
        return None


def read_descriptor(folder: Path) -> bytes:
    """The text of a descriptor. Raises OSError."""
    with (folder / DESCRIPTOR_FILENAME).open("rb") as file:
        text = file.read(MAX_DESCRIPTOR_BYTES + 1)
    if len(text) > MAX_DESCRIPTOR_BYTES:
        raise OSError(errno.EFBIG, "longer than any descriptor", str(folder / DESCRIPTOR_FILENAME))
    return text


def read_format_version(folder: Path) -> int | None:
    """The format of the files in a folder; None where there are none of Recuento's."""
    try:
        return _AnyDescriptor.model_validate_json(read_descriptor(folder)).recuento.format
    except (OSError, ValidationError):
        return None


def require_format(folder: Path) -> None:
    """Raises BadFile where a folder is of another format than this version reads."""
    version = read_format_version(folder)
    if version not in (FORMAT_VERSION, None):  # whoever reads the descriptor tells of none
        raise BadFile(
            "other_format",
            f"The files in {folder} are of format {version}, and this version of Recuento reads format {FORMAT_VERSION}: use "
            "the version that wrote them, or copy files that this one wrote.",
        )


class Licence(StrEnum):
    """Licences for data that whoever counts from it may rely on (opendefinition.org), by their SPDX identifiers."""

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
