"""Which given names are spellings, translations or short forms of one another: `given_names.txt`, and for English the
package `nicknames` (Apache-2.0)."""

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nicknames import NickNamer

from app.matching.fold import REMEMBERED, fold
from app.matching.memory import remembered
from app.matching.scripts import Script, latin, one_letter, script_of
from app.matching.sounds import sound

_FILE = Path(__file__).with_name("given_names.txt")
_SECTION_OF_LOOSE = ("# Arabic", "# Hebrew")


@dataclass(frozen=True, slots=True)
class NameLines:
    """The lines of the list with a word, as a spelling (`full`) or as a short form (`short`)."""

    full: frozenset[int] = frozenset()
    short: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.full or self.short)


@dataclass(frozen=True, slots=True)
class _List:
    known: dict[str, NameLines]
    first: tuple[str, ...]  # by line: its first spelling
    unvowelled: frozenset[int]  # lines of names whose own script writes no vowels


def _index(word: str) -> str:
    """The key of a word in the list: Latin words by sound, others as written."""
    if script_of(word) is Script.CONSONANTS:
        return one_letter(word)
    spelt = latin(word)
    return "h" + sound(spelt) if spelt.startswith("h") else sound(spelt)  # Haniya is not Annie


def _lines() -> list[tuple[list[str], list[str], bool]]:
    """Full forms, short forms, and whether the name's own script writes no vowels."""
    lines, unvowelled = [], False
    for row in _FILE.read_text(encoding="utf-8").splitlines():
        if row.startswith("#"):
            unvowelled = row.startswith(_SECTION_OF_LOOSE)
        elif row:
            full, _, short = row.partition("|")
            lines.append((full.split(), short.split(), unvowelled))
    english = NickNamer().nickname_lookup
    lines += [([name], sorted(short), False) for name, short in sorted(english.items())]
    return lines


@cache
def _list() -> _List:
    full, short = defaultdict[str, set[int]](set), defaultdict[str, set[int]](set)
    unvowelled = set[int]()
    lines = _lines()
    for number, (spellings, shorts, loose) in enumerate(lines):
        for words, into in ((spellings, full), (shorts, short)):
            for word in words:
                into[_index(fold(word))].add(number)
        if loose:
            unvowelled.add(number)
    known = {word: NameLines(frozenset(full[word]), frozenset(short[word])) for word in {*full, *short}}
    return _List(known, tuple(spellings[0] for spellings, _shorts, _loose in lines), frozenset(unvowelled))


_UNKNOWN = NameLines()


@remembered(REMEMBERED)
def known(word: str) -> NameLines:
    """The lines with a folded word; none where the list does not have it."""
    if script_of(word) in (Script.HAN, Script.HANGUL):
        return _UNKNOWN  # a syllable that sounds like a name of the list is not one
    return _list().known.get(_index(word), _UNKNOWN)


def first_spelling(line: int) -> str:
    """The first spelling of a line, its name: it stays when lines are added."""
    return _list().first[line]


def unvowelled(word: str) -> bool:
    """Whether this is a given name of Arabic, Persian or Hebrew, so that its romanisation varies in vowels."""
    return bool(known(word).full & _list().unvowelled)
