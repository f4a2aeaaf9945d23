"""The router of one resource: strict bodies, and the refusals every route can give."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict
from pydantic.json_schema import models_json_schema

from app.api.gate import StrictRoute
from app.errors import PROBLEM_JSON
from app.reading import formats


class PointedError(BaseModel):
    """One place in the request that was not accepted (pointer: RFC 6901)."""

    pointer: str
    code: str
    detail: str


class ProblemOut(BaseModel):
    """A refusal (RFC 9457) with a stable code."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[PointedError] | None = None


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problem+json answers of a route, for its documentation."""
    schema = {"$ref": "#/components/schemas/ProblemOut"}
    return {
        status: {"description": "Refused", "content": {PROBLEM_JSON: {"schema": schema}}, "model": None}
        for status in statuses
    }


READING = {304: {"description": "You have it already", "model": None}} | refusals(400, 401, 404, 410, 422)
RECORD = {308: {"description": "Absorbed by the record at Location", "model": None}} | READING
WRITING = refusals(400, 401, 403, 404, 409, 413, 415, 422)


def upserting(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """The answers of a route where the same thing may be sent again."""
    return {200: {"description": "As before, or its next version", "model": model}} | WRITING


# What a route that takes `format` answers besides JSON.
TABLES: dict[str, Any] = {
    media: {"schema": {"type": "string", "description": told}} for media, told in formats.TABLES.items()
}


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """The OpenAPI document with the shape that every refusal refers to, and the tables that are answered to GET."""
    _map, shapes = models_json_schema([(ProblemOut, "serialization")], ref_template="#/components/schemas/{model}")
    document["components"]["schemas"] |= shapes["$defs"]
    for operations in document["paths"].values():
        asked = operations.get("get", {})
        content = asked.get("responses", {}).get("200", {}).get("content", {})
        if "application/json" in content and any(one["name"] == "format" for one in asked.get("parameters", [])):
            content |= TABLES
    return document


def router(tag: str) -> APIRouter:
    """Routes under `/v1`, documented under one tag."""
    return APIRouter(prefix="/v1", tags=[tag], route_class=StrictRoute)
