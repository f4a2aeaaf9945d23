"""How the folders of count files, and the files in them, are called, and what a descriptor says of them."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from app.columns.rows import STANDS
from app.dates import parse_zone, zone_name
from app.exchange.count_files.parts import Part
from app.exchange.package import DESCRIPTOR

LATEST = "latest"  # beside the folders, which are called by their revision: a link to the newest


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


def file_of(name: str, part: Part) -> str:
    """The file of a part of a table."""
    return f"{name}-{part.first}-{part.last}.parquet"


def described(folder: Path) -> Described | None:
    """What a folder says of itself; None where there is no descriptor, or one of something else."""
    try:
        return Described.model_validate_json((folder / DESCRIPTOR).read_bytes())
    except (OSError, ValidationError):
        return None
