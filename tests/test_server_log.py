"""The server's log is lines of JSON that hold no text of an exception.

A request is measured wherever it is worked on, and outside of requests nothing is."""

import json
import logging
import sys
from contextvars import copy_context
from threading import Thread

import pytest

from app import server_log
from app.server_log import (
    CONFIGURATION,
    NO_LABEL,
    JsonLineFormatter,
    count_statement,
    get_request_stats,
    start_request_stats,
)

MARKER = "Zenaida Quintero Paz"


def _line(record: logging.LogRecord) -> dict[str, object]:
    line: dict[str, object] = json.loads(JsonLineFormatter().format(record))
    return line


def _record(event: str, *values: object) -> logging.LogRecord:
    return logging.LogRecord("recuento", logging.WARNING, "somewhere.py", 1, event, values, None)


def test_a_line_says_when_how_grave_where_and_what() -> None:
    line = _line(_record("%d waits", 3))
    assert (line["level"], line["where"], line["event"]) == ("warning", "recuento", "3 waits")
    assert str(line["at"]).endswith("+00:00")
    assert "request" not in line


def test_what_else_is_told_of_an_event_stands_in_its_line() -> None:
    record = _record("slow request")
    record.fields = {"route": "/v1/releases", "worked_ms": 1200}
    line = _line(record)
    assert (line["event"], line["route"], line["worked_ms"]) == ("slow request", "/v1/releases", 1200)


def test_a_line_inside_a_request_carries_the_id_of_the_answer() -> None:
    request_id = server_log.create_request_id()
    try:
        assert _line(_record("late"))["request"] == request_id
    finally:
        server_log.request_id.set("")


def test_an_exception_leaves_its_kind_and_frames_and_never_its_text() -> None:
    record = _record("failed")
    try:
        raise ValueError(MARKER)
    except ValueError:
        record.exc_info = sys.exc_info()
    text = JsonLineFormatter().format(record)
    assert json.loads(text)["event"] == "failed (ValueError)"
    assert json.loads(text)["frames"]
    assert MARKER not in text


def test_an_unforeseen_failure_is_written_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise ValueError(MARKER)
    except ValueError as error:
        server_log.log_unforeseen_error(error, "an import")
    (record,) = caplog.records
    text = JsonLineFormatter().format(record)
    assert json.loads(text)["event"] == "unforeseen ValueError in an import"
    assert "test_server_log.py" in json.loads(text)["frames"][0]
    assert MARKER not in text


def test_a_line_stays_one_line_whatever_is_in_it() -> None:
    assert "\n" not in JsonLineFormatter().format(_record("one\ntwo"))


def test_everything_that_the_process_logs_leaves_as_such_lines() -> None:
    assert CONFIGURATION["root"]["handlers"] == ["lines"]
    assert CONFIGURATION["formatters"]["lines"]["()"] is JsonLineFormatter


def test_waits_for_one_place_add_up_also_where_they_end_badly() -> None:
    measure = start_request_stats()
    for _time in range(2):
        try:
            with measure.time_wait("costly"):
                raise TimeoutError
        except TimeoutError:
            pass
    first = measure.waited["costly"]
    with measure.time_wait("costly"), measure.time_wait("room"), measure.time_hold():
        pass
    assert measure.waited.keys() == {"costly", "room"}
    assert measure.waited["costly"] > first > 0
    assert measure.held > 0


def test_a_thread_that_works_for_a_request_counts_for_it() -> None:
    measure = start_request_stats()
    thread = Thread(target=copy_context().run, args=(count_statement,))
    thread.start()
    thread.join()
    assert get_request_stats() is measure
    assert measure.statements == 1


def test_whatever_is_measured_outside_of_requests_is_forgotten() -> None:
    def outside() -> None:
        count_statement()
        get_request_stats().lane = "writes"
        told.append(get_request_stats().lane)

    told: list[str] = []
    thread = Thread(target=outside)
    thread.start()
    thread.join()
    assert told == [NO_LABEL]
