"""List corrections, newest first: what was withdrawn or changed, read from the log, for people the reader may see.

An entry of the log is at most one correction, and many candidate entries correct nothing (a weekly list moves the last
known day of everybody held). So a page is assembled in batches until it is full. `PlacementHistory` has the placements
of records at every revision."""

import json
import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import BindParameter, bindparam, func, select, union_all
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.dates import format_instant
from app.db.engine import split_into_chunks
from app.models import Claim, Decision, Entry, Placement, RecalledEntry, Record, Release, Report
from app.queries import correction_candidates
from app.queries.correction_candidates import Values
from app.queries.parameters import CorrectionQuery, Page, read_cursor, write_cursor
from app.queries.shapes import Ids
from app.queries.term_names import find_source_keys
from app.registry.publication.classes import find_strictest_class
from app.registry.publication.permissions import Reader
from app.schemas.records import ChangeOut, CorrectionShape
from app.vocabulary import CorrectionKind, Review

_CHUNK_PARAM: BindParameter[Any] = bindparam("keys", expanding=True)
_PLACEMENT_STATEMENT = select(
    col(Placement.record), col(Placement.since), col(Placement.until), col(Placement.detainee), col(Placement.spell)
).where(col(Placement.record).in_(_CHUNK_PARAM))
_PERSON_RECORD_STATEMENT = (
    select(col(Placement.detainee), col(Placement.since), col(Placement.until), col(Record.publish_now))
    .join(Record, col(Record.key) == col(Placement.record))
    .where(col(Placement.detainee).in_(_CHUNK_PARAM))
)
_RELEASE_STATEMENT = select(col(Release.spell), col(Release.since), col(Release.until), col(Release.status)).where(
    col(Release.spell).in_(_CHUNK_PARAM)
)
_ID_STATEMENT = select(
    col(Record.key), col(Record.detainee_id), col(Record.detention_id), col(Record.release_id)
).where(col(Record.key).in_(_CHUNK_PARAM))


@dataclass(frozen=True, slots=True)
class PlacementAt:
    """The person and the spell of a record at a revision."""

    detainee: int
    spell: int


class PlacementHistory:
    """Everything about the placements of some records, read in four queries per 500 records."""

    def __init__(self, session: Session, records: Collection[int]) -> None:
        run = session.connection().execute

        def load_rows(statement: Any, row_keys: Collection[int]) -> dict[int, list[Any]]:
            by_key: dict[int, list[Any]] = {}
            for chunk in split_into_chunks(sorted(row_keys)):
                for row in run(statement, {"keys": chunk}):
                    by_key.setdefault(row[0], []).append(row)
            return by_key

        self._placements = load_rows(_PLACEMENT_STATEMENT, records)
        all_rows = [row for record_rows in self._placements.values() for row in record_rows]
        self._records_by_person = load_rows(_PERSON_RECORD_STATEMENT, {row.detainee for row in all_rows})
        self._releases = load_rows(_RELEASE_STATEMENT, {row.spell for row in all_rows})
        keys = {key for row in all_rows for key in (row.detainee, row.spell)}
        self._ids = {key: Ids(*ids) for key, ((_key, *ids),) in load_rows(_ID_STATEMENT, keys).items()}

    def find_placement(self, record: int, revision: int) -> PlacementAt | None:
        """Return the placement of a record at a revision; None before it was filed."""
        row = _find_valid_row(self._placements.get(record, []), revision)
        return None if row is None else PlacementAt(row.detainee, row.spell)

    def can_see(self, reader: Reader, record: int, *revisions: int) -> bool:
        """Return whether the reader may see the record's person in lists, by today's class, at all these revisions."""
        return all(
            self._can_see_person(reader, placement.detainee, revision)
            for revision in revisions
            if (placement := self.find_placement(record, revision))
        )

    def _can_see_person(self, reader: Reader, detainee: int, revision: int) -> bool:
        rows = [row for row in self._records_by_person[detainee] if row.since <= revision < row.until]
        return reader.can_see_person(find_strictest_class(row.publish_now for row in rows))

    def find_status(self, spell: int, revision: int) -> str | None:
        """Return the status of a spell's release; None without a release or a status."""
        row = _find_valid_row(self._releases.get(spell, []), revision)
        status: str | None = None if row is None else row.status
        return status

    def get_detainee_id(self, placement: PlacementAt) -> uuid.UUID:
        return self._ids[placement.detainee].detainee

    def get_detention_id(self, placement: PlacementAt) -> uuid.UUID:
        return self._ids[placement.spell].detention

    def get_release_id(self, placement: PlacementAt, revision: int) -> uuid.UUID | None:
        has_release = _find_valid_row(self._releases.get(placement.spell, []), revision) is not None
        return self._ids[placement.spell].release if has_release else None


def _find_valid_row(rows: Collection[Any], revision: int) -> Any:
    return next((row for row in rows if row.since <= revision < row.until), None)


@dataclass(frozen=True)
class Draft:
    """A correction, and the records or claims it concerns. `source`: None for curators. `claimant`: the claim's
    claimant."""

    revision: int
    kind: CorrectionKind
    source: str | None
    changes: list[ChangeOut] = field(default_factory=list)
    records: tuple[int, ...] = ()
    claims: tuple[uuid.UUID, ...] = ()
    claimant: str | None = None


def draft_report_corrections(session: Session, revisions: Sequence[int]) -> Iterator[Draft]:
    previous_version: Any = aliased(Report)
    entry: Any = aliased(Entry)
    previous_entry: Any = aliased(Entry)
    versions = session.execute(
        select(col(Report.since), col(Report.record), entry.body, previous_entry.body, previous_version.review)
        .join(entry, entry.revision == col(Report.stated))
        .outerjoin(
            previous_version,
            (previous_version.record == col(Report.record)) & (previous_version.until == col(Report.since)),
        )
        .outerjoin(previous_entry, previous_entry.revision == previous_version.stated)
        .where(
            col(Report.since).in_(revisions),
            col(Report.since) == col(Report.stated),
            func.coalesce(col(Report.review), Review.UNREVIEWED) == Review.UNREVIEWED,
        )
    )
    for revision, record, text, previous_text, previous_review in versions:
        body = json.loads(text)
        kind, changes = correction_candidates.compare_report_versions(
            None if previous_text is None else json.loads(previous_text)["said"], body["said"]
        )
        if kind is not None:
            is_shown = previous_review in (None, Review.UNREVIEWED)
            yield Draft(revision, kind, body["source"], changes if is_shown else [], records=(record,))


def load_decisions(session: Session, revisions: Sequence[int]) -> list[tuple[int, int, int]]:
    """Return `(revision, record, other record)` of the decisions made or undone at these revisions."""
    a: Any = aliased(Record)
    b: Any = aliased(Record)
    statements = [
        select(column, a.key, b.key)
        .join(a, a.id == col(Decision.a))
        .join(b, b.id == col(Decision.b))
        .where(column.in_(revisions))
        for column in (col(Decision.key), col(Decision.until))  # each column has an index; there is none on both
    ]
    return [(revision, first, second) for revision, first, second in session.execute(union_all(*statements))]


def draft_decision_corrections(
    decision_rows: Sequence[tuple[int, int, int]], history: PlacementHistory
) -> Iterator[Draft]:
    """Yield the decisions that joined or separated two people; others may have confirmed the status quo, or were
    void."""
    for revision, a, b in decision_rows:
        was_one_person, is_one_person = (
            _is_one_person(history.find_placement(a, at_revision), history.find_placement(b, at_revision))
            for at_revision in (revision - 1, revision)
        )
        if was_one_person is not None and is_one_person is not None and was_one_person != is_one_person:
            kind = CorrectionKind.MERGED if is_one_person else CorrectionKind.PARTED
            yield Draft(revision, kind, None, records=(a, b))


def _is_one_person(a: PlacementAt | None, b: PlacementAt | None) -> bool | None:
    return None if a is None or b is None else a.detainee == b.detainee


def draft_claim_corrections(session: Session, revisions: Sequence[int]) -> Iterator[Draft]:
    previous_claim: Any = aliased(Claim)
    entry: Any = aliased(Entry)
    claim_rows = session.execute(
        select(col(Claim.confirmed), col(Claim.id), entry.body, previous_claim.stated)
        .join(entry, entry.revision == col(Claim.stated))
        .outerjoin(previous_claim, (previous_claim.key == col(Claim.key)) & (previous_claim.until == col(Claim.since)))
        .where(col(Claim.confirmed).in_(revisions), col(Claim.since) == col(Claim.stated))
    ).all()
    bodies = {revision: json.loads(body) for revision, _id, body, _previous_revision in claim_rows}
    superseded_ids = {revision: _list_superseded_claims(body["said"]) for revision, body in bodies.items()}
    versions = _load_claim_versions(session, {claim_id for ids in superseded_ids.values() for claim_id in ids})
    old_revisions = {
        previous_revision for _revision, _id, _body, previous_revision in claim_rows if previous_revision is not None
    }
    old_revisions |= {entry_revision for spans in versions.values() for _since, _until, entry_revision in spans}
    figures = _load_figures(session, old_revisions)
    for revision, claim_id, _body, previous_revision in claim_rows:
        body = bodies[revision]
        figure, previous_figure = body["said"], figures.get(previous_revision, {})
        new_ids = [
            superseded_id
            for superseded_id in superseded_ids[revision]
            if superseded_id not in _list_superseded_claims(previous_figure)
        ]
        if new_ids:
            effective_revisions = [
                entry_revision for since, until, entry_revision in versions[new_ids[0]] if since < revision <= until
            ]
            changes = (
                correction_candidates.compare_claims(figures[effective_revisions[0]], figure)
                if len(new_ids) == 1 and effective_revisions
                else []
            )
            kind, claims = CorrectionKind.CLAIM_SUPERSEDED, (claim_id, *new_ids)
        elif previous_revision is not None and (
            changes := correction_candidates.compare_claims(previous_figure, figure)
        ):
            kind, claims = CorrectionKind.CLAIM_RESTATED, (claim_id,)
        else:
            continue
        yield Draft(revision, kind, body["filed_by"], changes, claims=claims, claimant=figure.get("claimant"))


def draft_recall_corrections(session: Session, revisions: Sequence[int]) -> Iterator[Draft]:
    """Yield recalls and their reversals, with the numbers of entries of the source that counted before and after."""
    columns = (col(RecalledEntry.since), col(RecalledEntry.until))
    for column, is_undone in ((columns[0], False), (columns[1], True)):
        count_statement = (
            select(column, func.count(), col(Entry.body))
            .join(Entry, col(Entry.revision) == column)
            .where(column.in_(revisions))
            .group_by(column, col(Entry.body))
        )
        for revision, number, body in session.execute(count_statement):
            recall = json.loads(body)
            if "claim" in recall:
                claims, claimant = (uuid.UUID(recall["claim"]),), _find_claimant(session, recall["claim"])
                yield Draft(
                    revision, CorrectionKind.CLAIM_RETRACTED, recall["source"], claims=claims, claimant=claimant
                )
                continue
            before, after = (0, number) if is_undone else (number, 0)
            changes: list[ChangeOut] = [{"field": "entries", "before": before, "after": after}]
            yield Draft(revision, CorrectionKind.RECALLED, recall["source"], changes)


def _find_claimant(session: Session, claim_id: str) -> str | None:
    newest = select(col(Claim.claimant)).where(col(Claim.id) == uuid.UUID(claim_id)).order_by(col(Claim.since).desc())
    return session.scalars(newest.limit(1)).one()


def _list_superseded_claims(figure: Values) -> list[uuid.UUID]:
    """Return the claims that a claim replaces."""
    return [uuid.UUID(claim_id) for claim_id in figure.get("supersedes", ())]


def _load_claim_versions(session: Session, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[tuple[int, int, int]]]:
    """Return a dict of claim → `(since, until, revision of its entry)` of its versions."""
    spans: dict[uuid.UUID, list[tuple[int, int, int]]] = {}
    for chunk in split_into_chunks(ids):
        columns = (col(Claim.id), col(Claim.since), col(Claim.until), col(Claim.stated))
        for claim_id, *span in session.execute(select(*columns).where(col(Claim.id).in_(chunk))):
            spans.setdefault(claim_id, []).append((span[0], span[1], span[2]))
    return spans


def _load_figures(session: Session, revisions: Collection[int]) -> dict[int, Values]:
    """Return a dict of revision → claim of its entry."""
    figures: dict[int, Values] = {}
    for chunk in split_into_chunks(revisions):
        entries = select(col(Entry.revision), col(Entry.body)).where(col(Entry.revision).in_(chunk))
        figures |= {revision: json.loads(body)["said"] for revision, body in session.execute(entries)}
    return figures


# Candidate entries per batch: one IN (…) in a fixed number of queries. The first batch has three entries per row of the
# page, which is mostly enough.
BATCH_SIZE = 500
FIRST_BATCH_FACTOR = 3
# Limit per page: more than any list sent in a day, so that the first page has the newest corrections. Beyond it a page
# ends before it is full.
MAX_EXAMINED = 20 * BATCH_SIZE
# Number of newest entries searched first, which mostly fills a page. Each further search covers this many times as many
# older entries, because a rare kind may be anywhere in the log.
FIRST_SEARCH_WIDTH, SEARCH_GROWTH = 10_000, 2
CORRECTIONS_CURSOR = "corrections"  # of cursors
# The id of a correction derives from the leaf of its entry, so it does not depend on the registry's address.
CORRECTION_NAMESPACE = uuid.UUID("6f2d9c1e-3b58-4c0a-9a51-7c1f0f0d8e42")


def query_corrections(
    session: Session, query: CorrectionQuery, reader: Reader, revision: int, since: int | None = None
) -> Page[CorrectionShape]:
    """Return corrections known at a revision, of people the reader may see. `since`: only those recorded after this
    revision.

    `withheld` is the number of corrections that this page omits because no list may show the people. Curators'
    decisions about such people are not even counted. The cursor is the revision to continue from."""
    position = read_cursor(query.cursor, CORRECTIONS_CURSOR)
    newest = revision if position is None else min(revision, position[0])
    candidate_revisions = _iter_candidates(session, query, revision, newest, since or 0)
    rows: list[CorrectionShape] = []
    withheld, examined_count, size = 0, 0, min(BATCH_SIZE, FIRST_BATCH_FACTOR * query.limit)
    next_revision: int | None = None
    while next_revision is None and len(rows) < query.limit and examined_count < MAX_EXAMINED:
        batch = list(islice(candidate_revisions, size))
        if not batch:
            break
        batch_drafts, history = _load_drafts(session, batch, query)
        visible_drafts: list[Draft] = []
        for draft in batch_drafts:
            if not all(history.can_see(reader, record, draft.revision, revision) for record in draft.records):
                withheld += draft.kind not in correction_candidates.CURATOR_KINDS
            elif len(rows) + len(visible_drafts) < query.limit:
                visible_drafts.append(draft)
            else:
                next_revision = draft.revision
                break
        rows += _build_rows(session, visible_drafts, history, revision)
        examined_count, size = examined_count + len(batch), BATCH_SIZE
    if next_revision is None:
        next_revision = next(candidate_revisions, None)
    return Page(
        rows,
        None if next_revision is None else write_cursor(CORRECTIONS_CURSOR, [next_revision]),
        build_caveats=lambda: {"withheld": withheld, "not_visible": 0, "unknown_values": []},
    )


def _iter_candidates(
    session: Session, query: CorrectionQuery, revision: int, newest: int, oldest: int
) -> Iterator[int]:
    """Yield the revisions of candidate entries, newest first, from `newest` back to after `oldest`.

    The generator is lazy, since each wider search takes longer. Raise Invalid for a source that does not exist."""
    named_sources = [] if query.source is None else [("/source", query.source)]
    source = next(iter(find_source_keys(session, named_sources, revision).values()), None)
    width = FIRST_SEARCH_WIDTH
    while newest > oldest:
        start, newest, width = newest, max(oldest, newest - width), width * SEARCH_GROWTH
        yield from correction_candidates.find_candidate_entries(
            session, query, source, start, newest, revision, MAX_EXAMINED + BATCH_SIZE
        )


def _load_drafts(
    session: Session, revisions: list[int], query: CorrectionQuery
) -> tuple[list[Draft], PlacementHistory]:
    """Return the requested corrections among some entries, newest first, and the placements of their records."""
    batch_drafts = [
        *draft_report_corrections(session, revisions), *draft_claim_corrections(session, revisions),
        *draft_recall_corrections(session, revisions),
    ]  # fmt: skip
    decisions = load_decisions(session, revisions)
    record_keys = {record for draft in batch_drafts for record in draft.records}
    history = PlacementHistory(session, record_keys | {record for _revision, *pair in decisions for record in pair})
    batch_drafts += draft_decision_corrections(decisions, history)
    kinds = query.correction_kind or CorrectionKind
    matching_drafts = [draft for draft in batch_drafts if draft.kind in kinds]
    return sorted(matching_drafts, key=lambda draft: -draft.revision), history


def _build_rows(
    session: Session, visible_drafts: list[Draft], history: PlacementHistory, revision: int
) -> list[CorrectionShape]:
    """Build the responses. They omit the reason, which is free text given in confidence."""
    entry_rows = session.execute(
        select(col(Entry.revision), col(Entry.recorded_at), col(Entry.leaf_hash)).where(
            col(Entry.revision).in_([draft.revision for draft in visible_drafts])
        )
    )
    entries = {row.revision: row for row in entry_rows}
    corrections: list[CorrectionShape] = []
    for draft in visible_drafts:
        release, detention, detainees = _find_subjects(draft, history, revision)
        corrections.append(
            {
                "id": uuid.uuid5(CORRECTION_NAMESPACE, entries[draft.revision].leaf_hash.hex()),
                "kind": draft.kind,
                "revision": draft.revision,
                "recorded_at": format_instant(entries[draft.revision].recorded_at),
                "source": draft.source,
                "release_id": release,
                "detention_id": detention,
                "detainee_ids": detainees,
                "claim_ids": list(draft.claims),
                "claimant": draft.claimant,
                "changes": [*draft.changes, *_build_status_change(draft, history)],
            }
        )
    return corrections


def _find_subjects(
    draft: Draft, history: PlacementHistory, revision: int
) -> tuple[uuid.UUID | None, uuid.UUID | None, list[uuid.UUID]]:
    """Return `(release, detention, detainees)` of a correction at the revision read; for a curator's decision the two
    people as they were while separate."""
    if draft.kind in correction_candidates.CURATOR_KINDS:
        separate_revision = draft.revision - (draft.kind is CorrectionKind.MERGED)
        people = [
            placement for record in draft.records if (placement := history.find_placement(record, separate_revision))
        ]
        return None, None, list(map(history.get_detainee_id, people))
    placement = history.find_placement(draft.records[0], revision) if draft.records else None
    if placement is None:
        return None, None, []
    return (
        history.get_release_id(placement, revision),
        history.get_detention_id(placement),
        [history.get_detainee_id(placement)],
    )


def _build_status_change(draft: Draft, history: PlacementHistory) -> list[ChangeOut]:
    """Return the change of the release's status, if any."""
    if draft.kind in correction_candidates.CURATOR_KINDS or not draft.records:
        return []
    (record,) = draft.records
    placement_after = history.find_placement(record, draft.revision)
    assert placement_after is not None
    placement_before = history.find_placement(record, draft.revision - 1) or placement_after
    status_before, status_after = (
        history.find_status(placement_before.spell, draft.revision - 1),
        history.find_status(placement_after.spell, draft.revision),
    )
    return (
        [] if status_before == status_after else [{"field": "status", "before": status_before, "after": status_after}]
    )
