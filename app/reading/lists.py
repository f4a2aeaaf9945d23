"""Pages of what stands at a revision: releases, detentions, detainees, and the registry's own directories."""

import json
import uuid
from typing import Any

from sqlalchemy import Select, distinct, exists, func, literal, select
from sqlmodel import Session, col

from app.errors import NotFound
from app.log.entries import entry_at
from app.models import CaseKey, Claim, Detainee, Detention, Facility, Record, Report, Source
from app.reading import changes, records
from app.reading.changes import Among, Listing
from app.reading.countables import countable_of
from app.reading.paging import AFTER_ANY_DAY, BEFORE_ANY_DAY, Order, Page, page
from app.reading.questions import ClaimQuery, DetaineeQuery, DetentionQuery, FacilityQuery, Paged, ReportQuery
from app.reading.search import by_name
from app.reading.selection import person_conditions, select_releases, with_facility_slug
from app.reading.terms import PersonTerms, ReleaseTerms, SourcedTerms, is_personal
from app.reading.traits import partly_hidden
from app.reading.visibility import Condition, at, visible
from app.reading.windows import detained_within
from app.registry import content
from app.registry import records as stored
from app.registry.policy import Reader
from app.registry.records import Kind, Version
from app.vocabulary import Role

Row = dict[str, Any]
# Terms that speak of releases: in a list of detainees they mean people with such a release.
RELEASE_TERMS = ReleaseTerms.model_fields.keys() - PersonTerms.model_fields.keys()
_OF_DETENTION = (col(Detention.spell), col(Detention.detainee))


def _order(among: Among, sort: str | None) -> Order:
    """By key, or by day and then by key; what has no day stands last, whichever way round."""
    down = sort is not None and sort.startswith("-")
    by_key: Order = [(among.key, down)]
    if sort is None or sort.removeprefix("-") == "recorded":
        return by_key
    return [(func.coalesce(among.day, BEFORE_ANY_DAY if down else AFTER_ANY_DAY), down), *by_key]


def _listed(
    session: Session,
    kind: Kind,
    listing: Listing,
    asked: Any,
    reader: Reader,
    revision: int,
    since: int | None,
    *,
    says_withheld: bool = False,
) -> Page:
    """A page of what a listing holds, of people the reader may see; `since`: of what changed in it after a revision."""
    among = listing(asked, revision)
    statement = among.statement.where(visible(reader, among.detainee, revision))
    order = _order(among, asked.sort)
    if asked.q is not None:
        search = by_name(session, reader, asked.q, among.detainee, revision)
        statement = statement.where(search.inside)
        if asked.sort is None:
            order = [(search.rank, True), *order]
    if since is not None:
        statement = statement.where(changes.may_have_changed(kind, among, since, revision))
        shown = changes.changed(session, kind, listing, asked, reader, since, revision)
        left = changes.left(kind, listing, asked, reader, since, revision)
        return changes.page_of_changes(session, statement, order, shown, left, asked, revision)
    rows, cursor = page(session, statement, order, asked.cursor, asked.limit)
    people = records.people(session, {row[1] for row in rows}, revision)
    found = [records.shape(kind, people[row[1]], row[0], reader) for row in rows]
    if asked.q is not None:
        return Page(found, cursor)  # of a search nothing stands beside: nobody hidden is looked for

    def beside() -> Row:
        told = {"withheld": _withheld(session, among, reader, revision)} if says_withheld else {}
        if is_personal(asked):
            told["not_visible"] = _not_visible(session, listing, with_facility_slug(session, asked), reader, revision)
        return told

    return Page(found, cursor, beside)


def _withheld(session: Session, among: Among, reader: Reader, revision: int) -> int:
    """How many of the things listed are of people whom the reader may not see."""
    return _number(session, among, ~visible(reader, among.detainee, revision))


def _not_visible(session: Session, listing: Listing, asked: Any, reader: Reader, revision: int) -> int:
    """How many match every term but personal ones, and may not be asked about one of these: as a count says it."""
    among = listing(asked.public(), revision)
    unseen = partly_hidden(among.columns, asked, reader, revision)
    return 0 if unseen is None else _number(session, among, among.has_spell(unseen))


def _number(session: Session, among: Among, which: Condition) -> int:
    found = among.statement.where(which).with_only_columns(func.count(distinct(among.key)))
    return int(session.scalars(found).one())


def counted(session: Session, asked: SourcedTerms, reader: Reader, revision: int, since: int | None = None) -> Page:
    """What a count of the same terms counts, that of people the reader may not see left out; `since`: changed after it.

    Beside them `withheld`: how many were left out, so that a count and the list behind it can be told to agree.
    """
    countable = countable_of(asked)

    def listing(terms: Any, at_revision: int) -> Among:
        found = countable.select(session, terms, reader, at_revision)
        columns = found.columns
        statement = found.rows(columns.spell, columns.detainee).where(found.inside)
        return Among(statement, columns.spell, columns.detainee, columns, columns.lo)

    return _listed(session, countable.record, listing, asked, reader, revision, since, says_withheld=True)


def detentions(
    session: Session, asked: DetentionQuery, reader: Reader, revision: int, since: int | None = None
) -> Page:
    """Spells in custody, or, with a day, those that a count of the held counts on it."""

    def listing(terms: DetentionQuery, at_revision: int) -> Among:
        conditions = person_conditions(session, terms, Detention, reader, at_revision)
        taken = detained_within(terms, Detention, at_revision)[0]
        every = select(*_OF_DETENTION).where(at(Detention, at_revision), *conditions, taken)
        return Among(every, *_OF_DETENTION, Detention, col(Detention.detained_lo))

    if asked.held_on is not None:
        return counted(session, asked, reader, revision, since)
    return _listed(session, "detention", listing, asked, reader, revision, since)


def detainees(session: Session, asked: DetaineeQuery, reader: Reader, revision: int, since: int | None = None) -> Page:
    """People. Terms that speak of a detention mean whoever has a detention of which all of these hold; terms that speak
    of a release mean whoever has such a release."""
    key = col(Detainee.detainee)

    def listing(terms: DetaineeQuery, at_revision: int) -> Among:
        statement: Any = select(key, key.label("person")).where(at(Detainee, at_revision))
        spells = [
            *person_conditions(session, terms, Detention, reader, at_revision),
            *([detained_within(terms, Detention, at_revision)[0]] if terms.arrested != (None, None) else []),
        ]

        def has_spell(*conditions: Condition) -> Condition:
            return exists(_spells_of(key, at_revision).where(*spells, *conditions))

        if spells:
            statement = statement.where(has_spell())
        if terms.model_fields_set & RELEASE_TERMS:
            found = select_releases(session, terms, reader, at_revision)
            statement = statement.where(key.in_(found.rows(found.columns.detainee).where(found.inside)))
        return Among(statement, key, key, Detention, has_spell=has_spell)

    return _listed(session, "detainee", listing, asked, reader, revision, since)


def _spells_of(detainee: Any, revision: int) -> Select[int]:
    return select(literal(1)).where(col(Detention.detainee) == detainee, at(Detention, revision))


def sources(session: Session, asked: Paged, revision: int) -> Page:
    statement = select(col(Source.key), Source).where(at(Source, revision))
    rows, cursor = page(session, statement, [(col(Source.key), False)], asked.cursor, asked.limit)
    return Page([source_shape(row[1]) for row in rows], cursor)


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
    rows, cursor = page(session, statement, [(col(Facility.key), False)], asked.cursor, asked.limit)
    return Page([facility_shape(row[1]) for row in rows], cursor)


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


def claims(session: Session, asked: ClaimQuery, reader: Reader, revision: int, since: int | None = None) -> Page:
    """Published figures, as they stood at a revision; `since`: filed or corrected after it."""

    def matching(table: Any) -> list[Condition]:
        names = ("claimant", "measure", "country")
        return [getattr(table, name) == getattr(asked, name) for name in names if getattr(asked, name) is not None]

    def shown(rows: list[Any]) -> list[Row | None]:
        return [claim_shape(session, claim, reader) for _key, claim, *_position in rows]

    statement = select(col(Claim.key), Claim).where(at(Claim, revision), *matching(Claim))
    order: Order = [(col(Claim.key), asked.sort == "-recorded")]
    if since is not None:
        statement = statement.where(col(Claim.since) > since)
        left = changes.claims_left(matching, since, revision)
        return changes.page_of_changes(session, statement, order, shown, left, asked, revision)
    rows, cursor = page(session, statement, order, asked.cursor, asked.limit)
    return Page([claim_shape(session, claim, reader) for _key, claim, *_position in rows], cursor)


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
    rows, cursor = page(session, statement, [(col(Record.key), False)], asked.cursor, asked.limit)
    shown = [report_shape(row[1], Version(row[2].version, entry_at(session, row[2].since))) for row in rows]
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
