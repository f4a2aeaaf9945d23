"""Parse a list of facilities: CSV with a line of headings, or JSON Lines of bodies of `POST /v1/facilities`."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from app.errors import Problem
from app.schemas.reports import FacilityIn
from app.strict_json import clean_json, parse_json
from app.tables import unquote_cell

# The columns of /v1/facilities.csv, and `lat` and `lon`, which are not there.
FACILITY_COLUMNS = ("slug", "name", "names", "kind", "area", "country", "lat", "lon")
NAME_SEPARATOR = ";"  # between the names in a cell


@dataclass
class FacilityList:
    """The facilities of a file by their line, and a sentence for each mistake."""

    bodies: dict[int, FacilityIn]
    errors: list[str]


def parse_facility_list(data: bytes) -> FacilityList:
    """Parse a list of facilities; a mistake in one line hides none in another."""
    facilities = FacilityList({}, [])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        facilities.errors.append("This is not UTF-8: save the file as UTF-8 and run it again.")
        return facilities
    line_by_slug = dict[str, int]()
    for line, row in (
        _parse_json_lines(text, facilities) if text.lstrip().startswith("{") else _parse_csv_rows(text, facilities)
    ):
        try:
            body = FacilityIn.model_validate(clean_json(row))
        except ValidationError as error:
            for fault in error.errors():
                facilities.errors.append(f"line {line}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}")
            continue
        except Problem as problem:
            facilities.errors += [f"line {line}: {detail}" for detail in collect_details(problem)]
            continue
        if body.slug in line_by_slug:
            facilities.errors.append(
                f"line {line}: slug: {body.slug} stands in line {line_by_slug[body.slug]} already."
            )
            continue
        line_by_slug[body.slug] = line
        facilities.bodies[line] = body
    if not facilities.bodies and not facilities.errors:
        facilities.errors.append("There is no facility in this file.")
    return facilities


def collect_details(problem: Problem) -> list[str]:
    """Return the details of a problem, each once."""
    errors = problem.extra.get("errors", [])
    return list(dict.fromkeys(error["detail"] for error in errors)) or [problem.detail]


def _parse_json_lines(text: str, facilities: FacilityList) -> Iterator[tuple[int, Any]]:
    for line, json_text in enumerate(text.splitlines(), 1):
        if json_text.strip():
            try:
                yield line, parse_json(json_text.encode())
            except Problem as problem:
                facilities.errors += [f"line {line}: {detail}" for detail in collect_details(problem)]


def _parse_csv_rows(text: str, facilities: FacilityList) -> Iterator[tuple[int, dict[str, Any]]]:
    first_line = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if first_line.count(";") > first_line.count(",") else ",")
    try:
        headings = reader.fieldnames or []
        unknown_columns = [name for name in headings if name not in FACILITY_COLUMNS]
        if unknown_columns:
            columns = ", ".join(FACILITY_COLUMNS)
            detail = f"line 1: no column of a list of facilities is called {', '.join(unknown_columns)}: {columns} are."
            facilities.errors.append(detail)
        elif len(set(headings)) < len(headings):
            facilities.errors.append("line 1: two columns have one heading: leave one of them out.")
        else:
            yield from _parse_csv_cells(reader, facilities)
    except csv.Error as error:
        facilities.errors.append(f"line {reader.line_num + 1}: it cannot be read as CSV ({error}).")


def _parse_csv_cells(reader: "csv.DictReader[str]", facilities: FacilityList) -> Iterator[tuple[int, dict[str, Any]]]:
    for cells in reader:
        row: dict[str, Any] = {
            name: unquote_cell(cell).strip() for name, cell in cells.items() if isinstance(cell, str) and cell.strip()
        }
        if None in cells:
            facilities.errors.append(f"line {reader.line_num}: it has more cells than the line of headings.")
            continue
        if "names" in row:
            row["names"] = [name.strip() for name in row["names"].split(NAME_SEPARATOR) if name.strip()]
        point = {name: _parse_number(row.pop(name)) for name in ("lat", "lon") if name in row}
        if row:
            yield reader.line_num, row | ({"point": point} if point else {})


def _parse_number(cell: str) -> Any:
    """Parse a number; return other text as it is, for the schema to refuse with a pointer."""
    try:
        return float(cell)
    except ValueError:
        return cell
