"""Columns that were brought to the head step by step are those that are read anew, whatever happened between."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.columns import store
from app.columns.cache import ColumnsDirectory
from app.columns.loader import Columns
from app.columns.store import get_columns
from app.db.engine import WRITES_OPTION
from tests.columns.whole import agree, standing, stored, whole
from tests.drawn import examples
from tests.properties.histories import histories, recalling
from tests.properties.steps import Clerk, Registry, Step


def read_by_another(clerk: Clerk) -> Columns:
    """The columns that the process gives to whoever only reads, as if each step were committed."""
    with _only_reading(clerk), clerk.session() as session:
        return get_columns(session)


@contextmanager
def _only_reading(clerk: Clerk) -> Iterator[None]:
    clerk.connection.execution_options(**{WRITES_OPTION: False})
    yield
    clerk.connection.execution_options(**{WRITES_OPTION: True})


def read_anew(clerk: Clerk) -> Columns:
    with clerk.session() as session:
        return get_columns(session)


@examples(20)
@given(st.one_of(histories(), recalling()), st.lists(st.booleans(), min_size=20, max_size=20))
def test_columns_brought_to_the_head_are_columns_read_anew(
    registry: Registry, history: list[Step], looks: list[bool]
) -> None:
    """Whether somebody counts after each step, or after several."""
    store._CACHES.clear()  # the history before was rolled back: its log began as this one does
    with registry.after([]) as clerk:
        read_by_another(clerk)
        for number, step in enumerate(history):
            step.take(clerk)
            if looks[number % len(looks)] or step is history[-1]:
                agree(read_by_another(clerk), read_anew(clerk))


@examples(12)
@given(
    st.one_of(histories(), recalling()), st.lists(st.sampled_from(("look", "restart", None)), min_size=20, max_size=20)
)
def test_columns_that_were_saved_and_mapped_between_are_columns_read_anew(
    registry: Registry, history: list[Step], acts: list[str | None]
) -> None:
    """Whether a process ends and begins again after each step, or after several."""
    store._CACHES.clear()  # the history before was rolled back: its log began as this one does
    with registry.after([]) as clerk, TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _handle: None)  # nobody cuts the power
        directory = ColumnsDirectory(Path(folder))
        read_by_another(clerk)
        for number, step in enumerate(history):
            step.take(clerk)
            act = "restart" if step is history[-1] else acts[number % len(acts)]
            if act == "restart":
                directory.save(read_by_another(clerk).copy_for_saving(), lambda: 0)
                mapped = directory.map_newest()
                assert mapped is not None
                store._get_cache(clerk.connection.engine).columns = mapped
            if act is not None:
                agree(read_by_another(clerk), read_anew(clerk))


@examples(8)
@given(st.one_of(histories(), recalling()))
def test_columns_read_anew_are_the_rows_of_the_tables(registry: Registry, history: list[Step]) -> None:
    with registry.after(history) as clerk:
        columns = read_anew(clerk)
        with clerk.session() as session:
            assert whole(columns) == stored(session)


@examples(8)
@given(st.one_of(histories(), recalling()))
def test_columns_that_somebody_still_reads_stay_as_they_were(registry: Registry, history: list[Step]) -> None:
    store._CACHES.clear()  # the history before was rolled back: its log began as this one does
    with registry.after([]) as clerk:
        given_out = []
        for step in [None, *history]:
            if step is not None:
                step.take(clerk)
            columns = read_by_another(clerk)
            given_out.append((columns, [(at, standing(columns, at)) for at in {columns.head, columns.head // 2}]))
        for columns, seen in given_out:
            for revision, rows in seen:
                assert standing(columns, revision) == rows, (columns.head, revision)
