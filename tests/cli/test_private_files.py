"""What the commands and the server make is their owner's alone, and no crash writes their memory to a disk."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import cli
from app.config import Settings
from tests.api.serving import serving

ROOT = Path(__file__).parent.parent.parent
COMMANDS = (
    ("source", "add", "example-watch", "--name", "Example Watch", "--kind", "ngo"),
    ("import", "list.csv", "--source", "example-watch"),
    ("export", "--to", "public/copy"),
    ("template", "list.xlsx"),
    ("rebuild",),
)
IN_CHILD = """
import resource, subprocess, sys
from app import cli
ask = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE))"
cli.cli.main = lambda **_: subprocess.run([sys.executable, "-c", ask]).returncode
cli.main()
"""


def made_in(folder: Path) -> Iterator[Path]:
    yield from (path for path in folder.rglob("*") if path.name != "list.csv")


def open_to_others(folder: Path) -> list[str]:
    return [f"{path.name} {path.stat().st_mode:o}" for path in made_in(folder) if path.stat().st_mode & 0o077]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own, on a machine where files are everybody's unless they are made otherwise."""
    folder = tmp_path / "machine"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("RECUENTO_DATABASE_URL", "sqlite:///recuento.db")
    monkeypatch.delenv("RECUENTO_SECRET", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    os.umask(0)
    return folder


def test_what_commands_make_is_their_owners_alone(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine / "list.csv").write_text("nombre;país\nEva Sol;VE\n", encoding="utf-8")
    for command in COMMANDS:
        os.umask(0)
        monkeypatch.setattr(sys, "argv", ["recuento", *command])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert not ended.value.code, command
    assert {"recuento.db", "recuento.db.secret", "copy", "list.xlsx"} <= {path.name for path in made_in(machine)}
    assert open_to_others(machine) == []


def test_what_a_server_makes_is_its_owners_alone(machine: Path) -> None:
    with serving(Settings(database_url="sqlite:///recuento.db")) as address:
        assert address
        assert {"recuento.db", "recuento.db-wal"} <= {path.name for path in made_in(machine)}
        assert open_to_others(machine) == []


def test_a_crash_of_a_command_or_of_what_it_starts_leaves_no_memory_on_a_disk() -> None:
    ran = subprocess.run([sys.executable, "-c", IN_CHILD], cwd=ROOT, check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == "(0, 0)"
