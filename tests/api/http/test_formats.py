"""JSON, CSV and JSON Lines say the same; a spreadsheet runs nothing of it."""

import codecs
import csv
import io
import json
from typing import Any

import pytest
from httpx2 import Response

from app.api.table_routes import TABLE_ENDING, build_table_address
from app.db.engine import open_write_session
from app.registry import api_keys
from app.vocabulary import Role
from tests.support import Body, World

FORMS = {"json": "application/json", "csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}


def scene(world: World) -> None:
    world.add_facility()
    world.file("foro", detainee__aliases=["El Profe", "El Flaco"], release__conditions=["travel_ban", "reporting_duty"])
    world.file("jep", detainee__full_name='Ana "La Niña", Rojas', detainee__gender=None, release__kind="pardon")
    world.file("pud", detainee__full_name="Ulises Barrios", release__released_on="2026-01", detainee__publish=None)
    world.file("pud", source_record_id="P-1", detainee__full_name="Eva Luna", detainee__gender="female")
    world.file("pud", source_record_id="P-1", detainee__full_name="Eva Luna", release__kind="pardon")
    claim: Body = {"claimant": "jep", "measure": "released", "qualifier": "at_least", "low": 53}
    world.post("/v1/claims", claim, "foro")


LISTS = [
    "/v1/releases",
    "/v1/detainees",
    "/v1/detentions",
    "/v1/sources",
    "/v1/facilities",
    "/v1/claims",
    "/v1/corrections",
    "/v1/reports",
]
COUNTS = [
    f"/v1/counts/releases?group_by={name}"
    for name in ("source", "status", "month", "release_kind", "facility", "source_count")
]


def rows_of_csv(answer: Response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


# Columns that the rows of tables have and those of JSON have not, or have otherwise.
OF_TABLES = ("by_min", "not_visible_in_all")


def flat(group: Body) -> Body:
    """A group of a count as a row of its table."""
    return {**group["by"], **group["counts"], "list": group["list"]}


def cell(value: Any) -> str:
    """A value as a spreadsheet shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)


def in_form(path: str, form: str) -> str:
    """The address of a list or count in a form."""
    return path if form == "json" else build_table_address(path, form)


def asked(world: World, path: str, form: str) -> Response:
    who = "foro" if path == "/v1/reports" else None
    answer = world.client.get(in_form(path, form), headers=world.headers(who))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == FORMS[form]
    return answer


@pytest.mark.parametrize("path", [*LISTS, *COUNTS])
def test_the_three_forms_give_the_same_rows(world: World, path: str) -> None:
    scene(world)
    body = asked(world, path, "json").json()
    rows = body["data"] if "data" in body else [flat(group) for group in body["groups"]]
    assert rows
    lines = [json.loads(line) for line in asked(world, path, "jsonl").text.splitlines()]
    assert lines == rows or "counts" in path
    table = rows_of_csv(asked(world, path, "csv"))
    assert len(lines) == len(table) == len(rows)
    for row, line, record in zip(rows, lines, table, strict=True):
        for name, value in record.items():
            if name.startswith("by_min_sources_"):
                assert value == cell(row["by_min_sources"].get(name.rpartition("_")[2]))
            elif name == "not_visible_in_all":
                assert value == cell(body["caveats"]["not_visible"])
            else:
                assert value == cell(row.get(name))
        # What is no cell is nested; nothing else is left out.
        left = row.keys() - record.keys()
        assert all(isinstance(row[name], (dict, list)) or row[name] is None for name in left)
        assert {name: value for name, value in line.items() if not name.startswith(OF_TABLES)} == {
            name: value for name, value in row.items() if not name.startswith(OF_TABLES)
        }


def test_a_total_is_a_table_of_one_row(world: World) -> None:
    scene(world)
    total = world.count()["total"]
    (row,) = rows_of_csv(asked(world, "/v1/counts/releases", "csv"))
    assert (row["cases"], row["by_min_sources_1"]) == (str(total["cases"]), str(total["by_min_sources"]["1"]))
    (line,) = asked(world, "/v1/counts/releases", "jsonl").text.splitlines()
    assert json.loads(line)["cases"] == total["cases"]


def test_a_list_of_nobody_is_an_empty_table(world: World) -> None:
    assert asked(world, "/v1/releases", "csv").text == ""
    assert asked(world, "/v1/releases", "jsonl").text == ""


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_its_revision(world: World, form: str) -> None:
    scene(world)
    assert world.get(in_form("/v1/releases", form)).headers["recuento-revision"] == str(world.revision)
    past = world.get(in_form("/v1/releases", form), as_of=world.revision - 1)
    assert past.headers["recuento-revision"] == str(world.revision - 1)


def test_a_page_says_where_the_rest_is(world: World) -> None:
    scene(world)
    answer = world.get("/v1/releases", limit=2)
    target, relation = answer.headers["link"].split("; ")
    assert relation == 'rel="next"'
    following = world.client.get(target.strip("<>"))
    assert following.headers["content-type"] == FORMS["json"]
    assert following.headers["recuento-revision"] == answer.headers["recuento-revision"]
    assert "link" not in following.headers


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_a_cell_that_a_spreadsheet_would_run_is_made_text(world: World, start: str) -> None:
    name = f'{start}HYPERLINK("https://evil.example","Ana")'
    world.file(detainee__full_name=name, detainee__aliases=[f"{start}1+1"], detainee__birth_date=None)
    (row,) = rows_of_csv(asked(world, "/v1/detainees", "csv"))
    assert (row["name"], row["aliases"]) == (f"'{name}", f"'{start}1+1")
    (line,) = asked(world, "/v1/detainees", "jsonl").text.splitlines()
    assert json.loads(line)["name"] == name  # JSON Lines stays exact


def test_a_cell_of_a_claim_or_a_source_is_made_text_too(world: World) -> None:
    definition = "\t=cmd|' /C calc'!A0"
    world.post("/v1/sources", {"slug": "x", "name": "=1+1", "kind": "ngo", "definition": f"a{definition}"}, "admin")
    row = rows_of_csv(asked(world, "/v1/sources", "csv"))[-1]
    assert (row["name"], row["definition"]) == ("'=1+1", f"a{definition}")
    claim = {"claimant": "jep", "measure": "held", "qualifier": "unquantified", "window_said": "-since May"}
    world.post("/v1/claims", claim, "foro")
    (row,) = rows_of_csv(asked(world, "/v1/claims", "csv"))
    assert row["window_said"] == "'-since May"


def test_csv_has_the_line_ends_of_its_standard_and_quotes_what_needs_it(world: World) -> None:
    world.post("/v1/sources", {"slug": "x", "name": 'A "B", C', "kind": "ngo", "definition": "one\ntwo"}, "admin")
    text = asked(world, "/v1/sources", "csv").text
    assert text.startswith("slug,name,kind,country,independent,quarantined,definition,")
    assert '"A ""B"", C"' in text
    assert rows_of_csv(asked(world, "/v1/sources", "csv"))[-1]["definition"] == "one\ntwo"


def test_a_problem_is_json_whatever_form_was_asked_for(world: World) -> None:
    for form in FORMS:
        world.refuse(world.get(in_form("/v1/releases", form), limit=0), 422, "greater_than_equal", "/limit")


@pytest.mark.parametrize("accept", ["text/csv", "application/jsonl", "application/json", "text/html", "*/*"])
def test_the_address_alone_says_the_form(world: World, accept: str) -> None:
    scene(world)
    for form, media in FORMS.items():
        answer = world.client.get(in_form("/v1/releases", form), headers={"Accept": accept})
        assert answer.headers["content-type"] == media
        assert "Accept" not in answer.headers["vary"].split(", ")


@pytest.mark.parametrize("asked_for,addresses", [
    ("csv", ["/v1/releases.csv?country=VE"]),
    ("json", [f"/v1/releases.{form}?country=VE" for form in ("csv", "excel.csv", "jsonl")]),
])  # fmt: skip
def test_a_form_in_the_query_is_told_the_address_of_the_table(
    world: World, asked_for: str, addresses: list[str]
) -> None:
    answer = world.get("/v1/releases", format=asked_for, country="VE")
    world.refuse(answer, 422, "unknown_field", "/format")
    assert f"at {' or '.join(addresses)};" in answer.json()["errors"][0]["detail"]


def test_every_list_and_count_has_tables_and_a_record_has_none(world: World) -> None:
    paths = world.app.openapi()["paths"]
    tables = {path.removesuffix(TABLE_ENDING) for path in paths if path.endswith(TABLE_ENDING)}
    assert {path for path in paths if path.startswith(("/v1/counts/", "/v1/estimates/"))} - tables == {
        path + TABLE_ENDING for path in tables if path.startswith(("/v1/counts/", "/v1/estimates/"))
    }
    assert {"/v1/releases", "/v1/claims", "/v1/sources/{slug}/balance", "/v1/match/list"} <= tables
    assert not {"/v1/me", "/v1/releases/{release_id}", "/v1/timemaps/releases", "/c/{code}"} & tables
    for path in ("/v1/me.csv", "/v1/releases.xlsx", "/v1/releases.xml", "/v1/releases."):
        world.refuse(world.get(path, "foro"), 404, "not_found")


def test_a_table_is_read_with_the_scope_of_its_list(world: World) -> None:
    with open_write_session(world.engine) as session:
        world.keys["limited"] = api_keys.create_key(
            session, Role.READER, None, 30, world.now, "Ana Pérez", ["GET /v1/releases"]
        )
    assert world.get("/v1/releases.csv", "limited").status_code == 200
    world.refuse(world.get("/v1/detainees.csv", "limited"), 403, "out_of_scope")


@pytest.mark.parametrize("path", ["/v1/releases", "/v1/counts/releases?group_by=month"])
def test_a_table_for_excel_differs_by_the_byte_order_mark_alone(world: World, path: str) -> None:
    scene(world)
    plain, excel = (world.client.get(build_table_address(path, form)) for form in ("csv", "excel.csv"))
    assert excel.headers["content-type"] == FORMS["csv"]
    assert excel.content == codecs.BOM_UTF8 + plain.content


@pytest.mark.parametrize("path", ["/v1/releases?country=VE", "/v1/counts/releases?group_by=month&country=VE"])
@pytest.mark.parametrize("form", ["csv", "excel.csv", "jsonl"])
def test_a_table_leads_to_what_it_is_cited_by(world: World, path: str, form: str) -> None:
    scene(world)
    table = world.client.get(build_table_address(path, form))
    described = world.client.get(table.links["describedby"]["url"])
    world.file("jep", detainee__full_name="Filed Since", release__kind="pardon")
    again = world.client.get(table.links["describedby"]["url"])
    assert described.json() == again.json()
    assert str(again.json()["at"]["revision"]) == table.headers["Recuento-Revision"]
    assert str(again.json()["at"]["rules"]) == table.headers["Recuento-Rules"]


def test_json_describes_itself(world: World) -> None:
    assert "describedby" not in world.client.get("/v1/counts/releases").links
