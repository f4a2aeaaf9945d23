"""The formats of answers: one list, which addresses, `Accept`, the API description, files and commands read (pure)."""

from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeAlias

JSON = "application/json"


class Form(StrEnum):
    """The forms of a table: CSV for spreadsheets, JSON Lines without loss."""

    CSV = "csv"
    JSONL = "jsonl"


# Format as `?format=` names it → its media type; JSON is first: a request that names no format gets it.
MEDIA: dict[str, str] = {"json": JSON, Form.CSV.value: "text/csv", Form.JSONL.value: "application/jsonl"}
# What a table is, for the API description.
TABLES = {
    MEDIA[Form.CSV]: "The rows as a table (RFC 4180)",
    MEDIA[Form.JSONL]: "The rows, one JSON object a line",
}
if TYPE_CHECKING:
    Format: TypeAlias = str
    FormatOrWorkbook: TypeAlias = str
else:
    Format, FormatOrWorkbook = Literal[tuple(MEDIA)], Literal[(*MEDIA, "xlsx")]
