"""Define the tables of a public copy as Table Schemas (Data Package 2.0); format and parse their cells.

https://datapackage.org/standard/table-schema/ and https://datapackage.org/standard/data-resource/
"""

import json
from typing import Any

from app.imports.fields import FIELDS
from app.log.content import IS_FIRST_HAND, PUBLIC_FIELDS, TAKEN_OVER
from app.tables import LIST_SEPARATOR, to_cell, unquote_cell
from app.vocabulary import CODE_LISTS

FieldSchema = dict[str, Any]

PARTIAL_DATE_DESCRIPTION = "YYYY, YYYY-MM, YYYY-MM-DD, or two of these with a slash between: from and to (EDTF level 0)"
STRING: FieldSchema = {"type": "string"}
UUID: FieldSchema = {"type": "string", "format": "uuid"}
FLAG: FieldSchema = {"type": "boolean"}
NUMBER: FieldSchema = {"type": "integer"}
DECIMAL: FieldSchema = {"type": "number"}
DATE: FieldSchema = {"type": "string", "description": PARTIAL_DATE_DESCRIPTION}
COUNTRY: FieldSchema = {"type": "string", "constraints": {"pattern": "[A-Z]{2}"}, "description": "ISO 3166-1 alpha-2"}
LIST: FieldSchema = {"type": "list", "delimiter": LIST_SEPARATOR, "itemType": "string"}
JSON: FieldSchema = {"type": "object"}
ARRAY: FieldSchema = {"type": "array"}
TEXTS: FieldSchema = {**ARRAY, "description": "texts, any of which may hold a semicolon: JSON"}
_SCHEMA_BY_KIND = {"date": DATE, "country": COUNTRY, "number": NUMBER, "line": STRING, "lines": TEXTS, "text": STRING}
BOOLEAN_TEXTS = {"true": True, "false": False}


def build_code_field(list_name: str) -> FieldSchema:
    """Return the column of a code of this list of the vocabulary."""
    return {"type": "string", "constraints": {"enum": [str(code) for code in CODE_LISTS[list_name]]}}


def _build_report_field(name: str) -> FieldSchema:
    """Return the column of a field of a report."""
    kind, codes = FIELDS[name].kind, FIELDS[name].codes
    return build_code_field(codes or "") if kind == "code" else _SCHEMA_BY_KIND.get(kind, LIST)


_END_FIELDS = {"detention.ended.on", "detention.ended.how"}
PUBLIC_REPORT_FIELDS = [name for name in FIELDS if name in PUBLIC_FIELDS or name in _END_FIELDS] + [
    "detainee.full_name", "detainee.aliases", "detainee.gender", "detainee.birth_date", "detainee.age",
    "detainee.age_on", "detainee.nationalities", "detainee.category", "detainee.groups", "detention.facility",
    "detention.legal_status", "detention.charges", "detention.sentence.until", "detention.sentence.term",
    "release.conditions", "release.destination",
]  # fmt: skip
# Fields that no body of a report has, but that a copy needs to count alike: for reports on people who were once
# count-only the log has no method (decision 0042).
EXTRA_REPORT_FIELDS: dict[str, FieldSchema] = {
    TAKEN_OVER: {**LIST, "description": "the columns whose values the source took over from the registry"},
    IS_FIRST_HAND: FLAG,
}

_SOURCE_LISTS: dict[str, FieldSchema] = {"verified_by": LIST, "reported_by": LIST}
# Table → its columns; the first is the key.
TABLES: dict[str, dict[str, FieldSchema]] = {
    "sources": {
        "slug": STRING, "name": STRING, "kind": build_code_field("source_kinds"), "country": COUNTRY,
        "independent": FLAG, "quarantined": FLAG, "definition": STRING,
    },
    "facilities": {
        "slug": STRING, "name": STRING, "names": TEXTS, "kind": build_code_field("facility_kinds"), "area": STRING,
        "country": COUNTRY, "lat": DECIMAL, "lon": DECIMAL,
    },
    "detainees": {
        "id": UUID, "publish": build_code_field("publish"), "name": STRING, "aliases": TEXTS, "age": NUMBER,
        "birth_year": NUMBER, "gender": build_code_field("genders"), "nationalities": LIST,
        "category": build_code_field("categories"), "groups": LIST, "state": build_code_field("states"),
        "rearrested": FLAG, "rearrest_claimed": FLAG, "died_on": DATE, "designation": build_code_field("designations"),
    },
    "detentions": {
        "id": UUID, "detainee_id": UUID, "country": COUNTRY, "facility": STRING, "area": STRING, "detained_on": DATE,
        "held_on": DATE, "legal_status": build_code_field("legal_statuses"),
        "designation": build_code_field("designations"), "ended_on": DATE, "ended_how": build_code_field("ended"),
        "status": build_code_field("statuses"), **_SOURCE_LISTS,
    },
    "releases": {
        "id": UUID, "detainee_id": UUID, "detention_id": UUID, "country": COUNTRY, "facility": STRING,
        "stage": build_code_field("stages"), "released_on": DATE, "ordered_on": DATE, "announced_on": DATE,
        "kind": build_code_field("release_kinds"), "conditions": LIST, "destination": STRING,
        "measures_lifted_on": DATE, "status": build_code_field("statuses"), **_SOURCE_LISTS,
    },
    "verifications": {
        "id": UUID, "detention_id": UUID, "release_id": UUID, "source": STRING, "verdict": build_code_field("verdicts"),
        "stage": build_code_field("stages"), "released_on": DATE, "ordered_on": DATE, "announced_on": DATE,
        "kind": build_code_field("release_kinds"), "method": build_code_field("methods"), "verified_on": DATE,
        "citing": TEXTS, "independent": FLAG,
    },
    "reports": {
        "report": NUMBER, "source": STRING, "detainee": UUID, "detention": UUID, "points_at": NUMBER, "list": NUMBER,
        **{name: _build_report_field(name) for name in PUBLIC_REPORT_FIELDS}, **EXTRA_REPORT_FIELDS,
    },
    "claims": {
        "id": UUID, "filed_by": STRING, "since": NUMBER, "claimant": STRING, "joint_with": LIST,
        "measure": build_code_field("measures"), "qualifier": build_code_field("qualifiers"), "low": NUMBER,
        "high": NUMBER, "window_from": DATE, "window_to": DATE, "window_said": STRING, "stated_at": STRING,
        "zone": STRING, "country": COUNTRY, "definition": JSON, "series": build_code_field("series"), "part_of": ARRAY,
        "derived_from": UUID, "supersedes": LIST, "same_as": UUID, "misprint": FLAG, "named": FLAG,
        "reported_by": STRING, "citation": JSON, "confirmed": FLAG, "waiting_since": NUMBER,
    },
}  # fmt: skip
TABLE_TITLES = {
    "sources": "Who reports and who claims",
    "facilities": "Where people are held",
    "detainees": "People, as all sources together tell",
    "detentions": "Spells in custody, as all sources together tell",
    "releases": "Releases, as all sources together tell",
    "verifications": "Each source's verdict on a detention or on a release",
    "reports": "What each source says, as far as anybody may read it: the one table of people that is read back",
    "claims": "Published figures",
}
FOREIGN_KEYS = {
    "detentions": {"detainee_id": ("detainees", "id")},
    "releases": {"detainee_id": ("detainees", "id"), "detention_id": ("detentions", "id")},
    "verifications": {
        "detention_id": ("detentions", "id"), "release_id": ("releases", "id"), "source": ("sources", "slug"),
    },
    "reports": {
        "source": ("sources", "slug"), "detainee": ("detainees", "id"), "detention": ("detentions", "id"),
        "points_at": ("reports", "report"),
    },
    "claims": {"claimant": ("sources", "slug"), "filed_by": ("sources", "slug")},
}  # fmt: skip


def build_table_schema(table: str) -> dict[str, Any]:
    """Return the Table Schema of a table."""
    columns = TABLES[table]
    foreign_keys = [
        {"fields": [name], "reference": {"resource": target_table, "fields": [field]}}
        for name, (target_table, field) in FOREIGN_KEYS.get(table, {}).items()
    ]
    result: dict[str, Any] = {
        "fields": [{"name": name, **field} for name, field in columns.items()],
        "primaryKey": [next(iter(columns))],
    }
    return {**result, "foreignKeys": foreign_keys} if foreign_keys else result


def format_cell(value: Any, field: FieldSchema) -> str:
    """Format a value as the cell of a column."""
    if field["type"] in ("array", "object"):
        return "" if value in (None, []) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return to_cell(value)


def parse_cell(text: str, field: FieldSchema) -> Any:
    """Invert `format_cell` exactly: no cell was typed by hand. Raises ValueError, KeyError, RecursionError."""
    match field["type"]:
        case "string":
            return unquote_cell(text)
        case "list":
            return unquote_cell(text).split(LIST_SEPARATOR)
        case "integer":
            return int(text)
        case "number":
            return float(text)
        case "boolean":
            return BOOLEAN_TEXTS[text]
        case _:
            return json.loads(text)
