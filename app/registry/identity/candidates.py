"""The candidate people of a new report, each with the standing records by which it is compared.

No state may join two people, or keep one person's reports apart, by a row of its own. So where independent sources
report a person, the report is compared with their records alone.

The candidate records of the rows of a list: looked up for many rows together, and kept up to date with what the rows
write.

A look-up for each row would cost three queries a row; these cost a few for hundreds of rows."""

import json
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.db.engine import chunks
from app.log import entries
from app.log.content import Content
from app.matching import blocking, score
from app.matching.blocking import BlockingHit, BlockingQuery
from app.models import OPEN, Entry, Placement, Record, Report, Sealed
from app.projection.statements import whole
from app.registry.identity import blocking_keys
from app.registry.write import MatchContext, WriteContext
from app.vocabulary import Publish

# Hits of one look-up, before their people are read: few enough to do that in a millisecond, and too many to be planted
# under one name unnoticed.
MOST_HITS = 100
# Candidate records of one source that is not independent: with thirty rows of one name, filed before any other source
# knew of the arrest, a state would otherwise fill every place and keep that person's reports apart.
MOST_OF_A_STATE = 5

# Made once: building a statement costs more than running it.
_CONTENTS = (
    select(
        col(Record.key), col(Record.id), col(Record.source), col(Record.publish_now), col(Placement.detainee),
        col(Entry.body), col(Sealed.disclosures),
    )
    .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
    .join(Report, (col(Report.record) == col(Record.key)) & (col(Report.until) == OPEN))
    .join(Entry, col(Entry.revision) == col(Report.stated))
    .outerjoin(Sealed, col(Sealed.revision) == col(Entry.revision))
    .where(col(Record.key).in_(bindparam("keys", expanding=True)))
    .order_by(col(Record.key))
)  # fmt: skip
_REPORTED_BY = (
    select(col(Placement.detainee), col(Record.source))
    .join(Record, col(Record.key) == col(Placement.record))
    .where(col(Placement.detainee).in_(bindparam("people", expanding=True)), col(Placement.until) == OPEN)
    .distinct()
)


class StandingRecord(NamedTuple):
    """A standing record: its keys, source, class of publication, person (`detainee`) and content; `person` as the
    matcher compares it."""

    key: int
    id: uuid.UUID
    source: int
    publish: str
    detainee: int
    content: Content
    person: score.Person


class CandidateRecord(NamedTuple):
    """A record to compare with a report. `namesake`: it may have the very same name."""

    record: StandingRecord
    namesake: bool


@dataclass(frozen=True, slots=True)
class CandidatePerson:
    """A person with candidate records.

    `record`, `match`: the most similar of the compared records. `sources`: of all candidate records of the person.
    `independent`: the compared records are of independent sources. `overruled`: they are not, though an independent
    source reports the person under other blocking keys.
    """

    record: StandingRecord
    match: score.Match
    sources: frozenset[int]
    independent: bool
    overruled: bool


def contents(session: Session, keys: Iterable[int]) -> list[StandingRecord]:
    """The standing records with these keys, oldest first."""
    records = []
    for some in chunks(sorted(keys)):
        for key, record_id, source, publish, detainee, body, disclosures in session.connection().execute(
            _CONTENTS, {"keys": some}
        ):
            content = whole(json.loads(body)["said"], entries.values(disclosures))
            person = blocking_keys.person_of(content)
            records.append(StandingRecord(key, record_id, source, publish, detainee, content, person))
    return records


def look_up(
    context: MatchContext,
    queries: Sequence[BlockingQuery],
    classes: Collection[str],
    before: Sequence[int] | None = None,
) -> list[dict[int, bool]]:
    """For each query the records to compare, `{record: whether it may have the very same name}`: the records that share
    most keys with it, MOST_CANDIDATES of independent sources and MOST_OF_A_STATE of each other source. A person whose
    every hit is ruled out is left out; of any other person all hits are read, so that conflicts show.

    `classes`: of people of these classes of publication alone; `before`: filed before this revision, for each query."""
    hits = blocking.look_up_each(context.session, queries, classes, MOST_HITS)
    if before is not None:
        hits = [[hit for hit in of_query if hit.record < until] for of_query, until in zip(hits, before, strict=True)]
    return [_chosen(context, *each) for each in zip(queries, hits, strict=True)]


def _chosen(context: MatchContext, query: BlockingQuery, hits: Sequence[BlockingHit]) -> dict[int, bool]:
    possible = {hit.detainee for hit in blocking_keys.possible(query, hits)} - {None}
    # Places by source; independent sources share theirs, under None. Earlier rows of the list have places of their own.
    room: defaultdict[int | None, int] = defaultdict(lambda: MOST_OF_A_STATE, {None: blocking.MOST_CANDIDATES})
    if context.listing:
        room[context.actor.source] = MOST_HITS
    chosen = {}
    for hit in hits:
        if hit.detainee not in possible:
            continue
        own = context.listing and hit.source == context.actor.source
        of = hit.source if own or not context.views.sources[hit.source].independent else None
        if room[of]:
            room[of] -= 1
            chosen[hit.record] = blocking_keys.namesake(query, hit)
    return chosen


def compare(
    context: MatchContext, person: score.Person, candidates: Sequence[CandidateRecord]
) -> list[CandidatePerson]:
    """The people of the candidate records, most similar first; without people whose every compared record contradicts
    the report."""
    every: dict[int, list[CandidateRecord]] = {}
    for candidate in candidates:
        every.setdefault(candidate.record.detainee, []).append(candidate)
    independent = {
        detainee: [c for c in of_person if context.views.sources[c.record.source].independent]
        for detainee, of_person in every.items()
    }
    elsewhere = _independently_reported(context, [detainee for detainee in every if not independent[detainee]])
    people = [
        _candidate(person, independent[detainee], of_person, overruled=detainee in elsewhere)
        for detainee, of_person in every.items()
        if not (_of_the_list(context, of_person) and _only_namesakes(person, of_person))
    ]
    return sorted(filter(None, people), key=lambda each: (-each.match.sure, -each.match.score, each.record.key))


def _candidate(
    person: score.Person, independent: Sequence[CandidateRecord], every: Sequence[CandidateRecord], *, overruled: bool
) -> CandidatePerson | None:
    records = [c.record for c in independent or every if c.namesake or not score.contradict(person, c.record.person)]
    if not records:
        return None
    pairs = [(record, score.compare(person, record.person)) for record in records]
    record, match = max(pairs, key=lambda pair: (pair[1].sure, pair[1].score))
    sources = frozenset(candidate.record.source for candidate in every)
    return CandidatePerson(record, match, sources, bool(independent), overruled)


def _of_the_list(context: MatchContext, candidates: Sequence[CandidateRecord]) -> bool:
    """Whether all records of a person are rows of the list's own source."""
    return context.listing and all(candidate.record.source == context.actor.source for candidate in candidates)


def _only_namesakes(person: score.Person, candidates: Sequence[CandidateRecord]) -> bool:
    """Whether no record agrees with the person in more than the name. Of rows of one source such pairs are neither
    linked nor reviewed (`linking`), and they are many: comparing their names would take a third of a list's time."""
    return not any(score.supported(person, candidate.record.person) for candidate in candidates)


def _independently_reported(context: MatchContext, people: Collection[int]) -> set[int]:
    """The people, of those given, whom an independent source reports under any blocking key."""
    if not people:
        return set()
    rows = context.session.connection().execute(_REPORTED_BY, {"people": list(people)})
    tied = context.trial.tied.keys() if context.trial and context.actor.independent else set()
    return {detainee for detainee, source in rows if context.views.sources[source].independent} | (tied & set(people))


# Rows looked up together: so many that each costs little, so few that all take a small part of a transaction's time.
TOGETHER = 50

_OWN = aliased(Placement)
_OF_ONE_PERSON = (
    select(col(Placement.record))
    .join(_OWN, (col(Placement.detainee) == _OWN.detainee) & (_OWN.until == OPEN))
    .join(Record, col(Record.key) == _OWN.record)
    .where(col(Record.id) == bindparam("id"), col(Placement.until) == OPEN)
)


class WrittenRecords:
    """Records that the rows of a list made or changed, by the blocking keys under which later rows find them."""

    def __init__(self) -> None:
        self.records: dict[int, StandingRecord] = {}
        self._born: dict[int, int | None] = {}
        # Key → records. Four keys of five have one record, and its tuple takes a fifth of the memory of a dict: a trial
        # remembers every row of a list.
        self._keys: dict[str, tuple[int, ...]] = {}

    def add(self, query: BlockingQuery, record: StandingRecord) -> None:
        for key in query.keys:
            records = self._keys.get(key, ())
            if record.key not in records:
                self._keys[key] = (*records, record.key)
        self._born[record.key] = query.born
        self.records[record.key] = record

    def look_up(self, query: BlockingQuery) -> list[BlockingHit]:
        rows = ((record, self._born[record]) for key in query.keys for record in self._keys.get(key, ()))
        return blocking.best(rows, MOST_HITS)


class CandidateCache:
    """The candidate records of some reports, as they stand in this transaction."""

    def __init__(
        self, context: WriteContext, reports: Sequence[Content], written: WrittenRecords | None = None
    ) -> None:
        """`reports`: in the order in which `of` asks for them. `written`: the records that earlier rows of a trial
        would have made, which no query to the database finds."""
        self._context = context
        self._reports = reports
        self._records: dict[int, StandingRecord] = {}
        self._written = WrittenRecords() if written is None else written
        self._numbers: dict[int, int] = {}  # record that a trial is about to undo → its number in the trial
        self._head = context.log.revision
        self._queries: list[BlockingQuery] = []
        self._hits: list[dict[int, bool]] = []

    def of(self, place: int) -> list[CandidateRecord]:
        """The candidate records of the report at this place among `reports`."""
        while place >= len(self._hits):
            self._look_up_more()
        query = self._queries[place]
        written = self._written.look_up(query)
        namesakes = self._hits[place] | {hit.record: blocking_keys.namesake(query, hit) for hit in written}
        made, counted = self._written.records, self._context.trial.counted if self._context.trial else ()
        candidates = [CandidateRecord(made.get(key) or self._records[key], alike) for key, alike in namesakes.items()]
        candidates = self._bounded(query, candidates, {hit.record: hit.shared for hit in written})
        candidates = [
            CandidateRecord(_counted(c.record), c.namesake) if c.record.detainee in counted else c for c in candidates
        ]
        # No query finds people whom the source may not recognise: neither may an earlier row about such a person.
        return [c for c in candidates if self._context.actor.recognises(c.record.publish)]

    def _bounded(
        self, query: BlockingQuery, candidates: list[CandidateRecord], shared: dict[int, int]
    ) -> list[CandidateRecord]:
        """The candidate records; of the source's own, the MOST_HITS that share most keys with the report. So a trial,
        which remembers all earlier rows, compares with the same records as a run, which reads earlier batches from the
        database. `shared`: record → its shared keys, where they were counted."""
        own = [c.record for c in candidates if c.record.source == self._context.actor.source]
        if len(own) <= MOST_HITS:
            return candidates

        def rank(record: StandingRecord) -> tuple[int, bool, int]:
            both = shared.get(record.key)
            if both is None:
                both = len(blocking_keys.keys_of(record.content) & frozenset(query.keys))
            return -both, record.key < 0, record.key

        beyond = {record.key for record in sorted(own, key=rank)[MOST_HITS:]}
        return [candidate for candidate in candidates if candidate.record.key not in beyond]

    def _look_up_more(self) -> None:
        """Look up the candidate records of the next TOGETHER reports, without those in `pending_writes`, not yet
        readable."""
        done = len(self._hits)
        queries = [blocking_keys.query_of(report) for report in self._reports[done : done + TOGETHER]]
        hits = look_up(self._context, queries, self._context.actor.recognised)
        for record in contents(self._context.session, set().union(*hits) - self._records.keys()):
            self._records[record.key] = record
        self._queries += queries
        self._hits += hits

    def add(self, place: int, record: StandingRecord) -> None:
        """Add the record just made of the report at this place."""
        self._written.add(self._queries[place], record)

    def read_again(self, report: uuid.UUID) -> None:
        """Read all records of a person again, after a report about them was written as a single one."""
        keys = self._context.session.connection().execute(_OF_ONE_PERSON, {"id": report}).scalars().all()
        for record in contents(self._context.session, keys):
            numbered = record._replace(key=self._number(record.key), detainee=self._number(record.detainee))
            self._written.add(blocking_keys.query_of(record.content), numbered)

    def _number(self, record: int) -> int:
        """The number of a record in this trial: a record about to be undone gets one of its own, since a record of the
        next batch will have the same revision."""
        if self._context.trial is None or record <= self._head:
            return record
        return self._numbers.setdefault(record, self._context.trial.number())


def _counted(record: StandingRecord) -> StandingRecord:
    return record._replace(publish=Publish.COUNTED)
