"""Text in one of Unicode's normal forms: the one place where it is brought there (pure).

To do that, the marks on a letter are put in order, and each is held against all before it: a hundred thousand marks on
one letter, which a body has room for, would keep the processor for a minute and more.
"""

import re
import unicodedata
from typing import Literal

# In a row: what the Stream-Safe Text Format takes (UAX #15 section 13). No language sets more than a handful.
MOST_MARKS = 30

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
