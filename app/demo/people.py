"""Invented full names: two given names and two surnames each, put together by draw.

No two people share more than one word, so whatever a list leaves out (the second surname, the accents), a
name still belongs to one person only. The words are common enough to be nobody's; any likeness is chance.

Places of detention of `facilities.csv`, as bodies of `POST /v1/facilities`: public, real, placed to a tenth of a
degree where they are placed at all.

The file is a list to begin a registry of Venezuela with (`recuento facility import`). The demo registers those of it
that its invented people are held in.

The invented people: 418 who go out, and four more whom the cases of `cases.py` need.

Nothing here is anybody's: names, ages, places and days are drawn. One person stands for somebody the world
read about, and so has no name: the Argentine-Israeli of 72 from El Rodeo I, as every outlet described him.

How each source writes a person down: bodies of `POST /v1/releases` and `POST /v1/detentions`.

The four lists agree on who somebody is (given name, first surname, birth year or age, day of release,
facility) and differ in what lists differ in: accents, second surnames, the day of arrest, the outcome."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

from app.demo.plan import JANUARY, PEOPLE, WayOut, caracas, draw, filed, one_in, pick, places, shuffled
from app.exports import facilities as files
from app.unicode_text import normal

Name = tuple[str, str, str, str]


def _words(text: str) -> list[str]:
    return text.split()


MALE = _words(
    """
    Adalberto Anselmo Aurelio Baltazar Benigno Bernabé Calixto Camilo Celestino Cipriano Clemente
    Crisanto Dámaso Demetrio Eladio Eleazar Eliseo Epifanio Eusebio Evaristo Fabricio Faustino
    Feliciano Fermín Florencio Fulgencio Gaspar Genaro Germán Gumersindo Heriberto Hilario Horacio
    Ignacio Isidoro Jacinto Joaquín Julián Leandro Leoncio Lisandro Lorenzo Macario Marcelino
    Mauricio Melquíades Nicanor Norberto Olegario Onésimo Pascual Patricio Plácido Prudencio Quintín
    Remigio Rogelio Rómulo Rosendo Rufino Sabino Salvador Saturnino Severiano Silvestre Tadeo
    Teodoro Tiburcio Ulises Urbano Valentín Venancio Vicente Wenceslao Zenón
    """
)

FEMALE = _words(
    """
    Adelaida Agustina Amparo Anastasia Apolonia Aurora Balbina Benilde Brígida Candelaria Casilda
    Celina Clotilde Consuelo Dalila Delfina Dorotea Edelmira Elvira Emperatriz Encarnación Estefanía
    Eulalia Felicia Filomena Genoveva Griselda Herminia Hortensia Inocencia Josefina Leocadia Ligia
    Lucrecia Magdalena Matilde Natividad Nicolasa Obdulia Otilia Paulina Perpetua Petronila Raimunda
    Ramona Remedios Rosaura Sebastiana Serafina Tomasa Úrsula Verónica Virtudes Zoraida
    """
)

SURNAMES = _words(
    """
    Agüero Alcántara Aldana Alfonzo Altuve Amundaray Anzola Araque Arismendi Arocha Arrieta Aular
    Azuaje Becerra Bermúdez Boscán Briceño Bustillos Cabrices Camejo Canelón Carvajal Castellanos
    Cedeño Chirinos Cisneros Colmenares Cordero Corredor Cuicas Dorante Echenique Escalona Espinoza
    Farías Figuera Fuenmayor Galíndez Gamarra Garrido Gavidia Godoy Graterol Guédez Guillén
    Gutiérrez Henríquez Hurtado Infante Izaguirre Jaspe Landaeta Lara Leal Linares Lovera Lozada
    Lugo Luzardo Madriz Malavé Manrique Marcano Marrero Matheus Mavárez Medrano Melean Mijares
    Monasterios Montilla Morillo Mujica Naranjo Narváez Navas Noguera Ojeda Olivares Ordaz Orellana
    Oropeza Osuna Pacheco Paredes Peraza Perdomo Piñango Pirela Quijada Quintero Rangel Reyna Rincón
    Rivero Rondón Rosales Sanabria Sandoval Segovia Sequera Sifontes Silva Sosa Tovar Ugueto
    Urbaneja Urdaneta Valbuena Valera Vallenilla Velásquez Viloria Yánez Zabaleta Zambrano Zerpa
    """
)


def plain(name: str) -> str:
    """Without its accents, as a hurried list writes it: `Guédez` becomes `Guedez`, `Cedeño` `Cedeno`."""
    letters = normal("NFD", name)
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def names(genders: Iterable[str]) -> list[Name]:
    """One name for each gender given (`male`, `female`), in order: two given names, then two surnames."""
    drawn: list[Name] = []
    used: set[tuple[str, ...]] = set()
    for number, gender in enumerate(genders):
        name = _unlike(used, MALE if gender == "male" else FEMALE, number)
        used.update(combinations(sorted(name), 2))
        drawn.append(name)
    return drawn


def _unlike(used: set[tuple[str, ...]], given: list[str], number: int) -> Name:
    """A name of which no two words stand together in an earlier one."""
    attempt = 0
    while True:
        first, second = _two(given, "given", number, attempt)
        father, mother = _two(SURNAMES, "surnames", number, attempt)
        name = (first, second, father, mother)
        if used.isdisjoint(combinations(sorted(name), 2)):
            return name
        attempt += 1


def _two(words: list[str], *parts: object) -> tuple[str, str]:
    """Two different words."""
    first, second = divmod(draw(*parts) % (len(words) * (len(words) - 1)), len(words) - 1)
    return words[first], words[second if second < first else second + 1]


FILE = Path(__file__).with_name("facilities.csv")
FOR_WOMEN = ("la-crisalida", "inof")
FOR_THE_MILITARY = ("ramo-verde", "dgcim-boleita")
REPLAYED = (
    "el-rodeo-i",
    "el-rodeo-ii",
    "yare",
    *FOR_WOMEN,
    "fuerte-guaicaipuro",
    "ramo-verde",
    "el-helicoide",
    "dgcim-boleita",
    "zona-7",
    "tocoron",
    "tocuyito",
    "26-de-julio",
)
_BY_SLUG = {body.slug: body for body in files.read(FILE.read_bytes()).bodies.values()}
NAMES = {slug: _BY_SLUG[slug].name for slug in REPLAYED}


def facilities() -> list[dict[str, Any]]:
    """Bodies `{slug, name, names, kind, area, country, point: {lat, lon}}`."""
    return [_BY_SLUG[slug].model_dump(mode="json") for slug in REPLAYED]


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
    return detainee | {"publish": _publish_of(person, source)}


def _publish_of(person: Person, source: str) -> str:
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
