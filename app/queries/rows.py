"""Rows of lists of people, detentions and releases: the shape, the person, and the newest revision that changed what
the reader sees in the row.

Rows of public tables have nothing hidden, so their `since` is exact. Rows of personal facts have more than most readers
may see, so their versions are compared as the reader sees them: otherwise the number would disclose that a hidden value
changed. Versions are read only where the current one is newer than every public row, which is rare."""

import json
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select
from sqlmodel import Session, col

from app.dates import format_instant
from app.db.engine import Key
from app.log.entries import load_kinds_and_dates
from app.models import DetaineePersonal, Placement, SpellPersonal
from app.projection.person import SOURCE_FIELDS
from app.queries import person_records
from app.queries.shapes import RELEASE_FACTS, SHAPE_BUILDERS, Person, StoredRow, StoredVerification, build_place
from app.registry.publication.permissions import Reader
from app.registry.records import TargetKind
from app.schemas.base import Facts

_KEYS: Any = bindparam("keys", expanding=True)
_REVISION: Any = bindparam("revision", type_=Key)
_BASE: Any = bindparam("base", type_=Key)
# When reports last left a spell: that may leave no newer row.
_DEPARTURES = (
    select(col(Placement.detainee), col(Placement.spell), func.max(col(Placement.until)))
    .where(col(Placement.detainee).in_(_KEYS), col(Placement.until) <= _REVISION)
    .group_by(col(Placement.detainee), col(Placement.spell))
)


def _select_versions(table: Any, key: Any) -> Any:
    return (
        select(key, table.since, table.until, table.facts)
        .where(key.in_(_KEYS), table.since <= _REVISION, table.until > _BASE)
        .order_by(key, table.since.desc())
    )


_SPELL_VERSIONS = _select_versions(SpellPersonal, SpellPersonal.spell)
_PERSON_VERSIONS = _select_versions(DetaineePersonal, DetaineePersonal.detainee)

Row = dict[str, Any]
Item = tuple[int, int]  # the key of a row and of its person


class _PersonalPart(NamedTuple):
    """Personal facts in a row: the statement of their versions, the key there, the revision that wrote the current
    version (0 if there is none), and a function that returns what the reader sees of them."""

    statement: Any
    key: int
    since: int
    show: Callable[[Facts], Any]


def load_rows(
    session: Session, items: Sequence[Item], kind: TargetKind, reader: Reader, revision: int, *, include_detainee: bool
) -> list[Row]:
    """Load the people of some items and return the rows, in the order of the items."""
    # The tables of a list of detainees include those of the other lists.
    tables: TargetKind = "detainee" if include_detainee else kind
    people = person_records.load_people(session, {person for _key, person in items}, revision, tables)
    return build_rows(session, people, items, kind, reader, revision, include_detainee=include_detainee)


def build_rows(
    session: Session,
    people: Mapping[int, Person],
    items: Sequence[Item],
    kind: TargetKind,
    reader: Reader,
    revision: int,
    *,
    include_detainee: bool = False,
) -> list[Row]:
    """Return the rows of some items as the reader may see them, each with the revision that last changed it.

    `include_detainee`: embed the row of the person."""
    shapes = [SHAPE_BUILDERS[kind](people[person], key, reader) for key, person in items]
    rows = add_revisions(session, shapes, find_row_revisions(session, people, items, kind, reader, revision))
    if include_detainee:
        detainees = list(dict.fromkeys((person, person) for _key, person in items))
        detainee_rows = build_rows(session, people, detainees, "detainee", reader, revision)
        row_by_person = dict(zip((key for key, _person in detainees), detainee_rows, strict=True))
        for row, (_key, person) in zip(rows, items, strict=True):
            row["detainee"] = row_by_person[person]
    return rows


def build_verification_rows(
    session: Session, person: Person, spell: int, object_kind: str, reader: Reader, revision: int
) -> list[Row]:
    """Return the rows of the verdicts on a release or detention, by source."""
    shapes = person_records.build_verification_shapes(person, spell, object_kind, reader)
    verdicts = person.list_verdicts(spell, object_kind)
    return add_revisions(session, shapes, find_verdict_revisions(session, person, verdicts, reader, revision))


def add_revisions(session: Session, shapes: Sequence[Mapping[str, Any]], revisions: Sequence[int]) -> list[Row]:
    """Return rows with `revision` and `recorded_at`: the newest entry that changed each."""
    entries = load_kinds_and_dates(session, sorted(set(revisions)))
    return [
        {**shape, "revision": revision, "recorded_at": format_instant(entries[revision][1])}
        for shape, revision in zip(shapes, revisions, strict=True)
    ]


def find_row_revisions(
    session: Session,
    people: Mapping[int, Person],
    items: Sequence[Item],
    kind: TargetKind,
    reader: Reader,
    revision: int,
) -> list[int]:
    """Return for each item the newest revision, up to `revision`, that changed what the reader sees of it."""
    departures: dict[int, dict[int, int]] = {}
    if kind != "release":
        parameters = {"keys": [person for _key, person in items], "revision": revision}
        for person, spell, departed in session.connection().execute(_DEPARTURES, parameters):
            departures.setdefault(person, {})[spell] = departed
    revisions = [_find_public_revision(people[person], key, kind, departures.get(person, {})) for key, person in items]
    parts = [_list_personal_parts(people[person], key, kind, reader) for key, person in items]
    return _add_personal_changes(session, revisions, parts, revision)


def find_verdict_revisions(
    session: Session, person: Person, rows: Sequence[StoredVerification], reader: Reader, revision: int
) -> list[int]:
    """Return for each verdict on a person's release or detention the newest revision that changed what the reader
    sees of it."""

    def build_part(row: StoredVerification) -> _PersonalPart:
        slug, names = person.slugs[row["source"]], [n for n in SOURCE_FIELDS if reader.can_see_fact(person.publish, n)]

        def show(facts: Any) -> Any:
            return [facts.get(name, {}).get(row["object"], {}).get(slug) for name in names]

        return _PersonalPart(_SPELL_VERSIONS, row["spell"], person.spell_since.get(row["spell"], 0), show)

    parts = [[build_part(row)] for row in rows]
    return _add_personal_changes(session, [row["since"] for row in rows], parts, revision)


def _add_personal_changes(
    session: Session, public_revisions: Sequence[int], parts: Sequence[Sequence[_PersonalPart]], revision: int
) -> list[int]:
    """Return the newest revisions of items: those of their public rows, or of a later change of what the reader sees of
    their personal `parts`."""
    revisions = [*public_revisions]
    newer_parts = [
        (place, part)
        for place, item_parts in enumerate(parts)
        for part in item_parts
        if part.since == 0 or part.since > revisions[place]
    ]
    for statement in (_SPELL_VERSIONS, _PERSON_VERSIONS):
        of_table = [(place, part) for place, part in newer_parts if part.statement is statement]
        if not of_table:
            continue
        keys, base = [part.key for _place, part in of_table], min(revisions[place] for place, _part in of_table)
        versions: dict[int, list[Any]] = {}
        for row in session.connection().execute(statement, {"keys": keys, "base": base, "revision": revision}):
            versions.setdefault(row[0], []).append(row)
        for place, part in of_table:
            last_change = _find_last_change(versions.get(part.key, []), part.show, revision)
            revisions[place] = max(revisions[place], last_change)
    return revisions


def _find_public_revision(person: Person, key: int, kind: TargetKind, departures: Mapping[int, int]) -> int:
    """Return the newest revision of the public rows of an item. `departures`: spell → when a report last left it."""
    if kind == "detainee":
        spells = [_find_public_revision(person, spell, "detention", departures) for spell in person.detentions]
        return max([person.detainee["since"], *spells, *departures.values()])
    moves = person.moves.get(key, [])
    if kind == "release":
        return max([person.releases[key]["since"], *moves])
    verdicts = (row["since"] for row in person.held_by_source if row["spell"] == key)
    rows: list[StoredRow] = [table[key] for table in (person.detention_states, person.releases) if key in table]
    return max(
        [person.detentions[key]["since"], *verdicts, *(row["since"] for row in rows), *moves, departures.get(key, 0)]
    )


def _list_personal_parts(person: Person, key: int, kind: TargetKind, reader: Reader) -> list[_PersonalPart]:
    """Return the personal facts that an item shows."""

    def show_of_release(facts: Facts) -> Any:
        visible = _filter_spell_facts(person, facts, reader)
        return build_place(visible), {name: fact for name, fact in visible.items() if name in RELEASE_FACTS}

    def show_of_detention(facts: Facts) -> Any:
        visible = _filter_spell_facts(person, facts, reader)
        return {name: fact for name, fact in visible.items() if name not in RELEASE_FACTS}

    def show_of_person(facts: Facts) -> Any:
        return reader.filter_facts(person.publish, facts), reader.get_birth_year(person.publish, facts)

    show = show_of_release if kind == "release" else show_of_detention
    spells = person.detentions if kind == "detainee" else [key]
    parts = [_PersonalPart(_SPELL_VERSIONS, spell, person.spell_since.get(spell, 0), show) for spell in spells]
    if kind == "detainee":
        parts.append(_PersonalPart(_PERSON_VERSIONS, key, person.personal_since, show_of_person))
    return parts


def _filter_spell_facts(person: Person, facts: Facts, reader: Reader) -> Facts:
    consolidated_facts = {name: fact for name, fact in facts.items() if name not in SOURCE_FIELDS}
    return reader.filter_facts(person.publish, consolidated_facts)


def _find_last_change(versions: Sequence[Any], show: Callable[[Facts], Any], revision: int) -> int:
    """Return the newest revision at which `show` changed. `versions`: `(key, since, until, facts)`, newest first; 0 if
    it did not change in them."""
    nothing = show({})
    states: list[tuple[int, Any]] = []  # since when, and what was shown
    end = revision + 1
    for _key, since, until, facts in versions:
        if until < end:
            states.append((until, nothing))
        states.append((since, show(json.loads(facts))))
        end = since
    changes = (since for (since, shown), (_since, before) in pairwise([*states, (0, nothing)]) if shown != before)
    return next(changes, 0)
