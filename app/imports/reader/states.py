"""Read what became of a person from the words of a sheet: held, released, dead (pure).

A cell is read only if each of its words is known: "no excarcelado" is not "excarcelado", and a name or a profession is
no state.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal

from app.dates import parse_date
from app.imports.faults import format_in_both_languages
from app.imports.formats.template import LANGUAGES
from app.imports.reader.code_words import CELL_WORDS, MAX_FOLDED_LENGTH, load_code_words
from app.imports.reader.sheet_dates import DATE_IN_TEXT, DateContext, UnreadCellDate, parse_sheet_date, strip_accents
from app.matching.scripts import fold
from app.vocabulary import EndedHow, Language, LegalStatus, ReleaseKind, Stage, find_label

HELD, RELEASED, HOUSE_ARREST, DIED = "held", "released", "house_arrest", "died"
TRANSFERRED, ESCAPED, DISAPPEARED, UNKNOWN, NO_STATE = "transferred", "escaped", "disappeared", "unknown", "-"
RELEASE_KIND, LEGAL_STATUS = "release.kind", "detention.legal_status"
STAGE, ENDED_HOW, DETAINED_ON = "release.stage", "detention.ended.how", "detention.detained_on"
_PREFIXES = tuple(fold(word) for word in CELL_WORDS["states"]["prefixes"])


@dataclass(frozen=True, slots=True)
class StateReading:
    """What a cell says of a person. `codes`: field → code, or the date of something else;
    `on`: the partial date of the state; `text`: the cell, if an answer says what it means."""

    state: str
    codes: Mapping[str, str] = field(default_factory=dict)
    on: str | None = None
    text: str = ""

    @property
    def choice(self) -> str:
        """Return the choice of `STATE_CHOICES` that says the same."""
        if self.state != RELEASED:
            return self.state
        return f"{RELEASED}:{self.codes.get(RELEASE_KIND, ReleaseKind.UNSPECIFIED)}"

    def expand(self) -> dict[str, str]:
        """Return the fields of a report that say the same."""
        return expand_state(self.choice, self.on) | dict(self.codes)


Role = Literal["state", "kind", "legal_status", "still", "negation", "present", "past", "joining", "prefix"]
Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a sentence about a state: its role, and what it says."""

    role: Role
    state: str = ""
    codes: Mapping[str, str] = field(default_factory=dict)


_STATUS_WORDS = CELL_WORDS["status"]
DATE, BREAK = "<date>", "<break>"  # tokens for a date and for punctuation
_ENDING = re.compile(r"(?<=\w{3})(?:[oae]+s?|s)$")
_SHORT_GENDERS = re.compile(r"(?<=[dt])(?:o/a|o\(a\)|a/o|@|[oa]x|x)(s?)(?!\w)|(?<=e)\(e\)(s?)(?!\w)")
_DEATH_SIGNS = re.compile(r"[†✝✞☨]|\(\+\)|^\+(?= ?\d{1,4}[/.-]\d)|\bq\. ?e\. ?p\. ?d\b\.?")
BREAKS = re.compile(r"[.,;:/()\[\]|\n–—]+|-(?!\w)|(?<!\w)-")


def _stem(word: str) -> str:
    """Return a word without the ending for gender and number."""
    return _ENDING.sub("", word)


def stem_words(text: str) -> Words:
    return tuple(map(_stem, fold(text).split()))


@cache
def load_parts() -> dict[Words, Part]:
    """Return stemmed words → part. A word of several lists has the meaning of the last."""
    words = _STATUS_WORDS["words"]
    no_kinds = {fold(word) for word in words["no_kind"]}
    parts = {
        stem_words(word): Part("kind", RELEASED, {RELEASE_KIND: code})
        for word, code in load_code_words("release_kinds").items()
        if word not in no_kinds and code != ReleaseKind.UNSPECIFIED
    }
    for kind, kind_words in _STATUS_WORDS["kinds"].items():
        parts |= {stem_words(word): Part("kind", RELEASED, {RELEASE_KIND: kind}) for word in kind_words}
    parts |= {
        stem_words(word): Part("legal_status", HELD, {LEGAL_STATUS: code})
        for word, code in load_code_words("legal_statuses").items()
        if code not in (LegalStatus.HOUSE_ARREST, LegalStatus.ENFORCED_DISAPPEARANCE)
    }
    for stage, stage_words in _STATUS_WORDS["stages"].items():
        parts |= {stem_words(word): Part("state", HELD, {STAGE: stage}) for word in stage_words}
    for state, state_words in _STATUS_WORDS["states"].items():
        codes = _STATE_FIELDS.get(state, {})
        parts |= {stem_words(word): Part("state", state, codes) for word in state_words}
    abroad = Part("state", TRANSFERRED, {ENDED_HOW: EndedHow.TRANSFERRED_ABROAD.value})
    parts |= {stem_words(word): abroad for word in _STATUS_WORDS["abroad"][TRANSFERRED]}
    parts |= dict.fromkeys(HELD_AGAIN, Part("state", HELD))
    roles: tuple[Role, ...] = ("joining", "past", "present", "still", "negation")
    for role in roles:
        parts |= {stem_words(word): Part(role) for word in words[role]}
    return parts


_STATE_FIELDS: dict[str, dict[str, str]] = {
    HOUSE_ARREST: {LEGAL_STATUS: LegalStatus.HOUSE_ARREST.value},
    DISAPPEARED: {LEGAL_STATUS: LegalStatus.ENFORCED_DISAPPEARANCE.value},
    DIED: {ENDED_HOW: EndedHow.DIED.value},
    ESCAPED: {ENDED_HOW: EndedHow.ESCAPED.value},
}
_BEFORE_DATE = {
    stem_words(word): relation for relation, words in _STATUS_WORDS["before_date"].items() for word in words
}
_UNKNOWN_STATES = frozenset(map(fold, _STATUS_WORDS["words"]["unknown"]))
_ABBREVIATION = re.compile(r"\b([^\W\d_]{3,})\.(?![^\W\d_])")
DOUBTS = frozenset(stem_words(word)[0] for word in _STATUS_WORDS["words"]["doubt"])
HELD_AGAIN = frozenset(map(stem_words, _STATUS_WORDS["words"]["held_again"]))
WEAK_WORDS = frozenset(map(stem_words, _STATUS_WORDS["words"]["weak"]))
MAX_PART_WORDS = 6


@cache
def _list_full_words() -> tuple[dict[str, Part], dict[str, set[str]]]:
    """Return the words that an abbreviation may stand for: what each says alone; the states of other words in
    phrases."""
    phrases = [
        *(word for words in _STATUS_WORDS["states"].values() for word in words),
        *_STATUS_WORDS["words"]["held_again"],
        *load_code_words("release_kinds"),
        *load_code_words("legal_statuses"),
        *(word for words in _STATUS_WORDS["kinds"].values() for word in words),
    ]
    alone: dict[str, Part] = {}
    in_phrases: dict[str, set[str]] = {}
    for phrase in phrases:
        part, words = load_parts().get(stem_words(phrase)), fold(phrase).split()
        if part is not None and len(words) == 1:
            alone[words[0]] = part
        elif part is not None and part.role != "state":
            for word in words:
                in_phrases.setdefault(word, set()).add(part.state)
    return alone, {word: states for word, states in in_phrases.items() if word not in alone}


def expand_abbreviations(text: str) -> str:
    """Write out each word with a full stop that can be the beginning of one known status only: "exc. 14/1"."""
    return _ABBREVIATION.sub(lambda match: _find_full_word(match[1]) or match[0], text)


def _find_full_word(start: str) -> str | None:
    alone, in_phrases = _list_full_words()
    words = {word: part for word, part in alone.items() if word.startswith(fold(start))}
    states = {state for word, found in in_phrases.items() if word.startswith(fold(start)) for state in found}
    word, part = next(iter(words.items()), ("", Part("state")))
    is_clear = states <= {part.state} and all(other == part for other in words.values())
    return f"{word} " if word and is_clear else None


def read_state(text: str, context: DateContext) -> StateReading | None:
    """Return what a cell says of a person; None if it is not surely a state, or if its date cannot be read."""
    if not 0 < len(text) <= MAX_FOLDED_LENGTH:
        return None
    if fold(text) in _UNKNOWN_STATES or text.strip() in ("-", "?", "–", "—"):
        return StateReading(UNKNOWN)
    if "?" in text or "¿" in text:
        return None
    tokens, date_texts = split_tokens(text)
    if len(date_texts) > 1:
        return None
    try:
        on = parse_sheet_date(date_texts[0], context) if date_texts else None
    except UnreadCellDate:
        return None
    tokens, relation = _take_date(tokens)
    parts = _cover(tokens)
    return None if parts is None else _combine(parts, on, relation)


@dataclass(frozen=True, slots=True)
class DatedWord:
    """A cell in parts: its words on one side of its only date, and what known words on the other side say."""

    word: str
    on: str = ""
    problem: UnreadCellDate | None = None  # an answer about the list tells the date
    relation: str = ""
    codes: Mapping[str, str] = field(default_factory=dict)


def split_date(text: str, context: DateContext) -> DatedWord | None:
    """Split a cell such as "exc. el 6/11 con medidas"; None if it is not made of a word, a date and known words."""
    plain = strip_accents(text)
    matches = list(DATE_IN_TEXT.finditer(plain)) if len(text) <= MAX_FOLDED_LENGTH else []
    if len(matches) != 1 or len(plain) != len(text) or "?" in text:
        return None
    before, after = (part.strip(_WORD_EDGES) for part in (text[: matches[0].start()], text[matches[0].end() :]))
    before, relation = _split_relation(before)
    known_parts = _cover(list(split_words(strip_accents(after)))) if before and fold(after) else []
    if known_parts is None or any(part.role not in _WORDS_AFTER_DATE for part in known_parts):
        return None
    codes = {name: code for part in known_parts for name, code in part.codes.items()}
    word = before or after.lstrip(".")
    try:
        on = parse_sheet_date(matches[0][0], context)
        is_past = context.until is None or parse_date(on).lo <= context.until.toordinal()
    except UnreadCellDate as error:
        is_open = error.code == "ambiguous_date" or (context.until is None and error.sentence == "date_without_year")
        return DatedWord(word, problem=error) if is_open and fold(word) else None
    return DatedWord(word, on, None, relation, codes) if fold(word) and is_past else None


_WITH = re.compile(r"\bc/\s*", re.IGNORECASE)  # "c/ medidas"
_WORD_EDGES = " ,;:()[]-\u2013\u2014"
_WORDS_AFTER_DATE = ("kind", "joining", "present")


def _split_relation(text: str) -> tuple[str, str]:
    """Return a text without the words that relate it to a date after it, and the relation."""
    words = text.split()
    for length in range(min(3, len(words) - 1), 0, -1):
        if (relation := _BEFORE_DATE.get(stem_words(" ".join(words[-length:])))) is not None:
            return " ".join(words[:-length]).rstrip(_WORD_EDGES), relation
    return ("", "on") if stem_words(text) in _BEFORE_DATE else (text, "")


def read_meaning(choice: str, text: str, context: DateContext) -> StateReading:
    """Return what a cell says by an answer about its words. A date in the cell is that of the answered state."""
    state, _colon, kind = choice.partition(":")
    codes = {RELEASE_KIND: kind} if kind not in ("", ReleaseKind.UNSPECIFIED) else {}
    dated = split_date(text, context)
    if state in (NO_STATE, UNKNOWN) or dated is None or dated.problem is not None:
        return StateReading(state, codes, text=text)
    codes |= dated.codes if state == RELEASED else {}
    reading = _date_state(state, codes, dated.on, dated.relation, is_still=False)
    if reading is None:  # the date may be of the arrest
        return StateReading(state, codes, text=text)
    return replace(reading, text=text if len(dated.word.split()) > 1 else dated.word)


def split_tokens(text: str) -> tuple[list[str], list[str]]:
    """Return the stemmed words of a text, with marks for dates and punctuation; and the texts of its dates."""
    plain = _DEATH_SIGNS.sub(" qepd ", _SHORT_GENDERS.sub(r"o\1\2", strip_accents(text)))
    date_texts: list[str] = []
    tokens: list[str] = []
    end = 0
    for match in DATE_IN_TEXT.finditer(plain):
        tokens += [*split_words(plain[end : match.start()]), DATE]
        date_texts.append(match[0])
        end = match.end()
    return [*tokens, *split_words(plain[end:])], date_texts


def split_words(plain: str) -> Iterator[str]:
    clauses = BREAKS.split(_WITH.sub("con ", plain))
    for number, clause in enumerate(clauses):
        yield from map(_stem, fold(clause).split())
        if number < len(clauses) - 1:
            yield BREAK


def _take_date(tokens: list[str]) -> tuple[list[str], str]:
    """Return the tokens without the date and the words before it, and the relation of the date: "on", "since",
    "as_of", or "" for a bare date."""
    if DATE not in tokens:
        return tokens, ""
    place = tokens.index(DATE)
    for length in range(min(3, place), 0, -1):
        if (relation := _BEFORE_DATE.get(tuple(tokens[place - length : place]))) is not None:
            return [*tokens[: place - length], BREAK, *tokens[place + 1 :]], relation
    return [*tokens[:place], BREAK, *tokens[place + 1 :]], ""


def find_part(tokens: Sequence[str], start: int) -> tuple[Part, int] | None:
    """Return the longest part at a place, and its end."""
    parts = load_parts()
    for end in range(min(len(tokens), start + MAX_PART_WORDS), start, -1):
        if (part := parts.get(tuple(tokens[start:end]))) is not None:
            return part, end
    return None


def _cover(tokens: Sequence[str]) -> list[Part] | None:
    """Return the parts that a text consists of; None if some word is in no part, or a "no" stands alone."""
    found_parts: list[Part] = []
    place = 1 if tokens and tokens[0] in map(_stem, _PREFIXES) else 0
    while place < len(tokens):
        if tokens[place] == BREAK:
            if found_parts and found_parts[-1].role == "negation":
                return None  # "No, excarcelado"
            place += 1
            continue
        found = find_part(tokens, place)
        if found is None:
            return None
        part, place = found
        found_parts.append(part)
    return found_parts


def _combine(parts: Sequence[Part], on: str | None, relation: str) -> StateReading | None:
    roles = [part.role for part in parts]
    says = [part for part in parts if part.state]
    states = {part.state for part in says}
    if not says:
        return None
    if "negation" in roles:
        return _combine_negation(parts, on, relation)
    if states == {RELEASED, HOUSE_ARREST}:
        # "excarcelado, casa por cárcel": out of prison, of this kind.
        says = [part for part in says if part.state == RELEASED]
        says.append(Part("kind", RELEASED, {RELEASE_KIND: ReleaseKind.HOUSE_ARREST.value}))
    elif states == {HELD, HOUSE_ARREST}:
        if any(part.role != "state" or part.codes for part in says if part.state == HELD):
            return None
        says = [part for part in says if part.state == HOUSE_ARREST]
    elif len(states) > 1:
        return None
    state = says[0].state
    codes: dict[str, str] = {}
    for part in says:
        if any(codes.setdefault(name, code) != code for name, code in part.codes.items()):
            return None  # two kinds
    is_still = "still" in roles
    if (state == HELD and "past" in roles) or (is_still and state not in (HELD, HOUSE_ARREST, DISAPPEARED)):
        return None  # "fue detenido" says nothing of today
    return StateReading(state, codes) if on is None else _date_state(state, codes, on, relation, is_still=is_still)


def _combine_negation(parts: Sequence[Part], on: str | None, relation: str) -> StateReading | None:
    """Return "held" for a denied release. Of nothing else does a "no" say what is."""
    place = next(number for number, part in enumerate(parts) if part.role == "negation")
    before, after = parts[:place], parts[place + 1 :]
    says = [part for part in after if part.state]
    if any(part.state for part in before) or any(part.role in ("negation", "joining") for part in after):
        return None
    if len(says) != 1 or says[0].state != RELEASED or says[0].role != "state" or (on and relation != "as_of"):
        return None
    return StateReading(HELD, on=on)


def _date_state(state: str, codes: dict[str, str], on: str, relation: str, *, is_still: bool) -> StateReading | None:
    """Return the reading of a state with a date; None if the date may be of something else."""
    if stage := codes.get(STAGE):
        return None if relation in ("as_of", "since") else StateReading(state, codes | {f"release.{stage}_on": on})
    if relation == "as_of" and state not in (HELD, HOUSE_ARREST):
        return None
    if state == HELD and relation != "as_of":
        if relation == "" and not is_still:
            return None  # of the arrest, or of the list
        if relation == "since" or not is_still:
            return StateReading(state, codes | {DETAINED_ON: on})
    return StateReading(state, codes, on)


@dataclass(frozen=True, slots=True)
class StateChoice:
    """A choice that can be right for a status column, with its labels in `LANGUAGES`."""

    code: str
    labels: Sequence[str]

    def label(self, lang: Language) -> str:
        """Return the label in a language."""
        return self.labels[LANGUAGES.index(lang)]


def _list_choices() -> Iterator[StateChoice]:
    def build(code: str, name: str, kind: ReleaseKind | None = None) -> StateChoice:
        values = {} if kind is None else {"kind": lambda lang: find_label("release_kinds", kind, lang)}
        return StateChoice(code, format_in_both_languages("choices", name, values))

    yield build(HELD, HELD)
    yield build(HOUSE_ARREST, HOUSE_ARREST)
    yield build(f"{RELEASED}:{ReleaseKind.UNSPECIFIED}", "released_plainly")
    for kind in ReleaseKind:
        if kind is not ReleaseKind.UNSPECIFIED:
            yield build(f"{RELEASED}:{kind}", RELEASED, kind)
    for state in (DIED, TRANSFERRED, ESCAPED, DISAPPEARED, UNKNOWN, NO_STATE):
        yield build(state, state)


STATE_CHOICES: tuple[StateChoice, ...] = tuple(_list_choices())
"""The choices for a value of a status column, in the order of a select."""
_TRANSFER_NOTE = "Traslado / Transferred"
_STATE_DATES: dict[str, tuple[str, ...]] = {
    HELD: ("detention.held_on",),
    HOUSE_ARREST: ("detention.held_on",),
    RELEASED: ("release.released_on",),
    DIED: ("detention.ended.on", "detainee.died_on"),
    ESCAPED: ("detention.ended.on",),
    DISAPPEARED: (DETAINED_ON,),
}


def is_state_choice(text: str) -> bool:
    """Whether a text is one of the choices, as an answer names it."""
    return any(choice.code == text for choice in STATE_CHOICES)


def expand_state(choice: str, on: str | None) -> dict[str, str]:
    """Return the fields of a report for a choice of `STATE_CHOICES` and the date of the state."""
    state, _colon, kind = choice.partition(":")
    fields = dict(_STATE_FIELDS.get(state, {}))
    if state == RELEASED:
        fields[STAGE] = Stage.CARRIED_OUT.value
        if kind and kind != ReleaseKind.UNSPECIFIED:  # which would contradict a column of kinds
            fields[RELEASE_KIND] = kind
    if state == TRANSFERRED:
        fields["note"] = _TRANSFER_NOTE if on is None else f"{_TRANSFER_NOTE}: {on}"
    if on is not None:
        fields |= dict.fromkeys(_STATE_DATES.get(state, ()), on)
    return fields
