"""Headings of many fields as different people write them, in four languages, with the cells under them."""

import pytest

from app.imports.reader.heading_recognition import ColumnProfile, Guess, guess_meaning, profile_column

DATES = profile_column(["12/01/2026", "17-ene-26", "3 de mayo de 2025", "2025-03"])
CROSSES = profile_column(["X", "", "x", "✓"])
YES_OR_NO = profile_column(["sí", "no", "no", "sí"])
NAMES = profile_column(["Ana Ruz", "Olga Rey Paz", "Pino Gil, Luis"])
WORDS = profile_column(["llamar después", "vive con su tía", "sin novedad"])
JOBS = profile_column(["chofer", "albañil", "maestra"])
TERMS = profile_column(["12 años", "5 años y 3 meses", "30 meses"])
COUNTRIES = profile_column(["Nicaragua", "España", "Panamá"])
CODES = profile_column(["VE-1", "VE-2", "VE-7"])
PRISONS = profile_column(["Cárcel de Tocorón", "Penal de Yare", "Los Teques"])
REGIONS = profile_column(["Zulia", "Táchira", "Zulia"])
STATES = profile_column(["detenido", "excarcelado", "detenido"])
LEGAL_STATUSES = profile_column(["procesado", "condenada", "procesado"])
AGES = profile_column(["34", "23", "56"])
GENDERS = profile_column(["M", "F", "M"])

# Field, its cells and its headings, separated by " | ".
HEADINGS: list[tuple[str | None, ColumnProfile, str]] = [
    (
        "detainee.full_name",
        NAMES,
        """
        Who is the prisoner? | Nombre y apellidos de la persona detenida | Nom de la victime | Nome do detido |
        Persona | Prisoner | Nom & prénoms | Surname, first name | Family name, given name
        """,
    ),
    ("detainee.surnames", NAMES, "1er apellido | 2do apellido"),
    ("detainee.given_names", NAMES, "Nombre de pila"),
    ("detainee.aliases", WORDS, "Nick | Apodo / alias | Le llaman | Le dicen"),
    ("detainee.gender", GENDERS, "Hombre o mujer | Masc/Fem | Male/female | H/M"),
    ("detainee.age", AGES, "Edad actual (años) | Edad al detenerlo | How old when arrested"),
    ("detainee.birth_date", DATES, "Fecha en que nació | Nasc. | Né le | Nascido em"),
    ("detainee.nationalities", COUNTRIES, "Citoyen de | Passport country"),
    ("detainee.national_id", CODES, "CI / Pasaporte | Carte d'identité n°"),
    (
        "detainee.father_name",
        NAMES,
        """
        Hijo(a) de (padre) | Nombre del progenitor | Filho(a) de (pai) | Fils / fille de
        """,
    ),
    (
        "detention.detained_on",
        DATES,
        """
        Cuándo cayó preso | Fecha en que lo llevaron preso | Preso el | Day of arrest | Taken on |
        Jour de l'arrestation | Placé en détention le | Dia da prisão | Preso em | In prison since |
        En prison depuis | Privado de libertad desde | Secuestrado el
        """,
    ),
    (
        "detention.facility",
        PRISONS,
        """
        Dónde está recluido | Actualmente en | Currently held in | Détenu à | Preso em que unidade |
        Cárcel donde está | Jail | Penitenciaría | IK / SIZO
        """,
    ),
    ("detention.place", REGIONS, "Lugar donde fue arrestado | Arrested in (city) | Arrêté à | Cidade da prisão"),
    (
        "detention.charges",
        WORDS,
        """
        Delito que se le imputa | Accusé de | Acusado(a) de | Charged under | Base légale | Artículos |
        Motif d'arrestation | Por qué está preso | Why is he in prison?
        """,
    ),
    ("detention.legal_status", LEGAL_STATUSES, "Situation pénale | Procesado o condenado | Procesado/condenado"),
    ("detention.legal_status", YES_OR_NO, "Condenado? | Has he been sentenced?"),
    ("detention.case", CODES, "Exp. judicial | Nº do processo"),
    ("source_record_id", CODES, "Dossier n°"),
    ("detention.sentence.term", TERMS, "Años de sentencia | Pena em anos | Condamnation"),
    (
        "detention.sentence.until",
        DATES,
        """
        Sentenced until | Libérable le | Sortie prévue | Fim da pena | Soltura prevista | Cumple sanción |
        Fecha de extinción
        """,
    ),
    (
        "release.released_on",
        DATES,
        """
        Fecha en que salió libre | Día de salida | Out since | Libre depuis | Solto em | Sorti le
        """,
    ),
    ("release.kind", WORDS, "Cómo quedó libre | Type de sortie | Manner of release"),
    ("release.conditions", WORDS, "Medidas que le impusieron | Contrôle judiciaire | Bajo qué medidas"),
    ("release.destination", COUNTRIES, "Exilio: país | Se fue a | Desterrado hacia | Exile destination | Parti vers"),
    ("state:held", YES_OR_NO, "¿Sigue ahí?"),
    ("state:held", CROSSES, "Sigue adentro | Still inside | Toujours en prison | Ainda na prisão"),
    ("state:released", CROSSES, "Ya salió | Fuera | Out | Dehors"),
    ("state:died", CROSSES, "Falleció | Murió en prisión"),
    ("state:house_arrest", CROSSES, "Casa | Domic. | A.D. | Résidence surveillée"),
    ("state", STATES, "Situación al día de hoy | Estado hoy | Status now | Où en est-il ?"),
    ("state_on", DATES, "Fecha del dato | As of | Fecha de corte | Al día"),
    ("verification.citing", WORDS, "Quién lo reportó | Sacado de"),
    ("verification.evidence", WORDS, "Fuente (link)"),
    ("verification.method", WORDS, "Confirmado por | Cómo se confirmó"),
    ("verification.verified_on", DATES, "Fecha confirmación"),
    ("note", WORDS, "Comentario | Otros | Autres | Outros | Misc | Extra | Algo más | Divers"),
    (
        "detainee.publish",
        YES_OR_NO,
        """
        Familia acepta publicar | Family consents to publication | Permiso de la familia | ¿Publicamos el nombre? |
        Accord pour publier
        """,
    ),
    ("publish_not_before", DATES, "Reservar hasta | Publicar a partir de | Embargoed till"),
    ("detainee.publish_given_on", DATES, "Fecha de permiso"),
    ("detainee.groups", JOBS, "Perfil | Sector social | Trabajaba de | Works as"),
    ("detainee.category", WORDS, "Civil / militaire"),
    ("detention.held_on", DATES, "Visto por última vez | Last seen alive | Vu la dernière fois"),
    (
        None,
        WORDS,
        """
        Solo nosotros | Interno - no compartir | Pour l'équipe | Iniciales | Initials | Para nosotros
        """,
    ),
    (
        None,
        NAMES,
        """
        Llenó | Encargado | Preenchedor | Relevé par | Quem visita | Who visits | Visitado por
        """,
    ),
    (None, CODES, "Teléfono mamá | Numéro de la mère"),
]
PAIRS = [(" ".join(heading.split()), cells, field) for field, cells, text in HEADINGS for heading in text.split("|")]


@pytest.mark.parametrize("heading, cells, field", PAIRS)
def test_the_field_of_a_heading_is_the_first_guess(heading: str, cells: ColumnProfile, field: str | None) -> None:
    assert guess_meaning(heading, "", cells).field == field


@pytest.mark.parametrize("heading", ["Identité du détenu", "Cédula", "Document d'identité", "Documento"])
def test_names_under_a_heading_of_identity_are_no_number(heading: str) -> None:
    assert guess_meaning(heading, "", NAMES) == Guess("detainee.national_id", False)


@pytest.mark.parametrize("heading", ["Detenido", "Situación actual", "Status", "État actuel"])
def test_names_of_prisons_are_no_state(heading: str) -> None:
    names = profile_column(["Cárcel de Tocorón", "Penal de Yare", "Cárcel de Uribana"])
    assert guess_meaning(heading, "", names) != Guess("state", True)
