"""The 90 published figures of `figures.csv` as bodies of `POST /v1/claims`.

Columns are fields of the body by the same name, and besides:

- `claim_id` is the `source_record_id`, and how figures point at each other;
- `stage` and `terms` (`name=value`, parted by blanks) are `definition.terms`; `subset_of`, `population` and
  `net` (yes, no) belong to the definition too;
- `supersedes` and `part_of` may hold several, parted by blanks; a part names its partition: `v11:batches`;
- `published_on` and `url` are the citation; `claimant_name` and `claimant_kind` stay in the file.

In a body every reference (`supersedes`, `part_of`, `derived_from`, `same_as`, `definition.subset_of`) is
still a `claim_id`. What a figure refers to comes before it: the caller keeps the id each figure was given and
passes the next bodies through `resolved`.
"""

import csv
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from app.demo.clock import caracas

Body = dict[str, Any]
Row = Mapping[str, str]

FILE = Path(__file__).with_name("figures.csv")
ZONE = "-04:00"
PLAIN = (
    "claimant",
    "measure",
    "qualifier",
    "window_from",
    "window_said",
    "country",
    "series",
    "derived_from",
    "same_as",
    "reported_by",
    "note",
)
REFERENCES = ("supersedes", "part_of", "derived_from", "same_as", "subset_of")


class Claim(NamedTuple):
    """A figure to be filed at `at` (aware, in UTC); `key` is its `claim_id`."""

    at: datetime
    body: Body
    key: str


def rows() -> list[dict[str, str]]:
    """The file as it is, every value a string, the empty ones too."""
    with FILE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def claims() -> Iterator[Claim]:
    """Every figure in the order of filing."""
    table = {row["claim_id"]: row for row in rows()}
    turns = {key: _turn(key, table) for key in table}
    for key in sorted(table, key=lambda key: turns[key]):
        yield Claim(turns[key][0], claim_body(table[key]), key)


def claim_body(row: Row) -> Body:
    """One row as a body; what the row leaves empty is left out."""
    body: Body = {"source_record_id": row["claim_id"]} | {name: row[name] for name in PLAIN if row[name]}
    body |= {name: int(row[name]) for name in ("low", "high") if row[name]}
    body |= _stated(row["stated_at"])
    if row["supersedes"]:
        body["supersedes"] = row["supersedes"].split()
    if row["part_of"]:
        wholes = (part.split(":") for part in row["part_of"].split())
        body["part_of"] = [{"claim": claim, "partition": partition} for claim, partition in wholes]
    if row["named"]:
        body["named"] = row["named"] == "yes"
    citation = {name: row[name] for name in ("url", "published_on") if row[name]}
    optional = {"definition": _definition(row), "citation": citation}
    return body | {name: value for name, value in optional.items() if value}


def resolved(body: Body, ids: Mapping[str, str]) -> Body:
    """The body with every `claim_id` it refers to replaced by the id that figure was given on filing."""
    linked = dict(body)
    for name in ("derived_from", "same_as"):
        if name in linked:
            linked[name] = ids[linked[name]]
    if "supersedes" in linked:
        linked["supersedes"] = [ids[key] for key in linked["supersedes"]]
    if "part_of" in linked:
        linked["part_of"] = [part | {"claim": ids[part["claim"]]} for part in linked["part_of"]]
    if "subset_of" in linked.get("definition", {}):
        linked["definition"] = linked["definition"] | {"subset_of": ids[linked["definition"]["subset_of"]]}
    return linked


def stated(row: Row) -> datetime:
    """The instant a figure stands for: its hour, or the end of its day in Caracas."""
    return caracas(row["stated_at"].removesuffix(ZONE))


def _stated(text: str) -> Body:
    """A minute of the file gets the seconds that RFC 3339 asks for; a day needs its zone."""
    if "T" in text:
        return {"stated_at": text.replace(ZONE, f":00{ZONE}")}
    return {"stated_at": text, "zone": ZONE}


def _definition(row: Row) -> Body:
    terms: Body = dict(term.split("=") for term in row["terms"].split())
    if "kind" in terms:  # the one term of which a count takes several
        terms["kind"] = [terms["kind"]]
    if row["stage"]:
        terms["stage"] = row["stage"]
    definition: Body = {"terms": terms} if terms else {}
    definition |= {name: row[name] for name in ("population", "subset_of") if row[name]}
    return definition | ({"net": row["net"] == "yes"} if row["net"] else {})


def _turn(key: str, table: Mapping[str, Row]) -> tuple[datetime, int]:
    """When a figure is filed: once stated, printed (its day's noon) and after all it refers to.

    The second number orders those of one instant.
    """
    row = table[key]
    printed = [caracas(f"{row['published_on']}T12:00")] if row["published_on"] else []
    named = (part.partition(":")[0] for column in REFERENCES for part in row[column].split())
    before = [_turn(other, table) for other in named]
    at = max([stated(row), *printed, *(at for at, _ in before)])
    return at, 1 + max((depth for _, depth in before), default=0)
