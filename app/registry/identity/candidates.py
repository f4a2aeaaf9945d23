"""Look up the candidate records of new reports, and rank the candidate people.

No state may merge two people, or separate one person's reports, by a report of its own. So if independent sources
report a person, a new report is compared with their records only.

`CandidateCache` looks up candidates for many rows of a list at once, and adds the records that earlier rows wrote. A
lookup for each row would cost three queries a row.
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

from app.db.engine import split_into_chunks
from app.log import entries
from app.log.content import Content, remove_taken_over
from app.matching import blocking, score
from app.matching.blocking import BlockingHit, BlockingQuery
from app.models import OPEN, Entry, Placement, Record, Report, Sealed
from app.projection.statements import restore_content
from app.registry.effective_versions import find_counted_versions
from app.registry.identity import blocking_keys
from app.registry.write import MatchContext, WriteContext
from app.vocabulary import Review

# Hits of one lookup. Few enough to read their people in a millisecond, and too many to plant unnoticed under one name.
MAX_HITS = 100
# Candidate records of one source that is not independent. Otherwise a state could file thirty rows of one name before
# other sources know of the arrest, fill all places, and keep that person's reports separate.
MAX_DEPENDENT_CANDIDATES = 5

# Built once: building a statement costs more than running it.
_SELECT_CONTENTS = (
    select(
        col(Record.key), col(Record.id), col(Record.source), col(Record.publish_now), col(Placement.detainee),
        col(Report.review), col(Entry.body), col(Sealed.disclosures),
    )
    .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
    .join(Report, (col(Report.record) == col(Record.key)) & (col(Report.until) == OPEN))
    .join(Entry, col(Entry.revision) == col(Report.stated))
    .outerjoin(Sealed, col(Sealed.revision) == col(Entry.revision))
    .where(col(Record.key).in_(bindparam("keys", expanding=True)))
    .order_by(col(Record.key))
)  # fmt: skip
_SELECT_REPORTING_SOURCES = (
    select(col(Placement.detainee), col(Record.source))
    .join(Record, col(Record.key) == col(Placement.record))
    .where(col(Placement.detainee).in_(bindparam("people", expanding=True)), col(Placement.until) == OPEN)
    .distinct()
)


class CurrentRecord(NamedTuple):
    """A record with its current version. `person`: the content as the matcher compares it."""

    key: int
    id: uuid.UUID
    source: int
    publish: str
    detainee: int
    content: Content
    person: score.Person


class CandidateRecord(NamedTuple):
    """A record to compare with a report. `is_namesake`: it may have the same name, word for word."""

    record: CurrentRecord
    is_namesake: bool


@dataclass(frozen=True, slots=True)
class CandidatePerson:
    """A person with candidate records.

    `record`, `match`: the most similar of the compared records. `sources`: the sources of all candidate records of the
    person. `is_independent`: the compared records are of independent sources. `is_overruled`: they are not, but an
    independent source reports the person under other blocking keys.
    """

    record: CurrentRecord
    match: score.Match
    sources: frozenset[int]
    is_independent: bool
    is_overruled: bool


def load_current_records(session: Session, keys: Iterable[int]) -> list[CurrentRecord]:
    """Return the current records with these keys, oldest first.

    A record whose current version awaits review, or was rejected, is compared by its newest version that counts."""
    records = []
    for chunk in split_into_chunks(sorted(keys)):
        rows = session.connection().execute(_SELECT_CONTENTS, {"keys": chunk}).all()
        under_review = [row.key for row in rows if row.review in (Review.AWAITING_REVIEW, Review.REJECTED)]
        counted = _load_counted_contents(session, under_review) if under_review else {}
        for key, record_id, source, publish, detainee, _review, body, disclosures in rows:
            full_content = counted.get(key) or restore_content(
                json.loads(body)["said"], entries.load_values(disclosures)
            )
            content = remove_taken_over(full_content)
            person = blocking_keys.build_person(content)
            records.append(CurrentRecord(key, record_id, source, publish, detainee, content, person))
    return records


def _load_counted_contents(session: Session, keys: Collection[int]) -> dict[int, Content]:
    versions = find_counted_versions(session, keys)
    loaded = {entry.revision: entry for entry in entries.load_entries(session, [*versions.values()])}
    return {
        key: restore_content(loaded[revision].body["said"], loaded[revision].personal)
        for key, revision in versions.items()
    }


def look_up_candidates(
    context: MatchContext,
    queries: Sequence[BlockingQuery],
    classes: Collection[str] | None = None,
    before_revisions: Sequence[int] | None = None,
) -> list[dict[int, bool]]:
    """Return, for each query, the records to compare as `{record: whether it may have the same name}`.

    They are the records that share most keys with the query: MAX_CANDIDATES of independent sources, and
    MAX_DEPENDENT_CANDIDATES of each other source. People whose hits are all impossible are left out. All hits of other
    people are returned, so that conflicts show.

    `classes`: the classes of publication to search. By default, filing searches those whom the source may recognise,
    and a trial, which leaves no trace, people listed by name and the source's own records. `before_revisions`: for each
    query, the revision before which records must have been filed."""
    actor = context.actor
    if classes is None:
        classes = actor.recognised_classes if context.trial is None else actor.named_classes
    hits = blocking.find_blocking_hits_each(context.session, queries, classes, MAX_HITS)
    if context.trial is not None and actor.source is not None:
        own_hits = blocking.find_own_hits_each(context.session, queries, actor.source, MAX_HITS)
        hits = [blocking.merge_hits(*query_hits) for query_hits in zip(hits, own_hits, strict=True)]
    if before_revisions is not None:
        hits = [
            [hit for hit in query_hits if hit.record < revision]
            for query_hits, revision in zip(hits, before_revisions, strict=True)
        ]
    return [_choose_hits(context, *query_and_hits) for query_and_hits in zip(queries, hits, strict=True)]


def _choose_hits(context: MatchContext, query: BlockingQuery, hits: Sequence[BlockingHit]) -> dict[int, bool]:
    possible_people = {hit.detainee for hit in blocking_keys.filter_possible_hits(query, hits)} - {None}
    # Free slots by source. Independent sources share those under None; earlier rows of the list have their own.
    free_slots: defaultdict[int | None, int] = defaultdict(
        lambda: MAX_DEPENDENT_CANDIDATES, {None: blocking.MAX_CANDIDATES}
    )
    if context.is_list:
        free_slots[context.actor.source] = MAX_HITS
    namesakes = {}
    for hit in hits:
        if hit.detainee not in possible_people:
            continue
        is_own_row = context.is_list and hit.source == context.actor.source
        slot_source = hit.source if is_own_row or not context.views.sources[hit.source].independent else None
        if free_slots[slot_source]:
            free_slots[slot_source] -= 1
            namesakes[hit.record] = blocking_keys.is_namesake(query, hit)
    return namesakes


def rank_candidates(
    context: MatchContext, person: score.Person, candidates: Sequence[CandidateRecord]
) -> list[CandidatePerson]:
    """Return the people of the candidate records, most similar first.

    People whose compared records all contradict the report are left out."""
    by_person: dict[int, list[CandidateRecord]] = {}
    for candidate in candidates:
        by_person.setdefault(candidate.record.detainee, []).append(candidate)
    independent_candidates = {
        detainee: [c for c in person_candidates if context.views.sources[c.record.source].independent]
        for detainee, person_candidates in by_person.items()
    }
    overruled_people = _find_independently_reported(
        context, [detainee for detainee in by_person if not independent_candidates[detainee]]
    )
    people = [
        _build_candidate(
            person, independent_candidates[detainee], person_candidates, is_overruled=detainee in overruled_people
        )
        for detainee, person_candidates in by_person.items()
        if not (_is_only_in_list(context, person_candidates) and _has_only_namesakes(person, person_candidates))
    ]
    return sorted(
        filter(None, people),
        key=lambda candidate_person: (
            -candidate_person.match.is_sure,
            -candidate_person.match.score,
            candidate_person.record.key,
        ),
    )


def _build_candidate(
    person: score.Person,
    independent_candidates: Sequence[CandidateRecord],
    person_candidates: Sequence[CandidateRecord],
    *,
    is_overruled: bool,
) -> CandidatePerson | None:
    records = [
        c.record
        for c in independent_candidates or person_candidates
        if c.is_namesake or not score.has_contradiction(person, c.record.person)
    ]
    if not records:
        return None
    pairs = [(record, score.compare_people(person, record.person)) for record in records]
    record, match = max(pairs, key=lambda pair: (pair[1].is_sure, pair[1].score))
    sources = frozenset(candidate.record.source for candidate in person_candidates)
    return CandidatePerson(record, match, sources, bool(independent_candidates), is_overruled)


def _is_only_in_list(context: MatchContext, candidates: Sequence[CandidateRecord]) -> bool:
    """Return whether all records of a person are of the list's own source."""
    return context.is_list and all(candidate.record.source == context.actor.source for candidate in candidates)


def _has_only_namesakes(person: score.Person, candidates: Sequence[CandidateRecord]) -> bool:
    """Return whether no record agrees with the person in more than the name.

    In a list such pairs are neither linked nor reviewed (`record_linkage.py`). They are many: comparing their names
    would take a third of a list's time."""
    return not any(score.has_support(person, candidate.record.person) for candidate in candidates)


def _find_independently_reported(context: MatchContext, people: Collection[int]) -> set[int]:
    """Return those of the people whom an independent source reports, under any blocking key."""
    if not people:
        return set()
    rows = context.session.connection().execute(_SELECT_REPORTING_SOURCES, {"people": list(people)})
    linked_people = context.trial.linked_people if context.trial and context.actor.independent else set()
    return {detainee for detainee, source in rows if context.views.sources[source].independent} | (
        linked_people & set(people)
    )


# Rows looked up at once: enough to make each cheap, and few enough to take a small part of a transaction's time.
LOOKUP_BATCH = 50

_RECORD_PLACEMENT = aliased(Placement)
_SELECT_PERSON_RECORDS = (
    select(col(Placement.record))
    .join(
        _RECORD_PLACEMENT, (col(Placement.detainee) == _RECORD_PLACEMENT.detainee) & (_RECORD_PLACEMENT.until == OPEN)
    )
    .join(Record, col(Record.key) == _RECORD_PLACEMENT.record)
    .where(col(Record.id) == bindparam("id"), col(Placement.until) == OPEN)
)


class WrittenRecords:
    """Records that the rows of a list created or changed, by the blocking keys under which later rows find them."""

    def __init__(self) -> None:
        self.records: dict[int, CurrentRecord] = {}
        self._birth_years: dict[int, int | None] = {}
        # Key → records. A trial remembers every row of a list, and four in five keys have one record: a tuple takes a
        # fifth of the memory of a dict.
        self._keys: dict[str, tuple[int, ...]] = {}

    def add(self, query: BlockingQuery, record: CurrentRecord) -> None:
        for key in query.keys:
            records = self._keys.get(key, ())
            if record.key not in records:
                self._keys[key] = (*records, record.key)
        self._birth_years[record.key] = query.first_birth_year
        self.records[record.key] = record

    def look_up(self, query: BlockingQuery) -> list[BlockingHit]:
        rows = ((record, self._birth_years[record]) for key in query.keys for record in self._keys.get(key, ()))
        return blocking.rank_hits(rows, MAX_HITS)


class CandidateCache:
    """The candidate records of some reports, up to date with the transaction's own writes."""

    def __init__(
        self, context: WriteContext, reports: Sequence[Content], written_records: WrittenRecords | None = None
    ) -> None:
        """`reports`: in the order in which `get_candidates` is called for them. `written_records`: the records that
        earlier rows of a trial would have created, which are not in the database."""
        self._context = context
        self._reports = reports
        self._records: dict[int, CurrentRecord] = {}
        self._written_records = WrittenRecords() if written_records is None else written_records
        self._trial_numbers: dict[int, int] = {}  # record that a trial will roll back → its number in the trial
        self._head = context.log.revision
        self._queries: list[BlockingQuery] = []
        self._hits: list[dict[int, bool]] = []

    def get_candidates(self, index: int) -> list[CandidateRecord]:
        """Return the candidate records of the report at this index of `reports`."""
        while index >= len(self._hits):
            self._look_up_next_batch()
        query = self._queries[index]
        written_hits = self._written_records.look_up(query)
        namesakes = self._hits[index] | {hit.record: blocking_keys.is_namesake(query, hit) for hit in written_hits}
        new_records = self._written_records.records
        candidates = [
            CandidateRecord(new_records.get(key) or self._records[key], is_namesake)
            for key, is_namesake in namesakes.items()
        ]
        candidates = self._limit_own_records(query, candidates, {hit.record: hit.shared_keys for hit in written_hits})
        return [c for c in candidates if self._can_match(c.record)]

    def _can_match(self, record: CurrentRecord) -> bool:
        """Return whether the source may meet a record: one of its own, or one that an earlier row reloaded, may be of
        somebody whom it may not recognise, or of whom a trial is silent."""
        actor = self._context.actor
        is_own_or_listed = record.source == actor.source or record.publish in actor.named_classes
        return actor.can_recognise(record.publish) and (self._context.trial is None or is_own_or_listed)

    def _limit_own_records(
        self, query: BlockingQuery, candidates: list[CandidateRecord], shared: dict[int, int]
    ) -> list[CandidateRecord]:
        """Return the candidate records, with at most MAX_HITS of the source's own: those that share most keys.

        So a trial, which remembers all earlier rows, compares the same records as a run, which reads earlier batches
        from the database. `shared`: record → its shared keys, if they were counted."""
        own = [c.record for c in candidates if c.record.source == self._context.actor.source]
        if len(own) <= MAX_HITS:
            return candidates

        def rank(record: CurrentRecord) -> tuple[int, bool, int]:
            shared_count = shared.get(record.key)
            if shared_count is None:
                shared_count = len(blocking_keys.build_blocking_keys(record.content) & frozenset(query.keys))
            return -shared_count, record.key < 0, record.key

        dropped_keys = {record.key for record in sorted(own, key=rank)[MAX_HITS:]}
        return [candidate for candidate in candidates if candidate.record.key not in dropped_keys]

    def _look_up_next_batch(self) -> None:
        """Look up the candidate records of the next LOOKUP_BATCH reports, without unreadable `pending_writes`."""
        start = len(self._hits)
        queries = [blocking_keys.build_blocking_query(report) for report in self._reports[start : start + LOOKUP_BATCH]]
        hits = look_up_candidates(self._context, queries)
        for record in load_current_records(self._context.session, set().union(*hits) - self._records.keys()):
            self._records[record.key] = record
        self._queries += queries
        self._hits += hits

    def add(self, index: int, record: CurrentRecord) -> None:
        """Add the record just created from the report at this index."""
        self._written_records.add(self._queries[index], record)

    def reload_person(self, report: uuid.UUID) -> None:
        """Read all records of a report's person again, after the report was filed as a single one."""
        keys = self._context.session.connection().execute(_SELECT_PERSON_RECORDS, {"id": report}).scalars().all()
        for record in load_current_records(self._context.session, keys):
            renumbered = record._replace(
                key=self._get_trial_number(record.key), detainee=self._get_trial_number(record.detainee)
            )
            self._written_records.add(blocking_keys.build_blocking_query(record.content), renumbered)

    def _get_trial_number(self, record: int) -> int:
        """Return the number of a record in this trial.

        A record that will be rolled back gets a trial number: a record of the next batch will have the same
        revision."""
        if self._context.trial is None or record <= self._head:
            return record
        return self._trial_numbers.setdefault(record, self._context.trial.take_number())
