"""Headings as officers write them: which field each means, and what its cells change."""

import tomllib
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.imports.fields import FIELDS, STATE_DAY
from app.imports.reader import code_words
from app.imports.reader.heading_recognition import (
    CROSSED_STATES,
    MAX_CELLS,
    NOT_NEEDED,
    ColumnProfile,
    Guess,
    guess_meaning,
    profile_column,
    recognise_heading,
)
from app.imports.reader.heading_words import CONCEPTS, DATA, RULES

# Field → headings of lists that were sent.
KNOWN_HEADINGS = tomllib.loads(Path(__file__).with_name("known_headings.toml").read_text(encoding="utf-8"))
# Field → headings in Spanish, English, Portuguese and French, separated by " | ".
HEADINGS = {
    "detainee.full_name": """
        Apellidos, Nombres | Nombre del detenido | Apellidos y nombres | Nombre completo | NOMBRE DE LA VÍCTIMA |
        Nombres y Apellidos del PPL | Nombre/Apellido | Full Name of Prisoner | Detainee name | Nome completo |
        Nom et prénom | Nom complet | Prénom et nom | Nome do preso | Nombre (s) y Apellido (s) | Preso político |
        Apellido(s) y Nombre(s) | Name of detainee | Prisoner's name | Nombre y apellidos completos | Nombre
    """,
    "detainee.given_names": """
        Nombres | Prénoms | First name(s) | Given Name | Prenome | Prénom(s)
    """,
    "detainee.surnames": """
        Apellidos | Primer Apellido | Surname(s) | Last Name | Sobrenome | Nom de famille | Family name
    """,
    "detainee.aliases": """
        Alias / apodo | A.K.A. | Alcunha | Surnom | Otros nombres
    """,
    "detainee.gender": """
        Sexo | SEXO (M/F) | Género | Sex | Sexe | Gênero | M/F | Gender (m/f/x)
    """,
    "detainee.birth_date": """
        F. Nac. | Fec. Nac. | Fecha Nacimiento | F/N | Fecha de nac. (dd/mm/aaaa) | DOB | Date of birth |
        Data de nascimento | Date de naissance | Né(e) le | Año de nacimiento | Nacido el | Birth date |
        FECHA_NACIMIENTO | fechaNacimiento | Data nasc. | F.N.
    """,
    "detainee.age": """
        Edad | EDAD (años) | Edad al momento de la detención | Idade | Âge | Age at arrest | Edad actual |
        Edad al ser arrestado | Idade no momento da prisão | Âge au moment de l'arrestation | Age (years)
    """,
    "detainee.nationalities": """
        Nacionalidad | Nationality | Nationalité | Nacionalidade | Citizenship | Nacion. | País de origen | Ciudadanía
    """,
    "detainee.national_id": """
        C.I. | Cédula | CI | Nº de cédula | N° C.I. | Cédula de Identidad | DNI | Documento de identidad |
        Nº Documento | Pasaporte | RG | CPF | Passport No. | Numéro d'identité | Carné de identidad | National ID |
        Doc. identidad | Cédula de ciudadanía | ID card number | Nº passaporte
    """,
    "detention.detained_on": """
        Fecha de detención | F. Detención | Fec. Det. | Detenido desde | Fecha de arresto | Fehca de detencion |
        FECHA DETENCION | Fecha de captura | Date of arrest | Arrest date | Arrested on | Data da prisão |
        Data de detenção | Date d'arrestation | Arrêté le | Détenu depuis | Fecha en que fue detenido |
        Fecha y hora de detención | Preso desde | Día de la detención | In custody since | Held since |
        Fecha de aprehensión | Date of detention | Data da detenção | Fecha del arresto | Detention date |
        Fecha de privación de libertad | Date d'incarcération | Date arrested | Fch. detenc.
    """,
    "detention.facility": """
        Centro penitenciario | Centro de reclusión | Cárcel | Penal | Centro | Sitio de reclusión |
        Lugar de reclusión | Recinto | Prisión | Prison | Place of detention | Detention facility |
        Lieu de détention | Unidade prisional | Presídio | Établissement pénitentiaire | Nombre del penal |
        Penal actual | Centro de detención | Local de detenção | Cárcel actual | Lugar de reclusión actual |
        Current place of detention | Cárcel / Centro | Establecimiento penitenciario | Prison/colony | Held at |
        Recluido en | Lugar
    """,
    "detention.place": """
        Lugar de captura | Lugar de arresto | Place of arrest | Ciudad de detención | Provincia de detención |
        Lieu d'arrestation | Estado donde fue detenido | City of arrest | Departamento de arresto |
        Municipio de detención | Local da captura | Lieu de l'arrestation | Municipio
    """,
    "detention.country": """
        País | Country | Pays | País de detención
    """,
    "detention.legal_status": """
        Situación jurídica | Estatus procesal | Estado procesal | Legal status | Statut juridique |
        Situação jurídica | Situation judiciaire | Estado de la causa | Estatus legal | Situación penal |
        Situação processual
    """,
    "detention.charges": """
        Delito | Delitos imputados | Cargos | Charges | Acusación | Crime | Chef d'accusation | Accusation |
        Delito(s) | Motivo de la detención | Criminal charges | Artículo | Article of Criminal Code | Imputación |
        Cargos que se le imputan | Delitos
    """,
    "detention.case": """
        Expediente | Tribunal | Nº Expediente | Juzgado | Causa | N° de causa | Court | Processo nº |
        Nº de expediente judicial | Court case number | Docket No. | Exp. N° | Número de causa | Tribunal de la causa
    """,
    "detention.sentence.term": """
        Condena | Pena | Sentencia | Sentence | Peine | Años de condena | Condena (años) | Prison term | Condenação
    """,
    "detention.sentence.until": """
        Fin de la condena | Condena hasta | End of sentence | Fin de peine
    """,
    "release.released_on": """
        Fecha de excarcelación | F. Excarcelación | Fec. Exc. | Fecha de libertad | Fecha de liberación |
        Fecha salida | Release date | Date of release | Released on | Data de soltura | Date de libération |
        Libéré le | Liberado el | Fecha Excarcel. | Data da libertação | Fecha de puesta en libertad |
        Excarcelado el | Date released | Fecha liberacion (dd-mm-aaaa)
    """,
    "release.kind": """
        Tipo de excarcelación | Tipo de liberación | Modalidad | Release type | Type de libération |
        Tipo de soltura | Modalidad de liberación | Tipo | Modalidad de excarcelación
    """,
    "release.conditions": """
        Medidas cautelares | Medidas | Condiciones | Restricciones | Measures imposed | Mesures | Medidas impuestas |
        Conditions of release | Condições | Condiciones de la libertad
    """,
    "release.destination": """
        Destino | País de destino | Destination
    """,
    "release.announced_on": """
        Fecha de anuncio | Announced on
    """,
    "release.ordered_on": """
        Fecha de boleta | Boleta de excarcelación | Orden de excarcelación
    """,
    "state": """
        Estado | Situación | Situación actual | Estatus actual | Current status | Estado actual | Condición actual |
        Situação atual | Situation actuelle | État actuel | Estado del preso
    """,
    "note": """
        Observaciones | Obs. | Comentarios | Notas | Remarks | Notes | Observações | Remarques | OBSERV. | Detalles |
        Comments | Otros datos | Commentaires | Información adicional
    """,
    "detainee.publish": """
        Publicar | Autoriza publicación | Publish | Consentimiento para publicar | ¿Se puede publicar?
    """,
    "publish_not_before": """
        No publicar hasta | Embargo hasta | No publicar antes de | Do not publish before
    """,
    "detainee.publish_given_on": """
        Fecha del consentimiento
    """,
    "verification.citing": """
        Fuente | Según | Source | According to | Fonte | Fuentes | Reportado por
    """,
    "verification.evidence": """
        Enlace | Link | URL | Lien | Enlace de la noticia | Evidencia | Link de la fuente
    """,
    "verification.method": """
        Método de verificación | Verificado por | Cómo se verificó
    """,
    "verification.verified_on": """
        Fecha de verificación | Verified on | Date de vérification
    """,
    "verification.verdict": """
        Verificación | Verificado
    """,
    "source_record_id": """
        Código | Caso | ID | Nº de caso | Case No. | Ref. | Ficha | Código de caso | Nº de ficha
    """,
    "-": """
        Nº | N° | # | No. | Núm. | Ítem | Nro
    """,
    "detainee.died_on": """
        Fecha de fallecimiento | Fecha de muerte | Date of death | Date de décès | Data do óbito | F. fallec. |
        Fallecido el | Data da morte
    """,
    "state_on": """
        Fecha | Date | Fecha del estatus | Fecha de la situación | Data
    """,
    "detainee.father_name": """
        Nombre del padre | Father's name | Patronymic
    """,
    "detainee.category": """
        Categoría | Civil/Militar | Civil o militar
    """,
    "detainee.groups": """
        Profesión | Ocupación | Profession | Profissão | Oficio | Grupo
    """,
}
HEADINGS_WITHOUT_FIELD = """
    Teléfono | Familiar de contacto | Correo | Dirección | Organismo captor | Nombre de la madre | Abogado |
    Nombre del abogado | Fecha de audiencia | Fecha de traslado | Lugar de nacimiento | Estado civil |
    Estado de salud | Celda | Detenido por | Días detenido | Tiempo detenido | Phone | Lawyer | Téléphone |
    Endereço | Telefone do familiar | Fecha de sentencia | Lugar de fallecimiento | Fecha de registro |
    Organismo aprehensor | Nombre del familiar | Cédula del familiar | Hora de detención | Foto | Juez |
    Orden de captura | Avocat | Fiscal | Nome da mãe | Color favorito
"""
# Headings of today's lists whose cells decide; each still has its field among the candidates.
DECIDED_BY_CELLS = {"source", "sources", "fuente", "fuentes", "lugar de la detención"}

EMPTY = profile_column([])
DATES = profile_column(["12/01/2026", "17-ene-26", "", "3 de mayo de 2025", "2025-03"])
CROSSES = profile_column(["X", "", "x", "✓"])
YES_OR_NO = profile_column(["sí", "no", "no", "sí"])
NAMES = profile_column(["Ana Ruz", "Olga Rey Paz", "Pino Gil, Luis"])
STATES = profile_column(["detenido", "excarcelado", "detenido", "sigue preso desde enero"])
LEGAL_STATUSES = profile_column(["procesado", "condenada", "procesado"])
REGIONS = profile_column(["Zulia", "Táchira", "Zulia"])
PRISONS = profile_column(["Cárcel de Tocorón", "Penal de Yare", "El Helicoide"])
TOWNS_OR_PRISONS = profile_column(["Tocorón", "Yare III", "Rodeo I"])
COUNTING = profile_column(["1", "2", "3", "4"])
LINKS = profile_column(["https://example.org/1", "https://example.org/2"])
KINDS = profile_column(["con medidas", "plena", "con medidas"])
JOBS = profile_column(["chofer", "albañil", "maestra"])
RANKS = profile_column(["militar", "civil", "militar"])
GROUPS = profile_column(["estudiante", "periodista", "estudiante"])
CODES = profile_column(["VE-1", "VE-2", "VE-7"])
SENTENCES = profile_column(["Espera juicio por tercera vez", "Sin novedad"])


def split_headings(text: str) -> list[str]:
    return [heading for part in text.replace("\n", " ").split(" | ") if (heading := " ".join(part.split()))]


KNOWN = [(heading, field) for field, text in HEADINGS.items() for heading in split_headings(text)]


@pytest.mark.parametrize("heading, field", KNOWN)
def test_a_heading_has_its_field_as_the_first_guess(heading: str, field: str) -> None:
    assert recognise_heading(heading)[:1] == (field,)


@pytest.mark.parametrize("heading", split_headings(HEADINGS_WITHOUT_FIELD))
def test_data_of_relatives_and_other_events_have_no_field(heading: str) -> None:
    assert recognise_heading(heading) == ()
    assert guess_meaning(heading, "", NAMES) == Guess(None, False)


def test_headings_of_the_four_languages_are_many() -> None:
    assert len(KNOWN) >= 150


@pytest.mark.parametrize("field", KNOWN_HEADINGS)
def test_headings_that_were_known_keep_their_field(field: str) -> None:
    changed = {
        heading: meanings
        for heading in KNOWN_HEADINGS[field]
        if (meanings := recognise_heading(heading))[:1] != (field,)
    }
    assert changed.keys() <= DECIDED_BY_CELLS
    assert all(field in meanings for meanings in changed.values())


@pytest.mark.parametrize("day", code_words.CELL_WORDS["age_on"])
def test_headings_of_ages_on_a_known_day_are_ages(day: str) -> None:
    assert {recognise_heading(heading) for heading in code_words.CELL_WORDS["age_on"][day]} == {("detainee.age",)}


@pytest.mark.parametrize(
    "group, heading, cells, guess",
    [
        ("DETENCIÓN", "Fecha", DATES, Guess("detention.detained_on", True)),
        ("DETENCIÓN", "Lugar", PRISONS, Guess("detention.facility", True)),
        ("DETENCIÓN", "Lugar", REGIONS, Guess("detention.facility", False)),
        ("DETENCIÓN", "Edad", profile_column(["34", "23 a.", "c. 50"]), Guess("detainee.age", True)),
        ("DETENCIÓN", "Expediente", CODES, Guess("detention.case", True)),
        ("DETENCIÓN", "Mes", profile_column(["enero"]), Guess(None, False)),
        ("EXCARCELACIÓN", "Fecha", DATES, Guess("release.released_on", True)),
        ("EXCARCELACIÓN", "Tipo", KINDS, Guess("release.kind", True)),
        ("EXCARCELACIÓN", "Medidas", JOBS, Guess("release.conditions", True)),
        ("EXCARCELACIÓN", "Lugar", PRISONS, Guess(None, False)),
        ("Arrest", "Date", DATES, Guess("detention.detained_on", True)),
        ("Release", "Type", KINDS, Guess("release.kind", True)),
        ("Libération", "Date", DATES, Guess("release.released_on", True)),
        ("NACIMIENTO", "Fecha", DATES, Guess("detainee.birth_date", True)),
        ("NACIMIENTO", "Lugar", REGIONS, Guess(None, False)),
        ("FALLECIMIENTO", "Fecha", DATES, Guess("detainee.died_on", True)),
        ("CONDENA", "Hasta", DATES, Guess("detention.sentence.until", True)),
        ("ESTATUS", "Fecha", DATES, Guess(STATE_DAY, True)),
        ("Situación", "Jurídica", LEGAL_STATUSES, Guess("detention.legal_status", True)),
        ("SITUACIÓN ACTUAL", "Liberados", CROSSES, Guess("state:released", True)),
        ("DATOS PERSONALES", "Cédula", CODES, Guess("detainee.national_id", True)),
        ("DATOS PERSONALES", "Nombre", NAMES, Guess("detainee.full_name", True)),
        ("Datos del detenido", "Fecha", DATES, Guess(STATE_DAY, False)),
        ("FAMILIAR", "Nombre", NAMES, Guess(None, False)),
        ("FAMILIAR", "Cédula", CODES, Guess(None, False)),
        ("Contact person", "Name", NAMES, Guess(None, False)),
        ("ABOGADO", "Nombre", NAMES, Guess(None, False)),
    ],
)
def test_the_heading_of_a_group_completes_a_heading(
    group: str, heading: str, cells: ColumnProfile, guess: Guess
) -> None:
    assert guess_meaning(heading, group, cells) == guess


@pytest.mark.parametrize(
    "heading, cells, guess",
    [
        ("Liberado", CROSSES, Guess("state:released", True)),
        ("Liberado", YES_OR_NO, Guess("state:released", True)),
        ("Liberado", DATES, Guess("release.released_on", True)),
        ("Liberado", STATES, Guess("state", True)),
        ("Excarcelado", CROSSES, Guess("state:released", True)),
        ("Excarcelación", DATES, Guess("release.released_on", True)),
        ("Detenido", NAMES, Guess("detainee.full_name", True)),
        ("Detenido", DATES, Guess("detention.detained_on", True)),
        ("Detenido", CROSSES, Guess("state:held", True)),
        ("Detenido", STATES, Guess("state", True)),
        ("Sigue detenido", CROSSES, Guess("state:held", True)),
        ("Casa por cárcel", CROSSES, Guess("state:house_arrest", True)),
        ("Fallecido", CROSSES, Guess("state:died", True)),
        ("Fallecido", DATES, Guess("detainee.died_on", True)),
        ("Trasladado", CROSSES, Guess("state:transferred", True)),
        ("Fugado", CROSSES, Guess("state:escaped", True)),
        ("Disappeared", CROSSES, Guess("state:disappeared", True)),
        ("Nº", COUNTING, Guess(NOT_NEEDED, True)),
        ("#", COUNTING, Guess(NOT_NEEDED, True)),
        ("N° de orden", COUNTING, Guess(NOT_NEEDED, True)),
        ("", COUNTING, Guess(NOT_NEEDED, True)),
        ("Nº", CODES, Guess("source_record_id", False)),
        ("Código", CODES, Guess("source_record_id", True)),
        ("Código", COUNTING, Guess("source_record_id", False)),
        ("Fecha", DATES, Guess(STATE_DAY, False)),
        ("Estado", STATES, Guess("state", True)),
        ("Estado", REGIONS, Guess("detention.place", False)),
        ("Estatus", STATES, Guess("state", True)),
        ("Estatus", LEGAL_STATUSES, Guess("detention.legal_status", True)),
        ("Estatus", SENTENCES, Guess("detention.legal_status", False)),
        ("Released Y/N", YES_OR_NO, Guess("state:released", True)),
        ("Días en detención", JOBS, Guess(None, False)),
        ("Situación actual", STATES, Guess("state", True)),
        ("Situación actual", SENTENCES, Guess("note", False)),
        ("Lugar", PRISONS, Guess("detention.facility", True)),
        ("Lugar", REGIONS, Guess("detention.facility", False)),
        ("Cárcel", TOWNS_OR_PRISONS, Guess("detention.facility", True)),
        ("Tipo", KINDS, Guess("release.kind", True)),
        ("Tipo", JOBS, Guess("release.kind", False)),
        ("Profesión", JOBS, Guess("detainee.groups", False)),
        ("Profesión", RANKS, Guess("detainee.category", True)),
        ("Ocupación", GROUPS, Guess("detainee.groups", True)),
        ("Fuente", LINKS, Guess("verification.evidence", True)),
        ("Fuente", JOBS, Guess("verification.citing", True)),
        ("Preso político", NAMES, Guess("detainee.full_name", True)),
        ("Preso político", YES_OR_NO, Guess("detainee.designation", True)),
        ("No publicar", CROSSES, Guess("detainee.publish", False)),
        ("Fecha de detención", profile_column(["45000", "45010"]), Guess("detention.detained_on", True)),
        ("Fecha de detención", CROSSES, Guess("detention.detained_on", False)),
        ("Enlace", JOBS, Guess("verification.evidence", False)),
        ("Estado", EMPTY, Guess("state", False)),
        ("Fecha de detención", EMPTY, Guess("detention.detained_on", True)),
    ],
)
def test_cells_decide_between_meanings(heading: str, cells: ColumnProfile, guess: Guess) -> None:
    assert guess_meaning(heading, "", cells) == guess


@pytest.mark.parametrize(
    "heading",
    ["Nombre y cédula", "Fecha y lugar de detención", "Sexo y edad", "Delito / Tribunal", "Name and passport"],
)
@pytest.mark.parametrize("cells", [EMPTY, NAMES, DATES, JOBS, CROSSES])
def test_a_heading_with_words_of_two_fields_is_not_sure(heading: str, cells: ColumnProfile) -> None:
    assert not guess_meaning(heading, "", cells).is_sure


@pytest.mark.parametrize("heading", ["Fecha de detención en Xanadú", "Nombre clave", "Edad xyz"])
def test_a_heading_with_an_unknown_word_is_not_sure(heading: str) -> None:
    assert not guess_meaning(heading, "", EMPTY).is_sure


@pytest.mark.parametrize(
    "heading, meaning",
    [
        ("Fehca de detencion", "detention.detained_on"),
        ("Fecha de nacimineto", "detainee.birth_date"),
        ("Centro de reclucion", "detention.facility"),
        ("Fecha de exarcelación", "release.released_on"),
        ("Obsevaciones", "note"),
        ("Date of arest", "detention.detained_on"),
        ("Nacionalida", "detainee.nationalities"),
    ],
)
def test_a_slip_of_the_pen_is_read(heading: str, meaning: str) -> None:
    assert recognise_heading(heading) == (meaning,)


@pytest.mark.parametrize("heading", ["Hombres", "Fecha de detección", "Celda", "Peso"])
def test_a_known_word_is_not_taken_for_a_slip_of_another(heading: str) -> None:
    assert recognise_heading(heading) == ()


PLAIN = ["Fecha de detención", "Nombre completo", "Tipo de excarcelación", "Lugar de captura", "Date of birth",
         "Situação jurídica", "Numéro du passeport", "Casa por cárcel", "Fin de la condena", "Data da prisão",
         "Edad al momento de la detención", "Last name of the prisoner", "Medidas cautelares impuestas"]  # fmt: skip
PARTICLES = st.lists(st.sampled_from(["de", "del", "la", "los", "of", "the", "da", "du", "des"]), max_size=3)


@given(st.sampled_from(PLAIN), st.randoms(use_true_random=False), PARTICLES)
def test_order_and_particles_do_not_matter(heading: str, random: object, particles: list[str]) -> None:
    words = [*heading.split(), *particles]
    random.shuffle(words)  # type: ignore[attr-defined]
    assert recognise_heading(" ".join(words)) == recognise_heading(heading)


@pytest.mark.parametrize("heading", PLAIN[:4])
def test_every_order_of_words_means_the_same(heading: str) -> None:
    assert {recognise_heading(" ".join(words)) for words in permutations(heading.split())} == {
        recognise_heading(heading)
    }


ACCENTS = str.maketrans("áéíóúâêôãõçñà", "aeiouaeoaocna")


@given(st.sampled_from(KNOWN), st.sampled_from(["{}", "  {} ", "{}*", "{}:", "{} (dd/mm/aaaa)", "¿{}?", "({})"]))
def test_case_accents_and_punctuation_do_not_matter(known: tuple[str, str], frame: str) -> None:
    heading, _field = known
    expected = recognise_heading(heading)
    assert recognise_heading(frame.format(heading)) == expected
    assert recognise_heading(heading.upper()) == expected
    assert recognise_heading(heading.translate(ACCENTS)) == expected


@given(st.text(max_size=300), st.text(max_size=40), st.lists(st.text(max_size=30), max_size=8))
def test_any_text_is_a_heading_a_group_and_a_cell(heading: str, group: str, cells: list[str]) -> None:
    profile = profile_column(cells)
    guess = guess_meaning(heading, group, profile)
    assert guess.field is None or guess.field in FIELDS.keys() | CROSSED_STATES | {NOT_NEEDED, STATE_DAY}
    assert guess.field is not None or not guess.is_sure
    assert 0 <= min(profile.dates, profile.numbers, profile.crosses) <= profile.distinct <= profile.filled + 1


WORDS = st.sampled_from([word for text in HEADINGS.values() for heading in split_headings(text)
                         for word in heading.split()])  # fmt: skip


@given(st.lists(WORDS, max_size=6))
def test_words_of_headings_in_any_mix_never_raise(words: list[str]) -> None:
    assert len(set(meanings := recognise_heading(" ".join(words)))) == len(meanings)


def test_a_profile_looks_at_a_bounded_number_of_cells() -> None:
    endless = (str(number) for number in iter(int, 1))
    profile = profile_column(endless)
    assert (profile.filled, profile.distinct, profile.counts_rows) == (MAX_CELLS, 1, False)


@pytest.mark.parametrize(
    "cell",
    ["12/1", "12/01/26", "17-ene-26", "17/enero/2026", "3 de mayo de 2025", "mayo 2024", "2025-03", "Jan 17, 2026",
     "1er août 2024", "12 de março de 2023", "2026-01-12 00:00:00", "03.09.2024"],
)  # fmt: skip
def test_a_date_in_any_style_is_a_date(cell: str) -> None:
    assert profile_column([cell]).dates == 1


@pytest.mark.parametrize(
    "cell", ["V-12.049.430", "1.5", "Mayo", "45/99", "excarcelado el 14/1", "34", "Rodeo I", "1-2-3-4"]
)
def test_other_cells_are_no_dates(cell: str) -> None:
    assert profile_column([cell]).dates == 0


@pytest.mark.parametrize(
    "cells, counts",
    [
        (["1", "2", "3"], True),
        (["1.", "2.", "", "3."], True),
        (["1.0", "2.0"], True),
        (["1", "2", "1", "2", "3"], True),
        (["3", "1"], False),
        (["1", "1", "1"], False),
        (["21", "22", "23"], True),
        (["101", "102"], True),
        (["101", "103", "102"], False),
        (["34"], False),
        ([], False),
    ],
)
def test_numbers_of_rows_follow_each_other(cells: list[str], counts: bool) -> None:
    assert profile_column(cells).counts_rows is counts


def test_the_data_file_names_only_what_exists() -> None:
    wider = {kind for kinds in DATA["kinds"].values() for kind in kinds}
    named = {term for rule in RULES for term in rule.required | rule.optional}
    named |= {*DATA["kinds"], *DATA["weak"], *DATA["attributes"]}
    assert named <= CONCEPTS | wider
    assert {concept for concepts in DATA["whole"] for concept in concepts.split()} <= CONCEPTS
    assert DATA["fields"].keys() <= FIELDS.keys() | CROSSED_STATES | {NOT_NEEDED, STATE_DAY, "nothing"}


def test_the_data_file_is_read_as_it_stands() -> None:
    path = Path(code_words.__file__).with_name("heading_words.toml")
    assert tomllib.loads(path.read_text(encoding="utf-8")) == DATA
