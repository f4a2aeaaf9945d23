"""A list of facilities as a file: CSV with a line of headings, or JSON Lines of bodies of `POST /v1/facilities`."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from app.errors import Problem
from app.imports.formats.json_reader import clean, parse_json
from app.imports.formats.tables import unquoted
from app.schemas.reports import FacilityIn

# The columns of /v1/facilities?format=csv, and `lat` and `lon`, which that leaves out.
COLUMNS = ("slug", "name", "names", "kind", "area", "country", "lat", "lon")
PART = ";"  # between the names in a cell


@dataclass
class FacilityList:
    """The facilities of a file by their line, and a sentence for each mistake."""

    bodies: dict[int, FacilityIn]
    mistakes: list[str]


def read(data: bytes) -> FacilityList:
    """Read a list of facilities; a mistake in one line hides none in another."""
    facilities = FacilityList({}, [])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        facilities.mistakes.append("This is not UTF-8: save the file as UTF-8 and run it again.")
        return facilities
    lines = dict[str, int]()
    for line, row in _objects(text, facilities) if text.lstrip().startswith("{") else _rows(text, facilities):
        try:
            body = FacilityIn.model_validate(clean(row))
        except ValidationError as error:
            for fault in error.errors():
                facilities.mistakes.append(f"line {line}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}")
            continue
        except Problem as refusal:
            facilities.mistakes += [f"line {line}: {detail}" for detail in details(refusal)]
            continue
        if body.slug in lines:
            facilities.mistakes.append(f"line {line}: slug: {body.slug} stands in line {lines[body.slug]} already.")
            continue
        lines[body.slug] = line
        facilities.bodies[line] = body
    if not facilities.bodies and not facilities.mistakes:
        facilities.mistakes.append("There is no facility in this file.")
    return facilities


def details(refusal: Problem) -> list[str]:
    """The details of a refusal, each once."""
    errors = refusal.extra.get("errors", [])
    return list(dict.fromkeys(error["detail"] for error in errors)) or [refusal.detail]


def _objects(text: str, facilities: FacilityList) -> Iterator[tuple[int, Any]]:
    for line, json_text in enumerate(text.splitlines(), 1):
        if json_text.strip():
            try:
                yield line, parse_json(json_text.encode())
            except Problem as refusal:
                facilities.mistakes += [f"line {line}: {detail}" for detail in details(refusal)]


def _rows(text: str, facilities: FacilityList) -> Iterator[tuple[int, dict[str, Any]]]:
    first = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",")
    try:
        headings = reader.fieldnames or []
        unknown = [name for name in headings if name not in COLUMNS]
        if unknown:
            columns = ", ".join(COLUMNS)
            detail = f"line 1: no column of a list of facilities is called {', '.join(unknown)}: {columns} are."
            facilities.mistakes.append(detail)
        elif len(set(headings)) < len(headings):
            facilities.mistakes.append("line 1: two columns have one heading: leave one of them out.")
        else:
            yield from _cells(reader, facilities)
    except csv.Error as error:
        facilities.mistakes.append(f"line {reader.line_num + 1}: it cannot be read as CSV ({error}).")


def _cells(reader: "csv.DictReader[str]", facilities: FacilityList) -> Iterator[tuple[int, dict[str, Any]]]:
    for cells in reader:
        row: dict[str, Any] = {
            name: unquoted(cell).strip() for name, cell in cells.items() if isinstance(cell, str) and cell.strip()
        }
        if None in cells:
            facilities.mistakes.append(f"line {reader.line_num}: it has more cells than the line of headings.")
            continue
        if "names" in row:
            row["names"] = [name.strip() for name in row["names"].split(PART) if name.strip()]
        point = {name: _number(row.pop(name)) for name in ("lat", "lon") if name in row}
        if row:
            yield reader.line_num, row | ({"point": point} if point else {})


def _number(cell: str) -> Any:
    """The number in a cell; else its text, which the schema refuses with a pointer."""
    try:
        return float(cell)
    except ValueError:
        return cell
