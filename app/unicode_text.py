"""Normalize text to Unicode's normal forms, in this module only; and find characters that no text may have (pure).

Normalization sorts the marks on a letter, and compares each with all before it. A body has room for a hundred thousand
marks on one letter, which would keep the processor busy for more than a minute.
"""

import re
import unicodedata
from typing import Literal

from app.translations import Message

# Marks in a row, as in the Stream-Safe Text Format (UAX #15 section 13). No language uses more than a handful.
MAX_MARKS = 30

# A pattern class of characters that make a screen show another text than is stored, or nothing at all: Hangul fillers
# and hieroglyph blanks, which count as letters; line and paragraph separators; bidi overrides and isolates; deprecated
# shaping controls; interlinear annotations; tags, which can hide a whole text; and noncharacters. Zero-width joiners
# are not among them: Persian and Indic names need them.
INVISIBLE = (
    "\u115f\u1160\u2028-\u202e\u2066-\u206f\u3164\uffa0\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff"
    "\U00013441\U00013442\U000e0000-\U000e007f"
)
# Characters that show nothing and mean nothing in any name, and are copied unseen from pages and sheets: soft hyphens,
# zero-width spaces and joiners, direction marks, notation and shorthand controls, emoji selectors. They are removed,
# since nobody can be asked to delete what is invisible.
_IGNORABLE = (
    "\u00ad\u034f\u061c\u17b4\u17b5\u180e\u200b\u200e\u200f\u2060-\u2065\ufe0e\ufe0f\ufeff\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0080-\U000e00ff\U000e01f0-\U000e0fff"
)
# Joiners and variation selectors: they show nothing without a letter next to them.
_LETTER_JOINERS = "\u180b-\u180d\u180f\u200c\u200d\ufe00-\ufe0d\U000e0100-\U000e01ef"
_IGNORABLE_RUN = re.compile(f"[{_IGNORABLE}]+")
_BLANK = re.compile(rf"[\s{_IGNORABLE}{_LETTER_JOINERS}]*")

_MARKS_END = 0x20000  # from here on there are Chinese characters and no combining marks
# Characters that become marks only when decomposed: Tibetan vowel signs, half-width kana sound marks.
_DECOMPOSED_MARKS = "\u0f73\u0f75\u0f81\uff9e\uff9f"
_MARKS = "".join(char for char in map(chr, range(_MARKS_END)) if unicodedata.combining(char)) + _DECOMPOSED_MARKS
_EXCESS_MARKS = re.compile(f"([{_MARKS}]{{{MAX_MARKS}}})[{_MARKS}]+")

TOO_MANY_MARKS_DETAIL = Message(
    "More than {highest} accents or other marks stand on one letter: leave out what is none of its own.",
    highest=MAX_MARKS,
)


def remove_ignorable(text: str) -> str:
    """Return the text in NFC without characters that show nothing and mean nothing. Joiners stay."""
    return text if text.isascii() else normalize_text("NFC", _IGNORABLE_RUN.sub("", text))


def is_blank(text: str) -> bool:
    """Return whether a text shows nothing at all."""
    return _BLANK.fullmatch(text) is not None


def has_too_many_marks(text: str) -> bool:
    """Return whether a text has more marks in a row than anybody writes: such a text is refused at input."""
    return not text.isascii() and _EXCESS_MARKS.search(text) is not None


def normalize_text(form: Literal["NFC", "NFD", "NFKD"], text: str) -> str:
    """Return the text in a normal form. Of marks beyond MAX_MARKS only the first are kept, so that no text takes
    long."""
    return text if text.isascii() else unicodedata.normalize(form, _EXCESS_MARKS.sub(r"\1", text))
