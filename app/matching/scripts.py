"""A folded word of any script in Latin letters, for comparing.

`anyascii` (ISC licence) knows the letters of every script; what stands here is what it cannot know of names: articles,
vowels that are not written, digraphs of Greek, and the romanisation of Korean that people use.
"""

import re
import unicodedata
from enum import Enum
from functools import lru_cache

from anyascii import anyascii

from app.matching.fold import REMEMBERED


class Script(Enum):
    """What matters here: whether vowels are written, and whether a character is a syllable."""

    LATIN = "latin"
    LETTERS = "letters"  # Cyrillic, Greek, Georgian, Armenian and others that write their vowels
    CONSONANTS = "consonants"  # Arabic, Hebrew, and Indic scripts, whose commonest vowel is not written
    HAN = "han"
    HANGUL = "hangul"


_CONSONANTAL = (
    "ARABIC",
    "HEBREW",
    "SYRIAC",
    "DEVANAGARI",
    "BENGALI",
    "GURMUKHI",
    "GUJARATI",
    "TAMIL",
    "TELUGU",
    "SINHALA",
)
# Vav is a vowel in most names, and bet is not; the Arabic letter is a z in all romanisations that people use.
_SPELT = str.maketrans({"\u05d5": "u", "ב": "b", "פ": "p", "ظ": "z"})
_GREEK = (("oy", "ou"), ("mp", "b"), ("gk", "g"), ("nt", "d"))
_HANGUL = (("eo", "o"), ("eu", "u"), ("ae", "e"))
_ARTICLE = "ال"
_SERVANT_OF_THE = "عبدال"
_NO_LETTER = re.compile("[^a-z0-9]")
_SERVANT = re.compile("^abd[aeiou]?(?:l(?=[^aeiou])|r(?=r))?")  # Abdelkader, Abdul Qadir, Abd al-Qadir


@lru_cache(maxsize=REMEMBERED)
def script_of(word: str) -> Script:
    """By the first letter that is not ASCII."""
    for char in word:
        if char.isascii():
            continue
        name = unicodedata.name(char, "")
        if name.startswith(("CJK UNIFIED", "CJK COMPATIBILITY")):
            return Script.HAN
        if name.startswith("HANGUL"):
            return Script.HANGUL
        if name.startswith(_CONSONANTAL):
            return Script.CONSONANTS
        if not name.startswith("LATIN"):
            return Script.LETTERS
    return Script.LATIN


@lru_cache(maxsize=REMEMBERED)
def latin(word: str) -> str:
    """The word in lower-case ASCII letters and digits; empty where it has none (a lone mark)."""
    if word.isascii():
        return _SERVANT.sub("abd", word)
    script = script_of(word)
    plain = unicodedata.normalize("NFC", word)  # folding took syllables of Korean apart
    if script is Script.CONSONANTS:
        plain = plain.replace(_SERVANT_OF_THE, "abd", 1) if plain.startswith(_SERVANT_OF_THE) else plain
        if plain.startswith(_ARTICLE) and len(plain) > len(_ARTICLE) + 2:
            plain = plain.removeprefix(_ARTICLE)
        plain = plain.translate(_SPELT)
    spelt = _NO_LETTER.sub("", anyascii(plain).lower())
    pairs: tuple[tuple[str, str], ...] = ()
    if script is Script.HANGUL:
        pairs = _HANGUL
    elif script is Script.LETTERS and "GREEK" in unicodedata.name(word[0], ""):
        pairs = _GREEK
    for found, meant in pairs:
        spelt = spelt.replace(found, meant)
    return spelt
