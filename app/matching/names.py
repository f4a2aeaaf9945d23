"""How alike two names are.

Words find their partners, in any order; what is said of the pair is how well the worst of them fits, and what one side
leaves out. Nothing here decides that two people are one: see ``score``.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

from rapidfuzz.distance import OSA

from app.matching import chinese
from app.matching.fold import REMEMBERED
from app.matching.scripts import Script
from app.matching.sounds import bones, edits
from app.matching.words import Name, Word, parse, word_of

SAME = 0.88
"""Names at least this alike are taken for the same when nothing but the names is known (chosen by bench/match.py)."""

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
WEAKEST = 0.6  # share of the worst pair in a score: one wrong surname matters more than three right words
EXTRA = 0.02  # off for each word only one side has: a second surname is left out more often than it is wrong
APART = 0.7  # factor when both sides have a word without partner: brothers share all but one
ONE_WORD = 0.75  # most that one whole word in common can give: Roberto may be any Roberto
ONE_SOUND = 0.93  # Chinese names of other characters and the same syllables: traditional and simplified, or two people
ONE_CHARACTER = 0.8  # likewise with a given name of one character: hundreds sound the same
GENERATIONS = 0.85  # most that names can give of which one is "Jr.": father and son, or a list that leaves it out
SQUEEZED = 0.9  # the same letters, cut into words differently
SQUEEZED_SLIPS = 0.06  # share of letters that may differ then


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two names are, 0..1, how many whole words (not initials) they share, and what kinds of difference
    were seen past: a subset of KINDS."""

    score: float
    whole: int
    past: frozenset[str] = frozenset()


KINDS = ("spelling", "short form", "initial", "script", "left out", "word breaks")


def _gendered(one: str, two: str, foreign: bool) -> bool:
    """Whether two words differ by the ending of the other sex: -a, and in languages that have it -o."""
    short, long = sorted((one, two), key=len)
    if long == short + "a":
        return True
    return not foreign and len(one) == len(two) and one[:-1] == two[:-1] and {one[-1], two[-1]} == {"a", "o"}


@lru_cache(maxsize=4 * REMEMBERED)
def _compared(x: Word, y: Word, vowels_vary: bool) -> tuple[float, str]:
    """How alike two words are, 0..1, and the kind of difference seen past; symmetric."""
    if x.text == y.text:
        return 1.0, ""
    if x.initial or y.initial:
        short, long = (x, y) if x.initial else (y, x)
        return (INITIAL if long.latin.startswith(short.latin) else 0.0), "initial"
    kind = "spelling" if x.script is y.script else "script"
    if x.script is y.script is Script.HAN:
        same = x.latin == y.latin
        return (ONE_SOUND if len(x.text) == len(y.text) > 1 else ONE_CHARACTER) if same else 0.0, "spelling"
    if x.latin == y.latin:
        return 1.0, kind
    if x.known.full & y.known.full:
        return VARIANT, kind
    if x.known.full & y.known.short or x.known.short & y.known.full or (x.known and x.known == y.known):
        return SHORT_FORM, "short form"
    unwritten = Script.CONSONANTS in (x.script, y.script)
    if x.sound == y.sound:
        return SOUNDS_ALIKE, kind
    if not unwritten and _gendered(x.latin, y.latin, vowels_vary or kind == "script"):
        return GENDERED, kind
    if x.known and y.known:  # two names of the list, and not one
        return 0.0, kind
    if unwritten:
        return _boned(x, y), kind
    prefixed = 0.0 if x.stem is None and y.stem is None else _prefixed(x, y)
    return max(prefixed, _spelt(x, y, vowels_vary)), kind


def _boned(x: Word, y: Word) -> float:
    """Compared by consonants: one of the two has no vowels."""
    pairs = [(x.sound, y.sound), *product(x.loose, y.loose)]
    return max(_bones_alike(bones(one), bones(two)) for one, two in pairs)


def _bones_alike(one: str, two: str) -> float:
    least, most = sorted((len(one), len(two)))
    if least < 2:
        return 0.0
    apart = OSA.distance(one, two)
    if apart == 0:
        return SAME_BONES if least > 2 else FEW_BONES
    return 1 - 1.5 * apart / most


def _prefixed(x: Word, y: Word) -> float:
    """One has the article, or "son of", written together with the word."""
    for stem, whole in ((x.stem, y), (y.stem, x)):
        if stem is not None and (
            stem.sound == whole.sound or stem.loose[0] == whole.loose[0] or stem.known.full & whole.known.full
        ):
            return PREFIXED
    return 0.0


def _spelt(x: Word, y: Word, vowels_vary: bool) -> float:
    best = MISREAD if x.printed == y.printed else 0.0
    one, two = x.sound, y.sound
    if one[0] == two[0]:  # slips fall inside a word: Hernandez and Fernandez are two families
        best = max(best, _near(one, two))
    if vowels_vary or (x.father and y.father):
        for one, two in product(x.loose, y.loose):
            if one == two:
                return SOUNDS_ALIKE
            if _begins_alike(one, two):
                best = max(best, _near(one, two, vowels_vary=True))
    return best


def _near(one: str, two: str, *, vowels_vary: bool = False) -> float:
    length = max(len(one), len(two))
    return 1 - edits(one, two, length * (1 - ALIGNED), vowels_vary=vowels_vary) / length


def _begins_alike(one: str, two: str) -> bool:
    vowels = frozenset("aiu")
    return one[0] == two[0] or (one[0] in vowels and two[0] in vowels)


def _joined(name: Name, other: Name) -> tuple[Word, ...]:
    """Neighbours that the other name writes as one word are one: Monte Alegre where it has Montealegre.

    Only where neither is a word of the other name by itself.
    """
    unwritten = name.unwritten or other.unwritten
    known = {_key(word, unwritten) for word in other.words}
    joined: list[Word] = []
    open_to_join = False  # the last word is unknown to the other name and stands alone so far
    for word in name.words:
        alone = _key(word, unwritten) not in known
        if alone and open_to_join and _key(whole := word_of(joined[-1].text + word.text), unwritten) in known:
            joined[-1] = whole
            open_to_join = False
        else:
            joined.append(word)
            open_to_join = alone
    return tuple(joined)


def _key(word: Word, unwritten: bool) -> str:
    return bones(word.loose[0]) if unwritten else word.sound


def likeness(a: str, b: str) -> Likeness:
    """Compare two names word by word, in any order; symmetric.

    Words find their partners best first. If every word of the shorter name has one, the score weighs their mean and
    their worst, less a little for what the longer name has more; if not, the names are apart. One whole word in common
    is never enough for SAME, unless the names are identical; nor are given names alone.
    """
    one, two = sorted((a, b))
    return _likeness(one, two)


@lru_cache(maxsize=REMEMBERED)
def _likeness(a: str, b: str) -> Likeness:
    one, two = parse(a), parse(b)
    if one.chinese and two.chinese and not (one.han and two.han):
        return _chinese(one, two)
    left, right = sorted((_joined(one, two), _joined(two, one)), key=lambda words: (len(words), _texts(words)))
    if not left:
        return Likeness(0.0, 0)
    found = _aligned(left, right, one.vowels_vary or two.vowels_vary)
    if one.younger != two.younger:
        return replace(found, score=min(found.score, GENERATIONS))
    if found.score >= SAME or len(one.words) == len(two.words):
        return found
    return _squeezed(one, two) or found


def _texts(words: tuple[Word, ...]) -> list[str]:
    return [word.text for word in words]


def _chinese(one: Name, two: Name) -> Likeness:
    shared = chinese.shared(one.chinese, two.chinese)
    if shared < 1:
        return Likeness(APART * shared, 1)
    if sorted(_texts(one.words)) == sorted(_texts(two.words)):
        return Likeness(1.0, 2)
    return Likeness(VARIANT, 2, frozenset({"script" if one.han or two.han else "spelling"}))


def _partners(left: tuple[Word, ...], right: tuple[Word, ...], vowels_vary: bool) -> dict[int, tuple[int, float, str]]:
    """For words of the left name, by place: the place of the partner, how alike they are, and the difference."""
    found: dict[int, tuple[int, float, str]] = {}
    free = list(range(len(right)))
    for i, x in enumerate(left):
        for j in free:
            if x.text == right[j].text:
                found[i] = (j, 1.0, "")
                free.remove(j)
                break
    ranked = []
    for i, x in enumerate(left):
        if i not in found:
            for j in free:
                value, kind = _compared(x, right[j], vowels_vary)
                if value >= ALIGNED:
                    ranked.append((-value, i, j, kind))
    taken = set[int]()
    for value, i, j, kind in sorted(ranked):
        if i not in found and j not in taken:
            found[i] = (j, -value, kind)
            taken.add(j)
    return found


def _aligned(left: tuple[Word, ...], right: tuple[Word, ...], vowels_vary: bool) -> Likeness:
    found = _partners(left, right, vowels_vary)
    values = [value for _j, value, _kind in found.values()]
    whole = sum(not left[i].initial and not right[j].initial for i, (j, _value, _kind) in found.items())
    taken = {j for j, _value, _kind in found.values()}
    spare_left = [word for i, word in enumerate(left) if i not in found]
    spare_right = [word for j, word in enumerate(right) if j not in taken]
    if _fathers_differ(left, right, found):
        return Likeness(APART * len(values) / len(left), min(whole, 1))
    if sorted(_texts(left)) == sorted(_texts(right)):
        return Likeness(1.0, whole)
    if _apart(spare_left) and _apart(spare_right):
        return Likeness(APART * sum(values) / len(left), whole)
    if not values:
        return Likeness(0.0, 0)
    past = {kind for _j, _value, kind in found.values() if kind}
    spare = len(spare_left) + len(spare_right)
    if spare:
        past.add("left out")
    score = (1 - WEAKEST) * sum(values) / len(values) + WEAKEST * min(values) - EXTRA * spare
    enough = whole > 1 and not (spare and _given_only(left, found))
    return Likeness(score if enough else min(score, ONE_WORD), whole, frozenset(past))


def _apart(spare: list[Word]) -> bool:
    """Whether a name has a word that the other should have."""
    return any(not word.optional for word in spare)


def _fathers_differ(left: tuple[Word, ...], right: tuple[Word, ...], found: dict[int, tuple[int, float, str]]) -> bool:
    """Both names give the father's, and it is not the same: father and son may share all words."""
    one = {i for i, word in enumerate(left) if word.father}
    two = {j for j, word in enumerate(right) if word.father}
    return bool(one and two) and not any(i in found and found[i][0] in two for i in one)


def _given_only(left: tuple[Word, ...], found: dict[int, tuple[int, float, str]]) -> bool:
    """Whether the shorter name has nothing but the given names with which the longer one begins."""
    return all(word.known for word in left) and {j for j, _value, _kind in found.values()} == set(range(len(left)))


def _squeezed(one: Name, two: Name) -> Likeness | None:
    """The same letters, cut into words differently (Ben Haim, Benhaim), if that is what they are."""
    heard = [
        "".join(word.loose[0] if one.vowels_vary or two.vowels_vary else word.sound for word in name.words)
        for name in (one, two)
    ]
    length = max(map(len, heard))
    if OSA.distance(*heard) > SQUEEZED_SLIPS * length or min(len(one.words), len(two.words)) < 2:
        return None
    return Likeness(SQUEEZED, 2, frozenset({"word breaks"}))


def answers(question: str, name: str) -> float:
    """How well a name answers a search: every word asked has a partner in it, 0..1; 0 if one has none."""
    asked, said = parse(question), parse(name)
    words = _joined(asked, said)
    found = _partners(words, _joined(said, asked), asked.vowels_vary or said.vowels_vary)
    if not words or len(found) < len(words):
        return 0.0
    values = [value for _j, value, _kind in found.values()]
    return (1 - WEAKEST) * sum(values) / len(values) + WEAKEST * min(values)


def similarity(a: str, b: str) -> float:
    """How alike two names are, 0..1, symmetric; from SAME on, the names alone are taken for the same."""
    return likeness(a, b).score
