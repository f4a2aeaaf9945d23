"""Pack the terms and the revision of a count into a short address, and parse it."""

import base64
import binascii
import zlib
from collections.abc import Mapping
from urllib.parse import parse_qsl

from app.log.entries import LEAF_DIGITS, Pin
from app.queries import addresses
from app.queries.addresses import EchoedTerm
from app.queries.countables import COUNTABLES, Countable
from app.queries.dimensions import RELEASES

CITATION_PATH = "/c/"

# The first character of a code names its packing. Never change a dictionary in use, or printed addresses stop working:
# add a new one under the next number. In "2" the bytes of the leaf precede the content of "1".
PACKED_WITH_LEAF, PACKED_WITHOUT_LEAF = "2", "1"
_DICTIONARY = (
    b"&nationality=&age_group=&category=&gender=&area=&facility=&legal_status=&condition=&destination=&group="
    b"&release_kind=release_with_measures&release_kind=full_release&release_kind=house_arrest&status=verified"
    b"&designation=political&rearrested=true&detained_from=20&detained_to=20&announced_from=20&ordered_from=20"
    b"&verified_by_match=any&not_verified_by=&max_sources=&min_sources=2&source=&verified_by=&net=true&stage=ordered"
    b"&group_by=release_kind&group_by=day&group_by=month&stage=carried_out&net=false&group_by=source"
    b"country=VE&released_from=2026-01-01&released_to=2026-01-31&stage=carried_out&net=false&group_by=source&as_of=r"
)
# CRC-32 over the packed bytes, appended to them. It detects every single wrong character and every swap of two
# neighbours, and misses one in four thousand million of other errors. A mistyped address must never lead to another
# count.
_CHECKSUM_BYTES = 4
MAX_QUERY_LENGTH = 12_000  # unpacked characters; the longest possible terms need fewer
MAX_CODE_LENGTH = MAX_QUERY_LENGTH * 4 // 3  # base64 of a query that does not compress


class BadCode(ValueError):
    """A code that does not belong to any citation."""


def build_short_address(
    terms: Mapping[str, EchoedTerm], as_of: Pin, countable: Countable = COUNTABLES[RELEASES]
) -> str:
    """Return the short address `/c/…`: the packed terms of a count and its revision.

    The noun is included only if no term implies it."""
    noun = "" if countable.marker_term else countable.noun
    query = addresses.build_query_url(noun, terms, Pin(as_of.revision)).removeprefix("?")
    packer = zlib.compressobj(9, wbits=-15, zdict=_DICTIONARY)
    payload = bytes.fromhex(as_of.leaf or "") + packer.compress(query.encode()) + packer.flush()
    packing = PACKED_WITH_LEAF if as_of.leaf else PACKED_WITHOUT_LEAF
    return CITATION_PATH + packing + _encode_code(payload + _compute_checksum(packing, payload))


def _compute_checksum(packing: str, payload: bytes) -> bytes:
    seed = 0 if packing == PACKED_WITHOUT_LEAF else int(packing)  # so that a code is valid in one packing only
    return zlib.crc32(payload, seed).to_bytes(_CHECKSUM_BYTES, "little")


def _encode_code(code: bytes) -> str:
    return base64.urlsafe_b64encode(code).decode().rstrip("=")


def parse_short_code(code: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the noun of a code (empty if it has none) and its parameters, `as_of` last. Raise BadCode."""
    if not code.startswith((PACKED_WITH_LEAF, PACKED_WITHOUT_LEAF)) or len(code) > MAX_CODE_LENGTH:
        raise BadCode
    packing, text = code[0], code[1:]
    leaf_length = LEAF_DIGITS // 2 if packing == PACKED_WITH_LEAF else 0
    unpacker = zlib.decompressobj(wbits=-15, zdict=_DICTIONARY)
    try:
        decoded = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        payload, check = decoded[:-_CHECKSUM_BYTES], decoded[-_CHECKSUM_BYTES:]
        if check != _compute_checksum(packing, payload) or text != _encode_code(decoded):
            raise BadCode
        leaf, payload = payload[:leaf_length].hex(), payload[leaf_length:]
        noun, _mark, query = unpacker.decompress(payload, MAX_QUERY_LENGTH).decode().rpartition("?")
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True)
    except (binascii.Error, zlib.error, ValueError):
        raise BadCode from None
    if not unpacker.eof or unpacker.unused_data or pairs[-1][0] != "as_of":
        raise BadCode
    return noun, [*pairs[:-1], ("leaf", leaf), pairs[-1]] if leaf else pairs
