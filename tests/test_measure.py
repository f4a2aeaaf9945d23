"""A request is measured wherever it is worked on, and outside of requests nothing is."""

from contextvars import copy_context
from threading import Thread

from app.measure import NONE, begin, count_statement, this


def test_waits_for_one_place_add_up_also_where_they_end_badly() -> None:
    measure = begin()
    for _time in range(2):
        try:
            with measure.waiting("costly"):
                raise TimeoutError
        except TimeoutError:
            pass
    first = measure.waited["costly"]
    with measure.waiting("costly"), measure.waiting("room"), measure.holding():
        pass
    assert measure.waited.keys() == {"costly", "room"}
    assert measure.waited["costly"] > first > 0
    assert measure.held > 0


def test_a_thread_that_works_for_a_request_counts_for_it() -> None:
    measure = begin()
    thread = Thread(target=copy_context().run, args=(count_statement,))
    thread.start()
    thread.join()
    assert this() is measure
    assert measure.statements == 1


def test_whatever_is_measured_outside_of_requests_is_forgotten() -> None:
    def outside() -> None:
        count_statement()
        this().lane = "writes"
        told.append(this().lane)

    told: list[str] = []
    thread = Thread(target=outside)
    thread.start()
    thread.join()
    assert told == [NONE]
