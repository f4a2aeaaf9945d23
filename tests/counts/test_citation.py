"""A citation says everything that the number depends on, and its short address leads to that number or to none."""

import hashlib
import re
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.counts.citation import CitationSetting, build_citation, format_bibtex, format_citation_sentence
from app.counts.short_address import CITATION_PATH, BadCode, build_short_address, parse_short_code
from app.formats import get_formats
from app.log.entries import LEAF_DIGITS, Pin
from app.queries import addresses
from app.queries.dimensions import RELEASES, find_window_events, list_dimensions
from app.queries.terms import CountTerms
from app.schemas.reports import MAX_AGE, MAX_COUNTED_SOURCES, MAX_SOURCES
from app.vocabulary import Language, build_vocabulary

Row = dict[str, Any]
RECORDED = "2026-01-14T03:20:07Z"
TOTAL = {
    "cases": 91,
    "people": 91,
    "verified": 90,
    "contested": 0,
    "reported": 1,
    "refuted": 0,
    "official_only": 0,
    "by_min_sources": {},
}
CAVEATS = dict.fromkeys(("outside_held_within", "unlinkable", "awaiting_review", "rejected", "not_visible"), 0)
CODES = {
    "release_kind": "release_kinds", "status": "statuses", "stage": "stages", "gender": "genders",
    "category": "categories",
    "age_group": "age_groups", "group": "groups", "legal_status": "legal_statuses", "condition": "conditions",
    "designation": "designations", "state": "states", "reported_by_kind": "source_kinds",
    "verified_by_kind": "source_kinds",
}  # fmt: skip
DIMENSIONS = list_dimensions(RELEASES)
# Terms that are numbers: the least and the largest.
NUMBERS = {
    name: (kind.get("minimum", 1), kind["maximum"])
    for name, term in CountTerms.model_json_schema()["properties"].items()
    for kind in (term, *term.get("anyOf", ()))
    if kind.get("type") == "integer"
}
# Without the marks that would be others in a sentence.
LINES = st.text(
    st.characters(categories=["L", "N", "Pd", "Pe", "Po", "Ps"], exclude_characters="'\"＂‚„〈〉《》〝〞〟⟨⟩⟪⟫ʹʺ′″‴⁗"),
    min_size=1,
    max_size=200,
)
SLUGS = st.from_regex(r"[a-z0-9]{1,30}(-[a-z0-9]{1,30})?", fullmatch=True)
SOURCES = st.lists(SLUGS, min_size=1, max_size=MAX_SOURCES, unique=True)
DAYS = st.dates().map(str)


def codes(name: str) -> list[str]:
    return [code["code"] for code in build_vocabulary("en")[CODES[name]]]


def said_of(name: str) -> st.SearchStrategy[Any]:
    """Values that a term may have."""
    if name in CODES:
        one = st.sampled_from(codes(name))
        is_list = name in ("release_kind", "status", "reported_by_kind", "verified_by_kind")
        return st.lists(one, min_size=1, unique=True) if is_list else one
    if name in ("nationality", "not_nationality"):
        return st.lists(st.sampled_from(("AR", "IL")), min_size=1, unique=True)
    by_name: Row = {
        "country": st.sampled_from(("VE", "NI", "BY")),
        "facility": SLUGS, "area": LINES, "destination": LINES, "source": SLUGS, "net": st.booleans(),
        **dict.fromkeys(("rearrested", "rearrested_after", "carried_out", "first_hand"), st.booleans()),
        "verified_by_match": st.sampled_from(("any", "only")),
        "group_by": st.lists(st.sampled_from(DIMENSIONS), min_size=1, max_size=3, unique=True),
    }  # fmt: skip
    if name in NUMBERS:
        return st.integers(*NUMBERS[name])
    if name.endswith(("_from", "_to")):
        return DAYS
    found: st.SearchStrategy[Any] = by_name.get(name, SOURCES)
    return found


def terms_of(said: Row) -> Row:
    """The terms as a count echoes them, without those that contradict others."""
    windows = find_window_events(said)
    for event in windows[1:]:
        said = {name: value for name, value in said.items() if name not in (f"{event}_from", f"{event}_to")}
    for what in (*windows[:1], "detained"):
        if said.get(f"{what}_from", "") > said.get(f"{what}_to", "A"):
            del said[f"{what}_to"]
    if windows:
        said.pop("stage", None)
    if said.get("age_to", MAX_AGE) < said.get("age_from", 0):
        del said["age_to"]
    if not {*windows, said.get("stage")} & {"ordered", "announced"} or windows[:1] == ["released"]:
        said.pop("carried_out", None)
    if not said.get("verified_by"):
        said.pop("verified_by_match", None)
    if said.get("max_sources", MAX_COUNTED_SOURCES) < said.get("min_sources", 0):
        del said["max_sources"]
    if "not_verified_by" in said:
        said["not_verified_by"] = [slug for slug in said["not_verified_by"] if slug not in said.get("verified_by", ())]
    return addresses.echo_terms(CountTerms.model_validate(said))


ANY_TERMS = (
    st.sets(st.sampled_from(sorted(CountTerms.model_fields)), max_size=8)
    .flatmap(lambda names: st.fixed_dictionaries({name: said_of(name) for name in sorted(names)}))
    .map(terms_of)
)
COUNTRIES = [f"A{letter}" for letter in "DEFGILMORSTUWZ"] + ["BA", "BB", "BD", "BE", "BF", "BG"]
# Each term at its longest: fifty slugs and two names in a script that an address spells out in twelve signs a letter.
LONGEST = terms_of(
    {
        **{name: [f"{name[:3]}-{n}-".replace("_", "") + "q7x3" * 14 for n in range(12)]
           for name in ("verified_by", "not_verified_by")},
        "release_kind": codes("release_kind"), "status": codes("status"), "group_by": list(DIMENSIONS[:3]),
        "nationality": COUNTRIES, "not_nationality": COUNTRIES,
        "area": "".join(chr(0x1F300 + 7 * n % 700) for n in range(200)),
        "destination": "".join(chr(0x20000 + 131 * n % 40_000) for n in range(200)),
    }
)  # fmt: skip


def counted(
    terms: Row,
    groups: list[Row] | None = None,
    revision: int = 663,
    recorded_at: str | None = RECORDED,
    cite: str = "/c/x",
    **total: int,
) -> Any:
    return {
        "terms": terms,
        "at": {"revision": revision, "recorded_at": recorded_at, "rules": 1},
        "total": {**TOTAL, **total},
        "groups": groups or [],
        "caveats": CAVEATS,
        "links": {"permalink": "/v1/counts/releases?", "cite": cite, "list": None},
    }


def code_of(terms: Row, revision: int = 663) -> str:
    return build_short_address(terms, pin_of(revision)).removeprefix(CITATION_PATH)


def pin_of(revision: int) -> Pin:
    return Pin(revision, hashlib.sha256(str(revision).encode()).hexdigest()[:LEAF_DIGITS] if revision else None)


def group(source: str, verified: int) -> Row:
    return {"by": {"source": source}, "counts": {"verified": verified}, "list": None}


TERMS = terms_of({"country": "VE", "released_from": "2026-01-08", "group_by": ["source"]})
GROUPS = [group("foro", 56), group("jep", 53), group("ministry", 0)]


NAMES = {"foro": "Foro Penal", "jep": "Justicia, Encuentro y Perdón", "ministry": "Ministerio", "pud": "Plataforma"}
SETTING = CitationSetting(NAMES, facility="El Rodeo I", zone=ZoneInfo("America/Caracas"))


def sentence_of(terms: Row, lang: Language, groups: list[Row] | None = None, setting: CitationSetting = SETTING) -> str:
    return format_citation_sentence(counted(terms, groups), lang, setting)


@pytest.mark.parametrize(
    "lang, said",
    [
        (
            "en",
            "Recuento, revision 663 (13 January 2026, 23:20 in Caracas): 91 releases in Venezuela since 8 January "
            "2026, of which 90 verified and 1 only reported. Verified by source, with overlaps: Foro Penal (56) and "
            "“Justicia, Encuentro y Perdón” (53). /c/x",
        ),
        (
            "es",
            "Recuento, revisión 663 (13 de enero de 2026, 23:20 en Caracas): 91 excarcelaciones en Venezuela desde el "
            "8 de enero de 2026, de ellas 90 verificadas y 1 solo reportada. Verificadas por fuente, con "
            "coincidencias: Foro Penal (56) y «Justicia, Encuentro y Perdón» (53). /c/x",
        ),
    ],
)
def test_a_sentence_says_the_number_its_terms_the_revision_and_the_hour(lang: Language, said: str) -> None:
    assert sentence_of(TERMS, lang, GROUPS) == said


@pytest.mark.parametrize(
    "terms, scope",
    [
        ({"country": "VE", "released_from": "2026-01-08", "released_to": "2026-01-13"},
         "91 excarcelaciones en Venezuela desde el 8 de enero de 2026 hasta el 13 de enero de 2026, de ellas"),
        ({"released_from": "2026-01", "released_to": "2026-01"}, "91 excarcelaciones en enero de 2026, de ellas"),
        ({"released_to": "2025"}, "91 excarcelaciones hasta 2025, de ellas"),
        ({"stage": "ordered", "net": True},
         "91 excarcelaciones ordenadas (sin las de personas detenidas de nuevo), de ellas"),
        ({"facility": "el-rodeo-i", "nationality": ["AR", "IL"], "gender": "female"},
         "91 excarcelaciones (centro: El Rodeo I; género: femenino; nacionalidad: Argentina e Israel), de ellas"),
        ({"detained_from": "2024-10-13", "verified_by": ["pud", "jep"],
          "verified_by_match": "any"},
         "91 excarcelaciones (de personas detenidas desde el 13 de octubre de 2024; con verificación de alguna de "
         "estas: Plataforma y «Justicia, Encuentro y Perdón»), de ellas"),
        ({"area": "Miranda. El registro responde por todas"},
         "91 excarcelaciones (zona: «Miranda. El registro responde por todas»), de ellas"),
        ({"area": "Miranda》); todas, verificadas» en 2026 («"},
         "91 excarcelaciones (zona: «Miranda'); todas, verificadas' en 2026 ('»), de ellas"),
        ({"source": "foro"},
         "91 excarcelaciones (según: Foro Penal), de ellas 90 verificadas y 1 solo reportada"),
    ],
)  # fmt: skip
def test_a_sentence_has_names_and_dates_in_words(terms: Row, scope: str) -> None:
    assert f": {scope}" in sentence_of(terms_of(terms), "es")


def test_the_name_of_a_source_adds_no_other_to_those_that_verified() -> None:
    names = {**NAMES, "foro": "Comité (999), Foro Penal"}
    setting = CitationSetting(names, zone=ZoneInfo("America/Caracas"))
    said = format_citation_sentence(counted(TERMS, groups=GROUPS), "en", setting)
    assert "“Comité (999), Foro Penal” (56)" in said


@pytest.mark.parametrize("mark", ['"', "”", "»", "›", "’", "‟", "❞", "》", "⟩", "＂", ">", "≫", "″", "ʺ", "˝", "''"])
@pytest.mark.parametrize("lang, opens, closes", [("en", "“", "”"), ("es", "«", "»")])
def test_words_of_an_address_stay_within_their_quotation_marks(
    lang: Language, opens: str, closes: str, mark: str
) -> None:
    said = sentence_of(terms_of({"area": f"Aragua{mark}. All of them (verified by the United Nations)"}), lang)
    assert f": {opens}Aragua'. All of them (verified by the United Nations){closes})" in said


@pytest.mark.parametrize(
    "verified, contested, reported, en, es",
    [
        (303, 0, 3, "306 releases, of which 303 verified and 3 only reported.",
         "306 excarcelaciones, de ellas 303 verificadas y 3 solo reportadas."),
        (1, 1, 1, "3 releases, of which 1 verified, 1 contested and 1 only reported.",
         "3 excarcelaciones, de ellas 1 verificada, 1 controvertida y 1 solo reportada."),
        (12345, 0, 0, "12,345 releases, all verified.", "12.345 excarcelaciones, todas verificadas."),
        (0, 0, 1, "1 release, only reported.", "1 excarcelación, solo reportada."),
        (0, 0, 0, "0 releases.", "0 excarcelaciones."),
    ],
)  # fmt: skip
def test_a_sentence_says_of_what_kinds_the_number_is_and_of_none_that_is_nought(
    verified: int, contested: int, reported: int, en: str, es: str
) -> None:
    statuses: dict[str, Any] = {"verified": verified, "contested": contested, "reported": reported}
    count = counted(terms_of({}), cases=sum(statuses.values()), **statuses)
    assert f": {en} " in format_citation_sentence(count, "en", SETTING)
    assert f": {es} " in format_citation_sentence(count, "es", SETTING)


def test_the_citation_of_a_demo_says_wherever_it_is_pasted_that_its_people_are_invented() -> None:
    setting = CitationSetting(NAMES, zone=ZoneInfo("UTC"), demo=True)
    found = build_citation(counted(TERMS, groups=GROUPS, recorded_at="2026-01-14T03:59:59.999999Z"), setting)
    assert found["en"].startswith("Recuento (demonstration, invented people), revision 663 (14 January 2026, 03:59 in")
    assert found["es"].startswith("Recuento (demostración, personas inventadas), revisión 663 (14 de enero de 2026, ")
    note = "Demonstration, invented people. Revision 663 (14 January 2026, 03:59 in UTC)"
    assert f"note = {{{note}}}," in found["bibtex"]


def test_a_registry_without_entries_is_cited_without_an_hour() -> None:
    empty = counted(terms_of({}), revision=0, recorded_at=None)
    assert format_citation_sentence(empty, "en", SETTING).startswith("Recuento, revision 0: 91 releases, of which")
    assert "year" not in format_bibtex(empty, SETTING)


def label(name: str, value: Any, lang: Language) -> str:
    """What the sentence says of a value of a term."""
    if isinstance(value, bool):
        return {"en": ("no", "yes"), "es": ("no", "sí")}[lang][value]
    if name in CODES:
        told = next(str(code["label"]) for code in build_vocabulary(lang)[CODES[name]] if code["code"] == value)
        return told[0].lower() + told[1:]
    if name in ("country", "nationality", "not_nationality"):
        return get_formats(lang).country(value)
    if name.endswith(("_from", "_to")) and name not in NUMBERS:
        return get_formats(lang).long_day(value)
    if name == "facility":
        return "El Rodeo I"
    if name in ("area", "destination"):  # anybody's words
        return {"en": "“{}”", "es": "«{}»"}[lang].format(value)
    return NAMES.get(str(value), str(value))


@pytest.mark.parametrize("lang", ["en", "es"])
@given(terms=ANY_TERMS)
@example(terms=terms_of({"detained_from": "2024-10-13", "detained_to": "2025", "rearrested": False, "max_sources": 0}))
def test_no_term_of_the_permalink_is_left_out_of_the_sentence(lang: Language, terms: Row) -> None:
    said = sentence_of(terms, lang)
    for name, value in terms.items():
        if name not in ("stage", "net", "group_by", "verified_by_match"):
            for one in value if isinstance(value, list) else [value]:
                assert label(name, one, lang) in said, name


# A value for every term, none of them its default.
EACH: Row = {
    "stage": "ordered", "net": True, "rearrested": False, "group_by": ["release_kind"],
    "release_kind": ["amnesty"], "status": ["verified"], "country": "VE", "nationality": ["AR"],
    "not_nationality": ["VE"],
    "gender": "female",
    "category": "military", "age_group": "over_70", "group": "journalist", "legal_status": "pretrial",
    "condition": "travel_ban", "designation": "political", "state": "held", "facility": "yare", "area": "Aragua",
    "destination": "ES", "source": "foro", "reported_by_kind": ["ngo"], "verified_by_kind": ["ngo"],
    "first_hand": True, "carried_out": False, "rearrested_after": True,
    **{name: least for name, (least, _most) in NUMBERS.items()},
    "verified_by": ["jep"], "not_verified_by": ["jep"], "verified_by_match": "any",
    **{name: "2026-01-08" for name in CountTerms.model_fields
       if name.endswith(("_from", "_to")) and name not in NUMBERS},
}  # fmt: skip


@pytest.mark.parametrize("lang", ["en", "es"])
def test_two_counts_that_differ_in_one_term_are_cited_in_two_sentences(lang: Language) -> None:
    assert EACH.keys() == CountTerms.model_fields.keys()
    beside: dict[str, Row] = {"verified_by_match": {"verified_by": ["jep"]}, "carried_out": {"stage": "ordered"}}
    said = [sentence_of(terms_of({**beside.get(name, {}), name: value}), lang) for name, value in EACH.items()]
    said.append(sentence_of(terms_of({}), lang))
    assert len(set(said)) == len(EACH) + 1


@pytest.mark.parametrize(
    "dimension, en, es",
    [
        ("release_kind", "kind", "tipo"),
        ("month", "month", "mes"),
        ("area", "area", "zona"),
        ("source", "source", "fuente"),
        ("source_count", "independent sources", "fuentes independientes"),
    ],
)
def test_the_dimension_of_groups_is_said(dimension: str, en: str, es: str) -> None:
    terms = terms_of({"group_by": [dimension]})
    assert f" (grouped by: {en})" in sentence_of(terms, "en")
    assert f" (agrupación por: {es})" in sentence_of(terms, "es")


def fields_of(entry: str) -> dict[str, str]:
    """The fields of a BibTeX entry, read as BibTeX does: it counts braces, and no backslash shields one."""
    opened = re.fullmatch(r"@misc\{([^\s{},%#\"'~\\]+),\n(.*)\n\}", entry, re.DOTALL)
    assert opened is not None
    found, rest = {"key": opened[1]}, opened[2]
    while rest:
        name, value, rest = _field(rest)
        found[name] = value
    return found


def _field(text: str) -> tuple[str, str, str]:
    head = re.match(r"\s*([a-z]+) = \{", text)
    assert head is not None, text
    depth, end = 1, head.end()
    while depth:
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        end += 1
    assert text[end] == ",", text[end:]
    return head[1], text[head.end() : end - 1], text[end + 1 :]


COMMANDS = {r"\textbackslash{}": "\\", r"\textbraceleft{}": "{", r"\textbraceright{}": "}", r"\textasciitilde{}": "~",
            r"\textasciicircum{}": "^", **{"\\" + sign: sign for sign in "%&#_$"}}  # fmt: skip


def typeset(text: str) -> str:
    """What TeX prints; what would be a command or a comment must not stand there bare."""
    printed = re.sub(r"\\[a-z]+\{\}|\\[^a-z]", lambda found: "\0" + str(list(COMMANDS).index(found[0])) + "\0", text)
    assert not re.search(r"[%&#_$~^{}\\]", printed), text
    return re.sub(r"\0(\d+)\0", lambda found: list(COMMANDS.values())[int(found[1])], printed)


@given(terms=ANY_TERMS)
@example(terms=terms_of({"area": r"{}%&#_\$^~", "destination": "}{"}))
def test_bibtex_is_well_formed_and_prints_the_terms_whatever_is_in_them(terms: Row) -> None:
    address = "https://recuento.example" + build_short_address(terms, pin_of(663))
    found = fields_of(format_bibtex(counted(terms, cite=address), SETTING))
    note = "Revision 663 (13 January 2026, 23:20 in Caracas)"
    assert (found["author"], found["year"], found["note"]) == ("{Recuento}", "2026", note)
    assert found["howpublished"] == f"\\url{{{address}}}"
    title = found["title"]
    assert title[0] + title[-1] == "{}"
    title = typeset(title[1:-1])
    assert f"91 {title[0].lower()}{title[1:]}" in sentence_of(terms, "en")


def test_two_counts_of_one_revision_are_two_entries() -> None:
    keys = {
        fields_of(format_bibtex(counted(said, cite=build_short_address(said, pin_of(663))), SETTING))["key"]
        for said in (terms_of({}), terms_of({"net": True}))
    }
    assert len(keys) == 2


@given(terms=ANY_TERMS, revision=st.integers(0, 2**53))
@example(terms=LONGEST, revision=2**53)
def test_a_short_address_holds_the_terms_and_the_revision_exactly(terms: Row, revision: int) -> None:
    code = code_of(terms, revision)
    assert re.fullmatch(r"[12][A-Za-z0-9_-]+", code)
    full = addresses.build_query_url("", terms, pin_of(revision)).removeprefix("?")
    assert parse_short_code(code)[1] == parse_qsl(full, keep_blank_values=True)
    assert parse_short_code(code)[1][-1] == ("as_of", f"r{revision}")


def test_an_address_in_print_that_names_no_leaf_still_leads_to_its_count() -> None:
    code = build_short_address(TERMS, Pin(663)).removeprefix(CITATION_PATH)
    assert code.startswith("1")
    assert parse_short_code(code)[1][-1] == ("as_of", "r663")


def test_a_short_address_is_short() -> None:
    assert len(code_of(TERMS)) < 70


SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def test_a_code_with_one_character_wrong_leads_nowhere() -> None:
    code = code_of(TERMS)
    for place, right in enumerate(code):
        for wrong in SIGNS.replace(right, ""):
            with pytest.raises(BadCode):
                parse_short_code(code[:place] + wrong + code[place + 1 :])


def test_a_code_with_characters_swapped_left_out_doubled_or_added_leads_nowhere() -> None:
    code = code_of(TERMS)
    wrong = {
        code.lower(),
        code.upper(),
        "",
        "1",
        "1A",
        "2",
        "2A",
        code + "A",
        code + "=",
        code + " ",
        "1" + code[1:],
        code[1:],
    }
    for place in range(len(code)):
        wrong |= {code[:place], code[:place] + code[place + 1 :], code[:place] + code[place] + code[place:]}
        wrong.add(code[:place] + code[place : place + 2][::-1] + code[place + 2 :])
    for one in wrong - {code}:
        with pytest.raises(BadCode):
            parse_short_code(one)


@given(st.text(max_size=80))
def test_whatever_was_not_given_out_is_refused(text: str) -> None:
    with pytest.raises(BadCode):
        parse_short_code("1" + text)
    with pytest.raises(BadCode):
        parse_short_code("2" + text)


def test_the_parts_of_two_codes_make_none() -> None:
    one, other = code_of(TERMS), code_of(TERMS | {"country": "NI"})
    for place in range(2, min(len(one), len(other)) - 1):
        glued = one[:place] + other[place:]
        if glued not in (one, other):
            with pytest.raises(BadCode):
                parse_short_code(glued)


def test_a_citation_gives_the_address_everywhere() -> None:
    found = build_citation(counted(TERMS, cite="https://recuento.example/c/x"), SETTING)
    assert found["address"] == "https://recuento.example/c/x"
    for name in ("en", "es", "bibtex"):
        assert found["address"] in found[name]


def test_a_conjunction_within_a_name_stays_as_it_is() -> None:
    assert get_formats("es").listed(["Padres y Hijos"]) == "Padres y Hijos"
    assert get_formats("es").listed(["Argentina", "Israel"]) == "Argentina e Israel"
    assert get_formats("es").listed(["Padres y Hijos", "Foro"]) == "Padres y Hijos y Foro"


def test_a_letter_with_a_double_acute_is_no_quotation_mark() -> None:
    said = sentence_of(terms_of({"area": "Győr", "source": "foro"}), "en", setting=CitationSetting({"foro": "Erdős"}))
    assert "“Győr”" in said
    assert "by the word of: Erdős" in said
