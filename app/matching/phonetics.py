"""How words sound, roughly: what spellings and romanisations of one name have in common, and what one costs to reach
from another.
"""

import re
from itertools import accumulate
from math import inf

from rapidfuzz.distance import OSA

from app.matching.scripts import REMEMBERED, remembered

MAX_LETTERS = 24  # of one word: longer ones are rare, and comparing is quadratic
SLIP = 0.5  # cost of vowels, and of l and r, that are heard alike, and of half a diphthong: nearly always spelling
SWAP = 1.0  # cost of two swapped neighbours: a slip in Edurado, another family in Prado and Pardo
VOWEL = 1.0  # cost of another vowel, or of a letter left out
CONSONANT = 1.5  # cost of another consonant: Carmona and Cardona are two families
SHORT = 5  # sounds: in a word no longer, a last e is not silent (Smith, Smythe)
SOFT = frozenset("rsnl")  # consonants that speech drops before another one or at the end: leaving one out costs 1
OPEN_VOWEL = 0.5  # cost of a and e or i in a name whose own script writes no vowels: Mohammad, Mohammed
LOST_VOWEL = 0.5  # cost of a vowel left out there

_VOWELS = frozenset("aeiou")
_SLIPS = frozenset(frozenset(pair) for pair in ("ou", "ei", "lr"))

Rules = tuple[tuple[re.Pattern[str], str], ...]


def _rules(*pairs: tuple[str, str]) -> Rules:
    return tuple((re.compile(pattern), sound) for pattern, sound in pairs)


# How Spanish hears letters, and how names of Slavic and other alphabets vary in print; rough on purpose, order matters.
_STRICT = _rules(
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
# How Arabic, Persian and Hebrew names vary in print: their consonants hold, their vowels do not.
_LOOSE = _rules(
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
# hears ll as y; Dutch, and Indonesian as it wrote long ago, have oe, dj and tj.
_RENDERED = (
    _rules(("dzh", "j"), ("(?<![csktzpgw])h(?=[aeiouylr])", "g")),
    _rules(("tch", "C"), ("ch", "sh"), ("C", "ch"), ("ou", "u"), ("^j(?=[^aeiouy])", "zh"), ("(?<=[^aeiou]in)e$", "")),
    _rules(("tsch", "C"), ("sch", "sh"), ("(?<!s)ch", "kh"), ("C", "ch"), ("j", "y")),
    _rules(("[oa]u(?=sk)", "ov"), ("ts(?=[iye])", "t"), ("dz(?=[iye])", "d")),
    _rules(("ll", "y")),
    _rules(("oe", "u"), ("dj", "j"), ("tj", "ch")),
)
_OCR = _rules(("[1il|]", "l"), ("0", "o"), ("5", "s"), ("8", "b"), ("rn", "m"), ("vv", "w"), ("cl", "d"), ("c", "e"))


def _heard(word: str, rules: Rules) -> str:
    spelt = word[:MAX_LETTERS]
    for pattern, sound in rules:
        spelt = pattern.sub(sound, spelt)
    return spelt or word


@remembered(REMEMBERED)
def sound(word: str) -> str:
    """A Latin word as it is heard; spellings of one name mostly give the same."""
    return _heard(word, _STRICT)


@remembered(REMEMBERED)
def renderings(word: str) -> frozenset[str]:
    """How a Latin word is heard if it is as one language or another writes it."""
    return frozenset({sound(word), *(sound(_heard(word, rules)) for rules in _RENDERED)})


@remembered(REMEMBERED)
def loose(word: str) -> str:
    """A Latin word as it is heard in a name whose own script writes no vowels: three vowels are left, and consonants
    that romanisations confuse are one."""
    return _heard(word, _LOOSE)


def bones(sounds: str) -> str:
    """The consonants of a sound."""
    return "".join(letter for letter in sounds if letter not in _VOWELS and letter != "h")


@remembered(REMEMBERED)
def printed(word: str) -> str:
    """The word as a bad scan shows it: letters that are taken for each other are one."""
    return _heard(word, _OCR)


def _change(a: str, b: str) -> float:
    """The cost of one sound written for another."""
    if a == b:
        return 0.0
    if {a, b} in _SLIPS:
        return SLIP
    return VOWEL if a in _VOWELS and b in _VOWELS else CONSONANT


def _loose_change(a: str, b: str) -> float:
    if a == b:
        return 0.0
    if a in _VOWELS and b in _VOWELS:
        return OPEN_VOWEL if {a, b} == {"a", "i"} else VOWEL
    return CONSONANT


def _losses(word: str) -> list[float]:
    """The cost of leaving each letter out: little for half a diphthong and for a silent e."""
    around = f" {word} "
    lost = [
        (SLIP if around[place] in _VOWELS or around[place + 2] in _VOWELS else VOWEL)
        if letter in _VOWELS
        else (VOWEL if letter in SOFT else CONSONANT)
        for place, letter in enumerate(word)
    ]
    if word.endswith("e") and len(word) > SHORT:
        lost[-1] = SLIP
    return lost


def _loose_losses(word: str) -> list[float]:
    return [LOST_VOWEL if letter in _VOWELS else CONSONANT for letter in word]


def edits(left: str, right: str, most: float, *, vowels_vary: bool = False) -> float:
    """Optimal string alignment distance (restricted Damerau 1964), costs as above; infinite past ``most``."""
    # Unweighted, no edit costs more than it does here divided by SLIP: most pairs end here.
    if OSA.distance(left, right, score_cutoff=int(most / SLIP)) > most / SLIP:
        return inf
    change, losses = (_loose_change, _loose_losses) if vowels_vary else (_change, _losses)
    lost_left, lost_right = losses(left), losses(right)
    before: list[float] = []
    above = [0.0, *accumulate(lost_right)]
    for i, a in enumerate(left, 1):
        row = [above[0] + lost_left[i - 1]]
        for j, b in enumerate(right, 1):
            cost = min(above[j] + lost_left[i - 1], row[j - 1] + lost_right[j - 1], above[j - 1] + change(a, b))
            if i > 1 and j > 1 and a == right[j - 2] and b == left[i - 2]:
                cost = min(cost, before[j - 2] + SWAP)
            row.append(cost)
        before, above = above, row
    return above[-1] if above[-1] <= most else inf
