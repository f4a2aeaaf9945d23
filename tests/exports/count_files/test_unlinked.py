"""Files do not tell that two sources report the same person who may only be counted, where neither verifies it."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from fastapi.testclient import TestClient

from app.config import Settings
from app.reader import create_reader
from tests.exports.count_files.test_write import write
from tests.support import World

REPORTED = {"verification__verdict": "reported", "verification__method": None, "detainee__publish": "counted"}
QUESTIONS = (
    "group_by=source",
    "group_by=source&group_by=status",
    "source=ministry",
    "source=ministry&group_by=month",
    "group_by=source&verified_by=jep",
    "group_by=source&min_sources=1",
    "group_by=source&state=released",
    "group_by=source&detained_from=2024-10&detained_to=2024-10",
    "group_by=source&verified_by=jep",
    "released_from=2026-01-16&released_to=2026-01-31",
    "source=pud&released_from=2026-01-16&released_to=2026-01-31&min_sources=1",
    "source=pud&released_from=2026-01-01&released_to=2026-01-31&group_by=month",
)


def filed(world: World, *, with_whom: str) -> None:
    """Two people alike, whom one organisation reports each; a planted report, which a curator joins to one."""
    first = world.file("foro", detainee__full_name="Abelardo Quintero", **REPORTED)
    second = world.file("pud", detainee__full_name="Berenice Urdaneta", **REPORTED)
    planted = world.file("ministry", detainee__full_name="Casimiro Lozada", **REPORTED)
    whom = first if with_whom == "foro" else second
    world.judge(planted["detainee"]["id"], whom["detainee"]["id"], "same")


def test_nobody_reads_off_with_whom_a_planted_report_was_joined(world: World, tmp_path: Path) -> None:
    filed(world, with_whom="foro")
    done = write(world, tmp_path)
    numbers = duckdb.read_parquet(str(done / "unlinked_release_verdicts-*.parquet"))
    standing = numbers.project("detention, source").fetchall()
    assert len({detention for detention, _source in standing}) >= 3
    by_detention: dict[int, set[int]] = {}
    for detention, source in standing:
        by_detention.setdefault(detention, set()).add(source)
    assert all(len(sources) == 1 for sources in by_detention.values())
    linked = duckdb.read_parquet(str(done / "release_verdicts-*.parquet")).fetchall()
    assert linked == []


@pytest.fixture(scope="module")
def reader(shared: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A reader of files of a registry in which some stand apart."""
    filed(shared, with_whom="pud")
    third = shared.file("jep", detainee__full_name="Dorotea Bracho", detainee__publish="counted")
    again = shared.file("ministry", detainee__full_name="Dorotea Bracho", **REPORTED)
    shared.judge(third["detainee"]["id"], again["detainee"]["id"], "same")
    other_day = {**REPORTED, "verification__method": "family", "release__released_on": "2026-01-20"}
    otherwise = shared.file("pud", detainee__full_name="Dorotea Bracho", **other_day)
    shared.judge(third["detainee"]["id"], otherwise["detainee"]["id"], "same")
    folder = tmp_path_factory.mktemp("files")
    write(shared, folder)
    with TestClient(create_reader(folder, Settings(names="list"))) as made:
        yield made


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_reader_counts_what_stands_apart(shared: World, reader: TestClient, question: str) -> None:
    newest = shared.client.get("/v1/counts/releases").json()["at"]["revision"]
    for kind in ("releases", "detentions", "held"):
        for revision in range(newest + 1):
            asked = f"/v1/counts/{kind}?{question}&as_of=r{revision}"
            asked += "&held_on=2026-01-02" if kind == "held" else ""
            if ("month" in question and kind == "held") or ("released_" in question and kind != "releases"):
                continue
            given, wanted = reader.get(asked).json(), shared.client.get(asked).json()
            del given["links"]["cite"], wanted["links"]["cite"]  # the only part with the address of the registry
            assert given == wanted, asked
