"""Text in one of Unicode's normal forms: the one place where it is brought there, and what no text may have (pure).

To do that, the marks on a letter are put in order, and each is held against all before it: a hundred thousand marks on
one letter, which a body has room for, would keep the processor for a minute and more.
"""

import re
import unicodedata
from typing import Literal

# In a row: what the Stream-Safe Text Format takes (UAX #15 section 13). No language sets more than a handful.
MAX_MARKS = 30

# For a class of a pattern, the characters with which a screen shows another text than is stored, or nothing at all:
# fillers of Hangul and blanks of hieroglyphs, which count as letters; ends of lines and paragraphs; bidi overrides and
# isolates; deprecated controls of shaping; what stands between lines; tags, which hide a whole text; and what is no
# character. Zero-width joiners are not among them: Persian and Indic names need them.
INVISIBLE = (
    "\u115f\u1160\u2028-\u202e\u2066-\u206f\u3164\uffa0\ufdd0-\ufdef\ufff9-\ufffb\ufffe\uffff"
    "\U00013441\U00013442\U000e0000-\U000e007f"
)
# And those that show nothing and tell nothing in any name, and come along unseen with what is copied from pages and
# sheets: soft hyphens, spaces and joiners of no width, marks of direction, signs of notes and shorthand, selectors of
# emoji. What nobody sees nobody can be asked to take out.
_IGNORABLE = (
    "\u00ad\u034f\u061c\u17b4\u17b5\u180e\u200b\u200e\u200f\u2060-\u2065\ufe0e\ufe0f\ufeff\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0080-\U000e00ff\U000e01f0-\U000e0fff"
)
# Joiners, and selectors of a character's form: they show nothing without a letter beside them.
_LETTER_JOINERS = "\u180b-\u180d\u180f\u200c\u200d\ufe00-\ufe0d\U000e0100-\U000e01ef"
_IGNORABLE_RUN = re.compile(f"[{_IGNORABLE}]+")
_BLANK = re.compile(rf"[\s{_IGNORABLE}{_LETTER_JOINERS}]*")

_MARKS_END = 0x20000  # here and above are Chinese characters and what draws no mark of its own
# Marks that only become some once they are taken apart: vowel signs of Tibetan, sound marks of half-width kana.
_DECOMPOSED_MARKS = "\u0f73\u0f75\u0f81\uff9e\uff9f"
_MARKS = "".join(char for char in map(chr, range(_MARKS_END)) if unicodedata.combining(char)) + _DECOMPOSED_MARKS
_EXCESS_MARKS = re.compile(f"([{_MARKS}]{{{MAX_MARKS}}})[{_MARKS}]+")

TOO_MANY_MARKS_DETAIL = (
    f"More than {MAX_MARKS} accents or other marks stand on one letter: leave out what is none of its own."
)


def remove_ignorable(text: str) -> str:
    """The text in NFC without what shows nothing and tells nothing. Joiners stay."""
    return text if text.isascii() else normalize_text("NFC", _IGNORABLE_RUN.sub("", text))


def is_blank(text: str) -> bool:
    """Whether a text shows nothing at all."""
    return _BLANK.fullmatch(text) is not None


def has_too_many_marks(text: str) -> bool:
    """Whether more marks stand in a row than anybody writes: such a text is refused where it comes in."""
    return not text.isascii() and _EXCESS_MARKS.search(text) is not None


def normalize_text(form: Literal["NFC", "NFD", "NFKD"], text: str) -> str:
    """The text in a normal form. Of more marks than anybody writes only the first are kept, so that no text takes
    long."""
    return text if text.isascii() else unicodedata.normalize(form, _EXCESS_MARKS.sub(r"\1", text))
