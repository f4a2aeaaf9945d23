"""Which sources verified a release, and no others: the pattern of its verifying sources."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select as select_rows
from sqlmodel import Session, col

from app.columns.rows import NO_PLACE, Array, Places, Rows, cells, places_by
from app.models import Source
from app.reading.selection import Selection, voices_of
from app.reading.terms import CountTerms
from app.vocabulary import Verdict

Pattern = frozenset[str]
# Sources of which one whole number says who verified: one bit each, in sums that floats hold exactly.
SOURCES_OF_NUMBER = 52
_SLUGS = select_rows(col(Source.key), col(Source.slug))


@dataclass(frozen=True)
class Patterns:
    """The releases of a count by their verifying sources. `spell`: of each release; `pattern`: the place of its pattern
    in `sources`; `voices`: what each of these sources says, and `place`: of which release."""

    spell: Array
    pattern: Array
    sources: list[Pattern]
    voices: Rows
    place: Places

    def sizes(self) -> Counter[Pattern]:
        """How many releases each pattern has; one whose sources are none is of those that nobody verified."""
        numbers = np.bincount(self.pattern, minlength=len(self.sources)).tolist()
        return Counter({pattern: number for pattern, number in zip(self.sources, numbers, strict=True) if number})


def patterns_of(session: Session, selection: Selection, terms: CountTerms, *, independent: bool = False) -> Patterns:
    """The patterns of the releases of a selection that count; `independent`: of sources whose verification is
    independent."""
    columns = selection.columns
    spell = selection.rows["spell"][selection.inside & selection.counting]
    voices = voices_of(columns, terms, selection.revision)
    verified = voices["verdict"] == columns.codes.of(Verdict.VERIFIED)
    voices = voices.where(verified & voices["independent"] if independent else verified)
    place = places_by(columns.keys, spell)[voices["spell"]]
    voices, place = voices.where(place != NO_PLACE), place[place != NO_PLACE]
    source = voices["source"]
    keys = np.flatnonzero(np.bincount(source))
    slugs = slugs_by_key(session)
    words = []
    for first in range(0, len(keys), SOURCES_OF_NUMBER):
        some = keys[first : first + SOURCES_OF_NUMBER]
        bit = np.zeros(int(keys[-1]) + 1)
        bit[some] = 2.0 ** np.arange(len(some))
        # A source says one thing of a release, so that the sum has each bit once.
        words.append(np.bincount(place, bit[source], len(spell)).astype(np.int64))
    found = cells(words or [np.zeros(len(spell), np.int64)])
    sources = []
    for of_pattern in zip(*(word.tolist() for word in found.values), strict=True):
        bits = [divmod(number, SOURCES_OF_NUMBER) for number in range(len(keys))]
        sources.append(frozenset(slugs[int(keys[n])] for n, (w, bit) in enumerate(bits) if of_pattern[w] >> bit & 1))
    return Patterns(spell, found.number, sources, voices, place)


def slugs_by_key(session: Session) -> dict[int, str]:
    """The slug of each source by its key."""
    slugs: dict[int, str] = dict(session.connection().execute(_SLUGS).all())
    return slugs
