"""The types of the Python client's answers are those of openapi.json."""

import json
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from recuento_client import answers, errors
from tests.docs.reading import ROOT

DOCUMENT: dict[str, Any] = json.loads((ROOT / "openapi.json").read_text())
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
SCHEMA_NAMES = {
    answers.At: ["RevisionOut"],
    answers.Links: ["Links"],
    answers.CountTotal: ["CountTotal"],
    answers.SourceCount: ["SourceCount"],
    answers.Group: ["CountGroup"],
    answers.Coverage: ["Coverage"],
    answers.UnknownValue: ["UnknownValue"],
    answers.Caveats: ["CountCaveats"],
    answers.Count: ["ReleaseCount", "DetentionCount", "HeldCount"],
    answers.Point: ["Point"],
    answers.LinePoint: ["LinePoint"],
    answers.Line: ["Line"],
    answers.Series: ["CountSeries"],
    answers.Overlap: ["Overlap"],
    answers.Citation: ["CitationOut"],
    answers.CitedCount: ["CitedCount"],
    answers.ListCaveats: ["ListCaveats"],
    answers.Page: ["ReleasePage", "DetentionPage", "DetaineePage", "ClaimPage", "SourcePage", "FacilityPage"],
}
JSON_TYPES = {int: "integer", str: "string", bool: "boolean", dict: "object", list: "array", NoneType: "null"}


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rpartition("/")[2]]
    return schema


def list_fields(schema: dict[str, Any]) -> tuple[dict[str, Any], set[str]]:
    """Return the properties of a schema and the names of those that are required, with those of its parts."""
    schema = resolve(schema)
    properties, required = dict(schema.get("properties", {})), set(schema.get("required", []))
    for part in schema.get("allOf", []):
        more, needed = list_fields(part)
        properties |= more
        required |= needed
    return properties, required


def list_types(schema: dict[str, Any]) -> set[str]:
    """Return the JSON types that a schema allows."""
    schema = resolve(schema)
    branches = schema.get("anyOf", schema.get("oneOf", []))
    if branches:
        return set.union(*map(list_types, branches))
    kinds = schema.get("type", "object")
    return {kinds} if isinstance(kinds, str) else set(kinds)


def list_hinted_types(hint: Any) -> set[str]:
    """Return the JSON types that a type hint allows."""
    if get_origin(hint) in (Union, UnionType):
        return set.union(*map(list_hinted_types, get_args(hint)))
    return {"object" if is_typeddict(hint) else JSON_TYPES[get_origin(hint) or hint]}


@pytest.mark.parametrize("type_,schema_name", [(t, name) for t, names in SCHEMA_NAMES.items() for name in names])
def test_a_type_has_the_fields_of_the_document_and_no_others(type_: type, schema_name: str) -> None:
    properties, required = list_fields(SCHEMAS[schema_name])
    hints = get_type_hints(type_)
    assert set(hints) == set(properties) == required
    for name, hint in hints.items():
        if hint is not Any:
            assert list_hinted_types(hint) == list_types(properties[name]), name


def test_every_type_is_compared() -> None:
    types = {one for one in vars(answers).values() if is_typeddict(one)}
    assert types == set(SCHEMA_NAMES)


def test_every_list_of_the_api_has_the_shape_of_a_page() -> None:
    for path, operations in DOCUMENT["paths"].items():
        content = operations.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        properties, _required = list_fields(content.get("application/json", {}).get("schema", {}))
        if {"data", "next"} <= set(properties):
            assert set(get_type_hints(answers.Page)) <= set(properties), path


def test_no_term_of_the_api_is_a_parameter_of_the_client() -> None:
    parameters = DOCUMENT["components"]["parameters"].values()
    names = {one["name"] for one in parameters if one["in"] == "query"}
    inline = [one for path in DOCUMENT["paths"].values() for one in path.get("get", {}).get("parameters", [])]
    names |= {one["name"] for one in inline if one.get("in") == "query"}
    assert "country" in names
    assert names.isdisjoint({"every"})


def test_a_fault_has_the_fields_of_a_problem() -> None:
    problem, _required = list_fields(SCHEMAS["ProblemOut"])
    assert {"status", "code", "title", "detail", "errors"} <= set(problem)
    fault = resolve(resolve(problem["errors"])["items"])
    assert set(get_type_hints(errors.Fault)) == set(list_fields(fault)[0])
