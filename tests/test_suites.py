"""A suite names only tests that exist: a moved file would silently leave it."""

import re
from pathlib import Path

from tests.suites import BOTH_ENGINES, CAMPAIGN, LONGEST, UNCOUNTED

ROOT = Path(__file__).parent.parent


def test_every_name_of_a_suite_is_a_folder_or_a_file() -> None:
    names = {path.stem for path in ROOT.glob("tests/**/*") if path.is_dir() or path.suffix == ".py"}
    assert {*BOTH_ENGINES, *CAMPAIGN, *LONGEST, *UNCOUNTED} - names == set()


def test_every_test_of_the_campaigns_of_ci_exists() -> None:
    (guards,) = re.findall(
        r"^GUARDS := ((?:.*\\\n)*.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert [path for path in guards.replace("\\\n", " ").split() if not (ROOT / path).exists()] == []


def test_every_file_of_mutation_testing_exists() -> None:
    script = (ROOT / ".ci" / "mutation.py").read_text(encoding="utf-8")
    named = re.findall(r'"((?:app|tests)/[^"*]+)"', script)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
