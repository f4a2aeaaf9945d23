"""What a cell says of a person: read where every word is known, and never turned into its opposite."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.imports.fields import FIELDS
from app.imports.reader.cell_values import UnreadCell, parse_cell_value
from app.imports.reader.code_words import CELL_WORDS
from app.imports.reader.remarks import find_publication_wish, find_state_in_remark
from app.imports.reader.sheet_dates import DateContext, DateOrder
from app.imports.reader.states import (
    STATE_CHOICES,
    StateReading,
    expand_state,
    read_state,
)
from app.vocabulary import CODE_LISTS
from tests.growth import assert_grows_linearly

LIST = DateContext(DateOrder.DAY_FIRST, date(2026, 1, 20))
KIND, STATUS, ENDED, STAGE = "release.kind", "detention.legal_status", "detention.ended.how", "release.stage"
HOUSE, DEAD = {STATUS: "house_arrest"}, {ENDED: "died"}


@pytest.mark.parametrize(
    "cell, state, codes, on",
    [
        ("Excarcelado", "released", {}, None),
        ("EXCARCELADA", "released", {}, None),
        ("liberadas", "released", {}, None),
        ("excarcelado(a)", "released", {}, None),
        ("excarcelad@", "released", {}, None),
        ("excarcelado/a", "released", {}, None),
        ("ya salió", "released", {}, None),
        ("fue liberada", "released", {}, None),
        ("Estatus: Liberado", "released", {}, None),
        ("released", "released", {}, None),
        ("has been released", "released", {}, None),
        ("em liberdade", "released", {}, None),
        ("solta", "released", {}, None),
        ("libérée", "released", {}, None),
        ("remis en liberté", "released", {}, None),
        ("excarcelado el 14/1", "released", {}, "2026-01-14"),
        ("Liberado 12-ene-2026", "released", {}, "2026-01-12"),
        ("Liberada (12-ene-26)", "released", {}, "2026-01-12"),
        ("salió el 3 de enero", "released", {}, "2026-01-03"),
        ("En libertad desde el 8/1/26", "released", {}, "2026-01-08"),
        ("14/01/2026: excarcelado", "released", {}, "2026-01-14"),
        ("liberado en enero de 2026", "released", {}, "2026-01"),
        ("released on January 12, 2026", "released", {}, "2026-01-12"),
        ("libéré le 12 janvier 2026", "released", {}, "2026-01-12"),
        ("solto em 12 de janeiro de 2026", "released", {}, "2026-01-12"),
        ("excarcelado con medidas cautelares", "released", {KIND: "release_with_measures"}, None),
        ("excarcelado 14/1 c/medidas", "released", {KIND: "release_with_measures"}, "2026-01-14"),
        ("excarcelada, con medidas", "released", {KIND: "release_with_measures"}, None),
        ("Excarcelado con medidas el 14/1", "released", {KIND: "release_with_measures"}, "2026-01-14"),
        ("Excarcelación con medidas cautelares", "released", {KIND: "release_with_measures"}, None),
        ("Libertad plena", "released", {KIND: "full_release"}, None),
        ("en libertad sin medidas", "released", {KIND: "full_release"}, None),
        ("libertad condicional", "released", {KIND: "conditional_release"}, None),
        ("excarcelada bajo régimen de presentación", "released", {KIND: "release_with_measures"}, None),
        ("en liberté conditionnelle", "released", {KIND: "conditional_release"}, None),
        ("liberado por indulto", "released", {KIND: "pardon"}, None),
        ("excarcelado, casa por cárcel", "released", {KIND: "house_arrest"}, None),
        ("detenido", "held", {}, None),
        ("sigue detenida", "held", {}, None),
        ("Siguen presos", "held", {}, None),
        ("aún en prisión", "held", {}, None),
        ("still held", "held", {}, None),
        ("ainda preso", "held", {}, None),
        ("toujours détenue", "held", {}, None),
        ("sigue detenido al 20/01", "held", {}, "2026-01-20"),
        ("detenida al 15/1", "held", {}, "2026-01-15"),
        ("detenido desde el 12/03/2025", "held", {"detention.detained_on": "2025-03-12"}, None),
        ("detenido el 12/03/2025", "held", {"detention.detained_on": "2025-03-12"}, None),
        ("Condenada", "held", {STATUS: "convicted"}, None),
        ("detenido, prisión preventiva", "held", {STATUS: "pretrial"}, None),
        ("no excarcelado", "held", {}, None),
        ("aún no ha salido", "held", {}, None),
        ("sin excarcelar", "held", {}, None),
        ("recapturado", "held", {}, None),
        ("re-arrested", "held", {}, None),
        ("todavía no excarcelada", "held", {}, None),
        ("not released", "held", {}, None),
        ("not yet released", "held", {}, None),
        ("ainda não foi solto", "held", {}, None),
        ("pas encore libéré", "held", {}, None),
        ("no excarcelado al 20/01", "held", {}, "2026-01-20"),
        ("pendiente de excarcelación", "held", {STAGE: "ordered"}, None),
        ("boleta sin ejecutar", "held", {STAGE: "ordered"}, None),
        ("con boleta", "held", {STAGE: "ordered"}, None),
        ("boleta librada el 14/1", "held", {STAGE: "ordered", "release.ordered_on": "2026-01-14"}, None),
        ("excarcelación anunciada", "held", {STAGE: "announced"}, None),
        ("casa por cárcel", "house_arrest", HOUSE, None),
        ("Arresto domiciliario", "house_arrest", HOUSE, None),
        ("detenida, casa por cárcel", "house_arrest", HOUSE, None),
        ("under house arrest", "house_arrest", HOUSE, None),
        ("con casa por cárcel desde el 10/1", "house_arrest", HOUSE, "2026-01-10"),
        ("falleció", "died", DEAD, None),
        ("fallecidas", "died", DEAD, None),
        ("murió en custodia", "died", DEAD, None),
        ("† 11/11/2025", "died", DEAD, "2025-11-11"),
        ("+ 11/11/2025", "died", DEAD, "2025-11-11"),
        ("falleció 2025-11-10", "died", DEAD, "2025-11-10"),
        ("Q.E.P.D.", "died", DEAD, None),
        ("décédée", "died", DEAD, None),
        ("se fugó el 3/1", "escaped", {ENDED: "escaped"}, "2026-01-03"),
        ("escaped", "escaped", {ENDED: "escaped"}, None),
        ("trasladado", "transferred", {}, None),
        ("trasladada el 5/1", "transferred", {}, "2026-01-05"),
        ("extraditado", "transferred", {ENDED: "transferred_abroad"}, None),
        ("desaparecido", "disappeared", {STATUS: "enforced_disappearance"}, None),
        ("Desaparición forzada", "disappeared", {STATUS: "enforced_disappearance"}, None),
        ("se desconoce", "unknown", {}, None),
        ("S/I", "unknown", {}, None),
        ("?", "unknown", {}, None),
    ],
)  # fmt: skip
def test_a_state_is_read_with_its_codes_and_its_day(
    cell: str, state: str, codes: dict[str, str], on: str | None
) -> None:
    assert read_state(cell, LIST) == StateReading(state, codes, on)


@pytest.mark.parametrize(
    "cell",
    [
        "", "traslado", "traslado pendiente", "Libertad", "Libertad Ramírez", "Carmen Libre Soto", "periodista",
        "Sargento primero", "Miranda", "preso político", "fue detenido", "ya no está detenido", "no ha muerto",
        "no fallecido", "¿excarcelado?", "excarcelado?", "No, excarcelado", "no. excarcelado", "excarcelado: no",
        "sin medidas, no excarcelado", "por excarcelar", "posible excarcelado", "será liberado", "pide ser liberado",
        "excarcelado y detenido", "liberado y recapturado", "Excarcelación", "detenido el 12/1, excarcelado el 14/1",
        "excarcelado al 20/01", "libre el 31/2", "detenido 12/01/2026", "excarcelado en espera", "sigue excarcelado",
        "con medidas, libertad plena", "condenado excarcelado", "sin boleta", "exilio", "x", "sí", "12", "14/1",
        "liberado su hermano", "familiar fallecido", "murió su padre", "excarcelado " * 30,
    ],
)  # fmt: skip
def test_what_is_not_surely_a_state_is_not_read(cell: str) -> None:
    assert read_state(cell, LIST) is None


def test_a_day_in_two_orders_or_without_its_year_is_left_to_a_question() -> None:
    assert read_state("excarcelado el 3/4/2025", DateContext()) is None
    assert read_state("excarcelado el 14/1", DateContext()) is None
    assert read_state("excarcelado el 14/01/2026", DateContext()) == StateReading("released", {}, "2026-01-14")


@pytest.mark.parametrize(
    "remark, state, on",
    [
        ("excarcelado el 14/1 según su hermana", "released", "2026-01-14"),
        ("El 14/1 fue excarcelado de Tocorón", "released", "2026-01-14"),
        ("falleció en el hospital", "died", None),
        ("Enfermo. Falleció el 3/1 en el hospital.", "died", "2026-01-03"),
        ("fue excarcelado el 8/1 y falleció el 12/1", "died", "2026-01-12"),
        ("excarcelado el 8/1 y detenido de nuevo el 12/1", "held", "2026-01-12"),
        ("detenido en 2024, trasladado y luego excarcelado", "released", None),
        ("según su abogado aún no ha sido excarcelado", "held", None),
        ("la familia dice que sigue detenida", "held", None),
        ("tiene casa por cárcel por su edad", "house_arrest", None),
        ("trasladado al Rodeo I en diciembre", "transferred", None),
        ("tiene boleta de excarcelación y no sale", "held", None),
        ("detenido en su casa el 12/3", None, None),
        ("pide ser excarcelado por su salud", None, None),
        ("no ha fallecido", None, None),
        ("periodista de radio", None, None),
        ("se desconoce", None, None),
        ("sin visitas", None, None),
        ("traslado pendiente", None, None),
    ],
)
def test_a_remark_that_tells_of_a_state_is_found_to_ask_about_it(
    remark: str, state: str | None, on: str | None
) -> None:
    reading = find_state_in_remark(remark, LIST)
    assert (reading and reading.state, reading and reading.on) == (state, on)


@pytest.mark.parametrize(
    "remark, wish",
    [
        ("NO PUBLICAR", "counted"),
        ("ojo: no publicar, pidió la mamá", "counted"),
        ("no difundir", "counted"),
        ("Confidencial", "counted"),
        ("reserva", "counted"),
        ("La familia pide reserva del caso", "counted"),
        ("do not publish", "counted"),
        ("pide anonimato", "anonymous"),
        ("sin nombre", "anonymous"),
        ("No publicar el nombre", "anonymous"),
        ("reserva de identidad", "anonymous"),
        ("demande l'anonymat", "anonymous"),
        ("sargento de la reserva activa", None),
        ("ya no pide anonimato", None),
        ("publicar", None),
        ("calle sin nombre", None),
        ("", None),
    ],
)
def test_a_wish_about_publication_is_found_in_a_remark(remark: str, wish: str | None) -> None:
    assert find_publication_wish(remark) == wish


@pytest.mark.parametrize(
    "choice, on, fields",
    [
        ("released:full_release", "2026-01-14",
         {STAGE: "carried_out", KIND: "full_release", "release.released_on": "2026-01-14"}),
        ("released:unspecified", None, {STAGE: "carried_out"}),
        ("held", None, {}),
        ("held", "2026-01-20", {"detention.held_on": "2026-01-20"}),
        ("house_arrest", None, {STATUS: "house_arrest"}),
        ("died", "2025-11-10",
         {ENDED: "died", "detention.ended.on": "2025-11-10", "detainee.died_on": "2025-11-10"}),
        ("escaped", "2026-01", {ENDED: "escaped", "detention.ended.on": "2026-01"}),
        ("disappeared", None, {STATUS: "enforced_disappearance"}),
        ("transferred", "2026-01-05", {"note": "Traslado / Transferred: 2026-01-05"}),
        ("unknown", None, {}),
        ("-", None, {}),
    ],
)  # fmt: skip
def test_a_choice_becomes_the_fields_of_a_report(choice: str, on: str | None, fields: dict[str, str]) -> None:
    assert expand_state(choice, on) == fields


def test_the_choices_of_a_status_column_are_few_and_have_labels_in_both_languages() -> None:
    codes = [choice.code for choice in STATE_CHOICES]
    assert codes[:2] == ["held", "house_arrest"]
    assert codes[-6:] == ["died", "transferred", "escaped", "disappeared", "unknown", "-"]
    assert {f"released:{kind}" for kind in CODE_LISTS["release_kinds"]} < set(codes)
    assert len(set(codes)) == len(codes)
    for choice in STATE_CHOICES:
        assert choice.label("en") != choice.label("es")
        assert expand_state(choice.code, "2026-01-14").keys() <= FIELDS.keys()


@pytest.mark.parametrize("cell", ["casa por cárcel", "excarcelado con medidas el 14/1", "boleta librada el 14/1",
                                  "detenido desde 2024", "extraditado", "se desconoce"])  # fmt: skip
def test_what_is_read_is_one_of_the_choices_and_expands_to_fields(cell: str) -> None:
    reading = read_state(cell, LIST)
    assert reading is not None
    assert reading.choice in {choice.code for choice in STATE_CHOICES}
    assert reading.expand().keys() <= FIELDS.keys()
    assert reading.codes.items() <= reading.expand().items()


STATE_WORDS = sorted({word for words in CELL_WORDS["status"]["states"].values() for word in words})
ANY_WORDS = sorted(
    {word for section in ("states", "stages", "kinds", "words", "before_date") for words in
     CELL_WORDS["status"][section].values() for word in words}
)  # fmt: skip


@given(
    st.sampled_from(["no", "No", "aún no", "nunca", "sin", "not", "never", "não", "pas", "jamais", "non"]),
    st.sampled_from(["", "el 12/1 ", "persona ", "fue "]),
    st.sampled_from(STATE_WORDS),
    st.text(max_size=12),
)  # fmt: skip
def test_a_no_before_a_state_is_never_a_release(negation: str, before: str, word: str, after: str) -> None:
    reading = read_state(f"{before}{negation} {word} {after}", LIST)
    assert reading is None or reading.state != "released"


@given(st.lists(st.sampled_from([*ANY_WORDS, "12/1", "2026", ",", "(", ")", "?", "Ana"]), max_size=8))
def test_any_words_of_states_are_read_or_left_without_an_error(words: list[str]) -> None:
    text = " ".join(words)
    reading = read_state(text, LIST)
    assert reading is None or reading.expand().keys() <= FIELDS.keys()
    find_state_in_remark(text, LIST)
    find_publication_wish(text)


@given(st.text(max_size=80))
def test_any_text_is_read_or_left_without_an_error(text: str) -> None:
    assert read_state(text, DateContext()) is None or text.strip()
    find_state_in_remark(text, LIST)
    find_publication_wish(text)


@pytest.mark.parametrize("filling", [" ", "no ", "12/1 ", "excarcelado ", "(", ". ", "1", "ene ", "-"])
def test_no_remark_takes_long_to_read_whatever_it_is_full_of(filling: str) -> None:
    def read(length: int) -> None:
        text = "a" + filling * (length // len(filling)) + "b"
        find_state_in_remark(text, LIST)
        find_publication_wish(text)

    assert_grows_linearly(read, 32_000)


@pytest.mark.parametrize(
    "cell, state, on",
    [
        ("exc.", "released", None),
        ("Excarc. 15/01/2026", "released", "2026-01-15"),
        ("exc. el 14/1", "released", "2026-01-14"),
        ("det.", "held", None),
        ("LIB.", "released", None),
        ("fall. 9/1", "died", "2026-01-09"),
        ("dom.", "house_arrest", None),
        ("Trasl.", "transferred", None),
    ],
)
def test_a_word_with_a_full_stop_is_the_one_status_that_it_abbreviates(cell: str, state: str, on: str | None) -> None:
    reading = parse_cell_value("state", cell, LIST, None)
    assert (reading.state, reading.on) == (state, on)
    assert read_state(cell, LIST) is None, "elsewhere, as in the name of a sheet, an abbreviation is no status"


@pytest.mark.parametrize("cell", ["ex.", "cond.", "pres.", "sent.", "hosp.", "exc", "no pres."])
def test_an_abbreviation_of_several_statuses_or_of_none_is_asked_about(cell: str) -> None:
    with pytest.raises(UnreadCell):
        parse_cell_value("state", cell, LIST, None)


def test_an_answer_about_an_abbreviation_holds() -> None:
    assert parse_cell_value("state", "exc.", LIST, {"exc": "died"}).state == "died"
