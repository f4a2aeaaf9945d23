"""What was taken back or changed, newest first: read from the log, told as far as the reader may see the people.

One entry of the log is one correction at most. Of the entries that may be one many correct nothing (a weekly list moves
the day on which everybody was last known held), so a page is put together batch by batch until it is full.
"""

import uuid
from collections.abc import Iterator
from itertools import islice

from sqlalchemy import select
from sqlmodel import Session, col

from app.dates import format_instant
from app.models import Entry
from app.reading.corrections import candidates, drafts
from app.reading.corrections.drafts import Draft
from app.reading.corrections.placements import PlacementHistory
from app.reading.paging import Page, read_cursor, write_cursor
from app.reading.questions import CorrectionQuery
from app.registry.publication.permissions import Reader
from app.schemas.records import ChangeOut, CorrectionShape
from app.vocabulary import CorrectionKind

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
                withheld += draft.kind not in candidates.BY_CURATORS
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
    source, width = candidates.source_of(session, query.source), RECENT
    while newest > oldest:
        start, newest, width = newest, max(oldest, newest - width), width * WIDER
        yield from candidates.entries(session, query, source, start, newest, revision, MOST_EXAMINED + BATCH)


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
