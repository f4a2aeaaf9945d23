"""How count files are called, and what the descriptor of a folder says of them."""

import hashlib
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from app.columns.rows import STANDS
from app.dates import parse_zone, zone_name
from app.exchange.count_files.parts import Part
from app.exchange.imports.faults import BadFile
from app.exchange.package import DESCRIPTOR

# Of what is in a folder and what it means. Another number where a reader of this one would misread it.
FORMAT = 1
# What descriptors call a folder that is for everybody, and one that is for the operator's own readers.
COUNTS_NAME, PERSONAL_NAME = "recuento-counts", "recuento-personal-parts"
COUNTS = "counts.sql"


class About(BaseModel):
    """Which registry the files are of, as of which entry."""

    format: int = Field(default=FORMAT, ge=FORMAT, le=FORMAT)
    revision: int = Field(ge=1, lt=STANDS)
    rules: int
    leaf_hash: str
    recorded_at: str
    zone: Annotated[str, AfterValidator(lambda name: zone_name(parse_zone(name)))]
    demo: bool


class File(BaseModel):
    """A file and its digest."""

    path: str = Field(pattern=r"^[a-z][a-z0-9_-]*\.parquet$")
    hash: str


class Described(BaseModel):
    """What the descriptor of a folder says, as far as it is read back."""

    homepage: str = Field("", pattern=r"^(https?://[^/\s]+)?$")
    recuento: About
    resources: list[File]

    @property
    def digests(self) -> dict[str, str]:
        """The digest of each file by its name."""
        return {file.path: file.hash for file in self.resources}

    def require_whole(self, folder: Path, names: Collection[str]) -> None:
        """Raises BadFile where a file is missing or is not as the descriptor says. `names`: of the files that will be
        read, each of which must be in the descriptor."""
        digests = self.digests
        for name in sorted(digests.keys() | names):
            path = folder / name
            if name not in digests or not path.is_file() or digests[name] != digest_of(path):
                raise BadFile("damaged", f"{name} is missing or damaged: copy {folder} again.")


class CountsDescribed(Described):
    """The descriptor of count files, which everybody may read."""

    name: str = Field(pattern=f"^{COUNTS_NAME}$")


class _Formatted(BaseModel):
    format: int


class _AnyFormat(BaseModel):
    """What a descriptor of any format says."""

    recuento: _Formatted


def digest_of(path: Path) -> str:
    """The digest of a file, as descriptors say it."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def file_of(name: str, part: Part) -> str:
    """The file of a part of a table."""
    return f"{name}-{part.first}-{part.last}.parquet"


def described(folder: Path) -> CountsDescribed | None:
    """The descriptor of count files; None where there is none, or one of something else or of another format."""
    try:
        return CountsDescribed.model_validate_json((folder / DESCRIPTOR).read_bytes())
    except (OSError, ValidationError):
        return None


def require_format(folder: Path) -> None:
    """Raises BadFile where a folder is of another format than this version reads."""
    try:
        number = _AnyFormat.model_validate_json((folder / DESCRIPTOR).read_bytes()).recuento.format
    except (OSError, ValidationError):
        return  # whoever reads the descriptor tells
    if number != FORMAT:
        raise BadFile(
            "other_format",
            f"The files in {folder} are of format {number}, and this version of Recuento reads format {FORMAT}: use "
            "the version that wrote them, or copy files that this one wrote.",
        )
