"""The case number of a row: the list's own, or one derived from what tells the person apart (pure).

A derived number stays the same while name, birth and day of detention do: a correction of one of them files a new
person, and a curator is asked. A column of case numbers is better, and the receipt says that it is missing.
"""

import hashlib
import json
from collections import Counter
from typing import Any

from app.matching.fold import fold
from app.registry.pointers import POINTERS
from app.registry.schemas import NAME_LENGTH

DERIVED = "derived:"
DIGITS = 24  # of a SHA-256 in hex: 96 bits, and two rows in a million million lists would meet


class Repeated(ValueError):
    """A case number that an earlier row of the file has."""

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
        """Derive a case number for a body without one. Raises Repeated for one that an earlier row has."""
        own = body.get("source_record_id")
        if own is None:
            body["source_record_id"] = self._derive(body)
            return
        first = self._rows.setdefault(str(own).strip(), number)
        if first != number:
            raise Repeated(first)

    def _derive(self, body: dict[str, Any]) -> str:
        """The derived number; for the second of two people whom nothing tells apart `…-2`."""
        self.derived += 1
        said = json.dumps(_telling(body), ensure_ascii=False, sort_keys=True, default=str)
        base = DERIVED + hashlib.sha256(said.encode()).hexdigest()[:DIGITS]
        self._alike[base] += 1
        return base if self._alike[base] == 1 else f"{base}-{self._alike[base]}"


def _telling(body: dict[str, Any]) -> dict[str, Any]:
    pointed = {name: body[name] for name, _kind in POINTERS if body.get(name) is not None}
    if pointed:
        return pointed
    detainee, detention = _section(body, "detainee"), _section(body, "detention")
    name = detainee.get("full_name")
    telling = {"name": _folded(name), "birth": detainee.get("birth_date"), "detained": detention.get("detained_on")}
    if telling["name"]:
        return telling
    place = detention.get("facility")
    return {
        **telling,
        "age": detainee.get("age"),
        "nationalities": detainee.get("nationalities"),
        "place": _folded(place),
    }


def _folded(said: Any) -> str | None:
    """The folded text; of one too long for a name, which will be refused, the beginning: folded texts are cached."""
    return fold(said[:NAME_LENGTH]) if isinstance(said, str) else None


def _section(body: dict[str, Any], name: str) -> dict[str, Any]:
    section = body.get(name)
    return section if isinstance(section, dict) else {}
