"""The case number of a row: the list's own, or derived from the values that tell the person apart (pure).

A derived number stays the same while name, birth and day of detention do. A correction of these files another person,
and a curator is asked: a column of case numbers is better, and the receipt says that it is missing.
"""

import hashlib
import json
from collections import Counter
from typing import Any

from app.matching.scripts import fold
from app.registry.checks import POINTERS
from app.schemas.reports import NAME_LENGTH

DERIVED = "derived:"
DIGITS = 24  # of a SHA-256 in hex: with 96 bits no two rows of a list are expected to collide


class Repeated(ValueError):
    """The case number of a row that an earlier `row` of the file has too."""

    def __init__(self, row: int) -> None:
        super().__init__()
        self.row = row


class Keys:
    """The case numbers of one file, given out in the order of its rows."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._alike: Counter[str] = Counter()
        self.derived = 0

    def give(self, number: int, body: dict[str, Any]) -> None:
        """Derive the case number of a body without one. Raises Repeated if an earlier row has the same number."""
        own = body.get("source_record_id")
        if own is None:
            body["source_record_id"] = self._derive(body)
            return
        first = self._rows.setdefault(str(own).strip(), number)
        if first != number:
            raise Repeated(first)

    def _derive(self, body: dict[str, Any]) -> str:
        """The derived number; `…-2` for the second of two people whom nothing tells apart."""
        self.derived += 1
        values = json.dumps(_telling(body), ensure_ascii=False, sort_keys=True, default=str)
        base = DERIVED + hashlib.sha256(values.encode()).hexdigest()[:DIGITS]
        self._alike[base] += 1
        return base if self._alike[base] == 1 else f"{base}-{self._alike[base]}"


def _telling(body: dict[str, Any]) -> dict[str, Any]:
    """The values that tell the person of a body apart."""
    pointers = {name: body[name] for name, _kind in POINTERS if body.get(name) is not None}
    if pointers:
        return pointers
    detainee, detention = _section(body, "detainee"), _section(body, "detention")
    name = detainee.get("full_name")
    telling = {"name": _folded(name), "birth": detainee.get("birth_date"), "detained": detention.get("detained_on")}
    if telling["name"]:
        return telling
    facts = {name: detainee.get(name) for name in ("age", "nationalities")}
    return telling | facts | {"place": _folded(detention.get("facility"))}


def _folded(text: Any) -> str | None:
    """The folded text. A text too long for a name will be refused: it is cut, since folded texts are cached."""
    return fold(text[:NAME_LENGTH]) if isinstance(text, str) else None


def _section(body: dict[str, Any], name: str) -> dict[str, Any]:
    section = body.get(name)
    return section if isinstance(section, dict) else {}
