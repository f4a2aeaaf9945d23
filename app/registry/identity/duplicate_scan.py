"""The people whom a new report looks like and of whom its key may not know, for curators alone (rule 12).

They are looked for after the report is filed, outside its request: found within it, they would make its answer later,
and a state would tell by the clock whom an organisation hides. So each new report leaves one row, whoever it looks like
(`uncompared_record`), and `pair_finder` works through these rows.

Look for hidden candidate pairs beside requests: `hidden_pairs` says why."""

import json
import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Engine, bindparam, delete, insert, select
from sqlmodel import Session, col

from app.config import Names
from app.db.engine import reading
from app.log import entries
from app.log.content import Content
from app.log.entries import as_only_writer
from app.models import (
    CLASSES_OF_TODAY,
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
from app.projection.statements import whole
from app.registry.directory_snapshot import Views
from app.registry.identity import blocking_keys, candidates, record_linkage
from app.registry.identity.candidates import CandidateRecord
from app.registry.identity.record_linkage import MOST_REVIEWED, Pair
from app.registry.publication.permissions import reporter
from app.registry.write import MatchContext, WriteContext
from app.vocabulary import Judgement

# Records compared at once: their look-ups share statements, and a request that comes meanwhile waits for a part of a
# second at most.
BATCH = 20

# Made once: building a statement costs more than running it.
INSERT_UNCOMPARED = insert(UncomparedRecord)
_AMONG: Any = bindparam("among", expanding=True)
_WAITING = (
    select(col(UncomparedRecord.record))
    .where(col(UncomparedRecord.record) > bindparam("after"))
    .order_by(col(UncomparedRecord.record))
    .limit(bindparam("most"))
)
_UNCOMPARED = (
    select(
        col(Record.key), col(Record.id), col(Record.source), col(Record.redacted), col(UncomparedRecord.listing),
        col(Report.stated), col(Entry.body), col(Sealed.disclosures), col(Placement.detainee),
    )
    .join(Record, col(Record.key) == col(UncomparedRecord.record))
    .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
    .join(Report, (col(Report.record) == col(Record.key)) & (col(Report.until) == OPEN))
    .join(Entry, col(Entry.revision) == col(Report.stated))
    .outerjoin(Sealed, col(Sealed.revision) == col(Entry.revision))
    .where(col(UncomparedRecord.record).in_(_AMONG))
)  # fmt: skip
_DECIDED = (
    select(col(Decision.b), col(Decision.judgement), col(Placement.detainee))
    .join(Record, col(Record.id) == col(Decision.a))
    .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
    .where(col(Decision.b).in_(_AMONG), col(Decision.decided_by) == "matcher", col(Decision.until) == OPEN)
)
_DELETE = (
    delete(UncomparedRecord).where(col(UncomparedRecord.record).in_(_AMONG)).returning(col(UncomparedRecord.record))
)
_KEPT = select(col(HiddenCandidatePair.record), col(HiddenCandidatePair.other)).where(
    col(HiddenCandidatePair.record).in_(_AMONG)
)
_ERASED = select(col(Record.key)).where(col(Record.key).in_(_AMONG), col(Record.redacted).is_(True))


class _Filed(NamedTuple):
    """A report as it was filed, and the person of its record (`detainee`). `filed`: the revision of its filing, or of
    the last one, where it was recalled before."""

    record: int
    filed: int
    id: uuid.UUID
    detainee: int
    content: Content


def uncompared(context: WriteContext, record: int) -> dict[str, Any]:
    """The row of a record just written."""
    return {"record": record, "listing": context.listing}


def waiting(engine: Engine, after: int = 0) -> list[int]:
    """The oldest uncompared records after a record, BATCH of them at most."""
    with reading(engine) as session:
        return list(session.scalars(_WAITING, {"after": after, "most": BATCH}))


def compare(engine: Engine, records: Sequence[int], names: Names) -> None:
    """Find the hidden pairs of these uncompared records, and store them. `names`: the operator's choice."""
    with reading(engine) as session:  # the long part, which keeps no writer waiting
        pairs = _pairs(session, session.connection().execute(_UNCOMPARED, {"among": list(records)}).all(), names)
    with as_only_writer(engine) as session:
        _keep(session, records, pairs)


def _pairs(session: Session, rows: Sequence[Any], names: Names) -> list[tuple[int, Pair]]:
    """`(record, pair)` of rows of `_UNCOMPARED`."""
    views = Views.of(session)
    reports: defaultdict[tuple[int, bool], list[_Filed]] = defaultdict(list)
    for key, record_id, source, redacted, listing, stated, body, disclosures, detainee in rows:
        entry = json.loads(body)
        if redacted or "pointer" in entry or "person" in entry:
            continue  # nobody is looked for on behalf of a report that says whom it is about
        content = whole(entry["said"], entries.values(disclosures))
        reports[source, listing].append(
            _Filed(key, key if "supersedes" in entry else stated, record_id, detainee, content)
        )
    pairs: list[tuple[int, Pair]] = []
    for (source, listing), of_source in reports.items():
        actor = reporter(session, source, names)
        pairs += _pairs_of_source(MatchContext(session, actor, views, listing=listing), of_source)
    return pairs


def _pairs_of_source(context: MatchContext, reports: Sequence[_Filed]) -> list[tuple[int, Pair]]:
    queries = [blocking_keys.query_of(report.content) for report in reports]
    hits = candidates.look_up(context, queries, CLASSES_OF_TODAY, [report.filed for report in reports])
    standing = {record.key: record for record in candidates.contents(context.session, set().union(*hits))}
    decided: defaultdict[uuid.UUID, dict[int, str]] = defaultdict(dict)
    for record, judgement, person in context.session.connection().execute(
        _DECIDED, {"among": [report.id for report in reports]}
    ):
        decided[record][person] = judgement
    return [
        (report.record, pair)
        for report, namesakes in zip(reports, hits, strict=True)
        for pair in _untold(
            context, report, [CandidateRecord(standing[key], namesakes[key]) for key in namesakes], decided[report.id]
        )
    ]


def _untold(
    context: MatchContext, report: _Filed, records: Sequence[CandidateRecord], decided: dict[int, str]
) -> list[Pair]:
    """The people whom a report looks like and of whom nothing was said when it was filed. `decided`: person → the
    matcher's judgement of then."""
    others = [record for record in records if record.record.detainee != report.detainee]
    people = record_linkage.alike(context, blocking_keys.person_of(report.content), others)
    untold = [person for person in people if person.record.detainee not in decided]
    if Judgement.SAME in decided.values() or len(decided) >= MOST_REVIEWED:
        # Other people of whom the key may know were left out then, since the report has its person, or pairs enough.
        untold = [person for person in untold if not record_linkage.may_tell(context, report.content, person)]
    return [Pair(person.record, person.match) for person in untold[:MOST_REVIEWED]]


def _keep(session: Session, records: Collection[int], pairs: Sequence[tuple[int, Pair]]) -> None:
    """Store the pairs of these records, which are compared now, without those that another process stored, and those of
    people who were erased meanwhile."""
    run = session.connection().execute
    done = set(run(_DELETE, {"among": list(records)}).scalars())
    kept = {(record, other) for record, other in run(_KEPT, {"among": list(records)})}
    erased = set(run(_ERASED, {"among": [pair.record.key for _record, pair in pairs]}).scalars())
    rows = [
        record_linkage.pair_row(record, pair, contradicts=False)
        for record, pair in pairs
        if record in done and pair.record.key not in erased and (record, pair.record.key) not in kept
    ]
    if rows:  # an empty list would insert a row of defaults
        run(record_linkage.INSERT_HIDDEN_PAIRS, rows)


class PairFinder:
    """Compares the records that wait, batch by batch. What a killed process left is compared after the next start."""

    def __init__(self, engine: Engine, names: Names) -> None:
        self._engine = engine
        self._names = names
        self._last = 0

    def step(self) -> bool:
        """Compare the next batch of this round; whether more may wait. The records of a batch that fails go on waiting,
        and the next step takes those after them."""
        records = waiting(self._engine, self._last)
        self._last = records[-1] if records else 0
        if records:
            compare(self._engine, records, self._names)
        return bool(records)
