"""Reasons are told in the language of a page, whatever the API names."""

from string import Formatter

import pytest
from starlette.requests import Request

from app.claims.reasons import MESSAGE_TEMPLATES
from app.web.api_client import ApiClient
from app.web.claims.reason_texts import REASON_SENTENCES, REASON_WEIGHTS, format_message, format_reason
from app.web.page import Page
from app.web.rendering import load_catalogue
from tests.claims import sentences

# What the API says in English, what is told of it in Spanish, and how much it weighs.
SAMPLES: list[tuple[str, str, int | None]] = [
    (
        "It counts requests to the courts: nobody has left custody by being asked for.",
        "Cuenta solicitudes a los tribunales: nadie sale de prisión porque se pida.",
        None,
    ),
    (
        "It counts `measures_lifted`, and is no count of releases or of the held.",
        "Cuenta otra cosa (medidas levantadas), y no excarcelaciones ni personas presas.",
        None,
    ),
    (
        "It is a misprint: its claimant did not give this number.",
        "Es una errata: quien figura como autor no dio este número.",
        None,
    ),
    (
        "By its own parts it adds `measures_lifted`, `rearrested` to `released`: two different things.",
        "Según sus propias partes, suma cosas distintas: personas excarceladas y medidas levantadas y nuevamente "
        "detenidas.",
        None,
    ),
    (
        "Its population is given in prose (100 % of {them}), and no terms of a count say who is meant.",
        "Dice a quién cuenta con palabras («100 % of {them}») con las que no se puede hacer ningún recuento.",
        None,
    ),
    (
        "It is of a part of those whom another figure counts, and no terms of a count say which part.",
        "Cuenta una parte de quienes cuenta otra cifra, y no dice cuál.",
        None,
    ),
    ("It does not say on which day they were held.", "No dice qué día estaban presas.", None),
    (
        "It says neither when it was stated nor until which day it counts.",
        "No dice cuándo se dio ni hasta qué día cuenta.",
        None,
    ),
    (
        "It is of 2027-01-01, and was filed before that day had come: nobody had counted.",
        "Es de un día que no había llegado cuando se registró (1 de enero de 2027): nadie había contado.",
        None,
    ),
    (
        "It is of the held, and its term `kind` is of releases.",
        "Es de personas presas, y se limita a un tipo de excarcelación.",
        None,
    ),
    (
        "Its terms name a facility that the registry does not know, or a name that several have, so that nobody can be "
        "counted.",
        "Es de un lugar que el registro no conoce, o de un nombre que llevan varios: no se puede contar a nadie.",
        None,
    ),
    (
        "Its terms name an area in which the registry knows no facility, so that nobody can be counted.",
        "Es de una zona en la que el registro no conoce ningún centro: no se puede contar a nadie.",
        None,
    ),
    (
        "Its terms name sources under `any_of` and under `all_of`; a count names them once.",
        "Nombra fuentes de dos maneras, y ninguna cuenta lo hace.",
        None,
    ),
    (
        "Its terms name a source that the registry does not know, so that nothing can be counted.",
        "Es de una fuente que el registro no conoce: no se puede contar nada.",
        None,
    ),
    (
        "Its terms ask for more sources than the registry has, so that nothing can be counted.",
        "Pide más fuentes de las que tiene el registro: no se puede contar nada.",
        None,
    ),
    (
        "Its terms are beyond what a count can be asked: more than 12 sources in a list, or more than 1000 that must "
        "agree.",
        "Pide más de lo que se puede pedir a una cuenta.",
        None,
    ),
    (
        "It was stated on 2026-01-13 and counts since 2026-02, without saying until when.",
        "Se dijo el 13 de enero de 2026 y cuenta desde febrero de 2026, que no había llegado, sin decir hasta cuándo.",
        None,
    ),
    (
        "It does not say since when it counts. The same number is printed as counted since 2024-12, 2025-12-23.",
        "No dice desde cuándo cuenta. La misma cifra se publicó como contada desde diciembre de 2024 y desde el 23 de "
        "diciembre de 2025.",
        None,
    ),
    ("It does not say since when it counts.", "No dice desde cuándo cuenta.", None),
    (
        "The registry has no report of releases in NI from 2026-01-08 to 2026-01-13.",
        "Nadie ha reportado al registro ninguna excarcelación en Nicaragua, desde el 8 de enero de 2026, hasta el 13 "
        "de enero de 2026.",
        None,
    ),
    (
        "The registry has no report of people held in any country on 1999-12-31.",
        "Nadie ha reportado al registro ninguna persona presa en ningún país, del 31 de diciembre de 1999.",
        None,
    ),
    (
        "When it was stated the registry had no report of releases in VE from 2026-01.",
        "Cuando se dijo, nadie había reportado al registro ninguna excarcelación en Venezuela, desde enero de 2026.",
        None,
    ),
    (
        "When it was stated the registry had no report of releases in any country to 2026-01.",
        "Cuando se dijo, nadie había reportado al registro ninguna excarcelación en ningún país, hasta enero de 2026.",
        None,
    ),
    (
        "When it was stated the registry had no report of people held in VE on 2026-01-08.",
        "Cuando se dijo, nadie había reportado al registro ninguna persona presa en Venezuela, del 8 de enero de 2026.",
        None,
    ),
    (
        "Its population is described in prose (women) beside its terms.",
        "También dice con palabras a quién cuenta («women»).",
        None,
    ),
    (
        "It counts releases that were `announced`, not those carried out.",
        "Cuenta excarcelaciones en otra etapa (anunciada), no las hechas efectivas.",
        None,
    ),
    (
        "Of its terms `area`, `gender` the registry counts only people of whom that may be shown.",
        "De lo que pregunta sobre cada persona, el registro solo cuenta a aquellas de quienes puede mostrarse.",
        None,
    ),
    (
        "It counts those it names; 12345 in the registry's count may not be named.",
        "Cuenta a quienes nombra. En la cuenta del registro hay 12.345 que no pueden nombrarse.",
        12345,
    ),
    (
        "Its parts by `batches` are 187 + 100 or more = 287 or more, and it says up to 250.",
        "Sus partes («batches») son 187 + al menos 100 = al menos 287, y dice como máximo 250.",
        None,
    ),
    (
        "It is of 2026-01-08, that of foro of no day: a number of people held changes every day.",
        "Es del 8 de enero de 2026; la de Foro Penal, de un día que no dice. El número de personas presas cambia cada "
        "día.",
        None,
    ),
    (
        "It counts since 2025-12; foro since 2026-01-08.",
        "Cuenta desde diciembre de 2025; Foro Penal, desde el 8 de enero de 2026.",
        None,
    ),
    (
        "It counts until 2026-01; foro without saying until when.",
        "Cuenta hasta enero de 2026; Foro Penal, sin decir hasta cuándo.",
        None,
    ),
    (
        "It counts without saying since when; foro since 2026-01-08.",
        "Cuenta sin decir desde cuándo; Foro Penal, desde el 8 de enero de 2026.",
        None,
    ),
    (
        "It is about `announced`; foro about `carried_out`.",
        "Se refiere a otra etapa (anunciada) que la de Foro Penal (hecha efectiva).",
        None,
    ),
    (
        "It begins before the registry's first report: there is none of releases in VE from 2024-12 to 2025-12-24.",
        "Empieza antes del primer reporte del registro: nadie ha reportado al registro ninguna excarcelación en "
        "Venezuela, desde diciembre de 2024, hasta el 24 de diciembre de 2025.",
        None,
    ),
    (
        "It counts another population than foro.",
        "Cuenta a una población distinta de la de Foro Penal.",
        None,
    ),
    (
        "It differs from foro in its terms: `group`, `release_kind`.",
        "Se distingue de Foro Penal en aquello a lo que se limita: grupo y condición en que salió.",
        None,
    ),
    (
        "One of it and foro leaves out who was taken again.",
        "De esta cifra y la de Foro Penal, una descuenta a quien volvió a prisión y la otra no.",
        None,
    ),
    (
        "foro counts those it names, which families may refuse.",
        "Foro Penal cuenta a quienes nombra, y una familia puede pedir que no se nombre a alguien.",
        None,
    ),
    (
        "The same number is printed as counted since 2025-12 too.",
        "La misma cifra se publicó también como contada desde diciembre de 2025.",
        None,
    ),
    (
        "897 and 896 differ by who was taken again.",
        "897 y 896 se distinguen por quien volvió a prisión.",
        None,
    ),
    (
        "It does not say whether it leaves out who was taken again: 298 gross, 296 net here.",
        "No dice si descuenta a quien volvió a prisión. Aquí serían 298 brutas o 296 netas.",
        2,
    ),
    (
        "The claimant gave 41 or more, 41, 60 to 70 on that one day.",
        "Ese mismo día dio varias cifras: al menos 41, 41 y entre 60 y 70.",
        None,
    ),
    (
        "It gives a day and no hour; foro, jep gave several that day.",
        "Da un día y no una hora, y ese día hubo varias cifras de Foro Penal y jep.",
        None,
    ),
    ("It repeats the figure of somebody not named.", "Repite la cifra de alguien sin nombrar.", None),
    ("It repeats the figure of foro.", "Repite la cifra de Foro Penal.", None),
    (
        "Nobody is named as its author; La Hoja; of `Caracas` printed it.",
        "No se nombra a su autor; la publicó La Hoja; of `Caracas`.",
        None,
    ),
    (
        "It does not say whether house arrest is being held: 347 here without those whom a release left under it, 351 "
        "with them.",
        "No dice si cuenta el arresto domiciliario. Aquí serían 347 sin quienes salieron a arresto domiciliario, y 351 "
        "con esas personas.",
        4,
    ),
    (
        "Each body lists political prisoners under a definition of its own: see /v1/sources.",
        "Cada organización incluye en su lista a presas y presos políticos según su propia definición.",
        None,
    ),
    (
        "The same 800 to 1200 is printed as the figure of foro too.",
        "La misma cifra (entre 800 y 1200) se publicó también como de Foro Penal.",
        None,
    ),
    (
        "Of that day the registry counts 421 more since.",
        "De ese día el registro conoce hoy 421 más que entonces.",
        421,
    ),
    (
        "Of that day the registry counts 3 fewer since.",
        "De ese día el registro cuenta hoy 3 menos que entonces.",
        3,
    ),
    (
        "The registry has learned of 2 more in the same window since.",
        "De los mismos días el registro conoce hoy 2 más que entonces.",
        2,
    ),
    (
        "The same running total was larger before: ask whether it was corrected, or leaves out people who were taken "
        "again.",
        "El mismo acumulado era mayor antes. Hay que preguntar si se corrigió o si descuenta a quien volvió a prisión.",
        None,
    ),
    (
        "It is more than 3 times the same running total before: ask whether it counts the same.",
        "Es más de 3 veces el mismo acumulado anterior. Hay que preguntar si cuenta lo mismo.",
        None,
    ),
]


def page(language: str) -> Page:
    request = Request({"type": "http", "app": None, "headers": [], "path": f"/{language}/"})
    registry = ApiClient(request, language)
    return Page(request, load_catalogue(language), registry, 1, {"foro": {"name": "Foro Penal", "independent": True}})


def reason(detail: str) -> dict[str, object]:
    """A reason of the API that says this."""
    said = {english: {"message_id": each, "arguments": given} for each, given, english in sentences.SENTENCES}
    return {"code": "window", "detail": detail, **said[detail]}


@pytest.mark.parametrize("detail,spanish,weight", SAMPLES, ids=[detail[:60] for detail, _told, _weight in SAMPLES])
def test_a_reason_is_told_in_the_language_of_the_page(detail: str, spanish: str, weight: int | None) -> None:
    one = format_reason(page("es"), reason(detail))
    assert (one.text.replace("\N{NO-BREAK SPACE}", " "), one.weight, one.title) == (spanish, weight, "Período")
    assert "%(" not in format_message(page("en"), reason(detail))


def test_the_pages_have_words_for_every_sentence_of_the_api() -> None:
    assert sorted(REASON_SENTENCES) == sorted(MESSAGE_TEMPLATES)
    assert {detail for detail, _told, _weight in SAMPLES} == {english for _id, _given, english in sentences.SENTENCES}


def test_a_reason_weighs_by_numbers_that_stand_in_its_sentence() -> None:
    for message_id, names in REASON_WEIGHTS.items():
        assert set(names) <= {name for _text, name, _how, _as in Formatter().parse(MESSAGE_TEMPLATES[message_id])}


def test_a_hostile_name_is_no_format() -> None:
    hostile = {"message_id": "author_unnamed", "arguments": {"reported_by": "%(x)s {x} <b>"}}
    assert format_message(page("en"), hostile) == "Nobody is named as its author; it was printed by %(x)s {x} <b>."
