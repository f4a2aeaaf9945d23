"""Look up the words that sheets print for codes: `words.toml`, the codes themselves and their labels (pure)."""

import tomllib
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from app.formats import COUNTRIES
from app.matching.scripts import fold
from app.vocabulary import CODE_LISTS, build_vocabulary

CELL_WORDS: dict[str, Any] = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
COUNTRY_CODE_LIST = "countries"
MAX_FOLDED_LENGTH = 200  # no word for a code is longer


@lru_cache(maxsize=4096)
def fold_short_text(text: str) -> str:
    """Fold a text; return a text that is too long to be a word as it is."""
    return fold(text) if len(text) <= MAX_FOLDED_LENGTH else text


def is_known_code(codes: str, text: str) -> bool:
    """Return whether a text is a code of the list or a known word for one."""
    return find_code(codes, text) is not None


def find_code(codes: str, text: str) -> str | None:
    """Return the code of a word; None if the word is not known."""
    return load_code_words(codes).get(fold_short_text(text))


@cache
def load_code_words(codes: str) -> dict[str, str]:
    """Return folded word → code: the codes themselves, their labels in both languages, and the words of sheets."""
    sheet_words = CELL_WORDS["codes"].get(codes, {})
    if codes == COUNTRY_CODE_LIST:
        code_by_word = {fold(code): code for code in COUNTRIES}
    else:
        code_by_word = {fold(str(code)): str(code) for code in CODE_LISTS[codes]}
        for lang in ("en", "es"):
            code_by_word |= {fold(term["label"]): term["code"] for term in build_vocabulary(lang)[codes]}
    return code_by_word | {fold(word): code for code, words in sheet_words.items() for word in words}
