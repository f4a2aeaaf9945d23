"""What a source exports of its own it can send again: nothing changes here, and elsewhere it counts the same."""

import csv
import io
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.config import Settings
from app.db.engine import open_read_session
from app.exports import lists
from app.models import OPEN, Source
from app.queries.parameters import TableFormat
from app.registry.publication.permissions import Reader
from app.vocabulary import Role
from tests.databases import Templates
from tests.support import Body, World

TERMS: tuple[Body, ...] = (
    {"group_by": "source"},
    {"group_by": ["status", "release_kind"]},
    {"group_by": ["month", "designation"]},
    {"group_by": "country", "stage": "ordered"},
)


@pytest.fixture
def elsewhere(settings: Settings, templates: Templates, tmp_path: Path) -> Iterator[World]:
    """Another registry with the same sources."""
    url, keys = templates.world("sqlite")
    with (
        templates.copy("sqlite", url, tmp_path) as address,
        World(settings.model_copy(update={"database_url": address}), keys=keys) as made,
    ):
        yield made


def exported(world: World, form: TableFormat = TableFormat.JSONL, slug: str = "foro") -> tuple[str, lists.ExportLosses]:
    told = lists.ExportLosses()
    with open_read_session(world.engine) as session:
        key = session.scalars(select(col(Source.key)).where(col(Source.slug) == slug, col(Source.until) == OPEN)).one()
        return "".join(
            lists.export_own_reports(session, Reader(Role.REPORTER, key, slug), form, world.revision, told)
        ), told


def outcomes(world: World, text: str) -> dict[str, int]:
    """What became of the rows of a list, by how many."""
    receipt = world.send_list(text)
    assert receipt["problem"] is None, receipt
    return {name: number for name, number in receipt["counts"].items() if number}


def standing_alone(world: World) -> int:
    """Reports of all kinds that say enough by themselves; how many."""
    world.file(source_record_id="F-1", detainee__national_id="V-12345678", detainee__aliases=["Tom", "Tomasito"])
    world.file(source_record_id="F-2", detainee__full_name="Rosa Inés Valdivia", detainee__birth_date="2009",
               detainee__gender="female", release__released_on="2026-01-11")  # fmt: skip
    world.file(detainee__full_name="Julio Andrés Peralta", detainee__birth_date=None, detainee__age=40, note="a\nb")
    world.file(source_record_id="=F-3", detainee__full_name=None, detainee__publish="anonymous",
               release__stage="ordered",
               release__released_on=None, release__ordered_on="2026-01-08/2026-01-09",
               verification__citing=["jep", "El Diario de Nadie"])  # fmt: skip
    world.file_detention(source_record_id="F-4", detainee__full_name="Otilio Ramos Paz",
                         detainee__designation="political",
                         detention__charges=["terrorismo", "asociación"], detention__sentence={"term": "8 años"},
                         detention__ended={"how": "transferred_abroad", "on": "2026-01"})  # fmt: skip
    gone = world.file(source_record_id="F-5", detainee__full_name="Marta Elena Quiroga", release__kind="pardon")
    path = f"/v1/reports/{gone['report']['id']}/retract"
    assert world.post(path, {"reason": "it was somebody else"}, "foro").status_code == 200
    return 6


def test_what_a_source_exports_changes_nothing_when_it_is_imported(world: World) -> None:
    number = standing_alone(world)
    other = world.file("jep", detainee__full_name="Ernesto Luis Cardozo")
    world.verify(other["release"]["id"], "foro", verdict="verified", method="lawyer")
    before = world.revision
    for form in TableFormat:
        text, told = exported(world, form)
        assert (told.dependent_reports, told.lost_values) == (1, {})
        assert outcomes(world, text) == {"unchanged": number + 1}
    assert world.revision == before


def test_elsewhere_it_is_counted_the_same(world: World, elsewhere: World) -> None:
    number = standing_alone(world)
    text, _told = exported(world)
    assert outcomes(elsewhere, text) == {"new": number}
    for terms in TERMS:
        assert comparable(elsewhere.count(**terms)) == comparable(world.count(**terms))
    assert outcomes(elsewhere, text) == {"unchanged": number}


def comparable(count: Body) -> Body:
    """A count without what names the revision."""
    groups = [{"by": group["by"], "counts": group["counts"]} for group in count["groups"]]
    caveats = {name: count["caveats"][name] for name in ("withheld", "unlinkable", "denied_by_some")}
    return {"total": count["total"], "groups": groups, "caveats": caveats}


def test_what_the_list_of_ones_own_reports_says_can_be_imported_too(world: World) -> None:
    number = standing_alone(world)
    assert outcomes(world, world.get("/v1/reports.jsonl", "foro").text) == {"unchanged": number}


def test_each_line_is_the_body_of_a_request(world: World) -> None:
    standing_alone(world)
    for line in exported(world)[0].splitlines():
        body = json.loads(line)
        path = "/v1/releases" if "release" in body else "/v1/detentions"
        assert world.post(path, body, "foro").status_code == 200


def test_a_sheet_of_own_reports_has_columns_of_reports_only(world: World) -> None:
    standing_alone(world)
    headings = next(csv.reader(io.StringIO(exported(world, TableFormat.CSV)[0], newline="")))
    assert [name for name in headings if name.startswith("state")] == []


def test_what_a_cell_cannot_carry_is_told(world: World) -> None:
    world.file_detention(
        source_record_id="F-1",
        detention__transfers=[{"on": "2025-02", "facility": "Zona 7"}],
        detention__charges=["uno; dos"],
        verification__evidence=[{"url": "https://example.org/a", "sha256": "0" * 64}],
    )
    text, told = exported(world, TableFormat.CSV)
    assert told.lost_values == {"detention.transfers": 1, "detention.charges": 1, "verification.evidence": 1}
    row = next(csv.DictReader(io.StringIO(text, newline="")))
    assert (row["source_record_id"], row["detention.charges"], row["verification.evidence"]) == ("F-1", "", "")


AS_IN_A_LIST: tuple[tuple[Body, str | None], ...] = (
    ({"detainee__full_name": "Total"}, "detainee.full_name"),
    ({"source_record_id": "N/A"}, "source_record_id"),
    ({"detention__facility": "Por confirmar"}, "detention.facility"),
    ({"detention__charges": ["N/A"]}, "detention.charges"),
    ({"detainee__aliases": ["Beto; el Chato"]}, "detainee.aliases"),
    ({"detention__country": "SD", "detainee__nationalities": ["NA"]}, None),
    ({"detention__country": "NA", "detainee__nationalities": ["SD", "VE"]}, None),
    ({"detainee__full_name": "'=Omar Lugo"}, None),
    ({"detention__charges": ["=1", "'-"]}, None),
    ({"detention__charges": ["'=1", "+2", "''-3", "\uff1d4", "'x"], "detainee__aliases": ["Beto", "@elchato"]}, None),
)


@pytest.mark.parametrize("changes, lost", AS_IN_A_LIST, ids=str)
def test_what_a_list_would_take_for_something_else_is_told_or_comes_back(
    world: World, changes: Body, lost: str | None
) -> None:
    world.file(**{"source_record_id": "F-1", **changes})
    text, told = exported(world, TableFormat.CSV)
    assert told.lost_values == ({} if lost is None else {lost: 1})
    if lost is None:
        assert outcomes(world, text) == {"unchanged": 1}
    assert outcomes(world, exported(world)[0]) == {"unchanged": 1}


def stored_number(world: World) -> bool:
    return bool(world.get("/v1/reports", "foro").json()["data"][0]["has_national_id"])


@pytest.mark.parametrize(
    "changes, kept",
    [
        ({}, True),
        ({"release__kind": "pardon"}, True),
        ({"detainee__full_name": "Tomás Aurelio Quintana"}, False),
        ({"detainee__national_id": "V-87654321"}, True),
    ],
)
def test_a_number_that_is_never_shown_stays_as_long_as_the_name_does(
    world: World, changes: dict[str, Any], kept: bool
) -> None:
    world.file(source_record_id="F-1", detainee__national_id="V-12345678")
    world.file(source_record_id="F-1", **changes)
    assert stored_number(world) is kept


def test_a_number_is_taken_back_by_saying_so(world: World) -> None:
    filed = world.file(source_record_id="F-1", detainee__national_id="V-12345678")
    body = json.loads(exported(world)[0])
    body["detainee"]["national_id"] = None
    again = world.post("/v1/releases", body, "foro").json()
    assert again["report"] == {"id": filed["report"]["id"], "version": 2}
    assert not stored_number(world)


def test_a_report_without_a_case_number_is_named_by_its_id_and_by_its_own_source_alone(world: World) -> None:
    filed = world.file()["report"]
    case = f"report:{filed['id']}"
    assert world.file(source_record_id=case)["report"] == filed
    assert world.file(source_record_id=case, release__kind="pardon")["report"] == {**filed, "version": 2}
    assert world.file("jep", source_record_id=case)["report"]["id"] != filed["id"]
    assert world.file(source_record_id=f"report:{uuid.uuid4()}")["report"]["version"] == 1
    assert world.file(source_record_id="report:7")["report"]["version"] == 1
