"""Personal values enter the log only as salted digests, in the shape of RFC 9901 (selective disclosure).

A disclosure is `[salt, name, value]` as JSON, base64url without padding; its digest is the SHA-256 of those ASCII
bytes, again base64url. The entry lists the digests sorted, so that neither names nor order tell what was given.
The 128-bit salt makes a digest useless without the disclosure: an unsalted hash of four hundred known names would
be plaintext.
"""

import base64
import hashlib
import hmac
import json
import secrets
from typing import Any

SALT_BYTES = 16
# Made once: json.dumps makes another each time.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

Disclosures = dict[str, tuple[str, Any]]


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def seal(values: dict[str, Any]) -> Disclosures:
    """Give each value a fresh salt: `{name: (salt, value)}`."""
    return {name: (_b64(secrets.token_bytes(SALT_BYTES)), value) for name, value in sorted(values.items())}


def digest(name: str, salt: str, value: Any) -> str:
    """The digest that stands in the log for one value (RFC 9901 section 4.2.3)."""
    disclosure = _b64(_ENCODER.encode([salt, name, value]).encode())
    return _b64(hashlib.sha256(disclosure.encode()).digest())


def digests(disclosures: Disclosures) -> list[str]:
    """The sorted digests of all values."""
    return sorted(digest(name, salt, value) for name, (salt, value) in disclosures.items())


def dump(disclosures: Disclosures) -> str:
    return _ENCODER.encode(disclosures)


def values(text: str | None) -> dict[str, Any]:
    """The values alone, of disclosures as stored; `{}` once they are erased."""
    return {} if text is None else {name: value for name, (_salt, value) in json.loads(text).items()}


def keyed_digest(secret: bytes, *parts: str) -> str:
    """HMAC-SHA-256 over the parts, each with its length before it: hex, 64 characters."""
    message = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
    return hmac.new(secret, message, hashlib.sha256).hexdigest()
