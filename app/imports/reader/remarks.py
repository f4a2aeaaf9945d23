"""Find what a remark says of a person's status, or of publication, to ask about it (pure).

A remark decides nothing. It is searched for the words of a status, and for what people say instead: that somebody came
out on Saturday, was taken again, or is dead. Plans, doubts and what became of relatives are no reason to ask.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from app.imports.reader.code_words import CELL_WORDS
from app.imports.reader.sheet_dates import DateContext, UnreadCellDate, parse_sheet_date
from app.imports.reader.states import (
    BREAK,
    BREAKS,
    DATE,
    DIED,
    DOUBTS,
    HELD,
    HELD_AGAIN,
    RELEASED,
    STAGE,
    TRANSFERRED,
    UNKNOWN,
    WEAK_WORDS,
    Part,
    StateReading,
    find_part,
    load_parts,
    read_state,
    split_tokens,
    stem_words,
)
from app.matching.scripts import fold

MAX_REMARK = 2_000
_WORDS_BEFORE, _WORDS_AFTER = 4, 5
_REMARKS = CELL_WORDS["remarks"]
_NUMBER = re.compile(r"\d{1,2}")


def _load_words(name: str) -> frozenset[str]:
    return frozenset(word for text in _REMARKS[name] for word in stem_words(text))


_SMALL_WORDS, _TIMES, _RELATIVES = _load_words("small_words"), _load_words("times"), _load_words("relatives")
_EXITS, _ORDINARY_PLACES, _PREPOSITIONS = (_load_words(name) for name in ("exits", "ordinary", "prepositions"))
_TIMES |= {word for day in CELL_WORDS["dates"]["weekdays"] for word in stem_words(day)}
_ACCORDING, _TO_LEAVE = _load_words("according"), "salir"
_CUSTODY = tuple(map(fold, _REMARKS["custody"]))


def _drop_small_words(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(word for word in words if word not in _SMALL_WORDS)


_AGAIN = frozenset(_drop_small_words(stem_words(text)) for text in _REMARKS["again"])
_PHRASES: Mapping[tuple[str, ...], str] = {
    _drop_small_words(stem_words(text)): state for state, texts in _REMARKS["phrases"].items() for text in texts
}
_MAX_PHRASE_WORDS = max(map(len, (*_PHRASES, *_AGAIN)))


def find_state_in_remark(text: str, context: DateContext) -> StateReading | None:
    """Return what a remark seems to say of a person. Of several states: a death, or else the last."""
    if (reading := read_state(text, context)) is not None:
        return None if reading.state == UNKNOWN else reading
    tokens, date_texts = split_tokens(text[:MAX_REMARK])
    found = [*_find_state_words(tokens), *_find_phrases(tokens)]
    found.sort(key=lambda one: one[0])
    readings = [
        StateReading(reading.state, reading.codes, _find_day(tokens, date_texts, context, place, end))
        for place, end, reading in found
    ]
    return max(reversed(readings), key=lambda found: (found.state == DIED, found.state != TRANSFERRED), default=None)


Found = tuple[int, int, StateReading]  # a place among the tokens, the end, and what they say


def _find_state_words(tokens: Sequence[str]) -> Iterator[Found]:
    place = 0
    while place < len(tokens):
        found = find_part(tokens, place)
        if found is None:
            place += 1
            continue
        part, end = found
        if part.role == "state" and tuple(tokens[place:end]) not in WEAK_WORDS:
            reading = _read_state_word(tokens, part, place, end)
            if reading is not None:
                yield place, end, reading
        place = end


def _find_phrases(tokens: Sequence[str]) -> Iterator[Found]:
    """Find what people say instead of the words of a status."""
    for start, end in _list_clauses(tokens):
        kept = [place for place in range(start, end) if tokens[place] not in _SMALL_WORDS]
        words = [tokens[place] for place in kept]
        if _is_taken_again(words) and not _is_denied(words):
            yield start, end, StateReading(HELD)
        for number, place in enumerate(kept):
            if words[number] in _EXITS and _is_exit(words[number + 1 :]):
                state, length = RELEASED, 1
            else:
                state, length = _find_phrase(words, number)
            if words[number + length - 1] == _TO_LEAVE and not _is_exit(words[number + length :]):
                continue  # "dejaron salir al patio"
            if not length or _is_doubtful(words[:number]) or _is_about_relative(words, number, number + length):
                continue
            last = kept[number + length - 1] + 1
            if not _is_denied(words[max(0, number - _WORDS_BEFORE) : number]):
                yield place, last, StateReading(state)
            elif state == RELEASED:
                yield place, last, StateReading(HELD)


def _list_clauses(tokens: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of each clause."""
    start = 0
    for place, token in enumerate([*tokens, BREAK]):
        if token == BREAK:
            if place > start:
                yield start, place
            start = place + 1


def _find_phrase(words: Sequence[str], start: int) -> tuple[str, int]:
    """Return the state that the longest phrase at a place tells, and the number of its words."""
    for length in range(min(_MAX_PHRASE_WORDS, len(words) - start), 0, -1):
        if (state := _PHRASES.get(tuple(words[start : start + length]))) is not None:
            return state, length
    return "", 0


def _is_taken_again(words: Sequence[str]) -> bool:
    """Whether a clause says "again" of custody or of a place: "la volvieron a agarrar", "otra vez en la DAJ"."""
    ends = [
        start + length
        for start in range(len(words))
        for length in range(1, min(_MAX_PHRASE_WORDS, len(words) - start) + 1)
        if tuple(words[start : start + length]) in _AGAIN
    ]
    is_at_place = any(
        words[end : end + 1] in (["en"], ["em"], ["at"]) and not {*words[end + 1 : end + 2]} <= _ORDINARY_PLACES
        for end in ends
    )
    has_custody = any(word.startswith(_CUSTODY) for word in words)
    return bool(ends) and (is_at_place or has_custody) and not DOUBTS & set(words)


def _is_exit(after: Sequence[str]) -> bool:
    """Whether "salió" is out of prison by the words after it: not "salió a comprar", "salió del trabajo"."""
    if not after or after[0] in (DATE, *_TIMES):
        return True
    if after[0] not in _PREPOSITIONS:  # "salió enfermo el sábado"
        return len(after) > 1 and after[1] in (DATE, *_TIMES)
    if len(after) > 1 and (after[1] in (DATE, *_TIMES) or _NUMBER.fullmatch(after[1])):
        return True  # "en la madrugada", "a las 5"
    return after[0] in ("de", "del", "da", "do") and after[1:] != [] and after[1] not in _ORDINARY_PLACES


def _is_doubtful(before: Sequence[str]) -> bool:
    return bool(DOUBTS & set(before[-_WORDS_BEFORE:]))


def _is_denied(words: Sequence[str]) -> bool:
    return any((part := load_parts().get((word,))) is not None and part.role == "negation" for word in words)


def _is_about_relative(words: Sequence[str], start: int, end: int) -> bool:
    """Whether a relative stands right beside a state as its subject: "murió su padre", but not "la esposa dice que"."""
    before = [word for word in words[:start] if not _is_auxiliary(word)]
    is_subject = before[-1:] != [] and before[-1] in _RELATIVES and _ACCORDING.isdisjoint(before)
    after = words[end + 1 :] if words[end : end + 1] == ["a"] else words[end:]  # "mataron a su hermano"
    return is_subject or (bool(after) and after[0] in _RELATIVES)


def _is_auxiliary(word: str) -> bool:
    part = load_parts().get((word,))
    return part is not None and part.role in ("present", "past", "still", "negation")


def _read_state_word(tokens: Sequence[str], part: Part, place: int, end: int) -> StateReading | None:
    start = max((number + 1 for number in range(place) if tokens[number] == BREAK), default=0)
    clause = tokens[max(start, place - _WORDS_BEFORE) : place]
    rest = tokens[end : next((number for number in range(end, len(tokens)) if tokens[number] == BREAK), len(tokens))]
    before, after = _drop_small_words(tokens[start:place]), _drop_small_words(rest)
    if _is_about_relative([*before, "", *after], len(before), len(before) + 1):
        return None
    parts = load_parts()
    roles = {parts[(word,)].role for word in clause if (word,) in parts}
    if part.codes.get(STAGE) is None and DOUBTS & set(clause):
        return None
    if "negation" in roles:
        return StateReading(HELD) if part.state == RELEASED else None
    if (
        part.state == HELD
        and STAGE not in part.codes
        and "still" not in roles
        and tuple(tokens[place:end]) not in HELD_AGAIN
    ):
        return None  # mostly the arrest: "detenido en su casa"
    following = find_part(tokens, end)
    is_kind = part.state == RELEASED and following is not None and following[0].role == "kind"
    return StateReading(part.state, {**part.codes, **(following[0].codes if is_kind and following else {})})


def _find_day(
    tokens: Sequence[str], date_texts: Sequence[str], context: DateContext, place: int, end: int
) -> str | None:
    """Return the date beside a part of a remark, that after it first."""
    after = [number for number in range(end, min(len(tokens), end + _WORDS_AFTER)) if tokens[number] == DATE]
    before = [number for number in range(max(0, place - _WORDS_BEFORE), place) if tokens[number] == DATE]
    nearest = after[:1] or before[-1:]
    if not nearest:
        return None
    try:
        return parse_sheet_date(date_texts[list(tokens[: nearest[0]]).count(DATE)], context)
    except UnreadCellDate:
        return None


@cache
def _load_wishes() -> list[tuple[str, re.Pattern[str], frozenset[str]]]:
    """Return each wish with the pattern of its phrases and its words for a whole clause, folded."""
    wishes = []
    for wish, words in CELL_WORDS["wishes"].items():
        phrases = "|".join(sorted(map(fold, words["phrases"]), key=len, reverse=True))
        # "ya no pide anonimato" takes a wish back.
        pattern = re.compile(rf"(?<!\bno )(?<!\bnot )(?<!\bsin )\b(?:{phrases})\b")
        wishes.append((wish, pattern, frozenset(map(fold, words["alone"]))))
    return wishes


def find_publication_wish(text: str) -> str | None:
    """Return the wish that a remark tells: "anonymous" or "counted"; None if it tells none. The narrower phrase comes
    first: "no publicar el nombre" is "anonymous"."""
    clauses = [fold(clause) for clause in BREAKS.split(text)]
    for wish, pattern, alone in _load_wishes():
        if any(clause in alone or pattern.search(clause) for clause in clauses):
            return wish
    return None
