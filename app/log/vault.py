"""What is kept beside the log and may be read by few is encrypted: whoever has the database without the secret reads no
word of it. So are the cells that an import keeps of a list, the real names of sources, reports under an embargo, and
what people write with objections.

AES-256-GCM (NIST SP 800-38D) with a random nonce before each text. Its key comes from the operator's secret by HKDF
(RFC 5869), under a label of its own. The place of a text (its import, and what it is there) is authenticated with it,
so that none can be put in the place of another.
"""

import json
import os
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

# Of all that is sealed, although it names imports, which were sealed first: another label would be another key, and
# nothing that was sealed under this one could be read.
LABEL = b"recuento: what imports keep of lists"
KEY_BYTES, NONCE_BYTES = 32, 12  # AES-256; random nonces of 96 bits are safe for 2**32 texts under one key
SECRETS = 8  # whose ciphers are remembered: a process has one secret, and tests a few


class Damaged(Exception):
    """What was stored was changed, or was sealed with another secret or for another place."""


@lru_cache(maxsize=SECRETS)
def _cipher(secret: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt=None, info=LABEL).derive(secret))


def seal(secret: bytes, data: bytes, *place: object) -> bytes:
    """The data encrypted for a place."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + _cipher(secret).encrypt(nonce, data, _named(place))


def unseal(secret: bytes, sealed: bytes, *place: object) -> bytes:
    """The data that was sealed for this place. Raises Damaged."""
    try:
        return _cipher(secret).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _named(place))
    except (InvalidTag, ValueError):
        raise Damaged from None


def seal_json(secret: bytes, value: Any, *place: object) -> bytes:
    return seal(secret, json.dumps(value, ensure_ascii=False).encode(), *place)


def unseal_json(secret: bytes, sealed: bytes, *place: object) -> Any:
    """The value that was sealed for this place. Raises Damaged."""
    return json.loads(unseal(secret, sealed, *place))


def _named(place: tuple[object, ...]) -> bytes:
    return json.dumps([str(part) for part in place]).encode()
