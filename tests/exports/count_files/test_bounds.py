"""Whoever is sent files that were made to harm them refuses these, before they take memory or time."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.config import Settings
from app.exports.count_files import files as files_module
from app.exports.count_files import parquet
from app.imports.faults import BadFile
from app.reader import create_reader
from tests.api.routes.test_directory import claim
from tests.exports.count_files.altered import described_anew, with_rows
from tests.exports.count_files.crafted import MOST_IN_PAGE, endless_footer, unpacking, with_footer
from tests.exports.count_files.test_write import descriptor_in, write
from tests.support import World

ENOUGH = 2**30  # bytes of addresses, which a reader of a small registry does not take by far


@pytest.fixture
def newest(world: World, tmp_path: Path) -> Path:
    """The folder of a registry with a release and a published figure."""
    world.file()
    claim(world)
    return write(world, tmp_path / "files")


@contextmanager
def bounded_memory() -> Iterator[None]:
    """Let this process have no more than ENOUGH beside what it has."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + ENOUGH, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def refused(newest: Path) -> BadFile:
    """Expect that nobody can count from a folder, and that finding that out takes little; the refusal."""
    with bounded_memory(), pytest.raises(BadFile) as refusal:
        create_reader(newest.parent, Settings())
    return refusal.value


def file_in(folder: Path, table: str) -> Path:
    return next(path for path in folder.glob("*.parquet") if path.stem.split("-1-")[0] == table)


def saying(folder: Path, path: Path, rows: int) -> None:
    """Let the descriptor say that a file has so many rows."""

    def change(descriptor: dict[str, Any]) -> None:
        next(resource for resource in descriptor["resources"] if resource["path"] == path.name)["rows"] = rows

    described_anew(folder, change, counting=False)


@pytest.mark.parametrize("table", ["closed-releases", "releases", "entries", "closed-unlinked_release_verdicts"])
@pytest.mark.parametrize(
    "said, told",
    [(2 * MOST_IN_PAGE, None), (1, None), (1, 1), (0, 0)],
    ids=["said by the descriptor", "not said by the descriptor", "not said by the footer", "said to be none"],
)
def test_milliards_of_rows_in_some_hundred_bytes_are_not_unpacked(
    newest: Path, table: str, said: int, told: int | None
) -> None:
    path = file_in(newest, table)
    unpacking(path, ["row", "until"], [MOST_IN_PAGE, MOST_IN_PAGE], told)
    assert path.stat().st_size < 500
    saying(newest, path, said)
    refusal = refused(newest)
    if said > 1:
        assert (refusal.code, "4,294,967," in refusal.detail) == ("too_large", True)
    else:
        assert refusal.code == "damaged"
        assert f"{path.name} has not the {said} rows" in refusal.detail


def test_a_file_made_by_hand_is_read_where_it_is_true(newest: Path) -> None:
    """So that what is refused above is refused for its rows."""
    path = file_in(newest, "closed-possible_duplicates")
    unpacking(path, ["row", "until"], [0])
    saying(newest, path, 0)
    create_reader(newest.parent, Settings()).state.followed.close()


@pytest.mark.parametrize("groups", [[5], [0, 1], [5, -5]])
def test_groups_of_rows_are_counted_one_by_one(newest: Path, groups: list[int]) -> None:
    path = file_in(newest, "closed-releases")
    unpacking(path, ["row", "until"], groups, told=0)
    saying(newest, path, 0)
    assert f"{path.name} has not the 0 rows" in refused(newest).detail


@pytest.mark.parametrize("table", ["unlinked_release_verdicts", "possible_duplicates", "facilities"])
def test_rows_that_are_read_one_by_one_are_a_million_at_most(newest: Path, table: str) -> None:
    path = file_in(newest, table)
    unpacking(path, ["row"], [parquet.MAX_IN_MEMORY_ROWS + 1])
    saying(newest, path, parquet.MAX_IN_MEMORY_ROWS + 1)
    refusal = refused(newest)
    assert (refusal.code, "1,048,577 rows" in refusal.detail) == ("too_large", True)


@pytest.mark.parametrize(
    "table, query, fault",
    [
        ("releases", "SELECT * REPLACE (person::VARCHAR AS person) FROM {file}", "no column `person`"),
        ("releases", "SELECT * REPLACE ([person] AS person) FROM {file}", "no column `person`"),
        ("releases", "SELECT * REPLACE (person::DOUBLE AS person) FROM {file}", "no column `person`"),
        ("releases", "SELECT * REPLACE (person::HUGEINT AS person) FROM {file}", "no column `person`"),
        ("releases", "SELECT * EXCLUDE (kind) FROM {file}", "no column `kind`"),
        ("releases", "SELECT * REPLACE (first_day::TIMESTAMP AS first_day) FROM {file}", "no column `first_day`"),
        ("people", "SELECT * REPLACE (1 AS rearrested) FROM {file}", "no column `rearrested`"),
        ("closed-people", "SELECT 1 AS row", "no column `until`"),
        ("entries", "SELECT * REPLACE (recorded_at::VARCHAR AS recorded_at) FROM {file}", "no column `recorded_at`"),
        ("sources", "SELECT * REPLACE (name::BLOB AS name) FROM {file}", "no column `name`"),
        ("releases", "SELECT * REPLACE (repeat('x', 5000) AS kind) FROM {file}", "`kind` that are too long"),
        ("entries", "SELECT * REPLACE (repeat('x', 10000000) AS claim) FROM {file}", "`claim` that are too long"),
        ("sources", "SELECT * REPLACE (repeat('x', 10000000) AS name) FROM {file}", "`name` that are too long"),
        (
            "releases",
            "SELECT one.* REPLACE (number AS row, number::VARCHAR AS kind) FROM {file} one, range(5000) t(number)",
            "too many different texts in `kind`",
        ),
    ],
)
def test_columns_and_texts_that_no_registry_has_are_refused(newest: Path, table: str, query: str, fault: str) -> None:
    with_rows(newest, table, query)
    refusal = refused(newest)
    assert (refusal.code, fault in refusal.detail) == ("damaged", True), refusal.detail
    assert table in refusal.detail


def test_texts_of_many_rows_are_bounded_together(newest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "MAX_TABLE_TEXT_BYTES", 0)
    with_rows(newest, "entries", "SELECT * REPLACE (repeat('x', 1000) AS claim) FROM {file}")
    assert "`claim` that are too long" in refused(newest).detail


@pytest.mark.parametrize("length", [10, 10**6, 2**31 - 1])
def test_a_footer_says_how_long_it_is_and_takes_no_more(newest: Path, length: int) -> None:
    path = file_in(newest, "releases")
    with_footer(path, b"PAR1", endless_footer(length))
    saying(newest, path, 0)
    assert refused(newest).code == "damaged"


def test_a_long_footer_is_not_read(newest: Path) -> None:
    """Each of its bytes can take some hundred in memory."""
    path = file_in(newest, "releases")
    with_footer(path, b"PAR1", bytes(parquet.MAX_FOOTER_BYTES + 1))
    saying(newest, path, 0)
    assert f"{path.name} is no file of counts" in refused(newest).detail


def test_neither_is_a_long_descriptor(newest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_module, "MAX_DESCRIPTOR_BYTES", (newest / "datapackage.json").stat().st_size - 1)
    assert refused(newest).code == "no_count_files"


def test_a_file_of_another_size_is_not_read_to_its_end(newest: Path) -> None:
    """A mirror could send one that has none."""
    path = file_in(newest, "releases")
    with path.open("ab") as content:
        content.truncate(2**40)  # of which the disk has nothing
    assert f"{path.name} is missing or damaged" in refused(newest).detail


def test_a_descriptor_says_how_many_rows_each_file_has(newest: Path) -> None:
    entries = [file for file in descriptor_in(newest)["resources"] if file["name"].startswith("entries")]
    assert sum(file["rows"] for file in entries) == int(newest.name)
    path = newest / "datapackage.json"
    path.write_text(path.read_text().replace('"rows"', '"lines"'))
    assert refused(newest).code == "no_count_files"
