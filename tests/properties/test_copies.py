"""What is exported can be read back: a copy counts whoever stands in lists as here, own reports change nothing."""

import itertools
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from sqlalchemy import Engine, select
from sqlmodel import Session, col

from app.db.engine import open_write_session
from app.errors import Problem
from app.exports import lists, package
from app.log.entries import read_head
from app.models import OPEN, Detainee, Detention, DetentionState, ReleaseAtStage, Source, SourceDetention, SourceRelease
from app.queries.parameters import TableFormat
from app.queries.selection.visibility import valid_at, visible_to
from app.registry.list_rows import file_rows
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext
from app.schemas.reports import DetentionReportIn, ReleaseReportIn
from app.vocabulary import Role
from tests.drawn import examples
from tests.properties.histories import histories
from tests.properties.steps import Registry, Step
from tests.support import ANYONE, NOW

# What counts of releases and of the held read, and what names a row in one registry alone.
COUNTED: tuple[type[Any], ...] = (Detainee, Detention, ReleaseAtStage, SourceRelease, DetentionState, SourceDetention)
OWN = {"since", "until", "detainee", "spell", "source", "publish", "withheld"}


def people(session: Session) -> Counter[str]:
    """Each person in lists by all that is counted of them, without keys."""
    revision = read_head(session)[0]
    slugs = dict(session.execute(select(col(Source.key), col(Source.slug)).where(valid_at(Source, revision))).all())
    shown = select(col(Detainee.detainee)).where(
        valid_at(Detainee, revision), visible_to(ANYONE, Detainee.detainee, revision)
    )
    told: dict[int, list[str]] = {key: [] for key in session.scalars(shown)}
    for table in COUNTED:
        for row in session.execute(select(*table.__table__.c).where(valid_at(table, revision))).mappings():
            if row["detainee"] in told:
                said = {name: value for name, value in row.items() if name not in OWN}
                told[row["detainee"]].append(f"{table.__name__} {slugs.get(row.get('source'))} {sorted(said.items())}")
    return Counter(json.dumps(sorted(rows)) for rows in told.values())


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[Path]:
    """New folders."""
    return (tmp_path / str(number) for number in itertools.count())


@examples(12)
@given(histories())
def test_a_copy_counts_whoever_stands_in_lists_as_the_registry_does(
    registry: Registry, empty: Engine, folders: Iterator[Path], history: list[Step]
) -> None:
    folder = next(folders)
    folder.mkdir()
    with registry.after(history) as clerk, clerk.session() as session:
        package.write_package(session, folder, ANYONE, read_head(session)[0])
        original = people(session)
    with open_write_session(empty) as session:
        package.file_public_copy(WriteContext(session, Reader(Role.ADMIN), NOW, b"another secret"), folder)
        copied = people(session)
        session.rollback()
    assert copied == original


@examples(12)
@given(histories())
def test_what_a_source_exports_of_its_own_changes_nothing_when_it_is_filed_again(
    registry: Registry, history: list[Step]
) -> None:
    with registry.after(history) as clerk, clerk.session() as session:
        revision = read_head(session)[0]
        sources = session.scalars(select(Source).where(col(Source.until) == OPEN)).all()
        for source in sources:
            actor = Reader(Role.REPORTER, source.key, source.slug, source.independent, "list")
            lines = "".join(
                lists.export_own_reports(session, actor, TableFormat.JSONL, revision, lists.ExportLosses())
            ).splitlines()
            bodies = [body_of_request(json.loads(line)) for line in lines]
            filed = file_rows(WriteContext(session, actor, NOW, clerk.world.app.state.secret, is_list=True), bodies)
            assert [one.outcome for one in filed if isinstance(one.outcome, Problem)] == []
            assert read_head(session)[0] == revision


def body_of_request(said: dict[str, Any]) -> DetentionReportIn:
    return (ReleaseReportIn if "release" in said else DetentionReportIn).model_validate(said)
