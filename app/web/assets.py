"""The pages' own files: nothing comes from anywhere else. Each is named by its bytes, so that it is kept for ever."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import Response

from app.api.responses import CODINGS, PINNED, coding_for
from app.errors import NotFound

FOLDER = Path(__file__).parent / "static"
PATH = "/static"
MEDIA = {"css": "text/css; charset=utf-8", "svg": "image/svg+xml"}

assets = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Asset:
    """A file as it is served. `forms`: its bytes by the coding they are packed in."""

    address: str
    media: str
    forms: dict[str | None, bytes]


@cache
def own_files() -> dict[str, Asset]:
    """Every file by its plain name. The sheets of `static/css` are served as one, `pages.css`, in the order of their
    names: one request instead of one for each."""
    sheets = b"".join(path.read_bytes() for path in sorted((FOLDER / "css").glob("*.css")))
    files = {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.suffix[1:] in MEDIA}
    return {name: _asset(name, content) for name, content in {**files, "pages.css": sheets}.items()}


def _asset(name: str, content: bytes) -> Asset:
    stem, _dot, suffix = name.rpartition(".")
    digest = hashlib.sha256(content).hexdigest()[:12]
    forms: dict[str | None, bytes] = {None: content}
    forms.update((coding, pack(content)) for coding, pack in CODINGS.items())
    return Asset(f"{PATH}/{stem}.{digest}.{suffix}", MEDIA[suffix], forms)


@cache
def _by_address() -> dict[str, Asset]:
    return {asset.address: asset for asset in own_files().values()}


def address_of(name: str) -> str:
    """Where a file is served."""
    return own_files()[name].address


@assets.get(PATH + "/{name}")
async def read_asset(request: Request, name: str) -> Response:
    """A file of the pages."""
    asset = _by_address().get(f"{PATH}/{name}")
    if asset is None:
        raise NotFound("The pages have no such file.")
    coding = coding_for(request.headers.get("accept-encoding", ""))
    headers = {"Cache-Control": PINNED, "Vary": "Accept-Encoding"}
    if coding is not None:
        headers["Content-Encoding"] = coding
    return Response(asset.forms[coding], media_type=asset.media, headers=headers)
