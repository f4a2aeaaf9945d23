"""The similarity of two words of names, and the kind of their difference."""

import re
from itertools import product

from rapidfuzz.distance import OSA

from app.matching.fold import REMEMBERED
from app.matching.given import known
from app.matching.memory import remembered
from app.matching.scripts import Script, one_character
from app.matching.sounds import bones, edits, renderings
from app.matching.words import Word

ALIGNED = 0.7  # two words below this are different words: three letters in ten may differ, no more
VARIANT = 0.97  # Yakov and Jacob: the list of given names has them on one line
SHORT_FORM = 0.95  # Pancho and Francisco
SOUNDS_ALIKE = 0.95  # Gonzales and Gonzalez: spelling, not another name
SAME_BONES = 0.93  # the consonants agree and one side has no vowels
FEW_BONES = 0.89  # likewise, with two consonants: S-l may be Saleh, Salah or Suheil
PREFIXED = 0.93  # Alkhatib and Khatib
MISREAD = 0.9  # Comejo for Cornejo: a scan, or bad luck
INITIAL = 0.9  # J. may be Juan, and may be Jorge
GENDERED = 0.5  # Daniel and Daniela, Mario and Maria: one letter apart, and two people
ONE_SOUND = 0.93  # Chinese names of other characters and the same syllables: traditional and simplified, or two people
ONE_CHARACTER = 0.8  # likewise with a given name of one character: hundreds sound the same
LONG = 6  # letters from which two swapped ones are a slip, and h may be g: Pardo and Prado, Hill and Gill are families

_VOWEL_SOUNDS = frozenset("aiu")
# Eastern and Western Armenian give one letter two sounds (Grigoryan, Krikorian); the ending says that it is a surname.
_ARMENIAN = re.compile("..[iy]an$")
_WESTERN = str.maketrans("gbd", "kpt", "y")
_DOUBLE = re.compile(r"(.)\1+")


def _gendered(a: str, b: str, foreign: bool) -> bool:
    """Whether two words differ by the ending of the other sex: -a, -ia, and in languages that have it -o."""
    short, long = sorted((a, b), key=len)
    if long in (short + "a", short + "ia"):
        return True
    return not foreign and len(a) == len(b) and a[:-1] == b[:-1] and {a[-1], b[-1]} == {"a", "o"}


@remembered(4 * REMEMBERED)
def compared(x: Word, y: Word, vowels_vary: bool) -> tuple[float, str]:
    """`(similarity 0..1, kind of difference)` of two words; symmetric."""
    if x.text == y.text:
        return 1.0, ""
    if x.initial or y.initial:
        short, long = (x, y) if x.initial else (y, x)
        return (INITIAL if long.latin.startswith(short.latin) else 0.0), "initial"
    kind = "spelling" if x.script is y.script else "script"
    if x.script is y.script is Script.HAN:
        return (_same_sound(x.text, y.text) if x.latin == y.latin else 0.0), "spelling"
    unwritten = Script.CONSONANTS in (x.script, y.script)
    one_name = bool(x.known.full & y.known.full)
    if x.latin == y.latin and (one_name or not (x.known and y.known)):  # Omar and Amer look alike in Arabic
        return 1.0, kind
    if one_name:
        return VARIANT, kind
    if x.known.full and y.known.full and not unwritten and _gendered(x.latin, y.latin, foreign=True):
        return GENDERED, kind  # also where the one is a short form of the other: Angel, Angela
    if x.known.full & y.known.short or x.known.short & y.known.full or (x.known and x.known == y.known):
        return SHORT_FORM, "short form"
    if x.known and y.known:  # two names of the list, and not one
        return 0.0, kind
    if x.sound == y.sound:
        return SOUNDS_ALIKE, kind
    if not unwritten and _gendered(x.latin, y.latin, vowels_vary or kind == "script"):
        return GENDERED, kind
    if unwritten:
        return _boned(x, y), kind
    prefixed = 0.0 if x.stem is None and y.stem is None else _prefixed(x, y)
    return max(prefixed, _spelt(x, y, vowels_vary)), kind


def _same_sound(a: str, b: str) -> float:
    """The similarity of different characters with one sound: low for names of one character, unless one is the other's
    simplified form."""
    if len(a) != len(b):
        return ONE_CHARACTER
    return ONE_SOUND if len(a) > 1 or one_character(a, b) else ONE_CHARACTER


def _boned(x: Word, y: Word) -> float:
    """The similarity by consonants, where one of the words has no vowels."""
    pairs = [(x.sound, y.sound), *product(x.loose, y.loose)]
    return max(_bones_alike(bones(a), bones(b)) for a, b in pairs)


def _bones_alike(a: str, b: str) -> float:
    a, b = (_DOUBLE.sub(r"\1", each) for each in (a, b))  # where only a vowel parted them: Mehrdad
    least, most = sorted((len(a), len(b)))
    if least < 2:
        return 0.0
    apart = OSA.distance(a, b)
    if apart == 0:
        return SAME_BONES if least > 2 else FEW_BONES
    return 1 - 1.5 * apart / most


def _prefixed(x: Word, y: Word) -> float:
    """The similarity where one word has an article or "son of" written into it."""
    for stem, whole in ((x.stem, y), (y.stem, x)):
        if stem is not None and (
            stem.sound == whole.sound or stem.loose[0] == whole.loose[0] or stem.known.full & whole.known.full
        ):
            return PREFIXED
    return 0.0


def _spelt(x: Word, y: Word, vowels_vary: bool) -> float:
    if min(len(x.latin), len(y.latin)) >= LONG and (
        not renderings(x.latin).isdisjoint(renderings(y.latin)) or _armenian(x.latin, y.latin)
    ):
        return SOUNDS_ALIKE
    best = MISREAD if x.printed == y.printed or _swapped(x.latin, y.latin) else 0.0
    a, b = x.sound, y.sound
    if a[0] == b[0]:  # slips fall inside a word: Hernandez and Fernandez are two families
        best = max(best, _near(a, b))
    if vowels_vary or (x.father and y.father):
        if x.latin[-1] == y.latin[-1] == "i" and known(x.latin[:-1]).full & known(y.latin[:-1]).full:
            return SOUNDS_ALIKE  # Othmani, Osmani
        for a, b in product(x.loose, y.loose):
            if a == b:
                return SOUNDS_ALIKE
            if _begins_alike(a, b):
                best = max(best, _near(a, b, vowels_vary=True))
    return best


def _armenian(a: str, b: str) -> bool:
    if not (_ARMENIAN.search(a) and _ARMENIAN.search(b)):
        return False
    left, right = (_DOUBLE.sub(r"\1", bones(word.translate(_WESTERN))) for word in (a, b))
    return left == right


def _swapped(a: str, b: str) -> bool:
    """Whether two neighbouring letters, not the first, are swapped."""
    long = len(a) == len(b) >= LONG and a[0] == b[0]
    return long and sorted(a) == sorted(b) and OSA.distance(a, b, score_cutoff=1) == 1


def _near(a: str, b: str, *, vowels_vary: bool = False) -> float:
    length = max(len(a), len(b))
    return 1 - edits(a, b, length * (1 - ALIGNED), vowels_vary=vowels_vary) / length


def _begins_alike(a: str, b: str) -> bool:
    return a[0] == b[0] or (a[0] in _VOWEL_SOUNDS and b[0] in _VOWEL_SOUNDS)
