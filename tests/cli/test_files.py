"""`recuento files`: written by hand or by a clock, and served without a database."""

from pathlib import Path

from app.exchange.count_files.files import described
from tests.cli.test_commands import Run, recuento, refused
from tests.exchange.count_files.altered import with_rows
from tests.support import World

__all__ = ["recuento"]  # the fixture


def test_files_are_written_under_a_licence(recuento: Run, world: World, tmp_path: Path) -> None:
    world.file()
    ran = recuento("files", "write", "data", "--licence", "CC0-1.0")
    assert ran.status == 0
    said = described(tmp_path / "data" / "latest")
    assert said is not None
    assert f"revision {said.recuento.revision}" in ran.err + ran.out


def test_without_a_licence_nothing_is_written(recuento: Run, world: World, tmp_path: Path) -> None:
    world.file()
    for given in ((), ("--licence", "mine")):
        ran = recuento("files", "write", "data", *given)
        assert ran.status == 2
        assert "CC-BY-4.0" in ran.err
    assert not (tmp_path / "data").exists()


def test_of_an_empty_registry_there_is_nothing_to_write(recuento: Run, settings: object) -> None:
    assert "nothing to count" in refused(recuento("files", "write", "data", "--licence", "CC0-1.0"))


def test_a_folder_without_files_is_not_served(recuento: Run, tmp_path: Path) -> None:
    assert "There are no count files in" in refused(recuento("files", "serve", str(tmp_path)))


def test_files_that_cannot_be_read_are_told_in_one_line(recuento: Run, world: World, tmp_path: Path) -> None:
    world.file()
    assert recuento("files", "write", "data", "--licence", "CC0-1.0").status == 0
    with_rows((tmp_path / "data" / "latest").resolve(), "releases", "SELECT 'Abelardo' AS person")
    line = refused(recuento("files", "serve", "data"))
    assert "copy them again" in line
    assert "Abelardo" not in line
