"""Guess the meaning of a column from its heading, the heading of its group and its cells (pure).

Words and rules are those of heading_words.toml. A guess is sure only if one meaning explains each word of the heading
and the cells do not contradict it.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from itertools import islice, pairwise

from app.imports.fields import FIELDS, GIVEN_NAMES, NAME, PUBLISH, STATE, STATE_DAY, STATE_MARKS, SURNAMES
from app.imports.reader.cell_values import (
    UnreadCell,
    clean_cell,
    has_digit,
    has_further_words,
    is_cross,
    is_date_like,
    is_docket,
    is_link,
    is_name_like,
    is_term,
    is_uuid,
    parse_cell_value,
)
from app.imports.reader.heading_words import (
    ATTRIBUTES,
    CACHE_SIZE,
    MAX_HEADING_WORDS,
    WEAK,
    Candidate,
    HeadingConcepts,
    Meanings,
    asks_yes_or_no,
    expand_concepts,
    find_meanings,
    is_about_something_else,
    read_concepts,
    split_heading,
)
from app.imports.reader.remarks import find_publication_wish, find_state_in_remark
from app.imports.reader.sheet_dates import DateContext
from app.matching.scripts import fold, scoped_cache
from app.schemas.text import is_unknown_text

# A column that is not needed: it counts the rows.
NOT_NEEDED = "-"
PHONES = "phones"  # a column of phone numbers, which are never stored
# Columns of crosses: a cross says that the person has this status.
CROSSED_STATES = frozenset(STATE_MARKS)
EVIDENCE, FACILITY, RECORD_ID = "verification.evidence", "detention.facility", "source_record_id"
PLACE, COURT_CASE, TERM = "detention.place", "detention.case", "detention.sentence.term"
NATIONAL_ID = "detainee.national_id"
REGISTRY_IDS = frozenset({"detainee_id", "detention_id", "release_id"})
DESIGNATION, AGE, VERDICT = "detainee.designation", "detainee.age", "verification.verdict"
LEGAL_STATUS = "detention.legal_status"
DATE_FIELDS = frozenset(name for name, field in FIELDS.items() if field.kind == "date") | {STATE_DAY}
CODED_KINDS = frozenset({"code", "codes", "country", "countries", "state"})
# Fields of free text: a note may hold anything, also a day or a number.
ANY_CELL_FIELDS = frozenset({"note"})

MAX_CELLS, MAX_CELL_LENGTH, MAX_SAMPLES, MAX_SAMPLE_LENGTH = 2_000, 200, 12, 80
MOST, SOME = 0.8, 0.5  # shares of cells
MIN_COUNTING_SHARE = 0.9  # of cells that are one more than the cell above: a list has a gap or two
MIN_COUNTED_ROWS = 3  # of a column without a heading: two numbers in a row may be ages
MAX_GROUP_WORDS = 3

_NUMBER = re.compile(r"[-+]?\d{1,12}(?:[.,]\d{1,6})?")
_ROW_NUMBER = re.compile(r"(\d{1,6})(?:[.,]0+|[.)º°-]{1,2})?")
# A number of ten digits or more with its prefix; under the heading of a contact also a shorter one, as in "5 355 0101".
_PHONE = re.compile(r"(?:\+|\(|\b0)(?:[\s().-]*\d){10,14}\b")
_SHORT_PHONE = re.compile(r"(?<!\d)\+?\(?\d(?:[\s().-]?\d){6,14}(?!\d)")
_YEAR_OR_SERIAL = re.compile(r"(?:19|20)\d\d|[2-6]\d{4}(?:\.0)?")
_NUMBERED_ZONE = re.compile(r"\bzona (?:n\w* )?\d")  # of the police: "Zona 7"
_STATE_CONCEPTS = frozenset(
    {"arrest", "release", "death", "home", "transfer", "escape", "disappearance", "still", "prisoner"}
)


class Fit(IntEnum):
    """How well the cells of a column suit a field."""

    NONE = 0
    WEAK = 1  # no known word of the field
    POSSIBLE = 2
    GOOD = 3  # cells of the right kind
    PROOF = 4  # cells with words of this field only


# Fields that a column of yes and no may have. What a cross under "No publicar" means is for the officer to say.
CROSSED_FITS = {DESIGNATION: Fit.PROOF, PUBLISH: Fit.GOOD, VERDICT: Fit.POSSIBLE}


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """What the cells of a column look like.

    `dates`, `numbers`, `crosses`: shares of the filled cells. `counts_rows`: each cell is one more than the cell above.
    `samples`: the most frequent values. `phones`, `short_phones`: shares of cells with a phone number, or with one that
    may be another number; none if a cell has a status or a wish about publication."""

    filled: int
    distinct: int
    dates: float
    numbers: float
    crosses: float
    counts_rows: bool
    samples: tuple[str, ...]
    phones: float = 0.0
    short_phones: float = 0.0


@dataclass(frozen=True, slots=True)
class Guess:
    """The likely meaning of a column. `is_sure`: no other meaning is about as likely."""

    field: str | None
    is_sure: bool


UNKNOWN = Guess(None, False)


def profile_column(texts: Iterable[str]) -> ColumnProfile:
    """Describe the cells of a column; the first MAX_CELLS are looked at."""
    cells = [text for cell in islice(texts, MAX_CELLS) if (text := cell[:MAX_CELL_LENGTH].strip())]
    counts = Counter(cells)
    filled = len(cells)

    def share(kind: set[str]) -> float:
        return sum(counts[text] for text in kind) / filled if filled else 0.0

    return ColumnProfile(
        filled,
        len({fold(text) or text for text in counts}),
        share({text for text in counts if is_date_like(text)}),
        share({text for text in counts if _NUMBER.fullmatch(text)}),
        share(_find_crosses(counts)),
        _do_count_rows(cells),
        tuple(text[:MAX_SAMPLE_LENGTH] for text, _count in counts.most_common(MAX_SAMPLES)),
        *_share_phones(counts),
    )


def _share_phones(counts: Counter[str]) -> tuple[float, float]:
    short = {text for text in counts if _SHORT_PHONE.search(text) and not is_date_like(text)}
    if not short or any(find_publication_wish(text) or find_state_in_remark(text, DateContext()) for text in counts):
        return 0.0, 0.0
    full_count = sum(counts[text] for text in short if _PHONE.search(text))
    return full_count / counts.total(), sum(counts[text] for text in short) / counts.total()


def _find_crosses(texts: Iterable[str]) -> set[str]:
    """Return the cells of a column of crosses; a sign that nobody knows may stand among them."""
    texts = list(texts)
    crosses = {text for text in texts if is_cross(text)}
    return crosses | {text for text in texts if crosses and is_unknown_text(text)}


def _do_count_rows(cells: list[str]) -> bool:
    """Whether cells are 1, 2, 3 or 101, 102 and so on, with few gaps; each part of a list may begin with 1 again."""
    matches = [_ROW_NUMBER.fullmatch(text) for text in cells]
    numbers = [int(match[1]) for match in matches if match]
    words = sum(1 for text in cells if not any(map(str.isdecimal, text)))  # "TOTAL", the heading on the next page
    if len(numbers) <= words or len(numbers) < MIN_COUNTING_SHARE * (len(cells) - words):
        return False
    if len(numbers) == 1:
        return numbers[0] <= 1
    steps = sum(1 for above, number in pairwise(numbers) if number == above + 1 or number == 1)
    return numbers[1] == numbers[0] + 1 and steps >= MIN_COUNTING_SHARE * (len(numbers) - 1)


@scoped_cache(CACHE_SIZE)
def _read_heading(heading: str) -> HeadingConcepts:
    words = split_heading(heading)
    return read_concepts(words) if 0 < len(words) <= MAX_HEADING_WORDS else HeadingConcepts((), (), 0)


@scoped_cache(CACHE_SIZE)
def _read_group(group: str) -> HeadingConcepts:
    """The concepts of a group's heading. "Datos del detenido" is about a person: no day under it is one of arrest."""
    concepts = _read_heading(group)
    readings = []
    for reading in concepts.readings:
        is_general = "data" in reading
        remaining = {concept for concept in reading if not (is_general and _is_person(concept))}
        readings.append(frozenset(remaining - {"data", "number"}))
    return HeadingConcepts(tuple(dict.fromkeys(readings)), concepts.unknown, concepts.known_count)


def _is_person(concept: str) -> bool:
    return concept in {"person", "prisoner", "preso", "detainee", "captured"}


@dataclass(frozen=True, slots=True)
class _Recognition:
    candidates: tuple[Candidate, ...]
    is_explained: bool


_NOT_RECOGNISED = _Recognition((), False)


def _recognise(heading: str, group: str) -> _Recognition:
    """The candidates of a heading; of one with "(S/N)" those that a column of yes and no can have."""
    recognition = _recognise_words(heading, group)
    if group and _is_foreign(_read_heading(group)):
        recognition = _Recognition(recognition.candidates, False)
    if not asks_yes_or_no(heading):
        return recognition
    remaining = tuple(c for c in recognition.candidates if c.field in CROSSED_STATES or c.field in CROSSED_FITS)
    if remaining or any(candidate.field == NOT_NEEDED for candidate in recognition.candidates):  # "S/N" alone: a number
        return _Recognition(remaining or recognition.candidates, recognition.is_explained)
    return _Recognition(recognition.candidates, False)


def _recognise_words(heading: str, group: str) -> _Recognition:
    """The candidates of a heading: joined with that of its group if a rule explains both, else of the heading alone."""
    own = _read_heading(heading)
    if group and (not heading.strip() or fold(heading) == fold(group)):
        return _recognise_words(heading if heading.strip() else group, "")
    if not own.readings or (own.known_count == 0 and not group):
        return _NOT_RECOGNISED
    if _has_more_unknown(heading, own) or (len(fold(heading)) == 1 and fold(heading) != "n"):
        return _NOT_RECOGNISED
    alone = find_meanings(own.readings)
    if not group:
        return _to_recognition(alone, own)
    above = _read_group(group)
    if is_about_something_else(above.readings):
        return _NOT_RECOGNISED
    if not any(above.readings) or (_is_name_part(alone) and _is_name(above)):
        return _to_recognition(alone, own)  # "Apellidos" under "Nombre": the group adds nothing
    joined_readings = dict.fromkeys(mine | theirs for mine in own.readings for theirs in above.readings)
    joined = find_meanings(tuple(joined_readings))
    has_own_meaning = alone.is_explained and bool(alone.candidates) and alone.has_topic
    if has_own_meaning and (_is_about_states(above.readings) or not _refines(joined, alone)):
        return _to_recognition(alone, own)
    if joined.is_explained:
        return _add_facility(_to_recognition(joined, own), own)
    return _Recognition(tuple(Candidate(field, True) for field, _ in alone.candidates), False)


def _add_facility(recognition: _Recognition, own: HeadingConcepts) -> _Recognition:
    """A place under a group of arrest may also be that of detention: its cells say which."""
    fields = {candidate.field for candidate in recognition.candidates}
    if PLACE not in fields or FACILITY in fields or own.readings != (frozenset({"place"}),):
        return recognition
    return _Recognition((*recognition.candidates, Candidate(FACILITY, True)), recognition.is_explained)


def _is_name_part(meanings: Meanings) -> bool:
    """Whether a heading names a part of a name: "Apellidos", "Nombres"."""
    return bool(meanings.candidates) and all(c.field in (NAME, GIVEN_NAMES, SURNAMES) for c in meanings.candidates)


def _is_name(group: HeadingConcepts) -> bool:
    """Whether a group means a name and nothing else."""
    candidates = find_meanings(group.readings).candidates
    return bool(candidates) and all(candidate.field in (NAME, GIVEN_NAMES) for candidate in candidates)


def _is_foreign(group: HeadingConcepts) -> bool:
    """Whether a group has a word that may name other people ("ABUELA"). A long one is the title of the sheet."""
    return bool(group.unknown) and len(group.unknown) + group.known_count <= MAX_GROUP_WORDS


def _has_more_unknown(heading: str, concepts: HeadingConcepts) -> bool:
    """Whether the unknown words of a heading are more than the known ones, in number or in letters."""
    letters = sum(map(len, concepts.unknown))
    return len(concepts.unknown) > concepts.known_count or 2 * letters > sum(map(len, fold(heading).split()))


def _is_about_states(readings: tuple[frozenset[str], ...]) -> bool:
    """Whether a group is one of statuses, such as columns of crosses under "Situación actual"."""
    return any("state" in expand_concepts(reading) and reading <= ATTRIBUTES | WEAK for reading in readings)


def _refines(joined: Meanings, alone: Meanings) -> bool:
    """Whether the heading of the group decides between meanings of the heading alone."""
    fields = {candidate.field for candidate in alone.candidates}
    return joined.is_explained and bool(joined.candidates) and {c.field for c in joined.candidates} < fields


def _to_recognition(meanings: Meanings, concepts: HeadingConcepts) -> _Recognition:
    return _Recognition(meanings.candidates, meanings.is_explained and not (concepts.unknown or concepts.is_doubtful))


def recognise_heading(heading: str, group: str = "") -> tuple[str, ...]:
    """Return the possible meanings of a heading, best first; none if it is not understood.

    `group`: the merged heading above it."""
    return tuple(candidate.field for candidate in _recognise(heading, group).candidates)


def guess_meaning(heading: str, group: str, profile: ColumnProfile) -> Guess:
    """Guess the meaning of a column from its heading, the heading of its group and its cells."""
    if not heading.strip() and profile.counts_rows and profile.filled >= MIN_COUNTED_ROWS:
        return Guess(NOT_NEEDED, True)
    if "." in heading and heading.strip() in FIELDS:  # as in an export of own reports
        return Guess(heading.strip(), True)
    recognition = _recognise(heading, group)
    candidates = recognition.candidates
    is_contact = any("contact" in reading for reading in _read_heading(f"{group} {heading}").readings)
    if (profile.short_phones >= SOME) if is_contact else (profile.phones >= MOST and not candidates):
        return Guess(PHONES, True)
    if not candidates:
        return UNKNOWN
    if profile.filled == 0:
        rivals = [other for other in candidates[1:] if not (other.is_open and other.field in CROSSED_STATES)]
        return Guess(candidates[0].field, recognition.is_explained and not rivals and not candidates[0].is_open)
    fits = {candidate: _judge_fit(candidate.field, profile) for candidate in candidates}
    best_fit = max(fits.values())
    best = [candidate for candidate in candidates if fits[candidate] is best_fit]
    chosen = best[0]
    if best_fit is Fit.NONE:  # the cells contradict the heading
        return Guess(chosen.field if len(candidates) == 1 else None, False)
    if not recognition.is_explained:
        return Guess(chosen.field, False)
    if chosen.field == RECORD_ID and best_fit < Fit.GOOD:  # numbers of rows, or of something that people share
        return Guess(RECORD_ID, False)
    if chosen.is_open:
        return Guess(chosen.field, best_fit is Fit.PROOF and len(best) == 1)
    rivals = [other for other in best[1:] if not other.is_open or best_fit is Fit.PROOF]
    is_only_fit = best_fit >= Fit.POSSIBLE and sum(1 for fit in fits.values() if fit > Fit.NONE) == 1
    return Guess(chosen.field, not rivals and (len(candidates) == 1 or is_only_fit or best_fit >= Fit.GOOD))


def _judge_fit(field: str, profile: ColumnProfile) -> Fit:
    """How well the cells of a column suit a field."""
    if field == NOT_NEEDED:
        return Fit.PROOF if profile.counts_rows else Fit.NONE
    if field in CROSSED_STATES:
        return Fit.GOOD if profile.crosses >= MOST else Fit.NONE
    if field in DATE_FIELDS:
        return _judge_dates(profile)
    if field in ANY_CELL_FIELDS:
        return Fit.POSSIBLE
    if field == AGE:
        return Fit.NONE if profile.dates >= SOME or not any(map(has_digit, profile.samples)) else Fit.GOOD
    if field in REGISTRY_IDS:
        return Fit.PROOF if _count_matching(profile.samples, is_uuid) >= MOST else Fit.NONE
    if field == RECORD_ID:
        if profile.crosses >= MOST or profile.dates >= SOME:
            return Fit.NONE
        if _count_matching(profile.samples, is_uuid) >= SOME:
            return Fit.WEAK
        are_distinct = profile.distinct >= MIN_COUNTING_SHARE * profile.filled
        return Fit.GOOD if are_distinct and not profile.counts_rows else Fit.WEAK
    if profile.crosses >= MOST:
        return CROSSED_FITS.get(field, Fit.NONE)
    if profile.dates >= SOME:
        return Fit.NONE
    if field in FIELDS and FIELDS[field].kind in CODED_KINDS:
        return _judge_codes(field, profile)
    return _judge_text(field, profile)


def _judge_dates(profile: ColumnProfile) -> Fit:
    years = sum(1 for text in profile.samples if _YEAR_OR_SERIAL.fullmatch(text)) / max(1, len(profile.samples))
    if profile.dates + (years if profile.numbers >= SOME else 0) >= SOME:
        return Fit.GOOD
    return Fit.POSSIBLE if profile.dates > 0 and profile.crosses < MOST else Fit.NONE


def _judge_codes(field: str, profile: ColumnProfile) -> Fit:
    known = [text for text in profile.samples if _is_known_value(field, text)]
    if not known:
        return Fit.NONE if field == STATE else Fit.WEAK
    if len(known) < SOME * len(profile.samples):
        return Fit.POSSIBLE
    # A column of states may have legal statuses, but those alone prove no column of states.
    is_legal = field == STATE and all(_is_known_value(LEGAL_STATUS, text) for text in known)
    return Fit.GOOD if is_legal else Fit.PROOF


def _is_known_value(field: str, text: str) -> bool:
    """Whether a cell is a known value of a coded field; of a state also "sigue preso desde enero"."""
    try:
        cell = clean_cell(text)
        parsed_value = parse_cell_value(field, cell, None, None)
        if parsed_value is not None and not has_further_words(field, cell, parsed_value):
            return True
    except UnreadCell:
        pass
    return field == STATE and (_has_concept(text, _STATE_CONCEPTS) or _is_in_facility(text))


def _is_in_facility(text: str) -> bool:
    """Whether a cell is like "en la cárcel": the name of a prison alone is no state."""
    return _has_concept(text, frozenset({"facility"})) and _has_concept(text, frozenset({"in"}))


def _has_concept(text: str, concepts: frozenset[str]) -> bool:
    """Whether a cell has a word of one of some concepts, or of a narrower one."""
    read = read_concepts(split_heading(text)[:MAX_HEADING_WORDS])  # not cached: cells are personal
    return any(not concepts.isdisjoint(expand_concepts(reading)) for reading in read.readings)


def _judge_text(field: str, profile: ColumnProfile) -> Fit:
    samples = profile.samples
    if field == EVIDENCE:
        return Fit.PROOF if _count_matching(samples, is_link) >= SOME else Fit.NONE
    if field == NATIONAL_ID:  # "Identité" may be the name
        return Fit.POSSIBLE if _count_matching(samples, has_digit) >= SOME else Fit.NONE
    if field == COURT_CASE:
        return Fit.PROOF if _count_matching(samples, is_docket) >= SOME else Fit.POSSIBLE
    if field == TERM:
        return Fit.PROOF if _count_matching(samples, is_term) >= SOME else Fit.POSSIBLE
    if field == FACILITY:
        has_facility = _count_matching(samples, _is_facility_like)
        return Fit.PROOF if has_facility >= SOME / 2 else Fit.POSSIBLE
    if field in (NAME, GIVEN_NAMES, SURNAMES):
        if profile.numbers >= SOME:
            return Fit.NONE
        if field != NAME:
            return Fit.POSSIBLE
        are_names = _count_matching(samples, is_name_like) >= SOME and profile.distinct > SOME * profile.filled
        return Fit.GOOD if are_names else Fit.NONE if profile.distinct <= SOME * profile.filled else Fit.POSSIBLE
    return Fit.POSSIBLE


def _count_matching(samples: tuple[str, ...], check: Callable[[str], bool]) -> float:
    return sum(1 for text in samples if check(text)) / max(1, len(samples))


def _is_facility_like(text: str) -> bool:
    return _has_concept(text, frozenset({"facility", "center"})) or _NUMBERED_ZONE.search(fold(text)) is not None
