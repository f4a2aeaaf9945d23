"""Encode roughly how words sound, so that spellings and romanisations of one name agree, and weigh edits between
them."""

import re
from itertools import accumulate
from math import inf

from rapidfuzz.distance import OSA

from app.matching.scripts import WORD_CACHE_SIZE, scoped_cache

MAX_LETTERS = 24  # per word: longer ones are rare, and the comparison is quadratic
SLIP_COST = 0.5  # cost of similar vowels, of l for r, and of half a diphthong: nearly always spelling
SWAP_COST = 1.0  # cost of two swapped neighbours: a slip in Edurado, another family in Prado and Pardo
VOWEL_COST = 1.0  # cost of another vowel, or of a missing letter
CONSONANT_COST = 1.5  # cost of another consonant: Carmona and Cardona are two families
MAX_SHORT_SOUNDS = 5  # sounds: in a word up to this length, a final e is not silent (Smith, Smythe)
SOFT_CONSONANTS = frozenset(
    "rsnl"
)  # consonants dropped in speech before another one or at the end: omitting one costs 1
OPEN_VOWEL_COST = 0.5  # cost of a for e or i in a name whose own script writes no vowels: Mohammad, Mohammed
LOST_VOWEL_COST = 0.5  # cost of a missing vowel in such a name

_VOWELS = frozenset("aeiou")
_SLIP_PAIRS = frozenset(frozenset(pair) for pair in ("ou", "ei", "lr"))

Rules = tuple[tuple[re.Pattern[str], str], ...]


def _compile_rules(*pairs: tuple[str, str]) -> Rules:
    return tuple((re.compile(pattern), replacement) for pattern, replacement in pairs)


# How Spanish pronounces letters, and how names of Slavic and other alphabets vary in print; deliberately rough, order
# matters.
_STRICT_RULES = _compile_rules(
    ("[iyj]o(?=[vw]$)", "e"),
    ("enka$", "enko"),
    ("(?<=[oe])ff?$", "v"),
    ("[jy]?shch|schtsch", "s"),
    ("tsch|tch|cz|(?<!s)ch", "C"),
    ("sc?h|zh", "s"),
    ("ph", "f"),
    ("^hy?r(?=[yiaeou])", "gr"),
    ("kh|ck|q(?:u(?=[ei]))?", "k"),
    ("^c(?=v)|c(?=[eiy])|t[sz]|z|^x(?!e)", "s"),
    ("^xe", "kse"),
    ("x", "ks"),
    ("c", "k"),
    ("^gu(?=[ei])|gu(?=[ei])|gh", "G"),
    ("g(?=[eiy])", "j"),
    ("^ll", "y"),
    ("^[jy]h?e(?=[lvkgd])", "e"),
    ("[jy]", "i"),
    ("G", "g"),
    ("[vw]u?(?=[ei])|[vw]", "b"),
    ("ou|oo", "u"),
    ("ei", "e"),
    ("(?<!a)h|h(?![mbdkr])", ""),
    (r"(.)\1+", r"\1"),
)
# How Arabic, Persian and Hebrew names vary in print: the consonants are stable, the vowels are not.
_LOOSE_RULES = _compile_rules(
    ("[ae]h$", "a"),
    ("zh|dj", "j"),
    ("tch|sh|sch|ch", "s"),
    ("kh", "h"),
    ("gh|ck|[qgk]", "k"),
    ("th", "t"),
    ("dh", "d"),
    ("ph", "f"),
    ("t[sz]|[zc]", "s"),
    ("ou|oo|[wo]", "u"),
    ("ee|[ey]", "i"),
    ("v", "b"),
    (r"(.)\1+", r"\1"),
)
# How languages write one name in Latin letters: Ukrainian h is Russian g; French has tch, ch, j and ou for ch, sh, zh
# and u; German has tsch, sch, ch and j for ch, sh, kh and y; Belarusian softens t and d and ends in -ouski; Spanish
# pronounces ll as y; Dutch and older Indonesian have oe, dj and tj.
_LANGUAGE_RULES = (
    _compile_rules(("dzh", "j"), ("(?<![csktzpgw])h(?=[aeiouylr])", "g")),
    _compile_rules(
        ("tch", "C"), ("ch", "sh"), ("C", "ch"), ("ou", "u"), ("^j(?=[^aeiouy])", "zh"), ("(?<=[^aeiou]in)e$", "")
    ),
    _compile_rules(("tsch", "C"), ("sch", "sh"), ("(?<!s)ch", "kh"), ("C", "ch"), ("j", "y")),
    _compile_rules(("[oa]u(?=sk)", "ov"), ("ts(?=[iye])", "t"), ("dz(?=[iye])", "d")),
    _compile_rules(("ll", "y")),
    _compile_rules(("oe", "u"), ("dj", "j"), ("tj", "ch")),
)
_OCR_RULES = _compile_rules(
    ("[1il|]", "l"), ("0", "o"), ("5", "s"), ("8", "b"), ("rn", "m"), ("vv", "w"), ("cl", "d"), ("c", "e")
)


def _apply_rules(word: str, rules: Rules) -> str:
    result = word[:MAX_LETTERS]
    for pattern, replacement in rules:
        result = pattern.sub(replacement, result)
    return result or word


@scoped_cache(WORD_CACHE_SIZE)
def encode_sound(word: str) -> str:
    """Encode a Latin word by its sound; spellings of one name mostly agree."""
    return _apply_rules(word, _STRICT_RULES)


@scoped_cache(WORD_CACHE_SIZE)
def encode_renderings(word: str) -> frozenset[str]:
    """Encode the sounds of a Latin word under the spelling rules of several languages."""
    return frozenset({encode_sound(word), *(encode_sound(_apply_rules(word, rules)) for rules in _LANGUAGE_RULES)})


@scoped_cache(WORD_CACHE_SIZE)
def encode_loose_sound(word: str) -> str:
    """Encode the sound of a Latin word of a name whose own script writes no vowels: three vowels remain, and consonants
    that romanisations confuse are unified."""
    return _apply_rules(word, _LOOSE_RULES)


def extract_consonants(sounds: str) -> str:
    """Return the consonants of a sound."""
    return "".join(letter for letter in sounds if letter not in _VOWELS and letter != "h")


@scoped_cache(WORD_CACHE_SIZE)
def encode_scan(word: str) -> str:
    """Encode a word as a bad scan shows it: confusable letters are unified."""
    return _apply_rules(word, _OCR_RULES)


def _substitution_cost(a: str, b: str) -> float:
    """Return the cost of replacing one sound by another."""
    if a == b:
        return 0.0
    if {a, b} in _SLIP_PAIRS:
        return SLIP_COST
    return VOWEL_COST if a in _VOWELS and b in _VOWELS else CONSONANT_COST


def _loose_substitution_cost(a: str, b: str) -> float:
    if a == b:
        return 0.0
    if a in _VOWELS and b in _VOWELS:
        return OPEN_VOWEL_COST if {a, b} == {"a", "i"} else VOWEL_COST
    return CONSONANT_COST


def _list_deletion_costs(word: str) -> list[float]:
    """Return the cost of omitting each letter: low for half a diphthong and for a silent e."""
    padded = f" {word} "
    costs = [
        (SLIP_COST if padded[place] in _VOWELS or padded[place + 2] in _VOWELS else VOWEL_COST)
        if letter in _VOWELS
        else (VOWEL_COST if letter in SOFT_CONSONANTS else CONSONANT_COST)
        for place, letter in enumerate(word)
    ]
    if word.endswith("e") and len(word) > MAX_SHORT_SOUNDS:
        costs[-1] = SLIP_COST
    return costs


def _list_loose_deletion_costs(word: str) -> list[float]:
    return [LOST_VOWEL_COST if letter in _VOWELS else CONSONANT_COST for letter in word]


def compute_edit_distance(left: str, right: str, limit: float, *, vowels_vary: bool = False) -> float:
    """Return the optimal string alignment distance (restricted Damerau 1964) with the costs above; infinite past
    ``limit``."""
    # Every edit costs at least SLIP_COST, so the unweighted distance rejects most pairs early.
    if OSA.distance(left, right, score_cutoff=int(limit / SLIP_COST)) > limit / SLIP_COST:
        return inf
    substitution_cost, list_costs = (
        (_loose_substitution_cost, _list_loose_deletion_costs)
        if vowels_vary
        else (_substitution_cost, _list_deletion_costs)
    )
    left_costs, right_costs = list_costs(left), list_costs(right)
    older_row: list[float] = []
    previous_row = [0.0, *accumulate(right_costs)]
    for i, a in enumerate(left, 1):
        row = [previous_row[0] + left_costs[i - 1]]
        for j, b in enumerate(right, 1):
            cost = min(
                previous_row[j] + left_costs[i - 1],
                row[j - 1] + right_costs[j - 1],
                previous_row[j - 1] + substitution_cost(a, b),
            )
            if i > 1 and j > 1 and a == right[j - 2] and b == left[i - 2]:
                cost = min(cost, older_row[j - 2] + SWAP_COST)
            row.append(cost)
        older_row, previous_row = previous_row, row
    return previous_row[-1] if previous_row[-1] <= limit else inf
