"""The API reference: the OpenAPI document as a page, with every file of it served from here.

A browser that fetched the page's script from elsewhere would tell a third party who reads a registry of prisoners.
"""

from importlib.resources import files
from importlib.resources.abc import Traversable

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from app.api.answers import UNCACHED
from app.errors import NotFound

PATH = "/docs"
# Only files of this registry, and its own API to try questions on. Swagger UI sets styles on what it draws.
POLICY = (
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
<link rel="stylesheet" href="{PATH}/swagger-ui.css">
</head>
<body>
<div id="reference"></div>
<noscript>This page draws <a href="/openapi.json">openapi.json</a> with a script.</noscript>
<script src="{PATH}/swagger-ui-bundle.js"></script>
<script src="{PATH}/start.js"></script>
</body>
</html>
"""

reference = APIRouter(include_in_schema=False)


@reference.get(PATH)
async def read_reference() -> HTMLResponse:
    """The page."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": POLICY, "Cache-Control": UNCACHED})


@reference.get(f"{PATH}/{{name}}")
def read_file_of_reference(name: str) -> Response:
    """A file of the page."""
    if name not in _FILES:
        raise NotFound("The reference has no such file.")
    folder, media_type = _FILES[name]
    return Response(folder.joinpath(name).read_bytes(), media_type=media_type, headers={"Cache-Control": UNCACHED})
