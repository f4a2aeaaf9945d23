"""Rows that are written many at a time are the rows that were given."""

import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select
from sqlmodel import col

from app.db.engine import open_read_session, open_write_session
from app.db.write_buffer import WriteBuffer
from app.models import Entry, Record

NOON = datetime(2026, 1, 12, 12, tzinfo=timezone(timedelta(hours=-4)))


def record(key: int, *, redacted: bool = False) -> dict[str, Any]:
    ids = {name: uuid.uuid4() for name in ("id", "detainee_id", "detention_id", "release_id")}
    classes = {"publish_now": "named", "publish_decided": "named"}
    return {"key": key, **ids, "source": 1, **classes, "redacted": redacted}


@pytest.mark.parametrize("number", [1, 3])
def test_ids_instants_bytes_and_truths_are_stored_as_they_are(engine: Engine, number: int) -> None:
    records = [record(key, redacted=key == 2) for key in range(1, number + 1)]
    entries = [
        {"revision": key, "kind": "report", "recorded_at": NOON, "body": "{}", "leaf_hash": bytes([key, 0, 255])}
        for key in range(1, number + 1)
    ]
    with open_write_session(engine) as session:
        buffer = WriteBuffer(session.connection())
        buffer.add(insert(Record), records)
        buffer.add(insert(Entry), entries)
        buffer.flush()
    with open_read_session(engine) as session:
        assert [row.model_dump() for row in session.scalars(select(Record).order_by(col(Record.key)))] == records
        stored = [row.model_dump() for row in session.scalars(select(Entry).order_by(col(Entry.revision)))]
        assert stored == entries
        assert {row["recorded_at"].tzinfo for row in stored} == {UTC}


def test_rows_may_give_their_columns_in_any_order(engine: Engine) -> None:
    first, second = record(1), record(2)
    with open_write_session(engine) as session:
        buffer = WriteBuffer(session.connection())
        buffer.add(insert(Record), [first, dict(reversed(second.items()))])
        buffer.flush()
    with open_read_session(engine) as session:
        assert [row.model_dump() for row in session.scalars(select(Record).order_by(col(Record.key)))] == [
            first,
            second,
        ]


def test_nothing_is_written_for_a_statement_without_rows(engine: Engine) -> None:
    with open_write_session(engine) as session:
        buffer = WriteBuffer(session.connection())
        buffer.add(insert(Record), [])
        buffer.flush()
    with open_read_session(engine) as session:
        assert not session.scalars(select(Record)).all()
