"""How far sources agree on the releases that they verified: on the day and on the kind, as each gives them itself."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from app.columns.codes import NOTHING
from app.columns.joins import NO_PLACE, places_by
from app.columns.rows import NONE, Mask, Rows
from app.counts.patterns import Patterns
from app.wire.counts import DateAgreement, KindAgreement


class Agreement(NamedTuple):
    """How many releases two sources both verified, and of how many of these their days and their kinds agree."""

    both: int
    dates: dict[DateAgreement, int]
    kinds: dict[KindAgreement, int]


def agreements(by_release: Patterns, slugs: Mapping[int, str]) -> Iterator[tuple[tuple[str, str], Agreement]]:
    """Of every two of the verifying sources, by their slugs in order. `slugs`: of all sources, by key."""
    sources = sorted(np.unique(by_release.voices["source"]).tolist(), key=lambda key: slugs[key])
    of_source = {key: np.flatnonzero(by_release.voices["source"] == key) for key in sources}
    for number, a in enumerate(sources):
        mine = places_by(len(by_release.spell), by_release.place[of_source[a]])
        for b in sources[number + 1 :]:
            shared = mine[by_release.place[of_source[b]]]
            has = shared != NO_PLACE
            words = by_release.voices.at(of_source[a][shared[has]]), by_release.voices.at(of_source[b][has])
            yield (slugs[a], slugs[b]), Agreement(len(words[0]), _dates(*words), _kinds(*words))


def _dates(a: Rows, b: Rows) -> dict[DateAgreement, int]:
    """Whether two sources give one day, days that may be one, or days that cannot."""
    said = (a["said_lo"] != NONE) & (b["said_lo"] != NONE)
    same = said & (a["said_lo"] == b["said_lo"]) & (a["said_hi"] == b["said_hi"])
    may_be = said & ~same & (a["said_lo"] <= b["said_hi"]) & (b["said_lo"] <= a["said_hi"])
    return {
        "same": _number(same),
        "compatible": _number(may_be),
        "different": _number(said & ~same & ~may_be),
        "unsaid": _number(~said),
    }


def _kinds(a: Rows, b: Rows) -> dict[KindAgreement, int]:
    said = (a["said_kind"] != NOTHING) & (b["said_kind"] != NOTHING)
    same = said & (a["said_kind"] == b["said_kind"])
    return {"same": _number(same), "different": _number(said & ~same), "unsaid": _number(~said)}


def _number(mask: Mask) -> int:
    return int(np.count_nonzero(mask))
