"""The rows of one list have the same age, whatever their order and however the list is filed (rule 3)."""

import json

import pytest

from app.db.engine import open_read_session, open_write_session
from app.imports.filing import row_filing
from app.models import SourceRelease
from app.registry.apply import rebuild_tables
from tests.support import World

OWN = {"verification__verdict": "reported", "verification__method": "official_statement"}
VERIFIED = {"verdict": "verified", "method": "family"}
REFUTED = {"verdict": "refuted", "method": "lawyer"}


@pytest.fixture
def release(world: World) -> str:
    """A release that the ministry reports."""
    return str(world.file("ministry", release__released_on="2026-01-08", **OWN)["release"]["id"])


def lines_of(release: str, *verdicts: dict[str, str]) -> str:
    """JSON lines of one source on one release."""
    rows = [
        {"source_record_id": f"F-{row['verdict']}", "release_id": release, "release": {}, "verification": row}
        for row in verdicts
    ]
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def verdict(world: World, release: str) -> str:
    """The verdict of foro on the release."""
    rows = world.get(f"/v1/releases/{release}/verifications").json()["data"]
    return str(next(row["verdict"] for row in rows if row["source"] == "foro"))


@pytest.mark.parametrize("batch_rows", [500, 1])
@pytest.mark.parametrize("rows", [(VERIFIED, REFUTED), (REFUTED, VERIFIED)])
def test_a_denial_speaks_first_in_one_list(
    world: World, release: str, rows: tuple[dict[str, str], ...], batch_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_filing, "BATCH_ROWS", batch_rows)
    receipt = world.send_list(lines_of(release, *rows))
    assert receipt["counts"]["error"] == 0, world.rows_of(receipt)
    assert verdict(world, release) == "refuted"
    before = _rows(world)
    with open_write_session(world.engine) as session:
        rebuild_tables(session)
    assert _rows(world) == before


def _rows(world: World) -> list[tuple[object, ...]]:
    with open_read_session(world.engine) as session:
        table = SourceRelease.__table__  # type: ignore[attr-defined]
        return sorted(tuple(row) for row in session.execute(table.select()))


def test_of_two_lists_the_later_speaks(world: World, release: str) -> None:
    for row in (REFUTED, VERIFIED):
        world.send_list(lines_of(release, row))
    assert verdict(world, release) == "verified"


def test_a_report_filed_after_a_list_speaks(world: World, release: str) -> None:
    world.send_list(lines_of(release, REFUTED))
    world.file("foro", release_id=release, detainee=None, detention=None, verification=VERIFIED, source_record_id="F-9")
    assert verdict(world, release) == "verified"
