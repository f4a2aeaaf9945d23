"""Compare two people field by field, for a curator."""

from collections.abc import Callable, Container, Iterable
from typing import Any

from app.dates import parse_date
from app.matching.scripts import fold
from app.queries import shapes
from app.queries.shapes import Person
from app.registry.publication.permissions import Reader
from app.schemas.base import Facts, Said
from app.schemas.filed import ComparedField

AgreementTest = Callable[[Any, Any], bool]
StatedValues = dict[str, list[Said]]  # field → its values with their sources


def _dates_overlap(a: str, b: str) -> bool:
    """Return whether both dates may mean the same day."""
    return parse_date(a).overlaps(parse_date(b))


def _texts_equal(a: Any, b: Any) -> bool:
    return fold(str(a)) == fold(str(b))


def _share_value(a: Iterable[Any], b: Iterable[Any]) -> bool:
    """Return whether two lists share a value."""
    return bool({fold(str(value)) for value in a} & {fold(str(value)) for value in b})


# In reading order: who it is, where and when held, how it ended.
COMPARED_PERSON_FIELDS: dict[str, AgreementTest] = {
    "full_name": _texts_equal,
    "aliases": _share_value,
    "father_name": _texts_equal,
    "birth_date": _dates_overlap,
    "age": _texts_equal,
    "gender": _texts_equal,
    "nationalities": _share_value,
    "category": _texts_equal,
    "groups": _share_value,
    "died_on": _dates_overlap,
}


COMPARED_DETENTION_FIELDS: dict[str, AgreementTest] = {
    "detained_on": _dates_overlap,
    "facility": _texts_equal,
    "legal_status": _texts_equal,
    "held_on": _dates_overlap,
}


COMPARED_RELEASE_FIELDS: dict[str, AgreementTest] = {
    "released_on": _dates_overlap,
    "kind": _texts_equal,
    "conditions": _share_value,
}


# An unregistered place has its own fact name but is compared as a facility.
FIELD_ALIASES = {"facility_as_said": "facility"}


def compare_side_by_side(a: Person, b: Person, reader: Reader) -> list[ComparedField]:
    """Return every field for which a report of either person states a value.

    `agrees`: whether some value of `a` matches some value of `b`; null if only one of them has any."""
    return compare_values(collect_values(a, reader), collect_values(b, reader))


def compare_values(fields_a: StatedValues, fields_b: StatedValues) -> list[ComparedField]:
    """Do the same for the values of two people."""
    compared_fields: list[ComparedField] = []
    for field, agree in (COMPARED_PERSON_FIELDS | COMPARED_DETENTION_FIELDS | COMPARED_RELEASE_FIELDS).items():
        values_a, values_b = fields_a.get(field, []), fields_b.get(field, [])
        if values_a or values_b:
            agrees = any(agree(x["value"], y["value"]) for x in values_a for y in values_b)
            has_both = bool(values_a and values_b)
            compared_fields.append(
                {"field": field, "a": values_a, "b": values_b, "agrees": agrees if has_both else None}
            )
    return compared_fields


def collect_values(person: Person, reader: Reader) -> StatedValues:
    """Return a dict of field → values of the sources, over all detentions of the person."""
    detainee_shape = shapes.build_detainee_shape(person, reader)
    values: StatedValues = {}
    _add_values(values, detainee_shape["facts"], COMPARED_PERSON_FIELDS)
    for detention in detainee_shape["detentions"]:
        _add_values(values, detention["facts"], COMPARED_DETENTION_FIELDS)
    for spell in person.releases:
        _add_values(values, shapes.build_release_shape(person, spell, reader)["facts"], COMPARED_RELEASE_FIELDS)
    return values


def _add_values(values: StatedValues, facts: Facts, fields: Container[str]) -> None:
    for name, fact in facts.items():
        field = FIELD_ALIASES.get(name, name)
        if field in fields:
            values.setdefault(field, []).extend(fact["said"])
