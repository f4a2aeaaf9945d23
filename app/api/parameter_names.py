"""Names that clients try for query parameters, and the parameters that mean the same here.

Former names, names of other APIs and everyday words lead to a parameter by their meaning. Only a name without an entry
is compared by its spelling."""

from collections.abc import Collection, Sequence
from difflib import get_close_matches

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
        return Message("/openapi.json lists the parameters of each address.")
    return Message("Did you mean {names}?", names=", ".join(f"`{text}`" for text in alternatives))
