"""Score the similarity of two names and describe their differences.

Words are paired with words of the other name, in any order; the score combines the worst pair, the mean, and the words
without a partner. It does not decide that two people are one: see ``score``."""

import re
from dataclasses import dataclass, replace
from itertools import product

from rapidfuzz.distance import OSA

from app.matching import romanisation
from app.matching.phonetics import compute_edit_distance, encode_renderings, extract_consonants
from app.matching.scripts import NAME_CACHE_SIZE, WORD_CACHE_SIZE, Script, fold, may_be_one_character, scoped_cache
from app.matching.words import MIN_STEM, Name, Word, build_word, find_name_lines, parse_name
from app.unicode_text import normalize_text

MIN_WORD_SIMILARITY = 0.7  # below it two words are different: at most three letters in ten may differ
VARIANT_SCORE = 0.97  # Yakov and Jacob are on one line of the list of given names
SHORT_FORM_SCORE = 0.95  # Pancho and Francisco
SAME_SOUND_SCORE = 0.95  # Gonzales and Gonzalez: spelling, not another name
SAME_CONSONANTS_SCORE = 0.93  # the consonants agree and one side has no vowels
FEW_CONSONANTS_SCORE = 0.89  # likewise, with two consonants: S-l may be Saleh, Salah or Suheil
PREFIX_SCORE = 0.93  # Alkhatib and Khatib
MISREAD_SCORE = 0.9  # Comejo for Cornejo: a scan, or bad luck
INITIAL_SCORE = 0.9  # J. may be Juan, and may be Jorge
GENDER_SCORE = 0.5  # Daniel and Daniela, Mario and Maria: one letter apart, but two people
# Chinese names with other characters and the same syllables: traditional and simplified, or two people.
ONE_SOUND_SCORE = 0.93
ONE_CHARACTER_SCORE = 0.8  # likewise with a given name of one character: hundreds sound the same
# Minimum letters for swapped letters to be a slip and for h to be g: Pardo and Prado, Hill and Gill are families.
MIN_LONG_LETTERS = 6

_VOWEL_SOUNDS = frozenset("aiu")
# Eastern and Western Armenian pronounce a letter differently (Grigoryan, Krikorian); the ending identifies a surname.
_ARMENIAN = re.compile("..[iy]an$")
_WESTERN_ARMENIAN = str.maketrans("gbd", "kpt", "y")
_REPEATED_LETTER = re.compile(r"(.)\1+")


def _differs_by_gender(a: str, b: str, is_foreign: bool) -> bool:
    """Return whether two words differ by a gender ending: -a, -ia, and in languages that have it -o."""
    short, long = sorted((a, b), key=len)
    if long in (short + "a", short + "ia"):
        return True
    return not is_foreign and len(a) == len(b) and a[:-1] == b[:-1] and {a[-1], b[-1]} == {"a", "o"}


@scoped_cache(4 * WORD_CACHE_SIZE)
def compare_words(x: Word, y: Word, vowels_vary: bool) -> tuple[float, str]:
    """Return `(similarity 0..1, kind of difference)` of two words; symmetric."""
    if x.text == y.text:
        return 1.0, ""
    if x.is_initial or y.is_initial:
        short, long = (x, y) if x.is_initial else (y, x)
        return (INITIAL_SCORE if long.latin.startswith(short.latin) else 0.0), "initial"
    kind = "spelling" if x.script is y.script else "script"
    if x.script is y.script is Script.HAN:
        return (_score_same_sound(x.text, y.text) if x.latin == y.latin else 0.0), "spelling"
    is_vowelless = Script.CONSONANTS in (x.script, y.script)
    is_one_name = bool(x.name_lines.full & y.name_lines.full)
    # Omar and Amer look alike in Arabic, but are two names of the list.
    if x.latin == y.latin and (is_one_name or not (x.name_lines and y.name_lines)):
        return 1.0, kind
    if is_one_name:
        return VARIANT_SCORE, kind
    if (
        x.name_lines.full
        and y.name_lines.full
        and not is_vowelless
        and _differs_by_gender(x.latin, y.latin, is_foreign=True)
    ):
        return GENDER_SCORE, kind  # even if one is a short form of the other: Angel, Angela
    if (
        x.name_lines.full & y.name_lines.short
        or x.name_lines.short & y.name_lines.full
        or (x.name_lines and x.name_lines == y.name_lines)
    ):
        return SHORT_FORM_SCORE, "short form"
    if x.name_lines and y.name_lines:  # two different names of the list
        return 0.0, kind
    if x.sound == y.sound:
        return SAME_SOUND_SCORE, kind
    if not is_vowelless and _differs_by_gender(x.latin, y.latin, vowels_vary or kind == "script"):
        return GENDER_SCORE, kind
    if is_vowelless:
        return _score_consonants(x, y), kind
    prefix_score = 0.0 if x.stem is None and y.stem is None else _score_prefix(x, y)
    return max(prefix_score, _score_spelling(x, y, vowels_vary)), kind


def _score_same_sound(a: str, b: str) -> float:
    """Return the similarity of different characters with the same sound: low for names of one character, unless one is
    the other's simplified form."""
    if len(a) != len(b):
        return ONE_CHARACTER_SCORE
    return ONE_SOUND_SCORE if len(a) > 1 or may_be_one_character(a, b) else ONE_CHARACTER_SCORE


def _score_consonants(x: Word, y: Word) -> float:
    """Return the similarity of consonants, if one of the words has no vowels."""
    pairs = [(x.sound, y.sound), *product(x.loose_sounds, y.loose_sounds)]
    return max(_compare_consonants(extract_consonants(a), extract_consonants(b)) for a, b in pairs)


def _compare_consonants(a: str, b: str) -> float:
    a, b = (_REPEATED_LETTER.sub(r"\1", text) for text in (a, b))  # letters separated only by a vowel: Mehrdad
    shorter, longer = sorted((len(a), len(b)))
    if shorter < 2:
        return 0.0
    distance = OSA.distance(a, b)
    if distance == 0:
        return SAME_CONSONANTS_SCORE if shorter > 2 else FEW_CONSONANTS_SCORE
    return 1 - 1.5 * distance / longer


def _score_prefix(x: Word, y: Word) -> float:
    """Return the similarity if one word includes an article or "son of"."""
    for stem, whole in ((x.stem, y), (y.stem, x)):
        if stem is not None and (
            stem.sound == whole.sound
            or stem.loose_sounds[0] == whole.loose_sounds[0]
            or stem.name_lines.full & whole.name_lines.full
        ):
            return PREFIX_SCORE
    return 0.0


def _score_spelling(x: Word, y: Word, vowels_vary: bool) -> float:
    if min(len(x.latin), len(y.latin)) >= MIN_LONG_LETTERS and (
        not encode_renderings(x.latin).isdisjoint(encode_renderings(y.latin)) or _is_armenian_variant(x.latin, y.latin)
    ):
        return SAME_SOUND_SCORE
    best = MISREAD_SCORE if x.scan_form == y.scan_form or _has_swapped_letters(x.latin, y.latin) else 0.0
    a, b = x.sound, y.sound
    if a[0] == b[0]:  # slips happen inside a word: Hernandez and Fernandez are two families
        best = max(best, _score_edits(a, b))
    if vowels_vary or (x.is_father and y.is_father):
        if (
            x.latin[-1] == y.latin[-1] == "i"
            and find_name_lines(x.latin[:-1]).full & find_name_lines(y.latin[:-1]).full
        ):
            return SAME_SOUND_SCORE  # Othmani, Osmani
        for a, b in product(x.loose_sounds, y.loose_sounds):
            if a == b:
                return SAME_SOUND_SCORE
            if _begin_alike(a, b):
                best = max(best, _score_edits(a, b, vowels_vary=True))
    return best


def _is_armenian_variant(a: str, b: str) -> bool:
    if not (_ARMENIAN.search(a) and _ARMENIAN.search(b)):
        return False
    left, right = (
        _REPEATED_LETTER.sub(r"\1", extract_consonants(word.translate(_WESTERN_ARMENIAN))) for word in (a, b)
    )
    return left == right


def _has_swapped_letters(a: str, b: str) -> bool:
    """Return whether two neighbouring letters, not the first, are swapped."""
    is_comparable = len(a) == len(b) >= MIN_LONG_LETTERS and a[0] == b[0]
    return is_comparable and sorted(a) == sorted(b) and OSA.distance(a, b, score_cutoff=1) == 1


def _score_edits(a: str, b: str, *, vowels_vary: bool = False) -> float:
    length = max(len(a), len(b))
    return 1 - compute_edit_distance(a, b, length * (1 - MIN_WORD_SIMILARITY), vowels_vary=vowels_vary) / length


def _begin_alike(a: str, b: str) -> bool:
    return a[0] == b[0] or (a[0] in _VOWEL_SOUNDS and b[0] in _VOWEL_SOUNDS)


SAME_NAME_SCORE = 0.88
"""From this score on, names count as the same if nothing but the names is known (chosen by bench/match.py)."""

WEAKEST_WEIGHT = 0.6  # weight of the worst pair: one wrong surname matters more than three right words
EXTRA_WORD_PENALTY = 0.02  # per word that only one side has: a second surname is omitted more often than it is wrong
UNPAIRED_FACTOR = 0.7  # if both sides have a word without partner: brothers share all but one
ONE_WORD_SCORE = 0.75  # maximum for one shared whole word: Roberto may be any Roberto
GENERATIONS_SCORE = 0.85  # maximum if only one is "Jr.": father and son, or a list that omits it
CHANGED_ORDER_SCORE = 0.85  # maximum if two given names are swapped: José María and María José are two people
SAME_LETTERS_SCORE = 0.9  # the same letters, divided into words differently
SAME_LETTERS_SLIPS = 0.06  # share of letters that may differ then


@dataclass(frozen=True, slots=True)
class Likeness:
    """The similarity of two names.

    `score`: 0..1. `whole_words`: number of whole words (not initials) that they share. `differences`: kinds of
    difference between partners, from DIFFERENCE_KINDS."""

    score: float
    whole_words: int
    differences: frozenset[str] = frozenset()


# Letters of no other language; excludes the dotted ones that Yoruba and Igbo share and often omit.
_VIETNAMESE = re.compile("[\u01a1\u01b0\u1ea2-\u1eb7\u1eba\u1ebe-\u1ec9\u1ece-\u1ee3\u1ee6-\u1ef7]")
DIFFERENCE_KINDS = ("spelling", "short form", "initial", "script", "left out", "word breaks")


def _join_neighbours(name: Name, other: Name) -> tuple[Word, ...]:
    """Return the words, with neighbours joined if the other name writes them as one word: Monte Alegre for Montealegre.

    Only if neither is a word of the other name by itself."""
    is_vowelless = name.is_vowelless or other.is_vowelless
    other_keys = {_get_sound_key(word, is_vowelless) for word in other.words}
    lines = frozenset().union(*(word.name_lines.full for word in other.words))
    result: list[Word] = []
    can_join = False  # whether the last word is unknown to the other name and not joined
    for word in name.words:
        is_unmatched = _get_sound_key(word, is_vowelless) not in other_keys
        if is_unmatched and can_join and _may_be_joined(result[-1], word, other):
            joined_word = build_word(result[-1].text + word.text)
            can_join = _get_sound_key(joined_word, is_vowelless) not in other_keys and lines.isdisjoint(
                joined_word.name_lines.full
            )
            result[-1:] = [result[-1], word] if can_join else [joined_word]
        else:
            result.append(word)
            can_join = is_unmatched
    return tuple(result)


def _may_be_joined(left: Word, right: Word, other: Name) -> bool:
    """Return whether the other name has a word that begins like `left` and is about as long as both words together:
    faster than computing the sound of a joined word."""
    length = len(left.latin) + len(right.latin)
    return any(word.latin[0] == left.latin[0] and abs(len(word.latin) - length) < MIN_STEM for word in other.words)


def _get_sound_key(word: Word, is_vowelless: bool) -> str:
    return extract_consonants(word.loose_sounds[0]) if is_vowelless else word.sound


def compare_names(a: str, b: str) -> Likeness:
    """Compare two names word by word, in any order; symmetric.

    The most similar words are paired first. If every word of the shorter name has a partner, the score combines the
    mean and the worst of the pairs, minus a little for each extra word of the longer name; otherwise the names differ.
    One shared whole word never reaches SAME_NAME_SCORE, unless the names are identical; nor do given names alone."""
    return _compare_texts(*sorted((a, b)))


@scoped_cache(NAME_CACHE_SIZE)
def _compare_texts(a: str, b: str) -> Likeness:
    left, right = parse_name(a), parse_name(b)
    result = _compare_parsed(left, right)
    if result.score < SAME_NAME_SCORE:
        return result
    if left.generation != right.generation:
        return replace(result, score=GENERATIONS_SCORE)
    return replace(result, score=CHANGED_ORDER_SCORE) if _differs_in_vietnamese(a, b) else result


def _compare_parsed(a: Name, b: Name) -> Likeness:
    if a.chinese and b.chinese and not (a.han and b.han):
        return _compare_chinese(a, b)
    same_words = sorted(_list_texts(a.words)) == sorted(_list_texts(b.words))
    if a.korean and b.korean and not same_words and romanisation.share_reading(a.korean, b.korean):
        return Likeness(VARIANT_SCORE, 2, frozenset({"spelling"}))
    left, right = sorted(
        (_join_neighbours(a, b), _join_neighbours(b, a)), key=lambda words: (len(words), _list_texts(words))
    )
    if not left:
        return Likeness(0.0, 0)
    result = _score_word_pairs(left, right, a.vowels_vary or b.vowels_vary)
    if result.score >= SAME_NAME_SCORE or len(a.words) == len(b.words):
        return result
    return _compare_letters(a, b) or result


def _list_texts(words: tuple[Word, ...]) -> list[str]:
    return [word.text for word in words]


def _compare_chinese(left: Name, right: Name) -> Likeness:
    shared = romanisation.share_syllables(left.chinese, right.chinese)
    if shared < 1:
        return Likeness(UNPAIRED_FACTOR * shared, 1)
    if sorted(_list_texts(left.words)) == sorted(_list_texts(right.words)):
        return Likeness(1.0, 2)
    return Likeness(VARIANT_SCORE, 2, frozenset({"script" if left.han or right.han else "spelling"}))


def _pair_words(
    left: tuple[Word, ...], right: tuple[Word, ...], vowels_vary: bool
) -> dict[int, tuple[int, float, str]]:
    """Return a dict of index of a left word → `(index of its partner, similarity, kind of difference)`."""
    partners: dict[int, tuple[int, float, str]] = {}
    free = list(range(len(right)))
    for i, x in enumerate(left):
        for j in free:
            if x.text == right[j].text:
                partners[i] = (j, 1.0, "")
                free.remove(j)
                break
    candidates = []
    for i, x in enumerate(left):
        if i not in partners:
            for j in free:
                value, kind = compare_words(x, right[j], vowels_vary)
                if value >= MIN_WORD_SIMILARITY:
                    candidates.append((-value, i, j, kind))
    used = set[int]()
    for value, i, j, kind in sorted(candidates):
        if i not in partners and j not in used:
            partners[i] = (j, -value, kind)
            used.add(j)
    return partners


def _score_word_pairs(left: tuple[Word, ...], right: tuple[Word, ...], vowels_vary: bool) -> Likeness:
    partners = _pair_words(left, right, vowels_vary)
    values = [value for _j, value, _kind in partners.values()]
    whole_words = sum(not left[i].is_initial and not right[j].is_initial for i, (j, _value, _kind) in partners.items())
    used = {j for j, _value, _kind in partners.values()}
    spare_left = [word for i, word in enumerate(left) if i not in partners]
    spare_right = [word for j, word in enumerate(right) if j not in used]
    if _fathers_differ(left, right, partners):
        return Likeness(UNPAIRED_FACTOR * len(values) / len(left), min(whole_words, 1))
    if _has_changed_order(left, right, partners, vowels_vary):
        return Likeness(CHANGED_ORDER_SCORE, whole_words)
    if sorted(_list_texts(left)) == sorted(_list_texts(right)):
        return Likeness(1.0, whole_words)
    if _has_required_word(spare_left) and _has_required_word(spare_right):
        return Likeness(UNPAIRED_FACTOR * sum(values) / len(left), whole_words)
    if not values:
        return Likeness(0.0, 0)
    differences = {kind for _j, _value, kind in partners.values() if kind}
    spare = len(spare_left) + len(spare_right)
    if spare:
        differences.add("left out")
    score = (1 - WEAKEST_WEIGHT) * sum(values) / len(values) + WEAKEST_WEIGHT * min(values) - EXTRA_WORD_PENALTY * spare
    is_single_word = whole_words == len(left) == len(right)  # Soetomo, Sutomo: neither has another word to compare
    has_enough_words = is_single_word or (whole_words > 1 and not (spare and _has_only_forenames(left, partners)))
    return Likeness(score if has_enough_words else min(score, ONE_WORD_SCORE), whole_words, frozenset(differences))


def _has_changed_order(
    left: tuple[Word, ...], right: tuple[Word, ...], partners: dict[int, tuple[int, float, str]], vowels_vary: bool
) -> bool:
    """Return whether neighbouring given names are swapped: Ali, the son of Hassan, and Hassan, Ali's son.

    Not if only the surname moved from the end to the front, nor in a name that is fully reversed."""
    length = len(left)
    if not len(partners) == length == len(right) > 2 or _list_texts(left) == _list_texts(right)[::-1]:
        return False
    places = [partners[i][0] for i in range(length)]
    start = places.index(0)
    if places[start:] + places[:start] == list(range(length)) or places == list(reversed(range(length))):
        return False
    is_forename = [vowels_vary or bool(word.name_lines.full) for word in left]
    return any(is_forename[i] and is_forename[i + 1] and places[i] == places[i + 1] + 1 for i in range(length - 1))


def _differs_in_vietnamese(a: str, b: str) -> bool:
    """Return whether both are written with different Vietnamese accents, or male Văn meets female Thị.

    A list without accents omits all of them."""
    plain_a, plain_b = (normalize_text("NFC", text).casefold() for text in (a, b))
    if not plain_a.isascii() and not plain_b.isascii() and _VIETNAMESE.search(plain_a + plain_b):
        spelt = {fold(word): word for word in plain_a.split()}
        if any(spelt.get(fold(word), word) != word for word in plain_b.split()):
            return True
    left, right = fold(plain_a).split(), fold(plain_b).split()
    return ("thi" in left and "van" in right) or ("van" in left and "thi" in right)


def _has_required_word(spare: list[Word]) -> bool:
    """Return whether a word without partner is one that the other name should have."""
    return any(not word.is_optional for word in spare)


def _fathers_differ(
    left: tuple[Word, ...], right: tuple[Word, ...], partners: dict[int, tuple[int, float, str]]
) -> bool:
    """Return whether the names give different fathers: father and son may share all words."""
    left_fathers = {i for i, word in enumerate(left) if word.is_father}
    right_fathers = {j for j, word in enumerate(right) if word.is_father}
    return bool(left_fathers and right_fathers) and not any(
        i in partners and partners[i][0] in right_fathers for i in left_fathers
    )


def _has_only_forenames(left: tuple[Word, ...], partners: dict[int, tuple[int, float, str]]) -> bool:
    """Return whether the shorter name has only the given names with which the longer one begins."""
    return all(word.name_lines for word in left) and {j for j, _value, _kind in partners.values()} == set(
        range(len(left))
    )


def _compare_letters(left: Name, right: Name) -> Likeness | None:
    """Return the likeness of names with the same letters, divided into words differently (Ben Haim, Benhaim); otherwise
    None."""
    letters = [
        "".join(word.loose_sounds[0] if left.vowels_vary or right.vowels_vary else word.sound for word in name.words)
        for name in (left, right)
    ]
    length = max(map(len, letters))
    if OSA.distance(*letters) > SAME_LETTERS_SLIPS * length or min(len(left.words), len(right.words)) < 2:
        return None
    return Likeness(SAME_LETTERS_SCORE, 2, frozenset({"word breaks"}))


def score_search(question: str, name: str) -> float:
    """Return the similarity (0..1) of a name to a search: 0 if a word of the search has no partner."""
    query, candidate = parse_name(question), parse_name(name)
    words = _join_neighbours(query, candidate)
    partners = _pair_words(words, _join_neighbours(candidate, query), query.vowels_vary or candidate.vowels_vary)
    if not words or len(partners) < len(words):
        return 0.0
    values = [value for _j, value, _kind in partners.values()]
    return (1 - WEAKEST_WEIGHT) * sum(values) / len(values) + WEAKEST_WEIGHT * min(values)


def measure_similarity(a: str, b: str) -> float:
    """Return the similarity of two names, 0..1, symmetric; from SAME_NAME_SCORE on they count as the same."""
    return compare_names(a, b).score
