"""Count files as the operator writes them (`recuento files write`), at `/data/{revision}/`."""

from pathlib import Path as Folder
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import FileResponse, RedirectResponse

from app.api.answers import UNCACHED, tags_known
from app.errors import NotFound
from app.exports.count_files.folders import LATEST, GivenFile, given_file
from app.exports.package import DESCRIPTOR

NONE_HERE = "There is no such file of counts here: /data/latest/ has the newest, if this registry gives any."
_TYPES = {
    ".json": "application/json",
    ".sql": "application/sql; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
}

count_files = APIRouter(prefix="/data", include_in_schema=False)

Revision = Annotated[str, Path(pattern=rf"^([0-9]{{1,16}}|{LATEST})$")]


@count_files.get("/{revision}/")
def read_folder(request: Request, revision: Revision) -> Response:
    """The descriptor of a revision's files."""
    return read_file(request, revision, DESCRIPTOR)


@count_files.get("/{revision}/{name}", responses={206: {"description": "The part that was asked for"}})
def read_file(request: Request, revision: Revision, name: str) -> Response:
    """A file of a revision; of the newest, its address."""
    file = _given(request, revision, name)
    return _moved(file) if revision == LATEST else _sent(request, file)


def _given(request: Request, revision: str, name: str) -> GivenFile:
    """Raises NotFound."""
    folder: Folder | None = request.app.state.settings.count_files
    file = None if folder is None else given_file(folder, revision, name)
    if file is None:
        raise NotFound(NONE_HERE)
    return file


def _moved(file: GivenFile) -> Response:
    """Where the file of the newest revision is."""
    name = "" if file.path.name == DESCRIPTOR else file.path.name
    return RedirectResponse(f"/data/{file.path.parent.name}/{name}", 307, {"Cache-Control": UNCACHED})


def _sent(request: Request, file: GivenFile) -> Response:
    """The file, or 304 to whoever has it. A folder is replaced where an earlier copy of the database was put back, or
    the rules or the zone are others: a part that a cache kept would stand beside a descriptor that has another digest
    of it. So a cache asks each time, and by the digest it is told quickly."""
    headers = {"Cache-Control": UNCACHED, "ETag": f'"{file.digest}"'}
    if headers["ETag"] in tags_known(request):
        return Response(status_code=304, headers=headers)
    return FileResponse(file.path, media_type=_TYPES[file.path.suffix], headers=headers)
