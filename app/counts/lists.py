"""Pages of what stands at a revision: releases, detentions, detainees, and the registry's own directories."""

import base64
import binascii
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, distinct, exists, func, literal, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.counts import records, shapes
from app.counts.held import select_held
from app.counts.questions import DetaineeQuery, DetentionQuery, FacilityQuery, Paged, ReportQuery
from app.counts.search import Search, by_name
from app.counts.selection import Condition, at, detained_within, hidden, person_conditions, select_releases, visible
from app.counts.terms import PersonTerms, ReleaseTerms
from app.errors import Invalid, NotFound
from app.log.entries import entry_at
from app.models import (
    OPEN,
    CaseKey,
    Claim,
    Detainee,
    DetaineePersonal,
    Detention,
    Facility,
    Record,
    Release,
    Report,
    Source,
    SpellPersonal,
    Trait,
    Verification,
)
from app.registry import content
from app.registry import records as stored
from app.registry.policy import ANONYMOUS_TRAITS, Reader
from app.registry.records import Version
from app.vocabulary import Publish, Role

Row = dict[str, Any]
# Terms that speak of releases: in a list of detainees they mean people with such a release.
RELEASE_TERMS = ReleaseTerms.model_fields.keys() - PersonTerms.model_fields.keys()
_OF_DETENTION = (col(Detention.spell), col(Detention.detainee))
# Aliases, since the list itself may be of one of these tables; made once, which costs more than running a statement.
_SPELL: Any = aliased(Detention)
_TRAIT: Any = aliased(Trait)
_NEWER: dict[type[Any], Any] = {
    table: aliased(table) for table in (Release, Detention, Verification, Detainee, SpellPersonal, DetaineePersonal)
}


@dataclass(frozen=True)
class Page:
    """Rows and the cursor of the next page, if there is one."""

    rows: list[Row]
    cursor: str | None
    beside: Row = field(default_factory=dict)  # what the answer holds besides


def write_cursor(position: list[Any]) -> str:
    """Opaque to clients; it holds the last position and nothing else."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def read_cursor(cursor: str | None, length: int = 1) -> list[int] | None:
    """The position in a cursor. Raises Invalid for one that was not given out here."""
    if cursor is None:
        return None
    try:
        position = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        position = None
    if not isinstance(position, list) or len(position) != length or not all(map(_is_key, position)):
        raise Invalid.at("/cursor", "invalid_cursor", "Follow the `next` link of the page before; do not make one.")
    return position


def _is_key(value: Any) -> bool:
    """Whether a database takes it for a key: a whole number, and not beyond 64 bits."""
    return type(value) is int and abs(value) <= OPEN


def _page(
    session: Session, statement: Select[*tuple[Any, ...]], key: Any, asked: Paged, search: Search | None = None
) -> tuple[list[Any], str | None]:
    """One page of a statement whose first column is an integer key, ordered by it; a search by rank first.

    One row more tells whether another page follows.
    """
    if search is None:
        after = read_cursor(asked.cursor)
        if after is not None:
            statement = statement.where(key > after[0])
        ordered = statement.order_by(key)
    else:
        after = read_cursor(asked.cursor, 2)
        statement = statement.where(search.inside)
        if after is not None:
            statement = statement.where((search.rank < after[0]) | ((search.rank == after[0]) & (key > after[1])))
        ordered = statement.add_columns(search.rank.label("rank")).order_by(search.rank.desc(), key)
    rows = list(session.execute(ordered.limit(asked.limit + 1)))
    more = len(rows) > asked.limit
    rows = rows[: asked.limit]
    if not more:
        return rows, None
    return rows, write_cursor([rows[-1][0]] if search is None else [rows[-1].rank, rows[-1][0]])


def _searched(session: Session, asked: Any, reader: Reader, detainee: Any, revision: int) -> Search | None:
    return None if asked.q is None else by_name(session, reader, asked.q, detainee, revision)


def _changed(reader: Reader, spell: Any, detainee: Any, since: int, revision: int) -> Condition:
    """Whether anything shown of a spell or its person changed after a revision, their class included.

    Of somebody unnamed all that is shown are traits: that a name or a family changed is nobody's business.
    """

    def newer(table: Any, this: Any) -> Condition:
        return exists(select(1).where(this, table.since > since, at(table, revision)))

    def of_spell(*tables: type[Any]) -> list[Condition]:
        return [newer(table, table.spell == spell) for table in map(_NEWER.__getitem__, tables)]

    def of_person(*tables: type[Any]) -> list[Condition]:
        return [newer(table, table.detainee == detainee) for table in map(_NEWER.__getitem__, tables)]

    public = [*of_spell(Release, Detention, Verification), *of_person(Detainee)]
    personal = or_(*of_spell(SpellPersonal), *of_person(DetaineePersonal))
    if reader.restricted:
        return or_(*public, personal)
    named = ~hidden(detainee, (Publish.ANONYMOUS, Publish.COUNTED), revision)
    trait = _TRAIT
    gone = (trait.until > since) & (trait.until <= revision) & (trait.since <= since)
    shown = (trait.spell == spell) & trait.name.in_(ANONYMOUS_TRAITS)
    traits = newer(trait, shown) | exists(select(1).where(shown, gone))
    return or_(*public, traits, named & personal)


def releases(session: Session, asked: Any, reader: Reader, revision: int, since: int | None = None) -> Page:
    """Releases that the terms mean, those of people the reader may not see left out; `since`: changed after it.

    Beside them `withheld`: how many were left out, so that a count and the list behind it can be told to agree. Not of
    a search, where nobody hidden is looked for.
    """
    selection = select_releases(session, asked, reader, revision)
    columns = selection.columns
    seen = visible(reader, columns.detainee, revision)
    statement = selection.rows(columns.spell, columns.detainee).where(selection.inside, seen)
    search = _searched(session, asked, reader, columns.detainee, revision)
    if since is not None:
        statement = statement.where(_changed(reader, columns.spell, columns.detainee, since, revision))
    rows, cursor = _page(session, statement, columns.spell, asked, search)
    people = records.people(session, {row[1] for row in rows}, revision)
    shown = [records.shape("release", people[row[1]], row[0], reader) for row in rows]
    if asked.q is not None or since is not None:
        return Page(shown, cursor)
    unseen = selection.rows(func.count(distinct(columns.spell))).where(selection.inside, ~seen)
    return Page(shown, cursor, {"withheld": session.scalars(unseen).one()})


def detentions(
    session: Session, asked: DetentionQuery, reader: Reader, revision: int, since: int | None = None
) -> Page:
    """Spells in custody; with a day those held on it, and then, beside them, how many were left out: `withheld`."""
    selection = None if asked.held_on is None else select_held(session, asked, reader, revision)
    spell, detainee = (selection.columns.spell, selection.columns.detainee) if selection else _OF_DETENTION
    seen = visible(reader, detainee, revision)
    if selection:
        statement = selection.rows(spell, detainee).where(selection.inside, seen)
    else:
        conditions = person_conditions(session, asked, Detention, reader, revision)
        taken = detained_within(asked, Detention, revision)[0]
        statement = select(spell, detainee).where(at(Detention, revision), seen, *conditions, taken)
    search = _searched(session, asked, reader, detainee, revision)
    if since is not None:
        statement = statement.where(_changed(reader, spell, detainee, since, revision))
    rows, cursor = _page(session, statement, spell, asked, search)
    people = records.people(session, {row[1] for row in rows}, revision)
    shown = [records.shape("detention", people[row[1]], row[0], reader) for row in rows]
    if selection is None or asked.q is not None or since is not None:
        return Page(shown, cursor)
    unseen = selection.rows(func.count(distinct(spell))).where(selection.inside, ~seen)
    return Page(shown, cursor, {"withheld": session.scalars(unseen).one()})


def detainees(session: Session, asked: DetaineeQuery, reader: Reader, revision: int, since: int | None = None) -> Page:
    """People; filters on a detention or a release mean people with such a one."""
    key = col(Detainee.detainee)
    statement = select(key).where(at(Detainee, revision), visible(reader, key, revision))
    spells = [
        *person_conditions(session, asked, Detention, reader, revision),
        *([detained_within(asked, Detention, revision)[0]] if asked.detained_from or asked.detained_to else []),
    ]
    if spells:
        statement = statement.where(exists(_spells_of(key, revision).where(*spells)))
    if asked.model_fields_set & RELEASE_TERMS:
        selection = select_releases(session, asked, reader, revision)
        statement = statement.where(key.in_(selection.rows(selection.columns.detainee).where(selection.inside)))
    search = _searched(session, asked, reader, key, revision)
    if since is not None:
        spell = _SPELL
        own = select(literal(1)).where(spell.detainee == key, at(spell, revision))
        statement = statement.where(exists(own.where(_changed(reader, spell.spell, key, since, revision))))
    rows, cursor = _page(session, statement, key, asked, search)
    people = records.people(session, {row[0] for row in rows}, revision)
    return Page([shapes.detainee(people[row[0]], reader) for row in rows], cursor)


def _spells_of(detainee: Any, revision: int) -> Select[int]:
    return select(literal(1)).where(col(Detention.detainee) == detainee, at(Detention, revision))


def sources(session: Session, asked: Paged, revision: int) -> Page:
    rows, cursor = _page(session, select(col(Source.key), Source).where(at(Source, revision)), col(Source.key), asked)
    return Page([source_shape(source) for _key, source in rows], cursor)


def source_shape(source: Source) -> Row:
    names = ("slug", "name", "kind", "country", "independent", "quarantined", "definition")
    return {name: getattr(source, name) for name in names}


def by_slug(session: Session, table: Any, slug: str, revision: int) -> Any:
    """The version of a source or facility that stood at a revision, or None."""
    return session.scalars(select(table).where(table.slug == slug, at(table, revision))).one_or_none()


def facilities(session: Session, asked: FacilityQuery, revision: int) -> Page:
    statement = select(col(Facility.key), Facility).where(at(Facility, revision))
    if asked.country is not None:
        statement = statement.where(col(Facility.country) == asked.country)
    rows, cursor = _page(session, statement, col(Facility.key), asked)
    return Page([facility_shape(facility) for _key, facility in rows], cursor)


def facility_shape(facility: Facility) -> Row:
    names = json.loads(facility.names)
    return {
        "slug": facility.slug,
        "name": names[0],
        "names": names,
        "kind": facility.kind,
        "area": facility.area,
        "country": facility.country,
        "point": json.loads(facility.point) if facility.point else None,
    }


def claims(session: Session, asked: Any, reader: Reader, revision: int) -> Page:
    """Published figures, as they stood at a revision."""
    statement = select(col(Claim.key), Claim).where(at(Claim, revision))
    for name in ("claimant", "measure", "country"):
        if getattr(asked, name) is not None:
            statement = statement.where(getattr(Claim, name) == getattr(asked, name))
    rows, cursor = _page(session, statement, col(Claim.key), asked)
    return Page([claim_shape(session, claim, reader) for _key, claim in rows], cursor)


def claim_shape(session: Session, claim: Claim, reader: Reader) -> Row:
    """A claim as it was filed, `since` its revision; notes are for partners, case numbers for who filed it."""
    entry = entry_at(session, claim.since)
    said = {name: value for name, value in entry.body["said"].items() if name != "stated_at_instant"}
    fields = ("claimant", "joint_with", "measure", "qualifier", "said", "low", "high", "window_from", "window_to",
              "window_said", "stated_at", "zone", "country", "definition", "series", "part_of", "derived_from",
              "supersedes", "same_as", "misprint", "named", "reported_by", "citation")  # fmt: skip
    shown = {"id": claim.id, **{name: said.get(name) for name in fields}}
    own = reader.source == claim.filed_by if claim.filed_by is not None else reader.role is Role.CURATOR
    return {
        **shown,
        "filed_by": entry.body["filed_by"],
        "since": claim.since,
        "source_record_id": entry.personal.get("source_record_id") if own else None,
        "note": entry.personal.get("note") if reader.restricted or own else None,
    }


def own_reports(session: Session, asked: ReportQuery, reader: Reader, revision: int, secret: bytes) -> Page:
    """A source's own reports, whole: all, or the one under a case number. `secret` keys the digests of those."""
    statement = (
        select(col(Record.key), Record, Report)
        .join(Report, col(Report.record) == col(Record.key))
        .where(col(Record.source) == reader.source, at(Report, revision), col(Record.redacted).is_(False))
    )
    if asked.source_record_id is not None and reader.source is not None:
        case = stored.case_digest(secret, reader.source, asked.source_record_id)
        statement = statement.join(CaseKey, col(CaseKey.record_id) == col(Record.id)).where(col(CaseKey.digest) == case)
    rows, cursor = _page(session, statement, col(Record.key), asked)
    shown = [report_shape(record, Version(r.version, entry_at(session, r.since))) for _key, record, r in rows]
    return Page(shown, cursor)


def own_report(session: Session, report_id: uuid.UUID, reader: Reader, revision: int) -> Row:
    """One of a source's own reports, whole. Raises NotFound."""
    record = stored.own(session, report_id, reader.source)
    version = stored.current(session, record, revision)
    if version is None or record.redacted:
        raise NotFound("There is no report with this id among your own.")
    return report_shape(record, version)


def report_shape(record: Record, version: Version) -> Row:
    """One's own report as it was sent, with its place in the log."""
    said = content.unflatten(content.as_sent(version.content))
    number = said.get("detainee", {}).pop("national_id_digest", None)
    return {
        "id": record.id,
        "version": version.number,
        "revision": version.entry.revision,
        "recorded_at": version.entry.body["recorded_at"],
        "source": version.entry.body["source"],
        "has_national_id": number is not None,
        **said,
    }
