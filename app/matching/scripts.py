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

from app.unicode_text import normal

P = ParamSpec("P")
R = TypeVar("R")

# A function → the same, with what it gave before.
Memory = dict[Callable[..., Any], Callable[..., Any]]

_OF_THE_PROCESS: Memory = {}
_current: ContextVar[Memory] = ContextVar("memory", default=_OF_THE_PROCESS)


def remembered(most: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Remember the last results of a pure function, so many at most."""

    def remembering(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def recall(*args: P.args, **named: P.kwargs) -> R:
            memory = _current.get()
            known = memory.get(function)
            if known is None:
                known = memory.setdefault(function, lru_cache(most)(function))
            result: R = known(*args, **named)
            return result

        return recall

    return remembering


def begin_anew() -> None:
    """From here on, in this task and its threads, nothing is remembered from before."""
    _current.set({})


@contextmanager
def memory_of(memory: Memory) -> Iterator[None]:
    """Remember there meanwhile."""
    before = _current.set(memory)
    try:
        yield
    finally:
        _current.reset(before)


# Each report is compared with dozens of others, and the same names and places recur.
NAMES_REMEMBERED = 8_192  # whole names: each recurs within a batch of rows, and takes some KB
REMEMBERED = 65_536

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
_VOICED = "\u3099\u309a"  # part of a kana letter, as ga is not ka
_PARTED = {code: " " for code in range(128) if not chr(code).isalnum()}  # `_place` of ASCII characters, quicker


def _place(char: str) -> str:
    """The folded character: itself for letters, digits and vowel signs, nothing for accents and invisible joiners, else
    a space."""
    if unicodedata.combining(char):
        return char if char in _VOICED else ""
    category = unicodedata.category(char)
    if category[0] in "LNM":
        return char
    return "" if category == "Cf" else " "


@remembered(REMEMBERED)
def fold(text: str) -> str:
    """The text in lower case, without accents, apostrophes and punctuation, words parted by one space.

    Letters of every script stay. Folding twice changes nothing.
    """
    plain = normal("NFKD", text.translate(_APOSTROPHES)).casefold()
    plain = normal("NFKD", plain).translate(_APOSTROPHES).translate(_LETTERS)
    plain = _ACCENTS.sub("", plain)
    kept = plain.translate(_PARTED) if plain.isascii() else "".join(map(_place, plain))
    return " ".join(kept.split())


def words(text: str) -> tuple[str, ...]:
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
_SPELT = str.maketrans({"\u05d5": "u", "ב": "b", "פ": "p", "ظ": "z", "จ": "j", **dict.fromkeys("ंংਂੰં", "n")})
# Persian and Urdu write these letters with other signs, and Arabic ends words with them in two ways.
_ONE_LETTER = str.maketrans("یىکة", "ييكه")
# How Persian says Arabic letters, and where vav is a consonant: Reza, Mousavi, Levi.
_OTHERWISE = str.maketrans({"ض": "ز", "ذ": "ز", "ث": "س"})
_VAV = re.compile("و(?=ي$)|^\u05d5|\u05d5(?=[\u05d5\u05d9])")
# Two Greek letters for one sound begin a word; inside it they are heard apart, or nasal.
_GREEK = tuple(
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
_KANA = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (("i(?=y[auo])", ""), ("(?<=[csj])(h?)y", r"\1"), ("o[ou]", "o"), ("uu", "u"))
)
_HANGUL = tuple((re.compile(pattern), sound) for pattern, sound in (("eo", "o"), ("eu", "u"), ("ae", "e")))
_ARTICLE = "ال"
_SERVANT_OF_THE = "عبدال"
_OF_THE_FAITH = "الدين"
_NO_LETTER = re.compile("[^a-z0-9]")
# "Of the faith": Nur al-Din is Noureddine, Nuruddin and Nurettin, but Geraldine is not Arabic.
_FAITH = re.compile("(?<=..)(?:(?<!er)al-?d|[aeiou](?:dd|tt)|(?<=zz)ed)(?:ine?|een)$")
_SERVANT = re.compile("^abd[aeiou]?(?:l(?=[^aeiou])|r(?=r))?")  # Abdelkader, Abdul Qadir, Abd al-Qadir


@remembered(REMEMBERED)
def script_of(word: str) -> Script:
    """The script of a word, by its first letter that is not ASCII."""
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


@remembered(REMEMBERED)
def latin(word: str) -> str:
    """The word in lower-case ASCII letters and digits; empty where it has none (a lone mark)."""
    if word.isascii():
        return _FAITH.sub("din", _SERVANT.sub("abd", word))
    script = script_of(word)
    plain = normal("NFC", word)  # folding took syllables of Korean apart
    if script is Script.CONSONANTS:
        plain = plain.translate(_ONE_LETTER)
        if plain.endswith(_OF_THE_FAITH):
            plain = plain.removesuffix(_OF_THE_FAITH) + "دين"
        plain = plain.replace(_SERVANT_OF_THE, "abd", 1) if plain.startswith(_SERVANT_OF_THE) else plain
        if plain.startswith(_ARTICLE) and len(plain) > len(_ARTICLE) + 2:
            plain = plain.removeprefix(_ARTICLE)
        plain = plain.translate(_SPELT)
    spelt = _NO_LETTER.sub("", anyascii(plain).lower())
    pairs: tuple[tuple[re.Pattern[str], str], ...] = ()
    if script is Script.HANGUL:
        pairs = _HANGUL
    elif script is Script.LETTERS:
        alphabet = unicodedata.name(word[0], "").split(" ", 1)[0]
        pairs = {"GREEK": _GREEK, "KATAKANA": _KANA, "HIRAGANA": _KANA}.get(alphabet, ())
    for pattern, meant in pairs:
        spelt = pattern.sub(meant, spelt)
    return spelt


def one_letter(word: str) -> str:
    """A word of Arabic script as Arabic writes it."""
    return word.translate(_ONE_LETTER)


def otherwise(word: str) -> str:
    """The other reading of a word whose script writes no vowels; the word itself if it has none."""
    if script_of(word) is not Script.CONSONANTS:
        return word
    return _VAV.sub("v", one_letter(word).translate(_OTHERWISE))


@remembered(REMEMBERED)
def one_character(a_form: str, b_form: str) -> bool:
    """Whether characters may be the traditional and the simplified form of one: each is missing in the other's set."""
    return any(
        all(a == b or not (_has("gb2312", a) or _has("big5", b)) for a, b in zip(*pair, strict=True))
        for pair in ((a_form, b_form), (b_form, a_form))
    )


def _has(charset: str, char: str) -> bool:
    try:
        char.encode(charset)
    except UnicodeEncodeError:
        return False
    return True
