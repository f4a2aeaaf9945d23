"""Compare two people field by field, and find what a report contradicts in other reports of its person, for a curator
(pure)."""

from collections.abc import Callable, Container, Iterable
from typing import Any

from app.dates import parse_date
from app.matching.scripts import fold
from app.projection.statements import DENIALS
from app.queries import shapes
from app.queries.shapes import Person
from app.registry.publication.permissions import Reader
from app.schemas.base import Facts, Said
from app.schemas.filed import ComparedField
from app.vocabulary import State, Verdict

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

# Names, sex and legal status are spelled in many ways, and a sighting on another day contradicts nothing.
CONTRADICTED_FIELDS = frozenset({"birth_date", "died_on", "detained_on", "facility", "released_on", "kind"})
CUSTODY_FIELDS = ("detained_on", "held_on")


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


def find_contradictions(
    report: Person, shown: Person | None, earlier: Person | None, slug: str, reader: Reader
) -> list[ComparedField]:
    """Return the fields in which a report of the source `slug` agrees with no other report of its person.

    `report`: the person according to the report alone. `shown`: the person whom readers see. `earlier`: the person
    according to the report's last approved version, for fields that no other source states. `verdict`: the report
    denies what others verify; `state`: it says that the person was in custody after the release."""
    own = collect_values(report, reader)
    others = {} if earlier is None else collect_values(earlier, reader)
    verified = set() if earlier is None else _find_verified(earlier)
    if shown is not None:
        others |= _drop_source(collect_values(shown, reader), slug)
        verified |= {(subject, source) for subject, source in _find_verified(shown) if source != slug}
    disagreeing = [field for field in compare_values(own, others) if field["agrees"] is False]
    return [
        *_find_denied(report, verified, slug),
        *_find_held_after_release(report, own, others),
        *(field for field in disagreeing if field["field"] in CONTRADICTED_FIELDS),
    ]


def _find_verified(person: Person) -> set[tuple[str, str]]:
    """Return `(object, source)` of every verification of a release or a detention."""
    return {
        (row["object"], person.slugs[row["source"]])
        for row in person.verifications
        if row["verdict"] == Verdict.VERIFIED
    }


def _drop_source(values: StatedValues, slug: str) -> StatedValues:
    """Return the values that other sources state, without those that only this source states."""
    by_others: StatedValues = {}
    for field, groups in values.items():
        for group in groups:
            if by := [source for source in group["by"] if source != slug]:
                by_others.setdefault(field, []).append({"value": group["value"], "by": by})
    return by_others


def _find_denied(report: Person, verified: set[tuple[str, str]], slug: str) -> list[ComparedField]:
    """Return the verdict, if the report denies a release or a detention that was verified."""
    for denial in report.verifications:
        if denial["verdict"] in DENIALS:
            by = [source for subject, source in verified if subject == denial["object"]]
            if by:
                return [_build_field("verdict", denial["verdict"], slug, Verdict.VERIFIED, by)]
    return []


def _find_held_after_release(report: Person, own: StatedValues, others: StatedValues) -> list[ComparedField]:
    """Return the state, if a report of custody says that the person was held after the release."""
    released_on = others.get("released_on", [])
    days = [parse_date(value["value"]).lo for name in CUSTODY_FIELDS for value in own.get(name, [])]
    if report.releases or not released_on or not days:
        return []
    if max(days) <= max(parse_date(value["value"]).hi for value in released_on):
        return []
    (slug,) = report.slugs.values()
    return [
        _build_field(
            "state", State.HELD, slug, State.RELEASED, {source for value in released_on for source in value["by"]}
        )
    ]


def _build_field(name: str, value: str, slug: str, other: str, by: Iterable[str]) -> ComparedField:
    in_report: Said = {"value": value, "by": [slug]}
    of_others: Said = {"value": other, "by": sorted(by)}
    return {"field": name, "a": [in_report], "b": [of_others], "agrees": False}
