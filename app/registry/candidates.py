"""The people whom a new report may speak of, each by the standing records that may say so.

A state must not be able to make two people one, nor keep a person's reports apart, with a row of its own. So where
independent sources report a person, they alone say who that is.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.database import chunks
from app.log import sealed
from app.matching import lookup, score
from app.matching.lookup import BlockingHit, BlockingQuery
from app.models import OPEN, Entry, Placement, Record, Report, Sealed
from app.registry import blocking
from app.registry.blocking import namesake, ruled_out
from app.registry.content import Content
from app.registry.write import WriteContext

# Records found, before it is asked whose they are: few enough to ask that in a millisecond, and so many that whoever
# plants them under one name is noticed.
MOST_FOUND = 100
# Records of one source that is not independent: with thirty rows of somebody's name, filed before anybody else knew of
# the arrest, a state would fill every place and keep that person's reports apart.
OF_A_STATE = 5

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
_OWN = aliased(Placement)
_HELD_WITH = (
    select(col(Placement.record), col(Placement.detainee), col(Record.source))
    .join(_OWN, (col(Placement.detainee) == _OWN.detainee) & (_OWN.until == OPEN))
    .join(Record, col(Record.key) == col(Placement.record))
    .where(col(_OWN.record).in_(bindparam("records", expanding=True)), col(Placement.until) == OPEN)
)
_REPORTED_BY = (
    select(col(Placement.detainee), col(Record.source))
    .join(Record, col(Record.key) == col(Placement.record))
    .where(col(Placement.detainee).in_(bindparam("people", expanding=True)), col(Placement.until) == OPEN)
    .distinct()
)


@dataclass(frozen=True, slots=True)
class StandingRecord:
    """A standing record, who holds it, what it says and of whom."""

    key: int
    id: uuid.UUID
    source: int
    publish: str
    detainee: int
    content: Content
    person: score.Person


class CandidateRecord(NamedTuple):
    """A record found for a report, and whether it may have the very same name."""

    known: StandingRecord
    namesake: bool


@dataclass(frozen=True, slots=True)
class CandidatePerson:
    """A person some of whose records share a key with the report.

    `record` and `match`: the best pair among those that may say who this is. `sources`: of all that share a key.
    `independent`: those compared are independent sources'. `overruled`: none of them is, though an independent source
    reports the person under other keys.
    """

    record: StandingRecord
    match: score.Match
    sources: frozenset[int]
    independent: bool
    overruled: bool


def contents(session: Session, keys: Iterable[int]) -> list[StandingRecord]:
    """The standing records with these keys, oldest first."""
    found = []
    for some in chunks(sorted(keys)):
        for key, record_id, source, publish, detainee, body, disclosures in session.connection().execute(
            _CONTENTS, {"keys": some}
        ):
            said = {**json.loads(body)["said"], **sealed.values(disclosures)}
            found.append(StandingRecord(key, record_id, source, publish, detainee, said, blocking.person_of(said)))
    return found


def look_up(context: WriteContext, wanted: Sequence[BlockingQuery]) -> list[dict[int, bool]]:
    """For each report, by what is wanted of it, the records to compare it with, and whether each may have the very same
    name: of those that share most keys MOST_CANDIDATES of independent sources, and OF_A_STATE of each other one.
    People all of whose records found are ruled out are not among them; somebody of whom one record is not is read
    whole, for what conflicts."""
    found = lookup.look_up_each(context.session, wanted, MOST_FOUND)
    possible = [
        {one.record for one in some if not ruled_out(who, one)} for who, some in zip(wanted, found, strict=True)
    ]
    holders = _holders(context.session, set().union(*possible))
    return [_worth_reading(context, *one, holders) for one in zip(wanted, found, possible, strict=True)]


def _worth_reading(
    context: WriteContext,
    wanted: BlockingQuery,
    found: Sequence[BlockingHit],
    possible: Collection[int],
    holders: dict[int, tuple[int, int]],
) -> dict[int, bool]:
    people = {holders[record][0] for record in possible}
    # By source; independent ones share theirs, which stands under None. Earlier rows of a list take no place of theirs:
    # they have their own.
    room: defaultdict[int | None, int] = defaultdict(lambda: OF_A_STATE, {None: lookup.MOST_CANDIDATES})
    if context.listing:
        room[context.actor.source] = MOST_FOUND
    kept = {}
    for one in found:
        if one.record not in holders or holders[one.record][0] not in people:
            continue
        source = holders[one.record][1]
        own = context.listing and source == context.actor.source
        of = source if own or not context.views.sources[source].independent else None
        if room[of]:
            room[of] -= 1
            kept[one.record] = namesake(wanted, one)
    return kept


def _holders(session: Session, records: Collection[int]) -> dict[int, tuple[int, int]]:
    """Record → the person who holds it, and its source: for the records, and all others that their people hold."""
    return {
        record: (person, source)
        for some in chunks(records)
        for record, person, source in session.connection().execute(_HELD_WITH, {"records": some})
    }


def compare(context: WriteContext, person: score.Person, found: Sequence[CandidateRecord]) -> list[CandidatePerson]:
    """The people who hold the records found, best first, each by its record most like the report; without those whose
    every record says that they are somebody else."""
    held: dict[int, list[CandidateRecord]] = {}
    for one in found:
        held.setdefault(one.known.detainee, []).append(one)
    heard = {
        detainee: [one for one in records if context.views.sources[one.known.source].independent]
        for detainee, records in held.items()
    }
    elsewhere = _independently_reported(context, [detainee for detainee, records in heard.items() if not records])
    people = [
        _candidate(person, heard[detainee], records, overruled=detainee in elsewhere)
        for detainee, records in held.items()
    ]
    return sorted(filter(None, people), key=lambda one: (-one.match.sure, -one.match.score, one.record.key))


def _candidate(
    person: score.Person, independent: Sequence[CandidateRecord], every: Sequence[CandidateRecord], *, overruled: bool
) -> CandidatePerson | None:
    telling = independent or every
    alike = [one.known for one in telling if one.namesake or not score.contradict(person, one.known.person)]
    if not alike:
        return None
    pairs = [(record, score.compare(person, record.person)) for record in alike]
    record, match = max(pairs, key=lambda pair: (pair[1].sure, pair[1].score))
    sources = frozenset(one.known.source for one in every)
    return CandidatePerson(record, match, sources, bool(independent), overruled)


def _independently_reported(context: WriteContext, people: Collection[int]) -> set[int]:
    """Those of the people whom an independent source reports, under whatever keys."""
    if not people:
        return set()
    rows = context.session.connection().execute(_REPORTED_BY, {"people": list(people)})
    tied = context.trial.tied.keys() if context.trial and context.actor.independent else set()
    return {detainee for detainee, source in rows if context.views.sources[source].independent} | (tied & set(people))
