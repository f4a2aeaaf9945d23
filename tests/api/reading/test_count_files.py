"""Count files are read at /data/, as the operator wrote them, and nothing else of the machine is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exports.count_files.altered import described_anew
from tests.exports.count_files.test_write import write
from tests.support import World


@pytest.fixture
def giving(world: World, tmp_path: Path) -> Iterator[World]:
    """A registry with a release, which gives count files."""
    before = world.app.state.settings
    folder = tmp_path / "files"
    world.app.state.settings = before.model_copy(update={"count_files": folder})
    world.file()
    write(world, folder)
    (tmp_path / "secret.json").write_text("{}")
    (folder / "latest" / "secret.txt").write_text("kept")
    (folder / "latest" / "traits.parquet").write_text("kept")
    (folder / "latest" / "link.json").symlink_to("/etc/passwd")
    yield world
    world.app.state.settings = before


def test_the_newest_folder_has_an_address_of_its_own(giving: World) -> None:
    answer = giving.client.get("/data/latest/", follow_redirects=False)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (307, "no-cache")
    described = giving.client.get(answer.headers["Location"])
    assert described.headers["Content-Type"] == "application/json"
    assert answer.headers["Location"] == f"/data/{described.json()['version']}/"


def test_every_file_of_the_descriptor_can_be_read_and_kept(giving: World) -> None:
    described = giving.client.get("/data/latest/").json()
    for resource in described["resources"]:
        answer = giving.client.get(f"/data/{described['version']}/{resource['path']}")
        assert (answer.status_code, len(answer.content)) == (200, resource["bytes"])
        assert answer.headers["Content-Type"] == "application/vnd.apache.parquet"
        assert answer.headers["ETag"] == f'"{resource["hash"]}"'
    assert b"count_releases" in giving.client.get("/data/latest/counts.sql").content


@pytest.mark.parametrize("name", ["", "datapackage.json", "counts.sql", "people.parquet"])
def test_whoever_has_a_file_asks_whether_it_is_still_the_same(giving: World, name: str) -> None:
    """A folder is replaced where an earlier copy of the database was put back: a part that a cache kept would stand
    beside a descriptor that has another digest of it."""
    address = giving.client.get("/data/latest/", follow_redirects=False).headers["Location"]
    people = next(
        file["path"] for file in giving.client.get(address).json()["resources"] if file["name"].startswith("people")
    )
    address += name.replace("people.parquet", people)
    first = giving.client.get(address)
    assert (first.status_code, first.headers["Cache-Control"]) == (200, "no-cache")
    again = giving.client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    folder = giving.app.state.settings.count_files / "latest"
    for path in (folder / "counts.sql", folder / people):
        path.write_bytes(path.read_bytes() + b"\n")
    described_anew(folder.resolve(), lambda _descriptor: None)
    other = giving.client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (other.status_code, other.headers["ETag"] != first.headers["ETag"]) == (200, True)


def test_a_folder_of_personal_parts_is_given_to_nobody(giving: World, tmp_path: Path) -> None:
    """Though somebody sets it by mistake."""
    done = tmp_path / "personal" / write(giving, tmp_path / "public", tmp_path / "personal").name
    settings = giving.app.state.settings
    giving.app.state.settings = settings.model_copy(update={"count_files": done.parent})
    for revision in (done.name, "latest"):
        for name in ("", "datapackage.json", "traits.parquet", "source_traits.parquet", "placements.parquet"):
            answer = giving.client.get(f"/data/{revision}/{name}", follow_redirects=False)
            assert answer.status_code == 404, (revision, name)


def test_a_file_that_was_read_in_part_is_read_on(giving: World) -> None:
    whole = giving.client.get("/data/latest/counts.sql").content
    rest = giving.client.get("/data/latest/counts.sql", headers={"Range": "bytes=100-"})
    assert (rest.status_code, rest.content) == (206, whole[100:])


@pytest.mark.parametrize(
    "address",
    [
        "/data/latest/secret.txt", "/data/latest/..%2f..%2fsecret.json", "/data/..%2f/secret.json",
        "/data/%2e%2e/secret.json", "/data/latest/%2e%2e/%2e%2e/secret.json", "/data/0/datapackage.json",
        "/data/99999999999999999999/", "/data/latest/.hidden.json", "/data/latest/none.parquet", "/data/",
        "/data/latest/link.json", "/data/latest/traits.parquet", "/data/.draft/datapackage.json", "/data/latest/%00",
        "/data/{newest}/traits.parquet", "/data/{newest}/link.json", "/data/{newest}/secret.txt", "/data/{newest}/..",
    ],
)  # fmt: skip
def test_nothing_else_is_read(giving: World, address: str) -> None:
    newest = (giving.app.state.settings.count_files / "latest").resolve().name
    answer = giving.client.get(address.format(newest=newest))
    assert answer.status_code in (404, 422), answer.text
    assert "kept" not in answer.text
    assert "root:" not in answer.text


def test_a_registry_that_gives_no_files_says_so(world: World) -> None:
    for address in ("/data/latest/", "/data/1/", "/data/1/counts.sql"):
        answer = world.client.get(address)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
