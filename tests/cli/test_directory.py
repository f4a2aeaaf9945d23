"""`recuento facility`: one place, or a whole list of them, or each mistake in a line and none of the list."""

import json
from pathlib import Path

import pytest

from app.cli import directory
from app.demo.people import FACILITIES_FILE, FACILITY_NAMES
from tests.cli.test_commands import Ran, Run, recuento, refused
from tests.support import World

__all__ = ["recuento"]  # the fixture

LIST = """slug,name,names,kind,area,country,lat,lon
norte,Cantera Norte,Cantera 1; La Cantera,police_station,Miranda,VE,10.47,-66.61
sur,Cantera Sur,,prison,,VE,,
"""


def told(ran: Ran) -> list[str]:
    """The lines of a refusal, without the program's name."""
    assert (ran.status, ran.out) == (1, "")
    return [line.removeprefix("recuento: ") for line in ran.err.splitlines()]


def filed(tmp_path: Path, text: str, name: str = "places.csv") -> str:
    (tmp_path / name).write_text(text)
    return name


def registered(world: World) -> dict[str, list[str]]:
    return {one["slug"]: one["names"] for one in world.get("/v1/facilities", limit=200).json()["data"]}


def test_a_facility_is_added_and_the_reports_that_name_it_are_placed_there(recuento: Run, world: World) -> None:
    report = world.file()
    said = ("--name", "El Rodeo I", "--country", "VE", "--area", "Miranda", "--also", "Rodeo 1")
    assert "Registered el-rodeo-i" in recuento("facility", "add", "el-rodeo-i", *said).err
    assert registered(world) == {"el-rodeo-i": ["El Rodeo I", "Rodeo 1"]}
    assert world.get("/v1/facilities/el-rodeo-i").json()["kind"] == "prison"
    assert world.get(f"/v1/releases/{report['release']['id']}").json()["facility"] == "el-rodeo-i"
    assert "slug" in refused(recuento("facility", "add", "el-rodeo-i", *said))
    assert "country" in refused(recuento("facility", "add", "another", "--name", "A", "--country", "Venezuela"))


@pytest.mark.parametrize("form", ["csv", "jsonl", "semicolons"])
def test_a_list_is_registered_and_again_changes_nothing(recuento: Run, world: World, tmp_path: Path, form: str) -> None:
    bodies = [
        {"slug": "norte", "name": "Cantera Norte", "names": ["Cantera 1", "La Cantera"], "kind": "police_station",
         "area": "Miranda", "country": "VE", "point": {"lat": 10.47, "lon": -66.61}},
        {"slug": "sur", "name": "Cantera Sur", "kind": "prison", "country": "VE"},
    ]  # fmt: skip
    written = {
        "csv": LIST,
        "jsonl": "\n".join(json.dumps(body) for body in bodies),
        "semicolons": LIST.replace("Cantera 1; La Cantera", '"Cantera 1; La Cantera"').replace(",", ";"),
    }
    name = filed(tmp_path, written[form])
    assert "2 facilities: 2 registered, 0 changed, 0 unchanged." in recuento("facility", "import", name).err
    north = world.get("/v1/facilities/norte").json()
    assert (north["names"], north["point"]) == (
        ["Cantera Norte", "Cantera 1", "La Cantera"],
        {"lat": 10.5, "lon": -66.6},
    )
    head = world.revision
    assert "0 registered, 0 changed, 2 unchanged" in recuento("facility", "import", name).err
    assert world.revision == head


def test_what_stands_is_brought_up_to_the_list_and_keeps_its_names(recuento: Run, world: World, tmp_path: Path) -> None:
    world.add_facility("sur", "Cantera Sur", names=["Old Quarry"], area="Aragua")
    name = filed(tmp_path, LIST.replace("sur,Cantera Sur,,prison", "sur,Cantera del Sur,,military"))
    assert "1 registered, 1 changed, 0 unchanged" in recuento("facility", "import", name).err
    south = world.get("/v1/facilities/sur").json()
    assert (south["name"], south["kind"], south["area"]) == ("Cantera del Sur", "military", "Aragua")
    assert south["names"] == ["Cantera del Sur", "Cantera Sur", "Old Quarry"]


def test_each_mistake_is_a_line_and_nothing_is_registered(recuento: Run, world: World, tmp_path: Path) -> None:
    world.add_facility("este", "La Cantera")
    bad = LIST + "Not A Slug,A,,prison,,VE,,\noeste,B,,castle,,VE,,\nsur,C,,prison,,VE,,\ncerca,D,,prison,,VE,ten,1\n"
    with world.storing_nothing():
        lines = told(recuento("facility", "import", filed(tmp_path, bad)))
    assert [line.split(":")[0] for line in lines] == [
        "line 4",
        "line 5",
        "line 6",
        "line 7",
        "line 2",
        lines[-1].split(":")[0],
    ]
    assert "slug" in lines[0]
    assert "kind" in lines[1]
    assert "stands in line 3 already" in lines[2]
    assert "point.lat" in lines[3]
    assert "este" in lines[4], "another facility has that name"
    assert lines[-1].startswith("Nothing was registered")


@pytest.mark.parametrize("text, word", [
    ("", "no facility"), ("slug,name,kind,country,colour\na,A,prison,VE,red\n", "colour"),
    ('{"slug": "a"\n', "not JSON"), ('{"slug": "a", "slug": "b"}\n', "line 1"),
    ("slug,name\na,A,prison\n", "more cells"), ("slug,slug,name\na,b,B\n", "two columns"),
])  # fmt: skip
def test_a_file_that_is_no_list_is_refused(recuento: Run, world: World, tmp_path: Path, text: str, word: str) -> None:
    with world.storing_nothing():
        assert word in told(recuento("facility", "import", filed(tmp_path, text)))[0]


def test_a_cell_beyond_what_csv_can_hold_is_a_mistake_of_its_line(recuento: Run, world: World, tmp_path: Path) -> None:
    endless = f"este,{'x' * 200_000},prison,VE"
    (mistake, _nothing) = told(recuento("facility", "import", filed(tmp_path, f"slug,name,kind,country\n{endless}\n")))
    assert mistake.startswith("line 2: it cannot be read as CSV")
    assert registered(world) == {}


def test_a_file_that_cannot_be_read_is_refused(recuento: Run, world: World, tmp_path: Path) -> None:
    assert "Cannot read" in refused(recuento("facility", "import", "nowhere.csv"))
    (tmp_path / "latin.csv").write_bytes("slug,name\na,Tocorón\n".encode("latin-1"))
    assert "UTF-8" in told(recuento("facility", "import", "latin.csv"))[0]


def test_the_list_of_the_demo_begins_a_registry_of_ones_own(
    recuento: Run, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "utc_now", lambda: world.now)
    assert recuento("facility", "import", "venezuela").status == 0
    assert "0 registered, 0 changed" in recuento("facility", "import", str(FACILITIES_FILE)).err
    known = registered(world)
    assert FACILITY_NAMES.keys() <= known.keys()
    assert len(known) >= 35
    assert world.file(detention__facility="Centro Penitenciario de Aragua")["detention"]["facility"] == "tocoron"
