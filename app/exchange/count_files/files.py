"""How count files are called, and what the descriptor of a folder says of them."""

import hashlib
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from app.columns.rows import STANDS
from app.dates import parse_zone, zone_name
from app.exchange.count_files.parts import Part
from app.exchange.imports.faults import BadFile
from app.exchange.package import DESCRIPTOR


class About(BaseModel):
    """Which registry the files are of, as of which entry."""

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

    def require_whole(self, folder: Path) -> None:
        """Raises BadFile where a file is missing, or is not as the descriptor says."""
        for file in self.resources:
            path = folder / file.path
            if not path.is_file() or file.hash != digest_of(path):
                raise BadFile("damaged", f"{file.path} is missing or damaged: copy {folder} again.")


def digest_of(path: Path) -> str:
    """The digest of a file, as descriptors say it."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def file_of(name: str, part: Part) -> str:
    """The file of a part of a table."""
    return f"{name}-{part.first}-{part.last}.parquet"


def described(folder: Path) -> Described | None:
    """What a folder says of itself; None where there is no descriptor, or one of something else."""
    try:
        return Described.model_validate_json((folder / DESCRIPTOR).read_bytes())
    except (OSError, ValidationError):
        return None
