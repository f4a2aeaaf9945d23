"""Declare the formats of texts and numbers in the OpenAPI document: dates, instants, zones, countries and slugs.

A field's name says its format: `_on`, `_from` and `_to` end the names of dates, `_at` those of instants.
"""

import re
from typing import Any

from app.api.openapi_components import SCHEMA_REF, iterate_operations
from app.dates import MAX_TEXT
from app.schemas.reports import MAX_CODE_LENGTH

Node = dict[str, Any]
_MONTH = "[0-9]{4}-(0[1-9]|1[0-2])"
_DAY_OF_MONTH = "(0[1-9]|[12][0-9]|3[01])"
_DAY = f"([0-9]{{4}}|{_MONTH}(-{_DAY_OF_MONTH})?)"
_OFFSET = "[+ -](0[0-9]:[0-5][0-9]|1[0-3]:[0-5][0-9]|14:00)"
_CLOCK = rf"[Tt ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{{1,9}})?([Zz]|{_OFFSET})"
# Name of the component → its schema.
FORMATS: Node = {
    "PartialDate": {
        "type": "string",
        "pattern": f"^{_DAY}(/{_DAY})?$",
        "maxLength": MAX_TEXT,
        "description": "A date as precise as it is known: a year, a month, a day, or an interval of two of these.",
        "examples": ["2026-01-12", "2026-01", "2026-01-08/2026-01-09"],
    },
    "Instant": {"type": "string", "format": "date-time", "description": "An instant in UTC (RFC 3339)."},
    "Moment": {
        "type": "string",
        "pattern": f"^(r[0-9]+|{_MONTH}(-{_DAY_OF_MONTH})?|{_MONTH}-{_DAY_OF_MONTH}{_CLOCK})$",
        "minLength": 1,
        "maxLength": MAX_TEXT,
        "description": "A revision (`r812`), a month, a day or an instant.",
    },
    "Zone": {
        "type": "string",
        "pattern": f"^([Zz]|[Uu][Tt][Cc]|{_OFFSET}|[A-Za-z_+-]+(/[A-Za-z0-9_+-]+)+)$",
        "minLength": 1,
        "maxLength": MAX_TEXT,
        "description": "A time zone: an offset, or a name in the IANA database.",
        "examples": ["-04:00", "America/Caracas"],
    },
    "Country": {
        "type": "string",
        "pattern": "^[A-Z]{2}$",
        "description": "A country by its code of two letters (ISO 3166-1).",
        "examples": ["VE"],
    },
    "Slug": {
        "type": "string",
        "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$",
        "maxLength": MAX_CODE_LENGTH,
        "description": "The name of a source or facility in addresses.",
        "examples": ["foro-penal"],
    },
    "Revision": {
        "type": "integer",
        "minimum": 0,
        "description": "The number of an entry of the log; 0 before the first.",
        "examples": [812],
    },
}
# Format → the names of its fields, in addition to those with an ending.
_NAMES = {
    "PartialDate": {"on", "birth_date"},
    "Moment": {"as_of", "since", "changed_since"},
    "Zone": {"zone"},
    "Country": {"country", "nationality", "not_nationality", "nationalities"},
    "Slug": {"slug", "source", "claimant", "verified_by", "not_verified_by", "denied_by", "joint_with", "lists"},
    "Revision": {"revision"},
}
_ENDINGS = {"PartialDate": re.compile(r"_(on|from|to)$"), "Instant": re.compile(r"_at$")}
# A day of an age may be `filed`; what was stated at an hour is an instant, otherwise a date.
_EXCEPTIONS = {"age_on", "stated_at"}
# (Schema, field) whose name says another format than it has: the source of a model is a publication.
_FIELD_EXCEPTIONS = {("EstimateModel", "source"), ("LowerBoundOut", "source")}
# Groups of a count have other values too, such as `unknown`.
_GROUP_ENDING = "Group"
# Field of an answer that repeats what a report said → the shape in which it was sent.
_REPORTED_SHAPES = {
    "detainee": "DetaineeIn",
    "detention": "DetentionIn",
    "release": "ReleaseIn",
    "verification": "VerificationIn",
    "evidence": "EvidenceIn",
    "transfers": "TransferIn",
    "citation": "CitationIn",
    "definition": "ClaimDefinitionIn",
    "part_of": "PartIn",
    "reasons": "ReasonShape",
}
_UNKNOWN_OBJECT = {"type": "object", "additionalProperties": True}
_PLAIN_PARTS = {"type", "minLength", "maxLength", "description", "title", "default"}


def declare_formats(document: Node) -> None:
    """Refer from every parameter and field with a format to its component."""
    schemas = document["components"]["schemas"]
    for operation in iterate_operations(document):
        for parameter in operation.get("parameters", []):
            _declare_in(parameter, "schema", find_format(parameter["name"]))
    for name, schema in list(schemas.items()):
        for field in schema.get("properties", {}):
            field_format = None if (name, field) in _FIELD_EXCEPTIONS else find_format(field)
            if field_format != "Moment" and not name.endswith(_GROUP_ENDING):
                _declare_in(schema["properties"], field, field_format)
            if _REPORTED_SHAPES.get(field) in schemas:
                _refer_to_shape(schema["properties"], field, _REPORTED_SHAPES[field])
    schemas |= FORMATS


def _refer_to_shape(container: Any, key: Any, shape: str) -> None:
    """Replace an object of unknown fields by a reference to its shape."""
    node = container[key]
    if {part: node.get(part) for part in _UNKNOWN_OBJECT} == _UNKNOWN_OBJECT:
        rest = {part: node[part] for part in ("description",) if part in node}
        container[key] = {"$ref": SCHEMA_REF + shape, **rest}
        return
    for n in range(len(node.get("anyOf", []))):
        _refer_to_shape(node["anyOf"], n, shape)
    if "items" in node:
        _refer_to_shape(node, "items", shape)


def find_format(name: str) -> str | None:
    """Return the format of a field by its name; None if it has none."""
    if name in _EXCEPTIONS:
        return None
    endings = (kind for kind, ending in _ENDINGS.items() if ending.search(name))
    return next((kind for kind, names in _NAMES.items() if name in names), None) or next(endings, None)


def _declare_in(container: Any, key: Any, kind: str | None) -> None:
    node = container[key]
    if kind is None or not isinstance(node, dict):
        return
    if node.get("type") == FORMATS[kind]["type"] and node.keys() <= _PLAIN_PARTS | {"minimum"}:
        rest = {part: node[part] for part in ("description", "default") if part in node}
        container[key] = {"$ref": SCHEMA_REF + kind, **rest}
        return
    for n in range(len(node.get("anyOf", []))):
        _declare_in(node["anyOf"], n, kind)
    if "items" in node:
        _declare_in(node, "items", kind)
