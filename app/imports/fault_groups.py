"""Group the faults of a list by kind and column.

A group is the number of rows with a fault, and the first few of them: four hundred rows with the same mistake in one
column are one thing to correct.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NotRequired, cast

from sqlalchemy import select
from sqlmodel import Session, col
from typing_extensions import TypedDict

from app.imports.faults import StoredRowError, translate_detail
from app.imports.mapping import QUESTIONS
from app.log.sealing import unseal_json
from app.models import ImportRow, ListImport
from app.schemas.imports import ImportColumn, ImportGroup, RowError
from app.vocabulary import Language

MAX_GROUP_EXAMPLES = 3  # rows of a group: enough to see what is wrong
# Groups of one list, whose columns may each be wrong in a few ways. Beyond these, kinds are counted without columns.
MAX_GROUPS = 200


class StoredGroup(TypedDict):
    """A group as stored: without the values of cells."""

    code: str
    column: str | None
    pointer: str
    detail: str
    count: int
    rows: list[int]
    sentence: NotRequired[str | None]  # its name in `FAULTS`


class FaultGroups:
    """Groups of faults, counted on from stored groups."""

    def __init__(self, stored_groups: Iterable[StoredGroup] = ()) -> None:
        self._groups = {(group["code"], group["column"]): group for group in stored_groups}

    def add(self, row: int, errors: Sequence[StoredRowError] | Sequence[RowError]) -> None:
        """Count the errors of a row."""
        for error in errors:
            key = error["code"], error["column"]
            if key not in self._groups and len(self._groups) >= MAX_GROUPS:
                key = error["code"], None
            group = self._groups.setdefault(
                key,
                {"code": key[0], "column": key[1], "pointer": error["pointer"], "detail": error["detail"], "count": 0,
                 "rows": [], "sentence": cast(StoredRowError, error).get("sentence")},
            )  # fmt: skip
            group["count"] += 1
            if len(group["rows"]) < MAX_GROUP_EXAMPLES:
                group["rows"].append(row)

    def to_stored(self) -> list[StoredGroup]:
        return list(self._groups.values())

    def list_example_rows(self) -> set[int]:
        """The rows named in groups."""
        return {row for group in self._groups.values() for row in group["rows"]}


def build_group_shapes(
    stored_groups: Iterable[StoredGroup],
    columns: Iterable[ImportColumn],
    find_value: Callable[[int, str], str | None],
) -> list[ImportGroup]:
    """Groups, whose details are in the reader's language, as a reader sees them, the largest first. `find_value`: row,
    column → the value of the cell."""
    by_letter: dict[str | None, ImportColumn] = {column["column"]: column for column in columns}
    groups: list[ImportGroup] = []
    for group in sorted(stored_groups, key=lambda group: -group["count"]):
        column = by_letter.get(group["column"])
        fields = column["fields"] if column else []
        field_name = group["pointer"].removeprefix("/").replace("/", ".")
        groups.append(
            {
                "code": group["code"],
                "question": group["code"] in QUESTIONS,
                "count": group["count"],
                "column": group["column"],
                "heading": (column and column["heading"]) or None,
                "field": field_name if field_name in fields else next(iter(fields), None),
                "detail": group["detail"],
                "examples": [
                    {"row": row, "value": None if group["column"] is None else find_value(row, group["column"])}
                    for row in group["rows"]
                ],
            }
        )
    return groups


def load_import_groups(session: Session, secret: bytes, job: ListImport, lang: Language) -> list[ImportGroup]:
    """The groups of an import, with the values of cells as long as its rows are stored."""
    summary = unseal_json(secret, job.told, job.id, "told")
    groups = FaultGroups(summary.get("groups", []))
    rows = select(ImportRow).where(
        col(ImportRow.list_import) == job.id, col(ImportRow.row).in_(groups.list_example_rows())
    )
    values = {
        (row.row, error["column"]): error.get("value")
        for row in session.scalars(rows)
        for error in load_row_faults(secret, row)
    }
    translated_groups: list[StoredGroup] = [
        {
            **group,
            "detail": translate_detail(group["code"], group["detail"], lang, group["rows"][0], group.get("sentence")),
        }
        for group in groups.to_stored()
    ]
    return build_group_shapes(
        translated_groups, summary.get("columns", []), lambda row, column: values.get((row, column))
    )


def load_row_faults(secret: bytes, row: ImportRow) -> list[StoredRowError]:
    """The stored faults of a row."""
    faults: list[StoredRowError] = unseal_json(secret, row.faults, row.list_import, row.row) if row.faults else []
    return faults


def translate_errors(errors: Sequence[StoredRowError], row: int, lang: Language) -> list[RowError]:
    """The faults of a row in a language."""
    return [
        {
            "column": error["column"],
            "pointer": error["pointer"],
            "code": error["code"],
            "detail": translate_detail(error["code"], error["detail"], lang, row, error.get("sentence")),
            "value": error.get("value"),
            "withdrawn_on": error.get("withdrawn_on"),
        }
        for error in errors
    ]
