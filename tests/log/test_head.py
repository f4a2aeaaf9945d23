"""The head row: one, bound to the secret its digests were made with, and marked where it is a demo's."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import col

from app.cli.database import open_session
from app.config import Settings, UnreadableSecret
from app.db.engine import open_read_session, open_write_session
from app.log.head import WrongSecret, bind_secret, is_demo, mark_demo
from app.main import create_app
from app.models import Head

SECRET, OTHER = b"one secret of the tests", b"another secret of the tests"


def check(engine: Engine) -> str:
    with open_read_session(engine) as session:
        return session.scalars(select(col(Head.secret_check))).one()


def test_the_first_secret_is_remembered_by_a_fingerprint_and_not_by_itself(engine: Engine) -> None:
    assert check(engine) == ""
    with open_write_session(engine) as session:
        bind_secret(session, SECRET)
    assert len(check(engine)) == 64
    assert SECRET.hex() not in check(engine)


def test_the_same_secret_is_accepted_again_and_another_refused(engine: Engine) -> None:
    for _ in range(2):
        with open_write_session(engine) as session:
            bind_secret(session, SECRET)
    bound = check(engine)
    with pytest.raises(WrongSecret, match="RECUENTO_SECRET"), open_write_session(engine) as session:
        bind_secret(session, OTHER)
    assert check(engine) == bound


def test_no_new_secret_is_left_beside_a_database_that_has_one(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'recuento.db'}"
    create_app(Settings(database_url=url)).state.engine.dispose()
    (tmp_path / "recuento.db.secret").rename(tmp_path / "kept elsewhere")
    with pytest.raises(UnreadableSecret, match=r"another secret, and there is no .*recuento\.db\.secret"):
        create_app(Settings(database_url=url))
    with pytest.raises(UnreadableSecret), open_session(Settings(database_url=url)):
        pass
    assert not (tmp_path / "recuento.db.secret").exists()
    create_app(Settings(database_url=url, secret_file=tmp_path / "kept elsewhere")).state.engine.dispose()


def test_a_server_does_not_start_with_another_secret(settings: Settings) -> None:
    first = create_app(settings)
    first.state.engine.dispose()
    other = settings.model_copy(update={"secret": Settings(secret=OTHER.decode()).secret})  # type: ignore[arg-type]
    with pytest.raises(WrongSecret):
        create_app(other)


def test_an_empty_registry_is_at_revision_nought_and_no_demo(engine: Engine) -> None:
    with open_read_session(engine) as session:
        row = session.scalars(select(Head)).one()
        assert (row.revision, row.demo) == (0, False)
        assert not is_demo(session)


def test_a_demo_is_marked_as_one(engine: Engine) -> None:
    with open_write_session(engine) as session:
        mark_demo(session)
    with open_read_session(engine) as session:
        assert is_demo(session)


def test_there_is_one_head_and_never_another(engine: Engine) -> None:
    columns = "revision, recorded_at, secret_check, demo, rules"
    another = f"INSERT INTO head (id, {columns}) SELECT 2, {columns} FROM head"
    for statement in (another, "UPDATE head SET id = 2"):
        with pytest.raises(IntegrityError), open_write_session(engine) as session:
            session.connection().execute(text(statement))
    with open_read_session(engine) as session:
        assert session.scalars(select(col(Head.id))).all() == [1]
