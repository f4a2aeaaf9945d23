"""Korean names: Hangul, the official romanisation, the older one and what people make of it, as the same syllables.

A vowel in Latin letters may be several of Korean (u is u, eo or eu), so a syllable is a set of readings; what begins
and ends a syllable holds, but for the choice of voice (Kim, Gim; Park, Bak).
"""

import re
from collections.abc import Iterator
from itertools import product

from app.matching.fold import REMEMBERED
from app.matching.memory import remembered
from app.unicode_text import normal

Reading = tuple[frozenset[str], ...]  # family name and two syllables, each with what it may be

_FIRST_SYLLABLE, _LAST_SYLLABLE = 0xAC00, 0xD7A3
# How a syllable begins, sounds and ends, by the order of Hangul in Unicode; "-" is nothing, and voice is left out.
_BEGINS = "k k n t t r m p p s s - c c c k t p h"
_SOUNDS = "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i"
_ENDS = "- k k k n n n t l k m l l l p l m p p t t ng t t k t p t"
_LEADS, _VOWELS, _TAILS = (row.split() for row in (_BEGINS, _SOUNDS, _ENDS))
# The same in Latin letters: spelling, then what it may be.
_LATIN_BEGINS = "- -|k k|g k|kk k|n n|t t|d t|tt t|r r|l r|rh r|m m|p p|b p|pp p|s s|sh s|ss s|ch c|j c|jj c|h h"
_LATIN_SOUNDS = """
    a a|ah a|ya ya|eo eo|uh eo|u u eo eu|oo u|woo u|wu u|ou eo yeo u|o o eo|oh o|oe oe|oi oe|wa wa|wo wo|weo wo|
    we we wae|wae wae|wi wi|wee wi|ui ui|eui ui|eu eu|i i ui|ee i ui|ie i|yi i|e e ae|ae ae|ai ae|ay ae|yeo yeo|
    you yeo yu|yu yeo yu|yo yo yeo|yoo yu|ye ye|yeh ye
"""
_LATIN_ENDS = "- -|k k|g k|ck k|n n|t t|d t|l l|m m|p p|b p|ng ng"
_LATIN = tuple(
    {row.split()[0].replace("-", ""): row.split()[1:] for row in table.split("|")}
    for table in (_LATIN_BEGINS, _LATIN_SOUNDS, _LATIN_ENDS)
)
_SYLLABLE = re.compile("".join(f"({'|'.join(sorted(table, key=len, reverse=True))})" for table in _LATIN))
_VOWEL = re.compile("[aeiouwy]+")
# The commonest surnames, with spellings that their letters do not say. Only a name with one of them is read as Korean.
_COMMON_SURNAMES = """
    김|이 lee rhee yi li|박 park|최 choi choe|정|강|조|윤|장|임 lim rim|한|오 oh|서 suh|신 shin|권 kwon|황|안 ahn|송|
    류 ryu|유 yoo|홍|전|고 koh|문 moon|양|손 sohn|배 bae|백 paik baik|허 hur huh|남|심 shim|노 roh noh|하|곽|성|차|
    주 joo|우 woo|구 koo|민|진|지|엄 um|채|원 won|천|방|공|현|변|염|여|추
"""


def _hangul(char: str) -> str:
    """What a character of Hangul says, begin, vowel and end."""
    number = ord(char) - _FIRST_SYLLABLE
    vowel, tail = divmod(number % (len(_VOWELS) * len(_TAILS)), len(_TAILS))
    return _LEADS[number // (len(_VOWELS) * len(_TAILS))] + _VOWELS[vowel] + _TAILS[tail]


_SURNAMES = {row.split()[0]: row.split()[1:] for row in _COMMON_SURNAMES.split("|")}
_IRREGULAR = {spelt: _hangul(char) for char, row in _SURNAMES.items() for spelt in row}
_FAMILY = frozenset(map(_hangul, _SURNAMES))


@remembered(REMEMBERED)
def _read(syllable: str) -> frozenset[str]:
    """The readings of one syllable of either script; empty if it is none."""
    if len(syllable) == 1 and _FIRST_SYLLABLE <= ord(syllable) <= _LAST_SYLLABLE:
        return frozenset({_hangul(syllable)})
    match = _SYLLABLE.fullmatch(syllable)
    if not match:
        return frozenset()
    parts = [table[letters] for table, letters in zip(_LATIN, match.groups(), strict=True)]
    if match[2] == "u" and not match[3]:  # Min-su is not Min-seo, but Sung is Seong or Seung
        parts[1] = ["u"]
    return frozenset("".join(reading) for reading in product(*parts))


def _family(word: str) -> frozenset[str]:
    irregular = frozenset({_IRREGULAR[word]} if word in _IRREGULAR else ())
    return (_read(word) & _FAMILY) | irregular


def _given(words: tuple[str, ...]) -> Iterator[Reading]:
    """Two syllables, which may be written as one word and then be cut in several places."""
    cuts = [words] if len(words) == 2 else [(words[0][:place], words[0][place:]) for place in range(1, len(words[0]))]
    yield from ((_read(first), _read(second)) for first, second in cuts if _read(first) and _read(second))


@remembered(REMEMBERED)
def readings(words: tuple[str, ...]) -> tuple[Reading, ...]:
    """Every way to read the words as a family name and a given name of two syllables; none if it is no Korean name."""
    if not 2 <= len(words) <= 3:
        return ()
    words = tuple(normal("NFC", word) for word in words)  # folding took syllables apart
    orders = ((words[0], words[1:]), (words[-1], words[:-1]))
    return tuple((_family(family), *given) for family, rest in orders if _family(family) for given in _given(rest))


def same(left: tuple[Reading, ...], right: tuple[Reading, ...]) -> bool:
    """Whether the names share every syllable in one way to read them."""
    return any(all(a & b for a, b in zip(x, y, strict=True)) for x, y in product(left, right))


def frames(names: tuple[Reading, ...]) -> frozenset[str]:
    """How the syllables begin and end, which all readings of one have in common."""
    return frozenset("|".join(_VOWEL.sub(".", min(syllable)) for syllable in name) for name in names)
