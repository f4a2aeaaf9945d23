"""Names that clients try for query parameters: the parameters that mean the same here, and the address that knows them.

Former names, names of other APIs and everyday words lead to a parameter by their meaning. Only a name without an entry
is compared by its spelling."""

from collections.abc import Collection, Sequence
from difflib import get_close_matches
from typing import NamedTuple
from urllib.parse import urlencode

from app.api.table_routes import build_table_address, split_table_path
from app.queries.countables import COUNTABLES
from app.queries.parameters import RevisionQuery
from app.translations import Message

_KINDS = ("release_kind", "correction_kind", "batch_kind")
_BEGINNINGS = ("released_from", "detained_from", "told_from", "changed_since", "since")
_ENDS = ("released_to", "detained_to", "as_of")
_MOMENTS = ("changed_since", "since", "released_from", "detained_from", "told_from")
# Name → its alternatives, the best first. An alternative is a parameter or a part of a query, given only where the
# address has all its parameters.
ALTERNATIVES: dict[str, Sequence[str]] = {
    "kind": _KINDS,
    "type": (*_KINDS, "measure"),
    "any_of": ("verified_by=…&verified_by_match=any",),
    "all_of": ("verified_by",),
    "only_by": ("verified_by=…&verified_by_match=only",),
    "sources": ("min_sources=…&max_sources=…", "lists"),
    "source_count": ("min_sources=…&max_sources=…",),
    "page": ("cursor",),
    "offset": ("cursor",),
    "after": ("cursor", "changed_since"),
    "per_page": ("limit",),
    "page_size": ("limit",),
    "size": ("limit",),
    "count": ("limit",),
    "from": _BEGINNINGS,
    "start": _BEGINNINGS,
    "date_from": _BEGINNINGS,
    "to": _ENDS,
    "end": _ENDS,
    "until": _ENDS,
    "date_to": _ENDS,
    "since": _MOMENTS,
    "updated_since": _MOMENTS,
    "modified_since": _MOMENTS,
    "date": ("held_on", "released_from=…&released_to=…", "as_of"),
    "revision": ("as_of",),
    "at": ("as_of", "held_on"),
    "timezone": ("zone",),
    "tz": ("zone",),
    "prison": ("facility",),
    "jail": ("facility",),
    "place": ("facility", "area"),
    "region": ("area",),
    "city": ("area",),
    "sex": ("gender",),
    "age": ("age_from=…&age_to=…", "age_group"),
    "minor": ("age_group",),
    "political": ("designation=political",),
    "citizenship": ("nationality",),
    "organisation": ("source", "claimant", "verified_by"),
    "organization": ("source", "claimant", "verified_by"),
    "verified": ("status", "verified_by"),
    "name": ("q",),
    "search": ("q",),
    "query": ("q",),
    "groupby": ("group_by",),
    "order": ("sort",),
    "order_by": ("sort",),
    "language": ("lang",),
}


def find_parameters(alternative: str) -> set[str]:
    """Return the parameters that an alternative names."""
    return {part.partition("=")[0] for part in alternative.split("&")}


def suggest_parameters(unknown_name: str, names: Collection[str]) -> Message:
    """Return a sentence that leads from an unknown parameter to those of an address. `names`: of its parameters."""
    name = unknown_name.lower().replace("-", "_")
    alternatives = [text for text in ALTERNATIVES.get(name, ()) if find_parameters(text).issubset(names)]
    if name not in ALTERNATIVES:
        endings = [known for known in sorted(names) if known.endswith(f"_{name}")]
        alternatives = endings or ([] if name in ALTERNATIVES else get_close_matches(name, sorted(names)))
    if not alternatives:
        return Message("/openapi.json and /openapi-desk.json list the parameters of each address.")
    return Message("Did you mean {names}?", names=", ".join(f"`{text}`" for text in alternatives))


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
