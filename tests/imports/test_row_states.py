"""The status of a row: fields of a report, and what is asked where cells contradict one another."""

from datetime import date
from typing import Any

import pytest

from app.imports.fields import STATE, STATE_DAY
from app.imports.mapping import ListMapping
from app.imports.reader.row_states import IN_CUSTODY, LEFT_OUT, STATED, RowStates
from app.imports.reader.sheet_dates import DateContext
from app.imports.reader.states import StateReading, read_state

DAY, OTHER_DAY = "2026-01-14", "2026-01-12"
RELEASED_ON, KIND, LEGAL_STATUS = "release.released_on", "release.kind", "detention.legal_status"


def reading(text: str) -> StateReading:
    found = read_state(text, DateContext())
    assert found is not None
    return found


def expand(
    fields: dict[str, Any], mapping: str = "", *, sheet: str | None = None, colour: str | None = None
) -> tuple[dict[str, Any], list[str]]:
    """The fields of a report that a row gets, and what is asked about it."""
    states = RowStates(ListMapping.parse_toml(mapping), None if sheet is None else reading(sheet), str, DateContext())
    asked = [question for question, _field in states.expand(fields, "14", colour)]
    return {name: value for name, value in fields.items() if name != STATED and value is not False}, asked


def answer(question: str, said: str) -> str:
    return f'[rows]\n{question} = "{said}"\n'


@pytest.mark.parametrize(
    "said, fields",
    [
        ("excarcelada", {"release.stage": "carried_out"}),
        (f"excarcelado el {DAY}", {"release.stage": "carried_out", RELEASED_ON: DAY}),
        ("sigue detenido", {IN_CUSTODY: True}),
        ("casa por cárcel", {LEGAL_STATUS: "house_arrest", IN_CUSTODY: True}),
        ("se fugó", {"detention.ended.how": "escaped"}),
        ("se desconoce", {}),
    ],
)
def test_a_status_becomes_fields_of_a_report(said: str, fields: dict[str, Any]) -> None:
    assert expand({STATE: reading(said)}) == (fields, [])


def test_a_death_in_custody_ends_the_detention_on_its_day() -> None:
    fields, asked = expand({STATE: reading("falleció"), STATE_DAY: DAY})
    assert (fields, asked) == (
        {"detention.ended.how": "died", "detention.ended.on": DAY, "detainee.died_on": DAY},
        [],
    )
    assert expand({"detainee.died_on": DAY})[0]["detention.ended.how"] == "died"


def test_who_died_after_a_release_did_not_die_in_custody() -> None:
    assert "detention.ended.how" not in expand({"detainee.died_on": DAY, RELEASED_ON: OTHER_DAY})[0]


def test_the_day_of_the_list_is_one_on_which_its_people_were_held() -> None:
    day = f'list_date = "{DAY}"\n'
    assert expand({STATE: reading("detenida")}, day)[0]["detention.held_on"] == DAY
    assert expand({}, day) == ({}, [])
    assert expand({}, f'{day}held = "held"\n')[0]["detention.held_on"] == DAY
    assert "detention.held_on" not in expand({RELEASED_ON: OTHER_DAY}, f'{day}held = "held"\n')[0]


def test_the_day_of_the_list_is_given_to_people_whose_arrest_soon_counts_them_no_more() -> None:
    day = 'list_date = "2026-11-20"\n'
    held = {STATE: reading("detenida")}
    assert "detention.held_on" in expand({**held, "detention.detained_on": "2024-12-01"}, day)[0]
    assert "detention.held_on" not in expand({**held, "detention.detained_on": "2025-03-01"}, day)[0]


def test_words_that_an_answer_sets_aside_stay_in_the_note() -> None:
    assert expand({STATE: StateReading("-", text="con tos")})[0] == {"note": "con tos"}


@pytest.mark.parametrize("read_on, is_dated", [(date(2026, 1, 21), False), (date(2026, 12, 1), True)])
def test_a_list_that_is_read_late_dates_the_custody_of_people_arrested_long_before(
    read_on: date, is_dated: bool
) -> None:
    mapping = ListMapping.parse_toml('list_date = "2026-01-20"\n')
    fields: dict[str, Any] = {STATE: reading("detenida"), "detention.detained_on": "2024-11-15"}
    assert [*RowStates(mapping, None, str, DateContext(), read_on).expand(fields, "14")] == []
    assert (fields.get("detention.held_on") == "2026-01-20") is is_dated


def test_crosses_in_columns_of_statuses_are_read_with_their_days() -> None:
    assert expand({"state:released": DAY, "state:died": False})[0] == {
        "release.stage": "carried_out", RELEASED_ON: DAY,
    }  # fmt: skip
    assert expand({"state:released": True, "state:died": True})[1] == ["states_differ"]


def test_a_cross_and_a_word_for_one_status_are_put_together() -> None:
    fields, asked = expand({STATE: reading("excarcelado con medidas"), "state:released": DAY})
    assert (fields[KIND], fields[RELEASED_ON], asked) == ("release_with_measures", DAY, [])


@pytest.mark.parametrize(
    "said, other",
    [
        ("detenida", {RELEASED_ON: OTHER_DAY}),
        ("excarcelado", {"detainee.died_on": OTHER_DAY}),
        (f"excarcelado el {DAY}", {RELEASED_ON: OTHER_DAY}),
        ("excarcelado con medidas", {KIND: "full_release", RELEASED_ON: OTHER_DAY}),
        ("casa por cárcel", {LEGAL_STATUS: "pretrial"}),
        ("libre", {STATE_DAY: DAY, RELEASED_ON: OTHER_DAY}),
        (f"detenido desde el {DAY}", {"detention.detained_on": OTHER_DAY}),
    ],
)
def test_a_status_that_other_cells_contradict_is_asked_about(said: str, other: dict[str, Any]) -> None:
    assert expand({STATE: reading(said), **other})[1] == ["states_differ"]
    assert expand({STATE: reading(said), **other}, answer("states_differ", "leave_out"))[1] == [LEFT_OUT]
    for choice in ("status", "cells"):
        assert expand({STATE: reading(said), **other}, answer("states_differ", choice))[1] == []


def test_the_answer_says_whether_the_status_or_the_cells_hold() -> None:
    def row() -> dict[str, Any]:
        return {STATE: reading(f"excarcelado con medidas el {DAY}"), KIND: "full_release", RELEASED_ON: OTHER_DAY}

    by_status, _asked = expand(row(), answer("states_differ", "status"))
    assert (by_status[KIND], by_status[RELEASED_ON]) == ("release_with_measures", DAY)
    by_cells, _asked = expand(row(), answer("states_differ", "cells"))
    assert (by_cells[KIND], by_cells[RELEASED_ON]) == ("full_release", OTHER_DAY)
    assert expand({STATE: reading("detenida"), RELEASED_ON: DAY}, answer("states_differ", "status"))[0] == {
        IN_CUSTODY: True
    }


@pytest.mark.parametrize(
    "other, field, exact",
    [
        ({RELEASED_ON: "2026-01"}, RELEASED_ON, DAY),
        ({RELEASED_ON: "2026"}, RELEASED_ON, DAY),
        ({RELEASED_ON: DAY, KIND: "unspecified"}, KIND, "release_with_measures"),
    ],
)
def test_of_two_cells_that_agree_the_more_exact_is_taken(other: dict[str, Any], field: str, exact: str) -> None:
    fields, asked = expand({STATE: reading(f"excarcelado con medidas el {DAY}"), **other})
    assert (fields[field], asked) == (exact, [])


def test_a_vague_day_of_a_status_takes_nothing_from_an_exact_cell() -> None:
    fields, asked = expand({STATE: reading("excarcelado"), STATE_DAY: "2026-01", RELEASED_ON: DAY})
    assert (fields[RELEASED_ON], asked) == (DAY, [])


def test_a_transfer_is_noted_once_with_its_day() -> None:
    fields, asked = expand({STATE: reading("trasladado"), STATE_DAY: DAY})
    assert (fields["note"].count("Traslado"), DAY in fields["note"], fields[IN_CUSTODY], asked) == (1, True, True, [])


def test_the_name_of_a_sheet_says_the_status_where_its_rows_say_nothing() -> None:
    assert expand({}, sheet="excarcelados")[0] == {"release.stage": "carried_out"}
    assert expand({}, sheet="con boleta de excarcelación")[0]["release.stage"] == "ordered"
    assert expand({STATE: reading("detenida")}, sheet="excarcelados")[0] == {IN_CUSTODY: True}


def test_the_day_of_an_order_or_an_announcement_is_no_day_of_release() -> None:
    for name, stage in (("release.ordered_on", "ordered"), ("release.announced_on", "announced")):
        assert expand({STATE: reading("detenida"), name: DAY}) == (
            {IN_CUSTODY: True, name: DAY, "release.stage": stage},
            [],
        )
    assert expand({STATE: reading("detenida"), "release.conditions": ["reporting"]})[1] == ["undated_release"]


def test_a_release_that_is_only_ordered_is_contradicted_by_a_remark_about_it() -> None:
    ordered = {STATE: reading("con boleta de excarcelación"), "note": f"fue liberada el {DAY}"}
    assert expand(ordered)[1] == ["remark_state"]


def test_a_denied_status_beside_the_status_or_its_day_is_asked_about() -> None:
    assert expand({"state:released": False, RELEASED_ON: DAY})[1] == ["states_differ"]
    assert expand({"state:released": False, STATE: reading("excarcelado")})[1] == ["states_differ"]
    assert expand({"state:held": False, STATE: reading("detenida")})[1] == ["states_differ"]
    assert expand({"state:released": False, STATE: reading("detenida")})[1] == []


@pytest.mark.parametrize("name", ["Ana Paz (no publicar)", "Ana Paz - no publicar el nombre"])
def test_a_wish_beside_a_name_is_asked_about(name: str) -> None:
    assert expand({"detainee.full_name": name})[1] == ["remark_wish"]
    fields, asked = expand({"detainee.full_name": name}, answer("remark_wish", "remark"))
    assert (fields["detainee.full_name"], asked) == ("Ana Paz", [])
    assert fields["detainee.publish"] in ("anonymous", "counted", "withheld")


@pytest.mark.parametrize("field", ["detainee.aliases", "detention.charges", "detention.place"])
def test_a_wish_in_another_text_is_asked_about(field: str) -> None:
    text = "terrorismo; no publicar"
    assert expand({field: text.split("; ") if field != "detention.place" else text})[1] == ["remark_wish"]
    assert expand({"detention.charges": ["divulgación de secretos", "publicación de noticias falsas"]})[1] == []


def test_a_status_beside_a_name_adds_its_day_or_is_asked_about() -> None:
    name = "detainee.full_name"
    fields, asked = expand({STATE: reading("excarcelada"), name: f"Ana Paz (excarcelada el {DAY})"})
    assert (fields[name], fields[RELEASED_ON], asked) == ("Ana Paz", DAY, [])
    assert expand({RELEASED_ON: OTHER_DAY, name: f"Ana Paz (excarcelada el {DAY})"})[1] == ["remark_state"]


def test_a_wish_at_the_end_of_a_long_remark_is_asked_about() -> None:
    assert expand({"note": "La familia cuenta. " * 150 + "No publicar el nombre"})[1] == ["remark_wish"]


def test_a_colour_says_a_status_once_it_is_answered() -> None:
    assert expand({}, colour="00ff00")[0] == {}
    green = '[colours]\n00ff00 = "released:amnesty"\n'
    assert expand({}, green, colour="00ff00")[0] == {"release.stage": "carried_out"} | {KIND: "amnesty"}
    assert expand({STATE: reading("detenida")}, green, colour="00ff00")[1] == ["states_differ"]
    assert expand({}, green.replace("released:amnesty", "-"), colour="00ff00")[0] == {}


def test_a_kind_of_release_without_a_day_is_asked_about() -> None:
    assert expand({KIND: "pardon"})[1] == ["undated_release"]
    assert expand({KIND: "pardon"}, answer("undated_release", "released")) == (
        {KIND: "pardon", "release.stage": "carried_out"},
        [],
    )
    assert expand({KIND: "pardon"}, answer("undated_release", "held")) == ({IN_CUSTODY: True}, [])
    assert expand({KIND: "pardon", STATE: reading("excarcelado")})[1] == []


def test_the_day_of_a_release_before_another_arrest_stays_in_the_note() -> None:
    row = {STATE: reading(f"excarcelado el {DAY}"), "note": "recapturado y sigue preso"}
    assert expand(dict(row))[1] == ["remark_state"]
    fields, asked = expand(dict(row), answer("remark_state", "remark"))
    assert (RELEASED_ON in fields, asked) == (False, [])
    assert f"{RELEASED_ON}: {DAY}" in fields["note"]


def test_a_remark_of_another_status_is_asked_about() -> None:
    note = f"Excarcelado el {DAY} según la familia"
    assert expand({"note": note})[1] == ["remark_state"]
    assert expand({"note": note}, answer("remark_state", "read")) == ({"note": note}, [])
    fields, _asked = expand({"note": note}, answer("remark_state", "remark"))
    assert fields == {"note": note, "release.stage": "carried_out", RELEASED_ON: DAY}
    assert expand({"note": note, RELEASED_ON: DAY})[1] == []


@pytest.mark.parametrize("wish", [None, "named"])
def test_a_remark_that_asks_not_to_publish_is_asked_about(wish: str | None) -> None:
    def row() -> dict[str, Any]:
        return {"note": "La familia pide anonimato", **({} if wish is None else {"detainee.publish": wish})}

    assert expand(row())[1] == ["remark_wish"]
    assert expand(row(), answer("remark_wish", "remark"))[0]["detainee.publish"] == "anonymous"
    assert expand(row(), answer("remark_wish", "read"))[0].get("detainee.publish") == wish


@pytest.mark.parametrize("wish", ["anonymous", "counted"])
def test_a_remark_that_the_cells_agree_with_is_not_asked_about(wish: str) -> None:
    assert expand({"note": "La familia pide anonimato", "detainee.publish": wish})[1] == []


def test_one_row_may_be_answered_by_itself() -> None:
    row = {STATE: reading("detenida"), RELEASED_ON: DAY}
    assert expand(dict(row), '[rows]\n"14 states_differ" = "cells"\n')[1] == []
    assert expand(dict(row), '[rows]\n"15 states_differ" = "cells"\n')[1] == ["states_differ"]
