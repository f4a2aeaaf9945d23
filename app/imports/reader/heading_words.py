"""Read headings as sets of concepts, and find the meanings of a set (pure). The words and the rules are data:
heading_words.toml says how they work."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, product
from pathlib import Path
from typing import Any, NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from app.matching.scripts import fold, scoped_cache
from app.unicode_text import normalize_text

NOTHING = "nothing"
# Longer headings are titles or paragraphs.
MAX_HEADING_LENGTH, MAX_HEADING_WORDS = 200, 24
MAX_READINGS = 24  # of a heading whose words have several concepts
# Letters of a word in which one slip, or two, are still the same word. Shorter words are too close to others.
MIN_LENGTH_ONE_SLIP, MIN_LENGTH_TWO_SLIPS = 5, 10
MIN_SWAPPED_LENGTH = 4
MIN_SURE_SLIP_LENGTH = 7  # a shorter word with another letter may be a word that is not listed: "placa", "place"
MIN_PREFIX, MIN_PREFIX_WITHOUT_POINT = 3, 5
MIN_PREFIX_SHARE = 0.6  # of a word abbreviated without a point: "passe" is no passport
MIN_INFLECTED_LENGTH = 4
CACHE_SIZE = 4096

_DATE_PART = "(?:d{1,2}|j{1,2}|m{1,3}|[ay]{2,4}|d[ií]a|mes|a[ñn]o|day|month|year)"
_DATE_FORM = re.compile(rf"\b{_DATE_PART}(?:[/.-]{_DATE_PART}){{1,2}}\b", re.IGNORECASE)
_WHOLE_DATE = re.compile(r"\b\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}\b|\b(?:19|20)\d\d\b")
# Choices in brackets say what the cells hold: "(M/F)", "(sí/no)", "(X)".
_CHOICES = re.compile(
    r"[(\[]\W*(?:(?:[a-z]{1,2}|s[ií]|no|yes|sim|n[aã]o|oui|non)(?:\s*[/,|-]\s*\w{1,3})+|x|a|o|e?s)\W*[)\]]", re.I
)
_YES_OR_NO = re.compile(
    r"\b(?:(?:s[ií]?|y(?:es)?|sim|o(?:ui)?)\s*[/|]|(?:s[ií]|yes|sim|oui)\s*(?:[-,]|\bor?\b|\bou\b))\s*(?:no?|n[aã]o|non)\b",
    re.IGNORECASE,
)
_GENDER_ENDING = re.compile(
    r"(?<=\w\w\w)(?:\((?:a|o|s|e|as|os|es|n|ne)\)|/(?:a|o|as|os|e|es|s|da|do)\b)", re.IGNORECASE
)
_ELISION = re.compile(r"\b([dlnsjcm]|qu)['’ʼ`\u00b4]", re.IGNORECASE)
_CAMEL_CASE = re.compile(r"(?<=[a-záéíóúñ]{2})(?=[A-ZÁÉÍÓÚÑ][a-záéíóúñ])")
# "S/o" is one word; "y/o" is two.
_PAIR_OF_LETTERS = re.compile(r"\b(?!(?:y/o|e/o|o/a|a/o|e/ou)\b)([^\W\d_])/([^\W\d_])\b", re.IGNORECASE)
_WORD = re.compile(r"([^\W_]+)(\.?)")


class HeadingWord(NamedTuple):
    """A folded word; `has_point`: an abbreviation, perhaps."""

    text: str
    has_point: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A set of concepts that means a field. `is_open`: another meaning is about as likely."""

    field: str
    required: frozenset[str]
    optional: frozenset[str]
    is_open: bool


class Candidate(NamedTuple):
    field: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class HeadingConcepts:
    """The concepts of a heading: the ways to read it (words may have two concepts), and its unknown words."""

    readings: tuple[frozenset[str], ...]
    unknown: tuple[str, ...]
    known_count: int
    is_doubtful: bool = False  # a short word may be a slip of another one


@dataclass(frozen=True, slots=True)
class Meanings:
    """The candidates of a heading, best first. `is_explained`: one rule accounts for every word. `has_topic`: a word
    names more than an attribute such as a date or a place."""

    candidates: tuple[Candidate, ...]
    is_explained: bool
    has_topic: bool


DATA: dict[str, Any] = tomllib.loads(Path(__file__).with_name("heading_words.toml").read_text(encoding="utf-8"))
PARTICLES = frozenset(word for entry in DATA["particles"] for word in fold(entry).split())
MONTH_WORDS = frozenset(map(fold, DATA["months"]))


def _expand_ancestors(concept: str) -> frozenset[str]:
    parents = DATA["kinds"].get(concept, ())
    return frozenset({concept}).union(*map(_expand_ancestors, parents))


CONCEPTS = frozenset(DATA["words"])
# Concept → itself and the wider concepts that it also is.
_ANCESTORS = {concept: _expand_ancestors(concept) for concept in CONCEPTS}
WEAK = frozenset(concept for concept in CONCEPTS if not _ANCESTORS[concept].isdisjoint(DATA["weak"]))
ATTRIBUTES = frozenset(DATA["attributes"])


def _inflect(word: str) -> Iterator[str]:
    """The plurals of a folded word in four languages. Forms that no language has are harmless."""
    yield f"{word}s"
    yield f"{word}es"
    yield f"{word}x"  # "lieux"
    for ending, plural in (("ao", "oes"), ("l", "is"), ("y", "ies"), ("z", "ces"), ("m", "ns"), ("al", "aux")):
        if word.endswith(ending):
            yield word.removesuffix(ending) + plural


def _list_forms(word: str) -> list[str]:
    """A word of the data file and, for "detenido/a", its feminine; folded."""
    base, _slash, ending = word.partition("/")
    folded = fold(base)
    if not ending:
        return [folded]
    feminine = folded + ending if ending == "e" or folded.endswith("r") else folded[:-1] + ending
    return [folded, feminine]


class _Lexicon:
    """The words of the data file: single words and runs of words, with their concepts."""

    def __init__(self) -> None:
        self.words: defaultdict[str, list[str]] = defaultdict(list)
        self.phrases: defaultdict[frozenset[str], list[str]] = defaultdict(list)
        inflected: list[tuple[str, str]] = []
        for concept, languages in DATA["words"].items():
            for language, entries in languages.items():
                for entry in entries:
                    for word in _list_entry_forms(entry):
                        self._add(word, concept)
                        if language != "short":
                            inflected.append((word, concept))
        listed = set(self.words)
        for word, concept in inflected:
            if " " not in word and len(word) >= MIN_INFLECTED_LENGTH:
                for form in _inflect(word):
                    if form not in listed:
                        self._add(form, concept)
        self.phrases_by_size = sorted(self.phrases.items(), key=lambda item: (-len(item[0]), sorted(item[0])))
        in_phrases = {word for phrase in self.phrases for word in phrase}
        # Word → words of phrases whose plural it is.
        self.singulars: defaultdict[str, set[str]] = defaultdict(set)
        for word in in_phrases:
            for form in (word, *_inflect(word)) if len(word) >= MIN_INFLECTED_LENGTH else (word,):
                self.singulars[form].add(word)
        self.known = frozenset(self.words) | self.singulars.keys() | PARTICLES | MONTH_WORDS
        self.by_initial: defaultdict[str, list[str]] = defaultdict(list)
        for word in sorted(frozenset(self.words) | in_phrases):
            if len(word) >= MIN_LENGTH_ONE_SLIP - 1:
                self.by_initial[word[0]].append(word)

    def _add(self, word: str, concept: str) -> None:
        parts = [part for part in word.split() if part not in PARTICLES] or word.split()
        concepts = self.words[parts[0]] if len(parts) == 1 else self.phrases[frozenset(parts)]
        if concept not in concepts:
            concepts.append(concept)


def _list_entry_forms(entry: str) -> list[str]:
    return _list_forms(entry) if "/" in entry else [fold(_ELISION.sub(r"\1 ", entry))]


_LEXICON = _Lexicon()


def _parse_rules() -> list[Rule]:
    rules = []
    for field, texts in DATA["fields"].items():
        for text in texts:
            optional = frozenset(re.findall(r"\((\w+)\)", text))
            terms = frozenset(re.sub(r"\(\w+\)|\?", " ", text).split())
            rules.append(Rule(field, terms, optional, text.rstrip().endswith("?")))
    return rules


RULES = _parse_rules()
# The words of a whole heading → its concepts.
_WHOLE_HEADINGS = {
    tuple(heading.split()): frozenset(concepts.split())
    for concepts, headings in DATA["whole"].items()
    for heading in headings
}
_CONCEPTS_OF_RULES = frozenset(term for rule in RULES for term in rule.required | rule.optional)


def split_heading(text: str) -> list[HeadingWord]:
    """Split a heading into folded words, without examples of dates and choices in brackets."""
    text = normalize_text("NFC", text[:MAX_HEADING_LENGTH])
    has_choice = asks_yes_or_no(text)
    text = _CHOICES.sub(" ", _YES_OR_NO.sub(" ", _DATE_FORM.sub(" ", _WHOLE_DATE.sub(" ", text))))
    text = _CAMEL_CASE.sub(" ", _ELISION.sub(r"\1 ", _PAIR_OF_LETTERS.sub(r"\1\2", strip_endings(text))))
    text = text.replace("#", " nro ").replace("@", "o")
    words = [HeadingWord(part, bool(match[2])) for match in _WORD.finditer(text) for part in fold(match[1]).split()]
    if not words and has_choice:  # "S/N" alone is a serial number
        return [HeadingWord("nro")]
    return list(_join_letters(words))


def strip_endings(heading: str) -> str:
    """Return a heading without optional endings: "Nombre(s)", "Detenido/a"."""
    return _GENDER_ENDING.sub("", heading)


def asks_yes_or_no(heading: str) -> bool:
    """Whether a heading ends in a choice such as "(S/N)"."""
    return _YES_OR_NO.search(heading[:MAX_HEADING_LENGTH]) is not None


def _join_letters(words: list[HeadingWord]) -> Iterator[HeadingWord]:
    """The words, runs of single letters joined where they are an abbreviation: "C. I." is "ci"."""
    place = 0
    while place < len(words):
        run_end = place
        while run_end < len(words) and len(words[run_end].text) == 1:
            run_end += 1
        for end in range(run_end, place + 1, -1):
            joined = "".join(word.text for word in words[place:end])
            if joined in _LEXICON.words:
                yield HeadingWord(joined)
                place = end
                break
        else:
            yield words[place]
            place += 1


@scoped_cache(CACHE_SIZE)
def _correct_word(word: str, has_point: bool) -> str | None:
    """The known word that an unknown one abbreviates or misspells, unless words of other concepts are as near."""
    if not word.isalpha() or not word.isascii():
        return None
    if has_point and len(word) >= MIN_PREFIX and (whole := _complete_prefix(word)):
        return whole
    swapped = _find_swapped(word)
    if swapped:
        return _find_common(swapped)
    if len(word) >= MIN_LENGTH_ONE_SLIP:
        max_slips = 2 if len(word) >= MIN_LENGTH_TWO_SLIPS else 1
        nearest = process.extract(
            word, _LEXICON.by_initial[word[0]], scorer=OSA.distance, score_cutoff=max_slips, limit=8
        )
        closest = [known for known, distance, _place in nearest if distance == nearest[0][1]]
        if closest and (common := _find_common(closest)):
            return common
    whole = _complete_prefix(word) if len(word) >= MIN_PREFIX_WITHOUT_POINT else None
    return whole if whole and len(word) >= MIN_PREFIX_SHARE * len(whole) else None


def _find_swapped(word: str) -> list[str]:
    """The known words that are a word with two letters swapped, also the first two."""
    if len(word) < MIN_SWAPPED_LENGTH:
        return []
    swaps = (word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1))
    return [swap for swap in dict.fromkeys(swaps) if swap in _LEXICON.words or swap in _LEXICON.singulars]


def _complete_prefix(prefix: str) -> str | None:
    """The known word that begins so; of words of one kind ("excarcelación", "excarcelado") the widest."""
    whole_words = [word for word in _LEXICON.by_initial[prefix[0]] if word.startswith(prefix)]
    if not whole_words or _share_concepts(whole_words):
        return whole_words[0] if whole_words else None
    kinds = [expand_concepts(_LEXICON.words.get(word, ())) for word in whole_words]
    if not frozenset.intersection(*kinds):
        return None
    return min(whole_words, key=lambda word: len(expand_concepts(_LEXICON.words[word])))


def _find_common(words: list[str]) -> str | None:
    """The word with only those concepts that all the words have."""
    concepts = {word: frozenset(_LEXICON.words[word]) if word in _LEXICON.words else {word} for word in words}
    fewest = min(words, key=lambda word: len(concepts[word]))
    return fewest if all(concepts[fewest] <= others for others in concepts.values()) else None


def _share_concepts(words: Iterable[str]) -> bool:
    """Whether single words have the same concepts, those of phrases aside."""
    return len({tuple(_LEXICON.words[word]) if word in _LEXICON.words else (word,) for word in words}) == 1


def _mend_words(words: list[HeadingWord]) -> tuple[dict[str, None], list[str], bool]:
    """The known words of a heading, slips mended; its unknown words; and whether a slip is doubtful.

    Of two words that a slip may be, the one that makes a phrase with another word is meant: "lsat name" is a last
    name."""
    left: dict[str, None] = {}
    unknown: list[str] = []
    doubtful: list[str] = []
    is_doubtful = False
    texts = {word.text for word in words}
    for word, has_point in words:
        if word in _LEXICON.known and (word not in _LEXICON.singulars or _is_meaningful(word, texts)):
            left[word] = None
        elif (corrected := _correct_word(word, has_point)) is not None:
            left[corrected] = None
            is_doubtful = is_doubtful or _is_doubtful(word, corrected)
        else:
            doubtful.append(word)
    for word in doubtful:
        completing = [known for known in _list_similar(word) if _completes_phrase(known, left)]
        if completing and (common := _find_common(completing)):
            left[common] = None
        else:
            unknown.append(word)
    return left, unknown, is_doubtful


def _is_doubtful(word: str, corrected: str) -> bool:
    is_shortened = len(corrected) > len(word) and corrected.startswith(word)
    return len(word) < MIN_SURE_SLIP_LENGTH and not is_shortened and corrected not in _find_swapped(word)


def _is_meaningful(word: str, others: AbstractSet[str]) -> bool:
    """Whether a known word means something by itself or in a phrase with the others: "arrets" does not, without
    "maison"."""
    if word in _LEXICON.words or word in PARTICLES or word in MONTH_WORDS:
        return True
    singulars = frozenset().union(*(_LEXICON.singulars.get(other, ()) for other in others))
    own = _LEXICON.singulars[word]
    return any(phrase <= singulars and not phrase.isdisjoint(own) for phrase in _LEXICON.phrases) or not _find_swapped(
        word
    )


def _list_similar(word: str) -> list[str]:
    """The known words that are a word with one slip."""
    if len(word) < MIN_SWAPPED_LENGTH - 1 or not word.isalpha():
        return []
    near = process.extract(word, _LEXICON.by_initial[word[0]], scorer=OSA.distance, score_cutoff=1, limit=8)
    return list(dict.fromkeys([*_find_swapped(word), *(known for known, _distance, _place in near)]))


def _completes_phrase(word: str, others: Iterable[str]) -> bool:
    known = {word, *others}
    return any(word in phrase and phrase <= known for phrase in _LEXICON.phrases)


def read_concepts(words: Iterable[HeadingWord]) -> HeadingConcepts:
    """Read the words of a heading as concepts."""
    words = list(words)
    if (whole := _WHOLE_HEADINGS.get(tuple(word.text for word in words))) is not None:
        return HeadingConcepts((whole,), (), len(words))
    left, unknown, is_doubtful = _mend_words(words)
    options: list[list[str]] = []
    singulars: dict[str, AbstractSet[str]] = {word: _LEXICON.singulars.get(word, frozenset()) for word in left}
    in_phrases = frozenset().union(*singulars.values())
    for phrase, concepts in _LEXICON.phrases_by_size:
        if phrase <= in_phrases:
            options.append(concepts)
            left = {word: None for word in left if phrase.isdisjoint(singulars[word])}
            in_phrases = frozenset().union(*(singulars[word] for word in left))
    for word in left:
        if word in _LEXICON.words:
            options.append(_LEXICON.words[word])
        elif word not in PARTICLES and word not in MONTH_WORDS:
            unknown.append(word)
    readings = dict.fromkeys(map(frozenset, islice(product(*options), MAX_READINGS)))
    return HeadingConcepts(tuple(readings), tuple(unknown), len(options), is_doubtful)


def expand_concepts(concepts: Iterable[str]) -> frozenset[str]:
    """Concepts with the wider ones that they also are."""
    return frozenset().union(*(_ANCESTORS[concept] for concept in concepts))


def _is_satisfied(term: str, concepts: Iterable[str]) -> bool:
    return any(term in _ANCESTORS[concept] for concept in concepts)


@dataclass(frozen=True, slots=True)
class _Match:
    rule: Rule
    concepts: frozenset[str]
    exact_count: int
    left: frozenset[str]  # concepts that the rule does not account for
    weak_left: int  # those that change no meaning

    @property
    def rank(self) -> tuple[int, int, int]:
        """The more a rule accounts for, and the more exactly, the better."""
        return len(self.rule.required), -self.weak_left, self.exact_count


def _match_rules(concepts: frozenset[str]) -> list[_Match]:
    matches = []
    for rule in RULES:
        if all(_is_satisfied(term, concepts) for term in rule.required):
            terms = rule.required | rule.optional
            left = frozenset(concept for concept in concepts if _ANCESTORS[concept].isdisjoint(terms))
            exact_count = len(rule.required & concepts)
            matches.append(_Match(rule, concepts, exact_count, left - WEAK, len(left & WEAK)))
    return matches


@lru_cache(CACHE_SIZE)
def find_meanings(readings: tuple[frozenset[str], ...]) -> Meanings:
    """The meanings of a heading that may be read in several ways; the reading with the longest rule comes first."""
    matches = [match for concepts in readings for match in _match_rules(concepts)]
    whole = [match for match in matches if not match.left]
    understood = [match.concepts for match in whole] or readings
    has_topic = any(not concepts <= ATTRIBUTES for concepts in understood)
    if whole:
        best = max(match.rank for match in whole)
        rules = [match.rule for match in whole if match.rank == best]
        return Meanings(_order_candidates(rules), True, has_topic)
    partial = [match for match in matches if not any(_has_no_field(concept) for concept in match.left)]
    specific = [match for match in partial if not match.rule.required <= ATTRIBUTES] or partial
    fewest_left = min((len(match.left) for match in specific), default=0)
    specific = [match for match in specific if len(match.left) == fewest_left]
    candidates = _order_candidates([match.rule for match in specific])
    return Meanings(tuple(Candidate(field, True) for field, _is_open in candidates), False, has_topic)


def _order_candidates(rules: Iterable[Rule]) -> tuple[Candidate, ...]:
    """One candidate for each field; open ones last."""
    candidates: dict[str, Candidate] = {}
    for rule in sorted(rules, key=lambda rule: rule.is_open):
        candidates.setdefault(rule.field, Candidate(rule.field, rule.is_open))
    fields = [candidate for candidate in candidates.values() if candidate.field != NOTHING]
    return tuple(fields) if NOTHING not in candidates else ()


def _has_no_field(concept: str) -> bool:
    """Whether no rule names a concept: its heading is about something that no report has."""
    return _ANCESTORS[concept].isdisjoint(_CONCEPTS_OF_RULES)


def is_about_something_else(readings: tuple[frozenset[str], ...]) -> bool:
    """Whether a heading names what no report has, such as relatives and their phones, in each of its readings."""
    return bool(readings) and all(
        any(_has_no_field(concept) and concept not in WEAK for concept in concepts) for concepts in readings
    )
