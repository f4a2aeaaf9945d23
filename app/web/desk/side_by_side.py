"""Two people side by side, as a curator reads them (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.imports.fields import FIELDS
from app.imports.formats.template import title
from app.vocabulary import label
from app.web.catalogue import Catalogue
from app.web.desk.fields import COUNTRY_KINDS
from app.web.desk.sentences import language_of

PLACE = "facility"
SECTIONS = ("detainee", "detention", "release")


@dataclass(frozen=True)
class Said:
    """A value, and the sources that say it."""

    value: str
    by: Sequence[str]


@dataclass(frozen=True)
class Fact:
    """What is said of one field about two people. `agrees`: None where only one of them has anything."""

    title: str
    a: Sequence[Said]
    b: Sequence[Said]
    agrees: bool | None


def facts_of(compared: Iterable[Mapping[str, Any]], places: Mapping[str, str], words: Catalogue) -> list[Fact]:
    """Each field of which somebody says something, in the order of the API. `places`: what they are called."""

    def said(fact: Mapping[str, Any], side: str) -> list[Said]:
        named = [(places.get(each["value"]) if fact["field"] == PLACE else None, each) for each in fact[side]]
        return [Said(name or _value(fact["field"], each["value"], words), each["by"]) for name, each in named]

    return [Fact(_title(fact["field"], words), said(fact, "a"), said(fact, "b"), fact["agrees"]) for fact in compared]


def _name_of(field: str) -> str | None:
    """A field of a person, a detention or a release as a report names it."""
    return next((name for section in SECTIONS if (name := f"{section}.{field}") in FIELDS), None)


def _title(field: str, words: Catalogue) -> str:
    name = _name_of(field)
    return field if name is None else title(name, language_of(words))


def _value(field: str, value: Any, words: Catalogue) -> str:
    if isinstance(value, list):
        return words.listed([_value(field, each, words) for each in value])
    name = _name_of(field)
    if name is None:
        return str(value)
    known = FIELDS[name]
    if known.kind in COUNTRY_KINDS:
        return words.country(str(value))
    if known.kind == "date":
        return words.day(str(value))
    return str(value) if known.codes is None else label(known.codes, str(value), language_of(words))
