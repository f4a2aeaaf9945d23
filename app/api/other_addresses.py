"""Name the address that knows a term which another address of lists or counts does not know."""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from app.api.table_routes import build_table_address, split_table_path
from app.queries.countables import COUNTABLES
from app.queries.parameters import RevisionQuery


class Address(NamedTuple):
    """The path of a request, and the parameters of its query."""

    path: str
    pairs: Sequence[tuple[str, str]]


def find_other_address(address: Address, name: str) -> str | None:
    """Return the address at which an unknown parameter of a list or count is known, with the same query; None if there
    is none. Parameters that the other address does not know are left out."""
    path, extension = split_table_path(address.path)
    shapes: dict[str, type[RevisionQuery]] = {one.list_path: one.list_query for one in COUNTABLES.values()}
    if path not in shapes:
        shapes = {one.counts_path: one.query for one in COUNTABLES.values()}
    if path not in shapes:
        return None
    for other_path, shape in shapes.items():
        if other_path != path and name in shape.model_fields:
            query = urlencode([pair for pair in address.pairs if pair[0] in shape.model_fields])
            other_address = f"{other_path}?{query}"
            return other_address if extension is None else build_table_address(other_address, extension)
    return None
