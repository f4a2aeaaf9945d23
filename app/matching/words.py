"""Parse a name into words with their sounds, their lines in the list of given names, and their roles in the name.

The list of spellings, translations and short forms is `given_names.txt`, and for English the package `nicknames`
(Apache-2.0)."""

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from nicknames import NickNamer

from app.matching import romanisation
from app.matching.phonetics import encode_loose_sound, encode_scan, encode_sound
from app.matching.scripts import (
    NAME_CACHE_SIZE,
    WORD_CACHE_SIZE,
    Script,
    detect_script,
    find_alternative_reading,
    fold,
    is_particle,
    romanize,
    scoped_cache,
    split_words,
    unify_letters,
)
from app.unicode_text import normalize_text

_FILE = Path(__file__).with_name("given_names.txt")
_VOWELLESS_SECTIONS = ("# Arabic", "# Hebrew")


@dataclass(frozen=True, slots=True)
class NameLines:
    """The lines of the name list with a word, as a spelling (`full`) or as a short form (`short`)."""

    full: frozenset[int] = frozenset()
    short: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.full or self.short)


@dataclass(frozen=True, slots=True)
class _NameList:
    lines_by_word: dict[str, NameLines]
    first_spellings: tuple[str, ...]  # by line
    vowelless_lines: frozenset[int]  # lines of names whose own script writes no vowels


def _build_index_key(word: str) -> str:
    """Return the key of a word in the list: Latin words by sound, others as written."""
    if detect_script(word) is Script.CONSONANTS:
        return unify_letters(word)
    spelt = romanize(word)
    return "h" + encode_sound(spelt) if spelt.startswith("h") else encode_sound(spelt)  # Haniya is not Annie


def _read_lines() -> list[tuple[list[str], list[str], bool]]:
    """Return full forms, short forms, and whether the name's own script writes no vowels."""
    lines, is_vowelless = [], False
    for row in _FILE.read_text(encoding="utf-8").splitlines():
        if row.startswith("#"):
            is_vowelless = row.startswith(_VOWELLESS_SECTIONS)
        elif row:
            full, _, short = row.partition("|")
            lines.append((full.split(), short.split(), is_vowelless))
    english = NickNamer().nickname_lookup
    lines += [([name], sorted(short), False) for name, short in sorted(english.items())]
    return lines


@cache
def _load_name_list() -> _NameList:
    full, short = defaultdict[str, set[int]](set), defaultdict[str, set[int]](set)
    vowelless_lines = set[int]()
    lines = _read_lines()
    for number, (spellings, shorts, is_vowelless) in enumerate(lines):
        for words, index in ((spellings, full), (shorts, short)):
            for word in words:
                index[_build_index_key(fold(word))].add(number)
        if is_vowelless:
            vowelless_lines.add(number)
    lines_by_word = {word: NameLines(frozenset(full[word]), frozenset(short[word])) for word in {*full, *short}}
    return _NameList(
        lines_by_word, tuple(spellings[0] for spellings, _shorts, _is_vowelless in lines), frozenset(vowelless_lines)
    )


_NO_LINES = NameLines()


@scoped_cache(WORD_CACHE_SIZE)
def find_name_lines(word: str) -> NameLines:
    """Return the lines with a folded word; none if it is not in the list."""
    if detect_script(word) in (Script.HAN, Script.HANGUL):
        return _NO_LINES  # a syllable that sounds like a name of the list is not one
    return _load_name_list().lines_by_word.get(_build_index_key(word), _NO_LINES)


def get_first_spelling(line: int) -> str:
    """Return the first spelling of a line, which identifies it even if lines are added."""
    return _load_name_list().first_spellings[line]


def is_vowelless_name(word: str) -> bool:
    """Return whether this is a given name of Arabic, Persian or Hebrew, so that its romanisation varies in vowels."""
    return bool(find_name_lines(word).full & _load_name_list().vowelless_lines)


# Longer prefixes before their own beginnings. Yoruba and Igbo optionally omit "the Lord's" (oluwa, chukwu).
_ARTICLES = """
    vanden vander vande dela delos delas oluwa chukwu al el ul ben bin del de di da las los la
"""
_PREFIXES = tuple(_ARTICLES.split())
MIN_STEM = 4  # minimum letters after a prefix
MAX_WORDS = 8  # full names have four to six; more would flood the index and slow comparisons

# "Vagif oglu": the preceding word is the father's name.
_PATRONYMIC_SUFFIXES = frozenset(["oglu", "ogly", "ugli", "qizi", "kizi", "gizi"])
_PATRONYMIC_ENDING = re.compile("(?:[oeai]v[iy]ch|ovych|ovna|[eyi]vna|inichna|ichna|a[uw]na)$")
# "Khalid bin Said": the following word is.
_PATRONYMIC_PREFIXES = frozenset(["bin", "ibn", "bint", "بن", "بنت", "ابن"])
_GENERATIONS = {"jr": 2, "junior": 2, "hijo": 2, "filho": 2, "ii": 2, "iii": 3, "iv": 4}
_WIDOW_WORDS = frozenset(("vda", "viuda"))
_ARABIC_MARKS = frozenset(["al", "bin", "ibn", "bint", "abu", "abou", "umm", "ould"])  # words that mark an Arabic name
# Ranks and offices before a name, and what may follow them ("capitán de navío"); elsewhere they are surnames.
_TITLES_TEXT = """
    cap capitan cnel coronel tcnel gral general mayor sgto sargento tte teniente almirante comisario comisaria inspector
    inspectora abg abogado abogada ing ingeniero ingeniera dip diputado diputada concejal concejala alcaldesa padre pbro
    monsenor fray don dona profesor profesora doctor doctora senor senora periodista
    sir captain capt colonel col major maj lieutenant lt sgt sergeant rev professor shri sri smt datuk dato hajj alhaj
    ayatollah imam maulana chief herr frau monsieur madame
"""
_TITLES = frozenset(_TITLES_TEXT.split())
_TITLE_FOLLOWERS_TEXT = "navio corbeta fragata brigada division primero segundo primer tecnico ayudante de"
_TITLE_FOLLOWERS = frozenset(_TITLE_FOLLOWERS_TEXT.split())
# "Of the faith": one name with the preceding word.
_FAITH_WORDS = frozenset(["din", "deen", "dine", "eddin", "eddine", "uddin", "aldin", "الدين", "الدین"])
_NISBA = re.compile("....[iy]$")  # Mansouri: of the house of Mansour
# "Servant of": one name with the following word.
_SERVANT_WORDS = frozenset(["abd", "abdul", "abdel", "abdal", "abdur", "abdu", "عبد"])
_HYPHEN = re.compile(r"\w[-\u2010\u2011]\w")
# Indicates a possible married name ("de Morales"): a first name in -a, or one of the commonest women's names with
# another ending.
_WOMENS_NAMES_TEXT = (
    "carmen isabel mercedes dolores luz raquel ines beatriz pilar rosario consuelo belen soledad maribel"
)
_WOMENS_NAMES = frozenset(_WOMENS_NAMES_TEXT.split())
# Popular spellings of Korean surnames, by their literal romanisation.
_KOREAN_SPELLINGS = {"gim": "kim", "i": "lee", "bag": "park", "bak": "park", "choe": "choi", "jong": "jung",
                     "gang": "kang", "jo": "cho", "yun": "yoon", "im": "lim", "gwon": "kwon", "o": "oh", "no": "roh",
                     "u": "woo"}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)  # parsed once and cached: comparison by identity is fast
class Word:
    """A parsed word of a name.

    ``text``: folded. ``latin``: in ASCII. ``sound``: its encoded sound. ``loose_sounds``: its possible sounds if vowels
    vary. ``scan_form``: as a bad scan shows it. ``stem``: the word without an attached article or "son of".
    ``is_father``: the father's name. ``is_optional``: a husband's surname, which other lists omit."""

    text: str
    latin: str
    sound: str
    loose_sounds: tuple[str, ...]
    scan_form: str
    script: Script
    name_lines: NameLines
    is_initial: bool
    vowels_vary: bool  # a given name of Arabic, Persian or Hebrew
    stem: "Word | None"
    is_father: bool = False
    is_optional: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """A parsed name.

    ``vowels_vary``: an Arabic, Persian or Hebrew name. ``chinese``: its syllables, if it consists of them. ``korean``:
    its readings as a Korean name."""

    words: tuple[Word, ...]
    vowels_vary: bool
    is_vowelless: bool  # its script writes no vowels
    chinese: romanisation.Syllables
    han: str  # its characters, if it is written in Chinese
    korean: tuple[romanisation.Reading, ...]
    generation: int  # "Jr.", "hijo", "III": stated to be the son of a namesake; 0 if nothing is stated


@scoped_cache(WORD_CACHE_SIZE)
def build_word(text: str, latin_spelling: str | None = None) -> Word:
    """Build a word from folded text, with its Latin spelling if it is known better."""
    plain = (romanize(text) if latin_spelling is None else latin_spelling) or text
    # One letter of a script with capitals; a single character of Chinese or Korean is a whole word.
    is_initial = len(text) == 1 and text != text.upper()
    loose_sounds: tuple[str, ...] = (encode_loose_sound(plain),)
    if "ch" in plain:  # in Hebrew names ch is a harsh h, in French spellings of Arabic ones it is sh
        loose_sounds = (*loose_sounds, encode_loose_sound(plain.replace("ch", "h")))
    if "g" in plain:  # Egyptian g is j elsewhere: Naguib, Najib
        loose_sounds = (*loose_sounds, encode_loose_sound(plain.replace("gh", "q").replace("g", "j")))
    alternative = find_alternative_reading(text)
    if alternative != text and (alternative_sound := encode_loose_sound(romanize(alternative))) not in loose_sounds:
        loose_sounds = (*loose_sounds, alternative_sound)
    return Word(
        text=text,
        latin=plain,
        sound=encode_sound(plain),
        loose_sounds=loose_sounds,
        scan_form=encode_scan(plain),
        script=detect_script(text),
        name_lines=find_name_lines(text),
        is_initial=is_initial,
        vowels_vary=is_vowelless_name(text) or (_NISBA.search(plain) is not None and is_vowelless_name(plain[:-1])),
        stem=_find_stem(plain),
    )


def _find_stem(plain: str) -> Word | None:
    """Return the word without its prefix; Hasan for the Russian spelling Khasan."""
    if plain.startswith("kh") and len(plain) > MIN_STEM:
        return build_word(plain[1:])
    for prefix in _PREFIXES:
        stem = plain.removeprefix(prefix)
        if stem != plain and len(stem) >= MIN_STEM:
            return build_word(stem)
    return None


@scoped_cache(WORD_CACHE_SIZE)
def _mark_part(word: Word, is_father: bool, is_optional: bool) -> Word:
    return replace(word, is_father=is_father, is_optional=is_optional) if is_father or is_optional else word


@scoped_cache(NAME_CACHE_SIZE)
def parse_name(text: str) -> Name:
    """Parse a name; it has no words if the text is not a name."""
    parts = _strip_titles(split_words(text))
    parsed_words: list[Word] = []
    servant = ""
    is_married = False
    is_father = False
    for place, part in enumerate(parts):
        if part in _PATRONYMIC_SUFFIXES and parsed_words:
            parsed_words[-1] = _mark_part(parsed_words[-1], True, parsed_words[-1].is_optional)
        is_father = is_father or (part in _PATRONYMIC_PREFIXES and bool(parsed_words))
        is_married = (
            is_married
            or part in _WIDOW_WORDS
            or (part == "de" and place == len(parts) - 2 and _may_be_married(parsed_words))
        )
        if is_particle(parts, place) or (part in _GENERATIONS and parsed_words):
            continue
        if part in _FAITH_WORDS and parsed_words:
            parsed_words[-1] = _mark_part(
                build_word(parsed_words[-1].text + ("din" if part.isascii() else "دين")), is_father, is_married
            )
            continue
        if part in _SERVANT_WORDS and place + 1 < len(parts):
            servant = "عبد" if part == "عبد" else "abd"
            continue
        whole = servant + ("l" if servant.isascii() and servant and part[0] in "aeiou" else "") + part
        for piece in (whole,) if whole.isascii() else _split_family_name(whole):
            word = build_word(piece) if piece.isascii() else _build_korean_word(piece, is_first=not parsed_words)
            parsed_words.append(_mark_part(word, is_father or bool(_PATRONYMIC_ENDING.search(word.latin)), is_married))
        servant, is_father = "", False
    all_words = tuple(parsed_words) or tuple(build_word(part) for part in parts)
    name_words = _select_longest(all_words)
    han = "".join(word.text for word in name_words) if all(word.script is Script.HAN for word in name_words) else ""
    is_vowelless = any(word.script is Script.CONSONANTS for word in name_words)
    vowels_vary = is_vowelless or not _ARABIC_MARKS.isdisjoint(parts) or any(word.vowels_vary for word in name_words)
    generation = max((_GENERATIONS.get(part, 0) for part in parts[1:]), default=0)
    return Name(
        name_words,
        vowels_vary,
        is_vowelless,
        _parse_syllables(name_words, text),
        han,
        _parse_korean_words(name_words),
        generation,
    )


def _strip_titles(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the parts without the titles before a name, as long as two words remain."""
    start = 0
    while len(parts) - start > 2 and (parts[start] in _TITLES or (start and parts[start] in _TITLE_FOLLOWERS)):
        start += 1
    return parts[start:]


def _may_be_married(previous_words: list[Word]) -> bool:
    return len(previous_words) > 1 and (
        previous_words[0].latin.endswith("a") or any(word.latin in _WOMENS_NAMES for word in previous_words)
    )


def _split_family_name(part: str) -> list[str]:
    """Split a Chinese or Korean name, written without a space, into family and given name."""
    if detect_script(part) not in (Script.HAN, Script.HANGUL):
        return [part]
    plain = normalize_text("NFC", part)
    if not 2 <= len(plain) <= 4:
        return [plain]
    surname_length = 2 if plain[:2] in romanisation.DOUBLE_SURNAMES and len(plain) > 2 else 1
    return [plain[:surname_length], plain[surname_length:]]


def _build_korean_word(piece: str, is_first: bool) -> Word:
    word = build_word(piece)
    if is_first and word.script is Script.HANGUL and word.latin in _KOREAN_SPELLINGS:
        return build_word(piece, _KOREAN_SPELLINGS[word.latin])
    return word


def _parse_syllables(name_words: tuple[Word, ...], text: str) -> romanisation.Syllables:
    if any(word.script not in (Script.HAN, Script.LATIN) for word in name_words):
        return ()
    if any(word.script is Script.HAN for word in name_words):
        if not all(word.script is Script.HAN for word in name_words) or len(name_words) < 2:
            return ()
        return tuple(tuple(frozenset({romanize(char)}) for char in word.text) for word in name_words)
    return romanisation.parse_chinese(tuple(word.latin for word in name_words), bool(_HYPHEN.search(text)))


def _parse_korean_words(name_words: tuple[Word, ...]) -> tuple[romanisation.Reading, ...]:
    scripts = {word.script for word in name_words}
    if scripts == {Script.HANGUL}:
        return romanisation.parse_korean(tuple(word.text for word in name_words))
    return romanisation.parse_korean(tuple(word.latin for word in name_words)) if scripts == {Script.LATIN} else ()


def _select_longest(all_words: tuple[Word, ...]) -> tuple[Word, ...]:
    """Return at most MAX_WORDS of the words: the longest, which are the most distinctive, in their order."""
    if len(all_words) <= MAX_WORDS:
        return all_words
    longest = sorted(range(len(all_words)), key=lambda place: (-len(all_words[place].text), all_words[place].text))[
        :MAX_WORDS
    ]
    return tuple(all_words[place] for place in sorted(longest))
