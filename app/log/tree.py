"""Merkle tree hashes of RFC 9162 section 2.1.1 (pure)."""

import hashlib

LEAF_PREFIX = b"\x00"


def leaf_hash(entry: bytes) -> bytes:
    """32 bytes: SHA-256(0x00 || entry)."""
    return hashlib.sha256(LEAF_PREFIX + entry).digest()
