"""Find the field of each column: by its heading, in English or Spanish, or by a mapping (pure)."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from app.imports.code_words import CELL_WORDS
from app.imports.faults import BadFile, format_column_letters, format_line, parse_column_letters
from app.imports.fields import FIELDS, GIVEN_NAMES, NAME, STATE, SURNAMES
from app.imports.formats.csv import MAX_COLUMNS, UNDECODED_BYTE
from app.imports.formats.template import format_field_name
from app.imports.mapping import HEADING_LENGTH, MAX_QUOTED_LENGTH, ListMapping, fold_heading
from app.matching.scripts import fold

# The number of known headings that makes a row the row of headings.
MIN_KNOWN_HEADINGS = 2
# Cells that may hold people back: those that say anything, that say anything but "no", that give a day to come.
WithholdingCells = Literal["any", "any_but_no", "day_to_come"]
# Headings in a message.
MAX_MISSING_SHOWN = 3
# Fields that tell people apart: a list without any of them is no list of people.
IDENTIFYING_FIELDS = (NAME, GIVEN_NAMES, SURNAMES, "detention.facility", "detention.detained_on")
# Field → fields that its column may have instead: "Estatus: Liberado" is no legal status.
ALTERNATIVE_FIELDS = {"detention.legal_status": (STATE,)}
# Headings of a state, of a person or of a federation: cells that are no state of a person are counted as not read.
AMBIGUOUS_HEADINGS = frozenset({"estado", "state"})
# Headings of the full name, or of given names if there is a column of surnames.
FULL_OR_FIRST_NAME = frozenset({"nombre", "name"})
SENTENCE_TERM = "detention.sentence.term"
AGE_FIELD = "detainee.age"
# Folded heading of a column of ages that names their day → that day, as in a mapping.
_AGE_DAYS = {fold(heading): day for day, headings in CELL_WORDS["age_on"].items() for heading in headings}


def _build_known_headings() -> dict[str, str]:
    """Folded heading → field."""
    fields = {fold(word): name for name, words in CELL_WORDS["headings"].items() for word in words}
    fields |= dict.fromkeys(_AGE_DAYS, AGE_FIELD)
    for name in FIELDS:
        fields.setdefault(fold(name.rpartition(".")[2]), name)
        fields[fold(name)] = name
    return fields


KNOWN_HEADINGS = _build_known_headings()
# Optional words of headings. Not "el": "excarcelado el" is a day, "excarcelado" perhaps yes or no.
_PARTICLES = frozenset({"de", "del", "la", "las", "los", "of", "the"})
_NUMBER_WORDS = frozenset({"n", "no", "nro", "num", "numero", "number"})  # folded: Nº and N° too
# Fields that are numbers of something: "Nº expediente" is a docket, while "Nº detenido" counts rows.
_NUMBERED_FIELDS = frozenset({"source_record_id", "detainee.national_id", "detention.case"})


def _drop_particles(folded: str) -> str:
    return " ".join(word for word in folded.split() if word not in _PARTICLES)


def _drop_number_words(folded: str) -> str:
    return " ".join(word for word in _drop_particles(folded).split() if word not in _NUMBER_WORDS)


def _index_by_short_heading(shorten: Callable[[str], str], fields: Collection[str]) -> dict[str, str]:
    """Shortened heading → field, without ambiguous headings: "lugar detención" is the place of arrest, or of custody
    now."""
    by_heading: defaultdict[str, set[str]] = defaultdict(set)
    for heading, name in KNOWN_HEADINGS.items():
        if name in fields:
            by_heading[shorten(heading)].add(name)
    return {heading: names.pop() for heading, names in by_heading.items() if heading and len(names) == 1}


_BARE_AGE_DAYS = {_drop_particles(heading): day for heading, day in _AGE_DAYS.items()}
_BARE_HEADINGS = _index_by_short_heading(_drop_particles, KNOWN_HEADINGS.values())
_NUMBER_HEADINGS = _index_by_short_heading(_drop_number_words, _NUMBERED_FIELDS)


def _find_known_field(folded: str) -> str | None:
    known_field = KNOWN_HEADINGS.get(folded) or _BARE_HEADINGS.get(_drop_particles(folded))
    if known_field is None and not _NUMBER_WORDS.isdisjoint(folded.split()):
        known_field = _NUMBER_HEADINGS.get(_drop_number_words(folded))
    return known_field


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its `place`, from 0. `fields`: tried in this order; a column that is left out has none."""

    place: int
    heading: str
    fields: tuple[str, ...]
    is_ambiguous: bool = False  # an unread cell is counted, and no fault
    is_hidden: bool = False
    is_mapped: bool = False  # the mapping names it

    @property
    def letter(self) -> str:
        return format_column_letters(self.place)


def find_fields(heading: str, mapping: ListMapping, place: int = -1) -> tuple[str, ...]:
    """The fields of a heading: the mapping's where it names the heading or its place, else those of known words."""
    targets = mapping.find_targets(place, heading)
    if targets is not None:
        return tuple(targets)
    known_field = _find_known_field(fold_heading(heading))
    return () if known_field is None else (known_field,)


def find_day_of_ages(columns: Sequence[Column]) -> str | None:
    """The day on which people had the listed ages, if the heading of that column names it."""
    folded_headings = (fold_heading(column.heading) for column in columns if AGE_FIELD in column.fields)
    return next((day for heading in folded_headings if (day := _BARE_AGE_DAYS.get(_drop_particles(heading)))), None)


def _compile_words(name: str) -> re.Pattern[str]:
    """A pattern of the folded words, or runs of words, of a list under [asked]; it finds whole words."""
    return re.compile(rf"\b(?:{'|'.join(map(fold, CELL_WORDS['asked'][name]))})\b")


_WITHHOLDING, _NOT_WITHHOLDING = _compile_words("withholding"), _compile_words("not_withholding")
_DAY_OF_PUBLICATION = _compile_words("day_of_publication")
_WITHHELD_UNLESS_NO = frozenset(fold(heading) for heading in CELL_WORDS["asked"]["withheld_unless_no"])


def find_withholding_cells(column: Column) -> WithholdingCells | None:
    """Which cells of a column that is not read may say that people must not be published. None where none may, and
    where the mapping says what the column is."""
    folded = fold_heading(column.heading)
    if column.fields or column.is_mapped:
        return None
    if folded in _WITHHELD_UNLESS_NO:
        return "any_but_no"
    if _WITHHOLDING.search(_NOT_WITHHOLDING.sub(" ", folded)):
        return "any"
    return "day_to_come" if _DAY_OF_PUBLICATION.search(folded) else None


def count_known_headings(cells: Sequence[str], mapping: ListMapping) -> int:
    """The number of known headings in a row, with the headings that the mapping leaves out."""
    filled_cells = [(place, cell) for place, cell in enumerate(cells) if cell.strip()]
    return sum(
        1 for place, cell in filled_cells if find_fields(cell, mapping, place) or _is_mapped(cell, mapping, place)
    )


def _is_mapped(heading: str, mapping: ListMapping, place: int) -> bool:
    return mapping.find_targets(place, heading) is not None


def join_headings(group: str, heading: str) -> str:
    """A heading joined with the heading of its group: "Detención" above "Fecha" is "Fecha de detención". If the joined
    heading is not known: the heading alone if that is known, else both."""
    if not group or not heading or fold_heading(group) == fold_heading(heading):
        return heading or group
    variants = (f"{heading} de {group}", f"{heading} of {group}", f"{heading} {group}", f"{group} {heading}")
    known_variant = next(
        (text for text in variants if fold_heading(text) in KNOWN_HEADINGS), None
    )  # "Date of Arrest", not "Date de Arrest"
    known_variant = known_variant or next((text for text in variants if _find_known_field(fold_heading(text))), None)
    if known_variant is not None:
        return known_variant
    return heading if _find_known_field(fold_heading(heading)) else f"{group} / {heading}"


def join_heading_rows(group_cells: Sequence[str], cells: Sequence[str]) -> list[str]:
    """Two rows of headings as one row; the row `group_cells` has the headings of groups of columns."""
    group, headings = "", []
    for place in range(max(len(group_cells), len(cells))):
        group_cell, cell = (row[place].strip() if place < len(row) else "" for row in (group_cells, cells))
        group = group_cell or group
        headings.append(join_headings(group_cell if not cell else group, cell) if group_cell or cell else "")
    return headings


def _build_column(place: int, cell: str, mapping: ListMapping, hidden_places: Collection[int]) -> Column:
    heading = cell.strip()[:HEADING_LENGTH]
    fields = find_fields(cell, mapping, place)
    if _is_mapped(cell, mapping, place):
        return Column(place, heading, fields, is_mapped=True)
    return Column(
        place,
        heading,
        fields + ALTERNATIVE_FIELDS.get(fields[0], ()) if fields else (),
        fold_heading(cell) in AMBIGUOUS_HEADINGS,
        place in hidden_places,
    )


def _split_full_name(columns: list[Column]) -> list[Column]:
    """The columns, "Nombre" beside "Apellidos" read as given names: as the full name it would lose the surnames."""
    read_fields = {column.fields[0] for column in columns if column.fields}
    if SURNAMES not in read_fields or GIVEN_NAMES in read_fields:
        return columns
    return [
        replace(column, fields=(GIVEN_NAMES,))
        if not column.is_mapped and fold_heading(column.heading) in FULL_OR_FIRST_NAME
        else column
        for column in columns
    ]


def build_columns(cells: Sequence[str], mapping: ListMapping, hidden_places: Collection[int] = ()) -> list[Column]:
    """The columns of a row of headings. Raises BadFile if two have one field, or none tells people apart."""
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    # A mapping may name columns beyond the last heading.
    cells = [*cells, *[""] * (max(map(parse_column_letters, mapping.positions), default=-1) + 1 - len(cells))]
    if len(cells) > MAX_COLUMNS:
        raise BadFile("too_many_columns", f"A list has at most {MAX_COLUMNS} columns: is this the right file?")
    undecoded_place = next((place for place, cell in enumerate(cells) if UNDECODED_BYTE.search(cell)), None)
    if undecoded_place is not None:
        letters = format_column_letters(undecoded_place)
        detail = f"The letters of the heading of column {letters} are not those of the rest of the file"
        raise BadFile("mixed_encodings", f"{detail}: save the whole list as CSV UTF-8.")
    columns = _split_full_name([_build_column(place, cell, mapping, hidden_places) for place, cell in enumerate(cells)])
    missing = mapping.targets.keys() - {fold_heading(column.heading) for column in columns}
    if missing:
        quoted_headings = [
            f'"{heading[:MAX_QUOTED_LENGTH]}"' for heading in mapping.columns if fold_heading(heading) in missing
        ]
        listed_headings, more_count = (
            ", ".join(quoted_headings[:MAX_MISSING_SHOWN]),
            len(quoted_headings) - MAX_MISSING_SHOWN,
        )
        missing_names = (
            partial(format_line, "gone_more", listed=listed_headings, count=more_count)
            if more_count > 0
            else listed_headings
        )
        raise BadFile.from_sentence("mapping_mismatch", named=missing_names)
    letter_by_field: dict[str, str] = {}
    for column in columns:
        for name in column.fields[:1]:
            if name in letter_by_field:
                field = partial(format_field_name, name)
                raise BadFile.from_sentence(
                    "two_columns_for_one", first=letter_by_field[name], second=column.letter, field=field
                )
            letter_by_field[name] = column.letter
    read_fields = {name for column in columns for name in column.fields} | mapping.constants.keys()
    if read_fields.isdisjoint(IDENTIFYING_FIELDS):
        raise BadFile(
            "no_headings",
            "No column was found for names, places or dates of detention: put headings above the columns, or send a "
            "mapping that says which column holds what.",
        )
    return columns


def digest_headings(cells: Sequence[str]) -> str:
    """The digest (hex SHA-256) of a row of headings, by which its mapping is saved."""
    return hashlib.sha256("\n".join(map(fold_heading, cells)).encode()).hexdigest()
