"""The blocking keys of a name: two people who share one are compared.

A word's key is the first spelling of its line in the list of given names, so that Pancho meets Francisco; of other
words the consonants where there are many, else the sound without the vowels that are heard alike. Names of Arabic,
Persian and Hebrew also have keys of consonants alone, so that scripts meet.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, islice, product

from app.matching import korean
from app.matching.fold import NAMES_REMEMBERED
from app.matching.given import first_spelling
from app.matching.memory import remembered
from app.matching.sounds import bones
from app.matching.words import Name, Word, parse

MOST_SPELLINGS = 6  # of one person: name and aliases beyond these are seldom names
MOST_LINES = 3  # of the list in which a short form stands: Ale is Alejandro, Alejandra, Alexis and more
# Of one spelling: 990 of 1,000 names have 24 at most, and the labelled pairs meet by these as by all. Eight words of
# six sounds each have hundreds, and each is a row of the index. The bound is for each spelling, so that no alias
# displaces the name, and a person whose name is another's alias shares all keys of it.
MOST_KEYS = 32
TELLING_BONES = 4  # consonants that tell a word by themselves; Rojas, Reyes and Ruiz share two
MOST_READINGS = 24  # of one Chinese name in Wade-Giles: ch stands for four sounds, and a name has three syllables

_ALIKE = str.maketrans("eo", "iu")

OF_PAIR, OF_ONE, OF_WORD, OF_CHINESE, OF_KOREAN = "p:", "o:", "w:", "c:", "k:"


def blocking_keys(name: str | None, aliases: Iterable[str]) -> frozenset[str]:
    """The keys of a person's name and aliases.

    ``p:`` every pair of words, sorted, so that order and missing second names do not matter; ``o:`` the word of a name
    that has only one; ``c:`` the syllables of a Chinese name; ``k:`` how those of a Korean one begin and end. At most
    MOST_KEYS of each spelling, the most telling ones.
    """
    return frozenset().union(*(_of_name(text) for text in [name or "", *aliases][:MOST_SPELLINGS]))


def fewest_keys(name: str | None, aliases: Iterable[str]) -> int:
    """The least number of keys shared by a name of the very same words in any order: that of the spelling with the
    fewest keys."""
    counted = [len(_of_its_words(text)) for text in [name or "", *aliases][:MOST_SPELLINGS]]
    return min(filter(None, counted), default=0)


def word_keys(name: str | None, aliases: Iterable[str]) -> frozenset[str]:
    """A key ``w:`` for every word, for searches by one word; never used to link people."""
    return frozenset().union(*(_of_words(text) for text in [name or "", *aliases][:MOST_SPELLINGS]))


@remembered(NAMES_REMEMBERED)
def _of_words(text: str) -> frozenset[str]:
    return frozenset(OF_WORD + key for word in parse(text).words for key in _of_word(word))


def search_keys(question: str) -> frozenset[str]:
    """The keys of a search: for one word, of people with it; for several, of people with two of them."""
    if len(parse(question).words) == 1:
        return word_keys(question, ())
    return blocking_keys(question, ())


@remembered(NAMES_REMEMBERED)
def _of_name(text: str) -> tuple[str, ...]:
    """The keys of one spelling, cached since each report needs them twice. Keys of its words come first, so that beyond
    MOST_KEYS the same words still have the same keys."""
    name = parse(text)
    frames = sorted(OF_KOREAN + frame for frame in korean.frames(name.korean))
    told = dict.fromkeys((*_of_its_words(text), *_of_chinese(name), *frames, *_of_neighbours(name)))
    return tuple(islice(told, MOST_KEYS))


@remembered(NAMES_REMEMBERED)
def _of_its_words(text: str) -> tuple[str, ...]:
    """The keys of the words by themselves, which are the same in whatever order they stand; the most telling first."""
    name = parse(text)
    words = _whole(name)
    if len(words) == 1:
        return tuple(OF_ONE + key for key in _of_word(words[0]))
    return tuple(islice(_pairs([_forms(word, name.vowels_vary) for word in words]), MOST_KEYS))


def _of_neighbours(name: Name) -> Iterator[str]:
    """The keys of a name of three words with two neighbours joined (Park Ji Hoon, Park Jihoon). Longer names have two
    other words to share."""
    if len(words := _whole(name)) == 3:
        first, middle, last = words
        yield from _pairs([_forms(_together(first, middle), False), _forms(last, name.vowels_vary)])
        yield from _pairs([_forms(first, name.vowels_vary), _forms(_together(middle, last), False)])


def _whole(name: Name) -> list[Word]:
    return [word for word in name.words if not word.initial]


def _pairs(words: Sequence[Sequence[str]]) -> Iterator[str]:
    """The keys of every pair of words: by the first form of both, then by the second of either, and so on, so that of
    many words fewer forms come before MOST_KEYS. Consonants pair with consonants or with a line of the list."""
    keys = set[str]()
    for last in range(max(map(len, words), default=0)):
        layer = {
            _pair(left, right)
            for left_forms, right_forms in combinations(words, 2)
            for left, right in (
                *product(left_forms[: last + 1], right_forms[last : last + 1]),
                *product(left_forms[last : last + 1], right_forms[:last]),
            )
            if left != right and ("~" not in left + right or {left[0], right[0]} <= {"~", "="})
        }
        yield from sorted(layer - keys)
        keys |= layer


def _pair(left: str, right: str) -> str:
    return f"{OF_PAIR}{left}|{right}" if left < right else f"{OF_PAIR}{right}|{left}"


def _forms(word: Word, vowels_vary: bool) -> list[str]:
    """The word's keys, the most telling first: ``=`` a line of the list, ``~`` consonants alone, else as it is
    heard."""
    forms = _of_word(word)
    if vowels_vary and not word.known:
        forms += ["~" + bones(heard) for heard in word.loose if len(bones(heard)) > 1]
    if word.stem is not None:
        forms += _of_word(word.stem)
    return list(dict.fromkeys(forms))


def _of_word(word: Word) -> list[str]:
    if word.known:
        lines = sorted(word.known.full) + sorted(word.known.short)
        return list(dict.fromkeys("=" + first_spelling(line) for line in lines[:MOST_LINES]))
    frame = bones(word.sound)
    return [frame if len(frame) >= TELLING_BONES else word.sound.translate(_ALIKE)]


def _together(left: Word, right: Word) -> Word:
    return parse(left.text + right.text).words[0]


def _of_chinese(name: Name) -> Iterator[str]:
    syllables = [readings for word in name.chinese for readings in word]
    if not syllables:
        return
    for number, reading in enumerate(product(*map(sorted, syllables))):
        if number == MOST_READINGS:
            return
        yield OF_CHINESE + "|".join(sorted(reading))
