"""Pages of what stands at a revision: releases, detentions, detainees, and the registry's own directories."""

import json
import uuid
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlmodel import Session, col

from app.columns.loader import Columns
from app.columns.rows import Mask
from app.columns.store import columns_of
from app.errors import NotFound
from app.log import content
from app.log.entries import entry_at
from app.models import CaseKey, Claim, Facility, Record, Report, Source
from app.queries import changes, person_records, shapes
from app.queries.changes import ArrayOrder, ListedThings, Listing, counted, every_detention, order_of
from app.queries.changes import people as people_meant
from app.queries.parameters import (
    Beside,
    ClaimQuery,
    DetaineeQuery,
    DetentionQuery,
    FacilityQuery,
    Order,
    Page,
    Paged,
    ReleaseQuery,
    ReportQuery,
    Row,
    ThingsQuery,
    after,
    page,
    read_cursor,
    write_cursor,
)
from app.queries.search import NOT_FOUND, by_name
from app.queries.selection import with_facility_slug
from app.queries.shapes import Shape
from app.queries.terms import is_personal
from app.queries.visibility import Condition, at, partly_hidden, seen
from app.registry import records
from app.registry.publication.permissions import Reader
from app.registry.records import Kind, Version
from app.schemas.directory import ClaimShape, FacilityShape, SourceShape
from app.schemas.filed import ReportBody, ReportShape
from app.schemas.records import DetaineeShape, DetentionShape, ReleaseShape
from app.vocabulary import FacilityKind, Role, SourceKind


def _listed(
    session: Session,
    kind: Kind,
    shape: Shape[Row],
    listing: Listing,
    query: ThingsQuery,
    reader: Reader,
    revision: int,
    since: int | None,
    *,
    says_withheld: bool = False,
) -> Page[Row]:
    """A page of what a listing holds, of people the reader may see; `since`: of what changed in it after a revision.
    `says_withheld`: beside the page stands how many were left out, so that a count and the list behind it can be told
    to agree."""
    among, columns = listing(query, revision), columns_of(session)
    name = f"counted {kind}s" if says_withheld else f"{kind}s"
    of, shown_to = f"{name} by {query.sort or 'default'}", reader
    order = order_of(among, query.sort)
    if query.q is None:
        shown: Mask = seen(columns, among.person, reader, revision)
        withheld = int(np.count_nonzero(~shown))
    else:
        shown_to = reader.finding
        rank = by_name(session, reader, query.q, revision)[among.person]
        shown = rank != NOT_FOUND  # whose name the reader may see stands in lists
        if query.sort is None:
            order, of = [(rank, True), *order], f"{name} by likeness"
    if since is not None:
        touched = changes.may_have_changed(session, columns, since)
        shown = shown & touched[among.person]
    chosen = np.flatnonzero(shown)
    in_order = ArrayOrder([(column[chosen], down) for column, down in order])

    def following(position: Sequence[int] | None, wanted: int) -> list[tuple[tuple[int, int], list[int]]]:
        placed = in_order.after(position, wanted)
        at = chosen[[place for place, _position in placed]]
        things = zip(among.key[at].tolist(), among.person[at].tolist(), strict=True)
        return [(thing, position) for thing, (_place, position) in zip(things, placed, strict=True)]

    if since is not None:
        told = changes.changed(session, kind, shape, listing, query, shown_to, since, revision)
        left = changes.left(session, kind, listing, query, reader, since, revision, touched)
        return changes.page_of_changes(of, len(order), following, told, left, query, revision)
    placed = following(read_cursor(query.cursor, of, len(order)), query.limit + 1)
    cursor = write_cursor(of, placed[query.limit - 1][1]) if len(placed) > query.limit else None
    rows = [thing for thing, _position in placed[: query.limit]]
    people = person_records.people(session, {person for _key, person in rows}, revision, kind)
    shapes_of_page = [shape(people[person], key, shown_to) for key, person in rows]
    if query.q is not None:
        return Page(shapes_of_page, cursor)  # of a search nothing stands beside: nobody hidden is looked for

    def beside() -> Beside:
        stands: Beside = {}
        if says_withheld:
            stands["withheld"] = withheld
        if is_personal(query):
            stands["not_visible"] = _not_visible(columns, listing, with_facility_slug(session, query), reader, revision)
        return stands

    return Page(shapes_of_page, cursor, beside)


def _not_visible(columns: Columns, listing: Listing, query: Any, reader: Reader, revision: int) -> int:
    """How many match every term but personal ones, and may not be asked about one of these: as a count says it."""
    among = listing(query.public(), revision)
    unseen = partly_hidden(columns, among.spells, query, reader, revision, own=among.own)
    return 0 if unseen is None else int(np.count_nonzero(among.with_spell(unseen)))


def releases(
    session: Session, query: ReleaseQuery, reader: Reader, revision: int, since: int | None = None
) -> Page[ReleaseShape]:
    """The releases that a count of the same terms counts; `since`: changed after it."""

    def listing(terms: Any, at_revision: int) -> ListedThings:
        return counted(session, terms, reader, at_revision)

    return _listed(session, "release", shapes.release, listing, query, reader, revision, since, says_withheld=True)


def detentions(
    session: Session, query: DetentionQuery, reader: Reader, revision: int, since: int | None = None
) -> Page[DetentionShape]:
    """Spells in custody, or, with a day, the spells that a count of the held counts on it."""
    on_a_day = query.held_on is not None

    def listing(terms: Any, at_revision: int) -> ListedThings:
        return (counted if on_a_day else every_detention)(session, terms, reader, at_revision)

    return _listed(
        session, "detention", shapes.detention, listing, query, reader, revision, since, says_withheld=on_a_day
    )


def detainees(
    session: Session, query: DetaineeQuery, reader: Reader, revision: int, since: int | None = None
) -> Page[DetaineeShape]:
    """People. Terms of detentions mean people with a detention of which all these terms hold; terms of releases mean
    people with such a release."""

    def listing(terms: Any, at_revision: int) -> ListedThings:
        return people_meant(session, terms, reader, at_revision)

    return _listed(session, "detainee", shapes.detainee_of, listing, query, reader, revision, since)


def sources(session: Session, query: Paged, revision: int) -> Page[SourceShape]:
    statement = select(col(Source.key), Source).where(at(Source, revision))
    rows, cursor = page(session, statement, "sources", [(col(Source.key), False)], query.cursor, query.limit)
    return Page([source_shape(row[1]) for row in rows], cursor)


def source_shape(source: Source) -> SourceShape:
    return {
        "slug": source.slug,
        "name": source.name,
        "kind": SourceKind(source.kind),
        "country": source.country,
        "independent": source.independent,
        "quarantined": source.quarantined,
        "definition": source.definition,
    }


def by_slug(session: Session, table: Any, slug: str, revision: int) -> Any:
    """The version of a source or facility that stood at a revision, or None."""
    return session.scalars(select(table).where(table.slug == slug, at(table, revision))).one_or_none()


def facilities(session: Session, query: FacilityQuery, revision: int) -> Page[FacilityShape]:
    statement = select(col(Facility.key), Facility).where(at(Facility, revision))
    if query.country is not None:
        statement = statement.where(col(Facility.country) == query.country)
    rows, cursor = page(session, statement, "facilities", [(col(Facility.key), False)], query.cursor, query.limit)
    return Page([facility_shape(row[1]) for row in rows], cursor)


def facility_shape(facility: Facility) -> FacilityShape:
    names = json.loads(facility.names)
    return {
        "slug": facility.slug,
        "name": names[0],
        "names": names,
        "kind": FacilityKind(facility.kind),
        "area": facility.area,
        "country": facility.country,
        "point": json.loads(facility.point) if facility.point else None,
    }


def claims(
    session: Session, query: ClaimQuery, reader: Reader, revision: int, since: int | None = None
) -> Page[ClaimShape]:
    """Published figures, as they stood at a revision; `since`: filed or corrected after it."""

    def matching(table: Any) -> list[Condition]:
        names = ("claimant", "measure", "country")
        return [getattr(table, name) == getattr(query, name) for name in names if getattr(query, name) is not None]

    def shown(rows: list[Any]) -> list[ClaimShape]:
        return [claim_shape(session, claim, reader) for _key, claim, *_position in rows]

    statement = select(col(Claim.key), Claim).where(at(Claim, revision), *matching(Claim))
    order: Order = [(col(Claim.key), query.sort == "-recorded")]
    of = f"claims by {query.sort or 'default'}"
    if since is not None:
        statement = statement.where(col(Claim.since) > since)
        left = changes.claims_left(session, matching, since, revision)
        following = partial(after, session, statement, order)
        return changes.page_of_changes(of, len(order), following, shown, left, query, revision)
    rows, cursor = page(session, statement, of, order, query.cursor, query.limit)
    return Page(shown(rows), cursor)


def claim_shape(session: Session, claim: Claim, reader: Reader) -> ClaimShape:
    """A claim as it was filed, `since` the revision of that. Notes are shown to partners, case numbers to the filing
    source."""
    entry = entry_at(session, claim.stated)
    figure = entry.body["said"]
    own = reader.source == claim.filed_by if claim.filed_by is not None else reader.role is Role.CURATOR
    return {
        "id": claim.id,
        "claimant": figure.get("claimant"),
        "joint_with": figure.get("joint_with"),
        "measure": figure.get("measure"),
        "qualifier": figure.get("qualifier"),
        "said": figure.get("said"),
        "low": figure.get("low"),
        "high": figure.get("high"),
        "window_from": figure.get("window_from"),
        "window_to": figure.get("window_to"),
        "window_said": figure.get("window_said"),
        "stated_at": figure.get("stated_at"),
        "zone": figure.get("zone"),
        "country": figure.get("country"),
        "definition": figure.get("definition"),
        "series": figure.get("series"),
        "part_of": figure.get("part_of"),
        "derived_from": figure.get("derived_from"),
        "supersedes": figure.get("supersedes"),
        "same_as": figure.get("same_as"),
        "misprint": figure.get("misprint"),
        "named": figure.get("named"),
        "reported_by": figure.get("reported_by"),
        "citation": figure.get("citation"),
        "filed_by": entry.body["filed_by"],
        "since": claim.stated,
        "source_record_id": entry.personal.get("source_record_id") if own else None,
        "note": entry.personal.get("note") if reader.restricted or own else None,
    }


def own_reports(
    session: Session, query: ReportQuery, reader: Reader, revision: int, secret: bytes
) -> Page[ReportShape]:
    """A source's own reports, whole: all, or the report under a case number. `secret` keys the digests of case
    numbers."""
    statement = (
        select(col(Record.key), Record, Report)
        .join(Report, col(Report.record) == col(Record.key))
        .where(col(Record.source) == reader.source, at(Report, revision), col(Record.redacted).is_(False))
    )
    if query.source_record_id is not None and reader.source is not None:
        case = records.case_digest(secret, reader.source, query.source_record_id)
        statement = statement.join(CaseKey, col(CaseKey.record_id) == col(Record.id)).where(col(CaseKey.digest) == case)
    rows, cursor = page(session, statement, "reports", [(col(Record.key), False)], query.cursor, query.limit)
    shown = [report_shape(row[1], Version(row[2].version, entry_at(session, row[2].stated))) for row in rows]
    return Page(shown, cursor)


def own_report(session: Session, report_id: uuid.UUID, reader: Reader, revision: int) -> ReportShape:
    """One of a source's own reports, whole. Raises NotFound."""
    record = records.own(session, report_id, reader.source)
    version = records.current(session, record, revision)
    if version is None or record.redacted:
        raise NotFound("There is no report with this id among your own.")
    return report_shape(record, version)


def report_shape(record: Record, version: Version) -> ReportShape:
    """A source's own report as it was sent, with its place in the log."""
    sent: Any = content.unflatten(content.as_sent(version.content))
    number = sent.get("detainee", {}).pop("national_id_digest", None)
    body: ReportBody = sent
    return {
        "id": record.id,
        "version": version.number,
        "revision": version.entry.revision,
        "recorded_at": version.entry.body["recorded_at"],
        "source": version.entry.body["source"],
        "has_national_id": number is not None,
        **body,
    }
