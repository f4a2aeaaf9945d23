"""Invent the people of the demo, with their names, facilities and spells in custody, as each source would report them.

There are 418 released people, and four more for the cases of `cases.py`. Names, ages, places and days are drawn. A name
is two given names and two surnames. No two people share more than one word, so that a name without its second surname
or its accents still identifies one person. The words are common; any likeness is chance. One person stands for a man in
the news, and so has no name: the Argentine-Israeli of 72 from El Rodeo I, as every outlet described him.

Facilities are real and public, with points rounded to a tenth of a degree. `facilities.csv` has more of them than the
demo: a registry of Venezuela can start with it (`recuento facility import`).

The four lists agree on who a person is (given name, first surname, birth year or age, day of release, facility). They
differ where real lists differ: accents, second surnames, the day of arrest, the outcome.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

from app.demo.plan import (
    JANUARY_IDS,
    RELEASED_COUNT,
    ReleaseSlot,
    build_release_slots,
    draw_number,
    index_filing_times,
    is_drawn,
    parse_caracas_time,
    pick_option,
    shuffle_items,
)
from app.imports import facilities
from app.unicode_text import normalize_text

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


def strip_accents(name: str) -> str:
    """Strip accents, as a hurried list does: `Guédez` becomes `Guedez`, `Cedeño` `Cedeno`."""
    letters = normalize_text("NFD", name)
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def draw_names(genders: Iterable[str]) -> list[Name]:
    """Draw one name for each gender (`male`, `female`), in order: two given names, then two surnames."""
    drawn_names: list[Name] = []
    used_pairs: set[tuple[str, ...]] = set()
    for number, gender in enumerate(genders):
        name = _draw_distinct_name(used_pairs, MALE if gender == "male" else FEMALE, number)
        used_pairs.update(combinations(sorted(name), 2))
        drawn_names.append(name)
    return drawn_names


def _draw_distinct_name(used_pairs: set[tuple[str, ...]], first_names: list[str], number: int) -> Name:
    """Draw a name that shares no two words with an earlier one."""
    attempt = 0
    while True:
        first, second = _draw_two(first_names, "given", number, attempt)
        father, mother = _draw_two(SURNAMES, "surnames", number, attempt)
        name = (first, second, father, mother)
        if used_pairs.isdisjoint(combinations(sorted(name), 2)):
            return name
        attempt += 1


def _draw_two(words: list[str], *parts: object) -> tuple[str, str]:
    """Draw two different words."""
    first, second = divmod(draw_number(*parts) % (len(words) * (len(words) - 1)), len(words) - 1)
    return words[first], words[second if second < first else second + 1]


FACILITIES_FILE = Path(__file__).with_name("facilities.csv")
WOMENS_FACILITIES = ("la-crisalida", "inof")
MILITARY_FACILITIES = ("ramo-verde", "dgcim-boleita")
REPLAYED_FACILITIES = (
    "el-rodeo-i",
    "el-rodeo-ii",
    "yare",
    *WOMENS_FACILITIES,
    "fuerte-guaicaipuro",
    "ramo-verde",
    "el-helicoide",
    "dgcim-boleita",
    "zona-7",
    "tocoron",
    "tocuyito",
    "26-de-julio",
)
_FACILITY_BY_SLUG = {
    body.slug: body for body in facilities.parse_facility_list(FACILITIES_FILE.read_bytes()).bodies.values()
}
FACILITY_NAMES = {slug: _FACILITY_BY_SLUG[slug].name for slug in REPLAYED_FACILITIES}


def build_facility_bodies() -> list[dict[str, Any]]:
    """Return bodies `{slug, name, names, kind, area, country, point: {lat, lon}}` of `POST /v1/facilities`."""
    return [_FACILITY_BY_SLUG[slug].model_dump(mode="json") for slug in REPLAYED_FACILITIES]


ARGENTINE_ISRAELI_PERSON = 178  # released from El Rodeo I on 12 January
HANDED_OVER_PERSON, NEVER_SEEN_PERSON = 175, 418
TAKEN_AGAIN_PERSON, BORDER_PERSON = 54, 200
ORDERED_ONLY_PERSON, ACQUITTED_PERSON, TURNED_BACK_PERSON = 419, 420, 421
UNRELEASED_IDS = range(RELEASED_COUNT, 422)  # whose release nobody verifies in the demo

MINORS = (226, 288)
COUNT_ONLY_PEOPLE = (40, 132, 250, 337)  # they asked to appear in counts and nowhere else
# Their cases need names, or a government reports them, whose key does not see unnamed people.
NAMED_PEOPLE = (
    HANDED_OVER_PERSON,
    NEVER_SEEN_PERSON,
    TAKEN_AGAIN_PERSON,
    BORDER_PERSON,
    ORDERED_ONLY_PERSON,
    ACQUITTED_PERSON,
    TURNED_BACK_PERSON,
)

# Foro Penal said that 17 of its first 84 were foreigners or dual nationals (cl029).
FOREIGNER_COUNT, FIRST_84_FILED_AT = 17, parse_caracas_time("2026-01-14T20:30")
COUNTRIES = ("ES", "IT", "CO", "PT", "PE", "US", "EC", "CZ")

GROUPS = ("student", "union_member", "party_member", "lawyer", "humanitarian", "relative_of_target")
# First day and days of the wave of arrests after the election of 28 July 2024; below, of later and much earlier
# arrests.
ELECTION_WAVE = (date(2024, 7, 29), 90)
ARREST_WAVES = (ELECTION_WAVE, ELECTION_WAVE, (date(2025, 1, 7), 270), (date(2019, 3, 1), 1500))
# Ages at the arrest: a birth year and a bare year of arrest must not make anybody perhaps a minor.
MIN_AGE, AGE_RANGE = 20, 48


@dataclass(frozen=True, slots=True)
class Person:
    """One invented person and the spell in custody of the demo; days are ISO dates.

    `name` is two given names and two surnames, or None. `kind` and `conditions` are those of the release; `released_on`
    is None for people who were not released.
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
def build_people() -> tuple[Person, ...]:
    """Return all 422; the position of a person is their id, and the first 418 are the `build_release_slots()`."""
    slots: list[ReleaseSlot | None] = [*build_release_slots(), *(None for _ in UNRELEASED_IDS)]
    genders = [_choose_gender(number, slot) for number, slot in enumerate(slots)]
    foreign_ids = _choose_foreigners()
    everyone = zip(draw_names(genders), genders, slots, strict=True)
    return tuple(
        _build_person(number, name, gender, slot, number in foreign_ids)
        for number, (name, gender, slot) in enumerate(everyone)
    )


def _build_person(number: int, name: Name, gender: str, slot: ReleaseSlot | None, is_foreign: bool) -> Person:
    facility = slot.facility if slot else "el-rodeo-ii"
    arrest_date = date(2025, 3, 11) if number in MINORS else _draw_arrest_date(number)
    kind = _choose_release_kind(number)
    return Person(
        id=number,
        name=None if number == ARGENTINE_ISRAELI_PERSON else name,
        gender=gender,
        birth_year=_draw_birth_year(number, arrest_date),
        nationalities=_choose_nationalities(number, is_foreign),
        category=_choose_category(number, facility),
        groups=(slot.group,) if slot and slot.group else _choose_groups(number),
        publish=_choose_publish_class(number),
        facility=facility,
        detained_on=arrest_date.isoformat(),
        legal_status="convicted" if is_drawn(5, "legal", number) else "pretrial",
        released_on=slot.released_on.isoformat() if slot else None,
        kind=kind,
        conditions=_choose_conditions(number, kind),
    )


def _choose_gender(number: int, slot: ReleaseSlot | None) -> str:
    if slot is None or number in (*NAMED_PEOPLE, *MINORS):
        return "male"
    if slot.facility == "el-helicoide":  # holds men and women
        return pick_option(("female", "male"), "gender", number)
    return "female" if slot.facility in WOMENS_FACILITIES else "male"


def _choose_foreigners() -> frozenset[int]:
    """Return 17 of Foro Penal's first 84, the Argentine-Israeli among them, and a few of the later ones."""
    early_ids = [
        person
        for (source, person), filed_at in index_filing_times().items()
        if source == "foro-penal" and filed_at <= FIRST_84_FILED_AT
    ]
    candidates = [person for person in early_ids if person in JANUARY_IDS and person != ARGENTINE_ISRAELI_PERSON]
    other_foreigners = shuffle_items(candidates, "foreign")[: FOREIGNER_COUNT - 1]
    later_foreigners = [number for number in range(240, RELEASED_COUNT) if is_drawn(15, "foreign later", number)]
    return frozenset({ARGENTINE_ISRAELI_PERSON, *other_foreigners, *later_foreigners})


def _choose_nationalities(number: int, is_foreign: bool) -> tuple[str, ...]:
    if number == ARGENTINE_ISRAELI_PERSON:
        return ("AR", "IL")
    if not is_foreign:
        return ("VE",)
    country = pick_option(COUNTRIES, "country", number)
    return (country,) if is_drawn(2, "dual", number) else (country, "VE")


def _draw_arrest_date(number: int) -> date:
    first, days = pick_option(ARREST_WAVES, "arrest", number)
    return first + timedelta(days=draw_number("day", number) % days)


def _draw_birth_year(number: int, arrest_date: date) -> int:
    if number == ARGENTINE_ISRAELI_PERSON:
        return 1953
    if number in MINORS:
        return 2009
    return arrest_date.year - MIN_AGE - draw_number("birth", number) % AGE_RANGE


def _choose_category(number: int, facility: str) -> str:
    if facility in MILITARY_FACILITIES:
        return "military"
    return "police" if is_drawn(40, "police", number) else "civilian"


def _choose_groups(number: int) -> tuple[str, ...]:
    return (pick_option(GROUPS, "group", number),) if is_drawn(4, "in a group", number) else ()


def _choose_publish_class(number: int) -> str:
    if number in (*MINORS, *COUNT_ONLY_PEOPLE):
        return "counted"
    if number in NAMED_PEOPLE or (number != ARGENTINE_ISRAELI_PERSON and is_drawn(7, "named", number)):
        return "named"
    return "anonymous"


def _choose_release_kind(number: int) -> str:
    """Most are released under measures. Nothing is invented about the man in the news."""
    if number == ARGENTINE_ISRAELI_PERSON:
        return "unspecified"
    if is_drawn(10, "full", number):
        return "full_release"
    return "humanitarian" if is_drawn(60, "humanitarian", number) else "release_with_measures"


def _choose_conditions(number: int, kind: str) -> tuple[str, ...]:
    if kind != "release_with_measures":
        return ()
    extra_conditions = pick_option(
        ((), ("travel_ban",), ("travel_ban", "gag_order"), ("gag_order",)), "conditions", number
    )
    return ("reporting_duty", *extra_conditions)


Body = dict[str, Any]

METHODS = {
    "foro-penal": ("lawyer", "family", "family", "release_order"),
    "jep": ("family", "family", "detainee"),
    "pud": ("family", "at_the_gate", "photo_video"),
    "clippve": ("family", "at_the_gate", "detainee"),
    "sntp": ("detainee",),
}
# Sources whose list shortens names; None: no source does.
CARELESS_SOURCES = ("jep", "pud", "clippve", None)
# The day of the arrest of one man as it was printed; the alliance's list had the year.
PRINTED_ARREST_DATES = {"foro-penal": "2024-10-13", "jep": "2024-09-04", "pud": "2024"}
# All ages are as of the same month, in which nobody of the demo has a birthday.
AGE_ON, AGE_YEAR = "2026-01", 2026
# A page with a date of publication seventeen months before the release that it reports (case 10).
MISDATED_PERSON = 211
MISDATED_PAGE = {"url": "https://example.org/excarcelaciones-en-zona-7", "published_on": "2024-08-14"}
# Some people who let their names be published asked Foro Penal, and only Foro Penal, to protect them.
PROTECTED_ONE_IN = 9


def build_release_body(person: Person, source: str, verified_on: date) -> Body:
    """Return the release as the source verified it, on a day of Caracas."""
    release: Body = {"stage": "carried_out", "released_on": person.released_on}
    if _knows_outcome(person, source):
        release |= {"kind": person.kind, "conditions": list(person.conditions)}
    verification: Body = {
        "verdict": "verified",
        "method": pick_option(METHODS[source], "method", source, person.id),
        "verified_on": verified_on.isoformat(),
    }
    if source == "pud" and person.id == MISDATED_PERSON:
        verification["evidence"] = [dict(MISDATED_PAGE)]
    return build_detention_body(person, source) | {"release": release, "verification": verification}


def build_detention_body(person: Person, source: str) -> Body:
    """Return the person and the detention as the source reports them, without a verdict."""
    return {"detainee": _build_detainee(person, source), "detention": _build_detention(person, source)}


def write_full_name(person: Person, source: str) -> str | None:
    """Return the name in the source's spelling: at most one list spells a person otherwise than the rest.

    The first given name and the first surname are on every list, and of any two spellings one contains the other.
    """
    if person.name is None:
        return None
    first, second, father, mother = person.name
    spellings = {
        "jep": strip_accents(f"{first} {second} {father} {mother}"),
        "pud": f"{first} {second} {father}",
        "clippve": strip_accents(f"{first} {father} {mother}"),
    }
    full = f"{first} {second} {father} {mother}"
    return spellings.get(source, full) if pick_option(CARELESS_SOURCES, "spelling", person.id) == source else full


def _build_detainee(person: Person, source: str) -> Body:
    detainee: Body = {"full_name": write_full_name(person, source), "gender": person.gender}
    if person.id == ARGENTINE_ISRAELI_PERSON or (source == "jep" and is_drawn(4, "age", person.id)):
        detainee |= {"age": AGE_YEAR - 1 - person.birth_year, "age_on": AGE_ON}
    else:
        detainee["birth_date"] = str(person.birth_year)
    detainee["nationalities"] = list(person.nationalities)
    if source in ("foro-penal", "jep"):
        detainee |= {"category": person.category, "groups": list(person.groups)}
    if source in METHODS:  # no government calls anybody a political prisoner
        detainee["designation"] = "political"
    return detainee | {"publish": _choose_source_publish_class(person, source)}


def _choose_source_publish_class(person: Person, source: str) -> str:
    is_protected = source == "foro-penal" and is_drawn(PROTECTED_ONE_IN, "asked", person.id)
    return (
        "anonymous" if is_protected and person.publish == "named" and person.id not in NAMED_PEOPLE else person.publish
    )


def _build_detention(person: Person, source: str) -> Body:
    # A spreadsheet has slugs if it was made from the registry's own list, and names if it was typed.
    facility = FACILITY_NAMES[person.facility] if source in ("foro-penal", "jep", "sntp") else person.facility
    detention: Body = {"facility": facility, "country": "VE"}
    if (detained_on := _find_arrest_date(person, source)) is not None:
        detention["detained_on"] = detained_on
    if source in ("foro-penal", "jep"):
        detention["legal_status"] = person.legal_status
    return detention


def _find_arrest_date(person: Person, source: str) -> str | None:
    if person.id == ARGENTINE_ISRAELI_PERSON:
        return PRINTED_ARREST_DATES.get(source)
    chance = draw_number("arrest", source, person.id)
    if (source == "jep" and chance % 7 == 0) or (source == "clippve" and chance % 3 == 0):
        return None
    return person.detained_on[:7] if source == "pud" and chance % 4 == 0 else person.detained_on


def _knows_outcome(person: Person, source: str) -> bool:
    if source in ("clippve", "sntp"):
        return False
    return source != "pud" or not is_drawn(3, "outcome", person.id)
