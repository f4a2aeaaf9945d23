"""`recuento estimate`: what it prints, and one line with status 1 for what cannot be read."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app import cli

DATA = Path(__file__).parent.parent / "estimates" / "data"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def recuento(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """`recuento("table.csv")` runs `recuento estimate table.csv`: status, stdout, stderr."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["recuento", "estimate", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return run


def test_json_has_what_the_contract_promises(recuento: Run) -> None:
    status, out, err = recuento(DATA / "western_5_lists.csv", "--json")
    found = json.loads(out)
    assert (status, err) == (0, "")
    assert {"observed", "lists", "models", "chosen", "lower_bound", "assumptions", "refused"} <= found.keys()
    assert (found["observed"], found["lists"], found["refused"]) == (345, list("ABCDE"), None)
    for model in found["models"]:
        assert {"name", "terms", "estimate", "low", "high", "aic", "bic", "interval", "source"} <= model.keys()
    assert found["chosen"] in found["models"]
    assert (found["chosen"]["name"], found["chosen"]["terms"]) == ("stepwise", ["A:E"])
    assert found["chosen_by"] == "stepwise"
    assert all(isinstance(sentence, str) for sentence in found["assumptions"])


def test_words_give_the_estimate_its_interval_the_range_the_bound_and_the_assumptions(recuento: Run) -> None:
    status, out, _ = recuento(DATA / "uk_5_lists.csv")
    said = " ".join(out.split())
    assert status == 0
    assert "2,744 people were seen, 221 of them on two lists or more." in said
    assert "Estimate: 11,313 people, 9,884–13,027 at 95 % (observed + exp(b0 ± 1.96 se)), 9,908–13,064 by" in said
    assert "; stepwise, chosen because its BIC is within ten of the lowest." in said
    assert "Models that the data allow say from 11,313 to 25,311." in said
    assert "Chao's lower bound: 13,384. It lies above the estimate: see what it assumes." in said
    assert "LA:NG:PFNCA" in said
    assert "- The group is closed" in said


def test_a_refusal_is_an_answer(recuento: Run, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("A;B;count\n1;0;30\n0;1;20\n1;1;3\n")
    status, out, _ = recuento(table)
    assert status == 0
    assert "No estimate: 3 people are on two lists or more; fewer than 7" in " ".join(out.split())
    status, out, _ = recuento(table, "--json")
    assert (status, json.loads(out)["refused"]["code"]) == (0, "too_few_shared")


def test_a_model_that_was_left_out_is_named(recuento: Run, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("A,B,C,count\n1,0,0,30\n0,1,0,25\n0,0,1,40\n1,1,1,12\n")
    assert "No figure for all pairs: Its likelihood has no finite maximum" in " ".join(recuento(table)[1].split())


def test_names_of_lists_are_printed_as_they_are(recuento: Run, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("[bold]x,B,C,count\n1,0,0,30\n0,1,0,25\n0,0,1,40\n1,1,0,60\n1,0,1,9\n0,1,1,9\n1,1,1,4\n")
    assert "[bold]x:B" in recuento(table)[1]


def test_dependent_lists_are_declared_by_name(recuento: Run, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("a:b,c,count\n1,0,30\n0,1,20\n1,1,30\n")
    status, out, _ = recuento(table, "--json", "--dependent", "a:b:c")
    assert (status, json.loads(out)["refused"]["code"]) == (0, "dependent_lists")
    status, out, err = recuento(table, "--dependent", "a:c")
    assert (status, out) == (1, "")
    assert err == "recuento: 'a:c' does not name two lists of the table as A:B. It has a:b, c.\n"


@pytest.mark.parametrize("content", [None, "", "A,count\n1,3\n", "A,B,count\n0,0,3\n", "A,B,count\n1,0,-3\n"])
def test_what_cannot_be_read_is_one_line_and_status_1(recuento: Run, tmp_path: Path, content: str | None) -> None:
    table = tmp_path / "table.csv"
    if content is not None:
        table.write_text(content)
    status, out, err = recuento(table)
    assert (status, out) == (1, "")
    assert err.startswith("recuento: ")
    assert len(err.splitlines()) == 1
