"""Build pages of lists at a revision: releases, detentions, detainees, reports and the registry's directories.

Rows of a public copy contain what anybody may read: of personal facts the values that lists show for the report's
source. People who are in no list have no row."""

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.columns.loader import Columns
from app.columns.rows import Mask
from app.columns.store import get_columns
from app.dates import PartialDate, parse_date
from app.errors import Invalid, NotFound
from app.log import content
from app.log.content import AGE, AGE_ON, BIRTH, IS_FIRST_HAND, PUBLIC_FIELDS, TAKEN_OVER, Content
from app.log.entries import load_entry
from app.models import CaseKey, Facility, Placement, Record, Report, Source
from app.projection.consolidate import get_value_by_source
from app.queries import changes
from app.queries.listing import (
    ArrayOrder,
    ItemFinder,
    ListedItems,
    build_order,
    find_counted_items,
    find_person_items,
    match_recorded,
)
from app.queries.parameters import (
    UNTOLD_CAVEATS,
    DetaineeQuery,
    DetentionListQuery,
    FacilityQuery,
    ListQuery,
    Page,
    RecordListQuery,
    ReleaseQuery,
    ReportQuery,
    fetch_page,
    read_cursor,
    write_cursor,
)
from app.queries.rows import add_revisions, load_rows
from app.queries.search import NOT_FOUND, rank_by_name
from app.queries.selection.visibility import match_partly_hidden, match_visible, valid_at, visible_to
from app.queries.shapes import Person
from app.queries.term_names import find_unknown_values, resolve_places
from app.queries.terms import is_personal
from app.registry import records
from app.registry.publication.permissions import Reader
from app.registry.records import RecordVersion, TargetKind
from app.registry.taken_over import find_changed_values
from app.schemas.base import Facts, ListCaveats
from app.schemas.directory import FacilityRow, FacilityShape, SourceRow, SourceShape
from app.schemas.filed import ReportBody, ReportShape
from app.schemas.records import DetaineeRow, DetentionRow, ReleaseRow
from app.vocabulary import FacilityKind, SourceKind, Verdict

TOTAL_OF_CHANGES_DETAIL = "What changed is found page by page: leave `total` out, or ask without `changed_since`."


def _build_list_page(
    session: Session,
    kind: TargetKind,
    find_items: ItemFinder,
    query: RecordListQuery,
    reader: Reader,
    revision: int,
    since: int | None,
    *,
    reports_withheld: bool = False,
) -> Page[Any]:
    """Return a page of items of people the reader may see.

    `since`: only what changed after this revision. `reports_withheld`: include the number of omitted items, so that a
    count and the list behind it can be reconciled."""
    if since is not None and query.total:
        raise Invalid.at_pointer("/total", "not_with_changed_since", TOTAL_OF_CHANGES_DETAIL)
    items, columns = find_items(query, revision), get_columns(session)
    name = query.noun if reports_withheld else f"{kind}s"
    list_name, viewer = f"{name} by {query.sort or 'default'}", reader
    order = build_order(items, query.sort)
    recorded = match_recorded(columns, items, kind, revision)
    if query.q is None:
        visible: Mask = match_visible(columns, items.person, reader, revision) & recorded
        withheld = int(np.count_nonzero(~visible))
    else:
        viewer = reader.as_name_searcher
        rank = rank_by_name(session, reader, query.q, revision)[items.person]
        visible = (rank != NOT_FOUND) & recorded  # a reader who sees the name sees the person in lists
        if query.sort is None:
            order, list_name = [(rank, True), *order], f"{name} by likeness"
    if since is not None:
        changed_people = changes.find_changed_people(session, columns, since)
        visible = visible & changed_people[items.person]
    visible_indexes = np.flatnonzero(visible)
    includes_detainee = getattr(query, "include", None) is not None
    array_order = ArrayOrder([(column[visible_indexes], is_descending) for column, is_descending in order])

    def fetch_items(position: Sequence[int] | None, limit: int) -> list[tuple[tuple[int, int], list[int]]]:
        batch = array_order.find_after(position, limit)
        item_indexes = visible_indexes[[place for place, _position in batch]]
        batch_items = zip(items.key[item_indexes].tolist(), items.person[item_indexes].tolist(), strict=True)
        return [(item, position) for item, (_place, position) in zip(batch_items, batch, strict=True)]

    def build_untold_caveats() -> ListCaveats:
        return {**UNTOLD_CAVEATS, "unknown_values": find_unknown_values(session, query, reader, revision)}

    if since is not None:
        show_changed = changes.build_change_filter(
            session, kind, find_items, query, viewer, since, revision, include_detainee=includes_detainee
        )
        fetch_gone = changes.build_gone_fetcher(
            session, kind, find_items, query, reader, since, revision, changed_people
        )
        page = changes.build_change_page(list_name, len(order), fetch_items, show_changed, fetch_gone, query, revision)
        return replace(page, build_caveats=build_untold_caveats)
    batch = fetch_items(read_cursor(query.cursor, list_name, len(order)), query.limit + 1)
    cursor = write_cursor(list_name, batch[query.limit - 1][1]) if len(batch) > query.limit else None
    page_items = [item for item, _position in batch[: query.limit]]
    rows = load_rows(session, page_items, kind, viewer, revision, include_detainee=includes_detainee)
    total = len(visible_indexes) if query.total else None
    if query.q is not None:
        # A search discloses nothing about hidden people.
        return Page(rows, cursor, total=total, build_caveats=build_untold_caveats)

    def build_caveats() -> ListCaveats:
        not_visible = 0
        if is_personal(query):
            terms = resolve_places(session, query, revision)
            not_visible = _count_not_visible(columns, find_items, terms, reader, revision)
        return {
            "withheld": withheld if reports_withheld else None,
            "not_visible": not_visible,
            "unknown_values": find_unknown_values(session, query, reader, revision),
        }

    return Page(rows, cursor, total=total, build_caveats=build_caveats)


def _count_not_visible(columns: Columns, find_items: ItemFinder, query: Any, reader: Reader, revision: int) -> int:
    """Return how many items match the other terms and hide a value that a personal term would need; the same number
    as in a count."""
    items = find_items(query.drop_personal(), revision)
    is_hidden = match_partly_hidden(
        columns, items.spells, query, reader, revision, uses_source_rows=items.uses_source_rows
    )
    return 0 if is_hidden is None else int(np.count_nonzero(items.match_spells(is_hidden)))


def query_releases(
    session: Session, query: ReleaseQuery, reader: Reader, revision: int, since: int | None = None
) -> Page[ReleaseRow]:
    """Return the releases that a count with the same terms counts. `since`: only those changed after it."""

    def find_items(terms: Any, at_revision: int) -> ListedItems:
        return find_counted_items(session, terms, reader, at_revision)

    return _build_list_page(session, "release", find_items, query, reader, revision, since, reports_withheld=True)


def query_detentions(
    session: Session, query: DetentionListQuery, reader: Reader, revision: int, since: int | None = None
) -> Page[DetentionRow]:
    """Return the detentions that a count with the same terms counts. `since`: only those changed after it."""

    def find_items(terms: Any, at_revision: int) -> ListedItems:
        return find_counted_items(session, terms, reader, at_revision)

    return _build_list_page(session, "detention", find_items, query, reader, revision, since, reports_withheld=True)


def query_detainees(
    session: Session, query: DetaineeQuery, reader: Reader, revision: int, since: int | None = None
) -> Page[DetaineeRow]:
    """Return people. Terms of detentions select people with a detention that matches all of them; terms of releases
    select people with such a release."""

    def find_items(terms: Any, at_revision: int) -> ListedItems:
        return find_person_items(session, terms, reader, at_revision)

    return _build_list_page(session, "detainee", find_items, query, reader, revision, since)


def query_sources(session: Session, query: ListQuery, revision: int) -> Page[SourceRow]:
    statement = select(col(Source.key), Source).where(valid_at(Source, revision))
    page = fetch_page(session, statement, "sources", [(col(Source.key), False)], query)
    return replace(page, rows=build_directory_rows(session, [row[1] for row in page.rows], build_source_shape))


def build_directory_rows(session: Session, versions: Sequence[Any], build_shape: Callable[[Any], Any]) -> Any:
    """Return the rows of versions of sources or facilities, each with the revision that wrote it."""
    shapes = [build_shape(version) for version in versions]
    return add_revisions(session, shapes, [version.since for version in versions])


def build_source_shape(source: Source) -> SourceShape:
    return {
        "slug": source.slug,
        "name": source.name,
        "kind": SourceKind(source.kind),
        "country": source.country,
        "independent": source.independent,
        "quarantined": source.quarantined,
        "definition": source.definition,
    }


def find_by_slug(session: Session, table: Any, slug: str, revision: int) -> Any:
    """Return the version of a source or facility valid at a revision, or None."""
    return session.scalars(select(table).where(table.slug == slug, valid_at(table, revision))).one_or_none()


def query_facilities(session: Session, query: FacilityQuery, revision: int) -> Page[FacilityRow]:
    statement = select(col(Facility.key), Facility).where(valid_at(Facility, revision))
    if query.country is not None:
        statement = statement.where(col(Facility.country) == query.country)
    page = fetch_page(session, statement, "facilities", [(col(Facility.key), False)], query)
    return replace(page, rows=build_directory_rows(session, [row[1] for row in page.rows], build_facility_shape))


def build_facility_shape(facility: Facility) -> FacilityShape:
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


def query_own_reports(
    session: Session, query: ReportQuery, reader: Reader, revision: int, secret: bytes
) -> Page[ReportShape]:
    """Return a source's own reports in full: all, those in a state of review, or the one with a case number.

    `secret`: the key of case number digests."""
    statement = (
        select(col(Record.key), Record, Report)
        .join(Report, col(Report.record) == col(Record.key))
        .where(col(Record.source) == reader.source, valid_at(Report, revision), col(Record.redacted).is_(False))
    )
    if query.review is not None:
        statement = statement.where(col(Report.review) == query.review)
    if query.source_record_id is not None and reader.source is not None:
        case_digest = records.digest_case(secret, reader.source, query.source_record_id)
        statement = statement.join(CaseKey, col(CaseKey.record_id) == col(Record.id)).where(
            col(CaseKey.digest) == case_digest
        )
    page = fetch_page(session, statement, "reports", [(col(Record.key), False)], query)
    report_shapes = [
        build_report_shape(session, row[1], records.build_version(row[2], load_entry(session, row[2].stated)), revision)
        for row in page.rows
    ]
    return replace(page, rows=report_shapes)


def load_own_report(session: Session, report_id: uuid.UUID, reader: Reader, revision: int) -> ReportShape:
    """Return one of a source's own reports in full. Raise NotFound."""
    record = records.load_own_record(session, report_id, reader.source)
    version = records.find_version(session, record, revision)
    if version is None or record.redacted:
        raise NotFound("There is no report with this id among your own.")
    return build_report_shape(session, record, version, revision)


def build_report_shape(session: Session, record: Record, version: RecordVersion, revision: int) -> ReportShape:
    """Build a source's own report as it was sent, with what it took over and its place in the log."""
    full_content = version.full_content
    sections: Any = content.unflatten_content(content.restore_sent_content(full_content))
    if TAKEN_OVER in full_content:
        changed = find_changed_values(session, record, full_content, revision)
        sections[TAKEN_OVER] = {**full_content[TAKEN_OVER], "changed": changed}
    id_digest = sections.get("detainee", {}).pop("national_id_digest", None)
    body: ReportBody = sections
    return {
        "id": record.id,
        "version": version.number,
        "revision": version.entry.revision,
        "recorded_at": version.entry.body["recorded_at"],
        "source": version.entry.body["source"],
        "review": version.review,
        "has_national_id": id_digest is not None,
        **body,
    }


# Facts that lists show by source → the field of a report that states them.
PERSON_PATHS = {
    name: f"detainee.{name}"
    for name in ("full_name", "aliases", "gender", "age", "nationalities", "category", "groups")
}
SPELL_PATHS = {name: f"detention.{name}" for name in ("facility", "legal_status", "charges", "sentence")}
# Fields that the log shows for every listed person. A copy needs them to reproduce the counts.
READABLE_FIELDS = PUBLIC_FIELDS | {IS_FIRST_HAND}
RELEASE_PATHS = {name: f"release.{name}" for name in ("conditions", "destination")}


def number_records(session: Session, reader: Reader, revision: int) -> dict[int, int]:
    """Number the reports of people who are in lists from 1, in the order of their last version. Return record → number.

    The numbers are valid in one copy only. With a report's real id, its source could see to which person a curator has
    assigned it."""
    placement: Any = aliased(Placement)  # `visible_to` reads that table too
    records = session.scalars(
        select(col(Report.record))
        .join(placement, placement.record == col(Report.record))
        .where(
            valid_at(Report, revision), valid_at(placement, revision), visible_to(reader, placement.detainee, revision)
        )
        .order_by(col(Report.stated))
    )
    return {record: number for number, record in enumerate(records, 1)}


def build_public_reports(
    session: Session, people: dict[int, Person], numbers: dict[int, int], reader: Reader, revision: int
) -> list[Content]:
    """Return the reports of some people: the content with `report` (its number), `source`, `detainee`, `detention`,
    `points_at` and `list` (the first entry of the list in which it was filed)."""
    rows = session.execute(
        select(Record, col(Report.stated), col(Placement.detainee), col(Placement.spell))
        .join(Report, col(Report.record) == col(Record.key))
        .join(Placement, col(Placement.record) == col(Record.key))
        .where(valid_at(Report, revision), valid_at(Placement, revision), col(Placement.detainee).in_(people))
        .order_by(col(Report.stated))
    ).all()
    keys = {str(record.id): record.key for record, *_rest in rows}
    contents: list[Content] = []
    for record, entry_revision, detainee, spell in rows:
        person, body = people[detainee], load_entry(session, entry_revision).body
        slug = person.slugs[record.source]
        contents.append(
            {
                "report": numbers[record.key],
                "source": slug,
                "detainee": person.ids[detainee].detainee,
                "detention": person.ids[spell].detention,
                "points_at": numbers.get(keys.get(body.get("pointer", ""), 0)),
                "list": body.get("request"),
                **_build_content(person, spell, slug, content.convert_old_names(body["said"], {})[0], reader),
            }
        )
    return contents


def _build_content(person: Person, spell: int, slug: str, public: Content, reader: Reader) -> Content:
    """Return the flat content of one source's report; its class is the person's class of today."""
    content = {name: value for name, value in public.items() if name in READABLE_FIELDS}
    if TAKEN_OVER in public:
        content[TAKEN_OVER] = [name for name in public[TAKEN_OVER]["fields"] if name in content]
    content["detainee.publish"] = reader.get_shown_class(person.publish)
    if public["verification.verdict"] == Verdict.RETRACTED:
        return content
    person_facts = reader.filter_facts(person.publish, person.personal)
    spell_facts = person.get_visible_facts(spell, reader)
    content |= _select_source_values(slug, person_facts, PERSON_PATHS) | _select_source_values(
        slug, spell_facts, SPELL_PATHS
    )
    content |= _build_age_days(person, slug, reader, has_age=AGE in content)
    return content | (_select_source_values(slug, spell_facts, RELEASE_PATHS) if "release.stage" in public else {})


def _build_age_days(person: Person, slug: str, reader: Reader, *, has_age: bool) -> Content:
    """Return a source's birth date and the day of its age, as far as the reader may see them.

    The public sees the year of birth of people whose name is shown, and the year of the day of an age: without it the
    age would be taken for the age on another day."""
    days: Content = {}
    birth = get_value_by_source(slug, person.personal, "birth_date")
    if birth is not None:
        year = reader.get_birth_year(person.publish, person.personal, birth)
        days |= {} if year is None else {BIRTH: birth if reader.can_see_restricted else str(year)}
    age_on = get_value_by_source(slug, person.personal, "age_on")
    if has_age and age_on is not None:
        days |= {AGE_ON: age_on if reader.can_see_restricted else _format_years(parse_date(age_on))}
    return days


def _format_years(date: PartialDate) -> str:
    first, last = date.first.year, date.last.year
    return f"{first:04}" if first == last else f"{first:04}/{last:04}"


def _select_source_values(slug: str, facts: Facts, names: dict[str, str]) -> Content:
    """Return the values of one source among the visible facts."""
    values = {path: get_value_by_source(slug, facts, name) for name, path in names.items()}
    return {path: value for path, value in values.items() if value is not None}
