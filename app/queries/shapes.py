"""Build the response shapes of detainees, detentions, releases and verifications from rows, limited to what the reader
may see."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, TypeVar

from sqlmodel import Session
from typing_extensions import TypedDict

from app import dates
from app.dates import format_instant
from app.log.content import UNLISTED_SOURCE
from app.log.entries import load_recorded_at
from app.projection import RULES
from app.projection.consolidate import get_fact_value
from app.projection.person import ValuesBySource
from app.registry.publication.permissions import Reader
from app.registry.records import TargetKind
from app.schemas.base import Fact, Facts, RevisionOut
from app.schemas.records import (
    DetaineeShape,
    DetentionShape,
    PlaceAsSaid,
    ReleaseShape,
    StageOut,
    StatedRelease,
    VerificationShape,
)
from app.vocabulary import Designation, Publish, ReleaseKind, ReleaseStatus, Stage, State, Verdict


def build_revision_out(session: Session, revision: int) -> RevisionOut:
    """Return a revision with its date and the counting rules. Before the first entry there is no date."""
    recorded_at = format_instant(load_recorded_at(session, revision)) if revision else None
    return {"revision": revision, "recorded_at": recorded_at, "rules": RULES}


@dataclass(frozen=True)
class Ids:
    """The public ids that derive from one record."""

    detainee: uuid.UUID
    detention: uuid.UUID
    release: uuid.UUID


class StoredRow(TypedDict):
    """Columns of every projected table. `since`: the revision that wrote the row."""

    detainee: int
    since: int


class StoredDetainee(StoredRow):
    """Columns of `Detainee`; `publish` is the class at that revision."""

    publish: Publish
    state: State
    rearrested: bool
    rearrest_claimed: bool
    facts: Facts


class StoredDetention(StoredRow):
    """Columns of `Detention`."""

    country: str | None
    designation: Designation
    disjoint_releases: bool
    facts: Facts


class StoredRelease(StoredRow):
    """Columns of `Release`; its JSON has `facts` and `stages`."""

    stage: Stage
    status: ReleaseStatus | None
    country: str | None
    facts: Facts
    stages: dict[Stage, StageOut]


class StoredDetentionState(StoredRow):
    """Columns of `DetentionState`: the status in counts of people held."""

    status: ReleaseStatus | None


class StoredSourceDetention(StoredRow):
    """Columns of `SourceDetention`: one source's verdict on a detention."""

    spell: int
    source: int
    verdict: Verdict


class StoredVerification(StoredRow):
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
    """All rows of one person at a revision, by table, with their JSON parsed; `publish` is today's class
    (CURRENT_CLASSES).

    By spell: `detentions`, earliest first; `spell_facts`, the personal facts of a detention and its release;
    `by_source`, fields that are never consolidated. `personal_since`, `spell_since`: the revisions that wrote the
    personal facts."""

    publish: str
    detainee: StoredDetainee
    personal: Facts = field(default_factory=dict)
    detentions: dict[int, StoredDetention] = field(default_factory=dict)
    spell_facts: dict[int, Facts] = field(default_factory=dict)
    by_source: dict[int, ValuesBySource] = field(default_factory=dict)
    releases: dict[int, StoredRelease] = field(default_factory=dict)
    verifications: list[StoredVerification] = field(default_factory=list)
    detention_states: dict[int, StoredDetentionState] = field(default_factory=dict)
    held_by_source: list[StoredSourceDetention] = field(default_factory=list)
    ids: dict[int, Ids] = field(default_factory=dict)
    moves: dict[int, list[int]] = field(default_factory=dict)
    slugs: dict[int, str] = field(default_factory=dict)
    personal_since: int = 0
    spell_since: dict[int, int] = field(default_factory=dict)

    def get_visible_facts(self, spell: int, reader: Reader) -> Facts:
        """Return the personal facts of a spell that the reader may see."""
        return reader.filter_facts(self.publish, self.spell_facts.get(spell, {}))

    def list_verdicts(self, spell: int, object_kind: str) -> list[StoredVerification]:
        """Return the verdicts on a release or detention, by source."""
        rows = [row for row in self.verifications if row["spell"] == spell and row["object"] == object_kind]
        return sorted(rows, key=lambda row: self.slugs[row["source"]])


def build_place(visible_facts: Facts) -> str | PlaceAsSaid | None:
    """Return the slug of the registered facility, or the stated name of an unregistered place, if the reader may see
    it."""
    slug: str | None = get_fact_value(visible_facts, "facility")
    name = get_fact_value(visible_facts, "facility_as_said")
    return slug if slug or name is None else build_unregistered_place(name)


def build_unregistered_place(name: str) -> PlaceAsSaid:
    """Return the shape of an unregistered place."""
    return {"slug": None, "said": name}


def build_detainee_shape(person: Person, reader: Reader) -> DetaineeShape:
    """Build a detainee; values hidden from the reader are null."""
    row = person.detainee
    facts = row["facts"]
    visible_facts = reader.filter_facts(person.publish, person.personal)
    return {
        "id": person.ids[row["detainee"]].detainee,
        "publish": reader.get_shown_class(person.publish),
        "name": get_fact_value(visible_facts, "full_name"),
        "aliases": _list_values(person, reader, visible_facts, "aliases"),
        "age": get_fact_value(visible_facts, "age"),
        "birth_year": reader.get_birth_year(person.publish, person.personal),
        "gender": get_fact_value(visible_facts, "gender"),
        "nationalities": _list_values(person, reader, visible_facts, "nationalities"),
        "category": get_fact_value(visible_facts, "category"),
        "groups": _list_values(person, reader, visible_facts, "groups"),
        "state": row["state"],
        "rearrested": bool(row["rearrested"]),
        "rearrest_claimed": bool(row["rearrest_claimed"]),
        "died_on": get_fact_value(facts, "died_on"),
        "designation": get_fact_value(facts, "designation") or Designation.UNSTATED,
        "detentions": [build_detention_shape(person, spell, reader) for spell in person.detentions],
        "facts": facts | visible_facts,
    }


def _list_values(person: Person, reader: Reader, visible_facts: Facts, name: str) -> list[str] | None:
    """Return the values of a fact; empty if nobody states one, null if they are withheld."""
    value: list[str] | None = get_fact_value(visible_facts, name)
    return value if value is not None else [] if reader.can_see_fact(person.publish, name) else None


def build_detention_shape(person: Person, spell: int, reader: Reader) -> DetentionShape:
    """Build one spell in custody, with the status and the sources that count it among people held.

    A source that verified the release counts too: it verified that the person had been in custody."""
    row = person.detentions[spell]
    ids, facts = person.ids[spell], row["facts"]
    visible_facts = person.get_visible_facts(spell, reader)
    facts = facts | {name: fact for name, fact in visible_facts.items() if name not in RELEASE_FACTS}
    ended_on, ended_how = get_fact_value(facts, "ended_on"), get_fact_value(facts, "ended_how")
    return {
        "id": ids.detention,
        "detainee_id": person.ids[row["detainee"]].detainee,
        "release_id": ids.release if spell in person.releases else None,
        "country": row["country"],
        "facility": build_place(visible_facts),
        "area": get_fact_value(visible_facts, "area"),
        "detained_on": get_fact_value(facts, "detained_on"),
        "held_on": get_fact_value(facts, "held_on"),
        "legal_status": get_fact_value(visible_facts, "legal_status"),
        "designation": row["designation"],
        "ended": {"on": ended_on, "how": ended_how} if ended_on or ended_how else None,
        "status": person.detention_states[spell]["status"] if spell in person.detention_states else None,
        "transfers": get_fact_value(visible_facts, "transfers") or [],
        "verified_by": _list_held_sources(person, spell, Verdict.VERIFIED),
        "reported_by": _list_held_sources(person, spell, Verdict.REPORTED),
        "disputed_dates": bool(row["disjoint_releases"])
        or any(_is_disputed(facts[name]) for name in ("detained_on", "ended_on") if name in facts),
        "moved_at": person.moves.get(spell, []),
        "facts": facts,
    }


def _is_disputed(fact: Fact) -> bool:
    """Return whether sources give dates that cannot both be right."""
    days = [dates.parse_date(said["value"]) for said in fact["said"]]
    return any(not a.overlaps(b) for a, b in combinations(days, 2))


def _list_held_sources(person: Person, spell: int, verdict: Verdict) -> list[str]:
    """Return the sources with this verdict on a detention."""
    rows = (row for row in person.held_by_source if row["spell"] == spell and row["verdict"] == verdict)
    return sorted(person.slugs[row["source"]] for row in rows)


RELEASE_FACTS = frozenset({"conditions", "destination"})


def build_release_shape(person: Person, spell: int, reader: Reader) -> ReleaseShape:
    """Build a release with its status, its verifying and reporting sources, and each fact with its sources."""
    row = person.releases[spell]
    ids, facts = person.ids[spell], row["facts"]
    visible_facts = person.get_visible_facts(spell, reader)
    other_stages = dict(row["stages"])
    own_stage = other_stages.pop(row["stage"])
    return {
        "id": ids.release,
        "detainee_id": person.ids[row["detainee"]].detainee,
        "detention_id": ids.detention,
        "country": row["country"],
        "facility": build_place(visible_facts),
        "stage": row["stage"],
        # The date of a stage that does not count is among the facts with its sources, but is not the release's date.
        "released_on": get_fact_value(facts, "released_on") if row["stage"] == Stage.CARRIED_OUT else None,
        "ordered_on": get_fact_value(facts, "ordered_on") if row["stage"] != Stage.ANNOUNCED else None,
        "announced_on": get_fact_value(facts, "announced_on"),
        "kind": get_fact_value(facts, "kind") or ReleaseKind.UNSPECIFIED,
        "conditions": get_fact_value(visible_facts, "conditions"),
        "destination": get_fact_value(visible_facts, "destination"),
        "measures_lifted_on": get_fact_value(facts, "measures_lifted_on"),
        "status": own_stage["status"],
        "verified_by": own_stage["verified_by"],
        "denied_by": own_stage["denied_by"],
        "independent": own_stage["independent"],
        "reported_by": own_stage["reported_by"],
        "stages": other_stages,
        "moved_at": person.moves.get(spell, []),
        "facts": facts | {name: fact for name, fact in visible_facts.items() if name in RELEASE_FACTS},
    }


def build_detainee_shape_by_key(person: Person, _key: int, reader: Reader) -> DetaineeShape:
    """Build a detainee with the signature of the other builders, whose key is the spell's; here it is the person's."""
    return build_detainee_shape(person, reader)


Row = TypeVar("Row")
ShapeBuilder = Callable[[Person, int, Reader], Row]
SHAPE_BUILDERS: dict[TargetKind, ShapeBuilder[DetaineeShape | DetentionShape | ReleaseShape]] = {
    "detainee": build_detainee_shape_by_key,
    "detention": build_detention_shape,
    "release": build_release_shape,
}


def build_verification_shape(person: Person, row: StoredVerification, reader: Reader) -> VerificationShape:
    """Build one source's verdict. Evidence and citations of unregistered sources may name people, so they follow the
    person's visibility."""
    object_kind, slug = row["object"], person.slugs[row["source"]]

    def get_own_value(name: str) -> Any:
        """Return a value that only this source stated, if the reader may see it."""
        by_object = person.by_source.get(row["spell"], {}).get(name, {})
        return by_object.get(object_kind, {}).get(slug) if reader.can_see_fact(person.publish, name) else None

    values, unlisted_sources = row["said"], get_own_value("citing_unlisted")
    values = {**values, "method": values["method"] or get_own_value("method")}
    if unlisted_sources:
        listed_sources = [source for source in values["citing"] if source != UNLISTED_SOURCE]
        values = {**values, "citing": sorted([*listed_sources, *unlisted_sources])}
    return {
        "id": uuid.uuid5(person.ids[row["record"]].release, f"verification of the {object_kind}"),
        "source": slug,
        "verdict": row["verdict"],
        **values,
        "independent": bool(row["independent"]),
        "evidence": get_own_value("evidence"),
    }
