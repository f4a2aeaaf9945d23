"""The candidate records of the rows of a list: looked up for many rows together, and kept up to date with what the rows
write.

A look-up for each row would cost three queries a row; these cost a few for hundreds of rows.
"""

import uuid
from collections.abc import Sequence

from sqlalchemy import bindparam, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.matching import lookup
from app.matching.lookup import BlockingHit, BlockingQuery
from app.models import OPEN, Placement, Record
from app.registry import blocking
from app.registry.candidates import MOST_HITS, CandidateRecord, StandingRecord, contents, look_up
from app.registry.content import Content
from app.registry.write import WriteContext
from app.vocabulary import Publish

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
        return lookup.best(rows, MOST_HITS)


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
        namesakes = self._hits[place] | {hit.record: blocking.namesake(query, hit) for hit in written}
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
                both = len(blocking.keys_of(record.content) & frozenset(query.keys))
            return -both, record.key < 0, record.key

        beyond = {record.key for record in sorted(own, key=rank)[MOST_HITS:]}
        return [candidate for candidate in candidates if candidate.record.key not in beyond]

    def _look_up_more(self) -> None:
        """Look up the candidate records of the next TOGETHER reports, without those in `pending_writes`, not yet
        readable."""
        done = len(self._hits)
        queries = [blocking.query_of(report) for report in self._reports[done : done + TOGETHER]]
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
            self._written.add(blocking.query_of(record.content), numbered)

    def _number(self, record: int) -> int:
        """The number of a record in this trial: a record about to be undone gets one of its own, since a record of the
        next batch will have the same revision."""
        if self._context.trial is None or record <= self._head:
            return record
        return self._numbers.setdefault(record, self._context.trial.number())


def _counted(record: StandingRecord) -> StandingRecord:
    return record._replace(publish=Publish.COUNTED)
