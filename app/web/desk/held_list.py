"""A list between its trial and its sending: in the officer's browser, packed and sealed; and the names in it, for the
officer's own eyes.

The registry keeps no list that was only tried. A list of names that lies in a page in the clear could be read by
whoever finds the browser open, and changed by whoever stands between.
"""

import hashlib
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from app.imports.faults import BadFile, place_of
from app.imports.fields import GIVEN_NAMES, NAME, SURNAMES
from app.imports.lists import open_list
from app.imports.mapping import Mapping as ListMapping
from app.log import head

# Packed: some five thousand rows. A third more as text, it comes and goes with each trial, in seconds over a bad line;
# whoever has a longer list chooses the file again.
MOST_HELD = 256 * 1024
_PLACE = "list of"


def sealed(secret: bytes, data: bytes, source: str) -> str | None:
    """The list as a page may hold it for a source; None where it is too long for that."""
    packed = zlib.compress(data)
    if len(packed) > MOST_HELD:
        return None
    return urlsafe_b64encode(head.seal(secret, packed, "desk", _PLACE, source)).decode()


def opened(secret: bytes, text: str, source: str) -> bytes | None:
    """The list that a page held for this source."""
    try:  # what was sealed here unpacks to no more than the list that the API took
        return zlib.decompress(head.unseal(secret, urlsafe_b64decode(text), "desk", _PLACE, source))
    except (head.Damaged, ValueError):
        return None


def digest(data: bytes) -> str:
    """By what the API tells a list."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Told:
    """What a row says of itself: whom it names, and its case number."""

    name: str
    case: str


def rows_in(data: bytes, mapping: str, receipt: Mapping[str, Any], last: int) -> dict[int, Told]:
    """What each row says of itself, up to the row `last`; nothing where the list may have been read otherwise than
    here."""
    columns = [(place_of(one["column"]), one["heading"], set(one["fields"])) for one in receipt["columns"]]
    places = [place for place, _heading, fields in columns if not fields.isdisjoint({NAME, GIVEN_NAMES, SURNAMES})]
    of_case = next((place for place, _heading, fields in columns if "source_record_id" in fields), None)
    try:
        listed = open_list(data, ListMapping.read(mapping) if mapping.strip() else None)
        read = [(column.place, column.heading) for column in listed.columns]
        same = listed.sheet == receipt["sheet"] and read == [(place, heading) for place, heading, _fields in columns]
        if not same or listed.cells is None:
            return {}
        cells = takewhile(lambda row: row.number <= last, listed.cells())
        return {
            row.number: Told(
                " ".join(filter(None, (row.text(place) for place in places))),
                "" if of_case is None else row.text(of_case),
            )
            for row in cells
        }
    except BadFile:
        return {}
