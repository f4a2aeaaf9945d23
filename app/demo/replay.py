"""The replay: every report of the demo in order of time, ready for the write path.

At every stated instant the people whom a source has filed as verified out are as many as it published; what
it published stands in `figures.csv`, and a test compares the two.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.demo.bodies import release_body
from app.demo.cases import Draft, Kind, as_first_known, cases, record_of
from app.demo.clock import local_day
from app.demo.people import people
from app.demo.plan import filed, filings

# How each source's case numbers begin; the year follows and then a number, in order of filing.
PREFIXES = {
    "foro-penal": "FP",
    "jep": "JEP",
    "pud": "PUD",
    "clippve": "CLP",
    "sntp": "SNTP",
    "families": "FAM",
    "ministerio-penitenciario": "MPSP",
    "ministerio-interior": "MIJ",
    "comision-amnistia": "AMN",
    "cancilleria-argentina": "MRE",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One request: `source` posts `body` at the instant `at` (aware, UTC).

    `kind` says where: `release` to `/v1/releases`, `detention` to `/v1/detentions`. A body with a
    `source_record_id` seen before is the next version of that record. `person`: whoever it speaks of, by the plan.
    """

    at: datetime
    source: str
    person: str
    body: dict[str, Any]
    kind: Kind


def events() -> list[Event]:
    """Every report, earliest first; no two share an instant."""
    drafts = sorted([*_lists(), *cases(filed())], key=lambda draft: draft.at)
    return list(_numbered(drafts))


def _lists() -> Iterator[Draft]:
    for filing in filings():
        person = people()[filing.person]
        known = as_first_known(person) if filing.source == "foro-penal" else person
        body = release_body(known, filing.source, local_day(filing.at))
        yield Draft(filing.at, filing.source, record_of(person.id), "release", body)


def _numbered(drafts: Iterable[Draft]) -> Iterator[Event]:
    """Give each record its case number: `FP-2026-0001` is the first that Foro Penal opened in 2026."""
    numbers: dict[tuple[str, str], str] = {}
    opened: dict[str, int] = {}
    for draft in drafts:
        if (draft.source, draft.record) not in numbers:
            series = f"{PREFIXES[draft.source]}-{local_day(draft.at).year}"
            opened[series] = opened.get(series, 0) + 1
            numbers[draft.source, draft.record] = f"{series}-{opened[series]:04}"
        body = {"source_record_id": numbers[draft.source, draft.record], **draft.body}
        yield Event(draft.at, draft.source, draft.record, body, draft.kind)
