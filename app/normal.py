"""Text in one of Unicode's normal forms: the one place where it is brought there, and what no text may have (pure).

To do that, the marks on a letter are put in order, and each is held against all before it: a hundred thousand marks on
one letter, which a body has room for, would keep the processor for a minute and more.
"""

import re
import unicodedata
from typing import Literal

# In a row: what the Stream-Safe Text Format takes (UAX #15 section 13). No language sets more than a handful.
MOST_MARKS = 30

# For a class of a pattern, the characters with which a screen shows another text than is stored, or nothing at all:
# fillers of Hangul, which count as letters; ends of lines and paragraphs; bidi overrides and isolates; deprecated
# controls of shaping; what stands between lines; tags, which hide a whole text; and what is no character. Zero-width
# joiners are not among them: Persian and Indic names need them.
UNSEEN = "\u115f\u1160\u2028-\u202e\u2066-\u206f\u3164\uffa0\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f"

_BEYOND_MARKS = 0x20000  # here and above are Chinese characters and what draws no mark of its own
# Marks that only become some once they are taken apart: vowel signs of Tibetan, sound marks of half-width kana.
_PARTED = "\u0f73\u0f75\u0f81\uff9e\uff9f"
_MARKS = "".join(char for char in map(chr, range(_BEYOND_MARKS)) if unicodedata.combining(char)) + _PARTED
_TOO_MANY = re.compile(f"([{_MARKS}]{{{MOST_MARKS}}})[{_MARKS}]+")

TOO_MANY = f"More than {MOST_MARKS} accents or other marks stand on one letter: leave out what is none of its own."


def has_too_many_marks(text: str) -> bool:
    """Whether more marks stand in a row than anybody writes: such a text is refused where it comes in."""
    return not text.isascii() and _TOO_MANY.search(text) is not None


def normal(form: Literal["NFC", "NFD", "NFKD"], text: str) -> str:
    """The text in a normal form. Of more marks than anybody writes only the first are kept, so that no text takes
    long."""
    return text if text.isascii() else unicodedata.normalize(form, _TOO_MANY.sub(r"\1", text))
