"""What was made of a text, remembered within one act: a request, a list that is filed, a chore.

The names of a report are read several times, and those of a list recur. But a memory that all requests shared would
tell by the clock whose name was read before: who is hidden, and whom others look for. So each act has its own; a
command, which nobody times from afar, has that of its process.

Text in the form that is compared: lower case, without accents and punctuation; and the words of a name.

Folding loses the differences of spellings; the text as reported is stored elsewhere.

A folded word of any script in Latin letters, for comparing.

`anyascii` (ISC licence) knows the letters of every script; what stands here is what it cannot know of names: articles,
vowels that are not written, digraphs of Greek, and the romanisation of Korean that people use."""

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

# A function → the same, with what it gave before.
ResultCache = dict[Callable[..., Any], Callable[..., Any]]

_PROCESS_CACHE: ResultCache = {}
_current_cache: ContextVar[ResultCache] = ContextVar("memory", default=_PROCESS_CACHE)


def scoped_cache(max_size: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Remember the last results of a pure function, so many at most."""

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
    """From here on, in this task and its threads, nothing is remembered from before."""
    _current_cache.set({})


@contextmanager
def use_cache(cache: ResultCache) -> Iterator[None]:
    """Remember there meanwhile."""
    token = _current_cache.set(cache)
    try:
        yield
    finally:
        _current_cache.reset(token)


# Each report is compared with dozens of others, and the same names and places recur.
NAME_CACHE_SIZE = 8_192  # whole names: each recurs within a batch of rows, and takes some KB
WORD_CACHE_SIZE = 65_536

# Words that lists put in and leave out of the same name: articles and prepositions of Spanish, Portuguese, Italian,
# Dutch, German, Arabic and Hebrew names, "son of" and "widow of", and titles. Not "abu": it tells people apart.
_PARTICLES = """
    de del la las los el da das do dos di du della van von der den al as ar ibn bin bint ould
    oglu ogly ugli qizi kizi gizi vda viuda nee mr mrs ms dr dra sr sra lic prof sheikh shaykh sheik hajji haji mulla
    mullah بن بنت ابن בן בת
"""
PARTICLES = frozenset(_PARTICLES.split())
CONJUNCTION = "y"  # joins two surnames; at either end of a name it can only be an initial

_APOSTROPHES = dict.fromkeys(map(ord, "'`\u00b4\u2018\u2019\u02b9\u02ba\u02bb\u02bc\u02be\u02bf\u2032\uff07"))
# Letters that Unicode does not decompose but lists routinely print without their stroke, tail or ligature.
_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "\u0131": "i", "ə": "a", "æ": "ae", "œ": "oe", "þ": "th"}
)
# "Roberto (surname not confirmed)": a remark in brackets is about the name and no part of it.
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\uff08[^\uff08\uff09]*\uff09")


_ACCENTS = re.compile("[\u0300-\u036f]+")
_KANA_MARKS = "\u3099\u309a"  # part of a kana letter, as ga is not ka
_ASCII_SEPARATORS = {
    code: " " for code in range(128) if not chr(code).isalnum()
}  # `_fold_character` of ASCII characters, quicker


def _fold_character(char: str) -> str:
    """The folded character: itself for letters, digits and vowel signs, nothing for accents and invisible joiners, else
    a space."""
    if unicodedata.combining(char):
        return char if char in _KANA_MARKS else ""
    category = unicodedata.category(char)
    if category[0] in "LNM":
        return char
    return "" if category == "Cf" else " "


@scoped_cache(WORD_CACHE_SIZE)
def fold(text: str) -> str:
    """The text in lower case, without accents, apostrophes and punctuation, words parted by one space.

    Letters of every script stay. Folding twice changes nothing.
    """
    plain = normalize_text("NFKD", text.translate(_APOSTROPHES)).casefold()
    plain = normalize_text("NFKD", plain).translate(_APOSTROPHES).translate(_LETTERS)
    plain = _ACCENTS.sub("", plain)
    letters = plain.translate(_ASCII_SEPARATORS) if plain.isascii() else "".join(map(_fold_character, plain))
    return " ".join(letters.split())


def split_words(text: str) -> tuple[str, ...]:
    """The folded words without bracketed remarks, unless nothing else is there."""
    return tuple(fold(_BRACKETS.sub(" ", text)).split() or fold(text).split())


def is_particle(parts: tuple[str, ...], place: int) -> bool:
    word = parts[place]
    return word in PARTICLES or (word == CONJUNCTION and 0 < place < len(parts) - 1)


class Script(Enum):
    """The kinds of script that names need: by whether vowels are written, and whether a character is a syllable."""

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
# Vav is a vowel in most names, and bet is not; the Arabic letter is a z in all romanisations that people use; the Thai
# one a j. A nasal mark of India is an n, an m only before p and b, which are spelt alike then.
_LETTER_SPELLINGS = str.maketrans({"\u05d5": "u", "ב": "b", "פ": "p", "ظ": "z", "จ": "j", **dict.fromkeys("ंংਂੰં", "n")})
# Persian and Urdu write these letters with other signs, and Arabic ends words with them in two ways.
_UNIFIED_LETTERS = str.maketrans("یىکة", "ييكه")
# How Persian says Arabic letters, and where vav is a consonant: Reza, Mousavi, Levi.
_PERSIAN_SOUNDS = str.maketrans({"ض": "ز", "ذ": "ز", "ث": "س"})
_VAV = re.compile("و(?=ي$)|^\u05d5|\u05d5(?=[\u05d5\u05d9])")
# Two Greek letters for one sound begin a word; inside it they are heard apart, or nasal.
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
# Kana: a small ya, yu or yo belongs to the letter before it, and long vowels are often written short.
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
    """The script of a word, by its first letter that is not ASCII."""
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
    """The word in lower-case ASCII letters and digits; empty where it has none (a lone mark)."""
    if word.isascii():
        return _LATIN_FAITH_SUFFIX.sub("din", _LATIN_SERVANT_PREFIX.sub("abd", word))
    script = detect_script(word)
    plain = normalize_text("NFC", word)  # folding took syllables of Korean apart
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
    """A word of Arabic script as Arabic writes it."""
    return word.translate(_UNIFIED_LETTERS)


def find_alternative_reading(word: str) -> str:
    """The other reading of a word whose script writes no vowels; the word itself if it has none."""
    if detect_script(word) is not Script.CONSONANTS:
        return word
    return _VAV.sub("v", unify_letters(word).translate(_PERSIAN_SOUNDS))


@scoped_cache(WORD_CACHE_SIZE)
def may_be_one_character(a_form: str, b_form: str) -> bool:
    """Whether characters may be the traditional and the simplified form of one: each is missing in the other's set."""
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
