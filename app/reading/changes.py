"""What changed in a list for its reader since a revision: things shown otherwise or anew, and things that left it.

What the reader could be shown then is compared with what the reader is shown now. So a change of a value that the
reader may not see is no change, while consent given or withdrawn is one, and so is a decision about two people.

A thing that left leaves a tombstone, an id and nothing else, if it was listed for everyone then. Tombstones of things
that stand no more, or may not be shown any more, do not depend on the terms: asking under ever narrower terms what left
must not tell what it was. Tombstones of things still shown depend on the terms that read nothing personal.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy import Select, and_, exists, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.columns.loader import CHANGED, Columns
from app.columns.rows import Mask, flags
from app.columns.store import columns_of
from app.columns.table import ARRESTS, FURTHEST_STAGES, PEOPLE, PERSON, Kept
from app.db.engine import chunks
from app.models import (
    Claim,
    Detainee,
    DetaineePersonal,
    Detention,
    DetentionState,
    Placement,
    Record,
    Release,
    ReleaseAtStage,
    SourceDetention,
    SourceRelease,
    SpellPersonal,
    Trait,
    Verification,
)
from app.reading import past_permission, person_records, shapes
from app.reading.classes import seen
from app.reading.listing import Listing
from app.reading.paging import Page, Row, after, read_cursor, write_cursor
from app.reading.questions import Paged, ThingsQuery
from app.reading.shapes import Person, Shape
from app.reading.visibility import Condition, at
from app.registry.publication.classes import in_name_of
from app.registry.publication.permissions import Reader
from app.registry.records import Kind
from app.schemas.base import Tombstone
from app.schemas.records import DetaineeShape, ReleaseShape, VerificationOut
from app.vocabulary import Publish

# A position that was passed, and how many rows are wanted → rows that come after it, each with its own position.
Following = Callable[[Sequence[int] | None, int], list[tuple[Any, list[int]]]]

# Aliases, since the list itself may be of any of these tables; made once, which costs more than running a statement.
_OF_SPELL: tuple[Any, ...] = tuple(
    aliased(table)
    for table in (
        Release,
        Detention,
        Verification,
        SpellPersonal,
        ReleaseAtStage,
        SourceRelease,
        DetentionState,
        SourceDetention,
        Trait,
        Placement,
    )
)
_OF_PERSON: tuple[Any, ...] = (aliased(Detainee), aliased(DetaineePersonal))
_KEYS: dict[str, tuple[Any, str]] = {
    "release": (Release, "spell"),
    "detention": (Detention, "spell"),
    "detainee": (Detainee, "detainee"),
}
_THEN: dict[str, Any] = {kind: aliased(table) for kind, (table, _key) in _KEYS.items()}
_KEPT: dict[str, Kept] = {"release": FURTHEST_STAGES, "detention": ARRESTS, "detainee": PEOPLE}
_PERSON_THEN: Any = aliased(Detainee)
_CLAIM_THEN: Any = aliased(Claim)
_CLAIM_NOW: Any = aliased(Claim)
STANDS, GONE = 0, 1  # what the first number of a cursor says of the row that was passed


def page_of_changes(
    of: str,
    width: int,
    following: Following,
    shown: Callable[[list[Any]], Sequence[Row | None]],
    leaving: Following,
    query: Paged,
    revision: int,
) -> Page[Row]:
    """A page of what changed, then of what left. `following`: whatever may have changed, by positions of `width`
    numbers; `of`: the list and its order; `shown`: those rows as the reader is shown them, None for a row in which
    nothing changed; `leaving`: key and id of what left, by the key."""
    of = f"changes of {of}"
    position = read_cursor(query.cursor, of, 1 + width) or [STANDS]
    rows: list[Row] = []
    gone: list[Tombstone] = []
    positions: list[list[int]] = []
    wanted = query.limit + 1
    passed: Sequence[int] | None = position[1:] or None
    while position[0] == STANDS and len(rows) < wanted:
        placed = following(passed, wanted)
        for row, (_key, place) in zip(shown([row for row, _place in placed]), placed, strict=True):
            if row is not None:
                rows.append(row)
                positions.append([STANDS, *place])
        if len(placed) < wanted:
            break
        passed = placed[-1][1]
    if len(rows) < wanted:
        beyond = position[1:2] if position[0] == GONE else None
        fill = [0] * (width - 1)
        for (_key, thing_id, *_position), (number,) in leaving(beyond, wanted - len(rows)):
            gone.append({"id": thing_id, "revision": revision, "gone": True})
            positions.append([GONE, number, *fill])
    cursor = write_cursor(of, positions[query.limit - 1]) if len(positions) > query.limit else None
    return Page(rows[: query.limit], cursor, gone=gone[: query.limit - len(rows)])


def may_have_changed(session: Session, columns: Columns, since: int) -> Mask:
    """By person, whether entries after a revision changed any row, or who may see it; and of some others."""
    changed = session.scalars(CHANGED, {"after": since})
    # Who was filed after the columns were brought to the head is not in them.
    return flags(columns.keys, np.array([key for key in changed if key < columns.keys], int))


def _touched_of(kind: Kind, keys: Collection[int], since: int, revision: int) -> Select[*tuple[Any, ...]]:
    """The keys of those of the things of which an entry after a revision changed a row, or who may see it."""
    table, key = _THEN[kind], _key(kind)
    return select(key).where(key.in_(keys), at(table, revision), _touched(kind, key, table.detainee, since, revision))


def _touched(kind: Kind, key: Any, detainee: Any, since: int, revision: int) -> Condition:
    """Whether any row of a thing or of its person began or ended after a revision, or the permission to see it did."""

    def touched(table: Any, whose: Condition) -> Condition:
        begun = and_(table.since > since, table.since <= revision)
        ended = and_(table.until > since, table.until <= revision)
        return exists(select(1).where(whose, or_(begun, ended)))

    of_person = [touched(table, table.detainee == detainee) for table in _OF_PERSON]
    of_person.append(past_permission.may_have_changed(detainee, since, revision))
    if kind == "detainee":
        return or_(*of_person, *(touched(table, table.detainee == key) for table in _OF_SPELL))
    return or_(*of_person, *(touched(table, table.spell == key) for table in _OF_SPELL))


def changed(
    session: Session,
    kind: Kind,
    shape: Shape[Row],
    listing: Listing,
    query: ThingsQuery,
    reader: Reader,
    since: int,
    revision: int,
) -> Callable[[list[Any]], list[Row | None]]:
    """The things of `(key, person)` rows as the reader is shown them; None for a thing that was listed so at
    `since`."""
    then = listing(query, since)
    listed_then = set(then.key.tolist())
    column = getattr(_THEN[kind], _KEYS[kind][1])

    def shown(rows: list[Any]) -> list[Row | None]:
        keys = [row[0] for row in rows]
        touched = set(session.scalars(_touched_of(kind, keys, since, revision)))
        listed = listed_then.intersection(keys)
        whose = select(column, _THEN[kind].detainee).where(column.in_(listed), at(_THEN[kind], since))
        before = dict(map(tuple, session.execute(whose))) if listed else {}
        past = person_records.people(session, set(before.values()), since)
        now = person_records.people(session, {row[1] for row in rows}, revision)
        consented = past_permission.consented(session, past.keys(), since)
        hidden = past_permission.hidden_at(session, past.keys(), since)
        always_changed = past_permission.first_consented(session, now.keys(), since, revision)
        always_changed |= past_permission.erased_since(session, now.keys(), since, revision)

        def same(key: int, person: Person) -> bool:
            was = past.get(before.get(key, 0))
            if key not in touched:
                return True
            if was is None or person.detainee["detainee"] in always_changed:
                return False
            of_then = in_name_of(was.detainee["publish"], was.detainee["detainee"] in consented)
            publish_then = Publish.COUNTED if was.detainee["detainee"] in hidden else of_then
            was = replace(was, publish=publish_then)  # what was shown then, by the class of then
            return reader.sees_person(was.publish) and _told(kind, was, key, reader) == _told(kind, person, key, reader)

        return [None if same(row[0], now[row[1]]) else shape(now[row[1]], row[0], reader) for row in rows]

    return shown


def _told(
    kind: Kind, person: Person, key: int, reader: Reader
) -> tuple[DetaineeShape, list[ReleaseShape], list[list[VerificationOut]]]:
    """All that a reader is told of a thing and of its person."""
    about = shapes.detainee(person, reader)
    spells = [*person.detentions]
    if kind != "detainee":
        spells = [key]
        about["detentions"] = [shapes.detention(person, key, reader)]
    releases = [shapes.release(person, spell, reader) for spell in spells if spell in person.releases]
    verdicts = [
        person_records.verifications(person, spell, of, reader) for spell in spells for of in ("detention", "release")
    ]
    return about, releases, verdicts


def left(
    session: Session, kind: Kind, listing: Listing, query: ThingsQuery, reader: Reader, since: int, revision: int,
    touched: Mask,
) -> Following:  # fmt: skip
    """Key and id of what left a list of detainees, detentions or releases. `touched`: who may have changed."""
    columns, kept = columns_of(session), _KEPT[kind]
    name = _KEYS[kind][1]
    now, then = columns.rows(kept, revision), columns.rows(kept, since)
    shown_now = now[name][seen(columns, now[PERSON], reader, revision)]
    public = query.public()
    moved_out = flags(columns.keys, listing(public, since).key) & ~flags(columns.keys, listing(public, revision).key)
    departed = ~flags(columns.keys, shown_now)[then[name]] | moved_out[then[name]]
    keys = np.sort(then[name][departed & touched[then[PERSON]] if not reader.restricted else departed])

    def leaving(beyond: Sequence[int] | None, wanted: int) -> list[tuple[Any, list[int]]]:
        rest = keys[keys > beyond[0]] if beyond else keys
        found: list[tuple[Any, list[int]]] = []
        for some in chunks(rest.tolist()):
            found += after(session, _left(kind, some, reader, since, revision), [(_key(kind), False)], None, wanted)
            if len(found) >= wanted:
                break
        return found[:wanted]

    return leaving


def _key(kind: Kind) -> Any:
    return getattr(_THEN[kind], _KEYS[kind][1])


def _left(kind: Kind, keys: Collection[int], reader: Reader, since: int, revision: int) -> Select[*tuple[Any, ...]]:
    """Key and id of those of the things that the reader may be told to have left: what was listed for everyone then."""
    then, key = _THEN[kind], _key(kind)
    statement = (
        select(key, getattr(Record, f"{kind}_id"))
        .join(Record, col(Record.key) == key)
        .where(at(then, since), key.in_(keys))
    )
    if reader.restricted:
        return statement
    person = _PERSON_THEN
    hidden_then = exists(
        select(1).where(person.detainee == then.detainee, at(person, since), person.publish == Publish.COUNTED.value)
    )
    # Whoever is hidden for perhaps being a child was hidden then already, if nothing was said of the person since.
    touched = _touched(kind, key, then.detainee, since, revision)
    return statement.where(~hidden_then, ~past_permission.hid(then.detainee, since), touched)


def claims_left(session: Session, matching: Callable[[Any], list[Condition]], since: int, revision: int) -> Following:
    """Key and id of the claims that matched the terms and do not any more."""
    then, now = _CLAIM_THEN, _CLAIM_NOW
    matches = exists(select(1).where(now.key == then.key, at(now, revision), *matching(now)))
    statement = select(then.key, then.id).where(at(then, since), *matching(then), ~matches)
    return lambda beyond, wanted: after(session, statement, [(then.key, False)], beyond, wanted)
