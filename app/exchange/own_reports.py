"""A source's own reports in a form that the source can file again: JSON Lines without loss, CSV as far as cells go.

A line of JSON is the body of `POST /v1/releases`, or of `/v1/detentions` where it has no release; the columns of CSV
are the fields of the importer. The importer reads each cell here: a value that it would change is left out and counted
as lost.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session

from app.exchange import tables
from app.exchange.exports import pages
from app.exchange.imports import cell_values
from app.exchange.imports.cell_values import UnreadCell
from app.exchange.imports.doubtful_names import question_about_name
from app.exchange.imports.fields import FIELDS, GIVEN_NAMES, NAME, STATE, SURNAMES
from app.exchange.imports.listed_reports import body_of
from app.exchange.imports.rows import Body
from app.log.content import Content
from app.reading import lists
from app.reading.formats import Form
from app.reading.questions import MOST_LIMIT, ReportQuery
from app.registry.publication.permissions import Reader

# Columns of the importer that are not exported: pointers stay as they are without being repeated, identification
# numbers are never shown, parts of a name are in the full name, states became other fields, and no embargo of what
# stands is known.
NOT_WRITTEN = {GIVEN_NAMES, SURNAMES, STATE, "detainee_id", "detention_id", "release_id", "detainee.national_id",
               "publish_not_before"}  # fmt: skip
COLUMNS = tuple(name for name in FIELDS if name not in NOT_WRITTEN)


@dataclass
class Losses:
    """The losses of an export. `lost`: field → number of reports whose value a cell cannot carry; `pointing`: number of
    reports that say too little without the report at which they point."""

    lost: Counter[str] = field(default_factory=Counter)
    pointing: int = 0


def reports(session: Session, source: Reader, form: Form, revision: int, losses: Losses) -> Iterator[str]:
    """All reports of a source as they stood at a revision, a text for each page."""
    if form is Form.CSV:
        yield _line(COLUMNS)
    first = ReportQuery(limit=MOST_LIMIT)
    for rows in pages(lambda query: lists.own_reports(session, query, source, revision, b""), first):
        bodies = [body_of(row) for row in rows]
        losses.pointing += sum("country" not in body.get("detention", {}) for body in bodies)
        if form is Form.CSV:
            yield "".join(_line(_cells(body, losses.lost)) for body in bodies)
        else:
            yield tables.to_jsonl(bodies)


def _line(row: tuple[str, ...]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(row)
    return out.getvalue()


def _cells(body: Body, lost: Counter[str]) -> tuple[str, ...]:
    values = _leaves(body)
    lost.update(values.keys() - set(COLUMNS))
    texts = {name: _text(name, values[name]) for name in COLUMNS if name in values}
    carried = {name: text for name, text in texts.items() if _read(name, text) == values[name]}
    lost.update(texts.keys() - carried.keys())
    return tuple(carried.get(name, "") for name in COLUMNS)


def _leaves(body: Mapping[str, Any], above: str = "") -> Content:
    """`{"detention": {"ended": {"on": …}}}` → `{"detention.ended.on": …}`, without nulls."""
    leaves: Content = {}
    for name, value in body.items():
        if isinstance(value, dict):
            leaves |= _leaves(value, f"{above}{name}.")
        elif isinstance(value, list):
            leaves[above + name] = [_without_nulls(item) for item in value]
        elif value is not None:
            leaves[above + name] = value
    return leaves


def _without_nulls(item: Any) -> Any:
    return {name: value for name, value in item.items() if value is not None} if isinstance(item, dict) else item


def _text(name: str, value: Any) -> str:
    if FIELDS[name].kind == "links":
        return " ".join(link["url"] for link in value)
    return tables.to_cell(value)


def _read(name: str, text: str) -> Any:
    """The value that the importer reads in a cell; None where it would refuse the row."""
    if name == NAME and question_about_name(text):
        return None
    try:
        plain = cell_values.plain(text)
        return cell_values.value(name, plain, None, None) if plain else None
    except UnreadCell:
        return None
