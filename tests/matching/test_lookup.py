"""A look-up finds who shares most keys, and reads a bounded number of rows however many share one."""

from collections.abc import Iterable

import pytest
from sqlalchemy import Engine, insert
from sqlmodel import Session

from app.db.engine import open_write_session
from app.matching import blocking
from app.matching.blocking import BlockingQuery, find_blocking_hits, find_blocking_hits_each
from app.models import BlockingKey

NAMED = ("named",)
ROWS = 20  # what a look-up may read in these tests


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking, "MAX_INDEX_ROWS", ROWS)


def keep(
    session: Session, record: int, keys: Iterable[str], born: int | None = None, source: int = 1, publish: str = "named"
) -> None:
    of_record = {"record": record, "born": born, "source": source, "publish_now": publish}
    rows = [{"key": key, **of_record} for key in keys]
    session.connection().execute(insert(BlockingKey), rows)


def found(
    session: Session, keys: Iterable[str], born: int | None = None, classes: tuple[str, ...] = NAMED
) -> list[int]:
    return [one.record for one in find_blocking_hits(session, BlockingQuery(list(keys), born), classes)]


def test_who_shares_most_keys_comes_first_and_nobody_is_found_by_none(engine: Engine) -> None:
    with open_write_session(engine) as session:
        keep(session, 1, ["p:a|b"])
        keep(session, 2, ["p:a|b", "p:a|c", "p:b|c"])
        keep(session, 3, ["p:x|y"])
        assert found(session, ["p:a|b", "p:a|c", "p:b|c", "p:z|z"]) == [2, 1]
        assert found(session, ["p:z|z"]) == found(session, []) == []


def test_a_key_that_too_many_share_is_narrowed_by_the_year_of_birth(engine: Engine) -> None:
    with open_write_session(engine) as session:
        for record in range(1, 2 * ROWS):
            keep(session, record, ["p:jose|rodriguez"], 1930)
        keep(session, 99, ["p:jose|rodriguez"], 1980)
        assert found(session, ["p:jose|rodriguez"], 1981) == [99]
        assert found(session, ["p:jose|rodriguez"], 1990) == []
        assert len(found(session, ["p:jose|rodriguez"])) > 0  # homonyms: some of them, for a curator


def test_a_rare_key_finds_its_record_among_thousands_who_share_a_common_one(engine: Engine) -> None:
    with open_write_session(engine) as session:
        for record in range(1, 2 * ROWS):
            keep(session, record, ["p:jose|rodriguez"])
        keep(session, 99, ["p:jose|rodriguez", "p:jose|brull"])
        assert found(session, ["p:jose|rodriguez", "p:jose|brull"]) == [99]


def test_many_are_found_as_each_would_be_alone(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking, "QUERIES_PER_STATEMENT", 3)
    with open_write_session(engine) as session:
        for record in range(1, 2 * ROWS):
            keep(session, record, ["p:jose|rodriguez"], 1930 + record)
        keep(session, 98, ["p:a|b", "p:a|c"], 1980)
        keep(session, 99, ["p:jose|rodriguez", "p:jose|brull", "p:a|b"], 1980)
        keys: tuple[list[str], ...] = (
            ["p:a|b"],
            ["p:a|b", "p:a|c"],
            [],
            ["p:jose|rodriguez"],
            ["p:jose|brull"],
            ["p:z|z"],
            ["p:a|c"],
        )
        wanted = [BlockingQuery(some, born) for some in keys for born in (None, 1950)]
        assert find_blocking_hits_each(session, wanted, NAMED) == [
            find_blocking_hits(session, one, NAMED) for one in wanted
        ]


def test_a_source_with_many_records_takes_none_of_the_places_of_others(engine: Engine) -> None:
    with open_write_session(engine) as session:
        for record in range(1, 6):
            keep(session, record, ["p:a|b", "p:a|c", "p:b|c"], source=1)
        keep(session, 98, ["p:a|b"], source=2)
        keep(session, 99, ["p:a|b", "p:a|c"], source=3)
        keys = ["p:a|b", "p:a|c", "p:b|c"]
        assert [one.record for one in find_blocking_hits(session, BlockingQuery(keys), NAMED, limit=3)] == [
            1,
            2,
            3,
            99,
            98,
        ]


def test_of_keys_that_too_many_share_whoever_is_found_may_have_them_all(engine: Engine) -> None:
    with open_write_session(engine) as session:
        for record in range(1, 2 * ROWS):
            keep(session, record, ["p:jose|luis"], 1930)
        keep(session, 99, ["p:jose|luis", "p:luis|brull"], 1930)
        (one,) = find_blocking_hits(session, BlockingQuery(["p:jose|luis", "p:luis|brull"], 1980), NAMED)
        assert (one.record, one.shared_keys, one.max_shared_keys, one.first_birth_year) == (99, 1, 2, 1930)


def test_whoever_is_of_another_class_is_not_found_and_takes_no_place(engine: Engine) -> None:
    with open_write_session(engine) as session:
        for record in range(1, 3 * ROWS):
            keep(session, record, ["p:jose|luis", "p:luis|brull"], 1930, publish="counted")
        keep(session, 98, ["p:jose|luis"], 1930, publish="anonymous")
        keep(session, 99, ["p:jose|luis"], 1930)
        keys = ["p:jose|luis", "p:luis|brull"]
        assert found(session, keys) == found(session, keys, 1930) == [99]
        assert found(session, keys, 1930, ("named", "anonymous")) == [98, 99]
        # Dozens of hidden namesakes make no key common: all of a common key could share it, all of a rare one are read.
        (one,) = find_blocking_hits(session, BlockingQuery(keys, 1930), NAMED)
        assert (one.shared_keys, one.max_shared_keys) == (1, 1)
