"""The gate before anything reads a body: strict JSON of bounded size, and no tricks with characters or numbers."""

import json
from collections.abc import Iterator

import pytest
from httpx2 import Response

from app.errors import MAX_ERRORS, MalformedJson
from app.strict_json import parse_json
from tests.growth import assert_grows_linearly
from tests.support import World, make_report

MEBIBYTE = 1024 * 1024


def named(text: str) -> str:
    return f'{{"detainee": {{"full_name": {text}}}}}'


def aged(text: str) -> str:
    return f'{{"detainee": {{"age": {text}}}}}'


# Where a body can be sent to; the gate stands before all of them.
DOORS = ("/v1/releases", "/v1/detentions", "/v1/claims", "/v1/sources", "/v1/facilities", "/v1/identity")

# By what a reader may see, or not see, when such a character stands in a name.
CHARACTERS = {
    "NUL": "\x00",
    "C0: backspace": "\x08",
    "C0: escape": "\x1b",
    "C0: vertical tab": "\x0b",
    "DEL": "\x7f",
    "C1: next line": "\x85",
    "C1: application command": "\x9f",
    "bidi embedding": "\u202a",
    "bidi override": "\u202e",
    "bidi isolate": "\u2066",
    "pop isolate": "\u2069",
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    "shaping that was given up": "\u206a",
    "between lines": "\ufff9",
    "filler of Hangul": "\u3164",
    "half-width filler": "\uffa0",
    "filler before a vowel": "\u1160",
    "tag": "\U000e0041",
    "no character": "\uffff",
    "lone high surrogate": "\ud83d",
    "lone low surrogate": "\ude00",
}


def send(world: World, body: bytes | str | Iterator[bytes], kind: str | None = "application/json") -> Response:
    headers = world.headers("foro") | ({} if kind is None else {"Content-Type": kind})
    content = body.encode() if isinstance(body, str) else body
    return world.client.post("/v1/releases", content=content, headers=headers)


def test_what_is_not_json_is_refused(world: World, subtests: pytest.Subtests) -> None:
    for body in ('{"a": 1', "{'a': 1}", "", " ", '{"a": 1} {}', "[1,]", '{"a": 1}\ufeff', '{"a": 01}', '{"a": tru}'):
        with subtests.test(body), world.storing_nothing():
            answer = send(world, body)
            if body:
                world.refuse(answer, 400, "malformed_json")
            else:  # nothing was sent at all
                world.refuse(answer, 422, "required", "")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "wrong",
    ['{"a": [' + "9e99," * 1_000 + "1]}", json.dumps({f"x{n}": 1 for n in range(100)}), json.dumps(["\x07"] * 1_000)],
    ids=["numbers", "fields", "characters"],
)
def test_of_a_hundred_mistakes_and_more_the_first_twenty_are_told(world: World, wrong: str) -> None:
    answer = send(world, wrong)
    world.refuse(answer, 422, "invalid")
    assert len(answer.json()["errors"]) == MAX_ERRORS


def test_an_object_of_more_keys_than_any_body_has_is_refused() -> None:
    with pytest.raises(MalformedJson, match="100 keys"):
        parse_json(json.dumps({f"x{n}": 1 for n in range(101)}).encode())


def test_a_long_key_is_not_sent_back_for_each_mistake_below_it() -> None:
    with pytest.raises(MalformedJson, match="100 characters"):
        parse_json(json.dumps({"k" * 101: [1e99] * 20}).encode())


def test_what_is_not_utf_8_is_refused(world: World) -> None:
    with world.storing_nothing():
        world.refuse(send(world, '{"note": "señal"}'.encode("latin-1")), 400, "malformed_json")
        world.refuse(send(world, '{"note": "x"}'.encode("utf-16")), 400, "malformed_json")


def test_a_body_that_is_no_object_is_refused(world: World, subtests: pytest.Subtests) -> None:
    for body in ("null", "[]", '"x"', "7", "true"):
        with subtests.test(body), world.storing_nothing():
            world.refuse(send(world, body), 422, "object_required", "")


def test_a_key_given_twice_is_refused_at_any_depth(world: World, subtests: pytest.Subtests) -> None:
    for body in (
        '{"note": "a", "note": "b"}',
        '{"detainee": {"full_name": "Ana", "full_name": "Eva"}}',
        '{"detainee": {"full_name": "Ana"}, "detainee": {}}',
        '{"detention": {"transfers": [{"facility": "a", "facility": "b"}]}}',
        # The same key, written in two ways.
        '{"note": "a", "n\\u006fte": "b"}',
    ):
        with subtests.test(body), world.storing_nothing():
            world.refuse(send(world, body), 400, "malformed_json")


def test_nan_and_infinity_are_not_json(world: World, subtests: pytest.Subtests) -> None:
    for number in ("NaN", "Infinity", "-Infinity"):
        with subtests.test(number), world.storing_nothing():
            world.refuse(send(world, aged(number)), 400, "malformed_json")


def test_numbers_that_are_not_exact_everywhere_are_refused_where_they_stand(
    world: World, subtests: pytest.Subtests
) -> None:
    for number in ("1e400", "-1e400", str(2**53 + 1), str(-(2**53) - 1), "9" * 30, "9" * 5000, "1e300"):
        with subtests.test(number[:30]), world.storing_nothing():
            answer = send(world, aged(number))
            world.refuse(answer, 422, "number_out_of_range", "/detainee/age")
            assert number not in answer.text


def test_the_largest_exact_number_passes_the_gate(world: World) -> None:
    answer = send(world, aged(str(2**53)))
    world.refuse(answer, 422, "less_than_equal", "/detainee/age")


def test_a_body_may_be_32_levels_deep_and_no_deeper(world: World, subtests: pytest.Subtests) -> None:
    def nested(levels: int) -> str:
        return '{"x": ' * (levels - 1) + "{}" + "}" * (levels - 1)

    with world.storing_nothing():
        world.refuse(send(world, nested(32)), 422, "unknown_field", "/x")
    for body in (nested(33), nested(5000), "[" * 100_000, "[" * 100_000 + "]" * 100_000):
        with subtests.test(f"{body[:6]} × {len(body)}"), world.storing_nothing():
            world.refuse(send(world, body), 400, "malformed_json")


@pytest.mark.parametrize("called", CHARACTERS)
def test_control_bidi_and_broken_characters_are_refused_in_values_and_keys(world: World, called: str) -> None:
    character = CHARACTERS[called]
    value = json.dumps(f"To{character}más")
    with world.storing_nothing():
        answer = send(world, named(value))
        world.refuse(answer, 422, "control_character", "/detainee/full_name")
        assert "más" not in answer.text
        world.refuse(send(world, f'{{"detainee": {{{value}: 1}}}}'), 400, "malformed_json")
        if not 0xD800 <= ord(character) <= 0xDFFF:  # UTF-8 has no bytes for those
            # Unescaped; what stands below the space is not JSON at all.
            answer = send(world, named(f'"To{character}más"'))
            status, code = (400, "malformed_json") if character < " " else (422, "control_character")
            world.refuse(answer, status, code)


def test_surrogates_in_bytes_are_not_utf_8(world: World) -> None:
    with world.storing_nothing():
        answer = send(world, named('"\ud83d"').encode("utf-8", "surrogatepass"))
        world.refuse(answer, 400, "malformed_json")


def test_every_character_that_is_refused_is_pointed_at(world: World) -> None:
    body = {"note": "\x00", "detainee": {"aliases": ["fine", "\u202e"]}, "a/b": {"c~d": "\x9f"}}
    with world.storing_nothing():
        problem = world.refuse(send(world, json.dumps(body)), 422, "control_character")
    assert {e["pointer"] for e in problem["errors"]} == {"/note", "/detainee/aliases/1", "/a~1b/c~0d"}


def test_notes_have_lines_and_names_have_joiners(world: World) -> None:
    name = "سیده‌ زهرا موسوی‍"  # a zero-width non-joiner and joiner, as Persian needs them
    world.file(detainee__full_name=name, note="first line\nsecond\tline\r\n")
    assert world.get("/v1/detainees").json()["data"][0]["name"] == name


def test_what_nobody_sees_is_no_part_of_a_name(world: World) -> None:
    copied, seen = "\ufeffJo\u200bsé Pe\u00adña\u2060 Duarte\u200e", "José Peña Duarte"
    filed = world.file(detainee__full_name=copied, source_record_id="1")
    assert filed["detainee"]["name"] == seen
    again = world.post("/v1/releases", make_report(detainee__full_name=seen, source_record_id="1"), "foro")
    assert again.json()["receipt"] == filed["receipt"]
    assert world.file("jep", detainee__full_name=copied)["match"]["outcome"] == "linked"
    with world.storing_nothing():
        blank = make_report(detainee__full_name="\u200b\u200d", source_record_id="2")
        world.refuse(world.post("/v1/releases", blank, "foro"), 422, "control_character", "/detainee/full_name")


def test_names_are_kept_in_one_normal_form(world: World) -> None:
    decomposed, composed = "Jose\u0301 Pen\u0303a Duarte", "José Peña Duarte"
    filed = world.file(detainee__full_name=decomposed, source_record_id="1")
    assert filed["detainee"]["name"] == composed
    again = world.post("/v1/releases", make_report(detainee__full_name=composed, source_record_id="1"), "foro")
    assert again.status_code == 200
    assert again.json()["receipt"] == filed["receipt"]


def test_a_name_buried_under_accents_is_refused_without_putting_them_in_order(world: World) -> None:
    def send(count: int) -> None:
        buried = "a" + "\u0301\u0316" * count
        for path in DOORS:
            answer = world.post(path, {"detainee": {"full_name": buried}}, "foro")
            world.refuse(answer, 422, "too_many_marks", "/detainee/full_name")
        world.refuse(world.post("/v1/match", {buried: 1}, "foro"), 400, "malformed_json")

    with world.storing_nothing():
        assert_grows_linearly(send, 120_000)


def test_a_body_of_10_mb_is_refused_before_it_is_read(world: World, subtests: pytest.Subtests) -> None:
    huge = b'{"note": "' + b"x" * (10 * MEBIBYTE) + b'"}'
    for path in DOORS:
        with subtests.test(path), world.storing_nothing():
            headers = world.headers("foro") | {"Content-Type": "application/json"}
            world.refuse(world.client.post(path, content=huge, headers=headers), 413, "payload_too_large")


def test_a_body_without_a_stated_length_is_cut_off_too(world: World) -> None:
    def pieces() -> Iterator[bytes]:
        yield b'{"note": "'
        for _ in range(40):
            yield b"x" * (MEBIBYTE // 4)
        yield b'"}'

    with world.storing_nothing():
        world.refuse(send(world, pieces()), 413, "payload_too_large")


def test_a_body_just_within_the_limit_is_read(world: World) -> None:
    body = json.dumps(make_report())
    assert send(world, body + " " * (MEBIBYTE - len(body))).status_code == 201
    assert send(world, body + " " * (MEBIBYTE - len(body) + 1)).status_code == 413


def test_only_json_is_read_here(world: World, subtests: pytest.Subtests) -> None:
    body = json.dumps(make_report())
    for kind in (
        "text/plain",
        "text/csv",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "",
        None,
        "json",
    ):
        with subtests.test(str(kind)), world.storing_nothing():
            problem = world.refuse(send(world, body, kind), 415, "unsupported_media_type")
            assert "application/json" in problem["detail"]


def test_json_may_name_its_charset_or_be_a_merge_patch(world: World) -> None:
    filed = send(world, json.dumps(make_report()), "application/json; charset=utf-8")
    assert filed.status_code == 201
    headers = world.headers("foro") | {"Content-Type": "application/merge-patch+json"}
    path = f"/v1/reports/{filed.json()['report']['id']}"
    assert world.client.patch(path, content=b'{"note": "n"}', headers=headers).status_code == 200
