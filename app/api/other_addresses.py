"""Name the address that knows a term which another address of lists or counts does not know."""

from collections.abc import Sequence
from urllib.parse import urlencode

from app.queries.countables import COUNTABLES
from app.queries.parameters import RevisionQuery

Pairs = Sequence[tuple[str, str]]


def find_other_address(path: str, name: str, pairs: Pairs) -> str | None:
    """Return the address at which an unknown parameter of a list or count is known, with the same query; None if there
    is none.

    `pairs`: the parameters of the request. Those that the other address does not know are left out."""
    shapes: dict[str, type[RevisionQuery]] = {one.list_path: one.list_query for one in COUNTABLES.values()}
    if path not in shapes:
        shapes = {one.counts_path: one.query for one in COUNTABLES.values()}
    if path not in shapes:
        return None
    for other_path, shape in shapes.items():
        if other_path != path and name in shape.model_fields:
            return f"{other_path}?{urlencode([pair for pair in pairs if pair[0] in shape.model_fields])}"
    return None
