"""Every code has its words in both languages, and the words are those of the language they claim to be."""

import re
import tomllib
from enum import StrEnum
from pathlib import Path

import pytest

from app import vocabulary as v
from app.formats import COUNTRIES
from app.vocabulary import CODE_LISTS, STAGES, Language, Stage, build_glossary, build_vocabulary

LANGUAGES: tuple[Language, ...] = ("en", "es")
# Spelt alike in English and Spanish.
SAME_LABEL = {"hospital"}
ENGLISH = re.compile(
    r"\b(the|and|of|with|without|who|has|have|been|was|were|is|by|from|or|not|held|release[ds]?|people|person|"
    r"arrest|prison|prisoner|source|report|reported|reporter|unknown|other|case|court|lawyer|family)\b",
    re.IGNORECASE,
)
SPANISH = re.compile(
    r"\b(el|los|las|de|del|que|una|por|sin|fue|está|según|persona|personas|fuente|excarcelación)\b", re.IGNORECASE
)


def lists(lang: Language) -> dict[str, list[dict[str, str]]]:
    """Every code list, and the words of the field, which keep the same rules."""
    return {**build_vocabulary(lang), "glossary": build_glossary(lang)}


def words(lang: Language) -> dict[tuple[str, str], tuple[str, str]]:
    return {
        (name, entry["code"]): (entry["label"], entry["definition"])
        for name, entries in lists(lang).items()
        for entry in entries
    }


def spoken(lang: Language) -> list[str]:
    return [text for pair in words(lang).values() for text in pair]


def test_every_code_list_in_the_module_is_served() -> None:
    enums = {each for each in vars(v).values() if isinstance(each, type) and issubclass(each, StrEnum)}
    assert enums - {StrEnum} == set(CODE_LISTS.values())


def test_the_file_of_words_holds_the_codes_of_the_lists_in_their_order_and_nothing_else() -> None:
    assert v.__file__ is not None
    file = tomllib.loads(Path(v.__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    assert {name: list(codes) for name, codes in file.items()} == {
        name: [code.value for code in codes] for name, codes in CODE_LISTS.items()
    }


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_code_has_a_label_and_a_definition_of_one_sentence(lang: Language) -> None:
    for key, (label, definition) in words(lang).items():
        assert label.strip() == label != "", key
        assert not label.endswith("."), key
        assert re.fullmatch(r"[A-ZÁÉÍÓÚÑ][^.]{10,}\.", definition), key
        assert label != definition.rstrip("."), key


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_two_codes_of_a_list_share_a_label_or_a_definition(lang: Language) -> None:
    for name, entries in lists(lang).items():
        for part in ("label", "definition"):
            assert len({entry[part].casefold() for entry in entries}) == len(entries), (name, part)


def test_a_label_equal_in_both_languages_is_a_word_both_have() -> None:
    english, spanish = words("en"), words("es")
    assert {code for (name, code) in english if english[name, code][0] == spanish[name, code][0]} == SAME_LABEL


def test_the_spanish_has_no_english_words_and_the_english_no_spanish_ones() -> None:
    assert [text for text in spoken("es") if ENGLISH.search(text)] == []
    assert [text for text in spoken("en") if SPANISH.search(text)] == []


def test_the_spanish_keeps_its_accents() -> None:
    bare = re.compile(r"[a-z]cion\b|[a-z]sion\b|\b(segun|tambien|prision|publico|politic[oa]s?|despues|numero)\b")
    assert [text for text in spoken("es") if bare.search(text.casefold())] == []


@pytest.mark.parametrize(
    "name, code, label",
    [
        ("release_kinds", "full_release", "Libertad plena"),
        ("release_kinds", "release_with_measures", "Excarcelación con medidas cautelares"),
        ("release_kinds", "dismissal", "Sobreseimiento"),
        ("release_kinds", "amnesty", "Amnistía"),
        ("release_kinds", "pardon", "Indulto"),
        ("release_kinds", "prisoner_exchange", "Canje"),
        ("release_kinds", "banishment", "Destierro"),
        ("methods", "release_order", "Boleta de excarcelación"),
        ("legal_statuses", "pretrial", "Prisión preventiva"),
        ("legal_statuses", "enforced_disappearance", "Desaparición forzada"),
    ],
)
def test_the_words_of_the_field_are_not_mixed_up(name: str, code: str, label: str) -> None:
    assert words("es")[name, code][0] == label


def test_a_member_is_named_by_its_code_in_capitals() -> None:
    odd = {
        member.name: member.value for codes in CODE_LISTS.values() for member in codes if member.name != member.upper()
    }
    assert odd == {"FROM_18_TO_69": "18_to_69"}


def test_the_stages_stand_in_their_order() -> None:
    assert tuple(Stage) == STAGES
    assert [stage.value for stage in STAGES] == ["announced", "ordered", "carried_out"]


def test_a_caller_may_change_what_it_got_without_changing_what_others_get() -> None:
    build_vocabulary("en")["stages"][0]["label"] = "changed"
    assert build_vocabulary("en")["stages"][0]["label"] == "Announced"


def test_countries_are_the_249_assigned_codes_of_iso_3166() -> None:
    assert len(COUNTRIES) == 249
    assert all(re.fullmatch("[A-Z]{2}", code) for code in COUNTRIES)
    assert {"VE", "NI", "BY", "SS", "CW", "AX"} <= COUNTRIES
    assert not COUNTRIES & {"XK", "UK", "EU", "AN", "SU", "YU", "ZZ", "EL"}
