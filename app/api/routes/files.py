"""Serve the pages of the API reference, `security.txt` (RFC 9116), and count files at `/data/{revision}/`.

All files of the reference come from this server: a script from another site would reveal the readers of a registry of
prisoners to a third party. Count files are written with `recuento files write`.
"""

from datetime import timedelta
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path as Folder
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, PlainTextResponse, RedirectResponse

from app.api.deprecation import POLICY_PATH
from app.api.openapi import DESK_OPENAPI_PATH, OPENAPI_PATH
from app.api.responses import CACHE_IMMUTABLE, CACHE_REVALIDATE, parse_if_none_match
from app.errors import NotFound
from app.exports.count_files.folders import ARCHIVE_NAME, LATEST_LINK, PublicFile, find_public_file
from app.exports.package import DESCRIPTOR_FILENAME

REFERENCE_PATH = "/docs"
DESK_REFERENCE_PATH = "/docs/desk"
# Only files and the API of this server. Swagger UI needs inline styles.
REFERENCE_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
_PACKAGE = files("fastapi_offline").joinpath("static")
_OWN_FILES = files(__package__).joinpath("reference_files")
# Name → folder and media type.
_FILES: dict[str, tuple[Traversable, str]] = {
    "swagger-ui.css": (_PACKAGE, "text/css"),
    "swagger-ui-bundle.js": (_PACKAGE, "text/javascript"),
    "start.js": (_OWN_FILES, "text/javascript"),
    POLICY_PATH.rpartition("/")[2]: (_OWN_FILES, "text/plain"),
}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Recuento: API reference</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<nav class="swagger-ui"><div class="wrapper">
<p><a href="/docs">Reading and reporting</a> · <a href="/docs/desk">Uploads, matching and curation</a></p>
</div></nav>
<div id="reference" data-document="{document}" data-start="{start}"></div>
<noscript>This page draws <a href="{document}">{document}</a> with a script.</noscript>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
# Path → the document that its page shows, and the operation that the page begins at.
_PAGES = {
    REFERENCE_PATH: _PAGE.format(document=OPENAPI_PATH, start="#/counts/count_releases"),
    DESK_REFERENCE_PATH: _PAGE.format(document=DESK_OPENAPI_PATH, start="#/imports/send_list"),
}

reference_router = APIRouter(include_in_schema=False)


@reference_router.get(REFERENCE_PATH)
@reference_router.get(DESK_REFERENCE_PATH)
async def read_reference(request: Request) -> HTMLResponse:
    """Return the page of the API reference for one of the two documents."""
    headers = {"Content-Security-Policy": REFERENCE_CSP, "Cache-Control": CACHE_REVALIDATE}
    return HTMLResponse(_PAGES[request.url.path], headers=headers)


@reference_router.get(f"{REFERENCE_PATH}/{{name}}")
def read_reference_file(name: str) -> Response:
    """Return a file of the API reference."""
    if name not in _FILES:
        raise NotFound("The reference has no such file.")
    folder, media_type = _FILES[name]
    return Response(
        folder.joinpath(name).read_bytes(), media_type=media_type, headers={"Cache-Control": CACHE_REVALIDATE}
    )


# RFC 9116 section 2.5.5 recommends less than a year.
CONTACT_VALIDITY = timedelta(days=180)

well_known_router = APIRouter(include_in_schema=False)


@well_known_router.get("/.well-known/security.txt")
async def read_security_contact(request: Request) -> PlainTextResponse:
    """Return the operator's contact for reports of vulnerabilities. Raises NotFound if none is set."""
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

Revision = Annotated[str, Path(pattern=rf"^([0-9]{{1,16}}|{ARCHIVE_NAME.pattern}|{LATEST_LINK})$")]


@count_files_router.get("/{revision}/")
def read_count_descriptor(request: Request, revision: Revision) -> Response:
    """Return the descriptor of a revision's files."""
    return read_count_file(request, revision, DESCRIPTOR_FILENAME)


@count_files_router.get("/{revision}/{name}", responses={206: {"description": "The part that was asked for"}})
def read_count_file(request: Request, revision: Revision, name: str) -> Response:
    """Return a file of a revision; `latest` redirects to the newest one."""
    file = _find_count_file(request, revision, name)
    return _redirect_to_newest(file) if revision == LATEST_LINK else _send_count_file(request, file)


def _find_count_file(request: Request, revision: str, name: str) -> PublicFile:
    """Return a public file. Raises NotFound."""
    folder: Folder | None = request.app.state.settings.count_files
    file = None if folder is None else find_public_file(folder, revision, name)
    if file is None:
        raise NotFound(NO_SUCH_FILE_DETAIL)
    return file


def _redirect_to_newest(file: PublicFile) -> Response:
    """Redirect to the file under its revision."""
    name = "" if file.path.name == DESCRIPTOR_FILENAME else file.path.name
    return RedirectResponse(f"/data/{file.path.parent.name}/{name}", 307, {"Cache-Control": CACHE_REVALIDATE})


def _send_count_file(request: Request, file: PublicFile) -> Response:
    """Return the file, or 304 if the client has it.

    Caches must revalidate: a folder is replaced after a restore of the database and when the rules or the time zone
    change, and a cached part would not match the digest in the new descriptor. An archive is never replaced.
    """
    is_archived = ARCHIVE_NAME.fullmatch(file.path.parent.name) is not None
    headers = {
        "Cache-Control": CACHE_IMMUTABLE if is_archived else CACHE_REVALIDATE,
        "ETag": f'"{file.digest}"',
    }
    if headers["ETag"] in parse_if_none_match(request):
        return Response(status_code=304, headers=headers)
    return FileResponse(file.path, media_type=_MEDIA_TYPES[file.path.suffix], headers=headers)
