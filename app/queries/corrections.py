"""What was taken back or changed, read from the log.

The placements of records at every revision, and whether a reader may see their people.

What each of some entries corrects, before it is known who may see it.

What was taken back or changed, newest first: read from the log, told as far as the reader may see the people.

One entry of the log is one correction at most. Of the entries that may be one many correct nothing (a weekly list moves
the day on which everybody was last known held), so a page is put together batch by batch until it is full."""

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
from app.db.engine import chunks
from app.models import Claim, Decision, Entry, Placement, RecalledEntry, Record, Release, Report
from app.queries import correction_candidates
from app.queries.correction_candidates import Values
from app.queries.parameters import CorrectionQuery, Page, read_cursor, write_cursor
from app.queries.shapes import Ids
from app.registry.publication.classes import strictest
from app.registry.publication.permissions import Reader
from app.schemas.records import ChangeOut, CorrectionShape
from app.vocabulary import CorrectionKind

_AMONG: BindParameter[Any] = bindparam("among", expanding=True)
_PLACES = select(
    col(Placement.record), col(Placement.since), col(Placement.until), col(Placement.detainee), col(Placement.spell)
).where(col(Placement.record).in_(_AMONG))
_HOLDERS = (
    select(col(Placement.detainee), col(Placement.since), col(Placement.until), col(Record.publish_now))
    .join(Record, col(Record.key) == col(Placement.record))
    .where(col(Placement.detainee).in_(_AMONG))
)
_RELEASES = select(col(Release.spell), col(Release.since), col(Release.until), col(Release.status)).where(
    col(Release.spell).in_(_AMONG)
)
_IDS = select(col(Record.key), col(Record.detainee_id), col(Record.detention_id), col(Record.release_id)).where(
    col(Record.key).in_(_AMONG)
)


@dataclass(frozen=True, slots=True)
class PlacementAt:
    """The person and the spell of a record at a revision."""

    detainee: int
    spell: int


class PlacementHistory:
    """Everything about the placements of some records, read in four queries for each 500 records."""

    def __init__(self, session: Session, records: Collection[int]) -> None:
        run = session.connection().execute

        def rows(statement: Any, among: Collection[int]) -> dict[int, list[Any]]:
            by_key: dict[int, list[Any]] = {}
            for some in chunks(sorted(among)):
                for row in run(statement, {"among": some}):
                    by_key.setdefault(row[0], []).append(row)
            return by_key

        self._places = rows(_PLACES, records)
        every = [row for of_record in self._places.values() for row in of_record]
        self._holders = rows(_HOLDERS, {row.detainee for row in every})
        self._releases = rows(_RELEASES, {row.spell for row in every})
        keys = {key for row in every for key in (row.detainee, row.spell)}
        self._ids = {key: Ids(*ids) for key, ((_key, *ids),) in rows(_IDS, keys).items()}

    def at(self, record: int, revision: int) -> PlacementAt | None:
        """The placement of a record at a revision; None before it was filed."""
        row = _standing(self._places.get(record, []), revision)
        return None if row is None else PlacementAt(row.detainee, row.spell)

    def seen(self, reader: Reader, record: int, *revisions: int) -> bool:
        """Whether the record's person stands in lists for the reader, by today's class, at all these revisions."""
        return all(self._sees(reader, place.detainee, at) for at in revisions if (place := self.at(record, at)))

    def _sees(self, reader: Reader, detainee: int, revision: int) -> bool:
        rows = [row for row in self._holders[detainee] if row.since <= revision < row.until]
        return reader.sees_person(strictest(row.publish_now for row in rows))

    def status(self, spell: int, revision: int) -> str | None:
        """The status of a spell's release; None without a release, or without a source whose word makes a status."""
        row = _standing(self._releases.get(spell, []), revision)
        status: str | None = None if row is None else row.status
        return status

    def detainee_id(self, place: PlacementAt) -> uuid.UUID:
        return self._ids[place.detainee].detainee

    def detention_id(self, place: PlacementAt) -> uuid.UUID:
        return self._ids[place.spell].detention

    def release_id(self, place: PlacementAt, revision: int) -> uuid.UUID | None:
        released = _standing(self._releases.get(place.spell, []), revision) is not None
        return self._ids[place.spell].release if released else None


def _standing(rows: Collection[Any], revision: int) -> Any:
    return next((row for row in rows if row.since <= revision < row.until), None)


@dataclass(frozen=True)
class Draft:
    """One correction, and the records or claims it is about. `source`: None for curators; `claimant`: the source whose
    figure a claim is."""

    revision: int
    kind: CorrectionKind
    source: str | None
    changes: list[ChangeOut] = field(default_factory=list)
    records: tuple[int, ...] = ()
    claims: tuple[uuid.UUID, ...] = ()
    claimant: str | None = None


def of_reports(session: Session, revisions: Sequence[int]) -> Iterator[Draft]:
    before: Any = aliased(Report)
    entry: Any = aliased(Entry)
    superseded: Any = aliased(Entry)
    versions = session.execute(
        select(col(Report.since), col(Report.record), entry.body, superseded.body)
        .join(entry, entry.revision == col(Report.stated))
        .outerjoin(before, (before.record == col(Report.record)) & (before.until == col(Report.since)))
        .outerjoin(superseded, superseded.revision == before.stated)
        .where(col(Report.since).in_(revisions), col(Report.since) == col(Report.stated))
    )
    for revision, record, text, earlier in versions:
        body = json.loads(text)
        kind, changes = correction_candidates.of_report(
            None if earlier is None else json.loads(earlier)["said"], body["said"]
        )
        if kind is not None:
            yield Draft(revision, kind, body["source"], changes, records=(record,))


def decisions(session: Session, revisions: Sequence[int]) -> list[tuple[int, int, int]]:
    """`(revision, one record, the other)` of the decisions made or undone there."""
    a: Any = aliased(Record)
    b: Any = aliased(Record)
    decided = [
        select(column, a.key, b.key)
        .join(a, a.id == col(Decision.a))
        .join(b, b.id == col(Decision.b))
        .where(column.in_(revisions))
        for column in (col(Decision.key), col(Decision.until))  # each has an index, and both together none
    ]
    return [(revision, first, second) for revision, first, second in session.execute(union_all(*decided))]


def of_decisions(decided: Sequence[tuple[int, int, int]], places: PlacementHistory) -> Iterator[Draft]:
    """The decisions that joined or parted two people: others may have confirmed what stood, or been void."""
    for revision, a, b in decided:
        before, after = (_together(places.at(a, at_), places.at(b, at_)) for at_ in (revision - 1, revision))
        if before is not None and after is not None and before != after:
            kind = CorrectionKind.MERGED if after else CorrectionKind.PARTED
            yield Draft(revision, kind, None, records=(a, b))


def _together(a: PlacementAt | None, b: PlacementAt | None) -> bool | None:
    return None if a is None or b is None else a.detainee == b.detainee


def of_claims(session: Session, revisions: Sequence[int]) -> Iterator[Draft]:
    earlier: Any = aliased(Claim)
    entry: Any = aliased(Entry)
    filed = session.execute(
        select(col(Claim.since), col(Claim.id), entry.body, earlier.stated)
        .join(entry, entry.revision == col(Claim.stated))
        .outerjoin(earlier, (earlier.key == col(Claim.key)) & (earlier.until == col(Claim.since)))
        .where(col(Claim.since).in_(revisions), col(Claim.since) == col(Claim.stated))
    ).all()
    bodies = {revision: json.loads(body) for revision, _id, body, _before in filed}
    replaced = {revision: _superseded(body["said"]) for revision, body in bodies.items()}
    versions = _versions_of_claims(session, {claim_id for ids in replaced.values() for claim_id in ids})
    old = {before for _revision, _id, _body, before in filed if before is not None}
    old |= {stated for spans in versions.values() for _since, _until, stated in spans}
    figures = _figures(session, old)
    for revision, claim_id, _body, before in filed:
        body = bodies[revision]
        figure, was = body["said"], figures.get(before, {})
        new = [replaced_id for replaced_id in replaced[revision] if replaced_id not in _superseded(was)]
        if new:
            standing = [stated for since, until, stated in versions[new[0]] if since < revision <= until]
            changes = correction_candidates.of_claim(figures[standing[0]], figure) if len(new) == 1 and standing else []
            kind, claims = CorrectionKind.CLAIM_SUPERSEDED, (claim_id, *new)
        elif before is not None and (changes := correction_candidates.of_claim(was, figure)):
            kind, claims = CorrectionKind.CLAIM_RESTATED, (claim_id,)
        else:
            continue
        yield Draft(revision, kind, body["filed_by"], changes, claims=claims, claimant=figure.get("claimant"))


def of_recalls(session: Session, revisions: Sequence[int]) -> Iterator[Draft]:
    """Recalls, and what undid them: how many entries of the source counted before and after."""
    of = (col(RecalledEntry.since), col(RecalledEntry.until))
    for column, undone in ((of[0], False), (of[1], True)):
        counted = (
            select(column, func.count(), col(Entry.body))
            .join(Entry, col(Entry.revision) == column)
            .where(column.in_(revisions))
            .group_by(column, col(Entry.body))
        )
        for revision, number, body in session.execute(counted):
            before, after = (0, number) if undone else (number, 0)
            changes: list[ChangeOut] = [{"field": "entries", "before": before, "after": after}]
            yield Draft(revision, CorrectionKind.RECALLED, json.loads(body)["source"], changes)


def _superseded(figure: Values) -> list[uuid.UUID]:
    """The claims that a claim replaces."""
    return [uuid.UUID(claim_id) for claim_id in figure.get("supersedes", ())]


def _versions_of_claims(session: Session, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[tuple[int, int, int]]]:
    """Claim → `(since, until, revision of the entry that states it)` of its versions."""
    spans: dict[uuid.UUID, list[tuple[int, int, int]]] = {}
    for some in chunks(ids):
        columns = (col(Claim.id), col(Claim.since), col(Claim.until), col(Claim.stated))
        for claim_id, *span in session.execute(select(*columns).where(col(Claim.id).in_(some))):
            spans.setdefault(claim_id, []).append((span[0], span[1], span[2]))
    return spans


def _figures(session: Session, revisions: Collection[int]) -> dict[int, Values]:
    """Revision → the claim of its entry."""
    figures: dict[int, Values] = {}
    for some in chunks(revisions):
        entries = select(col(Entry.revision), col(Entry.body)).where(col(Entry.revision).in_(some))
        figures |= {revision: json.loads(body)["said"] for revision, body in session.execute(entries)}
    return figures


# Entries looked at together: one IN (…) of them, in a fixed number of queries. The first batch has three entries for
# each correction that the page has room for: mostly these fill it.
BATCH = 500
FIRST_FOR_EACH = 3
# And for one page: more than any list sent in a day, so that the newest corrections stand on the first one. Beyond it a
# page ends before it is full.
MOST_EXAMINED = 20 * BATCH
# Corrections are looked for among the newest entries, which mostly fill a page; then among the entries before these,
# each time so many times as many, for a rare kind may stand anywhere in the log.
RECENT, WIDER = 10_000, 2
OF = "corrections"  # of cursors
# A correction is known by the leaf of its entry, whatever the registry's address.
NAMESPACE = uuid.UUID("6f2d9c1e-3b58-4c0a-9a51-7c1f0f0d8e42")


def corrections(
    session: Session, query: CorrectionQuery, reader: Reader, revision: int, since: int | None = None
) -> Page[CorrectionShape]:
    """Corrections known at a revision, of people the reader may see; `since`: the revision after which they were
    recorded.

    `withheld` beside them: how many corrections this page leaves out because no list may show the people. What curators
    decided about such people is not even counted. The cursor is the revision to go on from.
    """
    after = read_cursor(query.cursor, OF)
    newest = revision if after is None else min(revision, after[0])
    examined = _candidates(session, query, revision, newest, since or 0)
    rows: list[CorrectionShape] = []
    withheld, number, size = 0, 0, min(BATCH, FIRST_FOR_EACH * query.limit)
    following: int | None = None
    while following is None and len(rows) < query.limit and number < MOST_EXAMINED:
        batch = list(islice(examined, size))
        if not batch:
            break
        drafted, places = _drafts(session, batch, query)
        shown: list[Draft] = []
        for draft in drafted:
            if not all(places.seen(reader, record, draft.revision, revision) for record in draft.records):
                withheld += draft.kind not in correction_candidates.BY_CURATORS
            elif len(rows) + len(shown) < query.limit:
                shown.append(draft)
            else:
                following = draft.revision
                break
        rows += _rows(session, shown, places, revision)
        number, size = number + len(batch), BATCH
    if following is None:
        following = next(examined, None)
    return Page(rows, None if following is None else write_cursor(OF, [following]), lambda: {"withheld": withheld})


def _candidates(session: Session, query: CorrectionQuery, revision: int, newest: int, oldest: int) -> Iterator[int]:
    """The entries that may be what is asked for, newest first, from `newest` back to after `oldest`: as far as somebody
    goes on, for each wider search takes longer. Raises Invalid for a source that does not exist."""
    source, width = correction_candidates.source_of(session, query.source), RECENT
    while newest > oldest:
        start, newest, width = newest, max(oldest, newest - width), width * WIDER
        yield from correction_candidates.entries(session, query, source, start, newest, revision, MOST_EXAMINED + BATCH)


def _drafts(session: Session, revisions: list[int], query: CorrectionQuery) -> tuple[list[Draft], PlacementHistory]:
    """The corrections asked for among some entries, newest first, and where the records they are about stood."""
    drafted = [
        *of_reports(session, revisions), *of_claims(session, revisions),
        *of_recalls(session, revisions),
    ]  # fmt: skip
    decided = decisions(session, revisions)
    about = {record for draft in drafted for record in draft.records}
    places = PlacementHistory(session, about | {record for _revision, *pair in decided for record in pair})
    drafted += of_decisions(decided, places)
    wanted = [draft for draft in drafted if not query.kind or draft.kind in query.kind]
    return sorted(wanted, key=lambda draft: -draft.revision), places


def _rows(session: Session, shown: list[Draft], places: PlacementHistory, revision: int) -> list[CorrectionShape]:
    """The corrections on the wire. No reason is among them: it is free text, and was given in confidence."""
    recorded = session.execute(
        select(col(Entry.revision), col(Entry.recorded_at), col(Entry.leaf_hash)).where(
            col(Entry.revision).in_([draft.revision for draft in shown])
        )
    )
    entries = {row.revision: row for row in recorded}
    corrections: list[CorrectionShape] = []
    for draft in shown:
        release, detention, detainees = _about(draft, places, revision)
        corrections.append(
            {
                "id": uuid.uuid5(NAMESPACE, entries[draft.revision].leaf_hash.hex()),
                "kind": draft.kind,
                "revision": draft.revision,
                "recorded_at": format_instant(entries[draft.revision].recorded_at),
                "source": draft.source,
                "release_id": release,
                "detention_id": detention,
                "detainee_ids": detainees,
                "claim_ids": list(draft.claims),
                "claimant": draft.claimant,
                "changes": [*draft.changes, *_status(draft, places)],
            }
        )
    return corrections


def _about(
    draft: Draft, places: PlacementHistory, revision: int
) -> tuple[uuid.UUID | None, uuid.UUID | None, list[uuid.UUID]]:
    """`(release, detention, detainees)` of a correction: the release and the detention of the report at the revision
    read; of a curator's decision the two people, as they stood while they were two."""
    if draft.kind in correction_candidates.BY_CURATORS:
        apart = draft.revision - (draft.kind is CorrectionKind.MERGED)
        people = [place for record in draft.records if (place := places.at(record, apart))]
        return None, None, list(map(places.detainee_id, people))
    place = places.at(draft.records[0], revision) if draft.records else None
    if place is None:
        return None, None, []
    return places.release_id(place, revision), places.detention_id(place), [places.detainee_id(place)]


def _status(draft: Draft, places: PlacementHistory) -> list[ChangeOut]:
    """What became of the release's status, if anything."""
    if draft.kind in correction_candidates.BY_CURATORS or not draft.records:
        return []
    (record,) = draft.records
    after = places.at(record, draft.revision)
    assert after is not None
    before = places.at(record, draft.revision - 1) or after
    was, became = places.status(before.spell, draft.revision - 1), places.status(after.spell, draft.revision)
    return [] if was == became else [{"field": "status", "before": was, "after": became}]
