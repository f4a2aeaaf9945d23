"""Two people side by side, field by field, for whoever must judge whether they are one (pure)."""

from collections.abc import Callable, Container, Iterable
from typing import Any

from app.dates import parse
from app.matching.scripts import fold
from app.reading import shapes
from app.reading.shapes import Person
from app.registry.publication.permissions import Reader
from app.schemas.base import Facts, Said
from app.schemas.filed import ComparedField

Agree = Callable[[Any, Any], bool]


def _dates(a: str, b: str) -> bool:
    """Whether both may mean one day."""
    return parse(a).overlaps(parse(b))


def _words(a: Any, b: Any) -> bool:
    return fold(str(a)) == fold(str(b))


def _some(a: Iterable[Any], b: Iterable[Any]) -> bool:
    """Whether two lists share a value."""
    return bool({fold(str(value)) for value in a} & {fold(str(value)) for value in b})


# In the order in which a person reads them: who it is, where and when held, how it ended.
OF_THE_PERSON: dict[str, Agree] = {
    "full_name": _words,
    "aliases": _some,
    "father_name": _words,
    "birth_date": _dates,
    "age": _words,
    "gender": _words,
    "nationalities": _some,
    "category": _words,
    "groups": _some,
    "died_on": _dates,
}
OF_A_DETENTION: dict[str, Agree] = {
    "detained_on": _dates,
    "facility": _words,
    "legal_status": _words,
    "held_on": _dates,
}
OF_A_RELEASE: dict[str, Agree] = {"released_on": _dates, "kind": _words, "conditions": _some}
# A place nobody registered stands under a name of its own among the facts, and is a place all the same.
AS_SAID = {"facility_as_said": "facility"}


def side_by_side(a: Person, b: Person, reader: Reader) -> list[ComparedField]:
    """Every field of which a report of either person states a value.

    `agrees`: whether some value of `a` fits some value of `b`; null where only one of them has any.
    """
    of_a, of_b = _stated(a, reader), _stated(b, reader)
    compared: list[ComparedField] = []
    for field, agree in (OF_THE_PERSON | OF_A_DETENTION | OF_A_RELEASE).items():
        values_a, values_b = of_a.get(field, []), of_b.get(field, [])
        if values_a or values_b:
            fits = any(agree(x["value"], y["value"]) for x in values_a for y in values_b)
            both = bool(values_a and values_b)
            compared.append({"field": field, "a": values_a, "b": values_b, "agrees": fits if both else None})
    return compared


def _stated(person: Person, reader: Reader) -> dict[str, list[Said]]:
    """Field → what the sources say of it, over all detentions of the person."""
    shown = shapes.detainee(person, reader)
    stated: dict[str, list[Said]] = {}
    _add(stated, shown["facts"], OF_THE_PERSON)
    for detention in shown["detentions"]:
        _add(stated, detention["facts"], OF_A_DETENTION)
    for spell in person.releases:
        _add(stated, shapes.release(person, spell, reader)["facts"], OF_A_RELEASE)
    return stated


def _add(stated: dict[str, list[Said]], facts: Facts, fields: Container[str]) -> None:
    for name, fact in facts.items():
        field = AS_SAID.get(name, name)
        if field in fields:
            stated.setdefault(field, []).extend(fact["said"])
