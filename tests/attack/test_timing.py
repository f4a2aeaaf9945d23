"""The program that measures what a clock tells runs to its end. What it measures is not judged here: this machine runs
other tests at the same time."""

import re

import pytest

from tests.attack import timing


def test_every_kind_of_question_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    timing.main(["--tries", "8", "--people", "20", "--seed", "7"])
    lines = capsys.readouterr().out.splitlines()
    measured = [line.split()[:2] for line in lines if "tries" in line]
    assert measured == [[kind, "8"] for kind in timing.KINDS]
    assert all(
        re.search(r"AUC of one try [01]\.\d{3}, of 1,000 [01]\.\d{3}", line) for line in lines if "tries" in line
    )


def test_a_difference_is_told_apart_and_none_is_not() -> None:
    quick, slow = [10, 11, 12, 13], [14, 15, 16, 17]
    assert timing.single_auc(slow, quick) == 1.0
    assert timing.single_auc([1, 4], [2, 3]) == 0.5
    assert timing.means_auc(slow, quick)[0] > 0.99
    assert timing.means_auc(quick, quick)[0] == 0.5
