"""How each source writes a person down: bodies of `POST /v1/releases` and `POST /v1/detentions`.

The four lists agree on who somebody is (given name, first surname, birth year or age, day of release,
facility) and differ in what lists differ in: accents, second surnames, the day of arrest, the outcome.
"""

from datetime import date
from typing import Any

from app.demo.draw import draw, one_in, pick
from app.demo.facilities import NAMES
from app.demo.names import plain
from app.demo.people import ARGENTINE_ISRAELI, NAMED, Person

Body = dict[str, Any]

METHODS = {
    "foro-penal": ("lawyer", "family", "family", "release_order"),
    "jep": ("family", "family", "detainee"),
    "pud": ("family", "at_the_gate", "photo_video"),
    "clippve": ("family", "at_the_gate", "detainee"),
    "sntp": ("detainee",),
}
# Whose list writes a name with less than it has; None: nobody's.
CARELESS = ("jep", "pud", "clippve", None)
# The day of the arrest of one man as it was printed; the alliance's list had the year.
ARRESTS_PRINTED = {"foro-penal": "2024-10-13", "jep": "2024-09-04", "pud": "2024"}
# All who give an age give it as of the same month, in which nobody of the demo has a birthday.
AGE_ON, AGE_YEAR = "2026-01", 2026
# What an outlet's page says of itself, seventeen months before the day it tells of (case 10).
MISDATED = 211
MISDATED_PAGE = {"url": "https://example.org/excarcelaciones-en-zona-7", "published_on": "2024-08-14"}
# Of those who let their name be known, some asked Foro Penal, and only Foro Penal, to protect it.
PROTECTED_BY_FORO_PENAL = 9


def release_body(person: Person, source: str, verified_on: date) -> Body:
    """The release as the source verified it, on a day of Caracas."""
    release: Body = {"stage": "carried_out", "released_on": person.released_on}
    if _knows_outcome(person, source):
        release |= {"kind": person.kind, "conditions": list(person.conditions)}
    verification: Body = {
        "verdict": "verified",
        "method": pick(METHODS[source], "method", source, person.id),
        "verified_on": verified_on.isoformat(),
    }
    if source == "pud" and person.id == MISDATED:
        verification["evidence"] = [dict(MISDATED_PAGE)]
    return held_body(person, source) | {"release": release, "verification": verification}


def held_body(person: Person, source: str) -> Body:
    """Who and where held, as the source writes it, without a verdict."""
    return {"detainee": _detainee(person, source), "detention": _detention(person, source)}


def full_name(person: Person, source: str) -> str | None:
    """The name in the source's spelling: at most one list writes a person otherwise than the rest.

    The first given name and the first surname are on every list, and of any two spellings one holds the other.
    """
    if person.name is None:
        return None
    first, second, father, mother = person.name
    spellings = {
        "jep": plain(f"{first} {second} {father} {mother}"),
        "pud": f"{first} {second} {father}",
        "clippve": plain(f"{first} {father} {mother}"),
    }
    full = f"{first} {second} {father} {mother}"
    return spellings.get(source, full) if pick(CARELESS, "spelling", person.id) == source else full


def _detainee(person: Person, source: str) -> Body:
    detainee: Body = {"full_name": full_name(person, source), "gender": person.gender}
    if person.id == ARGENTINE_ISRAELI or (source == "jep" and one_in(4, "age", person.id)):
        detainee |= {"age": AGE_YEAR - 1 - person.birth_year, "age_on": AGE_ON}
    else:
        detainee["birth_date"] = str(person.birth_year)
    detainee["nationalities"] = list(person.nationalities)
    if source in ("foro-penal", "jep"):
        detainee |= {"category": person.category, "groups": list(person.groups)}
    if source in METHODS:  # no government calls anybody a political prisoner
        detainee["designation"] = "political"
    return detainee | {"publish": _publish(person, source)}


def _publish(person: Person, source: str) -> str:
    asked = source == "foro-penal" and one_in(PROTECTED_BY_FORO_PENAL, "asked", person.id)
    return "anonymous" if asked and person.publish == "named" and person.id not in NAMED else person.publish


def _detention(person: Person, source: str) -> Body:
    # A spreadsheet holds slugs where it was made from the registry's own list, and names where it was typed.
    facility = NAMES[person.facility] if source in ("foro-penal", "jep", "sntp") else person.facility
    detention: Body = {"facility": facility, "country": "VE"}
    if (detained_on := _detained_on(person, source)) is not None:
        detention["detained_on"] = detained_on
    if source in ("foro-penal", "jep"):
        detention["legal_status"] = person.legal_status
    return detention


def _detained_on(person: Person, source: str) -> str | None:
    if person.id == ARGENTINE_ISRAELI:
        return ARRESTS_PRINTED.get(source)
    habit = draw("arrest", source, person.id)
    if (source == "jep" and habit % 7 == 0) or (source == "clippve" and habit % 3 == 0):
        return None
    return person.detained_on[:7] if source == "pud" and habit % 4 == 0 else person.detained_on


def _knows_outcome(person: Person, source: str) -> bool:
    if source in ("clippve", "sntp"):
        return False
    return source != "pud" or not one_in(3, "outcome", person.id)
