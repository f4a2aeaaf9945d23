"""What was taken back or changed, newest first: read from the log, told as far as the reader may see the people.

One entry of the log is one correction at most. Of the entries that may be one many correct nothing, so a page looks at
a fixed number of them, in a fixed number of queries, and may end before it is full.
"""

import uuid
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.counts import correcting, drafts
from app.counts.drafts import Draft
from app.counts.lists import Page, read_cursor, write_cursor
from app.counts.places import Places
from app.counts.terms import CorrectionQuery
from app.dates import format_instant
from app.log import sealed
from app.models import Entry, Sealed
from app.registry.policy import Reader
from app.vocabulary import CorrectionKind

Row = dict[str, Any]

# Entries looked at for one page: one IN (…) of them.
MOST_EXAMINED = 500
# A correction is known by the leaf of its entry, whatever the registry's address.
NAMESPACE = uuid.UUID("6f2d9c1e-3b58-4c0a-9a51-7c1f0f0d8e42")


def corrections(
    session: Session, asked: CorrectionQuery, reader: Reader, revision: int, since: int | None = None
) -> Page:
    """Corrections known at a revision, of people the reader may see; `since`: recorded after it.

    `withheld` beside them: how many this page leaves out because no list may show the people. What curators decided
    about such people is not even counted. The cursor is the revision to go on from.
    """
    after = read_cursor(asked.cursor)
    newest = revision if after is None else min(revision, after[0])
    examined = correcting.entries(session, asked, newest, since or 0, revision, MOST_EXAMINED + 1)
    following = examined[MOST_EXAMINED] if len(examined) > MOST_EXAMINED else None
    found, places = _drafts(session, examined[:MOST_EXAMINED])
    shown: list[Draft] = []
    withheld = 0
    for draft in found:
        if asked.kind and draft.kind not in asked.kind:
            continue
        if not all(places.seen(reader, one, draft.revision, revision) for one in draft.records):
            withheld += draft.kind not in correcting.BY_CURATORS
        elif len(shown) == asked.limit:
            following = draft.revision
            break
        else:
            shown.append(draft)
    rows = _rows(session, shown, places, reader, revision)
    return Page(rows, None if following is None else write_cursor([following]), {"withheld": withheld})


def _drafts(session: Session, revisions: list[int]) -> tuple[list[Draft], Places]:
    """The corrections among some entries, newest first, and where the records they are about stood."""
    found = [*drafts.of_reports(session, revisions), *drafts.of_claims(session, revisions)]
    decided = drafts.decisions(session, revisions)
    about = {record for draft in found for record in draft.records}
    places = Places(session, about | {record for _revision, *pair in decided for record in pair})
    found += drafts.of_decisions(decided, places)
    return sorted(found, key=lambda draft: -draft.revision), places


def _rows(session: Session, shown: list[Draft], places: Places, reader: Reader, revision: int) -> list[Row]:
    """The corrections as the reader sees them; reasons are free text, and for partners."""
    numbers = [draft.revision for draft in shown]
    recorded = session.execute(
        select(col(Entry.revision), col(Entry.recorded_at), col(Entry.leaf_hash), col(Sealed.disclosures))
        .outerjoin(Sealed, col(Sealed.revision) == col(Entry.revision))
        .where(col(Entry.revision).in_(numbers))
    )
    entries = {row.revision: row for row in recorded}
    rows = []
    for draft in shown:
        entry = entries[draft.revision]
        personal = sealed.values(entry.disclosures) if reader.restricted else {}
        rows.append(
            {
                "id": uuid.uuid5(NAMESPACE, entry.leaf_hash.hex()),
                "kind": draft.kind,
                "revision": draft.revision,
                "recorded_at": format_instant(entry.recorded_at),
                "source": draft.source,
                **_about(draft, places, revision),
                "claim_ids": list(draft.claims),
                "changes": [*draft.changes, *_status(draft, places)],
                "reason": personal.get("retraction.reason", personal.get("reason")),
            }
        )
    return rows


def _about(draft: Draft, places: Places, revision: int) -> Row:
    """Whom it is about: the release and detention that hold the report at the revision read; of curators' decisions,
    the two people, as they stood while they were two."""
    if draft.kind in correcting.BY_CURATORS:
        apart = draft.revision - (draft.kind is CorrectionKind.MERGED)
        two = [place for record in draft.records if (place := places.at(record, apart))]
        return {"release_id": None, "detention_id": None, "detainee_ids": list(map(places.detainee_id, two))}
    place = places.at(draft.records[0], revision) if draft.records else None
    if place is None:
        return {"release_id": None, "detention_id": None, "detainee_ids": []}
    return {
        "release_id": places.release_id(place, revision),
        "detention_id": places.detention_id(place),
        "detainee_ids": [places.detainee_id(place)],
    }


def _status(draft: Draft, places: Places) -> list[Row]:
    """What became of the release's status, if anything."""
    if draft.kind in correcting.BY_CURATORS or not draft.records:
        return []
    (record,) = draft.records
    after = places.at(record, draft.revision)
    assert after is not None
    before = places.at(record, draft.revision - 1) or after
    was, became = places.status(before.spell, draft.revision - 1), places.status(after.spell, draft.revision)
    return [] if was == became else [{"field": "status", "before": was, "after": became}]
