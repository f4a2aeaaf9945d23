"""Sending a list at the desk: tried first, answered in place, sent once, and kept by nobody in between."""

import re
from collections.abc import Callable

import pytest

from app.fair_queue import Client
from app.imports.filing import import_store
from app.tables import open_workbook
from app.web.desk import answers, list_upload
from app.web.desk.sessions import IDLE_TIMEOUT
from tests.support import World
from tests.web.desk.officer import Officer

PATH = "/desk/list"
HEAD = "Código;Nombre y apellidos;Fecha de detención;País;Fecha de excarcelación;Verificación;Método"
LIST = "\n".join(
    [
        HEAD,
        "EX-1;Leocadia Inés Mendizábal Ruz;2025-03-02;Venezuela;12 de enero de 2026;verificada;familia",
        "EX-2;Evelio Ramón Tascón Briceño;03/04/2025;Venezuela;2026-01-14;verificada;familia",
        "EX-3;Casimiro José Arteaga Lovera;2025-02;Venezuela;2026-01-14;verificada;a las puertas",
        ";TOTAL: 3;;;;;",
    ]
)
# The answers to what is asked of every list, and to what LIST leaves open.
OF_LIST = {"answer:/list_date": "2026-01-20", "answer:/whole": "false"}
METHOD = "answer:/values/verification.method/a%20las%20puertas"
OPEN = OF_LIST | {"answer:/dates": "day_first", METHOD: "at_the_gate", "answer:/rows/5": "leave_out"}
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\u202eadnaS",
    "محمد",
    "{{7*7}}",
    "<bdi>&amp;",
]


ANSWERED = 'list_date = "2026-01-20"\nwhole = false\n'
UNTIDY = [
    ["Presos políticos, actualizado al 20/01/2026"],
    ["DATOS PERSONALES", "", "DETENCIÓN", "", "EXCARCELACIÓN", "", ""],
    ["Apellidos y nombres", "C.I.", "Fecha", "Lugar", "Fecha", "Estado", "Xyz"],
    ["Roca Lugo Ana", "V-9.345.678", "02/03/2025", "Ramo Verde", "12/01/2026", "excarcelada", "77"],
    ["Paz Ruiz Eva", "", "03/04/2025", "El Rodeo I", "14/01/2026", "excarcelada", "78"],
    ["Gil Mora Luis", "", "04/05/2025", "Tocorón", "", "detenido", "79"],
    ["TOTAL: 3"],
]
NO_DIGITS = str.maketrans("0123456789", "ghijklmnop")


def people(count: int) -> list[str]:
    """Rows of a list."""
    names = (f"Ana{at:b} Múgica".replace("0", "a").replace("1", "b") for at in range(count))
    return [f"EX-{at};{name};2025-03-02;Venezuela;2026-01-12;;" for at, name in enumerate(names)]


@pytest.fixture
def officer(world: World, every_list_questions: None) -> Officer:
    officer = Officer(world)
    officer.sign_in()
    officer.open(PATH)
    return officer


def tried(officer: Officer, text: str = LIST) -> str:
    """The page of a trial."""
    officer.open(PATH)
    page = officer.fill(PATH, {}, files={"file": ("list.csv", text.encode())})
    assert page.status_code == 200, page.text
    return page.text


def answered(officer: Officer, answers: dict[str, str], **files: bytes) -> str:
    """The page once the form on it was sent again with some answers, as a browser sends it: as a form with files."""
    sent = {name: (name, data) for name, data in files.items()} or {"file": ("", b"")}
    page = officer.fill(PATH, answers, files=sent)
    return page.text if page.status_code == 200 else str(page.status_code)


def ready(officer: Officer, text: str = LIST, answers: dict[str, str] = OPEN) -> str:
    """The page of a trial of which nothing is open."""
    tried(officer, text)
    page = answered(officer, answers)
    assert 'name="send"' in page, page
    return page


def receipt_of(officer: Officer) -> str:
    """The page of the list that was sent."""
    officer.world.settle()
    assert officer.page is not None
    return officer.open(officer.page.headers["location"].removeprefix("/en")).text


def imports_of(officer: Officer) -> int:
    return int(officer.world.rows("SELECT count(*) FROM list_import WHERE NOT dry_run")[0][0])


def test_what_a_list_leaves_open_is_asked_on_one_page_and_nothing_is_stored(officer: Officer) -> None:
    before = officer.world.revision
    page = tried(officer)
    assert "4 questions are open. Nothing is stored yet." in page
    for heading in ("1. What I read", "2. What the values mean"):
        assert f">{heading}</h2>" in page
    for question in ("For which day is this list true?", "what comes first?", "What does “a las puertas” mean"):
        assert question in page
    assert 'name="send"' not in page
    assert officer.world.revision == before
    assert imports_of(officer) == 0
    assert officer.world.rows("SELECT count(*) FROM import_file")[0][0] == 0


def test_every_column_is_shown_with_values_and_meaning(officer: Officer) -> None:
    page = tried(officer)
    for letter, heading in zip("ABCDEFG", HEAD.split(";"), strict=True):
        assert f"{letter}</td>" in page
        assert f"<bdi>{heading}</bdi></th>" in page
    assert "<bdi>Leocadia Inés Mendizábal Ruz</bdi> · <bdi>Evelio Ramón Tascón Briceño</bdi>" in page
    assert '<option value="" selected>Full name</option>' in page


def test_officers_are_shown_no_words_of_the_machine(officer: Officer) -> None:
    for page in (tried(officer), ready(officer)):
        shown = re.sub(r"<[^>]*>", " ", page)
        assert not re.findall(r"(?i)\b(mapping|toml|strict|derived)\b", shown)


def test_what_looks_likely_is_chosen_and_the_rest_is_required(officer: Officer) -> None:
    page = tried(officer)
    guessed = officer.filled(PATH)
    assert guessed["answer:/rows/5"] == [""], "a sum is left out without a question"
    assert "Sums, left out: 5." in page
    assert "answer:/whole" not in guessed
    assert page.count('name="answer:/whole" value="true" required>') == 1
    assert "(a guess)" in page


def test_what_the_list_raises_is_answered_in_place_and_sent(officer: Officer) -> None:
    assert "The day comes first: 3 April 2025" in tried(officer)
    page = answered(officer, OPEN)
    assert "4 rows: 3 go in and 1 is left out" in page
    assert "Nothing is open" in page
    assert answered(officer, {"send": "yes"}) == "303"
    assert "3 went in" in receipt_of(officer)
    stored = officer.world.get("/v1/reports", "foro").json()["data"]
    assert {one["source_record_id"] for one in stored} == {"EX-1", "EX-2", "EX-3"}
    by_number = {one["source_record_id"]: one for one in stored}
    assert by_number["EX-2"]["detention"]["detained_on"] == "2025-04-03"
    assert by_number["EX-3"]["verification"]["method"] == "at_the_gate"


def test_an_answer_can_be_changed_before_the_list_is_sent(officer: Officer) -> None:
    ready(officer)
    assert officer.filled(PATH)["answer:/dates"] == ["day_first"]
    page = answered(officer, {"answer:/dates": "month_first", "send": "yes"})
    assert 'name="answer:/dates" value="month_first" required checked' in page
    assert imports_of(officer) == 0, "another answer than the one tried"
    assert answered(officer, {"send": "yes"}) == "303"
    officer.world.settle()
    stored = officer.world.get("/v1/reports", "foro").json()["data"]
    assert "2025-03-04" in {one["detention"]["detained_on"] for one in stored}


def test_an_answer_that_is_none_is_asked_again_with_the_others_kept(officer: Officer) -> None:
    tried(officer)
    page = answered(officer, OPEN | {"answer:/list_date": "mañana"})
    assert "One question is open" in page
    assert "This answer could not be read: correct it." in page
    assert "3 go in" in answered(officer, {"answer:/list_date": "2026-01-20"})


def test_two_columns_are_never_one_field(officer: Officer) -> None:
    tried(officer)
    page = answered(
        officer, OPEN | {"answer:/positions/A": "detainee.full_name", "answer:/positions/B": "detainee.full_name"}
    )
    assert page.count("Two columns cannot both be this") == 2
    assert "4 questions are open" in page, "nothing of a list is filed by half of the answers"


def test_rows_that_cannot_be_read_are_named_and_do_not_stop_the_others(officer: Officer) -> None:
    page = ready(officer, LIST.replace("2025-03-02", "2025-13-32"))
    assert "4 rows: 2 go in, 1 is not sent and 1 is left out" in page
    assert "These rows are not sent" in page
    assert '<bdi class="unread">2025-13-32</bdi>' in page
    assert answered(officer, {"send": "yes"}) == "303"
    assert "2 went in" in receipt_of(officer)
    assert len(officer.world.get("/v1/reports", "foro").json()["data"]) == 2


def test_a_button_that_is_pressed_twice_sends_one_list(officer: Officer) -> None:
    ready(officer)
    form = officer.filled(PATH) | {"send": "yes"}
    first = officer.post(PATH, form, files={"file": ("", b"")})
    again = officer.post(PATH, form, files={"file": ("", b"")})
    assert (first.status_code, first.headers["location"]) == (303, again.headers["location"])
    officer.world.settle()
    assert imports_of(officer) == 1


def test_another_file_than_the_one_that_was_tried_is_not_sent(officer: Officer) -> None:
    ready(officer)
    other = f"{HEAD}\nEX-9;Ramón Ugarte Pinto;2025-03-02;Venezuela;2026-01-12;;".encode()
    page = answered(officer, {"send": "yes"}, file=other)
    assert "questions are open" in page
    assert "day_first" not in page, "an answer about another list"
    assert imports_of(officer) == 0


def test_a_list_too_long_for_a_page_is_chosen_again(officer: Officer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MAX_HELD_BYTES", 2_048)
    text = LIST + "\n" + "\n".join(f"EX-{at};{at * 7919:x}".translate(NO_DIGITS) for at in range(10_000, 10_400))
    page = tried(officer, text)
    assert 'name="list"' not in page
    assert "Choose the file again" in page
    assert "questions" in answered(officer, OF_LIST, file=text.encode())


def test_the_list_in_a_page_is_sealed_for_its_source(officer: Officer) -> None:
    page = tried(officer)
    (held,) = officer.filled(PATH)["list"]
    assert "Leocadia" not in held
    secret = officer.world.app.state.secret
    assert answers.unseal_list(secret, held, "foro") == LIST.encode()
    assert answers.unseal_list(secret, held, "jep") is None
    assert answers.unseal_list(secret, held[:-8] + "AAAAAAA=", "foro") is None
    assert answers.unseal_list(secret, "é", "foro") is None
    assert page.count(held) == 1


def test_a_list_that_somebody_changed_on_the_way_is_not_sent(officer: Officer) -> None:
    tried(officer)
    page = officer.fill(PATH, {"send": "yes", "list": "AAAA"}, files={"file": ("", b"")})
    assert page.status_code == 422
    assert "Choose the file of your list." in page.text
    assert imports_of(officer) == 0


def test_without_a_session_no_list_is_read(officer: Officer) -> None:
    tried(officer)
    form = officer.filled(PATH)
    officer.world.now += IDLE_TIMEOUT
    asked = officer.post(PATH, form, files={"file": ("list.csv", LIST.encode())})
    assert asked.status_code == 403
    assert 'name="key"' in asked.text
    assert "Leocadia" not in asked.text
    assert 'name="list"' not in asked.text


def test_a_list_of_another_site_is_refused(officer: Officer) -> None:
    tried(officer)
    form = officer.filled(PATH) | {"send": "yes"}
    for headers in ({"origin": "https://elsewhere.example"}, {}, {"sec-fetch-site": "cross-site"}):
        assert officer.post(PATH, form, files={"file": ("", b"")}, headers=headers).status_code == 403
    assert officer.post(PATH, form | {"token": "A" * 60}, files={"file": ("", b"")}).status_code == 403
    assert imports_of(officer) == 0


def test_a_file_larger_than_the_api_takes_is_not_read(officer: Officer) -> None:
    most = officer.world.app.state.max_import_bytes
    assert officer.fill(PATH, {}, files={"file": ("list.csv", b"x" * (most + 1))}).status_code == 413


def test_a_list_may_be_as_long_as_the_api_takes_it(officer: Officer) -> None:
    note = "x" * 3_500
    names = (f"Ana {chr(97 + at % 26)}{chr(97 + at // 26)}b" for at in range(400))
    rows = [f"EX-{at};{name};2025-03-02;Venezuela;2026-01-12;;;{note}" for at, name in enumerate(names)]
    text = "\n".join([f"{HEAD};Nota", *rows])
    assert len(text) > officer.world.app.state.settings.max_body_bytes
    assert "400 rows" in tried(officer, text)


@pytest.mark.parametrize("stated", [True, False])
def test_a_list_that_is_too_long_is_told_so_on_its_page(officer: Officer, *, stated: bool) -> None:
    officer.language = "es"
    officer.open(PATH)
    form = officer.filled(PATH)
    most = officer.world.app.state.max_import_bytes
    if stated:
        page = officer.post(PATH, form, files={"file": ("list.csv", b"x" * (most + 1))})
    else:
        beginning = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
        headers = {"origin": "http://localhost", "content-type": "multipart/form-data; boundary=b"}
        pieces = iter([beginning, *(b"x" * most, b"x" * most)])
        page = officer.client.post(officer.address(PATH), content=pieces, headers=headers)
    assert page.status_code == 413
    assert "Este archivo es demasiado grande" in page.text


def test_a_list_of_the_page_takes_its_room_once(officer: Officer, monkeypatch: pytest.MonkeyPatch) -> None:
    admission = officer.world.app.state.long_bodies
    taken: list[Client] = []
    admit = admission.admit

    def counted(client: Client, close: Callable[[], None]) -> None:
        taken.append(client)
        admit(client, close)

    monkeypatch.setattr(admission, "admit", counted)
    tried(officer, LIST + "\n" + ";" * 100_000)
    assert len(taken) == 1


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_a_list_names_stays_text(officer: Officer, name: str) -> None:
    quoted = name.replace('"', '""')
    text = (
        f'{HEAD}\nEX-1;"{quoted}";2025-03-02;Venezuela;2026-01-12;verificada;familia'
        f'\nEX-2;Ana Matilde Múgica;2025-03-02;Venezuela;2026-01-12;verificada;"{quoted}"'
    )
    page = tried(officer, text)
    asked = dict.fromkeys(re.findall('name="(answer:/values/verification.method/[^"]*)"', page), "family")
    people = dict.fromkeys(re.findall('name="(answer:/rows/[^"]*)"', page), "read")
    shown = answered(officer, OF_LIST | asked | people)
    assert "<bdi>EX-1</bdi></td>" in shown
    for raw in ("<script>alert", "<img src", "<bdi>&amp;</bdi>"):
        assert raw not in page
        assert raw not in shown


def test_a_file_that_is_no_list_is_told_why(officer: Officer) -> None:
    page = tried(officer, "<html><body>x</body></html>")
    assert "The list could not be read" in page
    assert "This is a web page, not a list" in page


@pytest.mark.parametrize(
    "data, told",
    [
        (b"<html><body>x</body></html>", "Esto es una página web y no una lista"),
        (b"%PDF-1.7", "Esto es un PDF"),
        (b"\xd0\xcf\x11\xe0 locked", "Este libro tiene el formato antiguo"),
        (b"\xd0\xcf\x11\xe0 " + "EncryptedPackage".encode("utf-16-le"), "protegido con contraseña"),
        (b"PK\x03\x04 nothing", "Este libro no se puede leer"),
        (b"\x1f\x8b packed", "Este archivo está comprimido"),
        (HEAD.encode(), "La lista tiene encabezados y ninguna fila debajo"),
        (f'{HEAD}\nEX-1;"Ana Ruz;2025;VE;;;\nEX-2;Eva Paz;2025;VE;;;'.encode(), "falta o sobra una comilla"),
    ],
)
def test_a_file_that_is_no_list_is_told_why_in_spanish_on_a_page_in_spanish(
    officer: Officer, data: bytes, told: str
) -> None:
    officer.language = "es"
    officer.open(PATH)
    page = officer.fill(PATH, {}, files={"file": ("lista", data)}).text
    assert told in page


def test_what_the_api_refuses_of_a_list_is_told_in_spanish(officer: Officer, monkeypatch: pytest.MonkeyPatch) -> None:
    officer.language = "es"
    officer.open(PATH)
    file = {"file": ("list.csv", LIST.encode())}
    monkeypatch.setattr(import_store, "MAX_WAITING_LISTS", 0)
    waiting = officer.fill(PATH, {}, files=file).text
    assert "Varias listas de usted esperan todavía" in waiting


def test_no_file_is_told_so(officer: Officer) -> None:
    told = officer.fill(PATH, {}, files={"file": ("", b"")})
    assert told.status_code == 422
    assert "Choose the file of your list." in told.text


@pytest.mark.parametrize("mapping", ["dates = ", "[" * 70, 'dates = "never"', "x" * 70_000, "nothing = 1"])
def test_answers_that_somebody_damaged_on_the_way_are_refused(officer: Officer, mapping: str) -> None:
    tried(officer)
    page = officer.fill(PATH, OF_LIST | {"mapping": mapping}, files={"file": ("", b"")})
    assert page.status_code == 422
    assert imports_of(officer) == 0


def test_ages_without_a_day_are_asked_about_first(officer: Officer) -> None:
    text = f"{HEAD};Edad\nEX-1;Ana Matilde Múgica;2025-03-02;Venezuela;2026-01-12;;;34"
    assert "On which day were the people as old as the list says?" in tried(officer, text)
    assert "1 row: 1 goes in" in answered(officer, OF_LIST | {"answer:/age_on": "detained_on"})
    tried(officer, text)
    assert "1 row: 1 goes in" in answered(officer, OF_LIST | {"answer:/positions/H": "-"})


def test_case_numbers_that_only_count_rows_are_asked_about(officer: Officer) -> None:
    rows = [f"{at};Ana{chr(96 + at)} Múgica;2025-03-02;Venezuela;2026-01-12;;" for at in range(1, 4)]
    text = "\n".join([HEAD.replace("Código", "Número de caso"), *rows])
    assert "column A “Número de caso”?" in tried(officer, text)
    assert "3 rows" in answered(officer, OF_LIST | {"answer:/positions/A": "source_record_id"})
    assert answered(officer, {"send": "yes"}) == "303"
    officer.world.settle()
    stored = officer.world.get("/v1/reports", "foro").json()["data"]
    assert {one["source_record_id"] for one in stored} == {"1", "2", "3"}


def test_what_looks_wrong_of_the_whole_list_is_confirmed(officer: Officer) -> None:
    officer.world.send_list(f"{HEAD}\nEX-01;Ana Matilde Múgica;2025-03-02;Venezuela;2026-01-12;;", mapping=ANSWERED)
    tried(officer, f"{HEAD}\nEX-1;Petra Roca Lugo;2025-03-02;Venezuela;2026-01-12;;")
    page = answered(officer, OF_LIST)
    assert "differ from earlier ones of yours only in leading zeros" in page
    assert 'name="send"' not in page
    page = answered(officer, {"answer:/confirmed/case_numbers_alike": "true"})
    assert "1 row: 1 goes in" in page
    assert answered(officer, {"send": "yes"}) == "303"
    officer.world.settle()
    assert len(officer.world.get("/v1/reports", "foro").json()["data"]) == 2


def test_a_corrected_list_shows_what_it_changes_field_by_field(officer: Officer) -> None:
    officer.world.send_list(f"{HEAD}\nEX-1;Ana Matilde Múgica;2025-03-02;Venezuela;2026-01-12;;", mapping=ANSWERED)
    tried(officer, f"{HEAD}\nEX-1;Ana Matilde Múgica;2025-03-02;Venezuela;2026-01-14;;")
    page = answered(officer, OF_LIST)
    assert "What changes of your earlier reports" in page
    assert "Release date: <del><bdi>12 Jan 2026</bdi></del> → <ins><bdi>14 Jan 2026</bdi></ins>" in page


def test_an_untidy_workbook_is_sent_by_answering_what_is_asked(officer: Officer) -> None:
    """In Spanish: a title, two rows of headings, a sum, a sheet of notes."""
    officer.language = "es"
    officer.open(PATH)
    with open_workbook() as (book, buffer):
        people, notes = book.add_worksheet("Enero"), book.add_worksheet("Notas")
        for number, row in enumerate(UNTIDY):
            people.write_row(number, 0, row)
        notes.write_row(0, 0, ["Llamar a la familia Roca"])
        notes.write_row(1, 0, ["Revisar la lista"])
    page = officer.fill(PATH, {}, files={"file": ("enero.xlsx", buffer.getvalue())}).text
    assert "Queda a un lado, sin personas: Notas." in page
    assert "¿Para qué día vale esta lista?" in page
    asked = set(re.findall('name="(answer:[^"]*)"[^>]* required', page))
    answers = {
        "answer:/list_date": "2026-01-20",
        "answer:/whole": "false",
        "answer:/checked": "family",
        "answer:/held": "held",
        "answer:/dates": "day_first",
        "answer:/positions/G": "-",
        **{name: "leave_out" for name in asked if name.startswith("answer:/rows/")},
        **{name: "held" for name in asked if name.startswith("answer:/values/state/")},
    }
    page = answered(officer, {name: answer for name, answer in answers.items() if name in asked})
    assert "No queda nada por aclarar" in page
    assert "Enviar las 3 filas" in page
    assert answered(officer, {"send": "yes"}) == "303"
    officer.world.settle()
    stored = officer.world.get("/v1/reports", "foro").json()["data"]
    assert sorted("release" in one for one in stored) == [False, True, True]
    assert {one["verification"]["method"] for one in stored} == {"family"}
    assert {one["detention"]["detained_on"] for one in stored} == {"2025-03-02", "2025-04-03", "2025-05-04"}


def test_who_is_missing_from_a_whole_list_is_asked_about(officer: Officer) -> None:
    head = HEAD.replace("Fecha de excarcelación", "Estado")
    rows = [f"EX-{at};{name} Múgica;2025-03-02;Venezuela;detenida;;" for at, name in enumerate(("Ana", "Eva"))]
    officer.world.send_list("\n".join([head, *rows]), mapping=ANSWERED)
    tried(officer, "\n".join([head, rows[0]]))
    page = answered(officer, OF_LIST | {"answer:/whole": "true"})
    assert "Eva Múgica is not on this list" in page
    assert officer.filled(PATH)["answer:/missing/EX-1"] == ["keep"]
    page = answered(officer, {"answer:/missing/EX-1": "died"})
    assert 'name="send"' in page
    assert answered(officer, {"send": "yes"}) == "303"


def test_a_column_is_read_otherwise(officer: Officer) -> None:
    page = tried(officer, f"{HEAD};Zxq\nEX-1;;2025-03-02;Venezuela;2026-01-12;;;Ana Matilde Múgica")
    assert "What is in column H “Zxq”?" in page
    page = answered(officer, OF_LIST | {"answer:/positions/H": "detainee.full_name", "answer:/positions/B": "-"})
    assert "1 row: 1 goes in" in page
    assert "Ana Matilde Múgica" in page


def test_a_filled_column_without_a_meaning_stops_the_list(officer: Officer) -> None:
    tried(officer, f"{HEAD};Zxq\nEX-1;;2025-03-02;Venezuela;2026-01-12;;;Ana Matilde Múgica")
    page = answered(officer, OF_LIST)
    assert "One question is open" in page
    assert 'name="send"' not in page


def test_a_list_of_people_that_looks_like_figures_is_read_as_people(officer: Officer) -> None:
    assert "This file has a figure, and no people" in tried(officer, LIST.replace("Nombre y apellidos", "Zxq"))
    assert "column B “Zxq”?" in answered(officer, {})


def test_meanings_are_remembered_for_the_next_list_and_can_be_changed(officer: Officer) -> None:
    text = LIST.replace("Nombre y apellidos", "Zxq").replace("TOTAL: 3", "SUMA")
    page = tried(officer, text)
    assert "column B “Zxq”?" in page
    answered(officer, OPEN | {"answer:/positions/B": "detainee.full_name"})
    answered(officer, {"send": "yes"})
    officer.world.settle()
    page = tried(officer, text.replace("EX-", "FX-"))
    asked = ("For which day is this list true?", "Is this the whole list")
    assert f"{len(asked)} questions are open" in page
    assert all(question in page for question in asked)
    assert officer.filled(PATH)[METHOD] == ["at_the_gate"], "given with the last list"
    page = answered(officer, OF_LIST | {METHOD: "family"})
    assert "Nothing is open" in page
    answered(officer, {"send": "yes"})
    officer.world.settle()
    stored = {one["source_record_id"]: one for one in officer.world.get("/v1/reports", "foro").json()["data"]}
    assert stored["EX-3"]["verification"]["method"] == "at_the_gate"
    assert stored["FX-3"]["verification"]["method"] == "family"


def test_a_list_is_read_by_its_sender_alone(world: World) -> None:
    receipt = world.send_list(LIST, "jep")
    officer = Officer(world)
    officer.sign_in("foro")
    assert officer.open(f"{PATH}/{receipt['id']}").status_code == 404
    assert officer.open(f"{PATH}/{receipt['id']}/rows.csv").status_code == 404
    officer.sign_in("jep")
    assert officer.open(f"{PATH}/{receipt['id']}").status_code == 200


def test_what_became_of_each_row_is_saved_as_a_table(officer: Officer) -> None:
    ready(officer)
    answered(officer, {"send": "yes"})
    officer.world.settle()
    assert officer.page is not None
    told = officer.open(officer.page.headers["location"].removeprefix("/en") + "/rows.csv")
    assert told.headers["content-type"].startswith("text/csv")
    assert told.headers["content-disposition"].startswith("attachment; filename=")
    assert told.headers["cache-control"] == "private, no-store"
    assert len(told.text.splitlines()) == 4


def test_rows_of_a_long_list_are_shown_page_by_page(officer: Officer) -> None:
    receipt = officer.world.send_list("\n".join([HEAD, *people(250)]), mapping=ANSWERED)
    page = officer.open(f"{PATH}/{receipt['id']}").text
    assert "The next rows" in page
    address = re.findall(r'href="/en(/desk/list/[^"]*cursor=[^"]*)#rows"', page)[0]
    assert "The next rows" not in officer.client.get(officer.address(address)).text


def test_a_list_that_is_not_read_yet_says_so_and_is_not_lost(officer: Officer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_upload, "WAIT_TIMEOUT_SECONDS", 0.0)
    assert "The list is being read" in tried(officer)
    officer.world.settle()
    page = officer.fill(f"{PATH}/trial", {}).text
    assert "4 questions are open" in page
    assert "The list is being read" in answered(officer, OPEN)
    officer.world.settle()
    page = officer.fill(f"{PATH}/trial", {}).text
    assert "4 rows: 3 go in and 1 is left out" in page
    assert "Evelio Ramón Tascón Briceño" in page
    assert answered(officer, {"send": "yes"}) == "303"


def test_a_trial_that_is_found_again_by_its_address_is_tried_before_it_is_sent(officer: Officer) -> None:
    receipt = officer.world.send_list(LIST, mapping='dates = "day_first"', dry_run=True)
    officer.open(f"{PATH}/{receipt['id']}")
    assert "questions are open" in answered(officer, {"send": "yes"}, file=LIST.encode())
    assert imports_of(officer) == 0


@pytest.mark.parametrize("import_id", ["", "../me", "00000000-0000-0000-0000-000000000000"])
def test_a_trial_that_nobody_made_is_not_there(officer: Officer, import_id: str) -> None:
    officer.open(PATH)
    form = {"token": officer.filled(PATH)["token"], "import": import_id}
    assert officer.post(f"{PATH}/trial", form).status_code == 404


def test_a_report_that_was_withdrawn_since_is_asked_about(officer: Officer) -> None:
    ready(officer)
    answered(officer, {"send": "yes"})
    officer.world.settle()
    report = next(
        one for one in officer.world.get("/v1/reports", "foro").json()["data"] if one["source_record_id"] == "EX-1"
    )
    officer.world.post(f"/v1/reports/{report['id']}/retract", {}, "foro")
    tried(officer)
    page = answered(officer, OPEN)
    assert "You withdrew this report: does it stand again?" in page
    assert "You withdrew it on" in page
    assert "Nothing is open" in answered(officer, {"answer:/rows/2": "leave_out"})
    page = answered(officer, {"answer:/rows/2": "stands_again"})
    assert "1 goes in" in page
    assert answered(officer, {"send": "yes"}) == "303"
    officer.world.settle()
    report = officer.world.get(f"/v1/reports/{report['id']}", "foro").json()
    assert report["verification"]["verdict"] == "verified"


def test_a_trial_tells_what_anybody_can_count_by_the_source_now_and_then(officer: Officer) -> None:
    page = re.sub(r"\s+", " ", ready(officer))
    numbers = r'Releases in Venezuela that you verified</th><td class="amount">0</td><td class="amount strong">3</td>'
    assert re.search(numbers, page)
    answered(officer, {"send": "yes"})
    assert "what anybody can count" not in receipt_of(officer)
    page = re.sub(r"\s+", " ", ready(officer, LIST.replace("EX-1;", "EX-9;").replace("Leocadia Inés", "Petra")))
    assert 'that you verified</th><td class="amount">3</td><td class="amount strong">4</td>' in page


def test_one_word_in_capitals_and_small_letters_is_asked_about_once(officer: Officer) -> None:
    head = "Código;Nombre;Sexo;Fecha de detención;País"
    people = [("Leocadia Mendizábal", "M"), ("Evelio Tascón", " m "), ("Casimiro Arteaga", "m.")]
    rows = [f"EX-{at};{name};{sex};2025-03-02;VE" for at, (name, sex) in enumerate(people)]
    page = tried(officer, "\n".join([head, *rows]))
    assert page.count("mean in the column “Sexo”?</bdi></legend>") == 1
    assert "In 3 rows: 2, 3, 4" in page
    gender = {"answer:/values/detainee.gender/m": "female", "answer:/checked": "no", "answer:/held": "held"}
    assert "3 go in" in answered(officer, OF_LIST | gender)


def test_rows_are_found_by_the_case_numbers_of_the_list(officer: Officer) -> None:
    assert "<bdi>EX-1</bdi></td>" in ready(officer)
    answered(officer, {"send": "yes"})
    receipt = receipt_of(officer)
    assert "<bdi>EX-1</bdi>" in receipt
    assert "<bdi>Leocadia Inés Mendizábal Ruz</bdi>" in receipt, "as the report names her: the file is gone"
    tried(officer, "Nombre;Fecha de detención;País;Fecha de excarcelación\nElsa Mora Quiroga;2025-03-02;VE;2026-01-12")
    derived = answered(officer, OF_LIST | {"answer:/checked": "no"})
    assert "1 row: 1 goes in" in derived
    assert "Your case number" not in derived


def test_a_wish_that_the_list_takes_back_is_told_with_its_row(officer: Officer) -> None:
    listed = f"{HEAD};Publicar\nEX-1;Ana Matilde Múgica;2025-03-02;Venezuela;2026-01-12;;;"
    officer.world.send_list(f"{listed}solo contar", mapping=ANSWERED)
    tried(officer, listed)
    page = answered(officer, OF_LIST)
    assert page.count("takes back a stricter wish") == 2, "above, and beside its row"
    assert "Rows: 2</span>" in page


def test_a_column_of_days_of_publication_is_asked_about_and_answered(officer: Officer) -> None:
    page = tried(officer, f"{HEAD};Reserva\nEX-1;Ana Matilde Múgica;2025-03-02;Venezuela;2026-01-12;;;2026-03-20")
    assert "column H “Reserva”?" in page
    page = answered(officer, OF_LIST | {"answer:/positions/H": "publish_not_before"})
    assert "Nothing is open" in page
