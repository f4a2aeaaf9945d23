"""Lists as people lay them out: what stands in two places is read as one."""

import pytest

from app.imports.faults import BadFile
from app.imports.mapping import ListMapping
from tests.imports.sheets import row, xlsx
from tests.imports.test_list_reader import bodies, faults, opened, places, questions

GROUPED = "Código;Nombre;Detención;;Excarcelación;;País\n;;Fecha;Lugar;Fecha;Tipo;\n"
IN_GROUPS = {
    "source_record_id": "N-1",
    "detainee": {"full_name": "Ana Ruz"},
    "detention": {"detained_on": "2025-01-12", "facility": "Tocorón", "country": "VE"},
    "release": {"released_on": "2026-01-12", "kind": "full_release"},
}


def test_two_rows_of_headings_are_read_as_one() -> None:
    line = "N-1;Ana Ruz;2025-01-12;Tocorón;2026-01-12;libertad plena;VE\n"
    assert bodies(GROUPED + line) == [IN_GROUPS]
    assert bodies("Lista al 12 de enero\n" + GROUPED + line) == [IN_GROUPS]
    assert [one.title for one in opened(GROUPED + line).columns][2:] == [
        "Detención / Fecha",
        "Detención / Lugar",
        "Excarcelación / Fecha",
        "Excarcelación / Tipo",
        "País",
    ]


def test_headings_in_two_rows_are_known_in_english_and_by_a_mapping_too() -> None:
    said = "Name,Arrest,,Release,\n,Date,Odd,Date,Type\nAna Ruz,2025-01-12,x,2026-01-12,full release\n"
    found = bodies(said, '[columns]\n"Arrest / Odd" = "note"\n')[0]
    assert (found["detention"]["detained_on"], found["note"]) == ("2025-01-12", "x")
    assert found["release"] == {"released_on": "2026-01-12", "kind": "full_release"}


def test_two_columns_of_one_heading_are_told_apart_by_their_letters() -> None:
    said = "Nombre;Fecha;Fecha;País\nAna Ruz;2025-01-12;2026-01-12;VE\n"
    mapping = '[positions]\nB = "detention.detained_on"\nC = ["release.released_on"]\n'
    found = bodies(said, mapping)[0]
    assert (found["detention"]["detained_on"], found["release"]["released_on"]) == ("2025-01-12", "2026-01-12")
    twice = "Nombre;Excarcelado el;Fecha de excarcelación\nAna Ruz;2026-01-12;2026-01-13\n"
    assert places(twice) == [("column_unread", "/positions/C")]
    assert bodies(twice, "[positions]\nB = []\n")[0]["release"] == {"released_on": "2026-01-13"}
    with pytest.raises(BadFile, match="letter of a column"):
        ListMapping.parse_toml('[positions]\n3 = "note"\n')


def test_a_name_beside_surnames_is_the_given_names() -> None:
    assert bodies("Nombre;Apellidos;País\nAna;Ruz;VE\n")[0]["detainee"] == {"full_name": "Ana Ruz"}
    said = "Nombre completo;Nombres;Apellidos\nAna Ruz;Ana;Ruz\nAna Ruz;Ana María;Ruz\n"
    assert faults(said) == {3: [("A", "two_names")]}


def test_optional_endings_of_headings_change_nothing() -> None:
    said = "Apellido(s);Nombre(s);País\nRuz Gil;Ana;VE\n"
    assert bodies(said)[0]["detainee"] == {"full_name": "Ana Ruz Gil"}


def test_cells_merged_over_several_rows_are_said_of_each() -> None:
    made = xlsx(
        row(1, "Nombre", "Centro de reclusión", "País"),
        row(2, "Ana Ruz", "Tocorón", "VE"),
        row(3, "Olga Rey", '<c r="C3" t="inlineStr"><is><t>VE</t></is></c>'),
        row(5, "Rosa Gil", '<c r="C5" t="inlineStr"><is><t>VE</t></is></c>'),
        after='<mergeCells count="1"><mergeCell ref="B2:B4"/></mergeCells>',
    )
    assert [one["detention"].get("facility") for one in bodies(made)] == ["Tocorón", "Tocorón", None]


def test_what_a_person_sees_of_a_sheet_and_its_texts_do_not_say_is_asked_about() -> None:
    made = xlsx(
        row(1, "Nombre", "País"),
        row(2, "Ana Ruz", "VE").replace("<row ", '<row hidden="1" '),
        row(3, '<c r="A3" s="2" t="inlineStr"><is><t>Olga Rey</t></is></c>', "VE"),
        row(4, '<c r="A4" t="inlineStr"><is><r><rPr><strike/></rPr><t>Eva</t></r><r><t> Sol</t></r></is></c>', "VE"),
        row(5, "Rosa Gil", "VE"),
        row(6, "Elsa Mora", "VE"),
        comments=["B5"],
    )
    assert faults(made) == {
        2: [(None, "hidden_row")],
        3: [("A", "struck_out")],
        4: [("A", "struck_out")],
        5: [("B", "cell_comment")],
    }
    read = bodies(made, '[rows]\nhidden_row = "leave_out"\nstruck_out = "leave_out"\ncell_comment = "read"\n')
    assert [one["detainee"]["full_name"] for one in read] == ["Rosa Gil", "Elsa Mora"]


def test_a_hidden_column_that_would_be_read_is_asked_about_before_the_run() -> None:
    made = xlsx(
        row(1, "Nombre", "País", "Nota"),
        row(2, "Ana Ruz", "VE", "x"),
        before='<cols><col min="3" max="9" hidden="1"/></cols>',
    )
    assert [one["code"] for one in questions(made, is_confirmed=True)] == ["hidden_column"]
    assert questions(made, '[columns]\nNota = "note"\n') == []


def test_dates_where_a_sentence_stands_are_asked_about_before_the_run() -> None:
    said = "Nombre,Sentence\nAna Ruz,2031-12-07\nEva Sol,life\n"
    assert places(said) == [("column_unsure", "/positions/B")]
    assert questions("Nombre,Sentence\nAna Ruz,12 years\n") == []
    mapping = '[columns]\nSentence = ["detention.sentence.until", "detention.sentence.term"]\n'
    assert questions(said, mapping) == []


EMBARGOES = [
    "no publicar antes de", "Reservado hasta", "embargo", "Embargo hasta", "publicar después de",
    "No difundir antes de", "Confidencial hasta", "embargo until", "not before", "publish after", "Reserved until",
]  # fmt: skip


@pytest.mark.parametrize("heading", EMBARGOES)
def test_a_column_that_names_the_end_of_an_embargo_is_read_as_one(heading: str) -> None:
    (body,) = bodies(f"Nombre,País,{heading}\nAna Ruz,VE,2026-03-20\n")
    assert body["publish_not_before"] == "2026-03-20"


# What nobody may pass over: the meaning of the column, or a cell that leaves its row out.
OF_THE_COLUMN = [
    ("no publicar", "2026-03-20"), ("No publicar", "x"), ("No publicar", "s/d"), ("do not publish", "yes"),
    ("NO PUBLICAR (x)", "x"), ("No publicar nombre", "x"), ("Confidencial", "sí"), ("Identidad reservada", "x"),
    ("Reservado/a", "sí"), ("Reserva de identidad", "sí"), ("Embargado", "sí"), ("Embargo (sí/no)", "sí"),
    ("Privado", "x"), ("Dato privado de un privado de libertad", "x"), ("Anonimato", "sí"), ("Anónimo", "x"),
    ("Confidential", "yes"), ("Under embargo", "yes"), ("Private", "x"), ("Withhold name", "x"), ("Not published", "x"),
    ("Fecha de publicación", "20/03/2026"), ("Fecha publicación", "2026-03-20"), ("Fecha de publicación", "20/3/26"),
    ("Fecha de publicación", "2026-03-20 18:00"), ("Fecha de publicación", "02/04/2026"),
    ("release date for publication", "2026-03-20"), ("publication date", "20 March 2026"),
    ("Publish date", "2026-03-20"), ("Publicado el", "2026-03-20"), ("Published on", "2026-03-20"),
    ("Date published", "2026-03-20"), ("Reserva", "2026-03-20"),
    ("Fecha de publicación", "a partir del 01/02/2027"), ("Fecha de publicación", "hasta diciembre de 2026"),
    ("Publicación permitida", "no"), ("Reserva", "SÍ"), ("Sin autorización para difusión", "X"), ("Ocultar", "sí"),
    ("Not for release", "x"), ("Gaceta de publicación", "2025"), ("Enlace de la publicación", "https://example.org"),
    ("No publicar", "No"), ("Do not publish", "no"),
]  # fmt: skip
OF_THE_CELL = [
    ("Publicar nombre", "no"), ("¿Se puede publicar?", "no"), ("Publicable", "no"), ("Publicable", "-"),
    ("Hacer público", "no"), ("Difundir", "no"), ("Publish name?", "no"), ("Publishable", "no"),
    ("Autorización publicación", "NO"), ("Difusión", "x"), ("Publication allowed", "no"),
    ("Autoriza la publicación", "no"), ("Publication consent", "no"), ("Publicación", "Boletín 2026-03"),
]  # fmt: skip


@pytest.mark.parametrize("heading, cell", OF_THE_COLUMN)
def test_a_column_that_may_hold_people_back_is_asked_about_before_the_run(heading: str, cell: str) -> None:
    said = f"Nombre,País,{heading}\nAna Ruz,VE,\nEva Sol,VE,{cell}\n"
    question = questions(said)[0]
    assert question["place"] == "/positions/C"
    if question["guess"] is None:  # else the row is left out until its word is understood
        assert questions(said, is_confirmed=True) == [question]
    else:
        assert list(faults(said)) == [3]
    assert f"«{heading}»" in question["details"]["es"]
    assert questions(said, f'[columns]\n"{heading}" = []\n') == []
    assert places(said, f'[columns]\n"{heading}" = "note"\n') in ([], [("remark_wish", "/rows/3 remark_wish")])


@pytest.mark.parametrize("heading, cell", OF_THE_CELL)
def test_a_cell_that_may_hold_somebody_back_leaves_its_row_out_until_it_is_answered(heading: str, cell: str) -> None:
    said = f"Nombre,País,{heading}\nAna Ruz,VE,\nEva Sol,VE,{cell}\n"
    (question,) = questions(said)
    assert (question["code"], question["value"]) == ("value_unknown", cell)
    assert faults(said) == {3: [("C", "unknown_code")]}
    answer = f'[values."detainee.publish"]\n"{cell}" = "anonymous"\n'
    assert bodies(said, answer)[1]["detainee"]["publish"] == "anonymous"


@pytest.mark.parametrize("heading", ["Confidencial", "No publicar"])
def test_a_formula_without_its_value_leaves_its_row_out_of_a_column_of_wishes(heading: str) -> None:
    made = xlsx(row(1, "Nombre", "País", heading), row(2, "Ana Ruz", "VE", '<c r="C2"><f>A1</f></c>'))
    assert faults(made) == {2: [("C", "formula")]}


def test_a_formula_without_its_value_may_hold_people_back() -> None:
    made = xlsx(row(1, "Nombre", "País", "Fecha de publicación"), row(2, "Ana Ruz", "VE", '<c r="C2"><f>A1</f></c>'))
    assert [one["place"] for one in questions(made, is_confirmed=True)] == ["/positions/C"]


@pytest.mark.parametrize(
    "heading, cell",
    [
        ("no publicar", ""), ("Confidencial", ""), ("Fecha de publicación", ""), ("Publicar", "anónimo"),
        ("Publicable desde", "2026-03-20"), ("Embargoed", "2020-01-01"), ("Difusión autorizada el", "2025-03-20"),
    ],
)  # fmt: skip
def test_a_column_that_holds_nobody_back_or_says_how_is_not_asked_about(heading: str, cell: str) -> None:
    assert questions(f"Nombre,País,{heading}\nAna Ruz,VE,{cell}\n") == []


@pytest.mark.parametrize("heading, cell", [("Privado/a de libertad desde", "2025-03-04"), ("Fuente anónima", "x")])
def test_custody_and_sources_are_no_wishes(heading: str, cell: str) -> None:
    asked = questions(f"Nombre,País,{heading}\nAna Ruz,VE,{cell}\n")
    assert {one["answer"] for one in asked} == {"confirm"}


@pytest.mark.parametrize(
    "heading, cell, meant",
    [
        ("Estado", "excarcelado", {"release": {"stage": "carried_out"}}),
        ("Estado", "Estado: excarcelado", {"release": {"stage": "carried_out"}}),
        ("Estatus", "Liberado", {"release": {"stage": "carried_out"}}),
        ("Estatus", "Estatus: Liberado", {"release": {"stage": "carried_out"}}),
        ("Status", "Released", {"release": {"stage": "carried_out"}}),
        ("Status", "still held", {}),
        ("Estado", "detenida", {}),
        ("Estado", "libertad plena", {"release": {"stage": "carried_out", "kind": "full_release"}}),
        ("Estatus", "Condenado", {"detention": {"legal_status": "convicted"}}),
        ("Status", "died in custody", {"detention": {"ended": {"how": "died"}}}),
    ],
)
def test_a_state_is_read_as_what_it_means(heading: str, cell: str, meant: object) -> None:
    assert bodies(f"Nombre;{heading}\nAna Ruz;{cell}\n") == [{"detainee": {"full_name": "Ana Ruz"}, **meant}]  # type: ignore[dict-item]


def test_a_note_that_says_a_state_is_asked_about() -> None:
    said = "Nombre;Observaciones\nAna Ruz;Estado: excarcelado\nEva Sol;Estado: sigue enferma\n"
    assert places(said) == [("remark_state", "/rows/2 remark_state")]
    found = bodies(said, '[rows]\n"2 remark_state" = "remark"\n')
    assert [(one["note"], one.get("release")) for one in found] == [
        ("Estado: excarcelado", {"stage": "carried_out"}),
        ("Estado: sigue enferma", None),
    ]


def test_a_state_that_the_row_contradicts_is_asked_about() -> None:
    said = "Nombre;Estado;Fecha de excarcelación\nAna Ruz;detenida;2026-01-12\n"
    assert faults(said) == {2: [("B", "states_differ")]}
    assert places(said) == [("states_differ", "/rows/2 states_differ")]


def test_an_estado_of_a_federation_is_no_state_of_a_person() -> None:
    said = "Nombre;Estado\nAna Ruz;Miranda\nEva Sol;Zulia\n"
    (question,) = questions(said)
    assert (question["place"], question["guess"]) == ("/positions/B", "detention.place")
    assert [one["detention"]["place"] for one in bodies(said)] == ["Miranda", "Zulia"]


def test_years_of_birth_may_be_an_interval() -> None:
    said = "Nombre;Nacimiento\nAna Ruz;1936-1942\nEva Sol;entre 1936 y 1942\n"
    assert [one["detainee"]["birth_date"] for one in bodies(said)] == ["1936/1942", "1936/1942"]
    assert faults("Nombre;Fecha de detención\nAna Ruz;2019-2023\n") == {2: [("B", "invalid_date")]}
    assert faults("Nombre;Nacimiento\nAna Ruz;1942-1936\n") == {2: [("B", "invalid_date")]}


def test_a_word_for_nothing_known_is_told_and_an_error_of_a_spreadsheet_is_a_fault() -> None:
    found = opened("Nombre;Fecha de detención\nAna Ruz;?\nEva Sol;pendiente\nOlga Rey;s/d\nRosa Gil;-\nElsa Mora;-\n")
    assert all(one.faults == [] for one in found.rows())
    assert {(one["word"], one["count"]) for one in found.tally.shape()["unsaid"]} == {
        ("?", 1),
        ("pendiente", 1),
        ("s/d", 1),
        ("-", 2),
    }
    assert faults("Nombre;Fecha de detención\nAna Ruz;#N/A\n") == {2: [("B", "formula")]}
    meant = "[values.'detention.detained_on']\n'#N/A' = ''\n"
    assert faults("Nombre;Fecha de detención\nAna Ruz;#N/A\n", meant) == {}
