"""Find people similar to a new report whom its key may not recognise, for curators only.

The search runs after the report is filed, outside its request. In the request it would delay the response, and a state
could measure whom an organisation hides. So each new report leaves one row in `uncompared_record`, whether anybody is
similar or not, and `DuplicateScanner` processes these rows.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Engine, bindparam, delete, insert, select
from sqlmodel import Session, col

from app.config import Names
from app.db.engine import open_read_session
from app.log import entries
from app.log.content import Content
from app.log.entries import open_writer_session
from app.models import (
    CURRENT_CLASSES,
    OPEN,
    Decision,
    Entry,
    HiddenCandidatePair,
    Placement,
    Record,
    Report,
    Sealed,
    UncomparedRecord,
)
from app.projection.statements import restore_content
from app.registry.directory_snapshot import DirectorySnapshot
from app.registry.identity import blocking_keys, candidates, record_linkage
from app.registry.identity.candidates import CandidateRecord
from app.registry.identity.clusters import IDS_PARAMETER
from app.registry.identity.record_linkage import MAX_REVIEWED_PAIRS, ComparedRecord
from app.registry.publication.permissions import load_reporter
from app.registry.write import MatchContext, WriteContext
from app.vocabulary import Judgement, Review

# Records compared at once: their lookups share statements, and a request waits for them for less than a second.
COMPARISON_BATCH = 20

# Built once: building a statement costs more than running it.
INSERT_UNCOMPARED = insert(UncomparedRecord)
_SELECT_WAITING = (
    select(col(UncomparedRecord.record))
    .where(col(UncomparedRecord.record) > bindparam("after_record"))
    .order_by(col(UncomparedRecord.record))
    .limit(bindparam("limit"))
)
_SELECT_UNCOMPARED = (
    select(
        col(Record.key), col(Record.id), col(Record.source), col(Record.redacted), col(UncomparedRecord.listing),
        col(Report.stated), col(Entry.body), col(Sealed.disclosures), col(Placement.detainee),
    )
    .join(Record, col(Record.key) == col(UncomparedRecord.record))
    .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
    .join(Report, (col(Report.record) == col(Record.key)) & (col(Report.until) == OPEN))
    .join(Entry, col(Entry.revision) == col(Report.stated))
    .outerjoin(Sealed, col(Sealed.revision) == col(Entry.revision))
    .where(col(UncomparedRecord.record).in_(IDS_PARAMETER))
)  # fmt: skip
_SELECT_DECISIONS = (
    select(col(Decision.b), col(Decision.judgement), col(Placement.detainee))
    .join(Record, col(Record.id) == col(Decision.a))
    .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
    .where(col(Decision.b).in_(IDS_PARAMETER), col(Decision.decided_by) == "matcher", col(Decision.until) == OPEN)
)
_DELETE_UNCOMPARED = (
    delete(UncomparedRecord)
    .where(col(UncomparedRecord.record).in_(IDS_PARAMETER))
    .returning(col(UncomparedRecord.record))
)
_SELECT_STORED_PAIRS = select(col(HiddenCandidatePair.record), col(HiddenCandidatePair.other)).where(
    col(HiddenCandidatePair.record).in_(IDS_PARAMETER)
)
_SELECT_ERASED = select(col(Record.key)).where(col(Record.key).in_(IDS_PARAMETER), col(Record.redacted).is_(True))


class _UncomparedReport(NamedTuple):
    """A report as it was filed, with the person of its record (`detainee`).

    `filed_revision`: the revision at which it was filed, or filed again after a recall."""

    record: int
    filed_revision: int
    id: uuid.UUID
    detainee: int
    content: Content


def build_uncompared_row(context: WriteContext, record: int) -> dict[str, Any]:
    """Return the row of a record just written."""
    return {"record": record, "listing": context.is_list}


def list_uncompared_records(engine: Engine, after_record: int = 0) -> list[int]:
    """Return the oldest uncompared records after a record, at most COMPARISON_BATCH."""
    with open_read_session(engine) as session:
        return list(session.scalars(_SELECT_WAITING, {"after_record": after_record, "limit": COMPARISON_BATCH}))


def compare_records(engine: Engine, records: Sequence[int], names: Names) -> None:
    """Find and store the hidden pairs of these uncompared records. `names`: the setting `RECUENTO_NAMES`."""
    with open_read_session(engine) as session:  # the slow part; it blocks no writer
        pairs = _find_hidden_pairs(
            session, session.connection().execute(_SELECT_UNCOMPARED, {"ids": list(records)}).all(), names
        )
    with open_writer_session(engine) as session:
        _store_pairs(session, records, pairs)


def _find_hidden_pairs(session: Session, rows: Sequence[Any], names: Names) -> list[tuple[int, ComparedRecord]]:
    """Return `(record, pair)` for the rows of `_SELECT_UNCOMPARED`."""
    views = DirectorySnapshot.for_session(session)
    reports: defaultdict[tuple[int, bool], list[_UncomparedReport]] = defaultdict(list)
    for key, record_id, source, is_redacted, listing, stated_revision, body, disclosures, detainee in rows:
        entry = json.loads(body)
        if is_redacted or "pointer" in entry or "person" in entry:
            continue  # a report that points at its person has no pairs
        content = restore_content(entry["said"], entries.load_values(disclosures))
        before = key if "supersedes" in entry else stated_revision
        if entry.get("review") == Review.AWAITING_REVIEW:  # was compared with no record filed meanwhile
            before = OPEN
        reports[source, listing].append(_UncomparedReport(key, before, record_id, detainee, content))
    pairs: list[tuple[int, ComparedRecord]] = []
    for (source, listing), source_reports in reports.items():
        actor = load_reporter(session, source, names)
        pairs += _find_source_pairs(MatchContext(session, actor, views, is_list=listing), source_reports)
    return pairs


def _find_source_pairs(context: MatchContext, reports: Sequence[_UncomparedReport]) -> list[tuple[int, ComparedRecord]]:
    queries = [blocking_keys.build_blocking_query(report.content) for report in reports]
    hits = candidates.look_up_candidates(
        context, queries, CURRENT_CLASSES, [report.filed_revision for report in reports]
    )
    current_records = {
        record.key: record for record in candidates.load_current_records(context.session, set().union(*hits))
    }
    judgements: defaultdict[uuid.UUID, dict[int, str]] = defaultdict(dict)
    for record, judgement, person in context.session.connection().execute(
        _SELECT_DECISIONS, {"ids": [report.id for report in reports]}
    ):
        judgements[record][person] = judgement
    return [
        (report.record, pair)
        for report, namesakes in zip(reports, hits, strict=True)
        for pair in _find_unrecorded_pairs(
            context,
            report,
            [CandidateRecord(current_records[key], namesakes[key]) for key in namesakes],
            judgements[report.id],
        )
    ]


def _find_unrecorded_pairs(
    context: MatchContext, report: _UncomparedReport, records: Sequence[CandidateRecord], judgements: dict[int, str]
) -> list[ComparedRecord]:
    """Return the similar people on whom no decision was written when the report was filed.

    `judgements`: person → the matcher's judgement when the report was filed."""
    other_records = [record for record in records if record.record.detainee != report.detainee]
    people = record_linkage.find_similar_people(context, blocking_keys.build_person(report.content), other_records)
    unrecorded = [person for person in people if person.record.detainee not in judgements]
    if Judgement.SAME in judgements.values() or len(judgements) >= MAX_REVIEWED_PAIRS:
        # Filing skipped other people whom the key may recognise: the report was linked, or had enough pairs.
        unrecorded = [
            person for person in unrecorded if not record_linkage.can_log_candidate(context, report.content, person)
        ]
    return [ComparedRecord(person.record, person.match) for person in unrecorded[:MAX_REVIEWED_PAIRS]]


def _store_pairs(session: Session, records: Collection[int], pairs: Sequence[tuple[int, ComparedRecord]]) -> None:
    """Store the pairs of these records, and delete their rows in `uncompared_record`.

    Pairs that another process stored are skipped, and so are pairs of people erased meanwhile."""
    run = session.connection().execute
    compared_keys = set(run(_DELETE_UNCOMPARED, {"ids": list(records)}).scalars())
    stored_pairs = {(record, other) for record, other in run(_SELECT_STORED_PAIRS, {"ids": list(records)})}
    erased_keys = set(run(_SELECT_ERASED, {"ids": [pair.record.key for _record, pair in pairs]}).scalars())
    rows = [
        record_linkage.build_pair_row(record, pair, is_contradiction=False)
        for record, pair in pairs
        if record in compared_keys
        and pair.record.key not in erased_keys
        and (record, pair.record.key) not in stored_pairs
    ]
    if rows:  # an empty list would insert a row of defaults
        run(record_linkage.INSERT_HIDDEN_PAIRS, rows)


class DuplicateScanner:
    """Compares uncompared records in batches. Records left by a killed process are compared after the next start."""

    def __init__(self, engine: Engine, names: Names) -> None:
        self._engine = engine
        self._names = names
        self._last_record = 0

    def compare_next_batch(self) -> bool:
        """Compare the next batch of this round, and return whether more may wait.

        The records of a failed batch go on waiting; the next call continues after them."""
        records = list_uncompared_records(self._engine, self._last_record)
        self._last_record = records[-1] if records else 0
        if records:
            compare_records(self._engine, records, self._names)
        return bool(records)
