"""Case numbers of rows: the list's own, or derived ones that stay the same."""

from typing import Any

import pytest

from app.imports.reader.doubts import DERIVED_PREFIX, MAX_EQUAL_ROWS, CaseNumbers, RepeatedCaseNumber, RepeatedRow


def keys_of(*bodies: dict[str, Any]) -> list[str]:
    keys = CaseNumbers()
    for number, body in enumerate(bodies, 1):
        keys.assign(number, body)
    return [body["source_record_id"] for body in bodies]


def person(name: str | None = "Rosa Valdivia", birth: str | None = "1971", **more: Any) -> dict[str, Any]:
    return {"detainee": {"full_name": name, "birth_date": birth}, **more}


def test_a_number_of_ones_own_is_kept() -> None:
    assert keys_of({"source_record_id": "A-1"}, {"source_record_id": "A-2"}) == ["A-1", "A-2"]


def test_a_number_used_twice_in_one_file_is_told_with_the_row_that_has_it() -> None:
    keys = CaseNumbers()
    keys.assign(1, {"source_record_id": "A-1"})
    with pytest.raises(RepeatedCaseNumber) as repeated:
        keys.assign(7, {"source_record_id": " A-1"})
    assert repeated.value.row == 1


def test_a_derived_number_stays_while_the_rest_of_the_row_changes() -> None:
    once = keys_of(person(detention={"facility": "Yare", "detained_on": "2025"}))
    again = keys_of(person(name="ROSA  VALDIVIA", release={"kind": "pardon"}, detention={"detained_on": "2025"}))
    assert once == again
    assert once[0].startswith(DERIVED_PREFIX)


def test_another_name_birth_or_day_of_detention_is_another_number() -> None:
    found = keys_of(
        person(), person(name="Rosa Valdivieso"), person(birth="1972"), person(detention={"detained_on": "2025"})
    )
    assert len(set(found)) == 4


def test_namesakes_that_nothing_tells_apart_are_numbered_in_their_order() -> None:
    first, second, third = keys_of(person(), person(), person())
    assert (second, third) == (f"{first}-2", f"{first}-3")


def test_a_row_that_is_repeated_for_ever_is_numbered_twenty_times() -> None:
    keys = CaseNumbers()
    for number in range(MAX_EQUAL_ROWS):
        keys.assign(number, person())
    with pytest.raises(RepeatedRow):
        keys.assign(MAX_EQUAL_ROWS, person())
    keys.assign(MAX_EQUAL_ROWS + 1, person(birth="1972"))
    assert keys.derived_count == MAX_EQUAL_ROWS + 1


def test_the_nameless_are_told_apart_by_what_is_known_of_them() -> None:
    found = keys_of(
        {"detainee": {"age": 72, "nationalities": ["AR"]}, "detention": {"facility": "Yare"}},
        {"detainee": {"age": 72, "nationalities": ["UY"]}, "detention": {"facility": "Yare"}},
    )
    assert len(set(found)) == 2


def test_a_row_that_points_at_somebody_is_numbered_by_whom_it_points_at() -> None:
    a, b = {"release_id": "1", "detainee": {"age": 30}}, {"release_id": "1", "detainee": {"age": 31}}
    assert keys_of(a)[0] == keys_of(b)[0]


@pytest.mark.parametrize("odd", [{"detainee": "x"}, {"detainee": {"full_name": 7}}, {"detention": [1]}, {}])
def test_a_body_of_any_shape_gets_a_number_and_is_refused_later(odd: dict[str, Any]) -> None:
    assert keys_of(odd)[0].startswith(DERIVED_PREFIX)
