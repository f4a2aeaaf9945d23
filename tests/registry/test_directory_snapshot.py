"""Sources and facilities as the projection reads them: once for a transaction, and never out of date."""

import pytest
from sqlmodel import Session

from app.db.engine import open_read_session, open_write_session
from app.registry import directory
from app.registry.directory_snapshot import DirectorySnapshot
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext
from app.schemas.reports import SourceIn, SourcePatch
from app.vocabulary import Role
from tests.support import NOW, World

SECRET = b"a secret of the tests"


def context(session: Session) -> WriteContext:
    return WriteContext(session, Reader(Role.ADMIN), NOW, SECRET)


def test_all_writes_of_a_transaction_share_what_was_read(world: World) -> None:
    with open_write_session(world.engine) as session:
        assert context(session).views is context(session).views
    with open_write_session(world.engine) as session, open_read_session(world.engine) as other:
        assert context(session).views is not DirectorySnapshot.for_session(other)


def test_another_transaction_of_the_same_session_reads_again(world: World) -> None:
    with Session(world.engine) as session:
        before = DirectorySnapshot.for_session(session)
        assert before.sources_by_slug["foro"].independent
        session.rollback()
        world.client.patch("/v1/sources/foro", json={"quarantined": True}, headers=world.headers("admin"))
        after = DirectorySnapshot.for_session(session)
        assert after is not before
        assert not after.sources_by_slug["foro"].independent


def test_a_source_added_or_changed_is_seen_by_the_next_write(world: World) -> None:
    with open_write_session(world.engine) as session:
        assert "nueva" not in context(session).views.sources_by_slug
        body = {"slug": "nueva", "name": "Nueva", "kind": "ngo", "country": "VE"}
        directory.add_source(context(session), SourceIn.model_validate(body))
        assert context(session).views.sources_by_slug["nueva"].independent
        directory.change_source(context(session), "nueva", SourcePatch(independent=False))
        view = context(session).views.sources_by_slug["nueva"]
        assert not view.independent
        assert context(session).views.sources[view.key] == view


@pytest.mark.parametrize("said", ["el-rodeo-i", "El Rodeo I", "EL RODEO I", "Rodeo Uno", "rodéo uno"])
def test_a_facility_is_known_by_its_slug_and_by_each_of_its_names(world: World, said: str) -> None:
    world.add_facility(names=["Rodeo Uno"])
    filed = world.file(detention__facility=said)
    assert filed["release"]["facility"] == "el-rodeo-i"
