"""`recuento match` and `recuento template` as an officer types them."""

import json
import sys
from pathlib import Path

import pytest

from app import cli
from app.imports.reader.list_reader import open_list

MINE = "code,name,date of birth,country,released on,kind\nEX-1,Eufemia Landaeta Pons,1984,VE,2026-01-12,pardon\n"
THEIRS = (
    "name,date of birth,country,released on,kind\nEufemia Landaeta,1984,VE,2026-01-12,amnesty\nOtra Gil,1970,VE,2026,\n"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RECUENTO_DATABASE_URL", f"sqlite:///{tmp_path / 'registry.db'}")
    (tmp_path / "mine.csv").write_text(MINE)
    (tmp_path / "theirs.csv").write_text(THEIRS)
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["recuento", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_two_files_need_no_registry(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    book = folder / "out.xlsx"
    assert run(monkeypatch, "match", folder / "mine.csv", folder / "theirs.csv", "--xlsx", book) == 0
    said = capsys.readouterr().out
    assert "row 2 (Eufemia Landaeta Pons): kind: mine pardon, theirs amnesty" in said
    assert (
        "1 of mine beside 2 of theirs: 1 on both, 1 of them with a contradiction, 0 likely the same, 0 mine only"
        in said
    )
    assert book.read_bytes().startswith(b"PK")
    assert not (folder / "registry.db").exists()


def test_a_list_beside_the_registry_needs_to_be_somebodys(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "match", folder / "mine.csv") == 1
    assert "--source SLUG" in capsys.readouterr().err
    assert run(monkeypatch, "source", "add", "example-watch", "--name", "Example Watch", "--kind", "ngo") == 0
    assert run(monkeypatch, "import", folder / "mine.csv", "--source", "example-watch") == 0
    capsys.readouterr()
    assert run(monkeypatch, "match", folder / "mine.csv", "--source", "example-watch", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["summary"]["both"], found["lists"][0]["listed"]) == (1, 1)


def test_a_row_that_cannot_be_read_is_not_all_well(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "theirs.csv").write_text(THEIRS + "Nadie Más,03/04/1970,VE,,\n")
    assert run(monkeypatch, "match", folder / "mine.csv", folder / "theirs.csv") == 1
    said = capsys.readouterr()
    assert "Rows of the other list likewise:" in said.out
    assert "1 row could not be read, and was compared with nothing" in said.err


def test_the_template_says_clearly_that_it_is_empty(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blank = folder / "lista.xlsx"
    assert run(monkeypatch, "template", blank, "--lang", "es") == 0
    assert open_list(blank.read_bytes(), None).sheets[0].name == "Lista"
    assert run(monkeypatch, "source", "add", "example-watch", "--name", "Example Watch", "--kind", "ngo") == 0
    capsys.readouterr()
    assert run(monkeypatch, "import", blank, "--source", "example-watch") == 1
    assert "There are headings in this list, and no rows below them: nothing was filed." in capsys.readouterr().err


@pytest.mark.parametrize("taken", ["mine.csv", "theirs.xlsx", "new.csv"])
def test_a_workbook_is_written_over_nothing_and_is_called_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], taken: str
) -> None:
    (folder / "theirs.xlsx").write_text("kept")
    before = {one.name: one.read_bytes() for one in folder.iterdir()}
    for words in (("template",), ("match", folder / "mine.csv", folder / "theirs.csv", "--xlsx")):
        assert run(monkeypatch, *words, folder / taken) == 1
        assert ("is there already" if taken.startswith("theirs") else "ends in .xlsx") in capsys.readouterr().err
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == before


def test_what_is_wrong_with_a_line_of_json_stands_in_no_column(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "theirs.jsonl").write_text('{"detainee": {"full_name": "Otra Gil"}}\n[1]\n')
    assert run(monkeypatch, "match", folder / "mine.csv", folder / "theirs.jsonl") == 1
    assert "row 2: Each line is one JSON object." in capsys.readouterr().out


def test_a_mapping_in_other_letters_is_one_line_and_no_traceback(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "map.toml").write_bytes('[columns]\n"Quién" = "detainee.full_name"\n'.encode("cp1252"))
    files = folder / "mine.csv", folder / "theirs.csv"
    for words in (("match", *files), ("import", files[0], "--source", "example-watch")):
        assert run(monkeypatch, *words, "--mapping", folder / "map.toml") == 1
        said = capsys.readouterr().err
        assert ("save it as UTF-8" in said, said.count("\n")) == (True, 1)
