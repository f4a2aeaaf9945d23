"""Headings in other words: questions, slips of the pen, suffixes, ids and private notes."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.imports.reader.heading_recognition import (
    NOT_NEEDED,
    ColumnProfile,
    Guess,
    guess_meaning,
    profile_column,
    recognise_heading,
)

EMPTY = profile_column([])
DATES = profile_column(["12/01/2026", "17-ene-26", "3 de mayo de 2025", "2025-03"])
CROSSES = profile_column(["X", "", "x", "✓"])
YES_OR_NO = profile_column(["sí", "no", "no", "sí"])
NAMES = profile_column(["Ana Ruz", "Olga Rey Paz", "Pino Gil, Luis"])
WORDS = profile_column(["llamar después", "vive con su tía", "sin novedad"])
JOBS = profile_column(["chofer", "albañil", "maestra"])
TERMS = profile_column(["12 años", "5 años y 3 meses", "30 meses"])
COUNTRIES = profile_column(["Nicaragua", "España", "Panamá"])
RANKS = profile_column(["militar", "civil", "militar"])
COUNTING = profile_column(["1", "2", "3", "4"])
CODES = profile_column(["VE-1", "VE-2", "VE-7"])
DOCKETS = profile_column(["KP01-P/2024", "AB-17/2023", "TC 331/2025"])
UUIDS = profile_column(["6f1c2f64-5b0e-4a55-9c1b-8d2f7c4f1a01", "0b6a3c1e-9f0d-4f0b-8a55-2c9d4d1e7b02"])
PRISONS = profile_column(["Cárcel de Tocorón", "Penal de Yare", "Los Teques"])
REGIONS = profile_column(["Zulia", "Táchira", "Zulia"])


def split_headings(text: str) -> list[str]:
    return [heading for part in text.replace("\n", " ").split(" | ") if (heading := " ".join(part.split()))]


def list_pairs(table: dict[str, str]) -> list[tuple[str, str]]:
    return [(heading, field) for field, text in table.items() for heading in split_headings(text)]


QUESTIONS = {
    "detention.detained_on": """
        ¿Cuándo lo detuvieron? | ¿Cuándo fue detenido? | When was he arrested? | When were they arrested |
        Quando foi preso? | Quand a-t-il été arrêté ? | ¿Cuándo la arrestaron? | When did they arrest him? |
        Quand a-t-elle été arrêtée ? | ¿Qué día lo detuvieron? | ¿En qué fecha fue capturada? |
        Em que data foi detido? | When was she taken? | ¿Cuándo se lo llevaron? | When was the person detained? |
        ¿Desde cuándo está preso? | Since when is he held? | Depuis quand est-il détenu ? | Desde quando está preso?
    """,
    "detention.charges": """
        ¿De qué se le acusa? | ¿De qué lo acusan? | What is he accused of? | What are they charged with? |
        Accused of | De quoi est-il accusé ? | Do que é acusado? | De que o acusam? | ¿Por qué lo detuvieron? |
        Why was he arrested? | Por que foi preso? | Pourquoi a-t-il été arrêté ? | ¿Qué delito le imputan? |
        What is she charged with? | Acusado de | De quoi l'accuse-t-on ? | ¿Qué cargos tiene?
    """,
    "detainee.full_name": """
        ¿Quién es? | ¿Quién? | Who is it? | Who is this? | Who | Qui est-ce ? | Quem é? | ¿Cómo se llama? |
        What is his name? | Comment s'appelle-t-il ? | Como se chama? | ¿Cuál es su nombre? |
        What is the person called?
    """,
    "release.kind": """
        ¿Cómo salió? | ¿De qué forma salió? | How did they get out? | How was he released? |
        Comment est-il sorti ? | Como saiu? | ¿Cómo fue liberado? | How did she leave prison? | Como foi solto?
    """,
    "release.released_on": """
        ¿Cuándo salió? | ¿Cuándo lo liberaron? | When was he released? | When did they get out? |
        Quand est-il sorti ? | Quando saiu? | Quando foi solto? | Quand a-t-elle été libérée ? |
        ¿Cuándo lo soltaron? | When did he leave prison?
    """,
    "detention.facility": """
        ¿Dónde está ahora? | Where are they now? | Where is he held? | Où est-il maintenant ? | Onde está agora? |
        ¿Dónde está preso? | ¿En qué cárcel está? | Where is she being held? | Où est-il détenu ? |
        Em que prisão está? | ¿Dónde se encuentra? | Which prison is he in? | Dans quelle prison est-il ? |
        ¿Dónde lo tienen?
    """,
    "detention.place": """
        ¿Dónde lo capturaron? | Where was he arrested? | Où a-t-il été arrêté ? | Onde foi capturado? |
        ¿Dónde fue arrestada? | ¿En qué ciudad lo detuvieron?
    """,
    "detainee.age": """
        ¿Qué edad tiene? | How old is he? | ¿Cuántos años tiene? | Quel âge a-t-il ? | Quantos anos tem? |
        Qual a idade?
    """,
    "detainee.died_on": """
        ¿Cuándo murió? | When did he die? | Quand est-il mort ? | Quando morreu?
    """,
}

ORDINALS = """
        Item | Serial number | S. No. | S.No | Sl. No. | Sr. No. | Serial No. | Ord. | Orden | Correlativo |
        N° correlativo | Numeral | Número de orden | Nº de fila | Row no. | Row # | Line no. | N° d'ordre |
        Nº d'ordre | Nº sequencial | Sequência | Secuencia | Item no. | Ítem Nº | Índice | Index | Contador |
        Número | Numéro | Posición | Rang n° | Nº de linha | Ligne | Sequence | Núm. de renglón | Nº ord. | Ordem |
        Conteo | Cons. | Consecutivo
"""

PARENTAGE = {
    "detainee.father_name": """
        Hijo de | Hija de | Hijo/a de | Hijo(a) de | Son of | Daughter of | Son/daughter of | S/o | D/o | S/o, D/o |
        Fils de | Fille de | Fils/fille de | Fils (fille) de | Filho de | Filha de | Filho(a) de | Nombre del papá |
        Name of father | Dad's name | Nom du père | Nome do pai | Father
    """,
    "detainee.aliases": """
        Vulgo | Dit | Dit(e) | Nom de guerre | Nombre de guerra | Mote | Conocido por | Known by | Nome de guerra |
        Sobriquet | Apodos | También llamado | Also called | Nicknames | Vulgo / alias | Alias(es) | Goes by |
        Appelé aussi | Também chamado | Nome artístico | Remoquete | Other names used | Autres noms
    """,
}

SUFFIXES = {
    "state:released": """
        Released (Y/N) | Liberado S/N | Excarcelado (sí/no) | Libéré (O/N) | Solto (S/N) | Released yes/no |
        Libre (s/n) | Freed [Y/N] | Libéré oui/non | Liberado sí o no | Released? Yes or no | Solto sim/não |
        En libertad (S/N) | ¿Salió? (sí/no) | Free Y/N
    """,
    "state:held": """
        Sigue detenido (S/N) | Detenido S/N | Still held (Y/N) | Toujours détenu (O/N) | Ainda preso (S/N) |
        Sigue preso sí/no | In custody Y/N | En detención (s/n) | Detained (Yes/No) | Still in prison? Y/N |
        Continúa detenido (Sí/No) | Continua preso (sim/não)
    """,
    "state:died": """
        Fallecido (S/N) | Died Y/N | Décédé (O/N) | Morreu (s/n) | Murió sí/no | Deceased [yes/no] | Morto (S/N)
    """,
    "state:house_arrest": """
        Casa por cárcel (S/N) | House arrest Y/N | Arresto domiciliario sí/no | Prisão domiciliar (S/N) |
        Assigné à résidence (O/N)
    """,
    "state:transferred": """
        Trasladado S/N | Transferred (Y/N) | Transféré (oui/non) | Transferido (s/n)
    """,
    "state:disappeared": """
        Desaparecido (S/N) | Missing (Y/N) | Disparu O/N | Disappeared yes / no
    """,
    "detainee.designation": """
        Preso político (S/N) | Political prisoner Y/N | Prisonnier politique (O/N) | Prisoner of conscience (yes/no)
    """,
    "detainee.publish": """
        Publicar (S/N) | Publish Y/N | Publier (O/N) | Publicar sim/não
    """,
    "verification.verdict": """
        Verificado (S/N) | Verified (Y/N) | Vérifié (O/N) | Confirmado sí/no
    """,
}

ENDS = {
    "state:house_arrest": """
        CxC | C x C | Casa x cárcel | Arr. dom. | Arresto dom. | Arr. domiciliario | Arresto domic. |
        Home confinement | Prisão dom. | Detención domiciliaria | Domiciliary arrest | House detention |
        Prisión en casa | Prisão em casa | Detenido en casa
    """,
    "release.destination": """
        Exiled to | Desterrado a | Banished to | Exilé à | Exilé vers | Exilado em | Exilado para | Banido para |
        Desterrada a | País de exilio | Country of exile | Pays d'exil | País de exílio | Lugar de destierro |
        Expulsado a | Deported to | Expulsé vers | Deportado a | Enviado a | Destino del destierro | Sent to |
        Banni vers | Expatriado a
    """,
    "detention.ended.how": """
        Motivo del cese | Reason of end | Motivo de fin | Cómo terminó la detención | How the detention ended |
        How did the detention end? | Motif de fin de détention | Motivo do término |
        Motivo del fin de la detención | Reason for ending | Cause of end | Comment la détention a pris fin |
        Como terminou a detenção | Motivo de cierre | Reason closed | Motif de clôture | ¿Cómo terminó? |
        How it ended | Causa del cese | Forma de terminación
    """,
    "detention.sentence.until": """
        EPRD | Expected release date | Cumple condena | Cumple condena el | Fecha en que cumple | Expected release |
        Fecha prevista de libertad | Fecha prevista de salida | Earliest possible release date |
        Projected release date | Date de sortie prévue | Date prévue de libération | Data prevista de soltura |
        Previsão de soltura | Cumplimiento de pena | Fecha de cumplimiento de la condena | Sentence expires |
        Sentence expiry date | Vencimiento de la pena | Fin prévue de la peine | Término da pena | Due for release |
        Scheduled release | Libertad prevista | Extinción de la pena | Cumple la pena | Fecha de cumplimiento |
        Sanción hasta
    """,
    "detention.sentence.term": """
        Sanción | Sanción (años) | Sanción impuesta | Pena impuesta | Sentence length | Length of sentence |
        Durée de la peine | Tempo de pena | Tiempo de condena | Pena de prisión | Años de prisión | Pena (anos) |
        Peine (années) | Quantum de la peine | Sanção | Sanction | Sentencia (años) | Pena em anos |
        Años de cárcel | Sentence (years) | Peine prononcée | Condena impuesta | Tiempo de sanción
    """,
}

PRIVATE = """
        Notas internas | Internal comments | Uso interno | No difundir | Quién llenó la fila | Preenchido por |
        Saisi par | Comentarios internos | Internal notes | Notes internes | Observações internas |
        Para uso interno | Internal use only | Usage interne | Notas privadas | Private notes | Notes privées |
        Comentarios confidenciales | Confidential notes | Observaciones reservadas | Solo para el equipo |
        Team notes | Staff only | No compartir | Do not share | Ne pas diffuser | Não divulgar | Ne pas partager |
        Não compartilhar | Do not circulate | Llenado por | Filled in by | Entered by | Rempli par | Digitado por |
        Registrado por | Recorded by | Completado por | Cargado por | Inserido por | Who filled in the row |
        Quem preencheu | Qui a saisi | Compiled by | Elaborado por | Notas de la oficina | Office use only |
        Notas del equipo | Nota interna (no publicar) | Not for publication notes | Observaciones (uso interno)
"""

DESIGNATIONS = """
        Kind of prisoner | Type of prisoner | Tipo de preso | Tipo de prisionero | PP/POC | PP / POC | POC |
        Qualification | Calificación | Qualificação | Prisoner of conscience | Preso de conciencia |
        Prisonnier d'opinion | Prisonnier de conscience | Preso de consciência | Prisioneiro de consciência |
        Type de prisonnier | Designation | PP o PDC | Preso político / de conciencia |
        Political prisoner or prisoner of conscience | Tipo de preso político | Category of prisoner |
        Clase de preso | Condición de preso político | Political prisoner status | Prisoner type
"""

SLIPS = {
    "detainee.surnames": """
        Last Nmae | Lsat name | Last naem | Surnmae | Apelildos | Aepllidos | Sobernome | Srunames
    """,
    "detainee.given_names": "First nmae | Frist name | Nmobres | Prneom | Prenmoe",
    "detainee.full_name": """
        Nombre cmopleto | Full nmae | Nome compelto | Nom copmlet | Nobmre completo
    """,
    "detention.detained_on": """
        Feahc de detención | eFcha de detención | Dtae of arrest | Date of arrset | Data da prisoã |
        Dtae d'arrestation | Fecha detenicón | Date of detnetion | Data de deetnção
    """,
    "detainee.birth_date": """
        Fecha de ncaimiento | Date of brith | Dtae de naissance | Data de nsacimento
    """,
    "detainee.age": "Edda | Eadd | Idaed",
    "detainee.gender": "Seox | Esxo | Gedner | Géneor",
    "detention.facility": "Rpison | Cácrel | Prsion | Centro de reclusóin",
    "detention.charges": "Dleito | Dleitos | Chagres | Accusaiton",
    "release.released_on": """
        Relaese date | Date of relesae | Fecha de libreación | Data de sotlura | Date de libéraiton
    """,
    "note": "Osbervaciones | Ntoas | Remrarks | Coments | Obesrvações",
}


@pytest.mark.parametrize(
    "heading, field", [pair for table in (QUESTIONS, PARENTAGE, SUFFIXES, SLIPS) for pair in list_pairs(table)]
)
def test_a_heading_in_other_words_has_its_field_as_the_first_guess(heading: str, field: str) -> None:
    assert recognise_heading(heading)[:1] == (field,)


@pytest.mark.parametrize("heading", split_headings(DESIGNATIONS))
def test_what_kind_of_prisoner_somebody_is_is_a_designation(heading: str) -> None:
    assert guess_meaning(heading, "", WORDS).field == "detainee.designation"


@pytest.mark.parametrize("heading", split_headings(PRIVATE))
@pytest.mark.parametrize("cells", [EMPTY, WORDS, NAMES, CROSSES])
def test_a_private_note_is_never_read_by_itself(heading: str, cells: ColumnProfile) -> None:
    assert guess_meaning(heading, "", cells) == Guess(None, False)


# Group, heading, cells, guess: what decides besides the words.
DECIDED = [
    ("Nombre", "Apellidos", EMPTY, Guess("detainee.surnames", True)),
    ("Nombre", "Nombres", EMPTY, Guess("detainee.given_names", True)),
    ("", "Profesión", JOBS, Guess("detainee.groups", False)),
    ("", "Métier", JOBS, Guess("detainee.groups", False)),
    ("", "Profissão", JOBS, Guess("detainee.groups", False)),
    ("", "Occupation", RANKS, Guess("detainee.category", True)),
    ("", "Categoría de preso", RANKS, Guess("detainee.category", True)),
    ("", "PP", CROSSES, Guess("detainee.designation", True)),
    ("", "ID persona", UUIDS, Guess("detainee_id", True)),
    ("", "ID persona", CODES, Guess("source_record_id", False)),
    ("", "Person ID", CODES, Guess("source_record_id", False)),
    ("", "ID pessoa", CODES, Guess("source_record_id", False)),
    ("", "ID personne", UUIDS, Guess("detainee_id", True)),
    ("", "detainee_id", UUIDS, Guess("detainee_id", True)),
    ("", "ID detención", UUIDS, Guess("detention_id", True)),
    ("", "ID detención", CODES, Guess("source_record_id", False)),
    ("", "ID détention", CODES, Guess("source_record_id", False)),
    ("", "ID excarcelación", UUIDS, Guess("release_id", True)),
    ("", "ID excarcelación", CODES, Guess("source_record_id", False)),
    ("", "Release ID", CODES, Guess("source_record_id", False)),
    ("", "ID", UUIDS, Guess("source_record_id", False)),
    ("", "Case #", CODES, Guess("source_record_id", False)),
    ("", "Case #", DOCKETS, Guess("detention.case", True)),
    ("", "N° RP", CODES, Guess("source_record_id", False)),
    ("", "N° RP", DOCKETS, Guess("detention.case", True)),
    ("", "Nº do caso", CODES, Guess("source_record_id", False)),
    ("", "Numéro du cas", DOCKETS, Guess("detention.case", True)),
    ("Tribunal", "Case #", CODES, Guess("detention.case", True)),
    ("JUDICIAL", "N° de caso", CODES, Guess("detention.case", True)),
    ("Court", "Case no.", CODES, Guess("detention.case", True)),
    ("Tribunal", "Nº", CODES, Guess("detention.case", True)),
    ("ARRESTO", "Lugar", PRISONS, Guess("detention.facility", True)),
    ("ARRESTO", "Lugar", REGIONS, Guess("detention.place", False)),
    ("Arrest", "Place", PRISONS, Guess("detention.facility", True)),
    ("Arrest", "Place", REGIONS, Guess("detention.place", False)),
    ("Arrestation", "Lieu", REGIONS, Guess("detention.place", False)),
    (
        "Arrestation",
        "Lieu",
        profile_column(["Prison centrale", "Prison de Ngaragba"]),
        Guess("detention.facility", True),
    ),
    ("Captura", "Local", profile_column(["Presídio Central", "Cadeia pública"]), Guess("detention.facility", True)),
    ("CAPTURA", "Lugar", profile_column(["Comando de Zona 11", "Comando 31"]), Guess("detention.facility", True)),
    ("DETENTION", "Place", profile_column(["IK-7", "SIZO-1", "IK-3"]), Guess("detention.facility", True)),
    ("DETENCIÓN", "Sitio", profile_column(["Zona 7", "Zona 43"]), Guess("detention.facility", True)),
    ("USO INTERNO", "Nombre", NAMES, Guess(None, False)),
    ("Internal", "Date", DATES, Guess(None, False)),
    ("ABUELA", "Cédula", CODES, Guess("detainee.national_id", False)),
    ("", "Liberado (S/N)", EMPTY, Guess("state:released", True)),
    ("", "Still held (Y/N)", CROSSES, Guess("state:held", True)),
    ("", "Libéré (O/N)", profile_column(["O", "N", "O"]), Guess("state:released", True)),
    ("", "Liberado (S/N)", DATES, Guess("state:released", False)),
    ("", "S/N", COUNTING, Guess(NOT_NEEDED, True)),
    ("", "Hijo de la víctima", NAMES, Guess(None, False)),
    ("", "Children", NAMES, Guess(None, False)),
    ("", "¿Quién lo detuvo?", NAMES, Guess(None, False)),
    ("", "Qui l'a arrêté ?", NAMES, Guess(None, False)),
    ("", "¿De dónde es?", REGIONS, Guess(None, False)),
    ("", "", COUNTING, Guess(NOT_NEEDED, True)),
    ("", "", profile_column(["34", "35"]), Guess(None, False)),
]
# Headings that mean something else, or perhaps so, whatever their cells.
NEVER_SURE = """
    Liberado (no) | No liberado | No detenido | Not released | Non libéré | Não libertado | Ex preso | Pena cumplida |
    Nombre s/o | Placa | Opinión | Called | Años en prisión | Years in prison | Cárcel anterior |
    Previous prison | Prison précédente | Prisão anterior | Fecha segunda detención | Re-arrested on |
    Expediente interno | Caso interno | Fuente interna | Source interne | Probable fecha de salida |
    Possible release date | Enviado a | Sent to | Data provável de soltura | Condena xyz | Edad probatoria |
    Detenido zzz | Fecha de detención provisional
"""
CELLS = [EMPTY, DATES, CROSSES, NAMES, WORDS, CODES, PRISONS, TERMS, UUIDS]


@pytest.mark.parametrize("group, heading, cells, guess", DECIDED)
def test_groups_and_cells_decide(group: str, heading: str, cells: ColumnProfile, guess: Guess) -> None:
    assert guess_meaning(heading, group, cells) == guess


@pytest.mark.parametrize("heading", split_headings(NEVER_SURE))
def test_a_heading_with_a_word_that_no_rule_explains_is_never_sure(heading: str) -> None:
    assert not any(guess_meaning(heading, "", cells).is_sure for cells in CELLS)


@pytest.mark.parametrize("heading", split_headings(ORDINALS))
@pytest.mark.parametrize("first", [1, 21, 101])
def test_a_column_that_counts_rows_is_not_needed(heading: str, first: int) -> None:
    numbers = profile_column([str(first + step) for step in range(4)])
    assert guess_meaning(heading, "", numbers) == Guess(NOT_NEEDED, True)


@pytest.mark.parametrize("heading, field", list_pairs(ENDS))
def test_how_and_when_a_detention_ends_is_read(heading: str, field: str) -> None:
    cells = {
        "state:house_arrest": CROSSES,
        "release.destination": COUNTRIES,
        "detention.ended.how": WORDS,
        "detention.sentence.until": DATES,
        "detention.sentence.term": TERMS,
    }
    assert guess_meaning(heading, "", cells[field]).field == field


SURE_FIELDS = [
    (heading, field) for table in (QUESTIONS, PARENTAGE) for heading, field in list_pairs(table) if heading.isascii()
]


@given(st.sampled_from(SURE_FIELDS), st.integers(0, 60))
def test_swapped_letters_never_make_another_meaning_sure(pair: tuple[str, str], place: int) -> None:
    heading, _field = pair
    at = place % (len(heading) - 1)
    text = heading[:at] + heading[at + 1] + heading[at] + heading[at + 2 :]
    word = next((word for word in text.split() if word not in heading.split()), "")
    assume(len(word.strip("?.,")) > 4 and heading[at : at + 2].isalpha() and not heading[at].isupper())
    guess = guess_meaning(text, "", EMPTY)
    assert not guess.is_sure or guess.field in recognise_heading(heading)
