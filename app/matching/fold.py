"""Text in the form that is compared: lower case, without accents and punctuation; and the words of a name.

Folding loses the differences of spellings; the text as reported is stored elsewhere.
"""

import re
import unicodedata

from app.matching.memory import remembered
from app.unicode_text import normal

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
