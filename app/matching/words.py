"""Which given names are spellings, translations or short forms of one another: `given_names.txt`, and for English the
package `nicknames` (Apache-2.0).

Parse a name into words, each with its sounds, its lines in the list of given names, and its part in the name."""

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from nicknames import NickNamer

from app.matching import romanisation
from app.matching.phonetics import loose as loose_text
from app.matching.phonetics import printed, sound
from app.matching.scripts import (
    NAMES_REMEMBERED,
    REMEMBERED,
    Script,
    fold,
    is_particle,
    latin,
    one_letter,
    otherwise,
    remembered,
    script_of,
)
from app.matching.scripts import words as words_of
from app.unicode_text import normal

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


# The longer before the shorter that it begins with. Yoruba and Igbo leave out "the Lord's" at will (oluwa, chukwu).
_ARTICLES = """
    vanden vander vande dela delos delas oluwa chukwu al el ul ben bin del de di da las los la
"""
_PREFIXES = tuple(_ARTICLES.split())
LEAST_STEM = 4  # letters that must remain behind a prefix
MAX_WORDS = 8  # full names have four to six; more would flood the index and make comparing slow

# "Vagif oglu": the word before is the father's.
_PATRONYMIC_AFTER = frozenset(["oglu", "ogly", "ugli", "qizi", "kizi", "gizi"])
_PATRONYMIC = re.compile("(?:[oeai]v[iy]ch|ovych|ovna|[eyi]vna|inichna|ichna|a[uw]na)$")
# "Khalid bin Said": the word after is.
_PATRONYMIC_BEFORE = frozenset(["bin", "ibn", "bint", "بن", "بنت", "ابن"])
_GENERATIONS = {"jr": 2, "junior": 2, "hijo": 2, "filho": 2, "ii": 2, "iii": 3, "iv": 4}
_WIDOW = frozenset(("vda", "viuda"))
_ARABIC = frozenset(["al", "bin", "ibn", "bint", "abu", "abou", "umm", "ould"])  # as words: marks of an Arabic name
# Ranks and offices before a name, and what may follow them ("capitán de navío"); later they are surnames.
_TITLES_BEFORE = """
    cap capitan cnel coronel tcnel gral general mayor sgto sargento tte teniente almirante comisario comisaria inspector
    inspectora abg abogado abogada ing ingeniero ingeniera dip diputado diputada concejal concejala alcaldesa padre pbro
    monsenor fray don dona profesor profesora doctor doctora senor senora periodista
    sir captain capt colonel col major maj lieutenant lt sgt sergeant rev professor shri sri smt datuk dato hajj alhaj
    ayatollah imam maulana chief herr frau monsieur madame
"""
_TITLES = frozenset(_TITLES_BEFORE.split())
_AFTER_TITLES = "navio corbeta fragata brigada division primero segundo primer tecnico ayudante de"
_OF_TITLES = frozenset(_AFTER_TITLES.split())
# "Of the faith": one name with the word before it.
_FAITH = frozenset(["din", "deen", "dine", "eddin", "eddine", "uddin", "aldin", "الدين", "الدین"])
_NISBA = re.compile("....[iy]$")  # Mansouri: of the house of Mansour
# "Servant of": one name with the word after it.
_SERVANT = frozenset(["abd", "abdul", "abdel", "abdal", "abdur", "abdu", "عبد"])
_HYPHEN = re.compile(r"\w[-\u2010\u2011]\w")
# Who may have a married name ("de Morales"): a first name in -a, and the commonest women's names that do not end so.
_WOMENS = "carmen isabel mercedes dolores luz raquel ines beatriz pilar rosario consuelo belen soledad maribel"
_WOMEN = frozenset(_WOMENS.split())
# Korean surnames as their bearers spell them, by what the letters say.
_KOREAN = {"gim": "kim", "i": "lee", "bag": "park", "bak": "park", "choe": "choi", "jong": "jung", "gang": "kang",
           "jo": "cho", "yun": "yoon", "im": "lim", "gwon": "kwon", "o": "oh", "no": "roh", "u": "woo"}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)  # parsed once and cached: compared by identity, which is quick
class Word:
    """``text`` folded, ``latin`` in ASCII, ``sound`` as heard, ``loose`` the ways it may be heard if vowels vary,
    ``printed`` as a bad scan shows it, ``stem`` what is left without an article or "son of" written together with it.

    ``father``: given as the father's name. ``optional``: a husband's surname, which other lists leave out.
    """

    text: str
    latin: str
    sound: str
    loose: tuple[str, ...]
    printed: str
    script: Script
    known: NameLines
    initial: bool
    vowels_vary: bool  # a given name of Arabic, Persian or Hebrew
    stem: "Word | None"
    father: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """``vowels_vary``: an Arabic, Persian or Hebrew name. ``chinese``: its syllables, if it is made of them.
    ``korean``: the ways to read it as a Korean name."""

    words: tuple[Word, ...]
    vowels_vary: bool
    unwritten: bool  # its script writes no vowels
    chinese: romanisation.Syllables
    han: str  # its characters, if it is written in Chinese
    korean: tuple[romanisation.Reading, ...]
    generation: int  # "Jr.", "hijo", "III": said to be the son of somebody of the same name; 0 if nothing is said


@remembered(REMEMBERED)
def word_of(text: str, spelt: str | None = None) -> Word:
    """A folded word, with its Latin spelling if that is known better."""
    plain = (latin(text) if spelt is None else spelt) or text
    # One letter of a script with capitals; a single character of Chinese or Korean is a whole word.
    initial = len(text) == 1 and text != text.upper()
    loose_sounds: tuple[str, ...] = (loose_text(plain),)
    if "ch" in plain:  # in Hebrew names ch is a harsh h, in French spellings of Arabic ones it is sh
        loose_sounds = (*loose_sounds, loose_text(plain.replace("ch", "h")))
    if "g" in plain:  # Egypt says g where others say j: Naguib, Najib
        loose_sounds = (*loose_sounds, loose_text(plain.replace("gh", "q").replace("g", "j")))
    other = otherwise(text)
    if other != text and (read := loose_text(latin(other))) not in loose_sounds:
        loose_sounds = (*loose_sounds, read)
    return Word(
        text=text,
        latin=plain,
        sound=sound(plain),
        loose=loose_sounds,
        printed=printed(plain),
        script=script_of(text),
        known=known(text),
        initial=initial,
        vowels_vary=unvowelled(text) or (_NISBA.search(plain) is not None and unvowelled(plain[:-1])),
        stem=_stem(plain),
    )


def _stem(plain: str) -> Word | None:
    """The word without its prefix; of Khasan, as Russian writes it, Hasan."""
    if plain.startswith("kh") and len(plain) > LEAST_STEM:
        return word_of(plain[1:])
    for prefix in _PREFIXES:
        stem = plain.removeprefix(prefix)
        if stem != plain and len(stem) >= LEAST_STEM:
            return word_of(stem)
    return None


@remembered(REMEMBERED)
def _as_part(word: Word, father: bool, optional: bool) -> Word:
    return replace(word, father=father, optional=optional) if father or optional else word


@remembered(NAMES_REMEMBERED)
def parse(text: str) -> Name:
    """A parsed name; without words for a text that is no name."""
    parts = _untitled(words_of(text))
    parsed: list[Word] = []
    servant = ""
    married = False
    father = False
    for place, part in enumerate(parts):
        if part in _PATRONYMIC_AFTER and parsed:
            parsed[-1] = _as_part(parsed[-1], True, parsed[-1].optional)
        father = father or (part in _PATRONYMIC_BEFORE and bool(parsed))
        married = married or part in _WIDOW or (part == "de" and place == len(parts) - 2 and _may_be_married(parsed))
        if is_particle(parts, place) or (part in _GENERATIONS and parsed):
            continue
        if part in _FAITH and parsed:
            parsed[-1] = _as_part(word_of(parsed[-1].text + ("din" if part.isascii() else "دين")), father, married)
            continue
        if part in _SERVANT and place + 1 < len(parts):
            servant = "عبد" if part == "عبد" else "abd"
            continue
        whole = servant + ("l" if servant.isascii() and servant and part[0] in "aeiou" else "") + part
        for piece in (whole,) if whole.isascii() else _pieces(whole):
            word = word_of(piece) if piece.isascii() else _korean(piece, first=not parsed)
            parsed.append(_as_part(word, father or bool(_PATRONYMIC.search(word.latin)), married))
        servant, father = "", False
    told = tuple(parsed) or tuple(word_of(part) for part in parts)
    kept = _telling(told)
    han = "".join(word.text for word in kept) if all(word.script is Script.HAN for word in kept) else ""
    unwritten = any(word.script is Script.CONSONANTS for word in kept)
    varies = unwritten or not _ARABIC.isdisjoint(parts) or any(word.vowels_vary for word in kept)
    generation = max((_GENERATIONS.get(part, 0) for part in parts[1:]), default=0)
    return Name(kept, varies, unwritten, _syllables(kept, text), han, _koreans(kept), generation)


def _untitled(parts: tuple[str, ...]) -> tuple[str, ...]:
    """The parts without the titles before a name, as long as two words remain."""
    start = 0
    while len(parts) - start > 2 and (parts[start] in _TITLES or (start and parts[start] in _OF_TITLES)):
        start += 1
    return parts[start:]


def _may_be_married(before: list[Word]) -> bool:
    return len(before) > 1 and (before[0].latin.endswith("a") or any(word.latin in _WOMEN for word in before))


def _pieces(part: str) -> list[str]:
    """The family and given name of a Chinese or Korean name, which is written without a space."""
    if script_of(part) not in (Script.HAN, Script.HANGUL):
        return [part]
    plain = normal("NFC", part)
    if not 2 <= len(plain) <= 4:
        return [plain]
    cut = 2 if plain[:2] in romanisation.DOUBLE_SURNAMES and len(plain) > 2 else 1
    return [plain[:cut], plain[cut:]]


def _korean(piece: str, first: bool) -> Word:
    word = word_of(piece)
    if first and word.script is Script.HANGUL and word.latin in _KOREAN:
        return word_of(piece, _KOREAN[word.latin])
    return word


def _syllables(kept: tuple[Word, ...], text: str) -> romanisation.Syllables:
    if any(word.script not in (Script.HAN, Script.LATIN) for word in kept):
        return ()
    if any(word.script is Script.HAN for word in kept):
        if not all(word.script is Script.HAN for word in kept) or len(kept) < 2:
            return ()
        return tuple(tuple(frozenset({latin(char)}) for char in word.text) for word in kept)
    return romanisation.syllables(tuple(word.latin for word in kept), bool(_HYPHEN.search(text)))


def _koreans(kept: tuple[Word, ...]) -> tuple[romanisation.Reading, ...]:
    scripts = {word.script for word in kept}
    if scripts == {Script.HANGUL}:
        return romanisation.readings(tuple(word.text for word in kept))
    return romanisation.readings(tuple(word.latin for word in kept)) if scripts == {Script.LATIN} else ()


def _telling(told: tuple[Word, ...]) -> tuple[Word, ...]:
    """At most MAX_WORDS of the words: the longest ones, which tell most, in their order."""
    if len(told) <= MAX_WORDS:
        return told
    longest = sorted(range(len(told)), key=lambda place: (-len(told[place].text), told[place].text))[:MAX_WORDS]
    return tuple(told[place] for place in sorted(longest))
