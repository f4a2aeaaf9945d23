"""Which things a list holds, by its terms: releases, detentions or people; and the order in which it shows them.

What changed in a list for its reader since a revision: things shown otherwise or anew, and things that left it.

What the reader could be shown then is compared with what the reader is shown now. So a change of a value that the
reader may not see is no change, while consent given or withdrawn is one, and so is a decision about two people.

A thing that left leaves a tombstone, an id and nothing else, if it was listed for everyone then. Tombstones of things
that stand no more, or may not be shown any more, do not depend on the terms: asking under ever narrower terms what left
must not tell what it was. Tombstones of things still shown depend on the terms that read nothing personal."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import Select, and_, exists, or_, select
from sqlalchemy import select as select_rows
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.columns import table
from app.columns.loader import CHANGED, Columns
from app.columns.rows import NONE, Array, Mask, Places, Rows, flags
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
from app.queries import person_records, shapes, visibility
from app.queries.parameters import (
    AFTER_ANY_DAY,
    BEFORE_ANY_DAY,
    DetaineeQuery,
    DetentionQuery,
    Page,
    Paged,
    ReleaseQuery,
    Row,
    ThingsQuery,
    after,
    read_cursor,
    write_cursor,
)
from app.queries.selection import detentions
from app.queries.selection import select as select_meant
from app.queries.shapes import Person, Shape
from app.queries.terms import PersonTerms, ReleaseTerms
from app.queries.visibility import Condition, at, seen
from app.registry.publication.classes import in_name_of
from app.registry.publication.permissions import Reader
from app.registry.records import Kind
from app.schemas.base import Tombstone
from app.schemas.records import DetaineeShape, ReleaseShape, VerificationOut
from app.vocabulary import Publish

# Terms of releases: in a list of detainees they mean people with such a release.
RELEASE_TERMS = ReleaseTerms.model_fields.keys() - PersonTerms.model_fields.keys()

# Of the things of a list one in so many is looked at, to tell which come first; some more of these than the page holds
# are let pass, so that nearly always one look is enough.
SAMPLED, SPARE = 64, 16


@dataclass(frozen=True)
class ListedThings:
    """The things that terms mean at a revision: the key and the person of each, and a day, where they have one.

    `spells`: the rows that personal terms read, and `own`: of one source's own words. A release and a detention are one
    spell each, and have the row at the same place; a person may have several."""

    key: Array
    person: Array
    day: Array | None
    spells: Rows
    own: bool = False
    of_people: bool = False

    def with_spell(self, mask: Mask) -> Mask:
        """Which things have a spell for which a condition on `spells` holds."""
        if not self.of_people:
            return mask
        keys = int(self.key.max(initial=0)) + 1
        people = self.spells[table.PERSON][mask]
        return flags(keys, people[people < keys])[self.key]


# A query and a revision → the things that its terms mean then.
Listing = Callable[[ReleaseQuery | DetentionQuery | DetaineeQuery, int], ListedThings]


def counted(session: Session, query: ReleaseQuery | DetentionQuery, reader: Reader, revision: int) -> ListedThings:
    """What a count of the same terms counts."""
    selection = select_meant(session, query, reader, revision)
    rows = selection.rows.where(selection.inside)
    return ListedThings(rows["spell"], rows[table.PERSON], rows["lo"], rows, selection.own)


def every_detention(session: Session, query: DetentionQuery, reader: Reader, revision: int) -> ListedThings:
    """Spells in custody, whenever they were."""
    rows = detentions(session, query, reader, revision)
    return ListedThings(rows["spell"], rows[table.PERSON], rows["detained_lo"], rows)


def people(session: Session, query: DetaineeQuery, reader: Reader, revision: int) -> ListedThings:
    """People. Terms of detentions mean people with a detention of which all these terms hold; terms of releases mean
    people with such a release."""
    columns = columns_of(session)
    keys = columns.rows(table.PEOPLE, revision)[table.PERSON]
    spells = detentions(session, query, reader, revision)
    if query.id:
        known = session.scalars(select_rows(col(Record.key)).where(col(Record.detainee_id).in_(query.id))).all()
        keys = keys[np.isin(keys, known)]
    if any(getattr(query, name) not in (None, []) for name in PersonTerms.model_fields):
        keys = keys[flags(columns.keys, spells[table.PERSON])[keys]]
    if query.model_fields_set & RELEASE_TERMS:
        released = select_meant(session, query, reader, revision)
        keys = keys[flags(columns.keys, released.person[released.inside])[keys]]
    return ListedThings(keys, keys, None, spells, of_people=True)


@dataclass(frozen=True)
class ArrayOrder:
    """An order of things: columns with whether the highest come first, the last one a key."""

    columns: Sequence[tuple[Array, bool]]

    def after(self, position: Sequence[int] | None, limit: int) -> list[tuple[int, list[int]]]:
        """At most `limit` things that come after a position: the place of each, and its own position."""
        # In whole numbers as wide as the columns are: what is looked through is everybody's.
        values = [-column if down else column for column, down in self.columns]
        places: Places | None = None
        if position is not None:
            passed = [
                -number if down else number for number, (_column, down) in zip(position, self.columns, strict=True)
            ]
            places = np.flatnonzero(_beyond(values, passed))
        first = values[0] if places is None else values[0][places]
        if len(first) > limit:
            with_ties = np.flatnonzero(first <= _value_at(first, limit))
            places = with_ties if places is None else places[with_ties]
        elif places is None:
            places = np.arange(len(first))
        in_order: Places = places[np.lexsort([value[places] for value in reversed(values)])][:limit]
        shown = zip(*(column[in_order].tolist() for column, _down in self.columns), strict=True)
        return [(place, [*numbers]) for place, numbers in zip(in_order.tolist(), shown, strict=True)]


def _value_at(values: Array, place: int) -> int:
    """The value that stands at a place in ascending order. Where there are many, most are seen to be too high by a
    sample, and only the others are put in order."""
    sample = values[::SAMPLED]
    beyond = place // SAMPLED * 4 + SPARE
    if len(sample) > beyond:
        low = values[values <= np.partition(sample, beyond)[beyond]]
        values = low if len(low) > place else values
    return int(np.partition(values, place)[place])


def _beyond(values: Sequence[Array], passed: Sequence[int]) -> Mask:
    """Which rows come after a position, compared by the first value, where it is the same by the second, and so on."""
    beyond, same = np.zeros(len(values[0]), bool), np.ones(len(values[0]), bool)
    for value, number in zip(values, passed, strict=True):
        beyond |= same & (value > number)
        same &= value == number
    return beyond


def order_of(things: ListedThings, sort: str | None) -> list[tuple[Array, bool]]:
    """By key, or by day and then by key; what has no day stands last, whichever way round."""
    down = sort is not None and sort.startswith("-")
    by_key = [(things.key, down)]
    if sort is None or sort.removeprefix("-") == "recorded" or things.day is None:
        return by_key
    undated = BEFORE_ANY_DAY if down else AFTER_ANY_DAY
    return [(np.where(things.day == NONE, undated, things.day), down), *by_key]


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
    of_person.append(visibility.may_have_changed(detainee, since, revision))
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
        consented = visibility.consented(session, past.keys(), since)
        hidden = visibility.hidden_at(session, past.keys(), since)
        always_changed = visibility.first_consented(session, now.keys(), since, revision)
        always_changed |= visibility.erased_since(session, now.keys(), since, revision)

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
    return statement.where(~hidden_then, ~visibility.hid(then.detainee, since), touched)


def claims_left(session: Session, matching: Callable[[Any], list[Condition]], since: int, revision: int) -> Following:
    """Key and id of the claims that matched the terms and do not any more."""
    then, now = _CLAIM_THEN, _CLAIM_NOW
    matches = exists(select(1).where(now.key == then.key, at(now, revision), *matching(now)))
    statement = select(then.key, then.id).where(at(then, since), *matching(then), ~matches)
    return lambda beyond, wanted: after(session, statement, [(then.key, False)], beyond, wanted)
