"""Faults and questions of a list grouped by kind and column: the number of rows, and the first few of them.

Four hundred rows with the same mistake in one column are one thing to mend.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NotRequired, cast

from sqlalchemy import select
from sqlmodel import Session, col
from typing_extensions import TypedDict

from app.exchange.imports.mapping import QUESTIONS
from app.exchange.imports.sentences import KeptRowError, detail
from app.log.head import unseal_json
from app.models import ImportRow, ListImport
from app.schemas.imports import ImportColumn, ImportGroup, RowError
from app.vocabulary import Language

MOST_EXAMPLES = 3  # rows of a group: enough to see what is wrong
# Groups of one list, whose columns may each be wrong in a few ways. Beyond these, kinds are counted without columns.
MOST_GROUPS = 200


class KeptGroup(TypedDict):
    """A group as stored: without the values of cells."""

    code: str
    column: str | None
    pointer: str
    detail: str
    count: int
    rows: list[int]
    sentence: NotRequired[str | None]  # its name in `FAULTS`


class Groups:
    """Groups being counted, beginning with the stored groups `kept`."""

    def __init__(self, kept: Iterable[KeptGroup] = ()) -> None:
        self._groups = {(group["code"], group["column"]): group for group in kept}

    def add(self, row: int, errors: Sequence[KeptRowError] | Sequence[RowError]) -> None:
        """Count the errors of a row."""
        for error in errors:
            key = error["code"], error["column"]
            if key not in self._groups and len(self._groups) >= MOST_GROUPS:
                key = error["code"], None
            group = self._groups.setdefault(
                key,
                {"code": key[0], "column": key[1], "pointer": error["pointer"], "detail": error["detail"], "count": 0,
                 "rows": [], "sentence": cast(KeptRowError, error).get("sentence")},
            )  # fmt: skip
            group["count"] += 1
            if len(group["rows"]) < MOST_EXAMPLES:
                group["rows"].append(row)

    def kept(self) -> list[KeptGroup]:
        return list(self._groups.values())

    def rows(self) -> set[int]:
        """The rows named in groups."""
        return {row for group in self._groups.values() for row in group["rows"]}


def shapes(
    kept: Iterable[KeptGroup],
    columns: Iterable[ImportColumn],
    value_of: Callable[[int, str], str | None],
) -> list[ImportGroup]:
    """Groups, whose details are in the reader's language, as a reader sees them, the largest first. `value_of`: row,
    column → the value of the cell."""
    by_letter: dict[str | None, ImportColumn] = {column["column"]: column for column in columns}
    groups: list[ImportGroup] = []
    for group in sorted(kept, key=lambda group: -group["count"]):
        column = by_letter.get(group["column"])
        fields = column["fields"] if column else []
        named = group["pointer"].removeprefix("/").replace("/", ".")
        groups.append(
            {
                "code": group["code"],
                "question": group["code"] in QUESTIONS,
                "count": group["count"],
                "column": group["column"],
                "heading": (column and column["heading"]) or None,
                "field": named if named in fields else next(iter(fields), None),
                "detail": group["detail"],
                "examples": [
                    {"row": row, "value": None if group["column"] is None else value_of(row, group["column"])}
                    for row in group["rows"]
                ],
            }
        )
    return groups


def of_import(session: Session, secret: bytes, job: ListImport, lang: Language) -> list[ImportGroup]:
    """The groups of an import, with the values of cells as long as its rows are stored."""
    told = unseal_json(secret, job.told, job.id, "told")
    groups = Groups(told.get("groups", []))
    rows = select(ImportRow).where(col(ImportRow.list_import) == job.id, col(ImportRow.row).in_(groups.rows()))
    values = {
        (row.row, error["column"]): error.get("value")
        for row in session.scalars(rows)
        for error in faults_of(secret, row)
    }
    kept: list[KeptGroup] = [
        {**group, "detail": detail(group["code"], group["detail"], lang, group["rows"][0], group.get("sentence"))}
        for group in groups.kept()
    ]
    return shapes(kept, told.get("columns", []), lambda row, column: values.get((row, column)))


def faults_of(secret: bytes, row: ImportRow) -> list[KeptRowError]:
    """The stored faults of a row."""
    faults: list[KeptRowError] = unseal_json(secret, row.faults, row.list_import, row.row) if row.faults else []
    return faults


def in_language(errors: Sequence[KeptRowError], row: int, lang: Language) -> list[RowError]:
    """The faults of a row in a language."""
    return [
        {
            "column": error["column"],
            "pointer": error["pointer"],
            "code": error["code"],
            "detail": detail(error["code"], error["detail"], lang, row, error.get("sentence")),
            "value": error.get("value"),
            "withdrawn_on": error.get("withdrawn_on"),
        }
        for error in errors
    ]
