"""The similarity of two words of names, and the kind of their difference.

The similarity of two names.

Words are paired with words of the other name, in any order; the score weighs the worst pair, and the words without a
partner. Nothing here decides that two people are one: see ``score``."""

import re
from dataclasses import dataclass, replace
from itertools import product

from rapidfuzz.distance import OSA

from app.matching import romanisation
from app.matching.phonetics import bones, edits, renderings
from app.matching.scripts import NAMES_REMEMBERED, REMEMBERED, Script, fold, one_character, remembered
from app.matching.words import LEAST_STEM, Name, Word, known, parse, word_of
from app.unicode_text import normal

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


SAME = 0.88
"""Names at least this alike are taken for the same when nothing but the names is known (chosen by bench/match.py)."""

WEAKEST = 0.6  # share of the worst pair in a score: one wrong surname matters more than three right words
EXTRA = 0.02  # off for each word only one side has: a second surname is left out more often than it is wrong
APART = 0.7  # factor when both sides have a word without partner: brothers share all but one
ONE_WORD = 0.75  # most that one whole word in common can give: Roberto may be any Roberto
GENERATIONS = 0.85  # most that names can give of which one is "Jr.": father and son, or a list that leaves it out
CHANGED_PLACES = 0.85  # likewise where two given names have: José María and María José are two people's
SQUEEZED = 0.9  # the same letters, cut into words differently
SQUEEZED_SLIPS = 0.06  # share of letters that may differ then


@dataclass(frozen=True, slots=True)
class Likeness:
    """The similarity of two names (`score`, 0..1), the number of whole words (not initials) that they share, and the
    kinds of difference between partners (`past`, of KINDS)."""

    score: float
    whole: int
    past: frozenset[str] = frozenset()


# Letters of no other language; not the dotted ones that Yoruba and Igbo have too, and often leave out.
_VIETNAMESE = re.compile("[\u01a1\u01b0\u1ea2-\u1eb7\u1eba\u1ebe-\u1ec9\u1ece-\u1ee3\u1ee6-\u1ef7]")
KINDS = ("spelling", "short form", "initial", "script", "left out", "word breaks")


def _joined(name: Name, other: Name) -> tuple[Word, ...]:
    """The words, with neighbours joined that the other name writes as one word: Monte Alegre for Montealegre.

    Only where neither is a word of the other name by itself.
    """
    unwritten = name.unwritten or other.unwritten
    known = {_key(word, unwritten) for word in other.words}
    lines = frozenset().union(*(word.known.full for word in other.words))
    joined: list[Word] = []
    open_to_join = False  # the last word is unknown to the other name and stands alone so far
    for word in name.words:
        alone = _key(word, unwritten) not in known
        if alone and open_to_join and _may_join(joined[-1], word, other):
            whole = word_of(joined[-1].text + word.text)
            open_to_join = _key(whole, unwritten) not in known and lines.isdisjoint(whole.known.full)
            joined[-1:] = [joined[-1], word] if open_to_join else [whole]
        else:
            joined.append(word)
            open_to_join = alone
    return tuple(joined)


def _may_join(left: Word, right: Word, other: Name) -> bool:
    """Whether the other name has a word with the first letter of `left`, about as long as both words together: quicker
    than computing the sound of a joined word."""
    length = len(left.latin) + len(right.latin)
    return any(word.latin[0] == left.latin[0] and abs(len(word.latin) - length) < LEAST_STEM for word in other.words)


def _key(word: Word, unwritten: bool) -> str:
    return bones(word.loose[0]) if unwritten else word.sound


def likeness(a: str, b: str) -> Likeness:
    """Compare two names word by word, in any order; symmetric.

    The most similar words are paired first. If every word of the shorter name has a partner, the score weighs the mean
    and the worst of the pairs, less a little for each word more in the longer name; if not, the names are apart. One
    whole word in common is never enough for SAME, unless the names are identical; nor are given names alone.
    """
    return _likeness(*sorted((a, b)))


@remembered(NAMES_REMEMBERED)
def _likeness(a: str, b: str) -> Likeness:
    left, right = parse(a), parse(b)
    alike = _compared(left, right)
    if alike.score < SAME:
        return alike
    if left.generation != right.generation:
        return replace(alike, score=GENERATIONS)
    return replace(alike, score=CHANGED_PLACES) if _vietnamese_apart(a, b) else alike


def _compared(a: Name, b: Name) -> Likeness:
    if a.chinese and b.chinese and not (a.han and b.han):
        return _chinese(a, b)
    same_words = sorted(_texts(a.words)) == sorted(_texts(b.words))
    if a.korean and b.korean and not same_words and romanisation.same(a.korean, b.korean):
        return Likeness(VARIANT, 2, frozenset({"spelling"}))
    left, right = sorted((_joined(a, b), _joined(b, a)), key=lambda words: (len(words), _texts(words)))
    if not left:
        return Likeness(0.0, 0)
    alike = _aligned(left, right, a.vowels_vary or b.vowels_vary)
    if alike.score >= SAME or len(a.words) == len(b.words):
        return alike
    return _squeezed(a, b) or alike


def _texts(words: tuple[Word, ...]) -> list[str]:
    return [word.text for word in words]


def _chinese(left: Name, right: Name) -> Likeness:
    shared = romanisation.shared(left.chinese, right.chinese)
    if shared < 1:
        return Likeness(APART * shared, 1)
    if sorted(_texts(left.words)) == sorted(_texts(right.words)):
        return Likeness(1.0, 2)
    return Likeness(VARIANT, 2, frozenset({"script" if left.han or right.han else "spelling"}))


def _partners(left: tuple[Word, ...], right: tuple[Word, ...], vowels_vary: bool) -> dict[int, tuple[int, float, str]]:
    """Index of a left word → `(index of its partner, similarity, kind of difference)`."""
    partners: dict[int, tuple[int, float, str]] = {}
    free = list(range(len(right)))
    for i, x in enumerate(left):
        for j in free:
            if x.text == right[j].text:
                partners[i] = (j, 1.0, "")
                free.remove(j)
                break
    ranked = []
    for i, x in enumerate(left):
        if i not in partners:
            for j in free:
                value, kind = compared(x, right[j], vowels_vary)
                if value >= ALIGNED:
                    ranked.append((-value, i, j, kind))
    taken = set[int]()
    for value, i, j, kind in sorted(ranked):
        if i not in partners and j not in taken:
            partners[i] = (j, -value, kind)
            taken.add(j)
    return partners


def _aligned(left: tuple[Word, ...], right: tuple[Word, ...], vowels_vary: bool) -> Likeness:
    partners = _partners(left, right, vowels_vary)
    values = [value for _j, value, _kind in partners.values()]
    whole = sum(not left[i].initial and not right[j].initial for i, (j, _value, _kind) in partners.items())
    taken = {j for j, _value, _kind in partners.values()}
    spare_left = [word for i, word in enumerate(left) if i not in partners]
    spare_right = [word for j, word in enumerate(right) if j not in taken]
    if _fathers_differ(left, right, partners):
        return Likeness(APART * len(values) / len(left), min(whole, 1))
    if _changed_places(left, right, partners, vowels_vary):
        return Likeness(CHANGED_PLACES, whole)
    if sorted(_texts(left)) == sorted(_texts(right)):
        return Likeness(1.0, whole)
    if _apart(spare_left) and _apart(spare_right):
        return Likeness(APART * sum(values) / len(left), whole)
    if not values:
        return Likeness(0.0, 0)
    past = {kind for _j, _value, kind in partners.values() if kind}
    spare = len(spare_left) + len(spare_right)
    if spare:
        past.add("left out")
    score = (1 - WEAKEST) * sum(values) / len(values) + WEAKEST * min(values) - EXTRA * spare
    alone = whole == len(left) == len(right)  # Soetomo, Sutomo: neither has another word to compare
    enough = alone or (whole > 1 and not (spare and _given_only(left, partners)))
    return Likeness(score if enough else min(score, ONE_WORD), whole, frozenset(past))


def _changed_places(
    left: tuple[Word, ...], right: tuple[Word, ...], partners: dict[int, tuple[int, float, str]], vowels_vary: bool
) -> bool:
    """Whether neighbours that are given names stand the other way round: Ali, the son of Hassan, and Hassan, Ali's son.

    Not where the surname only went from the end to the front, nor in a name that is read backwards.
    """
    length = len(left)
    if not len(partners) == length == len(right) > 2 or _texts(left) == _texts(right)[::-1]:
        return False
    places = [partners[i][0] for i in range(length)]
    start = places.index(0)
    if places[start:] + places[:start] == list(range(length)) or places == list(reversed(range(length))):
        return False
    given = [vowels_vary or bool(word.known.full) for word in left]
    return any(given[i] and given[i + 1] and places[i] == places[i + 1] + 1 for i in range(length - 1))


def _vietnamese_apart(a: str, b: str) -> bool:
    """Whether both are written with Vietnamese accents, and these differ; or Văn, of men, meets Thị.

    A list without the accents leaves all of them out.
    """
    plain_a, plain_b = (normal("NFC", text).casefold() for text in (a, b))
    if not plain_a.isascii() and not plain_b.isascii() and _VIETNAMESE.search(plain_a + plain_b):
        spelt = {fold(word): word for word in plain_a.split()}
        if any(spelt.get(fold(word), word) != word for word in plain_b.split()):
            return True
    left, right = fold(plain_a).split(), fold(plain_b).split()
    return ("thi" in left and "van" in right) or ("van" in left and "thi" in right)


def _apart(spare: list[Word]) -> bool:
    """Whether a name has a word that the other should have."""
    return any(not word.optional for word in spare)


def _fathers_differ(
    left: tuple[Word, ...], right: tuple[Word, ...], partners: dict[int, tuple[int, float, str]]
) -> bool:
    """Whether the names give different fathers: father and son may share all words."""
    of_left = {i for i, word in enumerate(left) if word.father}
    of_right = {j for j, word in enumerate(right) if word.father}
    return bool(of_left and of_right) and not any(i in partners and partners[i][0] in of_right for i in of_left)


def _given_only(left: tuple[Word, ...], partners: dict[int, tuple[int, float, str]]) -> bool:
    """Whether the shorter name has nothing but the given names with which the longer one begins."""
    return all(word.known for word in left) and {j for j, _value, _kind in partners.values()} == set(range(len(left)))


def _squeezed(left: Name, right: Name) -> Likeness | None:
    """The likeness of names with the same letters, cut into words differently (Ben Haim, Benhaim); else None."""
    letters = [
        "".join(word.loose[0] if left.vowels_vary or right.vowels_vary else word.sound for word in name.words)
        for name in (left, right)
    ]
    length = max(map(len, letters))
    if OSA.distance(*letters) > SQUEEZED_SLIPS * length or min(len(left.words), len(right.words)) < 2:
        return None
    return Likeness(SQUEEZED, 2, frozenset({"word breaks"}))


def answers(question: str, name: str) -> float:
    """The similarity (0..1) of a name to a search: 0 where a word of the search has no partner."""
    query, known = parse(question), parse(name)
    words = _joined(query, known)
    partners = _partners(words, _joined(known, query), query.vowels_vary or known.vowels_vary)
    if not words or len(partners) < len(words):
        return 0.0
    values = [value for _j, value, _kind in partners.values()]
    return (1 - WEAKEST) * sum(values) / len(values) + WEAKEST * min(values)


def similarity(a: str, b: str) -> float:
    """The similarity of two names, 0..1, symmetric; from SAME on, the names alone count as the same."""
    return likeness(a, b).score
