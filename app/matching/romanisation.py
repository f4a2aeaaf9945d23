"""Parse the syllables of Chinese and Korean names in native script and in the romanisations people use.

Chinese names appear in characters, pinyin, Wade-Giles and Hong Kong spellings. Wade-Giles syllables follow the usual
conversion tables, those of Hong Kong the commonest spellings. Apostrophes are lost in print, so that ch may be zh, ch,
j or q: a Wade-Giles syllable has several readings in pinyin.

Korean names appear in Hangul, the official romanisation, the older one and popular variants. A vowel in Latin letters
may be several of Korean (u is u, eo or eu), so a syllable is a set of readings; its initial and final are stable,
except for voicing (Kim, Gim; Park, Bak)."""

import re
from collections.abc import Iterator
from itertools import product

from app.matching.scripts import WORD_CACHE_SIZE, scoped_cache
from app.unicode_text import normalize_text

Syllables = tuple[tuple[frozenset[str], ...], ...]  # by word: each syllable with its possible pinyin readings

_PINYIN = re.compile(
    "(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?"
    "(?:iang|iong|uang|ang|eng|ing|ong|ian|iao|uai|uan|ai|ei|ao|ou|an|en|in|un|ia|ie|iu|ua|ui|uo|ue|er|a|o|e|i|u)"
)
_WADE_GILES = re.compile(
    "(?:hs|tz|ts|sz|ss|ch|sh|[pmftnlkhjyw])?"
    "(?:iang|iung|uang|ieh|ien|iao|ueh|uan|uei|ang|eng|ing|ung|erh|ih|eh|ai|ei|ao|ou|an|en|in|un|ia|iu|ua|ui|uo|a|"
    "e|i|o|u)"
)
_FINALS = {
    "ieh": "ie",
    "ien": "ian",
    "ih": "i",
    "ung": "ong",
    "iung": "iong",
    "eh": "e",
    "ueh": "ue",
    "uei": "ui",
    "erh": "er",
}
_INITIALS = {
    "hs": ("x",),
    "ts": ("z", "c"),
    "tz": ("z", "c"),
    "sz": ("s",),
    "ss": ("s",),
    "p": ("b", "p"),
    "t": ("d", "t"),
    "k": ("g", "k"),
    "j": ("r",),
}
_INITIAL_AND_FINAL = re.compile("(hs|tz|ts|sz|ss|ch|sh|[pmftnlkhjyw])?(.*)")
_WADE_GILES_TABLE = """
    yu you yu|yen yan|ing ying|in yin|yeh ye|i yi|ho he|ko ge ke|tzu zi ci|tse ze ce|szu si|jih ri|jen ren|jung rong|
    lo luo|to duo tuo|tso zuo cuo|cho zhuo chuo|so suo|no nuo
"""
_CANTONESE_TABLE = """
    au ou|chan chen|cheng zheng|cheung zhang|chi zhi ci qi zi|chiu zhao chao|chow zhou|choi cai|chu zhu|
    chun jun zhen chun|chung zhong cong|fai hui|fan fan|fong fang|fu fu|fung feng|fuk fu|hei xi|him qian|
    hing qing xing|ho he hao|hon han|
    hoi hai kai|hung hong xiong kong|ka jia|kai qi jie kai|kam jin gan|kan jin jian|kei qi|keung qiang jiang|kin jian|
    king jing qiong|kit jie|kong jiang gang|kui ju|kung gong|kwan guan jun|kwok guo|kwong guang|lai li lai|lam lin nan|
    lau liu|lee li|leung liang|li li|lik li|ling ling|lo luo lu|lok le luo|long lang|lui lei lu|luk lu|lung long|ma ma|
    mak mai|man wen min|mei mei|mo wu|mui mei mui|mung meng|nga ya|ng wu|ngai ni wei|on an|pak bai bo|pang peng|
    ping ping bing|po bao pu bo|pui pei|sai shi xi|san shan|sau xiu shou|sek shi|shing cheng sheng|shuk shu|
    shui shui rui|shun shun|sin xian shan|siu xiao shao|sum xin shen|sun sun xin|sze si shi|tai dai da|tak de|
    tam tan|tang deng|tat da|
    tik di|tin tian|ting ting|to tao du|tong tang|tsang zeng|tse xie|tsui xu cui|tung dong|wah hua|wai wei hui|wan yun|
    wing yong rong|wong wang huang|woo hu|wu hu|yam ren|yan ren en yin xin|yat ri yi|yau you|yee yi er|yeung yang|yi yi|
    yik yi|yim yan|yin yan|yip ye|yiu yao|yu yu ru|yuen yuan wan|yuet yue|yuk yu|yun ruan yun|yung rong yong|sang sheng|
    chak ze|cheuk zhuo chuo|ching qing zheng cheng jing|choy cai|chui xu cui|fok huo|hang heng xing|hau hou hao xiao|
    hin xian xuan|hiu xiao|hui xu|ip ye|kau jiu qiu|ki qi ji|kuen quan juan|kwai gui|lap li|lun lun|mau mao|mok mo|
    nam nan|ngan yan|nin nian|oi ai|pik bi|poon pan|pun pan|shek shi|sheung shang|sik xi|so su|suen sun|suet xue|tsz zi|
    wo he|wun huan|yeuk yue
"""


def _parse_table(text: str) -> dict[str, tuple[str, ...]]:
    """Return a dict of spelling → possible pinyin readings."""
    return {row.split()[0]: tuple(row.split()[1:]) for row in text.split("|")}


_HONG_KONG = _parse_table(_CANTONESE_TABLE)
_WADE_GILES_WHOLE = _parse_table(_WADE_GILES_TABLE)
# The commonest surnames: a name is parsed as Chinese only if it begins or ends with one.
_COMMON_CHINESE_SURNAMES = """
    wang li zhang liu chen yang huang zhao wu zhou xu sun ma zhu hu guo he lin gao luo zheng liang xie song tang deng
    han
    feng cao peng zeng xiao tian dong pan yuan cai jiang yu du ye cheng wei su lu ding ren shen yao cui zhong tan fan
    shi jin liao jia xia fu fang bai zou xiong meng qin qiu hou yan xue duan lei hao kong tao mao shao qian gong
    wan qi ai mei ni gu niu ge yin ouyang sima zhuge shangguan
"""
_CHINESE_SURNAMES = frozenset(_COMMON_CHINESE_SURNAMES.split())
_TWO_CHARACTERS = "欧阳 歐陽 司马 司馬 诸葛 諸葛 上官 司徒 夏侯 皇甫 尉迟 尉遲 公孙 公孫"
DOUBLE_SURNAMES = frozenset(_TWO_CHARACTERS.split())


@scoped_cache(WORD_CACHE_SIZE)
def _split_syllables(word: str, hong_kong: bool) -> tuple[str, ...]:
    """Split a Latin word into as few syllables as possible, preferring pinyin; empty if it does not consist of
    syllables."""
    best: list[tuple[str, ...] | None] = [()] + [None] * len(word)
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - 6), end):
            previous, syllable = best[start], word[start:end]
            if previous is None or not _is_syllable(syllable, hong_kong):
                continue
            candidate = (*previous, syllable)
            current = best[end]
            if current is None or _rate_split(candidate) < _rate_split(current):
                best[end] = candidate
    return best[-1] or ()


def _rate_split(syllables: tuple[str, ...]) -> tuple[int, int]:
    return len(syllables), sum(not _PINYIN.fullmatch(syllable) for syllable in syllables)


def _is_syllable(text: str, hong_kong: bool) -> bool:
    if _PINYIN.fullmatch(text) or _WADE_GILES.fullmatch(text):
        return True
    return hong_kong and text in _HONG_KONG


@scoped_cache(WORD_CACHE_SIZE)
def _list_pinyin_readings(syllable: str) -> frozenset[str]:
    """Return the pinyin syllables that a Wade-Giles or Hong Kong spelling may represent."""
    readings = set(_HONG_KONG.get(syllable, ())) | set(_WADE_GILES_WHOLE.get(syllable, ()))
    match = _INITIAL_AND_FINAL.fullmatch(syllable)
    if _WADE_GILES.fullmatch(syllable) and match:
        initial, final = match[1] or "", match[2]
        final = _FINALS.get(final, final)
        initials = _INITIALS.get(initial, (initial,))
        if initial == "ch":
            soft = final.startswith("i") and match[2] != "ih"
            initials = ("j", "q") if soft else ("zh", "ch", "j", "q") if final.startswith("u") else ("zh", "ch")
        readings |= {first + final for first in initials}
    return frozenset(readings)


@scoped_cache(WORD_CACHE_SIZE)
def parse_chinese(words: tuple[str, ...], is_hyphenated: bool) -> Syllables:
    """Return the name's words as syllables with their possible pinyin readings; empty if it is not a Chinese name.

    ``is_hyphenated``: the given name is hyphenated, as outside the mainland; then no syllable is certain to be
    pinyin."""
    if not 2 <= len(words) <= 4:
        return ()
    cut_words = [_split_syllables(word, len(word) <= 6) for word in words]
    if not all(cut_words) or not 2 <= sum(map(len, cut_words)) <= 4:
        return ()
    is_foreign = is_hyphenated or not all(_PINYIN.fullmatch(syllable) for word in cut_words for syllable in word)
    readings = tuple(
        tuple(
            frozenset({syllable} if _PINYIN.fullmatch(syllable) else ())
            | (_list_pinyin_readings(syllable) if is_foreign else frozenset())
            for syllable in word
        )
        for word in cut_words
    )
    first, last = ({"".join(p) for p in _list_spellings(readings[place])} for place in (0, -1))
    if (first | last) & _CHINESE_SURNAMES:
        return readings
    # Without a surname in pinyin it may be a Hong Kong spelling: Chan Tai Man.
    return () if is_foreign else parse_chinese(words, True)


def _list_spellings(word: tuple[frozenset[str], ...]) -> list[tuple[str, ...]]:
    spellings: list[tuple[str, ...]] = [()]
    for readings in word:
        spellings = [(*prefix, reading) for prefix in spellings for reading in readings]
    return spellings


def share_syllables(a: Syllables, b: Syllables) -> float:
    """Return the share of syllables two Chinese names have in common, family name first or last; symmetric."""
    best = 0.0
    for left in _list_orders(a):
        for right in _list_orders(b):
            if len(left) == len(right):
                best = max(best, sum(bool(x & y) for x, y in zip(left, right, strict=True)) / len(left))
    return best


def _list_orders(name: Syllables) -> list[list[frozenset[str]]]:
    return [
        [syllable for word in order for syllable in word]
        for order in (name, (name[-1], *name[:-1]), (*name[1:], name[0]))
    ]


Reading = tuple[frozenset[str], ...]  # family name and two syllables, each with its possible readings

_FIRST_SYLLABLE, _LAST_SYLLABLE = 0xAC00, 0xD7A3
# Initial, vowel and final of a syllable, in the order of Hangul in Unicode; "-" is none, and voicing is ignored.
_BEGINS = "k k n t t r m p p s s - c c c k t p h"
_SOUNDS = "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i"
_ENDS = "- k k k n n n t l k m l l l p l m p p t t ng t t k t p t"
_LEADS, _HANGUL_VOWELS, _TAILS = (row.split() for row in (_BEGINS, _SOUNDS, _ENDS))
# The same in Latin letters: a spelling and its possible readings.
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
# The commonest surnames, with irregular spellings. Only a name with one of them is parsed as Korean.
_COMMON_KOREAN_SURNAMES = """
    김|이 lee rhee yi li|박 park|최 choi choe|정|강|조|윤|장|임 lim rim|한|오 oh|서 suh|신 shin|권 kwon|황|안 ahn|송|
    류 ryu|유 yoo|홍|전|고 koh|문 moon|양|손 sohn|배 bae|백 paik baik|허 hur huh|남|심 shim|노 roh noh|하|곽|성|차|
    주 joo|우 woo|구 koo|민|진|지|엄 um|채|원 won|천|방|공|현|변|염|여|추
"""


def _decompose_hangul(char: str) -> str:
    """Return the initial, vowel and final of a Hangul character."""
    number = ord(char) - _FIRST_SYLLABLE
    vowel, tail = divmod(number % (len(_HANGUL_VOWELS) * len(_TAILS)), len(_TAILS))
    return _LEADS[number // (len(_HANGUL_VOWELS) * len(_TAILS))] + _HANGUL_VOWELS[vowel] + _TAILS[tail]


_KOREAN_SURNAMES = {row.split()[0]: row.split()[1:] for row in _COMMON_KOREAN_SURNAMES.split("|")}
_IRREGULAR = {spelt: _decompose_hangul(char) for char, row in _KOREAN_SURNAMES.items() for spelt in row}
_FAMILY_NAMES = frozenset(map(_decompose_hangul, _KOREAN_SURNAMES))


@scoped_cache(WORD_CACHE_SIZE)
def _read_syllable(syllable: str) -> frozenset[str]:
    """Return the readings of one syllable of either script; empty if it is none."""
    if len(syllable) == 1 and _FIRST_SYLLABLE <= ord(syllable) <= _LAST_SYLLABLE:
        return frozenset({_decompose_hangul(syllable)})
    match = _SYLLABLE.fullmatch(syllable)
    if not match:
        return frozenset()
    parts = [table[letters] for table, letters in zip(_LATIN, match.groups(), strict=True)]
    if match[2] == "u" and not match[3]:  # Min-su is not Min-seo, but Sung is Seong or Seung
        parts[1] = ["u"]
    return frozenset("".join(reading) for reading in product(*parts))


def _read_family_name(word: str) -> frozenset[str]:
    irregular = frozenset({_IRREGULAR[word]} if word in _IRREGULAR else ())
    return (_read_syllable(word) & _FAMILY_NAMES) | irregular


def _read_forenames(words: tuple[str, ...]) -> Iterator[Reading]:
    """Yield the readings of two syllables, which may be written as one word with several possible divisions."""
    cuts = [words] if len(words) == 2 else [(words[0][:place], words[0][place:]) for place in range(1, len(words[0]))]
    yield from (
        (_read_syllable(first), _read_syllable(second))
        for first, second in cuts
        if _read_syllable(first) and _read_syllable(second)
    )


@scoped_cache(WORD_CACHE_SIZE)
def parse_korean(words: tuple[str, ...]) -> tuple[Reading, ...]:
    """Return every reading of the words as a family name and a two-syllable given name; empty if it is not a Korean
    name."""
    if not 2 <= len(words) <= 3:
        return ()
    words = tuple(normalize_text("NFC", word) for word in words)  # folding decomposed the syllables
    orders = ((words[0], words[1:]), (words[-1], words[:-1]))
    return tuple(
        (_read_family_name(family), *forename)
        for family, rest in orders
        if _read_family_name(family)
        for forename in _read_forenames(rest)
    )


def share_reading(left: tuple[Reading, ...], right: tuple[Reading, ...]) -> bool:
    """Return whether the names share every syllable in one reading."""
    return any(all(a & b for a, b in zip(x, y, strict=True)) for x, y in product(left, right))


def extract_frames(names: tuple[Reading, ...]) -> frozenset[str]:
    """Return the initials and finals of the syllables, which all readings share."""
    return frozenset("|".join(_VOWEL.sub(".", min(syllable)) for syllable in name) for name in names)
