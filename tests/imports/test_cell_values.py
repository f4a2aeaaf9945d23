"""A cell's text made a value: what is known of it, what says that nothing is known, and what is told of the rest."""

import contextlib
from datetime import date

import pytest

from app.formats import COUNTRIES
from app.imports.faults import translate_detail
from app.imports.fields import FIELDS
from app.imports.formats.csv import MAX_CELL_CHARACTERS
from app.imports.mapping import ListMapping
from app.imports.reader.cell_values import UnreadCell, clean_cell, parse_cell_value
from app.imports.reader.sheet_dates import DateContext, DateOrder
from tests.growth import assert_grows_linearly

# What a cell may be full of: whatever parts words, lists, dates and numbers, and what stands for lost letters.
FILLINGS = (
    " ", "\n", "\t", "\u00a0", "0", "1 ", "9.", "x", "x ", "?", "? ", "?? ", '"', "'", "=", "-", ".", ",", ";", " ;",
    "; ", "|", "/", "+", " y", "y ", " and", "(", "[", "<", ":", "T0", "e\u0301", "ي",
)  # fmt: skip
COUNTRY, NATIONALITIES = "detention.country", "detainee.nationalities"


def test_every_country_is_read_by_its_code() -> None:
    assert {code: parse_cell_value(COUNTRY, code, None, None) for code in COUNTRIES} == {
        code: code for code in COUNTRIES
    }
    assert {code: parse_cell_value(NATIONALITIES, code, None, None) for code in COUNTRIES} == {
        code: [code] for code in COUNTRIES
    }


@pytest.mark.parametrize("cell", ["\u200b", "\ufeff ", "\u200c", "\u00ad\u200e"])
def test_a_cell_that_shows_nothing_is_empty(cell: str) -> None:
    assert clean_cell(cell) == ""


@pytest.mark.parametrize("said", ["s/d", "S/D", "sd", "n/a", "N/A", "na", "S/I", "-", "sin datos"])
def test_a_country_that_nobody_knew_is_not_sudan_or_namibia(said: str) -> None:
    assert (parse_cell_value(COUNTRY, said, None, None), parse_cell_value(NATIONALITIES, said, None, None)) == (
        None,
        None,
    )


@pytest.mark.parametrize("said", ["NA", "SD"])
def test_in_any_other_cell_the_codes_of_these_two_say_that_nobody_knew(said: str) -> None:
    assert [parse_cell_value(name, said, None, None) for name in ("detention.facility", "detainee.gender")] == [
        None,
        None,
    ]


def test_a_list_that_means_something_else_by_a_code_says_so_in_its_mapping() -> None:
    meant = ListMapping.parse_toml(f'[values."{NATIONALITIES}"]\n"NA" = ""\n').meanings[NATIONALITIES]
    assert parse_cell_value(NATIONALITIES, "NA", None, meant) is None
    assert parse_cell_value(NATIONALITIES, "VE", None, meant) == ["VE"]


@pytest.mark.parametrize(
    "field, word, told",
    [
        ("verification.verdict", "comprobadísimo", ["Verified or Verifica", "under verdicts", "sheet of the template"]),
        ("release.kind", "LP", ["Full release or Libertad plena", "/v1/vocabulary?lang=es under release_kinds"]),
        ("detention.legal_status", "rara", ["under legal_statuses)"]),
        ("release.conditions", "otra cosa", ["under conditions", "`values` in the mapping"]),
    ],
)
def test_a_word_that_is_not_known_is_answered_with_some_that_are(field: str, word: str, told: list[str]) -> None:
    with pytest.raises(UnreadCell) as refused:
        parse_cell_value(field, word, None, None)
    assert refused.value.code == "unknown_code"
    assert [one for one in told if one not in str(refused.value)] == [], str(refused.value)


def test_what_is_no_address_is_told_once_and_where_it_belongs() -> None:
    with pytest.raises(UnreadCell, match=r'https://.*"Según"') as refused:
        parse_cell_value("verification.evidence", "Foro Penal", None, None)
    assert refused.value.code == "invalid_url"
    assert parse_cell_value("verification.evidence", "HTTPS://example.org/a http://example.org/b", None, None) == [
        {"url": "HTTPS://example.org/a"},
        {"url": "http://example.org/b"},
    ]


@pytest.mark.parametrize("name", FIELDS)
def test_no_cell_takes_long_to_read_whatever_it_is_full_of(name: str) -> None:
    for filling in FILLINGS:

        def parse(length: int, filling: str = filling) -> None:
            cell = "a" + (filling * length)[: length - 2] + "b"
            with contextlib.suppress(UnreadCell):
                parse_cell_value(name, clean_cell(cell), None, None)

        assert_grows_linearly(parse, MAX_CELL_CHARACTERS, filling)


def test_the_space_around_what_parts_a_list_is_no_part_of_it() -> None:
    assert parse_cell_value("detainee.aliases", "Chela ;  La  Negra|\n Irma ; ", None, None) == [
        "Chela",
        "La Negra",
        "Irma",
    ]
    said = "Venezuela  y   Colombia ,Cuba / Perú, y Chile"
    assert parse_cell_value("detainee.nationalities", said, None, None) == ["VE", "CO", "CU", "PE", "CL"]


def test_more_accents_on_a_letter_than_anybody_writes_are_told() -> None:
    with pytest.raises(UnreadCell) as unread:
        clean_cell("a" + "\u0301\u0316" * 1_000)
    assert unread.value.code == "too_many_marks"


@pytest.mark.parametrize(
    "cell, age",
    [
        ("23", 23), ("23 a.", 23), ("23 años", 23), ("23 años de edad", 23), ("23.0", 23), ("c. 50", 50),
        ("aprox. 50", 50), ("~50", 50), ("50 aprox.", 50), ("unos 40 años", 40), ("+/- 50", 50), ("17 (menor)", 17),
        ("menor, 16 años", 16), ("35 (mayor de edad)", 35), ("23 anos", 23), ("45 ans", 45), ("30 y/o", 30),
    ],
)  # fmt: skip
def test_an_age_is_read_with_the_words_around_it(cell: str, age: int) -> None:
    assert parse_cell_value("detainee.age", cell, None, None) == age


@pytest.mark.parametrize(
    "cell, code",
    [
        ("menor", "age_in_words"), ("menor de edad", "age_in_words"), ("Mayor", "age_in_words"),
        ("adulto mayor", "age_in_words"), ("menor de 18", "age_in_words"), ("mayor de 60", "age_in_words"),
        ("25 (menor)", "age_in_words"), ("16 (mayor)", "age_in_words"), ("50+", "invalid_number"),
        ("<18", "invalid_number"), ("20-25", "invalid_number"), ("23.5", "invalid_number"), ("1.000", "invalid_number"),
        ("seis meses", "invalid_number"), ("-5", "invalid_number"),
    ],
)  # fmt: skip
def test_words_and_ranges_are_no_age(cell: str, code: str) -> None:
    with pytest.raises(UnreadCell) as unread:
        parse_cell_value("detainee.age", cell, None, None)
    assert unread.value.code == code
    assert translate_detail(code, str(unread.value), "es", sentence=unread.value.sentence) != str(unread.value)


@pytest.mark.parametrize("cell", ["s/f", "desconocida", "?", "no se sabe", "-", "n/d", "sin fecha", "não se sabe"])
def test_a_word_for_an_unknown_date_is_no_fault(cell: str) -> None:
    assert parse_cell_value("detention.detained_on", cell, None, None) is None


def test_the_end_of_a_sentence_is_not_put_into_the_last_century() -> None:
    context = DateContext(DateOrder.DAY_FIRST, date(2026, 1, 20))
    assert parse_cell_value("detention.detained_on", "12/03/24", context, None) == "2024-03-12"
    with pytest.raises(UnreadCell) as unread:
        parse_cell_value("detention.sentence.until", "12/03/31", context, None)
    assert unread.value.code == "ambiguous_year"
