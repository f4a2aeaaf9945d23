"""The steps of "Moving house" in the operators' page, followed on two machines: a folder each."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.reading import ROOT, blocks
from tests.replay import SECRET

PAGE = ROOT / "docs" / "operators.md"
AWAY = re.compile(r"new-machine:\S+")


@pytest.fixture
def steps() -> tuple[str, str]:
    """What is typed on the old machine, and what on the new one."""
    text = PAGE.read_text(encoding="utf-8")
    line = text.count("\n", 0, text.index("### Moving house")) + 1
    old, new = (block.text for block in blocks(PAGE) if block.line > line and "moving.backup" in block.text)
    return old, new


def typed(script: str, folder: Path, commands: Path, **more: str) -> str:
    environment = {"PATH": f"{commands}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "HOME": str(folder), **more}
    done = subprocess.run(
        ["bash", "-euc", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_a_registry_that_moves_house_as_the_page_says_loses_nothing(tmp_path: Path, steps: tuple[str, str]) -> None:
    old, new, commands = (tmp_path / name for name in ("old", "new", "commands"))
    for folder in (old, new, commands):
        folder.mkdir()
    command = f"#!/bin/sh\nexec {sys.executable} -c 'from app.cli import main; main()' \"$@\"\n"
    (commands / "recuento").write_text(command)
    (commands / "scp").write_text(
        f'#!/bin/sh\nfor last; do :; done\n[ "$last" = away ] && exec cp "$1" "$2" "$3" {new}\n'
    )
    for one in commands.iterdir():
        one.chmod(0o755)
    typed('recuento source add example-watch --name "Example Watch" --kind ngo', old, commands)
    before = typed("recuento status --json", old, commands)
    leaf = typed(AWAY.sub("away", steps[0]), old, commands)
    after = typed(steps[1], new, commands)
    assert "Nothing is lost" in after
    assert "Revision 1" in after
    assert "Revision 1, leaf " in leaf
    assert typed("recuento status --json", new, commands) == before
    typed('recuento source add example-ngo --name "Example" --kind ngo', new, commands)
    assert sorted(one.name for one in new.iterdir()) == ["recuento.db", "recuento.db.head", "recuento.db.secret"]


def test_a_registry_does_not_move_without_its_secret(tmp_path: Path) -> None:
    commands = tmp_path / "commands"
    commands.mkdir()
    (commands / "recuento").write_text(
        f"#!/bin/sh\nexec {sys.executable} -c 'from app.cli import main; main()' \"$@\"\n"
    )
    (commands / "recuento").chmod(0o755)
    typed('recuento source add example-watch --name "Example Watch" --kind ngo', tmp_path, commands)
    typed("recuento backup moving.backup; rm recuento.db*", tmp_path, commands)
    with pytest.raises(AssertionError, match="another secret"):
        typed("recuento restore moving.backup", tmp_path, commands, RECUENTO_SECRET=SECRET)
    with pytest.raises(AssertionError, match="set RECUENTO_SECRET or RECUENTO_SECRET_FILE"):
        typed("recuento restore moving.backup", tmp_path, commands)
    assert not (tmp_path / "recuento.db").exists()
