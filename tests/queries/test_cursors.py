"""A cursor is opaque and exact: what was given out is read back, and nothing else is."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Invalid
from app.models import OPEN
from app.queries.parameters import read_cursor, write_cursor

LIST = "releases by default"
KEYS = st.integers(-OPEN, OPEN)


@given(position=st.lists(KEYS, min_size=1, max_size=2))
def test_a_cursor_given_out_is_read_back(position: list[int]) -> None:
    cursor = write_cursor(LIST, position)
    assert read_cursor(cursor, LIST, len(position)) == position
    assert cursor.isascii()
    assert "=" not in cursor


def test_no_cursor_is_the_beginning() -> None:
    assert read_cursor(None, LIST) is None


def _forged(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "nonsense",
        "ñ",
        "a",
        "=" * 5,
        _forged([]),
        _forged([1]),
        _forged([LIST]),
        _forged([1, LIST]),
        _forged([LIST, 1, 2]),
        _forged([LIST, "1"]),
        _forged([LIST, True]),
        _forged([LIST, 1.5]),
        _forged([LIST, None]),
        _forged([LIST, 2**63]),
        _forged([LIST, -(2**63)]),
        _forged(LIST),
        _forged({"0": 1}),
        _forged(7),
        base64.urlsafe_b64encode(b'["releases by default", NaN]').decode(),
        base64.urlsafe_b64encode(b'["releases by default", 1e999]').decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        base64.urlsafe_b64encode(b"[" * 150).decode(),  # 200 characters: more is refused before it is read
    ],
)
def test_a_cursor_that_was_never_given_out_is_refused(cursor: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_cursor(cursor, LIST)
    assert refused.value.extra["errors"][0]["code"] == "invalid_cursor"


@given(cursor=st.text(max_size=200))
def test_no_text_at_all_breaks_the_reading_of_a_cursor(cursor: str) -> None:
    try:
        position = read_cursor(cursor, LIST)
    except Invalid:
        return
    assert position is not None
    assert len(position) == 1


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(Invalid):
        read_cursor(write_cursor(LIST, [900, 17]), LIST)
    with pytest.raises(Invalid):
        read_cursor(write_cursor(LIST, [17]), LIST, length=2)
    with pytest.raises(Invalid):
        read_cursor(write_cursor("releases by released_on", [17]), LIST)
