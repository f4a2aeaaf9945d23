"""Sending a list at the desk: tried first, answered in place, sent once, and kept by nobody in between."""

import re
from collections.abc import Callable

import pytest

from app.fair_queue import Client
from app.imports import import_store
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
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\u202eadnaS",
    "محمد",
    "{{7*7}}",
    "<bdi>&amp;",
]


@pytest.fixture
def officer(world: World) -> Officer:
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


def imports_of(officer: Officer) -> int:
    return int(officer.world.rows("SELECT count(*) FROM list_import WHERE NOT dry_run")[0][0])


def test_a_trial_tells_row_by_row_and_stores_nothing(officer: Officer) -> None:
    before = officer.world.revision
    page = tried(officer)
    assert "4 rows: 1 goes in and 3 wait" in page
    for name in ("Leocadia Inés Mendizábal Ruz", "TOTAL: 3"):
        assert name in page
    assert officer.world.revision == before
    assert imports_of(officer) == 0
    assert officer.world.rows("SELECT count(*) FROM import_file")[0][0] == 0


def test_what_the_list_raises_is_answered_in_place_and_sent(officer: Officer) -> None:
    page = tried(officer)
    assert "3 questions" in page
    assert "the day: 3 April 2025" in page
    page = answered(
        officer,
        {"dates": "day_first", "row:5": "leave_out", "value:verification.method:a las puertas": "at_the_gate"},
    )
    assert "3 go in and 1 is left out" in page
    assert "Nothing is asked" in page
    assert answered(officer, {"send": "yes"}) == "303"
    officer.world.settle()
    receipt = officer.open(officer.page.headers["location"].removeprefix("/en")).text  # type: ignore[union-attr]
    assert "3 went in" in receipt
    stored = officer.world.get("/v1/reports", "foro").json()["data"]
    assert {one["source_record_id"] for one in stored} == {"EX-1", "EX-2", "EX-3"}
    by_number = {one["source_record_id"]: one for one in stored}
    assert by_number["EX-2"]["detention"]["detained_on"] == "2025-04-03"
    assert by_number["EX-3"]["verification"]["method"] == "at_the_gate"


def test_rows_that_wait_do_not_stop_the_others(officer: Officer) -> None:
    tried(officer)
    assert answered(officer, {"send": "yes"}) == "303"
    officer.world.settle()
    assert len(officer.world.get("/v1/reports", "foro").json()["data"]) == 1
    receipt = officer.open(officer.page.headers["location"].removeprefix("/en")).text  # type: ignore[union-attr]
    assert "4 rows: 1 went in and 3 did not go in" in receipt


def test_a_button_that_is_pressed_twice_sends_one_list(officer: Officer) -> None:
    tried(officer)
    form = officer.filled(PATH) | {"send": "yes"}
    first = officer.post(PATH, form, files={"file": ("", b"")})
    again = officer.post(PATH, form, files={"file": ("", b"")})
    assert (first.status_code, first.headers["location"]) == (303, again.headers["location"])
    officer.world.settle()
    assert imports_of(officer) == 1


def test_another_file_than_the_one_that_was_tried_is_not_sent(officer: Officer) -> None:
    tried(officer)
    other = f"{HEAD}\nEX-9;Ramón Ugarte Pinto;2025-03-02;Venezuela;2026-01-12;;".encode()
    page = answered(officer, {"send": "yes", "dates": "day_first"}, file=other)
    assert "1 row: 1 goes in" in page
    assert "day_first" not in page, "an answer about another list"
    assert imports_of(officer) == 0


def test_a_list_too_long_for_a_page_is_chosen_again(officer: Officer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MAX_HELD_BYTES", 16)
    page = tried(officer)
    assert 'name="list"' not in page
    assert "Choose the file again" in page
    assert answered(officer, {"send": "yes"}, file=LIST.encode()) == "303"


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
    page = tried(officer, f'{HEAD}\nEX-1;"{quoted}";2025-03-02;Venezuela;2026-01-12;verificada;"{quoted}"')
    for raw in ("<script>alert", "<img src", "<bdi>&amp;</bdi>"):
        assert raw not in page
    bdi = re.findall(r"<td><bdi>(.*?)</bdi></td>", page)
    assert len(bdi) == 2
    assert bdi[0] == "EX-1"


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
        (b"una;dos;tres\n1;2;3\n", "No se encontraron encabezados"),
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
    refused = officer.fill(PATH, {"mapping": "[columns]\nQuién = 'nobody'\n"}, files=file)
    assert refused.status_code == 422
    assert "El mapa que acompaña la lista no se entiende" in refused.text
    undated = officer.fill(PATH, {"mapping": "", "age_on": "day", "age_day": "hace poco"}, files=file).text
    assert "No se lee como fecha" in undated or "Esto no se lee como fecha" in undated
    monkeypatch.setattr(import_store, "MAX_WAITING_LISTS", 0)
    waiting = officer.fill(PATH, {"mapping": ""}, files=file).text
    assert "Varias listas de usted esperan todavía" in waiting


def test_no_file_is_told_so(officer: Officer) -> None:
    told = officer.fill(PATH, {}, files={"file": ("", b"")})
    assert told.status_code == 422
    assert "Choose the file of your list." in told.text


@pytest.mark.parametrize("mapping", ["dates = ", "[" * 70, 'dates = "never"', "x" * 70_000, "nothing = 1"])
def test_a_mapping_that_is_wrong_is_told_and_kept(officer: Officer, mapping: str) -> None:
    told = officer.fill(PATH, {"mapping": mapping}, files={"file": ("list.csv", LIST.encode())})
    assert told.status_code == 422
    assert officer.filled(PATH)["mapping"] == [mapping]


def test_ages_without_a_day_are_asked_about_first(officer: Officer) -> None:
    text = f"{HEAD};Edad\nEX-1;Ana Matilde Múgica;2025-03-02;Venezuela;2026-01-12;;;34"
    page = tried(officer, text)
    assert "On which day were the people as old as the list says?" in page
    assert 'name="send"' not in page
    assert "1 row: 1 goes in" in answered(officer, {"age_on": "day", "age_day": "2026-01"})
    tried(officer, text)
    assert "1 row: 1 goes in" in answered(officer, {"age_on": "detained_on"})
    tried(officer, text)
    assert "1 row: 1 goes in" in answered(officer, {"age_on": "without H"})


def test_what_only_looks_wrong_is_confirmed(officer: Officer) -> None:
    text = "\n".join(
        [HEAD] + [f"{at};Ana{chr(96 + at)} Múgica;2025-03-02;Venezuela;2026-01-12;;" for at in range(1, 4)]
    )
    page = tried(officer, text)
    assert "Is the list right as it is?" in page
    page = answered(officer, {"confirm": "yes"})
    assert "3 rows" in page
    assert answered(officer, {"send": "yes"}) == "303"
    officer.world.settle()
    assert len(officer.world.get("/v1/reports", "foro").json()["data"]) == 3


def test_a_column_is_read_otherwise(officer: Officer) -> None:
    page = tried(officer, f"{HEAD};Quién\nEX-1;;2025-03-02;Venezuela;2026-01-12;;;Ana Matilde Múgica")
    assert "not read" in page
    page = answered(officer, {"column:H": "detainee.full_name", "column:B": "-"})
    assert "1 row: 1 goes in" in page
    assert "Ana Matilde Múgica" in page


def test_how_columns_were_read_before_is_kept_with_new_answers(officer: Officer) -> None:
    head = HEAD.replace("Nombre y apellidos", "Quién")
    officer.world.send_list(
        f"{head}\nEX-1;Ana Matilde Múgica;2025-03-02;Venezuela;2026-01-12;;",
        mapping='[columns]\n"Quién" = "detainee.full_name"',
    )
    page = tried(officer, f"{head}\nEX-1;Ana Matilde Múgica;03/04/2025;Venezuela;2026-01-12;;")
    assert 'name="remembered"' in page
    page = answered(officer, {"dates": "day_first"})
    assert "1 row: 1 goes in" in page


def test_a_list_is_read_by_its_sender_alone(world: World) -> None:
    receipt = world.send_list(LIST, "jep")
    officer = Officer(world)
    officer.sign_in("foro")
    assert officer.open(f"{PATH}/{receipt['id']}").status_code == 404
    assert officer.open(f"{PATH}/{receipt['id']}/rows.csv").status_code == 404
    officer.sign_in("jep")
    assert officer.open(f"{PATH}/{receipt['id']}").status_code == 200


def test_what_became_of_each_row_is_saved_as_a_table(officer: Officer) -> None:
    receipt = officer.world.send_list(LIST)
    told = officer.open(f"{PATH}/{receipt['id']}/rows.csv")
    assert told.headers["content-type"].startswith("text/csv")
    assert told.headers["content-disposition"].startswith("attachment; filename=")
    assert told.headers["cache-control"] == "private, no-store"
    assert len(told.text.splitlines()) == 5


def test_rows_of_a_long_list_are_shown_page_by_page(officer: Officer) -> None:
    rows = [
        f"EX-{at};Ana{at:b} Múgica;2025-03-02;Venezuela;2026-01-12;;".replace("0", "a").replace("Ana1", "Anab")
        for at in range(250)
    ]
    rows = [re.sub(r"^EX-[^;]*", f"EX-{at}", row) for at, row in enumerate(rows)]
    receipt = officer.world.send_list("\n".join([HEAD, *rows]))
    page = officer.open(f"{PATH}/{receipt['id']}").text
    assert "The next rows" in page
    address = re.findall(r'href="/en(/desk/list/[^"]*cursor=[^"]*)#rows"', page)[0]
    assert "The next rows" not in officer.client.get(officer.address(address)).text


def test_a_list_that_is_not_read_yet_says_so_and_is_not_lost(officer: Officer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_upload, "WAIT_TIMEOUT_SECONDS", 0.0)
    tried(officer)
    officer.world.settle()
    officer.post(PATH, officer.filled(f"{PATH}/trial") | {"mapping": 'dates = "day_first"'}, files={"file": ("", b"")})
    page = officer.page
    assert page is not None
    assert "The list is being read" in page.text
    officer.world.settle()
    page = officer.fill(f"{PATH}/trial", {})
    assert "4 rows: 2 go in and 2 wait" in page.text
    assert "Evelio Ramón Tascón Briceño" in page.text
    assert answered(officer, {"send": "yes"}) == "303"


def test_what_was_answered_only_now_is_tried_before_it_is_sent(officer: Officer) -> None:
    tried(officer)
    page = answered(officer, {"send": "yes", "dates": "day_first"})
    assert "4 rows: 2 go in and 2 wait" in page
    page = answered(officer, {"send": "yes", "mapping": 'dates = "month_first"'})
    assert "This is a trial" in page
    assert imports_of(officer) == 0
    assert answered(officer, {"send": "yes"}) == "303"


def test_a_trial_that_is_found_again_by_its_address_is_tried_before_it_is_sent(officer: Officer) -> None:
    receipt = officer.world.send_list(LIST, mapping='dates = "day_first"', dry_run=True)
    officer.open(f"{PATH}/{receipt['id']}")
    assert "This is a trial" in answered(officer, {"send": "yes"}, file=LIST.encode())
    assert imports_of(officer) == 0


@pytest.mark.parametrize("import_id", ["", "../me", "00000000-0000-0000-0000-000000000000"])
def test_a_trial_that_nobody_made_is_not_there(officer: Officer, import_id: str) -> None:
    officer.open(PATH)
    form = {"token": officer.filled(PATH)["token"], "import": import_id}
    assert officer.post(f"{PATH}/trial", form).status_code == 404


def test_a_report_that_was_withdrawn_since_is_asked_about(officer: Officer) -> None:
    tried(officer)
    answered(officer, {"send": "yes"})
    officer.world.settle()
    (report,) = officer.world.get("/v1/reports", "foro").json()["data"]
    officer.world.post(f"/v1/reports/{report['id']}/retract", {}, "foro")
    page = tried(officer)
    assert "You withdrew this report: does it stand again?" in page
    assert "You withdrew it on" in page
    assert "1 is left out" in answered(officer, {"row:2": "leave_out"})
    tried(officer)
    answered(officer, {"row:2": "stands_again"})
    answered(officer, {"send": "yes"})
    officer.world.settle()
    (report,) = officer.world.get("/v1/reports", "foro").json()["data"]
    assert report["verification"]["verdict"] == "verified"


def test_a_trial_tells_what_anybody_can_count_by_the_source_now_and_then(officer: Officer) -> None:
    page = re.sub(r"\s+", " ", tried(officer))
    numbers = r'Releases in Venezuela that you verified</th><td class="amount">0</td><td class="amount strong">1</td>'
    assert re.search(numbers, page)
    answered(officer, {"send": "yes"})
    officer.world.settle()
    assert "what anybody can count" not in officer.open(officer.page.headers["location"].removeprefix("/en")).text  # type: ignore[union-attr]
    more = LIST.replace("03/04/2025", "2025-04-03")
    page = re.sub(r"\s+", " ", tried(officer, more))
    assert 'that you verified</th><td class="amount">1</td><td class="amount strong">2</td>' in page


def test_one_word_in_capitals_and_small_letters_is_asked_about_once(officer: Officer) -> None:
    head = "Código;Nombre;Sexo;Fecha de detención;País"
    people = [("Leocadia Mendizábal", "M"), ("Evelio Tascón", " m "), ("Casimiro Arteaga", "m.")]
    rows = [f"EX-{at};{name};{sex};2025-03-02;VE" for at, (name, sex) in enumerate(people)]
    page = tried(officer, "\n".join([head, *rows]))
    assert page.count("<legend>") == 1
    assert page.count("Question 1") == 3
    assert "3 go in" in answered(officer, {"value:detainee.gender:m": "female"})


def test_rows_are_found_by_the_case_numbers_of_the_list(officer: Officer) -> None:
    assert "<bdi>EX-1</bdi>" in tried(officer)
    answered(officer, {"send": "yes"})
    officer.world.settle()
    receipt = officer.open(officer.page.headers["location"].removeprefix("/en")).text  # type: ignore[union-attr]
    assert "<bdi>EX-1</bdi>" in receipt
    assert "Leocadia" not in receipt
    derived = tried(officer, "Nombre;Fecha de detención;País\nElsa Mora Quiroga;2025-03-02;VE")
    assert "Your case number" not in derived


def test_a_wish_that_the_list_takes_back_is_told_with_its_row(officer: Officer) -> None:
    listed = f"{HEAD};Publicar\nEX-1;Ana Matilde Múgica;2025-03-02;Venezuela;2026-01-12;;;"
    officer.world.send_list(f"{listed}solo contar")
    page = tried(officer, listed)
    assert page.count("takes back a stricter wish") == 2, "above, and beside its row"
    assert "Rows: 2</p>" in page


def test_a_column_of_days_of_publication_is_asked_about_and_answered(officer: Officer) -> None:
    page = tried(officer, f"{HEAD};Reserva\nEX-1;Ana Matilde Múgica;2025-03-02;Venezuela;2026-01-12;;;2026-03-20")
    assert "may say until when these people must not be published" in page
    page = answered(officer, {"column:H": "publish_not_before"})
    assert "may say until when" not in page
