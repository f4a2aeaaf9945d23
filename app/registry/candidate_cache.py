"""The records of people whom the rows of a list may speak of: looked up for many rows together, and kept up to date
with what the rows write.

Looking up row by row costs three questions a row; these cost a few for hundreds.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy import bindparam, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.matching import lookup
from app.matching.lookup import BlockingHit, BlockingQuery
from app.models import OPEN, Placement, Record
from app.registry import blocking
from app.registry.candidates import MOST_FOUND, CandidateRecord, StandingRecord, contents, look_up
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
    """Records made or changed by the rows of a list, and the keys by which those after them find these."""

    def __init__(self) -> None:
        self.known: dict[int, StandingRecord] = {}
        self._born: dict[int, int | None] = {}
        # Key → records. Of five keys four are those of one record, and a tuple of it takes a fifth of what a dict does:
        # a trial remembers every row of a list.
        self._keys: dict[str, tuple[int, ...]] = {}

    def add(self, wanted: BlockingQuery, known: StandingRecord) -> None:
        for key in wanted.keys:
            records = self._keys.get(key, ())
            if known.key not in records:
                self._keys[key] = (*records, known.key)
        self._born[known.key] = wanted.born
        self.known[known.key] = known

    def near(self, wanted: BlockingQuery) -> list[BlockingHit]:
        rows = ((record, self._born[record]) for key in wanted.keys for record in self._keys.get(key, ()))
        return lookup.best(rows, MOST_FOUND)


class CandidateCache:
    """The records near some reports, as they stand in this transaction."""

    def __init__(
        self, context: WriteContext, reports: Sequence[Content], written: WrittenRecords | None = None
    ) -> None:
        """Of these reports, which are looked up as they are asked for, in their order. `written`: the records that
        earlier rows of a trial would have made, which no question to the database finds."""
        self._context = context
        self._reports = reports
        self._known: dict[int, StandingRecord] = {}
        self._written = WrittenRecords() if written is None else written
        self._numbers: dict[
            int, int
        ] = {}  # record of a trial, which others of the next batch are numbered as → its own
        self._head = context.log.revision
        self._queries: list[BlockingQuery] = []
        self._near: list[dict[int, bool]] = []

    def of(self, place: int) -> list[CandidateRecord]:
        """The records that the report at a place among those given may speak of."""
        while place >= len(self._near):
            self._look_up_more()
        wanted = self._queries[place]
        near = dict(self._near[place])
        written = self._written.near(wanted)
        near |= {one.record: blocking.namesake(wanted, one) for one in written}
        made, counted = self._written.known, self._context.trial.counted if self._context.trial else ()
        found = [CandidateRecord(made.get(record) or self._known[record], alike) for record, alike in near.items()]
        found = self._nearest(wanted, found, {one.record: one.shared for one in written})
        return [
            CandidateRecord(_hidden(one.known), one.namesake) if one.known.detainee in counted else one for one in found
        ]

    def _nearest(
        self, wanted: BlockingQuery, found: list[CandidateRecord], shared: dict[int, int]
    ) -> list[CandidateRecord]:
        """The records found, with at most MOST_FOUND of the source's own: those that share most keys with the report.
        So a trial, which remembers all earlier rows, compares with the same records as a run, which reads those of
        earlier batches from the database."""
        own = [one.known for one in found if one.known.source == self._context.actor.source]
        if len(own) <= MOST_FOUND:
            return found

        def rank(known: StandingRecord) -> tuple[int, bool, int]:
            both = shared.get(known.key)
            if both is None:
                both = len(blocking.keys_of(known.content) & frozenset(wanted.keys))
            return -both, known.key < 0, known.key

        beyond = {known.key for known in sorted(own, key=rank)[MOST_FOUND:]}
        return [one for one in found if one.known.key not in beyond]

    def _look_up_more(self) -> None:
        """Look up whom the next TOGETHER may speak of, but for what is held back, which cannot be read yet."""
        done = len(self._near)
        wanted = [blocking.query_of(said) for said in self._reports[done : done + TOGETHER]]
        near = look_up(self._context, wanted)
        for known in contents(self._context.session, {record for some in near for record in some} - self._known.keys()):
            self._known[known.key] = known
        self._queries += wanted
        self._near += near

    def add(self, place: int, known: StandingRecord) -> None:
        """The record that was just made of the report at a place."""
        self._written.add(self._queries[place], known)

    def read_again(self, report: uuid.UUID) -> None:
        """After a report was written the way of single ones: everything its person holds may have changed."""
        for known in self._holding(report):
            numbered = replace(known, key=self._number(known.key), detainee=self._number(known.detainee))
            self._written.add(blocking.query_of(known.content), numbered)

    def _number(self, record: int) -> int:
        """The number of a record in this trial: a record that is about to be undone gets one of its own, since a record
        of the next batch will have the same revision."""
        if self._context.trial is None or record <= self._head:
            return record
        return self._numbers.setdefault(record, self._context.trial.number())

    def _holding(self, report: uuid.UUID) -> Iterator[StandingRecord]:
        records = self._context.session.connection().execute(_OF_ONE_PERSON, {"id": report}).scalars().all()
        yield from contents(self._context.session, records)


def _hidden(known: StandingRecord) -> StandingRecord:
    return replace(known, publish=Publish.COUNTED)
