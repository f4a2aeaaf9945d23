"""`counts.sql` in DuckDB gives the numbers of the registry."""

import shutil
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from app.exports.count_files.files import load_counts_descriptor
from tests.exports.count_files.test_write import write
from tests.support import Body, World

DAYS = [(None, None), ("2026-01-12", "2026-01-31"), ("2026-01-10", "2026-01-12"), (None, "2026-01-15")]
TOTAL = ("cases", "people", "verified", "contested", "reported", "refuted", "official_only")
CAVEATS = ("denied_by_some", "unlinkable", "uncertain_date")
BY_SOURCE = (
    "verified", "reported", "official_only", "disputed", "refuted", "retracted", "uncertain_date", "only_this_source",
    "people", "awaiting_review", "rejected",
)  # fmt: skip


@pytest.fixture(scope="module")
def written(shared: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of a registry of partial dates, disputes, two spells of one person, several sources, a release that is only
    announced, a child and a detention that is refuted."""
    world = shared
    first = world.file(detainee__full_name="Abelardo Quintero")["release"]["id"]
    world.verify(first, "jep", verdict="verified", method="lawyer", released_on="2026-01")
    world.verify(first, "pud", verdict="disputed", method="family")
    world.file(detainee__full_name="Berenice Urdaneta", release__released_on="2026-01")
    world.file(detainee__full_name="Casimiro Lozada", release__released_on=None)
    world.file(detainee__full_name="Dorotea Bracho", verification__verdict="reported", verification__method=None)
    world.file("ministry", detainee__full_name="Evaristo Marcano")
    world.file("jep", detainee__full_name="Fabricio Ledezma", detainee__birth_date="2012")
    world.file(detainee__full_name="Genoveva Pacheco", release__released_on=None, release__ordered_on="2026-01-13")
    world.file_detention(detainee__full_name="Abelardo Quintero", detention__detained_on="2026-02-02")
    world.file_detention("pud", detainee__full_name="Horacio Briceño", detention__detained_on="2025")
    press = world.file_detention("pud", detainee__full_name="Inés Palma", verification__method="press")
    world.file_detention(
        "jep", detention_id=press["detention"]["id"], detainee=None, verification__verdict="refuted",
        verification__method="family",
    )  # fmt: skip
    claim: Body = {"claimant": "jep", "measure": "released", "qualifier": "between", "low": 50, "high": 60}
    claim |= {"window_from": "2026", "window_to": "2026-01", "stated_at": "2026-01-31T12:00:00Z", "country": "VE"}
    world.post("/v1/claims", claim, "jep")
    world.trust("jep", 0)  # all that it files from here on waits
    world.verify(first, "jep", verdict="verified", method="lawyer", released_on="2026-01-15")
    world.file("jep", detainee__full_name="Jacinto Olivares")
    world.file("jep", detainee__full_name="Leonor Zambrano", detainee__publish="counted")
    world.file("jep", detainee__full_name="Mireya Cova", verification__verdict="refuted")
    world.trust("pud", 0)
    world.file("pud", detainee__full_name="Nicanor Sifontes", release__released_on="2026-01-11")
    world.review("pud", "rejected")
    return write(world, tmp_path_factory.mktemp("files"))


@pytest.fixture
def told(written: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Their counts.sql, loaded."""
    folder = shutil.copytree(written, tmp_path / "files")
    monkeypatch.chdir(folder)  # as whoever opens DuckDB in it
    connection = duckdb.connect(config={"autoinstall_known_extensions": "false"})
    connection.execute((folder / "counts.sql").read_text())
    yield connection
    connection.close()


def rows(told: Any, macro: str, *values: Any) -> list[dict[str, Any]]:
    asked = told.execute(f"FROM {macro}({', '.join('?' * len(values))})", values)
    names = [column[0] for column in asked.description]
    return [dict(zip(names, row, strict=True)) for row in asked.fetchall()]


def revisions_of(folder: Path) -> range:
    said = load_counts_descriptor(folder)
    assert said is not None
    return range(1, said.recuento.revision + 1)


def window(of: str | None, until: str | None) -> dict[str, str]:
    return {name: day for name, day in (("released_from", of), ("released_to", until)) if day is not None}


def select_numbers(answer: dict[str, Any], *caveats: str) -> dict[str, int]:
    """Return the numbers of a count that the files give too."""
    numbers = {name: answer["total"][name] for name in TOTAL}
    return numbers | {name: answer["caveats"][name] for name in (*CAVEATS, *caveats)}


def select_group_numbers(answer: dict[str, Any], *names: str) -> list[dict[str, Any]]:
    """Return these numbers of each group, with the values that identify it."""
    return [{**group["by"], **{name: group["counts"][name] for name in names}} for group in answer["groups"]]


def test_totals_of_releases_at_every_revision(told: Any, shared: World) -> None:
    for revision in revisions_of(Path.cwd()):
        for days in DAYS:
            answer = shared.get("/v1/counts/releases", as_of=f"r{revision}", **window(*days)).json()
            (row,) = rows(told, "count_releases", revision, *days)
            assert row == select_numbers(answer, "awaiting_review", "rejected"), (revision, days)


def test_releases_by_source_at_every_revision(told: Any, shared: World) -> None:
    for revision in revisions_of(Path.cwd()):
        for days in DAYS:
            answer = shared.get("/v1/counts/releases", as_of=f"r{revision}", group_by="source", **window(*days)).json()
            wanted = select_group_numbers(answer, *BY_SOURCE)
            assert rows(told, "count_releases_by_source", revision, *days) == wanted, (revision, days)


def test_releases_by_month(told: Any, shared: World) -> None:
    for revision in revisions_of(Path.cwd()):
        answer = shared.get("/v1/counts/releases", as_of=f"r{revision}", group_by="month").json()
        wanted = select_group_numbers(answer, "cases", "people")
        assert rows(told, "count_releases_by_month", revision, None, None) == wanted, revision


def test_overlap_at_every_revision(told: Any, shared: World) -> None:
    compared = 0
    for revision in revisions_of(Path.cwd()):
        for days in DAYS:
            answer = shared.get("/v1/counts/overlap", as_of=f"r{revision}", **window(*days)).json()
            wanted = [
                {name: pair[name] for name in ("a", "b", "both", "only_a", "only_b", "either")}
                | {f"{of}_{name}": number for of in ("dates", "kinds") for name, number in pair[of].items()}
                for pair in answer["pairs"]
            ]
            assert rows(told, "count_overlap", revision, *days) == wanted, (revision, days)
            compared += sum(pair["both"] for pair in wanted)
    assert compared


def test_published_figures_have_typed_columns(told: Any, shared: World) -> None:
    listed = shared.get("/v1/claims").json()["data"]
    names = ["claimant", "measure", "qualifier", "said", "low", "high", "country", "zone", "misprint", "named"]
    asked = told.execute("FROM 'claims.parquet' WHERE until = 9007199254740991")
    columns = [column[0] for column in asked.description]
    figures = {row["id"]: row for row in (dict(zip(columns, values, strict=True)) for values in asked.fetchall())}
    assert {claim["id"] for claim in listed} == {*figures}
    for claim in listed:
        figure = figures[claim["id"]]
        assert {name: figure[name] for name in names} == {name: claim[name] for name in names}
        assert (figure["window_from"], figure["window_to"]) == (date(2026, 1, 1), date(2026, 1, 31))
        assert isinstance(figure["stated_at"], datetime)


@pytest.mark.parametrize("years", [1, 2])
@pytest.mark.parametrize("day", ["2024-12-31", "2025-06-01", "2026-01-12", "2026-01-20", "2026-02-02", "2026-02-28"])
def test_the_held_of_a_day(told: Any, shared: World, day: str, years: int) -> None:
    for revision in revisions_of(Path.cwd()):
        answer = shared.get("/v1/counts/held", as_of=f"r{revision}", held_on=day, held_within=years).json()
        (row,) = rows(told, "count_held", revision, day, years)
        assert row == select_numbers(answer, "outside_held_within"), revision


def test_detentions_by_their_end(told: Any, shared: World) -> None:
    for revision in revisions_of(Path.cwd()):
        answer = shared.get("/v1/counts/detentions", as_of=f"r{revision}", group_by="ended").json()
        wanted = select_group_numbers(answer, "cases", "people")
        assert rows(told, "count_detentions_by_end", revision, None, None) == wanted, revision


def test_files_of_another_revision_beside_them_are_not_counted(told: Any, shared: World, tmp_path: Path) -> None:
    """As where somebody unpacked two downloads into one folder."""
    newest = revisions_of(Path.cwd())[-1]
    before = rows(told, "count_releases", newest, None, None)
    for path in [*Path.cwd().glob("*-1-*.parquet")]:
        path.with_name(path.name.replace(f"-1-{newest}", f"-1-{newest - 1}")).write_bytes(path.read_bytes())
    assert rows(told, "count_releases", newest, None, None) == before
