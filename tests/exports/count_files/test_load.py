"""Files that no registry wrote are refused, whatever is in them, and never with a value of theirs."""

import shutil
from pathlib import Path

import pytest

from app.config import Settings
from app.exports.count_files import files as parts
from app.exports.count_files.load import CountFiles
from app.imports.faults import BadFile
from app.reader import create_reader
from tests.api.routes.test_directory import claim
from tests.exports.count_files.altered import described_anew, with_rows
from tests.exports.count_files.test_write import write
from tests.support import World

# (table, a query of its rows)
IMPOSSIBLE = (
    ("entries", "FROM {file} WHERE revision <> 2"),
    ("entries", "SELECT * REPLACE (revision + 1 AS revision) FROM {file}"),
    ("entries", "SELECT * REPLACE (greatest(revision, 2) AS revision) FROM {file}"),
    ("entries", "SELECT * REPLACE ('zz' AS leaf_hash) FROM {file}"),
    ("entries", "SELECT * REPLACE (NULL AS leaf_hash) FROM {file}"),
    ("entries", "SELECT * REPLACE (NULL AS recorded_at) FROM {file}"),
    ("entries", "SELECT * REPLACE ('Abelardo' AS claim) FROM {file}"),
    ("entries", "SELECT * REPLACE ('[]' AS claim) FROM {file}"),
    ("entries", "SELECT * REPLACE ('{{\"said\": 1}}' AS claim) FROM {file}"),
    ("entries", "SELECT 1 AS other"),
    ("releases", "SELECT * REPLACE (0 AS person) FROM {file}"),
    ("releases", "SELECT * REPLACE (1000000 AS person) FROM {file}"),
    ("releases", "SELECT * REPLACE (NULL AS detention) FROM {file}"),
    ("releases", "SELECT * REPLACE ('Abelardo' AS person) FROM {file}"),
    ("releases", "SELECT * REPLACE (0 AS revision) FROM {file}"),
    ("releases", "SELECT * REPLACE (1000000 AS revision) FROM {file}"),
    ("releases", "SELECT * REPLACE (row + 1 AS row) FROM {file}"),
    ("releases", "SELECT * REPLACE (DATE '0044-03-15 (BC)' AS first_day) FROM {file}"),
    ("releases", "SELECT * REPLACE (DATE '12000-01-01' AS last_day) FROM {file}"),
    ("releases", "SELECT * REPLACE (70000 AS independent_sources) FROM {file}"),
    ("release_verdicts", "SELECT * REPLACE (1000000 AS source) FROM {file}"),
    ("closed-releases", "SELECT -1::INTEGER AS row, 5::INTEGER AS until"),
    ("closed-releases", "SELECT 9::INTEGER AS row, 5::INTEGER AS until"),
    ("closed-releases", "SELECT 0::INTEGER AS row, 1::INTEGER AS until"),
    ("claims", "SELECT * REPLACE (1 AS stated) FROM {file}"),
)


@pytest.fixture(scope="module")
def written(shared: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a registry with a release and a published figure."""
    shared.file()
    claim(shared)
    return write(shared, tmp_path_factory.mktemp("written"))


@pytest.fixture
def newest(written: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return shutil.copytree(written.parent, tmp_path / "files", symlinks=True) / written.name


@pytest.mark.parametrize("table, query", IMPOSSIBLE)
def test_rows_that_no_registry_writes_are_refused(newest: Path, table: str, query: str) -> None:
    with_rows(newest, table, query)
    with pytest.raises(BadFile) as refused:
        create_reader(newest.parent, Settings())
    assert refused.value.code == "damaged"
    assert "Abelardo" not in refused.value.detail


def test_so_is_what_is_no_parquet_file(newest: Path) -> None:
    next(newest.glob("people-*.parquet")).write_bytes(b"PAR1 Abelardo PAR1")
    described_anew(newest, lambda _descriptor: None)
    with pytest.raises(BadFile, match=r"people-.* is no file of counts: copy .* again"):
        create_reader(newest.parent, Settings())


@pytest.mark.parametrize(
    "table",
    [
        "entries",
        "people",
        "closed-people",
        "sources",
        "unlinked_release_verdicts",
        "closed-unlinked_detention_verdicts",
        "possible_duplicates",
    ],
)
def test_a_file_that_the_descriptor_does_not_name_is_not_read(newest: Path, table: str) -> None:
    """Nothing says what it should be."""
    described_anew(
        newest,
        lambda said: said.update(
            resources=[file for file in said["resources"] if file["name"].split("-1-")[0] != table]
        ),
    )
    with pytest.raises(BadFile, match=f"{table}.* is missing"):
        create_reader(newest.parent, Settings())


def test_a_revision_without_entries_takes_no_memory(newest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An array of two thousand million rows would end the process."""
    most = 2**31 - 2
    monkeypatch.setattr(parts, "SMALLEST_PART", most)
    for path in newest.glob("*-1-*.parquet"):
        path.rename(path.with_name(f"{path.stem.split('-1-')[0]}-1-{most}.parquet"))

    def higher(descriptor: dict[str, object]) -> None:
        descriptor["recuento"] = {**descriptor["recuento"], "revision": most}  # type: ignore[dict-item]
        descriptor["resources"] = [{"path": path.name} for path in newest.glob("*.parquet")]

    described_anew(newest, higher)
    files = CountFiles.open_newest(newest.parent)
    files.require_intact()
    with pytest.raises(BadFile, match="entries"):
        _ = files.columns


def test_files_of_another_format_name_the_way_out(newest: Path) -> None:
    described_anew(newest, lambda descriptor: descriptor["recuento"].update(format=2, more="than this version reads"))
    with pytest.raises(BadFile, match="the version that wrote them"):
        create_reader(newest.parent, Settings())


@pytest.mark.parametrize("name", ["recuento-personal-parts", "recuento", None])
def test_a_folder_of_something_else_is_refused(newest: Path, name: str | None) -> None:
    described_anew(newest, lambda descriptor: descriptor.update(name=name))
    with pytest.raises(BadFile, match="There are no count files"):
        create_reader(newest.parent, Settings())
