"""What is answered about a list becomes a mapping that the API reads, and is found in it again."""

from urllib.parse import quote

import pytest

from app.imports.answers import build_answers, merge_answers
from app.imports.mapping import ListMapping
from app.web.desk import answers

SECRET = b"s" * 32
HOSTILE = 'a "quoted" \\ word/é~ 🙂'
PLACE = "/values/release.kind/" + HOSTILE.replace("~", "~0").replace("/", "~1")
GIVEN = {
    "answer:/list_date": ["2026-01-20"],
    "answer:/whole": ["false"],
    "answer:/checked": ["family"],
    "answer:/sheets/Enero": ["true"],
    "answer:/dates": ["day_first"],
    "answer:/age_on": ["2026-01"],
    "answer:/rows/5": ["leave_out"],
    "answer:/rows/6": [""],
    "answer:/rows/section_title": ["read"],
    "answer:/values/verification.method/at%20the%20door": ["at_the_gate"],
    "answer:/values/release.kind/x": ["-"],
    "answer:/positions/B": ["-"],
    "answer:/positions/H": ["detainee.full_name"],
    "answer:/constants/detention.country": ["VE"],
    "token": ["x"],
}


def test_every_answer_is_one_that_a_mapping_has() -> None:
    submitted = answers.parse_answers(GIVEN)
    mapping = ListMapping.parse_toml(merge_answers("", build_answers(submitted.pairs)))
    assert (mapping.list_date, mapping.whole, mapping.checked) == ("2026-01-20", False, "family")
    assert mapping.sheets == {"Enero": True}
    assert (mapping.dates, mapping.age_on) == ("day_first", "2026-01")
    assert mapping.rows == {"5": "leave_out", "section_title": "read"}
    assert mapping.values == {"verification.method": {"at the door": "at_the_gate"}, "release.kind": {"x": ""}}
    assert mapping.positions == {"B": [], "H": "detainee.full_name"}
    assert mapping.constants == {"detention.country": "VE"}
    assert not submitted.refused


@pytest.mark.parametrize("name", [name for name, (text,) in GIVEN.items() if name.startswith("answer:") and text])
def test_an_answer_is_found_in_the_mapping_as_its_field_has_it(name: str) -> None:
    text = merge_answers("", build_answers(answers.parse_answers(GIVEN).pairs))
    place = name.removeprefix("answer:").replace("%20", " ")
    assert answers.find_answer(answers.parse_mapping(text), place) == GIVEN[name][0]


def test_any_word_of_a_list_can_be_asked_about() -> None:
    name = answers.build_answer_name(PLACE)
    assert name == "answer:" + quote(PLACE, safe="/")
    pairs = answers.parse_answers({name: ["pardon"]}).pairs
    mapping = ListMapping.parse_toml(merge_answers("", build_answers(pairs)))
    assert mapping.values == {"release.kind": {HOSTILE: "pardon"}}


@pytest.mark.parametrize(
    "place, text",
    [
        ("/list_date", "20 de enero"),
        ("/checked", "by hearsay"),
        ("/positions/B", "detainee.shoe_size"),
        ("/rows/5", "perhaps"),
        ("/nothing", "x"),
        ("/values", "x"),
        ("", "x"),
    ],
)
def test_an_answer_that_no_mapping_takes_is_refused_alone(place: str, text: str) -> None:
    submitted = answers.parse_answers({f"answer:{place}": [text], "answer:/whole": ["true"]})
    assert submitted.refused == {place}
    assert submitted.pairs == [("/whole", "true")]


def test_the_questions_in_a_page_are_sealed_for_their_source() -> None:
    questions = [{"code": "list_date", "place": "/list_date"}]
    sealed = answers.seal_questions(SECRET, questions, "foro")
    assert "list_date" not in sealed
    assert answers.unseal_questions(SECRET, sealed, "foro") == questions
    assert answers.unseal_questions(SECRET, sealed, "jep") == []
    assert answers.unseal_questions(SECRET, sealed[:-8] + "AAAAAAA=", "foro") == []


@pytest.mark.parametrize("text", ["=", "[" * 2_000, "nothing = 1", "d = 2026-01-01"])
def test_what_is_no_mapping_has_no_answers(text: str) -> None:
    assert answers.parse_mapping(text) == {}
