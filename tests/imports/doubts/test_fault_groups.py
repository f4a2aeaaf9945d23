"""What is wrong with a list is told by kind and column, with what stands there, in the reader's language."""

import json

from app.imports.fault_groups import MAX_GROUPS, FaultGroups
from app.imports.faults import RECEIPT_LINES
from tests.support import World

LIST = "".join(
    [
        "Código;Nombre;Fecha de detención;País;Nota;\n",
        "MILITARES;;;;;\n",
        *(f"N-{n};Persona {chr(65 + n)} Rey;0{n + 1}/02/2025;VE;;\n" for n in (2, 3, 4, 5)),
        "N-7;Juana Paz y Carlos Paz;2025;VE;;\n",
        "N-8;Elsa Mora;s/d;VE;una nota;suelta\n",
    ]
)


def test_a_receipt_groups_what_is_wrong_and_what_is_asked(world: World) -> None:
    receipt = world.send_list(LIST.replace(";suelta", ";"), confirm=True)
    date, *asked = receipt["groups"]
    assert (date["code"], date["question"], date["count"], date["column"]) == ("ambiguous_date", False, 4, "C")
    assert (date["heading"], date["field"]) == ("Fecha de detención", "detention.detained_on")
    assert date["examples"] == [{"row": row, "value": f"0{row}/02/2025"} for row in (3, 4, 5)]
    assert [(one["code"], one["question"], one["count"]) for one in asked] == [
        ("section_title", True, 1),
        ("several_people", True, 1),
    ]
    assert (receipt["counts"]["new"], receipt["counts"]["error"]) == (1, 6)
    assert receipt["unsaid"] == [{"column": "C", "word": "s/d", "count": 1}]
    assert world.rows_of(receipt, outcome="error")[1]["errors"][0]["value"] == "03/02/2025"


def test_no_name_that_could_not_be_filed_is_kept(world: World) -> None:
    receipt = world.send_list(LIST, confirm=True)
    said = json.dumps([receipt, world.rows_of(receipt)], ensure_ascii=False)
    assert "section_title" in said
    columns = json.dumps(receipt["columns"], ensure_ascii=False)
    assert not any(word in said.replace(columns, "") for word in ("Juana", "MILITARES", "suelta"))


def test_a_receipt_is_told_in_the_language_that_a_client_prefers(world: World) -> None:
    receipt = world.send_list(LIST, confirm=True)
    address = f"/v1/imports/{receipt['id']}"
    accepted = world.headers("foro") | {"Accept-Language": "fr, es-VE;q=0.8, en;q=0.5"}
    spanish = world.client.get(address, headers=accepted)
    english = world.client.get(f"{address}?lang=en", headers=accepted)
    assert "Puede ser dos días distintos" in spanish.json()["groups"][0]["detail"]
    assert "This can be two days" in english.json()["groups"][0]["detail"]
    assert spanish.headers["ETag"] != english.headers["ETag"]
    rows = world.client.get(f"{address}/rows?lang=es", headers=world.headers("foro")).json()["data"]
    assert "Solo una celda de esta fila está llena" in rows[0]["errors"][0]["detail"]


def test_a_wrong_date_is_told_as_fully_in_spanish(world: World) -> None:
    wrong = ("30/02/2025", "ayer", 40 * "ayer ")
    said = "Código;Nombre;Fecha de detención;Fecha de nacimiento;País\n"
    said += "".join(f"N-{n};Persona {'ABCDE'[n]} Rey;{date};;VE\n" for n, date in enumerate(wrong))
    receipt = world.send_list(said + "N-9;Persona Z Rey;;1942-1936;VE\n", confirm=True)
    told = [row["errors"][0] for row in world.rows_of(receipt, lang="es")]
    assert {one["code"] for one in told} == {"invalid_date"}
    beginnings = ("Ese día no existe", "No se lee como fecha", "Escriba la fecha", "El mayor de estos")
    assert [one["detail"].startswith(words) for one, words in zip(told, beginnings, strict=True)] == [True] * 4


def test_a_column_whose_meaning_is_open_stops_the_run_until_a_mapping_says_it(world: World) -> None:
    said = "Name,Country,Sentence\nAna Ruz,VE,2031-12-07\n"
    receipt = world.send_list(said)
    assert (receipt["state"], [one["code"] for one in receipt["questions"]]) == ("questioned", ["column_unsure"])
    answered = world.send_list(said, mapping='[columns]\nSentence = "detention.sentence.until"\n')
    assert (answered["state"], answered["counts"]["new"]) == ("done", 1)


def test_a_column_of_days_of_publication_stops_also_a_confirmed_list(world: World) -> None:
    said = "Name,Country,Publish date\nAna Ruz,VE,2031-12-07\n"
    for confirm in (False, True):
        receipt = world.send_list(said, confirm=confirm)
        assert (receipt["state"], [one["code"] for one in receipt["questions"]]) == ("questioned", ["column_unread"])
    answered = world.send_list(said, mapping='[columns]\n"Publish date" = []\n')
    assert (answered["state"], answered["counts"]["new"]) == ("done", 1)


def test_what_a_mapping_says_of_rows_is_remembered_for_equal_rows_alone(world: World) -> None:
    leave = '[rows]\nsection_title = "leave_out"\n7 = "leave_out"\n8 = "leave_out"\ndates = "day_first"\n'
    mapping = 'dates = "day_first"\n' + leave.replace('dates = "day_first"\n', "")
    first = world.send_list(LIST.replace(";suelta", ";"), mapping=mapping)
    assert (first["left_out"], first["rows"], first["counts"]["new"]) == ({"count": 3, "rows": [2, 7, 8]}, 4, 4)
    again = world.send_list(LIST.replace(";suelta", ";"))
    assert (again["questions"], again["left_out"]["rows"], again["counts"]["unchanged"]) == ([], [2, 7], 4)
    assert again["counts"]["new"] == 1  # row 8 was never asked about


def test_of_a_list_that_is_wrong_in_too_many_columns_the_kinds_are_counted() -> None:
    groups = FaultGroups()
    for column in range(MAX_GROUPS + 50):
        groups.add(column, [{"code": "formula", "column": f"C{column}", "pointer": "", "detail": ""}])
    kept = groups.to_stored()
    assert (len(kept), kept[-1]["column"], kept[-1]["count"]) == (MAX_GROUPS + 1, None, 50)


def test_every_line_is_said_in_both_languages_with_the_same_values() -> None:
    pairs = [pair for said in RECEIPT_LINES.values() for pair in (said.values() if isinstance(said, dict) else [said])]
    for english, spanish in pairs:
        assert [english.count(mark) for mark in "{}"] == [spanish.count(mark) for mark in "{}"]
