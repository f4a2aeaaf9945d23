"""What was taken back or changed, newest first: read from the log, told as far as the reader may see the people.

One entry of the log is one correction at most. Of the entries that may be one many correct nothing (a weekly list moves
the day on which everybody was last known held), so a page is put together batch by batch until it is full.
"""

import uuid
from collections.abc import Iterator

from sqlalchemy import select
from sqlmodel import Session, col

from app.dates import format_instant
from app.models import Entry
from app.reading.corrections import candidates, drafts
from app.reading.corrections.drafts import Draft
from app.reading.corrections.placements import PlacementHistory
from app.reading.paging import Page, read_cursor, write_cursor
from app.reading.questions import CorrectionQuery
from app.registry.read_permissions import Reader
from app.vocabulary import CorrectionKind
from app.wire.corrections import ChangeOut, CorrectionShape

# Entries looked at together: one IN (…) of them, in a fixed number of queries. The first are few, for mostly so many
# fill the page: for each correction that it has room for.
BATCH = 500
FIRST = 3
# And for one page: more than any list sent in a day, so that the newest corrections stand on the first one. Beyond it a
# page ends before it is full.
MOST_EXAMINED = 20 * BATCH
# Entries among which a page is looked for first: mostly it is among the newest, and finding all takes thrice as long.
RECENT = 10_000
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
    first = since or 0
    if newest - RECENT > first:
        page = _page(session, query, reader, revision, range(newest, newest - RECENT, -1))
        if page.cursor is not None and len(page.rows) == query.limit:
            return page  # of earlier entries it would have nothing more
    return _page(session, query, reader, revision, range(newest, first, -1))


def _page(
    session: Session, query: CorrectionQuery, reader: Reader, revision: int, within: range
) -> Page[CorrectionShape]:
    """The newest corrections among some entries, newest first."""
    examined = candidates.entries(session, query, within.start, within.stop, revision, MOST_EXAMINED + 1)
    rows: list[CorrectionShape] = []
    withheld, following = 0, None
    for start, end in _batches(min(len(examined), MOST_EXAMINED), query.limit):
        drafted, places = _drafts(session, examined[start:end], query)
        shown: list[Draft] = []
        following = next(iter(examined[end:]), None)
        for draft in drafted:
            if not all(places.seen(reader, record, draft.revision, revision) for record in draft.records):
                withheld += draft.kind not in candidates.BY_CURATORS
            elif len(rows) + len(shown) < query.limit:
                shown.append(draft)
            else:
                following = draft.revision
                break
        rows += _rows(session, shown, places, revision)
        if len(rows) == query.limit:
            break
    return Page(rows, None if following is None else write_cursor(OF, [following]), lambda: {"withheld": withheld})


def _batches(number: int, limit: int) -> Iterator[tuple[int, int]]:
    """Where each batch of so many entries begins and ends. `limit`: of corrections on a page."""
    end = 0
    while end < number:
        start, end = end, min(number, end + (BATCH if end else min(BATCH, FIRST * limit)))
        yield start, end


def _drafts(session: Session, revisions: list[int], query: CorrectionQuery) -> tuple[list[Draft], PlacementHistory]:
    """The corrections asked for among some entries, newest first, and where the records they are about stood."""
    drafted = [
        *drafts.of_reports(session, revisions), *drafts.of_claims(session, revisions),
        *drafts.of_recalls(session, revisions),
    ]  # fmt: skip
    decided = drafts.decisions(session, revisions)
    about = {record for draft in drafted for record in draft.records}
    places = PlacementHistory(session, about | {record for _revision, *pair in decided for record in pair})
    drafted += drafts.of_decisions(decided, places)
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
    if draft.kind in candidates.BY_CURATORS:
        apart = draft.revision - (draft.kind is CorrectionKind.MERGED)
        people = [place for record in draft.records if (place := places.at(record, apart))]
        return None, None, list(map(places.detainee_id, people))
    place = places.at(draft.records[0], revision) if draft.records else None
    if place is None:
        return None, None, []
    return places.release_id(place, revision), places.detention_id(place), [places.detainee_id(place)]


def _status(draft: Draft, places: PlacementHistory) -> list[ChangeOut]:
    """What became of the release's status, if anything."""
    if draft.kind in candidates.BY_CURATORS or not draft.records:
        return []
    (record,) = draft.records
    after = places.at(record, draft.revision)
    assert after is not None
    before = places.at(record, draft.revision - 1) or after
    was, became = places.status(before.spell, draft.revision - 1), places.status(after.spell, draft.revision)
    return [] if was == became else [{"field": "status", "before": was, "after": became}]
