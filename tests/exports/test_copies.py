"""A copy is read back whole, into an empty registry, or not at all."""

import csv
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.db.engine import open_read_session, open_write_session
from app.errors import Conflict, Problem
from app.exports import package
from app.formats import COUNTRIES
from app.imports.faults import BadFile
from app.log.entries import read_head
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext
from app.vocabulary import Role
from tests.databases import Templates, settings_of
from tests.support import ANYONE, NOW, Body, World, make_report


@pytest.fixture(scope="module")
def original(templates: Templates) -> Iterator[World]:
    """A facility, two sources of one man, of whom one is in quarantine, and a namesake."""
    url, keys = templates.world("sqlite")
    with templates.copy("sqlite", url) as address:
        settings = settings_of(address)
        with World(settings, keys=keys) as world:
            world.add_facility(names=["Rodeo Uno", "Rodeo; el primero", "N/A"], point={"lat": 10.4, "lon": -66.6})
            aged: Body = {"detainee__birth_date": None, "detainee__age": 54}
            filed = world.file(detainee__aliases=["Tomasito"], detention__charges=["=1+1"], **aged)
            world.verify(filed["release"]["id"], "jep", verdict="verified", method="lawyer")
            world.client.patch("/v1/sources/jep", json={"quarantined": True}, headers=world.headers("admin"))
            other: Body = {"detainee__birth_date": None, "detainee__gender": "female"}
            world.file("pud", release__released_on="2026-01-20", **other)
            # 69 in 2019 is not 69 at the detention in 2025.
            told: Body = {"detainee__birth_date": None, "detainee__age": 69, "detainee__age_on": "2019-06-01"}
            world.file("pud", detainee__full_name="Eusebia Marcano Lugo", **told)
            world.file("pud", detainee__full_name="Irene Paz Quiroga", detainee__birth_date="1961-12-31")
            # The public sees an age without a name, and no year of birth.
            unnamed: Body = {"detainee__full_name": "Ramona Gil Rojas", "detainee__publish": "anonymous"}
            unnamed |= {"detainee__birth_date": None, "detainee__age": 33, "detainee__age_on": "2025-12-20/2026-01-03"}
            world.file("pud", **unnamed)
            # Whom a curator opened since: the log says the month of the arrest, and that the method is second-hand.
            closed: Body = {"detainee__full_name": "Berta Solano Ugas", "detainee__birth_date": None}
            closed |= {"detainee__publish": "counted", "verification__method": "press"}
            world.consent(world.file("pud", **closed)["detainee"]["id"], "named")
            yield world


@pytest.fixture
def folder(original: World, tmp_path: Path) -> Path:
    """A copy of it."""
    made = tmp_path / "copy"
    made.mkdir()
    with open_read_session(original.engine) as session:
        package.write_package(session, made, ANYONE, original.revision)
    return made


def read(engine: Engine, folder: Path) -> int:
    with open_write_session(engine) as session:
        return package.file_public_copy(
            WriteContext(session, Reader(Role.ADMIN), NOW, b"another secret"), folder
        ).reports


def test_what_is_read_back_is_what_was_written(empty: Engine, folder: Path, tmp_path: Path) -> None:
    assert read(empty, folder) == 7
    again = tmp_path / "again"
    again.mkdir()
    with open_read_session(empty) as session:
        package.write_package(session, again, ANYONE, read_head(session)[0])
    for name in ("sources", "facilities"):
        assert (again / f"{name}.csv").read_bytes() == (folder / f"{name}.csv").read_bytes()
    for name in ("detainees", "detentions", "releases", "verifications"):
        assert without_ids(again / f"{name}.csv") == without_ids(folder / f"{name}.csv")


def test_ages_and_births_are_told_as_far_as_the_public_sees_them(folder: Path) -> None:
    with (folder / "reports.csv").open(encoding="utf-8", newline="") as file:
        rows = [
            tuple(row[f"detainee.{name}"] for name in ("full_name", "birth_date", "age", "age_on"))
            for row in csv.DictReader(file)
        ]
    assert ("Eusebia Marcano Lugo", "", "69", "2019") in rows
    assert ("Irene Paz Quiroga", "1961", "", "") in rows
    assert ("", "", "33", "2025/2026") in rows
    assert [row[1] for row in rows if row[1]] == ["1961"]


def without_ids(path: Path) -> list[str]:
    """Lines with the ids, which are another registry's own, left out."""
    return sorted(
        ",".join(cell for cell in line.split(",") if len(cell) != 36) for line in path.read_text("utf-8").splitlines()
    )


def test_a_registry_in_which_something_stands_is_left_alone(original: World, folder: Path) -> None:
    with pytest.raises(Conflict, match="empty registry only"), original.storing_nothing():
        read(original.engine, folder)


def test_a_copy_that_was_changed_is_refused(empty: Engine, folder: Path) -> None:
    path = folder / "reports.csv"
    path.write_text(path.read_text("utf-8").replace("2026-01-12", "2026-01-13"), "utf-8")
    with pytest.raises(BadFile, match=r"not the reports\.csv that was exported"):
        read(empty, folder)


def test_a_folder_without_a_copy_is_refused(empty: Engine, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no whole copy"):
        read(empty, tmp_path)


@pytest.mark.parametrize(
    "before, after",
    [
        ("verified,,family", "verified,,"),
        ("carried_out", "gone"),
        ("1,foro", "1,nobody"),
        ("release.kind", "release.colour"),
    ],
)
def test_of_a_copy_with_a_row_that_cannot_stand_nothing_is_filed(
    empty: Engine, folder: Path, monkeypatch: pytest.MonkeyPatch, before: str, after: str
) -> None:
    path = folder / "reports.csv"
    path.write_text(path.read_text("utf-8").replace(before, after), "utf-8")
    monkeypatch.setattr(package, "_verify_hashes", lambda _folder: None)
    with pytest.raises((BadFile, Problem)):
        read(empty, folder)
    with open_read_session(empty) as session:
        assert read_head(session)[0] == 0


def said(folder: Path) -> list[dict[str, str]]:
    """The reports of a copy, without whom they are of: ids are another registry's own."""
    with (folder / "reports.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return sorted(
        ({name: cell for name, cell in row.items() if name not in ("detainee", "detention")} for row in rows),
        key=lambda row: int(row["report"]),
    )


def said_before_and_after(world: World, empty: Engine, tmp_path: Path) -> tuple[list[dict[str, str]], ...]:
    """What the reports of a copy say, and those of a copy of what was read of it."""
    folders = tmp_path / "copy", tmp_path / "again"
    for folder, engine in zip(folders, (world.engine, empty), strict=True):
        folder.mkdir()
        with open_read_session(engine) as session:
            package.write_package(session, folder, ANYONE, read_head(session)[0])
        if engine is world.engine:
            read(empty, folder)
    return tuple(map(said, folders))


STRANGE: tuple[Body, ...] = (
    {"detainee__full_name": "Total"},
    {"detainee__full_name": "'=Omar Lugo"},
    {"detainee__full_name": "\u00c3\u00b3scar  Lugo"},  # as a list would be taken to have lost its letters
    {"detainee__aliases": ["Beto; el Chato", "uno | dos", "Na Kim"]},
    {"detention__charges": ["N/A"]},
    {"detention__charges": ["-", "asociación; terrorismo", '["no JSON"]']},
    {"detention__sentence": {"term": "S/I"}},
    {"release__destination": "n/a"},
)


@pytest.mark.parametrize("changes", STRANGE, ids=lambda changes: str(*changes.values()))
def test_what_a_list_would_not_be_believed_is_read_back_from_a_copy(
    world: World, empty: Engine, tmp_path: Path, changes: Body
) -> None:
    world.file(**changes)
    before, after = said_before_and_after(world, empty, tmp_path)
    assert after == before
    ((path, meant),) = changes.items()
    column = path.replace("__", ".") + (".term" if isinstance(meant, dict) else "")
    assert before[0][column]


def test_every_country_is_read_back(world: World, empty: Engine, tmp_path: Path) -> None:
    bodies = [
        make_report(source_record_id=code, detainee__full_name=f"{code} Idris", detainee__nationalities=[code],
                    detention__country=code)
        for code in sorted(COUNTRIES)
    ]  # fmt: skip
    receipt = world.send_list("".join(json.dumps(body) + "\n" for body in bodies))
    assert receipt["counts"]["error"] == 0
    before, after = said_before_and_after(world, empty, tmp_path)
    assert after == before
    for name in ("detention.country", "detainee.nationalities"):
        assert {row[name] for row in after} == COUNTRIES


def hashed(folder: Path) -> None:
    """The descriptor brought to what stands in the folder, as whoever changes a copy on purpose would."""
    path = folder / "datapackage.json"
    described = json.loads(path.read_text("utf-8"))
    for one in described["resources"]:
        one["hash"] = f"sha256:{hashlib.sha256((folder / one['path']).read_bytes()).hexdigest()}"
    path.write_text(json.dumps(described), "utf-8")


@pytest.mark.parametrize(
    "table, more, told",
    [
        ("reports", b"9,foro\r\n", "reports.csv, line 9,"),
        ("reports", b'"' + b"a" * 200_000 + b'"\r\n', "reports.csv, line 9,"),
        ("reports", b"\xff\xfe\r\n", "reports.csv is not in UTF-8"),
        ("sources", b"../x,\x1b[31m,ngo,VE,true,false,\r\n", "sources.csv, line 6,"),
        ("sources", b"a,a,ngo,VE,yes,false,\r\n", "sources.csv, line 6,"),
        ("sources", b"a,a,ngo,VE,true,false,\x1b[31m\r\n", "sources.csv, line 6,"),
        ("sources", b'a,a,ngo,VE,true,false,"one\ntwo\nthree"\r\nb\r\n', "sources.csv, line 9,"),
        ("facilities", b"a,b,b,prison,M,VE,nan,nan\r\n", "facilities.csv, line 3,"),
        ("facilities", b"a,b," + b"[" * 100_000 + b",prison,M,VE,,\r\n", "facilities.csv, line 3,"),
        ("facilities", b"a,b,[,prison,M,VE,,\r\n", "facilities.csv, line 3,"),
    ],
    ids=[
        "short",
        "a big cell",
        "no text",
        "no slug",
        "no flag",
        "no letter",
        "after lines",
        "no place",
        "deep",
        "no list",
    ],
)
def test_a_line_that_no_registry_wrote_is_told_by_its_number(
    empty: Engine, folder: Path, table: str, more: bytes, told: str
) -> None:
    with (folder / f"{table}.csv").open("ab") as file:
        file.write(more)
    hashed(folder)
    with pytest.raises(BadFile, match=told) as refused:
        read(empty, folder)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "changed, told",
    [({0: ("report", "2")}, "one number"), ({0: ("points_at", "999")}, "points at none"),
     ({0: ("points_at", "1")}, "points at none"), ({1: ("taken_over", "detainee.full_name")}, "is not as it was")],
)  # fmt: skip
def test_a_report_that_follows_none_has_another_ones_number_or_took_over_what_none_can_is_told(
    empty: Engine, folder: Path, changed: dict[int, tuple[str, str]], told: str
) -> None:
    path = folder / "reports.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: int(row["report"]))
    for place, (name, value) in changed.items():
        rows[place][name] = value
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    hashed(folder)
    with pytest.raises(BadFile, match=told):
        read(empty, folder)


def test_a_copy_is_judged_by_its_tables_whatever_its_descriptor_lists(empty: Engine, folder: Path) -> None:
    path = folder / "datapackage.json"
    path.write_text(json.dumps({"resources": []}), "utf-8")
    with pytest.raises(BadFile, match=r"not the sources\.csv"):
        read(empty, folder)
    path.write_text("[" * 100_000, "utf-8")
    with pytest.raises(BadFile, match="no whole copy"):
        read(empty, folder)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(BadFile, match="no whole copy"):
        read(empty, folder)


def test_the_descriptor_names_no_file_outside_its_folder(empty: Engine, folder: Path) -> None:
    path = folder / "datapackage.json"
    described = json.loads(path.read_text("utf-8"))
    described["resources"][0]["path"] = "../../sources.csv"
    path.write_text(json.dumps(described), "utf-8")
    assert read(empty, folder) == 7  # the file of that name in the folder
