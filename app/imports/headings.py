"""Find the field of each column: by its heading, in English or Spanish, or by a mapping (pure)."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from app.imports.cell_values import WORDS
from app.imports.faults import BadFile, letter, line, place_of
from app.imports.fields import FIELDS, GIVEN_NAMES, NAME, STATE, SURNAMES
from app.imports.formats.csv import MOST_COLUMNS, UNREAD
from app.imports.formats.template import named
from app.imports.mapping import HEADING_LENGTH, MOST_NAMED, Mapping, compared
from app.matching.scripts import fold

# The number of known headings that makes a row the row of headings.
LEAST_KNOWN = 2
# Cells that may hold people back: those that say anything, that say anything but "no", that give a day to come.
WithholdingCells = Literal["any", "any_but_no", "day_to_come"]
# Headings in a message.
MOST_MISSING = 3
# Fields that tell people apart: a list without any of them is no list of people.
TELLING = (NAME, GIVEN_NAMES, SURNAMES, "detention.facility", "detention.detained_on")
# Field → fields that its column may have instead: "Estatus: Liberado" is no legal status.
BESIDE = {"detention.legal_status": (STATE,)}
# Headings of a state, of a person or of a federation: cells that are no state of a person are counted as not read.
MAYBE = frozenset({"estado", "state"})
# Headings of the full name, or of given names if there is a column of surnames.
FULL_OR_GIVEN = frozenset({"nombre", "name"})
SENTENCE_TERM = "detention.sentence.term"
AGE = "detainee.age"
# Folded heading of a column of ages that names their day → that day, as in a mapping.
_AGE_DAYS = {fold(heading): day for day, headings in WORDS["age_on"].items() for heading in headings}


def _known() -> dict[str, str]:
    """Folded heading → field."""
    fields = {fold(word): name for name, words in WORDS["headings"].items() for word in words}
    fields |= dict.fromkeys(_AGE_DAYS, AGE)
    for name in FIELDS:
        fields.setdefault(fold(name.rpartition(".")[2]), name)
        fields[fold(name)] = name
    return fields


KNOWN = _known()
# Optional words of headings. Not "el": "excarcelado el" is a day, "excarcelado" perhaps yes or no.
_PARTICLES = frozenset({"de", "del", "la", "las", "los", "of", "the"})
_NUMBER = frozenset({"n", "no", "nro", "num", "numero", "number"})  # folded: Nº and N° too
# Fields that are numbers of something: "Nº expediente" is a docket, while "Nº detenido" counts rows.
_NUMBERED = frozenset({"source_record_id", "detainee.national_id", "detention.case"})


def _bare(folded: str) -> str:
    return " ".join(word for word in folded.split() if word not in _PARTICLES)


def _without_number(folded: str) -> str:
    return " ".join(word for word in _bare(folded).split() if word not in _NUMBER)


def _by(shorten: Callable[[str], str], fields: Collection[str]) -> dict[str, str]:
    """Shortened heading → field, without ambiguous headings: "lugar detención" is the place of arrest, or of custody
    now."""
    by_heading: defaultdict[str, set[str]] = defaultdict(set)
    for heading, name in KNOWN.items():
        if name in fields:
            by_heading[shorten(heading)].add(name)
    return {heading: names.pop() for heading, names in by_heading.items() if heading and len(names) == 1}


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
    """A column by its `place`, from 0. `fields`: tried in this order; a column that is left out has none."""

    place: int
    heading: str
    fields: tuple[str, ...]
    maybe: bool = False  # an unread cell is counted, and no fault
    hidden: bool = False
    named: bool = False  # the mapping names it

    @property
    def letter(self) -> str:
        return letter(self.place)


def fields_of(heading: str, mapping: Mapping, place: int = -1) -> tuple[str, ...]:
    """The fields of a heading: the mapping's where it names the heading or its place, else those of known words."""
    targets = mapping.targets_at(place, heading)
    if targets is not None:
        return tuple(targets)
    known = _known_as(compared(heading))
    return () if known is None else (known,)


def day_of_ages(columns: Sequence[Column]) -> str | None:
    """The day on which people had the listed ages, if the heading of that column names it."""
    folded = (compared(column.heading) for column in columns if AGE in column.fields)
    return next((day for heading in folded if (day := _BARE_AGE_DAYS.get(_bare(heading)))), None)


def _any_of(name: str) -> re.Pattern[str]:
    """A pattern of the folded words, or runs of words, of a list under [asked]; it finds whole words."""
    return re.compile(rf"\b(?:{'|'.join(map(fold, WORDS['asked'][name]))})\b")


_WITHHOLDING, _NOT_WITHHOLDING = _any_of("withholding"), _any_of("not_withholding")
_DAY_OF_PUBLICATION = _any_of("day_of_publication")
_WITHHELD_UNLESS_NO = frozenset(fold(heading) for heading in WORDS["asked"]["withheld_unless_no"])


def withholding_cells(column: Column) -> WithholdingCells | None:
    """Which cells of a column that is not read may say that people must not be published. None where none may, and
    where the mapping says what the column is."""
    folded = compared(column.heading)
    if column.fields or column.named:
        return None
    if folded in _WITHHELD_UNLESS_NO:
        return "any_but_no"
    if _WITHHOLDING.search(_NOT_WITHHOLDING.sub(" ", folded)):
        return "any"
    return "day_to_come" if _DAY_OF_PUBLICATION.search(folded) else None


def known_in(cells: Sequence[str], mapping: Mapping) -> int:
    """The number of known headings in a row, with the headings that the mapping leaves out."""
    filled = [(place, cell) for place, cell in enumerate(cells) if cell.strip()]
    return sum(1 for place, cell in filled if fields_of(cell, mapping, place) or _is_named(cell, mapping, place))


def _is_named(heading: str, mapping: Mapping, place: int) -> bool:
    return mapping.targets_at(place, heading) is not None


def joined(group: str, heading: str) -> str:
    """A heading joined with the heading of its group: "Detención" above "Fecha" is "Fecha de detención". If the joined
    heading is not known: the heading alone if that is known, else both."""
    if not group or not heading or compared(group) == compared(heading):
        return heading or group
    together = (f"{heading} de {group}", f"{heading} of {group}", f"{heading} {group}", f"{group} {heading}")
    known = next((text for text in together if compared(text) in KNOWN), None)  # "Date of Arrest", not "Date de Arrest"
    known = known or next((text for text in together if _known_as(compared(text))), None)
    if known is not None:
        return known
    return heading if _known_as(compared(heading)) else f"{group} / {heading}"


def in_two_rows(above: Sequence[str], cells: Sequence[str]) -> list[str]:
    """Two rows of headings as one row; the row `above` has the headings of groups of columns."""
    group, headings = "", []
    for place in range(max(len(above), len(cells))):
        over, cell = (row[place].strip() if place < len(row) else "" for row in (above, cells))
        group = over or group
        headings.append(joined(over if not cell else group, cell) if over or cell else "")
    return headings


def _column(place: int, cell: str, mapping: Mapping, hidden: Collection[int]) -> Column:
    heading = cell.strip()[:HEADING_LENGTH]
    fields = fields_of(cell, mapping, place)
    if _is_named(cell, mapping, place):
        return Column(place, heading, fields, named=True)
    return Column(
        place, heading, fields + BESIDE.get(fields[0], ()) if fields else (), compared(cell) in MAYBE, place in hidden
    )


def _given_beside_surnames(columns: list[Column]) -> list[Column]:
    """The columns, "Nombre" beside "Apellidos" read as given names: as the full name it would lose the surnames."""
    read = {column.fields[0] for column in columns if column.fields}
    if SURNAMES not in read or GIVEN_NAMES in read:
        return columns
    return [
        replace(column, fields=(GIVEN_NAMES,))
        if not column.named and compared(column.heading) in FULL_OR_GIVEN
        else column
        for column in columns
    ]


def columns(cells: Sequence[str], mapping: Mapping, hidden: Collection[int] = ()) -> list[Column]:
    """The columns of a row of headings. Raises BadFile if two have one field, or none tells people apart."""
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    # A mapping may name columns beyond the last heading.
    cells = [*cells, *[""] * (max(map(place_of, mapping.positions), default=-1) + 1 - len(cells))]
    if len(cells) > MOST_COLUMNS:
        raise BadFile("too_many_columns", f"A list has at most {MOST_COLUMNS} columns: is this the right file?")
    unread = next((place for place, cell in enumerate(cells) if UNREAD.search(cell)), None)
    if unread is not None:
        detail = f"The letters of the heading of column {letter(unread)} are not those of the rest of the file"
        raise BadFile("mixed_encodings", f"{detail}: save the whole list as CSV UTF-8.")
    columns = _given_beside_surnames([_column(place, cell, mapping, hidden) for place, cell in enumerate(cells)])
    missing = mapping.targets.keys() - {compared(column.heading) for column in columns}
    if missing:
        quoted = [f'"{heading[:MOST_NAMED]}"' for heading in mapping.columns if compared(heading) in missing]
        listed, more = ", ".join(quoted[:MOST_MISSING]), len(quoted) - MOST_MISSING
        names = partial(line, "gone_more", listed=listed, count=more) if more > 0 else listed
        raise BadFile.in_both("mapping_mismatch", named=names)
    taken: dict[str, str] = {}
    for column in columns:
        for name in column.fields[:1]:
            if name in taken:
                field = partial(named, name)
                raise BadFile.in_both("two_columns_for_one", first=taken[name], second=column.letter, field=field)
            taken[name] = column.letter
    read = {name for column in columns for name in column.fields} | mapping.constants.keys()
    if read.isdisjoint(TELLING):
        raise BadFile(
            "no_headings",
            "No column was found for names, places or dates of detention: put headings above the columns, or send a "
            "mapping that says which column holds what.",
        )
    return columns


def digest(cells: Sequence[str]) -> str:
    """The digest (hex SHA-256) of a row of headings, by which its mapping is saved."""
    return hashlib.sha256("\n".join(map(compared, cells)).encode()).hexdigest()
