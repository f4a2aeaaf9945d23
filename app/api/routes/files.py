"""The API reference: the OpenAPI document as a page, with every file of it served from here.

A browser that fetched the page's script from elsewhere would tell a third party who reads a registry of prisoners.

Where to write about a weakness (RFC 9116).

Count files as the operator writes them (`recuento files write`), at `/data/{revision}/`."""

from datetime import timedelta
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path as Folder
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse
from fastapi.responses import Response as PlainResponse

from app.api.responses import CACHE_REVALIDATE, parse_if_none_match
from app.errors import NotFound
from app.exports.count_files.folders import LATEST_LINK, PublicFile, find_public_file
from app.exports.package import DESCRIPTOR_FILENAME

REFERENCE_PATH = "/docs"
# Only files of this registry, and its own API to try questions on. Swagger UI sets styles on what it draws.
REFERENCE_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_PACKAGE = files("fastapi_offline").joinpath("static")
# File → where it stands and its media type.
_FILES: dict[str, tuple[Traversable, str]] = {
    "swagger-ui.css": (_PACKAGE, "text/css"),
    "swagger-ui-bundle.js": (_PACKAGE, "text/javascript"),
    "start.js": (files(__package__).joinpath("reference_files"), "text/javascript"),
}
_PAGE = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Recuento: API reference</title>
<link rel="stylesheet" href="{REFERENCE_PATH}/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<noscript>This page draws <a href="/openapi.json">openapi.json</a> with a script.</noscript>
<script src="{REFERENCE_PATH}/swagger-ui-bundle.js"></script>
<script src="{REFERENCE_PATH}/start.js"></script>
</body>
</html>
"""

reference_router = APIRouter(include_in_schema=False)


@reference_router.get(REFERENCE_PATH)
async def read_reference() -> HTMLResponse:
    """The page."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": REFERENCE_CSP, "Cache-Control": CACHE_REVALIDATE})


@reference_router.get(f"{REFERENCE_PATH}/{{name}}")
def read_reference_file(name: str) -> PlainResponse:
    """A file of the page."""
    if name not in _FILES:
        raise NotFound("The reference has no such file.")
    folder, media_type = _FILES[name]
    return PlainResponse(
        folder.joinpath(name).read_bytes(), media_type=media_type, headers={"Cache-Control": CACHE_REVALIDATE}
    )


# RFC 9116 section 2.5.5 asks for less than a year. Whoever reads a copy older than this asks again.
CONTACT_VALIDITY = timedelta(days=180)

well_known_router = APIRouter(include_in_schema=False)


@well_known_router.get("/.well-known/security.txt")
async def read_security_contact(request: Request) -> PlainTextResponse:
    """The contact that whoever runs the registry has set, if any."""
    state = request.app.state
    if state.security_contact is None:
        raise NotFound("Whoever runs this registry has not said where to write about a weakness.")
    expires = (state.clock() + CONTACT_VALIDITY).strftime("%Y-%m-%dT00:00:00Z")
    lines = [f"Contact: {state.security_contact}", f"Expires: {expires}", "Preferred-Languages: en, es"]
    if state.public_url:
        lines.append(f"Canonical: {state.public_url}{request.url.path}")
    return PlainTextResponse("".join(f"{line}\n" for line in lines))


NO_SUCH_FILE_DETAIL = "There is no such file of counts here: /data/latest/ has the newest, if this registry gives any."
_MEDIA_TYPES = {
    ".json": "application/json",
    ".sql": "application/sql; charset=utf-8",
    ".parquet": "application/vnd.apache.parquet",
}

count_files_router = APIRouter(prefix="/data", include_in_schema=False)

Revision = Annotated[str, Path(pattern=rf"^([0-9]{{1,16}}|{LATEST_LINK})$")]


@count_files_router.get("/{revision}/")
def read_count_descriptor(request: Request, revision: Revision) -> Response:
    """The descriptor of a revision's files."""
    return read_count_file(request, revision, DESCRIPTOR_FILENAME)


@count_files_router.get("/{revision}/{name}", responses={206: {"description": "The part that was asked for"}})
def read_count_file(request: Request, revision: Revision, name: str) -> Response:
    """A file of a revision; of the newest, its address."""
    file = _find_count_file(request, revision, name)
    return _redirect_to_newest(file) if revision == LATEST_LINK else _send_count_file(request, file)


def _find_count_file(request: Request, revision: str, name: str) -> PublicFile:
    """Raises NotFound."""
    folder: Folder | None = request.app.state.settings.count_files
    file = None if folder is None else find_public_file(folder, revision, name)
    if file is None:
        raise NotFound(NO_SUCH_FILE_DETAIL)
    return file


def _redirect_to_newest(file: PublicFile) -> Response:
    """Where the file of the newest revision is."""
    name = "" if file.path.name == DESCRIPTOR_FILENAME else file.path.name
    return RedirectResponse(f"/data/{file.path.parent.name}/{name}", 307, {"Cache-Control": CACHE_REVALIDATE})


def _send_count_file(request: Request, file: PublicFile) -> Response:
    """The file, or 304 to whoever has it. A folder is replaced where an earlier copy of the database was put back, or
    the rules or the zone are others: a part that a cache kept would stand beside a descriptor that has another digest
    of it. So a cache asks each time, and by the digest it is told quickly."""
    headers = {"Cache-Control": CACHE_REVALIDATE, "ETag": f'"{file.digest}"'}
    if headers["ETag"] in parse_if_none_match(request):
        return Response(status_code=304, headers=headers)
    return FileResponse(file.path, media_type=_MEDIA_TYPES[file.path.suffix], headers=headers)
