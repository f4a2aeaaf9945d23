"""Encrypt what is stored beside the log, bound to the place at which it is stored."""

import json
import os
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES, NONCE_BYTES = 32, 12  # AES-256; random nonces of 96 bits are safe for 2**32 texts under one key
# The label of the key for all sealed values. It names imports because they were sealed first; another label would
# derive another key, and nothing sealed so far could be read.
KEY_LABEL = b"recuento: what imports keep of lists"


class DamagedCiphertext(Exception):
    """A ciphertext that was changed, or was sealed with another secret or for another place."""


@lru_cache(maxsize=8)  # a process has one secret, tests have a few
def _get_cipher(secret: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt=None, info=KEY_LABEL).derive(secret))


def seal_bytes(secret: bytes, data: bytes, *place: object) -> bytes:
    """Return the data encrypted for a place."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _get_cipher(secret).encrypt(nonce, data, _encode_place(place))


def unseal_bytes(secret: bytes, ciphertext: bytes, *place: object) -> bytes:
    """Return the data that was sealed for this place. Raises DamagedCiphertext."""
    try:
        return _get_cipher(secret).decrypt(ciphertext[:NONCE_BYTES], ciphertext[NONCE_BYTES:], _encode_place(place))
    except (InvalidTag, ValueError):
        raise DamagedCiphertext from None


def seal_json(secret: bytes, value: Any, *place: object) -> bytes:
    return seal_bytes(secret, json.dumps(value, ensure_ascii=False).encode(), *place)


def unseal_json(secret: bytes, ciphertext: bytes, *place: object) -> Any:
    """Return the value that was sealed for this place. Raises DamagedCiphertext."""
    return json.loads(unseal_bytes(secret, ciphertext, *place))


def _encode_place(place: tuple[object, ...]) -> bytes:
    return json.dumps([str(part) for part in place]).encode()
