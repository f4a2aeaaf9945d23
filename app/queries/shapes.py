"""Wire shapes of detainees, detentions, releases and verifications (pure): rows in, what this reader may see out."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from typing_extensions import TypedDict

from app.log.content import UNLISTED
from app.projection.consolidate import value_of
from app.projection.person import BySource
from app.registry.publication.permissions import Reader
from app.registry.records import Kind
from app.schemas.base import Facts
from app.schemas.records import (
    DetaineeShape,
    DetentionShape,
    PlaceAsSaid,
    ReleaseShape,
    StageOut,
    StatedRelease,
    VerificationOut,
)
from app.vocabulary import Designation, Publish, ReleaseKind, ReleaseStatus, Stage, State, Verdict


@dataclass(frozen=True)
class Ids:
    """The public ids that derive from one record."""

    detainee: uuid.UUID
    detention: uuid.UUID
    release: uuid.UUID


class DetaineeRow(TypedDict):
    """Columns of `Detainee`; `publish` is the class at that revision."""

    detainee: int
    publish: Publish
    state: State
    rearrested: bool
    rearrest_claimed: bool
    facts: Facts


class DetentionRow(TypedDict):
    """Columns of `Detention`."""

    detainee: int
    country: str | None
    designation: Designation
    disjoint_releases: bool
    facts: Facts


class ReleaseRow(TypedDict):
    """Columns of `Release`; its JSON holds `facts` and `stages`."""

    detainee: int
    stage: Stage
    status: ReleaseStatus | None
    country: str | None
    facts: Facts
    stages: dict[Stage, StageOut]


class SourceDetentionRow(TypedDict):
    """Columns of `SourceDetention`: what one source says of a detention."""

    spell: int
    source: int
    verdict: Verdict


class VerificationRow(TypedDict):
    """Columns of `Verification`."""

    spell: int
    object: str
    source: int
    record: int
    verdict: Verdict
    independent: bool
    said: StatedRelease


@dataclass
class Person:
    """All rows of one person at a revision, by table, their JSON read; `publish` is today's class (CLASSES_OF_TODAY).

    By spell: `detentions`, the first one first; `spells`, the personal facts of a detention and its release, and
    `by_source`, what no consolidation touches; `held`, the status by which a detention is counted among the held."""

    publish: str
    detainee: DetaineeRow
    personal: Facts = field(default_factory=dict)
    detentions: dict[int, DetentionRow] = field(default_factory=dict)
    spells: dict[int, Facts] = field(default_factory=dict)
    by_source: dict[int, BySource] = field(default_factory=dict)
    releases: dict[int, ReleaseRow] = field(default_factory=dict)
    verifications: list[VerificationRow] = field(default_factory=list)
    held: dict[int, ReleaseStatus | None] = field(default_factory=dict)
    held_by_source: list[SourceDetentionRow] = field(default_factory=list)
    ids: dict[int, Ids] = field(default_factory=dict)
    moved: dict[int, list[int]] = field(default_factory=dict)
    slugs: dict[int, str] = field(default_factory=dict)

    def facts_of(self, spell: int, reader: Reader) -> Facts:
        """The personal facts of a spell that the reader may see."""
        return reader.facts(self.publish, self.spells.get(spell, {}))


def place(seen: Facts) -> str | PlaceAsSaid | None:
    """The registered facility by its slug; a place that nobody registered as it was said, for whom it may be shown."""
    slug: str | None = value_of(seen, "facility")
    name = value_of(seen, "facility_as_said")
    return slug if slug or name is None else as_said(name)


def as_said(name: str) -> PlaceAsSaid:
    """A place that nobody registered."""
    return {"slug": None, "said": name}


def detainee(person: Person, reader: Reader) -> DetaineeShape:
    """A detainee; what the reader may not see is null."""
    row = person.detainee
    facts = row["facts"]
    seen = reader.facts(person.publish, person.personal)
    return {
        "id": person.ids[row["detainee"]].detainee,
        "publish": reader.shown_as(person.publish),
        "name": value_of(seen, "full_name"),
        "aliases": _several(person, reader, seen, "aliases"),
        "age": value_of(seen, "age"),
        "birth_year": reader.birth_year(person.publish, person.personal),
        "gender": value_of(seen, "gender"),
        "nationalities": _several(person, reader, seen, "nationalities"),
        "category": value_of(seen, "category"),
        "groups": _several(person, reader, seen, "groups"),
        "state": row["state"],
        "rearrested": bool(row["rearrested"]),
        "rearrest_claimed": bool(row["rearrest_claimed"]),
        "died_on": value_of(facts, "died_on"),
        "designation": value_of(facts, "designation") or Designation.UNSTATED,
        "detentions": [detention(person, spell, reader) for spell in person.detentions],
        "facts": facts | {name: fact for name, fact in seen.items() if name != "birth_date" or reader.restricted},
    }


def _several(person: Person, reader: Reader, seen: Facts, name: str) -> list[str] | None:
    """The values of a fact; empty where nobody states one, null where they are withheld."""
    value: list[str] | None = value_of(seen, name)
    return value if value is not None else [] if reader.sees_fact(person.publish, name) else None


def detention(person: Person, spell: int, reader: Reader) -> DetentionShape:
    """One spell in custody, with the status and the sources by which it is counted among the held. A source that
    verified the release counts: it verified that the person had been inside."""
    row = person.detentions[spell]
    ids, facts = person.ids[spell], row["facts"]
    seen = person.facts_of(spell, reader)
    facts = facts | {name: fact for name, fact in seen.items() if name not in RELEASE_FACTS}
    on, how = value_of(facts, "ended_on"), value_of(facts, "ended_how")
    return {
        "id": ids.detention,
        "detainee_id": person.ids[row["detainee"]].detainee,
        "release_id": ids.release if spell in person.releases else None,
        "country": row["country"],
        "facility": place(seen),
        "area": value_of(seen, "area"),
        "detained_on": value_of(facts, "detained_on"),
        "held_on": value_of(facts, "held_on"),
        "legal_status": value_of(seen, "legal_status"),
        "designation": row["designation"],
        "ended": {"on": on, "how": how} if on or how else None,
        "status": person.held.get(spell),
        "transfers": value_of(seen, "transfers") or [],
        "verified_by": _held_by(person, spell, Verdict.VERIFIED),
        "reported_by": _held_by(person, spell, Verdict.REPORTED),
        "disputed_dates": bool(row["disjoint_releases"]),
        "moved_at": person.moved.get(spell, []),
        "facts": facts,
    }


def _held_by(person: Person, spell: int, verdict: Verdict) -> list[str]:
    """The sources with this verdict on a detention."""
    rows = (row for row in person.held_by_source if row["spell"] == spell and row["verdict"] == verdict)
    return sorted(person.slugs[row["source"]] for row in rows)


RELEASE_FACTS = frozenset({"conditions", "destination"})


def release(person: Person, spell: int, reader: Reader) -> ReleaseShape:
    """A release with its status, its verifying and its reporting sources, and each fact with the sources of it."""
    row = person.releases[spell]
    ids, facts = person.ids[spell], row["facts"]
    seen = person.facts_of(spell, reader)
    here = row["stages"][row["stage"]]
    return {
        "id": ids.release,
        "detainee_id": person.ids[row["detainee"]].detainee,
        "detention_id": ids.detention,
        "country": row["country"],
        "facility": place(seen),
        "stage": row["stage"],
        # The date of a stage that does not count is among the facts, with its sources, and not the release's.
        "released_on": value_of(facts, "released_on") if row["stage"] == Stage.CARRIED_OUT else None,
        "ordered_on": value_of(facts, "ordered_on") if row["stage"] != Stage.ANNOUNCED else None,
        "announced_on": value_of(facts, "announced_on"),
        "kind": value_of(facts, "kind") or ReleaseKind.UNSPECIFIED,
        "conditions": value_of(seen, "conditions"),
        "destination": value_of(seen, "destination"),
        "measures_lifted_on": value_of(facts, "measures_lifted_on"),
        "status": row["status"],
        "stages": row["stages"],
        "verified_by": here["verified_by"],
        "reported_by": here["reported_by"],
        "moved_at": person.moved.get(spell, []),
        "facts": facts | {name: fact for name, fact in seen.items() if name in RELEASE_FACTS},
    }


def detainee_of(person: Person, _key: int, reader: Reader) -> DetaineeShape:
    """`detainee` in the form of the other shapes, whose key is the spell's: here it is the person's."""
    return detainee(person, reader)


Row = TypeVar("Row")
Shape = Callable[[Person, int, Reader], Row]
SHAPES: dict[Kind, Shape[DetaineeShape | DetentionShape | ReleaseShape]] = {
    "detainee": detainee_of,
    "detention": detention,
    "release": release,
}


def verification(person: Person, row: VerificationRow, reader: Reader) -> VerificationOut:
    """One source's verdict. Evidence may name people, and so may a citation of what is no source here: both are shown
    where the person is."""
    about, slug = row["object"], person.slugs[row["source"]]

    def own(name: str) -> Any:
        """What this source alone stated, where the reader may see that of the person."""
        by_object = person.by_source.get(row["spell"], {}).get(name, {})
        return by_object.get(about, {}).get(slug) if reader.sees_fact(person.publish, name) else None

    stated, unlisted = row["said"], own("citing_unlisted")
    stated = {**stated, "method": stated["method"] or own("method")}
    if unlisted:
        listed = [cited for cited in stated["citing"] if cited != UNLISTED]
        stated = {**stated, "citing": sorted([*listed, *unlisted])}
    return {
        "id": uuid.uuid5(person.ids[row["record"]].release, f"verification of the {about}"),
        "source": slug,
        "verdict": row["verdict"],
        **stated,
        "independent": bool(row["independent"]),
        "evidence": own("evidence"),
    }
