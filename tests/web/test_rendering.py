"""A claim's figure is printed as it was said.

The words of pages: every language says everything, and numbers and dates are told as its readers write them."""

from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from app.formats import ENGLISH
from app.web.rendering import LANGUAGES, LOCALES, format_claim_figure, load_catalogue


@pytest.mark.parametrize(
    "qualifier,low,high,spanish,english",
    [
        ("exactly", 626, 626, "626", "626"),
        ("more_than", 401, None, "más de 400", "more than 400"),
        ("at_least", 63, None, "al menos 63", "at least 63"),
        ("fewer_than", None, 57, "menos de 58", "fewer than 58"),
        ("at_most", None, 57, "como máximo 57", "at most 57"),
        ("between", 800, 1200, "entre 800 y 1200", "between 800 and 1,200"),
        ("unquantified", None, None, "sin cifra", "no number"),
    ],
)
def test_a_figure_is_said_as_its_claimant_said_it(
    qualifier: str, low: int | None, high: int | None, spanish: str, english: str
) -> None:
    claim = {"qualifier": qualifier, "low": low, "high": high}
    told = [
        format_claim_figure(claim, load_catalogue(language)).replace("\N{NO-BREAK SPACE}", " ")
        for language in ("es", "en")
    ]
    assert told == [spanish, english]


PAGES = LOCALES.parent
READ = [("**.py", "python"), ("**.jinja", "jinja2")]
OPTIONS = {"**.jinja": {"trimmed": "true", "silent": "false"}}
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
CARACAS = ZoneInfo("America/Caracas")

translated = pytest.mark.parametrize("language", [one for one in LANGUAGES if one != ENGLISH])


def said() -> set[str]:
    """Every sentence of code and templates that is to be translated."""
    found = extract_from_dir(PAGES, READ, OPTIONS, keywords=KEYWORDS)
    return {message if isinstance(message, str) else message[0] for _file, _line, message, _notes, _context in found}


def translations(language: str) -> Counter[str]:
    known: Counter[str] = Counter()
    for path in sorted((LOCALES / language).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language, abort_invalid=True):
                ids = [message.id] if isinstance(message.id, str) else list(message.id)
                strings = [message.string] if isinstance(message.string, str) else list(message.string or ())
                assert not message.id or all(strings), f"{Path(path).name} leaves out: {ids[0]}"
                known[ids[0]] += bool(message.id)
    return +known


@translated
def test_every_sentence_is_translated_once_and_none_is_left_over(language: str) -> None:
    known = translations(language)
    assert sorted(said() - set(known)) == []
    assert sorted(set(known) - said()) == []
    assert [text for text, times in known.items() if times > 1] == []


def test_a_number_is_grouped_as_its_readers_do() -> None:
    spanish, english = load_catalogue("es"), load_catalogue("en")
    assert [spanish.number(each) for each in (303, 4151, 12345, -3)] == ["303", "4151", "12.345", "−3"]
    assert [english.number(each) for each in (303, 4151, 12345, -3)] == ["303", "4,151", "12,345", "−3"]


def test_a_date_is_told_no_finer_than_it_was_said() -> None:
    spanish, english = load_catalogue("es"), load_catalogue("en")
    assert [spanish.day(each) for each in ("2026", "2026-01", "2026-01-13")] == ["2026", "ene 2026", "13 ene 2026"]
    assert [english.day(each) for each in ("2026", "2026-01", "2026-01-13")] == ["2026", "Jan 2026", "13 Jan 2026"]
    assert spanish.long_day("2026-01-08") == "8 de enero de 2026"
    assert spanish.short_day("2026-01-13") == "13 ene"


def test_a_moment_is_told_in_the_zone_of_the_registry() -> None:
    assert load_catalogue("es").moment("2026-01-13T20:00:00Z", CARACAS) == "13 ene 2026, 16:00"
    assert load_catalogue("es").statement_date("2026-01-13", CARACAS) == "13 ene 2026"
    assert load_catalogue("es").place_of("America/Caracas") == "Caracas"
    assert load_catalogue("es").place_of("UTC-04:00") == "UTC-04:00"


def test_several_are_told_as_one() -> None:
    spanish = load_catalogue("es")
    assert spanish.listed(["76", "56", "53"]) == "76, 56 y 53"
    assert spanish.listed(["amnistía", "indulto"]) == "amnistía e indulto"
    assert spanish.listed(["agua", "hielo"]) == "agua y hielo"
    assert spanish.listed(["indulto"]) == "indulto"
