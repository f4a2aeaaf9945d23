"""The people whom a new report may speak of, each by the standing records that may say so.

A state must not be able to make two people one, nor keep a person's reports apart, with a row of its own. So where
independent sources report a person, they alone say who that is.
"""

import json
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from app.database import chunks
from app.log import sealed
from app.matching import score
from app.matching.candidates import Found, Wanted
from app.models import OPEN, Entry, Placement, Record, Report, Sealed
from app.registry import blocking
from app.registry.blocking import ruled_out
from app.registry.content import Content
from app.registry.write import Desk

# Made once: building a statement costs more than running it.
_CONTENTS = (
    select(
        col(Record.key), col(Record.id), col(Record.source), col(Record.publish_now), col(Placement.detainee),
        col(Entry.body), col(Sealed.disclosures),
    )
    .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
    .join(Report, (col(Report.record) == col(Record.key)) & (col(Report.until) == OPEN))
    .join(Entry, col(Entry.revision) == col(Report.since))
    .outerjoin(Sealed, col(Sealed.revision) == col(Entry.revision))
    .where(col(Record.key).in_(bindparam("keys", expanding=True)))
    .order_by(col(Record.key))
)  # fmt: skip
_HOLDERS = select(col(Placement.record), col(Placement.detainee)).where(
    col(Placement.record).in_(bindparam("records", expanding=True)), col(Placement.until) == OPEN
)
_REPORTED_BY = (
    select(col(Placement.detainee), col(Record.source))
    .join(Record, col(Record.key) == col(Placement.record))
    .where(col(Placement.detainee).in_(bindparam("people", expanding=True)), col(Placement.until) == OPEN)
    .distinct()
)


@dataclass(frozen=True, slots=True)
class Known:
    """A standing record, who holds it and what it says."""

    key: int
    id: uuid.UUID
    source: int
    publish: str
    detainee: int
    content: Content


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person some of whose records share a key with the report.

    `record` and `match`: the best pair among those that may say who this is. `conflicts`: whether one of them rules it
    out. `sources`: of all that share a key. `independent`: those compared are independent sources'. `overruled`: none
    of them is, though an independent source reports the person under other keys.
    """

    record: Known
    match: score.Match
    conflicts: bool
    sources: frozenset[int]
    independent: bool
    overruled: bool


def contents(session: Session, keys: Iterable[int]) -> list[Known]:
    """The standing records with these keys, oldest first."""
    return [
        Known(key, record_id, source, publish, detainee, {**json.loads(body)["said"], **sealed.values(disclosures)})
        for some in chunks(sorted(keys))
        for key, record_id, source, publish, detainee, body, disclosures in session.connection().execute(
            _CONTENTS, {"keys": some}
        )
    ]


def worth_reading(session: Session, asked: Sequence[tuple[Content, Wanted, Sequence[Found]]]) -> list[list[int]]:
    """For each report, with what it was looked up by and what was found, the records to compare it with: without people
    all of whose records found are ruled out. Somebody of whom one record is not is read whole, for what conflicts."""
    out = [{one.record for one in found if ruled_out(content, wanted, one)} for content, wanted, found in asked]
    doubtful = {one.record for (_, _, found), gone in zip(asked, out, strict=True) if gone for one in found}
    people = _holders(session, doubtful)
    kept = []
    for (_, _, found), gone in zip(asked, out, strict=True):
        possible = {people.get(one.record) for one in found if one.record not in gone}
        kept.append([one.record for one in found if not gone or people.get(one.record) in possible])
    return kept


def _holders(session: Session, records: Collection[int]) -> dict[int, int]:
    """Record → the person who holds it."""
    return {
        record: person
        for some in chunks(records)
        for record, person in session.connection().execute(_HOLDERS, {"records": some})
    }


def compare(desk: Desk, person: score.Person, found: Sequence[Known]) -> list[Candidate]:
    """The people who hold the records found, best first; each by its record most like the report."""
    held: dict[int, list[Known]] = {}
    for record in found:
        held.setdefault(record.detainee, []).append(record)
    heard = {
        detainee: [record for record in records if desk.views.sources[record.source].independent]
        for detainee, records in held.items()
    }
    elsewhere = _independently_reported(desk, [detainee for detainee, records in heard.items() if not records])
    people = [
        _candidate(person, heard[detainee], records, overruled=detainee in elsewhere)
        for detainee, records in held.items()
    ]
    return sorted(people, key=lambda one: (-one.match.sure, -one.match.score, one.record.key))


def _candidate(
    person: score.Person, independent: Sequence[Known], every: Sequence[Known], *, overruled: bool
) -> Candidate:
    pairs = [(record, score.compare(person, blocking.person_of(record.content))) for record in independent or every]
    record, match = max(pairs, key=lambda pair: (pair[1].sure, pair[1].score))
    conflicts = any(match.conflicts for _record, match in pairs)
    return Candidate(record, match, conflicts, frozenset(one.source for one in every), bool(independent), overruled)


def _independently_reported(desk: Desk, people: Collection[int]) -> set[int]:
    """Those of the people whom an independent source reports, under whatever keys."""
    if not people:
        return set()
    rows = desk.session.connection().execute(_REPORTED_BY, {"people": list(people)})
    return {detainee for detainee, source in rows if desk.views.sources[source].independent}
