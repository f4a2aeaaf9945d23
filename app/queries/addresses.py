"""Terms as answers echo them, and as the addresses of queries have them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote_plus

from pydantic import BaseModel

from app.log.entries import Pin
from app.moments import format_revision
from app.projection import RULES

# A term as a response echoes it, and all terms of a query by name.
EchoedTerm = str | bool | int | list[str]
EchoedTerms = dict[str, EchoedTerm]

# Always echoed: a number is meaningless without its stage and whether it is net or, for people held, whether it
# includes house arrest and within how many years a report shows the person inside.
ALWAYS_ECHOED = ("stage", "net", "house_arrest", "held_within", "group_by")


# The parameters that pin an answer.
PIN_PARAMETERS = ("rules", "leaf", "as_of")


def echo_terms(terms: BaseModel) -> EchoedTerms:
    """Return the requested terms, and the defaults that define the number (ALWAYS_ECHOED)."""
    values = terms.model_dump(mode="json")
    defaults = {name: field.get_default(call_default_factory=True) for name, field in type(terms).model_fields.items()}
    return {
        name: value
        for name, value in values.items()
        if value not in (None, []) and (name in ALWAYS_ECHOED or value != defaults[name])
    }


def build_query_url(path: str, terms: Mapping[str, EchoedTerm], pin: Pin | None) -> str:
    """Return a relative address of the same query: the terms in order, then the rules and the revision with its leaf.
    Without a pin it gets the current answer."""
    pins = [] if pin is None else build_pin_terms(pin)
    return join_query_url(path, [encode_term(name, value) for name, value in [*terms.items(), *pins] if value != []])


def encode_term(name: str, value: EchoedTerm) -> str:
    """Return the parameters of a term; a term with several values is repeated."""
    return "&".join([f"{name}={_quote(_format_value(item))}" for item in list_values(value)])


def join_query_url(path: str, terms: Iterable[str]) -> str:
    """Join encoded terms to a relative address."""
    return f"{path}?{'&'.join(terms)}"


# Most values are codes and days that need no quoting, and a count has an address for each of its groups.
_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]*")


def _quote(text: str) -> str:
    return text if _UNRESERVED.fullmatch(text) else quote_plus(text)


def build_pin_terms(pin: Pin) -> list[tuple[str, str]]:
    """Return the values of PIN_PARAMETERS: the rules, the leaf of the revision's entry, and the revision."""
    leaf = [] if pin.leaf is None else [("leaf", pin.leaf)]
    return [("rules", str(RULES)), *leaf, ("as_of", format_revision(pin.revision))]


def list_values(value: EchoedTerm) -> Sequence[str | int]:
    """Return the values of a term, which may be a single value."""
    return value if isinstance(value, list) else [value]


def get_term_values(terms: EchoedTerms, name: str) -> list[str]:
    """Return the values of a term as text; empty if the terms lack it."""
    return [str(value) for value in list_values(terms.get(name, []))]


def _format_value(value: str | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
