"""Keep only some fields of rows: `fields=id,detainee.name,stages.ordered.status`.

Names are checked against the documented shape of the rows, so that a misspelt one is refused. A point leads into an
object, or into each object of a list. An object whose keys are data, such as `facts`, has any key."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from typing_extensions import is_typeddict

from app.errors import Invalid, build_pointed_error
from app.translations import Message

# Field → the fields to keep of it; empty: the whole value.
FieldTree = dict[str, Any]


def parse_fields(text: str, row_shapes: Sequence[type]) -> list[str]:
    """Parse the parameter `fields` for rows of these shapes: return the names, without parts of other names.

    Raises Invalid for names that no row has."""
    names = list(dict.fromkeys(part.strip() for part in text.split(",")))
    errors = [
        build_pointed_error("/fields", "unknown_field", detail)
        for name in names
        if (detail := _explain_unknown(name, row_shapes)) is not None
    ]
    if errors:
        raise Invalid("Ask for fields that the rows have.", *errors)
    return [name for name in names if not any(name.startswith(f"{other}.") for other in names)]


def build_field_tree(names: Sequence[str]) -> FieldTree:
    """Build the tree of some fields: `["id", "detainee.name"]` → `{"id": {}, "detainee": {"name": {}}}`."""
    tree: FieldTree = {}
    for name in names:
        branch = tree
        for part in name.split("."):
            branch = branch.setdefault(part, {})
    return tree


def select_fields(value: Any, tree: FieldTree) -> Any:
    """Return a value with only the fields of the tree."""
    if isinstance(value, list):
        return [select_fields(item, tree) for item in value]
    if not tree or not isinstance(value, Mapping):
        return value
    return {name: select_fields(value[name], branch) for name, branch in tree.items() if name in value}


def find_field_types(name: str, row_shapes: Sequence[type]) -> list[Any]:
    """Return the types that a field may have in rows of these shapes; none if no row has it."""
    types: list[Any] = [*row_shapes]
    for part in name.split("."):
        types = [part_type for inner in _list_inner_types(types) for part_type in _list_part_types(inner, part)]
    return types


def _list_inner_types(types: Sequence[Any]) -> list[Any]:
    """Return the types of the objects in values of these types: the parts of unions, the items of lists."""
    inner_types: list[Any] = []
    for value_type in types:
        if get_origin(value_type) in (UnionType, Union, list):
            inner_types += _list_inner_types(get_args(value_type))
        elif value_type is not NoneType:
            inner_types.append(value_type)
    return inner_types


def _list_part_types(value_type: Any, part: str) -> list[Any]:
    if value_type is Any:
        return [Any]
    if get_origin(value_type) is dict:
        return [get_args(value_type)[1]]
    hints = get_type_hints(value_type) if is_typeddict(value_type) else {}
    return [hints[part]] if part in hints else []


def _explain_unknown(name: str, row_shapes: Sequence[type]) -> str | None:
    """Return why no row has a field, with the nearest name; None if it exists."""
    parts = name.split(".")
    for place, part in enumerate(parts):
        path = ".".join(parts[: place + 1])
        if find_field_types(path, row_shapes):
            continue
        parent_types = _list_inner_types(find_field_types(".".join(parts[:place]), row_shapes) if place else row_shapes)
        known = sorted({field for shape in parent_types if is_typeddict(shape) for field in get_type_hints(shape)})
        nearest = get_close_matches(part, known, n=1, cutoff=0.5)
        suggestions = [".".join([*parts[:place], field]) for field in nearest or known]
        if not suggestions:
            return Message("`{parent}` has no fields: leave `.{part}` out.", parent=".".join(parts[:place]), part=part)
        return Message(
            "No row has `{path}`: did you mean {names}?" if nearest else "No row has `{path}`: there are {names}.",
            path=path,
            names=", ".join(suggestions),
        )
    return None
