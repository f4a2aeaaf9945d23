"""Every public count from count files is the registry's own, at any revision and whatever happened: corrections,
recalls, consent, erasures, joined and parted people."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlmodel import Session

from app.columns.store import set_columns
from app.counts.overlap import compute_overlap
from app.counts.tally import compute_count
from app.exports.count_files import files
from app.exports.count_files.files import Licence
from app.exports.count_files.load import CountFiles
from app.exports.count_files.write import WriteOptions, write_from_session
from app.log.entries import read_head
from app.queries.terms import CountTerms, HeldCountTerms, is_personal
from app.registry.publication.permissions import Reader
from tests.drawn import examples
from tests.properties.histories import count_terms, held_terms, histories, recalling
from tests.properties.steps import Clerk, File, Registry, Step
from tests.support import ANYONE

QUESTIONS = st.lists(st.one_of(count_terms(), held_terms()), min_size=4, max_size=6)


# The public, of an operator who lists whom reports name, and of one who lets them be searched alone.
READERS = (ANYONE, Reader(names="search"))


@pytest.fixture(autouse=True)
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A history of a dozen entries has parts of several lengths."""
    monkeypatch.setattr(files, "SMALLEST_PART", 4)
    monkeypatch.setattr(files, "PART_FACTOR", 2)


@contextmanager
def counting_from(engine: Engine, folder: Path, *, personal: bool) -> Iterator[Session]:
    """A session of a database that stands as the newest files say; nothing of it stays."""
    files = CountFiles.open_newest(folder / "files", folder / "personal" if personal else None)
    files.require_intact()
    set_columns(engine, files.columns)
    with Session(engine, autoflush=False) as session:
        files.fill_database(session, 0)
        yield session
        session.rollback()


def write(clerk: Clerk, folder: Path) -> int:
    """Write count files once there is an entry; the revision."""
    with clerk.session() as session:
        revision = read_head(session)[0]
        if revision:
            folders = folder / "files", folder / "personal"
            for each in folders:
                each.mkdir(exist_ok=True)
            write_from_session(session, WriteOptions(folders[0], Licence.CC0, "", "UTC", "list", folders[1]))
        return revision


def _counted(step: Step) -> Step:
    """A report of somebody who may only be counted, in place of one of anybody."""
    if not isinstance(step, File) or "detainee" not in step.body:
        return step
    return replace(step, body={**step.body, "detainee": {**step.body["detainee"], "publish": "counted"}})


@pytest.mark.campaign
@examples(3)
@given(st.one_of(histories(), recalling()), QUESTIONS, st.integers(0, 11), st.integers(0, 3))
def test_counts_from_files_are_the_counts_of_the_registry(
    registry: Registry,
    empty: Engine,
    history: list[Step],
    asked: list[CountTerms | HeldCountTerms],
    early: int,
    withheld: int,
) -> None:
    """Files are written in the middle of the history too, so that the last folder has parts of the folder before; in
    most histories some or all people may only be counted."""
    history = [_counted(step) if number % 3 < withheld else step for number, step in enumerate(history)]
    with TemporaryDirectory() as name, registry.after([]) as clerk:
        for number, step in enumerate(history):
            step.take(clerk)
            if number == early % len(history):
                write(clerk, Path(name))
        newest = write(clerk, Path(name))
        if not newest:
            return
        for personal in (False, True):
            with clerk.session() as session, counting_from(empty, Path(name), personal=personal) as elsewhere:
                _agree(session, elsewhere, [terms for terms in asked if personal or not is_personal(terms)], newest)


def _agree(session: Session, elsewhere: Session, asked: list[CountTerms | HeldCountTerms], newest: int) -> None:
    for revision in range(newest + 1):
        for terms in asked:
            for reader in READERS:
                wanted = compute_count(session, terms, reader, revision)
                assert compute_count(elsewhere, terms, reader, revision) == wanted, (revision, terms)
            if isinstance(terms, CountTerms) and not terms.group_by:
                shared = compute_overlap(session, terms, ANYONE, revision)
                assert compute_overlap(elsewhere, terms, ANYONE, revision) == shared, (revision, terms)
