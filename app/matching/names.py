"""Names as they are compared: folded, cut into tokens, keyed for the look-up of candidates, and measured.

Folding loses what spellings differ in (case, accents, hyphens); what was said is kept elsewhere, as said.
Nothing here decides that two people are one: see ``score``.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from math import inf

SAME = 0.88
"""Names at least this alike are taken for the same when nothing but the names is known.

Checked on 192 people whom an official and a citizens' list print, most with double surnames: all 174 true
pairs lie above it, and the nearest two people, who share all but one word, at 0.53.
"""

MAX_TOKENS = 8  # full names have four to six; eight give 28 keys at most, so no name floods the index

# Words that lists put in and leave out of the same name: articles and prepositions of Spanish, Portuguese,
# Italian, Dutch, German and Arabic names, and "son of" in Azerbaijani ones. Not "ben": also a name.
_PARTICLES = """
    de del la las los el da das do dos di du della van von der den al bin ibn bint oglu ogly qizi kizi gizi
"""
PARTICLES = frozenset(_PARTICLES.split())
CONJUNCTION = "y"  # joins two surnames; at either end of a name it can only be an initial

_APOSTROPHES = dict.fromkeys(map(ord, "'`\u00b4\u2018\u2019\u02b9\u02bb\u02bc\u02be\u02bf\u2032\uff07"))
# Letters that Unicode does not decompose but lists routinely print without their stroke, tail or ligature.
_LETTERS = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "ħ": "h",
        "\u0131": "i",
        "ə": "a",
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
    }
)
# "Roberto (surname not confirmed)": what stands in brackets is said about the name and is not part of it.
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|\uff08[^\uff08\uff09]*\uff09")


def _place(char: str) -> str:
    """Letters, digits and vowel signs stay; accents and invisible joiners go; the rest parts words."""
    if unicodedata.combining(char):
        return ""
    category = unicodedata.category(char)
    if category[0] in "LNM":
        return char
    return "" if category == "Cf" else " "


# A report is compared with dozens of others, and the same names and places recur.
REMEMBERED = 4096


@lru_cache(maxsize=REMEMBERED)
def fold(text: str) -> str:
    """The text in lower case, without accents, apostrophes and punctuation, words parted by one space.

    Letters of every script stay. Folding twice changes nothing.
    """
    plain = unicodedata.normalize("NFKD", text.translate(_APOSTROPHES)).casefold()
    plain = unicodedata.normalize("NFKD", plain).translate(_APOSTROPHES).translate(_LETTERS)
    return " ".join("".join(map(_place, plain)).split())


@lru_cache(maxsize=REMEMBERED)
def _words(text: str) -> tuple[str, ...]:
    """The folded words without bracketed remarks, unless nothing else is there."""
    return tuple(fold(_BRACKETS.sub(" ", text)).split() or fold(text).split())


def _without_particles(words: tuple[str, ...]) -> tuple[str, ...]:
    last = len(words) - 1
    kept = [
        word
        for place, word in enumerate(words)
        if word not in PARTICLES and not (word == CONJUNCTION and 0 < place < last)
    ]
    return tuple(kept) or words


def _telling(words: tuple[str, ...]) -> tuple[str, ...]:
    """At most MAX_TOKENS of the words: the longest ones, which tell most, in their order."""
    longest = sorted(range(len(words)), key=lambda place: (-len(words[place]), words[place]))[:MAX_TOKENS]
    return tuple(words[place] for place in sorted(longest))


def tokens(text: str) -> tuple[str, ...]:
    """The folded words of a name in their order, without bracketed remarks and particles.

    A name made of nothing else keeps them: "De la Las" has to stay comparable.
    """
    return _without_particles(_words(text))


def blocking_keys(name: str | None, aliases: Iterable[str]) -> frozenset[str]:
    """The keys under which a person is looked up: two people who share one are compared.

    Every pair of tokens of the name and of each alias, sorted (``n:ana|perez``), so that order and missing
    second names do not matter; a name of one token gives that token (``n:roberto``).
    """
    keys = set[str]()
    for text in (name or "", *aliases):
        words = sorted(set(_telling(tokens(text))))
        if len(words) == 1:
            keys.add(f"n:{words[0]}")
        keys.update(f"n:{left}|{right}" for left, right in combinations(words, 2))
    return frozenset(keys)


MAX_LETTERS = 24  # of one token: longer words are rare, and comparing is quadratic
ALIGNED = 0.7  # two tokens below this are different words: three letters in ten may differ, no more
SOUNDS_ALIKE = 0.95  # Gonzales and Gonzalez: spelling, not another name
INITIAL = 0.9  # J. may be Juan, and may be Jorge
GENDERED = 0.5  # Daniel and Daniela, Mario and Maria: one letter apart, and two people
WEAKEST = 0.6  # share of the worst pair in a score: one wrong surname matters more than three right tokens
EXTRA = 0.02  # off for each token only one side has: a second surname is left out more often than it is wrong
APART = 0.7  # factor when both sides have a token without partner: brothers share all but one
ONE_TOKEN = 0.75  # most that one whole token in common can give: Roberto may be any Roberto
SLIP = 0.5  # cost of two swapped neighbours and of the vowels that are heard alike: nearly always spelling
VOWEL = 1.0  # cost of another vowel, as of a letter left out
CONSONANT = 1.5  # cost of another consonant: Carmona and Cardona are two families

# How Spanish hears letters, and how names of other alphabets vary in print; rough on purpose, order matters.
_VOWELS = frozenset("aeiou")
_SOUNDS = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        ("sc?h", "s"),
        ("ch", "C"),
        ("ph", "f"),
        ("kh|ck|q(?:u(?=[ei]))?", "k"),
        ("c(?=[eiy])|tz|z|^x", "s"),
        ("x", "ks"),
        ("c", "k"),
        ("g(?=[ei])", "j"),
        ("gu(?=[ei])|gh", "g"),
        ("[jy]", "i"),
        ("[vw]", "b"),
        ("ou", "u"),
        ("h", ""),
        (r"(.)\1+", r"\1"),
    )
)


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two names are, 0..1, and how many whole tokens (not initials) they share."""

    score: float
    whole: int


def _sound(word: str) -> str:
    heard = word[:MAX_LETTERS]
    for pattern, sound in _SOUNDS:
        heard = pattern.sub(sound, heard)
    return heard or word


def _change(a: str, b: str) -> float:
    """The cost of one sound written for another."""
    if a == b:
        return 0.0
    if a in _VOWELS and b in _VOWELS:
        return SLIP if {a, b} in ({"o", "u"}, {"e", "i"}) else VOWEL
    return CONSONANT


def _edits(left: str, right: str, most: float) -> float:
    """Optimal string alignment distance (restricted Damerau 1964), costs as above; infinite past ``most``."""
    before: list[float] = []
    above = [float(j) for j in range(len(right) + 1)]
    for i, a in enumerate(left, 1):
        row = [float(i)]
        for j, b in enumerate(right, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + _change(a, b))
            if i > 1 and j > 1 and a == right[j - 2] and b == left[i - 2]:
                cost = min(cost, before[j - 2] + SLIP)
            row.append(cost)
        if min(row) > most and min(above) > most:  # a swap reaches back two rows
            return inf
        before, above = above, row
    return above[-1] if above[-1] <= most else inf


def _is_initial(word: str) -> bool:
    """One letter of a script with capitals; a single Han or Hangul character is a whole word."""
    return len(word) == 1 and word != word.upper()


def _gendered(short: str, long: str) -> bool:
    return long == short + "a" or (short[:-1] == long[:-1] and {short[-1], long[-1]} == {"a", "o"})


def _word_likeness(left: str, right: str, heard: dict[str, str]) -> float:
    """0 for different words, 1 for the same; symmetric. ``heard`` gives each word's sound."""
    if left == right:
        return 1.0
    short, long = sorted((left, right), key=lambda word: (len(word), word))
    if _is_initial(short):
        return INITIAL if long.startswith(short) else 0.0
    if _gendered(short, long):
        return GENDERED
    one, two = heard[short], heard[long]
    if one == two:
        return SOUNDS_ALIKE
    if one[0] != two[0]:  # slips fall inside a word: Hernandez and Fernandez are two families
        return 0.0
    length = max(len(one), len(two))
    return max(0.0, 1 - _edits(one, two, length * (1 - ALIGNED)) / length)


def _joined(words: tuple[str, ...], others: tuple[str, ...], heard: dict[str, str]) -> tuple[str, ...]:
    """Neighbours that the other name writes as one word are one: Monte Alegre where it has Montealegre.

    Only where neither is a word of the other name by itself.
    """
    known = {heard[word] for word in others}
    joined: list[str] = []
    open_to_join = False  # the last word is unknown to the other name and stands alone so far
    for word in words:
        alone = heard[word] not in known
        if alone and open_to_join and (sound := _sound(joined[-1] + word)) in known:
            joined[-1] += word
            heard[joined[-1]] = sound
            open_to_join = False
        else:
            joined.append(word)
            open_to_join = alone
    return tuple(joined)


def likeness(a: str, b: str) -> Likeness:
    """Compare two names token by token, in any order; symmetric.

    Tokens find their partners best first. If every token of the shorter name has one, the score weighs their
    mean and their worst, less a little for what the longer name has more; if not, the names are apart. One
    whole token in common is never enough for SAME, unless the names are identical.
    """
    one, two = _words(a), _words(b)
    heard = {word: _sound(word) for word in {*one, *two}}  # once per word: it is the costly part
    both = (_telling(_without_particles(words)) for words in (_joined(one, two, heard), _joined(two, one, heard)))
    left, right = sorted(both, key=lambda words: (len(words), words))
    if not left:
        return Likeness(0.0, 0)
    ranked = sorted(
        ((_word_likeness(x, y, heard), -i, -j) for i, x in enumerate(left) for j, y in enumerate(right)),
        reverse=True,
    )
    partners: dict[int, tuple[int, float]] = {}
    taken = set[int]()
    for value, i, j in ranked:
        if value > 0 and -i not in partners and -j not in taken:
            partners[-i] = (-j, value)
            taken.add(-j)
    values = [partners[i][1] if i in partners else 0.0 for i in range(len(left))]
    whole = sum(
        value >= ALIGNED and not _is_initial(left[i]) and not _is_initial(right[j])
        for i, (j, value) in partners.items()
    )
    mean, worst = sum(values) / len(values), min(values)
    if sorted(left) == sorted(right):
        return Likeness(1.0, whole)
    if worst < ALIGNED:
        return Likeness(APART * mean, whole)
    score = (1 - WEAKEST) * mean + WEAKEST * worst - EXTRA * (len(right) - len(left))
    return Likeness(score if whole > 1 else min(score, ONE_TOKEN), whole)


def similarity(a: str, b: str) -> float:
    """How alike two names are, 0..1, symmetric; from SAME on, the names alone are taken for the same."""
    return likeness(a, b).score
