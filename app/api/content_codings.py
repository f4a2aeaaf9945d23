"""Compress bodies in the coding that a client accepts (RFC 9110 section 8.4)."""

import zlib
from collections.abc import Callable
from functools import lru_cache

import brotli
import zstandard
from fastapi import Request

from app.api.responses import parse_quality_value


def accepts_gzip(request: Request) -> bool:
    """Return whether the client accepts gzip (RFC 9110 section 12.5.3)."""
    codings = ",".join(request.headers.getlist("accept-encoding")).split(",")
    return any(coding == "gzip" and weight > 0 for coding, weight in map(parse_quality_value, codings))


# These levels take about a millisecond for 20 kB; the next level takes twice as long and saves a twentieth.
BROTLI_QUALITY, ZSTD_LEVEL, GZIP_LEVEL = 5, 6, 6
MAX_HEADER_LENGTH = 200  # characters of Accept-Encoding: browsers send thirty, and parsing blocks the event loop
GZIP_WBITS = 16 + zlib.MAX_WBITS  # selects the gzip header in zlib


def _compress_gzip(body: bytes) -> bytes:
    compressor = zlib.compressobj(GZIP_LEVEL, wbits=GZIP_WBITS)  # without a time stamp: equal bodies give equal bytes
    return compressor.compress(body) + compressor.flush()


# In order of compression: the first one is chosen if a client accepts several with equal weight.
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, quality=BROTLI_QUALITY),
    "zstd": lambda body: zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(body),
    "gzip": _compress_gzip,
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
