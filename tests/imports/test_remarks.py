"""A remark that contradicts the status of its row is asked about, in whatever words; one that does not is not."""

from datetime import date
from typing import Any

import pytest

from app.imports.fields import STATE
from app.imports.mapping import ListMapping
from app.imports.reader.row_states import RowStates
from app.imports.reader.sheet_dates import DateContext, DateOrder
from app.imports.reader.states import StateReading

LIST = DateContext(DateOrder.DAY_FIRST, date(2026, 11, 20))
CONTRADICTIONS = {
    "held": [
        # Central America
        "la esposa dice q. salió el sábado", "la mamá avisa que ya lo soltaron", "lo dejaron ir anoche",
        "ya está en su casa, dice el abogado", "salió en la madrugada con fianza", "amaneció muerto en la celda",
        "les entregaron el cuerpo el 12/11",
        # Venezuela
        "lo soltaron el viernes en la tarde", "anda suelta desde el lunes", "salió de la Modelo ayer",
        "según la hermana ya está en la calle", "se fugó del calabozo en agosto", "lo mataron en el penal",
        # Cuba
        "le dieron la libertad el 3 de noviembre", "ya llegó a la casa", "lo echaron para la calle la semana pasada",
        "se ahorcó en la celda de castigo",
        # Brazil
        "a irmã diz que saiu ontem", "foi solto na sexta", "morreu no hospital da prisão",
        "já está em casa com a família",
        # English
        "family says she got out last week", "they let him go on Friday", "walked free after the hearing",
        "found dead in his cell",
    ],
    "released": [
        "OJO: sigue adentro, la hermana lo vio en visita",
        "la volvieron a agarrar 15/11", "lo metieron preso otra vez", "está de nuevo en el Chipote, detenido",
        "lo regresaron a la cárcel el lunes", "picked up again by police", "back in jail since Monday",
        "foi preso de novo em outubro", "murió dos días después",
    ],
}  # fmt: skip
AGREEMENTS = {
    "held": [
        "detenido en su casa", "salió a comprar cuando lo detuvieron", "lo agarraron saliendo del trabajo",
        "salió de su casa y no volvió", "la mamá espera que lo suelten pronto", "murió su padre en octubre",
        "dicen que va a salir en diciembre", "su hermano salió el sábado", "pide que lo dejen libre",
        "no lo han dejado salir al patio", "prometieron soltarlo", "salió positivo de covid", "enfermo, sin visitas",
        "lo llevaron otra vez a audiencia", "sigue sin salir", "si sale libre se va del país",
        "salió electo concejal en 2022", "trabaja en la calle", "la esposa está afuera del penal esperando",
        "preso común en la misma celda", "não deixaram a família visitar", "saiu de casa para o trabalho e foi detido",
        "o irmão foi solto na sexta", "may be released next month", "his brother was released on Monday",
        "arrested at home when he went out for bread", "not released yet",
    ],
    "released": [
        "salió enfermo", "ya está en su casa con la familia", "lo soltaron sin papeles", "estuvo preso 8 meses",
        "volvió a trabajar en el mercado", "teme que lo vuelvan a detener", "no lo han vuelto a molestar",
        "back home with her kids", "voltou para casa",
    ],
}  # fmt: skip


def ask(status: str, remark: str) -> list[str]:
    fields: dict[str, Any] = {STATE: StateReading(status), "note": remark}
    return [question for question, _field in RowStates(ListMapping(), None, str, LIST).expand(fields, "14")]


@pytest.mark.parametrize("status, remark", [(status, one) for status, all_ in CONTRADICTIONS.items() for one in all_])
def test_a_remark_that_contradicts_the_status_is_asked_about(status: str, remark: str) -> None:
    assert ask(status, remark) == ["remark_state"]


@pytest.mark.parametrize("status, remark", [(status, one) for status, all_ in AGREEMENTS.items() for one in all_])
def test_a_remark_that_agrees_or_tells_of_something_else_is_not_asked_about(status: str, remark: str) -> None:
    assert ask(status, remark) == []
