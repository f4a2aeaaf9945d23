"""What the registry holds that a list can be laid beside, as far as its reader may see and recognise people.

Somebody is recognised by what the reader may see of them, and by the name where a report of this reader would be tied
to them (rule 12). Nothing else of them is compared: an exact birth date that agrees would be an exact birth date told.
"""

import json
import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import distinct, func, select
from sqlmodel import Session, col

from app.database import chunks
from app.errors import Invalid
from app.matching.lookup import BlockingQuery, look_up_each
from app.models import Placement, Record
from app.reading import records, shapes
from app.reading.countables import countable_of
from app.reading.shapes import Person
from app.reading.terms import SourcedTerms
from app.reading.visibility import at, visible
from app.registry.content import Content
from app.registry.policy import Facts, Reader
from app.registry.records import by_cases, case_digest
from app.registry.views import Views
from app.vocabulary import Verdict
from app.wire.matching import SpellIds

Row = dict[str, Any]

# Detentions of the registry that one list is laid beside: a country's, or its releases of a year. More is no
# comparison that anybody reads.
MOST_THEIRS = 20_000
TOO_MANY = (
    f"More than {MOST_THEIRS:,} detentions of the registry would be laid beside this list: ask for one country, or for "
    "fewer days of release (released_from, released_to)."
)


@dataclass(frozen=True)
class Own:
    """What stands under one's own case number, and where it stands."""

    report: uuid.UUID
    content: Content
    spell: int
    detainee: int


@dataclass(frozen=True)
class VisibleStatement:
    """What one source says of a detention and whom it was of, as far as the reader may see it. `states`: of its own
    knowledge, as an independent source (`weighing.Witness`)."""

    source: str
    states: bool
    content: Content


@dataclass(frozen=True)
class Spell:
    """One detention as the reader may see it. `names`: what its person can be recognised by besides; None where the
    reader must not learn that it met them. `independent`: whether a source that is reports the person.
    `statements`: what each source says that may say who this is."""

    key: int
    ids: SpellIds
    content: Content
    names: Content | None
    independent: bool
    statements: tuple[VisibleStatement, ...] = ()


def within(session: Session, asked: SourcedTerms, reader: Reader, revision: int) -> tuple[dict[int, int], int]:
    """Spell → person of the releases asked for, or of the detentions that a day is asked of, and how many more are
    withheld. Raises Invalid."""
    selection = countable_of(asked).select(session, asked, reader, revision)
    spell, detainee = selection.columns.spell, selection.columns.detainee
    seen = visible(reader, detainee, revision)
    rows = session.execute(selection.rows(spell, detainee).where(selection.inside, seen).limit(MOST_THEIRS + 1)).all()
    if len(rows) > MOST_THEIRS:
        raise Invalid.at("", "too_many", TOO_MANY)
    unseen = selection.rows(func.count(distinct(spell))).where(selection.inside, ~seen)
    return {row[0]: row[1] for row in rows}, session.scalars(unseen).one()


def alike(session: Session, lines: Iterable[tuple[Collection[str], int | None]], revision: int) -> set[int]:
    """The people whom lines may speak of, found by the keys and the year of birth of each, as a report's are."""
    found = {one.record for some in look_up_each(session, [BlockingQuery(*line) for line in lines]) for one in some}
    people: set[int] = set()
    for among in chunks(found):
        held = select(col(Placement.detainee)).where(col(Placement.record).in_(among), at(Placement, revision))
        people |= set(session.scalars(held))
    return people


def own(session: Session, secret: bytes, source: int, cases: Sequence[str], revision: int) -> dict[str, Own]:
    """Case number → what stands under it of one's own reports."""
    digests = {case_digest(secret, source, case): case for case in cases}
    stood = {digests[digest]: found for digest, found in by_cases(session, digests).items() if not found.redacted}
    places: dict[uuid.UUID, tuple[int, int]] = {}
    for among in chunks([found.record for found in stood.values()]):
        placed = (
            select(col(Record.id), col(Placement.spell), col(Placement.detainee))
            .join(Placement, col(Placement.record) == col(Record.key))
            .where(col(Record.id).in_(among), at(Placement, revision))
        )
        places |= {record: (spell, detainee) for record, spell, detainee in session.execute(placed)}
    return {
        case: Own(found.record, found.content, *places[found.record])
        for case, found in stood.items()
        if found.record in places  # one that came in since the revision has none
    }


def spells(session: Session, detainees: Collection[int], reader: Reader, revision: int) -> Iterator[Spell]:
    """Every detention of these people, those of people whom the reader may not see left out."""
    independent = frozenset(view.slug for view in Views.of(session).sources.values() if view.independent)
    for among in chunks(detainees):
        for person in records.people(session, among, revision).values():
            if reader.sees_person(person.publish):
                yield from _of_person(person, reader, independent)


def _of_person(person: Person, reader: Reader, independent: frozenset[str]) -> Iterator[Spell]:
    shown = shapes.detainee(person, reader)
    born = shown["facts"].get("birth_date", {}).get("value") or shown["birth_year"]
    about = {
        "detainee.full_name": shown["name"],
        "detainee.birth_date": None if born is None else str(born),
        "detainee.gender": shown["gender"],
        "detainee.nationalities": shown["nationalities"],
    }
    names = _names(person, independent) if reader.recognises(person.publish) else None
    heard = not independent.isdisjoint(_reporting(person))
    rows = sorted(person.detentions, key=lambda row: int(row["ordinal"]))
    for row, detention in zip(rows, shown["detentions"], strict=True):
        release = person.releases.get(row["spell"])
        ended = {} if release is None else shapes.release(person, release, reader)
        said = {
            **about,
            # An age is told for the last of them.
            "detainee.age": shown["age"] if row is rows[-1] else None,
            **{f"detention.{name}": detention[name] for name in ("country", "detained_on", "held_on")},
            "detention.facility": _named(detention["facility"]),
            **{f"release.{name}": ended.get(name) for name in OF_A_RELEASE},
        }
        standing = ended or detention
        ids: SpellIds = {
            "detainee_id": shown["id"],
            "detention_id": detention["id"],
            "release_id": detention["release_id"],
            "status": standing["status"],
            "verified_by": standing["verified_by"],
            "reported_by": standing["reported_by"],
        }
        content = {name: value for name, value in said.items() if value not in (None, [])}
        facts = {"detainee": shown["facts"], "detention": detention["facts"], "release": ended.get("facts", {})}
        spoken = _speaking(person, row["spell"], independent if heard else None)
        statements = tuple(
            VisibleStatement(slug, states, _said_by(slug, content, facts)) for slug, states in sorted(spoken.items())
        )
        yield Spell(row["spell"], ids, content, names, heard, statements)


def _speaking(person: Person, spell: int, among: frozenset[str] | None) -> dict[str, bool]:
    """The sources whose word on a spell stands, of those given or of all, and whether each has it of itself."""
    spoken: dict[str, bool] = {}
    for row in person.verifications:
        slug = person.slugs[row["source"]]
        if row["spell"] == spell and row["verdict"] != Verdict.RETRACTED and (among is None or slug in among):
            spoken[slug] = spoken.get(slug, False) or bool(row["independent"])
    return spoken


def _said_by(slug: str, content: Content, facts: dict[str, Facts]) -> Content:
    """What stands of a detention, with what this source says instead of what all say together. Where the reader may
    not see who says which birth, what may be seen of it stands for everybody's."""
    own = {name: _word_of(slug, facts[name.partition(".")[0]].get(name.partition(".")[2])) for name in TELLING}
    if "birth_date" not in facts["detainee"]:
        del own["detainee.birth_date"]
    return {name: value for name, value in (content | own).items() if value is not None}


def _word_of(slug: str, fact: Row | None) -> Any:
    return next((one["value"] for one in (fact or {}).get("said", ()) if slug in one["by"]), None)


def _named(place: str | Row | None) -> str | None:
    """A place by its slug, or as it was said."""
    return place["said"] if isinstance(place, dict) else place


# What a source may say that tells who somebody is, beside the name.
TELLING = (
    "detainee.birth_date", "detainee.age", "detainee.age_on", "detainee.gender", "detainee.nationalities",
    "detention.detained_on", "release.released_on",
)  # fmt: skip
OF_A_RELEASE = ("stage", "announced_on", "ordered_on", "released_on", "kind")


def _names(person: Person, independent: frozenset[str]) -> Content:
    """Every spelling of the name, and the aliases. Whom an independent source reports is called what such sources say,
    if they name nobody too: a state must not put a name of its own choice on somebody whom others report."""
    facts: Facts = json.loads(person.personal["facts"]) if person.personal else {}
    heard = _reporting(person) & independent

    def said(name: str) -> list[Any]:
        told = facts.get(name, {}).get("said", [])
        return [one["value"] for one in told if not heard or heard.intersection(one["by"])]

    names, aliases = said("full_name"), sorted({alias for some in said("aliases") for alias in some})
    return {"detainee.full_name": names[0] if names else None, "detainee.aliases": names[1:] + aliases}


def _reporting(person: Person) -> set[str]:
    """The sources whose word on the person stands."""
    return {person.slugs[row["source"]] for row in person.verifications if row["verdict"] != Verdict.RETRACTED}
