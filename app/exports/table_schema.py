"""The columns of the tables of a public copy as Table Schemas (Data Package 2.0), and their cells.

https://datapackage.org/standard/table-schema/ and https://datapackage.org/standard/data-resource/
"""

import json
from typing import Any

from app.imports.fields import FIELDS
from app.imports.formats.tables import SEPARATOR, to_cell, unquoted
from app.log.content import IS_FIRST_HAND, PUBLIC
from app.vocabulary import LISTS

Field = dict[str, Any]

PARTIAL = "YYYY, YYYY-MM, YYYY-MM-DD, or two of these with a slash between: from and to (EDTF level 0)"
STRING: Field = {"type": "string"}
UUID: Field = {"type": "string", "format": "uuid"}
FLAG: Field = {"type": "boolean"}
NUMBER: Field = {"type": "integer"}
DECIMAL: Field = {"type": "number"}
DATE: Field = {"type": "string", "description": PARTIAL}
COUNTRY: Field = {"type": "string", "constraints": {"pattern": "[A-Z]{2}"}, "description": "ISO 3166-1 alpha-2"}
LIST: Field = {"type": "list", "delimiter": SEPARATOR, "itemType": "string"}
JSON: Field = {"type": "object"}
ARRAY: Field = {"type": "array"}
TEXTS: Field = {**ARRAY, "description": "texts, any of which may hold a semicolon: JSON"}
_OF_KIND = {"date": DATE, "country": COUNTRY, "number": NUMBER, "line": STRING, "lines": TEXTS, "text": STRING}
FLAGS = {"true": True, "false": False}


def code(codes: str) -> Field:
    """The column of a code of this list of the vocabulary."""
    return {"type": "string", "constraints": {"enum": [str(code) for code in LISTS[codes]]}}


def _of_report(name: str) -> Field:
    """The column of a field of a report."""
    kind, codes = FIELDS[name].kind, FIELDS[name].codes
    return code(codes or "") if kind == "code" else _OF_KIND.get(kind, LIST)


REPORTED = [name for name in FIELDS if name in PUBLIC or name in {"detention.ended.on", "detention.ended.how"}] + [
    "detainee.full_name", "detainee.aliases", "detainee.gender", "detainee.age", "detainee.nationalities",
    "detainee.category", "detainee.groups", "detention.facility", "detention.legal_status", "detention.charges",
    "detention.sentence.until", "detention.sentence.term", "release.conditions", "release.destination",
]  # fmt: skip
# Values kept with a report that are not its source's own word (decision 0030): they are read back beside it, without
# their revision, which means nothing in another registry.
KEPT: dict[str, Field] = {
    "kept.detained_on": DATE, "kept.held_on": DATE, "kept.country": COUNTRY, "kept.designation": code("designations"),
    "kept.released_on": DATE, "kept.ordered_on": DATE, "kept.announced_on": DATE, "kept.kind": code("release_kinds"),
}  # fmt: skip
# What no body of a report carries and a copy must have beside it to count alike: of reports on people who could once
# only be counted the log has no method (decision 0042).
BESIDE_BODY: dict[str, Field] = {**KEPT, IS_FIRST_HAND: FLAG}

_SOURCES: dict[str, Field] = {"verified_by": LIST, "reported_by": LIST}
# Table → its columns; the first is the key.
TABLES: dict[str, dict[str, Field]] = {
    "sources": {
        "slug": STRING, "name": STRING, "kind": code("source_kinds"), "country": COUNTRY, "independent": FLAG,
        "quarantined": FLAG, "definition": STRING,
    },
    "facilities": {
        "slug": STRING, "name": STRING, "names": TEXTS, "kind": code("facility_kinds"), "area": STRING,
        "country": COUNTRY, "lat": DECIMAL, "lon": DECIMAL,
    },
    "detainees": {
        "id": UUID, "publish": code("publish"), "name": STRING, "aliases": TEXTS, "age": NUMBER, "birth_year": NUMBER,
        "gender": code("genders"), "nationalities": LIST, "category": code("categories"), "groups": LIST,
        "state": code("states"), "rearrested": FLAG,
        "rearrest_claimed": FLAG, "died_on": DATE, "designation": code("designations"),
    },
    "detentions": {
        "id": UUID, "detainee_id": UUID, "country": COUNTRY, "facility": STRING, "area": STRING, "detained_on": DATE,
        "held_on": DATE, "legal_status": code("legal_statuses"), "designation": code("designations"),
        "ended_on": DATE, "ended_how": code("ended"), "status": code("statuses"), **_SOURCES,
    },
    "releases": {
        "id": UUID, "detainee_id": UUID, "detention_id": UUID, "country": COUNTRY, "facility": STRING,
        "stage": code("stages"), "released_on": DATE, "ordered_on": DATE, "announced_on": DATE,
        "kind": code("release_kinds"), "conditions": LIST, "destination": STRING, "measures_lifted_on": DATE,
        "status": code("statuses"), **_SOURCES,
    },
    "verifications": {
        "id": UUID, "detention_id": UUID, "release_id": UUID, "source": STRING, "verdict": code("verdicts"),
        "stage": code("stages"), "released_on": DATE, "ordered_on": DATE, "announced_on": DATE,
        "kind": code("release_kinds"), "method": code("methods"), "verified_on": DATE, "citing": TEXTS,
        "independent": FLAG,
    },
    "reports": {
        "report": NUMBER, "source": STRING, "detainee": UUID, "detention": UUID, "points_at": NUMBER,
        **{name: _of_report(name) for name in REPORTED}, **BESIDE_BODY,
    },
    "claims": {
        "id": UUID, "filed_by": STRING, "since": NUMBER, "claimant": STRING, "joint_with": LIST,
        "measure": code("measures"), "qualifier": code("qualifiers"), "low": NUMBER, "high": NUMBER,
        "window_from": DATE, "window_to": DATE, "window_said": STRING, "stated_at": STRING, "zone": STRING,
        "country": COUNTRY, "definition": JSON, "series": code("series"), "part_of": ARRAY, "derived_from": UUID,
        "supersedes": LIST, "same_as": UUID, "misprint": FLAG, "named": FLAG, "reported_by": STRING, "citation": JSON,
    },
}  # fmt: skip
TITLES = {
    "sources": "Who reports and who claims",
    "facilities": "Where people are held",
    "detainees": "People, as all sources together tell",
    "detentions": "Spells in custody, as all sources together tell",
    "releases": "Releases, as all sources together tell",
    "verifications": "Each source's verdict on a detention or on a release",
    "reports": "What each source says, as far as anybody may read it: the one table of people that is read back",
    "claims": "Published figures",
}
FOREIGN = {
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


def schema(table: str) -> dict[str, Any]:
    """The Table Schema of a table."""
    columns = TABLES[table]
    keys = [
        {"fields": [name], "reference": {"resource": other, "fields": [field]}}
        for name, (other, field) in FOREIGN.get(table, {}).items()
    ]
    described: dict[str, Any] = {
        "fields": [{"name": name, **field} for name, field in columns.items()],
        "primaryKey": [next(iter(columns))],
    }
    return {**described, "foreignKeys": keys} if keys else described


def cell(value: Any, field: Field) -> str:
    """The cell of a value in a column."""
    if field["type"] in ("array", "object"):
        return "" if value in (None, []) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return to_cell(value)


def value(text: str, field: Field) -> Any:
    """The exact inverse of `cell`: no cell was typed by hand. Raises ValueError, KeyError, RecursionError."""
    match field["type"]:
        case "string":
            return unquoted(text)
        case "list":
            return unquoted(text).split(SEPARATOR)
        case "integer":
            return int(text)
        case "number":
            return float(text)
        case "boolean":
            return FLAGS[text]
        case _:
            return json.loads(text)
