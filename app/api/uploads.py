"""What comes with a list that is sent: the file, packed or not, and the mapping."""

import zlib

from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser

from app.errors import Invalid, UnsupportedMediaType
from app.imports.faults import BadFile
from app.imports.mapping import Mapping, decoded

GZIP = 16 + zlib.MAX_WBITS  # that header and checksum alone, as zlib names it
UNPACKABLE = "The packed list is damaged or breaks off: pack it again with gzip, and send it whole."
FORM = "Send a form with a part `file`, once, a part `mapping` if need be, and no others."
# Of the encodings that a form may name, some fail in ways of their own, and one (Punycode) takes hours for a list.
UTF_8 = b"utf-8"
FORM_DATA = b"multipart/form-data"
IN_UTF_8 = "Send the form in UTF-8: leave `charset` out of its Content-Type, or say utf-8."
SENT = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "mapping": {"type": "string", "description": "TOML: which column is what"},
                    },
                }
            },
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


class _InMemory(MultiPartParser):
    """A list holds names: no part of it is put on disk, and the bound of bodies bounds it here too."""

    spool_max_size = 2**40

    def close(self) -> None:
        """Let go of every part that was begun: one that never ended is in no form."""
        for part in self._files_to_close_on_error:
            part.close()


async def parts(request: Request) -> tuple[bytes, bytes | None]:
    """The file and the mapping that were sent: two parts of a form, or the file alone as the body, packed or not."""
    body = await request.body()
    packed = request.headers.get("content-encoding")
    if packed is not None:
        return _unpacked(body, packed.strip().lower(), request.app.state.max_import_bytes), None
    kind, _options = parse_options_header(request.headers.get("content-type"))
    if kind != FORM_DATA:
        return body, None
    sent_parts: dict[str, bytes] = {}
    for name, part in await form_parts(request, most=2, longest=len(body) + 1):
        if name not in ("file", "mapping") or name in sent_parts:
            raise Invalid.at("", "unknown_field", FORM)
        sent_parts[name] = part
    if "file" not in sent_parts:
        raise Invalid.at("/file", "required", FORM)
    return sent_parts["file"], sent_parts.get("mapping")


async def form_parts(request: Request, *, most: int, longest: int) -> list[tuple[str, bytes]]:
    """The parts of a form by their names. `most`: of files and of other parts; `longest`: bytes of such a part; a file
    is bounded by the body. Raises Invalid."""
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != FORM_DATA:
        raise Invalid.at("", "malformed_form", FORM)
    if options.get(b"charset", UTF_8).lower() != UTF_8:
        raise Invalid.at("", "malformed_form", IN_UTF_8)
    try:
        parser = _InMemory(request.headers, request.stream(), max_files=most, max_fields=most, max_part_size=longest)
        form = await parser.parse()
    except (MultiPartException, KeyError):
        raise Invalid.at("", "malformed_form", FORM) from None
    try:
        items = form.multi_items()
        return [(name, await part.read() if isinstance(part, UploadFile) else part.encode()) for name, part in items]
    finally:
        parser.close()


def _unpacked(body: bytes, packed: str, most: int) -> bytes:
    """A list sent with `Content-Encoding: gzip` (RFC 9110 section 8.4), which is a sixth as long on a bad line. No more
    than the bound of a list is ever unpacked, whatever the body claims to hold."""
    if packed not in ("gzip", "x-gzip"):
        raise UnsupportedMediaType("Send the list as it is, or packed with gzip (Content-Encoding: gzip), in no form.")
    unpacking = zlib.decompressobj(GZIP)
    try:
        data = unpacking.decompress(body, most + 1)
    except zlib.error:
        raise Invalid.at("", "malformed_gzip", UNPACKABLE) from None
    if len(data) > most:
        raise HTTPException(413)
    if not unpacking.eof or unpacking.unused_data:
        raise Invalid.at("", "malformed_gzip", UNPACKABLE)
    return data


def mapping_of(part: bytes | None) -> Mapping | None:
    """The mapping that was sent with a list, if one was."""
    try:
        return None if part is None else Mapping.read(decoded(part))
    except BadFile as fault:
        raise Invalid.at(f"/mapping{fault.place}", fault.code, fault.detail) from None
