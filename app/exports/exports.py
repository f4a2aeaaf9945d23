"""Whole lists page by page, so that memory does not grow with the registry; all public releases as a stream of text.

A source's own reports in a form that the source can file again: JSON Lines without loss, CSV as far as cells go.

A line of JSON is the body of `POST /v1/releases`, or of `/v1/detentions` where it has no release; the columns of CSV
are the fields of the importer. The importer reads each cell here: a value that it would change is left out and counted
as lost.

A list of corrections as a feed: Atom 1.0 (RFC 4287), its pages linked as RFC 5005 section 3 says (pure).

Everything public about people with names, as FollowTheMoney entities, a JSON object a line.

For the OpenSanctions family of tools, by the schemata of followthemoney 4 (https://followthemoney.tech/explorer/). A
person is a `Person`; a spell in custody and a release carried out are `Event`s that involve the person. A facility is
the `Address` of events. A source is an `Organization`, or a `PublicBody` if it is a government, and publishes events.

Do no harm: these entities are matched against other lists. So nobody without a name is written: age, nationality and
prison could identify the person there. And no person has a topic: a bank that screens customers for `poi`, "person of
interest", would refuse an account to somebody jailed for an opinion. A graph of facts has no field for doubt, so
refuted and withdrawn releases are left out."""

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

from app.imports import cell_values
from app.imports.cell_values import UnreadCell
from app.imports.doubts import question_about_name
from app.imports.fields import FIELDS, GIVEN_NAMES, NAME, STATE, SURNAMES
from app.imports.formats import tables
from app.imports.lists import body_of
from app.imports.rows import Body
from app.log.content import Content
from app.queries import lists
from app.queries.parameters import (
    MOST_LIMIT,
    DetaineeQuery,
    FacilityQuery,
    Form,
    Page,
    Paged,
    ReleaseQuery,
    ReportQuery,
    Row,
)
from app.queries.selection import COUNTING
from app.registry.publication.permissions import Reader
from app.schemas.directory import FacilityShape, SourceShape
from app.schemas.records import ChangeOut, CorrectionShape, DetaineeShape, DetentionShape, ReleaseShape
from app.vocabulary import Language, Publish, ReleaseStatus, SourceKind, Stage, label

Query = TypeVar("Query", bound=Paged)


def pages(read: Callable[[Query], Page[Row]], query: Query) -> Iterator[Sequence[Row]]:
    """The rows of each page of a list."""
    while True:
        page = read(query)
        yield page.rows
        if page.cursor is None:
            return
        query = query.model_copy(update={"cursor": page.cursor})


def every(read: Callable[[Query], Page[Row]], query: Query) -> Iterator[Row]:
    """Each row of a list."""
    for rows in pages(read, query):
        yield from rows


def releases(session: Session, form: Form, reader: Reader, revision: int) -> Iterator[str]:
    """All public releases at a revision."""
    first = ReleaseQuery(limit=MOST_LIMIT)
    for number, rows in enumerate(pages(lambda query: lists.releases(session, query, reader, revision), first)):
        if form is Form.JSONL:
            yield tables.to_jsonl(rows)
        else:
            text = tables.to_csv(rows)
            yield text if number == 0 else text.partition("\r\n")[2]


# Columns of the importer that are not exported: pointers stay as they are without being repeated, identification
# numbers are never shown, parts of a name are in the full name, states became other fields, and no embargo of what
# stands is known.
NOT_WRITTEN = {GIVEN_NAMES, SURNAMES, STATE, "detainee_id", "detention_id", "release_id", "detainee.national_id",
               "publish_not_before"}  # fmt: skip
COLUMNS = tuple(name for name in FIELDS if name not in NOT_WRITTEN)


@dataclass
class Losses:
    """The losses of an export. `lost`: field → number of reports whose value a cell cannot carry; `pointing`: number of
    reports that say too little without the report at which they point."""

    lost: Counter[str] = field(default_factory=Counter)
    pointing: int = 0


def reports(session: Session, source: Reader, form: Form, revision: int, losses: Losses) -> Iterator[str]:
    """All reports of a source as they stood at a revision, a text for each page."""
    if form is Form.CSV:
        yield _line(COLUMNS)
    first = ReportQuery(limit=MOST_LIMIT)
    for rows in pages(lambda query: lists.own_reports(session, query, source, revision, b""), first):
        bodies = [body_of(row) for row in rows]
        losses.pointing += sum("country" not in body.get("detention", {}) for body in bodies)
        if form is Form.CSV:
            yield "".join(_line(_cells(body, losses.lost)) for body in bodies)
        else:
            yield tables.to_jsonl(bodies)


def _line(row: tuple[str, ...]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(row)
    return out.getvalue()


def _cells(body: Body, lost: Counter[str]) -> tuple[str, ...]:
    values = _leaves(body)
    lost.update(values.keys() - set(COLUMNS))
    texts = {name: _text_of_report(name, values[name]) for name in COLUMNS if name in values}
    carried = {name: text for name, text in texts.items() if _read(name, text) == values[name]}
    lost.update(texts.keys() - carried.keys())
    return tuple(carried.get(name, "") for name in COLUMNS)


def _leaves(body: Mapping[str, Any], above: str = "") -> Content:
    """`{"detention": {"ended": {"on": …}}}` → `{"detention.ended.on": …}`, without nulls."""
    leaves: Content = {}
    for name, value in body.items():
        if isinstance(value, dict):
            leaves |= _leaves(value, f"{above}{name}.")
        elif isinstance(value, list):
            leaves[above + name] = [_without_nulls(item) for item in value]
        elif value is not None:
            leaves[above + name] = value
    return leaves


def _without_nulls(item: Any) -> Any:
    return {name: value for name, value in item.items() if value is not None} if isinstance(item, dict) else item


def _text_of_report(name: str, value: Any) -> str:
    if FIELDS[name].kind == "links":
        return " ".join(link["url"] for link in value)
    return tables.to_cell(value)


def _read(name: str, text: str) -> Any:
    """The value that the importer reads in a cell; None where it would refuse the row."""
    if name == NAME and question_about_name(text):
        return None
    try:
        plain = cell_values.plain(text)
        return cell_values.value(name, plain, None, None) if plain else None
    except UnreadCell:
        return None


MEDIA = "application/atom+xml"
DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
ATOM = "http://www.w3.org/2005/Atom"
EPOCH = "1970-01-01T00:00:00Z"  # an empty registry has changed nothing yet
TITLE: dict[Language, str] = {"en": "Recuento: corrections", "es": "Recuento: rectificaciones"}
CURATORS: dict[Language, str] = {"en": "curators", "es": "curaduría"}
FIELDS_ES = {
    "verdict": "veredicto", "stage": "etapa", "released_on": "excarcelación", "ordered_on": "orden",
    "announced_on": "anuncio", "kind": "tipo", "measures_lifted_on": "medidas levantadas", "detained_on": "detención",
    "held_on": "visto en prisión", "country": "país", "designation": "designación", "died_on": "fallecimiento",
    "method": "método", "citing": "cita a", "ended_on": "fin de la detención", "ended_how": "cómo terminó",
    "status": "verificación", "claimant": "de quién es la cifra", "measure": "qué cuenta", "qualifier": "cómo se dijo",
    "low": "mínimo", "high": "máximo", "window_from": "desde", "window_to": "hasta", "stated_at": "dicha",
    "zone": "huso horario", "series": "serie", "misprint": "errata", "entries": "entradas",
}  # fmt: skip
NOTHING: dict[Language, str] = {"en": "nothing", "es": "nada"}


@dataclass(frozen=True)
class Feed:
    """One page of a feed. Its addresses are relative to `base`, the registry's public address, which may be empty."""

    id: uuid.UUID
    base: str
    address: str
    following: str | None
    updated: str | None
    lang: Language

    def write(self, rows: Sequence[CorrectionShape]) -> str:
        """The XML document: an entry for each correction, in the order of `rows`."""
        feed = Xml.Element("feed", {"xmlns": ATOM, "xml:lang": self.lang})
        _text(feed, "id", self.id.urn)
        _text(feed, "title", TITLE[self.lang])
        # Each page has its own: the time of its newest entry, or of the revision at which it was read.
        _text(feed, "updated", self.updated or EPOCH)
        _text(_child(feed, "author"), "name", "Recuento")
        self._link(feed, "self", self.address, MEDIA)
        if self.following is not None:
            self._link(feed, "next", self.following, MEDIA)
        for row in rows:
            self._entry(feed, row)
        return DECLARATION + Xml.tostring(feed, encoding="unicode")

    def _entry(self, feed: Xml.Element, row: CorrectionShape) -> None:
        kind = label("correction_kinds", row["kind"], self.lang)
        entry = _child(feed, "entry")
        author = row["source"] or CURATORS[self.lang]
        _text(entry, "id", row["id"].urn)
        _text(entry, "title", f"{kind}: {row['claimant'] or author}")
        _text(entry, "updated", row["recorded_at"])
        _text(entry, "published", row["recorded_at"])
        _text(_child(entry, "author"), "name", author)
        _child(entry, "category", term=str(row["kind"]), label=kind)
        for number, path in enumerate(_paths(row)):
            self._link(entry, "related" if number else "alternate", path, "application/json")
        _child(entry, "content", type="text").text = "\n".join(map(self._change, row["changes"])) or kind

    def _change(self, change: ChangeOut) -> str:
        field = FIELDS_ES.get(change["field"], change["field"]) if self.lang == "es" else change["field"]
        return f"{field}: {self._value(change['before'])} → {self._value(change['after'])}"

    def _value(self, value: Any) -> str:
        if value is None or value == []:
            return NOTHING[self.lang]
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

    def _link(self, parent: Xml.Element, rel: str, path: str, media: str) -> None:
        _child(parent, "link", rel=rel, href=self.base + path, type=media)


def _paths(row: CorrectionShape) -> list[str]:
    """The addresses of the records that a correction is about, the nearest first."""
    ids = [("releases", row["release_id"]), ("detentions", row["detention_id"])]
    ids += [("detainees", person) for person in row["detainee_ids"]] + [("claims", claim) for claim in row["claim_ids"]]
    return [f"/v1/{collection}/{id}" for collection, id in ids if id is not None]


def _child(parent: Xml.Element, tag: str, **attributes: str) -> Xml.Element:
    return Xml.SubElement(parent, tag, attributes)


def _text(parent: Xml.Element, tag: str, text: str) -> None:
    _child(parent, tag).text = text


# Prefixes that keep ids of sources and facilities, which are slugs, apart from each other and from other data sets.
SOURCE, FACILITY = "recuento-source-", "recuento-facility-"
GENDERS = {"male": "male", "female": "female"}  # codes of both vocabularies
Names = Mapping[str, str]  # slug → name


class Entity(TypedDict):
    """An entity as FollowTheMoney reads it: each property has a list of texts."""

    id: str
    schema: str
    properties: dict[str, list[str]]


def entities(session: Session, reader: Reader, revision: int, left_out: Counter[str]) -> Iterator[str]:
    """Lines of entities as of a revision. Counts the people left out into `left_out["nameless"]`."""
    names: dict[str, str] = {}
    for shape in every(lambda query: lists.sources(session, query, revision), Paged(limit=MOST_LIMIT)):
        names[shape["slug"]] = shape["name"]
        yield tables.to_jsonl([source(shape)])
    places: dict[str, str] = {}
    for place in every(lambda query: lists.facilities(session, query, revision), FacilityQuery(limit=MOST_LIMIT)):
        places[place["slug"]] = place["name"]
        yield tables.to_jsonl([facility(place)])
    named = set()
    for row in every(lambda query: lists.detainees(session, query, reader, revision), DetaineeQuery(limit=MOST_LIMIT)):
        if row["publish"] != Publish.NAMED or not row["name"]:
            left_out["nameless"] += 1
        else:
            named.add(row["id"])
            spells = [spell for spell in row["detentions"] if spell["status"] in COUNTING]
            yield tables.to_jsonl([person(row), *(detention(spell, names, places) for spell in spells)])
    standing = [ReleaseStatus(status) for status in COUNTING]
    carried_out = ReleaseQuery(limit=MOST_LIMIT, stage=Stage.CARRIED_OUT, status=standing)
    for freed in every(lambda query: lists.releases(session, query, reader, revision), carried_out):
        if freed["detainee_id"] in named and freed["stage"] == Stage.CARRIED_OUT:
            yield tables.to_jsonl([release(freed, names, places)])


def person(row: DetaineeShape) -> Entity:
    """A detainee with a name."""
    return _entity(
        row["id"],
        "Person",
        name=[row["name"]],
        alias=row["aliases"] or [],
        gender=[GENDERS.get(row["gender"] or "")],
        birthDate=[row["birth_year"]],
        deathDate=[_day(row["died_on"])],
        nationality=_countries(row["nationalities"] or []),
    )


def detention(row: DetentionShape, names: Names, places: Names) -> Entity:
    """A spell in custody, with its beginning and end where known."""
    end = _day(row["ended"]["on"]) if row["ended"] else None
    return _event(row, "Detention", names, places, startDate=[_day(row["detained_on"])], endDate=[end])


def release(row: ReleaseShape, names: Names, places: Names) -> Entity:
    """A release that was carried out."""
    return _event(row, "Release", names, places, date=[_day(row["released_on"])], summary=[row["kind"]])


def source(row: SourceShape) -> Entity:
    schema = "PublicBody" if row["kind"] == SourceKind.GOVERNMENT else "Organization"
    return _entity(SOURCE + row["slug"], schema, name=[row["name"]], country=_countries([row["country"]]))


def facility(row: FacilityShape) -> Entity:
    point = row["point"] or {}
    return _entity(
        FACILITY + row["slug"],
        "Address",
        full=[row["name"]],
        alias=row["names"][1:],
        region=[row["area"]],
        country=_countries([row["country"]]),
        latitude=[point.get("lat")],
        longitude=[point.get("lon")],
    )


def _event(
    row: DetentionShape | ReleaseShape, what: str, names: Names, places: Names, **dates: list[str | None]
) -> Entity:
    slug = row["facility"] if isinstance(row["facility"], str) else None  # an unregistered place is not public
    return _entity(
        row["id"],
        "Event",
        name=[what],
        involved=[row["detainee_id"]],
        country=_countries([row["country"]]),
        location=[places.get(slug, slug)] if slug else [],
        addressEntity=[FACILITY + slug] if slug and slug in places else [],
        publisher=[names[source] for source in (*row["verified_by"], *row["reported_by"])],
        recordId=[row["id"]],
        **dates,
    )


def _day(date: str | None) -> str | None:
    """A date of FollowTheMoney: a year, a month or a day; of an interval the part that both ends share."""
    if date is None or "/" not in date:
        return date
    first, last = (day.split("-") for day in date.split("/"))
    shared = [part for number, part in enumerate(first, 1) if first[:number] == last[:number]]
    return "-".join(shared) or None


def _countries(codes: Sequence[str | None]) -> list[str]:
    return [code.lower() for code in codes if code]


def _entity(thing: object, schema: str, **properties: Sequence[object]) -> Entity:
    """An entity. Values become lists of texts; a property without a value is left out."""
    texts = {name: [str(value) for value in values if value is not None] for name, values in properties.items()}
    return {
        "id": str(thing),
        "schema": schema,
        "properties": {name: filled for name, filled in texts.items() if filled},
    }
