"""Wire shapes of detainees, detentions, releases and verifications (pure): rows in, what this reader may see out."""

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from app.registry.content import UNLISTED
from app.registry.policy import Facts, Reader
from app.registry.projection.person import BY_SOURCE
from app.vocabulary import Stage

Row = dict[str, Any]


@dataclass(frozen=True)
class Ids:
    """The public ids that derive from one record."""

    detainee: uuid.UUID
    detention: uuid.UUID
    release: uuid.UUID


@dataclass
class Person:
    """All rows of one person at a revision, by table; `publish` is today's class."""

    publish: str
    detainee: Row
    personal: Row | None = None
    detentions: list[Row] = field(default_factory=list)
    spells: dict[int, Facts] = field(default_factory=dict)
    releases: dict[int, Row] = field(default_factory=dict)
    verifications: list[Row] = field(default_factory=list)
    held: dict[int, Row] = field(default_factory=dict)  # spell → the row by which it is counted among the held
    held_voices: list[Row] = field(default_factory=list)
    ids: dict[int, Ids] = field(default_factory=dict)
    moved: dict[int, list[int]] = field(default_factory=dict)
    slugs: dict[int, str] = field(default_factory=dict)


def _value(facts: Facts, name: str) -> Any:
    fact = facts.get(name)
    return None if fact is None else fact["value"]


def place(seen: Facts) -> str | Row | None:
    """The registered facility by its slug; a place that nobody registered as it was said, for whom it may be shown."""
    slug: str | None = _value(seen, "facility")
    said = _value(seen, "facility_as_said")
    return slug if slug or said is None else as_said(said)


def as_said(name: str) -> Row:
    """A place that nobody registered."""
    return {"slug": None, "said": name}


def detainee(person: Person, reader: Reader) -> Row:
    """A detainee; what the reader may not see is null."""
    facts = json.loads(person.detainee["facts"])
    personal = json.loads(person.personal["facts"]) if person.personal else {}
    seen = reader.facts(person.publish, personal)
    return {
        "id": person.ids[person.detainee["detainee"]].detainee,
        "publish": person.publish,
        "name": _value(seen, "full_name"),
        "aliases": _several(person, reader, seen, "aliases"),
        "age": _value(seen, "age"),
        "birth_year": reader.birth_year(person.publish, personal),
        "gender": _value(seen, "gender"),
        "nationalities": _several(person, reader, seen, "nationalities"),
        "category": _value(seen, "category"),
        "groups": _several(person, reader, seen, "groups"),
        "state": person.detainee["state"],
        "rearrested": bool(person.detainee["rearrested"]),
        "rearrest_claimed": bool(person.detainee["rearrest_claimed"]),
        "died_on": _value(facts, "died_on"),
        "designation": _value(facts, "designation") or "unstated",
        "detentions": [
            detention(person, row, reader) for row in sorted(person.detentions, key=lambda row: row["ordinal"])
        ],
        "facts": facts | {name: fact for name, fact in seen.items() if name != "birth_date" or reader.restricted},
    }


def _several(person: Person, reader: Reader, seen: Facts, name: str) -> list[str] | None:
    """The values of a fact; empty where nobody says one, null where they are withheld."""
    value: list[str] | None = _value(seen, name)
    return value if value is not None else [] if reader.sees_fact(person.publish, name) else None


def detention(person: Person, row: Row, reader: Reader) -> Row:
    """One spell in custody, with the status and the sources by which it is counted among the held: who checked the
    release checked that the person had been inside."""
    spell = row["spell"]
    ids, facts = person.ids[spell], json.loads(row["facts"])
    seen = reader.facts(person.publish, person.spells.get(spell, {}))
    on, how = _value(facts, "ended_on"), _value(facts, "ended_how")
    said = [one for one in person.held_voices if one["spell"] == spell]
    return {
        "id": ids.detention,
        "detainee_id": person.ids[row["detainee"]].detainee,
        "release_id": ids.release if spell in person.releases else None,
        "country": row["country"],
        "facility": place(seen),
        "area": _value(seen, "area"),
        "detained_on": _value(facts, "detained_on"),
        "held_on": _value(facts, "held_on"),
        "legal_status": _value(seen, "legal_status"),
        "designation": row["designation"],
        "ended": {"on": on, "how": how} if on or how else None,
        "status": person.held[spell]["status"] if spell in person.held else None,
        "transfers": _value(seen, "transfers") or [],
        "verified_by": sorted(person.slugs[one["source"]] for one in said if one["verdict"] == "verified"),
        "reported_by": sorted(person.slugs[one["source"]] for one in said if one["verdict"] == "reported"),
        "disputed_dates": bool(row["disjoint_releases"]),
        "moved_at": person.moved.get(spell, []),
        "facts": facts | _without_release_facts(seen),
    }


RELEASE_FACTS = frozenset({"conditions", "destination"})


def _without_release_facts(seen: Facts) -> Facts:
    return {name: fact for name, fact in seen.items() if name not in RELEASE_FACTS and name not in BY_SOURCE}


def release(person: Person, row: Row, reader: Reader) -> Row:
    """A release with its status, who verified and who reported it, and each fact with who says so."""
    spell = row["spell"]
    ids, stored = person.ids[spell], json.loads(row["facts"])
    facts, stages = stored["facts"], stored["stages"]
    seen = reader.facts(person.publish, person.spells.get(spell, {}))
    here = stages[row["stage"]]
    return {
        "id": ids.release,
        "detainee_id": person.ids[row["detainee"]].detainee,
        "detention_id": ids.detention,
        "country": row["country"],
        "facility": place(seen),
        "stage": row["stage"],
        # The date of a stage that does not count is among the facts, with who says it, and not the release's.
        "released_on": _value(facts, "released_on") if row["stage"] == Stage.CARRIED_OUT else None,
        "ordered_on": _value(facts, "ordered_on") if row["stage"] != Stage.ANNOUNCED else None,
        "announced_on": _value(facts, "announced_on"),
        "kind": _value(facts, "kind") or "unspecified",
        "conditions": _value(seen, "conditions"),
        "destination": _value(seen, "destination"),
        "measures_lifted_on": _value(facts, "measures_lifted_on"),
        "status": row["status"],
        "stages": stages,
        "verified_by": here["verified_by"],
        "reported_by": here["reported_by"],
        "moved_at": person.moved.get(spell, []),
        "facts": facts | {name: fact for name, fact in seen.items() if name in RELEASE_FACTS},
    }


def verification(person: Person, row: Row, reader: Reader) -> Row:
    """One source's verdict. Evidence, and whoever is cited and is no source, may name people: they are shown where
    the person is."""
    said = json.loads(row["said"])
    seen = reader.facts(person.publish, person.spells.get(row["spell"], {}))
    slug = person.slugs[row["source"]]
    about = row["object"]
    unlisted = seen.get("citing_unlisted", {}).get(about, {}).get(slug)
    if unlisted:
        said["citing"] = sorted([*(cited for cited in said["citing"] if cited != UNLISTED), *unlisted])
    return {
        "id": uuid.uuid5(person.ids[row["record"]].release, f"verification of the {about}"),
        "source": slug,
        "verdict": row["verdict"],
        **said,
        "independent": bool(row["independent"]),
        "evidence": seen.get("evidence", {}).get(about, {}).get(slug),
    }
