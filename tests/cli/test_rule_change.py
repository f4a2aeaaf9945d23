"""`recuento rebuild` under new rules: what was counted by the old ones stays checkable, and what moved is told."""

import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import pytest
from sqlalchemy import update
from sqlmodel import col

from app.counts.short_address import build_short_address
from app.db.engine import open_write_session
from app.exports.count_files.write import find_counts_sql
from app.log.entries import pin_revision
from app.models import DetentionState, Head, ReleaseAtStage, SourceDetention, SourceRelease
from app.projection import RULES
from app.queries import addresses
from tests.cli.test_commands import Run, recuento, refused
from tests.support import Body, World

__all__ = ["recuento"]  # the fixture
pytestmark = pytest.mark.both_engines

EARLIER = 5
LICENCE = ("--licence", "CC0-1.0")


@pytest.fixture
def aged(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> World:
    """A registry with the rows of earlier rules, by which a release that jep disputes was contested, and files."""
    release = world.file("foro")["release"]["id"]
    world.verify(release, "pud", verdict="verified", method="lawyer")
    world.verify(release, "jep", verdict="refuted", method="family")
    world.file_detention("ministry", detainee__full_name="Evaristo Invento", detention__detained_on="2026-01-05")
    age_rows(world)
    monkeypatch.setenv("RECUENTO_COUNT_FILES", str(tmp_path / "data"))
    world.app.state.settings = world.app.state.settings.model_copy(update={"count_files": tmp_path / "data"})
    return world


def age_rows(world: World) -> None:
    """Make all rows those of earlier rules, under which sources' rows had no status of their own."""
    with open_write_session(world.engine) as session:
        session.execute(update(Head).values(rules=EARLIER))
        counted = col(ReleaseAtStage.status) == "verified"
        session.execute(update(ReleaseAtStage).where(counted).values(status="contested", is_denied=False))
        nobody_asked = {"sure_lo": 0, "sure_hi": 0, "free_sure_hi": 0, "is_denied": False}
        session.execute(update(DetentionState).values(status="reported", **nobody_asked))
        for table in (SourceRelease, SourceDetention):
            session.execute(update(table).values(status=None))


def archive_of(world: World) -> Path:
    return (
        Path(world.app.state.settings.count_files) / f"rules-{EARLIER}-{world.rows('SELECT revision FROM head')[0][0]}"
    )


def rules_of(world: World) -> Any:
    return world.rows("SELECT rules FROM head")[0][0]


def test_rows_of_earlier_rules_are_not_replaced_before_they_are_archived(
    aged: World, recuento: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "--licence" in refused(recuento("rebuild"))
    monkeypatch.delenv("RECUENTO_COUNT_FILES")
    line = refused(recuento("rebuild", *LICENCE))
    assert "RECUENTO_COUNT_FILES" in line
    assert rules_of(aged) == EARLIER
    assert recuento("rebuild", "--without-archive").status == 0
    assert rules_of(aged) == RULES
    assert recuento("rebuild").status == 0, "under the same rules there is nothing to archive"


def test_the_archive_counts_by_the_earlier_rules(
    aged: World, recuento: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert recuento("rebuild", *LICENCE).status == 0
    today = aged.count()["total"]
    assert (today["verified"], today["contested"]) == (1, 0)
    described = json.loads((archive_of(aged) / "datapackage.json").read_text())
    assert described["recuento"]["rules"] == EARLIER
    assert f"rules {EARLIER}" in described["description"]
    fields = {field["name"] for resource in described["resources"] for field in resource["schema"]["fields"]}
    assert fields.isdisjoint({"denied", "sure_first_day", "sure_last_day", "free_sure_last_day"})
    monkeypatch.chdir(shutil.copytree(archive_of(aged), tmp_path / "copy"))
    with duckdb.connect() as connection:
        connection.execute(Path("counts.sql").read_text())
        told = connection.execute(
            f"SELECT releases, verified, contested FROM count_releases({aged.revision}, null, null)"
        )
        assert told.fetchall() == [(1, 0, 1)]


def test_the_archive_links_what_sources_verify_of_people_who_may_only_be_counted(
    world: World, recuento: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.file("jep", detainee__publish="counted")
    monkeypatch.setenv("RECUENTO_COUNT_FILES", str(tmp_path / "data"))
    numbers = ("verified", "only_this_source", "people")
    (wanted,) = ([group["counts"][name] for name in numbers] for group in world.count(group_by="source")["groups"])
    age_rows(world)
    assert recuento("rebuild", *LICENCE).status == 0
    monkeypatch.chdir(tmp_path / "data" / f"rules-{EARLIER}-{world.revision}")
    with duckdb.connect() as connection:
        connection.execute(Path("counts.sql").read_text())
        told = connection.execute(
            f"SELECT {', '.join(numbers)} FROM count_releases_by_source({world.revision}, null, null)"
        )
        assert told.fetchall() == [tuple(wanted)] == [(1, 1, 1)]


def test_what_moved_is_printed_and_listed_by_rule(aged: World, recuento: Run) -> None:
    ran = recuento("rebuild", *LICENCE)
    assert f"Counts that moved from rules {EARLIER} to rules {RULES}:" in ran.err
    assert "releases VE 2026-01 contested: 1 → 0 (rule 2: +0 −1)" in ran.err
    address = f"/data/{archive_of(aged).name}/moved.json"
    answer = aged.client.get(address)
    assert "immutable" in answer.headers["Cache-Control"]
    moved = {
        (row["measure"], row["country"], row["month"] or row["day"], row["status"]): row
        for row in answer.json()["moved"]
    }
    row = moved["releases", "VE", "2026-01", "verified"]
    assert (row["before"], row["after"], row["by_rule"]) == (0, 1, {"2": {"added": 1, "removed": 0}})
    assert aged.count(released_from="2026-01", released_to="2026-01", country="VE")["total"]["verified"] == row["after"]
    row = moved["held", "VE", "2026-02-01", None]
    assert (row["before"], row["after"], row["by_rule"]) == (1, 0, {"2": {"added": 0, "removed": 1}})
    for language, said in (("en", "rule 2: +1"), ("es", "regla 2: +1")):
        page = aged.client.get(f"/{language}/rules", headers={"Accept": "text/html"})
        assert page.status_code == 200
        assert said in page.text
        assert address in page.text
    assert "/en/rules" in aged.client.get("/en/corrections", headers={"Accept": "text/html"}).text


def test_a_permalink_of_earlier_rules_names_todays_address_and_the_archive(aged: World, recuento: Run) -> None:
    assert recuento("rebuild", *LICENCE).status == 0
    today = aged.count(country="VE")["links"]["permalink"]
    earlier = today.replace(f"rules={RULES}", f"rules={EARLIER}")
    problem = aged.refuse(aged.client.get(earlier), 410, "rules_changed")
    folder = f"/data/{archive_of(aged).name}/"
    assert problem["today"] == today
    assert problem["archive"] == {"files": folder, "sql": f"{folder}counts.sql", "moved": f"{folder}moved.json"}
    for address in problem["archive"].values():
        assert aged.client.get(address).headers["Cache-Control"] == "public, max-age=31536000, immutable"
    query = urlsplit(earlier).query
    for page, word in ((f"/en/counts?{query}", "their SQL"), (f"/es/counts?{query}", "su SQL")):
        text = aged.client.get(page, headers={"Accept": "text/html"}).text
        assert word in text
        assert f'href="{folder}counts.sql"' in text
        assert f"rules={RULES}" in text


def test_a_short_address_of_earlier_rules_names_the_archive_too(
    aged: World, recuento: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert recuento("rebuild", *LICENCE).status == 0
    with monkeypatch.context() as then, open_write_session(aged.engine) as session:
        then.setattr(addresses, "RULES", EARLIER)
        printed = build_short_address({"stage": "carried_out", "net": False}, pin_revision(session, aged.revision))
    problem = aged.refuse(aged.client.get(printed), 410, "rules_changed")
    assert problem["today"] == aged.count()["links"]["cite"]
    assert problem["archive"]["sql"] == f"/data/{archive_of(aged).name}/counts.sql"
    page = aged.client.get(f"/es{printed}", headers={"Accept": "text/html"})
    assert (page.status_code, "su SQL" in page.text) == (410, True)


def test_a_revision_after_the_archive_or_of_a_lost_log_names_none(aged: World, recuento: Run) -> None:
    assert recuento("rebuild", *LICENCE).status == 0
    lost = f"/v1/counts/releases?country=VE&rules={EARLIER}&leaf=0123456789abcdef&as_of=r{aged.revision}"
    problem = aged.refuse(aged.client.get(lost), 410, "rules_changed")
    assert problem["today"] == "/v1/counts/releases?country=VE"
    aged.file("pud")
    later = aged.refuse(aged.get("/v1/releases", rules=EARLIER, as_of=aged.revision), 410, "rules_changed")
    older = aged.refuse(aged.get("/v1/releases", rules=EARLIER - 1, as_of=1), 410, "rules_changed")
    assert not any("archive" in refusal for refusal in (problem, later, older))


def test_an_archive_is_never_written_again(aged: World, recuento: Run) -> None:
    assert recuento("rebuild", *LICENCE).status == 0
    kept = {path.name: path.read_bytes() for path in archive_of(aged).iterdir()}
    with open_write_session(aged.engine) as session:
        session.execute(update(Head).values(rules=EARLIER))
    assert recuento("files", "write", "data", *LICENCE).status == 1, "rows of other rules"
    assert recuento("rebuild", *LICENCE).status == 0
    assert recuento("files", "write", "data", *LICENCE, "--keep", "2").status == 0
    assert {path.name: path.read_bytes() for path in archive_of(aged).iterdir()} == kept


def test_an_archive_of_another_log_stops_the_rebuild(aged: World, recuento: Run) -> None:
    assert recuento("rebuild", *LICENCE).status == 0
    path = archive_of(aged) / "datapackage.json"
    described: Body = json.loads(path.read_text())
    described["recuento"]["leaf_hash"] = "0" * 64
    path.write_text(json.dumps(described))
    with open_write_session(aged.engine) as session:
        session.execute(update(Head).values(rules=EARLIER))
    assert "is of another log" in refused(recuento("rebuild", *LICENCE))
    assert rules_of(aged) == EARLIER


def test_the_counts_of_each_rules_since_the_first_archive_are_kept_as_sql() -> None:
    assert [rules for rules in range(EARLIER, RULES + 1) if find_counts_sql(rules) is None] == []
