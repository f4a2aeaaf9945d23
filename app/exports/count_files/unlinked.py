"""Separate what a source reports, without verifying it, about count-only people from other sources' reports (pure).

Counts reveal how many people a source reports, and for each how many sources verify them and which. They do not reveal
that two sources report the same person without verifying, and files must not either. Otherwise a state could plant a
report, and see from the row with which a curator joined it who else had reported that person. So these rows have
numbers that belong to one source alone, and include what a count by that source reads of the whole.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from app.columns import table
from app.columns.loader import Columns
from app.columns.rows import NULL, Array
from app.columns.table import (
    CODE,
    FLAG,
    NULL_CODE,
    PERSON_COLUMN,
    SINCE_COLUMN,
    SMALL,
    UNTIL_COLUMN,
    TableSpec,
)
from app.vocabulary import ReleaseStatus

# Table of what sources say → table of what all sources together say, and the key of a statement within a detention.
COMBINED_TABLES: dict[str, tuple[TableSpec, tuple[str, ...]]] = {
    table.SOURCE_RELEASES.name: (table.RELEASES, ("spell", "stage")),
    table.SOURCE_DETENTIONS.name: (table.DETENTION_STATES, ("spell",)),
}
SOURCE_TABLES = (table.SOURCE_RELEASES, table.SOURCE_DETENTIONS)
FIRST_RULES_WITH_OWN_STATUS = 6  # rows of sources made under earlier rules have a verdict alone
OWN_DETENTION, OWN_PERSON, VERIFYING_SOURCES = "own_spell", "own_detainee", "verifying"
_VALIDITY_NAMES = {SINCE_COLUMN, UNTIL_COLUMN}
_COMBINED_COLUMNS = ("independent_verified", "is_denied", "state", "rearrested")
_EMPTY_VALUES: dict[str, Any] = {
    "independent_verified": 0,
    "is_denied": False,
    "state": 0,
    "rearrested": False,
}
_EMPTY_BY_KIND = {CODE: NULL_CODE, SMALL: 0, FLAG: False}

UnlinkedRow = dict[str, Any]
TableArrays = dict[str, Array]


class PartitionedRows(NamedTuple):
    """Rows of tables of what sources say: linked and unlinked ones.

    `person_keys` and `detention_keys`: the number of one source alone → the registry's key.
    """

    linked_rows: dict[str, TableArrays]
    unlinked_rows: dict[str, list[UnlinkedRow]]
    person_keys: dict[int, int]
    detention_keys: dict[int, int]


@dataclass
class _DetentionRows:
    """The rows of one detention, by table."""

    rows: dict[str, list[UnlinkedRow]] = field(default_factory=lambda: defaultdict(list))


def partition_rows(columns: Columns) -> PartitionedRows:
    """Separate what sources say about count-only people, for each source that verifies nothing about the detention."""
    withheld = np.zeros(columns.key_count, bool)
    for combined_table, _key in COMBINED_TABLES.values():
        rows = columns.tables[combined_table.name]
        withheld[rows.column("spell")[rows.column("withheld")]] = True
    linked_rows: dict[str, TableArrays] = {}
    detentions: dict[int, _DetentionRows] = defaultdict(_DetentionRows)
    for spec in (*SOURCE_TABLES, table.RELEASES, table.DETENTION_STATES):
        arrays = _read_arrays(columns, spec)
        is_withheld = withheld[arrays["spell"]]
        if spec in SOURCE_TABLES:
            linked_rows[spec.name] = {name: column[~is_withheld] for name, column in arrays.items()}
        for row in _iter_rows({name: column[is_withheld] for name, column in arrays.items()}):
            detentions[row["spell"]].rows[spec.name].append(row)
    people = _group_person_rows(columns, detentions.values())
    verified_code = columns.codes.find_code(ReleaseStatus.VERIFIED)
    word = "status" if columns.version.rules >= FIRST_RULES_WITH_OWN_STATUS else "verdict"
    unlinked_rows: dict[str, list[UnlinkedRow]] = {spec.name: [] for spec in SOURCE_TABLES}
    relinked_rows: dict[str, list[UnlinkedRow]] = {spec.name: [] for spec in SOURCE_TABLES}
    for detention in detentions.values():
        for name in unlinked_rows:
            for statement in detention.rows[name]:
                for row in _split_statement(detention, name, statement, people, word, verified_code):
                    (unlinked_rows if VERIFYING_SOURCES in row else relinked_rows)[name].append(row)
    for spec in SOURCE_TABLES:
        linked_rows[spec.name] = _concatenate_rows(linked_rows[spec.name], relinked_rows[spec.name])
    return PartitionedRows(linked_rows, unlinked_rows, *_assign_own_numbers(unlinked_rows))


def _split_statement(
    detention: _DetentionRows,
    name: str,
    statement: UnlinkedRow,
    people: Mapping[int, list[UnlinkedRow]],
    word: str,
    verified_code: int,
) -> Iterator[UnlinkedRow]:
    """Split a statement where it begins or ceases to be unlinked, or where the combined values change.

    `word`: the column whose value `verified_code` says that the source verifies."""
    if statement[word] == verified_code and statement["review"] == NULL_CODE:
        yield statement
        return
    combined_table, key = COMBINED_TABLES[name]

    def is_same_detention(row: UnlinkedRow) -> bool:
        return all(row[column] == statement[column] for column in key)

    combined_rows = [row for row in detention.rows[combined_table.name] if is_same_detention(row)]
    verifications = [
        row
        for row in detention.rows[name]
        if row[word] == verified_code and row["review"] == NULL_CODE and is_same_detention(row)
    ]
    own_verifications = [
        row
        for spec in SOURCE_TABLES
        for row in detention.rows[spec.name]
        if row[word] == verified_code and row["review"] == NULL_CODE and row["source"] == statement["source"]
    ]
    person_rows = people[statement[PERSON_COLUMN]]
    cut_revisions = {
        revision
        for row in (*combined_rows, *verifications, *own_verifications, *person_rows)
        for revision in (row[SINCE_COLUMN], row[UNTIL_COLUMN])
    }
    inner_cuts = sorted(
        revision for revision in cut_revisions if statement[SINCE_COLUMN] < revision < statement[UNTIL_COLUMN]
    )
    previous: UnlinkedRow | None = None
    for since, until in zip(
        [statement[SINCE_COLUMN], *inner_cuts], [*inner_cuts, statement[UNTIL_COLUMN]], strict=True
    ):
        combined_row = _find_row_at(combined_rows, since)
        if combined_row is None:
            continue  # no count reads a statement about which there is no combined row
        row = {
            **statement,
            **_build_combined_values(
                since,
                combined_row,
                verifications,
                own_verifications,
                person_rows,
                is_under_review=statement["review"] != NULL_CODE,
            ),
            SINCE_COLUMN: since,
            UNTIL_COLUMN: until,
        }
        if previous is not None and _is_continued(previous, row):
            previous[UNTIL_COLUMN] = until
            continue
        if previous is not None:
            yield previous
        previous = row
    if previous is not None:
        yield previous


def _is_continued(previous: UnlinkedRow, row: UnlinkedRow) -> bool:
    """Return whether a row has the content of the one before it, and begins where that ends."""
    is_same = all(previous.get(column) == row.get(column) for column in {*previous, *row} - _VALIDITY_NAMES)
    return is_same and bool(previous[UNTIL_COLUMN] == row[SINCE_COLUMN])


def _build_combined_values(
    revision: int,
    combined_row: UnlinkedRow,
    verifications: Iterable[UnlinkedRow],
    own_verifications: Iterable[UnlinkedRow],
    person_rows: Iterable[UnlinkedRow],
    *,
    is_under_review: bool,
) -> UnlinkedRow:
    """Return the combined values of an unlinked row at a revision; nothing for a linked row."""
    if not combined_row["withheld"] or _find_row_at(own_verifications, revision) is not None:
        return {}
    state = _find_row_at(person_rows, revision) or {}
    combined_values = {
        **_EMPTY_VALUES,
        **{column: row[column] for row in (combined_row, state) for column in _COMBINED_COLUMNS if column in row},
    }
    if is_under_review:  # no other source counts in such a row
        return {**combined_values, "independent_verified": 0, "is_denied": False, VERIFYING_SOURCES: ""}
    verifiers = sorted(row["source"] for row in verifications if _is_valid_at(row, revision))
    return {**combined_values, VERIFYING_SOURCES: " ".join(map(str, verifiers))}


def _is_valid_at(row: UnlinkedRow, revision: int) -> bool:
    return bool(row[SINCE_COLUMN] <= revision < row[UNTIL_COLUMN])


def _find_row_at(rows: Iterable[UnlinkedRow], revision: int) -> UnlinkedRow | None:
    return next((row for row in rows if _is_valid_at(row, revision)), None)


def _group_person_rows(columns: Columns, detentions: Iterable[_DetentionRows]) -> dict[int, list[UnlinkedRow]]:
    person_keys = {
        row[PERSON_COLUMN] for detention in detentions for spec in SOURCE_TABLES for row in detention.rows[spec.name]
    }
    arrays = _read_arrays(columns, table.PEOPLE)
    is_included = np.isin(arrays[PERSON_COLUMN], list(person_keys))
    people: dict[int, list[UnlinkedRow]] = {person: [] for person in person_keys}
    for row in _iter_rows({name: column[is_included] for name, column in arrays.items()}):
        people[row[PERSON_COLUMN]].append(row)
    return people


def _assign_own_numbers(unlinked_rows: Mapping[str, list[UnlinkedRow]]) -> tuple[dict[int, int], dict[int, int]]:
    """Give each row numbers of its person and its detention that belong to its source alone.

    They count from 1 on, in the order of the first revision. Returns the registry's keys by these numbers.
    """
    sorted_rows = sorted(
        (row for rows in unlinked_rows.values() for row in rows),
        key=lambda row: (row[SINCE_COLUMN], row["source"], row["spell"]),
    )
    numbers: dict[str, dict[tuple[int, int], int]] = {OWN_PERSON: {}, OWN_DETENTION: {}}
    for name, key in ((OWN_PERSON, PERSON_COLUMN), (OWN_DETENTION, "spell")):
        for row in sorted_rows:
            row[name] = numbers[name].setdefault((row[key], row["source"]), len(numbers[name]) + 1)
    people, detentions = (
        {number: key for (key, _source), number in own_numbers.items()} for own_numbers in numbers.values()
    )
    return people, detentions


def _read_arrays(columns: Columns, spec: TableSpec) -> TableArrays:
    cached_table = columns.tables[spec.name]
    return {name: cached_table.column(name) for name in (SINCE_COLUMN, UNTIL_COLUMN, *spec.columns)}


def _iter_rows(rows: TableArrays) -> Iterator[UnlinkedRow]:
    columns = [column.tolist() for column in rows.values()]
    for row in zip(*columns, strict=True):
        yield dict(zip(rows, row, strict=True))


def _concatenate_rows(rows: TableArrays, new_rows: list[UnlinkedRow]) -> TableArrays:
    return {
        name: np.concatenate([column, np.array([row[name] for row in new_rows], column.dtype)])
        for name, column in rows.items()
    }


def restore_linked_rows(
    rows: dict[str, TableArrays],
    unlinked_rows: Mapping[str, Iterable[UnlinkedRow]],
    people: Mapping[int, int],
    detentions: Mapping[int, int],
) -> None:
    """Add the rows to those of the same tables, linked to their people by the numbers of the personal parts."""
    for name, table_rows in unlinked_rows.items():
        for row in table_rows:
            row |= {PERSON_COLUMN: people[row[OWN_PERSON]], "spell": detentions[row[OWN_DETENTION]]}
        _append_rows(rows, _find_spec(name), table_rows)


def append_unlinked_rows(
    rows: dict[str, TableArrays],
    unlinked_rows: Mapping[str, Iterable[UnlinkedRow]],
    first_person: int,
    first_detention: int,
    verified_code: int,
) -> None:
    """Add each row behind all others, as a detention and a person of its own.

    Only a count by its source includes these (`Columns.first_unlinkable_spell`): with the combined values, the status
    of the verifying sources, and the person's state. `first_person`, `first_detention`: the lowest unused numbers;
    `verified_code`: the code of that status.
    """
    for name, table_rows in unlinked_rows.items():
        statement_rows: list[UnlinkedRow] = []
        combined_rows: list[UnlinkedRow] = []
        person_rows: list[UnlinkedRow] = []
        for row in table_rows:
            numbers: UnlinkedRow = {
                PERSON_COLUMN: first_person + row[OWN_PERSON],
                "spell": first_detention + row[OWN_DETENTION],
            }
            validity: UnlinkedRow = numbers | {SINCE_COLUMN: row[SINCE_COLUMN], UNTIL_COLUMN: row[UNTIL_COLUMN]}
            stage: UnlinkedRow = {"stage": row["stage"]} if "stage" in row else {}
            statement_rows.append({**row, **numbers})
            statement_rows += [
                {**validity, **stage, "source": int(source), "status": verified_code}
                for source in row[VERIFYING_SOURCES].split()
            ]
            combined_values = {column: row[column] for column in ("independent_verified", "is_denied")}
            combined_rows.append({**validity, **stage, **combined_values, "withheld": True})
            person_rows.append({**validity, "state": row["state"], "rearrested": row["rearrested"]})
        _append_rows(rows, _find_spec(name), statement_rows)
        _append_rows(rows, COMBINED_TABLES[name][0], combined_rows)
        _append_rows(rows, table.PEOPLE, person_rows)


def _find_spec(name: str) -> TableSpec:
    return next(spec for spec in table.ALL_TABLES if spec.name == name)


def _append_rows(rows: dict[str, TableArrays], spec: TableSpec, new_rows: Iterable[UnlinkedRow]) -> None:
    """Add rows to those of a table; missing values become null or empty."""
    defaults = {name: _EMPTY_BY_KIND.get(kind, NULL) for name, kind in spec.columns.items()}
    rows[spec.name] = _concatenate_rows(rows[spec.name], [{**defaults, **row} for row in new_rows])
