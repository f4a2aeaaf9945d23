"""The invented people: 418 who go out, and four more whom the cases of `cases.py` need.

Nothing here is anybody's: names, ages, places and days are drawn. One person stands for somebody the world
read about, and so has no name: the Argentine-Israeli of 72 from El Rodeo I, as every outlet described him.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from app.demo.batches import JANUARY, PEOPLE, WayOut, places
from app.demo.clock import caracas
from app.demo.draw import draw, one_in, pick, shuffled
from app.demo.facilities import FOR_THE_MILITARY, FOR_WOMEN
from app.demo.names import Name, names
from app.demo.plan import filed

ARGENTINE_ISRAELI = 178  # out of El Rodeo I on 12 January
HANDED_OVER, NEVER_SEEN = 175, 418
TAKEN_AGAIN, AT_THE_BORDER = 54, 200
ORDERED_ONLY, ACQUITTED, TURNED_BACK = 419, 420, 421
OTHERS = range(PEOPLE, 422)  # never verified out by anyone in the demo

MINORS = (226, 288)
ONLY_COUNTED = (40, 132, 250, 337)  # asked to appear in counts and nowhere else
# Their cases are told by name, or a government reports them, whose key learns nothing of the unnamed.
NAMED = (HANDED_OVER, NEVER_SEEN, TAKEN_AGAIN, AT_THE_BORDER, ORDERED_ONLY, ACQUITTED, TURNED_BACK)

# Foro Penal said that 17 of its first 84 were foreigners or dual nationals (cl029).
FOREIGNERS, FIRST_84 = 17, caracas("2026-01-14T20:30")
COUNTRIES = ("ES", "IT", "CO", "PT", "PE", "US", "EC", "CZ")

GROUPS = ("student", "union_member", "party_member", "lawyer", "humanitarian", "relative_of_target")
# First day and length of the wave after the election of 28 July 2024, of later arrests, and of the long held.
ELECTION = (date(2024, 7, 29), 90)
ARRESTS = (ELECTION, ELECTION, (date(2025, 1, 7), 270), (date(2019, 3, 1), 1500))
# Age at the arrest, least and range: a birth year and a bare year of arrest leave nobody a minor by doubt.
YOUNGEST, AGES = 20, 48


@dataclass(frozen=True, slots=True)
class Person:
    """One invented person and the spell in custody the demo is about; days are ISO dates.

    `name` is two given names and two surnames, or None. `kind` and `conditions` are those of the release, and
    `released_on` is None for those who did not go out.
    """

    id: int
    name: Name | None
    gender: str
    birth_year: int
    nationalities: tuple[str, ...]
    category: str
    groups: tuple[str, ...]
    publish: str
    facility: str
    detained_on: str
    legal_status: str
    released_on: str | None
    kind: str
    conditions: tuple[str, ...]


@cache
def people() -> tuple[Person, ...]:
    """All 422; a person's position is their id, and the first 418 stand in `places()` likewise."""
    ways_out: list[WayOut | None] = [*places(), *(None for _ in OTHERS)]
    genders = [_gender(number, way_out) for number, way_out in enumerate(ways_out)]
    foreign = _foreigners()
    everyone = zip(names(genders), genders, ways_out, strict=True)
    return tuple(
        _person(number, name, gender, way_out, number in foreign)
        for number, (name, gender, way_out) in enumerate(everyone)
    )


def _person(number: int, name: Name, gender: str, way_out: WayOut | None, foreign: bool) -> Person:
    facility = way_out.facility if way_out else "el-rodeo-ii"
    detained = date(2025, 3, 11) if number in MINORS else _detained(number)
    kind = _kind(number)
    return Person(
        id=number,
        name=None if number == ARGENTINE_ISRAELI else name,
        gender=gender,
        birth_year=_birth_year(number, detained),
        nationalities=_nationalities(number, foreign),
        category=_category(number, facility),
        groups=(way_out.group,) if way_out and way_out.group else _groups(number),
        publish=_publish(number),
        facility=facility,
        detained_on=detained.isoformat(),
        legal_status="convicted" if one_in(5, "legal", number) else "pretrial",
        released_on=way_out.released_on.isoformat() if way_out else None,
        kind=kind,
        conditions=_conditions(number, kind),
    )


def _gender(number: int, way_out: WayOut | None) -> str:
    if way_out is None or number in (*NAMED, *MINORS):
        return "male"
    if way_out.facility == "el-helicoide":  # holds both
        return pick(("female", "male"), "gender", number)
    return "female" if way_out.facility in FOR_WOMEN else "male"


def _foreigners() -> frozenset[int]:
    """17 of Foro Penal's first 84, the Argentine-Israeli among them, and a few of those who came later."""
    listed = [person for (source, person), at in filed().items() if source == "foro-penal" and at <= FIRST_84]
    first = [person for person in listed if person in JANUARY and person != ARGENTINE_ISRAELI]
    others = shuffled(first, "foreign")[: FOREIGNERS - 1]
    later = [number for number in range(240, PEOPLE) if one_in(15, "foreign later", number)]
    return frozenset({ARGENTINE_ISRAELI, *others, *later})


def _nationalities(number: int, foreign: bool) -> tuple[str, ...]:
    if number == ARGENTINE_ISRAELI:
        return ("AR", "IL")
    if not foreign:
        return ("VE",)
    country = pick(COUNTRIES, "country", number)
    return (country,) if one_in(2, "dual", number) else (country, "VE")


def _detained(number: int) -> date:
    first, days = pick(ARRESTS, "arrest", number)
    return first + timedelta(days=draw("day", number) % days)


def _birth_year(number: int, detained: date) -> int:
    if number == ARGENTINE_ISRAELI:
        return 1953
    if number in MINORS:
        return 2009
    return detained.year - YOUNGEST - draw("birth", number) % AGES


def _category(number: int, facility: str) -> str:
    if facility in FOR_THE_MILITARY:
        return "military"
    return "police" if one_in(40, "police", number) else "civilian"


def _groups(number: int) -> tuple[str, ...]:
    return (pick(GROUPS, "group", number),) if one_in(4, "in a group", number) else ()


def _publish(number: int) -> str:
    if number in (*MINORS, *ONLY_COUNTED):
        return "counted"
    if number in NAMED or (number != ARGENTINE_ISRAELI and one_in(7, "named", number)):
        return "named"
    return "anonymous"


def _kind(number: int) -> str:
    """Most leave under measures; of the man everyone wrote about, nothing is made up."""
    if number == ARGENTINE_ISRAELI:
        return "unspecified"
    if one_in(10, "full", number):
        return "full_release"
    return "humanitarian" if one_in(60, "humanitarian", number) else "release_with_measures"


def _conditions(number: int, kind: str) -> tuple[str, ...]:
    if kind != "release_with_measures":
        return ()
    more = pick(((), ("travel_ban",), ("travel_ban", "gag_order"), ("gag_order",)), "conditions", number)
    return ("reporting_duty", *more)
