"""Export releases, a source's own reports, corrections as a feed, and people as FollowTheMoney entities.

All lists are read page by page, so that memory does not grow with the registry.

A source's own reports are exported for filing again: as JSON Lines without loss, as CSV as far as cells allow. A line
of JSON is the body of `POST /v1/releases`, or of `/v1/detentions` without a release. The columns of CSV are the fields
of the importer. Each cell is read back as the importer would: a value that would change is left out and counted as
lost.

The feed of corrections is Atom 1.0 (RFC 4287), with pages linked by RFC 5005 section 3.

Entities use the schemata of followthemoney 4 (https://followthemoney.tech/explorer/), for the OpenSanctions family of
tools. A person is a `Person`; a spell in custody and a carried out release are `Event`s that involve the person. A
facility is the `Address` of events. A source is an `Organization`, or a `PublicBody` if it is a government, and
publishes events. Entities are matched against other lists, and must do no harm. So unnamed people are left out: age,
nationality and prison could identify them there. And no person has a topic: a bank that screens customers for `poi`,
"person of interest", would refuse an account to a person jailed for an opinion. Entities have no property for doubt, so
refuted and withdrawn releases are left out.
"""

import csv
import io
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from xml.etree import ElementTree as Xml

from sqlmodel import Session
from typing_extensions import TypedDict

from app import tables
from app.imports.fields import FIELDS, GIVEN_NAMES, NAME, STATE, STATE_DAY, STATE_MARKS, SURNAMES
from app.imports.reader import cell_values
from app.imports.reader.cell_values import UnreadCell
from app.imports.reader.doubts import find_name_question
from app.imports.reader.list_reader import build_report_body
from app.imports.reader.rows import Body
from app.log.content import Content
from app.queries import list_pages
from app.queries.parameters import (
    MAX_LIMIT,
    DetaineeQuery,
    FacilityQuery,
    ListQuery,
    Page,
    PageQuery,
    ReleaseQuery,
    ReportQuery,
    Row,
    TableFormat,
)
from app.queries.selection.rows import COUNTABLE_STATUSES
from app.registry.publication.permissions import Reader
from app.schemas.directory import FacilityShape, SourceShape
from app.schemas.records import ChangeOut, CorrectionShape, DetaineeShape, DetentionShape, ReleaseShape
from app.vocabulary import Language, Publish, ReleaseStatus, SourceKind, Stage, find_label

Query = TypeVar("Query", bound=PageQuery)


def read_pages(read_page: Callable[[Query], Page[Row]], query: Query) -> Iterator[Sequence[Row]]:
    """Yield the rows of each page of a list."""
    while True:
        page = read_page(query)
        yield page.rows
        if page.cursor is None:
            return
        query = query.model_copy(update={"cursor": page.cursor})


def read_all_rows(read_page: Callable[[Query], Page[Row]], query: Query) -> Iterator[Row]:
    """Yield each row of a list."""
    for rows in read_pages(read_page, query):
        yield from rows


# The terms of every release that a source asserts, at the furthest stage at which it counts.
ALL_RELEASES: dict[str, Any] = {"stage": None, "status": list(ReleaseStatus)}


def export_releases(session: Session, form: TableFormat, reader: Reader, revision: int) -> Iterator[str]:
    """Export all public releases at a revision."""
    first_query = ReleaseQuery(limit=MAX_LIMIT, **ALL_RELEASES)
    for number, rows in enumerate(
        read_pages(lambda query: list_pages.query_releases(session, query, reader, revision), first_query)
    ):
        if form is TableFormat.JSONL:
            yield tables.to_jsonl(rows)
        else:
            text = tables.to_csv(rows)
            yield text if number == 0 else text.partition("\r\n")[2]


# Columns of the importer that are not exported: pointers remain valid without being repeated, identification numbers
# are never shown, parts of a name are in the full name, states became other fields, and published reports have no
# embargo any more.
OMITTED_FIELDS = {
    GIVEN_NAMES,
    SURNAMES,
    STATE,
    STATE_DAY,
    *STATE_MARKS,
    "detainee_id",
    "detention_id",
    "release_id",
    "detainee.national_id",
    "publish_not_before",
}
OWN_REPORT_COLUMNS = tuple(name for name in FIELDS if name not in OMITTED_FIELDS)


@dataclass
class ExportLosses:
    """The losses of an export.

    `lost_values`: field → number of reports whose value a cell cannot carry; `dependent_reports`: number of reports
    that are incomplete without the report to which they point.
    """

    lost_values: Counter[str] = field(default_factory=Counter)
    dependent_reports: int = 0


def export_own_reports(
    session: Session, source: Reader, form: TableFormat, revision: int, losses: ExportLosses
) -> Iterator[str]:
    """Export all reports of a source at a revision, a text for each page."""
    if form is not TableFormat.JSONL:
        yield _format_csv_line(OWN_REPORT_COLUMNS)
    first_query = ReportQuery(limit=MAX_LIMIT)
    for rows in read_pages(
        lambda query: list_pages.query_own_reports(session, query, source, revision, b""), first_query
    ):
        bodies = [build_report_body(row) for row in rows]
        losses.dependent_reports += sum("country" not in body.get("detention", {}) for body in bodies)
        if form is TableFormat.JSONL:
            yield tables.to_jsonl(bodies)
        else:
            yield "".join(_format_csv_line(_format_cells(body, losses.lost_values)) for body in bodies)


def _format_csv_line(row: tuple[str, ...]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(row)
    return buffer.getvalue()


def _format_cells(body: Body, lost_values: Counter[str]) -> tuple[str, ...]:
    values = _flatten_body(body)
    lost_values.update(values.keys() - set(OWN_REPORT_COLUMNS))
    texts = {name: _format_field(name, values[name]) for name in OWN_REPORT_COLUMNS if name in values}
    lossless_texts = {name: text for name, text in texts.items() if _reread_cell(name, text) == values[name]}
    lost_values.update(texts.keys() - lossless_texts.keys())
    return tuple(lossless_texts.get(name, "") for name in OWN_REPORT_COLUMNS)


def _flatten_body(body: Mapping[str, Any], prefix: str = "") -> Content:
    """Flatten a body: `{"detention": {"ended": {"on": …}}}` → `{"detention.ended.on": …}`, without nulls."""
    leaves: Content = {}
    for name, value in body.items():
        if isinstance(value, dict):
            leaves |= _flatten_body(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            leaves[prefix + name] = [_drop_nulls(item) for item in value]
        elif value is not None:
            leaves[prefix + name] = value
    return leaves


def _drop_nulls(item: Any) -> Any:
    return {name: value for name, value in item.items() if value is not None} if isinstance(item, dict) else item


def _format_field(name: str, value: Any) -> str:
    if FIELDS[name].kind == "links":
        return " ".join(link["url"] for link in value)
    return tables.to_cell(value)


def _reread_cell(name: str, text: str) -> Any:
    """Return the value that the importer reads in a cell; None if it would refuse the row."""
    if name == NAME and find_name_question(text):
        return None
    try:
        cleaned_text = cell_values.clean_cell(text)
        return cell_values.parse_cell_value(name, cleaned_text, None, None) if cleaned_text else None
    except UnreadCell:
        return None


ATOM_MEDIA_TYPE = "application/atom+xml"
XML_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
ATOM_NAMESPACE = "http://www.w3.org/2005/Atom"
EPOCH = "1970-01-01T00:00:00Z"  # the time of an empty registry
FEED_TITLE: dict[Language, str] = {"en": "Recuento: corrections", "es": "Recuento: rectificaciones"}
CURATORS_LABEL: dict[Language, str] = {"en": "curators", "es": "curaduría"}
SPANISH_FIELD_NAMES = {
    "verdict": "veredicto", "stage": "etapa", "released_on": "excarcelación", "ordered_on": "orden",
    "announced_on": "anuncio", "kind": "tipo", "measures_lifted_on": "medidas levantadas", "detained_on": "detención",
    "held_on": "visto en prisión", "country": "país", "designation": "designación", "died_on": "fallecimiento",
    "method": "método", "citing": "cita a", "ended_on": "fin de la detención", "ended_how": "cómo terminó",
    "status": "verificación", "claimant": "de quién es la cifra", "measure": "qué cuenta", "qualifier": "cómo se dijo",
    "low": "mínimo", "high": "máximo", "window_from": "desde", "window_to": "hasta", "stated_at": "dicha",
    "zone": "huso horario", "series": "serie", "misprint": "errata", "entries": "entradas", "denies": "qué niega",
}  # fmt: skip
NO_VALUE_LABEL: dict[Language, str] = {"en": "nothing", "es": "nada"}


@dataclass(frozen=True)
class AtomFeed:
    """One page of a feed. Its addresses are relative to `base_url`, the registry's public address, which may be
    empty."""

    id: uuid.UUID
    base_url: str
    path: str
    next_path: str | None
    updated_at: str | None
    lang: Language

    def render(self, rows: Sequence[CorrectionShape]) -> str:
        """Return the XML document, with an entry for each correction in the order of `rows`."""
        feed = Xml.Element("feed", {"xmlns": ATOM_NAMESPACE, "xml:lang": self.lang})
        _add_text(feed, "id", self.id.urn)
        _add_text(feed, "title", FEED_TITLE[self.lang])
        # Each page has its own time: of its newest entry, or of the revision at which it was read.
        _add_text(feed, "updated", self.updated_at or EPOCH)
        _add_text(_add_child(feed, "author"), "name", "Recuento")
        self._add_link(feed, "self", self.path, ATOM_MEDIA_TYPE)
        if self.next_path is not None:
            self._add_link(feed, "next", self.next_path, ATOM_MEDIA_TYPE)
        for row in rows:
            self._add_entry(feed, row)
        return XML_DECLARATION + Xml.tostring(feed, encoding="unicode")

    def _add_entry(self, feed: Xml.Element, row: CorrectionShape) -> None:
        kind = find_label("correction_kinds", row["kind"], self.lang)
        entry = _add_child(feed, "entry")
        author = row["source"] or CURATORS_LABEL[self.lang]
        _add_text(entry, "id", row["id"].urn)
        _add_text(entry, "title", f"{kind}: {row['claimant'] or author}")
        _add_text(entry, "updated", row["recorded_at"])
        _add_text(entry, "published", row["recorded_at"])
        _add_text(_add_child(entry, "author"), "name", author)
        _add_child(entry, "category", term=str(row["kind"]), label=kind)
        for number, path in enumerate(_list_record_paths(row)):
            self._add_link(entry, "related" if number else "alternate", path, "application/json")
        _add_child(entry, "content", type="text").text = "\n".join(map(self._format_change, row["changes"])) or kind

    def _format_change(self, change: ChangeOut) -> str:
        field = SPANISH_FIELD_NAMES.get(change["field"], change["field"]) if self.lang == "es" else change["field"]
        return f"{field}: {self._format_value(change['before'])} → {self._format_value(change['after'])}"

    def _format_value(self, value: Any) -> str:
        if value is None or value == []:
            return NO_VALUE_LABEL[self.lang]
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

    def _add_link(self, parent: Xml.Element, rel: str, path: str, media_type: str) -> None:
        _add_child(parent, "link", rel=rel, href=self.base_url + path, type=media_type)


def _list_record_paths(row: CorrectionShape) -> list[str]:
    """Return the addresses of a correction's records, the closest first."""
    ids = [("releases", row["release_id"]), ("detentions", row["detention_id"])]
    ids += [("detainees", person) for person in row["detainee_ids"]] + [("claims", claim) for claim in row["claim_ids"]]
    return [f"/v1/{collection}/{record_id}" for collection, record_id in ids if record_id is not None]


def _add_child(parent: Xml.Element, tag: str, **attributes: str) -> Xml.Element:
    return Xml.SubElement(parent, tag, attributes)


def _add_text(parent: Xml.Element, tag: str, text: str) -> None:
    _add_child(parent, tag).text = text


# Slugs of sources and facilities are not unique among each other, nor among data sets.
SOURCE_ID_PREFIX, FACILITY_ID_PREFIX = "recuento-source-", "recuento-facility-"
FTM_GENDERS = {"male": "male", "female": "female"}  # codes of both vocabularies
NamesBySlug = Mapping[str, str]  # slug → name


class FtmEntity(TypedDict):
    """An entity as FollowTheMoney reads it: each property has a list of texts."""

    id: str
    schema: str
    properties: dict[str, list[str]]


def export_entities(session: Session, reader: Reader, revision: int, omitted: Counter[str]) -> Iterator[str]:
    """Export entities as of a revision, a JSON object a line. Counts the people left out in `omitted["nameless"]`."""
    source_names: dict[str, str] = {}
    for source in read_all_rows(
        lambda query: list_pages.query_sources(session, query, revision), ListQuery(limit=MAX_LIMIT)
    ):
        source_names[source["slug"]] = source["name"]
        yield tables.to_jsonl([build_source_entity(source)])
    facility_names: dict[str, str] = {}
    for facility in read_all_rows(
        lambda query: list_pages.query_facilities(session, query, revision), FacilityQuery(limit=MAX_LIMIT)
    ):
        facility_names[facility["slug"]] = facility["name"]
        yield tables.to_jsonl([build_facility_entity(facility)])
    named_ids = set()
    for row in read_all_rows(
        lambda query: list_pages.query_detainees(session, query, reader, revision), DetaineeQuery(limit=MAX_LIMIT)
    ):
        if row["publish"] != Publish.NAMED or not row["name"]:
            omitted["nameless"] += 1
        else:
            named_ids.add(row["id"])
            detentions = [detention for detention in row["detentions"] if detention["status"] in COUNTABLE_STATUSES]
            yield tables.to_jsonl(
                [
                    build_person_entity(row),
                    *(build_detention_entity(detention, source_names, facility_names) for detention in detentions),
                ]
            )
    counting_statuses = [ReleaseStatus(status) for status in COUNTABLE_STATUSES]
    release_query = ReleaseQuery(limit=MAX_LIMIT, stage=Stage.CARRIED_OUT, status=counting_statuses)
    for release in read_all_rows(
        lambda query: list_pages.query_releases(session, query, reader, revision), release_query
    ):
        if release["detainee_id"] in named_ids and release["stage"] == Stage.CARRIED_OUT:
            yield tables.to_jsonl([build_release_entity(release, source_names, facility_names)])


def build_person_entity(row: DetaineeShape) -> FtmEntity:
    """Build the entity of a named detainee."""
    return _build_entity(
        row["id"],
        "Person",
        name=[row["name"]],
        alias=row["aliases"] or [],
        gender=[FTM_GENDERS.get(row["gender"] or "")],
        birthDate=[row["birth_year"]],
        deathDate=[_format_date(row["died_on"])],
        nationality=_format_countries(row["nationalities"] or []),
    )


def build_detention_entity(row: DetentionShape, source_names: NamesBySlug, facility_names: NamesBySlug) -> FtmEntity:
    """Build the entity of a spell in custody, with its beginning and end if known."""
    end = _format_date(row["ended"]["on"]) if row["ended"] else None
    return _build_event(
        row, "Detention", source_names, facility_names, startDate=[_format_date(row["detained_on"])], endDate=[end]
    )


def build_release_entity(row: ReleaseShape, source_names: NamesBySlug, facility_names: NamesBySlug) -> FtmEntity:
    """Build the entity of a carried out release."""
    return _build_event(
        row, "Release", source_names, facility_names, date=[_format_date(row["released_on"])], summary=[row["kind"]]
    )


def build_source_entity(row: SourceShape) -> FtmEntity:
    schema = "PublicBody" if row["kind"] == SourceKind.GOVERNMENT else "Organization"
    return _build_entity(
        SOURCE_ID_PREFIX + row["slug"], schema, name=[row["name"]], country=_format_countries([row["country"]])
    )


def build_facility_entity(row: FacilityShape) -> FtmEntity:
    point = row["point"] or {}
    return _build_entity(
        FACILITY_ID_PREFIX + row["slug"],
        "Address",
        full=[row["name"]],
        alias=row["names"][1:],
        region=[row["area"]],
        country=_format_countries([row["country"]]),
        latitude=[point.get("lat")],
        longitude=[point.get("lon")],
    )


def _build_event(
    row: DetentionShape | ReleaseShape,
    event_name: str,
    source_names: NamesBySlug,
    facility_names: NamesBySlug,
    **dates: list[str | None],
) -> FtmEntity:
    slug = row["facility"] if isinstance(row["facility"], str) else None  # an unregistered place is not public
    return _build_entity(
        row["id"],
        "Event",
        name=[event_name],
        involved=[row["detainee_id"]],
        country=_format_countries([row["country"]]),
        location=[facility_names.get(slug, slug)] if slug else [],
        addressEntity=[FACILITY_ID_PREFIX + slug] if slug and slug in facility_names else [],
        publisher=[source_names[source] for source in (*row["verified_by"], *row["reported_by"])],
        recordId=[row["id"]],
        **dates,
    )


def _format_date(date: str | None) -> str | None:
    """Format a date for FollowTheMoney: a year, a month or a day; for an interval the part that both ends share."""
    if date is None or "/" not in date:
        return date
    first, last = (day.split("-") for day in date.split("/"))
    shared_parts = [part for number, part in enumerate(first, 1) if first[:number] == last[:number]]
    return "-".join(shared_parts) or None


def _format_countries(codes: Sequence[str | None]) -> list[str]:
    return [code.lower() for code in codes if code]


def _build_entity(entity_id: object, schema: str, **properties: Sequence[object]) -> FtmEntity:
    """Build an entity. Values become lists of texts; a property without a value is left out."""
    texts = {name: [str(value) for value in values if value is not None] for name, values in properties.items()}
    return {
        "id": str(entity_id),
        "schema": schema,
        "properties": {name: items for name, items in texts.items() if items},
    }
