"""Read the words of a list of figures: what a label counts, and the number in a cell (pure)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from app.imports.reader.code_words import CELL_WORDS
from app.imports.reader.sheet_dates import MONTHS, DateContext, UnreadCellDate, parse_sheet_date
from app.matching.scripts import fold
from app.registry.claims import MAX_CLAIM_NUMBER
from app.vocabulary import Measure, Qualifier

FIGURE_WORDS = CELL_WORDS["figures"]
Words = tuple[str, ...]
# Kinds of phrases that are no term of a count.
MEASURE, TOTAL, COUNT = "measure", "total", "count"
PARTICLES = frozenset({"a", "al", "de", "del", "el", "en", "la", "las", "los", "of", "the", "y", "and"})
# After these words a capital letter begins a place: "detenidos en El Rodeo".
PREPOSITIONS = frozenset({"en", "de", "del", "desde", "por", "hasta", "in", "at", "from", "by"})
NEGATIONS = frozenset(FIGURE_WORDS["negations"])
# Code lists whose words are terms of a figure. A house arrest may be a release or a detention: it is asked.
_TERM_LISTS = {
    "genders": "gender", "categories": "category", "groups": "group", "legal_statuses": "legal_status",
    "release_kinds": "kind",
}  # fmt: skip
_AMBIGUOUS_CODES = frozenset({"house_arrest", "enforced_disappearance", "whereabouts_unknown", "other"})
# Terms that only one measure has.
MEASURE_BY_TERM = {"legal_status": Measure.HELD, "kind": Measure.RELEASED}
_MIN_WORD_LENGTH = 2  # "M" is a man in one list and a woman in another


def _singularise(word: str) -> str:
    return word[:-1] if word.endswith("s") and len(word) > 3 else word


def split_words(text: str) -> Words:
    """Return the folded words of a text in the singular."""
    return tuple(_singularise(word) for word in fold(text).split())


def _list_phrases() -> Iterable[tuple[str, str, Iterable[str]]]:
    """Yield (kind, code, phrases). A later meaning of a phrase does not replace an earlier one."""
    for code, phrases in FIGURE_WORDS["measures"].items():
        yield MEASURE, code, phrases
    for name, codes in FIGURE_WORDS["terms"].items():
        for code, phrases in codes.items():
            yield name, code, phrases
    for kind, key in ((TOTAL, "totals"), (COUNT, "counts")):
        yield kind, kind, FIGURE_WORDS[key]
    yield MEASURE, Measure.HELD, CELL_WORDS["states"]["held"]
    yield MEASURE, Measure.RELEASED, CELL_WORDS["states"]["released"]
    yield MEASURE, Measure.DIED, CELL_WORDS["codes"]["ended"]["died"]


def _build_phrases() -> dict[Words, tuple[str, str]]:
    """Phrase → (kind, code). A word of several code lists means none of them."""
    known: dict[Words, tuple[str, str]] = {}
    for kind, code, phrases in _list_phrases():
        for phrase in phrases:
            known.setdefault(split_words(phrase), (kind, code))
    meanings: dict[Words, set[tuple[str, str]]] = {}
    for list_name, term in _TERM_LISTS.items():
        for code, phrases in CELL_WORDS["codes"][list_name].items():
            for phrase in phrases:
                meanings.setdefault(split_words(phrase), set()).add((term, code))
    for words, found in meanings.items():
        term, code = next(iter(found))
        if len(found) == 1 and code not in _AMBIGUOUS_CODES and len("".join(words)) >= _MIN_WORD_LENGTH:
            known.setdefault(words, (term, code))
    return known


_PHRASES = _build_phrases()
_LONGEST_PHRASE = max(map(len, _PHRASES))


@dataclass(frozen=True)
class Reading:
    """What the words of a label say. `unread`: its words that say nothing known, as written."""

    measure: Measure | None = None
    terms: Mapping[str, str] = field(default_factory=dict)
    is_total: bool = False
    is_count: bool = False
    is_unclear: bool = False  # a negation, or two different measures or values of a term
    is_plural: bool = False
    unread: Sequence[str] = ()

    @property
    def is_known(self) -> bool:
        """Whether some words are known."""
        return bool(self.measure or self.terms or self.is_total or self.is_count or self.is_unclear)

    @property
    def is_whole(self) -> bool:
        """Whether measure and terms say all of the label."""
        return self.is_known and not self.unread and not self.is_unclear

    @property
    def may_be_counted(self) -> bool:
        """Whether the text is a label of a number: "Detenidos", "Detenidos en El Rodeo", but not "Detenido Juan Paz".

        A word that is not known is a name unless it is in lower case or follows a preposition."""
        return self.is_known and (not self.unread or (self.is_plural and not self._may_have_name))

    @property
    def _may_have_name(self) -> bool:
        return any(word[:1].isupper() for word in self.unread)


def read_label(text: str) -> Reading:
    """Read the words of a label or of a heading, longest phrases first."""
    written = [word for word in re.split(r"[\W_]+", text) if fold(word)]
    words = [_singularise(fold(word).replace(" ", "")) for word in written]
    found: dict[str, set[str]] = {}
    unread: list[str] = []
    is_plural = is_after_preposition = False
    place = 0
    while place < len(words):
        for length in range(min(_LONGEST_PHRASE, len(words) - place), 0, -1):
            meaning = _PHRASES.get(tuple(words[place : place + length]))
            if meaning is not None:
                kind, code = meaning
                found.setdefault(kind, set()).add(code)
                is_plural = is_plural or any(fold(word).endswith("s") for word in written[place : place + length])
                place += length
                break
        else:
            if words[place] in PREPOSITIONS:
                is_after_preposition = is_plural
            elif words[place] not in PARTICLES:
                unread.append(written[place].lower() if is_after_preposition else written[place])
            place += 1
    terms = {kind: next(iter(codes)) for kind, codes in found.items() if kind not in (MEASURE, TOTAL, COUNT)}
    measures = found.get(MEASURE, set()) | {MEASURE_BY_TERM[kind] for kind in terms if kind in MEASURE_BY_TERM}
    is_contradictory = len(measures) > 1 or any(len(found[kind]) > 1 for kind in terms)
    is_unclear = bool(found) and (is_contradictory or not NEGATIONS.isdisjoint(words))
    return Reading(
        None if is_unclear or not measures else Measure(next(iter(measures))),
        {} if is_unclear else terms,
        is_total=TOTAL in found,
        is_count=COUNT in found,
        is_unclear=is_unclear,
        is_plural=is_plural,
        unread=unread,
    )


NO_NUMBER = frozenset({"", "-", "–", "—", "s/d", "s.d.", "n/d", "nd", "?", "n/a", "...", "…"})
_COUNT_PATTERN = re.compile(r"(?:0|[1-9]\d*|[1-9]\d{0,2}(?:([.,' \u00a0\u202f])\d{3})(?:\1\d{3})*)(?:\.0+)?")
_RATE_PATTERN = re.compile(r"[-+]?\d+(?:[.,]\d+)?\s*%|[-+]?\d+[.,]\d{1,2}|[-+]?\d+[.,]\d{4,}")
_QUALIFIERS = {fold(text): Qualifier(code) for code, texts in FIGURE_WORDS["qualifiers"].items() for text in texts}
_QUALIFIER_PATTERN = re.compile(rf"(?:(.*)\s)?({'|'.join(sorted(_QUALIFIERS, key=len, reverse=True))})")
NumberRead = tuple[Qualifier, int]


def parse_count(text: str) -> NumberRead | None:
    """Parse a whole number of people: "905", "1.234", "más de 900". None for any other text."""
    text = text.strip()
    first_digit = next((place for place, char in enumerate(text) if char.isdigit()), len(text))
    qualifier = _QUALIFIERS.get(fold(text[:first_digit])) if text[:first_digit].strip() else Qualifier.EXACTLY
    number_text = text[first_digit:]
    if qualifier is None or (not number_text.isascii() and "\u00a0" not in number_text and "\u202f" not in number_text):
        return None
    match = _COUNT_PATTERN.fullmatch(number_text)
    if match is None:
        return None
    number = int(re.sub(r"\D", "", re.sub(r"\.0+$", "", number_text) if match[1] is None else number_text))
    return (qualifier, number) if number <= MAX_CLAIM_NUMBER else None


def split_qualifier(label: str) -> tuple[str, Qualifier]:
    """Split a qualifier off the end of a label: "Detenidos más de" → ("Detenidos", more_than)."""
    match = _QUALIFIER_PATTERN.fullmatch(fold(label))
    if match is None:
        return label, Qualifier.EXACTLY
    word_count = len((match[1] or "").split())
    return " ".join(label.split()[:word_count]), _QUALIFIERS[match[2]]


def is_rate(text: str) -> bool:
    """Whether a cell is a percentage or another number with decimals."""
    return _RATE_PATTERN.fullmatch(text.strip()) is not None


def read_window(text: str, year: str | None) -> str:
    """Return the day, month or year that a whole label gives; `year`: of a month without one. Empty if it is none."""
    try:
        return parse_sheet_date(text, DateContext())
    except UnreadCellDate:
        month = MONTHS.get(fold(text))
        return f"{year}-{month:02}" if month and year else ""


def is_month(text: str) -> bool:
    return fold(text) in MONTHS


def has_word(text: str, key: str) -> bool:
    """Whether a text begins with a phrase of a list of `FIGURE_WORDS`, or has a word of it for single words."""
    words = split_words(text)
    return any(words[: len(phrase)] == phrase for phrase in map(split_words, FIGURE_WORDS[key]))


def has_any_word(text: str, *keys: str) -> bool:
    """Whether a word of a text is in one of the lists of `FIGURE_WORDS`."""
    known = set(chain.from_iterable(split_words(word) for key in keys for word in FIGURE_WORDS[key]))
    return not known.isdisjoint(split_words(text))


def looks_like_name(text: str) -> bool:
    """Whether a text may name a person: two words or more with capital letters, without digits, none of them known."""
    written = [word for word in re.split(r"[^\w'’-]+", text) if word and fold(word) not in PARTICLES]
    if len(written) < 2 or any(char.isdigit() for char in text):
        return False
    return all(word[:1].isupper() or not word[:1].islower() for word in written) and not read_label(text).is_known
