"""Content codings: which of ours a client takes, and a body packed in it (RFC 9110 section 8.4)."""

import zlib
from collections.abc import Callable
from functools import lru_cache

import brotli
import zstandard

from app.api.answers import weighed

# Of a body of 20 kB these take about a millisecond, and the next level twice that for a twentieth less.
BROTLI_QUALITY, ZSTD_LEVEL, GZIP_LEVEL = 5, 6, 6
LONGEST_LIST = 200  # characters: browsers send thirty, and reading a long list would hold up everybody
GZIP_WINDOW = 16 + zlib.MAX_WBITS  # what zlib calls the header of gzip


def _gzip(body: bytes) -> bytes:
    packing = zlib.compressobj(GZIP_LEVEL, wbits=GZIP_WINDOW)  # without a time: equal bodies make equal bytes
    return packing.compress(body) + packing.flush()


# The one that makes most bodies shortest comes first: of codings that a client takes alike, it is chosen.
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda body: brotli.compress(body, quality=BROTLI_QUALITY),
    "zstd": lambda body: zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(body),
    "gzip": _gzip,
}


@lru_cache(maxsize=256)  # browsers send a handful of values; whoever sends many gets no more room than this
def coding_for(accepted: str) -> str | None:
    """The coding of ours that `Accept-Encoding` weighs most; None where it takes none, or says more than anybody
    needs."""
    if len(accepted) > LONGEST_LIST:
        return None
    weights = dict(weighed(part) for part in accepted.split(","))
    ours = [(weights.get(coding, weights.get("*", 0.0)), coding) for coding in CODINGS]
    weight, coding = max(ours, key=lambda each: each[0])  # of equals the first
    return coding if weight > 0 else None
