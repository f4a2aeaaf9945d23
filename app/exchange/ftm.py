"""Everything public about people with names, as FollowTheMoney entities, a JSON object a line.

For the OpenSanctions family of tools, by the schemata of followthemoney 4 (https://followthemoney.tech/explorer/). A
person is a `Person`; a spell in custody and a release carried out are `Event`s that involve the person. A facility is
the `Address` of events. A source is an `Organization`, or a `PublicBody` if it is a government, and publishes events.

Do no harm: these entities are matched against other lists. So nobody without a name is written: age, nationality and
prison could identify the person there. And no person has a topic: a bank that screens customers for `poi`, "person of
interest", would refuse an account to somebody jailed for an opinion. A graph of facts has no field for doubt, so
refuted and withdrawn releases are left out.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from sqlmodel import Session
from typing_extensions import TypedDict

from app.exchange import tables
from app.exchange.exports import every
from app.reading import lists
from app.reading.questions import MOST_LIMIT, DetaineeQuery, FacilityQuery, Paged, ReleaseQuery
from app.reading.selection import COUNTING
from app.registry.publication.permissions import Reader
from app.schemas.directory import FacilityShape, SourceShape
from app.schemas.records import DetaineeShape, DetentionShape, ReleaseShape
from app.vocabulary import Publish, ReleaseStatus, SourceKind, Stage

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
