"""RECUENTO_NAMES: people whose name is public only since sources asked for it stand in lists by name, are found by
their whole name alone, or are shown without a name. Whom a recorded consent names is named whatever is set."""

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from app.db.engine import open_read_session
from app.exports import lists, package
from app.imports.filing import row_filing
from app.imports.filing.import_store import ImportOptions
from app.models import NAMED_BY_REPORTS
from app.queries.parameters import TableFormat
from app.queries.search import is_whole_name
from app.registry.publication.permissions import Reader
from tests.support import GOVERNMENT, World

NAME = "Baltasar Orihuela Cantos"
LISTS = ("/v1/detainees", "/v1/releases", "/v1/detentions")


def file(world: World, **changes: Any) -> str:
    """The id of somebody whom a source asks to name."""
    filed = world.file("foro", **{"detainee__full_name": NAME, "detainee__publish": "named"} | changes)
    return str(filed["detainee"]["id"])


def found(world: World, q: str, path: str = "/v1/detainees", who: str | None = None) -> int:
    return len(world.get(path, who, q=q).json()["data"])


def answers(world: World, detainee: str) -> str:
    """Everything public in which the name could stand, but for what a search finds."""
    paths = [*LISTS, *(f"{path}?changed_since=r0" for path in LISTS), *(f"{path}.csv" for path in LISTS)]
    paths += ["/v1/held", "/v1/held.csv", f"/v1/detainees/{detainee}", f"/v1/detainees/{detainee}/history"]
    paths += ["/v1/corrections", "/"]
    return "\n".join(world.client.get(path).text for path in paths)


@pytest.mark.parametrize("names", ["search", "off"])
def test_no_list_record_change_or_export_names_whom_only_reports_name(world: World, names: Any, tmp_path: Path) -> None:
    world.app.state.names = names
    detainee = file(world)
    person = world.get(f"/v1/detainees/{detainee}").json()
    assert (person["publish"], person["name"], person["gender"], person["birth_year"]) == ("anonymous", *[None] * 3)
    reader, left = Reader(names=names), Counter[str]()
    with open_read_session(world.engine) as session:
        package.write_package(session, tmp_path, reader, world.revision)
        written = "".join(file.read_text() for file in tmp_path.glob("*.csv"))
        written += "".join(lists.export_releases(session, TableFormat.JSONL, reader, world.revision))
        written += "".join(lists.export_entities(session, reader, world.revision, left))
    assert left["nameless"] == 1
    assert "Orihuela" not in answers(world, detainee) + written
    assert world.get(f"/v1/detainees/{detainee}", "reader").json()["name"] == NAME


def test_what_a_client_kept_under_another_choice_is_not_told_to_be_current(world: World) -> None:
    path = f"/v1/detainees/{file(world)}"
    tag = world.get(path).headers["etag"]
    world.app.state.names = "off"
    again = world.client.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.json()["name"]) == (200, None)


def test_by_default_reports_name_people_as_before(world: World) -> None:
    detainee = file(world)
    person = world.get(f"/v1/detainees/{detainee}").json()
    assert (person["publish"], person["name"]) == ("named", NAME)
    assert answers(world, detainee).count("Orihuela") > 6
    assert found(world, "orihu") == 1


@pytest.mark.parametrize("names", ["list", "search", "off"])
def test_whom_a_recorded_consent_names_is_named_whatever_is_set(world: World, names: Any) -> None:
    world.app.state.names = names
    detainee = file(world)
    world.consent(detainee, "named")
    assert world.get(f"/v1/detainees/{detainee}").json()["name"] == NAME
    assert found(world, "orihu") == 1
    world.consent(detainee, "anonymous")
    assert world.get(f"/v1/detainees/{detainee}").json()["name"] is None


@pytest.mark.parametrize("path", LISTS)
def test_a_search_for_the_whole_name_finds_and_names_and_no_part_of_it_does(world: World, path: str) -> None:
    world.app.state.names = "search"
    file(world)
    for whole in (NAME, "baltasar orihuela", "ORIHUELA Cantos, Baltasar"):
        (row,) = world.get(path, q=whole).json()["data"]
        assert "Baltasar" in str(row["facts"]) or path != "/v1/detainees", whole
    for part in (
        "Baltasar",
        "orihu",
        "balt orih",
        "a e",
        "o",
        "Baltasar Baltasar",
        "b o",
        "Baltazar Oriuela",
        "%",
        "_ _",
    ):
        assert found(world, part, path) == 0, part
    assert found(world, "orihu", path, "reader") == 1


def test_a_found_person_is_shown_with_the_name_and_without_it_in_the_record(world: World) -> None:
    world.app.state.names = "search"
    detainee = file(world)
    (row,) = world.get("/v1/detainees", q=NAME).json()["data"]
    assert (row["id"], row["publish"], row["name"]) == (detainee, "named", NAME)
    assert world.get(f"/v1/detainees/{detainee}").json()["name"] is None


def test_where_names_are_off_the_whole_name_finds_nobody_and_its_look_up_meets_nobody(world: World) -> None:
    detainee = file(world)
    given: list[str] = []
    listener = lambda _c, _cursor, statement, values, *_rest: given.append(f"{statement} {values}")  # noqa: E731
    event.listen(world.engine, "before_cursor_execute", listener)
    for names, looked_up in (("list", True), ("search", False), ("off", False)):
        world.app.state.names = names
        given.clear()
        assert found(world, NAME) == (0 if names == "off" else 1)
        keys = [text for text in given if "blocking_key" in text]
        assert keys
        assert any("named_by_reports" in text for text in keys) is looked_up
    event.remove(world.engine, "before_cursor_execute", listener)
    assert detainee


@pytest.mark.parametrize("q,whole", [
    ("Ana Paz", True), ("Ana", False), ("Ana ana", False), ("de la Paz", False), ("王小明", True), ("王", False),
    ("김철수", True), ("김", False), ("...", False), ("", False),
])  # fmt: skip
def test_a_whole_name_has_two_words_or_is_written_in_one(q: str, whole: bool) -> None:
    assert is_whole_name(q) is whole


@pytest.mark.parametrize("names", ["search", "off"])
def test_no_count_changes_but_what_is_withheld_of_personal_dimensions(world: World, names: Any) -> None:
    file(world)
    asked: list[dict[str, Any]] = [{}, {"source": "foro"}, {"group_by": "gender"}]
    before = [world.count(**terms) for terms in asked]
    world.restart_with(names=names)
    after = [world.count(**terms) for terms in asked]
    assert after[:2] == before[:2]
    assert after[2]["total"] == before[2]["total"]
    assert [one[2]["groups"][0]["by"]["gender"] for one in (before, after)] == ["male", "withheld"]


def test_a_governments_report_is_not_told_that_it_met_somebody_whom_only_reports_name(world: World) -> None:
    world.app.state.names = "off"
    detainee = file(world)
    theirs = world.file(GOVERNMENT, detainee__full_name=NAME, verification=None)
    assert theirs["match"]["outcome"] == "new"
    assert theirs["detainee"]["id"] != detainee


ROW = f"código;nombre;fecha de nacimiento;país;fecha de detención\nM-1;{NAME};1971;Venezuela;2024-10-13\n"


@pytest.mark.parametrize("names", ["off", "search"])
def test_no_row_of_a_governments_list_is_told_of_whom_only_reports_name(resting: World, names: Any) -> None:
    resting.app.state.names = names
    with resting as world:
        file(world)
        for dry_run in (True, False):
            receipt = world.send_list(ROW, who=GOVERNMENT, dry_run=dry_run)
            assert [row["outcome"] for row in world.rows_of(receipt, GOVERNMENT)] == ["new"], dry_run
        assert [row["outcome"] for row in world.rows_of(world.send_list(ROW, who="jep"), "jep")] == ["linked"]


@pytest.mark.parametrize("names,outcome", [("off", "new"), ("list", "linked")])
def test_a_list_filed_on_the_registrys_machine_asks_the_operators_choice_too(
    world: World, names: Any, outcome: str
) -> None:
    file(world)
    engine, secret, data = world.engine, world.app.state.secret, ROW.encode()
    job = row_filing.file_local_list(
        engine, secret, lambda: world.now, names, GOVERNMENT, data, ImportOptions(), lambda _job: None
    )
    assert json.loads(job.counts)[outcome] == 1


@pytest.mark.parametrize("names", ["off", "search"])
def test_the_end_of_an_embargo_ties_no_government_to_whom_only_reports_name(resting: World, names: Any) -> None:
    resting.app.state.names = names
    with resting as world:
        release = world.file("foro", detainee__full_name=NAME)["release"]["id"]
        world.wait("2026-03-09", GOVERNMENT, detainee__full_name=NAME, source_record_id="M-1")
        world.now = datetime(2026, 3, 11, 12, tzinfo=UTC)
        world.end_embargoes()
        assert world.waiting(GOVERNMENT) == []
        told = world.get(f"/v1/releases/{release}/verifications").json()["data"]
        assert [row["source"] for row in told] == ["foro"]


def test_whoever_reads_without_the_operators_choice_is_shown_no_name_of_reports() -> None:
    assert Reader().get_shown_class(NAMED_BY_REPORTS) == "anonymous"


def test_a_consent_that_opens_a_name_is_a_change_and_a_corrected_name_that_nobody_sees_is_none(world: World) -> None:
    world.app.state.names = "off"
    detainee = file(world, source_record_id="1")
    since = world.revision
    file(world, source_record_id="1", detainee__full_name="Baltasar Orihuela Canto")
    assert world.get("/v1/detainees", changed_since=since).json()["data"] == []
    world.consent(detainee, "named")
    (row,) = world.get("/v1/detainees", changed_since=since).json()["data"]
    assert row["name"] == "Baltasar Orihuela Canto"


def test_searches_by_name_have_a_smaller_rate_of_their_own(world: World) -> None:
    former = world.app.state.rates
    world.app.state.rates = type(former)(100, 100, searches=2)
    try:
        assert world.get("/v1/me", "reader").status_code == 200  # found valid
        statuses = [
            world.get("/v1/detainees", who, q=NAME).status_code for who in (None, "reader") for _time in range(3)
        ]
        refusal = world.get("/v1/releases", q="Ana")
        others = world.get("/v1/detainees").status_code
    finally:
        world.app.state.rates = former
    assert statuses == [200, 200, 429, 200, 200, 429]
    assert refusal.headers["ratelimit-policy"] == '"searches";q=2;w=60'
    assert refusal.json()["detail"].startswith("At most 2 searches by name a minute are answered for one client")
    assert others == 200
