"""Fold, split and romanise text of any script for comparison, with caches scoped to one operation.

Folding gives lower case without accents and punctuation; the text as reported is stored elsewhere. `anyascii` (ISC
licence) romanises the letters of every script; this module adds what names need: articles, unwritten vowels, Greek
digraphs, and the Korean romanisation that people use.

Names are read several times per operation (a request, an imported list, a job), so results are cached. A cache shared
by all requests would disclose by timing whose name was read before: who is hidden, and whom others search. So each
operation has its own cache; a command, which nobody can time remotely, uses that of its process."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar

from anyascii import anyascii

from app.unicode_text import normalize_text

P = ParamSpec("P")
R = TypeVar("R")

# Function → its cached version.
ResultCache = dict[Callable[..., Any], Callable[..., Any]]

_PROCESS_CACHE: ResultCache = {}
_current_cache: ContextVar[ResultCache] = ContextVar("result_cache", default=_PROCESS_CACHE)


def scoped_cache(max_size: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Cache the most recent results of a pure function for the current operation."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def call_cached(*args: P.args, **kwargs: P.kwargs) -> R:
            cache = _current_cache.get()
            cached_function = cache.get(function)
            if cached_function is None:
                cached_function = cache.setdefault(function, lru_cache(max_size)(function))
            result: R = cached_function(*args, **kwargs)
            return result

        return call_cached

    return decorate


def start_empty_cache() -> None:
    """Start with an empty cache in this task and its threads."""
    _current_cache.set({})


@contextmanager
def use_cache(cache: ResultCache) -> Iterator[None]:
    """Use a cache within the context."""
    token = _current_cache.set(cache)
    try:
        yield
    finally:
        _current_cache.reset(token)


# Each report is compared with dozens of others, and the same names and places recur.
NAME_CACHE_SIZE = 8_192  # whole names: each recurs within a batch of rows, and takes some KB
WORD_CACHE_SIZE = 65_536

# Words that lists add to or omit from the same name: articles and prepositions of Spanish, Portuguese, Italian, Dutch,
# German, Arabic and Hebrew names, "son of" and "widow of", and titles. Not "abu": it distinguishes people.
_PARTICLES = """
    de del la las los el da das do dos di du della van von der den al as ar ibn bin bint ould
    oglu ogly ugli qizi kizi gizi vda viuda nee mr mrs ms dr dra sr sra lic prof sheikh shaykh sheik hajji haji mulla
    mullah بن بنت ابن בן בת
"""
PARTICLES = frozenset(_PARTICLES.split())
CONJUNCTION = "y"  # joins two surnames; at either end of a name it can only be an initial

_APOSTROPHES = dict.fromkeys(map(ord, "'`\u00b4\u2018\u2019\u02b9\u02ba\u02bb\u02bc\u02be\u02bf\u2032\uff07"))
# Letters that Unicode does not decompose but that lists routinely print without stroke, tail or ligature.
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "\u0131": "i", "ə": "a", "æ": "ae", "œ": "oe", "þ": "th"}
)
# "Roberto (surname not confirmed)": a remark in brackets is not part of the name.
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\uff08[^\uff08\uff09]*\uff09")


_ACCENTS = re.compile("[\u0300-\u036f]+")
_KANA_MARKS = "\u3099\u309a"  # part of a kana letter, as ga is not ka
_ASCII_SEPARATORS = {
    code: " " for code in range(128) if not chr(code).isalnum()
}  # `_fold_character` for ASCII characters, faster


def _fold_character(char: str) -> str:
    """Fold a character: letters, digits and vowel signs remain, accents and invisible joiners are removed, others
    become a space."""
    if unicodedata.combining(char):
        return char if char in _KANA_MARKS else ""
    category = unicodedata.category(char)
    if category[0] in "LNM":
        return char
    return "" if category == "Cf" else " "


@scoped_cache(WORD_CACHE_SIZE)
def fold(text: str) -> str:
    """Fold a text: lower case, without accents, apostrophes and punctuation, words separated by one space.

    Letters of every script remain. Folding is idempotent."""
    plain = normalize_text("NFKD", text.translate(_APOSTROPHES)).casefold()
    plain = normalize_text("NFKD", plain).translate(_APOSTROPHES).translate(_LETTERS)
    plain = _ACCENTS.sub("", plain)
    letters = plain.translate(_ASCII_SEPARATORS) if plain.isascii() else "".join(map(_fold_character, plain))
    return " ".join(letters.split())


def split_words(text: str) -> tuple[str, ...]:
    """Return the folded words without bracketed remarks, unless there is nothing else."""
    return tuple(fold(_BRACKETS.sub(" ", text)).split() or fold(text).split())


def is_particle(parts: tuple[str, ...], place: int) -> bool:
    word = parts[place]
    return word in PARTICLES or (word == CONJUNCTION and 0 < place < len(parts) - 1)


class Script(Enum):
    """Kinds of script: by whether vowels are written, and whether a character is a syllable."""

    LATIN = "latin"
    LETTERS = "letters"  # Cyrillic, Greek, Georgian, Armenian and others that write their vowels
    CONSONANTS = "consonants"  # Arabic, Hebrew, and scripts of India and beyond, whose commonest vowel is not written
    HAN = "han"
    HANGUL = "hangul"


_CONSONANT_SCRIPTS = (
    "ARABIC",
    "HEBREW",
    "SYRIAC",
    "DEVANAGARI",
    "BENGALI",
    "GURMUKHI",
    "GUJARATI",
    "TAMIL",
    "TELUGU",
    "KANNADA",
    "MALAYALAM",
    "ORIYA",
    "SINHALA",
    "THAI",
    "LAO",
    "KHMER",
    "MYANMAR",
)
# Vav is a vowel in most names, and bet is not; the Arabic letter is a z in all common romanisations; the Thai one a j.
# A nasal mark of India is an n, or an m before p and b, which are encoded alike.
_LETTER_SPELLINGS = str.maketrans({"\u05d5": "u", "ב": "b", "פ": "p", "ظ": "z", "จ": "j", **dict.fromkeys("ंংਂੰં", "n")})
# Persian and Urdu encode these letters differently, and Arabic has two forms at the end of words.
_UNIFIED_LETTERS = str.maketrans("یىکة", "ييكه")
# How Persian pronounces Arabic letters, and where vav is a consonant: Reza, Mousavi, Levi.
_PERSIAN_SOUNDS = str.maketrans({"ض": "ز", "ذ": "ز", "ث": "س"})
_VAV = re.compile("و(?=ي$)|^\u05d5|\u05d5(?=[\u05d5\u05d9])")
# Two Greek letters represent one sound at the beginning of a word; inside it they are separate or nasal.
_GREEK_RULES = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        ("oy", "ou"),
        ("([ae])y(?=[aeiobgdzlmnr])", r"\1v"),
        ("([ae])y", r"\1f"),
        ("gg", "ng"),
        ("^mp", "b"),
        ("^gk", "g"),
        ("^nt", "d"),
    )
)
# Kana: a small ya, yu or yo belongs to the preceding letter, and long vowels are often written short.
_KANA_RULES = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (("i(?=y[auo])", ""), ("(?<=[csj])(h?)y", r"\1"), ("o[ou]", "o"), ("uu", "u"))
)
_HANGUL_RULES = tuple((re.compile(pattern), sound) for pattern, sound in (("eo", "o"), ("eu", "u"), ("ae", "e")))
_ARABIC_ARTICLE = "ال"
_ARABIC_SERVANT_PREFIX = "عبدال"
_ARABIC_FAITH_SUFFIX = "الدين"
_NO_LETTER = re.compile("[^a-z0-9]")
# "Of the faith": Nur al-Din is Noureddine, Nuruddin and Nurettin, but Geraldine is not Arabic.
_LATIN_FAITH_SUFFIX = re.compile("(?<=..)(?:(?<!er)al-?d|[aeiou](?:dd|tt)|(?<=zz)ed)(?:ine?|een)$")
_LATIN_SERVANT_PREFIX = re.compile("^abd[aeiou]?(?:l(?=[^aeiou])|r(?=r))?")  # Abdelkader, Abdul Qadir, Abd al-Qadir


@scoped_cache(WORD_CACHE_SIZE)
def detect_script(word: str) -> Script:
    """Return the script of a word, by its first letter that is not ASCII."""
    for char in word:
        if char.isascii():
            continue
        name = unicodedata.name(char, "")
        if name.startswith(("CJK UNIFIED", "CJK COMPATIBILITY")):
            return Script.HAN
        if name.startswith("HANGUL"):
            return Script.HANGUL
        if name.startswith(_CONSONANT_SCRIPTS):
            return Script.CONSONANTS
        if not name.startswith("LATIN"):
            return Script.LETTERS
    return Script.LATIN


@scoped_cache(WORD_CACHE_SIZE)
def romanize(word: str) -> str:
    """Return the word in lower-case ASCII letters and digits; empty if it has none (a lone mark)."""
    if word.isascii():
        return _LATIN_FAITH_SUFFIX.sub("din", _LATIN_SERVANT_PREFIX.sub("abd", word))
    script = detect_script(word)
    plain = normalize_text("NFC", word)  # folding decomposed the Korean syllables
    if script is Script.CONSONANTS:
        plain = plain.translate(_UNIFIED_LETTERS)
        if plain.endswith(_ARABIC_FAITH_SUFFIX):
            plain = plain.removesuffix(_ARABIC_FAITH_SUFFIX) + "دين"
        plain = plain.replace(_ARABIC_SERVANT_PREFIX, "abd", 1) if plain.startswith(_ARABIC_SERVANT_PREFIX) else plain
        if plain.startswith(_ARABIC_ARTICLE) and len(plain) > len(_ARABIC_ARTICLE) + 2:
            plain = plain.removeprefix(_ARABIC_ARTICLE)
        plain = plain.translate(_LETTER_SPELLINGS)
    spelling = _NO_LETTER.sub("", anyascii(plain).lower())
    rules: tuple[tuple[re.Pattern[str], str], ...] = ()
    if script is Script.HANGUL:
        rules = _HANGUL_RULES
    elif script is Script.LETTERS:
        alphabet = unicodedata.name(word[0], "").split(" ", 1)[0]
        rules = {"GREEK": _GREEK_RULES, "KATAKANA": _KANA_RULES, "HIRAGANA": _KANA_RULES}.get(alphabet, ())
    for pattern, replacement in rules:
        spelling = pattern.sub(replacement, spelling)
    return spelling


def unify_letters(word: str) -> str:
    """Return a word of Arabic script in the Arabic encoding."""
    return word.translate(_UNIFIED_LETTERS)


def find_alternative_reading(word: str) -> str:
    """Return the other reading of a word whose script writes no vowels; the word itself if it has none."""
    if detect_script(word) is not Script.CONSONANTS:
        return word
    return _VAV.sub("v", unify_letters(word).translate(_PERSIAN_SOUNDS))


@scoped_cache(WORD_CACHE_SIZE)
def may_be_one_character(a_form: str, b_form: str) -> bool:
    """Return whether characters may be traditional and simplified forms of each other: each is missing in the other's
    charset."""
    return any(
        all(
            a == b or not (_is_in_charset("gb2312", a) or _is_in_charset("big5", b)) for a, b in zip(*pair, strict=True)
        )
        for pair in ((a_form, b_form), (b_form, a_form))
    )


def _is_in_charset(charset: str, char: str) -> bool:
    try:
        char.encode(charset)
    except UnicodeEncodeError:
        return False
    return True
