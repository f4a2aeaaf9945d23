"""Count files as the operator writes them (`recuento files write`), at `/data/{revision}/`."""

import re
from pathlib import Path as Folder
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from app.errors import NotFound
from app.exchange.count_files.folders import LATEST
from app.exchange.package import DESCRIPTOR

NONE_HERE = "There is no such file of counts here: /data/latest/ has the newest, if this registry gives any."
# A folder never changes, but where an earlier copy of the database was put back, or other rules came.
KEPT = "public, max-age=86400"
_TYPES = {
    ".json": "application/json",
    ".sql": "application/sql; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
}
_NAME = re.compile(r"[a-z][a-z0-9_-]*\.[a-z]+")  # of a file; none goes up or is hidden

count_files = APIRouter(prefix="/data", include_in_schema=False)

Revision = Annotated[str, Path(pattern=r"^([0-9]{1,16}|latest)$")]


@count_files.get("/{revision}/")
def read_folder(request: Request, revision: Revision) -> Response:
    """The descriptor of a revision's files."""
    return read_file(request, revision, DESCRIPTOR)


@count_files.get("/{revision}/{name}", responses={206: {"description": "The part that was asked for"}})
def read_file(request: Request, revision: Revision, name: str) -> Response:
    """A file of a revision; of the newest, its address."""
    folder: Folder | None = request.app.state.settings.count_files
    if folder is None or _NAME.fullmatch(name) is None:
        raise NotFound(NONE_HERE)
    if revision == LATEST:
        newest = (folder / LATEST).resolve().name
        if newest == LATEST:
            raise NotFound(NONE_HERE)
        shown = "" if name == DESCRIPTOR else name
        return RedirectResponse(f"/data/{newest}/{shown}", 307, {"Cache-Control": "no-cache"})
    path = folder.resolve() / revision / name
    if path.resolve() != path or not path.is_file() or path.suffix not in _TYPES:  # a link may lead anywhere
        raise NotFound(NONE_HERE)
    return FileResponse(path, media_type=_TYPES[path.suffix], headers={"Cache-Control": KEPT})
