"""The words of the document: what each parameter, field and code is; and what says nothing is left out."""

from collections.abc import Iterator
from typing import Any

from app import descriptions
from app.vocabulary import LISTS, vocabulary

Node = dict[str, Any]
REF = "#/components/schemas/"
NULL = {"type": "null"}
UNDESCRIBED = "Successful Response"  # what FastAPI says of an answer


def describe(document: Node) -> None:
    """Describe every parameter, field and code, and drop titles and defaults that are null."""
    schemas: Node = document["components"]["schemas"]
    shapes = descriptions.descriptions()["shapes"]
    sent = _reached([each["requestBody"] for each in operations(document) if "requestBody" in each], schemas)
    for operation in operations(document):
        for parameter in operation.get("parameters", []):
            _parameter(parameter, operation["operationId"])
        for answer in operation["responses"].values():
            _answer(answer, schemas)
        for schema in _contents(operation):
            _fields(schema, "", "bodies")
            _plain(schema)
    for name, schema in schemas.items():
        _fields(schema, name, "bodies" if name in sent else "answers")
        _plain(schema)
        if name in shapes:
            schema.setdefault("description", shapes[name])
    meanings = vocabulary("en")
    for name, codes in LISTS.items():
        if codes.__name__ in schemas:
            schemas[codes.__name__]["description"] = _codes(codes.__doc__ or "", meanings[name])


def operations(document: Node) -> Iterator[Node]:
    """Every operation."""
    for methods in document["paths"].values():
        yield from methods.values()


def _parameter(parameter: Node, operation: str) -> None:
    """Who sends a parameter sends a value: leaving it out is how null is said."""
    text = descriptions.parameter(parameter["name"], operation)
    _without_null(parameter["schema"])
    _plain(parameter["schema"])
    if text is not None:
        parameter["description"] = text
        parameter["schema"] = {**parameter["schema"], "description": text}  # some generators read it here


def _answer(answer: Node, schemas: Node) -> None:
    """An answer that nobody described is what its shape is."""
    if answer["description"] != UNDESCRIBED:
        return
    contents: list[Node] = [*answer.get("content", {}).values()]
    shape = str(contents[0]["schema"]["$ref"])
    answer["description"] = schemas[shape.removeprefix(REF)]["description"]


def _fields(schema: Node, name: str, part: str) -> None:
    for field, documented in schema.get("properties", {}).items():
        # Terms are said back in the words of the parameters.
        text = descriptions.parameter(field) if name.endswith("Terms") else None
        text = text or documented.get("description") or descriptions.field(part, name, field)
        if text is not None:
            documented["description"] = text


def _codes(about: str, codes: list[dict[str, str]]) -> str:
    """What a list of codes is, and what each code means."""
    return "\n".join([about, "", *(f"- `{code['code']}`: {code['definition']}" for code in codes)])


def _without_null(schema: Node) -> None:
    kinds = [kind for kind in schema.get("anyOf", []) if kind != NULL]
    if len(kinds) == 1:
        del schema["anyOf"]
        schema |= kinds[0]


def _reached(roots: list[Node], schemas: Node) -> set[str]:
    """The names of the schemas that are referred to from some places, and from there."""
    reached: set[str] = set()
    waiting: list[Any] = [*roots]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            name = str(node.get("$ref", "")).removeprefix(REF)
            if name in schemas and name not in reached:
                reached.add(name)
                waiting.append(schemas[name])
            waiting += node.values()
    return reached


def _plain(schema: Node) -> None:
    """Drop titles, which repeat names, and null defaults, which say nothing."""
    schema.pop("title", None)
    if schema.get("default", "") is None:
        del schema["default"]
    inside = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
    inside += [kind for way in ("anyOf", "oneOf", "allOf") for kind in schema.get(way, [])]
    for part in inside:
        if isinstance(part, dict):
            _plain(part)


def _contents(operation: Node) -> Iterator[Node]:
    """The schemas of the bodies and answers of an operation."""
    for message in (operation.get("requestBody", {}), *operation["responses"].values()):
        yield from (kind["schema"] for kind in message.get("content", {}).values())
