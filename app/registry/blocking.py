"""What a report can be found by, and who it speaks of, in the matcher's terms (pure)."""

from app.matching.names import blocking_keys, fold
from app.matching.score import Person
from app.registry.content import Content
from app.registry.projection.accounts import parse


def facility_key(folded_name: str) -> str:
    return f"f:{folded_name}"


def keys_of(content: Content) -> frozenset[str]:
    """The stored keys of a report: name tokens, the place as said, and combinations that find the nameless."""
    keys = set(blocking_keys(content.get("detainee.full_name"), content.get("detainee.aliases", ())))
    place = content.get("detention.facility")
    if place is not None:
        keys.add(facility_key(fold(place)))
    digest = content.get("detainee.national_id_digest")
    if digest is not None:
        keys.add(f"i:{digest}")
    return frozenset(keys | _nameless_keys(content))


def _nameless_keys(content: Content) -> set[str]:
    """Facility and a foreign nationality together: few people share both, and a nameless report has little else."""
    place, country = content.get("detention.facility"), content.get("detention.country")
    if place is None:
        return set()
    return {f"x:{fold(place)}|{nation}" for nation in content.get("detainee.nationalities", ()) if nation != country}


def searched_keys(content: Content) -> frozenset[str]:
    """The keys by which a report's candidates are looked up: the place alone would find a whole prison."""
    return frozenset(key for key in keys_of(content) if not key.startswith("f:"))


def person_of(content: Content) -> Person:
    """The person a report speaks of."""

    def date(name: str):  # type: ignore[no-untyped-def]
        return parse(content[name]) if name in content else None

    return Person(
        name=content.get("detainee.full_name"),
        aliases=tuple(content.get("detainee.aliases", ())),
        birth=date("detainee.birth_date"),
        age=content.get("detainee.age"),
        age_on=date("detainee.age_on"),
        gender=content.get("detainee.gender"),
        nationalities=frozenset(content.get("detainee.nationalities", ())),
        facility=fold(content["detention.facility"]) if "detention.facility" in content else None,
        detained_on=date("detention.detained_on"),
        released_on=date("release.released_on"),
        national_id=content.get("detainee.national_id_digest"),
        country=content.get("detention.country"),
    )
