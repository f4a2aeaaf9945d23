"""The OpenAPI document of an app, with the parameters and responses that operations share in their places."""

from typing import Any

from fastapi import FastAPI

Node = dict[str, Any]


def describe(app: FastAPI) -> Node:
    """The document, without references to parameters and responses."""
    document = app.openapi()
    paths = {
        path: {method: _resolve(document, operation) for method, operation in methods.items()}
        for path, methods in document["paths"].items()
    }
    return document | {"paths": paths}


def _resolve(document: Node, operation: Node) -> Node:
    responses = operation["responses"].items()
    return operation | {
        "parameters": [_find(document, part) for part in operation.get("parameters", [])],
        "responses": {status: _find(document, part) for status, part in responses},
    }


def _find(document: Node, part: Node) -> Node:
    if "$ref" not in part:
        return part
    kind, name = part["$ref"].rsplit("/", 2)[1:]
    found: Node = document["components"][kind][name]
    return found
