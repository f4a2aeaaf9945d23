"""Move the parts that operations share to the components of the OpenAPI document, and name its enums.

A part that occurs twice is a `$ref`. The most frequent part has the plain name of a parameter or status.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from typing import Any

from app.api.table_routes import TABLE_SUFFIX

Node = dict[str, Any]
COMPONENT_REF = "#/components/"
SCHEMA_REF = f"{COMPONENT_REF}schemas/"
KEYS = "securitySchemes"  # operations refer to them by name alone
NULL = {"type": "null"}
MIN_SHARED_FIELDS = 4  # of a schema that is worth extending
# Endings of schema names that say in which message a shape occurs, and not what it is.
_MESSAGE_ENDINGS = re.compile(r"(Shape|Out|In)$")


def share_parts(document: Node) -> None:
    """Replace the parameters and responses that several operations have by references to components."""
    components = document["components"]
    parameters, responses = [], []
    for operation in iterate_operations(document):
        name, answers = operation["operationId"], operation["responses"]
        parameters += [_Place(name, operation["parameters"], n) for n in range(len(operation.get("parameters", [])))]
        responses += [_Place(name, answers, status) for status in answers]
    components["parameters"] = _share("parameters", parameters, lambda place: str(place.part["name"]))
    components["responses"] = _share("responses", responses, _name_response)


def iterate_operations(document: Node) -> Iterator[Node]:
    """Yield every operation of the document."""
    for methods in document["paths"].values():
        yield from methods.values()


def get_json_name(operation: Node) -> str:
    """Return the name of an operation; of a table that of its JSON operation."""
    return str(operation["operationId"]).removesuffix(TABLE_SUFFIX)


def simplify_nulls(node: Any) -> None:
    """Write `anyOf` of one plain type and null as a list of types, which is shorter."""
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        simplify_nulls(child)
    if not isinstance(node, dict) or len(node.get("anyOf", [])) != 2 or node["anyOf"][1] != NULL:
        return
    plain = node["anyOf"][0]
    if isinstance(plain.get("type"), str) and not plain.keys() & {"enum", "const", "properties", "description"}:
        del node["anyOf"]
        node |= plain | {"type": [plain["type"], "null"]}


def extend_schemas(schemas: Node) -> None:
    """Write a schema that has all fields of another, and more, as an extension of it (`allOf`)."""
    fields_by_schema = {name: _list_fields(schema) for name, schema in schemas.items() if _is_open_object(schema)}
    for name, fields in fields_by_schema.items():
        bases = [
            (len(other_fields), other)
            for other, other_fields in fields_by_schema.items()
            if MIN_SHARED_FIELDS <= len(other_fields) < len(fields)
            and all(fields.get(field) == part for field, part in other_fields.items())
        ]
        if bases:
            _count, base = max(bases)
            base_fields = fields_by_schema[base].keys()
            own = {field: part for field, part in schemas[name]["properties"].items() if field not in base_fields}
            required = [field for field in schemas[name].get("required", []) if field in own]
            extension = {"type": "object", "properties": own} | ({"required": required} if required else {})
            description = schemas[name].get("description", name)
            schemas[name] = {"allOf": [{"$ref": SCHEMA_REF + base}, extension], "description": description}


def _is_open_object(schema: Node) -> bool:
    return "properties" in schema and "additionalProperties" not in schema


def _list_fields(schema: Node) -> dict[str, tuple[bool, Node]]:
    """Return whether each field of an object is required, and its schema."""
    required = schema.get("required", [])
    return {name: (name in required, part) for name, part in schema["properties"].items()}


@dataclass(frozen=True)
class _Place:
    """The place of a part in the document: an operation, and the container and key within it."""

    operation_id: str
    container: Any
    key: Any

    @property
    def part(self) -> Node:
        part: Node = self.container[self.key]
        return part


def _share(kind: str, places: list[_Place], name_part: Callable[[_Place], str]) -> Node:
    """Replace the parts that occur twice or more by references to components of a kind, and return the components.

    The most frequent of the parts with the same name gets it. Others get the name of their first operation too.
    """
    frequencies = Counter(json.dumps(place.part) for place in places)
    components: Node = {}
    references: dict[str, str] = {}
    for place in sorted(places, key=lambda place: -frequencies[json.dumps(place.part)]):
        text = json.dumps(place.part)
        if frequencies[text] == 1:
            continue
        if text not in references:
            name = name_part(place)
            references[text] = f"{name}.{place.operation_id}" if name in components else name
            components[references[text]] = place.part
        place.container[place.key] = {"$ref": f"#/components/{kind}/{references[text]}"}
    return dict(sorted(components.items()))


def _name_response(place: _Place) -> str:
    return f"Answer{place.key}" if place.key.isdigit() else "Refusal"


def select_operations(document: Node, tags: Set[str]) -> Node:
    """Return a document of the operations with these tags, and of the components that they use."""
    paths = {
        path: {method: operation for method, operation in methods.items() if tags & {*operation["tags"]}}
        for path, methods in document["paths"].items()
    }
    paths = {path: methods for path, methods in paths.items() if methods}
    descriptions = [tag for tag in document["tags"] if tag["name"] in tags]
    return drop_unused_components(document | {"paths": paths, "tags": descriptions})


def drop_unused_components(document: Node) -> Node:
    """Return the document with the components that its operations refer to, directly or not, and with the keys."""
    components = document["components"]
    used: set[str] = set()
    pending: list[Any] = [document["paths"]]
    while pending:
        node = pending.pop()
        if isinstance(node, dict | list):
            pending += node.values() if isinstance(node, dict) else node
        elif isinstance(node, str) and node.startswith(COMPONENT_REF) and node not in used:
            used.add(node)
            kind, name = node.removeprefix(COMPONENT_REF).split("/")
            pending.append(components[kind][name])
    used_components = {
        kind: {name: part for name, part in parts.items() if kind == KEYS or f"{COMPONENT_REF}{kind}/{name}" in used}
        for kind, parts in components.items()
    }
    return document | {"components": used_components}


def name_enums(document: Node) -> None:
    """Make a component of each enum. Those of parameters are named by the parameter, others by schema and field."""
    schemas = document["components"]["schemas"]
    operations = list(iterate_operations(document))
    parameters = [(operation, parameter) for operation in operations for parameter in operation.get("parameters", [])]
    kinds: dict[str, set[str]] = {}
    for _operation, parameter in parameters:
        for enum in _iterate_enums(parameter["schema"]):
            kinds.setdefault(parameter["name"], set()).add(json.dumps(enum["enum"]))
    for operation, parameter in parameters:
        field = _camel(parameter["name"])
        has_one_enum = len(kinds.get(parameter["name"], ())) == 1
        _name_enums_in(parameter, field if has_one_enum else _camel(operation["operationId"]) + field, field, schemas)
    for name, schema in list(schemas.items()):
        for field, field_schema in schema.get("properties", {}).items():
            own_name = _MESSAGE_ENDINGS.sub("", name) + _camel(field)
            _name_enums_in({field: field_schema}, own_name, _camel(field), schemas, schema["properties"])


def _iterate_enums(node: Any) -> Iterator[Node]:
    if isinstance(node, dict):
        if "enum" in node:
            yield node
        for child in node.values():
            yield from _iterate_enums(child)
    elif isinstance(node, list):
        for child in node:
            yield from _iterate_enums(child)


def _name_enums_in(node: Any, name: str, field: str, schemas: Node, target: Any = None) -> None:
    """Replace the enums in a node by references. `target`: the container to change, if it is not `node`."""
    for key, child in list(node.items() if isinstance(node, dict) else enumerate(node)):
        if isinstance(child, dict) and "enum" in child and "type" in child:
            enum = {"type": child["type"], "enum": child["enum"]}
            known = _find_enum(schemas, field, enum["enum"]) or name
            if known not in schemas:
                schemas[known] = {"description": child.get("description", name), **enum}
            rest = {part: value for part, value in child.items() if part not in enum}
            (node if target is None else target)[key] = {"$ref": SCHEMA_REF + known, **rest}
        elif isinstance(child, dict | list):
            _name_enums_in(child, name, field, schemas)


def _find_enum(schemas: Node, field: str, values: list[Any]) -> str | None:
    """Return the component of an enum with these values, if it is of the same field."""
    known = (name for name, schema in schemas.items() if schema.get("enum") == values)
    return next((name for name in known if name.endswith(field)), None)


def _camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[_-]", name))
