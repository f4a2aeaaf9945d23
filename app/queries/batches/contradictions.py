"""Find what a report contradicts in what other reports of its person say, for a curator (pure)."""

from collections.abc import Iterable

from app.dates import parse_date
from app.projection.statements import DENIALS
from app.queries.person_comparison import StatedValues, collect_values, compare_values
from app.queries.shapes import Person
from app.registry.publication.permissions import Reader
from app.schemas.base import Said
from app.schemas.filed import ComparedField
from app.vocabulary import State, Verdict

# Names, sex and legal status are spelled in many ways, and a sighting on another day contradicts nothing.
CONTRADICTED_FIELDS = frozenset({"birth_date", "died_on", "detained_on", "facility", "released_on", "kind"})
CUSTODY_FIELDS = ("detained_on", "held_on")


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
