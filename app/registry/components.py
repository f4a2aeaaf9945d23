"""Project again the people that an entry touched, and write what changed.

A component is every record that standing `same` decisions connect, void ones included: whatever an entry does to
its clusters stays inside it.
"""

import uuid
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import and_, bindparam, delete, insert, or_, select, update
from sqlmodel import Session, col

from app.database import IN_CHUNK
from app.log.entries import Appended, read
from app.models import (
    OPEN,
    Consent,
    Decision,
    Detainee,
    DetaineePersonal,
    Detention,
    Entry,
    PendingPair,
    Placement,
    Record,
    Release,
    Report,
    Sealed,
    SpellPersonal,
    Standing,
    Trait,
    Verification,
    Voice,
)
from app.registry import consent
from app.registry.clusters import Edge, resolve
from app.registry.projection import Account, Rows, project
from app.registry.views import Views
from app.vocabulary import Judgement

PROJECTED: tuple[type[Any], ...] = (
    Placement,
    Detainee,
    DetaineePersonal,
    Detention,
    SpellPersonal,
    Release,
    Standing,
    Voice,
    Verification,
    Trait,
)

# Statements are made once: building one costs more than running it.
_STANDING: dict[type[Any], Any] = {
    table: select(table.__table__).where(
        table.__table__.c.detainee.in_(bindparam("detainees", expanding=True)), table.__table__.c.until == OPEN
    )
    for table in PROJECTED
}
_WRITTEN: tuple[type[Any], ...] = (*PROJECTED, PendingPair)
_INSERT: dict[type[Any], Any] = {table: insert(table) for table in _WRITTEN}
_ACCOUNTS = (
    select(Record, Entry, col(Sealed.disclosures))
    .join(Report, and_(col(Report.record) == col(Record.key), col(Report.until) == OPEN))
    .join(Entry, col(Entry.revision) == col(Report.since))
    .outerjoin(Sealed, col(Sealed.revision) == col(Report.since))
)


def chunks(values: Iterable[Any]) -> Iterable[list[Any]]:
    """Lists short enough for one IN (…)."""
    every = list(values)
    for start in range(0, len(every), IN_CHUNK):
        yield every[start : start + IN_CHUNK]


def edges_of(session: Session, records: Collection[uuid.UUID]) -> list[Edge]:
    """All standing decisions that name one of the records."""
    found: dict[int, Edge] = {}
    for some in chunks(records):
        rows = session.execute(
            select(
                col(Decision.key), col(Decision.id), col(Decision.a), col(Decision.b),
                col(Decision.judgement), col(Decision.decided_by), col(Decision.score),
            ).where(col(Decision.until) == OPEN, or_(col(Decision.a).in_(some), col(Decision.b).in_(some)))
        )  # fmt: skip
        found |= {row.key: Edge(*row) for row in rows}
    return list(found.values())


def component_of(session: Session, seeds: Collection[uuid.UUID]) -> tuple[set[uuid.UUID], list[Edge]]:
    """Every record connected to the seeds by `same`, and the decisions that name any of them."""
    records: set[uuid.UUID] = set()
    edges: dict[int, Edge] = {}
    frontier = set(seeds)
    while frontier:
        records |= frontier
        found = edges_of(session, frontier)
        edges |= {edge.key: edge for edge in found}
        frontier = {record for edge in found if edge.same for record in (edge.a, edge.b)} - records
    return records, list(edges.values())


def reproject(
    session: Session,
    views: Views,
    seeds: Collection[uuid.UUID],
    revision: int,
    erased: frozenset[uuid.UUID] = frozenset(),
) -> None:
    """Compute the clusters around the seeds, project each and write the difference at `revision`."""
    component, edges = component_of(session, seeds)
    accounts, publish_now = _load(session, views, component, erased)
    keys = [account.record for account in accounts.values()]
    consents = _consents(session, keys)
    old = _old_detainees(session, keys)
    wanted: Rows = {table: [] for table in PROJECTED}
    classes: dict[int, str] = {}
    for cluster in resolve(accounts, [edge for edge in edges if edge.a in accounts and edge.b in accounts]):
        members = [accounts[record] for record in cluster]
        given = [one for member in members for one in consents.get(member.record, [])]
        publish = consent.person_class(members, given)
        for table, rows in project(members, publish).items():
            wanted[table] += rows
        classes |= {member.record: publish for member in members}
    for table in PROJECTED:
        standing = _standing(session, table, old)
        write_difference(session, table, standing, wanted[table], revision)
    _set_classes(session, classes, publish_now)
    if edges:
        _write_pending(session, edges, component, revision)


def _load(
    session: Session, views: Views, component: Collection[uuid.UUID], erased: frozenset[uuid.UUID]
) -> tuple[dict[uuid.UUID, Account], dict[int, str]]:
    """The current accounts of the component, and each record's class as stored."""
    rows = [row for some in chunks(component) for row in session.execute(_ACCOUNTS.where(col(Record.id).in_(some)))]
    keys = {record.id: record.key for record, *_rest in rows}
    accounts = {}
    for record, entry, disclosures in rows:
        said = read(entry, disclosures)
        pointer = said.body.get("pointer")
        accounts[record.id] = account_of(
            record,
            said,
            views,
            pointer=None if pointer is None else keys.get(uuid.UUID(pointer)),
            erased=record.redacted or record.id in erased,
        )
    return accounts, {record.key: record.publish_now for record, *_rest in rows}


def account_of(record: Record, version: Appended, views: Views, *, pointer: int | None, erased: bool) -> Account:
    """One version of a record as the projection reads it."""
    content = {**version.body["said"], **version.personal}
    return Account(
        record=record.key,
        id=record.id.hex,
        source=views.sources[record.source],
        revision=version.revision,
        content=content,
        pointer=pointer,
        facility=views.facility(content.get("detention.facility")),
        redacted=record.redacted,
        erased=erased,
    )


def _consents(session: Session, keys: Sequence[int]) -> dict[int, list[tuple[int, int, str]]]:
    found: dict[int, list[tuple[int, int, str]]] = {}
    for some in chunks(keys):
        for row in session.scalars(select(Consent).where(col(Consent.record).in_(some))):
            found.setdefault(row.record, []).append((row.key, row.record, row.publish))
    return found


def _old_detainees(session: Session, keys: Sequence[int]) -> set[int]:
    found: set[int] = set()
    for some in chunks(keys):
        found |= set(
            session.scalars(
                select(col(Placement.detainee)).where(col(Placement.record).in_(some), col(Placement.until) == OPEN)
            )
        )
    return found


def _standing(session: Session, table: type[Any], detainees: Collection[int]) -> list[dict[str, Any]]:
    run = session.connection().execute
    rows: list[dict[str, Any]] = []
    for some in chunks(detainees):
        rows += [dict(row) for row in run(_STANDING[table], {"detainees": some}).mappings()]
    return rows


def write_difference(
    session: Session,
    table: type[Any],
    standing: list[dict[str, Any]],
    wanted: list[dict[str, Any]],
    revision: int,
) -> None:
    """Close the standing rows that are no longer wanted as they are, and open those that are new."""
    primary = [column.name for column in table.__table__.primary_key if column.name != "since"]
    values = [c.name for c in table.__table__.c if c.name not in (*primary, "since", "until")]

    def parts(row: dict[str, Any]) -> tuple[Any, Any]:
        return tuple(row[name] for name in primary), tuple(row[name] for name in values)

    new = dict(parts(row) for row in wanted)
    kept = set()
    for row in standing:
        key, value = parts(row)
        if key in new and new[key] == value:
            kept.add(key)
            continue
        matches = [table.__table__.c[name] == row[name] for name in (*primary, "since")]
        # A row of this very revision was never visible to anyone: it leaves no past.
        gone = delete(table) if row["since"] == revision else update(table).values(until=revision)
        session.execute(gone.where(*matches), execution_options={"synchronize_session": False})
    opened = [
        {
            **dict(zip(primary, key, strict=True)),
            **dict(zip(values, value, strict=True)),
            "since": revision,
            "until": OPEN,
        }
        for key, value in new.items()
        if key not in kept
    ]
    if opened:  # an empty list would insert a row of defaults
        session.connection().execute(_INSERT[table], opened)


def _set_classes(session: Session, wanted: dict[int, str], stored: dict[int, str]) -> None:
    for record, publish in wanted.items():
        if stored[record] != publish:
            session.connection().execute(update(Record).where(col(Record.key) == record).values(publish_now=publish))


def _write_pending(
    session: Session,
    edges: Sequence[Edge],
    component: Collection[uuid.UUID],
    revision: int,
) -> None:
    """Which `unsure` decisions still wait: both people known, not one person, and not judged different."""
    ends = {record for edge in edges for record in (edge.a, edge.b)} | set(component)
    place: dict[uuid.UUID, int] = {}
    for some in chunks(ends):
        rows = session.execute(
            select(col(Record.id), col(Placement.detainee))
            .join(Placement, and_(col(Placement.record) == col(Record.key), col(Placement.until) == OPEN))
            .where(col(Record.id).in_(some))
        )
        place |= {row[0]: row[1] for row in rows}
    known = [edge for edge in edges if edge.a in place and edge.b in place]
    apart = {frozenset((place[edge.a], place[edge.b])) for edge in known if edge.judgement == Judgement.DIFFERENT}
    wanted = []
    for edge in known:
        pair = sorted((place[edge.a], place[edge.b]))
        if edge.judgement == Judgement.UNSURE and pair[0] != pair[1] and frozenset(pair) not in apart:
            wanted.append({"decision": edge.key, "detainee_a": pair[0], "detainee_b": pair[1]})
    decisions = [edge.key for edge in edges]
    standing: list[dict[str, Any]] = []
    for some in chunks(decisions):
        columns = PendingPair.__table__.c  # type: ignore[attr-defined]
        found = session.execute(select(*columns).where(columns.decision.in_(some), columns.until == OPEN))
        standing += [dict(row) for row in found.mappings()]
    write_difference(session, PendingPair, standing, wanted, revision)
