"""Which column is which field: by its heading, in English or Spanish, or by a mapping (pure)."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from app.exchange.imports.cells import WORDS
from app.exchange.imports.faults import BadFile, letter
from app.exchange.imports.fields import FIELDS, GIVEN_NAMES, SURNAMES
from app.exchange.imports.mapping import HEADING_LENGTH, MOST_NAMED, Mapping, compared
from app.exchange.imports.texts import MOST_COLUMNS, UNREAD
from app.matching.fold import fold

# Headings that must be known before a row is taken for the row of headings.
LEAST_KNOWN = 2
# Headings that a message names.
MOST_MISSING = 3
# What tells people apart; a list without any of it is of something else.
TELLING = ("detainee.full_name", GIVEN_NAMES, SURNAMES, "detention.facility", "detention.detained_on")


AGE = "detainee.age"
# Folded heading of a column of ages that names their day → that day, as a mapping says it.
_AGE_DAYS = {fold(heading): day for day, found in WORDS["age_on"].items() for heading in found}


def _known() -> dict[str, str]:
    """Folded heading → field."""
    found = {fold(word): name for name, words in WORDS["headings"].items() for word in words}
    found |= dict.fromkeys(_AGE_DAYS, AGE)
    for name in FIELDS:
        found.setdefault(fold(name.rpartition(".")[2]), name)
        found[fold(name)] = name
    return found


KNOWN = _known()
# Words that one sheet puts into a heading and another leaves out. Not "el": "excarcelado el" is a day, "excarcelado"
# perhaps yes or no.
_PARTICLES = frozenset({"de", "del", "la", "las", "los", "of", "the"})
_NUMBER = frozenset({"n", "no", "nro", "num", "numero", "number"})  # folded: Nº and N° too
# What has a number: "Nº expediente" is a docket, while "Nº detenido" counts the detained and names nobody.
_NUMBERED = frozenset({"source_record_id", "detainee.national_id", "detention.case"})


def _bare(folded: str) -> str:
    return " ".join(word for word in folded.split() if word not in _PARTICLES)


def _without_number(folded: str) -> str:
    return " ".join(word for word in _bare(folded).split() if word not in _NUMBER)


def _by(shorten: Callable[[str], str], fields: Collection[str]) -> dict[str, str]:
    """Shortened heading → field, where it can only be one: "lugar detención" is where somebody was taken, or is now."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for heading, name in KNOWN.items():
        if name in fields:
            found[shorten(heading)].add(name)
    return {heading: names.pop() for heading, names in found.items() if heading and len(names) == 1}


_BARE_AGE_DAYS = {_bare(heading): day for heading, day in _AGE_DAYS.items()}
_BARE = _by(_bare, KNOWN.values())
_NUMBERS = _by(_without_number, _NUMBERED)


def _known_as(folded: str) -> str | None:
    known = KNOWN.get(folded) or _BARE.get(_bare(folded))
    if known is None and not _NUMBER.isdisjoint(folded.split()):
        known = _NUMBERS.get(_without_number(folded))
    return known


@dataclass(frozen=True, slots=True)
class Column:
    """A column, counted from 0, and the fields it is read for, in order; none where it is left out."""

    place: int
    heading: str
    fields: tuple[str, ...]

    @property
    def letter(self) -> str:
        return letter(self.place)


def fields_of(heading: str, mapping: Mapping) -> tuple[str, ...]:
    """What a heading stands for: by the mapping where it names it, else by the words known."""
    name = compared(heading)
    if name in mapping.targets:
        return tuple(mapping.targets[name])
    known = _known_as(name)
    return () if known is None else (known,)


def day_of_ages(columns: Sequence[Column]) -> str | None:
    """The day that the heading of the column of ages names."""
    folded = (compared(column.heading) for column in columns if AGE in column.fields)
    return next((day for one in folded if (day := _BARE_AGE_DAYS.get(_bare(one)))), None)


def known_in(cells: Sequence[str], mapping: Mapping) -> int:
    """How many headings of a row are known, those that the mapping leaves out included."""
    said = [cell for cell in cells if cell.strip()]
    return sum(1 for cell in said if fields_of(cell, mapping) or compared(cell) in mapping.targets)


def columns(cells: Sequence[str], mapping: Mapping) -> list[Column]:
    """The columns of a row of headings. Raises BadFile: two for one field, or none that tells people apart."""
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) > MOST_COLUMNS:
        raise BadFile("too_many_columns", f"A list has at most {MOST_COLUMNS} columns: is this the right file?")
    unread = next((place for place, cell in enumerate(cells) if UNREAD.search(cell)), None)
    if unread is not None:
        detail = f"The letters of the heading of column {letter(unread)} are not those of the rest of the file"
        raise BadFile("mixed_encodings", f"{detail}: save the whole list as CSV UTF-8.")
    found = [Column(place, cell.strip()[:HEADING_LENGTH], fields_of(cell, mapping)) for place, cell in enumerate(cells)]
    missing = mapping.targets.keys() - {compared(column.heading) for column in found}
    if missing:
        named = [f'"{heading[:MOST_NAMED]}"' for heading in mapping.columns if compared(heading) in missing]
        more = f" and {len(named) - MOST_MISSING} more" if len(named) > MOST_MISSING else ""
        raise BadFile(
            "mapping_mismatch",
            f"The mapping names columns that this list does not have: {', '.join(named[:MOST_MISSING])}{more}. Correct "
            "their headings in it.",
        )
    taken: dict[str, str] = {}
    for column in found:
        for name in column.fields[:1]:
            if name in taken:
                raise BadFile(
                    "two_columns_for_one",
                    f"Columns {taken[name]} and {column.letter} are both read as {name}: say which in a mapping.",
                )
            taken[name] = column.letter
    read = {name for column in found for name in column.fields} | mapping.constants.keys()
    if read.isdisjoint(TELLING):
        raise BadFile(
            "no_headings",
            "No column was found for names, places or dates of detention: put headings above the columns, or send a "
            "mapping that says which column holds what.",
        )
    return found


def digest(cells: Sequence[str]) -> str:
    """Of a row of headings, so that a mapping is found again for the same list: hex SHA-256."""
    return hashlib.sha256("\n".join(map(compared, cells)).encode()).hexdigest()
