"""A database that an earlier copy was put back over is noticed by what this machine remembers to have answered: said,
not written to, not called immutable, and never shown with people who were erased since."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.engine import make_url
from typer.testing import CliRunner

from app import jobs
from app.cli.backup import commands
from app.config import Settings
from app.db.engine import open_write_session
from app.log.mark import HighWaterMark, LogWentBackwards, MarkFile, UnreadableMark, attach_mark
from app.main import create_app
from app.projection import RULES
from app.registry.publication.decisions import repeat_erasure
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext
from app.vocabulary import Role
from tests.support import PATIENCE, Body, World, make_report

PINNED = "public, max-age=31536000, immutable"
LEAF = "ab" * 32  # of an entry that this registry does not have


@pytest.fixture
def kept(world: World) -> Path:
    """The file of the mark."""
    path = world.settings.mark_file()
    assert path is not None
    return path


@pytest.fixture
def filed(world: World) -> Body:
    return world.file()


def said(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


def remember(path: Path, revision: int, leaf: str = LEAF, erased: tuple[str, ...] = ()) -> None:
    """As if this machine had answered up to that revision, of a log that the database now lacks."""
    path.write_text(json.dumps({"revision": revision, "leaf_hash": leaf, "forked_at": None, "erased": [*erased]}))


def record_of(world: World) -> str:
    ((record,),) = world.rows("SELECT id FROM record")
    return str(UUID(str(record)))


def accept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """`recuento restore --accept-loss`"""
    monkeypatch.setenv("RECUENTO_DATABASE_URL", world.settings.database_url)
    monkeypatch.setenv("RECUENTO_SECRET", "a secret of the tests")
    monkeypatch.setenv("RECUENTO_HEAD_FILE", str(world.settings.mark_file()))
    ran = CliRunner().invoke(commands, ["restore", "--accept-loss"])
    assert ran.exit_code == 0, ran.output
    world.now = datetime.now(UTC)  # as the machine's clock, by which the command wrote


def test_the_mark_is_as_far_as_an_answer_that_is_called_immutable(world: World, kept: Path, filed: Body) -> None:
    for _number in range(2):
        answer = world.get("/v1/counts/releases", rules=RULES, as_of=world.revision)
        assert answer.headers["Cache-Control"] == PINNED
        assert said(kept)["revision"] == world.revision
        world.file("jep")
    assert filed["receipt"]["revision"] < world.revision


def test_the_mark_comes_after_a_write_by_itself(resting: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MARKS_INTERVAL_SECONDS", 0.05)
    path = resting.settings.mark_file()
    assert path is not None
    with resting as world:
        revision = world.file()["receipt"]["revision"]
        until = monotonic() + PATIENCE
        while not path.exists() or said(path)["revision"] < revision:
            assert monotonic() < until, "nobody moved the mark"
            sleep(0.05)
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_mark_is_at_the_head_when_a_server_has_ended(settings: Settings, resting: World) -> None:
    with resting as world:
        receipt = world.file()["receipt"]
    path = settings.mark_file()
    assert path is not None
    assert said(path) == {
        "revision": receipt["revision"], "leaf_hash": receipt["leaf_hash"], "forked_at": None, "erased": [],
    }  # fmt: skip


def test_an_answer_is_not_called_immutable_where_the_mark_cannot_be_written(
    world: World, kept: Path, filed: Body, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_given: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as without_room:
        without_room.setattr(os, "fsync", full)
        answer = world.get("/v1/counts/releases", rules=RULES, as_of=filed["receipt"]["revision"])
        assert (answer.status_code, answer.headers["Cache-Control"] == PINNED) == (200, False)
        world.refuse(world.get("/readyz"), 503, "unavailable")
    assert world.get("/v1/counts/releases", rules=RULES, as_of=world.revision).headers["Cache-Control"] == PINNED


@pytest.mark.parametrize("further", [0, 3], ids=["another entry at the mark", "entries missing"])
def test_a_log_that_went_backwards_is_not_ready_takes_no_write_and_calls_nothing_immutable(
    world: World, kept: Path, filed: Body, further: int
) -> None:
    head = world.revision
    remember(kept, head + further)
    world.refuse(world.get("/readyz"), 503, "went_backwards")
    refused = world.refuse(world.post("/v1/releases", make_report(), "jep"), 503, "went_backwards")
    assert "recuento restore --accept-loss" in refused["detail"]
    for path in ("/v1/releases", f"/v1/releases/{filed['release']['id']}", "/v1/counts/releases"):
        assert world.get(path).status_code == 200
    assert world.get("/v1/counts/releases", rules=RULES, as_of=head).headers["Cache-Control"] != PINNED
    assert world.client.get(world.count()["links"]["permalink"]).headers["Cache-Control"] != PINNED
    assert world.revision == head
    assert said(kept)["revision"] == head + further


def test_a_write_is_refused_before_anybody_has_looked(world: World, kept: Path, filed: Body) -> None:
    """Between two looks: the lock shows a head below the mark in memory."""
    world.app.state.mark.stored = MarkFile(revision=world.revision + 1, leaf=LEAF)
    world.refuse(world.post("/v1/releases", make_report(), "jep"), 503, "went_backwards")


def test_a_list_that_was_sent_waits_meanwhile(world: World, kept: Path, filed: Body) -> None:
    remember(kept, world.revision + 1)
    world.refuse(world.get("/readyz"), 503, "went_backwards")
    part = {"file": ("list", "nombre,país\nRosa Invento,VE\n".encode())}
    sent = world.client.post("/v1/imports", files=part, headers=world.headers("foro"))
    world.refuse(sent, 503, "went_backwards")


def test_after_the_loss_is_accepted_the_log_goes_on_and_only_named_revisions_are_immutable(
    world: World, kept: Path, filed: Body, monkeypatch: pytest.MonkeyPatch
) -> None:
    fork = world.revision
    before = world.count()
    remember(kept, fork + 3)
    world.refuse(world.get("/readyz"), 503, "went_backwards")
    accept(world, monkeypatch)
    assert world.get("/readyz").status_code == 200
    world.file("jep")
    assert said(kept)["forked_at"] == fork
    after = world.count()
    assert after["at"]["revision"] > fork
    assert (
        world.get("/v1/counts/releases", rules=RULES, as_of=after["at"]["revision"]).headers["Cache-Control"] != PINNED
    )
    for address in (
        before["links"]["permalink"],
        after["links"]["permalink"],
        f"/v1/counts/releases?rules={RULES}&as_of=r{fork}",
    ):
        assert world.client.get(address).headers["Cache-Control"] == PINNED, address


def test_whoever_was_erased_is_not_shown_by_a_copy_from_before_and_is_erased_again(
    world: World, kept: Path, filed: Body, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember(kept, world.revision + 1, erased=(record_of(world),))
    with pytest.raises(LogWentBackwards):
        create_app(world.settings)
    world.refuse(world.get("/readyz"), 503, "went_backwards")
    for path in ("/v1/releases", f"/v1/detainees/{filed['detainee']['id']}", "/v1/counts/releases"):
        world.refuse(world.get(path), 503, "went_backwards")
    accept(world, monkeypatch)
    assert world.get("/readyz").status_code == 200
    assert "Quintana" not in world.get(f"/v1/detainees/{filed['detainee']['id']}", "reader").text
    assert world.rows("SELECT count(*) FROM sealed WHERE revision = " + str(filed["receipt"]["revision"])) == [(0,)]
    again = world.post("/v1/releases", make_report(source_record_id="EX-1"), "foro")
    assert again.status_code in (201, 409)


def test_every_erasure_is_remembered(world: World, kept: Path, filed: Body) -> None:
    record = record_of(world)
    world.redact(filed["detainee"]["id"])
    assert world.get("/readyz").status_code == 200
    assert said(kept)["erased"] == [record]
    world.file("jep", detainee__full_name="Ismael Otero Invento", detainee__birth_date="1950")
    assert world.get("/readyz").status_code == 200
    assert said(kept)["erased"] == [record]


def test_a_command_that_writes_is_refused_too(world: World, kept: Path, filed: Body) -> None:
    remember(kept, world.revision + 1)
    attach_mark(world.engine, kept)
    with pytest.raises(LogWentBackwards), open_write_session(world.engine) as session:
        repeat_erasure(
            WriteContext(session, Reader(Role.ADMIN), world.now, world.app.state.secret), [UUID(record_of(world))]
        )


def test_two_processes_never_move_the_mark_back(world: World, kept: Path, filed: Body) -> None:
    """The slower one has read an earlier file than the one that it would write over."""
    slow, quick = HighWaterMark(kept), HighWaterMark(kept)
    with open_write_session(world.engine) as session:
        quick.check_log(session)
    newest = said(kept)
    slow._write(MarkFile(revision=newest["revision"] - 1, leaf=LEAF), unless_revision=newest["revision"] - 1)
    assert said(kept) == newest
    assert slow.stored.revision == newest["revision"]


def test_a_mark_that_cannot_be_read_is_refused_with_its_path(world: World, kept: Path) -> None:
    kept.write_text("{}")
    with pytest.raises(UnreadableMark, match=kept.name):
        create_app(world.settings)


def test_a_database_in_memory_has_no_mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url in ("sqlite://", "sqlite:///:memory:"):
        with World(Settings(database_url=url, secret="a secret of the tests")) as world:  # type: ignore[arg-type]
            world.file()
            assert (
                world.get("/v1/counts/releases", rules=RULES, as_of=world.revision).headers["Cache-Control"] == PINNED
            )
    assert [*tmp_path.iterdir()] == []


def test_a_mark_is_kept_where_the_settings_say(settings: Settings, tmp_path: Path) -> None:
    elsewhere = settings.model_copy(update={"head_file": tmp_path / "elsewhere"})
    assert elsewhere.mark_file() == tmp_path / "elsewhere"
    name = make_url(settings.database_url).database
    assert str(settings.model_copy(update={"head_file": None}).mark_file()) == f"{name}.head"
