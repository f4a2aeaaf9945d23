"""Every claim of the threat model names tests that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text()


def claims() -> list[tuple[str, list[str]]]:
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", PAGE.partition("## What holds")[2], re.MULTILINE)
    return [(claim, re.findall(r"`(tests/[^`]+)`", shown)) for claim, shown in rows if claim not in ("claim", "---")]


def test_every_claim_is_shown_by_tests_that_are_there() -> None:
    assert len(claims()) > 10
    for claim, tests in claims():
        assert tests, f"nothing shows: {claim}"
        assert [test for test in tests if not (ROOT / test).exists()] == [], claim


def test_what_does_not_hold_is_said_too() -> None:
    assert PAGE.count("\n- **") >= 3
