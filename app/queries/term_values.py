"""Compare the values of query parameters with listed values: case, accents, hyphens, underscores and spaces make no
difference."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from enum import Enum
from functools import cache, partial
from typing import Any, Literal, get_args, get_origin

from babel.core import get_global
from pydantic import BaseModel, ValidationInfo, field_validator

from app.formats import COUNTRIES, get_formats
from app.matching.scripts import fold
from app.schemas.reports import Country, Slug
from app.translations import Message
from app.vocabulary import CODE_LISTS, Language, build_vocabulary

MAX_NEAREST = 3  # suggestions in a refusal
MAX_COMPARED_LENGTH = 100  # characters of a misspelt value
WORD_CUTOFF = 0.8  # the likeness of a word of a definition
ALPHA_3_LENGTH = 3
_QUOTED = re.compile("'([^']*)'")
_SLUG_CHARACTERS = re.compile("[a-z0-9-]*")


def fold_value(text: str) -> str:
    """Return a value in the form in which values are compared. Text with control characters is like no other."""
    return fold(text) if text.isprintable() else text


def find_nearest(text: str, listed: Iterable[tuple[str, str]]) -> list[str]:
    """Return the listed values with nearly the same spelling, the nearest first. `listed`: `(name, value)`."""
    values: dict[str, list[str]] = {}
    for name, value in listed:
        values.setdefault(fold(name), []).append(value)
    names = get_close_matches(fold(text[:MAX_COMPARED_LENGTH]), values, n=MAX_NEAREST)
    return list(dict.fromkeys(value for name in names for value in values[name]))[:MAX_NEAREST]


def add_suggestion(detail: str, nearest: Iterable[str]) -> str:
    """Return a sentence of a refusal with the nearest listed values, if there are any."""
    names = ", ".join(f"`{value}`" for value in nearest)
    if not names:
        return detail
    return Message("{detail} {hint}", detail=detail, hint=Message("Did you mean {names}?", names=names))


def suggest_values(error: Mapping[str, Any]) -> list[str]:
    """Return the nearest listed values for pydantic's error about a code or a country; empty for another error."""
    text = error.get("input")
    if not isinstance(text, str):
        return []
    if error["type"] == "unknown_country":
        return find_nearest(text, list_country_names().items())
    codes = _QUOTED.findall(error["ctx"]["expected"]) if error["type"] in ("enum", "literal_error") else []
    return find_nearest(text, [(code, code) for code in codes]) or _find_codes_by_word(text, codes)


def _find_codes_by_word(word: str, codes: Sequence[str]) -> list[str]:
    """Return the codes of a code list that have the word in their label or definition, in English or Spanish."""
    names = [name for name, codes_of_list in CODE_LISTS.items() if [*codes_of_list] == [*codes]]
    texts = [
        (code["code"], fold(f"{code['label']} {code['definition']}"))
        for name in names
        for language in get_args(Language)
        for code in build_vocabulary(language)[name]
    ]
    found = [code for code, text in texts if get_close_matches(fold(word), text.split(), 1, WORD_CUTOFF)]
    return list(dict.fromkeys(found))[:MAX_NEAREST]


@cache
def list_country_names() -> Mapping[str, str]:
    """Return a dict of folded name → code: the codes of ISO 3166-1 with two and three letters, and the English and
    Spanish names."""
    codes = {fold(code): code for code in COUNTRIES}
    for alias, current in get_global("territory_aliases").items():
        if len(alias) <= ALPHA_3_LENGTH and alias.isalpha() and len(current) == 1 and current[0] in COUNTRIES:
            codes.setdefault(fold(alias), current[0])
    for language in ("en", "es"):
        for code in sorted(COUNTRIES):
            codes.setdefault(fold(get_formats(language).country(code)), code)
    return codes


class FoldedQuery(BaseModel):
    """A query that accepts codes, countries and slugs in any spelling that folds to a listed one, and keeps the listed
    one."""

    @field_validator("*", mode="before")
    @classmethod
    def _find_listed_values(cls, value: Any, info: ValidationInfo) -> Any:
        find_listed = _choose_lookup(cls, str(info.field_name))
        if find_listed is None:
            return value
        if isinstance(value, list):
            return [find_listed(item) if isinstance(item, str) else item for item in value]
        return find_listed(value) if isinstance(value, str) else value


Lookup = Callable[[str], str]


@cache
def _choose_lookup(query: type[BaseModel], name: str) -> Lookup | None:
    """Return the function from a spelling to the listed value, for a field of codes, countries or slugs."""
    return _choose_lookup_of_type(query.model_fields[name].annotation)


def _choose_lookup_of_type(annotation: Any) -> Lookup | None:
    if annotation == Slug:
        return fold_slug
    if annotation == Country:
        return lambda text: _find_value(text, list_country_names())
    codes: list[str] = []
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        codes = [str(code.value) for code in annotation]
    elif get_origin(annotation) is Literal:
        codes = [code for code in get_args(annotation) if isinstance(code, str)]
    if codes:
        return partial(_find_value, listed=_index_codes(codes))
    lookups = map(_choose_lookup_of_type, get_args(annotation))
    return next((lookup for lookup in lookups if lookup is not None), None)


def _index_codes(codes: Sequence[str]) -> dict[str, str]:
    """Return a dict of folded form → code, without forms that several codes have, such as opposite orders."""
    numbers = Counter(map(fold, codes))
    return {fold(code): code for code in codes if numbers[fold(code)] == 1}


def _find_value(text: str, listed: Mapping[str, str]) -> str:
    return text if text in listed.values() else listed.get(fold_value(text), text)


def fold_slug(text: str) -> str:
    """Return the slug that a text means; the text itself if it is a slug."""
    return text if _SLUG_CHARACTERS.fullmatch(text) else fold_value(text).replace(" ", "-")
