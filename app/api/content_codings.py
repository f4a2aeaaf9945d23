"""Compress bodies in the coding that a client accepts (RFC 9110 section 8.4)."""

import base64
import hashlib
import zlib
from collections.abc import AsyncIterable, AsyncIterator, Callable
from functools import lru_cache

import brotli
import zstandard
from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from app.api.responses import parse_quality_value


def accepts_gzip(request: Request) -> bool:
    """Return whether the client accepts gzip (RFC 9110 section 12.5.3)."""
    codings = ",".join(request.headers.getlist("accept-encoding")).split(",")
    return any(coding == "gzip" and weight > 0 for coding, weight in map(parse_quality_value, codings))


# These levels take about a millisecond for 20 kB; the next level takes twice as long and saves a twentieth.
BROTLI_QUALITY, ZSTD_LEVEL, GZIP_LEVEL = 5, 6, 6
MAX_HEADER_LENGTH = 200  # characters of Accept-Encoding: browsers send thirty, and parsing blocks the event loop
GZIP_WBITS = 16 + zlib.MAX_WBITS  # selects the gzip header in zlib
MIN_COMPRESSED_BYTES = 1_000  # a shorter body fits into one network packet either way
MAX_INLINE_COMPRESSION_BYTES = 32 * 1024  # about a millisecond of the event loop; longer bodies use a thread


def _compress_gzip(body: bytes) -> bytes:
    compressor = zlib.compressobj(GZIP_LEVEL, wbits=GZIP_WBITS)  # without a time stamp: equal bodies give equal bytes
    return compressor.compress(body) + compressor.flush()


# In order of compression: the first one is chosen if a client accepts several with equal weight.
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, quality=BROTLI_QUALITY),
    "zstd": lambda body: zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(body),
    "gzip": _compress_gzip,
}
StreamCompressor = tuple[Callable[[bytes], bytes], Callable[[], bytes]]  # functions: compress a part, and finish


def _start_brotli() -> StreamCompressor:
    compressor = brotli.Compressor(quality=BROTLI_QUALITY)
    return compressor.process, compressor.finish


def _start_zstd() -> StreamCompressor:
    compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL).compressobj()
    return compressor.compress, compressor.flush


def _start_gzip() -> StreamCompressor:
    compressor = zlib.compressobj(GZIP_LEVEL, wbits=GZIP_WBITS)
    return compressor.compress, compressor.flush


STREAM_CODINGS: dict[str, Callable[[], StreamCompressor]] = {
    "br": _start_brotli,
    "zstd": _start_zstd,
    "gzip": _start_gzip,
}


@lru_cache(maxsize=256)  # browsers send a handful of values
def choose_content_coding(accept_encoding: str) -> str | None:
    """Return the supported coding with the highest weight in `Accept-Encoding`; None for none or a too long header."""
    if len(accept_encoding) > MAX_HEADER_LENGTH:
        return None
    weights = dict(parse_quality_value(part) for part in accept_encoding.split(","))
    candidates = [(weights.get(coding, weights.get("*", 0.0)), coding) for coding in CODINGS]
    weight, coding = max(candidates, key=lambda candidate: candidate[0])  # the first of equal weights
    return coding if weight > 0 else None


def build_coded_tag(tag: str, coding: str | None) -> str:
    """Return the tag in a coding: other bytes need another strong tag (RFC 9110 section 8.8.3.3)."""
    return tag if coding is None else f'{tag[:-1]}-{coding}"'


def build_coded_headers(tag: str, coding: str, body: bytes) -> dict[str, str]:
    """Return the headers that a compressed body changes. The digest is that of the compressed bytes (RFC 9530)."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return {
        "content-encoding": coding,
        "content-length": str(len(body)),
        "repr-digest": f"sha-256=:{digest}:",
        "etag": build_coded_tag(tag, coding),
    }


def compress_response(response: Response, coding: str) -> Response:
    """Compress the body of a response, or the stream of its parts. A short body is returned as it is."""
    tag = response.headers["etag"]
    if isinstance(response, StreamingResponse):
        response.body_iterator = _compress_stream(response.body_iterator, coding)
        response.headers.update({"content-encoding": coding, "etag": build_coded_tag(tag, coding)})
    elif len(response.body) >= MIN_COMPRESSED_BYTES:
        response.body = CODINGS[coding](bytes(response.body))
        response.headers.update(build_coded_headers(tag, coding, response.body))
    return response


async def _compress_stream(parts: AsyncIterable[str | bytes | memoryview], coding: str) -> AsyncIterator[bytes]:
    compress, finish = STREAM_CODINGS[coding]()
    async for part in parts:
        data = part.encode() if isinstance(part, str) else bytes(part)
        is_short = len(data) <= MAX_INLINE_COMPRESSION_BYTES
        if compressed := compress(data) if is_short else await run_in_threadpool(compress, data):
            yield compressed
    yield finish()
