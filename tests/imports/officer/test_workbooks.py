"""Officers' lists reach the numbers that their authors expect by answering questions alone."""

import pytest

from tests.imports.officer.officer import FiledList, add_source, count_own, send, send_and_answer
from tests.imports.officer.workbooks import LISTS, OfficerList, list_first_week, list_second_week
from tests.support import World

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("every_list_questions"),
]
SOURCE = "oficina"


def file_list(world: World, sent: OfficerList) -> FiledList:
    filed = send_and_answer(world, SOURCE, sent.name, sent.data, sent.officer)
    assert filed.receipt["state"] == "done", (filed.receipt["problem"], filed.receipt["groups"])
    return filed


def expect_all_used(filed: FiledList, sent: OfficerList) -> None:
    """Expect that each filled row and column was read, asked about or set aside by an answer."""
    assert filed.list_lost_columns() == []
    assert filed.count_settled_rows() == sent.rows
    assert filed.receipt["counts"]["error"] == 0, filed.receipt["groups"]
    assert filed.receipt["counts"] == filed.trial["counts"]


@pytest.mark.parametrize("name", LISTS)
def test_a_list_reaches_its_number_by_answers_alone(world: World, name: str) -> None:
    sent = LISTS[name]()
    add_source(world, SOURCE, sent.country)
    filed = file_list(world, sent)
    assert count_own(world, SOURCE, sent.officer.list_date) == sent.expected
    assert filed.rounds == sent.rounds, [question["code"] for question, _answer in filed.asked]
    expect_all_used(filed, sent)
    again = send(world, SOURCE, sent.name, sent.data, filed.mapping)
    assert again["questions"] == []
    assert {outcome: count for outcome, count in again["counts"].items() if count} == {
        "unchanged": sent.expected.reports
    }


def test_a_corrected_list_a_week_later_reaches_its_number(world: World) -> None:
    add_source(world, SOURCE, "HN")
    for sent in (list_first_week(), list_second_week()):
        filed = file_list(world, sent)
        assert count_own(world, SOURCE, sent.officer.list_date) == sent.expected
        assert filed.rounds == sent.rounds, [question["code"] for question, _answer in filed.asked]
    assert (filed.receipt["counts"]["new"], filed.receipt["releases_taken_back"]) == (0, 1)
    assert filed.receipt["changed_fields"]["detainee.full_name"] == 1
